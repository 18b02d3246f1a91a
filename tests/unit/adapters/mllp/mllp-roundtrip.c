/*
 * Every event that the messages of some files give, written and read again: what differs, counted by type and field. Not a test by
 * itself: tests/system/test_mllp_roundtrip.py runs it over the corpus and holds the list of what HL7 cannot say.
 *
 *   mllp-roundtrip FILE... -> a line of JSON a difference: {"type":..., "path":..., "kind": "lost|new|other", "count":n, "file":...}
 *   and one of totals. With -v each difference with its values, to standard error.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/mllp/batch.h"
#include "adapters/mllp/translate.h"
#include "adapters/mllp/writer.h"
#include "base/file.h"
#include "base/text.h"
#include "canon/normalise.h"
#include "tests/unit/adapters/mllp/roundtrip.h"

#define ARENA_MAX (256UL << 20)
#define ZONE "Europe/London"

typedef struct Count {
        char type[64], path[128], kind[8], file[96];
        size_t n;
} Count;

typedef struct Run {
        Profile *profile;
        Zone *zone;
        Translator *first, *second;
        Writer *writer;
        Arena *arena;
        const char *file, *type;
        const char *wire;
        bool is_verbose;
        Count *counts;
        size_t n_counts;
        size_t n_messages, n_events, n_written, n_same, n_not_said, n_not_whole, n_unread, n_gone;
} Run;

static void die(const char *what, int r) {
        fprintf(stderr, "mllp-roundtrip: %s: %s\n", what, strerror(-r));
        exit(1);
}

static void count(Run *run, const char *type, const char *path, const char *kind) {
        for (size_t i = 0; i < run->n_counts; i++)
                if (strcmp(run->counts[i].type, type) == 0 && strcmp(run->counts[i].path, path) == 0 &&
                    strcmp(run->counts[i].kind, kind) == 0) {
                        run->counts[i].n++;
                        return;
                }
        run->counts = realloc(run->counts, (run->n_counts + 1) * sizeof(*run->counts));
        if (!run->counts)
                die("memory", -ENOMEM);
        Count *added = &run->counts[run->n_counts++];
        memset(added, 0, sizeof(*added));
        snprintf(added->type, sizeof(added->type), "%s", type);
        snprintf(added->path, sizeof(added->path), "%s", path);
        snprintf(added->kind, sizeof(added->kind), "%s", kind);
        snprintf(added->file, sizeof(added->file), "%s", run->file);
        added->n = 1;
}

static void on_difference(void *owner, const char *path, const char *kind, const char *before, const char *after) {
        Run *run = owner;

        count(run, run->type, path, kind);
        if (run->is_verbose)
                fprintf(stderr, "%s %s %s %s: [%s] [%s]\n", run->file, run->type, path, kind, before, after);
}

static void normalise(Run *run, Carebus__V1__Event **events, size_t n) {
        CanonRules rules = {
                .profile = run->profile, .zone = run->zone, .default_authority = "carebus:pas", .test_numbers = true
        };

        for (size_t i = 0; i < n; i++) {
                int r = canon_normalise(events[i], &rules, run->arena, NULL);

                if (r < 0)
                        die("normalise", r);
        }
}

/* Of what came back, the event that is this one: of its type, and closest to it. */
static const Carebus__V1__Event *best(const Carebus__V1__Event *event, const TranslateResult *back) {
        const Carebus__V1__Event *found = NULL;
        size_t fewest = SIZE_MAX;

        for (size_t i = 0; i < back->n_events; i++) {
                size_t n;

                if (!text_equal(back->events[i]->type, event->type) && back->events[i]->body_case != event->body_case)
                        continue;
                n = roundtrip_compare(&event->base, &back->events[i]->base, NULL, NULL);
                if (!text_equal(back->events[i]->type, event->type))
                        n += 1000;
                if (n < fewest) {
                        fewest = n;
                        found = back->events[i];
                }
        }
        return found;
}

static void event_check(Run *run, const Carebus__V1__Event *event) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        WriterItem item = { .event = event, .message_id = "CB00000000000000001" };
        const Carebus__V1__Event *same;
        TranslateResult back;
        int r;

        run->n_events++;
        run->type = event->type;
        r = writer_write(run->writer, &item, &text);
        if (r < 0)
                die("write", r);
        run->n_not_said += r == WRITER_E_NOT_SAID;
        run->n_not_whole += r == WRITER_E_NOT_WHOLE;
        if (r > 0) {
                count(run, event->type, r == WRITER_E_NOT_SAID ? "(not said)" : writer_lacks(run->writer), "whole");
                return;
        }
        run->n_written++;
        r = translate_message(run->second, buffer_bytes(&text), &back);
        if (r < 0)
                die("read", r);
        if (back.problem_code) {
                run->n_unread++;
                count(run, event->type, back.problem_code, "problem");
                if (run->is_verbose)
                        fprintf(stderr, "%s\n%.*s\n", back.problem_position, (int)text.size, (char *)text.data);
        }
        normalise(run, back.events, back.n_events);
        same = best(event, &back);
        if (!same) {
                run->n_gone++;
                count(run, event->type, back.n_events ? back.events[0]->type : "(nothing)", "becomes");
                return;
        }
        if (roundtrip_compare(&event->base, &same->base, on_difference, run) == 0)
                run->n_same++;
        else if (run->is_verbose)
                for (size_t i = 0; i < text.size; i++)
                        fputc(text.data[i] == '\r' ? '\n' : text.data[i], stderr);
}

static void message_check(Run *run, Bytes message) {
        TranslateResult result;
        int r;

        arena_reset(run->arena);
        r = translate_message(run->first, message, &result);
        if (r < 0)
                die("read", r);
        if (result.n_events == 0)
                return;
        run->n_messages++;
        normalise(run, result.events, result.n_events);
        for (size_t i = 0; i < result.n_events; i++) {
                char id[32];

                snprintf(id, sizeof(id), "7.%zu", i);
                result.events[i]->event_id = id;
                event_check(run, result.events[i]);
                result.events[i]->event_id = NULL;
        }
}

static void run_open(Run *run) {
        TranslateOptions options = { .source = "pas", .timezone = ZONE };
        WriterOptions writing = { .bus = "north",
                                  .timezone = ZONE,
                                  .application = "CAREBUS",
                                  .facility = "NORTH",
                                  .receiving_application = "PAS",
                                  .receiving_facility = "RA9",
                                  .processing_id = 'P',
                                  .as_said = true };
        int r = profile_new_default(&run->profile);

        options.profile = writing.profile = run->profile;
        r = r ?: zone_new(ZONE, &run->zone);
        r = r ?: translator_new(&run->first, &options);
        r = r ?: translator_new(&run->second, &options);
        r = r ?: writer_new(&run->writer, &writing);
        r = r ?: arena_new(&run->arena, ARENA_MAX);
        if (r != 0)
                die("start", r);
}

int main(int argc, char **argv) {
        Run run = { .is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0 };

        run_open(&run);
        for (int i = run.is_verbose ? 2 : 1; i < argc; i++) {
                Buffer file = BUFFER_NULL;
                const char *name = strrchr(argv[i], '/');
                BatchReader batch;
                Bytes message;
                int r = file_read(argv[i], 64UL << 20, &file);

                if (r < 0)
                        die(argv[i], r);
                run.file = name ? name + 1 : argv[i];
                batch = BATCH_READER_INIT(buffer_bytes(&file));
                while (batch_next(&batch, &message))
                        message_check(&run, message);
                buffer_deinit(&file);
        }
        for (size_t i = 0; i < run.n_counts; i++)
                printf("{\"type\":\"%s\",\"path\":\"%s\",\"kind\":\"%s\",\"count\":%zu,\"file\":\"%s\"}\n",
                       run.counts[i].type, run.counts[i].path, run.counts[i].kind, run.counts[i].n, run.counts[i].file);
        printf("{\"messages\":%zu,\"events\":%zu,\"written\":%zu,\"same\":%zu,\"not_said\":%zu,\"not_whole\":%zu,"
               "\"unread\":%zu,\"gone\":%zu}\n",
               run.n_messages, run.n_events, run.n_written, run.n_same, run.n_not_said, run.n_not_whole, run.n_unread,
               run.n_gone);
        writer_free(run.writer);
        translator_free(run.first);
        translator_free(run.second);
        zone_free(run.zone);
        profile_free(run.profile);
        arena_free(run.arena);
        free(run.counts);
        return 0;
}
