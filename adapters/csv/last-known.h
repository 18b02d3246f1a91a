#pragma once
/*
 * The last-known list of a team: who it looks after, what is decided about resuscitation, when, where the signed form
 * is, and whom to ring. Kept in memory, a few lines a person, out of the records as the team sees them; written as a
 * spreadsheet and as plain text for the day on which nothing works. Not for several threads.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "canon/zone.h"
#include "carebus/v1/feed.pb-c.h"

typedef struct LastKnown LastKnown;

/* `title`: of the team, borrowed, as is the zone. 0 or -ENOMEM. */
int last_known_new(const char *title, const Zone *zone, LastKnown **ret);
LastKnown *last_known_free(LastKnown *known);
DEFINE_CLEANUP(LastKnown *, last_known_free)
/* This is the record at this moment. 1: something of the list changed; 0; or -ENOMEM. */
int last_known_take(LastKnown *known, const Carebus__V1__Record *record, int64_t at);
/* The team does not hold it any more. Whether it was there. */
bool last_known_drop(LastKnown *known, const char *patient_id);
/* All of it begins anew: who is not named until last_known_end() goes. */
void last_known_begin(LastKnown *known);
bool last_known_end(LastKnown *known); /* whether anybody went */
/* At this moment what is here is what the bus has; and: nothing is heard of it any more. */
void last_known_heard(LastKnown *known, int64_t at);
void last_known_away(LastKnown *known);
/* Name, birth date and NHS number, where the person is on the list. */
bool last_known_cells(const LastKnown *known, const char *patient_id, const char *ret[3]);
/* This is how the systems of the bus stand at this moment: who is silent is named. 0 or -ENOMEM. */
int last_known_sources(LastKnown *known, const Carebus__V1__SourcesReply *reply, int64_t at);
size_t last_known_count(const LastKnown *known);

/* Both forms, of now. 0 or -ENOMEM. */
int last_known_csv(const LastKnown *known, int64_t now_at, Buffer *ret);
int last_known_text(const LastKnown *known, int64_t now_at, Buffer *ret);
