/* Timing and Dosage of R4: when, how much, which way. */
#include "adapters/fhir/translate-clinical.h"

#include "base/cleanup.h"

static char *repeat_words(Fhir *f, JsonNode *repeat) {
        const char *frequency = json_text(repeat, "frequency"), *frequency_max = json_text(repeat, "frequencyMax");
        const char *period = json_text(repeat, "period"), *unit = json_text(repeat, "periodUnit");
        const char *period_max = json_text(repeat, "periodMax"), *count = json_text(repeat, "count");
        const char *duration = json_text(repeat, "duration"), *duration_unit = json_text(repeat, "durationUnit");
        static const char *const lists[] = { "dayOfWeek", "timeOfDay", "when" };
        char *text = NULL;
        if (frequency || period)
                text = draft_format(&f->draft, "%s%s%s times in %s%s%s %s", frequency ?: "1", frequency_max ? "-" : "",
                                    frequency_max ?: "", period ?: "1", period_max ? "-" : "", period_max ?: "",
                                    unit ?: "");
        if (duration)
                text = draft_format(&f->draft, "%s%sfor %s %s", text ?: "", text ? ", " : "", duration,
                                    duration_unit ?: "");
        if (count)
                text = draft_format(&f->draft, "%s%s%s in all", text ?: "", text ? ", " : "", count);
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                JSON_EACH(item, json_member(repeat, lists[i])) {
                        const char *word = fhir_text(f, item);
                        text = word ? draft_format(&f->draft, "%s%s%s", text ?: "", text ? ", " : "", word) : text;
                }
        const char *bounds = clinical_words(f, fhir_choice(repeat, "bounds"));
        return bounds ? draft_format(&f->draft, "%s%s%s", text ?: "", text ? ", " : "", bounds) : text;
}

char *clinical_timing(Fhir *f, JsonNode *timing) {
        JsonNode *repeat = json_member(timing, "repeat");
        char *text = repeat ? repeat_words(f, repeat) : NULL;
        const char *code = clinical_coded_words(fhir_coded(f, json_member(timing, "code")));
        if (code)
                text = text ? draft_format(&f->draft, "%s (%s)", code, text) : (char *)code;
        JSON_EACH(event, json_member(timing, "event"))
                text = clinical_join(f, text, fhir_text(f, event));
        return text;
}

/* What the fields of a dose say, in words. */
static char *structure_words(Fhir *f, JsonNode *dosage) {
        JsonNode *rate = json_element(json_member(dosage, "doseAndRate"), 0) ?: dosage;
        char *text = clinical_words(f, fhir_choice(rate, "dose") ?: json_member(dosage, "dose"));
        const char *parts[] = {
                clinical_coded_words(fhir_coded(f, json_member(dosage, "route"))),
                clinical_coded_words(fhir_coded(f, json_member(dosage, "site"))),
                clinical_coded_words(fhir_coded(f, json_member(dosage, "method"))),
                clinical_words(f, fhir_choice(rate, "rate")),
                clinical_timing(f, json_member(dosage, "timing")),
        };
        json_note_mapped(json_peek(dosage, "sequence")); /* their order is kept */
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i])
                        text = text ? draft_format(&f->draft, "%s, %s", text, parts[i]) : (char *)parts[i];
        return text;
}

/* A dose in words, where nobody wrote any. */
static char *dosage_words(Fhir *f, JsonNode *dosage) {
        char *text = fhir_member_text(f, dosage, "text");
        return text ?: structure_words(f, dosage);
}

static void dose_read(Fhir *f, JsonNode *dosage, Carebus__V1__Medication *body) {
        JsonNode *rate = json_element(json_member(dosage, "doseAndRate"), 0) ?: dosage;
        JsonNode *dose = fhir_choice(rate, "dose") ?: json_member(dosage, "dose"), *speed = fhir_choice(rate, "rate");
        if (dose && json_peek(dose, "value"))
                body->dose = fhir_quantity(f, dose);
        else if (dose) {
                body->dose = fhir_quantity(f, json_member(dose, "low"));
                body->dose_max = fhir_quantity(f, json_member(dose, "high"));
        }
        if (speed && json_peek(speed, "value"))
                body->rate = fhir_quantity(f, speed);
        else if (speed) {
                char *words = clinical_words(f, speed);
                body->instructions = clinical_join(f, body->instructions, words);
        }
}

static void timing_read(Fhir *f, JsonNode *timing, Carebus__V1__Medication *body) {
        JsonNode *bounds = fhir_choice(json_member(timing, "repeat"), "bounds");
        body->frequency = fhir_coded(f, json_member(timing, "code"));
        body->frequency_text = clinical_timing(f, timing);
        if (bounds && clinical_says(bounds->name, "Period")) {
                body->start_at = clinical_start(f, bounds);
                body->stop_at = clinical_end(f, bounds);
        }
}

/* asNeeded[x]: a truth, or the reason, which says that it is. */
static void as_needed_read(Fhir *f, JsonNode *dosage, Carebus__V1__Medication *body) {
        JsonNode *needed = fhir_choice(dosage, "asNeeded");
        if (!needed)
                return;
        if (needed->kind != JSON_OBJECT) {
                body->has_as_needed = fhir_truth(f, needed, &body->as_needed) == 0;
                return;
        }
        body->has_as_needed = body->as_needed = true;
        body->as_needed_reason = clinical_join(f, body->as_needed_reason, clinical_coded_words(fhir_coded(f, needed)));
}

static void instructions_read(Fhir *f, JsonNode *dosage, Carebus__V1__Medication *body) {
        static const char *const limits[] = { "maxDosePerPeriod", "maxDosePerAdministration", "maxDosePerLifetime" };
        JSON_EACH(item, json_member(dosage, "additionalInstruction"))
                body->instructions = clinical_join(f, body->instructions, clinical_coded_words(fhir_coded(f, item)));
        body->instructions = clinical_join(f, body->instructions, fhir_member_text(f, dosage, "patientInstruction"));
        for (size_t i = 0; i < ELEMENTSOF(limits); i++) {
                char *words = clinical_words(f, json_member(dosage, limits[i]));
                if (words)
                        body->instructions = clinical_join(f, body->instructions,
                                                           draft_format(&f->draft, "no more than %s", words));
        }
}

/* One dosage goes to the fields; several (a course that goes down, a dose by day and one by night) are one text in their order, since any
 * one of them alone would be a wrong dose. What they have in common stays: that it is as needed where all of them are. */
void clinical_dosages(Fhir *f, JsonNode *array, Carebus__V1__Event *event) {
        Carebus__V1__Medication *body = event->medication;
        size_t n = 0, n_needed = 0;
        JSON_EACH(item, array)
                n++;
        JSON_EACH(dosage, array) {
                if (n > 1)
                        body->has_as_needed = body->as_needed = false;
                body->dose_text = clinical_join(f, body->dose_text, dosage_words(f, dosage));
                instructions_read(f, dosage, body);
                as_needed_read(f, dosage, body);
                n_needed += body->has_as_needed && body->as_needed;
                if (n > 1) {
                        clinical_note(f, event, dosage, structure_words(f, dosage));
                        continue;
                }
                body->route = fhir_coded(f, json_member(dosage, "route"));
                body->site = fhir_coded(f, json_member(dosage, "site"));
                body->method = fhir_coded(f, json_member(dosage, "method"));
                dose_read(f, dosage, body);
                timing_read(f, json_member(dosage, "timing"), body);
        }
        if (n > 1)
                body->has_as_needed = body->as_needed = n_needed == n;
}
