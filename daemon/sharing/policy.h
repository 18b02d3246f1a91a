#pragma once
/*
 * The rules of one settings, compiled: for each team and kind the rules that may let it, as bits of their places. There are two in a
 * Sharing: of the configuration and of what the fold last read. Inside this folder.
 */
#include "base/arena.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/sharing.pb-c.h"
#include "config/config.h"
#include "proto/types.h"

/* Sections, and behind them what is of nobody. */
#define POLICY_KINDS_MAX 40
/* Kinds of relationships as bits. What has no name here counts as any, and by name as none. */
enum {
        RELATION_BREAK_GLASS = 0,
        RELATION_OTHER = 1,
        RELATION_FIRST_NAMED = 2,
        RELATION_MAX = 32,
};
#define RELATION_ORDINARY (~(1u << RELATION_BREAK_GLASS))

typedef struct PolicyRule {
        const Carebus__V1__SharingRule *said;
        uint64_t kinds;         /* bits of kinds */
        uint64_t whole;         /* of these, whose body it shows all of */
        uint64_t sensitive;     /* bits of classes */
        uint32_t relationships; /* bits of relationships */
        bool not_needed;
        bool unconfirmed, despite_objection, restricted_shown;
        bool is_limited; /* it has fields */
        char **fields, **except;
        size_t n_fields, n_except;
        const EventType **types; /* of those that are known */
        size_t n_types;
        bool is_typed;
} PolicyRule;

typedef struct PolicyTeam {
        const char *name, *title, *class, *organisation; /* name NULL: these settings do not have it */
        bool reads_all;                                  /* every source that there is */
        const char **reads, **own;                       /* names of sources, in order */
        size_t n_reads, n_own;
        uint64_t rules;
        uint64_t of_kind[POLICY_KINDS_MAX]; /* of these, who speak of the kind */
        bool answers_calls;
} PolicyTeam;

typedef struct Policy {
        const Carebus__V1__SharingSettings *said; /* NULL: nobody sees anything */
        PolicyTeam *teams;                        /* in the order of the configuration */
        size_t n_teams;
        PolicyRule *rules;
        size_t n_rules;
        uint64_t never;      /* bits of classes */
        uint64_t existence;  /* bits of kinds */
        int demographics;    /* kind */
        uint64_t shieldable; /* bits of kinds of whose body a restricted address may leave something out */
        const ProtobufCMessageDescriptor **shielded_types;
        size_t n_shielded_types;
        char **shielded_paths;
        size_t n_shielded_paths;
} Policy;

/* The classes that both settings have, by name, in order: their places are their bits. */
typedef struct PolicyClasses {
        const char **names;
        size_t n;
} PolicyClasses;

/* Kinds by name; -1: there is no such kind. */
int kind_find(const char *name);
const char *kind_at(size_t kind); /* NULL behind the last */
size_t kind_count(void);
/* The field of Event that has the body of such a thing; never NULL of a kind that there is. */
const ProtobufCFieldDescriptor *kind_body(size_t kind);
#define KIND_BIT(kind) (UINT64_C(1) << (kind))

unsigned relation_find(const char *name); /* RELATION_OTHER: not one of ours */

/* Everything lives in the arena or is borrowed from what is given, which has to live as long. 0 or -ENOMEM. */
int policy_of_config(const Config *config, const PolicyClasses *classes, const Carebus__V1__SharingSettings *said,
                     Arena *arena, Policy **ret);
int policy_of_settings(const Config *config, const PolicyClasses *classes, const Carebus__V1__Settings *settings,
                       Arena *arena, Policy **ret);
/* All that the answers for one team follow from, appended. */
void policy_describe(const Policy *policy, size_t team, Buffer *out);

/* One bit a class; those beyond the last bit share it. */
static inline uint64_t class_bit(size_t index) {
        return UINT64_C(1) << MIN(index, (size_t)63);
}
bool name_is_among(const char *const *names, size_t n, Bytes name); /* names in order */
