/* What comes of a 409 or a 412: the version of our own copy, and never that of what is another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/fhir/conflict.h"

#define SENT                                                                                                        \
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":{\"resourceType\":"         \
        "\"Encounter\",\"id\":\"e1\"},\"request\":{\"method\":\"PUT\",\"url\":\"Encounter/e1\"}},{\"resource\":{"   \
        "\"resourceType\":\"Provenance\",\"id\":\"p1\",\"target\":[{\"reference\":\"Encounter/e1\"}]},\"request\":" \
        "{\"method\":\"PUT\",\"url\":\"Provenance/p1\"}}]}"
#define GONE ",{\"response\":{\"status\":\"404 Not Found\"}}"
#define ANSWER(entries) "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[" entries "]}"
#define ENCOUNTER(id, members, status)                                            \
        "{\"resource\":{\"resourceType\":\"Encounter\",\"id\":\"" id "\"" members \
        "},\"response\":{\"status\":\"" status "\",\"etag\":\"W/\\\"9\\\"\"}}"
#define NUMBERED(bus) \
        ",\"meta\":{\"versionId\":\"3\"},\"identifier\":[{\"system\":\"carebus:" bus "\",\"value\":\"7.0\"}]"
#define SOURCED(bus) ",\"meta\":{\"source\":\"carebus:" bus "#7.0\"}"
#define SAID(digest)                                                                                                 \
        ",\"extension\":[{\"url\":\"urn:carebus:said\",\"extension\":[{\"url\":\"digest\",\"valueString\":\"" digest \
        "\"}]}]"
#define PROVENANCE(target)                                                                                           \
        ",{\"resource\":{\"resourceType\":\"Provenance\",\"id\":\"p1\",\"meta\":{\"versionId\":\"5\"},\"target\":[{" \
        "\"reference\":\"" target "\"}]},\"response\":{\"status\":\"200\"}}"

static const struct {
        unsigned status;
        const char *answer;
        int result;
        const char *first, *second; /* versions that are named; NULL: none */
} cases[] = {
        { 200, ANSWER(ENCOUNTER("e1", NUMBERED("b"), "200 OK") GONE), 0, "W/\\\"3\\\"", NULL },
        { 200, ANSWER(ENCOUNTER("e1", SOURCED("b"), "200 OK") GONE), 0, "W/\\\"9\\\"", NULL },
        { 200, ANSWER(ENCOUNTER("e1", NUMBERED("b"), "200") PROVENANCE("Encounter/e1")), 0, "W/\\\"3\\\"",
          "W/\\\"5\\\"" },
        { 200, ANSWER(ENCOUNTER("e1", NUMBERED("b"), "200") PROVENANCE("Encounter/e2")), CONFLICT_E_NOT_OURS, NULL,
          NULL },
        { 200, ANSWER(ENCOUNTER("e1", NUMBERED("bb"), "200 OK") GONE), CONFLICT_E_NOT_OURS, NULL, NULL },
        { 200, ANSWER(ENCOUNTER("e1", SOURCED("bb"), "200 OK") GONE), CONFLICT_E_NOT_OURS, NULL, NULL },
        { 200, ANSWER(ENCOUNTER("e2", NUMBERED("b"), "200 OK") GONE), CONFLICT_E_NOT_OURS, NULL, NULL },
        { 200, ANSWER(ENCOUNTER("e1", "", "200 OK") GONE), CONFLICT_E_NOT_OURS, NULL, NULL },
        { 200, ANSWER(ENCOUNTER("e1", NUMBERED("b") SAID("00"), "200 OK") GONE), CONFLICT_E_NOT_OURS, NULL, NULL },
        { 200, ANSWER("{\"response\":{\"status\":\"500\"}}" GONE), CONFLICT_E_NOT_CLEARED, NULL, NULL },
        { 200, ANSWER("{\"response\":{\"status\":\"500\"}}" PROVENANCE("Encounter/e2")), CONFLICT_E_NOT_OURS, NULL,
          NULL },
        { 200, ANSWER(ENCOUNTER("e1", NUMBERED("b"), "200 OK")), CONFLICT_E_NOT_CLEARED, NULL, NULL },
        { 200, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"}", CONFLICT_E_NOT_CLEARED, NULL, NULL },
        { 200, "{\"resourceType\":", CONFLICT_E_NOT_CLEARED, NULL, NULL },
        { 403, ANSWER(GONE), CONFLICT_E_NOT_CLEARED, NULL, NULL },
};

/* What the request with that URL names. */
static const char *named(const char *text, const char *url, char ret[64]) {
        const char *from = strstr(text, url), *end = from ? strchr(from, '}') : NULL, *match;

        assert_non_null(end);
        while (from > text && *from != '{')
                from--;
        match = strstr(from, "\"ifMatch\":\"");
        if (!match || match > end)
                return NULL;
        match += strlen("\"ifMatch\":\"");
        snprintf(ret, 64, "%.*s", (int)(strstr(match, "\\\"\"") + 2 - match), match);
        return ret;
}

static void assert_names(const char *text, const char *url, const char *wanted) {
        char version[64];
        const char *got = named(text, url, version);

        assert_int_equal(got == NULL, wanted == NULL);
        if (got)
                assert_string_equal(got, wanted);
}

static void test_only_our_own_copy_is_written_over_and_with_its_version(void **state) {
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const FetchResult answer = { .status = cases[i].status,
                                             .is_json = true,
                                             .body = bytes_of_text(cases[i].answer) };
                _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
                int r = conflict_clear(bytes_of_text(SENT), "b", &answer, &out);

                if (r != cases[i].result)
                        fail_msg("case %zu: %d", i, r);
                assert_int_equal(out.size > 0, r == 0);
        }
}

static void test_the_versions_stand_where_they_belong_and_nothing_else_changes(void **state) {
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const FetchResult answer = { .status = cases[i].status,
                                             .is_json = true,
                                             .body = bytes_of_text(cases[i].answer) };
                _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;

                if (conflict_clear(bytes_of_text(SENT), "b", &answer, &out) != 0)
                        continue;
                buffer_append_byte(&out, '\0');
                assert_names((const char *)out.data, "\"url\":\"Encounter/e1\"", cases[i].first);
                assert_names((const char *)out.data, "\"url\":\"Provenance/p1\"", cases[i].second);
        }
}

static void test_all_that_is_written_is_asked_for(void **state) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;

        (void)state;
        assert_int_equal(conflict_ask(bytes_of_text(SENT), &out), 0);
        buffer_append_byte(&out, '\0');
        assert_string_equal(
                (const char *)out.data,
                "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"GET\",\"url\":"
                "\"Encounter/e1\"}},{\"request\":{\"method\":\"GET\",\"url\":\"Provenance/p1\"}}]}");
}

static void test_only_a_transaction_has_versions_to_name(void **state) {
        static const unsigned statuses[] = { 200, 400, 404, 409, 412, 500 };

        (void)state;
        for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
                const FetchResult result = { .status = statuses[i] };
                bool is = statuses[i] == 409 || statuses[i] == 412;

                assert_int_equal(conflict_is(ENVELOPE_TRANSACTION, &result), is);
                assert_false(conflict_is(ENVELOPE_MESSAGE, &result));
                assert_false(conflict_is(ENVELOPE_NOTIFICATION, &result));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_only_our_own_copy_is_written_over_and_with_its_version),
                cmocka_unit_test(test_the_versions_stand_where_they_belong_and_nothing_else_changes),
                cmocka_unit_test(test_all_that_is_written_is_asked_for),
                cmocka_unit_test(test_only_a_transaction_has_versions_to_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
