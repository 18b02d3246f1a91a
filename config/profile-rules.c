/* A profile's rules: which message means what, which field goes where, whose event it is, which lists are whole. */
#include "base/text.h"
#include "config/profile-draft.h"
#include "config/templates.h"

void profile_hint_words(Report *report, const char *said, const char *const *words, size_t n) {
        if (report_did_you_mean(report, said, words, n))
                return;
        Buffer list = BUFFER_NULL;
        for (size_t i = 0; i < n; i++)
                buffer_append_format(&list, "%s%s", i > 0 ? ", " : "", words[i]);
        _cleanup_(freep) char *text = buffer_steal_text(&list);
        if (text)
                report_hint(report, "known here: %s", text);
}

int profile_read_words(SchemaWalk *walk, const YamlNode *node, char ***ret, size_t *ret_n) {
        static const SchemaItem word_item = { .name = "value", .type = SCHEMA_TEXT, .max = PROFILE_WORD_MAX };
        const YamlNode *const *items = node->kind == YAML_KIND_SEQUENCE ? (const YamlNode *const *)node->items : &node;
        size_t n = node->kind == YAML_KIND_SEQUENCE ? node->n : 1, n_words = 0;
        char **words = profile_new_elements(walk, n, sizeof(*words));
        if (!words)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = schema_parse(walk, &word_item, items[i], &words[n_words]);
                if (r < 0)
                        return r;
                n_words += words[n_words] != NULL;
        }
        *ret = words;
        *ret_n = n_words;
        return 0;
}

/*
 * Triggers
 */

#define TRIGGER_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* ADT^A60. */
static bool event_is_valid(const char *text) {
        return strspn(text, TRIGGER_LETTERS) == 3 && text[3] == '^' && strspn(text + 4, TRIGGER_LETTERS) == 3 &&
               text[7] == '\0';
}

/* ADT or ADT^A60. */
static bool trigger_is_valid(const char *text) {
        return event_is_valid(text) || (strlen(text) == 3 && strspn(text, TRIGGER_LETTERS) == 3);
}

typedef struct DraftTrigger {
        char *as;
} DraftTrigger;

const SchemaItem profile_trigger_items[] = {
        { .name = "as",
          .type = SCHEMA_TEXT,
          .required = true,
          .max = 7,
          .offset = offsetof(DraftTrigger, as),
          .doc = "What such a message means here: ADT^A28" },
        { .name = NULL },
};

/* handle, ignore, or {as: ADT^A28}. */
static int read_trigger_rule(SchemaWalk *walk, const YamlNode *node, ProfileTrigger *trigger, bool *ret_is_said) {
        static const char *const rules[] = { "handle", "ignore", NULL };
        static const SchemaItem rule_item = { .name = "rule", .type = SCHEMA_WORD, .words = rules };
        if (node->kind != YAML_KIND_MAPPING) {
                char *rule = NULL;
                int r = schema_parse(walk, &rule_item, node, &rule);
                if (rule && strcmp(rule, "ignore") == 0)
                        trigger->rule = PROFILE_TRIGGER_IGNORE;
                *ret_is_said = rule != NULL;
                return r;
        }
        DraftTrigger draft = { 0 };
        int r = schema_read(walk, profile_trigger_items, node, &draft);
        if (draft.as && !event_is_valid(draft.as)) {
                report_error(walk->report, yaml_place(node, "as"), "%s.as: '%s' is no message type", walk->path,
                             draft.as);
                report_hint(walk->report, "write ADT^A28: a type and its event");
                draft.as = NULL;
        }
        trigger->as = draft.as;
        *ret_is_said = draft.as != NULL;
        return r;
}

int profile_read_triggers(SchemaWalk *walk, const YamlNode *node, void *target) {
        Profile *profile = &((DraftProfile *)target)->profile;
        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "message types with handle, ignore or {as: TYPE}"))
                return 0;
        profile->triggers = profile_new_elements(walk, node->n, sizeof(*profile->triggers));
        if (!profile->triggers)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                const YamlNode *key = node->pairs[i].key;
                if (!trigger_is_valid(key->text)) {
                        report_error(walk->report, key->place, "%s: '%s' is no message type", walk->path, key->text);
                        report_hint(walk->report, "write ADT^A60, or ADT for all of it");
                        continue;
                }
                ProfileTrigger trigger = { 0 };
                bool is_said = false;
                size_t length = schema_path_push(walk, key->text);
                int r = read_trigger_rule(walk, node->pairs[i].value, &trigger, &is_said);
                schema_path_pop(walk, length);
                if (r < 0)
                        return r;
                trigger.trigger = arena_text(walk->arena, key->text, strlen(key->text));
                if (!trigger.trigger)
                        return -ENOMEM;
                if (is_said)
                        profile->triggers[profile->n_triggers++] = trigger;
        }
        return 0;
}

/*
 * Fields
 */

const SchemaItem profile_field_items[] = {
        { .name = "from",
          .type = SCHEMA_SOURCE,
          .required = true,
          .offset = offsetof(ProfileField, from),
          .doc = "Place in the source's message: PID-3[4=RA9].1, Patient.extension('URL').valueString, or a column" },
        { .name = "to",
          .type = SCHEMA_TARGET,
          .required = true,
          .offset = offsetof(ProfileField, to),
          .doc = "Canonical path that it fills" },
        { .name = "when",
          .type = SCHEMA_TEXT,
          .max = 64,
          .fallback_says = "always",
          .offset = offsetof(ProfileField, when),
          .doc = "Only in these: ADT or ADT^A01; a type of resource; the name of a table" },
        { .name = NULL },
};

static bool is_resource_type(const char *text) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        return text[0] >= 'A' && text[0] <= 'Z' && text[strspn(text, letters)] == '\0';
}

static void check_when(SchemaWalk *walk, const YamlNode *node, ProfileField *field) {
        if (!field->from || !field->when)
                return;
        const char *expected = NULL;
        switch (profile_path_language(field->from)) {
        case PROFILE_LANGUAGE_HL7:
                expected = trigger_is_valid(field->when) ? NULL : "a message type: ADT^A01, or ADT for all of it";
                break;
        case PROFILE_LANGUAGE_FHIR:
                expected = is_resource_type(field->when) ? NULL : "a type of resource: Encounter";
                break;
        case PROFILE_LANGUAGE_COLUMN:
                /* an element of FHIR may be named without its resource: identifier[1].value */
                if (!template_find(field->when) && !is_resource_type(field->when))
                        expected = "the name of a table (people, stays, plan) or a type of resource (Encounter)";
                break;
        }
        if (expected)
                report_error(walk->report, yaml_place(node, "when"), "%s.when: expected %s, not '%s'", walk->path,
                             expected, field->when);
}

static int read_field(SchemaWalk *walk, const YamlNode *node, ProfileField *field) {
        int r = schema_read(walk, profile_field_items, node, field);
        if (r == 0 && node->kind == YAML_KIND_MAPPING)
                check_when(walk, node, field);
        return r;
}

/* The short form, FROM: TO. */
static int read_field_pair(SchemaWalk *walk, const YamlPair *pair, ProfileField *field) {
        int r = schema_parse(walk, &profile_field_items[0], pair->key, &field->from);
        if (r < 0)
                return r;
        size_t length = schema_path_push(walk, pair->key->text);
        r = schema_parse(walk, &profile_field_items[1], pair->value, &field->to);
        schema_path_pop(walk, length);
        return r;
}

int profile_read_fields(SchemaWalk *walk, const YamlNode *node, void *target) {
        Profile *profile = &((DraftProfile *)target)->profile;
        bool is_list = node->kind == YAML_KIND_SEQUENCE;
        if (!is_list &&
            !schema_expect(walk, node, YAML_KIND_MAPPING, "a list of {from, to}, or places with a canonical path each"))
                return 0;
        profile->fields = profile_new_elements(walk, node->n, sizeof(*profile->fields));
        if (!profile->fields)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                ProfileField field = { 0 };
                char index[24];
                snprintf(index, sizeof(index), "%zu", i + 1);
                size_t length = is_list ? schema_path_push(walk, index) : strlen(walk->path);
                int r = is_list ? read_field(walk, node->items[i], &field)
                                : read_field_pair(walk, &node->pairs[i], &field);
                schema_path_pop(walk, length);
                if (r < 0)
                        return r;
                if (field.from && field.to)
                        profile->fields[profile->n_fields++] = field;
        }
        return 0;
}

/*
 * Teams
 */

typedef struct DraftTeamRule {
        ProfileTeam team;
} DraftTeamRule;

static int read_conditions(SchemaWalk *walk, const YamlNode *node, void *target);

const SchemaItem profile_team_items[] = {
        { .name = "team",
          .type = SCHEMA_NAME,
          .required = true,
          .offset = offsetof(DraftTeamRule, team.team),
          .doc = "Team of the configuration whose event it is" },
        { .name = "when",
          .type = SCHEMA_OTHER,
          .read = read_conditions,
          .fallback_says = "always",
          .doc = "Canonical paths with a list of values each, of which one stands there: a code, its name or its text; "
                 "all of "
                 "the paths have to hold" },
        { .name = NULL },
};

static int read_condition(SchemaWalk *walk, const YamlPair *pair, ProfileTeam *team) {
        static const SchemaItem path_item = { .name = "path", .type = SCHEMA_FIELD };
        ProfileTeamCondition condition = { 0 };
        int r = schema_parse(walk, &path_item, pair->key, &condition.path);
        if (r < 0 || !condition.path)
                return r;
        size_t length = schema_path_push(walk, pair->key->text);
        r = profile_read_words(walk, pair->value, &condition.values, &condition.n_values);
        if (r == 0 && pair->value->kind == YAML_KIND_SEQUENCE && pair->value->n == 0)
                report_error(walk->report, pair->value->place, "%s: without a value this never holds", walk->path);
        schema_path_pop(walk, length);
        if (r == 0)
                team->conditions[team->n_conditions++] = condition;
        return r;
}

static int read_conditions(SchemaWalk *walk, const YamlNode *node, void *target) {
        ProfileTeam *team = &((DraftTeamRule *)target)->team;
        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "canonical paths with values each"))
                return 0;
        team->conditions = profile_new_elements(walk, node->n, sizeof(*team->conditions));
        int r = team->conditions ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < node->n; i++)
                r = read_condition(walk, &node->pairs[i], team);
        return r;
}

int profile_read_teams(SchemaWalk *walk, const YamlNode *node, void *target) {
        DraftProfile *draft = target;
        Profile *profile = &draft->profile;
        if (!schema_expect(walk, node, YAML_KIND_SEQUENCE, "a list of {team, when}"))
                return 0;
        profile->teams = profile_new_elements(walk, node->n, sizeof(*profile->teams));
        draft->team_places = profile_new_elements(walk, node->n, sizeof(*draft->team_places));
        if (!profile->teams || !draft->team_places)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                DraftTeamRule rule = { 0 };
                char index[24];
                snprintf(index, sizeof(index), "%zu", i + 1);
                size_t length = schema_path_push(walk, index);
                int r = schema_read(walk, profile_team_items, node->items[i], &rule);
                schema_path_pop(walk, length);
                if (r < 0)
                        return r;
                if (!rule.team.team)
                        continue;
                if (rule.team.n_conditions == 0 && i + 1 < node->n)
                        report_warning(walk->report, node->items[i]->place,
                                       "%s.%zu: holds always, so that no row behind it is ever looked at", walk->path,
                                       i + 1);
                draft->team_places[profile->n_teams] = yaml_place(node->items[i], "team");
                profile->teams[profile->n_teams++] = rule.team;
        }
        return 0;
}

/*
 * Complete lists
 */

/* What of a record may be missing in a message and be gone. */
static const char *const list_sections[] = { "appointments", "care_packages",  "care_plans",     "care_team",
                                             "conditions",   "contact_points", "documents",      "encounters",
                                             "episodes",     "medications",    "orders",         "palliative_needs",
                                             "programmes",   "referrals",      "related_persons" };

/* What ends by an explicit statement alone, in all its names: the first part of a path. */
static const char *const explicit_sections[] = { "decisions",
                                                 "decision",
                                                 "cpr",
                                                 "cpr_decision",
                                                 "cpr_decisions",
                                                 "adrt",
                                                 "lpa",
                                                 "advance_statement",
                                                 "advance_statements",
                                                 "preference",
                                                 "preferences",
                                                 "treatment_escalation",
                                                 "allergies",
                                                 "allergy",
                                                 "alerts",
                                                 "alert",
                                                 "consent",
                                                 "consents",
                                                 "restriction",
                                                 "restrictions",
                                                 "restricted",
                                                 "sensitivity",
                                                 "death",
                                                 "deaths",
                                                 "deceased",
                                                 "demographics.restricted",
                                                 "demographics.deceased",
                                                 "demographics.deceased_at" };

/* Whether `said` is the word, or a path below it; hyphens are underscores. */
static bool names_section(const char *said, const char *word) {
        for (; *word; word++, said++)
                if (*said != *word && !(*said == '-' && *word == '_'))
                        return false;
        return *said == '\0' || *said == '.';
}

static void check_complete_list(Report *report, const YamlNode *node) {
        for (size_t i = 0; i < ELEMENTSOF(explicit_sections); i++) {
                if (!names_section(node->text, explicit_sections[i]))
                        continue;
                report_error(report, node->place, "complete_lists: '%s' cannot be a complete list", node->text);
                report_hint(report,
                            "decisions, advance decisions, attorneys, allergies, alerts, consent, restriction and "
                            "death end only when somebody says so: that one is missing in a message says nothing");
                return;
        }
        if (strchr(node->text, '.'))
                return; /* a canonical path, whose form was looked at */
        for (size_t i = 0; i < ELEMENTSOF(list_sections); i++)
                if (names_section(node->text, list_sections[i]))
                        return;
        report_error(report, node->place, "complete_lists: '%s' is no list", node->text);
        profile_hint_words(report, node->text, list_sections, ELEMENTSOF(list_sections));
}

void profile_check_complete_lists(Report *report, const YamlNode *root) {
        const YamlNode *list = yaml_get(root, "complete_lists");
        if (!list)
                return;
        const YamlNode *const *items = list->kind == YAML_KIND_SEQUENCE ? (const YamlNode *const *)list->items : &list;
        size_t n = list->kind == YAML_KIND_SEQUENCE ? list->n : 1;
        for (size_t i = 0; i < n; i++)
                if (items[i]->kind == YAML_KIND_SCALAR && items[i]->text[0])
                        check_complete_list(report, items[i]);
}
