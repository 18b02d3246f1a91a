#pragma once
/*
 * System calls that fail when told to, for this process and every library in it: linked into a test, these definitions
 * stand before libc's.
 */
#include <stdbool.h>

typedef enum FaultCall {
        FAULT_WRITE, /* pwrite, write, pwritev, writev */
        FAULT_SYNC,  /* fdatasync, fsync */
        FAULT_RENAME,
        FAULT_ALLOCATE, /* fallocate */
        _FAULT_CALL_MAX,
} FaultCall;

/* The `nth` such call from now on (1: the next) fails with `error`; with `lasting` every one after it, too. A write that
 * fails writes the first `part` bytes first and says so, and fails when it is asked for the rest. */
void fault_set(FaultCall call, unsigned nth, int error, bool lasting, unsigned part);
void fault_clear(void);
unsigned fault_count(FaultCall call); /* calls since fault_clear() */
