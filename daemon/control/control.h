#pragma once
/*
 * What carebusctl asks core, and what core answers: the messages, without sockets. Who may ask was settled by ZAP and is
 * looked at again with each request.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "carebus/v1/control.pb-c.h"
#include "carebus/v1/journal.pb-c.h"

#define CONTROL_REQUEST_MAX 16384 /* bytes of a request */

/* A Reply with an error: `reason` a reason code, `detail` a sentence that says what to do next (may be NULL). */
int control_pack_error(uint32_t id, const char *reason, const char *detail, Buffer *ret);
/* `state`: stored, asked. */
int control_pack_decision(uint32_t id, uint64_t seq, const char *state, Buffer *ret);
/* What was granted, and until when. */
int control_pack_granted(uint32_t id, const char *patient_id, uint64_t seq, int64_t until_at, Buffer *ret);
/* Takes nothing over: the caller filled in the reply from what it holds. */
int control_pack_status(uint32_t id, Carebus__V1__StatusReply *status, Buffer *ret);
int control_pack_coverage(uint32_t id, Carebus__V1__CoverageReply *coverage, Buffer *ret);

typedef struct ControlDecision {
        Carebus__V1__JournalDecision__Kind kind;
        const char *who;                     /* unix:<uid>, as authenticated */
        const char *who_says;                /* may be NULL */
        const char *why;                     /* may be NULL */
        uint64_t seq;                        /* the quarantined entry; 0: of none */
        const char *review_id, *conflict_id; /* may be NULL */
        char *const *patient_ids;
        size_t n_patient_ids;
        char *const *event_ids;
        size_t n_event_ids;
        /* Of a grant, its end, what is parked, or who is forgotten; NULL or 0 where it is none. */
        const char *team, *reason, *caller;
        int64_t until_at;
        bool visit;
        uint64_t grant_seq;
        Carebus__V1__Parked *parked;
        Carebus__V1__ReaderForgotten *reader;
} ControlDecision;
/* The packed Entry for the journal. */
int control_pack_entry(const ControlDecision *decision, Buffer *ret);

/* A text of the question, by its name in the .proto file; NULL where such a question has none. */
const char *control_request_text(const Carebus__V1__Request *request, const char *name);
/* A text that is there and holds more than spaces. */
bool control_text_is_given(const char *text);

/* What a STATE_QUARANTINE value says, without unpacking it: class and when it came. */
typedef struct ControlQuarantine {
        uint64_t open, urgent, unhandled, deliveries;
        int64_t oldest_received_at; /* 0: none */
} ControlQuarantine;
void control_count_quarantined(ControlQuarantine *counts, Bytes packed_item);

/* The same of a STATE_REVIEW value. */
typedef struct ControlReviews {
        uint64_t open, urgent, overdue;
        int64_t oldest_opened_at; /* 0: none */
} ControlReviews;
void control_count_reviews(ControlReviews *counts, Bytes packed_review);
