/*
 * Who is followed: for each event of somebody who is not, a look at who has a relationship through it.
 */
#include "daemon/stage/scope.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/belongs.h"
#include "daemon/stage/scope-parts.h"
#include "daemon/store/state-keys.h"

typedef Carebus__V1__Person Person;

bool scope_is_everybody(const Fold *fold) {
        const Carebus__V1__SharingSettings *sharing = fold->settings ? fold->settings->sharing : NULL;

        return !sharing || (sharing->has_people_all && sharing->people_all);
}

/* Members of the group, and whoever holds facts of theirs. */
static int group_of(FoldWork *work, const Person *person, Person ***ret, size_t *ret_n) {
        Person *answering, **members, **all;
        size_t n_members, n_homes, n;
        char **homes;
        int r;

        r = identify_answering(work, person, &answering);
        r = r ?: identify_members(work, answering, &members, &n_members);
        r = r ?: homes_of_moves(members, n_members, work->arena, &homes, &n_homes);
        if (r)
                return r;
        all = arena_alloc(work->arena, (n_members + n_homes) * sizeof(*all));
        if (!all)
                return -ENOMEM;
        for (n = 0; n < n_members; n++)
                all[n] = members[n];
        for (size_t i = 0; r == 0 && i < n_homes; i++)
                r = work_person(work, homes[i], &all[n++]);
        *ret = all;
        *ret_n = n;
        return r;
}

static bool any_followed(Person *const *group, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (group[i]->followed)
                        return true;
        return false;
}

/* The flags first, so that nothing that is read again is set aside again. */
static int group_follow(FoldWork *work, Person *const *group, size_t n) {
        Person **anew = arena_alloc(work->arena, n * sizeof(*anew));
        size_t n_anew = 0;

        if (!anew)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                if (group[i]->followed)
                        continue;
                group[i]->has_followed = group[i]->followed = true;
                work_person_touch(work, group[i]);
                anew[n_anew++] = group[i];
        }
        return aside_use(work, anew, n_anew);
}

int scope_enter(FoldWork *work, const Said *said, Home *home, bool *ret_aside) {
        Person *person, **group;
        size_t n;
        bool outside = false;
        int r;

        *ret_aside = false;
        if (scope_is_everybody(work->fold))
                return 0;
        r = home_person(work, home, &person);
        if (r || person->followed)
                return r;
        r = group_of(work, person, &group, &n);
        if (r == 0 && !any_followed(group, n))
                r = outside_look(work, said, group, n, &outside);
        else
                outside = true;
        if (r)
                return r;
        if (outside)
                return group_follow(work, group, n);
        *ret_aside = true;
        return aside_keep(work, person->patient_id, said->stamp.index);
}

int scope_follow(FoldWork *work, const Person *person) {
        Person **group;
        size_t n;
        int r;

        if (scope_is_everybody(work->fold) || person->followed)
                return 0;
        r = group_of(work, person, &group, &n);
        return r ?: group_follow(work, group, n);
}

/* The first of all who have something set aside. */
static int first_aside(Bytes key, Bytes value, void *owner) {
        char **first = owner;

        (void)value;
        *first = strndup((const char *)key.data, key.size);
        return *first ? 1 : -ENOMEM;
}

int scope_settings(FoldWork *work) {
        int r = 0;

        while (r == 0 && scope_is_everybody(work->fold)) {
                _cleanup_(freep) char *first = NULL;
                Person *person, **group;
                size_t n;

                r = state_walk(work->txn, STATE_ASIDE, BYTES_NULL, BYTES_NULL, first_aside, &first);
                if (r <= 0)
                        break;
                r = work_person(work, first, &person);
                r = r ?: group_of(work, person, &group, &n);
                r = r ?: group_follow(work, group, n);
        }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}

int scope_end(FoldWork *work) {
        int r = 0;

        if (scope_is_everybody(work->fold))
                return 0;
        /* The list grows while it is walked: who is followed is touched. */
        for (size_t i = 0; r == 0 && i < work->touched.n; i++) {
                Person *person, **group;
                size_t n, n_followed = 0;

                r = work_person(work, work->touched.items[i], &person);
                r = r ?: group_of(work, person, &group, &n);
                for (size_t j = 0; r == 0 && j < n; j++)
                        n_followed += group[j]->followed != 0;
                if (r == 0 && n_followed > 0 && n_followed < n)
                        r = group_follow(work, group, n);
        }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}
