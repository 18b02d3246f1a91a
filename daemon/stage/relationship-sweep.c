/* Settings by which relationships are others: who is gone through, and when. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/stage/conflict-parts.h"
#include "daemon/stage/due.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/relationship.h"

/* Persons of one tick. */
#define SWEEP_PERSONS 256

static int mark_put(FoldWork *work, const SharingRulesMark *mark) {
        StateKey key = state_key_meta(RECORD_META_SHARING_RULES);
        uint8_t value[3 * sizeof(uint64_t)];

        store_le64(value, mark->seq);
        store_le64(value + 8, (uint64_t)mark->at);
        store_le64(value + 16, mark->swept);
        return state_put(work->txn, STATE_META, state_key_all(&key), bytes_of(value, sizeof(value)));
}

typedef struct Sweep {
        Arena *arena;
        const char *after;
        char **ids;
        size_t n;
} Sweep;

static int person_seen(Bytes key, Bytes value, void *owner) {
        Sweep *sweep = owner;
        char *id;

        (void)value;
        if (sweep->n == SWEEP_PERSONS)
                return 1;
        id = arena_text(sweep->arena, key.data, strnlen((const char *)key.data, key.size));
        if (!id)
                return -ENOMEM;
        return strcmp(id, sweep->after) == 0 ? 0 : list_append((void ***)&sweep->ids, &sweep->n, id, sweep->arena);
}

/* Those behind one. 1: there may be more. */
static int persons_next(FoldWork *work, Sweep *sweep) {
        StateKey from = state_key_person(sweep->after);

        if (from.error < 0)
                return from.error;
        return state_walk(work->txn, STATE_PERSON, BYTES_NULL, sweep->after[0] ? state_key_all(&from) : BYTES_NULL,
                          person_seen, sweep);
}

int relationship_sweep_begin(FoldWork *work, const SharingRulesMark *mark) {
        Sweep sweep = { .arena = work->arena, .after = "" };
        SharingRulesMark now = *mark;
        int r;

        /* What earlier entries of this transaction brought is walked. */
        r = work_store_through(work);
        if (r == 0)
                r = persons_next(work, &sweep);
        if (r < 0)
                return r;
        if (sweep.n == 0)
                now.swept = now.seq;
        else
                r = due_add(work, work->received_at, DUE_SWEEP, "");
        return r < 0 ? r : mark_put(work, &now);
}

static int sweep_from(FoldWork *work, const char *after) {
        Sweep sweep = { .arena = work->arena, .after = after };
        const Said said = said_by_nobody();
        SharingRulesMark mark;
        int more, r = 0;

        more = persons_next(work, &sweep);
        if (more < 0)
                return more;
        for (size_t i = 0; r == 0 && i < sweep.n; i++) {
                Carebus__V1__StoredSharing *sharing;

                r = sharing_get(work, sweep.ids[i], &sharing);
                r = r ?: relationship_look_later(work, sweep.ids[i], &said);
        }
        if (r || more)
                return r ?: due_add(work, work->received_at, DUE_SWEEP, sweep.ids[sweep.n - 1]);
        r = sharing_rules_mark(work->txn, &mark);
        mark.swept = mark.seq;
        return r ?: mark_put(work, &mark);
}

int relationship_sweep(FoldWork *work, int64_t due_at) {
        size_t n_ids;
        char **ids;
        int r;

        r = work_store_through(work);
        r = r ?: due_list(work, due_at, DUE_SWEEP, &ids, &n_ids);
        for (size_t i = 0; r == 0 && i < n_ids; i++)
                r = sweep_from(work, ids[i]);
        return r;
}
