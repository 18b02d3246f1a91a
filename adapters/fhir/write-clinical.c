/*
 * What was decided, found, measured and given: Observation, Condition, AllergyIntolerance, the four resources of medicines, Flag,
 * DocumentReference.
 */
#include <string.h>

#include "adapters/fhir/write-rules.h"
#include "base/sha256.h"
#include "base/text.h"
#include "canon/vocabulary.h"

#define ROW(field, element, type) \
        { field, element, (WriteValue)write_##type, NULL }
#define PLAIN(field, element) \
        { field, element, NULL, NULL }
#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name

static bool is_in_error(const Writer *w) {
        return w->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
}

/* {"coding":[{"system":...,"code":...}]} of R4's own status systems. */
static void put_status(Writer *w, const char *element, const char *system, const char *code, JsonNode *resource) {
        JsonNode *concept = code ? tree_object(w) : NULL;

        if (!concept)
                return;
        tree_put_text(w, concept, "coding[0].system", system);
        tree_put_text(w, concept, "coding[0].code", code);
        tree_put(w, resource, element, concept);
}

/* ---- values of any kind, of an observation and of its parts */

typedef struct Said {
        const Carebus__V1__Quantity *number, *low, *high, *numerator, *denominator;
        const Carebus__V1__Coded *coded;
        const char *text;
        const Carebus__V1__When *time;
        bool has_truth, truth;
} Said;

static JsonNode *pair(Writer *w, const char *one, JsonNode *a, const char *other, JsonNode *b) {
        JsonNode *node = tree_object(w);

        tree_put(w, node, one, a);
        tree_put(w, node, other, b);
        return tree_or_null(node);
}

/* The first that is there, in the order in which it says most; value[x] has one type. */
static void put_value(Writer *w, const Said *said, JsonNode *node) {
        const struct {
                const char *element;
                JsonNode *value;
        } choices[] = {
                { "valueQuantity", write_quantity(w, said->number) },
                { "valueCodeableConcept", write_coded(w, said->coded) },
                { "valueRatio", said->numerator ? pair(w, "numerator", write_quantity(w, said->numerator),
                                                       "denominator", write_quantity(w, said->denominator))
                                                : NULL },
                { "valueRange", pair(w, "low", write_quantity(w, said->low), "high", write_quantity(w, said->high)) },
                { "valueDateTime", write_when(w, said->time) },
                { "valueBoolean", said->has_truth ? tree_truth(w, said->truth) : NULL },
                { "valueString", tree_text(w, said->text) },
        };

        for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
                if (choices[i].value) {
                        tree_put(w, node, choices[i].element, choices[i].value);
                        return;
                }
}

static void put_range(Writer *w, const Carebus__V1__Quantity *low, const Carebus__V1__Quantity *high, const char *text,
                      JsonNode *node) {
        JsonNode *range = pair(w, "low", write_quantity(w, low), "high", write_quantity(w, high));

        if (!range && text)
                range = tree_object(w);
        tree_put_text(w, range, "text", text);
        if (tree_or_null(range))
                tree_put(w, node, "referenceRange[]", range);
}

static const WriteWord observation_words[] = {
        { "preliminary", "preliminary" },
        { "final", "final" },
        { "amended", "amended" },
        { "corrected", "corrected" },
        { "cancelled", "cancelled" },
        { "entered-in-error", "entered-in-error" },
        { NULL, "unknown" },
};

static void put_observation_status(Writer *w, const char *status, JsonNode *resource) {
        tree_put_text(w, resource, "status",
                      is_in_error(w) ? "entered-in-error" : write_word(observation_words, status));
}

/* ---- Observation */

static JsonNode *part_write(Writer *w, const Carebus__V1__ObservationPart *part) {
        const Said said = { part->value,
                            part->value_low,
                            part->value_high,
                            NULL,
                            NULL,
                            part->value_coded,
                            part->value_text,
                            part->value_time,
                            part->has_value_bool,
                            part->value_bool };
        JsonNode *node = tree_object(w);

        if (!node)
                return NULL;
        tree_put(w, node, "code", write_coded(w, part->code));
        put_value(w, &said, node);
        tree_put(w, node, "dataAbsentReason", write_coded(w, part->absent_reason));
        for (size_t i = 0; i < part->n_interpretation; i++)
                tree_put(w, node, "interpretation[]", write_coded(w, part->interpretation[i]));
        put_range(w, part->reference_low, part->reference_high, part->reference_text, node);
        return json_peek(node, "code") ? node : NULL;
}

static JsonNode *note_write(Writer *w, const Carebus__V1__Text *note) {
        return write_annotation(w, note->text);
}

static const char *words_of(const Carebus__V1__Coded *coded) {
        if (!coded)
                return NULL;
        if (coded->text || coded->display || coded->code)
                return coded->text ?: coded->display ?: coded->code;
        return coded->original ? coded->original->display ?: coded->original->code : NULL;
}

static void put_performers(Writer *w, const Carebus__V1__Practitioner *performer,
                           const Carebus__V1__Organisation *organisation, JsonNode *resource) {
        tree_put(w, resource, "performer[]", write_practitioner(w, performer));
        tree_put(w, resource, "performer[]", write_organisation(w, organisation));
}

static void observation_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("category", "category[]", coded),
                ROW("code", "code", coded),
                ROW("issued_at", "issued", instant),
                ROW("absent_reason", "dataAbsentReason", coded),
                ROW("interpretation", "interpretation[]", coded),
                { "notes", "note[]", (WriteValue)note_write, NULL },
                ROW("method", "method", coded),
                ROW("body_site", "bodySite", coded),
                { "parts", "component[]", (WriteValue)part_write, NULL },
                ROW_END,
        };
        const Carebus__V1__Observation *body = message;
        const Said said = { body->value,           body->value_low,         body->value_high,
                            body->value_numerator, body->value_denominator, body->value_coded,
                            body->value_text,      body->value_time,        body->has_value_bool,
                            body->value_bool };

        put_observation_status(w, body->status, resource);
        write_rows(w, rows, &body->base, resource);
        put_value(w, &said, resource);
        if (body->observed_period)
                tree_put(w, resource, "effectivePeriod", write_period(w, body->observed_period));
        else
                tree_put(w, resource, "effectiveDateTime", write_when(w, body->observed_at));
        put_performers(w, body->performer, body->performer_organisation, resource);
        put_range(w, body->reference_low, body->reference_high, body->reference_text, resource);
        tree_put(w, resource, "device", write_reference(w, "Device", NULL, words_of(body->device)));
        tree_put(w, resource, "specimen", write_reference(w, "Specimen", NULL, words_of(body->specimen)));
        tree_put(w, resource, "basedOn[]", write_reference(w, "ServiceRequest", body->order, NULL));
}

/* ---- scores */

static JsonNode *item_write(Writer *w, const Carebus__V1__MeasureItem *item) {
        const Said said = { .number = item->score, .coded = item->score ? NULL : item->answer, .text = item->text };
        JsonNode *node = tree_object(w);

        if (!node)
                return NULL;
        tree_put(w, node, "code", write_coded(w, item->item));
        if (!item->item)
                tree_put_text(w, node, "code.text", item->item_key);
        put_value(w, &said, node);
        tree_put(w, node, "dataAbsentReason", write_coded(w, item->not_answered_reason));
        return json_peek(node, "code") ? node : NULL;
}

static void measure_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("scale", "code", coded),
                ROW("measured_at", "effectiveDateTime", when),
                ROW("measured_by", "performer[]", practitioner),
                ROW("not_done_reason", "dataAbsentReason", coded),
                ROW("text", "note[]", annotation),
                ROW("mode", "method", coded),
                { "items", "component[]", (WriteValue)item_write, NULL },
                ROW_END,
        };
        const Carebus__V1__Measure *body = message;
        const Said said = { .number = body->total, .coded = body->result };

        put_observation_status(w, body->status, resource);
        write_rows(w, rows, &body->base, resource);
        put_value(w, &said, resource);
        put_status(w, "category[]", "http://terminology.hl7.org/CodeSystem/observation-category", "survey", resource);
        if (body->respondent_person)
                tree_put(w, resource, "performer[]", write_person(w, body->respondent_person));
}

/* ---- decisions */

/* The question of a kind of decision: the concept that asks and does not answer. */
static const Concept *question_of(Carebus__V1__Decision__Kind kind) {
        const Concept *found = NULL, *concept;

        for (size_t i = 0; (concept = concept_at(i)); i++)
                if (concept->decision == kind && !concept->value && concept->code &&
                    (!found || (!found->name && concept->name)))
        found = concept;
        return found;
}

static void put_question(Writer *w, const Carebus__V1__Decision *body, JsonNode *resource) {
        const Concept *question = body->kind != KIND(UNKNOWN) ? question_of(body->kind) : NULL;

        if (!question) {
                tree_put_text(w, resource, "code.text", words_of(body->form_type) ?: body->decision_text ?: "decision");
                return;
        }
        tree_put_text(w, resource, "code.coding[0].system", question->system);
        tree_put_text(w, resource, "code.coding[0].code", question->code);
        tree_put_text(w, resource, "code.coding[0].display", question->display);
}

/* What a person has to read beside the decision, whoever's system it is. */
static void put_decision_notes(Writer *w, const Carebus__V1__Decision *body, JsonNode *resource) {
        const struct {
                const char *label, *text;
        } notes[] = { { "Form kept at", body->original_location },
                      { "Form", words_of(body->form_type) },
                      { "Reason", body->reason_text },
                      { "Ended because", body->end_text ?: words_of(body->end_reason) },
                      { "Review by", body->review_at ? body->review_at->text : NULL },
                      { "Applies", body->scope_text },
                      { "When", body->circumstances } };

        tree_put(w, resource, "note[]", write_annotation(w, body->text));
        for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
                if (notes[i].text)
                        tree_put(w, resource, "note[]",
                                 write_annotation(w, arena_format(w->arena, "%s: %s", notes[i].label, notes[i].text)));
}

static JsonNode *answer_write(Writer *w, const Carebus__V1__QuestionAnswer *answer) {
        const Said said = { .number = answer->answer_quantity,
                            .coded = answer->answer_coded,
                            .time = answer->answer_time,
                            .text = answer->answer };
        JsonNode *node = tree_object(w);

        tree_put(w, node, "code", write_coded(w, answer->question));
        if (!node || !json_peek(node, "code"))
                return NULL;
        put_value(w, &said, node);
        return node;
}

static void decision_write(Writer *w, const void *message, JsonNode *resource) {
        static const char *const statuses[] = {
                [CAREBUS__V1__DECISION__STATUS__STATUS_UNKNOWN] = "final",
                [CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE] = "final",
                [CAREBUS__V1__DECISION__STATUS__STATUS_ENDED] = "cancelled",
                [CAREBUS__V1__DECISION__STATUS__STATUS_SUPERSEDED] = "cancelled",
                [CAREBUS__V1__DECISION__STATUS__STATUS_CANCELLED] = "cancelled",
                [CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR] = "entered-in-error",
                [CAREBUS__V1__DECISION__STATUS__STATUS_SUSPENDED] = "preliminary",
                [CAREBUS__V1__DECISION__STATUS__STATUS_DRAFT] = "preliminary",
                [CAREBUS__V1__DECISION__STATUS__STATUS_RETRACTED] = "cancelled",
        };
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("decision", "valueCodeableConcept", coded),
                ROW("decided_by", "performer[]", practitioner),
                { "answers", "component[]", (WriteValue)answer_write, NULL },
                ROW_END,
        };
        const Carebus__V1__Decision *body = message;
        bool is_over = text_equal(strrchr(w->event->type ?: "", '.'), ".ended");
        const char *status = (size_t)body->status < sizeof(statuses) / sizeof(statuses[0]) ? statuses[body->status]
                                                                                           : "final";

        if (is_over && strcmp(status, "final") == 0)
                status = "cancelled";
        tree_put_text(w, resource, "status", is_in_error(w) ? "entered-in-error" : status);
        put_question(w, body, resource);
        write_rows(w, rows, &body->base, resource);
        if (!body->decision)
                tree_put_text(w, resource, "valueString", body->decision_text);
        if (body->ended_at)
                tree_put(w, resource, "effectivePeriod", write_span(w, body->decided_at, body->ended_at));
        else
                tree_put(w, resource, "effectiveDateTime", write_when(w, body->decided_at));
        put_decision_notes(w, body, resource);
}

/* ---- Condition */

static void condition_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteWord words[] = {
                { "active", "active" }, { "remission", "remission" }, { "resolved", "resolved" }, { NULL, NULL }
        };
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("category", "category[]", coded),
                ROW("severity", "severity", coded),
                ROW("code", "code", coded),
                ROW("body_site", "bodySite[]", coded),
                ROW("onset_at", "onsetDateTime", when),
                ROW("resolved_at", "abatementDateTime", when),
                ROW("asserted_by", "asserter", practitioner),
                ROW("stage", "stage[0].summary", coded),
                ROW("text", "note[]", annotation),
                { "diagnosed_at", "valueDateTime", (WriteValue)write_when, HL7_EXTENSION "condition-assertedDate" },
                ROW_END,
        };
        const Carebus__V1__Condition *body = message;
        static const char verification[] = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
        bool is_error = is_in_error(w) || text_equal(body->status, "entered-in-error");

        if (is_error)
                put_status(w, "verificationStatus", verification, "entered-in-error", resource);
        else if (text_equal(body->status, "refuted"))
                put_status(w, "verificationStatus", verification, "refuted", resource);
        else if (body->certainty && text_equal(body->certainty->system, verification))
                put_status(w, "verificationStatus", verification, body->certainty->code, resource);
        if (!is_error)
                put_status(w, "clinicalStatus", "http://terminology.hl7.org/CodeSystem/condition-clinical",
                           write_word(words, body->status), resource);
        write_rows(w, rows, &body->base, resource);
        for (size_t i = 0; i < body->n_further_codes; i++)
                tree_put(w, resource, "code.coding[]", write_coding(w, body->further_codes[i]));
        tree_put(w, resource, "recordedDate", write_when(w, w->event->recorded_at));
}

/* ---- AllergyIntolerance */

static JsonNode *reaction_write(Writer *w, const Carebus__V1__AllergyReaction *reaction) {
        static const WriteWord severities[] = { { "mild", "mild" }, { "moderate", "moderate" }, { "severe", "severe" },
                                                { "MI", "mild" },   { "MO", "moderate" },       { "SV", "severe" },
                                                { NULL, NULL } };
        JsonNode *node = tree_object(w);

        if (!node)
                return NULL;
        tree_put(w, node, "manifestation[]", write_coded(w, reaction->manifestation));
        if (!reaction->manifestation)
                tree_put_text(w, node, "manifestation[0].text", reaction->text);
        tree_put_text(w, node, "severity",
                      write_word(severities,
                                 reaction->severity ? reaction->severity->code ?: words_of(reaction->severity) : NULL));
        tree_put(w, node, "onset", write_when(w, reaction->onset_at));
        if (reaction->manifestation)
                tree_put_text(w, node, "description", reaction->text);
        return json_peek(node, "manifestation") ? node : NULL;
}

static void put_word_of(Writer *w, const char *element, const Carebus__V1__Coded *coded, const WriteWord *words,
                        JsonNode *resource) {
        const char *code = !coded ? NULL : coded->code ? coded->code : coded->original ? coded->original->code : NULL;

        tree_put_text(w, resource, element, write_word(words, code));
}

static void allergy_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteWord states[] = { { "active", "active" },
                                            { "inactive", "inactive" },
                                            { "resolved", "resolved" },
                                            { NULL, NULL } },
                               kinds[] = { { "allergy", "allergy" }, { "intolerance", "intolerance" }, { NULL, NULL } },
                               categories[] = { { "food", "food" },
                                                { "medication", "medication" },
                                                { "environment", "environment" },
                                                { "biologic", "biologic" },
                                                { "DA", "medication" },
                                                { "FA", "food" },
                                                { "EA", "environment" },
                                                { NULL, NULL } },
                               criticalities[] = { { "low", "low" },
                                                   { "high", "high" },
                                                   { "unable-to-assess", "unable-to-assess" },
                                                   { NULL, NULL } };
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("substance", "code", coded),
                ROW("onset_at", "onsetDateTime", when),
                ROW("recorded_at", "recordedDate", when),
                ROW("asserted_by", "asserter", practitioner),
                ROW("text", "note[]", annotation),
                { "reactions", "reaction[]", (WriteValue)reaction_write, NULL },
                ROW_END,
        };
        const Carebus__V1__Allergy *body = message;
        static const char verification[] = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
        bool is_error = is_in_error(w) || text_equal(body->status, "entered-in-error");
        const char *certainty = is_error                              ? "entered-in-error"
                                : text_equal(body->status, "refuted") ? "refuted"
                                : body->certainty && text_equal(body->certainty->system, verification)
                                        ? body->certainty->code
                                        : NULL;

        put_status(w, "verificationStatus", verification, certainty, resource);
        if (!is_error)
                put_status(w, "clinicalStatus", "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                           write_word(states, body->status), resource);
        put_word_of(w, "type", body->kind, kinds, resource);
        put_word_of(w, "category[]", body->type, categories, resource);
        put_word_of(w, "criticality", body->criticality, criticalities, resource);
        write_rows(w, rows, &body->base, resource);
        for (size_t i = 0; i < body->n_further_codes; i++)
                tree_put(w, resource, "code.coding[]", write_coding(w, body->further_codes[i]));
}

/* ---- medicines */

static const char *medication_choose(const void *message, const Carebus__V1__Event *event) {
        static const char *const types[] = { [CAREBUS__V1__MEDICATION__ACT__ACT_GIVEN] = "MedicationAdministration",
                                             [CAREBUS__V1__MEDICATION__ACT__ACT_DISPENSED] = "MedicationDispense",
                                             [CAREBUS__V1__MEDICATION__ACT__ACT_TAKEN] = "MedicationStatement" };
        const Carebus__V1__Medication *body = message;
        const char *type = (size_t)body->act < sizeof(types) / sizeof(types[0]) ? types[body->act] : NULL;

        if (!type && text_equal(event->type, "medication.given"))
                type = "MedicationAdministration";
        return type ?: "MedicationRequest";
}

static JsonNode *ingredient_write(Writer *w, const Carebus__V1__MedicationIngredient *ingredient) {
        JsonNode *node = tree_object(w);

        if (!node)
                return NULL;
        tree_put(w, node, "itemCodeableConcept", write_coded(w, ingredient->drug));
        if (ingredient->amount) {
                tree_put(w, node, "strength.numerator", write_quantity(w, ingredient->amount));
                if (json_peek(node, "strength")) {
                        tree_put(w, node, "strength.denominator.value", tree_number(w, "1"));
                }
        }
        return json_peek(node, "itemCodeableConcept") ? node : NULL;
}

/* A name is enough for most; a mixture, a form or a batch needs a Medication. */
static void put_drug(Writer *w, const Carebus__V1__Medication *body, JsonNode *resource) {
        JsonNode *concept = write_coded(w, body->drug), *medication;

        for (size_t i = 0; concept && i < body->n_further_codes; i++)
                tree_put(w, concept, "coding[]", write_coding(w, body->further_codes[i]));
        if (!body->form && !body->batch && !body->n_ingredients) {
                tree_put(w, resource, "medicationCodeableConcept", concept);
                return;
        }
        medication = tree_object(w);
        tree_put_text(w, medication, "resourceType", "Medication");
        tree_put_text(w, medication, "id", "medication");
        tree_put(w, medication, "code", concept);
        tree_put(w, medication, "form", write_coded(w, body->form));
        for (size_t i = 0; i < body->n_ingredients; i++)
                tree_put(w, medication, "ingredient[]", ingredient_write(w, body->ingredients[i]));
        tree_put_text(w, medication, "batch.lotNumber", body->batch);
        if (body->batch)
                tree_put(w, medication, "batch.expirationDate", write_when(w, body->expires_at));
        tree_put(w, w->resource, "contained[]", medication);
        tree_put_text(w, resource, "medicationReference.reference", "#medication");
}

static void put_timing(Writer *w, const Carebus__V1__Medication *body, JsonNode *dosage) {
        tree_put(w, dosage, "timing.code", write_coded(w, body->frequency));
        if (!body->frequency && body->frequency_text)
                tree_put_text(w, dosage, "timing.code.text", body->frequency_text);
        if (body->act != CAREBUS__V1__MEDICATION__ACT__ACT_TAKEN)
                tree_put(w, dosage, "timing.repeat.boundsPeriod", write_span(w, body->start_at, body->stop_at));
        if (body->as_needed_reason)
                tree_put_text(w, dosage, "asNeededCodeableConcept.text", body->as_needed_reason);
        else if (body->has_as_needed)
                tree_put(w, dosage, "asNeededBoolean", tree_truth(w, body->as_needed));
}

static void put_dose(Writer *w, const Carebus__V1__Medication *body, JsonNode *dosage, bool is_given) {
        tree_put_text(w, dosage, "text", body->dose_text);
        tree_put(w, dosage, "route", write_coded(w, body->route));
        tree_put(w, dosage, "site", write_coded(w, body->site));
        tree_put(w, dosage, "method", write_coded(w, body->method));
        if (is_given) {
                tree_put(w, dosage, "dose", write_quantity(w, body->dose));
                tree_put(w, dosage, "rateQuantity", write_quantity(w, body->rate));
                return;
        }
        tree_put_text(w, dosage, "patientInstruction", body->instructions);
        if (body->dose_max)
                tree_put(w, dosage, "doseAndRate[0].doseRange",
                         pair(w, "low", write_quantity(w, body->dose), "high", write_quantity(w, body->dose_max)));
        else
                tree_put(w, dosage, "doseAndRate[0].doseQuantity", write_quantity(w, body->dose));
        tree_put(w, dosage, "doseAndRate[0].rateQuantity", write_quantity(w, body->rate));
        put_timing(w, body, dosage);
}

/* One table of states a resource: the words of R4 differ. */
static const char *medication_status(const char *type, const char *status, const Carebus__V1__Event *event) {
        static const WriteWord given[] = { { "completed", "completed" }, { "not-given", "not-done" },
                                           { "on-hold", "on-hold" },     { "active", "in-progress" },
                                           { "stopped", "stopped" },     { "entered-in-error", "entered-in-error" },
                                           { NULL, "completed" } },
                               asked[] = { { "active", "active" },       { "changed", "active" },
                                           { "on-hold", "on-hold" },     { "stopped", "stopped" },
                                           { "completed", "completed" }, { "cancelled", "cancelled" },
                                           { "draft", "draft" },         { "entered-in-error", "entered-in-error" },
                                           { NULL, "unknown" } },
                               taken[] = { { "active", "active" },
                                           { "changed", "active" },
                                           { "on-hold", "on-hold" },
                                           { "stopped", "stopped" },
                                           { "completed", "completed" },
                                           { "not-given", "not-taken" },
                                           { "draft", "intended" },
                                           { "cancelled", "stopped" },
                                           { "entered-in-error", "entered-in-error" },
                                           { NULL, "unknown" } },
                               dispensed[] = { { "completed", "completed" }, { "active", "in-progress" },
                                               { "draft", "preparation" },   { "on-hold", "on-hold" },
                                               { "cancelled", "cancelled" }, { "stopped", "stopped" },
                                               { "not-given", "declined" },  { "entered-in-error", "entered-in-error" },
                                               { NULL, "unknown" } };

        if (event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR)
                return "entered-in-error";
        if (strcmp(type, "MedicationAdministration") == 0)
                return write_word(given, status);
        if (strcmp(type, "MedicationDispense") == 0)
                return write_word(dispensed, status);
        return write_word(strcmp(type, "MedicationStatement") == 0 ? taken : asked,
                          status
                                  ?: text_equal(event->type, "medication.started") ? "active"
                                                                                   : NULL);
}

static void request_write(Writer *w, const Carebus__V1__Medication *body, JsonNode *resource) {
        tree_put_text(w, resource, "intent", "order");
        tree_put(w, resource, "authoredOn", write_when(w, body->prescribed_at));
        tree_put(w, resource, "requester", write_practitioner(w, body->prescriber));
        tree_put(w, resource, "dispenseRequest.quantity", write_quantity(w, body->supply));
        tree_put(w, resource, "courseOfTherapyType", write_coded(w, body->course));
        tree_put(w, resource, "priorPrescription", write_reference(w, "MedicationRequest", body->replaces, NULL));
        for (size_t i = 0; i < body->n_categories; i++)
                tree_put(w, resource, "category[]", write_coded(w, body->categories[i]));
        tree_put(w, resource, "statusReason", write_coded(w, body->stop_reason));
}

static void given_write(Writer *w, const Carebus__V1__Medication *body, JsonNode *resource) {
        tree_put(w, resource, "effectiveDateTime", write_when(w, body->given_at ?: body->start_at));
        if (body->given_by)
                tree_put(w, resource, "performer[0].actor", write_practitioner(w, body->given_by));
        tree_put(w, resource, "device[]", write_reference(w, "Device", NULL, words_of(body->device)));
        tree_put(w, resource, "statusReason[]", write_coded(w, body->not_given_reason ?: body->stop_reason));
}

static void taken_write(Writer *w, const Carebus__V1__Medication *body, JsonNode *resource) {
        tree_put(w, resource, "effectivePeriod", write_span(w, body->start_at, body->stop_at));
        tree_put(w, resource, "informationSource", write_practitioner(w, body->prescriber));
        tree_put(w, resource, "statusReason[]", write_coded(w, body->not_given_reason ?: body->stop_reason));
}

static void dispensed_write(Writer *w, const Carebus__V1__Medication *body, JsonNode *resource) {
        tree_put(w, resource, "quantity", write_quantity(w, body->supply));
        tree_put(w, resource, "whenHandedOver", write_when(w, body->start_at));
        if (body->given_by)
                tree_put(w, resource, "performer[0].actor", write_practitioner(w, body->given_by));
        tree_put(w, resource, "statusReasonCodeableConcept",
                 write_coded(w, body->not_given_reason ?: body->stop_reason));
}

static void medication_write(Writer *w, const void *message, JsonNode *resource) {
        static const struct {
                const char *type, *dosage;
                void (*write)(Writer *w, const Carebus__V1__Medication *body, JsonNode *resource);
        } forms[] = { { "MedicationRequest", "dosageInstruction[]", request_write },
                      { "MedicationAdministration", "dosage", given_write },
                      { "MedicationStatement", "dosage[]", taken_write },
                      { "MedicationDispense", "dosageInstruction[]", dispensed_write } };
        const Carebus__V1__Medication *body = message;
        const char *type = medication_choose(body, w->event);
        bool is_given = strcmp(type, "MedicationAdministration") == 0;
        JsonNode *dosage = tree_object(w);

        tree_put_text(w, resource, "status", medication_status(type, body->status, w->event));
        tree_put(w, resource, "identifier[]", write_identifier(w, body->identifier));
        put_drug(w, body, resource);
        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
                if (strcmp(forms[i].type, type) != 0)
                        continue;
                forms[i].write(w, body, resource);
                put_dose(w, body, dosage, is_given);
                tree_put(w, resource, forms[i].dosage, tree_or_null(dosage));
        }
        if (strcmp(type, "MedicationDispense") != 0) {
                tree_put(w, resource, "reasonCode[]", write_coded(w, body->reason));
                if (body->indication)
                        tree_put_text(w, resource, "reasonCode[].text", body->indication);
        }
        tree_put(w, resource, "note[]", write_annotation(w, body->text));
}

/* ---- Flag */

static void put_flag_code(Writer *w, const Carebus__V1__Coded *code, const char *text, JsonNode *resource) {
        JsonNode *concept = write_coded(w, code);

        if (concept)
                tree_put(w, resource, "code", concept);
        if (text && (!concept || !json_peek(concept, "text")))
                tree_put_text(w, resource, "code.text", text);
}

static void alert_write(Writer *w, const void *message, JsonNode *resource) {
        const Carebus__V1__Alert *body = message;
        bool is_over = text_equal(w->event->type, "alert.cleared");

        tree_put_text(w, resource, "status",
                      is_in_error(w) || text_equal(body->status, "entered-in-error") ? "entered-in-error"
                      : is_over                                                      ? "inactive"
                                                                                     : "active");
        tree_put(w, resource, "identifier[]", write_identifier(w, body->identifier));
        tree_put(w, resource, "category[]", write_coded(w, body->kind));
        put_flag_code(w, body->code, body->text ?: body->instruction, resource);
        tree_put(w, resource, "period", write_period(w, body->period));
        tree_put(w, resource, "author", write_practitioner(w, body->raised_by));
        tree_put(w, resource, "extension[]",
                 write_extension(w, HL7_EXTENSION "flag-priority", "valueCodeableConcept",
                                 write_coded(w, body->severity)));
}

static void need_write(Writer *w, const void *message, JsonNode *resource) {
        const Carebus__V1__PalliativeNeed *body = message;
        bool is_over = text_equal(w->event->type, "palliative_need.removed");
        const Carebus__V1__Coded *code = body->register_ ?: body->prognosis;

        tree_put_text(w, resource, "status", is_in_error(w) ? "entered-in-error" : is_over ? "inactive" : "active");
        tree_put(w, resource, "identifier[]", write_identifier(w, body->identifier));
        put_flag_code(w, code, body->text ?: "Palliative care need", resource);
        tree_put(w, resource, "period", write_span(w, body->identified_at, body->removed_at));
        tree_put(w, resource, "author", write_practitioner(w, body->identified_by));
}

/* ---- DocumentReference */

/* What the event has of its content: its bytes, else its text, of which `ret_type` says that it is one. What stands in the original alone
 * is none. */
static Bytes content_of(Writer *w, const Carebus__V1__Document *body, const char **ret_type) {
        Bytes content = BYTES_NULL;

        *ret_type = body->media_type;
        if (body->has_content)
                content = bytes_of(body->content.data, body->content.len);
        else if (body->content_text && body->content_text[0]) {
                content = bytes_of_text(body->content_text);
                w->is_bad_text = w->is_bad_text || !utf8_is_valid(body->content_text, content.size);
        }
        if (!body->has_content && content.size > 0 && content.size <= FHIR_CONTENT_MAX &&
            !(body->media_type && text_starts_with(body->media_type, "text/plain")))
                *ret_type = "text/plain; charset=utf-8";
        return content;
}

static void put_hash(Writer *w, const Carebus__V1__Document *body, Bytes content, JsonNode *attachment) {
        uint8_t hash[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];

        if (content.size > 0)
                sha256(content.data, content.size, hash);
        else if (body->has_sha256 && body->sha256.len == SHA256_SIZE)
                memcpy(hash, body->sha256.data, SHA256_SIZE);
        else
                return;
        hex_encode(hash, SHA256_SIZE, hex);
        tree_put(w, attachment, "extension[]",
                 write_extension(w, FHIR_SHA256_URL, "valueString",
                                 tree_text(w, arena_text(w->arena, hex, sizeof(hex) - 1))));
}

static void put_content(Writer *w, const Carebus__V1__Document *body, JsonNode *resource) {
        JsonNode *attachment = tree_object(w);
        const char *type;
        Bytes content = content_of(w, body, &type);

        if (!attachment)
                return;
        tree_put_text(w, attachment, "contentType", type);
        tree_put_text(w, attachment, "language", body->language);
        tree_put_text(w, attachment, "url", body->url);
        if (content.size > 0 || (body->has_size && body->size <= INT32_MAX))
                tree_put(w, attachment, "size", tree_unsigned(w, content.size > 0 ? content.size : body->size));
        tree_put_text(w, attachment, "title", body->title);
        tree_put(w, attachment, "creation", write_when(w, body->written_at));
        if (content.size > 0 && content.size <= FHIR_CONTENT_MAX) /* what is larger is told by its size and its hash */
                tree_put_text(w, attachment, "data", write_base64(w, content));
        put_hash(w, body, content, attachment);
        tree_put(w, resource, "content[0].attachment", tree_or_null(attachment));
}

static void document_write(Writer *w, const void *message, JsonNode *resource) {
        static const WriteWord words[] = { { "current", "current" },
                                           { "superseded", "superseded" },
                                           { "entered-in-error", "entered-in-error" },
                                           { "cancelled", "entered-in-error" },
                                           { NULL, "current" } },
                               progress[] = { { "preliminary", "preliminary" },
                                              { "final", "final" },
                                              { "amended", "amended" },
                                              { "AU", "final" },
                                              { "LA", "final" },
                                              { "PA", "preliminary" },
                                              { "IP", "preliminary" },
                                              { "DO", "final" },
                                              { NULL, NULL } };
        static const WriteRow rows[] = {
                ROW("identifier", "identifier[]", identifier),
                ROW("type", "type", coded),
                ROW("categories", "category[]", coded),
                ROW("edited_at", "date", instant),
                ROW("authors", "author[]", practitioner),
                ROW("authenticator", "authenticator", practitioner),
                ROW("custodian", "custodian", organisation),
                PLAIN("description", "description"),
                ROW("confidentiality", "securityLabel[]", coded),
                ROW("restriction", "securityLabel[]", coded),
                ROW("service_period", "context.period", period),
                ROW("practice_setting", "context.practiceSetting", coded),
                ROW_END,
        };
        const Carebus__V1__Document *body = message;

        tree_put_text(w, resource, "status", is_in_error(w) ? "entered-in-error" : write_word(words, body->status));
        put_word_of(w, "docStatus", body->completion, progress, resource);
        write_rows(w, rows, &body->base, resource);
        for (size_t i = 0; i < body->n_replaces; i++) {
                JsonNode *node = tree_object(w);

                tree_put_text(w, node, "code", "replaces");
                tree_put(w, node, "target", write_reference(w, "DocumentReference", body->replaces[i], NULL));
                if (json_peek(node, "target"))
                        tree_put(w, resource, "relatesTo[]", node);
        }
        put_content(w, body, resource);
        tree_put(w, resource, "context.encounter[]", write_reference(w, "Encounter", w->event->encounter_id, NULL));
}

const WriteBody write_bodies_clinical[] = {
        { CAREBUS__V1__EVENT__BODY_DECISION, "Observation", UK_PROFILE "Observation", "subject", "encounter",
          decision_write, NULL, "code" },
        { CAREBUS__V1__EVENT__BODY_MEASURE, "Observation", UK_PROFILE "Observation", "subject", "encounter",
          measure_write, NULL, "code" },
        { CAREBUS__V1__EVENT__BODY_OBSERVATION, "Observation", UK_PROFILE "Observation", "subject", "encounter",
          observation_write, NULL, "code" },
        { CAREBUS__V1__EVENT__BODY_CONDITION, "Condition", UK_PROFILE "Condition", "subject", "encounter",
          condition_write, NULL, NULL },
        { CAREBUS__V1__EVENT__BODY_ALLERGY, "AllergyIntolerance", UK_PROFILE "AllergyIntolerance", "patient",
          "encounter", allergy_write, NULL, NULL },
        { CAREBUS__V1__EVENT__BODY_MEDICATION, "MedicationRequest", UK_PROFILE "MedicationRequest", "subject",
          "encounter", medication_write, medication_choose, "medicationCodeableConcept" },
        { CAREBUS__V1__EVENT__BODY_ALERT, "Flag", UK_PROFILE "Flag", "subject", "encounter", alert_write, NULL,
          "code" },
        { CAREBUS__V1__EVENT__BODY_PALLIATIVE_NEED, "Flag", UK_PROFILE "Flag", "subject", "encounter", need_write, NULL,
          "code" },
        { CAREBUS__V1__EVENT__BODY_DOCUMENT, "DocumentReference", UK_PROFILE "DocumentReference", "subject", NULL,
          document_write, NULL, NULL },
        BODY_END,
};
