/*
 * Brings a team's events on to a system that may refuse them: here standard output, which refuses every event of type POISON. What is
 * refused is parked, all of that person behind it waits, and once somebody retried it, it comes again. Ends after so many idle seconds.
 *
 *   deliver FEED TEAM CONSUMER POISON SECONDS
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carebus.h"
#include "carebus/v1/event.pb-c.h"
#include "carebus/v1/record.pb-c.h"

#define WAITING_MAX 256

static char waiting[WAITING_MAX][64]; /* who waits, by patient id; "" is a free place */
static int parking;                   /* the bus has not said yet that it has what was parked */

static int find(const char *patient_id) {
        int i = 0;

        while (i < WAITING_MAX && strcmp(waiting[i], patient_id) != 0)
                i++;
        return i < WAITING_MAX ? i : -1;
}

static void let_wait(const char *patient_id) {
        int place = find("");

        if (place < 0)
                exit(75); /* see `carebusctl quarantine list` */
        if (patient_id && find(patient_id) < 0)
                snprintf(waiting[place], sizeof(waiting[place]), "%s", patient_id);
}

static void take(const carebus_delivery *delivery, const char *type, const char *patient_id) {
        Carebus__V1__Record *record;

        printf("%s %llu.%u %s %s\n", delivery->redelivered ? "again" : "took", (unsigned long long)delivery->seq,
               delivery->index, type, patient_id);
        if (!delivery->so_far) /* with the first that the team is given of this person: what was known before */
                return;
        record = carebus__v1__record__unpack(NULL, delivery->so_far_size, delivery->so_far);
        if (record)
                printf("so-far %s %zu sections\n", patient_id, record->n_sections);
        carebus__v1__record__free_unpacked(record, NULL);
}

static void on_event(carebus_stream *stream, const carebus_delivery *delivery, const char *poison) {
        Carebus__V1__Event *event = carebus__v1__event__unpack(NULL, delivery->event_size, delivery->event);
        const char *person = event && event->patient && event->patient->patient_id ? event->patient->patient_id : "";
        carebus_parked parked = {
                .patient_id = person, .seq = delivery->seq, .index = delivery->index, .code = "rejected", .tries = 1
        };
        uint32_t id;

        if (!delivery->redelivered && person[0] && find(person) >= 0) {
                printf("waits %llu.%u\n", (unsigned long long)delivery->seq,
                       delivery->index); /* comes with the others */
        } else if (!delivery->redelivered && event && strcmp(event->type, poison) == 0) {
                let_wait(person);
                parking = 1;
                if (carebus_stream_park(stream, &parked, &id) < 0)
                        exit(75); /* the feed is not open now: begin again where it was acknowledged */
        } else if (event)
                take(delivery, event->type, person);
        carebus__v1__event__free_unpacked(event, NULL);
}

static void on_parking(carebus_stream *stream, const carebus_delivery *delivery) {
        switch (delivery->kind) {
        case CAREBUS_DELIVERY_OPENED: /* who waits from an earlier run */
                for (size_t i = 0; i < delivery->n_parked; i++)
                        let_wait(delivery->parked[i].patient_id);
                break;
        case CAREBUS_DELIVERY_PARKED:
                if (delivery->reason)
                        exit(75);
                parking = 0;
                printf("parked %llu\n", (unsigned long long)delivery->item);
                break;
        default: /* CAREBUS_DELIVERY_REDELIVERED */
                if (delivery->patient_id && find(delivery->patient_id) >= 0)
                        waiting[find(delivery->patient_id)][0] = '\0';
                if (carebus_stream_resumed(stream, delivery->patient_id, delivery->item) == 0)
                        printf("resumed %llu\n", (unsigned long long)delivery->item);
        }
}

int main(int argc, char **argv) {
        if (argc != 6)
                return fprintf(stderr, "deliver: say FEED TEAM CONSUMER POISON SECONDS\n"), 64;
        carebus_stream_options options = {
                .feed = { .endpoint = argv[1] }, .team = argv[2], .consumer = argv[3], .parks = 1
        };
        carebus_delivery delivery, done = { .seq = 0 };
        carebus_stream *stream;

        if (carebus_stream_new(&stream, &options) < 0)
                return fprintf(stderr, "deliver: not a usable endpoint or name\n"), 64;
        setvbuf(stdout, NULL, _IOLBF, 0);
        int r;
        while ((r = carebus_stream_next(stream, &delivery, atoi(argv[5]) * 1000)) > 0) {
                if (delivery.kind == CAREBUS_DELIVERY_EVENT)
                        on_event(stream, &delivery, argv[4]);
                else
                        on_parking(stream, &delivery);
                if (delivery.kind == CAREBUS_DELIVERY_EVENT && !delivery.redelivered)
                        done = delivery;
                if (!parking && done.seq > 0) /* never beyond what the bus has not parked yet */
                        carebus_stream_ack(stream, done.seq, done.index);
        }
        if (r == -EACCES)
                fprintf(stderr, "deliver: refused: %s\n", carebus_stream_reason(stream));
        carebus_stream_free(stream);
        return r < 0 ? 77 : 0;
}
