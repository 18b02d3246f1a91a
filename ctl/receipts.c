/* carebusctl receipts: what came of what a source sent, newest first; ids, names and codes alone. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"

#define LIMIT 100

typedef struct Options {
        char *source, *message;
        uint64_t limit;
} Options;

static int parse(int argc, char **argv, Options *ret) {
        for (int i = 1; i < argc; i++) {
                if (text_equal(argv[i], "--message") && i + 1 < argc)
                        ret->message = argv[++i];
                else if (text_equal(argv[i], "--limit") && i + 1 < argc) {
                        if (text_to_u64(argv[++i], &ret->limit) != 0 || ret->limit == 0)
                                return command_wrong_use(argv[0], "a limit is a number of messages");
                } else if (argv[i][0] == '-' || ret->source)
                        return command_wrong_use(argv[0], "unknown option, or one word too many");
                else
                        ret->source = argv[i];
        }
        return ret->source ? EXIT_DONE : command_wrong_use(argv[0], "say which source");
}

static void print_team(const Context *context, const Carebus__V1__ReceiptTeam *team) {
        char at[MOMENT_TEXT_SIZE] = "";

        if (team->has_acknowledged_at)
                command_moment(context, team->acknowledged_at, at);
        else if (team->has_sent_at)
                command_moment(context, team->sent_at, at);
        printf("    %s%s%s: %s%s%s\n", team->team ? team->team : "?", team->consumer ? " " : "",
               team->consumer ? team->consumer : "", team->state ? team->state : "?", at[0] ? " " : "", at);
}

static int print_receipt(const Context *context, const Carebus__V1__SourceReceipt *receipt) {
        char at[MOMENT_TEXT_SIZE];

        if (context->json)
                return command_print_line(json_line(&receipt->base));
        command_moment(context, receipt->received_at, at);
        printf("%" PRIu64 "  %s  %s  %s%s%s", receipt->seq, at, receipt->message_id ? receipt->message_id : "-",
               receipt->outcome ? receipt->outcome : "?", receipt->reason ? ": " : "",
               receipt->reason ? receipt->reason : "");
        if (receipt->events != 1)
                printf(", %" PRIu32 " events", receipt->events);
        putchar('\n');
        for (size_t i = 0; i < receipt->n_teams; i++)
                print_team(context, receipt->teams[i]);
        return EXIT_DONE;
}

/* A page may be empty and not the last: the bus looks at so many entries at a time. */
static int ask_pages(const Context *context, const Config *config, const Options *options, uint64_t *ret_lines) {
        Carebus__V1__ReceiptsRequest ask = CAREBUS__V1__RECEIPTS_REQUEST__INIT;

        ask.source = options->source;
        ask.message_id = options->message;
        ask.has_limit = true;
        for (;;) {
                Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
                _cleanup_(client_freep) Client *client = NULL;
                const Carebus__V1__Reply *reply;
                int r;

                ask.limit = (uint32_t)MIN(options->limit - *ret_lines, (uint64_t)LIMIT);
                request.command_case = CAREBUS__V1__REQUEST__COMMAND_RECEIPTS;
                request.receipts = &ask;
                r = client_ask_or_say(config, "query", &request, &client, &reply);
                if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_RECEIPTS)
                        r = client_say(CLIENT_E_BAD_REPLY, "query");
                for (size_t i = 0; r == 0 && i < reply->receipts->n_receipts; i++, (*ret_lines)++)
                        r = print_receipt(context, reply->receipts->receipts[i]);
                if (r != 0 || !reply->receipts->has_next_before_seq || *ret_lines >= options->limit)
                        return r;
                ask.has_before_seq = true;
                ask.before_seq = reply->receipts->next_before_seq;
        }
}

int command_receipts(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        Options options = { .limit = LIMIT };
        uint64_t lines = 0;
        int r = parse(argc, argv, &options);

        if (r == EXIT_DONE)
                r = command_load_config(context, &config);
        if (r == EXIT_DONE)
                r = ask_pages(context, config, &options, &lines);
        if (r == EXIT_DONE && lines == 0) {
                error_print(PROGRAM,
                            options.message ? "this source sent no such message" : "this source sent nothing yet");
                return EXIT_NO;
        }
        return r;
}
