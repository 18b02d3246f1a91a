#pragma once
/* quarantine: what could not be used waits here for a person, with its reason, and its events where it has any. */
#include "daemon/stage/use.h"

typedef struct QuarantineWhy {
        const char *reason;
        const char *position;    /* in the original; may be NULL */
        uint64_t conflicts_with; /* seq; 0: none */
        bool urgent;             /* somebody said so */
        bool partly;             /* events are in use: what waits is what could not be read beside them, and: */
        const uint32_t *held;    /* indexes of events whose person nobody can tell */
        size_t n_held;
} QuarantineWhy;

/* urgent: may touch a decision, a death, a merge or an allergy, or is an id with other bytes; unhandled: nobody knows the trigger. */
const char *quarantine_class(const Carebus__V1__StoredSubmission *submission, const QuarantineWhy *why);
/* Puts the entry in, and says so in its outcome. */
int quarantine_add(FoldWork *work, const Carebus__V1__StoredSubmission *submission, const QuarantineWhy *why);
/* An item that is open; STATE_E_NOT_FOUND where there is none, or no longer. */
int quarantine_find_open(FoldWork *work, uint64_t seq, Carebus__V1__QuarantineItem **ret);
/* It was read again and still cannot be used: the item stays, with what is the matter now. */
int quarantine_restate(FoldWork *work, Carebus__V1__QuarantineItem *item,
                       const Carebus__V1__StoredSubmission *submission, const QuarantineWhy *why);
/* Some of what waited is in use now; the item stays for the rest. */
int quarantine_hold(FoldWork *work, Carebus__V1__QuarantineItem *item, const Used *used);
/* Closes an item, here and in the outcome of its entry: "retried", "discarded". */
int quarantine_resolve(FoldWork *work, Carebus__V1__QuarantineItem *item, const char *resolution);
