#include "daemon/stage/coverage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "proto/check.h"
#include "proto/validate.h"

#define SLOTS (2 * COVERAGE_LINES_MAX) /* a power of two: half of them stay empty */
#define FILE_SIZE_MAX (64u << 20)
#define MEMORY_MAX (256u << 20)
#define CODE_SIZE_MAX 32

typedef struct Line {
        char *path; /* NULL: free */
        int use;
        uint64_t count;
        int64_t first_at, last_at;
} Line;

typedef struct SourceLines {
        char *source;
        Line lines[SLOTS];
        size_t n_lines;
        bool is_full;
} SourceLines;

struct Coverage {
        SourceLines **sources;
        size_t n_sources;
        bool changed; /* since it was saved */
};

int coverage_new(Coverage **ret) {
        Coverage *coverage = calloc(1, sizeof(*coverage));

        if (!coverage)
                return -ENOMEM;
        *ret = coverage;
        return 0;
}

static void coverage_clear(Coverage *coverage) {
        for (size_t i = 0; i < coverage->n_sources; i++) {
                for (size_t n = 0; n < SLOTS; n++)
                        free(coverage->sources[i]->lines[n].path);
                free(coverage->sources[i]->source);
                free(coverage->sources[i]);
        }
        free(coverage->sources);
        *coverage = (Coverage){ .sources = NULL };
}

Coverage *coverage_free(Coverage *coverage) {
        if (!coverage)
                return NULL;
        coverage_clear(coverage);
        free(coverage);
        return NULL;
}

static SourceLines *source_lines(Coverage *coverage, const char *source) {
        SourceLines **grown, *lines;

        for (size_t i = 0; i < coverage->n_sources; i++)
                if (text_equal(coverage->sources[i]->source, source))
                        return coverage->sources[i];
        grown = reallocarray(coverage->sources, coverage->n_sources + 1, sizeof(*grown));
        if (!grown)
                return NULL;
        coverage->sources = grown;
        lines = calloc(1, sizeof(*lines));
        if (lines)
                lines->source = strdup(source);
        if (!lines || !lines->source) {
                free(lines);
                return NULL;
        }
        coverage->sources[coverage->n_sources++] = lines;
        return lines;
}

static size_t hash_of(const char *path, int use) {
        uint64_t hash = 0xcbf29ce484222325U ^ (uint64_t)use;

        for (; *path; path++)
                hash = (hash ^ (uint8_t)*path) * 0x100000001b3U;
        return (size_t)(hash & (SLOTS - 1));
}

/* 0 with the line; 1 where there is no room for another; -ENOMEM. */
static int line_of(SourceLines *lines, const char *path, int use, Line **ret) {
        size_t at = hash_of(path, use);

        for (; lines->lines[at].path; at = (at + 1) & (SLOTS - 1))
                if (lines->lines[at].use == use && strcmp(lines->lines[at].path, path) == 0) {
                        *ret = &lines->lines[at];
                        return 0;
                }
        if (lines->n_lines == COVERAGE_LINES_MAX) {
                lines->is_full = true;
                return 1;
        }
        lines->lines[at].path = strdup(path);
        if (!lines->lines[at].path)
                return -ENOMEM;
        lines->lines[at].use = use;
        lines->n_lines++;
        *ret = &lines->lines[at];
        return 0;
}

int coverage_add(Coverage *coverage, const char *source, const Carebus__V1__CoverageField *field, int64_t now_at,
                 bool *ret_is_new) {
        SourceLines *lines = source_lines(coverage, source);
        Line *line;
        int r;

        *ret_is_new = false;
        if (!lines)
                return -ENOMEM;
        r = line_of(lines, field->path, (int)field->use, &line);
        if (r)
                return r < 0 ? r : 0;
        *ret_is_new = line->count == 0;
        if (line->count == 0)
                line->first_at = now_at;
        line->last_at = now_at;
        line->count = MIN(line->count + MAX(field->count, (uint64_t)1), COUNT_MAX);
        coverage->changed = true;
        return 0;
}

static bool code_is_a_word(const char *code) {
        size_t n = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-");

        return n > 0 && n <= CODE_SIZE_MAX && code[n] == '\0';
}

int coverage_add_miss(Coverage *coverage, const char *source, const char *path, const char *code, int64_t now_at,
                      bool *ret_is_new) {
        Carebus__V1__CoverageField field = CAREBUS__V1__COVERAGE_FIELD__INIT;
        char text[COVERAGE_PATH_MAX + CODE_SIZE_MAX + 2];
        size_t n = strlen(path);

        *ret_is_new = false;
        if (n > COVERAGE_PATH_MAX - CODE_SIZE_MAX - 1)
                return 0;
        memcpy(text, path, n + 1);
        if (code_is_a_word(code)) {
                text[n] = '=';
                memcpy(text + n + 1, code, strlen(code) + 1);
        }
        field.path = text;
        field.use = CAREBUS__V1__COVERAGE_FIELD__USE__USE_NO_MAP;
        field.count = 1;
        return coverage_add(coverage, source, &field, now_at, ret_is_new);
}

static int compare_lines(const void *a, const void *b) {
        const Carebus__V1__CoverageLine *one = *(Carebus__V1__CoverageLine *const *)a,
                                        *other = *(Carebus__V1__CoverageLine *const *)b;

        return one->use != other->use ? (one->use < other->use ? -1 : 1) : strcmp(one->path, other->path);
}

static Carebus__V1__SourceCoverage *answer_source(const SourceLines *lines, Arena *arena) {
        Carebus__V1__SourceCoverage *answer = arena_alloc(arena, sizeof(*answer));
        Carebus__V1__CoverageLine *items = arena_alloc(arena, (lines->n_lines + 1) * sizeof(*items));

        if (!answer || !items)
                return NULL;
        carebus__v1__source_coverage__init(answer);
        answer->source = lines->source;
        answer->lines = arena_alloc(arena, (lines->n_lines + 1) * sizeof(*answer->lines));
        if (!answer->lines)
                return NULL;
        for (size_t i = 0; i < SLOTS; i++) {
                const Line *line = &lines->lines[i];
                Carebus__V1__CoverageLine *item = &items[answer->n_lines];

                if (!line->path)
                        continue;
                carebus__v1__coverage_line__init(item);
                item->path = line->path;
                item->has_use = item->has_count = item->has_first_at = item->has_last_at = true;
                item->use = (Carebus__V1__CoverageField__Use)line->use;
                item->count = line->count;
                item->first_at = line->first_at;
                item->last_at = line->last_at;
                answer->lines[answer->n_lines++] = item;
        }
        qsort(answer->lines, answer->n_lines, sizeof(*answer->lines), compare_lines);
        answer->has_is_full = answer->is_full = lines->is_full;
        return answer;
}

int coverage_answer(const Coverage *coverage, const char *source, Arena *arena, Carebus__V1__CoverageReply *ret) {
        carebus__v1__coverage_reply__init(ret);
        ret->sources = arena_alloc(arena, (coverage->n_sources + 1) * sizeof(*ret->sources));
        if (!ret->sources)
                return -ENOMEM;
        for (size_t i = 0; i < coverage->n_sources; i++) {
                if (source && !text_equal(source, coverage->sources[i]->source))
                        continue;
                ret->sources[ret->n_sources] = answer_source(coverage->sources[i], arena);
                if (!ret->sources[ret->n_sources++])
                        return -ENOMEM;
        }
        return 0;
}

/* ---- the file: SHA-256 of what follows, then a packed CoverageReply */

static int take_source(Coverage *coverage, const Carebus__V1__SourceCoverage *source) {
        SourceLines *lines;

        if (!source->source || !name_is_valid(source->source))
                return -EBADMSG;
        lines = source_lines(coverage, source->source);
        if (!lines)
                return -ENOMEM;
        for (size_t i = 0; i < source->n_lines; i++) {
                const Carebus__V1__CoverageLine *said = source->lines[i];
                Line *line;
                int r = said->path ? line_of(lines, said->path, (int)said->use, &line) : -EBADMSG;

                if (r < 0)
                        return r;
                if (r > 0)
                        break;
                line->count = said->count;
                line->first_at = said->first_at;
                line->last_at = said->last_at;
        }
        lines->is_full = lines->is_full || source->is_full;
        return 0;
}

int coverage_load(Coverage *coverage, const char *path) {
        static const CheckLimits limits = { .max_size = FILE_SIZE_MAX,
                                            .max_text = COVERAGE_PATH_MAX,
                                            .max_repeated = COVERAGE_LINES_MAX,
                                            .max_elements = FILE_SIZE_MAX,
                                            .max_unknown = FILE_SIZE_MAX,
                                            .max_memory = MEMORY_MAX };
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__CoverageReply *reply;
        uint8_t sum[SHA256_SIZE];
        int r = file_read(path, FILE_SIZE_MAX, &file);

        if (r < 0)
                return r == -ENOENT ? 0 : r == -EFBIG ? -EBADMSG : r;
        if (file.size < SHA256_SIZE)
                return -EBADMSG;
        sha256(file.data + SHA256_SIZE, file.size - SHA256_SIZE, sum);
        if (memcmp(sum, file.data, SHA256_SIZE) != 0)
                return -EBADMSG;
        r = arena_new(&arena, MEMORY_MAX);
        if (r < 0)
                return r;
        r = check_unpack(&carebus__v1__coverage_reply__descriptor,
                         bytes_of(file.data + SHA256_SIZE, file.size - SHA256_SIZE), &limits, arena,
                         (ProtobufCMessage **)&reply, NULL);
        if (r)
                return r < 0 ? r : -EBADMSG;
        for (size_t i = 0; i < reply->n_sources; i++) {
                r = take_source(coverage, reply->sources[i]);
                if (r < 0) {
                        coverage_clear(coverage);
                        return r;
                }
        }
        coverage->changed = false;
        return 0;
}

int coverage_save(Coverage *coverage, const char *path) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__CoverageReply reply;
        uint8_t *packed;
        size_t size;
        int r;

        if (!coverage->changed)
                return 0;
        r = arena_new(&arena, MEMORY_MAX);
        if (r == 0)
                r = coverage_answer(coverage, NULL, arena, &reply);
        if (r < 0)
                return r;
        size = carebus__v1__coverage_reply__get_packed_size(&reply);
        packed = arena_alloc(arena, SHA256_SIZE + size);
        if (!packed)
                return -ENOMEM;
        carebus__v1__coverage_reply__pack(&reply, packed + SHA256_SIZE);
        sha256(packed + SHA256_SIZE, size, packed);
        r = file_replace(path, packed, SHA256_SIZE + size, 0600);
        if (r == 0)
                coverage->changed = false;
        return r;
}
