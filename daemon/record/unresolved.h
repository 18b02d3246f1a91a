#pragma once
/*
 * What waits for somebody, whatever its age: items of the quarantine, parked deliveries, reviews of who somebody is, open conflicts, broken
 * glasses that nobody looked at. Retention keeps what these need, of the journal and of the audit. Reads the state alone; any thread that
 * may use the transaction.
 */
#include "base/arena.h"
#include "base/bytes.h"
#include "daemon/store/state.h"

typedef enum UnresolvedKind {
        UNRESOLVED_QUARANTINE = 1,
        UNRESOLVED_PARKED,
        UNRESOLVED_REVIEW,
        UNRESOLVED_CONFLICT,
        UNRESOLVED_GLASS,
        _UNRESOLVED_KIND_MAX,
} UnresolvedKind;

/* Texts are borrowed for the time of the call. */
typedef struct Unresolved {
        UnresolvedKind kind;
        int64_t since_at;               /* 0: it does not say */
        uint64_t seq;                   /* quarantine: its entry; parked: that from which on it waits */
        uint64_t compared_with;         /* quarantine: the entry that it contradicts; 0: none */
        const char *id;                 /* conflict: <seq>.<index> of the event that opened it */
        const char *const *patient_ids; /* as they are named there */
        size_t n_patient_ids;
        const char *const *event_ids; /* <seq>.<index> */
        size_t n_event_ids;
} Unresolved;

/* What it returns, where not 0, ends the walk. */
typedef int (*UnresolvedSeen)(const Unresolved *one, void *owner);

/* All but conflicts. 0, that, -ENOMEM, -EBADMSG, or what the state said. */
int unresolved_walk(StateTxn *txn, UnresolvedSeen seen, void *owner);
/* Conflicts, which stand with their person: for whoever walks over STATE_SECTION. The arena is used, and not rewound. */
int unresolved_in_section(Bytes key, Bytes value, Arena *arena, UnresolvedSeen seen, void *owner);

/* What of the audit all of them need: what was given of a person, under this id, from then on; or of an entry of the journal. */
typedef struct UnresolvedUse {
        UnresolvedKind kind;
        const char *patient_id; /* NULL: */
        uint64_t seq;           /* of this entry */
        int64_t from_at;
} UnresolvedUse;
typedef int (*UnresolvedUsed)(const UnresolvedUse *use, void *owner);
/* Walks over the keys of all sections: `beat`, where not NULL, is called now and then meanwhile, for whoever has to show that it lives. 0,
 * what `used` returned, or as above. */
int unresolved_audit(StateTxn *txn, UnresolvedUsed used, void (*beat)(void *owner), void *owner);

/* As in JSON; for people, behind "it is needed by". */
const char *unresolved_name(UnresolvedKind kind);
const char *unresolved_says(UnresolvedKind kind);
