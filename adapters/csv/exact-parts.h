#pragma once
/* Parts of exact.c and exact-further.c; for nobody else. */
#include "adapters/csv/exact.h"
#include "base/arena.h"

typedef struct Exact {
        const ExactOptions *options;
        const Carebus__V1__Event *event;
        const char *values[TABLE_COLUMNS_MAX];   /* by column; NULL: empty */
        const char *local_id_system, *id_system; /* of the person's number and of the row's own; NULL: none */
        Arena *arena;
} Exact;

typedef struct ExactBody {
        Carebus__V1__Event__BodyCase body;
        const char *table;
        bool (*values)(Exact *exact); /* false: it has no row here */
        bool has_person;              /* the first columns are the person's numbers */
        const Table *written_alone;   /* no template: nobody reads it back; NULL: that of the name */
} ExactBody;

/* ---- exact.c: NULL where nothing is said */

const char *exact_when(Exact *exact, const Carebus__V1__When *when);
/* The source's own words come back as they were; else the shared ones. */
const char *exact_coded(const Carebus__V1__Coded *coded);
const char *exact_name(Exact *exact, const Carebus__V1__HumanName *name);
const char *exact_number(Exact *exact, bool is_said, uint32_t number);
const char *exact_id(const Carebus__V1__Identifier *identifier);
/* The same of what the row is about: its system stands in the last column. */
const char *exact_own_id(Exact *exact, const Carebus__V1__Identifier *identifier);

/* ---- exact-further.c */

/* Tables that are written alone; NULL behind the last. */
const ExactBody *exact_further_at(size_t index);
