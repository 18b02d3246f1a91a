#pragma once
/* A Reading on its way to the bus. */
#include "adapters/common/reading.h"
#include "base/arena.h"
#include "sdk/carebus.h"

typedef struct SubmitOptions {
        uint64_t retranslates; /* seq that this reads again; 0: none */
        bool history;          /* an initial load */
        void *cookie;
} SubmitOptions;

/* Packs the events into the arena and hands all of it to the library. Events that do not fit leave the original with a problem of their
 * own (too-many-events, too-large): the bytes are kept for a person. Returns as carebus_source_submit(). */
int submit_reading(carebus_source *bus, const Reading *reading, const SubmitOptions *options, Arena *arena);
/* The fields that it had, for `carebusctl coverage`. */
void submit_fields(carebus_source *bus, const Reading *reading);
