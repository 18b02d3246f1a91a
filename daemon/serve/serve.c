/*
 * Main of the serve process. A configuration goes to the threads one after the other; if one of them cannot take it, those
 * before it get the old one back, and core hears why.
 */
#include "daemon/serve/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/service.h"
#include "base/text.h"
#include "config/config.h"
#include "daemon/link.h"
#include "daemon/peer/self-test.h"
#include "daemon/peer/zap.h"
#include "daemon/serve/audit-follow.h"
#include "daemon/serve/confine.h"
#include "daemon/serve/feed.h"
#include "daemon/serve/figures.h"
#include "daemon/serve/live.h"
#include "daemon/serve/query.h"
#include "daemon/serve/worker.h"

#define WATCH_EVERY (5 * USEC_PER_SEC)
#define STUCK_AFTER (60 * USEC_PER_SEC) /* a thread that works turns at least once a second */
#define STOP_WITHIN_S 5
#define FEED_STATUS_SLOTS 4
#define CONVERGE_SLOTS 64 /* more than questions of that kind may wait */
#define NOBODY_DOMAIN "nobody"

enum { WORKER_LIVE, WORKER_FEED, WORKER_QUERY, WORKER_AUDIT, WORKER_FIGURES, N_WORKERS };

typedef struct Watched {
        uint64_t progress;
        int64_t moved_at;
} Watched;

typedef struct Serve {
        Loop *loop;
        Link *link;
        LoopSource *link_source, *watch_source, *report_sources[N_WORKERS];
        ZContext *context;
        Zap *zap;
        State *state;
        Audit *audit;
        Worker workers[N_WORKERS];
        Lineage lineage;
        Ring *feed_status, *converge_asked, *converge_told;
        Ring *feed_figures, *live_figures;
        CoreFigures *core_figures;
        int backup_lock;
        bool running; /* the threads are started */
        Config *current, *wanted;
        size_t at;                   /* the worker whose report on `wanted` is awaited */
        unsigned ignored[N_WORKERS]; /* reports on a configuration that was given back */
        Watched watched[N_WORKERS + 1];
} Serve;

/* ---- who may connect --------------------------------------------------------------------------------------------------- */

static int table_allow_teams(ZapTable *table, const Config *config) {
        for (size_t i = 0; i < config->n_teams; i++) {
                _cleanup_(freep) char *domain = NULL;
                int r = text_format(&domain, "live/%s", config->teams[i].name);

                if (r >= 0)
                        r = zap_table_allow_peer(table, domain, &config->teams[i].peer);
                if (r >= 0)
                        r = zap_table_allow_peer(table, "feed", &config->teams[i].peer);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < config->n_destinations; i++) {
                int r = zap_table_allow_peer(table, "feed", &config->destinations[i].peer);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int table_of(const Config *config, ZapTable **ret) {
        _cleanup_(zap_table_freep) ZapTable *table = NULL;
        int r;

        r = zap_table_new(&table);
        if (r == 0)
                r = table_allow_teams(table, config);
        for (size_t i = 0; r == 0 && i < config->n_operators; i++) {
                char identity[IDENTITY_SIZE];
                identity_of_uid(config->operators[i], identity);
                r = zap_table_allow(table, "query", identity);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(table);
        return 0;
}

/* Takes effect at the next handshake; what is connected is looked at by its thread. */
static int serve_set_table(Serve *serve, const Config *config) {
        ZapTable *table;
        int r = table_of(config, &table);

        if (r < 0)
                return r;
        if (serve->zap)
                return zap_update(serve->zap, table);
        r = zap_start(serve->context, table, &serve->zap);
        if (r == 0)
                zap_tell_refusals(serve->zap, MAX(link_inherited("refuse"), -1));
        return r;
}

/* libzmq lets every key in when nobody answers its question: so be a stranger first. */
static int serve_test_door(Serve *serve, const Config *config) {
        _cleanup_(freep) char *endpoint = NULL;
        int r = text_format(&endpoint, "ipc://%s/serve-self-test", config->run);

        if (r < 0)
                return r;
        zap_set_quiet(serve->zap, true);
        r = self_test_private(serve->context, endpoint, NOBODY_DOMAIN);
        zap_set_quiet(serve->zap, false);
        if (r == 0)
                return 0;
        return r == SELF_TEST_E_NO_CURVE && !config->listen_feed ? 0 : -EPERM;
}

/* ---- a configuration goes round ----------------------------------------------------------------------------------------- */

static int serve_say(Serve *serve, LinkKind kind, const char *sentence) {
        int r = link_send(serve->link, kind, bytes_of_text(sentence));

        if (r == LINK_E_AGAIN)
                return loop_io_set_events(serve->link_source, EPOLLIN | EPOLLOUT);
        return r == LINK_E_CLOSED ? 0 : r;
}

static int serve_forget_wanted(Serve *serve, const char *failure) {
        int r = 0;

        for (size_t i = 0; serve->current && r == 0 && i < serve->at; i++) {
                serve->ignored[i]++;
                r = worker_order(&serve->workers[i], ORDER_CONFIG, serve->current);
        }
        if (r == 0 && serve->current)
                r = serve_set_table(serve, serve->current);
        serve->wanted = config_unref(serve->wanted);
        if (r == 0)
                r = serve_say(serve, LINK_FAILED, failure);
        if (r == 0 && !serve->current) {
                log_event(LOG_SERVE_CANNOT_START, log_name("REASON", failure));
                loop_exit(serve->loop, EXIT_CONFIGURATION);
        }
        return r;
}

static int serve_order_next(Serve *serve) {
        if (serve->at < N_WORKERS)
                return worker_order(&serve->workers[serve->at], ORDER_CONFIG, serve->wanted);
        config_unref(serve->current);
        serve->current = TAKE_PTR(serve->wanted);
        return serve_say(serve, LINK_READY, NULL);
}

static int serve_take_report(Serve *serve, size_t worker, const Report *report) {
        if (atomic_load(&serve->workers[worker].result) <= 0) {
                log_event(LOG_SERVE_THREAD_FAILED, log_name("THREAD", serve->workers[worker].name),
                          log_errno(atomic_load(&serve->workers[worker].result)));
                return -EIO;
        }
        if (serve->ignored[worker] > 0) {
                serve->ignored[worker]--;
                return 0;
        }
        if (!serve->wanted || worker != serve->at)
                return 0;
        if (report->failure)
                return serve_forget_wanted(serve, report->failure);
        serve->at++;
        return serve_order_next(serve);
}

static int on_reports(LoopSource *source, int fd, uint32_t revents, void *owner) {
        Serve *serve = owner;

        for (size_t i = 0; i < N_WORKERS; i++) {
                if (ring_fd(serve->workers[i].reports) != fd)
                        continue;
                ring_clear(serve->workers[i].reports);
                for (;;) {
                        _cleanup_(report_freep) Report *report = ring_pop(serve->workers[i].reports);
                        int r = report ? serve_take_report(serve, i, report) : 0;
                        if (!report || r < 0)
                                return r;
                }
        }
        return 0;
}

/* ---- start ---------------------------------------------------------------------------------------------------------------- */

static int serve_prepare_worker(Serve *serve, size_t index, const Config *config) {
        Worker *worker = &serve->workers[index];
        int doorbell = link_inherited("doorbell");

        if (doorbell < 0)
                return doorbell;
        worker->context = serve->context;
        worker->state = serve->state;
        worker->audit = serve->audit;
        worker->core_doorbell = doorbell;
        worker->refusals = MAX(link_inherited("refusals"), -1);
        worker->lineage = &serve->lineage;
        worker->feed_status = serve->feed_status;
        worker->converge_asked = serve->converge_asked;
        worker->converge_told = serve->converge_told;
        worker->feed_figures = serve->feed_figures;
        worker->live_figures = serve->live_figures;
        worker->siblings = serve->workers;
        worker->n_siblings = N_WORKERS;
        worker->zap = serve->zap;
        worker->core_figures = serve->core_figures;
        worker->metrics_fd = link_inherited("metrics");
        worker->backup_lock = serve->backup_lock;
        worker->journal_folder = config_state_path(config, "journal");
        worker->serve_folder = config_state_path(config, "serve");
        if (!worker->journal_folder || !worker->serve_folder)
                return -ENOMEM;
        return loop_add_io(serve->loop, ring_fd(worker->reports), EPOLLIN, on_reports, serve,
                           &serve->report_sources[index]);
}

/* Nothing is given out over an audit that is not what was written: a person looks first. */
static int serve_open_audit(Serve *serve, const Config *config) {
        _cleanup_(freep) char *folder = config_state_path(config, "serve/audit");
        _cleanup_(freep) char *key = config->audit_key ? strdup(config->audit_key) : NULL;
        AuditOptions options = { .folder = folder, .version = CAREBUS_VERSION, .clock = &clock_system };
        AuditOpenFault fault = { .reason = NULL };
        AuditStatus status;
        int r;

        if (!key && service_credential("audit.key", &key) == -ENOENT)
                key = config_state_path(config, "serve/audit.key");
        if (!folder || !key)
                return -ENOMEM;
        options.key = key;
        r = audit_open(&options, &serve->audit, &fault);
        if (r == -EBADMSG)
                log_event(LOG_AUDIT_DAMAGED, log_name("REASON", fault.reason),
                          log_number("SEGMENT", (int64_t)fault.segment), log_number("OFFSET", (int64_t)fault.offset),
                          log_number("RECORD", (int64_t)fault.number));
        if (r < 0)
                return r;
        status = audit_status(serve->audit);
        if (status.cut > 0)
                log_event(LOG_AUDIT_CUT, log_number("BYTES", (int64_t)status.cut));
        return 0;
}

/* Core has opened the journal by now. */
static int serve_read_lineage(Serve *serve, const Config *config) {
        _cleanup_(freep) char *journal = config_state_path(config, "journal");
        _cleanup_(freep) char *path = config_state_path(config, LINEAGE_FILE);
        uint8_t id[16];
        int r = journal && path ? journal_id(journal, id) : -ENOMEM;

        return r ?: lineage_read(path, id, &serve->lineage);
}

/* The file lies beside what serve may write to: it is opened before the fence stands. Where it cannot be, nothing is let go of. */
static void serve_open_backup_lock(Serve *serve, const Config *config) {
        _cleanup_(freep) char *path = config_state_path(config, "backup.lock");

        if (path)
                serve->backup_lock = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
}

/* For what nobody takes who should read the log: without it all else goes on. */
static void serve_open_last_words(const Config *config) {
        _cleanup_(freep) char *path = config_state_path(config, "serve/last-words");

        if (path)
                (void)log_keep_last_words(path);
}

/* What core counts, for reading. Without it (somebody starts serve alone) only what serve knows is shown. */
static int serve_open_figures(Serve *serve) {
        int fd = link_inherited("figures");
        int r = fd == -ENOENT ? 0 : fd < 0 ? fd : figures_map(fd, &serve->core_figures);

        if (r == 0)
                r = ring_new(&serve->feed_figures, FEED_STATUS_SLOTS);
        if (r == 0)
                r = ring_new(&serve->live_figures, FEED_STATUS_SLOTS);
        if (r < 0)
                return r;
        ring_set_free(serve->feed_figures, free);
        ring_set_free(serve->live_figures, free);
        return 0;
}

static int serve_start(Serve *serve, const Config *config) {
        static const struct {
                const char *name;
                WorkerRun run;
        } workers[N_WORKERS] = {
                [WORKER_LIVE] = { "live", live_run },          [WORKER_FEED] = { "feed", feed_run },
                [WORKER_QUERY] = { "query", query_run },       [WORKER_AUDIT] = { "audit", audit_follow_run },
                [WORKER_FIGURES] = { "figures", figures_run },
        };
        _cleanup_(freep) char *fold = config_state_path(config, "fold");
        int r;

        if (!fold)
                return -ENOMEM;
        serve_open_backup_lock(serve, config);
        r = serve_confine_files(config);
        serve_open_last_words(config);
        if (r == 0)
                r = zcontext_new(&serve->context);
        if (r == 0)
                r = serve_set_table(serve, config);
        if (r == 0)
                r = serve_test_door(serve, config);
        if (r == 0)
                r = error_fold(state_open(fold, STATE_READ, 0, &serve->state));
        if (r == 0)
                r = serve_open_audit(serve, config);
        if (r == 0)
                r = serve_read_lineage(serve, config);
        if (r == 0)
                r = ring_new(&serve->feed_status, FEED_STATUS_SLOTS);
        if (r == 0)
                r = ring_new(&serve->converge_asked, CONVERGE_SLOTS);
        if (r == 0)
                r = ring_new(&serve->converge_told, CONVERGE_SLOTS);
        if (r == 0)
                r = serve_open_figures(serve);
        if (r < 0)
                return r;
        ring_set_free(serve->feed_status, free);
        ring_set_free(serve->converge_asked, free);
        ring_set_free(serve->converge_told, free);
        for (size_t i = 0; i < N_WORKERS; i++) {
                r = worker_init(&serve->workers[i], workers[i].name, workers[i].run);
                if (r == 0)
                        r = serve_prepare_worker(serve, i, config);
                if (r == 0)
                        r = worker_start(&serve->workers[i]);
                if (r < 0)
                        return r;
        }
        serve->running = true;
        return serve_confine_calls(config);
}

/* ---- core says ------------------------------------------------------------------------------------------------------------- */

static int serve_take_config(Serve *serve, Bytes packed) {
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_unrefp) Config *config = NULL;
        int r;

        r = config_text_unpack(packed, &text);
        if (r == 0)
                r = config_parse(text, &config, &problems);
        if (r < 0)
                return r;
        if (r > 0) /* core has checked the same text by the same code */
                return serve->current
                               ? serve_say(serve, LINK_FAILED, "the configuration that core checked is not valid here")
                               : -EBADMSG;
        if (!serve->running) {
                r = serve_start(serve, config);
                if (r < 0)
                        return r;
        } else {
                r = serve_set_table(serve, config);
                if (r < 0)
                        return r;
        }
        /* One that comes while another goes round: the threads that have the other get this one as well. */
        if (serve->wanted)
                serve->ignored[serve->at]++;
        config_unref(serve->wanted);
        serve->wanted = TAKE_PTR(config);
        serve->at = 0;
        return serve_order_next(serve);
}

static int on_link(LoopSource *source, int fd, uint32_t revents, void *owner) {
        Serve *serve = owner;
        int r = 0;

        if (revents & EPOLLOUT) {
                r = link_flush(serve->link);
                if (r == 0)
                        r = loop_io_set_events(source, EPOLLIN);
                if (r < 0)
                        return r;
        }
        for (;;) {
                LinkKind kind;
                Bytes payload;

                r = link_receive(serve->link, &kind, &payload);
                if (r == LINK_E_AGAIN)
                        return 0;
                if (r < 0)
                        return r;
                if (r == LINK_E_CLOSED || kind == LINK_STOP) {
                        loop_exit(serve->loop, EXIT_DONE);
                        return 0;
                }
                if (kind == LINK_CONFIG) {
                        r = serve_take_config(serve, payload);
                        if (r < 0)
                                return r;
                }
        }
}

/* ---- watch ------------------------------------------------------------------------------------------------------------------- */

/* Core does not see into this process: a thread that stands still for long ends it, and core starts it anew. While all of them move core
 * is told so; when this thread itself stands still nothing is said, and core ends the process. False: it has not moved since. */
static bool serve_check_progress(Serve *serve, size_t index, const char *name, uint64_t progress, int64_t now) {
        Watched *watched = &serve->watched[index];

        if (watched->moved_at == 0 || watched->progress != progress) {
                *watched = (Watched){ .progress = progress, .moved_at = now };
                return true;
        }
        if (now - watched->moved_at < STUCK_AFTER)
                return false;
        log_event(LOG_SERVE_THREAD_STUCK, log_name("THREAD", name));
        _exit(EXIT_SOFTWARE);
}

static int on_watch(LoopSource *source, void *owner) {
        Serve *serve = owner;
        const int64_t now = clock_monotonic(&clock_system);
        bool all = true;
        int r = 0;

        log_tell(now);
        if (serve->running) {
                for (size_t i = 0; i < N_WORKERS; i++)
                        all &= serve_check_progress(serve, i, serve->workers[i].name,
                                                    atomic_load(&serve->workers[i].progress), now);
                all &= serve_check_progress(serve, N_WORKERS, "zap", zap_progress(serve->zap), now);
                if (zap_error(serve->zap) < 0)
                        return zap_error(serve->zap);
                r = all ? serve_say(serve, LINK_ALIVE, NULL) : 0;
        }
        return r < 0 ? r : loop_timer_set(source, WATCH_EVERY);
}

/* ---- the process --------------------------------------------------------------------------------------------------------------- */

/* A thread that does not end in time is left behind: the process goes. */
static void serve_stop_workers(Serve *serve) {
        struct timespec until;

        for (size_t i = 0; i < N_WORKERS; i++)
                if (serve->workers[i].started)
                        (void)worker_order(&serve->workers[i], ORDER_STOP, NULL);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += STOP_WITHIN_S;
        for (size_t i = 0; i < N_WORKERS; i++) {
                if (!serve->workers[i].started)
                        continue;
                if (pthread_timedjoin_np(serve->workers[i].thread, NULL, &until) != 0) {
                        log_event(LOG_SERVE_THREAD_STUCK, log_name("THREAD", serve->workers[i].name));
                        _exit(EXIT_SOFTWARE);
                }
                serve->workers[i].started = false;
        }
}

static void serve_deinit(Serve *serve) {
        serve_stop_workers(serve);
        for (size_t i = 0; i < N_WORKERS; i++) {
                loop_source_free(serve->report_sources[i]);
                worker_deinit(&serve->workers[i]);
        }
        ring_free(serve->feed_status);
        ring_free(serve->converge_asked);
        ring_free(serve->converge_told);
        ring_free(serve->feed_figures);
        ring_free(serve->live_figures);
        figures_free(serve->core_figures);
        audit_free(serve->audit);
        closep(&serve->backup_lock);
        state_free(serve->state);
        zap_stop(serve->zap);
        zcontext_free(serve->context);
        config_unref(serve->wanted);
        config_unref(serve->current);
        loop_source_free(serve->watch_source);
        loop_source_free(serve->link_source);
        link_free(serve->link);
        loop_free(serve->loop);
}

/* A service manager and a terminal signal the whole group; core alone decides, and tells by the link. */
static void serve_ignore_signals(void) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };

        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                signal(signals[i], SIG_IGN);
}

static int serve_init(Serve *serve, int core_fd) {
        int r;

        r = link_new(core_fd, &serve->link);
        if (r == 0)
                r = loop_new(&serve->loop);
        if (r == 0)
                r = loop_add_io(serve->loop, link_fd(serve->link), EPOLLIN, on_link, serve, &serve->link_source);
        if (r == 0)
                r = loop_add_timer(serve->loop, WATCH_EVERY, on_watch, serve, &serve->watch_source);
        return r;
}

int serve_run(int core_fd) {
        _cleanup_(serve_deinit) Serve serve = { .backup_lock = -1 };
        int r;

        serve_ignore_signals();
        r = serve_init(&serve, core_fd);
        if (r == 0)
                r = loop_run(serve.loop);
        if (r >= 0)
                return r;
        log_event(LOG_FATAL, log_errno(r));
        return EXIT_SOFTWARE;
}
