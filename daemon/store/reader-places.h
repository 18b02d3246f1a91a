#pragma once
/*
 * The file in which serve keeps how far each consumer has acknowledged (state/serve/cursors), for whoever reads it: serve itself, and who
 * lets go of entries, which must wait for them. Its bytes: magic, version, count, then for each consumer two names (length, bytes), its
 * place, two times, and (since version 2) what it reads and its lineage; CRC-32C of all before it. Little-endian. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define READER_PLACES_MAGIC "carebus-cursors\n"
#define READER_PLACES_VERSION 2
#define READER_PLACES_MAX (64U << 20) /* bytes of the file */
#define READER_NAME_SIZE 33

typedef struct ReaderPlace {
        char team[READER_NAME_SIZE], name[READER_NAME_SIZE];
        uint64_t seq; /* acknowledged up to here */
        uint32_t index;
        int64_t received_at; /* of that entry */
        int64_t acked_at;
        bool records;     /* reads records: `seq` is a place of its ledger's, */
        uint64_t lineage; /* of this lineage */
} ReaderPlace;

/* What it returns, where not 0, ends the walk. */
typedef int (*ReaderPlaceSeen)(const ReaderPlace *place, void *owner);
/* 0, what `seen` returned, or -EBADMSG: these bytes are no such file, whole and unharmed; some may have been seen by then. */
int reader_places_walk(Bytes packed, ReaderPlaceSeen seen, void *owner);
/* The same of a file; none is no places. */
int reader_places_read(const char *path, ReaderPlaceSeen seen, void *owner);
