/* What an operator is answered. */
#include "fuzz-proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        const Carebus__V1__Reply *message;
        ValidateError error;

        fuzz_wire(&carebus__v1__reply__descriptor, data, size);
        if (validate_reply(bytes_of(data, size), &limits, fuzz_arena(), &message, &error) == 0)
                free(json_line(&message->base));
        return 0;
}
