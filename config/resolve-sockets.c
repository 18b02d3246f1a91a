/* What meets on the machine: socket paths, listeners, folders, TLS files. */
#include <sys/stat.h>
#include <sys/un.h>

#include "base/text.h"
#include "config/address.h"
#include "config/resolve.h"

/* The kernel's room for the path of a socket, without the NUL. */
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
_Static_assert(SOCKET_PATH_MAX == 107, "the documentation names the number");

/*
 * Paths
 */

static int check_socket_path(Resolver *resolver, const char *name, Place place, bool *ret_is_long) {
        _cleanup_(freep) char *path = NULL;
        int r = text_format(&path, "%s/%s", resolver->box->config.run, name);
        if (r < 0)
                return r;
        size_t length = strlen(path);
        *ret_is_long = length > SOCKET_PATH_MAX;
        if (*ret_is_long) {
                report_error(resolver->report, place, "the socket %s has a path of %zu bytes; the kernel takes %zu",
                             path, length, SOCKET_PATH_MAX);
                report_hint(resolver->report, "choose a shorter `run` folder");
        }
        return 0;
}

/* Where the folder alone is too long, once is enough. */
static int check_socket_paths(Resolver *resolver) {
        bool is_long = false;
        Place place = yaml_place(resolver->root, "run");
        if (!resolver->box->config.run)
                return 0;
        int r = check_socket_path(resolver, "control", place, &is_long);
        for (size_t i = 0; r == 0 && !is_long && i < resolver->draft->n_teams; i++) {
                const SchemaElement *team = &resolver->draft->teams[i].element;
                char name[80];
                bool team_is_long = false;
                snprintf(name, sizeof(name), "live/%.70s", team->name);
                r = check_socket_path(resolver, name, team->key->place, &team_is_long);
        }
        return r;
}

/*
 * Listeners
 */

typedef struct Listener {
        Address address;
        Place place;
        char label[80];
} Listener;

typedef struct Listeners {
        Listener *items;
        size_t n_items;
} Listeners;

static void listener_add(Resolver *resolver, Listeners *listeners, const char *text, bool is_endpoint, Place place,
                         const char *label) {
        Listener *listener = &listeners->items[listeners->n_items];
        if (!text || address_parse(text, is_endpoint, &listener->address) < 0)
                return;
        listener->place = place;
        snprintf(listener->label, sizeof(listener->label), "%s", label);
        for (size_t i = 0; i < listeners->n_items; i++) {
                const Listener *before = &listeners->items[i];
                if (!address_clashes(&before->address, &listener->address))
                        continue;
                report_error(resolver->report, place, "%s: %s is taken by %s (line %u)", label, text, before->label,
                             before->place.line);
                report_hint(resolver->report, "give one of the two another port");
                break;
        }
        listeners->n_items++;
}

static int check_listeners(Resolver *resolver) {
        const Config *config = &resolver->box->config;
        _cleanup_(freep) Listener *items = calloc(3 + config->n_teams + config->n_sources + config->n_destinations,
                                                  sizeof(*items));
        Listeners listeners = { .items = items };
        char label[80];
        if (!items)
                return -ENOMEM;
        const YamlNode *listen = yaml_get(resolver->root, "listen");
        Place nowhere = resolver->root->place;
        listener_add(resolver, &listeners, config->listen_intake, true, listen ? yaml_place(listen, "intake") : nowhere,
                     "listen.intake");
        listener_add(resolver, &listeners, config->listen_feed, true, listen ? yaml_place(listen, "feed") : nowhere,
                     "listen.feed");
        listener_add(resolver, &listeners, config->metrics, false, yaml_place(resolver->root, "metrics"), "metrics");
        for (size_t i = 0; i < config->n_teams; i++) {
                snprintf(label, sizeof(label), "teams.%.48s.live", config->teams[i].name);
                listener_add(resolver, &listeners, config->teams[i].live, true,
                             yaml_place(resolver->draft->teams[i].element.node, "live"), label);
        }
        for (size_t i = 0; i < config->n_sources; i++) {
                snprintf(label, sizeof(label), "sources.%.48s.listen", config->sources[i].name);
                listener_add(resolver, &listeners, config->sources[i].listen, false,
                             yaml_place(resolver->draft->sources[i].element.node, "listen"), label);
        }
        for (size_t i = 0; i < config->n_destinations; i++) {
                snprintf(label, sizeof(label), "destinations.%.48s.facade", config->destinations[i].name);
                listener_add(resolver, &listeners, config->destinations[i].facade, false,
                             yaml_place(resolver->draft->destinations[i].element.node, "facade"), label);
        }
        return 0;
}

/*
 * Folders: two that read the same one would take each other's files; one that writes where another reads goes in circles.
 */

static void check_folder(Resolver *resolver, const char *folder, size_t below, Place place, const char *label) {
        const Config *config = &resolver->box->config;
        for (size_t i = 0; folder && i < below; i++) {
                if (!config->sources[i].folder || strcmp(config->sources[i].folder, folder) != 0)
                        continue;
                report_error(resolver->report, place, "%s: source %s reads this folder too", label,
                             config->sources[i].name);
                report_hint(resolver->report, "give each a folder of its own");
                return;
        }
}

static void check_folders(Resolver *resolver) {
        const Draft *draft = resolver->draft;
        char label[80];
        for (size_t i = 0; i < draft->n_sources; i++) {
                snprintf(label, sizeof(label), "sources.%.48s.folder", draft->sources[i].element.name);
                check_folder(resolver, draft->sources[i].source.folder, i,
                             yaml_place(draft->sources[i].element.node, "folder"), label);
        }
        for (size_t i = 0; i < draft->n_destinations; i++) {
                snprintf(label, sizeof(label), "destinations.%.48s.folder", draft->destinations[i].element.name);
                check_folder(resolver, draft->destinations[i].destination.folder, draft->n_sources,
                             yaml_place(draft->destinations[i].element.node, "folder"), label);
        }
}

/*
 * TLS
 */

void resolver_check_file(Resolver *resolver, const char *path, const char *secret, Place place, const char *label) {
        struct stat info;
        if (!path || !resolver->files->on_disk)
                return;
        if (stat(path, &info) < 0) {
                if (text_starts_with(path, "/run/credentials/"))
                        return; /* the service manager puts it there for one unit, while that runs */
                if (errno == EACCES)
                        report_warning(resolver->report, place, "%s: %s cannot be looked at by this user", label, path);
                else
                        report_error(resolver->report, place, "%s: %s: %s", label, path, strerror(errno));
        } else if (!S_ISREG(info.st_mode))
                report_error(resolver->report, place, "%s: %s is not a file", label, path);
        else if (secret && (info.st_mode & 0007)) {
                report_error(resolver->report, place, "%s: everybody can read the %s %s (mode %04o)", label, secret,
                             path, (unsigned)(info.st_mode & 07777));
                report_hint(resolver->report, "chmod 0640 %s or less", path);
        }
}

void resolver_check_tls(Resolver *resolver, const ConfigTls *tls, const YamlNode *node, const char *label) {
        if (!node || node->kind != YAML_KIND_MAPPING)
                return;
        if (!tls->certificate != !tls->key) {
                report_error(resolver->report, node->place,
                             "%s: a certificate and its key come together; '%s' is missing", label,
                             tls->key ? "certificate" : "key");
        } else if (!tls->certificate && tls->client_ca)
                report_error(resolver->report, node->place,
                             "%s: client_ca asks for TLS, which needs 'certificate' and 'key'", label);
        resolver_check_file(resolver, tls->certificate, NULL, yaml_place(node, "certificate"), label);
        resolver_check_file(resolver, tls->key, "private key", yaml_place(node, "key"), label);
        resolver_check_file(resolver, tls->client_ca, NULL, yaml_place(node, "client_ca"), label);
}

static void check_tls(Resolver *resolver, const DraftSource *source) {
        char label[80];
        snprintf(label, sizeof(label), "sources.%.48s.tls", source->element.name);
        resolver_check_tls(resolver, &source->source.tls, yaml_get(source->element.node, "tls"), label);
}

int resolve_sockets(Resolver *resolver) {
        int r = check_socket_paths(resolver);
        if (r == 0)
                r = check_listeners(resolver);
        if (r < 0)
                return r;
        check_folders(resolver);
        for (size_t i = 0; i < resolver->draft->n_sources; i++)
                check_tls(resolver, &resolver->draft->sources[i]);
        return 0;
}
