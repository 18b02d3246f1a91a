/* What belongs to another person, or has another number, than was said: `patient.moved`, and decisions on single facts. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/record/belongs.h"
#include "daemon/record/keys.h"
#include "daemon/stage/correction.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/join-parts.h"
#include "daemon/stage/moves.h"
#include "proto/types.h"

typedef Carebus__V1__Identifier Identifier;
typedef Carebus__V1__FactMove FactMove;

/* Persons whom one statement names. */
#define SEEDS_MAX 64

typedef struct Move {
        FoldWork *work;
        const Said *said;
        Merge *merge;
        Person *seeds[SEEDS_MAX]; /* to whom, first */
        size_t n_seeds;
        bool any; /* something was said that was not known */
        bool too_many;
        bool by_hand; /* somebody decided it of a review, which ends with that */ /* what was said is not kept */
} Move;

static void seed_add(Move *move, Person *person) {
        for (size_t i = 0; i < move->n_seeds; i++)
                if (move->seeds[i] == person)
                        return;
        if (move->n_seeds < SEEDS_MAX)
                move->seeds[move->n_seeds++] = person;
}

/* A statement that was entered in error takes back the same one said before. */
static int move_say(Move *move, Person *from, Person *to, const FactMove *like) {
        const Carebus__V1__Event *event = move->said->event;
        FactMove what = *like;
        bool changed, room;
        int r;

        what.source = (char *)(like->source ?: move->work->source);
        what.stamp = stamp_make(move->said->stamp, move->work->arena);
        what.event_id = event->event_id;
        what.undone = event->has_action && event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        what.has_undone = what.undone;
        if (!what.stamp)
                return -ENOMEM;
        r = join_has_room(move->work, from, to, &room);
        if (r)
                return r;
        seed_add(move, from);
        if (!room || from->n_said_moves >= MOVES_SAID_MAX || to->n_said_moves >= MOVES_SAID_MAX) {
                move->too_many = true;
                return 0;
        }
        if (what.undone)
                r = correction_of_move(move->work, move->said, from, to, &what);
        r = r ?: moves_say(from, to, &what, move->work->arena, &changed);
        if (r < 0)
                return r;
        move->any = move->any || changed;
        work_person_touch(move->work, from);
        work_person_touch(move->work, to);
        return 0;
}

static bool is_among(const Identifier *identifier, Identifier *const *list, size_t n_list) {
        for (size_t i = 0; i < n_list; i++)
                if (identifier_same(list[i], identifier))
                        return true;
        return false;
}

static int move_settle(Move *move) {
        Merge *report = message_shallow_copy(&move->merge->base, move->work->arena);
        Cause cause = { .said = move->said,
                        .type = "patient.moved",
                        .seeds = move->seeds,
                        .n_seeds = move->n_seeds,
                        .report = report,
                        .by_hand = move->by_hand };

        if (!report)
                return -ENOMEM;
        if (move->too_many)
                return join_refuse(move->work, move->said, move->seeds[0], "too-many-moves", move->merge);
        return join_settle(move->work, &cause);
}

/* ---- A43: a number, and all that was said under it ------------------------------------------------------------------------- */

/* To whom it goes. The number that moves may stand on both sides, and the others tell from whom to whom; else what was MRG's person's is
 * now PID's. *ret NULL: nobody is named. */
static int target_find(Move *move, bool *ret_shared, Person **ret) {
        const Merge *merge = move->merge;
        Identifier **others = NULL;
        size_t n_others = 0;
        bool any_local = false;
        int r = 0;

        *ret_shared = false;
        *ret = NULL;
        for (size_t i = 0; r == 0 && i < merge->n_surviving; i++) {
                bool local = identifier_use(merge->surviving[i]) == IDENTIFIER_LOCAL;
                bool shared = local && is_among(merge->surviving[i], merge->retired, merge->n_retired);

                *ret_shared = *ret_shared || shared;
                any_local = any_local || (local && !shared);
                if (!shared)
                        r = list_append((void ***)&others, &n_others, merge->surviving[i], move->work->arena);
        }
        if (r || n_others == 0 || (*ret_shared && !any_local))
                return r;
        return identify_person(move->work, move->said, others, n_others, ret, NULL, NULL);
}

int join_move_numbers(FoldWork *work, const Said *said, Person **ret) {
        Merge *merge = said->event->merge;
        Move move = { .work = work, .said = said, .merge = merge };
        bool shared;
        int r;

        r = target_find(&move, &shared, ret);
        if (r == 0 && !*ret) {
                r = identify_person(work, said, merge->surviving, merge->n_surviving, ret, NULL, NULL);
                return r ?: join_refuse(work, said, *ret, "nobody-to-move-to", merge);
        }
        if (r)
                return r;
        seed_add(&move, *ret);
        for (size_t i = 0; r == 0 && i < merge->n_retired; i++) {
                FactMove what = CAREBUS__V1__FACT_MOVE__INIT;
                Person *from;

                if (identifier_use(merge->retired[i]) != IDENTIFIER_LOCAL ||
                    (shared && !is_among(merge->retired[i], merge->surviving, merge->n_surviving)))
                        continue;
                r = identify_person(work, said, &merge->retired[i], 1, &from, NULL, NULL);
                what.identifier = merge->retired[i];
                r = r ?: move_say(&move, from, *ret, &what);
        }
        return r ?: move_settle(&move);
}

/* ---- A41, A42, A44, A45, A49 to A51: a stay, or an account, which is its stay's where it has no other number ----------------- */

typedef struct Accounts {
        Move *move;
        Person *from;
        Person *to;
        const Identifier *account;
} Accounts;

/* What else names a stay names its number, not the account. */
static int account_seen(Bytes key, Bytes value, void *owner) {
        Accounts *accounts = owner;
        size_t n_id = strlen(accounts->from->patient_id) + 1;
        Carebus__V1__StoredSection *section;
        int r;

        if (key.size < n_id || !text_starts_with((const char *)key.data + n_id, SECTION_ENCOUNTERS "/"))
                return 0;
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, accounts->move->work->arena,
                           (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                const Carebus__V1__Fact *fact = section->facts[i]->fact;
                FactMove what = CAREBUS__V1__FACT_MOVE__INIT;

                if (fact->value_case != CAREBUS__V1__FACT__VALUE_ENCOUNTER || !fact->encounter->identifier ||
                    !fact->encounter->account || !identifier_same(fact->encounter->account, accounts->account))
                        continue;
                what.encounter_id = fact->encounter->identifier;
                r = move_say(accounts->move, accounts->from, accounts->to, &what);
        }
        return r;
}

static int account_move(Move *move, Person *from, Person *to, const Identifier *account) {
        StateKey prefix = state_key_section(from->patient_id, NULL);
        Accounts accounts = { .move = move, .from = from, .to = to, .account = account };
        int r = work_store_through(move->work);

        return r
                       ?: state_walk(move->work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix),
                                     account_seen, &accounts);
}

static int stay_move(Move *move, Person *survivor, Person *const *retired, size_t n_retired) {
        Identifier *visit = move->merge->visit, *former = move->merge->former_visit ?: visit;
        FactMove what = CAREBUS__V1__FACT_MOVE__INIT;
        int r = 0;

        seed_add(move, survivor);
        what.encounter_id = former;
        for (size_t i = 0; r == 0 && i < n_retired; i++)
                if (retired[i] != survivor) {
                        r = move_say(move, retired[i], survivor, &what);
                        if (r == 0 && move->merge->scope == CAREBUS__V1__MERGE__SCOPE__SCOPE_ACCOUNT)
                                r = account_move(move, retired[i], survivor, former);
                }
        if (r == 0 && !identifier_same(former, visit)) {
                what.now = visit;
                for (size_t i = 0; r == 0 && i < n_retired; i++)
                        r = move_say(move, retired[i], survivor, &what);
                if (r == 0 && n_retired == 0)
                        r = move_say(move, survivor, survivor, &what);
        }
        return r ?: move_settle(move);
}

/* A stay that turns out to be of an account that has gone goes with it: at the time when the account went. */
int join_account_again(FoldWork *work, const Said *said, Person *home) {
        const Carebus__V1__Encounter *encounter = said->event->encounter;
        Merge *merge = message_new(&carebus__v1__merge__descriptor, work->arena);
        Move move = { .work = work, .said = said, .merge = merge };
        int r = 0;

        if (!merge)
                return -ENOMEM;
        merge->has_scope = 1;
        merge->scope = CAREBUS__V1__MERGE__SCOPE__SCOPE_ACCOUNT;
        merge->visit = encounter->account;
        for (size_t i = 0; r == 0 && i < home->n_said_moves; i++) {
                const FactMove *account = home->said_moves[i];
                FactMove what = *account;
                bool changed;
                Person *to;

                if (!account->away || account->now || !account->encounter_id ||
                    !text_equal(account->source, work->source) ||
                    !identifier_same(account->encounter_id, encounter->account) ||
                    identifier_same(encounter->account, encounter->identifier) || home->n_said_moves >= MOVES_SAID_MAX)
                        continue;
                r = work_person(work, account->patient_id, &to);
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
                what.encounter_id = encounter->identifier;
                r = moves_say(home, to, &what, work->arena, &changed);
                if (r || !changed)
                        continue;
                seed_add(&move, to);
                seed_add(&move, home);
                work_person_touch(work, home);
                work_person_touch(work, to);
        }
        return r || move.n_seeds == 0 ? r : move_settle(&move);
}

static bool is_named(const Identifier *identifier) {
        return identifier && identifier->value && identifier->value[0];
}

int join_move(FoldWork *work, const Said *said, Person *survivor, Person *const *retired, size_t n_retired) {
        Merge *merge = said->event->merge;
        Move move = { .work = work, .said = said, .merge = merge };

        if (!is_named(merge->visit))
                return join_refuse(work, said, survivor, "no-visit", merge);
        return stay_move(&move, survivor, retired, n_retired);
}

/* ---- one fact: somebody decided -------------------------------------------------------------------------------------------- */

typedef struct Assigning {
        Move *move;
        Person *home;
        Person *to;
        char *const *event_ids;
        size_t n_event_ids;
        size_t n_assigned;
} Assigning;

static bool fact_has_event(const Carebus__V1__Fact *fact, const char *event_id) {
        if (text_equal(fact->event_id, event_id))
                return true;
        for (size_t i = 0; i < fact->n_history; i++)
                if (strcmp(fact->history[i], event_id) == 0)
                        return true;
        return false;
}

static int assign_seen(Bytes key, Bytes value, void *owner) {
        Assigning *a = owner;
        Arena *arena = a->move->work->arena;
        size_t n_id = strlen(a->home->patient_id) + 1;
        FactMove what = CAREBUS__V1__FACT_MOVE__INIT;
        Carebus__V1__StoredSection *section;
        int r;

        what.fact = arena_text(arena, key.data + n_id, strnlen((const char *)key.data + n_id, key.size - n_id));
        if (!what.fact)
                return -ENOMEM;
        if (!section_is_known(arena_text(arena, what.fact, strcspn(what.fact, "/")) ?: ""))
                return 0;
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, arena, (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                bool wanted = false;

                for (size_t j = 0; j < a->n_event_ids && !wanted; j++)
                        wanted = fact_has_event(section->facts[i]->fact, a->event_ids[j]);
                if (!wanted)
                        continue;
                what.source = section->facts[i]->fact->source;
                r = move_say(a->move, a->home, a->to, &what);
                a->n_assigned++;
        }
        return r;
}

int join_assign(FoldWork *work, const Said *said, char *const *event_ids, size_t n_event_ids, Person *const *candidates,
                size_t n_candidates, Person *to, size_t *ret_n_assigned) {
        Merge *merge = message_new(&carebus__v1__merge__descriptor, work->arena);
        Move move = { .work = work, .said = said, .merge = merge, .by_hand = true };
        Assigning a = { .move = &move, .to = to, .event_ids = event_ids, .n_event_ids = n_event_ids };
        int r;

        if (!merge)
                return -ENOMEM;
        merge->has_scope = 1;
        merge->scope = CAREBUS__V1__MERGE__SCOPE__SCOPE_UNKNOWN;
        seed_add(&move, to);
        r = work_store_through(work);
        for (size_t i = 0; r == 0 && i < n_candidates; i++) {
                size_t n_members;
                Person **members;

                r = identify_members(work, candidates[i], &members, &n_members);
                for (size_t j = 0; r == 0 && j < n_members; j++) {
                        StateKey prefix = state_key_section(members[j]->patient_id, NULL);

                        a.home = members[j];
                        r = state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix),
                                       assign_seen, &a);
                }
        }
        if (r == 0)
                *ret_n_assigned = a.n_assigned;
        return r || !(move.any || move.too_many) ? r : move_settle(&move);
}
