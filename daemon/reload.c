/*
 * SIGHUP: the configuration is read and checked whole, by the code that the start runs. A bad one changes nothing. A good one is
 * handed to each thread and to serve as an immutable value.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/service.h"
#include "base/text.h"
#include "daemon/daemon-parts.h"
#include "daemon/load.h"
#include "daemon/serve/confine.h"

#define PROBLEMS_LOGGED_MAX 20
#define GATHER_FOR (20 * USEC_PER_MSEC)
#define AGAIN_AFTER (100 * USEC_PER_MSEC)
#define ANSWER_WITHIN (10 * USEC_PER_SEC)
#define VERDICT_SIZE 256

static void log_problems(const ConfigProblems *problems) {
        size_t logged = 0;

        for (size_t i = 0; i < problems->n_items && logged < PROBLEMS_LOGGED_MAX; i++) {
                const ConfigProblem *problem = &problems->items[i];

                if (problem->is_warning)
                        continue;
                log_event(LOG_RELOAD_REFUSED, log_name("FILE", problem->file), log_number("LINE", problem->line),
                          log_number("COLUMN", problem->column), log_name("PROBLEM", problem->message));
                logged++;
        }
}

/* What is bound, opened or numbered at the start and cannot be changed under those who rely on it; NULL when there is none. */
static const char *needs_restart(const Daemon *daemon, const Config *new) {
        const Config *old = daemon->config;

        if (!text_equal(old->state, new->state))
                return "state";
        if (!text_equal(old->run, new->run))
                return "run";
        if (!text_equal(old->bus, new->bus))
                return "bus";
        if (!text_equal(old->listen_intake, new->listen_intake))
                return "listen.intake";
        if (!text_equal(old->listen_feed, new->listen_feed))
                return "listen.feed";
        if (!text_equal(old->bus_secret_key, new->bus_secret_key))
                return "keys";
        /* The fence of serve is from the start: without any listener it makes no socket of the internet. */
        if (new->metrics && !serve_makes_sockets(old) && service_listener("metrics") < 0)
                return "metrics";
        if (old->segment_bytes != new->segment_bytes)
                return "segment_bytes";
        if (daemon_frame_limit(new) > daemon->max_frame)
                return "max_message_bytes";
        return NULL;
}

void daemon_say_verdict(Daemon *daemon, const char *verdict) {
        _cleanup_(freep) char *path = NULL, *text = NULL;

        daemon->verdict = verdict;
        if (text_format(&path, "%s/reload", daemon->config->run) >= 0 &&
            text_format(&text, "%llu %s\n", (unsigned long long)daemon->reloads, verdict) >= 0)
                (void)file_replace(path, text, strlen(text), 0644); /* who asked goes by the log then */
}

/* The number of a reload goes on from the one that stands there, be it of a run before: who asks waits for a greater one than it found. */
static uint64_t next_number(const Daemon *daemon) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        _cleanup_(freep) char *path = NULL, *text = NULL;
        uint64_t number = 0;

        if (text_format(&path, "%s/reload", daemon->config->run) >= 0 && file_read(path, VERDICT_SIZE, &content) >= 0 &&
            (text = bytes_to_text(buffer_bytes(&content)))) {
                text[strcspn(text, " \n")] = '\0';
                if (text_to_u64(text, &number) < 0)
                        number = 0;
        }
        return MAX(number, daemon->reloads) + 1;
}

void daemon_reloaded(Daemon *daemon) {
        if (!daemon->reloading)
                return;
        daemon->reloading = false;
        daemon->on_reloaded = loop_source_free(daemon->on_reloaded);
        daemon->reload_refused = !text_equal(daemon->verdict, "in-force");
        daemon_say_verdict(daemon, daemon->verdict);
        daemon_tell_ready(daemon);
}

static int on_no_answer(LoopSource *source, void *owner) {
        Daemon *daemon = owner;

        daemon->verdict = "serve-does-not-answer";
        daemon_reloaded(daemon);
        return 0;
}

/* Hands the new configuration over; -EAGAIN when somebody has not yet taken the ones before. */
static int hand_over(Daemon *daemon, const Config *config) {
        _cleanup_(snapshot_freep) Snapshot *snapshot = NULL;
        ZapTable *table = NULL;
        int r = snapshot_new(config, &snapshot);

        if (r == 0)
                r = daemon_zap_table(config, &table);
        if (r == 0)
                r = zap_update(daemon->zap, table);
        if (r == 0)
                r = intake_update(daemon->intake, TAKE_PTR(snapshot));
        return r;
}

static int reload(Daemon *daemon) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        _cleanup_(config_problems_deinit) ConfigProblems problems = { .n_items = 0 };
        const char *fixed;
        int r = daemon_load_config(daemon->config_path, &config, &text, &problems);

        if (r != 0) {
                log_problems(&problems);
                if (problems.n_errors == 0)
                        log_event(LOG_RELOAD_REFUSED, log_name("FILE", daemon->config_path),
                                  log_errno(r < 0 ? r : -EINVAL));
                return r < 0 ? r : CONFIG_E_INVALID;
        }
        fixed = needs_restart(daemon, config);
        if (fixed) {
                log_event(LOG_RELOAD_NEEDS_RESTART, log_name("SETTING", fixed));
                daemon->verdict = "needs-restart";
                return CONFIG_E_INVALID;
        }
        r = hand_over(daemon, config);
        if (r < 0)
                return r;
        config_unref(daemon->config);
        config_text_free(daemon->text);
        daemon->config = TAKE_PTR(config);
        daemon->text = TAKE_PTR(text);
        log_event(LOG_RELOADED, log_number("SOURCES", (int64_t)daemon->config->n_sources),
                  log_number("TEAMS", (int64_t)daemon->config->n_teams));
        return serve_configure(daemon);
}

static int on_reload(LoopSource *source, void *owner) {
        Daemon *daemon = owner;
        int r;

        /* One after the other: who has not answered the last one would be asked for the next. */
        if (daemon->reloading)
                return loop_timer_set(source, AGAIN_AFTER);
        service_reloading();
        daemon->reloading = true;
        daemon->reloads = next_number(daemon);
        daemon_say_verdict(daemon, "begun");
        daemon->verdict = "refused";
        r = reload(daemon);
        if (r == -EAGAIN) {
                daemon->reloading = false;
                return loop_timer_set(source, AGAIN_AFTER);
        }
        daemon->on_reload = loop_source_free(daemon->on_reload);
        /* What failed here changed nothing: the daemon goes on as it was. */
        if (r == 0)
                daemon->verdict = "in-force";
        if (r != 0 || !daemon->serve.ready) {
                daemon_reloaded(daemon);
                return 0;
        }
        return loop_add_timer(daemon->loop, ANSWER_WITHIN, on_no_answer, daemon, &daemon->on_reloaded);
}

/* Those that come in a row are one: what counts is the file as it is after the last. */
int daemon_on_hup(LoopSource *source, int signal, void *owner) {
        Daemon *daemon = owner;

        if (daemon->on_reload)
                return 0;
        return loop_add_timer(daemon->loop, GATHER_FOR, on_reload, daemon, &daemon->on_reload);
}
