#include "adapters/fhir/write-run.h"

#include <stdio.h>
#include <string.h>

#include "adapters/common/input.h"
#include "adapters/fhir/json-write.h"
#include "adapters/fhir/translate.h"
#include "adapters/fhir/write.h"
#include "base/error.h"
#include "base/text.h"

#define FILE_MAX_ (1UL << 30)

typedef struct Run {
        FhirWriter *writer;
        size_t n, n_refused;
} Run;

static int print(const JsonNode *node) {
        _cleanup_(buffer_deinit) Buffer line = BUFFER_NULL;

        json_write(&line, node, NULL);
        buffer_append_byte(&line, '\n');
        if (line.error)
                return line.error;
        return fwrite(line.data, 1, line.size, stdout) == line.size ? 0 : -1;
}

static int on_reading(void *owner, const Reading *reading) {
        Run *run = owner;
        int r = 0;

        for (size_t i = 0; i < reading->n_events && r == 0; i++) {
                char id[32];
                FhirWritten written;

                fhir_writer_reset(run->writer);
                snprintf(id, sizeof(id), "%zu.%zu", run->n++, i);
                reading->events[i]->event_id = id;
                r = fhir_write_event(run->writer, reading->events[i], &written);
                if (r > 0) {
                        run->n_refused++;
                        r = 0;
                        continue;
                }
                if (r == 0)
                        r = print(written.node);
                if (r == 0 && written.provenance)
                        r = print(written.provenance);
        }
        return r;
}

int write_run(const char *program, const char *path) {
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        const FhirWriterOptions options = { .bus = "bus", .timezone = "Europe/London" };
        ReadingOptions reading = { .source = "source", .timezone = options.timezone };
        Profile *profile = NULL;
        void *reader = NULL;
        Run run = { 0 };
        int r = input_read(program, path, FILE_MAX_, &file);

        if (r != EXIT_DONE)
                return r;
        r = profile_new_default(&profile);
        reading.profile = profile;
        if (r == 0)
                r = fhir_writer_new(&run.writer, &options);
        if (r == 0)
                r = fhir_reader.open(&reading, &reader);
        if (r == 0)
                r = fhir_reader.read(reader, path, buffer_bytes(&file), on_reading, &run);
        if (r == 0 && run.n_refused > 0)
                error_print(program, "%zu of %zu cannot be written as FHIR", run.n_refused, run.n);
        if (r < 0)
                error_print(program, "stopped: %s", strerror(-r));
        if (reader)
                fhir_reader.close(reader);
        fhir_writer_free(run.writer);
        profile_free(profile);
        return r < 0 || fflush(stdout) == EOF    ? EXIT_SOFTWARE
               : run.n == 0 || run.n_refused > 0 ? EXIT_BAD_INPUT
                                                 : EXIT_DONE;
}
