/*
 * Any event in words, driven by the descriptors of the contract, so that what is new there is told without code. For people who read a
 * document in their own system: a line a fact, the most telling value of each.
 */
#include <stdio.h>
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"

#define DEPTH_MAX 6
#define SIZE_MAX_WORDS (200u * 1024)

typedef struct Words {
        Out *out;
        char *text; /* SIZE_MAX_WORDS bytes */
        size_t size;
        bool is_cut;
} Words;

static void put(Words *w, const char *text) {
        size_t n = strlen(text);

        if (w->size + n >= SIZE_MAX_WORDS) {
                w->is_cut = true;
                return;
        }
        memcpy(w->text + w->size, text, n + 1);
        w->size += n;
}

/* A label may be on a line of its own; a value of several lines goes on below it. */
static void line(Words *w, unsigned depth, const char *label, const char *value) {
        char indent[2 * DEPTH_MAX + 1] = "";

        if (w->is_cut)
                return;
        memset(indent, ' ', (size_t)2 * MIN(depth, (unsigned)DEPTH_MAX));
        indent[2 * MIN(depth, (unsigned)DEPTH_MAX)] = 0;
        put(w, indent);
        put(w, label);
        put(w, ":");
        if (value) {
                put(w, " ");
                put(w, value);
        }
        put(w, "\n");
}

/* "decided_at" is "decided at". */
static char *words_of_name(Out *out, const char *name) {
        char *words = out_format(out, "%s", name);

        for (char *at = words; at && *at; at++)
                if (*at == '_' || *at == '.')
                        *at = ' ';
        return words;
}

char *type_words(Out *out, const char *type) {
        return words_of_name(out, type ?: "event");
}

/* ---- values that one line says */

static char *coded_line(Out *out, const ProtobufCMessage *message) {
        const Carebus__V1__Coded *coded = (const Carebus__V1__Coded *)message;
        const char *words = coded_words(coded);

        if (!words)
                return NULL;
        if (coded->code && strcmp(coded->code, words) != 0)
                return out_format(out, "%s (%s)", words, coded->code);
        return (char *)words;
}

/* 2026-03-01 09:30, local time. */
static char *when_line(Out *out, const ProtobufCMessage *message) {
        const Carebus__V1__When *when = (const Carebus__V1__When *)message;
        const char *digits = out_when(out, when);
        size_t n = digits ? strspn(digits, "0123456789") : 0;

        if (n >= 12)
                return out_format(out, "%.4s-%.2s-%.2s %.2s:%.2s%s", digits, digits + 4, digits + 6, digits + 8,
                                  digits + 10, digits + n);
        if (n >= 8)
                return out_format(out, "%.4s-%.2s-%.2s", digits, digits + 4, digits + 6);
        return digits ? (char *)digits : when->text;
}

static char *date_line(Out *out, const ProtobufCMessage *message) {
        const Carebus__V1__Date *date = (const Carebus__V1__Date *)message;
        const char *digits = out_date(out, date);

        if (digits && strlen(digits) == 8)
                return out_format(out, "%.4s-%.2s-%.2s", digits, digits + 4, digits + 6);
        return digits ? (char *)digits : date->text;
}

static char *identifier_line(Out *out, const ProtobufCMessage *message) {
        return ((const Carebus__V1__Identifier *)message)->value;
}

static char *name_line(Out *out, const ProtobufCMessage *message) {
        return name_words(out, (const Carebus__V1__HumanName *)message);
}

static char *telecom_line(Out *out, const ProtobufCMessage *message) {
        const Carebus__V1__Telecom *telecom = (const Carebus__V1__Telecom *)message;

        if (!telecom->value)
                return NULL;
        return telecom->use ? out_format(out, "%s (%s)", telecom->value, telecom->use) : telecom->value;
}

static char *quantity_line(Out *out, const ProtobufCMessage *message) {
        const Carebus__V1__Quantity *quantity = (const Carebus__V1__Quantity *)message;
        const char *unit = quantity->original_unit ?: quantity->unit;

        if (!quantity->value)
                return NULL;
        return out_format(out, "%s%s%s%s", quantity->comparator ?: "", quantity->value, unit ? " " : "", unit ?: "");
}

static char *text_line(Out *out, const ProtobufCMessage *message) {
        return ((const Carebus__V1__Text *)message)->text;
}

static char *organisation_line(Out *out, const ProtobufCMessage *message) {
        const Carebus__V1__Organisation *organisation = (const Carebus__V1__Organisation *)message;

        return organisation->name ?: organisation->identifier ? organisation->identifier->value : NULL;
}

static char *address_line(Out *out, const ProtobufCMessage *message) {
        const Carebus__V1__Address *address = (const Carebus__V1__Address *)message;
        const char *parts[] = { address->city, address->district, address->postal_code, address->country };
        char *text = NULL;

        for (size_t i = 0; i < address->n_line; i++)
                text = text ? out_format(out, "%s, %s", text, address->line[i]) : address->line[i];
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i])
                        text = text ? out_format(out, "%s, %s", text, parts[i]) : (char *)parts[i];
        return text ?: address->text;
}

/* A question and its answer on one line. */
static char *answer_line(Out *out, const ProtobufCMessage *message) {
        const Carebus__V1__QuestionAnswer *answer = (const Carebus__V1__QuestionAnswer *)message;
        const char *said = answer->answer ?: coded_words(answer->answer_coded);

        return out_format(out, "%s: %s", coded_words(answer->question) ?: "?", said ?: "");
}

static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        char *(*line)(Out *out, const ProtobufCMessage *message);
} one_liners[] = {
        { &carebus__v1__coded__descriptor, coded_line },
        { &carebus__v1__when__descriptor, when_line },
        { &carebus__v1__date__descriptor, date_line },
        { &carebus__v1__identifier__descriptor, identifier_line },
        { &carebus__v1__human_name__descriptor, name_line },
        { &carebus__v1__telecom__descriptor, telecom_line },
        { &carebus__v1__quantity__descriptor, quantity_line },
        { &carebus__v1__text__descriptor, text_line },
        { &carebus__v1__organisation__descriptor, organisation_line },
        { &carebus__v1__address__descriptor, address_line },
        { &carebus__v1__question_answer__descriptor, answer_line },
};

/* ---- fields */

/* KIND_TREATMENT_ESCALATION of the enum KIND is "treatment escalation". */
static char *enum_words(Out *out, const ProtobufCFieldDescriptor *field, int value) {
        const ProtobufCEnumDescriptor *descriptor = field->descriptor;
        const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
        const char *name = found ? strchr(found->name, '_') : NULL;
        char *words;

        if (!name || value == 0)
                return NULL;
        words = words_of_name(out, name + 1);
        for (char *at = words; at && *at; at++)
                if (*at >= 'A' && *at <= 'Z')
                        *at = (char)(*at - 'A' + 'a');
        return words;
}

static char *scalar_words(Out *out, const ProtobufCFieldDescriptor *field, const void *at) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return *(char *const *)at;
        case PROTOBUF_C_TYPE_BOOL:
                return *(const protobuf_c_boolean *)at ? (char *)"yes" : (char *)"no";
        case PROTOBUF_C_TYPE_ENUM:
                return enum_words(out, field, *(const int *)at);
        case PROTOBUF_C_TYPE_UINT32:
                return out_format(out, "%u", *(const uint32_t *)at);
        case PROTOBUF_C_TYPE_UINT64:
                return out_format(out, "%llu", (unsigned long long)*(const uint64_t *)at);
        default:
                return NULL; /* bytes, and what is for machines */
        }
}

static void message_put(Words *w, const ProtobufCMessage *message, unsigned depth);

static void value_put(Words *w, const ProtobufCFieldDescriptor *field, const void *at, unsigned depth) {
        char *label = words_of_name(w->out, field->name);
        const ProtobufCMessage *message;
        char *value;

        if (!label)
                return;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
                value = scalar_words(w->out, field, at);
                if (value && *value)
                        line(w, depth, label, value);
                return;
        }
        message = *(const ProtobufCMessage *const *)at;
        for (size_t i = 0; i < ELEMENTSOF(one_liners); i++)
                if (one_liners[i].descriptor == message->descriptor) {
                        value = one_liners[i].line(w->out, message);
                        if (value && *value)
                                line(w, depth, label, value);
                        return;
                }
        if (depth >= DEPTH_MAX)
                return;
        line(w, depth, label, NULL);
        message_put(w, message, depth + 1);
}

/* Where in a source something stood, and how it was coded there, tells no reader anything. */
static bool is_for_machines(const ProtobufCFieldDescriptor *field) {
        static const char *const names[] = { "path",       "set_id", "sub_id", "original_part", "deceased_patient_id",
                                             "patient_ids" };

        if (text_starts_with(field->name, "original_status"))
                return true;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(names[i], field->name) == 0)
                        return true;
        return false;
}

static void field_put(Words *w, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      unsigned depth) {
        const uint8_t *base = (const uint8_t *)message, *at = base + field->offset;
        static const size_t sizes[] = {
                [PROTOBUF_C_TYPE_UINT32] = 4, [PROTOBUF_C_TYPE_ENUM] = 4, [PROTOBUF_C_TYPE_BOOL] = 4
        };

        if (is_for_machines(field))
                return;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                size_t n = *(const size_t *)(base + field->quantifier_offset);
                size_t size = field->type < ELEMENTSOF(sizes) && sizes[field->type] ? sizes[field->type]
                                                                                    : sizeof(void *);
                const uint8_t *list = *(const uint8_t *const *)at;

                for (size_t i = 0; i < n; i++)
                        value_put(w, field, list + i * size, depth);
                return;
        }
        if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING) {
                if (*(void *const *)at)
                        value_put(w, field, at, depth);
        } else if (*(const protobuf_c_boolean *)(base + field->quantifier_offset))
                value_put(w, field, at, depth);
}

static void message_put(Words *w, const ProtobufCMessage *message, unsigned depth) {
        for (unsigned i = 0; i < message->descriptor->n_fields && !w->is_cut; i++)
                field_put(w, message, &message->descriptor->fields[i], depth);
}

static bool words_open(Words *w, Out *out) {
        *w = (Words){ .out = out, .text = out_alloc(out, SIZE_MAX_WORDS + 64) };
        return w->text;
}

static char *words_close(Words *w) {
        static const char cut[] = "(there is more than fits here)\n";

        if (w->is_cut)
                memcpy(w->text + w->size, cut, sizeof(cut));
        return w->size ? w->text : NULL;
}

char *message_words(Out *out, const ProtobufCMessage *message, unsigned depth) {
        Words w;

        if (!words_open(&w, out))
                return NULL;
        message_put(&w, message, depth);
        return words_close(&w);
}

static const ProtobufCMessage *body_of(const Carebus__V1__Event *event) {
        const ProtobufCMessageDescriptor *descriptor = event->base.descriptor;

        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

                if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) && field->id == (uint32_t)event->body_case)
                        return *(const ProtobufCMessage *const *)((const uint8_t *)event + field->offset);
        }
        return NULL;
}

/* Who says so: the author, else who sent it, and the source in any case. */
static void origin_put(Words *w, const Carebus__V1__Event *event) {
        const Carebus__V1__Author *author = event->author;

        if (event->occurred_at)
                line(w, 0, "when", when_line(w->out, &event->occurred_at->base));
        if (author && (author->person_name || author->organisation_name || author->organisation))
                line(w, 0, "said by",
                     out_format(w->out, "%s%s%s", author->person_name ?: "",
                                author->person_name && (author->organisation_name || author->organisation) ? ", " : "",
                                author->organisation_name ?: author->organisation ?: ""));
        if (event->source)
                line(w, 0, "from", event->source);
}

char *event_words(Out *out, const Carebus__V1__Event *event) {
        bool is_undone = event->has_action && event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        const ProtobufCMessage *body = body_of(event);
        Words w;

        if (!words_open(&w, out))
                return NULL;
        put(&w, type_words(out, event->type) ?: "");
        put(&w, is_undone ? " - ENTERED IN ERROR: what was said before does not hold\n" : "\n");
        origin_put(&w, event);
        if (body)
                message_put(&w, body, 0);
        for (size_t i = 0; i < event->n_notes; i++)
                line(&w, 0, "note", event->notes[i]->text);
        return words_close(&w);
}
