/*
 * A line is put together on the stack and given away in one write under one lock; whoever reads too slowly loses lines, is
 * told how many, and never holds up the work. Each event has a bucket of tokens, so that a peer who makes the same mistake
 * ten thousand times a second does not push everything else out of the journal.
 *
 * journald is spoken to in its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram of NAME=value lines. libsystemd's
 * sender would wait for a journald that hangs.
 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#ifndef LOG_JOURNAL_SOCKET /* a test has its own */
#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"
#endif

#define LINE_SIZE 4000U    /* below PIPE_BUF: one write, whole or not at all */
#define MESSAGE_SIZE 2000U /* of a journal entry, whose fields need room too */
#define VALUE_SIZE 200U    /* bytes of a text, before it is escaped */
#define WHO_SIZE 72U
#define BURST 60
#define USEC_PER_TOKEN (USEC_PER_SEC / 2)

typedef struct Row {
        const char *name;
        const char *id;
        int level;
        const char *sentence;
} Row;

static const Row rows[_LOG_EVENT_MAX] = {
#define LOG_EVENT(event_name, event_id, event_level, event_sentence) \
        [LOG_##event_name] = { .name = #event_name, .id = event_id, .level = event_level, .sentence = event_sentence },
#include "base/log-events.h"
#undef LOG_EVENT
};

static const char *const level_names[] = { "emergency", "alert",  "critical", "error",
                                           "warning",   "notice", "info",     "debug" };

typedef struct Bucket {
        int64_t filled_at; /* when it had BURST tokens, or would have had */
        int64_t n_left_out;
} Bucket;

/* The log is the one thing of a process that everybody has at hand without being given it. */
static struct {
        pthread_mutex_t lock;
        atomic_int level;
        char program[WHO_SIZE];
        char instance[WHO_SIZE];
        bool is_journal; /* stderr goes there */
        int journal_fd;  /* native protocol, or -1 */
        int64_t n_lost;  /* lines that nobody took */
        Bucket buckets[_LOG_EVENT_MAX];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO, .program = "carebus", .journal_fd = -1 };

/* Text that ends where its room ends, between two characters. */
typedef struct Line {
        char text[LINE_SIZE];
        size_t size;
        size_t room;
} Line;

static void line_add(Line *line, const char *format, ...) _printf_(2, 3);
static void line_add(Line *line, const char *format, ...) {
        size_t left = line->room - line->size;
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(line->text + line->size, left, format, arguments);
        va_end(arguments);
        if (n > 0)
                line->size += MIN((size_t)n, left - 1);
        if (n > 0 && (size_t)n >= left)
                line->size = utf8_valid_prefix(line->text, line->size);
}

/* Cut between characters, escaped; on the heap. */
static char *value_text(const char *text) {
        size_t size = strnlen(text, VALUE_SIZE + 1);

        if (size > VALUE_SIZE) {
                size = VALUE_SIZE;
                while (size > 0 && ((uint8_t)text[size] & 0xc0) == 0x80)
                        size--;
        }
        return text_escaped(bytes_of(text, size));
}

static void line_add_lower(Line *line, const char *name) {
        for (; *name; name++)
                line_add(line, "%c", *name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
}

static void line_add_field(Line *line, const LogField *field) {
        _cleanup_(freep) char *value = NULL;

        line_add(line, " ");
        line_add_lower(line, field->name);
        if (field->is_number) {
                line_add(line, "=%lld", (long long)field->number);
                return;
        }
        value = value_text(field->text ? field->text : "-");
        if (!value)
                line_add(line, "=?");
        else if (!*value || strpbrk(value, " \"="))
                line_add(line, "=\"%s\"", value);
        else
                line_add(line, "=%s", value);
}

/* "sentence name=value ... event=NAME" */
static void line_add_message(Line *line, const Row *row, const LogField *fields) {
        line_add(line, "%s", row->sentence);
        for (const LogField *field = fields; field->name; field++)
                line_add_field(line, field);
        line_add(line, " event=%s", row->name);
}

static bool send_native(const Row *row, const LogField *fields) {
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = LOG_JOURNAL_SOCKET };
        Line line = { .room = MESSAGE_SIZE };

        line_add(&line, "MESSAGE=");
        line_add_message(&line, row, fields);
        line.room = LINE_SIZE;
        line_add(&line, "\nMESSAGE_ID=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nCAREBUS_EVENT=%s\n", row->id, row->level,
                 state.program, row->name);
        if (state.instance[0])
                line_add(&line, "CAREBUS_INSTANCE=%s\n", state.instance);
        for (const LogField *field = fields; field->name; field++) {
                _cleanup_(freep) char *value = NULL;
                size_t before = line.size;

                if (field->is_number) {
                        line_add(&line, "CAREBUS_%s=%lld\n", field->name, (long long)field->number);
                } else {
                        value = value_text(field->text ? field->text : "-");
                        line_add(&line, "CAREBUS_%s=%s\n", field->name, value ? value : "?");
                }
                /* A field that found no room is left out whole: without its line feed journald drops the datagram. */
                if (line.text[line.size - 1] != '\n')
                        line.size = before;
        }
        return sendto(state.journal_fd, line.text, line.size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address,
                      sizeof(address)) >= 0;
}

static bool send_plain(const Row *row, const LogField *fields) {
        struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
        Line line = { .room = LINE_SIZE - 1 }; /* and a line feed */
        char at[CIVIL_TEXT_SIZE];
        ssize_t n;

        if (state.is_journal) {
                line_add(&line, "<%d>", row->level);
        } else {
                civil_format(clock_now_at(&clock_system), at);
                line_add(&line, "%s %s%s%s%s %s: ", at, state.program, state.instance[0] ? "[" : "", state.instance,
                         state.instance[0] ? "]" : "", level_names[row->level]);
        }
        line_add_message(&line, row, fields);
        line.text[line.size++] = '\n';
        /* A pipe is ready when PIPE_BUF bytes fit. */
        if (poll(&ready, 1, 0) != 1 || (ready.revents & (POLLOUT | POLLERR | POLLNVAL)) != POLLOUT)
                return false;
        do
                n = write(STDERR_FILENO, line.text, line.size);
        while (n < 0 && errno == EINTR);
        return n >= 0;
}

static void send_line(LogEvent event, const LogField *fields) {
        const Row *row = &rows[event];
        bool sent = state.journal_fd >= 0 && send_native(row, fields);

        if (!sent)
                sent = send_plain(row, fields);
        if (!sent)
                state.n_lost++;
}

/* What was left out or lost until now is told before the next line. */
static void tell_left_out(LogEvent event) {
        Bucket *bucket = &state.buckets[event];
        int64_t n = bucket->n_left_out;

        if (n == 0)
                return;
        bucket->n_left_out = 0;
        send_line(LOG_LINES_LEFT_OUT,
                  (const LogField[]){ log_name("WHICH", rows[event].name), log_number("COUNT", n), { .name = NULL } });
}

static void tell_lost(void) {
        int64_t n = state.n_lost, lost_again;

        if (n == 0)
                return;
        state.n_lost = 0;
        send_line(LOG_LINES_LOST, (const LogField[]){ log_number("COUNT", n), { .name = NULL } });
        lost_again = state.n_lost;
        if (lost_again > 0)
                state.n_lost = n;
}

/* What happens once, and what stops the program, is always said. */
static bool is_limited(const Row *row) {
        return row->level > LOG_CRIT;
}

static bool take_token(LogEvent event, int64_t now) {
        Bucket *bucket = &state.buckets[event];

        if (bucket->filled_at < now - BURST * USEC_PER_TOKEN)
                bucket->filled_at = now - BURST * USEC_PER_TOKEN;
        if (bucket->filled_at + USEC_PER_TOKEN > now) {
                bucket->n_left_out++;
                return false;
        }
        bucket->filled_at += USEC_PER_TOKEN;
        return true;
}

/* Events that have come to rest since, or all of them when the program ends. */
static void tell_all_left_out(int64_t now, bool at_end) {
        for (int event = 0; event < _LOG_EVENT_MAX; event++)
                if (at_end || state.buckets[event].filled_at <= now - BURST * USEC_PER_TOKEN)
                        tell_left_out(event);
}

void log_write(LogEvent event, const LogField *fields) {
        int64_t now = clock_monotonic(&clock_system);

        if (event < 0 || event >= _LOG_EVENT_MAX || rows[event].level > atomic_load(&state.level))
                return;
        (void)pthread_mutex_lock(&state.lock);
        tell_lost();
        tell_all_left_out(now, event == LOG_STOPPED || event == LOG_FATAL);
        if (!is_limited(&rows[event]) || take_token(event, now)) {
                tell_left_out(event);
                send_line(event, fields);
        }
        (void)pthread_mutex_unlock(&state.lock);
}

LogField log_errno(int error) {
        const char *text = strerrordesc_np(error < 0 ? -error : error);

        return text ? log_name("ERRNO", text) : log_number("ERRNO", error);
}

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream that stdout or stderr was connected to. */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
               st.st_dev == (dev_t)device && st.st_ino == (ino_t)inode;
}

void log_start(const char *program, const char *instance) {
        (void)pthread_mutex_lock(&state.lock);
        (void)snprintf(state.program, sizeof(state.program), "%s", program);
        (void)snprintf(state.instance, sizeof(state.instance), "%s", instance ? instance : "");
        state.is_journal = stderr_is_journal();
        if (state.is_journal && state.journal_fd < 0)
                state.journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        (void)pthread_mutex_unlock(&state.lock);
}

void log_set_level(int level) {
        atomic_store(&state.level, MAX(LOG_CRIT, MIN(level, LOG_DEBUG)));
}
