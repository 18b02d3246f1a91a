/* Where the figures can be read: a socket in the folder of all others, and an address where one is given. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "config/address.h"
#include "daemon/serve/figures-parts.h"

#define AGAIN_AFTER (10 * USEC_PER_SEC)
#define BACKLOG 16

enum { PLACE_IPC, PLACE_TCP };

int figures_bind_ipc(const char *run, int *ret_fd, char **ret_path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -1;
        int r = text_format(&path, "%s/metrics", run);

        if (r < 0)
                return r;
        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path) + 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        /* What an earlier serve left: state/lock sees to it that there is one bus. */
        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0 ||
            chmod(path, 0666) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        *ret_path = TAKE_PTR(path);
        return 0;
}

int figures_bind_tcp(const char *where, int *ret_fd) {
        struct sockaddr_storage storage;
        _cleanup_(closep) int fd = -1;
        const int on = 1;
        socklen_t length;
        Address address;
        int r = address_parse(where, /* is_endpoint= */ false, &address);

        if (r < 0)
                return r;
        length = (socklen_t)address_socket(&address, &storage);
        fd = socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (struct sockaddr *)&storage, length) < 0 || listen(fd, BACKLOG) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* A descriptor of its own: the inherited one stays for the configuration after this. */
static int tcp_descriptor(const Figures *figures, int *ret_fd) {
        if (figures->worker->metrics_fd < 0)
                return figures_bind_tcp(figures->tcp.wanted, ret_fd);
        *ret_fd = fcntl(figures->worker->metrics_fd, F_DUPFD_CLOEXEC, 3);
        return *ret_fd < 0 ? -errno : 0;
}

static int open_tcp(Figures *figures, int64_t now) {
        FiguresDoor *door = &figures->tcp;
        const char *where = door->wanted ? door->wanted : "inherited";
        int fd = -1, r;

        if (door->is_open || now < door->try_at || (!door->wanted && figures->worker->metrics_fd < 0))
                return 0;
        r = tcp_descriptor(figures, &fd);
        if (r < 0) {
                if (!door->has_failed)
                        log_event(LOG_FIGURES_NOT_LISTENING, log_name("ADDRESS", where), log_errno(r));
                door->has_failed = true;
                door->try_at = now + AGAIN_AFTER;
                return 0;
        }
        if (door->has_failed)
                log_event(LOG_FIGURES_LISTENING, log_name("ADDRESS", where));
        door->has_failed = false;
        door->is_open = true;
        return http_server_listen(figures->http, PLACE_TCP, fd);
}

static int open_ipc(Figures *figures) {
        int fd, r;

        if (figures->socket_path)
                return 0;
        r = figures_bind_ipc(figures->config->run, &fd, &figures->socket_path);
        return r < 0 ? r : http_server_listen(figures->http, PLACE_IPC, fd);
}

int figures_open_doors(Figures *figures, int64_t now) {
        const char *wanted = figures->config->metrics;
        FiguresDoor *door = &figures->tcp;
        int r;

        if (!text_equal(wanted, door->wanted)) {
                char *copy = wanted ? strdup(wanted) : NULL;

                if (wanted && !copy)
                        return -ENOMEM;
                free(door->wanted);
                *door = (FiguresDoor){ .wanted = copy };
                r = http_server_listen(figures->http, PLACE_TCP, -1);
                if (r < 0)
                        return r;
        }
        r = open_ipc(figures);
        return r < 0 ? r : open_tcp(figures, now);
}
