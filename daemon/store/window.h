#pragma once
/*
 * A file seen through one buffer: large reads when it is read on, small ones when it is jumped about in, no copy of what
 * is handed out. Used inside daemon/store only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Window {
        int fd; /* borrowed */
        uint8_t *data;
        size_t capacity;
        uint64_t start;
        size_t size;
        size_t ahead; /* what the next read takes at least */
} Window;

#define WINDOW_NULL ((Window){ .fd = -1 })

void window_deinit(Window *window);
/* Looks at another file from here on. */
void window_attach(Window *window, int fd);
/* Forgets what was read: the next look reads anew. */
void window_drop(Window *window);
/* `size` bytes at `offset`, borrowed until the next call. JOURNAL_E_END when the file ends before. */
int window_get(Window *window, uint64_t offset, size_t size, const uint8_t **ret);
/* As many bytes as lie there, up to `size`; *ret_size 0 at the end of the file. */
int window_get_some(Window *window, uint64_t offset, size_t size, const uint8_t **ret, size_t *ret_size);
