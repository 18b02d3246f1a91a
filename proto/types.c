/* The table of event types, and the names of the record's sections: what the bus knows, in one place. */
#include "proto/types.h"

#include <string.h>

#include "base/cleanup.h"

/* Short names for the table's columns only. */
#define BODY(name) CAREBUS__V1__EVENT__BODY_##name
#define ACT(name) CAREBUS__V1__ACTION__ACTION_##name
#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name

/* In order of names: it is searched by halves. */
static const EventType event_types[] = {
        /* clang-format off */
        { "adrt.ended", BODY(DECISION), ACT(UPDATE), "decisions", KIND(ADRT), false },
        { "adrt.recorded", BODY(DECISION), ACT(NEW), "decisions", KIND(ADRT), false },
        { "advance_statement.ended", BODY(DECISION), ACT(UPDATE), "decisions", KIND(ADVANCE_STATEMENT), false },
        { "advance_statement.recorded", BODY(DECISION), ACT(NEW), "decisions", KIND(ADVANCE_STATEMENT), false },
        { "advice.given", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "advice.requested", BODY(REFERRAL), ACT(NEW), "referrals", KIND(UNKNOWN), false },
        { "alert.cleared", BODY(ALERT), ACT(UPDATE), "alerts", KIND(UNKNOWN), false },
        { "alert.raised", BODY(ALERT), ACT(NEW), "alerts", KIND(UNKNOWN), false },
        { "allergy.recorded", BODY(ALLERGY), ACT(NEW), "allergies", KIND(UNKNOWN), false },
        { "anticipatory_meds.prescribed", BODY(ANTICIPATORY_MEDICINES), ACT(NEW), "anticipatory-medicines", KIND(UNKNOWN), false },
        { "anticipatory_meds.returned", BODY(ANTICIPATORY_MEDICINES), ACT(UPDATE), "anticipatory-medicines", KIND(UNKNOWN), false },
        { "anticipatory_meds.supplied", BODY(ANTICIPATORY_MEDICINES), ACT(UPDATE), "anticipatory-medicines", KIND(UNKNOWN), false },
        { "anticipatory_meds.used", BODY(ANTICIPATORY_MEDICINES), ACT(UPDATE), "anticipatory-medicines", KIND(UNKNOWN), false },
        { "appointment.arrived", BODY(APPOINTMENT), ACT(UPDATE), "appointments", KIND(UNKNOWN), false },
        { "appointment.attended", BODY(APPOINTMENT), ACT(UPDATE), "appointments", KIND(UNKNOWN), false },
        { "appointment.booked", BODY(APPOINTMENT), ACT(NEW), "appointments", KIND(UNKNOWN), false },
        { "appointment.cancelled", BODY(APPOINTMENT), ACT(UPDATE), "appointments", KIND(UNKNOWN), false },
        { "appointment.deleted", BODY(APPOINTMENT), ACT(ENTERED_IN_ERROR), "appointments", KIND(UNKNOWN), false },
        { "appointment.did_not_attend", BODY(APPOINTMENT), ACT(UPDATE), "appointments", KIND(UNKNOWN), false },
        { "appointment.modified", BODY(APPOINTMENT), ACT(UPDATE), "appointments", KIND(UNKNOWN), false },
        { "appointment.rescheduled", BODY(APPOINTMENT), ACT(UPDATE), "appointments", KIND(UNKNOWN), false },
        { "bereavement.accepted", BODY(BEREAVEMENT), ACT(UPDATE), "bereavement", KIND(UNKNOWN), false },
        { "bereavement.closed", BODY(BEREAVEMENT), ACT(UPDATE), "bereavement", KIND(UNKNOWN), false },
        { "bereavement.contacted", BODY(BEREAVEMENT), ACT(UPDATE), "bereavement", KIND(UNKNOWN), false },
        { "bereavement.declined", BODY(BEREAVEMENT), ACT(UPDATE), "bereavement", KIND(UNKNOWN), false },
        { "bereavement.need_identified", BODY(BEREAVEMENT), ACT(NEW), "bereavement", KIND(UNKNOWN), false },
        { "bereavement.offered", BODY(BEREAVEMENT), ACT(UPDATE), "bereavement", KIND(UNKNOWN), false },
        { "break_glass.ended", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "break_glass.opened", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "bus.place", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "care_package.changed", BODY(CARE_PACKAGE), ACT(UPDATE), "care-packages", KIND(UNKNOWN), false },
        { "care_package.started", BODY(CARE_PACKAGE), ACT(NEW), "care-packages", KIND(UNKNOWN), false },
        { "care_package.stopped", BODY(CARE_PACKAGE), ACT(UPDATE), "care-packages", KIND(UNKNOWN), false },
        { "care_package.visit_failed", BODY(CARE_PACKAGE), ACT(UPDATE), "care-packages", KIND(UNKNOWN), false },
        { "care_plan.item_changed", BODY(CARE_PLAN), ACT(UPDATE), "care-plans", KIND(UNKNOWN), false },
        { "care_plan.published", BODY(CARE_PLAN), ACT(NEW), "care-plans", KIND(UNKNOWN), false },
        { "care_plan.reviewed", BODY(CARE_PLAN), ACT(UPDATE), "care-plans", KIND(UNKNOWN), false },
        { "care_plan.withdrawn", BODY(CARE_PLAN), ACT(UPDATE), "care-plans", KIND(UNKNOWN), false },
        { "care_team.lead_changed", BODY(CARE_TEAM), ACT(UPDATE), "care-team", KIND(UNKNOWN), false },
        { "care_team.member_added", BODY(CARE_TEAM), ACT(NEW), "care-team", KIND(UNKNOWN), false },
        { "care_team.member_ended", BODY(CARE_TEAM), ACT(UPDATE), "care-team", KIND(UNKNOWN), false },
        { "condition.recorded", BODY(CONDITION), ACT(NEW), "conditions", KIND(UNKNOWN), false },
        { "condition.resolved", BODY(CONDITION), ACT(UPDATE), "conditions", KIND(UNKNOWN), false },
        { "conflict.closed", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "conflict.opened", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "consent.recorded", BODY(CONSENT), ACT(NEW), "consent", KIND(UNKNOWN), false },
        { "consent.withdrawn", BODY(CONSENT), ACT(UPDATE), "consent", KIND(UNKNOWN), false },
        { "contact.recorded", BODY(CONTACT), ACT(NEW), "contacts", KIND(UNKNOWN), false },
        { "contact_point.changed", BODY(CONTACT_POINT), ACT(UPDATE), "contact-points", KIND(UNKNOWN), false },
        { "cpr_decision.ended", BODY(DECISION), ACT(UPDATE), "decisions", KIND(CPR), false },
        { "cpr_decision.recorded", BODY(DECISION), ACT(NEW), "decisions", KIND(CPR), false },
        { "death.notified", BODY(DEATH), ACT(NEW), "death", KIND(UNKNOWN), false },
        { "death.retracted", BODY(DEATH), ACT(ENTERED_IN_ERROR), "death", KIND(UNKNOWN), false },
        { "decision.ended", BODY(DECISION), ACT(UPDATE), "decisions", KIND(UNKNOWN), false },
        { "decision.recorded", BODY(DECISION), ACT(NEW), "decisions", KIND(UNKNOWN), false },
        { "decision.review_passed", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "delivery.receipt", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "delivery.resumed", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "delivery.stopped", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "document.available", BODY(DOCUMENT), ACT(NEW), "documents", KIND(UNKNOWN), false },
        { "document.cancelled", BODY(DOCUMENT), ACT(ENTERED_IN_ERROR), "documents", KIND(UNKNOWN), false },
        { "document.replaced", BODY(DOCUMENT), ACT(UPDATE), "documents", KIND(UNKNOWN), false },
        { "encounter.admission_cancelled", BODY(ENCOUNTER), ACT(ENTERED_IN_ERROR), "encounters", KIND(UNKNOWN), false },
        { "encounter.admission_plan_cancelled", BODY(ENCOUNTER), ACT(ENTERED_IN_ERROR), "encounters", KIND(UNKNOWN), false },
        { "encounter.admission_planned", BODY(ENCOUNTER), ACT(NEW), "encounters", KIND(UNKNOWN), false },
        { "encounter.admitted", BODY(ENCOUNTER), ACT(NEW), "encounters", KIND(UNKNOWN), false },
        { "encounter.discharge_cancelled", BODY(ENCOUNTER), ACT(ENTERED_IN_ERROR), "encounters", KIND(UNKNOWN), false },
        { "encounter.discharge_plan_cancelled", BODY(ENCOUNTER), ACT(ENTERED_IN_ERROR), "encounters", KIND(UNKNOWN), false },
        { "encounter.discharge_planned", BODY(ENCOUNTER), ACT(UPDATE), "encounters", KIND(UNKNOWN), false },
        { "encounter.discharged", BODY(ENCOUNTER), ACT(UPDATE), "encounters", KIND(UNKNOWN), false },
        { "encounter.ed_arrived", BODY(ENCOUNTER), ACT(NEW), "encounters", KIND(UNKNOWN), false },
        { "encounter.ed_departed", BODY(ENCOUNTER), ACT(UPDATE), "encounters", KIND(UNKNOWN), false },
        { "encounter.leave_end_cancelled", BODY(ENCOUNTER), ACT(ENTERED_IN_ERROR), "encounters", KIND(UNKNOWN), false },
        { "encounter.leave_ended", BODY(ENCOUNTER), ACT(UPDATE), "encounters", KIND(UNKNOWN), false },
        { "encounter.leave_start_cancelled", BODY(ENCOUNTER), ACT(ENTERED_IN_ERROR), "encounters", KIND(UNKNOWN), false },
        { "encounter.leave_started", BODY(ENCOUNTER), ACT(UPDATE), "encounters", KIND(UNKNOWN), false },
        { "encounter.preadmission_cancelled", BODY(ENCOUNTER), ACT(ENTERED_IN_ERROR), "encounters", KIND(UNKNOWN), false },
        { "encounter.preadmitted", BODY(ENCOUNTER), ACT(NEW), "encounters", KIND(UNKNOWN), false },
        { "encounter.registered", BODY(ENCOUNTER), ACT(NEW), "encounters", KIND(UNKNOWN), false },
        { "encounter.rekeyed", BODY(MERGE), ACT(NEW), "merges", KIND(UNKNOWN), false },
        { "encounter.transfer_cancelled", BODY(ENCOUNTER), ACT(ENTERED_IN_ERROR), "encounters", KIND(UNKNOWN), false },
        { "encounter.transfer_plan_cancelled", BODY(ENCOUNTER), ACT(ENTERED_IN_ERROR), "encounters", KIND(UNKNOWN), false },
        { "encounter.transfer_planned", BODY(ENCOUNTER), ACT(UPDATE), "encounters", KIND(UNKNOWN), false },
        { "encounter.transferred", BODY(ENCOUNTER), ACT(UPDATE), "encounters", KIND(UNKNOWN), false },
        { "encounter.updated", BODY(ENCOUNTER), ACT(UPDATE), "encounters", KIND(UNKNOWN), false },
        { "episode.closed", BODY(EPISODE), ACT(UPDATE), "episodes", KIND(UNKNOWN), false },
        { "episode.opened", BODY(EPISODE), ACT(NEW), "episodes", KIND(UNKNOWN), false },
        { "equity.recorded", BODY(EQUITY), ACT(NEW), "equity", KIND(UNKNOWN), false },
        { "huddle.held", BODY(MEETING), ACT(NEW), "meetings", KIND(UNKNOWN), false },
        { "identity.review_closed", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "identity.review_opened", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "identity.review_overdue", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "identity.reviews_full", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "lpa.ended", BODY(DECISION), ACT(UPDATE), "decisions", KIND(LPA), false },
        { "lpa.recorded", BODY(DECISION), ACT(NEW), "decisions", KIND(LPA), false },
        { "map.miss", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "mdt.held", BODY(MEETING), ACT(NEW), "meetings", KIND(UNKNOWN), false },
        { "medication.changed", BODY(MEDICATION), ACT(UPDATE), "medications", KIND(UNKNOWN), false },
        { "medication.given", BODY(MEDICATION), ACT(NEW), "medications", KIND(UNKNOWN), false },
        { "medication.started", BODY(MEDICATION), ACT(NEW), "medications", KIND(UNKNOWN), false },
        { "medication.stopped", BODY(MEDICATION), ACT(UPDATE), "medications", KIND(UNKNOWN), false },
        { "observation.recorded", BODY(OBSERVATION), ACT(NEW), "observations", KIND(UNKNOWN), false },
        { "order.cancelled", BODY(ORDER), ACT(UPDATE), "orders", KIND(UNKNOWN), false },
        { "order.changed", BODY(ORDER), ACT(UPDATE), "orders", KIND(UNKNOWN), false },
        { "order.completed", BODY(ORDER), ACT(UPDATE), "orders", KIND(UNKNOWN), false },
        { "order.placed", BODY(ORDER), ACT(NEW), "orders", KIND(UNKNOWN), false },
        { "outcome.measured", BODY(MEASURE), ACT(NEW), "measures", KIND(UNKNOWN), false },
        { "palliative_need.identified", BODY(PALLIATIVE_NEED), ACT(NEW), "palliative-needs", KIND(UNKNOWN), false },
        { "palliative_need.removed", BODY(PALLIATIVE_NEED), ACT(UPDATE), "palliative-needs", KIND(UNKNOWN), false },
        { "partner.joined", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "partner.left", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "partner.silent", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "patient.gp_changed", BODY(DEMOGRAPHICS), ACT(UPDATE), "demographics", KIND(UNKNOWN), false },
        { "patient.linked", BODY(MERGE), ACT(NEW), "merges", KIND(UNKNOWN), false },
        { "patient.merged", BODY(MERGE), ACT(NEW), "merges", KIND(UNKNOWN), false },
        { "patient.moved", BODY(MERGE), ACT(NEW), "merges", KIND(UNKNOWN), false },
        { "patient.nhs_number_superseded", BODY(DEMOGRAPHICS), ACT(UPDATE), "demographics", KIND(UNKNOWN), false },
        { "patient.registered", BODY(DEMOGRAPHICS), ACT(NEW), "demographics", KIND(UNKNOWN), false },
        { "patient.restricted", BODY(DEMOGRAPHICS), ACT(UPDATE), "demographics", KIND(UNKNOWN), false },
        { "patient.unlinked", BODY(MERGE), ACT(NEW), "merges", KIND(UNKNOWN), false },
        { "patient.unmerged", BODY(MERGE), ACT(NEW), "merges", KIND(UNKNOWN), false },
        { "patient.updated", BODY(DEMOGRAPHICS), ACT(UPDATE), "demographics", KIND(UNKNOWN), false },
        { "place_of_death.compared", BODY(PLACE_OF_DEATH_COMPARISON), ACT(NEW), "place-of-death", KIND(UNKNOWN), false },
        { "preference.place_of_care", BODY(DECISION), ACT(NEW), "decisions", KIND(PREFERRED_PLACE_OF_CARE), false },
        { "preference.place_of_death", BODY(DECISION), ACT(NEW), "decisions", KIND(PREFERRED_PLACE_OF_DEATH), false },
        { "programme.completed", BODY(PROGRAMME), ACT(UPDATE), "programmes", KIND(UNKNOWN), false },
        { "programme.enrolled", BODY(PROGRAMME), ACT(NEW), "programmes", KIND(UNKNOWN), false },
        { "programme.visit_counted", BODY(PROGRAMME), ACT(UPDATE), "programmes", KIND(UNKNOWN), false },
        { "quarantine.added", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "quarantine.released", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "record.corrected", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "record.granted", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "record.withdrawn", BODY(NOTICE), ACT(NEW), NULL, KIND(UNKNOWN), true },
        { "referral.accepted", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "referral.cancelled", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "referral.changed", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "referral.closed", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "referral.declined", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "referral.first_contact", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "referral.info_requested", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "referral.received", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "referral.redirected", BODY(REFERRAL), ACT(UPDATE), "referrals", KIND(UNKNOWN), false },
        { "referral.requested", BODY(REFERRAL), ACT(NEW), "referrals", KIND(UNKNOWN), false },
        { "service.changed", BODY(SERVICE), ACT(UPDATE), NULL, KIND(UNKNOWN), false },
        { "service.closed", BODY(SERVICE), ACT(UPDATE), NULL, KIND(UNKNOWN), false },
        { "service.published", BODY(SERVICE), ACT(NEW), NULL, KIND(UNKNOWN), false },
        { "symptom.reported", BODY(OBSERVATION), ACT(NEW), "observations", KIND(UNKNOWN), false },
        { "treatment_escalation.ended", BODY(DECISION), ACT(UPDATE), "decisions", KIND(TREATMENT_ESCALATION), false },
        { "treatment_escalation.recorded", BODY(DECISION), ACT(NEW), "decisions", KIND(TREATMENT_ESCALATION), false },
        { "visit.done", BODY(CONTACT), ACT(UPDATE), "contacts", KIND(UNKNOWN), false },
        { "visit.missed", BODY(CONTACT), ACT(UPDATE), "contacts", KIND(UNKNOWN), false },
        { "visit.planned", BODY(CONTACT), ACT(NEW), "contacts", KIND(UNKNOWN), false },
        /* clang-format on */
};

static const char *const sections[] = {
        "alerts",       "allergies",        "anticipatory-medicines",
        "appointments", "bereavement",      "care-packages",
        "care-plans",   "care-team",        "conditions",
        "consent",      "contact-points",   "contacts",
        "death",        "decisions",        "demographics",
        "documents",    "encounters",       "episodes",
        "equity",       "measures",         "medications",
        "meetings",     "merges",           "observations",
        "orders",       "palliative-needs", "place-of-death",
        "programmes",   "referrals",
};

const EventType *event_type_find(const char *name) {
        size_t low = 0, high = ELEMENTSOF(event_types);

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(name, event_types[middle].name);

                if (order == 0)
                        return &event_types[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

const EventType *event_type_at(size_t index) {
        return index < ELEMENTSOF(event_types) ? &event_types[index] : NULL;
}

bool event_type_is_well_formed(const char *name) {
        size_t n_parts = 0, n_part = 0, n_all = 0;

        for (; name[n_all]; n_all++) {
                if (n_all >= 64)
                        return false;
                if (name[n_all] == '.') {
                        if (n_part == 0)
                                return false;
                        n_parts++;
                        n_part = 0;
                } else if ((name[n_all] >= 'a' && name[n_all] <= 'z') || name[n_all] == '_')
                        n_part++;
                else
                        return false;
        }
        return n_parts > 0 && n_part > 0;
}

const char *section_at(size_t index) {
        return index < ELEMENTSOF(sections) ? sections[index] : NULL;
}

bool section_is_known(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(sections); i++)
                if (strcmp(sections[i], name) == 0)
                        return true;
        return false;
}
