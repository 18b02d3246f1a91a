#pragma once
/* Where the bus delivers to, as the configuration says it; and what sources and destinations have in common: who may speak, and TLS. */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/profile.h"

/* Who may speak for a name: a unix user over ipc, a public key over tcp. */
typedef struct ConfigPeer {
        uid_t uid;
        char *key; /* 40 characters of Z85, or NULL: not over tcp */
} ConfigPeer;

typedef struct ConfigTls {
        char *certificate, *key; /* PEM files; NULL: no TLS */
        char *client_ca;         /* set: clients must show a certificate of it */
} ConfigTls;

/* What is delivered into a team's own system. */
typedef struct ConfigDestination {
        char *name;
        size_t team;
        char *adapter;    /* mllp, fhir, csv */
        Profile *profile; /* never NULL: defaults when none is named */
        char *timezone;   /* never NULL */
        size_t *sources;  /* indexes: the same system as a source; none said: the sources of the team */
        size_t n_sources;
        bool sources_said;            /* `sources:` was written: its own words are not brought back to that system */
        char *connect;                /* mllp: host:port */
        char *url;                    /* fhir: base */
        char *form;                   /* fhir: transaction, message, notification; csv: people, exact, both */
        char *facade;                 /* fhir: host:port where GET is answered, or NULL */
        char *token;                  /* fhir: file with the bearer token to show */
        char *facade_token;           /* fhir: file with `token who-system` lines that may ask */
        char *authority;              /* PEM: whom to trust */
        ConfigTls tls;                /* mllp, fhir: our certificate towards the receiver; the facade's own */
        char *folder;                 /* csv */
        char *daily;                  /* csv: HH:MM of the daily list, local time; NULL: none */
        uint64_t list_every;          /* csv: seconds between last-known lists; at most an hour */
        char *application, *facility; /* mllp: our MSH-3 and MSH-4 */
        char *receiving_application, *receiving_facility; /* mllp: MSH-5 and MSH-6 */
        char **types; /* of events that are delivered; none: all that the language has */
        size_t n_types;
        uint64_t timeout;   /* seconds for an answer */
        uint64_t tries;     /* before it is parked */
        uint64_t pause_max; /* seconds between two tries */
        uint64_t window;    /* persons under way at once */
        ConfigPeer peer;
} ConfigDestination;
