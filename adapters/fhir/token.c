#include "adapters/fhir/token.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

#define FILE_MAX (64 * 1024)
#define TOKENS_MAX 256
#define TOKEN_MAX 4096
#define SCHEME "Bearer "

struct Tokens {
        size_t n;
        uint8_t hashes[TOKENS_MAX][SHA256_SIZE];
};

/* b64token of RFC 6750. */
static bool is_token(Bytes line) {
        size_t i = 0;

        while (i < line.size &&
               strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/", line.data[i]) &&
               line.data[i])
                i++;
        if (i == 0)
                return false;
        while (i < line.size && line.data[i] == '=')
                i++;
        return i == line.size && line.size <= TOKEN_MAX;
}

static Bytes trimmed(Bytes line) {
        while (line.size > 0 && strchr(" \t\r", line.data[line.size - 1]) && line.data[line.size - 1])
                line.size--;
        while (line.size > 0 && (*line.data == ' ' || *line.data == '\t')) {
                line.data++;
                line.size--;
        }
        return line;
}

/* The next line that says something; false at the end. */
static bool next_line(Bytes *rest, Bytes *ret) {
        while (rest->size > 0) {
                const uint8_t *end = memchr(rest->data, '\n', rest->size);
                size_t size = end ? (size_t)(end - rest->data) : rest->size;

                *ret = trimmed(bytes_of(rest->data, size));
                rest->data += MIN(size + 1, rest->size);
                rest->size -= MIN(size + 1, rest->size);
                if (ret->size > 0 && *ret->data != '#')
                        return true;
        }
        return false;
}

static int read_file(const char *path, Buffer *ret) {
        struct stat info;

        if (stat(path, &info) < 0)
                return -errno;
        if (info.st_mode & 0007)
                return TOKENS_E_OPEN;
        return file_read(path, FILE_MAX, ret);
}

static void erase(Buffer *buffer) {
        if (buffer->data)
                explicit_bzero(buffer->data, buffer->size);
        buffer_deinit(buffer);
}

int tokens_read(const char *path, Tokens **ret) {
        _cleanup_(erase) Buffer file = BUFFER_NULL;
        _cleanup_(tokens_freep) Tokens *tokens = calloc(1, sizeof(*tokens));
        int r = tokens ? read_file(path, &file) : -ENOMEM;
        Bytes rest, line;

        if (r != 0)
                return r;
        rest = buffer_bytes(&file);
        while (next_line(&rest, &line)) {
                if (!is_token(line) || tokens->n == TOKENS_MAX)
                        return TOKENS_E_MALFORMED;
                sha256(line.data, line.size, tokens->hashes[tokens->n++]);
        }
        if (tokens->n == 0)
                return TOKENS_E_EMPTY;
        *ret = TAKE_PTR(tokens);
        return 0;
}

const char *tokens_text(int code) {
        static const char *const texts[] = {
                [TOKENS_E_OPEN] = "everybody can read it: chmod 0640, or 0600",
                [TOKENS_E_EMPTY] = "there is no token in it: write one a line",
                [TOKENS_E_MALFORMED] =
                        "a line is no token: letters, digits and -._~+/ with = at the end, at most 256 lines",
        };

        return code > 0 && (size_t)code < ELEMENTSOF(texts) ? texts[code] : "it cannot be read";
}

Tokens *tokens_free(Tokens *tokens) {
        if (tokens)
                explicit_bzero(tokens, sizeof(*tokens));
        free(tokens);
        return NULL;
}

bool tokens_match(const Tokens *tokens, const char *authorization) {
        uint8_t hash[SHA256_SIZE];
        Bytes token;
        unsigned matches = 0;

        if (!authorization || strncasecmp(authorization, SCHEME, strlen(SCHEME)) != 0)
                return false;
        token = trimmed(bytes_of_text(authorization + strlen(SCHEME)));
        sha256(token.data, token.size, hash);
        /* All of them, and every byte: how long it takes says nothing of which was nearly right. */
        for (size_t i = 0; i < tokens->n; i++) {
                volatile uint8_t difference = 0;
                for (size_t j = 0; j < SHA256_SIZE; j++)
                        difference = difference | (uint8_t)(hash[j] ^ tokens->hashes[i][j]);
                matches |= difference == 0;
        }
        return matches != 0;
}

int token_read_first(const char *path, char **ret) {
        _cleanup_(erase) Buffer file = BUFFER_NULL;
        int r = read_file(path, &file);
        Bytes rest, line;
        char *token;

        if (r != 0)
                return r;
        rest = buffer_bytes(&file);
        if (!next_line(&rest, &line))
                return TOKENS_E_EMPTY;
        if (!is_token(line))
                return TOKENS_E_MALFORMED;
        token = bytes_to_text(line);
        if (!token)
                return -ENOMEM;
        *ret = token;
        return 0;
}

void token_erase(char *token) {
        if (token)
                explicit_bzero(token, strlen(token));
        free(token);
}
