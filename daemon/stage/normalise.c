/*
 * normalise: each event in the bus's own terms, by canon/. What was said always stays. What only the bus may say of an event
 * is taken out: it follows from the entry's place and from the fold.
 */
#include "base/error.h"
#include "base/text.h"
#include "canon/matching.h"
#include "daemon/stage/intake-parts.h"

static void event_take_out(Carebus__V1__Event *event) {
        event->event_id = NULL;
        event->has_received_at = false;
        event->source = NULL;
        event->has_belated = false;
        event->has_confirms = false;
        event->has_loaded = false;
        event->team = NULL;
        if (event->patient)
                event->patient->patient_id = NULL;
        if (event->body_case == CAREBUS__V1__EVENT__BODY_MERGE && event->merge) {
                Carebus__V1__Merge *merge = event->merge;
                merge->surviving_patient_id = NULL;
                merge->n_retired_patient_ids = 0;
                merge->n_moved = 0;
                merge->has_disputed = false;
                merge->dispute = NULL;
        }
}

/* A source that gives its messages no ids is known by their bytes. */
static int name_message(Intake *intake, Item *item) {
        Carebus__V1__Submission *submission = item->submission;
        char hex[2 * SHA256_SIZE + 1];

        sha256(submission->original.data, submission->original.len, item->sha256);
        if (submission->message_id || submission->has_retranslates)
                return 0;
        hex_encode(item->sha256, SHA256_SIZE, hex);
        submission->message_id = arena_format(intake->arena, "sha256:%s", hex);
        return submission->message_id ? 0 : -ENOMEM;
}

typedef struct Misses {
        Intake *intake;
        SourcePeer *source;
        int error;
} Misses;

static void on_map_missed(void *owner, const char *path, const char *code) {
        Misses *misses = owner;
        int r = fields_take_miss(misses->intake, misses->source, path, code);

        if (r < 0)
                misses->error = r;
}

int stage_normalise(Intake *intake, Item *item) {
        const CanonRules *rules = &intake->snapshot->rules[item->session->source->index];
        Carebus__V1__Submission *submission = item->submission;
        Misses misses = { .intake = intake, .source = item->session->source };
        CanonCounts counts = { .map_missed = on_map_missed, .owner = &misses };

        for (size_t i = 0; i < submission->n_events; i++) {
                int r;

                event_take_out(submission->events[i]);
                r = canon_normalise(submission->events[i], rules, intake->arena, &counts);
                if (r < 0)
                        return r;
        }
        if (misses.error < 0)
                return misses.error;
        item->message_at = submission->message_time && submission->message_time->has_utc_at
                                   ? submission->message_time->utc_at
                                   : INT64_MIN;
        return name_message(intake, item);
}

int normalise_matching(Intake *intake, Item *item) {
        const Carebus__V1__Submission *submission = item->submission;

        for (uint32_t i = 0; i < submission->n_events; i++) {
                Carebus__V1__EventMatching *of_event;
                Carebus__V1__Matching *matching;
                int r;

                r = matching_of_event(submission->events[i], intake->arena, &matching);
                if (r < 0)
                        return r;
                if (!matching)
                        continue;
                if (!item->matching)
                        item->matching = arena_alloc(intake->arena, submission->n_events * sizeof(*item->matching));
                of_event = arena_alloc(intake->arena, sizeof(*of_event));
                if (!item->matching || !of_event)
                        return -ENOMEM;
                carebus__v1__event_matching__init(of_event);
                of_event->has_index = true;
                of_event->index = i;
                of_event->matching = matching;
                item->matching[item->n_matching++] = of_event;
        }
        return 0;
}
