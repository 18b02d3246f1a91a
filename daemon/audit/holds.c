/* Two sorted lists. */
#include "daemon/audit/holds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/audit/record-look.h"

typedef struct HeldPerson {
        char *patient_id;
        int64_t from_at;
        unsigned why;
} HeldPerson;

typedef struct HeldEntry {
        uint64_t seq;
        unsigned why;
} HeldEntry;

struct AuditHolds {
        Buffer persons, entries; /* HeldPerson, HeldEntry */
};

int audit_holds_new(AuditHolds **ret) {
        AuditHolds *holds = calloc(1, sizeof(*holds));

        if (!holds)
                return -ENOMEM;
        *ret = holds;
        return 0;
}

static HeldPerson *persons_of(const AuditHolds *holds, size_t *ret_n) {
        *ret_n = holds->persons.size / sizeof(HeldPerson);
        return (HeldPerson *)(void *)holds->persons.data;
}

AuditHolds *audit_holds_free(AuditHolds *holds) {
        HeldPerson *persons;
        size_t n;

        if (!holds)
                return NULL;
        persons = persons_of(holds, &n);
        for (size_t i = 0; i < n; i++)
                free(persons[i].patient_id);
        buffer_deinit(&holds->persons);
        buffer_deinit(&holds->entries);
        free(holds);
        return NULL;
}

int audit_holds_add_person(AuditHolds *holds, const char *patient_id, int64_t from_at, unsigned why) {
        HeldPerson held = { .patient_id = strdup(patient_id), .from_at = from_at, .why = why };

        if (!held.patient_id)
                return -ENOMEM;
        buffer_append(&holds->persons, &held, sizeof(held));
        if (holds->persons.error < 0)
                free(held.patient_id);
        return holds->persons.error;
}

int audit_holds_add_entry(AuditHolds *holds, uint64_t seq, unsigned why) {
        const HeldEntry held = { .seq = seq, .why = why };

        buffer_append(&holds->entries, &held, sizeof(held));
        return holds->entries.error;
}

/* Of one person the earliest comes first: what is held from then on is held by it. */
static int person_compare(const void *a, const void *b) {
        const HeldPerson *first = a, *second = b;
        const int names = strcmp(first->patient_id, second->patient_id);

        if (names != 0)
                return names;
        return first->from_at < second->from_at ? -1 : first->from_at > second->from_at;
}

static int entry_compare(const void *a, const void *b) {
        const HeldEntry *first = a, *second = b;

        return first->seq < second->seq ? -1 : first->seq > second->seq;
}

void audit_holds_end(AuditHolds *holds) {
        size_t n;
        HeldPerson *persons = persons_of(holds, &n);

        if (n > 1)
                qsort(persons, n, sizeof(*persons), person_compare);
        if (holds->entries.size > sizeof(HeldEntry))
                qsort(holds->entries.data, holds->entries.size / sizeof(HeldEntry), sizeof(HeldEntry), entry_compare);
}

/* ---- asking ------------------------------------------------------------------------------------------------------------------ */

typedef struct Asking {
        const AuditHolds *holds;
        int64_t at; /* of the record */
} Asking;

static int text_compare(Bytes text, const char *other) {
        const size_t n = strlen(other);
        const int begins = memcmp(text.data, other, MIN(text.size, n));

        if (begins != 0)
                return begins;
        return text.size < n ? -1 : text.size > n;
}

static unsigned person_find(const Asking *asking, Bytes patient_id) {
        const HeldPerson *persons;
        size_t low = 0, high;

        persons = persons_of(asking->holds, &high);
        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (text_compare(patient_id, persons[middle].patient_id) > 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        (void)persons_of(asking->holds, &high);
        return low < high && bytes_equal_text(patient_id, persons[low].patient_id) && asking->at >= persons[low].from_at
                       ? persons[low].why
                       : 0;
}

static unsigned entry_find(const Asking *asking, uint64_t seq) {
        const HeldEntry key = { .seq = seq };
        const HeldEntry *found = NULL;

        if (asking->holds->entries.size > 0)
                found = bsearch(&key, asking->holds->entries.data, asking->holds->entries.size / sizeof(key),
                                sizeof(key), entry_compare);
        return found ? found->why : 0;
}

static int look_held(const AuditLook *look, void *owner) {
        const Asking *asking = owner;
        unsigned why = look->patient_id.size > 0 ? person_find(asking, look->patient_id) : 0;

        if (why == 0 && !look->record && look->seq > 0)
                why = entry_find(asking, look->seq);
        return (int)why;
}

int audit_holds_find(const AuditHolds *holds, Bytes packed) {
        Asking asking = { .holds = holds };
        AuditLookHead head;
        int r;

        if (!holds || holds->persons.size + holds->entries.size == 0)
                return 0;
        r = audit_record_look(packed, &head, NULL, NULL);
        if (r < 0)
                return r;
        asking.at = head.at;
        return audit_record_look(packed, &head, look_held, &asking);
}
