#include "daemon/stage/correction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/record/read.h"
#include "daemon/stage/moves.h"
#include "proto/types.h"

/* Event ids that one event withdraws, in the outcome: the newest. */
#define WITHDRAWN_MAX 256

typedef Carebus__V1__OutcomeCorrection Correction;

static bool ends_with(const char *text, const char *end) {
        size_t n = strlen(text), n_end = strlen(end);

        return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

bool correction_is(const Carebus__V1__Event *event) {
        static const char *const ends[] = { "_cancelled", ".cancelled", ".deleted",   ".retracted",
                                            ".unmerged",  ".unlinked",  ".withdrawn", ".removed" };
        const EventType *type;

        if (event->has_action && event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                if (ends_with(event->type, ends[i]))
                        return true;
        type = event_type_find(event->type);
        return type && type->body == CAREBUS__V1__EVENT__BODY_DECISION && ends_with(event->type, ".ended");
}

static int correction_at(FoldWork *work, uint32_t index, Correction **ret) {
        Carebus__V1__Outcome *outcome = &work->outcome;

        for (size_t i = 0; i < outcome->n_corrections; i++)
                if (outcome->corrections[i]->index == index) {
                        *ret = outcome->corrections[i];
                        return 0;
                }
        *ret = message_new(&carebus__v1__outcome_correction__descriptor, work->arena);
        if (!*ret)
                return -ENOMEM;
        (*ret)->has_index = 1;
        (*ret)->index = index;
        return list_append((void ***)&outcome->corrections, &outcome->n_corrections, *ret, work->arena);
}

int correction_note(FoldWork *work, uint32_t index, const char *event_id) {
        Correction *correction;
        int r;

        if (!event_id)
                return 0;
        r = correction_at(work, index, &correction);
        for (size_t i = 0; r == 0 && i < correction->n_withdrawn; i++)
                if (strcmp(correction->withdrawn[i], event_id) == 0)
                        return 0;
        if (r)
                return r;
        if (correction->n_withdrawn == WITHDRAWN_MAX) {
                memmove(&correction->withdrawn[0], &correction->withdrawn[1],
                        (WITHDRAWN_MAX - 1) * sizeof(*correction->withdrawn));
                correction->withdrawn[WITHDRAWN_MAX - 1] = (char *)event_id;
                return 0;
        }
        return list_append((void ***)&correction->withdrawn, &correction->n_withdrawn, (void *)event_id, work->arena);
}

/* What was said of it before; an event withdraws neither itself nor what is said behind it. */
int correction_of_claims(FoldWork *work, const Said *said, Carebus__V1__Claim *const *claims, size_t n_claims) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_claims; i++) {
                if (stamp_parts_compare(stamp_parts(claims[i]->stamp), said->stamp) >= 0)
                        continue;
                for (size_t j = 0; r == 0 && j < claims[i]->n_history; j++)
                        r = correction_note(work, said->stamp.index, claims[i]->history[j]);
                r = r ?: correction_note(work, said->stamp.index, claims[i]->event->event_id);
        }
        return r;
}

int correction_of_fact(FoldWork *work, const Said *said, const Carebus__V1__StoredFact *stored) {
        const Carebus__V1__Fact *fact = stored->fact;
        int r = 0;

        if (!correction_is(said->event) || !fact->event_id)
                return 0;
        /* A fact knows no more than the ids of what said it before; where this one comes late its claims tell which. */
        if (stamp_parts_compare(stamp_parts(stored->newest), said->stamp) >= 0)
                return correction_of_claims(work, said, stored->claims, stored->n_claims);
        for (size_t i = 0; r == 0 && i < fact->n_history; i++)
                r = correction_note(work, said->stamp.index, fact->history[i]);
        r = r ?: correction_note(work, said->stamp.index, fact->event_id);
        return r ?: correction_note(work, said->stamp.index, fact->confirmed_event_id);
}

/* ---- persons that are two after all ---------------------------------------------------------------------------------------------- */

static bool names_person(const Carebus__V1__Merge *merge, const char *patient_id) {
        if (text_equal(merge->surviving_patient_id, patient_id))
                return true;
        for (size_t i = 0; i < merge->n_retired_patient_ids; i++)
                if (strcmp(merge->retired_patient_ids[i], patient_id) == 0)
                        return true;
        return false;
}

static bool is_of_joining(const Carebus__V1__Event *event) {
        return event->body_case == CAREBUS__V1__EVENT__BODY_MERGE &&
               (strcmp(event->type, "patient.merged") == 0 || strcmp(event->type, "patient.linked") == 0 ||
                strcmp(event->type, "patient.moved") == 0);
}

/* `said` NULL: the event itself takes nothing back, only what the bus says of it next. */
static int withdraw(FoldWork *work, const Said *said, const char *event_id) {
        int r = list_append((void ***)&work->untied, &work->n_untied, (void *)event_id, work->arena);

        /* A decision is no event of its own: the bus says what came of it. */
        return r || !said || work->n_events == 0 ? r : correction_note(work, said->stamp.index, event_id);
}

/* What the bus said came of it then. */
static int derived_withdraw(FoldWork *work, const Said *said, const Carebus__V1__Person *a, const char *b,
                            uint64_t seq) {
        Carebus__V1__Outcome *outcome;
        int r;

        if (seq >= work->seq)
                return 0;
        r = outcome_read(work->txn, seq, work->arena, &outcome);
        if (r)
                return r > 0 ? 0 : r;
        for (size_t i = 0; r == 0 && i < outcome->n_derived; i++) {
                const Carebus__V1__Event *event = outcome->derived[i];
                char *event_id;

                if (!is_of_joining(event) ||
                    (!names_person(event->merge, a->patient_id) && !names_person(event->merge, b)))
                        continue;
                event_id = id_text("", seq, outcome->event_count - (uint32_t)(outcome->n_derived - i), work->arena);
                r = event_id ? withdraw(work, said, event_id) : -ENOMEM;
        }
        return r;
}

static int tie_withdraw(FoldWork *work, const Said *said, const Carebus__V1__Person *a, const Carebus__V1__Tie *tie,
                        const Carebus__V1__TieSaid *one) {
        const bool by_source = tie->kind == CAREBUS__V1__TIE__KIND__KIND_MERGE ||
                               tie->kind == CAREBUS__V1__TIE__KIND__KIND_LINK;
        int r = 0;

        if (one->undone)
                return 0;
        if (by_source && one->event_id)
                r = withdraw(work, said, one->event_id);
        return r ?: derived_withdraw(work, said, a, tie->patient_id, one->stamp->seq);
}

int correction_of_tie(FoldWork *work, const Said *said, const Carebus__V1__Person *a, const Carebus__V1__Tie *tie) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < tie->n_said; i++)
                if (stamp_parts_compare(stamp_parts(tie->said[i]->stamp), said->stamp) < 0)
                        r = tie_withdraw(work, said, a, tie, tie->said[i]);
        return r;
}

int correction_of_suspended(FoldWork *work, const Carebus__V1__Person *a, const Carebus__V1__Tie *tie) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < tie->n_said; i++)
                r = tie_withdraw(work, NULL, a, tie, tie->said[i]);
        return r;
}

int correction_of_move(FoldWork *work, const Said *said, const Carebus__V1__Person *from, const Carebus__V1__Person *to,
                       const Carebus__V1__FactMove *what) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < from->n_said_moves; i++) {
                const Carebus__V1__FactMove *one = from->said_moves[i];

                if (!one->away || one->undone || strcmp(one->patient_id, to->patient_id) != 0 ||
                    !moves_are_of_same(one, what) || stamp_parts_compare(stamp_parts(one->stamp), said->stamp) >= 0)
                        continue;
                if (one->event_id)
                        r = withdraw(work, said, one->event_id);
                r = r ?: derived_withdraw(work, said, from, to->patient_id, one->stamp->seq);
        }
        return r;
}

void correction_forget(FoldWork *work) {
        work->n_untied = 0;
        work->untied = NULL;
}

int correction_publish(FoldWork *work, uint32_t index) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < work->n_untied; i++)
                r = correction_note(work, index, work->untied[i]);
        correction_forget(work);
        return r;
}
