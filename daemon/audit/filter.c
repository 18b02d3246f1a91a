/* The filters: 16,384 bits for what begins in 64 KiB, four of them a key. What is in is always found; one in a hundred others too. */
#include <string.h>

#include "daemon/audit/index.h"

#define FILTER_BITS (8 * AUDIT_FILTER_BYTES)
#define FILTER_HASHES 4

static uint64_t key_mix(uint64_t key) {
        key ^= key >> 32;
        key *= UINT64_C(0xd6e8feb86659fd93);
        key ^= key >> 32;
        key *= UINT64_C(0xd6e8feb86659fd93);
        return key ^ key >> 32;
}

uint64_t audit_key_event(uint64_t seq) {
        return key_mix(seq ^ UINT64_C(0x6576656e74000000));
}

uint64_t audit_key_person(Bytes patient_id) {
        uint64_t key = UINT64_C(0x706572736f6e0000) + patient_id.size;

        for (size_t i = 0; i < patient_id.size; i++)
                key = (key ^ patient_id.data[i]) * UINT64_C(0x100000001b3);
        return key_mix(key);
}

void audit_block_begin(AuditBlock *block, const AuditFrame *frame, int64_t at) {
        memset(block, 0, sizeof(*block));
        block->offset = frame->offset;
        block->first_number = frame->number;
        block->first_at = block->last_at = at;
}

void audit_block_add_key(AuditBlock *block, uint64_t key) {
        for (unsigned i = 0; i < FILTER_HASHES; i++, key >>= 14) {
                const uint64_t bit = key % FILTER_BITS;
                block->filter[bit / 8] = (uint8_t)(block->filter[bit / 8] | 1u << bit % 8);
        }
}

bool audit_block_may_have(const AuditBlock *block, uint64_t key) {
        for (unsigned i = 0; i < FILTER_HASHES; i++, key >>= 14) {
                const uint64_t bit = key % FILTER_BITS;
                if (!(block->filter[bit / 8] >> bit % 8 & 1))
                        return false;
        }
        return true;
}
