/*
 * Outcome measures: a score, a phase, or a questionnaire with its items.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

const Scale *scale_of_coded(const Translation *t, const char *path, const Carebus__V1__Coded *coded) {
        Meaning meanings[MEANINGS_MAX];
        size_t n = coded_meanings(t, path, coded, meanings);
        const Scale *scale = NULL;

        for (size_t i = 0; !scale && i < n; i++) {
                scale = scale_find(meanings[i].system, meanings[i].code);
                if (!scale)
                        scale = scale_find_by_name(meanings[i].code);
                if (!scale)
                        scale = scale_find_by_name(meanings[i].text);
        }
        return scale;
}

/* The scale's shared code, with what the source called it. */
static Carebus__V1__Coded *scale_coded(Translation *t, const Scale *scale, const Carebus__V1__Coded *said) {
        Carebus__V1__Coded *coded = draft_coded(&t->draft, (char *)scale->system, (char *)scale->code,
                                                (char *)scale->display, said ? said->text : NULL);

        if (coded && said)
                coded->original = said->original;
        return coded;
}

static bool has_numbers(const Scale *scale) {
        return scale->max_tenths > 0;
}

/* The number of an answer: said as one, as a text that is nothing else, or as the answer's code. */
static Carebus__V1__Quantity *score_of(Translation *t, const Scale *scale, const Carebus__V1__Observation *o) {
        const Carebus__V1__OriginalCode *original = o->value_coded ? o->value_coded->original : NULL;
        Carebus__V1__Quantity *score = o->value;

        if (!score)
                score = quantity_of_text(t, o->value_text);
        if (!score && has_numbers(scale) && original)
                score = quantity_of_text(t, original->code);
        if (score && !score->original_unit && scale->unit)
                score->original_unit = score->unit = (char *)scale->unit;
        return score;
}

/* The answer of a scale whose answers are words, or that was answered by some other word. */
static Carebus__V1__Coded *result_of(Translation *t, const Scale *scale, const Carebus__V1__Observation *o) {
        if (o->value_coded)
                return o->value_coded;
        if (o->value_text && !(has_numbers(scale) && quantity_of_text(t, o->value_text)))
                return coded_of_text(t, o->value_text);
        if (o->value && !has_numbers(scale))
                return draft_coded_local(&t->draft, NULL, o->value->value, NULL);
        return NULL;
}

static void total_set(Translation *t, Carebus__V1__Measure *measure, const Scale *scale,
                      const Carebus__V1__Observation *o) {
        if (has_numbers(scale))
                measure->total = score_of(t, scale, o);
        measure->result = result_of(t, scale, o);
}

static Carebus__V1__Measure *measure_new(Translation *t, const Scale *scale, const Carebus__V1__Coded *said,
                                         const Observed *observed) {
        Carebus__V1__Measure *measure = draft_message(&t->draft, &carebus__v1__measure__descriptor);
        const Carebus__V1__Observation *o = observed->observation;

        if (!measure)
                return NULL;
        measure->scale = scale_coded(t, scale, said);
        measure->recall_period = (char *)scale->recall;
        measure->measured_at = o->observed_at;
        measure->measured_by = o->performer;
        measure->status = o->status;
        measure->original_status = o->original_status;
        return measure;
}

static void measure_event(Translation *t, Patient *patient, const Observed *observed, Carebus__V1__Measure *measure,
                          const NoteList *notes) {
        const Carebus__V1__Observation *o = observed->observation;
        Carebus__V1__Event *event = patient_event(t, patient, "outcome.measured", observed->action);

        if (!event)
                return;
        measure->text = notes_text(t, notes);
        event->body_case = CAREBUS__V1__EVENT__BODY_MEASURE;
        event->measure = measure;
        event->order_id = o->order;
        if (measure->measured_at && when_is_readable(measure->measured_at))
                event->occurred_at = measure->measured_at;
        event_set_author(t, event, o->performer, o->performer_organisation ? o->performer_organisation->name : NULL);
        event_end(t, event, NULL);
}

void measure_read(Translation *t, Patient *patient, const Observed *observed, const Scale *scale) {
        Carebus__V1__Measure *measure = measure_new(t, scale, observed->observation->code, observed);

        if (!measure)
                return;
        measure->identifier = observed->observation->identifier;
        total_set(t, measure, scale, observed->observation);
        measure_event(t, patient, observed, measure, &observed->notes);
}

/* ---- a questionnaire */

static const char *words_of_code(const Carebus__V1__Coded *code) {
        if (code->text)
                return code->text;
        return code->original && code->original->display ? code->original->display : code->display;
}

static bool is_total(const Translation *t, const Scale *scale, const Carebus__V1__Coded *code) {
        static const char *const names[] = { "total", "total score", "score", "overall score" };

        if (scale_of_coded(t, "observation.code", code) == scale)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (coded_says(code, names[i]))
                        return true;
        return false;
}

/* Items that name their questionnaire where the panel does not: "IPOS pain". */
static bool names_questionnaire(Translation *t, const Scale *scale, const Hl7Segment *obx) {
        Carebus__V1__Coded *code = value_coded(t, hl7_field(t->message, obx, 3));
        const char *words = code ? words_of_code(code) : NULL;
        size_t n = strlen(scale->name);

        return words && strncasecmp(words, scale->name, n) == 0 &&
               !((words[n] | 0x20) >= 'a' && (words[n] | 0x20) <= 'z');
}

const Scale *scale_of_group(Translation *t, const OrderGroup *group) {
        Carebus__V1__Coded *panel = group->obr ? value_coded(t, hl7_field(t->message, group->obr, 4)) : NULL;
        const Hl7Segment *obx = span_find(group->span, "OBX");
        const Scale *scale = obx ? scale_of_coded(t, "observation.panel", panel) : NULL;

        if (scale || !obx)
                return scale;
        scale = scale_find_by_name("IPOS");
        for (; scale && obx; obx = span_find_next(group->span, "OBX", obx))
                if (!names_questionnaire(t, scale, obx))
                        return NULL;
        return scale;
}

/* Who answered, by the words that are used for it. */
static const struct {
        const char *word;
        Carebus__V1__Measure__Respondent respondent;
} respondents[] = {
        { "patient with help", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT_WITH_HELP },
        { "with help", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT_WITH_HELP },
        { "patient", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT },
        { "self", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT },
        { "family", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY },
        { "friend", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY },
        { "carer", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY },
        { "proxy", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY },
        { "staff", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF },
        { "nurse", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF },
        { "clinician", CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF },
};

static bool respondent_read(Translation *t, Carebus__V1__Measure *measure, const Carebus__V1__Observation *o) {
        Carebus__V1__Coded *answer = o->value_coded ?: coded_of_text(t, o->value_text);

        if (!coded_says(o->code, "respondent") && !coded_says(o->code, "completed by") &&
            !coded_says(o->code, "who completed") && !coded_says(o->code, "answered by"))
                return false;
        measure->respondent_coded = answer;
        for (size_t i = 0; answer && i < ELEMENTSOF(respondents); i++)
                if (coded_says(answer, respondents[i].word)) {
                        measure->has_respondent = true;
                        measure->respondent = respondents[i].respondent;
                }
        return true;
}

static bool concern_read(Translation *t, Carebus__V1__Measure *measure, const Carebus__V1__Observation *o) {
        const char *words = words_of_code(o->code);

        if (!o->value_text || !words || !strcasestr(words, "main") ||
            (!strcasestr(words, "concern") && !strcasestr(words, "problem")))
                return false;
        draft_append(&t->draft, &measure->n_main_concerns, &measure->main_concerns, o->value_text);
        return true;
}

static void item_read(Translation *t, Carebus__V1__Measure *measure, const Scale *scale, const Observed *observed) {
        const Carebus__V1__Observation *o = observed->observation;
        Carebus__V1__MeasureItem *item = draft_message(&t->draft, &carebus__v1__measure_item__descriptor);

        if (!item)
                return;
        item->item = o->code;
        item->item_key = o->code->original ? o->code->original->code : o->code->text;
        item->score = score_of(t, scale, o);
        item->answer = o->value_coded;
        item->text = item->score ? NULL : o->value_text;
        if (!observed->has_value)
                item->not_answered_reason = coded_of_text(t, o->original_status && o->original_status->original
                                                                     ? o->original_status->original->code
                                                                     : NULL);
        draft_append(&t->draft, &measure->n_items, &measure->items, item);
}

static bool is_alone(Span span, const Hl7Segment *obx) {
        return span_find(span, "OBX") == obx && !span_find_next(span, "OBX", obx);
}

/* One OBX of the questionnaire. */
static void answer_take(Translation *t, Patient *patient, const Scale *scale, Observed *observed,
                        Carebus__V1__Measure *measure) {
        const Carebus__V1__Observation *o = observed->observation;

        if (observed_is_document(observed))
                document_of_observed(t, patient, observed);
        else if (is_total(t, scale, o->code) ||
                 (is_alone(observed->group->span, observed->obx) && strcmp(scale->name, "IPOS") != 0))
                total_set(t, measure, scale, o);
        else if (!respondent_read(t, measure, o) && !concern_read(t, measure, o))
                item_read(t, measure, scale, observed);
}

void measure_panel_read(Translation *t, Patient *patient, const OrderGroup *group, const Scale *scale) {
        Carebus__V1__Measure *measure = NULL;
        Observed first = { 0 }, observed;
        NoteList notes = { 0 };

        for (const Hl7Segment *obx = span_find(group->span, "OBX"); obx && !t->draft.is_full && !t->draft.problem;
             obx = span_find_next(group->span, "OBX", observed.last)) {
                observed_read(t, group, obx, &observed);
                if (!observed.observation)
                        return;
                if (!observed.observation->code) {
                        flaw_note(t, "no-code", translation_position(t, obx, 3));
                        continue;
                }
                if (decision_read(t, patient, &observed))
                        continue;
                if (!measure) {
                        first = observed;
                        measure = measure_new(t, scale, observed.observation->panel, &observed);
                        if (!measure)
                                return;
                }
                answer_take(t, patient, scale, &observed, measure);
                for (size_t i = 0; i < observed.notes.n; i++)
                        draft_append(&t->draft, &notes.n, &notes.texts, observed.notes.texts[i]);
        }
        if (!measure || (first.action != CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR && measure->n_items == 0 &&
                         !measure->total && !measure->result && measure->n_main_concerns == 0))
                return;
        measure->identifier = first.observation->report;
        measure_event(t, patient, &first, measure, &notes);
}
