#include "adapters/csv/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/csv/cells.h"
#include "adapters/csv/rows.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#define LIST_BYTES_MAX ((size_t)256 << 20)
#define LIST_MODE 0640

static const char *const head[] = {
        "When", "What", "Who", "Born", "NHS number", "Details", "From", "Note", "Reference"
};

struct List {
        char *path;
        Buffer content; /* of the file, whole */
        Buffer pending; /* rows that are not in it yet */
        uint64_t *seen; /* events that have a row: open addressing; 0: free */
        size_t n_seen, n_slots;
};

/* A journal has fewer than 2^44 entries, and an entry far fewer than 2^20 events. Never 0. */
static uint64_t key_of(uint64_t seq, uint32_t index) {
        return (seq << 20 | (index & 0xFFFFF)) + 1;
}

static size_t slot_of(const uint64_t *slots, size_t n_slots, uint64_t key) {
        size_t at = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (n_slots - 1);

        while (slots[at] && slots[at] != key)
                at = (at + 1) & (n_slots - 1);
        return at;
}

/* 1: it was not there; 0: it was. */
static int see(List *list, uint64_t key) {
        if (list->n_seen * 2 >= list->n_slots) {
                size_t n = list->n_slots ? list->n_slots * 2 : 1024;
                uint64_t *slots = calloc(n, sizeof(*slots));

                if (!slots)
                        return -ENOMEM;
                for (size_t i = 0; i < list->n_slots; i++)
                        if (list->seen[i])
                                slots[slot_of(slots, n, list->seen[i])] = list->seen[i];
                free(list->seen);
                list->seen = slots;
                list->n_slots = n;
        }
        size_t at = slot_of(list->seen, list->n_slots, key);
        if (list->seen[at])
                return 0;
        list->seen[at] = key;
        list->n_seen++;
        return 1;
}

/* ---- what stands in the file ---- */

static int see_rows(List *list) {
        _cleanup_(rows_freep) Rows *rows = NULL;
        Row row;
        int r = rows_new(buffer_bytes(&list->content), ',', &rows);

        while (r == 0 && (r = rows_next(rows, &row)) > 0) {
                unsigned long long seq = 0;
                unsigned index = 0;
                int end = 0;

                r = 0;
                if (row.problem != ROW_WHOLE || row.n_cells != ELEMENTSOF(head))
                        continue;
                const char *id = (const char *)row.cells[ELEMENTSOF(head) - 1].data;
                if (sscanf(id, "%llu.%u%n", &seq, &index, &end) != 2 || id[end])
                        continue;
                r = see(list, key_of(seq, index));
                r = MIN(r, 0);
        }
        return MIN(r, 0);
}

static void begin(List *list) {
        CellRow row = { .out = &list->content };

        buffer_clear(&list->content);
        buffer_append_text(&list->content, CELLS_BOM);
        for (size_t i = 0; i < ELEMENTSOF(head); i++)
                cell_add(&row, head[i]);
        cell_end(&row);
}

int list_new(const char *path, List **ret) {
        _cleanup_(list_freep) List *list = calloc(1, sizeof(*list));
        int r;

        if (!list || !(list->path = strdup(path)))
                return -ENOMEM;
        r = file_read(path, LIST_BYTES_MAX, &list->content);
        if (r == -ENOENT) {
                begin(list);
                r = list->content.error;
        } else if (r == 0)
                r = see_rows(list);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(list);
        return 0;
}

List *list_free(List *list) {
        if (!list)
                return NULL;
        buffer_deinit(&list->content);
        buffer_deinit(&list->pending);
        free(list->seen);
        free(list->path);
        free(list);
        return NULL;
}

int list_add(List *list, uint64_t seq, uint32_t index, Bytes row) {
        int r = see(list, key_of(seq, index));

        if (r <= 0)
                return r;
        buffer_append_bytes(&list->pending, row);
        return list->pending.error;
}

/* Somebody took it away, as one may: what it held is theirs. */
static void look_for_file(List *list) {
        if (access(list->path, F_OK) < 0 && errno == ENOENT)
                begin(list);
}

int list_write(List *list) {
        size_t size;
        int r;

        if (list->pending.size == 0)
                return 0;
        look_for_file(list);
        size = list->content.size;
        buffer_append_bytes(&list->content, buffer_bytes(&list->pending));
        r = list->content.error;
        if (r == 0)
                r = file_replace(list->path, list->content.data, list->content.size, LIST_MODE);
        if (r < 0) {
                list->content.size = size;
                list->content.error = 0;
                return r;
        }
        buffer_clear(&list->pending);
        return 0;
}

static int write_nothing(const List *list, const char *path) {
        Buffer content = BUFFER_NULL;
        CellRow row = { .out = &content };
        int r;

        (void)list;
        buffer_append_text(&content, CELLS_BOM);
        for (size_t i = 0; i < ELEMENTSOF(head); i++)
                cell_add(&row, head[i]);
        cell_end(&row);
        cell_add(&row, NULL);
        cell_add(&row, "Nothing new since the last list");
        for (size_t i = 2; i < ELEMENTSOF(head); i++)
                cell_add(&row, NULL);
        cell_end(&row);
        r = content.error ?: file_replace(path, content.data, content.size, LIST_MODE);
        buffer_deinit(&content);
        return r;
}

int list_publish(List *list, const char *path) {
        _cleanup_(freep) char *folder = strdup(path);
        int r = list_write(list);

        if (r < 0)
                return r;
        if (!folder)
                return -ENOMEM;
        if (access(list->path, F_OK) < 0)
                return errno == ENOENT ? write_nothing(list, path) : -errno;
        if (rename(list->path, path) < 0)
                return -errno;
        begin(list);
        *(strrchr(folder, '/') ?: folder) = '\0';
        r = folder_sync(folder);
        return r < 0 ? r : list->content.error;
}
