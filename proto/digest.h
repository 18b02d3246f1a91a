#pragma once
/* Sums of digests: see carebus/v1/feed.proto, SnapshotEnd. The bus and libcarebus count alike. Any thread. */
#include <stdint.h>

#include "base/bytes.h"

#define DIGEST_SUM_SIZE 32
#define DIGEST_BUCKETS 256

typedef struct DigestSum {
        uint8_t bytes[DIGEST_SUM_SIZE]; /* little-endian */
} DigestSum;

void digest_sum_add(DigestSum *sum, const uint8_t digest[DIGEST_SUM_SIZE]);
void digest_sum_subtract(DigestSum *sum, const uint8_t digest[DIGEST_SUM_SIZE]);
/* SHA-256 over the bytes of a record as a Delivery has them. */
void digest_of_record(Bytes record, uint8_t ret[DIGEST_SUM_SIZE]);
/* First byte of SHA-256 over the patient id. */
unsigned digest_bucket(const char *patient_id);
