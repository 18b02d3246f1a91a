#pragma once
/*
 * A bus in a throw-away folder, as core would leave it: entries in the journal, what the fold made of them in the state. For
 * the tests of serve; what the fold really makes is tested with the fold.
 */
#include "carebus/v1/journal.pb-c.h"
#include "config/config.h"
#include "daemon/sharing/sharing.h"
#include "daemon/store/journal.h"
#include "daemon/store/state.h"

typedef struct SmallBus {
        char folder[64];
        char journal_folder[96], state_folder[96];
        Journal *journal;
        State *state;
        uint64_t seq; /* newest */
        uint64_t settings_mark;
} SmallBus;

void small_bus_init(SmallBus *bus);
void small_bus_deinit(SmallBus *bus);

/* An entry with `n_events` events of this source, about `patient_id` (may be NULL). Gives its number. */
uint64_t small_bus_add(SmallBus *bus, const char *source, size_t n_events, const char *patient_id);
/* A submission that published nothing: a duplicate of an earlier one, or quarantined for a reason. */
uint64_t small_bus_add_duplicate(SmallBus *bus, const char *source, uint64_t of);
uint64_t small_bus_add_quarantined(SmallBus *bus, const char *source, const char *reason);
/* A decision that publishes the events of an earlier entry of `source` again. */
uint64_t small_bus_add_republishing(SmallBus *bus, const char *source, uint64_t earlier, size_t n_events);
/* An entry whose outcome has one derived event beside its own. */
uint64_t small_bus_add_with_derived(SmallBus *bus, const char *source, const char *type);
/* The same with a notice of the bus about decisions, that names this event. */
uint64_t small_bus_add_with_notice(SmallBus *bus, const char *source, const char *type, const char *event_id);
/* History: three events, of which one says what was said before, and a derived one. */
uint64_t small_bus_add_loaded(SmallBus *bus, const char *source, uint32_t confirms);

/* Two sources (alpha, beta), three teams: `both` sees both, `one` sees alpha, `none` nothing. Teams are indexes 0, 1, 2. */
enum { TEAM_BOTH, TEAM_ONE, TEAM_NONE };
Config *small_config_new(void);
/* Everything that the configuration allows is folded. */
Sharing *small_sharing_new(const Config *config);
/* received_at of an entry. */
int64_t small_bus_time(uint64_t seq);
/* Settings as the fold keeps them: every team may read every source named. */
void small_bus_set_settings(SmallBus *bus, const char *const *teams, const char *const *sources);
