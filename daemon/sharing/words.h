#pragma once
/*
 * What is sensitive, found in one pass: codes by their hashes, words by those of their folded letters. Nothing is allocated by
 * looking. Inside this folder.
 */
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "carebus/v1/sharing.pb-c.h"
#include "daemon/sharing/policy.h"

typedef struct Words Words;

/* The classes of both settings (NULL: none); what either says of a class counts. In the arena. 0 or -ENOMEM. */
int words_new(const Carebus__V1__SharingSettings *const said[2], const PolicyClasses *classes, Arena *arena,
              Words **ret);
uint64_t words_find(const Words *words, const ProtobufCMessage *message);
/* The same of packed bytes, without unpacking them. 0 or -EBADMSG. */
int words_find_packed(const Words *words, const ProtobufCMessageDescriptor *descriptor, Bytes bytes, uint64_t *ret);
