#include "daemon/serve/http-request.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The next line without its end; a lone LF ends one too (RFC 9112, 2.2). False where none ends here. */
static bool next_line(Bytes *rest, Bytes *ret) {
        const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
        size_t size;

        if (!end)
                return false;
        size = (size_t)(end - rest->data);
        *ret = bytes_of(rest->data, size > 0 && end[-1] == '\r' ? size - 1 : size);
        *rest = bytes_of(end + 1, rest->size - size - 1);
        return true;
}

static bool is_token(Bytes bytes) {
        static const char others[] = "!#$%&'*+-.^_`|~";

        for (size_t i = 0; i < bytes.size; i++) {
                const uint8_t c = bytes.data[i];

                if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c != 0 && strchr(others, c))))
                        return false;
        }
        return bytes.size > 0;
}

/* Visible characters of ASCII: what else may stand there comes percent-encoded. */
static bool is_visible(Bytes bytes) {
        for (size_t i = 0; i < bytes.size; i++)
                if (bytes.data[i] <= 0x20 || bytes.data[i] >= 0x7f)
                        return false;
        return bytes.size > 0;
}

/* Up to the next space; what is behind it stays. */
static bool next_word(Bytes *rest, Bytes *ret) {
        const uint8_t *space = rest->size > 0 ? memchr(rest->data, ' ', rest->size) : NULL;
        size_t size;

        if (!space)
                return false;
        size = (size_t)(space - rest->data);
        *ret = bytes_of(rest->data, size);
        *rest = bytes_of(space + 1, rest->size - size - 1);
        return true;
}

/* http://host/path is /path: a server has to take that too (RFC 9112, 3.2.2). */
static Bytes without_host(Bytes target) {
        static const char scheme[] = "http://";
        const size_t n = sizeof(scheme) - 1;
        const uint8_t *slash;

        if (target.size < n || strncasecmp((const char *)target.data, scheme, n) != 0)
                return target;
        slash = memchr(target.data + n, '/', target.size - n);
        return slash ? bytes_of(slash, target.size - (size_t)(slash - target.data)) : bytes_of("/", 1);
}

static int take_target(Bytes target, HttpRequest *request) {
        const uint8_t *question;

        target = without_host(target);
        if (target.size == 0 || (target.data[0] != '/' && !bytes_equal_text(target, "*")))
                return HTTP_E_BAD;
        question = memchr(target.data, '?', target.size);
        if (question)
                target.size = (size_t)(question - target.data);
        if (target.size >= sizeof(request->path))
                return HTTP_E_LONG_PATH;
        memcpy(request->path, target.data, target.size);
        request->path[target.size] = '\0';
        return 0;
}

static int take_first_line(Bytes line, HttpRequest *request) {
        static const char version[] = "HTTP/1.";
        Bytes method, target;

        if (!next_word(&line, &method) || !next_word(&line, &target) || !is_token(method) || !is_visible(target))
                return HTTP_E_BAD;
        if (line.size != sizeof(version) || memcmp(line.data, "HTTP/", 5) != 0)
                return HTTP_E_BAD;
        if (memcmp(line.data, version, sizeof(version) - 1) != 0 || (line.data[7] != '0' && line.data[7] != '1'))
                return HTTP_E_VERSION;
        request->method = bytes_equal_text(method, "GET")    ? HTTP_GET
                          : bytes_equal_text(method, "HEAD") ? HTTP_HEAD
                                                             : HTTP_OTHER;
        return take_target(target, request);
}

static void take_accept(Bytes value, HttpRequest *request) {
        const size_t had = strlen(request->accept);
        const size_t room = sizeof(request->accept) - had - 1;

        snprintf(request->accept + had, room + 1, "%s%.*s", had > 0 ? "," : "", (int)MIN(value.size, room),
                 (const char *)value.data);
}

static int take_header(Bytes line, HttpRequest *request) {
        const uint8_t *colon = memchr(line.data, ':', line.size);
        Bytes name, value;

        if (!colon)
                return HTTP_E_BAD;
        name = bytes_of(line.data, (size_t)(colon - line.data));
        value = bytes_of(colon + 1, line.size - name.size - 1);
        if (!is_token(name) || memchr(value.data, '\0', value.size))
                return HTTP_E_BAD; /* a folded line, or a space before the colon, as well */
        if (name.size == strlen("Accept") && strncasecmp((const char *)name.data, "Accept", name.size) == 0)
                take_accept(value, request);
        return 0;
}

int http_request_parse(Bytes bytes, HttpRequest *ret) {
        Bytes rest = bytes_of(bytes.data, MIN(bytes.size, (size_t)HTTP_HEAD_MAX)), line;
        const int unfinished = bytes.size >= HTTP_HEAD_MAX ? HTTP_E_LARGE : HTTP_E_MORE;
        HttpRequest request = { .method = HTTP_OTHER };
        int r;

        if (!next_line(&rest, &line))
                return unfinished;
        r = take_first_line(line, &request);
        while (r == 0) {
                if (!next_line(&rest, &line))
                        return unfinished;
                if (line.size == 0) {
                        *ret = request;
                        return 0;
                }
                r = take_header(line, &request);
        }
        return r;
}
