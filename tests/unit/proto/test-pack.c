/*
 * Packing from the end, and unpacking: the same as protobuf-c gives, for every kind of field, and of bytes that are no message.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "carebus/v1/control.pb-c.h"
#include "carebus/v1/event.pb-c.h"
#include "carebus/v1/intake.pb-c.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "carebus/v1/state.pb-c.h"
#include "proto/pack.h"
#include "proto/unpack.h"

static Arena *arena;

static int setup(void **state) {
        return arena_new(&arena, 1 << 24);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

static void assert_packs_alike(const ProtobufCMessage *message, size_t guess) {
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *expected = malloc(size + 1);
        Bytes packed;

        assert_non_null(expected);
        assert_int_equal(pack_message(message, guess, arena, &packed), 0);
        assert_int_equal(packed.size, size);
        assert_int_equal(protobuf_c_message_pack(message, expected), size);
        assert_memory_equal(packed.data, expected, size);
        free(expected);
}

/* A message with every field set, lists with three elements, to a depth; oneofs with their first member. */
static ProtobufCMessage *fill(const ProtobufCMessageDescriptor *descriptor, unsigned depth, uint64_t number);

static void fill_value(const ProtobufCFieldDescriptor *field, void *place, unsigned depth, uint64_t number) {
        static uint8_t bytes[] = { 0, 1, 255 };
        static char text[] = "text";

        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                *(char **)place = text;
                return;
        case PROTOBUF_C_TYPE_BYTES:
                *(ProtobufCBinaryData *)place = (ProtobufCBinaryData){ .len = number % 4, .data = bytes };
                return;
        case PROTOBUF_C_TYPE_MESSAGE:
                *(ProtobufCMessage **)place = fill(field->descriptor, depth - 1, number);
                return;
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)place = number & 1;
                return;
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_SINT64:
                *(uint64_t *)place = number;
                return;
        default:
                *(uint32_t *)place = (uint32_t)number;
        }
}

static ProtobufCMessage *fill(const ProtobufCMessageDescriptor *descriptor, unsigned depth, uint64_t number) {
        ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);

        assert_non_null(message);
        protobuf_c_message_init(descriptor, message);
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
                uint8_t *base = (uint8_t *)message;

                if (field->type == PROTOBUF_C_TYPE_MESSAGE && depth == 0)
                        continue;
                number = number * 2862933555777941757ULL + 3037000493ULL;
                if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                        uint8_t *list = arena_alloc(arena, (size_t)3 * 16);

                        assert_non_null(list);
                        for (size_t n = 0; n < 3; n++)
                                fill_value(field,
                                           list + n * (field->type == PROTOBUF_C_TYPE_BYTES
                                                               ? sizeof(ProtobufCBinaryData)
                                                       : field->type == PROTOBUF_C_TYPE_STRING ||
                                                                       field->type == PROTOBUF_C_TYPE_MESSAGE ||
                                                                       field->type == PROTOBUF_C_TYPE_UINT64 ||
                                                                       field->type == PROTOBUF_C_TYPE_INT64
                                                               ? 8
                                                               : 4),
                                           depth, number + n);
                        *(size_t *)(base + field->quantifier_offset) = 3;
                        *(void **)(base + field->offset) = list;
                        continue;
                }
                if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
                        if (*(uint32_t *)(base + field->quantifier_offset) != 0)
                                continue;
                        *(uint32_t *)(base + field->quantifier_offset) = field->id;
                } else if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
                        *(protobuf_c_boolean *)(base + field->quantifier_offset) = 1;
                fill_value(field, base + field->offset, depth, number);
        }
        return message;
}

static void test_an_empty_message_has_no_bytes(void **state) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;

        assert_packs_alike(&event.base, 100);
}

static void test_every_kind_of_field_is_packed_alike(void **state) {
        static const ProtobufCMessageDescriptor *const descriptors[] = {
                &carebus__v1__event__descriptor,        &carebus__v1__demographics__descriptor,
                &carebus__v1__encounter__descriptor,    &carebus__v1__notice__descriptor,
                &carebus__v1__submission__descriptor,   &carebus__v1__merge__descriptor,
                &carebus__v1__care_package__descriptor,
        };

        for (size_t i = 0; i < sizeof(descriptors) / sizeof(*descriptors); i++)
                for (unsigned depth = 0; depth < 4; depth++) {
                        assert_packs_alike(fill(descriptors[i], depth, i + 1), 1 << 20);
                        arena_reset(arena);
                }
}

static void test_a_guess_that_is_too_small_changes_nothing(void **state) {
        const ProtobufCMessage *message = fill(&carebus__v1__event__descriptor, 3, 7);

        for (size_t guess = 0; guess < 200; guess += 13)
                assert_packs_alike(message, guess);
        assert_packs_alike(message, protobuf_c_message_get_packed_size(message));
        assert_packs_alike(message, protobuf_c_message_get_packed_size(message) - 1);
}

static uint64_t seed;

static uint64_t random_number(void) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return seed;
}

static Bytes packed_by_protobuf_c(const ProtobufCMessage *message) {
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *bytes = arena_alloc(arena, size + 1);

        assert_non_null(bytes);
        protobuf_c_message_pack(message, bytes);
        return bytes_of(bytes, size);
}

/* What protobuf-c takes we take, with the same in it; what it does not take we do not. */
static void assert_unpacks_alike(const ProtobufCMessageDescriptor *descriptor, Bytes bytes) {
        ProtobufCMessage *theirs = protobuf_c_message_unpack(descriptor, NULL, bytes.size, bytes.data), *ours;
        int r = unpack_message(descriptor, bytes, arena, &ours);
        Bytes packed;

        assert_int_equal(r, theirs ? 0 : -EBADMSG);
        if (!theirs)
                return;
        packed = packed_by_protobuf_c(ours);
        assert_true(bytes_equal(packed, packed_by_protobuf_c(theirs)));
        protobuf_c_message_free_unpacked(theirs, NULL);
}

static void test_every_kind_of_field_is_unpacked_alike(void **state) {
        static const ProtobufCMessageDescriptor *const descriptors[] = {
                &carebus__v1__event__descriptor,    &carebus__v1__submission__descriptor,
                &carebus__v1__record__descriptor,   &carebus__v1__stored_section__descriptor,
                &carebus__v1__person__descriptor,   &carebus__v1__outcome__descriptor,
                &carebus__v1__settings__descriptor,
        };

        for (size_t i = 0; i < sizeof(descriptors) / sizeof(*descriptors); i++)
                for (unsigned depth = 0; depth < 4; depth++) {
                        Bytes bytes = packed_by_protobuf_c(fill(descriptors[i], depth, i + 1));

                        assert_unpacks_alike(descriptors[i], bytes);
                        arena_reset(arena);
                }
}

static void test_a_list_of_any_length_is_unpacked(void **state) {
        Carebus__V1__Outcome outcome = CAREBUS__V1__OUTCOME__INIT;
        char *ids[300], text[300][8];

        outcome.patient_ids = ids;
        for (size_t n = 0; n <= 300; n++) {
                ProtobufCMessage *unpacked;

                outcome.n_patient_ids = n;
                outcome.source = (char *)"alpha";
                assert_int_equal(unpack_message(&carebus__v1__outcome__descriptor, packed_by_protobuf_c(&outcome.base),
                                                arena, &unpacked),
                                 0);
                assert_int_equal(((Carebus__V1__Outcome *)unpacked)->n_patient_ids, n);
                for (size_t i = 0; i < n; i++)
                        assert_string_equal(((Carebus__V1__Outcome *)unpacked)->patient_ids[i], ids[i]);
                arena_reset(arena);
                if (n < 300) {
                        snprintf(text[n], sizeof(text[n]), "p%zu", n);
                        ids[n] = text[n];
                }
        }
}

/* Fields twice, in another order, of another kind, unknown, cut off: bytes of a message with a few of them changed. */
static void test_bytes_that_are_no_message_of_ours_are_taken_as_protobuf_c_takes_them(void **state) {
        seed = (uint64_t)time(NULL) << 1 | 1;
        print_message("# seed %llu\n", (unsigned long long)seed);
        for (int i = 0; i < 3000; i++) {
                const ProtobufCMessageDescriptor *descriptor = &carebus__v1__event__descriptor;
                Bytes bytes = packed_by_protobuf_c(fill(descriptor, (unsigned)(random_number() % 3), random_number()));
                uint8_t *changed = arena_alloc(arena, 2 * bytes.size + 1);
                size_t size = bytes.size;

                assert_non_null(changed);
                memcpy(changed, bytes.data, size);
                if (random_number() % 4 == 0) { /* twice */
                        memcpy(changed + size, bytes.data, size);
                        size *= 2;
                }
                for (uint64_t n = random_number() % 4; n > 0; n--)
                        changed[random_number() % size] = (uint8_t)random_number();
                if (random_number() % 4 == 0)
                        size = random_number() % size;
                assert_unpacks_alike(descriptor, bytes_of(changed, size));
                arena_reset(arena);
        }
}

static void test_what_does_not_fit_the_arena_is_told_from_what_is_no_message(void **state) {
        Bytes bytes = packed_by_protobuf_c(fill(&carebus__v1__event__descriptor, 3, 3));
        _cleanup_(arena_freep) Arena *small = NULL;
        ProtobufCMessage *unpacked;

        assert_int_equal(arena_new(&small, bytes.size), 0);
        assert_int_equal(unpack_message(&carebus__v1__event__descriptor, bytes, small, &unpacked), -ENOMEM);
        assert_int_equal(unpack_message(&carebus__v1__event__descriptor, bytes_of("\x0b", 1), arena, &unpacked),
                         -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_an_empty_message_has_no_bytes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_kind_of_field_is_packed_alike, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_guess_that_is_too_small_changes_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_kind_of_field_is_unpacked_alike, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_list_of_any_length_is_unpacked, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_bytes_that_are_no_message_of_ours_are_taken_as_protobuf_c_takes_them, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_does_not_fit_the_arena_is_told_from_what_is_no_message, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
