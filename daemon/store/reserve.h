#pragma once
/*
 * A file that takes up room while there is enough, and gives it back in steps when there is none: with that the fold, the places of readers
 * and the audit go on while nothing more is taken in. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

#define RESERVE_FILE "reserve" /* in `state` */
#define RESERVE_STEPS 4

typedef struct Reserve Reserve;

/* `folder` is that of the state; a file that an earlier run left is taken over. 0 or negative. */
int reserve_new(const char *folder, Reserve **ret);
Reserve *reserve_free(Reserve *reserve); /* the file stays */
DEFINE_CLEANUP(Reserve *, reserve_free)
/* What the file takes up now. */
uint64_t reserve_bytes(const Reserve *reserve);
/* Makes it `bytes` large, less where an eighth of `free_bytes` is less; larger never where it would leave less than `keep` free. True where
 * it grew. */
bool reserve_fill(Reserve *reserve, uint64_t bytes, uint64_t free_bytes, uint64_t keep);
/* Gives a step of `bytes` back. False: there is nothing left to give. */
bool reserve_give(Reserve *reserve, uint64_t bytes);
