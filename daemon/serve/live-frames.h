#pragma once
/*
 * Messages that teams hold together. What stands in front of an event is the place before it in a team's stream, and most teams that are
 * given the same bytes have that in common: the message is made once and each socket counts it. One thread.
 */
#include "daemon/serve/publish.h"
#include "proto/zsock.h"

typedef struct LiveFrames LiveFrames;

int live_frames_new(LiveFrames **ret);
LiveFrames *live_frames_free(LiveFrames *frames);
DEFINE_CLEANUP(LiveFrames *, live_frames_free)
/* The Delivery of these bytes as a message: one that is there, or made anew. Borrowed until the next call. 0 or -ENOMEM. */
int live_frames_get(LiveFrames *frames, PublishedBytes *bytes, Place place, Place previous, const ZFrame **ret);
/* Lets go of all of them; sockets keep what they have not sent. */
void live_frames_forget(LiveFrames *frames);
