/* The bus itself: does it answer, is it ready, does a message come through, who is connected. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/doctor.h"
#include "ctl/figures.h"

#define AWAY_DAYS 7 /* a program that takes nothing for so long is not only restarted */
#define NEXT_SIZE 256
#define PROBE_WITHIN (20 * USEC_PER_SEC)
#define LOOK_EVERY_MS 20
#define HARMLESS_AGE 60 /* seconds without a round */

static int ask(Client *client, Carebus__V1__Request *request, const Carebus__V1__Reply **ret) {
        int r = client_ask(client, request, ret);

        return r == 0 && (*ret)->error ? CLIENT_E_BAD_REPLY : r;
}

/* ---- the way of a message ---- */

/* 0 and the number of its entry; else it was said. */
static int probe_enter(Doctor *doctor, Client *control, uint64_t *ret) {
        Carebus__V1__ProbeRequest probe = CAREBUS__V1__PROBE_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        request.command_case = CAREBUS__V1__REQUEST__COMMAND_PROBE;
        request.probe = &probe;
        r = client_ask(control, &request, &reply);
        if (r == 0 && !reply->error && reply->answer_case == CAREBUS__V1__REPLY__ANSWER_DECISION) {
                *ret = reply->decision->seq;
                return 0;
        }
        if (r == 0 && reply->error)
                doctor_say(doctor, DOCTOR_WRONG, "intake",
                           "see what carebusctl status says of storage and of the state",
                           "nothing is taken in now (%s): senders are asked to come later", reply->error);
        else
                doctor_say(doctor, DOCTOR_WRONG, "intake", "look at the log of carebusd, and at the disk under state:",
                           "a message that was handed in got no answer");
        return -EIO;
}

/* What serve says of the entry: it is there, and is what was handed in. */
static bool probe_is_given_out(Client *query, uint64_t seq) {
        Carebus__V1__TraceRequest trace = CAREBUS__V1__TRACE_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;

        trace.has_seq = true;
        trace.seq = seq;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_TRACE;
        request.trace = &trace;
        return ask(query, &request, &reply) == 0 && reply->answer_case == CAREBUS__V1__REPLY__ANSWER_TRACE &&
               reply->trace->n_entries > 0 && reply->trace->entries[0]->seq == seq &&
               text_equal(reply->trace->entries[0]->kind, "decision");
}

static bool wait_until_folded(Client *query, uint64_t seq, int64_t until) {
        for (;;) {
                const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * 1000000L };
                const Carebus__V1__StatusReply *status;

                if (client_ask_status(query, &status) == 0 && status->folded_seq >= seq)
                        return true;
                if (clock_monotonic(&clock_system) > until)
                        return false;
                (void)nanosleep(&pause, NULL);
        }
}

static void look_at_way(Doctor *doctor, Client *control, Client *query) {
        const int64_t began = clock_monotonic(&clock_system);
        int64_t stored;
        uint64_t seq;

        if (probe_enter(doctor, control, &seq) < 0)
                return;
        stored = clock_monotonic(&clock_system);
        doctor_say(doctor, DOCTOR_GOOD, "intake", NULL, "a message is stored and answered, in %.1f ms",
                   (double)(stored - began) / USEC_PER_MSEC);
        if (!wait_until_folded(query, seq, began + PROBE_WITHIN)) {
                doctor_say(doctor, DOCTOR_WRONG, "fold", "see carebus_fold_lag_entries, and the log of carebusd",
                           "what is stored is not in the shared records within %d s: teams do not see what is new",
                           (int)(PROBE_WITHIN / USEC_PER_SEC));
                return;
        }
        if (!probe_is_given_out(query, seq)) {
                doctor_say(doctor, DOCTOR_WRONG, "serve", "run carebusctl journal verify; look at the log of carebusd",
                           "what is stored as entry %" PRIu64 " cannot be read again", seq);
                return;
        }
        doctor_say(doctor, DOCTOR_GOOD, "fold", NULL, "it is in the shared records and can be given out, in %.1f ms",
                   (double)(clock_monotonic(&clock_system) - began) / USEC_PER_MSEC);
}

/* ---- who is connected, what waits ---- */

static const char *adapter_of(const Config *config, const char *source) {
        for (size_t i = 0; i < config->n_sources; i++)
                if (text_equal(config->sources[i].name, source))
                        return config->sources[i].adapter;
        return NULL;
}

static void look_at_sources(Doctor *doctor, const Carebus__V1__StatusReply *status) {
        size_t n_silent = 0;

        for (size_t i = 0; i < status->n_sources; i++) {
                const Carebus__V1__SourceStatus *source = status->sources[i];
                _cleanup_(freep) char *next = NULL;

                if (source->sessions > 0)
                        continue;
                n_silent++;
                if (doctor_start_adapter(adapter_of(doctor->config, source->name), source->name, "source", &next) < 0)
                        return;
                doctor_say(doctor, DOCTOR_WRONG, "adapter", next, "no adapter of source %s is connected",
                           source->name ? source->name : "?");
        }
        if (n_silent == 0 && status->n_sources > 0)
                doctor_say(doctor, DOCTOR_GOOD, "adapter", NULL, "an adapter of each of the %zu sources is connected",
                           status->n_sources);
}

static bool has_open_feed(const Carebus__V1__StatusReply *status, const char *consumer) {
        for (size_t i = 0; i < status->n_feeds; i++)
                if (status->feeds[i]->open && text_equal(status->feeds[i]->consumer, consumer))
                        return true;
        return false;
}

static void look_at_destinations(Doctor *doctor, const Carebus__V1__StatusReply *serve) {
        const Config *config = doctor->config;

        for (size_t i = 0; i < config->n_destinations; i++) {
                const ConfigDestination *destination = &config->destinations[i];
                _cleanup_(freep) char *next = NULL;

                if (!has_open_feed(serve, destination->name) &&
                    doctor_start_adapter(destination->adapter, destination->name, "destination", &next) >= 0)
                        doctor_say(doctor, DOCTOR_WRONG, "adapter", next,
                                   "nobody reads for destination %s: what is for it waits", destination->name);
        }
}

/* Nobody reads there, and entries are kept for whoever may. */
static void look_at_readers(Doctor *doctor, const Carebus__V1__StatusReply *serve) {
        const int64_t now = clock_now_at(&clock_system);

        for (size_t i = 0; i < serve->n_feeds; i++) {
                const Carebus__V1__FeedStatus *feed = serve->feeds[i];
                const int64_t days = feed->acked_at > 0 ? (now - feed->acked_at) / (24 * 3600 * USEC_PER_SEC) : 0;
                char next[NEXT_SIZE];

                if (feed->open || feed->lag == 0 || days < AWAY_DAYS)
                        continue;
                snprintf(next, sizeof(next),
                         "start its program; where it never comes back: carebusctl feed forget %s/%s --who NAME --why "
                         "TEXT",
                         feed->team ? feed->team : "?", feed->consumer ? feed->consumer : "?");
                doctor_say(doctor, DOCTOR_NOTE, "reader", next,
                           "%s/%s has taken nothing for %" PRId64 " days, and %" PRIu64 " entries wait for it",
                           feed->team ? feed->team : "?", feed->consumer ? feed->consumer : "?", days, feed->lag);
        }
}

static void look_at_waiting(Doctor *doctor, const Carebus__V1__StatusReply *core) {
        if (core->quarantine && core->quarantine->urgent > 0)
                doctor_say(doctor, DOCTOR_WRONG, "quarantine", "carebusctl quarantine list",
                           "%" PRIu64 " urgent items wait: a decision, death, merge or allergy may be among them",
                           core->quarantine->urgent);
        if (core->reviews && core->reviews->overdue > 0)
                doctor_say(doctor, DOCTOR_WRONG, "reviews", "carebusctl identity review --urgent",
                           "%" PRIu64 " urgent reviews of who is whom are overdue", core->reviews->overdue);
        for (size_t i = 0; i < core->n_notices; i++)
                doctor_say(doctor, DOCTOR_NOTE, "notice", NULL, "%s", core->notices[i]);
}

/* ---- the figures ---- */

static void look_at_figures(Doctor *doctor) {
        FiguresPage page = FIGURES_PAGE_NULL;
        double unaccounted = 0;

        if (figures_fetch(doctor->config, &page) != 0) {
                doctor_say(doctor, DOCTOR_WRONG, "figures", "look at the log of carebusd",
                           "the figures cannot be read: whoever watches the bus sees nothing");
                return;
        }
        for (size_t i = 0; i < page.n_samples; i++) {
                const Sample *sample = &page.samples[i];
                char thread[64];

                if (strcmp(sample->name, "carebus_unaccounted") == 0)
                        unaccounted += sample->value < 0 ? -sample->value : sample->value;
                if (strcmp(sample->name, "carebus_thread_progress_age_seconds") == 0 && sample->value > HARMLESS_AGE &&
                    figures_label(sample->labels, "thread", thread, sizeof(thread)))
                        doctor_say(doctor, DOCTOR_WRONG, "threads", "look at the log of carebusd and at the disk",
                                   "thread %s has not moved for %.0f s", thread, sample->value);
        }
        if (unaccounted != 0)
                doctor_say(doctor, DOCTOR_WRONG, "balance", "keep the journal and the log, and report it",
                           "%.0f messages are not accounted for: a defect of the bus", unaccounted);
        else
                doctor_say(doctor, DOCTOR_GOOD, "balance", NULL, "every message that was received is accounted for");
        figures_page_deinit(&page);
}

static void look_at_readiness(Doctor *doctor) {
        _cleanup_(freep) char *words = NULL;
        char *rest, *line;
        bool good;

        if (figures_fetch_words(doctor->config, "/readyz", &words, &good) != 0 || good)
                return; /* that nobody answers is said of the figures */
        rest = words;
        while ((line = strsep(&rest, "\n")))
                if (*line && !strstr(line, ": ok"))
                        doctor_say(doctor, DOCTOR_WRONG, "ready", "see this part in the log of carebusd", "%s", line);
}

void doctor_look_at_bus(Doctor *doctor, bool with_probe) {
        _cleanup_(client_freep) Client *control = NULL, *query = NULL;
        const Carebus__V1__StatusReply *core = NULL, *serve = NULL;
        int r_core = client_new(doctor->config, "control", &control);
        int r_serve = client_new(doctor->config, "query", &query);

        r_core = r_core ?: client_ask_status(control, &core);
        r_serve = r_serve ?: client_ask_status(query, &serve);
        if (r_core == CLIENT_E_NOT_ALLOWED || r_serve == CLIENT_E_NOT_ALLOWED)
                doctor_say(doctor, DOCTOR_WRONG, "operators", "add the user under operators:, or ask as one of them",
                           "this user may not ask the bus");
        else if (r_core != 0)
                doctor_say(doctor, DOCTOR_WRONG, "core", "systemctl status carebusd; start it, or read its log",
                           "carebusd does not answer: nothing is taken in");
        else if (r_serve != 0)
                doctor_say(doctor, DOCTOR_WRONG, "serve", "read the log of carebusd: core starts it again",
                           "serve does not answer: nothing is given out");
        doctor->unreachable = r_core != 0 && r_serve != 0;
        if (r_core != 0)
                return;
        look_at_readiness(doctor);
        look_at_waiting(doctor, core);
        look_at_sources(doctor, core);
        if (r_serve == 0) {
                look_at_destinations(doctor, serve);
                look_at_readers(doctor, serve);
                look_at_figures(doctor);
                if (with_probe)
                        look_at_way(doctor, control, query);
        }
}
