/*
 * A line is put together on the stack and given away in one write under one lock; whoever reads too slowly loses lines, is
 * told how many, and never holds up the work. What nobody took stands in a small file of last words, if there is one.
 *
 * journald is spoken to in its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), with the length in front of each text, so that nothing in
 * a text can begin a field. libsystemd's sender would wait for a journald that hangs.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log-limit.h"
#include "base/text.h"

#ifndef LOG_JOURNAL_SOCKET /* a test has its own */
#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"
#endif

#define LINE_SIZE 4000U    /* below PIPE_BUF: one write, whole or not at all */
#define MESSAGE_SIZE 2000U /* of a journal entry, whose fields need room too */
#define VALUE_SIZE 200U    /* bytes of a text, before it is escaped */
#define WHO_SIZE 72U
#define LAST_WORDS_SIZE 1024U /* of one line, with its line feed */
#define LAST_WORDS_LINES 64U

typedef struct Row {
        const char *name;
        const char *id;
        int level;
        const char *sentence;
} Row;

enum {
#define LOG_FIELD(field_name, field_whose, field_meaning) LOG_FIELD_##field_name,
#include "base/log-fields.h"
#undef LOG_FIELD
};

static const Row rows[_LOG_EVENT_MAX] = {
#define LOG_EVENT(event_name, event_id, event_level, event_sentence) \
        [LOG_##event_name] = { .name = #event_name, .id = event_id, .level = event_level, .sentence = event_sentence },
#include "base/log-events.h"
#undef LOG_EVENT
};

static const char *const level_names[] = { "emergency", "alert",  "critical", "error",
                                           "warning",   "notice", "info",     "debug" };

/* Fields by which lines are counted apart. */
static const char *const whose_names[] = {
#define LOG_FIELD(field_name, field_whose, field_meaning) [LOG_FIELD_##field_name] = (field_whose) ? #field_name : NULL,
#include "base/log-fields.h"
#undef LOG_FIELD
};

/* The log is the one thing of a process that everybody has at hand without being given it. */
static struct {
        pthread_mutex_t lock;
        atomic_int level;
        char program[WHO_SIZE];
        char instance[WHO_SIZE];
        bool is_journal; /* stderr goes there */
        int journal_fd;  /* native protocol, or -1 */
        int64_t n_lost;  /* lines that nobody took, and nobody was told of */
        LogCounts counts;
        char *last_words; /* mapped; NULL: none */
        uint64_t n_last_words;
        LogLimits limits;
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

/* A quotation mark within would end the value for whoever reads it, and what is behind it would be fields. */
static void line_add_quoted(Line *line, const char *value) {
        line_add(line, "=\"");
        for (; *value; value++)
                if (*value == '"')
                        line_add(line, "\\x22");
                else
                        line_add(line, "%c", *value);
        line_add(line, "\"");
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
                line_add_quoted(line, value);
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

/* NAME, line feed, length in eight bytes, text, line feed. False, and nothing is added, where it finds no room. */
static bool line_add_text_field(Line *line, const char *prefix, const char *name, const char *text) {
        const size_t size = strlen(text), head = strlen(prefix) + strlen(name) + 1 + sizeof(uint64_t);

        if (line->room - line->size < head + size + 2)
                return false;
        line->size += (size_t)snprintf(line->text + line->size, line->room - line->size, "%s%s\n", prefix, name);
        store_le64((uint8_t *)line->text + line->size, size);
        memcpy(line->text + line->size + sizeof(uint64_t), text, size);
        line->size += sizeof(uint64_t) + size;
        line->text[line->size++] = '\n';
        return true;
}

static void line_add_native(Line *line, const LogField *field) {
        _cleanup_(freep) char *value = NULL;
        char number[32];

        if (field->is_number)
                (void)snprintf(number, sizeof(number), "%lld", (long long)field->number);
        else
                value = value_text(field->text ? field->text : "-");
        (void)line_add_text_field(line, "CAREBUS_", field->name, field->is_number ? number : value ? value : "?");
}

static bool send_native(const Row *row, const LogField *fields) {
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = LOG_JOURNAL_SOCKET };
        Line message = { .room = MESSAGE_SIZE }, line = { .room = LINE_SIZE };

        line_add_message(&message, row, fields);
        line_add(&line, "MESSAGE_ID=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nCAREBUS_EVENT=%s\n", row->id, row->level,
                 state.program, row->name);
        (void)line_add_text_field(&line, "", "MESSAGE", message.text);
        if (state.instance[0])
                (void)line_add_text_field(&line, "CAREBUS_", "INSTANCE", state.instance);
        for (const LogField *field = fields; field->name; field++)
                line_add_native(&line, field);
        return sendto(state.journal_fd, line.text, line.size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address,
                      sizeof(address)) >= 0;
}

static void line_add_who(Line *line, const Row *row) {
        char at[CIVIL_TEXT_SIZE];

        civil_format(clock_now_at(&clock_system), at);
        line_add(line, "%s %s%s%s%s %s: ", at, state.program, state.instance[0] ? "[" : "", state.instance,
                 state.instance[0] ? "]" : "", level_names[row->level]);
}

/* Nobody reads what we say: the newest lines stay in memory that the kernel writes to a file by itself, whatever becomes of us. */
static void keep_last_words(const Row *row, const LogField *fields) {
        Line line = { .room = LAST_WORDS_SIZE };
        char *place;

        if (!state.last_words)
                return;
        line_add_who(&line, row);
        line_add_message(&line, row, fields);
        place = state.last_words + state.n_last_words++ % LAST_WORDS_LINES * LAST_WORDS_SIZE;
        memset(place, ' ', LAST_WORDS_SIZE);
        memcpy(place, line.text, line.size);
        place[LAST_WORDS_SIZE - 1] = '\n';
}

static bool send_plain(const Row *row, const LogField *fields) {
        struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
        Line line = { .room = LINE_SIZE - 1 }; /* and a line feed */
        ssize_t n;

        if (state.is_journal)
                line_add(&line, "<%d>", row->level);
        else
                line_add_who(&line, row);
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

static bool try_to_send(LogEvent event, const LogField *fields) {
        const Row *row = &rows[event];
        bool sent = state.journal_fd >= 0 && send_native(row, fields);

        if (!sent)
                sent = send_plain(row, fields);
        state.counts.written += sent;
        return sent;
}

static void send_line(LogEvent event, const LogField *fields) {
        if (try_to_send(event, fields))
                return;
        state.counts.lost++;
        state.n_lost++;
        keep_last_words(&rows[event], fields);
}

/* What was left out until now is told when it is due; at the end, all of it. */
static void tell_left_out(int64_t now, bool at_end) {
        LogBucket bucket;

        while (log_limits_untold(&state.limits, now, at_end, &bucket)) {
                const LogField count = log_number("COUNT", bucket.n_left_out),
                               whose = bucket.text[0] ? log_name("WHO", bucket.text) : (LogField){ .name = NULL };

                send_line(LOG_LINES_LEFT_OUT,
                          (const LogField[]){
                                  log_name("WHICH", rows[bucket.event].name), count, whose, { .name = NULL } });
        }
}

/* Where nobody takes this either, it is neither lost nor among the last words: it comes again before the next line. */
static void tell_lost(void) {
        if (state.n_lost > 0 &&
            try_to_send(LOG_LINES_LOST, (const LogField[]){ log_number("COUNT", state.n_lost), { .name = NULL } }))
                state.n_lost = 0;
}

/* What happens once, and what stops the program, is always said. */
static bool is_limited(const Row *row) {
        return row->level > LOG_CRIT;
}

static bool is_whose(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(whose_names); i++)
                if (whose_names[i] && strcmp(whose_names[i], name) == 0)
                        return true;
        return false;
}

/* Whom the line is about: "hospital-pas 192.0.2.7:2575"; "" where nobody. */
static void whose_text(const LogField *fields, char ret[LOG_WHO_SIZE]) {
        size_t size = 0;

        ret[0] = '\0';
        for (; fields->name; fields++)
                if (!fields->is_number && fields->text && size < LOG_WHO_SIZE && is_whose(fields->name))
                        size += (size_t)snprintf(ret + size, LOG_WHO_SIZE - size, "%s%s", size ? " " : "",
                                                 fields->text);
}

void log_write(LogEvent event, const LogField *fields) {
        int64_t now = clock_monotonic(&clock_system);
        char who[LOG_WHO_SIZE];

        if (event < 0 || event >= _LOG_EVENT_MAX || rows[event].level > atomic_load(&state.level))
                return;
        whose_text(fields, who);
        (void)pthread_mutex_lock(&state.lock);
        tell_lost();
        tell_left_out(now, event == LOG_STOPPED || event == LOG_FATAL);
        if (!is_limited(&rows[event]) || log_limits_take(&state.limits, event, who, now))
                send_line(event, fields);
        else
                state.counts.left_out++;
        (void)pthread_mutex_unlock(&state.lock);
}

void log_tell(int64_t now) {
        (void)pthread_mutex_lock(&state.lock);
        tell_lost();
        tell_left_out(now, /* at_end= */ false);
        (void)pthread_mutex_unlock(&state.lock);
}

LogCounts log_line_counts(void) {
        LogCounts counts;

        (void)pthread_mutex_lock(&state.lock);
        counts = state.counts;
        (void)pthread_mutex_unlock(&state.lock);
        return counts;
}

int log_keep_last_words(const char *path) {
        const size_t size = (size_t)LAST_WORDS_LINES * LAST_WORDS_SIZE;
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        char *map;
        int r;

        if (fd < 0)
                return -errno;
        r = posix_fallocate(fd, 0, (off_t)size);
        if (r != 0)
                return -r;
        map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (map == MAP_FAILED)
                return -errno;
        (void)pthread_mutex_lock(&state.lock);
        if (state.last_words)
                (void)munmap(state.last_words, size);
        state.last_words = map;
        (void)pthread_mutex_unlock(&state.lock);
        return 0;
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
