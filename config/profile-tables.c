/* A profile's `tables:`: tables that are known here in the source's own dress. */
#include "base/text.h"
#include "config/profile-draft.h"
#include "config/templates.h"

static int read_columns(SchemaWalk *walk, const YamlNode *node, void *target);
static int read_values(SchemaWalk *walk, const YamlNode *node, void *target);
static int read_signed(SchemaWalk *walk, const YamlNode *node, void *target);

static const char *const delimiters[] = { "comma", "semicolon", "tab", "bar", NULL };
static const char *const dates[] = { "day-first", "month-first", "year-first", NULL };

const SchemaItem profile_table_items[] = {
        { .name = "files",
          .type = SCHEMA_TEXT,
          .max = PROFILE_WORD_MAX,
          .fallback_says = "its name and anything: people*.csv",
          .offset = offsetof(DraftTable, table.files),
          .doc = "Which files are this table: a name with * and ?" },
        { .name = "delimiter",
          .type = SCHEMA_WORD,
          .words = delimiters,
          .fallback_says = "found out",
          .offset = offsetof(DraftTable, delimiter),
          .doc = "What stands between two values" },
        { .name = "dates",
          .type = SCHEMA_WORD,
          .words = dates,
          .fallback_says = "year first; 03/04/2026 is refused, since nobody knows which it is",
          .offset = offsetof(DraftTable, dates),
          .doc = "How 03/04/2026 is read" },
        { .name = "columns",
          .type = SCHEMA_OTHER,
          .read = read_columns,
          .fallback_says = "those of the template",
          .doc = "Column of the file to the column of the template that it is" },
        { .name = "values",
          .type = SCHEMA_OTHER,
          .read = read_values,
          .doc = "Column of the template, or item of plan, to a mapping of what the file says to what it means there" },
        { .name = "signed",
          .type = SCHEMA_OTHER,
          .read = read_signed,
          .doc = "Who answers for values of cpr, adrt and ceiling: {by, on}. Without it there can be none" },
        { .name = "ignore",
          .type = SCHEMA_TEXT,
          .is_list = true,
          .max = PROFILE_WORD_MAX,
          .fallback_says = "none",
          .offset = offsetof(DraftTable, table.ignore),
          .n_offset = offsetof(DraftTable, table.n_ignore),
          .doc = "Columns of the file that say nothing that anybody needs" },
        { .name = "complete",
          .type = SCHEMA_BOOL,
          .fallback = "false",
          .offset = offsetof(DraftTable, table.is_complete),
          .doc = "Each file has everybody: who is missing is noted, and nothing is removed" },
        { .name = "exact",
          .type = SCHEMA_BOOL,
          .fallback = "false",
          .offset = offsetof(DraftTable, table.is_exact),
          .doc = "The files are exact/ of a bus: each cell is what it says, each row one event, numbers are whose they "
                 "say" },
        { .name = NULL },
};

static const Template *template_of(const DraftTable *draft) {
        return template_find(draft->element.name);
}

static void report_no_column(SchemaWalk *walk, const YamlNode *node, const Template *template) {
        size_t n = 0;
        while (template->columns[n])
                n++;
        report_error(walk->report, node->place, "%s: table %s has no column '%s'", walk->path, template->name,
                     node->text);
        profile_hint_words(walk->report, node->text, template->columns, n);
}

static int read_columns(SchemaWalk *walk, const YamlNode *node, void *target) {
        DraftTable *draft = target;
        ProfileTable *table = &draft->table;
        const Template *template = template_of(draft);
        if (!template ||
            !schema_expect(walk, node, YAML_KIND_MAPPING, "columns of the file with a column of the template each"))
                return 0;
        table->columns = profile_new_elements(walk, node->n, sizeof(*table->columns));
        if (!table->columns)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                const YamlPair *pair = &node->pairs[i];
                if (!profile_word_is_valid(walk, pair->key) ||
                    !schema_expect(walk, pair->value, YAML_KIND_SCALAR, "a column of the template"))
                        continue;
                if (!template_has_column(template, pair->value->text)) {
                        report_no_column(walk, pair->value, template);
                        continue;
                }
                ProfileColumn *column = &table->columns[table->n_columns++];
                column->column = arena_text(walk->arena, pair->key->text, strlen(pair->key->text));
                column->to = arena_text(walk->arena, pair->value->text, strlen(pair->value->text));
                if (!column->column || !column->to)
                        return -ENOMEM;
        }
        return 0;
}

static bool is_item(const Template *template, const char *name) {
        for (const char *const *item = template_plan_items; strcmp(template->name, "plan") == 0 && *item; item++)
                if (strcmp(*item, name) == 0)
                        return true;
        return false;
}

/* The two that the template has: anything else has no meaning that could be signed. */
static void check_meant(SchemaWalk *walk, const YamlNode *key, const YamlNode *value) {
        if (strcmp(key->text, "cpr") != 0 || strcmp(value->text, "attempt CPR") == 0 ||
            strcmp(value->text, "do not attempt CPR") == 0)
                return;
        report_error(walk->report, value->place, "%s: expected 'attempt CPR' or 'do not attempt CPR', not '%s'",
                     walk->path, value->text);
}

static int read_value(SchemaWalk *walk, const YamlNode *column, const YamlPair *pair, ProfileTable *table) {
        static const SchemaItem meant_item = { .name = "meant", .type = SCHEMA_TEXT, .max = PROFILE_WORD_MAX };
        ProfileValue value = { 0 };
        if (!profile_word_is_valid(walk, pair->key))
                return 0;
        size_t length = schema_path_push(walk, pair->key->text);
        int r = schema_parse(walk, &meant_item, pair->value, &value.meant);
        if (value.meant)
                check_meant(walk, column, pair->value);
        schema_path_pop(walk, length);
        if (r < 0 || !value.meant)
                return r;
        value.column = arena_text(walk->arena, column->text, strlen(column->text));
        value.said = arena_text(walk->arena, pair->key->text, strlen(pair->key->text));
        if (!value.column || !value.said)
                return -ENOMEM;
        table->values[table->n_values++] = value;
        return 0;
}

static int read_values_of(SchemaWalk *walk, const YamlPair *pair, DraftTable *draft) {
        const Template *template = template_of(draft);
        if (!template_has_column(template, pair->key->text) && !is_item(template, pair->key->text)) {
                report_no_column(walk, pair->key, template);
                return 0;
        }
        if (template_needs_signature(template, pair->key->text) && !yaml_get(draft->element.node, "signed")) {
                report_error(walk->report, pair->key->place, "%s.%s: values of what was decided need a signature",
                             walk->path, pair->key->text);
                report_hint(walk->report,
                            "a clinician answers for it; add to the table: signed: {by: \"NAME, ROLE\", on: "
                            "2026-03-01}");
        }
        int r = 0;
        size_t length = schema_path_push(walk, pair->key->text);
        if (schema_expect(walk, pair->value, YAML_KIND_MAPPING, "what the file says with what it means each"))
                for (size_t i = 0; r == 0 && i < pair->value->n; i++)
                        r = read_value(walk, pair->key, &pair->value->pairs[i], &draft->table);
        schema_path_pop(walk, length);
        return r;
}

static int read_values(SchemaWalk *walk, const YamlNode *node, void *target) {
        DraftTable *draft = target;
        size_t n = 0;
        if (!template_of(draft) ||
            !schema_expect(walk, node, YAML_KIND_MAPPING, "columns with a mapping of values each"))
                return 0;
        for (size_t i = 0; i < node->n; i++)
                n += node->pairs[i].value->kind == YAML_KIND_MAPPING ? node->pairs[i].value->n : 0;
        draft->table.values = profile_new_elements(walk, n, sizeof(*draft->table.values));
        int r = draft->table.values ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < node->n; i++)
                r = read_values_of(walk, &node->pairs[i], draft);
        return r;
}

static int read_signed(SchemaWalk *walk, const YamlNode *node, void *target) {
        DraftTable *draft = target;
        DraftSignature signature = { 0 };
        size_t length = strlen(walk->path);
        /* the walker has named this key already */
        walk->path[length - strlen(".signed")] = '\0';
        int r = profile_read_signature(walk, node, &signature);
        walk->path[length - strlen(".signed")] = '.';
        draft->table.signed_by = signature.by;
        draft->table.signed_on = signature.on;
        return r;
}

static void check_name(SchemaWalk *walk, const DraftTable *draft) {
        const char *names[16];
        size_t n = 0;
        if (!name_is_valid(draft->element.name) || template_of(draft))
                return;
        for (const Template *template; n < ELEMENTSOF(names) && (template = template_at(n)); n++)
                names[n] = template->name;
        report_error(walk->report, draft->element.key->place, "tables: no table '%s'", draft->element.name);
        profile_hint_words(walk->report, draft->element.name, names, n);
}

static size_t word_index(const char *const *words, const char *word) {
        size_t i = 0;
        while (words[i] && strcmp(words[i], word) != 0)
                i++;
        return i;
}

int profile_take_tables(SchemaWalk *walk, DraftProfile *draft) {
        static const char characters[] = { ',', ';', '\t', '|' };
        static const ProfileDates orders[] = { PROFILE_DATES_DAY_FIRST, PROFILE_DATES_MONTH_FIRST,
                                               PROFILE_DATES_YEAR_FIRST };
        Profile *profile = &draft->profile;
        profile->tables = profile_new_elements(walk, draft->n_tables, sizeof(*profile->tables));
        if (!profile->tables)
                return -ENOMEM;
        for (size_t i = 0; i < draft->n_tables; i++) {
                DraftTable *table = &draft->tables[i];
                check_name(walk, table);
                table->table.name = table->element.name;
                if (table->delimiter)
                        table->table.delimiter = characters[word_index(delimiters, table->delimiter)];
                if (table->dates)
                        table->table.dates = orders[word_index(dates, table->dates)];
                profile->tables[profile->n_tables++] = table->table;
        }
        return 0;
}

const ProfileTable *profile_table_find(const Profile *profile, const char *name) {
        for (size_t i = 0; i < profile->n_tables; i++)
                if (strcmp(profile->tables[i].name, name) == 0)
                        return &profile->tables[i];
        return NULL;
}
