/* See small-bus.h. Goes through the real store; outcomes are written as the fold's tests promise them. */
#include "small-bus.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "daemon/record/read.h"
#include "daemon/store/state-keys.h"
#include "tests/unit/open-sharing.h"

#define EVENTS_MAX 64

void small_bus_init(SmallBus *bus) {
        JournalOptions options = { .segment_bytes = 1 << 20 };
        JournalFault fault;

        *bus = (SmallBus){ .seq = 0 };
        snprintf(bus->folder, sizeof(bus->folder), "/tmp/carebus-serve-test-XXXXXX");
        assert_non_null(mkdtemp(bus->folder));
        snprintf(bus->journal_folder, sizeof(bus->journal_folder), "%s/journal", bus->folder);
        snprintf(bus->state_folder, sizeof(bus->state_folder), "%s/fold", bus->folder);
        assert_int_equal(mkdir(bus->journal_folder, 0700), 0);
        assert_int_equal(journal_open(bus->journal_folder, &options, &bus->journal, &fault), 0);
        assert_int_equal(state_open(bus->state_folder, STATE_WRITE, 1 << 26, &bus->state), 0);
}

void small_bus_deinit(SmallBus *bus) {
        char command[128];

        journal_free(bus->journal);
        state_free(bus->state);
        snprintf(command, sizeof(command), "rm -rf '%s'", bus->folder);
        assert_int_equal(system(command), 0);
}

int64_t small_bus_time(uint64_t seq) {
        return 1700000000000000 + (int64_t)seq * 1000;
}

static uint64_t append(SmallBus *bus, const Carebus__V1__Entry *entry) {
        size_t size = carebus__v1__entry__get_packed_size(entry);
        uint8_t *packed = malloc(size);
        uint64_t seq;

        assert_non_null(packed);
        carebus__v1__entry__pack(entry, packed);
        assert_int_equal(journal_append(bus->journal, small_bus_time(bus->seq + 1), bytes_of(packed, size), &seq), 0);
        assert_int_equal(journal_commit(bus->journal), 0);
        free(packed);
        assert_int_equal(seq, bus->seq + 1);
        return bus->seq = seq;
}

static void fold(SmallBus *bus, Carebus__V1__Outcome *outcome, size_t n_events) {
        uint8_t packed[4096], count[4], number[8];
        StateKey key = state_key_seq(bus->seq), head = state_key_meta("folded_seq");
        StateTxn *txn;
        size_t size;

        outcome->has_seq = outcome->has_event_count = outcome->has_received_at = true;
        outcome->seq = bus->seq;
        outcome->event_count = (uint32_t)n_events;
        outcome->received_at = small_bus_time(bus->seq);
        size = carebus__v1__outcome__get_packed_size(outcome);
        assert_true(size <= sizeof(packed));
        carebus__v1__outcome__pack(outcome, packed);
        assert_int_equal(state_begin(bus->state, STATE_WRITE, &txn), 0);
        assert_int_equal(state_put(txn, STATE_OUTCOME, state_key_all(&key), bytes_of(packed, size)), 0);
        if (n_events > 0) {
                StateKey source = state_key_source_seq(outcome->source, bus->seq);
                store_le32(count, (uint32_t)n_events);
                assert_int_equal(
                        state_put(txn, STATE_SOURCE_SEQ, state_key_all(&source), bytes_of(count, sizeof(count))), 0);
        }
        store_le64(number, bus->seq);
        assert_int_equal(state_put(txn, STATE_META, state_key_all(&head), bytes_of(number, sizeof(number))), 0);
        assert_int_equal(state_folded_seq(txn), bus->seq);
        assert_int_equal(state_commit(txn), 0);
}

static uint64_t add(SmallBus *bus, const char *source, size_t n_events, Carebus__V1__Outcome *outcome) {
        Carebus__V1__StoredSubmission submission = CAREBUS__V1__STORED_SUBMISSION__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__Event events[EVENTS_MAX], *pointers[EVENTS_MAX];
        uint64_t seq;

        assert_true(n_events <= EVENTS_MAX);
        for (size_t i = 0; i < n_events; i++) {
                carebus__v1__event__init(&events[i]);
                events[i].type = (char *)"encounter.admitted";
                pointers[i] = &events[i];
        }
        submission.source = (char *)source;
        submission.message_id = (char *)"M1";
        submission.n_events = n_events;
        submission.events = pointers;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = &submission;
        seq = append(bus, &entry);
        outcome->kind = (char *)"submission";
        outcome->source = (char *)source;
        return seq;
}

uint64_t small_bus_add(SmallBus *bus, const char *source, size_t n_events, const char *patient_id) {
        Carebus__V1__Outcome outcome = CAREBUS__V1__OUTCOME__INIT;
        char *ids[EVENTS_MAX];
        uint64_t seq = add(bus, source, n_events, &outcome);

        for (size_t i = 0; i < n_events; i++)
                ids[i] = (char *)(patient_id ? patient_id : "");
        outcome.patient_ids = ids;
        outcome.n_patient_ids = n_events;
        fold(bus, &outcome, n_events);
        return seq;
}

uint64_t small_bus_add_duplicate(SmallBus *bus, const char *source, uint64_t of) {
        Carebus__V1__Outcome outcome = CAREBUS__V1__OUTCOME__INIT;
        uint64_t seq = add(bus, source, 1, &outcome);

        outcome.has_duplicate_of = true;
        outcome.duplicate_of = of;
        fold(bus, &outcome, 0);
        return seq;
}

/* As the fold keeps what it used in a retry. */
static void put_resolved(SmallBus *bus, uint64_t seq, const char *source, size_t n_events) {
        Carebus__V1__QuarantineItem item = CAREBUS__V1__QUARANTINE_ITEM__INIT;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT, *events[EVENTS_MAX];
        StateKey key = state_key_seq(seq);
        uint8_t packed[4096];
        StateTxn *txn;
        size_t size;

        event.type = (char *)"encounter.admitted";
        for (size_t i = 0; i < n_events; i++)
                events[i] = &event;
        item.has_id = true;
        item.id = seq;
        item.source = (char *)source;
        item.message_id = (char *)"M1";
        item.events = events;
        item.n_events = n_events;
        size = carebus__v1__quarantine_item__get_packed_size(&item);
        assert_true(size <= sizeof(packed));
        carebus__v1__quarantine_item__pack(&item, packed);
        assert_int_equal(state_begin(bus->state, STATE_WRITE, &txn), 0);
        assert_int_equal(state_put(txn, STATE_RESOLVED, state_key_all(&key), bytes_of(packed, size)), 0);
        assert_int_equal(state_commit(txn), 0);
}

uint64_t small_bus_add_quarantined(SmallBus *bus, const char *source, const char *reason) {
        Carebus__V1__Outcome outcome = CAREBUS__V1__OUTCOME__INIT;
        uint64_t seq = add(bus, source, 1, &outcome);

        outcome.quarantined = (char *)reason;
        outcome.class_ = (char *)"normal";
        fold(bus, &outcome, 0);
        return seq;
}

uint64_t small_bus_add_republishing(SmallBus *bus, const char *source, uint64_t earlier, size_t n_events) {
        Carebus__V1__Outcome outcome = CAREBUS__V1__OUTCOME__INIT;
        Carebus__V1__JournalDecision decision = CAREBUS__V1__JOURNAL_DECISION__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        char *ids[EVENTS_MAX];
        uint64_t seq;

        entry.kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
        entry.decision = &decision;
        seq = append(bus, &entry);
        put_resolved(bus, earlier, source, n_events);
        for (size_t i = 0; i < n_events; i++)
                ids[i] = (char *)"p9.0";
        outcome.kind = (char *)"decision";
        outcome.source = (char *)source;
        outcome.has_republishes = outcome.has_belated = true;
        outcome.republishes = earlier;
        outcome.belated = true;
        outcome.patient_ids = ids;
        outcome.n_patient_ids = n_events;
        fold(bus, &outcome, n_events);
        return seq;
}

static uint64_t add_with(SmallBus *bus, const char *source, const Carebus__V1__Event *event) {
        Carebus__V1__Event derived = *event, *events[] = { &derived };
        Carebus__V1__Outcome outcome = CAREBUS__V1__OUTCOME__INIT;
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        char *ids[] = { (char *)"p1.0" };
        uint64_t seq = add(bus, source, 1, &outcome);

        subject.patient_id = (char *)"p2.0";
        derived.patient = &subject;
        outcome.patient_ids = ids;
        outcome.n_patient_ids = 1;
        outcome.derived = events;
        outcome.n_derived = 1;
        fold(bus, &outcome, 2);
        return seq;
}

uint64_t small_bus_add_with_derived(SmallBus *bus, const char *source, const char *type) {
        Carebus__V1__Event derived = CAREBUS__V1__EVENT__INIT;

        derived.type = (char *)type;
        return add_with(bus, source, &derived);
}

uint64_t small_bus_add_with_notice(SmallBus *bus, const char *source, const char *type, const char *event_id) {
        Carebus__V1__Event derived = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Notice notice = CAREBUS__V1__NOTICE__INIT;

        notice.section = (char *)"decisions";
        notice.event_ids = (char **)&event_id;
        notice.n_event_ids = 1;
        derived.type = (char *)type;
        derived.body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        derived.notice = &notice;
        return add_with(bus, source, &derived);
}

uint64_t small_bus_add_loaded(SmallBus *bus, const char *source, uint32_t confirms) {
        Carebus__V1__Outcome outcome = CAREBUS__V1__OUTCOME__INIT;
        Carebus__V1__Event derived = CAREBUS__V1__EVENT__INIT, *events[] = { &derived };
        char *ids[] = { (char *)"p1.0", (char *)"p1.0", (char *)"p1.0" };
        uint64_t seq = add(bus, source, 3, &outcome);

        derived.type = (char *)"conflict.opened";
        outcome.patient_ids = ids;
        outcome.n_patient_ids = 3;
        outcome.derived = events;
        outcome.n_derived = 1;
        outcome.confirms = &confirms;
        outcome.n_confirms = 1;
        outcome.has_loaded = outcome.loaded = true;
        fold(bus, &outcome, 4);
        return seq;
}

/* ---- who sees what ---- */

Config *small_config_new(void) {
        static const char yaml[] = "bus: small\n"
                                   "environment: test\n"
                                   "state: /nowhere/state\n"
                                   "run: /nowhere/run\n" OPEN_SHARING "teams:\n"
                                   "  both: {name: Both, class: clinical, may_read: [alpha, beta]}\n"
                                   "  one: {name: One, class: clinical, may_read: [alpha]}\n"
                                   "  none: {name: None, class: clinical, may_read: []}\n"
                                   "sources:\n"
                                   "  alpha: {team: both, adapter: own}\n"
                                   "  beta: {team: both, adapter: own}\n";
        ConfigFile file = { .path = (char *)"/nowhere/carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        ConfigProblems problems = { 0 };
        Config *config = NULL;
        int r;

        buffer_append_text(&file.content, yaml);
        r = config_parse(&text, &config, &problems);
        config_problems_print(&problems, stderr);
        config_problems_deinit(&problems);
        buffer_deinit(&file.content);
        assert_int_equal(r, 0);
        return config;
}

Sharing *small_sharing_new(const Config *config) {
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        Carebus__V1__TeamSettings teams[3], *pointers[3];
        char *sources[] = { (char *)"alpha", (char *)"beta" };
        OpenSharing open;
        Sharing *sharing;

        for (size_t i = 0; i < 3; i++) {
                carebus__v1__team_settings__init(&teams[i]);
                teams[i].name = config->teams[i].name;
                teams[i].class_ = config->teams[i].class;
                teams[i].may_read = sources;
                teams[i].n_may_read = 2;
                pointers[i] = &teams[i];
        }
        settings.teams = pointers;
        settings.n_teams = 3;
        settings.sharing = open_sharing_init(&open);
        assert_int_equal(sharing_new(config, &settings, &sharing), 0);
        return sharing;
}

void small_bus_set_settings(SmallBus *bus, const char *const *teams, const char *const *sources) {
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        Carebus__V1__TeamSettings items[32], *pointers[32];
        uint8_t packed[8192], number[8];
        StateKey key = state_key_meta(RECORD_META_SETTINGS), mark = state_key_meta(RECORD_META_SETTINGS_SEQ);
        size_t n_sources = 0, size;
        OpenSharing open;
        StateTxn *txn;

        while (sources[n_sources])
                n_sources++;
        settings.teams = pointers;
        for (size_t i = 0; teams[i]; i++) {
                assert_true(i < ELEMENTSOF(items));
                carebus__v1__team_settings__init(&items[i]);
                items[i].name = (char *)teams[i];
                items[i].class_ = (char *)"clinical";
                items[i].may_read = (char **)sources;
                items[i].n_may_read = n_sources;
                pointers[settings.n_teams++] = &items[i];
        }
        settings.sharing = open_sharing_init(&open);
        size = carebus__v1__settings__get_packed_size(&settings);
        assert_true(size <= sizeof(packed));
        carebus__v1__settings__pack(&settings, packed);
        store_le64(number, ++bus->settings_mark);
        assert_int_equal(state_begin(bus->state, STATE_WRITE, &txn), 0);
        assert_int_equal(state_put(txn, STATE_META, state_key_all(&key), bytes_of(packed, size)), 0);
        assert_int_equal(state_put(txn, STATE_META, state_key_all(&mark), bytes_of(number, sizeof(number))), 0);
        assert_int_equal(state_commit(txn), 0);
}
