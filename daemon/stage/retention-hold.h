#pragma once
/*
 * What keeps an entry of the journal, whatever its age: retention lets go of nothing that still waits for somebody. The fold asks when it
 * carries a decision out, the thread of retention before it proposes one, and `carebusctl retention --preview` to say why something
 * stays: all by this one question, whose answer follows from the state alone.
 */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/store/state.h"

typedef enum RetentionClass {
        RETENTION_NOT_FOLLOWED, /* whole entries of nobody who is followed: `scope: {originals: ...}` */
        RETENTION_ORIGINALS,    /* the bytes as they came, of anybody: `retention: {originals: ...}` */
        RETENTION_EVENTS,       /* whole entries: `retention: {events: ...}` */
        _RETENTION_CLASS_MAX,
} RetentionClass;

typedef enum RetentionHold {
        RETENTION_MAY_GO,
        RETENTION_NOTHING,     /* it has nothing that could go, or it is gone */
        RETENTION_QUARANTINE,  /* it, or what it is compared with, waits in the quarantine */
        RETENTION_PARKED,      /* a delivery waits */
        RETENTION_REVIEW,      /* a review of who somebody is waits */
        RETENTION_CONFLICT,    /* an open conflict names it */
        RETENTION_GLASS,       /* of somebody whose glass was broken, and nobody looked at that yet */
        RETENTION_DECISION,    /* a decision that is in force stands on it */
        RETENTION_ASIDE,       /* set aside for when somebody is followed: `scope` says how long */
        RETENTION_UNDELIVERED, /* a consumer has not acknowledged it */
        _RETENTION_HOLD_MAX,
} RetentionHold;

/* As in the configuration and in `Expired.rule`; as in JSON. */
const char *retention_class_name(RetentionClass class);
const char *retention_rule(RetentionClass class);
/* _RETENTION_CLASS_MAX: no such rule. */
RetentionClass retention_class_of_rule(const char *rule);
const char *retention_hold_name(RetentionHold hold);
/* For people, behind "N entries": "wait in the quarantine". */
const char *retention_hold_says(RetentionHold hold);
/* Seconds that the settings give a class; 0: for ever. */
uint64_t retention_age(const Carebus__V1__Settings *settings, RetentionClass class);

/* What waits, gathered once for many entries by a walk over all that is open and over the keys of all sections. Parts of it live in the
 * arena, which must outlive it. 0 or negative. */
typedef struct RetentionWaits RetentionWaits;
int retention_waits_read(StateTxn *txn, Arena *arena, RetentionWaits **ret);
RetentionWaits *retention_waits_free(RetentionWaits *waits);
DEFINE_CLEANUP(RetentionWaits *, retention_waits_free)

/* Why entry `seq` stays. `delivered`: every consumer has acknowledged up to here (UINT64_MAX: nobody reads). *ret_received_at may be NULL.
 * 0 or negative; the arena is left as it was. */
typedef struct RetentionQuestion {
        StateTxn *txn;
        const RetentionWaits *waits;
        RetentionClass class;
        uint64_t delivered;
        Arena *arena;
} RetentionQuestion;
int retention_hold(const RetentionQuestion *question, uint64_t seq, RetentionHold *ret, int64_t *ret_received_at);

/* The consumer that is furthest behind, of those that read the journal and that nobody gave up: what it has acknowledged (UINT64_MAX: there
 * is none), and its name as TEAM/CONSUMER. 0, -EBADMSG (the file is damaged), negative. */
#define RETENTION_READER_SIZE 80
int retention_delivered(StateTxn *txn, const char *cursors_path, uint64_t *ret_seq,
                        char ret_name[RETENTION_READER_SIZE]);

/* Takes the original out of a packed entry, in place: its bytes become zeros under another field, so that all else reads as before. 0,
 * -ENODATA (it has none), -EBADMSG. */
int retention_take_original(uint8_t *payload, size_t size);
