/* Names of what is delivered, and what is known of types and codes without asking anybody. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "adapters/common/destination-parts.h"
#include "base/sha256.h"
#include "base/text.h"
#include "proto/types.h"

/* Digits that nobody takes for letters (Crockford's); MSH-10 may have all of them. */
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void write_digits(uint64_t number, size_t n, char *ret) {
        for (size_t i = n; i > 0; i--, number >>= 5)
                ret[i - 1] = digits[number & 31];
}

void destination_event_id(DestinationPlace place, char ret[DESTINATION_EVENT_ID_SIZE]) {
        snprintf(ret, DESTINATION_EVENT_ID_SIZE, "%" PRIu64 ".%" PRIu32, place.seq, place.index);
}

/* Four of the bus, twelve of the number, four of the index: 20, 60 and 20 bits. */
void destination_message_id(const char *bus, DestinationPlace place, char ret[DESTINATION_ID_SIZE]) {
        uint8_t hash[SHA256_SIZE];

        sha256(bus, strlen(bus), hash);
        write_digits(load_le32(hash) & 0xfffff, 4, ret);
        write_digits(place.seq, 12, ret + 4);
        write_digits(place.index, 4, ret + 16);
        ret[20] = '\0';
}

/* RFC 9562, version 8: a hash of our own choice, since version 5 wants SHA-1. */
void destination_uuid(const char *bus, DestinationPlace place, char ret[DESTINATION_UUID_SIZE]) {
        uint8_t hash[SHA256_SIZE];
        char name[128], hex[33];

        snprintf(name, sizeof(name), "carebus:%.60s:%" PRIu64 ".%" PRIu32, bus, place.seq, place.index);
        sha256(name, strlen(name), hash);
        hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80);
        hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
        hex_encode(hash, 16, hex);
        snprintf(ret, DESTINATION_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static bool type_fits(const char *wanted, const char *type) {
        size_t size = strlen(wanted);

        if (size >= 2 && text_equal(wanted + size - 2, ".*"))
                return strncmp(wanted, type, size - 1) == 0;
        return text_equal(wanted, type);
}

bool destination_wants(const ConfigDestination *is, const char *type) {
        for (size_t i = 0; i < is->n_types; i++)
                if (type_fits(is->types[i], type))
                        return true;
        return is->n_types == 0;
}

bool destination_is_own(const Config *config, const ConfigDestination *is, const char *source) {
        for (size_t i = 0; is->sources_said && i < is->n_sources; i++)
                if (text_equal(config->sources[is->sources[i]].name, source))
                        return true;
        return false;
}

bool destination_said_it(const Config *config, const ConfigDestination *is, const Carebus__V1__Event *event) {
        const EventType *type = event_type_find(event->type ? event->type : "");

        return event->n_caused_by == 0 && !(type && type->from_bus) && destination_is_own(config, is, event->source);
}

bool destination_overtakes(const char *type) {
        static const char *const types[] = {
                "encounter.admitted", "encounter.ed_arrived", "encounter.admission_cancelled",
                "death.notified",     "death.retracted",      "delivery.stopped",
                "delivery.resumed"
        };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (text_equal(type, types[i]))
                        return true;
        return false;
}

bool destination_never_waits(const char *type) {
        return type && strncmp(type, "delivery.", strlen("delivery.")) == 0;
}

bool destination_code_is_general(const char *code) {
        static const char *const words[] = { "timeout", "connection-lost", "bad-answer", "408", "429" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (text_equal(code, words[i]))
                        return true;
        return code && strlen(code) == 3 && code[0] == '5';
}

int64_t destination_pause(unsigned tries, uint64_t max) {
        int64_t pause = USEC_PER_SEC << MIN(tries > 0 ? tries - 1 : 0, 20U);
        uint32_t chance = 0;

        pause = MIN(pause, (int64_t)MAX(max, UINT64_C(1)) * USEC_PER_SEC);
        /* Without chance it is three quarters of it, which is as good. */
        if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
                chance = 0;
        return pause * 3 / 4 + pause / 2 * (chance % 1000) / 1000;
}
