#include "adapters/common/reading.h"

#include <errno.h>

#include "proto/pack.h"

/* Of one event: few are larger. */
#define EVENT_SIZE_GUESS (16 * 1024)

int reading_pack(const Reading *reading, Arena *arena, Bytes **ret) {
        Bytes *packed = arena_alloc(arena, (reading->n_events + 1) * sizeof(*packed));

        if (!packed)
                return -ENOMEM;
        for (size_t i = 0; i < reading->n_events; i++) {
                int r = pack_message(&reading->events[i]->base, EVENT_SIZE_GUESS, arena, &packed[i]);

                if (r < 0)
                        return r;
        }
        *ret = packed;
        return 0;
}
