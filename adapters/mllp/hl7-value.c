/*
 * Values: finding the place of a repeat, a component, a sub-component, and making text of it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/mllp/hl7.h"
#include "base/text.h"

/* Bits of Hl7Field.read: 0 the whole field, 1 to 61 a component, 62 that it was left by intent, 63 that its repeats were walked. */
#define READ_WHOLE (1ULL << 0)
#define READ_COMPONENT_MAX 61
#define READ_IGNORED (1ULL << 62)
#define READ_REPEATS (1ULL << 63)

enum { DEPTH_FIELD, DEPTH_REPEAT, DEPTH_COMPONENT, DEPTH_SUBCOMPONENT };

/* As memchr(), for the few bytes that a value has: a call costs more than the search. */
static const uint8_t *find(Bytes bytes, uint8_t byte) {
        if (bytes.size > 32)
                return memchr(bytes.data, byte, bytes.size);
        for (size_t i = 0; i < bytes.size; i++)
                if (bytes.data[i] == byte)
                        return bytes.data + i;
        return NULL;
}

/* The `number`th part of `bytes`, from 1; data is NULL when there is none. */
static Bytes part(Bytes bytes, uint8_t separator, unsigned number) {
        if (!bytes.data)
                return BYTES_NULL;
        while (separator) {
                const uint8_t *end = find(bytes, separator);

                if (number <= 1)
                        return bytes_of(bytes.data, end ? (size_t)(end - bytes.data) : bytes.size);
                if (!end)
                        return BYTES_NULL;
                bytes = bytes_of(end + 1, bytes.size - (size_t)(end + 1 - bytes.data));
                number--;
        }
        return number <= 1 ? bytes : BYTES_NULL;
}

Hl7Value hl7_field(const Hl7Message *message, const Hl7Segment *segment, unsigned number) {
        unsigned first = segment == message->segments ? 3 : 1;
        Hl7Field *field;

        if (number < first || number - first >= segment->n_fields)
                return HL7_VALUE_NULL;
        field = &message->fields[segment->first_field + number - first];
        return (Hl7Value){ .raw = bytes_of(message->bytes.data + field->offset, field->size), .field = field };
}

Hl7Value hl7_repeat(const Hl7Message *message, Hl7Value field, unsigned number) {
        field.raw = part(field.raw, message->separators.repeat, number);
        field.depth = DEPTH_REPEAT;
        return field;
}

Hl7Value hl7_component(const Hl7Message *message, Hl7Value repeat, unsigned number) {
        if (repeat.depth == DEPTH_FIELD)
                repeat = hl7_repeat(message, repeat, 1);
        repeat.raw = part(repeat.raw, message->separators.component, number);
        repeat.depth = DEPTH_COMPONENT;
        repeat.component = (uint8_t)MIN(number, (unsigned)READ_COMPONENT_MAX);
        return repeat;
}

Hl7Value hl7_subcomponent(const Hl7Message *message, Hl7Value component, unsigned number) {
        if (component.depth < DEPTH_COMPONENT)
                component = hl7_component(message, component, 1);
        component.raw = part(component.raw, message->separators.subcomponent, number);
        component.depth = DEPTH_SUBCOMPONENT;
        return component;
}

unsigned hl7_count_repeats(const Hl7Message *message, Hl7Value field) {
        unsigned n = field.raw.size > 0;

        if (!message->separators.repeat)
                return n;
        for (size_t i = 0; i < field.raw.size; i++)
                n += field.raw.data[i] == message->separators.repeat;
        return n;
}

bool hl7_next_repeat(const Hl7Message *message, Hl7Value *rest, Hl7Value *ret_repeat) {
        const uint8_t *end;

        if (!rest->raw.data || (rest->depth == DEPTH_FIELD && rest->raw.size == 0))
                return false;
        if (rest->field)
                rest->field->read |= READ_REPEATS;
        *ret_repeat = *rest;
        ret_repeat->depth = DEPTH_REPEAT;
        rest->depth = DEPTH_REPEAT;
        end = message->separators.repeat ? find(rest->raw, message->separators.repeat) : NULL;
        if (end) {
                ret_repeat->raw.size = (size_t)(end - rest->raw.data);
                rest->raw = bytes_of(end + 1, rest->raw.size - ret_repeat->raw.size - 1);
        } else
                rest->raw = BYTES_NULL;
        return true;
}

size_t hl7_split_components(const Hl7Message *message, Hl7Value repeat, Hl7Value *ret_components, size_t max) {
        uint8_t separator = message->separators.component;
        size_t n = 0;

        if (repeat.depth == DEPTH_FIELD)
                repeat = hl7_repeat(message, repeat, 1);
        while (repeat.raw.data && n < max) {
                const uint8_t *end = separator ? find(repeat.raw, separator) : NULL;
                size_t size = end ? (size_t)(end - repeat.raw.data) : repeat.raw.size;

                ret_components[n] = (Hl7Value){
                        .raw = bytes_of(repeat.raw.data, size),
                        .field = repeat.field,
                        .depth = DEPTH_COMPONENT,
                        .component = (uint8_t)MIN(n + 1, (size_t)READ_COMPONENT_MAX),
                };
                n++;
                repeat.raw = end ? bytes_of(end + 1, repeat.raw.size - size - 1) : BYTES_NULL;
        }
        for (size_t i = n; i < max; i++)
                ret_components[i] = HL7_VALUE_NULL;
        return n;
}

static void note(Hl7Value value, bool whole) {
        if (!value.field)
                return;
        if (value.depth >= DEPTH_COMPONENT)
                value.field->read |= 1ULL << value.component;
        else
                value.field->read |= whole ? READ_WHOLE : 1ULL << 1;
}

void hl7_note_read(Hl7Value value) {
        note(value, /* whole= */ true);
}

void hl7_note_ignored(Hl7Value value) {
        if (!value.field)
                return;
        if (value.depth >= DEPTH_COMPONENT)
                value.field->read |= 1ULL << value.component;
        else
                value.field->read |= READ_IGNORED;
}

bool hl7_field_is_read(const Hl7Field *field) {
        return (field->read & ~(READ_IGNORED | READ_REPEATS)) != 0;
}

bool hl7_field_is_ignored(const Hl7Field *field) {
        return (field->read & READ_IGNORED) && !hl7_field_is_read(field);
}

static Bytes trimmed(Bytes raw) {
        while (raw.size && (raw.data[0] == ' ' || raw.data[0] == '\t'))
                raw = bytes_of(raw.data + 1, raw.size - 1);
        while (raw.size && (raw.data[raw.size - 1] == ' ' || raw.data[raw.size - 1] == '\t' ||
                            raw.data[raw.size - 1] == '\r' || raw.data[raw.size - 1] == '\n'))
                raw.size--;
        return raw;
}

static bool is_null(Bytes raw) {
        return raw.size == 2 && raw.data[0] == '"' && raw.data[1] == '"';
}

Hl7Presence hl7_presence(Hl7Value value) {
        Bytes raw = trimmed(value.raw);

        if (raw.size == 0)
                return HL7_ABSENT;
        if (!is_null(raw))
                return HL7_PRESENT;
        note(value, /* whole= */ true);
        return HL7_CLEARED;
}

/* ---- escapes */

typedef struct TextOut {
        char *text;
        size_t size;
} TextOut;

static void put(TextOut *out, const void *data, size_t size) {
        memcpy(out->text + out->size, data, size);
        out->size += size;
}

static void put_byte(TextOut *out, uint8_t byte) {
        out->text[out->size++] = (char)byte;
}

/* \X4142\: bytes; only where they are text. False: they are not. */
static bool put_hex(TextOut *out, Bytes digits) {
        size_t start = out->size;

        if (digits.size == 0 || digits.size % 2)
                return false;
        for (size_t i = 0; i < digits.size; i += 2) {
                char pair[3] = { (char)digits.data[i], (char)digits.data[i + 1], 0 };

                if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1])) {
                        out->size = start;
                        return false;
                }
                put_byte(out, (uint8_t)strtoul(pair, NULL, 16));
        }
        if (memchr(out->text + start, 0, out->size - start) || !utf8_is_valid(out->text + start, out->size - start)) {
                out->size = start;
                return false;
        }
        return true;
}

/* One escape without its two marks. False: it is none that we know, and stays as it is. */
static bool put_escape(const Hl7Message *message, TextOut *out, Bytes body) {
        const Hl7Separators *separators = &message->separators;
        const struct {
                char letter;
                uint8_t byte;
        } letters[] = {
                { 'F', separators->field },  { 'S', separators->component },    { 'R', separators->repeat },
                { 'E', separators->escape }, { 'T', separators->subcomponent }, { 'P', separators->truncation },
        };

        if (body.size == 1) {
                if (body.data[0] == 'H' || body.data[0] == 'N') /* highlighting on and off: not text */
                        return true;
                for (size_t i = 0; i < ELEMENTSOF(letters); i++)
                        if (body.data[0] == letters[i].letter && letters[i].byte) {
                                put_byte(out, letters[i].byte);
                                return true;
                        }
                return false;
        }
        if (body.size > 1 && body.data[0] == 'X')
                return put_hex(out, bytes_of(body.data + 1, body.size - 1));
        if (bytes_equal_text(body, ".br") || bytes_equal_text(body, ".ce") ||
            (body.size >= 3 && memcmp(body.data, ".sp", 3) == 0)) {
                put_byte(out, '\n');
                return true;
        }
        return false;
}

/* One escape at the front of `raw`, or its first mark as it is. Returns how many bytes of `raw` it was. */
static size_t put_front(const Hl7Message *message, TextOut *out, Bytes raw) {
        uint8_t escape = message->separators.escape;
        const uint8_t *end = find(bytes_of(raw.data + 1, raw.size - 1), escape);
        Bytes body;

        if (!end) {
                put_byte(out, escape);
                return 1;
        }
        body = bytes_of(raw.data + 1, (size_t)(end - raw.data) - 1);
        if (put_escape(message, out, body))
                return body.size + 2;
        if (body.size > 0 && memchr("CMZX.", body.data[0], 5)) {
                put(out, raw.data, body.size + 2); /* an escape of a kind that stays as it is */
                return body.size + 2;
        }
        put_byte(out, escape); /* the closing mark may be the opening one of the next */
        return 1;
}

static void put_unescaped(const Hl7Message *message, TextOut *out, Bytes raw) {
        uint8_t escape = message->separators.escape;

        for (size_t i = 0; i < raw.size;) {
                uint8_t byte = raw.data[i];

                if (byte == escape && escape)
                        i += put_front(message, out, bytes_of(raw.data + i, raw.size - i));
                else {
                        put_byte(out, byte ? byte : '?'); /* a NUL would cut the text in two */
                        i++;
                }
        }
}

static char *make_text(const Hl7Message *message, Bytes raw, Arena *arena) {
        TextOut out = { .text = NULL };

        raw = trimmed(raw);
        if (raw.size == 0 || is_null(raw))
                return NULL;
        out.text = arena_alloc(arena, raw.size + 1);
        if (!out.text)
                return NULL;
        put_unescaped(message, &out, raw);
        out.text[out.size] = 0;
        return out.text;
}

char *hl7_text(const Hl7Message *message, Hl7Value value, Arena *arena) {
        if (value.raw.size == 0)
                return NULL;
        note(value, /* whole= */ false);
        if (value.depth < DEPTH_COMPONENT)
                value = hl7_component(message, value, 1);
        if (value.depth < DEPTH_SUBCOMPONENT)
                value = hl7_subcomponent(message, value, 1);
        return make_text(message, value.raw, arena);
}

char *hl7_text_whole(const Hl7Message *message, Hl7Value value, Arena *arena) {
        if (value.raw.size == 0)
                return NULL;
        note(value, /* whole= */ true);
        return make_text(message, value.raw, arena);
}

bool hl7_is(const Hl7Message *message, Hl7Value value, const char *text) {
        Bytes raw;

        if (value.raw.size == 0)
                return false;
        note(value, /* whole= */ false);
        if (value.depth < DEPTH_COMPONENT)
                value = hl7_component(message, value, 1);
        raw = trimmed(value.raw);
        return raw.size == strlen(text) && strncasecmp((const char *)raw.data, text, raw.size) == 0;
}

/* ---- paths */

static const char *path_number(const char *text, unsigned *ret) {
        unsigned value = 0;

        if (*text < '1' || *text > '9')
                return NULL;
        for (; *text >= '0' && *text <= '9'; text++) {
                value = value * 10 + (unsigned)(*text - '0');
                if (value > 9999)
                        return NULL;
        }
        *ret = value;
        return text;
}

/* 3, 3.1, 3-1-2: as many numbers as there is room for. */
static const char *path_numbers(const char *text, unsigned *ret, size_t max) {
        text = path_number(text, &ret[0]);
        for (size_t i = 1; text && i < max && (*text == '.' || *text == '-'); i++)
                text = path_number(text + 1, &ret[i]);
        return text;
}

/* 4=RA9 or 4.2!=RA9, up to the bracket that closes it. */
static const char *path_condition(const char *text, Hl7Choice *choice) {
        Hl7Condition condition = { .value = BYTES_NULL };
        const char *end;

        text = path_numbers(text, condition.numbers, ELEMENTSOF(condition.numbers));
        if (text && *text == '!') {
                condition.is_not = true;
                text++;
        }
        if (!text || *text != '=' || choice->n_conditions == HL7_CONDITIONS_MAX)
                return NULL;
        end = strchr(++text, ']');
        if (!end)
                return NULL;
        condition.value = bytes_of(text, (size_t)(end - text));
        choice->conditions[choice->n_conditions++] = condition;
        return end + 1;
}

static const char *path_choice(const char *text, Hl7Choice *ret) {
        while (text && *text == '[') {
                unsigned number;
                const char *end = path_number(text + 1, &number);

                if (end && *end == ']') {
                        ret->number = number;
                        text = end + 1;
                } else
                        text = path_condition(text + 1, ret);
        }
        return text;
}

int hl7_path_parse(const char *text, Hl7Path *ret) {
        Hl7Path path = { .segment = "" };
        unsigned parts[2] = { 0 };

        for (size_t i = 0; i < 3; i++, text++) {
                if (!isalnum((unsigned char)*text) || (i == 0 && isdigit((unsigned char)*text)))
                        return -EINVAL;
                path.segment[i] = (char)toupper((unsigned char)*text);
        }
        text = path_choice(text, &path.occurrence);
        if (!text || *text != '-')
                return -EINVAL;
        text = path_number(text + 1, &path.field);
        if (text)
                text = path_choice(text, &path.repeat);
        if (text && (*text == '.' || *text == '-'))
                text = path_numbers(text + 1, parts, ELEMENTSOF(parts));
        if (!text || *text)
                return -EINVAL;
        path.component = parts[0];
        path.subcomponent = parts[1];
        *ret = path;
        return 0;
}

/* Whether a part of a repeat is what a condition asks for. Read only where it is: of the others nothing is known. */
static bool part_is(const Hl7Message *message, Hl7Value repeat, unsigned component, unsigned subcomponent,
                    Bytes value) {
        Hl7Value part = hl7_component(message, repeat, component ?: 1);
        Bytes raw;

        if (subcomponent)
                part = hl7_subcomponent(message, part, subcomponent);
        raw = trimmed(part.raw);
        if (raw.size != value.size ||
            (raw.size && strncasecmp((const char *)raw.data, (const char *)value.data, raw.size) != 0))
                return false;
        note(part, /* whole= */ false);
        return true;
}

static bool repeat_holds(const Hl7Message *message, Hl7Value repeat, const Hl7Choice *choice) {
        for (size_t i = 0; i < choice->n_conditions; i++) {
                const Hl7Condition *condition = &choice->conditions[i];

                if (part_is(message, repeat, condition->numbers[0], condition->numbers[1], condition->value) ==
                    condition->is_not)
                        return false;
        }
        return true;
}

/* Looking is not reading: only what holds is noted. */
static bool next_repeat(const Hl7Message *message, Hl7Value field, Hl7Value *rest, Hl7Value *ret) {
        if (!hl7_next_repeat(message, rest, ret))
                return false;
        ret->field = field.field;
        return true;
}

/* Empty when none fits. */
static Hl7Value find_repeat(const Hl7Message *message, Hl7Value field, const Hl7Choice *choice) {
        unsigned number = choice->number ?: 1;
        Hl7Value rest = field, repeat;

        if (choice->n_conditions == 0)
                return hl7_repeat(message, field, number);
        rest.field = NULL;
        while (next_repeat(message, field, &rest, &repeat))
                if (repeat_holds(message, repeat, choice) && --number == 0)
                        return repeat;
        return HL7_VALUE_NULL;
}

static bool any_repeat_is(const Hl7Message *message, const Hl7Segment *segment, const Hl7Condition *condition) {
        Hl7Value field = hl7_field(message, segment, condition->numbers[0]), rest = field, repeat;
        bool is = field.raw.size == 0 && condition->value.size == 0;

        rest.field = NULL;
        while (!is && next_repeat(message, field, &rest, &repeat))
                is = part_is(message, repeat, condition->numbers[1], condition->numbers[2], condition->value);
        return is;
}

static bool segment_holds(const Hl7Message *message, const Hl7Segment *segment, const Hl7Choice *choice) {
        for (size_t i = 0; i < choice->n_conditions; i++)
                if (any_repeat_is(message, segment, &choice->conditions[i]) == choice->conditions[i].is_not)
                        return false;
        return true;
}

static const Hl7Segment *find_segment(const Hl7Message *message, const Hl7Path *path) {
        unsigned number = path->occurrence.number ?: 1;

        if (path->occurrence.n_conditions == 0)
                return hl7_find(message, path->segment, number);
        for (Hl7Segment *segment = NULL; (segment = hl7_find_next(message, path->segment, segment));)
                if (segment_holds(message, segment, &path->occurrence) && --number == 0)
                        return segment;
        return NULL;
}

Hl7Value hl7_get(const Hl7Message *message, const Hl7Path *path) {
        const Hl7Segment *segment = find_segment(message, path);
        Hl7Value value;

        if (!segment)
                return HL7_VALUE_NULL;
        value = find_repeat(message, hl7_field(message, segment, path->field), &path->repeat);
        if (path->component)
                value = hl7_component(message, value, path->component);
        if (path->subcomponent)
                value = hl7_subcomponent(message, value, path->subcomponent);
        return value;
}
