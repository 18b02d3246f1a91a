#pragma once
/*
 * What the fuzz targets of the contract promise, whatever the bytes: no crash, and what passes the wire check costs no
 * more memory than the check said.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "proto/check.h"
#include "proto/json.h"
#include "proto/validate.h"

#define FUZZ_ARENA_CAP (16 * 1024 * 1024)

typedef struct FuzzMemory {
        size_t spent;
        void **blocks;
        size_t n_blocks;
} FuzzMemory;

static void *fuzz_memory_alloc(void *owner, size_t size) {
        FuzzMemory *memory = owner;

        memory->blocks = realloc(memory->blocks, (memory->n_blocks + 1) * sizeof(*memory->blocks));
        if (!memory->blocks)
                abort();
        memory->spent += (size + 15) & ~(size_t)15;
        return memory->blocks[memory->n_blocks++] = malloc(size);
}

static void fuzz_memory_free(void *owner, void *pointer) {
        (void)owner;
        (void)pointer;
}

/* Unpacks what passed the check, block by block on the heap, where a sanitizer sees each byte too far. */
static inline void fuzz_wire(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size) {
        static const CheckLimits limits = {
                .max_size = 4 * 1024 * 1024,
                .max_text = 256 * 1024,
                .max_bytes = 4 * 1024 * 1024,
                .max_repeated = 16 * 1024,
                .max_elements = 256 * 1024,
                .max_unknown = 256 * 1024,
        };
        FuzzMemory memory = { 0 };
        ProtobufCAllocator allocator = { .alloc = fuzz_memory_alloc,
                                         .free = fuzz_memory_free,
                                         .allocator_data = &memory };
        ProtobufCMessage *message;
        CheckError error;
        size_t promised;

        if (check_wire(descriptor, bytes_of(data, size), &limits, &promised, &error) != 0) {
                if (error.code == 0 || error.offset > size)
                        abort();
                return;
        }
        message = protobuf_c_message_unpack(descriptor, &allocator, size, data);
        if (!message || memory.spent > promised || promised > check_memory_limit(size))
                abort();
        free(json_line(message));
        for (size_t i = 0; i < memory.n_blocks; i++)
                free(memory.blocks[i]);
        free(memory.blocks);
}

/* One arena for the whole run: what one input leaves behind is there for the next. */
static inline Arena *fuzz_arena(void) {
        static Arena *arena;

        if (!arena && arena_new(&arena, FUZZ_ARENA_CAP) < 0)
                abort();
        arena_reset(arena);
        return arena;
}
