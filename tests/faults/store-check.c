/* Opens, verifies and reads a journal and its state as a start of the daemon would, and says what does not hold. */
#include "tests/faults/store-check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "daemon/store/state-keys.h"

Bytes store_payload(uint64_t seq, Buffer *buffer) {
        uint64_t x = seq * 0x9e3779b97f4a7c15ull + 1;
        size_t size = (size_t)((x >> 40) % 8 == 0 ? (x >> 20) % 2000 : (x >> 20) % 400);

        buffer_clear(buffer);
        for (size_t i = 0; i < size; i++) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                buffer_append_byte(buffer, (uint8_t)x);
        }
        return buffer_bytes(buffer);
}

int64_t store_received_at(uint64_t seq) {
        return 1700000000000000 + (int64_t)seq * 1000;
}

static Bytes state_value(uint64_t seq, Bytes payload, uint8_t room[SHA256_SIZE + 8]) {
        sha256(payload.data, payload.size, room);
        store_le64(room + SHA256_SIZE, seq);
        return bytes_of(room, SHA256_SIZE + 8);
}

int store_fold(State *state, Journal *journal, const char *journal_folder, uint64_t *ret_seq) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        uint64_t limit = journal_committed(journal), seq;
        JournalRecord record;
        int r;

        r = state_begin(state, STATE_WRITE, &txn);
        if (r != 0)
                return r;
        r = journal_reader_open(journal_folder, &reader);
        if (r < 0)
                return r;
        seq = state_folded_seq(txn);
        r = journal_reader_seek(reader, seq + 1, NULL);
        while (r == 0 && (r = journal_reader_next(reader, limit, &record, NULL)) == 0) {
                StateKey key = state_key_seq(record.seq);
                uint8_t room[SHA256_SIZE + 8];

                seq = record.seq;
                r = state_put(txn, STATE_OUTCOME, state_key_all(&key), state_value(seq, record.payload, room));
        }
        if (r != JOURNAL_E_END)
                return r;
        r = state_set_folded_seq(txn, seq);
        if (r == 0)
                r = state_commit(TAKE_PTR(txn));
        if (r == 0)
                *ret_seq = seq;
        return r;
}

static int wrong(StoreFound *found, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int wrong(StoreFound *found, const char *format, ...) {
        va_list args;

        va_start(args, format);
        vsnprintf(found->why, sizeof(found->why), format, args);
        va_end(args);
        return -1;
}

static int count_value(Bytes key, Bytes value, void *owner) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        uint8_t room[SHA256_SIZE + 8];
        uint64_t *n = owner;

        ++*n;
        if (key.size != 8 || load_be64(key.data) != *n)
                return 1;
        return bytes_equal(value, state_value(*n, store_payload(*n, &buffer), room)) ? 0 : 1;
}

static int check_state(const StoreCheck *check, StoreFound *found) {
        _cleanup_(state_freep) State *state = NULL;
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        uint64_t n = 0;
        int r;

        r = state_open(check->state, STATE_WRITE, STORE_MAP_BYTES, &state);
        if (r == 0)
                r = state_begin(state, STATE_READ, &txn);
        if (r != 0)
                return wrong(found, "the state cannot be opened: %d", r);
        found->state_seq = state_folded_seq(txn);
        r = state_walk(txn, STATE_OUTCOME, BYTES_NULL, BYTES_NULL, count_value, &n);
        if (r != 0)
                return wrong(found, "the state's value %" PRIu64 " is not as folded: %d", n, r);
        if (n != found->state_seq)
                return wrong(found, "the state says %" PRIu64 " and holds %" PRIu64, found->state_seq, n);
        if (found->state_seq < check->state_acked)
                return wrong(found, "the state stood at %" PRIu64 " and stands at %" PRIu64, check->state_acked,
                             found->state_seq);
        return 0;
}

static int check_records(const StoreCheck *check, StoreFound *found) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        JournalFault fault = { .reason = "" };
        JournalVerified verified;
        JournalRecord record;
        int r;

        r = journal_verify(check->journal, 0, NULL, NULL, &verified, &fault);
        if (r != 0)
                return wrong(found, "verify: %d %s at %" PRIu64 ":%" PRIu64 " seq %" PRIu64, r, fault.reason,
                             fault.place.segment, fault.place.offset, fault.seq);
        if (verified.last_seq != found->last_seq)
                return wrong(found, "verify says %" PRIu64 ", the start %" PRIu64, verified.last_seq, found->last_seq);
        r = journal_reader_open(check->journal, &reader);
        for (uint64_t seq = 1; r == 0 && seq <= found->last_seq; seq++) {
                r = journal_reader_next(reader, found->last_seq, &record, &fault);
                if (r == 0 && (record.seq != seq || record.received_at != store_received_at(seq) ||
                               !bytes_equal(record.payload, store_payload(seq, &buffer))))
                        return wrong(found, "record %" PRIu64 " is not what was written", seq);
        }
        return r == 0 ? 0 : wrong(found, "reading: %d %s", r, fault.reason);
}

static int check_open(const StoreCheck *check, StoreFound *found, unsigned more) {
        JournalOptions options = { .segment_bytes = check->segment_bytes, .state_seq = found->state_seq };
        _cleanup_(journal_freep) Journal *journal = NULL;
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        JournalFault fault = { .reason = "" };
        uint64_t seq;
        int r;

        r = journal_open(check->journal, &options, &journal, &fault);
        if (r != 0)
                return wrong(found, "the journal cannot be opened behind %" PRIu64 ": %d %s at %" PRIu64 ":%" PRIu64,
                             found->state_seq, r, fault.reason, fault.place.segment, fault.place.offset);
        found->last_seq = journal_committed(journal);
        if (found->last_seq < check->acked)
                return wrong(found, "%" PRIu64 " was acknowledged and %" PRIu64 " is there", check->acked,
                             found->last_seq);
        for (unsigned i = 0; i < more && r == 0; i++) {
                uint64_t next = found->last_seq + 1;

                r = journal_append(journal, store_received_at(next), store_payload(next, &buffer), &seq);
                if (r == 0)
                        r = journal_commit(journal);
                if (r == 0)
                        found->last_seq = seq;
        }
        return r == 0 ? 0 : wrong(found, "writing on: %d", r);
}

int store_check(const StoreCheck *check, StoreFound *ret) {
        *ret = (StoreFound){ 0 };
        if (check->state && check_state(check, ret) < 0)
                return -1;
        if (check_open(check, ret, 0) < 0 || check_records(check, ret) < 0)
                return -1;
        if (check->go_on && (check_open(check, ret, 2) < 0 || check_records(check, ret) < 0))
                return -1;
        return 0;
}
