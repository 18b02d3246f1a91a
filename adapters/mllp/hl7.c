/*
 * Splitting a message into places. Nothing is copied and nothing is judged but its outer form: what a sender may leave
 * out, misspell or add is the translator's business.
 */
#include "adapters/mllp/hl7.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BOM "\xEF\xBB\xBF"
#define SEPARATORS_MAX 5

static int fail(Hl7Error *error, int code, size_t offset, const char *position) {
        *error = (Hl7Error){ .code = code, .offset = offset };
        snprintf(error->position, sizeof(error->position), "%s", position);
        return code;
}

static bool is_letter_or_digit(uint8_t byte) {
        return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

static bool is_line_end(uint8_t byte) {
        return byte == '\r' || byte == '\n';
}

/* White space, and what a frame or a file leaves behind. */
static bool is_padding(uint8_t byte) {
        return byte == ' ' || byte == '\t' || is_line_end(byte) || byte == 0 || byte == 0x0B || byte == 0x0C ||
               byte == 0x1A || byte == 0x1C;
}

static size_t skip_padding(Bytes bytes) {
        size_t offset = 0;

        for (;;) {
                if (bytes.size - offset >= strlen(BOM) && memcmp(bytes.data + offset, BOM, strlen(BOM)) == 0)
                        offset += strlen(BOM);
                else if (offset < bytes.size && is_padding(bytes.data[offset]))
                        offset++;
                else
                        return offset;
        }
}

static bool is_name(const uint8_t *data, const char *name) {
        for (size_t i = 0; i < 3; i++)
                if ((data[i] & ~0x20) != (uint8_t)name[i])
                        return false;
        return true;
}

/* ---- separators */

static bool separator_is_valid(uint8_t byte) {
        return byte > ' ' && byte < 0x7F && !is_letter_or_digit(byte);
}

/* MSH-2 as said. Fewer than four: the sender does not use the others. */
static int read_separators(Bytes said, uint8_t field, Hl7Separators *ret) {
        Hl7Separators separators = { .field = field };
        uint8_t *const places[SEPARATORS_MAX] = {
                &separators.component,    &separators.repeat,     &separators.escape,
                &separators.subcomponent, &separators.truncation,
        };
        uint8_t chars[SEPARATORS_MAX];
        size_t n = said.size;

        if (n < 1 || n > SEPARATORS_MAX)
                return HL7_E_SEPARATORS;
        memcpy(chars, said.data, n);
        if (n == SEPARATORS_MAX && chars[2] == chars[3]) /* "^~\\&" written by somebody who escaped the backslash */
                chars[3] = chars[--n];
        for (size_t i = 0; i < n; i++) {
                if (!separator_is_valid(chars[i]) || chars[i] == field)
                        return HL7_E_SEPARATORS;
                if (memchr(chars, chars[i], i))
                        return HL7_E_SEPARATORS;
                *places[i] = chars[i];
        }
        *ret = separators;
        return 0;
}

int hl7_header_read(Bytes message, Hl7Header *ret, Hl7Error *ret_error) {
        size_t start = skip_padding(message), at = start + 3, end;
        Hl7Header header = { .offset = start, .n_fields = 2 };
        const uint8_t *data = message.data;
        const uint8_t *separator;
        uint8_t field;

        if (start == message.size)
                return fail(ret_error, HL7_E_EMPTY, start, "MSH");
        if (message.size - start < 3 || !is_name(data + start, "MSH"))
                return fail(ret_error, HL7_E_NO_MSH, start, "MSH");
        for (end = at; end < message.size && !is_line_end(data[end]);)
                end++;
        if (at >= end)
                return fail(ret_error, HL7_E_MSH_TOO_SHORT, at, "MSH-1");
        field = data[at];
        if (!separator_is_valid(field))
                return fail(ret_error, HL7_E_SEPARATORS, at, "MSH-1");
        header.fields[1] = bytes_of(data + at, 1);
        at++;
        separator = memchr(data + at, field, end - at);
        if (!separator)
                return fail(ret_error, HL7_E_MSH_TOO_SHORT, at, "MSH-2");
        header.fields[2] = bytes_of(data + at, (size_t)(separator - (data + at)));
        if (read_separators(header.fields[2], field, &header.separators))
                return fail(ret_error, HL7_E_SEPARATORS, at, "MSH-2");
        for (at += header.fields[2].size; at < end && header.n_fields + 1 < HL7_HEADER_FIELDS;) {
                at++; /* the separator in front of the field */
                separator = at < end ? memchr(data + at, field, end - at) : NULL;
                header.fields[++header.n_fields] = bytes_of(data + at,
                                                            (separator ? (size_t)(separator - data) : end) - at);
                at += header.fields[header.n_fields].size;
        }
        *ret = header;
        return 0;
}

Bytes hl7_raw_component(const Hl7Header *header, Bytes field, unsigned number) {
        uint8_t separator = header->separators.component;

        for (;;) {
                const uint8_t *end = separator && field.size ? memchr(field.data, separator, field.size) : NULL;

                if (number == 1)
                        return bytes_of(field.data, end ? (size_t)(end - field.data) : field.size);
                if (!end)
                        return BYTES_NULL;
                field = bytes_of(end + 1, field.size - (size_t)(end + 1 - field.data));
                number--;
        }
}

const char *hl7_reason(int code) {
        static const char *const reasons[_HL7_E_MAX] = {
                [HL7_E_EMPTY] = "parse-empty",
                [HL7_E_NO_MSH] = "parse-no-msh",
                [HL7_E_MSH_TOO_SHORT] = "parse-msh-too-short",
                [HL7_E_SEPARATORS] = "parse-separators",
                [HL7_E_TOO_LARGE] = "too-large",
                [HL7_E_TOO_MANY_SEGMENTS] = "parse-too-many-segments",
                [HL7_E_TOO_MANY_FIELDS] = "parse-too-many-fields",
                [HL7_E_SEGMENT_NAME] = "parse-segment-name",
        };

        return code > 0 && code < _HL7_E_MAX ? reasons[code] : "ok";
}

/* ---- the whole message */

static int grow(void *array, size_t *n_allocated, size_t n_needed, size_t size) {
        size_t n = MAX(n_needed, *n_allocated * 2);
        void *moved;

        if (n_needed <= *n_allocated)
                return 0;
        moved = reallocarray(*(void **)array, n, size);
        if (!moved)
                return -ENOMEM;
        *(void **)array = moved;
        *n_allocated = n;
        return 0;
}

/* Whether a line begins a segment: three letters or digits, the first a letter, then a separator; or, a segment with no
 * fields, nothing at all behind three capitals. Lower case only from who writes msh so: else it is a word of a text. */
static bool is_segment_start(const Hl7Message *message, size_t offset, size_t end) {
        const uint8_t *data = message->bytes.data + offset;
        bool msh_in_capitals = message->bytes.data[message->segments[0].offset] == 'M', capitals = true;

        if (end - offset < 3)
                return false;
        for (size_t i = 0; i < 3; i++) {
                if (!is_letter_or_digit(data[i]))
                        return false;
                capitals = capitals && !(data[i] >= 'a' && data[i] <= 'z');
        }
        if ((data[0] >= '0' && data[0] <= '9') || (msh_in_capitals && !capitals))
                return false;
        return end - offset == 3 ? capitals : data[3] == message->separators.field;
}

static uint32_t occurrence_of(const Hl7Message *message, const Hl7Segment *segment) {
        for (size_t i = message->n_segments; i-- > 0;)
                if (memcmp(message->segments[i].name, segment->name, sizeof(segment->name)) == 0)
                        return message->segments[i].occurrence + 1;
        return 1;
}

static int add_field(Hl7Message *message, const Hl7Limits *limits, size_t offset, size_t size) {
        if (message->n_fields == message->n_fields_allocated) {
                int r = grow(&message->fields, &message->n_fields_allocated, message->n_fields + 64, sizeof(Hl7Field));

                if (r < 0)
                        return r;
        }
        if (message->n_fields >= limits->max_fields)
                return HL7_E_TOO_MANY_FIELDS;
        message->fields[message->n_fields++] = (Hl7Field){ .offset = (uint32_t)offset, .size = (uint32_t)size };
        return 0;
}

/* The next separator or the end. Fields are short: a loop beats a call. */
static size_t field_end(const Hl7Message *message, size_t at, size_t end) {
        const uint8_t *data = message->bytes.data;
        uint8_t separator = message->separators.field;

        while (at < end && data[at] != separator)
                at++;
        return at;
}

static int add_segment(Hl7Message *message, const Hl7Limits *limits, size_t offset, size_t end) {
        const uint8_t *data = message->bytes.data;
        Hl7Segment segment = { .offset = (uint32_t)offset,
                               .size = (uint32_t)(end - offset),
                               .first_field = (uint32_t)message->n_fields };
        size_t at = offset + 3;
        int r;

        for (size_t i = 0; i < 3; i++)
                segment.name[i] = (char)(data[offset + i] >= 'a' ? data[offset + i] - 0x20 : data[offset + i]);
        if (message->n_segments >= limits->max_segments)
                return HL7_E_TOO_MANY_SEGMENTS;
        r = grow(&message->segments, &message->n_segments_allocated, message->n_segments + 1, sizeof(Hl7Segment));
        if (r < 0)
                return r;
        segment.occurrence = occurrence_of(message, &segment);
        if (message->n_segments == 0) /* MSH-1 is the separator itself; MSH-2 is read already, and must not be split */
                at = field_end(message, offset + 4, end);
        while (at < end) {
                size_t next = field_end(message, ++at, end);

                r = add_field(message, limits, at, next - at);
                if (r)
                        return r;
                at = next;
        }
        segment.n_fields = (uint32_t)(message->n_fields - segment.first_field);
        message->segments[message->n_segments++] = segment;
        return 0;
}

static size_t line_end(Bytes bytes, size_t offset) {
        /* Eight at a time as long as none of them is below a space: control characters are rare. */
        for (; bytes.size - offset >= 8; offset += 8) {
                uint64_t eight = load_le64(bytes.data + offset);

                if ((eight - 0x2020202020202020ULL) & ~eight & 0x8080808080808080ULL)
                        for (size_t i = 0; i < 8; i++)
                                if (is_line_end(bytes.data[offset + i]))
                                        return offset + i;
        }
        while (offset < bytes.size && !is_line_end(bytes.data[offset]))
                offset++;
        return offset;
}

/* Where the next line begins that is not empty. */
static size_t line_next(Bytes bytes, size_t offset) {
        while (offset < bytes.size && is_padding(bytes.data[offset]))
                offset++;
        return offset;
}

static unsigned last_field(const Hl7Message *message, const Hl7Segment *segment) {
        return segment->n_fields + (segment == message->segments ? 2 : 0);
}

/* Whether a line that begins no segment can only be more of a note: the segment before it stopped in its text. A result's
 * text is followed by its status, so that a line with separators in it is more than text. */
static bool continues_text(const Hl7Message *message, const Hl7Segment *segment, Bytes line) {
        static const char *const text_types[] = { "TX", "FT", "ST" };
        unsigned last = last_field(message, segment);
        Hl7Value type;

        if (memcmp(segment->name, "NTE", 4) == 0)
                return last == 3;
        if (memcmp(segment->name, "OBX", 4) != 0 || last != 5 ||
            memchr(line.data, message->separators.field, line.size))
                return false;
        type = hl7_field(message, segment, 2);
        for (size_t i = 0; i < ELEMENTSOF(text_types); i++)
                if (bytes_equal_text(type.raw, text_types[i]))
                        return true;
        return false;
}

/*
 * Lines that begin no segment: a sender did not escape the line ends of a text, or lost a part. More of a note becomes part
 * of the note, whole. Anything else stays out of the fields: split, or glued to the last one, it would pass for a name or
 * for the authority of a number, and the message would be about somebody else. Returns where the next segment begins.
 */
static size_t join_lines(Hl7Message *message, size_t next) {
        Hl7Segment *segment = &message->segments[message->n_segments - 1];
        bool is_broken = false;

        while (next < message->bytes.size) {
                size_t end = line_end(message->bytes, next);

                if (is_segment_start(message, next, end))
                        break;
                if (!is_broken && continues_text(message, segment, bytes_of(message->bytes.data + next, end - next))) {
                        Hl7Field *text = &message->fields[message->n_fields - 1];

                        text->size = (uint32_t)(end - text->offset);
                        segment->size = (uint32_t)(end - segment->offset);
                } else
                        is_broken = true;
                next = line_next(message->bytes, end);
        }
        if (is_broken && message->broken == 0)
                message->broken = message->n_segments;
        return next;
}

static int fail_at(Hl7Message *message, int code, size_t offset, Hl7Error *error) {
        char position[HL7_POSITION_SIZE];

        snprintf(position, sizeof(position), "segment %zu", message->n_segments + 1);
        return fail(error, code, offset, position);
}

int hl7_message_read(Hl7Message *message, Bytes bytes, const Hl7Limits *limits, Hl7Error *ret_error) {
        Hl7Header header;
        size_t offset;
        int r;

        message->n_segments = 0;
        message->n_fields = 0;
        message->broken = 0;
        if (bytes.size > limits->max_bytes || bytes.size > UINT32_MAX)
                return fail(ret_error, HL7_E_TOO_LARGE, limits->max_bytes, "message");
        while (bytes.size > 0 && is_padding(bytes.data[bytes.size - 1]))
                bytes.size--;
        message->bytes = bytes;
        r = hl7_header_read(bytes, &header, ret_error);
        if (r)
                return r;
        message->separators = header.separators;
        for (offset = header.offset; offset < bytes.size;) {
                size_t end = line_end(bytes, offset);

                r = add_segment(message, limits, offset, end);
                if (r < 0)
                        return r;
                if (r > 0)
                        return fail_at(message, r, offset, ret_error);
                offset = join_lines(message, line_next(bytes, end));
        }
        return 0;
}

bool hl7_broken_position(const Hl7Message *message, char ret[HL7_POSITION_SIZE]) {
        const Hl7Segment *segment;

        if (message->broken == 0)
                return false;
        segment = &message->segments[message->broken - 1];
        hl7_position(segment, last_field(message, segment), ret);
        return true;
}

void hl7_message_deinit(Hl7Message *message) {
        free(message->segments);
        free(message->fields);
        *message = HL7_MESSAGE_NULL;
}

Hl7Segment *hl7_find_next(const Hl7Message *message, const char *name, const Hl7Segment *after) {
        size_t i = after ? (size_t)(after - message->segments) + 1 : 0;

        for (; i < message->n_segments; i++)
                if (memcmp(message->segments[i].name, name, sizeof(message->segments[i].name)) == 0)
                        return &message->segments[i];
        return NULL;
}

Hl7Segment *hl7_find(const Hl7Message *message, const char *name, unsigned occurrence) {
        for (Hl7Segment *segment = NULL; (segment = hl7_find_next(message, name, segment));)
                if (segment->occurrence == occurrence)
                        return segment;
        return NULL;
}

void hl7_position(const Hl7Segment *segment, unsigned field, char ret[HL7_POSITION_SIZE]) {
        if (segment->occurrence > 1)
                snprintf(ret, HL7_POSITION_SIZE, "%s[%u]-%u", segment->name, segment->occurrence, field);
        else
                snprintf(ret, HL7_POSITION_SIZE, "%s-%u", segment->name, field);
}
