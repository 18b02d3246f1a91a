/*
 * --write FILE: a table is printed whole, its first line and then its rows, and an empty line behind it. What no table has a row for is
 * said to standard error, by type and place and never by content.
 */
#include "adapters/csv/out-write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/csv/exact.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "proto/json.h"

#define FILE_MAX (256UL << 20)
#define ARENA_MAX (128UL << 20)
#define TIMEZONE_DEFAULT "Europe/London" /* of the times in the rows: nothing in a line says whose they are */
#define TABLES_MAX 16

typedef struct Written {
        const Table *table;
        Buffer rows;
} Written;

typedef struct WriteRun {
        const char *program;
        Arena *arena;
        Zone *zone;
        Written tables[TABLES_MAX];
        size_t n_lines;
} WriteRun;

static void run_deinit(WriteRun *run) {
        for (size_t i = 0; i < TABLES_MAX; i++)
                buffer_deinit(&run->tables[i].rows);
        zone_free(run->zone);
        arena_free(run->arena);
}

static Written *written_of(WriteRun *run, const Table *table) {
        for (size_t i = 0; i < TABLES_MAX; i++) {
                if (run->tables[i].table && run->tables[i].table != table)
                        continue;
                if (!run->tables[i].table)
                        exact_head(table, &run->tables[i].rows);
                run->tables[i].table = table;
                return &run->tables[i];
        }
        return NULL; /* there are not so many templates */
}

/* Whose numbers the receiver's own are nobody says here: those of the source that the line is of. */
static const char *own_system(const Carebus__V1__Event *event) {
        for (size_t i = 0; event->patient && i < event->patient->n_identifiers; i++)
                if (event->patient->identifiers[i]->system &&
                    text_starts_with(event->patient->identifiers[i]->system, "carebus:"))
                        return event->patient->identifiers[i]->system;
        return NULL;
}

static int event_write(WriteRun *run, const Carebus__V1__Event *event, size_t index) {
        const char *systems[] = { own_system(event) };
        const ExactOptions options = { .zone = run->zone, .systems = systems, .n_systems = systems[0] != NULL };
        _cleanup_(buffer_deinit) Buffer row = BUFFER_NULL;
        const Table *table;
        Written *written;
        int r = exact_row(&options, event, &table, &row);

        if (r > 0)
                error_print(run->program, "line %zu, event %zu: no table has a row for %s", run->n_lines, index + 1,
                            event->type);
        if (r != 0)
                return MIN(r, 0);
        written = written_of(run, table);
        if (!written)
                return -ENOBUFS;
        buffer_append_bytes(&written->rows, buffer_bytes(&row));
        return written->rows.error;
}

/* 0, or an exit code. */
static int line_write(WriteRun *run, const char *line) {
        Carebus__V1__Event **events;
        size_t n;
        int r;

        run->n_lines++;
        if (line[strspn(line, " \t\r")] == 0)
                return 0;
        arena_reset(run->arena);
        r = json_events_read(line, run->arena, &events, &n);
        if (r == -EBADMSG) {
                error_print(run->program, "line %zu is no line of --translate: {\"events\":[...]}", run->n_lines);
                return EXIT_BAD_INPUT;
        }
        for (size_t i = 0; r == 0 && i < n; i++)
                r = event_write(run, events[i], i);
        return r < 0 ? EXIT_SOFTWARE : 0;
}

int csv_write_main(const char *program, const char *file) {
        _cleanup_(run_deinit) WriteRun run = { .program = program };
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        _cleanup_(freep) char *text = NULL;
        char *state = NULL;
        int r, worst = EXIT_DONE;

        if (arena_new(&run.arena, ARENA_MAX) < 0 || zone_new(TIMEZONE_DEFAULT, &run.zone) != 0) {
                error_print(program, "the time zone " TIMEZONE_DEFAULT " cannot be read; is tzdata installed?");
                return EXIT_SOFTWARE;
        }
        r = file_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, FILE_MAX, &content);
        if (r < 0) {
                error_print(program, "%s cannot be read: %s", file, strerror(-r));
                return EXIT_BAD_INPUT;
        }
        text = buffer_steal_text(&content);
        for (char *line = text ? strtok_r(text, "\n", &state) : NULL; line; line = strtok_r(NULL, "\n", &state)) {
                r = line_write(&run, line);
                worst = r ? r : worst;
        }
        for (size_t i = 0; i < TABLES_MAX && run.tables[i].table; i++) {
                fwrite(run.tables[i].rows.data, 1, run.tables[i].rows.size, stdout);
                fputs("\r\n", stdout);
        }
        return fflush(stdout) == EOF ? EXIT_SOFTWARE : worst;
}
