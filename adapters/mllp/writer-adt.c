/*
 * ADT: stays, persons, deaths, who is whom, and what is said of somebody besides.
 */
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"
#include "canon/vocabulary.h"

#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE

/* ---- stays */

static void diagnoses_write(Out *out, const Carebus__V1__Encounter *encounter) {
        for (size_t i = 0; i < encounter->n_diagnoses; i++) {
                OutSegment *dg1 = out_segment(out, "DG1");

                out_set(out, dg1, 1, out_format(out, "%zu", i + 1));
                out_set(out, dg1, 3, out_coded(out, "condition.code", encounter->diagnoses[i]));
        }
}

/* What undoes a stay has to say which. */
static bool names_no_visit(const Out *out) {
        const Carebus__V1__Encounter *encounter = out->event->encounter;

        return !out->event->encounter_id && !(encounter && (encounter->identifier || encounter->n_further_identifiers));
}

/* An admission of class E would be read as an arrival at accident and emergency, which it is not. */
static void admission_of_emergency(Out *out) {
        const Carebus__V1__Encounter *encounter = out->event->encounter;
        const char *code = encounter && encounter->class_ ? encounter->class_->code : NULL;

        if (strcmp(out->message, "ADT^A01") == 0 && text_equal(code, "EMER"))
                out->message = "ADT^A06";
}

/* PV2-47 is when somebody is expected back; when they came back, and when they left, is the time of the event. */
static const Carebus__V1__Encounter *visit_of_leave(Out *out, const Carebus__V1__Encounter *encounter) {
        Carebus__V1__Encounter *copy;

        if (!encounter || strcmp(out->message, "ADT^A22") != 0)
                return encounter;
        copy = out_alloc(out, sizeof(*copy));
        if (!copy)
                return encounter;
        *copy = *encounter;
        copy->leave_until_at = NULL;
        return copy;
}

void stay_write(Out *out) {
        bool is_undoing = out->event->has_action && out->event->action == UNDONE;

        out->visit = visit_of_leave(out, out->event->encounter);
        admission_of_emergency(out);
        if (is_undoing && names_no_visit(out))
                out_lacks(out, "PV1-19");
        evn_write(out);
        person_write(out, NULL);
        visit_write(out, out->visit);
        if (out->visit)
                diagnoses_write(out, out->visit);
        notes_write(out, out->event->n_notes, out->event->notes);
}

/* ---- persons */

static bool says_something(const Carebus__V1__Demographics *demographics) {
        Carebus__V1__Demographics bare = *demographics;

        bare.n_identifiers = 0;
        return protobuf_c_message_get_packed_size(&bare.base) > 0;
}

/* Where the receiver owns all of it, there is nothing to tell. */
void demographics_write(Out *out) {
        const Carebus__V1__Demographics *before = out->item->event->demographics,
                                        *demographics = out->event->demographics;

        if (demographics && before != demographics && says_something(before) && !says_something(demographics) &&
            out->event->n_cleared == 0) {
                out->is_not_said = true;
                return;
        }
        evn_write(out);
        person_write(out, NULL);
        visit_write(out, NULL);
        notes_write(out, out->event->n_notes, out->event->notes);
}

/* A death in PID-29 and PID-30; one that is taken back is N there, and the field of its time is left alone. */
void death_write(Out *out) {
        const Carebus__V1__Death *death = out->event->death;
        bool is_retracted = strcmp(out->event->type, "death.retracted") == 0;
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;

        if (out->event->patient && out->event->patient->demographics)
                demographics = *out->event->patient->demographics;
        demographics.has_deceased = true;
        demographics.deceased = !is_retracted;
        if (is_retracted)
                demographics.deceased_at = NULL;
        else if (death && death->died_at)
                demographics.deceased_at = death->died_at;
        evn_write(out);
        person_write(out, &demographics);
        visit_write(out, NULL);
        notes_write(out, out->event->n_notes, out->event->notes);
}

/* ---- what stands beside: AL1 and IAM, DG1, ROL, ZU8 */

static const char *action_code(Carebus__V1__Action action) {
        return action == UNDONE ? "D" : action == UPDATE ? "U" : "A";
}

/* IAM-17, HL7 user table 0438: what was once said and no longer stands. */
static const struct {
        const char *status, *code;
} allergy_states[] = { { "inactive", "I" }, { "resolved", "I" }, { "refuted", "E" }, { "entered-in-error", "E" } };

void allergy_segment_write(Out *out, const Carebus__V1__Allergy *allergy, Carebus__V1__Action action, unsigned number) {
        OutSegment *iam = out_segment(out, "IAM");

        fields_write(out, iam, &table_iam, allergy, NULL);
        if (iam && !iam->fields[1])
                out_set(out, iam, 1, out_format(out, "%u", number));
        for (size_t i = 0; i < allergy->n_reactions; i++) {
                const Carebus__V1__AllergyReaction *reaction = allergy->reactions[i];

                out_repeat(out, iam, 5, out_text(out, coded_words(reaction->manifestation) ?: reaction->text));
        }
        if (iam)
                iam->fields[6] = NULL;
        /* What no longer stands says so by its state, and is not deleted. */
        out_set(out, iam, 6, out_text(out, action_code(action)));
        if (iam)
                iam->fields[17] = NULL;
        out_set(out, iam, 17, out_coded(out, "allergy.certainty", allergy->certainty));
        for (size_t i = 0; i < ELEMENTSOF(allergy_states); i++)
                if (action != UNDONE && text_equal(allergy->status, allergy_states[i].status))
                        out_set(out, iam, 17, out_text(out, allergy_states[i].code));
}

void condition_segment_write(Out *out, const Carebus__V1__Condition *condition, Carebus__V1__Action action,
                             unsigned number) {
        OutSegment *dg1 = out_segment(out, "DG1");

        fields_write(out, dg1, &table_dg1, condition, NULL);
        if (dg1 && !dg1->fields[1])
                out_set(out, dg1, 1, out_format(out, "%u", number));
        out_set(out, dg1, 4, out_text(out, condition->text));
        if (action != CAREBUS__V1__ACTION__ACTION_NEW)
                out_set(out, dg1, 21, out_text(out, action_code(action)));
}

static Carebus__V1__Action action_of(const Out *out) {
        return out->event->has_action ? out->event->action : CAREBUS__V1__ACTION__ACTION_NEW;
}

void allergies_write(Out *out) {
        evn_write(out);
        person_write(out, NULL);
        visit_write(out, NULL);
        if (out->event->allergy)
                allergy_segment_write(out, out->event->allergy, action_of(out), 1);
        notes_write(out, out->event->n_notes, out->event->notes);
}

void conditions_write(Out *out) {
        evn_write(out);
        person_write(out, NULL);
        visit_write(out, NULL);
        if (out->event->condition)
                condition_segment_write(out, out->event->condition, action_of(out), 1);
        notes_write(out, out->event->n_notes, out->event->notes);
}

void member_segment_write(Out *out, const Carebus__V1__CareTeamMember *member, const char *action) {
        OutSegment *rol = out_segment(out, "ROL");
        const Carebus__V1__Practitioner *practitioner = member->practitioner;
        bool says_lead = member->role && member->role->original && text_equal(member->role->original->code, "AT");

        fields_write(out, rol, &table_rol, member, NULL);
        out_set(out, rol, 2, out_text(out, action));
        if (member->has_lead && member->lead && !says_lead)
                out_set(out, rol, 3,
                        OUT_COMPONENTS(out, (char *)"AT", out_text(out, coded_words(member->role) ?: "Attending")));
        if (!member->organisation && member->service)
                out_set(out, rol, 14,
                        out_organisation(out, member->service->organisation) ?: out_text(out, member->service->name));
        if (member->period) {
                out_set(out, rol, 5, out_when(out, member->period->start));
                out_set(out, rol, 6, out_when(out, member->period->end));
        }
        for (size_t i = 0; practitioner && i < practitioner->n_telecom; i++)
                out_repeat(out, rol, 12, out_telecom(out, practitioner->telecom[i]));
}

/* The general practitioner has a field of the person's own; everybody else is a role. */
static bool is_general_practitioner(const Carebus__V1__CareTeamMember *member) {
        return member->identifier && text_equal(member->identifier->value, "general-practitioner") &&
               member->practitioner;
}

void team_write(Out *out) {
        const Carebus__V1__CareTeam *team = out->event->care_team;
        bool is_over = strcmp(out->event->type, "care_team.member_ended") == 0;
        const char *action = is_over ? "DE" : action_of(out) == UPDATE ? "UP" : "AD";
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        const Carebus__V1__CareTeamMember *gp = NULL;

        for (size_t i = 0; team && i < team->n_members; i++)
                if (is_general_practitioner(team->members[i]) && !is_over)
                        gp = team->members[i];
        if (out->event->patient && out->event->patient->demographics)
                demographics = *out->event->patient->demographics;
        if (gp) {
                demographics.general_practitioner = gp->practitioner;
                demographics.practice = gp->organisation;
        }
        evn_write(out);
        person_write(out, &demographics);
        for (size_t i = 0; team && i < team->n_members; i++)
                if (team->members[i] != gp)
                        member_segment_write(out, team->members[i], action);
        if (team && team->former_lead)
                member_segment_write(out, team->former_lead, "DE");
        visit_write(out, NULL);
        notes_write(out, out->event->n_notes, out->event->notes);
}

/* ZU8-2, and ZU8-3 of a summary record. */
static const struct {
        Carebus__V1__Consent__State state;
        const char *share, *summary;
} consent_codes[] = {
        { CAREBUS__V1__CONSENT__STATE__STATE_GIVEN, "1", "Yes" },
        { CAREBUS__V1__CONSENT__STATE__STATE_REFUSED, "2", "No" },
        { CAREBUS__V1__CONSENT__STATE__STATE_WITHDRAWN, "2", "No" },
        { CAREBUS__V1__CONSENT__STATE__STATE_UNKNOWN, "3", NULL },
};

void consent_write(Out *out) {
        const Carebus__V1__Consent *consent = out->event->consent;
        bool is_summary = consent && consent->kind == CAREBUS__V1__CONSENT__KIND__KIND_CREATE_RECORD;
        OutSegment *zu8;

        evn_write(out);
        person_write(out, NULL);
        visit_write(out, NULL);
        zu8 = out_segment(out, "ZU8");
        for (size_t i = 0; consent && i < ELEMENTSOF(consent_codes); i++)
                if (consent_codes[i].state == consent->state)
                        out_set(out, zu8, is_summary ? 3 : 2,
                                out_text(out, is_summary ? consent_codes[i].summary : consent_codes[i].share));
        notes_write(out, out->event->n_notes, out->event->notes);
}

/* ---- who is whom */

#define SCOPE(name) CAREBUS__V1__MERGE__SCOPE__SCOPE_##name

/* What moved, by which message, and where the number that it had stands in MRG; the one that it has, in PID-18 or PV1-19. */
static const struct {
        Carebus__V1__Merge__Scope scope;
        const char *message;
        uint8_t former;
        bool is_account;
} moves[] = {
        { SCOPE(IDENTIFIERS), "ADT^A43", 0, false },
        { SCOPE(NUMBER), "ADT^A47", 0, false },
        { SCOPE(ACCOUNT), "ADT^A44", 3, true },
        { SCOPE(VISIT), "ADT^A45", 5, false },
};

static void mrg_write(Out *out, const Carebus__V1__Merge *merge, unsigned former) {
        OutSegment *mrg = out_segment(out, "MRG");

        for (size_t i = 0; i < merge->n_retired; i++)
                out_repeat(out, mrg, 1, out_identifier(out, merge->retired[i]));
        for (size_t i = 0; i < merge->n_retired_patient_ids; i++)
                if (merge->n_retired == 0 || !text_equal(out->settings->own_id, "none"))
                        out_repeat(out, mrg, 1, person_bus_number(out, merge->retired_patient_ids[i]));
        if (former)
                out_set(out, mrg, former, out_identifier(out, merge->former_visit));
        if (mrg && !mrg->fields[1] && !(former && mrg->fields[former]))
                out_lacks(out, "MRG-1");
}

/* Of who survives, the numbers that the merge itself names stand first, in its order: they are coupled with those of MRG. */
static void survivor_write(Out *out, const Carebus__V1__Merge *merge, const Carebus__V1__Encounter *visit) {
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;

        if (out->event->patient && out->event->patient->demographics)
                demographics = *out->event->patient->demographics;
        demographics.n_identifiers = merge->n_surviving;
        demographics.identifiers = merge->surviving;
        out->visit = visit;
        person_write(out, &demographics);
}

static void move_write(Out *out, const Carebus__V1__Merge *merge) {
        Carebus__V1__Encounter visit = CAREBUS__V1__ENCOUNTER__INIT;
        size_t i = 0;

        while (i + 1 < ELEMENTSOF(moves) && moves[i].scope != merge->scope)
                i++;
        if (strcmp(out->message, "ADT^A50") != 0)
                out->message = moves[i].message;
        if (moves[i].is_account)
                visit.account = merge->visit;
        else
                visit.identifier = merge->visit;
        if (moves[i].former && !merge->visit)
                out_lacks(out, moves[i].is_account ? "PID-18" : "PV1-19");
        evn_write(out);
        survivor_write(out, merge, moves[i].is_account ? &visit : NULL);
        mrg_write(out, merge, moves[i].former);
        if (moves[i].former && !moves[i].is_account)
                visit_write(out, &visit);
        out->visit = NULL;
}

/* A24 and A37: one person behind the other, each with their own place of a stay that is none. */
static void pair_write(Out *out, const Carebus__V1__Merge *merge) {
        evn_write(out);
        survivor_write(out, merge, NULL);
        visit_write(out, NULL);
        person_write_retired(out, merge);
        visit_write(out, NULL);
}

/*
 * What the bus carried out is told, and what is only said is not: the receiver would join two persons whom the bus keeps apart.
 * Where it was carried out, an event of the bus says so and names the person.
 */
static bool is_done(const Out *out, const Carebus__V1__Merge *merge) {
        if (merge->has_disputed && merge->disputed)
                return false;
        return out->options->as_said || merge->surviving_patient_id || out->event->n_caused_by > 0;
}

void merge_write(Out *out) {
        const Carebus__V1__Merge *merge = out->event->merge;

        if (!merge || !is_done(out, merge)) {
                out->is_not_said = true;
                return;
        }
        if (text_starts_with(out->event->type, "patient.moved") || text_starts_with(out->event->type, "encounter."))
                move_write(out, merge);
        else if (strcmp(out->message, "ADT^A24") == 0 || strcmp(out->message, "ADT^A37") == 0)
                pair_write(out, merge);
        else {
                evn_write(out);
                survivor_write(out, merge, NULL);
                mrg_write(out, merge, 0);
        }
        notes_write(out, out->event->n_notes, out->event->notes);
}
