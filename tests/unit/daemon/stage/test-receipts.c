/* Numbering, and answers that stand and fall with their batch. */
#include "daemon/stage/receipts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "carebus/v1/intake.pb-c.h"

static void answer(Answers *answers, Session *session, uint64_t number, AnswerKind kind, uint64_t seq, bool unsynced) {
        Answer a = { .session = session,
                     .number = number,
                     .kind = kind,
                     .seq = seq,
                     .unsynced = unsynced,
                     .retry_after_ms = 10 };

        if (kind >= ANSWER_REFUSED)
                snprintf(a.reason, sizeof(a.reason), "quota");
        assert_int_equal(answers_add(answers, a), 0);
}

/* All receipts of a session as text: "1:s5 2:d5 3:l(quota)"; a bar between frames. */
static const char *receipts_of(const Answers *answers, const Session *session) {
        static char text[512];
        _cleanup_(buffer_deinit) Buffer frame = BUFFER_NULL;
        uint32_t place = session->first_answer;

        text[0] = '\0';
        while (place != 0) {
                Carebus__V1__ToSource *message;

                assert_int_equal(answers_pack(answers, &place, &frame), 0);
                message = carebus__v1__to_source__unpack(NULL, frame.size, frame.data);
                assert_non_null(message);
                assert_int_equal(message->message_case, CAREBUS__V1__TO_SOURCE__MESSAGE_RECEIPTS);
                for (size_t i = 0; i < message->receipts->n_receipts; i++) {
                        const Carebus__V1__Receipt *r = message->receipts->receipts[i];
                        char one[64] = "";

                        if (r->result_case == CAREBUS__V1__RECEIPT__RESULT_STORED)
                                snprintf(one, sizeof(one), "%d:s%d%s%s ", (int)r->number, (int)r->stored->seq,
                                         r->stored->quarantined ? "!" : "",
                                         r->stored->quarantined ? r->stored->quarantined : "");
                        else if (r->result_case == CAREBUS__V1__RECEIPT__RESULT_DUPLICATE)
                                snprintf(one, sizeof(one), "%d:d%d ", (int)r->number, (int)r->duplicate->of);
                        else
                                snprintf(one, sizeof(one), "%d:%c(%s) ", (int)r->number,
                                         r->refused->permanent ? 'r' : 'l', r->refused->reason);
                        strncat(text, one, sizeof(text) - strlen(text) - 1);
                }
                if (place != 0)
                        strncat(text, "| ", sizeof(text) - strlen(text) - 1);
                carebus__v1__to_source__free_unpacked(message, NULL);
        }
        return text;
}

static void test_numbers_run_on_from_one_without_a_gap(void **state) {
        _cleanup_(answers_deinit) Answers answers = ANSWERS_NULL;
        Session session = { .answering = 1 };

        assert_int_equal(session_number(&session, 1), NUMBER_NEXT);
        assert_int_equal(session_number(&session, 2), NUMBER_BAD);
        assert_int_equal(session_number(&session, 0), NUMBER_BAD);
        answer(&answers, &session, 1, ANSWER_STORED, 5, true);
        assert_int_equal(session_number(&session, 2), NUMBER_NEXT);
        assert_int_equal(session_number(&session, 1), NUMBER_BAD);
}

static void test_behind_one_refused_as_later_all_is_refused_until_it_comes_again(void **state) {
        _cleanup_(answers_deinit) Answers answers = ANSWERS_NULL;
        Session session = { .answering = 1 };

        answer(&answers, &session, 1, ANSWER_STORED, 5, true);
        answer(&answers, &session, 2, ANSWER_LATER, 0, false);
        assert_int_equal(session_number(&session, 3), NUMBER_BEHIND_REFUSED);
        answer(&answers, &session, 3, ANSWER_LATER, 0, false);
        assert_int_equal(session_number(&session, 4), NUMBER_BEHIND_REFUSED);
        assert_int_equal(session_number(&session, 1), NUMBER_BAD);
        assert_int_equal(session_number(&session, 2), NUMBER_NEXT);
        answer(&answers, &session, 2, ANSWER_STORED, 6, true);
        assert_int_equal(session_number(&session, 3), NUMBER_NEXT);
        assert_int_equal(session_number(&session, 4), NUMBER_BAD);
}

static void test_permanent_refusal_does_not_hold_up_what_is_behind(void **state) {
        _cleanup_(answers_deinit) Answers answers = ANSWERS_NULL;
        Session session = { .answering = 1 };

        answer(&answers, &session, 1, ANSWER_REFUSED, 0, false);
        assert_int_equal(session_number(&session, 2), NUMBER_NEXT);
}

static void test_receipts_carry_what_was_answered_in_order(void **state) {
        _cleanup_(answers_deinit) Answers answers = ANSWERS_NULL;
        Session a = { .answering = 1 }, b = { .answering = 1 };

        answer(&answers, &a, 1, ANSWER_STORED, 10, true);
        answer(&answers, &b, 1, ANSWER_STORED, 11, true);
        answer(&answers, &a, 2, ANSWER_DUPLICATE, 3, false);
        answer(&answers, &a, 3, ANSWER_REFUSED, 0, false);
        snprintf(answers.items[1].reason, sizeof(answers.items[1].reason), "no-events");
        assert_string_equal(receipts_of(&answers, &a), "1:s10 2:d3 3:r(quota) ");
        assert_string_equal(receipts_of(&answers, &b), "1:s11!no-events ");
        answers_clear(&answers);
        assert_int_equal(a.first_answer, 0);
        assert_null(answers.sessions);
}

static void test_numbers_go_up_within_a_frame_even_when_one_comes_again(void **state) {
        _cleanup_(answers_deinit) Answers answers = ANSWERS_NULL;
        Session session = { .answering = 1 };

        answer(&answers, &session, 1, ANSWER_LATER, 0, false);
        answer(&answers, &session, 2, ANSWER_LATER, 0, false);
        answer(&answers, &session, 1, ANSWER_STORED, 4, true);
        answer(&answers, &session, 2, ANSWER_STORED, 5, true);
        assert_string_equal(receipts_of(&answers, &session), "1:l(quota) 2:l(quota) | 1:s4 2:s5 ");
}

static void test_many_receipts_go_out_in_several_frames(void **state) {
        _cleanup_(answers_deinit) Answers answers = ANSWERS_NULL;
        _cleanup_(buffer_deinit) Buffer frame = BUFFER_NULL;
        Session session = { .answering = 1 };
        uint32_t place;
        int frames = 0;

        for (uint64_t i = 1; i <= 3 * RECEIPTS_A_FRAME + 1; i++)
                answer(&answers, &session, i, ANSWER_STORED, i, true);
        for (place = session.first_answer; place != 0; frames++)
                assert_int_equal(answers_pack(&answers, &place, &frame), 0);
        assert_int_equal(frames, 4);
}

static void test_when_the_sync_fails_nothing_of_the_batch_is_acknowledged(void **state) {
        _cleanup_(answers_deinit) Answers answers = ANSWERS_NULL;
        Session a = { .answering = 1 }, b = { .answering = 1 };

        answer(&answers, &a, 1, ANSWER_DUPLICATE, 3, false); /* of what was durable before */
        answer(&answers, &a, 2, ANSWER_REFUSED, 0, false);
        answer(&answers, &a, 3, ANSWER_STORED, 10, true);
        answer(&answers, &a, 4, ANSWER_DUPLICATE, 10, true); /* of what is not durable */
        answer(&answers, &a, 5, ANSWER_DUPLICATE, 3, false);
        answer(&answers, &a, 6, ANSWER_REFUSED, 0, false);
        answer(&answers, &b, 1, ANSWER_REFUSED, 0, false);
        answers_fail(&answers, "storage-full", 7);
        assert_string_equal(receipts_of(&answers, &a),
                            "1:d3 2:r(quota) 3:l(storage-full) 4:l(behind-refused) 5:l(behind-refused) "
                            "6:l(behind-refused) ");
        assert_string_equal(receipts_of(&answers, &b), "1:r(quota) ");
        assert_int_equal(session_number(&a, 3), NUMBER_NEXT);
        assert_int_equal(session_number(&a, 4), NUMBER_BEHIND_REFUSED);
        assert_int_equal(session_number(&a, 7), NUMBER_BEHIND_REFUSED);
        assert_int_equal(session_number(&b, 2), NUMBER_NEXT);
}

static void test_failed_sync_holds_where_something_was_refused_before(void **state) {
        _cleanup_(answers_deinit) Answers answers = ANSWERS_NULL;
        Session a = { .answering = 1 };

        answer(&answers, &a, 1, ANSWER_STORED, 10, true);
        answer(&answers, &a, 2, ANSWER_LATER, 0, false);
        answers_fail(&answers, "storage-full", 7);
        assert_string_equal(receipts_of(&answers, &a), "1:l(storage-full) 2:l(behind-refused) ");
        assert_int_equal(session_number(&a, 1), NUMBER_NEXT);
        assert_int_equal(session_number(&a, 2), NUMBER_BEHIND_REFUSED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers_run_on_from_one_without_a_gap),
                cmocka_unit_test(test_behind_one_refused_as_later_all_is_refused_until_it_comes_again),
                cmocka_unit_test(test_permanent_refusal_does_not_hold_up_what_is_behind),
                cmocka_unit_test(test_receipts_carry_what_was_answered_in_order),
                cmocka_unit_test(test_numbers_go_up_within_a_frame_even_when_one_comes_again),
                cmocka_unit_test(test_many_receipts_go_out_in_several_frames),
                cmocka_unit_test(test_when_the_sync_fails_nothing_of_the_batch_is_acknowledged),
                cmocka_unit_test(test_failed_sync_holds_where_something_was_refused_before),
        };

        return cmocka_run_group_tests_name("stage receipts", tests, NULL, NULL);
}
