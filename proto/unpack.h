#pragma once
/*
 * Unpacks what we packed ourselves: each field of a message is looked at once, in the order in which it stands, and nothing is kept of it
 * but what is given. Gives the same as protobuf_c_message_unpack(), at half the price.
 */
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/bytes.h"

/* Lives in the arena. 0; -ENOMEM: the arena is full; -EBADMSG: protobuf-c would not take it either. */
int unpack_message(const ProtobufCMessageDescriptor *descriptor, Bytes bytes, Arena *arena, ProtobufCMessage **ret);
