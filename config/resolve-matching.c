/* Contact points of teams, nicknames, ownership: what one value alone cannot tell. */
#include "base/text.h"
#include "config/hours.h"
#include "config/resolve.h"

#define NAME_MAX_BYTES 100
#define NAMES_MAX 20000

/*
 * Contact points
 */

/* What a person can read and the bus cannot is kept in the short form, as it was before there was another. */
static int read_hours(Resolver *resolver, ConfigContact *contact, Place place, const char *path, bool is_short) {
        const char *wrong = "";
        int r;
        if (!contact->hours)
                return 0;
        r = hours_parse(contact->hours, resolver->box->arena, &contact->reach, &contact->n_reach, &wrong);
        if (r != -EINVAL)
                return r;
        if (is_short)
                report_warning(resolver->report, place,
                               "%s.hours: '%s' is shown as it is: no program can tell whether it is now", path, wrong);
        else
                report_error(resolver->report, place, "%s.hours: expected days and hours, not '%s'", path, wrong);
        report_hint(resolver->report, "write Mo-Fr 09:00-17:00; Sa,PH 10:00-12:00, or 24/7");
        return 0;
}

/* The nth of a list, which has all its elements wherever it was read without a mistake. */
static const YamlNode *item_at(const YamlNode *list, size_t index) {
        return list && list->kind == YAML_KIND_SEQUENCE && index < list->n ? list->items[index] : list;
}

static int resolve_short_contact(Resolver *resolver, const DraftTeam *draft, const char *path, ConfigTeam *team) {
        const YamlNode *node = yaml_get(draft->element.node, "contact");
        ConfigContact *contact = &team->contacts[0];
        if (!draft->contact.hours && !draft->contact.phone)
                return 0;
        *contact = draft->contact;
        contact->kind = resolver_text(resolver, "in-hours");
        team->n_contacts = 1;
        return contact->kind ? read_hours(resolver, contact, yaml_place(node, "hours"), path, /* is_short= */ true)
                             : -ENOMEM;
}

int resolve_contacts(Resolver *resolver, const DraftTeam *draft, ConfigTeam *team) {
        const YamlNode *list = yaml_get(draft->element.node, "contact_points");
        char path[96];
        int r;
        team->contacts = arena_alloc(resolver->box->arena, (draft->n_contacts + 1) * sizeof(*team->contacts));
        if (!team->contacts)
                return -ENOMEM;
        snprintf(path, sizeof(path), "teams.%.48s.contact", team->name);
        r = resolve_short_contact(resolver, draft, path, team);
        for (size_t i = 0; r == 0 && i < draft->n_contacts; i++) {
                ConfigContact *contact = &team->contacts[team->n_contacts++];
                *contact = draft->contacts[i].contact;
                snprintf(path, sizeof(path), "teams.%.48s.contact_points.%zu", team->name, i + 1);
                r = read_hours(resolver, contact, yaml_place(item_at(list, i), "hours"), path, /* is_short= */ false);
        }
        return r;
}

/*
 * Nicknames
 */

static int read_group(Resolver *resolver, const YamlNode *node, const char *path) {
        ConfigMatching *matching = &resolver->box->config.matching;
        ConfigNames *group = &matching->nicknames[matching->n_nicknames];
        if (node->kind != YAML_KIND_SEQUENCE || node->n < 2) {
                report_error(resolver->report, node->place, "%s: expected two or more names of one person", path);
                report_hint(resolver->report, "write each group as a list: [margaret, peggy, maggie]");
                return 0;
        }
        group->names = arena_alloc(resolver->box->arena, node->n * sizeof(*group->names));
        if (!group->names)
                return -ENOMEM;
        for (size_t i = 0; i < node->n; i++) {
                const YamlNode *name = node->items[i];
                if (name->kind != YAML_KIND_SCALAR || name->text[0] == '\0' || strlen(name->text) > NAME_MAX_BYTES) {
                        report_error(resolver->report, name->place, "%s: a name is text of 1 to %d bytes", path,
                                     NAME_MAX_BYTES);
                        continue;
                }
                group->names[group->n_names] = resolver_text(resolver, name->text);
                if (!group->names[group->n_names++])
                        return -ENOMEM;
        }
        matching->n_nicknames++;
        return 0;
}

static int read_groups(Resolver *resolver, const YamlNode *node, const char *path) {
        ConfigMatching *matching = &resolver->box->config.matching;
        size_t n_names = 0;
        int r = 0;
        if (node->kind != YAML_KIND_SEQUENCE) {
                report_error(resolver->report, node->place, "%s: expected a list of groups of names, not %s", path,
                             yaml_kind_name(node));
                report_hint(resolver->report, "begin each line with a hyphen: - [margaret, peggy, maggie]");
                return 0;
        }
        for (size_t i = 0; i < node->n; i++)
                n_names += node->items[i]->n;
        if (n_names > NAMES_MAX) {
                report_error(resolver->report, node->place, "%s: at most %d names, these are %zu", path, NAMES_MAX,
                             n_names);
                return 0;
        }
        matching->nicknames = arena_alloc(resolver->box->arena, MAX(node->n, (size_t)1) * sizeof(*matching->nicknames));
        if (!matching->nicknames)
                return -ENOMEM;
        memset(matching->nicknames, 0, MAX(node->n, (size_t)1) * sizeof(*matching->nicknames));
        for (size_t i = 0; r == 0 && i < node->n; i++)
                r = read_group(resolver, node->items[i], path);
        return r;
}

static int read_groups_of_file(Resolver *resolver, const char *name, Place place) {
        _cleanup_(arena_freep) Arena *nodes = NULL;
        YamlNode *root = NULL;
        size_t file = 0;
        int r = resolver_find_file(resolver, name, place, "matching.nicknames", &file);
        if (r == 0)
                r = arena_new(&nodes, YAML_ARENA_BYTES(resolver->files->text->files[file].content.size));
        if (r == 0)
                r = yaml_read(resolver->report, file, nodes, &root);
        if (r != 0)
                return r < 0 ? r : 0; /* what is wrong with it was reported */
        return read_groups(resolver, root, "nicknames");
}

int resolve_matching(Resolver *resolver) {
        const Draft *draft = resolver->draft;
        const YamlNode *node = yaml_get(resolver->root, "matching");
        if (draft->nicknames_groups)
                return read_groups(resolver, draft->nicknames_groups, "matching.nicknames");
        if (draft->nicknames_file)
                return read_groups_of_file(resolver, draft->nicknames_file, yaml_place(node, "nicknames"));
        return 0;
}

/*
 * Ownership
 */

static bool is_below(const char *path, const char *prefix) {
        size_t length = strlen(prefix);
        return strncmp(path, prefix, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

static int resolve_row(Resolver *resolver, size_t index) {
        const DraftOwnership *draft = &resolver->draft->ownership[index];
        ConfigOwnership *row = &resolver->box->config.ownership[resolver->box->config.n_ownership];
        const YamlNode *list = yaml_get(draft->element.node, "sources");
        char path[64];
        if (!draft->path || !draft->sources)
                return 0; /* was reported when it was read */
        snprintf(path, sizeof(path), "ownership.%zu.path", index + 1);
        if (!is_below(draft->path, "demographics")) {
                report_error(resolver->report, yaml_place(draft->element.node, "path"),
                             "%s: '%s' is not of the demographics: every other fact is its source's own", path,
                             draft->path);
                report_hint(resolver->report, "write demographics, or a field of it: demographics.telecom");
        }
        *row = (ConfigOwnership){ .path = draft->path };
        row->sources = arena_alloc(resolver->box->arena, MAX(draft->n_sources, (size_t)1) * sizeof(*row->sources));
        if (!row->sources)
                return -ENOMEM;
        snprintf(path, sizeof(path), "ownership.%zu.sources", index + 1);
        for (size_t i = 0; i < draft->n_sources; i++) {
                ssize_t source = resolver_find_source(resolver, draft->sources[i], item_at(list, i)->place, path);
                if (source >= 0)
                        row->sources[row->n_sources++] = (size_t)source;
        }
        resolver->box->config.n_ownership++;
        return 0;
}

/* A row behind one that takes all of it is never asked. */
static void warn_of_hidden_rows(Resolver *resolver) {
        const Config *config = &resolver->box->config;
        for (size_t i = 1; i < config->n_ownership; i++)
                for (size_t k = 0; k < i; k++) {
                        if (!is_below(config->ownership[i].path, config->ownership[k].path))
                                continue;
                        report_warning(resolver->report, resolver->draft->ownership[i].element.node->place,
                                       "ownership.%zu: row %zu takes all of '%s' before: this row does nothing", i + 1,
                                       k + 1, config->ownership[i].path);
                        report_hint(resolver->report, "put the narrower path first");
                        break;
                }
}

int resolve_ownership(Resolver *resolver) {
        const Draft *draft = resolver->draft;
        Config *config = &resolver->box->config;
        int r = 0;
        config->ownership = arena_alloc(resolver->box->arena,
                                        MAX(draft->n_ownership, (size_t)1) * sizeof(*config->ownership));
        if (!config->ownership)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < draft->n_ownership; i++)
                r = resolve_row(resolver, i);
        if (r == 0 && config->n_ownership == draft->n_ownership)
                warn_of_hidden_rows(resolver);
        return r;
}
