#pragma once
/* Parts of the destination; for the files destination*.c of this folder only. */
#include "adapters/common/destination.h"
#include "adapters/csv/exact.h"
#include "adapters/csv/last-known.h"
#include "adapters/csv/list.h"
#include "sdk/carebus.h"

#define WAITING_MAX 1000 /* as many persons as a window has */

/* Rows of one template that are not written yet. */
typedef struct Sheet {
        const Table *table; /* NULL: none */
        Buffer rows;
        char name[48]; /* plan-12.0.csv: of the first event in it, so that another try has the same */
} Sheet;

/* The replica of the records, and what is written of it. */
typedef struct KnownWatch {
        carebus_records *records;
        carebus_ask *ask; /* who is silent */
        LoopSource *io, *prepare, *timer;
        LastKnown *known;
        Arena *arena;
        int64_t written_at; /* monotonic; 0: never */
        bool is_whole;      /* a point of agreement was reached */
        bool is_changed, failure_is_told;
} KnownWatch;

typedef struct Outlet {
        Loop *loop;
        const Config *config;
        const ConfigDestination *is;
        Destination *engine;
        Zone *zone;
        LoopSource *tick;
        char **systems;   /* carebus:SOURCE of the receiver's own numbers */
        char *bus_system; /* carebus:BUS */
        ExactOptions exact;
        Sheet sheets[TABLES_MAX];
        List *list, *since_last;
        char today[16];     /* which day's list `list` is; "": one that waits for its hour */
        char published[16]; /* day of the last daily list */
        KnownWatch watch;
        DestinationItem *waiting[WAITING_MAX]; /* for the record that says who it is */
        size_t n_waiting;
        bool has_folders, failure_is_told;
} Outlet;

static inline bool outlet_has_people(const Outlet *outlet) {
        return strcmp(outlet->is->form, "exact") != 0;
}
static inline bool outlet_has_exact(const Outlet *outlet) {
        return strcmp(outlet->is->form, "people") != 0;
}

/* ---- destination-rows.c */

/* Takes up what an event says, for all files that it belongs to. 0 or -ENOMEM. */
int outlet_take(Outlet *outlet, const DestinationItem *item);

/* Can a list say who this is of: the message does, or the records, or it is of nobody? */
bool outlet_knows(const Outlet *outlet, const DestinationItem *item);

/* ---- destination-known.c */

int known_watch_start(Outlet *outlet);
void known_watch_stop(Outlet *outlet);
