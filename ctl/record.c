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
        char words[2][256]; /* a patient id; a value; a system and a value */
        int n_words;
        bool is_number; /* the one word is digits: in groups they are words of their own */
} Asked;

/*
 * 943 476 5919 as people read it off a page is one word. Copied, and made unreadable where it stood: what is on the command line is seen
 * by others.
 */
static const char *read_word(char *word, Asked *ret) {
        const bool is_number = word[strspn(word, "0123456789")] == '\0';
        const bool goes_on = ret->is_number && is_number;
        size_t size;
        char *to;

        if (word[0] == '-')
                return "unknown option";
        if (ret->n_words == ELEMENTSOF(ret->words) && !goes_on)
                return "one person at a time";
        to = ret->words[goes_on ? 0 : ret->n_words];
        size = strlen(to);
        if (size + strlen(word) >= sizeof(ret->words[0]))
                return "no number is as long as that";
        memcpy(to + size, word, strlen(word) + 1);
        memset(word, '.', strlen(word));
        ret->is_number = is_number && (goes_on || ret->n_words == 0);
        ret->n_words += !goes_on;
        return NULL;
}

static const char *section_fault(const char *name) {
        static char sentence[160];
        const char *names[64], *meant;
        size_t n = 0;

        for (; n < ELEMENTSOF(names) && section_at(n); n++)
                names[n] = section_at(n);
        meant = text_equal(name, "cpr") ? "decisions" : text_did_you_mean(name, names, n);
        snprintf(sentence, sizeof(sentence), "no such section%s%s%s", meant ? "; did you mean " : "",
                 meant ? meant : "", meant ? "?" : ": the page without --section lists them all");
        return sentence;
}

static int read_arguments(int argc, char **argv, Asked *ret) {
        const struct {
                const char *name;
                const char **value;
        } options[] = { { "--team", &ret->team }, { "--at", &ret->at }, { "--section", &ret->section } };
        const char *wrong;

        for (int i = 1; i < argc; i++) {
                const char **value = NULL;

                for (size_t j = 0; j < ELEMENTSOF(options); j++)
                        if (text_equal(argv[i], options[j].name))
                                value = options[j].value;
                if (value && ++i < argc)
                        *value = argv[i];
                else if (value)
                        return command_wrong_use(argv[0], "an option wants a value");
                else if ((wrong = read_word(argv[i], ret)))
                        return command_wrong_use(argv[0], wrong);
        }
        if (ret->n_words == 0)
                return command_wrong_use(argv[0], "say a patient id (p12.0), a number, or a number's system and value");
        if (ret->section && !section_is_known(ret->section))
                return command_wrong_use(argv[0], section_fault(ret->section));
        /* "H1 of RA9", as pages have it: the name alone will do. */
        if (ret->n_words == 2 && !strchr(ret->words[0], ':') && strlen(ret->words[0]) + 9 <= sizeof(ret->words[0])) {
                memmove(ret->words[0] + 8, ret->words[0], strlen(ret->words[0]) + 1);
                memcpy(ret->words[0], "carebus:", 8);
        }
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
        identifier.system = asked->n_words == 2 ? (char *)(uintptr_t)asked->words[0] : NULL;
        identifier.value = (char *)(uintptr_t)asked->words[asked->n_words - 1];
        if (asked->n_words == 1 && patient_id_is_valid(asked->words[0]))
                record.patient_id = (char *)(uintptr_t)asked->words[0];
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

/* In which reviews it waits who this is. An operator's page alone has them; without an answer it has to do without. */
static void ask_reviews(const Config *config, RecordShow *show, Client **ret_client) {
        Carebus__V1__IdentityShowRequest identity = CAREBUS__V1__IDENTITY_SHOW_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        const Carebus__V1__Reply *reply;
        int r = client_new(config, "query", ret_client);

        identity.patient_id = show->record->patient_id;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_IDENTITY_SHOW;
        request.identity_show = &identity;
        if (r == 0)
                r = client_ask(*ret_client, &request, &reply);
        if (r != 0 || reply->answer_case != CAREBUS__V1__REPLY__ANSWER_IDENTITY)
                return;
        for (size_t i = 0; i < reply->identity->n_persons; i++)
                if (reply->identity->persons[i]->n_review_ids > show->n_review_ids) {
                        show->review_ids = reply->identity->persons[i]->review_ids;
                        show->n_review_ids = reply->identity->persons[i]->n_review_ids;
                }
}

int command_record(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(client_freep) Client *client = NULL, *identity = NULL;
        RecordShow show = { .now = clock_now_at(&clock_system) };
        Asked asked = { 0 };
        int r;

        r = read_arguments(argc, argv, &asked);
        if (r == EXIT_DONE)
                r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        show.zone = *context->zone;
        show.at = show.now;
        if (asked.at && record_show_moment(asked.at, show.now, *context->zone, &show.at) < 0)
                return command_wrong_use(argv[0], "--at wants 03:00, \"sunday 03:00\" or 2024-03-05T03:00");
        r = ask(config, &asked, &client, &show.record);
        if (r != EXIT_DONE)
                return r;
        if (context->json)
                return print_json(show.record, &asked, &show);
        show.asked = show.record->patient_id;
        show.team = asked.team;
        show.section = asked.section;
        show.width = command_width();
        if (!asked.team)
                ask_reviews(config, &show, &identity);
        return print_text(&show);
}
