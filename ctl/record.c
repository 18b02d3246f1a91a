/* carebusctl record: the shared record of a person, for a reader at 03:00 or, with --json, for a program. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "canon/reach.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/record-show.h"
#include "proto/json.h"
#include "proto/types.h"
#include "proto/validate.h"

typedef struct Asked {
        const char *team, *at, *section;
        const char *words[2]; /* a patient id; a value; a system and a value */
        int n_words;
} Asked;

static int read_arguments(int argc, char **argv, Asked *ret) {
        const struct {
                const char *name;
                const char **value;
        } options[] = { { "--team", &ret->team }, { "--at", &ret->at }, { "--section", &ret->section } };

        for (int i = 1; i < argc; i++) {
                const char **value = NULL;

                for (size_t j = 0; j < ELEMENTSOF(options); j++)
                        if (text_equal(argv[i], options[j].name))
                                value = options[j].value;
                if (value && ++i < argc)
                        *value = argv[i];
                else if (value)
                        return command_wrong_use(argv[0], "an option wants a value");
                else if (ret->n_words < 2 && argv[i][0] != '-')
                        ret->words[ret->n_words++] = argv[i];
                else
                        return command_wrong_use(argv[0], "one person at a time");
        }
        if (ret->n_words == 0)
                return command_wrong_use(argv[0], "say a patient id (p12.0), a number, or a number's system and value");
        if (ret->section && !section_is_known(ret->section))
                return command_wrong_use(argv[0], "no such section; GRAMMAR.md lists them (decisions, care-team, ...)");
        return EXIT_DONE;
}

static int print_json(const Carebus__V1__Record *record, const Asked *asked, const RecordShow *show) {
        ContactAt contact;
        int r = command_print_line(json_line(&record->base));

        if (r != EXIT_DONE || !asked->at || !record->overview ||
            !contact_at(record->overview, show->at, show->zone, &contact))
                return r;
        return command_print_line(json_line(&contact.point->base));
}

static int print_text(const RecordShow *show) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;

        record_show(show, &out);
        if (out.error < 0) {
                error_print(PROGRAM, "memory is out");
                return EXIT_SOFTWARE;
        }
        fwrite(out.data, 1, out.size, stdout);
        return EXIT_DONE;
}

static int ask(const Config *config, const Asked *asked, Client **ret_client, const Carebus__V1__Record **ret) {
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;
        Carebus__V1__RecordRequest record = CAREBUS__V1__RECORD_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r;

        record.team = (char *)asked->team;
        identifier.system = asked->n_words == 2 ? (char *)asked->words[0] : NULL;
        identifier.value = (char *)asked->words[asked->n_words - 1];
        if (asked->n_words == 1 && patient_id_is_valid(asked->words[0]))
                record.patient_id = (char *)asked->words[0];
        else
                record.identifier = &identifier;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_RECORD;
        request.record = &record;
        r = client_ask_or_say(config, "query", &request, ret_client, &reply);
        if (r != 0)
                return r;
        if (reply->answer_case != CAREBUS__V1__REPLY__ANSWER_RECORD)
                return client_say(CLIENT_E_BAD_REPLY, "query");
        *ret = reply->record;
        return EXIT_DONE;
}

int command_record(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(client_freep) Client *client = NULL;
        _cleanup_(zone_freep) Zone *zone = NULL;
        RecordShow show = { .now = clock_now_at(&clock_system) };
        Asked asked = { 0 };
        int r;

        r = read_arguments(argc, argv, &asked);
        if (r == EXIT_DONE)
                r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        if (zone_new(config->timezone, &zone) != 0) {
                error_print(PROGRAM, "the timezone of the configuration cannot be read; is tzdata installed?");
                return EXIT_CONFIGURATION;
        }
        show.zone = zone;
        show.at = show.now;
        if (asked.at && record_show_moment(asked.at, show.now, zone, &show.at) < 0)
                return command_wrong_use(argv[0], "--at wants 03:00, \"sunday 03:00\" or 2024-03-05T03:00");
        r = ask(config, &asked, &client, &show.record);
        if (r != EXIT_DONE)
                return r;
        if (context->json)
                return print_json(show.record, &asked, &show);
        show.asked = show.record->patient_id;
        show.team = asked.team;
        show.section = asked.section;
        return print_text(&show);
}
