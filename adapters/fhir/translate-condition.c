/* Condition and AllergyIntolerance. */
#include <string.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/cleanup.h"
#include "base/text.h"

#define IN_ERROR "entered-in-error"

/* The code of a CodeableConcept of R4's own status systems. */
static const char *status_word(const Carebus__V1__Coded *coded) {
        if (!coded)
                return NULL;
        return coded->code ?: (coded->original ? coded->original->code : coded->text);
}

/* Who says so: the first professional of asserter and recorder. */
static Carebus__V1__Practitioner *asserted_by(Fhir *f, const FhirResource *resource) {
        Carebus__V1__Practitioner *asserter = clinical_professional(f, resource,
                                                                    json_member(resource->node, "asserter"));
        Carebus__V1__Practitioner *recorder = clinical_professional(f, resource,
                                                                    json_member(resource->node, "recorder"));
        return asserter ?: recorder;
}

/* A moment goes to its own place, everything else of value[x] is words: "childhood", "3 a". */
static Carebus__V1__When *time_or_words(Fhir *f, JsonNode *node, const char *label, char **text) {
        if (!node)
                return NULL;
        const char *name = node->name ?: "";
        if (clinical_says(name, "DateTime") || clinical_says(name, "Period"))
                return clinical_start(f, node);
        char *words = clinical_words(f, node);
        if (words)
                *text = clinical_join(f, *text, draft_format(&f->draft, "%s: %s", label, words));
        return NULL;
}

/*
 * Condition
 */

static const ClinicalStatus condition_statuses[] = {
        { "active", "active", "condition.recorded" },
        { "recurrence", "active", "condition.recorded" },
        { "relapse", "active", "condition.recorded" },
        { "remission", "remission", "condition.recorded" },
        { "inactive", "resolved", "condition.resolved" },
        { "resolved", "resolved", "condition.resolved" },
        { NULL, NULL, "condition.recorded" },
};

static bool is_unconfirmed(Fhir *f, const FhirResource *resource) {
        static const char *const words[] = { "unconfirmed", "provisional", "differential" };
        const char *word = status_word(fhir_coded(f, json_member(resource->node, "verificationStatus")));
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (text_equal(word, words[i]))
                        return true;
        return false;
}

/* A code that is a decision, a register or a consent makes that event; an alert of it would lose the condition. */
static bool condition_is_concept(Fhir *f, const FhirResource *resource, const ClinicalCode *code, bool is_over,
                                 bool is_error) {
        const Concept *concept = clinical_concept(code->code, code->further, code->n_further);
        if (!concept)
                return false;
        JsonNode *node = resource->node;
        ClinicalSaid said = {
                .resource = resource,
                .concept = concept,
                .code = code->code,
                .at = clinical_start(f, fhir_choice(node, "onset")) ?: fhir_member_when(f, node, "recordedDate"),
                .ended_at = clinical_start(f, fhir_choice(node, "abatement")),
                .by = asserted_by(f, resource),
                .original_status = fhir_coded(f, json_member(node, "clinicalStatus")),
                .text = fhir_annotations(f, json_member(node, "note")),
                .is_ended = is_over,
                .is_draft = is_unconfirmed(f, resource),
                .is_error = is_error,
        };
        return clinical_say(f, &said, NULL);
}

static void condition_read(Fhir *f, const FhirResource *resource, const ClinicalCode *code,
                           Carebus__V1__Condition *body) {
        JsonNode *node = resource->node, *stage = json_member(node, "stage");
        body->identifier = fhir_own_identifier(f, resource);
        body->code = code->code;
        body->further_codes = code->further;
        body->n_further_codes = code->n_further;
        body->category = clinical_first_coded(f, json_member(node, "category"));
        body->severity = fhir_coded(f, json_member(node, "severity"));
        body->body_site = clinical_first_coded(f, json_member(node, "bodySite"));
        JSON_EACH(item, stage)
                body->stage = body->stage ?: fhir_coded(f, json_member(item, "summary"));
        body->text = fhir_annotations(f, json_member(node, "note"));
        body->onset_at = time_or_words(f, fhir_choice(node, "onset"), "onset", &body->text);
        body->resolved_at = time_or_words(f, fhir_choice(node, "abatement"), "abatement", &body->text);
        body->diagnosed_at = fhir_when(
                f, fhir_choice(fhir_extension(node, "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"),
                               "value"));
        body->asserted_by = asserted_by(f, resource);
        JSON_EACH(item, json_member(node, "evidence")) {
                JSON_EACH(evidence, json_member(item, "code"))
                        body->text = clinical_join(f, body->text, clinical_coded_words(fhir_coded(f, evidence)));
        }
}

void fhir_condition(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node;
        Carebus__V1__Coded *clinical = fhir_coded(f, json_member(node, "clinicalStatus"));
        Carebus__V1__Coded *certainty = fhir_coded(f, json_member(node, "verificationStatus"));
        const ClinicalStatus *status = clinical_status(condition_statuses, status_word(clinical));
        bool is_error = fhir_is_in_error(resource) || text_equal(status_word(certainty), IN_ERROR);
        bool is_refuted = text_equal(status_word(certainty), "refuted");
        const char *type = is_error || is_refuted ? "condition.resolved" : status->event;
        bool is_over = strcmp(type, "condition.resolved") == 0;
        ClinicalCode code;
        clinical_read_code(f, json_member(node, "code"), "condition.code", &code);
        if (condition_is_concept(f, resource, &code, is_over, is_error))
                return;
        Carebus__V1__Event *event = fhir_event(
                f, resource, type, is_over ? CAREBUS__V1__ACTION__ACTION_UPDATE : CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__Condition *body = event ? draft_message(&f->draft, &carebus__v1__condition__descriptor) : NULL;
        if (!body)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_CONDITION;
        event->condition = body;
        condition_read(f, resource, &code, body);
        body->original_status = clinical;
        body->certainty = certainty;
        body->status = (char *)(is_error ? IN_ERROR : is_refuted ? "refuted" : status->status);
        if (is_error)
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        event->recorded_at = fhir_member_when(f, node, "recordedDate") ?: event->recorded_at;
        event->occurred_at = (is_over ? body->resolved_at : body->onset_at ?: body->diagnosed_at) ?: event->occurred_at;
}

/*
 * AllergyIntolerance
 */

/* Codes that say that there is none: R4's own value set of them. */
static const char *const none_known_codes[] = { "716186003", "409137002", "428607008",
                                                "429625007", "428197003", "1003774007" };

static void allergy_read_reaction(Fhir *f, JsonNode *item, Carebus__V1__Allergy *body) {
        char *text = fhir_member_text(f, item, "description");
        const char *substance = clinical_coded_words(fhir_coded(f, json_member(item, "substance")));
        Carebus__V1__Coded *severity = fhir_code(f, json_member(item, "severity"),
                                                 "http://hl7.org/fhir/reaction-event-severity");
        Carebus__V1__When *onset = fhir_member_when(f, item, "onset");
        bool is_first = true;
        text = clinical_join(f, text, substance);
        text = clinical_join(f, text, clinical_coded_words(fhir_coded(f, json_member(item, "exposureRoute"))));
        text = clinical_join(f, text, fhir_annotations(f, json_member(item, "note")));
        JsonNode *manifestation = json_element(json_member(item, "manifestation"), 0);
        do {
                Carebus__V1__AllergyReaction *reaction = draft_message(&f->draft,
                                                                       &carebus__v1__allergy_reaction__descriptor);
                if (!reaction)
                        return;
                reaction->manifestation = fhir_coded(f, manifestation);
                reaction->severity = severity;
                reaction->onset_at = onset;
                reaction->text = is_first ? text : NULL;
                draft_append(&f->draft, &body->n_reactions, &body->reactions, reaction);
                is_first = false;
                manifestation = manifestation ? json_note_next(manifestation) : NULL;
        } while (manifestation);
}

/* An ended allergy says why in an extension of UK Core, at the status or at the resource. */
static void allergy_read_end(Fhir *f, JsonNode *node, Carebus__V1__Allergy *body) {
        JsonNode *end = fhir_uk_extension(json_member(node, "clinicalStatus"), "AllergyIntoleranceEnd")
                                ?: fhir_uk_extension(node, "AllergyIntoleranceEnd");
        char *reason = clinical_words(f, fhir_uk_part(end, "reasonEnded"));
        char *date = clinical_words(f, fhir_uk_part(end, "endDate"));
        if (date)
                body->text = clinical_join(f, body->text, draft_format(&f->draft, "ended: %s", date));
        body->text = clinical_join(f, body->text, reason);
}

static void allergy_read(Fhir *f, const FhirResource *resource, Carebus__V1__Allergy *body) {
        JsonNode *node = resource->node, *asserter = json_member(node, "asserter");
        const char *said_by = asserter ? fhir_reference_type(f, resource, asserter) : NULL;
        ClinicalCode substance;
        clinical_read_code(f, json_member(node, "code"), "allergy.substance", &substance);
        body->identifier = fhir_own_identifier(f, resource);
        body->substance = substance.code;
        body->further_codes = substance.further;
        body->n_further_codes = substance.n_further;
        body->kind = fhir_code(f, json_member(node, "type"), "http://hl7.org/fhir/allergy-intolerance-type");
        JSON_EACH(item, json_member(node, "category")) {
                Carebus__V1__Coded *category = fhir_code(f, item, "http://hl7.org/fhir/allergy-intolerance-category");
                body->type = body->type ?: category;
        }
        body->criticality = fhir_code(f, json_member(node, "criticality"),
                                      "http://hl7.org/fhir/allergy-intolerance-criticality");
        body->text = fhir_annotations(f, json_member(node, "note"));
        body->onset_at = time_or_words(f, fhir_choice(node, "onset"), "onset", &body->text);
        body->recorded_at = fhir_member_when(f, node, "recordedDate");
        body->asserted_by = asserted_by(f, resource);
        if (clinical_is_person(said_by))
                body->reported_by = clinical_own_coded(f, "http://hl7.org/fhir/resource-types", said_by, NULL);
        char *last = fhir_member_text(f, node, "lastOccurrence");
        if (last)
                body->text = clinical_join(f, body->text, draft_format(&f->draft, "last occurrence: %s", last));
        for (size_t i = 0; i < ELEMENTSOF(none_known_codes); i++)
                if (coded_is(body->substance, SYSTEM_SNOMED_CT, none_known_codes[i]))
                        body->has_none_known = body->none_known = true;
        JSON_EACH(item, json_member(node, "reaction"))
                allergy_read_reaction(f, item, body);
        allergy_read_end(f, node, body);
}

void fhir_allergy_intolerance(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node;
        Carebus__V1__Coded *clinical = fhir_coded(f, json_member(node, "clinicalStatus"));
        Carebus__V1__Coded *certainty = fhir_coded(f, json_member(node, "verificationStatus"));
        const char *word = status_word(clinical);
        bool is_error = fhir_is_in_error(resource) || text_equal(status_word(certainty), IN_ERROR);
        Carebus__V1__Event *event = fhir_event(f, resource, "allergy.recorded", CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__Allergy *body = event ? draft_message(&f->draft, &carebus__v1__allergy__descriptor) : NULL;
        if (!body)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_ALLERGY;
        event->allergy = body;
        allergy_read(f, resource, body);
        body->original_status = clinical;
        body->certainty = certainty;
        if (is_error) {
                body->status = (char *)IN_ERROR;
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        } else if (text_equal(status_word(certainty), "refuted"))
                body->status = (char *)"refuted";
        else if (text_equal(word, "active") || text_equal(word, "inactive") || text_equal(word, "resolved"))
                body->status = (char *)word;
        event->recorded_at = body->recorded_at ?: event->recorded_at;
        event->occurred_at = body->onset_at ?: body->recorded_at ?: event->occurred_at;
}
