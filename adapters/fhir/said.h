#pragma once
/*
 * What R4 has no element for: one extension of a resource, so that what the bus wrote is read as what it was written from.
 *
 *   {"url":"urn:carebus:said","extension":[
 *     {"url":"digest","valueString":HEX},                  of the resource as it was written
 *     {"url":"type","valueString":"encounter.transferred"},
 *     {"url":"body","valueString":"encounter"},
 *     {"url":"absent","valueString":"encounter.minutes"},  the reader makes it of the elements, and it was not said
 *     {"url":"encounter.medically_fit","valueString":"true"}]}
 *
 * It counts only beside what it was written with: where somebody changed an element, R4 alone says what is meant. Paths are those of
 * adapters/common/setter.h, from the event on.
 */
#include <stdbool.h>

#include "adapters/fhir/json.h"
#include "base/arena.h"
#include "carebus/v1/event.pb-c.h"

#define SAID_URL "urn:carebus:said"
#define SAID_DIGEST_SIZE 33 /* hex and a NUL */

typedef struct SaidPart {
        const char *path, *text; /* text NULL: absent; of a list, from that element on */
} SaidPart;

/* What has to be done to `got` so that it says what `wanted` says. All in the arena. 0 or -ENOMEM. */
int said_differences(const Carebus__V1__Event *wanted, const Carebus__V1__Event *got, Arena *arena, SaidPart **ret,
                     size_t *ret_n);
/* Does it. False: the path names nothing that may be said, or the text does not fit; then nothing is changed. -- `got` keeps
 * references to `part`. Full arenas count as false. */
bool said_apply(Carebus__V1__Event *event, const SaidPart *part, Arena *arena);
/* Of a resource, whatever the order of its members: without this extension, id, meta, narrative, and where references lead. */
void said_digest(const JsonNode *resource, char ret[SAID_DIGEST_SIZE]);
