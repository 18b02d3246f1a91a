/*
 * What somebody decided, wished or refused ahead of time, and the other concepts that are an event wherever they stand: as a Flag,
 * an Observation, a Condition, a Consent, an answer of a form. A value that nobody knows keeps its words, and normalise makes
 * "meaning not known" of it: nothing here guesses, and nothing is left out.
 */
#include <string.h>
#include <strings.h>

#include "adapters/fhir/translate-clinical.h"
#include "base/cleanup.h"
#include "base/text.h"

#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name
#define STATUS(name) CAREBUS__V1__DECISION__STATUS__STATUS_##name

/* Preferences have no type for their end: their status says it. */
static const struct {
        Carebus__V1__Decision__Kind kind;
        const char *recorded, *ended;
} decision_types[] = {
        { KIND(CPR), "cpr_decision.recorded", "cpr_decision.ended" },
        { KIND(ADRT), "adrt.recorded", "adrt.ended" },
        { KIND(LPA), "lpa.recorded", "lpa.ended" },
        { KIND(TREATMENT_ESCALATION), "treatment_escalation.recorded", "treatment_escalation.ended" },
        { KIND(PREFERRED_PLACE_OF_DEATH), "preference.place_of_death", "preference.place_of_death" },
        { KIND(PREFERRED_PLACE_OF_CARE), "preference.place_of_care", "preference.place_of_care" },
        { KIND(ADVANCE_STATEMENT), "advance_statement.recorded", "advance_statement.ended" },
        { KIND(OTHER), "decision.recorded", "decision.ended" },
};

const Concept *clinical_concept(const Carebus__V1__Coded *code, Carebus__V1__Coded *const *further, size_t n_further) {
        const Concept *found = code ? concept_find(code->system, code->code) : NULL;
        for (size_t i = 0; i < n_further && !found; i++)
                found = concept_find(further[i]->system, further[i]->code);
        if (found || !code)
                return found;
        /* Words decide only where no terminology has spoken: a shared code means what it means. */
        for (size_t i = 0; i < n_further; i++)
                if (further[i]->system && further[i]->code)
                        return NULL;
        if (code->system && code->code)
                return NULL;
        found = concept_find_by_name(code->text) ?: concept_find_by_name(code->display);
        if (!found && code->original)
                found = concept_find_by_name(code->original->display) ?: concept_find_by_name(code->original->code);
        if (!found && (cpr_is_question(NULL, code->original ? code->original->code : NULL, code->text)))
                found = concept_find_by_name("cpr");
        return found;
}

/* Whether the name of a question without an answer may be the answer: that one has a power of attorney, not which place is preferred. */
static bool name_is_statement(const Concept *concept) {
        return concept && (concept->decision == KIND(CPR) || concept->decision == KIND(ADRT) ||
                           concept->decision == KIND(LPA) || concept->decision == KIND(ADVANCE_STATEMENT));
}

static bool is_one_of(const char *word, const char *const *words) {
        for (; word && *words; words++)
                if (strcasecmp(word, *words) == 0)
                        return true;
        return false;
}

/* Whether an answer is no more than yes, or no more than no: in words, or in one of the codes that forms have for it. */
static bool says_any(const ClinicalSaid *said, const char *const *words) {
        const Carebus__V1__Coded *value = said->value;
        if (!value)
                return is_one_of(said->value_text, words);
        return is_one_of(value->code, words) || is_one_of(value->display, words) || is_one_of(value->text, words) ||
               (value->original && is_one_of(value->original->code, words));
}

bool clinical_says_yes(const ClinicalSaid *said) {
        static const char *const words[] = { "yes", "y", "true", "1", "373066001", "LA33-6", NULL };
        return says_any(said, words);
}

bool clinical_says_no(const ClinicalSaid *said) {
        static const char *const words[] = { "no", "n", "false", "0", "373067005", "LA32-8", NULL };
        return says_any(said, words);
}

/* "Not for attempted CPR: no" is not that decision, and what it is instead nobody said; "DNACPR: yes" may mean that there is a form.
 * The words of question and answer stay together, so that no code comes of them. */
static Carebus__V1__Coded *question_and_answer(Fhir *f, const ClinicalSaid *said) {
        const char *question = clinical_coded_words(said->code) ?: (said->concept ? said->concept->display : "");
        const char *answer = said->value ? clinical_coded_words(said->value) : said->value_text;
        Carebus__V1__Coded *coded = draft_coded(&f->draft, NULL, NULL, NULL,
                                                draft_format(&f->draft, "%s: %s", question, answer ?: ""));
        if (coded && said->value)
                coded->original = said->value->original;
        return coded;
}

/* The code of the vocabulary in its newest form, beside what was said. */
static Carebus__V1__Coded *newest(Fhir *f, const Concept *concept, const Carebus__V1__Coded *said) {
        const Concept *found = concept_find(concept->system, concept->value);
        Carebus__V1__Coded *coded = clinical_own_coded(f, concept->system, concept->value,
                                                       found ? found->display : concept->display);
        if (!coded || !said)
                return coded;
        coded->text = (char *)clinical_coded_words(said);
        coded->original = said->original;
        /* A display that contradicts its code has to be seen. */
        if (!coded->original && said->code) {
                coded->original = draft_message(&f->draft, &carebus__v1__original_code__descriptor);
                if (coded->original) {
                        coded->original->system = said->system;
                        coded->original->code = said->code;
                        coded->original->display = said->display;
                }
        }
        return coded;
}

/* What was answered: a code of the vocabulary, words of the source, or what the concept itself says. */
static Carebus__V1__Coded *answer_of(Fhir *f, const ClinicalSaid *said) {
        const Concept *answer = said->value ? concept_find(said->value->system, said->value->code) : NULL;
        bool is_statement = said->concept && said->concept->value;
        if (answer && answer->value)
                return newest(f, answer, said->value);
        if (said->value || said->value_text) {
                if (is_statement && clinical_says_yes(said))
                        return newest(f, said->concept, said->code);
                if (is_statement || (said->concept && said->concept->decision == KIND(CPR) &&
                                     (clinical_says_yes(said) || clinical_says_no(said))))
                        return question_and_answer(f, said);
                return said->value ?: draft_coded(&f->draft, NULL, NULL, NULL, said->value_text);
        }
        if (is_statement)
                return newest(f, said->concept, said->code);
        /* A flag that is called DNACPR, with nothing else: its name is what it says. */
        return name_is_statement(said->concept)
                       ? draft_coded(&f->draft, NULL, NULL, NULL, (char *)clinical_coded_words(said->code))
                       : NULL;
}

static Carebus__V1__Coded *coded_copy(Fhir *f, const Carebus__V1__Coded *coded) {
        Carebus__V1__Coded *copy = coded ? draft_message(&f->draft, &carebus__v1__coded__descriptor) : NULL;
        if (!copy)
                return NULL;
        copy->system = coded->system;
        copy->code = coded->code;
        copy->display = coded->display;
        copy->text = coded->text;
        copy->original = coded->original;
        return copy;
}

static bool code_is_any(const Carebus__V1__Coded *coded, const char *const *codes) {
        for (; coded && *codes; codes++)
                if (coded_is(coded, SYSTEM_SNOMED_CT, *codes))
                        return true;
        return false;
}

static void set_kind_details(Fhir *f, Carebus__V1__Decision *decision, const ClinicalSaid *said) {
        static const char *const life_sustaining[] = { "816321000000109", "816381000000105", NULL };
        static const char *const retracted[] = { "962601000000103", NULL };
        static const char *const not_discussed[] = { "517131000000106", "766391000000108", NULL };
        const char *name = said->concept ? said->concept->name : NULL;
        if (code_is_any(decision->decision, life_sustaining))
                decision->has_life_sustaining = decision->life_sustaining = true;
        if (code_is_any(decision->decision, retracted))
                decision->status = STATUS(RETRACTED);
        if (decision->kind != KIND(PREFERRED_PLACE_OF_DEATH) && decision->kind != KIND(PREFERRED_PLACE_OF_CARE))
                return;
        decision->place = coded_copy(f, decision->decision);
        if (code_is_any(decision->decision, not_discussed))
                decision->not_discussed_reason = coded_copy(f, decision->decision);
        if (text_equal(name, "ppd1") || text_equal(name, "ppd2")) {
                decision->has_rank = true;
                decision->rank = name[3] == '1' ? 1 : 2;
        }
}

static Carebus__V1__Decision__Status status_of(const ClinicalSaid *said) {
        if (said->is_error)
                return STATUS(ENTERED_IN_ERROR);
        if (said->is_ended)
                return STATUS(ENDED);
        return said->is_draft ? STATUS(DRAFT) : STATUS(ACTIVE);
}

/*
 * Codes that contradict each other
 */

typedef struct Meanings {
        bool attempt, do_not_attempt;
        char *words;
} Meanings;

static void hear_meaning(Meanings *meanings, CprMeaning meaning) {
        meanings->attempt = meanings->attempt || meaning == CPR_ATTEMPT;
        meanings->do_not_attempt = meanings->do_not_attempt || meaning == CPR_DO_NOT_ATTEMPT;
}

/* Beside a code any of these words is enough to doubt it; by themselves they would decide nothing. */
static void hear_words(Fhir *f, Meanings *meanings, const char *text) {
        static const char *const no[] = { "DNACPR",          "DNAR",           "not for attempted",
                                          "not for CPR",     "not for resus",  "not for cardio",
                                          "not to be resus", "do not attempt", "do not resus" };
        static const char *const yes[] = { "for CPR", "for attempted", "for resus" };
        bool is_no = false;
        if (!text)
                return;
        hear_meaning(meanings, cpr_meaning_of_text(text));
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                is_no = is_no || clinical_says(text, no[i]);
        meanings->do_not_attempt = meanings->do_not_attempt || is_no;
        for (size_t i = 0; i < ELEMENTSOF(yes) && !is_no; i++)
                meanings->attempt = meanings->attempt || clinical_says(text, yes[i]);
        if (!meanings->words || !strstr(meanings->words, text))
                meanings->words = clinical_join(f, meanings->words, text);
}

static void hear_coding(Fhir *f, Meanings *meanings, const JsonNode *coding, bool *ret_coded) {
        const char *code = json_said(coding, "code"), *display = json_said(coding, "display");
        CprMeaning meaning = cpr_meaning_of_code(json_said(coding, "system"), code);
        hear_meaning(meanings, meaning);
        *ret_coded = *ret_coded || meaning != CPR_NOT_KNOWN;
        hear_words(f, meanings, display);
        if (!display && meaning != CPR_NOT_KNOWN)
                hear_words(f, meanings,
                           meaning == CPR_ATTEMPT ? "for attempted cardiopulmonary resuscitation"
                                                  : "not for attempted cardiopulmonary resuscitation");
}

static void hear_element(Fhir *f, Meanings *meanings, const JsonNode *element, bool *ret_coded) {
        const JsonNode *codings = json_peek(element, "coding");
        for (const JsonNode *coding = codings ? codings->first : NULL; coding; coding = coding->next)
                hear_coding(f, meanings, coding, ret_coded);
        hear_words(f, meanings, json_said(element, "text"));
}

static void hear_list(Fhir *f, Meanings *meanings, const JsonNode *list, bool *ret_coded) {
        for (const JsonNode *element = list ? list->first : NULL; element; element = element->next)
                hear_element(f, meanings, element, ret_coded);
}

/* What says both is neither: all its words stay, and none of its codes. NULL: it does not. */
static Carebus__V1__Coded *contradiction(Fhir *f, const FhirResource *resource) {
        static const char *const elements[] = { "code", "valueCodeableConcept", NULL };
        for (size_t i = 0; i < ELEMENTSOF(elements); i++) {
                Meanings meanings = { .words = NULL };
                bool is_coded = false;
                if (elements[i])
                        hear_element(f, &meanings, json_peek(resource->node, elements[i]), &is_coded);
                else if (text_equal(resource->type, "Consent")) { /* one that has several names for itself */
                        hear_list(f, &meanings, json_peek(resource->node, "category"), &is_coded);
                        hear_list(f, &meanings, json_peek(json_peek(resource->node, "provision"), "code"), &is_coded);
                }
                if (is_coded && meanings.attempt && meanings.do_not_attempt)
                        return draft_coded(&f->draft, (char *)SYSTEM_CAREBUS_DECISION, (char *)CODE_MEANING_NOT_KNOWN,
                                           (char *)DISPLAY_MEANING_NOT_KNOWN, meanings.words);
        }
        return NULL;
}

static const char *type_of(Carebus__V1__Decision__Kind kind, bool is_over) {
        for (size_t i = 0; i < ELEMENTSOF(decision_types); i++)
                if (decision_types[i].kind == kind)
                        return is_over ? decision_types[i].ended : decision_types[i].recorded;
        return is_over ? "decision.ended" : "decision.recorded";
}

Carebus__V1__Event *clinical_decision(Fhir *f, Carebus__V1__Decision__Kind kind, const ClinicalSaid *said) {
        bool is_over = said->is_ended || said->is_error;
        const char *own = said->concept ? said->concept->event : NULL;
        Carebus__V1__Action action = is_over ? CAREBUS__V1__ACTION__ACTION_UPDATE : CAREBUS__V1__ACTION__ACTION_NEW;
        Carebus__V1__Decision *decision;
        Carebus__V1__Event *event;
        if (own && strcmp(own, "adrt.ended") == 0) { /* retracted: the code itself ends it */
                is_over = true;
                action = CAREBUS__V1__ACTION__ACTION_UPDATE;
        }
        event = fhir_event(f, said->resource, type_of(kind, is_over), action);
        decision = event ? draft_message(&f->draft, &carebus__v1__decision__descriptor) : NULL;
        if (!decision)
                return NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        event->decision = decision;
        if (said->is_error)
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        decision->has_kind = decision->has_status = true;
        decision->kind = kind;
        decision->status = status_of(said);
        decision->identifier = said->identifier ?: fhir_own_identifier(f, said->resource);
        event->order_id = decision->identifier;
        decision->decision = answer_of(f, said);
        decision->decision_text = said->value_text ?: (char *)clinical_coded_words(said->value ?: said->code);
        decision->decided_at = said->at;
        decision->decided_by = said->by;
        /* Until when it is valid is no end: that comes by its status. */
        decision->ended_at = is_over ? said->ended_at : NULL;
        decision->valid = said->valid;
        decision->original_status = said->original_status;
        decision->form_identifier = said->form;
        decision->form_type = said->form_type;
        decision->text = said->text;
        Carebus__V1__Coded *both = kind == KIND(CPR) ? contradiction(f, said->resource) : NULL;
        if (both) {
                both->original = decision->decision ? decision->decision->original : NULL;
                decision->decision = both;
                decision->decision_text = both->text;
        }
        set_kind_details(f, decision, said);
        if (is_over && said->ended_at)
                event->occurred_at = said->ended_at;
        else if (!is_over && said->at)
                event->occurred_at = said->at;
        return event;
}

Carebus__V1__Event *clinical_cpr_event(const Fhir *f, const FhirResource *resource) {
        for (size_t i = 0; i < f->draft.n_events; i++) {
                Carebus__V1__Event *event = f->draft.events[i];
                bool is_decision = event->body_case == CAREBUS__V1__EVENT__BODY_DECISION;
                if (f->event_resources[i] == resource && is_decision && event->decision->kind == KIND(CPR))
                        return event;
        }
        return NULL;
}

/*
 * Concepts that are no decision
 */

static Carebus__V1__Event *event_of_need(Fhir *f, const ClinicalSaid *said) {
        static const char *const prognoses[] = { "845701000000104",
                                                 "845721000000108",
                                                 "845751000000103",
                                                 "845771000000107",
                                                 "511401000000102",
                                                 "955231000000109",
                                                 "968211000000101",
                                                 "1064691000000106",
                                                 "767503006",
                                                 "1413121000000106",
                                                 NULL };
        static const char *const registers[] = { "526631000000108", "1403151000000103", "414937009", NULL };
        static const char *const forms[] = { "1751111000000104", NULL };
        Carebus__V1__PalliativeNeed *need;
        bool is_over = said->is_ended || said->is_error;
        Carebus__V1__Event *event =
                fhir_event(f, said->resource, is_over ? "palliative_need.removed" : "palliative_need.identified",
                           is_over ? CAREBUS__V1__ACTION__ACTION_UPDATE : CAREBUS__V1__ACTION__ACTION_NEW);
        need = event ? draft_message(&f->draft, &carebus__v1__palliative_need__descriptor) : NULL;
        if (!need)
                return NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_PALLIATIVE_NEED;
        event->palliative_need = need;
        if (said->is_error)
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        need->identifier = said->identifier ?: fhir_own_identifier(f, said->resource);
        need->status = (char *)(is_over ? "removed" : "active");
        need->identified_at = said->at;
        need->removed_at = is_over ? said->ended_at : NULL;
        need->identified_by = said->by;
        need->text = clinical_join(f, said->value_text, said->text);
        Carebus__V1__Coded *answer = answer_of(f, said) ?: said->code;
        if (code_is_any(answer, prognoses))
                need->prognosis = answer;
        else if (code_is_any(answer, forms) && !is_over)
                need->has_benefits_form = need->benefits_form = true;
        else
                need->register_ = answer;
        if (code_is_any(answer, registers)) {
                need->has_on_register = true;
                need->on_register = !is_over;
        }
        event->occurred_at = (is_over ? said->ended_at : said->at) ?: event->occurred_at;
        return event;
}

static Carebus__V1__Event *event_of_consent(Fhir *f, const ClinicalSaid *said) {
        const char *type = said->is_ended ? "consent.withdrawn" : said->concept->event;
        bool is_withdrawn = strcmp(type, "consent.withdrawn") == 0;
        Carebus__V1__Event *event = fhir_event(f, said->resource, type,
                                               is_withdrawn ? CAREBUS__V1__ACTION__ACTION_UPDATE
                                                            : CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__Consent *consent = event ? draft_message(&f->draft, &carebus__v1__consent__descriptor) : NULL;
        if (!consent)
                return NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_CONSENT;
        event->consent = consent;
        if (said->is_error)
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        consent->identifier = said->identifier ?: fhir_own_identifier(f, said->resource);
        consent->has_kind = consent->has_state = true;
        consent->kind = CAREBUS__V1__CONSENT__KIND__KIND_SHARE;
        consent->state_coded = answer_of(f, said) ?: said->code;
        /* What the code names without saying which way it went stays unknown. */
        consent->state = CAREBUS__V1__CONSENT__STATE__STATE_UNKNOWN;
        if (is_withdrawn)
                consent->state = CAREBUS__V1__CONSENT__STATE__STATE_WITHDRAWN;
        else if (coded_is(consent->state_coded, SYSTEM_SNOMED_CT, "882921000000109"))
                consent->state = CAREBUS__V1__CONSENT__STATE__STATE_GIVEN;
        else if (coded_is(consent->state_coded, SYSTEM_SNOMED_CT, "882961000000101") ||
                 coded_is(consent->state_coded, SYSTEM_SNOMED_CT, "883001000000106")) {
                consent->state = CAREBUS__V1__CONSENT__STATE__STATE_GIVEN;
                consent->basis = coded_copy(f, consent->state_coded);
        }
        if (is_withdrawn)
                consent->withdrawn_at = said->ended_at ?: said->at;
        else
                consent->given_at = said->at;
        consent->valid = said->valid;
        consent->recorded_by = said->by;
        consent->text = clinical_join(f, said->value_text, said->text);
        event->occurred_at = (is_withdrawn ? consent->withdrawn_at : said->at) ?: event->occurred_at;
        return event;
}

static Carebus__V1__Event *event_of_plan(Fhir *f, const ClinicalSaid *said) {
        bool is_over = said->is_ended || said->is_error;
        Carebus__V1__Event *event =
                fhir_event(f, said->resource, is_over ? "care_plan.withdrawn" : "care_plan.published",
                           is_over ? CAREBUS__V1__ACTION__ACTION_UPDATE : CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__CarePlan *plan = event ? draft_message(&f->draft, &carebus__v1__care_plan__descriptor) : NULL;
        if (!plan)
                return NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_CARE_PLAN;
        event->care_plan = plan;
        if (said->is_error)
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        plan->identifier = said->identifier ?: fhir_own_identifier(f, said->resource);
        event->plan_id = plan->identifier;
        plan->type = answer_of(f, said) ?: said->code;
        plan->status = (char *)(is_over ? "withdrawn" : "active");
        plan->original_status = said->original_status;
        plan->published_at = said->at;
        plan->withdrawn_at = said->ended_at;
        draft_append(&f->draft, &plan->n_authors, &plan->authors, said->by);
        plan->summary = clinical_join(f, said->value_text, said->text);
        event->occurred_at = (is_over ? said->ended_at : said->at) ?: event->occurred_at;
        return event;
}

static Carebus__V1__Event *event_of_medicines(Fhir *f, const ClinicalSaid *said) {
        bool is_over = said->is_ended || said->is_error;
        const char *type = is_over ? "anticipatory_meds.returned" : said->concept->event;
        Carebus__V1__Event *event = fhir_event(f, said->resource, type,
                                               is_over ? CAREBUS__V1__ACTION__ACTION_UPDATE
                                                       : CAREBUS__V1__ACTION__ACTION_NEW);
        Carebus__V1__AnticipatoryMedicines *medicines =
                event ? draft_message(&f->draft, &carebus__v1__anticipatory_medicines__descriptor) : NULL;
        if (!medicines)
                return NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_ANTICIPATORY_MEDICINES;
        event->anticipatory_medicines = medicines;
        if (said->is_error)
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        medicines->identifier = said->identifier ?: fhir_own_identifier(f, said->resource);
        medicines->status = strchr(type, '.') + 1;
        medicines->reason = said->code;
        medicines->text = clinical_join(f, said->value_text, said->text);
        if (strcmp(type, "anticipatory_meds.prescribed") == 0) {
                medicines->prescribed_at = said->at;
                medicines->prescriber = said->by;
        } else if (!is_over)
                medicines->supplied_at = said->at;
        medicines->returned_at = is_over ? said->ended_at : NULL;
        event->occurred_at = (is_over ? said->ended_at : said->at) ?: event->occurred_at;
        return event;
}

static const struct {
        const char *prefix;
        Carebus__V1__Event *(*make)(Fhir *f, const ClinicalSaid *said);
} makers[] = {
        { "palliative_need.", event_of_need },
        { "consent.", event_of_consent },
        { "care_plan.published", event_of_plan },
        { "anticipatory_meds.", event_of_medicines },
};

bool clinical_say(Fhir *f, const ClinicalSaid *said, Carebus__V1__Event **ret) {
        const Concept *concept = said->concept;
        Carebus__V1__Event *event;
        if (!concept)
                return false;
        if (concept->decision != KIND(UNKNOWN)) {
                event = clinical_decision(f, concept->decision, said);
                if (ret)
                        *ret = event;
                return true;
        }
        for (size_t i = 0; i < ELEMENTSOF(makers); i++)
                if (concept->event && text_starts_with(concept->event, makers[i].prefix)) {
                        event = makers[i].make(f, said);
                        if (ret)
                                *ret = event;
                        return true;
                }
        return false;
}
