/*
 * The least that an MLLP server can do and still acknowledge only what is on the disk: no parsing but for the control id
 * it has to echo. What arrived while the last sync ran is one batch.
 */
#include "bench/baseline.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "bench/tool.h"

#define FILE_BYTES (UINT64_C(64) << 20)
#define LINKS_MAX 1024
#define READ_SIZE (64u << 10)

typedef struct Link {
        int fd;
        Buffer in, out;
} Link;

typedef struct Sink {
        int listener, epoll, file;
        uint64_t offset;
        Buffer batch;
        Link *dirty[LINKS_MAX];
        size_t n_dirty;
} Sink;

/* MSH-10: behind the ninth bar. */
static Bytes control_id(Bytes message) {
        const uint8_t *at = message.data, *end = message.data + message.size, *stop;

        for (unsigned bars = 0; bars < 9; bars++) {
                at = memchr(at, '|', (size_t)(end - at));
                if (!at)
                        return BYTES_NULL;
                at++;
        }
        stop = memchr(at, '|', (size_t)(end - at));
        return bytes_of(at, stop ? (size_t)(stop - at) : 0);
}

static void take_frames(Sink *sink, Link *link) {
        size_t used = 0;
        const uint8_t *end;

        while (link->in.size > used && (end = memmem(link->in.data + used, link->in.size - used, "\x1c\r", 2))) {
                Bytes message = bytes_of(link->in.data + used, (size_t)(end - link->in.data) - used),
                      id = control_id(message);

                buffer_append_bytes(&sink->batch, message);
                buffer_append_format(&link->out,
                                     "\x0bMSH|^~\\&|SINK||||20260101000000||ACK|%.*s|T|2.4\rMSA|AA|%.*s\r\x1c\r",
                                     (int)id.size, (const char *)id.data, (int)id.size, (const char *)id.data);
                used += message.size + 2;
        }
        buffer_consume(&link->in, used);
        if (used > 0 && sink->n_dirty < LINKS_MAX)
                sink->dirty[sink->n_dirty++] = link;
}

static void accept_link(Sink *sink) {
        const int on = 1;
        Link *link = calloc(1, sizeof(*link));
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };

        if (!link)
                tool_die("no memory");
        /* cppcheck-suppress nullPointer ; who connected is not asked */
        link->fd = accept4(sink->listener, NULL, NULL, SOCK_CLOEXEC);
        if (link->fd < 0 || setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
            epoll_ctl(sink->epoll, EPOLL_CTL_ADD, link->fd, &event) < 0)
                tool_die("cannot take a connection: %m");
}

static void read_link(Sink *sink, Link *link) {
        uint8_t *room = buffer_reserve(&link->in, READ_SIZE);
        ssize_t n = room ? read(link->fd, room, READ_SIZE) : -1;

        if (n > 0) {
                buffer_advance(&link->in, (size_t)n);
                take_frames(sink, link);
                return;
        }
        close(link->fd);
        buffer_deinit(&link->in);
        buffer_deinit(&link->out);
        free(link);
}

static void commit(Sink *sink, const BaselineOptions *options) {
        if (sink->batch.size > 0 && options->sync) {
                if (sink->offset + sink->batch.size > FILE_BYTES)
                        sink->offset = 0;
                if (pwrite_all(sink->file, sink->batch.data, sink->batch.size, (off_t)sink->offset) < 0 ||
                    fdatasync(sink->file) < 0)
                        tool_die("cannot write: %m");
                sink->offset += sink->batch.size;
        }
        buffer_clear(&sink->batch);
        for (size_t i = 0; i < sink->n_dirty; i++) {
                Link *link = sink->dirty[i];

                if (send(link->fd, link->out.data, link->out.size, MSG_NOSIGNAL) < 0 && errno != EPIPE &&
                    errno != ECONNRESET)
                        tool_die("cannot answer: %m");
                buffer_clear(&link->out);
        }
        sink->n_dirty = 0;
}

static void listen_somewhere(Sink *sink, uint64_t port) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
        const int on = 1;

        sink->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sink->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (sink->listener < 0 || sink->epoll < 0 ||
            setsockopt(sink->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
            bind(sink->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(sink->listener, LINKS_MAX) < 0 ||
            getsockname(sink->listener, (struct sockaddr *)&address, &size) < 0 ||
            epoll_ctl(sink->epoll, EPOLL_CTL_ADD, sink->listener, &event) < 0)
                tool_die("cannot listen: %m");
        printf("{\"port\":%u}\n", (unsigned)ntohs(address.sin_port));
        fflush(stdout);
}

void baseline_sink(const BaselineOptions *options) {
        static Sink sink;
        struct epoll_event events[LINKS_MAX];

        sink.file = baseline_file(options->folder, FILE_BYTES);
        tool_pin(options->core);
        listen_somewhere(&sink, options->port);
        for (;;) {
                int n = epoll_wait(sink.epoll, events, LINKS_MAX, -1);

                if (n < 0 && errno != EINTR)
                        tool_die("cannot wait: %m");
                for (int i = 0; i < n; i++) {
                        if (events[i].data.ptr)
                                read_link(&sink, events[i].data.ptr);
                        else
                                accept_link(&sink);
                }
                commit(&sink, options);
        }
}
