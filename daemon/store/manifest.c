#include "daemon/store/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define TITLE "carebus-backup "
#define LINE_MAX_BYTES 512
#define PATH_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/"

void manifest_deinit(Manifest *manifest) {
        for (size_t i = 0; i < manifest->n_files; i++)
                free(manifest->files[i].path);
        free(manifest->files);
        free(manifest->bus);
        free(manifest->version);
        *manifest = MANIFEST_NULL;
}

/* Nothing that leads out of the folder, and nothing that a line or a terminal would read as something else. */
static bool path_is_good(const char *path) {
        const size_t n = strlen(path);

        if (n == 0 || n > MANIFEST_PATH_MAX || strspn(path, PATH_LETTERS) != n || path[0] == '/' || path[n - 1] == '/')
                return false;
        for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
                if (part[0] == '.' || part[0] == '/')
                        return false;
        return true;
}

int manifest_add(Manifest *manifest, const char *path, uint64_t size, const uint8_t sha256[SHA256_SIZE]) {
        ManifestFile *grown, file = { .size = size };

        if (!path_is_good(path))
                return -EINVAL;
        grown = reallocarray(manifest->files, manifest->n_files + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        manifest->files = grown;
        file.path = strdup(path);
        if (!file.path)
                return -ENOMEM;
        memcpy(file.sha256, sha256, SHA256_SIZE);
        manifest->files[manifest->n_files++] = file;
        return 0;
}

const ManifestFile *manifest_find(const Manifest *manifest, const char *path) {
        for (size_t i = 0; i < manifest->n_files; i++)
                if (strcmp(manifest->files[i].path, path) == 0)
                        return &manifest->files[i];
        return NULL;
}

/* ---- printing ------------------------------------------------------------------------------------------------------------ */

static void print_head(const Manifest *manifest, Buffer *ret) {
        char at[CIVIL_TEXT_SIZE], made[CIVIL_TEXT_SIZE], hex[2 * SHA256_SIZE + 1];

        civil_format(manifest->at, at);
        civil_format(manifest->made_at, made);
        buffer_append_format(ret, TITLE "%u\nversion %s\nbus %s\n", MANIFEST_VERSION, manifest->version, manifest->bus);
        hex_encode(manifest->journal, sizeof(manifest->journal), hex);
        buffer_append_format(ret, "journal %s\nfirst %" PRIu64 "\nseq %" PRIu64 "\n", hex, manifest->first_seq,
                             manifest->seq);
        buffer_append_format(ret, "at %" PRId64 " %s\nmade %" PRId64 " %s\n", manifest->at, at, manifest->made_at,
                             made);
        hex_encode(manifest->chain, sizeof(manifest->chain), hex);
        buffer_append_format(ret, "chain %s\naudit %" PRIu64 "\nkeys %s\n", hex, manifest->audit,
                             manifest->has_keys ? "yes" : "no");
        hex_encode(manifest->earlier, sizeof(manifest->earlier), hex);
        buffer_append_format(ret, "earlier %s\n", hex);
        for (size_t i = 0; i < manifest->n_files; i++) {
                const ManifestFile *file = &manifest->files[i];

                hex_encode(file->sha256, sizeof(file->sha256), hex);
                buffer_append_format(ret, "file %s %" PRIu64 " %s\n", hex, file->size, file->path);
        }
        if (manifest->is_signed) {
                hex_encode(manifest->key, sizeof(manifest->key), hex);
                buffer_append_format(ret, "key %s\n", hex);
        }
}

static void print_sum(Buffer *ret, size_t from) {
        uint8_t sum[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];

        sha256(ret->data + from, ret->size - from, sum);
        hex_encode(sum, sizeof(sum), hex);
        buffer_append_format(ret, "sum %s\n", hex);
}

int manifest_print(Manifest *manifest, const SignKey *key, Buffer *ret) {
        char hex[2 * SIGNATURE_SIZE + 1];
        uint8_t signature[SIGNATURE_SIZE];
        const size_t from = ret->size;
        int r = 0;

        manifest->is_signed = key != NULL;
        if (key)
                r = sign_key_id(key, manifest->key);
        if (r < 0)
                return r;
        print_head(manifest, ret);
        if (ret->error)
                return ret->error;
        print_sum(ret, from);
        if (!key || ret->error)
                return ret->error;
        r = signature_make(key, bytes_of(ret->data + from, ret->size - from), signature);
        if (r < 0)
                return r;
        hex_encode(signature, sizeof(signature), hex);
        buffer_append_format(ret, "signature %s\n", hex);
        return ret->error;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

typedef struct Lines {
        const char *at, *end;
        char word[LINE_MAX_BYTES]; /* the first of the line, */
        char rest[LINE_MAX_BYTES]; /* and what follows it */
} Lines;

/* 0, -ENODATA behind the last, -EBADMSG. */
static int lines_next(Lines *lines) {
        const char *end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at)), *space;
        size_t n;

        if (lines->at == lines->end)
                return -ENODATA;
        if (!end || (size_t)(end - lines->at) >= sizeof(lines->rest) ||
            memchr(lines->at, '\0', (size_t)(end - lines->at)))
                return -EBADMSG;
        n = (size_t)(end - lines->at);
        space = memchr(lines->at, ' ', n);
        if (!space)
                return -EBADMSG;
        snprintf(lines->word, sizeof(lines->word), "%.*s", (int)(space - lines->at), lines->at);
        snprintf(lines->rest, sizeof(lines->rest), "%.*s", (int)(end - space - 1), space + 1);
        lines->at = end + 1;
        return 0;
}

static int read_text(const char *text, void *ret) {
        char **field = ret;

        if (*field)
                return -EBADMSG;
        *field = strdup(text);
        return *field ? 0 : -ENOMEM;
}
static int read_number(const char *text, void *ret) {
        return text_to_u64(text, ret) == 0 ? 0 : -EBADMSG;
}
/* Microseconds, and beside them the same for people. */
static int read_time(const char *text, void *ret) {
        char number[24];
        uint64_t at;

        snprintf(number, sizeof(number), "%.*s", (int)strcspn(text, " "), text);
        if (text_to_u64(number, &at) != 0 || at > INT64_MAX)
                return -EBADMSG;
        *(int64_t *)ret = (int64_t)at;
        return 0;
}
static int read_id(const char *text, void *ret) {
        return hex_decode(text, ret, 16) == 0 ? 0 : -EBADMSG;
}
static int read_hash(const char *text, void *ret) {
        return hex_decode(text, ret, SHA256_SIZE) == 0 ? 0 : -EBADMSG;
}
static int read_yes(const char *text, void *ret) {
        *(bool *)ret = strcmp(text, "yes") == 0;
        return 0;
}

static const struct {
        const char *word;
        int (*read)(const char *text, void *ret);
        size_t offset;
} fields[] = {
        { "version", read_text, offsetof(Manifest, version) }, { "bus", read_text, offsetof(Manifest, bus) },
        { "journal", read_id, offsetof(Manifest, journal) },   { "first", read_number, offsetof(Manifest, first_seq) },
        { "seq", read_number, offsetof(Manifest, seq) },       { "at", read_time, offsetof(Manifest, at) },
        { "made", read_time, offsetof(Manifest, made_at) },    { "chain", read_hash, offsetof(Manifest, chain) },
        { "audit", read_number, offsetof(Manifest, audit) },   { "keys", read_yes, offsetof(Manifest, has_keys) },
        { "earlier", read_hash, offsetof(Manifest, earlier) }, { "key", read_hash, offsetof(Manifest, key) },
};

/* HASH SIZE PATH */
static int read_file(Manifest *manifest, const char *text) {
        const char *size = strchr(text, ' '), *path = size ? strchr(size + 1, ' ') : NULL;
        char hex[2 * SHA256_SIZE + 1], number[24];
        uint8_t hash[SHA256_SIZE];
        uint64_t bytes;

        if (!path || size - text != 2 * SHA256_SIZE || path - size > (ptrdiff_t)sizeof(number))
                return -EBADMSG;
        snprintf(hex, sizeof(hex), "%.*s", 2 * SHA256_SIZE, text);
        snprintf(number, sizeof(number), "%.*s", (int)(path - size - 1), size + 1);
        if (hex_decode(hex, hash, sizeof(hash)) != 0 || text_to_u64(number, &bytes) != 0)
                return -EBADMSG;
        return manifest_add(manifest, path + 1, bytes, hash) == -ENOMEM ? -ENOMEM : 0;
}

static int read_field(Manifest *manifest, const Lines *lines) {
        if (strcmp(lines->word, "file") == 0)
                return read_file(manifest, lines->rest);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (strcmp(lines->word, fields[i].word) == 0) {
                        manifest->is_signed = manifest->is_signed || fields[i].offset == offsetof(Manifest, key);
                        return fields[i].read(lines->rest, (uint8_t *)manifest + fields[i].offset);
                }
        return -EBADMSG;
}

/* Both are shown on a terminal, also where nobody signed them. */
static bool head_is_good(const Manifest *manifest) {
        static const char letters[] = PATH_LETTERS "+~:";
        const char *version = manifest->version;

        return manifest->bus && version && name_is_valid(manifest->bus) && version[0] &&
               version[strspn(version, letters)] == '\0';
}

/* What was read is printed again: only what comes out byte by byte is taken. That finds what is said twice, left out or put elsewhere. */
static int compare_printed(const Manifest *manifest, Bytes text) {
        _cleanup_(buffer_deinit) Buffer printed = BUFFER_NULL;
        size_t behind;

        if (!head_is_good(manifest))
                return -EBADMSG;
        print_head(manifest, &printed);
        if (printed.error)
                return printed.error == -ENOMEM ? -ENOMEM : -EBADMSG;
        print_sum(&printed, 0);
        if (printed.error)
                return printed.error;
        behind = printed.size + (manifest->is_signed ? strlen("signature ") + 2 * SIGNATURE_SIZE + 1 : 0);
        return text.size == behind && memcmp(text.data, printed.data, printed.size) == 0 ? 0 : -EBADMSG;
}

int manifest_parse(Bytes text, Manifest *ret) {
        Lines lines = { .at = (const char *)text.data };
        _cleanup_(manifest_deinit) Manifest manifest = MANIFEST_NULL;
        uint64_t version;
        int r;

        if (text.size == 0)
                return -EBADMSG;
        lines.end = lines.at + text.size;
        r = lines_next(&lines);
        if (r < 0 || strcmp(lines.word, "carebus-backup") != 0 || text_to_u64(lines.rest, &version) != 0)
                return -EBADMSG;
        if (version > MANIFEST_VERSION)
                return MANIFEST_E_NEWER;
        for (r = lines_next(&lines); r == 0 && strcmp(lines.word, "sum") != 0; r = r ?: lines_next(&lines))
                r = read_field(&manifest, &lines);
        r = r == -ENODATA ? -EBADMSG : r;
        r = r ?: compare_printed(&manifest, text);
        if (r < 0)
                return r;
        *ret = manifest;
        manifest = MANIFEST_NULL;
        return 0;
}

bool manifest_signature_holds(Bytes text, const SignKey *key) {
        const size_t last = strlen("signature ") + 2 * SIGNATURE_SIZE + 1;
        char line[sizeof("signature ") + 2 * SIGNATURE_SIZE + 1];
        uint8_t signature[SIGNATURE_SIZE];

        if (text.size < last)
                return false;
        memcpy(line, text.data + text.size - last, last);
        line[last] = '\0';
        if (strncmp(line, "signature ", strlen("signature ")) != 0 || line[last - 1] != '\n')
                return false;
        line[last - 1] = '\0';
        return strspn(line + strlen("signature "), "0123456789abcdef") == 2 * SIGNATURE_SIZE &&
               hex_decode(line + strlen("signature "), signature, sizeof(signature)) == 0 &&
               signature_holds(key, bytes_of(text.data, text.size - last), signature);
}
