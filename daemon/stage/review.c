/* Reviews in the state: opened, added to, ended, fallen due. */
#include "daemon/stage/review.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/held.h"
#include "daemon/record/keys.h"
#include "daemon/stage/due.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/match.h"
#include "daemon/stage/recall.h"
#include "daemon/store/state-keys.h"
#include "proto/types.h"

/* Of one review: who looks at it looks at both records. */
#define EVENTS_MAX 256
#define PERSONS_MAX 16

typedef Carebus__V1__Person Person;
typedef Carebus__V1__Review Review;

const char *review_kind_of(const Carebus__V1__Event *event) {
        const EventType *type = event_type_find(event->type);
        const char *kind = type ? held_kind_of_section(type->section) : NULL;
        const Carebus__V1__Demographics *demographics = event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS
                                                                ? event->demographics
                                                        : event->patient ? event->patient->demographics
                                                                         : NULL;

        if (kind)
                return kind;
        return demographics && demographics->has_deceased && demographics->deceased ? "death" : NULL;
}

/* Past the overlay, which forgets nothing: a review leaves its table. */
int review_get(FoldWork *work, const char *review_id, Review **ret) {
        StateKey key = state_key_review(review_id);
        Bytes value;
        int r;

        if (key.error < 0)
                return STATE_E_NOT_FOUND;
        r = state_get(work->txn, STATE_REVIEW, state_key_all(&key), &value);
        return r ?: message_unpack(&carebus__v1__review__descriptor, value, work->arena, (ProtobufCMessage **)ret);
}

static int review_write(FoldWork *work, const Review *review, StateTable table) {
        StateKey key = state_key_review(review->id);
        Bytes packed = message_pack(&review->base, work->arena);

        if (key.error < 0 || !packed.data)
                return key.error < 0 ? key.error : -ENOMEM;
        return state_put(work->txn, table, state_key_all(&key), packed);
}

/* The records of all whom it names say something else now. */
static int review_touch(FoldWork *work, const Review *review) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < review->n_patient_ids; i++) {
                Person *person, **members;
                size_t n;

                r = work_person(work, review->patient_ids[i], &person);
                r = r ?: identify_members(work, person, &members, &n);
                r = r ?: work_touch_record(work, members[0]->patient_id);
                for (size_t j = 0; r == 0 && j < n; j++)
                        recall_forget(work->fold->recall, members[j]->patient_id);
        }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

int review_put(FoldWork *work, Review *review) {
        int r = review_write(work, review, STATE_REVIEW);

        return r ?: review_touch(work, review);
}

static bool texts_have(char *const *texts, size_t n, const char *text) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(texts[i], text))
                        return true;
        return false;
}

/* Ids of persons and of reviews that were gone through: a circle may be large, and many of it may be named. */
typedef struct Through {
        char **ids;
        size_t n;
} Through;

/* 0 once for each id; else STATE_E_NOT_FOUND. */
static int through_add(FoldWork *work, Through *through, char *id) {
        if (texts_have(through->ids, through->n, id))
                return STATE_E_NOT_FOUND;
        return list_append((void ***)&through->ids, &through->n, id, work->arena);
}

static int candidates_touch(FoldWork *work, const Person *person, Through *through) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < person->n_review_ids; i++) {
                Review *review;

                r = through_add(work, through, person->review_ids[i]);
                r = r ?: review_get(work, person->review_ids[i], &review);
                for (size_t j = 0; r == 0 && j < review->n_patient_ids; j++)
                        r = work_touch_record(work, review->patient_ids[j]);
                r = r == STATE_E_NOT_FOUND ? 0 : r; /* known already, or no longer open */
        }
        return r;
}

int review_touch_candidates(FoldWork *work) {
        Through circles = {}, reviews = {};
        int r = 0;

        for (size_t i = 0; r == 0 && i < work->waiting.n; i++) {
                Person *person, **members;
                size_t n = 0;

                r = work_person(work, work->waiting.items[i], &person);
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
                r = through_add(work, &circles, person->merged_into ?: person->patient_id);
                r = r ?: identify_members(work, person, &members, &n);
                for (size_t j = 0; r == 0 && j < n; j++)
                        r = candidates_touch(work, members[j], &reviews);
                r = r == STATE_E_NOT_FOUND ? 0 : r;
        }
        return r;
}

/* With everybody whom it names, so that their records find it. */
static int persons_note(FoldWork *work, const Review *review) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < review->n_patient_ids; i++) {
                Person *person;

                r = work_person(work, review->patient_ids[i], &person);
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
                if (texts_have(person->review_ids, person->n_review_ids, review->id))
                        continue;
                r = list_append((void ***)&person->review_ids, &person->n_review_ids, review->id, work->arena);
                work_person_touch(work, person);
        }
        return r;
}

static int persons_forget(FoldWork *work, const Review *review) {
        for (size_t i = 0; i < review->n_patient_ids; i++) {
                Person *person;
                int r;

                r = work_person(work, review->patient_ids[i], &person);
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
                for (size_t j = 0; j < person->n_review_ids; j++)
                        if (strcmp(person->review_ids[j], review->id) == 0) {
                                memmove(&person->review_ids[j], &person->review_ids[j + 1],
                                        (person->n_review_ids - j - 1) * sizeof(*person->review_ids));
                                person->n_review_ids--;
                                break;
                        }
                work_person_touch(work, person);
        }
        return 0;
}

/* Who answers for somebody whom a review names. */
static int answering_of(FoldWork *work, const char *patient_id, Person **ret) {
        Person *person;
        int r;

        r = work_person(work, patient_id, &person);
        r = r ?: identify_answering(work, person, ret);
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

static int review_names(FoldWork *work, const Review *review, const char *patient_id, bool *ret) {
        Person *wanted, *named;
        int r;

        *ret = false;
        r = answering_of(work, patient_id, &wanted);
        for (size_t i = 0; r == 0 && i < review->n_patient_ids && !*ret; i++) {
                r = answering_of(work, review->patient_ids[i], &named);
                *ret = r == 0 && named == wanted;
        }
        return r;
}

/* Open ones of all who are one with a person: each once. */
static int reviews_of(FoldWork *work, const Person *person, Review ***ret, size_t *ret_n) {
        Person **members;
        size_t n_members;
        int r;

        *ret = NULL;
        *ret_n = 0;
        r = identify_members(work, person, &members, &n_members);
        for (size_t i = 0; r == 0 && i < n_members; i++)
                for (size_t j = 0; r == 0 && j < members[i]->n_review_ids; j++) {
                        Review *review;
                        bool known = false;

                        for (size_t k = 0; k < *ret_n && !known; k++)
                                known = strcmp((*ret)[k]->id, members[i]->review_ids[j]) == 0;
                        if (known)
                                continue;
                        r = review_get(work, members[i]->review_ids[j], &review);
                        r = r ?: list_append((void ***)ret, ret_n, review, work->arena);
                }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

/* One that is open and asks the same. */
static int review_find(FoldWork *work, const ReviewNew *wanted, Review **ret) {
        Review **reviews;
        Person *person;
        size_t n;
        int r;

        *ret = NULL;
        r = answering_of(work, wanted->patient_ids[0], &person);
        r = r ?: reviews_of(work, person, &reviews, &n);
        for (size_t i = 0; r == 0 && i < n && !*ret; i++) {
                bool named = true;

                if (reviews[i]->kind != wanted->kind)
                        continue;
                if (wanted->n_patient_ids > 1)
                        r = review_names(work, reviews[i], wanted->patient_ids[1], &named);
                if (r == 0 && named)
                        *ret = reviews[i];
        }
        return r;
}

static int evidence_set(FoldWork *work, Review *review, const MatchResult *result) {
        review->n_evidence = 0;
        review->evidence = NULL;
        if (!result)
                return 0;
        review->has_score_thousandths = 1;
        review->score_thousandths = result->score;
        for (size_t i = 0; i < result->n_evidence; i++) {
                Carebus__V1__MatchEvidence *evidence = message_shallow_copy(&result->evidence[i].base, work->arena);

                if (!evidence ||
                    list_append((void ***)&review->evidence, &review->n_evidence, evidence, work->arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int events_take(FoldWork *work, Review *review, char *const *event_ids, size_t n, bool *changed) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < n && review->n_event_ids < EVENTS_MAX; i++) {
                if (texts_have(review->event_ids, review->n_event_ids, event_ids[i]))
                        continue;
                *changed = true;
                r = list_append((void ***)&review->event_ids, &review->n_event_ids, event_ids[i], work->arena);
        }
        return r;
}

/* Only those that are among these go on waiting. Did any not? */
static bool events_keep(Review *review, char *const *event_ids, size_t n) {
        size_t n_kept = 0;
        bool changed;

        for (size_t i = 0; i < review->n_event_ids; i++)
                if (texts_have(event_ids, n, review->event_ids[i]))
                        review->event_ids[n_kept++] = review->event_ids[i];
        changed = n_kept != review->n_event_ids;
        review->n_event_ids = n_kept;
        return changed;
}

/* It alarms, so many minutes after it became urgent. */
static int urge(FoldWork *work, Review *review, bool *changed) {
        if (text_equal(review->class_, "urgent"))
                return 0;
        *changed = true;
        review->class_ = (char *)"urgent";
        review->has_due_at = 1;
        review->due_at = work->received_at + match_urgent_after(work->fold->rules);
        return due_add(work, review->due_at, DUE_REVIEW, review->id);
}

/* The bus says that it opened, closed, or is overdue. */
static int review_publish(FoldWork *work, const Said *said, const char *type, const Review *review, char **ret_id) {
        Carebus__V1__Event *event = work_event(work, type);
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, work->arena);
        int r;

        if (!event || !notice)
                return -ENOMEM;
        notice->code = review->reason;
        notice->source = review->source;
        notice->event_ids = review->event_ids;
        notice->n_event_ids = review->n_event_ids;
        notice->patient_ids = review->patient_ids;
        notice->n_patient_ids = review->n_patient_ids;
        notice->review_id = review->id;
        notice->has_score_thousandths = review->has_score_thousandths;
        notice->score_thousandths = review->score_thousandths;
        notice->class_ = review->class_;
        notice->resolution = text_equal(review->state, REVIEW_OPEN) ? NULL : review->state;
        notice->who = review->who && review->who_says
                              ? arena_format(work->arena, "%s (%s)", review->who_says, review->who)
                              : review->who ?: review->who_says;
        notice->why = review->why;
        notice->has_since_at = 1;
        notice->since_at = review->opened_at;
        event->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event->notice = notice;
        r = work_derive(work, event, review->patient_ids[0], said, ret_id);
        for (size_t i = 1; r == 0 && i < review->n_patient_ids; i++)
                r = work_index_patient(work, review->patient_ids[i],
                                       work->n_events + (uint32_t)work->outcome.n_derived - 1);
        return r;
}

/* More persons, more events, better evidence for what waits already. */
static int review_take_in(FoldWork *work, Review *review, const ReviewNew *added) {
        bool changed = false;
        int r;

        /* What may be of either is told anew each time. */
        if (review->kind == CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE)
                changed = events_keep(review, added->event_ids, added->n_event_ids);
        r = events_take(work, review, added->event_ids, added->n_event_ids, &changed);
        for (size_t i = 0; r == 0 && i < added->n_patient_ids && review->n_patient_ids < PERSONS_MAX; i++) {
                bool named;

                r = review_names(work, review, added->patient_ids[i], &named);
                if (r || named)
                        continue;
                changed = true;
                r = list_append((void ***)&review->patient_ids, &review->n_patient_ids, (void *)added->patient_ids[i],
                                work->arena);
        }
        if (r == 0 && added->result &&
            (!review->has_score_thousandths || review->score_thousandths != added->result->score)) {
                changed = true;
                r = evidence_set(work, review, added->result);
        }
        if (r == 0 && added->urgent)
                r = urge(work, review, &changed);
        if (r || !changed)
                return r;
        r = persons_note(work, review);
        return r ?: review_put(work, review);
}

/* Plans, decisions and deaths that stand already with somebody. */
typedef struct Waiting {
        Arena *arena;
        char **event_ids;
        size_t n_event_ids;
} Waiting;

static int waiting_seen(Bytes key, Bytes value, void *owner) {
        Waiting *waiting = owner;
        size_t n_id = strnlen((const char *)key.data, key.size) + 1;
        Carebus__V1__StoredSection *section;
        char *name;
        int r;

        name = arena_text(waiting->arena, key.data + n_id, strcspn((const char *)key.data + n_id, "/"));
        if (!name)
                return -ENOMEM;
        if (!held_kind_of_section(name))
                return 0;
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, waiting->arena,
                           (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++)
                if (section->facts[i]->fact->event_id &&
                    !text_equal(section->facts[i]->fact->status, "entered-in-error"))
                        r = list_append((void ***)&waiting->event_ids, &waiting->n_event_ids,
                                        section->facts[i]->fact->event_id, waiting->arena);
        return r;
}

/* What who waits has said of them waits with them. */
static int waiting_take(FoldWork *work, Review *review) {
        Waiting waiting = { .arena = work->arena };
        Person *first, **members;
        bool changed;
        size_t n;
        int r;

        r = answering_of(work, review->patient_ids[0], &first);
        r = r ?: identify_members(work, first, &members, &n);
        r = r ?: work_store_through(work);
        for (size_t i = 0; r == 0 && i < n; i++) {
                StateKey prefix = state_key_section(members[i]->patient_id, NULL);

                r = state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), waiting_seen,
                               &waiting);
        }
        r = r ?: events_take(work, review, waiting.event_ids, waiting.n_event_ids, &changed);
        return r || waiting.n_event_ids == 0 ? r : urge(work, review, &changed);
}

int review_open(FoldWork *work, const Said *said, const ReviewNew *wanted, char **ret_id) {
        Review *review = message_new(&carebus__v1__review__descriptor, work->arena), *open;
        bool changed, room;
        char *event_id;
        int r;

        r = review_find(work, wanted, &open);
        if (r)
                return r;
        if (open) {
                *ret_id = open->id;
                return review_take_in(work, open, wanted);
        }
        *ret_id = NULL;
        if (!review)
                return -ENOMEM;
        review->id = id_text("r", work->seq, work->n_events + (uint32_t)work->outcome.n_derived, work->arena);
        review->has_kind = 1;
        review->kind = wanted->kind;
        review->class_ = (char *)"normal";
        review->reason = (char *)wanted->reason;
        review->source = (char *)work->source;
        review->has_opened_at = 1;
        review->opened_at = work->received_at;
        review->state = (char *)REVIEW_OPEN;
        for (size_t i = 0; r == 0 && i < wanted->n_patient_ids; i++)
                if (!texts_have(review->patient_ids, review->n_patient_ids, wanted->patient_ids[i]))
                        r = list_append((void ***)&review->patient_ids, &review->n_patient_ids,
                                        (void *)wanted->patient_ids[i], work->arena);
        r = r ?: events_take(work, review, wanted->event_ids, wanted->n_event_ids, &changed);
        r = r ?: evidence_set(work, review, wanted->result);
        if (r == 0 && wanted->urgent)
                r = urge(work, review, &changed);
        if (r == 0 && wanted->kind == CAREBUS__V1__REVIEW__KIND__KIND_JOIN)
                r = waiting_take(work, review);
        r = r ?: review_room(work, said, review, &room);
        if (r || !room)
                return r;
        r = review_count(work, review, 1);
        r = r ?: persons_note(work, review);
        r = r ?: review_publish(work, said, "identity.review_opened", review, &event_id);
        *ret_id = review->id;
        return !review->id ? -ENOMEM : r ?: review_put(work, review);
}

int review_end(FoldWork *work, const Said *said, Review *review, const ReviewDecided *decided) {
        StateKey key = state_key_review(review->id);
        char *event_id;
        Bytes open;
        int r;

        if (key.error < 0)
                return key.error;
        /* What somebody decides unasked was never open. */
        r = state_get(work->txn, STATE_REVIEW, state_key_all(&key), &open);
        if (r == 0)
                r = review_count(work, review, -1);
        if (r && r != STATE_E_NOT_FOUND)
                return r;
        if (review->has_due_at && !review->overdue) {
                r = due_remove(work, review->due_at, DUE_REVIEW, review->id);
                if (r)
                        return r;
        }
        review->state = (char *)decided->state;
        review->has_decided_by = decided->by != 0;
        review->decided_by = decided->by;
        review->who = (char *)decided->who;
        review->who_says = (char *)decided->who_says;
        review->why = (char *)decided->why;
        review->has_decided_at = 1;
        review->decided_at = work->received_at;
        r = review_touch(work, review);
        r = r ?: state_delete(work->txn, STATE_REVIEW, state_key_all(&key));
        r = r ?: review_write(work, review, STATE_REVIEWED);
        r = r ?: persons_forget(work, review);
        return r ?: review_publish(work, said, "identity.review_closed", review, &event_id);
}

int review_close(FoldWork *work, const Said *said, const char *review_id, const char *state) {
        ReviewDecided decided = { .state = state };
        Review *review;
        int r;

        r = review_get(work, review_id, &review);
        return r == STATE_E_NOT_FOUND ? 0 : r ?: review_end(work, said, review, &decided);
}

int review_note(FoldWork *work, const Said *said, const Person *person) {
        Review **reviews;
        size_t n;
        int r;

        if (!review_kind_of(said->event))
                return 0;
        r = reviews_of(work, person, &reviews, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                bool changed = false;

                if (reviews[i]->kind == CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE)
                        continue;
                r = events_take(work, reviews[i], &said->event->event_id, 1, &changed);
                r = r ?: urge(work, reviews[i], &changed);
                if (r == 0)
                        r = review_put(work, reviews[i]);
        }
        return r;
}

int review_is_open(FoldWork *work, const Person *person, bool *ret) {
        Person **members;
        Review *review;
        size_t n;
        int r;

        *ret = false;
        r = identify_members(work, person, &members, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                for (size_t j = 0; r == 0 && j < members[i]->n_review_ids && !*ret; j++) {
                        r = review_get(work, members[i]->review_ids[j], &review);
                        *ret = r == 0 && review->kind != CAREBUS__V1__REVIEW__KIND__KIND_AFTER_UNMERGE;
                }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

static int are_one(FoldWork *work, const Review *review, bool *ret) {
        Person *first, *other;
        int r;

        *ret = review->n_patient_ids > 1;
        r = answering_of(work, review->patient_ids[0], &first);
        for (size_t i = 1; r == 0 && i < review->n_patient_ids && *ret; i++) {
                r = answering_of(work, review->patient_ids[i], &other);
                *ret = r == 0 && other == first;
        }
        return r;
}

int review_settle(FoldWork *work, const Said *said, const Person *person) {
        Review **reviews;
        size_t n;
        int r;

        r = reviews_of(work, person, &reviews, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                bool one;

                r = are_one(work, reviews[i], &one);
                if (r == 0 && one)
                        r = review_end(work, said, reviews[i], &(ReviewDecided){ .state = REVIEW_LINKED });
        }
        return r;
}

/* Does anything still speak for it, by what everybody says now? */
static int is_pointless(FoldWork *work, const Review *review, bool *ret) {
        Person *first, *other, **in_a, **in_b;
        const char *reason;
        size_t n_a, n_b;
        int r;

        *ret = review->kind == CAREBUS__V1__REVIEW__KIND__KIND_JOIN;
        r = answering_of(work, review->patient_ids[0], &first);
        r = r ?: identify_members(work, first, &in_a, &n_a);
        for (size_t i = 1; r == 0 && i < review->n_patient_ids && *ret; i++) {
                MatchResult result;

                r = answering_of(work, review->patient_ids[i], &other);
                r = r ?: identify_members(work, other, &in_b, &n_b);
                r = r ?: match_groups(work, in_a, n_a, in_b, n_b, &result);
                *ret = r == 0 && match_decide(work->fold->rules, &result, INT32_MIN, &reason) == MATCH_NONE &&
                       !identify_share_number(in_a, n_a, in_b, n_b);
        }
        return r;
}

int review_look_again(FoldWork *work, const Said *said, const Person *person) {
        Review **reviews;
        size_t n;
        int r;

        r = reviews_of(work, person, &reviews, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                bool pointless;

                r = is_pointless(work, reviews[i], &pointless);
                if (r == 0 && pointless)
                        r = review_end(work, said, reviews[i], &(ReviewDecided){ .state = REVIEW_CLOSED });
        }
        return r;
}

int review_due(FoldWork *work, int64_t due_at) {
        char **ids, *event_id;
        size_t n;
        int r;

        r = due_list(work, due_at, DUE_REVIEW, &ids, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
                Said said = { .event = &event };
                Review *review;

                r = review_get(work, ids[i], &review);
                if (r == STATE_E_NOT_FOUND) {
                        r = 0;
                        continue;
                }
                if (r || review->overdue)
                        continue;
                review->has_overdue = review->overdue = true;
                work->fold->n_overdue++;
                r = review_publish(work, &said, "identity.review_overdue", review, &event_id);
                r = r ?: review_put(work, review);
        }
        return r;
}

uint32_t fold_take_overdue(Fold *fold) {
        const uint32_t n = fold->n_overdue;

        fold->n_overdue = 0;
        return n;
}
