/* What the generators send is what a hospital could send: else the figures would be those of something else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "bench/messages.h"
#include "carebus/v1/event.pb-c.h"
#include "proto/validate.h"

#define N_PERSONS 50

static bool check_digit_is_right(uint64_t number) {
        unsigned sum = 0;
        uint64_t rest = number / 10;

        for (unsigned weight = 2; weight <= 10; weight++, rest /= 10)
                sum += (unsigned)(rest % 10) * weight;
        return (11 - sum % 11) % 11 == number % 10;
}

static void test_numbers_of_persons_have_their_check_digit_and_differ(void **state) {
        uint64_t before = 0;

        for (uint64_t i = 0; i < TEMPLATE_PERSONS_MAX; i++) {
                uint64_t number = template_person_number(i);

                if (!check_digit_is_right(number))
                        fail_msg("person %llu", (unsigned long long)i);
                assert_true(number > before);
                assert_int_equal(number / 10000000, 999);
                before = number;
        }
}

static void test_template_changes_digits_and_nothing_else(void **state) {
        _cleanup_(template_deinit) Template template = { 0 };
        TemplateValues values = { .message = 42, .person = 7, .visit = 12345, .at = 1709208000 };
        uint8_t text[128] = { 0 };

        template_init(&template, bytes_of_text("a#######b@@@@c%%%%d!!!!!!!!!!!!!!e##f$$$$$$$$$$"));
        template_render(&template, &values, text);
        assert_int_equal(template_size(&template), strlen((char *)text));
        assert_memory_equal(text, "a0000042b0007c2345d20240229120000e##f999", 40);
}

static void test_adt_messages_have_their_size_and_their_own_control_id(void **state) {
        static AdtMessages messages;
        _cleanup_(freep) uint8_t *text = NULL;
        unsigned kinds = 0;

        adt_init(&messages, "T1", 1024, N_PERSONS);
        text = malloc(messages.max_size + 1);
        assert_non_null(text);
        for (uint64_t i = 0; i < 20 * N_PERSONS; i++) {
                char id[MESSAGES_PREFIX_SIZE + 16], wanted[64];
                size_t size = adt_render(&messages, i, text);

                text[size] = '\0';
                assert_true(size >= 1000 && size <= 1030);
                assert_memory_equal(text, "MSH|^~\\&|", 9);
                assert_int_equal(text[size - 1], '\r');
                adt_control_id("T1", i, id);
                snprintf(wanted, sizeof(wanted), "|%s|T|2.4\r", id);
                assert_non_null(strstr((char *)text, wanted));
                assert_null(strpbrk((char *)text, "#@$%!"));
                for (unsigned kind = 0; kind < 6; kind++)
                        if (strstr((char *)text,
                                   (const char *[]){ "^A28|", "^A01|", "^A02|", "^A08|", "^A03|", "^A31|" }[kind]))
                                kinds |= 1u << kind;
        }
        assert_int_equal(kinds, 0x3f);
        adt_deinit(&messages);
}

static void test_canonical_events_are_valid_and_move_in_time(void **state) {
        static EventMessages messages;
        const ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(freep) uint8_t *data = NULL;
        int64_t before = 0;

        assert_int_equal(arena_new(&arena, 1 << 20), 0);
        events_init(&messages, 1024, N_PERSONS);
        data = malloc(messages.max_size);
        assert_non_null(data);
        for (uint64_t i = 0; i < 20 * N_PERSONS; i++) {
                size_t original, size = events_render(&messages, i, data, &original);
                Carebus__V1__Event *event = NULL;
                ValidateError error = { 0 };
                char person[16];

                arena_reset(arena);
                assert_true(size + original >= 1000 && size + original <= 1060);
                assert_int_equal(validate_event(bytes_of(data, size), &limits, arena, &event, &error), 0);
                snprintf(person, sizeof(person), "P%07llu", (unsigned long long)(i % N_PERSONS));
                assert_string_equal(event->patient->identifiers[0]->value, person);
                assert_true(event->occurred_at->utc_at > before);
                before = event->occurred_at->utc_at;
        }
        events_deinit(&messages);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers_of_persons_have_their_check_digit_and_differ),
                cmocka_unit_test(test_template_changes_digits_and_nothing_else),
                cmocka_unit_test(test_adt_messages_have_their_size_and_their_own_control_id),
                cmocka_unit_test(test_canonical_events_are_valid_and_move_in_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
