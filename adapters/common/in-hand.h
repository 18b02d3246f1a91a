#pragma once
/*
 * What a source's adapter is reading, noted where it outlives the process: a message on which it dies, or stands until its watchdog ends
 * it, is found at the next start and counted. Who did that IN_HAND_TRIES times is not read any more: it goes to the bus as it came, to
 * wait for a person, and what comes behind it flows.
 *
 * A mapped file in the adapter's own folder, so that a message costs a copy in memory and no call of the system. It outlives a crash of the
 * process, not of the machine, which need not be known here. One thread. All of it takes NULL, which notes nothing.
 */
#include <stdbool.h>
#include <stdint.h>

#include "adapters/common/reading.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "config/config.h"

#define IN_HAND_TRIES 3
#define IN_HAND_ROOM (512u << 10) /* bytes of a message; of a larger one only its SHA-256 is kept */
#define IN_HAND_CODE "ends-adapter"

typedef struct InHand InHand;

/* A part is in hand within a whole: where both are, the part is what is being read. */
typedef enum InHandLevel {
        IN_HAND_WHOLE, /* a message, a request, a file */
        IN_HAND_PART,  /* an entry of a batch, a row */
        _IN_HAND_LEVELS,
} InHandLevel;

/* What was in hand when the process before this one ended. */
typedef struct InHandFound {
        unsigned times; /* that it was, one behind the other, this one included; 0: nothing was */
        Bytes bytes;    /* empty: it was too large to be kept; until in_hand_free() */
        uint64_t size;
        bool is_again; /* it waits in the quarantine: somebody wanted it to be read again */
} InHandFound;

/* The note in this folder. 0; -EWOULDBLOCK: another process has it; or what made it impossible. */
int in_hand_open(const char *folder, InHand **ret);
/* An end in order: no bytes of a message stay in the file. */
InHand *in_hand_free(InHand *hand);
DEFINE_CLEANUP(InHand *, in_hand_free)
/* The same in the folder of a source's adapter, and what was found there is said. NULL: it cannot be had, which is said too. */
InHand *in_hand_start(const Config *config, const char *source);
const InHandFound *in_hand_found(const InHand *hand);

/* The bytes are going to be read, until in_hand_done() of the same level. `is_again`: since somebody asked for it, whatever it did. 0, or
 * IN_HAND_E_GIVEN_UP: they are not to be read; nothing is in hand, and in_hand_reading() says what goes to the bus. */
enum { IN_HAND_E_GIVEN_UP = 1 };
int in_hand_take(InHand *hand, InHandLevel level, Bytes bytes, bool is_again);
/* They were read, whatever they were: they end nothing, and are not counted any more. Where they were read again the bus has them as they
 * came: whoever sends them once more says nothing new, until in_hand_forget(). */
void in_hand_done(InHand *hand, InHandLevel level);
/* Begins anew with these bytes, which were given up: who hands them in once more wants them to be tried. */
void in_hand_forget(InHand *hand, Bytes bytes);
/* Of the bytes that were given up last: a problem with the stage and the number of times, and the original. What it points to lives until
 * the next that is given up. */
void in_hand_reading(const InHand *hand, Bytes original, const char *media_type, Reading *ret);
