/* One event is one line or one journal entry, harmless to whoever reads it, and never waits for the reader. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

static char folder[64];

static int enter_folder(void **state) {
        (void)snprintf(folder, sizeof(folder), "%s", "/tmp/carebus-log-XXXXXX");
        return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state) {
        (void)unlink("journal.socket");
        return chdir("/") == 0 ? rmdir(folder) : -1;
}

/* Runs `act` in a child whose stderr is a pipe, since a log is started once a process; gives back what it wrote. */
static char *stderr_of(void (*act)(void)) {
        Buffer all = BUFFER_NULL;
        int ends[2], status;
        pid_t pid;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                (void)dup2(ends[1], STDERR_FILENO);
                act();
                _exit(0);
        }
        close(ends[1]);
        for (;;) {
                uint8_t *place = buffer_reserve(&all, 65536);
                ssize_t n = read(ends[0], place, 65536);

                assert_true(n >= 0);
                if (n == 0)
                        break;
                buffer_advance(&all, (size_t)n);
        }
        close(ends[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        return buffer_steal_text(&all);
}

static size_t count_of(const char *text, const char *part) {
        size_t n = 0;

        for (; (text = strstr(text, part)); text += strlen(part))
                n++;
        return n;
}

static void say_one(void) {
        log_start("carebusd", "wester-care");
        log_event(LOG_STARTED, log_name("SOURCE", "hospital-pas"), log_number("COUNT", -3), log_errno(-ENOSPC));
}

static void test_plain_line_has_time_who_level_sentence_and_fields(void **state) {
        _cleanup_(freep) char *text = stderr_of(say_one);

        assert_int_equal(text[10], 'T');
        assert_non_null(strstr(text, "Z carebusd[wester-care] info: started source=hospital-pas count=-3 "
                                     "errno=\"No space left on device\" event=STARTED\n"));
        assert_int_equal(count_of(text, "\n"), 1);
}

static void say_hostile(void) {
        char large[5000];

        memset(large, 'x', sizeof(large) - 1);
        large[sizeof(large) - 1] = '\0';
        /* The two hundredth byte is in the middle of a character. */
        memcpy(large + 199, "\xc3\xa9", 2);
        log_start("carebus-mllp", NULL);
        log_event(LOG_STARTED, log_name("A", "two\nlines \x1b[2J"), log_name("B", NULL), log_name("C", ""),
                  log_name("D", "k=v"), log_name("F", "\" seq=7 event=STOPPED"), log_name("E", large));
}

static void test_value_stays_in_its_line_and_in_its_place(void **state) {
        _cleanup_(freep) char *text = stderr_of(say_hostile);
        char *e;

        assert_int_equal(count_of(text, "\n"), 1);
        assert_null(strchr(text, 0x1b));
        assert_non_null(strstr(text, "carebus-mllp info: started a=\"two\\x0alines \\x1b[2J\" b=- c=\"\" d=\"k=v\" "
                                     "f=\"\\x22 seq=7 event=STOPPED\" e=x"));
        e = strstr(text, " e=") + 3;
        assert_int_equal(strspn(e, "x"), 199);
        assert_int_equal(e[199], ' ');
}

static void say_many_fields(void) {
        char value[200];
        LogField fields[31];

        memset(value, '\x01', sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        for (int i = 0; i < 30; i++)
                fields[i] = log_name("FIELD", value);
        fields[30].name = NULL;
        log_start("carebusd", NULL);
        log_write(LOG_STARTED, fields);
}

static void test_line_is_never_longer_than_a_pipe_takes_at_once(void **state) {
        _cleanup_(freep) char *text = stderr_of(say_many_fields);

        assert_int_equal(count_of(text, "\n"), 1);
        assert_in_range(strlen(text), 3000, 4096);
        assert_int_equal(text[strlen(text) - 1], '\n');
}

static void say_below_level(void) {
        log_start("carebusd", NULL);
        log_set_level(LOG_WARNING);
        log_event(LOG_STARTED);
        log_event(LOG_PEER_REFUSED);
        log_set_level(0); /* what is critical cannot be switched off */
        log_event(LOG_PEER_REFUSED);
        log_event(LOG_FATAL);
        log_write(_LOG_EVENT_MAX, NULL);
}

static void test_level_holds_back_what_is_less(void **state) {
        _cleanup_(freep) char *text = stderr_of(say_below_level);

        assert_null(strstr(text, "event=STARTED"));
        assert_int_equal(count_of(text, "event=PEER_REFUSED"), 1);
        assert_int_equal(count_of(text, "event=FATAL"), 1);
}

static void flood(void) {
        log_start("carebusd", NULL);
        for (int i = 0; i < 1000; i++)
                log_event(LOG_STARTED, log_number("I", i));
        for (int i = 0; i < 100; i++)
                log_event(LOG_FATAL);
        log_event(LOG_STOPPED);
}

static void test_flood_of_one_event_is_counted_and_others_are_heard(void **state) {
        _cleanup_(freep) char *text = stderr_of(flood);
        size_t n = count_of(text, "event=STARTED"), left_out = 0;

        assert_in_range(n, 20, 25);
        assert_int_equal(count_of(text, "event=FATAL"), 100);
        assert_int_equal(count_of(text, "event=STOPPED"), 1);
        assert_non_null(
                strstr(text, "similar log lines were left out; no message was lost by that which=STARTED count="));
        for (const char *line = text; (line = strstr(line, "which=STARTED count=")); line++)
                left_out += strtoul(line + strlen("which=STARTED count="), NULL, 10);
        assert_int_equal(n + left_out, 1000);
}

static void flood_of_one_peer_alone(void) {
        log_start("carebusd", NULL);
        for (int i = 0; i < 1000; i++)
                log_event(LOG_PEER_REFUSED, log_name("PEER", "key:noisy"), log_name("REASON", "no-such-key"));
}

static void flood_of_one_peer(void) {
        flood_of_one_peer_alone();
        log_event(LOG_PEER_REFUSED, log_name("PEER", "key:quiet"), log_name("REASON", "no-such-key"));
        log_event(LOG_STOPPED);
}

static void test_flood_of_one_peer_hides_no_other_and_says_whose_lines_were_left_out(void **state) {
        _cleanup_(freep) char *text = stderr_of(flood_of_one_peer);

        assert_in_range(count_of(text, "peer=key:noisy reason=no-such-key event=PEER_REFUSED\n"), 20, 25);
        assert_int_equal(count_of(text, "peer=key:quiet reason=no-such-key event=PEER_REFUSED\n"), 1);
        assert_int_equal(count_of(text, "which=PEER_REFUSED count="), 1);
        assert_int_equal(count_of(text, " who=key:noisy event=LINES_LEFT_OUT\n"), 1);
}

static void flood_and_rest(void) {
        flood_of_one_peer_alone();
        log_tell(clock_monotonic(&clock_system));
        log_event(LOG_STARTED);
        log_tell(clock_monotonic(&clock_system) + 61 * USEC_PER_SEC);
        log_tell(clock_monotonic(&clock_system) + 3600 * USEC_PER_SEC);
}

static void test_what_was_left_out_is_told_within_a_minute_without_another_line(void **state) {
        _cleanup_(freep) char *text = stderr_of(flood_and_rest);
        const char *told = strstr(text, "event=LINES_LEFT_OUT\n");

        assert_int_equal(count_of(text, "event=LINES_LEFT_OUT\n"), 1);
        assert_true(told > strstr(text, "event=STARTED\n"));
}

static void *say_from_thread(void *owner) {
        for (int i = 0; i < 10; i++)
                log_event(LOG_FATAL, log_name("WORD", "abcdefghijklmnopqrstuvwxyz"));
        return NULL;
}

static void say_from_threads(void) {
        pthread_t threads[8];

        log_start("carebusd", NULL);
        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                if (pthread_create(&threads[i], NULL, say_from_thread, NULL) != 0)
                        _exit(1);
        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                (void)pthread_join(threads[i], NULL);
}

static void test_lines_of_threads_do_not_mix(void **state) {
        _cleanup_(freep) char *text = stderr_of(say_from_threads);

        assert_int_equal(count_of(text, " word=abcdefghijklmnopqrstuvwxyz event=FATAL\n"), 80);
        assert_int_equal(count_of(text, "\n"), 80);
}

static void test_reader_who_does_not_read_holds_nothing_up_and_is_told(void **state) {
        char drain[65536], tail[8192] = "";
        int ends[2], again[2], status;
        pid_t pid;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(pipe2(again, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                alarm(20); /* the child that waits for its reader dies of it */
                (void)dup2(ends[1], STDERR_FILENO);
                log_start("carebusd", NULL);
                for (int i = 0; i < 5000; i++)
                        log_event(LOG_FATAL, log_number("I", i));
                if (write(again[1], "", 1) != 1 || read(ends[0], drain, sizeof(drain)) <= 0)
                        _exit(1);
                log_event(LOG_STOPPED);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(read(ends[0], tail, sizeof(tail) - 1) > 0);
        assert_non_null(strstr(tail, "event=LINES_LOST"));
        assert_non_null(strstr(tail, "event=STOPPED"));
        for (int i = 0; i < 2; i++) {
                close(ends[i]);
                close(again[i]);
        }
}

/* In the child: stderr is what JOURNAL_STREAM says it is. */
static void start_at_journal(void) {
        char stream[64];
        struct stat st;

        if (fstat(STDERR_FILENO, &st) < 0)
                _exit(1);
        (void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
                       (unsigned long long)st.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
        log_start("carebusd", "wester-care");
}

static void say_to_journal(void) {
        start_at_journal();
        log_event(LOG_PEER_REFUSED, log_name("SOURCE", "a\nMESSAGE=forged"), log_number("SEQ", 12));
}

static int journal_listen(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "journal.socket" };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

/* A field of an entry as journald reads it: NAME=value, or NAME, the length and the value. Gives how often it is there; the last value in
 * `ret`. Fails where an entry is not whole. */
static size_t entry_field(const char *entry, size_t size, const char *name, char *ret, size_t room) {
        size_t n = 0;

        for (size_t i = 0; i < size;) {
                const size_t name_size = strcspn(entry + i, "=\n"), value = i + name_size + 1;
                const bool has_length = entry[i + name_size] == '\n';
                const size_t length = has_length ? (size_t)load_le64((const uint8_t *)entry + value)
                                                 : strcspn(entry + value, "\n"),
                             begin = value + (has_length ? 8 : 0);

                assert_true(name_size > 0 && begin + length < size && length < room);
                assert_int_equal(entry[begin + length], '\n');
                if (name_size == strlen(name) && strncmp(entry + i, name, name_size) == 0) {
                        memcpy(ret, entry + begin, length);
                        ret[length] = '\0';
                        n++;
                }
                i = begin + length + 1;
        }
        return n;
}

static void assert_field(const char *entry, size_t size, const char *name, const char *expected) {
        char value[4096] = "";

        assert_int_equal(entry_field(entry, size, name, value, sizeof(value)), 1);
        assert_string_equal(value, expected);
}

static void test_journal_gets_fields_when_stderr_is_its_stream(void **state) {
        _cleanup_(closep) int journal = journal_listen();
        _cleanup_(freep) char *text = stderr_of(say_to_journal);
        char entry[8192] = "", message[4096] = "";
        ssize_t n = recv(journal, entry, sizeof(entry) - 1, 0);

        assert_string_equal(text, "");
        assert_true(n > 0);
        assert_field(entry, (size_t)n, "MESSAGE_ID", "3dd956731c144b28a437df0af75a3ebe");
        assert_field(entry, (size_t)n, "PRIORITY", "4");
        assert_field(entry, (size_t)n, "SYSLOG_IDENTIFIER", "carebusd");
        assert_field(entry, (size_t)n, "CAREBUS_EVENT", "PEER_REFUSED");
        assert_field(entry, (size_t)n, "CAREBUS_INSTANCE", "wester-care");
        assert_field(entry, (size_t)n, "CAREBUS_SOURCE", "a\\x0aMESSAGE=forged");
        assert_field(entry, (size_t)n, "CAREBUS_SEQ", "12");
        assert_int_equal(entry_field(entry, (size_t)n, "MESSAGE", message, sizeof(message)), 1);
        assert_int_equal(strncmp(message, "a peer was refused at", 21), 0);
}

static const struct {
        const char *name, *id, *sentence;
        int level;
} table[] = {
#define LOG_EVENT(event_name, event_id, event_level, event_sentence) \
        { .name = #event_name, .id = event_id, .level = event_level, .sentence = event_sentence },
#include "base/log-events.h"
#undef LOG_EVENT
};

static LogEvent row_to_say;

static void say_row_to_journal(void) {
        start_at_journal();
        log_event(row_to_say, log_name("SOURCE", "hospital-pas"));
}

static void test_every_row_comes_to_the_journal_with_its_id_its_level_and_its_words(void **state) {
        _cleanup_(closep) int journal = journal_listen();

        for (row_to_say = 0; row_to_say < _LOG_EVENT_MAX; row_to_say++) {
                _cleanup_(freep) char *text = stderr_of(say_row_to_journal);
                char entry[8192] = "", message[4096] = "";
                ssize_t n = recv(journal, entry, sizeof(entry) - 1, 0);

                assert_string_equal(text, "");
                assert_true(n > 0);
                assert_field(entry, (size_t)n, "MESSAGE_ID", table[row_to_say].id);
                assert_field(entry, (size_t)n, "PRIORITY", (char[]){ (char)('0' + table[row_to_say].level), '\0' });
                assert_field(entry, (size_t)n, "CAREBUS_SOURCE", "hospital-pas");
                assert_int_equal(entry_field(entry, (size_t)n, "MESSAGE", message, sizeof(message)), 1);
                assert_int_equal(strncmp(message, table[row_to_say].sentence, strlen(table[row_to_say].sentence)), 0);
        }
}

/* What turns the order of letters round, hides others, or sets a terminal's title. */
static void say_what_misleads(void) {
        start_at_journal();
        log_event(LOG_PEER_REFUSED,
                  log_name("PEER", "a\xe2\x80\xae"
                                   "b\xe2\x81\xa6"
                                   "c\x1b]0;x\x07\x7f\xc2\x9b\xff"),
                  log_name("REASON", "line\r\nPRIORITY=0\nCAREBUS_SOURCE=other"));
}

static void test_controls_and_what_turns_text_round_are_escaped_in_every_field(void **state) {
        _cleanup_(closep) int journal = journal_listen();
        _cleanup_(freep) char *text = stderr_of(say_what_misleads);
        char entry[8192] = "";
        ssize_t n = recv(journal, entry, sizeof(entry) - 1, 0);

        assert_string_equal(text, "");
        assert_true(n > 0);
        assert_field(entry, (size_t)n, "CAREBUS_PEER", "a\\u{202e}b\\u{2066}c\\x1b]0;x\\x07\\x7f\\u{009b}\\xff");
        assert_field(entry, (size_t)n, "CAREBUS_REASON", "line\\x0d\\x0aPRIORITY=0\\x0aCAREBUS_SOURCE=other");
        assert_field(entry, (size_t)n, "PRIORITY", "4");
        assert_null(memmem(entry, (size_t)n, "\x1b", 1));
        assert_null(memmem(entry, (size_t)n, "\xe2\x80\xae", 3));
}

static void say_much_to_journal(void) {
        start_at_journal();
        say_many_fields();
}

static void test_journal_entry_that_is_too_long_keeps_whole_fields(void **state) {
        _cleanup_(closep) int journal = journal_listen();
        _cleanup_(freep) char *text = stderr_of(say_much_to_journal);
        char entry[8192] = "", value[4096];
        ssize_t n = recv(journal, entry, sizeof(entry) - 1, 0);

        assert_string_equal(text, "");
        assert_true(n > 0);
        assert_int_equal(entry[n - 1], '\n');
        assert_int_equal(entry_field(entry, (size_t)n, "MESSAGE_ID", value, sizeof(value)), 1);
        assert_true(entry_field(entry, (size_t)n, "CAREBUS_FIELD", value, sizeof(value)) >= 1);
}

static void test_journal_that_does_not_listen_is_replaced_by_stderr_with_a_level(void **state) {
        _cleanup_(freep) char *text = stderr_of(say_to_journal);

        assert_int_equal(strncmp(text, "<4>a peer was refused at", 24), 0);
        assert_int_equal(count_of(text, "\n"), 1);
}

/* The pipe is full as well, nobody reads it: the work goes on, and what was said last stands in the file. */
static void say_to_nobody(void) {
        char filler[4096] = "";
        int ends[2];

        alarm(20); /* who waits for a reader dies of it */
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
                _exit(1);
        while (write(ends[1], filler, sizeof(filler)) > 0)
                continue;
        start_at_journal();
        if (log_keep_last_words("last-words") < 0)
                _exit(2);
        for (int i = 0; i < 100; i++)
                log_event(LOG_FATAL, log_number("SEQ", i));
        if (log_line_counts().lost != 100 || log_line_counts().written != 0)
                _exit(3);
}

static char *file_text(const char *path, size_t *ret_size) {
        char *text = calloc(1, 1 << 17);
        FILE *file = fopen(path, "re");

        assert_non_null(text);
        assert_non_null(file);
        *ret_size = fread(text, 1, (1 << 17) - 1, file);
        (void)fclose(file);
        return text;
}

static void test_last_words_stand_in_a_file_of_fixed_size_where_nobody_takes_a_line(void **state) {
        _cleanup_(freep) char *words = NULL;
        size_t size;

        free(stderr_of(say_to_nobody));
        words = file_text("last-words", &size);
        assert_int_equal(size, 65536);
        assert_int_equal(count_of(words, "\n"), 64);
        assert_non_null(strstr(words, "Z carebusd[wester-care] critical: cannot go on seq=99 event=FATAL "));
        /* What cannot be told of the lines before takes no place from the lines themselves. */
        assert_int_equal(count_of(words, " event=FATAL "), 64);
        assert_non_null(strstr(words, " seq=36 "));
        assert_null(strstr(words, " seq=35 "));
        (void)unlink("last-words");
}

/* As journald that is stopped: its queue takes a few datagrams and then no more. */
static void say_until_full(void) {
        alarm(20);
        start_at_journal();
        for (int i = 0; i < 2000; i++)
                log_event(LOG_FATAL, log_number("SEQ", i));
}

static void test_journal_that_is_full_holds_nothing_up(void **state) {
        _cleanup_(closep) int journal = journal_listen();
        _cleanup_(freep) char *text = stderr_of(say_until_full);
        char entry[8192];
        size_t n = 0;

        while (recv(journal, entry, sizeof(entry), 0) > 0)
                n++;
        assert_in_range(n, 1, 1999);
        /* The others came by way of stderr. */
        assert_int_equal(n + count_of(text, "<2>cannot go on"), 2000);
}

static void say_while_it_goes_away(void) {
        int journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "journal.socket" };
        char entry[8192];

        if (bind(journal, (struct sockaddr *)&address, sizeof(address)) < 0)
                _exit(1);
        start_at_journal();
        log_event(LOG_FATAL, log_number("SEQ", 1));
        if (recv(journal, entry, sizeof(entry), 0) <= 0)
                _exit(2);
        (void)close(journal);
        log_event(LOG_FATAL, log_number("SEQ", 2));
        (void)unlink("journal.socket");
        log_event(LOG_FATAL, log_number("SEQ", 3));
        journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (bind(journal, (struct sockaddr *)&address, sizeof(address)) < 0)
                _exit(3);
        log_event(LOG_FATAL, log_number("SEQ", 4));
        if (recv(journal, entry, sizeof(entry), 0) <= 0)
                _exit(4);
}

static void test_journal_that_is_restarted_is_spoken_to_again(void **state) {
        _cleanup_(freep) char *text = stderr_of(say_while_it_goes_away);

        assert_int_equal(count_of(text, "\n"), 2);
        assert_non_null(strstr(text, "<2>cannot go on seq=2 "));
        assert_non_null(strstr(text, "<2>cannot go on seq=3 "));
}

static void say_with_foreign_stream(void) {
        setenv("JOURNAL_STREAM", "1:1", 1);
        log_start("carebusd", NULL);
        log_event(LOG_STARTED);
}

static void test_stream_of_somebody_else_is_not_taken_for_ours(void **state) {
        _cleanup_(closep) int journal = journal_listen();
        _cleanup_(freep) char *text = stderr_of(say_with_foreign_stream);
        char entry[64];

        assert_non_null(strstr(text, "event=STARTED"));
        assert_true(recv(journal, entry, sizeof(entry), 0) < 0);
}

static void test_every_event_has_an_id_of_its_own_a_level_and_a_sentence(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                if (strlen(table[i].id) != 32 || strspn(table[i].id, "0123456789abcdef") != 32)
                        fail_msg("%s: the id is not 32 hex digits", table[i].name);
                if (table[i].level < LOG_CRIT || table[i].level > LOG_DEBUG || strlen(table[i].sentence) < 4 ||
                    strpbrk(table[i].sentence, "\n%"))
                        fail_msg("%s: level or sentence", table[i].name);
                for (size_t k = 0; k < i; k++)
                        if (strcmp(table[i].id, table[k].id) == 0)
                                fail_msg("%s and %s have the same id", table[i].name, table[k].name);
        }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain_line_has_time_who_level_sentence_and_fields),
                cmocka_unit_test(test_value_stays_in_its_line_and_in_its_place),
                cmocka_unit_test(test_line_is_never_longer_than_a_pipe_takes_at_once),
                cmocka_unit_test(test_level_holds_back_what_is_less),
                cmocka_unit_test(test_flood_of_one_event_is_counted_and_others_are_heard),
                cmocka_unit_test(test_flood_of_one_peer_hides_no_other_and_says_whose_lines_were_left_out),
                cmocka_unit_test(test_what_was_left_out_is_told_within_a_minute_without_another_line),
                cmocka_unit_test(test_lines_of_threads_do_not_mix),
                cmocka_unit_test(test_reader_who_does_not_read_holds_nothing_up_and_is_told),
                IN_FOLDER(test_journal_gets_fields_when_stderr_is_its_stream),
                IN_FOLDER(test_every_row_comes_to_the_journal_with_its_id_its_level_and_its_words),
                IN_FOLDER(test_journal_entry_that_is_too_long_keeps_whole_fields),
                IN_FOLDER(test_journal_that_does_not_listen_is_replaced_by_stderr_with_a_level),
                IN_FOLDER(test_controls_and_what_turns_text_round_are_escaped_in_every_field),
                IN_FOLDER(test_last_words_stand_in_a_file_of_fixed_size_where_nobody_takes_a_line),
                IN_FOLDER(test_journal_that_is_full_holds_nothing_up),
                IN_FOLDER(test_journal_that_is_restarted_is_spoken_to_again),
                IN_FOLDER(test_stream_of_somebody_else_is_not_taken_for_ours),
                cmocka_unit_test(test_every_event_has_an_id_of_its_own_a_level_and_a_sentence),
        };
        return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
