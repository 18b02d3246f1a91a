/*
 * carebusctl why: by which rule a team sees an event, or why not and what would have to be so; and, told apart from that, what the team was
 * really given of it. A message with several events is answered event by event.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"
#include "proto/validate.h"

#define EVENTS_MAX 65536

/* Why a team is not shown something, and what would have to be so. */
static const struct {
        const char *reason, *says;
} reasons[] = {
        { "no-rule", "no rule of `sharing:` lets a team of this class see this kind of fact; a rule that names the "
                     "class and the kind would" },
        { "no-relationship", "a rule would let it, but the team has no relationship with this person that the rule "
                             "goes by: a referral, a stay, "
                             "a contact that is open, or a broken glass would be one" },
        { "source-not-read", "the team's `may_read:` does not name the source of this event" },
        { "sensitive",
          "it is of a sensitive class, and no rule that would let it names that class; see `sensitive:` of the rules" },
        { "never", "the law forbids it: no rule and no broken glass lets it out" },
        { "objection",
          "somebody objects to sharing with this team, and no rule that would let it says `despite_objection: true`" },
        { "unconfirmed",
          "whose it is waits for a person: it is seen once the review is decided, see `carebusctl identity review`" },
        { "waits", "it waits, in the quarantine or for a review, and is given to nobody until then" },
        { "echo", "it came back from a system that the bus had delivered it to: a copy, given to nobody" },
        { "to-another", "it is a notice to another team" },
};

static const char *reason_says(const char *reason) {
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (text_equal(reasons[i].reason, reason))
                        return reasons[i].says;
        return "the rules in force do not let it";
}

/* ---- one answer -------------------------------------------------------------------------------------------------------------- */

static void print_list(const char *before, char *const *items, size_t n) {
        if (n == 0)
                return;
        printf("  %s", before);
        for (size_t i = 0; i < n; i++)
                printf("%s %s", i ? "," : "", items[i]);
        putchar('\n');
}

static void print_relationship(const Context *context, const Carebus__V1__Relationship *relationship) {
        char since[MOMENT_TEXT_SIZE], until[MOMENT_TEXT_SIZE];

        if (!relationship)
                return;
        printf("  relationship: %s", relationship->kind ? relationship->kind : "?");
        if (relationship->has_since_at) {
                command_moment(context, relationship->since_at, since);
                printf(" since %s", since);
        }
        if (relationship->has_until_at) {
                command_moment(context, relationship->until_at, until);
                printf(" until %s", until);
        }
        if (relationship->event_id)
                printf(", begun by event %s", relationship->event_id);
        if (relationship->who)
                printf(", asked for by %s", relationship->who);
        putchar('\n');
}

static void print_now(const Context *context, const Carebus__V1__Why *why) {
        printf("now, by the rules in force: %s\n", text_equal(why->sight, "hidden") ? "not shown"
                                                   : text_equal(why->sight, "part") ? "shown in part"
                                                                                    : "shown whole");
        if (text_equal(why->sight, "hidden"))
                printf("  %s: %s\n", why->reason ? why->reason : "hidden", reason_says(why->reason));
        else if (text_equal(why->rule, "own"))
                puts("  it is the team's own word");
        else if (why->rule)
                printf("  rule %s%s%s\n", why->rule, why->rule_reason ? ": " : "",
                       why->rule_reason ? why->rule_reason : "");
        print_relationship(context, why->relationship);
        print_list("left out, whether there was any or not:", why->redacted, why->n_redacted);
        print_list("sensitive:", why->sensitive, why->n_sensitive);
        print_list("let by", why->other_rules, why->n_other_rules);
}

static void print_delivery(const Context *context, const Carebus__V1__WhyDelivery *delivery) {
        char at[MOMENT_TEXT_SIZE], digest[2 * 64 + 1] = "";

        command_moment(context, delivery->sent_at, at);
        printf("  %s to %s%s", at, delivery->consumer ? delivery->consumer : "?",
               delivery->corrected ? ": only that what it was given is withdrawn" : "");
        if (delivery->has_acknowledged_at) {
                command_moment(context, delivery->acknowledged_at, at);
                printf(", acknowledged by %s", at);
        } else if (!text_equal(delivery->consumer, "live"))
                printf(", not acknowledged");
        if (delivery->digest.len > 0 && delivery->digest.len <= 64) {
                hex_encode(delivery->digest.data, delivery->digest.len, digest);
                printf("\n    sha-256 %s", digest);
        }
        printf("  [%" PRIu64 "]\n", delivery->audit);
}

static int print_why(const Context *context, const Carebus__V1__Why *why) {
        char at[MOMENT_TEXT_SIZE];

        if (context->json)
                return command_print_line(json_line(&why->base));
        printf("event %s (%s)%s%s, team %s\n", why->event_id ? why->event_id : "?", why->type ? why->type : "?",
               why->patient_id ? " of " : "", why->patient_id ? why->patient_id : "", why->team ? why->team : "?");
        print_now(context, why);
        if (why->has_given_before) {
                command_moment(context, why->given_before, at);
                printf("what happened, by the audit: it was given, by %s; when and how is not in the audit any more\n",
                       at);
                return EXIT_DONE;
        }
        puts(why->n_deliveries > 0 ? "what happened, by the audit:"
                                   : "what happened, by the audit: it was given nothing of it");
        for (size_t i = 0; i < why->n_deliveries; i++)
                print_delivery(context, why->deliveries[i]);
        return EXIT_DONE;
}

/* ---- asking ---------------------------------------------------------------------------------------------------------------------- */

/* `ret_found` may be NULL: that there is no such event is said. */
static int ask_why(const Context *context, const Config *config, char *event_id, char *team, bool *ret_found) {
        Carebus__V1__WhyRequest ask = CAREBUS__V1__WHY_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(client_freep) Client *client = NULL;
        const Carebus__V1__Reply *reply;
        int r = client_new(config, "query", &client);

        ask.event_id = event_id;
        ask.team = team;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_WHY;
        request.why = &ask;
        if (r == 0)
                r = client_ask(client, &request, &reply);
        if (r != 0)
                return client_say(r, "query");
        if (ret_found) {
                *ret_found = !text_equal(reply->error, "not-found");
                if (!*ret_found)
                        return EXIT_DONE;
        }
        r = client_say_error(reply);
        if (r != EXIT_DONE)
                return r;
        if (reply->answer_case != CAREBUS__V1__REPLY__ANSWER_WHY)
                return client_say(CLIENT_E_BAD_REPLY, "query");
        return print_why(context, reply->why);
}

/* The entries of a message: one, but where its id was used again. */
static int ask_message(const Context *context, const Config *config, char **words) {
        Carebus__V1__TraceRequest trace = CAREBUS__V1__TRACE_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(client_freep) Client *client = NULL;
        const Carebus__V1__Reply *reply;
        unsigned answered = 0;
        int r;

        trace.source = words[0];
        trace.message_id = words[1];
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_TRACE;
        request.trace = &trace;
        r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_TRACE)
                r = client_say(CLIENT_E_BAD_REPLY, "query");
        for (size_t i = 0; r == 0 && i < reply->trace->n_entries; i++) {
                bool found = true;

                for (uint32_t index = 0; r == 0 && found && index < EVENTS_MAX; index++) {
                        char event_id[48];

                        snprintf(event_id, sizeof(event_id), "%" PRIu64 ".%" PRIu32, reply->trace->entries[i]->seq,
                                 index);
                        r = ask_why(context, config, event_id, words[2], &found);
                        answered += found;
                }
        }
        if (r == 0 && answered == 0) {
                error_print(PROGRAM, "no event came of such a message: see carebusctl trace");
                return EXIT_NO;
        }
        return r;
}

int command_why(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        int r;

        if (argc != 3 && argc != 4)
                return command_wrong_use(argv[0], "say which event, and which team");
        if (argc == 3 && !event_id_is_valid(argv[1]))
                return command_wrong_use(argv[0],
                                         "an event is SEQ.INDEX as tail and trace show it, or SOURCE MESSAGE-ID");
        r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        return argc == 3 ? ask_why(context, config, argv[1], argv[2], NULL) : ask_message(context, config, argv + 1);
}
