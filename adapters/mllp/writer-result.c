/*
 * ORU: what was observed, measured or decided.
 */
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"
#include "canon/vocabulary.h"

#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR
#define SHORT_TEXT_MAX 200 /* of ST; what is longer is TX */

static void head_write(Out *out) {
        person_write(out, NULL);
        notes_write(out, out->event->n_notes, out->event->notes);
        if (out->event->encounter_id)
                visit_write(out, NULL);
}

/* ---- states: OBX-11 */

static const struct {
        const char *status, *code;
} states[] = {
        { "preliminary", "P" }, { "final", "F" },     { "amended", "A" },
        { "corrected", "C" },   { "cancelled", "X" }, { "entered-in-error", "D" },
};

/* The codes of HL7 that read_state() of translate-obx.c takes for the same. */
static const struct {
        const char *code, *status;
} said_states[] = {
        { "F", "final" },
        { "U", "final" },
        { "V", "final" },
        { "P", "preliminary" },
        { "I", "preliminary" },
        { "R", "preliminary" },
        { "S", "preliminary" },
        { "A", "amended" },
        { "B", "amended" },
        { "C", "corrected" },
        { "X", "cancelled" },
        { "N", "cancelled" },
        { "D", "entered-in-error" },
        { "W", "entered-in-error" },
};

static const char *state_code(const Out *out, const char *status, const Carebus__V1__Coded *said) {
        const char *code = said && said->original ? said->original->code : NULL;
        bool is_undone = out->event->has_action && out->event->action == UNDONE;

        if (is_undone)
                status = "entered-in-error";
        for (size_t i = 0; code && i < ELEMENTSOF(said_states); i++)
                if (strcmp(said_states[i].code, code) == 0 && text_equal(said_states[i].status, status))
                        return said_states[i].code;
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (text_equal(states[i].status, status))
                        return states[i].code;
        return NULL;
}

/* ---- values: OBX-2 and OBX-5 */

/* What one value may be; whatever is there first. */
typedef struct Value {
        const Carebus__V1__Quantity *value, *low, *high, *numerator, *denominator;
        const Carebus__V1__Coded *coded;
        const char *text;
        const Carebus__V1__When *time;
        bool has_truth, truth;
} Value;

static bool is_decimal(const char *text) {
        size_t n_digits = 0;

        if (!text)
                return false;
        text += *text == '+' || *text == '-';
        for (; *text; text++) {
                if (*text != '.' && (*text < '0' || *text > '9'))
                        return false;
                n_digits += *text != '.';
        }
        return n_digits > 0;
}

static char *structured(Out *out, const char *comparator, const char *first, const char *separator,
                        const char *second) {
        return OUT_COMPONENTS(out, out_text(out, comparator), out_text(out, first), out_text(out, separator),
                              out_text(out, second));
}

static char *pair_text(Out *out, const Value *value, const char **ret_type) {
        const char *low = value->low ? value->low->value : NULL, *high = value->high ? value->high->value : NULL;

        if (value->numerator && value->denominator) {
                *ret_type = "SN";
                return structured(out, value->numerator->comparator, value->numerator->value, ":",
                                  value->denominator->value);
        }
        *ret_type = low && high ? "SN" : "NR";
        return low && high ? structured(out, NULL, low, "-", high)
                           : OUT_COMPONENTS(out, out_text(out, low), out_text(out, high));
}

static char *value_write(Out *out, const Value *value, const char **ret_type) {
        if (value->value && is_decimal(value->value->value)) {
                *ret_type = value->value->comparator ? "SN" : "NM";
                return value->value->comparator
                               ? structured(out, value->value->comparator, value->value->value, NULL, NULL)
                               : out_text(out, value->value->value);
        }
        if (value->value) {
                *ret_type = "ST";
                return out_text(out, value->value->value);
        }
        if (value->numerator || value->low || value->high)
                return pair_text(out, value, ret_type);
        if (value->coded) {
                *ret_type = "CWE";
                return out_coded(out, "observation.value_coded", value->coded);
        }
        if (value->time) {
                *ret_type = "TS";
                return out_when(out, value->time);
        }
        if (value->has_truth) {
                *ret_type = "CWE";
                return OUT_COMPONENTS(out, (char *)(value->truth ? "Y" : "N"), (char *)(value->truth ? "Yes" : "No"),
                                      (char *)"HL70136");
        }
        if (value->text) {
                bool is_long = strlen(value->text) > SHORT_TEXT_MAX || strchr(value->text, '\n');

                *ret_type = is_long ? "FT" : "ST";
                return is_long ? out_words(out, value->text) : out_text(out, value->text);
        }
        return NULL;
}

static const Carebus__V1__Quantity *unit_of(const Value *value) {
        return value->value ?: value->low ?: value->high ?: value->numerator;
}

/* ---- OBR and OBX */

static Value value_of_observation(const Carebus__V1__Observation *o) {
        return (Value){ .value = o->value,
                        .low = o->value_low,
                        .high = o->value_high,
                        .numerator = o->value_numerator,
                        .denominator = o->value_denominator,
                        .coded = o->value_coded,
                        .text = o->value_text,
                        .time = o->value_time,
                        .has_truth = o->has_value_bool,
                        .truth = o->value_bool };
}

static Value value_of_part(const Carebus__V1__ObservationPart *part) {
        return (Value){ .value = part->value,
                        .low = part->value_low,
                        .high = part->value_high,
                        .coded = part->value_coded,
                        .text = part->value_text,
                        .time = part->value_time,
                        .has_truth = part->has_value_bool,
                        .truth = part->value_bool };
}

/* Values beside a text that is the plain one: what was said is said once. */
static void value_set(Out *out, OutSegment *obx, const Value *value) {
        const char *type = NULL;
        char *text = value_write(out, value, &type);

        out_set(out, obx, 2, out_text(out, type));
        out_set(out, obx, 5, text);
        if (text)
                out_set(out, obx, 6, out_unit(out, unit_of(value)));
}

static OutSegment *obr_write(Out *out, const Carebus__V1__Observation *o) {
        OutSegment *obr = out_segment(out, "OBR");
        const Carebus__V1__Period *period = o->observed_period;

        out_set(out, obr, 1, (char *)"1");
        fields_write(out, obr, &table_obr, o, NULL);
        if (obr && !obr->fields[2])
                out_set(out, obr, 2, out_entity(out, out->event->order_id));
        if (obr && !obr->fields[3])
                out_set(out, obr, 3, out_own_entity(out));
        out_set(out, obr, 7, out_when(out, period ? period->start : o->observed_at));
        if (period && period->end)
                out_set(out, obr, 8, out_when(out, period->end));
        if (o->specimen)
                out_set(out, obr, 15,
                        out_coded_between(out, "observation.specimen", o->specimen, out->separators.subcomponent));
        out_set(out, obr, 25, out_text(out, state_code(out, o->status, o->original_status)));
        return obr;
}

static char *range_text(Out *out, const Carebus__V1__Observation *o) {
        const char *low = o->reference_low ? o->reference_low->value : NULL;
        const char *high = o->reference_high ? o->reference_high->value : NULL;

        if (low && high)
                return out_text(out, out_format(out, "%s-%s", low, high));
        if (low || high)
                return out_text(out, out_format(out, "%s%s", low ? ">=" : "<=", low ?: high));
        return NULL;
}

static OutSegment *obx_write(Out *out, const Carebus__V1__Observation *o) {
        OutSegment *obx = out_segment(out, "OBX");

        fields_write(out, obx, &table_obx, o, NULL);
        if (obx && !obx->fields[1])
                out_set(out, obx, 1, (char *)"1");
        if (obx && !obx->fields[7])
                out_set(out, obx, 7, range_text(out, o));
        out_set(out, obx, 11, out_text(out, state_code(out, o->status, o->original_status)));
        return obx;
}

static bool coded_is_same(const Carebus__V1__Coded *a, const Carebus__V1__Coded *b) {
        return a && b && text_equal(a->code, b->code) && text_equal(a->system, b->system) &&
               text_equal(a->text, b->text) &&
               (!a->original || !b->original || text_equal(a->original->code, b->original->code));
}

/* Values of one question are repeats of it; parts that have a code of their own are an OBX each. */
static void parts_write(Out *out, OutSegment *obx, const Carebus__V1__Observation *o) {
        const char *type = NULL, *first_type = NULL;

        for (size_t i = 0; i < o->n_parts; i++) {
                const Carebus__V1__ObservationPart *part = o->parts[i];
                Value value = value_of_part(part);
                OutSegment *own;

                if (coded_is_same(part->code, o->code)) {
                        char *text = value_write(out, &value, &type);

                        first_type = first_type ?: type;
                        if (text && text_equal(type, first_type)) {
                                out_repeat(out, obx, 5, text);
                                out_set(out, obx, 2, out_text(out, type));
                                out_set(out, obx, 6, out_unit(out, unit_of(&value)));
                                continue;
                        }
                }
                own = out_segment(out, "OBX");
                out_set(out, own, 1, out_format(out, "%zu", i + 2));
                out_set(out, own, 3, out_coded(out, "observation.code", part->code ?: o->code));
                out_set(out, own, 4, part->sub_id ? out_text(out, part->sub_id) : out_format(out, "%zu", i + 1));
                value_set(out, own, &value);
                out_set(out, own, 7, out_text(out, part->reference_text));
                for (size_t j = 0; j < part->n_interpretation; j++)
                        out_repeat(out, own, 8, out_coded(out, NULL, part->interpretation[j]));
                out_set(out, own, 11, out_text(out, state_code(out, part->status ?: o->status, part->original_status)));
                out_set(out, own, 14, out_when(out, o->observed_at));
        }
}

static void observation_write(Out *out) {
        const Carebus__V1__Observation *o = out->event->observation;
        Value value;
        OutSegment *obx;

        if (!o)
                return;
        value = value_of_observation(o);
        (void)obr_write(out, o);
        obx = obx_write(out, o);
        value_set(out, obx, &value);
        if (obx && !obx->fields[6])
                out_set(out, obx, 6, out_unit(out, o->reference_low ?: o->reference_high));
        if (obx && !obx->fields[5] && out_is_cleared(out, "observation", "value"))
                out_set(out, obx, 5, (char *)"\"\"");
        parts_write(out, obx, o);
        notes_write(out, o->n_notes, o->notes);
        if (o->text && !text_equal(o->text, o->value_text))
                note_write(out, (unsigned)o->n_notes + 1, o->text);
        if (o->absent_reason)
                note_write(out, (unsigned)o->n_notes + 2,
                           out_format(out, "no value: %s", coded_words(o->absent_reason) ?: ""));
}

/* ---- measures */

/* As an observation of that code would be. */
static Carebus__V1__Observation observation_of_measure(const Carebus__V1__Measure *measure) {
        Carebus__V1__Observation o = CAREBUS__V1__OBSERVATION__INIT;

        o.code = measure->scale;
        o.identifier = measure->identifier;
        o.status = measure->status;
        o.original_status = measure->original_status;
        o.observed_at = measure->measured_at;
        o.performer = measure->measured_by;
        return o;
}

static OutSegment *answer_write(Out *out, const Carebus__V1__Measure *measure, unsigned *number, char *question,
                                const Value *value) {
        Carebus__V1__Observation o = observation_of_measure(measure);
        OutSegment *obx;

        o.code = NULL;
        o.identifier = NULL;
        obx = obx_write(out, &o);
        out_set(out, obx, 1, out_format(out, "%u", ++*number));
        out_set(out, obx, 3, question);
        value_set(out, obx, value);
        return obx;
}

static void items_write(Out *out, const Carebus__V1__Measure *measure, unsigned *number) {
        for (size_t i = 0; i < measure->n_items; i++) {
                const Carebus__V1__MeasureItem *item = measure->items[i];
                Value value = { .value = item->score,
                                .coded = item->score ? NULL : item->answer,
                                .text = item->score || item->answer ? NULL : item->text };

                /* An answer that is a code with a number keeps its words. */
                if (item->answer && item->score)
                        value = (Value){ .coded = item->answer };
                answer_write(out, measure, number,
                             item->item ? out_coded(out, "observation.code", item->item)
                                        : out_text(out, item->item_key),
                             &value);
        }
}

static const char *const respondents[] = { NULL, "patient", "family", "staff", "patient with help" };

static void respondent_write(Out *out, const Carebus__V1__Measure *measure, unsigned *number) {
        unsigned respondent = measure->has_respondent ? (unsigned)measure->respondent : 0;
        Value value = { .coded = measure->respondent_coded };

        if (!value.coded && respondent < ELEMENTSOF(respondents))
                value.text = respondents[respondent];
        if (value.coded || value.text)
                answer_write(out, measure, number, out_text(out, "respondent"), &value);
}

static void panel_write(Out *out, const Carebus__V1__Measure *measure) {
        unsigned number = 0;
        Value total = { .value = measure->total, .coded = measure->total ? NULL : measure->result };

        items_write(out, measure, &number);
        if (total.value || total.coded)
                answer_write(out, measure, &number, out_text(out, "total"), &total);
        respondent_write(out, measure, &number);
        for (size_t i = 0; i < measure->n_main_concerns; i++) {
                Value concern = { .text = measure->main_concerns[i] };

                answer_write(out, measure, &number, out_text(out, "main concerns"), &concern);
        }
}

/* One value stands alone under an order of no name: under that of its scale it would be read as an item of it. */
static void measure_write(Out *out) {
        const Carebus__V1__Measure *measure = out->event->measure;
        bool is_panel = measure && (measure->n_items || measure->n_main_concerns || measure->has_respondent ||
                                    measure->respondent_coded);
        Carebus__V1__Coded score = CAREBUS__V1__CODED__INIT;
        Carebus__V1__Observation o;
        OutSegment *obx;
        Value value;

        if (!measure)
                return;
        o = observation_of_measure(measure);
        score.text = (char *)"Outcome measure";
        o.panel = is_panel ? measure->scale : &score;
        (void)obr_write(out, &o);
        if (is_panel)
                panel_write(out, measure);
        else {
                value = (Value){ .value = measure->total, .coded = measure->total ? NULL : measure->result };
                obx = obx_write(out, &o);
                value_set(out, obx, &value);
        }
        if (measure->text)
                note_write(out, 1, measure->text);
}

/* ---- decisions */

/* 1 or 2, where a question is about the first or the second choice alone; else 0. */
static uint32_t rank_of(const Concept *concept) {
        size_t n = strlen(concept->code);

        return n > 2 && concept->code[n - 2] == '-' && strchr("12", concept->code[n - 1])
                       ? (uint32_t)(concept->code[n - 1] - '0')
                       : 0;
}

/* adrt.ended is asked by the question of adrt.recorded; of preferences each has its own. */
static bool asks_for(const Concept *concept, const Carebus__V1__Decision *decision, const char *type) {
        size_t n = strcspn(type, ".");

        if (concept->decision != decision->kind || concept->value || !concept->event)
                return false;
        if (text_starts_with(type, "preference."))
                return strcmp(concept->event, type) == 0;
        return strncmp(concept->event, type, n) == 0 && concept->event[n] == '.';
}

/* The question of a kind, of its rank where there is one. */
static const Concept *question_of(const Carebus__V1__Decision *decision, const char *type) {
        uint32_t wanted = decision->has_rank ? decision->rank : 0;
        const Concept *plain = NULL, *concept;

        for (size_t i = 0; (concept = concept_at(i)); i++) {
                if (!asks_for(concept, decision, type))
                        continue;
                if (wanted && rank_of(concept) == wanted)
                return concept;
                if (!plain && rank_of(concept) == 0)
                plain = concept;
        }
        return plain;
}

/* What ended, but was not wrong, no OBX can say: it is told in words. */
bool decision_has_question(const Carebus__V1__Event *event) {
        const Carebus__V1__Decision *decision = event->decision;
        size_t n = strlen(event->type);
        bool is_end = n > 6 && strcmp(event->type + n - 6, ".ended") == 0;

        if (!decision || !question_of(decision, event->type))
                return false;
        return is_end ? event->has_action && event->action == UNDONE && (decision->identifier || event->order_id)
                      : decision->decision != NULL;
}

/* Of an observation, HL7 table 0085. What was cancelled, superseded or suspended is told in words as well. */
static const struct {
        Carebus__V1__Decision__Status status;
        const char *observed;
} decision_states[] = {
        { CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE, "final" },
        { CAREBUS__V1__DECISION__STATUS__STATUS_DRAFT, "preliminary" },
        { CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR, "entered-in-error" },
        { CAREBUS__V1__DECISION__STATUS__STATUS_UNKNOWN, "cancelled" },
};

static const char *decision_state(const Carebus__V1__Decision *decision) {
        for (size_t i = 0; decision->has_status && i < ELEMENTSOF(decision_states); i++)
                if (decision_states[i].status == decision->status)
                        return decision_states[i].observed;
        return decision->has_status ? "preliminary" : NULL;
}

static bool is_answered(const Carebus__V1__Decision *decision, const char *answer) {
        for (size_t i = 0; i < decision->n_answers; i++)
                if (text_equal(decision->answers[i]->answer, answer))
                        return true;
        return false;
}

static void pair_write(Out *out, unsigned *number, const char *question, const char *answer) {
        if (answer && *answer)
                note_write(out, ++*number, out_format(out, "%s->%s", question, answer));
}

static const char *const scopes[] = { NULL, "this admission only", "all settings", NULL };

/* What a decision says besides: as questions and answers, in the words that translate-answers.c reads. */
static void answers_write(Out *out, const Carebus__V1__Decision *decision, unsigned *number) {
        unsigned scope = decision->has_scope ? (unsigned)decision->scope : 0;
        const char *scope_text = decision->scope_text ?: scope < ELEMENTSOF(scopes) ? scopes[scope] : NULL;
        const struct {
                const char *question, *answer;
        } pairs[] = {
                { "Location of form", decision->original_location },
                { "Scope", scope_text },
                { "Review", decision->has_review_indefinite && decision->review_indefinite ? "indefinite"
                            : decision->review_at ? out_when(out, decision->review_at)
                                                  : NULL },
                { "Reason", decision->reason_text },
                { "Capacity", decision->capacity ? decision->capacity->text
                                                           ?: decision->capacity->has_has_capacity
                                                              ? decision->capacity->has_capacity ? "yes" : "no"
                                                              : NULL
                                                 : NULL },
                { "Endorsed by", decision->endorser ? name_words(out, decision->endorser->name) : NULL },
        };

        for (size_t i = 0; i < decision->n_answers; i++) {
                const Carebus__V1__QuestionAnswer *answer = decision->answers[i];

                pair_write(out, number, coded_words(answer->question) ?: "",
                           answer->answer ?: coded_words(answer->answer_coded));
        }
        for (size_t i = 0; i < ELEMENTSOF(pairs); i++)
                if (pairs[i].answer && !is_answered(decision, pairs[i].answer))
                        pair_write(out, number, pairs[i].question, pairs[i].answer);
}

bool decision_segments_write(Out *out, const Carebus__V1__Decision *decision, const char *type, unsigned number) {
        const Concept *question = question_of(decision, type);
        Carebus__V1__Observation o = CAREBUS__V1__OBSERVATION__INIT;
        Carebus__V1__Coded code = CAREBUS__V1__CODED__INIT;
        unsigned n_notes = 0;
        OutSegment *obx;

        if (!question)
                return false;
        code.system = (char *)question->system;
        code.code = (char *)question->code;
        code.display = (char *)question->display;
        o.code = &code;
        o.identifier = text_equal(out->event->order_id ? out->event->order_id->value : NULL,
                                  decision->identifier ? decision->identifier->value : NULL)
                               ? NULL
                               : decision->identifier;
        o.status = (char *)decision_state(decision);
        o.original_status = decision->original_status;
        o.observed_at = decision->decided_at;
        o.performer = decision->decided_by;
        obx = obx_write(out, &o);
        out_set(out, obx, 1, out_format(out, "%u", number));
        if (decision->decision) {
                out_set(out, obx, 2, (char *)"CWE");
                out_set(out, obx, 5, out_coded(out, "decision.decision", decision->decision));
        }
        if (decision->text)
                note_write(out, ++n_notes, decision->text);
        answers_write(out, decision, &n_notes);
        return true;
}

static void decision_write(Out *out) {
        const Carebus__V1__Decision *decision = out->event->decision;
        Carebus__V1__Observation o = CAREBUS__V1__OBSERVATION__INIT;
        Carebus__V1__Coded panel = CAREBUS__V1__CODED__INIT;

        if (!decision)
                return;
        panel.text = type_words(out, out->event->type);
        o.panel = &panel;
        o.observed_at = decision->decided_at;
        o.status = (char *)decision_state(decision);
        (void)obr_write(out, &o);
        (void)decision_segments_write(out, decision, out->event->type, 1);
}

static const struct {
        Carebus__V1__Event__BodyCase body;
        void (*write)(Out *out);
} writers[] = {
        { CAREBUS__V1__EVENT__BODY_OBSERVATION, observation_write },
        { CAREBUS__V1__EVENT__BODY_MEASURE, measure_write },
        { CAREBUS__V1__EVENT__BODY_DECISION, decision_write },
};

void result_write(Out *out) {
        head_write(out);
        for (size_t i = 0; i < ELEMENTSOF(writers); i++)
                if (writers[i].body == out->event->body_case)
                        writers[i].write(out);
}
