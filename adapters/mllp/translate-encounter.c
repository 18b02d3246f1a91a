/*
 * PV1, PV2, ZU1 and DG1: a stay or an attendance.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-rules.h"

#define E Carebus__V1__Encounter

#define ONE(number, kind, member) \
        { number, kind, offsetof(E, member), 0, #member, NULL }
#define HAS(number, kind, member) \
        { number, kind, offsetof(E, member), offsetof(E, has_##member), #member, NULL }
#define LIST(number, kind, member, extra) \
        { number, kind, offsetof(E, member), offsetof(E, n_##member), #member, extra }
#define SKIP(number) \
        { number, FIELD_SKIPPED, 0, 0, NULL, NULL }

static const FieldRow pv1_rows[] = {
        SKIP(1),
        { 2, FIELD_CODED, offsetof(E, class_), 0, "class", NULL },
        ONE(3, FIELD_PLACE, place),
        ONE(4, FIELD_CODED, admission_type),
        ONE(6, FIELD_PLACE, prior_place),
        LIST(7, FIELD_PARTICIPANT_LIST, participants, "attending"),
        LIST(8, FIELD_PARTICIPANT_LIST, participants, "referring"),
        LIST(9, FIELD_PARTICIPANT_LIST, participants, "consulting"),
        LIST(17, FIELD_PARTICIPANT_LIST, participants, "admitting"),
        LIST(52, FIELD_PARTICIPANT_LIST, participants, "other"),
        ONE(10, FIELD_CODED, specialty),
        ONE(14, FIELD_CODED, admission_source),
        ONE(16, FIELD_CODED, vip),
        ONE(18, FIELD_CODED, patient_type),
        ONE(19, FIELD_IDENTIFIER, identifier),
        LIST(5, FIELD_IDENTIFIER_LIST, further_identifiers, "PV1-5"),
        LIST(50, FIELD_IDENTIFIER_LIST, further_identifiers, "PV1-50"),
        ONE(36, FIELD_CODED, discharge_disposition),
        ONE(37, FIELD_CODED, discharge_destination),
        ONE(39, FIELD_ORGANISATION_NAME, service_provider),
        ONE(42, FIELD_PLACE, pending_place),
        ONE(44, FIELD_WHEN, admitted_at),
        ONE(45, FIELD_WHEN, discharged_at),
};
const FieldTable table_pv1 = { "PV1", pv1_rows, ELEMENTSOF(pv1_rows) };

static const FieldRow pv2_rows[] = {
        ONE(1, FIELD_PLACE, pending_place),        ONE(3, FIELD_CODED, reason),
        ONE(4, FIELD_CODED, transfer_reason),      ONE(8, FIELD_WHEN, expected_admission_at),
        ONE(9, FIELD_WHEN, expected_discharge_at), ONE(38, FIELD_CODED, arrival_mode),
        ONE(47, FIELD_WHEN, leave_until_at), /* expected back; from version 2.5 on */
};
const FieldTable table_pv2 = { "PV2", pv2_rows, ELEMENTSOF(pv2_rows) };

static const FieldRow zu1_rows[] = {
        ONE(1, FIELD_WHEN, decided_to_admit_at),
        ONE(13, FIELD_CODED, referral_source),
        HAS(22, FIELD_TRUTH, medically_fit),
        ONE(24, FIELD_WHEN, ready_for_discharge_at),
};
const FieldTable table_zu1 = { "ZU1", zu1_rows, ELEMENTSOF(zu1_rows) };

static const FieldRow pid_rows[] = {
        ONE(18, FIELD_IDENTIFIER, account),
};
const FieldTable table_pid_account = { "PID", pid_rows, ELEMENTSOF(pid_rows) };

const char *meant_code(const Translation *t, const char *path, const Carebus__V1__Coded *coded) {
        const char *code = coded && coded->original ? coded->original->code : NULL;
        const ProfileMap *map = profile_find_map(t->options->profile, path);
        const ProfileMapEntry *entry = map && code ? profile_map_find(map, code) : NULL;

        return entry && entry->to_code ? entry->to_code : code;
}

bool code_is_one_of(const char *code, const char *const *codes, size_t n_codes) {
        for (size_t i = 0; code && i < n_codes; i++)
                if (strcasecmp(code, codes[i]) == 0)
                        return true;
        return false;
}

/* PV1-4 in the United Kingdom is the method of admission. 2x are emergencies; of HL7's own table 0007, A and E. */
static void admission_method_read(const Translation *t, E *encounter) {
        const char *said = meant_code(t, "encounter.admission_type", encounter->admission_type);
        const char *method = meant_code(t, "encounter.admission_method", encounter->admission_type);
        bool is_emergency = CODE_IS_ONE_OF(method, "21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D");
        bool is_planned = CODE_IS_ONE_OF(method, "11", "12", "13", "31", "32", "81", "82", "83");

        if (is_emergency || is_planned || CODE_IS_ONE_OF(method, "98", "99"))
                encounter->admission_method = encounter->admission_type;
        if (is_emergency || CODE_IS_ONE_OF(said, "A", "E"))
                encounter->has_unscheduled = encounter->unscheduled = true;
        else if (is_planned || CODE_IS_ONE_OF(said, "C", "R"))
                encounter->has_unscheduled = true;
}

/* PV1-36 in the United Kingdom is the method of discharge, 4 is died; in HL7's own table 0112 it is 20 and 40 to 42. PV1-37,
 * destination 79: not applicable, died. A stillbirth (5) is not the death of who is on the record. */
static void discharge_method_read(const Translation *t, E *encounter) {
        const char *said = meant_code(t, "encounter.discharge_disposition", encounter->discharge_disposition);
        const char *method = meant_code(t, "encounter.discharge_method", encounter->discharge_disposition);
        const char *destination = meant_code(t, "encounter.discharge_destination", encounter->discharge_destination);

        if (CODE_IS_ONE_OF(method, "1", "2", "3", "4", "5", "6", "7", "8", "9"))
                encounter->discharge_method = encounter->discharge_disposition;
        if (CODE_IS_ONE_OF(method, "4") || CODE_IS_ONE_OF(said, "20", "40", "41", "42") ||
            CODE_IS_ONE_OF(destination, "79"))
                encounter->has_died = encounter->died = true;
}

/* What DG1-21 takes out of the list is none of the stay's diagnoses. */
static void diagnoses_read(Translation *t, const Hl7Segment *after, const Hl7Segment *end, E *encounter) {
        for (const Hl7Segment *dg1 = after; (dg1 = translation_next(t, "DG1", dg1, end));) {
                Carebus__V1__Coded *coded = value_coded(t, hl7_field(t->message, dg1, 3));
                char *text = value_text_whole(t, hl7_field(t->message, dg1, 4));

                if (hl7_is(t->message, hl7_field(t->message, dg1, 21), "D"))
                        continue;
                if (!coded && text)
                        coded = draft_message(&t->draft, &carebus__v1__coded__descriptor);
                if (coded && !coded->text)
                        coded->text = text;
                coded_set_system(coded, value_text(t, hl7_field(t->message, dg1, 2)));
                draft_append(&t->draft, &encounter->n_diagnoses, &encounter->diagnoses, coded);
        }
}

typedef struct VisitRows {
        const char *segment;
        const FieldRow *rows;
        size_t n_rows;
} VisitRows;

static const VisitRows visit_segments[] = {
        { "PV1", pv1_rows, ELEMENTSOF(pv1_rows) },
        { "PV2", pv2_rows, ELEMENTSOF(pv2_rows) },
        { "ZU1", zu1_rows, ELEMENTSOF(zu1_rows) },
};

static void visit_read_between(Translation *t, const Hl7Segment *after, const Hl7Segment *end, Visit *ret) {
        E *encounter = draft_message(&t->draft, &carebus__v1__encounter__descriptor);
        const char *class;

        *ret = (Visit){ .pv1 = translation_next(t, "PV1", after, end), .encounter = encounter };
        if (!encounter)
                return;
        for (size_t i = 0; i < ELEMENTSOF(visit_segments); i++) {
                const VisitRows *row = &visit_segments[i];
                const Hl7Segment *segment = translation_next(t, row->segment, after, end);

                if (segment)
                        fields_apply(t, segment, row->rows, row->n_rows, encounter, "encounter", &ret->cleared);
        }
        admission_method_read(t, encounter);
        discharge_method_read(t, encounter);
        diagnoses_read(t, after, end, encounter);
        class = meant_code(t, "encounter.class", encounter->class_);
        ret->is_emergency = CODE_IS_ONE_OF(class, "E", "EMER");
        ret->is_outpatient = CODE_IS_ONE_OF(class, "O", "AMB");
        ret->is_visit = encounter->identifier || encounter->n_further_identifiers || encounter->place ||
                        encounter->admitted_at;
        ret->number = encounter->identifier;
        if (!ret->number && encounter->n_further_identifiers)
                ret->number = encounter->further_identifiers[0];
}

static void account_read(Translation *t, const Hl7Segment *pid, Visit *visit) {
        if (pid && visit->encounter)
                fields_apply(t, pid, pid_rows, ELEMENTSOF(pid_rows), visit->encounter, "encounter", &visit->cleared);
}

void visit_read_of(Translation *t, const Person *person, Visit *ret) {
        visit_read_between(t, person->pid, person->end, ret);
        account_read(t, person->pid, ret);
}

/* PV1 in front of PID happens: a message of one person is read as a whole. */
void visit_read(Translation *t, Visit *ret) {
        visit_read_between(t, /* after= */ NULL, /* end= */ NULL, ret);
        account_read(t, hl7_find(t->message, "PID", 1), ret);
}
