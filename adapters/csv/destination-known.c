/* The last-known list: a replica of the team's records, and what is written of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "adapters/common/wake.h"
#include "adapters/csv/outlet.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "proto/check.h"

#define RECORD_BYTES ((size_t)64 << 20)
#define TAKEN_A_TURN 64
/* Where much changes at once, one list is enough. */
#define WRITE_AGAIN (2 * USEC_PER_SEC)
#define TURN_MAX USEC_PER_SEC
#define LIST_MODE 0640
/* Shorter than the shortest `timeout:`: rows wait meanwhile. */
#define ANSWER_WITHIN_MS 500

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

/* ---- what is written ---- */

static int write_form(const Outlet *outlet, const char *name, int64_t at,
                      int (*form)(const LastKnown *, int64_t, Buffer *)) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        _cleanup_(freep) char *path = NULL;
        int r = text_format(&path, "%s/%s", outlet->is->folder, name);

        if (r == 0)
                r = form(outlet->watch.known, at, &content);
        return r < 0 ? r : file_replace(path, content.data, content.size, LIST_MODE);
}

/* Before the first point of agreement the list of the run before is better than half of a new one. */
static bool is_due(const Outlet *outlet) {
        const KnownWatch *watch = &outlet->watch;

        if (!watch->is_whole)
                return false;
        if (watch->written_at == 0)
                return true;
        return now() - watch->written_at >=
               (watch->is_changed ? WRITE_AGAIN : (int64_t)outlet->is->list_every * USEC_PER_SEC);
}

/* Who is silent follows from the clock, so no record says it: the bus is asked each time. Where it does not answer the list says as of
 * when it did. 0 or -ENOMEM. */
static int ask_sources(KnownWatch *watch, int64_t at) {
        ProtobufCAllocator allocator;
        Carebus__V1__SourcesReply *reply;
        const void *answer;
        size_t size;
        int r = carebus_ask_sources(watch->ask, &answer, &size, ANSWER_WITHIN_MS);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        arena_reset(watch->arena);
        allocator = check_allocator(watch->arena);
        reply = carebus__v1__sources_reply__unpack(&allocator, size, answer);
        return reply ? last_known_sources(watch->known, reply, at) : -ENOMEM;
}

static int write_list(Outlet *outlet) {
        KnownWatch *watch = &outlet->watch;
        int64_t at = clock_now_at(&clock_system);
        int r;

        if (!is_due(outlet))
                return 0;
        if (carebus_records_is_open(watch->records)) {
                last_known_heard(watch->known, at);
                r = ask_sources(watch, at);
                if (r < 0)
                        return r;
        } else {
                last_known_away(watch->known);
        }
        r = write_form(outlet, "last-known.csv", at, last_known_csv);
        if (r == 0)
                r = write_form(outlet, "last-known.txt", at, last_known_text);
        watch->written_at = now();
        if (r == -ENOMEM)
                return r;
        if (r < 0 && !watch->failure_is_told)
                log_event(LOG_FOLDER_NOT_USABLE, log_name("DESTINATION", outlet->is->name), log_errno(r));
        watch->failure_is_told = r < 0;
        watch->is_changed = r < 0;
        return 0;
}

/* ---- what comes ---- */

static int take_record(KnownWatch *watch, const carebus_record *delivery) {
        ProtobufCAllocator allocator;
        ProtobufCMessage *message;

        arena_reset(watch->arena);
        allocator = check_allocator(watch->arena);
        message = protobuf_c_message_unpack(&carebus__v1__record__descriptor, &allocator, delivery->record_size,
                                            delivery->record);
        if (!message)
                return -ENOMEM;
        return last_known_take(watch->known, (const Carebus__V1__Record *)message, clock_now_at(&clock_system));
}

/* 1: something of the list changed. */
static int take(KnownWatch *watch, const carebus_record *delivery) {
        int changed = 0;

        switch (delivery->kind) {
        case CAREBUS_RECORD:
                changed = take_record(watch, delivery);
                break;
        case CAREBUS_RECORD_GONE:
                changed = last_known_drop(watch->known, delivery->patient_id);
                break;
        case CAREBUS_RECORDS_AFRESH:
                last_known_begin(watch->known);
                break;
        case CAREBUS_AGREEMENT:
                changed = last_known_end(watch->known) || !watch->is_whole;
                watch->is_whole = true;
                break;
        }
        return changed;
}

static int turn(Outlet *outlet) {
        KnownWatch *watch = &outlet->watch;
        bool more = true;
        int r = 0;

        for (unsigned n = 0; more && r >= 0 && n < TAKEN_A_TURN; n++) {
                carebus_record delivery;

                r = carebus_records_next(watch->records, &delivery, 0);
                more = r > 0;
                if (r == -EACCES)
                        r = 0; /* the feed of events says so too */
                if (!more)
                        break;
                r = take(watch, &delivery);
                if (r < 0)
                        return r;
                watch->is_changed = watch->is_changed || r > 0;
                r = carebus_records_ack(watch->records, delivery.seq, delivery.index);
        }
        if (r >= 0)
                r = write_list(outlet);
        return r < 0 ? r : loop_timer_set(watch->timer, more ? 0 : TURN_MAX);
}

static int on_prepare(LoopSource *source, void *owner) {
        (void)source;
        return turn(owner);
}

/* ---- its life ---- */

int known_watch_start(Outlet *outlet) {
        _cleanup_(freep) char *endpoint = config_endpoint(outlet->config, "feed");
        KnownWatch *watch = &outlet->watch;
        char consumer[33];
        /* Nothing is kept from run to run: at each start the records come as a snapshot. */
        carebus_records_options options = {
                .feed = { .endpoint = endpoint },
                .team = outlet->config->teams[outlet->is->team].name,
                .consumer = consumer,
        };
        const carebus_ask_options asks = { .feed = options.feed, .team = options.team };
        int r;

        snprintf(consumer, sizeof(consumer), "%.26s-known", outlet->is->name);
        if (!endpoint)
                return -ENOMEM;
        r = last_known_new(outlet->config->teams[outlet->is->team].title, outlet->zone, &watch->known);
        if (r == 0)
                r = arena_new(&watch->arena, RECORD_BYTES);
        if (r == 0)
                r = carebus_records_new(&watch->records, &options);
        if (r == 0)
                r = carebus_ask_new(&watch->ask, &asks);
        if (r == 0)
                r = carebus_ask_for(watch->ask, NULL, outlet->is->name, "delivery");
        if (r == 0)
                r = loop_add_io(outlet->loop, carebus_records_fd(watch->records), EPOLLIN, wake_by_io, outlet,
                                &watch->io);
        if (r == 0)
                r = loop_add_timer(outlet->loop, 0, wake_by_timer, outlet, &watch->timer);
        if (r == 0)
                r = loop_add_prepare(outlet->loop, on_prepare, outlet, &watch->prepare);
        return r;
}

void known_watch_stop(Outlet *outlet) {
        KnownWatch *watch = &outlet->watch;

        loop_source_free(watch->io);
        loop_source_free(watch->timer);
        loop_source_free(watch->prepare);
        carebus_records_free(watch->records);
        carebus_ask_free(watch->ask);
        last_known_free(watch->known);
        arena_free(watch->arena);
        *watch = (KnownWatch){ 0 };
}
