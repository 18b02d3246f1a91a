#pragma once
/*
 * Bodies of events laid over one another, field by field, by the schema: what is said replaces, what is emptied is removed, what is
 * absent stays. Messages are never freed: they, and all that is made here, live in the caller's arena and may share parts.
 * Any thread.
 */
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "carebus/v1/event.pb-c.h"

/* Field numbers of a body as bits. Bodies have numbers below 128; a higher one is never in a mask. Demographics and encounters, whose
 * masks are stored, stay below 64. */
__extension__ typedef unsigned __int128 FieldMask;
static inline FieldMask field_mask_of(unsigned number) {
        return number < 128 ? (FieldMask)1 << number : 0;
}

/* What an event says about the fields of one body beside the body itself. */
typedef struct BodyPaths {
        FieldMask emptied;  /* whole fields */
        FieldMask complete; /* lists that are stated completely: absent is emptied */
        FieldMask whole;    /* lists that are said whole where they are said at all */
        const char **inner; /* paths of emptied fields within fields, relative to the body: place.bed */
        size_t n_inner;
} BodyPaths;

/* Reads Event.cleared and Event.complete for the body named `name` ("demographics", which may stand under "patient."). */
int body_paths_read(const Carebus__V1__Event *event, const char *name, const ProtobufCMessageDescriptor *descriptor,
                    Arena *arena, BodyPaths *ret);

bool body_field_is_said(const ProtobufCMessage *body, const ProtobufCFieldDescriptor *field);
/* `to` gets the field of `from`, shared. */
void body_field_take(ProtobufCMessage *to, const ProtobufCMessage *from, const ProtobufCFieldDescriptor *field);
void body_field_empty(ProtobufCMessage *body, const ProtobufCFieldDescriptor *field);
/* Fields that are said. */
FieldMask body_said(const ProtobufCMessage *body);

/* Lays one field of `from` over `to`. Of a list that is not complete, elements that `from` has nothing of stay: what makes two elements
 * the same thing (use of a name, role of a participant) depends on their type. 0 or -ENOMEM. */
int body_field_lay(ProtobufCMessage *to, const ProtobufCMessage *from, const ProtobufCFieldDescriptor *field,
                   bool complete, Arena *arena);
/* The other way round, for what was said earlier and comes later: only elements that `to` has nothing of are added. */
int body_field_lay_under(ProtobufCMessage *to, const ProtobufCMessage *from, const ProtobufCFieldDescriptor *field,
                         Arena *arena);
/* All fields, and what `paths` empties. 0 or -ENOMEM. */
int body_lay(ProtobufCMessage *to, const ProtobufCMessage *from, const BodyPaths *paths, Arena *arena);
/* Empties a field within a field; what is shared is copied first. A path that leads nowhere changes nothing. */
int body_empty_inner(ProtobufCMessage *body, const char *path, Arena *arena);

/* Do two messages of one type say the same? Unknown fields are not looked at. Either may be NULL. */
bool body_field_equal(const ProtobufCMessage *a, const ProtobufCMessage *b, const ProtobufCFieldDescriptor *field);
bool body_equal(const ProtobufCMessage *a, const ProtobufCMessage *b);

/* Packed into the arena; data NULL when it is full. */
Bytes message_pack(const ProtobufCMessage *message, Arena *arena);
/* Out of the state: no limits but the arena. 0, -ENOMEM or -EBADMSG. */
int message_unpack(const ProtobufCMessageDescriptor *descriptor, Bytes bytes, Arena *arena, ProtobufCMessage **ret);
/* An empty message. NULL when the arena is full. */
void *message_new(const ProtobufCMessageDescriptor *descriptor, Arena *arena);
/* The message itself, its parts shared. NULL when the arena is full. */
void *message_shallow_copy(const ProtobufCMessage *message, Arena *arena);
/* Appends to a repeated field of pointers. 0 or -ENOMEM. */
int list_append(void ***list, size_t *n_list, void *item, Arena *arena);
/* The same for lists that may be long: `*room` is 0 for an empty list, and doubles. The list is appended to in no other way. */
int list_append_roomy(void ***list, size_t *n_list, size_t *room, void *item, Arena *arena);
