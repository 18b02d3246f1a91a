/*
 * ServiceRequest and Task: what is asked of another team, and what became of it. A request for a test or a procedure is an order; every
 * other is a referral, or a question (advice). Code for resuscitation makes it a decision.
 */
#include <string.h>
#include <strings.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/text.h"

#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE
#define ADVICE CAREBUS__V1__REFERRAL__KIND__KIND_ADVICE

/* ---- what kind of request it is */

static bool coded_has_word(const Carebus__V1__Coded *coded, const char *word) {
        const Carebus__V1__OriginalCode *original = coded ? coded->original : NULL;

        return coded && ((coded->text && strcasestr(coded->text, word)) ||
                         (coded->display && strcasestr(coded->display, word)) ||
                         (coded->code && strcasestr(coded->code, word)) ||
                         (original && original->code && strcasestr(original->code, word)));
}

static const char *system_of(const Carebus__V1__Coded *coded) {
        return !coded ? NULL : coded->system ? coded->system : coded->original ? coded->original->system : NULL;
}

static bool is_order_category(const Carebus__V1__Coded *category) {
        static const char *const codes[] = {
                "108252007", "363679005", "103693007", "387713003", "laboratory", "imaging"
        };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (coded_is(category, NULL, codes[i]))
                        return true;
        return false;
}

static bool is_order(Fhir *f, const FhirResource *request, const Carebus__V1__Coded *code,
                     const Carebus__V1__Coded *category) {
        static const char *const elements[] = { "specimen", "bodySite", "orderDetail", "quantityQuantity",
                                                "quantityRatio" };
        static const char *const intents[] = { "original-order", "filler-order", "instance-order", "reflex-order" };
        const char *intent = json_said(request->node, "intent");

        if (coded_has_word(code, "referral") || coded_has_word(category, "referral"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(elements); i++)
                if (json_peek(request->node, elements[i]))
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(intents); i++)
                if (text_equal(intent, intents[i]))
                        return true;
        return is_order_category(category) || text_equal(system_of(code), SYSTEM_LOINC);
}

static const struct {
        const char *word;
        Carebus__V1__Referral__Kind kind;
} kinds[] = {
        { "advice", ADVICE },
        { "bereavement", CAREBUS__V1__REFERRAL__KIND__KIND_BEREAVEMENT },
        { "respite", CAREBUS__V1__REFERRAL__KIND__KIND_RESPITE },
        { "shared care", CAREBUS__V1__REFERRAL__KIND__KIND_SHARED_CARE },
        { "transfer of care", CAREBUS__V1__REFERRAL__KIND__KIND_TAKE_OVER },
        { "assessment", CAREBUS__V1__REFERRAL__KIND__KIND_ASSESSMENT },
};

static void kind_read(Carebus__V1__Referral *referral) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (coded_has_word(referral->category, kinds[i].word) ||
                    coded_has_word(referral->type, kinds[i].word)) {
                        referral->has_kind = true;
                        referral->kind = kinds[i].kind;
                        return;
                }
}

/* ---- states */

typedef struct State {
        const char *said, *type, *status;
} State;

static const State request_states[] = {
        { "active", "referral.requested", "requested" },
        { "draft", "referral.changed", NULL },
        { "on-hold", "referral.changed", NULL },
        { "revoked", "referral.cancelled", "cancelled" },
        { "completed", "referral.closed", "closed" },
        { "entered-in-error", "referral.requested", "cancelled" },
        { NULL, "referral.changed", NULL },
};
/* An answer by the side that was asked: BaRS servicerequest-response. */
static const State answer_states[] = {
        { "active", "referral.accepted", "accepted" },
        { "revoked", "referral.declined", "declined" },
        { "completed", "referral.closed", "closed" },
        { "entered-in-error", "referral.changed", "cancelled" },
        { NULL, "referral.changed", NULL },
};
static const State task_states[] = {
        { "requested", "referral.requested", "requested" },
        { "received", "referral.received", "received" },
        { "accepted", "referral.accepted", "accepted" },
        { "ready", "referral.accepted", "accepted" },
        { "rejected", "referral.declined", "declined" },
        { "in-progress", "referral.changed", "in-progress" },
        { "on-hold", "referral.changed", NULL },
        { "cancelled", "referral.cancelled", "cancelled" },
        { "failed", "referral.closed", "closed" },
        { "completed", "referral.closed", "closed" },
        { "entered-in-error", "referral.changed", NULL },
        { NULL, "referral.changed", NULL },
};

static const State *state_find(const State *states, const char *said) {
        while (states->said && !text_equal(states->said, said))
                states++;
        return states;
}

/* A message says why it was sent: BaRS has one status for a new request and for a changed one. */
static State state_by_reason(const Fhir *f, const State *state) {
        static const State changed = { NULL, "referral.changed", "requested" },
                           cancelled = { NULL, "referral.cancelled", "cancelled" };

        if (strcmp(state->type, "referral.requested") != 0 || !f->reason)
                return *state;
        if (strcmp(f->reason, "update") == 0)
                return changed;
        return strcmp(f->reason, "delete") == 0 ? cancelled : *state;
}

/* A question is asked and answered; nobody moves. */
static const char *type_of(const Carebus__V1__Referral *referral, const char *type) {
        if (!referral->has_kind || referral->kind != ADVICE)
                return type;
        if (strcmp(type, "referral.requested") == 0)
                return "advice.requested";
        return strcmp(type, "referral.closed") == 0 ? "advice.given" : type;
}

static Carebus__V1__Action action_of(const char *type) {
        return strcmp(type, "referral.requested") == 0 || strcmp(type, "advice.requested") == 0 ||
                               strcmp(type, "order.placed") == 0
                       ? NEW
                       : UPDATE;
}

static void times_set(Carebus__V1__Referral *referral, const char *type, Carebus__V1__When *when) {
        if (strcmp(type, "referral.received") == 0)
                referral->received_at = when;
        else if (strcmp(type, "referral.closed") == 0 || strcmp(type, "advice.given") == 0 ||
                 strcmp(type, "referral.cancelled") == 0)
                referral->closed_at = when;
        else if (strcmp(type, "referral.accepted") == 0 || strcmp(type, "referral.declined") == 0)
                referral->decided_at = when;
}

static void referral_event(Fhir *f, const FhirResource *resource, Carebus__V1__Referral *referral, const char *type,
                           Carebus__V1__When *when) {
        Carebus__V1__Event *event = fhir_event(f, resource, type, action_of(type));

        if (!event)
                return;
        times_set(referral, type, when);
        event->body_case = CAREBUS__V1__EVENT__BODY_REFERRAL;
        event->referral = referral;
        event->referral_id = referral->identifier;
        fhir_set_time(f, event, when);
}

/* ---- ServiceRequest */

static Carebus__V1__Coded *first_coded(Fhir *f, JsonNode *array) {
        return fhir_coded(f, json_element(array, 0));
}

static void conditions_read(Fhir *f, const FhirResource *request, Carebus__V1__Referral *referral) {
        JSON_EACH(reference, json_member(request->node, "reasonReference")) {
                const FhirResource *condition = fhir_resolve(f, request, reference);
                char *display = fhir_member_text(f, reference, "display");
                Carebus__V1__Coded *coded = condition ? fhir_coded(f, json_member(condition->node, "code")) : NULL;

                coded = coded ?: draft_coded(&f->draft, NULL, NULL, NULL, display);
                if (!referral->primary_condition)
                        referral->primary_condition = coded;
                else
                        draft_append(&f->draft, &referral->n_conditions, &referral->conditions, coded);
        }
}

/* Letters that it came with; what else supports it has events of its own. */
static void documents_read(Fhir *f, const FhirResource *request, Carebus__V1__Referral *referral) {
        JSON_EACH(reference, json_member(request->node, "supportingInfo")) {
                json_note_read(json_peek(reference, "display"));
                if (text_equal(fhir_reference_type(f, request, reference), "DocumentReference"))
                        draft_append(&f->draft, &referral->n_documents, &referral->documents,
                                     fhir_reference_identifier(f, request, reference));
                json_note_seen(json_peek(reference, "reference"));
        }
}

static void parties_read(Fhir *f, const FhirResource *request, Carebus__V1__Referral *referral) {
        JsonNode *performers = json_member(request->node, "performer");
        Carebus__V1__Coded *performer_type = fhir_coded(f, json_member(request->node, "performerType"));
        size_t index = 0;

        referral->from = fhir_reference_service(f, request, json_member(request->node, "requester"));
        JSON_EACH(reference, performers) {
                Carebus__V1__Participant *participant;

                if (index++ == 0) {
                        referral->to = fhir_reference_service(f, request, reference);
                        continue;
                }
                participant = draft_message(&f->draft, &carebus__v1__participant__descriptor);
                if (participant) {
                        participant->role = (char *)"performer";
                        participant->practitioner = fhir_reference_practitioner(f, request, reference);
                        draft_append(&f->draft, &referral->n_participants, &referral->participants,
                                     participant->practitioner ? participant : NULL);
                }
        }
        if (performer_type && !referral->to)
                referral->to = draft_message(&f->draft, &carebus__v1__service_ref__descriptor);
        if (performer_type && referral->to && !referral->to->type)
                referral->to->type = performer_type;
}

static void priority_read(Fhir *f, const FhirResource *request, Carebus__V1__Referral *referral) {
        static const char *const urgent[] = { "urgent", "asap", "stat" };

        referral->priority = fhir_code(f, json_member(request->node, "priority"),
                                       "http://hl7.org/fhir/request-priority");
        if (!referral->priority)
                return;
        referral->has_urgent = true;
        for (size_t i = 0; i < ELEMENTSOF(urgent); i++)
                referral->urgent = referral->urgent || coded_is(referral->priority, NULL, urgent[i]);
}

static void occurrence_read(Fhir *f, const FhirResource *request, Carebus__V1__Referral *referral) {
        JsonNode *occurrence = fhir_choice(request->node, "occurrence");

        if (!occurrence)
                return;
        if (occurrence->kind == JSON_STRING)
                referral->target_at = fhir_when(f, occurrence);
        else {
                referral->effective_at = fhir_member_when(f, occurrence, "start");
                referral->target_at = fhir_member_when(f, occurrence, "end");
        }
}

static void numbers_read(Fhir *f, const FhirResource *resource, Carebus__V1__Referral *referral) {
        Carebus__V1__Identifier **own = NULL;
        size_t n_own = 0;

        fhir_own_identifiers(f, resource, &n_own, &own);
        referral->identifier = n_own ? own[0] : NULL;
        for (size_t i = 1; i < n_own; i++)
                draft_append(&f->draft, &referral->n_further_identifiers, &referral->further_identifiers, own[i]);
        draft_append(&f->draft, &referral->n_further_identifiers, &referral->further_identifiers,
                     fhir_identifier(f, json_member(resource->node, "requisition")));
}

static Carebus__V1__Referral *referral_read(Fhir *f, const FhirResource *request) {
        Carebus__V1__Referral *referral = draft_message(&f->draft, &carebus__v1__referral__descriptor);
        JsonNode *node = request->node;

        if (!referral)
                return NULL;
        numbers_read(f, request, referral);
        referral->original_status = fhir_code(f, json_member(node, "status"), "http://hl7.org/fhir/request-status");
        referral->category = first_coded(f, json_member(node, "category"));
        referral->type = fhir_coded(f, json_member(node, "code"));
        referral->source = fhir_uk_coded(f, node, "SourceOfServiceRequest");
        fhir_coded_list(f, json_member(node, "reasonCode"), &referral->n_reasons, &referral->reasons);
        draft_append(&f->draft, &referral->n_reasons, &referral->reasons,
                     fhir_uk_coded(f, json_member(node, "_priority"), "PriorityReason"));
        referral->reason_text = fhir_annotations(f, json_member(node, "note"));
        referral->requested_at = fhir_member_when(f, node, "authoredOn");
        priority_read(f, request, referral);
        parties_read(f, request, referral);
        conditions_read(f, request, referral);
        documents_read(f, request, referral);
        occurrence_read(f, request, referral);
        json_note_read(json_peek(node, "intent"));
        kind_read(referral);
        if (referral->has_kind && referral->kind == ADVICE)
                referral->question = referral->reason_text;
        return referral;
}

/* ---- orders */

static const State order_states[] = {
        { "revoked", "order.cancelled", "cancelled" },
        { "cancelled", "order.cancelled", "cancelled" },
        { "rejected", "order.cancelled", "cancelled" },
        { "failed", "order.cancelled", "cancelled" },
        { "completed", "order.completed", "completed" },
        { "on-hold", "order.changed", "on-hold" },
        { "in-progress", "order.changed", "in-progress" },
        { "received", "order.changed", "placed" },
        { "accepted", "order.changed", "placed" },
        { "entered-in-error", "order.placed", "entered-in-error" },
        { NULL, "order.placed", "placed" },
};

static void order_event(Fhir *f, const FhirResource *resource, const Carebus__V1__Referral *said,
                        bool is_not_to_be_done) {
        const char *status = json_said(resource->node, "status");
        const State *state = state_find(order_states, status);
        Carebus__V1__Order *order = draft_message(&f->draft, &carebus__v1__order__descriptor);
        Carebus__V1__Event *event = order ? fhir_event(f, resource, state->type, action_of(state->type)) : NULL;
        const char *words = clinical_coded_words(said->type);

        if (!event)
                return;
        order->identifier = event->order_id = said->identifier;
        order->status = (char *)state->status;
        order->original_status = said->original_status;
        order->code = is_not_to_be_done ? NULL : said->type;
        if (is_not_to_be_done) /* nobody may take it for an order to do it */
                order->code_text = draft_format(&f->draft, "Do not perform: %s", words ?: "what is not said");
        order->category = said->category;
        order->priority = said->priority;
        order->ordered_at = said->requested_at;
        order->start_at = said->effective_at ?: said->target_at;
        order->ordered_by = said->from ? said->from->practitioner : NULL;
        order->performer = said->to;
        order->n_reasons = said->n_reasons;
        order->reasons = said->reasons;
        order->clinical_text = said->reason_text;
        order->specimen = draft_coded(&f->draft, NULL, NULL, NULL,
                                      fhir_member_text(f, json_element(json_member(resource->node, "specimen"), 0),
                                                       "display"));
        event->body_case = CAREBUS__V1__EVENT__BODY_ORDER;
        event->order = order;
        fhir_set_time(f, event, order->ordered_at);
}

/* ---- decisions that are written as a request */

static bool decision_event(Fhir *f, const FhirResource *request, const Carebus__V1__Referral *said,
                           bool is_not_to_be_done) {
        const char *status = json_said(request->node, "status");
        ClinicalSaid decision = { .resource = request, .identifier = said->identifier, .at = said->requested_at };
        Carebus__V1__Coded **further = NULL;
        size_t n_further = 0;

        fhir_coded_further(f, json_peek(request->node, "code"), &n_further, &further);
        decision.concept = said->type ? clinical_concept(said->type, further, n_further) : NULL;
        if (!decision.concept || decision.concept->decision == CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN)
                return false;
        decision.code = said->type;
        if (is_not_to_be_done) { /* "not" before a code that says something else already: a person has to read it */
                decision.value_text = draft_format(&f->draft, "Do not perform: %s",
                                                   clinical_coded_words(said->type) ?: "");
        }
        decision.original_status = said->original_status;
        decision.by = said->from ? said->from->practitioner : NULL;
        decision.text = said->reason_text;
        decision.is_ended = text_equal(status, "revoked") || text_equal(status, "completed");
        decision.is_draft = text_equal(status, "draft");
        decision.is_error = fhir_is_in_error(request);
        return clinical_say(f, &decision, NULL);
}

void fhir_service_request(Fhir *f, const FhirResource *request) {
        const char *status = request->is_deleted ? "entered-in-error" : json_said(request->node, "status");
        bool is_answer = f->trigger && strcmp(f->trigger, "servicerequest-response") == 0;
        Carebus__V1__Referral *referral = referral_read(f, request);
        protobuf_c_boolean is_not_to_be_done = false;
        State state;

        if (!referral)
                return;
        fhir_truth(f, json_member(request->node, "doNotPerform"), &is_not_to_be_done);
        if (decision_event(f, request, referral, is_not_to_be_done))
                return;
        if (is_not_to_be_done || is_order(f, request, referral->type, referral->category)) {
                order_event(f, request, referral, is_not_to_be_done);
                return;
        }
        state = state_by_reason(f, state_find(is_answer ? answer_states : request_states, status));
        referral->status = (char *)state.status;
        if (strcmp(state.type, "referral.accepted") == 0 || strcmp(state.type, "referral.declined") == 0)
                referral->decision = referral->original_status;
        referral_event(f, request, referral, type_of(referral, state.type),
                       strcmp(state.type, "referral.requested") == 0 ? referral->requested_at ?: request->recorded_at
                                                                     : request->recorded_at);
}

/* ---- Task */

/* What a Task is about: the request, in this message or not. */
static JsonNode *request_reference(Fhir *f, const FhirResource *task, const FhirResource **ret_request) {
        JsonNode *candidates[] = { json_member(task->node, "focus"),
                                   json_element(json_member(task->node, "basedOn"), 0) };

        *ret_request = NULL;
        for (size_t i = 0; i < ELEMENTSOF(candidates); i++)
                if (candidates[i] && text_equal(fhir_reference_type(f, task, candidates[i]), "ServiceRequest")) {
                        *ret_request = fhir_resolve(f, task, candidates[i]);
                        return candidates[i];
                }
        return NULL;
}

static char *output_words(Fhir *f, JsonNode *task) {
        char *all = NULL;

        JSON_EACH(output, json_member(task, "output")) {
                JsonNode *value = fhir_choice(output, "value");

                json_note_read(json_peek(output, "type"));
                all = clinical_join(f, all, clinical_words(f, value));
        }
        return all;
}

static void task_read(Fhir *f, const FhirResource *task, Carebus__V1__Referral *referral) {
        JsonNode *node = task->node;
        Carebus__V1__Coded *business = fhir_coded(f, json_member(node, "businessStatus"));

        referral->original_status = fhir_code(f, json_member(node, "status"), "http://hl7.org/fhir/task-status");
        referral->disposition = business;
        referral->type = referral->type ?: fhir_coded(f, json_member(node, "code"));
        referral->from = referral->from ?: fhir_reference_service(f, task, json_member(node, "requester"));
        referral->to = fhir_reference_service(f, task, json_member(node, "owner")) ?: referral->to;
        fhir_coded_list(f, json_member(node, "reasonCode"), &referral->n_reasons, &referral->reasons);
        referral->reason_text = fhir_annotations(f, json_member(node, "note")) ?: referral->reason_text;
        referral->expectation = fhir_member_text(f, node, "description");
        referral->target_at = fhir_member_when(f, json_member(json_member(node, "restriction"), "period"), "end");
        referral->effective_at = fhir_member_when(f, json_member(node, "executionPeriod"), "start");
        if (!referral->priority)
                priority_read(f, task, referral);
        json_note_read(json_peek(node, "intent"));
        json_note_read(json_peek(node, "performerType"));
        json_note_read(json_peek(node, "groupIdentifier"));
}

/* What stands in the request stands here too: who reads the answer need not look it up. */
static void request_fill(Fhir *f, const FhirResource *request, Carebus__V1__Referral *referral) {
        referral->category = first_coded(f, json_member(request->node, "category"));
        referral->type = fhir_coded(f, json_member(request->node, "code"));
        referral->requested_at = fhir_member_when(f, request->node, "authoredOn");
        priority_read(f, request, referral);
        referral->from = fhir_reference_service(f, request, json_member(request->node, "requester"));
}

static void answer_fill(Fhir *f, const FhirResource *task, const State *state, Carebus__V1__Referral *referral) {
        Carebus__V1__Coded *reason = fhir_coded(f, json_member(task->node, "statusReason"));

        if (strcmp(state->type, "referral.declined") == 0) {
                referral->decline_reason = reason;
                referral->decline_text = reason ? reason->text : NULL;
                if (coded_is(reason, NULL, "26")) { /* BaRS: patient choice */
                        referral->has_declined_by = true;
                        referral->declined_by = CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_PATIENT;
                }
        } else
                referral->close_reason = reason;
        if (strcmp(state->type, "referral.declined") == 0 || strcmp(state->type, "referral.accepted") == 0)
                referral->decision = referral->original_status;
        if (referral->has_kind && referral->kind == ADVICE) {
                referral->question = referral->expectation;
                referral->answer = output_words(f, task->node) ?: referral->reason_text;
        }
}

/* Whose it is, where only the request says so. */
static void patient_of_request(Fhir *f, size_t first_event, const FhirResource *request) {
        for (size_t i = first_event; request && i < f->draft.n_events; i++)
                if (!f->draft.events[i]->patient)
                        fhir_set_patient(f, f->draft.events[i], request, json_member(request->node, "subject"));
}

void fhir_task(Fhir *f, const FhirResource *task) {
        const char *status = task->is_deleted ? "entered-in-error" : json_said(task->node, "status");
        const State *state = state_find(task_states, status);
        Carebus__V1__Referral *referral = draft_message(&f->draft, &carebus__v1__referral__descriptor);
        Carebus__V1__When *modified = fhir_member_when(f, task->node, "lastModified");
        Carebus__V1__When *authored = fhir_member_when(f, task->node, "authoredOn");
        size_t first_event = f->draft.n_events;
        const FhirResource *request;
        JsonNode *reference = request_reference(f, task, &request);

        if (!referral)
                return;
        if (request)
                request_fill(f, request, referral);
        referral->identifier = fhir_reference_identifier(f, task, reference) ?: fhir_own_identifier(f, task);
        if (reference)
                draft_append(&f->draft, &referral->n_further_identifiers, &referral->further_identifiers,
                             fhir_own_identifier(f, task));
        task_read(f, task, referral);
        referral->requested_at = referral->requested_at ?: authored;
        referral->status = (char *)state->status;
        kind_read(referral);
        answer_fill(f, task, state, referral);
        if (!reference || (request && is_order(f, request, referral->type, referral->category)))
                order_event(f, task, referral, false);
        else if (!request || strcmp(state->type, "referral.requested") != 0) /* the request itself is in the message */
                referral_event(f, task, referral, type_of(referral, state->type),
                               strcmp(state->type, "referral.requested") == 0 ? authored : modified ?: task->recorded_at);
        patient_of_request(f, first_event, request);
}
