/* What an answer of a receiver means: nothing is credited by one that does not speak of what was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "adapters/fhir/verdict.h"

#define SENT "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{},{}]}"
#define MESSAGE                                                                                         \
        "{\"resourceType\":\"Bundle\",\"type\":\"message\",\"entry\":[{\"resource\":{\"resourceType\":" \
        "\"MessageHeader\",\"id\":\"m1\"}}]}"
#define RESPONSE(id, code)                                                                              \
        "{\"resourceType\":\"Bundle\",\"type\":\"message\",\"entry\":[{\"resource\":{\"resourceType\":" \
        "\"MessageHeader\","                                                                            \
        "\"response\":{\"identifier\":\"" id "\",\"code\":\"" code "\"}}}]}"
#define ENTRIES(a, b)                                                                                              \
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction-response\",\"entry\":[{\"response\":{\"status\":\"" a \
        "\"}},{\"response\":{\"status\":\"" b "\"}}]}"

typedef struct Case {
        EnvelopeForm form;
        unsigned status;
        const char *body;
        bool is_json;
        DestinationOutcome outcome;
        const char *code;
} Case;

static const Case cases[] = {
        { ENVELOPE_TRANSACTION, 200, ENTRIES("200 OK", "201 Created"), true, DESTINATION_DELIVERED, "" },
        { ENVELOPE_TRANSACTION, 200, ENTRIES("200 OK", "400"), true, DESTINATION_FAILED, "entry-not-taken" },
        { ENVELOPE_TRANSACTION, 200, "{\"resourceType\":\"Bundle\",\"type\":\"transaction-response\",\"entry\":[{}]}",
          true, DESTINATION_FAILED, "other-answer" },
        { ENVELOPE_TRANSACTION, 200, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"}", true, DESTINATION_FAILED,
          "other-answer" },
        { ENVELOPE_TRANSACTION, 200, "<html>", false, DESTINATION_FAILED, "not-fhir" },
        { ENVELOPE_TRANSACTION, 200, "{\"resourceType\":", true, DESTINATION_FAILED, "not-fhir" },
        { ENVELOPE_TRANSACTION, 200, "", true, DESTINATION_FAILED, "no-answer" },
        { ENVELOPE_TRANSACTION, 422, "", true, DESTINATION_REJECTED, "422" },
        { ENVELOPE_TRANSACTION, 400, "", true, DESTINATION_REJECTED, "400" },
        { ENVELOPE_TRANSACTION, 401, "", true, DESTINATION_FAILED, "401" },
        { ENVELOPE_TRANSACTION, 307, "", true, DESTINATION_FAILED, "307" },
        { ENVELOPE_TRANSACTION, 409, "", true, DESTINATION_FAILED, "409" },
        { ENVELOPE_TRANSACTION, 503, "", true, DESTINATION_FAILED, "503" },
        { ENVELOPE_TRANSACTION, 0, "", false, DESTINATION_FAILED, "no-answer" },
        { ENVELOPE_MESSAGE, 200, RESPONSE("m1", "ok"), true, DESTINATION_DELIVERED, "" },
        { ENVELOPE_MESSAGE, 200, RESPONSE("m2", "ok"), true, DESTINATION_FAILED, "other-answer" },
        { ENVELOPE_MESSAGE, 200, RESPONSE("m1", "fatal-error"), true, DESTINATION_REJECTED, "fatal-error" },
        { ENVELOPE_MESSAGE, 200, RESPONSE("m1", "transient-error"), true, DESTINATION_FAILED, "transient-error" },
        { ENVELOPE_MESSAGE, 202, "", false, DESTINATION_DELIVERED, "" },
        { ENVELOPE_NOTIFICATION, 200, "", false, DESTINATION_DELIVERED, "" },
        { ENVELOPE_NOTIFICATION, 200, "<html>", false, DESTINATION_FAILED, "not-fhir" },
};

static void test_an_answer_is_credited_only_for_what_it_speaks_of(void **state) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const Case *is = &cases[i];
                const FetchResult result = { .status = is->status,
                                             .body = bytes_of_text(is->body),
                                             .is_json = is->is_json };
                Verdict verdict;

                verdict_read(is->form, bytes_of_text(is->form == ENVELOPE_MESSAGE ? MESSAGE : SENT), &result, &verdict);
                if (verdict.outcome != is->outcome)
                        fail_msg("case %zu: %d, %s", i, verdict.outcome, verdict.code);
                assert_string_equal(verdict.code, is->code);
        }
}

static void test_what_never_left_costs_no_try_and_retry_after_is_kept_within_a_day(void **state) {
        const FetchResult away = { .never_left = true }, busy = { .status = 429, .retry_after = 1 << 30 };
        Verdict verdict;

        verdict_read(ENVELOPE_TRANSACTION, bytes_of_text(SENT), &away, &verdict);
        assert_int_equal(verdict.outcome, DESTINATION_NOT_CONNECTED);
        verdict_read(ENVELOPE_TRANSACTION, bytes_of_text(SENT), &busy, &verdict);
        assert_int_equal(verdict.quiet, 86400);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_answer_is_credited_only_for_what_it_speaks_of),
                cmocka_unit_test(test_what_never_left_costs_no_try_and_retry_after_is_kept_within_a_day),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
