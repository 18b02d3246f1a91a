/* carebusctl check: the configuration, every mistake of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "ctl/command.h"
#include "daemon/stage/check-known.h"

int command_check(const Context *context, int argc, char **argv) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        int r;

        if (argc > 1)
                return command_wrong_use(argv[0], "check takes nothing else");
        r = config_load(context->config_path, &config, &text, &problems);
        if (r == 0)
                r = check_known(config, text, &problems);
        if (r < 0) {
                error_print(PROGRAM, "cannot read %s: %s", context->config_path, strerror(-r));
                return EXIT_CONFIGURATION;
        }
        if (r == 0)
                r = config_check_own_user(config, context->config_path, &problems);
        if (context->json)
                config_problems_json(&problems, stdout);
        else
                config_problems_print(&problems, stderr);
        if (r == 0 && !context->json)
                printf("%s: the configuration is good: %zu sources, %zu teams\n", context->config_path,
                       config->n_sources, config->n_teams);
        return r == 0 ? EXIT_DONE : EXIT_CONFIGURATION;
}
