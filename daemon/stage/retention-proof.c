/* One walk: hashes of what lacks a part are gathered until the decisions behind them are met. */
#include "daemon/stage/retention-proof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/sha256.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/stage/retention-hold.h"
#include "daemon/store/journal.h"
#include "daemon/record/body.h"
#include "proto/check.h"

#define ARENA_BYTES (16U << 20)
#define ENTRY_DECISION 4

/* In the order of numbers. */
typedef struct Unproved {
        uint64_t seq;
        uint8_t left[SHA256_SIZE];
        bool proved;
} Unproved;

typedef struct Proof {
        Arena *arena;
        Buffer list;
} Proof;

static int unproved_compare(const void *a, const void *b) {
        const Unproved *first = a, *second = b;

        return first->seq < second->seq ? -1 : first->seq > second->seq;
}

static int decision_see(Proof *proof, const JournalRecord *record) {
        Unproved *list = (Unproved *)(void *)proof->list.data;
        const size_t n = proof->list.size / sizeof(*list);
        const Carebus__V1__Expired *expired;
        Carebus__V1__Entry *entry;
        int r;

        arena_reset(proof->arena);
        r = message_unpack(&carebus__v1__entry__descriptor, record->payload, proof->arena, (ProtobufCMessage **)&entry);
        if (r < 0)
                return r;
        expired = entry->kind_case == CAREBUS__V1__ENTRY__KIND_DECISION ? entry->decision->expired : NULL;
        if (!expired || retention_class_of_rule(expired->rule) != RETENTION_ORIGINALS)
                return 0;
        for (size_t i = 0; n > 0 && i < expired->n_seqs && i < expired->n_left; i++) {
                const Unproved key = { .seq = expired->seqs[i] };
                Unproved *found = bsearch(&key, list, n, sizeof(*list), unproved_compare);

                if (found && expired->left[i].len == SHA256_SIZE &&
                    memcmp(expired->left[i].data, found->left, SHA256_SIZE) == 0)
                        found->proved = true;
        }
        return 0;
}

static int record_see(Proof *proof, const JournalRecord *record) {
        size_t offset = 0;
        WireField field;

        if (record->reduced) {
                Unproved one = { .seq = record->seq };

                sha256(record->payload.data, record->payload.size, one.left);
                buffer_append(&proof->list, &one, sizeof(one));
                return proof->list.error;
        }
        /* Only decisions are unpacked: they alone say what went. */
        if (wire_field_next(record->payload, &offset, &field) != 0 || field.number != ENTRY_DECISION)
                return 0;
        return decision_see(proof, record);
}

int retention_prove(const char *journal_folder, uint64_t limit, uint64_t *ret_n, uint64_t *ret_seq) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(buffer_deinit) Buffer list = BUFFER_NULL;
        Proof proof = { .list = BUFFER_NULL };
        const Unproved *all;
        int r = arena_new(&arena, ARENA_BYTES);

        proof.arena = arena;
        r = r ?: journal_reader_open(journal_folder, &reader);
        while (r == 0) {
                JournalRecord record;
                int next = journal_reader_next(reader, limit, &record, NULL);

                if (next == JOURNAL_E_END)
                        break;
                r = next == 0 ? record_see(&proof, &record) : next == JOURNAL_E_EXPIRED ? 0 : next;
        }
        list = proof.list;
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        all = (const Unproved *)(const void *)list.data;
        *ret_n = list.size / sizeof(*all);
        *ret_seq = 0;
        for (size_t i = 0; i < *ret_n && *ret_seq == 0; i++)
                *ret_seq = all[i].proved ? 0 : all[i].seq;
        return 0;
}
