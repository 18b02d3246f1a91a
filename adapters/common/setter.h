#pragma once
/*
 * Sets a field of a canonical message by its path, driven by the descriptors of the contract, so that a field that is new
 * in the schema can be mapped by a profile with no code: demographics.access_note, encounter.class,
 * demographics.identifiers[1].value.
 */
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/* Positive returns. */
enum {
        _SETTER_E_SUCCESS,
        SETTER_E_NO_FIELD, /* the path names no field */
        SETTER_E_BODY,     /* the path goes into a body that this event does not have */
        SETTER_E_VALUE,    /* the text does not fit the field: a number, a truth, an enum */
};

/* Sets what `path` names to what `text` means there. Text fields take it as it is; a Coded takes it as original code, a
 * When and a Date as their text, an Identifier as its value, a HumanName and an Address as their text; numbers and truths
 * (true, yes, y, 1) are read. A repeated field gets one more element, but for [n] (from 1). Everything lives in the arena.
 * -ENOMEM when that is full. */
int setter_set(ProtobufCMessage *message, const char *path, const char *text, Arena *arena);
/* Whether a path names a field of this message: for checking a profile. */
int setter_check_path(const ProtobufCMessageDescriptor *descriptor, const char *path);
