/*
 * The framer: the same items come out wherever the network cut the bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "adapters/mllp/framer.h"

/* Everything that came out of a stream, as text: "message:ABC unfinished:D garbage:3 ". */
typedef struct Log {
        Buffer text;
} Log;

static void log_item(Log *log, const FramerItem *item) {
        buffer_append_format(&log->text, "%s%s:", item->no_start ? "+" : "", framer_kind_text(item->kind));
        if (item->kind == FRAMER_GARBAGE)
                buffer_append_format(&log->text, "%llu", (unsigned long long)item->size);
        else if (item->kind == FRAMER_TOO_LARGE)
                buffer_append_format(&log->text, "%llu/%zu", (unsigned long long)item->size, item->bytes.size);
        else
                buffer_append_bytes(&log->text, item->bytes);
        buffer_append_byte(&log->text, ' ');
}

static void feed(Framer *framer, Log *log, const void *data, size_t size) {
        /* Exactly as large as the input, so that a read beyond it is seen. */
        uint8_t *copy = malloc(size ? size : 1);
        Bytes input = bytes_of(copy, size);
        FramerItem item;
        int r;

        assert_non_null(copy);
        if (size)
                memcpy(copy, data, size);
        while ((r = framer_next(framer, &input, &item)) != FRAMER_MORE) {
                assert_true(r > 0);
                assert_int_equal(r, item.kind);
                log_item(log, &item);
        }
        assert_int_equal(input.size, 0);
        free(copy);
}

static void finish(Framer *framer, Log *log) {
        FramerItem item;

        while (framer_finish(framer, &item) != FRAMER_MORE)
                log_item(log, &item);
}

/* The log of a stream that is fed in two pieces at every possible cut, and byte by byte: always the same. */
static void assert_stream(const Framer *like, const void *data, size_t size, const char *expected) {
        for (size_t cut = 0; cut <= size + 1; cut++) {
                Framer framer = *like;
                Log log = { BUFFER_NULL };

                if (cut <= size) {
                        feed(&framer, &log, data, cut);
                        feed(&framer, &log, (const uint8_t *)data + cut, size - cut);
                } else
                        for (size_t i = 0; i < size; i++)
                                feed(&framer, &log, (const uint8_t *)data + i, 1);
                finish(&framer, &log);
                buffer_append_byte(&log.text, 0);
                assert_string_equal((char *)log.text.data, expected);
                buffer_deinit(&log.text);
                framer_deinit(&framer);
        }
}
#define ASSERT_STREAM(like, literal, expected) assert_stream(like, literal, sizeof(literal) - 1, expected)

static const Framer strict = FRAMER_INIT(64);
static const Framer lenient = { .max_message_bytes = 64, .start_optional = true, .at_line_start = true };

static void test_a_frame_gives_its_message(void **state) {
        ASSERT_STREAM(&strict,
                      "\x0B"
                      "MSH|1\r"
                      "\x1C\r",
                      "message:MSH|1\r ");
}

static void test_frames_come_back_to_back(void **state) {
        ASSERT_STREAM(&strict,
                      "\x0B"
                      "A\x1C\r\x0B"
                      "B\x1C\r\x0B"
                      "C\x1C\r",
                      "message:A message:B message:C ");
}

static void test_line_ends_inside_are_content(void **state) {
        ASSERT_STREAM(&strict,
                      "\x0B"
                      "A\nB\r\nC\r"
                      "\x1C\r",
                      "message:A\nB\r\nC\r ");
}

static void test_the_return_may_be_missing(void **state) {
        ASSERT_STREAM(&strict,
                      "\x0B"
                      "A\x1C\x0B"
                      "B\x1C",
                      "message:A message:B ");
}

static void test_the_end_is_given_before_its_return_comes(void **state) {
        Framer framer = strict;
        Log log = { BUFFER_NULL };

        feed(&framer, &log,
             "\x0B"
             "A\x1C",
             3);
        assert_true(log.text.size > 0);
        assert_false(framer_is_inside(&framer));
        feed(&framer, &log, "\r", 1);
        finish(&framer, &log);
        buffer_append_byte(&log.text, 0);
        assert_string_equal((char *)log.text.data, "message:A ");
        assert_int_equal(framer.counts.no_return, 0);
        buffer_deinit(&log.text);
        framer_deinit(&framer);
}

static void test_an_unfinished_message_is_given_out_when_another_begins(void **state) {
        ASSERT_STREAM(&strict,
                      "\x0B"
                      "AB\x0B"
                      "C\x1C\r",
                      "unfinished:AB message:C ");
}

static void test_an_unfinished_message_is_given_out_at_the_end(void **state) {
        ASSERT_STREAM(&strict,
                      "\x0B"
                      "A\x1C\r\x0B"
                      "BC",
                      "message:A unfinished:BC ");
}

static void test_a_doubled_start_is_one(void **state) {
        ASSERT_STREAM(&strict,
                      "\x0B\x0B"
                      "A\x1C\r",
                      "message:A ");
}

static void test_an_empty_frame_is_told_from_a_message(void **state) {
        ASSERT_STREAM(&strict,
                      "\x0B\x1C\r\x0B"
                      "A\x1C\r",
                      "empty: message:A ");
}

static void test_garbage_between_frames_is_counted(void **state) {
        ASSERT_STREAM(&strict,
                      "xyz\x0B"
                      "A\x1C\rhm\x0B"
                      "B\x1C\rq",
                      "garbage:3 message:A garbage:2 message:B garbage:1 ");
}

static void test_keep_alive_bytes_are_no_garbage(void **state) {
        ASSERT_STREAM(&strict,
                      "\r\n\0 \x0B"
                      "A\x1C\r\n\n\0\x0B"
                      "B\x1C\r\r\x1C",
                      "message:A message:B ");
}

static void test_a_message_at_the_limit_passes(void **state) {
        Framer like = FRAMER_INIT(4);

        ASSERT_STREAM(&like,
                      "\x0B"
                      "ABCD\x1C\r",
                      "message:ABCD ");
}

static void test_a_message_beyond_the_limit_is_skipped_to_its_end(void **state) {
        Framer like = FRAMER_INIT(4);

        ASSERT_STREAM(&like,
                      "\x0B"
                      "ABCDE\x1C\r\x0B"
                      "F\x1C\r",
                      "too-large:5/5 message:F ");
        ASSERT_STREAM(&like,
                      "\x0B"
                      "ABCDEFGH\x0B"
                      "F\x1C\r",
                      "too-large:8/8 message:F ");
        ASSERT_STREAM(&like,
                      "\x0B"
                      "ABCDEFGH",
                      "too-large:8/8 ");
}

static void test_a_message_beyond_the_limit_keeps_no_more_than_its_head(void **state) {
        Framer framer = FRAMER_INIT(100000);
        Bytes input;
        FramerItem item;
        uint8_t block[10000];

        memset(block, 'x', sizeof(block));
        input = BYTES_LITERAL("\x0B");
        assert_int_equal(framer_next(&framer, &input, &item), FRAMER_MORE);
        for (int i = 0; i < 1000; i++) {
                input = bytes_of(block, sizeof(block));
                assert_int_equal(framer_next(&framer, &input, &item), FRAMER_MORE);
        }
        assert_true(framer.held.size <= FRAMER_HEAD_MAX);
        assert_true(framer.held.capacity < 300000);
        input = BYTES_LITERAL("\x1C\r");
        assert_int_equal(framer_next(&framer, &input, &item), FRAMER_TOO_LARGE);
        assert_int_equal(item.size, 10000000);
        assert_int_equal(item.bytes.size, FRAMER_HEAD_MAX);
        framer_deinit(&framer);
}

static void test_without_leniency_a_message_without_start_is_garbage(void **state) {
        ASSERT_STREAM(&strict,
                      "MSH|A\x1C\r\x0B"
                      "B\x1C\r",
                      "garbage:5 message:B ");
}

static void test_with_leniency_msh_at_the_start_of_a_line_begins_a_message(void **state) {
        ASSERT_STREAM(&lenient, "MSH|A\x1C\rMSH|B\x1C\r", "+message:MSH|A +message:MSH|B ");
        ASSERT_STREAM(&lenient,
                      "FHS|A\x1C\r\x0B"
                      "B\x1C\r",
                      "+message:FHS|A message:B ");
        ASSERT_STREAM(&lenient, "MSxMSH|A\x1C\r", "garbage:8 ");
        ASSERT_STREAM(&lenient, "no\nMSH|A\x1C\r", "garbage:2 +message:MSH|A ");
}

static void test_a_whole_frame_is_not_copied(void **state) {
        static const char frame[] = "\x0B"
                                    "ABC\x1C\r";
        Framer framer = strict;
        Bytes input = bytes_of(frame, sizeof(frame) - 1);
        FramerItem item;

        assert_int_equal(framer_next(&framer, &input, &item), FRAMER_MESSAGE);
        assert_ptr_equal(item.bytes.data, frame + 1);
        framer_deinit(&framer);
}

static void test_memory_of_a_large_message_is_given_back(void **state) {
        Framer framer = FRAMER_INIT(1 << 20);
        Log log = { BUFFER_NULL };
        uint8_t *block = calloc(1, 500000);

        assert_non_null(block);
        memset(block, 'x', 500000);
        feed(&framer, &log, "\x0B", 1);
        feed(&framer, &log, block, 500000);
        feed(&framer, &log, "\x1C\r", 2);
        feed(&framer, &log,
             "\x0B"
             "A",
             2);
        assert_true(framer.held.capacity < 100000);
        buffer_deinit(&log.text);
        framer_deinit(&framer);
        free(block);
}

/* A stream put together at random, with the log that it has to give. */
static void random_stream(unsigned *seed, Buffer *stream, Buffer *expected) {
        int n = rand_r(seed) % 8;

        for (int i = 0; i < n; i++) {
                size_t size = (size_t)(1 + rand_r(seed) % 80);
                char content[128];

                for (size_t j = 0; j < size; j++)
                        content[j] = (char)('a' + rand_r(seed) % 26);
                switch (rand_r(seed) % 4) {
                case 0: /* garbage, closed by a frame so that pieces do not run together */
                        buffer_append(stream, content, size);
                        buffer_append_text(stream, "\x0B"
                                                   "z\x1C\r");
                        buffer_append_format(expected, "garbage:%zu message:z ", size);
                        break;
                case 1:
                        buffer_append_text(stream, "\x0B\x1C\r");
                        buffer_append_text(expected, "empty: ");
                        break;
                default:
                        buffer_append_byte(stream, FRAMER_START);
                        buffer_append(stream, content, size);
                        buffer_append_byte(stream, FRAMER_END);
                        if (rand_r(seed) % 2)
                                buffer_append_byte(stream, FRAMER_RETURN);
                        if (size > strict.max_message_bytes)
                                buffer_append_format(expected, "too-large:%zu/%zu ", size, size);
                        else
                                buffer_append_format(expected, "message:%.*s ", (int)size, content);
                }
        }
}

static void test_any_stream_gives_the_same_however_it_is_cut(void **state) {
        unsigned seed = (unsigned)time(NULL);

        print_message("# seed %u\n", seed);
        for (int i = 0; i < 300; i++) {
                Buffer stream = BUFFER_NULL, expected = BUFFER_NULL;

                random_stream(&seed, &stream, &expected);
                buffer_append_byte(&expected, 0);
                assert_stream(&strict, stream.data, stream.size, (char *)expected.data);
                buffer_deinit(&stream);
                buffer_deinit(&expected);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_frame_gives_its_message),
                cmocka_unit_test(test_frames_come_back_to_back),
                cmocka_unit_test(test_line_ends_inside_are_content),
                cmocka_unit_test(test_the_return_may_be_missing),
                cmocka_unit_test(test_the_end_is_given_before_its_return_comes),
                cmocka_unit_test(test_an_unfinished_message_is_given_out_when_another_begins),
                cmocka_unit_test(test_an_unfinished_message_is_given_out_at_the_end),
                cmocka_unit_test(test_a_doubled_start_is_one),
                cmocka_unit_test(test_an_empty_frame_is_told_from_a_message),
                cmocka_unit_test(test_garbage_between_frames_is_counted),
                cmocka_unit_test(test_keep_alive_bytes_are_no_garbage),
                cmocka_unit_test(test_a_message_at_the_limit_passes),
                cmocka_unit_test(test_a_message_beyond_the_limit_is_skipped_to_its_end),
                cmocka_unit_test(test_a_message_beyond_the_limit_keeps_no_more_than_its_head),
                cmocka_unit_test(test_without_leniency_a_message_without_start_is_garbage),
                cmocka_unit_test(test_with_leniency_msh_at_the_start_of_a_line_begins_a_message),
                cmocka_unit_test(test_a_whole_frame_is_not_copied),
                cmocka_unit_test(test_memory_of_a_large_message_is_given_back),
                cmocka_unit_test(test_any_stream_gives_the_same_however_it_is_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
