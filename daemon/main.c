/* carebusd: one program, two processes. Core takes in and folds; serve, started by it, gives out. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/error.h"
#include "base/log.h"
#include "base/service.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "daemon/daemon.h"
#include "daemon/load.h"
#include "daemon/serve/serve.h"

/* The code that the start runs. */
static int check(const char *path) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_problems_deinit) ConfigProblems problems = { .n_items = 0 };
        int r = daemon_load_config(path, &config, &text, &problems);

        config_problems_print(&problems, stderr);
        if (r == 0)
                return EXIT_DONE;
        if (problems.n_errors == 0)
                error_print("carebusd", "cannot read %s: %s", path, r < 0 ? strerror(-r) : "it is not valid");
        return EXIT_CONFIGURATION;
}

int main(int argc, char **argv) {
        Arguments arguments;
        int r = arguments_parse(argc, argv, &arguments);

        if (r != 0)
                return r;
        switch (arguments.mode) {
        case MODE_HELP:
                arguments_help();
                return EXIT_DONE;
        case MODE_VERSION:
                puts("carebusd " CAREBUS_VERSION);
                return EXIT_DONE;
        case MODE_CHECK:
                return check(arguments.config);
        case MODE_SERVE:
                log_start("carebusd", "serve");
                (void)prctl(PR_SET_NAME, "carebusd-serve"); /* started as /proc/self/exe it would be called exe */
                (void)service_harden();                     /* what core set ended with the exec */
                return serve_run(arguments.serve_fd);
        default:
                log_start("carebusd", NULL);
                return daemon_run(arguments.config);
        }
}
