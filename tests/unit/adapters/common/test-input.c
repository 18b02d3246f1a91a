/* Lines of events that a person hands in: each is used by itself, and what is wrong is said of the line that an editor shows. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/common/input.h"
#include "base/cleanup.h"
#include "base/error.h"

typedef struct Used {
        char text[256]; /* LINE.PLACE=TYPE */
        const char *fails;
        int error;
} Used;

static int use(void *owner, Carebus__V1__Event *event, size_t line, size_t place) {
        Used *used = owner;
        size_t size = strlen(used->text);

        snprintf(used->text + size, sizeof(used->text) - size, "%zu.%zu=%s ", line, place, event->type);
        return used->fails && strcmp(event->type, used->fails) == 0 ? used->error : 0;
}

static int read_events(const char *content, Used *used) {
        char path[] = "/tmp/carebus-input-XXXXXX";
        int r, fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, content, strlen(content)), strlen(content));
        close(fd);
        r = input_events("test", path, use, used);
        unlink(path);
        return r;
}

static void test_events_come_in_order_with_the_line_that_an_editor_shows(void **state) {
        Used used = { 0 };

        (void)state;
        assert_int_equal(read_events("\n{\"events\":[{\"type\":\"a\"},{\"type\":\"b\"}]}\r\n \t\r\n\n{\"events\":[]}\n"
                                     "{\"type\":\"c\"}",
                                     &used),
                         EXIT_DONE);
        assert_string_equal(used.text, "2.1=a 2.2=b 6.1=c ");
}

static void test_a_line_that_is_none_is_passed_over_and_told(void **state) {
        Used used = { 0 };

        (void)state;
        assert_int_equal(read_events("no line\n{\"type\":\"a\"}\n", &used), EXIT_BAD_INPUT);
        assert_string_equal(used.text, "2.1=a ");
}

static void test_what_cannot_be_used_ends_its_line_and_no_other(void **state) {
        Used used = { .fails = "a", .error = -ENOBUFS };

        (void)state;
        assert_int_equal(read_events("{\"events\":[{\"type\":\"a\"},{\"type\":\"b\"}]}\n{\"type\":\"c\"}\n", &used),
                         EXIT_SOFTWARE);
        assert_string_equal(used.text, "1.1=a 2.1=c ");
}

static void test_a_file_of_nothing_is_no_mistake_and_one_that_is_not_there_is(void **state) {
        Used used = { 0 };

        (void)state;
        assert_int_equal(read_events("", &used), EXIT_DONE);
        assert_int_equal(input_events("test", "/nonexistent/events.json", use, &used), EXIT_BAD_INPUT);
        assert_string_equal(used.text, "");
}

static void test_no_more_is_read_than_is_allowed(void **state) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;

        (void)state;
        assert_int_equal(input_read("test", "/dev/zero", 1 << 16, &content), EXIT_BAD_INPUT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_events_come_in_order_with_the_line_that_an_editor_shows),
                cmocka_unit_test(test_a_line_that_is_none_is_passed_over_and_told),
                cmocka_unit_test(test_what_cannot_be_used_ends_its_line_and_no_other),
                cmocka_unit_test(test_a_file_of_nothing_is_no_mistake_and_one_that_is_not_there_is),
                cmocka_unit_test(test_no_more_is_read_than_is_allowed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
