/* A destination as a program of its own. */
#include <errno.h>
#include <stdio.h>

#include "adapters/common/destination.h"
#include "adapters/common/program.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/service.h"
#include "base/text.h"

typedef struct Run {
        const DestinationProgram *program;
        ProgramOptions options;
        Config *config;
        Loop *loop;
        LoopSource *signals[PROGRAM_SIGNALS], *ticking;
        void *owner;
} Run;

static int start(Run *run, size_t destination) {
        return run->program->start(run->loop, run->config, destination, &run->owner);
}

static void stop(Run *run) {
        if (run->owner)
                run->program->stop(run->owner);
        run->owner = NULL;
}

static int on_stop(LoopSource *source, int signal, void *owner) {
        Run *run = owner;

        (void)source;
        (void)signal;
        service_stopping();
        loop_exit(run->loop, EXIT_DONE);
        return 0;
}

/* What is under way is delivered again, under the same message ids. */
static int use(void *owner, Config *config, size_t destination) {
        Run *run = owner;
        int r;

        stop(run);
        config_unref(run->config);
        run->config = config_ref(config);
        r = start(run, destination);
        if (r < 0) {
                log_event(LOG_FATAL, log_errno(r));
                loop_exit(run->loop, EXIT_CONFIGURATION);
        }
        return 0;
}

static int on_reload(LoopSource *source, int signal, void *owner) {
        Run *run = owner;

        (void)source;
        (void)signal;
        program_reload(&run->options, use, run);
        return 0;
}

/* The loop turns. */
static int on_tick(LoopSource *source, void *owner) {
        (void)owner;
        program_tick();
        return loop_timer_set(source, USEC_PER_SEC);
}

static void run_deinit(Run *run) {
        stop(run);
        loop_source_free(run->ticking);
        for (size_t i = 0; i < PROGRAM_SIGNALS; i++)
                loop_source_free(run->signals[i]);
        loop_free(run->loop);
        config_unref(run->config);
}

int destination_run(const DestinationProgram *program, const ProgramOptions *options, Config *config) {
        _cleanup_(run_deinit) Run run = { .program = program, .options = *options, .config = config_ref(config) };
        const ssize_t destination = config_find_destination(config, options->destination);
        int r = destination < 0 ? -ENOENT : loop_new(&run.loop);

        if (r == 0)
                r = program_add_signals(run.loop, on_stop, on_reload, &run, run.signals);
        if (r == 0)
                r = loop_add_timer(run.loop, USEC_PER_SEC, on_tick, &run, &run.ticking);
        if (r == 0)
                r = start(&run, (size_t)destination);
        if (r < 0) {
                log_event(LOG_FATAL, log_errno(r));
                return EXIT_CONFIGURATION;
        }
        log_event(LOG_STARTED);
        program_started(options, "delivering");
        r = loop_run(run.loop);
        if (r < 0)
                log_event(LOG_FATAL, log_errno(r));
        log_event(LOG_STOPPED);
        return r < 0 ? EXIT_SOFTWARE : r;
}
