/*
 * Asks in the name of a person who looks: breaks the glass, opens a contact, reads what happened to somebody.
 *
 *   ask FEED TEAM WHO PATIENT-ID break-glass REASON TEXT
 *   ask FEED TEAM WHO PATIENT-ID contact CALLER REASON
 *   ask FEED TEAM WHO PATIENT-ID events
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carebus.h"
#include "carebus/v1/feed.pb-c.h"

#define PACK(type, message)                                                                                  \
        (packed_size = carebus__v1__##type##__get_packed_size(&(message)), packed = malloc(packed_size + 1), \
         carebus__v1__##type##__pack(&(message), packed))

static void print_granted(const void *answer, size_t size) {
        Carebus__V1__GrantReply *granted = carebus__v1__grant_reply__unpack(NULL, size, answer);

        if (granted)
                printf("granted %s by %llu until %lld\n", granted->patient_id, (unsigned long long)granted->seq,
                       (long long)(granted->until_at / 1000000));
        carebus__v1__grant_reply__free_unpacked(granted, NULL);
}

static void print_events(const void *answer, size_t size) {
        Carebus__V1__EventsReply *reply = carebus__v1__events_reply__unpack(NULL, size, answer);

        for (size_t i = 0; reply && i < reply->n_deliveries; i++)
                printf("%llu.%u %s\n", (unsigned long long)reply->deliveries[i]->seq, reply->deliveries[i]->index,
                       reply->deliveries[i]->event ? reply->deliveries[i]->event->type : "-");
        carebus__v1__events_reply__free_unpacked(reply, NULL);
}

int main(int argc, char **argv) {
        const char *command = argc > 5 ? argv[5] : "";
        Carebus__V1__BreakGlassRequest glass = CAREBUS__V1__BREAK_GLASS_REQUEST__INIT;
        Carebus__V1__OpenContactRequest contact = CAREBUS__V1__OPEN_CONTACT_REQUEST__INIT;
        Carebus__V1__EventsRequest events = CAREBUS__V1__EVENTS_REQUEST__INIT;
        carebus_ask_options options = { .feed = { .endpoint = argc > 1 ? argv[1] : NULL },
                                        .team = argc > 2 ? argv[2] : NULL };
        const void *answer;
        size_t size, packed_size = 0;
        uint8_t *packed = NULL;
        carebus_ask *ask;
        int r = -EINVAL;

        if (argc < 6 || carebus_ask_new(&ask, &options) < 0)
                return fprintf(stderr, "ask: say FEED TEAM WHO PATIENT-ID and break-glass REASON TEXT, contact CALLER "
                                       "REASON or events\n"),
                       64;
        /* Who looks, in which program, and what for: it stands in the audit. */
        carebus_ask_for(ask, argv[3], "example", "direct-care");
        if (strcmp(command, "break-glass") == 0 && argc == 8) {
                glass.patient_id = argv[4], glass.reason = argv[6], glass.text = argv[7];
                PACK(break_glass_request, glass);
                r = carebus_ask_break_glass(ask, packed, packed_size, &answer, &size, 10000);
        } else if (strcmp(command, "contact") == 0 && argc == 8) {
                contact.patient_id = argv[4], contact.caller = argv[6], contact.reason = argv[7];
                PACK(open_contact_request, contact);
                r = carebus_ask_open_contact(ask, packed, packed_size, &answer, &size, 10000);
        } else if (strcmp(command, "events") == 0) {
                events.patient_id = argv[4];
                PACK(events_request, events);
                r = carebus_ask_events(ask, packed, packed_size, &answer, &size, 10000);
        }
        if (r == 0)
                (strcmp(command, "events") == 0 ? print_events : print_granted)(answer, size);
        else
                fprintf(stderr, "ask: %s\n", r == -EACCES ? carebus_ask_reason(ask) : strerror(-r));
        free(packed);
        carebus_ask_free(ask);
        return r == 0 ? 0 : r == -EACCES ? 77 : 75;
}
