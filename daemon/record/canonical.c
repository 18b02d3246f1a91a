/* A packed message of protobuf-c is in the order of field numbers, and the record's lists are in orders of their own: nothing is left
 * to chance. */
#include "daemon/record/canonical.h"

#include <string.h>

#include "daemon/record/body.h"
#include "proto/check.h"

Bytes record_canonical(const Carebus__V1__Record *record, Arena *arena) {
        Carebus__V1__Record *bare = message_shallow_copy(&record->base, arena);

        if (!bare)
                return BYTES_NULL;
        bare->has_seq = bare->has_as_at = bare->has_digest = 0;
        bare->seq = 0;
        bare->as_at = 0;
        bare->digest = (ProtobufCBinaryData){ .len = 0 };
        bare->n_sources = bare->n_states = 0;
        return message_pack(&bare->base, arena);
}

/* What canonical bytes are without, alone. */
static Bytes rest_pack(const Carebus__V1__Record *record, Arena *arena) {
        Carebus__V1__Record rest = CAREBUS__V1__RECORD__INIT;

        rest.has_seq = record->has_seq;
        rest.seq = record->seq;
        rest.has_as_at = record->has_as_at;
        rest.as_at = record->as_at;
        rest.has_digest = record->has_digest;
        rest.digest = record->digest;
        rest.sources = record->sources;
        rest.n_sources = record->n_sources;
        rest.states = record->states;
        rest.n_states = record->n_states;
        return message_pack(&rest.base, arena);
}

/* The fields at the front that come before `number` go to the end of what is made; gives their size. */
static size_t take_up_to(Bytes *from, uint32_t number, uint8_t *to) {
        size_t offset = 0, size = 0;
        WireField field;

        while (wire_field_next(*from, &offset, &field) == 0 && field.number < number)
                size = offset;
        memcpy(to, from->data, size);
        *from = bytes_of(from->data + size, from->size - size);
        return size;
}

/* Neither has a field that the other has, and both are in the order of numbers. */
Bytes record_pack(const Carebus__V1__Record *record, Bytes canonical, Arena *arena) {
        const Bytes rest = rest_pack(record, arena);
        uint8_t *packed = rest.data ? arena_alloc(arena, canonical.size + rest.size) : NULL;
        size_t size = 0, offset = 0, start = 0;
        WireField field;

        if (!packed)
                return BYTES_NULL;
        for (; wire_field_next(rest, &offset, &field) == 0; start = offset) {
                size += take_up_to(&canonical, field.number, packed + size);
                memcpy(packed + size, rest.data + start, offset - start);
                size += offset - start;
        }
        memcpy(packed + size, canonical.data, canonical.size);
        return bytes_of(packed, size + canonical.size);
}
