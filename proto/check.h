#pragma once
/*
 * Whether bytes are fit to be unpacked. protobuf-c takes text that is not UTF-8, cuts text at an embedded NUL, and
 * turns two bytes of wire into a structure of half a kilobyte; so the wire is walked by the schema first, with limits,
 * and what unpacking would cost is added up. What passes is unpacked into an arena.
 *
 * All functions work on what they are given and nothing else: any thread.
 */
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

/* Positive returns. Rules of acceptance, in the order in which they are looked at. */
enum {
        _CHECK_E_SUCCESS,
        CHECK_E_TOO_LARGE, /* the message is beyond max_size */
        CHECK_E_MALFORMED, /* not protobuf: field number 0, a group, a number of more than 64 bits */
        CHECK_E_TRUNCATED, /* a field runs over the end of what holds it */
        CHECK_E_WIRE_TYPE, /* a field we know has another type on the wire; packed numbers are as good as single ones */
        CHECK_E_DUPLICATE, /* a field that can be there once is there twice, or two members of one oneof are */
        CHECK_E_RANGE,     /* a number does not fit its field; enum values nobody knows are let through */
        CHECK_E_NOT_UTF8,
        CHECK_E_NUL, /* a NUL inside text */
        CHECK_E_TEXT_TOO_LONG,
        CHECK_E_BYTES_TOO_LONG,
        CHECK_E_TOO_MANY, /* elements of one repeated field, or fields altogether, or bytes of unknown fields */
        CHECK_E_TOO_DEEP,
        CHECK_E_MEMORY, /* unpacked it would be larger than allowed */
        _CHECK_E_MAX,
};

/* Everything in bytes or counts; 0 stands for "none at all", but for max_memory. */
typedef struct CheckLimits {
        size_t max_size;     /* of the message on the wire */
        size_t max_text;     /* of one string */
        size_t max_bytes;    /* of one bytes field */
        size_t max_repeated; /* elements of one repeated field */
        size_t max_elements; /* fields of all levels together, known or not */
        size_t max_unknown;  /* bytes of unknown fields together */
        size_t max_memory;   /* when unpacked; 0: check_memory_limit() of the message's size */
} CheckLimits;

/* What a person looks at who searches the mistake: where, never what. */
#define CHECK_PATH_SIZE 192
typedef struct CheckError {
        int code;                   /* CHECK_E_* */
        size_t offset;              /* of the byte, in what was checked */
        char path[CHECK_PATH_SIZE]; /* events[0].patient.identifiers[2].value; "" is the message itself */
} CheckError;

#define CHECK_ERROR_NULL ((CheckError){ .code = 0 })

/* Nesting that any message may have; the schema has no recursion and stays below. */
#define CHECK_DEPTH_MAX 24
/* Fields that any message of the schema may have; a test holds the schema to it. */
#define CHECK_FIELDS_MAX 128

/* 64 KiB + sixteen times the size, at most 4 MiB beyond the size: honest messages need about four times. */
size_t check_memory_limit(size_t size);

/* Walks the wire. 0, a CHECK_E_* with `ret_error` (may be NULL) set, or -EINVAL for a schema beyond the two limits
 * above. `ret_memory` (may be NULL) is what unpacking will take. Allocates nothing. */
int check_wire(const ProtobufCMessageDescriptor *descriptor, Bytes message, const CheckLimits *limits,
               size_t *ret_memory, CheckError *ret_error);

/* check_wire(), then unpacks into the arena: the message lives as long as the arena's contents do, and is never given
 * to protobuf_c_message_free_unpacked(). An arena that is full is CHECK_E_MEMORY, and holds rubbish until its reset. */
int check_unpack(const ProtobufCMessageDescriptor *descriptor, Bytes message, const CheckLimits *limits, Arena *arena,
                 ProtobufCMessage **ret, CheckError *ret_error);

/* Reason code of a CHECK_E_*: "not-utf8". Static text. */
const char *check_reason(int code);

/* protobuf-c's allocator over an arena; valid as long as the arena. */
ProtobufCAllocator check_allocator(Arena *arena);

/* One field of a message on the wire, for who looks at a message without unpacking it. */
typedef struct WireField {
        uint32_t number;
        uint8_t wire_type; /* 0 varint, 1 eight bytes, 2 length-prefixed, 5 four bytes */
        uint64_t value;    /* of wire types 0, 1 and 5 */
        Bytes bytes;       /* of wire type 2: borrowed */
} WireField;
/* Takes the field at `*offset` and moves the offset behind it. 0, CHECK_E_TRUNCATED or CHECK_E_MALFORMED (the offset
 * stays). At the end of the message: -ENODATA. */
int wire_field_next(Bytes message, size_t *offset, WireField *ret);
