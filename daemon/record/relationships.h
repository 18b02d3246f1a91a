#pragma once
/*
 * What sharing needs to know of a person, put together of all who are one (STATE_SECTION "sharing" of each home, moves and ties):
 * who has a relationship, whether an address is restricted, who objected. Reads no record: a few keys of the state. Any thread that
 * may use the transaction.
 */
#include "daemon/record/read.h"
#include "daemon/record/relationship-facts.h"
#include "daemon/store/state-keys.h"

/* Under any id that the person ever had. Relationships of all homes, those of facts that were moved with who they belong to now. 0,
 * RECORD_E_NOT_FOUND, or as the functions of read.h. */
int person_sharing_read(StateTxn *txn, const char *patient_id, Arena *arena, Carebus__V1__PersonSharing **ret);

/* The same for whoever has values that the transaction does not have yet. */
typedef struct SharingReader {
        /* Values of the state: 0, RECORD_E_NOT_FOUND or STATE_E_NOT_FOUND, or negative. */
        int (*get)(void *owner, StateTable table, const StateKey *key, const ProtobufCMessageDescriptor *descriptor,
                   ProtobufCMessage **ret);
        void *owner;
        StateTxn *txn; /* claims of encounters, which are written at once */
        Arena *arena;
        const Carebus__V1__Settings *settings; /* NULL: read when they are needed, which is seldom */
} SharingReader;
int person_sharing_unite(const SharingReader *reader, const char *patient_id, Carebus__V1__PersonSharing **ret);

/* Broken glasses and opened contacts, those that nobody looked at first, within both the newest; `kind` NULL: of both kinds; `all`: those
 * too that somebody looked at. In the arena. 0 or negative. */
int grants_read(StateTxn *txn, const char *kind, bool all, Arena *arena, Carebus__V1__Grant ***ret, size_t *ret_n);

/* Is this relationship one of that team's: by its name, or by its organisation and, where one of that organisation's teams is
 * called as the service is, by that? */
bool relationship_is_of_team(const Carebus__V1__Relationship *relationship, const Carebus__V1__Settings *settings,
                             size_t team);
