/*
 * MedicationRequest, MedicationStatement, MedicationAdministration, MedicationDispense, and the Medication that they name. A request
 * is a medicine from when it is active; a draft, a proposal and what must not be given start nothing. Anticipatory medicines are only what
 * a category says is one.
 */
#include <string.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/cleanup.h"
#include "base/text.h"

#define ACT(name) CAREBUS__V1__MEDICATION__ACT__ACT_##name

/*
 * The medicine itself
 */

static void ingredient_read(Fhir *f, const FhirResource *medication, JsonNode *node, Carebus__V1__Medication *body) {
        Carebus__V1__MedicationIngredient *ingredient = draft_message(&f->draft,
                                                                      &carebus__v1__medication_ingredient__descriptor);
        JsonNode *item = fhir_choice(node, "item"), *strength = json_member(node, "strength");
        FhirResource *found = item && json_peek(item, "reference") ? fhir_resolve(f, medication, item) : NULL;
        if (!ingredient)
                return;
        if (found)
                ingredient->drug = fhir_coded(f, json_member(found->node, "code"));
        else if (item && json_peek(item, "reference"))
                ingredient->drug = draft_coded(&f->draft, NULL, NULL, NULL, clinical_words(f, item));
        else
                ingredient->drug = fhir_coded(f, item);
        ingredient->text = clinical_words(f, strength);
        ingredient->amount = fhir_quantity(f, json_member(strength, "numerator"));
        draft_append(&f->draft, &body->n_ingredients, &body->ingredients, ingredient);
}

static void medication_read(Fhir *f, FhirResource *medication, Carebus__V1__Medication *body) {
        JsonNode *node = medication->node, *batch = json_member(node, "batch");
        medication->is_used = true;
        body->drug = clinical_mapped(f, json_member(node, "code"), "medication.drug");
        fhir_coded_further(f, json_member(node, "code"), &body->n_further_codes, &body->further_codes);
        body->form = fhir_coded(f, json_member(node, "form"));
        body->batch = fhir_member_text(f, batch, "lotNumber");
        body->expires_at = fhir_member_when(f, batch, "expirationDate");
        JSON_EACH(ingredient, json_member(node, "ingredient"))
                ingredient_read(f, medication, ingredient, body);
        /* A mixture has no name of its own: it is what is in it. */
        if (!body->drug && body->n_ingredients)
                for (size_t i = 0; i < body->n_ingredients; i++) {
                        const char *name = clinical_coded_words(body->ingredients[i]->drug);
                        if (!body->drug)
                                body->drug = draft_coded(&f->draft, NULL, NULL, NULL, (char *)name);
                        else if (name)
                                body->drug->text = draft_format(&f->draft, "%s + %s", body->drug->text, name);
                }
}

static void drug_read(Fhir *f, const FhirResource *resource, Carebus__V1__Medication *body) {
        JsonNode *coded = json_member(resource->node, "medicationCodeableConcept");
        JsonNode *reference = json_member(resource->node, "medicationReference");
        FhirResource *found = reference ? fhir_resolve(f, resource, reference) : NULL;
        if (coded) {
                body->drug = clinical_mapped(f, coded, "medication.drug");
                fhir_coded_further(f, coded, &body->n_further_codes, &body->further_codes);
        } else if (found)
                medication_read(f, found, body);
        if (found && body->drug) {
                char *called = fhir_member_text(f, reference, "display");
                body->drug->text = body->drug->text ?: called;
        }
        if (body->drug || !reference)
                return;
        const Carebus__V1__Identifier *identifier = fhir_reference_identifier(f, resource, reference);
        char *display = fhir_member_text(f, reference, "display");
        body->drug = draft_coded_local(&f->draft, identifier ? identifier->system : NULL,
                                       identifier ? identifier->value : NULL, display);
}

static void reasons_read(Fhir *f, JsonNode *node, Carebus__V1__Medication *body) {
        JSON_EACH(item, json_member(node, "reasonCode")) {
                Carebus__V1__Coded *reason = fhir_coded(f, item);
                if (!body->reason)
                        body->reason = reason;
                else
                        body->indication = clinical_join(f, body->indication, clinical_coded_words(reason));
        }
}

static void reason_references_read(Fhir *f, const FhirResource *resource, Carebus__V1__Medication *body) {
        JSON_EACH(item, json_member(resource->node, "reasonReference")) {
                const FhirResource *found = fhir_resolve(f, resource, item);
                const char *words = fhir_member_text(f, item, "display");
                if (!words && found)
                        words = clinical_coded_words(fhir_coded(f, json_member(found->node, "code")));
                body->indication = clinical_join(f, body->indication, words);
        }
}

/*
 * Anticipatory medicines
 */

static bool is_anticipatory(const Carebus__V1__Medication *body) {
        for (size_t i = 0; i < body->n_categories; i++) {
                const Concept *concept = clinical_concept(body->categories[i], NULL, 0);
                if (concept && concept->event && text_starts_with(concept->event, "anticipatory_meds."))
                        return true;
                if (coded_is(body->categories[i], SYSTEM_SNOMED_CT, "443761007") ||
                    clinical_says(clinical_coded_words(body->categories[i]), "anticipatory"))
                        return true;
        }
        return false;
}

static void become_anticipatory(Fhir *f, Carebus__V1__Event *event, const char *type) {
        Carebus__V1__Medication *body = event->medication;
        Carebus__V1__AnticipatoryMedicines *medicines = draft_message(&f->draft,
                                                                      &carebus__v1__anticipatory_medicines__descriptor);
        Carebus__V1__AnticipatoryItem *item = draft_message(&f->draft, &carebus__v1__anticipatory_item__descriptor);
        if (!medicines || !item)
                return;
        item->drug = body->drug;
        item->dose_text = body->dose_text;
        item->dose = body->dose;
        item->route = body->route;
        item->indication = body->reason;
        item->batch = body->batch;
        item->expires_at = body->expires_at;
        item->frequency_text = body->frequency_text;
        if (strcmp(type, "anticipatory_meds.used") == 0)
                item->used = body->dose;
        else
                item->supplied = body->supply;
        draft_append(&f->draft, &medicines->n_items, &medicines->items, item);
        medicines->identifier = body->identifier;
        medicines->status = (char *)strchr(type, '.') + 1;
        medicines->prescriber = body->prescriber;
        medicines->prescribed_at = body->prescribed_at;
        medicines->given_by = body->given_by;
        medicines->used_at = strcmp(type, "anticipatory_meds.used") == 0 ? body->given_at : NULL;
        medicines->supplied_at = strcmp(type, "anticipatory_meds.supplied") == 0 ? body->start_at : NULL;
        medicines->expires_at = body->expires_at;
        medicines->reason = body->reason;
        medicines->text = clinical_join(f, body->text, body->instructions);
        event->type = (char *)type;
        event->body_case = CAREBUS__V1__EVENT__BODY_ANTICIPATORY_MEDICINES;
        event->anticipatory_medicines = medicines;
}

/*
 * The four resources
 */

static const ClinicalStatus request_statuses[] = {
        { "active", "active", "medication.started" },
        { "on-hold", "on-hold", "medication.changed" },
        { "cancelled", "cancelled", "medication.stopped" },
        { "completed", "completed", "medication.stopped" },
        { "stopped", "stopped", "medication.stopped" },
        { "entered-in-error", "entered-in-error", "medication.stopped" },
        { "draft", "draft", "medication.changed" },
        { NULL, NULL, "medication.changed" },
};

static const ClinicalStatus statement_statuses[] = {
        { "active", "active", "medication.started" },
        { "intended", "draft", "medication.changed" },
        { "on-hold", "on-hold", "medication.changed" },
        { "not-taken", "not-given", "medication.changed" },
        { "completed", "completed", "medication.stopped" },
        { "stopped", "stopped", "medication.stopped" },
        { "entered-in-error", "entered-in-error", "medication.stopped" },
        { NULL, NULL, "medication.changed" },
};

static const ClinicalStatus administration_statuses[] = {
        { "in-progress", "active", "medication.given" },
        { "not-done", "not-given", "medication.given" },
        { "on-hold", "on-hold", "medication.given" },
        { "completed", "completed", "medication.given" },
        { "stopped", "stopped", "medication.given" },
        { "entered-in-error", "entered-in-error", "medication.given" },
        { NULL, NULL, "medication.given" },
};

static const ClinicalStatus dispense_statuses[] = {
        { "completed", "completed", "medication.changed" },
        { "in-progress", "active", "medication.changed" },
        { "preparation", "draft", "medication.changed" },
        { "on-hold", "on-hold", "medication.changed" },
        { "cancelled", "cancelled", "medication.changed" },
        { "stopped", "stopped", "medication.changed" },
        { "declined", "not-given", "medication.changed" },
        { "entered-in-error", "entered-in-error", "medication.changed" },
        { NULL, NULL, "medication.changed" },
};

static Carebus__V1__Event *medication_event(Fhir *f, const FhirResource *resource, const ClinicalStatus *statuses,
                                            const char *system) {
        JsonNode *node = resource->node;
        const ClinicalStatus *status = clinical_status(statuses, json_text(node, "status"));
        bool is_new = strcmp(status->event, "medication.started") == 0 ||
                      strcmp(status->event, "medication.given") == 0;
        Carebus__V1__Event *event = fhir_event(f, resource, status->event,
                                               is_new ? CAREBUS__V1__ACTION__ACTION_NEW
                                                      : CAREBUS__V1__ACTION__ACTION_UPDATE);
        Carebus__V1__Medication *body = event ? draft_message(&f->draft, &carebus__v1__medication__descriptor) : NULL;
        if (!body)
                return NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_MEDICATION;
        event->medication = body;
        body->identifier = fhir_own_identifier(f, resource);
        event->order_id = body->identifier;
        body->status = (char *)status->status;
        body->original_status = fhir_code(f, json_member(node, "status"), system);
        drug_read(f, resource, body);
        reasons_read(f, node, body);
        reason_references_read(f, resource, body);
        fhir_coded_list(f, json_member(node, "category"), &body->n_categories, &body->categories);
        JSON_EACH(reason, json_member(node, "statusReason"))
                body->stop_reason = body->stop_reason ?: fhir_coded(f, reason);
        body->text = fhir_annotations(f, json_member(node, "note"));
        return event;
}

static bool is_order(const char *intent) {
        static const char *const others[] = { "proposal", "plan", "option" };
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (text_equal(intent, others[i]))
                        return false;
        return true;
}

/* A request that starts nothing: a thought, or a prohibition. */
static void request_check_intent(Fhir *f, JsonNode *node, Carebus__V1__Event *event) {
        Carebus__V1__Medication *body = event->medication;
        protobuf_c_boolean is_forbidden = false;
        bool is_open = text_equal(body->status, "active") || text_equal(body->status, "draft") || !body->status;
        if (fhir_truth(f, json_member(node, "doNotPerform"), &is_forbidden) == 0 && is_forbidden) {
                event->type = (char *)"medication.stopped";
                body->status = (char *)(is_open ? "stopped" : body->status);
                body->not_given_reason = draft_coded(&f->draft, NULL, NULL, NULL, (char *)"do not give");
                body->instructions = clinical_join(f, (char *)"DO NOT GIVE", body->instructions);
        } else if (!is_order(json_text(node, "intent"))) {
                event->type = (char *)"medication.changed";
                body->status = (char *)(is_open ? "draft" : body->status);
        } else {
                body->has_act = true;
                body->act = ACT(PRESCRIBED);
                return;
        }
        if (event->action == CAREBUS__V1__ACTION__ACTION_NEW)
                event->action = CAREBUS__V1__ACTION__ACTION_UPDATE;
}

static void request_read(Fhir *f, const FhirResource *resource, Carebus__V1__Event *event) {
        JsonNode *node = resource->node, *dispense = json_member(node, "dispenseRequest");
        Carebus__V1__Medication *body = event->medication;
        fhir_member_text(f, node, "intent");
        clinical_dosages(f, json_member(node, "dosageInstruction"), event);
        body->prescribed_at = fhir_member_when(f, node, "authoredOn");
        body->prescriber = clinical_professional(f, resource, json_member(node, "requester"))
                                   ?: clinical_professional(f, resource, json_member(node, "recorder"));
        body->supply = fhir_quantity(f, json_member(dispense, "quantity"));
        body->course = fhir_coded(f, json_member(node, "courseOfTherapyType"));
        if (json_peek(node, "priorPrescription"))
                body->replaces = fhir_reference_identifier(f, resource, json_member(node, "priorPrescription"));
}

void fhir_medication_request(Fhir *f, const FhirResource *resource) {
        Carebus__V1__Event *event = medication_event(f, resource, request_statuses,
                                                     "http://hl7.org/fhir/CodeSystem/medicationrequest-status");
        Carebus__V1__Medication *body = event ? event->medication : NULL;
        if (!body)
                return;
        request_read(f, resource, event);
        request_check_intent(f, resource->node, event);
        /* What takes another prescription's place changes what is taken. */
        if (body->replaces && strcmp(event->type, "medication.started") == 0) {
                event->type = (char *)"medication.changed";
                body->status = (char *)"changed";
                if (event->action == CAREBUS__V1__ACTION__ACTION_NEW)
                        event->action = CAREBUS__V1__ACTION__ACTION_UPDATE;
        }
        if (strcmp(event->type, "medication.stopped") == 0) {
                event->occurred_at = body->stop_at ?: event->occurred_at;
                return;
        }
        event->occurred_at = body->start_at ?: body->prescribed_at ?: event->occurred_at;
        if (strcmp(event->type, "medication.started") == 0 && is_anticipatory(body))
                become_anticipatory(f, event, "anticipatory_meds.prescribed");
}

void fhir_medication_statement(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node, *effective = fhir_choice(node, "effective");
        Carebus__V1__Event *event = medication_event(f, resource, statement_statuses,
                                                     "http://hl7.org/fhir/CodeSystem/medication-statement-status");
        Carebus__V1__Medication *body = event ? event->medication : NULL;
        if (!body)
                return;
        body->has_act = true;
        body->act = ACT(TAKEN);
        clinical_dosages(f, json_member(node, "dosage"), event);
        body->start_at = clinical_start(f, effective) ?: body->start_at;
        body->stop_at = clinical_end(f, effective) ?: body->stop_at;
        body->prescriber = clinical_professional(f, resource, json_member(node, "informationSource"));
        if (text_equal(body->status, "not-given"))
                body->not_given_reason = body->stop_reason;
        if (json_peek(node, "basedOn"))
                event->order_id = fhir_reference_identifier(f, resource, json_element(json_member(node, "basedOn"), 0));
        event->recorded_at = fhir_member_when(f, node, "dateAsserted") ?: event->recorded_at;
        event->occurred_at = (strcmp(event->type, "medication.stopped") == 0 ? body->stop_at : body->start_at)
                                     ?: event->occurred_at;
}

static void administration_read_device(Fhir *f, const FhirResource *resource, Carebus__V1__Medication *body) {
        JSON_EACH(device, json_member(resource->node, "device")) {
                const FhirResource *found = fhir_resolve(f, resource, device);
                Carebus__V1__Coded *type = found ? fhir_coded(f, json_member(found->node, "type")) : NULL;
                char *words = type ? NULL : clinical_words(f, device);
                body->device = body->device ?: type ?: draft_coded(&f->draft, NULL, NULL, NULL, words);
        }
}

void fhir_medication_administration(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node, *effective = fhir_choice(node, "effective"),
                 *dosage = json_member(node, "dosage");
        Carebus__V1__Event *event = medication_event(f, resource, administration_statuses,
                                                     "http://terminology.hl7.org/CodeSystem/medication-admin-status");
        Carebus__V1__Medication *body = event ? event->medication : NULL;
        if (!body)
                return;
        body->has_act = true;
        body->act = ACT(GIVEN);
        if (dosage)
                clinical_dosages(f, dosage, event);
        body->given_at = clinical_start(f, effective);
        if (clinical_end(f, effective)) {
                body->start_at = body->given_at;
                body->stop_at = clinical_end(f, effective);
        }
        JSON_EACH(performer, json_member(node, "performer"))
                body->given_by = body->given_by ?: clinical_professional(f, resource, json_member(performer, "actor"));
        administration_read_device(f, resource, body);
        if (json_peek(node, "request")) {
                body->filler_identifier = body->identifier;
                event->order_id = fhir_reference_identifier(f, resource, json_member(node, "request"));
        }
        if (text_equal(body->status, "not-given"))
                body->not_given_reason = body->stop_reason;
        event->occurred_at = body->given_at ?: event->occurred_at;
        if (text_equal(body->status, "completed") && is_anticipatory(body))
                become_anticipatory(f, event, "anticipatory_meds.used");
}

/* What a pharmacy handed out: the prescription's number is the medicine's, its own stands beside. */
void fhir_medication_dispense(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node, *prescription = json_element(json_member(node, "authorizingPrescription"), 0);
        Carebus__V1__Event *event = medication_event(f, resource, dispense_statuses,
                                                     "http://terminology.hl7.org/CodeSystem/medicationdispense-status");
        Carebus__V1__Medication *body = event ? event->medication : NULL;
        if (!body)
                return;
        body->has_act = true;
        body->act = ACT(DISPENSED);
        clinical_dosages(f, json_member(node, "dosageInstruction"), event);
        body->supply = fhir_quantity(f, json_member(node, "quantity"));
        Carebus__V1__When *prepared = fhir_member_when(f, node, "whenPrepared");
        body->start_at = fhir_member_when(f, node, "whenHandedOver") ?: prepared;
        JSON_EACH(performer, json_member(node, "performer"))
                body->given_by = body->given_by ?: clinical_professional(f, resource, json_member(performer, "actor"));
        JSON_EACH(reason, fhir_choice(node, "statusReason"))
                body->not_given_reason = body->not_given_reason ?: fhir_coded(f, reason);
        if (prescription) {
                body->filler_identifier = body->identifier;
                body->identifier = fhir_reference_identifier(f, resource, prescription);
                event->order_id = body->identifier;
        }
        event->occurred_at = body->start_at ?: event->occurred_at;
        if (text_equal(body->status, "completed") && is_anticipatory(body))
                become_anticipatory(f, event, "anticipatory_meds.supplied");
}
