#include "daemon/sharing/people.h"

#include <errno.h>
#include <stdatomic.h>
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
        ArenaMark empty;
        Known *buckets[BUCKETS];
        bool is_used;
} Half;

struct SharingPeople {
        SharingRead read;
        void *owner;
        size_t half_bytes;
        Arena *read_in;   /* one person, while they are put together: what is kept of them is far less */
        Sharing *sharing; /* held, so that no other takes its place in memory */
        uint64_t head;
        uint64_t generation;
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
        r = arena_new(&people->read_in, people->half_bytes);
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(people->halves); i++)
                r = arena_new(&people->halves[i].arena, people->half_bytes);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(people->halves); i++)
                people->halves[i].empty = arena_mark(people->halves[i].arena);
        *ret = TAKE_PTR(people);
        return 0;
}

SharingPeople *sharing_people_free(SharingPeople *people) {
        if (!people)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(people->halves); i++)
                arena_free(people->halves[i].arena);
        arena_free(people->read_in);
        sharing_unref(people->sharing);
        free(people);
        return NULL;
}

/* Across all of them: who asks of one what another gave finds it to be of none. */
static uint64_t next_generation(void) {
        static atomic_uint_fast64_t newest;

        return 1 + atomic_fetch_add_explicit(&newest, 1, memory_order_relaxed);
}

static void half_empty(SharingPeople *people, Half *half) {
        people->generation = next_generation();
        if (half->is_used)
                memset(half->buckets, 0, sizeof(half->buckets));
        half->is_used = false;
}

static void half_forget(SharingPeople *people, Half *half) {
        if (half->is_used)
                arena_reset(half->arena);
        half_empty(people, half);
}

/* It is filled again at once: its pages stay. */
static void half_begin_anew(SharingPeople *people, Half *half) {
        arena_rewind(half->arena, half->empty);
        half_empty(people, half);
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

static int half_keep(SharingPeople *people, Half *half, const Known *known, const SharingPerson *person,
                     const Known **ret) {
        Known *kept = arena_alloc(half->arena, sizeof(*kept));
        int r;

        half->is_used = true;
        if (!kept)
                return -ENOMEM;
        *kept = *known;
        kept->patient_id = arena_text(half->arena, known->patient_id, strlen(known->patient_id));
        if (!kept->patient_id)
                return -ENOMEM;
        r = sharing_person_copy(people->sharing, person, half->arena, &kept->person);
        if (r < 0)
                return r;
        kept->next = half->buckets[known->hash % BUCKETS];
        half->buckets[known->hash % BUCKETS] = kept;
        *ret = kept;
        return 0;
}

static int people_keep(SharingPeople *people, const Known *known, const SharingPerson *person, const Known **ret) {
        Half *half = &people->halves[people->younger];
        ArenaMark mark = arena_mark(half->arena);
        int r = half_keep(people, half, known, person, ret);

        if (r != -ENOMEM)
                return r;
        arena_rewind(half->arena, mark);
        people->younger = !people->younger;
        people->counts.forgotten++;
        half = &people->halves[people->younger];
        half_begin_anew(people, half);
        r = half_keep(people, half, known, person, ret);
        if (r < 0)
                half_forget(people, half);
        return r;
}

/* Of the memory of reading: good until somebody else is read. */
static int people_read(SharingPeople *people, const char *patient_id, const SharingPerson **ret) {
        Carebus__V1__PersonSharing *said = NULL;
        int r;

        people->counts.read++;
        arena_reset(people->read_in);
        r = people->read(people->owner, patient_id, people->read_in, &said);
        return r < 0 ? r : sharing_person(people->sharing, r == 0 ? said : NULL, people->read_in, ret);
}

/* Out of the elder half, which may be forgotten to make room. */
static int people_take_over(SharingPeople *people, const Known *elder, const SharingPerson **ret) {
        arena_reset(people->read_in);
        return sharing_person_copy(people->sharing, elder->person, people->read_in, ret);
}

static const Known *people_elder(const SharingPeople *people, uint64_t hash, const char *patient_id) {
        return half_find(&people->halves[!people->younger], hash, patient_id);
}

uint64_t sharing_people_generation(SharingPeople *people, const Sharing *sharing, uint64_t head) {
        if (people->sharing != sharing || people->head != head || people->generation == 0) {
                sharing_unref(people->sharing);
                people->sharing = sharing_ref((Sharing *)(uintptr_t)sharing);
                people->head = head;
                for (size_t i = 0; i < ELEMENTSOF(people->halves); i++)
                        half_forget(people, &people->halves[i]);
        }
        return people->generation;
}

int sharing_people_find(SharingPeople *people, const Sharing *sharing, uint64_t head, const char *patient_id,
                        const SharingPerson **ret) {
        const Known *known, *elder;
        const SharingPerson *person;
        Known wanted;
        int r;

        people->counts.asked++;
        (void)sharing_people_generation(people, sharing, head);
        if (!patient_id || !patient_id[0]) {
                *ret = sharing_nobody(sharing);
                return 0;
        }
        wanted = (Known){ .hash = hash_of(patient_id), .patient_id = patient_id };
        known = half_find(&people->halves[people->younger], wanted.hash, patient_id);
        if (!known) {
                elder = people_elder(people, wanted.hash, patient_id);
                r = elder ? people_take_over(people, elder, &person) : people_read(people, patient_id, &person);
                if (r == 0)
                        r = people_keep(people, &wanted, person, &known);
                if (r < 0)
                        return r;
        }
        *ret = known->person;
        return 0;
}

int sharing_people_glance(SharingPeople *people, const Sharing *sharing, uint64_t head, const char *patient_id,
                          const SharingPerson **ret) {
        const Known *known;
        uint64_t hash;

        people->counts.asked++;
        (void)sharing_people_generation(people, sharing, head);
        if (!patient_id || !patient_id[0]) {
                *ret = sharing_nobody(sharing);
                return 0;
        }
        hash = hash_of(patient_id);
        known = half_find(&people->halves[people->younger], hash, patient_id) ?: people_elder(people, hash, patient_id);
        if (!known)
                return people_read(people, patient_id, ret);
        *ret = known->person;
        return 0;
}

SharingPeopleCounts sharing_people_counts(const SharingPeople *people) {
        return people->counts;
}
