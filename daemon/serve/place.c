/* One key a source and entry with events; the newest and the next are found by one look for each source of the team. */
#include "daemon/serve/place.h"

#include <errno.h>

#include "base/error.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"
#include "proto/wire.h"

enum { OUTCOME_EVENT_COUNT = 15, OUTCOME_HELD = 22 };

static int key_seq(Bytes key, uint64_t *ret) {
        if (key.size < sizeof(uint64_t))
                return -EBADMSG;
        *ret = load_be64(key.data + key.size - sizeof(uint64_t));
        return 0;
}

static Bytes source_prefix(const StateKey *key) {
        return bytes_of(key->data, key->size - sizeof(uint64_t));
}

/* The newest entry below `below` of any of the team's sources; 0 when there is none. */
static int newest_seq_below(StateTxn *txn, const Sharing *sharing, size_t team, uint64_t below, uint64_t *ret) {
        const char *source;
        uint64_t newest = 0;

        for (size_t i = 0; (source = sharing_source_at(sharing, team, i)); i++) {
                StateKey key = state_key_source_seq(source, below);
                Bytes found, value;
                uint64_t seq;
                int r;

                if (key.error < 0)
                        return key.error;
                r = state_last_below(txn, STATE_SOURCE_SEQ, source_prefix(&key), state_key_all(&key), &found, &value);
                if (r == STATE_E_NOT_FOUND)
                        continue;
                if (r == 0)
                        r = key_seq(found, &seq);
                if (r != 0)
                        return error_fold(r);
                newest = MAX(newest, seq);
        }
        *ret = newest;
        return 0;
}

/* One more than the index of the last event of the entry below `limit` that is given out; 0: none is. Those that wait are passed over: of
 * them only the row that ends there matters. */
static int published_below(StateTxn *txn, uint64_t seq, uint64_t limit, uint64_t *ret) {
        StateKey key = state_key_seq(seq);
        uint64_t count = 0, held_first = 0, held_next = 0;
        size_t offset = 0;
        WireField field;
        Bytes packed;
        int r;

        r = state_get(txn, STATE_OUTCOME, state_key_all(&key), &packed);
        if (r != 0 && r != STATE_E_NOT_FOUND)
                return error_fold(r);
        while (r == 0 && wire_field_next(packed, &offset, &field) == 0) {
                if (field.number == OUTCOME_EVENT_COUNT && field.wire_type == WIRE_VARINT)
                        count = MIN(field.value, limit);
                if (field.number != OUTCOME_HELD || field.wire_type != WIRE_VARINT || field.value >= count)
                        continue;
                held_first = held_next == field.value && held_next > 0 ? held_first : field.value;
                held_next = field.value + 1;
        }
        *ret = count > 0 && held_next == count ? held_first : count;
        return 0;
}

int place_newest(StateTxn *txn, const Sharing *sharing, size_t team, Place bound, Place *ret) {
        uint64_t below = bound.seq == UINT64_MAX ? UINT64_MAX : bound.seq + 1;

        for (;;) {
                uint64_t seq, count;
                int r;

                r = newest_seq_below(txn, sharing, team, below, &seq);
                if (r < 0)
                        return r;
                if (seq == 0) {
                        *ret = PLACE_NULL;
                        return 0;
                }
                r = published_below(txn, seq, seq == bound.seq ? bound.index + UINT64_C(1) : UINT64_MAX, &count);
                if (r < 0)
                        return r;
                if (count > 0) {
                        *ret = (Place){ .seq = seq, .index = (uint32_t)(count - 1) };
                        return 0;
                }
                below = seq;
        }
}

typedef struct NextSeq {
        uint64_t found;
} NextSeq;

static int take_first(Bytes key, Bytes value, void *owner) {
        NextSeq *next = owner;

        return key_seq(key, &next->found) < 0 ? -EBADMSG : 1;
}

int place_next_seq(StateTxn *txn, const Sharing *sharing, size_t team, uint64_t seq, uint64_t *ret) {
        const char *source;
        uint64_t next = UINT64_MAX;

        for (size_t i = 0; (source = sharing_source_at(sharing, team, i)); i++) {
                StateKey key = state_key_source_seq(source, seq);
                NextSeq first = { .found = UINT64_MAX };
                int r;

                if (key.error < 0)
                        return key.error;
                r = state_walk(txn, STATE_SOURCE_SEQ, source_prefix(&key), state_key_all(&key), take_first, &first);
                if (r < 0)
                        return r;
                next = MIN(next, first.found);
        }
        *ret = next;
        return 0;
}
