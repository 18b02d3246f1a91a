/*
 * EpisodeOfCare: since when somebody is under a service, and until when.
 */
#include <string.h>

#include "adapters/fhir/translate-rules.h"
#include "base/text.h"

static const struct {
        const char *said, *type, *status;
} episode_rows[] = {
        { "planned", "episode.opened", "open" },
        { "waitlist", "episode.opened", "open" },
        { "active", "episode.opened", "open" },
        { "onhold", "episode.opened", "on-hold" },
        { "finished", "episode.closed", "closed" },
        { "cancelled", "episode.closed", "closed" },
        { "entered-in-error", "episode.opened", "closed" },
};

static void episode_read(Fhir *f, const FhirResource *resource, Carebus__V1__Episode *episode) {
        JsonNode *node = resource->node, *period = json_member(node, "period"), *diagnosis;

        episode->identifier = fhir_own_identifier(f, resource);
        episode->original_status = fhir_code(f, json_member(node, "status"),
                                             "http://hl7.org/fhir/episode-of-care-status");
        episode->type = fhir_coded(f, json_element(json_member(node, "type"), 0));
        episode->opened_at = fhir_member_when(f, period, "start");
        episode->closed_at = fhir_member_when(f, period, "end");
        episode->manager = fhir_reference_practitioner(f, resource, json_member(node, "careManager"));
        episode->service = fhir_reference_service(
                f, resource, json_element(json_member(node, "team"), 0) ?: json_member(node, "managingOrganization"));
        if (episode->service && !episode->service->organisation)
                episode->service->organisation = fhir_reference_organisation(f, resource,
                                                                             json_member(node, "managingOrganization"));
        episode->referral = fhir_reference_identifier(f, resource,
                                                      json_element(json_member(node, "referralRequest"), 0));
        diagnosis = json_member(json_element(json_member(node, "diagnosis"), 0), "condition");
        if (diagnosis) {
                const FhirResource *condition = fhir_resolve(f, resource, diagnosis);

                episode->primary_condition = condition ? fhir_coded(f, json_member(condition->node, "code"))
                                                       : draft_coded(&f->draft, NULL, NULL, NULL,
                                                                     fhir_member_text(f, diagnosis, "display"));
        }
        json_note_read(json_peek(node, "statusHistory"));
        json_note_read(json_peek(node, "account"));
}

void fhir_episode_of_care(Fhir *f, const FhirResource *resource) {
        Carebus__V1__Episode *episode = draft_message(&f->draft, &carebus__v1__episode__descriptor);
        const char *status = resource->is_deleted ? "entered-in-error" : json_said(resource->node, "status");
        Carebus__V1__Event *event;
        bool is_closed;
        size_t row = 0;

        if (!episode)
                return;
        episode_read(f, resource, episode);
        while (row < ELEMENTSOF(episode_rows) - 1 && !text_equal(status, episode_rows[row].said))
                row++;
        if (!text_equal(status, episode_rows[row].said)) /* not said: a period that ended says it */
                row = episode->closed_at ? 4 : 2;
        is_closed = strcmp(episode_rows[row].type, "episode.closed") == 0;
        episode->status = (char *)episode_rows[row].status;
        event = fhir_event(f, resource, episode_rows[row].type,
                           is_closed ? CAREBUS__V1__ACTION__ACTION_UPDATE : CAREBUS__V1__ACTION__ACTION_NEW);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_EPISODE;
        event->episode = episode;
        event->episode_id = episode->identifier;
        event->referral_id = episode->referral;
        fhir_set_time(f, event, is_closed ? episode->closed_at : episode->opened_at);
}
