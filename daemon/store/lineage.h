#pragma once
/*
 * Runs of the journal's numbers. After a backup was put back, numbers behind it are given a second time, to other entries. So each restore
 * begins a new run: whoever holds places of the run before, behind the entry at which it was left, holds what the bus does not have.
 */
#include <stddef.h>
#include <stdint.h>

#define LINEAGE_FILE "serve/lineage" /* in `state`, where serve may read; none: nothing was ever put back */
#define LINEAGE_FORKS_MAX 256

typedef struct LineageFork {
        uint64_t id;  /* of a run that was left, */
        uint64_t seq; /* behind this entry */
        int64_t at;   /* when the restore was made; microseconds */
} LineageFork;

typedef struct Lineage {
        uint64_t id;                          /* of the run that is going on; never 0 */
        LineageFork forks[LINEAGE_FORKS_MAX]; /* oldest first */
        size_t n_forks;
} Lineage;

/* `journal` is the journal's id, which the first run is called by. 0; -EBADMSG: the file is not what was written; -EPROTO: it is of a later
 * version. */
int lineage_read(const char *path, const uint8_t journal[16], Lineage *ret);
/* Begins a run behind `seq`. The oldest that was left may be forgotten for it. 0 or negative errno. */
int lineage_fork(Lineage *lineage, uint64_t seq, int64_t at);
/* Durable when it returns. */
int lineage_write(const char *path, const Lineage *lineage);
/* Up to which entry a place of this run stands for what the bus has: UINT64_MAX of the run that is going on, 0 of one that is not known. */
uint64_t lineage_holds_until(const Lineage *lineage, uint64_t id);
