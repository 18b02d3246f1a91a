/* Who may see what: the shipped rules, what a configuration lays over them, and what one value alone cannot tell. */
#include "base/text.h"
#include "config/resolve.h"
#include "config/shipped.h"

/* Rules, and sensitive classes, are kept as bits of a word each. */
#define RULES_MAX 64
#define SENSITIVE_MAX 63 /* a bit each, and one for who is let see all */
#define CODES_MAX 50000
#define CODE_MAX_BYTES 200

/* What ships is read like any other file; its own mistakes would be ours, and a test reads it too. */
typedef struct Shipped {
        ConfigText text;
        ConfigProblems problems;
        Arena *nodes;
} Shipped;

static void shipped_deinit(Shipped *shipped) {
        for (size_t i = 0; i < shipped->text.n_files; i++) {
                free(shipped->text.files[i].path);
                buffer_deinit(&shipped->text.files[i].content);
        }
        free(shipped->text.files);
        config_problems_deinit(&shipped->problems);
        arena_free(shipped->nodes);
}

static int read_shipped(Resolver *resolver, Shipped *shipped, DraftSharing *draft) {
        YamlNode *root = NULL;
        ssize_t file = config_text_add(&shipped->text, "etc/sharing.yaml");
        if (file < 0)
                return (int)file;
        buffer_append(&shipped->text.files[file].content, shipped_sharing, shipped_sharing_size);
        if (shipped->text.files[file].content.error)
                return -ENOMEM;
        Report report = { .text = &shipped->text, .problems = &shipped->problems };
        SchemaWalk walk = { .report = &report, .arena = resolver->box->arena };
        int r = arena_new(&shipped->nodes, YAML_ARENA_BYTES(shipped_sharing_size));
        if (r == 0)
                r = yaml_read(&report, (size_t)file, shipped->nodes, &root);
        if (r == 0)
                r = schema_read(&walk, sharing_items, root, draft);
        if (r > 0 || (r == 0 && shipped->problems.n_errors > 0))
                return -EPROTO;
        return r;
}

/* The mapping of `sharing:`, of a file where one is named. NULL: nothing is said, or what is said was reported. */
static int find_mapping(Resolver *resolver, Arena **nodes, const YamlNode **ret) {
        const YamlNode *node = resolver->draft->sharing;
        YamlNode *root = NULL;
        size_t file = 0;
        *ret = NULL;
        if (!node || node->kind == YAML_KIND_MAPPING) {
                *ret = node;
                return 0;
        }
        int r = resolver_find_file(resolver, node->text, node->place, "sharing", &file);
        if (r != 0)
                return r < 0 ? r : 0;
        resolver->box->config.sharing.file = resolver_text(resolver, resolver->files->text->files[file].path);
        if (!resolver->box->config.sharing.file)
                return -ENOMEM;
        r = arena_new(nodes, YAML_ARENA_BYTES(resolver->files->text->files[file].content.size));
        if (r == 0)
                r = yaml_read(resolver->report, file, *nodes, &root);
        if (r == 0)
                *ret = root;
        return r < 0 ? r : 0;
}

/*
 * Sensitive classes
 */

/* Behind an element of a table of `said`, those of `shipped` that it does not name. */
static int lay_sensitive(Resolver *resolver, DraftSharing *said, const DraftSharing *shipped) {
        if (said->sensitive == shipped->sensitive)
                return 0;
        DraftSensitive *all = arena_alloc(resolver->box->arena,
                                          (said->n_sensitive + shipped->n_sensitive) * sizeof(*all));
        size_t n = said->n_sensitive;
        if (!all)
                return -ENOMEM;
        memcpy(all, said->sensitive, n * sizeof(*all));
        for (size_t i = 0; i < shipped->n_sensitive; i++) {
                bool is_there = false;
                for (size_t k = 0; k < said->n_sensitive && !is_there; k++)
                        is_there = text_equal(all[k].element.name, shipped->sensitive[i].element.name);
                if (!is_there)
                        all[n++] = shipped->sensitive[i];
        }
        said->sensitive = all;
        said->n_sensitive = n;
        return 0;
}

typedef struct CodeLine {
        const char *system, *code;
        size_t n_system, n_code;
} CodeLine;

/* One line of a list, without its comment and the blanks around; none where it says nothing. */
static CodeLine code_line(const char *line, size_t size) {
        static const char blanks[] = " \t\r";
        CodeLine result = { .code = line };
        const char *comment = memchr(line, '#', size);
        /* A URI may have a fragment: a comment stands at the beginning or behind a blank. */
        while (comment && comment > line && !strchr(blanks, comment[-1]))
                comment = memchr(comment + 1, '#', size - (size_t)(comment + 1 - line));
        const char *end = comment ? comment : line + size;
        while (result.code < end && strchr(blanks, *result.code))
                result.code++;
        while (end > result.code && strchr(blanks, end[-1]))
                end--;
        const char *bar = memchr(result.code, '|', (size_t)(end - result.code));
        if (bar) {
                result.system = result.code;
                result.n_system = (size_t)(bar - result.code);
                result.code = bar + 1;
        }
        result.n_code = (size_t)(end - result.code);
        return result;
}

static int add_code(Resolver *resolver, ConfigSensitive *sensitive, const CodeLine *line) {
        ConfigSensitiveCode *code = &sensitive->codes[sensitive->n_codes];
        if (line->system) {
                code->system = arena_text(resolver->box->arena, line->system, line->n_system);
                if (!code->system)
                        return -ENOMEM;
        }
        code->code = arena_text(resolver->box->arena, line->code, line->n_code);
        sensitive->n_codes += code->code != NULL;
        return code->code ? 0 : -ENOMEM;
}

/* The lines of a text that say a code, each given to `add`. */
static int read_list(Resolver *resolver, size_t file, ConfigSensitive *sensitive) {
        const Buffer *content = &resolver->files->text->files[file].content;
        const char *at = (const char *)content->data, *end = at + content->size;
        unsigned number = 1;
        for (const char *next; at < end; at = next, number++) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                next = newline ? newline + 1 : end;
                CodeLine line = code_line(at, (size_t)((newline ? newline : end) - at));
                if (line.n_code == 0 && !line.system)
                        continue;
                if (line.n_code == 0 || line.n_code > CODE_MAX_BYTES || (line.system && line.n_system == 0) ||
                    line.n_system > CODE_MAX_BYTES || memchr(line.code, '\0', line.n_code)) {
                        report_error(resolver->report, (Place){ .file = file, .line = number, .column = 1 },
                                     "expected a code, or its system and it: SYSTEM|CODE");
                        continue;
                }
                int r = add_code(resolver, sensitive, &line);
                if (r < 0)
                        return r;
        }
        return 0;
}

static size_t count_lines(const Buffer *content) {
        size_t n = 1;
        for (size_t i = 0; i < content->size; i++)
                n += content->data[i] == '\n';
        return n;
}

static int resolve_class(Resolver *resolver, const DraftSensitive *draft, size_t *n_codes) {
        ConfigSensitive *sensitive =
                &resolver->box->config.sharing.sensitive[resolver->box->config.sharing.n_sensitive++];
        size_t n = 0, file = PLACE_NO_FILE;
        char path[80];
        snprintf(path, sizeof(path), "sharing.sensitive.%.40s", draft->element.name);
        *sensitive = draft->sensitive;
        sensitive->name = draft->element.name;
        if (draft->list) {
                int r = resolver_find_file(resolver, draft->list, yaml_place(draft->element.node, "list"), path, &file);
                if (r < 0)
                        return r;
                n += r == 0 ? count_lines(&resolver->files->text->files[file].content) : 0;
        }
        for (size_t i = 0; i < draft->n_codes; i++)
                n += draft->codes[i].n_codes;
        *n_codes += n;
        if (*n_codes > CODES_MAX) {
                report_error(resolver->report, yaml_place(draft->element.node, draft->list ? "list" : "codes"),
                             "%s: at most %d codes of all classes together", path, CODES_MAX);
                return 0;
        }
        sensitive->codes = arena_alloc(resolver->box->arena, MAX(n, (size_t)1) * sizeof(*sensitive->codes));
        if (!sensitive->codes)
                return -ENOMEM;
        memset(sensitive->codes, 0, n * sizeof(*sensitive->codes));
        for (size_t i = 0; i < draft->n_codes; i++)
                for (size_t k = 0; k < draft->codes[i].n_codes; k++)
                        sensitive->codes[sensitive->n_codes++] = (ConfigSensitiveCode){ draft->codes[i].system,
                                                                                        draft->codes[i].codes[k] };
        return file == PLACE_NO_FILE ? 0 : read_list(resolver, file, sensitive);
}

static int resolve_sensitive(Resolver *resolver, const DraftSharing *draft) {
        ConfigSharing *sharing = &resolver->box->config.sharing;
        size_t n_codes = 0;
        int r = 0;
        if (draft->n_sensitive > SENSITIVE_MAX) {
                report_error(resolver->report, draft->sensitive[0].element.key->place,
                             "sharing.sensitive: at most %d classes, these are %zu", SENSITIVE_MAX, draft->n_sensitive);
                return 0;
        }
        sharing->sensitive = arena_alloc(resolver->box->arena,
                                         MAX(draft->n_sensitive, (size_t)1) * sizeof(*sharing->sensitive));
        if (!sharing->sensitive)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < draft->n_sensitive; i++)
                r = resolve_class(resolver, &draft->sensitive[i], &n_codes);
        return r;
}

/*
 * Rules
 */

static bool list_has(char *const *list, size_t n, const char *word) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(list[i], word))
                        return true;
        return false;
}

/* Where the nth word of a key stands: the list itself where one was wrong, and the numbers no longer fit. */
static Place word_place(const YamlNode *rule, const char *key, size_t n_words, size_t index) {
        const YamlNode *list = yaml_get(rule, key);
        return list && list->kind == YAML_KIND_SEQUENCE && list->n == n_words ? list->items[index]->place
                                                                              : yaml_place(rule, key);
}

static void check_sensitive_names(Resolver *resolver, const DraftRule *draft, const char *path) {
        const ConfigSharing *sharing = &resolver->box->config.sharing;
        const ConfigSharingRule *rule = &draft->rule;
        const char *names[SENSITIVE_MAX];
        for (size_t i = 0; i < sharing->n_sensitive; i++)
                names[i] = sharing->sensitive[i].name;
        for (size_t i = 0; i < rule->n_sensitive; i++) {
                if (list_has((char **)names, sharing->n_sensitive, rule->sensitive[i]))
                        continue;
                report_error(resolver->report, word_place(draft->element.node, "sensitive", rule->n_sensitive, i),
                             "%s.sensitive: no class of sensitive facts '%s'", path, rule->sensitive[i]);
                if (!report_did_you_mean(resolver->report, rule->sensitive[i], names, sharing->n_sensitive))
                        report_hint(resolver->report, "name it under sharing.sensitive");
        }
}

static bool is_about_persons(const ConfigSharingRule *rule) {
        for (size_t i = 0; i < rule->n_kinds; i++)
                if (!text_equal(rule->kinds[i], "services") && !text_equal(rule->kinds[i], "notices"))
                        return true;
        return rule->n_kinds == 0;
}

bool config_sharing_rule_is_open(const ConfigSharingRule *rule) {
        return is_about_persons(rule) && list_has(rule->relationships, rule->n_relationships, "not-needed");
}

static void check_not_needed(Resolver *resolver, const DraftRule *draft, const char *path) {
        if (resolver->box->config.environment != CONFIG_ENVIRONMENT_LIVE || !config_sharing_rule_is_open(&draft->rule))
                return;
        report_warning(resolver->report, yaml_place(draft->element.node, "relationships"),
                       "%s: shows records of people with whom the team has nothing to do", path);
        report_hint(resolver->report, "name the relationships that it goes by; without `relationships` any counts");
}

/* `all` is every class, so that nobody behind this has to know the word. */
static int spread_classes(Resolver *resolver, ConfigSharingRule *rule) {
        size_t n = 0;
        if (!list_has(rule->classes, rule->n_classes, "all"))
                return 0;
        while (config_classes[n])
                n++;
        rule->classes = arena_alloc(resolver->box->arena, n * sizeof(*rule->classes));
        if (!rule->classes)
                return -ENOMEM;
        for (rule->n_classes = 0; rule->n_classes < n; rule->n_classes++)
                rule->classes[rule->n_classes] = (char *)(uintptr_t)config_classes[rule->n_classes];
        return 0;
}

static void check_rule(Resolver *resolver, const DraftRule *draft, const char *path) {
        const ConfigSharingRule *rule = &draft->rule;
        const YamlNode *node = draft->element.node;
        if (!yaml_get(node, "classes") && !yaml_get(node, "teams")) {
                report_error(resolver->report, node->place, "%s: it says neither classes nor teams: it is for nobody",
                             path);
                report_hint(resolver->report, "write classes: [clinical], or teams: [NAME]");
        }
        for (size_t i = 0; i < rule->n_teams; i++) {
                char where[80];
                snprintf(where, sizeof(where), "%s.teams", path);
                resolver_find_team(resolver, rule->teams[i], word_place(node, "teams", rule->n_teams, i), where);
        }
        for (size_t i = 0; i < rule->n_sources; i++) {
                char where[80];
                snprintf(where, sizeof(where), "%s.sources", path);
                resolver_find_source(resolver, rule->sources[i], word_place(node, "sources", rule->n_sources, i),
                                     where);
        }
        check_sensitive_names(resolver, draft, path);
        check_not_needed(resolver, draft, path);
}

static int resolve_rules(Resolver *resolver, const DraftSharing *draft) {
        ConfigSharing *sharing = &resolver->box->config.sharing;
        sharing->rules = arena_alloc(resolver->box->arena, MAX(draft->n_rules, (size_t)1) * sizeof(*sharing->rules));
        if (!sharing->rules)
                return -ENOMEM;
        for (size_t i = 0; i < draft->n_rules; i++) {
                const DraftRule *rule = &draft->rules[i];
                const char *name = rule->rule.name;
                char path[64];
                snprintf(path, sizeof(path), "sharing.rules.%zu", i + 1);
                check_rule(resolver, rule, path);
                for (size_t k = 0; k < i && name; k++)
                        if (text_equal(draft->rules[k].rule.name, name))
                                report_error(resolver->report, yaml_place(rule->element.node, "name"),
                                             "%s: rule %zu has this name too: '%s'", path, k + 1, name);
                sharing->rules[i] = rule->rule;
                int r = spread_classes(resolver, &sharing->rules[i]);
                if (r < 0)
                        return r;
        }
        sharing->n_rules = draft->n_rules;
        return 0;
}

/*
 * All of it
 */

static void check_said(Resolver *resolver, const YamlNode *node, const DraftSharing *draft) {
        const ConfigSharing *said = &draft->sharing;
        const YamlNode *rules = yaml_get(node, "rules"), *glass = yaml_get(node, "break_glass");
        if (rules && draft->n_rules > RULES_MAX)
                report_error(resolver->report, rules->place, "sharing.rules: at most %d rules, these are %zu",
                             RULES_MAX, draft->n_rules);
        if (rules && rules->kind == YAML_KIND_SEQUENCE && draft->n_rules == 0) {
                report_warning(resolver->report, rules->place, "sharing.rules: no rules: nobody sees what others say");
                report_hint(resolver->report, "without the key `rules` those that ship hold");
        }
        if (glass && said->break_glass > said->break_glass_max)
                report_error(resolver->report, yaml_place(glass, yaml_get(glass, "limit") ? "limit" : "max"),
                             "sharing.break_glass: the limit is longer than the longest time that can be asked for");
        if (glass && yaml_get(glass, "reasons") && said->n_break_glass_reasons == 0)
                report_error(resolver->report, yaml_place(glass, "reasons"),
                             "sharing.break_glass.reasons: without one nobody can break the glass");
}

/* What only `sharing:` itself says keeps its place in the configuration: scope, and where the rules stand. */
static void take_values(ConfigSharing *ret, const ConfigSharing *said) {
        ConfigSharing before = *ret;
        *ret = *said;
        ret->file = before.file;
        ret->people_all = before.people_all;
        ret->originals = before.originals;
}

int resolve_sharing(Resolver *resolver) {
        _cleanup_(arena_freep) Arena *nodes = NULL;
        _cleanup_(shipped_deinit) Shipped shipped = { 0 };
        ConfigSharing *sharing = &resolver->box->config.sharing;
        const YamlNode *node = NULL;
        DraftSharing draft = { 0 };
        int r = read_shipped(resolver, &shipped, &draft);
        if (r == 0)
                r = find_mapping(resolver, &nodes, &node);
        if (r < 0)
                return r;
        DraftSharing said = draft;
        if (node) {
                SchemaWalk walk = { .report = resolver->report, .arena = resolver->box->arena, .path = "sharing" };
                r = schema_read(&walk, sharing_items, node, &said);
                if (r == 0)
                        r = lay_sensitive(resolver, &said, &draft);
                if (r < 0)
                        return r;
                check_said(resolver, node, &said);
        }
        sharing->people_all = text_equal(resolver->draft->people, "all");
        take_values(sharing, &said.sharing);
        sharing->shipped = said.rules == draft.rules;
        r = resolve_sensitive(resolver, &said);
        return r < 0 || said.n_rules > RULES_MAX ? r : resolve_rules(resolver, &said);
}
