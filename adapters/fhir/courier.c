#include "adapters/fhir/courier.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/common/submit.h"
#include "adapters/fhir/prepare.h"
#include "base/log.h"
#include "base/text.h"

#define HELD_BYTES_MAX (256u << 20)
#define ARENA_MAX (32ul << 20)

typedef struct Ticket Ticket;
struct Ticket {
        Ticket *next;
        CourierDone done; /* NULL: nobody waits */
        void *owner;
        size_t number;
        Buffer remembered;
        size_t n_remembered;
        CourierResult result;
        CourierVersion *versions;
        size_t n_versions;
};

typedef struct Queue {
        Ticket *first, *last;
} Queue;

struct Courier {
        Config *config;
        size_t source;
        Memory *memory;
        FhirMemory lookup;
        FhirTranslator *translator;
        carebus_source *bus;
        InHand *hand;
        Arena *arena; /* of one receipt, or one submission's preparation */
        Queue on_way; /* in the order in which their receipts come */
        Queue back;   /* with their receipts: to be told once the memory is on disk */
        CourierCounts counts;
        uint64_t n_moves;
        bool is_forgetful; /* the memory could not be written: said once */
};

static void queue_push(Queue *queue, Ticket *ticket) {
        ticket->next = NULL;
        if (queue->last)
                queue->last->next = ticket;
        else
                queue->first = ticket;
        queue->last = ticket;
}

static Ticket *queue_pop(Queue *queue) {
        Ticket *ticket = queue->first;

        if (!ticket)
                return NULL;
        queue->first = ticket->next;
        if (!queue->first)
                queue->last = NULL;
        return ticket;
}

static Ticket *ticket_free(Ticket *ticket) {
        if (!ticket)
                return NULL;
        buffer_deinit(&ticket->remembered);
        free(ticket->versions);
        free(ticket);
        return NULL;
}
DEFINE_CLEANUP(Ticket *, ticket_free)

static const ConfigSource *source_of(const Courier *courier) {
        return &courier->config->sources[courier->source];
}

/* ---- memory ---- */

static int lookup_find(void *owner, const char *type, const char *id, Arena *arena, FhirKnown *ret) {
        Courier *courier = owner;
        MemoryRecord record;
        int r = memory_find(courier->memory, type, id, arena, &record);

        if (r != 0 || record.is_deleted)
                return 1; /* what cannot be read is not known either */
        *ret = (FhirKnown){
                .type = record.type,
                .id = record.id,
                .identifiers = record.identifiers,
                .n_identifiers = record.n_identifiers,
                .patient = record.patient,
                .n_patient = record.n_patient,
        };
        return 0;
}

static void memory_failed(Courier *courier, int error) {
        if (!courier->is_forgetful)
                log_event(LOG_MEMORY_NOT_WRITTEN, log_name("SOURCE", source_of(courier)->name), log_errno(error));
        courier->is_forgetful = true;
}

static void remember(Courier *courier, Ticket *ticket) {
        Bytes packed = buffer_bytes(&ticket->remembered);
        int r = 0;

        ticket->versions = calloc(ticket->n_remembered + 1, sizeof(*ticket->versions));
        while (ticket->versions && ticket->n_versions < ticket->n_remembered && packed.size > 0) {
                arena_reset(courier->arena);
                r = memory_put_packed(courier->memory, &packed, ticket->result.seq, courier->arena,
                                      ticket->versions[ticket->n_versions++]);
                /* A name that is none of FHIR is not remembered; the next one may be. */
                if (r != 0 && r != -EINVAL)
                        break;
        }
        if (r < 0 && r != -EINVAL)
                memory_failed(courier, r);
}

/* ---- receipts ---- */

static void count(CourierCounts *counts, const carebus_receipt *receipt) {
        switch (receipt->result) {
        case CAREBUS_STORED:
                counts->stored++;
                counts->quarantined += receipt->reason != NULL;
                break;
        case CAREBUS_DUPLICATE:
                counts->duplicate++;
                break;
        case CAREBUS_REFUSED:
                counts->refused++;
                break;
        case CAREBUS_REFUSED_LATER:
                counts->later++;
                break;
        }
}

static void on_receipt(void *owner, void *cookie, const carebus_receipt *receipt) {
        Courier *courier = owner;
        Ticket *ticket = queue_pop(&courier->on_way);

        (void)cookie; /* receipts come in order: the first ticket is the one */
        count(&courier->counts, receipt);
        ticket->result = (CourierResult){ .result = receipt->result,
                                          .seq = receipt->seq,
                                          .retry_after_ms = receipt->retry_after_ms };
        snprintf(ticket->result.reason, sizeof(ticket->result.reason), "%s", receipt->reason ? receipt->reason : "");
        if (receipt->result == CAREBUS_STORED || receipt->result == CAREBUS_DUPLICATE)
                remember(courier, ticket);
        queue_push(&courier->back, ticket);
}

static void on_state(void *owner, carebus_state state, const char *reason) {
        Courier *courier = owner;
        LogField source = log_name("SOURCE", source_of(courier)->name);

        if (state == CAREBUS_READY)
                log_event(LOG_BUS_CONNECTED, source);
        else if (state == CAREBUS_NOT_ALLOWED)
                log_event(LOG_BUS_NOT_ALLOWED, source, log_name("REASON", reason ? reason : "not-allowed"));
        else if (state == CAREBUS_CONNECTING)
                log_event(LOG_BUS_LOST, source);
}

static int submit(Courier *courier, const FhirResult *result, const CourierTask *task, uint64_t retranslates) {
        const SubmitOptions options = { .retranslates = retranslates, .history = task->is_history };
        _cleanup_(ticket_freep) Ticket *ticket = calloc(1, sizeof(*ticket));
        int r;

        if (!ticket)
                return -ENOMEM;
        r = submit_reading(courier->bus, &result->reading, &options, fhir_translator_arena(courier->translator));
        if (r < 0)
                return r;
        submit_fields(courier->bus, &result->reading);
        ticket->done = task->done;
        ticket->owner = task->owner;
        ticket->number = task->number;
        if (task->remembered) {
                ticket->remembered = *task->remembered;
                *task->remembered = BUFFER_NULL;
                ticket->n_remembered = task->n_remembered;
        }
        queue_push(&courier->on_way, TAKE_PTR(ticket));
        courier->n_moves++;
        return 0;
}

static int retranslate(Courier *courier, uint64_t seq, Bytes original) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        const CourierTask task = { 0 };
        Prepared prepared;
        FhirResult result;
        int r = arena_new(&arena, ARENA_MAX * 4);

        if (r == 0)
                r = prepare_message(courier_source(courier), original, arena, &prepared);
        if (r == 0)
                r = courier_translate(courier, prepared.message, prepared.assigned_id, &result);
        if (r < 0)
                return r;
        result.reading.original = original;
        return submit(courier, &result, &task, seq);
}

static void on_retranslate(void *owner, uint64_t seq, const char *message_id, const char *media_type,
                           const void *original, size_t size) {
        Courier *courier = owner;
        int r;

        (void)message_id; /* the message says it itself */
        if (!text_equal(media_type, FHIR_MEDIA_TYPE))
                return;
        (void)in_hand_take(courier->hand, IN_HAND_WHOLE, bytes_of(original, size), /* is_again= */ true);
        r = retranslate(courier, seq, bytes_of(original, size));
        courier_done(courier, IN_HAND_WHOLE);
        in_hand_forget(courier->hand, bytes_of(original, size)); /* a state may come back */
        if (r < 0)
                log_event(LOG_RETRANSLATE_FAILED, log_number("SEQ", (int64_t)seq), log_errno(r));
}

/* ---- the object ---- */

static void queue_clear(Queue *queue) {
        for (Ticket *ticket = queue_pop(queue); ticket; ticket = queue_pop(queue))
                ticket_free(ticket);
}

Courier *courier_free(Courier *courier) {
        if (!courier)
                return NULL;
        carebus_source_free(courier->bus);
        queue_clear(&courier->on_way);
        queue_clear(&courier->back);
        fhir_translator_free(courier->translator);
        arena_free(courier->arena);
        config_unref(courier->config);
        in_hand_free(courier->hand);
        free(courier);
        return NULL;
}

int courier_configure(Courier *courier, const Config *config, size_t source) {
        const ReadingOptions options = {
                .source = config->sources[source].name,
                .profile = config->sources[source].profile,
                .timezone = config->sources[source].timezone,
                .want_fields = true,
        };
        _cleanup_(fhir_translator_freep) FhirTranslator *translator = NULL;
        int r = fhir_translator_new(&translator, &options, &courier->lookup);

        if (r < 0)
                return r;
        fhir_translator_free(courier->translator);
        config_unref(courier->config);
        courier->translator = TAKE_PTR(translator);
        courier->config = config_ref(config);
        courier->source = source;
        return 0;
}

/* What ended the process before this one too often does not wait for its client, who may not try for ever. */
static int open_hand(Courier *courier) {
        const CourierTask task = { 0 };
        const InHandFound *found;
        FhirResult result;

        courier->hand = in_hand_start(courier->config, source_of(courier)->name);
        found = in_hand_found(courier->hand);
        if (found->times < IN_HAND_TRIES || found->is_again || found->bytes.size == 0 ||
            courier_take(courier, IN_HAND_WHOLE, found->bytes) != IN_HAND_E_GIVEN_UP)
                return 0;
        courier_unread(courier, found->bytes, &result);
        return submit(courier, &result, &task, 0);
}

int courier_new(const Config *config, size_t source, const char *program, Memory *memory, Courier **ret) {
        _cleanup_(courier_freep) Courier *courier = calloc(1, sizeof(*courier));
        _cleanup_(freep) char *endpoint = config_endpoint(config, "intake");
        const carebus_source_options options = {
                .connection = { .endpoint = endpoint },
                .source = config->sources[source].name,
                .adapter = program,
                .max_held_bytes = HELD_BYTES_MAX,
                .owner = courier,
                .on_receipt = on_receipt,
                .on_state = on_state,
                .on_retranslate = on_retranslate,
        };
        int r;

        if (!courier || !endpoint)
                return -ENOMEM;
        courier->memory = memory;
        courier->lookup = (FhirMemory){ .owner = courier, .find = lookup_find };
        r = arena_new(&courier->arena, ARENA_MAX);
        if (r == 0)
                r = courier_configure(courier, config, source);
        if (r == 0)
                r = carebus_source_new(&courier->bus, &options);
        if (r == 0)
                r = open_hand(courier);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(courier);
        return 0;
}

int courier_take(Courier *courier, InHandLevel level, Bytes bytes) {
        return in_hand_take(courier->hand, level, bytes, /* is_again= */ false);
}

void courier_done(Courier *courier, InHandLevel level) {
        in_hand_done(courier->hand, level);
}

void courier_unread(const Courier *courier, Bytes original, FhirResult *ret) {
        *ret = (FhirResult){ .root = NULL };
        in_hand_reading(courier->hand, original, FHIR_MEDIA_TYPE, &ret->reading);
}

int courier_translate(Courier *courier, Bytes message, const char *assigned_id, FhirResult *ret) {
        return fhir_translate(courier->translator, message, assigned_id, ret);
}

int courier_submit(Courier *courier, const FhirResult *result, const CourierTask *task) {
        return submit(courier, result, task, 0);
}

void courier_forget(Courier *courier, const void *owner) {
        Ticket *const lists[] = { courier->on_way.first, courier->back.first };

        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                for (Ticket *ticket = lists[i]; ticket; ticket = ticket->next)
                        if (ticket->owner == owner)
                                ticket->done = NULL;
}

const char *courier_source(const Courier *courier) {
        return source_of(courier)->name;
}

Memory *courier_memory(const Courier *courier) {
        return courier->memory;
}

CourierCounts *courier_counts(Courier *courier) {
        return &courier->counts;
}

size_t courier_in_flight(const Courier *courier) {
        return carebus_source_in_flight(courier->bus);
}

uint64_t courier_moves(const Courier *courier) {
        return courier->n_moves;
}

int courier_fd(const Courier *courier) {
        return carebus_source_fd(courier->bus);
}

int courier_timeout(const Courier *courier) {
        return carebus_source_timeout(courier->bus);
}

int courier_dispatch(Courier *courier) {
        int r = carebus_source_dispatch(courier->bus);
        int written = memory_commit(courier->memory);

        if (written < 0)
                memory_failed(courier, written);
        for (Ticket *ticket = queue_pop(&courier->back); ticket; ticket = queue_pop(&courier->back)) {
                if (ticket->done)
                        ticket->done(ticket->owner, ticket->number, &ticket->result,
                                     (const CourierVersion *)ticket->versions, ticket->n_versions);
                ticket_free(ticket);
                courier->n_moves++;
        }
        return r;
}

int courier_report(Courier *courier, size_t connections, int64_t certificate_ends_at) {
        const CourierCounts *counts = &courier->counts;
        const carebus_traffic traffic = { .received = counts->received,
                                          .accepted = counts->accepted,
                                          .failed = counts->failed,
                                          .rejected = counts->rejected,
                                          .connections = connections,
                                          .certificate_ends_at = (uint64_t)certificate_ends_at };
        int r = carebus_source_report(courier->bus, counts->ignored, counts->not_taken);

        return r < 0 ? r : carebus_source_report_traffic(courier->bus, &traffic);
}
