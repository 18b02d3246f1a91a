/* What is read of a state that was written by hand: absent, torn, and what a reader must not trust. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/record/read.h"
#include "daemon/record/settings-kept.h"

typedef struct Small {
        char folder[64];
        State *state;
        StateTxn *txn;
        Arena *arena;
} Small;

static int setup(void **state) {
        Small *small = calloc(1, sizeof(*small));

        strcpy(small->folder, "/tmp/carebus-read-XXXXXX");
        if (!mkdtemp(small->folder) || state_open(small->folder, STATE_WRITE, 1 << 24, &small->state) != 0 ||
            state_begin(small->state, STATE_WRITE, &small->txn) != 0 || arena_new(&small->arena, 1 << 20) != 0)
                return -1;
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

static void put(Small *small, StateTable table, StateKey key, const ProtobufCMessage *message) {
        assert_int_equal(state_put(small->txn, table, state_key_all(&key), message_pack(message, small->arena)), 0);
}

static void person(Small *small, const char *id, const char *merged_into, const char *former) {
        Carebus__V1__Person made = CAREBUS__V1__PERSON__INIT;
        char *formers[] = { (char *)former };

        made.patient_id = (char *)id;
        made.merged_into = (char *)merged_into;
        made.former_patient_ids = formers;
        made.n_former_patient_ids = former ? 1 : 0;
        put(small, STATE_PERSON, state_key_person(id), &made.base);
}

static void test_what_is_not_there_is_said_not_to_be(void **state) {
        Small *small = *state;
        Carebus__V1__QuarantineItem *item;
        Carebus__V1__Settings *settings;
        Carebus__V1__Outcome *outcome;
        Carebus__V1__Record *record;
        char *id, **ids;
        size_t n_ids;

        assert_int_equal(outcome_read(small->txn, 1, small->arena, &outcome), RECORD_E_NOT_FOUND);
        assert_int_equal(quarantine_read(small->txn, 1, small->arena, &item), RECORD_E_NOT_FOUND);
        assert_int_equal(settings_read(small->txn, small->arena, &settings), RECORD_E_NOT_FOUND);
        assert_int_equal(record_read(small->txn, "p1.0", small->arena, &record), RECORD_E_NOT_FOUND);
        assert_int_equal(identity_resolve(small->txn, "", small->arena, &id), RECORD_E_NOT_FOUND);
        assert_int_equal(identity_find(small->txn, "carebus:X", "1", small->arena, &ids, &n_ids), RECORD_E_NOT_FOUND);
        assert_int_equal(identity_members(small->txn, "p1.0", small->arena, &ids, &n_ids), RECORD_E_NOT_FOUND);
}

/* An id that a person typed may be of any length. */
static void test_an_id_that_is_no_key_is_nobody(void **state) {
        Small *small = *state;
        char long_id[2000], *id;

        memset(long_id, 'p', sizeof(long_id) - 1);
        long_id[sizeof(long_id) - 1] = '\0';
        assert_int_equal(identity_resolve(small->txn, long_id, small->arena, &id), RECORD_E_NOT_FOUND);
}

static void test_old_ids_answer_with_who_answers_for_them(void **state) {
        Small *small = *state;
        char *id, **ids;
        size_t n_ids;

        person(small, "p1.0", "p2.0", NULL);
        person(small, "p2.0", NULL, "p1.0");
        assert_int_equal(identity_resolve(small->txn, "p1.0", small->arena, &id), 0);
        assert_string_equal(id, "p2.0");
        assert_int_equal(identity_members(small->txn, "p1.0", small->arena, &ids, &n_ids), 0);
        assert_int_equal(n_ids, 2);
        assert_string_equal(ids[0], "p2.0");
        assert_string_equal(ids[1], "p1.0");
}

static void test_an_open_item_and_a_resolved_one_are_found_alike(void **state) {
        Small *small = *state;
        Carebus__V1__QuarantineItem item = CAREBUS__V1__QUARANTINE_ITEM__INIT, *read;

        item.reason = (char *)"open one";
        put(small, STATE_QUARANTINE, state_key_seq(1), &item.base);
        item.reason = (char *)"resolved one";
        put(small, STATE_RESOLVED, state_key_seq(2), &item.base);
        assert_int_equal(quarantine_read(small->txn, 1, small->arena, &read), 0);
        assert_string_equal(read->reason, "open one");
        assert_int_equal(quarantine_read(small->txn, 2, small->arena, &read), 0);
        assert_string_equal(read->reason, "resolved one");
}

static void test_a_state_that_contradicts_itself_is_told(void **state) {
        Small *small = *state;
        StateKey key = state_key_section("p4.0", "encounters/x/y"), outcome_key = state_key_seq(9);
        Carebus__V1__Outcome *outcome;
        Carebus__V1__Record *record;
        char *id;

        person(small, "p3.0", "p9.9", NULL);
        assert_int_equal(identity_resolve(small->txn, "p3.0", small->arena, &id), -EBADMSG);
        person(small, "p4.0", NULL, NULL);
        assert_int_equal(state_put(small->txn, STATE_SECTION, state_key_all(&key), BYTES_LITERAL("\xff\xff\xff")), 0);
        assert_int_equal(record_read(small->txn, "p4.0", small->arena, &record), -EBADMSG);
        assert_int_equal(state_put(small->txn, STATE_OUTCOME, state_key_all(&outcome_key), BYTES_LITERAL("\xff")), 0);
        assert_int_equal(outcome_read(small->txn, 9, small->arena, &outcome), -EBADMSG);
}

static void test_a_record_that_does_not_fit_the_arena_is_no_record(void **state) {
        Small *small = *state;
        Carebus__V1__Record *record;
        Arena *tiny;

        person(small, "p5.0", NULL, NULL);
        assert_int_equal(arena_new(&tiny, 64), 0);
        assert_int_equal(record_read(small->txn, "p5.0", tiny, &record), -ENOMEM);
        arena_free(tiny);
        assert_int_equal(record_read(small->txn, "p5.0", small->arena, &record), 0);
        assert_int_equal(record->digest.len, 32);
}

static void test_a_source_seq_value_of_another_size_counts_nothing(void **state) {
        uint8_t value[4];

        store_le32(value, 70000);
        assert_int_equal(source_seq_count(bytes_of(value, sizeof(value))), 70000);
        assert_int_equal(source_seq_count(bytes_of(value, 3)), 0);
        assert_int_equal(source_seq_count(BYTES_NULL), 0);
}

static void put_settings(Small *small, const char *bus, uint64_t seq) {
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        StateKey mark = state_key_meta(RECORD_META_SETTINGS_SEQ);
        uint8_t number[sizeof(seq)];

        settings.bus = (char *)bus;
        store_le64(number, seq);
        put(small, STATE_META, state_key_meta(RECORD_META_SETTINGS), &settings.base);
        assert_int_equal(state_put(small->txn, STATE_META, state_key_all(&mark), bytes_of(number, sizeof(number))), 0);
}

static void test_kept_settings_are_those_of_the_newest_entry(void **state) {
        _cleanup_(settings_kept_freep) SettingsKept *kept = NULL;
        Small *small = *state;
        StateKey mark = state_key_meta(RECORD_META_SETTINGS_SEQ);
        const Carebus__V1__Settings *first, *again, *none;

        assert_int_equal(settings_kept_new(&kept), 0);
        assert_int_equal(settings_kept_read(kept, small->txn, &none), 0);
        assert_null(none);

        put_settings(small, "before", 7);
        assert_int_equal(settings_kept_read(kept, small->txn, &first), 0);
        assert_string_equal(first->bus, "before");
        assert_int_equal(settings_kept_read(kept, small->txn, &again), 0);
        assert_ptr_equal(again, first);

        put_settings(small, "after", 8);
        assert_int_equal(settings_kept_read(kept, small->txn, &again), 0);
        assert_string_equal(again->bus, "after");

        /* Those of a state that was made anew may go back. */
        put_settings(small, "rebuilt", 7);
        assert_int_equal(settings_kept_read(kept, small->txn, &again), 0);
        assert_string_equal(again->bus, "rebuilt");

        assert_int_equal(state_put(small->txn, STATE_META, state_key_all(&mark), bytes_of("7", 1)), 0);
        assert_int_equal(settings_kept_read(kept, small->txn, &again), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_not_there_is_said_not_to_be),
                cmocka_unit_test(test_an_id_that_is_no_key_is_nobody),
                cmocka_unit_test(test_old_ids_answer_with_who_answers_for_them),
                cmocka_unit_test(test_an_open_item_and_a_resolved_one_are_found_alike),
                cmocka_unit_test(test_a_state_that_contradicts_itself_is_told),
                cmocka_unit_test(test_a_record_that_does_not_fit_the_arena_is_no_record),
                cmocka_unit_test(test_kept_settings_are_those_of_the_newest_entry),
                cmocka_unit_test(test_a_source_seq_value_of_another_size_counts_nothing),
        };

        return cmocka_run_group_tests_name("read", tests, setup, teardown);
}
