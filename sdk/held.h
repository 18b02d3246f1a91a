#pragma once
/*
 * Whose record a reader holds, by digest: patient id, SHA-256 of the record's bytes, the entry that brought it, and
 * the sum of all. 64 bytes and some a person. Kept in a file between runs, replaced whole, with a checksum. One
 * thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/digest.h"

#define HELD_ID_SIZE 34 /* p, twenty digits, a point, ten digits, NUL */

typedef struct HeldPerson {
        uint64_t id_seq, seq;
        uint32_t id_index;
        uint8_t bucket;
        bool named; /* by the snapshot under way */
        uint8_t digest[DIGEST_SUM_SIZE];
} HeldPerson;

typedef struct Held {
        HeldPerson *persons;
        uint32_t n_persons, n_room;
        uint32_t *slots; /* 1 + index; 0: free */
        uint32_t n_slots;
        DigestSum sum;
} Held;

/* Where a file stands: all up to this place is in it. */
typedef struct HeldPlace {
        uint64_t seq, lineage;
        uint32_t index;
} HeldPlace;

void held_deinit(Held *held);
/* NULL: nobody of this id. Borrowed until the next change. */
HeldPerson *held_find(const Held *held, const char *patient_id);
/* 0, -EINVAL for what is no patient id, -ENOMEM. The person counts as named. */
int held_set(Held *held, const char *patient_id, const uint8_t digest[DIGEST_SUM_SIZE], uint64_t seq);
void held_remove(Held *held, HeldPerson *person);
void held_id(const HeldPerson *person, char ret[HELD_ID_SIZE]);
/* Nobody is named yet; with `forget` their digests are no longer known either, and whatever comes differs. */
void held_begin_snapshot(Held *held, bool forget);
/* Somebody who is not named, at or behind *at; NULL when there is nobody. */
HeldPerson *held_unnamed(const Held *held, uint32_t *at);

/* `owner` tells one reader's file from another's. -ENOENT; -EBADMSG: not such a file, or not whole, or another owner's. */
int held_read(const char *path, const char *owner, Held *held, HeldPlace *ret);
int held_write(const char *path, const char *owner, const Held *held, HeldPlace place);
