/*
 * What a client is told is valid JSON of FHIR, whatever it is about, and every refusal of a request says what to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/fhir/answer.h"
#include "adapters/fhir/capability.h"
#include "adapters/fhir/http.h"
#include "adapters/fhir/json-write.h"
#include "base/text.h"

static Arena *arena;

static int setup(void **state) {
        return arena_new(&arena, 32 << 20);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

/* What was written is read again by the strict reader. */
static JsonNode *read_back(const Buffer *out) {
        const JsonLimits limits = JSON_LIMITS_DEFAULT;
        JsonNode *root = NULL;
        JsonError error;

        assert_int_equal(out->error, 0);
        if (json_read(buffer_bytes(out), &limits, arena, &root, &error) != 0)
                fail_msg("column %u of %.*s", error.column, (int)out->size, (const char *)out->data);
        return root;
}

static const JsonNode *at(const JsonNode *node, const char *name, size_t index) {
        const JsonNode *list = json_peek(node, name), *item = list ? list->first : NULL;

        for (; index > 0 && item; index--)
                item = item->next;
        assert_non_null(item);
        return item;
}

static void test_texts_of_any_kind_come_back_as_they_were(void **state) {
        static const char *const texts[] = { "",
                                             "plain",
                                             "\"quoted\\\"",
                                             "line\nfeed\ttab\r\b\f",
                                             "\x01\x1f",
                                             "sch\xc3\xb6n \xf0\x9f\x98\x80",
                                             "</script>" };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                Buffer out = BUFFER_NULL;
                JsonNode *node;

                json_write_text(&out, texts[i]);
                node = read_back(&out);
                assert_string_equal(node->text, texts[i]);
                buffer_deinit(&out);
        }
}

static void test_a_tree_is_written_as_it_was_read_and_with_its_edits(void **state) {
        static const char text[] =
                "{ \"a\" : [ 1.10, -0e+5, true, null, \"x\" ], \"b\" : { }, \"c\" : [ ] , \"d\" : \"urn:1\" }";
        const JsonLimits limits = JSON_LIMITS_DEFAULT;
        Buffer out = BUFFER_NULL;
        JsonNode *root;
        JsonError error;

        assert_int_equal(json_read(BYTES_LITERAL(text), &limits, arena, &root, &error), 0);
        json_write(&out, root, NULL);
        buffer_append_byte(&out, '\0');
        assert_string_equal((char *)out.data, "{\"a\":[1.10,-0e+5,true,null,\"x\"],\"b\":{},\"c\":[],\"d\":\"urn:1\"}");
        buffer_clear(&out);
        const JsonEdit leave = { .without = json_peek(root, "a") };
        const JsonEdit replace = { .from = "urn:1", .to = "Patient/1", .next = &leave };
        const JsonEdit add = { .into = json_peek(root, "b"), .name = "id", .value = "\"p1\"", .next = &replace };
        json_write(&out, root, &add);
        buffer_append_byte(&out, '\0');
        assert_string_equal((char *)out.data, "{\"b\":{\"id\":\"p1\"},\"c\":[],\"d\":\"Patient/1\"}");
        buffer_deinit(&out);
}

static void test_an_issue_has_its_path_or_its_line(void **state) {
        const FhirIssue issues[] = {
                { .severity = "error", .code = "value", .path = "Bundle.entry[2].resource.gender", .text = "No code." },
                { .severity = "error", .code = "structure", .path = "line 3 column 7", .text = "This is not JSON." },
                { .severity = "warning", .code = "incomplete" },
        };
        Buffer out = BUFFER_NULL;
        JsonNode *root;

        outcome_write(&out, issues, 3);
        root = read_back(&out);
        assert_string_equal(json_said(root, "resourceType"), "OperationOutcome");
        assert_string_equal(at(at(root, "issue", 0), "expression", 0)->text, "Bundle.entry[2].resource.gender");
        assert_string_equal(json_said(at(root, "issue", 0), "diagnostics"), "No code.");
        assert_null(json_peek(at(root, "issue", 1), "expression"));
        assert_string_equal(json_said(at(root, "issue", 1), "diagnostics"), "Line 3 column 7: This is not JSON.");
        assert_string_equal(json_said(at(root, "issue", 2), "severity"), "warning");
        buffer_clear(&out);
        outcome_write(&out, NULL, 0);
        assert_string_equal(json_said(at(read_back(&out), "issue", 0), "severity"), "information");
        buffer_deinit(&out);
}

static void test_a_response_bundle_names_what_was_stored_and_only_that(void **state) {
        const FhirIssue issue = { .severity = "error", .code = "not-found" };
        const EntryOutcome entries[] = {
                { .status = 201, .type = "Patient", .id = "p1", .version = "1" },
                { .status = 412, .type = "Patient", .id = "p2", .version = "1", .issues = &issue, .n_issues = 1 },
                { .status = 200, .type = "Flag", .id = "f1" },
        };
        Answer answer = { 0 };
        JsonNode *root;

        answer_bundle(&answer, "batch-response", entries, 3, 1793000000000000);
        root = read_back(&answer.body);
        assert_int_equal(answer.status, 200);
        assert_string_equal(json_said(json_peek(at(root, "entry", 0), "response"), "location"),
                            "Patient/p1/_history/1");
        assert_string_equal(json_said(json_peek(at(root, "entry", 0), "response"), "etag"), "W/\"1\"");
        assert_string_equal(json_said(json_peek(at(root, "entry", 1), "response"), "status"),
                            "412 Precondition Failed");
        assert_null(json_peek(json_peek(at(root, "entry", 1), "response"), "location"));
        assert_string_equal(json_said(json_peek(at(root, "entry", 2), "response"), "location"), "Flag/f1");
        answer_deinit(&answer);
        answer = (Answer){ 0 };
        answer_bundle(&answer, "transaction-response", NULL, 0, 0);
        assert_null(json_peek(read_back(&answer.body), "entry"));
        answer_deinit(&answer);
}

static void test_the_capability_statement_is_whole_in_every_configuration(void **state) {
        for (unsigned i = 0; i < 8; i++) {
                const CapabilityFacts facts = { .version = "1.2.3",
                                                .source = "epr",
                                                .date = "2026-11-01T00:00:00Z",
                                                .has_tls = i & 1,
                                                .wants_token = i & 2,
                                                .wants_certificate = i & 4 };
                Buffer out = BUFFER_NULL;
                JsonNode *root;

                capability_write(&out, &facts);
                root = read_back(&out);
                assert_string_equal(json_said(root, "fhirVersion"), "4.0.1");
                assert_true(json_peek(at(root, "rest", 0), "resource")->n_children > 8);
                assert_int_equal(json_peek(json_peek(at(root, "rest", 0), "security"), "service") != NULL, i >= 2);
                buffer_deinit(&out);
        }
}

/* ---- requests */

static unsigned route(HttpHead head, Route *ret) {
        Answer refusal = { 0 };
        unsigned status = 0;

        if (route_request(&head, ret, &refusal) != 0) {
                status = refusal.status;
                assert_string_equal(json_said(read_back(&refusal.body), "resourceType"), "OperationOutcome");
        }
        answer_deinit(&refusal);
        return status;
}

static void test_paths_lead_where_they_say(void **state) {
        static const struct {
                const char *method, *path;
                unsigned status;
                Interaction interaction;
                const char *type, *id;
        } cases[] = {
                { "POST", "/", 0, INTERACTION_SYSTEM, "", "" },
                { "POST", "", 0, INTERACTION_SYSTEM, "", "" },
                { "POST", "/$process-message", 0, INTERACTION_MESSAGE, "", "" },
                { "POST", "/Patient/", 0, INTERACTION_CREATE, "Patient", "" },
                { "PUT", "/Patient/a-1.b", 0, INTERACTION_UPDATE, "Patient", "a-1.b" },
                { "DELETE", "/Patient/1", 0, INTERACTION_DELETE, "Patient", "1" },
                { "HEAD", "/metadata", 0, INTERACTION_METADATA, "", "" },
                { "PATCH", "/Patient/1", 405, 0, "", "" },
                { "put", "/Patient/1", 405, 0, "", "" },
                { "PUT", "/Patient/1/_history/2", 404, 0, "", "" },
                { "PUT", "/Patient/_history", 404, 0, "", "" },
                { "PUT", "/Patient/a b", 400, 0, "", "" },
                { "POST", "/patient", 404, 0, "", "" },
                { "POST", "/Pat1ent", 404, 0, "", "" },
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Route found = { 0 };
                unsigned status = route((HttpHead){ .method = cases[i].method,
                                                    .path = cases[i].path,
                                                    .content_type = "application/json" },
                                        &found);

                if (status != cases[i].status)
                        fail_msg("%s %s: %u", cases[i].method, cases[i].path, status);
                if (status)
                        continue;
                assert_int_equal(found.interaction, cases[i].interaction);
                assert_string_equal(found.type, cases[i].type);
                assert_string_equal(found.id, cases[i].id);
        }
}

static void test_preferences_are_read_among_others(void **state) {
        static const struct {
                const char *text;
                Prefer prefer;
        } cases[] = {
                { NULL, PREFER_NOTHING },
                { "", PREFER_NOTHING },
                { "return=minimal", PREFER_MINIMAL },
                { "handling=strict; return=representation", PREFER_REPRESENTATION },
                { "respond-async,Return=OperationOutcome, x", PREFER_OUTCOME },
                { "return=minimally", PREFER_NOTHING },
                { ",;,", PREFER_NOTHING },
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Route found = { 0 };
                assert_int_equal(route((HttpHead){ .method = "POST",
                                                   .path = "/Patient",
                                                   .content_type = "application/json",
                                                   .prefer = cases[i].text },
                                       &found),
                                 0);
                assert_int_equal(found.prefer, cases[i].prefer);
        }
}

static void test_etags_name_versions(void **state) {
        static const char *const good[] = { "W/\"3\"", "\"3\"", "3", "w/\"3\"" }, *const bad[] = {
                "", "W/", "\"\"", "W/\"3", "\"a b\"", "W/\"3\", W/\"4\""
        };
        char version[ANSWER_NAME_MAX + 1];

        for (size_t i = 0; i < 4; i++) {
                assert_true(etag_read(good[i], version));
                assert_string_equal(version, "3");
        }
        for (size_t i = 0; i < 6; i++)
                if (etag_read(bad[i], version))
                        fail_msg("case %zu: %s", i, version);
}

static void test_conditions_are_system_and_value(void **state) {
        static const char *const bad[] = {
                "",         "identifier=",        "identifier=a",       "identifier=|b",   "identifier=a|",
                "name=a|b", "identifier=a|b&x=y", "identifier=a|b,c|d", "identifier=%4|b", "identifier=a%00|b"
        };
        char *system = NULL, *value = NULL;

        assert_int_equal(condition_read("?identifier=http%3a%2F%2Fa%7Cb+c", &system, &value), 0);
        assert_string_equal(system, "http://a");
        assert_string_equal(value, "b c");
        free(system);
        free(value);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(condition_read(bad[i], &system, &value), ROUTE_E_REFUSED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_texts_of_any_kind_come_back_as_they_were),
                cmocka_unit_test(test_a_tree_is_written_as_it_was_read_and_with_its_edits),
                cmocka_unit_test(test_an_issue_has_its_path_or_its_line),
                cmocka_unit_test(test_a_response_bundle_names_what_was_stored_and_only_that),
                cmocka_unit_test(test_the_capability_statement_is_whole_in_every_configuration),
                cmocka_unit_test(test_paths_lead_where_they_say),
                cmocka_unit_test(test_preferences_are_read_among_others),
                cmocka_unit_test(test_etags_name_versions),
                cmocka_unit_test(test_conditions_are_system_and_value),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
