#include "daemon/stage/due.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/stage/relationship.h"
#include "daemon/stage/review.h"
#include "daemon/stage/silence.h"
#include "daemon/store/state-keys.h"

/* One that is waited for, as its key says it. */
typedef struct Due {
        int64_t due_at;
        char *kind, *id;
} Due;

typedef struct DueWalk {
        Arena *arena;
        int64_t due_at;   /* up to here */
        const char *kind; /* NULL: every one */
        Due **items;
        size_t n_items;
} DueWalk;

static int64_t key_due_at(Bytes key) {
        return (int64_t)(load_be64(key.data) ^ UINT64_C(1) << 63);
}

/* The text in front of a zero byte; what is behind it stays in `rest`. NULL where there is none, or no room. */
static char *key_text(Bytes *rest, Arena *arena) {
        const uint8_t *end = rest->size ? memchr(rest->data, '\0', rest->size) : NULL;
        char *text = end ? arena_text(arena, rest->data, (size_t)(end - rest->data)) : NULL;

        if (text)
                *rest = bytes_of(end + 1, rest->size - (size_t)(end + 1 - rest->data));
        return text;
}

static int due_seen(Bytes key, Bytes value, void *owner) {
        DueWalk *walk = owner;
        Bytes rest;
        Due *due;

        if (key.size < sizeof(uint64_t))
                return -EBADMSG;
        if (key_due_at(key) > walk->due_at)
                return 1;
        due = arena_alloc(walk->arena, sizeof(*due));
        if (!due)
                return -ENOMEM;
        rest = bytes_of(key.data + sizeof(uint64_t), key.size - sizeof(uint64_t));
        due->due_at = key_due_at(key);
        due->kind = key_text(&rest, walk->arena);
        due->id = key_text(&rest, walk->arena);
        if (!due->kind || !due->id)
                return -EBADMSG;
        if (walk->kind && strcmp(due->kind, walk->kind) != 0)
                return 0;
        return list_append((void ***)&walk->items, &walk->n_items, due, walk->arena);
}

static int due_walk(FoldWork *work, DueWalk *walk) {
        int r = state_walk(work->txn, STATE_DUE, BYTES_NULL, BYTES_NULL, due_seen, walk);

        return r == 1 ? 0 : r;
}

int due_add(FoldWork *work, int64_t due_at, const char *kind, const char *id) {
        /* 0 and what is before it means that nothing waits (CoreFacts.next_due). */
        StateKey key = state_key_due(MAX(due_at, INT64_C(1)), kind, id);

        return key.error < 0 ? key.error : state_put(work->txn, STATE_DUE, state_key_all(&key), BYTES_NULL);
}

int due_remove(FoldWork *work, int64_t due_at, const char *kind, const char *id) {
        StateKey key = state_key_due(MAX(due_at, INT64_C(1)), kind, id);

        return key.error < 0 ? key.error : state_delete(work->txn, STATE_DUE, state_key_all(&key));
}

int due_list(FoldWork *work, int64_t due_at, const char *kind, char ***ret_ids, size_t *ret_n) {
        DueWalk walk = { .arena = work->arena, .due_at = due_at, .kind = kind };
        char **ids = NULL;
        size_t n = 0;
        int r;

        r = due_walk(work, &walk);
        for (size_t i = 0; r == 0 && i < walk.n_items; i++)
                if (n == 0 || strcmp(ids[n - 1], walk.items[i]->id) != 0)
                        r = list_append((void ***)&ids, &n, walk.items[i]->id, work->arena);
        if (r)
                return r;
        *ret_ids = ids;
        *ret_n = n;
        return 0;
}

int due_apply(FoldWork *work, int64_t due_at) {
        static const struct {
                const char *kind;
                int (*due)(FoldWork *work, int64_t due_at);
        } kinds[] = {
                { DUE_REVIEW, review_due },        { DUE_DECISION, decision_due }, { DUE_SHARING, relationship_due },
                { DUE_SWEEP, relationship_sweep }, { DUE_SILENCE, silence_due },
        };
        DueWalk walk = { .arena = work->arena, .due_at = due_at };
        int r;

        r = due_walk(work, &walk);
        for (size_t k = 0; r == 0 && k < ELEMENTSOF(kinds); k++)
                for (size_t i = 0; i < walk.n_items; i++)
                        if (strcmp(walk.items[i]->kind, kinds[k].kind) == 0) {
                                r = kinds[k].due(work, due_at);
                                break;
                        }
        for (size_t i = 0; r == 0 && i < walk.n_items; i++)
                r = due_remove(work, walk.items[i]->due_at, walk.items[i]->kind, walk.items[i]->id);
        return r;
}

static int first_seen(Bytes key, Bytes value, void *owner) {
        int64_t *due_at = owner;

        if (key.size < sizeof(uint64_t))
                return -EBADMSG;
        *due_at = key_due_at(key);
        return 1;
}

int fold_next_due(StateTxn *txn, int64_t *ret) {
        int64_t due_at = 0;
        int r;

        r = state_walk(txn, STATE_DUE, BYTES_NULL, BYTES_NULL, first_seen, &due_at);
        if (r < 0 || r == STATE_E_NO_SPACE)
                return r;
        *ret = due_at;
        return 0;
}
