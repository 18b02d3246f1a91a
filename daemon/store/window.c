/* Reading through one buffer. */
#include "daemon/store/window.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/store/journal.h"

#define WINDOW_AHEAD_LEAST (16u * 1024u)
#define WINDOW_AHEAD_MOST (1024u * 1024u)
#define WINDOW_KEEP (4u * 1024u * 1024u) /* a giant batch does not keep its memory for ever */

void window_deinit(Window *window) {
        free(window->data);
        *window = WINDOW_NULL;
}

void window_attach(Window *window, int fd) {
        window->fd = fd;
        window_drop(window);
}

void window_drop(Window *window) {
        window->size = 0;
        window->ahead = WINDOW_AHEAD_LEAST;
}

static int window_room(Window *window, size_t size) {
        if (size <= window->capacity && (window->capacity <= WINDOW_KEEP || size > WINDOW_AHEAD_MOST))
                return 0;
        /* What it holds is about to be read over. */
        free(window->data);
        window->size = 0;
        window->data = malloc(size);
        window->capacity = window->data ? size : 0;
        return window->data ? 0 : -ENOMEM;
}

static int window_fill(Window *window, uint64_t offset, size_t size) {
        size_t most = MAX(size, MAX(window->ahead, (size_t)WINDOW_AHEAD_LEAST));
        bool onward = window->size > 0 && offset >= window->start && offset <= window->start + 2 * (uint64_t)most;
        ssize_t n;
        int r;

        r = window_room(window, most);
        if (r < 0)
                return r;
        window->size = 0;
        n = pread_all(window->fd, window->data, most, (off_t)offset);
        if (n < 0)
                return (int)n;
        window->start = offset;
        window->size = (size_t)n;
        window->ahead = onward ? MIN(4 * most, (size_t)WINDOW_AHEAD_MOST) : WINDOW_AHEAD_LEAST;
        return 0;
}

int window_get_some(Window *window, uint64_t offset, size_t size, const uint8_t **ret, size_t *ret_size) {
        int r;

        if (offset < window->start || offset + size > window->start + window->size) {
                r = window_fill(window, offset, size);
                if (r < 0)
                        return r;
        }
        *ret = window->data + (offset - window->start);
        *ret_size = MIN(size, (size_t)(window->start + window->size - offset));
        return 0;
}

int window_get(Window *window, uint64_t offset, size_t size, const uint8_t **ret) {
        const uint8_t *data;
        size_t n;
        int r;

        r = window_get_some(window, offset, size, &data, &n);
        if (r < 0)
                return r;
        if (n < size)
                return JOURNAL_E_END;
        *ret = data;
        return 0;
}
