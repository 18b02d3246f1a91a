/*
 * carebusctl audit who: who was given anything of this person, when, by which rule and how. The number that was typed is taken out of the
 * list of processes; the person's name stands nowhere in the answer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/audit.h"
#include "ctl/client.h"
#include "proto/json.h"
#include "proto/validate.h"

#define PAGE 500

typedef struct Asked {
        char *patient_id, *system, *value, *from, *until;
        char *copy; /* owned: what was typed as a number */
} Asked;

static void asked_deinit(Asked *asked) {
        free(asked->copy);
        free(asked->patient_id);
}

/* ---- what is asked ------------------------------------------------------------------------------------------------------- */

static int take_person(char *word, Asked *ret) {
        char *bar;

        if (ret->copy || ret->patient_id)
                return audit_wrong_use("who", "one word too many: a person by patient id or by number");
        if (patient_id_is_valid(word)) {
                ret->patient_id = strdup(word);
                return ret->patient_id ? EXIT_DONE : EXIT_SOFTWARE;
        }
        ret->copy = strdup(word);
        if (!ret->copy)
                return EXIT_SOFTWARE;
        memset(word, '.', strlen(word));
        ret->value = ret->copy;
        bar = strrchr(ret->copy, '|');
        if (bar) {
                *bar = '\0';
                ret->system = ret->copy;
                ret->value = bar + 1;
        }
        return ret->value[0] ? EXIT_DONE : audit_wrong_use("who", "a number without a value");
}

static int parse(int argc, char **argv, Asked *ret) {
        int r = EXIT_DONE;

        for (int i = 1; r == EXIT_DONE && i < argc; i++) {
                char **value = text_equal(argv[i], "--from")    ? &ret->from
                               : text_equal(argv[i], "--until") ? &ret->until
                                                                : NULL;

                if (value && i + 1 < argc)
                        *value = argv[++i];
                else if (argv[i][0] == '-')
                        r = audit_wrong_use("who", value ? "an option wants a value" : "unknown option");
                else
                        r = take_person(argv[i], ret);
        }
        if (r == EXIT_DONE && !ret->patient_id && !ret->value)
                r = audit_wrong_use("who", "say a patient id or a number");
        return r;
}

/* A number becomes the patient id that answers; where several have it, a person has to say which. */
static int find_person(const Config *config, Asked *asked) {
        Carebus__V1__IdentityShowRequest ask = CAREBUS__V1__IDENTITY_SHOW_REQUEST__INIT;
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(client_freep) Client *client = NULL;
        const Carebus__V1__Reply *reply;
        const char *found = NULL;
        int r;

        if (asked->patient_id)
                return EXIT_DONE;
        identifier.system = asked->system;
        identifier.value = asked->value;
        ask.identifier = &identifier;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_IDENTITY_SHOW;
        request.identity_show = &ask;
        r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_IDENTITY)
                r = client_say(CLIENT_E_BAD_REPLY, "query");
        for (size_t i = 0; r == 0 && i < reply->identity->n_persons; i++) {
                const Carebus__V1__Person *person = reply->identity->persons[i];

                if (person->merged_into)
                        continue;
                if (found && !text_equal(found, person->patient_id)) {
                        error_print(PROGRAM, "several people have this number: ask by patient id, see carebusctl find");
                        return EXIT_NO;
                }
                found = person->patient_id;
        }
        if (r == 0 && found)
                asked->patient_id = strdup(found);
        return r != 0 ? r : asked->patient_id ? EXIT_DONE : EXIT_NO;
}

/* ---- what is said ----------------------------------------------------------------------------------------------------------- */

static void print_asker(const char *team, const char *who, const char *system, const char *peer) {
        if (team)
                printf("team %s", team);
        else
                printf("an operator");
        if (who)
                printf(", for %s", who);
        if (system)
                printf(" in %s", system);
        if (peer)
                printf(" (%s)", peer);
}

static void print_item(const Carebus__V1__DisclosedItem *item, const char *rule, bool by_rights) {
        if (item->correction)
                printf("; that what it was given is withdrawn, by event %" PRIu64 ".%" PRIu32, item->seq, item->index);
        else if (item->record)
                printf("; the record as of %" PRIu64, item->seq);
        else if (item->has_seq)
                printf("; event %" PRIu64 ".%" PRIu32, item->seq, item->index);
        else
                printf("; that this person is known");
        if (item->part)
                printf(" in part");
        if (!by_rights)
                return;
        if (item->rule == 0 && !item->record) /* the facts of a record go by many rules, and by its own word too */
                printf(", its own word");
        else if (item->rule == 0)
                printf(", by the rule of each of its facts");
        else if (rule && rule[0])
                printf(", by rule %s", rule);
        else
                printf(", by rule %" PRIu32 " of the settings of %" PRIu64, item->rule, item->settings);
        if (item->relationship)
                printf(" (%s)", item->relationship);
}

static void print_disclosure(const Carebus__V1__Disclosure *disclosure, const Carebus__V1__AuditLine *line) {
        print_asker(disclosure->team, disclosure->who, disclosure->system, disclosure->peer);
        printf(" was given, %s", audit_way_says(disclosure->way));
        if (disclosure->consumer)
                printf(" (%s)", disclosure->consumer);
        if (disclosure->purpose)
                printf(", for %s", disclosure->purpose);
        for (size_t i = 0; i < disclosure->n_items; i++)
                print_item(disclosure->items[i], i < line->n_rules ? line->rules[i] : NULL, disclosure->team != NULL);
}

static void print_refusal(const Carebus__V1__Refusal *refusal) {
        print_asker(refusal->team, refusal->who, refusal->system, refusal->peer);
        printf(" was refused: %s", refusal->code ? refusal->code : "?");
        if (refusal->count > 1)
                printf(", %" PRIu32 " times", refusal->count);
}

static const char *kind_says(int kind) {
        static const char *const says[] = {
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_LINK] = "that it is one with another",
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_UNLINK] = "that it is not one with another",
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_BREAK_GLASS] = "to break the glass",
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_ASSIGN] = "whose something is",
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_SETTLE] = "that a conflict is settled",
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_OPEN_CONTACT] = "to open a contact",
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_END_GRANT] = "to end a grant",
        };

        return kind > 0 && (size_t)kind < ELEMENTSOF(says) && says[kind] ? says[kind] : "something";
}

static void print_decision(const Carebus__V1__AuditedDecision *audited) {
        const Carebus__V1__JournalDecision *decision = audited->decision;

        printf("%s decided %s",
               decision && decision->who_says ? decision->who_says
               : decision && decision->who    ? decision->who
                                              : "somebody",
               kind_says(decision ? (int)decision->kind : 0));
        if (decision && decision->team)
                printf(" for team %s", decision->team);
        if (decision && decision->reason)
                printf(", %s", decision->reason);
        if (audited->refused)
                printf(", and was refused: %s", audited->refused);
        printf("; entry %" PRIu64, audited->seq);
}

static int print_line(const Context *context, const Carebus__V1__AuditLine *line) {
        const Carebus__V1__AuditRecord *record = line->record;
        char at[MOMENT_TEXT_SIZE];

        if (context->json)
                return command_print_line(json_line(&line->base));
        if (!record)
                return EXIT_DONE;
        command_moment(context, record->at, at);
        printf("%s  ", at);
        if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE)
                print_disclosure(record->disclosure, line);
        else if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_REFUSAL)
                print_refusal(record->refusal);
        else if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DECISION)
                print_decision(record->decision);
        printf("  [%" PRIu64 "]\n", record->number);
        return EXIT_DONE;
}

/* On stderr: what is on stdout is lines of the audit, for scripts too. */
static void say_beginning(const Context *context, int64_t begins_at) {
        char at[MOMENT_TEXT_SIZE];

        command_moment(context, begins_at, at);
        fprintf(stderr,
                PROGRAM ": what was given up to %s is not in the audit any more: it was kept as long as "
                        "`retention.audit` says\n",
                at);
}

/* ---- page by page -------------------------------------------------------------------------------------------------------------- */

/* *ret_begins_at: what was given up to then is not in the audit any more; 0: all of it is. */
static int ask_pages(const Context *context, const Config *config, Carebus__V1__AuditWhoRequest *ask,
                     uint64_t *ret_lines, int64_t *ret_begins_at) {
        for (;;) {
                Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
                _cleanup_(client_freep) Client *client = NULL;
                const Carebus__V1__Reply *reply;
                int r;

                request.command_case = CAREBUS__V1__REQUEST__COMMAND_AUDIT_WHO;
                request.audit_who = ask;
                r = client_ask_or_say(config, "query", &request, &client, &reply);
                if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_AUDIT_WHO)
                        r = client_say(CLIENT_E_BAD_REPLY, "query");
                for (size_t i = 0; r == 0 && i < reply->audit_who->n_lines; i++, (*ret_lines)++)
                        r = print_line(context, reply->audit_who->lines[i]);
                if (r == 0)
                        *ret_begins_at = reply->audit_who->begins_at;
                if (r != 0 || !reply->audit_who->has_next_after_number)
                        return r;
                ask->has_after_number = true;
                ask->after_number = reply->audit_who->next_after_number;
        }
}

int audit_who_command(const Context *context, int argc, char **argv) {
        Carebus__V1__AuditWhoRequest ask = CAREBUS__V1__AUDIT_WHO_REQUEST__INIT;
        _cleanup_(asked_deinit) Asked asked = { .copy = NULL };
        _cleanup_(config_unrefp) Config *config = NULL;
        uint64_t lines = 0;
        int64_t begins_at = 0;
        int r = parse(argc, argv, &asked);

        if (r == EXIT_DONE)
                r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        if ((asked.from && audit_moment(asked.from, *context->zone, &ask.from_at) < 0) ||
            (asked.until && audit_moment(asked.until, *context->zone, &ask.until_at) < 0))
                return audit_wrong_use("who", "a time is like 2026-03-01 or 2026-03-01T08:30");
        r = find_person(config, &asked);
        if (r != EXIT_DONE)
                return r;
        ask.patient_id = asked.patient_id;
        ask.has_from_at = asked.from != NULL;
        ask.has_until_at = asked.until != NULL;
        ask.has_limit = true;
        ask.limit = PAGE;
        r = ask_pages(context, config, &ask, &lines, &begins_at);
        if (r != EXIT_DONE)
                return r;
        if (lines == 0 && !context->json)
                puts("nobody was given anything of this person in that time");
        if (begins_at > ask.from_at)
                say_beginning(context, begins_at);
        return EXIT_DONE;
}
