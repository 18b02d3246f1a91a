/*
 * Writing: whatever the event is like, what is written is one message that our own parser takes apart, in one frame, and the same a
 * second time. Input that begins with MSH is read as HL7 and its events are written; all other is an event as it stands on the wire.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/mllp/framer.h"
#include "adapters/mllp/translate.h"
#include "adapters/mllp/writer.h"
#include "proto/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Profile *profile;
static Translator *translator, *reader;
static Writer *writer;
static Arena *arena;

static void open_all(void) {
        TranslateOptions reading = { .source = "fuzz", .timezone = "Europe/London" };
        WriterOptions writing = { .bus = "north", .timezone = "Europe/London", .application = "BUS", .as_said = true };

        if (profile_new_default(&profile) < 0)
                abort();
        reading.profile = writing.profile = profile;
        if (translator_new(&translator, &reading) != 0 || translator_new(&reader, &reading) != 0 ||
            writer_new(&writer, &writing) != 0 || arena_new(&arena, 64 << 20) != 0)
                abort();
}

static void check_frame(const Buffer *text) {
        Framer framer = FRAMER_INIT(64 << 20);
        Buffer framed = BUFFER_NULL;
        FramerItem item;
        Bytes input;

        for (size_t i = 0; i < text->size; i++)
                if ((text->data[i] < ' ' || text->data[i] == 0x7F) && text->data[i] != '\r')
                        abort();
        framer_append_frame(&framed, buffer_bytes(text));
        input = buffer_bytes(&framed);
        if (framer_next(&framer, &input, &item) != FRAMER_MESSAGE || !bytes_equal(item.bytes, buffer_bytes(text)))
                abort();
        framer_deinit(&framer);
        buffer_deinit(&framed);
}

static void check_message(const Buffer *text) {
        TranslateResult result;
        Hl7Message message = HL7_MESSAGE_NULL;
        Hl7Limits limits = HL7_LIMITS_DEFAULT;
        Hl7Error error;
        char position[HL7_POSITION_SIZE];

        if (hl7_message_read(&message, buffer_bytes(text), &limits, &error) != 0 ||
            hl7_broken_position(&message, position) || hl7_find(&message, "MSH", 2))
                abort();
        hl7_message_deinit(&message);
        if (translate_message(reader, buffer_bytes(text), &result) != 0 || !result.message_id ||
            strcmp(result.message_id, "F1") != 0)
                abort();
}

static void check_event(const Carebus__V1__Event *event) {
        Buffer once = BUFFER_NULL, twice = BUFFER_NULL;
        WriterItem item = { .event = event, .message_id = "F1" };
        int r = writer_write(writer, &item, &once);

        if (r < 0 && r != -E2BIG)
                abort();
        if (writer_write(writer, &item, &twice) != r || !bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)))
                abort();
        if (r == 0) {
                check_frame(&once);
                check_message(&once);
        } else if (once.size > 0)
                abort();
        buffer_deinit(&once);
        buffer_deinit(&twice);
}

static void check_packed(Bytes packed) {
        ValidateLimits limits = VALIDATE_LIMITS_DEFAULT;
        Carebus__V1__Event *event;
        ValidateError error;

        arena_reset(arena);
        if (validate_event(packed, &limits, arena, &event, &error) == 0)
                check_event(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        TranslateResult result;

        if (!writer)
                open_all();
        if (size < 3 || memcmp(data, "MSH", 3) != 0) {
                check_packed(bytes_of(data, size));
                return 0;
        }
        if (translate_message(translator, bytes_of(data, size), &result) != 0)
                abort();
        for (size_t i = 0; i < result.n_events; i++)
                check_event(result.events[i]);
        return 0;
}
