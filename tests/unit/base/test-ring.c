/* Every item arrives once and in order, no wake-up is lost, and what is left is freed. Also built under TSan. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/doorbell.h"
#include "base/ring.h"

#define N_ITEMS 200000UL

static bool is_readable(int fd) {
        struct pollfd item = { .fd = fd, .events = POLLIN };

        return poll(&item, 1, 0) == 1;
}

static void test_only_powers_of_two_are_sizes(void **state) {
        const size_t bad[] = { 0, 3, 6, 1000 };
        Ring *ring = NULL;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(ring_new(&ring, bad[i]), -EINVAL);
        assert_null(ring);
        assert_null(ring_free(NULL));
}

static void test_full_ring_refuses_and_keeps_what_it_has(void **state) {
        _cleanup_(ring_freep) Ring *ring = NULL;
        int items[5];

        assert_int_equal(ring_new(&ring, 4), 0);
        assert_null(ring_pop(ring));
        for (int round = 0; round < 10; round++) {
                for (int i = 0; i < 4; i++)
                        assert_true(ring_push(ring, &items[i]));
                assert_false(ring_push(ring, &items[4]));
                for (int i = 0; i < 4; i++)
                        assert_ptr_equal(ring_pop(ring), &items[i]);
                assert_null(ring_pop(ring));
        }
}

static void test_ring_is_readable_from_a_push_until_cleared(void **state) {
        _cleanup_(ring_freep) Ring *ring = NULL;
        int item;

        assert_int_equal(ring_new(&ring, 4), 0);
        assert_false(is_readable(ring_fd(ring)));
        assert_true(ring_push(ring, &item));
        assert_true(is_readable(ring_fd(ring)));
        assert_ptr_equal(ring_pop(ring), &item);
        ring_clear(ring);
        assert_false(is_readable(ring_fd(ring)));
        /* Cleared without need, it still wakes for the next. */
        ring_clear(ring);
        assert_true(ring_push(ring, &item));
        assert_true(is_readable(ring_fd(ring)));
}

static size_t n_freed;

static void count_free(void *item) {
        n_freed++;
        free(item);
}

static void test_what_is_left_is_freed_with_the_ring(void **state) {
        Ring *ring = NULL;

        assert_int_equal(ring_new(&ring, 8), 0);
        ring_set_free(ring, count_free);
        for (int i = 0; i < 5; i++)
                assert_true(ring_push(ring, malloc(1)));
        free(ring_pop(ring));
        n_freed = 0;
        assert_null(ring_free(ring));
        assert_int_equal(n_freed, 4);
}

typedef struct Item {
        uint64_t number;
} Item;

static void *produce(void *owner) {
        Ring *ring = owner;

        for (uint64_t i = 0; i < N_ITEMS; i++) {
                Item *item = malloc(sizeof(*item));

                item->number = i;
                while (!ring_push(ring, item))
                        sched_yield();
        }
        return NULL;
}

/* Sleeps whenever it finds nothing: a wake-up that is lost makes the poll run out. */
static void consume_all(size_t n_slots) {
        _cleanup_(ring_freep) Ring *ring = NULL;
        pthread_t producer;
        uint64_t next = 0;

        assert_int_equal(ring_new(&ring, n_slots), 0);
        ring_set_free(ring, free);
        assert_int_equal(pthread_create(&producer, NULL, produce, ring), 0);
        while (next < N_ITEMS) {
                struct pollfd wake = { .fd = ring_fd(ring), .events = POLLIN };

                assert_int_equal(poll(&wake, 1, 30000), 1);
                ring_clear(ring);
                for (Item *item; (item = ring_pop(ring));) {
                        assert_true(item->number == next++);
                        free(item);
                }
        }
        assert_int_equal(pthread_join(producer, NULL), 0);
        assert_null(ring_pop(ring));
}

static void test_two_threads_lose_nothing_and_no_wake_up(void **state) {
        consume_all(1024);
}

static void test_two_threads_over_a_ring_of_one_slot(void **state) {
        consume_all(1);
}

static void test_doorbell_is_rung_once_for_many_rings(void **state) {
        _cleanup_(closep) int fd = doorbell_new();

        assert_true(fd >= 0);
        doorbell_clear(fd); /* does not wait */
        assert_false(is_readable(fd));
        for (int i = 0; i < 3; i++)
                doorbell_ring(fd);
        assert_true(is_readable(fd));
        doorbell_clear(fd);
        assert_false(is_readable(fd));
}

static void test_doorbell_that_is_full_stays_rung(void **state) {
        _cleanup_(closep) int fd = doorbell_new();
        uint64_t most = UINT64_MAX - 1;

        assert_int_equal(write(fd, &most, sizeof(most)), sizeof(most));
        doorbell_ring(fd); /* does not wait either */
        assert_true(is_readable(fd));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_only_powers_of_two_are_sizes),
                cmocka_unit_test(test_full_ring_refuses_and_keeps_what_it_has),
                cmocka_unit_test(test_ring_is_readable_from_a_push_until_cleared),
                cmocka_unit_test(test_what_is_left_is_freed_with_the_ring),
                cmocka_unit_test(test_two_threads_lose_nothing_and_no_wake_up),
                cmocka_unit_test(test_two_threads_over_a_ring_of_one_slot),
                cmocka_unit_test(test_doorbell_is_rung_once_for_many_rings),
                cmocka_unit_test(test_doorbell_that_is_full_stays_rung),
        };
        return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
