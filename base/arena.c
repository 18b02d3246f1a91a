/*
 * The whole cap is address space from the start, and pages of it become memory when they are first written. So the cap is
 * exact, nothing is ever moved or chained, and a mark is an offset. AddressSanitizer is told what is not handed out.
 */
#include "base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define ARENA_POISONS 1
#endif
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#endif

#define ARENA_ALIGNMENT 16U
/* What stays memory over a reset; beyond it one large message would be paid for as long as the process lives. */
#define ARENA_KEPT (1024U * 1024U)
/* So far ahead of what is handed out nothing may be touched, as far as anybody looks: marking the whole cap would take longer than
 * most arenas live. */
#define ARENA_GUARD (64U * 1024U)
#define ARENA_GUARD_STEP (1024U * 1024U)

struct Arena {
        uint8_t *data;
        size_t cap;
        size_t mapped; /* the cap in whole pages */
        size_t used;
        size_t touched; /* highest `used` since pages were last given back */
#ifdef ARENA_POISONS
        size_t poisoned; /* up to here nothing but what is handed out may be touched */
#endif
};

static size_t round_up(size_t size, size_t to) {
        return (size + to - 1) / to * to;
}

#ifdef ARENA_POISONS
static void poison_ahead(Arena *arena) {
        size_t to;

        if (arena->used + ARENA_GUARD <= arena->poisoned || arena->poisoned == arena->mapped)
                return;
        to = MIN(round_up(arena->used + ARENA_GUARD, ARENA_GUARD_STEP), arena->mapped);
        ASAN_POISON_MEMORY_REGION(arena->data + arena->poisoned, to - arena->poisoned);
        arena->poisoned = to;
}

static void poison_end(const Arena *arena) {
        ASAN_UNPOISON_MEMORY_REGION(arena->data, arena->poisoned);
}
#else
static void poison_ahead(const Arena *arena) {
        (void)arena;
}

static void poison_end(const Arena *arena) {
        (void)arena;
}
#endif

int arena_new(Arena **ret, size_t cap) {
        _cleanup_(freep) Arena *arena = NULL;
        void *data;

        if (cap == 0 || cap > SIZE_MAX / 4)
                return -EINVAL;
        arena = calloc(1, sizeof(*arena));
        if (!arena)
                return -ENOMEM;
        arena->cap = round_up(cap, ARENA_ALIGNMENT);
        arena->mapped = round_up(arena->cap, (size_t)sysconf(_SC_PAGESIZE));
        data = mmap(NULL, arena->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (data == MAP_FAILED)
                return -errno;
        /* What people said lies here: in no dump, whoever takes one. A kernel that cannot do it has the two other ways, no dumps at all. */
        (void)madvise(data, arena->mapped, MADV_DONTDUMP);
        arena->data = data;
        poison_ahead(arena);
        *ret = TAKE_PTR(arena);
        return 0;
}

Arena *arena_free(Arena *arena) {
        if (!arena)
                return NULL;
        poison_end(arena);
        munmap(arena->data, arena->mapped);
        free(arena);
        return NULL;
}

void *arena_alloc(Arena *arena, size_t size) {
        uint8_t *place = arena->data + arena->used;

        /* An empty allocation still has an address of its own. */
        if (size > arena->cap - arena->used || arena->cap == arena->used)
                return NULL;
        arena->used += round_up(size ? size : 1, ARENA_ALIGNMENT);
        arena->touched = MAX(arena->touched, arena->used);
        poison_ahead(arena);
        ASAN_UNPOISON_MEMORY_REGION(place, size);
        return place;
}

char *arena_text(Arena *arena, const void *data, size_t size) {
        char *text;

        if (size == SIZE_MAX)
                return NULL;
        text = arena_alloc(arena, size + 1);
        if (!text)
                return NULL;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        return text;
}

char *arena_format(Arena *arena, const char *format, ...) {
        va_list arguments;
        char *text;
        int n;

        va_start(arguments, format);
        n = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        if (n < 0)
                return NULL;
        text = arena_alloc(arena, (size_t)n + 1);
        if (!text)
                return NULL;
        va_start(arguments, format);
        (void)vsnprintf(text, (size_t)n + 1, format, arguments);
        va_end(arguments);
        return text;
}

/* What lies behind `used` is poisoned already: only what is given back is new, and the whole cap would take milliseconds. */
static void arena_set_used(Arena *arena, size_t used) {
        if (used < arena->used)
                ASAN_POISON_MEMORY_REGION(arena->data + used, arena->used - used);
        arena->used = used;
}

void arena_reset(Arena *arena) {
        if (arena->touched > ARENA_KEPT) {
                /* Nothing depends on its success: the pages only stay. */
                (void)madvise(arena->data + ARENA_KEPT, arena->mapped - ARENA_KEPT, MADV_DONTNEED);
                arena->touched = 0;
        }
        arena_set_used(arena, 0);
}

size_t arena_used(const Arena *arena) {
        return arena->used;
}

ArenaMark arena_mark(Arena *arena) {
        return (ArenaMark){ .chunk = arena->data, .offset = arena->used };
}

void arena_rewind(Arena *arena, ArenaMark mark) {
        /* A mark of another arena, or one from before a rewind below it, gives nothing back. */
        if (mark.chunk == arena->data && mark.offset <= arena->used)
                arena_set_used(arena, mark.offset);
}
