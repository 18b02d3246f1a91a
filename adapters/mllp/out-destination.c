/*
 * HL7 v2 as a language of delivery: one connection, one message on it at a time, and an answer that names this very message, or none.
 *
 * A connection on which something went wrong is closed before anything else is sent: an answer that comes too late finds nobody, and
 * cannot be taken for that of the next message.
 */
#include "adapters/mllp/out-destination.h"

#include <errno.h>
#include <stdlib.h>

#include "adapters/mllp/out-answer.h"
#include "adapters/mllp/out-link.h"
#include "adapters/mllp/out-settings.h"
#include "adapters/mllp/writer.h"
#include "base/log.h"
#include "base/text.h"

typedef struct Out {
        const Config *config;
        size_t index;
        OutSettings *settings;
        Writer *writer;
        TlsContext *tls;
        Link *link;
        Destination *destination;
        DestinationItem *item; /* that waits for its answer; NULL: none */
        bool tls_failed;       /* and it was said; said again when it had worked in between */
        int error;             /* of a callback that cannot return one */
} Out;

static const ConfigDestination *configured(const Out *out) {
        return &out->config->destinations[out->index];
}

/* ---- outcomes */

/* The item is let go of first: what is settled may bring the next at once. */
static void settle(Out *out, DestinationOutcome outcome, const char *code) {
        DestinationItem *item = out->item;
        int r;

        out->item = NULL;
        r = item ? destination_settle(out->destination, item, outcome, code) : 0;
        if (r < 0)
                out->error = r;
}

static void settle_and_close(Out *out, DestinationOutcome outcome, const char *code) {
        link_close(out->link);
        settle(out, outcome, code);
}

/* ---- the link */

static void item_send(Out *out) {
        if (!out->item)
                return;
        if (link_send(out->link, out->item->bytes) < 0)
                out->error = -ENOMEM;
}

static void on_up(void *owner) {
        Out *out = owner;

        out->tls_failed = false;
        item_send(out);
}

static void foreign_note(const Out *out) {
        log_event(LOG_FOREIGN_ANSWER, log_name("DESTINATION", configured(out)->name));
}

static void on_frame(void *owner, Bytes frame) {
        Out *out = owner;
        const char *mode = configured(out)->profile->out.acknowledgement;
        char code[ANSWER_CODE_SIZE];

        if (!out->item) { /* nobody asked: a repeat of an answer, as a rule */
                foreign_note(out);
                return;
        }
        switch (answer_read(frame, out->item->message_id, mode ? mode : "original", code)) {
        case ANSWER_DELIVERED:
                settle(out, DESTINATION_DELIVERED, NULL);
                return;
        case ANSWER_REJECTED:
                settle(out, DESTINATION_REJECTED, code);
                return;
        case ANSWER_FAILED:
                settle(out, DESTINATION_FAILED, code);
                return;
        case ANSWER_TAKEN:
                return;
        case ANSWER_FOREIGN:
                foreign_note(out);
                return;
        default:
                settle_and_close(out, DESTINATION_FAILED, code);
        }
}

static void on_down(void *owner, const char *code, bool was_sent) {
        Out *out = owner;

        if (text_equal(code, "tls-failed") && !out->tls_failed)
                log_event(LOG_RECEIVER_TLS_FAILED, log_name("DESTINATION", configured(out)->name),
                          log_name("REASON", link_tls_reason(out->link) ? link_tls_reason(out->link) : "unknown"));
        out->tls_failed = out->tls_failed || text_equal(code, "tls-failed");
        settle(out, was_sent ? DESTINATION_FAILED : DESTINATION_NOT_CONNECTED, code);
}

/* ---- the language */

static int out_render(void *owner, const DestinationItem *item, Buffer *ret) {
        Out *out = owner;
        WriterItem writing = { .event = item->event, .so_far = item->so_far, .message_id = item->message_id };
        int r = writer_write(out->writer, &writing, ret);

        if (r == WRITER_E_NOT_SAID)
                return DESTINATION_E_NOT_SAID;
        /* What is larger than any message may be is for a person to look at. */
        if (r == WRITER_E_NOT_WHOLE || r == -E2BIG)
                return DESTINATION_E_NOT_WHOLE;
        return r;
}

static int out_send(void *owner, DestinationItem *item) {
        Out *out = owner;
        int r = 0;

        if (out->item)
                return -EBUSY; /* one at a time is asked for */
        out->item = item;
        if (link_state(out->link) == LINK_UP)
                item_send(out);
        else if (link_state(out->link) == LINK_DOWN)
                r = link_open(out->link);
        if (r == 0)
                r = out->error;
        return r;
}

static void out_cancel(void *owner, DestinationItem *item) {
        Out *out = owner;

        if (out->item != item)
                return;
        out->item = NULL;
        link_close(out->link);
}

/* ---- start and stop */

static void out_stop(void *owner) {
        Out *out = owner;

        destination_free(out->destination);
        link_free(out->link);
        tls_context_free(out->tls);
        writer_free(out->writer);
        out_settings_free(out->settings);
        free(out);
}

static void out_stopp(Out **out) {
        if (*out)
                out_stop(*out);
}

static int use_tls(Out *out) {
        const ConfigDestination *destination = configured(out);
        _cleanup_(freep) char *reason = NULL;
        int r;

        if (!destination->authority && !destination->tls.certificate)
                return 0;
        r = tls_context_new_client(destination->authority, &destination->tls, &out->tls, &reason);
        if (r == TLS_E_UNUSABLE)
                log_event(LOG_RECEIVER_TLS_FAILED, log_name("DESTINATION", destination->name),
                          log_name("REASON", reason ? reason : "unknown"));
        return r > 0 ? -EINVAL : r;
}

static int out_start(Loop *loop, const Config *config, size_t index, void **ret) {
        const ConfigDestination *is = &config->destinations[index];
        _cleanup_(out_stopp) Out *out = calloc(1, sizeof(*out));
        DestinationLanguage language = { .render = out_render,
                                         .send = out_send,
                                         .cancel = out_cancel,
                                         .at_once = 1,
                                         .leaves_out_own = true,
                                         .owner = out };
        LinkOwner owner = { .on_up = on_up, .on_frame = on_frame, .on_down = on_down, .owner = out };
        LinkOptions options = { .address = is->connect, .patience_ms = (unsigned)is->timeout * 1000 };
        int r;

        if (!out)
                return -ENOMEM;
        out->config = config;
        out->index = index;
        r = out_settings_new(config, index, &out->settings);
        if (r == 0)
                r = writer_new(&out->writer, out_settings_writing(out->settings));
        if (r == 0)
                r = use_tls(out);
        options.tls = out->tls;
        if (r == 0)
                r = link_new(loop, &options, &owner, &out->link);
        if (r == 0)
                r = destination_new(loop, config, index, &language, &out->destination);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(out);
        return 0;
}

const DestinationProgram mllp_destination = { .start = out_start, .stop = out_stop };

const char *mllp_destination_lacks(const ConfigDestination *destination) {
        return destination->connect
                       ? NULL
                       : "has no `connect:`; give it the receiver's address and port, such as 192.0.2.10:2575";
}
