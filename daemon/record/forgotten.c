/* One key a reader, replaced when somebody forgets it again. */
#include "daemon/record/forgotten.h"

#include <errno.h>

#include "base/error.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"

#define ARENA_MAX (64U << 10) /* one message */

StateKey forgotten_key(const char *team, const char *consumer) {
        StateKey key = state_key_meta("forgotten");

        state_key_text(&key, team);
        state_key_text(&key, consumer);
        return key;
}

int forgotten_read(StateTxn *txn, const char *team, const char *consumer, Arena *arena,
                   Carebus__V1__ReaderForgotten **ret) {
        const StateKey key = forgotten_key(team, consumer);
        Bytes value;
        int r = key.error ?: state_get(txn, STATE_META, state_key_all(&key), &value);

        if (r != 0)
                return r == STATE_E_NOT_FOUND ? RECORD_E_NOT_FOUND : error_fold(r);
        return message_unpack(&carebus__v1__reader_forgotten__descriptor, value, arena, (ProtobufCMessage **)ret);
}

uint64_t forgotten_newest(StateTxn *txn) {
        const StateKey key = state_key_meta(RECORD_META_FORGOTTEN_SEQ);
        Bytes value;

        if (state_get(txn, STATE_META, state_key_all(&key), &value) != 0 || value.size != sizeof(uint64_t))
                return 0;
        return load_le64(value.data);
}

int forgotten_place(StateTxn *txn, const ReaderPlace *place) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__ReaderForgotten *forgotten;
        int r = arena_new(&arena, ARENA_MAX);

        r = r ?: forgotten_read(txn, place->team, place->name, arena, &forgotten);
        if (r != 0)
                return r == RECORD_E_NOT_FOUND ? 0 : r;
        return forgotten->seq == place->seq && forgotten->index == place->index &&
               forgotten->acked_at == place->acked_at;
}
