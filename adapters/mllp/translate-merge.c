/*
 * A40 and its older relatives: each PID with the MRG behind it is one merge of its own.
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

static void merge_event(Translation *t, const Person *person, const Hl7Segment *mrg) {
        Carebus__V1__Merge *merge = draft_message(&t->draft, &carebus__v1__merge__descriptor);
        Carebus__V1__Event *event;

        if (!merge)
                return;
        identifiers_read(t, mrg, 1, NULL, &merge->n_retired, &merge->retired);
        identifiers_read(t, mrg, 2, "PID-2", &merge->n_retired, &merge->retired);
        identifiers_read(t, mrg, 4, "PID-2", &merge->n_retired, &merge->retired);
        if (merge->n_retired == 0) {
                draft_problem(&t->draft, "no-identifier", translation_position(t, mrg, 1), /* urgent= */ true);
                return;
        }
        for (size_t i = 0; i < person->demographics->n_identifiers; i++)
                draft_append(&t->draft, &merge->n_surviving, &merge->surviving, person->demographics->identifiers[i]);
        couple(merge);
        merge->has_scope = true;
        merge->scope = CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON;
        event = event_new(t, "patient.merged", CAREBUS__V1__ACTION__ACTION_NEW);
        if (!event)
                return;
        event->body_case = CAREBUS__V1__EVENT__BODY_MERGE;
        event->merge = merge;
        event_set_person(t, event, person, /* with_demographics= */ true);
        event_set_profile_fields(t, event);
        death_translate(t, person, /* visit= */ NULL);
}

static void group_translate(Translation *t, const Hl7Segment *pid, const Hl7Segment *end) {
        const Hl7Segment *last = end ? end : t->message->segments + t->message->n_segments;
        const Hl7Segment *mrg = hl7_find_next(t->message, "MRG", pid);
        Person person;

        if (!mrg || mrg >= last) {
                draft_problem(&t->draft, "no-merged-patient", translation_position(t, pid, 0), /* urgent= */ true);
                return;
        }
        if (person_read(t, pid, end, &person) < 0)
                return;
        if (person.demographics->n_identifiers == 0) {
                draft_problem(&t->draft, "no-identifier", translation_position(t, pid, 3), /* urgent= */ true);
                return;
        }
        for (; mrg && mrg < last; mrg = hl7_find_next(t->message, "MRG", mrg))
                merge_event(t, &person, mrg);
}

void merge_translate(Translation *t, const TriggerRow *row) {
        const Hl7Segment *pid = hl7_find(t->message, "PID", 1);

        if (!pid)
                draft_problem(&t->draft, "no-patient", "PID", /* urgent= */ true);
        while (pid) {
                const Hl7Segment *next = hl7_find_next(t->message, "PID", pid);

                group_translate(t, pid, next);
                pid = next;
        }
}
