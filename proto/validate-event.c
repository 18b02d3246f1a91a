/*
 * What an event has to be so that it can be used: a type, the body of that type, moments that exist.
 */
#include <stdio.h>
#include <string.h>

#include "proto/reflect.h"
#include "proto/types.h"
#include "proto/validate-rules.h"

/* Years 1 to 9999 in UTC, in microseconds: sources write 0001-01-01 and 9999-12-31 for "never". A day of slack at both
 * ends, for zones. */
#define UTC_FIRST (-62135596800000000LL - 86400000000LL)
#define UTC_LAST (253402300799999999LL + 86400000000LL)

/* Where a walk over an unpacked message is. */
typedef struct Place {
        const struct Place *outer;
        const ProtobufCFieldDescriptor *field;
        size_t index;
} Place;

static size_t place_write(const Place *place, const char *prefix, char *path, size_t size) {
        size_t n;
        int r;

        if (!place)
                return (size_t)snprintf(path, size, "%s", prefix);
        n = place_write(place->outer, prefix, path, size);
        if (n >= size)
                return n;
        if (place->field->label == PROTOBUF_C_LABEL_REPEATED)
                r = snprintf(path + n, size - n, "%s%s[%zu]", n ? "." : "", place->field->name, place->index);
        else
                r = snprintf(path + n, size - n, "%s%s", n ? "." : "", place->field->name);
        return n + (size_t)r;
}

static int place_fail(const Place *place, const char *prefix, int code, ValidateError *error) {
        error->code = code;
        place_write(place, prefix, error->path, sizeof(error->path));
        return code;
}

static bool when_is_valid(const Carebus__V1__When *when) {
        if (when->has_utc_at && (when->utc_at < UTC_FIRST || when->utc_at > UTC_LAST))
                return false;
        return !when->has_precision || ((int)when->precision >= CAREBUS__V1__WHEN__PRECISION__PRECISION_UNKNOWN &&
                                        (int)when->precision <= CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION);
}

static bool date_is_valid(const Carebus__V1__Date *date) {
        static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap;

        if (!date->has_year)
                return !date->has_month && !date->has_day;
        if (date->year < 1 || date->year > 9999)
                return false;
        if (!date->has_month)
                return !date->has_day;
        if (date->month < 1 || date->month > 12)
                return false;
        leap = (date->year % 4 == 0 && date->year % 100 != 0) || date->year % 400 == 0;
        return !date->has_day ||
               (date->day >= 1 && date->day <= days[date->month - 1] + (date->month == 2 && leap ? 1u : 0u));
}

static int moments_walk(const ProtobufCMessage *message, const Place *place, const char *prefix, ValidateError *error);

static int field_walk(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const Place *outer,
                      const char *prefix, ValidateError *error) {
        Place place = { .outer = outer, .field = field };
        size_t n = reflect_count(message, field);

        for (; place.index < n; place.index++) {
                const ProtobufCMessage *inner = *(const ProtobufCMessage *const *)reflect_value(message, field,
                                                                                                place.index);
                int r = moments_walk(inner, &place, prefix, error);

                if (r)
                        return r;
        }
        return 0;
}

static int moments_walk(const ProtobufCMessage *message, const Place *place, const char *prefix, ValidateError *error) {
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;

        if (descriptor == &carebus__v1__when__descriptor)
                return when_is_valid((const Carebus__V1__When *)message)
                               ? 0
                               : place_fail(place, prefix, VALIDATE_E_TIME, error);
        if (descriptor == &carebus__v1__date__descriptor)
                return date_is_valid((const Carebus__V1__Date *)message)
                               ? 0
                               : place_fail(place, prefix, VALIDATE_E_DATE, error);
        for (unsigned i = 0; i < descriptor->n_fields; i++)
                if (descriptor->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) {
                        int r = field_walk(message, &descriptor->fields[i], place, prefix, error);

                        if (r)
                                return r;
                }
        return 0;
}

int moments_rules(const ProtobufCMessage *message, const char *prefix, ValidateError *error) {
        return moments_walk(message, /* place= */ NULL, prefix, error);
}

int event_rules(const Carebus__V1__Event *event, const char *prefix, ValidateError *error) {
        const char *dot = prefix[0] ? "." : "";
        const EventType *type;

        if (!event->type || !event_type_is_well_formed(event->type))
                return validate_fail(error, VALIDATE_E_EVENT_TYPE, "%s%stype", prefix, dot);
        type = event_type_find(event->type);
        if ((type && type->from_bus) || strncmp(event->type, "bus.", strlen("bus.")) == 0)
                return validate_fail(error, VALIDATE_E_RESERVED, "%s%stype", prefix, dot);
        if (type && event->body_case != CAREBUS__V1__EVENT__BODY__NOT_SET && event->body_case != type->body)
                return validate_fail(error, VALIDATE_E_BODY, "%s%sbody", prefix, dot);
        if (type && event->body_case == CAREBUS__V1__EVENT__BODY_DECISION) {
                const Carebus__V1__Decision *decision = event->decision;

                if (type->decision_kind != CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN &&
                    decision->kind != CAREBUS__V1__DECISION__KIND__KIND_UNKNOWN &&
                    decision->kind != type->decision_kind)
                        return validate_fail(error, VALIDATE_E_BODY, "%s%sdecision.kind", prefix, dot);
        }
        return moments_rules(&event->base, prefix, error);
}

int validate_event(Bytes event, const ValidateLimits *limits, Arena *arena, Carebus__V1__Event **ret,
                   ValidateError *ret_error) {
        CheckLimits bounds = limits_for_events(limits->max_frame, limits->max_frame);
        Carebus__V1__Event *message;
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        r = unpack_checked(&carebus__v1__event__descriptor, event, &bounds, arena, &message, error);
        if (r)
                return r;
        *ret = message;
        return event_rules(message, "", error);
}
