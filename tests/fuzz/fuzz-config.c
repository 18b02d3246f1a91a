/*
 * Any bytes as carebus.yaml, without a disk: either problems say why, or a configuration whose references hold. A line of
 * "%%%%" divides the input into carebus.yaml and one file of conf.d.
 */
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const Config *config) {
        for (size_t i = 0; i < config->n_sources; i++) {
                const ConfigSource *source = &config->sources[i];
                if (source->team >= config->n_teams || !source->profile || !source->timezone || !source->adapter)
                        __builtin_trap();
                if (config_find_source(config, source->name) != (ssize_t)i || source->max_connections == 0)
                        __builtin_trap();
        }
        for (size_t i = 0; i < config->n_teams; i++) {
                const ConfigTeam *team = &config->teams[i];
                if (!team->title || !team->class || config_find_team(config, team->name) != (ssize_t)i)
                        __builtin_trap();
                for (size_t k = 0; k < team->n_may_read; k++)
                        if (team->may_read[k] >= config->n_sources)
                                __builtin_trap();
        }
        free(config_endpoint(config, "intake"));
        free(config_state_path(config, "journal"));
}

static int file_add(ConfigText *text, const char *path, Bytes content) {
        ConfigFile *file = &text->files[text->n_files];
        file->path = bytes_to_text(bytes_of_text(path));
        buffer_append_bytes(&file->content, content);
        text->n_files++;
        return file->path && file->content.error == 0 ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(config_text_freep) ConfigText *text = calloc(1, sizeof(*text));
        _cleanup_(config_unrefp) Config *config = NULL;
        ConfigProblems problems = { 0 };
        if (!text || size > 32768)
                return 0;
        text->files = calloc(2, sizeof(*text->files));
        if (!text->files)
                return 0;
        const uint8_t *divider = size > 0 ? memmem(data, size, "%%%%\n", 5) : NULL;
        size_t first = divider ? (size_t)(divider - data) : size;
        if (file_add(text, "/etc/carebus/carebus.yaml", bytes_of(data, first)) < 0)
                return 0;
        if (divider && file_add(text, "/etc/carebus/conf.d/x.yaml", bytes_of(divider + 5, size - first - 5)) < 0)
                return 0;
        int r = config_parse(text, &config, &problems);
        if (r < 0 || (r == 0) != (config != NULL) || (r == 0) != (problems.n_errors == 0))
                __builtin_trap();
        if (r == 0)
                check(config);
        config_problems_deinit(&problems);
        return 0;
}
