#include "sdk/coverage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "proto/validate.h"
#include "proto/wire.h"

#define SLOTS (2 * COVERAGE_PATHS_MAX) /* a power of two: half of them stay empty */
/* The bus takes frames of this kind up to 16 KiB. */
#define BODY_MAX (12u << 10)
#define USES 3

typedef struct Row {
        char *path; /* NULL: free */
        uint64_t hash;
        uint64_t counts[USES]; /* not sent yet */
        bool in_body[USES];    /* in what coverage_encode() gave last */
} Row;

struct Coverage {
        Row rows[SLOTS];
        size_t n_rows;
        size_t n_news; /* counts that are not zero */
};

int coverage_new(Coverage **ret) {
        Coverage *coverage = calloc(1, sizeof(*coverage));

        if (!coverage)
                return -ENOMEM;
        *ret = coverage;
        return 0;
}

Coverage *coverage_free(Coverage *coverage) {
        if (!coverage)
                return NULL;
        for (size_t i = 0; i < SLOTS; i++)
                free(coverage->rows[i].path);
        free(coverage);
        return NULL;
}

/* FNV-1a: names of fields are short and nobody chooses them to collide but a source that harms its own figures. */
static uint64_t hash_path(const char *path, size_t size) {
        uint64_t hash = 0xcbf29ce484222325U;

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ (uint8_t)path[i]) * 0x100000001b3U;
        return hash;
}

/* NULL: there is no room for another path. */
static Row *row_of(Coverage *coverage, const char *path, size_t size) {
        uint64_t hash = hash_path(path, size);
        size_t at = hash & (SLOTS - 1);

        while (coverage->rows[at].path) {
                if (coverage->rows[at].hash == hash && strcmp(coverage->rows[at].path, path) == 0)
                        return &coverage->rows[at];
                at = (at + 1) & (SLOTS - 1);
        }
        if (coverage->n_rows == COVERAGE_PATHS_MAX || !utf8_is_valid(path, size))
                return NULL;
        coverage->rows[at].path = strdup(path);
        if (!coverage->rows[at].path)
                return NULL;
        coverage->rows[at].hash = hash;
        coverage->n_rows++;
        return &coverage->rows[at];
}

int coverage_add(Coverage *coverage, const char *path, carebus_field_use use) {
        size_t size = path ? strnlen(path, COVERAGE_PATH_SIZE_MAX + 1) : 0;
        Row *row;

        if (size == 0 || size > COVERAGE_PATH_SIZE_MAX || use < CAREBUS_FIELD_MAPPED || use > CAREBUS_FIELD_UNKNOWN)
                return -EINVAL;
        row = row_of(coverage, path, size);
        if (row && row->counts[use - 1]++ == 0)
                coverage->n_news++;
        return 0;
}

bool coverage_has_news(const Coverage *coverage) {
        return coverage->n_news > 0;
}

static void encode_row(const Row *row, int use, Buffer *scratch, Buffer *body) {
        buffer_clear(scratch);
        wire_text(scratch, 1, row->path);           /* CoverageField.path */
        wire_number(scratch, 2, (uint64_t)use + 1); /* CoverageField.use */
        wire_number(scratch, 3, row->counts[use]);  /* CoverageField.count */
        wire_bytes(body, 1, buffer_bytes(scratch)); /* Coverage.fields */
}

void coverage_encode(Coverage *coverage, Buffer *body) {
        _cleanup_(buffer_deinit) Buffer scratch = BUFFER_NULL;
        size_t n = 0;

        buffer_clear(body);
        for (size_t i = 0; i < SLOTS; i++) {
                Row *row = &coverage->rows[i];

                for (int use = 0; use < USES; use++) {
                        row->in_body[use] = row->counts[use] > 0 && n < COVERAGE_FIELDS_MAX &&
                                            body->size + COVERAGE_PATH_SIZE_MAX + 32 <= BODY_MAX;
                        n += row->in_body[use];
                        if (row->in_body[use])
                                encode_row(row, use, &scratch, body);
                }
        }
        if (scratch.error)
                body->error = scratch.error;
}

void coverage_sent(Coverage *coverage) {
        for (size_t i = 0; i < SLOTS; i++)
                for (int use = 0; use < USES; use++) {
                        Row *row = &coverage->rows[i];

                        if (!row->in_body[use])
                                continue;
                        row->in_body[use] = false;
                        row->counts[use] = 0;
                        coverage->n_news--;
                }
}
