/* What a section says where it says no value: absence, silence and what nobody understood are told apart, and never read as a no. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/record/source-silence.h"
#include "daemon/record/states.h"
#include "daemon/store/state-keys.h"
#include "proto/types.h"

#define HOUR (3600 * USEC_PER_SEC)
#define NOW (1000 * HOUR)

typedef struct Small {
        char folder[64];
        State *state;
        StateTxn *txn;
        Arena *arena;
        Carebus__V1__Record *record;
} Small;

static int setup(void **state) {
        Small *small = calloc(1, sizeof(*small));

        strcpy(small->folder, "/tmp/carebus-states-XXXXXX");
        if (!mkdtemp(small->folder) || state_open(small->folder, STATE_WRITE, 1 << 24, &small->state) != 0 ||
            state_begin(small->state, STATE_WRITE, &small->txn) != 0 || arena_new(&small->arena, 1 << 20) != 0)
                return -1;
        small->record = message_new(&carebus__v1__record__descriptor, small->arena);
        *state = small;
        return 0;
}

static int teardown(void **state) {
        Small *small = *state;
        char command[128];
        int r;

        state_abort(small->txn);
        state_free(small->state);
        arena_free(small->arena);
        snprintf(command, sizeof(command), "rm -rf '%s'", small->folder);
        r = system(command);
        free(small);
        return r;
}

/* Heard since then, and last then; 0: never. */
static void source(Small *small, const char *name, int64_t since, int64_t last) {
        Carebus__V1__RecordSource *made = message_new(&carebus__v1__record_source__descriptor, small->arena);

        made->name = (char *)name;
        made->has_heard_since_at = since != 0;
        made->heard_since_at = since;
        assert_int_equal(state_count_add(small->txn, name, RECORD_COUNT_LAST_HEARD_AT, (uint64_t)last), 0);
        assert_int_equal(list_append((void ***)&small->record->sources, &small->record->n_sources, made, small->arena),
                         0);
}

static void alert(Small *small, const char *by, const char *status) {
        Carebus__V1__Section *section = message_new(&carebus__v1__section__descriptor, small->arena);
        Carebus__V1__Fact *fact = message_new(&carebus__v1__fact__descriptor, small->arena);

        section->name = (char *)"alerts";
        fact->source = (char *)by;
        fact->status = (char *)status;
        assert_int_equal(list_append((void ***)&section->facts, &section->n_facts, fact, small->arena), 0);
        assert_int_equal(
                list_append((void ***)&small->record->sections, &small->record->n_sections, section, small->arena), 0);
}

static int64_t two_hours(const void *owner, const char *name) {
        (void)owner;
        return strcmp(name, "may-be-silent") == 0 ? 0 : 2 * HOUR;
}

/* "value|silent" of a section. */
static const char *states_of(Small *small, const char *section) {
        const RecordPatience patience = { .silent_after = two_hours };
        const char *text = "";

        assert_int_equal(record_states(small->txn, small->record, /* eyes= */ NULL, &patience, NOW, small->arena), 0);
        for (size_t i = 0; i < small->record->n_states; i++) {
                const Carebus__V1__SectionState *state = small->record->states[i];

                for (size_t j = 0; strcmp(state->section, section) == 0 && j < state->n_states; j++)
                        text = arena_format(small->arena, "%s%s%s", text, j > 0 ? "|" : "", state->states[j]);
        }
        return text;
}

/* "gp none-recorded 5": whose word, what, and since which hour. */
static const char *sources_of(Small *small, const char *section) {
        const char *text = "";

        for (size_t i = 0; i < small->record->n_states; i++) {
                const Carebus__V1__SectionState *state = small->record->states[i];

                for (size_t j = 0; strcmp(state->section, section) == 0 && j < state->n_sources; j++)
                        text = arena_format(small->arena, "%s%s%s %s %lld", text, j > 0 ? ", " : "",
                                            state->sources[j]->name, state->sources[j]->state,
                                            (long long)(state->sources[j]->since_at / HOUR));
        }
        return text;
}

static void test_every_section_of_the_catalogue_says_something(void **state) {
        Small *small = *state;
        size_t n = 0;

        source(small, "gp", 5 * HOUR, NOW);
        assert_string_equal(states_of(small, "alerts"), SECTION_NONE_RECORDED);
        while (section_at(n))
                n++;
        assert_int_equal(small->record->n_states, n);
        for (size_t i = 0; i < n; i++) {
                assert_string_equal(small->record->states[i]->section, section_at(i));
                assert_true(small->record->states[i]->n_states > 0);
        }
}

static void test_none_is_said_by_sources_that_are_heard_since_they_are(void **state) {
        Small *small = *state;

        source(small, "gp", 5 * HOUR, NOW);
        source(small, "lab", 0, 0);
        source(small, "pas", 7 * HOUR, NOW);
        assert_string_equal(states_of(small, "alerts"), SECTION_NONE_RECORDED);
        assert_string_equal(sources_of(small, "alerts"),
                            "gp none-recorded 5, lab not-heard-yet 0, pas none-recorded 7");
}

static void test_where_nobody_is_heard_yet_nothing_is_known(void **state) {
        Small *small = *state;

        source(small, "lab", 0, 0);
        assert_string_equal(states_of(small, "decisions"), SECTION_NOT_HEARD_YET);
}

static void test_who_says_something_is_not_among_those_who_have_none(void **state) {
        Small *small = *state;

        source(small, "gp", 5 * HOUR, NOW);
        source(small, "pas", 7 * HOUR, NOW);
        alert(small, "gp", "ended");
        assert_string_equal(states_of(small, "alerts"), SECTION_VALUE);
        assert_string_equal(sources_of(small, "alerts"), "pas none-recorded 7");
}

static void test_what_was_only_a_mistake_is_no_value(void **state) {
        Small *small = *state;

        source(small, "gp", 5 * HOUR, NOW);
        alert(small, "gp", "entered-in-error");
        assert_string_equal(states_of(small, "alerts"), SECTION_NONE_RECORDED);
}

static void test_a_section_with_something_held_never_reads_as_empty(void **state) {
        Carebus__V1__Held *held;
        Small *small = *state;

        held = message_new(&carebus__v1__held__descriptor, small->arena);
        held->section = (char *)"decisions";
        source(small, "gp", 5 * HOUR, NOW);
        assert_int_equal(list_append((void ***)&small->record->held, &small->record->n_held, held, small->arena), 0);
        assert_string_equal(states_of(small, "decisions"), SECTION_HELD);
        assert_string_equal(sources_of(small, "decisions"), "");
        assert_string_equal(states_of(small, "death"), SECTION_NONE_RECORDED);
}

static void test_silence_begins_behind_what_was_heard_last_and_is_told_in_every_section(void **state) {
        Small *small = *state;

        source(small, "gp", 5 * HOUR, NOW - 2 * HOUR);
        assert_string_equal(states_of(small, "alerts"),
                            SECTION_NONE_RECORDED); /* patience ends behind its last moment */
        source(small, "pas", 5 * HOUR, NOW - 3 * HOUR);
        source(small, "may-be-silent", 5 * HOUR, NOW - 500 * HOUR);
        alert(small, "pas", "current");
        assert_string_equal(states_of(small, "alerts"), SECTION_VALUE "|" SECTION_SILENT);
        assert_int_equal(small->record->sources[1]->silent_since_at, NOW - 3 * HOUR);
        assert_false(small->record->sources[2]->has_silent_since_at);
        assert_string_equal(states_of(small, "death"), SECTION_NONE_RECORDED "|" SECTION_SILENT);
}

static int64_t of_habit(const void *owner, const char *name) {
        (void)owner;
        (void)name;
        return RECORD_PATIENCE_OF_HABIT;
}

/* Weeks in which it was heard every ten minutes, the last of them just before `until`. */
static void learn(Small *small, const char *name, int64_t until, int64_t silent_since) {
        const StateKey key = source_silence_key(name), habit_key = source_silence_habit_key(name);
        SourceSilence silence = {};
        SilenceHabit habit = {};
        uint8_t packed[SILENCE_PACKED_SIZE];

        for (int64_t at = until - 5 * SILENCE_HOURS * HOUR; at < until; at += HOUR / 6)
                (void)source_silence_heard(&silence, &habit, at);
        silence.silent_since_at = silent_since;
        source_silence_pack(&silence, packed);
        assert_int_equal(state_put(small->txn, STATE_META, state_key_all(&key), bytes_of(packed, sizeof(packed))), 0);
        assert_int_equal(state_put(small->txn, STATE_META, state_key_all(&habit_key), bytes_of(&habit, sizeof(habit))),
                         0);
}

static void test_habit_says_who_is_silent_where_nothing_is_configured_and_a_day_until_it_is_known(void **state) {
        const RecordPatience patience = { .silent_after = of_habit };
        Small *small = *state;

        source(small, "new", 5 * HOUR, NOW - 23 * HOUR);
        source(small, "new-and-gone", 5 * HOUR, NOW - 25 * HOUR);
        source(small, "told", 5 * HOUR, NOW - 3 * HOUR);
        learn(small, "told", NOW - 3 * HOUR, NOW - 3 * HOUR);
        source(small, "usual", 5 * HOUR, NOW - 30 * HOUR);
        learn(small, "usual", NOW - 30 * HOUR, 0);
        source(small, "never", 0, NOW - 30 * HOUR);
        assert_int_equal(record_states(small->txn, small->record, /* eyes= */ NULL, &patience, NOW, small->arena), 0);
        assert_false(small->record->sources[0]->has_silent_since_at);
        assert_int_equal(small->record->sources[1]->silent_since_at, NOW - 25 * HOUR);
        assert_int_equal(small->record->sources[2]->silent_since_at, NOW - 3 * HOUR);
        assert_false(small->record->sources[3]->has_silent_since_at);
        assert_false(small->record->sources[4]->has_silent_since_at);
}

static void test_who_never_began_is_not_silent(void **state) {
        Small *small = *state;

        source(small, "lab", 0, 5 * HOUR);
        assert_string_equal(states_of(small, "alerts"), SECTION_NOT_HEARD_YET);
}

static void test_messages_that_nobody_understood_may_be_about_anything(void **state) {
        Small *small = *state;

        source(small, "gp", 5 * HOUR, NOW);
        assert_int_equal(state_count_add(small->txn, "gp", RECORD_COUNT_NOT_UNDERSTOOD, 3), 0);
        assert_int_equal(state_count_add(small->txn, "gp", RECORD_COUNT_NOT_UNDERSTOOD_SINCE_AT, 9 * HOUR), 0);
        assert_string_equal(states_of(small, "alerts"), SECTION_NONE_RECORDED "|" SECTION_NOT_UNDERSTOOD);
        assert_string_equal(sources_of(small, "alerts"), "gp none-recorded 5, gp not-understood 9");
        assert_int_equal(small->record->sources[0]->not_understood, 3);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_every_section_of_the_catalogue_says_something),
                TEST(test_none_is_said_by_sources_that_are_heard_since_they_are),
                TEST(test_where_nobody_is_heard_yet_nothing_is_known),
                TEST(test_who_says_something_is_not_among_those_who_have_none),
                TEST(test_what_was_only_a_mistake_is_no_value),
                TEST(test_a_section_with_something_held_never_reads_as_empty),
                TEST(test_silence_begins_behind_what_was_heard_last_and_is_told_in_every_section),
                TEST(test_habit_says_who_is_silent_where_nothing_is_configured_and_a_day_until_it_is_known),
                TEST(test_who_never_began_is_not_silent),
                TEST(test_messages_that_nobody_understood_may_be_about_anything),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
