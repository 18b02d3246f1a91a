/* Whose identifiers were said last, kept until something about that person changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/stage/recall.h"

static RecallAnswer answer_of(unsigned person) {
        RecallAnswer answer = {};

        snprintf(answer.patient_id, sizeof(answer.patient_id), "p%u.0", person);
        memcpy(answer.answering, answer.patient_id, sizeof(answer.answering));
        return answer;
}

static void test_what_was_kept_is_found_and_nothing_else(void **state) {
        _cleanup_(recall_freep) Recall *recall = NULL;
        RecallAnswer answer = answer_of(7);

        assert_int_equal(recall_new(&recall), 0);
        assert_null(recall_find(recall, BYTES_LITERAL("hospital H7")));
        assert_int_equal(recall_keep(recall, BYTES_LITERAL("hospital H7"), &answer), 0);
        assert_string_equal(recall_find(recall, BYTES_LITERAL("hospital H7"))->patient_id, "p7.0");
        assert_null(recall_find(recall, BYTES_LITERAL("hospice H7")));
        recall_clear(recall);
        assert_null(recall_find(recall, BYTES_LITERAL("hospital H7")));
}

static void test_a_change_of_the_person_makes_it_forgotten(void **state) {
        _cleanup_(recall_freep) Recall *recall = NULL;
        RecallAnswer answer = answer_of(7);

        assert_int_equal(recall_new(&recall), 0);
        assert_int_equal(recall_keep(recall, BYTES_LITERAL("hospital H7"), &answer), 0);
        recall_forget(recall, "p7.0");
        assert_null(recall_find(recall, BYTES_LITERAL("hospital H7")));
        assert_int_equal(recall_keep(recall, BYTES_LITERAL("hospital H7"), &answer), 0);
        assert_non_null(recall_find(recall, BYTES_LITERAL("hospital H7")));
}

/* Far more than there is room for: some are forgotten, none is mistaken. */
static void test_what_is_found_is_never_somebody_elses(void **state) {
        _cleanup_(recall_freep) Recall *recall = NULL;
        unsigned found = 0;
        char said[32];

        assert_int_equal(recall_new(&recall), 0);
        for (unsigned i = 0; i < 100000; i++) {
                RecallAnswer answer = answer_of(i);

                snprintf(said, sizeof(said), "hospital H%u", i);
                assert_int_equal(recall_keep(recall, bytes_of_text(said), &answer), 0);
        }
        for (unsigned i = 0; i < 100000; i++) {
                const RecallAnswer *answer;
                RecallAnswer wanted = answer_of(i);

                snprintf(said, sizeof(said), "hospital H%u", i);
                answer = recall_find(recall, bytes_of_text(said));
                if (!answer)
                        continue;
                found++;
                assert_string_equal(answer->patient_id, wanted.patient_id);
        }
        assert_in_range(found, 5000, 20000);
}

static void test_what_is_too_long_is_not_kept(void **state) {
        _cleanup_(recall_freep) Recall *recall = NULL;
        RecallAnswer answer = answer_of(7);
        uint8_t said[600] = { 0 };

        assert_int_equal(recall_new(&recall), 0);
        assert_int_equal(recall_keep(recall, bytes_of(said, sizeof(said)), &answer), 0);
        assert_null(recall_find(recall, bytes_of(said, sizeof(said))));
        assert_int_equal(recall_keep(recall, BYTES_NULL, &answer), 0);
        assert_null(recall_find(recall, BYTES_NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_was_kept_is_found_and_nothing_else),
                cmocka_unit_test(test_a_change_of_the_person_makes_it_forgotten),
                cmocka_unit_test(test_what_is_found_is_never_somebody_elses),
                cmocka_unit_test(test_what_is_too_long_is_not_kept),
        };

        return cmocka_run_group_tests_name("recall", tests, NULL, NULL);
}
