#include "daemon/stage/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/identity/ties.h"
#include "daemon/record/keys.h"
#include "daemon/stage/conflict.h"
#include "daemon/stage/identify.h"
#include "proto/types.h"

/* Facts that a report of a join names; the record shows all. */
#define MOVED_MAX 1000
/* Persons that one merge may retire. */
#define RETIRED_MAX 32

typedef Carebus__V1__Person Person;

typedef enum JoinVerb {
        JOIN_NONE,
        JOIN_MERGE,
        JOIN_UNMERGE,
        JOIN_LINK,
        JOIN_UNLINK,
        JOIN_MOVE, /* not carried out yet: said to be so */
} JoinVerb;

static JoinVerb verb_of(const Carebus__V1__Event *event) {
        static const struct {
                const char *type;
                JoinVerb verb;
        } verbs[] = {
                { "patient.merged", JOIN_MERGE }, { "patient.unmerged", JOIN_UNMERGE },
                { "patient.linked", JOIN_LINK },  { "patient.unlinked", JOIN_UNLINK },
                { "patient.moved", JOIN_MOVE },
        };

        if (event->body_case != CAREBUS__V1__EVENT__BODY_MERGE || !event->merge)
                return JOIN_NONE;
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].type, event->type) == 0)
                        return verbs[i].verb;
        return JOIN_NONE;
}

bool join_is_said(const Carebus__V1__Event *event) {
        return verb_of(event) != JOIN_NONE;
}

/* All persons that ties lead to, undone ones included: those are taken apart. */
typedef struct Circle {
        Person **persons;
        size_t n_persons;
        char **before; /* who answered for each */
} Circle;

static int circle_add(FoldWork *work, Circle *circle, Person *person) {
        for (size_t i = 0; i < circle->n_persons; i++)
                if (circle->persons[i] == person)
                        return 0;
        return list_append((void ***)&circle->persons, &circle->n_persons, person, work->arena);
}

static int person_order(const void *a, const void *b) {
        return id_compare((*(Person *const *)a)->patient_id, (*(Person *const *)b)->patient_id);
}

static int circle_gather(FoldWork *work, Person *const *seeds, size_t n_seeds, Circle *ret) {
        Circle circle = {};
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_seeds; i++)
                r = circle_add(work, &circle, seeds[i]);
        for (size_t i = 0; r == 0 && i < circle.n_persons; i++)
                for (size_t j = 0; r == 0 && j < circle.persons[i]->n_ties; j++) {
                        Person *other;

                        r = work_person(work, circle.persons[i]->ties[j]->patient_id, &other);
                        if (r == 0)
                                r = circle_add(work, &circle, other);
                }
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        qsort(circle.persons, circle.n_persons, sizeof(*circle.persons), person_order);
        circle.before = arena_alloc(work->arena, circle.n_persons * sizeof(*circle.before));
        if (!circle.before)
                return -ENOMEM;
        for (size_t i = 0; i < circle.n_persons; i++)
                circle.before[i] = circle.persons[i]->merged_into ?: circle.persons[i]->patient_id;
        *ret = circle;
        return 0;
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

/* Who answers for whom, as the ties say now. */
static int circle_settle(FoldWork *work, Circle *circle) {
        size_t *answers = arena_alloc(work->arena, circle->n_persons * sizeof(*answers));
        int r;

        if (!answers)
                return -ENOMEM;
        r = ties_settle(circle->persons, circle->n_persons, work->arena, answers);
        if (r < 0)
                return r;
        for (size_t i = 0; i < circle->n_persons; i++) {
                circle->persons[i]->n_former_patient_ids = 0;
                circle->persons[i]->former_patient_ids = NULL;
                circle->persons[i]->merged_into = answers[i] == i ? NULL : circle->persons[answers[i]]->patient_id;
                work_person_touch(work, circle->persons[i]);
        }
        for (size_t i = 0; i < circle->n_persons; i++) {
                Person *answering = circle->persons[answers[i]];

                if (answers[i] == i)
                        continue;
                r = list_append((void ***)&answering->former_patient_ids, &answering->n_former_patient_ids,
                                circle->persons[i]->patient_id, work->arena);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < circle->n_persons; i++)
                former_sort(circle->persons[i]);
        return 0;
}

typedef struct Moving {
        FoldWork *work;
        Carebus__V1__Merge *report;
        const char *patient_id;
} Moving;

static int moved_seen(Bytes key, Bytes value, void *owner) {
        Moving *moving = owner;
        Arena *arena = moving->work->arena;
        size_t n_id = strlen(moving->patient_id) + 1;
        Carebus__V1__StoredSection *section;
        char *name;
        int r;

        name = arena_text(arena, key.data + n_id, strnlen((const char *)key.data + n_id, key.size - n_id));
        if (!name)
                return -ENOMEM;
        name[strcspn(name, "/")] = '\0';
        if (!section_is_known(name))
                return 0;
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, arena, (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts && moving->report->n_moved < MOVED_MAX; i++) {
                Carebus__V1__MovedFact *moved = message_new(&carebus__v1__moved_fact__descriptor, arena);

                if (!moved)
                        return -ENOMEM;
                moved->from_patient_id = (char *)moving->patient_id;
                moved->section = name;
                moved->key = section->facts[i]->fact->key;
                moved->event_id = section->facts[i]->fact->event_id;
                r = list_append((void ***)&moving->report->moved, &moving->report->n_moved, moved, arena);
        }
        return r;
}

/* What changed hands: facts of everybody for whom somebody else answers now. */
static int moved_list(FoldWork *work, const Circle *circle, Carebus__V1__Merge *report) {
        int r = work_store_through(work);

        for (size_t i = 0; r == 0 && i < circle->n_persons; i++) {
                Moving moving = { .work = work, .report = report, .patient_id = circle->persons[i]->patient_id };
                StateKey prefix = state_key_section(moving.patient_id, NULL);

                if (strcmp(circle->before[i], circle->persons[i]->merged_into ?: circle->persons[i]->patient_id) == 0)
                        continue;
                r = state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), moved_seen,
                               &moving);
        }
        return r;
}

/* Who no longer answers, and who does again; not who answers for all of them, which a circle of merges brings back. */
static int report_persons(FoldWork *work, const Circle *circle, Carebus__V1__Merge *report, bool *ret_changed) {
        *ret_changed = false;
        for (size_t i = 0; i < circle->n_persons; i++) {
                Person *person = circle->persons[i];
                bool answered = strcmp(circle->before[i], person->patient_id) == 0;

                *ret_changed = *ret_changed ||
                               strcmp(circle->before[i], person->merged_into ?: person->patient_id) != 0;
                if (answered == !person->merged_into || strcmp(person->patient_id, report->surviving_patient_id) == 0)
                        continue;
                if (list_append((void ***)&report->retired_patient_ids, &report->n_retired_patient_ids,
                                person->patient_id, work->arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int report_publish(FoldWork *work, const Said *said, const char *type, const char *about,
                          Carebus__V1__Merge *report, char **ret_event_id) {
        Carebus__V1__Event *event = work_event(work, type);
        int r;

        if (!event)
                return -ENOMEM;
        event->body_case = CAREBUS__V1__EVENT__BODY_MERGE;
        event->merge = report;
        r = work_derive(work, event, about, said, ret_event_id);
        for (size_t i = 0; r == 0 && i < report->n_retired_patient_ids; i++)
                r = work_index_patient(work, report->retired_patient_ids[i],
                                       work->n_events + (uint32_t)work->outcome.n_derived - 1);
        return r;
}

/* After ties of the seeds changed: everybody finds their place, and the bus says what came of it. *ret_changed: anything did. */
static int settle(FoldWork *work, const Said *said, const char *type, Person *const *seeds, size_t n_seeds,
                  Carebus__V1__Merge *report, bool *ret_changed) {
        Person *answering;
        char *event_id;
        Circle circle;
        int r;

        r = circle_gather(work, seeds, n_seeds, &circle);
        if (r == 0)
                r = circle_settle(work, &circle);
        if (r == 0)
                r = identify_answering(work, seeds[0], &answering);
        if (r)
                return r;
        report->surviving_patient_id = answering->patient_id;
        r = report_persons(work, &circle, report, ret_changed);
        if (r || !*ret_changed)
                return r;
        r = moved_list(work, &circle, report);
        if (r == 0)
                r = report_publish(work, said, type, answering->patient_id, report, &event_id);
        for (size_t i = 0; r == 0 && i < n_seeds; i++)
                r = conflict_settle(work, said, seeds[i], /* deaths_only= */ false);
        return r;
}

/* One side of a tie. *changed: it was not so before. */
static int tie_set_side(FoldWork *work, const Said *said, Person *person, const Person *other,
                        Carebus__V1__Tie__Kind kind, bool retires, bool undone, bool *changed) {
        Carebus__V1__Tie *tie = tie_find(person, other->patient_id, kind);
        bool was = tie && !tie->undone;

        if (!tie) {
                tie = message_new(&carebus__v1__tie__descriptor, work->arena);
                if (!tie || list_append((void ***)&person->ties, &person->n_ties, tie, work->arena) < 0)
                        return -ENOMEM;
                tie->patient_id = other->patient_id;
                tie->has_kind = 1;
                tie->kind = kind;
        } else if (stamp_parts_compare(stamp_parts(tie->stamp), said->stamp) > 0)
                return 0;
        tie->has_retires = kind == CAREBUS__V1__TIE__KIND__KIND_MERGE;
        *changed = *changed || was == undone || (tie->has_retires && tie->retires != retires);
        tie->retires = retires;
        tie->has_undone = undone;
        tie->undone = undone;
        tie->event_id = said->event->event_id;
        tie->stamp = stamp_make(said->stamp, work->arena);
        work_person_touch(work, person);
        return tie->stamp ? 0 : -ENOMEM;
}

static int tie_set(FoldWork *work, const Said *said, Person *survivor, Person *retired, Carebus__V1__Tie__Kind kind,
                   bool undone, bool *changed) {
        int r;

        r = tie_set_side(work, said, retired, survivor, kind, /* retires= */ true, undone, changed);
        return r ?: tie_set_side(work, said, survivor, retired, kind, /* retires= */ false, undone, changed);
}

/* Why two persons may not become one; NULL: they may. */
static int dispute_of(FoldWork *work, const Person *a, const Person *b, const char **ret) {
        Person **in_a, **in_b;
        size_t n_a, n_b;
        int r;

        *ret = NULL;
        r = identify_members(work, a, &in_a, &n_a);
        if (r == 0)
                r = identify_members(work, b, &in_b, &n_b);
        if (r || in_a[0] == in_b[0])
                return r;
        if (identify_numbers_forbid(in_a, n_a, in_b, n_b))
                *ret = "two-verified-numbers";
        else if (n_a + n_b > TIES_PERSONS_MAX)
                *ret = "too-many-persons";
        return 0;
}

/* Nobody is named as retired: a reader that looks no further must not join them either. */
static int dispute_publish(FoldWork *work, const Said *said, const Person *survivor, const Person *retired,
                           const char *dispute, const Carebus__V1__Merge *merge) {
        Carebus__V1__Merge *report = message_shallow_copy(&merge->base, work->arena);
        Person *a, *b;
        char *event_id;
        int r;

        if (!report)
                return -ENOMEM;
        report->has_disputed = report->disputed = 1;
        report->dispute = (char *)dispute;
        r = identify_answering(work, survivor, &a);
        r = r ?: identify_answering(work, retired, &b);
        r = r ?: report_publish(work, said, said->event->type, a->patient_id, report, &event_id);
        if (r || strcmp(dispute, "two-verified-numbers") != 0)
                return r;
        return conflict_between(work, said, a, b, dispute);
}

/* Everybody whom the retired identifiers stand for: each of a source's own numbers is one; national ones go with it where it is alone. */
static int retired_find(FoldWork *work, const Said *said, const Carebus__V1__Merge *merge, Person **ret,
                        size_t *ret_n) {
        size_t n_local = 0, n = 0;
        int r = 0;

        for (size_t i = 0; i < merge->n_retired; i++)
                n_local += identifier_use(merge->retired[i]) == IDENTIFIER_LOCAL;
        if (n_local <= 1) {
                r = identify_person(work, said, merge->retired, merge->n_retired, &ret[0], NULL, NULL);
                *ret_n = 1;
                return r;
        }
        for (size_t i = 0; r == 0 && i < merge->n_retired && n < RETIRED_MAX; i++)
                if (identifier_use(merge->retired[i]) == IDENTIFIER_LOCAL)
                        r = identify_person(work, said, &merge->retired[i], 1, &ret[n++], NULL, NULL);
        *ret_n = n;
        return r;
}

/* The record of who survives says that it was merged, whatever came of it. */
static int fact_keep(FoldWork *work, const Said *said, const Person *survivor, const Person *retired,
                     Carebus__V1__Merge *merge, bool undone) {
        char *key = arena_format(work->arena, "%s>%s", retired->patient_id, survivor->patient_id);
        Carebus__V1__StoredSection *section;
        Carebus__V1__StoredFact *stored;
        int r;

        r = key ? work_section(work, survivor->patient_id, SECTION_MERGES, &section) : -ENOMEM;
        if (r)
                return r;
        stored = section_find(section, key, work->source);
        if (!stored) {
                stored = fact_new(key, work->source, work->arena);
                r = stored ? section_insert(section, stored, work->arena) : -ENOMEM;
                if (r < 0)
                        return r;
        } else if (stamp_parts_compare(stamp_parts(stored->newest), said->stamp) > 0) {
                work_section_touch(work, section);
                return fact_remember(stored->fact, said->event->event_id, work->arena);
        }
        stored->newest = stamp_make(said->stamp, work->arena);
        stored->fact->status = (char *)(undone ? "ended" : "current");
        stored->fact->value_case = CAREBUS__V1__FACT__VALUE_MERGE;
        stored->fact->merge = merge;
        work_section_touch(work, section);
        return stored->newest ? fact_say(stored->fact, said, work->arena) : -ENOMEM;
}

/* Ties of every kind between the two are undone; *ret_any: there was one. */
static int ties_undo(FoldWork *work, const Said *said, Person *a, Person *b, bool *ret_any) {
        static const Carebus__V1__Tie__Kind kinds[] = { CAREBUS__V1__TIE__KIND__KIND_MERGE,
                                                        CAREBUS__V1__TIE__KIND__KIND_LINK,
                                                        CAREBUS__V1__TIE__KIND__KIND_NUMBER };
        bool changed = false;

        *ret_any = false;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                Carebus__V1__Tie *tie = tie_find(a, b->patient_id, kinds[i]);
                bool a_retires;
                int r;

                if (!tie)
                        continue;
                *ret_any = true;
                a_retires = tie->has_retires && tie->retires;
                r = tie_set(work, said, a_retires ? b : a, a_retires ? a : b, kinds[i], /* undone= */ true, &changed);
                if (r)
                        return r;
        }
        return 0;
}

static int pair_apply(FoldWork *work, const Said *said, JoinVerb verb, Person *survivor, Person *retired) {
        Carebus__V1__Merge *merge = said->event->merge, *report;
        Person *seeds[] = { survivor, retired };
        bool any = true, changed = false;
        const char *dispute = NULL;
        int r = 0;

        if (verb == JOIN_MOVE)
                dispute = "not-supported-yet";
        else if (verb == JOIN_MERGE || verb == JOIN_LINK)
                r = dispute_of(work, survivor, retired, &dispute);
        if (r == 0 && !dispute && (verb == JOIN_UNMERGE || verb == JOIN_UNLINK)) {
                r = ties_undo(work, said, survivor, retired, &any);
                dispute = any ? NULL : "not-joined";
        }
        if (r)
                return r;
        if (dispute)
                return dispute_publish(work, said, survivor, retired, dispute, merge);
        if (verb == JOIN_MERGE || verb == JOIN_LINK)
                r = tie_set(work, said, survivor, retired,
                            verb == JOIN_MERGE ? CAREBUS__V1__TIE__KIND__KIND_MERGE : CAREBUS__V1__TIE__KIND__KIND_LINK,
                            /* undone= */ false, &changed);
        report = message_shallow_copy(&merge->base, work->arena);
        if (r || !report)
                return r ?: -ENOMEM;
        r = fact_keep(work, said, survivor, retired, merge, verb == JOIN_UNMERGE || verb == JOIN_UNLINK);
        return r ?: settle(work, said, said->event->type, seeds, ELEMENTSOF(seeds), report, &changed);
}

int join_apply(FoldWork *work, const Said *said, Person **ret) {
        const Carebus__V1__Merge *merge = said->event->merge;
        const Carebus__V1__Subject *subject = said->event->patient;
        bool from_body = merge->n_surviving > 0 || !subject;
        Person *survivor, *retired[RETIRED_MAX];
        size_t n_retired;
        int r;

        r = identify_person(work, said, from_body ? merge->surviving : subject->identifiers,
                            from_body ? merge->n_surviving : subject->n_identifiers, &survivor, NULL, NULL);
        if (r == 0)
                r = retired_find(work, said, merge, retired, &n_retired);
        for (size_t i = 0; r == 0 && i < n_retired; i++)
                if (retired[i] != survivor)
                        r = pair_apply(work, said, verb_of(said->event), survivor, retired[i]);
        *ret = survivor;
        return r;
}

/* Somebody who has the same verified number. */
static int number_meets(FoldWork *work, const Said *said, Person *person, Person *other,
                        const Carebus__V1__Identifier *number) {
        Carebus__V1__Merge *report = message_new(&carebus__v1__merge__descriptor, work->arena);
        Person *seeds[] = { person, other }, **in_a, **in_b;
        bool changed = false, has = false;
        size_t n_a, n_b;
        int r;

        if (!report)
                return -ENOMEM;
        for (size_t at = 0; !has && identify_verified(other, &at); at++)
                has = identifier_same(identify_verified(other, &at)->identifier, number);
        r = identify_members(work, person, &in_a, &n_a);
        if (r == 0)
                r = identify_members(work, other, &in_b, &n_b);
        if (r || !has || in_a[0] == in_b[0] || tie_find(person, other->patient_id, CAREBUS__V1__TIE__KIND__KIND_NUMBER))
                return r;
        if (birth_dates_differ(person->birth_date, other->birth_date))
                return conflict_between(work, said, in_a[0], in_b[0], "same-number-other-birth-date");
        if (!birth_dates_agree(person->birth_date, other->birth_date) || n_a + n_b > TIES_PERSONS_MAX)
                return 0;
        if (conflict_numbers_differ(in_a, n_a, in_b, n_b))
                return conflict_between(work, said, in_a[0], in_b[0], "two-verified-numbers");
        r = tie_set(work, said, person, other, CAREBUS__V1__TIE__KIND__KIND_NUMBER, /* undone= */ false, &changed);
        if (r)
                return r;
        report->reason = message_new(&carebus__v1__coded__descriptor, work->arena);
        if (!report->reason)
                return -ENOMEM;
        report->reason->code = (char *)"verified-number";
        report->has_scope = 1;
        report->scope = CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON;
        return settle(work, said, "patient.linked", seeds, ELEMENTSOF(seeds), report, &changed);
}

int join_by_number(FoldWork *work, const Said *said, Person *person) {
        size_t at = 0;

        for (const Carebus__V1__PersonIdentifier *kept; (kept = identify_verified(person, &at)); at++) {
                Carebus__V1__IdentifierHolders *holders;
                int r;

                r = identify_holders(work, kept->identifier->system, kept->identifier->value, &holders);
                if (r == STATE_E_NOT_FOUND)
                        continue;
                for (size_t i = 0; r == 0 && i < holders->n_patient_ids; i++) {
                        Person *other;

                        if (strcmp(holders->patient_ids[i], person->patient_id) == 0)
                                continue;
                        r = work_person(work, holders->patient_ids[i], &other);
                        if (r == 0)
                                r = number_meets(work, said, person, other, kept->identifier);
                }
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        }
        return 0;
}
