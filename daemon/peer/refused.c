#include "daemon/peer/refused.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/text.h"
#include "proto/check.h"

/* Its parts are names, codes and ids; a request of 16 KiB may have longer ones. */
#define REFUSAL_SIZE_MAX 4096

int refused_pair(int ret_fds[2]) {
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0 ? -errno : 0;
}

void refused_tell(int fd, const Carebus__V1__Refusal *refusal) {
        uint8_t packed[REFUSAL_SIZE_MAX];
        Carebus__V1__Refusal less = *refusal;

        if (fd < 0)
                return;
        /* That somebody was refused matters more than all the words with which they asked. */
        if (carebus__v1__refusal__get_packed_size(&less) > sizeof(packed))
                less.who = less.system = less.patient_id = less.team = NULL;
        if (carebus__v1__refusal__get_packed_size(&less) <= sizeof(packed))
                (void)send(fd, packed, carebus__v1__refusal__pack(&less, packed), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void refused_tell_handshake(int fd, const char *domain, const char *identity, const char *code) {
        static const struct {
                const char *domain;
                Carebus__V1__AuditWay way;
        } ways[] = {
                { "intake", CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_INTAKE },
                { "control", CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_CONTROL },
                { "query", CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY },
                { "feed", CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_FEED },
                { "live/", CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_LIVE },
        };
        Carebus__V1__Refusal refusal = CAREBUS__V1__REFUSAL__INIT;

        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                const size_t size = strlen(ways[i].domain);
                const bool is_team = ways[i].domain[size - 1] == '/';

                if (is_team ? !text_starts_with(domain, ways[i].domain) : !text_equal(domain, ways[i].domain))
                        continue;
                refusal.team = is_team ? (char *)(uintptr_t)domain + size : NULL;
                refusal.peer = identity[0] ? (char *)(uintptr_t)identity : NULL;
                refusal.has_way = true;
                refusal.way = ways[i].way;
                refusal.code = (char *)(uintptr_t)code;
                refused_tell(fd, &refusal);
        }
}

int refused_take(int fd, Arena *arena, Carebus__V1__Refusal **ret) {
        uint8_t packed[REFUSAL_SIZE_MAX];
        ProtobufCAllocator allocator = check_allocator(arena);
        ssize_t n;

        do
                n = recv(fd, packed, sizeof(packed), MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                return n == 0 || errno == EAGAIN ? 1 : -errno;
        *ret = carebus__v1__refusal__unpack(&allocator, (size_t)n, packed);
        return *ret ? 0 : -ENOMEM;
}
