#include "daemon/stage/not-understood.h"

#include <errno.h>

#include "daemon/record/read.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"

/* The next oldest is looked for among so many; beyond them, "since" stays what it was, which is too early and hides nothing. */
#define LOOK_MAX 10000

static int count_set(FoldWork *work, const char *source, const char *counter, uint64_t value) {
        return state_count_add(work->txn, source, counter, value - state_count_get(work->txn, source, counter));
}

static int oldest_set(FoldWork *work, const char *source, uint64_t seq, int64_t since_at) {
        int r = count_set(work, source, RECORD_COUNT_NOT_UNDERSTOOD_SEQ, seq);

        return r ?: count_set(work, source, RECORD_COUNT_NOT_UNDERSTOOD_SINCE_AT, (uint64_t)since_at);
}

int not_understood_add(FoldWork *work, const char *source) {
        if (state_count_get(work->txn, source, RECORD_COUNT_NOT_UNDERSTOOD) == 0) {
                int r = oldest_set(work, source, work->seq, work->received_at);

                if (r < 0)
                        return r;
        }
        return state_count_add(work->txn, source, RECORD_COUNT_NOT_UNDERSTOOD, 1);
}

typedef struct Look {
        Bytes source;
        size_t n_seen;
        uint64_t seq, received_at;
} Look;

/* Items are large: only what is asked for is read. */
static int item_seen(Bytes key, Bytes value, void *owner) {
        enum { ITEM_ID = 1, ITEM_SOURCE = 2, ITEM_RECEIVED_AT = 5 };
        Look *look = owner;
        uint64_t seq = 0, received_at = 0;
        bool same = false;
        size_t offset = 0;
        WireField field;

        (void)key;
        while (wire_field_next(value, &offset, &field) == 0) {
                if (field.number == ITEM_ID)
                        seq = field.value;
                else if (field.number == ITEM_SOURCE)
                        same = bytes_equal(field.bytes, look->source);
                else if (field.number == ITEM_RECEIVED_AT)
                        received_at = field.value;
                if (field.number >= ITEM_RECEIVED_AT)
                        break;
        }
        if (same) {
                look->seq = seq;
                look->received_at = received_at;
                return 1;
        }
        return ++look->n_seen >= LOOK_MAX;
}

int not_understood_remove(FoldWork *work, const Carebus__V1__QuarantineItem *item) {
        StateKey from = state_key_seq(item->id);
        Look look = { .source = bytes_of_text(item->source) };
        int r;

        if (state_count_get(work->txn, item->source, RECORD_COUNT_NOT_UNDERSTOOD) == 0)
                return 0; /* of a state that did not count yet */
        r = state_count_add(work->txn, item->source, RECORD_COUNT_NOT_UNDERSTOOD, (uint64_t)-1);
        if (r < 0 || state_count_get(work->txn, item->source, RECORD_COUNT_NOT_UNDERSTOOD) == 0 ||
            state_count_get(work->txn, item->source, RECORD_COUNT_NOT_UNDERSTOOD_SEQ) != item->id)
                return r;
        r = state_walk(work->txn, STATE_QUARANTINE, BYTES_NULL, state_key_all(&from), item_seen, &look);
        return r < 0 || look.seq == 0 ? MIN(r, 0) : oldest_set(work, item->source, look.seq, (int64_t)look.received_at);
}
