/* See intake.h. */
#include "adapters/mllp/intake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/common/in-hand.h"
#include "adapters/common/submit.h"
#include "adapters/mllp/ack.h"
#include "adapters/mllp/batch.h"
#include "adapters/mllp/translate.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "sdk/carebus.h"

#define HELD_BYTES_MAX (256u << 20)
/* Beyond this senders are left waiting: below HELD_BYTES_MAX by more than one turn of all sessions can bring. */
#define ROOM_BYTES (64u << 20)
#define ROOM_MESSAGES 8192

typedef struct Ticket Ticket;

struct Intake {
        SessionHost host;
        Config *config;
        size_t source;
        Translator *translator;
        carebus_source *bus;
        InHand *hand;
        size_t bytes_in_flight;
        Ticket *first, *last; /* on the way, in the order in which their receipts come */
        IntakeCounts counts;
};

/* What the bus gives back with a receipt. */
struct Ticket {
        Ticket *next;
        Exchange *exchange; /* NULL: read again for the bus, nobody waits */
        size_t size;
};

static void ticket_push(Intake *intake, Ticket *ticket) {
        if (intake->last)
                intake->last->next = ticket;
        else
                intake->first = ticket;
        intake->last = ticket;
        intake->bytes_in_flight += ticket->size;
}

static Ticket *ticket_pop(Intake *intake) {
        Ticket *ticket = intake->first;

        intake->first = ticket->next;
        if (!intake->first)
                intake->last = NULL;
        intake->bytes_in_flight -= ticket->size;
        return ticket;
}

static const ConfigSource *source_of(const Intake *intake) {
        return &intake->config->sources[intake->source];
}

static SessionAnswer answer_of(AckOutcome outcome, AckError error, const char *reason, const char *position) {
        SessionAnswer answer = { .outcome = outcome, .error = error };

        snprintf(answer.reason, sizeof(answer.reason), "%s", reason ? reason : "");
        snprintf(answer.position, sizeof(answer.position), "%s", position ? position : "");
        return answer;
}

static void give_answer(Intake *intake, Exchange *exchange, const SessionAnswer *answer) {
        intake->counts.answered[answer->outcome]++;
        session_answer(exchange, answer);
}

/* ---- to the bus ---- */

static int hand_in(Intake *intake, const Reading *reading, uint64_t retranslates, Exchange *exchange) {
        const SubmitOptions options = { .retranslates = retranslates };
        Ticket *ticket = malloc(sizeof(*ticket));
        int r = ticket ? submit_reading(intake->bus, reading, &options, translator_arena(intake->translator)) : -ENOMEM;

        if (r < 0) {
                free(ticket);
                return r;
        }
        *ticket = (Ticket){ .exchange = exchange, .size = reading->original.size };
        ticket_push(intake, ticket);
        submit_fields(intake->bus, reading);
        return 0;
}

static int submit(Intake *intake, const TranslateResult *result, Bytes original, uint64_t retranslates,
                  Exchange *exchange) {
        Reading reading;
        int r = translate_reading(intake->translator, result, original, &reading);

        return r < 0 ? r : hand_in(intake, &reading, retranslates, exchange);
}

/* One that ended the adapter too often, as it came. */
static int submit_unread(Intake *intake, Bytes original, Exchange *exchange) {
        Reading reading;

        in_hand_reading(intake->hand, original, TRANSLATE_MEDIA_TYPE, &reading);
        return hand_in(intake, &reading, 0, exchange);
}

static SessionAnswer answer_to_receipt(Intake *intake, const Exchange *exchange, const carebus_receipt *receipt) {
        switch (receipt->result) {
        case CAREBUS_STORED:
                intake->counts.stored++;
                intake->counts.quarantined += receipt->reason != NULL;
                break;
        case CAREBUS_DUPLICATE:
                intake->counts.duplicate++;
                break;
        case CAREBUS_REFUSED:
                intake->counts.refused++;
                return answer_of(ACK_NEVER, ACK_ERROR_INTERNAL, receipt->reason, NULL);
        case CAREBUS_REFUSED_LATER:
                intake->counts.later++;
                return answer_of(ACK_LATER, ACK_ERROR_INTERNAL, receipt->reason, NULL);
        }
        /* The bytes are kept for a person to look at; the sender, whose MSH nobody can read, must hear that it is wrong. */
        if (!exchange_has_header(exchange))
                return answer_of(ACK_NEVER, ACK_ERROR_SEGMENT_SEQUENCE, "parse-no-msh", "MSH");
        return answer_of(ACK_STORED, ACK_ERROR_NONE, NULL, NULL);
}

static void on_receipt(void *owner, void *cookie, const carebus_receipt *receipt) {
        Intake *intake = owner;
        Ticket *ticket = ticket_pop(intake);

        (void)cookie; /* receipts come in order: the first ticket is the one */
        if (ticket->exchange) {
                SessionAnswer answer = answer_to_receipt(intake, ticket->exchange, receipt);
                give_answer(intake, ticket->exchange, &answer);
        }
        free(ticket);
}

static void on_state(void *owner, carebus_state state, const char *reason) {
        Intake *intake = owner;

        if (state == CAREBUS_READY)
                log_event(LOG_BUS_CONNECTED, log_name("SOURCE", source_of(intake)->name));
        else if (state == CAREBUS_NOT_ALLOWED)
                log_event(LOG_BUS_NOT_ALLOWED, log_name("SOURCE", source_of(intake)->name),
                          log_name("REASON", reason ? reason : "not-allowed"));
        else if (state == CAREBUS_CONNECTING)
                log_event(LOG_BUS_LOST, log_name("SOURCE", source_of(intake)->name));
}

static void on_retranslate(void *owner, uint64_t seq, const char *message_id, const char *media_type,
                           const void *original, size_t size) {
        Intake *intake = owner;
        Bytes bytes = bytes_of(original, size);
        TranslateResult result;
        int r;

        (void)message_id; /* the message says it itself */
        if (!text_equal(media_type, TRANSLATE_MEDIA_TYPE))
                return;
        (void)in_hand_take(intake->hand, IN_HAND_WHOLE, bytes, /* is_again= */ true);
        r = translate_message(intake->translator, bytes, &result);
        if (r == 0)
                r = submit(intake, &result, bytes, seq, NULL);
        in_hand_done(intake->hand, IN_HAND_WHOLE);
        if (r < 0)
                log_event(LOG_RETRANSLATE_FAILED, log_number("SEQ", (int64_t)seq), log_errno(r));
}

/* ---- from the sessions ---- */

static bool is_acknowledgement(const Hl7Header *header) {
        return bytes_equal_text(hl7_raw_component(header, header->fields[9], 1), "ACK");
}

/* What is never stored: what must not be on this bus, and what nobody wants. False: it goes to the bus. */
static bool answer_without_storing(Intake *intake, Exchange *exchange, const TranslateResult *result) {
        SessionAnswer answer = answer_of(ACK_STORED, ACK_ERROR_NONE, NULL, NULL);

        if (!result->has_header)
                return false;
        if (is_acknowledgement(&result->header)) {
                intake->counts.acknowledgements++;
                session_answer_nothing(exchange);
                return true;
        }
        if (!ack_processing_id_fits(&result->header, intake->config->environment)) {
                intake->counts.not_fitting++;
                log_event(LOG_PROCESSING_ID_REFUSED, log_name("SOURCE", source_of(intake)->name));
                answer = answer_of(ACK_NEVER, ACK_ERROR_UNSUPPORTED_PROCESSING_ID, "processing-id", "MSH-11");
        } else if (result->ignored) {
                intake->counts.ignored++;
        } else {
                return false;
        }
        give_answer(intake, exchange, &answer);
        return true;
}

static int read_message(Intake *intake, Exchange *exchange, Bytes message) {
        TranslateResult result;
        int r;

        r = translate_message(intake->translator, message, &result);
        if (r < 0 || answer_without_storing(intake, exchange, &result))
                return r;
        return submit(intake, &result, message, 0, exchange);
}

static int on_message(void *owner, Exchange *exchange, Bytes message) {
        Intake *intake = owner;
        SessionAnswer answer;
        int r;

        intake->counts.received++;
        r = in_hand_take(intake->hand, IN_HAND_WHOLE, message, /* is_again= */ false);
        if (r == IN_HAND_E_GIVEN_UP)
                r = submit_unread(intake, message, exchange);
        else {
                r = read_message(intake, exchange, message);
                in_hand_done(intake->hand, IN_HAND_WHOLE);
        }
        if (r == 0)
                return 0;
        intake->counts.too_large += r == -EMSGSIZE;
        answer = r == -EMSGSIZE ? answer_of(ACK_NEVER, ACK_ERROR_INTERNAL, "too-large", NULL)
                                : answer_of(ACK_LATER, ACK_ERROR_INTERNAL, "try-later", NULL);
        give_answer(intake, exchange, &answer);
        return r == -ENOMEM ? r : 0;
}

/* Something was lost on the way, and nobody knows what: it waits for a person. What the bus cannot take now it does not get to know; the
 * messages of the batch were answered each by itself. */
static int on_wrong_count(void *owner, Bytes batch, Bytes trailer, const char *position) {
        char id[BATCH_TRAILER_ID_SIZE];
        const Reading reading = {
                .message_id = id,
                .problem_code = "wrong-count",
                .problem_position = position,
                .problem_urgent = true,
                .message_time = INT64_MIN,
                .media_type = TRANSLATE_MEDIA_TYPE,
                .original = trailer,
        };
        Intake *intake = owner;
        int r;

        batch_trailer_id(batch, trailer, id);
        r = hand_in(intake, &reading, 0, NULL);
        return r == -ENOMEM ? r : 0;
}

static void on_noise(void *owner, Session *session, const FramerItem *item) {
        Intake *intake = owner;

        if (item->kind == FRAMER_EMPTY)
                return;
        if (item->kind == FRAMER_TOO_LARGE) { /* the session has answered it */
                intake->counts.too_large++;
                intake->counts.received++;
                intake->counts.answered[ACK_NEVER]++;
        }
        log_event(LOG_FRAME_UNUSABLE, log_name("SOURCE", source_of(intake)->name),
                  log_name("PEER", session_peer_text(session)), log_name("KIND", framer_kind_text(item->kind)),
                  log_number("BYTES", (int64_t)item->size));
}

static bool has_room(void *owner) {
        const Intake *intake = owner;
        return intake->bytes_in_flight < ROOM_BYTES && carebus_source_in_flight(intake->bus) < ROOM_MESSAGES;
}

static int64_t now_at(void *owner) {
        (void)owner;
        return clock_now_at(&clock_system);
}

/* ---- the object ---- */

Intake *intake_free(Intake *intake) {
        if (!intake)
                return NULL;
        carebus_source_free(intake->bus);
        while (intake->first) {
                Ticket *ticket = ticket_pop(intake);
                if (ticket->exchange)
                        session_answer_nothing(ticket->exchange);
                free(ticket);
        }
        translator_free(intake->translator);
        config_unref(intake->config);
        in_hand_free(intake->hand);
        free(intake);
        return NULL;
}

int intake_configure(Intake *intake, const Config *config, size_t source) {
        const TranslateOptions options = {
                .source = config->sources[source].name,
                .profile = config->sources[source].profile,
                .timezone = config->sources[source].timezone ? config->sources[source].timezone : config->timezone,
                .want_fields = true,
        };
        _cleanup_(translator_freep) Translator *translator = NULL;
        int r = translator_new(&translator, &options);

        if (r < 0)
                return r;
        translator_free(intake->translator);
        config_unref(intake->config);
        intake->translator = TAKE_PTR(translator);
        intake->config = config_ref(config);
        intake->source = source;
        intake->host.environment = config->environment;
        return 0;
}

/* What ended the process before this one too often does not wait for its sender, who may not try for ever. */
static int open_hand(Intake *intake) {
        const InHandFound *found;

        intake->hand = in_hand_start(intake->config, source_of(intake)->name);
        found = in_hand_found(intake->hand);
        if (found->times < IN_HAND_TRIES || found->is_again || found->bytes.size == 0 ||
            in_hand_take(intake->hand, IN_HAND_WHOLE, found->bytes, /* is_again= */ false) != IN_HAND_E_GIVEN_UP)
                return 0;
        return submit_unread(intake, found->bytes, NULL);
}

int intake_new(const Config *config, size_t source, const char *program, Intake **ret) {
        _cleanup_(intake_freep) Intake *intake = calloc(1, sizeof(*intake));
        _cleanup_(freep) char *endpoint = config_endpoint(config, "intake");
        carebus_source_options options = {
                .connection = { .endpoint = endpoint },
                .source = config->sources[source].name,
                .adapter = program,
                .max_held_bytes = HELD_BYTES_MAX,
                .owner = intake,
                .on_receipt = on_receipt,
                .on_state = on_state,
                .on_retranslate = on_retranslate,
        };
        int r;

        if (!intake || !endpoint)
                return -ENOMEM;
        intake->host = (SessionHost){ .owner = intake,
                                      .message = on_message,
                                      .wrong_count = on_wrong_count,
                                      .noise = on_noise,
                                      .has_room = has_room,
                                      .now_at = now_at };
        r = intake_configure(intake, config, source);
        if (r == 0)
                r = carebus_source_new(&intake->bus, &options);
        if (r == 0)
                r = open_hand(intake);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(intake);
        return 0;
}

const SessionHost *intake_host(const Intake *intake) {
        return &intake->host;
}

int intake_fd(const Intake *intake) {
        return carebus_source_fd(intake->bus);
}

int intake_timeout(const Intake *intake) {
        return carebus_source_timeout(intake->bus);
}

int intake_dispatch(Intake *intake) {
        return carebus_source_dispatch(intake->bus);
}

int intake_report(Intake *intake, size_t connections, int64_t certificate_ends_at) {
        const IntakeCounts *counts = &intake->counts;
        const carebus_traffic traffic = {
                .received = counts->received,
                .accepted = counts->answered[ACK_STORED],
                .failed = counts->answered[ACK_LATER],
                .rejected = counts->answered[ACK_NEVER],
                .connections = connections,
                .certificate_ends_at = (uint64_t)certificate_ends_at,
        };
        int r = carebus_source_report(intake->bus, counts->ignored, counts->not_fitting + counts->too_large);

        return r < 0 ? r : carebus_source_report_traffic(intake->bus, &traffic);
}

size_t intake_in_flight(const Intake *intake) {
        return carebus_source_in_flight(intake->bus);
}

const IntakeCounts *intake_counts(const Intake *intake) {
        return &intake->counts;
}
