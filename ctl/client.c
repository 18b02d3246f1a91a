/* See client.h. */
#include "ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"
#include "proto/validate.h"
#include "proto/zsock.h"

#define ANSWER_WITHIN_MS 10000
#define REPLY_MAX (64u << 20)

struct Client {
        ZContext *context;
        ZSocket *socket, *monitor;
        Arena *arena;
        uint32_t id;
};

/* ZeroMQ would wait in silence for a daemon that is not there: ask the socket itself first. */
static bool somebody_listens(const char *endpoint) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const char *path = endpoint + strlen("ipc://");

        if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
                return false;
        memcpy(address.sun_path, path, strlen(path));
        return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

Client *client_free(Client *client) {
        if (!client)
                return NULL;
        zsocket_free(client->socket); /* before who reads its monitor */
        zsocket_free(client->monitor);
        zcontext_free(client->context);
        arena_free(client->arena);
        free(client);
        return NULL;
}

int client_new(const Config *config, const char *socket, Client **ret) {
        const ZSocketOptions options = { .max_message_bytes = REPLY_MAX };
        _cleanup_(client_freep) Client *client = calloc(1, sizeof(*client));
        _cleanup_(freep) char *endpoint = config_endpoint(config, socket);
        int r;

        if (!client || !endpoint)
                return -ENOMEM;
        if (!somebody_listens(endpoint))
                return CLIENT_E_UNREACHABLE;
        r = arena_new(&client->arena, (size_t)4 * REPLY_MAX);
        if (r == 0)
                r = zcontext_new(&client->context);
        if (r == 0)
                r = zsocket_new(client->context, ZSOCKET_DEALER, &options, &client->socket);
        if (r == 0)
                r = zsocket_monitor(client->context, client->socket, &client->monitor);
        if (r == 0)
                r = zsocket_connect(client->socket, endpoint);
        if (r != 0)
                return error_fold(r);
        *ret = TAKE_PTR(client);
        return 0;
}

static int send_request(Client *client, Carebus__V1__Request *request) {
        size_t size;
        uint8_t *packed;

        request->has_id = true;
        request->id = ++client->id;
        size = carebus__v1__request__get_packed_size(request);
        arena_reset(client->arena);
        packed = arena_alloc(client->arena, size);
        if (!packed)
                return -ENOMEM;
        carebus__v1__request__pack(request, packed);
        return error_fold(zsocket_send(client->socket, bytes_of(packed, size)));
}

static int look_at_monitor(Client *client) {
        ZSocketEvent event;
        int r;

        while ((r = zsocket_monitor_next(client->monitor, &event)) == 0) {
                if (event == ZSOCKET_EVENT_AUTH_FAILED)
                        return CLIENT_E_NOT_ALLOWED;
                if (event == ZSOCKET_EVENT_DISCONNECTED)
                        return CLIENT_E_UNREACHABLE;
        }
        return r == ZSOCK_E_AGAIN ? 0 : r;
}

/* 0 with the reply, ZSOCK_E_AGAIN, or what went wrong. */
static int take_reply(Client *client, const Carebus__V1__Reply **ret) {
        const ValidateLimits limits = {
                .max_frame = REPLY_MAX, .max_original = REPLY_MAX, .max_submissions = 1, .max_events = 65536
        };
        _cleanup_(zframe_deinit) ZFrame frame = ZFRAME_NULL;
        int r = zsocket_recv(client->socket, &frame);

        if (r != 0)
                return r;
        arena_reset(client->arena);
        r = validate_reply(zframe_bytes(&frame), &limits, client->arena, ret, NULL);
        if (r != 0)
                return r < 0 ? r : CLIENT_E_BAD_REPLY;
        /* Of a request that was given up; 0 is that of one whose form the daemon does not take. */
        return (*ret)->id == client->id || ((*ret)->id == 0 && (*ret)->error) ? 0 : ZSOCK_E_AGAIN;
}

int client_ask(Client *client, Carebus__V1__Request *request, const Carebus__V1__Reply **ret) {
        int64_t until = clock_monotonic(&clock_system) + ANSWER_WITHIN_MS * USEC_PER_MSEC;
        int r = send_request(client, request);

        while (r == 0) {
                ZPoll items[] = { { .socket = client->socket }, { .socket = client->monitor } };
                int64_t left = (until - clock_monotonic(&clock_system)) / USEC_PER_MSEC;

                if (left <= 0)
                        return CLIENT_E_UNREACHABLE;
                r = zpoll(items, ELEMENTSOF(items), left);
                if (r < 0)
                        return r;
                if (items[0].ready) {
                        r = take_reply(client, ret);
                        if (r != ZSOCK_E_AGAIN)
                                return r;
                }
                r = look_at_monitor(client);
        }
        return r;
}

int client_ask_status(Client *client, const Carebus__V1__StatusReply **ret) {
        Carebus__V1__StatusRequest status = CAREBUS__V1__STATUS_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        request.command_case = CAREBUS__V1__REQUEST__COMMAND_STATUS;
        request.status = &status;
        r = client_ask(client, &request, &reply);
        if (r == 0 && (reply->error || reply->answer_case != CAREBUS__V1__REPLY__ANSWER_STATUS))
                r = CLIENT_E_BAD_REPLY;
        if (r == 0)
                *ret = reply->status;
        return r;
}

int client_say(int code, const char *socket) {
        switch (code) {
        case CLIENT_E_UNREACHABLE:
                error_print(PROGRAM, "nobody answers on the %s socket; is carebusd running, and is this its --config?",
                            socket);
                return EXIT_UNREACHABLE;
        case CLIENT_E_NOT_ALLOWED:
                error_print(PROGRAM,
                            "the daemon does not let this user ask; `operators:` in carebus.yaml lists who may");
                return EXIT_NOT_ALLOWED;
        case CLIENT_E_BAD_REPLY:
                error_print(PROGRAM,
                            "the daemon's answer cannot be read; do carebusctl and carebusd have the same version?");
                return EXIT_SOFTWARE;
        default:
                error_print(PROGRAM, "cannot ask the daemon: %s", strerror(-code));
                return EXIT_SOFTWARE;
        }
}

int client_say_error(const Carebus__V1__Reply *reply) {
        static const struct {
                const char *reason;
                int code;
        } codes[] = {
                /* clang-format off */
                { "not-allowed", EXIT_NOT_ALLOWED },
                { "not-found", EXIT_NO }, { "not-open", EXIT_NO }, { "not-quarantined", EXIT_NO }, { "already-resolved", EXIT_NO },
                { "ambiguous", EXIT_NO }, { "unknown-patient", EXIT_NO }, { "not-in-review", EXIT_NO }, { "not-of-this-review", EXIT_NO },
                { "already-decided", EXIT_NO }, { "already-linked", EXIT_NO }, { "already-apart", EXIT_NO }, { "which-candidate", EXIT_NO },
                { "nothing-to-assign", EXIT_NO }, { "same-patient", EXIT_NO }, { "not-in-conflict", EXIT_NO },
                { "two-verified-numbers", EXIT_NO }, { "said-by-source", EXIT_NO }, { "too-many-persons", EXIT_NO },
                { "no-events", EXIT_NO }, { "expired", EXIT_NO }, { "unknown-source", EXIT_NO }, { "unknown-team", EXIT_NO },
                { "try-later", EXIT_LATER }, { "storage-full", EXIT_LATER }, { "stopping", EXIT_LATER }, { "no-adapter", EXIT_LATER },
                { "storage", EXIT_STORAGE }, { "unreadable", EXIT_STORAGE },
                /* clang-format on */
        };

        if (!reply->error)
                return EXIT_DONE;
        error_print(PROGRAM, "%s%s%s%s", reply->error, reply->detail ? ": " : "", reply->detail ? reply->detail : "",
                    text_equal(reply->error, "bad-name")
                            ? "; names are small letters, digits and hyphens: see carebusctl status"
                            : "");
        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (text_equal(codes[i].reason, reply->error))
                        return codes[i].code;
        return EXIT_BAD_INPUT;
}

int client_ask_or_say(const Config *config, const char *socket, Carebus__V1__Request *request, Client **ret_client,
                      const Carebus__V1__Reply **ret) {
        int r = client_new(config, socket, ret_client);

        if (r == 0)
                r = client_ask(*ret_client, request, ret);
        return r != 0 ? client_say(r, socket) : client_say_error(*ret);
}
