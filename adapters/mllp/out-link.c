/* See out-link.h. */
#include "adapters/mllp/out-link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/common/listen.h"
#include "adapters/mllp/framer.h"

#define ANSWER_MAX (256u << 10) /* no acknowledgement is longer */
#define READ_SIZE (16u << 10)
#define READS_A_TURN 8

struct Link {
        Loop *loop;
        LinkOptions options;
        LinkOwner owner;
        LinkState state;
        int fd;
        LoopSource *io, *failing; /* what failed at once is told later, as all else is */
        const char *failure;
        Tls *tls;
        bool is_secured, wants_write, was_sent;
        Framer framer;
        Buffer out;
        unsigned generation; /* another one: it was closed while somebody listened */
        char ip[64], reason[128];
};

static void link_drop(Link *link) {
        link->generation++;
        link->io = loop_source_free(link->io);
        link->failing = loop_source_free(link->failing);
        if (link->tls)
                tls_close(link->tls);
        link->tls = tls_free(link->tls);
        if (link->fd >= 0)
                close(link->fd);
        link->fd = -1;
        link->state = LINK_DOWN;
        link->is_secured = link->wants_write = false;
        framer_deinit(&link->framer);
        link->framer = FRAMER_INIT(ANSWER_MAX);
        buffer_clear(&link->out);
}

static void link_fail(Link *link, const char *code) {
        bool was_sent = link->was_sent;

        link_drop(link);
        link->was_sent = false;
        link->owner.on_down(link->owner.owner, code, was_sent);
}

/* [2001:db8::1]:2575 is 2001:db8::1. */
static void ip_of_address(const char *address, char *text, size_t size) {
        const char *colon = strrchr(address, ':'), *start = address + (*address == '[');
        size_t n = colon ? (size_t)(colon - start) : strlen(start);

        if (n > 0 && start[n - 1] == ']')
                n--;
        snprintf(text, size, "%.*s", (int)n, start);
}

int link_new(Loop *loop, const LinkOptions *options, const LinkOwner *owner, Link **ret) {
        Link *link = calloc(1, sizeof(*link));

        if (!link)
                return -ENOMEM;
        link->loop = loop;
        link->options = *options;
        link->owner = *owner;
        link->fd = -1;
        link->framer = FRAMER_INIT(ANSWER_MAX);
        ip_of_address(options->address, link->ip, sizeof(link->ip));
        *ret = link;
        return 0;
}

Link *link_free(Link *link) {
        if (!link)
                return NULL;
        link_drop(link);
        framer_deinit(&link->framer);
        buffer_deinit(&link->out);
        free(link);
        return NULL;
}

LinkState link_state(const Link *link) {
        return link->state;
}

const char *link_tls_reason(const Link *link) {
        return link->reason[0] ? link->reason : NULL;
}

void link_close(Link *link) {
        link_drop(link);
        link->was_sent = false;
}

static int events_set(Link *link) {
        bool wants_write = link->state == LINK_CONNECTING ? !link->is_secured && (link->wants_write || !link->tls)
                                                          : link->wants_write || link->out.size > 0;

        return loop_io_set_events(link->io, EPOLLIN | (wants_write ? (uint32_t)EPOLLOUT : 0));
}

/* ---- in */

static const char *failure_of_errno(int error) {
        return error == ECONNREFUSED                                                 ? "connection-refused"
               : error == ENETUNREACH || error == EHOSTUNREACH || error == ETIMEDOUT ? "unreachable"
                                                                                     : "connection-lost";
}

/* Whole frames are handed on; what stands between two frames says nothing of any message. False: the link is gone. */
static bool input_take(Link *link, Bytes input) {
        unsigned generation = link->generation;
        FramerItem item;
        int kind;

        while ((kind = framer_next(&link->framer, &input, &item)) > 0) {
                if (kind == FRAMER_MESSAGE)
                        link->owner.on_frame(link->owner.owner, item.bytes);
                else if (kind == FRAMER_TOO_LARGE || kind == FRAMER_UNFINISHED) {
                        link_fail(link, "bad-answer");
                        return false;
                }
                if (link->generation != generation)
                        return false;
        }
        if (kind < 0) {
                link_fail(link, "connection-lost");
                return false;
        }
        return true;
}

/* Bytes read; 0: none now; negative: it ended, or broke. */
static ssize_t input_read(Link *link, uint8_t *data, size_t size) {
        size_t n = 0;
        ssize_t got;
        int r;

        if (link->tls) {
                r = tls_read(link->tls, data, size, &n);
                link->wants_write = r == TLS_E_WANT_WRITE;
                return r == 0 ? (ssize_t)n : r == TLS_E_WANT_READ || r == TLS_E_WANT_WRITE ? 0 : -1;
        }
        got = recv(link->fd, data, size, 0);
        if (got < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -1;
        return got == 0 ? -1 : got;
}

static bool input_serve(Link *link) {
        uint8_t data[READ_SIZE];

        for (unsigned i = 0; i < READS_A_TURN; i++) {
                ssize_t n = input_read(link, data, sizeof(data));

                if (n == 0)
                        return true;
                if (n < 0) {
                        link_fail(link, "connection-lost");
                        return false;
                }
                if (!input_take(link, bytes_of(data, (size_t)n)))
                        return false;
        }
        return true;
}

/* ---- out */

static ssize_t output_write(Link *link) {
        size_t n = 0;
        ssize_t sent;
        int r;

        if (link->tls) {
                r = tls_write(link->tls, link->out.data, link->out.size, &n);
                return r == 0 ? (ssize_t)n : r == TLS_E_WANT_READ || r == TLS_E_WANT_WRITE ? 0 : -1;
        }
        sent = send(link->fd, link->out.data, link->out.size, MSG_NOSIGNAL);
        if (sent < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -1;
        return sent;
}

static bool output_serve(Link *link) {
        while (link->out.size > 0) {
                ssize_t n = output_write(link);

                if (n == 0)
                        return true;
                if (n < 0) {
                        link_fail(link, "connection-lost");
                        return false;
                }
                link->was_sent = true;
                buffer_consume(&link->out, (size_t)n);
        }
        return true;
}

int link_send(Link *link, Bytes message) {
        link->was_sent = false;
        framer_append_frame(&link->out, message);
        if (link->out.error < 0)
                return link->out.error;
        /* The socket is asked when it can be written to: an end that it has to tell is told from there. */
        return events_set(link);
}

/* ---- up */

static bool handshake_serve(Link *link) {
        int r = tls_handshake(link->tls);

        link->wants_write = r == TLS_E_WANT_WRITE;
        if (r == TLS_E_WANT_READ || r == TLS_E_WANT_WRITE)
                return false;
        if (r == 0) {
                link->is_secured = true;
                return true;
        }
        snprintf(link->reason, sizeof(link->reason), "%s", r == TLS_E_FAILED ? tls_reason(link->tls) : "closed");
        link_fail(link, "tls-failed");
        return false;
}

static void connected(Link *link) {
        link->state = LINK_UP;
        link->reason[0] = 0;
        link->owner.on_up(link->owner.owner);
}

static int connecting_serve(Link *link) {
        int error = 0, r;
        socklen_t size = sizeof(error);

        if (!link->tls) {
                if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                        error = errno;
                if (error) {
                        link_fail(link, failure_of_errno(error));
                        return 0;
                }
                if (!link->options.tls) {
                        connected(link);
                        return 0;
                }
                r = tls_new_client(link->options.tls, link->fd, link->ip, &link->tls);
                if (r < 0)
                        return r;
        }
        if (handshake_serve(link))
                connected(link);
        return 0;
}

static int on_io(LoopSource *source, int fd, uint32_t revents, void *owner) {
        Link *link = owner;
        unsigned generation = link->generation;
        int r = 0;

        if (link->state == LINK_CONNECTING)
                r = connecting_serve(link);
        if (r < 0)
                return r;
        if (link->generation == generation && link->state == LINK_UP && input_serve(link))
                (void)output_serve(link);
        return link->generation == generation && link->io ? events_set(link) : 0;
}

static int on_failing(LoopSource *source, void *owner) {
        Link *link = owner;

        link_fail(link, link->failure);
        return 0;
}

int link_open(Link *link) {
        int r;

        link_close(link);
        link->state = LINK_CONNECTING;
        r = connect_to(link->options.address, link->options.patience_ms, &link->fd);
        if (r < 0) {
                link->failure = failure_of_errno(-r);
                return loop_add_timer(link->loop, 0, on_failing, link, &link->failing);
        }
        return loop_add_io(link->loop, link->fd, EPOLLIN | EPOLLOUT, on_io, link, &link->io);
}
