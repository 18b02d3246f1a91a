#pragma once
/* Facts of the sections that one table describes (daemon/record/plain.h), and what they do to each other. */
#include "daemon/stage/fold-parts.h"

typedef struct PlainTold {
        bool told;        /* the event is of such a fact */
        bool again;       /* its source said the same before, and nothing else since */
        bool decisions;   /* what stands of decisions, allergies or consents is not what it was */
        const char *name; /* of the fact's section in the state */
        const Carebus__V1__StoredFact *stored;
} PlainTold;

/* Lays what was said into its section. */
int project_plain(FoldWork *work, const Said *said, const char *patient_id, PlainTold *ret);
/* Notes which sections the source has stated completely with this event: who reads the record sees what is over by it. */
int project_lists(FoldWork *work, const Said *said, const char *patient_id);
