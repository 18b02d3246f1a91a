/* Keys of `matching:` and `ownership:`; docs/matching.md says what they do. */
#include "config/draft.h"

#include "base/text.h"

#define WEIGHTS_MAX 500

static const char *const twins_words[] = { "review", "score", NULL };
static const char *const birth_date_words[] = { "agree", "score", NULL };

static int read_weight(SchemaWalk *walk, const char *field, const YamlPair *pair, ConfigMatching *matching) {
        static const SchemaItem bits_item = { .name = "weight", .type = SCHEMA_BITS };
        ConfigBits bits = { 0 };
        size_t length = schema_path_push(walk, pair->key->text);
        int r = schema_parse(walk, &bits_item, pair->value, &bits);
        schema_path_pop(walk, length);
        if (r < 0 || !bits.is_said)
                return r;
        ConfigWeight weight = {
                .field = arena_text(walk->arena, field, strlen(field)),
                .agreement = arena_text(walk->arena, pair->key->text, strlen(pair->key->text)),
                .thousandths = bits.thousandths,
        };
        if (!weight.field || !weight.agreement)
                return -ENOMEM;
        matching->weights[matching->n_weights++] = weight;
        return 0;
}

static int read_field(SchemaWalk *walk, const YamlPair *pair, ConfigMatching *matching) {
        size_t length = schema_path_push(walk, pair->key->text);
        int r = 0;
        if (schema_expect(walk, pair->value, YAML_KIND_MAPPING, "agreements with bits each"))
                for (size_t i = 0; r == 0 && i < pair->value->n; i++)
                        r = read_weight(walk, pair->key->text, &pair->value->pairs[i], matching);
        schema_path_pop(walk, length);
        return r;
}

static int read_weights(SchemaWalk *walk, const YamlNode *node, void *target) {
        ConfigMatching *matching = &((Draft *)target)->config.matching;
        size_t n = 0;
        int r = 0;
        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "fields with their agreements"))
                return 0;
        for (size_t i = 0; i < node->n; i++)
                n += node->pairs[i].value->kind == YAML_KIND_MAPPING ? node->pairs[i].value->n : 0;
        if (n > WEIGHTS_MAX) {
                report_error(walk->report, node->place, "%s: %zu weights are more than there are agreements",
                             walk->path, n);
                return 0;
        }
        matching->weights = arena_alloc(walk->arena, MAX(n, (size_t)1) * sizeof(*matching->weights));
        if (!matching->weights)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < node->n; i++)
                r = read_field(walk, &node->pairs[i], matching);
        return r;
}

/* A file, or the groups themselves: what is in them is read when files are (config/resolve-matching.c). */
static int read_nicknames(SchemaWalk *walk, const YamlNode *node, void *target) {
        Draft *draft = target;
        if (node->kind == YAML_KIND_SEQUENCE) {
                draft->nicknames_groups = node;
                return 0;
        }
        if (!schema_expect(walk, node, YAML_KIND_SCALAR, "a list of groups of names, or the name of a file with them"))
                return 0;
        if (node->text[0] == '\0' || node->text[strlen(node->text) - 1] == '/') {
                report_error(walk->report, node->place, "%s: expected the name of a file, not '%s'", walk->path,
                             node->text);
                return 0;
        }
        draft->nicknames_file = arena_text(walk->arena, node->text, strlen(node->text));
        return draft->nicknames_file ? 0 : -ENOMEM;
}

const SchemaItem matching_items[] = {
        { .name = "weights",
          .type = SCHEMA_OTHER,
          .read = read_weights,
          .says = "mapping of fields to agreements and bits",
          .fallback_says = "as shipped",
          .doc = "What an agreement weighs: birth_date: {exact: 12.5}. What is not named keeps its shipped weight" },
        { .name = "link_above",
          .type = SCHEMA_BITS,
          .fallback_says = "30, as shipped",
          .offset = offsetof(Draft, config.matching.link_above),
          .doc = "Two persons of this score or more are taken for one, where nothing speaks against it" },
        { .name = "review_above",
          .type = SCHEMA_BITS,
          .fallback_says = "20, as shipped",
          .offset = offsetof(Draft, config.matching.review_above),
          .doc = "From this score on somebody is asked" },
        { .name = "margin",
          .type = SCHEMA_BITS,
          .fallback_says = "5, as shipped",
          .offset = offsetof(Draft, config.matching.margin),
          .doc = "The next best must be so far behind; else somebody is asked" },
        { .name = "communal_postcodes",
          .type = SCHEMA_TEXT,
          .max = 20,
          .is_list = true,
          .fallback_says = "none",
          .offset = offsetof(Draft, config.matching.communal_postcodes),
          .n_offset = offsetof(Draft, config.matching.n_communal_postcodes),
          .doc = "Where many people live together (care homes, hostels): an address there tells less" },
        { .name = "candidates_max",
          .type = SCHEMA_NUMBER,
          .min = 2,
          .max = 10000,
          .fallback_says = "200, as shipped",
          .offset = offsetof(Draft, config.matching.candidates_max),
          .doc = "What more people than this have in common finds nobody" },
        { .name = "nicknames",
          .type = SCHEMA_OTHER,
          .read = read_nicknames,
          .says = "list of lists of names, or a file with one",
          .fallback_says = "as shipped",
          .doc = "Given names that one person may go by, in place of the shipped ones: [[margaret, peggy, maggie]]. A "
                 "file "
                 "is YAML and lies beside this one" },
        { .name = "urgent_after",
          .type = SCHEMA_DURATION,
          .min = 1,
          .max = 7 * 86400,
          .fallback = "15m",
          .offset = offsetof(Draft, config.matching.urgent_after),
          .doc = "An urgent review that nobody decided raises the alarm after it" },
        { .name = "twins",
          .type = SCHEMA_WORD,
          .words = twins_words,
          .fallback = "review",
          .offset = offsetof(Draft, config.matching.twins),
          .doc = "One birth date, family name and home, another first name: review asks a person, score lets the score "
                 "decide" },
        { .name = "birth_date",
          .type = SCHEMA_WORD,
          .words = birth_date_words,
          .fallback = "agree",
          .offset = offsetof(Draft, config.matching.birth_date),
          .doc = "Where birth dates do not agree, or one is not known: agree asks a person, score lets the score "
                 "decide" },
        { .name = NULL },
};

const SchemaItem ownership_items[] = {
        { .name = "path",
          .type = SCHEMA_FIELD,
          .required = true,
          .offset = offsetof(DraftOwnership, path),
          .doc = "Canonical path of the demographics, and all below it: demographics.telecom" },
        { .name = "sources",
          .type = SCHEMA_NAME,
          .is_list = true,
          .required = true,
          .offset = offsetof(DraftOwnership, sources),
          .n_offset = offsetof(DraftOwnership, n_sources),
          .doc = "The first of them that says it owns it; of the others' words none counts while it does" },
        { .name = NULL },
};
