/* Names: teams, sources, profiles. */
#include "config/resolve.h"

#include <inttypes.h>

#include "base/text.h"
#include "config/profile-read.h"

char *resolver_text(Resolver *resolver, const char *text) {
        return arena_text(resolver->box->arena, text, strlen(text));
}

/*
 * References. Names are looked for among the elements of a table, whose first member is the same for all.
 */

static const SchemaElement *element_at(const void *elements, size_t size, size_t index) {
        return (const SchemaElement *)((const char *)elements + index * size);
}

static ssize_t element_find(const void *elements, size_t n, size_t size, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(element_at(elements, size, i)->name, name) == 0)
                        return (ssize_t)i;
        return -ENOENT;
}

static void hint_names(Report *report, const void *elements, size_t n, size_t size, const char *name,
                       const char *otherwise) {
        _cleanup_(freep) const char **names = calloc(MAX(n, (size_t)1), sizeof(*names));
        if (!names)
                return;
        for (size_t i = 0; i < n; i++)
                names[i] = element_at(elements, size, i)->name;
        if (!report_did_you_mean(report, name, names, n))
                report_hint(report, "%s", otherwise);
}

ssize_t resolver_find_team(Resolver *resolver, const char *name, Place place, const char *path) {
        const Draft *draft = resolver->draft;
        ssize_t team = element_find(draft->teams, draft->n_teams, sizeof(DraftTeam), name);
        if (team < 0) {
                report_error(resolver->report, place, "%s: no team '%s'", path, name);
                hint_names(resolver->report, draft->teams, draft->n_teams, sizeof(DraftTeam), name,
                           "name it under teams:");
        }
        return team;
}

ssize_t resolver_find_source(Resolver *resolver, const char *name, Place place, const char *path) {
        const Draft *draft = resolver->draft;
        ssize_t source = element_find(draft->sources, draft->n_sources, sizeof(DraftSource), name);
        if (source < 0) {
                report_error(resolver->report, place, "%s: no source '%s'", path, name);
                hint_names(resolver->report, draft->sources, draft->n_sources, sizeof(DraftSource), name,
                           "name it under sources:");
        }
        return source;
}

int resolver_find_file(Resolver *resolver, const char *name, Place place, const char *path, size_t *ret) {
        _cleanup_(freep) char *beside = NULL;
        int r = name[0] == '/' ? text_format(&beside, "%s", name)
                               : text_format(&beside, "%s/%s", resolver->files->folder, name);
        if (r < 0)
                return r;
        ssize_t file = files_find(resolver->files, beside);
        if (file == -ENOMEM)
                return -ENOMEM;
        if (file < 0) {
                report_error(resolver->report, place, "%s: %s cannot be read: %s", path, beside, strerror((int)-file));
                report_hint(resolver->report,
                            "a file is looked for beside this one; what it says can stand here itself");
                return CONFIG_E_INVALID;
        }
        *ret = (size_t)file;
        return 0;
}

/*
 * Profiles
 */

static ssize_t profile_known(const ConfigBox *box, const char *name) {
        for (size_t i = 0; i < box->n_profiles; i++)
                if (strcmp(box->profile_names[i], name) == 0)
                        return (ssize_t)i;
        return -ENOENT;
}

static int profile_keep(Resolver *resolver, const char *name, Profile *profile) {
        ConfigBox *box = resolver->box;
        Profile **profiles = realloc(box->profiles, (box->n_profiles + 1) * sizeof(*profiles));
        if (!profiles)
                return -ENOMEM;
        box->profiles = profiles;
        char **names = arena_alloc(box->arena, (box->n_profiles + 1) * sizeof(*names));
        if (!names)
                return -ENOMEM;
        if (box->n_profiles > 0)
                memcpy(names, box->profile_names, box->n_profiles * sizeof(*names));
        box->profile_names = names;
        names[box->n_profiles] = resolver_text(resolver, name);
        if (!names[box->n_profiles])
                return -ENOMEM;
        profiles[box->n_profiles++] = profile;
        return 0;
}

static int report_no_profile(Resolver *resolver, const char *name, Place place, const char *path) {
        NameList list = { 0 };
        _cleanup_(freep) char *beside = NULL;
        int r = text_format(&beside, "%s/profiles", resolver->files->folder);
        if (r < 0)
                return r;
        report_error(resolver->report, place, "%s.profile: no profile '%s'", path, name);
        if (resolver->files->on_disk) {
                r = name_list_add_folder(&list, beside, ".yaml");
                if (r == 0)
                        r = name_list_add_folder(&list, PROFILE_FOLDER, ".yaml");
                if (r == 0)
                        r = name_list_add_shipped(&list);
        }
        if (r == 0 && !report_did_you_mean(resolver->report, name, (const char *const *)list.names, list.n_names))
                report_hint(resolver->report, "it would be %s/%s.yaml or %s/%s.yaml", beside, name, PROFILE_FOLDER,
                            name);
        name_list_deinit(&list);
        return r;
}

/* 0, CONFIG_E_INVALID when the profile is there and wrong, -ENOENT, or another negative errno. */
static int profile_open(Resolver *resolver, const char *name, Profile **ret) {
        char *paths[PROFILE_PLACES] = { NULL };
        int r = files_profile_paths(resolver->files, name, paths);
        if (r < 0)
                return r;
        ssize_t file = -ENOENT;
        for (size_t i = 0; i < PROFILE_PLACES; i++)
                if (file == -ENOENT)
                        file = files_find(resolver->files, paths[i]);
        for (size_t i = 0; i < PROFILE_PLACES; i++)
                free(paths[i]);
        if (file >= 0)
                return profile_read(resolver->report, resolver->files, (size_t)file, name, ret);
        if (file == -ENOENT && strcmp(name, "default") == 0)
                return profile_new_default(ret);
        return (int)file;
}

/* A profile is read alone, and only here meets the teams that it names. */
static void check_profile_teams(Resolver *resolver, const Profile *profile) {
        const Draft *draft = resolver->draft;
        for (size_t i = 0; i < profile->n_teams; i++) {
                const char *team = profile->teams[i].team;
                if (element_find(draft->teams, draft->n_teams, sizeof(DraftTeam), team) >= 0)
                        continue;
                report_error(resolver->report, profile_team_place(profile, i), "teams.%zu.team: no team '%s'", i + 1,
                             team);
                hint_names(resolver->report, draft->teams, draft->n_teams, sizeof(DraftTeam), team,
                           "name it under teams: of carebus.yaml, or give the source a profile of its own");
        }
}

/* What was wrong with a profile is said once, however many sources name it: the failed one is kept as NULL. */
int resolver_find_profile(Resolver *resolver, const char *name, Place place, const char *path, Profile **ret) {
        ssize_t known = profile_known(resolver->box, name);
        if (known >= 0) {
                *ret = resolver->box->profiles[known];
                return 0;
        }
        Profile *profile = NULL;
        int r = profile_open(resolver, name, &profile);
        if (r == -ENOMEM)
                return r;
        if (r == -ENOENT)
                r = report_no_profile(resolver, name, place, path);
        else if (r < 0) {
                report_error(resolver->report, place, "%s.profile: '%s' cannot be read: %s", path, name, strerror(-r));
                r = 0;
        }
        if (r < 0)
                return r;
        r = profile_keep(resolver, name, profile);
        if (r < 0) {
                profile_free(profile);
                return r;
        }
        *ret = profile;
        if (profile)
                check_profile_teams(resolver, profile);
        return 0;
}

/*
 * Sources
 */

static const AdapterNeeds adapters[] = {
        { "mllp", "listen", "folder", "connect" },
        { "fhir", NULL, "folder", NULL }, /* listen or poll: config/resolve-adapters.c */
        { "csv", "folder", "listen", "folder" },
};

const AdapterNeeds *resolver_find_adapter(Resolver *resolver, const char *name, Place place, const char *path) {
        const char *names[ELEMENTSOF(adapters)];
        for (size_t i = 0; i < ELEMENTSOF(adapters); i++) {
                names[i] = adapters[i].name;
                if (strcmp(names[i], name) == 0)
                        return &adapters[i];
        }
        const char *near = text_did_you_mean(name, names, ELEMENTSOF(names));
        if (near) {
                report_warning(resolver->report, place, "%s.adapter: '%s' is taken for a vendor's own adapter", path,
                               name);
                report_hint(resolver->report, "did you mean '%s'?", near);
        }
        return NULL;
}

static void check_source_adapter(Resolver *resolver, const DraftSource *source, const char *path) {
        const YamlNode *node = source->element.node;
        if (!source->source.adapter)
                return;
        const AdapterNeeds *adapter = resolver_find_adapter(resolver, source->source.adapter,
                                                            yaml_place(node, "adapter"), path);
        if (!adapter)
                return;
        if (adapter->needs && !yaml_get(node, adapter->needs)) {
                report_error(resolver->report, yaml_place(node, "adapter"), "%s: a source of adapter %s needs '%s'",
                             path, adapter->name, adapter->needs);
                report_hint(resolver->report, strcmp(adapter->needs, "listen") == 0
                                                      ? "say where it takes connections: listen: \"127.0.0.1:2575\""
                                                      : "say which folder it watches: folder: /srv/NAME/in");
        }
        if (yaml_get(node, adapter->ignores))
                report_warning(resolver->report, yaml_place(node, adapter->ignores),
                               "%s.%s: adapter %s does not look at it", path, adapter->ignores, adapter->name);
}

static int resolve_source(Resolver *resolver, size_t index) {
        const DraftSource *draft = &resolver->draft->sources[index];
        ConfigSource *source = &resolver->box->config.sources[index];
        const YamlNode *node = draft->element.node;
        char path[80];
        snprintf(path, sizeof(path), "sources.%.48s", draft->element.name);

        *source = draft->source;
        source->name = draft->element.name;
        if (draft->team) {
                char where[96];
                snprintf(where, sizeof(where), "%s.team", path);
                ssize_t team = resolver_find_team(resolver, draft->team, yaml_place(node, "team"), where);
                source->team = team < 0 ? 0 : (size_t)team;
        }
        check_source_adapter(resolver, draft, path);
        if (draft->profile) {
                int r = resolver_find_profile(resolver, draft->profile, yaml_place(node, "profile"), path,
                                              &source->profile);
                if (r < 0)
                        return r;
        }
        if (source->timezone) {
                char where[96];
                snprintf(where, sizeof(where), "%s.timezone", path);
                files_check_zone(resolver->files, resolver->report, yaml_place(node, "timezone"), where,
                                 source->timezone);
        } else if (source->profile && source->profile->timezone)
                source->timezone = source->profile->timezone;
        else
                source->timezone = resolver->draft->config.timezone;
        return 0;
}

/*
 * Teams
 */

static int may_read_said(Resolver *resolver, const DraftTeam *draft, ConfigTeam *team) {
        const YamlNode *list = yaml_get(draft->element.node, "may_read");
        char path[80];
        snprintf(path, sizeof(path), "teams.%.48s.may_read", draft->element.name);
        const YamlNode *const *items = list->kind == YAML_KIND_SEQUENCE ? (const YamlNode *const *)list->items : &list;
        size_t n = list->kind == YAML_KIND_SEQUENCE ? list->n : 1;
        for (size_t i = 0; i < n; i++) {
                if (items[i]->kind != YAML_KIND_SCALAR || !name_is_valid(items[i]->text))
                        continue; /* was reported when it was read */
                ssize_t source = resolver_find_source(resolver, items[i]->text, items[i]->place, path);
                if (source < 0)
                        continue;
                bool is_there = false;
                for (size_t k = 0; k < team->n_may_read; k++)
                        is_there |= team->may_read[k] == (size_t)source;
                if (!is_there)
                        team->may_read[team->n_may_read++] = (size_t)source;
        }
        return 0;
}

static int resolve_team(Resolver *resolver, size_t index) {
        const DraftTeam *draft = &resolver->draft->teams[index];
        ConfigTeam *team = &resolver->box->config.teams[index];
        *team = draft->team;
        team->name = draft->element.name;
        if (!team->title)
                team->title = team->name;
        int r = resolve_contacts(resolver, draft, team);
        if (r < 0)
                return r;
        team->reads_all = !draft->may_read;
        team->may_read = arena_alloc(resolver->box->arena, MAX(draft->n_may_read, (size_t)1) * sizeof(*team->may_read));
        if (!team->may_read)
                return -ENOMEM;
        return team->reads_all ? 0 : may_read_said(resolver, draft, team);
}

static void check_presence(Resolver *resolver) {
        const Draft *draft = resolver->draft;
        Place whole = { .file = resolver->root->place.file };
        if (draft->n_teams == 0 && !yaml_get(resolver->root, "teams"))
                report_warning(resolver->report, whole, "no teams: nobody receives anything");
        if (draft->n_sources == 0 && !yaml_get(resolver->root, "sources"))
                report_warning(resolver->report, whole, "no sources: nothing comes in");
        if (draft->environment && strcmp(draft->environment, "any") == 0)
                report_warning(resolver->report, yaml_place(resolver->root, "environment"),
                               "environment: any takes live and test messages alike: for development only");
}

/* A hard limit that comes first would leave nobody the time that the soft one is for. */
static void check_storage(Resolver *resolver) {
        const Config *config = &resolver->draft->config;
        if (config->storage_hard_used > 0 && config->storage_soft_used >= config->storage_hard_used)
                report_error(resolver->report, yaml_place(yaml_get(resolver->root, "storage"), "soft"),
                             "storage.soft: %" PRIu64 "%% is not less than `hard`, %" PRIu64
                             "%%: it would come too late to do anything about it",
                             config->storage_soft_used, config->storage_hard_used);
}

int resolve_names(Resolver *resolver) {
        Config *config = &resolver->box->config;
        const Draft *draft = resolver->draft;
        config->teams = arena_alloc(resolver->box->arena, MAX(draft->n_teams, (size_t)1) * sizeof(*config->teams));
        config->sources = arena_alloc(resolver->box->arena,
                                      MAX(draft->n_sources, (size_t)1) * sizeof(*config->sources));
        if (!config->teams || !config->sources)
                return -ENOMEM;
        config->n_teams = draft->n_teams;
        config->n_sources = draft->n_sources;
        check_presence(resolver);
        check_storage(resolver);
        if (config->timezone)
                files_check_zone(resolver->files, resolver->report, yaml_place(resolver->root, "timezone"), "timezone",
                                 config->timezone);
        int r = 0;
        for (size_t i = 0; r == 0 && i < draft->n_sources; i++)
                r = resolve_source(resolver, i);
        for (size_t i = 0; r == 0 && i < draft->n_teams; i++)
                r = resolve_team(resolver, i);
        return r;
}
