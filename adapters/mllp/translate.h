#pragma once
/*
 * A message becomes canonical events. Table-driven by trigger; what no table knows is a problem, never nothing.
 *
 * The original bytes are the truth; what is made of them here can be made again. So nothing is refused here: a message
 * that cannot be read has no events and a problem with its place, and is stored and quarantined all the same. Only where
 * not even MSH can be read, or where it does not fit the bus, is the sender told no (ack.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/common/reading.h"
#include "adapters/mllp/hl7.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "carebus/v1/event.pb-c.h"
#include "config/profile.h"

#define TRANSLATE_MEDIA_TYPE "x-application/hl7-v2+er7"
#define TRANSLATE_MESSAGE_ID_MAX 200
#define TRANSLATE_BAD_TIMES_MAX 64

typedef struct TranslateOptions {
        const char *source;     /* name of the source: carebus:SOURCE is the system of an identifier that names none */
        const Profile *profile; /* never NULL; borrowed until the translator is freed */
        const char *timezone;   /* of the source, as the configuration resolved it; NULL: the profile's, else UTC */
        bool want_fields;       /* translate_reading() fills Reading.fields: costs a walk too */
} TranslateOptions;

/* Everything in it lives until the next call on the translator. */
typedef struct TranslateResult {
        Carebus__V1__Event **events;
        size_t n_events;
        /* Reason code: unhandled-trigger, parse-..., bad-charset, no-patient; events beside it wait for a person. NULL: understood. */
        const char *problem_code;
        const char *problem_position; /* MSH-9, PID[1]-3, byte 120; or NULL */
        bool problem_urgent;          /* it may touch a decision, a death, a merge or an allergy */
        bool ignored;                 /* the profile says so: acknowledge and count it, but keep nothing */
        bool has_header;              /* MSH was readable: `header` may be used for the answer */
        Hl7Header header;             /* of the original bytes */
        const char *message_id;       /* MSH-10; NULL: none, or too long (then there is a problem) */
        int64_t message_time;         /* MSH-7 in microseconds since 1970 UTC; INT64_MIN: none that can be read */
        const char *message_time_text;
        const char *trigger; /* ADT^A01, as said; NULL when not even that */
        const char *
                *bad_times; /* places of times and dates that cannot be read, EVN-6, PID-5.12; their text is kept. The
                                 * first TRANSLATE_BAD_TIMES_MAX */
        size_t n_bad_times;
} TranslateResult;

typedef struct Translator Translator;

/* One thread each. */
int translator_new(Translator **ret, const TranslateOptions *options);
Translator *translator_free(Translator *translator);
DEFINE_CLEANUP(Translator *, translator_free)

/* One message as it came, without its frame. 0 with `ret` set, whatever the message is like; -ENOMEM. The message is
 * borrowed as long as the result. */
int translate_message(Translator *translator, Bytes message, TranslateResult *ret);
/* The result that was given out last, as all adapters hand on what they read; lives as long as it. `original` is borrowed. `fields`
 * are those of a message that gave events: SEG-F, and SEG-F.C where of a field that was read some component was not. -ENOMEM. */
int translate_reading(Translator *translator, const TranslateResult *result, Bytes original, Reading *ret);
/* Files of HL7: one message, several, batches. */
extern const ReaderClass mllp_reader;
/* For what has to live as long as the result that was given out last. */
Arena *translator_arena(Translator *translator);
