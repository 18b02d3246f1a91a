/*
 * carebusctl identity: who may be whom, and what a person makes of it. What is said of people goes to stdout alone; an identifier that
 * was typed is taken out of the list of processes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/decided.h"
#include "ctl/identity-show.h"
#include "proto/json.h"
#include "proto/validate.h"

#define PAGE 500

typedef struct Options {
        bool all, urgent;
        char *source, *who, *why, *review_id;
        char *patient_ids[2];
        size_t n_patient_ids;
        char **event_ids;
        size_t n_event_ids;
        char *system, *value; /* of an identifier */
} Options;

static const struct {
        const char *word, *usage;
} words[] = {
        { "review", "identity review [--all] [--urgent] [--source NAME]" },
        { "show", "identity show REVIEW|PATIENT-ID|NUMBER|SYSTEM'|'VALUE" },
        { "link", "identity link REVIEW [PATIENT-ID] | link PATIENT-ID PATIENT-ID, with --who NAME --why TEXT" },
        { "unlink", "identity unlink REVIEW [PATIENT-ID] | unlink PATIENT-ID PATIENT-ID, with --who NAME --why TEXT" },
        { "assign", "identity assign REVIEW PATIENT-ID [EVENT...] --who NAME --why TEXT" },
};

static const char *usage_of(const char *word) {
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (text_equal(words[i].word, word))
                        return words[i].usage;
        return NULL;
}

/* SYSTEM|VALUE, or a value alone; a copy, since what stands in argv is seen by others. */
static bool take_identifier(char *word, Options *ret) {
        char *copy = ret->value ? NULL : strdup(word), *bar;

        if (!copy)
                return false;
        memset(word, '.', strlen(word));
        bar = strrchr(copy, '|');
        ret->system = copy;
        ret->value = copy;
        if (bar) {
                *bar = '\0';
                ret->value = bar + 1;
        }
        return ret->value[0] != '\0';
}

static bool take_id(char *word, Options *ret) {
        if (!ret->review_id && review_id_is_valid(word)) {
                ret->review_id = word;
                return true;
        }
        if (ret->n_patient_ids < ELEMENTSOF(ret->patient_ids) && patient_id_is_valid(word)) {
                ret->patient_ids[ret->n_patient_ids++] = word;
                return true;
        }
        if (event_id_is_valid(word)) {
                ret->event_ids[ret->n_event_ids++] = word;
                return true;
        }
        return false;
}

/* What was typed is not said back: it may be somebody's number. */
static const char *word_fault(const char *word, bool wants_value) {
        if (wants_value)
                return "an option wants a value";
        if (word[0] == '-')
                return "unknown option";
        return "one word is no id, or one too many: a review is like r12.1, a person like p12.0, an event like 12.0";
}

static int parse(int argc, char **argv, Options *ret) {
        const struct {
                const char *name;
                char **value;
        } options[] = { { "--source", &ret->source }, { "--who", &ret->who }, { "--why", &ret->why } };
        const bool shows = text_equal(argv[1], "show");

        for (int i = 2; i < argc; i++) {
                char **value = NULL;

                for (size_t j = 0; j < ELEMENTSOF(options); j++)
                        if (text_equal(argv[i], options[j].name))
                                value = options[j].value;
                if (value && i + 1 < argc)
                        *value = argv[++i];
                else if (text_equal(argv[i], "--all"))
                        ret->all = true;
                else if (text_equal(argv[i], "--urgent"))
                        ret->urgent = true;
                else if (!take_id(argv[i], ret) && (!shows || argv[i][0] == '-' || !take_identifier(argv[i], ret)))
                        return command_wrong_use_of(usage_of(argv[1]), word_fault(argv[i], value != NULL));
        }
        return EXIT_DONE;
}

/* ---- review ---- */

typedef struct Reviews {
        Carebus__V1__Review **items; /* in the replies of their clients */
        size_t n_items;
        Client **clients;
        size_t n_clients;
        uint64_t open, urgent, overdue;
} Reviews;

static void reviews_deinit(Reviews *reviews) {
        for (size_t i = 0; i < reviews->n_clients; i++)
                client_free(reviews->clients[i]);
        free(reviews->clients);
        free(reviews->items);
}

static int reviews_keep(Reviews *reviews, Client *client, const Carebus__V1__ReviewListReply *page) {
        Client **clients = reallocarray(reviews->clients, reviews->n_clients + 1, sizeof(*clients));
        Carebus__V1__Review **items;

        if (!clients) {
                client_free(client);
                return EXIT_SOFTWARE;
        }
        reviews->clients = clients;
        clients[reviews->n_clients++] = client;
        items = reallocarray(reviews->items, reviews->n_items + page->n_reviews + 1, sizeof(*items));
        if (!items)
                return EXIT_SOFTWARE;
        reviews->items = items;
        for (size_t i = 0; i < page->n_reviews; i++)
                items[reviews->n_items++] = page->reviews[i];
        reviews->open = page->open;
        reviews->urgent = page->urgent;
        reviews->overdue = page->overdue;
        return EXIT_DONE;
}

static int reviews_ask(const Config *config, const Options *options, Reviews *ret) {
        const char *after = NULL;

        for (;;) {
                _cleanup_(client_freep) Client *client = NULL;
                Carebus__V1__ReviewListRequest ask = CAREBUS__V1__REVIEW_LIST_REQUEST__INIT;
                Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
                const Carebus__V1__Reply *reply;
                int r;

                ask.has_all = ask.has_limit = ask.has_urgent = true;
                ask.all = options->all;
                ask.urgent = options->urgent;
                ask.limit = PAGE;
                ask.source = options->source;
                ask.after_id = (char *)after;
                request.command_case = CAREBUS__V1__REQUEST__COMMAND_REVIEW_LIST;
                request.review_list = &ask;
                r = client_ask_or_say(config, "query", &request, &client, &reply);
                if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_REVIEW_LIST)
                        r = client_say(CLIENT_E_BAD_REPLY, "query");
                if (r != 0)
                        return r;
                after = reply->review_list->next_after_id;
                r = reviews_keep(ret, TAKE_PTR(client), reply->review_list);
                if (r != 0 || !after)
                        return r;
        }
}

/* What alarms first, then what is urgent, then the oldest. */
static int by_need(const void *a, const void *b) {
        const Carebus__V1__Review *x = *(Carebus__V1__Review *const *)a, *y = *(Carebus__V1__Review *const *)b;
        const int need_x = x->overdue ? 2 : text_equal(x->class_, "urgent"),
                  need_y = y->overdue ? 2 : text_equal(y->class_, "urgent");

        if (need_x != need_y)
                return need_y - need_x;
        return x->opened_at < y->opened_at ? -1 : x->opened_at > y->opened_at;
}

static int review(const Context *context, const Config *config, const Options *options) {
        _cleanup_(reviews_deinit) Reviews reviews = { 0 };
        int r = reviews_ask(config, options, &reviews);

        if (r != EXIT_DONE)
                return r;
        if (reviews.n_items > 1)
                qsort(reviews.items, reviews.n_items, sizeof(*reviews.items), by_need);
        if (!context->json && reviews.n_items > 0)
                identity_show_heading();
        for (size_t i = 0; r == EXIT_DONE && i < reviews.n_items; i++) {
                if (context->json)
                        r = command_print_line(json_line(&reviews.items[i]->base));
                else
                        identity_show_line(reviews.items[i], clock_now_at(&clock_system));
        }
        if (r == EXIT_DONE && !context->json) {
                if (reviews.n_items < reviews.open)
                        printf("%zu listed; ", reviews.n_items);
                printf("%" PRIu64 " open, %" PRIu64 " urgent, %" PRIu64 " overdue%s\n", reviews.open, reviews.urgent,
                       reviews.overdue, reviews.n_items > 0 ? "; see carebusctl identity show REVIEW" : "");
        }
        return r;
}

/* ---- show ---- */

static int show(const Context *context, const Config *config, const Options *options) {
        Carebus__V1__IdentityShowRequest ask = CAREBUS__V1__IDENTITY_SHOW_REQUEST__INIT;
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(client_freep) Client *client = NULL;
        const Carebus__V1__Reply *reply;
        int r;

        ask.review_id = options->review_id;
        ask.patient_id = options->n_patient_ids ? options->patient_ids[0] : NULL;
        if (options->value) {
                identifier.system = options->system != options->value ? options->system : NULL;
                identifier.value = options->value;
                ask.identifier = &identifier;
        }
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_IDENTITY_SHOW;
        request.identity_show = &ask;
        r = client_ask_or_say(config, "query", &request, &client, &reply);
        if (r == 0 && reply->answer_case != CAREBUS__V1__REPLY__ANSWER_IDENTITY)
                r = client_say(CLIENT_E_BAD_REPLY, "query");
        if (r != 0)
                return r;
        if (context->json)
                return command_print_line(json_line(&reply->identity->base));
        return identity_show(reply->identity, clock_now_at(&clock_system));
}

/* ---- link, unlink, assign ---- */

static const struct Verb {
        const char *word;
        Carebus__V1__IdentityDecideRequest__What what;
        const char *done;
} verbs[] = {
        { "link", CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_LINK,
          "they are one person now; taken back by `carebusctl identity unlink` with both patient ids" },
        { "unlink", CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_UNLINK,
          "they are two persons; taken back by `carebusctl identity link` with both patient ids" },
        { "assign", CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_ASSIGN, "assigned" },
};

static int decide(const Context *context, const Config *config, const struct Verb *verb, const Options *options) {
        Carebus__V1__IdentityDecideRequest decide = CAREBUS__V1__IDENTITY_DECIDE_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;

        decide.has_what = true;
        decide.what = verb->what;
        decide.review_id = options->review_id;
        decide.patient_ids = (char **)options->patient_ids;
        decide.n_patient_ids = options->n_patient_ids;
        decide.event_ids = options->event_ids;
        decide.n_event_ids = options->n_event_ids;
        decide.who = options->who;
        decide.why = options->why;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_IDENTITY_DECIDE;
        request.identity_decide = &decide;
        return decided_ask(context, config, &request, verb->done);
}

/* What is wrong with the words of a decision; NULL: nothing. */
static const char *decision_fault(const struct Verb *verb, const Options *options) {
        const bool assigns = verb->what == CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_ASSIGN;

        if (assigns && (!options->review_id || options->n_patient_ids != 1))
                return "say which review and whose it is: assign REVIEW PATIENT";
        if (!options->review_id && options->n_patient_ids != 2)
                return "say a review, or two patient ids";
        if (!options->who || !options->why)
                return "it is kept for ever who decided this and why: say --who NAME --why TEXT";
        return !assigns && options->n_event_ids > 0 ? "events are named to assign alone" : NULL;
}

static int run(const Context *context, const char *word, const Options *options) {
        _cleanup_(config_unrefp) Config *config = NULL;
        const struct Verb *verb = NULL;
        const char *fault = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (text_equal(verbs[i].word, word))
                        verb = &verbs[i];
        if (verb)
                fault = decision_fault(verb, options);
        else if (text_equal(word, "show") && !options->review_id && !options->n_patient_ids && !options->value)
                fault = "say a review, a patient id or a number";
        if (fault)
                return command_wrong_use_of(usage_of(word), fault);
        r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        if (verb)
                return decide(context, config, verb, options);
        return text_equal(word, "show") ? show(context, config, options) : review(context, config, options);
}

int command_identity(const Context *context, int argc, char **argv) {
        _cleanup_(freep) char **event_ids = calloc((size_t)argc + 1, sizeof(*event_ids));
        Options options = { .event_ids = event_ids };
        const char *word = argc > 1 ? argv[1] : "";
        int r;

        if (!event_ids)
                return EXIT_SOFTWARE;
        if (!usage_of(word))
                return command_wrong_use(argv[0], "say review, show, link, unlink or assign");
        r = parse(argc, argv, &options);
        if (r == EXIT_DONE)
                r = run(context, word, &options);
        free(options.system); /* the value lies behind it */
        return r;
}
