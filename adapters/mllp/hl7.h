#pragma once
/*
 * An HL7 v2 message as its sender wrote it: segments, fields, repeats, components, sub-components. Splitting makes two
 * flat arrays of places, and nothing is copied; text is made when it is asked for. What was asked for is remembered, so
 * that what nobody asked for can be listed.
 *
 * Two ways in: Hl7Header reads the MSH of raw bytes, whatever follows and whatever the character set is, and is all that
 * an acknowledgement needs; Hl7Message reads a message that is UTF-8 already.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

typedef struct Hl7Separators {
        uint8_t field, component, repeat, escape, subcomponent;
        uint8_t truncation; /* 0: none said */
} Hl7Separators;

#define HL7_SEPARATORS_DEFAULT \
        ((Hl7Separators){ .field = '|', .component = '^', .repeat = '~', .escape = '\\', .subcomponent = '&' })

/* Positive returns. */
enum {
        _HL7_E_SUCCESS,
        HL7_E_EMPTY,         /* nothing but white space */
        HL7_E_NO_MSH,        /* does not begin with MSH */
        HL7_E_MSH_TOO_SHORT, /* no room for the separators */
        HL7_E_SEPARATORS,    /* two are alike, or one is a letter, a digit, white space or a control character */
        HL7_E_TOO_LARGE,
        HL7_E_TOO_MANY_SEGMENTS,
        HL7_E_TOO_MANY_FIELDS,
        HL7_E_SEGMENT_NAME, /* not three letters or digits, or not followed by a separator */
        _HL7_E_MAX,
};

/* Where, never what. */
#define HL7_POSITION_SIZE 48
typedef struct Hl7Error {
        int code;                         /* HL7_E_* */
        size_t offset;                    /* of the byte */
        char position[HL7_POSITION_SIZE]; /* MSH-2, PID[1]-7, segment 4 */
} Hl7Error;

/* Reason code of an HL7_E_*: "parse-no-msh". Static text. */
const char *hl7_reason(int code);

/* The fields of MSH, raw: not converted, not unescaped. Borrowed from the message. */
#define HL7_HEADER_FIELDS 26
typedef struct Hl7Header {
        Hl7Separators separators;
        Bytes fields[HL7_HEADER_FIELDS]; /* by number: [10] is MSH-10; [1] and [2] are the separators */
        size_t n_fields;                 /* highest number that is there */
        size_t offset;                   /* of the M of MSH */
} Hl7Header;

/* Byte order mark and white space before MSH are passed over. 0, HL7_E_EMPTY, HL7_E_NO_MSH, HL7_E_MSH_TOO_SHORT or HL7_E_SEPARATORS. */
int hl7_header_read(Bytes message, Hl7Header *ret, Hl7Error *ret_error);
/* The first component of a raw field; `number` from 1. */
Bytes hl7_raw_component(const Hl7Header *header, Bytes field, unsigned number);

typedef struct Hl7Limits {
        size_t max_bytes;
        size_t max_segments;
        size_t max_fields; /* of all segments together */
} Hl7Limits;

#define HL7_LIMITS_DEFAULT ((Hl7Limits){ .max_bytes = 16 << 20, .max_segments = 20000, .max_fields = 500000 })

typedef struct Hl7Segment {
        char name[4];         /* upper case */
        uint32_t offset;      /* of its first letter */
        uint32_t size;        /* without its end */
        uint32_t first_field; /* in fields: that of number 1 (of MSH: number 3) */
        uint32_t n_fields;
        uint32_t occurrence; /* among segments of its name, from 1 */
        uint32_t group;      /* free for the reader: which patient group it belongs to */
} Hl7Segment;

typedef struct Hl7Field {
        uint32_t offset, size;
        uint64_t
                read; /* bit n: component n was asked for; bit 0: the whole; 62: left by intent; 63: repeats were walked */
} Hl7Field;

typedef struct Hl7Message {
        Bytes bytes;
        Hl7Separators separators;
        Hl7Segment *segments;
        size_t n_segments, n_segments_allocated;
        Hl7Field *fields;
        size_t n_fields, n_fields_allocated;
        size_t broken; /* number from 1 of the first segment behind which stands a line that is no segment; 0: none */
} Hl7Message;

#define HL7_MESSAGE_NULL ((Hl7Message){ 0 })

void hl7_message_deinit(Hl7Message *message);
/* Borrows `bytes` (UTF-8) until the next read; the arrays are used again. 0, HL7_E_* with `ret_error` set, or -ENOMEM.
 * Segment names in lower case are taken; MLLP's own bytes that were left in are passed over at both ends.
 * A line that begins no segment is more of the text of the NTE or OBX before it, where that ended in its text; anywhere else
 * it is in no field, and the message is broken. */
int hl7_message_read(Hl7Message *message, Bytes bytes, const Hl7Limits *limits, Hl7Error *ret_error);
/* Whether it is broken, and behind which field for the first time. */
bool hl7_broken_position(const Hl7Message *message, char ret[HL7_POSITION_SIZE]);

/* The `occurrence`th segment of this name, from 1; NULL when there is none. */
Hl7Segment *hl7_find(const Hl7Message *message, const char *name, unsigned occurrence);
/* The next one of this name behind `after` (NULL: from the start). */
Hl7Segment *hl7_find_next(const Hl7Message *message, const char *name, const Hl7Segment *after);

/* A place to read from: a field, one of its repeats, a component, a sub-component. Raw text between separators. */
typedef struct Hl7Value {
        Bytes raw;
        Hl7Field *field; /* whose reading is noted; NULL for nothing */
        uint8_t depth;   /* 0 field, 1 repeat, 2 component, 3 sub-component */
        uint8_t component;
} Hl7Value;

#define HL7_VALUE_NULL ((Hl7Value){ .raw = { NULL, 0 } })

/* Numbers from 1; what is not there is an empty value. None of these note a reading. */
Hl7Value hl7_field(const Hl7Message *message, const Hl7Segment *segment, unsigned number);
Hl7Value hl7_repeat(const Hl7Message *message, Hl7Value field, unsigned number);
Hl7Value hl7_component(const Hl7Message *message, Hl7Value repeat, unsigned number);
Hl7Value hl7_subcomponent(const Hl7Message *message, Hl7Value component, unsigned number);
unsigned hl7_count_repeats(const Hl7Message *message, Hl7Value field);
/* Walks the repeats: `*rest` begins as the field; false when there is none left. */
bool hl7_next_repeat(const Hl7Message *message, Hl7Value *rest, Hl7Value *ret_repeat);
/* All components of a repeat at once, at most `max`; returns how many there are room for. */
size_t hl7_split_components(const Hl7Message *message, Hl7Value repeat, Hl7Value *ret_components, size_t max);

/* Absent, emptied (two quotation marks) or there. */
typedef enum Hl7Presence {
        HL7_ABSENT,
        HL7_CLEARED,
        HL7_PRESENT,
} Hl7Presence;
/* White space alone counts as absent. Of a cleared value it notes the reading: there is nothing more to ask. */
Hl7Presence hl7_presence(Hl7Value value);

/* The text without escapes, spaces at the ends taken off, NUL-terminated in the arena; NULL when absent or cleared or when
 * the arena is full. Notes the reading. Of a value that still has components, the first is meant. */
char *hl7_text(const Hl7Message *message, Hl7Value value, Arena *arena);
/* As hl7_text(), but of everything in the value, separators included: for text fields whose sender forgot to escape. */
char *hl7_text_whole(const Hl7Message *message, Hl7Value value, Arena *arena);
/* Equal, spaces and case of ASCII aside; notes the reading. */
bool hl7_is(const Hl7Message *message, Hl7Value value, const char *text);
/* Marks the whole as read. */
void hl7_note_read(Hl7Value value);
/* Marks the whole as left by intent: it says nothing that anybody needs. */
void hl7_note_ignored(Hl7Value value);
/* Whether anything of the field was read, or else left by intent. */
bool hl7_field_is_read(const Hl7Field *field);
bool hl7_field_is_ignored(const Hl7Field *field);

/* A part is, or is not, a value: 4=RA9, 3.1!=CPR. */
#define HL7_CONDITIONS_MAX 3
typedef struct Hl7Condition {
        unsigned numbers
                [3]; /* of a segment: field, component, sub-component; of a repeat without the field. 0: not said */
        Bytes value; /* borrowed from the text of the path */
        bool is_not;
} Hl7Condition;

/* Which of several: the n-th of those that hold all conditions. */
typedef struct Hl7Choice {
        Hl7Condition conditions[HL7_CONDITIONS_MAX];
        size_t n_conditions;
        unsigned number; /* 0: not said: the first */
} Hl7Choice;

/*
 * A path as people write it. Parsed once, read often.
 *   PID-3.1  MSH-9  OBX-3-1  PID[2]-3[1].4.2   counted from 1; not said: the first
 *   PID-3[4=RA9].1  PID-3[4.2=1.2.3].1         the first repeat whose component (sub-component) is that, letters in either case
 *   PID-3[4!=RA9][2].1                         the second of those where it is not
 *   OBX[3=8867-4]-5  OBX[3.1=8867-4]-5         the first segment of which field 3 (its component 1, in any repeat) is that
 */
typedef struct Hl7Path {
        char segment[4];
        Hl7Choice occurrence, repeat;
        unsigned field, component, subcomponent; /* 0: not said */
} Hl7Path;
/* Borrows `text` as long as the path. 0 or -EINVAL. */
int hl7_path_parse(const char *text, Hl7Path *ret);
/* Empty when it is not there. */
Hl7Value hl7_get(const Hl7Message *message, const Hl7Path *path);

/* "PID[1]-7": where a segment's field is. */
void hl7_position(const Hl7Segment *segment, unsigned field, char ret[HL7_POSITION_SIZE]);

/* Components with a value in any repeat that nobody read, as bits from 1; bit 0: a repeat after the first is unread. 0 where the
 * field is empty or was read, or left, as a whole. */
uint64_t hl7_unread_components(const Hl7Message *message, Hl7Value field);
