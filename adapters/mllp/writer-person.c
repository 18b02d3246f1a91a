/*
 * Segments that many messages have: EVN, PID, PD1, NK1, PV1, PV2, NTE.
 */
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"
#include "canon/normalise.h"

#define D Carebus__V1__Demographics

/* EVN-6 is when it happened, EVN-2 when it was written down. */
void evn_write(Out *out) {
        const Carebus__V1__Author *author = out->event->author;
        OutSegment *evn = out_segment(out, "EVN");
        const char *event = strchr(out->message, '^');

        out_set(out, evn, 1, out_text(out, event ? event + 1 : NULL));
        out_set(out, evn, 2, out_when(out, out->event->recorded_at));
        out_set(out, evn, 6, out_when(out, out->event->occurred_at));
        if (!author)
                return;
        out_set(out, evn, 5, OUT_COMPONENTS(out, out_text(out, author->person), out_text(out, author->person_name)));
        out_set(out, evn, 7, out_text(out, author->organisation));
}

/* ---- PID */

static bool is_said(const D *demographics, const Carebus__V1__Identifier *identifier) {
        for (size_t i = 0; i < demographics->n_identifiers; i++) {
                const Carebus__V1__Identifier *other = demographics->identifiers[i];

                if (text_equal(other->value, identifier->value) && text_equal(other->system, identifier->system) &&
                    text_equal(other->authority, identifier->authority))
                        return true;
        }
        return false;
}

/* All numbers that the event has of its person: those of the envelope, and those of the body that are not among them. */
static void numbers_join(Out *out, D *demographics, size_t n, Carebus__V1__Identifier **identifiers) {
        Carebus__V1__Identifier **list = out_alloc(out, (demographics->n_identifiers + n + 1) * sizeof(*list));
        size_t n_list = demographics->n_identifiers;

        if (!list)
                return;
        for (size_t i = 0; i < n_list; i++)
                list[i] = demographics->identifiers[i];
        for (size_t i = 0; i < n; i++)
                if (!is_said(demographics, identifiers[i]))
                        list[n_list++] = identifiers[i];
        demographics->n_identifiers = n_list;
        demographics->identifiers = list;
}

/* NSTS01 to NSTS08, where the number itself knows it and no code of PID-32 says it. */
static char *number_status(Out *out, const D *demographics) {
        const char *code = NULL;

        for (size_t i = 0; i < demographics->n_identity_reliability; i++) {
                const Carebus__V1__OriginalCode *original = demographics->identity_reliability[i]->original;

                if (original && original->code && strncasecmp(original->code, "NSTS", 4) == 0)
                        return NULL;
        }
        for (size_t i = 0; !code && i < demographics->n_identifiers; i++)
                code = demographics->identifiers[i]->status_code;
        if (!code)
                return NULL;
        return out_text(out, text_starts_with(code, "NSTS") ? code : out_format(out, "NSTS%s", code));
}

char *person_bus_number(Out *out, const char *patient_id) {
        if (!patient_id || !patient_id[0])
                return NULL;
        return OUT_COMPONENTS(out, out_text(out, patient_id), NULL, NULL, out_text(out, out->options->bus),
                              (char *)"PI");
}

/*
 * The bus's own number stands in every message about somebody, since a receiver may know none of the numbers that the source of this
 * one says: the first message that it has of them couples it with all others. What the bus itself says has no other.
 */
static void bus_number_write(Out *out, OutSegment *pid, const char *patient_id) {
        if (!pid)
                return;
        if (!pid->fields[3] || !text_equal(out->settings->own_id, "none"))
                out_repeat(out, pid, 3, person_bus_number(out, patient_id));
}

static OutSegment *pid_write(Out *out, const D *demographics) {
        OutSegment *pid = out_segment(out, "PID");

        out_set(out, pid, 1, (char *)"1");
        fields_write(out, pid, &table_pid, demographics, "demographics");
        out_repeat(out, pid, 32, number_status(out, demographics));
        if (out->visit)
                fields_write(out, pid, &table_pid_account, out->visit, "encounter");
        return pid;
}

void person_write_retired(Out *out, const Carebus__V1__Merge *merge) {
        D demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        OutSegment *pid;

        demographics.n_identifiers = merge->n_retired;
        demographics.identifiers = merge->retired;
        pid = pid_write(out, &demographics);
        for (size_t i = 0; i < merge->n_retired_patient_ids; i++)
                bus_number_write(out, pid, merge->retired_patient_ids[i]);
        if (pid && !pid->fields[3])
                out_lacks(out, "PID-3");
}

/* ---- PD1, NK1 */

static void pd1_write(Out *out, const D *demographics) {
        bool is_alone = demographics->has_lives_alone && demographics->lives_alone;
        bool is_emptied = out_is_cleared(out, "demographics", "practice") ||
                          out_is_cleared(out, "demographics", "general_practitioner");
        OutSegment *pd1;

        if (!is_alone && !is_emptied && !demographics->practice && !demographics->general_practitioner)
                return;
        pd1 = out_segment(out, "PD1");
        fields_write(out, pd1, &table_pd1, demographics, "demographics");
        if (is_alone)
                out_set(out, pd1, 2, (char *)"A");
}

static void related_person_write(Out *out, const Carebus__V1__RelatedPerson *person, unsigned number) {
        OutSegment *nk1 = out_segment(out, "NK1");

        fields_write(out, nk1, &table_nk1, person, NULL);
        if (nk1 && !nk1->fields[1])
                out_set(out, nk1, 1, out_format(out, "%u", number));
        if (person->period) {
                out_set(out, nk1, 8, out_when(out, person->period->start));
                out_set(out, nk1, 9, out_when(out, person->period->end));
        }
        if (person->has_emergency_contact && person->emergency_contact && !person->role)
                out_set(out, nk1, 7, OUT_COMPONENTS(out, (char *)"C", (char *)"Emergency contact"));
}

static void related_persons_write(Out *out, const D *demographics) {
        for (size_t i = 0; i < demographics->n_related_persons; i++)
                related_person_write(out, demographics->related_persons[i], (unsigned)i + 1);
        if (demographics->n_related_persons == 0 && out_is_cleared(out, "demographics", "related_persons")) {
                OutSegment *nk1 = out_segment(out, "NK1");

                out_set(out, nk1, 1, (char *)"1");
                out_set(out, nk1, 2, (char *)"\"\"");
        }
}

void person_write(Out *out, const D *demographics) {
        const Carebus__V1__Event *event = out->event;
        D copy = CAREBUS__V1__DEMOGRAPHICS__INIT;
        OutSegment *pid;

        if (!demographics && event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS)
                demographics = event->demographics;
        if (!demographics && event->patient)
                demographics = event->patient->demographics;
        if (demographics)
                copy = *demographics;
        if (event->patient)
                numbers_join(out, &copy, event->patient->n_identifiers, event->patient->identifiers);
        pid = pid_write(out, &copy);
        bus_number_write(out, pid, event->patient ? event->patient->patient_id : NULL);
        if (pid && !pid->fields[3])
                out_lacks(out, "PID-3");
        pd1_write(out, &copy);
        related_persons_write(out, &copy);
}

/* ---- PV1 */

/* PV1-4 and PV1-36 are where this country says how somebody came and went. */
static void visit_codes_write(Out *out, OutSegment *pv1, const Carebus__V1__Encounter *encounter) {
        if (!encounter->admission_type)
                out_set(out, pv1, 4, out_coded(out, "encounter.admission_method", encounter->admission_method));
        if (!encounter->discharge_disposition)
                out_set(out, pv1, 36, out_coded(out, "encounter.discharge_method", encounter->discharge_method));
}

/* What no message may lack, and what only says that there is no stay. */
static void visit_place_holder(Out *out, OutSegment *pv1, const Carebus__V1__Encounter *encounter) {
        static const char emergency[] = "encounter.ed_";
        bool is_emergency = text_starts_with(out->event->type ?: "", emergency);

        if (pv1 && !pv1->fields[2])
                out_set(out, pv1, 2,
                        out_text(out, is_emergency                            ? "E"
                                      : encounter || out->event->encounter_id ? "U"
                                                                              : "N"));
}

/* PV1-16: addresses, telephones, next of kin and practice of this person are not to be shown. */
static void restriction_write(Out *out, OutSegment *pv1) {
        const Carebus__V1__Sensitivity *sensitivity = out->event->sensitivity;
        const D *demographics = out->event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS
                                        ? out->event->demographics
                                : out->event->patient ? out->event->patient->demographics
                                                      : NULL;
        bool is_restricted = (sensitivity && sensitivity->has_restricted_location &&
                              sensitivity->restricted_location) ||
                             (demographics && demographics->has_restricted && demographics->restricted);

        if (pv1 && is_restricted && !pv1->fields[16])
                out_set(out, pv1, 16, (char *)"S");
}

static bool has_something(const OutSegment *segment) {
        for (unsigned number = 1; segment && number <= segment->n_fields; number++)
                if (segment->fields[number])
                        return true;
        return false;
}

static void further_segment(Out *out, const FieldTable *table, const Carebus__V1__Encounter *encounter) {
        OutSegment *segment = out_segment(out, table->segment);

        fields_write(out, segment, table, encounter, "encounter");
        if (segment && !has_something(segment))
                out->n_segments--;
}

void visit_write(Out *out, const Carebus__V1__Encounter *encounter) {
        OutSegment *pv1 = out_segment(out, "PV1");

        out_set(out, pv1, 1, (char *)"1");
        if (encounter) {
                fields_write(out, pv1, &table_pv1, encounter, "encounter");
                visit_codes_write(out, pv1, encounter);
        }
        if (pv1 && !pv1->fields[19])
                out_set(out, pv1, 19, out_identifier(out, out->event->encounter_id));
        visit_place_holder(out, pv1, encounter);
        restriction_write(out, pv1);
        if (!encounter)
                return;
        further_segment(out, &table_pv2, encounter);
        if (out_has_segment(out, table_zu1.segment))
                further_segment(out, &table_zu1, encounter);
}

/* ---- NTE */

OutSegment *note_write(Out *out, unsigned number, const char *text) {
        OutSegment *nte = out_segment(out, "NTE");

        out_set(out, nte, 1, out_format(out, "%u", number));
        out_set(out, nte, 3, out_words(out, text));
        return nte;
}

void notes_write(Out *out, size_t n, Carebus__V1__Text **notes) {
        for (size_t i = 0; i < n; i++)
                if (notes[i]->text && *notes[i]->text)
                        note_write(out, (unsigned)i + 1, notes[i]->text);
}
