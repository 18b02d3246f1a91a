/* carebusctl coverage: what the messages of each source hold, and what nobody reads. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"

static const struct {
        Carebus__V1__CoverageField__Use use;
        const char *title;
        bool is_listed; /* without --all only their number is said */
} kinds[] = {
        { CAREBUS__V1__COVERAGE_FIELD__USE__USE_UNKNOWN, "seen and not read", true },
        { CAREBUS__V1__COVERAGE_FIELD__USE__USE_NO_MAP, "codes without a map", true },
        { CAREBUS__V1__COVERAGE_FIELD__USE__USE_IGNORED, "ignored on purpose", false },
        { CAREBUS__V1__COVERAGE_FIELD__USE__USE_MAPPED, "mapped", false },
};

static void print_lines(const Context *context, const Carebus__V1__SourceCoverage *coverage,
                        Carebus__V1__CoverageField__Use use) {
        for (size_t i = 0; i < coverage->n_lines; i++) {
                const Carebus__V1__CoverageLine *line = coverage->lines[i];
                char first[MOMENT_TEXT_SIZE];

                if (line->use != use)
                        continue;
                command_moment(context, line->first_at, first);
                printf("    %-48s %10" PRIu64 "  since %.10s\n", line->path ? line->path : "?", line->count, first);
        }
}

static void print_source(const Context *context, const Carebus__V1__SourceCoverage *coverage, bool all) {
        printf("%s\n", coverage->source ? coverage->source : "?");
        for (size_t k = 0; k < ELEMENTSOF(kinds); k++) {
                uint64_t n = 0;

                for (size_t i = 0; i < coverage->n_lines; i++)
                        n += coverage->lines[i]->use == kinds[k].use;
                printf("  %-20s %6" PRIu64 "\n", kinds[k].title, n);
                if (all || kinds[k].is_listed)
                        print_lines(context, coverage, kinds[k].use);
        }
        if (coverage->is_full)
                puts("  there are more different fields than are counted");
}

static int show(const Context *context, const Config *config, const char *source, bool all) {
        _cleanup_(client_freep) Client *client = NULL;
        Carebus__V1__CoverageRequest coverage = CAREBUS__V1__COVERAGE_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        coverage.source = (char *)(uintptr_t)source;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_COVERAGE;
        request.coverage = &coverage;
        r = client_ask_or_say(config, "control", &request, &client, &reply);
        if (r != EXIT_DONE)
                return r;
        if (reply->answer_case != CAREBUS__V1__REPLY__ANSWER_COVERAGE)
                return client_say(CLIENT_E_BAD_REPLY, "control");
        for (size_t i = 0; i < reply->coverage->n_sources; i++) {
                if (!context->json)
                        print_source(context, reply->coverage->sources[i], all);
                else if (command_print_line(json_line(&reply->coverage->sources[i]->base)) != EXIT_DONE)
                        return EXIT_SOFTWARE;
        }
        if (reply->coverage->n_sources == 0 && !context->json)
                printf("%s\n  nothing was counted yet\n", source);
        return EXIT_DONE;
}

int command_coverage(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        const char *source = NULL;
        bool all = false;
        int r;

        for (int i = 1; i < argc; i++) {
                if (text_equal(argv[i], "--all"))
                        all = true;
                else if (!source && argv[i][0] != '-')
                        source = argv[i];
                else
                        return command_wrong_use(argv[0], "coverage takes a source and --all");
        }
        r = command_load_config(context, &config);
        if (r == EXIT_DONE && source)
                return show(context, config, source, all);
        for (size_t i = 0; r == EXIT_DONE && i < config->n_sources; i++)
                r = show(context, config, config->sources[i].name, all);
        return r;
}
