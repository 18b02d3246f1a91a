#pragma once
/* The figures thread from inside. For the files figures*.c only. */
#include "daemon/control/control.h"
#include "daemon/figures/text.h"
#include "daemon/serve/feed.h"
#include "daemon/serve/http-server.h"
#include "daemon/serve/sight.h"
#include "daemon/serve/worker.h"

/* How far one consumer is behind: the first event that its team may see behind what it has acknowledged. */
typedef struct FeedLag {
        char team[33], consumer[33];
        Place begin;       /* as it said last */
        uint64_t next_seq; /* looked at next; what is before it, behind `begin`, is nothing for the team */
        bool found;
        Place first;
        int64_t received_at; /* of `first` */
} FeedLag;

/* When a counter moved last. */
typedef struct FiguresWatch {
        uint64_t seen;
        int64_t moved_at; /* monotonic; 0: not looked at yet */
} FiguresWatch;

#define FIGURES_WORKERS_MAX 8
#define FIGURES_STUCK_AFTER (60 * USEC_PER_SEC)

typedef struct FiguresThreads {
        FiguresWatch core[_FIGURES_THREAD_MAX], core_zap, workers[FIGURES_WORKERS_MAX], zap;
} FiguresThreads;

/* One listener: what it should be, and whether it is. */
typedef struct FiguresDoor {
        char *wanted; /* ADDRESS:PORT; NULL: none */
        bool is_open, has_failed;
        int64_t try_at; /* monotonic */
} FiguresDoor;

typedef struct Figures {
        Worker *worker;
        View *view;
        Publisher *publisher;
        Sight *sight;
        Config *config;
        Sharing *sharing;
        uint64_t settings_mark;
        HttpServer *http;
        char *socket_path; /* of the ipc listener; NULL: not made */
        FiguresDoor tcp;
        FeedStatus *feeds, *live; /* newest words; may be NULL */
        FeedLag *lags;
        size_t n_lags;
        FiguresThreads threads;
        ControlQuarantine quarantine; /* as of counted_seq */
        ControlReviews reviews;
        uint64_t counted_seq;
        int64_t counted_at;     /* monotonic; 0: never */
        int64_t unsynced_since; /* monotonic: the audit has had records without a sync since then; 0: it has none */
        int64_t started_at;     /* serve; since 1970 */
        bool stopping;
} Figures;

/* ---- figures-door.c */
/* <run>/metrics: 0666, as all sockets there. An older one is taken away. 0 or negative errno; *ret_path is on the heap. */
int figures_bind_ipc(const char *run, int *ret_fd, char **ret_path);
int figures_bind_tcp(const char *address, int *ret_fd);
/* Makes the listeners what the configuration says. What cannot be had is logged once and tried again. Negative is fatal. */
int figures_open_doors(Figures *figures, int64_t now);

/* ---- figures-lag.c */
/* The word of the feed thread in place of the one before; what was found out stays. 0 or -ENOMEM. */
int figures_lag_take(Figures *figures);
/* Looks on, at so many entries at most. The view is renewed. */
int figures_lag_look(Figures *figures, unsigned entries);
void figures_lag_forget(Figures *figures);

/* ---- figures-write.c: pages; the view is renewed */
int figures_write_metrics(Figures *figures, bool is_old, Buffer *out);
/* True where all is well; the text names what is not. */
bool figures_write_health(const Figures *figures, Buffer *out);
bool figures_write_ready(Figures *figures, Buffer *out);
