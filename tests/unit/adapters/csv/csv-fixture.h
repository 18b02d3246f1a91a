#pragma once
/* A reader over a profile that the test changes, and short ways to look at what became of each row. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/csv/translate.h"
#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "proto/json.h"
#include "proto/validate.h"

#define ROWS_KEPT 64

typedef struct KeptRow {
        size_t line, n_events;
        CsvVerdict verdict;
        char message[512], types[256];
        char *json; /* of its events, one a line */
        char *original;
} KeptRow;

static Profile *profile;
static CsvReader *reader;
static CsvFile csv_file;
static KeptRow rows[ROWS_KEPT];
static size_t n_rows;

static inline void forget_rows(void) {
        for (size_t i = 0; i < n_rows; i++) {
                free(rows[i].json);
                free(rows[i].original);
        }
        memset(rows, 0, sizeof(rows));
        n_rows = 0;
}

static inline int fixture_setup(void **state) {
        return profile_new_default(&profile);
}

static inline int fixture_teardown(void **state) {
        forget_rows();
        reader = csv_reader_free(reader);
        profile = profile_free(profile);
        return 0;
}

/* The test's own profile, as an administrator writes it. */
static inline void use_profile(const char *yaml) {
        char folder[] = "/tmp/carebus-profile-XXXXXX", path[64];
        ConfigProblems problems = { 0 };
        int r;

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/own.yaml", folder);
        assert_int_equal(file_replace(path, yaml, strlen(yaml), 0600), 0);
        reader = csv_reader_free(reader);
        profile = profile_free(profile);
        r = profile_load(path, &profile, &problems);
        config_problems_print(&problems, stderr);
        assert_int_equal(r, 0);
        config_problems_deinit(&problems);
        unlink(path);
        rmdir(folder);
}

static inline void keep_events(const Reading *reading, KeptRow *ret) {
        _cleanup_(buffer_deinit) Buffer lines = BUFFER_NULL;
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        ValidateError error;
        Bytes *packed;
        Arena *arena;

        assert_int_equal(arena_new(&arena, 16 << 20), 0);
        assert_int_equal(reading_pack(reading, arena, &packed), 0);
        for (size_t i = 0; i < reading->n_events; i++) {
                char *line = json_line(&reading->events[i]->base);
                Carebus__V1__Event *event;

                assert_non_null(line);
                buffer_append_text(&lines, line);
                buffer_append_text(&lines, "\n");
                free(line);
                snprintf(ret->types + strlen(ret->types), sizeof(ret->types) - strlen(ret->types), "%s%s", i ? " " : "",
                         reading->events[i]->type);
                /* What holds for any row: the bus's own validator takes it. */
                assert_int_equal(validate_event(packed[i], &limits, arena, &event, &error), 0);
        }
        arena_free(arena);
        buffer_append_byte(&lines, 0);
        ret->json = buffer_steal_text(&lines);
        assert_non_null(ret->json);
}

static inline void keep_row(const CsvRow *row) {
        KeptRow *kept = &rows[n_rows];

        assert_true(n_rows < ROWS_KEPT);
        n_rows++;
        *kept = (KeptRow){ .line = row->line, .verdict = row->verdict, .n_events = row->reading.n_events };
        snprintf(kept->message, sizeof(kept->message), "%s", row->message);
        kept->original = bytes_to_text(row->reading.original);
        keep_events(&row->reading, kept);
        assert_true((row->verdict == CSV_TAKEN) == (row->reading.n_events > 0));
        if (row->reading.problem_code)
                assert_true(reason_is_valid(row->reading.problem_code));
}

static inline void read_bytes(const char *name, Bytes bytes) {
        const ReadingOptions options = {
                .source = "hospice", .profile = profile, .timezone = "Europe/London", .want_fields = true
        };
        CsvRow row;
        int r;

        forget_rows();
        if (!reader)
                assert_int_equal(csv_reader_new(&options, &reader), 0);
        assert_int_equal(csv_reader_open(reader, name, bytes, /* by_columns= */ false, &csv_file), 0);
        if (csv_file.problem)
                return;
        while ((r = csv_reader_next(reader, &row)) > 0)
                keep_row(&row);
        assert_int_equal(r, 0);
}

static inline void read_text(const char *name, const char *text) {
        read_bytes(name, bytes_of_text(text));
}

/* How a moment was put, and that its zone was not said, go where it is written anew with its zone: the moment stays. */
static inline void forget_wording(ProtobufCMessage *message) {
        if (message->descriptor == &carebus__v1__when__descriptor) {
                ((Carebus__V1__When *)message)->text = NULL;
                ((Carebus__V1__When *)message)->has_zone_assumed = ((Carebus__V1__When *)message)->zone_assumed = false;
        }
        if (message->descriptor == &carebus__v1__date__descriptor)
                ((Carebus__V1__Date *)message)->text = NULL;
        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                char *at = (char *)message + field->offset;
                uint32_t which = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF
                                         ? *(uint32_t *)((char *)message + field->quantifier_offset)
                                         : field->id;

                if (field->type != PROTOBUF_C_TYPE_MESSAGE || which != field->id)
                        continue;
                if (field->label != PROTOBUF_C_LABEL_REPEATED && *(ProtobufCMessage **)at)
                        forget_wording(*(ProtobufCMessage **)at);
                for (size_t k = 0; field->label == PROTOBUF_C_LABEL_REPEATED &&
                                   k < *(size_t *)((char *)message + field->quantifier_offset);
                     k++)
                        forget_wording((*(ProtobufCMessage ***)at)[k]);
        }
}

static inline void assert_has(const char *text, const char *part) {
        if (!strstr(text, part))
                fail_msg("no '%s' in: %s", part, text);
}
static inline void assert_has_not(const char *text, const char *part) {
        if (strstr(text, part))
                fail_msg("'%s' in: %s", part, text);
}

/* Row `index` was taken, made events of these types, and its receipt says nothing. */
static inline void assert_taken(size_t index, const char *types) {
        assert_true(index < n_rows);
        if (rows[index].verdict != CSV_TAKEN || rows[index].message[0])
                fail_msg("row %zu: %s", index, rows[index].message);
        assert_string_equal(rows[index].types, types);
}
static inline void assert_noted(size_t index, const char *message) {
        assert_true(index < n_rows);
        assert_int_equal(rows[index].verdict, CSV_TAKEN);
        assert_has(rows[index].message, message);
}
static inline void assert_refused(size_t index, const char *message) {
        assert_true(index < n_rows);
        if (rows[index].verdict != CSV_REFUSED)
                fail_msg("row %zu was not refused: %s", index, rows[index].json);
        assert_has(rows[index].message, message);
}
static inline bool has_file_note(const char *part) {
        for (size_t i = 0; i < csv_file.n_notes; i++)
                if (strstr(csv_file.notes[i], part))
                        return true;
        return false;
}
