#pragma once
/*
 * One validator for each message that comes from outside. It takes bytes and gives a typed message; the handlers take
 * the typed message only. Size first, then the wire by the schema (proto/check.h), then what the fields mean together.
 *
 * Two kinds of "no" are told apart, since nothing may be lost: what is not the protocol is refused, and what an
 * admitted sender says in good form but cannot be used is stored and waits in the quarantine (validate_is_storable()).
 *
 * Messages lie in the arena that the caller gives, or borrow from the bytes where it says so. All functions return 0,
 * a VALIDATE_E_* with `ret_error` set (it may be NULL), or a negative errno; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "carebus/v1/control.pb-c.h"
#include "carebus/v1/feed.pb-c.h"
#include "carebus/v1/intake.pb-c.h"
#include "carebus/v1/journal.pb-c.h"
#include "proto/check.h"

#define PROTOCOL_VERSION 1
#define MESSAGE_ID_MAX 200
#define COUNT_MAX (UINT64_C(1) << 53) /* what JSON can say */
#define REASON_MAX 64
#define COVERAGE_PATH_MAX 120
#define COVERAGE_FIELDS_MAX 256 /* of one message */

/* Positive returns. */
enum {
        _VALIDATE_E_SUCCESS,
        /* Not the protocol: refused. */
        VALIDATE_E_WIRE,      /* check_wire() said no: ValidateError.wire */
        VALIDATE_E_EMPTY,     /* none of the messages that may stand here */
        VALIDATE_E_PROTOCOL,  /* another version of the protocol */
        VALIDATE_E_NAME,      /* not [a-z0-9-]{1,32} */
        VALIDATE_E_MISSING,   /* a field that has to be there */
        VALIDATE_E_TOO_LARGE, /* an original, a message id, a text beyond its limit */
        VALIDATE_E_TOO_MANY,  /* submissions, events */
        VALIDATE_E_VALUE,     /* a number, an enum, a digest, a reason code out of its range */
        VALIDATE_E_ORDER,     /* a place that is not behind the one before it */
        /* Well said, but of no use as it is: stored, and quarantined under validate_reason(). */
        VALIDATE_E_EVENT_TYPE, /* an event without a type, or one that is not [a-z_]+(\.[a-z_]+)+ */
        VALIDATE_E_RESERVED,   /* an event that only the bus may say */
        VALIDATE_E_BODY,       /* the body is not that of the type */
        VALIDATE_E_TIME,       /* a moment outside the years 1 to 9999, or a precision nobody knows */
        VALIDATE_E_DATE,       /* not a day of the calendar */
        VALIDATE_E_NO_EVENTS,  /* neither events nor a problem */
        _VALIDATE_E_MAX,
};

typedef struct ValidateError {
        int code;                   /* VALIDATE_E_* */
        int wire;                   /* CHECK_E_*, where the code is VALIDATE_E_WIRE */
        size_t offset;              /* likewise: byte in what was validated */
        char path[CHECK_PATH_SIZE]; /* events[0].occurred_at: never content */
} ValidateError;

#define VALIDATE_ERROR_NULL ((ValidateError){ .code = 0 })

typedef struct ValidateLimits {
        size_t max_frame;       /* bytes of one frame */
        size_t max_original;    /* bytes of one original */
        size_t max_submissions; /* in one Submit */
        size_t max_events;      /* in one Submission */
} ValidateLimits;

#define VALIDATE_LIMITS_DEFAULT                  \
        ((ValidateLimits){                       \
                .max_frame = 4 * 1024 * 1024,    \
                .max_original = 4 * 1024 * 1024, \
                .max_submissions = 4096,         \
                .max_events = 1024,              \
        })

/* Should an admitted sender's submission with this code be stored and quarantined, rather than refused? */
static inline bool validate_is_storable(int code) {
        return code >= VALIDATE_E_EVENT_TYPE && code < _VALIDATE_E_MAX;
}
/* Reason code: "unknown-body", "not-utf8". Static text. */
const char *validate_reason(const ValidateError *error);
/* "events[0].type: bad-event-type", for Refused.detail: field and reason, never content. */
#define VALIDATE_DETAIL_SIZE (CHECK_PATH_SIZE + REASON_MAX + 4)
void validate_detail(const ValidateError *error, char ret[VALIDATE_DETAIL_SIZE]);

/* [a-z0-9-]{1,64} */
bool reason_is_valid(const char *reason);
/* p<seq>.<index> */
bool patient_id_is_valid(const char *patient_id);
/* r<seq>.<index> */
bool review_id_is_valid(const char *review_id);
/* <seq>.<index> */
bool event_id_is_valid(const char *event_id);

/* ---- intake, at the bus -------------------------------------------------------------------------------------- */

/* What a source sends. A Submit is only looked at from outside: its submissions are validated one by one, so that a bad
 * one does not take others with it. */
typedef struct FromSource {
        Carebus__V1__FromSource__MessageCase what; /* never NOT_SET */
        const Carebus__V1__Hello *hello;           /* of CASE_HELLO */
        const Carebus__V1__Counts *counts;         /* of CASE_COUNTS */
        const Carebus__V1__Coverage *coverage;     /* of CASE_COVERAGE */
        Bytes submit;                              /* of CASE_SUBMIT: borrowed from the frame, for submit_next() */
        size_t n_submissions;
} FromSource;
int validate_from_source(Bytes frame, const ValidateLimits *limits, Arena *arena, FromSource *ret,
                         ValidateError *ret_error);

/* The next submission of a Submit that validate_from_source() let through: its bytes (borrowed) and its number as far
 * as one can be made out (0: none), so that a bad one can be answered too. False behind the last. */
bool submit_next(Bytes submit, size_t *offset, Bytes *ret_submission, uint64_t *ret_number);

/* On a storable code *ret is set as well: number, ids and events stand as they were said. Events may have a type that
 * nobody knows (event_type_find() says so): they are carried as they are. The caller may change the message in place.
 * In ValidateError offset and path are within this submission. */
int validate_submission(Bytes submission, const ValidateLimits *limits, Arena *arena, Carebus__V1__Submission **ret,
                        ValidateError *ret_error);

/* ---- intake, at the source */

int validate_to_source(Bytes frame, const ValidateLimits *limits, Arena *arena, const Carebus__V1__ToSource **ret,
                       ValidateError *ret_error);

/* ---- feeds, at the bus and at the reader --------------------------------------------------------------------- */

int validate_from_reader(Bytes frame, Arena *arena, const Carebus__V1__FromReader **ret, ValidateError *ret_error);
int validate_to_reader(Bytes frame, const ValidateLimits *limits, Arena *arena, const Carebus__V1__ToReader **ret,
                       ValidateError *ret_error);
/* The second frame of live: a bare Delivery. */
int validate_delivery(Bytes frame, const ValidateLimits *limits, Arena *arena, const Carebus__V1__Delivery **ret,
                      ValidateError *ret_error);

/* ---- control and query --------------------------------------------------------------------------------------- */

int validate_request(Bytes frame, Arena *arena, const Carebus__V1__Request **ret, ValidateError *ret_error);
int validate_reply(Bytes frame, const ValidateLimits *limits, Arena *arena, const Carebus__V1__Reply **ret,
                   ValidateError *ret_error);

/* ---- the journal --------------------------------------------------------------------------------------------- */

/* What core wrote itself; looked at all the same, because a disk is outside too. */
int validate_entry(Bytes payload, const ValidateLimits *limits, Arena *arena, Carebus__V1__Entry **ret,
                   ValidateError *ret_error);

/* ---- one event ----------------------------------------------------------------------------------------------- */

/* A packed event that a vendor hands to the library. Same codes as within a submission. */
int validate_event(Bytes event, const ValidateLimits *limits, Arena *arena, Carebus__V1__Event **ret,
                   ValidateError *ret_error);
