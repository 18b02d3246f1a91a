/*
 * FHIR: whatever comes in, what goes out passes the bus's own validator, is the same a second time, and where nothing goes out
 * somebody says why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/fhir/translate.h"
#include "proto/types.h"
#include "proto/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FhirTranslator *translator;

static void open_translator(void) {
        static Profile *profile;
        ReadingOptions options = { .source = "fuzz", .timezone = "Europe/London", .want_fields = true };

        if (profile_new_default(&profile) < 0)
                abort();
        options.profile = profile;
        if (fhir_translator_new(&translator, &options, NULL) != 0)
                abort();
}

static void check_event(const Carebus__V1__Event *event, Buffer *ret) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        size_t size = protobuf_c_message_get_packed_size(&event->base);
        uint8_t *data = malloc(size + 1);
        Carebus__V1__Event *read;
        ValidateError error;
        Arena *arena;

        if (!data || arena_new(&arena, 64 << 20) < 0)
                abort();
        protobuf_c_message_pack(&event->base, data);
        if (validate_event(bytes_of(data, size), &limits, arena, &read, &error) != 0)
                abort();
        buffer_append(ret, data, size);
        arena_free(arena);
        free(data);
}

static void check_reading(const Reading *reading) {
        if (reading->problem_code && !reason_is_valid(reading->problem_code))
                abort();
        if (!reading->problem_code && !reading->ignored && reading->n_events == 0)
                abort(); /* silently dropped */
        for (size_t i = 0; i < reading->n_events; i++) {
                const EventType *type = event_type_find(reading->events[i]->type);

                /* Beside a problem as without one: nothing of a person goes out that names nobody. */
                if (type && type->section &&
                    (!reading->events[i]->patient || reading->events[i]->patient->n_identifiers == 0))
                        abort();
        }
        if (reading->message_id && strlen(reading->message_id) > 200)
                abort();
}

static size_t run(Bytes message, Buffer *ret) {
        FhirResult result;

        if (fhir_translate(translator, message, NULL, &result) < 0)
                abort();
        check_reading(&result.reading);
        if (result.reading.problem_code && result.n_issues == 0)
                abort(); /* nobody is told why */
        for (size_t i = 0; i < result.reading.n_events; i++)
                check_event(result.reading.events[i], ret);
        for (size_t i = 0; i < result.reading.n_fields; i++) {
                buffer_append_text(ret, result.reading.fields[i].path);
                buffer_append_byte(ret, (uint8_t)result.reading.fields[i].use);
        }
        for (size_t i = 0; i < result.n_issues; i++)
                buffer_append_text(ret, result.issues[i].path ?: "-");
        return result.reading.n_events;
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
