/*
 * The decisions that a form holds. ReSPECT and the end of life care form of NHS England name their items by linkId; in any other form a
 * question is known by its code or its words, and an answer that is itself a decision's code is one wherever it stands.
 */
#include "adapters/fhir/translate-form.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name

typedef void (*FormSet)(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer);

/*
 * What an item of a known form says of a decision
 */

static char *joined(Form *form, char *a, const char *b) {
        return clinical_join(form->f, a, b);
}

static void set_decided_at(Form *form _unused_, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        decision->decided_at = answer->time ?: decision->decided_at;
}

static void set_reason(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        if (answer->coded)
                draft_append(&form->f->draft, &decision->n_reasons, &decision->reasons, answer->coded);
        else
                decision->reason_text = joined(form, decision->reason_text, answer->words);
}

static Carebus__V1__Capacity *capacity_of(Form *form, Carebus__V1__Decision *decision) {
        if (!decision->capacity)
                decision->capacity = draft_message(&form->f->draft, &carebus__v1__capacity__descriptor);
        return decision->capacity;
}

static void set_capacity_text(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        Carebus__V1__Capacity *capacity = capacity_of(form, decision);
        if (capacity)
                capacity->text = joined(form, capacity->text, answer->words);
}

/* The form's two answers in full; everything else stays words. */
static void set_capacity(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        Carebus__V1__Capacity *capacity = capacity_of(form, decision);
        if (!capacity)
                return;
        capacity->finding = answer->coded;
        if (answer->words && strcasecmp(answer->words, "has capacity") == 0)
                capacity->has_has_capacity = capacity->has_capacity = true;
        else if (answer->words && strcasecmp(answer->words, "does not have capacity") == 0)
                capacity->has_has_capacity = true;
        else
                capacity->text = joined(form, capacity->text, answer->words);
}

static Carebus__V1__Discussion *discussion_add(Form *form, Carebus__V1__Decision *decision) {
        Carebus__V1__Discussion *discussion = draft_message(&form->f->draft, &carebus__v1__discussion__descriptor);
        draft_append(&form->f->draft, &decision->n_discussions, &decision->discussions, discussion);
        return discussion;
}

static void add_discussion(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        Carebus__V1__Discussion *discussion = discussion_add(form, decision);
        if (!discussion)
                return;
        discussion->finding = answer->coded;
        if (!answer->coded)
                discussion->text = answer->words;
        if (coded_is(answer->coded, SYSTEM_SNOMED_CT, "873341000000100") ||
            coded_is(answer->coded, SYSTEM_SNOMED_CT, "873351000000102") ||
            coded_is(answer->coded, SYSTEM_SNOMED_CT, "713656002"))
                discussion->has_held = discussion->held = true;
}

/* Code and words of one person stand side by side in a group: the words go to the newest entry that has none. */
static void add_discussion_text(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        Carebus__V1__Discussion *last = decision->n_discussions ? decision->discussions[decision->n_discussions - 1]
                                                                : NULL;
        if (!last || last->text)
                last = discussion_add(form, decision);
        if (last)
                last->text = answer->words;
}

static void set_not_discussed(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        Carebus__V1__Discussion *discussion = discussion_add(form, decision);
        if (discussion)
                discussion->not_held_reason = draft_coded(&form->f->draft, NULL, NULL, NULL, answer->words);
}

static Carebus__V1__Awareness *awareness_add(Form *form, Carebus__V1__Decision *decision) {
        Carebus__V1__Awareness *awareness = draft_message(&form->f->draft, &carebus__v1__awareness__descriptor);
        draft_append(&form->f->draft, &decision->n_awareness, &decision->awareness, awareness);
        return awareness;
}

static void add_awareness(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        Carebus__V1__Awareness *awareness = awareness_add(form, decision);
        if (!awareness)
                return;
        awareness->finding = answer->coded;
        if (!answer->coded)
                awareness->text = answer->words;
        if (coded_is(answer->coded, SYSTEM_SNOMED_CT, "845151000000104"))
                awareness->has_aware = true; /* not aware */
        if (coded_is(answer->coded, SYSTEM_SNOMED_CT, "975311000000109") ||
            coded_is(answer->coded, SYSTEM_SNOMED_CT, "975291000000108"))
                awareness->has_aware = awareness->aware = true;
}

static void add_awareness_text(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        Carebus__V1__Awareness *last = decision->n_awareness ? decision->awareness[decision->n_awareness - 1] : NULL;
        if (!last || last->text)
                last = awareness_add(form, decision);
        if (last)
                last->text = answer->words;
}

static Carebus__V1__Practitioner *answered_person(Form *form, const FormAnswer *answer) {
        Carebus__V1__Practitioner *person;
        if (answer->value->kind == JSON_OBJECT)
                return fhir_reference_practitioner(form->f, form->resource, answer->value);
        person = answer->words ? draft_message(&form->f->draft, &carebus__v1__practitioner__descriptor) : NULL;
        if (!person)
                return NULL;
        person->name = draft_message(&form->f->draft, &carebus__v1__human_name__descriptor);
        if (person->name)
                person->name->text = answer->words;
        return person;
}

static void set_decided_by(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        decision->decided_by = answered_person(form, answer) ?: decision->decided_by;
}

static void set_endorser(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        decision->endorser = answered_person(form, answer);
}

static void add_signature(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        Carebus__V1__Signature *signature = draft_message(&form->f->draft, &carebus__v1__signature__descriptor);
        if (!signature)
                return;
        signature->role = answer->coded;
        signature->text = answer->coded ? NULL : answer->words;
        draft_append(&form->f->draft, &decision->n_signatures, &decision->signatures, signature);
}

static void set_priority(Form *form _unused_, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        decision->priority_scale = answer->number ? answer->number->value : answer->words;
}

static void set_focus(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        decision->focus = answer->coded ?: draft_coded(&form->f->draft, NULL, NULL, NULL, answer->words);
}

static void add_guidance(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        draft_append(&form->f->draft, &decision->n_guidance, &decision->guidance, answer->words);
}

static void set_valued(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        decision->what_valued = joined(form, decision->what_valued, answer->words);
}

static void set_feared(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        decision->what_feared = joined(form, decision->what_feared, answer->words);
}

static void set_summary(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        decision->summary = joined(form, decision->summary, answer->words);
}

static void add_emergency_contact(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        Carebus__V1__EscalationContact *contact = draft_message(&form->f->draft,
                                                                &carebus__v1__escalation_contact__descriptor);
        if (!contact)
                return;
        contact->text = answer->words;
        draft_append(&form->f->draft, &decision->n_emergency_contacts, &decision->emergency_contacts, contact);
}

static void set_text(Form *form, Carebus__V1__Decision *decision, const FormAnswer *answer) {
        decision->text = joined(form, decision->text, answer->words);
}

/* The items of https://fhir.nhs.uk/Questionnaire/EOLC and of the ReSPECT form of NHS England. `set` NULL: the decision itself. */
static const struct {
        const char *link_id;
        Carebus__V1__Decision__Kind kind;
        FormSet set;
} form_items[] = {
        { "CPR001.1", KIND(CPR), NULL },
        { "CPR001.2", KIND(CPR), set_reason },
        { "CPR001.3", KIND(CPR), set_capacity_text },
        { "CPR001.6.1", KIND(CPR), add_discussion },
        { "CPR001.6.2", KIND(CPR), add_discussion_text },
        { "CPR001.7.1", KIND(CPR), add_awareness },
        { "CPR001.7.2", KIND(CPR), add_awareness_text },
        { "CPR001.8", KIND(CPR), set_decided_by },
        { "CPR001.10", KIND(CPR), set_endorser },
        { "6194338778785", KIND(CPR), NULL },
        { "6788228603760", KIND(CPR), set_decided_at },
        { "1554704924421", KIND(CPR), set_capacity },
        { "385690544151", KIND(CPR), set_capacity_text },
        { "5039098111353", KIND(CPR), add_discussion },
        { "942556910304", KIND(CPR), set_not_discussed },
        { "3640427889643", KIND(CPR), add_signature },
        { "ATP001.1.1", KIND(TREATMENT_ESCALATION), add_guidance },
        { "ATP001.1.2", KIND(TREATMENT_ESCALATION), add_guidance },
        { "ATP001.4.1", KIND(TREATMENT_ESCALATION), set_priority },
        { "ATP001.4.2", KIND(TREATMENT_ESCALATION), set_valued },
        { "ATP001.5", KIND(TREATMENT_ESCALATION), set_decided_at },
        { "ATP001.6", KIND(TREATMENT_ESCALATION), set_decided_by },
        { "2554609755642", KIND(TREATMENT_ESCALATION), set_summary },
        { "5090977699027", KIND(TREATMENT_ESCALATION), set_valued },
        { "914986869542", KIND(TREATMENT_ESCALATION), set_feared },
        { "7415469232414", KIND(TREATMENT_ESCALATION), set_focus },
        { "5712690658400", KIND(TREATMENT_ESCALATION), add_guidance },
        { "8477092546793", KIND(TREATMENT_ESCALATION), set_text },
        { "1554704924421", KIND(TREATMENT_ESCALATION), set_capacity },
        { "385690544151", KIND(TREATMENT_ESCALATION), set_capacity_text },
        { "5039098111353", KIND(TREATMENT_ESCALATION), add_discussion },
        { "942556910304", KIND(TREATMENT_ESCALATION), set_not_discussed },
        { "3640427889643", KIND(TREATMENT_ESCALATION), add_signature },
        { "7395725931613", KIND(TREATMENT_ESCALATION), add_emergency_contact },
        { "8143298459836", KIND(LPA), NULL },
        { "6121442206090", KIND(LPA), set_text },
        { "ATP001.3", KIND(ADRT), NULL },
        { "PRE001.1.2", KIND(PREFERRED_PLACE_OF_DEATH), NULL },
        { "PRE001.1.3", KIND(PREFERRED_PLACE_OF_DEATH), set_text },
        { "PRE001.4", KIND(PREFERRED_PLACE_OF_DEATH), set_decided_at },
        { "PRE001.5", KIND(PREFERRED_PLACE_OF_DEATH), set_decided_by },
};

/* Of a kind: what asks for it in the vocabulary, and what its part of the form is called. */
static const struct {
        Carebus__V1__Decision__Kind kind;
        const char *concept, *part;
} form_kinds[] = {
        { KIND(CPR), "cpr", "cpr" },
        { KIND(ADRT), "adrt", "adrt" },
        { KIND(LPA), "lpa", "lpa" },
        { KIND(TREATMENT_ESCALATION), "ceiling", "treatment-escalation" },
        { KIND(PREFERRED_PLACE_OF_DEATH), "ppd", "preferred-place-of-death" },
};

/* linkIds of the two forms alone: another form's "8.1" is its own business. */
static bool item_is_known(const Form *form, const FormAnswer *answer) {
        if (!answer->link_id || (form->kind != FORM_RESPECT && form->kind != FORM_PLAN))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(form_items); i++)
                if (strcmp(form_items[i].link_id, answer->link_id) == 0)
                        return true;
        return false;
}

/*
 * Whether an answer says that there is something
 */

static bool says_no(const FormAnswer *answer) {
        static const char *const words[] = { "no",       "none",         "n",         "nil",   "n/a",
                                             "absent",   "not known",    "unknown",   "false", "not applicable",
                                             "declined", "not recorded", "not asked", "0",     "not in place" };
        if (answer->value->kind == JSON_FALSE)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (answer->words && strcasecmp(answer->words, words[i]) == 0)
                        return true;
        return false;
}

/* About resuscitation no and yes can each mean either, so any answer is a decision whose meaning nobody knows; that there is no advance
 * decision, no attorney, is none. A reference leads to a resource that says it itself. */
static bool makes_decision(Carebus__V1__Decision__Kind kind, const FormAnswer *answer) {
        if (kind == KIND(CPR))
                return true;
        if (answer->value->kind == JSON_OBJECT &&
            (json_peek(answer->value, "reference") || json_peek(answer->value, "identifier")))
                return false;
        return kind == KIND(PREFERRED_PLACE_OF_DEATH) || kind == KIND(PREFERRED_PLACE_OF_CARE) || !says_no(answer);
}

/*
 * Events
 */

static ClinicalSaid said_of(Form *form, const Concept *concept, const char *part) {
        return (ClinicalSaid){
                .resource = form->resource,
                .concept = concept,
                .identifier = part ? clinical_part_identifier(form->f, form->resource, part) : form->identifier,
                .form = form->identifier,
                .form_type = form->type,
                .at = form->at,
                .by = form->author,
                .original_status = form->original_status,
                .is_draft = form->is_draft,
                .is_error = fhir_is_in_error(form->resource),
        };
}

static void said_set_answer(ClinicalSaid *said, const FormAnswer *answer) {
        said->code = answer->question;
        if (answer->coded)
                said->value = answer->coded;
        else
                said->value_text = answer->words;
}

/* A second answer to the same question: both stand, and where they differ neither decides. */
static void said_add_answer(Form *form, ClinicalSaid *said, const FormAnswer *answer) {
        const char *before = said->value ? clinical_coded_words(said->value) : said->value_text;
        if (!answer->words || text_equal(before, answer->words))
                return;
        said->value = NULL;
        said->value_text = draft_format(&form->f->draft, "%s / %s", before ?: "not said", answer->words);
}

/* One kind of a known form: the answer that is the decision, then everything else about it. */
static void known_kind_say(Form *form, size_t index) {
        Carebus__V1__Decision__Kind kind = form_kinds[index].kind;
        bool is_whole = kind == KIND(TREATMENT_ESCALATION) && form->kind == FORM_RESPECT, is_said = is_whole;
        ClinicalSaid said = said_of(form, concept_find_by_name(form_kinds[index].concept),
                                    is_whole ? NULL : form_kinds[index].part);
        Carebus__V1__Event *event;
        bool is_dated = false, has_value = false;
        for (size_t i = 0; i < form->n_answers; i++)
                for (size_t k = 0; k < ELEMENTSOF(form_items); k++) {
                        const FormAnswer *answer = form->answers[i];
                        FormSet set = form_items[k].set;
                        if (form_items[k].kind != kind || !text_equal(form_items[k].link_id, answer->link_id))
                                continue;
                        if (!set && makes_decision(kind, answer)) {
                                if (!has_value)
                                        said_set_answer(&said, answer);
                                else
                                        said_add_answer(form, &said, answer);
                                is_said = has_value = true;
                        }
                        /* What stands beside it makes it too, but for what belongs to the whole form, and for dates and names alone. */
                        if (set == set_reason || set == set_priority || set == add_guidance || set == add_awareness ||
                            (set == set_text && kind == KIND(PREFERRED_PLACE_OF_DEATH)) ||
                            strncmp(answer->link_id, "CPR001.6", 8) == 0)
                                is_said = true;
                        is_dated = is_dated || set == set_decided_at;
                }
        if (!is_said || !said.concept)
                return;
        event = clinical_decision(form->f, kind, &said);
        if (!event)
                return;
        for (size_t i = 0; i < form->n_answers; i++)
                for (size_t k = 0; k < ELEMENTSOF(form_items); k++)
                        if (form_items[k].kind == kind && form_items[k].set &&
                            text_equal(form_items[k].link_id, form->answers[i]->link_id))
                                form_items[k].set(form, event->decision, form->answers[i]);
        if (is_whole)
                for (size_t i = 0; i < form->n_answers; i++)
                        draft_append(&form->f->draft, &event->decision->n_answers, &event->decision->answers,
                                     form_question_answer(form, form->answers[i]));
        if (kind == KIND(PREFERRED_PLACE_OF_DEATH) && !event->decision->place)
                event->decision->place = draft_coded(&form->f->draft, NULL, NULL, NULL, event->decision->text);
        if (is_dated && !said.is_error)
                event->occurred_at = event->decision->decided_at ?: event->occurred_at;
}

/* A score among other answers: functional status in a plan. */
static bool score_say(Form *form, const FormAnswer *answer, size_t index) {
        ClinicalCode code = { .code = answer->question };
        const Scale *scale = form->kind == FORM_SCALE ? NULL : clinical_scale(&code);
        Carebus__V1__Measure *measure;
        Carebus__V1__Event *event;
        if (!scale || (!answer->number && !answer->coded))
                return false;
        event = fhir_event(form->f, form->resource, "outcome.measured", CAREBUS__V1__ACTION__ACTION_NEW);
        measure = event ? draft_message(&form->f->draft, &carebus__v1__measure__descriptor) : NULL;
        if (!measure)
                return true;
        event->body_case = CAREBUS__V1__EVENT__BODY_MEASURE;
        event->measure = measure;
        measure->identifier = clinical_part_identifier(form->f, form->resource,
                                                       answer->link_id ?: draft_format(&form->f->draft, "%zu", index));
        measure->scale = clinical_scale_coded(form->f, scale, answer->question);
        measure->recall_period = (char *)scale->recall;
        measure->total = answer->number;
        measure->result = answer->coded;
        measure->measured_at = form->at;
        measure->measured_by = form->author;
        event->occurred_at = form->at ?: event->occurred_at;
        return true;
}

static bool answer_say(Form *form, const FormAnswer *answer, size_t index) {
        const Concept *asked = clinical_concept(answer->question, NULL, 0), *answered;
        ClinicalSaid said;
        char *part = draft_format(&form->f->draft, "%s", answer->link_id ?: "");
        answered = answer->coded ? concept_find(answer->coded->system, answer->coded->code) : NULL;
        if (answered && !(answered->value && answered->decision != KIND(UNKNOWN)))
                answered = NULL;
        if ((!asked && !answered) || !part)
                return false;
        if (!part[0])
                part = draft_format(&form->f->draft, "%zu", index);
        said = said_of(form, asked && asked->decision != KIND(UNKNOWN) ? asked : answered ?: asked, part);
        if (!makes_decision(said.concept->decision, answer))
                return true;
        if (said.concept->value && answer->value->kind == JSON_TRUE)
                said.code = answer->question; /* "Has an advance decision": yes */
        else if (said.concept->value && answer->time) {
                said.code = answer->question; /* "On the register since" */
                said.at = answer->time;
        } else
                said_set_answer(&said, answer);
        return clinical_say(form->f, &said, NULL);
}

/* A question about resuscitation that nobody knows, whatever its answer; or an answer that speaks of a decision where no question asked
 * for one: the words of both. */
static void words_say(Form *form, const FormAnswer *answer, size_t index) {
        const char *question = clinical_coded_words(answer->question);
        bool is_asked = clinical_speaks_of_cpr(question), is_said = answer->words && clinical_states_cpr(answer->words);
        ClinicalSaid said;
        if (!answer->words || (!is_asked && (!is_said || clinical_cpr_event(form->f, form->resource))))
                return;
        said = said_of(form, NULL, answer->link_id ?: draft_format(&form->f->draft, "%zu", index));
        said.code = answer->question;
        said.value_text = draft_format(&form->f->draft, "%s: %s", question ?: "", answer->words);
        (void)clinical_decision(form->f, KIND(CPR), &said);
}

void form_say_decisions(Form *form) {
        if (form->kind == FORM_RESPECT || form->kind == FORM_PLAN)
                for (size_t i = 0; i < ELEMENTSOF(form_kinds); i++)
                        known_kind_say(form, i);
        for (size_t i = 0; i < form->n_answers && !form->f->draft.is_full; i++) {
                if (item_is_known(form, form->answers[i]) || score_say(form, form->answers[i], i))
                        continue;
                if (!answer_say(form, form->answers[i], i) &&
                    (form->kind == FORM_OTHER || !clinical_cpr_event(form->f, form->resource)))
                        words_say(form, form->answers[i], i);
        }
}
