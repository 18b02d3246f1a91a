#pragma once
/* Parts of exact.c and exact-further.c; for nobody else. */
#include "adapters/csv/columns.h"
#include "adapters/csv/exact.h"
#include "adapters/csv/parts.h"
#include "base/arena.h"

typedef struct Exact {
        const ExactOptions *options;
        const Carebus__V1__Event *event;
        const char *values[TABLE_COLUMNS_MAX];   /* by column; NULL: empty */
        const char *local_id_system, *id_system; /* of the person's number and of the row's own; NULL: none */
        const Table *table;
        Buffer parts; /* parts.h: of what the cells are made */
        Arena *arena;
} Exact;

typedef struct ExactBody {
        Carebus__V1__Event__BodyCase body;
        const char *table;
        bool (*values)(Exact *exact); /* false: it has no row here */
        bool has_person;              /* the first columns are the person's numbers */
} ExactBody;

/* ---- exact.c: NULL where nothing is said */

const char *exact_when(Exact *exact, const Carebus__V1__When *when);
/* The source's own words come back as they were; else the shared ones. */
const char *exact_words(const Carebus__V1__Coded *coded);
/* The same into a cell, and what it is made of into the parts, under the name of the column. */
void exact_coded(Exact *exact, int column, const Carebus__V1__Coded *coded);
void exact_coded_list(Exact *exact, int column, Carebus__V1__Coded *const *list, size_t n);
void exact_text_list(Exact *exact, int column, char *const *list, size_t n);
/* One part of the name alone, of what no cell says; NULL adds nothing. */
void exact_part(Exact *exact, const char *name, const char *value);
const char *exact_name(Exact *exact, const Carebus__V1__HumanName *name);
const char *exact_number(Exact *exact, bool is_said, uint32_t number);
/* yes or no; NULL: not said. */
const char *exact_truth(bool is_said, bool truth);
const char *exact_id(const Carebus__V1__Identifier *identifier);
/* The same of what the row is about: its system stands in the last column. */
const char *exact_own_id(Exact *exact, const Carebus__V1__Identifier *identifier);

/* The name of a value; NULL: it has none. */
const char *exact_enum(const ProtobufCEnumDescriptor *type, int value);
const char *exact_phone(Carebus__V1__Telecom *const *telecom, size_t n);

/* What `text` holds, as long as the row lives; NULL where it is empty. It is emptied. */
const char *exact_keep(Exact *exact, Buffer *text);

/* ---- exact-people.c, exact-plan.c, exact-further.c: rows of these tables; NULL behind the last. */
const ExactBody *exact_people_at(size_t index);
const ExactBody *exact_plan_at(size_t index);
const ExactBody *exact_further_at(size_t index);
