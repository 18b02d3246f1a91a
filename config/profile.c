/* A profile's table, and what its three mappings of the source's own words need. */
#include "config/profile-draft.h"

#include <iconv.h>

#include "base/text.h"

/* What stays: a byte of the file can become an element. */
#define PROFILE_BYTES(text_bytes) ((size_t)(64 << 10) + 128 * (size_t)(text_bytes))

/* The arena holds everything the profile points to. */
typedef struct ProfileBox {
        Profile profile;
        Arena *arena;
        Place *team_places;
} ProfileBox;

static const SchemaItem authority_items[] = {
        { .name = "authority",
          .type = SCHEMA_TEXT,
          .max = PROFILE_WORD_MAX,
          .offset = offsetof(DraftAuthority, authority.authority),
          .doc = "As said in CX.4, any of its parts, or a system as FHIR says it; left out: any" },
        { .name = "type",
          .type = SCHEMA_TEXT,
          .max = PROFILE_WORD_MAX,
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
          .max = PROFILE_WORD_MAX,
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
          .doc = "Canonical paths or sections that this source always sends whole: what is not in them was removed. "
                 "Never "
                 "decisions, allergies, alerts, consent, restriction, death" },
        { .name = "triggers",
          .type = SCHEMA_OTHER,
          .read = profile_read_triggers,
          .doc = "Message type (ADT^A60, or ORM for all of it) to handle, ignore (acknowledged, counted, not kept), or "
                 "{as: "
                 "ADT^A28}" },
        { .name = "fields",
          .type = SCHEMA_OTHER,
          .says = "list of mappings",
          .read = profile_read_fields,
          .doc = "What of a message goes where no table of the adapter takes it; also in short, FROM: TO" },
        { .name = "ignore",
          .type = SCHEMA_SOURCE,
          .is_list = true,
          .fallback_says = "none",
          .offset = offsetof(DraftProfile, profile.ignore),
          .n_offset = offsetof(DraftProfile, profile.n_ignore),
          .doc = "Places, whole segments and columns that say nothing that anybody needs" },
        { .name = "maps",
          .type = SCHEMA_OTHER,
          .read = profile_read_maps,
          .doc = "Canonical path to a mapping of the source's code to {system, code, display}; below decision. with "
                 "signed: "
                 "{by, on}" },
        { .name = "teams",
          .type = SCHEMA_OTHER,
          .says = "list of mappings",
          .read = profile_read_teams,
          .fallback_says = "the source's own team",
          .doc = "Whose event it is, where one source serves many teams; the first row that holds counts" },
        { .name = "tables",
          .type = SCHEMA_TABLE,
          .items = profile_table_items,
          .size = sizeof(DraftTable),
          .offset = offsetof(DraftProfile, tables),
          .n_offset = offsetof(DraftProfile, n_tables),
          .doc = "People, contacts, referrals, stays, plan, scores, bereaved, services: how this source's files differ "
                 "from "
                 "the templates" },
        { .name = "out",
          .type = SCHEMA_GROUP,
          .items = profile_out_items,
          .doc = "Messages of HL7 that go out to this system" },
        { .name = NULL },
};

const ProfileReference profile_reference[] = {
        { "", profile_items },
        { "triggers.TYPE.", profile_trigger_items },
        { "fields[].", profile_field_items },
        { "maps.PATH.CODE.", profile_entry_items },
        { "maps.PATH.signed.", profile_signed_items },
        { "teams[].", profile_team_items },
        { NULL, NULL },
};

/*
 * The whole
 */

static void check_charset(Report *report, Place place, const char *key, const char *charset) {
        iconv_t converter = iconv_open("UTF-8", charset);
        if (converter != (iconv_t)-1) {
                iconv_close(converter);
                return;
        }
        report_error(report, place, "%s: iconv knows no '%s' on this machine", key, charset);
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
        const Buffer *content = &report->text->files[file].content;
        YamlNode *root = NULL;
        DraftProfile draft = { 0 };
        SchemaWalk walk = { .report = report, .arena = box->arena };
        int r = yaml_read(report, file, nodes, &root);
        if (r != 0)
                return r;
        r = schema_read(&walk, profile_items, root, &draft);
        if (r == 0)
                r = take_authorities(&walk, &draft);
        if (r == 0)
                r = profile_take_tables(&walk, &draft);
        if (r < 0)
                return r;
        profile_check_complete_lists(report, root);
        profile_check_out(report, root, &draft.profile);
        box->team_places = draft.team_places;
        draft.profile.name = box->profile.name;
        box->profile = draft.profile;
        sha256(content->data, content->size, box->profile.digest);
        if (files && draft.profile.timezone)
                files_check_zone(files, report, yaml_place(root, "timezone"), "timezone", draft.profile.timezone);
        if (files && files->on_disk && draft.profile.charset)
                check_charset(report, yaml_place(root, "charset"), "charset", draft.profile.charset);
        if (files && files->on_disk && draft.profile.out.charset)
                check_charset(report, yaml_place(root, "out"), "out.charset", draft.profile.out.charset);
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

Place profile_team_place(const Profile *profile, size_t index) {
        return CONTAINER_OF(profile, ProfileBox, profile)->team_places[index];
}

const ProfileTrigger *profile_trigger_find(const Profile *profile, const char *code, const char *event) {
        const ProfileTrigger *found = NULL;
        for (size_t i = 0; i < profile->n_triggers; i++) {
                const ProfileTrigger *trigger = &profile->triggers[i];
                if (strncmp(trigger->trigger, code, 3) != 0 || strlen(code) != 3)
                        continue;
                if (trigger->trigger[3] == '\0')
                        found = trigger;
                else if (event && strcmp(trigger->trigger + 4, event) == 0)
                        return trigger;
        }
        return found;
}

ProfileTriggerRule profile_trigger_rule(const Profile *profile, const char *code, const char *event) {
        const ProfileTrigger *trigger = profile_trigger_find(profile, code, event);
        return trigger ? trigger->rule : PROFILE_TRIGGER_HANDLE;
}

static bool is_same_list(const char *a, const char *b) {
        for (; *a && *b; a++, b++)
                if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
                        return false;
        return *a == *b;
}

bool profile_list_is_complete(const Profile *profile, const char *path) {
        for (size_t i = 0; i < profile->n_complete_lists; i++)
                if (is_same_list(profile->complete_lists[i], path))
                        return true;
        return false;
}
