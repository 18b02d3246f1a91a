/*
 * Spreadsheets: whatever comes in, what goes out passes the bus's own validator; a row that is not taken says why; and each row that is
 * taken gives the same again when it is read alone. The first byte picks the table and the order of dates.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/csv/translate.h"
#include "proto/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "people.csv", "referrals.csv", "contacts.csv", "stays.csv",
                                     "plan.csv",   "scores.csv",    "bereaved.csv", "services.csv" };
static CsvReader *reader, *again;
static Arena *arena;

static void open_readers(void) {
        static Profile *profile;
        ReadingOptions options = { .source = "fuzz", .timezone = "Europe/London", .want_fields = true };

        if (profile_new_default(&profile) < 0)
                abort();
        options.profile = profile;
        if (csv_reader_new(&options, &reader) < 0 || csv_reader_new(&options, &again) < 0 ||
            arena_new(&arena, 64 << 20) < 0)
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
        CsvFile file;
        CsvRow row;
        int r;

        if (!reader)
                open_readers();
        if (size == 0)
                return 0;
        if (csv_reader_open(reader, names[data[0] % (sizeof(names) / sizeof(*names))], bytes_of(data + 1, size - 1),
                            false, &file) < 0)
                abort();
        if (file.problem)
                return 0;
        while ((r = csv_reader_next(reader, &row)) > 0) {
                check_row(&row);
                if (row.verdict == CSV_TAKEN)
                        read_alone(&row, file.table, is_ascii(data, size));
        }
        if (r < 0)
                abort();
        return 0;
}
