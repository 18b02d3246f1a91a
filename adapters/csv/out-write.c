/*
 * --write FILE: a table is printed whole, its first line and then its rows, and an empty line behind it. What no table has a row for is
 * said to standard error, by type and place and never by content.
 */
#include "adapters/csv/out-write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/common/input.h"
#include "adapters/csv/exact.h"
#include "base/error.h"
#include "base/text.h"

#define TIMEZONE_DEFAULT "Europe/London" /* of the times in the rows: nothing in a line says whose they are */

typedef struct Written {
        const Table *table;
        Buffer rows;
} Written;

typedef struct WriteRun {
        const char *program;
        Zone *zone;
        Written tables[TABLES_MAX];
} WriteRun;

static void run_deinit(WriteRun *run) {
        for (size_t i = 0; i < TABLES_MAX; i++)
                buffer_deinit(&run->tables[i].rows);
        zone_free(run->zone);
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

static int event_write(void *owner, Carebus__V1__Event *event, size_t line, size_t place) {
        WriteRun *run = owner;
        const char *systems[] = { own_system(event) };
        const ExactOptions options = { .zone = run->zone, .systems = systems, .n_systems = systems[0] != NULL };
        _cleanup_(buffer_deinit) Buffer row = BUFFER_NULL;
        const Table *table;
        Written *written;
        int r = exact_row(&options, event, &table, &row);

        if (r > 0)
                error_print(run->program, "line %zu, event %zu: no table has a row for %s", line, place, event->type);
        if (r != 0)
                return MIN(r, 0);
        written = written_of(run, table);
        if (!written)
                return -ENOBUFS;
        buffer_append_bytes(&written->rows, buffer_bytes(&row));
        return written->rows.error;
}

int csv_write_main(const char *program, const char *file) {
        _cleanup_(run_deinit) WriteRun run = { .program = program };
        int r;

        if (zone_new(TIMEZONE_DEFAULT, &run.zone) != 0) {
                error_print(program, "the time zone " TIMEZONE_DEFAULT " cannot be read; is tzdata installed?");
                return EXIT_SOFTWARE;
        }
        r = input_events(program, file, event_write, &run);
        for (size_t i = 0; i < TABLES_MAX && run.tables[i].table; i++) {
                fwrite(run.tables[i].rows.data, 1, run.tables[i].rows.size, stdout);
                fputs("\r\n", stdout);
        }
        return fflush(stdout) == EOF ? EXIT_SOFTWARE : r;
}
