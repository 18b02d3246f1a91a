/* carebusctl record: the shared record of a person, as JSON. */
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "proto/json.h"
#include "proto/validate.h"

int command_record(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(client_freep) Client *client = NULL;
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;
        Carebus__V1__RecordRequest record = CAREBUS__V1__RECORD_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        if (argc >= 4 && text_equal(argv[argc - 2], "--team")) {
                record.team = argv[argc - 1];
                argc -= 2;
        }
        if (argc == 2 && patient_id_is_valid(argv[1])) {
                record.patient_id = argv[1];
        } else if (argc == 3) {
                identifier.system = argv[1];
                identifier.value = argv[2];
                record.identifier = &identifier;
        } else {
                return command_wrong_use(argv[0], "say a patient id (p12.0), or an identifier's system and value");
        }
        r = command_load_config(context, &config);
        if (r != 0)
                return r;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_RECORD;
        request.record = &record;
        r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r != 0)
                return r;
        if (reply->answer_case != CAREBUS__V1__REPLY__ANSWER_RECORD)
                return client_say(CLIENT_E_BAD_REPLY, "query");
        return command_print_line(json_line(&reply->record->base));
}
