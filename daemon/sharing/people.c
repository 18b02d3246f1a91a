#include "daemon/sharing/people.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

/*
 * Two halves of the memory: what is asked about lies in the younger; when that is full it becomes the elder, and who was asked about
 * in the elder alone is forgotten.
 */
#define BYTES_DEFAULT ((size_t)8 << 20)
#define BYTES_MIN ((size_t)128 << 10)
#define BUCKETS 4096

typedef struct Known {
        struct Known *next;
        uint64_t hash;
        const char *patient_id;
        const SharingPerson *person;
} Known;

typedef struct Half {
        Arena *arena;
        Known *buckets[BUCKETS];
        bool is_used;
} Half;

struct SharingPeople {
        SharingRead read;
        void *owner;
        size_t half_bytes;
        Sharing *sharing; /* held, so that no other takes its place in memory */
        uint64_t head;
        Half halves[2];
        unsigned younger;
        SharingPeopleCounts counts;
};

int sharing_people_new(size_t bytes, SharingRead read, void *owner, SharingPeople **ret) {
        _cleanup_(sharing_people_freep) SharingPeople *people = calloc(1, sizeof(*people));
        int r = 0;

        if (!people)
                return -ENOMEM;
        people->read = read;
        people->owner = owner;
        people->half_bytes = MAX(bytes ?: BYTES_DEFAULT, BYTES_MIN) / 2;
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(people->halves); i++)
                r = arena_new(&people->halves[i].arena, people->half_bytes);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(people);
        return 0;
}

SharingPeople *sharing_people_free(SharingPeople *people) {
        if (!people)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(people->halves); i++)
                arena_free(people->halves[i].arena);
        sharing_unref(people->sharing);
        free(people);
        return NULL;
}

static void half_forget(Half *half) {
        if (!half->is_used)
                return;
        memset(half->buckets, 0, sizeof(half->buckets));
        arena_reset(half->arena);
        half->is_used = false;
}

static uint64_t hash_of(const char *text) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *text; text++)
                hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
        return hash;
}

static const Known *half_find(const Half *half, uint64_t hash, const char *patient_id) {
        const Known *known = half->buckets[hash % BUCKETS];

        while (known && (known->hash != hash || strcmp(known->patient_id, patient_id) != 0))
                known = known->next;
        return known;
}

static int half_read(SharingPeople *people, Half *half, uint64_t hash, const char *patient_id, const Known **ret) {
        Carebus__V1__PersonSharing *said = NULL;
        Known *known = arena_alloc(half->arena, sizeof(*known));
        char *id = arena_text(half->arena, patient_id, strlen(patient_id));
        int r;

        half->is_used = true;
        if (!known || !id)
                return -ENOMEM;
        r = people->read(people->owner, patient_id, half->arena, &said);
        if (r < 0)
                return r;
        *known = (Known){ .hash = hash, .patient_id = id };
        r = sharing_person(people->sharing, r == 0 ? said : NULL, half->arena, &known->person);
        if (r < 0)
                return r;
        known->next = half->buckets[hash % BUCKETS];
        half->buckets[hash % BUCKETS] = known;
        *ret = known;
        return 0;
}

static int people_read(SharingPeople *people, uint64_t hash, const char *patient_id, const Known **ret) {
        Half *half = &people->halves[people->younger];
        ArenaMark mark = arena_mark(half->arena);
        int r;

        people->counts.read++;
        r = half_read(people, half, hash, patient_id, ret);
        if (r != -ENOMEM)
                return r;
        arena_rewind(half->arena, mark);
        people->younger = !people->younger;
        people->counts.forgotten++;
        half = &people->halves[people->younger];
        half_forget(half);
        r = half_read(people, half, hash, patient_id, ret);
        if (r < 0)
                half_forget(half);
        return r;
}

int sharing_people_find(SharingPeople *people, const Sharing *sharing, uint64_t head, const char *patient_id,
                        const SharingPerson **ret) {
        const Known *known;
        uint64_t hash;
        int r;

        people->counts.asked++;
        if (people->sharing != sharing || people->head != head) {
                sharing_unref(people->sharing);
                people->sharing = sharing_ref((Sharing *)(uintptr_t)sharing);
                people->head = head;
                for (size_t i = 0; i < ELEMENTSOF(people->halves); i++)
                        half_forget(&people->halves[i]);
        }
        if (!patient_id || !patient_id[0]) {
                *ret = sharing_nobody(sharing);
                return 0;
        }
        hash = hash_of(patient_id);
        known = half_find(&people->halves[people->younger], hash, patient_id);
        if (!known)
                known = half_find(&people->halves[!people->younger], hash, patient_id);
        if (!known) {
                r = people_read(people, hash, patient_id, &known);
                if (r < 0)
                        return r;
        }
        *ret = known->person;
        return 0;
}

SharingPeopleCounts sharing_people_counts(const SharingPeople *people) {
        return people->counts;
}
