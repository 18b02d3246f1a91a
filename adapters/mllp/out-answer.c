/* See out-answer.h. */
#include "adapters/mllp/out-answer.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "adapters/mllp/hl7.h"
#include "base/text.h"

#define ANSWER_SEGMENTS_MAX 200

static const struct {
        const char *code;
        AnswerKind kind;
} codes[] = {
        { "AA", ANSWER_DELIVERED }, { "CA", ANSWER_TAKEN },    { "AE", ANSWER_FAILED },
        { "CE", ANSWER_FAILED },    { "AR", ANSWER_REJECTED }, { "CR", ANSWER_REJECTED },
};

static Bytes trimmed(Bytes text) {
        while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
                text = bytes_of(text.data + 1, text.size - 1);
        while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
                text.size--;
        return text;
}

/* HL7 table 0357: ERR-3.1, before version 2.5 ERR-1.4.1, or MSA-6.1. A number, and nothing else. */
static void error_code(const Hl7Message *message, const Hl7Segment *msa, char *text, size_t size) {
        const Hl7Segment *err = hl7_find(message, "ERR", 1);
        Hl7Value places[3] = { HL7_VALUE_NULL, HL7_VALUE_NULL, hl7_component(message, hl7_field(message, msa, 6), 1) };

        if (err) {
                places[0] = hl7_component(message, hl7_field(message, err, 3), 1);
                places[1] = hl7_subcomponent(message, hl7_component(message, hl7_field(message, err, 1), 4), 1);
        }
        text[0] = 0;
        for (size_t i = 0; i < 3 && !text[0]; i++) {
                Bytes raw = trimmed(places[i].raw);
                size_t n = 0;

                while (n < raw.size && isdigit(raw.data[n]))
                        n++;
                if (n > 0 && n == raw.size && n < size)
                        snprintf(text, size, "/%.*s", (int)n, (const char *)raw.data);
        }
}

static AnswerKind unreadable(char *code) {
        snprintf(code, ANSWER_CODE_SIZE, "bad-answer");
        return ANSWER_UNREADABLE;
}

static AnswerKind judge(const Hl7Message *message, const char *message_id, const char *acknowledgement, char *code) {
        const Hl7Segment *msa = hl7_find(message, "MSA", 1);
        Bytes said = msa ? trimmed(hl7_field(message, msa, 1).raw) : BYTES_NULL;
        Bytes id = msa ? trimmed(hl7_field(message, msa, 2).raw) : BYTES_NULL;
        char error[8];

        if (id.size == 0)
                return unreadable(code);
        if (!bytes_equal_text(id, message_id)) {
                snprintf(code, ANSWER_CODE_SIZE, "other-message");
                return ANSWER_FOREIGN;
        }
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
                if (said.size != 2 || strncasecmp((const char *)said.data, codes[i].code, 2) != 0)
                        continue;
                error_code(message, msa, error, sizeof(error));
                snprintf(code, ANSWER_CODE_SIZE, "%s%s", codes[i].code, codes[i].kind == ANSWER_DELIVERED ? "" : error);
                if (codes[i].kind == ANSWER_TAKEN && !text_equal(acknowledgement, "application") &&
                    !text_equal(acknowledgement, "both"))
                        return ANSWER_DELIVERED;
                return codes[i].kind;
        }
        return unreadable(code);
}

AnswerKind answer_read(Bytes answer, const char *message_id, const char *acknowledgement,
                       char ret_code[ANSWER_CODE_SIZE]) {
        Hl7Message message = HL7_MESSAGE_NULL;
        Hl7Limits limits = HL7_LIMITS_DEFAULT;
        Hl7Error error;
        AnswerKind kind;

        limits.max_segments = ANSWER_SEGMENTS_MAX;
        if (hl7_message_read(&message, answer, &limits, &error) == 0)
                kind = judge(&message, message_id, acknowledgement, ret_code);
        else
                kind = unreadable(ret_code);
        hl7_message_deinit(&message);
        return kind;
}
