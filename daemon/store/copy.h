#pragma once
/* Files of a backup: copied, hashed on the way, synced. Any thread. */
#include <stdint.h>
#include <sys/types.h>

#include "base/sha256.h"

/* Bytes since the last call. Negative ends the copy, and is returned. */
typedef int (*CopyProgress)(uint64_t bytes, void *owner);

typedef struct Copy {
        const char *from, *to; /* paths; `to` NULL: only hashed */
        uint64_t take;         /* bytes of `from`; UINT64_MAX: all that it has now */
        uint64_t size;         /* of `to`, zeros behind what was taken; 0: as much as was taken */
        mode_t mode;
        CopyProgress progress; /* may be NULL */
        void *owner;
} Copy;

/* `to` is written anew and synced; zeros become holes. *ret_size and the hash are of what `to` holds. -EIO: `from` is shorter than
 * `take`; -EINVAL, -ELOOP: it is no plain file. */
int copy_file(const Copy *copy, uint64_t *ret_size, uint8_t ret_sha256[SHA256_SIZE]);
