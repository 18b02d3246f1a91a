#pragma once
/* Values by their paths in the schema: how a story writes any field of any body. */
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/arena.h"

/* Sets the field at `path` ("decision.decided_by") of the message to what `text` says: a code, a time, a number's value, a name, yes or
 * no, an enum's last word; a list gets one element more. `source` is whose numbers they are. Fails the running test where there is no
 * such field. */
void story_path_set(ProtobufCMessage *message, const char *path, const char *text, const char *source, Arena *arena);
/* Is there a word for values of such a message? */
bool story_path_can(const ProtobufCFieldDescriptor *field);
