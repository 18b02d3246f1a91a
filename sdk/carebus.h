#ifndef CAREBUS_H
#define CAREBUS_H
/*
 * libcarebus: what a vendor links. Two sides: carebus_source submits what a record system says; carebus_stream reads events as
 * a team, carebus_records its records, and carebus_ask asks. No generated types in this interface: events go in and come out as packed
 * carebus.v1.Event. The .proto files are installed where `pkg-config --variable=protodir libcarebus` says; GRAMMAR.md of the
 * documentation says which events there are, and what each reason code means. An object belongs to one thread, and its
 * callbacks are called on it, from within its own functions. What is handed to a function is copied. All functions return 0 or a
 * negative errno unless said otherwise.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CAREBUS_API __attribute__((visibility("default")))

/* How to reach the bus. ipc: only `endpoint`. tcp: the three keys, 40 characters of Z85 each. */
typedef struct carebus_connection {
        const char *endpoint; /* ipc:///run/carebus/intake, tcp://bus:7401 */
        const char *bus_key;  /* the bus's public key */
        const char *public_key;
        const char *secret_key;
} carebus_connection;

/* ---- for a source ------------------------------------------------------------------------------------------- */

typedef struct carebus_source carebus_source;

typedef struct carebus_event {
        const void *data; /* a packed carebus.v1.Event */
        size_t size;
} carebus_event;

typedef struct carebus_submission {
        const char *message_id;        /* at most 200 bytes; NULL: the bus takes the hash of the bytes */
        int64_t message_time;          /* microseconds since 1970 UTC; INT64_MIN: the source gave none */
        const char *message_time_text; /* as said, or NULL */
        const char *media_type;        /* x-application/hl7-v2+er7 */
        const char *trigger;           /* ADT^A01, or NULL */
        const void *original;          /* the bytes as they came */
        size_t original_size;
        const carebus_event *events;
        size_t n_events;
        const char *problem_code; /* it was not understood: reason code; NULL when it was */
        const char *problem_position;
        int problem_urgent;
        uint64_t retranslates; /* answer to on_retranslate: its seq; else 0 */
        int history;           /* an initial load: its events are marked `loaded`, and nobody is to be alarmed */
} carebus_submission;

/* What became of a field of a message. */
typedef enum carebus_field_use {
        CAREBUS_FIELD_MAPPED = 1,  /* it is in an event */
        CAREBUS_FIELD_IGNORED = 2, /* on purpose: it says nothing that anybody needs */
        CAREBUS_FIELD_UNKNOWN = 3, /* seen, and nothing was made of it */
} carebus_field_use;

typedef enum carebus_result {
        CAREBUS_STORED,        /* durable. `seq`; `reason` when it waits in the quarantine */
        CAREBUS_DUPLICATE,     /* was already durable: `seq` of the first */
        CAREBUS_REFUSED,       /* never: `reason` */
        CAREBUS_REFUSED_LATER, /* not now: `reason`, `retry_after_ms`; it is no longer held by the library */
} carebus_result;

typedef struct carebus_receipt {
        carebus_result result;
        uint64_t seq;
        const char *reason; /* reason code or NULL; valid during the callback */
        uint32_t retry_after_ms;
} carebus_receipt;

typedef enum carebus_state {
        CAREBUS_CONNECTING,
        CAREBUS_READY,
        CAREBUS_NOT_ALLOWED, /* the bus refused key, user or name: tried again with back-off */
        CAREBUS_CLOSED,
} carebus_state;

typedef struct carebus_source_options {
        carebus_connection connection;
        const char *source;    /* name in the bus's configuration */
        const char *adapter;   /* program and version, for the bus's log */
        size_t max_held_bytes; /* of submissions without a receipt; 0: 64 MiB */
        void *owner;           /* given to the callbacks */
        /* Every submission gets exactly one receipt, in order, unless the object is freed first. After a lost
         * connection what has no receipt is sent again; the bus knows a repeat. */
        void (*on_receipt)(void *owner, void *cookie, const carebus_receipt *receipt);
        void (*on_state)(void *owner, carebus_state state, const char *reason);
        /* Read this original again and submit it with `retranslates`. May be NULL. */
        void (*on_retranslate)(void *owner, uint64_t seq, const char *message_id, const char *media_type,
                               const void *original, size_t size);
} carebus_source_options;

/* Waits for nothing: whether the bus is there is told by on_state. -EINVAL: no on_receipt, no source or no endpoint, or a name or
 * key that is none. */
CAREBUS_API int carebus_source_new(carebus_source **ret, const carebus_source_options *options);
/* Submissions without a receipt are let go of: the bus may have them or not, so hand them in again next time. Not from within a callback.
 * NULL is passed over; returns NULL. */
CAREBUS_API carebus_source *carebus_source_free(carebus_source *source);
/* Copies what it needs. -EAGAIN: the window or max_held_bytes is full, wait for receipts; -EMSGSIZE: larger than the bus
 * takes; -EINVAL: not a valid submission. Before the first connection submissions are held. */
CAREBUS_API int carebus_source_submit(carebus_source *source, const carebus_submission *submission, void *cookie);
/* How many messages the program answered itself since it began, because nobody wants them or because they must not be stored, so that
 * the bus can show them. Sent by dispatch, once a second at most. -EINVAL: a number goes down, or beyond 2^53. */
CAREBUS_API int carebus_source_report(carebus_source *source, uint64_t ignored, uint64_t refused);
/* What the program did with its own system, for whoever watches the bus. */
typedef struct carebus_traffic {
        uint64_t received;                   /* messages, requests or rows; these four since it began */
        uint64_t accepted, failed, rejected; /* answered: it is stored; send it again; never will do */
        uint64_t connections;                /* of its system, now */
        uint64_t certificate_ends_at;        /* of its own listener: microseconds since 1970; 0: it has none */
} carebus_traffic;
/* Sent by dispatch, once a second at most, with how many submissions wait for a receipt. -EINVAL: one of the first four goes down, or
 * one lies beyond 2^53. */
CAREBUS_API int carebus_source_report_traffic(carebus_source *source, const carebus_traffic *traffic);
/* A message had this field: `path` is a name of the format or of a column (PID-35, Patient.photo), at most 120 bytes of UTF-8, never what
 * stood in it. Counted here and sent by dispatch every few seconds, for `carebusctl coverage`; what does not reach the bus is lost, since
 * it is a figure. Fields beyond 4,096 different ones, and names that are not UTF-8, are not counted. -EINVAL: no such use, or
 * the path is empty or too long. */
CAREBUS_API int carebus_source_cover(carebus_source *source, const char *path, carebus_field_use use);
/* For a loop: poll the descriptor for reading (edge-triggered: call carebus_source_dispatch() before every sleep too),
 * and call dispatch after at most carebus_source_timeout() milliseconds (-1: no limit). */
CAREBUS_API int carebus_source_fd(const carebus_source *source);
CAREBUS_API int carebus_source_timeout(const carebus_source *source);
CAREBUS_API int carebus_source_dispatch(carebus_source *source);
/* Simple use: runs the loop until every submission has its receipt, or -ETIMEDOUT. timeout_ms -1: no limit. */
CAREBUS_API int carebus_source_flush(carebus_source *source, int timeout_ms);
/* Submissions without a receipt. */
CAREBUS_API size_t carebus_source_in_flight(const carebus_source *source);
/* As on_state said last. */
CAREBUS_API carebus_state carebus_source_state(const carebus_source *source);

/* ---- for a reader ------------------------------------------------------------------------------------------- */

typedef struct carebus_stream carebus_stream;

typedef enum carebus_from {
        CAREBUS_FROM_RESUME, /* where this consumer last acknowledged; a new one begins at the beginning */
        CAREBUS_FROM_PLACE,  /* after seq.index */
        CAREBUS_FROM_NOW,
} carebus_from;

typedef struct carebus_stream_options {
        carebus_connection feed;
        carebus_connection live; /* endpoint NULL: the feed alone carries everything */
        const char *team;
        const char *consumer; /* [a-z0-9-]{1,32}: each has its own place */
        carebus_from from;
        uint64_t after_seq;
        uint32_t after_index;
        uint32_t credit; /* deliveries on the way; 0: 256 */
        int parks; /* hands out what is said about parked persons too: for who brings events on to a system that may refuse them */
        uint64_t after_lineage; /* beside after_seq; 0: not known */
} carebus_stream_options;

typedef enum carebus_delivery_kind {
        CAREBUS_DELIVERY_EVENT,
        /* With `parks` only: */
        CAREBUS_DELIVERY_OPENED, /* the feed begins (again) behind seq.index; `parked` is all that waits, or goes out again */
        CAREBUS_DELIVERY_PARKED, /* the answer to carebus_stream_park(): park_id, item, or `reason` why not now */
        CAREBUS_DELIVERY_REDELIVERED, /* of patient_id all that waited, up to here, was handed out again: say carebus_stream_resumed() */
} carebus_delivery_kind;

/* What cannot be delivered of a person, from a place on. */
typedef struct carebus_parked {
        const char *patient_id; /* NULL: of nobody, that event alone */
        uint64_t seq;
        uint32_t index;
        const char *code;   /* rejected, tries-spent, not-renderable, ... */
        const char *answer; /* code of the receiver, or NULL */
        uint32_t tries;
        const char *const *overtaken; /* event ids behind it that were delivered all the same */
        size_t n_overtaken;
        uint64_t item; /* of the quarantine; not looked at by carebus_stream_park() */
} carebus_parked;

/* What it points to is valid until the next call. */
typedef struct carebus_delivery {
        uint64_t seq;
        uint32_t index;
        /* How often the feed sent it to this consumer before, each time without an acknowledgement: 0 the first time. Never too high; a
         * restart of the bus begins at 0, and what came live does not count. */
        uint32_t sent_before;
        const void *event; /* packed carebus.v1.Event */
        size_t event_size;
        int came_live; /* by live, else by the feed */
        carebus_delivery_kind kind;
        int redelivered;    /* what was parked, again: at its own place, which lies behind the stream's */
        const void *so_far; /* beside record.granted: packed carebus.v1.Record, as the team sees it; else NULL */
        size_t so_far_size;
        const char *bus; /* OPENED: its name */
        const carebus_parked *parked;
        size_t n_parked;
        uint32_t park_id;
        const char *reason;
        uint64_t item;
        const char *patient_id; /* REDELIVERED; NULL: of nobody */
        int discarded;          /* REDELIVERED: what could not be delivered was left out */
} carebus_delivery;

/* Waits for nothing. -EINVAL: no team, consumer or endpoint, or a name, key or credit that is none. */
CAREBUS_API int carebus_stream_new(carebus_stream **ret, const carebus_stream_options *options);
/* What was not acknowledged comes again. NULL is passed over; returns NULL. */
CAREBUS_API carebus_stream *carebus_stream_free(carebus_stream *stream);
/* The next event in order, each once for as long as this object lives: 1 there is one, 0 the time is out, negative:
 * -EACCES refused (carebus_stream_reason() says why), else an errno. Waits through a bus that is away. */
CAREBUS_API int carebus_stream_next(carebus_stream *stream, carebus_delivery *ret, int timeout_ms);
/* Which run of numbers places are of; 0: not known yet. It changes when the bus was restored from an older backup: numbers behind that
 * backup then stand for other events. Keep it beside the place, and give it back as `after_lineage`: what the bus does not have any more is
 * refused as `other-journal`. */
CAREBUS_API uint64_t carebus_stream_lineage(const carebus_stream *stream);
/* Everything up to and with this place is done: a later stream of this consumer resumes behind it. */
CAREBUS_API int carebus_stream_ack(carebus_stream *stream, uint64_t seq, uint32_t index);
/* Puts this event, and all of this person behind it, aside for somebody to look at: it becomes an item of the quarantine. Once
 * CAREBUS_DELIVERY_PARKED has brought the answer to *ret_id without a `reason`, the place counts as done. Asked again it changes nothing;
 * with another place the person waits from there on. With `overtaken` it tells which events behind it were delivered all the same.
 * -EAGAIN: the feed is not open now, ask again after CAREBUS_DELIVERY_OPENED; an answer that was due does not come then. -EINVAL: no place
 * or code, or more than 64 overtaken. */
CAREBUS_API int carebus_stream_park(carebus_stream *stream, const carebus_parked *parked, uint32_t *ret_id);
/* All of this item that was handed out again, up to CAREBUS_DELIVERY_REDELIVERED, is done. Until that is said it comes again at every
 * CAREBUS_DELIVERY_OPENED. -EAGAIN as above. */
CAREBUS_API int carebus_stream_resumed(carebus_stream *stream, const char *patient_id, uint64_t item);
/* For a loop of one's own: call carebus_stream_next() with a timeout of 0 when carebus_stream_fd() is readable (edge-triggered: before
 * every sleep too), and after at most this many milliseconds. */
CAREBUS_API int carebus_stream_timeout(const carebus_stream *stream);
CAREBUS_API const char *carebus_stream_reason(const carebus_stream *stream);
CAREBUS_API int carebus_stream_fd(const carebus_stream *stream);
/* Gaps that live left and the feed filled, for the curious. */
CAREBUS_API uint64_t carebus_stream_gaps_repaired(const carebus_stream *stream);

/* ---- for a reader of records ---------------------------------------------------------------------------------- */

/*
 * A replica of all records that the team may see: a snapshot, then whatever changes. The library keeps the digest of each record that it
 * handed out, compares their sum with the bus's whenever both stand at the same point, and answers when the bus asks on whom they
 * differ (carebusctl converge), as long as carebus_records_next() is called.
 */
typedef struct carebus_records carebus_records;

/* Somebody whom the program holds from an earlier run. */
typedef struct carebus_held {
        const char *patient_id;
        const void *record; /* the bytes as they were handed out, or */
        size_t record_size;
        const void *digest; /* 32 bytes: their SHA-256 */
        uint64_t seq;       /* of the delivery, or 0 */
} carebus_held;

typedef struct carebus_records_options {
        carebus_connection feed;
        const char *team;
        const char *consumer; /* [a-z0-9-]{1,32}: a name of its own, not that of a stream */
        uint32_t credit;      /* deliveries on the way; 0: 256 */
        /* Where the program goes on from what it held: one of the two, or neither, for a snapshot at each start. A file in which the
         * library keeps the digests; written, and synced, in carebus_records_ack() every few seconds, and at the end. */
        const char *digests_path;
        /* Or the program hands in what it really holds, which finds what went wrong in its own store as well: called until it
         * gives 0 (1: there is one; negative: carebus_records_new() fails with it). */
        int (*next_held)(void *owner, carebus_held *ret);
        void *owner;
} carebus_records_options;

typedef enum carebus_record_kind {
        CAREBUS_RECORD,      /* this is the record now */
        CAREBUS_RECORD_GONE, /* the team does not hold this record any more */
        CAREBUS_RECORDS_AFRESH, /* a snapshot begins and the library knows nothing of what you hold: let go of all that is not named until
                                 * the next agreement */
        CAREBUS_AGREEMENT, /* a point of agreement: `equal`; `persons` */
} carebus_record_kind;

typedef struct carebus_record {
        carebus_record_kind kind;
        uint64_t seq; /* acknowledge this place, */
        uint32_t index;
        const char *patient_id; /* all that follows is valid until the next call */
        const void *record;     /* packed carebus.v1.Record */
        size_t record_size;
        const char *reason;      /* gone: merged, withdrawn */
        const char *answered_by; /* merged: whose record has it all; else NULL */
        uint64_t persons;
        int equal; /* what was handed out is what the bus holds */
        /* Withdrawn: a copy says what was known until then, in microseconds since 1970; 0: not said. */
        int64_t not_kept_up_from;
        /* Withdrawn: a packed carebus.v1.RecordGone, as it came: whom to ring, and which of what was handed out did not stand. It comes
         * again with each correction that follows, and is to be shown with what is kept of this person. NULL where the bus said none. */
        const void *gone;
        size_t gone_size;
} carebus_record;

CAREBUS_API int carebus_records_new(carebus_records **ret, const carebus_records_options *options);
/* Writes the digests first where all that was handed out is acknowledged. */
CAREBUS_API carebus_records *carebus_records_free(carebus_records *records);
/* What comes next: 1 there is something, 0 the time is out, negative: -EACCES refused (carebus_records_reason() says why), else an
 * errno. What the program holds already is not handed out again. Waits through a bus that is away. */
CAREBUS_API int carebus_records_next(carebus_records *records, carebus_record *ret, int timeout_ms);
/* Everything handed out up to and with this place is done. -EINVAL: it was not handed out. Negative: the digests could not be written. */
CAREBUS_API int carebus_records_ack(carebus_records *records, uint64_t seq, uint32_t index);
/* Reads all records again, whatever is held: after an agreement that was none. */
CAREBUS_API int carebus_records_again(carebus_records *records);
CAREBUS_API const char *carebus_records_reason(const carebus_records *records);
/* 1: the feed is open now; 0: the bus is away, or refuses. */
CAREBUS_API int carebus_records_is_open(const carebus_records *records);
CAREBUS_API int carebus_records_fd(const carebus_records *records);

/* ---- for a question ---------------------------------------------------------------------------------------------- */

typedef struct carebus_ask carebus_ask;

typedef struct carebus_ask_options {
        carebus_connection feed;
        const char *team; /* with its rights */
} carebus_ask_options;

/* Waits for nothing. -EINVAL: no team or endpoint, or a name or key that is none. */
CAREBUS_API int carebus_ask_new(carebus_ask **ret, const carebus_ask_options *options);
CAREBUS_API carebus_ask *carebus_ask_free(carebus_ask *ask);
/* Whom the next questions are for: the person, as the program's own users know them, its own name, and what for (direct-care). It is
 * audited; a program that shows records to people has to say it. NULL: not said. -EINVAL: longer than 128 bytes. */
CAREBUS_API int carebus_ask_for(carebus_ask *ask, const char *who, const char *system, const char *purpose);
/* A packed carebus.v1.RecordRequest brings a packed carebus.v1.Record, a FindRequest a FindReply; both are the library's and valid
 * until the next call. -EACCES: refused, carebus_ask_reason() says why; -ETIMEDOUT; -EINVAL: not such a request. */
CAREBUS_API int carebus_ask_record(carebus_ask *ask, const void *request, size_t size, const void **ret,
                                   size_t *ret_size, int timeout_ms);
CAREBUS_API int carebus_ask_find(carebus_ask *ask, const void *request, size_t size, const void **ret, size_t *ret_size,
                                 int timeout_ms);
/* A packed carebus.v1.BreakGlassRequest, or OpenContactRequest, brings a packed GrantReply once it is in force: the next question is
 * answered by it. Without who asks (carebus_ask_for(), or `who` of the request), a reason of the configuration and words for it, it is
 * refused:
 * who-and-why, unknown-reason. A broken glass is told to the teams whose record it is, at once. */
CAREBUS_API int carebus_ask_break_glass(carebus_ask *ask, const void *request, size_t size, const void **ret,
                                        size_t *ret_size, int timeout_ms);
CAREBUS_API int carebus_ask_open_contact(carebus_ask *ask, const void *request, size_t size, const void **ret,
                                         size_t *ret_size, int timeout_ms);
/* A packed EventsRequest brings an EventsReply: the events of one person that the team sees, in order. */
CAREBUS_API int carebus_ask_events(carebus_ask *ask, const void *request, size_t size, const void **ret,
                                   size_t *ret_size, int timeout_ms);
/* A SourcesReply: the sources that the team reads, when each was heard last, and which of them are silent now. */
CAREBUS_API int carebus_ask_sources(carebus_ask *ask, const void **ret, size_t *ret_size, int timeout_ms);
/* A reason code: not-found, ambiguous, not-allowed, ... */
CAREBUS_API const char *carebus_ask_reason(const carebus_ask *ask);

CAREBUS_API const char *carebus_version(void);

#ifdef __cplusplus
}
#endif
#endif
