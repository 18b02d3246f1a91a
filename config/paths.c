/* Canonical paths of profiles, for who knows the schema: this folder does not. */
#include "base/text.h"
#include "config/config.h"
#include "config/yaml.h"

typedef struct Check {
        Report *report;
        ConfigPathKnown known;
} Check;

static void check_path(const Check *check, const YamlNode *node, ConfigPathUse use, const char *where) {
        static const char *const hints[] = {
                [CONFIG_PATH_MAP] = "a map belongs to a coded field, such as encounter.class, or to a unit",
                [CONFIG_PATH_TARGET] =
                        "the fields are those of proto/carebus/v1/bodies.proto: demographics.access_note",
                [CONFIG_PATH_CONDITION] = "the fields are those of proto/carebus/v1/bodies.proto: encounter.specialty",
                [CONFIG_PATH_LIST] = "a list is a field that can be there several times: demographics.addresses",
        };
        if (node->kind != YAML_KIND_SCALAR || node->text[0] == '\0' || check->known(node->text, use))
                return;
        report_warning(check->report, node->place, "%s: '%s' leads nowhere: this line does nothing", where, node->text);
        report_hint(check->report, "%s", hints[use]);
}

static void check_keys(const Check *check, const YamlNode *node, ConfigPathUse use, const char *where) {
        for (size_t i = 0; node && node->kind == YAML_KIND_MAPPING && i < node->n; i++)
                check_path(check, node->pairs[i].key, use, where);
}

static void check_fields(const Check *check, const YamlNode *node) {
        for (size_t i = 0; node && node->kind == YAML_KIND_MAPPING && i < node->n; i++)
                check_path(check, node->pairs[i].value, CONFIG_PATH_TARGET, "fields");
        for (size_t i = 0; node && node->kind == YAML_KIND_SEQUENCE && i < node->n; i++) {
                const YamlNode *to = node->items[i]->kind == YAML_KIND_MAPPING ? yaml_get(node->items[i], "to") : NULL;
                if (to)
                        check_path(check, to, CONFIG_PATH_TARGET, "fields");
        }
}

static void check_teams(const Check *check, const YamlNode *node) {
        for (size_t i = 0; node && node->kind == YAML_KIND_SEQUENCE && i < node->n; i++)
                if (node->items[i]->kind == YAML_KIND_MAPPING)
                        check_keys(check, yaml_get(node->items[i], "when"), CONFIG_PATH_CONDITION, "teams");
}

/* Sections are no paths. */
static void check_lists(const Check *check, const YamlNode *node) {
        const YamlNode *const *items = node && node->kind == YAML_KIND_SEQUENCE ? (const YamlNode *const *)node->items
                                                                                : &node;
        size_t n = !node ? 0 : node->kind == YAML_KIND_SEQUENCE ? node->n : 1;
        for (size_t i = 0; i < n; i++)
                if (items[i]->kind == YAML_KIND_SCALAR && strchr(items[i]->text, '.'))
                        check_path(check, items[i], CONFIG_PATH_LIST, "complete_lists");
}

static bool is_profile(const char *path) {
        const char *slash = strrchr(path, '/');
        return slash && slash - path >= 9 && strncmp(slash - 9, "/profiles", 9) == 0 && strstr(slash, ".yaml");
}

static int check_file(const Check *check, size_t file) {
        _cleanup_(arena_freep) Arena *nodes = NULL;
        YamlNode *root = NULL;
        int r = arena_new(&nodes, YAML_ARENA_BYTES(check->report->text->files[file].content.size));
        if (r == 0)
                r = yaml_read(check->report, file, nodes, &root);
        if (r < 0 || !root || root->kind != YAML_KIND_MAPPING)
                return r < 0 ? r : 0;
        check_keys(check, yaml_get(root, "maps"), CONFIG_PATH_MAP, "maps");
        check_fields(check, yaml_get(root, "fields"));
        check_teams(check, yaml_get(root, "teams"));
        check_lists(check, yaml_get(root, "complete_lists"));
        return 0;
}

int config_check_paths(const ConfigText *text, ConfigPathKnown known, ConfigProblems *problems) {
        Report report = { .text = text, .problems = problems };
        Check check = { .report = &report, .known = known };
        int r = 0;
        for (size_t i = 0; r == 0 && i < text->n_files; i++)
                if (is_profile(text->files[i].path))
                        r = check_file(&check, i);
        problems_sort(problems, text);
        return r;
}
