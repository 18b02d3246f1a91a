/* A record's bytes out of its canonical ones are those of packing it, whatever it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/record/body.h"
#include "daemon/record/canonical.h"

#define ROUNDS 3000

static Arena *arena;

static int setup(void **state) {
        (void)state;
        return arena_new(&arena, 1 << 20);
}

static int teardown(void **state) {
        (void)state;
        arena = arena_free(arena);
        return 0;
}

/* A value of one field: what it says is of no account, its length is. */
static void value_set(const ProtobufCFieldDescriptor *field, void *place, unsigned number) {
        static char text[400];
        uint8_t *bytes = arena_alloc(arena, number + 1);

        memset(text, 'a', sizeof(text) - 1);
        memset(bytes, 7, number + 1);
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                *(char **)place = text + sizeof(text) - 1 - number;
                return;
        case PROTOBUF_C_TYPE_BYTES:
                *(ProtobufCBinaryData *)place = (ProtobufCBinaryData){ .len = number, .data = bytes };
                return;
        case PROTOBUF_C_TYPE_MESSAGE:
                *(void **)place = message_new(field->descriptor, arena);
                return;
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)place = 1;
                return;
        default:
                assert_true(field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_INT64);
                *(uint64_t *)place = (uint64_t)number << number % 50;
        }
}

static void field_set(Carebus__V1__Record *record, const ProtobufCFieldDescriptor *field, unsigned number) {
        uint8_t *const base = (uint8_t *)record, *const place = base + field->offset;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                const size_t n = 1 + number % 3;
                void **list = arena_alloc(arena, n * sizeof(*list));

                for (size_t i = 0; i < n; i++)
                        value_set(field, &list[i], number);
                *(void ***)(void *)place = list;
                *(size_t *)(void *)(base + field->quantifier_offset) = n;
                return;
        }
        value_set(field, place, number);
        if (field->quantifier_offset != 0)
                *(protobuf_c_boolean *)(void *)(base + field->quantifier_offset) = 1;
}

static void assert_packs_alike(const Carebus__V1__Record *record) {
        const Bytes expected = message_pack(&record->base, arena), canonical = record_canonical(record, arena);
        const Bytes packed = record_pack(record, canonical, arena);

        assert_non_null(packed.data);
        assert_int_equal(packed.size, expected.size);
        assert_memory_equal(packed.data, expected.data, expected.size);
}

static void test_each_field_alone_stands_in_the_bytes_once(void **state) {
        const ProtobufCMessageDescriptor *descriptor = &carebus__v1__record__descriptor;

        (void)state;
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                Carebus__V1__Record record = CAREBUS__V1__RECORD__INIT;

                arena_reset(arena);
                field_set(&record, &descriptor->fields[i], 3);
                assert_packs_alike(&record);
        }
}

static void test_any_fields_together_stand_in_the_order_of_their_numbers(void **state) {
        const ProtobufCMessageDescriptor *descriptor = &carebus__v1__record__descriptor;
        const unsigned seed = (unsigned)time(NULL);

        (void)state;
        print_message("# seed %u\n", seed);
        srandom(seed);
        for (unsigned round = 0; round < ROUNDS; round++) {
                Carebus__V1__Record record = CAREBUS__V1__RECORD__INIT;
                const long chosen = random();

                arena_reset(arena);
                for (unsigned i = 0; i < descriptor->n_fields; i++)
                        if (chosen >> i & 1)
                                field_set(&record, &descriptor->fields[i], (unsigned)random() % 300);
                assert_packs_alike(&record);
        }
}

static void test_what_is_set_after_the_digest_was_made_is_there(void **state) {
        Carebus__V1__Record record = CAREBUS__V1__RECORD__INIT;
        Bytes canonical, packed, expected;
        uint8_t digest[RECORD_DIGEST_SIZE] = { 1, 2, 3 };

        (void)state;
        record.patient_id = (char *)"p1.0";
        record.has_not_followed = record.not_followed = 1;
        canonical = record_canonical(&record, arena);
        record.has_seq = record.has_as_at = record.has_digest = 1;
        record.seq = 77;
        record.as_at = -5;
        record.digest = (ProtobufCBinaryData){ .len = sizeof(digest), .data = digest };
        packed = record_pack(&record, canonical, arena);
        expected = message_pack(&record.base, arena);
        assert_int_equal(packed.size, expected.size);
        assert_memory_equal(packed.data, expected.data, expected.size);
}

static void test_a_full_arena_gives_no_bytes(void **state) {
        Carebus__V1__Record record = CAREBUS__V1__RECORD__INIT;
        Bytes canonical;

        (void)state;
        record.patient_id = (char *)"p1.0";
        canonical = record_canonical(&record, arena);
        while (arena_alloc(arena, 16))
                ;
        assert_null(record_pack(&record, canonical, arena).data);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_each_field_alone_stands_in_the_bytes_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_any_fields_together_stand_in_the_order_of_their_numbers, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_what_is_set_after_the_digest_was_made_is_there, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_full_arena_gives_no_bytes, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
