#pragma once
/*
 * What core counts, in a block of memory that core alone writes and serve may read: a memfd, sealed so that no other mapping of it can ever
 * be written. Serve makes text of it for whoever watches; a serve that dies takes no count with it, and one that was broken into changes
 * none.
 *
 * Each line of the block has one writing thread. It stores with relaxed order and waits for nobody; what belongs together (the counts of a
 * source, which have to balance) is written between two steps of a version, and the reader reads again until it has one.
 */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "daemon/figures/histogram.h"

typedef atomic_uint_fast64_t Figure;

/* One writer: no other adds to it. */
static inline void figure_set(Figure *figure, uint64_t value) {
        atomic_store_explicit(figure, value, memory_order_relaxed);
}
static inline uint64_t figure_get(const Figure *figure) {
        return atomic_load_explicit(figure, memory_order_relaxed);
}
static inline void figure_add(Figure *figure, uint64_t more) {
        figure_set(figure, figure_get(figure) + more);
}

/* ---- a source ---- */

#define FIGURES_SOURCES_MAX 1024 /* sources behind it are not shown; carebus_sources_left_out says how many */
#define FIGURES_NAME_SIZE 40     /* a name of the configuration has 32 bytes at most */

typedef enum SourceFigure {
        SOURCE_RECEIVED, /* messages, counted as their frame is taken off the socket */
        SOURCE_STORED,   /* answered so, counted behind the sync */
        SOURCE_DUPLICATE,
        SOURCE_REFUSED,    /* for good */
        SOURCE_LATER,      /* to be sent again */
        SOURCE_UNANSWERED, /* whoever sent them went before it was their turn */
        SOURCE_IN_FLIGHT,  /* wait for their turn */
        SOURCE_SESSIONS,
        SOURCE_HEARD_AT, /* microseconds since 1970; 0: not since the start */
        SOURCE_MAP_MISSES,
        SOURCE_ADAPTER_IGNORED, /* these were said by its adapters */
        SOURCE_ADAPTER_REFUSED,
        SOURCE_ADAPTER_RECEIVED,
        SOURCE_ADAPTER_ACCEPTED,
        SOURCE_ADAPTER_FAILED,
        SOURCE_ADAPTER_REJECTED,
        SOURCE_ADAPTER_CONNECTIONS,
        SOURCE_ADAPTER_WAITING,
        SOURCE_ADAPTER_CERTIFICATE, /* microseconds since 1970; 0: none */
        _SOURCE_FIGURE_MAX,
} SourceFigure;

typedef struct SourceFigures {
        alignas(64) Figure version; /* odd while it is written */
        Figure name[FIGURES_NAME_SIZE / sizeof(uint64_t)];
        Figure values[_SOURCE_FIGURE_MAX];
} SourceFigures;

/* As the writer hands it in and the reader gets it. */
typedef struct SourceCounts {
        char name[FIGURES_NAME_SIZE]; /* "": no source */
        uint64_t values[_SOURCE_FIGURE_MAX];
} SourceCounts;

void source_figures_write(SourceFigures *figures, const SourceCounts *counts);
/* False where the writer was never still: it died in the middle, or the machine is very busy. */
bool source_figures_read(const SourceFigures *figures, SourceCounts *ret);

/*
 * received = stored + duplicate + refused + in flight: what is left over, which must be 0. The first is counted where
 * a message arrives, those behind the sign where it is answered, and nothing else connects the two.
 */
int64_t source_counts_unaccounted(const SourceCounts *counts);

/* ---- the block ---- */

typedef enum FiguresThread {
        FIGURES_MAIN,
        FIGURES_INTAKE,
        FIGURES_FOLD,
        FIGURES_HELPER,
        _FIGURES_THREAD_MAX
} FiguresThread;

typedef struct FiguresRounds {
        alignas(64) Figure n; /* goes up at least once a second while the thread lives (main: every five) */
} FiguresRounds;

#define FIGURES_UNKNOWN UINT64_MAX

typedef struct CoreFigures {
        uint64_t size; /* of this structure: who maps it knows the same one */
        FiguresRounds threads[_FIGURES_THREAD_MAX];

        /* intake */
        alignas(64) Figure committed_seq;
        Figure storage_full;  /* 1: senders are told to come later */
        Figure fold_stuck;    /* likewise */
        Figure free_bytes;    /* of the journal's file system */
        Figure reserve_bytes; /* below it nothing is taken in */
        Figure journal_bytes;
        Figure n_sources;
        Histogram sync;  /* microseconds of each fdatasync of a batch */
        Histogram batch; /* entries of each batch */

        /* fold */
        alignas(64) Figure folded_seq;
        Figure folding_at; /* received_at of the oldest entry that is not in the state yet, microseconds; 0: none was begun */
        Figure fold_waits; /* 1: no room for the state */

        /* main */
        alignas(64) Figure started_at; /* microseconds since 1970 */
        Figure running;
        Figure serve_restarts;
        Figure seconds_left; /* until the disk is full; FIGURES_UNKNOWN: it does not fill */
        Figure lines_left_out;
        Figure zap_rounds;

        SourceFigures sources[FIGURES_SOURCES_MAX]; /* intake */
} CoreFigures;

extern const HistogramBounds figures_sync_bounds, figures_batch_bounds;

/* Makes the block, zeroed. *ret_fd is what serve maps; it is the caller's. Negative errno. */
int figures_new(CoreFigures **ret, int *ret_fd);
/* Maps another process's block for reading. -EBADMSG where it is no such block. The descriptor may be closed afterwards. */
int figures_map(int fd, CoreFigures **ret);
CoreFigures *figures_free(CoreFigures *figures);
DEFINE_CLEANUP(CoreFigures *, figures_free)

/* `figures` may be NULL: nobody watches. */
static inline void figures_moved(CoreFigures *figures, FiguresThread thread) {
        if (figures)
                figure_add(&figures->threads[thread].n, 1);
}
