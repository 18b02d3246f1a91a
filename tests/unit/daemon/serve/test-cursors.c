/* Where consumers stand: kept whole or not at all. */
#include "daemon/serve/cursors.h"

#include <poll.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"

static Consumer *acked(Cursors *cursors, const char *team, const char *name, uint64_t seq, uint32_t index) {
        Consumer *consumer = NULL;

        assert_int_equal(cursors_get(cursors, team, name, &consumer), 0);
        assert_non_null(consumer);
        consumer->acked = (Place){ .seq = seq, .index = index };
        consumer->received_at = (int64_t)seq * 10;
        consumer->acked_at = 77;
        return consumer;
}

static void test_cursors_come_back_as_they_were_packed(void **state) {
        _cleanup_(cursors_freep) Cursors *cursors = NULL, *again = NULL;
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        Consumer *consumer;

        assert_int_equal(cursors_new(&cursors), 0);
        assert_int_equal(cursors_new(&again), 0);
        acked(cursors, "hospice", "a", 12, 3);
        acked(cursors, "hospice", "b", UINT64_MAX, UINT32_MAX);
        acked(cursors, "neurology", "a", 1, 0);
        cursors_pack(cursors, &packed);
        assert_int_equal(cursors_unpack(again, buffer_bytes(&packed)), 0);
        consumer = cursors_find(again, "hospice", "a");
        assert_non_null(consumer);
        assert_int_equal(consumer->acked.seq, 12);
        assert_int_equal(consumer->acked.index, 3);
        assert_int_equal(consumer->received_at, 120);
        assert_int_equal(consumer->acked_at, 77);
        assert_true(cursors_find(again, "hospice", "b")->acked.seq == UINT64_MAX);
        assert_non_null(cursors_find(again, "neurology", "a"));
        assert_null(cursors_find(again, "neurology", "b"));
}

static void test_who_never_acknowledged_is_not_kept(void **state) {
        _cleanup_(cursors_freep) Cursors *cursors = NULL, *again = NULL;
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        Consumer *consumer;

        assert_int_equal(cursors_new(&cursors), 0);
        assert_int_equal(cursors_new(&again), 0);
        assert_int_equal(cursors_get(cursors, "hospice", "a", &consumer), 0);
        cursors_pack(cursors, &packed);
        assert_int_equal(cursors_unpack(again, buffer_bytes(&packed)), 0);
        assert_null(cursors_at(again, 0));
        cursors_drop(cursors, consumer);
        assert_null(cursors_find(cursors, "hospice", "a"));
        consumer = acked(cursors, "hospice", "a", 5, 0);
        cursors_drop(cursors, consumer);
        assert_non_null(cursors_find(cursors, "hospice", "a"));
}

static void test_any_flipped_bit_and_any_torn_end_is_noticed(void **state) {
        _cleanup_(cursors_freep) Cursors *cursors = NULL, *again = NULL;
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;

        assert_int_equal(cursors_new(&cursors), 0);
        assert_int_equal(cursors_new(&again), 0);
        acked(cursors, "hospice", "a", 12, 3);
        acked(cursors, "neurology", "b", 900, 0);
        cursors_pack(cursors, &packed);
        acked(again, "kept", "as-it-was", 1, 0);
        for (size_t bit = 0; bit < packed.size * 8; bit++) {
                packed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
                assert_int_equal(cursors_unpack(again, buffer_bytes(&packed)), -EBADMSG);
                packed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        for (size_t size = 0; size < packed.size; size++)
                assert_int_equal(cursors_unpack(again, bytes_of(packed.data, size)), -EBADMSG);
        assert_non_null(cursors_find(again, "kept", "as-it-was"));
        assert_int_equal(cursors_unpack(again, buffer_bytes(&packed)), 0);
        assert_null(cursors_find(again, "kept", "as-it-was"));
}

static void test_a_team_has_a_bounded_number_of_consumers(void **state) {
        _cleanup_(cursors_freep) Cursors *cursors = NULL;
        Consumer *consumer;
        char name[16];

        assert_int_equal(cursors_new(&cursors), 0);
        for (int i = 0; i < CURSORS_PER_TEAM; i++) {
                snprintf(name, sizeof(name), "c%d", i);
                acked(cursors, "hospice", name, 1, 0);
        }
        assert_int_equal(cursors_get(cursors, "hospice", "one-more", &consumer), 0);
        assert_null(consumer);
        assert_int_equal(cursors_get(cursors, "hospice", "c0", &consumer), 0);
        assert_non_null(consumer);
        assert_int_equal(cursors_get(cursors, "neurology", "one-more", &consumer), 0);
        assert_non_null(consumer);
}

static void wait_for_write(CursorWriter *writer, int wanted) {
        struct pollfd item = { .fd = cursor_writer_fd(writer), .events = POLLIN };
        int result = 1;

        assert_int_equal(poll(&item, 1, 10000), 1);
        assert_true(cursor_writer_done(writer, &result));
        assert_int_equal(result, wanted);
}

static void test_writer_replaces_the_file_and_says_when(void **state) {
        _cleanup_(cursors_freep) Cursors *cursors = NULL, *again = NULL;
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        char folder[] = "/tmp/carebus-cursors-XXXXXX", path[64];
        CursorWriter *writer = NULL;

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/cursors", folder);
        assert_int_equal(cursors_new(&cursors), 0);
        assert_int_equal(cursors_new(&again), 0);
        assert_int_equal(cursors_load(again, path), 0); /* none yet */
        assert_int_equal(cursor_writer_start(path, &writer), 0);
        for (uint64_t seq = 1; seq <= 5; seq++) {
                acked(cursors, "hospice", "a", seq, 0);
                cursors_pack(cursors, &packed);
                assert_int_equal(cursor_writer_give(writer, &packed), 0);
                assert_int_equal(packed.size, 0);
                cursors_pack(cursors, &packed);
                assert_int_equal(cursor_writer_give(writer, &packed), -EAGAIN);
                buffer_clear(&packed);
                wait_for_write(writer, 0);
        }
        acked(cursors, "hospice", "a", 6, 0);
        cursors_pack(cursors, &packed);
        cursor_writer_give_last(writer, &packed);
        cursor_writer_stop(writer);
        assert_int_equal(cursors_load(again, path), 0);
        assert_int_equal(cursors_find(again, "hospice", "a")->acked.seq, 6);
        unlink(path);
        assert_int_equal(rmdir(folder), 0); /* nothing else was left lying */
}

static void test_writer_says_when_it_cannot_write(void **state) {
        _cleanup_(cursors_freep) Cursors *cursors = NULL;
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        CursorWriter *writer = NULL;

        assert_int_equal(cursors_new(&cursors), 0);
        acked(cursors, "hospice", "a", 1, 0);
        assert_int_equal(cursor_writer_start("/nonexistent-folder/cursors", &writer), 0);
        cursors_pack(cursors, &packed);
        assert_int_equal(cursor_writer_give(writer, &packed), 0);
        wait_for_write(writer, -ENOENT);
        cursor_writer_stop(writer);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cursors_come_back_as_they_were_packed),
                cmocka_unit_test(test_who_never_acknowledged_is_not_kept),
                cmocka_unit_test(test_any_flipped_bit_and_any_torn_end_is_noticed),
                cmocka_unit_test(test_a_team_has_a_bounded_number_of_consumers),
                cmocka_unit_test(test_writer_replaces_the_file_and_says_when),
                cmocka_unit_test(test_writer_says_when_it_cannot_write),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
