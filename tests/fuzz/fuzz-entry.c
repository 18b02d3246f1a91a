/* What the journal gives back from a disk. */
#include "fuzz-proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        Carebus__V1__Entry *message;
        ValidateError error;

        fuzz_wire(&carebus__v1__entry__descriptor, data, size);
        if (validate_entry(bytes_of(data, size), &limits, fuzz_arena(), &message, &error) == 0)
                free(json_line(&message->base));
        return 0;
}
