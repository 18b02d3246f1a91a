/*
 * FHIR, written: any event that the bus takes is refused with a reason, or becomes a resource that is JSON, that this adapter's own
 * reader takes for one event, and of which nothing that was said is lost.
 */
#include <stdint.h>
#include <stdlib.h>

#include "adapters/fhir/json-write.h"
#include "adapters/fhir/said.h"
#include "adapters/fhir/translate.h"
#include "adapters/fhir/write.h"
#include "proto/types.h"
#include "proto/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FhirWriter *writer;
static FhirTranslator *reader;
static Arena *arena, *scratch;

static void open_all(void) {
        static Profile *profile;
        const FhirWriterOptions options = { .bus = "fuzz", .timezone = "Europe/London" };
        ReadingOptions reading = { .source = "fuzz", .timezone = "Europe/London" };

        if (fhir_writer_new(&writer, &options) != 0 || profile_new_default(&profile) < 0 ||
            arena_new(&arena, 64 << 20) < 0 || arena_new(&scratch, 64 << 20) < 0)
                abort();
        reading.profile = profile;
        if (fhir_translator_new(&reader, &reading, NULL) != 0)
                abort();
}

static void check(const Carebus__V1__Event *event, const FhirWritten *written) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        SaidPart *parts;
        FhirResult result;
        size_t n;

        buffer_append_format(&out,
                             "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"fullUrl\":\"https://x/"
                             "%s/%s\",\"resource\":",
                             written->type, written->id);
        json_write(&out, written->node, NULL);
        if (written->provenance) {
                buffer_append_format(
                        &out, "},{\"fullUrl\":\"https://x/Provenance/%s\",\"resource\":", written->provenance_id);
                json_write(&out, written->provenance, NULL);
        }
        buffer_append_text(&out, "}]}");
        if (out.error)
                return;
        if (fhir_translate(reader, buffer_bytes(&out), NULL, &result) != 0)
                abort();
        if (result.is_refused)
                abort(); /* the frame does not stand */
        if (result.reading.n_events != 1)
                return; /* who is named by nothing, or no room */
        arena_reset(scratch);
        if (said_differences(event, result.reading.events[0], scratch, &parts, &n) == 0 && n > 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        Carebus__V1__Event *event;
        ValidateError error;
        FhirWritten written;

        if (!writer)
                open_all();
        arena_reset(arena);
        fhir_writer_reset(writer);
        if (validate_event(bytes_of(data, size), &limits, arena, &event, &error) != 0 ||
            !event_type_find(event->type) || event_type_find(event->type)->body != event->body_case)
                return 0;
        if (fhir_write_event(writer, event, &written) == 0 && event->patient && event->patient->patient_id)
                check(event, &written);
        return 0;
}
