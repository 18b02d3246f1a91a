#pragma once
/* When something was said. It orders what one source said, whenever it arrived. */
#include <stdint.h>

#include "base/arena.h"
#include "carebus/v1/state.pb-c.h"

typedef struct StampParts {
        int64_t said_at;
        int64_t sent_at;
        uint64_t seq;
        uint32_t index;
} StampParts;

/* A stamp that is absent is before all others. */
static inline StampParts stamp_parts(const Carebus__V1__Stamp *stamp) {
        if (!stamp)
                return (StampParts){ .said_at = INT64_MIN, .sent_at = INT64_MIN };
        return (StampParts){
                .said_at = stamp->said_at, .sent_at = stamp->sent_at, .seq = stamp->seq, .index = stamp->index
        };
}
static inline int stamp_parts_compare(StampParts a, StampParts b) {
        if (a.said_at != b.said_at)
                return a.said_at < b.said_at ? -1 : 1;
        if (a.sent_at != b.sent_at)
                return a.sent_at < b.sent_at ? -1 : 1;
        if (a.seq != b.seq)
                return a.seq < b.seq ? -1 : 1;
        return a.index == b.index ? 0 : a.index < b.index ? -1 : 1;
}
static inline int stamp_compare(const Carebus__V1__Stamp *a, const Carebus__V1__Stamp *b) {
        return stamp_parts_compare(stamp_parts(a), stamp_parts(b));
}
static inline Carebus__V1__Stamp *stamp_make(StampParts parts, Arena *arena) {
        Carebus__V1__Stamp *stamp = arena_alloc(arena, sizeof(*stamp));

        if (!stamp)
                return NULL;
        carebus__v1__stamp__init(stamp);
        stamp->has_said_at = stamp->has_sent_at = stamp->has_seq = stamp->has_index = 1;
        stamp->said_at = parts.said_at;
        stamp->sent_at = parts.sent_at;
        stamp->seq = parts.seq;
        stamp->index = parts.index;
        return stamp;
}
