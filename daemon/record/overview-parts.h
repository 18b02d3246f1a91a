#pragma once
/* What the files overview*.c share. */
#include "daemon/record/body.h"
#include "daemon/record/overview.h"

typedef struct Overviewing {
        const OverviewFrom *from;
        Carebus__V1__Overview *overview;
        Arena *arena;
} Overviewing;

/* NULL: the record has nothing of it. */
const Carebus__V1__Section *overview_section(const Carebus__V1__Record *record, const char *name);
/* Neither a mistake nor called off. */
bool fact_is_meant(const Carebus__V1__Fact *fact);
bool fact_is_current(const Carebus__V1__Fact *fact);
/* When it was said, as far as the fact knows: recorded, else occurred, else received. */
int64_t fact_said_at(const Carebus__V1__Fact *fact);
/* Was a said after b? Places in the journal break ties. */
bool fact_is_newer(const Carebus__V1__Fact *a, const Carebus__V1__Fact *b);

int overview_demographics(Overviewing *o);
int overview_places(Overviewing *o);
int overview_referrals(Overviewing *o);
int overview_team(Overviewing *o);
int overview_trends(Overviewing *o);
