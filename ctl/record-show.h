#pragma once
/*
 * A record for a person who has no time: who it is, what they must know first, what was decided about resuscitation, whom to ring, where
 * the person is; then the sections. What a section does not say is said as such: nothing reads as empty.
 */
#include "base/bytes.h"
#include "canon/zone.h"
#include "carebus/v1/record.pb-c.h"

typedef struct RecordShow {
        const Carebus__V1__Record *record;
        const char *asked;       /* how to ask again, for "carebusctl record ASKED --section X" */
        const char *team;        /* as whom; NULL: an operator, all of it */
        const char *section;     /* this alone, with all that is over; NULL: all, what is over is counted */
        char *const *review_ids; /* open ones in which it waits who this is */
        size_t n_review_ids;
        int64_t at; /* whom to ring then */
        int64_t now;
        const Zone *zone; /* of the bus */
        unsigned width;   /* 0: RECORD_TEXT_WIDTH */
} RecordShow;

/* Lines of at most `width` characters, but for a word that is longer. Errors stick to the buffer. */
void record_show(const RecordShow *show, Buffer *out);

/* "03:00" (the next), "sunday 03:00", "2024-03-05T03:00", in the zone. 0 or -EINVAL. */
int record_show_moment(const char *text, int64_t now, const Zone *zone, int64_t *ret);
