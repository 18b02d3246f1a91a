/* The number of a notification, over restarts and over what somebody did to the file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/fhir/notification-count.h"
#include "base/file.h"
#include "base/text.h"

static char path[64];

static int setup(void **state) {
        static char folder[32];

        snprintf(folder, sizeof(folder), "/tmp/count-XXXXXX");
        *state = mkdtemp(folder);
        snprintf(path, sizeof(path), "%s/notifications", folder);
        return *state ? 0 : -1;
}

static int teardown(void **state) {
        (void)unlink(path);
        return rmdir(*state);
}

static NotificationCount *count_open(void) {
        NotificationCount *count;

        assert_int_equal(notification_count_open(path, &count), 0);
        return count;
}

static void test_numbers_go_up_by_one_and_over_a_restart(void **state) {
        (void)state;
        for (uint64_t seq = 1; seq <= 3 * NOTIFICATIONS_KEPT; seq++) {
                _cleanup_(notification_count_freep) NotificationCount *count = count_open();

                assert_int_equal(notification_count_of(count, seq, 2), seq);
        }
}

static void test_an_event_that_comes_again_has_the_number_that_it_had(void **state) {
        (void)state;
        for (int start = 0; start < 3; start++) {
                _cleanup_(notification_count_freep) NotificationCount *count = count_open();

                assert_int_equal(notification_count_of(count, 7, 0), 1);
                assert_int_equal(notification_count_of(count, 7, 1), 2);
                assert_int_equal(notification_count_of(count, 9, 0), 3);
                assert_int_equal(notification_count_of(count, 7, 1), 2);
        }
}

static void test_one_that_is_long_gone_is_counted_anew_and_nothing_goes_back(void **state) {
        _cleanup_(notification_count_freep) NotificationCount *count = count_open();

        (void)state;
        for (uint64_t seq = 1; seq <= NOTIFICATIONS_KEPT + 1; seq++)
                (void)notification_count_of(count, seq, 0);
        assert_int_equal(notification_count_of(count, 1, 0), NOTIFICATIONS_KEPT + 2);
        assert_int_equal(notification_count_of(count, 3, 0), 3);
}

static void test_what_is_no_such_file_is_not_gone_over(void **state) {
        static const char *const wrong[] = { "",
                                             "something else\n",
                                             "carebus-notifications 1\n1 2\n",
                                             "carebus-notifications 1\n1 2 3",
                                             "carebus-notifications 1\n1 2 x\n",
                                             "carebus-notifications 1\n2 2 0\n1 3 0\n",
                                             "carebus-notifications 1\n-1 2 0\n" };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                NotificationCount *count;

                assert_int_equal(file_replace(path, wrong[i], strlen(wrong[i]), 0600), 0);
                assert_int_equal(notification_count_open(path, &count), -EBADMSG);
        }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_numbers_go_up_by_one_and_over_a_restart),
                TEST(test_an_event_that_comes_again_has_the_number_that_it_had),
                TEST(test_one_that_is_long_gone_is_counted_anew_and_nothing_goes_back),
                TEST(test_what_is_no_such_file_is_not_gone_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
