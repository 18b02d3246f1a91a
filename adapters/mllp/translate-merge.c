/*
 * Who is whom. A40 and its older relatives: each PID with the MRG behind it is one merge of its own. A24 and A37: each further PID
 * is, or is no longer, the person of the first. A41 to A51: what belonged to another number, or to another person.
 */
#include <string.h>

#include "adapters/mllp/translate-rules.h"

/* All repeats of a CX field. `apart`: see identifier_set_apart(). */
static void identifiers_read(Translation *t, const Hl7Segment *segment, unsigned number, const char *apart, size_t *n,
                             Carebus__V1__Identifier ***list) {
        Hl7Value value = hl7_field(t->message, segment, number), repeat;

        if (value_is_cleared(t, value)) {
                hl7_note_read(value);
                return;
        }
        while (hl7_next_repeat(t->message, &value, &repeat)) {
                Carebus__V1__Identifier *identifier = value_identifier(t, repeat);
                bool is_known = false;

                if (!identifier)
                        continue;
                identifier_set_apart(t, identifier, apart);
                for (size_t i = 0; i < *n; i++)
                        is_known = is_known || identifiers_are_equal((*list)[i], identifier);
                if (!is_known)
                        draft_append(&t->draft, n, list, identifier);
        }
}

static bool authorities_are_equal(const Carebus__V1__Identifier *a, const Carebus__V1__Identifier *b) {
        return texts_are_equal(a->authority, b->authority);
}

static void swap(Carebus__V1__Identifier **list, size_t a, size_t b) {
        Carebus__V1__Identifier *held = list[a];

        list[a] = list[b];
        list[b] = held;
}

/* Orders both lists so that equal indexes belong together: first pairs of one authority (and of one type, where several
 * have it), then whatever is left by position. */
static void couple(Carebus__V1__Merge *merge) {
        size_t n_coupled = 0;

        for (size_t i = 0; i < merge->n_retired && n_coupled < merge->n_surviving; i++) {
                size_t found = SIZE_MAX;

                for (size_t j = n_coupled; j < merge->n_surviving; j++) {
                        if (!authorities_are_equal(merge->surviving[j], merge->retired[i]))
                                continue;
                        if (found == SIZE_MAX || texts_are_equal(merge->surviving[j]->type, merge->retired[i]->type))
                                found = j;
                        if (texts_are_equal(merge->surviving[j]->type, merge->retired[i]->type))
                                break;
                }
                if (found == SIZE_MAX)
                        continue;
                for (size_t j = found; j > n_coupled; j--) /* keeps the order of those that are passed */
                        swap(merge->surviving, j, j - 1);
                for (size_t j = i; j > n_coupled; j--)
                        swap(merge->retired, j, j - 1);
                n_coupled++;
        }
}

/* ---- the numbers of one person and of one MRG */

static Carebus__V1__Merge *merge_new(Translation *t, const Person *person, const Hl7Segment *mrg,
                                     Carebus__V1__Merge__Scope scope) {
        Carebus__V1__Merge *merge = draft_message(&t->draft, &carebus__v1__merge__descriptor);

        if (!merge)
                return NULL;
        merge->has_scope = true;
        merge->scope = scope;
        for (size_t i = 0; i < person->demographics->n_identifiers; i++)
                draft_append(&t->draft, &merge->n_surviving, &merge->surviving, person->demographics->identifiers[i]);
        if (!mrg)
                return merge;
        identifiers_read(t, mrg, 1, NULL, &merge->n_retired, &merge->retired);
        identifiers_read(t, mrg, 2, "PID-2", &merge->n_retired, &merge->retired);
        identifiers_read(t, mrg, 4, "PID-2", &merge->n_retired, &merge->retired);
        couple(merge);
        return merge;
}

static void merge_event(Translation *t, const char *type, const Person *person, Carebus__V1__Merge *merge) {
        Carebus__V1__Event *event = event_new(t, type, CAREBUS__V1__ACTION__ACTION_NEW);

        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_MERGE;
        event->merge = merge;
        event->encounter_id = merge->scope == CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT ? merge->visit : NULL;
        event_set_person(t, event, person, /* with_demographics= */ true);
        event_set_profile_fields(t, event);
}

/* ---- one group: a PID, and what follows up to the next */

typedef void (*GroupReader)(Translation *t, const TriggerRow *row, const Person *person, const Hl7Segment *mrg);

static void group_translate(Translation *t, const TriggerRow *row, const Hl7Segment *pid, GroupReader read) {
        const Hl7Segment *end = hl7_find_next(t->message, "PID", pid);
        const Hl7Segment *mrg = translation_next(t, "MRG", pid, end);
        Person person;

        if (!mrg) {
                draft_problem(&t->draft, "no-merged-patient", translation_position(t, pid, 0), /* urgent= */ true);
                return;
        }
        if (person_read(t, pid, end, &person) < 0)
                return;
        if (person.demographics->n_identifiers == 0) {
                draft_problem(&t->draft, "no-identifier", translation_position(t, pid, 3), /* urgent= */ true);
                return;
        }
        for (; mrg; mrg = translation_next(t, "MRG", mrg, end))
                read(t, row, &person, mrg);
        death_translate(t, &person, /* visit= */ NULL);
}

static void groups_translate(Translation *t, const TriggerRow *row, GroupReader read) {
        const Hl7Segment *pid = hl7_find(t->message, "PID", 1);

        if (!pid)
                draft_problem(&t->draft, "no-patient", "PID", /* urgent= */ true);
        for (; pid; pid = hl7_find_next(t->message, "PID", pid))
                group_translate(t, row, pid, read);
}

/* ---- merges */

static void merge_read(Translation *t, const TriggerRow *row, const Person *person, const Hl7Segment *mrg) {
        Carebus__V1__Merge *merge = merge_new(t, person, mrg, CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON);

        if (!merge)
                return;
        if (merge->n_retired == 0)
                draft_problem(&t->draft, "no-identifier", translation_position(t, mrg, 1), /* urgent= */ true);
        else
                merge_event(t, "patient.merged", person, merge);
}

void merge_translate(Translation *t, const TriggerRow *row) {
        groups_translate(t, row, merge_read);
}

/* ---- moves, and other numbers for the same */

#define IDENTIFIERS CAREBUS__V1__MERGE__SCOPE__SCOPE_IDENTIFIERS
#define NUMBER CAREBUS__V1__MERGE__SCOPE__SCOPE_NUMBER
#define ACCOUNT CAREBUS__V1__MERGE__SCOPE__SCOPE_ACCOUNT
#define VISIT CAREBUS__V1__MERGE__SCOPE__SCOPE_VISIT

/* Which number stood where, and where it stands now. */
static const struct {
        const char *event;
        Carebus__V1__Merge__Scope scope;
        uint8_t former; /* field of MRG */
        const char *segment;
        uint8_t field;
} moves[] = {
        { "A41", ACCOUNT, 3, "PID", 18 }, /* two accounts become one */
        { "A42", VISIT, 5, "PV1", 19 },   /* two visits become one */
        { "A43", IDENTIFIERS, 0, NULL, 0 }, { "A44", ACCOUNT, 3, "PID", 18 },
        { "A45", VISIT, 5, "PV1", 19 },     { "A47", NUMBER, 0, NULL, 0 }, /* another number for the same person */
        { "A49", ACCOUNT, 3, "PID", 18 },   { "A50", VISIT, 5, "PV1", 19 },
        { "A51", VISIT, 6, "PV1", 50 }, /* by the alternate number */
};

/* PV1 behind the MRG that it belongs to; in A50 there is one, wherever it stands. */
static const Hl7Segment *segment_of_move(const Translation *t, const char *name, const Person *person,
                                         const Hl7Segment *mrg) {
        const Hl7Segment *next = translation_next(t, "MRG", mrg, person->end);
        const Hl7Segment *found = NULL;

        if (strcmp(name, "PID") == 0)
                return person->pid;
        found = translation_next(t, name, mrg, next ?: person->end);
        return found ?: translation_next(t, name, person->pid, person->end);
}

static Carebus__V1__Identifier *identifier_at(Translation *t, const Hl7Segment *segment, unsigned field) {
        return segment ? value_identifier(t, hl7_repeat(t->message, hl7_field(t->message, segment, field), 1)) : NULL;
}

/* A move needs what moves and where it was: the numbers of another person, or of another visit or account. */
static void move_read(Translation *t, const TriggerRow *row, const Person *person, const Hl7Segment *mrg) {
        Carebus__V1__Merge *merge;
        const char *missing = "no-identifier";
        size_t i = 0;

        while (i + 1 < ELEMENTSOF(moves) && strcmp(moves[i].event, row->event) != 0)
                i++;
        merge = merge_new(t, person, mrg, moves[i].scope);
        if (!merge)
                return;
        if (moves[i].former) {
                missing = moves[i].scope == VISIT ? "no-visit" : "no-account";
                merge->former_visit = identifier_at(t, mrg, moves[i].former);
                merge->visit = identifier_at(t, segment_of_move(t, moves[i].segment, person, mrg), moves[i].field);
        }
        if (moves[i].former ? merge->visit && (merge->former_visit || merge->n_retired) : merge->n_retired > 0)
                merge_event(t, row->type, person, merge);
        else
                draft_problem(&t->draft, missing, translation_position(t, mrg, moves[i].former ?: 1),
                              /* urgent= */ true);
}

void move_translate(Translation *t, const TriggerRow *row) {
        groups_translate(t, row, move_read);
}

/* ---- links */

/* The second of them, and each further one, with the first. */
void link_translate(Translation *t, const TriggerRow *row) {
        const Hl7Segment *pid = hl7_find(t->message, "PID", 1);
        Person first = { .pid = pid }, other;
        size_t n_others = 0;

        if (!pid) {
                draft_problem(&t->draft, "no-patient", "PID", /* urgent= */ true);
                return;
        }
        for (const Hl7Segment *next; pid; pid = next) {
                Carebus__V1__Merge *merge;

                next = hl7_find_next(t->message, "PID", pid);
                if (person_read(t, pid, next, &other) < 0)
                        return;
                if (other.demographics->n_identifiers == 0) {
                        draft_problem(&t->draft, "no-identifier", translation_position(t, pid, 3), /* urgent= */ true);
                        return;
                }
                if (pid->occurrence == 1) {
                        first = other;
                        continue;
                }
                merge = merge_new(t, &first, /* mrg= */ NULL, CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON);
                if (!merge)
                        return;
                for (size_t i = 0; i < other.demographics->n_identifiers; i++)
                        draft_append(&t->draft, &merge->n_retired, &merge->retired, other.demographics->identifiers[i]);
                couple(merge);
                merge_event(t, row->type, &first, merge);
                death_translate(t, &other, /* visit= */ NULL);
                n_others++;
        }
        if (n_others == 0)
                draft_problem(&t->draft, "no-linked-patient", "PID[2]", /* urgent= */ true);
        else
                death_translate(t, &first, /* visit= */ NULL);
}
