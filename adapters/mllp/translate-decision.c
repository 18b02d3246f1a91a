/*
 * Decisions made ahead of time, resuscitation first. What was said is carried with its words; what it means is for a shared
 * code, a signed map or a text that can mean only one thing to say (canon/), and where none does, it is a decision whose
 * meaning nobody knows. Nothing here is guessed, dropped, or ended by anything but a statement that ends it.
 */
#include <string.h>

#include "adapters/mllp/translate-groups.h"
#include "proto/types.h"

#define D Carebus__V1__Decision
#define KIND_CPR CAREBUS__V1__DECISION__KIND__KIND_CPR
#define RECORDED "cpr_decision.recorded"

/* ---- what it is about */

static bool asks_cpr(const Meaning *meanings, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (cpr_is_question(meanings[i].system, meanings[i].code, meanings[i].text) ||
                    (!concept_find(meanings[i].system, meanings[i].code) && question_asks_for_cpr(meanings[i].text)))
                        return true;
        return false;
}

/* What the decision is, and not whether there is one. */
static bool asks_main(const Meaning *meanings, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (cpr_is_question(meanings[i].system, meanings[i].code, meanings[i].text) &&
                    !(meanings[i].text && strcasestr(meanings[i].text, "in place")))
                        return true;
        return false;
}

/* The same of what a hospital calls an order or a form. */
static bool names_cpr(const Meaning *meanings, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (name_speaks_of_cpr(meanings[i].text) || name_speaks_of_cpr(meanings[i].code))
                        return true;
        return asks_cpr(meanings, n);
}

static bool answers_cpr(const Meaning *meanings, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (cpr_meaning_of_code(meanings[i].system, meanings[i].code) != CPR_NOT_KNOWN ||
                    cpr_meaning_of_text(meanings[i].code) != CPR_NOT_KNOWN ||
                    cpr_meaning_of_text(meanings[i].text) != CPR_NOT_KNOWN)
                        return true;
        return false;
}

static const Concept *concept_of(const Meaning *meanings, size_t n) {
        for (size_t i = 0; i < n; i++) {
                const Concept *found = concept_find(meanings[i].system, meanings[i].code);

                if (!found)
                        found = concept_find_by_name(meanings[i].code);
                if (!found)
                        found = concept_find_by_name(meanings[i].text);
                if (found)
                        return found;
        }
        return NULL;
}

/* The type that ends what `type` began: adrt.ended. The same where there is none: then only the action says it. */
static const char *ended_type(Translation *t, const char *type) {
        size_t n = strcspn(type, ".");
        char *ended = draft_format(&t->draft, "%.*s.ended", (int)n, type);

        return ended && event_type_find(ended) ? ended : type;
}

/* ---- of an OBX */

static Carebus__V1__Coded *value_as_coded(Translation *t, const Carebus__V1__Observation *o) {
        if (o->value_coded)
                return o->value_coded;
        if (o->value)
                return coded_of_text(t, o->value->value);
        return coded_of_text(t, o->value_text);
}

static bool says_yes(const Carebus__V1__Coded *answer) {
        return coded_says(answer, "Y") || coded_says(answer, "YES") || coded_says(answer, "TRUE");
}

/*
 * A question and answer in one: "not for attempted resuscitation" with yes is that decision. With anything else it is not, and
 * what it is instead nobody said.
 */
static Carebus__V1__Coded *answer_of_statement(Translation *t, const Concept *statement, const Carebus__V1__Coded *code,
                                               Carebus__V1__Coded *answer) {
        const char *words = code->text ?: code->display, *said = answer->text ?: answer->display;
        Carebus__V1__Coded *coded;

        if (says_yes(answer)) {
                coded = draft_coded(&t->draft, (char *)statement->system, (char *)statement->value,
                                    (char *)statement->display, (char *)words);
                if (coded)
                        coded->original = code->original;
                return coded;
        }
        if (!said)
                said = answer->original ? answer->original->code : answer->code;
        return coded_of_text(t, draft_format(&t->draft, "%s: %s", words ?: statement->display, said ?: ""));
}

/* Yes to "DNACPR?" may mean that there is a form: the words of question and answer stay together, and no code comes of them. */
static Carebus__V1__Coded *answer_of_question(Translation *t, const Carebus__V1__Coded *code,
                                              Carebus__V1__Coded *answer) {
        static const char *const bare[] = { "Y", "N", "YES", "NO", "TRUE", "FALSE", "0", "1" };
        const char *question = code->text ?: code->display;

        for (size_t i = 0; question && i < ELEMENTSOF(bare); i++)
                if (coded_says(answer, bare[i]) && !answer->code) {
                        answer->text = draft_format(&t->draft, "%s: %s", question, answer->text ?: bare[i]);
                        return answer;
                }
        return answer;
}

static const struct {
        const char *status; /* of the observation */
        Carebus__V1__Decision__Status meant;
} observed_statuses[] = {
        { "entered-in-error", CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR },
        { "final", CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE },
        { "amended", CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE },
        { "corrected", CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE },
        { "preliminary", CAREBUS__V1__DECISION__STATUS__STATUS_DRAFT },
        { "cancelled", CAREBUS__V1__DECISION__STATUS__STATUS_UNKNOWN }, /* it could not be obtained, or was not asked */
};

static void rank_read(D *decision, const Concept *concept) {
        size_t n = strlen(concept->code);

        if (n > 2 && concept->code[n - 2] == '-' && (concept->code[n - 1] == '1' || concept->code[n - 1] == '2')) {
                decision->has_rank = true;
                decision->rank = (uint32_t)(concept->code[n - 1] - '0');
        }
}

static bool order_is_taken(const Translation *t, const Carebus__V1__Identifier *order,
                           Carebus__V1__Decision__Kind kind) {
        for (size_t i = 0; i < t->draft.n_events; i++) {
                const Carebus__V1__Event *event = t->draft.events[i];

                if (event->body_case == CAREBUS__V1__EVENT__BODY_DECISION && event->decision->kind == kind &&
                    event->order_id && identifiers_are_equal(event->order_id, order))
                        return true;
        }
        return false;
}

/*
 * The number of an order is that of the decision it asks for. What stands beside that under the same order (a form is in place, a
 * ceiling of care) has a number of its own, of the order and the question: or it would take the decision's place, and take it away
 * when it is deleted.
 */
static Carebus__V1__Identifier *number_of_observed(Translation *t, const Carebus__V1__Observation *o,
                                                   Carebus__V1__Decision__Kind kind, bool is_main) {
        const char *question = o->code->original ? o->code->original->code : o->code->code;
        Carebus__V1__Identifier *own;

        if (o->identifier || !o->order)
                return o->identifier;
        if (is_main && !order_is_taken(t, o->order, kind))
                return o->order;
        own = draft_message(&t->draft, &carebus__v1__identifier__descriptor);
        if (!own)
                return NULL;
        *own = *o->order;
        own->value = draft_format(&t->draft, "%s/%s", own->value, question ?: (o->code->text ?: "OBX"));
        return own;
}

static D *decision_of_observed(Translation *t, const Observed *observed, Carebus__V1__Decision__Kind kind,
                               bool is_main) {
        D *decision = draft_message(&t->draft, &carebus__v1__decision__descriptor);
        const Carebus__V1__Observation *o = observed->observation;
        NoteList notes = observed->notes;

        if (!decision)
                return NULL;
        decision->has_kind = true;
        decision->kind = kind;
        decision->identifier = number_of_observed(t, o, kind, is_main);
        decision->decision_text = o->value_text ?: (o->value_coded ? o->value_coded->text : NULL);
        decision->decided_at = o->observed_at;
        decision->decided_by = o->performer;
        decision->original_status = o->original_status;
        for (size_t i = 0; o->status && i < ELEMENTSOF(observed_statuses); i++)
                if (strcmp(observed_statuses[i].status, o->status) == 0) {
                        decision->has_status = true;
                        decision->status = observed_statuses[i].meant;
                }
        decision_answers_read(t, decision, &notes);
        return decision;
}

static void observed_event(Translation *t, Patient *patient, const Observed *observed, D *decision, const char *type) {
        bool is_error = observed->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        Carebus__V1__Event *event = patient_event(t, patient, is_error ? ended_type(t, type) : type, observed->action);

        if (!event)
                return;
        if (decision->identifier == observed->observation->order) /* by which the bus tells decisions apart */
                event->order_id = decision->identifier;
        event->body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        event->decision = decision;
        if (decision->decided_at && when_is_readable(decision->decided_at))
                event->occurred_at = decision->decided_at;
        event_set_author(t, event, decision->decided_by, NULL);
        event_end(t, event, NULL);
}

/* "DNR" is also what a laboratory writes where it did not run something. */
static bool answer_is_cpr(const Translation *t, const Carebus__V1__Coded *answer) {
        Meaning meanings[MEANINGS_MAX];
        size_t n = coded_meanings(t, "observation.value", answer, meanings);

        return n > 0 && !coded_says(answer, "DNR") && answers_cpr(meanings, n);
}

/*
 * An answer about resuscitation to a question about something else: a ceiling of care, a line of a form, what somebody decided
 * before. What the question makes of it is for a person to read; that it was said is told in any case.
 */
static void aside_read(Translation *t, Patient *patient, const Observed *observed, const Carebus__V1__Coded *answer) {
        const Carebus__V1__Coded *code = observed->observation->code;
        const char *question = code->text ?: code->display, *said = answer->text ?: answer->display;
        D *decision = decision_of_observed(t, observed, KIND_CPR, /* is_main= */ false);

        if (!decision)
                return;
        if (!question && code->original)
                question = code->original->code;
        decision->decision = draft_coded(&t->draft, (char *)SYSTEM_CAREBUS_DECISION, (char *)CODE_MEANING_NOT_KNOWN,
                                         (char *)DISPLAY_MEANING_NOT_KNOWN,
                                         draft_format(&t->draft, "%s: %s", question ?: "", said ?: ""));
        observed_event(t, patient, observed, decision, RECORDED);
}

/* What was deleted or entered in error says so by its number; it need not say again what it was. */
static bool is_undone(const Observed *observed) {
        return observed->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR &&
               (observed->observation->identifier || observed->observation->order);
}

bool decision_read(Translation *t, Patient *patient, const Observed *observed) {
        Carebus__V1__Observation *o = observed->observation;
        Meaning meanings[MEANINGS_MAX];
        size_t n = coded_meanings(t, "observation.code", o->code, meanings);
        const Concept *concept = concept_of(meanings, n);
        Carebus__V1__Coded *answer = value_as_coded(t, o);
        bool is_cpr = asks_cpr(meanings, n) || answers_cpr(meanings, n);
        D *decision;

        if (is_cpr && observed->group->has_decision) /* its order said it already */
                return true;
        if (!is_cpr && answer && !observed->group->has_decision && answer_is_cpr(t, answer))
                aside_read(t, patient, observed, answer);
        if (!is_cpr && (!concept || !concept->decision || !concept->event))
                return false;
        if (!answer && !is_undone(observed)) /* nothing was said: an empty question decides nothing, and ends nothing */
                return false;
        if (!concept || (is_cpr && concept->decision != KIND_CPR))
        concept = concept_find(SYSTEM_SNOMED_CT, "304251008");
        decision = decision_of_observed(t, observed, concept->decision, !is_cpr || asks_main(meanings, n));
        if (!decision)
                return true;
        if (answer)
        decision->decision = concept->value ? answer_of_statement(t, concept, o->code, answer)
                                            : answer_of_question(t, o->code, answer);
        rank_read(decision, concept);
        if (decision->kind == CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH ||
            decision->kind == CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_CARE)
                decision->place = decision->decision;
        observed_event(t, patient, observed, decision, concept->event);
        return true;
}

/* ---- of an order */

/* A label may stand anywhere in OBR-27, which is a TQ by the standard. */
static Carebus__V1__Coded *label_read(Translation *t, const Hl7Segment *obr) {
        Hl7Value field = hl7_field(t->message, obr, 27), parts[16];
        size_t n = hl7_split_components(t->message, field, parts, ELEMENTSOF(parts));

        for (size_t i = 0; i < n; i++) {
                char *text = value_text_whole(t, parts[i]);
                Carebus__V1__Coded *label = text ? draft_coded_local(&t->draft, NULL, text, text) : NULL;
                Meaning meanings[MEANINGS_MAX];

                if (label && names_cpr(meanings, coded_meanings(t, "order.label", label, meanings)))
                        return label;
        }
        return NULL;
}

static bool is_mapped(const Translation *t, const char *path, const Carebus__V1__Coded *coded) {
        const ProfileMap *map = profile_find_map(t->options->profile, path);

        if (!map || !coded)
                return false;
        return (coded->original && coded->original->code && profile_map_find(map, coded->original->code)) ||
               (coded->text && profile_map_find(map, coded->text));
}

/* OBR-4.5 as it stood, else the words that are there. */
static char *order_words(Translation *t, const Hl7Segment *obr, const Carebus__V1__Coded *code) {
        char *text = value_text_whole(t, hl7_component(t->message, hl7_field(t->message, obr, 4), 5));

        if (!text && code)
                text = code->text ?: (code->original ? code->original->code : NULL);
        return text;
}

static const struct {
        OrderAct act;
        Carebus__V1__Decision__Status status;
        bool ends;
        Carebus__V1__Action action;
} order_acts[] = {
        { ORDER_PLACED, CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE, false, CAREBUS__V1__ACTION__ACTION_NEW },
        { ORDER_CHANGED, CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE, false, CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_REPLACES, CAREBUS__V1__DECISION__STATUS__STATUS_ACTIVE, false, CAREBUS__V1__ACTION__ACTION_NEW },
        { ORDER_HELD, CAREBUS__V1__DECISION__STATUS__STATUS_SUSPENDED, false, CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_REFUSED, CAREBUS__V1__DECISION__STATUS__STATUS_UNKNOWN, false, CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_COMPLETED, CAREBUS__V1__DECISION__STATUS__STATUS_UNKNOWN, false, CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_REPLACED, CAREBUS__V1__DECISION__STATUS__STATUS_SUPERSEDED, true, CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_CANCELLED, CAREBUS__V1__DECISION__STATUS__STATUS_CANCELLED, true, CAREBUS__V1__ACTION__ACTION_UPDATE },
        { ORDER_UNDONE, CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR, true,
          CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
};
_Static_assert(ELEMENTSOF(order_acts) == _ORDER_ACT_MAX, "each act of an order does something to a decision");

static size_t order_act_row(OrderAct act) {
        size_t i = 0;

        while (order_acts[i].act != act)
                i++;
        return i;
}

/* MSH-8 of an order that the discharge closed: the end of the stay, and no decision for the contrary. */
static bool is_closed_by_discharge(Translation *t) {
        return hl7_is(t->message, hl7_field(t->message, t->message->segments, 8), "DISCHAUTO");
}

static void ended_read(Translation *t, const OrderGroup *group, D *decision) {
        decision->ended_at = order_said_at(t, group);
        if (!decision->ended_at)
                decision->ended_at = t->sent_at;
        if (is_closed_by_discharge(t) && decision->status != CAREBUS__V1__DECISION__STATUS__STATUS_ENTERED_IN_ERROR) {
                decision->status = CAREBUS__V1__DECISION__STATUS__STATUS_ENDED;
                decision->end_reason = draft_coded_local(&t->draft, NULL, (char *)"DISCHAUTO",
                                                         (char *)"closed by discharge");
        } else if (group->orc)
                decision->end_reason = value_coded(t, hl7_field(t->message, group->orc, 16));
}

/* The answer that stands in an OBX, where OBR-4 is the question. */
static Carebus__V1__Coded *answer_under_order(Translation *t, const OrderGroup *group, Carebus__V1__Coded *question) {
        for (const Hl7Segment *obx = span_find(group->span, "OBX"); obx;
             obx = span_find_next(group->span, "OBX", obx)) {
                Observed observed;
                Meaning meanings[MEANINGS_MAX];
                size_t n;

                observed_read(t, group, obx, &observed);
                n = observed.observation ? coded_meanings(t, "observation.code", observed.observation->code, meanings)
                                         : 0;
                if (n > 0 && asks_cpr(meanings, n)) {
                        Carebus__V1__Coded *answer = value_as_coded(t, observed.observation);

                        return answer ? answer_of_question(t, observed.observation->code, answer) : question;
                }
        }
        return question;
}

static D *decision_of_group(Translation *t, const OrderGroup *group, Carebus__V1__Coded *code, const NoteList *notes) {
        D *decision = draft_message(&t->draft, &carebus__v1__decision__descriptor);
        NoteList lines = *notes;

        if (!decision)
                return NULL;
        decision->has_kind = true;
        decision->kind = KIND_CPR;
        decision->identifier = order_identifier(t, group);
        decision->decision = code;
        decision->decision_text = order_words(t, group->obr, code);
        if (code && decision->decision_text)
                code->text = decision->decision_text;
        decision->decided_at = value_when(t, hl7_field(t->message, group->obr, 36));
        decision->decided_by = practitioner_first(t, group->orc, 12) ?: practitioner_first(t, group->obr, 16);
        if (group->orc)
                decision->original_status = value_coded(t, hl7_field(t->message, group->orc, 1));
        decision_answers_read(t, decision, &lines);
        return decision;
}

static void order_event(Translation *t, Patient *patient, const OrderGroup *group, D *decision) {
        size_t row = order_act_row(order_act(t, group));
        bool ends = order_acts[row].ends || is_closed_by_discharge(t);
        Carebus__V1__Action action = ends && !order_acts[row].ends ? CAREBUS__V1__ACTION__ACTION_UPDATE
                                                                   : order_acts[row].action;
        Carebus__V1__Event *event = patient_event(t, patient, ends ? "cpr_decision.ended" : RECORDED, action);

        if (!event)
                return;
        decision->has_status = true;
        decision->status = order_acts[row].status;
        if (ends)
                ended_read(t, group, decision);
        if (order_acts[row].act == ORDER_REPLACES)
                draft_append(&t->draft, &decision->n_replaces, &decision->replaces, order_parent(t, group));
        if (decision->scope == CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY)
                decision->scope_encounter = event->encounter_id;
        event->body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        event->decision = decision;
        event->order_id = decision->identifier;
        event->recorded_at = event->recorded_at ?: order_said_at(t, group);
        event->occurred_at = when_first((Carebus__V1__When *const[]){ ends ? decision->ended_at : decision->decided_at,
                                                                      event->recorded_at, t->sent_at },
                                        3);
        event_set_author(t, event, decision->decided_by, NULL);
        event_end(t, event, NULL);
}

bool decision_of_order(Translation *t, Patient *patient, const OrderGroup *group, const NoteList *notes) {
        Meaning meanings[MEANINGS_MAX];
        Carebus__V1__Coded *code, *label;
        bool is_question;
        D *decision;
        size_t n;

        if (!group->obr)
                return false;
        code = value_coded(t, hl7_field(t->message, group->obr, 4));
        label = label_read(t, group->obr);
        n = coded_meanings(t, "order.code", code, meanings);
        is_question = names_cpr(meanings, n);
        if (!label && !is_question && !answers_cpr(meanings, n) && !is_mapped(t, "decision.decision", code))
                return false;
        /* "DNACPR" is the name of the order and what it says. */
        if (is_question && !answers_cpr(meanings, n))
                code = answer_under_order(t, group, code);
        decision = decision_of_group(t, group, code ?: label, notes);
        if (decision)
                order_event(t, patient, group, decision);
        return true;
}

/* ---- of a document */

/*
 * That there is a form about resuscitation is told to all; what it says has to be read by a person. So no code is taken from its
 * name, whatever that is.
 */
void decision_of_document(Translation *t, Patient *patient, const Carebus__V1__Event *document) {
        const Carebus__V1__Document *body = document->document;
        Carebus__V1__Coded *title = coded_of_text(t, body->title), *name = NULL, *const names[] = { body->type, title };
        bool is_cancelled = document->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        Carebus__V1__Event *event;
        D *decision;

        for (size_t i = 0; !name && i < ELEMENTSOF(names); i++) {
                Meaning meanings[MEANINGS_MAX];
                size_t n = coded_meanings(t, "document.type", names[i], meanings);

                if (names_cpr(meanings, n) || answers_cpr(meanings, n))
                        name = names[i];
        }
        if (!name)
                return;
        event = patient_event(t, patient, is_cancelled ? "cpr_decision.ended" : RECORDED, document->action);
        decision = event ? draft_message(&t->draft, &carebus__v1__decision__descriptor) : NULL;
        if (!decision)
                return;
        decision->has_kind = true;
        decision->kind = KIND_CPR;
        decision->identifier = body->identifier;
        decision->form_type = body->type;
        decision->decision = draft_coded(&t->draft, (char *)SYSTEM_CAREBUS_DECISION, (char *)CODE_MEANING_NOT_KNOWN,
                                         (char *)DISPLAY_MEANING_NOT_KNOWN, name->text ?: body->title);
        draft_append(&t->draft, &decision->n_documents, &decision->documents, body->identifier);
        event->body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        event->decision = decision;
        event->document_id = body->identifier;
        event->occurred_at = document->occurred_at;
        event_end(t, event, NULL);
}
