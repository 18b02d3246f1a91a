/* carebusctl converge: which readers of records hold what the bus holds; of who differs, the persons. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"

static const struct {
        const char *state;
        const char *sentence; /* what it means, or what to do */
} states[] = {
        { "equal", "equal: holds what the bus holds" },
        { "differs", "DIFFERS: have it read these persons, or a snapshot, again" },
        { "behind", "behind: has not got to a point of agreement yet: ask again" },
        { "silent", "silent: its feed is not open" },
        { "not-compared", "not compared: sends no digests: nobody knows what it holds" },
};

static const char *sentence_of(const char *state) {
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (text_equal(states[i].state, state))
                        return states[i].sentence;
        return "?";
}

/* Who is away, behind or says nothing is not known to differ: the answer is no only where somebody does. */
static bool differs(const Carebus__V1__ConvergeLine *line) {
        return text_equal(line->state, "differs");
}

static void print_person(const Carebus__V1__DifferingPerson *person) {
        printf("    %-14s %-8s", person->patient_id ? person->patient_id : "?", person->how ? person->how : "?");
        if (person->has_since_seq)
                printf("  since entry %" PRIu64, person->since_seq);
        if (person->has_reader_seq)
                printf("  the reader has it as of %" PRIu64, person->reader_seq);
        putchar('\n');
}

static void print_line(const Carebus__V1__ConvergeLine *line) {
        printf("%s %s  %s", line->team ? line->team : "?", line->consumer ? line->consumer : "?",
               sentence_of(line->state));
        if (line->has_seq)
                printf(" (%" PRIu64 " person%s at entry %" PRIu64 ")", line->persons, line->persons == 1 ? "" : "s",
                       line->seq);
        putchar('\n');
        if (differs(line) && line->has_equal_until_seq)
                printf("    was equal at entry %" PRIu64 "\n", line->equal_until_seq);
        for (size_t i = 0; i < line->n_differing; i++)
                print_person(line->differing[i]);
        if (line->more)
                puts(line->n_differing > 0 ? "    ... and more" : "    it did not say in time whom it holds otherwise");
}

static int take_arguments(int argc, char **argv, Carebus__V1__ConvergeRequest *ret) {
        for (int i = 1; i < argc; i++) {
                bool has_value = i + 1 < argc;
                if (has_value && text_equal(argv[i], "--team"))
                        ret->team = argv[++i];
                else if (has_value && text_equal(argv[i], "--consumer"))
                        ret->consumer = argv[++i];
                else
                        return command_wrong_use(argv[0], "converge takes --team and --consumer");
        }
        return EXIT_DONE;
}

static int print_reply(const Context *context, const Carebus__V1__ConvergeReply *reply) {
        bool differing = false;

        for (size_t i = 0; i < reply->n_lines; i++) {
                differing = differing || differs(reply->lines[i]);
                if (!context->json)
                        print_line(reply->lines[i]);
                else if (command_print_line(json_line(&reply->lines[i]->base)) != EXIT_DONE)
                        return EXIT_SOFTWARE;
        }
        if (reply->n_lines == 0 && !context->json)
                puts("nobody reads records");
        return differing ? EXIT_NO : EXIT_DONE;
}

int command_converge(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(client_freep) Client *client = NULL;
        Carebus__V1__ConvergeRequest converge = CAREBUS__V1__CONVERGE_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        r = take_arguments(argc, argv, &converge);
        if (r == EXIT_DONE)
                r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_CONVERGE;
        request.converge = &converge;
        r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r != EXIT_DONE)
                return r;
        if (reply->answer_case != CAREBUS__V1__REPLY__ANSWER_CONVERGE)
                return client_say(CLIENT_E_BAD_REPLY, "query");
        return print_reply(context, reply->converge);
}
