/*
 * ZU8 of the United Kingdom: what somebody said about sharing. ZU1 is read with the stay, ZU3 with out-patients, ZU8-4 with the
 * person. ZU2 (accident and emergency), ZU4 and ZU5 (waiting lists), ZU6 and ZU7 are filled in differently wherever they are used: a
 * profile maps their fields, and until it does they are counted as unknown.
 */
#include <string.h>

#include "adapters/mllp/translate-groups.h"

#define GIVEN CAREBUS__V1__CONSENT__STATE__STATE_GIVEN
#define REFUSED CAREBUS__V1__CONSENT__STATE__STATE_REFUSED
#define UNKNOWN CAREBUS__V1__CONSENT__STATE__STATE_UNKNOWN

typedef struct ConsentCode {
        const char *code;
        Carebus__V1__Consent__State state;
} ConsentCode;

/* ZU8-2: may it be shared; ZU8-3: may there be a Summary Care Record. What is neither is said, and its meaning is not known. */
static const ConsentCode share_codes[] = { { "1", GIVEN }, { "2", REFUSED }, { "3", UNKNOWN } };
static const ConsentCode summary_codes[] = { { "Yes", GIVEN }, { "Y", GIVEN }, { "No", REFUSED }, { "N", REFUSED } };

typedef struct ConsentField {
        unsigned number;
        Carebus__V1__Consent__Kind kind;
        const char *map; /* canonical path of the code, for the profile's map */
        const ConsentCode *codes;
        size_t n_codes;
} ConsentField;

static const ConsentField consent_fields[] = {
        { 2, CAREBUS__V1__CONSENT__KIND__KIND_SHARE, "consent.state_coded", share_codes, ELEMENTSOF(share_codes) },
        { 3, CAREBUS__V1__CONSENT__KIND__KIND_CREATE_RECORD, "consent.summary_care_record", summary_codes,
          ELEMENTSOF(summary_codes) },
};

static Carebus__V1__Consent__State state_of(const Translation *t, const ConsentField *field,
                                            const Carebus__V1__Coded *coded) {
        const char *code = meant_code(t, field->map, coded);

        for (size_t i = 0; i < field->n_codes; i++)
                if (code && strcasecmp(field->codes[i].code, code) == 0)
                        return field->codes[i].state;
        return UNKNOWN;
}

static void consent_event(Translation *t, const ConsentField *field, Hl7Value value, const Person *person) {
        bool is_cleared = value_is_cleared(t, value);
        Carebus__V1__Coded *coded = is_cleared ? NULL : value_coded(t, value);
        Carebus__V1__Consent *consent;
        Carebus__V1__Event *event;
        ClearedList cleared = { 0 };

        if (!coded && !is_cleared)
                return;
        consent = draft_message(&t->draft, &carebus__v1__consent__descriptor);
        if (!consent)
                return;
        consent->has_kind = true;
        consent->kind = field->kind;
        if (is_cleared) { /* who said it takes their word back; that is no refusal */
                hl7_note_read(value);
                cleared_add(t, &cleared, "consent", "state");
        } else {
                consent->has_state = true;
                consent->state = state_of(t, field, coded);
                if (field->kind == CAREBUS__V1__CONSENT__KIND__KIND_SHARE)
                        consent->state_coded = coded;
                else
                        consent->summary_care_record = coded;
        }
        event = consent->state == REFUSED
                        ? event_besides(t, "consent.withdrawn", CAREBUS__V1__ACTION__ACTION_UPDATE, person, NULL)
                        : event_besides(t, "consent.recorded", CAREBUS__V1__ACTION__ACTION_NEW, person, NULL);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_CONSENT;
        event->consent = consent;
        event_set_cleared(t, event, &cleared);
        event_end(t, event, /* notes= */ NULL);
}

/* A ZU8 that says nothing of it takes nothing back. */
void consent_translate(Translation *t, const Person *person) {
        const Hl7Segment *zu8 = translation_next(t, "ZU8", person->pid, person->end);

        for (size_t i = 0; zu8 && i < ELEMENTSOF(consent_fields); i++)
                consent_event(t, &consent_fields[i], hl7_field(t->message, zu8, consent_fields[i].number), person);
}
