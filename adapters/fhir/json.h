#pragma once
/*
 * JSON (RFC 8259) as its sender wrote it: a tree in an arena, numbers as text (1.10 stays 1.10), each value with its place. The one
 * file with <yajl/...> is json.c. Stricter than the parser: no member twice in one object, no depth beyond the limit, no NUL
 * and no half of a surrogate pair in a text, no bytes that are not UTF-8, nothing behind the value.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

typedef enum JsonKind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonKind;

typedef struct JsonNode JsonNode;
struct JsonNode {
        JsonKind kind;
        bool read;             /* somebody asked for it: what nobody asked for can be listed */
        bool ignored, mapped;  /* with all that is in it: it says nothing that anybody needs; it is kept whole */
        uint32_t line, column; /* from 1; of its first byte */
        const char *name;      /* of a member; NULL: an element of an array, or the root */
        const char *text;      /* of a string: decoded, NUL-terminated UTF-8; of a number: as written */
        size_t size;           /* of text */
        size_t n_children;
        JsonNode *parent, *first, *last, *next;
};

typedef struct JsonLimits {
        size_t max_bytes;
        size_t max_depth;
        size_t max_nodes;
        size_t max_text; /* bytes of one string; an attachment's data is one */
} JsonLimits;
#define JSON_LIMITS_DEFAULT \
        ((JsonLimits){ .max_bytes = 16 << 20, .max_depth = 64, .max_nodes = 500000, .max_text = 16 << 20 })

/* Positive returns. */
enum {
        _JSON_E_SUCCESS,
        JSON_E_EMPTY,
        JSON_E_MALFORMED,
        JSON_E_TEXT,      /* not UTF-8, NUL, half a surrogate pair */
        JSON_E_DUPLICATE, /* a member that was there already */
        JSON_E_DEPTH,
        JSON_E_TOO_LARGE, /* bytes, nodes, one text */
        _JSON_E_MAX,
};
typedef struct JsonError {
        int code;
        uint32_t line, column;
        size_t offset; /* bytes before it */
} JsonError;

/* 0, JSON_E_* with ret_error, or -ENOMEM. Borrows nothing: the tree is a copy in the arena. */
int json_read(Bytes bytes, const JsonLimits *limits, Arena *arena, JsonNode **ret, JsonError *ret_error);
/* Reason code of a JSON_E_*: "parse-duplicate-member". Static text. */
const char *json_reason(int code);

/* The member of an object; NULL where there is none, and for NULL and what is no object. Notes the reading of the member. */
JsonNode *json_member(const JsonNode *object, const char *name);
/* As json_member(), but notes nothing. */
JsonNode *json_peek(const JsonNode *object, const char *name);
/* The text of a string or number member; NULL where there is none or it is of another kind. */
const char *json_text(const JsonNode *object, const char *name);
/* The text of a string member that is not empty; notes nothing. NULL: none. */
const char *json_said(const JsonNode *object, const char *name);
/* All of it is read by intent: it says nothing that anybody needs. NULL does nothing. */
void json_note_read(JsonNode *node);
/* All of it is in an event, whole or by another name. NULL does nothing. */
void json_note_mapped(JsonNode *node);
/* Of an element itself: somebody asked for it, and answers for what is in it one by one. NULL does nothing. */
void json_note_seen(JsonNode *node);
/* The nth element of an array, from 0; the node itself for 0 where it is none. NULL: none. Notes the reading. */
JsonNode *json_element(JsonNode *node, size_t index);
/* Walks an array; what is no array is walked as the only element of one: senders forget the brackets. */
#define JSON_EACH(item, array)                                \
        for (JsonNode *item = json_element((array), 0); item; \
             item = item->parent == (array) ? json_note_next(item) : NULL)
JsonNode *json_note_next(JsonNode *node);
/* Whether it stands in `contained` of another resource: what it contains itself (R4 forbids it) is read by nobody. */
bool json_is_contained(const JsonNode *resource);
/* Bundle.entry[2].resource.name[0].family: FHIRPath-like, from the root, which is called `root`. In the arena. */
char *json_path(const JsonNode *node, const char *root, Arena *arena);
