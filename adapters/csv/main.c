/*
 * carebus-csv: spreadsheets of a folder to the bus. As the adapter instance of one source, or with --load to take files in as history, or,
 * with --translate, with no bus at all to show what rows would become.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/common/dry-run.h"
#include "adapters/common/load.h"
#include "adapters/csv/reader.h"
#include "adapters/csv/server.h"
#include "base/error.h"
#include "base/log.h"
#include "base/service.h"
#include "base/text.h"
#include "config/config.h"
#include "sdk/carebus.h"

#define PROGRAM "carebus-csv"
#define CONFIG_DEFAULT "/etc/carebus/carebus.yaml"

typedef struct Arguments {
        const char *config, *source, *translate, *profile;
        bool is_load;
        char **files;
        size_t n_files;
} Arguments;

static void print_help(FILE *stream) {
        fputs("carebus-csv: takes the spreadsheets of a folder and hands them to the bus\n"
              "\n"
              "  carebus-csv [--config FILE] --source NAME                 watch the folder of a source\n"
              "  carebus-csv [--config FILE] --source NAME --load FILE...  take files in as history\n"
              "  carebus-csv --translate FILE [--profile NAME]             no bus: print what its rows would become\n"
              "\n"
              "  --config FILE     the bus's configuration (" CONFIG_DEFAULT ")\n"
              "  --source NAME     a source of it with `adapter: csv` and `folder:`\n"
              "  --load            files of what was so before today (caseloads, stays): nobody is alarmed\n"
              "  --translate FILE  people.csv and its like, by the name or else by the columns, - for standard input; "
              "a line\n"
              "                    of JSON a row: {\"events\":[...],\"unmapped\":[...],\"problems\":[...]}; 65 if one "
              "could not be read\n"
              "  --profile NAME    a profile of the configuration's folder, or a path\n"
              "  --help, --version\n"
              "\n"
              "SIGHUP reads the configuration again; SIGTERM ends, and the next start goes on where it was.\n",
              stream);
}

/* Negative: go on; else an exit code. */
static int parse_arguments(int argc, char **argv, Arguments *ret) {
        enum { CONFIG = 256, SOURCE, TRANSLATE, PROFILE, LOAD, HELP, VERSION };
        static const struct option options[] = {
                { "config", required_argument, NULL, CONFIG },
                { "source", required_argument, NULL, SOURCE },
                { "translate", required_argument, NULL, TRANSLATE },
                { "profile", required_argument, NULL, PROFILE },
                { "load", no_argument, NULL, LOAD },
                { "help", no_argument, NULL, HELP },
                { "version", no_argument, NULL, VERSION },
                { NULL, 0, NULL, 0 },
        };
        int option;

        *ret = (Arguments){ 0 };
        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (option) {
                case CONFIG:
                        ret->config = optarg;
                        break;
                case SOURCE:
                        ret->source = optarg;
                        break;
                case TRANSLATE:
                        ret->translate = optarg;
                        break;
                case PROFILE:
                        ret->profile = optarg;
                        break;
                case LOAD:
                        ret->is_load = true;
                        break;
                case HELP:
                        print_help(stdout);
                        return EXIT_DONE;
                case VERSION:
                        printf(PROGRAM " %s\n", carebus_version());
                        return EXIT_DONE;
                default:
                        return EXIT_WRONG_USE;
                }
        ret->files = argv + optind;
        ret->n_files = (size_t)(argc - optind);
        if (ret->n_files > 0 && !ret->is_load) {
                error_print(PROGRAM, "unexpected argument; see carebus-csv --help");
                return EXIT_WRONG_USE;
        }
        if (ret->is_load && ret->n_files == 0) {
                error_print(PROGRAM, "--load wants files behind it, or - for standard input");
                return EXIT_WRONG_USE;
        }
        return -1;
}

static int check_source(const Config *config, const char *name, bool is_load, size_t *ret) {
        ssize_t found = config_find_source(config, name);
        const ConfigSource *source;

        if (found < 0) {
                error_print(PROGRAM, "no source %s in the configuration; `sources:` lists them", name);
                return EXIT_CONFIGURATION;
        }
        source = &config->sources[found];
        *ret = (size_t)found;
        if (!text_equal(source->adapter, "csv")) {
                error_print(PROGRAM, "source %s has `adapter: %s`, not csv", name, source->adapter);
                return EXIT_CONFIGURATION;
        }
        if (is_load || source->folder)
                return EXIT_DONE;
        error_print(PROGRAM,
                    "source %s has no `folder:`; name the one that its files are put into, such as /srv/hospice/in",
                    name);
        return EXIT_CONFIGURATION;
}

static int run_source(const Arguments *arguments) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_unrefp) Config *config = NULL;
        size_t source;
        char program[64];
        const ServerOptions options = {
                .config_path = arguments->config ? arguments->config : CONFIG_DEFAULT,
                .source = arguments->source,
                .program = program,
        };
        int r = config_load(options.config_path, &config, &text, &problems);

        config_problems_print(&problems, stderr);
        if (r != 0)
                return EXIT_CONFIGURATION;
        r = check_source(config, arguments->source, arguments->is_load, &source);
        if (r != 0)
                return r;
        if (arguments->is_load) {
                const Load load = {
                        .reader = &csv_reader,
                        .config = config,
                        .source = source,
                        .files = arguments->files,
                        .n_files = arguments->n_files,
                };
                return load_run(&load);
        }
        snprintf(program, sizeof(program), PROGRAM " %s", carebus_version());
        return server_run(&options, config);
}

int main(int argc, char **argv) {
        Arguments arguments;
        int r = parse_arguments(argc, argv, &arguments);

        if (r >= 0)
                return r;
        if (service_harden() < 0)
                error_print(PROGRAM, "core dumps could not be switched off, ignoring");
        if (arguments.translate) {
                const DryRun run = {
                        .reader = &csv_reader,
                        .file = arguments.translate,
                        .profile = arguments.profile,
                        .config = arguments.config,
                        .source = arguments.source,
                };
                return dry_run(&run);
        }
        if (!arguments.source) {
                error_print(PROGRAM, "say --source NAME or --translate FILE; see carebus-csv --help");
                return EXIT_WRONG_USE;
        }
        log_start(PROGRAM, arguments.source);
        return run_source(&arguments);
}
