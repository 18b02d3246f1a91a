/* Orders go in by a ring, reports come out by another; the rest is the thread's own. */
#include "daemon/serve/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define RING_SLOTS 16

Order *order_free(Order *order) {
        if (!order)
                return NULL;
        config_unref(order->config);
        free(order);
        return NULL;
}

Report *report_free(Report *report) {
        if (!report)
                return NULL;
        free(report->failure);
        free(report);
        return NULL;
}

static void free_order(void *item) {
        order_free(item);
}

static void free_report(void *item) {
        report_free(item);
}

int worker_init(Worker *worker, const char *name, WorkerRun run) {
        int r;

        *worker = (Worker){ .name = name, .run = run, .core_doorbell = -1, .metrics_fd = -1, .backup_lock = -1 };
        r = ring_new(&worker->orders, RING_SLOTS);
        if (r == 0)
                r = ring_new(&worker->reports, RING_SLOTS);
        if (r < 0)
                return r;
        ring_set_free(worker->orders, free_order);
        ring_set_free(worker->reports, free_report);
        return 0;
}

void worker_deinit(Worker *worker) {
        worker->orders = ring_free(worker->orders);
        worker->reports = ring_free(worker->reports);
        free(worker->journal_folder);
        free(worker->serve_folder);
        worker->journal_folder = worker->serve_folder = NULL;
}

static void *worker_thread(void *argument) {
        Worker *worker = argument;
        int r = worker->run(worker);

        atomic_store(&worker->result, MIN(r, 0));
        /* Main sleeps on the reports; NULL cannot be pushed, so an empty report says that there is something to see. */
        (void)worker_report(worker, NULL);
        return NULL;
}

int worker_start(Worker *worker) {
        int r;

        atomic_store(&worker->result, 1);
        r = pthread_create(&worker->thread, NULL, worker_thread, worker);
        if (r != 0)
                return -r;
        worker->started = true;
        return 0;
}

int worker_order(Worker *worker, OrderKind kind, const Config *config) {
        _cleanup_(order_freep) Order *order = calloc(1, sizeof(*order));

        if (!order)
                return -ENOMEM;
        order->kind = kind;
        order->config = config ? config_ref(config) : NULL;
        if (!ring_push(worker->orders, order))
                return -EAGAIN;
        order = NULL;
        return 0;
}

int worker_report(Worker *worker, const char *failure) {
        _cleanup_(report_freep) Report *report = calloc(1, sizeof(*report));

        if (!report)
                return -ENOMEM;
        report->worker = worker;
        if (failure) {
                report->failure = strdup(failure);
                if (!report->failure)
                        return -ENOMEM;
        }
        if (!ring_push(worker->reports, report))
                return -EAGAIN;
        report = NULL;
        return 0;
}

int worker_watch_doorbell(int core_doorbell) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLET };
        _cleanup_(closep) int fd = epoll_create1(EPOLL_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (core_doorbell >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, core_doorbell, &event) < 0)
                return -errno;
        return TAKE_FD(fd);
}

void worker_clear_doorbell(int watch_fd) {
        struct epoll_event event;

        (void)epoll_wait(watch_fd, &event, 1, 0);
}
