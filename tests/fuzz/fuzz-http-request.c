/* The head of an HTTP request, from anybody who reaches the figures: what is taken is within its bounds, and means the same in pieces. */
#include <stdlib.h>
#include <string.h>

#include "daemon/serve/http-request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        HttpRequest request, again;
        const int r = http_request_parse(bytes_of(data, size), &request);

        if (r < 0)
                abort();
        if (r == 0 && (strlen(request.path) >= HTTP_PATH_SIZE || strlen(request.accept) >= HTTP_ACCEPT_SIZE ||
                       (request.path[0] != '/' && strcmp(request.path, "*") != 0)))
                abort();
        /* A part of what is good waits for more, or is refused for good reason: it is never another good request, but for its body. */
        for (size_t part = 0; part < size && part < 64; part++)
                if (http_request_parse(bytes_of(data, part), &again) == 0 &&
                    (r != 0 || strcmp(again.path, request.path)))
                        abort();
        return 0;
}
