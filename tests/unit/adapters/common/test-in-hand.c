/* What a process leaves that ends while it reads: processes that really do. */
#include "adapters/common/in-hand.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"

typedef struct Fixture {
        char folder[64];
} Fixture;

static int set_up(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/carebus-in-hand-XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        Fixture *fixture = *state;
        char path[96];

        snprintf(path, sizeof(path), "%s/in-hand", fixture->folder);
        (void)unlink(path);
        (void)rmdir(fixture->folder);
        free(fixture);
        return 0;
}

static InHand *open_hand(const Fixture *fixture) {
        InHand *hand = NULL;

        assert_int_equal(in_hand_open(fixture->folder, &hand), 0);
        return hand;
}

typedef void (*Part)(InHand *hand, Bytes bytes);

/* A process that opens the note, does its part, and is killed. */
static void die_in(const Fixture *fixture, Part part, Bytes bytes) {
        const pid_t child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0) {
                InHand *hand = NULL;

                if (in_hand_open(fixture->folder, &hand) < 0)
                        _exit(1);
                part(hand, bytes);
                (void)raise(SIGKILL);
                _exit(2);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void takes(InHand *hand, Bytes bytes) {
        if (in_hand_take(hand, IN_HAND_WHOLE, bytes, false) != 0)
                _exit(3);
}

static void takes_again(InHand *hand, Bytes bytes) {
        if (in_hand_take(hand, IN_HAND_WHOLE, bytes, true) != 0)
                _exit(3);
}

static void takes_part_of_a_file(InHand *hand, Bytes bytes) {
        takes(hand, bytes_of_text("the file"));
        if (in_hand_take(hand, IN_HAND_PART, bytes, false) != 0)
                _exit(3);
}

static void takes_and_is_done(InHand *hand, Bytes bytes) {
        takes(hand, bytes);
        in_hand_done(hand, IN_HAND_WHOLE);
}

static void only_opens(InHand *hand, Bytes bytes) {
        (void)hand;
        (void)bytes;
}

static const InHandFound *found_is(const InHand *hand, unsigned times, Bytes bytes) {
        const InHandFound *found = in_hand_found(hand);

        assert_int_equal(found->times, times);
        assert_int_equal(found->bytes.size, bytes.size);
        if (bytes.size > 0)
                assert_memory_equal(found->bytes.data, bytes.data, bytes.size);
        return found;
}

static void test_nothing_was_in_hand_at_first_after_an_end_in_order_and_between_two_messages(void **state) {
        const Bytes message = bytes_of_text("a message");
        InHand *hand = open_hand(*state);

        found_is(hand, 0, BYTES_NULL);
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), 0);
        in_hand_free(hand);
        hand = open_hand(*state);
        found_is(hand, 0, BYTES_NULL);
        in_hand_free(hand);
        die_in(*state, takes_and_is_done, message);
        hand = open_hand(*state);
        found_is(hand, 0, BYTES_NULL);
        in_hand_free(hand);
}

static void test_message_that_ends_the_process_three_times_is_given_up_and_no_other(void **state) {
        const Bytes message = bytes_of_text("MSH|^~\\&|it"), other = bytes_of_text("MSH|^~\\&|other");
        InHand *hand;
        Reading reading;

        for (unsigned times = 1; times <= IN_HAND_TRIES; times++) {
                die_in(*state, takes, message);
                hand = open_hand(*state);
                assert_int_equal(found_is(hand, times, message)->size, message.size);
                in_hand_free(hand);
                /* What was counted is counted once. */
                die_in(*state, only_opens, message);
        }
        hand = open_hand(*state);
        found_is(hand, 0, BYTES_NULL);
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), IN_HAND_E_GIVEN_UP);
        in_hand_reading(hand, message, "text/plain", &reading);
        assert_string_equal(reading.problem_code, "ends-adapter");
        assert_string_equal(reading.problem_position, "translate: 3 times");
        assert_true(reading.problem_urgent && reading.n_events == 0 && bytes_equal(reading.original, message));
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, other, false), 0);
        in_hand_done(hand, IN_HAND_WHOLE);
        assert_int_equal(in_hand_take(hand, IN_HAND_PART, message, false), IN_HAND_E_GIVEN_UP);
        /* Somebody wants it to be read again: it is, and who sends the same says nothing new. */
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, true), 0);
        in_hand_done(hand, IN_HAND_WHOLE);
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), IN_HAND_E_GIVEN_UP);
        in_hand_forget(hand, message);
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), 0);
        in_hand_free(hand);
}

static void test_message_that_is_read_in_between_begins_anew(void **state) {
        const Bytes message = bytes_of_text("now and then");

        for (unsigned i = 0; i < 5; i++) {
                InHand *hand;

                die_in(*state, takes, message);
                die_in(*state, takes, message);
                hand = open_hand(*state);
                found_is(hand, 2, message);
                assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), 0);
                in_hand_done(hand, IN_HAND_WHOLE);
                in_hand_free(hand);
        }
}

static void test_only_the_part_counts_that_was_being_read(void **state) {
        const Bytes part = bytes_of_text("a row"), file = bytes_of_text("the file");
        InHand *hand;

        for (unsigned times = 1; times <= IN_HAND_TRIES; times++)
                die_in(*state, takes_part_of_a_file, part);
        hand = open_hand(*state);
        found_is(hand, IN_HAND_TRIES, part);
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, file, false), 0);
        assert_int_equal(in_hand_take(hand, IN_HAND_PART, part, false), IN_HAND_E_GIVEN_UP);
        in_hand_free(hand);
}

static void test_retry_that_ends_the_process_is_said_to_be_one_and_counts(void **state) {
        const Bytes message = bytes_of_text("again");
        InHand *hand;

        for (unsigned times = 0; times < IN_HAND_TRIES; times++)
                die_in(*state, takes, message);
        die_in(*state, takes_again, message);
        hand = open_hand(*state);
        assert_true(found_is(hand, IN_HAND_TRIES + 1, message)->is_again);
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), IN_HAND_E_GIVEN_UP);
        in_hand_forget(hand, message);
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), 0);
        in_hand_free(hand);
}

static void test_message_larger_than_the_room_is_known_without_its_bytes(void **state) {
        const size_t size = IN_HAND_ROOM + 1;
        _cleanup_(freep) uint8_t *large = calloc(1, size);
        const Bytes message = bytes_of(large, size);
        InHand *hand;

        large[size - 1] = 'x';
        for (unsigned times = 1; times <= IN_HAND_TRIES; times++)
                die_in(*state, takes, message);
        hand = open_hand(*state);
        assert_int_equal(found_is(hand, IN_HAND_TRIES, BYTES_NULL)->size, size);
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), IN_HAND_E_GIVEN_UP);
        large[size - 1] = 'y';
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), 0);
        in_hand_free(hand);
}

static void test_who_was_given_up_stays_so_behind_any_number_of_others(void **state) {
        const Bytes message = bytes_of_text("given up");
        InHand *hand;

        for (unsigned times = 0; times < IN_HAND_TRIES; times++)
                die_in(*state, takes, message);
        for (unsigned i = 0; i < 100; i++) {
                char text[16];

                snprintf(text, sizeof(text), "other %u", i);
                die_in(*state, takes, bytes_of_text(text));
        }
        hand = open_hand(*state);
        assert_int_equal(in_hand_take(hand, IN_HAND_WHOLE, message, false), IN_HAND_E_GIVEN_UP);
        in_hand_free(hand);
}

static void test_end_in_order_leaves_no_bytes_of_a_message(void **state) {
        const Fixture *fixture = *state;
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        char path[96];

        die_in(fixture, takes, bytes_of_text("SECRET of the dead, and rather long"));
        die_in(fixture, takes_part_of_a_file, bytes_of_text("SECRET"));
        in_hand_free(open_hand(fixture));
        snprintf(path, sizeof(path), "%s/in-hand", fixture->folder);
        assert_int_equal(file_read(path, 16u << 20, &content), 0);
        assert_null(memmem(content.data, content.size, "SECRET", 6));
        assert_null(memmem(content.data, content.size, "long", 4));
}

static void test_file_of_anything_is_begun_anew_and_a_second_process_has_none(void **state) {
        const Fixture *fixture = *state;
        InHand *hand, *second = NULL;
        char path[96];
        struct stat info;

        snprintf(path, sizeof(path), "%s/in-hand", fixture->folder);
        assert_int_equal(file_replace(path, "rubbish of another time", 23, 0600), 0);
        hand = open_hand(fixture);
        found_is(hand, 0, BYTES_NULL);
        assert_int_equal(in_hand_open(fixture->folder, &second), -EWOULDBLOCK);
        assert_null(second);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        in_hand_free(hand);
        assert_int_equal(in_hand_open("/nonexistent", &hand), -ENOENT);
        assert_int_equal(in_hand_take(NULL, IN_HAND_WHOLE, bytes_of_text("x"), false), 0);
        in_hand_done(NULL, IN_HAND_WHOLE);
        assert_int_equal(in_hand_found(NULL)->times, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_nothing_was_in_hand_at_first_after_an_end_in_order_and_between_two_messages),
                TEST(test_message_that_ends_the_process_three_times_is_given_up_and_no_other),
                TEST(test_message_that_is_read_in_between_begins_anew),
                TEST(test_only_the_part_counts_that_was_being_read),
                TEST(test_retry_that_ends_the_process_is_said_to_be_one_and_counts),
                TEST(test_message_larger_than_the_room_is_known_without_its_bytes),
                TEST(test_who_was_given_up_stays_so_behind_any_number_of_others),
                TEST(test_end_in_order_leaves_no_bytes_of_a_message),
                TEST(test_file_of_anything_is_begun_anew_and_a_second_process_has_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
