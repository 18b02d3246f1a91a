/* What the adapters of this package need: fhir to know who speaks and whom it asks, csv a folder that it may clear. */
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/text.h"
#include "config/address.h"
#include "config/resolve.h"

static bool is_adapter(const DraftSource *source, const char *name) {
        return source->source.adapter && strcmp(source->source.adapter, name) == 0;
}

static bool is_loopback(const Address *address) {
        static const uint8_t six[16] = { [15] = 1 };
        return address->family == AF_INET ? address->bytes[0] == 127 : memcmp(address->bytes, six, sizeof(six)) == 0;
}

/*
 * fhir
 */

bool resolver_is_local(const char *address) {
        Address parsed;
        return address_parse(address, /* is_endpoint= */ false, &parsed) == 0 && is_loopback(&parsed);
}

/* localhost, 127.x.x.x, [::1], with or without a port. */
bool resolver_url_is_local(const char *url) {
        const char *host = strstr(url, "://") + 3;
        size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
        char address[64];
        if (length == strlen("localhost") && strncasecmp(host, "localhost", length) == 0)
                return true;
        if (length + 3 > sizeof(address))
                return false;
        snprintf(address, sizeof(address), "%.*s:1", (int)length, host);
        return resolver_is_local(address);
}

static void check_poll(Resolver *resolver, const DraftSource *source, const char *path) {
        const ConfigPoll *poll = &source->source.poll;
        const YamlNode *node = yaml_get(source->element.node, "poll");
        char label[96];
        if (!node || node->kind != YAML_KIND_MAPPING)
                return;
        snprintf(label, sizeof(label), "%s.poll", path);
        if (!poll->url) {
                if (!yaml_get(node, "url")) {
                        report_error(resolver->report, node->place, "%s: 'url' is missing: nothing is asked", label);
                        report_hint(resolver->report, "say which server: url: https://fhir.example.org/r4");
                }
                return;
        }
        if (text_starts_with(poll->url, "http://") && !resolver_url_is_local(poll->url)) {
                report_error(resolver->report, yaml_place(node, "url"),
                             "%s.url: records and the token would cross the network in the clear", label);
                report_hint(resolver->report, "write https://; http:// is for a server on this machine");
        }
        resolver_check_file(resolver, poll->token, "token", yaml_place(node, "token"), label);
        resolver_check_file(resolver, poll->authority, NULL, yaml_place(node, "authority"), label);
}

/* Whoever reaches the port could write into the record: only what comes from this machine is let off. */
static void check_listen(Resolver *resolver, const DraftSource *source, const char *path) {
        const ConfigSource *said = &source->source;
        const YamlNode *node = source->element.node;
        Address address;
        if (!said->listen || address_parse(said->listen, /* is_endpoint= */ false, &address) < 0 ||
            is_loopback(&address))
                return;
        if (!said->token && !said->tls.client_ca) {
                report_error(resolver->report, yaml_place(node, "listen"),
                             "%s.listen: everybody on the network could write into the record through %s", path,
                             said->listen);
                report_hint(resolver->report,
                            "name a file of bearer tokens (token: /etc/carebus/%s.tokens), ask for "
                            "certificates (tls.client_ca), or listen on 127.0.0.1",
                            source->element.name);
        } else if (!said->tls.certificate) {
                report_warning(resolver->report, yaml_place(node, "listen"),
                               "%s.listen: records and tokens cross the network in the clear", path);
                report_hint(resolver->report,
                            "set tls.certificate and tls.key, or let a proxy on this machine do it and "
                            "listen on 127.0.0.1");
        }
}

static void check_fhir(Resolver *resolver, const DraftSource *source, const char *path) {
        const YamlNode *node = source->element.node;
        if (!yaml_get(node, "listen") && !yaml_get(node, "poll")) {
                report_error(resolver->report, yaml_place(node, "adapter"),
                             "%s: a source of adapter fhir needs 'listen' or 'poll'", path);
                report_hint(resolver->report,
                            "say where it takes connections (listen: \"127.0.0.1:8080\"), or which server "
                            "it asks (poll: {url: https://fhir.example.org/r4})");
        }
        check_listen(resolver, source, path);
        check_poll(resolver, source, path);
        resolver_check_file(resolver, source->source.token, "token", yaml_place(node, "token"), path);
}

static void warn_ignored(Resolver *resolver, const DraftSource *source, const char *path, const char *key) {
        if (yaml_get(source->element.node, key))
                report_warning(resolver->report, yaml_place(source->element.node, key),
                               "%s.%s: adapter %s does not look at it", path, key, source->source.adapter);
}

/*
 * csv
 */

/* A warning: it may be mounted later. What a user may there is said to the one whose folder it is: all others that read this file have no
 * business in it, and a service of theirs may not even let them see it. */
static void check_folder(Resolver *resolver, const DraftSource *source, const ConfigPeer *peer, const char *path) {
        const char *folder = source->source.folder;
        const bool is_own = peer->uid == resolver->own;
        Place place = yaml_place(source->element.node, "folder");
        struct stat info;
        if (!folder || !resolver->files->on_disk)
                return;
        if (stat(folder, &info) < 0) {
                if (errno == EACCES && !is_own)
                        return;
                report_warning(resolver->report, place, "%s.folder: %s: %s", path, folder, strerror(errno));
                report_hint(resolver->report,
                            "make it, and let the adapter's user write there: files go to done/ and problem/");
                report_source(resolver->report, source->element.name);
        } else if (!S_ISDIR(info.st_mode))
                report_error(resolver->report, place, "%s.folder: %s is not a folder", path, folder);
        else if (is_own && access(folder, R_OK | W_OK | X_OK) < 0) {
                report_warning(resolver->report, place, "%s.folder: this user cannot write in %s", path, folder);
                report_hint(resolver->report, "the adapter's user must: files go to done/ and problem/ in it");
                report_source(resolver->report, source->element.name);
        }
}

void resolve_adapters(Resolver *resolver) {
        for (size_t i = 0; i < resolver->draft->n_sources; i++) {
                const DraftSource *source = &resolver->draft->sources[i];
                char path[80];
                snprintf(path, sizeof(path), "sources.%.48s", source->element.name);
                if (is_adapter(source, "fhir"))
                        check_fhir(resolver, source, path);
                else if (is_adapter(source, "csv") || is_adapter(source, "mllp")) {
                        warn_ignored(resolver, source, path, "token");
                        warn_ignored(resolver, source, path, "poll");
                }
                if (is_adapter(source, "csv"))
                        check_folder(resolver, source, &resolver->box->config.sources[i].peer, path);
        }
}
