/* carebusctl tail: what the journal's entries became, a JSON object a line. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"

#define PAGE 500
#define FOLLOW_EVERY_NS (100 * 1000 * 1000L)

typedef struct TailOptions {
        const char *team;
        uint64_t from;
        bool follow;
} TailOptions;

static int parse(int argc, char **argv, TailOptions *ret) {
        *ret = (TailOptions){ .from = 1 };
        for (int i = 1; i < argc; i++) {
                if (text_equal(argv[i], "--follow"))
                        ret->follow = true;
                else if (text_equal(argv[i], "--team") && i + 1 < argc)
                        ret->team = argv[++i];
                else if (text_equal(argv[i], "--from") && i + 1 < argc && text_to_u64(argv[i + 1], &ret->from) == 0)
                        i++;
                else
                        return command_wrong_use(argv[0], "unknown or incomplete option");
        }
        return EXIT_DONE;
}

static int print_items(const Carebus__V1__TailReply *tail) {
        for (size_t i = 0; i < tail->n_items; i++) {
                int r = command_print_line(json_event_line(tail->items[i]));
                if (r != 0)
                        return r;
        }
        return ferror(stdout) ? EXIT_STORAGE : EXIT_DONE;
}

static int ask_page(Client *client, const TailOptions *options, uint64_t from, const Carebus__V1__TailReply **ret) {
        Carebus__V1__TailRequest tail = CAREBUS__V1__TAIL_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        tail.has_from_seq = tail.has_limit = true;
        tail.from_seq = from;
        tail.limit = PAGE;
        tail.team = (char *)options->team;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_TAIL;
        request.tail = &tail;
        r = client_ask(client, &request, &reply);
        if (r != 0)
                return client_say(r, "query");
        if (reply->error)
                return client_say_error(reply);
        if (reply->answer_case != CAREBUS__V1__REPLY__ANSWER_TAIL)
                return client_say(CLIENT_E_BAD_REPLY, "query");
        *ret = reply->tail;
        return EXIT_DONE;
}

int command_tail(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(client_freep) Client *client = NULL;
        TailOptions options;
        uint64_t from;
        int r = parse(argc, argv, &options);

        if (r == 0)
                r = command_load_config(context, &config);
        if (r != 0)
                return r;
        r = client_new(config, "query", &client);
        if (r != 0)
                return client_say(r, "query");
        from = options.from;
        for (;;) {
                const Carebus__V1__TailReply *tail = NULL;

                r = ask_page(client, &options, from, &tail);
                if (r == 0)
                        r = print_items(tail);
                if (r != 0)
                        return r;
                from = tail->next_seq;
                if (from <= tail->head_seq)
                        continue;
                if (!options.follow)
                        return EXIT_DONE;
                nanosleep(&(struct timespec){ .tv_nsec = FOLLOW_EVERY_NS }, NULL);
        }
}
