#include "adapters/fhir/asker.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "carebus/v1/feed.pb-c.h"
#include "proto/check.h"
#include "proto/validate.h"
#include "sdk/carebus.h"

#define ARENA_MAX (128ul << 20)
#define ANSWER_WITHIN_MS 5000
#define REQUEST_SIZE_MAX 8192

struct Asker {
        carebus_ask *ask;
        const char *name; /* of the destination */
        Arena *arena;
};

Asker *asker_free(Asker *asker) {
        if (!asker)
                return NULL;
        carebus_ask_free(asker->ask);
        arena_free(asker->arena);
        free(asker);
        return NULL;
}

int asker_new(const Config *config, size_t destination, Asker **ret) {
        _cleanup_(asker_freep) Asker *asker = calloc(1, sizeof(*asker));
        _cleanup_(freep) char *endpoint = config_endpoint(config, "feed");
        const ConfigDestination *is = &config->destinations[destination];
        carebus_ask_options options = { .feed = { .endpoint = endpoint }, .team = config->teams[is->team].name };
        int r;

        if (!asker || !endpoint)
                return -ENOMEM;
        asker->name = is->name;
        r = arena_new(&asker->arena, ARENA_MAX);
        if (r == 0)
                r = carebus_ask_new(&asker->ask, &options);
        if (r == 0)
                *ret = TAKE_PTR(asker);
        return r;
}

static int read_failure(Asker *asker, int r) {
        static const char *const nobody[] = { "not-found", "not-seen", "unknown-patient", "no-relationship",
                                              "ambiguous" };
        const char *reason = carebus_ask_reason(asker->ask);

        if (r == -ENOMEM)
                return r;
        if (r != -EACCES)
                return r == -EINVAL ? ASKER_E_NOBODY : ASKER_E_NOT_NOW;
        for (size_t i = 0; i < ELEMENTSOF(nobody); i++)
                if (text_equal(nobody[i], reason))
                        return ASKER_E_NOBODY;
        return ASKER_E_REFUSED;
}

static int say_for(Asker *asker, const AskerFor *asked_for) {
        return asked_for ? carebus_ask_for(asker->ask, asked_for->who, asked_for->system, asked_for->purpose)
                         : carebus_ask_for(asker->ask, NULL, asker->name, "delivery");
}

int asker_ask(Asker *asker, const AskerFor *asked_for, const Carebus__V1__RecordRequest *request,
              const Carebus__V1__Record **ret) {
        uint8_t packed[REQUEST_SIZE_MAX];
        size_t size = protobuf_c_message_get_packed_size(&request->base), answer_size = 0;
        ProtobufCAllocator allocator = check_allocator(asker->arena);
        const void *answer = NULL;
        int r;

        if (size > sizeof(packed))
                return ASKER_E_NOBODY;
        (void)protobuf_c_message_pack(&request->base, packed);
        r = say_for(asker, asked_for);
        if (r == 0)
                r = carebus_ask_record(asker->ask, packed, size, &answer, &answer_size, ANSWER_WITHIN_MS);
        if (r < 0)
                return read_failure(asker, r);
        arena_reset(asker->arena);
        *ret = carebus__v1__record__unpack(&allocator, answer_size, answer);
        return *ret ? 0 : ASKER_E_NOT_NOW;
}

int asker_record(Asker *asker, const char *patient_id, const Carebus__V1__Record **ret) {
        Carebus__V1__RecordRequest request = CAREBUS__V1__RECORD_REQUEST__INIT;

        request.patient_id = (char *)patient_id;
        return asker_ask(asker, NULL, &request, ret);
}

/* 12.0: the number of an entry, and which event of it. */
static bool event_id_read(const char *text, uint64_t *ret_seq, uint64_t *ret_index) {
        const char *dot = strchr(text, '.');
        char seq[24];

        if (!dot || (size_t)(dot - text) >= sizeof(seq))
                return false;
        memcpy(seq, text, (size_t)(dot - text));
        seq[dot - text] = '\0';
        return text_to_u64(seq, ret_seq) == 0 && text_to_u64(dot + 1, ret_index) == 0 && *ret_seq > 0 &&
               *ret_index <= UINT32_MAX;
}

int asker_event(Asker *asker, const AskerFor *asked_for, const char *patient_id, const char *event_id, Arena *arena,
                const Carebus__V1__Event **ret) {
        Carebus__V1__EventsRequest request = CAREBUS__V1__EVENTS_REQUEST__INIT;
        Carebus__V1__StreamPlace after = CAREBUS__V1__STREAM_PLACE__INIT;
        ProtobufCAllocator allocator = check_allocator(arena);
        Carebus__V1__EventsReply *reply;
        uint8_t packed[REQUEST_SIZE_MAX];
        const void *answer = NULL;
        size_t answer_size = 0;
        uint64_t seq, index;
        int r;

        if (!event_id_read(event_id, &seq, &index) || strlen(patient_id) > REQUEST_SIZE_MAX / 2)
                return ASKER_E_NOBODY;
        /* The place right before it. */
        after.has_seq = after.has_index = true;
        after.seq = index > 0 ? seq : seq - 1;
        after.index = index > 0 ? (uint32_t)index - 1 : UINT32_MAX;
        request.patient_id = (char *)patient_id;
        request.after = &after;
        request.has_limit = true;
        request.limit = 1;
        r = say_for(asker, asked_for);
        if (r == 0)
                r = carebus_ask_events(asker->ask, packed, carebus__v1__events_request__pack(&request, packed), &answer,
                                       &answer_size, ANSWER_WITHIN_MS);
        if (r < 0)
                return read_failure(asker, r);
        reply = carebus__v1__events_reply__unpack(&allocator, answer_size, answer);
        if (!reply)
                return ASKER_E_NOT_NOW;
        if (reply->n_deliveries != 1 || reply->deliveries[0]->seq != seq || reply->deliveries[0]->index != index ||
            !reply->deliveries[0]->event)
                return ASKER_E_NOBODY;
        *ret = reply->deliveries[0]->event;
        return 0;
}
