/*
 * What one admission of about a kilobyte costs from bytes to packed events, without network and disk; beside it, the same
 * bytes copied once, as the machine's measure.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/mllp/framer.h"
#include "adapters/mllp/translate.h"
#include "base/clock.h"

static const char message[] =
        "MSH|^~\\&|PAS|RA9|CAREBUS|RA9|20240305101500||ADT^A01^ADT_A01|MSG00001|P|2.4|||||GBR|UNICODE UTF-8|EN\r"
        "EVN||20240305101400|||U7^BROWN^SAM^^^NURSE|20240305101000|RA9\r"
        "PID|1||123456^^^RA9^PI~9434765919^^^NHS^NH||SMITH^JOHN^ALBERT^^MR^^L~SMITH^JACK^^^^^D||19400201|1|||1 HIGH "
        "STREET^TOWNEND^LEEDS^WEST "
        "YORKSHIRE^LS1 1AA^GBR^H||01632 "
        "960001^PRN^PH~07700900001^PRS^CP|01632960002^WPN^PH|EN|M|C21||||||A||||||||||N||NSTS01\r"
        "PD1|||RIVERSIDE SURGERY^^B86001|G9012345^GREY^THOMAS^^^DR\r"
        "NK1|1|SMITH^MARY|1^Spouse|1 HIGH STREET^TOWNEND^LEEDS^^LS1 1AA|01632960003||C\r"
        "PV1|1|I|WARD7^BAY2^BED3^RA9^^^MAIN^2|21|||C1234567^JONES^ANNA^^^DR|G9012345^GREY^THOMAS^^^DR|C7654321^HILL^"
        "PETER^^^MR|100||||19||||I|V7700123^^^RA9"
        "|||||||||||||||||||||||||20240305100500\r"
        "PV2|||R07.4^CHEST PAIN^I10|||||20240305070000|20240312||||||||||||||||||||||||||||||4\r"
        "DG1|1||G12.2^Motor neurone disease^I10||20230101|A\r"
        "ZU1|20240305060000||||||||||||A1\r"
        "ZU8||1||0\r";

#define ROUNDS 200000

static double microseconds_each(int64_t from, int64_t until, size_t rounds) {
        return (double)(until - from) / (double)rounds;
}

static double measure_copy(void) {
        char *copy = malloc(sizeof(message));
        int64_t from = clock_monotonic(&clock_system);

        if (!copy)
                abort();
        for (size_t i = 0; i < ROUNDS; i++) {
                memcpy(copy, message, sizeof(message));
                __asm__ volatile("" : : "r"(copy) : "memory");
        }
        free(copy);
        return microseconds_each(from, clock_monotonic(&clock_system), ROUNDS);
}

static double measure_framing(void) {
        Framer framer = FRAMER_INIT(1 << 20);
        Buffer frame = BUFFER_NULL;
        int64_t from;

        framer_append_frame(&frame, bytes_of(message, sizeof(message) - 1));
        from = clock_monotonic(&clock_system);
        for (size_t i = 0; i < ROUNDS; i++) {
                Bytes input = buffer_bytes(&frame);
                FramerItem item;

                if (framer_next(&framer, &input, &item) != FRAMER_MESSAGE ||
                    framer_next(&framer, &input, &item) != FRAMER_MORE)
                        abort();
        }
        buffer_deinit(&frame);
        framer_deinit(&framer);
        return microseconds_each(from, clock_monotonic(&clock_system), ROUNDS);
}

static double measure_translation(size_t *ret_packed, size_t *ret_n_events) {
        TranslateOptions options = { .source = "bench", .timezone = "Europe/London" };
        Profile *profile;
        Translator *translator;
        int64_t from;

        if (profile_new_default(&profile) < 0)
                abort();
        options.profile = profile;
        if (translator_new(&translator, &options) != 0)
                abort();
        from = clock_monotonic(&clock_system);
        for (size_t i = 0; i < ROUNDS; i++) {
                const Bytes bytes = bytes_of(message, sizeof(message) - 1);
                TranslateResult result;
                Reading reading;
                Bytes *packed;

                if (translate_message(translator, bytes, &result) < 0 || result.n_events == 0 ||
                    translate_reading(translator, &result, bytes, &reading) < 0 ||
                    reading_pack(&reading, translator_arena(translator), &packed) < 0)
                        abort();
                *ret_packed = 0;
                *ret_n_events = result.n_events;
                for (size_t j = 0; j < result.n_events; j++)
                        *ret_packed += packed[j].size;
        }
        from = clock_monotonic(&clock_system) - from;
        translator_free(translator);
        profile_free(profile);
        return (double)from / ROUNDS;
}

int main(void) {
        size_t packed = 0, n_events = 0;
        double copy = measure_copy(), framing = measure_framing(),
               translation = measure_translation(&packed, &n_events);

        printf("message %zu bytes, %zu events of %zu bytes packed\n", sizeof(message) - 1, n_events, packed);
        printf("%-40s %9.3f us\n", "copy of the bytes", copy);
        printf("%-40s %9.3f us  %7.1f copies\n", "framer", framing, framing / copy);
        printf("%-40s %9.3f us  %7.1f copies  %.0f/s on one core\n", "read, translate, pack", translation,
               translation / copy, 1e6 / translation);
        return EXIT_SUCCESS;
}
