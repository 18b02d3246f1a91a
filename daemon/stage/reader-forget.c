#include "daemon/stage/reader-forget.h"

#include <errno.h>

#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/forgotten.h"

static bool is_said(const char *text) {
        return text && text[0];
}

int reader_forget(FoldWork *work, const Carebus__V1__JournalDecision *decision) {
        const StateKey newest = state_key_meta(RECORD_META_FORGOTTEN_SEQ);
        Carebus__V1__ReaderForgotten forgotten;
        uint8_t seq[sizeof(uint64_t)];
        StateKey key;
        Bytes packed;
        int r;

        if (!decision->reader || !is_said(decision->reader->team) || !is_said(decision->reader->consumer) ||
            !is_said(decision->who_says) || !is_said(decision->why)) {
                work->outcome.refused = (char *)"who-and-why";
                return 0;
        }
        forgotten = *decision->reader;
        forgotten.has_by = forgotten.has_at = true;
        forgotten.by = work->seq;
        forgotten.at = work->received_at;
        forgotten.who = decision->who_says;
        key = forgotten_key(forgotten.team, forgotten.consumer);
        packed = message_pack(&forgotten.base, work->arena);
        store_le64(seq, work->seq);
        r = key.error ?: packed.data ? 0 : -ENOMEM;
        r = r ?: state_put(work->txn, STATE_META, state_key_all(&key), packed);
        return r ?: state_put(work->txn, STATE_META, state_key_all(&newest), bytes_of(seq, sizeof(seq)));
}
