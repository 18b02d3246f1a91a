/* Outcomes alone are read, in their order: no journal, no event. */
#include "daemon/serve/place.h"

#include <errno.h>

#include "base/error.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"
#include "proto/wire.h"

enum { OUTCOME_SOURCE = 5, OUTCOME_DERIVED = 10, OUTCOME_EVENT_COUNT = 15, OUTCOME_CORRECTIONS = 25 };

int place_of_bus(StateTxn *txn, uint64_t head, Place *ret) {
        StateKey key = state_key_seq(head);
        uint64_t count = 0;
        size_t offset = 0;
        WireField field;
        Bytes packed;
        int r;

        *ret = PLACE_NULL;
        if (head == 0)
                return 0;
        r = state_get(txn, STATE_OUTCOME, state_key_all(&key), &packed);
        if (r != 0 && r != STATE_E_NOT_FOUND)
                return error_fold(r);
        while (r == 0 && wire_field_next(packed, &offset, &field) == 0)
                if (field.number == OUTCOME_EVENT_COUNT && field.wire_type == WIRE_VARINT)
                        count = field.value;
        *ret = (Place){ .seq = head, .index = (uint32_t)(count > 0 ? count - 1 : 0) };
        return 0;
}

typedef struct NextSeq {
        const Sharing *sharing;
        size_t team;
        uint64_t head, next;
        unsigned left;
} NextSeq;

static bool may_speak(const NextSeq *next, Bytes outcome) {
        Bytes source = BYTES_NULL;
        bool has_events = false, says = false;
        size_t offset = 0;
        WireField field;

        while (wire_field_next(outcome, &offset, &field) == 0) {
                if (field.number == OUTCOME_SOURCE && field.wire_type == WIRE_BYTES)
                        source = field.bytes;
                if (field.number == OUTCOME_EVENT_COUNT && field.wire_type == WIRE_VARINT)
                        has_events = field.value > 0;
                if (field.number == OUTCOME_DERIVED || field.number == OUTCOME_CORRECTIONS)
                        says = true;
        }
        return has_events && (says || source.size == 0 || sharing_may_read(next->sharing, next->team, source));
}

static int outcome_seen(Bytes key, Bytes value, void *owner) {
        NextSeq *next = owner;

        if (key.size != sizeof(uint64_t))
                return -EBADMSG;
        next->next = load_be64(key.data);
        if (next->next > next->head || next->left == 0 || may_speak(next, value))
                return 1;
        next->left--;
        next->next++;
        return 0;
}

int place_next_seq(StateTxn *txn, const Sharing *sharing, size_t team, uint64_t seq, uint64_t head, unsigned look,
                   uint64_t *ret) {
        StateKey key = state_key_seq(seq);
        NextSeq next = { .sharing = sharing, .team = team, .head = head, .next = seq, .left = look };
        int r;

        r = state_walk(txn, STATE_OUTCOME, BYTES_NULL, state_key_all(&key), outcome_seen, &next);
        if (r < 0)
                return r;
        *ret = next.next > head ? head + 1 : next.next;
        return 0;
}
