/*
 * AL1, IAM and DG1: what somebody is allergic to, and what they have. Each segment is a statement of its own. That a list lacks one
 * says nothing; an allergy ends only where IAM says so.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define A Carebus__V1__Allergy
#define C Carebus__V1__Condition

/* What a code of action means (HL7 tables 0206 and 0323); what is not among them is an addition. */
typedef struct ListAction {
        const char *code;
        Carebus__V1__Action action;
        const char *status;
} ListAction;

static const ListAction list_actions[] = {
        { "A", CAREBUS__V1__ACTION__ACTION_NEW, "active" },
        { "U", CAREBUS__V1__ACTION__ACTION_UPDATE, "active" },
        { "X", CAREBUS__V1__ACTION__ACTION_UPDATE, "active" },
        { "D", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR, "entered-in-error" },
};

static const ListAction *list_action(Translation *t, Hl7Value value) {
        for (size_t i = 0; i < ELEMENTSOF(list_actions); i++)
                if (hl7_is(t->message, value, list_actions[i].code))
                        return &list_actions[i];
        return &list_actions[0];
}

/* ---- allergies */

static const FieldRow al1_rows[] = {
        ROW_ONE(1, FIELD_TEXT, A, set_id),     ROW_ONE(2, FIELD_CODED, A, type),
        ROW_ONE(3, FIELD_CODED, A, substance), ROW_ONE(4, FIELD_CODED, A, severity),
        ROW_ONE(6, FIELD_WHEN, A, onset_at),
};

static const FieldRow iam_rows[] = {
        ROW_ONE(1, FIELD_TEXT, A, set_id),
        ROW_ONE(2, FIELD_CODED, A, type),
        ROW_ONE(3, FIELD_CODED, A, substance),
        ROW_ONE(4, FIELD_CODED, A, severity),
        ROW_ONE(6, FIELD_CODED, A, action_code),
        ROW_APART(7, FIELD_ENTITY, A, identifier, "IAM-7"),
        ROW_ONE(9, FIELD_CODED, A, kind),
        ROW_ONE(11, FIELD_WHEN, A, onset_at),
        ROW_ONE(13, FIELD_WHEN, A, recorded_at),
        ROW_ONE(15, FIELD_CODED, A, reported_by),
        ROW_ONE(17, FIELD_CODED, A, original_status),
        ROW_ONE(18, FIELD_PRACTITIONER, A, asserted_by),
        ROW_LIST(27, FIELD_CODED_LIST, A, further_codes, NULL),
};
const FieldTable table_iam = { "IAM", iam_rows, ELEMENTSOF(iam_rows) };

/* Words and codes of SNOMED CT that say that there is none: of any kind, of medicines, of food, of the surroundings. */
static const char *const none_known_codes[] = { "716186003", "160244002", "409137002", "429625007", "428607008",
                                                "NKA",       "NKDA",      "NKFA",      "NAK" };
static const char *const none_known_texts[] = {
        "NKA",
        "NKDA",
        "none known",
        "no known allergy",
        "no known allergies",
        "no known drug allergy",
        "no known drug allergies",
        "no known food allergy",
        "no known food allergies",
        "no known environmental allergy",
        "no known environmental allergies",
};

static bool is_none_known(const Carebus__V1__Coded *substance) {
        return substance && (code_is_one_of(substance->code, none_known_codes, ELEMENTSOF(none_known_codes)) ||
                             (substance->original && code_is_one_of(substance->original->code, none_known_codes,
                                                                    ELEMENTSOF(none_known_codes))) ||
                             (substance->original && code_is_one_of(substance->original->code, none_known_texts,
                                                                    ELEMENTSOF(none_known_texts))) ||
                             code_is_one_of(substance->text, none_known_texts, ELEMENTSOF(none_known_texts)));
}

static void reactions_read(Translation *t, Hl7Value field, A *allergy) {
        Hl7Value repeat;

        while (hl7_next_repeat(t->message, &field, &repeat)) {
                char *text = value_text_whole(t, repeat);
                Carebus__V1__AllergyReaction *reaction = NULL;

                if (text)
                        reaction = draft_message(&t->draft, &carebus__v1__allergy_reaction__descriptor);
                if (!reaction)
                        continue;
                reaction->manifestation = draft_message(&t->draft, &carebus__v1__coded__descriptor);
                if (reaction->manifestation)
                        reaction->manifestation->text = text;
                draft_append(&t->draft, &allergy->n_reactions, &allergy->reactions, reaction);
        }
}

/* IAM-17: what is doubted, suspected or confirmed stands; erroneous and inactive do not. */
static void clinical_status_read(Translation *t, Hl7Value value, A *allergy, Carebus__V1__Action *action) {
        if (hl7_is(t->message, value, "E")) {
                allergy->status = (char *)"entered-in-error";
                *action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        } else if (hl7_is(t->message, value, "I")) {
                allergy->status = (char *)"inactive";
                *action = CAREBUS__V1__ACTION__ACTION_UPDATE;
        } else
                allergy->certainty = value_coded(t, value);
}

static void allergy_event(Translation *t, const Hl7Segment *segment, const Person *person, const Visit *visit) {
        bool is_iam = strcmp(segment->name, "IAM") == 0;
        A *allergy = draft_message(&t->draft, &carebus__v1__allergy__descriptor);
        const ListAction *said = list_action(t, is_iam ? hl7_field(t->message, segment, 6) : HL7_VALUE_NULL);
        Carebus__V1__Action action = said->action;
        Carebus__V1__Event *event;

        if (!allergy)
                return;
        fields_apply(t, segment, is_iam ? iam_rows : al1_rows, is_iam ? ELEMENTSOF(iam_rows) : ELEMENTSOF(al1_rows),
                     allergy, "allergy", /* cleared= */ NULL);
        reactions_read(t, hl7_field(t->message, segment, 5), allergy);
        if (!allergy->substance && allergy->n_reactions == 0 && !allergy->identifier)
                return; /* a place holder */
        allergy->status = (char *)said->status;
        if (is_iam && said->action != CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR)
                clinical_status_read(t, hl7_field(t->message, segment, 17), allergy, &action);
        allergy->has_none_known = allergy->none_known = is_none_known(allergy->substance);
        event = event_besides(t, "allergy.recorded", action, person, visit);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_ALLERGY;
        event->allergy = allergy;
        event_end(t, event, /* notes= */ NULL);
}

void allergies_translate(Translation *t, const Person *person, const Visit *visit) {
        for (const Hl7Segment *segment = person->pid; (segment = translation_next(t, "AL1", segment, person->end));)
                allergy_event(t, segment, person, visit);
        for (const Hl7Segment *segment = person->pid; (segment = translation_next(t, "IAM", segment, person->end));)
                allergy_event(t, segment, person, visit);
}

/* ---- diagnoses */

static const FieldRow dg1_rows[] = {
        ROW_ONE(1, FIELD_TEXT, C, set_id),
        ROW_ONE(3, FIELD_CODED, C, code),
        ROW_ONE(5, FIELD_WHEN, C, diagnosed_at),
        ROW_ONE(6, FIELD_CODED, C, category),
        ROW_HAS(15, FIELD_NUMBER, C, rank),
        ROW_ONE(16, FIELD_PRACTITIONER, C, asserted_by),
        ROW_APART(20, FIELD_ENTITY, C, identifier, "DG1-20"),
};
const FieldTable table_dg1 = { "DG1", dg1_rows, ELEMENTSOF(dg1_rows) };

static void condition_event(Translation *t, const Hl7Segment *segment, const Person *person, const Visit *visit) {
        C *condition = draft_message(&t->draft, &carebus__v1__condition__descriptor);
        const ListAction *said = list_action(t, hl7_field(t->message, segment, 21));
        Carebus__V1__Event *event;

        if (!condition)
                return;
        fields_apply(t, segment, dg1_rows, ELEMENTSOF(dg1_rows), condition, "condition", /* cleared= */ NULL);
        condition->text = value_text_whole(t, hl7_field(t->message, segment, 4));
        if (!condition->code && condition->text)
                condition->code = draft_message(&t->draft, &carebus__v1__coded__descriptor);
        if (condition->code && !condition->code->text)
                condition->code->text = condition->text;
        coded_set_system(condition->code, value_text(t, hl7_field(t->message, segment, 2)));
        if (!condition->code && !condition->identifier)
                return;
        condition->status = (char *)said->status;
        event = event_besides(t, "condition.recorded", said->action, person, visit);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_CONDITION;
        event->condition = condition;
        event_end(t, event, /* notes= */ NULL);
}

/* The messages that have a place for diagnoses, and are sent whole. */
static bool has_diagnoses(const Translation *t) {
        return CODE_IS_ONE_OF(t->meant, "ADT^A01", "ADT^A03", "ADT^A04", "ADT^A05", "ADT^A08", "ADT^A28", "ADT^A31");
}

void conditions_translate(Translation *t, const Person *person, const Visit *visit) {
        size_t n_before = t->draft.n_events;

        for (const Hl7Segment *segment = person->pid; (segment = translation_next(t, "DG1", segment, person->end));)
                condition_event(t, segment, person, visit);
        section_set_complete(t, "conditions", n_before, has_diagnoses(t));
}
