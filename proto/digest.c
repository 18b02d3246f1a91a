#include "proto/digest.h"

#include <string.h>

#include "base/sha256.h"

void digest_sum_add(DigestSum *sum, const uint8_t digest[DIGEST_SUM_SIZE]) {
        unsigned carry = 0;

        for (size_t i = 0; i < DIGEST_SUM_SIZE; i++) {
                carry += (unsigned)sum->bytes[i] + digest[i];
                sum->bytes[i] = (uint8_t)carry;
                carry >>= 8;
        }
}

void digest_sum_subtract(DigestSum *sum, const uint8_t digest[DIGEST_SUM_SIZE]) {
        unsigned borrow = 0;

        for (size_t i = 0; i < DIGEST_SUM_SIZE; i++) {
                unsigned taken = digest[i] + borrow;
                borrow = sum->bytes[i] < taken;
                sum->bytes[i] = (uint8_t)(sum->bytes[i] - taken);
        }
}

void digest_of_record(Bytes record, uint8_t ret[DIGEST_SUM_SIZE]) {
        sha256(record.data, record.size, ret);
}

unsigned digest_bucket(const char *patient_id) {
        uint8_t hash[SHA256_SIZE];

        sha256(patient_id, strlen(patient_id), hash);
        return hash[0];
}
