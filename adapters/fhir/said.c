#include "adapters/fhir/said.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"
#include "canon/when.h"

#define PATH_SIZE 256
#define INDEX_MAX 1024
#define PARTS_MAX 8192
#define DEPTH_MAX 24

#define PRECISION(name) CAREBUS__V1__WHEN__PRECISION__PRECISION_##name

/* ---- fields by their descriptors */

typedef struct Differences {
        Arena *arena;
        SaidPart *parts;
        size_t n, room;
        char path[PATH_SIZE];
        size_t size;
        bool is_full;
} Differences;

static const void *place_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        return (const uint8_t *)message + field->offset;
}

static bool is_pointer(const ProtobufCFieldDescriptor *field) {
        return field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING;
}

static size_t count_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        const void *quantifier = message ? (const uint8_t *)message + field->quantifier_offset : NULL;
        const void *place = message ? place_of(message, field) : NULL;

        if (!message)
                return 0;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return *(const size_t *)quantifier;
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) && *(const uint32_t *)quantifier != field->id)
                return 0;
        if (field->type == PROTOBUF_C_TYPE_STRING)
                return *(char *const *)place && (*(char *const *)place)[0];
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                return *(const void *const *)place != NULL;
        return *(const protobuf_c_boolean *)quantifier != 0;
}

static size_t element_size(const ProtobufCFieldDescriptor *field) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_MESSAGE:
                return sizeof(void *);
        case PROTOBUF_C_TYPE_BOOL:
                return sizeof(protobuf_c_boolean);
        case PROTOBUF_C_TYPE_UINT32:
        case PROTOBUF_C_TYPE_ENUM:
                return sizeof(uint32_t);
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_INT64:
                return sizeof(uint64_t);
        default: /* bytes are content, which stands in the resource itself */
                return 0;
        }
}

static const uint8_t *element_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index) {
        const void *place = place_of(message, field);

        return field->label == PROTOBUF_C_LABEL_REPEATED ? *(const uint8_t *const *)place + index * element_size(field)
                                                         : place;
}

/* ---- what is not told, or told by R4 */

/* Of the event: the bus's own, and who sent it on. */
static bool is_told_otherwise(const ProtobufCMessageDescriptor *descriptor, const char *name) {
        static const struct {
                const ProtobufCMessageDescriptor *descriptor;
                const char *name;
        } fields[] = {
                { &carebus__v1__event__descriptor, "event_id" },
                { &carebus__v1__event__descriptor, "received_at" },
                { &carebus__v1__event__descriptor, "source" },
                { &carebus__v1__event__descriptor, "source_message_id" },
                { &carebus__v1__event__descriptor, "sender" },
                { &carebus__v1__event__descriptor, "trigger" },
                { &carebus__v1__event__descriptor, "team" },
                { &carebus__v1__event__descriptor, "caused_by" },
                { &carebus__v1__event__descriptor, "belated" },
                { &carebus__v1__event__descriptor, "confirms" },
                { &carebus__v1__event__descriptor, "loaded" },
                { &carebus__v1__event__descriptor, "unconfirmed" },
                { &carebus__v1__event__descriptor, "echo_of" },
                { &carebus__v1__event__descriptor, "redacted" },
                { &carebus__v1__event__descriptor, "body" },
                { &carebus__v1__subject__descriptor, "patient_id" },
                { &carebus__v1__subject__descriptor, "identifiers" },
                { &carebus__v1__identifier__descriptor, "status" },
                { &carebus__v1__identifier__descriptor, "text" },
                { &carebus__v1__merge__descriptor, "surviving_patient_id" },
                { &carebus__v1__merge__descriptor, "retired_patient_ids" },
                { &carebus__v1__merge__descriptor, "moved" },
                { &carebus__v1__merge__descriptor, "in_review" },
                { &carebus__v1__document__descriptor, "original_part" },
                { &carebus__v1__text__descriptor, "path" },
                { &carebus__v1__question_answer__descriptor, "path" },
        };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (fields[i].descriptor == descriptor && strcmp(fields[i].name, name) == 0)
                        return true;
        return false;
}

/* The reader says how R4 called it, which takes nothing from what was said; and what has no number of its source has the bus's own, by
 * which the bus knows it again when it comes back. */
static bool may_be_more(const ProtobufCMessage *got, const ProtobufCFieldDescriptor *field) {
        const Carebus__V1__Identifier *number;

        if (strcmp(field->name, "original_status") == 0)
                return true;
        if (strcmp(field->name, "identifier") != 0 || field->label == PROTOBUF_C_LABEL_REPEATED)
                return false;
        number = *(const Carebus__V1__Identifier *const *)place_of(got, field);
        return text_starts_with(number->system ? number->system : "", "carebus:");
}

/* ---- the parts */

static void part_add(Differences *d, const char *text) {
        if (d->n == d->room) {
                size_t room = d->room ? d->room * 2 : 16;
                SaidPart *grown = room > PARTS_MAX ? NULL : arena_alloc(d->arena, room * sizeof(*grown));

                if (!grown) {
                        d->is_full = true;
                        return;
                }
                if (d->n)
                        memcpy(grown, d->parts, d->n * sizeof(*grown));
                d->parts = grown;
                d->room = room;
        }
        d->parts[d->n] = (SaidPart){ .path = arena_text(d->arena, d->path, d->size), .text = text };
        d->is_full = d->is_full || !d->parts[d->n].path;
        d->n++;
}

static size_t push(Differences *d, const char *name, size_t index) {
        size_t before = d->size;
        int n = index ? snprintf(d->path + before, PATH_SIZE - before, "%s%s[%zu]", before ? "." : "", name, index)
                      : snprintf(d->path + before, PATH_SIZE - before, "%s%s", before ? "." : "", name);

        if (n < 0 || (size_t)n >= PATH_SIZE - before)
                d->is_full = true;
        else
                d->size += (size_t)n;
        return before;
}

static void pop(Differences *d, size_t before) {
        d->size = before;
        d->path[before] = 0;
}

static const char *enum_name(const ProtobufCFieldDescriptor *field, int value) {
        const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(field->descriptor, value);

        return found ? found->name : NULL;
}

static const char *scalar_text(Differences *d, const ProtobufCFieldDescriptor *field, const void *place) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return *(char *const *)place;
        case PROTOBUF_C_TYPE_BOOL:
                return *(const protobuf_c_boolean *)place ? "true" : "false";
        case PROTOBUF_C_TYPE_ENUM:
                return enum_name(field, *(const int *)place);
        case PROTOBUF_C_TYPE_UINT32:
                return arena_format(d->arena, "%u", *(const uint32_t *)place);
        case PROTOBUF_C_TYPE_UINT64:
                return arena_format(d->arena, "%llu", (unsigned long long)*(const uint64_t *)place);
        case PROTOBUF_C_TYPE_INT64:
                return arena_format(d->arena, "%lld", (long long)*(const int64_t *)place);
        default:
                return NULL;
        }
}

/* ---- what is the same in another form */

static bool moment_of(const Carebus__V1__When *when, Moment *ret) {
        if (when->has_utc_at) {
                *ret = (Moment){ .utc_at = when->utc_at,
                                 .precision = when->has_precision ? when->precision : PRECISION(SECOND) };
                return true;
        }
        return when->text && moment_read(when->text, NULL, ret) == 0;
}

/* R4 has no minutes without seconds, nor hours without minutes. */
static bool is_same_moment(const Carebus__V1__When *a, const Carebus__V1__When *b) {
        Moment one, other;

        if (a->text && b->text && strcmp(a->text, b->text) == 0)
                return true;
        if (!moment_of(a, &one) || !moment_of(b, &other) || one.utc_at != other.utc_at)
                return false;
        return one.precision == other.precision ||
               (one.precision >= PRECISION(HOUR) && other.precision >= PRECISION(HOUR));
}

static bool is_same_date(const Carebus__V1__Date *a, const Carebus__V1__Date *b) {
        CalendarDate one = { a->year, a->month, a->day }, other = { b->year, b->month, b->day };

        if ((!a->has_year && (!a->text || date_read(a->text, &one) != 0)) ||
            (!b->has_year && (!b->text || date_read(b->text, &other) != 0)))
                return text_equal(a->text, b->text);
        return one.year == other.year && one.month == other.month && one.day == other.day;
}

static bool is_same_value(const ProtobufCMessage *a, const ProtobufCMessage *b) {
        if (!a || !b)
                return false;
        if (a->descriptor == &carebus__v1__when__descriptor)
                return is_same_moment((const Carebus__V1__When *)a, (const Carebus__V1__When *)b);
        return a->descriptor == &carebus__v1__date__descriptor &&
               is_same_date((const Carebus__V1__Date *)a, (const Carebus__V1__Date *)b);
}

/* ---- the walk */

static void compare_messages(Differences *d, const ProtobufCMessage *wanted, const ProtobufCMessage *got, size_t depth);

static void compare_elements(Differences *d, const ProtobufCFieldDescriptor *field, const uint8_t *wanted,
                             const uint8_t *got, size_t depth) {
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                compare_messages(d, *(const ProtobufCMessage *const *)wanted,
                                 got ? *(const ProtobufCMessage *const *)got : NULL, depth + 1);
                return;
        }
        if (got && (field->type == PROTOBUF_C_TYPE_STRING ? text_equal(*(char *const *)wanted, *(char *const *)got)
                                                          : memcmp(wanted, got, element_size(field)) == 0))
                return;
        part_add(d, scalar_text(d, field, wanted) ?: "");
}

static void compare_fields(Differences *d, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *wanted,
                           const ProtobufCMessage *got, size_t depth) {
        size_t n_wanted = count_of(wanted, field), n_got = count_of(got, field);
        bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;

        if (n_got > n_wanted && !may_be_more(got, field)) {
                size_t before = push(d, field->name, is_list ? n_wanted + 1 : 0);

                part_add(d, NULL);
                pop(d, before);
        }
        for (size_t i = 0; i < n_wanted && !d->is_full; i++) {
                size_t before = push(d, field->name, is_list ? i + 1 : 0);

                compare_elements(d, field, element_of(wanted, field, i), i < n_got ? element_of(got, field, i) : NULL,
                                 depth);
                pop(d, before);
        }
}

static void compare_messages(Differences *d, const ProtobufCMessage *wanted, const ProtobufCMessage *got,
                             size_t depth) {
        const ProtobufCMessageDescriptor *descriptor = wanted->descriptor;
        size_t n_before = d->n;

        if (depth > DEPTH_MAX) {
                d->is_full = true;
                return;
        }
        if (is_same_value(wanted, got))
                return;
        for (unsigned i = 0; i < descriptor->n_fields && !d->is_full; i++)
                if (element_size(&descriptor->fields[i]) && !is_told_otherwise(descriptor, descriptor->fields[i].name))
                        compare_fields(d, &descriptor->fields[i], wanted, got, depth);
        if (!got && d->n == n_before && d->size > 0) /* there, and empty: an element of a list */
                part_add(d, "");
}

int said_differences(const Carebus__V1__Event *wanted, const Carebus__V1__Event *got, Arena *arena, SaidPart **ret,
                     size_t *ret_n) {
        Differences d = { .arena = arena };

        compare_messages(&d, &wanted->base, &got->base, 0);
        *ret = d.parts;
        *ret_n = d.n;
        return d.is_full ? -ENOMEM : 0;
}

/* ---- and back */

typedef struct Step {
        char name[64];
        size_t index; /* from 1; 0: not said */
} Step;

static const char *step_read(const char *path, Step *ret) {
        size_t n = strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789_");

        if (n == 0 || n >= sizeof(ret->name))
                return NULL;
        memcpy(ret->name, path, n);
        ret->name[n] = 0;
        ret->index = 0;
        path += n;
        if (*path == '[') {
                for (path++; isdigit((unsigned char)*path) && ret->index <= INDEX_MAX; path++)
                        ret->index = ret->index * 10 + (size_t)(*path - '0');
                if (*path++ != ']' || ret->index < 1 || ret->index > INDEX_MAX)
                        return NULL;
        }
        if (*path == '.')
                return path[1] ? path + 1 : NULL;
        return *path ? NULL : path;
}

static ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *descriptor, Arena *arena) {
        ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);

        if (message)
                protobuf_c_message_init(descriptor, message);
        return message;
}

/* The reader lets one message stand in several places (the number of an order and of its event): each gets its own before it is changed. */
static bool own_copy(ProtobufCMessage **place, const ProtobufCMessageDescriptor *descriptor, Arena *arena) {
        ProtobufCMessage *copy = message_new(descriptor, arena);

        if (copy && *place)
                memcpy(copy, *place, descriptor->sizeof_message);
        *place = copy;
        return copy != NULL;
}

/* The list with room for that element, which is at most the next one; a list of its own, since others may share it. */
static void *list_open(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index, Arena *arena) {
        size_t *n = (size_t *)((uint8_t *)message + field->quantifier_offset), size = element_size(field);
        uint8_t **list = (uint8_t **)((uint8_t *)message + field->offset), *grown;

        size_t room = index > *n ? index : *n;

        if (index > *n + 1)
                return NULL;
        grown = arena_alloc(arena, room * size);
        if (!grown)
                return NULL;
        memset(grown, 0, room * size);
        if (*n)
                memcpy(grown, *list, *n * size);
        if (field->type == PROTOBUF_C_TYPE_STRING && index > *n)
                ((const char **)grown)[index - 1] = protobuf_c_empty_string;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
            !own_copy((ProtobufCMessage **)grown + index - 1, field->descriptor, arena))
                return NULL;
        *list = grown;
        *n = room;
        return grown + (index - 1) * size;
}

static void *field_open(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index, Arena *arena) {
        uint8_t *quantifier = (uint8_t *)message + field->quantifier_offset;
        void *place = (uint8_t *)message + field->offset;

        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return index ? list_open(message, field, index, arena) : NULL;
        if (index)
                return NULL;
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
                if (*(uint32_t *)quantifier != field->id)
                        return NULL; /* another body */
        } else if (!is_pointer(field))
                *(protobuf_c_boolean *)quantifier = 1;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && !own_copy(place, field->descriptor, arena))
                return NULL;
        return place;
}

static bool number_read(const char *text, bool is_signed, uint64_t max, uint64_t *ret) {
        bool is_negative = is_signed && text[0] == '-';
        uint64_t value;

        if (text_to_u64(text + is_negative, &value) < 0 || value > max)
                return false;
        *ret = is_negative ? (uint64_t) - (int64_t)value : value;
        return true;
}

static bool scalar_set(const ProtobufCFieldDescriptor *field, void *place, const char *text) {
        const ProtobufCEnumValue *found;
        uint64_t value = 0;

        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                *(const char **)place = text;
                return true;
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)place = strcmp(text, "true") == 0;
                return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
        case PROTOBUF_C_TYPE_ENUM:
                found = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, text);
                if (found)
                        *(int *)place = found->value;
                return found != NULL;
        case PROTOBUF_C_TYPE_UINT32:
                if (!number_read(text, false, UINT32_MAX, &value))
                        return false;
                *(uint32_t *)place = (uint32_t)value;
                return true;
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_INT64:
                if (!number_read(text, field->type == PROTOBUF_C_TYPE_INT64, INT64_MAX, &value))
                        return false;
                *(uint64_t *)place = value;
                return true;
        default:
                return false;
        }
}

static void field_clear(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index) {
        uint8_t *quantifier = (uint8_t *)message + field->quantifier_offset;

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                if (index && *(size_t *)quantifier >= index)
                        *(size_t *)quantifier = index - 1;
        } else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
                return;
        else if (is_pointer(field))
                *(void **)((uint8_t *)message + field->offset) = NULL;
        else
                *(protobuf_c_boolean *)quantifier = 0;
}

bool said_apply(Carebus__V1__Event *event, const SaidPart *part, Arena *arena) {
        ProtobufCMessage *message = &event->base;
        const char *path = part->path;

        for (;;) {
                const ProtobufCFieldDescriptor *field;
                void *place;
                Step step;

                path = step_read(path, &step);
                field = path ? protobuf_c_message_descriptor_get_field_by_name(message->descriptor, step.name) : NULL;
                if (!field || !element_size(field) || is_told_otherwise(message->descriptor, step.name))
                        return false;
                if (!part->text && !*path) {
                        field_clear(message, field, step.index);
                        return true;
                }
                if (!part->text && count_of(message, field) < (step.index ? step.index : 1))
                        return true; /* it is not there */
                place = field_open(message, field, step.index, arena);
                if (!place)
                        return false;
                if (field->type != PROTOBUF_C_TYPE_MESSAGE)
                        return !*path && scalar_set(field, place, part->text);
                message = *(ProtobufCMessage **)place;
                if (!message)
                        return false;
                if (!*path)
                        return !part->text[0]; /* it is there: no more was said */
        }
}

/* ---- the digest of a resource */

static bool is_left_out(const JsonNode *member, size_t depth) {
        static const char *const names[] = { "id", "meta", "text", "language", "implicitRules" };

        if (!member->name)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (depth == 0 && strcmp(member->name, names[i]) == 0)
                        return true;
        return strcmp(member->name, "reference") == 0 && member->kind == JSON_STRING && member->text[0] != '#';
}

static bool is_said(const JsonNode *node) {
        return text_equal(json_said(node, "url"), SAID_URL);
}

static void node_digest(const JsonNode *node, size_t depth, uint8_t ret[SHA256_SIZE]);

/* Members may come back in another order: their digests are added up. */
static void members_digest(const JsonNode *node, size_t depth, uint8_t sum[SHA256_SIZE]) {
        memset(sum, 0, SHA256_SIZE);
        for (const JsonNode *child = node->first; child; child = child->next) {
                uint8_t inner[SHA256_SIZE], both[2 * SHA256_SIZE], digest[SHA256_SIZE];
                unsigned carry = 0;

                if (is_left_out(child, depth) || (depth > 0 && is_said(child)))
                        continue;
                if (depth == 0 && strcmp(child->name, "extension") == 0 && child->first && !child->first->next &&
                    is_said(child->first))
                        continue; /* the list is there for this extension alone */
                node_digest(child, depth + 1, inner);
                sha256(child->name ?: "", strlen(child->name ?: ""), both);
                memcpy(both + SHA256_SIZE, inner, SHA256_SIZE);
                sha256(both, sizeof(both), digest);
                for (size_t i = 0; i < SHA256_SIZE; i++) {
                        carry += (unsigned)sum[i] + digest[i];
                        sum[i] = (uint8_t)carry;
                        carry >>= 8;
                }
        }
}

static void elements_digest(const JsonNode *node, size_t depth, uint8_t chain[SHA256_SIZE]) {
        memset(chain, 1, SHA256_SIZE);
        for (const JsonNode *child = node->first; child; child = child->next) {
                uint8_t both[2 * SHA256_SIZE];

                if (is_said(child))
                        continue;
                memcpy(both, chain, SHA256_SIZE);
                node_digest(child, depth + 1, both + SHA256_SIZE);
                sha256(both, sizeof(both), chain);
        }
}

/* As deep as the reader let the tree become. */
static void node_digest(const JsonNode *node, size_t depth, uint8_t ret[SHA256_SIZE]) {
        const char kind = (char)('0' + (int)node->kind);

        if (node->kind == JSON_OBJECT)
                members_digest(node, depth, ret);
        else if (node->kind == JSON_ARRAY)
                elements_digest(node, depth, ret);
        else {
                uint8_t both[SHA256_SIZE + 1];

                sha256(node->text ?: "", node->text ? node->size : 0, both + 1);
                both[0] = (uint8_t)kind;
                sha256(both, sizeof(both), ret);
        }
}

void said_digest(const JsonNode *resource, char ret[SAID_DIGEST_SIZE]) {
        uint8_t digest[SHA256_SIZE];

        node_digest(resource, 0, digest);
        hex_encode(digest, (SAID_DIGEST_SIZE - 1) / 2, ret);
}
