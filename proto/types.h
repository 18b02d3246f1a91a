#pragma once
/*
 * The event types that the bus knows: which body each carries, what it does to the record, where it lands there. The
 * table of GRAMMAR.md says the same to people; a test holds the two together. A type that is not here is carried as it
 * is: stored, given out, never projected.
 */
#include <stdbool.h>
#include <stddef.h>

#include "carebus/v1/event.pb-c.h"

typedef struct EventType {
        const char *name;                          /* encounter.admitted */
        Carebus__V1__Event__BodyCase body;         /* also Fact's value: the numbers are the same */
        Carebus__V1__Action action;                /* what it usually is; the event's own field decides */
        const char *section;                       /* of the record; NULL: not part of a person's record */
        Carebus__V1__Decision__Kind decision_kind; /* body decision: the kind that the type implies, else unknown */
        bool from_bus;                             /* said by the bus alone */
} EventType;

/* NULL when it is none of ours. Any thread. */
const EventType *event_type_find(const char *name);
/* The table in order of names; NULL behind its end. */
const EventType *event_type_at(size_t index);

/* Well-formed, known or not: [a-z_]+(\.[a-z_]+)+, at most 64 bytes. */
bool event_type_is_well_formed(const char *name);

/* The names of the record's sections in order of names; NULL behind the last. */
const char *section_at(size_t index);
bool section_is_known(const char *name);
