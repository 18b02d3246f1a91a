/* Keys of `sharing:`, here or in a file of its own, and of `scope:`. */
#include "config/draft.h"

static const char *const relationships[] = { "encounter",    "referral",    "episode",        "care-team",
                                             "practice",     "appointment", "planned-visit",  "contact",
                                             "care-package", "programme",   "opened-contact", "break-glass",
                                             "not-needed",   NULL };
/* As config_classes[], and all of them at once. */
static const char *const rule_classes[] = { "clinical",  "helpline",  "social-care",  "ambulance", "care-home",
                                            "voluntary", "volunteer", "commissioner", "all",       NULL };
static const char *const people_words[] = { "related", "all", NULL };

#define AT(type, member) .offset = offsetof(type, member)
#define LIST(type, member, count) .is_list = true, .offset = offsetof(type, member), .n_offset = offsetof(type, count)

static const SchemaItem rule_items[] = {
        { .name = "name",
          .type = SCHEMA_NAME,
          .required = true,
          AT(DraftRule, rule.name),
          .doc = "What `carebusctl why` and the audit call it" },
        { .name = "reason",
          .type = SCHEMA_TEXT,
          .required = true,
          .max = 1000,
          AT(DraftRule, rule.reason),
          .doc = "Why it is right that these teams see this: a sentence for whoever asks" },
        { .name = "classes",
          .type = SCHEMA_WORD,
          .words = rule_classes,
          LIST(DraftRule, rule.classes, rule.n_classes),
          .fallback_says = "none: `teams` alone",
          .doc = "Classes of teams that it is for" },
        { .name = "teams",
          .type = SCHEMA_NAME,
          LIST(DraftRule, rule.teams, rule.n_teams),
          .fallback_says = "none: `classes` alone",
          .doc = "Teams that it is for as well, by name" },
        { .name = "kinds",
          .type = SCHEMA_NAME,
          LIST(DraftRule, rule.kinds, rule.n_kinds),
          .required = true,
          .doc = "What it shows: sections of the record, services, notices, or all" },
        { .name = "fields",
          .type = SCHEMA_FIELD,
          LIST(DraftRule, rule.fields, rule.n_fields),
          .fallback_says = "all",
          .doc = "Only these fields of them: decision.decision" },
        { .name = "except",
          .type = SCHEMA_FIELD,
          LIST(DraftRule, rule.except, rule.n_except),
          .fallback_says = "none",
          .doc = "All but these fields" },
        { .name = "relationships",
          .type = SCHEMA_WORD,
          .words = relationships,
          LIST(DraftRule, rule.relationships, rule.n_relationships),
          .fallback_says = "any",
          .doc = "Relationships that it goes by; not-needed: a team without one sees it too" },
        { .name = "sensitive",
          .type = SCHEMA_NAME,
          LIST(DraftRule, rule.sensitive, rule.n_sensitive),
          .fallback_says = "none",
          .doc = "Classes of sensitive facts that it shows" },
        { .name = "restricted_shown",
          .type = SCHEMA_BOOL,
          .fallback = "false",
          AT(DraftRule, rule.restricted_shown),
          .doc = "Whether it shows what a restricted address shields" },
        { .name = "despite_objection",
          .type = SCHEMA_BOOL,
          .fallback = "false",
          AT(DraftRule, rule.despite_objection),
          .doc = "Whether it shows what the person objects to having shared" },
        { .name = "unconfirmed",
          .type = SCHEMA_BOOL,
          .fallback = "true",
          AT(DraftRule, rule.unconfirmed),
          .doc = "Whether it shows what waits for a person to say whose it is; it is marked" },
        { .name = "types",
          .type = SCHEMA_FIELD,
          LIST(DraftRule, rule.types, rule.n_types),
          .fallback_says = "all",
          .doc = "Only events of these types, and facts that came of them: cpr_decision.recorded" },
        { .name = "sources",
          .type = SCHEMA_NAME,
          LIST(DraftRule, rule.sources, rule.n_sources),
          .fallback_says = "all",
          .doc = "Only what these sources said" },
        { .name = NULL },
};

static const SchemaItem code_items[] = {
        { .name = "system",
          .type = SCHEMA_SYSTEM,
          .fallback_says = "any",
          AT(DraftCodes, system),
          .doc = "Whose codes they are" },
        { .name = "code",
          .type = SCHEMA_TEXT,
          .required = true,
          .max = 100,
          LIST(DraftCodes, codes, n_codes),
          .doc = "The codes; B20* is every code that begins with B20" },
        { .name = NULL },
};

static const SchemaItem sensitive_items[] = {
        { .name = "codes",
          .type = SCHEMA_LIST,
          .items = code_items,
          .size = sizeof(DraftCodes),
          .offset = offsetof(DraftSensitive, codes),
          .n_offset = offsetof(DraftSensitive, n_codes),
          .doc = "Codes, in shared or original form, that make a fact one of this class" },
        { .name = "list",
          .type = SCHEMA_TEXT,
          .max = 1000,
          AT(DraftSensitive, list),
          .doc = "File with more codes, one a line, alone or behind their system and a bar; # begins a comment. It "
                 "lies "
                 "beside this one" },
        { .name = "words",
          .type = SCHEMA_TEXT,
          .max = 200,
          LIST(DraftSensitive, sensitive.words, sensitive.n_words),
          .fallback_says = "none",
          .doc = "Words, or several in a row, that do so wherever they stand in a text" },
        { .name = "labels",
          .type = SCHEMA_TEXT,
          .max = 100,
          LIST(DraftSensitive, sensitive.labels, sensitive.n_labels),
          .fallback_says = "none",
          .doc = "Codes of labels that a sender puts on a fact" },
        { .name = "never",
          .type = SCHEMA_BOOL,
          .fallback = "false",
          AT(DraftSensitive, sensitive.never),
          .doc = "No rule and no broken glass shows it to another team" },
        { .name = NULL },
};

static const SchemaItem restricted_items[] = {
        { .name = "types",
          .type = SCHEMA_TEXT,
          .max = 64,
          LIST(DraftSharing, sharing.shielded_types, sharing.n_shielded_types),
          .fallback_says = "as shipped",
          .doc = "Parts of the contract that are left out wherever they stand: Address" },
        { .name = "fields",
          .type = SCHEMA_FIELD,
          LIST(DraftSharing, sharing.shielded_fields, sharing.n_shielded_fields),
          .fallback_says = "as shipped",
          .doc = "Fields that are left out: demographics.practice" },
        { .name = NULL },
};

#define DAYS(n) (UINT64_C(86400) * (n))
#define DURATION(member, least, most, shipped)                                                           \
        .type = SCHEMA_DURATION, .min = (least), .max = (most), .fallback_says = shipped ", as shipped", \
        .offset = offsetof(DraftSharing, sharing.member)

static const SchemaItem linger_items[] = {
        { .name = "discharge",
          DURATION(linger_discharge, 0, DAYS(3660), "14d"),
          .doc = "So long a relationship goes on behind a discharge or a closure" },
        { .name = "death",
          DURATION(linger_death, 0, DAYS(3660), "90d"),
          .doc = "So long the relationships of somebody who died go on" },
        { .name = NULL },
};

static const SchemaItem break_glass_items[] = {
        { .name = "limit",
          DURATION(break_glass, 60, DAYS(30), "8h"),
          .doc = "How long it lasts where nothing else is asked for" },
        { .name = "max", DURATION(break_glass_max, 60, DAYS(30), "24h"), .doc = "Longest time that can be asked for" },
        { .name = "reasons",
          .type = SCHEMA_NAME,
          LIST(DraftSharing, sharing.break_glass_reasons, sharing.n_break_glass_reasons),
          .fallback_says = "as shipped",
          .doc = "Codes of reasons that can be given" },
        { .name = NULL },
};

const SchemaItem sharing_items[] = {
        { .name = "rules",
          .type = SCHEMA_LIST,
          .items = rule_items,
          .size = sizeof(DraftRule),
          AT(DraftSharing, rules),
          .n_offset = offsetof(DraftSharing, n_rules),
          .fallback_says = "as shipped",
          .doc = "Which teams see what of whom. Those given here take the place of all that ship" },
        { .name = "sensitive",
          .type = SCHEMA_TABLE,
          .items = sensitive_items,
          .size = sizeof(DraftSensitive),
          AT(DraftSharing, sensitive),
          .n_offset = offsetof(DraftSharing, n_sensitive),
          .fallback_says = "as shipped",
          .doc = "Classes of sensitive facts: only a rule that names the class shows them. One given here takes the "
                 "place of the shipped one of "
                 "its name" },
        { .name = "restricted",
          .type = SCHEMA_GROUP,
          .items = restricted_items,
          .doc = "What a restricted address shields" },
        { .name = "existence",
          .type = SCHEMA_NAME,
          LIST(DraftSharing, sharing.existence, sharing.n_existence),
          .fallback_says = "as shipped",
          .doc = "Sections that tell a team which is not shown every class of sensitive facts that some of it is not "
                 "shown, in everybody's record alike" },
        { .name = "linger", .type = SCHEMA_GROUP, .items = linger_items, .doc = "How long relationships go on" },
        { .name = "contact",
          DURATION(contact, 60, DAYS(366), "72h"),
          .doc = "How long an ambulance or out-of-hours contact, or an arrival at an emergency department of which no "
                 "end is said, is a relationship" },
        { .name = "opened_contact",
          DURATION(opened_contact, 60, DAYS(366), "72h"),
          .doc = "How long a call that a team has opened is one" },
        { .name = "break_glass",
          .type = SCHEMA_GROUP,
          .items = break_glass_items,
          .doc = "Seeing a record without a relationship, with a reason that others read" },
        { .name = "answers_calls",
          .type = SCHEMA_WORD,
          .words = config_classes,
          LIST(DraftSharing, sharing.answers_calls, sharing.n_answers_calls),
          .fallback_says = "helpline, as shipped",
          .doc = "Classes of teams that may find somebody by three details and open a contact" },
        { .name = NULL },
};

const SchemaItem scope_items[] = {
        { .name = "people",
          .type = SCHEMA_WORD,
          .words = people_words,
          .fallback = "related",
          AT(Draft, people),
          .doc = "related: whoever has a relationship outside the organisation that sends; of others only numbers and "
                 "the current stay. all: everybody" },
        { .name = "originals",
          .type = SCHEMA_DURATION,
          .min = 1,
          .max = DAYS(3660),
          .fallback = "7d",
          AT(Draft, config.sharing.originals),
          .doc = "How long what was said of others is kept in the journal" },
        { .name = NULL },
};

int sharing_keep(SchemaWalk *walk, const YamlNode *node, void *target) {
        if (node->kind == YAML_KIND_SEQUENCE)
                schema_expect(walk, node, YAML_KIND_MAPPING, "a mapping, or the name of a file with one");
        else
                ((Draft *)target)->sharing = node;
        return 0;
}
