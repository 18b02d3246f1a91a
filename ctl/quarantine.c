/* carebusctl quarantine: what could not be used, and what a person makes of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"

#define PAGE 500

typedef struct Options {
        bool all, original;
        const char *source, *who, *why;
        uint64_t seq;
        bool has_seq;
} Options;

static int parse(int argc, char **argv, Options *ret) {
        *ret = (Options){ 0 };
        for (int i = 2; i < argc; i++) {
                bool more = i + 1 < argc;

                if (text_equal(argv[i], "--all"))
                        ret->all = true;
                else if (text_equal(argv[i], "--original"))
                        ret->original = true;
                else if (text_equal(argv[i], "--source") && more)
                        ret->source = argv[++i];
                else if (text_equal(argv[i], "--who") && more)
                        ret->who = argv[++i];
                else if (text_equal(argv[i], "--why") && more)
                        ret->why = argv[++i];
                else if (!ret->has_seq && text_to_u64(argv[i], &ret->seq) == 0)
                        ret->has_seq = true;
                else
                        return command_wrong_use(argv[0], "unknown or incomplete option");
        }
        return EXIT_DONE;
}

/* ---- list ---- */

static void print_heading(void) {
        printf("%10s  %-9s %-9s %9s  %-20s %-12s %-28s %s\n", "id", "class", "state", "age", "source", "trigger",
               "reason", "position");
}

static void print_item(const Carebus__V1__QuarantineItem *item) {
        int64_t minutes = (clock_now_at(&clock_system) - item->received_at) / (60 * USEC_PER_SEC);

        printf("%10" PRIu64 "  %-9s %-9s %5" PRId64 " min  %-20s %-12s %-28s %s\n", item->id,
               item->class_ ? item->class_ : "?", item->resolution ? item->resolution : "open", minutes,
               item->source ? item->source : "?", item->trigger ? item->trigger : "-",
               item->reason ? item->reason : "?", item->position ? item->position : "");
}

static int print_page(const Context *context, const Carebus__V1__QuarantineListReply *list) {
        for (size_t i = 0; i < list->n_items; i++) {
                int r = 0;
                if (context->json)
                        r = command_print_line(json_line(&list->items[i]->base));
                else
                        print_item(list->items[i]);
                if (r != 0)
                        return r;
        }
        return EXIT_DONE;
}

static int list(const Context *context, const Config *config, const Options *options) {
        uint64_t after = 0;

        for (;;) {
                _cleanup_(client_freep) Client *client = NULL;
                Carebus__V1__QuarantineListRequest ask = CAREBUS__V1__QUARANTINE_LIST_REQUEST__INIT;
                Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
                const Carebus__V1__Reply *reply;
                int r;

                ask.has_all = ask.has_after_seq = ask.has_limit = true;
                ask.all = options->all;
                ask.after_seq = after;
                ask.limit = PAGE;
                ask.source = (char *)options->source;
                request.command_case = CAREBUS__V1__REQUEST__COMMAND_QUARANTINE_LIST;
                request.quarantine_list = &ask;
                r = client_ask_or_say(config, "query", &request, &client, &reply);
                if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_QUARANTINE_LIST)
                        r = client_say(CLIENT_E_BAD_REPLY, "query");
                if (r == 0 && after == 0 && !context->json)
                        print_heading(); /* where there is no answer there is nothing to head */
                if (r == 0)
                        r = print_page(context, reply->quarantine_list);
                if (r != 0 || !reply->quarantine_list->has_next_after_seq)
                        return r;
                after = reply->quarantine_list->next_after_seq;
        }
}

/* ---- show ---- */

/* The original for a terminal: its lines as lines, all else that a terminal would obey escaped. */
static int print_original(Bytes original) {
        for (size_t start = 0, i = 0; i <= original.size; i++) {
                _cleanup_(freep) char *line = NULL;

                if (i < original.size && original.data[i] != '\r' && original.data[i] != '\n')
                        continue;
                line = text_escaped(bytes_of(original.data + start, i - start));
                if (!line)
                        return EXIT_SOFTWARE;
                if (i > start)
                        puts(line);
                start = i + 1;
        }
        return EXIT_DONE;
}

/* By index: what was said cannot be told from here whose it is. */
static void print_held(const Carebus__V1__QuarantineItem *item) {
        for (size_t i = 0; i < item->n_held; i++)
                printf("%s%" PRIu32, i ? ", " : "events that wait, the others are in use: ", item->held[i]);
        if (item->n_held > 0)
                putchar('\n');
        else if (item->partly)
                puts("what could be read beside the problem is in use");
}

static int print_whole(const Context *context, const Carebus__V1__QuarantineItem *item, bool original) {
        if (original) {
                /* The bytes as they came, for a file or a pipe. */
                fwrite(item->original.data, 1, item->original.len, stdout);
                return fflush(stdout) == 0 ? EXIT_DONE : EXIT_STORAGE;
        }
        if (context->json)
                return command_print_line(json_line(&item->base));
        print_heading();
        print_item(item);
        if (item->conflicts_with)
                printf("the same message id with other bytes is in entry %" PRIu64 "\n", item->conflicts_with);
        if (item->resolved_by)
                printf("%s by entry %" PRIu64 "\n", item->resolution, item->resolved_by);
        print_held(item);
        printf("%" PRIu64 " bytes, %s, message id %s\n\n", item->bytes, item->media_type ? item->media_type : "?",
               item->message_id ? item->message_id : "-");
        return print_original(bytes_of(item->original.data, item->original.len));
}

static int show(const Context *context, const Config *config, const Options *options) {
        _cleanup_(client_freep) Client *client = NULL;
        Carebus__V1__QuarantineShowRequest ask = CAREBUS__V1__QUARANTINE_SHOW_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        ask.has_seq = true;
        ask.seq = options->seq;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_QUARANTINE_SHOW;
        request.quarantine_show = &ask;
        r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_QUARANTINE_ITEM)
                r = client_say(CLIENT_E_BAD_REPLY, "query");
        return r == 0 ? print_whole(context, reply->quarantine_item, options->original) : r;
}

/* ---- retry and discard ---- */

static int decide(const Context *context, const Config *config, const Options *options, bool discards) {
        _cleanup_(client_freep) Client *client = NULL;
        Carebus__V1__RetryRequest retry = CAREBUS__V1__RETRY_REQUEST__INIT;
        Carebus__V1__DiscardRequest discard = CAREBUS__V1__DISCARD_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        retry.has_seq = discard.has_seq = true;
        retry.seq = discard.seq = options->seq;
        retry.who = discard.who = (char *)options->who;
        retry.why = discard.why = (char *)options->why;
        request.command_case = discards ? CAREBUS__V1__REQUEST__COMMAND_DISCARD : CAREBUS__V1__REQUEST__COMMAND_RETRY;
        if (discards)
                request.discard = &discard;
        else
                request.retry = &retry;
        r = client_ask_or_say(config, "control", &request, &client, &reply);
        if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_DECISION)
                r = client_say(CLIENT_E_BAD_REPLY, "control");
        if (r != 0)
                return r;
        if (context->json)
                return command_print_line(json_line(&reply->decision->base));
        if (text_equal(reply->decision->state, "asked"))
                printf("the adapter was asked to read entry %" PRIu64 " again; see carebusctl trace %" PRIu64 "\n",
                       options->seq, options->seq);
        else
                printf("decision stored as entry %" PRIu64 "\n", reply->decision->seq);
        return EXIT_DONE;
}

int command_quarantine(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        const char *verb = argc > 1 ? argv[1] : "";
        bool lists = text_equal(verb, "list"), shows = text_equal(verb, "show");
        bool retries = text_equal(verb, "retry"), discards = text_equal(verb, "discard");
        Options options;
        int r;

        if (!lists && !shows && !retries && !discards)
                return command_wrong_use(argv[0], "say list, show, retry or discard");
        r = parse(argc, argv, &options);
        if (r != 0)
                return r;
        if (!lists && !options.has_seq)
                return command_wrong_use(argv[0], "say the id of the item, as `quarantine list` shows it");
        if (discards && (!options.who || !options.why))
                return command_wrong_use(argv[0],
                                         "it is kept for ever who decided this and why: say --who NAME --why TEXT");
        r = command_load_config(context, &config);
        if (r != 0)
                return r;
        if (lists)
                return list(context, config, &options);
        return shows ? show(context, config, &options) : decide(context, config, &options, discards);
}
