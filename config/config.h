#pragma once
/*
 * The configuration as one immutable value. Loading has two halves, so that a parent can hand a child exactly what it
 * checked: the text of all files (ConfigText), and what they say (Config). `carebusctl check` and the start run the
 * same code; every mistake is reported, with file, line and column.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "config/delivery.h"
#include "config/profile.h"
#include "config/sharing.h"

typedef enum ConfigEnvironment {
        CONFIG_ENVIRONMENT_LIVE,
        CONFIG_ENVIRONMENT_TEST,
        CONFIG_ENVIRONMENT_ANY,
} ConfigEnvironment;

/* Days and hours at which somebody can be rung. */
typedef struct ConfigReach {
        unsigned days;          /* bit 1 Monday to bit 7 Sunday, bit 8 bank holidays; 0: every day */
        char from[6], until[6]; /* 09:00, local time; until not later than from: it ends the next day */
        char *text;             /* as written */
} ConfigReach;

/* How the others reach a team. */
typedef struct ConfigContact {
        char *name;         /* or NULL: the team's title will do */
        char *kind;         /* in-hours, out-of-hours, helpline, emergency; never NULL */
        char *phone;        /* never NULL, but in the short form */
        char *hours;        /* as written, or NULL: not said */
        char *what_for;     /* or NULL */
        ConfigReach *reach; /* none: not said, or hours that only people can read */
        size_t n_reach;
} ConfigContact;

typedef struct ConfigTeam {
        char *name;
        char *title;             /* `name:` of the file; never NULL: the name itself where none is given */
        char *organisation;      /* ODS code, or NULL */
        char *class;             /* never NULL */
        ConfigContact *contacts; /* in the order in which they are tried; the short form `contact:` first */
        size_t n_contacts;
        char *live;       /* tcp endpoint, or NULL */
        bool reads_all;   /* `may_read` is not said: it narrows nothing */
        size_t *may_read; /* indexes of sources */
        size_t n_may_read;
        ConfigPeer peer;
} ConfigTeam;

/* Asking a server instead of waiting for it: adapter fhir. */
typedef struct ConfigPoll {
        char *url;       /* https://server/base; NULL: nothing is asked */
        char *token;     /* file with the bearer token to show, or NULL */
        char *authority; /* PEM file with the certificates to trust; NULL: the system's */
        uint64_t every;  /* seconds */
        char **resources; /* types of resources, in the order in which they are asked for; none: all that are understood */
        size_t n_resources;
} ConfigPoll;

typedef struct ConfigSource {
        char *name;
        size_t team;       /* index */
        char *adapter;     /* mllp, fhir, csv, or a vendor's own */
        char *listen;      /* host:port, adapter mllp and fhir */
        char *folder;      /* adapter csv */
        char **allow_from; /* addresses or networks (CIDR) that may connect; none: all */
        size_t n_allow_from;
        size_t max_connections;
        Profile *profile; /* never NULL: defaults when none is named */
        char *timezone;   /* never NULL: its own, else its profile's, else the bus's */
        size_t max_message_bytes;
        uint64_t messages_per_second; /* quota; 0: none */
        uint64_t silent_after;        /* seconds without a word, after which it is silent; 0: its habit says when */
        ConfigTls tls;
        char *token; /* adapter fhir: file with the bearer tokens that may speak, one a line, or NULL */
        ConfigPoll poll;
        ConfigPeer peer;
} ConfigSource;

/* Thousandths of a bit, as docs/matching.md has them. */
typedef struct ConfigBits {
        bool is_said;
        int32_t thousandths;
} ConfigBits;
typedef struct ConfigWeight {
        char *field, *agreement; /* birth_date, exact */
        int32_t thousandths;
} ConfigWeight;
typedef struct ConfigNames {
        char **names; /* as written */
        size_t n_names;
} ConfigNames;
/* What is not said here is as shipped: daemon/identity/match.h. */
typedef struct ConfigMatching {
        ConfigWeight *weights;
        size_t n_weights;
        ConfigBits link_above, review_above, margin;
        char **communal_postcodes; /* as written */
        size_t n_communal_postcodes;
        uint64_t candidates_max; /* 0: not said */
        ConfigNames *nicknames;  /* groups of names of one person; none: the shipped ones */
        size_t n_nicknames;
        uint64_t urgent_after; /* seconds */
        char *twins;           /* review or score */
        char *birth_date;      /* agree or score */
} ConfigMatching;

/* Who may change what of a person: the first row that fits a field counts. */
typedef struct ConfigOwnership {
        char *path;      /* demographics.telecom; what is below it is meant too */
        size_t *sources; /* indexes, the first that says it owns it */
        size_t n_sources;
} ConfigOwnership;

typedef struct Config {
        char *bus;
        ConfigEnvironment environment;
        char *state; /* folder */
        char *run;   /* folder */
        char *timezone;
        char *listen_intake, *listen_feed; /* tcp endpoints, or NULL */
        char *keys;                        /* folder */
        /* Z85; NULL when nothing listens on tcp. The secret is also NULL, with a warning, where it belongs to another user:
         * an adapter reads this file too, and is not shown it. Who binds tcp must have it. */
        char *bus_public_key, *bus_secret_key;
        char *metrics; /* host:port, or NULL */
        uid_t *operators;
        size_t n_operators;
        /* A name is left to the daemon's own user, and who read this runs as nobody: then nobody has that name. */
        bool lacks_own_user;
        ConfigTeam *teams;
        size_t n_teams;
        ConfigSource *sources;
        size_t n_sources;
        ConfigMatching matching;
        ConfigOwnership *ownership;
        size_t n_ownership;
        ConfigSharing sharing;
        ConfigDestination *destinations;
        size_t n_destinations;
        char *audit_key;                          /* PEM file that signs the audit, or NULL: state/serve/audit.key */
        uint64_t segment_bytes;                   /* of the journal */
        uint64_t reserve_bytes;                   /* free space below which intake refuses with try-later */
        uint64_t retain_originals, retain_events; /* retention: seconds; 0: for ever */
        uint64_t retain_audit;                    /* likewise */
        uint64_t storage_soft;                    /* free space below which the log says that it gets less */
        uint64_t storage_hard;                    /* as reserve_bytes, which counts where this is 0 */
        uint64_t storage_reserve;                 /* laid by for the fold, the audit and the places of readers */
        /* The same in hundredths of the file system that holds `state`: how much is used, what is laid by. 0: not said. Where
         * bytes are said too, what comes first counts. */
        uint64_t storage_soft_used, storage_hard_used, storage_reserve_part;
        unsigned references; /* atomic: config_ref(), config_unref() */
} Config;

/* Every file that was read, in the order in which one is laid over the other: carebus.yaml, conf.d, then profiles and keys. */
typedef struct ConfigFile {
        char *path;
        Buffer content;
} ConfigFile;
typedef struct ConfigText {
        ConfigFile *files;
        size_t n_files;
} ConfigText;

typedef struct ConfigProblem {
        char *file;
        unsigned line, column; /* from 1; 0 where it is not about a place */
        char *message;         /* what is wrong and what was expected, a sentence */
        char *hint;            /* did you mean ...; or what to do; may be NULL */
        char *source_line;     /* the line itself, for the caret; NULL for key files */
        char *source;          /* of whose adapter alone it is the business; NULL: of everybody */
        bool is_warning;
} ConfigProblem;
typedef struct ConfigProblems {
        ConfigProblem *items;
        size_t n_items;
        size_t n_errors;
} ConfigProblems;

/* Positive returns. */
enum {
        _CONFIG_E_SUCCESS,
        CONFIG_E_INVALID, /* problems say why */
};

/* A file beyond this is refused unread: no configuration needs it, and a parser should not meet it. */
#define CONFIG_FILE_MAX (1024 * 1024)

/*
 * Reads carebus.yaml at `path`, `conf.d` beside it, and the profiles and keys that they name. 0, CONFIG_E_INVALID or a negative
 * errno; ret and ret_text (may be NULL) are set on 0 only. `ret_problems` is set in any case and is the caller's to deinit: what
 * loads may have warnings. A file that cannot be read is a problem, not an errno.
 */
int config_load(const char *path, Config **ret, ConfigText **ret_text, ConfigProblems *ret_problems);
/* For who is, or speaks for, the daemon, after config_load(): whom a missing `user:` stands for is its own business alone. 0, or
 * CONFIG_E_INVALID with a problem more. */
int config_check_own_user(const Config *config, const char *path, ConfigProblems *problems);
/* From text that was checked elsewhere; touches no file but the user database. Says nothing of files' permissions and of what
 * else only the disk knows. Returns as config_load(). */
int config_parse(const ConfigText *text, Config **ret, ConfigProblems *ret_problems);
/* What a canonical path is there for. */
typedef enum ConfigPathUse {
        CONFIG_PATH_MAP,       /* a coded field, or a unit */
        CONFIG_PATH_TARGET,    /* a field that text can be put into */
        CONFIG_PATH_CONDITION, /* any field */
        CONFIG_PATH_LIST,
        CONFIG_PATH_OWNERSHIP, /* demographics, and any field of it */
        CONFIG_PATH_SHARING,   /* any field of a body */
} ConfigPathUse;
/* What a name of the sharing rules is a name of. */
typedef enum ConfigNameUse {
        CONFIG_NAME_KIND,    /* section of the record, services, notices */
        CONFIG_NAME_TYPE,    /* of events */
        CONFIG_NAME_MESSAGE, /* part of a body: Address */
} ConfigNameUse;
typedef struct ConfigWeightName {
        const char *field, *agreement;
} ConfigWeightName;
/* What this folder does not know: the contract and the rules of matching. */
typedef struct ConfigKnown {
        bool (*path)(const char *path, ConfigPathUse use);
        /* Names of the fields below a path, for hints: at most `size`; how many. May be NULL. */
        size_t (*below)(const char *path, const char **ret, size_t size);
        /* The nth name of such a thing, NULL behind the last. May be NULL: names are not looked at. */
        const char *(*name)(ConfigNameUse use, size_t index);
        /* Whether a path begins with a body that facts or events of the kind have. May be NULL. */
        bool (*path_of_kind)(const char *path, const char *kind);
        const ConfigWeightName *weights;
        size_t n_weights;                 /* 0: weights are not looked at */
        int32_t link_above, review_above; /* what holds where nothing is said */
} ConfigKnown;
/* Asks of each canonical path in the files of a text that loaded whether it is known, and warns of those that are not; a weight of a
 * field or agreement that there is none of, thresholds the wrong way round, and a name or path of sharing that there is none of, are
 * errors. 0, CONFIG_E_INVALID or -ENOMEM. */
int config_check_known(const Config *config, const ConfigText *text, const ConfigKnown *known,
                       ConfigProblems *problems);
/* The folder of keys that the file names, however wrong the rest is: a key that is missing must not hinder `key new`. On the
 * heap. 0 or a negative errno. */
int config_keys_folder(const char *path, char **ret);

/* For handing to another process: a length-prefixed form of all files. */
int config_text_pack(const ConfigText *text, Buffer *ret);
/* -EBADMSG when it is not what config_text_pack() made. */
int config_text_unpack(Bytes packed, ConfigText **ret);
ConfigText *config_text_free(ConfigText *text); /* erases: there are keys in it */
DEFINE_CLEANUP(ConfigText *, config_text_free)

/* Any thread. The last one erases the secret key and frees all. */
Config *config_ref(const Config *config);
Config *config_unref(Config *config);
DEFINE_CLEANUP(Config *, config_unref)

void config_problems_deinit(ConfigProblems *problems);
/* For an adapter: forgets the warnings that are the business of another source's adapter alone. NULL: it is that of no source. */
void config_problems_keep_own(ConfigProblems *problems, const char *source);
/* file:line:col: error: sentence, the line, a caret, the hint. Fit for a terminal whatever the files hold. */
void config_problems_print(const ConfigProblems *problems, FILE *stream);
/* {"errors":N,"warnings":N,"problems":[{"file":,"line":,"column":,"severity":"error","message":,"hint":}]} and a newline. */
void config_problems_json(const ConfigProblems *problems, FILE *stream);

/* Index, or -ENOENT. */
ssize_t config_find_source(const Config *config, const char *name);
ssize_t config_find_team(const Config *config, const char *name);
ssize_t config_find_destination(const Config *config, const char *name);
/* Whether `may_read` lets the team read the source; true of all where it is not said. The rules of sharing are asked besides. */
bool config_may_read(const Config *config, size_t team, size_t source);
/* The classes that a team may have, NULL-terminated. */
extern const char *const config_classes[];
/* <run>/intake and so on as ipc:// endpoints, on the heap. `name` is intake, feed, control, query, or live/TEAM. */
char *config_endpoint(const Config *config, const char *name);
/* State folders: journal, fold, serve. On the heap. */
char *config_state_path(const Config *config, const char *name);
/* What `storage:` and `journal.reserve_bytes` come to on a file system of that size, without what is kept for root: free space below which
 * the log says so, and below which nothing is taken in; what is laid by. */
uint64_t config_storage_soft(const Config *config, uint64_t disk_bytes);
uint64_t config_storage_hard(const Config *config, uint64_t disk_bytes);
uint64_t config_storage_reserve(const Config *config, uint64_t disk_bytes);
/* live, test, any. Static text. */
const char *config_environment_name(ConfigEnvironment environment);
