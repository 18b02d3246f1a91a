/*
 * The file: magic, version, owner, place, count, then for each person its id, the entry and the digest; CRC-32C of all before it.
 * Little-endian.
 */
#include "sdk/held.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/text.h"

#define MAGIC "carebus-digests\n"
#define VERSION 1
#define FILE_MAX (4ULL << 30)
#define SLOTS_FIRST 1024
#define PACKED_PERSON 52

void held_deinit(Held *held) {
        free(held->persons);
        free(held->slots);
        *held = (Held){ 0 };
}

static int id_parse(const char *patient_id, uint64_t *ret_seq, uint32_t *ret_index) {
        char text[HELD_ID_SIZE];
        uint64_t index;
        char *dot;

        if (!patient_id || patient_id[0] != 'p' || strlen(patient_id) >= sizeof(text))
                return -EINVAL;
        snprintf(text, sizeof(text), "%s", patient_id + 1);
        dot = strchr(text, '.');
        if (!dot)
                return -EINVAL;
        *dot = '\0';
        if (text_to_u64(text, ret_seq) < 0 || text_to_u64(dot + 1, &index) < 0 || index > UINT32_MAX)
                return -EINVAL;
        *ret_index = (uint32_t)index;
        return 0;
}

void held_id(const HeldPerson *person, char ret[HELD_ID_SIZE]) {
        snprintf(ret, HELD_ID_SIZE, "p%" PRIu64 ".%" PRIu32, person->id_seq, person->id_index);
}

static uint32_t slot_of(const Held *held, uint64_t seq, uint32_t index) {
        uint64_t hash = (seq * UINT64_C(0x9e3779b97f4a7c15)) ^ (index * UINT64_C(0xc2b2ae3d27d4eb4f));

        return (uint32_t)(hash >> 32) & (held->n_slots - 1);
}

static uint32_t next_slot(const Held *held, uint32_t slot) {
        return (slot + 1) & (held->n_slots - 1);
}

/* The slot in which it stands, or the free one in which it would. */
static uint32_t slot_find(const Held *held, uint64_t seq, uint32_t index) {
        uint32_t slot = slot_of(held, seq, index);

        for (; held->slots[slot] != 0; slot = next_slot(held, slot)) {
                const HeldPerson *person = &held->persons[held->slots[slot] - 1];
                if (person->id_seq == seq && person->id_index == index)
                        break;
        }
        return slot;
}

HeldPerson *held_find(const Held *held, const char *patient_id) {
        uint64_t seq;
        uint32_t index, slot;

        if (held->n_slots == 0 || id_parse(patient_id, &seq, &index) < 0)
                return NULL;
        slot = slot_find(held, seq, index);
        return held->slots[slot] ? &held->persons[held->slots[slot] - 1] : NULL;
}

/* Three quarters of the slots at most, and room for one more. */
static int held_grow(Held *held) {
        if ((uint64_t)held->n_persons + 1 > (uint64_t)held->n_slots * 3 / 4) {
                uint32_t n_slots = held->n_slots ? 2 * held->n_slots : SLOTS_FIRST;
                uint32_t *slots = calloc(n_slots, sizeof(*slots));
                if (!slots)
                        return -ENOMEM;
                free(held->slots);
                held->slots = slots;
                held->n_slots = n_slots;
                for (uint32_t i = 0; i < held->n_persons; i++)
                        slots[slot_find(held, held->persons[i].id_seq, held->persons[i].id_index)] = i + 1;
        }
        if (held->n_persons == held->n_room) {
                uint32_t n_room = held->n_room + held->n_room / 4 + 64;
                HeldPerson *persons = reallocarray(held->persons, n_room, sizeof(*persons));
                if (!persons)
                        return -ENOMEM;
                held->persons = persons;
                held->n_room = n_room;
        }
        return 0;
}

int held_set(Held *held, const char *patient_id, const uint8_t digest[DIGEST_SUM_SIZE], uint64_t seq) {
        HeldPerson *person = held_find(held, patient_id);
        int r;

        if (!person) {
                HeldPerson new = { .bucket = (uint8_t)digest_bucket(patient_id) };

                r = id_parse(patient_id, &new.id_seq, &new.id_index);
                if (r == 0)
                        r = held_grow(held);
                if (r < 0)
                        return r;
                person = &held->persons[held->n_persons];
                *person = new;
                held->slots[slot_find(held, new.id_seq, new.id_index)] = ++held->n_persons;
        }
        digest_sum_subtract(&held->sum, person->digest);
        memcpy(person->digest, digest, sizeof(person->digest));
        digest_sum_add(&held->sum, person->digest);
        person->seq = seq;
        person->named = true;
        return 0;
}

/* Whoever stands behind a freed slot only because that was taken moves up. */
static void slot_free(Held *held, uint32_t slot) {
        held->slots[slot] = 0;
        for (uint32_t next = next_slot(held, slot); held->slots[next] != 0; next = next_slot(held, next)) {
                uint32_t one = held->slots[next];
                const HeldPerson *person = &held->persons[one - 1];

                held->slots[next] = 0;
                held->slots[slot_find(held, person->id_seq, person->id_index)] = one;
        }
}

void held_remove(Held *held, HeldPerson *person) {
        uint32_t at = (uint32_t)(person - held->persons), last = held->n_persons - 1;

        digest_sum_subtract(&held->sum, person->digest);
        slot_free(held, slot_find(held, person->id_seq, person->id_index));
        if (at != last) {
                const HeldPerson moved = held->persons[last];

                held->slots[slot_find(held, moved.id_seq, moved.id_index)] = at + 1;
                *person = moved;
        }
        held->n_persons--;
}

void held_begin_snapshot(Held *held, bool forget) {
        for (uint32_t i = 0; i < held->n_persons; i++) {
                held->persons[i].named = false;
                if (forget)
                        memset(held->persons[i].digest, 0, sizeof(held->persons[i].digest));
        }
        if (forget)
                held->sum = (DigestSum){ { 0 } };
}

HeldPerson *held_unnamed(const Held *held, uint32_t *at) {
        for (; *at < held->n_persons; (*at)++)
                if (!held->persons[*at].named)
                        return &held->persons[*at];
        return NULL;
}

/* ---- the file -------------------------------------------------------------------------------------------------------- */

int held_write(const char *path, const char *owner, const Held *held, HeldPlace place) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;

        buffer_append_text(&packed, MAGIC);
        buffer_append_le32(&packed, VERSION);
        buffer_append_le32(&packed, (uint32_t)strlen(owner));
        buffer_append_text(&packed, owner);
        buffer_append_le64(&packed, place.seq);
        buffer_append_le32(&packed, place.index);
        buffer_append_le64(&packed, place.lineage);
        buffer_append_le32(&packed, held->n_persons);
        for (uint32_t i = 0; i < held->n_persons; i++) {
                const HeldPerson *person = &held->persons[i];
                buffer_append_le64(&packed, person->id_seq);
                buffer_append_le32(&packed, person->id_index);
                buffer_append_le64(&packed, person->seq);
                buffer_append(&packed, person->digest, sizeof(person->digest));
        }
        buffer_append_le32(&packed, crc32c(0, packed.data, packed.size));
        return packed.error < 0 ? packed.error : file_replace(path, packed.data, packed.size, 0600);
}

static int unpack_person(Cursor *cursor, Held *held) {
        HeldPerson person = { .id_seq = cursor_le64(cursor) };
        char patient_id[HELD_ID_SIZE];
        Bytes digest;

        person.id_index = cursor_le32(cursor);
        person.seq = cursor_le64(cursor);
        digest = cursor_bytes(cursor, DIGEST_SUM_SIZE);
        if (cursor->error < 0)
                return cursor->error;
        held_id(&person, patient_id);
        return held_find(held, patient_id) ? -EBADMSG : held_set(held, patient_id, digest.data, person.seq);
}

static int unpack(Bytes packed, const char *owner, Held *held, HeldPlace *ret) {
        Cursor cursor = CURSOR_INIT(packed);
        Bytes magic, name;
        uint32_t n;
        int r = 0;

        if (packed.size < sizeof(uint32_t) || load_le32(packed.data + packed.size - sizeof(uint32_t)) !=
                                                      crc32c(0, packed.data, packed.size - sizeof(uint32_t)))
                return -EBADMSG;
        magic = cursor_bytes(&cursor, sizeof(MAGIC) - 1);
        if (cursor.error < 0 || !bytes_equal(magic, BYTES_LITERAL(MAGIC)) || cursor_le32(&cursor) != VERSION)
                return -EBADMSG;
        name = cursor_bytes(&cursor, cursor_le32(&cursor));
        if (cursor.error < 0 || !bytes_equal_text(name, owner))
                return -EBADMSG;
        ret->seq = cursor_le64(&cursor);
        ret->index = cursor_le32(&cursor);
        ret->lineage = cursor_le64(&cursor);
        n = cursor_le32(&cursor);
        if (cursor.error < 0 || cursor_left(&cursor) != (uint64_t)n * PACKED_PERSON + sizeof(uint32_t))
                return -EBADMSG;
        for (uint32_t i = 0; r == 0 && i < n; i++)
                r = unpack_person(&cursor, held);
        return r;
}

int held_read(const char *path, const char *owner, Held *held, HeldPlace *ret) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        int r = file_read(path, FILE_MAX, &content);

        if (r == 0)
                r = unpack(buffer_bytes(&content), owner, held, ret);
        if (r < 0)
                held_deinit(held);
        return r;
}
