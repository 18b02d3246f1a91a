/*
 * Ids are made of content, placeholders become ids, and the same message gives the same again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/fhir/prepare.h"
#include "base/text.h"

static Arena *arena;

static int setup(void **state) {
        return arena_new(&arena, 64 << 20);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

static Prepared prepare(const char *source, const char *text) {
        Prepared prepared;

        assert_int_equal(prepare_message(source, bytes_of_text(text), arena, &prepared), 0);
        return prepared;
}

static const char *text_of(Bytes bytes) {
        return arena_text(arena, bytes.data, bytes.size);
}

static void test_an_id_is_made_of_source_and_content_and_looks_like_a_uuid(void **state) {
        const char *one = prepare("epr", "{\"resourceType\":\"Patient\"}").assigned_id;

        assert_int_equal(strlen(one), 36);
        assert_true(one[8] == '-' && one[13] == '-' && one[18] == '-' && one[23] == '-' && one[14] == '8');
        assert_string_equal(prepare("epr", "{\"resourceType\":\"Patient\"}").assigned_id, one);
        assert_string_not_equal(prepare("epr", "{\"resourceType\":\"Patient\" }").assigned_id, one);
        assert_string_not_equal(prepare("other", "{\"resourceType\":\"Patient\"}").assigned_id, one);
        assert_null(prepare("epr", "{\"resourceType\":\"Patient\",\"id\":\"p1\"}").assigned_id);
}

static void test_what_is_no_resource_passes_as_it_came(void **state) {
        static const char *const texts[] = { "",
                                             "[]",
                                             "{",
                                             "{\"a\":1}",
                                             "nonsense",
                                             "\"Patient\"",
                                             "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":7}" };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                Prepared prepared = prepare("epr", texts[i]);
                assert_int_equal(prepared.message.size, strlen(texts[i]));
                assert_int_equal(prepared.n_entries, 0);
        }
}

#define TRANSACTION(entries) "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" entries "]}"
#define POSTED                                                                                                      \
        "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Patient\"},\"request\":{\"method\":\"POST\"," \
        "\"url\":\"Patient\"}}"
#define STAY                                                                                                       \
        "{\"resource\":{\"resourceType\":\"Encounter\",\"id\":\"e1\",\"subject\":{\"reference\":\"urn:uuid:1\"}}," \
        "\"request\":{\"method\":\"PUT\",\"url\":\"Encounter/e1\"}}"

static void test_a_placeholder_becomes_the_id_wherever_it_stands(void **state) {
        Prepared prepared = prepare("epr", TRANSACTION(POSTED "," STAY));
        const char *id = prepared.entries[0].id, *reference = arena_format(arena, "\"Patient/%s\"", id);
        const char *text = text_of(prepared.message);

        assert_null(strstr(text, "urn:uuid:1"));
        assert_non_null(strstr(text, arena_format(arena, "\"fullUrl\":%s", reference)));
        assert_non_null(strstr(text, arena_format(arena, "\"subject\":{\"reference\":%s}", reference)));
        assert_non_null(strstr(text, arena_format(arena, "\"id\":\"%s\"", id)));
        assert_string_equal(text_of(prepare("epr", TRANSACTION(POSTED "," STAY)).message), text);
        assert_string_equal(prepared.entries[1].id, "e1");
        assert_string_equal(prepared.entries[1].method, "PUT");
}

static void test_two_entries_alike_are_two_resources(void **state) {
        Prepared prepared = prepare("epr", TRANSACTION(POSTED "," POSTED));
        assert_string_not_equal(prepared.entries[0].id, prepared.entries[1].id);
}

static void test_what_is_left_out_is_gone_and_referred_to_by_its_name(void **state) {
        Prepared prepared;
        const char *text;

        assert_int_equal(prepare_read("epr", BYTES_LITERAL(TRANSACTION(POSTED "," STAY)), arena, &prepared), 0);
        prepared.entries[0].is_left_out = true;
        prepared.entries[0].id = "p7";
        assert_int_equal(prepare_write(&prepared, arena), 0);
        text = text_of(prepared.message);
        assert_null(strstr(text, "\"resourceType\":\"Patient\""));
        assert_non_null(strstr(text, "{\"reference\":\"Patient/p7\"}"));
}

static void test_an_entry_of_a_batch_stands_alone_and_is_read_again_as_it_was(void **state) {
        static const char batch[] = "{\"resourceType\":\"Bundle\",\"id\":\"b\",\"type\":\"batch\",\"timestamp\":\"2026-"
                                    "11-01T10:00:00Z\",\"identifier\":{\"value\":\"1\"},\"entry\":[" POSTED "," STAY
                                    "]}";
        Prepared prepared = prepare("epr", batch), again;
        Bytes single;

        assert_int_equal(prepared.n_entries, 2);
        assert_int_equal(prepare_single(&prepared, 0, arena, &single), 0);
        assert_null(strstr(text_of(single), "\"identifier\""));
        assert_non_null(strstr(text_of(single), "\"timestamp\":\"2026-11-01T10:00:00Z\""));
        again = prepare("epr", text_of(single));
        assert_int_equal(again.n_entries, 1);
        assert_string_equal(again.entries[0].id, prepared.entries[0].id);
        assert_string_equal(text_of(again.message), text_of(single));
}

static void test_urls_of_entries_are_read(void **state) {
        static const struct {
                const char *url, *type, *id;
                bool is_conditional;
        } cases[] = {
                { "Flag/f1", "Flag", "f1", false },    { "/Flag/f1/_history/3", "Flag", "f1", false },
                { "Flag", "Flag", NULL, false },       { "Flag?identifier=a", "Flag", NULL, true },
                { "Flag/f%201", "Flag", NULL, false },
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const char *text = arena_format(
                        arena, TRANSACTION("{\"request\":{\"method\":\"DELETE\",\"url\":\"%s\"}}"), cases[i].url);
                Prepared prepared = prepare("epr", text);

                assert_true(text_equal(prepared.entries[0].type, cases[i].type));
                assert_true(text_equal(prepared.entries[0].id, cases[i].id));
                assert_int_equal(prepared.entries[0].is_conditional_url, cases[i].is_conditional);
        }
}

static void test_a_deletion_says_all_that_is_known(void **state) {
        Carebus__V1__Identifier number = CAREBUS__V1__IDENTIFIER__INIT, local = CAREBUS__V1__IDENTIFIER__INIT;
        Carebus__V1__Identifier *own[] = { &number }, *patient[] = { &local, &number };
        MemoryRecord known = { .version = "4",
                               .resource = "",
                               .identifiers = own,
                               .n_identifiers = 1,
                               .patient = patient,
                               .n_patient = 2 };
        Bytes message;

        number.system = (char *)"urn:x";
        number.value = (char *)"H\"1";
        local.system = (char *)"carebus:epr";
        local.value = (char *)"Patient/p1";
        assert_int_equal(prepare_delete("Flag", "f1", NULL, "subject", arena, &message), 0);
        assert_string_equal(text_of(message), TRANSACTION("{\"request\":{\"method\":\"DELETE\",\"url\":\"Flag/f1\"}}"));
        assert_int_equal(prepare_delete("Flag", "f1", &known, "subject", arena, &message), 0);
        assert_non_null(strstr(text_of(message), "\"subject\":{\"reference\":\"Patient/"
                                                 "p1\",\"identifier\":{\"system\":\"urn:x\",\"value\":\"H\\\"1\"}}"));
        assert_non_null(strstr(text_of(message), "\"ifMatch\":\"W/\\\"4\\\"\""));
        assert_non_null(prepare("epr", text_of(message)).root);
        known.resource = "{\"resourceType\":\"Flag\",\"id\":\"f1\"}";
        assert_int_equal(prepare_delete("Flag", "f1", &known, "subject", arena, &message), 0);
        assert_non_null(strstr(text_of(message), "\"resource\":{\"resourceType\":\"Flag\",\"id\":\"f1\"},\"request\""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_id_is_made_of_source_and_content_and_looks_like_a_uuid),
                cmocka_unit_test(test_what_is_no_resource_passes_as_it_came),
                cmocka_unit_test(test_a_placeholder_becomes_the_id_wherever_it_stands),
                cmocka_unit_test(test_two_entries_alike_are_two_resources),
                cmocka_unit_test(test_what_is_left_out_is_gone_and_referred_to_by_its_name),
                cmocka_unit_test(test_an_entry_of_a_batch_stands_alone_and_is_read_again_as_it_was),
                cmocka_unit_test(test_urls_of_entries_are_read),
                cmocka_unit_test(test_a_deletion_says_all_that_is_known),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
