/*
 * The table of event types, and that GRAMMAR.md tells people the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "carebus/v1/record.pb-c.h"
#include "proto/types.h"

static void test_a_type_is_found_by_its_name(void **state) {
        const EventType *type = event_type_find("cpr_decision.recorded");

        assert_non_null(type);
        assert_int_equal(type->body, CAREBUS__V1__EVENT__BODY_DECISION);
        assert_int_equal(type->decision_kind, CAREBUS__V1__DECISION__KIND__KIND_CPR);
        assert_string_equal(type->section, "decisions");
        assert_null(event_type_find("robot.beeped"));
        assert_null(event_type_find(""));
}

static void test_the_table_is_in_order_and_every_type_is_well_formed(void **state) {
        const char *last = "";
        size_t n = 0;

        for (const EventType *type; (type = event_type_at(n)); n++) {
                assert_true(strcmp(last, type->name) < 0);
                assert_true(event_type_is_well_formed(type->name));
                assert_ptr_equal(event_type_find(type->name), type);
                assert_true(!type->section || section_is_known(type->section));
                last = type->name;
        }
        assert_true(n > 100);
}

static void test_forms_of_type_names(void **state) {
        assert_true(event_type_is_well_formed("a.b"));
        assert_true(event_type_is_well_formed("a_b.c_d.e"));
        assert_false(event_type_is_well_formed("a"));
        assert_false(event_type_is_well_formed("a."));
        assert_false(event_type_is_well_formed(".a"));
        assert_false(event_type_is_well_formed("a..b"));
        assert_false(event_type_is_well_formed("A.b"));
        assert_false(event_type_is_well_formed("a.b/c"));
        assert_false(event_type_is_well_formed("a.b1"));
        assert_false(event_type_is_well_formed("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.a"));
}

/* Event.body and Fact.value must stay one numbering: the record copies the one into the other. */
static void test_bodies_of_events_and_facts_have_the_same_numbers(void **state) {
        const ProtobufCMessageDescriptor *event = &carebus__v1__event__descriptor,
                                         *fact = &carebus__v1__fact__descriptor;

        for (unsigned i = 0; i < event->n_fields; i++) {
                const ProtobufCFieldDescriptor *body = &event->fields[i], *value;

                if (!(body->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
                        continue;
                value = protobuf_c_message_descriptor_get_field(fact, body->id);
                assert_non_null(value);
                assert_string_equal(value->name, body->name);
                assert_ptr_equal(value->descriptor, body->descriptor);
        }
}

static void lower_hyphens(char *text) {
        for (; *text; text++)
                *text = *text == '_' ? '-' : *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
}

static void row_format(const EventType *type, char *row, size_t size) {
        const ProtobufCFieldDescriptor *body = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                                                       type->body);
        const ProtobufCEnumDescriptor *actions = &carebus__v1__action__descriptor,
                                      *kinds = &carebus__v1__decision__kind__descriptor;
        char action[40], kind[60] = "";

        snprintf(action, sizeof(action), "%s",
                 protobuf_c_enum_descriptor_get_value(actions, (int)type->action)->name + strlen("ACTION_"));
        lower_hyphens(action);
        if (type->decision_kind != CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN) {
                char name[40];

                snprintf(name, sizeof(name), "%s",
                         protobuf_c_enum_descriptor_get_value(kinds, (int)type->decision_kind)->name + strlen("KIND_"));
                lower_hyphens(name);
                snprintf(kind, sizeof(kind), " (kind %s)", name);
        }
        snprintf(row, size, "| `%s` | `%s`%s | %s | %s |\n", type->name, body->name, kind, action,
                 type->section ? type->section : "-");
}

static char *grammar_read(void) {
        _cleanup_(freep) char *path = NULL;
        Buffer text = BUFFER_NULL;

        assert_true(asprintf(&path, "%s/proto/GRAMMAR.md", getenv("CAREBUS_SOURCE")) > 0);
        assert_true(file_read(path, 1024 * 1024, &text) >= 0);
        return buffer_steal_text(&text);
}

static void test_the_grammar_lists_the_same_types(void **state) {
        _cleanup_(freep) char *grammar = grammar_read();
        const char *end, *table = strstr(grammar, "| type | body | action | section |");
        size_t n_rows = 0, n_types = 0;

        assert_non_null(table);
        end = strstr(table, "\n\n");
        assert_non_null(end);
        for (const char *c = strchr(table, '\n') + 1; c < end; c = strchr(c, '\n') + 1)
                n_rows++;
        for (const EventType *type; (type = event_type_at(n_types)); n_types++) {
                char row[200];

                row_format(type, row, sizeof(row));
                if (!strstr(table, row))
                        fail_msg("GRAMMAR.md has no row %s", row);
        }
        assert_int_equal(n_rows - 1, n_types); /* without the line under the head */
}

static void test_the_grammar_lists_the_same_sections(void **state) {
        _cleanup_(freep) char *grammar = grammar_read();
        Buffer list = BUFFER_NULL;
        char *text;

        buffer_append_text(&list, "Sections of a record: ");
        for (size_t i = 0; section_at(i); i++)
                buffer_append_format(&list, "%s`%s`", i ? ", " : "", section_at(i));
        buffer_append_text(&list, ".");
        text = buffer_steal_text(&list);
        for (char *c = grammar; *c; c++) /* lines are broken where they get long */
                *c = *c == '\n' ? ' ' : *c;
        assert_non_null(strstr(grammar, text));
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_type_is_found_by_its_name),
                cmocka_unit_test(test_the_table_is_in_order_and_every_type_is_well_formed),
                cmocka_unit_test(test_forms_of_type_names),
                cmocka_unit_test(test_bodies_of_events_and_facts_have_the_same_numbers),
                cmocka_unit_test(test_the_grammar_lists_the_same_types),
                cmocka_unit_test(test_the_grammar_lists_the_same_sections),
        };

        return cmocka_run_group_tests_name("proto types", tests, NULL, NULL);
}
