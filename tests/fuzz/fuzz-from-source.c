/* What an adapter sends to the bus. */
#include "fuzz-proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        Bytes submission;
        FromSource message;
        ValidateError error;
        uint64_t number;
        size_t offset = 0;

        fuzz_wire(&carebus__v1__from_source__descriptor, data, size);
        if (validate_from_source(bytes_of(data, size), &limits, fuzz_arena(), &message, &error) != 0)
                return 0;
        if (message.what != CAREBUS__V1__FROM_SOURCE__MESSAGE_SUBMIT)
                return 0;
        for (size_t n = 0; n < message.n_submissions; n++) {
                Carebus__V1__Submission *read;
                char detail[VALIDATE_DETAIL_SIZE];
                int r;

                if (!submit_next(message.submit, &offset, &submission, &number))
                        abort();
                r = validate_submission(submission, &limits, fuzz_arena(), &read, &error);
                if (r < 0)
                        abort();
                if (r > 0)
                        validate_detail(&error, detail);
                if (r == 0 || validate_is_storable(r)) {
                        if (read->number != number)
                                abort();
                        free(json_line(&read->base));
                }
        }
        if (submit_next(message.submit, &offset, &submission, &number))
                abort();
        return 0;
}
