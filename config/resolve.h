#pragma once
/*
 * From the draft to the configuration: what one value alone cannot tell. Each part reports what it finds and goes on; only
 * memory ends it (negative errno).
 */
#include "config/draft.h"
#include "config/files.h"

/* A configuration, the memory of all its texts, and the profiles that its sources share. */
typedef struct ConfigBox {
        Config config;
        Arena *arena;
        Profile **profiles;
        char **profile_names; /* in the arena */
        size_t n_profiles;
} ConfigBox;

/* What the kernel shows where it cannot show who it is: never an identity. */
#define UID_OVERFLOW 65534u

typedef struct Resolver {
        Report *report;
        Files *files;
        ConfigBox *box;
        const Draft *draft;
        const YamlNode *root;
        uid_t own; /* user that a name stands for where none is said */
} Resolver;

/* Teams, sources and destinations: who belongs to whom, adapters, profiles, time zones. */
int resolve_names(Resolver *resolver);
/* Users and keys, after resolve_names(). */
int resolve_peers(Resolver *resolver);
/* Paths of sockets, listeners that clash, folders that clash, TLS files; after resolve_names(). */
int resolve_sockets(Resolver *resolver);

/* What others are to be rung by, of one team. */
int resolve_contacts(Resolver *resolver, const DraftTeam *draft, ConfigTeam *team);
/* Nicknames, inline or of a file. */
int resolve_matching(Resolver *resolver);
/* Who owns what of the demographics; after resolve_names(). */
int resolve_ownership(Resolver *resolver);
/* Rules of sharing, those that ship where none are given; after resolve_names(). */
int resolve_sharing(Resolver *resolver);
/* After resolve_names(). */
int resolve_destinations(Resolver *resolver);

/* What an adapter of this package needs besides: who may speak, where it asks, where files lie; after resolve_names(). */
void resolve_adapters(Resolver *resolver);
/* Whether an address or URL is one that no other machine reaches. */
bool resolver_is_local(const char *address);
bool resolver_url_is_local(const char *url);
/* On disk only: whether a file is there, and where it is a secret, whether others can read it. Reports. `path` may be NULL. */
void resolver_check_file(Resolver *resolver, const char *path, const char *secret, Place place, const char *label);

/* A copy that lives as long as the configuration; NULL when memory is out. */
char *resolver_text(Resolver *resolver, const char *text);
bool resolver_has_tcp(const Resolver *resolver);
/* Index of a source or team, or -ENOENT, which was reported with near names. */
ssize_t resolver_find_source(Resolver *resolver, const char *name, Place place, const char *path);
ssize_t resolver_find_team(Resolver *resolver, const char *name, Place place, const char *path);
/* A profile by its name, each read once. *ret stays NULL where it is wrong, which was reported. 0 or -ENOMEM. */
int resolver_find_profile(Resolver *resolver, const char *name, Place place, const char *path, Profile **ret);
/* A file that lies beside carebus.yaml, or anywhere by an absolute name. 0 with its index in the text, CONFIG_E_INVALID when it cannot be
 * read, which was reported, or -ENOMEM. */
int resolver_find_file(Resolver *resolver, const char *name, Place place, const char *path, size_t *ret);
/* What the adapters of this package need of a destination is there, near names are hinted at. */
typedef struct AdapterNeeds {
        const char *name;
        const char *needs; /* of a source; NULL: it depends */
        const char *ignores;
        const char *destination_needs;
} AdapterNeeds;
const AdapterNeeds *resolver_find_adapter(Resolver *resolver, const char *name, Place place, const char *path);
/* A certificate and its key come together, and are there. */
void resolver_check_tls(Resolver *resolver, const ConfigTls *tls, const YamlNode *node, const char *label);
