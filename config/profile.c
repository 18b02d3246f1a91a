/* A profile's table, and what its three mappings of the source's own words need. */
#include "config/profile-read.h"

#include <iconv.h>

#include "base/text.h"
#include "config/schema.h"

/* What stays: a byte of the file can become an element. */
#define PROFILE_BYTES(text_bytes) ((size_t)(64 << 10) + 128 * (size_t)(text_bytes))
#define WORD_MAX 200

/* The arena holds everything the profile points to. */
typedef struct ProfileBox {
        Profile profile;
        Arena *arena;
} ProfileBox;

typedef struct DraftAuthority {
        SchemaElement element;
        ProfileAuthority authority;
} DraftAuthority;

typedef struct DraftProfile {
        Profile profile;
        DraftAuthority *authorities;
        size_t n_authorities;
} DraftProfile;

static int read_maps(SchemaWalk *walk, const YamlNode *node, void *target);
static int read_fields(SchemaWalk *walk, const YamlNode *node, void *target);
static int read_triggers(SchemaWalk *walk, const YamlNode *node, void *target);

static const SchemaItem authority_items[] = {
        { .name = "authority",
          .type = SCHEMA_TEXT,
          .max = WORD_MAX,
          .offset = offsetof(DraftAuthority, authority.authority),
          .doc = "As said in CX.4, any of its parts; left out: any" },
        { .name = "type",
          .type = SCHEMA_TEXT,
          .max = WORD_MAX,
          .offset = offsetof(DraftAuthority, authority.type),
          .doc = "As said in CX.5; left out: any" },
        { .name = "system",
          .type = SCHEMA_SYSTEM,
          .required = true,
          .offset = offsetof(DraftAuthority, authority.system),
          .doc = "System of such an identifier: a URI, or carebus:NAME" },
        { .name = "nhs_number",
          .type = SCHEMA_BOOL,
          .fallback = "false",
          .offset = offsetof(DraftAuthority, authority.is_nhs_number),
          .doc = "These are NHS numbers" },
        { .name = "traced",
          .type = SCHEMA_BOOL,
          .fallback = "false",
          .offset = offsetof(DraftAuthority, authority.traced),
          .doc = "They are verified though no status says so" },
        { .name = NULL },
};

const SchemaItem profile_entry_items[] = {
        { .name = "system",
          .type = SCHEMA_SYSTEM,
          .required = true,
          .offset = offsetof(ProfileMapEntry, to_system),
          .doc = "Code system of the shared code" },
        { .name = "code",
          .type = SCHEMA_TEXT,
          .max = WORD_MAX,
          .required = true,
          .offset = offsetof(ProfileMapEntry, to_code),
          .doc = "The shared code" },
        { .name = "display",
          .type = SCHEMA_TEXT,
          .max = WORD_MAX,
          .offset = offsetof(ProfileMapEntry, to_display),
          .doc = "What it means, for people" },
        { .name = NULL },
};

const SchemaItem profile_items[] = {
        { .name = "authorities",
          .type = SCHEMA_LIST,
          .items = authority_items,
          .size = sizeof(DraftAuthority),
          .offset = offsetof(DraftProfile, authorities),
          .n_offset = offsetof(DraftProfile, n_authorities),
          .doc = "Whose identifiers are whose; the first that fits counts" },
        { .name = "default_authority",
          .type = SCHEMA_SYSTEM,
          .fallback_says = "carebus: and the name of the source",
          .offset = offsetof(DraftProfile, profile.default_authority),
          .doc = "System of an identifier that names no authority" },
        { .name = "nhs_numbers_traced",
          .type = SCHEMA_BOOL,
          .fallback = "false",
          .offset = offsetof(DraftProfile, profile.nhs_numbers_traced),
          .doc = "All NHS numbers of this source are verified where no status says otherwise" },
        { .name = "timezone",
          .type = SCHEMA_ZONE,
          .fallback_says = "the bus's",
          .offset = offsetof(DraftProfile, profile.timezone),
          .doc = "Of times that do not say" },
        { .name = "charset",
          .type = SCHEMA_TEXT,
          .max = 64,
          .fallback_says = "UTF-8",
          .offset = offsetof(DraftProfile, profile.charset),
          .doc = "Of messages whose MSH-18 is empty; a name of iconv" },
        { .name = "receiving_applications",
          .type = SCHEMA_TEXT,
          .is_list = true,
          .max = WORD_MAX,
          .fallback_says = "all",
          .offset = offsetof(DraftProfile, profile.receiving_applications),
          .n_offset = offsetof(DraftProfile, profile.n_receiving_applications),
          .doc = "MSH-5 of messages that are meant for this bus" },
        { .name = "complete_lists",
          .type = SCHEMA_FIELD,
          .is_list = true,
          .fallback_says = "none",
          .offset = offsetof(DraftProfile, profile.complete_lists),
          .n_offset = offsetof(DraftProfile, profile.n_complete_lists),
          .doc = "Canonical paths of lists that this source always sends whole: what is not in them was removed" },
        { .name = "triggers",
          .type = SCHEMA_OTHER,
          .read = read_triggers,
          .doc = "Message type (ADT^A60, or ORM for all of it) to handle or ignore: acknowledged, counted, not kept" },
        { .name = "maps",
          .type = SCHEMA_OTHER,
          .read = read_maps,
          .doc = "Canonical path to a mapping of the source's code to {system, code, display}" },
        { .name = "fields",
          .type = SCHEMA_OTHER,
          .read = read_fields,
          .doc = "Field of a local segment (ZPI-3.1) to the canonical path that it fills" },
        { .name = NULL },
};

/*
 * The source's own words as keys
 */

static bool word_is_valid(SchemaWalk *walk, const YamlNode *key) {
        size_t length = strlen(key->text);
        if (length > 0 && length <= WORD_MAX)
                return true;
        report_error(walk->report, key->place, "%s: a key is 1 to %d bytes, this one is %zu", walk->path, WORD_MAX,
                     length);
        return false;
}

static int read_entry(SchemaWalk *walk, const YamlPair *pair, ProfileMap *map) {
        ProfileMapEntry entry = { 0 };
        if (!word_is_valid(walk, pair->key))
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

static int read_map(SchemaWalk *walk, const YamlPair *pair, Profile *profile) {
        static const SchemaItem path_item = { .name = "path", .type = SCHEMA_FIELD };
        ProfileMap map = { 0 };
        int r = schema_parse(walk, &path_item, pair->key, &map.path);
        if (r < 0 || !map.path)
                return r;
        size_t length = schema_path_push(walk, pair->key->text);
        if (schema_expect(walk, pair->value, YAML_KIND_MAPPING, "codes with a mapping each")) {
                map.entries = arena_alloc(walk->arena, MAX(pair->value->n, (size_t)1) * sizeof(*map.entries));
                r = map.entries ? 0 : -ENOMEM;
                for (size_t i = 0; r == 0 && i < pair->value->n; i++)
                        r = read_entry(walk, &pair->value->pairs[i], &map);
        }
        schema_path_pop(walk, length);
        if (r < 0)
                return r;
        if (map.n_entries > 1)
                qsort(map.entries, map.n_entries, sizeof(*map.entries), compare_entries);
        profile->maps[profile->n_maps++] = map;
        return 0;
}

static int read_maps(SchemaWalk *walk, const YamlNode *node, void *target) {
        Profile *profile = &((DraftProfile *)target)->profile;
        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "canonical paths with a mapping of codes each"))
                return 0;
        profile->maps = arena_alloc(walk->arena, MAX(node->n, (size_t)1) * sizeof(*profile->maps));
        int r = profile->maps ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < node->n; i++)
                r = read_map(walk, &node->pairs[i], profile);
        if (r == 0 && profile->n_maps > 1)
                qsort(profile->maps, profile->n_maps, sizeof(*profile->maps), compare_maps);
        return r;
}

static int read_fields(SchemaWalk *walk, const YamlNode *node, void *target) {
        static const SchemaItem to_item = { .name = "to", .type = SCHEMA_FIELD };
        Profile *profile = &((DraftProfile *)target)->profile;
        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "fields of the source with a canonical path each"))
                return 0;
        profile->fields = arena_alloc(walk->arena, MAX(node->n, (size_t)1) * sizeof(*profile->fields));
        if (!profile->fields)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                ProfileField field = { 0 };
                const YamlNode *key = node->pairs[i].key;
                if (!word_is_valid(walk, key))
                        continue;
                size_t length = schema_path_push(walk, key->text);
                int r = schema_parse(walk, &to_item, node->pairs[i].value, &field.to);
                schema_path_pop(walk, length);
                if (r < 0)
                        return r;
                field.from = arena_text(walk->arena, key->text, strlen(key->text));
                if (!field.from)
                        return -ENOMEM;
                if (field.to)
                        profile->fields[profile->n_fields++] = field;
        }
        return 0;
}

/* ADT or ADT^A60. */
static bool trigger_is_valid(const char *text) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        size_t code = strspn(text, letters);
        if (code != 3)
                return false;
        if (text[3] == '\0')
                return true;
        return text[3] == '^' && strspn(text + 4, letters) == 3 && text[7] == '\0';
}

static int read_triggers(SchemaWalk *walk, const YamlNode *node, void *target) {
        static const char *const rules[] = { "handle", "ignore", NULL };
        static const SchemaItem rule_item = { .name = "rule", .type = SCHEMA_WORD, .words = rules };
        Profile *profile = &((DraftProfile *)target)->profile;
        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "message types with handle or ignore"))
                return 0;
        profile->triggers = arena_alloc(walk->arena, MAX(node->n, (size_t)1) * sizeof(*profile->triggers));
        if (!profile->triggers)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                const YamlNode *key = node->pairs[i].key;
                if (!trigger_is_valid(key->text)) {
                        report_error(walk->report, key->place, "%s: '%s' is no message type", walk->path, key->text);
                        report_hint(walk->report, "write ADT^A60, or ADT for all of it");
                        continue;
                }
                char *rule = NULL;
                size_t length = schema_path_push(walk, key->text);
                int r = schema_parse(walk, &rule_item, node->pairs[i].value, &rule);
                schema_path_pop(walk, length);
                if (r < 0)
                        return r;
                ProfileTrigger *trigger = &profile->triggers[profile->n_triggers];
                trigger->trigger = arena_text(walk->arena, key->text, strlen(key->text));
                if (!trigger->trigger)
                        return -ENOMEM;
                trigger->rule = rule && strcmp(rule, "ignore") == 0 ? PROFILE_TRIGGER_IGNORE : PROFILE_TRIGGER_HANDLE;
                profile->n_triggers += rule != NULL;
        }
        return 0;
}

/*
 * The whole
 */

static void check_charset(Report *report, const YamlNode *root, const char *charset) {
        iconv_t converter = iconv_open("UTF-8", charset);
        if (converter != (iconv_t)-1) {
                iconv_close(converter);
                return;
        }
        report_error(report, yaml_place(root, "charset"), "charset: iconv knows no '%s' on this machine", charset);
        report_hint(report, "names are those of iconv --list, such as ISO-8859-1 or WINDOWS-1252");
}

static int take_authorities(SchemaWalk *walk, DraftProfile *draft) {
        Profile *profile = &draft->profile;
        profile->authorities = arena_alloc(walk->arena,
                                           MAX(draft->n_authorities, (size_t)1) * sizeof(*profile->authorities));
        if (!profile->authorities)
                return -ENOMEM;
        for (size_t i = 0; i < draft->n_authorities; i++) {
                const DraftAuthority *authority = &draft->authorities[i];
                if (!authority->authority.authority && !authority->authority.type) {
                        report_error(walk->report, authority->element.node->place,
                                     "authorities.%zu: neither 'authority' nor 'type' says which identifiers are meant",
                                     i + 1);
                        report_hint(walk->report, "for identifiers that name no authority use default_authority");
                }
                profile->authorities[i] = authority->authority;
        }
        profile->n_authorities = draft->n_authorities;
        return 0;
}

static int read_profile(Report *report, const Files *files, size_t file, Arena *nodes, ProfileBox *box) {
        YamlNode *root = NULL;
        DraftProfile draft = { 0 };
        SchemaWalk walk = { .report = report, .arena = box->arena };
        int r = yaml_read(report, file, nodes, &root);
        if (r != 0)
                return r;
        r = schema_read(&walk, profile_items, root, &draft);
        if (r == 0)
                r = take_authorities(&walk, &draft);
        if (r < 0)
                return r;
        draft.profile.name = box->profile.name;
        box->profile = draft.profile;
        if (files && draft.profile.timezone)
                files_check_zone(files, report, yaml_place(root, "timezone"), "timezone", draft.profile.timezone);
        if (files && files->on_disk && draft.profile.charset)
                check_charset(report, root, draft.profile.charset);
        return 0;
}

int profile_read(Report *report, const Files *files, size_t file, const char *name, Profile **ret) {
        _cleanup_(arena_freep) Arena *nodes = NULL;
        _cleanup_(profile_freep) Profile *profile = NULL;
        size_t n_errors = report->problems->n_errors;
        ProfileBox *box = calloc(1, sizeof(*box));
        if (!box)
                return -ENOMEM;
        profile = &box->profile;
        size_t size = report->text->files[file].content.size;
        int r = arena_new(&nodes, YAML_ARENA_BYTES(size));
        if (r == 0)
                r = arena_new(&box->arena, PROFILE_BYTES(size));
        if (r < 0)
                return r;
        profile->name = arena_text(box->arena, name, strlen(name));
        if (!profile->name)
                return -ENOMEM;
        r = read_profile(report, files, file, nodes, box);
        if (r != 0)
                return r;
        if (report->problems->n_errors > n_errors)
                return CONFIG_E_INVALID;
        *ret = TAKE_PTR(profile);
        return 0;
}

Profile *profile_free(Profile *profile) {
        if (!profile)
                return NULL;
        ProfileBox *box = CONTAINER_OF(profile, ProfileBox, profile);
        arena_free(box->arena);
        free(box);
        return NULL;
}

int profile_load(const char *path, Profile **ret, ConfigProblems *ret_problems) {
        ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = calloc(1, sizeof(*text));
        Files files = { 0 };
        int r = text ? files_init(&files, text, path, /* on_disk= */ true) : -ENOMEM;
        if (r == 0) {
                Report report = { .text = text, .problems = &problems, .path = path };
                ssize_t file = files_find(&files, path);
                if (file == -ENOMEM)
                        r = -ENOMEM;
                else if (file < 0) {
                        report_error(&report, (Place){ .file = PLACE_NO_FILE }, "cannot be read: %s",
                                     strerror((int)-file));
                        r = CONFIG_E_INVALID;
                } else {
                        const char *slash = strrchr(path, '/');
                        _cleanup_(freep) char *name = strdup(slash ? slash + 1 : path);
                        char *suffix = name ? strstr(name, ".yaml") : NULL;
                        if (suffix)
                                *suffix = '\0';
                        r = name ? profile_read(&report, &files, (size_t)file, name, ret) : -ENOMEM;
                }
        }
        files_deinit(&files);
        *ret_problems = problems;
        return r;
}

ProfileTriggerRule profile_trigger_rule(const Profile *profile, const char *code, const char *event) {
        ProfileTriggerRule rule = PROFILE_TRIGGER_HANDLE;
        for (size_t i = 0; i < profile->n_triggers; i++) {
                const ProfileTrigger *trigger = &profile->triggers[i];
                if (strncmp(trigger->trigger, code, 3) != 0 || strlen(code) != 3)
                        continue;
                if (trigger->trigger[3] == '\0')
                        rule = trigger->rule;
                else if (event && strcmp(trigger->trigger + 4, event) == 0)
                        return trigger->rule;
        }
        return rule;
}

bool profile_list_is_complete(const Profile *profile, const char *path) {
        for (size_t i = 0; i < profile->n_complete_lists; i++)
                if (strcmp(profile->complete_lists[i], path) == 0)
                        return true;
        return false;
}
