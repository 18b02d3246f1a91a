/* A conflict that somebody decided about. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/stage/conflict-parts.h"
#include "daemon/stage/conflict.h"
#include "daemon/stage/identify.h"

static StoredConflict *open_of(const StoredConflicts *conflicts, const char *conflict_id) {
        for (size_t i = 0; i < conflicts->n_conflicts; i++)
                if (!conflicts->conflicts[i]->conflict->has_closed_at &&
                    text_equal(conflicts->conflicts[i]->conflict->id, conflict_id))
                        return conflicts->conflicts[i];
        return NULL;
}

/* Whoever of them has it. *ret_stored NULL: nobody. */
static int conflict_find(FoldWork *work, Person *const *members, size_t n_members, const char *conflict_id,
                         Person **ret_holder, StoredConflicts **ret_conflicts, StoredConflict **ret_stored) {
        *ret_stored = NULL;
        for (size_t i = 0; i < n_members && !*ret_stored; i++) {
                int r = conflicts_get(work, members[i], ret_conflicts);

                if (r)
                        return r;
                *ret_stored = open_of(*ret_conflicts, conflict_id);
                *ret_holder = members[i];
        }
        return 0;
}

static char *name_of(const char *who, const char *who_says, Arena *arena) {
        if (!who_says || !who_says[0])
                return (char *)(who ?: "");
        return who && who[0] ? arena_format(arena, "%s (%s)", who_says, who) : (char *)who_says;
}

int conflict_settle_by_decision(FoldWork *work, const char *patient_id, const char *conflict_id, const char *who,
                                const char *who_says, const char *why) {
        const Said said = said_by_nobody();
        Person *person, *holder, **members;
        StoredConflicts *conflicts;
        StoredConflict *stored;
        size_t n_members;
        int r;

        r = work_person(work, patient_id, &person);
        if (r)
                return r == STATE_E_NOT_FOUND ? CONFLICT_E_NOT_OPEN : r;
        r = identify_members(work, person, &members, &n_members);
        r = r ?: conflict_find(work, members, n_members, conflict_id, &holder, &conflicts, &stored);
        if (r)
                return r;
        if (!stored)
                return CONFLICT_E_NOT_OPEN;
        stored->has_decided = stored->decided = 1;
        stored->conflict->who = name_of(who, who_says, work->arena);
        stored->conflict->why = (char *)why;
        if (!stored->conflict->who)
                return -ENOMEM;
        r = conflict_close(work, &said, members[0]->patient_id, stored, /* closed_by= */ NULL);
        r = r ?: conflicts_keep(work, holder, conflicts);
        return r ?: conflict_close_others(work, stored);
}
