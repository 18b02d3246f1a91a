#pragma once
/* What the choke point promises, said as plainly as it can be said, and as slowly. */
#include "tests/unit/daemon/sharing/random-world.h"

/* By one settings and a configuration's teams as these settings have them. */
typedef struct Oracle {
        const Carebus__V1__Settings *settings; /* NULL: nobody sees anything */
        const Carebus__V1__Settings *other;    /* what is sensitive by these is by the first too */
        const char *team;
        const Carebus__V1__PersonSharing *person; /* may be NULL */
        const Carebus__V1__Event *event;
        const Leaves *leaves;
        const char *kind;
} Oracle;

bool oracle_is_own(const Oracle *oracle);
/* NULL: it is seen, else why not. */
const char *oracle_reason(const Oracle *oracle);
bool oracle_shows(const Oracle *oracle, const Leaf *leaf);
