#pragma once
/*
 * Messages as JSON for people and scripts: what carebusctl and --translate print. Driven by the descriptors, so that a
 * new field needs no code. GRAMMAR.md, "JSON", gives the form; it is stable.
 *
 * Every function gives one line without its end, on the heap (free()), or NULL when memory is out. Any thread.
 */
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "base/arena.h"
#include "carebus/v1/control.pb-c.h"
#include "carebus/v1/event.pb-c.h"
#include "carebus/v1/intake.pb-c.h"

char *json_line(const ProtobufCMessage *message);

/* One line of `tail`: the event's fields beside its place, in a fixed order; of an entry without events its type and
 * what became of it. */
char *json_event_line(const Carebus__V1__TailItem *item);

/* One line of `--translate`: {"events":[...],"unmapped":[...],"problems":[...]}, each list there even when empty.
 * `unmapped` are names of fields of the source: PID-35. */
typedef struct JsonTranslation {
        Carebus__V1__Event *const *events;
        size_t n_events;
        const char *const *unmapped;
        size_t n_unmapped;
        const Carebus__V1__Problem *const *problems;
        size_t n_problems;
} JsonTranslation;
char *json_translation_line(const JsonTranslation *translation);

/* The other way: a line of `--translate` ({"events":[...]}), or an event by itself, as an event again. Moments and dates are left as
 * texts (When.text), for who knows the zone. Names that no event has are passed over. All of it lives in the arena. 0, -EBADMSG for
 * what is no such line, or -ENOMEM. */

int json_events_read(const char *line, Arena *arena, Carebus__V1__Event ***ret, size_t *ret_n);
