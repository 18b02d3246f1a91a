/* What an operator asks of the bus. */
#include "fuzz-proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const Carebus__V1__Request *message;
        ValidateError error;

        fuzz_wire(&carebus__v1__request__descriptor, data, size);
        if (validate_request(bytes_of(data, size), fuzz_arena(), &message, &error) == 0)
                free(json_line(&message->base));
        return 0;
}
