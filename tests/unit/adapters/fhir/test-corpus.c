/*
 * FHIR that nobody here wrote: every file is read to its end, and each resource of a kind that the bus knows gives its event or a
 * problem with a name.
 */
#include "tests/unit/adapters/fhir/fixture.h"

#include "adapters/fhir/translate-rules.h"
#include "tests/unit/adapters/fhir/corpus.h"

#define TYPES_MAX 128

/* Per type of the root: how many messages, how many with events, with a problem, ignored. */
typedef struct Tally {
        char type[64];
        size_t n, n_read, n_events, n_problems, n_ignored;
} Tally;
static Tally tallies[TYPES_MAX];
static size_t n_tallies;

typedef struct Reason {
        char code[128];
        size_t n;
} Reason;
static Reason reasons[256];
static size_t n_reasons;

static Tally *tally_of(const char *type) {
        size_t i = 0;

        while (i < n_tallies && strcmp(tallies[i].type, type) != 0)
                i++;
        if (i == n_tallies) {
                assert_true(n_tallies < TYPES_MAX);
                snprintf(tallies[n_tallies++].type, sizeof(tallies[0].type), "%s", type);
        }
        return &tallies[i];
}

static void reason_count(const char *type, const char *code) {
        char text[128];
        size_t i = 0;

        snprintf(text, sizeof(text), "%.40s: %.60s", type, code);
        while (i < n_reasons && strcmp(reasons[i].code, text) != 0)
                i++;
        if (i == ELEMENTSOF(reasons))
                return;
        if (i == n_reasons)
                snprintf(reasons[n_reasons++].code, sizeof(reasons[0].code), "%s", text);
        reasons[i].n++;
}

static void message_seen(const char *path, Bytes bytes) {
        const Reading *reading = &result.reading;
        const FhirRow *row;
        Tally *tally;

        translate_as(bytes, NULL);
        tally = tally_of(result.type ?: "(none)");
        tally->n++;
        tally->n_events += reading->n_events;
        tally->n_read += reading->n_events > 0;
        tally->n_problems += reading->problem_code != NULL;
        tally->n_ignored += reading->ignored;
        if (reading->problem_code)
                reason_count(result.type ?: "(none)", reading->problem_code);
        if (getenv("CAREBUS_VERBOSE") && reading->problem_code)
                print_message("# %s: %s %s\n", path, reading->problem_code, reading->problem_position ?: "");
        row = result.type ? fhir_row_find(result.type) : NULL;
        if (row && row->translate && reading->n_events == 0 && !reading->problem_code)
                fail_msg("%s: nothing came of a %s", path, result.type);
}

static void file_seen(const char *path, const char *name, Bytes bytes) {
        size_t n = strlen(name);

        if (n < 7 || strcmp(name + n - 7, ".ndjson") != 0) {
                message_seen(path, bytes);
                return;
        }
        while (bytes.size > 0) {
                const uint8_t *end = memchr(bytes.data, '\n', bytes.size);
                size_t size = end ? (size_t)(end - bytes.data) : bytes.size;

                if (size > 1)
                        message_seen(path, bytes_of(bytes.data, size));
                size += end != NULL;
                bytes = bytes_of(bytes.data + size, bytes.size - size);
        }
}

static void test_every_message_gives_its_events_or_a_named_problem(void **state) {
        char folder[1024];
        size_t n_messages = 0;

        corpus_folder("fhir", folder, sizeof(folder));
        if (corpus_is_missing(folder))
                skip();
        assert_true(corpus_walk(folder, file_seen) > 700);
        for (size_t i = 0; i < n_tallies; i++) {
                const Tally *tally = &tallies[i];

                n_messages += tally->n;
                print_message("# %-26s %4zu: %4zu read, %5zu events, %3zu problems, %3zu ignored\n", tally->type,
                              tally->n, tally->n_read, tally->n_events, tally->n_problems, tally->n_ignored);
        }
        for (size_t i = 0; i < n_reasons; i++)
                print_message("# %4zu %s\n", reasons[i].n, reasons[i].code);
        assert_true(n_messages > 3000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_message_gives_its_events_or_a_named_problem),
        };

        return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
