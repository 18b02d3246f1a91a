#pragma once
/*
 * What an adapter reads out of one message, whatever its language: what goes to the bus (submit.h), to a person who tries a
 * profile (dry-run.h) or to the bus as history (load.h) is made of this alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "carebus/v1/event.pb-c.h"
#include "config/profile.h"

/* What became of a field of a message. */
typedef enum FieldUse {
        FIELD_MAPPED,  /* it is in an event */
        FIELD_IGNORED, /* read by intent, or the profile says so: it says nothing that anybody needs */
        FIELD_UNKNOWN, /* seen, and nothing was made of it */
        _FIELD_USE_MAX,
} FieldUse;

/* One kind of field that a message had: "PID-35", "Patient.photo", "people.csv: Key safe". Names of the format or of the
 * source's columns, never what stood in them. */
typedef struct FieldSeen {
        const char *path;
        FieldUse use;
} FieldSeen;

/* Everything in it lives until the reader's next message. */
typedef struct Reading {
        Carebus__V1__Event **events;
        size_t n_events;
        const char *problem_code;     /* reason code; NULL: understood */
        const char *problem_position; /* MSH-9, Bundle.entry[2].resource.gender, line 14 column 3; or NULL */
        bool problem_urgent;          /* it may touch a decision, a death, a merge or an allergy */
        bool ignored;                 /* the profile says so: acknowledge and count it, but keep nothing */
        const char *message_id;       /* at most 200 bytes; NULL: the bus takes the hash of the bytes */
        int64_t message_time;         /* microseconds since 1970 UTC; INT64_MIN: none */
        const char *message_time_text;
        const char *media_type;  /* x-application/hl7-v2+er7, application/fhir+json, text/csv */
        const char *trigger;     /* ADT^A01, Bundle/message, plan.csv; as said */
        Bytes original;          /* the bytes as they came */
        const FieldSeen *fields; /* each path once */
        size_t n_fields;
        const char *const *bad_times; /* places of times and dates that cannot be read; their text is kept */
        size_t n_bad_times;
} Reading;

typedef struct ReadingOptions {
        const char *source;     /* name of the source: carebus:SOURCE is the system of an identifier that names none */
        const Profile *profile; /* never NULL; outlives the reader */
        const char *timezone;   /* never NULL */
        bool want_fields;       /* fill Reading.fields: costs a walk over the message */
        int64_t said_at; /* when messages that say no time of their own were said, microseconds since 1970; 0: not known */
} ReadingOptions;

/* Its events as the bus takes them, in the arena: n_events of them. 0 or -ENOMEM. */
int reading_pack(const Reading *reading, Arena *arena, Bytes **ret);

/* One of the three languages. `seen` is called for each message of a file, in order; what it returns negative ends the walk. */
typedef int (*ReadingSeen)(void *owner, const Reading *reading);
typedef struct ReaderClass {
        const char *program; /* carebus-mllp */
        int (*open)(const ReadingOptions *options, void **ret);
        void (*close)(void *reader);
        /* A whole file, with no end; `name` is its last part. 0 or negative: -ENOMEM, or what `seen` said. */
        int (*read)(void *reader, const char *name, Bytes file, ReadingSeen seen, void *owner);
} ReaderClass;
