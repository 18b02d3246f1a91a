#pragma once
/* Two messages of the contract, field by field, by their descriptors: what one says and the other does not. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>

#include "base/text.h"
#include "carebus/v1/common.pb-c.h"

/* `kind`: lost, new, other. */
typedef void (*RoundtripSeen)(void *owner, const char *path, const char *kind, const char *before, const char *after);

typedef struct Roundtrip {
        RoundtripSeen seen;
        void *owner;
        size_t n;
} Roundtrip;

static inline void roundtrip_tell(Roundtrip *r, const char *path, const char *kind, const char *before,
                                  const char *after) {
        r->n++;
        if (r->seen)
                r->seen(r->owner, path, kind, before ? before : "", after ? after : "");
}

static inline void roundtrip_walk(Roundtrip *r, const ProtobufCMessage *a, const ProtobufCMessage *b, const char *path);

/* Two moments are the same moment however they were written, and as precise. */
static inline bool roundtrip_whens_agree(const ProtobufCMessage *a, const ProtobufCMessage *b) {
        const Carebus__V1__When *x = (const Carebus__V1__When *)a, *y = (const Carebus__V1__When *)b;

        if (a->descriptor != &carebus__v1__when__descriptor || !x->has_utc_at)
                return false;
        return y->has_utc_at && x->utc_at == y->utc_at && x->precision == y->precision;
}

static inline void roundtrip_element(Roundtrip *r, const ProtobufCFieldDescriptor *field, const void *x, const void *y,
                                     const char *path) {
        static const size_t sizes[] = {
                [PROTOBUF_C_TYPE_UINT32] = 4, [PROTOBUF_C_TYPE_ENUM] = 4,   [PROTOBUF_C_TYPE_BOOL] = 4,
                [PROTOBUF_C_TYPE_INT64] = 8,  [PROTOBUF_C_TYPE_UINT64] = 8, [PROTOBUF_C_TYPE_SINT32] = 4
        };

        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                const ProtobufCMessage *a = *(const ProtobufCMessage *const *)x,
                                       *b = *(const ProtobufCMessage *const *)y;

                if (!roundtrip_whens_agree(a, b))
                        roundtrip_walk(r, a, b, path);
        } else if (field->type == PROTOBUF_C_TYPE_STRING) {
                if (strcmp(*(const char *const *)x, *(const char *const *)y) != 0)
                        roundtrip_tell(r, path, "other", *(const char *const *)x, *(const char *const *)y);
        } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
                const ProtobufCBinaryData *a = x, *b = y;

                if (a->len != b->len || (a->len && memcmp(a->data, b->data, a->len) != 0))
                        roundtrip_tell(r, path, "other", "bytes", "bytes");
        } else if (memcmp(x, y, sizes[field->type]) != 0) {
                char before[24], after[24];

                snprintf(before, sizeof(before), "%d", *(const int *)x);
                snprintf(after, sizeof(after), "%d", *(const int *)y);
                roundtrip_tell(r, path, "other", before, after);
        }
}

static inline void roundtrip_list(Roundtrip *r, const ProtobufCFieldDescriptor *field, const uint8_t *a,
                                  const uint8_t *b, const char *path) {
        size_t n = *(const size_t *)(a + field->quantifier_offset), m = *(const size_t *)(b + field->quantifier_offset);
        const uint8_t *x = *(const uint8_t *const *)(a + field->offset),
                      *y = *(const uint8_t *const *)(b + field->offset);
        size_t size = field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_ENUM ? 4 : sizeof(void *);

        for (size_t i = 0; i < n && i < m; i++)
                roundtrip_element(r, field, x + i * size, y + i * size, path);
        for (size_t i = m; i < n; i++)
                roundtrip_tell(r, path, "lost", "element", "");
        for (size_t i = n; i < m; i++)
                roundtrip_tell(r, path, "new", "", "element");
}

static inline bool roundtrip_is_there(const ProtobufCFieldDescriptor *field, const uint8_t *base) {
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
                return *(const uint32_t *)(base + field->quantifier_offset) == field->id;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING)
                return *(void *const *)(base + field->offset);
        return *(const protobuf_c_boolean *)(base + field->quantifier_offset);
}

static inline void roundtrip_walk(Roundtrip *r, const ProtobufCMessage *a, const ProtobufCMessage *b,
                                  const char *path) {
        for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &a->descriptor->fields[i];
                const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
                char below[256];

                snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", field->name);
                if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                        roundtrip_list(r, field, x, y, below);
                        continue;
                }
                if (!roundtrip_is_there(field, x) && !roundtrip_is_there(field, y))
                        continue;
                if (roundtrip_is_there(field, x) && roundtrip_is_there(field, y))
                        roundtrip_element(r, field, x + field->offset, y + field->offset, below);
                else {
                        bool is_text = field->type == PROTOBUF_C_TYPE_STRING;
                        bool is_lost = roundtrip_is_there(field, x);

                        roundtrip_tell(r, below, is_lost ? "lost" : "new",
                                       is_lost && is_text ? *(const char *const *)(x + field->offset) : "",
                                       !is_lost && is_text ? *(const char *const *)(y + field->offset) : "");
                }
        }
}

/* How many fields differ; each is told to `seen` (may be NULL). */
static inline size_t roundtrip_compare(const ProtobufCMessage *a, const ProtobufCMessage *b, RoundtripSeen seen,
                                       void *owner) {
        Roundtrip r = { .seen = seen, .owner = owner };

        roundtrip_walk(&r, a, b, "");
        return r.n;
}
