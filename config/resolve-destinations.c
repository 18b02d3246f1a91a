/* What is delivered into a team's own system: whose it is, where it is, and what its adapter needs. */
#include "base/text.h"
#include "config/resolve.h"

typedef struct DestinationKey {
        const char *key;
        const char *adapters; /* whose it is */
} DestinationKey;

static const DestinationKey keys[] = {
        { "connect", "mllp" },
        { "application", "mllp" },
        { "facility", "mllp" },
        { "receiving_application", "mllp" },
        { "receiving_facility", "mllp" },
        { "url", "fhir" },
        { "facade", "fhir" },
        { "facade_token", "fhir" },
        { "token", "fhir" },
        { "authority", "mllp fhir" },
        { "tls", "mllp fhir" },
        { "form", "fhir csv" },
        { "folder", "csv" },
        { "daily", "csv" },
        { "list_every", "csv" },
};

/* The first is what holds where none is said. */
static const char *const fhir_forms[] = { "transaction", "message", "notification" };
static const char *const csv_forms[] = { "both", "people", "exact" };

static bool is_adapter(const ConfigDestination *destination, const char *name) {
        return text_equal(destination->adapter, name);
}

/* What an adapter of this package does not look at. A vendor's own may use any key. */
static void check_keys(Resolver *resolver, const YamlNode *node, const char *adapter, const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                if (!yaml_get(node, keys[i].key) || strstr(keys[i].adapters, adapter))
                        continue;
                report_warning(resolver->report, yaml_place(node, keys[i].key), "%s.%s: adapter %s does not look at it",
                               path, keys[i].key, adapter);
        }
}

static int check_form(Resolver *resolver, const YamlNode *node, const char *path, ConfigDestination *destination,
                      const char *const *forms) {
        bool is_there = false;
        if (!destination->form) {
                destination->form = resolver_text(resolver, forms[0]);
                return destination->form ? 0 : -ENOMEM;
        }
        for (size_t i = 0; i < 3; i++)
                is_there |= text_equal(destination->form, forms[i]);
        if (!is_there) {
                report_error(resolver->report, yaml_place(node, "form"), "%s.form: adapter %s has no form '%s'", path,
                             destination->adapter, destination->form);
                report_hint(resolver->report, "write %s, %s or %s", forms[0], forms[1], forms[2]);
        }
        return 0;
}

static int check_fhir(Resolver *resolver, const YamlNode *node, const char *path, ConfigDestination *destination) {
        char label[96];
        if (!yaml_get(node, "url") && !yaml_get(node, "facade")) {
                report_error(resolver->report, yaml_place(node, "adapter"),
                             "%s: a destination of adapter fhir needs 'url' or 'facade'", path);
                report_hint(
                        resolver->report,
                        "say where it is delivered to (url: https://fhir.example.org/r4), or where the team's system "
                        "may read (facade: \"127.0.0.1:8090\")");
        }
        if (destination->url && text_starts_with(destination->url, "http://") &&
            !resolver_url_is_local(destination->url)) {
                report_error(resolver->report, yaml_place(node, "url"),
                             "%s.url: records and the token would cross the network in the clear", path);
                report_hint(resolver->report, "write https://; http:// is for a server on this machine");
        }
        if (destination->facade && !destination->facade_token) {
                report_error(resolver->report, yaml_place(node, "facade"),
                             "%s.facade: it needs 'facade_token': nobody reads without saying which system asks", path);
                report_hint(resolver->report, "facade_token: /etc/carebus/%s.tokens, a line `TOKEN SYSTEM` for each",
                            destination->name);
        }
        if (destination->facade && !destination->tls.certificate && !resolver_is_local(destination->facade)) {
                report_error(resolver->report, yaml_place(node, "facade"),
                             "%s.facade: records and tokens would cross the network in the clear", path);
                report_hint(resolver->report,
                            "set tls.certificate and tls.key, or let a proxy on this machine do it and listen on "
                            "127.0.0.1");
        }
        snprintf(label, sizeof(label), "%s.facade_token", path);
        resolver_check_file(resolver, destination->facade_token, "list of tokens", yaml_place(node, "facade_token"),
                            label);
        snprintf(label, sizeof(label), "%s.token", path);
        resolver_check_file(resolver, destination->token, "token", yaml_place(node, "token"), label);
        return check_form(resolver, node, path, destination, fhir_forms);
}

static int check_adapter(Resolver *resolver, const DraftDestination *draft, const char *path,
                         ConfigDestination *destination) {
        const YamlNode *node = draft->element.node;
        char label[96];
        if (!destination->adapter)
                return 0;
        const AdapterNeeds *adapter = resolver_find_adapter(resolver, destination->adapter, yaml_place(node, "adapter"),
                                                            path);
        snprintf(label, sizeof(label), "%s.tls", path);
        resolver_check_tls(resolver, &destination->tls, yaml_get(node, "tls"), label);
        snprintf(label, sizeof(label), "%s.authority", path);
        resolver_check_file(resolver, destination->authority, NULL, yaml_place(node, "authority"), label);
        if (!adapter)
                return 0;
        check_keys(resolver, node, adapter->name, path);
        if (adapter->destination_needs && !yaml_get(node, adapter->destination_needs)) {
                report_error(resolver->report, yaml_place(node, "adapter"),
                             "%s: a destination of adapter %s needs '%s'", path, adapter->name,
                             adapter->destination_needs);
                report_hint(resolver->report, is_adapter(destination, "csv")
                                                      ? "say which folder it fills: folder: /srv/NAME/out"
                                                      : "say where the receiver listens: connect: \"192.0.2.7:2575\"");
        }
        if (is_adapter(destination, "csv"))
                return check_form(resolver, node, path, destination, csv_forms);
        return is_adapter(destination, "fhir") ? check_fhir(resolver, node, path, destination) : 0;
}

static int take_sources(Resolver *resolver, const DraftDestination *draft, const char *path,
                        ConfigDestination *destination) {
        const Config *config = &resolver->box->config;
        const YamlNode *list = yaml_get(draft->element.node, "sources");
        size_t room = draft->sources ? draft->n_sources : config->n_sources;
        char where[96];
        destination->sources = arena_alloc(resolver->box->arena, MAX(room, (size_t)1) * sizeof(*destination->sources));
        if (!destination->sources)
                return -ENOMEM;
        destination->sources_said = draft->sources != NULL;
        snprintf(where, sizeof(where), "%s.sources", path);
        for (size_t i = 0; i < draft->n_sources; i++) {
                bool all_read = list->kind == YAML_KIND_SEQUENCE && list->n == draft->n_sources;
                Place place = all_read ? list->items[i]->place : list->place;
                ssize_t source = resolver_find_source(resolver, draft->sources[i], place, where);
                if (source >= 0)
                        destination->sources[destination->n_sources++] = (size_t)source;
        }
        for (size_t i = 0; !draft->sources && draft->team && i < config->n_sources; i++)
                if (config->sources[i].team == destination->team)
                        destination->sources[destination->n_sources++] = i;
        return 0;
}

static int take_names(Resolver *resolver, const DraftDestination *draft, const char *path,
                      ConfigDestination *destination) {
        const YamlNode *node = draft->element.node;
        char where[96];
        if (draft->team) {
                snprintf(where, sizeof(where), "%s.team", path);
                ssize_t team = resolver_find_team(resolver, draft->team, yaml_place(node, "team"), where);
                destination->team = team < 0 ? 0 : (size_t)team;
        }
        if (draft->profile) {
                int r = resolver_find_profile(resolver, draft->profile, yaml_place(node, "profile"), path,
                                              &destination->profile);
                if (r < 0)
                        return r;
        }
        if (destination->timezone) {
                snprintf(where, sizeof(where), "%s.timezone", path);
                files_check_zone(resolver->files, resolver->report, yaml_place(node, "timezone"), where,
                                 destination->timezone);
        } else if (destination->profile && destination->profile->timezone)
                destination->timezone = destination->profile->timezone;
        else
                destination->timezone = resolver->draft->config.timezone;
        return take_sources(resolver, draft, path, destination);
}

/* What stands in a header of HL7 where nothing is said. */
static int fill_header(Resolver *resolver, ConfigDestination *destination) {
        const Config *config = &resolver->box->config;
        const char *organisation = config->n_teams > destination->team ? config->teams[destination->team].organisation
                                                                       : NULL;
        struct {
                char **field;
                const char *fallback;
        } const fields[] = {
                { &destination->application, "carebus" },
                { &destination->facility, config->bus },
                { &destination->receiving_application, destination->name },
                { &destination->receiving_facility, organisation },
        };
        if (!is_adapter(destination, "mllp"))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                if (*fields[i].field || !fields[i].fallback)
                        continue;
                *fields[i].field = resolver_text(resolver, fields[i].fallback);
                if (!*fields[i].field)
                        return -ENOMEM;
        }
        return 0;
}

static int resolve_destination(Resolver *resolver, const DraftDestination *draft, ConfigDestination *destination) {
        char path[80];
        snprintf(path, sizeof(path), "destinations.%.48s", draft->element.name);
        *destination = draft->destination;
        destination->name = draft->element.name;
        int r = take_names(resolver, draft, path, destination);
        if (r == 0)
                r = check_adapter(resolver, draft, path, destination);
        return r ?: fill_header(resolver, destination);
}

int resolve_destinations(Resolver *resolver) {
        const Draft *draft = resolver->draft;
        Config *config = &resolver->box->config;
        size_t room = MAX(draft->n_destinations, (size_t)1) * sizeof(*config->destinations);
        int r = 0;
        config->destinations = arena_alloc(resolver->box->arena, room);
        if (!config->destinations)
                return -ENOMEM;
        memset(config->destinations, 0, room);
        config->n_destinations = draft->n_destinations;
        for (size_t i = 0; r == 0 && i < draft->n_destinations; i++)
                r = resolve_destination(resolver, &draft->destinations[i], &config->destinations[i]);
        return r;
}
