#include "daemon/record/demographics.h"

#include <errno.h>
#include <string.h>

#include "base/sha256.h"
#include "proto/check.h"

#define FIELDS 64

/* Somebody may be in danger whose place becomes known: a restriction ends by a word alone, not by an empty field. */
enum { FIELD_RESTRICTED = 25 };

/* No field has this number: the stamp of what the events say of sensitivity. */
enum { FIELD_SENSITIVITY = 0 };

/* The stamps of a fact, one a field. Most fields were said by the same message, so they are stored by stamp. */
typedef struct Fields {
        const Carebus__V1__Stamp *stamps[FIELDS]; /* NULL: never said */
        FieldMask emptied;
        FieldMask complete;
} Fields;

static void fields_read(const Carebus__V1__StoredFact *stored, Fields *ret) {
        memset(ret, 0, sizeof(*ret));
        for (size_t i = 0; i < stored->n_fields; i++) {
                const Carebus__V1__FieldStamps *group = stored->fields[i];

                for (FieldMask left = group->fields; left; left &= left - 1)
                        ret->stamps[__builtin_ctzll(left)] = group->stamp;
                ret->emptied |= group->emptied;
                ret->complete |= group->complete;
        }
}

/* In the order of the first field of each stamp: the same fields give the same bytes. */
static int fields_write(Carebus__V1__StoredFact *stored, const Fields *fields, Arena *arena) {
        FieldMask done = 0;

        stored->n_fields = 0;
        for (unsigned i = 0; i < FIELDS; i++) {
                Carebus__V1__FieldStamps *group;

                if (!fields->stamps[i] || (done & field_mask_of(i)))
                        continue;
                group = arena_alloc(arena, sizeof(*group));
                if (!group)
                        return -ENOMEM;
                carebus__v1__field_stamps__init(group);
                group->stamp = (Carebus__V1__Stamp *)fields->stamps[i];
                for (unsigned j = i; j < FIELDS; j++)
                        if (fields->stamps[j] && stamp_compare(fields->stamps[j], fields->stamps[i]) == 0)
                                group->fields |= field_mask_of(j);
                group->has_fields = 1;
                group->emptied = fields->emptied & group->fields;
                group->has_emptied = group->emptied != 0;
                group->complete = fields->complete & group->fields;
                group->has_complete = group->complete != 0;
                done |= group->fields;
                if (list_append((void ***)&stored->fields, &stored->n_fields, group, arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int cleared_write(Carebus__V1__Fact *fact, FieldMask emptied, Arena *arena) {
        const ProtobufCMessageDescriptor *descriptor = &carebus__v1__demographics__descriptor;

        fact->n_cleared = 0;
        for (unsigned i = 0; i < descriptor->n_fields && emptied; i++) {
                char *path;

                if (!(emptied & field_mask_of(descriptor->fields[i].id)))
                        continue;
                path = arena_format(arena, "demographics.%s", descriptor->fields[i].name);
                if (!path || list_append((void ***)&fact->cleared, &fact->n_cleared, path, arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

typedef struct Laying {
        Carebus__V1__Demographics *value;
        const Carebus__V1__Demographics *said;
        const BodyPaths *paths;
        const Carebus__V1__Stamp *stamp;
        Fields *fields;
        Arena *arena;
} Laying;

static int field_lay(Laying *l, const ProtobufCFieldDescriptor *field) {
        FieldMask mask = field_mask_of(field->id);
        bool says = body_field_is_said(&l->said->base, field),
             empties = !says && field->id != FIELD_RESTRICTED && ((l->paths->emptied | l->paths->complete) & mask);
        bool whole = (l->paths->complete | l->paths->whole) & mask;
        const Carebus__V1__Stamp *before = l->fields->stamps[field->id];

        if (!says && !empties)
                return 0;
        if (before && stamp_compare(before, l->stamp) > 0) {
                /* Said earlier than what stands: of a list, what nothing later spoke of is still true. */
                if (!says || ((l->fields->emptied | l->fields->complete) & mask))
                        return 0;
                return field->label == PROTOBUF_C_LABEL_REPEATED
                               ? body_field_lay_under(&l->value->base, &l->said->base, field, l->arena)
                               : 0;
        }
        l->fields->stamps[field->id] = l->stamp;
        l->fields->emptied = (l->fields->emptied & ~mask) | (empties ? mask : 0);
        l->fields->complete = (l->fields->complete & ~mask) | (whole ? mask : 0);
        if (empties) {
                body_field_empty(&l->value->base, field);
                return 0;
        }
        return body_field_lay(&l->value->base, &l->said->base, field, whole, l->arena);
}

/* A field within a field: it counts as saying the outer one. */
static int inner_lay(Laying *l, const char *path) {
        for (unsigned i = 0; i < l->value->base.descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &l->value->base.descriptor->fields[i];
                size_t n_name = strlen(field->name);
                const Carebus__V1__Stamp *before = l->fields->stamps[field->id];

                if (strncmp(path, field->name, n_name) != 0 || path[n_name] != '.')
                        continue;
                if (body_field_is_said(&l->said->base, field) || (before && stamp_compare(before, l->stamp) > 0))
                        return 0;
                l->fields->stamps[field->id] = l->stamp;
                return body_empty_inner(&l->value->base, path, l->arena);
        }
        return 0;
}

/* Whichever came last, the newest that says something of it counts. */
static void sensitivity_lay(const Laying *l, const Carebus__V1__Event *event, Carebus__V1__Fact *fact,
                            Carebus__V1__Sensitivity *before) {
        const Carebus__V1__Stamp *stamp = l->fields->stamps[FIELD_SENSITIVITY];

        fact->sensitivity = before;
        if (!event->sensitivity || (stamp && stamp_compare(stamp, l->stamp) > 0))
                return;
        fact->sensitivity = event->sensitivity;
        l->fields->stamps[FIELD_SENSITIVITY] = l->stamp;
}

static FieldMask changed_fields(const Carebus__V1__Demographics *before, const Carebus__V1__Demographics *after) {
        const ProtobufCMessageDescriptor *descriptor = before->base.descriptor;
        FieldMask changed = 0;

        for (unsigned i = 0; i < descriptor->n_fields; i++)
                if (!body_field_equal(&before->base, &after->base, &descriptor->fields[i]))
                        changed |= field_mask_of(descriptor->fields[i].id);
        return changed;
}

static int value_begin(Carebus__V1__Fact *fact, Carebus__V1__Demographics **ret, Arena *arena) {
        Carebus__V1__Demographics *value;

        if (fact->value_case == CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS && fact->demographics)
                value = message_shallow_copy(&fact->demographics->base, arena);
        else {
                value = arena_alloc(arena, sizeof(*value));
                if (value)
                        carebus__v1__demographics__init(value);
        }
        *ret = value;
        return value ? 0 : -ENOMEM;
}

int demographics_add(Carebus__V1__StoredFact *stored, const Said *said, const Carebus__V1__Demographics *demographics,
                     Arena *arena, FieldMask *ret_changed) {
        const ProtobufCMessageDescriptor *descriptor = &carebus__v1__demographics__descriptor;
        Carebus__V1__Demographics *value, before;
        Carebus__V1__Fact *fact = stored->fact;
        Carebus__V1__Sensitivity *sensitivity = fact->sensitivity;
        FieldMask emptied_before;
        BodyPaths paths;
        Fields fields;
        Laying laying = { .said = demographics, .paths = &paths, .fields = &fields, .arena = arena };
        bool newest = stamp_parts_compare(stamp_parts(stored->newest), said->stamp) <= 0;
        int r;

        r = body_paths_read(said->event, "demographics", descriptor, arena, &paths);
        if (r < 0)
                return r;
        paths.whole = said->lists_whole ? ~(FieldMask)0 : 0;
        laying.stamp = stamp_make(said->stamp, arena);
        r = value_begin(fact, &value, arena);
        if (r < 0 || !laying.stamp)
                return -ENOMEM;
        before = *value;
        fields_read(stored, &fields);
        emptied_before = fields.emptied;
        laying.value = value;
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                r = field_lay(&laying, &descriptor->fields[i]);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < paths.n_inner; i++) {
                r = inner_lay(&laying, paths.inner[i]);
                if (r < 0)
                        return r;
        }
        *ret_changed = changed_fields(&before, value);
        fact->value_case = CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS;
        fact->demographics = value;
        fact->status = (char *)"current";
        if (!fact->event_id || (newest && (*ret_changed || emptied_before != fields.emptied)))
                r = fact_say(fact, said, arena);
        else if (*ret_changed)
                r = fact_remember(fact, said->event->event_id, arena);
        else if (newest)
                fact_confirm(fact, said);
        if (r < 0)
                return r;
        sensitivity_lay(&laying, said->event, fact, sensitivity);
        if (newest)
                stored->newest = (Carebus__V1__Stamp *)laying.stamp;
        if (emptied_before != fields.emptied) {
                r = cleared_write(fact, fields.emptied, arena);
                if (r < 0)
                        return r;
        }
        return fields_write(stored, &fields, arena);
}

static bool wire_find(Bytes message, unsigned number, Bytes *ret) {
        size_t offset = 0;
        WireField field;

        while (wire_field_next(message, &offset, &field) == 0)
                if (field.number == number && field.wire_type == 2) {
                        *ret = field.bytes;
                        return true;
                }
        return false;
}

int demographics_hash(const Said *said, Arena *arena, uint8_t ret[DEMOGRAPHICS_HASH_SIZE]) {
        enum {
                EVENT_PATIENT = 11,
                EVENT_SENSITIVITY = 20,
                EVENT_CLEARED = 21,
                EVENT_COMPLETE = 22,
                EVENT_DEMOGRAPHICS = 50,
                SUBJECT_IDENTIFIERS = 2,
                SUBJECT_DEMOGRAPHICS = 3
        };
        uint8_t hash[SHA256_SIZE], *text, *at;
        Bytes patient = BYTES_NULL, demographics;
        size_t offset = 0, began;
        WireField field;

        if (said->packed.size == 0)
                return -ENODATA;
        wire_find(said->packed, EVENT_PATIENT, &patient);
        if (!wire_find(said->packed, EVENT_DEMOGRAPHICS, &demographics) &&
            !wire_find(patient, SUBJECT_DEMOGRAPHICS, &demographics))
                return -ENODATA;
        text = at = arena_alloc(arena, said->packed.size + 1);
        if (!text)
                return -ENOMEM;
        *at++ = said->lists_whole;
        memcpy(at, demographics.data, demographics.size);
        at += demographics.size;
        for (began = 0; wire_field_next(said->packed, &offset, &field) == 0; began = offset)
                if (field.number == EVENT_CLEARED || field.number == EVENT_COMPLETE ||
                    field.number == EVENT_SENSITIVITY) {
                        memcpy(at, said->packed.data + began, offset - began);
                        at += offset - began;
                }
        for (began = offset = 0; wire_field_next(patient, &offset, &field) == 0; began = offset)
                if (field.number == SUBJECT_IDENTIFIERS) {
                        memcpy(at, patient.data + began, offset - began);
                        at += offset - began;
                }
        sha256(text, (size_t)(at - text), hash);
        memcpy(ret, hash, DEMOGRAPHICS_HASH_SIZE);
        return 0;
}

void demographics_advance(Carebus__V1__StoredFact *stored, Carebus__V1__SaidAgain *again) {
        for (size_t i = 0; i < stored->n_fields; i++)
                if (stamp_compare(stored->fields[i]->stamp, again->first) == 0)
                        stored->fields[i]->stamp = again->newest;
        stored->newest = again->newest;
        again->first = again->newest;
        if (again->event_id) {
                stored->fact->confirmed_event_id = again->event_id;
                stored->fact->has_confirmed_at = again->has_received_at;
                stored->fact->confirmed_at = again->received_at;
        }
}

StampParts demographics_stamp(const Carebus__V1__StoredFact *stored, unsigned number) {
        for (size_t i = 0; i < stored->n_fields; i++)
                if (stored->fields[i]->fields & field_mask_of(number))
                        return stamp_parts(stored->fields[i]->stamp);
        return stamp_parts(NULL);
}
