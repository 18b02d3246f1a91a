#pragma once
/*
 * Asks the daemon: one request, one reply, over <run>/control (core) or <run>/query (serve).
 */
#include "base/cleanup.h"
#include "carebus/v1/control.pb-c.h"
#include "config/config.h"

typedef struct Client Client;

/* Positive returns. */
enum {
        _CLIENT_E_SUCCESS,
        CLIENT_E_UNREACHABLE, /* nobody listens there, or nobody answered in time */
        CLIENT_E_NOT_ALLOWED, /* the unix user is not among `operators:` */
        CLIENT_E_BAD_REPLY,
};

/* `socket` is control or query. */
int client_new(const Config *config, const char *socket, Client **ret);
Client *client_free(Client *client);
DEFINE_CLEANUP(Client *, client_free)
/* The reply lives until the next call. An `error` in it is the caller's to look at. */
int client_ask(Client *client, Carebus__V1__Request *request, const Carebus__V1__Reply **ret);
/* What the other side knows of itself: lives until the next call. Returns as client_ask(), and CLIENT_E_BAD_REPLY for an `error`. */
int client_ask_status(Client *client, const Carebus__V1__StatusReply **ret);
/* client_ask(), and all that can go wrong is said on stderr: EXIT_DONE, or the exit code. */
int client_ask_or_say(const Config *config, const char *socket, Carebus__V1__Request *request, Client **ret_client,
                      const Carebus__V1__Reply **ret);
/* Says what a code of client_ask() means; the exit code. */
int client_say(int code, const char *socket);
/* Says a reply's error; the exit code: EXIT_DONE when there is none. */
int client_say_error(const Carebus__V1__Reply *reply);
