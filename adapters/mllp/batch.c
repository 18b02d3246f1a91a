/*
 * Cutting: a message reaches from its MSH to the next MSH or envelope segment at the start of a line, or to the end of its frame.
 */
#include "adapters/mllp/batch.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"

#define BOM "\xEF\xBB\xBF"

static bool is_line_end(uint8_t byte) {
        return byte == '\r' || byte == '\n' || byte == 0x0B || byte == 0x1C;
}

static bool is_padding(uint8_t byte) {
        return is_line_end(byte) || byte == ' ' || byte == '\t' || byte == 0 || byte == 0x1A;
}

static Bytes behind(Bytes bytes, size_t size) {
        return bytes_of(bytes.data + size, bytes.size - size);
}

/* Whether a segment of this name stands here: the three letters and a separator. */
static bool is_segment(Bytes bytes, const char *name) {
        for (size_t i = 0; i < 3; i++)
                if (i >= bytes.size || (bytes.data[i] & ~0x20) != (uint8_t)name[i])
                        return false;
        return bytes.size > 3 && bytes.data[3] > ' ' && !(bytes.data[3] >= '0' && bytes.data[3] <= '9') &&
               !((bytes.data[3] & ~0x20) >= 'A' && (bytes.data[3] & ~0x20) <= 'Z');
}

static bool is_envelope(Bytes bytes) {
        return is_segment(bytes, "FHS") || is_segment(bytes, "BHS") || is_segment(bytes, "BTS") ||
               is_segment(bytes, "FTS");
}

static Bytes skip_padding(Bytes bytes) {
        for (;;) {
                if (bytes.size >= strlen(BOM) && memcmp(bytes.data, BOM, strlen(BOM)) == 0)
                        bytes = behind(bytes, strlen(BOM));
                else if (bytes.size > 0 && is_padding(bytes.data[0]))
                        bytes = behind(bytes, 1);
                else
                        return bytes;
        }
}

/* Where a frame ends, or NULL. What stands behind it is a message of its own, whatever it begins with. */
static const uint8_t *end_of_frame(Bytes padding) {
        return padding.size > 0 ? memchr(padding.data, 0x1C, padding.size) : NULL;
}

static size_t line_size(Bytes bytes) {
        size_t n = 0;

        while (n < bytes.size && !is_line_end(bytes.data[n]))
                n++;
        return n;
}

/* The count of a trailer: its first field. False: it says none. What is no number is a count that never fits. */
static bool count_read(Bytes trailer, size_t *ret) {
        size_t count = 0, i = 4;

        if (trailer.size < 5 || trailer.data[4] == trailer.data[3])
                return false;
        for (; i < trailer.size && trailer.data[i] != trailer.data[3]; i++) {
                if (trailer.data[i] < '0' || trailer.data[i] > '9' || count > SIZE_MAX / 16) {
                        *ret = SIZE_MAX;
                        return true;
                }
                count = count * 10 + (size_t)(trailer.data[i] - '0');
        }
        *ret = count;
        return true;
}

/* Counts what envelope segments open, and holds what they close against it. */
static void envelope_take(BatchReader *reader, Bytes segment) {
        size_t count = 0;

        if (is_segment(segment, "BHS")) {
                reader->n_batches++;
                reader->n_in_batch = 0;
        } else if (is_segment(segment, "BTS")) {
                if (count_read(segment, &count) && count != reader->n_in_batch)
                        reader->wrong_batch = segment;
                reader->n_in_batch = 0;
        } else if (is_segment(segment, "FTS")) {
                if (count_read(segment, &count) && count != reader->n_batches && count != reader->n_messages)
                        reader->wrong_file = segment;
                reader->n_batches = reader->n_messages = 0;
        }
}

bool batch_next(BatchReader *reader, Bytes *ret_message) {
        Bytes rest = skip_padding(reader->rest), message;
        const uint8_t *frame_end = NULL;

        while (is_envelope(rest)) {
                envelope_take(reader, bytes_of(rest.data, line_size(rest)));
                rest = skip_padding(behind(rest, line_size(rest)));
        }
        message = rest;
        while (rest.size > 0) {
                Bytes line_end = behind(rest, line_size(rest));

                rest = skip_padding(line_end);
                frame_end = end_of_frame(bytes_of(line_end.data, line_end.size - rest.size));
                if (is_segment(rest, "MSH") || is_envelope(rest) || frame_end)
                        break;
        }
        /* The byte that ends a frame is no part of the last field of a message that has no line end. */
        message.size = frame_end ? (size_t)(frame_end - message.data) : message.size - rest.size;
        reader->rest = rest;
        if (message.size == 0)
                return false;
        reader->n_messages++;
        reader->n_in_batch++;
        *ret_message = message;
        return true;
}

void batch_trailer_id(Bytes batch, Bytes trailer, char ret[BATCH_TRAILER_ID_SIZE]) {
        uint8_t digest[SHA256_SIZE];
        char text[SHA256_SIZE * 2 + 1];

        sha256(batch.data, batch.size, digest);
        hex_encode(digest, sizeof(digest), text);
        snprintf(ret, BATCH_TRAILER_ID_SIZE, "%s-%zu", text, (size_t)(trailer.data - batch.data));
}

bool batch_has_head(Bytes message) {
        Bytes begin = skip_padding(message);

        return is_segment(begin, "FHS") || is_segment(begin, "BHS");
}

bool batch_is_batch(Bytes message) {
        BatchReader reader = BATCH_READER_INIT(message);
        Bytes one;

        if (is_envelope(skip_padding(message)))
                return true;
        return batch_next(&reader, &one) && batch_next(&reader, &one);
}
