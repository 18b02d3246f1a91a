/*
 * QuestionnaireResponse. What a form is decides what it makes:
 *
 *   ReSPECT                       treatment_escalation.recorded with all answers, cpr_decision.recorded, lpa.recorded
 *   end of life care (NHS)        care_plan.published with all answers, and an event for each decision and preference in it
 *   a scale (IPOS, AKPS, phase)   outcome.measured with an item for each answer
 *   anything else                 observation.recorded with a part for each answer: a form about satisfaction is no plan
 *
 * In every form an answer to a question that the bus knows as one about a decision makes that decision's event. An item without an answer
 * says nothing, neither yes nor no.
 */
#include <string.h>
#include <strings.h>

#include "adapters/fhir/translate-form.h"
#include "base/cleanup.h"
#include "base/text.h"

#define DEPTH_MAX 32

/*
 * Which form it is
 */

/* By the last part of its canonical, by a code of its Questionnaire, by its title: letters in either case. */
static const struct {
        const char *word, *code;
        FormKind kind;
} form_kinds[] = {
        { "respect", "1382601000000107", FORM_RESPECT },
        { "eolc", "861411000000103", FORM_PLAN },
        { "endoflife", "861421000000109", FORM_PLAN },
        { "eolplan", "736373009", FORM_PLAN },
        { "advancecareplan", "736366004", FORM_PLAN },
        { "emergencyhealthcareplan", "887701000000100", FORM_PLAN },
        { "treatmentescalation", "735324008", FORM_RESPECT },
        { "futurecareplan", "325691000000100", FORM_PLAN },
        { "personalisedcareandsupportplan", "2181441000000107", FORM_PLAN },
};

/* The last part of a canonical without its version, and without what stands between words. */
static void canonical_word(const char *canonical, char *ret, size_t size) {
        const char *slash = strrchr(canonical, '/');
        size_t n = 0;
        for (const char *at = slash ? slash + 1 : canonical; *at && *at != '|' && n + 1 < size; at++)
                if (!strchr("-_. ", *at))
                        ret[n++] = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
        ret[n] = '\0';
}

static FormKind kind_by_word(const char *canonical) {
        char word[128];
        if (!canonical)
                return FORM_OTHER;
        canonical_word(canonical, word, sizeof(word));
        for (size_t i = 0; i < ELEMENTSOF(form_kinds); i++)
                if (strstr(word, form_kinds[i].word))
                        return form_kinds[i].kind;
        return FORM_OTHER;
}

static FormKind kind_by_code(const Carebus__V1__Coded *coded) {
        for (size_t i = 0; i < ELEMENTSOF(form_kinds); i++)
                if (coded_is(coded, SYSTEM_SNOMED_CT, form_kinds[i].code))
                        return form_kinds[i].kind;
        return FORM_OTHER;
}

/* The Questionnaire itself, where the message has it: contained, or an entry with that canonical as its url. */
static FhirResource *questionnaire_find(Fhir *f, const FhirResource *resource, const char *canonical) {
        size_t size = canonical ? strcspn(canonical, "|") : 0;
        FhirResource *found = clinical_resolve_text(f, resource, canonical);
        for (size_t i = 0; i < f->n_resources && !found && size > 0; i++) {
                const char *url = text_equal(f->resources[i].type, "Questionnaire")
                                          ? json_text(f->resources[i].node, "url")
                                          : NULL;
                if (url && strlen(url) == size && strncmp(url, canonical, size) == 0)
                        found = &f->resources[i];
        }
        return found && text_equal(found->type, "Questionnaire") ? found : NULL;
}

/* The display of the canonical is its title, in the standard extension. */
static char *form_title(Fhir *f, const FhirResource *resource, const FhirResource *questionnaire) {
        JsonNode *beside = json_member(resource->node, "_questionnaire");
        char *title = questionnaire ? fhir_member_text(f, questionnaire->node, "title") : NULL;
        if (!title)
                title = clinical_words(
                        f, fhir_choice(fhir_extension(beside, "http://hl7.org/fhir/StructureDefinition/display"),
                                       "value"));
        return title;
}

static void form_find_kind(Form *form, const FhirResource *questionnaire) {
        Fhir *f = form->f;
        form->kind = kind_by_word(form->canonical);
        JSON_EACH(item, questionnaire ? json_member(questionnaire->node, "code") : NULL) {
                Carebus__V1__Coded *code = fhir_coding(f, item);
                form->type = form->type ?: code;
                if (form->kind == FORM_OTHER)
                        form->kind = kind_by_code(code);
                if (!form->scale && code)
                        form->scale = scale_find(code->system, code->code);
        }
        if (form->kind == FORM_OTHER && form->title)
                form->kind = kind_by_word(form->title);
        if (!form->scale && form->canonical) {
                char word[128];
                canonical_word(form->canonical, word, sizeof(word));
                form->scale = scale_find_by_name(word);
        }
        if (!form->scale)
                form->scale = scale_find_by_name(form->title);
        if (form->scale)
                form->kind = FORM_SCALE;
        if (!form->type && (form->title || form->canonical))
                form->type = draft_coded_local(&f->draft, NULL, (char *)form->canonical, form->title);
}

/*
 * Answers
 */

/* The code of an item by its linkId, which only the Questionnaire knows. */
static JsonNode *item_code(JsonNode *items, const char *link_id, size_t depth) {
        for (JsonNode *item = items && items->kind == JSON_ARRAY && depth < DEPTH_MAX ? items->first : NULL; item;
             item = item->next) {
                const JsonNode *own = json_peek(item, "linkId");
                JsonNode *found = NULL;
                if (own && own->kind == JSON_STRING && strcmp(own->text, link_id) == 0)
                        return json_peek(item, "code");
                found = item_code(json_peek(item, "item"), link_id, depth + 1);
                if (found)
                        return found;
        }
        return NULL;
}

static Carebus__V1__Coded *question_read(Form *form, JsonNode *item, char *link_id, char *text) {
        Fhir *f = form->f;
        JsonNode *codes = form->questionnaire && link_id
                                  ? item_code(json_peek(form->questionnaire->node, "item"), link_id, 0)
                                  : NULL;
        Carebus__V1__Coded *question = NULL;
        JSON_EACH(code, codes)
                question = question ?: fhir_coding(f, code);
        if (!question)
                question = draft_coded_local(&f->draft, (char *)form->canonical, (char *)link_id, text);
        else if (text)
                question->text = text;
        if (question && !question->original && link_id) {
                question->original = draft_message(&f->draft, &carebus__v1__original_code__descriptor);
                if (question->original) {
                        question->original->system = (char *)form->canonical;
                        question->original->code = (char *)link_id;
                }
        }
        fhir_member_text(f, item, "definition");
        return question;
}

static void answer_read(Form *form, JsonNode *item, JsonNode *node, FormAnswer *ret) {
        Fhir *f = form->f;
        JsonNode *value = fhir_choice(node, "value");
        ret->node = node;
        ret->item = item;
        ret->value = value;
        ret->link_id = fhir_member_text(f, item, "linkId");
        ret->text = fhir_member_text(f, item, "text");
        ret->question = question_read(form, item, ret->link_id, ret->text);
        if (value && value->kind == JSON_OBJECT && clinical_says(value->name, "Coding"))
                ret->coded = fhir_coding(f, value);
        else if (value && clinical_says(value->name, "Date"))
                ret->time = fhir_when(f, value);
        else
                ret->number = clinical_number(f, value);
        if (value && clinical_says(value->name, "Attachment"))
                ret->words = fhir_member_text(f, value, "title") ?: fhir_member_text(f, value, "url");
        else
                ret->words = value && value->kind == JSON_STRING ? fhir_text(f, value) : clinical_words(f, value);
        if (ret->coded)
                ret->words = (char *)clinical_coded_words(ret->coded);
}

static void items_walk(Form *form, JsonNode *items, char *heading, size_t depth);

static char *heading_below(Form *form, JsonNode *item, char *heading) {
        char *own = fhir_member_text(form->f, item, "text");
        fhir_member_text(form->f, item, "linkId");
        if (!own || !heading)
                return own ?: heading;
        return draft_format(&form->f->draft, "%s: %s", heading, own);
}

static void item_walk(Form *form, JsonNode *item, char *heading, size_t depth) {
        if (!json_peek(item, "answer") && !json_peek(item, "item")) {
                json_note_read(item); /* a question that nobody answered says nothing */
                return;
        }
        char *below = json_peek(item, "item") ? heading_below(form, item, heading) : heading;
        JSON_EACH(node, json_member(item, "answer")) {
                FormAnswer *answer;
                if (fhir_choice(node, "value")) {
                        answer = draft_alloc(&form->f->draft, sizeof(*answer));
                        if (!answer)
                                return;
                        answer_read(form, item, node, answer);
                        answer->heading = heading;
                        draft_append(&form->f->draft, &form->n_answers, &form->answers, answer);
                }
                items_walk(form, json_member(node, "item"), heading_below(form, item, heading), depth + 1);
        }
        items_walk(form, json_member(item, "item"), below, depth + 1);
}

static void items_walk(Form *form, JsonNode *items, char *heading, size_t depth) {
        if (depth >= DEPTH_MAX) {
                if (items)
                        fhir_problem_here(form->f, "too-deep", items, /* urgent= */ true);
                return;
        }
        JSON_EACH(item, items)
                item_walk(form, item, heading, depth);
}

Carebus__V1__Coded *form_question(Form *form, const FormAnswer *answer) {
        Carebus__V1__Coded *copy;
        const char *text = clinical_coded_words(answer->question);
        if (!answer->heading || !answer->question)
                return answer->question;
        copy = draft_message(&form->f->draft, &carebus__v1__coded__descriptor);
        if (!copy)
                return NULL;
        copy->system = answer->question->system;
        copy->code = answer->question->code;
        copy->display = answer->question->display;
        copy->original = answer->question->original;
        copy->text = draft_format(&form->f->draft, "%s: %s", answer->heading, text ?: "");
        return copy;
}

Carebus__V1__QuestionAnswer *form_question_answer(Form *form, const FormAnswer *answer) {
        Carebus__V1__QuestionAnswer *said = draft_message(&form->f->draft, &carebus__v1__question_answer__descriptor);
        if (!said)
                return NULL;
        said->question = form_question(form, answer);
        said->answer = answer->words;
        said->answer_coded = answer->coded;
        said->answer_quantity = answer->number;
        said->answer_time = answer->time;
        said->path = fhir_position(form->f, answer->node);
        return said;
}

/*
 * Forms that are no decision
 */

static Carebus__V1__Practitioner *form_author(Form *form) {
        return clinical_professional(form->f, form->resource, json_member(form->resource->node, "author"))
                       ?: clinical_professional(form->f, form->resource, json_member(form->resource->node, "source"));
}

static bool is_total(const FormAnswer *answer) {
        return answer->number &&
               (clinical_says(answer->link_id, "total") || clinical_says(answer->text, "total score") ||
                (answer->text && strcasecmp(answer->text, "total") == 0));
}

static void scale_read_answer(Form *form, const FormAnswer *answer, Carebus__V1__Measure *measure) {
        Fhir *f = form->f;
        Carebus__V1__MeasureItem *item;
        JsonNode *scored = answer->value->kind == JSON_OBJECT ? answer->value : answer->node;
        if (is_total(answer)) {
                measure->total = answer->number;
                return;
        }
        item = draft_message(&f->draft, &carebus__v1__measure_item__descriptor);
        if (!item)
                return;
        item->item = form_question(form, answer);
        item->item_key = (char *)answer->link_id;
        item->answer = answer->coded;
        item->score = answer->number ?: clinical_ordinal(f, scored);
        item->text = answer->coded || answer->number ? NULL : answer->words;
        draft_append(&f->draft, &measure->n_items, &measure->items, item);
        if (!answer->coded && !answer->number && answer->words &&
            (clinical_says(answer->link_id, "concern") || clinical_says(answer->text, "main problems or concerns")))
                draft_append(&f->draft, &measure->n_main_concerns, &measure->main_concerns, answer->words);
}

static void scale_read_people(Form *form, Carebus__V1__Measure *measure) {
        JsonNode *source = json_member(form->resource->node, "source");
        const char *type = fhir_reference_type(form->f, form->resource, source);
        measure->measured_by = form_author(form);
        if (!type)
                return;
        measure->has_respondent = true;
        measure->respondent = CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF;
        if (strcmp(type, "Patient") == 0)
                measure->respondent = CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT;
        if (strcmp(type, "RelatedPerson") != 0)
                return;
        measure->respondent = CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY;
        measure->respondent_person = fhir_reference_person(form->f, form->resource, source);
}

static const ClinicalStatus form_statuses[] = {
        { "in-progress", "preliminary", NULL },
        { "completed", "final", NULL },
        { "amended", "amended", NULL },
        { "stopped", "preliminary", NULL },
        { "entered-in-error", "entered-in-error", NULL },
        { NULL, NULL, NULL },
};

static void scale_event(Form *form) {
        Fhir *f = form->f;
        Carebus__V1__Event *event = fhir_event(f, form->resource, "outcome.measured", CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__Measure *measure = event ? draft_message(&f->draft, &carebus__v1__measure__descriptor) : NULL;
        if (!measure)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_MEASURE;
        event->measure = measure;
        measure->identifier = form->identifier;
        measure->scale = clinical_scale_coded(f, form->scale, form->type);
        measure->recall_period = (char *)form->scale->recall;
        measure->status = (char *)clinical_status(form_statuses, form->status)->status;
        measure->original_status = form->original_status;
        if (text_equal(form->status, "in-progress") || text_equal(form->status, "stopped"))
                measure->has_incomplete = measure->incomplete = true;
        for (size_t i = 0; i < form->n_answers; i++)
                scale_read_answer(form, form->answers[i], measure);
        /* A scale of one question is its answer. */
        if (!measure->total && measure->n_items == 1) {
                measure->total = measure->items[0]->score;
                measure->result = measure->items[0]->answer;
        }
        scale_read_people(form, measure);
        measure->measured_at = form->at;
        event->occurred_at = form->at ?: event->occurred_at;
}

static void other_event(Form *form) {
        Fhir *f = form->f;
        Carebus__V1__Event *event = fhir_event(f, form->resource, "observation.recorded",
                                               CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__Observation *body = event ? draft_message(&f->draft, &carebus__v1__observation__descriptor) : NULL;
        if (!body)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_OBSERVATION;
        event->observation = body;
        body->identifier = form->identifier;
        body->code = body->panel = form->type;
        body->category = clinical_own_coded(f, "http://terminology.hl7.org/CodeSystem/observation-category", "survey",
                                            "Survey");
        body->status = (char *)clinical_status(form_statuses, form->status)->status;
        body->original_status = form->original_status;
        body->observed_at = form->at;
        body->performer = form_author(form);
        const char *source = fhir_reference_type(f, form->resource, json_member(form->resource->node, "source"));
        if (clinical_is_person(source))
                body->said_by = clinical_own_coded(f, "http://hl7.org/fhir/resource-types", source, NULL);
        for (size_t i = 0; i < form->n_answers; i++) {
                const FormAnswer *answer = form->answers[i];
                Carebus__V1__ObservationPart *part = draft_message(&f->draft,
                                                                   &carebus__v1__observation_part__descriptor);
                if (!part)
                        return;
                part->code = form_question(form, answer);
                part->sub_id = (char *)answer->link_id;
                part->value = answer->number;
                part->value_coded = answer->coded;
                part->value_time = answer->time;
                if (answer->value->kind == JSON_TRUE || answer->value->kind == JSON_FALSE)
                        part->has_value_bool = fhir_truth(f, answer->value, &part->value_bool) == 0;
                else if (!answer->number && !answer->coded && !answer->time)
                        part->value_text = answer->words;
                draft_append(&f->draft, &body->n_parts, &body->parts, part);
        }
        event->occurred_at = form->at ?: event->occurred_at;
}

static void plan_event(Form *form) {
        Fhir *f = form->f;
        bool is_error = fhir_is_in_error(form->resource);
        Carebus__V1__Event *event = fhir_event(f, form->resource,
                                               is_error ? "care_plan.withdrawn" : "care_plan.published",
                                               CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__CarePlan *plan = event ? draft_message(&f->draft, &carebus__v1__care_plan__descriptor) : NULL;
        if (!plan)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_CARE_PLAN;
        event->care_plan = plan;
        plan->identifier = form->identifier;
        event->plan_id = plan->identifier;
        plan->type = form->type;
        plan->title = form->title;
        plan->status = (char *)(is_error ? "withdrawn" : form->is_draft ? "draft" : "active");
        plan->original_status = form->original_status;
        plan->published_at = form->at;
        draft_append(&f->draft, &plan->n_authors, &plan->authors, form_author(form));
        for (size_t i = 0; i < form->n_answers; i++) {
                const FormAnswer *answer = form->answers[i];
                draft_append(&f->draft, &plan->n_answers, &plan->answers, form_question_answer(form, answer));
                if (text_equal(answer->link_id, "PRE001.2") ||
                    (answer->text && concept_find_by_name(answer->text) == concept_find_by_name("what_matters") &&
                     answer->words))
                        plan->what_matters = clinical_join(f, plan->what_matters, answer->words);
        }
        event->occurred_at = form->at ?: event->occurred_at;
}

void fhir_questionnaire_response(Fhir *f, const FhirResource *resource) {
        JsonNode *node = resource->node;
        Form form = {
                .f = f,
                .resource = resource,
                .canonical = fhir_member_text(f, node, "questionnaire"),
                .status = json_text(node, "status"),
                .original_status = fhir_code(f, json_member(node, "status"),
                                             "http://hl7.org/fhir/questionnaire-answers-status"),
                .identifier = fhir_own_identifier(f, resource),
                .at = fhir_member_when(f, node, "authored"),
        };
        form.questionnaire = questionnaire_find(f, resource, form.canonical);
        if (form.questionnaire)
                form.questionnaire->is_used = true;
        form.title = form_title(f, resource, form.questionnaire);
        form.is_draft = text_equal(form.status, "in-progress") || text_equal(form.status, "stopped");
        form.author = form_author(&form);
        form_find_kind(&form, form.questionnaire);
        items_walk(&form, json_member(node, "item"), NULL, 0);
        if (form.kind == FORM_SCALE)
                scale_event(&form);
        else if (form.kind == FORM_PLAN)
                plan_event(&form);
        else if (form.kind == FORM_OTHER)
                other_event(&form);
        form_say_decisions(&form);
        for (size_t i = 0; i < form.n_answers; i++)
                if (clinical_says(form.answers[i]->value->name, "Attachment"))
                        (void)clinical_attachment(f, resource, form.answers[i]->value, form.answers[i]->question);
}
