#pragma once
/* The inside of core's main thread, for the files of daemon/ that make it up. */
#include <sys/types.h>

#include "base/loop.h"
#include "config/config.h"
#include "daemon/daemon.h"
#include "daemon/figures/room.h"
#include "daemon/link.h"
#include "daemon/peer/zap.h"
#include "daemon/stage/facts.h"
#include "daemon/stage/fold-thread.h"
#include "daemon/stage/helper.h"
#include "daemon/stage/retention.h"
#include "daemon/stage/intake.h"

#define FOLD_STOP_SECONDS 20
#define INTAKE_STOP_SECONDS 30

#define DAEMON_WATCHED 4 /* threads */

/* The serve process, as core sees it. */
typedef struct Serve {
        pid_t pid;  /* 0: none */
        Link *link; /* NULL: none */
        LoopSource *on_link, *on_child, *on_restart;
        bool was_ready; /* since the daemon started */
        bool ready;
        bool stopping;
        int64_t started_at; /* monotonic */
        int64_t alive_at;   /* when it last said that all of its threads move */
        int64_t wait;       /* before the next start */
} Serve;

typedef struct Daemon {
        const char *config_path;
        Config *config;
        ConfigText *text;
        CoreFacts facts;
        int lock_fd, run_lock_fd;
        int fold_bell, serve_bell;
        int refusals[2]; /* to the audit: daemon/peer/refused.h */
        int figures_fd;  /* of facts.figures, for serve */
        Room room;
        size_t max_frame;

        Loop *loop;
        LoopSource *on_term, *on_int, *on_hup, *on_fault, *on_watchdog, *on_status, *on_reloaded, *on_reload;
        Serve serve;

        State *state;
        Journal *journal;
        int64_t clock_offset; /* wall clock less monotonic, as last looked at */
        char *base_folder, *backup_lock, *cursors_path;
        char *journal_folder, *coverage_path;
        OriginalCodec *codec; /* until intake has it */
        FoldThread *fold;
        Helper *helper;
        Retention *retention;
        Intake *intake;

        ZContext *zmq;
        Zap *zap;
        ZSocket *doors[INTAKE_DOORS_MAX], *control; /* until intake has them */

        uint64_t seen[DAEMON_WATCHED]; /* by the watchdog: how far each thread was */
        bool reloading, reload_refused;
        uint64_t reloads;    /* number of the last one that was begun */
        const char *verdict; /* on the last one */
} Daemon;

/* Start and stop: an exit code, 0 to go on. What went wrong is logged. */
int daemon_open(Daemon *daemon);         /* open.c: lock, state, journal, fold */
int daemon_open_sockets(Daemon *daemon); /* sockets.c: ZAP, intake, control, the self-test */

/* supervise.c: serve */
int serve_start(Daemon *daemon);  /* before threads; sends nothing yet */
int serve_attach(Daemon *daemon); /* once there is a loop and a state: hands over the configuration */
int serve_configure(Daemon *daemon);
/* Asks it to end, waits a while, then ends it. */
void serve_stop(Daemon *daemon);

/* Ends it where it has said nothing for too long; it is started again as after any end. */
void serve_check(Daemon *daemon);

/* confine.c: 0 or a negative errno. Files before any thread is made and serve is started, system calls after all of that. */
int daemon_confine_files(Daemon *daemon);
int daemon_confine_calls(Daemon *daemon);

/* status.c: what the service manager is told, and `systemctl status` shows. */
void daemon_tell_status(const Daemon *daemon);
/* READY=1, with the same. */
void daemon_tell_ready(const Daemon *daemon);

/* reload.c */
/* For `carebusctl reload`: which one, and what became of it. */
void daemon_say_verdict(Daemon *daemon, const char *verdict);
int daemon_on_hup(LoopSource *source, int signal, void *owner);
/* What serve answered: the reload is complete. */
void daemon_reloaded(Daemon *daemon);
int daemon_zap_table(const Config *config, ZapTable **ret);
/* The largest frame that the intake must take for the limits of the sources; a listener is made with it. */
size_t daemon_frame_limit(const Config *config);
