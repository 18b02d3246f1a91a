#include "daemon/serve/http-server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define SECONDS_EACH (5 * USEC_PER_SEC)   /* for the request to come and the answer to go */
#define LINGER (USEC_PER_SEC)             /* behind the answer, so that the client reads it whatever it still sends */
#define DRAIN_MAX (64u << 10)             /* of that */
#define LISTENER_TAG HTTP_CONNECTIONS_MAX /* tags below it are connections */

typedef enum HttpState { HTTP_FREE, HTTP_READING, HTTP_WRITING, HTTP_LINGERING } HttpState;

typedef struct HttpConnection {
        HttpState state;
        int fd;
        int64_t until; /* monotonic */
        size_t n_read, n_drained;
        uint8_t head[HTTP_HEAD_MAX];
        Buffer answer;
        size_t n_written;
} HttpConnection;

struct HttpServer {
        HttpHandler handler;
        void *owner;
        int epoll_fd;
        int listeners[HTTP_LISTENERS_MAX];
        HttpConnection connections[HTTP_CONNECTIONS_MAX];
};

/* ---- connections ---- */

static void connection_close(HttpConnection *connection) {
        if (connection->state == HTTP_FREE)
                return;
        closep(&connection->fd); /* out of the epoll set with it */
        buffer_deinit(&connection->answer);
        *connection = (HttpConnection){ .fd = -1 };
}

static HttpConnection *connection_free_or_oldest(HttpServer *server) {
        HttpConnection *oldest = &server->connections[0];

        for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
                HttpConnection *connection = &server->connections[i];

                if (connection->state == HTTP_FREE)
                        return connection;
                if (connection->until < oldest->until)
                        oldest = connection;
        }
        connection_close(oldest);
        return oldest;
}

static int watch(HttpServer *server, int fd, uint32_t events, uint32_t tag, int how) {
        struct epoll_event event = { .events = events, .data.u32 = tag };

        return epoll_ctl(server->epoll_fd, how, fd, &event) < 0 ? -errno : 0;
}

/* One that cannot be watched goes: there is a limit for all of this user's, and others may have reached it. */
static void connection_add(HttpServer *server, int fd, int64_t now) {
        HttpConnection *connection = connection_free_or_oldest(server);

        *connection = (HttpConnection){ .state = HTTP_READING, .fd = fd, .until = now + SECONDS_EACH };
        if (watch(server, fd, EPOLLIN, (uint32_t)(connection - server->connections), EPOLL_CTL_ADD) < 0)
                connection_close(connection);
}

/* Whoever went between is nobody's matter; without descriptors the next call tries again. */
static void listener_accept(HttpServer *server, int listener, int64_t now) {
        for (int i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
                /* cppcheck-suppress nullPointer ; who connected is not asked */
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0)
                        return;
                connection_add(server, fd, now);
        }
}

/* ---- answers ---- */

static const char *status_words(unsigned status) {
        static const struct {
                unsigned status;
                const char *words;
        } table[] = {
                { 200, "OK" },
                { 400, "Bad Request" },
                { 404, "Not Found" },
                { 405, "Method Not Allowed" },
                { 414, "URI Too Long" },
                { 431, "Request Header Fields Too Large" },
                { 503, "Service Unavailable" },
                { 505, "HTTP Version Not Supported" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (table[i].status == status)
                        return table[i].words;
        return "Error";
}

static int answer_write(HttpConnection *connection, const HttpPage *page, bool with_body) {
        char head[512];
        int n = snprintf(head, sizeof(head),
                         "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sCache-Control: no-store\r\n"
                         "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
                         page->status, status_words(page->status), page->type, page->body.size,
                         page->status == 405 ? "Allow: GET, HEAD\r\n" : "");

        if (n < 0 || (size_t)n >= sizeof(head))
                return -EMSGSIZE;
        buffer_clear(&connection->answer);
        buffer_append(&connection->answer, head, (size_t)n);
        if (with_body)
                buffer_append(&connection->answer, page->body.data, page->body.size);
        return connection->answer.error;
}

static void page_refuse(HttpPage *page, int status) {
        char words[80];
        int n = snprintf(words, sizeof(words), "%s\n", status_words((unsigned)status));

        page->status = (unsigned)status;
        page->type = "text/plain; charset=utf-8";
        buffer_clear(&page->body);
        buffer_append(&page->body, words, (size_t)n);
}

static void page_deinit(HttpPage *page) {
        buffer_deinit(&page->body);
}

/* `r` is what parsing said. */
static int connection_answer(HttpServer *server, HttpConnection *connection, int r, const HttpRequest *request) {
        _cleanup_(page_deinit) HttpPage page = { .status = 200, .type = "text/plain; charset=utf-8" };

        if (r > 0)
                page_refuse(&page, r);
        else if (request->method == HTTP_OTHER)
                page_refuse(&page, 405);
        else {
                r = server->handler(request, &page, server->owner);
                if (r < 0)
                        return r;
        }
        if (page.body.error)
                return page.body.error;
        connection->state = HTTP_WRITING;
        return answer_write(connection, &page, r > 0 || request->method != HTTP_HEAD);
}

/* ---- bytes ---- */

static bool is_try_again(int error) {
        return error == EAGAIN || error == EINTR;
}

static void connection_linger(HttpConnection *connection, int64_t now) {
        (void)shutdown(connection->fd, SHUT_WR);
        connection->state = HTTP_LINGERING;
        connection->until = now + LINGER;
        buffer_deinit(&connection->answer);
        connection->answer = BUFFER_NULL;
}

static int connection_write(HttpServer *server, HttpConnection *connection, int64_t now) {
        const uint32_t tag = (uint32_t)(connection - server->connections);

        while (connection->n_written < connection->answer.size) {
                ssize_t n = send(connection->fd, connection->answer.data + connection->n_written,
                                 connection->answer.size - connection->n_written, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && is_try_again(errno))
                        return watch(server, connection->fd, EPOLLOUT, tag, EPOLL_CTL_MOD);
                if (n <= 0) {
                        connection_close(connection);
                        return 0;
                }
                connection->n_written += (size_t)n;
        }
        connection_linger(connection, now);
        return watch(server, connection->fd, EPOLLIN, tag, EPOLL_CTL_MOD);
}

static int connection_read(HttpServer *server, HttpConnection *connection, int64_t now) {
        HttpRequest request = { .method = HTTP_OTHER };
        ssize_t n = recv(connection->fd, connection->head + connection->n_read,
                         sizeof(connection->head) - connection->n_read, MSG_DONTWAIT);
        int r;

        if (n < 0 && is_try_again(errno))
                return 0;
        if (n <= 0) {
                connection_close(connection);
                return 0;
        }
        connection->n_read += (size_t)n;
        r = http_request_parse(bytes_of(connection->head, connection->n_read), &request);
        if (r == HTTP_E_MORE)
                return 0;
        r = connection_answer(server, connection, r, &request);
        return r < 0 ? r : connection_write(server, connection, now);
}

static void connection_drain(HttpConnection *connection) {
        uint8_t scratch[4096];
        ssize_t n = recv(connection->fd, scratch, sizeof(scratch), MSG_DONTWAIT);

        if (n < 0 && is_try_again(errno))
                return;
        connection->n_drained += n > 0 ? (size_t)n : 0;
        if (n <= 0 || connection->n_drained > DRAIN_MAX)
                connection_close(connection);
}

static int connection_work(HttpServer *server, HttpConnection *connection, int64_t now) {
        switch (connection->state) {
        case HTTP_READING:
                return connection_read(server, connection, now);
        case HTTP_WRITING:
                return connection_write(server, connection, now);
        case HTTP_LINGERING:
                connection_drain(connection);
                return 0;
        default:
                return 0; /* it went earlier in this round */
        }
}

/* ---- the server ---- */

int http_server_new(HttpHandler handler, void *owner, HttpServer **ret) {
        _cleanup_(http_server_freep) HttpServer *server = calloc(1, sizeof(*server));

        if (!server)
                return -ENOMEM;
        server->handler = handler;
        server->owner = owner;
        for (size_t i = 0; i < HTTP_LISTENERS_MAX; i++)
                server->listeners[i] = -1;
        for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
                server->connections[i].fd = -1;
        server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (server->epoll_fd < 0)
                return -errno;
        *ret = TAKE_PTR(server);
        return 0;
}

HttpServer *http_server_free(HttpServer *server) {
        if (!server)
                return NULL;
        for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
                connection_close(&server->connections[i]);
        for (size_t i = 0; i < HTTP_LISTENERS_MAX; i++)
                closep(&server->listeners[i]);
        closep(&server->epoll_fd);
        free(server);
        return NULL;
}

int http_server_listen(HttpServer *server, size_t place, int fd) {
        closep(&server->listeners[place]);
        server->listeners[place] = fd;
        return fd < 0 ? 0 : watch(server, fd, EPOLLIN, (uint32_t)(LISTENER_TAG + place), EPOLL_CTL_ADD);
}

int http_server_fd(const HttpServer *server) {
        return server->epoll_fd;
}

int http_server_work(HttpServer *server, int64_t now) {
        struct epoll_event events[HTTP_CONNECTIONS_MAX];
        int n = epoll_wait(server->epoll_fd, events, ELEMENTSOF(events), 0);

        for (int i = 0; i < n; i++) {
                const uint32_t tag = events[i].data.u32;
                int r = 0;

                if (tag < LISTENER_TAG)
                        r = connection_work(server, &server->connections[tag], now);
                else
                        listener_accept(server, server->listeners[tag - LISTENER_TAG], now);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
                if (server->connections[i].state != HTTP_FREE && now > server->connections[i].until)
                        connection_close(&server->connections[i]);
        return 0;
}
