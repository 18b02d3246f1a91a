#include "ctl/grant.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "ctl/client.h"
#include "ctl/decided.h"
#include "proto/json.h"
#include "proto/validate.h"

bool grant_person_take(GrantPerson *person, char *word) {
        if (word[0] == '-' || person->patient_id || person->n_words == 2)
                return false;
        if (person->n_words == 0 && patient_id_is_valid(word)) {
                person->patient_id = word;
                return true;
        }
        if (person->n_words++ == 0) {
                person->identifier = (Carebus__V1__Identifier)CAREBUS__V1__IDENTIFIER__INIT;
                person->identifier.system = word;
        } else
                person->identifier.value = word;
        return true;
}

bool grant_person_is_named(const GrantPerson *person) {
        return person->patient_id || person->n_words == 2;
}

int grant_ask(const Context *context, Carebus__V1__Request *request, const char *team) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(client_freep) Client *client = NULL;
        const Carebus__V1__GrantReply *granted;
        const Carebus__V1__Reply *reply;
        char until[MOMENT_TEXT_SIZE];
        int r = command_load_config(context, &config);

        if (r == EXIT_DONE)
                r = client_ask_or_say(config, "control", request, &client, &reply);
        if (r == EXIT_DONE && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_GRANTED)
                r = client_say(CLIENT_E_BAD_REPLY, "control");
        if (r != EXIT_DONE)
                return r;
        granted = reply->granted;
        r = decided_wait(config, granted->seq);
        if (r == EXIT_NO)
                return r;
        if (context->json) {
                int printed = command_print_line(json_line(&granted->base));
                return printed != EXIT_DONE ? printed : r;
        }
        command_moment(context, granted->until_at, until);
        if (r == EXIT_DONE)
                printf("%s sees what its rules show of %s until %s; entry %" PRIu64 "\n", team, granted->patient_id,
                       until, granted->seq);
        return r;
}
