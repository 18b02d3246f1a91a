#pragma once
/*
 * What a removed segment said of who was given what, so that a correction still reaches every team that was given the original: for each
 * team the events, the persons of whom it was given anything, and the records as of which entry and when. One file a segment,
 * NNN.carried, by the segment's number; docs/audit.md says how the bytes lie. The hash over all of them stands in the signed beginning.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "carebus/v1/audit.pb-c.h"
#include "daemon/audit/beginning.h"
#include "daemon/audit/walk.h"

#define CARRIED_SUFFIX ".carried"
#define CARRIED_MAGIC "carebus-carried\n"
#define CARRIED_VERSION 1u

typedef enum CarriedKind {
        CARRIED_GIVEN,  /* an event */
        CARRIED_TOLD,   /* anything of a person, by the event that first spoke of them */
        CARRIED_RECORD, /* a person's record */
        _CARRIED_KIND_MAX,
} CarriedKind;

typedef struct CarriedThing {
        const char *team; /* borrowed */
        CarriedKind kind;
        uint32_t index;
        uint64_t seq;
        uint64_t as_of; /* of a record, */
        int64_t at;     /* which was given then */
} CarriedThing;

/* ---- making it: one segment, record by record */

typedef struct Carrying Carrying;
int carrying_new(Carrying **ret);
Carrying *carrying_free(Carrying *carrying);
DEFINE_CLEANUP(Carrying *, carrying_free)
/* 0, -EBADMSG (no AuditRecord), -ENOMEM, -E2BIG (more teams than there can be). */
int carrying_add(Carrying *carrying, Bytes packed);
/* Durable, under its name, when it returns; the same again where it is there already. */
int carrying_write(Carrying *carrying, const char *folder, const uint8_t uuid[AUDIT_UUID_BYTES], uint64_t first,
                   uint64_t next, uint8_t ret_sha256[SHA256_SIZE]);

/* ---- reading it; any thread */

void carried_name(uint64_t first, char ret[AUDIT_NAME_BYTES]);
/* The hash over all of them so far and one more; the first goes behind zeros. */
void carried_add_hash(uint8_t hash[SHA256_SIZE], const uint8_t sha256_of_file[SHA256_SIZE]);
/* Everything in it is looked at; ret_sha256 may be NULL. 0, AUDIT_E_NONE, AUDIT_E_DAMAGED, AUDIT_E_NEWER, negative. On the heap:
 * carried_free(). */
int carried_read(int folder_fd, uint64_t first, Carebus__V1__AuditCarried **ret, uint8_t ret_sha256[SHA256_SIZE]);
Carebus__V1__AuditCarried *carried_free(Carebus__V1__AuditCarried *carried);
DEFINE_CLEANUP(Carebus__V1__AuditCarried *, carried_free)
/* Of what carried_read() gave. What `seen` returns, where not 0, ends it. */
typedef int (*CarriedSeen)(const CarriedThing *thing, void *owner);
int carried_each(const Carebus__V1__AuditCarried *carried, CarriedSeen seen, void *owner);

/* Which records one is of, and of which time, without reading it: nothing is proved. 0, AUDIT_E_NONE, AUDIT_E_DAMAGED, negative. */
typedef struct CarriedSpan {
        uint64_t next;
        int64_t first_at, last_at;
} CarriedSpan;
int carried_peek(int folder_fd, uint64_t first, CarriedSpan *ret);

/* All of them, from the first segment on to the beginning. `seen` may be NULL. 0, AUDIT_E_DAMAGED (one lacks, or they are not those that
 * were signed; *ret_first says which, 0: their hash), AUDIT_E_NEWER, what `seen` returned, negative. */
typedef int (*CarriedFileSeen)(const Carebus__V1__AuditCarried *carried, void *owner);
int carried_walk(int folder_fd, const AuditBeginning *beginning, CarriedFileSeen seen, void *owner,
                 uint64_t *ret_first);
