#include "ctl/decided.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "proto/json.h"

#define WAIT_AT_MOST (5 * USEC_PER_SEC)
#define LOOK_EVERY_NS 20000000L

/* Why the fold refused it; what to do instead. */
static const struct {
        const char *reason, *advice;
} refusals[] = {
        { "already-apart", "somebody decided before that they are two" },
        { "already-decided", "it was decided before: see `carebusctl identity show REVIEW`" },
        { "already-ended", "it has ended before: see `carebusctl break-glass list --all`" },
        { "already-linked", "they are one person already" },
        { "not-granted", "that entry granted nothing: see `carebusctl break-glass list --all`" },
        { "not-in-conflict", "there is no open conflict of that id with this person" },
        { "not-in-review", "there is no review of that id: see `carebusctl identity review`" },
        { "not-of-this-review", "the review does not name this person: see `carebusctl identity show REVIEW`" },
        { "nothing-to-assign", "nothing of what it names waits there" },
        { "said-by-source", "a source itself says that they are one: it has to take that back" },
        { "same-patient", "name two different persons" },
        { "too-many-persons", "so many numbers are never one person: look who uses one number for all" },
        { "two-verified-numbers",
          "both have a traced number and the two differ: decide it in a review, or have the number corrected" },
        { "unknown-patient", "nobody has this patient id" },
        { "which-candidate", "the review names several: say which one" },
        { "who-and-why", "say --who NAME --why TEXT" },
};

static int say_refused(const char *detail) {
        char reason[64] = "";

        sscanf(detail ? detail : "", "reason=%63[a-z-]", reason);
        for (size_t i = 0; i < ELEMENTSOF(refusals); i++)
                if (text_equal(refusals[i].reason, reason)) {
                        error_print(PROGRAM, "%s: %s", reason, refusals[i].advice);
                        return EXIT_NO;
                }
        error_print(PROGRAM, "refused: %s", reason[0] ? reason : "no reason given");
        return EXIT_NO;
}

/* EXIT_DONE, EXIT_NO, or EXIT_LATER: not folded yet. */
static int look(const Config *config, uint64_t seq) {
        _cleanup_(client_freep) Client *client = NULL;
        Carebus__V1__TraceRequest trace = CAREBUS__V1__TRACE_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__TraceEntry *entry;
        const Carebus__V1__Reply *reply;
        int r = client_new(config, "query", &client);

        trace.has_seq = true;
        trace.seq = seq;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_TRACE;
        request.trace = &trace;
        if (r == 0)
                r = client_ask(client, &request, &reply);
        if (r != 0 || reply->error || reply->answer_case != CAREBUS__V1__REPLY__ANSWER_TRACE ||
            reply->trace->n_entries == 0)
                return EXIT_LATER;
        entry = reply->trace->entries[0];
        for (size_t i = 0; i < entry->n_steps; i++)
                if (text_equal(entry->steps[i]->result, "refused"))
                        return say_refused(entry->steps[i]->detail);
        for (size_t i = 0; i < entry->n_steps; i++)
                if (text_equal(entry->steps[i]->stage, "project"))
                        return EXIT_DONE;
        return EXIT_LATER;
}

/* Whoever decides wants to know that it is so, not only that it is written. */
int decided_wait(const Config *config, uint64_t seq) {
        const int64_t until = clock_monotonic(&clock_system) + WAIT_AT_MOST;
        int r;

        for (;;) {
                r = look(config, seq);
                if (r != EXIT_LATER || clock_monotonic(&clock_system) > until)
                        return r;
                nanosleep(&(struct timespec){ .tv_nsec = LOOK_EVERY_NS }, NULL);
        }
}

int decided_ask(const Context *context, const Config *config, Carebus__V1__Request *request, const char *done) {
        _cleanup_(client_freep) Client *client = NULL;
        const Carebus__V1__Reply *reply;
        uint64_t seq;
        int r;

        r = client_ask_or_say(config, "control", request, &client, &reply);
        if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_DECISION)
                r = client_say(CLIENT_E_BAD_REPLY, "control");
        if (r != 0)
                return r;
        seq = reply->decision->seq;
        r = decided_wait(config, seq);
        if (r == EXIT_NO)
                return r;
        if (r == EXIT_LATER)
                error_print(PROGRAM,
                            "stored as entry %" PRIu64 ", and not carried out yet: see carebusctl trace %" PRIu64, seq,
                            seq);
        if (context->json) {
                int printed = command_print_line(json_line(&reply->decision->base));
                return printed != EXIT_DONE ? printed : r;
        }
        if (r == EXIT_DONE)
                printf("%s; entry %" PRIu64 "\n", done, seq);
        return r;
}
