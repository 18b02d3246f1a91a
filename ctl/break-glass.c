/*
 * carebusctl break-glass: a team sees a record that it has no relationship with, for a reason, for a while, and the team whose record it
 * is hears of it at once. Who looked at it afterwards is kept beside it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/decided.h"
#include "ctl/grant.h"
#include "proto/json.h"
#include "proto/validate.h"

/* 90, 30m, 4h, 2d: seconds. 0: it is none. */
static uint32_t duration(const char *text) {
        static const struct {
                char unit;
                uint32_t seconds;
        } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
        char unit = 's', surplus;
        uint32_t number = 0;
        int n = sscanf(text, "%9" SCNu32 "%c%c", &number, &unit, &surplus);

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if ((n == 1 || n == 2) && units[i].unit == unit && number <= 31 * 86400 / units[i].seconds)
                        return number * units[i].seconds;
        return 0;
}

/* ---- breaking it ---- */

static int break_glass(const Context *context, int argc, char **argv) {
        Carebus__V1__BreakGlassRequest glass = CAREBUS__V1__BREAK_GLASS_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        GrantPerson person = { 0 };

        for (int i = 1; i < argc; i++) {
                bool more = i + 1 < argc;

                if (text_equal(argv[i], "--team") && more)
                        glass.team = argv[++i];
                else if (text_equal(argv[i], "--reason") && more)
                        glass.reason = argv[++i];
                else if (text_equal(argv[i], "--why") && more)
                        glass.text = argv[++i];
                else if (text_equal(argv[i], "--who") && more)
                        glass.who = argv[++i];
                else if (text_equal(argv[i], "--for") && more) {
                        glass.has_seconds = true;
                        glass.seconds = duration(argv[++i]);
                        if (glass.seconds == 0)
                                return command_wrong_use(argv[0], "--for wants a duration, such as 30m or 4h");
                } else if (!grant_person_take(&person, argv[i]))
                        return command_wrong_use(argv[0], "unknown or incomplete option");
        }
        if (!grant_person_is_named(&person))
                return command_wrong_use(argv[0], "say whose record: a patient id, or SYSTEM VALUE");
        if (!glass.team || !glass.reason || !glass.text || !glass.who)
                return command_wrong_use(argv[0], "say --team TEAM --reason CODE --why TEXT --who NAME: the team whose "
                                                  "record it is reads them");
        glass.patient_id = person.patient_id;
        glass.identifier = person.patient_id ? NULL : &person.identifier;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_BREAK_GLASS;
        request.break_glass = &glass;
        return grant_ask(context, &request, glass.team);
}

/* ---- looking at it afterwards ---- */

static void print_time(const Context *context, const char *label, bool has, int64_t at) {
        char text[MOMENT_TEXT_SIZE];

        if (!has || at == 0)
                return;
        command_moment(context, at, text);
        printf("  %s %s", label, text);
}

static int print_grant(const Context *context, const Carebus__V1__Grant *grant) {
        _cleanup_(freep) char *why = text_escaped(bytes_of_text(grant->why));
        _cleanup_(freep) char *who = text_escaped(bytes_of_text(grant->who_says ? grant->who_says : grant->who));
        _cleanup_(freep) char *review = text_escaped(bytes_of_text(grant->review));

        if (!why || !who || !review)
                return EXIT_SOFTWARE;
        printf("%" PRIu64 "  %s  %s  %s", grant->seq, grant->kind ? grant->kind : "", grant->team ? grant->team : "",
               grant->patient_id ? grant->patient_id : "");
        print_time(context, "at", grant->has_at, grant->at);
        print_time(context, grant->ended ? "ended" : "until", grant->has_until_at, grant->until_at);
        printf("\n    %s, %s: %s\n    disclosures %" PRIu32 "; told:", who, grant->reason ? grant->reason : "no code",
               why, grant->disclosures);
        for (size_t i = 0; i < grant->n_noticed; i++)
                printf(" %s", grant->noticed[i]);
        printf(grant->n_noticed ? "\n" : " nobody\n");
        if (grant->reviewed_by)
                printf("    reviewed by %s: %s\n", grant->reviewed_by, review);
        return EXIT_DONE;
}

static int list(const Context *context, int argc, char **argv) {
        Carebus__V1__GrantListRequest asked = CAREBUS__V1__GRANT_LIST_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(client_freep) Client *client = NULL;
        _cleanup_(config_unrefp) Config *config = NULL;
        const Carebus__V1__Reply *reply;
        int r;

        asked.has_all = asked.all = argc == 3 && text_equal(argv[2], "--all");
        if (argc > 3 || (argc == 3 && !asked.all))
                return command_wrong_use(argv[0], "list takes --all and nothing else");
        r = command_load_config(context, &config);
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_GRANT_LIST;
        request.grant_list = &asked;
        if (r == EXIT_DONE)
                r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r == EXIT_DONE && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_GRANTS)
                r = client_say(CLIENT_E_BAD_REPLY, "query");
        for (size_t i = 0; r == EXIT_DONE && i < reply->grants->n_grants; i++)
                r = context->json ? command_print_line(json_line(&reply->grants->grants[i]->base))
                                  : print_grant(context, reply->grants->grants[i]);
        if (r == EXIT_DONE && !context->json && reply->grants->n_grants == 0)
                puts(asked.all ? "no broken glass and no opened contact is known"
                               : "nothing waits for a review; with --all what was reviewed, too");
        return r;
}

static int end(const Context *context, int argc, char **argv) {
        Carebus__V1__GrantEndRequest asked = CAREBUS__V1__GRANT_END_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(config_unrefp) Config *config = NULL;
        const bool reviews = text_equal(argv[1], "review");
        int r;

        for (int i = 2; i < argc; i++) {
                bool more = i + 1 < argc;

                if (text_equal(argv[i], "--who") && more)
                        asked.who = argv[++i];
                else if (text_equal(argv[i], "--why") && more)
                        asked.why = argv[++i];
                else if (!asked.has_grant_seq && text_to_u64(argv[i], &asked.grant_seq) == 0)
                        asked.has_grant_seq = true;
                else
                        return command_wrong_use(argv[0], "unknown or incomplete option");
        }
        if (!asked.has_grant_seq || !asked.who || !asked.why)
                return command_wrong_use(argv[0],
                                         "say which one, as `break-glass list` numbers it, --who NAME and --why TEXT");
        asked.has_reviewed = asked.reviewed = reviews;
        r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_GRANT_END;
        request.grant_end = &asked;
        return decided_ask(context, config, &request, reviews ? "reviewed" : "ended: it shows nothing more");
}

int command_break_glass(const Context *context, int argc, char **argv) {
        if (argc >= 2 && text_equal(argv[1], "list"))
                return list(context, argc, argv);
        if (argc >= 2 && (text_equal(argv[1], "review") || text_equal(argv[1], "end")))
                return end(context, argc, argv);
        return break_glass(context, argc, argv);
}
