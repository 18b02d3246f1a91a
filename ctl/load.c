/* carebusctl load: history of a source, by the adapter that reads the source's language. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"

/* Beside this program, where a build or a package puts it; else by PATH. */
static int program_path(const char *adapter, char **ret) {
        char self[4096];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        _cleanup_(freep) char *beside = NULL;
        int r;

        if (n > 0) {
                self[n] = 0;
                r = text_format(&beside, "%s/carebus-%s", dirname(self), adapter);
                if (r < 0)
                        return r;
                if (access(beside, X_OK) == 0) {
                        *ret = TAKE_PTR(beside);
                        return 0;
                }
        }
        return text_format(ret, "carebus-%s", adapter);
}

static bool reads_files(const char *adapter) {
        return text_equal(adapter, "mllp") || text_equal(adapter, "fhir") || text_equal(adapter, "csv");
}

static int run_adapter(const Context *context, const ConfigSource *source, int n_files, char **files) {
        _cleanup_(freep) char *program = NULL;
        _cleanup_(freep) char **arguments = calloc((size_t)n_files + 8, sizeof(*arguments));
        int n = 0;

        if (!arguments || program_path(source->adapter, &program) < 0) {
                error_print(PROGRAM, "memory is out");
                return EXIT_SOFTWARE;
        }
        arguments[n++] = program;
        arguments[n++] = (char *)"--config";
        arguments[n++] = (char *)(uintptr_t)context->config_path;
        arguments[n++] = (char *)"--source";
        arguments[n++] = source->name;
        arguments[n++] = (char *)"--load";
        for (int i = 0; i < n_files; i++)
                arguments[n++] = files[i];
        execvp(program, arguments);
        error_print(PROGRAM, "%s cannot be run: %s; is the adapter installed?", program, strerror(errno));
        return EXIT_UNREACHABLE;
}

int command_load(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        const ConfigSource *source;
        ssize_t found;
        int r;

        if (argc < 3)
                return command_wrong_use(argv[0], "say which source and which files");
        r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        found = config_find_source(config, argv[1]);
        if (found < 0) {
                error_print(PROGRAM, "no source %s in the configuration; `sources:` lists them", argv[1]);
                return EXIT_CONFIGURATION;
        }
        source = &config->sources[found];
        if (!reads_files(source->adapter)) {
                error_print(PROGRAM, "source %s has an adapter of its own (%s): history is loaded with that",
                            source->name, source->adapter);
                return EXIT_CONFIGURATION;
        }
        return run_adapter(context, source, argc - 2, argv + 2);
}
