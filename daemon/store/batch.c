/* The bytes of batches and records, written and read by the same constants. */
#include "daemon/store/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "daemon/store/journal.h"

#define BATCH_MAGIC 0x31424243u /* "CBB1" */
#define BUILDER_BYTES_FIRST (256u * 1024u)
#define BUILDER_PAGE 4096u

enum {
        BATCH_AT_MAGIC = 0,
        BATCH_AT_CRC = 4,
        BATCH_AT_KIND = 8, /* checksum and chain begin here */
        BATCH_AT_COUNT = 12,
        BATCH_AT_BYTES = 16,
        BATCH_AT_FIRST_SEQ = 24,
        BATCH_AT_LAST_AT = 32,
        BATCH_AT_CHAIN = 40,
        BATCH_AT_RESERVED = 72,
};

enum {
        RECORD_AT_CRC = 0,
        RECORD_AT_FLAGS = 4,  /* the checksum begins here */
        RECORD_AT_LENGTH = 8, /* the chain begins here: an expired record keeps its place in it */
        RECORD_AT_RESERVED = 12,
        RECORD_AT_SEQ = 16,
        RECORD_AT_RECEIVED_AT = 24,
        RECORD_AT_SHA256 = 32,
};

static uint64_t round_up(uint64_t size, uint64_t align) {
        return (size + align - 1) & ~(align - 1);
}

static bool all_zero(const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (data[i] != 0)
                        return false;
        return true;
}

uint32_t batch_key(const uint8_t uuid[SEGMENT_UUID_BYTES]) {
        return crc32c(0, uuid, SEGMENT_UUID_BYTES);
}

void batch_header_encode(const BatchHeader *header, uint32_t key, uint8_t ret[BATCH_HEADER_BYTES]) {
        memset(ret, 0, BATCH_HEADER_BYTES);
        store_le32(ret + BATCH_AT_MAGIC, BATCH_MAGIC);
        store_le32(ret + BATCH_AT_KIND, header->kind);
        store_le32(ret + BATCH_AT_COUNT, header->count);
        store_le64(ret + BATCH_AT_BYTES, header->bytes);
        store_le64(ret + BATCH_AT_FIRST_SEQ, header->first_seq);
        store_le64(ret + BATCH_AT_LAST_AT, (uint64_t)header->last_at);
        memcpy(ret + BATCH_AT_CHAIN, header->chain, sizeof(header->chain));
        store_le32(ret + BATCH_AT_CRC, crc32c(key, ret + BATCH_AT_KIND, BATCH_HEADER_BYTES - BATCH_AT_KIND));
}

int batch_header_decode(const uint8_t data[BATCH_HEADER_BYTES], uint32_t key, BatchHeader *ret) {
        BatchHeader header;

        if (load_le32(data + BATCH_AT_MAGIC) != BATCH_MAGIC)
                return JOURNAL_E_CORRUPT;
        if (load_le32(data + BATCH_AT_CRC) != crc32c(key, data + BATCH_AT_KIND, BATCH_HEADER_BYTES - BATCH_AT_KIND))
                return JOURNAL_E_CORRUPT;
        header.kind = load_le32(data + BATCH_AT_KIND);
        header.count = load_le32(data + BATCH_AT_COUNT);
        header.bytes = load_le64(data + BATCH_AT_BYTES);
        header.first_seq = load_le64(data + BATCH_AT_FIRST_SEQ);
        header.last_at = (int64_t)load_le64(data + BATCH_AT_LAST_AT);
        memcpy(header.chain, data + BATCH_AT_CHAIN, sizeof(header.chain));

        if (load_le64(data + BATCH_AT_RESERVED) != 0 || header.first_seq == 0)
                return JOURNAL_E_CORRUPT;
        if (header.bytes > BATCH_BYTES_MAX || header.bytes % BATCH_ALIGN != 0)
                return JOURNAL_E_CORRUPT;
        if (header.kind == BATCH_CLOSE) {
                if (header.count != 0 || header.bytes != BATCH_CLOSE_BYTES)
                        return JOURNAL_E_CORRUPT;
        } else if (header.kind == BATCH_RECORDS) {
                if (header.count == 0 || header.first_seq > UINT64_MAX - header.count ||
                    BATCH_HEADER_BYTES + (uint64_t)header.count * RECORD_HEADER_BYTES > header.bytes)
                        return JOURNAL_E_CORRUPT;
        } else
                return JOURNAL_E_CORRUPT;
        *ret = header;
        return 0;
}

uint64_t batch_record_bytes(const uint8_t data[RECORD_HEADER_BYTES]) {
        return RECORD_HEADER_BYTES + round_up(load_le32(data + RECORD_AT_LENGTH), RECORD_ALIGN);
}

int batch_record_decode(const uint8_t *data, size_t size, BatchRecord *ret) {
        uint32_t flags;
        size_t bytes;

        if (size < RECORD_HEADER_BYTES)
                return JOURNAL_E_CORRUPT;
        bytes = (size_t)batch_record_bytes(data);
        if (bytes > size)
                return JOURNAL_E_CORRUPT;
        if (load_le32(data + RECORD_AT_CRC) != crc32c(0, data + RECORD_AT_FLAGS, bytes - RECORD_AT_FLAGS))
                return JOURNAL_E_CORRUPT;
        flags = load_le32(data + RECORD_AT_FLAGS);
        if ((flags & ~(RECORD_EXPIRED | RECORD_REDUCED)) != 0 || load_le32(data + RECORD_AT_RESERVED) != 0)
                return JOURNAL_E_CORRUPT;
        *ret = (BatchRecord){
                .seq = load_le64(data + RECORD_AT_SEQ),
                .received_at = (int64_t)load_le64(data + RECORD_AT_RECEIVED_AT),
                .flags = flags,
                .payload = (flags & RECORD_EXPIRED)
                                   ? BYTES_NULL
                                   : bytes_of(data + RECORD_HEADER_BYTES, load_le32(data + RECORD_AT_LENGTH)),
                .sha256 = data + RECORD_AT_SHA256,
                .bytes = bytes,
        };
        return 0;
}

static void record_flag(uint8_t *data, size_t bytes, uint32_t flag) {
        store_le32(data + RECORD_AT_FLAGS, load_le32(data + RECORD_AT_FLAGS) | flag);
        store_le32(data + RECORD_AT_CRC, crc32c(0, data + RECORD_AT_FLAGS, bytes - RECORD_AT_FLAGS));
}

void batch_record_expire(uint8_t *data) {
        const size_t bytes = (size_t)batch_record_bytes(data);

        memset(data + RECORD_HEADER_BYTES, 0, bytes - RECORD_HEADER_BYTES);
        record_flag(data, bytes, RECORD_EXPIRED);
}

void batch_record_reduced(uint8_t *data) {
        record_flag(data, (size_t)batch_record_bytes(data), RECORD_REDUCED);
}

static int check_fault(BatchCheck *check, const char *reason, uint64_t seq) {
        check->reason = reason;
        check->seq = seq;
        return JOURNAL_E_CORRUPT;
}

int batch_check(const uint8_t *data, const BatchHeader *header, BatchCheck *check) {
        size_t offset = BATCH_HEADER_BYTES, size = (size_t)header->bytes;
        int64_t last_at = check->last_at;

        sha256_add(check->sha, data + BATCH_AT_KIND, BATCH_HEADER_BYTES - BATCH_AT_KIND);
        for (uint32_t i = 0; i < header->count; i++) {
                uint64_t seq = header->first_seq + i;
                uint8_t hash[SHA256_SIZE];
                BatchRecord record;

                if (batch_record_decode(data + offset, size - offset, &record) != 0) {
                        sha256_end(check->sha, hash);
                        return check_fault(check, "record-checksum", seq);
                }
                if (record.seq != seq || record.received_at < last_at) {
                        sha256_end(check->sha, hash);
                        return check_fault(check, "gap", seq);
                }
                last_at = record.received_at;
                sha256_add(check->sha, data + offset + RECORD_AT_LENGTH, RECORD_HEADER_BYTES - RECORD_AT_LENGTH);
                if (check->deep && record.flags == 0) {
                        sha256_add(check->deep, record.payload.data, record.payload.size);
                        sha256_end(check->deep, hash);
                        if (memcmp(hash, record.sha256, SHA256_SIZE) != 0) {
                                sha256_end(check->sha, hash);
                                return check_fault(check, "record-checksum", seq);
                        }
                }
                offset += record.bytes;
        }
        sha256_end(check->sha, check->chain);
        if (size - offset >= BATCH_ALIGN || !all_zero(data + offset, size - offset) || header->last_at != last_at)
                return check_fault(check, "batch-checksum", header->first_seq);
        check->last_at = last_at;
        return 0;
}

void batch_builder_deinit(BatchBuilder *builder) {
        free(builder->data);
        *builder = BATCH_BUILDER_NULL;
}

void batch_builder_clear(BatchBuilder *builder, int64_t last_at) {
        builder->size = 0;
        builder->count = 0;
        builder->last_at = last_at;
}

static int builder_grow(BatchBuilder *builder, size_t size) {
        size_t capacity = MAX(builder->capacity, (size_t)BUILDER_BYTES_FIRST);
        void *data;
        int r;

        if (size <= builder->capacity)
                return 0;
        while (capacity < size)
                capacity *= 2;
        /* Aligned to pages: the kernel copies whole ones. */
        r = posix_memalign(&data, BUILDER_PAGE, capacity);
        if (r != 0)
                return -r;
        if (builder->size > 0)
                memcpy(data, builder->data, builder->size);
        free(builder->data);
        builder->data = data;
        builder->capacity = capacity;
        return 0;
}

int batch_builder_add(BatchBuilder *builder, Sha256 *sha, uint64_t seq, int64_t received_at, Bytes payload) {
        size_t at = builder->count > 0 ? builder->size : BATCH_HEADER_BYTES, padded, end;
        uint8_t *record;
        int r;

        if (payload.size > BATCH_BYTES_MAX)
                return -EFBIG;
        padded = (size_t)round_up(payload.size, RECORD_ALIGN);
        end = at + RECORD_HEADER_BYTES + padded;
        if (round_up(end, BATCH_ALIGN) > BATCH_BYTES_MAX)
                return -EFBIG;
        r = builder_grow(builder, (size_t)round_up(end, BATCH_ALIGN));
        if (r < 0)
                return r;

        record = builder->data + at;
        store_le32(record + RECORD_AT_FLAGS, 0);
        store_le32(record + RECORD_AT_LENGTH, (uint32_t)payload.size);
        store_le32(record + RECORD_AT_RESERVED, 0);
        store_le64(record + RECORD_AT_SEQ, seq);
        store_le64(record + RECORD_AT_RECEIVED_AT, (uint64_t)received_at);
        sha256_add(sha, payload.data, payload.size);
        sha256_end(sha, record + RECORD_AT_SHA256);
        if (payload.size > 0)
                memcpy(record + RECORD_HEADER_BYTES, payload.data, payload.size);
        memset(record + RECORD_HEADER_BYTES + payload.size, 0, padded - payload.size);
        store_le32(record + RECORD_AT_CRC,
                   crc32c(0, record + RECORD_AT_FLAGS, RECORD_HEADER_BYTES + padded - RECORD_AT_FLAGS));
        builder->size = end;
        builder->count++;
        builder->last_at = received_at;
        return 0;
}

void batch_builder_end(BatchBuilder *builder, uint32_t key, uint64_t first_seq, Sha256 *sha,
                       uint8_t chain[SEGMENT_CHAIN_BYTES], size_t *ret_bytes) {
        size_t bytes = (size_t)round_up(builder->size, BATCH_ALIGN), offset = BATCH_HEADER_BYTES;
        BatchHeader header = {
                .kind = BATCH_RECORDS,
                .count = builder->count,
                .bytes = bytes,
                .first_seq = first_seq,
                .last_at = builder->last_at,
        };

        memcpy(header.chain, chain, sizeof(header.chain));
        batch_header_encode(&header, key, builder->data);
        memset(builder->data + builder->size, 0, bytes - builder->size);
        sha256_add(sha, builder->data + BATCH_AT_KIND, BATCH_HEADER_BYTES - BATCH_AT_KIND);
        for (uint32_t i = 0; i < builder->count; i++) {
                const uint8_t *record = builder->data + offset;

                sha256_add(sha, record + RECORD_AT_LENGTH, RECORD_HEADER_BYTES - RECORD_AT_LENGTH);
                offset += RECORD_HEADER_BYTES + (size_t)round_up(load_le32(record + RECORD_AT_LENGTH), RECORD_ALIGN);
        }
        sha256_end(sha, chain);
        *ret_bytes = bytes;
}

void batch_close_encode(uint32_t key, uint64_t next_seq, int64_t last_at, const uint8_t chain[SEGMENT_CHAIN_BYTES],
                        uint8_t ret[BATCH_CLOSE_BYTES]) {
        BatchHeader header = {
                .kind = BATCH_CLOSE,
                .bytes = BATCH_CLOSE_BYTES,
                .first_seq = next_seq,
                .last_at = last_at,
        };

        memcpy(header.chain, chain, sizeof(header.chain));
        memset(ret, 0, BATCH_CLOSE_BYTES);
        batch_header_encode(&header, key, ret);
}
