/* Start, watch, stop. */
#include "daemon/daemon.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/doorbell.h"
#include "base/error.h"
#include "base/log.h"
#include "base/service.h"
#include "daemon/daemon-parts.h"
#include "daemon/load.h"
#include "daemon/peer/refused.h"

#define CLOCK_JUMP (5 * USEC_PER_SEC) /* a clock that is corrected smoothly stays below it */
#define STATUS_EVERY (5 * USEC_PER_SEC)
#define STOP_EXTEND ((int64_t)(FOLD_STOP_SECONDS + INTAKE_STOP_SECONDS) * USEC_PER_SEC)

/* Before any thread is made and before ZeroMQ starts its own: signals are the event loop's business alone. */
static int block_signals(void) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGCHLD);
        return service_ignore_signals() ?: -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* A connection is a descriptor; what a shell or a service manager allows at first is meant for programs that use select(2). */
static void raise_descriptors(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
}

static int load_config(Daemon *daemon) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { .n_items = 0 };
        int r = daemon_load_config(daemon->config_path, &daemon->config, &daemon->text, &problems);

        config_problems_print(&problems, stderr);
        if (r == 0)
                return 0;
        if (problems.n_errors == 0)
                error_print("carebusd", "cannot read %s: %s", daemon->config_path,
                            r < 0 ? strerror(-r) : "it is not valid");
        return EXIT_CONFIGURATION;
}

static int on_stop_signal(LoopSource *source, int signal, void *owner) {
        Daemon *daemon = owner;
        loop_exit(daemon->loop, EXIT_DONE);
        return 0;
}

static int on_fault(LoopSource *source, int fd, uint32_t revents, void *owner) {
        Daemon *daemon = owner;
        const int fault = atomic_load(&daemon->facts.fault);

        doorbell_clear(fd);
        if (fault != 0)
                loop_exit(daemon->loop, fault);
        return 0;
}

/* The manager is told that all is well only when every thread has moved since it was told last. Serve is not among them: what faces
 * outwards must not stop what takes in, so a serve that stands still is ended alone. */
static int on_watchdog(LoopSource *source, void *owner) {
        Daemon *daemon = owner;
        const struct {
                const char *name;
                uint64_t moved;
        } threads[DAEMON_WATCHED] = {
                { "intake", atomic_load(&daemon->facts.intake_rounds) },
                { "fold", atomic_load(&daemon->facts.fold_rounds) },
                { "helper", atomic_load(&daemon->facts.helper_rounds) },
                { "zap", zap_progress(daemon->zap) },
        };
        const char *stuck = NULL;

        for (size_t i = 0; i < ELEMENTSOF(threads); i++) {
                if (!stuck && threads[i].moved == daemon->seen[i])
                        stuck = threads[i].name;
                daemon->seen[i] = threads[i].moved;
        }
        if (stuck)
                log_event(LOG_STUCK, log_name("THREAD", stuck));
        else
                service_watchdog();
        return loop_timer_set(source, service_watchdog_interval());
}

/* What the main thread alone knows, or looks at only now and then. */
static void count_figures(Daemon *daemon) {
        CoreFigures *figures = daemon->facts.figures;
        const int64_t now = clock_monotonic(&clock_system);
        const uint64_t free_bytes = figure_get(&figures->free_bytes);
        uint64_t left = FIGURES_UNKNOWN;

        if (free_bytes > 0) {
                room_note(&daemon->room, now, free_bytes);
                if (room_seconds_left(&daemon->room, now, free_bytes, figure_get(&figures->reserve_bytes), &left) != 0)
                        left = FIGURES_UNKNOWN;
        }
        figure_set(&figures->seconds_left, left);
        figure_set(&figures->running, atomic_load(&daemon->facts.running));
        figure_set(&figures->serve_restarts, atomic_load(&daemon->facts.serve_restarts));
        figure_set(&figures->zap_rounds, zap_progress(daemon->zap));
        figure_set(&figures->lines_left_out, log_line_counts().left_out);
        figures_moved(figures, FIGURES_MAIN);
}

/* Waits and limits go by the monotonic clock, order by numbers: a jump is told, once, and changes neither. */
static void watch_clock(Daemon *daemon) {
        const int64_t offset = clock_now_at(&clock_system) - clock_monotonic(&clock_system);
        const int64_t jumped = offset - daemon->clock_offset;

        if (jumped > CLOCK_JUMP || jumped < -CLOCK_JUMP)
                log_event(LOG_CLOCK_JUMPED, log_number("JUMP_SECONDS", jumped / USEC_PER_SEC));
        daemon->clock_offset = offset;
}

/* The newest entry is of a time that has not come: entries keep that time until it has. */
static void look_at_clock(Daemon *daemon) {
        const int64_t ahead = journal_last_at(daemon->journal) - clock_now_at(&clock_system);

        daemon->clock_offset = clock_now_at(&clock_system) - clock_monotonic(&clock_system);
        if (ahead > CLOCK_JUMP)
                log_event(LOG_CLOCK_JUMPED, log_number("JUMP_SECONDS", -(ahead / USEC_PER_SEC)));
}

static int on_status(LoopSource *source, void *owner) {
        Daemon *daemon = owner;
        const int zap = zap_error(daemon->zap);

        watch_clock(daemon);
        log_tell(clock_monotonic(&clock_system));
        if (zap < 0) {
                log_event(LOG_FATAL, log_name("THREAD", "zap"), log_errno(zap));
                loop_exit(daemon->loop, EXIT_SOFTWARE);
        }
        serve_check(daemon);
        if (atomic_load(&daemon->facts.running) && !daemon->reloading)
                daemon_tell_status(daemon);
        count_figures(daemon);
        return loop_timer_set(source, STATUS_EVERY);
}

static int add_sources(Daemon *daemon) {
        const int64_t watchdog = service_watchdog_interval();
        int r = loop_new(&daemon->loop);

        if (r == 0)
                r = loop_add_signal(daemon->loop, SIGTERM, on_stop_signal, daemon, &daemon->on_term);
        if (r >= 0)
                r = loop_add_signal(daemon->loop, SIGINT, on_stop_signal, daemon, &daemon->on_int);
        if (r >= 0)
                r = loop_add_signal(daemon->loop, SIGHUP, daemon_on_hup, daemon, &daemon->on_hup);
        if (r >= 0)
                r = loop_add_io(daemon->loop, daemon->facts.fault_bell, EPOLLIN, on_fault, daemon, &daemon->on_fault);
        if (r >= 0)
                r = loop_add_timer(daemon->loop, STATUS_EVERY, on_status, daemon, &daemon->on_status);
        if (r >= 0 && watchdog > 0)
                r = loop_add_timer(daemon->loop, watchdog, on_watchdog, daemon, &daemon->on_watchdog);
        return r;
}

static int start_threads(Daemon *daemon) {
        const HelperOptions helping = {
                .facts = &daemon->facts,
                .journal = daemon->journal,
                .wants_samples = original_codec_newest(daemon->codec) == 0,
        };
        IntakeOptions options = {
                .clock = &clock_system,
                .facts = &daemon->facts,
                .max_frame = daemon->max_frame,
                .coverage_path = daemon->coverage_path,
                .journal = daemon->journal,
                .journal_folder = daemon->journal_folder,
                .state = daemon->state,
                .fold_bell = daemon->fold_bell,
                .refusals = daemon->refusals[1],
        };
        const RetentionOptions retaining = {
                .facts = &daemon->facts,
                .clock = &clock_system,
                .state = daemon->state,
                .journal_folder = daemon->journal_folder,
                .base_folder = daemon->base_folder,
                .cursors_path = daemon->cursors_path,
                .lock_path = daemon->backup_lock,
        };
        int r = helper_new(&helping, &daemon->helper);

        if (r == 0)
                r = retention_new(&retaining, &daemon->retention);
        if (r == 0)
                r = snapshot_new(daemon->config, &options.snapshot);
        if (r < 0)
                return r;
        options.samples = helper_samples(daemon->helper);
        options.dictionaries = helper_dictionaries(daemon->helper);
        options.expiries = retention_decisions(daemon->retention);
        options.codec = TAKE_PTR(daemon->codec);
        options.control = TAKE_PTR(daemon->control);
        for (size_t i = 0; i < INTAKE_DOORS_MAX; i++)
                options.doors[i] = TAKE_PTR(daemon->doors[i]);
        r = intake_new(&options, &daemon->intake);
        if (r == 0)
                r = fold_thread_start(daemon->fold);
        if (r == 0)
                r = helper_start(daemon->helper);
        if (r == 0)
                r = retention_start(daemon->retention);
        return r == 0 ? intake_start(daemon->intake) : r;
}

/* Until something ends the loop: its exit code. */
static int serve_until_end(Daemon *daemon) {
        int r = add_sources(daemon);

        if (r >= 0)
                r = start_threads(daemon);
        if (r >= 0)
                r = serve_attach(daemon);
        if (r >= 0)
                r = daemon_confine_calls(daemon);
        if (r >= 0)
                r = loop_run(daemon->loop);
        if (r >= 0)
                return r;
        log_event(LOG_FATAL, log_errno(r));
        return EXIT_SOFTWARE;
}

/* In the order of a message's way, so that each stage ends on what the one before it left. A thread that does not come back
 * (a disk that hangs) keeps what it holds: the process ends without it. */
static int stop_threads(Daemon *daemon, int code) {
        int r;

        service_stopping();
        service_extend_timeout(STOP_EXTEND);
        atomic_store(&daemon->facts.stop_intake, true);
        r = daemon->intake ? intake_stop(daemon->intake, INTAKE_STOP_SECONDS) : 0;
        atomic_store(&daemon->facts.stop_fold, true);
        if (r == 0 && daemon->fold)
                r = fold_thread_stop(daemon->fold, FOLD_STOP_SECONDS);
        atomic_store(&daemon->facts.stop_helper, true);
        if (r == 0) {
                helper_stop(daemon->helper);
                retention_stop(daemon->retention);
        }
        serve_stop(daemon);
        if (r < 0) {
                log_event(LOG_FATAL, log_name("WHAT", "stop"), log_errno(r));
                _exit(code != 0 ? code : EXIT_STORAGE);
        }
        return atomic_load(&daemon->facts.fault);
}

static int seal_journal(Daemon *daemon, int code) {
        int r;

        /* After a fault nothing is written again: what was synced is what there is. */
        if (!daemon->journal || code != EXIT_DONE)
                return code;
        r = journal_seal(daemon->journal);
        if (r == 0 || r == JOURNAL_E_NO_SPACE)
                return EXIT_DONE; /* without room for a seal it is as after a crash: nothing is lost */
        log_event(LOG_STORAGE_FAULT, log_errno(error_fold(r)));
        return EXIT_STORAGE;
}

static void daemon_close(Daemon *daemon) {
        LoopSource **sources[] = { &daemon->on_term,     &daemon->on_int,    &daemon->on_hup,      &daemon->on_fault,
                                   &daemon->on_watchdog, &daemon->on_status, &daemon->on_reloaded, &daemon->on_reload };

        for (size_t i = 0; i < ELEMENTSOF(sources); i++)
                *sources[i] = loop_source_free(*sources[i]);
        intake_free(daemon->intake);
        for (size_t i = 0; i < INTAKE_DOORS_MAX; i++)
                zsocket_free(daemon->doors[i]);
        zsocket_free(daemon->control);
        zap_stop(daemon->zap);
        zcontext_free(daemon->zmq);
        helper_free(daemon->helper);
        retention_free(daemon->retention);
        fold_thread_free(daemon->fold);
        original_codec_free(daemon->codec);
        journal_free(daemon->journal);
        state_free(daemon->state);
        loop_free(daemon->loop);
        free(daemon->journal_folder);
        free(daemon->base_folder);
        free(daemon->backup_lock);
        free(daemon->cursors_path);
        free(daemon->coverage_path);
        closep(&daemon->fold_bell);
        closep(&daemon->serve_bell);
        closep(&daemon->refusals[0]);
        closep(&daemon->refusals[1]);
        closep(&daemon->figures_fd);
        daemon->facts.figures = figures_free(daemon->facts.figures);
        closep(&daemon->facts.fault_bell);
        closep(&daemon->lock_fd);
        closep(&daemon->run_lock_fd);
        config_text_free(daemon->text);
        config_unref(daemon->config);
}

static int make_bells(Daemon *daemon) {
        int r;

        daemon->fold_bell = doorbell_new();
        daemon->serve_bell = doorbell_new();
        daemon->facts.fault_bell = doorbell_new();
        r = MIN(MIN(daemon->fold_bell, daemon->serve_bell), daemon->facts.fault_bell);
        return r < 0 ? r : refused_pair(daemon->refusals);
}

int daemon_run(const char *config_path) {
        Daemon daemon = {
                .config_path = config_path,
                .lock_fd = -1,
                .run_lock_fd = -1,
                .fold_bell = -1,
                .serve_bell = -1,
                .refusals = { -1, -1 },
                .figures_fd = -1,
                .facts = { .fault_bell = -1, .started_at = clock_now_at(&clock_system) },
        };
        int code, r = block_signals();

        raise_descriptors();
        if (r == 0)
                r = service_harden();
        if (r >= 0)
                r = make_bells(&daemon);
        if (r >= 0)
                r = figures_new(&daemon.facts.figures, &daemon.figures_fd);
        if (r >= 0)
                figure_set(&daemon.facts.figures->started_at, (uint64_t)daemon.facts.started_at);
        if (r < 0) {
                error_print("carebusd", "cannot start: %s", strerror(-r));
                daemon_close(&daemon);
                return EXIT_SOFTWARE;
        }
        code = load_config(&daemon);
        if (code == 0)
                code = daemon_open(&daemon);
        if (code == 0)
                look_at_clock(&daemon);
        if (code == 0)
                code = daemon_open_sockets(&daemon);
        if (code == 0) {
                code = serve_until_end(&daemon);
                r = stop_threads(&daemon, code);
                code = seal_journal(&daemon, code != 0 ? code : r);
        } else
                serve_stop(&daemon);
        if (daemon.config)
                log_event(LOG_STOPPED, log_number("EXIT_CODE", code));
        daemon_close(&daemon);
        return code;
}
