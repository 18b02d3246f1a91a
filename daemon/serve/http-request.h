#pragma once
/*
 * The head of one HTTP/1.x request, as far as a listener needs it that has three pages to read and takes nothing in.
 * It allocates nothing and goes no farther than HTTP_HEAD_MAX bytes.
 */
#include <stddef.h>

#include "base/bytes.h"

#define HTTP_HEAD_MAX 4096 /* request line and headers together */
#define HTTP_PATH_SIZE 128
#define HTTP_ACCEPT_SIZE 512

typedef enum HttpMethod { HTTP_GET, HTTP_HEAD, HTTP_OTHER } HttpMethod;

typedef struct HttpRequest {
        HttpMethod method;
        char path[HTTP_PATH_SIZE];     /* without what stands behind a question mark */
        char accept[HTTP_ACCEPT_SIZE]; /* of the header Accept, cut there; "" without one */
} HttpRequest;

/* Positive returns. */
enum {
        _HTTP_E_SUCCESS,
        HTTP_E_MORE,      /* it does not end yet */
        HTTP_E_BAD = 400, /* these are answers */
        HTTP_E_LONG_PATH = 414,
        HTTP_E_LARGE = 431,
        HTTP_E_VERSION = 505,
};
int http_request_parse(Bytes bytes, HttpRequest *ret);
