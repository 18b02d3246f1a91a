#pragma once
/* Messages about one patient with orders, results and documents, and what events are made of them. */
#include "translate-fixture.h"

#define PID "PID|1||A1^^^RA9^MR||SMITH^JOHN||19500101|M\r"
#define PV1 "PV1|1|I|WARD^^1||||||||||||||||V1^^^RA9\r"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* All events of a message, by their types, in order. */
static inline void assert_events(const char *types) {
        char text[1024] = "";

        assert_null(result.problem_code);
        for (size_t i = 0; i < result.n_events; i++) {
                strcat(text, i ? " " : "");
                strcat(text, result.events[i]->type);
        }
        assert_string_equal(text, types);
}

static inline void assert_text(const char *text, const char *expected) {
        if (!expected) {
                assert_null(text);
                return;
        }
        assert_non_null(text);
        assert_string_equal(text, expected);
}

/* VALUE, VALUE UNIT, <VALUE UNIT. */
static inline void assert_quantity(const Carebus__V1__Quantity *quantity, const char *expected) {
        char text[128];

        if (!expected) {
                assert_null(quantity);
                return;
        }
        assert_non_null(quantity);
        snprintf(text, sizeof(text), "%s%s%s%s", quantity->comparator ?: "", quantity->value,
                 quantity->original_unit ? " " : "", quantity->original_unit ?: "");
        assert_string_equal(text, expected);
}

/* The source's own code. */
static inline void assert_code(const Carebus__V1__Coded *coded, const char *code) {
        assert_non_null(coded);
        assert_non_null(coded->original);
        assert_text(coded->original->code, code);
}
