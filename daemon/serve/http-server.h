#pragma once
/*
 * Listeners that give out pages: GET and HEAD, one request a connection, a handful of connections at a time, seconds for
 * each. Nothing waits:
 * its descriptor is readable when there is something to do. No library: what serve links is small (reliability goes before comfort), and
 * nothing of a request is kept or believed beyond its path. One thread.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "daemon/serve/http-request.h"

typedef struct HttpServer HttpServer;

typedef struct HttpPage {
        unsigned status;  /* 200 at first */
        const char *type; /* of the body; static */
        Buffer body;
} HttpPage;

/* Fills the page, by the path and what the client takes; the method is one that reads. 0, or negative: fatal. */
typedef int (*HttpHandler)(const HttpRequest *request, HttpPage *page, void *owner);

#define HTTP_LISTENERS_MAX 2
#define HTTP_CONNECTIONS_MAX 16 /* another one ends the oldest */

int http_server_new(HttpHandler handler, void *owner, HttpServer **ret);
HttpServer *http_server_free(HttpServer *server);
DEFINE_CLEANUP(HttpServer *, http_server_free)
/* Takes the descriptor, which listens and does not block, in the place of the one before; -1: none. Owns it also when it fails. */
int http_server_listen(HttpServer *server, size_t place, int fd);
int http_server_fd(const HttpServer *server);
/* Everything that can be done without waiting; `now`: monotonic. Call it when the descriptor is readable, and once a second. Negative is
 * fatal. */
int http_server_work(HttpServer *server, int64_t now);
