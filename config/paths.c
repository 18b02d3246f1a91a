/* What the files name of the contract and of the rules of matching: this folder knows neither. */
#include "config/paths.h"

#include <stdlib.h>

#include "base/text.h"

/* Fields that a hint can choose from. */
#define FIELDS_MAX 128

bool check_hint_near(const Check *check, const char *path) {
        const char *names[FIELDS_MAX];
        char before[256] = "", part[256];
        for (const char *at = path; at && check->known->below && strlen(path) < sizeof(before);) {
                const char *dot = strchr(at, '.');
                size_t n = check->known->below(before, names, ELEMENTSOF(names));
                bool is_there = false;
                snprintf(part, sizeof(part), "%.*s", (int)strcspn(at, ".["), at);
                for (size_t i = 0; i < n; i++)
                        is_there |= text_equal(names[i], part);
                if (!is_there)
                        return report_did_you_mean(check->report, part, names, n);
                snprintf(before, sizeof(before), "%.*s", (int)(dot ? dot - path : 0), path);
                at = dot ? dot + 1 : NULL;
        }
        return false;
}

static void check_path(const Check *check, const YamlNode *node, ConfigPathUse use, const char *where) {
        static const char *const hints[] = {
                [CONFIG_PATH_MAP] = "a map belongs to a coded field, such as encounter.class, or to a unit",
                [CONFIG_PATH_TARGET] =
                        "the fields are those of proto/carebus/v1/bodies.proto: demographics.access_note",
                [CONFIG_PATH_CONDITION] = "the fields are those of proto/carebus/v1/bodies.proto: encounter.specialty",
                [CONFIG_PATH_LIST] = "a list is a field that can be there several times: demographics.addresses",
                [CONFIG_PATH_OWNERSHIP] = "the fields are those of Demographics in proto/carebus/v1/bodies.proto",
                [CONFIG_PATH_SHARING] = "the fields are those of proto/carebus/v1/bodies.proto: decision.decision",
        };
        if (node->kind != YAML_KIND_SCALAR || node->text[0] == '\0' || check->known->path(node->text, use))
                return;
        report_warning(check->report, node->place, "%s: '%s' leads nowhere: this line does nothing", where, node->text);
        if (!check_hint_near(check, node->text))
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

static void check_ownership(const Check *check, const YamlNode *node) {
        for (size_t i = 0; node && node->kind == YAML_KIND_SEQUENCE && i < node->n; i++) {
                const YamlNode *path = node->items[i]->kind == YAML_KIND_MAPPING ? yaml_get(node->items[i], "path")
                                                                                 : NULL;
                if (path)
                        check_path(check, path, CONFIG_PATH_OWNERSHIP, "ownership");
        }
}

/*
 * Weights
 */

/* All that `field` can be, or the agreements of it; each once. */
static size_t weight_names(const ConfigKnown *known, const char *field, const char **ret, size_t size) {
        size_t n = 0;
        for (size_t i = 0; i < known->n_weights && n < size; i++) {
                const ConfigWeightName *weight = &known->weights[i];
                const char *name = field ? weight->agreement : weight->field;
                bool is_there = field && !text_equal(weight->field, field);
                for (size_t k = 0; k < n && !is_there; k++)
                        is_there = text_equal(ret[k], name);
                if (!is_there)
                        ret[n++] = name;
        }
        return n;
}

/* Whether it is one of them; where not, said with what there is. */
static bool check_name(const Check *check, const YamlNode *key, const char *field) {
        const char *names[FIELDS_MAX];
        _cleanup_(buffer_deinit) Buffer list = BUFFER_NULL;
        size_t n = weight_names(check->known, field, names, ELEMENTSOF(names));
        for (size_t i = 0; i < n; i++) {
                if (text_equal(names[i], key->text))
                        return true;
                buffer_append_format(&list, "%s%s", i > 0 ? ", " : "", names[i]);
        }
        report_error(check->report, key->place, "matching.weights%s%s: there is no %s '%s'", field ? "." : "",
                     field ? field : "", field ? "agreement" : "field", key->text);
        if (!report_did_you_mean(check->report, key->text, names, n) && !list.error && list.size > 0)
                report_hint(check->report, "known here: %.*s", (int)list.size, (const char *)list.data);
        return false;
}

static void check_weights(const Check *check, const YamlNode *node) {
        for (size_t i = 0; node && node->kind == YAML_KIND_MAPPING && i < node->n; i++) {
                const YamlNode *agreements = node->pairs[i].value;
                if (!check_name(check, node->pairs[i].key, NULL) || agreements->kind != YAML_KIND_MAPPING)
                        continue;
                for (size_t k = 0; k < agreements->n; k++)
                        check_name(check, agreements->pairs[k].key, node->pairs[i].key->text);
        }
}

/* Said of the file that says one of the two last: the other may be the shipped one. */
static void check_thresholds(const Check *check, const YamlNode *node) {
        const ConfigMatching *matching = &check->config->matching;
        int32_t link = matching->link_above.is_said ? matching->link_above.thousandths : check->known->link_above;
        int32_t review = matching->review_above.is_said ? matching->review_above.thousandths
                                                        : check->known->review_above;
        const char *said = yaml_get(node, "review_above") ? "review_above" : "link_above";
        if (review <= link || !yaml_get(node, said))
                return;
        report_error(check->report, yaml_place(node, said),
                     "matching.%s: review begins at %d.%03d bits, above the %d.%03d that join two persons", said,
                     review / 1000, abs(review % 1000), link / 1000, abs(link % 1000));
        report_hint(check->report, "review_above is the lower of the two");
}

/* Nobody's rival is behind by less than nothing. */
static void check_margin(const Check *check, const YamlNode *node) {
        if (check->config->matching.margin.thousandths >= 0 || !yaml_get(node, "margin"))
                return;
        report_error(check->report, yaml_place(node, "margin"), "matching.margin: expected 0 bits or more");
        report_hint(check->report, "with 0 the best of several is taken however near the next one is");
}

static void check_matching(const Check *check, const YamlNode *node) {
        if (!node || node->kind != YAML_KIND_MAPPING || check->known->n_weights == 0)
                return;
        check_weights(check, yaml_get(node, "weights"));
        check_thresholds(check, node);
        check_margin(check, node);
}

static int check_file(const Check *check, size_t file) {
        _cleanup_(arena_freep) Arena *nodes = NULL;
        YamlNode *root = NULL;
        int r = arena_new(&nodes, YAML_ARENA_BYTES(check->report->text->files[file].content.size));
        if (r == 0)
                r = yaml_read(check->report, file, nodes, &root);
        if (r < 0 || !root || root->kind != YAML_KIND_MAPPING)
                return r < 0 ? r : 0;
        if (text_equal(check->config->sharing.file, check->report->text->files[file].path)) {
                check_sharing(check, root);
                return 0;
        }
        if (!is_profile(check->report->text->files[file].path)) {
                check_sharing(check, yaml_get(root, "sharing"));
                check_destinations(check, yaml_get(root, "destinations"));
                check_ownership(check, yaml_get(root, "ownership"));
                check_matching(check, yaml_get(root, "matching"));
                return 0;
        }
        check_keys(check, yaml_get(root, "maps"), CONFIG_PATH_MAP, "maps");
        check_fields(check, yaml_get(root, "fields"));
        check_teams(check, yaml_get(root, "teams"));
        check_lists(check, yaml_get(root, "complete_lists"));
        return 0;
}

/* Keys are no YAML, and neither is a file of nicknames a mapping. */
static bool is_yaml(const char *path) {
        size_t length = strlen(path);
        return length > 5 && strcmp(path + length - 5, ".yaml") == 0;
}

int config_check_known(const Config *config, const ConfigText *text, const ConfigKnown *known,
                       ConfigProblems *problems) {
        Report report = { .text = text, .problems = problems };
        Check check = { .report = &report, .config = config, .known = known };
        size_t n_errors = problems->n_errors;
        int r = 0;
        for (size_t i = 0; r == 0 && i < text->n_files; i++)
                if (i == 0 || is_yaml(text->files[i].path) || text_equal(text->files[i].path, config->sharing.file))
                        r = check_file(&check, i);
        problems_sort(problems, text);
        return r ?: problems->n_errors > n_errors ? CONFIG_E_INVALID : 0;
}
