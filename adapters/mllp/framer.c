/*
 * One step function per state; a step takes bytes off the front of the input and says FRAMER_MORE to go on, or gives an
 * item. The rules stand in framer.h.
 */
#include "adapters/mllp/framer.h"

#include <errno.h>
#include <string.h>

/* What a connection may keep between two messages. */
#define HELD_KEEP 65536
/* Garbage is given out at the latest in pieces of this size, so that a peer that speaks another language is noticed. */
#define GARBAGE_PIECE 65536
/* How far a scan for one control character runs ahead of the other: bounds the work on hostile input. */
#define SCAN_BLOCK 1024

static const char *const begins[] = { "MSH", "FHS", "BHS" };

typedef int (*FramerStep)(Framer *framer, Bytes *input, FramerItem *ret);

static void take(Bytes *input, size_t size) {
        input->data += size;
        input->size -= size;
}

static int give(Framer *framer, FramerKind kind, Bytes bytes, uint64_t size, FramerItem *ret) {
        *ret = (FramerItem){ .kind = kind, .bytes = bytes, .size = size, .no_start = framer->no_start };
        return kind;
}

static int give_garbage(Framer *framer, FramerItem *ret) {
        uint64_t size = framer->garbage;

        framer->garbage = 0;
        framer->no_start = false;
        return give(framer, FRAMER_GARBAGE, BYTES_NULL, size, ret);
}

static bool is_keep_alive(uint8_t byte) {
        return byte == 0 || byte == ' ' || byte == '\r' || byte == '\n' || byte == FRAMER_END;
}

static void note_between(Framer *framer, uint8_t byte) {
        if (is_keep_alive(byte)) {
                framer->counts.keep_alive_bytes++;
                framer->at_line_start = framer->at_line_start || byte != ' ';
                return;
        }
        framer->counts.garbage_bytes++;
        framer->garbage++;
        framer->at_line_start = false;
}

static void begin(Framer *framer, bool no_start) {
        framer->state = FRAMER_STATE_INSIDE;
        framer->no_start = no_start;
        framer->size = 0;
        framer->n_begun = 0;
        if (no_start)
                framer->counts.no_start++;
}

/* The letters that looked like the begin of a message were none. */
static void drop_begun(Framer *framer) {
        for (size_t i = 0; i < framer->n_begun; i++)
                note_between(framer, framer->begun[i]);
        framer->n_begun = 0;
}

/* Whether the letters so far and this one may begin a message without a start block. */
static bool begun_fits(const Framer *framer, uint8_t byte) {
        if (!framer->start_optional || (framer->n_begun == 0 && !framer->at_line_start))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(begins); i++)
                if (memcmp(begins[i], framer->begun, framer->n_begun) == 0 &&
                    (uint8_t)begins[i][framer->n_begun] == byte)
                        return true;
        return false;
}

static int step_between(Framer *framer, Bytes *input, FramerItem *ret) {
        while (input->size > 0) {
                uint8_t byte = input->data[0];

                if (framer->n_begun == sizeof(framer->begun)) {
                        if (framer->garbage > 0)
                                return give_garbage(framer, ret);
                        begin(framer, /* no_start= */ true);
                        framer->size = sizeof(framer->begun);
                        buffer_append(&framer->held, framer->begun, sizeof(framer->begun));
                        return framer->held.error;
                }
                if (byte == FRAMER_START) {
                        drop_begun(framer);
                        if (framer->garbage > 0)
                                return give_garbage(framer, ret);
                        take(input, 1);
                        begin(framer, /* no_start= */ false);
                        return FRAMER_MORE;
                }
                if (begun_fits(framer, byte)) {
                        framer->begun[framer->n_begun++] = byte;
                        take(input, 1);
                        continue;
                }
                if (framer->n_begun > 0) {
                        drop_begun(framer);
                        continue;
                }
                note_between(framer, byte);
                take(input, 1);
                if (framer->garbage >= GARBAGE_PIECE)
                        return give_garbage(framer, ret);
        }
        return FRAMER_MORE;
}

/* Offset of the first start or end character; the size when there is none. */
static size_t find_control(Bytes input) {
        for (size_t offset = 0; offset < input.size; offset += SCAN_BLOCK) {
                size_t n = MIN((size_t)SCAN_BLOCK, input.size - offset);
                const uint8_t *end = memchr(input.data + offset, FRAMER_END, n);
                const uint8_t *start = memchr(input.data + offset, FRAMER_START,
                                              end ? (size_t)(end - input.data) - offset : n);

                if (start || end)
                        return (size_t)((start ? start : end) - input.data);
        }
        return input.size;
}

/* Keeps of `bytes` what the head of a message that is too large still has room for. */
static void hold_head(Framer *framer, Bytes bytes) {
        if (framer->held.size > FRAMER_HEAD_MAX)
                framer->held.size = FRAMER_HEAD_MAX;
        buffer_append(&framer->held, bytes.data, MIN(bytes.size, FRAMER_HEAD_MAX - framer->held.size));
}

/* A message has ended, by its end or by a new start: what it was. */
static int give_message(Framer *framer, Bytes tail, bool unfinished, FramerItem *ret) {
        uint64_t size = framer->size + tail.size;
        Bytes bytes = tail;

        if (size == 0 && unfinished)
                return FRAMER_MORE; /* a doubled start */
        if (size == 0) {
                framer->counts.empty++;
                return give(framer, FRAMER_EMPTY, BYTES_NULL, 0, ret);
        }
        if (size > framer->max_message_bytes) {
                framer->counts.too_large++;
                hold_head(framer, tail);
                framer->given = true;
                return framer->held.error ?: give(framer, FRAMER_TOO_LARGE, buffer_bytes(&framer->held), size, ret);
        }
        if (framer->held.size > 0) {
                buffer_append_bytes(&framer->held, tail);
                if (framer->held.error)
                        return framer->held.error;
                bytes = buffer_bytes(&framer->held);
                framer->given = true;
        }
        if (unfinished)
                framer->counts.unfinished++;
        else
                framer->counts.messages++;
        return give(framer, unfinished ? FRAMER_UNFINISHED : FRAMER_MESSAGE, bytes, size, ret);
}

static int step_inside(Framer *framer, Bytes *input, FramerItem *ret) {
        size_t n = find_control(*input);
        Bytes part = bytes_of(input->data, n);
        bool is_end;
        int r;

        if (n == input->size) {
                take(input, n);
                if (framer->state == FRAMER_STATE_INSIDE && framer->size + n <= framer->max_message_bytes)
                        buffer_append_bytes(&framer->held, part);
                else {
                        framer->state = FRAMER_STATE_SKIPPING;
                        hold_head(framer, part);
                }
                framer->size += n;
                return framer->held.error;
        }
        is_end = input->data[n] == FRAMER_END;
        take(input, n + 1);
        r = give_message(framer, part, /* unfinished= */ !is_end, ret);
        if (is_end) {
                framer->state = FRAMER_STATE_AFTER;
                framer->size = 0;
        } else
                begin(framer, /* no_start= */ false);
        return r;
}

static int step_after(Framer *framer, Bytes *input, FramerItem *ret) {
        if (input->data[0] == FRAMER_RETURN)
                take(input, 1);
        else
                framer->counts.no_return++;
        framer->state = FRAMER_STATE_BETWEEN;
        framer->at_line_start = true;
        framer->no_start = false;
        return FRAMER_MORE;
}

static const FramerStep steps[] = {
        [FRAMER_STATE_BETWEEN] = step_between,
        [FRAMER_STATE_INSIDE] = step_inside,
        [FRAMER_STATE_SKIPPING] = step_inside,
        [FRAMER_STATE_AFTER] = step_after,
};

static void forget_given(Framer *framer) {
        if (!framer->given)
                return;
        framer->given = false;
        if (framer->held.capacity > HELD_KEEP)
                buffer_deinit(&framer->held);
        else
                buffer_clear(&framer->held);
}

int framer_next(Framer *framer, Bytes *input, FramerItem *ret) {
        forget_given(framer);
        while (input->size > 0) {
                int r = steps[framer->state](framer, input, ret);

                if (r != FRAMER_MORE)
                        return r;
        }
        return FRAMER_MORE;
}

int framer_finish(Framer *framer, FramerItem *ret) {
        forget_given(framer);
        if (framer->state == FRAMER_STATE_AFTER)
                framer->counts.no_return++;
        if (framer_is_inside(framer)) {
                int r = give_message(framer, BYTES_NULL, /* unfinished= */ true, ret);

                framer->state = FRAMER_STATE_BETWEEN;
                framer->size = 0;
                return r;
        }
        framer->state = FRAMER_STATE_BETWEEN;
        drop_begun(framer);
        return framer->garbage > 0 ? give_garbage(framer, ret) : FRAMER_MORE;
}

void framer_deinit(Framer *framer) {
        buffer_deinit(&framer->held);
        *framer = FRAMER_INIT(framer->max_message_bytes);
}

const char *framer_kind_text(FramerKind kind) {
        static const char *const texts[_FRAMER_KIND_MAX] = {
                [FRAMER_MORE] = "more",           [FRAMER_MESSAGE] = "message",
                [FRAMER_EMPTY] = "empty",         [FRAMER_UNFINISHED] = "unfinished",
                [FRAMER_TOO_LARGE] = "too-large", [FRAMER_GARBAGE] = "garbage",
        };

        return texts[kind];
}

void framer_append_frame(Buffer *buffer, Bytes message) {
        buffer_append_byte(buffer, FRAMER_START);
        buffer_append_bytes(buffer, message);
        buffer_append_byte(buffer, FRAMER_END);
        buffer_append_byte(buffer, FRAMER_RETURN);
}
