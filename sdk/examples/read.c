/*
 * The smallest reader: prints what a team sees, in order, and acknowledges it. Ends after N events, or after ten idle
 * seconds.
 *
 *   read FEED LIVE TEAM CONSUMER N        read ipc:///run/carebus/feed ipc:///run/carebus/live/hospice hospice desk 10
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "carebus.h"
#include "carebus/v1/event.pb-c.h"

static void print(const carebus_delivery *delivery) {
        Carebus__V1__Event *event = carebus__v1__event__unpack(NULL, delivery->event_size, delivery->event);

        if (!event)
                return;
        printf("%llu.%u %s %s %s", (unsigned long long)delivery->seq, delivery->index, event->type, event->source,
               event->patient && event->patient->patient_id ? event->patient->patient_id : "-");
        /* Sent before, and not acknowledged: what was to be done with it may have been done. */
        if (delivery->sent_before > 0)
                printf(" sent-before=%u", delivery->sent_before);
        printf("\n");
        carebus__v1__event__free_unpacked(event, NULL);
}

int main(int argc, char **argv) {
        if (argc != 6)
                return fprintf(stderr, "read: say FEED LIVE TEAM CONSUMER N\n"), 64;

        carebus_stream_options options = {
                .feed = { .endpoint = argv[1] },
                .live = { .endpoint = argv[2][0] ? argv[2] : NULL },
                .team = argv[3],
                .consumer = argv[4],
                .from = CAREBUS_FROM_RESUME,
        };
        carebus_stream *stream;
        if (carebus_stream_new(&stream, &options) < 0)
                return fprintf(stderr, "read: not a usable endpoint or name\n"), 64;

        setvbuf(stdout, NULL, _IOLBF, 0);
        carebus_delivery delivery;
        int r = 1;
        for (long left = atol(argv[5]); left > 0 && (r = carebus_stream_next(stream, &delivery, 10000)) > 0; left--) {
                print(&delivery);
                /* What is acknowledged never comes again; so do it after the work. */
                carebus_stream_ack(stream, delivery.seq, delivery.index);
        }
        if (r == -EACCES)
                fprintf(stderr, "read: refused: %s\n", carebus_stream_reason(stream));
        /* One more turn, so that the last acknowledgement leaves. */
        if (r > 0)
                carebus_stream_next(stream, &delivery, 100);
        carebus_stream_free(stream);
        return r < 0 ? 77 : 0;
}
