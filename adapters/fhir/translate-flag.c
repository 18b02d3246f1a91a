/* Flag: something that whoever comes near has to know. One whose code is a decision, a register or a consent is that, not an alert. */
#include "adapters/fhir/translate-clinical.h"
#include "base/text.h"

static const ClinicalStatus flag_statuses[] = {
        { "active", "active", "alert.raised" },
        { "inactive", "cleared", "alert.cleared" },
        { "entered-in-error", "entered-in-error", "alert.cleared" },
        { NULL, "active", "alert.raised" },
};

static bool flag_is_concept(Fhir *f, const FhirResource *resource, const ClinicalCode *code,
                            Carebus__V1__Coded *original_status) {
        JsonNode *node = resource->node;
        Carebus__V1__Period *period = fhir_period(f, json_member(node, "period"));
        const char *status = json_text(node, "status");
        ClinicalSaid said = {
                .resource = resource,
                .concept = clinical_concept(code->code, code->further, code->n_further),
                .code = code->code,
                .at = period ? period->start : NULL,
                .ended_at = period ? period->end : NULL,
                .valid = period,
                .by = clinical_professional(f, resource, json_member(node, "author")),
                .original_status = original_status,
                .is_ended = text_equal(status, "inactive"),
                .is_error = fhir_is_in_error(resource),
        };
        if (!said.concept)
                return false;
        /* The category of a flag may be the question, its code the answer. */
        return clinical_say(f, &said, NULL);
}

/* A flag whose category asks and whose code answers in words of its own: category "Resuscitation status", code "see form". */
static bool flag_answers_category(Fhir *f, const FhirResource *resource, const ClinicalCode *code,
                                  Carebus__V1__Coded *original_status) {
        JsonNode *node = resource->node;
        Carebus__V1__Period *period = fhir_period(f, json_member(node, "period"));
        JSON_EACH(item, json_member(node, "category")) {
                ClinicalCode category;
                clinical_read_code(f, item, "alert.kind", &category);
                const Concept *concept = clinical_concept(category.code, category.further, category.n_further);
                if (!concept || concept->decision == CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN)
                        continue;
                ClinicalSaid said = {
                        .resource = resource,
                        .concept = concept,
                        .code = category.code,
                        .value = code->code,
                        .at = period ? period->start : NULL,
                        .ended_at = period ? period->end : NULL,
                        .valid = period,
                        .by = clinical_professional(f, resource, json_member(node, "author")),
                        .original_status = original_status,
                        .is_ended = text_equal(json_text(node, "status"), "inactive"),
                        .is_error = fhir_is_in_error(resource),
                };
                return clinical_say(f, &said, NULL);
        }
        return false;
}

/* One that speaks of resuscitation in words of its own is a decision too, whatever they mean. */
static bool flag_says_decision(Fhir *f, const FhirResource *resource, const ClinicalCode *code,
                               Carebus__V1__Coded *original_status) {
        const char *words = clinical_coded_words(code->code);
        JsonNode *node = resource->node;
        Carebus__V1__Period *period = fhir_period(f, json_member(node, "period"));
        ClinicalSaid said = {
                .resource = resource,
                .code = code->code,
                .value = code->code,
                .at = period ? period->start : NULL,
                .ended_at = period ? period->end : NULL,
                .valid = period,
                .by = clinical_professional(f, resource, json_member(node, "author")),
                .original_status = original_status,
                .is_ended = text_equal(json_text(node, "status"), "inactive"),
                .is_error = fhir_is_in_error(resource),
        };
        if (!clinical_speaks_of_cpr(words))
                return false;
        (void)clinical_decision(f, CAREBUS__V1__DECISION__KIND__KIND_CPR, &said);
        return true;
}

static void flag_read(Fhir *f, const FhirResource *resource, const ClinicalCode *code, Carebus__V1__Alert *alert) {
        JsonNode *node = resource->node;
        alert->identifier = fhir_own_identifier(f, resource);
        alert->kind = clinical_first_coded(f, json_member(node, "category"));
        alert->code = code->code;
        alert->text = (char *)clinical_coded_words(code->code);
        alert->raised_by = clinical_professional(f, resource, json_member(node, "author"));
        alert->period = fhir_period(f, json_member(node, "period"));
        alert->severity = fhir_coded(
                f, fhir_choice(fhir_extension(node, "http://hl7.org/fhir/StructureDefinition/flag-priority"), "value"));
}

void fhir_flag(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node;
        const ClinicalStatus *status = clinical_status(flag_statuses, json_text(node, "status"));
        Carebus__V1__Coded *original_status = fhir_code(f, json_member(node, "status"),
                                                        "http://hl7.org/fhir/flag-status");
        ClinicalCode code;
        clinical_read_code(f, json_member(node, "code"), "alert.code", &code);
        if (flag_is_concept(f, resource, &code, original_status) ||
            flag_answers_category(f, resource, &code, original_status) ||
            flag_says_decision(f, resource, &code, original_status))
                return;
        if (fhir_is_in_error(resource))
                status = clinical_status(flag_statuses, "entered-in-error");
        bool is_raised = text_equal(status->event, "alert.raised");
        Carebus__V1__Event *event = fhir_event(f, resource, status->event,
                                               is_raised ? CAREBUS__V1__ACTION__ACTION_NEW
                                                         : CAREBUS__V1__ACTION__ACTION_UPDATE);
        Carebus__V1__Alert *alert = event ? draft_message(&f->draft, &carebus__v1__alert__descriptor) : NULL;
        if (!alert)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_ALERT;
        event->alert = alert;
        flag_read(f, resource, &code, alert);
        alert->status = (char *)status->status;
        alert->original_status = original_status;
        if (alert->period)
                event->occurred_at = (is_raised ? alert->period->start : alert->period->end) ?: event->occurred_at;
}
