/* carebusctl trace: one message's way, stage by stage. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"

static void print_step(const Context *context, const Carebus__V1__TraceStep *step) {
        char at[MOMENT_TEXT_SIZE] = "";

        if (step->has_done_at)
                command_moment(context, step->done_at, at);
        printf("  %-11s %-22s %s%s%s\n", step->stage ? step->stage : "?", step->result ? step->result : "", at,
               at[0] && step->detail ? "  " : "", step->detail ? step->detail : "");
}

static void print_entry(const Context *context, const Carebus__V1__TraceEntry *entry) {
        printf("%" PRIu64 "  %s%s%s\n", entry->seq, entry->kind ? entry->kind : "", entry->source ? " of " : "",
               entry->source ? entry->source : "");
        for (size_t i = 0; i < entry->n_steps; i++)
                print_step(context, entry->steps[i]);
}

static int print_entries(const Context *context, const Carebus__V1__TraceReply *trace) {
        if (trace->n_entries == 0) {
                error_print(PROGRAM, "no such message in the journal");
                return EXIT_NO;
        }
        for (size_t i = 0; i < trace->n_entries; i++) {
                int r = 0;
                if (context->json)
                        r = command_print_line(json_line(&trace->entries[i]->base));
                else
                        print_entry(context, trace->entries[i]);
                if (r != 0)
                        return r;
        }
        return EXIT_DONE;
}

int command_trace(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(client_freep) Client *client = NULL;
        Carebus__V1__TraceRequest trace = CAREBUS__V1__TRACE_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        if (argc == 2 && text_to_u64(argv[1], &trace.seq) == 0) {
                trace.has_seq = true;
        } else if (argc == 3) {
                trace.source = argv[1];
                trace.message_id = argv[2];
        } else {
                return command_wrong_use(argv[0], "say a sequence number, or a source and a message id");
        }
        r = command_load_config(context, &config);
        if (r != 0)
                return r;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_TRACE;
        request.trace = &trace;
        r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r != 0)
                return r;
        if (reply->answer_case != CAREBUS__V1__REPLY__ANSWER_TRACE)
                return client_say(CLIENT_E_BAD_REPLY, "query");
        return print_entries(context, reply->trace);
}
