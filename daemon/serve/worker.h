#pragma once
/*
 * What the threads of serve have in common: a name, orders from main, reports to it, the doorbell of core, and a counter
 * that shows that they live. A thread owns its sockets, its view and its memory; nothing else is shared.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/ring.h"
#include "config/config.h"
#include "daemon/audit/audit.h"
#include "daemon/figures/figures.h"
#include "daemon/peer/zap.h"
#include "daemon/serve/view.h"
#include "daemon/store/lineage.h"
#include "daemon/store/state.h"
#include "proto/zsock.h"

typedef struct Worker Worker;

typedef enum OrderKind {
        ORDER_CONFIG, /* this configuration from now on; answered by a report */
        ORDER_STOP,   /* finish what is begun and return */
} OrderKind;

typedef struct Order {
        OrderKind kind;
        Config *config; /* a reference */
} Order;
Order *order_free(Order *order);
DEFINE_CLEANUP(Order *, order_free)

/* Answer to ORDER_CONFIG. */
typedef struct Report {
        const Worker *worker;
        char *failure; /* NULL: in force. Else a sentence, and the configuration before it is in force again */
} Report;
Report *report_free(Report *report);
DEFINE_CLEANUP(Report *, report_free)

/* Runs in the thread until ORDER_STOP; negative errno ends the process. */
typedef int (*WorkerRun)(Worker *worker);

struct Worker {
        const char *name;
        WorkerRun run;
        /* Given by main before the start, constant afterwards. */
        ZContext *context;
        State *state;
        Audit *audit; /* for all threads: audit-say.h */
        char *journal_folder, *serve_folder;
        const Lineage *lineage; /* in which run of the journal's numbers places are */
        int core_doorbell;
        int refusals; /* what core and handshakes refuse: daemon/peer/refused.h; -1: nobody tells */
        /* Main to thread, thread to main. */
        Ring *orders, *reports;
        /* Feed to query: what carebusctl status says of the feeds. */
        Ring *feed_status;
        /* Feed and live to figures: the same, FeedStatus. May be NULL. */
        Ring *feed_figures, *live_figures;
        /* Of the figures thread: all workers, who may connect, what core counts, the inherited listener or -1. */
        const Worker *siblings;
        size_t n_siblings;
        Zap *zap;
        const CoreFigures *core_figures;
        int metrics_fd;
        int backup_lock; /* whoever makes a backup holds it shared; -1: there is none, and nothing is let go of */
        /* Query to feed: ConvergeAsked; feed to query: ConvergeTold. */
        Ring *converge_asked, *converge_told;
        atomic_ulong progress;
        atomic_int result; /* 1 while it runs */
        pthread_t thread;
        bool started;
};

int worker_init(Worker *worker, const char *name, WorkerRun run);
void worker_deinit(Worker *worker); /* after the thread has ended, or was never started */
int worker_start(Worker *worker);

/* Main: hands over an order. -EAGAIN when the thread has left too many lying. */
int worker_order(Worker *worker, OrderKind kind, const Config *config);
/* Thread: says how ORDER_CONFIG went; `failure` NULL or a sentence (copied). */
int worker_report(Worker *worker, const char *failure);
static inline void worker_tick(Worker *worker) {
        atomic_fetch_add_explicit(&worker->progress, 1, memory_order_relaxed);
}

/* The doorbell of core rings for several threads: each has a descriptor of its own that becomes readable with each ring
 * (edge-triggered epoll), and nobody takes the ring from another. */
int worker_watch_doorbell(int core_doorbell);
void worker_clear_doorbell(int watch_fd);
