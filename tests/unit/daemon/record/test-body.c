/* Bodies laid over one another: absent, emptied and complete are three things. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record/body.h"

static Arena *arena;

static int setup(void **state) {
        return arena_new(&arena, 1 << 22);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

static Carebus__V1__Demographics *demographics(void) {
        return message_new(&carebus__v1__demographics__descriptor, arena);
}

static const ProtobufCFieldDescriptor *field(const char *name) {
        return protobuf_c_message_descriptor_get_field_by_name(&carebus__v1__demographics__descriptor, name);
}

static void name_add(Carebus__V1__Demographics *body, const char *use, const char *family) {
        Carebus__V1__HumanName *name = message_new(&carebus__v1__human_name__descriptor, arena);

        name->use = (char *)use;
        name->family = (char *)family;
        assert_int_equal(list_append((void ***)&body->names, &body->n_names, name, arena), 0);
}

static Carebus__V1__Event *event_with(const char **cleared, size_t n_cleared, const char **complete,
                                      size_t n_complete) {
        Carebus__V1__Event *event = message_new(&carebus__v1__event__descriptor, arena);

        event->cleared = (char **)cleared;
        event->n_cleared = n_cleared;
        event->complete = (char **)complete;
        event->n_complete = n_complete;
        return event;
}

static void test_paths_are_read_wherever_the_body_stands(void **state) {
        const char *cleared[] = { "demographics.telecom",       "patient.demographics.sex",   "encounter.place",
                                  "demographics.practice.name", "demographics.no_such_field", "demographicsx.sex" };
        const char *complete[] = { "demographics.related_persons", "demographics.sex" };
        BodyPaths paths;

        assert_int_equal(body_paths_read(event_with(cleared, 6, complete, 2), "demographics",
                                         &carebus__v1__demographics__descriptor, arena, &paths),
                         0);
        assert_true(paths.emptied == (field_mask_of(field("telecom")->id) | field_mask_of(field("sex")->id)));
        /* What is no list cannot be stated completely. */
        assert_true(paths.complete == field_mask_of(field("related_persons")->id));
        assert_int_equal(paths.n_inner, 1);
        assert_string_equal(paths.inner[0], "practice.name");
}

static void test_what_is_said_replaces_what_is_absent_stays_what_is_emptied_goes(void **state) {
        Carebus__V1__Demographics *to = demographics(), *from = demographics();
        BodyPaths paths = { .emptied = field_mask_of(field("access_note")->id) };

        to->access_note = (char *)"key safe";
        to->superseded_by = (char *)"one";
        to->has_deceased = to->deceased = 1;
        from->superseded_by = (char *)"two";
        assert_int_equal(body_lay(&to->base, &from->base, &paths, arena), 0);
        assert_null(to->access_note);
        assert_string_equal(to->superseded_by, "two");
        assert_true(to->has_deceased && to->deceased);
}

static void test_a_list_that_is_not_complete_keeps_what_was_not_named(void **state) {
        Carebus__V1__Demographics *to = demographics(), *from = demographics();
        BodyPaths paths = {};

        name_add(to, "official", "Green");
        name_add(to, "maiden", "Brown");
        name_add(from, "official", "White");
        assert_int_equal(body_lay(&to->base, &from->base, &paths, arena), 0);
        assert_int_equal(to->n_names, 2);
        assert_string_equal(to->names[0]->family, "White");
        assert_string_equal(to->names[1]->family, "Brown");
        paths.complete = field_mask_of(field("names")->id);
        assert_int_equal(body_lay(&to->base, &from->base, &paths, arena), 0);
        assert_int_equal(to->n_names, 1);
        /* Stated completely, and empty. */
        from->n_names = 0;
        assert_int_equal(body_lay(&to->base, &from->base, &paths, arena), 0);
        assert_int_equal(to->n_names, 0);
}

static void test_lists_said_whole_are_not_emptied_by_silence(void **state) {
        Carebus__V1__Demographics *to = demographics(), *from = demographics();
        BodyPaths paths = { .whole = ~(FieldMask)0 };

        name_add(to, "official", "Green");
        assert_int_equal(body_lay(&to->base, &from->base, &paths, arena), 0);
        assert_int_equal(to->n_names, 1);
        name_add(from, "maiden", "Brown");
        assert_int_equal(body_lay(&to->base, &from->base, &paths, arena), 0);
        assert_int_equal(to->n_names, 1);
        assert_string_equal(to->names[0]->family, "Brown");
}

static void test_a_list_does_not_grow_without_end(void **state) {
        Carebus__V1__Demographics *to = demographics();
        BodyPaths paths = {};

        for (size_t i = 0; i < 300; i++) {
                Carebus__V1__Demographics *from = demographics();

                name_add(from, arena_format(arena, "use-%zu", i), "Green");
                assert_int_equal(body_lay(&to->base, &from->base, &paths, arena), 0);
        }
        assert_int_equal(to->n_names, 256);
        assert_string_equal(to->names[0]->use, "use-299");
}

static void test_laying_under_adds_only_what_is_missing(void **state) {
        Carebus__V1__Demographics *to = demographics(), *from = demographics();

        name_add(to, "official", "Green");
        name_add(from, "official", "Late");
        name_add(from, "maiden", "Brown");
        from->access_note = (char *)"key safe";
        assert_int_equal(body_field_lay_under(&to->base, &from->base, field("names"), arena), 0);
        assert_int_equal(body_field_lay_under(&to->base, &from->base, field("access_note"), arena), 0);
        assert_int_equal(to->n_names, 2);
        assert_string_equal(to->names[0]->family, "Green");
        assert_string_equal(to->names[1]->family, "Brown");
        assert_string_equal(to->access_note, "key safe");
}

static void test_emptying_within_a_field_leaves_what_is_shared_alone(void **state) {
        Carebus__V1__Demographics *body = demographics();
        Carebus__V1__Organisation *practice = message_new(&carebus__v1__organisation__descriptor, arena);

        practice->name = (char *)"The Surgery";
        body->practice = practice;
        assert_int_equal(body_empty_inner(&body->base, "practice.name", arena), 0);
        assert_null(body->practice->name);
        assert_string_equal(practice->name, "The Surgery");
        /* Paths that lead nowhere. */
        assert_int_equal(body_empty_inner(&body->base, "practice.identifier.value", arena), 0);
        assert_int_equal(body_empty_inner(&body->base, "names.family", arena), 0);
        assert_int_equal(body_empty_inner(&body->base, "nothing.here", arena), 0);
        assert_int_equal(body_empty_inner(&body->base, "", arena), 0);
}

static void test_equality_sees_every_kind_of_field(void **state) {
        Carebus__V1__Demographics *a = demographics(), *b = demographics();

        assert_true(body_equal(&a->base, &b->base));
        a->has_deceased = 1;
        assert_false(body_equal(&a->base, &b->base));
        b->has_deceased = 1;
        b->deceased = 1;
        assert_false(body_equal(&a->base, &b->base));
        a->deceased = 1;
        name_add(a, "official", "Green");
        name_add(b, "official", "Green");
        assert_true(body_equal(&a->base, &b->base));
        b->names[0]->family = (char *)"Greene";
        assert_false(body_equal(&a->base, &b->base));
        assert_false(body_equal(&a->base, NULL));
        assert_true(body_equal(NULL, NULL));
        assert_false(body_equal(&a->base, &a->names[0]->base));
}

static void test_bytes_that_are_no_message_are_told_from_a_full_arena(void **state) {
        Arena *small;
        ProtobufCMessage *message;
        Carebus__V1__Demographics *body = demographics();
        Bytes packed;

        assert_int_equal(message_unpack(&carebus__v1__demographics__descriptor, BYTES_LITERAL("\xff\xff"), arena,
                                        &message),
                         -EBADMSG);
        for (size_t i = 0; i < 200; i++)
                name_add(body, "official", "Green");
        packed = message_pack(&body->base, arena);
        assert_non_null(packed.data);
        assert_int_equal(arena_new(&small, 2048), 0);
        assert_int_equal(message_unpack(&carebus__v1__demographics__descriptor, packed, small, &message), -ENOMEM);
        assert_null(message_pack(&body->base, small).data);
        arena_free(small);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths_are_read_wherever_the_body_stands),
                cmocka_unit_test(test_what_is_said_replaces_what_is_absent_stays_what_is_emptied_goes),
                cmocka_unit_test(test_a_list_that_is_not_complete_keeps_what_was_not_named),
                cmocka_unit_test(test_lists_said_whole_are_not_emptied_by_silence),
                cmocka_unit_test(test_a_list_does_not_grow_without_end),
                cmocka_unit_test(test_laying_under_adds_only_what_is_missing),
                cmocka_unit_test(test_emptying_within_a_field_leaves_what_is_shared_alone),
                cmocka_unit_test(test_equality_sees_every_kind_of_field),
                cmocka_unit_test(test_bytes_that_are_no_message_are_told_from_a_full_arena),
        };

        return cmocka_run_group_tests_name("body", tests, setup, teardown);
}
