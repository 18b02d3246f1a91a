#pragma once
/* dedupe: the same again is nothing new; the same id with other bytes is a matter for a person. */
#include <stdint.h>

#include "base/sha256.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/store/state.h"

#define REASON_SAME_ID_OTHER_BYTES "same-id-other-bytes"

typedef enum DedupeVerdict {
        DEDUPE_NEW,
        DEDUPE_REPEAT,   /* same source, id, time and bytes */
        DEDUPE_CONFLICT, /* same source, id and time, other bytes */
} DedupeVerdict;

/* The message's own time as a key: INT64_MIN where it has none that can be read. */
int64_t dedupe_message_at(const Carebus__V1__StoredSubmission *submission);

/* "other-bytes:" and 64 digits: the id under which a message that contradicts an earlier one is kept, so that it is known again. */
#define DEDUPE_SIBLING_ID_SIZE (sizeof("other-bytes:") + 2 * SHA256_SIZE)
void dedupe_sibling_id(const uint8_t sha256[SHA256_SIZE], char ret[DEDUPE_SIBLING_ID_SIZE]);

/* Looks the submission up and remembers it where it is new; *ret_seq is the entry that it repeats or contradicts. A contradiction is
 * remembered too: when it comes again, it repeats. 0, or what the state said. */
int dedupe_look(StateTxn *txn, uint64_t seq, const Carebus__V1__StoredSubmission *submission, DedupeVerdict *ret,
                uint64_t *ret_seq);
