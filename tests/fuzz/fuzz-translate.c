/*
 * Translation: whatever comes in, what goes out passes the bus's own validator, and is the same a second time.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/mllp/translate.h"
#include "proto/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Translator *translator;

static void open_translator(void) {
        static Profile *profile;
        TranslateOptions options = { .source = "fuzz", .timezone = "Europe/London", .want_fields = true };

        if (profile_new_default(&profile) < 0)
                abort();
        options.profile = profile;
        if (translator_new(&translator, &options) != 0)
                abort();
}

static void check_result(const TranslateResult *result) {
        if (result->problem_code && !reason_is_valid(result->problem_code))
                abort();
        if (!result->problem_code && !result->ignored && result->n_events == 0)
                abort(); /* silently dropped */
        if (result->message_id && strlen(result->message_id) > TRANSLATE_MESSAGE_ID_MAX)
                abort();
}

static void check_event(Bytes packed) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        Carebus__V1__Event *event;
        ValidateError error;
        Arena *arena;

        if (arena_new(&arena, 64 << 20) < 0)
                abort();
        if (validate_event(packed, &limits, arena, &event, &error) != 0)
                abort();
        arena_free(arena);
}

/* Our packing is that of protobuf-c. */
static void check_packing(const ProtobufCMessage *event, Bytes packed) {
        size_t size = protobuf_c_message_get_packed_size(event);
        uint8_t *data = malloc(size + 1);

        if (!data || protobuf_c_message_pack(event, data) != packed.size || memcmp(data, packed.data, packed.size) != 0)
                abort();
        free(data);
}

static size_t run(Bytes message, Buffer *ret) {
        TranslateResult result;
        Reading reading;
        Bytes *packed;

        if (translate_message(translator, message, &result) < 0)
                abort();
        check_result(&result);
        if (translate_reading(translator, &result, message, &reading) < 0 ||
            reading_pack(&reading, translator_arena(translator), &packed) < 0)
                abort();
        for (size_t i = 0; i < result.n_events; i++) {
                check_event(packed[i]);
                check_packing(&result.events[i]->base, packed[i]);
                buffer_append_bytes(ret, packed[i]);
        }
        for (size_t i = 0; i < reading.n_fields; i++) {
                buffer_append_text(ret, reading.fields[i].path);
                buffer_append_byte(ret, (uint8_t)reading.fields[i].use);
        }
        return result.n_events;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Buffer once = BUFFER_NULL, again = BUFFER_NULL;

        if (!translator)
                open_translator();
        if (run(bytes_of(data, size), &once) != run(bytes_of(data, size), &again) ||
            !bytes_equal(buffer_bytes(&once), buffer_bytes(&again)))
                abort();
        buffer_deinit(&once);
        buffer_deinit(&again);
        return 0;
}
