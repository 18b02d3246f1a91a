/* Pages: what was gathered, as text. Every family of the table is begun here once, in the table's order. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/record/read.h"
#include "daemon/record/source-silence.h"
#include "daemon/serve/figures-parts.h"
#include "daemon/store/state-keys.h"

#define READY_LAG (60 * USEC_PER_SEC) /* the oldest entry that is not folded may be so old */

/* What a page is made of, while it is made. */
typedef struct Page {
        FiguresText text;
        Figures *figures;
        const CoreFigures *core; /* never NULL: zeros where nobody counts */
        SourceCounts *sources;
        size_t n_sources;
        int64_t now, now_at;
} Page;

static const CoreFigures no_core = { .size = 0 };

static const CoreFigures *core_of(const Figures *figures) {
        return figures->worker->core_figures ? figures->worker->core_figures : &no_core;
}

static void one_number(Page *page, FigureId id, uint64_t value) {
        figures_text_begin(&page->text, id);
        figures_text_number(&page->text, id, value, NULL);
}

static void one_time(Page *page, FigureId id, int64_t usec) {
        figures_text_begin(&page->text, id);
        figures_text_time(&page->text, id, usec, NULL);
}

/* Since `at` (of the clock `now`); 0 where it is 0, or lies ahead. */
static int64_t age(int64_t now, int64_t at) {
        return at != 0 && now > at ? now - at : 0;
}

/* ---- sources ---- */

static void of_sources(Page *page, FigureId id, SourceFigure figure) {
        figures_text_begin(&page->text, id);
        for (size_t i = 0; i < page->n_sources; i++)
                figures_text_number(&page->text, id, page->sources[i].values[figure],
                                    FIGURE_LABELS(page->sources[i].name));
}

/* Where there is none, there is no sample. */
static void times_of_sources(Page *page, FigureId id, SourceFigure figure) {
        figures_text_begin(&page->text, id);
        for (size_t i = 0; i < page->n_sources; i++)
                if (page->sources[i].values[figure] != 0)
                        figures_text_time(&page->text, id, (int64_t)page->sources[i].values[figure],
                                          FIGURE_LABELS(page->sources[i].name));
}

/* One family with a label more: which of these it is. */
typedef struct SourceKind {
        SourceFigure figure;
        const char *word;
} SourceKind;

static void of_sources_by(Page *page, FigureId id, const SourceKind *kinds, size_t n_kinds) {
        figures_text_begin(&page->text, id);
        for (size_t i = 0; i < page->n_sources; i++)
                for (size_t k = 0; k < n_kinds; k++)
                        figures_text_number(&page->text, id, page->sources[i].values[kinds[k].figure],
                                            FIGURE_LABELS(page->sources[i].name, kinds[k].word));
}

static void write_silence(Page *page) {
        figures_text_begin(&page->text, FIGURE_SOURCE_SILENT);
        for (size_t i = 0; i < page->n_sources; i++) {
                SourceSilence silence;

                if (source_silence_read(view_txn(page->figures->view), page->sources[i].name, &silence) == 0)
                        figures_text_number(&page->text, FIGURE_SOURCE_SILENT,
                                            silence.silent_since_at != 0 && silence.spoke_at == 0,
                                            FIGURE_LABELS(page->sources[i].name));
        }
}

static void write_incoming(Page *page) {
        static const SourceKind refusals[] = { { SOURCE_REFUSED, "for-good" },
                                               { SOURCE_LATER, "later" },
                                               { SOURCE_UNANSWERED, "unanswered" } };

        of_sources(page, FIGURE_RECEIVED, SOURCE_RECEIVED);
        of_sources(page, FIGURE_STORED, SOURCE_STORED);
        of_sources(page, FIGURE_DUPLICATE, SOURCE_DUPLICATE);
        of_sources_by(page, FIGURE_REFUSED, refusals, ELEMENTSOF(refusals));
        of_sources(page, FIGURE_IN_FLIGHT, SOURCE_IN_FLIGHT);
        figures_text_begin(&page->text, FIGURE_UNACCOUNTED);
        for (size_t i = 0; i < page->n_sources; i++)
                figures_text_signed(&page->text, FIGURE_UNACCOUNTED, source_counts_unaccounted(&page->sources[i]),
                                    FIGURE_LABELS(page->sources[i].name));
        figures_text_begin(&page->text, FIGURE_QUARANTINED);
        for (size_t i = 0; i < page->n_sources; i++)
                figures_text_number(&page->text, FIGURE_QUARANTINED,
                                    state_count_get(view_txn(page->figures->view), page->sources[i].name,
                                                    RECORD_COUNT_QUARANTINED),
                                    FIGURE_LABELS(page->sources[i].name));
        of_sources(page, FIGURE_SOURCE_SESSIONS, SOURCE_SESSIONS);
        times_of_sources(page, FIGURE_SOURCE_HEARD, SOURCE_HEARD_AT);
        write_silence(page);
        of_sources(page, FIGURE_MAP_MISSES, SOURCE_MAP_MISSES);
        one_number(page, FIGURE_SOURCES_LEFT_OUT, figure_get(&page->core->n_sources) - page->n_sources);
}

static void write_adapters(Page *page) {
        static const SourceKind answers[] = { { SOURCE_ADAPTER_ACCEPTED, "accept" },
                                              { SOURCE_ADAPTER_FAILED, "error" },
                                              { SOURCE_ADAPTER_REJECTED, "reject" } };

        of_sources(page, FIGURE_ADAPTER_RECEIVED, SOURCE_ADAPTER_RECEIVED);
        of_sources_by(page, FIGURE_ADAPTER_ANSWERS, answers, ELEMENTSOF(answers));
        of_sources(page, FIGURE_ADAPTER_CONNECTIONS, SOURCE_ADAPTER_CONNECTIONS);
        of_sources(page, FIGURE_ADAPTER_WAITING, SOURCE_ADAPTER_WAITING);
        of_sources(page, FIGURE_ADAPTER_IGNORED, SOURCE_ADAPTER_IGNORED);
        of_sources(page, FIGURE_ADAPTER_REFUSED, SOURCE_ADAPTER_REFUSED);
        times_of_sources(page, FIGURE_CERTIFICATE, SOURCE_ADAPTER_CERTIFICATE);
}

/* ---- journal, disk, fold ---- */

static uint64_t fold_lag(const CoreFigures *core) {
        const uint64_t folded = figure_get(&core->folded_seq), committed = figure_get(&core->committed_seq);

        return committed > folded ? committed - folded : 0;
}

static int64_t fold_lag_time(const CoreFigures *core, int64_t now_at) {
        return fold_lag(core) > 0 ? age(now_at, (int64_t)figure_get(&core->folding_at)) : 0;
}

static void write_journal(Page *page) {
        const CoreFigures *core = page->core;
        const uint64_t left = figure_get(&core->seconds_left);

        /* The fold may be a round ahead of what intake wrote down. */
        one_number(page, FIGURE_JOURNAL_SEQ, MAX(figure_get(&core->committed_seq), figure_get(&core->folded_seq)));
        one_number(page, FIGURE_JOURNAL_BYTES, figure_get(&core->journal_bytes));
        figures_text_begin(&page->text, FIGURE_SYNC);
        figures_text_histogram(&page->text, FIGURE_SYNC, &core->sync, &figures_sync_bounds, true);
        figures_text_begin(&page->text, FIGURE_BATCH);
        figures_text_histogram(&page->text, FIGURE_BATCH, &core->batch, &figures_batch_bounds, false);
        one_number(page, FIGURE_DISK_FREE, figure_get(&core->free_bytes));
        one_number(page, FIGURE_DISK_RESERVE, figure_get(&core->reserve_bytes));
        figures_text_begin(&page->text, FIGURE_DISK_LEFT);
        if (left != FIGURES_UNKNOWN)
                figures_text_number(&page->text, FIGURE_DISK_LEFT, left, NULL);
        one_number(page, FIGURE_STORAGE_FULL, figure_get(&core->storage_full));
        one_number(page, FIGURE_FOLD_SEQ, figure_get(&core->folded_seq));
        one_number(page, FIGURE_FOLD_LAG, fold_lag(core));
        one_time(page, FIGURE_FOLD_LAG_TIME, fold_lag_time(core, page->now_at));
        one_number(page, FIGURE_FOLD_WAITS, figure_get(&core->fold_waits));
}

/* ---- what goes out ---- */

static void write_outgoing(Page *page) {
        const Figures *figures = page->figures;
        const FeedStatus *feeds = figures->feeds, *live = figures->live;
        const uint64_t head = view_head(figures->view);

        figures_text_begin(&page->text, FIGURE_DELIVERED);
        for (size_t i = 0; feeds && i < feeds->n_items; i++)
                figures_text_number(&page->text, FIGURE_DELIVERED, feeds->items[i].delivered,
                                    FIGURE_LABELS(feeds->items[i].team, feeds->items[i].consumer));
        figures_text_begin(&page->text, FIGURE_PUBLISHED);
        for (size_t i = 0; live && i < live->n_items; i++)
                figures_text_number(&page->text, FIGURE_PUBLISHED, live->items[i].delivered,
                                    FIGURE_LABELS(live->items[i].team));
        figures_text_begin(&page->text, FIGURE_FEED_OPEN);
        for (size_t i = 0; feeds && i < feeds->n_items; i++)
                figures_text_number(&page->text, FIGURE_FEED_OPEN, feeds->items[i].open,
                                    FIGURE_LABELS(feeds->items[i].team, feeds->items[i].consumer));
        figures_text_begin(&page->text, FIGURE_FEED_LAG);
        for (size_t i = 0; i < figures->n_lags; i++) {
                const FeedLag *lag = &figures->lags[i];

                figures_text_number(&page->text, FIGURE_FEED_LAG, lag->found ? head - lag->first.seq + 1 : 0,
                                    FIGURE_LABELS(lag->team, lag->consumer));
        }
        figures_text_begin(&page->text, FIGURE_FEED_AGE);
        for (size_t i = 0; i < figures->n_lags; i++) {
                const FeedLag *lag = &figures->lags[i];

                figures_text_time(&page->text, FIGURE_FEED_AGE, lag->found ? age(page->now_at, lag->received_at) : 0,
                                  FIGURE_LABELS(lag->team, lag->consumer));
        }
}

/* ---- what waits for a person; the audit ---- */

static void write_waiting(Page *page) {
        const ControlQuarantine *quarantine = &page->figures->quarantine;
        const ControlReviews *reviews = &page->figures->reviews;
        const uint64_t special = quarantine->urgent + quarantine->unhandled + quarantine->deliveries;

        figures_text_begin(&page->text, FIGURE_QUARANTINE_OPEN);
        figures_text_number(&page->text, FIGURE_QUARANTINE_OPEN, quarantine->urgent, FIGURE_LABELS("urgent"));
        figures_text_number(&page->text, FIGURE_QUARANTINE_OPEN, quarantine->open - special, FIGURE_LABELS("normal"));
        figures_text_number(&page->text, FIGURE_QUARANTINE_OPEN, quarantine->unhandled, FIGURE_LABELS("unhandled"));
        figures_text_number(&page->text, FIGURE_QUARANTINE_OPEN, quarantine->deliveries, FIGURE_LABELS("delivery"));
        one_time(page, FIGURE_QUARANTINE_AGE, age(page->now_at, quarantine->oldest_received_at));
        one_number(page, FIGURE_PARKED, quarantine->deliveries);
        figures_text_begin(&page->text, FIGURE_REVIEWS);
        figures_text_number(&page->text, FIGURE_REVIEWS, reviews->urgent, FIGURE_LABELS("urgent"));
        figures_text_number(&page->text, FIGURE_REVIEWS, reviews->open - reviews->urgent, FIGURE_LABELS("normal"));
        one_number(page, FIGURE_REVIEWS_OVERDUE, reviews->overdue);
        one_time(page, FIGURE_REVIEWS_AGE, age(page->now_at, reviews->oldest_opened_at));
}

static void write_audit(Page *page) {
        const AuditStatus status = audit_status(page->figures->worker->audit);

        one_number(page, FIGURE_AUDIT_RECORDS, status.number);
        one_number(page, FIGURE_AUDIT_REMOVED, status.removed);
        one_number(page, FIGURE_AUDIT_UNSYNCED, status.number > status.synced ? status.number - status.synced : 0);
        one_time(page, FIGURE_AUDIT_UNSYNCED_TIME, age(page->now, page->figures->unsynced_since));
        one_number(page, FIGURE_AUDIT_STOPPED, status.full || status.error != 0);
}

/* ---- the bus itself ---- */

static const char *const core_threads[_FIGURES_THREAD_MAX] = {
        [FIGURES_MAIN] = "main", [FIGURES_INTAKE] = "intake", [FIGURES_FOLD] = "fold", [FIGURES_HELPER] = "helper"
};

/* Calls `each` with every thread that is watched: process, name, when it moved last. */
typedef void (*EachThread)(const char *process, const char *thread, int64_t moved_at, void *owner);
static void threads_each(const Figures *figures, EachThread each, void *owner) {
        const Worker *worker = figures->worker;

        for (size_t i = 0; worker->core_figures && i < _FIGURES_THREAD_MAX; i++)
                each("core", core_threads[i], figures->threads.core[i].moved_at, owner);
        if (worker->core_figures)
                each("core", "zap", figures->threads.core_zap.moved_at, owner);
        for (size_t i = 0; i < worker->n_siblings && i < FIGURES_WORKERS_MAX; i++)
                each("serve", worker->siblings[i].name, figures->threads.workers[i].moved_at, owner);
        if (worker->zap)
                each("serve", "zap", figures->threads.zap.moved_at, owner);
}

static void write_thread(const char *process, const char *thread, int64_t moved_at, void *owner) {
        Page *page = owner;

        figures_text_time(&page->text, FIGURE_THREAD_AGE, age(page->now, moved_at), FIGURE_LABELS(process, thread));
}

static void write_bus(Page *page) {
        Figures *figures = page->figures;
        const Config *config = figures->config;
        Buffer nothing = BUFFER_NULL;

        one_number(page, FIGURE_READY, figures_write_ready(figures, &nothing));
        buffer_deinit(&nothing);
        figures_text_begin(&page->text, FIGURE_THREAD_AGE);
        threads_each(figures, write_thread, page);
        one_number(page, FIGURE_SERVE_RESTARTS, figure_get(&page->core->serve_restarts));
        figures_text_begin(&page->text, FIGURE_LOG_SUPPRESSED);
        figures_text_number(&page->text, FIGURE_LOG_SUPPRESSED, figure_get(&page->core->lines_left_out),
                            FIGURE_LABELS("core"));
        figures_text_number(&page->text, FIGURE_LOG_SUPPRESSED, log_line_counts().left_out, FIGURE_LABELS("serve"));
        figures_text_begin(&page->text, FIGURE_START_TIME);
        figures_text_time(&page->text, FIGURE_START_TIME, (int64_t)figure_get(&page->core->started_at),
                          FIGURE_LABELS("core"));
        figures_text_time(&page->text, FIGURE_START_TIME, figures->started_at, FIGURE_LABELS("serve"));
        figures_text_begin(&page->text, FIGURE_BUILD);
        figures_text_number(&page->text, FIGURE_BUILD, 1,
                            FIGURE_LABELS(CAREBUS_VERSION, config->bus, config_environment_name(config->environment)));
}

/* ---- pages ---- */

static int page_read_sources(Page *page) {
        const uint64_t n = MIN(figure_get(&page->core->n_sources), (uint64_t)FIGURES_SOURCES_MAX);

        page->sources = calloc(n + 1, sizeof(*page->sources));
        if (!page->sources)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (source_figures_read(&page->core->sources[i], &page->sources[page->n_sources]) &&
                    page->sources[page->n_sources].name[0])
                        page->n_sources++;
        return 0;
}

int figures_write_metrics(Figures *figures, bool is_old, Buffer *out) {
        Page page = {
                .text = { .out = out, .is_old = is_old },
                .figures = figures,
                .core = core_of(figures),
                .now = clock_monotonic(&clock_system),
                .now_at = clock_now_at(&clock_system),
        };
        int r = page_read_sources(&page);

        if (r < 0)
                return r;
        write_incoming(&page);
        write_adapters(&page);
        write_journal(&page);
        write_outgoing(&page);
        write_waiting(&page);
        write_audit(&page);
        write_bus(&page);
        figures_text_end(&page.text);
        free(page.sources);
        return out->error;
}

__attribute__((format(printf, 2, 3))) static void say(Buffer *out, const char *format, ...) {
        char line[200];
        va_list list;
        int n;

        va_start(list, format);
        n = vsnprintf(line, sizeof(line), format, list);
        va_end(list);
        if (n > 0)
                buffer_append(out, line, MIN((size_t)n, sizeof(line) - 1));
}

typedef struct Health {
        Buffer *out;
        int64_t now;
        bool good;
} Health;

static void look_at_thread(const char *process, const char *thread, int64_t moved_at, void *owner) {
        Health *health = owner;

        if (age(health->now, moved_at) <= FIGURES_STUCK_AFTER)
                return;
        health->good = false;
        say(health->out, "%s %s: has not moved for %" PRId64 " s\n", process, thread,
            (int64_t)(age(health->now, moved_at) / USEC_PER_SEC));
}

bool figures_write_health(const Figures *figures, Buffer *out) {
        Health health = { .out = out, .now = clock_monotonic(&clock_system), .good = true };

        threads_each(figures, look_at_thread, &health);
        if (health.good)
                say(out, "ok\n");
        return health.good;
}

/* A line for each part: its name, and ok or what is wrong with it. */
static bool say_part(Buffer *out, const char *part, bool good, const char *otherwise) {
        say(out, "%s: %s\n", part, good ? "ok" : otherwise);
        return good;
}

bool figures_write_ready(Figures *figures, Buffer *out) {
        const CoreFigures *core = core_of(figures);
        const AuditStatus audit = audit_status(figures->worker->audit);
        const int64_t lag = fold_lag_time(core, clock_now_at(&clock_system));
        Health health = { .out = out, .now = clock_monotonic(&clock_system), .good = true };
        bool good = true;

        threads_each(figures, look_at_thread, &health);
        good &= say_part(out, "core", figure_get(&core->running) != 0, "starting");
        good &= say_part(out, "storage", figure_get(&core->storage_full) == 0 && figure_get(&core->fold_waits) == 0,
                         "full: senders are told to come later; free space under state:");
        good &= say_part(out, "fold", lag <= READY_LAG && figure_get(&core->fold_stuck) == 0,
                         "behind: what is newer than a minute is not in the records yet");
        good &= say_part(out, "serve", figures->config != NULL, "starting");
        good &= say_part(out, "audit", !audit.full && audit.error == 0, "cannot be written: nothing is given out");
        return good && health.good;
}
