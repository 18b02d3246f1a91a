/* What a reader says to the bus. */
#include "fuzz-proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const Carebus__V1__FromReader *message;
        ValidateError error;

        fuzz_wire(&carebus__v1__from_reader__descriptor, data, size);
        if (validate_from_reader(bytes_of(data, size), fuzz_arena(), &message, &error) == 0)
                free(json_line(&message->base));
        return 0;
}
