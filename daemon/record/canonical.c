/* A packed message of protobuf-c is in the order of field numbers, and the record's lists are in orders of their own: nothing is left
 * to chance. */
#include "daemon/record/canonical.h"

#include "daemon/record/body.h"

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
