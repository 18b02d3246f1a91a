#include "ctl/record-text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "canon/vocabulary.h"
#include "proto/types.h"

#define NHS_NUMBER "https://fhir.nhs.uk/Id/nhs-number"

void text_append_safe(Buffer *buffer, const char *text) {
        _cleanup_(freep) char *escaped = NULL;

        if (!text)
                return;
        escaped = text_escaped(bytes_of_text(text));
        buffer_append_text(buffer, escaped ? escaped : "?");
}

/* ---- times -------------------------------------------------------------------------------------------------------------------- */

static const char *const months[] = { "?",   "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static void append_civil(Buffer *buffer, int64_t at, const Zone *zone, Carebus__V1__When__Precision precision) {
        CivilTime civil = civil_from_utc(at + zone_offset(zone, at) * USEC_PER_SEC);

        if (precision != CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR &&
            precision != CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH)
                buffer_append_format(buffer, "%d ", civil.day);
        if (precision != CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR)
                buffer_append_format(buffer, "%s ", months[civil.month]);
        buffer_append_format(buffer, "%d", civil.year);
        if (precision == CAREBUS__V1__WHEN__PRECISION__PRECISION_UNKNOWN ||
            precision > CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY)
                buffer_append_format(buffer, " %02d:%02d", civil.hour, civil.minute);
}

void text_append_when(Buffer *buffer, const Carebus__V1__When *when, const Zone *zone) {
        if (when && when->has_utc_at)
                append_civil(buffer, when->utc_at, zone, when->precision);
        else if (when)
                text_append_safe(buffer, when->text);
}

void text_append_day(Buffer *buffer, int64_t at, const Zone *zone) {
        append_civil(buffer, at, zone, CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY);
}

void text_append_moment(Buffer *buffer, int64_t at, const Zone *zone) {
        append_civil(buffer, at, zone, CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE);
}

void text_append_date(Buffer *buffer, const Carebus__V1__Date *date) {
        if (!date)
                return;
        if (!date->has_year) {
                text_append_safe(buffer, date->text);
                return;
        }
        if (date->has_month && date->has_day)
                buffer_append_format(buffer, "%u ", date->day);
        if (date->has_month)
                buffer_append_format(buffer, "%s ", months[date->month <= 12 ? date->month : 0]);
        buffer_append_format(buffer, "%u", date->year);
}

void text_append_age(Buffer *buffer, int64_t at, int64_t now) {
        static const struct {
                int64_t from, unit; /* days */
                const char *word;
        } spans[] = { { 730, 365, "year" }, { 60, 30, "month" }, { 14, 7, "week" }, { 1, 1, "day" } };
        bool ahead = at > now;
        int64_t days = (ahead ? at - now : now - at) / (24 * 3600 * USEC_PER_SEC);

        for (size_t i = 0; i < ELEMENTSOF(spans); i++)
                if (days >= spans[i].from) {
                        int64_t n = days / spans[i].unit;

                        buffer_append_format(buffer, ahead ? "in %lld %s%s" : "%lld %s%s ago", (long long)n,
                                             spans[i].word, n == 1 ? "" : "s");
                        return;
                }
        buffer_append_text(buffer, ahead ? "within a day" : "less than a day ago");
}

/* ---- parts -------------------------------------------------------------------------------------------------------------------- */

static const char *display_of(const Carebus__V1__Coded *coded) {
        CprMeaning meaning = cpr_meaning_of_code(coded->system, coded->code);
        const Concept *concept = concept_find(coded->system, coded->code);
        const Scale *scale = scale_find(coded->system, coded->code);

        if (meaning == CPR_ATTEMPT)
                return "For attempted CPR";
        if (meaning == CPR_DO_NOT_ATTEMPT)
                return "Not for attempted CPR";
        if (scale)
                return scale->name;
        if (coded->display)
                return coded->display;
        return concept ? concept->display : NULL;
}

void text_append_coded(Buffer *buffer, const Carebus__V1__Coded *coded) {
        const char *display = display_of(coded), *text = coded->text;

        if (!text && coded->original)
                text = coded->original->display ?: coded->original->code;
        text_append_safe(buffer, display ?: text ?: coded->code);
        if (display && text && strcasecmp(display, text) != 0) {
                buffer_append_text(buffer, " (\"");
                text_append_safe(buffer, text);
                buffer_append_text(buffer, "\")");
        }
}

static void append_words(Buffer *buffer, char *const *words, size_t n_words, const char *between) {
        for (size_t i = 0; i < n_words; i++) {
                if (i > 0)
                        buffer_append_text(buffer, between);
                text_append_safe(buffer, words[i]);
        }
}

void text_append_name(Buffer *buffer, const Carebus__V1__HumanName *name) {
        if (!name->family && name->n_given == 0) {
                text_append_safe(buffer, name->text);
                return;
        }
        append_words(buffer, name->prefix, name->n_prefix, " ");
        if (name->n_prefix > 0)
                buffer_append_text(buffer, " ");
        append_words(buffer, name->given, name->n_given, " ");
        if (name->n_given > 0 && name->family)
                buffer_append_text(buffer, " ");
        text_append_safe(buffer, name->family);
}

void text_append_identifier(Buffer *buffer, const Carebus__V1__Identifier *identifier) {
        const char *value = identifier->value ?: identifier->text ?: "";

        if (text_equal(identifier->system, NHS_NUMBER) && strlen(value) == 10) {
                buffer_append_format(buffer, "NHS %.3s %.3s %.4s", value, value + 3, value + 6);
                if (identifier->status != CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED)
                        buffer_append_text(buffer, " (not traced)");
                return;
        }
        text_append_safe(buffer, value);
        if (identifier->authority || (identifier->system && text_starts_with(identifier->system, "carebus:"))) {
                buffer_append_text(buffer, " of ");
                text_append_safe(buffer, identifier->authority ?: identifier->system + strlen("carebus:"));
        }
}

static void separate(Buffer *buffer, size_t began, const char *by) {
        if (buffer->size > began)
                buffer_append_text(buffer, by);
}

static void append_organisation(Buffer *buffer, const Carebus__V1__Organisation *organisation) {
        if (organisation->name)
                text_append_safe(buffer, organisation->name);
        else if (organisation->identifier)
                text_append_safe(buffer, organisation->identifier->value);
}

static void append_practitioner(Buffer *buffer, const Carebus__V1__Practitioner *practitioner) {
        size_t began = buffer->size;

        if (practitioner->name)
                text_append_name(buffer, practitioner->name);
        else if (practitioner->identifier)
                text_append_safe(buffer, practitioner->identifier->value);
        if (practitioner->role) {
                separate(buffer, began, ", ");
                text_append_coded(buffer, practitioner->role);
        }
        if (practitioner->organisation) {
                separate(buffer, began, ", ");
                append_organisation(buffer, practitioner->organisation);
        }
}

static void append_place(Buffer *buffer, const Carebus__V1__Place *place) {
        const char *const parts[] = { place->text, place->point_of_care, place->room,
                                      place->bed,  place->building,      place->facility };
        size_t began = buffer->size;

        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i] && parts[i][0]) {
                        separate(buffer, began, ", ");
                        text_append_safe(buffer, parts[i]);
                }
        if (place->organisation) {
                separate(buffer, began, ", ");
                append_organisation(buffer, place->organisation);
        }
}

static void append_address(Buffer *buffer, const Carebus__V1__Address *address) {
        const char *const parts[] = { address->city, address->district, address->postal_code };
        size_t began = buffer->size;

        append_words(buffer, address->line, address->n_line, ", ");
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i] && parts[i][0]) {
                        separate(buffer, began, ", ");
                        text_append_safe(buffer, parts[i]);
                }
        if (buffer->size == began)
                text_append_safe(buffer, address->text);
}

static void append_telecom(Buffer *buffer, const Carebus__V1__Telecom *telecom) {
        text_append_safe(buffer, telecom->value);
        if (telecom->use) {
                buffer_append_text(buffer, " (");
                text_append_safe(buffer, telecom->use);
                buffer_append_text(buffer, ")");
        }
}

static void append_quantity(Buffer *buffer, const Carebus__V1__Quantity *quantity) {
        const char *unit = quantity->original_unit ?: quantity->unit;

        text_append_safe(buffer, quantity->comparator);
        text_append_safe(buffer, quantity->value);
        if (unit) {
                buffer_append_text(buffer, " ");
                text_append_safe(buffer, unit);
        }
}

static void append_days(Buffer *buffer, const uint32_t *days, size_t n_days) {
        static const char *const names[] = { "?", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "bank holidays" };

        for (size_t i = 0; i < n_days; i++) {
                size_t last = i;

                while (last + 1 < n_days && days[last + 1] == days[last] + 1 && days[last + 1] <= 7)
                        last++;
                if (i > 0)
                        buffer_append_text(buffer, ", ");
                buffer_append_text(buffer, names[days[i] < ELEMENTSOF(names) ? days[i] : 0]);
                if (last > i) {
                        buffer_append_format(buffer, "-%s", names[days[last]]);
                        i = last;
                }
        }
}

static bool is_whole_day(const Carebus__V1__ReachTime *reach) {
        return text_equal(reach->from, "00:00") &&
               (text_equal(reach->until, "00:00") || text_equal(reach->until, "24:00"));
}

static void append_reach(Buffer *buffer, const Carebus__V1__ReachTime *reach) {
        size_t began = buffer->size;

        for (size_t i = 0; i < reach->n_telecom; i++) {
                separate(buffer, began, " or ");
                append_telecom(buffer, reach->telecom[i]);
        }
        separate(buffer, began, ", ");
        if (reach->n_days == 0 && !reach->from && !reach->text) {
                buffer_append_text(buffer, reach->out_of_hours ? "out of hours" : "hours not said");
                return;
        }
        if (reach->n_days == 0 && is_whole_day(reach)) {
                buffer_append_text(buffer, "at all hours");
                return;
        }
        append_days(buffer, reach->days, reach->n_days);
        if (reach->from && is_whole_day(reach)) {
                buffer_append_text(buffer, ", all day");
        } else if (reach->from) {
                buffer_append_text(buffer, reach->n_days > 0 ? " " : "every day ");
                text_append_safe(buffer, reach->from);
                buffer_append_text(buffer, " to ");
                text_append_safe(buffer, reach->until ?: "?");
        }
        text_append_safe(buffer, reach->n_days == 0 && !reach->from ? reach->text : NULL);
}

/* ---- anything ------------------------------------------------------------------------------------------------------------------- */

static void append_enum(Buffer *buffer, const ProtobufCEnumDescriptor *descriptor, int value) {
        const ProtobufCEnumValue *named = protobuf_c_enum_descriptor_get_value(descriptor, value);
        const char *name = named ? named->name : "?", *zero;
        size_t n_prefix = 0;

        /* KIND_SHARE of KIND_UNKNOWN: what all names begin with says nothing. */
        zero = descriptor->n_values > 0 ? descriptor->values[0].name : "";
        while (name[n_prefix] && name[n_prefix] == zero[n_prefix])
                n_prefix++;
        while (n_prefix > 0 && name[n_prefix - 1] != '_')
                n_prefix--;
        for (const char *at = name + n_prefix; *at; at++)
                buffer_append_byte(buffer, *at == '_' ? ' ' : (uint8_t)tolower((unsigned char)*at));
}

#define DESCRIPTOR(name) &carebus__v1__##name##__descriptor

void text_append_message(Buffer *buffer, const ProtobufCMessage *message, const Zone *zone) {
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;
        size_t began;

        if (descriptor == DESCRIPTOR(coded))
                text_append_coded(buffer, (const Carebus__V1__Coded *)message);
        else if (descriptor == DESCRIPTOR(when))
                text_append_when(buffer, (const Carebus__V1__When *)message, zone);
        else if (descriptor == DESCRIPTOR(date))
                text_append_date(buffer, (const Carebus__V1__Date *)message);
        else if (descriptor == DESCRIPTOR(human_name))
                text_append_name(buffer, (const Carebus__V1__HumanName *)message);
        else if (descriptor == DESCRIPTOR(identifier))
                text_append_identifier(buffer, (const Carebus__V1__Identifier *)message);
        else if (descriptor == DESCRIPTOR(organisation))
                append_organisation(buffer, (const Carebus__V1__Organisation *)message);
        else if (descriptor == DESCRIPTOR(practitioner))
                append_practitioner(buffer, (const Carebus__V1__Practitioner *)message);
        else if (descriptor == DESCRIPTOR(place))
                append_place(buffer, (const Carebus__V1__Place *)message);
        else if (descriptor == DESCRIPTOR(address))
                append_address(buffer, (const Carebus__V1__Address *)message);
        else if (descriptor == DESCRIPTOR(telecom))
                append_telecom(buffer, (const Carebus__V1__Telecom *)message);
        else if (descriptor == DESCRIPTOR(quantity))
                append_quantity(buffer, (const Carebus__V1__Quantity *)message);
        else if (descriptor == DESCRIPTOR(reach_time))
                append_reach(buffer, (const Carebus__V1__ReachTime *)message);
        else {
                began = buffer->size;
                text_append_fields(buffer, message, zone, NULL, NULL);
                if (buffer->size == began)
                        buffer_append_text(buffer, "(nothing said)");
        }
}

static bool is_said(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        const char *at = (const char *)message + field->offset;

        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
                return *(const uint32_t *)((const char *)message + field->quantifier_offset) == field->id;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return *(const size_t *)((const char *)message + field->quantifier_offset) > 0;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING)
                return *(const void *const *)at != NULL;
        return *(const protobuf_c_boolean *)((const char *)message + field->quantifier_offset);
}

static void append_value(Buffer *buffer, const void *at, const ProtobufCFieldDescriptor *field, const Zone *zone) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                text_append_safe(buffer, *(const char *const *)at);
                break;
        case PROTOBUF_C_TYPE_MESSAGE:
                text_append_message(buffer, *(const ProtobufCMessage *const *)at, zone);
                break;
        case PROTOBUF_C_TYPE_BOOL:
                buffer_append_text(buffer, *(const protobuf_c_boolean *)at ? "yes" : "no");
                break;
        case PROTOBUF_C_TYPE_ENUM:
                append_enum(buffer, field->descriptor, *(const int *)at);
                break;
        case PROTOBUF_C_TYPE_BYTES:
                buffer_append_format(buffer, "(%zu bytes)", ((const ProtobufCBinaryData *)at)->len);
                break;
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
                buffer_append_format(buffer, "%llu", (unsigned long long)*(const uint64_t *)at);
                break;
        default:
                buffer_append_format(buffer, "%u", *(const uint32_t *)at);
        }
}

static size_t element_size(const ProtobufCFieldDescriptor *field) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_MESSAGE:
                return sizeof(void *);
        case PROTOBUF_C_TYPE_BYTES:
                return sizeof(ProtobufCBinaryData);
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
                return sizeof(uint64_t);
        default:
                return sizeof(uint32_t);
        }
}

static void append_field(Buffer *buffer, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                         const Zone *zone) {
        const char *at = (const char *)message + field->offset;
        size_t n;

        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
                append_value(buffer, at, field, zone);
                return;
        }
        n = *(const size_t *)((const char *)message + field->quantifier_offset);
        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        buffer_append_text(buffer, " | ");
                append_value(buffer, *(const char *const *)at + i * element_size(field), field, zone);
        }
}

bool text_append_field(Buffer *buffer, const ProtobufCMessage *message, const char *name, const Zone *zone) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor,
                                                                                                name);

        if (!field || !is_said(message, field))
                return false;
        append_field(buffer, message, field, zone);
        return true;
}

/* decided_by: "decided by"; measured_at: "measured". */
static void append_label(Buffer *buffer, const char *name) {
        size_t n_name = strlen(name);

        if (n_name > 3 && strcmp(name + n_name - 3, "_at") == 0)
                n_name -= 3;
        for (size_t i = 0; i < n_name; i++)
                buffer_append_byte(buffer, name[i] == '_' ? ' ' : (uint8_t)name[i]);
        buffer_append_text(buffer, ": ");
}

void text_append_fields(Buffer *buffer, const ProtobufCMessage *message, const Zone *zone, TextSkip skip,
                        const void *owner) {
        size_t began = buffer->size;

        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

                if (!is_said(message, field) || (skip && skip(field->name, owner)))
                        continue;
                separate(buffer, began, "; ");
                append_label(buffer, field->name);
                append_field(buffer, message, field, zone);
        }
}

/* ---- lines ---------------------------------------------------------------------------------------------------------------------- */

/* Characters, not bytes. */
static size_t width_of(Bytes text) {
        size_t n = 0;

        for (size_t i = 0; i < text.size; i++)
                n += (text.data[i] & 0xc0) != 0x80;
        return n;
}

void text_write_wrapped(Buffer *out, unsigned indent, unsigned width, Bytes text) {
        size_t column = 0, margin = indent;

        for (size_t at = 0, end; at < text.size; at = end + 1) {
                size_t word;

                for (end = at; end < text.size && text.data[end] != ' ';)
                        end++;
                word = width_of(bytes_of(text.data + at, end - at));
                if (column > margin && column + 1 + word > width) {
                        buffer_append_text(out, "\n");
                        column = 0;
                        margin = indent + 4;
                }
                if (column == 0) {
                        buffer_append_format(out, "%*s", (int)margin, "");
                        column = margin;
                } else {
                        buffer_append_text(out, " ");
                        column++;
                }
                buffer_append(out, text.data + at, end - at);
                column += word;
        }
        buffer_append_text(out, "\n");
}
