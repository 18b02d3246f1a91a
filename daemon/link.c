/* Frames over a stream socket, without waiting on either side. */
#include "daemon/link.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/text.h"

#define READ_SIZE 65536

struct Link {
        int fd;
        Buffer out;
        Buffer in;
        size_t taken; /* bytes of `in` that belong to the frame handed out last */
};

int link_new(int fd, Link **ret) {
        Link *link = calloc(1, sizeof(*link));
        int flags = fcntl(fd, F_GETFL);

        if (!link || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
                int r = link ? -errno : -ENOMEM;
                free(link);
                close(fd);
                return r;
        }
        link->fd = fd;
        *ret = link;
        return 0;
}

Link *link_free(Link *link) {
        if (!link)
                return NULL;
        close(link->fd);
        buffer_deinit(&link->out);
        buffer_deinit(&link->in);
        free(link);
        return NULL;
}

int link_fd(const Link *link) {
        return link->fd;
}

int link_flush(Link *link) {
        size_t done = 0;
        int r = 0;

        while (done < link->out.size) {
                ssize_t n = send(link->fd, link->out.data + done, link->out.size - done, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        r = errno == EAGAIN                         ? LINK_E_AGAIN
                            : errno == EPIPE || errno == ECONNRESET ? LINK_E_CLOSED
                                                                    : -errno;
                        break;
                }
                done += (size_t)n;
        }
        buffer_consume(&link->out, done);
        return r;
}

int link_send(Link *link, LinkKind kind, Bytes payload) {
        uint8_t header[LINK_HEADER_SIZE];

        if (payload.size > LINK_PAYLOAD_MAX)
                return -EFBIG;
        store_le32(header, (uint32_t)payload.size);
        store_le32(header + 4, (uint32_t)kind);
        /* Half a frame would put the other side out of step for good: room for all of it first. */
        if (!buffer_reserve(&link->out, sizeof(header) + payload.size))
                return -ENOMEM;
        buffer_append(&link->out, header, sizeof(header));
        buffer_append_bytes(&link->out, payload);
        return link_flush(link);
}

/* Whether a whole frame is there: 0, LINK_E_AGAIN or -EBADMSG. */
static int link_frame(const Link *link, LinkKind *ret_kind, Bytes *ret_payload) {
        uint32_t size;

        if (link->in.size < LINK_HEADER_SIZE)
                return LINK_E_AGAIN;
        size = load_le32(link->in.data);
        if (size > LINK_PAYLOAD_MAX)
                return -EBADMSG;
        if (link->in.size - LINK_HEADER_SIZE < size)
                return LINK_E_AGAIN;
        *ret_kind = (LinkKind)load_le32(link->in.data + 4);
        *ret_payload = bytes_of(link->in.data + LINK_HEADER_SIZE, size);
        return 0;
}

int link_receive(Link *link, LinkKind *ret_kind, Bytes *ret_payload) {
        buffer_consume(&link->in, link->taken);
        link->taken = 0;
        for (;;) {
                int r = link_frame(link, ret_kind, ret_payload);
                uint8_t *room;
                ssize_t n;

                if (r == 0)
                        link->taken = LINK_HEADER_SIZE + ret_payload->size;
                if (r != LINK_E_AGAIN)
                        return r;
                room = buffer_reserve(&link->in, READ_SIZE);
                if (!room)
                        return -ENOMEM;
                n = recv(link->fd, room, READ_SIZE, 0);
                if (n == 0)
                        return LINK_E_CLOSED;
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? LINK_E_AGAIN : errno == ECONNRESET ? LINK_E_CLOSED : -errno;
                buffer_advance(&link->in, (size_t)n);
        }
}

int link_inherited(const char *name) {
        const char *p = getenv(LINK_FDS_ENVIRONMENT);
        size_t n_name = strlen(name);

        while (p && *p) {
                size_t n = strcspn(p, ",");
                char number[16];
                uint64_t fd;

                if (n > n_name && p[n_name] == '=' && memcmp(p, name, n_name) == 0) {
                        if (n - n_name - 1 >= sizeof(number))
                                return -EINVAL;
                        memcpy(number, p + n_name + 1, n - n_name - 1);
                        number[n - n_name - 1] = '\0';
                        return text_to_u64(number, &fd) < 0 || fd > 1 << 20 ? -EINVAL : (int)fd;
                }
                p += n;
                p += *p == ',';
        }
        return -ENOENT;
}
