/* The file is as daemon/store/reader-places.h says; it is written here. */
#include "daemon/serve/cursors.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/file.h"
#include "base/ring.h"
#include "base/text.h"
#include "daemon/store/reader-places.h"

#define WRITER_SLOTS 4
#define GONE_REMEMBERED 64

/* Who went without having acknowledged anything: shown to nobody, and no consumer any more. */
typedef struct Gone {
        char team[CURSOR_NAME_SIZE], name[CURSOR_NAME_SIZE];
        SentBefore sent;
} Gone;

struct Cursors {
        Consumer **items;
        size_t n_items, n_room;
        Gone gone[GONE_REMEMBERED]; /* the next takes the place of the oldest */
        size_t next_gone;
};

int cursors_new(Cursors **ret) {
        Cursors *cursors = calloc(1, sizeof(*cursors));

        if (!cursors)
                return -ENOMEM;
        *ret = cursors;
        return 0;
}

static void cursors_clear(Cursors *cursors) {
        for (size_t i = 0; i < cursors->n_items; i++)
                free(cursors->items[i]);
        cursors->n_items = 0;
}

Cursors *cursors_free(Cursors *cursors) {
        if (!cursors)
                return NULL;
        cursors_clear(cursors);
        free(cursors->items);
        free(cursors);
        return NULL;
}

Consumer *cursors_find(Cursors *cursors, const char *team, const char *name) {
        for (size_t i = 0; i < cursors->n_items; i++)
                if (text_equal(cursors->items[i]->name, name) && text_equal(cursors->items[i]->team, team))
                        return cursors->items[i];
        return NULL;
}

static void remember_gone(Cursors *cursors, const Consumer *consumer) {
        Gone *gone = &cursors->gone[cursors->next_gone++ % GONE_REMEMBERED];

        *gone = (Gone){ .sent = consumer->sent };
        snprintf(gone->team, sizeof(gone->team), "%s", consumer->team);
        snprintf(gone->name, sizeof(gone->name), "%s", consumer->name);
}

static void take_gone(Cursors *cursors, Consumer *consumer) {
        for (size_t i = 0; i < GONE_REMEMBERED; i++) {
                Gone *gone = &cursors->gone[i];

                if (!text_equal(gone->name, consumer->name) || !text_equal(gone->team, consumer->team))
                        continue;
                consumer->sent = gone->sent;
                *gone = (Gone){ .name = "" };
        }
}

static int cursors_add(Cursors *cursors, const char *team, const char *name, Consumer **ret) {
        Consumer *consumer;

        if (cursors->n_items == cursors->n_room) {
                size_t n_room = cursors->n_room ? 2 * cursors->n_room : 16;
                Consumer **items = reallocarray(cursors->items, n_room, sizeof(*items));
                if (!items)
                        return -ENOMEM;
                cursors->items = items;
                cursors->n_room = n_room;
        }
        consumer = calloc(1, sizeof(*consumer));
        if (!consumer)
                return -ENOMEM;
        snprintf(consumer->team, sizeof(consumer->team), "%s", team);
        snprintf(consumer->name, sizeof(consumer->name), "%s", name);
        take_gone(cursors, consumer);
        cursors->items[cursors->n_items++] = consumer;
        *ret = consumer;
        return 0;
}

int cursors_get(Cursors *cursors, const char *team, const char *name, Consumer **ret) {
        Consumer *consumer = cursors_find(cursors, team, name);
        size_t n = 0;

        if (consumer) {
                *ret = consumer;
                return 0;
        }
        for (size_t i = 0; i < cursors->n_items; i++)
                n += text_equal(cursors->items[i]->team, team);
        if (n < CURSORS_PER_TEAM)
                return cursors_add(cursors, team, name, ret);
        *ret = NULL;
        return 0;
}

void cursors_drop(Cursors *cursors, Consumer *consumer) {
        if (consumer->acked.seq > 0)
                return;
        if (consumer->sent.n_steps > 0)
                remember_gone(cursors, consumer);
        cursors_forget(cursors, consumer);
}

void cursors_forget(Cursors *cursors, Consumer *consumer) {
        for (size_t i = 0; i < cursors->n_items; i++)
                if (cursors->items[i] == consumer) {
                        memmove(&cursors->items[i], &cursors->items[i + 1],
                                (cursors->n_items - i - 1) * sizeof(cursors->items[0]));
                        cursors->n_items--;
                        free(consumer);
                        return;
                }
}

Consumer *cursors_at(Cursors *cursors, size_t index) {
        return index < cursors->n_items ? cursors->items[index] : NULL;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void pack_name(Buffer *ret, const char *name) {
        buffer_append_byte(ret, (uint8_t)strlen(name));
        buffer_append_text(ret, name);
}

void cursors_pack(const Cursors *cursors, Buffer *ret) {
        uint32_t n = 0;

        for (size_t i = 0; i < cursors->n_items; i++)
                n += cursors->items[i]->acked.seq > 0;
        buffer_append_text(ret, READER_PLACES_MAGIC);
        buffer_append_le32(ret, READER_PLACES_VERSION);
        buffer_append_le32(ret, n);
        for (size_t i = 0; i < cursors->n_items; i++) {
                const Consumer *consumer = cursors->items[i];
                if (consumer->acked.seq == 0)
                        continue;
                pack_name(ret, consumer->team);
                pack_name(ret, consumer->name);
                buffer_append_le64(ret, consumer->acked.seq);
                buffer_append_le32(ret, consumer->acked.index);
                buffer_append_le64(ret, (uint64_t)consumer->received_at);
                buffer_append_le64(ret, (uint64_t)consumer->acked_at);
                buffer_append_byte(ret, consumer->records);
                buffer_append_le64(ret, consumer->lineage);
        }
        buffer_append_le32(ret, crc32c(0, ret->data, ret->size));
}

static int place_seen(const ReaderPlace *place, void *owner) {
        Consumer *consumer;
        int r = cursors_add(owner, place->team, place->name, &consumer);

        if (r < 0)
                return r;
        consumer->acked = (Place){ .seq = place->seq, .index = place->index };
        consumer->received_at = place->received_at;
        consumer->acked_at = place->acked_at;
        consumer->records = place->records;
        consumer->lineage = place->lineage;
        return 0;
}

int cursors_unpack(Cursors *cursors, Bytes packed) {
        Cursors read = { 0 };
        int r = reader_places_walk(packed, place_seen, &read);

        if (r == 0) {
                Cursors before = *cursors;
                *cursors = read;
                read = before;
        }
        cursors_clear(&read);
        free(read.items);
        return r;
}

int cursors_load(Cursors *cursors, const char *path) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        int r = file_read(path, READER_PLACES_MAX, &content);

        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : cursors_unpack(cursors, buffer_bytes(&content));
}

/* ---- the thread that writes --------------------------------------------------------------------------------------- */

struct CursorWriter {
        char *path;
        Ring *given, *done; /* Buffer* in, the same Buffer* back with its result in `error` */
        pthread_t thread;
        bool started, busy;
};

static void free_buffer(void *item) {
        buffer_deinit(item);
        free(item);
}

static void ring_wait(Ring *ring) {
        struct pollfd item = { .fd = ring_fd(ring), .events = POLLIN };

        (void)poll(&item, 1, -1);
        ring_clear(ring);
}

/* An empty buffer says: end. */
static void *writer_thread(void *argument) {
        CursorWriter *writer = argument;

        for (;;) {
                Buffer *packed = ring_pop(writer->given);
                if (!packed) {
                        ring_wait(writer->given);
                        continue;
                }
                if (packed->size == 0) {
                        free_buffer(packed);
                        return NULL;
                }
                packed->error = file_replace(writer->path, packed->data, packed->size, 0600);
                if (!ring_push(writer->done, packed))
                        free_buffer(packed); /* cannot be: one at a time is on the way */
        }
}

int cursor_writer_start(const char *path, CursorWriter **ret) {
        _cleanup_(cursor_writer_stopp) CursorWriter *writer = calloc(1, sizeof(*writer));
        int r;

        if (!writer)
                return -ENOMEM;
        writer->path = strdup(path);
        if (!writer->path)
                return -ENOMEM;
        r = ring_new(&writer->given, WRITER_SLOTS);
        if (r == 0)
                r = ring_new(&writer->done, WRITER_SLOTS);
        if (r < 0)
                return r;
        ring_set_free(writer->given, free_buffer);
        ring_set_free(writer->done, free_buffer);
        r = pthread_create(&writer->thread, NULL, writer_thread, writer);
        if (r != 0)
                return -r;
        writer->started = true;
        *ret = TAKE_PTR(writer);
        return 0;
}

CursorWriter *cursor_writer_stop(CursorWriter *writer) {
        if (!writer)
                return NULL;
        if (writer->started) {
                Buffer *end = calloc(1, sizeof(*end));
                if (end && ring_push(writer->given, end))
                        pthread_join(writer->thread, NULL);
        }
        ring_free(writer->given);
        ring_free(writer->done);
        free(writer->path);
        free(writer);
        return NULL;
}

int cursor_writer_give(CursorWriter *writer, Buffer *packed) {
        Buffer *given;

        if (writer->busy)
                return -EAGAIN;
        given = malloc(sizeof(*given));
        if (!given)
                return -ENOMEM;
        *given = *packed;
        if (!ring_push(writer->given, given)) {
                free(given);
                return -EAGAIN;
        }
        *packed = BUFFER_NULL;
        writer->busy = true;
        return 0;
}

void cursor_writer_give_last(CursorWriter *writer, Buffer *packed) {
        writer->busy = false;
        (void)cursor_writer_give(writer, packed);
}

int cursor_writer_fd(const CursorWriter *writer) {
        return ring_fd(writer->done);
}

bool cursor_writer_done(CursorWriter *writer, int *ret_result) {
        Buffer *packed;

        ring_clear(writer->done);
        packed = ring_pop(writer->done);
        if (!packed)
                return false;
        *ret_result = packed->error;
        writer->busy = false;
        free_buffer(packed);
        return true;
}
