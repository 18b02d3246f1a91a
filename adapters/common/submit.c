#include "adapters/common/submit.h"

#include <errno.h>

/* What the bus takes in one submission. */
#define EVENTS_MAX 1024

static int pack_events(const Reading *reading, Arena *arena, carebus_event **ret) {
        carebus_event *events = arena_alloc(arena, (reading->n_events + 1) * sizeof(*events));
        Bytes *packed;
        int r = events ? reading_pack(reading, arena, &packed) : -ENOMEM;

        if (r < 0)
                return r;
        for (size_t i = 0; i < reading->n_events; i++)
                events[i] = (carebus_event){ .data = packed[i].data, .size = packed[i].size };
        *ret = events;
        return 0;
}

/* All events or none: half a message is worse than one that waits for a person. */
static int submit_without_events(carebus_source *bus, carebus_submission *submission, const char *problem,
                                 void *cookie) {
        submission->n_events = 0;
        submission->problem_code = problem;
        submission->problem_position = NULL;
        submission->problem_urgent = true;
        return carebus_source_submit(bus, submission, cookie);
}

int submit_reading(carebus_source *bus, const Reading *reading, const SubmitOptions *options, Arena *arena) {
        carebus_submission submission = {
                .message_id = reading->message_id,
                .message_time = reading->message_time,
                .message_time_text = reading->message_time_text,
                .media_type = reading->media_type,
                .trigger = reading->trigger,
                .original = reading->original.data,
                .original_size = reading->original.size,
                .problem_code = reading->problem_code,
                .problem_position = reading->problem_position,
                .problem_urgent = reading->problem_urgent,
                .retranslates = options->retranslates,
                .history = options->history,
        };
        carebus_event *events;
        int r;

        if (reading->n_events > EVENTS_MAX)
                return submit_without_events(bus, &submission, "too-many-events", options->cookie);
        r = pack_events(reading, arena, &events);
        if (r == 0) {
                submission.events = events;
                submission.n_events = reading->n_events;
                r = carebus_source_submit(bus, &submission, options->cookie);
        }
        if ((r == -EMSGSIZE || r == -ENOMEM) && reading->n_events > 0)
                r = submit_without_events(bus, &submission, "too-large", options->cookie);
        return r;
}

void submit_fields(carebus_source *bus, const Reading *reading) {
        static const carebus_field_use uses[_FIELD_USE_MAX] = {
                [FIELD_MAPPED] = CAREBUS_FIELD_MAPPED,
                [FIELD_IGNORED] = CAREBUS_FIELD_IGNORED,
                [FIELD_UNKNOWN] = CAREBUS_FIELD_UNKNOWN,
        };

        for (size_t i = 0; i < reading->n_fields; i++)
                (void)carebus_source_cover(bus, reading->fields[i].path, uses[reading->fields[i].use]);
}
