/*
 * The answer is built from raw fields of the sender's MSH, in its own separators: no conversion, no unescaping, so that
 * what comes back is what was sent, byte for byte.
 */
#include "adapters/mllp/ack.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "adapters/mllp/framer.h"
#include "base/clock.h"

#define VERSION_UNSAID "2.4"
#define SEPARATORS_UNSAID BYTES_LITERAL("^~\\&")

/* Where a field stands in MSH. */
enum {
        MSH_SENDING_APPLICATION = 3,
        MSH_SENDING_FACILITY = 4,
        MSH_RECEIVING_APPLICATION = 5,
        MSH_RECEIVING_FACILITY = 6,
        MSH_TYPE = 9,
        MSH_CONTROL_ID = 10,
        MSH_PROCESSING_ID = 11,
        MSH_VERSION = 12,
        MSH_ACCEPT_ACK = 15,
        MSH_APPLICATION_ACK = 16,
        MSH_COUNTRY = 17,
        MSH_CHARSET = 18,
};

static const Hl7Header header_unread = {
        .separators = { .field = '|', .component = '^', .repeat = '~', .escape = '\\', .subcomponent = '&' },
        .n_fields = 2,
};

static bool is(Bytes bytes, const char *text) {
        while (bytes.size && bytes.data[0] == ' ')
                bytes = bytes_of(bytes.data + 1, bytes.size - 1);
        while (bytes.size && bytes.data[bytes.size - 1] == ' ')
                bytes.size--;
        return bytes.size == strlen(text) &&
               (bytes.size == 0 || strncasecmp((const char *)bytes.data, text, bytes.size) == 0);
}

static bool is_empty(Bytes bytes) {
        return is(bytes, "") || is(bytes, "\"\"");
}

/* A code of HL7 table 0155. Any other word there says nothing: whoever sent it waits for an answer. */
static bool is_condition(Bytes bytes) {
        static const char *const codes[] = { "AL", "NE", "ER", "SU" };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (is(bytes, codes[i]))
                        return true;
        return false;
}

static bool condition_holds(Bytes condition, AckOutcome outcome) {
        if (is(condition, "AL"))
                return true;
        if (is(condition, "ER"))
                return outcome != ACK_STORED;
        return is(condition, "SU") && outcome == ACK_STORED;
}

static bool is_enhanced(const Hl7Header *header) {
        return is_condition(header->fields[MSH_ACCEPT_ACK]) || is_condition(header->fields[MSH_APPLICATION_ACK]);
}

unsigned ack_wanted(const Hl7Header *header, AckOutcome outcome) {
        Bytes accept, application;
        unsigned wanted = ACK_WANTED_NONE;

        if (!header)
                return ACK_WANTED_APPLICATION;
        if (is(hl7_raw_component(header, header->fields[MSH_TYPE], 1), "ACK"))
                return ACK_WANTED_NONE;
        accept = header->fields[MSH_ACCEPT_ACK];
        application = header->fields[MSH_APPLICATION_ACK];
        if (!is_enhanced(header))
                return ACK_WANTED_APPLICATION;
        if (condition_holds(accept, outcome))
                wanted |= ACK_WANTED_ACCEPT;
        if (condition_holds(application, outcome))
                wanted |= ACK_WANTED_APPLICATION;
        return wanted;
}

const char *ack_code(AckOutcome outcome, unsigned kind) {
        static const char *const codes[][2] = {
                [ACK_STORED] = { "AA", "CA" },
                [ACK_LATER] = { "AE", "CE" },
                [ACK_NEVER] = { "AR", "CR" },
        };

        return codes[outcome][kind == ACK_WANTED_ACCEPT];
}

/* ---- the three segments */

typedef struct Writer {
        Buffer *buffer;
        const Hl7Header *header;
} Writer;

static void put(const Writer *writer, Bytes raw) {
        buffer_append_byte(writer->buffer, writer->header->separators.field);
        buffer_append_bytes(writer->buffer, raw);
}

/* Text of our own: a separator in it is escaped, or left out where the sender has no escape. */
static void put_text(const Writer *writer, const char *text) {
        const Hl7Separators *separators = &writer->header->separators;

        for (; *text; text++) {
                const uint8_t chars[] = { separators->field, separators->component, separators->repeat,
                                          separators->escape, separators->subcomponent };
                const uint8_t *found = memchr(chars, *text, sizeof(chars));

                if (!found)
                        buffer_append_byte(writer->buffer, (uint8_t)*text);
                else if (separators->escape) {
                        buffer_append_byte(writer->buffer, separators->escape);
                        buffer_append_byte(writer->buffer, (uint8_t) "FSRET"[found - chars]);
                        buffer_append_byte(writer->buffer, separators->escape);
                }
        }
}

static void put_field_text(const Writer *writer, const char *text) {
        put(writer, BYTES_NULL);
        if (text)
                put_text(writer, text);
}

static void put_component(const Writer *writer, const char *text) {
        buffer_append_byte(writer->buffer, writer->header->separators.component);
        put_text(writer, text);
}

static void put_empty(const Writer *writer, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                put(writer, BYTES_NULL);
}

static void put_control_id(const Writer *writer, const AckRequest *request, unsigned kind) {
        char text[32];

        /* 20 characters, the most that all versions take: microseconds until the year 4252, and a counter. Of two answers to one message
         * each is a message of its own. */
        snprintf(text, sizeof(text), "%014llX%06llX", (unsigned long long)request->now_at & 0xFFFFFFFFFFFFFFULL,
                 (unsigned long long)(request->number * 2 + (kind == ACK_WANTED_ACCEPT)) & 0xFFFFFFULL);
        put(writer, bytes_of_text(text));
}

static void put_time(const Writer *writer, int64_t at) {
        CivilTime civil = civil_from_utc(at);
        char text[64];

        snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02d+0000", civil.year, civil.month, civil.day, civil.hour,
                 civil.minute, civil.second);
        put(writer, bytes_of_text(text));
}

/* Where the sender said none that could be read: an answer of a test bus must not pass for one of a live bus. */
static Bytes processing_id_of(ConfigEnvironment environment) {
        return environment == CONFIG_ENVIRONMENT_TEST ? BYTES_LITERAL("T") : BYTES_LITERAL("P");
}

static void put_msh(const Writer *writer, const AckRequest *request, unsigned kind) {
        const Hl7Header *header = writer->header;
        bool enhanced = is_enhanced(header);
        Bytes trigger = hl7_raw_component(header, header->fields[MSH_TYPE], 2);

        buffer_append_text(writer->buffer, "MSH");
        put(writer, header->fields[2].size ? header->fields[2] : SEPARATORS_UNSAID);
        put(writer, header->fields[MSH_RECEIVING_APPLICATION]);
        put(writer, header->fields[MSH_RECEIVING_FACILITY]);
        put(writer, header->fields[MSH_SENDING_APPLICATION]);
        put(writer, header->fields[MSH_SENDING_FACILITY]);
        put_time(writer, request->now_at);
        put_empty(writer, 1);
        put(writer, BYTES_LITERAL("ACK"));
        if (!is_empty(trigger)) {
                buffer_append_byte(writer->buffer, header->separators.component);
                buffer_append_bytes(writer->buffer, trigger);
                put_component(writer, "ACK");
        }
        put_control_id(writer, request, kind);
        put(writer, is_empty(header->fields[MSH_PROCESSING_ID]) ? processing_id_of(request->environment)
                                                                : header->fields[MSH_PROCESSING_ID]);
        put(writer,
            is_empty(header->fields[MSH_VERSION]) ? BYTES_LITERAL(VERSION_UNSAID) : header->fields[MSH_VERSION]);
        if (enhanced || !is_empty(header->fields[MSH_CHARSET])) {
                put_empty(writer, 2);
                /* An answer wants none itself. */
                put(writer, enhanced ? BYTES_LITERAL("NE") : BYTES_NULL);
                put(writer, enhanced ? BYTES_LITERAL("NE") : BYTES_NULL);
                put(writer, header->fields[MSH_COUNTRY]);
                put(writer, header->fields[MSH_CHARSET]);
        }
        buffer_append_byte(writer->buffer, '\r');
}

static void put_msa(const Writer *writer, const AckRequest *request, unsigned kind) {
        buffer_append_text(writer->buffer, "MSA");
        put(writer, bytes_of_text(ack_code(request->outcome, kind)));
        put(writer, writer->header->fields[MSH_CONTROL_ID]);
        if (request->reason)
                put_field_text(writer, request->reason);
        buffer_append_byte(writer->buffer, '\r');
}

static const char *error_text(AckError error) {
        static const struct {
                AckError error;
                const char *text;
        } texts[] = {
                { ACK_ERROR_SEGMENT_SEQUENCE, "Segment sequence error" },
                { ACK_ERROR_REQUIRED_FIELD, "Required field missing" },
                { ACK_ERROR_DATA_TYPE, "Data type error" },
                { ACK_ERROR_UNSUPPORTED_MESSAGE, "Unsupported message type" },
                { ACK_ERROR_UNSUPPORTED_PROCESSING_ID, "Unsupported processing id" },
                { ACK_ERROR_RECORD_LOCKED, "Application record locked" },
                { ACK_ERROR_INTERNAL, "Application internal error" },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (texts[i].error == error)
                        return texts[i].text;
        return "Message error";
}

/* What whoever runs the sender is to do, for ERR: the codes of MSA-3 are for programs. Without separators of HL7. */
static const char *advice_for(const AckRequest *request) {
        static const struct {
                const char *reason, *advice;
        } advices[] = {
                { "processing-id",
                  "MSH-11 is not for this bus: send tests to a test bus and live messages to a live one" },
                { "too-large",
                  "larger than max_message_bytes of this source: send less in one message, or have that raised" },
                { "parse-no-msh",
                  "no MSH could be read: begin with MSH and its separators, segments end with a return" },
                { "not-allowed",
                  "this sender may not speak for the source: ask who runs the bus (sources: in its configuration)" },
                { "unknown-source",
                  "the bus has no such source: ask who runs the bus (sources: in its configuration)" },
                { "storage-full", "not stored, the disk of the bus is full: keep the message and send it again" },
                { "over-quota", "not stored, more at once than this source may: send it again, more slowly" },
        };

        for (size_t i = 0; request->reason && i < ELEMENTSOF(advices); i++)
                if (strcmp(advices[i].reason, request->reason) == 0)
                        return advices[i].advice;
        return request->outcome == ACK_LATER
                       ? "not stored: keep the message and send it again"
                       : "sending it again changes nothing: ask who runs the bus, whose log says why";
}

static void put_number(const Writer *writer, unsigned number) {
        char text[16];

        snprintf(text, sizeof(text), "%u", number);
        put_component(writer, text);
}

/* SEG^occurrence^field: ERL of version 2.5, and the begin of ELD before it. Three empty components when it is not known. */
static void put_location(const Writer *writer, const char *position, bool keep_places) {
        Hl7Path path;

        if (position && hl7_path_parse(position, &path) == 0) {
                put_text(writer, path.segment);
                put_number(writer, path.occurrence.number ? path.occurrence.number : 1);
                put_number(writer, path.field);
        } else if (keep_places) {
                put_component(writer, "");
                put_component(writer, "");
        }
}

static void put_err(const Writer *writer, const AckRequest *request) {
        Bytes version = hl7_raw_component(writer->header, writer->header->fields[MSH_VERSION], 1);
        bool old = version.size < 3 || memcmp(version.data, "2.5", 3) < 0;
        char code[16];

        snprintf(code, sizeof(code), "%d", (int)request->error);
        buffer_append_text(writer->buffer, "ERR");
        put_empty(writer, old ? 1 : 2);
        put_location(writer, request->position, /* keep_places= */ old);
        if (old) {
                put_component(writer, code);
                if (writer->header->separators.subcomponent) {
                        buffer_append_byte(writer->buffer, writer->header->separators.subcomponent);
                        put_text(writer, error_text(request->error));
                        put_text(writer, ": ");
                        put_text(writer, advice_for(request));
                }
        } else {
                put_field_text(writer, code);
                put_component(writer, error_text(request->error));
                put_component(writer, "HL70357");
                put_field_text(writer, "E");
                put_empty(writer, 2);
                put_field_text(writer, request->reason);
                put_field_text(writer, advice_for(request));
        }
        buffer_append_byte(writer->buffer, '\r');
}

void ack_append(Buffer *buffer, const AckRequest *request, unsigned kind) {
        Writer writer = { .buffer = buffer, .header = request->header ? request->header : &header_unread };

        put_msh(&writer, request, kind);
        put_msa(&writer, request, kind);
        if (request->outcome != ACK_STORED && request->error != ACK_ERROR_NONE)
                put_err(&writer, request);
}

unsigned ack_append_frames(Buffer *buffer, const AckRequest *request) {
        static const unsigned kinds[] = { ACK_WANTED_ACCEPT, ACK_WANTED_APPLICATION };
        unsigned wanted = ack_wanted(request->header, request->outcome), n = 0;

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                if (!(wanted & kinds[i]))
                        continue;
                buffer_append_byte(buffer, FRAMER_START);
                ack_append(buffer, request, kinds[i]);
                buffer_append_byte(buffer, FRAMER_END);
                buffer_append_byte(buffer, FRAMER_RETURN);
                n++;
        }
        return n;
}

bool ack_processing_id_fits(const Hl7Header *header, ConfigEnvironment environment) {
        Bytes id = hl7_raw_component(header, header->fields[MSH_PROCESSING_ID], 1);

        switch (environment) {
        case CONFIG_ENVIRONMENT_LIVE:
                return !is(id, "T") && !is(id, "D");
        case CONFIG_ENVIRONMENT_TEST:
                return !is(id, "P");
        case CONFIG_ENVIRONMENT_ANY:
                return true;
        }
        return true;
}
