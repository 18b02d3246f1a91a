/* carebusctl matching: the weights in force, and weights out of one's own records. */
#include "ctl/matching.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"
#include "daemon/identity/match.h"

#define ARENA_SIZE ((size_t)4 << 30)
#define SETTINGS_SIZE ((size_t)1 << 20)
#define BITS_SIZE 24

static const char *bits(int32_t thousandths, char ret[static BITS_SIZE]) {
        unsigned size = (unsigned)abs(thousandths);

        snprintf(ret, BITS_SIZE, "%s%u.%03u", thousandths < 0 ? "-" : "", size / 1000, size % 1000);
        return ret;
}

static void take_bits(ConfigBits said, int32_t *ret) {
        if (said.is_said)
                *ret = said.thousandths;
}

/* What the configuration says in place of what is shipped. */
static void take_config(const ConfigMatching *matching, Carebus__V1__MatchingSettings *settings) {
        for (size_t i = 0; i < matching->n_weights; i++)
                for (size_t j = 0; j < settings->n_weights; j++)
                        if (text_equal(matching->weights[i].field, settings->weights[j]->field) &&
                            text_equal(matching->weights[i].agreement, settings->weights[j]->agreement))
                                settings->weights[j]->thousandths = matching->weights[i].thousandths;
        take_bits(matching->link_above, &settings->link_above);
        take_bits(matching->review_above, &settings->review_above);
        take_bits(matching->margin, &settings->margin);
        settings->twins_by_score = text_equal(matching->twins, "score");
        settings->birth_date_by_score = text_equal(matching->birth_date, "score");
}

static void print_field(const Carebus__V1__MatchingSettings *settings, size_t first) {
        char text[BITS_SIZE];

        printf("    %s:\n", settings->weights[first]->field);
        for (size_t i = first;
             i < settings->n_weights && text_equal(settings->weights[i]->field, settings->weights[first]->field); i++)
                printf("      %s: %s\n", settings->weights[i]->agreement,
                       bits(settings->weights[i]->thousandths, text));
}

static void print_settings(const Carebus__V1__MatchingSettings *settings) {
        char text[BITS_SIZE];

        puts("matching:");
        printf("  link_above: %s\n", bits(settings->link_above, text));
        printf("  review_above: %s\n", bits(settings->review_above, text));
        printf("  margin: %s\n", bits(settings->margin, text));
        printf("  twins: %s\n", settings->twins_by_score ? "score" : "review");
        printf("  birth_date: %s\n", settings->birth_date_by_score ? "score" : "agree");
        puts("  weights:");
        for (size_t i = 0; i < settings->n_weights; i++)
                if (i == 0 || !text_equal(settings->weights[i]->field, settings->weights[i - 1]->field))
                        print_field(settings, i);
}

static int show(const Context *context) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__MatchingSettings *settings;
        int r = command_load_config(context, &config);

        if (r != EXIT_DONE)
                return r;
        if (arena_new(&arena, SETTINGS_SIZE) < 0 || match_settings_default(arena, &settings) < 0) {
                error_print(PROGRAM, "out of memory");
                return EXIT_SOFTWARE;
        }
        take_config(&config->matching, settings);
        print_settings(settings);
        return EXIT_DONE;
}

/* ---- estimate ---- */

typedef struct Wanted {
        const char *columns, *truth;
        char **files;
        size_t n_files;
} Wanted;

static void print_found(const MatchingFound *found) {
        char text[BITS_SIZE], shipped[BITS_SIZE];

        printf("      %s: %-8s # ", found->agreement, bits(found->thousandths, text));
        if (found->thousandths == found->shipped)
                printf("%.0f of one, %.0f of two by lot: as shipped\n", found->together, found->apart);
        else
                printf("%.0f of one, %.0f of two by lot; shipped %s\n", found->together, found->apart,
                       bits(found->shipped, shipped));
}

static void print_estimate(const MatchingEstimate *estimate, const MatchingRows *rows, bool truth) {
        printf("# %zu records; %zu pairs share a block, of which %.0f are one person ", rows->n, estimate->n_candidates,
               estimate->n_together);
        if (truth)
                puts("by the column of truth;");
        else
                printf("by expectation, after %zu rounds;\n", estimate->rounds);
        printf("# %zu pairs drawn by lot stand for two persons. What fewer than 5 pairs of one person come to keeps "
               "the\n"
               "# shipped weight.\n",
               estimate->n_random);
        puts("matching:\n  weights:");
        for (size_t i = 0; i < estimate->n; i++) {
                if (i == 0 || !text_equal(estimate->of[i].field, estimate->of[i - 1].field))
                        printf("    %s:\n", estimate->of[i].field);
                print_found(&estimate->of[i]);
        }
}

static int say_failure(int r) {
        error_print(PROGRAM, "cannot estimate: %s", strerror(-r));
        return r == -ENOMEM ? EXIT_SOFTWARE : EXIT_BAD_INPUT;
}

static int read_files(const Wanted *wanted, const MatchingColumns *columns, MatchingRows *rows) {
        const char *problem = NULL;

        for (size_t i = 0; i < wanted->n_files; i++) {
                int r = matching_rows_read(wanted->files[i], columns, rows, &problem);

                if (r < 0)
                        error_print(PROGRAM, "%s cannot be read: %s", wanted->files[i], strerror(-r));
                else if (r > 0)
                        error_print(PROGRAM, "%s", problem);
                if (r != 0)
                        return EXIT_BAD_INPUT;
        }
        return EXIT_DONE;
}

static int estimate_rows(const Wanted *wanted, const MatchingColumns *columns, MatchingRows *rows) {
        Carebus__V1__MatchingSettings *shipped;
        MatchingEstimate estimate;
        int r = read_files(wanted, columns, rows);

        if (r != EXIT_DONE)
                return r;
        r = match_settings_default(rows->arena, &shipped);
        if (r == 0)
                r = matching_estimate(rows, shipped, wanted->truth != NULL, &estimate);
        if (r < 0)
                return say_failure(r);
        if (estimate.n_together < 1) {
                error_print(PROGRAM,
                            "no two records of these files look like one person: there is nothing to estimate from");
                return EXIT_BAD_INPUT;
        }
        print_estimate(&estimate, rows, wanted->truth != NULL);
        return EXIT_DONE;
}

static int estimate(const char *command, const Wanted *wanted) {
        _cleanup_(matching_columns_freep) MatchingColumns *columns = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        MatchingRows rows = { 0 };
        const char *problem = NULL;
        int r = matching_columns_new(wanted->columns, wanted->truth, &columns, &problem);

        if (r == -EINVAL)
                return command_wrong_use(command, problem);
        if (r == 0)
                r = arena_new(&arena, ARENA_SIZE);
        if (r < 0)
                return say_failure(r);
        rows.arena = arena;
        r = estimate_rows(wanted, columns, &rows);
        free(rows.of);
        return r;
}

int command_matching(const Context *context, int argc, char **argv) {
        Wanted wanted = { .files = argv + 2 };

        if (argc == 2 && text_equal(argv[1], "show"))
                return show(context);
        if (argc < 2 || !text_equal(argv[1], "estimate"))
                return command_wrong_use(argv[0], "matching takes show or estimate");
        for (int i = 2; i < argc; i++) {
                if (text_equal(argv[i], "--columns") && i + 1 < argc)
                        wanted.columns = argv[++i];
                else if (text_equal(argv[i], "--truth") && i + 1 < argc)
                        wanted.truth = argv[++i];
                else if (argv[i][0] != '-')
                        wanted.files[wanted.n_files++] = argv[i];
                else
                        return command_wrong_use(argv[0], "matching estimate takes files, --columns and --truth");
        }
        if (wanted.n_files == 0 || !wanted.columns)
                return command_wrong_use(argv[0], "matching estimate needs a file and --columns");
        return estimate(argv[0], &wanted);
}
