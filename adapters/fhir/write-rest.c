/* What R4 has no resource for: Basic, with a text that a person can read. What it says stands in the extension of said.h. */
#include <string.h>

#include "adapters/fhir/write-rules.h"
#include "base/text.h"

#define LINES_MAX 200
#define DEPTH_MAX 6

/* ---- a text of all fields, for people: XHTML with no markup but paragraphs */

typedef struct Words {
        Writer *w;
        Buffer *out;
        size_t n_lines;
} Words;

static void escape(Buffer *out, const char *text) {
        for (; *text; text++)
                switch (*text) {
                case '<':
                        buffer_append_text(out, "&lt;");
                        break;
                case '>':
                        buffer_append_text(out, "&gt;");
                        break;
                case '&':
                        buffer_append_text(out, "&amp;");
                        break;
                case '"':
                        buffer_append_text(out, "&quot;");
                        break;
                default: /* XML has no other control characters */
                        buffer_append_byte(
                                out, (unsigned char)*text < ' ' && !strchr("\t\r\n", *text) ? ' ' : (uint8_t)*text);
                }
}

static void line_add(Words *words, const char *name, const char *text) {
        if (!text || !text[0] || words->n_lines++ >= LINES_MAX || !utf8_is_valid(text, strlen(text)))
                return;
        buffer_append_text(words->out, "<p>");
        for (; *name; name++)
                buffer_append_byte(words->out, *name == '_' ? ' ' : (uint8_t)*name);
        buffer_append_text(words->out, ": ");
        escape(words->out, text);
        buffer_append_text(words->out, "</p>");
}

/* What a value is called, where its message stands for a value. */
static const char *value_words(const ProtobufCMessage *value) {
        if (value->descriptor == &carebus__v1__coded__descriptor) {
                const Carebus__V1__Coded *coded = (const Carebus__V1__Coded *)value;

                return coded->text                                        ?: coded->display
                        ?: coded->code ? coded->code
                       : coded->original ? coded->original->display ?: coded->original->code
                                         : NULL;
        }
        if (value->descriptor == &carebus__v1__when__descriptor)
                return ((const Carebus__V1__When *)value)->text;
        if (value->descriptor == &carebus__v1__quantity__descriptor)
                return ((const Carebus__V1__Quantity *)value)->value;
        if (value->descriptor == &carebus__v1__human_name__descriptor)
                return ((const Carebus__V1__HumanName *)value)->text ?: ((const Carebus__V1__HumanName *)value)->family;
        return NULL;
}

static bool is_for_machines(const char *name) {
        return strcmp(name, "original") == 0 || strcmp(name, "original_status") == 0 ||
               strcmp(name, "identifier") == 0 || strcmp(name, "path") == 0;
}

static void message_words(Words *words, const ProtobufCMessage *message, size_t depth) {
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;

        for (unsigned i = 0; i < descriptor->n_fields && depth < DEPTH_MAX; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
                const uint8_t *place = (const uint8_t *)message + field->offset;
                bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
                size_t n = is_list ? *(const size_t *)((const uint8_t *)message + field->quantifier_offset) : 1;

                if (is_for_machines(field->name))
                        continue;
                for (size_t k = 0; k < n; k++) {
                        const uint8_t *at = is_list ? *(const uint8_t *const *)place + k * sizeof(void *) : place;

                        if (field->type == PROTOBUF_C_TYPE_STRING)
                                line_add(words, field->name, *(const char *const *)at);
                        else if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(const void *const *)at) {
                                const ProtobufCMessage *inner = *(const ProtobufCMessage *const *)at;
                                const char *said = value_words(inner);

                                if (said)
                                        line_add(words, field->name, said);
                                else
                                        message_words(words, inner, depth + 1);
                        }
                }
        }
}

void write_narrative(Writer *w, const char *title, const ProtobufCMessage *message, JsonNode *resource) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        Words words = { w, &out, 0 };

        buffer_append_text(&out, "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>");
        escape(&out, title);
        buffer_append_text(&out, "</p>");
        if (message)
                message_words(&words, message, 0);
        buffer_append_text(&out, "</div>");
        if (out.error) {
                w->is_full = true;
                return;
        }
        tree_put_text(w, resource, "text.status", "generated");
        tree_put_text(w, resource, "text.div", arena_text(w->arena, out.data, out.size));
}

static void basic_write(Writer *w, const void *message, JsonNode *resource) {
        const ProtobufCMessage *body = message;
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor,
                                                                                                "identifier");
        const Carebus__V1__Identifier *identifier =
                field ? *(const Carebus__V1__Identifier *const *)((const uint8_t *)body + field->offset) : NULL;

        tree_put(w, resource, "identifier[]", write_identifier(w, identifier));
        tree_put_text(w, resource, "code.coding[0].system", "carebus:event-type");
        tree_put_text(w, resource, "code.coding[0].code", w->event->type);
        write_narrative(w, w->event->type, body, resource);
}

#define BASIC(name) \
        { CAREBUS__V1__EVENT__BODY_##name, "Basic", NULL, "subject", NULL, basic_write, NULL, NULL }

const WriteBody write_bodies_rest[] = {
        BASIC(BEREAVEMENT), BASIC(CARE_PACKAGE),           BASIC(MEETING),
        BASIC(PROGRAMME),   BASIC(ANTICIPATORY_MEDICINES), BASIC(PLACE_OF_DEATH_COMPARISON),
        BASIC(EQUITY),      BASIC(CONTACT_POINT),          BODY_END,
};
