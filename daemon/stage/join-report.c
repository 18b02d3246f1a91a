/* What changed hands, told to everybody whom it concerns. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/belongs.h"
#include "daemon/record/keys.h"
#include "daemon/stage/correction.h"
#include "daemon/stage/join-parts.h"
#include "proto/types.h"

static const char *answered_before(const Circle *circle, size_t i) {
        return circle->before[i]->merged_into ?: circle->before[i]->patient_id;
}

static bool moves_equal(const Person *a, const Person *b) {
        if (a->n_moves != b->n_moves)
                return false;
        for (size_t i = 0; i < a->n_moves; i++)
                if (!body_equal(&a->moves[i]->base, &b->moves[i]->base))
                        return false;
        return true;
}

bool circle_changed(const Circle *circle, size_t i) {
        return strcmp(answered_before(circle, i), circle->after[i]) != 0 ||
               !moves_equal(circle->before[i], circle->persons[i]);
}

/* Who answers for somebody of the circle, then or now. */
static const char *answering_of(const Circle *circle, const char *patient_id, bool before) {
        for (size_t i = 0; i < circle->n_persons; i++)
                if (strcmp(circle->persons[i]->patient_id, patient_id) == 0)
                        return before ? answered_before(circle, i) : circle->after[i];
        return patient_id;
}

typedef struct Moving {
        FoldWork *work;
        Merge *report;
        const Circle *circle;
        size_t home;
} Moving;

static int moved_add(Moving *moving, char *section, const Carebus__V1__Fact *fact) {
        Carebus__V1__MovedFact *moved = message_new(&carebus__v1__moved_fact__descriptor, moving->work->arena);

        if (!moved)
                return -ENOMEM;
        moved->from_patient_id = moving->circle->persons[moving->home]->patient_id;
        moved->section = section;
        moved->key = fact->key;
        moved->event_id = fact->event_id;
        return list_append((void ***)&moving->report->moved, &moving->report->n_moved, moved, moving->work->arena);
}

static bool fact_changed_hands(const Moving *moving, const char *name, const Carebus__V1__StoredFact *stored) {
        const Person *was = moving->circle->before[moving->home], *is = moving->circle->persons[moving->home];
        const char *before = fact_moved_to(was, name, stored) ?: was->patient_id,
                   *after = fact_moved_to(is, name, stored) ?: is->patient_id;

        return strcmp(answering_of(moving->circle, before, true), answering_of(moving->circle, after, false)) != 0;
}

static int moved_seen(Bytes key, Bytes value, void *owner) {
        Moving *moving = owner;
        Arena *arena = moving->work->arena;
        size_t n_id = strlen(moving->circle->persons[moving->home]->patient_id) + 1;
        Carebus__V1__StoredSection *section;
        char *name, *shown;
        int r;

        name = arena_text(arena, key.data + n_id, strnlen((const char *)key.data + n_id, key.size - n_id));
        shown = name ? arena_text(arena, name, strcspn(name, "/")) : NULL;
        if (!shown)
                return -ENOMEM;
        if (!section_is_known(shown))
                return 0;
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, arena, (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts && moving->report->n_moved < MOVED_MAX; i++)
                if (section->facts[i]->fact->event_id && fact_changed_hands(moving, name, section->facts[i]))
                        r = moved_add(moving, shown, section->facts[i]->fact);
        return r;
}

static int moved_list(FoldWork *work, const Circle *circle, Merge *report) {
        int r = work_store_through(work);

        for (size_t i = 0; r == 0 && i < circle->n_persons; i++) {
                Moving moving = { .work = work, .report = report, .circle = circle, .home = i };
                StateKey prefix = state_key_section(circle->persons[i]->patient_id, NULL);

                if (!circle_changed(circle, i) && circle->persons[i]->n_moves == 0)
                        continue;
                r = state_walk(work->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), moved_seen,
                               &moving);
        }
        return r;
}

/* Who no longer answers, and who does again; not who answers for all of them, which a circle of merges brings back. */
static int persons_list(FoldWork *work, const Circle *circle, Merge *report) {
        for (size_t i = 0; i < circle->n_persons; i++) {
                Person *person = circle->persons[i];
                bool answered = strcmp(answered_before(circle, i), person->patient_id) == 0;

                if (answered == !person->merged_into || strcmp(person->patient_id, report->surviving_patient_id) == 0)
                        continue;
                if (list_append((void ***)&report->retired_patient_ids, &report->n_retired_patient_ids,
                                person->patient_id, work->arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Everybody whose record is another now: under whom it stood, and under whom it stands. */
static int concerned_index(FoldWork *work, const Circle *circle, uint32_t index) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < circle->n_persons; i++) {
                if (!circle_changed(circle, i))
                        continue;
                r = work_index_patient(work, circle->persons[i]->patient_id, index);
                r = r ?: work_index_patient(work, answered_before(circle, i), index);
                r = r ?: work_index_patient(work, circle->after[i], index);
                r = r ?: work_touch_record(work, circle->persons[i]->patient_id);
                r = r ?: work_touch_record(work, answered_before(circle, i));
                r = r ?: work_touch_record(work, circle->after[i]);
                r = r ?: work_touch_waiting(work, circle->persons[i]->patient_id);
                r = r ?: work_touch_waiting(work, answered_before(circle, i));
        }
        return r;
}

int join_publish(FoldWork *work, const Cause *cause, const Circle *circle, const char *type, Merge *report) {
        Carebus__V1__Event *event = work_event(work, type);
        const char *about = report->surviving_patient_id;
        char *event_id;
        int r;

        if (!event)
                return -ENOMEM;
        if (!about)
                about = answering_of(circle, cause->seeds[0]->patient_id, false);
        event->body_case = CAREBUS__V1__EVENT__BODY_MERGE;
        event->merge = report;
        r = work_derive(work, event, about, cause->said, &event_id);
        r = r ?: correction_publish(work, work->n_events + (uint32_t)work->outcome.n_derived - 1);
        return r ?: concerned_index(work, circle, work->n_events + (uint32_t)work->outcome.n_derived - 1);
}

static const char *type_by_change(const Circle *circle) {
        for (size_t i = 0; i < circle->n_persons; i++)
                if (circle->before[i]->merged_into && !circle->persons[i]->merged_into)
                        return "patient.unmerged";
        return "patient.merged";
}

int join_report(FoldWork *work, const Cause *cause, const Circle *circle, bool *ret_changed) {
        Merge *report = cause->report;
        int r;

        *ret_changed = false;
        for (size_t i = 0; i < circle->n_persons; i++)
                *ret_changed = *ret_changed || circle_changed(circle, i);
        report->surviving_patient_id = (char *)answering_of(circle, cause->seeds[0]->patient_id, false);
        r = persons_list(work, circle, report);
        if (r == 0 && *ret_changed)
                r = moved_list(work, circle, report);
        if (r == 0 && *ret_changed)
                r = join_publish(work, cause, circle, cause->type ?: type_by_change(circle), report);
        /* Behind it, so that what waits is found under a report that has been said; it still is this one's. */
        return r ?: join_doubts(work, cause, circle);
}
