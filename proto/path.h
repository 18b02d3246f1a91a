#pragma once
/* Canonical paths, as profiles write them, against the schema. Any thread. */
#include <protobuf-c/protobuf-c.h>

/* The field that a path leads to: encounter.class, patient.identifiers, demographics.names[2].family. Demographics have one path
 * wherever they stand, and [n] is for lists alone. NULL: there is none. */
const ProtobufCFieldDescriptor *event_path_field(const char *path);
