/* A table with a slot for each of the newest places; a message that somebody else needs otherwise is made anew in the same slot. */
#include "daemon/serve/live-frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

#define SLOTS 512
#define EVENTS_AN_ENTRY 2 /* that have slots of their own: most entries have no more */

/* All that the message follows from. Bytes go by their digest: their memory may have been given to others meanwhile. */
typedef struct LiveFrame {
        Place place, previous;
        uint8_t digest[SHA256_SIZE];
        ZFrame message; /* not live: none */
} LiveFrame;

struct LiveFrames {
        LiveFrame slots[SLOTS];
};

int live_frames_new(LiveFrames **ret) {
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

void live_frames_forget(LiveFrames *frames) {
        for (size_t i = 0; i < SLOTS; i++)
                zframe_deinit(&frames->slots[i].message);
}

LiveFrames *live_frames_free(LiveFrames *frames) {
        if (!frames)
                return NULL;
        live_frames_forget(frames);
        free(frames);
        return NULL;
}

int live_frames_get(LiveFrames *frames, PublishedBytes *bytes, Place place, Place previous, const ZFrame **ret) {
        LiveFrame *frame = &frames->slots[(place.seq * EVENTS_AN_ENTRY + place.index) % SLOTS];
        const PublishAt at = { .place = place, .previous = previous };
        const uint8_t *digest = published_digest(bytes);
        int r;

        *ret = &frame->message;
        if (frame->message.live && place_compare(frame->place, place) == 0 &&
            place_compare(frame->previous, previous) == 0 && memcmp(frame->digest, digest, SHA256_SIZE) == 0)
                return 0;
        r = zframe_make(publish_frame(PUBLISH_LIVE, bytes, &at), &frame->message);
        frame->place = place;
        frame->previous = previous;
        memcpy(frame->digest, digest, SHA256_SIZE);
        return r;
}
