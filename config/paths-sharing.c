/* What the sharing rules name of the contract: kinds, types of events, fields, parts of bodies. */
#include "base/text.h"
#include "config/paths.h"

/* Names that a hint can choose from: all types of events are among them. */
#define NAMES_MAX 400

static const char *const name_words[] = {
        [CONFIG_NAME_KIND] = "kind of facts",
        [CONFIG_NAME_TYPE] = "type of events",
        [CONFIG_NAME_MESSAGE] = "part of the contract",
};

static bool is_scalar(const YamlNode *node) {
        return node->kind == YAML_KIND_SCALAR && node->text[0] != '\0';
}

static bool name_is_known(const Check *check, ConfigNameUse use, const char *name) {
        size_t length = strlen(name);
        const char *known;
        /* encounter.*, of destinations: a rule of sharing has its types one by one, which its table sees to. */
        bool is_prefix = use == CONFIG_NAME_TYPE && length > 2 && strcmp(name + length - 2, ".*") == 0;
        for (size_t i = 0; (known = check->known->name(use, i)); i++)
                if (text_equal(known, name) || (is_prefix && strncmp(known, name, length - 1) == 0))
                        return true;
        return use == CONFIG_NAME_KIND && text_equal(name, "all");
}

static void check_name(const Check *check, const YamlNode *node, ConfigNameUse use, const char *path) {
        const char *names[NAMES_MAX], *known;
        size_t n = 0;
        if (!is_scalar(node) || name_is_known(check, use, node->text))
                return;
        for (size_t i = 0; n < NAMES_MAX && (known = check->known->name(use, i)); i++)
                names[n++] = known;
        report_error(check->report, node->place, "%s: there is no %s '%s'", path, name_words[use], node->text);
        if (!report_did_you_mean(check->report, node->text, names, n))
                report_hint(check->report, "GRAMMAR.md lists them");
}

/* A list, or one value without its brackets. */
static size_t list_of(const YamlNode *const *node, const YamlNode *const **ret) {
        if (!*node || (*node)->kind == YAML_KIND_MAPPING)
                return 0;
        *ret = (*node)->kind == YAML_KIND_SEQUENCE ? (const YamlNode *const *)(*node)->items : node;
        return (*node)->kind == YAML_KIND_SEQUENCE ? (*node)->n : 1;
}

static void check_names(const Check *check, const YamlNode *mapping, const char *key, ConfigNameUse use,
                        const char *path) {
        const YamlNode *list = mapping && mapping->kind == YAML_KIND_MAPPING ? yaml_get(mapping, key) : NULL;
        const YamlNode *const *items = NULL;
        size_t n = list_of(&list, &items);
        char where[80];
        snprintf(where, sizeof(where), "%s.%s", path, key);
        for (size_t i = 0; i < n; i++)
                check_name(check, items[i], use, where);
}

static void check_path(const Check *check, const YamlNode *node, const char *path) {
        if (!is_scalar(node) || check->known->path(node->text, CONFIG_PATH_SHARING))
                return;
        report_error(check->report, node->place, "%s: '%s' leads nowhere", path, node->text);
        if (!check_hint_near(check, node->text))
                report_hint(check->report, "the fields are those of proto/carebus/v1/bodies.proto: decision.decision");
}

/* One of `kinds` has the body that the path begins with. */
static bool path_fits(const Check *check, const char *path, const YamlNode *const *kinds, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (is_scalar(kinds[i]) &&
                    (text_equal(kinds[i]->text, "all") || check->known->path_of_kind(path, kinds[i]->text)))
                        return true;
        return n == 0;
}

/* `fields` name what is shown: a kind of which none is named would show all or nothing, and everybody would guess another. */
static void check_each_kind(const Check *check, const YamlNode *const *kinds, size_t n_kinds,
                            const YamlNode *const *fields, size_t n_fields, const char *path) {
        for (size_t i = 0; i < n_kinds; i++) {
                bool is_named = false;
                for (size_t k = 0; k < n_fields && is_scalar(kinds[i]) && !is_named; k++)
                        is_named = is_scalar(fields[k]) && check->known->path_of_kind(fields[k]->text, kinds[i]->text);
                if (is_named || !is_scalar(kinds[i]))
                        continue;
                report_error(check->report, kinds[i]->place, "%s.fields: none of them is of the kind '%s'", path,
                             kinds[i]->text);
                report_hint(check->report, "a kind that is shown whole stands in a rule of its own");
        }
}

static void check_fields(const Check *check, const YamlNode *rule, const char *key, const char *path) {
        const YamlNode *kind_list = yaml_get(rule, "kinds"), *list = yaml_get(rule, key);
        const YamlNode *const *kinds = NULL, *const *fields = NULL;
        size_t n_kinds = list_of(&kind_list, &kinds), n = list_of(&list, &fields);
        char where[80];
        snprintf(where, sizeof(where), "%s.%s", path, key);
        for (size_t i = 0; i < n; i++) {
                check_path(check, fields[i], where);
                if (!is_scalar(fields[i]) || !check->known->path(fields[i]->text, CONFIG_PATH_SHARING) ||
                    path_fits(check, fields[i]->text, kinds, n_kinds))
                        continue;
                report_error(check->report, fields[i]->place, "%s: '%s' is of none of the kinds of this rule", where,
                             fields[i]->text);
                report_hint(check->report, "a path begins with the body of its kind: decisions have decision.*");
        }
        if (n > 0 && text_equal(key, "fields"))
                check_each_kind(check, kinds, n_kinds, fields, n, path);
}

static void check_rule(const Check *check, const YamlNode *rule, size_t index) {
        char path[64];
        if (rule->kind != YAML_KIND_MAPPING)
                return;
        snprintf(path, sizeof(path), "sharing.rules.%zu", index + 1);
        check_names(check, rule, "kinds", CONFIG_NAME_KIND, path);
        check_names(check, rule, "types", CONFIG_NAME_TYPE, path);
        check_fields(check, rule, "fields", path);
        check_fields(check, rule, "except", path);
}

void check_sharing(const Check *check, const YamlNode *node) {
        if (!node || node->kind != YAML_KIND_MAPPING || !check->known->name || !check->known->path_of_kind)
                return;
        const YamlNode *rules = yaml_get(node, "rules"), *restricted = yaml_get(node, "restricted");
        for (size_t i = 0; rules && rules->kind == YAML_KIND_SEQUENCE && i < rules->n; i++)
                check_rule(check, rules->items[i], i);
        check_names(check, node, "existence", CONFIG_NAME_KIND, "sharing");
        check_names(check, restricted, "types", CONFIG_NAME_MESSAGE, "sharing.restricted");
        const YamlNode *list = restricted && restricted->kind == YAML_KIND_MAPPING ? yaml_get(restricted, "fields")
                                                                                   : NULL;
        const YamlNode *const *fields = NULL;
        size_t n = list_of(&list, &fields);
        for (size_t i = 0; i < n; i++)
                check_path(check, fields[i], "sharing.restricted.fields");
}

void check_destinations(const Check *check, const YamlNode *node) {
        for (size_t i = 0; node && check->known->name && node->kind == YAML_KIND_MAPPING && i < node->n; i++) {
                char path[80];
                snprintf(path, sizeof(path), "destinations.%.48s", node->pairs[i].key->text);
                check_names(check, node->pairs[i].value, "types", CONFIG_NAME_TYPE, path);
        }
}
