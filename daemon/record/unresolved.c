/* One walk over each table of what is open. */
#include "daemon/record/unresolved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/record/read.h"
#include "daemon/record/relationships.h"

#define ARENA_MAX (64U << 20)
#define BEAT_EVERY 65536 /* sections */

static const struct {
        const char *name, *says;
} kinds[_UNRESOLVED_KIND_MAX] = {
        [UNRESOLVED_QUARANTINE] = { "quarantine", "an item that waits in the quarantine" },
        [UNRESOLVED_PARKED] = { "parked", "a delivery that waits" },
        [UNRESOLVED_REVIEW] = { "review", "a review that waits" },
        [UNRESOLVED_CONFLICT] = { "conflict", "an open conflict" },
        [UNRESOLVED_GLASS] = { "broken-glass", "a broken glass that nobody has looked at" },
};

const char *unresolved_name(UnresolvedKind kind) {
        return kinds[kind].name;
}

const char *unresolved_says(UnresolvedKind kind) {
        return kinds[kind].says;
}

typedef struct Walk {
        StateTxn *txn;
        Arena *arena;
        UnresolvedSeen seen;
        void *owner;
} Walk;

static int item_seen(Bytes key, Bytes value, void *owner) {
        Walk *walk = owner;
        const ArenaMark mark = arena_mark(walk->arena);
        Unresolved one = { .kind = UNRESOLVED_QUARANTINE };
        Carebus__V1__QuarantineItem *item;
        const char *patient_id;
        int r = message_unpack(&carebus__v1__quarantine_item__descriptor, value, walk->arena,
                               (ProtobufCMessage **)&item);

        (void)key;
        if (r < 0)
                return r;
        one.since_at = item->received_at;
        one.seq = item->id;
        one.compared_with = item->has_conflicts_with ? item->conflicts_with : 0;
        if (item->parked) {
                patient_id = item->parked->patient_id;
                one.kind = UNRESOLVED_PARKED;
                one.seq = item->parked->from_seq;
                one.patient_ids = &patient_id;
                one.n_patient_ids = patient_id && patient_id[0];
        }
        r = walk->seen(&one, walk->owner);
        arena_rewind(walk->arena, mark);
        return r;
}

static int review_seen(Bytes key, Bytes value, void *owner) {
        Walk *walk = owner;
        const ArenaMark mark = arena_mark(walk->arena);
        Unresolved one = { .kind = UNRESOLVED_REVIEW };
        Carebus__V1__Review *review;
        int r = message_unpack(&carebus__v1__review__descriptor, value, walk->arena, (ProtobufCMessage **)&review);

        (void)key;
        if (r < 0)
                return r;
        one.since_at = review->opened_at;
        one.patient_ids = (const char *const *)review->patient_ids;
        one.n_patient_ids = review->n_patient_ids;
        one.event_ids = (const char *const *)review->event_ids;
        one.n_event_ids = review->n_event_ids;
        r = walk->seen(&one, walk->owner);
        arena_rewind(walk->arena, mark);
        return r;
}

static int glasses_walk(Walk *walk) {
        Carebus__V1__Grant **grants;
        size_t n_grants = 0;
        int r = grants_read(walk->txn, "break-glass", /* all= */ false, walk->arena, &grants, &n_grants);

        for (size_t i = 0; r == 0 && i < n_grants; i++) {
                const char *patient_id = grants[i]->patient_id;
                const Unresolved one = { .kind = UNRESOLVED_GLASS,
                                         .since_at = grants[i]->at,
                                         .seq = grants[i]->seq,
                                         .patient_ids = &patient_id,
                                         .n_patient_ids = patient_id != NULL };

                r = walk->seen(&one, walk->owner);
        }
        return r;
}

int unresolved_walk(StateTxn *txn, UnresolvedSeen seen, void *owner) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Walk walk = { .txn = txn, .seen = seen, .owner = owner };
        int r = arena_new(&arena, ARENA_MAX);

        walk.arena = arena;
        r = r ?: state_walk(txn, STATE_QUARANTINE, BYTES_NULL, BYTES_NULL, item_seen, &walk);
        r = r ?: state_walk(txn, STATE_REVIEW, BYTES_NULL, BYTES_NULL, review_seen, &walk);
        return r ?: glasses_walk(&walk);
}

/* ---- conflicts ------------------------------------------------------------------------------------------------------------ */

/* Of most sections the name is all that is looked at: behind the id of the person, and its end. */
static bool is_conflicts(Bytes key) {
        const size_t n_id = strnlen((const char *)key.data, key.size) + 1;

        return key.size > 0 && key.data[0] != '~' && key.size == n_id + sizeof(SECTION_CONFLICTS) &&
               memcmp(key.data + n_id, SECTION_CONFLICTS, sizeof(SECTION_CONFLICTS)) == 0;
}

int unresolved_in_section(Bytes key, Bytes value, Arena *arena, UnresolvedSeen seen, void *owner) {
        Carebus__V1__StoredConflicts *stored;
        int r;

        if (!is_conflicts(key))
                return 0;
        r = message_unpack(&carebus__v1__stored_conflicts__descriptor, value, arena, (ProtobufCMessage **)&stored);
        for (size_t i = 0; r == 0 && i < stored->n_conflicts; i++) {
                const Carebus__V1__Conflict *conflict = stored->conflicts[i]->conflict;
                Unresolved one = { .kind = UNRESOLVED_CONFLICT };

                if (!conflict || conflict->has_closed_at)
                        continue;
                one.id = conflict->id;
                one.event_ids = (const char *const *)conflict->event_ids;
                one.n_event_ids = conflict->n_event_ids;
                r = seen(&one, owner);
        }
        return r;
}

/* ---- what of the audit they need ---------------------------------------------------------------------------------------------- */

typedef struct Using {
        StateTxn *txn;
        Arena *arena;
        UnresolvedUsed used;
        void (*beat)(void *owner);
        uint64_t n_sections;
        void *owner;
} Using;

/* Under every id that the person ever had. */
static int use_person(Using *using, const char *patient_id, UnresolvedUse use) {
        const ArenaMark mark = arena_mark(using->arena);
        size_t n = 0;
        char **ids;
        int r = identity_members(using->txn, patient_id, using->arena, &ids, &n);

        use.patient_id = patient_id;
        if (r == RECORD_E_NOT_FOUND)
                r = using->used(&use, using->owner);
        for (size_t i = 0; r == 0 && i < n; i++) {
                use.patient_id = ids[i];
                r = using->used(&use, using->owner);
        }
        arena_rewind(using->arena, mark);
        return r;
}

static int use_entry(Using *using, uint64_t seq, UnresolvedUse use) {
        use.seq = seq;
        return seq > 0 ? using->used(&use, using->owner) : 0;
}

/* What was given under a glass, and of whom deliveries wait, counts from then on; of whoever may be somebody else, all does. */
static int unresolved_use(const Unresolved *one, void *owner) {
        Using *using = owner;
        const UnresolvedUse use = { .kind = one->kind, .from_at = one->kind == UNRESOLVED_REVIEW ? 0 : one->since_at };
        int r = one->id ? use_entry(using, strtoull(one->id, NULL, 10), use) : 0;

        if (one->kind == UNRESOLVED_QUARANTINE || one->kind == UNRESOLVED_PARKED)
                r = use_entry(using, one->seq, use);
        r = r ?: use_entry(using, one->compared_with, use);
        for (size_t i = 0; r == 0 && i < one->n_patient_ids; i++)
                r = use_person(using, one->patient_ids[i], use);
        for (size_t i = 0; r == 0 && i < one->n_event_ids; i++)
                r = use_entry(using, strtoull(one->event_ids[i], NULL, 10), use);
        return r;
}

static int section_seen(Bytes key, Bytes value, void *owner) {
        Using *using = owner;
        const ArenaMark mark = arena_mark(using->arena);
        int r = unresolved_in_section(key, value, using->arena, unresolved_use, using);

        if (++using->n_sections % BEAT_EVERY == 0 && using->beat)
                using->beat(using->owner);
        arena_rewind(using->arena, mark);
        return r;
}

int unresolved_audit(StateTxn *txn, UnresolvedUsed used, void (*beat)(void *owner), void *owner) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Using using = { .txn = txn, .used = used, .beat = beat, .owner = owner };
        int r = arena_new(&arena, ARENA_MAX);

        using.arena = arena;
        r = r ?: unresolved_walk(txn, unresolved_use, &using);
        return r ?: state_walk(txn, STATE_SECTION, BYTES_NULL, BYTES_NULL, section_seen, &using);
}
