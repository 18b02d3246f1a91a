/*
 * The framer: the first byte says how the rest is cut. Whatever the cut, the items are those of the whole stream.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/mllp/framer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 64

/* What came out, in a form that two runs can be compared by. */
static void note(Buffer *log, const FramerItem *item) {
        buffer_append_byte(log, (uint8_t)item->kind);
        buffer_append_byte(log, item->no_start);
        buffer_append(log, &item->size, sizeof(item->size));
        buffer_append_bytes(log, item->bytes);
        if (item->kind != FRAMER_GARBAGE && item->kind != FRAMER_TOO_LARGE && item->size != item->bytes.size)
                abort();
        if (item->bytes.size && (memchr(item->bytes.data, FRAMER_START, item->bytes.size) ||
                                 memchr(item->bytes.data, FRAMER_END, item->bytes.size)))
                abort();
}

static void run(const uint8_t *data, size_t size, size_t step, bool start_optional, Buffer *log) {
        Framer framer = FRAMER_INIT(LIMIT);
        FramerItem item;
        int r;

        framer.start_optional = start_optional;
        for (size_t offset = 0; offset < size; offset += step) {
                size_t n = MIN(step, size - offset);
                uint8_t *piece = malloc(n);
                Bytes input = bytes_of(piece, n);

                if (!piece)
                        abort();
                memcpy(piece, data + offset, n);
                while ((r = framer_next(&framer, &input, &item)) > 0)
                        note(log, &item);
                if (r < 0 || input.size != 0)
                        abort();
                free(piece);
        }
        while ((r = framer_finish(&framer, &item)) > 0)
                note(log, &item);
        buffer_append(log, &framer.counts, sizeof(framer.counts));
        framer_deinit(&framer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Buffer whole = BUFFER_NULL, cut = BUFFER_NULL;

        if (size < 2)
                return 0;
        run(data + 1, size - 1, size, data[0] & 1, &whole);
        run(data + 1, size - 1, (size_t)(data[0] >> 1) + 1, data[0] & 1, &cut);
        if (!bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)))
                abort();
        buffer_deinit(&whole);
        buffer_deinit(&cut);
        return 0;
}
