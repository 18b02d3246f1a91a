/* Frames between core and serve. */
#include "daemon/link.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/error.h"

typedef struct Pair {
        Link *core, *serve;
        int raw; /* core's end, where the test writes by itself */
} Pair;

static int pair_up(void **state) {
        Pair *pair = calloc(1, sizeof(*pair));
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
                return -1;
        pair->raw = fds[0];
        *state = pair;
        return link_new(fds[0], &pair->core) || link_new(fds[1], &pair->serve);
}

static int pair_down(void **state) {
        Pair *pair = *state;

        link_free(pair->core);
        link_free(pair->serve);
        free(pair);
        return 0;
}

static void test_frames_arrive_whole_and_in_order(void **state) {
        Pair *pair = *state;
        LinkKind kind;
        Bytes payload;

        assert_int_equal(link_send(pair->core, LINK_CONFIG, BYTES_LITERAL("bus: x")), 0);
        assert_int_equal(link_send(pair->core, LINK_STOP, BYTES_NULL), 0);
        assert_int_equal(link_receive(pair->serve, &kind, &payload), 0);
        assert_int_equal(kind, LINK_CONFIG);
        assert_true(bytes_equal_text(payload, "bus: x"));
        assert_int_equal(link_receive(pair->serve, &kind, &payload), 0);
        assert_int_equal(kind, LINK_STOP);
        assert_int_equal(payload.size, 0);
        assert_int_equal(link_receive(pair->serve, &kind, &payload), LINK_E_AGAIN);
}

static void test_large_frame_passes_without_either_side_waiting(void **state) {
        Pair *pair = *state;
        _cleanup_(freep) uint8_t *big = malloc(8u << 20);
        LinkKind kind;
        Bytes payload;
        int r;

        for (size_t i = 0; i < 8u << 20; i++)
                big[i] = (uint8_t)(i * 31 + i / 4096);
        assert_int_equal(link_send(pair->core, LINK_CONFIG, bytes_of(big, 8u << 20)), LINK_E_AGAIN);
        while ((r = link_receive(pair->serve, &kind, &payload)) == LINK_E_AGAIN)
                assert_in_range(link_flush(pair->core), 0, LINK_E_AGAIN);
        assert_int_equal(r, 0);
        assert_true(bytes_equal(payload, bytes_of(big, 8u << 20)));
}

static void test_frame_that_comes_byte_by_byte_is_put_together(void **state) {
        Pair *pair = *state;
        static const uint8_t wire[] = { 2, 0, 0, 0, 1, 0, 0, 0, 'o', 'k' };
        LinkKind kind;
        Bytes payload;

        for (size_t i = 0; i < sizeof(wire); i++) {
                assert_int_equal(link_receive(pair->serve, &kind, &payload), LINK_E_AGAIN);
                assert_int_equal(write(pair->raw, &wire[i], 1), 1);
        }
        assert_int_equal(link_receive(pair->serve, &kind, &payload), 0);
        assert_true(bytes_equal_text(payload, "ok"));
}

static void test_what_was_sent_before_the_end_is_still_read(void **state) {
        Pair *pair = *state;
        LinkKind kind;
        Bytes payload;

        assert_int_equal(link_send(pair->core, LINK_STOP, BYTES_NULL), 0);
        pair->core = link_free(pair->core);
        assert_int_equal(link_receive(pair->serve, &kind, &payload), 0);
        assert_int_equal(link_receive(pair->serve, &kind, &payload), LINK_E_CLOSED);
        assert_int_equal(link_send(pair->serve, LINK_READY, BYTES_NULL), LINK_E_CLOSED);
}

static void test_absurd_length_is_refused_before_memory_is_taken(void **state) {
        Pair *pair = *state;
        static const uint8_t wire[] = { 255, 255, 255, 255, 1, 0, 0, 0 };
        LinkKind kind;
        Bytes payload;

        assert_int_equal(write(pair->raw, wire, sizeof(wire)), (ssize_t)sizeof(wire));
        assert_int_equal(link_receive(pair->serve, &kind, &payload), -EBADMSG);
}

static void test_descriptors_are_found_by_their_whole_name(void **state) {
        setenv(LINK_FDS_ENVIRONMENT, "doorbell=4,live-a=7,feed=5,bad=x,big=99999999999999999999", 1);
        assert_int_equal(link_inherited("doorbell"), 4);
        assert_int_equal(link_inherited("feed"), 5);
        assert_int_equal(link_inherited("live-a"), 7);
        assert_int_equal(link_inherited("live"), -ENOENT);
        assert_int_equal(link_inherited("eed"), -ENOENT);
        assert_int_equal(link_inherited("bad"), -EINVAL);
        assert_int_equal(link_inherited("big"), -EINVAL);
        unsetenv(LINK_FDS_ENVIRONMENT);
        assert_int_equal(link_inherited("feed"), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_frames_arrive_whole_and_in_order, pair_up, pair_down),
                cmocka_unit_test_setup_teardown(test_large_frame_passes_without_either_side_waiting, pair_up,
                                                pair_down),
                cmocka_unit_test_setup_teardown(test_frame_that_comes_byte_by_byte_is_put_together, pair_up, pair_down),
                cmocka_unit_test_setup_teardown(test_what_was_sent_before_the_end_is_still_read, pair_up, pair_down),
                cmocka_unit_test_setup_teardown(test_absurd_length_is_refused_before_memory_is_taken, pair_up,
                                                pair_down),
                cmocka_unit_test(test_descriptors_are_found_by_their_whole_name),
        };

        return cmocka_run_group_tests_name("daemon link", tests, NULL, NULL);
}
