#pragma once
/*
 * JSON as we write it: without white space, members in the order of the tree, numbers with the digits that they came with. So
 * the same value always gives the same bytes, whatever its sender's white space was. One thread a buffer.
 */
#include "adapters/fhir/json.h"
#include "base/bytes.h"

/* What is different from the tree. */
typedef struct JsonEdit {
        const JsonNode *without;  /* this value is left out (with its name); NULL: none */
        const char *from, *to;    /* strings that are exactly `from` become `to`; NULL: none */
        const JsonNode *into;     /* this object gets one more member; NULL: none */
        const char *name, *value; /* of it; the value is JSON */
        const struct JsonEdit *next;
} JsonEdit;

/* Appends; the buffer's error sticks. `edit` may be NULL. */
void json_write(Buffer *out, const JsonNode *node, const JsonEdit *edit);
/* A string with its quotes. NULL gives null. */
void json_write_text(Buffer *out, const char *text);
/* "name": with its colon. */
void json_write_name(Buffer *out, const char *name);
/* The same as a text of its own, for an edit. In the arena; NULL when that is full. */
char *json_quoted(const char *text, Arena *arena);
