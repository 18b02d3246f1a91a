/*
 * carebus-mllp: HL7 v2 over MLLP to the bus. Two ways to run: as an adapter instance of one source, or, with --translate,
 * with no bus at all to show what a message would become.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/common/dry-run.h"
#include "adapters/common/load.h"
#include "adapters/mllp/server.h"
#include "adapters/mllp/translate.h"
#include "base/error.h"
#include "base/log.h"
#include "base/service.h"
#include "config/config.h"
#include "sdk/carebus.h"

#define PROGRAM "carebus-mllp"
#define CONFIG_DEFAULT "/etc/carebus/carebus.yaml"

typedef struct Arguments {
        const char *config, *source, *translate, *profile;
        bool load;
        char **files; /* to load */
        size_t n_files;
} Arguments;

static void print_help(FILE *stream) {
        fputs("carebus-mllp: takes HL7 v2 over MLLP and hands it to the bus\n"
              "\n"
              "  carebus-mllp [--config FILE] --source NAME       run as the adapter of a source\n"
              "  carebus-mllp --translate FILE [--profile NAME]   no bus: print what each message would become\n"
              "  carebus-mllp --source NAME --load FILE...        take files in as history, and end\n"
              "\n"
              "  --config FILE     the bus's configuration (" CONFIG_DEFAULT ")\n"
              "  --source NAME     a source of it with `adapter: mllp` and `listen:`\n"
              "  --translate FILE  a file of HL7 messages, - for standard input; a line of JSON a message:\n"
              "                    {\"events\":[...],\"unmapped\":[...],\"problems\":[...]}; 65 if one could not be "
              "read\n"
              "  --load FILE...    files of HL7 messages; what they say is shown to teams and alarms nobody\n"
              "  --profile NAME    a profile of the configuration's folder, or a path\n"
              "  --help, --version\n"
              "\n"
              "SIGHUP reads the configuration again; SIGTERM answers what is on the way and ends.\n",
              stream);
}

/* Negative: go on; else an exit code. */
static int parse_arguments(int argc, char **argv, Arguments *ret) {
        enum { CONFIG = 256, SOURCE, TRANSLATE, LOAD, PROFILE, HELP, VERSION };
        static const struct option options[] = {
                { "config", required_argument, NULL, CONFIG },       { "source", required_argument, NULL, SOURCE },
                { "translate", required_argument, NULL, TRANSLATE }, { "load", no_argument, NULL, LOAD },
                { "profile", required_argument, NULL, PROFILE },     { "help", no_argument, NULL, HELP },
                { "version", no_argument, NULL, VERSION },           { NULL, 0, NULL, 0 },
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
                case LOAD:
                        ret->load = true;
                        break;
                case PROFILE:
                        ret->profile = optarg;
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
        if (ret->n_files > 0 && !ret->load) {
                error_print(PROGRAM, "unexpected argument; see carebus-mllp --help");
                return EXIT_WRONG_USE;
        }
        if (ret->load && ret->n_files == 0) {
                error_print(PROGRAM, "--load wants the files to take in; see carebus-mllp --help");
                return EXIT_WRONG_USE;
        }
        return -1;
}

static int check_source(const Config *config, const char *name, bool load) {
        ssize_t found = config_find_source(config, name);
        const ConfigSource *source;

        if (found < 0) {
                error_print(PROGRAM, "no source %s in the configuration; `sources:` lists them", name);
                return EXIT_CONFIGURATION;
        }
        source = &config->sources[found];
        if (source->listen || load)
                return EXIT_DONE;
        error_print(PROGRAM, "source %s has no `listen:`; give it an address and port, such as 127.0.0.1:2575", name);
        return EXIT_CONFIGURATION;
}

static int run_source(const Arguments *arguments) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_unrefp) Config *config = NULL;
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
        r = check_source(config, arguments->source, arguments->load);
        if (r != 0)
                return r;
        if (arguments->load) {
                const Load load = {
                        .reader = &mllp_reader,
                        .config = config,
                        .source = (size_t)config_find_source(config, arguments->source),
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
                        .reader = &mllp_reader,
                        .file = arguments.translate,
                        .profile = arguments.profile,
                        .config = arguments.config,
                        .source = arguments.source,
                };
                return dry_run(&run);
        }
        if (!arguments.source) {
                error_print(PROGRAM, "say --source NAME or --translate FILE; see carebus-mllp --help");
                return EXIT_WRONG_USE;
        }
        log_start(PROGRAM, arguments.source);
        return run_source(&arguments);
}
