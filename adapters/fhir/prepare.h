#pragma once
/*
 * What a server does with a message before it is read: resources that come without an id get one, and what refers to them by
 * a placeholder (urn:uuid) refers to that. Ids are made of the content, so that a message that comes again gives them again, and so
 * does the original when the bus has it read once more.
 */
#include "adapters/fhir/json.h"
#include "adapters/fhir/memory.h"
#include "adapters/fhir/translate.h"

#define PREPARE_ID_SIZE 37 /* a UUID and its end */

/* An entry of a transaction or batch, by its request. Texts live as long as the arena. */
typedef struct PreparedEntry {
        const JsonNode *entry, *resource; /* resource NULL: none */
        const char *type, *id;            /* of the resource, or of request.url; id after it was assigned; or NULL */
        const char *method;               /* POST where nothing was said */
        const char *condition;            /* request.ifNoneExist; or NULL */
        bool is_conditional_url;          /* request.url has a query */
        const char *stands;               /* set by who found out: the JSON of what a DELETE is about; or NULL */
        bool is_left_out;                 /* set by who found out: it is there already, as `id` */
} PreparedEntry;

typedef struct Prepared {
        Bytes message;           /* to be translated: as it came, or with ids */
        const char *assigned_id; /* of a single resource without one; else NULL */
        const JsonNode *root;    /* as it came; NULL: no JSON, or no object */
        const char *type, *bundle_type;
        PreparedEntry *entries; /* of a transaction or batch alone */
        size_t n_entries;
} Prepared;

/* Everything lives in the arena; the message is borrowed. 0, whatever the message is like, or -ENOMEM. */
int prepare_message(const char *source, Bytes message, Arena *arena, Prepared *ret);
/* The same in two steps: between them entries may be left out. */
int prepare_read(const char *source, Bytes message, Arena *arena, Prepared *ret);
int prepare_write(Prepared *prepared, Arena *arena);
/* An id made of bytes alone. In the arena; NULL when that is full. */
char *prepare_id(const char *source, Bytes content, Arena *arena);
/* One entry of a batch as a Bundle of its own. */
int prepare_single(const Prepared *prepared, size_t index, Arena *arena, Bytes *ret);

/* DELETE Type/id has no body: this is what the bus keeps of it, with what is known of the resource (NULL: nothing). `patient` is the
 * element that leads to its patient, or NULL. */
int prepare_delete(const char *type, const char *id, const MemoryRecord *known, const char *patient, Arena *arena,
                   Bytes *ret);

/* Packs what a translated message says of its resources. `records` (of n_entries, or one) gets the place of each among them, or -1. */
int prepare_remembered(const FhirResult *result, const char *assigned_id, Buffer *out, int *records, size_t n_records,
                       size_t *ret_n);
