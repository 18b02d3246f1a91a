/*
 * Bytes of a message: what protobuf-c takes is taken, with the same in it, and nothing else is; and what was taken is packed to the same
 * bytes by our packing and by protobuf-c's.
 *
 * Input: which message, then its bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "carebus/v1/event.pb-c.h"
#include "carebus/v1/intake.pb-c.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "carebus/v1/state.pb-c.h"
#include "proto/pack.h"
#include "proto/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_BYTES (64u << 20)

static const ProtobufCMessageDescriptor *const descriptors[] = {
        &carebus__v1__event__descriptor,    &carebus__v1__submission__descriptor,
        &carebus__v1__record__descriptor,   &carebus__v1__stored_section__descriptor,
        &carebus__v1__person__descriptor,   &carebus__v1__outcome__descriptor,
        &carebus__v1__settings__descriptor,
};

static Bytes packed_by_protobuf_c(const ProtobufCMessage *message, uint8_t **ret) {
        const size_t size = protobuf_c_message_get_packed_size(message);

        *ret = malloc(size + 1);
        if (!*ret || protobuf_c_message_pack(message, *ret) != size)
                abort();
        return bytes_of(*ret, size);
}

static void compare(const ProtobufCMessage *theirs, const ProtobufCMessage *ours, Arena *arena) {
        _cleanup_(freep) uint8_t *a = NULL, *b = NULL;
        const Bytes expected = packed_by_protobuf_c(theirs, &a), got = packed_by_protobuf_c(ours, &b);
        Bytes packed;

        if (!bytes_equal(expected, got))
                abort();
        for (size_t guess = 0; guess <= expected.size + 1; guess += expected.size / 2 + 1)
                if (pack_message(ours, guess, arena, &packed) != 0 || !bytes_equal(packed, expected))
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const ProtobufCMessageDescriptor *descriptor;
        ProtobufCMessage *theirs, *ours;
        static Arena *arena;
        int r;

        if (size < 1 || size > 65536)
                return 0;
        if (!arena && arena_new(&arena, ARENA_BYTES) < 0)
                abort();
        arena_reset(arena);
        descriptor = descriptors[data[0] % (sizeof(descriptors) / sizeof(*descriptors))];
        r = unpack_message(descriptor, bytes_of(data + 1, size - 1), arena, &ours);
        if (r == -ENOMEM)
                return 0;
        theirs = protobuf_c_message_unpack(descriptor, NULL, size - 1, data + 1);
        if (r != (theirs ? 0 : -EBADMSG))
                abort();
        if (!theirs)
                return 0;
        compare(theirs, ours, arena);
        protobuf_c_message_free_unpacked(theirs, NULL);
        return 0;
}
