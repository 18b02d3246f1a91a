#pragma once
/*
 * Every file of the state says which version of its format it is in. Looked at before anything is opened, so that a daemon that is too old
 * for one of them leaves all of them as they are.
 */
#include <stdint.h>

typedef struct FormatFound {
        char path[4096];
        const char *what;         /* static: what the file is */
        uint32_t version, newest; /* of the file; that this program reads */
} FormatFound;

/* 0: all can be read, as far as their heads say; damage is for whoever opens them to find. 1: `ret` is of a later version. Negative
 * errno. */
int formats_look(const char *state, FormatFound *ret);
