/* Maps of codes: the source's own words as keys, and who answers for what they mean. */
#include "base/text.h"
#include "config/profile-draft.h"

const SchemaItem profile_entry_items[] = {
        { .name = "system",
          .type = SCHEMA_SYSTEM,
          .required = true,
          .offset = offsetof(ProfileMapEntry, to_system),
          .doc = "Code system of the shared code" },
        { .name = "code",
          .type = SCHEMA_TEXT,
          .max = PROFILE_WORD_MAX,
          .required = true,
          .offset = offsetof(ProfileMapEntry, to_code),
          .doc = "The shared code" },
        { .name = "display",
          .type = SCHEMA_TEXT,
          .max = PROFILE_WORD_MAX,
          .offset = offsetof(ProfileMapEntry, to_display),
          .doc = "What it means, for people" },
        { .name = NULL },
};

const SchemaItem profile_signed_items[] = {
        { .name = "by",
          .type = SCHEMA_TEXT,
          .max = PROFILE_WORD_MAX,
          .required = true,
          .offset = offsetof(DraftSignature, by),
          .doc = "Who answers for it clinically: name and role" },
        { .name = "on",
          .type = SCHEMA_DAY,
          .required = true,
          .offset = offsetof(DraftSignature, on),
          .doc = "Since when" },
        { .name = NULL },
};

bool profile_word_is_valid(SchemaWalk *walk, const YamlNode *key) {
        size_t length = strlen(key->text);
        if (length > 0 && length <= PROFILE_WORD_MAX)
                return true;
        report_error(walk->report, key->place, "%s: a key is 1 to %d bytes, this one is %zu", walk->path,
                     PROFILE_WORD_MAX, length);
        return false;
}

void *profile_new_elements(SchemaWalk *walk, size_t n, size_t size) {
        void *elements = arena_alloc(walk->arena, MAX(n, (size_t)1) * size);
        if (elements)
                memset(elements, 0, MAX(n, (size_t)1) * size);
        return elements;
}

int profile_read_signature(SchemaWalk *walk, const YamlNode *node, DraftSignature *ret) {
        size_t length = schema_path_push(walk, "signed");
        int r = schema_read(walk, profile_signed_items, node, ret);
        schema_path_pop(walk, length);
        return r;
}

static int read_entry(SchemaWalk *walk, const YamlPair *pair, ProfileMap *map) {
        ProfileMapEntry entry = { 0 };
        if (!profile_word_is_valid(walk, pair->key))
                return 0;
        size_t length = schema_path_push(walk, pair->key->text);
        int r = schema_read(walk, profile_entry_items, pair->value, &entry);
        schema_path_pop(walk, length);
        if (r < 0)
                return r;
        entry.code = arena_text(walk->arena, pair->key->text, strlen(pair->key->text));
        if (!entry.code)
                return -ENOMEM;
        map->entries[map->n_entries++] = entry;
        return 0;
}

static int compare_entries(const void *a, const void *b) {
        return strcmp(((const ProfileMapEntry *)a)->code, ((const ProfileMapEntry *)b)->code);
}

static int compare_maps(const void *a, const void *b) {
        return strcmp(((const ProfileMap *)a)->path, ((const ProfileMap *)b)->path);
}

/* A source may well have a code that is called so: an entry says whose code it becomes, a signature never does. */
static bool is_signature(const YamlPair *pair) {
        return strcmp(pair->key->text, "signed") == 0 &&
               !(pair->value->kind == YAML_KIND_MAPPING &&
                 (yaml_get(pair->value, "system") || yaml_get(pair->value, "code")));
}

/* Says who answers for the map, under a key that is not `signed`: no entry has these keys. */
static bool is_signature_misnamed(const YamlPair *pair) {
        return !is_signature(pair) && (yaml_get(pair->value, "by") || yaml_get(pair->value, "on")) &&
               !yaml_get(pair->value, "system") && !yaml_get(pair->value, "code");
}

/* Of the same word the one that stands behind in the file is the second. */
static int compare_words(const void *a, const void *b) {
        const ProfileMapEntry *first = *(const ProfileMapEntry *const *)a, *second = *(const ProfileMapEntry *const *)b;
        int order = strcasecmp(first->code, second->code);
        return order != 0 ? order : (first > second) - (first < second);
}

static bool means_other(const ProfileMapEntry *a, const ProfileMapEntry *b) {
        return profile_code_is_word(a->code) && strcasecmp(a->code, b->code) == 0 && a->to_code && b->to_code &&
               !(text_equal(a->to_code, b->to_code) && text_equal(a->to_system, b->to_system));
}

/* Letters in either case are one word: two entries that differ in nothing else must not mean two things. */
static int check_words(SchemaWalk *walk, const YamlNode *node, const ProfileMap *map) {
        _cleanup_(freep) const ProfileMapEntry **entries = calloc(map->n_entries + 1, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        for (size_t i = 0; i < map->n_entries; i++)
                entries[i] = &map->entries[i];
        qsort(entries, map->n_entries, sizeof(*entries), compare_words);
        for (size_t i = 0; i + 1 < map->n_entries; i++)
                if (means_other(entries[i], entries[i + 1]))
                        report_error(walk->report, yaml_place(node, entries[i + 1]->code),
                                     "%s: '%s' and '%s' differ in capitals alone, and mean different codes", walk->path,
                                     entries[i]->code, entries[i + 1]->code);
        return 0;
}

/* What a decision means is nothing that whoever sets up an interface may choose. */
static void check_signature(SchemaWalk *walk, const YamlNode *key, const ProfileMap *map) {
        if (!text_starts_with(map->path, "decision.") || profile_map_is_signed(map))
                return;
        report_error(walk->report, key->place, "%s: a map of what a decision means needs a signature", walk->path);
        report_hint(walk->report,
                    "a clinician answers for it; add to the map: signed: {by: \"NAME, ROLE\", on: 2026-03-01}. "
                    "Without the map the decision is kept as \"meaning not known\" with its text");
}

static int read_map_pairs(SchemaWalk *walk, const YamlNode *node, ProfileMap *map) {
        DraftSignature signature = { 0 };
        int r = 0;
        for (size_t i = 0; r == 0 && i < node->n; i++) {
                if (is_signature(&node->pairs[i]))
                        r = profile_read_signature(walk, node->pairs[i].value, &signature);
                else if (is_signature_misnamed(&node->pairs[i])) {
                        report_error(walk->report, node->pairs[i].key->place, "%s: unknown key '%s'", walk->path,
                                     node->pairs[i].key->text);
                        report_hint(walk->report, "did you mean 'signed'?");
                } else
                        r = read_entry(walk, &node->pairs[i], map);
        }
        map->signed_by = signature.by;
        map->signed_on = signature.on;
        return r;
}

static int read_map(SchemaWalk *walk, const YamlPair *pair, Profile *profile) {
        static const SchemaItem path_item = { .name = "path", .type = SCHEMA_FIELD };
        ProfileMap map = { 0 };
        int r = schema_parse(walk, &path_item, pair->key, &map.path);
        if (r < 0 || !map.path)
                return r;
        size_t length = schema_path_push(walk, pair->key->text);
        if (schema_expect(walk, pair->value, YAML_KIND_MAPPING, "codes with a mapping each")) {
                map.entries = profile_new_elements(walk, pair->value->n, sizeof(*map.entries));
                r = map.entries ? read_map_pairs(walk, pair->value, &map) : -ENOMEM;
                if (r == 0)
                        r = check_words(walk, pair->value, &map);
                check_signature(walk, pair->key, &map);
        }
        schema_path_pop(walk, length);
        if (r < 0)
                return r;
        if (map.n_entries > 1)
                qsort(map.entries, map.n_entries, sizeof(*map.entries), compare_entries);
        profile->maps[profile->n_maps++] = map;
        return 0;
}

int profile_read_maps(SchemaWalk *walk, const YamlNode *node, void *target) {
        Profile *profile = &((DraftProfile *)target)->profile;
        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "canonical paths with a mapping of codes each"))
                return 0;
        profile->maps = profile_new_elements(walk, node->n, sizeof(*profile->maps));
        int r = profile->maps ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < node->n; i++)
                r = read_map(walk, &node->pairs[i], profile);
        if (r == 0 && profile->n_maps > 1)
                qsort(profile->maps, profile->n_maps, sizeof(*profile->maps), compare_maps);
        return r;
}
