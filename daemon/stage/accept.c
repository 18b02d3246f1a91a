/* accept: bytes off the socket become a checked Submission. What is not one is refused for good, and told why. */
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/stage/intake-parts.h"

/* Whether what could not be used may have concerned something that somebody must look at first. */
static bool event_is_urgent(const Carebus__V1__Event *event) {
        static const char *const families[] = { "decision.",        "death.",           "allergy.",
                                                "patient.merged",   "patient.unmerged", "patient.linked",
                                                "patient.unlinked", "patient.moved" };

        switch (event->body_case) {
        case CAREBUS__V1__EVENT__BODY_DECISION:
        case CAREBUS__V1__EVENT__BODY_DEATH:
        case CAREBUS__V1__EVENT__BODY_ALLERGY:
        case CAREBUS__V1__EVENT__BODY_MERGE:
                return true;
        default:
                break;
        }
        for (size_t i = 0; event->type && i < ELEMENTSOF(families); i++)
                if (text_starts_with(event->type, families[i]))
                        return true;
        return false;
}

/* Well said, but of no use: it is kept and waits for a person. Its events go no further, since reading the original again is
 * the only way to better ones. */
static int accept_problem(Intake *intake, Item *item, const ValidateError *error) {
        Carebus__V1__Submission *submission = item->submission;
        Carebus__V1__Problem *problem = arena_alloc(intake->arena, sizeof(*problem));

        if (!problem)
                return -ENOMEM;
        carebus__v1__problem__init(problem);
        problem->code = arena_format(intake->arena, "%s", validate_reason(error));
        problem->position = arena_format(intake->arena, "%s", error->path);
        if (!problem->code || !problem->position)
                return -ENOMEM;
        problem->has_urgent = true;
        for (size_t i = 0; i < submission->n_events; i++)
                problem->urgent |= event_is_urgent(submission->events[i]);
        submission->n_events = 0;
        /* The adapter's own word goes first: it read the original. */
        item->problem = submission->problem ? submission->problem : problem;
        return 0;
}

int stage_accept(Intake *intake, Item *item) {
        const ConfigSource *source = &intake->snapshot->config->sources[item->session->source->index];
        ValidateError error = VALIDATE_ERROR_NULL;
        char detail[VALIDATE_DETAIL_SIZE];
        int r;

        r = validate_submission(item->bytes, &intake->limits, intake->arena, &item->submission, &error);
        if (r < 0)
                return r;
        if (r > 0 && !validate_is_storable(r)) {
                validate_detail(&error, detail);
                return item_refuse(intake, item, validate_reason(&error), detail);
        }
        if (source->max_message_bytes > 0 && item->submission->original.len > source->max_message_bytes) {
                snprintf(detail, sizeof(detail),
                         "original: %zu bytes, the limit of this source is %zu (max_message_bytes)",
                         item->submission->original.len, source->max_message_bytes);
                return item_refuse(intake, item, "too-large", detail);
        }
        item->problem = item->submission->problem;
        return r > 0 ? accept_problem(intake, item, &error) : 0;
}
