#pragma once
/*
 * The configuration as one immutable value. Loading has two halves, so that a parent can hand a child exactly what it
 * checked: the text of all files (ConfigText), and what they say (Config). `carebusctl check` and the start run the
 * same code; every mistake is reported, with file, line and column.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "config/profile.h"

typedef enum ConfigEnvironment {
        CONFIG_ENVIRONMENT_LIVE,
        CONFIG_ENVIRONMENT_TEST,
        CONFIG_ENVIRONMENT_ANY,
} ConfigEnvironment;

/* Who may speak for a name: a unix user over ipc, a public key over tcp. */
typedef struct ConfigPeer {
        uid_t uid;
        char *key; /* 40 characters of Z85, or NULL: not over tcp */
} ConfigPeer;

typedef struct ConfigTeam {
        char *name;
        char *title;
        char *organisation; /* ODS code */
        char *class;
        char *contact_hours, *contact_phone;
        char *live;          /* tcp endpoint, or NULL */
        size_t *may_read;    /* indexes of sources */
        size_t n_may_read;
        ConfigPeer peer;
} ConfigTeam;

typedef struct ConfigTls {
        char *certificate, *key; /* PEM files; NULL: no TLS */
        char *client_ca;         /* set: clients must show a certificate of it */
} ConfigTls;

typedef struct ConfigSource {
        char *name;
        size_t team;         /* index */
        char *adapter;       /* mllp, fhir, csv, or a vendor's own */
        char *listen;        /* host:port, adapter mllp and fhir */
        char *folder;        /* adapter csv */
        char **allow_from;   /* addresses or networks (CIDR) that may connect; none: all */
        size_t n_allow_from;
        size_t max_connections;
        Profile *profile;    /* never NULL: defaults when none is named */
        char *timezone;
        size_t max_message_bytes;
        uint64_t messages_per_second; /* quota; 0: none */
        ConfigTls tls;
        ConfigPeer peer;
} ConfigSource;

typedef struct Config {
        char *bus;
        ConfigEnvironment environment;
        char *state;         /* folder */
        char *run;           /* folder */
        char *timezone;
        char *listen_intake, *listen_feed; /* tcp endpoints, or NULL */
        char *keys;          /* folder */
        char *bus_public_key, *bus_secret_key; /* Z85; NULL when nothing listens on tcp */
        char *metrics;       /* host:port, or NULL */
        uid_t *operators;
        size_t n_operators;
        ConfigTeam *teams;
        size_t n_teams;
        ConfigSource *sources;
        size_t n_sources;
        uint64_t segment_bytes;      /* of the journal */
        uint64_t reserve_bytes;      /* free space below which intake refuses with try-later */
        unsigned references;         /* atomic: config_ref(), config_unref() */
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

/* Reads carebus.yaml at `path`, `conf.d` beside it, and what they name. */
int config_load(const char *path, Config **ret, ConfigText **ret_text, ConfigProblems *ret_problems);
/* From text that was checked elsewhere; touches no file but the user database. */
int config_parse(const ConfigText *text, Config **ret, ConfigProblems *ret_problems);
/* For handing to another process: a length-prefixed form of all files. */
int config_text_pack(const ConfigText *text, Buffer *ret);
int config_text_unpack(Bytes packed, ConfigText **ret);
ConfigText *config_text_free(ConfigText *text);
DEFINE_CLEANUP(ConfigText *, config_text_free)

Config *config_ref(const Config *config);
Config *config_unref(Config *config);
DEFINE_CLEANUP(Config *, config_unref)
void config_problems_deinit(ConfigProblems *problems);
/* file:line:col: error: sentence, the line, a caret, the hint. */
void config_problems_print(const ConfigProblems *problems, FILE *stream);

/* Index, or -ENOENT. */
ssize_t config_find_source(const Config *config, const char *name);
ssize_t config_find_team(const Config *config, const char *name);
bool config_may_read(const Config *config, size_t team, size_t source);
/* <run>/intake and so on as ipc:// endpoints, on the heap. `name` is intake, feed, control, query, or live/TEAM. */
char *config_endpoint(const Config *config, const char *name);
/* State folders: journal, fold, serve. */
char *config_state_path(const Config *config, const char *name);
