#pragma once
/* How long the disk will last, by how fast it filled in the last hours. One thread. */
#include <stddef.h>
#include <stdint.h>

#define ROOM_SAMPLES 72 /* of five minutes: six hours */

typedef struct RoomSample {
        int64_t at; /* monotonic, microseconds */
        uint64_t free_bytes;
} RoomSample;

typedef struct Room {
        RoomSample samples[ROOM_SAMPLES]; /* a ring */
        size_t n;                         /* ever */
} Room;

/* Call it as often as you like: one in five minutes is kept. */
void room_note(Room *room, int64_t now, uint64_t free_bytes);

/* Positive returns. */
enum {
        _ROOM_E_SUCCESS,
        ROOM_E_UNKNOWN, /* not watched for long enough */
        ROOM_E_STEADY,  /* it does not fill */
};
/* Seconds until only `reserve` bytes are left, at the pace since the oldest sample. 0 when that is so already. */
int room_seconds_left(const Room *room, int64_t now, uint64_t free_bytes, uint64_t reserve, uint64_t *ret);
