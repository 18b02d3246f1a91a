#pragma once
/* Events written and read again by our own reader, over a profile that the test changes. */
#include "adapters/mllp/writer.h"
#include "canon/normalise.h"
#include "tests/unit/adapters/mllp/roundtrip.h"
#include "tests/unit/adapters/mllp/translate-fixture.h"

static Buffer written;
static const char *const *own_sources;
static size_t n_own_sources;
static const WriterOwned *owned;
static size_t n_owned;
static const char *written_lacks;
static Writer *writer; /* made at the first use; use_writer_again() for other settings */

static inline WriterOptions writer_options(void) {
        return (WriterOptions){ .bus = "north",
                                .profile = profile,
                                .timezone = "Europe/London",
                                .application = "CAREBUS",
                                .facility = "NORTH",
                                .receiving_application = "PAS",
                                .receiving_facility = "RA9",
                                .processing_id = 'P',
                                .owned = owned,
                                .n_owned = n_owned,
                                .own_sources = own_sources,
                                .n_own_sources = n_own_sources };
}

static inline void use_writer_again(void) {
        writer = writer_free(writer);
}

/* What writer_write() says. */
static inline int write_item(const Carebus__V1__Event *event, const Carebus__V1__Record *so_far) {
        WriterOptions options = writer_options();
        WriterItem item = { .event = event, .so_far = so_far, .message_id = "CB0000000000000001" };
        int r;

        buffer_clear(&written);
        if (!writer)
                assert_int_equal(writer_new(&writer, &options), 0);
        r = writer_write(writer, &item, &written);
        written_lacks = writer_lacks(writer);
        return r;
}

static inline int write_event(const Carebus__V1__Event *event) {
        return write_item(event, NULL);
}

/* Written, and read by our reader without a problem. */
static inline void write_and_read(const Carebus__V1__Event *event) {
        assert_int_equal(write_event(event), 0);
        translate_bytes(buffer_bytes(&written));
        if (result.problem_code)
                fail_msg("%s at %s", result.problem_code, result.problem_position);
}

/* A field of what was written, as our parser sees it: raw, or unescaped where it is one value. */
static inline char *written_raw(const char *path, Arena *arena) {
        Hl7Message message = HL7_MESSAGE_NULL;
        Hl7Limits limits = HL7_LIMITS_DEFAULT;
        Hl7Error error;
        Hl7Path parsed;
        Hl7Value value;
        char *text;

        assert_int_equal(hl7_message_read(&message, buffer_bytes(&written), &limits, &error), 0);
        assert_int_equal(hl7_path_parse(path, &parsed), 0);
        value = hl7_get(&message, &parsed);
        text = arena_text(arena, value.raw.data ? value.raw.data : (const uint8_t *)"", value.raw.size);
        hl7_message_deinit(&message);
        return text;
}

static inline void assert_written(const char *path, const char *expected) {
        Arena *arena;

        assert_int_equal(arena_new(&arena, 1 << 20), 0);
        assert_string_equal(written_raw(path, arena), expected);
        arena_free(arena);
}

static inline size_t written_count(const char *segment) {
        Hl7Message message = HL7_MESSAGE_NULL;
        Hl7Limits limits = HL7_LIMITS_DEFAULT;
        Hl7Error error;
        size_t n = 0;

        assert_int_equal(hl7_message_read(&message, buffer_bytes(&written), &limits, &error), 0);
        while (hl7_find(&message, segment, (unsigned)n + 1))
                n++;
        hl7_message_deinit(&message);
        return n;
}

static int writer_teardown(void **state) {
        use_writer_again();
        buffer_deinit(&written);
        own_sources = NULL;
        owned = NULL;
        n_own_sources = n_owned = 0;
        return fixture_teardown(state);
}
