/*
 * Protobuf messages to JSON and back, by json-c; the only file that knows json-c.
 *
 * Two kinds of message are not printed as objects. A When becomes a text of its own precision, with what the source
 * said beside it (`occurred_at`, `occurred_at_said`); a Date likewise. All else follows the descriptor.
 */
#include "proto/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "carebus/v1/common.pb-c.h"
#include "proto/reflect.h"

/* Years 1 to 9999: what has a text. */
#define UTC_FIRST (-62135596800000000LL)
#define UTC_LAST 253402300799999999LL
#define HALF_DAY (12 * 3600 * USEC_PER_SEC)

static void json_putp(struct json_object **object) {
        if (*object)
                json_object_put(*object);
}
#define _json_ _cleanup_(json_putp)

static bool message_add(struct json_object *object, const ProtobufCMessage *message, const char *const *skip,
                        size_t n_skip);

/* Names that are printed otherwise than they are written in the .proto. */
static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        const char *field, *printed;
} renames[] = {
        { &carebus__v1__source_status__descriptor, "last_heard_at", "last_heard" },
};

/* Lists that scripts count on: printed even when they are empty. */
static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        const char *field;
} always[] = {
        { &carebus__v1__status_reply__descriptor, "sources" },
        { &carebus__v1__status_reply__descriptor, "teams" },
        { &carebus__v1__status_reply__descriptor, "feeds" },
};

static const char *field_key(const ProtobufCMessageDescriptor *descriptor, const ProtobufCFieldDescriptor *field) {
        for (size_t i = 0; i < ELEMENTSOF(renames); i++)
                if (renames[i].descriptor == descriptor && strcmp(renames[i].field, field->name) == 0)
                        return renames[i].printed;
        return field->name;
}

static bool field_is_always_there(const ProtobufCMessageDescriptor *descriptor, const ProtobufCFieldDescriptor *field) {
        for (size_t i = 0; i < ELEMENTSOF(always); i++)
                if (always[i].descriptor == descriptor && strcmp(always[i].field, field->name) == 0)
                        return true;
        return false;
}

/* Takes the value, also when it fails. */
static bool object_add(struct json_object *object, const char *key, struct json_object *value) {
        if (!value)
                return false;
        if (json_object_object_add(object, key, value) == 0)
                return true;
        json_object_put(value);
        return false;
}

static bool array_add(struct json_object *array, struct json_object *value) {
        if (!value)
                return false;
        if (json_object_array_add(array, value) == 0)
                return true;
        json_object_put(value);
        return false;
}

/* ---- values */

static bool utc_has_text(int64_t at) {
        return at >= UTC_FIRST && at <= UTC_LAST;
}

static struct json_object *utc_json(int64_t at) {
        char text[CIVIL_TEXT_SIZE];

        if (!utc_has_text(at))
                return json_object_new_int64(at);
        civil_format(at, text);
        return json_object_new_string(text);
}

/* A day, a month, a year began at midnight where the source stands, which may be the evening before in UTC: half a day
 * later it is the same date in both, in every zone from UTC-12 to UTC+12. */
static struct json_object *date_of_utc_json(int64_t at, int n_shown) {
        char text[CIVIL_TEXT_SIZE];

        at += at <= UTC_LAST - HALF_DAY ? HALF_DAY : 0;
        if (!utc_has_text(at))
                return json_object_new_int64(at);
        civil_format(at, text);
        return json_object_new_string_len(text, n_shown);
}

static struct json_object *when_json(const Carebus__V1__When *when) {
        switch (when->precision) {
        case CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR:
                return date_of_utc_json(when->utc_at, (int)strlen("2024"));
        case CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH:
                return date_of_utc_json(when->utc_at, (int)strlen("2024-03"));
        case CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY:
                return date_of_utc_json(when->utc_at, (int)strlen("2024-03-05"));
        default:
                return utc_json(when->utc_at);
        }
}

static struct json_object *date_json(const Carebus__V1__Date *date) {
        char text[40];

        if (date->has_month && date->has_day)
                snprintf(text, sizeof(text), "%04u-%02u-%02u", date->year, date->month, date->day);
        else if (date->has_month)
                snprintf(text, sizeof(text), "%04u-%02u", date->year, date->month);
        else
                snprintf(text, sizeof(text), "%04u", date->year);
        return json_object_new_string(text);
}

static struct json_object *bytes_json(const ProtobufCBinaryData *bytes) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        _cleanup_(freep) char *text = malloc(bytes->len / 3 * 4 + 5);
        size_t n = 0;

        if (!text)
                return NULL;
        for (size_t i = 0; i < bytes->len; i += 3) {
                size_t left = bytes->len - i;
                uint32_t group = (uint32_t)bytes->data[i] << 16;

                if (left > 1)
                        group |= (uint32_t)bytes->data[i + 1] << 8;
                if (left > 2)
                        group |= bytes->data[i + 2];
                text[n++] = digits[group >> 18];
                text[n++] = digits[group >> 12 & 63];
                text[n++] = left > 1 ? digits[group >> 6 & 63] : '=';
                text[n++] = left > 2 ? digits[group & 63] : '=';
        }
        return json_object_new_string_len(text, (int)n);
}

/* ACTION_ENTERED_IN_ERROR of the enum Action is "entered-in-error". */
static struct json_object *enum_json(const ProtobufCEnumDescriptor *descriptor, int number) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(descriptor, number);
        char prefix[64], text[64];
        size_t n = 0;
        const char *name;

        if (!value) /* of a later version */
                return json_object_new_int(number);
        for (const char *c = descriptor->short_name; *c && n < sizeof(prefix) - 3; c++) {
                if (*c >= 'A' && *c <= 'Z' && n > 0)
                        prefix[n++] = '_';
                prefix[n++] = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        }
        prefix[n++] = '_';
        name = strncmp(value->name, prefix, n) == 0 ? value->name + n : value->name;
        for (n = 0; n < sizeof(text) - 1 && name[n]; n++)
                text[n] = name[n] == '_'                     ? '-'
                          : name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] - 'A' + 'a')
                                                             : name[n];
        return json_object_new_string_len(text, (int)n);
}

static bool name_is_moment(const char *name) {
        size_t n = strlen(name);

        return strcmp(name, "at") == 0 || (n > 3 && strcmp(name + n - 3, "_at") == 0);
}

static struct json_object *message_json(const ProtobufCMessage *message) {
        _json_ struct json_object *object = json_object_new_object();

        if (!object || !message_add(object, message, NULL, 0))
                return NULL;
        return TAKE_PTR(object);
}

/* One value: of a field that comes once, or an element of a list. */
static struct json_object *value_json(const ProtobufCFieldDescriptor *field, const void *member) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_SINT32:
        case PROTOBUF_C_TYPE_SFIXED32:
                return json_object_new_int(*(const int32_t *)member);
        case PROTOBUF_C_TYPE_UINT32:
        case PROTOBUF_C_TYPE_FIXED32:
                return json_object_new_int64(*(const uint32_t *)member);
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_SINT64:
        case PROTOBUF_C_TYPE_SFIXED64:
                if (name_is_moment(field->name))
                        return utc_json(*(const int64_t *)member);
                return json_object_new_int64(*(const int64_t *)member);
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_FIXED64:
                return json_object_new_uint64(*(const uint64_t *)member);
        case PROTOBUF_C_TYPE_FLOAT:
                return json_object_new_double((double)*(const float *)member);
        case PROTOBUF_C_TYPE_DOUBLE:
                return json_object_new_double(*(const double *)member);
        case PROTOBUF_C_TYPE_BOOL:
                return json_object_new_boolean(*(const protobuf_c_boolean *)member != 0);
        case PROTOBUF_C_TYPE_ENUM:
                return enum_json(field->descriptor, *(const int32_t *)member);
        case PROTOBUF_C_TYPE_STRING:
                return json_object_new_string(*(const char *const *)member);
        case PROTOBUF_C_TYPE_BYTES:
                return bytes_json(member);
        case PROTOBUF_C_TYPE_MESSAGE:
                return message_json(*(const ProtobufCMessage *const *)member);
        }
        return NULL;
}

/* ---- moments and dates: two or three keys for one field */

static bool said_add(struct json_object *object, const char *key, const char *text) {
        char said[96];

        if (!text)
                return true;
        snprintf(said, sizeof(said), "%s_said", key);
        return object_add(object, said, json_object_new_string(text));
}

static bool when_add(struct json_object *object, const char *key, const Carebus__V1__When *when) {
        char assumed[96];

        if (when->has_utc_at && !object_add(object, key, when_json(when)))
                return false;
        if (!said_add(object, key, when->text))
                return false;
        if (!when->zone_assumed)
                return true;
        snprintf(assumed, sizeof(assumed), "%s_zone_assumed", key);
        return object_add(object, assumed, json_object_new_boolean(true));
}

static bool date_add(struct json_object *object, const char *key, const Carebus__V1__Date *date) {
        if (date->has_year && !object_add(object, key, date_json(date)))
                return false;
        return said_add(object, key, date->text);
}

/* In a list there is no place for a second key: what was read, else what was said. */
static struct json_object *element_json(const ProtobufCFieldDescriptor *field, const void *member) {
        if (field->descriptor == &carebus__v1__when__descriptor) {
                const Carebus__V1__When *when = *(const Carebus__V1__When *const *)member;

                return when->has_utc_at ? when_json(when) : json_object_new_string(when->text ? when->text : "");
        }
        if (field->descriptor == &carebus__v1__date__descriptor) {
                const Carebus__V1__Date *date = *(const Carebus__V1__Date *const *)member;

                return date->has_year ? date_json(date) : json_object_new_string(date->text ? date->text : "");
        }
        return value_json(field, member);
}

/* ---- fields */

static bool list_add(struct json_object *object, const char *key, const ProtobufCMessage *message,
                     const ProtobufCFieldDescriptor *field) {
        _json_ struct json_object *array = json_object_new_array();
        size_t n = reflect_count(message, field);

        if (!array)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!array_add(array, element_json(field, reflect_value(message, field, i))))
                        return false;
        return object_add(object, key, TAKE_PTR(array));
}

static bool field_add(struct json_object *object, const ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field) {
        const char *key = field_key(message->descriptor, field);
        const void *value;

        if (reflect_count(message, field) == 0 && !field_is_always_there(message->descriptor, field))
                return true;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return list_add(object, key, message, field);
        value = reflect_value(message, field, 0);
        if (field->descriptor == &carebus__v1__when__descriptor)
                return when_add(object, key, *(const Carebus__V1__When *const *)value);
        if (field->descriptor == &carebus__v1__date__descriptor)
                return date_add(object, key, *(const Carebus__V1__Date *const *)value);
        return object_add(object, key, value_json(field, value));
}

static bool message_add(struct json_object *object, const ProtobufCMessage *message, const char *const *skip,
                        size_t n_skip) {
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;

        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                bool skipped = false;

                for (size_t k = 0; k < n_skip && !skipped; k++)
                        skipped = strcmp(skip[k], descriptor->fields[i].name) == 0;
                if (!skipped && !field_add(object, message, &descriptor->fields[i]))
                        return false;
        }
        return true;
}

/* ---- lines */

/* The letter at `text` if a terminal would obey it, or show what follows in another direction, and how many bytes it has; else 0. Of
 * those JSON escapes only the oldest by itself. */
static unsigned commanding_letter(const unsigned char *text, size_t *ret_size) {
        *ret_size = 1;
        if (text[0] == 0x7f)
                return 0x7f;
        *ret_size = 2;
        if (text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f)
                return text[1];
        *ret_size = 3;
        if (text[0] == 0xe2 && (text[1] == 0x80 || text[1] == 0x81)) {
                const unsigned letter = 0x2000u + (text[1] - 0x80u) * 64 + (text[2] & 63u);

                if (letter == 0x200e || letter == 0x200f || (letter >= 0x2028 && letter <= 0x202e) ||
                    (letter >= 0x2066 && letter <= 0x2069))
                        return letter;
        }
        *ret_size = 1;
        return 0;
}

/* They stand within strings only, so what they are replaced by says the same to whoever reads JSON. */
static char *without_commands(const char *text) {
        const unsigned char *p = (const unsigned char *)text;
        const size_t room = 6 * strlen(text) + 1;
        char *result = malloc(room), *end = result;
        size_t size;

        if (!result)
                return NULL;
        for (; *p; p += size) {
                const unsigned letter = commanding_letter(p, &size);

                if (letter)
                        end += snprintf(end, sizeof("\\u0000"), "\\u%04x", letter);
                else
                        *end++ = (char)*p;
        }
        *end = '\0';
        return result;
}

static char *object_line(struct json_object *object) {
        const char *text = json_object_to_json_string_ext(object,
                                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

        return text ? without_commands(text) : NULL;
}

char *json_line(const ProtobufCMessage *message) {
        _json_ struct json_object *object = message_json(message);

        return object ? object_line(object) : NULL;
}

/* A field of the event, or the item's where the event has none. */
static bool event_field_add(struct json_object *object, const Carebus__V1__TailItem *item, const char *name) {
        const ProtobufCMessage *event = &item->event->base;
        const ProtobufCFieldDescriptor *field;

        field = protobuf_c_message_descriptor_get_field_by_name(event->descriptor, name);
        if (field && reflect_count(event, field) > 0)
                return field_add(object, event, field);
        field = protobuf_c_message_descriptor_get_field_by_name(item->base.descriptor, name);
        return !field || field_add(object, &item->base, field);
}

static bool event_add(struct json_object *object, const Carebus__V1__TailItem *item) {
        static const char *const first[] = { "type",        "action",      "source",      "source_message_id",
                                             "occurred_at", "recorded_at", "received_at", "patient" };
        static const char *const skip[] = { "event_id",    "type",        "action",      "source", "source_message_id",
                                            "occurred_at", "recorded_at", "received_at", "patient" };
        char event_id[48];

        snprintf(event_id, sizeof(event_id), "%llu.%u", (unsigned long long)item->seq, item->index);
        if (!object_add(object, "event_id",
                        json_object_new_string(item->event->event_id ? item->event->event_id : event_id)))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(first); i++)
                if (!event_field_add(object, item, first[i]))
                        return false;
        return message_add(object, &item->event->base, skip, ELEMENTSOF(skip));
}

char *json_event_line(const Carebus__V1__TailItem *item) {
        static const char *const place[] = { "seq", "index", "event" };
        static const char *const said_by_event[] = { "seq",        "index",  "event",
                                                     "type",       "source", "source_message_id",
                                                     "received_at" };
        _json_ struct json_object *object = json_object_new_object();
        bool good;

        if (!object || !object_add(object, "seq", json_object_new_uint64(item->seq)) ||
            !object_add(object, "index", json_object_new_int64(item->index)))
                return NULL;
        if (item->event)
                good = event_add(object, item) &&
                       message_add(object, &item->base, said_by_event, ELEMENTSOF(said_by_event));
        else
                good = message_add(object, &item->base, place, ELEMENTSOF(place));
        return good ? object_line(object) : NULL;
}

static bool strings_add(struct json_object *object, const char *key, const char *const *texts, size_t n_texts) {
        _json_ struct json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < n_texts; i++)
                if (!array_add(array, json_object_new_string(texts[i])))
                        return false;
        return object_add(object, key, TAKE_PTR(array));
}

/* `messages` is an array of pointers to messages of any one type. */
static bool messages_add(struct json_object *object, const char *key, const void *messages, size_t n_messages) {
        const ProtobufCMessage *const *list = messages;
        _json_ struct json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < n_messages; i++)
                if (!array_add(array, message_json(list[i])))
                        return false;
        return object_add(object, key, TAKE_PTR(array));
}

char *json_translation_line(const JsonTranslation *translation) {
        _json_ struct json_object *object = json_object_new_object();

        if (!object || !messages_add(object, "events", translation->events, translation->n_events) ||
            !strings_add(object, "unmapped", translation->unmapped, translation->n_unmapped) ||
            !messages_add(object, "problems", translation->problems, translation->n_problems))
                return NULL;
        return object_line(object);
}

/* ---- and back */

static int message_read(Arena *arena, const ProtobufCMessageDescriptor *descriptor, struct json_object *object,
                        ProtobufCMessage **ret);

static char *text_copy(Arena *arena, struct json_object *value) {
        const char *text = json_object_get_string(value);

        return arena_text(arena, text ? text : "", text ? strlen(text) : 0);
}

/* 2026-03-01T09:30:00.5Z; what is no moment is none. */
static bool utc_read(const char *text, int64_t *ret) {
        CivilTime civil = { 0 };
        char fraction[8] = "";

        if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%6[0-9]", &civil.year, &civil.month, &civil.day, &civil.hour,
                   &civil.minute, &civil.second, fraction) < 6 ||
            !civil_is_valid(&civil))
                return false;
        for (size_t i = 0, unit = 100000; fraction[i]; i++, unit /= 10)
                civil.microsecond += (int)((size_t)(fraction[i] - '0') * unit);
        *ret = civil_to_utc(&civil);
        return true;
}

static bool enum_read(const ProtobufCEnumDescriptor *descriptor, const char *text, int32_t *ret) {
        for (unsigned i = 0; i < descriptor->n_values; i++) {
                _json_ struct json_object *printed = enum_json(descriptor, descriptor->values[i].value);

                if (printed && strcmp(json_object_get_string(printed), text) == 0) {
                        *ret = descriptor->values[i].value;
                        return true;
                }
        }
        return false;
}

/* A value of a field that is no message and no text. False: it is none of this type. */
static bool scalar_read(const ProtobufCFieldDescriptor *field, struct json_object *value, void *member) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)member = json_object_get_boolean(value);
                return json_object_is_type(value, json_type_boolean);
        case PROTOBUF_C_TYPE_ENUM:
                return json_object_is_type(value, json_type_string) &&
                       enum_read(field->descriptor, json_object_get_string(value), member);
        case PROTOBUF_C_TYPE_INT64:
                if (json_object_is_type(value, json_type_string))
                        return utc_read(json_object_get_string(value), member);
                *(int64_t *)member = json_object_get_int64(value);
                return json_object_is_type(value, json_type_int);
        case PROTOBUF_C_TYPE_UINT64:
                *(uint64_t *)member = json_object_get_uint64(value);
                return json_object_is_type(value, json_type_int);
        case PROTOBUF_C_TYPE_UINT32:
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_SINT32:
                *(int32_t *)member = (int32_t)json_object_get_int64(value);
                return json_object_is_type(value, json_type_int);
        default:
                return false; /* bytes: no text of a person */
        }
}

/* A moment or a date: its text. */
static int text_message_read(Arena *arena, const ProtobufCMessageDescriptor *descriptor, struct json_object *value,
                             void *member) {
        ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);
        char *text = text_copy(arena, value);

        if (!message || !text)
                return -ENOMEM;
        protobuf_c_message_init(descriptor, message);
        if (descriptor == &carebus__v1__when__descriptor)
                ((Carebus__V1__When *)message)->text = text;
        else
                ((Carebus__V1__Date *)message)->text = text;
        *(ProtobufCMessage **)member = message;
        return 0;
}

/* 0, 1 where it is nothing of the field's, or -ENOMEM. */
static int value_read(Arena *arena, const ProtobufCFieldDescriptor *field, struct json_object *value, void *member) {
        if (field->type == PROTOBUF_C_TYPE_STRING) {
                if (!json_object_is_type(value, json_type_string))
                        return 1;
                *(char **)member = text_copy(arena, value);
                return *(char **)member ? 0 : -ENOMEM;
        }
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
                return scalar_read(field, value, member) ? 0 : 1;
        if (field->descriptor == &carebus__v1__when__descriptor || field->descriptor == &carebus__v1__date__descriptor)
                return json_object_is_type(value, json_type_string)
                               ? text_message_read(arena, field->descriptor, value, member)
                               : 1;
        return json_object_is_type(value, json_type_object)
                       ? message_read(arena, field->descriptor, value, (ProtobufCMessage **)member)
                       : 1;
}

static int list_read(Arena *arena, const ProtobufCFieldDescriptor *field, struct json_object *array, uint8_t *base) {
        size_t size = reflect_element_size(field->type), n = json_object_array_length(array), n_read = 0;
        uint8_t *list = arena_alloc(arena, (n + 1) * size);

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = value_read(arena, field, json_object_array_get_idx(array, i), list + n_read * size);

                if (r < 0)
                        return r;
                n_read += r == 0;
        }
        *(uint8_t **)(base + field->offset) = list;
        *(size_t *)(base + field->quantifier_offset) = n_read;
        return 0;
}

/* KEY, and of a moment that could not be read KEY_said. */
static struct json_object *member_of(struct json_object *object, const ProtobufCFieldDescriptor *field) {
        struct json_object *value = NULL;
        char said[96];

        if (json_object_object_get_ex(object, field->name, &value))
                return value;
        snprintf(said, sizeof(said), "%s_said", field->name);
        (void)json_object_object_get_ex(object, said, &value);
        return value;
}

static int message_read(Arena *arena, const ProtobufCMessageDescriptor *descriptor, struct json_object *object,
                        ProtobufCMessage **ret) {
        uint8_t *base = arena_alloc(arena, descriptor->sizeof_message);

        if (!base)
                return -ENOMEM;
        protobuf_c_message_init(descriptor, base);
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
                struct json_object *value = member_of(object, field);
                int r = 1;

                if (!value)
                        continue;
                if (field->label != PROTOBUF_C_LABEL_REPEATED)
                        r = value_read(arena, field, value, base + field->offset);
                else if (json_object_is_type(value, json_type_array))
                        r = list_read(arena, field, value, base);
                if (r < 0)
                        return r;
                if (r == 0 && (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
                        *(uint32_t *)(base + field->quantifier_offset) = field->id;
                else if (r == 0 && field->label == PROTOBUF_C_LABEL_OPTIONAL &&
                         field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING)
                        *(protobuf_c_boolean *)(base + field->quantifier_offset) = true;
        }
        *ret = (ProtobufCMessage *)base;
        return 0;
}

int json_events_read(const char *line, Arena *arena, Carebus__V1__Event ***ret, size_t *ret_n) {
        _json_ struct json_object *root = json_tokener_parse(line);
        struct json_object *list = NULL;
        Carebus__V1__Event **events;
        size_t n = 1;

        if (!root || !json_object_is_type(root, json_type_object))
                return -EBADMSG;
        if (json_object_object_get_ex(root, "events", &list))
                n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
        events = arena_alloc(arena, (n + 1) * sizeof(*events));
        if (!events)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                struct json_object *one = list ? json_object_array_get_idx(list, i) : root;
                int r = json_object_is_type(one, json_type_object)
                                ? message_read(arena, &carebus__v1__event__descriptor, one,
                                               (ProtobufCMessage **)&events[i])
                                : -EBADMSG;

                if (r < 0)
                        return r;
                if (!events[i]->type)
                        return -EBADMSG;
        }
        *ret = events;
        *ret_n = n;
        return 0;
}
