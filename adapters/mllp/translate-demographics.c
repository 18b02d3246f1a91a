/*
 * PID, PD1, NK1 and ZU8: who it is about.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"
#include "canon/normalise.h"

#define D Carebus__V1__Demographics
#define R Carebus__V1__RelatedPerson

static const FieldRow pid_rows[] = {
        ROW_SKIP(1),
        /* The list proper comes first: what an older field repeats is not said twice. */
        ROW_LIST(3, FIELD_IDENTIFIER_LIST, D, identifiers, NULL),
        ROW_LIST(2, FIELD_IDENTIFIER_LIST, D, identifiers, "PID-2"),
        ROW_LIST(4, FIELD_IDENTIFIER_LIST, D, identifiers, "PID-4"),
        ROW_LIST(19, FIELD_IDENTIFIER_LIST, D, identifiers, "PID-19"),
        ROW_LIST(5, FIELD_NAME_LIST, D, names, NULL),
        ROW_LIST(9, FIELD_NAME_LIST, D, names, NULL),
        ROW_ONE(7, FIELD_DATE, D, birth_date),
        ROW_ONE(8, FIELD_CODED, D, sex),
        ROW_LIST(11, FIELD_ADDRESS_LIST, D, addresses, NULL),
        ROW_LIST(13, FIELD_TELECOM_LIST, D, telecom, "home"),
        ROW_LIST(14, FIELD_TELECOM_LIST, D, telecom, "work"),
        ROW_LIST(40, FIELD_TELECOM_LIST, D, telecom, NULL),
        ROW_ONE(15, FIELD_CODED, D, language),
        ROW_ONE(16, FIELD_CODED, D, marital_status),
        ROW_ONE(17, FIELD_CODED, D, religion),
        ROW_ONE(22, FIELD_CODED, D, ethnic_category),
        ROW_ONE(23, FIELD_CODED_TEXT, D, birth_place),
        ROW_HAS(24, FIELD_TRUTH, D, multiple_birth),
        ROW_HAS(25, FIELD_NUMBER, D, birth_order),
        ROW_ONE(28, FIELD_CODED, D, nationality),
        ROW_ONE(29, FIELD_WHEN, D, deceased_at),
        ROW_HAS(30, FIELD_TRUTH, D, deceased),
        ROW_HAS(31, FIELD_TRUTH, D, identity_unknown),
        ROW_LIST(32, FIELD_CODED_LIST, D, identity_reliability, NULL),
        ROW_SKIP(33),
        ROW_SKIP(34),
};
const FieldTable table_pid = { "PID", pid_rows, ELEMENTSOF(pid_rows) };

static const FieldRow pd1_rows[] = {
        ROW_ONE(3, FIELD_ORGANISATION, D, practice),
        ROW_ONE(4, FIELD_PRACTITIONER, D, general_practitioner),
};
const FieldTable table_pd1 = { "PD1", pd1_rows, ELEMENTSOF(pd1_rows) };

static const FieldRow nk1_rows[] = {
        ROW_ONE(1, FIELD_TEXT, R, set_id),
        ROW_ONE(2, FIELD_NAME, R, name),
        ROW_ONE(3, FIELD_CODED, R, relationship),
        ROW_LIST(4, FIELD_ADDRESS_LIST, R, addresses, NULL),
        ROW_LIST(5, FIELD_TELECOM_LIST, R, telecom, "home"),
        ROW_LIST(6, FIELD_TELECOM_LIST, R, telecom, "work"),
        ROW_LIST(40, FIELD_TELECOM_LIST, R, telecom, NULL),
        ROW_ONE(7, FIELD_CODED, R, role),
        ROW_LIST(33, FIELD_IDENTIFIER_LIST, R, identifiers, NULL),
        ROW_ONE(30, FIELD_NAME, R, name), /* whom to ask for, where it is an organisation */
        ROW_LIST(31, FIELD_TELECOM_LIST, R, telecom, NULL),
        ROW_LIST(32, FIELD_ADDRESS_LIST, R, addresses, NULL),
};
const FieldTable table_nk1 = { "NK1", nk1_rows, ELEMENTSOF(nk1_rows) };

static bool code_is(const Carebus__V1__Coded *coded, const char *code) {
        return coded && coded->original && texts_are_equal(coded->original->code, code);
}

static bool related_person_says_something(const R *person) {
        return person->name || person->relationship || person->role || person->n_telecom || person->n_addresses ||
               person->n_identifiers;
}

/* HL7 table 0131, C: whom to ring in an emergency. Said by the role, and by many in the relationship. */
static void related_person_read(Translation *t, const Hl7Segment *segment, Person *owner) {
        R *person = draft_message(&t->draft, &carebus__v1__related_person__descriptor);
        D *demographics = owner->demographics;

        if (!person)
                return;
        fields_apply(t, segment, nk1_rows, ELEMENTSOF(nk1_rows), person, "", /* cleared= */ NULL);
        person->period = value_period(t, hl7_field(t->message, segment, 8), hl7_field(t->message, segment, 9));
        if (code_is(person->role, "C") || code_is(person->relationship, "EMC")) {
                person->has_emergency_contact = true;
                person->emergency_contact = true;
        }
        if (related_person_says_something(person))
                draft_append(&t->draft, &demographics->n_related_persons, &demographics->related_persons, person);
        else if (value_is_cleared(t, hl7_field(t->message, segment, 2)))
                owner->has_no_related_persons = true;
}

/* PD1-2, HL7 table 0220. */
static void living_arrangement_read(Translation *t, const Hl7Segment *pd1, D *demographics) {
        Hl7Value value = hl7_field(t->message, pd1, 2);
        const char *together[] = { "F", "R", "S" };

        if (hl7_presence(value) != HL7_PRESENT)
                return;
        if (hl7_is(t->message, value, "A"))
                demographics->has_lives_alone = demographics->lives_alone = true;
        for (size_t i = 0; i < ELEMENTSOF(together); i++)
                if (hl7_is(t->message, value, together[i]))
                        demographics->has_lives_alone = true;
}

/* PID-32 says of the NHS number whether it was traced: NSTS01 to NSTS08, beside other codes. */
static void number_status_read(Translation *t, D *demographics) {
        for (size_t i = 0; i < demographics->n_identity_reliability; i++) {
                Carebus__V1__Coded *coded = demographics->identity_reliability[i];
                char *code = coded->original ? coded->original->code : NULL;

                if (!code || strncasecmp(code, "NSTS", strlen("NSTS")) != 0)
                        continue;
                demographics->nhs_number_status = coded;
                for (size_t j = 0; j < demographics->n_identifiers; j++) {
                        Carebus__V1__Identifier *identifier = demographics->identifiers[j];
                        const ProfileAuthority *authority = canon_authority(t->options->profile, identifier->authority,
                                                                            identifier->type);

                        if (authority && authority->is_nhs_number)
                                identifier->status_code = code;
                }
                return;
        }
}

/* ---- who may not be shown */

static void sensitivity_said(Translation *t, Person *person, bool is_restricted, const char *where, const char *said) {
        Carebus__V1__Sensitivity *sensitivity = person->sensitivity;
        char *original;

        if (!sensitivity)
                sensitivity = person->sensitivity = draft_message(&t->draft, &carebus__v1__sensitivity__descriptor);
        if (!sensitivity)
                return;
        original = arena_format(t->draft.arena, "%s%s%s=%s", sensitivity->original ?: "",
                                sensitivity->original ? " " : "", where, said);
        if (!original) {
                t->draft.is_full = true;
                return;
        }
        sensitivity->original = original;
        sensitivity->has_restricted_location = true;
        sensitivity->restricted_location = sensitivity->restricted_location || is_restricted;
        person->demographics->has_restricted = true;
        person->demographics->restricted = sensitivity->restricted_location;
}

/* ZU8-4: 0 none, 1 local, 2 national. What is neither is read as a flag: to hide too much does less harm. */
static void local_flag_read(Translation *t, Person *person) {
        const Hl7Segment *zu8 = translation_next(t, "ZU8", person->pid, person->end);
        const char *said = zu8 ? value_text(t, hl7_field(t->message, zu8, 4)) : NULL;

        if (said)
                sensitivity_said(t, person, strcmp(said, "0") != 0 && strcasecmp(said, "N") != 0, "ZU8-4", said);
}

/* PV1-16: N, or S, Y and I for stop-noted, sensitive and invalid. Anything else is somebody important, not somebody hidden. */
static void visit_flag_read(Translation *t, Person *person) {
        const Hl7Segment *pv1 = translation_next(t, "PV1", person->pid, person->end);
        const char *said = pv1 ? value_text(t, hl7_field(t->message, pv1, 16)) : NULL;
        const char *restricted[] = { "S", "Y", "I" };

        if (!said)
                return;
        for (size_t i = 0; i < ELEMENTSOF(restricted); i++)
                if (strcasecmp(said, restricted[i]) == 0) {
                        sensitivity_said(t, person, /* is_restricted= */ true, "PV1-16", said);
                        return;
                }
        if (strcasecmp(said, "N") == 0)
                sensitivity_said(t, person, /* is_restricted= */ false, "PV1-16", said);
}

static void person_fields(Translation *t, Person *person) {
        for (size_t i = 0; i < t->options->profile->n_fields; i++) {
                const ProfileField *field = &t->options->profile->fields[i];

                if (strncmp(field->to, "demographics.", strlen("demographics.")) == 0)
                        profile_field_set(t, field, &person->demographics->base, field->to + strlen("demographics."));
        }
}

int person_read(Translation *t, const Hl7Segment *pid, const Hl7Segment *end, Person *ret) {
        const Hl7Segment *last = end ? end : t->message->segments + t->message->n_segments;
        D *demographics = draft_message(&t->draft, &carebus__v1__demographics__descriptor);

        *ret = (Person){ .pid = pid, .end = end, .demographics = demographics };
        if (!demographics)
                return -ENOMEM;
        fields_apply(t, pid, pid_rows, ELEMENTSOF(pid_rows), demographics, "demographics", &ret->cleared);
        for (const Hl7Segment *segment = pid + 1; segment < last; segment++) {
                if (strcmp(segment->name, "PD1") == 0) {
                        fields_apply(t, segment, pd1_rows, ELEMENTSOF(pd1_rows), demographics, "demographics",
                                     &ret->cleared);
                        living_arrangement_read(t, segment, demographics);
                } else if (strcmp(segment->name, "NK1") == 0)
                        related_person_read(t, segment, ret);
        }
        if (ret->has_no_related_persons && demographics->n_related_persons == 0)
                cleared_add(t, &ret->cleared, "demographics", "related_persons");
        number_status_read(t, demographics);
        local_flag_read(t, ret);
        visit_flag_read(t, ret);
        person_fields(t, ret);
        return 0;
}
