/*
 * Serve, started by core out of its own program file, and started again whenever it ends: what faces outwards must not stop
 * what takes in. It gets what it needs as descriptors, and the configuration that core has checked over the link.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/service.h"
#include "base/text.h"
#include "daemon/daemon-parts.h"

#define FIRST_WAIT (100 * USEC_PER_MSEC)
#define LONGEST_WAIT (5 * USEC_PER_SEC)
#define STEADY_AFTER (30 * USEC_PER_SEC) /* up for so long: the next end is a new story */
#define STOP_MS 5000
#define SILENT_FOR (90 * USEC_PER_SEC) /* it looks after its own threads, and gives them a minute */
#define LISTENERS_MAX 60
#define OTHERS 5 /* the link, the doorbell, both ends of the refusals, the figures */
#define FIRST_FD 3
#define HIGH_FD 128 /* descriptors are gathered above, so that none is in the way of another below */

typedef struct ServeFds {
        int fds[LISTENERS_MAX + OTHERS];
        size_t n;
        char *names; /* doorbell=4,feed=5 */
} ServeFds;

static void serve_fds_deinit(ServeFds *fds) {
        for (size_t i = 0; i < fds->n; i++)
                closep(&fds->fds[i]);
        free(fds->names);
}

static int serve_fds_add(ServeFds *fds, int fd, const char *name) {
        _cleanup_(freep) char *before = TAKE_PTR(fds->names);
        int copy;

        if (fds->n >= ELEMENTSOF(fds->fds))
                return -E2BIG;
        copy = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
        if (copy < 0)
                return -errno;
        fds->fds[fds->n++] = copy;
        if (!name)
                return 0;
        return text_format(&fds->names, "%s%s%s=%d", before ? before : "", before ? "," : "", name,
                           FIRST_FD + (int)fds->n - 1);
}

/* What the service manager gave under that name, if anything. */
static int serve_fds_add_listener(ServeFds *fds, const char *name) {
        int listener = service_listener(name);

        return listener >= 0 ? serve_fds_add(fds, listener, name) : 0;
}

/* The link goes first: descriptor 3. */
static int serve_fds_gather(Daemon *daemon, int link_fd, ServeFds *fds) {
        static const char *const listeners[] = { "feed", "metrics" };
        int r = serve_fds_add(fds, link_fd, NULL);

        if (r >= 0)
                r = serve_fds_add(fds, daemon->serve_bell, "doorbell");
        if (r >= 0)
                r = serve_fds_add(fds, daemon->refusals[0], "refusals");
        if (r >= 0)
                r = serve_fds_add(fds, daemon->refusals[1], "refuse");
        if (r >= 0)
                r = serve_fds_add(fds, daemon->figures_fd, "figures");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(listeners); i++)
                r = serve_fds_add_listener(fds, listeners[i]);
        for (size_t i = 0; r >= 0 && i < daemon->config->n_teams; i++) {
                char name[64];

                snprintf(name, sizeof(name), "live-%s", daemon->config->teams[i].name);
                r = serve_fds_add_listener(fds, name);
        }
        return r;
}

static void free_environment(char ***environment) {
        free(*environment);
}

/* Ours, without what a service manager says to core alone. `extra` is borrowed. */
static char **serve_environment(char *extra) {
        static const char *const ours[] = { "NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_", LINK_FDS_ENVIRONMENT "=" };
        size_t n = 0, kept = 0;
        char **environment;

        while (environ[n])
                n++;
        environment = calloc(n + 2, sizeof(*environment));
        for (size_t i = 0; environment && i < n; i++) {
                bool keep = true;
                for (size_t k = 0; k < ELEMENTSOF(ours); k++)
                        keep &= !text_starts_with(environ[i], ours[k]);
                if (keep)
                        environment[kept++] = environ[i];
        }
        if (environment)
                environment[kept] = extra;
        return environment;
}

static int serve_spawn(const ServeFds *fds, char **environment, pid_t *ret) {
        char number[16];
        char *const arguments[] = { (char *)(uintptr_t) "carebusd", (char *)(uintptr_t) "--serve", number, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r = 0;

        snprintf(number, sizeof(number), "%d", FIRST_FD);
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        for (size_t i = 0; r == 0 && i < fds->n; i++)
                r = posix_spawn_file_actions_adddup2(&actions, fds->fds[i], FIRST_FD + (int)i);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(&actions, FIRST_FD + (int)fds->n);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (r == 0)
                r = posix_spawn(ret, "/proc/self/exe", &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int serve_start(Daemon *daemon) {
        _cleanup_(serve_fds_deinit) ServeFds fds = { .n = 0 };
        _cleanup_(free_environment) char **environment = NULL;
        _cleanup_(freep) char *names = NULL;
        _cleanup_(closep) int theirs = -1;
        Serve *serve = &daemon->serve;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        theirs = pair[1];
        r = link_new(pair[0], &serve->link);
        if (r == 0)
                r = serve_fds_gather(daemon, theirs, &fds);
        if (r >= 0)
                r = text_format(&names, "%s=%s", LINK_FDS_ENVIRONMENT, fds.names);
        if (r >= 0) {
                environment = serve_environment(names);
                r = environment ? serve_spawn(&fds, environment, &serve->pid) : -ENOMEM;
        }
        if (r < 0) {
                serve->link = link_free(serve->link);
                return r;
        }
        serve->ready = false;
        serve->started_at = clock_monotonic(&clock_system);
        log_event(LOG_SERVE_STARTED, log_number("SERVE_PID", serve->pid));
        return 0;
}

static int serve_link_changed(Daemon *daemon, int r) {
        uint32_t events = EPOLLIN | (r == LINK_E_AGAIN ? EPOLLOUT : 0);

        if (r < 0)
                return r;
        if (!daemon->serve.on_link)
                return 0;
        /* A closed link is followed by the end of the process, and that is what is acted on. */
        if (r == LINK_E_CLOSED) {
                daemon->serve.on_link = loop_source_free(daemon->serve.on_link);
                return 0;
        }
        return loop_io_set_events(daemon->serve.on_link, events);
}

int serve_configure(Daemon *daemon) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        int r;

        if (!daemon->serve.link)
                return 0; /* it gets the newest when it starts again */
        r = config_text_pack(daemon->text, &packed);
        if (r < 0)
                return r;
        return serve_link_changed(daemon, link_send(daemon->serve.link, LINK_CONFIG, buffer_bytes(&packed)));
}

static void serve_is_ready(Daemon *daemon) {
        Serve *serve = &daemon->serve;

        if (!serve->ready)
                log_event(LOG_SERVE_READY, log_number("SERVE_PID", serve->pid));
        serve->ready = true;
        serve->alive_at = clock_monotonic(&clock_system);
        atomic_store(&daemon->facts.serve_up, true);
        if (!serve->was_ready) {
                serve->was_ready = true;
                atomic_store(&daemon->facts.running, true);
                figure_set(&daemon->facts.figures->running, 1);
                log_event(LOG_STARTED, log_name("BUS", daemon->config->bus));
                daemon_tell_ready(daemon);
        }
        daemon_reloaded(daemon);
}

/* One that is not ready yet has no older one to go on with: it says so itself and ends. */
static void serve_kept_old(Daemon *daemon, Bytes reason) {
        _cleanup_(freep) char *why = bytes_to_text(reason);

        if (!daemon->serve.ready)
                return;
        log_event(LOG_SERVE_KEPT_OLD, log_name("REASON", why));
        daemon->verdict = "serve-kept-old";
        daemon_reloaded(daemon);
}

static int serve_on_link(LoopSource *source, int fd, uint32_t revents, void *owner) {
        Daemon *daemon = owner;
        int r;

        if (revents & EPOLLOUT) {
                r = serve_link_changed(daemon, link_flush(daemon->serve.link));
                if (r < 0 || !daemon->serve.on_link)
                        return r;
        }
        for (;;) {
                LinkKind kind;
                Bytes payload;

                r = link_receive(daemon->serve.link, &kind, &payload);
                if (r != 0)
                        break;
                if (kind == LINK_READY)
                        serve_is_ready(daemon);
                else if (kind == LINK_ALIVE)
                        daemon->serve.alive_at = clock_monotonic(&clock_system);
                else if (kind == LINK_FAILED)
                        serve_kept_old(daemon, payload);
        }
        if (r == LINK_E_AGAIN)
                return 0;
        /* Closed, or out of step: of no use either way. It ends when it finds the other end gone. */
        daemon->serve.on_link = loop_source_free(daemon->serve.on_link);
        daemon->serve.link = link_free(daemon->serve.link);
        return 0;
}

static int serve_on_restart(LoopSource *source, void *owner) {
        Daemon *daemon = owner;
        int r;

        daemon->serve.on_restart = loop_source_free(daemon->serve.on_restart);
        r = serve_start(daemon);
        if (r < 0) {
                log_event(LOG_SERVE_ENDED, log_errno(r));
                return loop_add_timer(daemon->loop, LONGEST_WAIT, serve_on_restart, daemon, &daemon->serve.on_restart);
        }
        atomic_fetch_add(&daemon->facts.serve_restarts, 1);
        return serve_attach(daemon);
}

static int serve_on_child(LoopSource *source, const siginfo_t *info, void *owner) {
        Daemon *daemon = owner;
        Serve *serve = &daemon->serve;
        const bool exited = info->si_code == CLD_EXITED;

        serve->on_child = loop_source_free(serve->on_child);
        serve->on_link = loop_source_free(serve->on_link);
        serve->link = link_free(serve->link);
        serve->pid = 0;
        serve->ready = false;
        atomic_store(&daemon->facts.serve_up, false);
        log_event(LOG_SERVE_ENDED, log_name("HOW", exited ? "exit" : "signal"), log_number("STATUS", info->si_status));
        /* What it cannot do at the first start (an address that is taken, a key that cannot be read) waiting does not mend. */
        if (!serve->was_ready && exited &&
            (info->si_status == EXIT_CONFIGURATION || info->si_status == EXIT_NOT_ALLOWED)) {
                loop_exit(daemon->loop, info->si_status);
                return 0;
        }
        daemon_reloaded(daemon);
        if (clock_monotonic(&clock_system) - serve->started_at > STEADY_AFTER)
                serve->wait = 0;
        serve->wait = serve->wait == 0 ? FIRST_WAIT : MIN(serve->wait * 2, LONGEST_WAIT);
        return loop_add_timer(daemon->loop, serve->wait, serve_on_restart, daemon, &serve->on_restart);
}

int serve_attach(Daemon *daemon) {
        Serve *serve = &daemon->serve;
        int r = loop_add_child(daemon->loop, serve->pid, serve_on_child, daemon, &serve->on_child);

        if (r >= 0)
                r = loop_add_io(daemon->loop, link_fd(serve->link), EPOLLIN, serve_on_link, daemon, &serve->on_link);
        return r < 0 ? r : serve_configure(daemon);
}

void serve_check(Daemon *daemon) {
        Serve *serve = &daemon->serve;

        if (!serve->ready || serve->pid == 0 || clock_monotonic(&clock_system) - serve->alive_at < SILENT_FOR)
                return;
        log_event(LOG_SERVE_SILENT, log_number("SERVE_PID", serve->pid));
        serve->alive_at = clock_monotonic(&clock_system); /* said once; its end comes by itself */
        (void)kill(serve->pid, SIGKILL);
}

void serve_stop(Daemon *daemon) {
        Serve *serve = &daemon->serve;
        const int64_t until = clock_monotonic(&clock_system) + STOP_MS * USEC_PER_MSEC;

        serve->on_link = loop_source_free(serve->on_link);
        serve->on_child = loop_source_free(serve->on_child);
        serve->on_restart = loop_source_free(serve->on_restart);
        if (serve->link)
                (void)link_send(serve->link, LINK_STOP, BYTES_NULL);
        while (serve->pid > 0) {
                pid_t gone = waitpid(serve->pid, NULL, WNOHANG);

                if (gone != 0)
                        break;
                if (clock_monotonic(&clock_system) > until) {
                        (void)kill(serve->pid, SIGKILL);
                        (void)waitpid(serve->pid, NULL, 0);
                        break;
                }
                if (serve->link)
                        (void)link_flush(serve->link);
                (void)poll(NULL, 0, 10);
        }
        serve->pid = 0;
        serve->link = link_free(serve->link);
}
