#pragma once
/* What the files of project share: what an event changed, and the fact that it is laid into. */
#include "daemon/stage/fold-parts.h"
#include "daemon/stage/identify.h"

/* What an event changed that others may contradict, or be joined by. */
typedef struct Changes {
        bool identifiers;
        bool birth_date;
        bool demographics; /* not just what was said before */
        bool contradictable;
        bool presence; /* contradicts deaths only */
        bool stay;     /* a stay has ended, or has not after all: what was decided in it may stand or not */
        bool told;     /* what it says is in the record */
        bool news;     /* and was not said before */
} Changes;

/* Did the source say the same before, and nothing else since? The fact tells: it was only confirmed. */
void told_note(Changes *changes, const Said *said, const Carebus__V1__StoredFact *stored);
/* The fact of this source in the section, made where there is none. 0 or negative. */
int fact_of_source(FoldWork *work, Carebus__V1__StoredSection *section, const char *key, Carebus__V1__StoredFact **ret);
/* The same for an event that says the fact: since when it is said, and under which number, goes by that too. */
int fact_for(FoldWork *work, const Said *said, Carebus__V1__StoredSection *section, const char *key,
             Carebus__V1__StoredFact **ret);

int project_encounter(FoldWork *work, const Said *said, const Home *home, Changes *changes);
