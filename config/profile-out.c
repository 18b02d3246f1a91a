/* A profile's `out:`: how messages are written that go to such a system. */
#include "base/text.h"
#include "config/profile-draft.h"

static int read_events(SchemaWalk *walk, const YamlNode *node, void *target);
static int read_maps(SchemaWalk *walk, const YamlNode *node, void *target);

static const char *const versions[] = { "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", NULL };
static const char *const offsets[] = { "needed", "always", "never", NULL };
static const char *const acknowledgements[] = { "original", "accept", "application", "both", NULL };
static const char *const own_ids[] = { "ZBU", "none", NULL };

#define FIELD(member) offsetof(DraftProfile, profile.out.member)

const SchemaItem profile_out_items[] = {
        { .name = "version",
          .type = SCHEMA_WORD,
          .words = versions,
          .fallback = "2.4",
          .offset = FIELD(version),
          .doc = "MSH-12, and which fields a version has" },
        { .name = "charset",
          .type = SCHEMA_TEXT,
          .max = 64,
          .fallback = "UTF-8",
          .offset = FIELD(charset),
          .doc = "Of the messages, MSH-18; UTF-8, or a set of single bytes by its name of iconv, in which every letter "
                 "that "
                 "it lacks is a question mark" },
        { .name = "separators",
          .type = SCHEMA_TEXT,
          .min = 5,
          .max = 5,
          .fallback_says = "those of the standard",
          .offset = FIELD(separators),
          .doc = "Of fields, components, repeats, escapes and sub-components: MSH-1 and MSH-2" },
        { .name = "offset",
          .type = SCHEMA_WORD,
          .words = offsets,
          .fallback = "needed",
          .offset = FIELD(offset),
          .doc = "Whether times say how far from UTC they are: where the clock's time alone could mean another moment, "
                 "always, or never" },
        { .name = "acknowledgement",
          .type = SCHEMA_WORD,
          .words = acknowledgements,
          .fallback = "original",
          .offset = FIELD(acknowledgement),
          .doc = "What the receiver answers with: original mode (one answer); of enhanced mode, MSH-15 and MSH-16, the "
                 "commit answer (accept), that of the application, or both one after the other" },
        { .name = "own_id",
          .type = SCHEMA_WORD,
          .words = own_ids,
          .fallback = "ZBU",
          .offset = FIELD(own_id),
          .doc = "The segment that names the event, its source and its source's message: ZBU, or none" },
        { .name = "segments",
          .type = SCHEMA_TEXT,
          .is_list = true,
          .min = 3,
          .max = 3,
          .fallback_says = "none",
          .offset = FIELD(segments),
          .n_offset = FIELD(n_segments),
          .doc = "Local segments that this receiver knows: ZU1, ZU8" },
        { .name = "requires",
          .type = SCHEMA_SOURCE,
          .is_list = true,
          .fallback_says = "PID-3",
          .offset = FIELD(requires_),
          .n_offset = FIELD(n_requires),
          .doc = "Fields without which this receiver takes no message: what lacks one is parked, and a person is "
                 "told" },
        { .name = "granted",
          .type = SCHEMA_TEXT,
          .is_list = true,
          .max = 64,
          .fallback_says = "allergies, decisions, encounters",
          .offset = FIELD(granted),
          .n_offset = FIELD(n_granted),
          .doc = "Sections of the record that stand beside the demographics in the first message about somebody" },
        { .name = "events",
          .type = SCHEMA_OTHER,
          .read = read_events,
          .doc = "Event type, or the part before its dot, to the message that it becomes (ADT^A08, MDM^T02), or none" },
        { .name = "maps",
          .type = SCHEMA_OTHER,
          .read = read_maps,
          .doc = "Canonical path to a mapping of shared codes to the receiver's own; what is not here goes by `maps` "
                 "backwards" },
        { .name = NULL },
};

static bool is_message(const char *text) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

        return strspn(text, letters) == 3 && text[3] == '^' && strspn(text + 4, letters) == 3 && text[7] == '\0';
}

static int read_events(SchemaWalk *walk, const YamlNode *node, void *target) {
        static const SchemaItem item = { .name = "message", .type = SCHEMA_TEXT, .max = 7 };
        ProfileOut *out = &((DraftProfile *)target)->profile.out;

        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "event types with a message each"))
                return 0;
        out->events = profile_new_elements(walk, node->n, sizeof(*out->events));
        if (!out->events)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                const YamlNode *key = node->pairs[i].key;
                ProfileOutEvent event = { 0 };
                size_t length = schema_path_push(walk, key->text);
                int r = schema_parse(walk, &item, node->pairs[i].value, &event.message);
                if (r == 0 && event.message && strcmp(event.message, "none") != 0 && !is_message(event.message)) {
                        report_error(walk->report, node->pairs[i].value->place, "%s: '%s' is no message", walk->path,
                                     event.message);
                        report_hint(walk->report, "write ADT^A31, or none");
                        event.message = NULL;
                }
                schema_path_pop(walk, length);
                if (r < 0)
                        return r;
                event.type = arena_text(walk->arena, key->text, strlen(key->text));
                if (!event.type)
                        return -ENOMEM;
                if (event.message)
                        out->events[out->n_events++] = event;
        }
        return 0;
}

static int read_map(SchemaWalk *walk, const YamlNode *node, ProfileOutMap *map) {
        static const SchemaItem item = { .name = "code", .type = SCHEMA_TEXT, .max = PROFILE_WORD_MAX };

        map->entries = profile_new_elements(walk, node->n, sizeof(*map->entries));
        if (!map->entries)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                const YamlNode *key = node->pairs[i].key;
                ProfileOutMapEntry entry = { .code = arena_text(walk->arena, key->text, strlen(key->text)) };
                size_t length = schema_path_push(walk, key->text);
                int r = schema_parse(walk, &item, node->pairs[i].value, &entry.to);
                schema_path_pop(walk, length);
                if (r < 0 || !entry.code)
                        return r < 0 ? r : -ENOMEM;
                if (entry.to)
                        map->entries[map->n_entries++] = entry;
        }
        return 0;
}

static int read_maps(SchemaWalk *walk, const YamlNode *node, void *target) {
        static const SchemaItem path_item = { .name = "path", .type = SCHEMA_FIELD };
        ProfileOut *out = &((DraftProfile *)target)->profile.out;

        if (!schema_expect(walk, node, YAML_KIND_MAPPING, "canonical paths with a mapping of codes each"))
                return 0;
        out->maps = profile_new_elements(walk, node->n, sizeof(*out->maps));
        if (!out->maps)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                ProfileOutMap map = { 0 };
                int r = schema_parse(walk, &path_item, node->pairs[i].key, &map.path);
                if (r < 0)
                        return r;
                size_t length = schema_path_push(walk, node->pairs[i].key->text);
                bool fits = schema_expect(walk, node->pairs[i].value, YAML_KIND_MAPPING,
                                          "shared codes with the receiver's");
                if (fits)
                        r = read_map(walk, node->pairs[i].value, &map);
                schema_path_pop(walk, length);
                if (r < 0)
                        return r;
                if (map.path && fits)
                        out->maps[out->n_maps++] = map;
        }
        return 0;
}

/* Which is as the reader of HL7 wants them. */
static bool separators_are_valid(const char *text) {
        if (strlen(text) != 5)
                return false;
        for (size_t i = 0; i < 5; i++) {
                uint8_t byte = (uint8_t)text[i];

                if (byte <= ' ' || byte >= 0x7F || (byte >= '0' && byte <= '9') || byte == '"' || byte == '.' ||
                    ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || strchr(text + i + 1, text[i]))
                        return false;
        }
        return true;
}

void profile_check_out(Report *report, const YamlNode *root, Profile *profile) {
        const YamlNode *node = yaml_get(root, "out");

        if (profile->out.separators && !separators_are_valid(profile->out.separators)) {
                report_error(report, node ? yaml_place(node, "separators") : root->place,
                             "out.separators: five different marks are wanted, none of them a letter, a digit, a "
                             "space, a full "
                             "stop or a quotation mark");
                report_hint(report, "as everywhere: '|^~\\&'");
        }
        for (size_t i = 0; i < profile->out.n_requires; i++)
                if (profile_path_language(profile->out.requires_[i]) != PROFILE_LANGUAGE_HL7)
                        report_error(report, node ? yaml_place(node, "requires") : root->place,
                                     "out.requires: '%s' is no field of HL7; write PID-5", profile->out.requires_[i]);
}
