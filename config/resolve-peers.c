/* Who may speak for a name: unix users and keys. */
#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>

#include "base/service.h"
#include "base/text.h"
#include "config/resolve.h"

/* Nobody is this user, and nobody can become it. */
#define UID_NONE ((uid_t)-1)
#define KEY_SIZE 40
#define NAMES_MAX 500

/*
 * Users
 */

static void hint_users(Report *report, const char *name) {
        /* The local file only: a directory service may have a hundred thousand. */
        _cleanup_(fclosep) FILE *file = fopen("/etc/passwd", "re");
        char *names[NAMES_MAX];
        size_t n = 0;
        struct passwd entry, *found = NULL;
        char buffer[1024];
        while (file && n < NAMES_MAX && fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0) {
                names[n] = strdup(entry.pw_name);
                n += names[n] != NULL;
        }
        if (!report_did_you_mean(report, name, (const char *const *)names, n))
                report_hint(report, "make it with: adduser --system --group %s", name);
        for (size_t i = 0; i < n; i++)
                free(names[i]);
}

/* 0, -ENOENT when there is no such user, or another negative errno. */
static int user_find(const char *name, uid_t *ret) {
        uint64_t number = 0;
        if (text_to_u64(name, &number) == 0 && number < UINT32_MAX) {
                *ret = (uid_t)number;
                return 0;
        }
        char buffer[4096];
        struct passwd entry, *found = NULL;
        int r = getpwnam_r(name, &entry, buffer, sizeof(buffer), &found);
        if (!found)
                return r == ENOMEM ? -ENOMEM : -ENOENT;
        *ret = found->pw_uid;
        return 0;
}

/* Whom a name stands for where none is said. An adapter and carebusctl read this file too, and may run as anybody. */
static uid_t user_own(Resolver *resolver) {
        if (resolver->own != UID_OVERFLOW)
                return resolver->own;
        resolver->box->config.lacks_own_user = true;
        return UID_NONE;
}

static int resolve_user(Resolver *resolver, const char *name, Place place, const char *path, uid_t *ret) {
        uid_t uid;
        if (!name) {
                *ret = user_own(resolver);
                return 0;
        }
        int r = user_find(name, &uid);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                report_error(resolver->report, place, "%s: no user '%s' on this machine", path, name);
                hint_users(resolver->report, name);
                return 0;
        }
        if (uid == UID_OVERFLOW) {
                report_error(resolver->report, place,
                             "%s: user %u (nobody) stands for everybody who cannot be told apart", path, (unsigned)uid);
                report_hint(resolver->report, "use a user of its own");
                return 0;
        }
        *ret = uid;
        return 0;
}

static int resolve_operators(Resolver *resolver) {
        Config *config = &resolver->box->config;
        const Draft *draft = resolver->draft;
        const YamlNode *list = yaml_get(resolver->root, "operators");
        config->operators = arena_alloc(resolver->box->arena, MAX(draft->n_operators, (size_t)2) * sizeof(uid_t));
        if (!config->operators)
                return -ENOMEM;
        if (!draft->operators) {
                config->operators[config->n_operators++] = 0;
                if (resolver->own != 0)
                        config->operators[config->n_operators++] = user_own(resolver);
                return 0;
        }
        bool all_read = list->kind == YAML_KIND_SEQUENCE && list->n == draft->n_operators;
        for (size_t i = 0; i < draft->n_operators; i++) {
                size_t n_errors = resolver->report->problems->n_errors;
                Place place = all_read ? list->items[i]->place : list->place;
                uid_t uid = 0;
                int r = resolve_user(resolver, draft->operators[i], place, "operators", &uid);
                if (r < 0)
                        return r;
                if (resolver->report->problems->n_errors == n_errors)
                        config->operators[config->n_operators++] = uid;
        }
        return 0;
}

/*
 * Keys. What is in the files is never said.
 */

static bool z85_is_valid(const char *text, size_t size) {
        static const char alphabet[] =
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
        if (size != KEY_SIZE)
                return false;
        for (size_t group = 0; group < size; group += 5) {
                uint64_t value = 0;
                for (size_t i = group; i < group + 5; i++) {
                        const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;
                        if (!digit)
                                return false;
                        value = value * 85 + (uint64_t)(digit - alphabet);
                }
                if (value > UINT32_MAX)
                        return false;
        }
        return true;
}

static int key_take(Resolver *resolver, size_t file, char **ret) {
        const ConfigFile *key = &resolver->files->text->files[file];
        const char *data = (const char *)key->content.data;
        size_t size = key->content.size;
        while (size > 0 && (data[size - 1] == '\n' || data[size - 1] == '\r' || data[size - 1] == ' '))
                size--;
        if (!z85_is_valid(data, size)) {
                Report named = { .problems = resolver->report->problems, .path = key->path };
                report_error(&named, (Place){ .file = PLACE_NO_FILE },
                             "is no key: one line of 40 Z85 characters was expected");
                report_hint(&named, "make a pair with: carebusctl key new NAME");
                return 0;
        }
        *ret = arena_text(resolver->box->arena, data, size);
        return *ret ? 0 : -ENOMEM;
}

static void report_no_key(Resolver *resolver, const char *file, int error, Place place, const char *path) {
        const char *keys = resolver->box->config.keys;
        report_error(resolver->report, place, "%s: %s/%s %s%s", path, keys, file,
                     error == -ENOENT ? "is not there" : "cannot be read: ", error == -ENOENT ? "" : strerror(-error));
        if (error != -ENOENT)
                return;
        NameList list = { 0 };
        if (name_list_add_folder(&list, keys, "") == 0 &&
            !report_did_you_mean(resolver->report, file, (const char *const *)list.names, list.n_names)) {
                const char *dot = strrchr(file, '.');
                report_hint(resolver->report, "make the pair with: carebusctl key new %.*s",
                            (int)(dot ? dot - file : 200), file);
        }
        name_list_deinit(&list);
}

/* `said`: the file was named, so it must be there. */
static int resolve_key(Resolver *resolver, const char *file, bool said, Place place, const char *path, char **ret) {
        _cleanup_(freep) char *whole = NULL;
        int r = text_format(&whole, "%s/%s", resolver->box->config.keys, file);
        if (r < 0)
                return r;
        ssize_t index = files_find(resolver->files, whole);
        if (index == -ENOMEM)
                return -ENOMEM;
        if (index < 0) {
                if (said || index != -ENOENT)
                        report_no_key(resolver, file, (int)index, place, path);
                return 0;
        }
        return key_take(resolver, (size_t)index, ret);
}

typedef struct PeerSaid {
        const char *table;
        const SchemaElement *element;
        const char *user, *key;
} PeerSaid;

static int resolve_peer(Resolver *resolver, const PeerSaid *said, ConfigPeer *ret) {
        const YamlNode *node = said->element->node;
        char path[96], file[40];
        snprintf(path, sizeof(path), "%s.%.48s.user", said->table, said->element->name);
        int r = resolve_user(resolver, said->user, yaml_place(node, "user"), path, &ret->uid);
        if (r < 0)
                return r;
        if (!said->key && !resolver_has_tcp(resolver))
                return 0;
        if (!resolver_has_tcp(resolver))
                report_warning(resolver->report, yaml_place(node, "key"),
                               "%s.%s.key: nothing listens on tcp, so nobody can come with this key", said->table,
                               said->element->name);
        snprintf(path, sizeof(path), "%s.%.48s.key", said->table, said->element->name);
        snprintf(file, sizeof(file), "%.32s.pub", said->element->name);
        return resolve_key(resolver, said->key ? said->key : file, said->key != NULL, yaml_place(node, "key"), path,
                           &ret->key);
}

/*
 * The bus's own pair
 */

/* The service manager's, where it gives one: then no file has to be readable for this user. */
static int resolve_credential(Resolver *resolver, char **ret) {
        _cleanup_(freep) char *path = NULL;
        const char *folder = service_credentials();
        int r = folder ? text_format(&path, "%s/bus.key", folder) : -ENOENT;
        if (r < 0)
                return r;
        ssize_t index = files_find(resolver->files, path);
        return index < 0 ? (int)index : key_take(resolver, (size_t)index, ret);
}

/* Who is not the daemon sees that there will be one, or is not let see: an adapter needs none, and the daemon says so when it has none. */
static bool may_be_in_a_store(void) {
        static const char *const stores[] = { "/etc/credstore/carebus-bus.key",
                                              "/etc/credstore.encrypted/carebus-bus.key" };
        for (size_t i = 0; i < ELEMENTSOF(stores); i++)
                if (access(stores[i], F_OK) == 0 || errno == EACCES)
                        return true;
        return false;
}

static int resolve_secret(Resolver *resolver, Place place) {
        Config *config = &resolver->box->config;
        _cleanup_(freep) char *path = NULL;
        int r = text_format(&path, "%s/bus.key", config->keys);
        if (r < 0)
                return r;
        r = resolve_credential(resolver, &config->bus_secret_key);
        if (r != -ENOENT && r != -EACCES)
                return r;
        struct stat info;
        if (resolver->files->on_disk && stat(path, &info) == 0 && (info.st_mode & 0077)) {
                Report named = { .problems = resolver->report->problems, .path = path };
                report_error(&named, (Place){ .file = PLACE_NO_FILE }, "others can read this secret key (mode %04o)",
                             (unsigned)(info.st_mode & 07777));
                report_hint(&named, "chmod 0600 %s, and make a new pair if anybody may have read it", path);
                return 0;
        }
        ssize_t index = files_find(resolver->files, path);
        if (index == -EACCES) {
                Report named = { .problems = resolver->report->problems, .path = path };
                report_warning(&named, (Place){ .file = PLACE_NO_FILE },
                               "belongs to another user: only the daemon's can use it");
                return 0;
        }
        if (index == -ENOENT && (r == -EACCES || !resolver->files->on_disk || may_be_in_a_store()))
                return 0; /* was not shown to who packed the text, or is not for who reads it */
        return resolve_key(resolver, "bus.key", /* said= */ true, place, "keys", &config->bus_secret_key);
}

bool resolver_has_tcp(const Resolver *resolver) {
        const Config *config = &resolver->box->config;
        if (config->listen_intake || config->listen_feed)
                return true;
        for (size_t i = 0; i < config->n_teams; i++)
                if (config->teams[i].live)
                        return true;
        return false;
}

static int resolve_bus_pair(Resolver *resolver) {
        Config *config = &resolver->box->config;
        if (!resolver_has_tcp(resolver))
                return 0;
        const YamlNode *keys = yaml_get(resolver->root, "keys"), *listen = yaml_get(resolver->root, "listen");
        Place place = keys ? keys->place : listen ? listen->place : resolver->root->place;
        int r = resolve_key(resolver, "bus.pub", /* said= */ true, place, "tcp needs keys", &config->bus_public_key);
        return r < 0 ? r : resolve_secret(resolver, place);
}

int resolve_peers(Resolver *resolver) {
        Config *config = &resolver->box->config;
        const Draft *draft = resolver->draft;
        int r = resolve_operators(resolver);
        if (r == 0)
                r = resolve_bus_pair(resolver);
        for (size_t i = 0; r == 0 && i < draft->n_teams; i++) {
                const DraftTeam *team = &draft->teams[i];
                PeerSaid said = { .table = "teams", .element = &team->element, .user = team->user, .key = team->key };
                r = resolve_peer(resolver, &said, &config->teams[i].peer);
        }
        for (size_t i = 0; r == 0 && i < draft->n_sources; i++) {
                const DraftSource *source = &draft->sources[i];
                PeerSaid said = {
                        .table = "sources", .element = &source->element, .user = source->user, .key = source->key
                };
                r = resolve_peer(resolver, &said, &config->sources[i].peer);
        }
        for (size_t i = 0; r == 0 && i < draft->n_destinations; i++) {
                const DraftDestination *destination = &draft->destinations[i];
                PeerSaid said = { .table = "destinations",
                                  .element = &destination->element,
                                  .user = destination->user,
                                  .key = destination->key };
                r = resolve_peer(resolver, &said, &config->destinations[i].peer);
        }
        return r;
}
