#pragma once
/*
 * The way of a message to the bus and back: read, handed in, and, once the bus has it on disk, remembered. Who asked hears of it
 * after that. One object a process, one thread.
 */
#include "adapters/common/in-hand.h"
#include "adapters/fhir/memory.h"
#include "adapters/fhir/translate.h"
#include "base/cleanup.h"
#include "config/config.h"
#include "sdk/carebus.h"

typedef struct Courier Courier;

typedef struct CourierCounts {
        uint64_t received, stored, quarantined, duplicate, refused, later, ignored, not_taken, not_authenticated;
        uint64_t accepted, failed,
                rejected; /* requests, by the status of their answer: below 400, 500 and more, the others */
} CourierCounts;

typedef struct CourierResult {
        carebus_result result;
        uint64_t seq;
        char reason[64]; /* empty: none */
        uint32_t retry_after_ms;
} CourierResult;

/* What became of one submission. `versions` of its resources, in the order in which they were to be remembered; none where it was
 * not stored. Called from courier_dispatch(), when what is remembered is on disk too. */
typedef char CourierVersion[MEMORY_NAME_MAX + 1];
typedef void (*CourierDone)(void *owner, size_t number, const CourierResult *result, const CourierVersion *versions,
                            size_t n_versions);

typedef struct CourierTask {
        CourierDone done;
        void *owner;
        size_t number;      /* given back */
        Buffer *remembered; /* memory_pack()s, taken over where it is submitted; or NULL */
        size_t n_remembered;
        bool is_history; /* of before the source was connected: nobody is to be alarmed */
} CourierTask;

/* The configuration is kept by reference; the memory outlives the courier. */
int courier_new(const Config *config, size_t source, const char *program, Memory *memory, Courier **ret);
Courier *courier_free(Courier *courier);
DEFINE_CLEANUP(Courier *, courier_free)
int courier_configure(Courier *courier, const Config *config, size_t source);

/* As in_hand_take() and in_hand_done(), around all that is done with bytes that came. */
int courier_take(Courier *courier, InHandLevel level, Bytes bytes);
void courier_done(Courier *courier, InHandLevel level);
/* What goes to the bus in the place of bytes that were given up: they are not translated. */
void courier_unread(const Courier *courier, Bytes original, FhirResult *ret);
/* As fhir_translate(). The result lives until the next one. */
int courier_translate(Courier *courier, Bytes message, const char *assigned_id, FhirResult *ret);
/* Hands in what was just translated. -EAGAIN: too much is on its way; -EMSGSIZE: larger than the bus takes; else as
 * carebus_source_submit(). `task->done` is called once where this returns 0. */
int courier_submit(Courier *courier, const FhirResult *result, const CourierTask *task);
/* Nobody waits for the owner's submissions any more: they are remembered all the same. */
void courier_forget(Courier *courier, const void *owner);

const char *courier_source(const Courier *courier);
Memory *courier_memory(const Courier *courier);
CourierCounts *courier_counts(Courier *courier);
size_t courier_in_flight(const Courier *courier);
/* Submissions handed in and results told since the start: where it has grown, there is something to send or to answer. */
uint64_t courier_moves(const Courier *courier);
/* For the loop. */
int courier_fd(const Courier *courier);
int courier_timeout(const Courier *courier);
int courier_dispatch(Courier *courier);
/* Tells the bus what was answered here and never reached it, and how its clients are. */
int courier_report(Courier *courier, size_t connections, int64_t certificate_ends_at);
