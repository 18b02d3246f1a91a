/* See reader.h. What the receipt says to a person stands in the reading as the place of a problem. */
#include "adapters/csv/reader.h"

#include <errno.h>
#include <stdio.h>

#include "adapters/csv/translate.h"

static int reader_open(const ReadingOptions *options, void **ret) {
        CsvReader *reader;
        int r = csv_reader_new(options, &reader);

        if (r == 0)
                *ret = reader;
        return r;
}

static void reader_close(void *reader) {
        csv_reader_free(reader);
}

/* A file of which no row can be read is one reading with a problem, and its bytes are what they are. */
static int read_nothing(const CsvFile *csv, Bytes file, ReadingSeen seen, void *owner) {
        char position[400], trigger[64];
        const Reading reading = {
                .problem_code = csv->problem_code,
                .problem_position = position,
                .problem_urgent = true, /* nobody has looked into it */
                .message_time = INT64_MIN,
                .media_type = CSV_MEDIA_TYPE,
                .trigger = trigger,
                .original = file,
        };

        snprintf(trigger, sizeof(trigger), "%s.csv", csv->table ? csv->table : "unknown");
        snprintf(position, sizeof(position), "line %zu: %s", csv->problem_line ? csv->problem_line : 1, csv->problem);
        return seen(owner, &reading);
}

static int reader_read(void *reader, const char *name, Bytes file, ReadingSeen seen, void *owner) {
        CsvFile csv;
        CsvRow row;
        int r = csv_reader_open(reader, name, file, /* by_columns= */ true, &csv);

        if (r < 0)
                return r;
        if (csv.problem)
                return read_nothing(&csv, file, seen, owner);
        while ((r = csv_reader_next(reader, &row)) > 0) {
                if (row.verdict == CSV_LEFT_OUT)
                        continue;
                r = seen(owner, &row.reading);
                if (r < 0)
                        return r;
        }
        return r;
}

const ReaderClass csv_reader = {
        .program = "carebus-csv",
        .open = reader_open,
        .close = reader_close,
        .read = reader_read,
};
