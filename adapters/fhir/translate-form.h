#pragma once
/* What the two files of forms share: translate-questionnaire.c reads one, translate-form.c finds the decisions in it. */
#include "adapters/fhir/translate-clinical.h"

typedef enum FormKind { FORM_OTHER, FORM_RESPECT, FORM_PLAN, FORM_SCALE } FormKind;

/* One answer to one item; everything lives in the draft's arena. */
typedef struct FormAnswer {
        JsonNode *item, *node, *value; /* the item, its answer, the answer's value[x] */
        char *link_id, *text;          /* of the item */
        char *heading;                 /* of the groups that it stands in; or NULL */
        Carebus__V1__Coded *question;
        Carebus__V1__Coded *coded; /* of a Coding */
        Carebus__V1__Quantity *number;
        Carebus__V1__When *time;
        char *words; /* whatever it is, in words */
} FormAnswer;

typedef struct Form {
        Fhir *f;
        const FhirResource *resource;
        FhirResource *questionnaire; /* where the message has it */
        FormKind kind;
        const Scale *scale;
        const char *canonical, *status;
        char *title;
        Carebus__V1__Coded *type, *original_status;
        Carebus__V1__Identifier *identifier;
        Carebus__V1__When *at;
        Carebus__V1__Practitioner *author;
        bool is_draft;
        FormAnswer **answers;
        size_t n_answers;
} Form;

/* The question with the headings that it stands under: "Left arm: pain". */
Carebus__V1__Coded *form_question(Form *form, const FormAnswer *answer);
Carebus__V1__QuestionAnswer *form_question_answer(Form *form, const FormAnswer *answer);
/* The events of the decisions that a form holds, translate-form.c. */
void form_say_decisions(Form *form);
