#include "adapters/common/program.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "adapters/common/confine.h"
#include "adapters/common/dry-run.h"
#include "adapters/common/load.h"
#include "base/error.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/service.h"
#include "base/text.h"
#include "sdk/carebus.h"

#define CONFIG_DEFAULT "/etc/carebus/carebus.yaml"

typedef struct Arguments {
        const char *config, *source, *destination, *instance, *translate, *profile;
        bool is_load;
        char **files;
        size_t n_files;
} Arguments;

/* Negative: go on; else an exit code. */
static int read_options(const Program *program, int argc, char **argv, Arguments *arguments) {
        enum { CONFIG = 256, SOURCE, DESTINATION, INSTANCE, TRANSLATE, PROFILE, LOAD, HELP, VERSION };
        static const struct option options[] = {
                { "config", required_argument, NULL, CONFIG },
                { "source", required_argument, NULL, SOURCE },
                { "translate", required_argument, NULL, TRANSLATE },
                { "load", no_argument, NULL, LOAD },
                { "profile", required_argument, NULL, PROFILE },
                { "help", no_argument, NULL, HELP },
                { "version", no_argument, NULL, VERSION },
                { "destination", required_argument, NULL, DESTINATION },
                { "instance", required_argument, NULL, INSTANCE },
                { NULL, 0, NULL, 0 },
        };
        int option;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (option) {
                case CONFIG:
                        arguments->config = optarg;
                        break;
                case SOURCE:
                        arguments->source = optarg;
                        break;
                case DESTINATION:
                        arguments->destination = optarg;
                        break;
                case INSTANCE:
                        arguments->instance = optarg;
                        break;
                case TRANSLATE:
                        arguments->translate = optarg;
                        break;
                case PROFILE:
                        arguments->profile = optarg;
                        break;
                case LOAD:
                        arguments->is_load = true;
                        break;
                case HELP:
                        fputs(program->help, stdout);
                        return EXIT_DONE;
                case VERSION:
                        printf("%s %s\n", program->name, carebus_version());
                        return EXIT_DONE;
                default:
                        return EXIT_WRONG_USE;
                }
        return -1;
}

static int read_arguments(const Program *program, int argc, char **argv, Arguments *ret) {
        int r;

        *ret = (Arguments){ 0 };
        r = read_options(program, argc, argv, ret);
        if (r >= 0)
                return r;
        ret->files = argv + optind;
        ret->n_files = (size_t)(argc - optind);
        if (ret->n_files > 0 && !ret->is_load) {
                error_print(program->name, "unexpected argument; see %s --help", program->name);
                return EXIT_WRONG_USE;
        }
        if (ret->is_load && ret->n_files == 0) {
                error_print(program->name, "--load wants files behind it, or - for standard input");
                return EXIT_WRONG_USE;
        }
        if (ret->destination && (ret->source || ret->is_load || ret->translate)) {
                error_print(program->name,
                            "--destination NAME stands alone: a source, --load and --translate are runs of their own");
                return EXIT_WRONG_USE;
        }
        if (ret->instance && (ret->destination || ret->source || ret->is_load || ret->translate)) {
                error_print(program->name,
                            "--instance NAME stands alone: it is the source or the destination of that name");
                return EXIT_WRONG_USE;
        }
        if (!ret->translate && !ret->source && !ret->destination && !ret->instance) {
                error_print(program->name, "say --source NAME, --destination NAME or --translate FILE; see %s --help",
                            program->name);
                return EXIT_WRONG_USE;
        }
        return -1;
}

/* What the service manager calls one of these: the source or the destination of this adapter with that name. */
static int find_instance(const Program *program, Arguments *arguments) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_unrefp) Config *config = NULL;
        const char *path = arguments->config ? arguments->config : CONFIG_DEFAULT, *name = arguments->instance;
        int r = config_load(path, &config, NULL, &problems);
        ssize_t source, destination;

        if (r != 0) {
                config_problems_print(&problems, stderr);
                return EXIT_CONFIGURATION;
        }
        source = config_find_source(config, name);
        destination = config_find_destination(config, name);
        if (source >= 0 && !text_equal(config->sources[source].adapter, program->adapter))
                source = -ENOENT;
        if (destination >= 0 && !text_equal(config->destinations[destination].adapter, program->adapter))
                destination = -ENOENT;
        if ((source >= 0) == (destination >= 0)) {
                error_print(
                        program->name,
                        source >= 0
                                ? "%s is a source and a destination of %s: give one of them another name"
                                : "%s is neither a source nor a destination with `adapter: %s` in the configuration",
                        name, program->adapter);
                return EXIT_CONFIGURATION;
        }
        if (source >= 0)
                arguments->source = name;
        else
                arguments->destination = name;
        return EXIT_DONE;
}

static int find_source(const Program *program, const Config *config, const Arguments *arguments, size_t *ret) {
        ssize_t found = config_find_source(config, arguments->source);
        const ConfigSource *source;
        const char *lacks;

        if (found < 0) {
                error_print(program->name, "no source %s in the configuration; `sources:` lists them",
                            arguments->source);
                return EXIT_CONFIGURATION;
        }
        source = &config->sources[found];
        *ret = (size_t)found;
        if (!text_equal(source->adapter, program->adapter)) {
                error_print(program->name, "source %s has `adapter: %s`, not %s", arguments->source, source->adapter,
                            program->adapter);
                return EXIT_CONFIGURATION;
        }
        lacks = arguments->is_load ? NULL : program->lacks(source);
        if (!lacks)
                return EXIT_DONE;
        error_print(program->name, "source %s %s", arguments->source, lacks);
        return EXIT_CONFIGURATION;
}

static int run_source(const Program *program, const Arguments *arguments) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_unrefp) Config *config = NULL;
        char name[64];
        const ProgramOptions options = {
                .config_path = arguments->config ? arguments->config : CONFIG_DEFAULT,
                .source = arguments->source,
                .program = name,
                .connects = program->source_connects,
        };
        Confinement confinement = { .program = program };
        Load load = { .reader = program->reader, .files = arguments->files, .n_files = arguments->n_files };
        int r = config_load(options.config_path, &config, &text, &problems);

        config_problems_keep_own(&problems, arguments->source);
        config_problems_print(&problems, stderr);
        if (r != 0)
                return EXIT_CONFIGURATION;
        r = find_source(program, config, arguments, &load.source);
        if (r != 0)
                return r;
        load.config = config;
        if (arguments->is_load)
                return load_run(&load);
        snprintf(name, sizeof(name), "%s %s", program->name, carebus_version());
        confinement.config = config;
        confinement.text = text;
        confinement.source = &config->sources[load.source];
        r = confine_files(&confinement);
        return r < 0 ? EXIT_SOFTWARE : program->run(&options, config);
}

static int find_destination(const Program *program, const Config *config, const char *name) {
        const ssize_t found = config_find_destination(config, name);
        const ConfigDestination *destination;
        const char *lacks;

        if (found < 0) {
                error_print(program->name, "no destination %s in the configuration; `destinations:` lists them", name);
                return EXIT_CONFIGURATION;
        }
        destination = &config->destinations[found];
        if (!program->destination || !text_equal(destination->adapter, program->adapter)) {
                error_print(program->name, "destination %s has `adapter: %s`: run carebus-%s for it", name,
                            destination->adapter, destination->adapter);
                return EXIT_CONFIGURATION;
        }
        lacks = program->destination_lacks ? program->destination_lacks(destination) : NULL;
        if (!lacks)
                return EXIT_DONE;
        error_print(program->name, "destination %s %s", name, lacks);
        return EXIT_CONFIGURATION;
}

static int run_destination(const Program *program, const Arguments *arguments) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_unrefp) Config *config = NULL;
        const ProgramOptions options = {
                .config_path = arguments->config ? arguments->config : CONFIG_DEFAULT,
                .destination = arguments->destination,
                .connects = program->destination_connects,
        };
        Confinement confinement = { .program = program };
        int r = config_load(options.config_path, &config, &text, &problems);

        config_problems_keep_own(&problems, NULL);
        config_problems_print(&problems, stderr);
        if (r != 0)
                return EXIT_CONFIGURATION;
        r = find_destination(program, config, arguments->destination);
        if (r != 0)
                return r;
        confinement.config = config;
        confinement.text = text;
        confinement.destination = &config->destinations[config_find_destination(config, arguments->destination)];
        if (confine_files(&confinement) < 0)
                return EXIT_SOFTWARE;
        return destination_run(program->destination, &options, config);
}

void program_reload(const ProgramOptions *options, ProgramUse use, void *owner) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_unrefp) Config *config = NULL;
        const char *kind = options->source ? "SOURCE" : "DESTINATION";
        const char *name = options->source ? options->source : options->destination;
        ssize_t found = -ENOENT;
        int r;

        service_reloading();
        r = config_load(options->config_path, &config, &text, &problems);
        if (r == 0)
                found = options->source ? config_find_source(config, name) : config_find_destination(config, name);
        r = r == 0 && found >= 0 ? use(owner, config, (size_t)found) : -EINVAL;
        if (r < 0) {
                config_problems_keep_own(&problems, options->source);
                config_problems_print(&problems, stderr);
                log_event(LOG_RELOAD_REFUSED, log_name(kind, name), log_number("PROBLEMS", (int64_t)problems.n_errors));
        } else {
                log_event(LOG_RELOADED, log_name(kind, name));
        }
        service_ready(NULL);
}

void program_started(const ProgramOptions *options, const char *status) {
        confine_calls(options->connects);
        service_ready(status);
}

void program_tick(void) {
        service_watchdog();
        log_tell(clock_monotonic(&clock_system));
}

int program_add_signals(Loop *loop, LoopSignal on_stop, LoopSignal on_reload, void *owner,
                        LoopSource *ret_sources[PROGRAM_SIGNALS]) {
        const struct {
                int signal;
                LoopSignal callback;
        } signals[PROGRAM_SIGNALS] = { { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_reload } };

        for (size_t i = 0; i < PROGRAM_SIGNALS; i++) {
                int r = loop_add_signal(loop, signals[i].signal, signals[i].callback, owner, &ret_sources[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

int program_main(const Program *program, int argc, char **argv) {
        Arguments arguments;
        int r = read_arguments(program, argc, argv, &arguments);

        if (r >= 0)
                return r;
        if (service_harden() < 0)
                error_print(program->name, "core dumps could not be switched off, ignoring");
        if (arguments.translate) {
                const DryRun run = {
                        .reader = program->reader,
                        .file = arguments.translate,
                        .profile = arguments.profile,
                        .config = arguments.config,
                        .source = arguments.source,
                };
                return dry_run(&run);
        }
        /* TLS writes without MSG_NOSIGNAL: a sender that hangs up must not take the others' adapter with it. */
        if (service_ignore_signals() < 0)
                error_print(program->name, "SIGPIPE could not be ignored, ignoring");
        if (arguments.instance) {
                r = find_instance(program, &arguments);
                if (r != EXIT_DONE)
                        return r;
        }
        if (arguments.destination) {
                log_start(program->name, arguments.destination);
                return run_destination(program, &arguments);
        }
        log_start(program->name, arguments.source);
        return run_source(program, &arguments);
}
