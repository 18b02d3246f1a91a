/*
 * Load over MLLP, as hospital systems make it: connections that each wait for an acknowledgement before the next message.
 *
 * Closed loop: the next message goes out when the answer is there; says what the bus can do. Open loop (--rate): messages
 * fall due at a fixed rate whatever the bus does, and one's latency counts from when it was due, not from when a
 * connection was free to send it: a stall costs all that should have been sent meanwhile.
 *
 * Every answer is held to be that of its message (MSA-2 against MSH-10); one that is not ends the run with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "bench/histogram.h"
#include "bench/messages.h"
#include "bench/tool.h"

#define START_BLOCK 0x0b
#define END_BLOCK 0x1c
#define READ_SIZE (64u << 10)
#define SILENCE_MAX UINT64_C(20000000000) /* no answer for that long: the run is over */

typedef struct Waiting {
        uint64_t number, due;
} Waiting;

typedef struct Link {
        int fd;
        Buffer in, out;
        Waiting *waiting; /* a ring of `in_flight`: answers come in order */
        uint64_t first, next;
        uint32_t events; /* what epoll watches */
} Link;

static uint64_t arg_port = 2575, arg_connections = 1, arg_in_flight = 1, arg_seconds = 5, arg_count, arg_rate;
static uint64_t arg_size = 1024, arg_persons = 10000, arg_warm_up_ms, arg_first, arg_core = UINT64_MAX;
static const char *arg_prefix = "B";

static const ToolOption options[] = {
        { "port", &arg_port, NULL, "of 127.0.0.1 (2575)" },
        { "connections", &arg_connections, NULL, "how many (1)" },
        { "in-flight", &arg_in_flight, NULL, "messages of a connection without an answer (1)" },
        { "seconds", &arg_seconds, NULL, "how long (5)" },
        { "count", &arg_count, NULL, "or how many messages (0: by time)" },
        { "rate", &arg_rate, NULL, "messages a second, due whatever the bus does (0: closed loop)" },
        { "size", &arg_size, NULL, "of a message in bytes (1024)" },
        { "persons", &arg_persons, NULL, "whom the messages are about (10000)" },
        { "warm-up-ms", &arg_warm_up_ms, NULL, "not counted, at the beginning (0)" },
        { "first", &arg_first, NULL, "number of the first message (0)" },
        { "core", &arg_core, NULL, "to stay on (any)" },
        { "prefix", NULL, &arg_prefix, "of MSH-10: another for each run (B)" },
        { NULL, NULL, NULL, NULL },
};

typedef struct Load {
        AdtMessages messages;
        Link *links;
        Histogram latency;
        int epoll;
        uint64_t began, counted_from, ends; /* monotonic, nanoseconds */
        uint64_t next, last;                /* numbers; `last` is the one behind the last */
        uint64_t next_link;
        uint64_t n_sent, n_answered, n_counted, n_accepted, n_later, n_never, n_other;
        uint64_t last_answer, last_counted;
} Load;

/* ---- answers ---- */

/* Fields 1 and 2 of MSA, wherever it stands. */
static bool find_msa(Bytes frame, Bytes *ret_code, Bytes *ret_id) {
        const uint8_t *end = frame.data + frame.size, *at = memmem(frame.data, frame.size, "\rMSA|", 5);
        const uint8_t *bar, *stop;

        if (!at)
                return false;
        at += 5;
        bar = memchr(at, '|', (size_t)(end - at));
        if (!bar)
                return false;
        stop = bar + 1;
        while (stop < end && *stop != '|' && *stop != '\r')
                stop++;
        *ret_code = bytes_of(at, (size_t)(bar - at));
        *ret_id = bytes_of(bar + 1, (size_t)(stop - bar - 1));
        return true;
}

static void count_code(Load *load, Bytes code) {
        if (code.size != 2)
                load->n_other++;
        else if (code.data[1] == 'A')
                load->n_accepted++;
        else if (code.data[1] == 'E')
                load->n_later++;
        else if (code.data[1] == 'R')
                load->n_never++;
        else
                load->n_other++;
}

static void take_answer(Load *load, Link *link, Bytes frame) {
        char wanted[MESSAGES_PREFIX_SIZE + 16];
        Bytes code, id;
        Waiting *waiting;
        uint64_t now = tool_now();

        if (link->first == link->next)
                tool_die("an answer to nothing");
        waiting = &link->waiting[link->first++ % arg_in_flight];
        adt_control_id(arg_prefix, waiting->number, wanted);
        if (!find_msa(frame, &code, &id))
                tool_die("an answer without MSA");
        if (!bytes_equal_text(id, wanted))
                tool_die("an answer that is not that of %s", wanted);
        load->n_answered++;
        load->last_answer = now;
        count_code(load, code);
        if (waiting->due >= load->counted_from) {
                load->n_counted++;
                load->last_counted = now;
                histogram_add(&load->latency, now - waiting->due);
        }
}

static void take_frames(Load *load, Link *link) {
        size_t used = 0;

        for (;;) {
                const uint8_t *from = link->in.data + used, *end;
                size_t left = link->in.size - used;

                end = left > 2 ? memmem(from, left, "\x1c\r", 2) : NULL;
                if (!end)
                        break;
                if (*from != START_BLOCK)
                        tool_die("an answer does not begin with its start block");
                take_answer(load, link, bytes_of(from + 1, (size_t)(end - from - 1)));
                used += (size_t)(end - from) + 2;
        }
        buffer_consume(&link->in, used);
}

static void read_answers(Load *load, Link *link) {
        uint8_t *room = buffer_reserve(&link->in, READ_SIZE);
        ssize_t n;

        if (!room)
                tool_die("no memory");
        n = read(link->fd, room, READ_SIZE);
        if (n == 0)
                tool_die("the other side closed the connection after %" PRIu64 " answers", load->n_answered);
        if (n < 0 && errno != EAGAIN)
                tool_die("cannot read: %m");
        if (n > 0) {
                buffer_advance(&link->in, (size_t)n);
                take_frames(load, link);
        }
}

/* ---- messages ---- */

static void flush(Load *load, Link *link) {
        uint32_t events = EPOLLIN;

        while (link->out.size > 0) {
                ssize_t n = send(link->fd, link->out.data, link->out.size, MSG_NOSIGNAL);

                if (n < 0 && errno == EAGAIN) {
                        events |= EPOLLOUT;
                        break;
                }
                if (n < 0)
                        tool_die("cannot write: %m");
                buffer_consume(&link->out, (size_t)n);
        }
        if (events != link->events) {
                struct epoll_event event = { .events = events, .data.ptr = link };

                if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, link->fd, &event) < 0)
                        tool_die("cannot watch a connection: %m");
                link->events = events;
        }
}

static void put_message(Load *load, Link *link, uint64_t due) {
        uint64_t number = load->next++;
        uint8_t *room = buffer_reserve(&link->out, load->messages.max_size + 3);
        size_t size;

        if (!room)
                tool_die("no memory");
        room[0] = START_BLOCK;
        size = adt_render(&load->messages, number, room + 1);
        room[size + 1] = END_BLOCK;
        room[size + 2] = '\r';
        buffer_advance(&link->out, size + 3);
        link->waiting[link->next++ % arg_in_flight] = (Waiting){ .number = number, .due = due };
        load->n_sent++;
}

static bool has_room(const Link *link) {
        return link->next - link->first < arg_in_flight;
}

static bool has_more(const Load *load, uint64_t now) {
        return load->next < load->last && now < load->ends;
}

static void fill_closed(Load *load, Link *link) {
        uint64_t now = tool_now();

        /* A buffer's worth at a time: what is pipelined deeply is not rendered far ahead of the socket. */
        do {
                while (has_room(link) && has_more(load, now) && link->out.size < READ_SIZE)
                        put_message(load, link, now);
                flush(load, link);
        } while (link->out.size == 0 && has_room(link) && has_more(load, now));
}

/* Whatever is due goes to the next connection with room; when none has any, it stays due. */
static void fill_open(Load *load) {
        uint64_t now = tool_now();

        for (;;) {
                uint64_t due = load->began + (load->next - arg_first) * UINT64_C(1000000000) / arg_rate, tried = 0;
                Link *link = NULL;

                if (due > now || due >= load->ends || load->next >= load->last)
                        return;
                while (tried++ < arg_connections && !link) {
                        link = &load->links[load->next_link++ % arg_connections];
                        link = has_room(link) ? link : NULL;
                }
                if (!link)
                        return;
                put_message(load, link, due);
                flush(load, link);
        }
}

/* ---- the run ---- */

static void open_link(Load *load, Link *link) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)arg_port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };
        const int on = 1;

        link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        link->events = EPOLLIN;
        link->waiting = calloc(arg_in_flight, sizeof(Waiting));
        if (link->fd < 0 || !link->waiting)
                tool_die("cannot make a connection: %m");
        if (connect(link->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                tool_die("nobody listens at 127.0.0.1:%" PRIu64 ": %m", arg_port);
        if (setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
            fcntl(link->fd, F_SETFL, O_NONBLOCK) < 0 || epoll_ctl(load->epoll, EPOLL_CTL_ADD, link->fd, &event) < 0)
                tool_die("cannot set up a connection: %m");
}

/* Milliseconds are too coarse to wait for what is due: a timer wakes the loop. */
static void set_timer(const Load *load, int timer) {
        uint64_t due = load->began + (load->next - arg_first) * UINT64_C(1000000000) / arg_rate;
        struct itimerspec at = { 0 };

        /* What is due already waits for room: an answer wakes us. */
        if (due > tool_now())
                at.it_value = (struct timespec){ .tv_sec = (time_t)(due / 1000000000u),
                                                 .tv_nsec = (long)(due % 1000000000u) };
        if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) < 0)
                tool_die("cannot set a timer: %m");
}

static void handle(Load *load, Link *link, uint32_t revents) {
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
                read_answers(load, link);
        if (arg_rate == 0)
                fill_closed(load, link);
        else
                flush(load, link);
}

static void run(Load *load, int timer) {
        struct epoll_event events[64];

        for (uint64_t i = 0; arg_rate == 0 && i < arg_connections; i++)
                fill_closed(load, &load->links[i]);
        for (;;) {
                uint64_t now = tool_now();
                int n;

                if (arg_rate > 0) {
                        fill_open(load);
                        set_timer(load, timer);
                }
                if (load->n_sent == load->n_answered && !has_more(load, now))
                        return;
                if (load->n_sent > load->n_answered && now > MAX(load->last_answer, load->began) + SILENCE_MAX)
                        tool_die("no answer for 20 s; %" PRIu64 " of %" PRIu64 " are answered", load->n_answered,
                                 load->n_sent);
                n = epoll_wait(load->epoll, events, 64, 100);
                if (n < 0 && errno != EINTR)
                        tool_die("cannot wait: %m");
                for (int i = 0; i < n; i++) {
                        uint64_t ticks;

                        if (events[i].data.ptr)
                                handle(load, events[i].data.ptr, events[i].events);
                        else if (read(timer, &ticks, sizeof(ticks)) < 0 && errno != EAGAIN)
                                tool_die("cannot read a timer: %m");
                }
        }
}

static void print_result(const Load *load) {
        uint64_t took = load->last_counted - load->counted_from;

        printf("{\"messages\":%" PRIu64 ",\"seconds\":%.3f,\"per_second\":%.1f,\"accepted\":%" PRIu64
               ",\"later\":%" PRIu64 ",\"never\":%" PRIu64 ",\"other\":%" PRIu64 ",\"next\":%" PRIu64 ",\"latency\":",
               load->n_counted, (double)took / 1e9, tool_per_second(load->n_counted, took), load->n_accepted,
               load->n_later, load->n_never, load->n_other, load->next);
        histogram_print_json(&load->latency, stdout);
        puts("}");
}

int main(int argc, char **argv) {
        static Load load;
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
        int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

        tool_parse_options(argc, argv, "HL7 messages over MLLP, and how long their acknowledgements took", options);
        if (arg_connections == 0 || arg_in_flight == 0 || arg_connections > 10000 || arg_in_flight > 1000000)
                tool_die("there have to be between 1 and 10000 connections, with at least one message in flight");
        tool_pin(arg_core);
        histogram_init(&load.latency);
        adt_init(&load.messages, arg_prefix, arg_size, arg_persons);
        load.links = calloc(arg_connections, sizeof(Link));
        load.epoll = epoll_create1(EPOLL_CLOEXEC);
        if (!load.links || load.epoll < 0 || timer < 0 || epoll_ctl(load.epoll, EPOLL_CTL_ADD, timer, &event) < 0)
                tool_die("cannot begin: %m");
        for (uint64_t i = 0; i < arg_connections; i++)
                open_link(&load, &load.links[i]);
        load.next = arg_first;
        load.last = arg_count > 0 ? arg_first + arg_count : UINT64_MAX;
        load.began = tool_now();
        load.counted_from = load.began + arg_warm_up_ms * 1000000;
        load.ends = arg_count > 0 ? UINT64_MAX : load.counted_from + arg_seconds * 1000000000;
        run(&load, timer);
        print_result(&load);
        for (uint64_t i = 0; i < arg_connections; i++) {
                close(load.links[i].fd);
                buffer_deinit(&load.links[i].in);
                buffer_deinit(&load.links[i].out);
                free(load.links[i].waiting);
        }
        free(load.links);
        adt_deinit(&load.messages);
        return load.n_other > 0 ? EXIT_NO : EXIT_DONE;
}
