#include "daemon/stage/dedupe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"
#include "daemon/store/state-keys.h"

int64_t dedupe_message_at(const Carebus__V1__StoredSubmission *submission) {
        return submission->message_time && submission->message_time->has_utc_at ? submission->message_time->utc_at
                                                                                : INT64_MIN;
}

void dedupe_sibling_id(const uint8_t sha256[SHA256_SIZE], char ret[DEDUPE_SIBLING_ID_SIZE]) {
        memcpy(ret, "other-bytes:", sizeof("other-bytes:"));
        hex_encode(sha256, SHA256_SIZE, ret + strlen(ret));
}

/* Under the id stands what came first. What contradicts it stands under its bytes. */
static int conflict_look(StateTxn *txn, const Carebus__V1__StoredSubmission *submission, const StateDedupe *mine,
                         DedupeVerdict *ret, uint64_t *ret_seq) {
        char id[DEDUPE_SIBLING_ID_SIZE];
        StateDedupe known;
        int r;

        dedupe_sibling_id(mine->sha256, id);
        r = state_dedupe_get(txn, submission->source, id, dedupe_message_at(submission), &known);
        if (r == 0) {
                *ret = DEDUPE_REPEAT;
                *ret_seq = known.seq;
                return 0;
        }
        *ret = DEDUPE_CONFLICT;
        return r == STATE_E_NOT_FOUND
                       ? state_dedupe_put(txn, submission->source, id, dedupe_message_at(submission), mine)
                       : r;
}

int dedupe_look(StateTxn *txn, uint64_t seq, const Carebus__V1__StoredSubmission *submission, DedupeVerdict *ret,
                uint64_t *ret_seq) {
        const Carebus__V1__Original *original = submission->original;
        const char *id = submission->message_id ?: "";
        StateDedupe mine = { .seq = seq }, known;
        int r;

        if (original && original->has_sha256 && original->sha256.len == SHA256_SIZE)
                memcpy(mine.sha256, original->sha256.data, SHA256_SIZE);
        r = state_dedupe_get(txn, submission->source, id, dedupe_message_at(submission), &known);
        if (r == STATE_E_NOT_FOUND) {
                *ret = DEDUPE_NEW;
                return state_dedupe_put(txn, submission->source, id, dedupe_message_at(submission), &mine);
        }
        if (r)
                return r;
        *ret_seq = known.seq;
        if (memcmp(known.sha256, mine.sha256, SHA256_SIZE) == 0) {
                *ret = DEDUPE_REPEAT;
                return 0;
        }
        return conflict_look(txn, submission, &mine, ret, ret_seq);
}
