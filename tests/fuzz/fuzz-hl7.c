/*
 * The reader: every value of every field can be asked for, and every part lies inside of the message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/mllp/ack.h"
#include "adapters/mllp/batch.h"
#include "adapters/mllp/hl7.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(const Hl7Message *message, Bytes part) {
        if (part.size &&
            (part.data < message->bytes.data || part.data + part.size > message->bytes.data + message->bytes.size))
                abort();
}

static void check_text(const Hl7Message *message, Hl7Value value, Arena *arena, bool is_utf8) {
        const char *text = hl7_text(message, value, arena), *whole = hl7_text_whole(message, value, arena);

        if (is_utf8 &&
            ((text && !utf8_is_valid(text, strlen(text))) || (whole && !utf8_is_valid(whole, strlen(whole)))))
                abort();
        if (text && !whole)
                abort();
}

static void walk(const Hl7Message *message, Arena *arena, bool is_utf8) {
        for (size_t i = 0; i < message->n_segments; i++)
                for (unsigned f = 0; f < message->segments[i].n_fields + 3; f++) {
                        Hl7Value rest = hl7_field(message, &message->segments[i], f), repeat;
                        Hl7Value components[8];
                        unsigned n = 0;

                        check_inside(message, rest.raw);
                        while (hl7_next_repeat(message, &rest, &repeat) && n++ < 4) {
                                size_t n_components = hl7_split_components(message, repeat, components, 8);

                                for (size_t c = 0; c < n_components; c++) {
                                        check_inside(message, components[c].raw);
                                        check_inside(message, hl7_subcomponent(message, components[c], 2).raw);
                                        check_text(message, components[c], arena, is_utf8);
                                        if (!bytes_equal(components[c].raw,
                                                         hl7_component(message, repeat, (unsigned)c + 1).raw))
                                                abort();
                                }
                        }
                        arena_reset(arena);
                }
}

static void answer(const Hl7Header *header) {
        static const AckOutcome outcomes[] = { ACK_STORED, ACK_LATER, ACK_NEVER };
        Buffer buffer = BUFFER_NULL;

        for (size_t i = 0; i < 3; i++) {
                AckRequest request = { .header = header,
                                       .outcome = outcomes[i],
                                       .error = ACK_ERROR_INTERNAL,
                                       .position = "PID[2]-3",
                                       .reason = "try-later" };
                Hl7Header read;
                Hl7Error error;

                (void)ack_wanted(header, outcomes[i]);
                buffer_clear(&buffer);
                ack_append(&buffer, &request, ACK_WANTED_APPLICATION);
                /* What we answer, we can read; and it says which message it answers. */
                if (hl7_header_read(buffer_bytes(&buffer), &read, &error) != 0)
                        abort();
                if (!bytes_equal(hl7_raw_component(&read, read.fields[9], 1), BYTES_LITERAL("ACK")))
                        abort();
        }
        buffer_deinit(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const Hl7Limits limits = { .max_bytes = 1 << 20, .max_segments = 1000, .max_fields = 10000 };
        Bytes bytes = bytes_of(data, size), one;
        BatchReader reader = BATCH_READER_INIT(bytes);
        Hl7Message message = HL7_MESSAGE_NULL;
        Hl7Header header;
        Hl7Error error;
        size_t taken = 0;
        Arena *arena;

        if (arena_new(&arena, 1 << 24) < 0)
                abort();
        if (hl7_header_read(bytes, &header, &error) == 0)
                answer(&header);
        if (hl7_message_read(&message, bytes, &limits, &error) == 0) {
                walk(&message, arena, utf8_is_valid(data, size));
                for (size_t i = 0; i < message.n_segments; i++)
                        for (unsigned n = i == 0 ? 3 : 1; n <= message.segments[i].n_fields + 2; n++)
                                (void)hl7_unread_components(&message, hl7_field(&message, &message.segments[i], n));
        }
        while (batch_next(&reader, &one)) {
                taken += one.size;
                if (one.size == 0 || taken > size)
                        abort();
        }
        (void)batch_is_batch(bytes);
        hl7_message_deinit(&message);
        arena_free(arena);
        return 0;
}
