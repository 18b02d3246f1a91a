#pragma once
/*
 * How far each consumer of each team has acknowledged: in memory, and in one small file (state/serve/cursors) that is
 * replaced whole. A thread of its own writes it, so that a slow disk delays no delivery; many acknowledgements share one
 * sync. What was not written yet when serve dies is delivered again.
 *
 * Beside its place a cursor holds when the bus received that entry: after an older backup of the journal was put back,
 * another message may stand under that number, and a consumer that resumed there would miss something in silence.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "daemon/serve/place.h"
#include "daemon/serve/sent-before.h"

#define CURSOR_NAME_SIZE 33
#define CURSORS_PER_TEAM 256

typedef struct Consumer Consumer;
struct Consumer {
        char team[CURSOR_NAME_SIZE];
        char name[CURSOR_NAME_SIZE];
        Place acked;         /* 0.0: never */
        int64_t received_at; /* of the entry acked.seq */
        int64_t acked_at;    /* when; for people */
        uint64_t delivered;  /* since the start; likewise, and not in the file */
        bool records;        /* reads records: `acked` is a place of the ledger's, */
        uint64_t lineage;    /* of this lineage (daemon/serve/ledger.h) */
        SentBefore sent;     /* what it was sent and did not acknowledge; not in the file either */
        void *session;       /* the feed's, while one is open */
};

typedef struct Cursors Cursors; /* one thread */

int cursors_new(Cursors **ret);
Cursors *cursors_free(Cursors *cursors);
DEFINE_CLEANUP(Cursors *, cursors_free)

Consumer *cursors_find(Cursors *cursors, const char *team, const char *name);
/* Makes it when it is not there; *ret is NULL when the team has CURSORS_PER_TEAM already. 0 or -ENOMEM. */
int cursors_get(Cursors *cursors, const char *team, const char *name, Consumer **ret);
/* Forgets one that never acknowledged, but for what it was sent: the last of these are told so when they come again. */
void cursors_drop(Cursors *cursors, Consumer *consumer);
/* Forgets one, whatever it acknowledged; it has no session. */
void cursors_forget(Cursors *cursors, Consumer *consumer);
/* In order of making; NULL behind the last. */
Consumer *cursors_at(Cursors *cursors, size_t index);

/* The file's bytes: only who has acknowledged something. */
void cursors_pack(const Cursors *cursors, Buffer *ret);
/* -EBADMSG for bytes that are no such file, whole and unharmed; the cursors are then as before. */
int cursors_unpack(Cursors *cursors, Bytes packed);
/* No file is no cursors. */
int cursors_load(Cursors *cursors, const char *path);

/* ---- the thread that writes */

typedef struct CursorWriter CursorWriter;

int cursor_writer_start(const char *path, CursorWriter **ret);
/* Writes what was given last, and ends. */
CursorWriter *cursor_writer_stop(CursorWriter *writer);
DEFINE_CLEANUP(CursorWriter *, cursor_writer_stop)
/* Takes the bytes out of `packed`. -EAGAIN while it is still at work on the ones before. */
int cursor_writer_give(CursorWriter *writer, Buffer *packed);
/* The same without waiting for the ones before; only before cursor_writer_stop(). */
void cursor_writer_give_last(CursorWriter *writer, Buffer *packed);
/* Readable when a write has ended. */
int cursor_writer_fd(const CursorWriter *writer);
/* True once for each write that has ended: 0 or the negative errno of it. */
bool cursor_writer_done(CursorWriter *writer, int *ret_result);
