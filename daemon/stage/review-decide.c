/* What people decide: they are one, they are two, this is that one's. Each is carried out as a whole, or refused and changes nothing. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/ties.h"
#include "daemon/record/held.h"
#include "daemon/record/keys.h"
#include "daemon/stage/conflict.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/join.h"
#include "daemon/stage/review.h"

typedef Carebus__V1__Person Person;
typedef Carebus__V1__Review Review;
typedef Carebus__V1__JournalDecision JournalDecision;

/* A decision on its way. */
typedef struct Deciding {
        FoldWork *work;
        const JournalDecision *decision;
        const Said *said;
        Review *review; /* open; NULL: of two persons without one */
        Person *a, *b;  /* of two; b is NULL where all of a review are meant */
        ReviewDecided decided;
        const char *refused; /* set by whoever refuses, before anything is changed */
} Deciding;

static bool is_said(const char *text) {
        return text && text[0];
}

/* A decision is an event like any other: the first of its own events is the cause of the others. */
static int said_of_decision(FoldWork *work, Said *ret) {
        Carebus__V1__Event *event = work_event(work, "identity.decided");
        Carebus__V1__When *now = message_new(&carebus__v1__when__descriptor, work->arena);

        if (!event || !now)
                return -ENOMEM;
        now->has_utc_at = 1;
        now->utc_at = work->received_at;
        now->has_precision = 1;
        now->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION;
        event->occurred_at = event->recorded_at = now;
        event->source = (char *)work->source;
        event->has_received_at = 1;
        event->received_at = work->received_at;
        event->event_id = id_text("", work->seq, 0, work->arena);
        *ret = (Said){ .event = event,
                       .stamp = { .said_at = work->received_at, .sent_at = work->received_at, .seq = work->seq } };
        return event->event_id ? 0 : -ENOMEM;
}

static int person_of(Deciding *deciding, const char *patient_id, Person **ret) {
        int r = work_person(deciding->work, patient_id, ret);

        if (r == STATE_E_NOT_FOUND) {
                deciding->refused = "unknown-patient";
                return 0;
        }
        return r;
}

static int answering_of(FoldWork *work, const char *patient_id, Person **ret) {
        Person *person;
        int r;

        r = work_person(work, patient_id, &person);
        r = r ?: identify_answering(work, person, ret);
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

static int review_find_open(Deciding *deciding) {
        const char *review_id = deciding->decision->review_id;
        Review *before;
        int r;

        r = review_get(deciding->work, review_id, &deciding->review);
        if (r != STATE_E_NOT_FOUND)
                return r;
        r = review_read(deciding->work->txn, review_id, deciding->work->arena, &before);
        deciding->refused = r == 0 ? "already-decided" : "not-in-review";
        return r == RECORD_E_NOT_FOUND ? 0 : r;
}

/* Is this person, or whoever answers, one that the review names? */
static int review_has(Deciding *deciding, const Person *person) {
        Person *named, *answering;
        int r;

        r = identify_answering(deciding->work, person, &answering);
        for (size_t i = 0; r == 0 && i < deciding->review->n_patient_ids; i++) {
                r = answering_of(deciding->work, deciding->review->patient_ids[i], &named);
                if (r == 0 && named == answering)
                        return 0;
        }
        deciding->refused = "not-of-this-review";
        return r;
}

/* Whom it is about: named by the decision; else who waits, and the candidate if there is but one. */
static int persons_find(Deciding *deciding) {
        const JournalDecision *decision = deciding->decision;
        const Review *review = deciding->review;
        const char *a = decision->n_patient_ids == 2 ? decision->patient_ids[0]
                        : review                     ? review->patient_ids[0]
                                                     : NULL;
        const char *b = decision->n_patient_ids > 0            ? decision->patient_ids[decision->n_patient_ids - 1]
                        : review && review->n_patient_ids == 2 ? review->patient_ids[1]
                                                               : NULL;
        int r;

        if (!a || (!review && !b)) {
                deciding->refused = "unknown-patient";
                return 0;
        }
        r = person_of(deciding, a, &deciding->a);
        if (r == 0 && !deciding->refused && b)
                r = person_of(deciding, b, &deciding->b);
        if (r == 0 && !deciding->refused && review)
                r = review_has(deciding, deciding->a);
        if (r == 0 && !deciding->refused && review && deciding->b)
                r = review_has(deciding, deciding->b);
        if (r == 0 && !deciding->refused && deciding->a == deciding->b)
                deciding->refused = "same-patient";
        return r;
}

static int groups_of(Deciding *deciding, Person ***ret_a, size_t *ret_n_a, Person ***ret_b, size_t *ret_n_b) {
        int r = identify_members(deciding->work, deciding->a, ret_a, ret_n_a);

        return r ?: identify_members(deciding->work, deciding->b, ret_b, ret_n_b);
}

/* That they are two was decided before, and is not so any more. */
static int aparts_undo(Deciding *deciding, Person **in_a, size_t n_a, Person **in_b, size_t n_b) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_a; i++)
                for (size_t j = 0; r == 0 && j < n_b; j++)
                        r = join_together(deciding->work, deciding->said, in_a[i], in_b[j]);
        return r;
}

/* Decided without a review: kept among the decided ones all the same, so that who and why are found. */
static Review *review_of_two(Deciding *deciding) {
        Arena *arena = deciding->work->arena;
        Review *review = message_new(&carebus__v1__review__descriptor, arena);
        const Person *two[] = { deciding->a, deciding->b };

        if (!review)
                return NULL;
        review->id = id_text("r", deciding->work->seq, 0, arena);
        review->has_kind = 1;
        review->kind = CAREBUS__V1__REVIEW__KIND__KIND_JOIN;
        review->class_ = (char *)"normal";
        review->reason = (char *)"asked-by-nobody";
        review->source = (char *)deciding->work->source;
        review->has_opened_at = 1;
        review->opened_at = deciding->work->received_at;
        for (size_t i = 0; review->id && i < ELEMENTSOF(two); i++)
                if (list_append((void ***)&review->patient_ids, &review->n_patient_ids, two[i]->patient_id, arena) < 0)
                        return NULL;
        return review->id ? review : NULL;
}

static int end_review(Deciding *deciding, const char *state) {
        Review *review = deciding->review ?: review_of_two(deciding);

        deciding->decided.state = state;
        return review ? review_end(deciding->work, deciding->said, review, &deciding->decided) : -ENOMEM;
}

static int link_two(Deciding *deciding) {
        Person **in_a, **in_b;
        size_t n_a, n_b;
        int r;

        if (!deciding->b) {
                deciding->refused = "which-candidate";
                return 0;
        }
        r = groups_of(deciding, &in_a, &n_a, &in_b, &n_b);
        if (r)
                return r;
        if (in_a[0] == in_b[0])
                deciding->refused = "already-linked";
        else if (n_a + n_b > TIES_PERSONS_MAX)
                deciding->refused = "too-many-persons";
        else if (!deciding->review && identify_numbers_forbid(in_a, n_a, in_b, n_b))
                deciding->refused = "two-verified-numbers";
        if (deciding->refused)
                return 0;
        r = end_review(deciding, REVIEW_LINKED);
        r = r ?: aparts_undo(deciding, in_a, n_a, in_b, n_b);
        return r
                       ?: join_tie(deciding->work, deciding->said, deciding->a, deciding->b,
                                   CAREBUS__V1__TIE__KIND__KIND_DECISION, "decision");
}

/* It is still the same person's number: what held before holds again. */
static int link_overwritten(Deciding *deciding) {
        int r = end_review(deciding, REVIEW_LINKED);

        return r ?: join_suspend(deciding->work, deciding->said, deciding->a, /* suspended= */ false, "decision");
}

static int decide_link(Deciding *deciding) {
        int r = persons_find(deciding);

        if (r || deciding->refused)
                return r;
        if (deciding->review && deciding->review->kind == CAREBUS__V1__REVIEW__KIND__KIND_OVERWRITE)
                return link_overwritten(deciding);
        return link_two(deciding);
}

/* What a source said of the two, that no decision undoes: not the direct ties of `a` with `b`, which go. */
static bool tie_stays(const Deciding *deciding, const Person *holder, const Carebus__V1__Tie *tie) {
        if (tie->undone || tie->suspended)
                return false;
        if (tie->kind != CAREBUS__V1__TIE__KIND__KIND_MERGE && tie->kind != CAREBUS__V1__TIE__KIND__KIND_LINK)
                return false;
        return holder != deciding->a || strcmp(tie->patient_id, deciding->b->patient_id) != 0;
}

/* Everybody whom ties that stay lead to from this one; *more: somebody new. */
static void reach_on(const Deciding *deciding, Person *const *members, size_t n, const Person *from, bool *reached,
                     bool *more) {
        for (size_t j = 0; j < from->n_ties; j++)
                for (size_t k = 0; tie_stays(deciding, from, from->ties[j]) && k < n; k++)
                        if (!reached[k] && strcmp(members[k]->patient_id, from->ties[j]->patient_id) == 0)
                                reached[k] = *more = true;
}

/* Would they stay one by what sources say, whatever somebody decides? */
static int sources_join(Deciding *deciding, Person *const *members, size_t n, bool *ret) {
        bool *reached = arena_alloc(deciding->work->arena, n * sizeof(*reached));
        bool more = true;

        if (!reached)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                reached[i] = members[i] == deciding->a;
        while (more) {
                more = false;
                for (size_t i = 0; i < n; i++)
                        if (reached[i])
                                reach_on(deciding, members, n, members[i], reached, &more);
        }
        *ret = false;
        for (size_t i = 0; i < n; i++)
                *ret = *ret || (reached[i] && members[i] == deciding->b);
        return 0;
}

/* They are two, and stay so until much more speaks for it. */
static int part_two(Deciding *deciding) {
        const Carebus__V1__Tie *apart = tie_find(deciding->a, deciding->b->patient_id,
                                                 CAREBUS__V1__TIE__KIND__KIND_APART);
        Person **in_a, **in_b;
        size_t n_a, n_b;
        bool joined = false;
        int r;

        r = groups_of(deciding, &in_a, &n_a, &in_b, &n_b);
        if (r == 0 && in_a[0] == in_b[0])
                r = sources_join(deciding, in_a, n_a, &joined);
        if (r)
                return r;
        if (joined)
                deciding->refused = "said-by-source";
        else if (!deciding->review && apart && !apart->undone && in_a[0] != in_b[0])
                deciding->refused = "already-apart";
        if (deciding->refused)
                return 0;
        r = end_review(deciding, REVIEW_KEPT_APART);
        return r ?: join_apart(deciding->work, deciding->said, deciding->a, deciding->b, "decision");
}

/* Nobody of the candidates is who waits. */
static int part_all(Deciding *deciding) {
        Review *review = deciding->review;
        int r = end_review(deciding, REVIEW_KEPT_APART);

        for (size_t i = 1; r == 0 && i < review->n_patient_ids; i++) {
                Person *other;

                r = answering_of(deciding->work, review->patient_ids[i], &other);
                if (r == 0 && other != deciding->a)
                        r = join_apart(deciding->work, deciding->said, deciding->a, other, "decision");
        }
        return r;
}

/* One of several candidates is not who waits: the review goes on with the others. */
static int part_one(Deciding *deciding) {
        Review *review = deciding->review;
        Person *parted;
        int r;

        r = identify_answering(deciding->work, deciding->b, &parted);
        for (size_t i = 1; r == 0 && i < review->n_patient_ids; i++) {
                Person *named, *holder;

                r = answering_of(deciding->work, review->patient_ids[i], &named);
                if (r || named != parted)
                        continue;
                r = work_person(deciding->work, review->patient_ids[i], &holder);
                for (size_t j = 0; r == 0 && j < holder->n_review_ids; j++)
                        if (strcmp(holder->review_ids[j], review->id) == 0) {
                                memmove(&holder->review_ids[j], &holder->review_ids[j + 1],
                                        (holder->n_review_ids - j - 1) * sizeof(*holder->review_ids));
                                holder->n_review_ids--;
                        }
                work_person_touch(deciding->work, holder);
                r = r ?: work_touch_record(deciding->work, named->patient_id);
                memmove(&review->patient_ids[i], &review->patient_ids[i + 1],
                        (review->n_patient_ids - i - 1) * sizeof(*review->patient_ids));
                review->n_patient_ids--;
                i--;
        }
        r = r ?: review_put(deciding->work, review);
        return r ?: join_apart(deciding->work, deciding->said, deciding->a, deciding->b, "decision");
}

/* The number is another person's now: whoever it was one with stays without it. */
static int part_overwritten(Deciding *deciding) {
        Review *review = deciding->review;
        int r = end_review(deciding, REVIEW_KEPT_APART);

        for (size_t i = 0; r == 0 && i < deciding->a->n_ties; i++) {
                Person *other;

                if (!deciding->a->ties[i]->suspended || deciding->a->ties[i]->undone)
                        continue;
                r = work_person(deciding->work, deciding->a->ties[i]->patient_id, &other);
                r = r ?: join_apart(deciding->work, deciding->said, deciding->a, other, "decision");
        }
        return r ?: overwrite_part(deciding->work, deciding->said, review, deciding->a);
}

/* What may be of either stays where it was said, for good: nothing that comes asks about it again. */
static int leave_where_it_is(Deciding *deciding) {
        const Review *review = deciding->review;
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < review->n_patient_ids; i++) {
                Person *person;

                r = answering_of(deciding->work, review->patient_ids[i], &person);
                r = r
                            ?: join_assign(deciding->work, deciding->said, review->event_ids, review->n_event_ids,
                                           &person, 1, person, &n);
        }
        return r ?: end_review(deciding, REVIEW_KEPT_APART);
}

static int decide_unlink(Deciding *deciding) {
        Review *review = deciding->review;
        int r = persons_find(deciding);

        if (r || deciding->refused)
                return r;
        if (review && review->kind == CAREBUS__V1__REVIEW__KIND__KIND_OVERWRITE)
                return part_overwritten(deciding);
        if (review && review->kind == CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE)
                return leave_where_it_is(deciding);
        if (review && review->n_patient_ids > 2 && deciding->decision->n_patient_ids > 0)
                return part_one(deciding);
        return review && !deciding->b ? part_all(deciding) : part_two(deciding);
}

/* What a decision names is done with; the rest goes on waiting. */
static void events_done(Review *review, char *const *event_ids, size_t n) {
        size_t left = 0;

        for (size_t i = 0; i < review->n_event_ids; i++) {
                bool done = false;

                for (size_t j = 0; j < n && !done; j++)
                        done = text_equal(review->event_ids[i], event_ids[j]);
                if (!done)
                        review->event_ids[left++] = review->event_ids[i];
        }
        review->n_event_ids = left;
}

static int assign(Deciding *deciding) {
        const JournalDecision *decision = deciding->decision;
        Review *review = deciding->review;
        const bool all = decision->n_event_ids == 0;
        Person **candidates = arena_alloc(deciding->work->arena, review->n_patient_ids * sizeof(*candidates));
        size_t n_assigned = 0;
        int r = candidates ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < review->n_patient_ids; i++)
                r = answering_of(deciding->work, review->patient_ids[i], &candidates[i]);
        r = r
                    ?: join_assign(deciding->work, deciding->said, all ? review->event_ids : decision->event_ids,
                                   all ? review->n_event_ids : decision->n_event_ids, candidates, review->n_patient_ids,
                                   deciding->a, &n_assigned);
        if (r)
                return r;
        if (n_assigned == 0) {
                deciding->refused = "nothing-to-assign";
                return 0;
        }
        if (all)
                return end_review(deciding, REVIEW_ASSIGNED);
        events_done(review, decision->event_ids, decision->n_event_ids);
        return review->n_event_ids > 0 ? review_put(deciding->work, review) : end_review(deciding, REVIEW_ASSIGNED);
}

/* What waits is that one's. */
static int decide_assign(Deciding *deciding) {
        const JournalDecision *decision = deciding->decision;
        Review *review = deciding->review;
        int r;

        if (!review || review->kind != CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE) {
                deciding->refused = "nothing-to-assign";
                return 0;
        }
        if (decision->n_patient_ids != 1) {
                deciding->refused = "which-candidate";
                return 0;
        }
        r = person_of(deciding, decision->patient_ids[0], &deciding->a);
        if (r == 0 && !deciding->refused)
                r = review_has(deciding, deciding->a);
        if (r || deciding->refused)
                return r;
        return assign(deciding);
}

static int decide_settle(Deciding *deciding) {
        const JournalDecision *decision = deciding->decision;
        int r;

        if (decision->n_patient_ids != 1 || !is_said(decision->conflict_id)) {
                deciding->refused = "unknown-patient";
                return 0;
        }
        r = conflict_settle_by_decision(deciding->work, decision->patient_ids[0], decision->conflict_id, decision->who,
                                        decision->who_says, decision->why);
        if (r == CONFLICT_E_NOT_OPEN) {
                deciding->refused = "not-in-conflict";
                r = 0;
        }
        return r;
}

/* What comes of it goes to whoever is told what this source says: the one that the review came from, else one that knows the person. */
static int source_find(Deciding *deciding) {
        const JournalDecision *decision = deciding->decision;
        FoldWork *work = deciding->work;
        Person *person;
        int r;

        if (deciding->review)
                work->source = deciding->review->source ?: work->source;
        else if (decision->n_patient_ids > 0) {
                r = work_person(work, decision->patient_ids[0], &person);
                if (r)
                        return r == STATE_E_NOT_FOUND ? 0 : r;
                for (size_t i = 0; i < person->n_identifiers && !work->source[0]; i++)
                        if (person->identifiers[i]->n_sources > 0)
                                work->source = person->identifiers[i]->sources[0];
        }
        if (work->source[0])
                work->outcome.source = (char *)work->source;
        return 0;
}

static int decide_begin(Deciding *deciding) {
        const JournalDecision *decision = deciding->decision;

        deciding->decided = (ReviewDecided){
                .who = decision->who, .who_says = decision->who_says, .why = decision->why, .by = deciding->work->seq
        };
        if (!is_said(decision->why) || (!is_said(decision->who) && !is_said(decision->who_says))) {
                deciding->refused = "who-and-why";
                return 0;
        }
        return is_said(decision->review_id) ? review_find_open(deciding) : 0;
}

int review_decide(FoldWork *work, const JournalDecision *decision) {
        static int (*const kinds[])(Deciding *) = {
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_LINK] = decide_link,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_UNLINK] = decide_unlink,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_ASSIGN] = decide_assign,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_SETTLE] = decide_settle,
        };
        Said said;
        Deciding deciding = { .work = work, .decision = decision, .said = &said };
        int r;

        r = decide_begin(&deciding);
        if (r == 0 && !deciding.refused)
                r = source_find(&deciding);
        r = r ?: said_of_decision(work, &said);
        if (r == 0 && !deciding.refused)
                r = kinds[decision->kind](&deciding);
        if (r == 0 && deciding.refused)
                work->outcome.refused = (char *)deciding.refused;
        return r;
}
