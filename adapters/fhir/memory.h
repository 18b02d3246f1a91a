#pragma once
/*
 * What was said of resources before, by one source: where references lead, which version stands, who has which identifier.
 * Written after the bus's receipt, so what is in it is stored. It is no truth of its own: when it is lost, references that lead out
 * of a message are local identifiers alone, and a conditional create finds nothing. One thread; one process a folder.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "carebus/v1/common.pb-c.h"

typedef struct Memory Memory;

#define MEMORY_NAME_MAX 64 /* a type, an id, a version */

/* Positive returns. */
enum {
        _MEMORY_E_SUCCESS,
        MEMORY_E_NOT_FOUND,
        MEMORY_E_TAKEN, /* another process has it open */
};

typedef struct MemoryRecord {
        const char *type, *id;
        const char *version;          /* put: as the source says it, or NULL: counted up where the content is another */
        uint8_t content[SHA256_SIZE]; /* of the resource as json_write() has it */
        uint64_t seq;                 /* in the bus */
        bool is_deleted;
        Carebus__V1__Identifier **identifiers; /* business identifiers */
        size_t n_identifiers;
        Carebus__V1__Identifier **patient; /* of its patient */
        size_t n_patient;
        const char *
                resource; /* its JSON, so that a DELETE can say what is entered in error; empty where it is too large */
} MemoryRecord;

/* JSON beyond it is not kept. */
#define MEMORY_RESOURCE_MAX (64 * 1024)

/* Makes it where it is not there, and makes it anew where it is damaged or of another version: `ret_made_anew`. */
int memory_open(const char *folder, Memory **ret, bool *ret_made_anew);
Memory *memory_free(Memory *memory); /* what was put and not committed is lost */
DEFINE_CLEANUP(Memory *, memory_free)

/* 0 with `ret` in the arena, MEMORY_E_NOT_FOUND, or a negative errno. Sees what was put and not committed yet. */
int memory_find(Memory *memory, const char *type, const char *id, Arena *arena, MemoryRecord *ret);
/* How many resources of the type have the identifier, counted up to two, and the id of the first. Negative: an errno. */
int memory_search(Memory *memory, const char *type, const char *system, const char *value,
                  char ret_id[MEMORY_NAME_MAX + 1]);

/* `ret_version` (MEMORY_NAME_MAX + 1 bytes; may be NULL) is the version that stands now. What has a name that is none of FHIR is not
 * remembered: -EINVAL. After an errno nothing that was put since the last commit is kept. */
int memory_put(Memory *memory, const MemoryRecord *record, char *ret_version);
/* A small text under a name: where polling stands. */
int memory_note_get(Memory *memory, const char *name, Arena *arena, const char **ret);
int memory_note_put(Memory *memory, const char *name, const char *text);
/* On disk when it returns. Nothing to do where nothing was put. */
int memory_commit(Memory *memory);

/* A record as bytes of its own, to be put later; packs are appended one to the other. */
void memory_pack(Buffer *out, const MemoryRecord *record);
/* Puts the first record of `packed` and takes it off the front; `seq` is what the receipt said. The id for whom it may concern is
 * the record's, in the arena. 0, MEMORY_E_NOT_FOUND at the end, negative. */
int memory_put_packed(Memory *memory, Bytes *packed, uint64_t seq, Arena *arena, char *ret_version);
