/* carebusctl check: the configuration, every mistake of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "carebus/v1/common.pb-c.h"
#include "ctl/command.h"
#include "proto/path.h"

/* `unit` stands for the units of all quantities; of one it is PATH.unit. */
static bool path_is_known(const char *path, ConfigPathUse use) {
        const ProtobufCFieldDescriptor *field = event_path_field(path);

        if (use == CONFIG_PATH_MAP && strcmp(path, "unit") == 0)
                return true;
        if (!field)
                return false;
        if (use == CONFIG_PATH_MAP)
                return field->descriptor == &carebus__v1__coded__descriptor ||
                       (field->type == PROTOBUF_C_TYPE_STRING && strcmp(field->name, "unit") == 0);
        return use != CONFIG_PATH_LIST || field->label == PROTOBUF_C_LABEL_REPEATED;
}

int command_check(const Context *context, int argc, char **argv) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        int r;

        if (argc > 1)
                return command_wrong_use(argv[0], "check takes nothing else");
        r = config_load(context->config_path, &config, &text, &problems);
        if (r == 0)
                r = config_check_paths(text, path_is_known, &problems);
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
