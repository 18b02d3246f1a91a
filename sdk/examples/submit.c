/*
 * The smallest source: tells the bus that somebody was admitted, and waits for the receipt.
 *
 *   submit ENDPOINT SOURCE MESSAGE-ID LOCAL-ID          submit ipc:///run/carebus/intake hospice-files m1 H123
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "carebus.h"
#include "carebus/v1/event.pb-c.h"

static void on_receipt(void *owner, void *cookie, const carebus_receipt *receipt) {
        static const char *const results[] = { "stored", "duplicate", "refused", "refused, try later" };

        (void)cookie;
        *(carebus_result *)owner = receipt->result;
        printf("%s %llu %s\n", results[receipt->result], (unsigned long long)receipt->seq,
               receipt->reason ? receipt->reason : "");
}

int main(int argc, char **argv) {
        if (argc != 5)
                return fprintf(stderr, "submit: say ENDPOINT SOURCE MESSAGE-ID LOCAL-ID\n"), 64;

        carebus_result result = CAREBUS_REFUSED_LATER;
        carebus_source_options options = {
                .connection = { .endpoint = argv[1] },
                .source = argv[2],
                .adapter = "example",
                .owner = &result,
                .on_receipt = on_receipt,
        };
        carebus_source *source;
        if (carebus_source_new(&source, &options) < 0)
                return fprintf(stderr, "submit: not a usable endpoint or source name\n"), 64;

        /* What happened: now, to a person whom this system knows under a number of its own. */
        Carebus__V1__When when = CAREBUS__V1__WHEN__INIT;
        when.has_utc_at = 1;
        when.utc_at = (int64_t)time(NULL) * 1000000;
        Carebus__V1__Identifier local = CAREBUS__V1__IDENTIFIER__INIT, *identifiers[] = { &local };
        local.system = "carebus:example";
        local.value = argv[4];
        Carebus__V1__Subject patient = CAREBUS__V1__SUBJECT__INIT;
        patient.n_identifiers = 1;
        patient.identifiers = identifiers;
        Carebus__V1__Encounter encounter = CAREBUS__V1__ENCOUNTER__INIT;
        encounter.admitted_at = &when;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        event.type = "encounter.admitted";
        event.has_action = 1;
        event.action = CAREBUS__V1__ACTION__ACTION_NEW;
        event.occurred_at = &when;
        event.patient = &patient;
        event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event.encounter = &encounter;

        uint8_t *packed = malloc(carebus__v1__event__get_packed_size(&event));
        if (!packed)
                return fprintf(stderr, "submit: out of memory\n"), 70;
        carebus_event events[] = { { packed, carebus__v1__event__pack(&event, packed) } };
        carebus_submission submission = {
                .message_id = argv[3],
                .message_time = when.utc_at,
                .media_type = "text/plain",
                .original = argv[4],
                .original_size = strlen(argv[4]),
                .events = events,
                .n_events = 1,
        };
        int r = carebus_source_submit(source, &submission, NULL);
        if (r == 0)
                r = carebus_source_flush(source, 10000);
        carebus_source_free(source);
        free(packed);
        return r < 0 ? 69 : result <= CAREBUS_DUPLICATE ? 0 : 75;
}
