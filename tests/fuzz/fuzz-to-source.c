/* What the bus answers to an adapter. */
#include "fuzz-proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        const Carebus__V1__ToSource *message;
        ValidateError error;

        fuzz_wire(&carebus__v1__to_source__descriptor, data, size);
        if (validate_to_source(bytes_of(data, size), &limits, fuzz_arena(), &message, &error) == 0)
                free(json_line(&message->base));
        return 0;
}
