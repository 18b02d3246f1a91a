#pragma once
/*
 * Facts: what all claims of one source about one thing come to. A fact is a function of its claims in the order in which
 * they were said, whatever the order in which they came.
 *
 * Everything lives in the caller's arena, and shares parts of the events that it was made of. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "carebus/v1/state.pb-c.h"
#include "daemon/record/body.h"
#include "daemon/record/stamp.h"

/* Event ids that Fact.history holds at most, the newest; the journal has all. */
#define FACT_HISTORY_MAX 64

/* One event on its way into facts. `event` has event_id, source and received_at set. */
typedef struct Said {
        const Carebus__V1__Event *event;
        StampParts stamp;
        bool lists_whole; /* the source states its lists whole */
        Bytes packed;     /* the event as it is stored in its entry; empty where that is not at hand */
        const Carebus__V1__Matching *matching; /* what it says of its person, made for comparing; NULL: nothing */
        unsigned
                under; /* 1 + place among the person's identifiers of the first local number it was said under; 0: none */
} Said;

/* A new fact without a value. NULL when the arena is full. */
Carebus__V1__StoredFact *fact_new(const char *key, const char *source, Arena *arena);
/* Notes under which number it was said first, and when; before the event becomes part of the fact. 0 or -ENOMEM. */
int fact_place(Carebus__V1__StoredFact *stored, const Said *said, Arena *arena);
/* The same of a fact that is made anew out of its claims, which do not tell. */
void fact_place_keep(Carebus__V1__StoredFact *anew, const Carebus__V1__StoredFact *before);
/* The event becomes the one that last said the fact, the one before it goes into the history. 0 or -ENOMEM. */
int fact_say(Carebus__V1__Fact *fact, const Said *said, Arena *arena);
/* An event that took part without being the last to say it. 0 or -ENOMEM. */
int fact_remember(Carebus__V1__Fact *fact, const char *event_id, Arena *arena);
/* The same was said again. */
void fact_confirm(Carebus__V1__Fact *fact, const Said *said);

/* The fact in the section, or NULL. */
Carebus__V1__StoredFact *section_find(const Carebus__V1__StoredSection *section, const char *key, const char *source);
/* Puts a new fact at its place. 0 or -ENOMEM. */
int section_insert(Carebus__V1__StoredSection *section, Carebus__V1__StoredFact *stored, Arena *arena);
int fact_compare(const Carebus__V1__Fact *a, const Carebus__V1__Fact *b); /* by key, then source */
