/* A score of a scale that the bus knows: outcome.measured, out of an Observation. Forms are in translate-questionnaire.c. */
#include <string.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/text.h"

void clinical_read_code(Fhir *f, JsonNode *node, const char *path, ClinicalCode *ret) {
        *ret = (ClinicalCode){ .code = clinical_mapped(f, node, path) };
        fhir_coded_further(f, node, &ret->n_further, &ret->further);
}

static const Scale *scale_of_coded(const Carebus__V1__Coded *coded) {
        const Scale *scale = coded ? scale_find(coded->system, coded->code) : NULL;
        if (!scale && coded && coded->original)
                scale = scale_find(coded->original->system, coded->original->code);
        return scale;
}

const Scale *clinical_scale(const ClinicalCode *code) {
        const Scale *scale = scale_of_coded(code->code);
        for (size_t i = 0; i < code->n_further && !scale; i++)
                scale = scale_of_coded(code->further[i]);
        if (scale || !code->code || (code->code->system && code->code->code))
                return scale;
        /* Words, where no terminology has spoken. */
        scale = scale_find_by_name(code->code->text) ?: scale_find_by_name(code->code->display);
        if (!scale && code->code->original)
                scale = scale_find_by_name(code->code->original->code);
        return scale;
}

Carebus__V1__Coded *clinical_scale_coded(Fhir *f, const Scale *scale, const Carebus__V1__Coded *said) {
        Carebus__V1__Coded *coded = clinical_own_coded(f, scale->system, scale->code, scale->display);
        if (!coded || !said)
                return coded;
        coded->text = (char *)clinical_coded_words(said);
        coded->original = said->original;
        if (!coded->original && said->code && !text_equal(said->code, scale->code)) {
                coded->original = draft_message(&f->draft, &carebus__v1__original_code__descriptor);
                if (coded->original) {
                        coded->original->system = said->system;
                        coded->original->code = said->code;
                        coded->original->display = said->display;
                }
        }
        return coded;
}

static bool is_decimal(const char *text) {
        size_t n;
        if (!text)
                return false;
        text += *text == '-';
        n = strspn(text, "0123456789");
        if (n == 0 || text[n] == '\0')
                return n > 0;
        return text[n] == '.' && text[n + 1] && text[n + 1 + strspn(text + n + 1, "0123456789")] == '\0';
}

Carebus__V1__Quantity *clinical_number(Fhir *f, JsonNode *value) {
        if (!value)
                return NULL;
        if (value->kind == JSON_OBJECT)
                return json_peek(value, "value") ? fhir_quantity(f, value) : NULL;
        if (value->kind != JSON_NUMBER && !(value->kind == JSON_STRING && is_decimal(value->text)))
                return NULL;
        return draft_quantity(&f->draft, fhir_text(f, value), NULL, NULL);
}

Carebus__V1__Quantity *clinical_ordinal(Fhir *f, JsonNode *value) {
        static const char url[] = "http://hl7.org/fhir/StructureDefinition/ordinalValue";
        JsonNode *found = fhir_extension(value, url);
        JSON_EACH(coding, value && json_peek(value, "coding") ? json_member(value, "coding") : NULL)
                found = found ?: fhir_extension(coding, url);
        return clinical_number(f, fhir_choice(found, "value"));
}

static bool is_coded_value(const JsonNode *value) {
        return value && value->kind == JSON_OBJECT && (json_peek(value, "coding") || json_peek(value, "text"));
}

/* One item out of anything that has a code and a value[x]: a component, a member. */
static void measure_add_item(Fhir *f, JsonNode *part, Carebus__V1__Measure *measure) {
        Carebus__V1__MeasureItem *item = draft_message(&f->draft, &carebus__v1__measure_item__descriptor);
        JsonNode *value = fhir_choice(part, "value");
        if (!item)
                return;
        item->item = fhir_coded(f, json_member(part, "code"));
        item->score = clinical_number(f, value);
        if (!item->score && is_coded_value(value)) {
                item->answer = fhir_coded(f, value);
                item->score = clinical_ordinal(f, value);
        }
        if (!item->score && !item->answer)
                item->text = clinical_words(f, value);
        item->not_answered_reason = fhir_coded(f, json_member(part, "dataAbsentReason"));
        item->item_key = (char *)clinical_coded_words(item->item);
        draft_append(&f->draft, &measure->n_items, &measure->items, item);
}

static void measure_read_value(Fhir *f, JsonNode *value, Carebus__V1__Measure *measure) {
        measure->total = clinical_number(f, value);
        if (!value || measure->total)
                return;
        if (is_coded_value(value))
                measure->result = fhir_coded(f, value);
        else
                measure->result = draft_coded(&f->draft, NULL, NULL, NULL, clinical_words(f, value));
}

/* Who filled it in, as far as it says so: a professional may have written down what the person said. */
static void measure_read_people(Fhir *f, const FhirResource *resource, Carebus__V1__Measure *measure) {
        JSON_EACH(actor, json_member(resource->node, "performer")) {
                const char *type = fhir_reference_type(f, resource, actor);
                if (!clinical_is_person(type))
                        continue;
                measure->has_respondent = true;
                measure->respondent = CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT;
                if (!text_equal(type, "RelatedPerson"))
                        continue;
                measure->respondent = CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY;
                measure->respondent_person = fhir_reference_person(f, resource, actor);
        }
        measure->measured_by = clinical_professional(f, resource, json_member(resource->node, "performer"));
}

static const ClinicalStatus measure_statuses[] = {
        { "registered", "preliminary", NULL },
        { "preliminary", "preliminary", NULL },
        { "final", "final", NULL },
        { "amended", "amended", NULL },
        { "corrected", "amended", NULL },
        { "cancelled", "cancelled", NULL },
        { "entered-in-error", "entered-in-error", NULL },
        { NULL, NULL, NULL },
};

void clinical_measure(Fhir *f, const FhirResource *resource, const ClinicalCode *code, const Scale *scale) {
        JsonNode *node = resource->node;
        const ClinicalStatus *status = clinical_status(measure_statuses, json_text(node, "status"));
        Carebus__V1__Event *event = fhir_event(f, resource, "outcome.measured", CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__Measure *measure = event ? draft_message(&f->draft, &carebus__v1__measure__descriptor) : NULL;
        if (!measure)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_MEASURE;
        event->measure = measure;
        measure->identifier = fhir_own_identifier(f, resource);
        measure->scale = clinical_scale_coded(f, scale, code->code);
        measure->recall_period = (char *)scale->recall;
        measure->status = (char *)status->status;
        measure->original_status = fhir_code(f, json_member(node, "status"), "http://hl7.org/fhir/observation-status");
        measure_read_value(f, fhir_choice(node, "value"), measure);
        JSON_EACH(part, json_member(node, "component"))
                measure_add_item(f, part, measure);
        JSON_EACH(member, json_member(node, "hasMember")) {
                const FhirResource *part = fhir_resolve(f, resource, member);
                if (part && text_equal(part->type, "Observation"))
                        measure_add_item(f, part->node, measure);
        }
        measure->not_done_reason = fhir_coded(f, json_member(node, "dataAbsentReason"));
        measure->text = fhir_annotations(f, json_member(node, "note"));
        measure->mode = fhir_coded(f, json_member(node, "method"));
        measure_read_people(f, resource, measure);
        measure->measured_at = clinical_start(f, fhir_choice(node, "effective"));
        event->occurred_at = measure->measured_at ?: event->occurred_at;
        event->recorded_at = fhir_member_when(f, node, "issued") ?: event->recorded_at;
}
