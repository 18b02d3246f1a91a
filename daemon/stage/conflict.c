/* Contradictions as they are kept: which are open, which close, and who is told. */
#include "daemon/stage/conflict.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/record/keys.h"
#include "daemon/stage/conflict-parts.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/standing.h"

/* Closed ones that a person keeps; the journal has all. */
#define CLOSED_MAX 32

/* Has anybody of the group another verified number of that system? */
static bool group_has_other(Person *const *group, size_t n_group, const Carebus__V1__Identifier *number) {
        const Carebus__V1__PersonIdentifier *kept;

        for (size_t i = 0; i < n_group; i++)
                for (size_t at = 0; (kept = identify_verified(group[i], &at)); at++)
                        if (text_equal(kept->identifier->system, number->system) &&
                            !identifier_same(kept->identifier, number))
                                return true;
        return false;
}

static bool group_has(Person *const *group, size_t n_group, const Carebus__V1__Identifier *number) {
        const Carebus__V1__PersonIdentifier *kept;

        for (size_t i = 0; i < n_group; i++)
                for (size_t at = 0; (kept = identify_verified(group[i], &at)); at++)
                        if (identifier_same(kept->identifier, number))
                                return true;
        return false;
}

bool conflict_numbers_differ(Person *const *a, size_t n_a, Person *const *b, size_t n_b) {
        const Carebus__V1__PersonIdentifier *kept;

        for (size_t i = 0; i < n_a; i++)
                for (size_t at = 0; (kept = identify_verified(a[i], &at)); at++)
                        if (group_has_other(b, n_b, kept->identifier))
                                return true;
        return false;
}

/* Have they a verified number in common, and birth dates that differ? */
static bool same_number_other_birth_date(Person *const *a, size_t n_a, Person *const *b, size_t n_b) {
        const Carebus__V1__PersonIdentifier *kept;
        bool shares = false, differs = false;

        for (size_t i = 0; i < n_a; i++) {
                for (size_t at = 0; (kept = identify_verified(a[i], &at)); at++)
                        shares = shares || group_has(b, n_b, kept->identifier);
                for (size_t j = 0; j < n_b; j++)
                        differs = differs || birth_dates_differ(a[i]->birth_date, b[j]->birth_date);
        }
        return shares && differs;
}

int conflicts_get(FoldWork *work, const Person *person, StoredConflicts **ret) {
        StateKey key = state_key_section(person->patient_id, SECTION_CONFLICTS);
        int r;

        r = work_get(work, STATE_SECTION, &key, &carebus__v1__stored_conflicts__descriptor, (ProtobufCMessage **)ret);
        if (r != STATE_E_NOT_FOUND)
                return r;
        *ret = message_new(&carebus__v1__stored_conflicts__descriptor, work->arena);
        return *ret ? 0 : -ENOMEM;
}

int conflicts_keep(FoldWork *work, const Person *person, StoredConflicts *conflicts) {
        StateKey key = state_key_section(person->patient_id, SECTION_CONFLICTS);
        size_t n_closed = 0;

        for (size_t i = conflicts->n_conflicts; i > 0; i--)
                if (conflicts->conflicts[i - 1]->conflict->has_closed_at && !conflicts->conflicts[i - 1]->decided &&
                    ++n_closed > CLOSED_MAX) {
                        memmove(&conflicts->conflicts[i - 1], &conflicts->conflicts[i],
                                (conflicts->n_conflicts - i) * sizeof(*conflicts->conflicts));
                        conflicts->n_conflicts--;
                }
        return work_put(work, STATE_SECTION, &key, &conflicts->base);
}

/* The bus says that a contradiction opened or closed; *ret_id: of that event. */
static int conflict_publish(FoldWork *work, const Said *said, const char *type, const char *about,
                            const StoredConflict *stored, char **ret_id) {
        Carebus__V1__Event *event = work_event(work, type);
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, work->arena);
        int r;

        if (!event || !notice)
                return -ENOMEM;
        notice->code = stored->conflict->reason;
        notice->section = stored->conflict->section;
        notice->path = stored->conflict->path;
        notice->event_ids = stored->conflict->event_ids;
        notice->n_event_ids = stored->conflict->n_event_ids;
        notice->conflict_id = stored->conflict->id;
        if (stored->conflict->has_closed_at)
                notice->resolution = (char *)(stored->decided ? "decided" : "agreed");
        notice->who = stored->conflict->who;
        notice->why = stored->conflict->why;
        r = list_append((void ***)&notice->patient_ids, &notice->n_patient_ids, (void *)about, work->arena);
        for (size_t i = 0; r == 0 && i < stored->n_patient_ids; i++)
                r = list_append((void ***)&notice->patient_ids, &notice->n_patient_ids, stored->patient_ids[i],
                                work->arena);
        if (r < 0)
                return r;
        event->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event->notice = notice;
        r = work_derive(work, event, about, said, ret_id);
        if (r == 0 && !notice->conflict_id)
                notice->conflict_id = *ret_id;
        for (size_t i = 0; r == 0 && i < stored->n_patient_ids; i++)
                r = work_index_patient(work, stored->patient_ids[i],
                                       work->n_events + (uint32_t)work->outcome.n_derived - 1);
        return r;
}

static StoredConflict *conflict_new(FoldWork *work, const Wanted *wanted) {
        StoredConflict *stored = message_new(&carebus__v1__stored_conflict__descriptor, work->arena);
        Carebus__V1__Conflict *conflict = message_new(&carebus__v1__conflict__descriptor, work->arena);

        if (!stored || !conflict)
                return NULL;
        stored->conflict = conflict;
        stored->key = (char *)wanted->key;
        conflict->section = (char *)wanted->section;
        conflict->path = (char *)wanted->path;
        conflict->reason = (char *)wanted->reason;
        conflict->event_ids = wanted->event_ids;
        conflict->n_event_ids = wanted->n_event_ids;
        stored->claims = wanted->claims;
        stored->n_claims = wanted->n_claims;
        conflict->has_opened_at = 1;
        conflict->opened_at = work->received_at;
        return stored;
}

int conflict_close(FoldWork *work, const Said *said, const char *about, StoredConflict *stored, const char *closed_by) {
        char *event_id;
        int r;

        stored->conflict->has_closed_at = 1;
        stored->conflict->closed_at = work->received_at;
        r = conflict_publish(work, said, "conflict.closed", about, stored, &event_id);
        if (r == 0)
                stored->conflict->closed_by = (char *)(closed_by ?: event_id);
        return r;
}

/* Is what once pointed to two persons still so? */
static int pair_stands(FoldWork *work, const Look *look, const StoredConflict *stored, bool *ret) {
        const char *reason = stored->conflict->reason;
        Person *other, **others;
        size_t n_others;
        int r;

        *ret = true;
        r = work_person(work, stored->patient_ids[0], &other);
        if (r == 0)
                r = identify_members(work, other, &others, &n_others);
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        if (others[0] == look->members[0])
                *ret = false;
        else if (strcmp(reason, "same-number-other-birth-date") == 0)
                *ret = same_number_other_birth_date(look->members, look->n_members, others, n_others);
        else if (strcmp(reason, "two-verified-numbers") == 0)
                *ret = conflict_numbers_differ(look->members, look->n_members, others, n_others);
        return 0;
}

int conflict_close_others(FoldWork *work, const StoredConflict *closed) {
        for (size_t i = 0; i < closed->n_patient_ids; i++) {
                StoredConflicts *conflicts;
                Person *other;
                int r;

                r = work_person(work, closed->patient_ids[i], &other);
                if (r == 0)
                        r = conflicts_get(work, other, &conflicts);
                for (size_t j = 0; r == 0 && j < conflicts->n_conflicts; j++)
                        if (strcmp(conflicts->conflicts[j]->conflict->id, closed->conflict->id) == 0) {
                                conflicts->conflicts[j]->conflict->has_closed_at = 1;
                                conflicts->conflicts[j]->conflict->closed_at = closed->conflict->closed_at;
                                conflicts->conflicts[j]->conflict->closed_by = closed->conflict->closed_by;
                                conflicts->conflicts[j]->conflict->who = closed->conflict->who;
                                conflicts->conflicts[j]->conflict->why = closed->conflict->why;
                                conflicts->conflicts[j]->has_decided = closed->has_decided;
                                conflicts->conflicts[j]->decided = closed->decided;
                                r = conflicts_keep(work, other, conflicts);
                        }
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        }
        return 0;
}

static bool claims_cover(const StoredConflict *decided, const Wanted *wanted) {
        for (size_t i = 0; i < wanted->n_claims; i++) {
                bool found = false;

                for (size_t j = 0; j < decided->n_claims && !found; j++)
                        found = strcmp(decided->claims[j], wanted->claims[i]) == 0;
                if (!found)
                        return false;
        }
        return true;
}

/* One that is open already goes on; what somebody decided about just these claims is not opened again. */
static bool stored_meet(Look *look, StoredConflict *stored) {
        bool open = !stored->conflict->has_closed_at;

        for (size_t i = 0; i < look->n_wanted; i++) {
                Wanted *wanted = &look->wanted[i];

                if (strcmp(wanted->key, stored->key) != 0 ||
                    (!open && !(stored->decided && claims_cover(stored, wanted))))
                        continue;
                /* Two who are one now had it open each: one of them goes on. */
                if (open && wanted->found)
                        return false;
                wanted->found = true;
                if (!open)
                        return true;
                stored->conflict->event_ids = wanted->event_ids;
                stored->conflict->n_event_ids = wanted->n_event_ids;
                stored->claims = wanted->claims;
                stored->n_claims = wanted->n_claims;
                return true;
        }
        return false;
}

/* What is open stays open, or closes. */
static int stored_settle(Look *look, const Said *said, const Person *holder, StoredConflicts *conflicts) {
        const char *about = look->members[0]->patient_id;
        bool changed = false;
        int r = 0;

        for (size_t i = 0; r == 0 && i < conflicts->n_conflicts; i++) {
                StoredConflict *stored = conflicts->conflicts[i];
                bool stands;

                if (stored->conflict->has_closed_at) {
                        stored_meet(look, stored);
                        continue;
                }
                stands = stored_meet(look, stored);
                changed = changed || stands;
                if (!stands && stored->n_patient_ids > 0)
                        r = pair_stands(look->work, look, stored, &stands);
                if (r == 0 && !stands) {
                        r = conflict_close(look->work, said, about, stored, said->event->event_id);
                        r = r ?: conflict_close_others(look->work, stored);
                        changed = true;
                }
        }
        return r == 0 && changed ? conflicts_keep(look->work, holder, conflicts) : r;
}

static int conflict_open(FoldWork *work, const Said *said, const Person *person, StoredConflicts *conflicts,
                         StoredConflict *stored) {
        int r;

        r = conflict_publish(work, said, "conflict.opened", person->patient_id, stored, &stored->conflict->id);
        if (r == 0)
                r = list_append((void ***)&conflicts->conflicts, &conflicts->n_conflicts, stored, work->arena);
        return r;
}

/* Where something was moved, it may be a death. */
static int anybody_said_dead(Look *look, bool *ret) {
        *ret = false;
        for (size_t i = 0; i < look->n_members && !*ret; i++) {
                Carebus__V1__StoredSection *section;
                int r = work_section(look->work, look->members[i]->patient_id, SECTION_DEATH, &section);

                if (r)
                        return r;
                *ret = section->n_facts > 0 || look->members[i]->n_moves > 0;
        }
        return 0;
}

static int look_around(Look *look) {
        int r = look_gather(look);

        r = r ?: look_at_identity(look);
        r = r ?: look_at_topics(look);
        return r ?: look_at_death(look);
}

/* Everything about the members of `look`, as it is now. */
static int look_settle(Look *look, const Said *said) {
        FoldWork *work = look->work;
        StoredConflicts *conflicts;
        bool opened = false;
        int r;

        r = look_around(look);
        for (size_t i = 0; r == 0 && i < look->n_members; i++) {
                r = conflicts_get(work, look->members[i], &conflicts);
                if (r == 0 && conflicts->n_conflicts > 0)
                        r = stored_settle(look, said, look->members[i], conflicts);
        }
        if (r == 0)
                r = conflicts_get(work, look->members[0], &conflicts);
        for (size_t i = 0; r == 0 && i < look->n_wanted; i++) {
                StoredConflict *stored;

                if (look->wanted[i].found)
                        continue;
                stored = conflict_new(work, &look->wanted[i]);
                r = stored ? conflict_open(work, said, look->members[0], conflicts, stored) : -ENOMEM;
                opened = true;
        }
        return r == 0 && opened ? conflicts_keep(work, look->members[0], conflicts) : r;
}

int conflict_settle(FoldWork *work, const Said *said, Person *person, bool deaths_only) {
        Look look = { .work = work };
        bool dead = true;
        int r;

        r = identify_members(work, person, &look.members, &look.n_members);
        if (r == 0 && deaths_only)
                r = anybody_said_dead(&look, &dead);
        return r || !dead ? r : look_settle(&look, said);
}

int conflict_settle_stay(FoldWork *work, const Said *said, Person *person) {
        Look look = { .work = work };
        bool decided;
        int r;

        r = identify_members(work, person, &look.members, &look.n_members);
        r = r ?: standings_any_decision(work, look.members, look.n_members, &decided);
        return r || !decided ? r : look_settle(&look, said);
}

/* Open, or somebody has decided about these two. */
static bool is_settled(const StoredConflicts *conflicts, const char *key) {
        for (size_t i = 0; i < conflicts->n_conflicts; i++)
                if ((!conflicts->conflicts[i]->conflict->has_closed_at || conflicts->conflicts[i]->decided) &&
                    strcmp(conflicts->conflicts[i]->key, key) == 0)
                        return true;
        return false;
}

int conflict_between(FoldWork *work, const Said *said, Person *a, Person *b, const char *reason) {
        Person *first = id_compare(a->patient_id, b->patient_id) < 0 ? a : b, *second = first == a ? b : a;
        char *key = arena_format(work->arena, "identity/%s/%s/%s", reason, first->patient_id, second->patient_id);
        Wanted wanted = { .key = key, .section = SECTION_DEMOGRAPHICS, .path = "identifiers", .reason = reason };
        StoredConflict *with_a, *with_b;
        StoredConflicts *conflicts;
        int r;

        r = key ? conflicts_get(work, a, &conflicts) : -ENOMEM;
        if (r || is_settled(conflicts, key))
                return r;
        r = list_append((void ***)&wanted.event_ids, &wanted.n_event_ids, said->event->event_id, work->arena);
        with_a = r == 0 ? conflict_new(work, &wanted) : NULL;
        if (!with_a ||
            list_append((void ***)&with_a->patient_ids, &with_a->n_patient_ids, b->patient_id, work->arena) < 0)
                return -ENOMEM;
        r = conflict_open(work, said, a, conflicts, with_a);
        if (r == 0)
                r = conflicts_keep(work, a, conflicts);
        if (r == 0)
                r = conflicts_get(work, b, &conflicts);
        if (r)
                return r;
        with_b = message_shallow_copy(&with_a->base, work->arena);
        if (!with_b)
                return -ENOMEM;
        with_b->n_patient_ids = 0;
        with_b->patient_ids = NULL;
        r = list_append((void ***)&with_b->patient_ids, &with_b->n_patient_ids, a->patient_id, work->arena);
        r = r ?: list_append((void ***)&conflicts->conflicts, &conflicts->n_conflicts, with_b, work->arena);
        return r ?: conflicts_keep(work, b, conflicts);
}
