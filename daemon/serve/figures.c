/* The thread: hears what others tell, looks on at who is behind, and gives out pages. */
#include "daemon/serve/figures.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/serve/figures-parts.h"
#include "daemon/store/state-keys.h"

#define IDLE_MS 1000
#define LOOKED_AT 1024   /* entries in a round, in a search for what a consumer still has to acknowledge */
#define COUNT_MAX 100000 /* of the quarantine and of reviews: beyond it the count is a lower bound */
#define COUNT_EASY 5000  /* up to here they are counted whenever the state has moved, */
#define COUNT_EVERY (30 * USEC_PER_SEC) /* beyond it not more often */

/* ---- what the state says ---- */

static int count_quarantined(Bytes key, Bytes value, void *owner) {
        ControlQuarantine *counts = owner;

        control_count_quarantined(counts, value);
        return counts->open >= COUNT_MAX;
}

static int count_review(Bytes key, Bytes value, void *owner) {
        ControlReviews *counts = owner;

        control_count_reviews(counts, value);
        return counts->open >= COUNT_MAX;
}

static int figures_count(Figures *figures, int64_t now) {
        const uint64_t head = view_head(figures->view);
        int r;

        if (figures->counted_at != 0 &&
            (figures->counted_seq == head || (figures->quarantine.open + figures->reviews.open > COUNT_EASY &&
                                              now - figures->counted_at < COUNT_EVERY)))
                return 0;
        figures->quarantine = (ControlQuarantine){ .open = 0 };
        figures->reviews = (ControlReviews){ .open = 0 };
        r = state_walk(view_txn(figures->view), STATE_QUARANTINE, BYTES_NULL, BYTES_NULL, count_quarantined,
                       &figures->quarantine);
        if (r >= 0)
                r = state_walk(view_txn(figures->view), STATE_REVIEW, BYTES_NULL, BYTES_NULL, count_review,
                               &figures->reviews);
        figures->counted_at = now;
        figures->counted_seq = head;
        return MIN(r, 0);
}

static int figures_make_sharing(Figures *figures) {
        Sharing *sharing;
        int r = view_sharing(figures->view, figures->config, &sharing);

        if (r < 0)
                return r;
        sharing_unref(figures->sharing);
        figures->sharing = sharing;
        figures->settings_mark = view_settings_mark(figures->view);
        sight_set_sharing(figures->sight, sharing, figures->settings_mark);
        figures_lag_forget(figures);
        return 0;
}

/* ---- who still moves ---- */

static void watch_note(FiguresWatch *watch, uint64_t value, int64_t now) {
        if (watch->moved_at == 0 || watch->seen != value)
                *watch = (FiguresWatch){ .seen = value, .moved_at = now };
}

static void figures_watch(Figures *figures, int64_t now) {
        const Worker *worker = figures->worker;
        const CoreFigures *core = worker->core_figures;
        const AuditStatus audit = audit_status(worker->audit);

        for (size_t i = 0; i < worker->n_siblings && i < FIGURES_WORKERS_MAX; i++)
                watch_note(&figures->threads.workers[i], atomic_load(&worker->siblings[i].progress), now);
        if (worker->zap)
                watch_note(&figures->threads.zap, zap_progress(worker->zap), now);
        for (size_t i = 0; core && i < _FIGURES_THREAD_MAX; i++)
                watch_note(&figures->threads.core[i], figure_get(&core->threads[i].n), now);
        if (core)
                watch_note(&figures->threads.core_zap, figure_get(&core->zap_rounds), now);
        if (audit.synced >= audit.number)
                figures->unsynced_since = 0;
        else if (figures->unsynced_since == 0)
                figures->unsynced_since = now;
}

/* ---- pages ---- */

static int page_metrics(Figures *figures, const HttpRequest *request, HttpPage *page) {
        const bool is_old = figures_text_wants_old(request->accept);

        page->type = is_old ? FIGURES_TYPE_OLD : FIGURES_TYPE_OPENMETRICS;
        return figures_write_metrics(figures, is_old, &page->body);
}

static int page_health(Figures *figures, const HttpRequest *request, HttpPage *page) {
        page->status = figures_write_health(figures, &page->body) ? 200 : 503;
        return 0;
}

static int page_ready(Figures *figures, const HttpRequest *request, HttpPage *page) {
        page->status = figures_write_ready(figures, &page->body) ? 200 : 503;
        return 0;
}

static int page_missing(HttpPage *page) {
        static const char words[] = "Nothing is here: /metrics, /healthz and /readyz are.\n";

        page->status = 404;
        buffer_append(&page->body, words, sizeof(words) - 1);
        return 0;
}

static int on_request(const HttpRequest *request, HttpPage *page, void *owner) {
        static const struct {
                const char *path;
                int (*write)(Figures *figures, const HttpRequest *request, HttpPage *page);
        } pages[] = {
                { "/metrics", page_metrics },
                { "/healthz", page_health },
                { "/readyz", page_ready },
        };
        Figures *figures = owner;

        for (size_t i = 0; i < ELEMENTSOF(pages); i++)
                if (strcmp(request->path, pages[i].path) == 0)
                        return pages[i].write(figures, request, page);
        return page_missing(page);
}

/* ---- the thread ---- */

static int figures_take_config(Figures *figures, Config *config) {
        int r;

        config_ref(config);
        config_unref(figures->config);
        figures->config = config;
        r = view_renew(figures->view);
        if (r == 0)
                r = figures_make_sharing(figures);
        view_rest(figures->view);
        if (r == 0)
                r = figures_open_doors(figures, clock_monotonic(&clock_system));
        return r == 0 ? worker_report(figures->worker, NULL) : r;
}

static int figures_take_orders(Figures *figures) {
        ring_clear(figures->worker->orders);
        for (;;) {
                _cleanup_(order_freep) Order *order = ring_pop(figures->worker->orders);
                int r;

                if (!order)
                        return 0;
                if (order->kind == ORDER_STOP) {
                        figures->stopping = true;
                        return 0;
                }
                r = figures_take_config(figures, order->config);
                if (r < 0)
                        return r;
        }
}

/* The newest word of a ring. */
static bool take_newest(Ring *ring, FeedStatus **newest) {
        FeedStatus *status;
        bool any = false;

        ring_clear(ring);
        while ((status = ring_pop(ring))) {
                free(*newest);
                *newest = status;
                any = true;
        }
        return any;
}

static int figures_work(Figures *figures) {
        const int64_t now = clock_monotonic(&clock_system);
        int r = view_renew(figures->view);

        if (r == 0 && view_settings_mark(figures->view) != figures->settings_mark)
                r = figures_make_sharing(figures);
        if (r == 0)
                r = figures_count(figures, now);
        if (r == 0)
                r = figures_lag_look(figures, LOOKED_AT);
        if (r == 0)
                r = figures_open_doors(figures, now);
        if (r == 0)
                r = http_server_work(figures->http, now);
        view_rest(figures->view);
        return r;
}

static int figures_loop(Figures *figures) {
        Worker *worker = figures->worker;

        while (!figures->stopping) {
                ZPoll items[] = {
                        { .fd = ring_fd(worker->orders) },
                        { .fd = ring_fd(worker->feed_figures) },
                        { .fd = ring_fd(worker->live_figures) },
                        { .fd = http_server_fd(figures->http) },
                };
                int r = zpoll(items, ELEMENTSOF(items), IDLE_MS);

                if (r < 0)
                        return r;
                worker_tick(worker);
                figures_watch(figures, clock_monotonic(&clock_system));
                if (take_newest(worker->feed_figures, &figures->feeds))
                        r = figures_lag_take(figures);
                (void)take_newest(worker->live_figures, &figures->live);
                if (r >= 0 && items[0].ready)
                        r = figures_take_orders(figures);
                if (r >= 0 && figures->config && !figures->stopping)
                        r = figures_work(figures);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void figures_deinit(Figures *figures) {
        http_server_free(figures->http);
        if (figures->socket_path)
                (void)unlink(figures->socket_path);
        free(figures->socket_path);
        free(figures->tcp.wanted);
        free(figures->feeds);
        free(figures->live);
        free(figures->lags);
        sharing_unref(figures->sharing);
        config_unref(figures->config);
        publisher_free(figures->publisher);
        sight_free(figures->sight);
        view_free(figures->view);
}

int figures_run(Worker *worker) {
        _cleanup_(figures_deinit) Figures figures = { .worker = worker };
        int r;

        figures.started_at = clock_now_at(&clock_system);
        r = view_new(worker->state, worker->journal_folder, &figures.view);
        if (r == 0)
                r = publisher_new(&figures.publisher);
        if (r == 0)
                r = sight_new(figures.view, &figures.sight);
        if (r == 0)
                r = http_server_new(on_request, &figures, &figures.http);
        if (r == 0)
                sight_set_audit(figures.sight, worker->audit);
        return r == 0 ? figures_loop(&figures) : r;
}
