#pragma once
/*
 * MLLP: bytes off the wire become whole messages. No socket and no clock in here: bytes in, items out, and the result is
 * the same wherever the network cut the bytes.
 *
 *   0x0B  message  0x1C 0x0D
 *
 * What senders get wrong is taken as far as it is plain what they meant:
 *   - the 0x0D behind the 0x1C is missing, or comes later: 0x1C alone ends a message;
 *   - a new 0x0B comes before the end: what was there so far is given out as FRAMER_UNFINISHED;
 *   - anything between two frames: skipped, counted, and given out as FRAMER_GARBAGE (a count, not the bytes); NUL, space,
 *     CR, LF and 0x1C there are keep-alives or the rest of an end, and no reason to speak;
 *   - no 0x0B: with `start_optional`, MSH, FHS or BHS at the start of a line begins a message;
 *   - nothing between 0x0B and 0x1C: FRAMER_EMPTY.
 * A message beyond the limit is skipped to its end without being kept, and then given out as FRAMER_TOO_LARGE with the
 * first FRAMER_HEAD_MAX bytes, enough to answer it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define FRAMER_START 0x0B
#define FRAMER_END 0x1C
#define FRAMER_RETURN 0x0D
#define FRAMER_HEAD_MAX 1024

/* What framer_next() gives; 0 is "needs more bytes". */
typedef enum FramerKind {
        FRAMER_MORE,
        FRAMER_MESSAGE,
        FRAMER_EMPTY,
        FRAMER_UNFINISHED, /* a new start, or the end of the connection, came before the end of the message */
        FRAMER_TOO_LARGE,
        FRAMER_GARBAGE,
        _FRAMER_KIND_MAX,
} FramerKind;

typedef struct FramerItem {
        FramerKind kind;
        Bytes bytes;   /* the message without its frame: borrowed from the input or the framer, until the next call */
        uint64_t size; /* what there was altogether: of a message too large, and of garbage */
        bool no_start; /* begun without 0x0B */
} FramerItem;

typedef struct FramerCounts {
        uint64_t messages;
        uint64_t empty, unfinished, too_large;
        uint64_t garbage_bytes, keep_alive_bytes;
        uint64_t no_start;
        uint64_t no_return; /* ends without 0x0D */
} FramerCounts;

typedef enum FramerState {
        FRAMER_STATE_BETWEEN, /* outside of a frame */
        FRAMER_STATE_INSIDE,
        FRAMER_STATE_SKIPPING, /* inside a message that is too large */
        FRAMER_STATE_AFTER,    /* behind 0x1C: a 0x0D belongs to it */
} FramerState;

typedef struct Framer {
        size_t max_message_bytes;
        bool start_optional;
        FramerState state;
        bool no_start;      /* of the message that is being read */
        bool at_line_start; /* between frames: a message without 0x0B may begin here */
        uint8_t n_begun;    /* between frames: letters of MSH, FHS or BHS seen so far */
        uint8_t begun[3];
        bool given;       /* `held` was given out by the last call and is empty now */
        uint64_t size;    /* of the message that is being read */
        uint64_t garbage; /* not yet given out */
        Buffer held;      /* the message so far, when the input ended inside of it */
        FramerCounts counts;
} Framer;

#define FRAMER_INIT(max) ((Framer){ .max_message_bytes = (max), .at_line_start = true })

void framer_deinit(Framer *framer);
/* Takes what it needs off the front of `input`. A FramerKind: FRAMER_MORE when the input is used up and nothing is
 * complete, else `ret` is set; call again until FRAMER_MORE. -ENOMEM: the framer can only be thrown away. */
int framer_next(Framer *framer, Bytes *input, FramerItem *ret);
/* The connection is at its end: FRAMER_UNFINISHED, FRAMER_TOO_LARGE or FRAMER_GARBAGE for what was left, then FRAMER_MORE. */
int framer_finish(Framer *framer, FramerItem *ret);
/* Whether a message has begun and not ended: for the time limit that the server sets. */
static inline bool framer_is_inside(const Framer *framer) {
        return framer->state == FRAMER_STATE_INSIDE || framer->state == FRAMER_STATE_SKIPPING;
}
/* Static text: "too-large". */
const char *framer_kind_text(FramerKind kind);
/* Puts a frame around a message. */
void framer_append_frame(Buffer *buffer, Bytes message);
