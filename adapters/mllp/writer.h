#pragma once
/*
 * An event becomes an HL7 v2 message: what `carebus-mllp --destination` sends. The opposite of translate.h, and by the same tables, so
 * that what is written here and read there says the same; docs/mllp-destination.md lists what HL7 cannot say.
 *
 * What is absent is left out. `""` is written for what the source itself emptied (Event.cleared) and for nothing else; what the
 * receiver's own sources own is neither said nor emptied. Every value is escaped at one place, so that no value can become a
 * separator, a segment or the end of a frame.
 *
 * The same item gives the same bytes whenever it is written: no clock is read.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "carebus/v1/event.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "config/profile.h"

/* A field that the receiver's own sources own, by the settings `ownership:`. */
typedef struct WriterOwned {
        const char *path;          /* canonical; what is below it is meant too */
        const char *const *before; /* sources that own it before the receiver's: theirs is said all the same */
        size_t n_before;
} WriterOwned;

/* All texts are borrowed until the writer is freed; NULL where nothing is said. */
typedef struct WriterOptions {
        const char *bus;        /* our ids are numbers of this authority: carebus:BUS */
        const Profile *profile; /* never NULL: what it says of messages that go out, and its maps backwards */
        const char *timezone;   /* never NULL: times are local there */
        const char *application, *facility;                     /* MSH-3, MSH-4 */
        const char *receiving_application, *receiving_facility; /* MSH-5, MSH-6 */
        char processing_id;                                     /* MSH-11: P or T */
        const WriterOwned *owned;
        size_t n_owned;
        const char *const *own_sources; /* the receiver's: what they said is not told to it */
        size_t n_own_sources;
        bool as_said; /* without a bus behind it (--write): a merge is written as it was said, not only where it was carried out */
} WriterOptions;

typedef struct WriterItem {
        const Carebus__V1__Event *event;
        const Carebus__V1__Record *so_far; /* with record.granted; else NULL */
        const char *message_id;            /* MSH-10 */
} WriterItem;

/* Positive returns. */
enum {
        _WRITER_E_SUCCESS,
        WRITER_E_NOT_SAID,  /* this profile has no message for such an event */
        WRITER_E_NOT_WHOLE, /* a number that the message cannot be without is not there, or is not shown */
};

typedef struct Writer Writer;

/* One thread each. 0, -EINVAL (the character set or the zone is not known here) or -ENOMEM. */
int writer_new(Writer **ret, const WriterOptions *options);
Writer *writer_free(Writer *writer);
DEFINE_CLEANUP(Writer *, writer_free)

/* Appends one message, without its frame. 0, WRITER_E_*, or negative: -ENOMEM, or -E2BIG where it is larger than can be written. */
int writer_write(Writer *writer, const WriterItem *item, Buffer *ret);
/* Which message an event becomes by the profile: ADT^A01; NULL: none. Static text, or of the profile. */
const char *writer_message_of(const WriterOptions *options, const Carebus__V1__Event *event);
/* What of the last item was NOT_WHOLE: PID-3, PV1-19. Static text. */
const char *writer_lacks(const Writer *writer);
