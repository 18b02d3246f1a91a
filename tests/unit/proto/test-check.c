/*
 * The wire check: what it lets through unpacks to exactly what was packed, within the memory it named; what it refuses,
 * it names by place.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "carebus/v1/control.pb-c.h"
#include "carebus/v1/feed.pb-c.h"
#include "carebus/v1/intake.pb-c.h"
#include "carebus/v1/journal.pb-c.h"
#include "proto/check.h"

#define SUBMIT (&carebus__v1__submit__descriptor)

static const CheckLimits limits = {
        .max_size = 1024 * 1024,
        .max_text = 1000,
        .max_bytes = 100 * 1000,
        .max_repeated = 1000,
        .max_elements = 5000,
        .max_unknown = 100,
};

/* Wire by hand: a length-prefixed field of fewer than 128 bytes. */
static Bytes field(Buffer *buffer, unsigned number, const void *data, size_t size) {
        buffer_append_byte(buffer, (uint8_t)(number << 3 | 2));
        buffer_append_byte(buffer, (uint8_t)size);
        buffer_append(buffer, data, size);
        return buffer_bytes(buffer);
}

static void assert_refused(Bytes wire, int code, const char *path, size_t offset) {
        CheckError error;

        assert_int_equal(check_wire(SUBMIT, wire, &limits, NULL, &error), code);
        assert_int_equal(error.code, code);
        assert_string_equal(error.path, path);
        assert_int_equal(error.offset, offset);
        assert_string_not_equal(check_reason(code), "ok");
}

static Bytes submit_with(Buffer *buffer, const void *submission, size_t size) {
        buffer_clear(buffer);
        return field(buffer, 1, submission, size);
}
#define SUBMIT_WITH(literal) submit_with(&buffer, (literal), sizeof(literal) - 1)

static void test_an_empty_message_is_fine(void **state) {
        CheckError error;

        assert_int_equal(check_wire(SUBMIT, BYTES_NULL, &limits, NULL, &error), 0);
}

static void test_text_has_to_be_utf8_without_nul(void **state) {
        Buffer buffer = BUFFER_NULL;

        assert_refused(SUBMIT_WITH("\x12\x02\xc3\x28"), CHECK_E_NOT_UTF8, "submissions[0].message_id", 4);
        assert_refused(SUBMIT_WITH("\x12\x03\xed\xa0\x80"), CHECK_E_NOT_UTF8, "submissions[0].message_id", 4);
        assert_refused(SUBMIT_WITH("\x12\x03"
                                   "a\0b"),
                       CHECK_E_NUL, "submissions[0].message_id", 5);
        /* Bytes may be anything. */
        assert_int_equal(check_wire(SUBMIT, SUBMIT_WITH("\x2a\x02\xc3\x00"), &limits, NULL, NULL), 0);
        buffer_deinit(&buffer);
}

static void test_wire_that_is_broken_is_named_by_its_place(void **state) {
        Buffer buffer = BUFFER_NULL;

        assert_refused(SUBMIT_WITH("\x12\x05"
                                   "abc"),
                       CHECK_E_TRUNCATED, "submissions[0]", 2);
        assert_refused(SUBMIT_WITH("\x08"), CHECK_E_TRUNCATED, "submissions[0]", 2);
        assert_refused(SUBMIT_WITH("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), CHECK_E_MALFORMED,
                       "submissions[0]", 2);
        assert_refused(SUBMIT_WITH("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), CHECK_E_MALFORMED, "submissions[0]",
                       2);
        assert_refused(SUBMIT_WITH("\x00\x01"), CHECK_E_MALFORMED, "submissions[0]", 2);
        assert_refused(SUBMIT_WITH("\x0b\x0c"), CHECK_E_MALFORMED, "submissions[0]", 2); /* a group */
        assert_refused(SUBMIT_WITH("\x12\x81\x80\x80\x80\x80\x00"
                                   "a"),
                       CHECK_E_MALFORMED, "submissions[0]", 2);
        assert_refused(SUBMIT_WITH("\x2a\xff\xff\xff\xff\x0f"), CHECK_E_TRUNCATED, "submissions[0]", 2);
        buffer_deinit(&buffer);
}

static void test_a_known_field_of_another_wire_type_is_refused(void **state) {
        Buffer buffer = BUFFER_NULL;

        assert_refused(SUBMIT_WITH("\x10\x05"), CHECK_E_WIRE_TYPE, "submissions[0].message_id", 2);
        assert_refused(SUBMIT_WITH("\x0a\x01x"), CHECK_E_WIRE_TYPE, "submissions[0].number", 2);
        assert_refused(SUBMIT_WITH("\x0d"
                                   "1234"),
                       CHECK_E_WIRE_TYPE, "submissions[0].number", 2);
        buffer_deinit(&buffer);
}

static void test_what_can_be_there_once_is_there_once(void **state) {
        Buffer buffer = BUFFER_NULL;
        /* encounter and death: two members of one oneof */
        static const char two_bodies[] = "\x32\x06\xa2\x03\x00\x9a\x04\x00";

        assert_refused(SUBMIT_WITH("\x08\x01\x08\x02"), CHECK_E_DUPLICATE, "submissions[0].number", 4);
        assert_refused(SUBMIT_WITH(two_bodies), CHECK_E_DUPLICATE, "submissions[0].events[0].death", 7);
        buffer_deinit(&buffer);
}

static void test_a_number_has_to_fit_its_field(void **state) {
        static const char month[] = "\x10\x80\x80\x80\x80\x10"; /* 2^32 */
        static const char far_month[] = "\x10\xff\xff\xff\xff\x0f";
        CheckError error;

        assert_int_equal(check_wire(&carebus__v1__date__descriptor, bytes_of(month, sizeof(month) - 1), &limits, NULL,
                                    &error),
                         CHECK_E_RANGE);
        assert_string_equal(error.path, "month");
        assert_int_equal(check_wire(&carebus__v1__date__descriptor, bytes_of(far_month, sizeof(far_month) - 1), &limits,
                                    NULL, &error),
                         0);
}

static void test_limits_of_texts_bytes_lists_and_unknown_fields_hold(void **state) {
        Buffer buffer = BUFFER_NULL, text = BUFFER_NULL;
        CheckLimits small = limits;
        CheckError error;
        Bytes wire;

        small.max_text = 3;
        small.max_bytes = 2;
        small.max_repeated = 2;
        small.max_unknown = 4;
        wire = SUBMIT_WITH("\x12\x04"
                           "abcd");
        assert_int_equal(check_wire(SUBMIT, wire, &small, NULL, &error), CHECK_E_TEXT_TOO_LONG);
        wire = SUBMIT_WITH("\x2a\x03"
                           "abc");
        assert_int_equal(check_wire(SUBMIT, wire, &small, NULL, &error), CHECK_E_BYTES_TOO_LONG);
        wire = SUBMIT_WITH("\x32\x00\x32\x00\x32\x00");
        assert_int_equal(check_wire(SUBMIT, wire, &small, NULL, &error), CHECK_E_TOO_MANY);
        assert_string_equal(error.path, "submissions[0].events[2]");
        wire = SUBMIT_WITH("\xfa\x3f\x02zz");
        assert_int_equal(check_wire(SUBMIT, wire, &small, NULL, &error), CHECK_E_TOO_MANY);
        small.max_size = 3;
        assert_int_equal(check_wire(SUBMIT, wire, &small, NULL, &error), CHECK_E_TOO_LARGE);
        small = limits;
        small.max_elements = 3;
        wire = SUBMIT_WITH("\x32\x00\x32\x00\x32\x00");
        assert_int_equal(check_wire(SUBMIT, wire, &small, NULL, &error), CHECK_E_TOO_MANY);
        buffer_deinit(&text);
        buffer_deinit(&buffer);
}

static void test_two_bytes_cannot_cost_half_a_kilobyte_each(void **state) {
        Buffer wire = BUFFER_NULL;
        CheckLimits wide = limits;
        CheckError error;

        wide.max_repeated = wide.max_elements = 10 * 1000 * 1000;
        for (size_t i = 0; i < 100 * 1000; i++)
                buffer_append(&wire, "\x32\x00", 2); /* Submission.events, empty */
        assert_int_equal(check_wire(&carebus__v1__submission__descriptor, buffer_bytes(&wire), &wide, NULL, &error),
                         CHECK_E_MEMORY);
        assert_true(check_memory_limit(wire.size) < wire.size + 5 * 1024 * 1024);
        assert_true(check_memory_limit(10) >= 64 * 1024);
        assert_true(check_memory_limit(SIZE_MAX / 2) > SIZE_MAX / 2);
        buffer_deinit(&wire);
}

/* What unpacking takes, as the check counts it. */
static size_t spent;
static void *counting_alloc(void *owner, size_t size) {
        spent += (size + 15) & ~(size_t)15;
        return test_malloc(size ? size : 1);
}
static void counting_free(void *owner, void *pointer) {
        if (pointer)
                test_free(pointer);
}

static void assert_memory_is_what_was_said(const ProtobufCMessageDescriptor *descriptor, Bytes wire) {
        ProtobufCAllocator allocator = { .alloc = counting_alloc, .free = counting_free };
        ProtobufCMessage *message;
        CheckError error;
        size_t promised;

        assert_int_equal(check_wire(descriptor, wire, &limits, &promised, &error), 0);
        spent = 0;
        message = protobuf_c_message_unpack(descriptor, &allocator, wire.size, wire.data);
        assert_non_null(message);
        assert_int_equal(spent, promised);
        protobuf_c_message_free_unpacked(message, &allocator);
}

static void test_the_memory_it_names_is_what_unpacking_takes(void **state) {
        Buffer buffer = BUFFER_NULL;

        assert_memory_is_what_was_said(SUBMIT, BYTES_NULL);
        assert_memory_is_what_was_said(SUBMIT, SUBMIT_WITH("\x08\x01\x12\x03"
                                                           "abc"
                                                           "\x2a\x05"
                                                           "12345"
                                                           "\xfa\x3f\x02zz"));
        buffer_clear(&buffer);
        for (size_t i = 0; i < 900; i++) /* more fields in one message than lie on protobuf-c's stack */
                field(&buffer, 4, "text", 4);
        assert_memory_is_what_was_said(&carebus__v1__human_name__descriptor, buffer_bytes(&buffer));
        buffer_clear(&buffer);
        field(&buffer, 2, "\x01\x02\x03\x80\x01", 5); /* ReachTime.days, packed */
        buffer_append(&buffer, "\x10\x07", 2);        /* and one that is not */
        assert_memory_is_what_was_said(&carebus__v1__reach_time__descriptor, buffer_bytes(&buffer));
        buffer_deinit(&buffer);
}

static void test_a_message_is_unpacked_into_the_arena(void **state) {
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;
        ProtobufCMessage *message;
        Carebus__V1__Identifier *read;
        Arena *arena = NULL;
        uint8_t wire[64];
        CheckError error;
        size_t size;

        identifier.system = (char *)"carebus:lab";
        identifier.value = (char *)"é1";
        size = carebus__v1__identifier__pack(&identifier, wire);
        assert_int_equal(arena_new(&arena, 64 * 1024), 0);
        assert_int_equal(check_unpack(&carebus__v1__identifier__descriptor, bytes_of(wire, size), &limits, arena,
                                      &message, &error),
                         0);
        read = (Carebus__V1__Identifier *)message;
        assert_string_equal(read->value, "é1");
        assert_true(arena_used(arena) > 0);
        arena_free(arena);
}

static void test_an_arena_that_is_full_is_said_to_be(void **state) {
        ProtobufCMessage *message = NULL;
        Arena *arena = NULL;
        Buffer buffer = BUFFER_NULL;
        CheckError error;

        for (size_t i = 0; i < 100; i++)
                field(&buffer, 6, "", 0);
        assert_int_equal(arena_new(&arena, 4096), 0);
        assert_int_equal(check_unpack(&carebus__v1__submission__descriptor, buffer_bytes(&buffer), &limits, arena,
                                      &message, &error),
                         CHECK_E_MEMORY);
        assert_int_equal(error.code, CHECK_E_MEMORY);
        assert_null(message);
        arena_free(arena);
        buffer_deinit(&buffer);
}

/* The schema itself: no recursion, and within what the check has room for. */
static void schema_walk(const ProtobufCMessageDescriptor *descriptor, unsigned depth) {
        assert_true(depth < CHECK_DEPTH_MAX);
        assert_true(descriptor->n_fields <= CHECK_FIELDS_MAX);
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                assert_int_not_equal(descriptor->fields[i].label, PROTOBUF_C_LABEL_REQUIRED);
                if (descriptor->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
                        schema_walk(descriptor->fields[i].descriptor, depth + 1);
        }
}

static void test_the_schema_has_no_recursion_and_nothing_required(void **state) {
        schema_walk(&carebus__v1__from_source__descriptor, 0);
        schema_walk(&carebus__v1__to_source__descriptor, 0);
        schema_walk(&carebus__v1__from_reader__descriptor, 0);
        schema_walk(&carebus__v1__to_reader__descriptor, 0);
        schema_walk(&carebus__v1__request__descriptor, 0);
        schema_walk(&carebus__v1__reply__descriptor, 0);
        schema_walk(&carebus__v1__entry__descriptor, 0);
        schema_walk(&carebus__v1__outcome__descriptor, 0);
}

/* A number in `n` bytes, or in as many as it takes where that is more. */
static void put_varint_in(Buffer *buffer, uint64_t value, size_t n) {
        for (; value >= 0x80 || n > 1; value >>= 7, n -= n > 1)
                buffer_append_byte(buffer, (uint8_t)(value | 0x80));
        buffer_append_byte(buffer, (uint8_t)value);
}

/* Memory of this size and no more: whoever reads on is noticed by the sanitizer. */
static uint8_t *copied(const uint8_t *data, size_t size) {
        uint8_t *copy = malloc(size > 0 ? size : 1);

        assert_non_null(copy);
        if (size > 0)
                memcpy(copy, data, size);
        return copy;
}

static void assert_field_is_read(const Buffer *wire, size_t n_head, const WireField *expected) {
        for (size_t size = 1; size <= wire->size; size++) {
                uint8_t *data = copied(wire->data, size);
                WireField read = { .number = 0 };
                size_t offset = 0;
                int r = wire_field_next(bytes_of(data, size), &offset, &read);

                assert_int_equal(r, size < wire->size ? CHECK_E_TRUNCATED : 0);
                assert_int_equal(offset, size < wire->size ? 0 : size);
                if (r == 0) {
                        assert_int_equal(read.number, expected->number);
                        assert_int_equal(read.wire_type, expected->wire_type);
                        assert_int_equal(read.value, expected->value);
                        assert_int_equal(read.bytes.size, expected->bytes.size);
                        assert_ptr_equal(read.bytes.data, expected->wire_type == 2 ? data + n_head : NULL);
                        assert_int_equal(wire_field_next(bytes_of(data, size), &offset, &read), -ENODATA);
                }
                free(data);
        }
}

static void test_a_field_is_read_however_its_numbers_are_written(void **state) {
        static const uint32_t numbers[] = { 1, 15, 16, 17, 127, 128, 2047, 2048, 16383, 16384, (1U << 29) - 1 };
        static const uint64_t values[] = { 0, 1, 127, 128, 300, 16383, 16384, 1U << 21, UINT32_MAX };
        _cleanup_(buffer_deinit) Buffer wire = BUFFER_NULL;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                for (size_t k = 0; k < ELEMENTSOF(values); k++)
                        for (size_t n = 1; n <= 25; n++) {
                                const size_t n_tag = (n - 1) / 5 + 1, n_value = (n - 1) % 5 + 1;
                                const bool is_bytes = values[k] <= 300;
                                WireField expected = { .number = numbers[i], .value = values[k] };
                                size_t n_head;

                                buffer_clear(&wire);
                                put_varint_in(&wire, (uint64_t)numbers[i] << 3, n_tag);
                                put_varint_in(&wire, values[k], n_value);
                                assert_field_is_read(&wire, 0, &expected);
                                if (!is_bytes)
                                        continue;
                                buffer_clear(&wire);
                                put_varint_in(&wire, (uint64_t)numbers[i] << 3 | 2, n_tag);
                                put_varint_in(&wire, values[k], n_value);
                                n_head = wire.size;
                                for (uint64_t at = 0; at < values[k]; at++)
                                        buffer_append_byte(&wire, (uint8_t)at);
                                expected = (WireField){ .number = numbers[i],
                                                        .wire_type = 2,
                                                        .bytes = { .size = (size_t)values[k] } };
                                assert_field_is_read(&wire, n_head, &expected);
                        }
}

static void test_a_field_without_a_number_or_of_no_type_is_malformed(void **state) {
        static const uint8_t wires[][4] = { { 0, 0, 0, 0 },    { 2, 0, 0, 0 },  { 0x80, 0, 0, 0 },
                                            { 0x82, 0, 1, 1 }, { 11, 1, 1, 1 }, { 12, 1, 1, 1 },
                                            { 14, 1, 1, 1 },   { 15, 1, 1, 1 }, { 0x83, 1, 1, 1 } };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wires); i++) {
                size_t offset = 0;
                WireField read;

                assert_int_equal(wire_field_next(bytes_of(wires[i], 4), &offset, &read), CHECK_E_MALFORMED);
                assert_int_equal(offset, 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_empty_message_is_fine),
                cmocka_unit_test(test_text_has_to_be_utf8_without_nul),
                cmocka_unit_test(test_wire_that_is_broken_is_named_by_its_place),
                cmocka_unit_test(test_a_known_field_of_another_wire_type_is_refused),
                cmocka_unit_test(test_what_can_be_there_once_is_there_once),
                cmocka_unit_test(test_a_number_has_to_fit_its_field),
                cmocka_unit_test(test_limits_of_texts_bytes_lists_and_unknown_fields_hold),
                cmocka_unit_test(test_two_bytes_cannot_cost_half_a_kilobyte_each),
                cmocka_unit_test(test_the_memory_it_names_is_what_unpacking_takes),
                cmocka_unit_test(test_a_message_is_unpacked_into_the_arena),
                cmocka_unit_test(test_an_arena_that_is_full_is_said_to_be),
                cmocka_unit_test(test_the_schema_has_no_recursion_and_nothing_required),
                cmocka_unit_test(test_a_field_is_read_however_its_numbers_are_written),
                cmocka_unit_test(test_a_field_without_a_number_or_of_no_type_is_malformed),
        };

        return cmocka_run_group_tests_name("proto check", tests, NULL, NULL);
}
