/*
 * Acknowledgements: the right code in the sender's own words, and no answer where none is wanted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/mllp/ack.h"

#define NOW 1709633700000000LL /* 2024-03-05T10:15:00Z */

static Hl7Header header;
static Buffer answer;

static int setup(void **state) {
        answer = BUFFER_NULL;
        return 0;
}

static int teardown(void **state) {
        buffer_deinit(&answer);
        return 0;
}

static AckRequest request_for(const char *msh, AckOutcome outcome) {
        Hl7Error error;

        assert_int_equal(hl7_header_read(bytes_of_text(msh), &header, &error), 0);
        return (AckRequest){ .header = &header, .outcome = outcome, .now_at = NOW, .number = 7 };
}

/* The answer as text; <id> in what is expected stands for its own MSH-10. */
static void assert_answer(const AckRequest *request, unsigned kind, const char *expected) {
        const char *place = strstr(expected, "<id>");
        char text[1024];

        assert_non_null(place);
        snprintf(text, sizeof(text), "%.*s%014llX0000%s%s", (int)(place - expected), expected, (unsigned long long)NOW,
                 kind == ACK_WANTED_ACCEPT ? "0F" : "0E", place + strlen("<id>")); /* each answer has one of its own */
        buffer_clear(&answer);
        ack_append(&answer, request, kind);
        buffer_append_byte(&answer, 0);
        assert_string_equal((char *)answer.data, text);
}

static void test_a_stored_message_is_answered_aa(void **state) {
        AckRequest request = request_for("MSH|^~\\&|APP|FAC|BUS|HERE|2024||ADT^A01^ADT_A01|ID&1|P|2.4\r", ACK_STORED);

        assert_answer(&request, ACK_WANTED_APPLICATION,
                      "MSH|^~\\&|BUS|HERE|APP|FAC|20240305101500+0000||ACK^A01^ACK|<id>|P|2.4\rMSA|AA|ID&1\r");
}

static void test_an_answer_to_who_said_no_processing_id_has_that_of_the_bus(void **state) {
        static const struct {
                ConfigEnvironment environment;
                const char *id;
        } rows[] = {
                { CONFIG_ENVIRONMENT_LIVE, "P" },
                { CONFIG_ENVIRONMENT_TEST, "T" },
                { CONFIG_ENVIRONMENT_ANY, "P" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                AckRequest request = { .outcome = ACK_NEVER, .now_at = NOW, .number = 7 };
                char expected[256];

                request.environment = rows[i].environment;
                snprintf(expected, sizeof(expected), "MSH|^~\\&|||||20240305101500+0000||ACK|<id>|%s|2.4\rMSA|AR|\r",
                         rows[i].id);
                assert_answer(&request, ACK_WANTED_APPLICATION, expected);
                request = request_for("MSH|^~\\&|||||2024||ADT|I||2.4\r", ACK_STORED);
                request.environment = rows[i].environment;
                snprintf(expected, sizeof(expected), "MSH|^~\\&|||||20240305101500+0000||ACK|<id>|%s|2.4\rMSA|AA|I\r",
                         rows[i].id);
                assert_answer(&request, ACK_WANTED_APPLICATION, expected);
                /* What was said comes back as it was said. */
                request = request_for("MSH|^~\\&|||||2024||ADT|I|D|2.4\r", ACK_STORED);
                request.environment = rows[i].environment;
                assert_answer(&request, ACK_WANTED_APPLICATION,
                              "MSH|^~\\&|||||20240305101500+0000||ACK|<id>|D|2.4\rMSA|AA|I\r");
        }
}

static void test_the_senders_separators_and_character_set_come_back(void **state) {
        AckRequest request = request_for("MSH@~*!%@A\xE9@F@B@H@@@ADT~A08@I*D@T@2.5@@@@@@8859/1\r", ACK_STORED);

        assert_answer(&request, ACK_WANTED_APPLICATION,
                      "MSH@~*!%@B@H@A\xE9@F@20240305101500+0000@@ACK~A08~ACK@<id>@T@2.5@@@@@@8859/1\rMSA@AA@I*D\r");
}

static void test_what_cannot_be_stored_now_is_answered_ae(void **state) {
        AckRequest request = request_for("MSH|^~\\&|APP|FAC|||2024||ADT^A01|1|P|2.3\r", ACK_LATER);

        request.error = ACK_ERROR_INTERNAL;
        request.reason = "try-later";
        assert_answer(&request, ACK_WANTED_APPLICATION,
                      "MSH|^~\\&|||APP|FAC|20240305101500+0000||ACK^A01^ACK|<id>|P|2.3\rMSA|AE|1|try-later\r"
                      "ERR|^^^207&Application internal error: not stored: keep the message and send it again\r");
}

static void test_an_error_names_its_place_and_code_by_version(void **state) {
        AckRequest request = request_for("MSH|^~\\&|APP|FAC|||2024||ADT^A01|1|P|2.3\r", ACK_NEVER);

        request.error = ACK_ERROR_UNSUPPORTED_PROCESSING_ID;
        request.position = "MSH-11";
        request.reason = "processing-id";
        assert_answer(&request, ACK_WANTED_APPLICATION,
                      "MSH|^~\\&|||APP|FAC|20240305101500+0000||ACK^A01^ACK|<id>|P|2.3\rMSA|AR|1|processing-id\r"
                      "ERR|MSH^1^11^202&Unsupported processing id: MSH-11 is not for this bus: send tests to a test "
                      "bus and live "
                      "messages to a live one\r");
        request = request_for("MSH|^~\\&|APP|FAC|||2024||ADT^A01|1|P|2.5.1\r", ACK_NEVER);
        request.error = ACK_ERROR_UNSUPPORTED_PROCESSING_ID;
        request.position = "MSH-11";
        request.reason = "processing-id";
        assert_answer(&request, ACK_WANTED_APPLICATION,
                      "MSH|^~\\&|||APP|FAC|20240305101500+0000||ACK^A01^ACK|<id>|P|2.5.1\rMSA|AR|1|processing-id\r"
                      "ERR||MSH^1^11|202^Unsupported processing id^HL70357|E|||processing-id|MSH-11 is not for this "
                      "bus: send tests "
                      "to a test bus and live messages to a live one\r");
}

/* Whoever looks at the queue of the sending system at night has this answer and nothing else. */
static void test_every_refusal_says_what_to_do(void **state) {
        static const struct {
                AckOutcome outcome;
                const char *reason, *says;
        } refusals[] = {
                { ACK_NEVER, "too-large", "max_message_bytes" },
                { ACK_NEVER, "parse-no-msh", "begin with MSH" },
                { ACK_NEVER, "not-allowed", "ask who runs the bus" },
                { ACK_NEVER, "unknown-source", "ask who runs the bus" },
                { ACK_NEVER, "a-code-of-tomorrow", "sending it again changes nothing" },
                { ACK_LATER, "a-code-of-tomorrow", "send it again" },
                { ACK_LATER, "storage-full", "send it again" },
                { ACK_LATER, "over-quota", "more slowly" },
                { ACK_LATER, NULL, "send it again" },
        };
        static const char *const versions[] = { "2.3", "2.4", "2.5", "2.5.1" };

        for (size_t i = 0; i < ELEMENTSOF(refusals); i++)
                for (size_t k = 0; k < ELEMENTSOF(versions); k++) {
                        char message[80];

                        snprintf(message, sizeof(message), "MSH|^~\\&|APP|FAC|||2024||ADT^A01|1|P|%s\r", versions[k]);
                        AckRequest request = request_for(message, refusals[i].outcome);
                        request.error = ACK_ERROR_INTERNAL;
                        request.reason = refusals[i].reason;
                        buffer_clear(&answer);
                        ack_append(&answer, &request, ACK_WANTED_APPLICATION);
                        buffer_append_byte(&answer, 0);
                        assert_int_equal(answer.error, 0);
                        assert_non_null(strstr((const char *)answer.data, refusals[i].says));
                }
}

static void test_our_own_text_is_escaped_in_the_senders_separators(void **state) {
        AckRequest request = request_for("MSH|-~\\&|APP|FAC|||2024||ADT-A01|1|P|2.3\r", ACK_LATER);

        request.reason = "try-later";
        assert_answer(&request, ACK_WANTED_APPLICATION,
                      "MSH|-~\\&|||APP|FAC|20240305101500+0000||ACK-A01-ACK|<id>|P|2.3\rMSA|AE|1|try\\S\\later\r");
}

static void test_a_header_that_cannot_be_read_is_answered_ar_in_default_separators(void **state) {
        AckRequest request = { .outcome = ACK_NEVER,
                               .error = ACK_ERROR_SEGMENT_SEQUENCE,
                               .reason = "parse-no-msh",
                               .now_at = NOW,
                               .number = 7 };

        assert_int_equal(ack_wanted(NULL, ACK_NEVER), ACK_WANTED_APPLICATION);
        assert_answer(&request, ACK_WANTED_APPLICATION,
                      "MSH|^~\\&|||||20240305101500+0000||ACK|<id>|P|2.4\rMSA|AR||parse-no-msh\rERR|^^^100&Segment "
                      "sequence error: no MSH could be read: begin with MSH and its separators, segments end with a "
                      "return\r");
}

static void test_a_part_of_a_header_is_enough(void **state) {
        AckRequest request = request_for("MSH|^~\\&|APP", ACK_STORED);

        assert_answer(&request, ACK_WANTED_APPLICATION,
                      "MSH|^~\\&|||APP||20240305101500+0000||ACK|<id>|P|2.4\rMSA|AA|\r");
}

static void assert_wanted(const char *accept, const char *application, AckOutcome outcome, unsigned expected) {
        char text[128];

        snprintf(text, sizeof(text), "MSH|^~\\&|A|B|||1||ADT^A01|1|P|2.4|||%s|%s\r", accept, application);
        (void)request_for(text, outcome);
        assert_int_equal(ack_wanted(&header, outcome), expected);
}

static void test_original_mode_always_wants_an_answer(void **state) {
        assert_wanted("", "", ACK_STORED, ACK_WANTED_APPLICATION);
        assert_wanted("\"\"", "\"\"", ACK_LATER, ACK_WANTED_APPLICATION);
}

static void test_a_word_that_is_no_condition_leaves_no_sender_without_an_answer(void **state) {
        assert_wanted("2.4", "", ACK_STORED, ACK_WANTED_APPLICATION);
        assert_wanted("ADT^A01", "yes", ACK_LATER, ACK_WANTED_APPLICATION);
        assert_wanted("NE", "2.4", ACK_STORED, ACK_WANTED_NONE);
}

static void test_enhanced_mode_wants_what_it_says(void **state) {
        assert_wanted("AL", "NE", ACK_STORED, ACK_WANTED_ACCEPT);
        assert_wanted("AL", "", ACK_NEVER, ACK_WANTED_ACCEPT);
        assert_wanted("NE", "NE", ACK_STORED, ACK_WANTED_NONE);
        assert_wanted("NE", "NE", ACK_LATER, ACK_WANTED_NONE);
        assert_wanted("ER", "NE", ACK_STORED, ACK_WANTED_NONE);
        assert_wanted("ER", "NE", ACK_LATER, ACK_WANTED_ACCEPT);
        assert_wanted("SU", "NE", ACK_STORED, ACK_WANTED_ACCEPT);
        assert_wanted("SU", "NE", ACK_LATER, ACK_WANTED_NONE);
        assert_wanted("NE", "AL", ACK_STORED, ACK_WANTED_APPLICATION);
        assert_wanted("al", "AL", ACK_STORED, ACK_WANTED_ACCEPT | ACK_WANTED_APPLICATION);
}

static void test_an_answer_in_enhanced_mode_wants_none_itself(void **state) {
        AckRequest request = request_for("MSH|^~\\&|APP|FAC|||2024||ADT^A01|1|P|2.4|||AL|NE|GBR\r", ACK_STORED);

        assert_answer(&request, ACK_WANTED_ACCEPT,
                      "MSH|^~\\&|||APP|FAC|20240305101500+0000||ACK^A01^ACK|<id>|P|2.4|||NE|NE|GBR|\rMSA|CA|1\r");
}

static void test_an_acknowledgement_is_never_acknowledged(void **state) {
        AckRequest request = request_for("MSH|^~\\&|A|B|||1||ACK^A01^ACK|1|P|2.4|||AL|AL\rMSA|AA|7\r", ACK_STORED);

        assert_int_equal(ack_wanted(&header, ACK_STORED), ACK_WANTED_NONE);
        assert_int_equal(ack_append_frames(&answer, &request), 0);
        assert_int_equal(answer.size, 0);
}

static void test_every_wanted_answer_comes_in_its_frame(void **state) {
        AckRequest request = request_for("MSH|^~\\&|A|B|||1||ADT^A01|1|P|2.4|||AL|AL\r", ACK_STORED);
        size_t n_starts = 0, n_ends = 0;

        assert_int_equal(ack_append_frames(&answer, &request), 2);
        for (size_t i = 0; i < answer.size; i++) {
                n_starts += answer.data[i] == 0x0B;
                n_ends += answer.data[i] == 0x1C && answer.data[i + 1] == 0x0D;
        }
        assert_int_equal(n_starts, 2);
        assert_int_equal(n_ends, 2);
        buffer_append_byte(&answer, 0);
        assert_true(strstr((char *)answer.data, "MSA|CA|1") < strstr((char *)answer.data, "MSA|AA|1"));
}

static bool fits(const char *id, ConfigEnvironment environment) {
        char text[128];

        snprintf(text, sizeof(text), "MSH|^~\\&|A|B|||1||ADT^A01|1|%s|2.4\r", id);
        (void)request_for(text, ACK_STORED);
        return ack_processing_id_fits(&header, environment);
}

static void test_training_never_goes_into_a_live_bus_nor_production_into_a_test(void **state) {
        assert_true(fits("P", CONFIG_ENVIRONMENT_LIVE));
        assert_false(fits("T", CONFIG_ENVIRONMENT_LIVE));
        assert_false(fits("D", CONFIG_ENVIRONMENT_LIVE));
        assert_false(fits("t^A", CONFIG_ENVIRONMENT_LIVE));
        assert_true(fits("T", CONFIG_ENVIRONMENT_TEST));
        assert_true(fits("D", CONFIG_ENVIRONMENT_TEST));
        assert_false(fits("P", CONFIG_ENVIRONMENT_TEST));
        assert_false(fits(" P ^A", CONFIG_ENVIRONMENT_TEST));
        for (const char *id = "PTD"; *id; id++) {
                char text[2] = { *id, 0 };

                assert_true(fits(text, CONFIG_ENVIRONMENT_ANY));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_stored_message_is_answered_aa, setup, teardown),
                cmocka_unit_test_setup_teardown(test_an_answer_to_who_said_no_processing_id_has_that_of_the_bus, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_the_senders_separators_and_character_set_come_back, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_what_cannot_be_stored_now_is_answered_ae, setup, teardown),
                cmocka_unit_test_setup_teardown(test_an_error_names_its_place_and_code_by_version, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_refusal_says_what_to_do, setup, teardown),
                cmocka_unit_test_setup_teardown(test_our_own_text_is_escaped_in_the_senders_separators, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_a_header_that_cannot_be_read_is_answered_ar_in_default_separators,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_part_of_a_header_is_enough, setup, teardown),
                cmocka_unit_test_setup_teardown(test_original_mode_always_wants_an_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_word_that_is_no_condition_leaves_no_sender_without_an_answer,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_enhanced_mode_wants_what_it_says, setup, teardown),
                cmocka_unit_test_setup_teardown(test_an_answer_in_enhanced_mode_wants_none_itself, setup, teardown),
                cmocka_unit_test_setup_teardown(test_an_acknowledgement_is_never_acknowledged, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_wanted_answer_comes_in_its_frame, setup, teardown),
                cmocka_unit_test_setup_teardown(test_training_never_goes_into_a_live_bus_nor_production_into_a_test,
                                                setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
