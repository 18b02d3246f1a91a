/* Problems: gathered with the line they stand in, printed for people or as JSON for programs. */
#include "config/problem.h"

#include <stdarg.h>

#include "base/text.h"

/* What is printed of a line of the file; the caret stays inside. */
#define LINE_SHOWN 120

ssize_t config_text_add(ConfigText *text, const char *path) {
        ConfigFile *files = realloc(text->files, (text->n_files + 1) * sizeof(*files));
        if (!files)
                return -ENOMEM;
        text->files = files;
        char *copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        files[text->n_files] = (ConfigFile){ .path = copy };
        return (ssize_t)text->n_files++;
}

static char *line_of(const ConfigFile *file, unsigned line) {
        const char *data = (const char *)file->content.data;
        size_t size = file->content.size, start = 0;
        if (line == 0 || !data)
                return NULL;
        for (unsigned at = 1; at < line; at++) {
                const char *end = memchr(data + start, '\n', size - start);
                if (!end)
                        return NULL;
                start = (size_t)(end - data) + 1;
        }
        const char *end = memchr(data + start, '\n', size - start);
        size_t length = end ? (size_t)(end - data) - start : size - start;
        if (length > 0 && data[start + length - 1] == '\r')
                length--;
        return bytes_to_text(bytes_of(data + start, length));
}

static ConfigProblem *problem_new(ConfigProblems *problems) {
        if (problems->n_items >= PROBLEMS_MAX)
                return NULL;
        ConfigProblem *items = realloc(problems->items, (problems->n_items + 1) * sizeof(*items));
        if (!items)
                return NULL;
        problems->items = items;
        ConfigProblem *problem = &items[problems->n_items++];
        *problem = (ConfigProblem){ 0 };
        return problem;
}

_printf_(4, 0) static void problem_add(Report *report, Place place, bool is_warning, const char *format,
                                       va_list arguments) {
        if (!is_warning)
                report->problems->n_errors++;
        ConfigProblem *problem = problem_new(report->problems);
        if (!problem)
                return;
        problem->is_warning = is_warning;
        problem->line = place.line;
        problem->column = place.column;
        if (vasprintf(&problem->message, format, arguments) < 0)
                problem->message = NULL;
        if (report->text && place.file < report->text->n_files) {
                const ConfigFile *file = &report->text->files[place.file];
                problem->file = strdup(file->path);
                problem->source_line = line_of(file, place.line);
        } else if (report->path)
                problem->file = strdup(report->path);
}

void report_error(Report *report, Place place, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        problem_add(report, place, /* is_warning= */ false, format, arguments);
        va_end(arguments);
}

void report_warning(Report *report, Place place, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        problem_add(report, place, /* is_warning= */ true, format, arguments);
        va_end(arguments);
}

void report_hint(Report *report, const char *format, ...) {
        ConfigProblems *problems = report->problems;
        if (problems->n_items == 0 || problems->n_items >= PROBLEMS_MAX)
                return;
        ConfigProblem *problem = &problems->items[problems->n_items - 1];
        free(problem->hint);
        problem->hint = NULL;
        va_list arguments;
        va_start(arguments, format);
        if (vasprintf(&problem->hint, format, arguments) < 0)
                problem->hint = NULL;
        va_end(arguments);
}

void report_source(Report *report, const char *source) {
        ConfigProblems *problems = report->problems;
        if (problems->n_items == 0 || problems->n_items >= PROBLEMS_MAX)
                return;
        ConfigProblem *problem = &problems->items[problems->n_items - 1];
        free(problem->source);
        problem->source = strdup(source); /* without: everybody hears of it */
}

bool report_did_you_mean(Report *report, const char *word, const char *const *candidates, size_t n_candidates) {
        const char *near = text_did_you_mean(word, candidates, n_candidates);
        if (near)
                report_hint(report, "did you mean '%s'?", near);
        return near != NULL;
}

static size_t file_order(const ConfigText *text, const char *file) {
        for (size_t i = 0; file && i < text->n_files; i++)
                if (strcmp(text->files[i].path, file) == 0)
                        return i;
        return SIZE_MAX;
}

typedef struct Ranked {
        ConfigProblem problem;
        size_t file, place;
} Ranked;

static int compare_ranked(const void *a, const void *b) {
        const Ranked *one = a, *other = b;
        if (one->file != other->file)
                return one->file < other->file ? -1 : 1;
        if (one->problem.line != other->problem.line)
                return one->problem.line < other->problem.line ? -1 : 1;
        if (one->problem.column != other->problem.column)
                return one->problem.column < other->problem.column ? -1 : 1;
        return one->place < other->place ? -1 : one->place > other->place;
}

void problems_sort(ConfigProblems *problems, const ConfigText *text) {
        _cleanup_(freep) Ranked *ranked = calloc(MAX(problems->n_items, (size_t)1), sizeof(*ranked));
        if (!ranked || problems->n_items < 2)
                return; /* the order is a courtesy */
        for (size_t i = 0; i < problems->n_items; i++)
                ranked[i] = (Ranked){
                        .problem = problems->items[i],
                        .file = file_order(text, problems->items[i].file),
                        .place = i,
                };
        qsort(ranked, problems->n_items, sizeof(*ranked), compare_ranked);
        for (size_t i = 0; i < problems->n_items; i++)
                problems->items[i] = ranked[i].problem;
}

static void problem_deinit(ConfigProblem *problem) {
        free(problem->file);
        free(problem->message);
        free(problem->hint);
        free(problem->source_line);
        free(problem->source);
}

void config_problems_keep_own(ConfigProblems *problems, const char *source) {
        size_t kept = 0;
        for (size_t i = 0; i < problems->n_items; i++) {
                ConfigProblem *problem = &problems->items[i];
                if (problem->is_warning && problem->source && !text_equal(problem->source, source))
                        problem_deinit(problem);
                else
                        problems->items[kept++] = *problem;
        }
        problems->n_items = kept;
}

void config_problems_deinit(ConfigProblems *problems) {
        for (size_t i = 0; i < problems->n_items; i++)
                problem_deinit(&problems->items[i]);
        free(problems->items);
        *problems = (ConfigProblems){ 0 };
}

/*
 * For people
 */

/* The bytes of the first `n` characters. */
static size_t bytes_of_characters(const char *text, size_t size, size_t n) {
        size_t at = 0;
        while (at < size && n > 0) {
                at++;
                while (at < size && ((unsigned char)text[at] & 0xc0) == 0x80)
                        at++;
                n--;
        }
        return at;
}

static size_t count_characters(const char *text) {
        size_t n = 0;
        for (; *text; text++)
                n += ((unsigned char)*text & 0xc0) != 0x80;
        return n;
}

/* The line and a caret under the column; a long line is cut so that the place is in view. */
static void print_line(const ConfigProblem *problem, FILE *stream) {
        _cleanup_(freep) char *line = strdup(problem->source_line);
        if (!line)
                return;
        for (char *c = line; *c; c++)
                if (*c == '\t')
                        *c = ' '; /* one column, as the position counts it */
        size_t size = strlen(line);
        size_t column = problem->column > 0 ? problem->column - 1 : 0;
        size_t skipped = column > LINE_SHOWN - 20 ? column - (LINE_SHOWN - 20) : 0;
        size_t start = bytes_of_characters(line, size, skipped);
        size_t place = bytes_of_characters(line, size, column);
        size_t end = start + bytes_of_characters(line + start, size - start, LINE_SHOWN);

        _cleanup_(freep) char *before = text_escaped(bytes_of(line + start, place - start));
        _cleanup_(freep) char *after = text_escaped(bytes_of(line + place, end - place));
        if (!before || !after)
                return;
        fprintf(stream, "  %s%s\n", before, after);
        if (problem->column > 0)
                fprintf(stream, "  %*s^\n", (int)count_characters(before), "");
}

static void print_escaped(FILE *stream, const char *text) {
        _cleanup_(freep) char *escaped = text_escaped(bytes_of_text(text));
        fputs(escaped ? escaped : "(out of memory)", stream);
}

void config_problems_print(const ConfigProblems *problems, FILE *stream) {
        size_t n_errors = 0;
        for (size_t i = 0; i < problems->n_items; i++) {
                const ConfigProblem *problem = &problems->items[i];
                n_errors += !problem->is_warning;
                if (problem->file)
                        print_escaped(stream, problem->file);
                if (problem->line > 0)
                        fprintf(stream, ":%u:%u", problem->line, problem->column);
                fprintf(stream, "%s%s: ", problem->file ? ": " : "", problem->is_warning ? "warning" : "error");
                print_escaped(stream, problem->message ? problem->message : "out of memory");
                fputc('\n', stream);
                if (problem->source_line)
                        print_line(problem, stream);
                if (problem->hint) {
                        fputs("  hint: ", stream);
                        print_escaped(stream, problem->hint);
                        fputc('\n', stream);
                }
        }
        if (problems->n_errors > n_errors)
                fprintf(stream, "and %zu errors more\n", problems->n_errors - n_errors);
}

/*
 * For programs. Written by hand: config/ stands below the file that knows the JSON library, and this is all it needs.
 */

static void json_text(FILE *stream, const char *text) {
        if (!text) {
                fputs("null", stream);
                return;
        }
        size_t size = strlen(text);
        fputc('"', stream);
        for (size_t i = 0; i < size;) {
                unsigned char c = (unsigned char)text[i];
                size_t valid = c < 0x80 ? 1 : utf8_valid_prefix(text + i, bytes_of_characters(text + i, size - i, 1));
                if (valid == 0) {
                        fputs("\\ufffd", stream);
                        i++;
                        continue;
                }
                if (c == '"' || c == '\\')
                        fprintf(stream, "\\%c", c);
                else if (c < 0x20 || c == 0x7f)
                        fprintf(stream, "\\u%04x", c);
                else
                        fwrite(text + i, 1, valid, stream);
                i += valid;
        }
        fputc('"', stream);
}

static void json_member(FILE *stream, const char *name, const char *text) {
        fprintf(stream, "\"%s\":", name);
        json_text(stream, text);
}

void config_problems_json(const ConfigProblems *problems, FILE *stream) {
        size_t n_warnings = 0;
        for (size_t i = 0; i < problems->n_items; i++)
                n_warnings += problems->items[i].is_warning;
        fprintf(stream, "{\"errors\":%zu,\"warnings\":%zu,\"problems\":[", problems->n_errors, n_warnings);
        for (size_t i = 0; i < problems->n_items; i++) {
                const ConfigProblem *problem = &problems->items[i];
                fputs(i > 0 ? ",{" : "{", stream);
                json_member(stream, "file", problem->file);
                fprintf(stream, ",\"line\":%u,\"column\":%u,", problem->line, problem->column);
                json_member(stream, "severity", problem->is_warning ? "warning" : "error");
                fputc(',', stream);
                json_member(stream, "message", problem->message);
                fputc(',', stream);
                json_member(stream, "hint", problem->hint);
                fputc('}', stream);
        }
        fputs("]}\n", stream);
}
