#include "adapters/fhir/desk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/capability.h"
#include "adapters/fhir/desk-parts.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

/* A request's own tree, and what is answered; address space until it is used. */
#define ARENA_MAX (128ul << 20)
#define OVERDUE_RETRY_SECONDS 10

struct Desk {
        ListenerHost host;
        Courier *courier;
        Config *config;
        size_t source;
        const char *program;
        Tokens *tokens; /* NULL: a certificate, or the machine itself, says who speaks */
        char since[CIVIL_TEXT_SIZE];
        Work *works;
        size_t n_works;
};

static const ConfigSource *source_of(const Desk *desk) {
        return &desk->config->sources[desk->source];
}

/* ---- work ---- */

static Work *work_free(Work *work) {
        if (!work)
                return NULL;
        courier_forget(work->desk->courier, work);
        listener_set_work(work->exchange, NULL);
        if (work->previous)
                work->previous->next = work->next;
        else
                work->desk->works = work->next;
        if (work->next)
                work->next->previous = work->previous;
        work->desk->n_works--;
        arena_free(work->arena);
        free(work);
        return NULL;
}

static Work *work_new(Desk *desk, HttpExchange *exchange, const HttpHead *head, const Route *route) {
        Work *work = calloc(1, sizeof(*work));

        if (!work)
                return NULL;
        if (arena_new(&work->arena, ARENA_MAX) < 0) {
                free(work);
                return NULL;
        }
        work->desk = desk;
        work->courier = desk->courier;
        work->exchange = exchange;
        work->head = head;
        work->route = *route;
        work->since = clock_monotonic(&clock_system);
        work->next = desk->works;
        if (work->next)
                work->next->previous = work;
        desk->works = work;
        desk->n_works++;
        listener_set_work(exchange, work);
        return work;
}

static void count_answer(CourierCounts *counts, unsigned status) {
        if (status < 400)
                counts->accepted++;
        else if (status >= 500)
                counts->failed++;
        else
                counts->rejected++;
}

static void work_answer(Work *work, Answer *answer) {
        HttpExchange *exchange = work->exchange;

        count_answer(courier_counts(work->courier), answer->status);

        work_free(work);
        listener_answer(exchange, answer);
}

void work_finish(Work *work) {
        Answer answer = { 0 };

        reply_build(work, &answer);
        work_answer(work, &answer);
}

/* ---- requests ---- */

static void answer_metadata(Desk *desk, HttpExchange *exchange, const Route *route) {
        const ConfigSource *source = source_of(desk);
        const char *version = strrchr(desk->program, ' ');
        const CapabilityFacts facts = {
                .version = version ? version + 1 : desk->program,
                .source = source->name,
                .date = desk->since,
                .has_tls = source->tls.certificate != NULL,
                .wants_token = desk->tokens != NULL,
                .wants_certificate = source->tls.client_ca != NULL,
        };
        Answer answer = { .status = 200, .is_plain_json = route->is_plain_json };

        capability_write(&answer.body, &facts);
        listener_answer(exchange, &answer);
}

static void on_message(void *owner, HttpExchange *exchange, const HttpHead *head, Bytes body) {
        Desk *desk = owner;
        Answer answer = { 0 };
        Route route;
        Work *work;
        int r = route_request(head, &route, &answer);

        if (r == 0 && route.interaction == INTERACTION_METADATA) {
                answer_metadata(desk, exchange, &route);
                return;
        }
        if (r != 0) {
                listener_answer(exchange, &answer);
                return;
        }
        courier_counts(desk->courier)->received++;
        work = work_new(desk, exchange, head, &route);
        r = work ? work_run(work, body, &answer) : -ENOMEM;
        if (r < 0) {
                answer_deinit(&answer);
                answer = (Answer){ .retry_after = OVERDUE_RETRY_SECONDS };
                answer_refuse(&answer, 503, "transient", "There is too much to do: send it again later.");
        }
        answer.is_plain_json = route.is_plain_json;
        if (answer.status && work)
                work_answer(work, &answer);
        else if (answer.status) {
                count_answer(courier_counts(desk->courier), answer.status);
                listener_answer(exchange, &answer);
        } else if (work->n_waiting == 0)
                work_finish(work);
}

static bool is_open(const HttpHead *head) {
        Route route;
        Answer answer = { 0 };
        bool is_metadata = route_request(head, &route, &answer) == 0 && route.interaction == INTERACTION_METADATA;

        answer_deinit(&answer);
        return is_metadata;
}

static int on_begin(void *owner, const HttpHead *head, Answer *refusal_answer) {
        Desk *desk = owner;
        Route route;
        int r;

        if (desk->tokens && !is_open(head) && !tokens_match(desk->tokens, head->authorization)) {
                courier_counts(desk->courier)->not_authenticated++;
                log_event(LOG_SENDER_NOT_AUTHENTICATED, log_name("SOURCE", source_of(desk)->name));
                answer_refuse(refusal_answer, 401, "login",
                              "A bearer token of this source is needed: Authorization: Bearer ...");
                refusal_answer->wants_bearer = true;
                return 1;
        }
        r = route_request(head, &route, refusal_answer);
        if (r != 0 && head->has_body)
                courier_counts(desk->courier)->not_taken++;
        return r;
}

static void on_gone(void *owner, HttpExchange *exchange) {
        (void)owner;
        work_free(listener_work_of(exchange));
}

static void on_refused(void *owner, const char *peer) {
        const Desk *desk = owner;
        log_event(LOG_SENDER_REFUSED, log_name("SOURCE", source_of(desk)->name), log_name("PEER", peer));
}

static void on_tls_failed(void *owner, const char *peer) {
        const Desk *desk = owner;
        log_event(LOG_SENDER_TLS_FAILED, log_name("SOURCE", source_of(desk)->name), log_name("PEER", peer));
}

static void on_timed_out(void *owner, const char *peer) {
        const Desk *desk = owner;
        log_event(LOG_SENDER_TIMED_OUT, log_name("SOURCE", source_of(desk)->name), log_name("PEER", peer));
}

static void on_too_large(void *owner) {
        const Desk *desk = owner;
        courier_counts(desk->courier)->not_taken++;
}

/* ---- the object ---- */

Desk *desk_free(Desk *desk) {
        if (!desk)
                return NULL;
        while (desk->works)
                work_free(desk->works);
        tokens_free(desk->tokens);
        config_unref(desk->config);
        free(desk);
        return NULL;
}

int desk_configure(Desk *desk, const Config *config, size_t source, Tokens *tokens) {
        tokens_free(desk->tokens);
        config_unref(desk->config);
        desk->tokens = tokens;
        desk->config = config_ref(config);
        desk->source = source;
        civil_format(clock_now_at(&clock_system), desk->since);
        return 0;
}

int desk_new(Courier *courier, const Config *config, size_t source, const char *program, Desk **ret) {
        Desk *desk = calloc(1, sizeof(*desk));

        if (!desk)
                return -ENOMEM;
        desk->courier = courier;
        desk->program = program;
        desk->host = (ListenerHost){
                .owner = desk,
                .begin = on_begin,
                .message = on_message,
                .gone = on_gone,
                .refused = on_refused,
                .tls_failed = on_tls_failed,
                .timed_out = on_timed_out,
                .too_large = on_too_large,
        };
        *ret = desk;
        return desk_configure(desk, config, source, NULL);
}

const ListenerHost *desk_host(const Desk *desk) {
        return &desk->host;
}

size_t desk_expire(Desk *desk, int64_t before) {
        size_t n = 0;

        for (Work *work = desk->works, *next; work; work = next) {
                Answer answer = { .retry_after = OVERDUE_RETRY_SECONDS, .is_plain_json = work->route.is_plain_json };

                next = work->next;
                if (work->since >= before)
                        continue;
                n++;
                answer_refuse(
                        &answer, 503, "timeout",
                        "The bus has not answered in time: send it again later, as it is; nothing is doubled by that.");
                work_answer(work, &answer);
        }
        return n;
}

size_t desk_waiting(const Desk *desk) {
        return desk->n_works;
}
