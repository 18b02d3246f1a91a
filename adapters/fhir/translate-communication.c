/* Communication: somebody told somebody something: a contact, and what was enclosed as documents. */
#include <string.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/text.h"

static const ClinicalStatus statuses[] = {
        { "preparation", "planned", NULL },
        { "in-progress", "done", NULL },
        { "on-hold", "planned", NULL },
        { "not-done", "missed", NULL },
        { "stopped", "cancelled", NULL },
        { "completed", "done", NULL },
        { "entered-in-error", "cancelled", NULL },
        { NULL, NULL, NULL },
};

static void participant_add(Fhir *f, const FhirResource *resource, JsonNode *actor, const char *role,
                            Carebus__V1__Contact *contact) {
        Carebus__V1__Participant *participant = draft_message(&f->draft, &carebus__v1__participant__descriptor);
        if (!participant)
                return;
        participant->role = (char *)role;
        participant->practitioner = clinical_professional(f, resource, actor);
        if (participant->practitioner)
                draft_append(&f->draft, &contact->n_participants, &contact->participants, participant);
}

static void sender_read(Fhir *f, const FhirResource *resource, JsonNode *sender, Carebus__V1__Contact *contact) {
        const char *type = fhir_reference_type(f, resource, sender);
        if (!sender)
                return;
        if (text_equal(type, "RelatedPerson"))
                contact->caller = fhir_reference_person(f, resource, sender);
        if (clinical_is_person(type)) {
                contact->caller_role = clinical_own_coded(f, "http://hl7.org/fhir/resource-types", type, NULL);
                return;
        }
        if (clinical_is_service(type) || !type)
                contact->by = fhir_reference_service(f, resource, sender);
        participant_add(f, resource, sender, "sender", contact);
}

static void payload_read(Fhir *f, const FhirResource *resource, JsonNode *payload, Carebus__V1__Contact *contact) {
        JsonNode *content = fhir_choice(payload, "content");
        if (!content)
                return;
        if (clinical_says(content->name, "Attachment")) {
                (void)clinical_attachment(f, resource, content, NULL);
                contact->summary = clinical_join(f, contact->summary, fhir_member_text(f, content, "title"));
        } else
                contact->summary = clinical_join(f, contact->summary, clinical_words(f, content));
}

static void contact_read(Fhir *f, const FhirResource *resource, Carebus__V1__Contact *contact) {
        JsonNode *node = resource->node;
        contact->identifier = fhir_own_identifier(f, resource);
        contact->status = (char *)clinical_status(statuses, json_text(node, "status"))->status;
        fhir_member_text(f, node, "status");
        contact->start_at = fhir_member_when(f, node, "sent");
        contact->end_at = fhir_member_when(f, node, "received");
        contact->mode = clinical_first_coded(f, json_member(node, "medium"));
        contact->consultation_type = clinical_first_coded(f, json_member(node, "category"));
        contact->urgency = fhir_code(f, json_member(node, "priority"), "http://hl7.org/fhir/request-priority");
        contact->missed_reason = fhir_coded(f, json_member(node, "statusReason"));
        contact->purpose = fhir_coded(f, json_member(node, "topic"))
                                   ?: clinical_first_coded(f, json_member(node, "reasonCode"));
        contact->kind = clinical_own_coded(f, "http://hl7.org/fhir/resource-types", "Communication", "Communication");
        sender_read(f, resource, json_member(node, "sender"), contact);
        JSON_EACH(recipient, json_member(node, "recipient")) {
                const char *type = fhir_reference_type(f, resource, recipient);
                if (clinical_is_person(type))
                        draft_append(&f->draft, &contact->n_with_whom, &contact->with_whom,
                                     clinical_own_coded(f, "http://hl7.org/fhir/resource-types", type, NULL));
                else
                        participant_add(f, resource, recipient, "recipient", contact);
        }
        JSON_EACH(payload, json_member(node, "payload"))
                payload_read(f, resource, payload, contact);
        contact->summary = clinical_join(f, contact->summary, fhir_annotations(f, json_member(node, "note")));
}

void fhir_communication(Fhir *f, const FhirResource *resource) {
        Carebus__V1__Event *event = fhir_event(f, resource, "contact.recorded", CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__Contact *contact = event ? draft_message(&f->draft, &carebus__v1__contact__descriptor) : NULL;
        if (!contact)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_CONTACT;
        event->contact = contact;
        contact_read(f, resource, contact);
        event->occurred_at = contact->start_at ?: contact->end_at ?: event->occurred_at;
}
