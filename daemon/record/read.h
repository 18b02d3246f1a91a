#pragma once
/*
 * What the fold wrote, read by whoever holds a transaction: records, outcomes, identities, the quarantine. Nothing here writes.
 *
 * Everything given back lives in the arena. All functions return 0, a RECORD_E_*, or negative: -ENOMEM when the arena is full,
 * -EBADMSG when the state holds what it should not (rebuild it), else what the state said. Any thread that may use the
 * transaction.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "carebus/v1/control.pb-c.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "carebus/v1/state.pb-c.h"
#include "daemon/store/state.h"

/* Positive returns. */
enum {
        _RECORD_E_SUCCESS,
        RECORD_E_NOT_FOUND = 32, /* nobody, or nothing, under that name */
};

/* Keys in STATE_META. */
#define RECORD_META_SETTINGS "settings"         /* packed Settings */
#define RECORD_META_SETTINGS_SEQ "settings_seq" /* 8 bytes, little-endian */

/* Names of counters in STATE_COUNT, per source. Entries of the journal that are submissions: `stored` are those that were new,
 * `duplicate` the others; `quarantined` are those of `stored` that went into the quarantine, resolved since or not. */
#define RECORD_COUNT_STORED "stored"
#define RECORD_COUNT_DUPLICATE "duplicate"
#define RECORD_COUNT_QUARANTINED "quarantined"
#define RECORD_COUNT_LAST_HEARD_AT \
        "last_heard_at" /* received_at of the newest entry, duplicates included, history not; microseconds */
/* What a source gives as history is counted in `stored` as well. Before `heard_since_at`, the received_at of its first entry that is
 * not history, what a source did not say means nothing. */
#define RECORD_COUNT_LOADED "loaded"
#define RECORD_COUNT_HEARD_SINCE_AT "heard_since_at"
/* Open in the quarantine: how many, and number and received_at of the oldest. */
#define RECORD_COUNT_NOT_UNDERSTOOD "not_understood"
#define RECORD_COUNT_NOT_UNDERSTOOD_SEQ "not_understood_seq"
#define RECORD_COUNT_NOT_UNDERSTOOD_SINCE_AT "not_understood_since_at"

/* What the fold made of an entry. */
int outcome_read(StateTxn *txn, uint64_t seq, Arena *arena, Carebus__V1__Outcome **ret);

/* Who answers for a patient id: itself, or who it was merged into or linked with. Old ids answer for ever. */
int identity_resolve(StateTxn *txn, const char *patient_id, Arena *arena, char **ret);
/* Who has an identifier: patient ids that answer, without repetition, in order of their making. More than one only where a number
 * was said of several and nobody has joined them. */
int identity_find(StateTxn *txn, const char *system, const char *value, Arena *arena, char ***ret_ids,
                  size_t *ret_n_ids);
/* The person that answers. */
int identity_person(StateTxn *txn, const char *patient_id, Arena *arena, Carebus__V1__Person **ret);
/* All ids whose facts and events belong to this person: the one that answers first, then its former ones. */
int identity_members(StateTxn *txn, const char *patient_id, Arena *arena, char ***ret_ids, size_t *ret_n_ids);

/* One person's own, without those that it answers for: who says what of it, and its ties. */
int person_read(StateTxn *txn, const char *patient_id, Arena *arena, Carebus__V1__Person **ret);

/* What all records of one transaction have in common, read once: daemon/record/settings-kept.h. */
typedef struct RecordCommon {
        const Carebus__V1__Settings *settings;     /* NULL before the first */
        Carebus__V1__RecordSource *const *sources; /* in order of names, with what the state says of each */
        size_t n_sources;
        bool has_as_at;
        int64_t as_at;
} RecordCommon;
/* 0 or negative. */
int record_common_read(StateTxn *txn, const Carebus__V1__Settings *settings, Arena *arena, RecordCommon *ret);

/* What a reader may see of a record: who holds the rules answers. */
typedef enum RecordSight {
        RECORD_HIDDEN,
        RECORD_HIDDEN_SENSITIVE, /* not even that there is something */
        RECORD_PART,
        RECORD_WHOLE,
} RecordSight;
typedef struct RecordEyes {
        /* Leaves out, in place, what is not to be seen of a fact of this section. `unconfirmed`: whose it is waits for a person. 0
         * or negative. */
        int (*see)(void *owner, const char *section, Carebus__V1__Fact *fact, bool unconfirmed, RecordSight *ret);
        /* What is shown of a section of anybody's record. */
        RecordSight (*section)(void *owner, const char *section);
        /* Has this reader to do with the person at all? */
        bool (*knows)(void *owner);
        /* May it read this source at all? */
        bool (*reads)(void *owner, const char *source);
        const char *team; /* its name */
        void *owner;
        const RecordCommon *common; /* NULL: it is read */
} RecordEyes;

/* The shared record as of the transaction's folded seq, under any id that the person ever had: sections in order of names, facts in
 * order of key, source, former id. Where a person was merged, its facts stand beside the survivor's with `from_patient_id`;
 * claims of one source about one encounter are one fact whichever id, or number, they came under. What was moved away is left out, what was
 * moved here is shown. `digest` is SHA-256 over record_canonical(). `states`, and what of `sources` follows from the clock, are
 * left to record_states(). */
int record_read(StateTxn *txn, const char *patient_id, Arena *arena, Carebus__V1__Record **ret);
/* The same as somebody may see it (`eyes` NULL: all): the facts that they see, and of each as much; numbers as they see the demographics of
 * who used them; an overview of no more than that. How decisions stand to each other follows from all of them; a conflict with a claim
 * that is not shown says so (`part_hidden`), and the overview says that not all is shown, unless it is not to be known that there is
 * anything. What is held has no content and is shown to who knows the person. Who sees no fact of a person sees nobody: RECORD_E_NOT_FOUND.
 * */
int record_read_as(StateTxn *txn, const char *patient_id, const RecordEyes *eyes, Arena *arena,
                   Carebus__V1__Record **ret);
/* The same, with its record_canonical(), which the digest is of. */
int record_read_packed(StateTxn *txn, const char *patient_id, const RecordEyes *eyes, Arena *arena,
                       Carebus__V1__Record **ret, Bytes *ret_canonical);
/* The numbers alone, as such a reader sees them, appended to the list: each as it is kept, once for each of all who are one that has it. */
int record_numbers_as(StateTxn *txn, const char *patient_id, const RecordEyes *eyes, Arena *arena,
                      Carebus__V1__PersonIdentifier ***ret, size_t *ret_n);

/* An item of the quarantine, open or resolved. `events` is filled in where the entry had any. */
int quarantine_read(StateTxn *txn, uint64_t seq, Arena *arena, Carebus__V1__QuarantineItem **ret);

/* The settings that the fold goes by; RECORD_E_NOT_FOUND before the first. */
int settings_read(StateTxn *txn, Arena *arena, Carebus__V1__Settings **ret);

/* Value of STATE_SOURCE_SEQ: how many events were published under that number. 0 when it is none. */
uint32_t source_seq_count(Bytes value);
