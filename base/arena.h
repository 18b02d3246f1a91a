#pragma once
/*
 * Memory for one message: bump allocation under a cap, all given back at once. What a hostile message can cost is the
 * cap. Used through `protobuf-c`'s allocator by proto/check, never handed across threads.
 */
#include <stddef.h>

#include "base/cleanup.h"

typedef struct Arena Arena;

/* `cap`: most bytes it will ever hold, with what alignment takes. A page costs memory from its first use on; about 1 MiB
 * of them stays memory over arena_reset(). -EINVAL for a cap of 0. One thread at a time. */
int arena_new(Arena **ret, size_t cap);
Arena *arena_free(Arena *arena);
DEFINE_CLEANUP(Arena *, arena_free)
/* NULL when the cap or memory is reached. Aligned to 16. Not cleared. */
void *arena_alloc(Arena *arena, size_t size);
char *arena_text(Arena *arena, const void *data, size_t size); /* NUL-terminated copy */
char *arena_format(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(Arena *arena);
size_t arena_used(const Arena *arena);
/* Everything allocated after a mark is given back by arena_rewind(). */
typedef struct ArenaMark {
        void *chunk;
        size_t offset;
} ArenaMark;
ArenaMark arena_mark(Arena *arena);
void arena_rewind(Arena *arena, ArenaMark mark);
