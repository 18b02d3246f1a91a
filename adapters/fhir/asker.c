#include "adapters/fhir/asker.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
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
        r = asked_for ? carebus_ask_for(asker->ask, asked_for->who, asked_for->system, asked_for->purpose)
                      : carebus_ask_for(asker->ask, NULL, asker->name, "delivery");
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
