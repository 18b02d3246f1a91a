/* Time enters once: when what the fold waits for has come, not before, and not again before the fold has met it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/stage/intake-parts.h"

#define BEGAN (1700000000 * USEC_PER_SEC)

typedef struct World {
        char folder[64];
        ClockFake clock;
        CoreFacts facts;
        Journal *journal;
        Intake *intake;
} World;

static int setup(void **state) {
        const JournalOptions options = { .segment_bytes = 1 << 20 };
        World *world = calloc(1, sizeof(*world));
        JournalFault fault;

        assert_non_null(world);
        snprintf(world->folder, sizeof(world->folder), "/tmp/carebus-tick-XXXXXX");
        assert_non_null(mkdtemp(world->folder));
        clock_fake_init(&world->clock, BEGAN);
        clock_fake_advance(&world->clock, USEC_PER_SEC);
        assert_int_equal(journal_open(world->folder, &options, &world->journal, &fault), 0);
        world->intake = calloc(1, sizeof(*world->intake));
        assert_non_null(world->intake);
        world->intake->options.clock = &world->clock.clock;
        world->intake->options.facts = &world->facts;
        world->intake->options.journal = world->journal;
        *state = world;
        return 0;
}

static int teardown(void **state) {
        World *world = *state;
        char command[96];

        buffer_deinit(&world->intake->packed);
        free(world->intake);
        journal_free(world->journal);
        snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
        assert_int_equal(system(command), 0);
        free(world);
        return 0;
}

static bool is_due(World *world) {
        return tick_is_due(world->intake, clock_monotonic(&world->clock.clock));
}

static int64_t now(const World *world) {
        return clock_now_at(&world->clock.clock);
}

/* As a batch does it; the number of the tick, 0 where there was none. */
static uint64_t batch(World *world, bool commits) {
        uint64_t seq;

        world->intake->batch_at = MAX(now(world), journal_last_at(world->journal));
        assert_int_equal(tick_append(world->intake), 0);
        seq = world->intake->tick.pending;
        if (commits && seq)
                assert_int_equal(journal_commit(world->journal), 0);
        tick_settle(world->intake, commits);
        return seq;
}

static void folded(World *world, uint64_t seq, int64_t next_due) {
        atomic_store(&world->facts.next_due, next_due);
        atomic_store(&world->facts.folded_seq, seq);
}

static int64_t tick_due_at(World *world, uint64_t seq) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        Carebus__V1__Entry *entry;
        JournalRecord record;
        int64_t due_at;

        assert_int_equal(journal_reader_open(world->folder, &reader), 0);
        assert_int_equal(journal_reader_get(reader, seq, NULL, &record), 0);
        entry = carebus__v1__entry__unpack(NULL, record.payload.size, record.payload.data);
        assert_non_null(entry);
        assert_int_equal(entry->kind_case, CAREBUS__V1__ENTRY__KIND_TICK);
        due_at = entry->tick->due_at;
        carebus__v1__entry__free_unpacked(entry, NULL);
        return due_at;
}

static void test_nothing_is_written_while_nothing_waits_or_its_time_has_not_come(void **state) {
        World *world = *state;

        assert_false(is_due(world));
        folded(world, 0, now(world) + 10);
        assert_false(is_due(world));
        clock_fake_advance(&world->clock, 9);
        assert_false(is_due(world));
        assert_int_equal(batch(world, true), 0);
        clock_fake_advance(&world->clock, 1);
        assert_true(is_due(world));
}

static void test_one_tick_comes_and_no_other_before_the_fold_has_met_it(void **state) {
        World *world = *state;
        uint64_t seq;

        folded(world, 0, now(world) - 5);
        seq = batch(world, true);
        assert_int_equal(seq, 1);
        assert_int_equal(tick_due_at(world, seq), now(world));
        /* The fold still tells the old time. */
        clock_fake_advance(&world->clock, 60 * USEC_PER_SEC);
        assert_false(is_due(world));
        assert_int_equal(batch(world, true), 0);
        folded(world, seq, 0);
        assert_false(is_due(world));
        folded(world, seq, now(world));
        assert_int_equal(batch(world, true), 2);
}

static void test_a_tick_that_did_not_reach_the_disk_comes_again_a_second_later(void **state) {
        World *world = *state;

        folded(world, 0, now(world));
        assert_int_not_equal(batch(world, false), 0);
        assert_false(is_due(world));
        clock_fake_advance(&world->clock, USEC_PER_SEC);
        assert_true(is_due(world));
}

static void test_a_clock_that_is_set_back_holds_nothing_up(void **state) {
        World *world = *state;
        uint64_t seq, before;

        /* The journal's time is that of an entry before the clock was set back by a day. */
        assert_int_equal(journal_append(world->journal, now(world), bytes_of_text("x"), &before), 0);
        assert_int_equal(journal_commit(world->journal), 0);
        folded(world, before, now(world) + 900 * USEC_PER_SEC);
        assert_false(is_due(world));
        world->clock.now_at -= 86400 * USEC_PER_SEC;
        clock_fake_advance(&world->clock, 899 * USEC_PER_SEC);
        assert_false(is_due(world));
        clock_fake_advance(&world->clock, 1 * USEC_PER_SEC);
        assert_true(is_due(world));
        seq = batch(world, true);
        assert_int_equal(seq, before + 1);
        /* What it was for is due by it, although the journal's time has not got there. */
        assert_int_equal(tick_due_at(world, seq), BEGAN + 901 * USEC_PER_SEC);
}

static void test_a_clock_that_leaps_ahead_brings_all_that_is_due_by_then_in_one_tick(void **state) {
        World *world = *state;

        folded(world, 0, now(world) + 900 * USEC_PER_SEC);
        assert_false(is_due(world));
        world->clock.now_at += 86400 * USEC_PER_SEC;
        assert_true(is_due(world));
        assert_int_equal(tick_due_at(world, batch(world, true)), now(world));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_nothing_is_written_while_nothing_waits_or_its_time_has_not_come,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_one_tick_comes_and_no_other_before_the_fold_has_met_it, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_a_tick_that_did_not_reach_the_disk_comes_again_a_second_later,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_clock_that_is_set_back_holds_nothing_up, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_a_clock_that_leaps_ahead_brings_all_that_is_due_by_then_in_one_tick, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
