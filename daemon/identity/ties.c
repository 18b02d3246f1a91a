#include "daemon/identity/ties.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/identity/evidence.h"

#define NOBODY ((size_t)-1)

Carebus__V1__Tie *tie_find(const Carebus__V1__Person *person, const char *patient_id, Carebus__V1__Tie__Kind kind) {
        for (size_t i = 0; i < person->n_ties; i++)
                if (person->ties[i]->kind == kind && strcmp(person->ties[i]->patient_id, patient_id) == 0)
                        return person->ties[i];
        return NULL;
}

typedef Carebus__V1__Person Person;
typedef Carebus__V1__Tie Tie;

#define KIND(name) CAREBUS__V1__TIE__KIND__KIND_##name

/* Two who are to be one. Of a merge `a` is retired by `b`; else `a` is the elder. */
typedef struct Joint {
        size_t a;
        size_t b;
        Tie *tie; /* as `a` has it */
        Tie *back;
} Joint;

/* What people decided comes first: two verified numbers may be one by them alone. Then what sources say, merges before links; then what the
 * bus itself thinks. */
static int rank_of(Carebus__V1__Tie__Kind kind) {
        return kind == KIND(DECISION) ? 0 : kind == KIND(MERGE) ? 1 : kind == KIND(LINK) ? 2 : 3;
}

static bool is_said_by_source(Carebus__V1__Tie__Kind kind) {
        return kind == KIND(MERGE) || kind == KIND(LINK);
}

static size_t person_index(Person *const *persons, size_t n_persons, const char *patient_id) {
        for (size_t i = 0; i < n_persons; i++)
                if (strcmp(persons[i]->patient_id, patient_id) == 0)
                        return i;
        return NOBODY;
}

static int stamp_order(const Carebus__V1__Stamp *a, const Carebus__V1__Stamp *b) {
        if (a->said_at != b->said_at)
                return a->said_at < b->said_at ? -1 : 1;
        if (a->sent_at != b->sent_at)
                return a->sent_at < b->sent_at ? -1 : 1;
        if (a->seq != b->seq)
                return a->seq < b->seq ? -1 : 1;
        return a->index == b->index ? 0 : a->index < b->index ? -1 : 1;
}

static int size_order(size_t a, size_t b) {
        return a == b ? 0 : a < b ? -1 : 1;
}

/* In the order in which they were said; of the same message in order of the persons. */
static int joint_order(const void *x, const void *y) {
        const Joint *a = x, *b = y;
        int order = rank_of(a->tie->kind) - rank_of(b->tie->kind);

        order = order ?: stamp_order(a->tie->stamp, b->tie->stamp);
        order = order ?: size_order(a->a, b->a) ?: size_order(a->b, b->b);
        return order ?: (int)a->tie->kind - (int)b->tie->kind;
}

/* Groups of persons who are one: a member leads to the next nearer to the head, and the head knows who answers. */
typedef struct Groups {
        Person *const *persons;
        size_t n_persons;
        size_t *towards;
        size_t *answers; /* of heads */
        Joint *joints, *aparts;
        size_t n_joints, n_aparts;
} Groups;

static size_t head_of(Groups *groups, size_t i) {
        while (groups->towards[i] != i) {
                groups->towards[i] = groups->towards[groups->towards[i]];
                i = groups->towards[i];
        }
        return i;
}

/* Whoever answers for the survivor answers for both. Said of two who are one already, it makes the survivor answer, if it is the one who
 * answered that it retires. Of two who only are one, the older goes on. */
static void groups_join(Groups *groups, const Joint *joint) {
        size_t into = head_of(groups, joint->b), from = head_of(groups, joint->a);
        bool merge = joint->tie->kind == KIND(MERGE);

        if (into == from) {
                if (merge && groups->answers[into] == joint->a)
                        groups->answers[into] = joint->b;
                return;
        }
        if (!merge)
                groups->answers[into] = MIN(groups->answers[into], groups->answers[from]);
        groups->towards[from] = into;
}

/* ---- what forbids it ------------------------------------------------------------------------------------------------------- */

const Carebus__V1__PersonIdentifier *ties_verified(const Person *person, size_t *i) {
        for (; *i < person->n_identifiers; (*i)++) {
                const Carebus__V1__PersonIdentifier *kept = person->identifiers[*i];

                if (kept->n_sources > 0 && identifier_use(kept->identifier) == IDENTIFIER_NATIONAL &&
                    identifier_is_verified(kept->identifier))
                        return kept;
        }
        return NULL;
}

/* Has the group a verified number of that system, and is this one among them? */
static void group_look(Person *const *group, size_t n_group, const Carebus__V1__Identifier *number, bool *ret_any,
                       bool *ret_same) {
        *ret_any = *ret_same = false;
        for (size_t i = 0; i < n_group; i++) {
                size_t at = 0;

                for (const Carebus__V1__PersonIdentifier *kept; (kept = ties_verified(group[i], &at)); at++) {
                        *ret_any = *ret_any || text_equal(kept->identifier->system, number->system);
                        *ret_same = *ret_same || identifier_same(kept->identifier, number);
                }
        }
}

bool ties_numbers_forbid(Person *const *a, size_t n_a, Person *const *b, size_t n_b) {
        bool contradicted = false;

        for (size_t i = 0; i < n_a; i++) {
                size_t at = 0;

                for (const Carebus__V1__PersonIdentifier *kept; (kept = ties_verified(a[i], &at)); at++) {
                        bool any, same;

                        group_look(b, n_b, kept->identifier, &any, &same);
                        if (same)
                                return false;
                        contradicted = contradicted || any;
                }
        }
        return contradicted;
}

/* Would the two groups, as one, hold two persons of whom somebody decided that they are two? */
static bool are_kept_apart(Groups *groups, size_t head_a, size_t head_b) {
        for (size_t i = 0; i < groups->n_aparts; i++) {
                size_t x = head_of(groups, groups->aparts[i].a), y = head_of(groups, groups->aparts[i].b);

                if ((x == head_a && y == head_b) || (x == head_b && y == head_a))
                        return true;
        }
        return false;
}

static size_t group_gather(Groups *groups, size_t head, Person **ret) {
        size_t n = 0;

        for (size_t i = 0; i < groups->n_persons; i++)
                if (head_of(groups, i) == head)
                        ret[n++] = groups->persons[i];
        return n;
}

/* Why the two may not be one; NULL: they may. `room` holds all persons, twice. */
static const char *dispute_of(Groups *groups, const Joint *joint, Person **room) {
        size_t a = head_of(groups, joint->a), b = head_of(groups, joint->b), n_a, n_b;
        Person **in_b;

        if (a == b)
                return NULL;
        n_a = group_gather(groups, a, room);
        in_b = room + n_a;
        n_b = group_gather(groups, b, in_b);
        if (n_a + n_b > TIES_PERSONS_MAX)
                return TIES_DISPUTE_TOO_MANY;
        if (joint->tie->kind != KIND(DECISION) && ties_numbers_forbid(room, n_a, in_b, n_b))
                return TIES_DISPUTE_NUMBERS;
        return are_kept_apart(groups, a, b) ? TIES_DISPUTE_APART : NULL;
}

/* What somebody decided to be two, a source's own word may join all the same; but it is told. */
static bool dispute_holds(const char *dispute, Carebus__V1__Tie__Kind kind) {
        return dispute && !(is_said_by_source(kind) && strcmp(dispute, TIES_DISPUTE_APART) == 0);
}

bool tie_counts(const Tie *tie) {
        return !tie->undone && !tie->suspended && tie->kind != KIND(APART) && !dispute_holds(tie->dispute, tie->kind);
}

/* ---- all together ---------------------------------------------------------------------------------------------------------- */

static void joint_gather(Groups *groups, size_t i, Tie *tie) {
        size_t other = person_index(groups->persons, groups->n_persons, tie->patient_id);
        bool directed = tie->kind == KIND(MERGE);
        Joint joint = { .a = i, .b = other, .tie = tie };

        tie->dispute = NULL;
        if (other == NOBODY || tie->undone || tie->suspended || (directed ? !tie->retires : i >= other))
                return;
        joint.back = tie_find(groups->persons[other], groups->persons[i]->patient_id, tie->kind);
        if (tie->kind == KIND(APART))
                groups->aparts[groups->n_aparts++] = joint;
        else
                groups->joints[groups->n_joints++] = joint;
}

int ties_settle(Person *const *persons, size_t n_persons, Arena *arena, size_t *ret_answers) {
        Groups groups = { .persons = persons, .n_persons = n_persons };
        Person **room = arena_alloc(arena, 2 * n_persons * sizeof(*room));
        size_t n_ties = 0;

        for (size_t i = 0; i < n_persons; i++)
                n_ties += persons[i]->n_ties;
        groups.towards = arena_alloc(arena, n_persons * sizeof(size_t));
        groups.answers = arena_alloc(arena, n_persons * sizeof(size_t));
        groups.joints = arena_alloc(arena, (n_ties + 1) * sizeof(Joint));
        groups.aparts = arena_alloc(arena, (n_ties + 1) * sizeof(Joint));
        if (!groups.towards || !groups.answers || !groups.joints || !groups.aparts || !room)
                return -ENOMEM;
        for (size_t i = 0; i < n_persons; i++)
                groups.towards[i] = groups.answers[i] = i;
        for (size_t i = 0; i < n_persons; i++)
                for (size_t j = 0; j < persons[i]->n_ties; j++)
                        joint_gather(&groups, i, persons[i]->ties[j]);
        qsort(groups.joints, groups.n_joints, sizeof(Joint), joint_order);
        for (size_t i = 0; i < groups.n_joints; i++) {
                Joint *joint = &groups.joints[i];

                joint->tie->dispute = (char *)dispute_of(&groups, joint, room);
                if (!dispute_holds(joint->tie->dispute, joint->tie->kind))
                        groups_join(&groups, joint);
        }
        /* Only now: gathering the other side has emptied it. */
        for (size_t i = 0; i < groups.n_joints; i++)
                if (groups.joints[i].back)
                        groups.joints[i].back->dispute = groups.joints[i].tie->dispute;
        for (size_t i = 0; i < n_persons; i++)
                ret_answers[i] = groups.answers[head_of(&groups, i)];
        return 0;
}
