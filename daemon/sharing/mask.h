#pragma once
/*
 * Masks: the trees of one answer, kept in the Sharing under what they were made of, so that equal ones are one. The table only grows,
 * without locks, up to MASKS_MAX; then the answer is by the first of the rules alone, which shows no more. Inside this folder.
 */
#include <stdatomic.h>

#include "daemon/sharing/cut.h"

/* Of one settings: bits of rules by what a restricted address does to them. MASK_ALL: everything is shown. */
#define MASK_ALL UINT64_MAX
typedef struct MaskPart {
        uint64_t open, closed;
} MaskPart;
#define MASK_PART_ALL ((MaskPart){ MASK_ALL, 0 })

typedef struct MaskKey {
        MaskPart body[2], demographics[2];
        uint64_t kind;
} MaskKey;

struct SharingMask {
        MaskKey key;
        struct SharingMask *next;
        const ProtobufCFieldDescriptor *body;
        CutNode *of_body[2], *of_demographics[2]; /* by the settings */
        char **redacted, **redacted_of_event;     /* paths, in order; of an event those of demographics too */
        size_t n_redacted, n_redacted_of_event;
};

#define MASKS_MAX 4096
#define MASK_BUCKETS 256

typedef struct MaskTable {
        _Atomic(struct SharingMask *) buckets[MASK_BUCKETS];
        atomic_uint n;
        struct SharingMask *nothing; /* what a mask is when memory is out */
} MaskTable;

int mask_table_init(MaskTable *table);
void mask_table_deinit(MaskTable *table);
/* Never NULL. `policies`: two, the second NULL where both are one. */
const struct SharingMask *mask_find(MaskTable *table, const Policy *const policies[2], const MaskKey *key);
