/* carebusctl tail: what the journal's entries became, a JSON object a line. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"

#define PAGE 500
#define FOLLOW_EVERY_NS (100 * 1000 * 1000L)
/* Who follows sees the daemon, or its serve process, be restarted, and goes on where they were. */
#define FOLLOW_AWAY_MAX (60 * USEC_PER_SEC)

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

/* A code of client_ask(), or 0 with the reply. */
static int ask_page(Client *client, const TailOptions *options, uint64_t from, const Carebus__V1__Reply **ret) {
        Carebus__V1__TailRequest tail = CAREBUS__V1__TAIL_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;

        tail.has_from_seq = tail.has_limit = true;
        tail.from_seq = from;
        tail.limit = PAGE;
        tail.team = (char *)options->team;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_TAIL;
        request.tail = &tail;
        return client_ask(client, &request, ret);
}

/* The next page, asked again while somebody follows and the daemon is away. EXIT_DONE, or the exit code, said. */
static int next_page(const Config *config, const TailOptions *options, uint64_t from, Client **client,
                     int64_t *answered_at, const Carebus__V1__TailReply **ret) {
        const Carebus__V1__Reply *reply = NULL;

        for (;;) {
                int r = *client ? 0 : client_new(config, "query", client);

                if (r == 0)
                        r = ask_page(*client, options, from, &reply);
                if (r == 0)
                        break;
                if (r != CLIENT_E_UNREACHABLE || !options->follow || *answered_at == 0 ||
                    clock_monotonic(&clock_system) - *answered_at > FOLLOW_AWAY_MAX)
                        return client_say(r, "query");
                *client = client_free(*client);
                nanosleep(&(struct timespec){ .tv_nsec = FOLLOW_EVERY_NS }, NULL);
        }
        *answered_at = clock_monotonic(&clock_system);
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
        int64_t answered_at = 0;
        uint64_t from;
        int r = parse(argc, argv, &options);

        if (r == 0)
                r = command_load_config(context, &config);
        if (r != 0)
                return r;
        from = options.from;
        for (;;) {
                const Carebus__V1__TailReply *tail = NULL;

                r = next_page(config, &options, from, &client, &answered_at, &tail);
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
