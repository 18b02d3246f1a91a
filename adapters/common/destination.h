#pragma once
/*
 * Delivery into a team's own system: what every language has in common. It reads the team's feed as the consumer that has the destination's
 * name, keeps the order of each person while many persons are under way, tries again with growing pauses, parks what the
 * receiver will not have, and moves the cursor only behind what the receiver acknowledged. A language makes a message out of
 * an event and brings it there; it knows nothing of feeds.
 *
 *   feed --> DestinationItem --render()--> bytes --send()--> receiver --destination_settle()--> acknowledged
 *
 * - One item a person is under way at a time, up to `window` persons together. What is to be sent is made once: a second try sends the
 *   same bytes under the same message id, so that a receiver knows a repeat.
 * - REJECTED parks at once, FAILED after `tries`; NOT_CONNECTED costs no try, nor does a code that speaks of the receiver as a whole
 * (timeout,
 *   408, 429, 5xx) while nothing else comes through: a receiver that is down for a week gets everything, in order. Parking is a decision in
 * the journal: only when the bus
 *   has it does the cursor go on. Behind a parked item all of its person waits, but admissions and deaths, which overtake.
 * - What somebody retries comes again from the bus, in order, as items with `redelivered`.
 * One thread, one loop.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "carebus/v1/event.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "config/config.h"

typedef struct Destination Destination;

typedef struct DestinationItem {
        uint64_t seq;
        uint32_t index;
        const char *patient_id;            /* "": of nobody */
        const char *message_id;            /* [A-Z0-9]{1,20}, the same for every try and every start: fits MSH-10 */
        const char *uuid;                  /* UUID (version 8) of the bus and the event id */
        const Carebus__V1__Event *event;   /* unpacked; as the team may see it */
        const Carebus__V1__Record *so_far; /* with record.granted: the record as it stands; else NULL */
        bool redelivered;
        unsigned tries; /* before this one */
        Bytes bytes;    /* what render() made */
        void *cookie;   /* the language's */
} DestinationItem;

typedef enum DestinationOutcome {
        DESTINATION_DELIVERED,     /* the receiver acknowledged this very message */
        DESTINATION_REJECTED,      /* the receiver will never have it: AR, CR, 400, 422 */
        DESTINATION_FAILED,        /* not now: AE, CE, a timeout, 5xx */
        DESTINATION_NOT_CONNECTED, /* it never left */
} DestinationOutcome;

/* Positive returns of render(). */
enum {
        _DESTINATION_E_SUCCESS,
        DESTINATION_E_NOT_SAID, /* this language, or this profile, has no message for it: nothing is sent, it counts as delivered */
        DESTINATION_E_NOT_WHOLE, /* what the receiver needs is not there (it may be hidden): parked as `not-renderable` */
};

typedef struct DestinationLanguage {
        /* Appends the message. 0, a positive code above, or negative (fatal). */
        int (*render)(void *owner, const DestinationItem *item, Buffer *ret);
        /* Begins to bring it there; the outcome is told by destination_settle(), in this call or later. item->bytes stay as they are until
         * then. 0 or negative (fatal). */
        int (*send)(void *owner, DestinationItem *item);
        /* Its time (`timeout:` of the configuration) is over, or it is not wanted any more: an outcome that comes later is not to be told.
         * May be NULL. It may settle others, as when a connection is closed, but not this one. */
        void (*cancel)(void *owner, DestinationItem *item);
        /* All that there was has been settled, up to this place: a language that collects (a daily list) writes now. Returns true when what
         * it was given may be acknowledged. NULL: always. */
        bool (*level)(void *owner, uint64_t seq, uint32_t index);
        /* Items under way together at most, whatever `window:` says: a wait for a turn is no time of the receiver. 0: as configured. */
        size_t at_once;
        /* The receiver is a machine: what its own system said (destination_said_it()) is not brought back. People read everything. */
        bool leaves_out_own;
        void *owner;
} DestinationLanguage;

/* `config` and `destination` (its place in the configuration) outlive it. -EACCES and the like are logged and tried again; negative is an
 * error of memory or of the configuration. */
int destination_new(Loop *loop, const Config *config, size_t destination, const DestinationLanguage *language,
                    Destination **ret);
Destination *destination_free(Destination *destination);
DEFINE_CLEANUP(Destination *, destination_free)
/* `code`: of the receiver (AR, AE/207, 422, timeout), never its words; NULL where DELIVERED. The item is gone afterwards. An item that was
 * cancelled or settled is not to be given: who finds the item of an answer does it by message_id, see destination_find(). */
int destination_settle(Destination *destination, DestinationItem *item, DestinationOutcome outcome, const char *code);
/* What `--destination NAME` runs: a language, and its Destination. */
typedef struct DestinationProgram {
        /* Makes all of it, destination_new() included, which sends nothing before the loop runs. 0 or negative. */
        int (*start)(Loop *loop, const Config *config, size_t destination, void **ret);
        void (*stop)(void *owner);
} DestinationProgram;
/* Runs it until SIGTERM; SIGHUP reads the configuration again and begins anew where the cursor stands. An exit code. */
struct ProgramOptions;
int destination_run(const DestinationProgram *program, const struct ProgramOptions *options, Config *config);

/* Is this source the receiver's own system, because `sources:` of the configuration names it? */
bool destination_is_own(const Config *config, const ConfigDestination *is, const char *source);
/* Is this event what the receiver's own system said? What the bus made of it is not. */
bool destination_said_it(const Config *config, const ConfigDestination *is, const Carebus__V1__Event *event);

/* The item under way with that id, or NULL: an answer that is late, foreign or repeated belongs to nothing. */
DestinationItem *destination_find(Destination *destination, const char *message_id);
