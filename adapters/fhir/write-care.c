/* What is asked of others, booked, said and done: ServiceRequest, Appointment, Encounter and Communication, CarePlan, Consent. */
#include <string.h>

#include "adapters/fhir/write-rules.h"
#include "base/text.h"
#include "canon/vocabulary.h"

#define ROW(field, element, type) \
        { field, element, (WriteValue)write_##type, NULL }
#define PLAIN(field, element) \
        { field, element, NULL, NULL }
#define UK(field, name) \
        { field, "valueCodeableConcept", (WriteValue)write_coded, UK_EXTENSION name }

static bool is_in_error(const Writer *w) {
        return w->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
}

static const char *words_of(const Carebus__V1__Coded *coded) {
        if (!coded)
                return NULL;
        return coded->text                                        ?: coded->display
                ?: coded->code ? coded->code
               : coded->original ? coded->original->display ?: coded->original->code
                                 : NULL;
}

/* routine, urgent, asap, stat; anything else has no place there. */
static const char *priority_of(const Carebus__V1__Coded *priority, bool is_urgent) {
        static const WriteWord words[] = { { "routine", "routine" }, { "urgent", "urgent" }, { "asap", "asap" },
                                           { "stat", "stat" },       { "R", "routine" },     { "U", "urgent" },
                                           { "A", "asap" },          { "S", "stat" },        { NULL, NULL } };
        const char *code = !priority            ? NULL
                           : priority->code     ? priority->code
                           : priority->original ? priority->original->code
                                                : NULL;

        const char *word = write_word(words, code);

        return word ? word : is_urgent ? "urgent" : NULL;
}

/* ---- referrals, orders */

static const WriteWord request_words[] = {
        { "cancelled", "revoked" },   { "declined", "revoked" }, { "closed", "completed" },
        { "completed", "completed" }, { "on-hold", "on-hold" },  { "entered-in-error", "entered-in-error" },
        { NULL, "active" },
};

static JsonNode *document_reference(Writer *w, const Carebus__V1__Identifier *identifier) {
        return write_reference(w, "DocumentReference", identifier, NULL);
}

static void put_conditions(Writer *w, const Carebus__V1__Referral *body, JsonNode *resource) {
        tree_put(w, resource, "reasonReference[]",
                 write_reference(w, "Condition", NULL, words_of(body->primary_condition)));
        for (size_t i = 0; i < body->n_conditions; i++)
                tree_put(w, resource, "reasonReference[]",
                         write_reference(w, "Condition", NULL, words_of(body->conditions[i])));
}

static void referral_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("further_identifiers", "identifier[]", identifier),
                ROW("category", "category[]", coded),
                ROW("type", "code", coded),
                ROW("requested_at", "authoredOn", when),
                ROW("reasons", "reasonCode[]", coded),
                { "documents", "supportingInfo[]", (WriteValue)document_reference, NULL },
                UK("source", "SourceOfServiceRequest"),
                ROW_END,
        };
        const Carebus__V1__Referral *body = message;

        tree_put_text(w, resource, "status",
                      is_in_error(w) ? "entered-in-error" : write_word(request_words, body->status));
        tree_put_text(w, resource, "intent", "order");
        write_rows(w, rows, &body->base, resource);
        tree_put_text(w, resource, "priority", priority_of(body->priority, body->has_urgent && body->urgent));
        tree_put(w, resource, "note[]", write_annotation(w, body->reason_text ?: body->question));
        tree_put(w, resource, "requester", write_service(w, body->from, "Organization"));
        tree_put(w, resource, "performer[]", write_service(w, body->to, "HealthcareService"));
        if (body->effective_at)
                tree_put(w, resource, "occurrencePeriod", write_span(w, body->effective_at, body->target_at));
        else
                tree_put(w, resource, "occurrenceDateTime", write_when(w, body->target_at));
        put_conditions(w, body, resource);
}

static void order_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("filler_identifier", "identifier[]", identifier),
                ROW("code", "code", coded),
                ROW("category", "category[]", coded),
                ROW("ordered_at", "authoredOn", when),
                ROW("start_at", "occurrenceDateTime", when),
                ROW("ordered_by", "requester", practitioner),
                ROW("reasons", "reasonCode[]", coded),
                ROW_END,
        };
        const Carebus__V1__Order *body = message;

        tree_put_text(w, resource, "status",
                      is_in_error(w) ? "entered-in-error" : write_word(request_words, body->status));
        tree_put_text(w, resource, "intent", "original-order");
        write_rows(w, rows, &body->base, resource);
        if (!body->code)
                tree_put_text(w, resource, "code.text", body->code_text ?: body->label);
        tree_put_text(w, resource, "priority", priority_of(body->priority, false));
        tree_put(w, resource, "note[]", write_annotation(w, body->clinical_text));
        tree_put(w, resource, "performer[]", write_service(w, body->performer, "HealthcareService"));
        tree_put(w, resource, "specimen[]", write_reference(w, "Specimen", NULL, words_of(body->specimen)));
}

/* ---- Appointment */

static void put_actor(Writer *w, JsonNode *actor, const char *role, const char *code, JsonNode *resource) {
        JsonNode *node = actor ? tree_object(w) : NULL;

        if (!node)
                return;
        if (code) {
                tree_put_text(w, node, "type[0].coding[0].system",
                              "http://terminology.hl7.org/CodeSystem/v3-ParticipationType");
                tree_put_text(w, node, "type[0].coding[0].code", code);
        } else
                tree_put_text(w, node, "type[0].text", role);
        tree_put(w, node, "actor", actor);
        tree_put_text(w, node, "status", "accepted");
        tree_put(w, resource, "participant[]", node);
}

static void appointment_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteWord words[] = { { "proposed", "proposed" },        { "booked", "booked" },
                                           { "arrived", "arrived" },          { "attended", "fulfilled" },
                                           { "did-not-attend", "noshow" },    { "cancelled", "cancelled" },
                                           { "deleted", "entered-in-error" }, { NULL, "booked" } };
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("placer_identifier", "identifier[]", identifier),
                ROW("start_at", "start", instant),
                ROW("end_at", "end", instant),
                PLAIN("minutes", "minutesDuration"),
                ROW("type", "appointmentType", coded),
                ROW("reason", "reasonCode[]", coded),
                ROW("specialty", "specialty[]", coded),
                ROW("cancellation_reason", "cancelationReason", coded),
                ROW("booked_at", "created", when),
                PLAIN("instructions", "patientInstruction"),
                UK("mode", "DeliveryChannel"),
                ROW_END,
        };
        const Carebus__V1__Appointment *body = message;

        tree_put_text(w, resource, "status", is_in_error(w) ? "entered-in-error" : write_word(words, body->status));
        write_rows(w, rows, &body->base, resource);
        put_actor(w, write_subject(w), NULL, NULL, resource);
        put_actor(w, write_place(w, body->place), NULL, NULL, resource);
        if (body->service)
                put_actor(w, write_service(w, body->service, "HealthcareService"), NULL, NULL, resource);
        for (size_t i = 0; i < body->n_participants; i++)
                put_actor(w, write_practitioner(w, body->participants[i]->practitioner), body->participants[i]->role,
                          text_equal(body->participants[i]->role, "attending") ? "ATND" : NULL, resource);
        if (body->service && body->service->practitioner && body->service->type)
                tree_put(w, resource, "serviceType[]", write_coded(w, body->service->type));
        tree_put(w, resource, "basedOn[]", write_reference(w, "ServiceRequest", w->event->referral_id, NULL));
}

/* ---- contacts and visits */

/* A visit or a call is an Encounter; what somebody told somebody is a Communication, where it came as one. */
static const char *contact_choose(const void *message, const Carebus__V1__Event *event) {
        const Carebus__V1__Contact *body = message;

        return text_equal(event->type, "contact.recorded") && body->kind &&
                               text_equal(body->kind->code, "Communication")
                       ? "Communication"
                       : "Encounter";
}

static void communication_write(Writer *w, const Carebus__V1__Contact *body, JsonNode *resource) {
        static const WriteWord words[] = { { "planned", "preparation" },
                                           { "done", "completed" },
                                           { "missed", "not-done" },
                                           { "cancelled", "stopped" },
                                           { NULL, "unknown" } };
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("start_at", "sent", when),
                ROW("end_at", "received", when),
                ROW("mode", "medium[]", coded),
                ROW("consultation_type", "category[]", coded),
                ROW("missed_reason", "statusReason", coded),
                ROW("purpose", "topic", coded),
                ROW_END,
        };

        tree_put_text(w, resource, "status", is_in_error(w) ? "entered-in-error" : write_word(words, body->status));
        write_rows(w, rows, &body->base, resource);
        tree_put_text(w, resource, "priority", priority_of(body->urgency, false));
        tree_put_text(w, resource, "payload[0].contentString", body->summary);
        if (body->caller)
                tree_put(w, resource, "sender", write_person(w, body->caller));
        else if (body->by)
                tree_put(w, resource, "sender", write_service(w, body->by, "HealthcareService"));
        for (size_t i = 0; i < body->n_participants; i++)
                if (text_equal(body->participants[i]->role, "recipient"))
                        tree_put(w, resource, "recipient[]",
                                 write_practitioner(w, body->participants[i]->practitioner));
                else if (!body->caller && !body->by && !json_peek(resource, "sender"))
                        tree_put(w, resource, "sender", write_practitioner(w, body->participants[i]->practitioner));
}

/* Where it was: at home, or by a line. */
static JsonNode *contact_class(Writer *w, const Carebus__V1__Contact *body) {
        bool is_visit = text_starts_with(w->event->type, "visit.");
        JsonNode *node;

        if (body->mode && text_equal(body->mode->system, SYSTEM_ACT_CODE))
                return write_coding(w, body->mode);
        node = tree_object(w);
        tree_put_text(w, node, "system", SYSTEM_ACT_CODE);
        tree_put_text(w, node, "code", is_visit ? "HH" : "VR");
        return node;
}

static void visit_write(Writer *w, const Carebus__V1__Contact *body, JsonNode *resource) {
        static const WriteWord words[] = { { "planned", "planned" },
                                           { "done", "finished" },
                                           { "missed", "cancelled" },
                                           { "cancelled", "cancelled" },
                                           { NULL, "unknown" } };
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("kind", "type[]", coded),
                ROW("purpose", "reasonCode[]", coded),
                ROW("urgency", "priority", coded),
                ROW("outcome", "hospitalization.dischargeDisposition", coded),
                ROW_END,
        };

        tree_put_text(w, resource, "status", is_in_error(w) ? "entered-in-error" : write_word(words, body->status));
        tree_put(w, resource, "class", contact_class(w, body));
        write_rows(w, rows, &body->base, resource);
        tree_put(w, resource, "period", write_span(w, body->start_at ?: body->planned_at, body->end_at));
        if (body->by) {
                tree_put(w, resource, "serviceProvider", write_organisation(w, body->by->organisation));
                tree_put(w, resource, "serviceType", write_coded(w, body->by->type));
        }
        for (size_t i = 0; i < body->n_participants; i++) {
                JsonNode *node = tree_object(w), *who = write_practitioner(w, body->participants[i]->practitioner);

                if (!node || !who)
                        continue;
                tree_put_text(w, node, "type[0].text", body->participants[i]->role);
                tree_put(w, node, "individual", who);
                tree_put(w, resource, "participant[]", node);
        }
        if (body->place)
                tree_put(w, resource, "location[0].location", write_place(w, body->place));
        tree_put(w, resource, "basedOn[]", write_reference(w, "ServiceRequest", w->event->referral_id, NULL));
}

static void contact_write(Writer *w, const void *message, JsonNode *resource) {
        if (strcmp(contact_choose(message, w->event), "Communication") == 0)
                communication_write(w, message, resource);
        else
                visit_write(w, message, resource);
}

/* ---- CarePlan */

static JsonNode *goal_write(Writer *w, const Carebus__V1__CarePlanItem *item) {
        static const WriteWord words[] = { { "planned", "accepted" }, { "in-progress", "active" },
                                           { "done", "completed" },   { "stopped", "cancelled" },
                                           { "on-hold", "on-hold" },  { "entered-in-error", "entered-in-error" },
                                           { NULL, "active" } };
        JsonNode *goal = tree_object(w), *reference = tree_object(w);
        char *id = arena_format(w->arena, "#c%u", ++w->n_contained);

        if (!goal || !reference || !id)
                return NULL;
        tree_put_text(w, goal, "resourceType", "Goal");
        tree_put_text(w, goal, "id", id + 1);
        tree_put(w, goal, "identifier[]", write_identifier(w, item->identifier));
        tree_put_text(w, goal, "lifecycleStatus", write_word(words, item->status));
        tree_put(w, goal, "achievementStatus", write_coded(w, item->outcome));
        tree_put(w, goal, "category[]", write_coded(w, item->domain));
        tree_put(w, goal, "priority", write_coded(w, item->priority));
        tree_put(w, goal, "description", write_coded(w, item->goal));
        if (!item->goal)
                tree_put_text(w, goal, "description.text", item->goal_text);
        tree_put(w, goal, "subject", write_subject(w));
        tree_put(w, goal, "note[]", write_annotation(w, item->text));
        tree_put(w, w->resource, "contained[]", goal);
        tree_put_text(w, reference, "reference", id);
        return reference;
}

static const char *item_words(Writer *w, const Carebus__V1__CarePlanItem *item) {
        const char *parts[] = { item->item, item->value, item->problem_text, item->text };
        const char *text = NULL;

        if (item->action)
                return item->action;
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                if (parts[i])
                        text = text ? arena_format(w->arena, "%s: %s", text, parts[i]) : parts[i];
        return text;
}

static JsonNode *activity_write(Writer *w, const Carebus__V1__CarePlanItem *item) {
        static const WriteWord words[] = { { "planned", "not-started" }, { "in-progress", "in-progress" },
                                           { "on-hold", "on-hold" },     { "done", "completed" },
                                           { "stopped", "stopped" },     { "entered-in-error", "entered-in-error" },
                                           { NULL, "unknown" } };
        JsonNode *node = tree_object(w);

        if (!node)
                return NULL;
        tree_put_text(w, node, "detail.status", write_word(words, item->status));
        tree_put(w, node, "detail.code", write_coded(w, item->action_coded));
        tree_put_text(w, node, "detail.description", item_words(w, item));
        tree_put(w, node, "detail.reasonCode[]", write_coded(w, item->problem));
        if (item->period)
                tree_put(w, node, "detail.scheduledPeriod", write_period(w, item->period));
        else
                tree_put_text(w, node, "detail.scheduledString", item->when);
        if (item->responsible)
                tree_put(w, node, "detail.performer[]", write_practitioner(w, item->responsible));
        else if (item->responsible_service)
                tree_put(w, node, "detail.performer[]",
                         write_service(w, item->responsible_service, "HealthcareService"));
        else
                tree_put(w, node, "detail.performer[]", write_reference(w, "Practitioner", NULL, item->who));
        tree_put(w, node, "outcomeCodeableConcept[]", write_coded(w, item->outcome));
        if (item->action)
                tree_put(w, node, "progress[]", write_annotation(w, item->text));
        return node;
}

static JsonNode *item_write(Writer *w, const Carebus__V1__CarePlanItem *item, JsonNode *resource) {
        bool is_goal = (item->goal || item->goal_text) && !item->action && !item->action_coded;

        tree_put(w, resource, is_goal ? "goal[]" : "activity[]",
                 is_goal ? goal_write(w, item) : activity_write(w, item));
        return NULL;
}

static void plan_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteWord words[] = { { "draft", "draft" },        { "active", "active" },
                                           { "reviewed", "active" },    { "withdrawn", "revoked" },
                                           { "superseded", "revoked" }, { "on-hold", "on-hold" },
                                           { NULL, "active" } };
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                PLAIN("title", "title"),
                PLAIN("summary", "description"),
                ROW("type", "category[]", coded),
                ROW("category", "category[]", coded),
                ROW("published_at", "created", when),
                ROW("period", "period", period),
                { "documents", "supportingInfo[]", (WriteValue)document_reference, NULL },
                ROW("involved", "contributor[]", person),
                ROW_END,
        };
        const Carebus__V1__CarePlan *body = message;
        bool is_over = text_equal(w->event->type, "care_plan.withdrawn");

        tree_put_text(w, resource, "status",
                      is_in_error(w) ? "entered-in-error"
                      : is_over      ? "revoked"
                                     : write_word(words, body->status));
        tree_put_text(w, resource, "intent", "plan");
        write_rows(w, rows, &body->base, resource);
        for (size_t i = 0; i < body->n_authors; i++)
                tree_put(w, resource, i == 0 ? "author" : "contributor[]", write_practitioner(w, body->authors[i]));
        for (size_t i = 0; i < body->n_replaces; i++)
                tree_put(w, resource, "replaces[]", write_reference(w, "CarePlan", body->replaces[i], NULL));
        for (size_t i = 0; i < body->n_items; i++)
                item_write(w, body->items[i], resource);
        tree_put(w, resource, "note[]", write_annotation(w, body->what_matters));
        tree_put(w, resource, "note[]", write_annotation(w, body->what_worries));
}

/* ---- Consent */

static void consent_write(Writer *w, const void *message, JsonNode *resource) {
        static const char *const scopes[] = { [CAREBUS__V1__CONSENT__KIND__KIND_SHARE] = "patient-privacy",
                                              [CAREBUS__V1__CONSENT__KIND__KIND_CREATE_RECORD] = "patient-privacy",
                                              [CAREBUS__V1__CONSENT__KIND__KIND_TREATMENT] = "treatment",
                                              [CAREBUS__V1__CONSENT__KIND__KIND_RESEARCH] = "research" };
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("given_at", "dateTime", when),
                ROW("recorded_by", "performer[]", practitioner),
                ROW_END,
        };
        const Carebus__V1__Consent *body = message;
        bool is_given = body->state == CAREBUS__V1__CONSENT__STATE__STATE_GIVEN ||
                        body->state == CAREBUS__V1__CONSENT__STATE__STATE_IMPLIED;
        bool is_over = body->state == CAREBUS__V1__CONSENT__STATE__STATE_WITHDRAWN;
        const char *scope = (size_t)body->kind < sizeof(scopes) / sizeof(scopes[0]) ? scopes[body->kind] : NULL;

        tree_put_text(w, resource, "status",
                      is_in_error(w)                                              ? "entered-in-error"
                      : is_over                                                   ? "inactive"
                      : body->state == CAREBUS__V1__CONSENT__STATE__STATE_REFUSED ? "rejected"
                                                                                  : "active");
        tree_put_text(w, resource, "scope.coding[0].system", "http://terminology.hl7.org/CodeSystem/consentscope");
        tree_put_text(w, resource, "scope.coding[0].code", scope ?: "patient-privacy");
        if (body->state_coded)
                tree_put(w, resource, "category[]", write_coded(w, body->state_coded));
        else {
                tree_put_text(w, resource, "category[0].coding[0].system",
                              "http://terminology.hl7.org/CodeSystem/v3-ActCode");
                tree_put_text(w, resource, "category[0].coding[0].code", "INFA");
        }
        write_rows(w, rows, &body->base, resource);
        if (is_given || body->state == CAREBUS__V1__CONSENT__STATE__STATE_REFUSED)
                tree_put_text(w, resource, "provision.type", is_given ? "permit" : "deny");
        tree_put(w, resource, "provision.period", write_period(w, body->valid));
        tree_put(w, resource, "policyRule", write_coded(w, body->basis));
        if (!body->basis) /* R4 asks for a policy, or its rule */
                tree_put_text(w, resource, "policyRule.text", body->scope_text ?: "as the parties have agreed");
}

const WriteBody write_bodies_care[] = {
        { CAREBUS__V1__EVENT__BODY_REFERRAL, "ServiceRequest", UK_PROFILE "ServiceRequest", "subject", "encounter",
          referral_write, NULL, NULL },
        { CAREBUS__V1__EVENT__BODY_ORDER, "ServiceRequest", UK_PROFILE "ServiceRequest", "subject", "encounter",
          order_write, NULL, NULL },
        { CAREBUS__V1__EVENT__BODY_APPOINTMENT, "Appointment", UK_PROFILE "Appointment", NULL, NULL, appointment_write,
          NULL, NULL },
        { CAREBUS__V1__EVENT__BODY_CONTACT, "Encounter", UK_PROFILE "Encounter", "subject", NULL, contact_write,
          contact_choose, NULL },
        { CAREBUS__V1__EVENT__BODY_CARE_PLAN, "CarePlan", UK_PROFILE "CarePlan", "subject", "encounter", plan_write,
          NULL, NULL },
        { CAREBUS__V1__EVENT__BODY_CONSENT, "Consent", UK_PROFILE "Consent", "patient", NULL, consent_write, NULL,
          NULL },
        BODY_END,
};
