#pragma once
/*
 * What an event says, as rows of the tables that carebus-csv itself reads: the other way round of translate*.c. What the tables have no
 * column for is not said. Behind the columns of a table stand those of ExactColumn, by which a reader whose profile says `exact` makes the
 * same event of it again; others do without. Pure; any thread.
 */
#include "adapters/csv/table.h"
#include "base/bytes.h"
#include "canon/zone.h"
#include "carebus/v1/event.pb-c.h"

typedef struct ExactOptions {
        const Zone *zone;
        /* Systems of the receiver's own numbers (carebus:SOURCE), the best first: a person whom it knows has its own number as
         * local_id, others that of the bus. */
        const char *const *systems;
        size_t n_systems;
        const char *bus_system; /* carebus:BUS, of its own numbers; NULL: not said */
} ExactOptions;

/* Appends one row, without the first line, of the table *ret. 0; 1: no template has a row for it (*ret is NULL); -ENOMEM. */
int exact_row(const ExactOptions *options, const Carebus__V1__Event *event, const Table **ret, Buffer *row);
/* The first line of such a table: the names of its columns. */
void exact_head(const Table *table, Buffer *ret);
