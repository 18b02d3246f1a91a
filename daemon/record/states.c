#include "daemon/record/states.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/overview-parts.h"
#include "daemon/record/read.h"
#include "daemon/record/ring.h"
#include "daemon/record/source-silence.h"
#include "daemon/store/state-keys.h"
#include "proto/types.h"

#define SILENT_AFTER_UNTIL_KNOWN (24 * SILENCE_HOUR)

/* ---- sources ------------------------------------------------------------------------------------------------------------------ */

/* Since when it is silent; 0: it is not. Who was never heard as things happen is not silent: it has not begun. */
static int64_t silent_since(StateTxn *txn, const Carebus__V1__RecordSource *source, int64_t silent_after, int64_t now) {
        SourceSilence silence;
        SilenceHabit habit;

        if (!source->has_heard_since_at || !source->has_last_heard_at)
                return 0;
        if (silent_after == RECORD_PATIENCE_OF_HABIT) {
                if (source_silence_read(txn, source->name, &silence) == 0 && silence.silent_since_at)
                        return silence.silent_since_at;
                if (source_silence_read_habit(txn, source->name, &habit) == 0 &&
                    source_silence_usual(&habit, now / SILENCE_HOUR) > 0)
                        return 0;
                silent_after = SILENT_AFTER_UNTIL_KNOWN;
        }
        return silent_after > 0 && now - source->last_heard_at > silent_after ? source->last_heard_at : 0;
}

static void source_state(StateTxn *txn, Carebus__V1__RecordSource *source, const RecordPatience *patience,
                         int64_t now) {
        source->last_heard_at = (int64_t)state_count_get(txn, source->name, RECORD_COUNT_LAST_HEARD_AT);
        source->has_last_heard_at = source->last_heard_at != 0;
        source->silent_since_at = silent_since(txn, source, patience->silent_after(patience->owner, source->name), now);
        source->has_silent_since_at = source->silent_since_at != 0;
        source->not_understood = state_count_get(txn, source->name, RECORD_COUNT_NOT_UNDERSTOOD);
        source->has_not_understood = source->not_understood > 0;
        source->has_not_understood_since_at = source->has_not_understood;
        source->not_understood_since_at = source->has_not_understood
                                                  ? (int64_t)state_count_get(txn, source->name,
                                                                             RECORD_COUNT_NOT_UNDERSTOOD_SINCE_AT)
                                                  : 0;
}

/* ---- sections ----------------------------------------------------------------------------------------------------------------- */

typedef struct Stating {
        const Carebus__V1__Record *record;
        Carebus__V1__SectionState *state;
        bool value, none, silent, not_understood, heard;
        bool not_followed; /* nothing of this section is kept of them */
        RecordSight sight;
        Arena *arena;
} Stating;

static bool speaks_of(const Carebus__V1__Section *section, const char *source) {
        for (size_t i = 0; section && i < section->n_facts; i++)
                if (fact_is_meant(section->facts[i]) && text_equal(section->facts[i]->source, source))
                        return true;
        return false;
}

static Carebus__V1__SectionSource *source_say(Stating *s, const Carebus__V1__RecordSource *source, const char *state) {
        Carebus__V1__SectionSource *said = message_new(&carebus__v1__section_source__descriptor, s->arena);

        if (!said || list_append((void ***)&s->state->sources, &s->state->n_sources, said, s->arena) < 0)
                return NULL;
        said->name = source->name;
        said->state = (char *)state;
        return said;
}

static Carebus__V1__SectionSource *source_say_since(Stating *s, const Carebus__V1__RecordSource *source,
                                                    const char *state, int64_t since_at) {
        Carebus__V1__SectionSource *said = source_say(s, source, state);

        if (said) {
                said->has_since_at = true;
                said->since_at = since_at;
        }
        return said;
}

/* What one source leaves open in this section. */
static int source_tell(Stating *s, const Carebus__V1__RecordSource *source, bool speaks) {
        Carebus__V1__SectionSource *said;

        if (s->sight == RECORD_HIDDEN || s->not_followed)
                return 0;
        if (!source->has_heard_since_at && !speaks && !source_say(s, source, SECTION_NOT_HEARD_YET))
                return -ENOMEM;
        s->heard = s->heard || source->has_heard_since_at;
        /* A section with something held never reads as empty. */
        if (source->has_heard_since_at && !speaks && s->state->held == 0 && s->sight == RECORD_WHOLE) {
                s->none = true;
                if (!source_say_since(s, source, SECTION_NONE_RECORDED, source->heard_since_at))
                        return -ENOMEM;
        }
        if (source->has_silent_since_at) {
                s->silent = true;
                if (!source_say_since(s, source, SECTION_SILENT, source->silent_since_at))
                        return -ENOMEM;
        }
        if (!source->has_not_understood)
                return 0;
        s->not_understood = true;
        said = source_say_since(s, source, SECTION_NOT_UNDERSTOOD, source->not_understood_since_at);
        if (!said)
                return -ENOMEM;
        said->has_messages = true;
        said->messages = source->not_understood;
        return 0;
}

static int states_write(Stating *s) {
        const struct {
                bool is;
                const char *word;
        } words[] = {
                { s->value, SECTION_VALUE },
                { !s->value && s->none, SECTION_NONE_RECORDED },
                { s->not_followed && s->sight != RECORD_HIDDEN, SECTION_NOT_FOLLOWED },
                { s->sight != RECORD_HIDDEN && !s->not_followed && !s->value && !s->none && s->state->held == 0 &&
                          !s->heard,
                  SECTION_NOT_HEARD_YET },
                { s->state->held > 0, SECTION_HELD },
                { s->silent, SECTION_SILENT },
                { s->not_understood, SECTION_NOT_UNDERSTOOD },
                { s->sight == RECORD_HIDDEN, SECTION_HIDDEN },
                { s->sight == RECORD_PART, SECTION_PART_HIDDEN },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (words[i].is &&
                    list_append((void ***)&s->state->states, &s->state->n_states, (void *)words[i].word, s->arena) < 0)
                        return -ENOMEM;
        return 0;
}

/* Whoever owns a source may know more: the same for everybody's record. */
typedef struct Owners {
        const RecordEyes *eyes;
        Carebus__V1__ContactPoint **points;
        size_t n_points;
} Owners;

/* Stays, deaths and merges are kept of everybody. */
static bool is_kept_of_all(const char *section) {
        return text_equal(section, "encounters") || text_equal(section, "death") || text_equal(section, "merges");
}

static int section_state(Carebus__V1__Record *record, const char *name, const Owners *owners, Arena *arena) {
        const Carebus__V1__Section *section = overview_section(record, name);
        Stating s = { .record = record,
                      .state = message_new(&carebus__v1__section_state__descriptor, arena),
                      .sight = owners->eyes ? owners->eyes->section(owners->eyes->owner, name) : RECORD_WHOLE,
                      .arena = arena };
        int r = 0;

        if (!s.state)
                return -ENOMEM;
        s.state->section = (char *)name;
        s.not_followed = record->not_followed && !is_kept_of_all(name);
        s.state->whom_to_ring = owners->points;
        s.state->n_whom_to_ring = s.sight == RECORD_WHOLE ? 0 : owners->n_points;
        for (size_t i = 0; i < record->n_held; i++)
                s.state->held += text_equal(record->held[i]->section, name);
        s.state->has_held = s.state->held > 0;
        for (size_t i = 0; section && i < section->n_facts && !s.value; i++)
                s.value = fact_is_meant(section->facts[i]);
        for (size_t i = 0; r == 0 && i < record->n_sources; i++)
                r = source_tell(&s, record->sources[i], speaks_of(section, record->sources[i]->name));
        if (r == 0)
                r = states_write(&s);
        return r ?: list_append((void ***)&record->states, &record->n_states, s.state, arena);
}

static int owners_settings(StateTxn *txn, const RecordEyes *eyes, Arena *arena, const Carebus__V1__Settings **ret) {
        Carebus__V1__Settings *settings = NULL;
        int r = 0;

        if (!eyes->common)
                r = settings_read(txn, arena, &settings);
        *ret = eyes->common ? eyes->common->settings : settings;
        return MIN(r, 0);
}

static int owners_read(StateTxn *txn, const RecordEyes *eyes, Arena *arena, Owners *ret) {
        const Carebus__V1__Settings *settings = NULL;
        int r = eyes ? owners_settings(txn, eyes, arena, &settings) : 0;

        *ret = (Owners){ .eyes = eyes };
        if (r < 0 || !eyes)
                return r;
        return ring_of_owners(settings, eyes->team, arena, &ret->points, &ret->n_points);
}

int record_states(StateTxn *txn, Carebus__V1__Record *record, const RecordEyes *eyes, const RecordPatience *patience,
                  int64_t now, Arena *arena) {
        const char *name;
        Owners owners;
        int r = owners_read(txn, eyes, arena, &owners);

        for (size_t i = 0; i < record->n_sources; i++)
                source_state(txn, record->sources[i], patience, now);
        record->n_states = 0;
        for (size_t i = 0; r == 0 && (name = section_at(i)); i++)
                r = section_state(record, name, &owners, arena);
        return r;
}
