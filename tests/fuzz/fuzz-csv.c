/*
 * Spreadsheets: whatever comes in, what goes out passes the bus's own validator; a row that is not taken says why; and each row that is
 * taken gives the same again when it is read alone. The first byte picks the table; from 128 on it is one of the exact form, of which
 * nothing is refused for what it says.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/csv/table.h"
#include "adapters/csv/translate.h"
#include "proto/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEMPLATES 8
#define EXACT_FROM 128

static struct { CsvReader *reader, *again; } readers[2]; /* of files that people made, and of the exact form */
static CsvReader *again;
static Arena *arena;

/* As etc/profiles/carebus-exact.yaml says it. */
static void say_exact(Profile *profile) {
        static ProfileTable tables[TABLES_MAX];

        for (size_t i = 0; i < TABLES_MAX; i++)
                tables[i] = (ProfileTable){ .name = strdup(table_at(i)->name), .is_exact = true };
        profile->tables = tables;
        profile->n_tables = TABLES_MAX;
}

static void open_readers(void) {
        static Profile *profiles[2];

        for (size_t i = 0; i < 2; i++) {
                ReadingOptions options = { .source = "fuzz", .timezone = "Europe/London", .want_fields = true };

                if (profile_new_default(&profiles[i]) < 0)
                        abort();
                if (i == 1)
                        say_exact(profiles[i]);
                options.profile = profiles[i];
                if (csv_reader_new(&options, &readers[i].reader) < 0 || csv_reader_new(&options, &readers[i].again) < 0)
                        abort();
        }
        if (arena_new(&arena, 64 << 20) < 0)
                abort();
}

static void check_event(Bytes packed) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        Carebus__V1__Event *event;
        ValidateError error;
        Arena *own;

        if (arena_new(&own, 64 << 20) < 0)
                abort();
        if (validate_event(packed, &limits, own, &event, &error) != 0)
                abort();
        arena_free(own);
}

static void check_row(const CsvRow *row) {
        const Reading *reading = &row->reading;

        if ((row->verdict == CSV_TAKEN) != (reading->n_events > 0))
                abort(); /* silently dropped */
        if (row->verdict == CSV_REFUSED &&
            (!row->message[0] || !reading->problem_code || !reason_is_valid(reading->problem_code)))
                abort();
        for (size_t i = 0; i < reading->n_fields; i++)
                if (!reading->fields[i].path[0] || strlen(reading->fields[i].path) > 120)
                        abort();
}

/* The original of a row is a file of its own. Letters that only the whole file could tell may be others there. */
static void read_alone(const CsvRow *row, const char *table, bool same_letters) {
        Bytes *packed, *packed_again;
        CsvRow alone;
        CsvFile file;

        if (csv_reader_open_table(again, table, row->reading.original, &file) < 0)
                abort();
        if (!same_letters)
                return;
        if (file.problem || csv_reader_next(again, &alone) != 1 || alone.reading.n_events != row->reading.n_events)
                abort();
        arena_reset(arena);
        if (reading_pack(&row->reading, arena, &packed) < 0 || reading_pack(&alone.reading, arena, &packed_again) < 0)
                abort();
        for (size_t i = 0; i < row->reading.n_events; i++) {
                check_event(packed[i]);
                if (!bytes_equal(packed[i], packed_again[i]))
                        abort();
        }
}

static bool is_ascii(const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (data[i] >= 0x80)
                        return false;
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char name[64];
        CsvReader *reader;
        CsvFile file;
        CsvRow row;
        bool is_exact;
        int r;

        if (!arena)
                open_readers();
        if (size == 0)
                return 0;
        is_exact = data[0] >= EXACT_FROM;
        snprintf(name, sizeof(name), "%s.csv", table_at(data[0] % (is_exact ? TABLES_MAX : TEMPLATES))->name);
        reader = readers[is_exact].reader;
        again = readers[is_exact].again;
        if (csv_reader_open(reader, name, bytes_of(data + 1, size - 1), false, &file) < 0)
                abort();
        if (file.problem)
                return 0;
        while ((r = csv_reader_next(reader, &row)) > 0) {
                check_row(&row);
                if (row.verdict == CSV_TAKEN)
                        read_alone(&row, file.table, is_ascii(data + 1, size - 1));
        }
        if (r < 0)
                abort();
        return 0;
}
