/*
 * Cutting: a message reaches from its MSH to the next MSH or envelope segment at the start of a line, or to the end of its frame.
 */
#include "adapters/mllp/batch.h"

#include <string.h>

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

/* What stands behind the end of a frame is a message of its own, whatever it begins with. */
static bool is_end_of_frame(Bytes padding) {
        return padding.size > 0 && memchr(padding.data, 0x1C, padding.size);
}

static size_t line_size(Bytes bytes) {
        size_t n = 0;

        while (n < bytes.size && !is_line_end(bytes.data[n]))
                n++;
        return n;
}

bool batch_next(BatchReader *reader, Bytes *ret_message) {
        Bytes rest = skip_padding(reader->rest), message;

        while (is_envelope(rest))
                rest = skip_padding(behind(rest, line_size(rest)));
        message = rest;
        while (rest.size > 0) {
                Bytes line_end = behind(rest, line_size(rest));

                rest = skip_padding(line_end);
                if (is_segment(rest, "MSH") || is_envelope(rest) ||
                    is_end_of_frame(bytes_of(line_end.data, line_end.size - rest.size)))
                        break;
        }
        message.size -= rest.size;
        reader->rest = rest;
        if (message.size == 0)
                return false;
        *ret_message = message;
        return true;
}

bool batch_is_batch(Bytes message) {
        BatchReader reader = BATCH_READER_INIT(message);
        Bytes one;

        if (is_envelope(skip_padding(message)))
                return true;
        return batch_next(&reader, &one) && batch_next(&reader, &one);
}
