#include "daemon/figures/room.h"

#include "base/cleanup.h"
#include "base/clock.h"

#define SAMPLE_EVERY (INT64_C(300) * USEC_PER_SEC)
#define WATCHED_AT_LEAST (INT64_C(600) * USEC_PER_SEC)
#define SECONDS_MAX (UINT64_C(100) * 365 * 86400) /* farther than that nobody plans, and no sum overflows */

void room_note(Room *room, int64_t now, uint64_t free_bytes) {
        if (room->n > 0 && now - room->samples[(room->n - 1) % ROOM_SAMPLES].at < SAMPLE_EVERY)
                return;
        room->samples[room->n++ % ROOM_SAMPLES] = (RoomSample){ .at = now, .free_bytes = free_bytes };
}

int room_seconds_left(const Room *room, int64_t now, uint64_t free_bytes, uint64_t reserve, uint64_t *ret) {
        const RoomSample *oldest = &room->samples[room->n > ROOM_SAMPLES ? room->n % ROOM_SAMPLES : 0];
        uint64_t seconds, bytes_an_hour;

        if (free_bytes <= reserve) {
                *ret = 0;
                return 0;
        }
        if (room->n == 0 || now - oldest->at < WATCHED_AT_LEAST)
                return ROOM_E_UNKNOWN;
        if (oldest->free_bytes <= free_bytes)
                return ROOM_E_STEADY;
        seconds = (uint64_t)((now - oldest->at) / USEC_PER_SEC);
        bytes_an_hour = (oldest->free_bytes - free_bytes) / seconds * 3600 +
                        (oldest->free_bytes - free_bytes) % seconds * 3600 / seconds;
        if (bytes_an_hour == 0)
                return ROOM_E_STEADY;
        *ret = (free_bytes - reserve) / bytes_an_hour * 3600 +
               (free_bytes - reserve) % bytes_an_hour * 3600 / bytes_an_hour;
        *ret = MIN(*ret, SECONDS_MAX);
        return 0;
}
