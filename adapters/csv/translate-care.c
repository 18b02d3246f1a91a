/* referrals.csv, contacts.csv, stays.csv, scores.csv: what was asked for and what was done. */
#include <stdio.h>
#include <string.h>

#include "adapters/csv/excel.h"
#include "adapters/csv/translate-rules.h"
#include "base/clock.h"
#include "canon/vocabulary.h"

/* ---- referrals ---- */

typedef struct ReferralStep {
        const char *type, *status;
        size_t offset; /* of its When */
} ReferralStep;

#define REFERRAL_AT(member) offsetof(Carebus__V1__Referral, member)

static void referral_from(RowWork *work, Carebus__V1__Referral *referral) {
        char *from = row_text(work, REFERRAL_FROM);

        referral->from = from ? ROW_MESSAGE(work, service_ref) : NULL;
        if (referral->from)
                referral->from->name = from;
}

static Carebus__V1__Referral *referral_event(RowWork *work, const ReferralStep *step, Carebus__V1__When *at) {
        bool is_new = strcmp(step->status, "requested") == 0;
        Carebus__V1__Event *event = row_event(work, step->type, is_new ? ROW_NEW : ROW_UPDATE);
        Carebus__V1__Referral *referral = event ? ROW_MESSAGE(work, referral) : NULL;

        if (!referral)
                return NULL;
        ROW_BODY(event, REFERRAL, referral, referral);
        referral->identifier = event->referral_id = row_own_identifier(work, REFERRAL_ID);
        referral->status = (char *)step->status;
        referral_from(work, referral); /* each of them may be routed by it */
        event->occurred_at = at;
        memcpy((char *)referral + step->offset, &at, sizeof(at));
        return referral;
}

static void referral_said(RowWork *work, Carebus__V1__Referral *referral) {
        referral->priority = row_coded(work, REFERRAL_PRIORITY);
        referral->primary_condition = row_coded(work, REFERRAL_DIAGNOSIS);
        if (work->has_parts)
                row_coded_list(work, REFERRAL_REASON, "", &referral->n_reasons, &referral->reasons);
        else
                draft_append(&work->draft, &referral->n_reasons, &referral->reasons, row_coded(work, REFERRAL_REASON));
}

static void declined_by_read(RowWork *work, Carebus__V1__Referral *referral) {
        static const char *const words[] = { "service", "hospice", "team", "patient", "person", "family", "carer" };
        static const Carebus__V1__Referral__DeclinedBy meant[] = {
                CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_SERVICE,
                CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_SERVICE,
                CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_SERVICE,
                CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_PATIENT,
                CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_PATIENT,
                CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_FAMILY,
                CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_FAMILY,
        };
        const char *said = row_text(work, REFERRAL_DECLINED_BY);
        int found = said ? WORD_FIND(words, said) : -1;

        referral->decline_reason = row_coded(work, REFERRAL_DECLINE_REASON);
        if (found >= 0) {
                referral->has_declined_by = true;
                referral->declined_by = meant[found];
        } else if (said && !work->is_exact)
                row_refuse(work, REFERRAL_DECLINED_BY, "write service, patient or family, or leave the cell empty");
}

static void decision_translate(RowWork *work) {
        static const char *const words[] = {
                "accepted", "accept",     "yes",       "declined",  "rejected", "decline",
                "no",       "redirected", "cancelled", "withdrawn", "pending",  "awaiting"
        };
        static const ReferralStep steps[] = {
                { "referral.accepted", "accepted", REFERRAL_AT(decided_at) },
                { "referral.declined", "declined", REFERRAL_AT(decided_at) },
                { "referral.redirected", "redirected", REFERRAL_AT(decided_at) },
                { "referral.cancelled", "cancelled", REFERRAL_AT(decided_at) },
        };
        static const int step_of[] = { 0, 0, 0, 1, 1, 1, 1, 2, 3, 3, -1, -1 };
        const char *said = row_text(work, REFERRAL_DECISION);
        Carebus__V1__When *at = row_past(work, REFERRAL_DECIDED, NULL);
        int found = said ? WORD_FIND(words, said) : -1;
        Carebus__V1__Referral *referral;

        if (!said) {
                if (at || row_text(work, REFERRAL_DECLINE_REASON))
                        row_refuse(work, REFERRAL_DECISION,
                                   "there is a date or a reason but no decision; write accepted or declined");
                return;
        }
        if (found < 0) {
                row_refuse(work, REFERRAL_DECISION,
                           "write accepted, declined, redirected, cancelled or pending, or have `values:` set in the "
                           "profile");
                return;
        }
        if (step_of[found] < 0)
                return;
        referral = referral_event(work, &steps[step_of[found]], at);
        if (!referral)
                return;
        referral->decision = row_coded(work, REFERRAL_DECISION);
        declined_by_read(work, referral);
}

/* Each row is one event, which says all that stands there. */
static void referral_exact(RowWork *work) {
        static const struct {
                int column;
                size_t offset;
        } times[] = {
                { REFERRAL_REQUESTED, REFERRAL_AT(requested_at) },
                { REFERRAL_RECEIVED, REFERRAL_AT(received_at) },
                { REFERRAL_DECIDED, REFERRAL_AT(decided_at) },
                { REFERRAL_FIRST_CONTACT, REFERRAL_AT(first_contact_at) },
                { REFERRAL_CLOSED, REFERRAL_AT(closed_at) },
        };
        static const ReferralStep step = { "referral.requested", "requested", REFERRAL_AT(requested_at) };
        Carebus__V1__Referral *referral = referral_event(work, &step, NULL);

        if (!referral)
                return;
        referral->status = row_text(work, REFERRAL_STATUS);
        referral_said(work, referral);
        declined_by_read(work, referral);
        referral->decision = row_coded(work, REFERRAL_DECISION);
        referral->close_reason = row_coded(work, REFERRAL_CLOSE_REASON);
        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                Carebus__V1__When *at = row_when(work, times[i].column, NULL);

                if (!at && times[i].column == REFERRAL_DECIDED)
                        at = exact_part_when(work, "decision_date");
                memcpy((char *)referral + times[i].offset, &at, sizeof(at));
        }
}

void referrals_translate(RowWork *work) {
        static const ReferralStep requested = { "referral.requested", "requested", REFERRAL_AT(requested_at) };
        static const ReferralStep received = { "referral.received", "received", REFERRAL_AT(received_at) };
        static const ReferralStep contacted = { "referral.first_contact", "in-progress",
                                                REFERRAL_AT(first_contact_at) };
        static const ReferralStep closed = { "referral.closed", "closed", REFERRAL_AT(closed_at) };
        Carebus__V1__When *received_at = row_past(work, REFERRAL_RECEIVED, NULL),
                          *at = row_past(work, REFERRAL_REQUESTED, NULL);
        Carebus__V1__Referral *referral;

        if (work->has_parts && work->exact[EXACT_TYPE]) {
                referral_exact(work);
                return;
        }
        /* Where the file does not say when it was asked for, the day on which it came stands for it. */
        referral = referral_event(work, &requested, at ? at : received_at);
        if (referral)
                referral_said(work, referral);
        if (received_at)
                (void)referral_event(work, &received, received_at);
        decision_translate(work);
        at = row_past(work, REFERRAL_FIRST_CONTACT, NULL);
        if (at)
                (void)referral_event(work, &contacted, at);
        at = row_past(work, REFERRAL_CLOSED, NULL);
        referral = at ? referral_event(work, &closed, at) : NULL;
        if (referral)
                referral->close_reason = row_coded(work, REFERRAL_CLOSE_REASON);
        else if (!at && row_text(work, REFERRAL_CLOSE_REASON))
                row_refuse(work, REFERRAL_CLOSED,
                           "there is a reason for closing it but no date; write when it was closed");
}

/* ---- contacts ---- */

typedef struct ContactKind {
        const char *type, *status;
        Carebus__V1__Action action;
} ContactKind;

static ContactKind contact_kind(RowWork *work) {
        static const char *const visits[] = { "visit", "home visit", "face to face at home" };
        static const char *const planned[] = { "planned", "booked", "scheduled" };
        static const char *const missed[] = { "missed",      "did not attend", "dna",      "no access",
                                              "not at home", "not in",         "cancelled" };
        const char *mode = row_text(work, CONTACT_MODE), *outcome = row_text(work, CONTACT_OUTCOME);
        bool is_visit = mode && WORD_FIND(visits, mode) >= 0;
        bool is_planned = outcome && WORD_FIND(planned, outcome) >= 0;
        bool is_missed = outcome && WORD_FIND(missed, outcome) >= 0;
        const char *status = is_planned ? "planned" : is_missed ? "missed" : "done";

        if (!is_visit)
                return (ContactKind){ "contact.recorded", status, ROW_NEW };
        if (is_planned)
                return (ContactKind){ "visit.planned", status, ROW_NEW };
        return (ContactKind){ is_missed ? "visit.missed" : "visit.done", status, ROW_UPDATE };
}

void contacts_translate(RowWork *work) {
        ContactKind kind = contact_kind(work);
        Carebus__V1__Event *event = row_event(work, kind.type, kind.action);
        Carebus__V1__Contact *contact = event ? ROW_MESSAGE(work, contact) : NULL;
        char *provider = row_text(work, CONTACT_PROVIDER);

        if (!contact)
                return;
        ROW_BODY(event, CONTACT, contact, contact);
        contact->identifier = row_own_identifier(work, CONTACT_ID);
        contact->status = (char *)kind.status;
        if (work->has_parts)
                contact->status = exact_part_text(work, "status", 0, 0);
        contact->start_at = row_when(work, CONTACT_START, NULL);
        event->occurred_at = contact->start_at;
        contact->has_minutes = row_whole_number(work, CONTACT_MINUTES, &contact->minutes);
        contact->mode = row_coded(work, CONTACT_MODE);
        contact->place_kind = row_coded(work, CONTACT_PLACE);
        contact->staff_role = row_coded(work, CONTACT_STAFF_ROLE);
        if (provider) {
                contact->by = ROW_MESSAGE(work, service_ref);
                if (contact->by)
                        contact->by->name = provider;
        }
        row_coded_list(work, CONTACT_WITH_WHOM, ",", &contact->n_with_whom, &contact->with_whom);
        contact->purpose = row_coded(work, CONTACT_PURPOSE);
        contact->outcome = row_coded(work, CONTACT_OUTCOME);
        contact->next_contact_at = row_when(work, CONTACT_NEXT, NULL);
}

/* ---- stays ---- */

static Carebus__V1__Encounter *stay_event(RowWork *work, const char *type, Carebus__V1__Action action,
                                          const char *status, Carebus__V1__When *at) {
        Carebus__V1__Event *event = row_event(work, type, action);
        Carebus__V1__Encounter *stay = event ? ROW_MESSAGE(work, encounter) : NULL;

        if (!stay)
                return NULL;
        ROW_BODY(event, ENCOUNTER, encounter, stay);
        stay->identifier = event->encounter_id = row_own_identifier(work, STAY_ID);
        stay->class_ = draft_coded(&work->draft, (char *)SYSTEM_ACT_CODE, (char *)"IMP", (char *)"inpatient", NULL);
        stay->status = (char *)status;
        event->occurred_at = at;
        return stay;
}

/* A day without a time may mean its last hour. */
static int64_t day_left(const Carebus__V1__When *admitted, const Carebus__V1__When *discharged) {
        return discharged->precision < admitted->precision ? 24 * 3600 * USEC_PER_SEC : 0;
}

/* A stay that never was. Any other word is not guessed at: whoever wrote it meant something by it. */
static bool is_cancelled(RowWork *work) {
        static const char *const mistakes[] = { "cancelled", "canceled", "entered in error", "entered-in-error" };
        static const char *const standing[] = { "current", "in progress", "finished", "ended" };
        const char *said = row_text(work, STAY_STATUS);

        if (!said || WORD_FIND(standing, said) >= 0)
                return false;
        if (WORD_FIND(mistakes, said) < 0)
                row_refuse(work, STAY_STATUS, "write cancelled where the person was never admitted, and nothing else");
        return true;
}

static void stay_cancelled(RowWork *work, Carebus__V1__When *admitted) {
        Carebus__V1__Encounter *stay = stay_event(work, "encounter.admission_cancelled",
                                                  CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR, "cancelled", NULL);

        if (stay)
                stay->admitted_at = admitted;
}

/* Each row is one event, which says all that stands there. */
static void stay_exact(RowWork *work) {
        Carebus__V1__Encounter *stay = stay_event(work, "encounter.admitted", ROW_NEW,
                                                  exact_part_text(work, "status", 0, 0), NULL);
        bool has_died = false;

        if (!stay)
                return;
        stay->class_ = row_coded(work, STAY_CLASS);
        stay->admitted_at = row_when(work, STAY_ADMITTED, NULL);
        stay->admission_source = row_coded(work, STAY_FROM);
        stay->reason = row_coded(work, STAY_REASON);
        stay->discharged_at = row_when(work, STAY_DISCHARGED, NULL);
        stay->discharge_destination = row_coded(work, STAY_TO);
        stay->has_died = row_truth(work, STAY_DIED, &has_died);
        stay->died = has_died;
}

static void stays_said(RowWork *work) {
        Carebus__V1__When *admitted = row_past(work, STAY_ADMITTED, NULL),
                          *discharged = row_past(work, STAY_DISCHARGED, NULL);
        Carebus__V1__Encounter *stay;
        bool has_died = false, says_died = row_truth(work, STAY_DIED, &has_died);

        if (is_cancelled(work)) {
                stay_cancelled(work, admitted);
                return;
        }
        stay = stay_event(work, "encounter.admitted", ROW_NEW, "in-progress", admitted);
        if (stay) {
                stay->admitted_at = admitted;
                stay->admission_source = row_coded(work, STAY_FROM);
                stay->reason = row_coded(work, STAY_REASON);
        }
        if (!discharged && has_died && !row_text(work, STAY_DISCHARGED) && !work->is_exact) {
                row_refuse(work, STAY_DIED,
                           "died is yes but the stay has no end; write the date of death into discharged as well");
                return;
        }
        if (!discharged)
                return;
        if (!work->is_exact && admitted && discharged->utc_at + day_left(admitted, discharged) < admitted->utc_at) {
                row_refuse(work, STAY_DISCHARGED, "this is before the admission; check both");
                return;
        }
        stay = stay_event(work, "encounter.discharged", ROW_UPDATE, "finished", discharged);
        if (!stay)
                return;
        stay->admitted_at = admitted;
        stay->discharged_at = discharged;
        stay->discharge_destination = row_coded(work, STAY_TO);
        stay->has_died = says_died;
        stay->died = has_died;
        if (has_died)
                row_death(work, discharged, "died", stay->identifier);
}

void stays_translate(RowWork *work) {
        if (work->has_parts && work->exact[EXACT_TYPE])
                stay_exact(work);
        else
                stays_said(work);
}

/* ---- scores ---- */

static const char not_in_scale[] = "this score is outside of the scale, or between its steps; check it";
static const char not_a_number[] = "this scale has a number as its score; write digits, like 60";

static bool score_fits(const Scale *scale, const char *score) {
        long whole = 0, tenth = 0;
        int n = 0;

        if (sscanf(score, "%9ld%n", &whole, &n) != 1)
                return false;
        if (score[n] == '.') {
                if (strspn(score + n + 2, "0") != strlen(score + n + 2))
                        return false; /* no scale has finer steps */
                tenth = score[n + 1] - '0';
        }
        tenth += whole * 10;
        return tenth >= scale->min * 10L && tenth <= scale->max_tenths &&
               (scale->step_tenths == 0 || tenth % scale->step_tenths == 0);
}

static void respondent_read(RowWork *work, Carebus__V1__Measure *measure) {
        static const char *const words[] = { "patient", "person",       "self",      "proxy",
                                             "family",  "friend",       "carer",     "staff",
                                             "nurse",   "professional", "clinician", "patient with help" };
        static const Carebus__V1__Measure__Respondent meant[] = {
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF,
                CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT_WITH_HELP,
        };
        const char *said = row_text(work, SCORE_RESPONDENT);
        int found = said ? WORD_FIND(words, said) : -1, kind;

        measure->respondent_coded = row_coded(work, SCORE_RESPONDENT);
        if (work->has_parts)
                found = -1;
        if (exact_part_enum(work, "answered_by", &carebus__v1__measure__respondent__descriptor, &kind)) {
                measure->has_respondent = true;
                measure->respondent = (Carebus__V1__Measure__Respondent)kind;
        }
        if (found < 0)
                return;
        measure->has_respondent = true;
        measure->respondent = meant[found];
}

/* What is no figure is a word; where the parts are said they say which. */
static bool is_figure(const RowWork *work, const char *score) {
        return work->has_parts ? !parts_find(&work->parts, "score", 0) : excel_is_decimal(score);
}

static Carebus__V1__Quantity *quantity_read(RowWork *work, char *score) {
        Carebus__V1__Quantity *quantity = draft_quantity(&work->draft, score, NULL, NULL);

        if (!quantity || !work->has_parts)
                return quantity;
        quantity->unit = exact_part_text(work, "unit", 0, 0);
        quantity->original_unit = exact_part_text(work, "unit", 0, 1);
        quantity->comparator = exact_part_text(work, "unit", 0, 2);
        return quantity;
}

/* One question of the scale. */
static void item_read(RowWork *work, const Scale *scale, Carebus__V1__Measure *measure, char *name, char *score) {
        bool is_ipos = scale && strcmp(scale->name, "IPOS") == 0;
        Carebus__V1__MeasureItem *item = ROW_MESSAGE(work, measure_item);

        if (is_ipos && !work->is_exact && excel_is_decimal(score) && !(score[0] >= '0' && score[0] <= '4' && !score[1]))
                row_refuse(work, SCORE_SCORE, "each question of IPOS has a score of 0 to 4; check it");

        if (!item)
                return;
        item->item_key = name;
        item->item = work->has_parts ? row_coded(work, SCORE_ITEM) : draft_coded_local(&work->draft, NULL, name, name);
        if (is_figure(work, score))
                item->score = quantity_read(work, score);
        else if (work->has_parts)
                item->answer = row_coded(work, SCORE_SCORE);
        else
                item->answer = draft_coded_local(&work->draft, NULL, score, score);
        draft_append(&work->draft, &measure->n_items, &measure->items, item);
}

static void phase_check(RowWork *work, const Scale *scale, const char *score) {
        static const char *const phases[] = { "stable", "unstable", "deteriorating", "dying", "terminal", "deceased" };

        if (scale && strcmp(scale->name, "Phase of Illness") == 0 && WORD_FIND(phases, score) < 0)
                row_note(work, SCORE_SCORE,
                         "this is none of stable, unstable, deteriorating and dying; it is kept as it stands, and "
                         "nobody "
                         "can compare it");
}

static void total_read(RowWork *work, const Scale *scale, Carebus__V1__Measure *measure, char *score) {
        bool is_number = is_figure(work, score);

        if (work->has_parts) {
                measure->result = row_coded(work, SCORE_SCORE);
                measure->total = is_number ? quantity_read(work, score) : NULL;
                return;
        }
        if (scale && scale->max_tenths > 0 && !is_number) {
                row_refuse(work, SCORE_SCORE, not_a_number);
                return;
        }
        if (scale && scale->max_tenths > 0 && !score_fits(scale, score)) {
                row_refuse(work, SCORE_SCORE, not_in_scale);
                return;
        }
        if (!is_number) {
                phase_check(work, scale, score);
                measure->result = draft_coded_local(&work->draft, NULL, score, score);
                return;
        }
        measure->total = draft_quantity(&work->draft, score, NULL, NULL);
        if (measure->total && scale && scale->unit)
                measure->total->unit = (char *)scale->unit;
}

static Carebus__V1__Coded *scale_read(RowWork *work, const Scale *scale) {
        char *said = row_text(work, SCORE_SCALE);

        if (work->has_parts)
                return row_coded(work, SCORE_SCALE);
        if (scale)
                return draft_coded(&work->draft, (char *)scale->system, (char *)scale->code, (char *)scale->display,
                                   said);
        row_note(work, SCORE_SCALE,
                 "the bus does not know this scale; the score is taken as it stands and is not checked");
        return draft_coded_local(&work->draft, NULL, said, said);
}

/* What was measured of whom, by which question, when: the same again is the same, corrected. */
static char *score_key(RowWork *work, const Scale *scale, const char *item, const char *day) {
        return draft_format(&work->draft, "score/%s/%s/%s/%s", row_text(work, PERSON_LOCAL_ID) ?: "",
                            scale ? scale->name : row_text(work, SCORE_SCALE), item ? item : "total", day);
}

void scores_translate(RowWork *work) {
        static const char *const totals[] = { "total", "score", "overall" };
        Carebus__V1__Event *event = row_event(work, "outcome.measured", ROW_NEW);
        Carebus__V1__Measure *measure = event ? ROW_MESSAGE(work, measure) : NULL;
        char *item = row_text(work, SCORE_ITEM), *score = row_text(work, SCORE_SCORE), day[ROW_DAY_SIZE] = "";
        const char *said = row_text(work, SCORE_SCALE);
        const Scale *scale = said ? scale_find_by_name(said) : NULL;

        if (!measure || !score || !said)
                return;
        ROW_BODY(event, MEASURE, measure, measure);
        measure->scale = scale_read(work, scale);
        measure->measured_at = event->occurred_at = row_past(work, SCORE_DATE, day);
        measure->status = (char *)"final";
        measure->recall_period = scale ? (char *)scale->recall : NULL;
        if (work->has_parts) {
                measure->status = exact_part_text(work, "status", 0, 0);
                measure->recall_period = exact_part_text(work, "recall_period", 0, 0);
        }
        if (item && !work->is_exact && WORD_FIND(totals, item) >= 0)
                item = NULL;
        respondent_read(work, measure);
        if (item)
                item_read(work, scale, measure, item, score);
        else
                total_read(work, scale, measure, score);
        measure->identifier = row_own_identifier(work, SCORE_ID);
        if (!measure->identifier && !work->exact[EXACT_TYPE])
                measure->identifier = draft_identifier(&work->draft, NULL, NULL, NULL,
                                                       score_key(work, scale, item, day));
}
