/*
 * What a person decides of who is who, and of a conflict. Looked at here against what is folded, so that the asker hears at once what
 * cannot be; the fold looks again, since what waits in the journal may have changed it.
 */
#include "base/error.h"
#include "base/text.h"
#include "daemon/record/held.h"
#include "daemon/record/read.h"
#include "daemon/stage/decide-parts.h"

/* A question that has been answered with a refusal. */
enum { ANSWERED = 1 };

static int refuse(Intake *intake, const ControlCall *call, const char *reason, const char *detail) {
        int r = control_refuse(intake, call, reason, detail);

        return r < 0 ? r : ANSWERED;
}

static int names_check(Intake *intake, const ControlCall *call, const char *who, const char *why) {
        if (control_text_is_given(who) && control_text_is_given(why))
                return 0;
        return refuse(intake, call, "who-and-why", "a decision needs who decides it and why: --who NAME --why TEXT");
}

/* Everybody named is somebody. */
static int patients_check(Intake *intake, const ControlCall *call, StateTxn *txn, char *const *patient_ids, size_t n) {
        for (size_t i = 0; i < n; i++) {
                char *answering;
                int r = identity_resolve(txn, patient_ids[i], intake->arena, &answering);

                if (r == RECORD_E_NOT_FOUND)
                        return refuse(
                                intake, call, "unknown-patient",
                                "nobody has this patient id: see `carebusctl find` or `carebusctl identity show`");
                if (r != 0)
                        return error_fold(r);
        }
        return 0;
}

/* Open, and one that can be decided so. */
static int review_check(Intake *intake, const ControlCall *call, StateTxn *txn) {
        const Carebus__V1__IdentityDecideRequest *decide = call->request->identity_decide;
        const bool assigns = decide->what == CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_ASSIGN;
        Carebus__V1__Review *review;
        int r = review_read(txn, decide->review_id, intake->arena, &review);

        if (r == RECORD_E_NOT_FOUND)
                return refuse(intake, call, "not-in-review",
                              "there is no review of this id: see `carebusctl identity review`");
        if (r != 0)
                return error_fold(r);
        if (!text_equal(review->state, "open"))
                return refuse(intake, call, "already-decided",
                              "it was decided before: see `carebusctl identity show`, or name the two patient ids");
        if (assigns && review->kind != CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE)
                return refuse(intake, call, "nothing-to-assign",
                              "only what was said while two were one can be assigned: link or unlink this review");
        if (!assigns && decide->n_patient_ids == 0 && review->n_patient_ids > 2 &&
            decide->what == CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_LINK &&
            review->kind != CAREBUS__V1__REVIEW__KIND__KIND_OVERWRITE)
                return refuse(intake, call, "which-candidate",
                              "it names several candidates: say which one, `identity link REVIEW PATIENT`");
        return 0;
}

int take_identity_decide(Intake *intake, const ControlCall *call) {
        static const Carebus__V1__JournalDecision__Kind kinds[] = {
                [CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_LINK] =
                        CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_LINK,
                [CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_UNLINK] =
                        CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_UNLINK,
                [CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_ASSIGN] =
                        CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_ASSIGN,
        };
        const Carebus__V1__IdentityDecideRequest *decide = call->request->identity_decide;
        StateTxn *txn;
        int r = names_check(intake, call, decide->who, decide->why);

        if (r == 0)
                r = error_fold(intake_state(intake, &txn));
        if (r == 0)
                r = patients_check(intake, call, txn, decide->patient_ids, decide->n_patient_ids);
        if (r == 0 && decide->review_id)
                r = review_check(intake, call, txn);
        if (r != 0)
                return r < 0 ? r : 0;
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = kinds[decide->what],
                                     .who = call->identity,
                                     .who_says = decide->who,
                                     .why = decide->why,
                                     .review_id = decide->review_id,
                                     .patient_ids = decide->patient_ids,
                                     .n_patient_ids = decide->n_patient_ids,
                                     .event_ids = decide->event_ids,
                                     .n_event_ids = decide->n_event_ids,
                             });
}

static int conflict_check(Intake *intake, const ControlCall *call, StateTxn *txn) {
        const Carebus__V1__SettleRequest *settle = call->request->settle;
        Carebus__V1__Record *record;
        int r = record_read(txn, settle->patient_id, intake->arena, &record);

        if (r != 0)
                return r == RECORD_E_NOT_FOUND ? 0 : error_fold(r);
        for (size_t i = 0; i < record->n_conflicts; i++)
                if (text_equal(record->conflicts[i]->id, settle->conflict_id) && !record->conflicts[i]->has_closed_at)
                        return 0;
        return refuse(intake, call, "not-in-conflict",
                      "this person has no open conflict of that id: see `carebusctl record`");
}

int take_settle(Intake *intake, const ControlCall *call) {
        const Carebus__V1__SettleRequest *settle = call->request->settle;
        StateTxn *txn;
        int r = names_check(intake, call, settle->who, settle->why);

        if (r == 0)
                r = error_fold(intake_state(intake, &txn));
        if (r == 0)
                r = patients_check(intake, call, txn, &call->request->settle->patient_id, 1);
        if (r == 0)
                r = conflict_check(intake, call, txn);
        if (r != 0)
                return r < 0 ? r : 0;
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_SETTLE,
                                     .who = call->identity,
                                     .who_says = settle->who,
                                     .why = settle->why,
                                     .conflict_id = settle->conflict_id,
                                     .patient_ids = &call->request->settle->patient_id,
                                     .n_patient_ids = 1,
                             });
}
