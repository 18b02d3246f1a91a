#include "adapters/csv/words.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Nesting that is followed: what is deeper is detail that a list does not need. */
#define DEPTH_MAX 5
/* Bytes of one event's words: the rest is in the record. */
#define WORDS_MAX 4000

static const struct {
        const char *type, *words;
} type_words[] = {
        { "adrt.ended", "Advance decision to refuse treatment ended" },
        { "adrt.recorded", "Advance decision to refuse treatment" },
        { "care_plan.published", "Care plan" },
        { "cpr_decision.ended", "Resuscitation (CPR) decision ended" },
        { "cpr_decision.recorded", "Resuscitation (CPR) decision" },
        { "death.notified", "Died" },
        { "death.retracted", "NOT dead: the notice of death was a mistake" },
        { "encounter.admission_cancelled", "Admission cancelled" },
        { "encounter.admitted", "Admitted" },
        { "encounter.discharge_cancelled", "Discharge cancelled" },
        { "encounter.discharged", "Discharged" },
        { "encounter.ed_arrived", "Arrived at the emergency department" },
        { "encounter.ed_departed", "Left the emergency department" },
        { "encounter.transferred", "Moved to another ward" },
        { "lpa.ended", "Lasting power of attorney ended" },
        { "lpa.recorded", "Lasting power of attorney" },
        { "outcome.measured", "Score" },
        { "partner.silent", "A system has gone silent" },
        { "patient.merged", "Two records are one person" },
        { "patient.registered", "Personal details" },
        { "patient.unmerged", "Two records are two persons after all" },
        { "patient.updated", "Personal details" },
        { "preference.place_of_care", "Preferred place of care" },
        { "preference.place_of_death", "Preferred place of death" },
        { "record.corrected", "WITHDRAWN: what you were told was a mistake; ring to ask" },
        { "record.granted", "Now with your team" },
        { "record.withdrawn", "No longer with your team: your copy is not kept up" },
        { "treatment_escalation.ended", "Ceiling of treatment ended" },
        { "treatment_escalation.recorded", "Ceiling of treatment" },
};

/* encounter.leave_started: "Encounter: leave started". */
void words_of_type(const char *type, Buffer *ret) {
        for (size_t i = 0; i < ELEMENTSOF(type_words); i++)
                if (text_equal(type_words[i].type, type)) {
                        buffer_append_text(ret, type_words[i].words);
                        return;
                }
        for (size_t i = 0; type && type[i]; i++) {
                if (type[i] == '.')
                        buffer_append_text(ret, ": ");
                else if (i == 0 && type[i] >= 'a' && type[i] <= 'z')
                        buffer_append_byte(ret, (uint8_t)(type[i] - 'a' + 'A'));
                else
                        buffer_append_byte(ret, type[i] == '_' ? ' ' : (uint8_t)type[i]);
        }
}

/* ---- values ---- */

const char *words_of_coded(const Carebus__V1__Coded *coded) {
        if (!coded)
                return NULL;
        if (coded->display)
                return coded->display;
        if (coded->text)
                return coded->text;
        if (coded->original && coded->original->display)
                return coded->original->display;
        return coded->code ? coded->code : coded->original ? coded->original->code : NULL;
}

static CivilTime local_of(int64_t at, const Zone *zone) {
        return civil_from_utc(at + zone_offset(zone, at) * USEC_PER_SEC);
}

void words_of_moment(int64_t at, const Zone *zone, Buffer *ret) {
        CivilTime local = local_of(at, zone);

        buffer_append_format(ret, "%04d-%02d-%02d %02d:%02d", local.year, local.month, local.day, local.hour,
                             local.minute);
}

void words_of_when(const Carebus__V1__When *when, const Zone *zone, Buffer *ret) {
        CivilTime local;
        char text[40];
        /* As far as it was said. */
        static const size_t sizes[] = {
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR] = 4,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH] = 7,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY] = 10,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_HOUR] = 16,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE] = 16,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND] = 19,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION] = 19,
        };
        size_t size;

        if (!when)
                return;
        if (!when->has_utc_at) {
                buffer_append_text(ret, when->text ? when->text : "");
                return;
        }
        size = when->has_precision && (size_t)when->precision < ELEMENTSOF(sizes) ? sizes[when->precision] : 0;
        local = local_of(when->utc_at, zone);
        snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d", local.year, local.month, local.day, local.hour,
                 local.minute, local.second);
        buffer_append(ret, text, size ? size : 16);
}

void words_of_date(const Carebus__V1__Date *date, Buffer *ret) {
        if (!date)
                return;
        if (!date->has_year) {
                buffer_append_text(ret, date->text ? date->text : "");
                return;
        }
        buffer_append_format(ret, "%04u", date->year);
        if (date->has_month)
                buffer_append_format(ret, "-%02u", date->month);
        if (date->has_month && date->has_day)
                buffer_append_format(ret, "-%02u", date->day);
}

static void append_word(Buffer *ret, size_t start, const char *word) {
        if (!word || !word[0])
                return;
        if (ret->size > start)
                buffer_append_byte(ret, ' ');
        buffer_append_text(ret, word);
}

void words_of_name(const Carebus__V1__HumanName *name, Buffer *ret) {
        size_t start = ret->size;

        if (!name)
                return;
        for (size_t i = 0; i < name->n_prefix && (name->family || name->n_given); i++)
                append_word(ret, start, name->prefix[i]);
        for (size_t i = 0; i < name->n_given; i++)
                append_word(ret, start, name->given[i]);
        append_word(ret, start, name->family);
        if (ret->size == start)
                append_word(ret, start, name->text);
}

const Carebus__V1__HumanName *words_main_name(Carebus__V1__HumanName *const *names, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(names[i]->use, "official") || text_equal(names[i]->use, "usual") || !names[i]->use)
                        return names[i];
        return n > 0 ? names[0] : NULL;
}

/* ---- any message, field by field ---- */

typedef struct Words {
        Buffer *out;
        const Zone *zone;
} Words;

static void append_message(const Words *words, const ProtobufCMessage *message, unsigned depth);

/* How a message of these types is said as one; of any other, what is in it. */
static bool append_known(const Words *words, const ProtobufCMessage *message) {
        const ProtobufCMessageDescriptor *type = message->descriptor;

        if (type == &carebus__v1__coded__descriptor) {
                const char *said = words_of_coded((const Carebus__V1__Coded *)message);
                buffer_append_text(words->out, said ? said : "");
        } else if (type == &carebus__v1__when__descriptor)
                words_of_when((const Carebus__V1__When *)message, words->zone, words->out);
        else if (type == &carebus__v1__date__descriptor)
                words_of_date((const Carebus__V1__Date *)message, words->out);
        else if (type == &carebus__v1__human_name__descriptor)
                words_of_name((const Carebus__V1__HumanName *)message, words->out);
        else
                return false;
        return true;
}

/* STATUS_ENTERED_IN_ERROR of Decision.Status: "entered in error". */
static void append_enum(const Words *words, const ProtobufCEnumDescriptor *type, int value) {
        const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);
        size_t skip = strlen(type->short_name) + 1, length = found ? strlen(found->name) : 0;

        /* DeclinedBy has a name with two parts. */
        while (skip < length && found->name[skip - 1] != '_')
                skip++;
        for (size_t i = skip; i < length; i++) {
                char c = found->name[i];
                buffer_append_byte(words->out, c == '_' ? ' ' : (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
        }
}

static void append_value(const Words *words, const ProtobufCFieldDescriptor *field, const void *value, unsigned depth) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                buffer_append_text(words->out, *(char *const *)value);
                break;
        case PROTOBUF_C_TYPE_MESSAGE:
                if (!append_known(words, *(ProtobufCMessage *const *)value))
                        append_message(words, *(ProtobufCMessage *const *)value, depth + 1);
                break;
        case PROTOBUF_C_TYPE_BOOL:
                buffer_append_text(words->out, *(const protobuf_c_boolean *)value ? "yes" : "no");
                break;
        case PROTOBUF_C_TYPE_ENUM:
                append_enum(words, field->descriptor, *(const int *)value);
                break;
        case PROTOBUF_C_TYPE_UINT32:
                buffer_append_format(words->out, "%u", *(const uint32_t *)value);
                break;
        case PROTOBUF_C_TYPE_INT64:
                words_of_moment(*(const int64_t *)value, words->zone, words->out);
                break;
        default:
                break; /* bytes, and counts of the bus itself */
        }
}

static size_t value_size(const ProtobufCFieldDescriptor *field) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_MESSAGE:
                return sizeof(void *);
        case PROTOBUF_C_TYPE_BYTES:
                return sizeof(ProtobufCBinaryData);
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_SINT64:
                return 8;
        case PROTOBUF_C_TYPE_BOOL:
                return sizeof(protobuf_c_boolean);
        default:
                return 4;
        }
}

/* Numbers tell people nothing, and the person's own have columns. */
static bool is_for_lists(const ProtobufCFieldDescriptor *field) {
        return !(field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor == &carebus__v1__identifier__descriptor) &&
               field->type != PROTOBUF_C_TYPE_BYTES && field->type != PROTOBUF_C_TYPE_UINT64;
}

/* How many values there are; *ret_first: where they stand. */
static size_t field_values(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                           const char **ret_first) {
        const char *at = (const char *)message + field->offset;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                *ret_first = *(const char *const *)at;
                return *(const size_t *)((const char *)message + field->quantifier_offset);
        }
        *ret_first = at;
        if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
                return *(const void *const *)at != NULL && *(const void *const *)at != field->default_value;
        return *(const protobuf_c_boolean *)((const char *)message + field->quantifier_offset) != 0;
}

static void append_label(Buffer *out, const char *name) {
        size_t length = strlen(name);

        if (length > 3 && strcmp(name + length - 3, "_at") == 0)
                length -= 3;
        for (size_t i = 0; i < length; i++)
                buffer_append_byte(out, name[i] == '_' ? ' ' : (uint8_t)name[i]);
        buffer_append_text(out, ": ");
}

/* `labels`: "field: value; ..." of a body; without, the values of a part, one behind the other. */
static void append_field(const Words *words, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                         unsigned depth, bool labels) {
        const char *first;
        size_t n = field_values(message, field, &first), start = words->out->size, filled;

        if (n == 0 || !is_for_lists(field))
                return;
        if (labels)
                append_label(words->out, field->name);
        filled = words->out->size;
        for (size_t i = 0; i < n; i++) {
                size_t before = words->out->size;

                if (i > 0 && before > filled)
                        buffer_append_text(words->out, ", ");
                size_t value = words->out->size;
                append_value(words, field, first + i * value_size(field), depth);
                if (words->out->size == value)
                        words->out->size = before;
        }
        if (words->out->size == filled)
                words->out->size = start;
        else
                buffer_append_text(words->out, labels ? "; " : " ");
}

static void append_message(const Words *words, const ProtobufCMessage *message, unsigned depth) {
        const ProtobufCMessageDescriptor *type = message->descriptor;
        size_t start = words->out->size;

        for (unsigned i = 0; i < type->n_fields && depth < DEPTH_MAX; i++)
                append_field(words, message, &type->fields[i], depth, /* labels= */ false);
        if (words->out->size > start)
                words->out->size--; /* the blank behind the last */
}

/* Columns of their own. */
static bool has_column(const ProtobufCFieldDescriptor *field) {
        static const char *const names[] = { "names", "birth_date", "identifiers" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(field->name, names[i]) == 0)
                        return true;
        return false;
}

/* Whole letters only. */
static void shorten(Buffer *out, size_t start) {
        size_t size = start + WORDS_MAX;

        if (out->error || out->size <= size)
                return;
        while (size > start && (out->data[size] & 0xC0) == 0x80)
                size--;
        out->size = size;
        buffer_append_text(out, " ... (more in the record)");
}

void words_of_body(const Carebus__V1__Event *event, const Zone *zone, Buffer *ret) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                                                        event->body_case);
        const Words words = { .out = ret, .zone = zone };
        size_t start = ret->size;
        const ProtobufCMessage *body;

        if (!field || event->body_case == CAREBUS__V1__EVENT__BODY__NOT_SET)
                return;
        body = *(ProtobufCMessage *const *)((const char *)event + field->offset);
        for (unsigned i = 0; body && i < body->descriptor->n_fields; i++)
                if (!has_column(&body->descriptor->fields[i]))
                        append_field(&words, body, &body->descriptor->fields[i], 0, /* labels= */ true);
        if (ret->size > start)
                ret->size -= 2; /* the semicolon behind the last */
        shorten(ret, start);
}
