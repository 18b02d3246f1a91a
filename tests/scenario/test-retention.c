/*
 * Whatever the ages, nothing that waits for somebody goes: behind beginnings of every story, drawn by a seed, a decision lets go of all
 * that may go, first of originals, then of whole entries. What is unresolved is counted a second time by looking at everything that is
 * open, and at what it names; none of it may be gone. Folded again without what is gone the state is the same.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/stage/retention-hold.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"
#include "tests/scenario/story.h"

#define STORIES_MAX 300
#define ENTRIES_MAX 4096
#define ORDERS_MAX 2 /* of one story: others fold them all */

static uint64_t seed;
/* Over all stories, so that a test that never sees one of them fails. */
static struct Seen {
        uint64_t n_originals, n_events, n_open, n_conflict, n_decision, n_review, n_glass, n_parked;
} seen;

/* Entries that nothing may be taken from, by number. */
typedef struct Open {
        World *world;
        StateTxn *txn;
        const char *kept[ENTRIES_MAX]; /* why */
        uint64_t *counter;             /* of what is looked at, */
        const char *why;               /* and its name */
} Open;

static void keep(Open *open, uint64_t seq) {
        Carebus__V1__Outcome *outcome;

        if (seq == 0 || seq >= ENTRIES_MAX || outcome_read(open->txn, seq, open->world->arena, &outcome) != 0)
                return;
        open->kept[seq] = open->why;
        (*open->counter)++;
        /* What a retry published is in the entry that it is about. */
        if (outcome->has_republishes)
                open->kept[outcome->republishes] = open->why;
}

/* "<seq>.<index>" */
static void keep_event(Open *open, const char *event_id) {
        if (event_id)
                keep(open, strtoull(event_id, NULL, 10));
}

static const char *answers(Open *open, const char *patient_id) {
        char *ret;

        return identity_resolve(open->txn, patient_id, open->world->arena, &ret) == 0 ? ret : patient_id;
}

/* Every entry in which somebody of this person is spoken of, from a number on. */
static void keep_person(Open *open, const char *patient_id, uint64_t from) {
        const char *whose = answers(open, patient_id);

        for (uint64_t seq = from; seq <= open->world->n_entries; seq++) {
                Carebus__V1__Outcome *outcome;

                if (outcome_read(open->txn, seq, open->world->arena, &outcome) != 0)
                        continue;
                for (size_t i = 0; i < outcome->n_patient_ids; i++)
                        if (outcome->patient_ids[i][0] && text_equal(answers(open, outcome->patient_ids[i]), whose))
                                keep(open, seq);
        }
}

static void *unpacked(Open *open, const ProtobufCMessageDescriptor *descriptor, Bytes value) {
        ProtobufCMessage *message;

        assert_int_equal(message_unpack(descriptor, value, open->world->arena, &message), 0);
        return message;
}

static int item_seen(Bytes key, Bytes value, void *owner) {
        Open *open = owner;
        const Carebus__V1__QuarantineItem *item = unpacked(open, &carebus__v1__quarantine_item__descriptor, value);

        (void)key;
        open->counter = item->parked ? &seen.n_parked : &seen.n_open;
        open->why = item->parked ? "parked" : "quarantine";
        keep(open, item->id);
        keep(open, item->conflicts_with);
        if (item->parked && item->parked->patient_id && item->parked->patient_id[0])
                keep_person(open, item->parked->patient_id, item->parked->from_seq);
        else if (item->parked)
                keep(open, item->parked->from_seq);
        return 0;
}

static int review_seen(Bytes key, Bytes value, void *owner) {
        Open *open = owner;
        const Carebus__V1__Review *review = unpacked(open, &carebus__v1__review__descriptor, value);

        (void)key;
        open->counter = &seen.n_review;
        open->why = "review";
        for (size_t i = 0; i < review->n_event_ids; i++)
                keep_event(open, review->event_ids[i]);
        for (size_t i = 0; i < review->n_patient_ids; i++)
                keep_person(open, review->patient_ids[i], 1);
        return 0;
}

static int grant_seen(Bytes key, Bytes value, void *owner) {
        Open *open = owner;
        const Carebus__V1__Grant *grant = unpacked(open, &carebus__v1__grant__descriptor, value);

        (void)key;
        open->counter = &seen.n_glass;
        open->why = "glass";
        if (text_equal(grant->kind, "break-glass") && !grant->reviewed_by)
                keep_person(open, grant->patient_id, 1);
        return 0;
}

static void conflicts_see(Open *open, Bytes value) {
        const Carebus__V1__StoredConflicts *all = unpacked(open, &carebus__v1__stored_conflicts__descriptor, value);

        open->counter = &seen.n_conflict;
        open->why = "conflict";
        for (size_t i = 0; i < all->n_conflicts; i++)
                for (size_t j = 0;
                     !all->conflicts[i]->conflict->has_closed_at && j < all->conflicts[i]->conflict->n_event_ids; j++)
                        keep_event(open, all->conflicts[i]->conflict->event_ids[j]);
}

static void decisions_see(Open *open, Bytes value) {
        const Carebus__V1__StoredSection *section = unpacked(open, &carebus__v1__stored_section__descriptor, value);

        open->counter = &seen.n_decision;
        open->why = "decision";
        for (size_t i = 0; i < section->n_facts; i++)
                if (text_equal(section->facts[i]->fact->status, "current"))
                        keep_event(open, section->facts[i]->fact->event_id);
}

static int section_seen(Bytes key, Bytes value, void *owner) {
        const char *whose = (const char *)key.data, *section;

        if (strcmp(whose, "~") == 0) /* a claim: the fact beside it says it too */
                return 0;
        section = whose + strlen(whose) + 1;
        if (strcmp(section, SECTION_CONFLICTS) == 0)
                conflicts_see(owner, value);
        else if (strncmp(section, SECTION_DECISIONS "/", strlen(SECTION_DECISIONS "/")) == 0)
                decisions_see(owner, value);
        return 0;
}

static void open_read(World *world, Open *ret) {
        static const struct {
                StateTable table;
                StateWalk walk;
        } walks[] = { { STATE_QUARANTINE, item_seen },
                      { STATE_REVIEW, review_seen },
                      { STATE_GRANT, grant_seen },
                      { STATE_SECTION, section_seen } };

        *ret = (Open){ .world = world, .txn = world_look(world) };
        for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
                assert_int_equal(state_walk(ret->txn, walks[i].table, BYTES_NULL, BYTES_NULL, walks[i].walk, ret), 0);
        state_abort(ret->txn);
}

/* All that there is, by this rule. */
static uint64_t let_go(World *world, RetentionClass class) {
        Carebus__V1__JournalDecision decision = CAREBUS__V1__JOURNAL_DECISION__INIT;
        Carebus__V1__Expired expired = CAREBUS__V1__EXPIRED__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        static uint64_t seqs[ENTRIES_MAX];
        uint64_t seq;

        expired.seqs = seqs;
        for (expired.n_seqs = 0; expired.n_seqs < world->n_entries; expired.n_seqs++)
                seqs[expired.n_seqs] = expired.n_seqs + 1;
        expired.has_base_seq = class == RETENTION_EVENTS;
        expired.base_seq = world->n_entries;
        expired.rule = (char *)retention_rule(class);
        decision.has_kind = true;
        decision.kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_EXPIRE;
        decision.expired = &expired;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
        entry.decision = &decision;
        seq = world_push(world, &entry, world->entries[world->n_entries - 1].received_at);
        world_fold(world);
        return seq;
}

/* Nothing that is open is gone; what an original was taken from says the same without it. */
static void look_at_gone(World *world, const Open *open, RetentionClass class) {
        StateTxn *txn = world_look(world);

        for (uint64_t seq = 1; seq <= world->n_entries; seq++) {
                const WorldEntry *entry = &world->entries[seq - 1];
                Carebus__V1__Outcome *outcome;
                bool gone;

                assert_int_equal(outcome_read(txn, seq, world->arena, &outcome), 0);
                gone = class == RETENTION_ORIGINALS ? outcome->has_original_gone_by : outcome->has_expired_by;
                if (gone && open->kept[seq])
                        fail_msg("entry %" PRIu64 " waits for somebody (%s), and its %s are gone", seq, open->kept[seq],
                                 retention_class_name(class));
                if (!gone)
                        continue;
                assert_string_equal(outcome->kind, "submission");
                seen.n_originals += class == RETENTION_ORIGINALS;
                seen.n_events += class == RETENTION_EVENTS;
                if (class == RETENTION_ORIGINALS) {
                        int r = retention_take_original(entry->data, entry->size);
                        assert_true(r == 0 || r == -ENODATA);
                }
        }
        state_abort(txn);
}

/* The newest entry that took something out of another; 0: none did. */
static uint64_t newest_retry(World *world) {
        StateTxn *txn = world_look(world);
        uint64_t seq = world->n_entries;
        Carebus__V1__Outcome *outcome;

        for (; seq > 0; seq--)
                if (outcome_read(txn, seq, world->arena, &outcome) == 0 && outcome->has_republishes)
                        break;
        state_abort(txn);
        return seq;
}

/* A destination cannot deliver something that was said of somebody there. */
static void park(World *world, uint64_t from_seq) {
        Carebus__V1__JournalDecision decision = CAREBUS__V1__JOURNAL_DECISION__INIT;
        Carebus__V1__Parked parked = CAREBUS__V1__PARKED__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        StateTxn *txn = world_look(world);
        Carebus__V1__Outcome *outcome;

        parked.has_from_seq = parked.has_from_index = true;
        parked.from_seq = from_seq;
        assert_int_equal(outcome_read(txn, parked.from_seq, world->arena, &outcome), 0);
        state_abort(txn);
        if (outcome->n_patient_ids == 0 || !outcome->patient_ids[0][0])
                return;
        parked.team = (char *)"ward";
        parked.consumer = (char *)"out";
        parked.patient_id = outcome->patient_ids[0];
        parked.code = (char *)"rejected";
        decision.has_kind = true;
        decision.kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_PARK;
        decision.team = parked.team;
        decision.who = (char *)"unix:0";
        decision.parked = &parked;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
        entry.decision = &decision;
        world_push(world, &entry, world->entries[world->n_entries - 1].received_at);
        world_fold(world);
}

/* With a delivery that waits now and then; or `at_retry`: from the newest retry on, where there is one. */
static void look_at_beginning(const World *told, size_t n, bool at_retry) {
        uint8_t live[32], again[32];
        uint64_t drawn = seed, retry;
        static Open open;
        World world;

        world_begin(&world);
        for (size_t i = 0; i < n; i++) {
                Carebus__V1__Entry *entry;

                assert_int_equal(message_unpack(&carebus__v1__entry__descriptor,
                                                bytes_of(told->entries[i].data, told->entries[i].size), world.arena,
                                                (ProtobufCMessage **)&entry),
                                 0);
                world_push(&world, entry, told->entries[i].received_at);
        }
        world_fold(&world);
        retry = at_retry ? newest_retry(&world) : 0;
        if (at_retry && retry == 0) {
                world_end(&world);
                return;
        }
        if (at_retry)
                park(&world, retry);
        else if (world_random(&seed) % 4 == 0)
                park(&world, 1 + world_random(&seed) % world.n_entries);
        open_read(&world, &open);
        let_go(&world, RETENTION_ORIGINALS);
        look_at_gone(&world, &open, RETENTION_ORIGINALS);
        let_go(&world, RETENTION_EVENTS);
        look_at_gone(&world, &open, RETENTION_EVENTS);
        world_digest(&world, live);
        world_refold(&world, 7, &drawn, again);
        assert_memory_equal(live, again, sizeof(live));
        world_end(&world);
}

static void on_told(const World *told, void *owner) {
        unsigned *n_orders = owner;

        if (told->n_entries == 0 || told->n_entries + 3 >= ENTRIES_MAX || ++*n_orders > ORDERS_MAX)
                return;
        /* The first is told to its end. */
        if (*n_orders == 1)
                look_at_beginning(told, told->n_entries, true);
        look_at_beginning(told, *n_orders == 1 ? told->n_entries : 1 + world_random(&seed) % told->n_entries, false);
}

static void test_story(void **state) {
        unsigned n_orders = 0;

        story_run_to(*state, on_told, &n_orders);
}

static void test_all_of_it_was_seen(void **state) {
        (void)state;
        printf("# originals %" PRIu64 ", events %" PRIu64 " gone; kept: quarantine %" PRIu64 ", conflict %" PRIu64
               ", decision %" PRIu64 ", review %" PRIu64 ", glass %" PRIu64 ", parked %" PRIu64 "\n",
               seen.n_originals, seen.n_events, seen.n_open, seen.n_conflict, seen.n_decision, seen.n_review,
               seen.n_glass, seen.n_parked);
        assert_true(seen.n_originals > 100 && seen.n_events > 100);
        assert_true(seen.n_open > 0 && seen.n_conflict > 0 && seen.n_decision > 0 && seen.n_review > 0);
        assert_true(seen.n_glass > 0 && seen.n_parked > 0);
}

static int is_story(const struct dirent *entry) {
        const char *dot = strrchr(entry->d_name, '.');

        return dot && strcmp(dot, ".story") == 0;
}

int main(int argc, char **argv) {
        static struct CMUnitTest tests[STORIES_MAX + 1];
        const char *given = getenv("CAREBUS_SEED");
        struct dirent **names;
        int n;

        if (argc < 2 || (n = scandir(argv[1], &names, is_story, alphasort)) <= 0 || n > STORIES_MAX) {
                fprintf(stderr, "test-retention: give the folder of the stories\n");
                return 64;
        }
        seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
        seed = seed ? seed : 1;
        printf("# CAREBUS_SEED=%" PRIu64 "\n", seed);
        fflush(stdout);
        for (int i = 0; i < n; i++) {
                char *path, *name;

                if (asprintf(&path, "%s/%s", argv[1], names[i]->d_name) < 0 ||
                    asprintf(&name, "nothing that waits goes: %s", names[i]->d_name) < 0)
                        return 70;
                tests[i] = (struct CMUnitTest){ .name = name, .test_func = test_story, .initial_state = path };
                free(names[i]);
        }
        free(names);
        tests[n] = (struct CMUnitTest){ .name = "every reason to keep something was met",
                                        .test_func = test_all_of_it_was_seen };
        return _cmocka_run_group_tests("retention", tests, (size_t)n + 1, NULL, NULL);
}
