/* carebusctl status: what core knows laid together with what serve knows. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"

static int ask_status(const Config *config, const char *socket, Client **ret_client,
                      const Carebus__V1__StatusReply **ret) {
        int r = client_new(config, socket, ret_client);

        return r == 0 ? client_ask_status(*ret_client, ret) : r;
}

/* Teams and feeds are serve's to know, all else is core's. */
static Carebus__V1__StatusReply merge(const Carebus__V1__StatusReply *core, const Carebus__V1__StatusReply *serve) {
        Carebus__V1__StatusReply status = CAREBUS__V1__STATUS_REPLY__INIT;

        if (core)
                status = *core;
        else if (serve)
                status = *serve;
        status.has_ready = status.has_intake_up = status.has_serve_up = true;
        status.intake_up = core != NULL;
        status.serve_up = serve != NULL;
        status.ready = core && serve && core->ready;
        if (core && serve) {
                status.teams = serve->teams;
                status.n_teams = serve->n_teams;
                status.feeds = serve->feeds;
                status.n_feeds = serve->n_feeds;
        }
        return status;
}

static void print_ago(const char *before, bool known, int64_t at) {
        int64_t seconds = known && at > 0 ? (clock_now_at(&clock_system) - at) / USEC_PER_SEC : -1;

        if (seconds < 0)
                printf("%snever", before);
        else if (seconds < 120)
                printf("%s%" PRId64 " s ago", before, seconds);
        else if (seconds < 7200)
                printf("%s%" PRId64 " min ago", before, seconds / 60);
        else
                printf("%s%" PRId64 " h ago", before, seconds / 3600);
}

static void print_day(const Context *context, bool known, int64_t at) {
        char text[MOMENT_TEXT_SIZE];

        if (!known)
                snprintf(text, sizeof(text), "never");
        else
                command_moment(context, at, text);
        printf("  %-11.10s", text);
}

static void print_head(const Carebus__V1__StatusReply *status) {
        printf("bus         %s (%s), %s", status->bus ? status->bus : "?",
               status->environment ? status->environment : "?", status->ready ? "ready" : "NOT READY");
        if (status->state && !text_equal(status->state, "running"))
                printf(", %s", status->state);
        putchar('\n');
        if (!status->intake_up)
                puts("            core does not answer: nothing is taken in; see the log of carebusd");
        if (!status->serve_up)
                puts("            serve does not answer: nothing is given out; core starts it again, see the log of "
                     "carebusd");
        for (size_t i = 0; i < status->n_notices; i++)
                printf("            %s\n", status->notices[i]);
        printf("journal     %" PRIu64 " entries, folded to %" PRIu64, status->seq, status->folded_seq);
        if (status->disk)
                printf(", %" PRIu64 " MiB; %" PRIu64 " MiB free", status->disk->journal_bytes >> 20,
                       status->disk->free_bytes >> 20);
        putchar('\n');
}

static void print_reviews(const Carebus__V1__ReviewStatus *reviews) {
        if (!reviews)
                return;
        printf("reviews     %" PRIu64 " open", reviews->open);
        if (reviews->open > 0) {
                printf(", %" PRIu64 " urgent, %" PRIu64 " overdue", reviews->urgent, reviews->overdue);
                print_ago(", oldest ", reviews->has_oldest_opened_at, reviews->oldest_opened_at);
                fputs("; see carebusctl identity review", stdout);
        }
        putchar('\n');
}

static void print_quarantine(const Carebus__V1__QuarantineStatus *quarantine) {
        if (!quarantine)
                return;
        printf("quarantine  %" PRIu64 " open", quarantine->open);
        if (quarantine->open > 0) {
                printf(", %" PRIu64 " urgent, %" PRIu64 " unhandled", quarantine->urgent, quarantine->unhandled);
                print_ago(", oldest ", quarantine->has_oldest_received_at, quarantine->oldest_received_at);
                fputs("; see carebusctl quarantine list", stdout);
        }
        putchar('\n');
}

static void print_silence(const Carebus__V1__SourceStatus *source) {
        if (!source->has_silent_since_at)
                return;
        fputs(", SILENT", stdout);
        if (source->has_usual_silence_seconds)
                printf(" (usual at this hour: up to %" PRIu64 " min)", (source->usual_silence_seconds + 59) / 60);
}

static void print_sources(const Context *context, const Carebus__V1__StatusReply *status) {
        printf("\n%-24s %10s %10s %10s %10s %10s %11s %9s  %-11s  %s\n", "source", "stored", "loaded", "duplicate",
               "refused", "ignored", "quarantined", "sessions", "heard since", "last heard");
        for (size_t i = 0; i < status->n_sources; i++) {
                const Carebus__V1__SourceStatus *source = status->sources[i];

                printf("%-24s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %11" PRIu64
                       " %9" PRIu32,
                       source->name ? source->name : "?", source->stored, source->loaded, source->duplicate,
                       source->refused, source->ignored, source->quarantined, source->sessions);
                print_day(context, source->has_heard_since_at, source->heard_since_at);
                print_ago("  ", source->has_last_heard_at, source->last_heard_at);
                print_silence(source);
                putchar('\n');
        }
}

static void print_teams(const Carebus__V1__StatusReply *status) {
        printf("\n%-24s %16s %9s\n", "team", "newest it sees", "readers");
        for (size_t i = 0; i < status->n_teams; i++) {
                const Carebus__V1__TeamStatus *team = status->teams[i];
                printf("%-24s %12" PRIu64 ".%-3" PRIu32 " %9" PRIu32 "\n", team->name ? team->name : "?", team->seq,
                       team->index, team->readers);
        }
        if (status->n_feeds == 0)
                return;
        printf("\n%-24s %-24s %16s %10s  %s\n", "feed of team", "consumer", "acknowledged", "behind", "open");
        for (size_t i = 0; i < status->n_feeds; i++) {
                const Carebus__V1__FeedStatus *feed = status->feeds[i];
                printf("%-24s %-24s %12" PRIu64 ".%-3" PRIu32 " %10" PRIu64 "  %s\n", feed->team ? feed->team : "?",
                       feed->consumer ? feed->consumer : "?", feed->seq, feed->index, feed->lag,
                       feed->open ? "yes" : "no");
        }
}

int command_status(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(client_freep) Client *control = NULL, *query = NULL;
        const Carebus__V1__StatusReply *core = NULL, *serve = NULL;
        Carebus__V1__StatusReply status;
        int r, r_core, r_serve;

        if (argc > 1)
                return command_wrong_use(argv[0], "status takes nothing else");
        r = command_load_config(context, &config);
        if (r != 0)
                return r;
        r_core = ask_status(config, "control", &control, &core);
        r_serve = ask_status(config, "query", &query, &serve);
        if (r_core != 0 && r_serve != 0)
                return client_say(r_core, "control");
        status = merge(core, serve);
        if (context->json) {
                r = command_print_line(json_line(&status.base));
                return r != 0 ? r : status.ready ? EXIT_DONE : EXIT_NO;
        }
        print_head(&status);
        print_quarantine(status.quarantine);
        print_reviews(status.reviews);
        print_sources(context, &status);
        print_teams(&status);
        return status.ready ? EXIT_DONE : EXIT_NO;
}
