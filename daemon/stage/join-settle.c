/* Who is one with whom after something was said, and who answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/ties.h"
#include "daemon/record/keys.h"
#include "daemon/stage/conflict.h"
#include "daemon/stage/correction.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/join-parts.h"
#include "daemon/stage/moves.h"
#include "daemon/stage/relationship.h"
#include "daemon/stage/review.h"

/* Statements about one tie that are kept, the newest. */
#define TIE_SAID_MAX 64
/* Persons that ties and moves lead to, those taken back included: twice as many as may be one. */
#define CIRCLE_MAX (2 * (size_t)TIES_PERSONS_MAX)

static int circle_add(FoldWork *work, Circle *circle, const char *patient_id) {
        Person *person;
        int r;

        r = work_person(work, patient_id, &person);
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        for (size_t i = 0; i < circle->n_persons; i++)
                if (circle->persons[i] == person)
                        return 0;
        return list_append((void ***)&circle->persons, &circle->n_persons, person, work->arena);
}

static int person_order(const void *a, const void *b) {
        return id_compare((*(Person *const *)a)->patient_id, (*(Person *const *)b)->patient_id);
}

static int circle_follow(FoldWork *work, Circle *circle, const Person *person) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < person->n_ties; i++)
                r = circle_add(work, circle, person->ties[i]->patient_id);
        for (size_t i = 0; r == 0 && i < person->n_said_moves; i++)
                r = circle_add(work, circle, person->said_moves[i]->patient_id);
        return r;
}

static bool leads_to(const Person *a, const Person *b) {
        for (size_t i = 0; i < a->n_ties; i++)
                if (strcmp(a->ties[i]->patient_id, b->patient_id) == 0)
                        return true;
        for (size_t i = 0; i < a->n_said_moves; i++)
                if (strcmp(a->said_moves[i]->patient_id, b->patient_id) == 0)
                        return true;
        return false;
}

int join_has_room(FoldWork *work, const Person *a, const Person *b, bool *ret) {
        Circle circle = {};
        int r = 0;

        *ret = a == b || leads_to(a, b);
        if (*ret)
                return 0;
        r = circle_add(work, &circle, a->patient_id);
        r = r ?: circle_add(work, &circle, b->patient_id);
        for (size_t i = 0; r == 0 && i < circle.n_persons && circle.n_persons <= CIRCLE_MAX; i++)
                r = circle_follow(work, &circle, circle.persons[i]);
        *ret = r == 0 && circle.n_persons <= CIRCLE_MAX;
        return r;
}

/* As everything was, to be compared. */
static int circle_remember(FoldWork *work, Circle *circle) {
        Arena *arena = work->arena;

        circle->before = arena_alloc(arena, circle->n_persons * sizeof(*circle->before));
        circle->disputes = arena_alloc(arena, circle->n_persons * sizeof(*circle->disputes));
        circle->after = arena_alloc(arena, circle->n_persons * sizeof(*circle->after));
        if (!circle->before || !circle->disputes || !circle->after)
                return -ENOMEM;
        for (size_t i = 0; i < circle->n_persons; i++) {
                const Person *person = circle->persons[i];

                circle->before[i] = message_shallow_copy(&person->base, arena);
                circle->disputes[i] = arena_alloc(arena, (person->n_ties + 1) * sizeof(char *));
                if (!circle->before[i] || !circle->disputes[i])
                        return -ENOMEM;
                for (size_t j = 0; j < person->n_ties; j++)
                        circle->disputes[i][j] = person->ties[j]->dispute;
        }
        return 0;
}

static int circle_gather(FoldWork *work, const Cause *cause, Circle *ret) {
        int r = 0;

        *ret = (Circle){};
        for (size_t i = 0; r == 0 && i < cause->n_seeds; i++)
                r = circle_add(work, ret, cause->seeds[i]->patient_id);
        for (size_t i = 0; r == 0 && i < ret->n_persons; i++)
                r = circle_follow(work, ret, ret->persons[i]);
        if (r)
                return r;
        qsort(ret->persons, ret->n_persons, sizeof(*ret->persons), person_order);
        return circle_remember(work, ret);
}

static void former_sort(Person *person) {
        for (size_t i = 1; i < person->n_former_patient_ids; i++) {
                char *id = person->former_patient_ids[i];
                size_t j = i;

                for (; j > 0 && id_compare(person->former_patient_ids[j - 1], id) > 0; j--)
                        person->former_patient_ids[j] = person->former_patient_ids[j - 1];
                person->former_patient_ids[j] = id;
        }
}

static int circle_settle(FoldWork *work, Circle *circle) {
        size_t *answers = arena_alloc(work->arena, circle->n_persons * sizeof(*answers));
        int r;

        if (!answers)
                return -ENOMEM;
        r = ties_settle(circle->persons, circle->n_persons, work->arena, answers);
        if (r < 0)
                return r;
        for (size_t i = 0; i < circle->n_persons; i++) {
                Person *person = circle->persons[i];

                person->n_former_patient_ids = 0;
                person->former_patient_ids = NULL;
                circle->after[i] = circle->persons[answers[i]]->patient_id;
                person->merged_into = answers[i] == i ? NULL : circle->persons[answers[i]]->patient_id;
                work_person_touch(work, person);
        }
        for (size_t i = 0; i < circle->n_persons; i++) {
                Person *answering = circle->persons[answers[i]];

                if (answers[i] != i &&
                    list_append((void ***)&answering->former_patient_ids, &answering->n_former_patient_ids,
                                circle->persons[i]->patient_id, work->arena) < 0)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < circle->n_persons; i++)
                former_sort(circle->persons[i]);
        return moves_settle(circle->persons, circle->n_persons, answers, work->arena);
}

static bool has_moved_to(const Person *home, const Person *other) {
        for (size_t i = 0; i < home->n_moves; i++)
                if (home->moves[i]->away && strcmp(home->moves[i]->patient_id, other->patient_id) == 0)
                        return true;
        return false;
}

/* Whoever has, or had, what was moved from somebody of whom more or less is moved now. */
static bool circle_concerns(const Circle *circle, size_t i) {
        bool concerns = circle_changed(circle, i);

        for (size_t j = 0; j < circle->n_persons && !concerns; j++)
                concerns = circle_changed(circle, j) && (has_moved_to(circle->before[j], circle->persons[i]) ||
                                                         has_moved_to(circle->persons[j], circle->persons[i]));
        return concerns;
}

/* All who are one are looked at together, once: by the first of them. */
static bool was_looked_at(const Circle *circle, size_t i, const char **seen, size_t *n_seen) {
        for (size_t j = 0; j < *n_seen; j++)
                if (seen[j] == circle->after[i])
                        return true;
        seen[(*n_seen)++] = circle->after[i];
        return false;
}

/* Relationships of who changed, and of who answered for them before: whoever does now is found by them. */
static int circle_look_later(FoldWork *work, const Said *said, const Circle *circle) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < circle->n_persons; i++) {
                if (!circle_changed(circle, i))
                        continue;
                r = relationship_look_later(work, circle->persons[i]->patient_id, said);
                if (r == 0 && circle->before[i]->merged_into)
                        r = relationship_look_later(work, circle->before[i]->merged_into, said);
        }
        return r;
}

int join_settle(FoldWork *work, const Cause *cause) {
        bool changed = false;
        const char **seen;
        size_t n_seen = 0;
        Circle circle;
        int r;

        r = circle_gather(work, cause, &circle);
        seen = r == 0 ? arena_alloc(work->arena, circle.n_persons * sizeof(*seen)) : NULL;
        if (r || !seen)
                return r ?: -ENOMEM;
        r = circle_settle(work, &circle);
        r = r ?: circle_look_later(work, cause->said, &circle);
        r = r ?: join_report(work, cause, &circle, &changed);
        r = r ?: join_disputes(work, cause, &circle);
        for (size_t i = 0; r == 0 && i < circle.n_persons; i++) {
                if (!circle_concerns(&circle, i) && circle.persons[i] != cause->seeds[0])
                        continue;
                if (!circle_changed(&circle, i))
                        r = work_touch_record(work, circle.after[i]);
                if (r || was_looked_at(&circle, i, seen, &n_seen))
                        continue;
                r = conflict_settle(work, cause->said, circle.persons[i], /* deaths_only= */ false);
                r = r ?: review_settle(work, cause->said, circle.persons[i]);
        }
        return r;
}

int join_doubts_again(FoldWork *work, const Said *said, const Person *person) {
        Person *seeds[1];
        Cause cause = { .said = said, .seeds = seeds, .n_seeds = 1, .doubts_only = true };
        Circle circle;
        int r;

        cause.report = message_new(&carebus__v1__merge__descriptor, work->arena);
        if (!cause.report)
                return -ENOMEM;
        r = work_person(work, person->patient_id, &seeds[0]);
        r = r ?: circle_gather(work, &cause, &circle);
        return r ?: join_doubts(work, &cause, &circle);
}

int join_settle_for(FoldWork *work, const Said *said, const char *type, Person *const *seeds, size_t n_seeds,
                    const char *reason) {
        Merge *report = message_new(&carebus__v1__merge__descriptor, work->arena);
        Cause cause = { .said = said, .type = type, .seeds = seeds, .n_seeds = n_seeds, .report = report };

        if (!report)
                return -ENOMEM;
        report->reason = message_new(&carebus__v1__coded__descriptor, work->arena);
        if (!report->reason)
                return -ENOMEM;
        report->reason->code = (char *)reason;
        report->has_scope = 1;
        report->scope = CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON;
        return join_settle(work, &cause);
}

/* ---- what is said of a tie ------------------------------------------------------------------------------------------------- */

/* The last word counts. */
static void tie_take_last(Tie *tie) {
        const Carebus__V1__TieSaid *last = tie->said[tie->n_said - 1];

        tie->has_retires = tie->kind == KIND(MERGE);
        tie->retires = last->retires;
        tie->has_undone = last->undone;
        tie->undone = last->undone;
        tie->event_id = last->event_id;
        tie->source = last->source;
        tie->stamp = last->stamp;
}

static int tie_note(FoldWork *work, const Said *said, Tie *tie, bool retires, bool undone) {
        Carebus__V1__TieSaid *note = message_new(&carebus__v1__tie_said__descriptor, work->arena);
        size_t i = tie->n_said;

        if (!note || list_append((void ***)&tie->said, &tie->n_said, note, work->arena) < 0)
                return -ENOMEM;
        note->event_id = said->event->event_id;
        note->source = (char *)work->source;
        note->has_retires = note->retires = retires;
        note->has_undone = note->undone = undone;
        note->stamp = stamp_make(said->stamp, work->arena);
        if (!note->stamp)
                return -ENOMEM;
        for (; i > 0 && stamp_compare(tie->said[i - 1]->stamp, note->stamp) > 0; i--)
                tie->said[i] = tie->said[i - 1];
        tie->said[i] = note;
        if (tie->n_said > TIE_SAID_MAX) {
                tie->said++;
                tie->n_said--;
        }
        tie_take_last(tie);
        return 0;
}

static int tie_side(FoldWork *work, Person *person, const Person *other, Carebus__V1__Tie__Kind kind, Tie **ret) {
        Tie *tie = tie_find(person, other->patient_id, kind);

        if (!tie) {
                tie = message_new(&carebus__v1__tie__descriptor, work->arena);
                if (!tie || list_append((void ***)&person->ties, &person->n_ties, tie, work->arena) < 0)
                        return -ENOMEM;
                tie->patient_id = other->patient_id;
                tie->has_kind = 1;
                tie->kind = kind;
        }
        work_person_touch(work, person);
        *ret = tie;
        return 0;
}

int tie_say(FoldWork *work, const Said *said, Person *survivor, Person *retired, Carebus__V1__Tie__Kind kind,
            bool undone, Tie **ret) {
        bool merge = kind == KIND(MERGE);
        Tie *tie, *back;
        int r;

        r = tie_side(work, survivor, retired, kind, &tie);
        r = r ?: tie_side(work, retired, survivor, kind, &back);
        if (r == 0 && undone)
                r = correction_of_tie(work, said, survivor, tie);
        r = r ?: tie_note(work, said, tie, /* retires= */ false, undone);
        r = r ?: tie_note(work, said, back, /* retires= */ merge, undone);
        if (r == 0 && ret)
                *ret = tie;
        return r;
}
