/* One entry on its way: what it touches, and what it leaves behind. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/held.h"
#include "daemon/record/keys.h"
#include "daemon/stage/fold-parts.h"
#include "daemon/stage/recall.h"
#include "daemon/stage/relationship.h"

#define PERSONS_FEW 16 /* fewer are looked through one by one */

int work_get(FoldWork *work, StateTable table, const StateKey *key, const ProtobufCMessageDescriptor *descriptor,
             ProtobufCMessage **ret) {
        Bytes value;
        int r;

        if (key->error < 0)
                return key->error;
        r = overlay_get(work->fold->overlay, work->txn, table, state_key_all(key), &value);
        return r ?: message_unpack(descriptor, value, work->arena, ret);
}

/* Room for one more in a list of the work. */
static int list_room(FoldWork *work, void **items, size_t n, size_t *room, size_t size) {
        size_t wanted = *room ? *room * 2 : 8;
        void *grown;

        if (n < *room)
                return 0;
        grown = arena_alloc(work->arena, wanted * size);
        if (!grown)
                return -ENOMEM;
        if (n > 0)
                memcpy(grown, *items, n * size);
        *items = grown;
        *room = wanted;
        return 0;
}

static bool is_listed(const char *const *ids, size_t n, const char *patient_id) {
        for (size_t i = n; i > 0; i--)
                if (strcmp(ids[i - 1], patient_id) == 0)
                        return true;
        return false;
}

int work_touch_record(FoldWork *work, const char *patient_id) {
        char *kept;
        int r;

        if (is_listed(work->touched.items, work->touched.n, patient_id))
                return 0;
        kept = arena_text(work->arena, patient_id, strlen(patient_id));
        r = kept ? list_room(work, (void **)&work->touched.items, work->touched.n, &work->touched.room, sizeof(kept))
                 : -ENOMEM;
        if (r == 0)
                work->touched.items[work->touched.n++] = kept;
        return r;
}

int work_touch_waiting(FoldWork *work, const char *patient_id) {
        char *kept;
        int r;

        if (is_listed(work->waiting.items, work->waiting.n, patient_id))
                return 0;
        kept = arena_text(work->arena, patient_id, strlen(patient_id));
        r = kept ? list_room(work, (void **)&work->waiting.items, work->waiting.n, &work->waiting.room, sizeof(kept))
                 : -ENOMEM;
        if (r == 0)
                work->waiting.items[work->waiting.n++] = kept;
        return r;
}

/* The key is the patient id and its zero byte, then the section, its source and more. */
static int touch_section(FoldWork *work, const StateKey *key) {
        const char *patient_id = (const char *)key->data;
        const char *name = patient_id + strlen(patient_id) + 1;
        char section[32]; /* longer ones are not held */
        size_t n = 0, most = key->size - (size_t)(name - patient_id);
        int r = work_touch_record(work, patient_id);

        while (n < most && n < sizeof(section) - 1 && name[n] && name[n] != '/')
                n++;
        memcpy(section, name, n);
        section[n] = '\0';
        return r == 0 && held_kind_of_section(section) ? work_touch_waiting(work, patient_id) : r;
}

/* Whose record a value is part of. */
static int touch_owner(FoldWork *work, StateTable table, const StateKey *key, const ProtobufCMessage *message) {
        const Carebus__V1__Review *review = (const Carebus__V1__Review *)message;
        int r = 0;

        switch (table) {
        case STATE_PERSON: /* the key is the patient id and its zero byte */
                return work_touch_record(work, (const char *)key->data);
        case STATE_SECTION:
                return touch_section(work, key);
        case STATE_REVIEW:
        case STATE_REVIEWED:
                for (size_t i = 0; r == 0 && i < review->n_patient_ids; i++)
                        r = work_touch_record(work, review->patient_ids[i]);
                return r;
        default:
                return 0;
        }
}

int work_put(FoldWork *work, StateTable table, const StateKey *key, const ProtobufCMessage *message) {
        Bytes packed;
        int r;

        if (key->error < 0)
                return key->error;
        packed = message_pack(message, work->arena);
        if (!packed.data)
                return -ENOMEM;
        r = overlay_put(work->fold->overlay, table, state_key_all(key), packed);
        return r ?: touch_owner(work, table, key, message);
}

/* The slot of this person, or the free one where it belongs. */
static uint32_t *person_slot(const FoldWork *work, const char *patient_id) {
        uint32_t hash = 2166136261U;

        for (const char *at = patient_id; *at; at++)
                hash = (hash ^ (uint8_t)*at) * 16777619U;
        for (size_t i = hash;; i++) {
                uint32_t *slot = &work->person_slots[i % work->n_person_slots];

                if (*slot == 0 || strcmp(work->persons.items[*slot - 1].person->patient_id, patient_id) == 0)
                        return slot;
        }
}

/* At most half of the slots are taken. */
static int person_slots_make(FoldWork *work) {
        const size_t n = MAX(4 * work->persons.n, (size_t)4 * PERSONS_FEW);
        uint32_t *slots = arena_alloc(work->arena, n * sizeof(*slots));

        if (!slots)
                return -ENOMEM;
        memset(slots, 0, n * sizeof(*slots));
        work->person_slots = slots;
        work->n_person_slots = n;
        for (size_t i = 0; i < work->persons.n; i++)
                *person_slot(work, work->persons.items[i].person->patient_id) = (uint32_t)i + 1;
        return 0;
}

static int person_keep(FoldWork *work, Carebus__V1__Person *person, bool dirty) {
        int r = list_room(work, (void **)&work->persons.items, work->persons.n, &work->persons.room,
                          sizeof(WorkPerson));

        if (r)
                return r;
        work->persons.items[work->persons.n++] = (WorkPerson){ .person = person, .dirty = dirty };
        if (work->persons.n < PERSONS_FEW)
                return 0;
        if (2 * work->persons.n > work->n_person_slots)
                return person_slots_make(work);
        *person_slot(work, person->patient_id) = (uint32_t)work->persons.n;
        return 0;
}

static Carebus__V1__Person *person_kept(const FoldWork *work, const char *patient_id) {
        if (work->person_slots) {
                const uint32_t slot = *person_slot(work, patient_id);

                return slot > 0 ? work->persons.items[slot - 1].person : NULL;
        }
        for (size_t i = 0; i < work->persons.n; i++)
                if (strcmp(work->persons.items[i].person->patient_id, patient_id) == 0)
                        return work->persons.items[i].person;
        return NULL;
}

int work_person(FoldWork *work, const char *patient_id, Carebus__V1__Person **ret) {
        StateKey key;
        int r;

        *ret = person_kept(work, patient_id);
        if (*ret)
                return 0;
        key = state_key_person(patient_id);
        r = work_get(work, STATE_PERSON, &key, &carebus__v1__person__descriptor, (ProtobufCMessage **)ret);
        return r ?: person_keep(work, *ret, /* dirty= */ false);
}

int work_person_make(FoldWork *work, char *patient_id, Carebus__V1__Person **ret) {
        Carebus__V1__Person *person = message_new(&carebus__v1__person__descriptor, work->arena);
        int r;

        if (!person)
                return -ENOMEM;
        person->patient_id = patient_id;
        r = person_keep(work, person, /* dirty= */ true);
        if (r == 0)
                *ret = person;
        return r;
}

void work_person_touch(FoldWork *work, const Carebus__V1__Person *person) {
        for (size_t i = 0; i < work->persons.n; i++)
                if (work->persons.items[i].person == person)
                        work->persons.items[i].dirty = true;
        recall_forget(work->fold->recall, person->patient_id);
}

int work_activities(FoldWork *work, const char *patient_id, Carebus__V1__StoredActivities **ret) {
        StateKey key = state_key_section(patient_id, SECTION_ACTIVITY);
        int r;

        r = work_get(work, STATE_SECTION, &key, &carebus__v1__stored_activities__descriptor, (ProtobufCMessage **)ret);
        if (r != STATE_E_NOT_FOUND)
                return r;
        *ret = message_new(&carebus__v1__stored_activities__descriptor, work->arena);
        return *ret ? 0 : -ENOMEM;
}

int work_section(FoldWork *work, const char *patient_id, const char *name, Carebus__V1__StoredSection **ret) {
        Carebus__V1__StoredSection *section;
        StateKey key;
        int r;

        for (size_t i = 0; i < work->sections.n; i++)
                if (strcmp(work->sections.items[i].patient_id, patient_id) == 0 &&
                    strcmp(work->sections.items[i].name, name) == 0) {
                        *ret = work->sections.items[i].section;
                        return 0;
                }
        key = state_key_section(patient_id, name);
        r = work_get(work, STATE_SECTION, &key, &carebus__v1__stored_section__descriptor,
                     (ProtobufCMessage **)&section);
        if (r == STATE_E_NOT_FOUND) {
                section = message_new(&carebus__v1__stored_section__descriptor, work->arena);
                r = section ? 0 : -ENOMEM;
        }
        if (r == 0)
                r = list_room(work, (void **)&work->sections.items, work->sections.n, &work->sections.room,
                              sizeof(WorkSection));
        if (r)
                return r;
        work->sections.items[work->sections.n++] =
                (WorkSection){ .patient_id = patient_id, .name = name, .section = section };
        *ret = section;
        return 0;
}

void work_section_touch(FoldWork *work, const Carebus__V1__StoredSection *section) {
        for (size_t i = 0; i < work->sections.n; i++)
                if (work->sections.items[i].section == section)
                        work->sections.items[i].dirty = true;
}

int work_look_later(FoldWork *work, const char *patient_id, const Said *said) {
        char *kept;
        int r;

        for (size_t i = 0; i < work->later.n; i++)
                if (strcmp(work->later.items[i].patient_id, patient_id) == 0) {
                        work->later.items[i].said = *said;
                        return 0;
                }
        kept = arena_text(work->arena, patient_id, strlen(patient_id));
        r = kept ? list_room(work, (void **)&work->later.items, work->later.n, &work->later.room, sizeof(WorkLook))
                 : -ENOMEM;
        if (r == 0)
                work->later.items[work->later.n++] = (WorkLook){ .patient_id = kept, .said = *said };
        return r;
}

int work_number(FoldWork *work, const char *key, char *numbered, const ProtobufCMessage *body) {
        int r = list_room(work, (void **)&work->numbered.items, work->numbered.n, &work->numbered.room,
                          sizeof(WorkNumbered));

        if (r == 0)
                work->numbered.items[work->numbered.n++] = (WorkNumbered){ key, numbered, body };
        return r;
}

int work_confirm(FoldWork *work, uint32_t index) {
        Carebus__V1__Outcome *outcome = &work->outcome;

        if (!outcome->confirms)
                outcome->confirms = arena_alloc(work->arena, work->n_events * sizeof(*outcome->confirms));
        if (!outcome->confirms)
                return -ENOMEM;
        outcome->confirms[outcome->n_confirms++] = index;
        return 0;
}

int work_store(FoldWork *work) {
        for (size_t i = 0; i < work->persons.n; i++) {
                WorkPerson *kept = &work->persons.items[i];
                StateKey key = state_key_person(kept->person->patient_id);
                int r = kept->dirty ? work_put(work, STATE_PERSON, &key, &kept->person->base) : 0;

                if (r)
                        return r;
                kept->dirty = false;
        }
        for (size_t i = 0; i < work->sections.n; i++) {
                WorkSection *kept = &work->sections.items[i];
                StateKey key = state_key_section(kept->patient_id, kept->name);
                int r = kept->dirty ? work_put(work, STATE_SECTION, &key, &kept->section->base) : 0;

                if (r)
                        return r;
                kept->dirty = false;
        }
        return sharing_store(work);
}

int work_store_through(FoldWork *work) {
        int r = work_store(work);

        return r ?: overlay_flush(work->fold->overlay, work->txn);
}

Carebus__V1__Event *work_event(FoldWork *work, const char *type) {
        Carebus__V1__Event *event = message_new(&carebus__v1__event__descriptor, work->arena);

        if (!event)
                return NULL;
        event->type = (char *)type;
        event->has_action = 1;
        event->action = CAREBUS__V1__ACTION__ACTION_NEW;
        return event;
}

int work_derive(FoldWork *work, Carebus__V1__Event *derived, const char *about, const Said *cause,
                char **ret_event_id) {
        uint32_t index = work->n_events + (uint32_t)work->outcome.n_derived;
        Carebus__V1__Subject *subject = message_new(&carebus__v1__subject__descriptor, work->arena);
        int r;

        if (!subject)
                return -ENOMEM;
        subject->patient_id = (char *)about;
        derived->patient = subject;
        derived->occurred_at = cause->event->occurred_at;
        derived->recorded_at = cause->event->recorded_at;
        *ret_event_id = id_text("", work->seq, index, work->arena);
        r = *ret_event_id ? 0 : -ENOMEM;
        /* A date that passed is no event, and the first event of what a person decided has no cause but that. */
        if (r == 0 && cause->event->event_id && strcmp(cause->event->event_id, *ret_event_id) != 0)
                r = list_append((void ***)&derived->caused_by, &derived->n_caused_by, cause->event->event_id,
                                work->arena);
        if (r == 0)
                r = list_append((void ***)&work->outcome.derived, &work->outcome.n_derived, derived, work->arena);
        return r ?: work_index_patient(work, about, index);
}

int work_index_patient(FoldWork *work, const char *patient_id, uint32_t index) {
        StateKey key = state_key_patient_seq(patient_id, work->seq, index);

        if (key.error < 0)
                return key.error;
        return state_put(work->txn, STATE_PATIENT_SEQ, state_key_all(&key), BYTES_NULL);
}

/* Patient ids without repetition. */
typedef struct FoldNames {
        const char **items;
        size_t n;
} FoldNames;

static bool names_have(const FoldNames *names, const char *patient_id) {
        for (size_t i = 0; i < names->n; i++)
                if (strcmp(names->items[i], patient_id) == 0)
                        return true;
        return false;
}

/* Who answers for a person now; the id itself where nobody knows it. */
static int answering_id(FoldWork *work, const char *patient_id, const char **ret) {
        Carebus__V1__Person *person;
        int r;

        r = work_person(work, patient_id, &person);
        if (r && r != STATE_E_NOT_FOUND)
                return r;
        *ret = r == 0 && person->merged_into ? person->merged_into : patient_id;
        return 0;
}

/* Everybody whom the events of the outcome name: whoever reads it looks at them by themselves. */
static int names_add(FoldWork *work, FoldNames *names, const char *patient_id) {
        if (!patient_id || !patient_id[0] || names_have(names, patient_id))
                return 0;
        return list_append((void ***)&names->items, &names->n, (void *)patient_id, work->arena);
}

static int names_of_outcome(FoldWork *work, FoldNames *names) {
        const Carebus__V1__Outcome *outcome = &work->outcome;
        int r = 0;

        for (size_t i = 0; r == 0 && i < outcome->n_patient_ids; i++)
                r = names_add(work, names, outcome->patient_ids[i]);
        for (size_t i = 0; r == 0 && i < outcome->n_derived; i++) {
                const Carebus__V1__Event *event = outcome->derived[i];

                r = event->patient ? names_add(work, names, event->patient->patient_id) : 0;
                if (event->body_case != CAREBUS__V1__EVENT__BODY_MERGE)
                        continue;
                for (size_t j = 0; r == 0 && j < event->merge->n_retired_patient_ids; j++)
                        r = names_add(work, names, event->merge->retired_patient_ids[j]);
        }
        return r;
}

int work_touched(FoldWork *work) {
        Carebus__V1__Outcome *outcome = &work->outcome;
        FoldNames names = {};
        int r;

        if (work->touched.n == 0)
                return 0;
        r = names_of_outcome(work, &names);
        for (size_t i = 0; r == 0 && i < work->touched.n; i++) {
                const char *answering;

                if (names_have(&names, work->touched.items[i]))
                        continue;
                r = answering_id(work, work->touched.items[i], &answering);
                if (r || names_have(&names, answering))
                        continue;
                /* Named from here on, so that nobody is twice. */
                r = names_add(work, &names, answering);
                if (r == 0)
                        r = list_append((void ***)&outcome->touched, &outcome->n_touched, (void *)answering,
                                        work->arena);
        }
        return r;
}

FoldCounts *work_counts(FoldWork *work) {
        Fold *fold = work->fold;
        FoldCounts *grown;

        for (size_t i = 0; i < fold->n_counts; i++)
                if (strncmp(fold->counts[i].source, work->source, sizeof(fold->counts[i].source) - 1) == 0)
                        return &fold->counts[i];
        grown = reallocarray(fold->counts, fold->n_counts + 1, sizeof(*grown));
        if (!grown)
                return NULL;
        fold->counts = grown;
        grown += fold->n_counts++;
        *grown = (FoldCounts){};
        /* Names are at most 32 bytes; a journal that holds another is counted under what fits. */
        memcpy(grown->source, work->source, strnlen(work->source, sizeof(grown->source) - 1));
        return grown;
}
