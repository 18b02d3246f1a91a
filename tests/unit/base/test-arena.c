/* What a hostile message can cost is the cap, and nothing survives a reset. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

#define FLAGS_SIZE 256

static void test_allocations_are_aligned_and_apart(void **state) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        uint8_t *before = NULL;

        assert_int_equal(arena_new(&arena, 100000), 0);
        for (size_t size = 0; size < 200; size++) {
                uint8_t *p = arena_alloc(arena, size);

                assert_non_null(p);
                assert_int_equal((uintptr_t)p % 16, 0);
                assert_true(before == NULL || p >= before + (size ? size - 1 : 0));
                memset(p, 0xa5, size);
                before = p;
        }
}

static void test_cap_is_exact(void **state) {
        _cleanup_(arena_freep) Arena *arena = NULL;

        assert_int_equal(arena_new(&arena, 4096), 0);
        assert_null(arena_alloc(arena, 4097));
        assert_int_equal(arena_used(arena), 0);
        assert_non_null(arena_alloc(arena, 4080));
        assert_null(arena_alloc(arena, 17));
        assert_non_null(arena_alloc(arena, 16));
        assert_int_equal(arena_used(arena), 4096);
        assert_null(arena_alloc(arena, 1));
        assert_null(arena_alloc(arena, 0));
        assert_null(arena_alloc(arena, SIZE_MAX));
}

static void test_cap_of_nothing_or_of_everything_is_refused(void **state) {
        Arena *arena = NULL;

        assert_int_equal(arena_new(&arena, 0), -EINVAL);
        assert_int_equal(arena_new(&arena, SIZE_MAX), -EINVAL);
        assert_null(arena);
}

static void test_reset_gives_all_back(void **state) {
        _cleanup_(arena_freep) Arena *arena = NULL;

        assert_int_equal(arena_new(&arena, 4 * 1024 * 1024), 0);
        for (int round = 0; round < 20; round++) {
                uint8_t *p = arena_alloc(arena, 3 * 1024 * 1024);

                assert_non_null(p);
                memset(p, round, 3 * 1024 * 1024);
                assert_null(arena_alloc(arena, 2 * 1024 * 1024));
                arena_reset(arena);
                assert_int_equal(arena_used(arena), 0);
        }
}

static void test_rewind_gives_back_what_came_after_the_mark(void **state) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(arena_freep) Arena *other = NULL;
        ArenaMark mark, foreign;
        char *kept;

        assert_int_equal(arena_new(&arena, 4096), 0);
        assert_int_equal(arena_new(&other, 4096), 0);
        kept = arena_text(arena, "kept", 4);
        mark = arena_mark(arena);
        assert_non_null(arena_alloc(arena, 4000));
        assert_null(arena_alloc(arena, 4000));
        arena_rewind(arena, mark);
        assert_non_null(arena_alloc(arena, 4000));
        assert_string_equal(kept, "kept");
        /* A mark that is none of its own changes nothing. */
        foreign = arena_mark(other);
        arena_rewind(arena, foreign);
        assert_int_equal(arena_used(arena), 16 + 4000);
}

static void test_text_ends_in_nul_and_keeps_what_is_inside(void **state) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        char *text;

        assert_int_equal(arena_new(&arena, 64), 0);
        text = arena_text(arena, "a\0b", 3);
        assert_memory_equal(text, "a\0b", 4);
        text = arena_text(arena, NULL, 0);
        assert_string_equal(text, "");
        text = arena_format(arena, "%s-%d", "p", 17);
        assert_string_equal(text, "p-17");
        assert_null(arena_format(arena, "%100d", 1));
        assert_null(arena_text(arena, "x", SIZE_MAX));
}

/* The flags of the mapping that an address lies in, as the kernel says them; empty where it does not. */
static void flags_of(const void *address, char flags[FLAGS_SIZE]) {
        _cleanup_(fclosep) FILE *file = fopen("/proc/self/smaps", "re");
        unsigned long long from, to;
        bool within = false;
        char line[512];

        flags[0] = '\0';
        while (file && fgets(line, sizeof(line), file)) {
                if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
                        within = (uintptr_t)address >= from && (uintptr_t)address < to;
                if (within && strncmp(line, "VmFlags:", 8) == 0) {
                        snprintf(flags, FLAGS_SIZE, "%.*s", FLAGS_SIZE - 1, line + 8);
                        return;
                }
        }
}

static void test_nothing_of_it_would_stand_in_a_dump(void **state) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        char flags[FLAGS_SIZE];
        void *text;

        assert_int_equal(arena_new(&arena, 4096), 0);
        text = arena_text(arena, "Bloggs", 6);
        assert_non_null(text);
        flags_of(text, flags);
        if (flags[0] == '\0') {
                print_message("# this kernel says nothing of its mappings\n");
                skip();
        }
        assert_non_null(strstr(flags, " dd"));
        flags_of(flags, flags);
        assert_null(strstr(flags, " dd")); /* what is said of all memory would prove nothing */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_allocations_are_aligned_and_apart),
                cmocka_unit_test(test_cap_is_exact),
                cmocka_unit_test(test_cap_of_nothing_or_of_everything_is_refused),
                cmocka_unit_test(test_reset_gives_all_back),
                cmocka_unit_test(test_rewind_gives_back_what_came_after_the_mark),
                cmocka_unit_test(test_text_ends_in_nul_and_keeps_what_is_inside),
                cmocka_unit_test(test_nothing_of_it_would_stand_in_a_dump),
        };
        return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
