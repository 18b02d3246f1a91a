/*
 * Observation and DiagnosticReport. An Observation of a scale is a score (translate-measure.c), one of a decision, a register or a
 * consent is that (translate-decision.c), any other one is an observation with its components as parts. A report is an observation
 * too: what it concludes, and the files that it shows as documents; what it lists are observations of their own.
 */
#include <string.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/text.h"

#define KIND_NONE CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN

static const ClinicalStatus statuses[] = {
        { "registered", "preliminary", NULL },
        { "partial", "preliminary", NULL },
        { "preliminary", "preliminary", NULL },
        { "final", "final", NULL },
        { "amended", "amended", NULL },
        { "appended", "amended", NULL },
        { "corrected", "corrected", NULL },
        { "cancelled", "cancelled", NULL },
        { "entered-in-error", "entered-in-error", NULL },
        { NULL, NULL, NULL },
};

/*
 * Values: the body of an observation and one of its parts have the same fields by other types
 */

typedef struct Value {
        Carebus__V1__Quantity *number, *low, *high, *numerator, *denominator;
        Carebus__V1__Coded *coded;
        char *text;
        Carebus__V1__When *time;
        bool has_truth;
        protobuf_c_boolean truth;
} Value;

static void sampled_words(Fhir *f, JsonNode *value, Value *ret) {
        ret->low = fhir_quantity(f, json_member(value, "origin"));
        ret->text = fhir_member_text(f, value, "data");
        json_note_mapped(value);
}

static void object_read(Fhir *f, JsonNode *value, Value *ret) {
        if (clinical_says(value->name, "CodeableConcept") || json_peek(value, "coding")) {
                ret->coded = fhir_coded(f, value);
                ret->number = clinical_ordinal(f, value);
        } else if (clinical_says(value->name, "Range")) {
                ret->low = fhir_quantity(f, json_member(value, "low"));
                ret->high = fhir_quantity(f, json_member(value, "high"));
        } else if (clinical_says(value->name, "Ratio")) {
                ret->numerator = fhir_quantity(f, json_member(value, "numerator"));
                ret->denominator = fhir_quantity(f, json_member(value, "denominator"));
        } else if (clinical_says(value->name, "Period")) {
                ret->time = clinical_start(f, value);
                ret->text = clinical_words(f, value);
        } else if (clinical_says(value->name, "SampledData"))
                sampled_words(f, value, ret);
        else if (json_peek(value, "value"))
                ret->number = fhir_quantity(f, value);
        else
                ret->text = clinical_words(f, value);
}

static void value_read(Fhir *f, JsonNode *value, Value *ret) {
        *ret = (Value){ 0 };
        if (!value)
                return;
        if (value->kind == JSON_OBJECT)
                object_read(f, value, ret);
        else if (clinical_says(value->name, "Boolean"))
                ret->has_truth = fhir_truth(f, value, &ret->truth) == 0;
        else if (value->kind == JSON_NUMBER)
                ret->number = clinical_number(f, value);
        else if (clinical_says(value->name, "DateTime"))
                ret->time = fhir_when(f, value);
        else
                ret->text = clinical_words(f, value);
}

typedef struct Range {
        Carebus__V1__Quantity *low, *high;
        char *text;
} Range;

static char *range_words(Fhir *f, JsonNode *item) {
        char *text = fhir_member_text(f, item, "text"), *both = clinical_words(f, item);
        text = clinical_join(f, text, clinical_coded_words(fhir_coded(f, json_member(item, "type"))));
        JSON_EACH(applies, json_member(item, "appliesTo"))
                text = clinical_join(f, text, clinical_coded_words(fhir_coded(f, applies)));
        return clinical_join(f, both, text);
}

/* The first range is the reference; a second one (by age, critical) is words with it. */
static void range_read(Fhir *f, JsonNode *array, Range *ret) {
        *ret = (Range){ 0 };
        JSON_EACH(item, array) {
                bool is_first = !ret->low && !ret->high && !ret->text;
                if (is_first && array->n_children == 1) {
                        ret->low = fhir_quantity(f, json_member(item, "low"));
                        ret->high = fhir_quantity(f, json_member(item, "high"));
                        ret->text = fhir_member_text(f, item, "text");
                        ret->text = clinical_join(f, ret->text,
                                                  clinical_coded_words(fhir_coded(f, json_member(item, "type"))));
                        continue;
                }
                ret->text = clinical_join(f, ret->text, range_words(f, item));
        }
}

static void notes_read(Fhir *f, JsonNode *array, size_t *n, Carebus__V1__Text ***list) {
        char *words = array ? fhir_annotations(f, array) : NULL;
        Carebus__V1__Text *note = words ? draft_message(&f->draft, &carebus__v1__text__descriptor) : NULL;
        if (!note)
                return;
        note->path = fhir_position(f, array);
        note->text = words;
        draft_append(&f->draft, n, list, note);
}

static void part_read(Fhir *f, JsonNode *node, Carebus__V1__Observation *body) {
        Carebus__V1__ObservationPart *part = draft_message(&f->draft, &carebus__v1__observation_part__descriptor);
        Value value;
        Range range;
        if (!part)
                return;
        value_read(f, fhir_choice(node, "value"), &value);
        range_read(f, json_member(node, "referenceRange"), &range);
        part->code = fhir_coded(f, json_member(node, "code"));
        part->value = value.number;
        part->value_low = value.low;
        part->value_high = value.high;
        part->value_coded = value.coded;
        part->value_text = value.text;
        part->value_time = value.time;
        part->has_value_bool = value.has_truth;
        part->value_bool = value.truth;
        if (value.numerator)
                part->value_text = clinical_words(f, fhir_choice(node, "value"));
        part->absent_reason = fhir_coded(f, json_member(node, "dataAbsentReason"));
        fhir_coded_list(f, json_member(node, "interpretation"), &part->n_interpretation, &part->interpretation);
        part->reference_low = range.low;
        part->reference_high = range.high;
        part->reference_text = range.text;
        draft_append(&f->draft, &body->n_parts, &body->parts, part);
}

static void body_set_value(Carebus__V1__Observation *body, const Value *value) {
        body->value = value->number;
        body->value_low = value->low;
        body->value_high = value->high;
        body->value_numerator = value->numerator;
        body->value_denominator = value->denominator;
        body->value_coded = value->coded;
        body->value_text = value->text;
        body->value_time = value->time;
        body->has_value_bool = value->has_truth;
        body->value_bool = value->truth;
}

/*
 * Decisions and other concepts
 */

static void answer_add(Fhir *f, JsonNode *part, Carebus__V1__Decision *decision) {
        Carebus__V1__QuestionAnswer *answer = draft_message(&f->draft, &carebus__v1__question_answer__descriptor);
        JsonNode *node = fhir_choice(part, "value");
        Value value;
        if (!answer)
                return;
        value_read(f, node, &value);
        answer->question = fhir_coded(f, json_member(part, "code"));
        answer->answer = clinical_words(f, node);
        answer->answer_coded = value.coded;
        answer->answer_quantity = value.number;
        answer->answer_time = value.time;
        answer->path = fhir_position(f, part);
        draft_append(&f->draft, &decision->n_answers, &decision->answers, answer);
}

/* A question with nothing behind it decides nothing, and that somebody has no advance decision is none: both stay observations. About
 * resuscitation a bare no is told all the same, since it can mean either. */
static bool decides_nothing(const ClinicalSaid *said, const JsonNode *part) {
        Carebus__V1__Decision__Kind kind = said->concept->decision;
        const char *name = clinical_coded_words(said->code);
        if (!said->value && !said->value_text)
                return json_peek(part, "dataAbsentReason") ||
                       (!said->concept->value && !said->text && cpr_meaning_of_text(name) == CPR_NOT_KNOWN);
        return kind != CAREBUS__V1__DECISION__KIND__KIND_CPR && clinical_says_no(said);
}

/* `part`: the Observation itself, or one of its components. */
static bool concept_read(Fhir *f, const FhirResource *resource, JsonNode *part, const ClinicalCode *code,
                         const char *key) {
        JsonNode *node = resource->node, *value = fhir_choice(part, "value");
        const Concept *concept = clinical_concept(code->code, code->further, code->n_further);
        const char *status = json_text(node, "status");
        bool is_coded = value && value->kind == JSON_OBJECT && (json_peek(value, "coding") || json_peek(value, "text"));
        Carebus__V1__Event *event = NULL;
        if (!concept || (key && concept->decision == KIND_NONE))
                return false;
        ClinicalSaid said = {
                .resource = resource,
                .concept = concept,
                .code = code->code,
                .value = is_coded ? fhir_coded(f, value) : NULL,
                .value_text = is_coded ? NULL : clinical_words(f, value),
                .identifier = key ? clinical_part_identifier(f, resource, key) : NULL,
                .at = clinical_start(f, fhir_choice(node, "effective")),
                .ended_at = clinical_end(f, fhir_choice(node, "effective")),
                .by = clinical_professional(f, resource, json_member(node, "performer")),
                .original_status = fhir_code(f, json_member(node, "status"), "http://hl7.org/fhir/observation-status"),
                .text = fhir_annotations(f, json_member(node, "note")),
                .is_ended = text_equal(status, "cancelled"),
                .is_draft = text_equal(status, "preliminary") || text_equal(status, "registered"),
                .is_error = fhir_is_in_error(resource),
        };
        if (decides_nothing(&said, part) || !clinical_say(f, &said, &event))
                return false;
        if (key || !event || event->body_case != CAREBUS__V1__EVENT__BODY_DECISION)
                return true;
        JSON_EACH(item, json_member(node, "component"))
                answer_add(f, item, event->decision);
        return true;
}

/* A component may be a decision of its own in a panel of other things: it is told as one, and stays a part. */
static void components_say(Fhir *f, const FhirResource *resource) {
        size_t index = 0;
        JSON_EACH(part, json_member(resource->node, "component")) {
                ClinicalCode code;
                clinical_read_code(f, json_member(part, "code"), "observation.parts.code", &code);
                concept_read(f, resource, part, &code, draft_format(&f->draft, "component-%zu", index++));
        }
}

/*
 * Observations
 */

/* What a reference is called, where it leads to no event of its own: a specimen, a device. */
static Carebus__V1__Coded *thing_read(Fhir *f, const FhirResource *resource, JsonNode *reference) {
        FhirResource *found = reference ? fhir_resolve(f, resource, reference) : NULL;
        Carebus__V1__Coded *type = found ? fhir_coded(f, json_member(found->node, "type")) : NULL;
        char *words = reference ? fhir_member_text(f, reference, "display") : NULL;
        if (found)
                found->is_used = true;
        if (type)
                return type;
        if (!words && reference) {
                const Carebus__V1__Identifier *identifier = fhir_reference_identifier(f, resource, reference);
                words = identifier ? identifier->value : NULL;
        }
        return draft_coded(&f->draft, NULL, NULL, NULL, words);
}

/* The report and the panel that it was reported in, where they are in the same message. */
static void report_find(Fhir *f, const FhirResource *resource, Carebus__V1__Observation *body) {
        const FhirResource *above;
        clinical_link(f);
        above = resource->report ?: resource->panel;
        if (resource->report)
                body->report = fhir_own_identifier(f, resource->report);
        if (above)
                body->panel = fhir_coded(f, json_member(above->node, "code"));
}

static void people_read(Fhir *f, const FhirResource *resource, Carebus__V1__Observation *body) {
        JSON_EACH(actor, json_member(resource->node, "performer")) {
                const char *type = fhir_reference_type(f, resource, actor);
                if (clinical_is_person(type))
                        body->said_by = clinical_own_coded(f, "http://hl7.org/fhir/resource-types", type, NULL);
                else if (clinical_is_service(type))
                        body->performer_organisation = body->performer_organisation
                                                               ?: fhir_reference_organisation(f, resource, actor);
                else if (!body->performer)
                        body->performer = fhir_reference_practitioner(f, resource, actor);
        }
}

static void times_read(Fhir *f, const FhirResource *resource, Carebus__V1__Event *event,
                       Carebus__V1__Observation *body) {
        JsonNode *effective = fhir_choice(resource->node, "effective");
        body->observed_at = clinical_start(f, effective);
        if (effective && clinical_says(effective->name, "Period"))
                body->observed_period = fhir_period(f, effective);
        else if (effective && effective->kind == JSON_OBJECT) /* a Timing: its first moment, and its words */
                body->observed_at = fhir_when(f, json_element(json_member(effective, "event"), 0));
        body->issued_at = fhir_member_when(f, resource->node, "issued");
        event->occurred_at = body->observed_at ?: body->issued_at ?: event->occurred_at;
        event->recorded_at = body->issued_at ?: event->recorded_at;
}

static bool is_symptom(const Carebus__V1__Coded *category) {
        return category &&
               (clinical_says(clinical_coded_words(category), "symptom") || text_equal(category->code, "symptom"));
}

static Carebus__V1__Observation *observation_new(Fhir *f, const FhirResource *resource, const char *type,
                                                 Carebus__V1__Event **ret_event) {
        Carebus__V1__Event *event = fhir_event(f, resource, type, CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__Observation *body = event ? draft_message(&f->draft, &carebus__v1__observation__descriptor) : NULL;
        if (!body)
                return NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_OBSERVATION;
        event->observation = body;
        body->identifier = fhir_own_identifier(f, resource);
        body->status = (char *)clinical_status(statuses, json_text(resource->node, "status"))->status;
        *ret_event = event;
        return body;
}

static void observation_read(Fhir *f, const FhirResource *resource, const ClinicalCode *code) {
        JsonNode *node = resource->node;
        Carebus__V1__Coded *category = clinical_first_coded(f, json_member(node, "category"));
        Carebus__V1__Event *event;
        Carebus__V1__Observation *body = observation_new(
                f, resource, is_symptom(category) ? "symptom.reported" : "observation.recorded", &event);
        Value value;
        Range range;
        if (!body)
                return;
        body->code = code->code;
        body->category = category;
        body->original_status = fhir_code(f, json_member(node, "status"), "http://hl7.org/fhir/observation-status");
        value_read(f, fhir_choice(node, "value"), &value);
        body_set_value(body, &value);
        range_read(f, json_member(node, "referenceRange"), &range);
        body->reference_low = range.low;
        body->reference_high = range.high;
        body->reference_text = range.text;
        body->absent_reason = fhir_coded(f, json_member(node, "dataAbsentReason"));
        fhir_coded_list(f, json_member(node, "interpretation"), &body->n_interpretation, &body->interpretation);
        body->method = fhir_coded(f, json_member(node, "method"));
        body->body_site = fhir_coded(f, json_member(node, "bodySite"));
        body->device = thing_read(f, resource, json_member(node, "device"));
        body->specimen = thing_read(f, resource, json_member(node, "specimen"));
        body->order = fhir_reference_identifier(f, resource, json_element(json_member(node, "basedOn"), 0));
        event->order_id = body->order;
        notes_read(f, json_member(node, "note"), &body->n_notes, &body->notes);
        people_read(f, resource, body);
        times_read(f, resource, event, body);
        JSON_EACH(part, json_member(node, "component"))
                part_read(f, part, body);
        JSON_EACH(member, json_member(node, "hasMember")) {
                const FhirResource *found = fhir_resolve(f, resource, member);
                json_note_mapped(member);
                if (found && found->container && text_equal(found->type, "Observation"))
                        part_read(f, found->node, body);
        }
        report_find(f, resource, body);
}

void fhir_observation(Fhir *f, const FhirResource *resource) {
        ClinicalCode code;
        clinical_read_code(f, json_member(resource->node, "code"), "observation.code", &code);
        const Concept *concept = clinical_concept(code.code, code.further, code.n_further);
        const Scale *scale = concept && concept->decision != KIND_NONE ? NULL : clinical_scale(&code);
        if (scale) {
                clinical_measure(f, resource, &code, scale);
                return;
        }
        if (concept_read(f, resource, resource->node, &code, NULL))
                return;
        observation_read(f, resource, &code);
        components_say(f, resource);
}

/*
 * Reports
 */

static void report_read(Fhir *f, const FhirResource *resource, const ClinicalCode *code) {
        JsonNode *node = resource->node;
        Carebus__V1__Event *event;
        Carebus__V1__Observation *body = observation_new(f, resource, "observation.recorded", &event);
        if (!body)
                return;
        body->code = body->panel = code->code;
        body->report = body->identifier;
        body->category = clinical_first_coded(f, json_member(node, "category"));
        body->original_status = fhir_code(f, json_member(node, "status"),
                                          "http://hl7.org/fhir/diagnostic-report-status");
        body->value_text = fhir_member_text(f, node, "conclusion");
        JSON_EACH(item, json_member(node, "conclusionCode")) {
                Carebus__V1__Coded *coded = fhir_coded(f, item);
                if (!body->value_coded)
                        body->value_coded = coded;
                else
                        body->text = clinical_join(f, body->text, clinical_coded_words(coded));
        }
        body->specimen = thing_read(f, resource, json_element(json_member(node, "specimen"), 0));
        body->order = fhir_reference_identifier(f, resource, json_element(json_member(node, "basedOn"), 0));
        event->order_id = body->order;
        people_read(f, resource, body);
        times_read(f, resource, event, body);
        JSON_EACH(result, json_member(node, "result")) {
                const FhirResource *found = fhir_resolve(f, resource, result);
                json_note_mapped(result); /* an entry is an observation of its own, which says which report it is of */
                if (found && found->container && text_equal(found->type, "Observation"))
                        part_read(f, found->node, body);
        }
}

void fhir_diagnostic_report(Fhir *f, const FhirResource *resource) {
        ClinicalCode code;
        clinical_read_code(f, json_member(resource->node, "code"), "observation.code", &code);
        report_read(f, resource, &code);
        JSON_EACH(form, json_member(resource->node, "presentedForm"))
                (void)clinical_attachment(f, resource, form, code.code);
}
