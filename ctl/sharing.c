/* carebusctl sharing show: the rules in force; or who has to do with a person, and what each team is shown of them, by which rules. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/grant.h"
#include "proto/json.h"

typedef struct Asked {
        GrantPerson person;
        char *team;
} Asked;

static void print_list(const char *what, char *const *items, size_t n) {
        for (size_t i = 0; i < n; i++)
                printf("%s%s", i ? ", " : what, items[i]);
        if (n > 0)
                putchar('\n');
}

static void print_rules(const Carebus__V1__SharingSettings *rules) {
        for (size_t i = 0; i < rules->n_rules; i++) {
                const Carebus__V1__SharingRule *rule = rules->rules[i];

                printf("%s: %s\n", rule->name ? rule->name : "?", rule->reason ? rule->reason : "");
                print_list("    classes: ", rule->classes, rule->n_classes);
                print_list("    teams: ", rule->teams, rule->n_teams);
                print_list("    kinds: ", rule->kinds, rule->n_kinds);
                print_list("    types: ", rule->types, rule->n_types);
                print_list("    sources: ", rule->sources, rule->n_sources);
                print_list("    fields: ", rule->fields, rule->n_fields);
                print_list("    except: ", rule->except, rule->n_except);
                print_list("    relationships: ", rule->relationships, rule->n_relationships);
                print_list("    sensitive: ", rule->sensitive, rule->n_sensitive);
        }
}

static void print_relationship(const Context *context, const Carebus__V1__Relationship *relationship) {
        char since[MOMENT_TEXT_SIZE], until[MOMENT_TEXT_SIZE];

        printf("  %s with %s", relationship->kind ? relationship->kind : "?",
               relationship->team           ? relationship->team
               : relationship->organisation ? relationship->organisation
                                            : "?");
        if (relationship->has_since_at) {
                command_moment(context, relationship->since_at, since);
                printf(" since %s", since);
        }
        if (relationship->has_until_at) {
                command_moment(context, relationship->until_at, until);
                printf(" until %s", until);
        }
        puts(relationship->ended ? ", ended" : "");
}

static void print_person(const Context *context, const Carebus__V1__PersonSharing *person) {
        printf("%s%s%s%s\n", person->patient_id ? person->patient_id : "?",
               person->restricted ? ", whereabouts are restricted" : "",
               person->objection ? ", objects to sharing" : "",
               person->has_followed && !person->followed ? ", not followed" : "");
        for (size_t i = 0; i < person->n_relationships; i++)
                print_relationship(context, person->relationships[i]);
}

static void print_team(const Carebus__V1__TeamSight *team) {
        printf("%s\n", team->team ? team->team : "?");
        for (size_t i = 0; i < team->n_kinds; i++) {
                const Carebus__V1__KindSight *kind = team->kinds[i];

                printf("  %-24s %-7s ", kind->kind ? kind->kind : "?", kind->sight ? kind->sight : "?");
                for (size_t j = 0; j < kind->n_rules; j++)
                        printf("%s%s", j ? ", " : "", kind->rules[j]);
                puts(kind->n_rules == 0 && kind->reason ? kind->reason : "");
        }
}

static int print_reply(const Context *context, const Carebus__V1__SharingShowReply *reply) {
        if (context->json)
                return command_print_line(json_line(&reply->base));
        if (reply->rules)
                print_rules(reply->rules);
        if (reply->person)
                print_person(context, reply->person);
        for (size_t i = 0; i < reply->n_teams; i++)
                print_team(reply->teams[i]);
        return EXIT_DONE;
}

static int parse(int argc, char **argv, Asked *ret) {
        carebus__v1__identifier__init(&ret->person.identifier);
        if (argc < 2 || !text_equal(argv[1], "show"))
                return command_wrong_use(argv[0], "say what: show");
        for (int i = 2; i < argc; i++) {
                if (text_equal(argv[i], "--team") && i + 1 < argc)
                        ret->team = argv[++i];
                else if (argv[i][0] == '-' || !grant_person_take(&ret->person, argv[i]))
                        return command_wrong_use(argv[0], "one person: a patient id, or a system and a value");
        }
        if (ret->team && !grant_person_is_named(&ret->person))
                return command_wrong_use(argv[0], "--team goes with a person: without one the rules are shown");
        return EXIT_DONE;
}

int command_sharing(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        Carebus__V1__SharingShowRequest show = CAREBUS__V1__SHARING_SHOW_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(client_freep) Client *client = NULL;
        const Carebus__V1__Reply *reply;
        Asked asked = { .team = NULL };
        int r = parse(argc, argv, &asked);

        if (r == EXIT_DONE)
                r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        show.team = asked.team;
        show.patient_id = asked.person.patient_id;
        if (!show.patient_id && grant_person_is_named(&asked.person))
                show.identifier = &asked.person.identifier;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_SHARING_SHOW;
        request.sharing_show = &show;
        r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_SHARING)
                r = client_say(CLIENT_E_BAD_REPLY, "query");
        return r == 0 ? print_reply(context, reply->sharing) : r;
}
