#include "adapters/fhir/facade.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "adapters/common/listen.h"
#include "adapters/fhir/facade-tokens.h"
#include "adapters/fhir/http.h"
#include "adapters/fhir/json-write.h"
#include "adapters/fhir/listener.h"
#include "adapters/fhir/summary.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/service.h"
#include "base/sha256.h"
#include "base/text.h"
#include "canon/identifier.h"
#include "canon/when.h"

#define PROGRAM "carebus-fhir"
#define REQUEST_MAX 4096 /* a GET has no body: what comes all the same is small */
#define CONNECTIONS_MAX 64
#define INSIDE_WITHIN (30 * USEC_PER_SEC)
#define WHO_SIZE_MAX 128
#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
#define ENTRIES_MAX 20000

struct Facade {
        const Config *config;
        const ConfigDestination *is;
        FhirWriter *writer;
        Asker *asker;
        FacadeTokens *tokens;
        ConfigSource door; /* what a listener goes by: certificate, limits */
        Listener *listener;
        LoopSource *watching, *preparing, *waking, *ticking;
        FhirWritten *list;
        int socket;
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

/* ---- who may ask ---- */

static bool is_name_of_somebody(const char *who) {
        size_t size = who ? strlen(who) : 0;

        if (size == 0 || size > WHO_SIZE_MAX || !utf8_is_valid(who, size))
                return false;
        for (; *who; who++)
                if ((unsigned char)*who < ' ' || *who == 0x7f)
                        return false;
        return true;
}

static bool is_metadata(const char *path) {
        return text_equal(path, "/metadata");
}

/* 0 goes on; else the answer is there. */
static int check_caller(Facade *facade, const HttpHead *head, Answer *refusal) {
        FacadeCaller *caller = facade_tokens_find(facade->tokens, head->authorization);
        unsigned seconds = 0;

        if (!caller) {
                answer_refuse(refusal, 401, "login", "Show a bearer token of this facade.");
                refusal->wants_bearer = true;
                return 1;
        }
        if (!facade_caller_take(caller, now(), &seconds)) {
                answer_refuse(refusal, 429, "throttled", "Too many requests with this token: come again later.");
                refusal->retry_after = seconds;
                return 1;
        }
        if (!is_name_of_somebody(head->who)) {
                answer_refuse(refusal, 403, "security",
                              "who: say who looks, in the header X-Carebus-Who, as your system knows them: it is "
                              "written down.");
                return 1;
        }
        return 0;
}

static int on_begin(void *owner, const HttpHead *head, Answer *refusal) {
        if (!text_equal(head->method, "GET") && !text_equal(head->method, "HEAD")) {
                answer_refuse(refusal, 405, "not-supported", "This facade is for reading: GET.");
                refusal->allow = "GET, HEAD";
                return 1;
        }
        if (is_metadata(head->path))
                return 0;
        return check_caller(owner, head, refusal);
}

/* ---- answers ---- */

static void refuse_nobody(Answer *answer) {
        answer_refuse(answer, 404, "not-found", "There is nothing of this name for you here.");
}

/* The same content has the same tag; who has it is told so. */
static void tag(Answer *answer, const HttpHead *head) {
        uint8_t hash[SHA256_SIZE];
        char said[ANSWER_NAME_MAX + 1];

        if (answer->status != 200 || answer->body.error)
                return;
        sha256(answer->body.data, answer->body.size, hash);
        hex_encode(hash, 16, answer->version);
        if (head->if_none_match && etag_read(head->if_none_match, said) && strcmp(said, answer->version) == 0) {
                answer->status = 304;
                buffer_clear(&answer->body);
        }
}

static void answer_failure(int r, Answer *answer) {
        switch (r) {
        case ASKER_E_NOBODY:
                refuse_nobody(answer);
                break;
        case ASKER_E_REFUSED:
                answer_refuse(answer, 403, "forbidden", "The bus does not let this team ask so. See carebusctl audit.");
                break;
        default:
                answer_refuse(answer, 503, "transient", "The bus does not answer now: ask again.");
                answer->retry_after = 5;
        }
}

static void metadata_write(Facade *facade, Answer *answer) {
        Buffer *out = &answer->body;

        answer->status = 200;
        buffer_append_text(out, "{\"resourceType\":\"CapabilityStatement\",\"status\":\"active\",\"date\":\"2026-01-"
                                "01\",\"kind\":\"instance\",\"software\":{\"name\":"
                                "\"carebus-fhir\"},\"implementation\":{\"description\":");
        json_write_text(out, facade->is->name);
        buffer_append_text(
                out, "},\"fhirVersion\":\"4.0.1\",\"format\":[\"application/"
                     "fhir+json\"],\"rest\":[{\"mode\":\"server\",\"documentation\":"
                     "\"Read only. Each request has a bearer token and says in X-Carebus-Who which person looks.\","
                     "\"resource\":[{\"type\":\"Binary\",\"interaction\":[{\"code\":\"read\"}]},"
                     "{\"type\":\"Patient\",\"interaction\":[{\"code\":\"read\"},{\"code\":\"search-type\"}],"
                     "\"searchParam\":[{\"name\":\"identifier\",\"type\":\"token\"}],\"operation\":["
                     "{\"name\":\"everything\",\"definition\":\"http://hl7.org/fhir/OperationDefinition/"
                     "Patient-everything\"},"
                     "{\"name\":\"summary\",\"definition\":\"http://hl7.org/fhir/uv/ips/OperationDefinition/"
                     "summary\"}]}]}]}");
}

/* ---- what is asked ---- */

typedef struct Asked {
        Facade *facade;
        const HttpHead *head;
        AskerFor who;
        const Carebus__V1__Record *record;
        Answer *answer;
} Asked;

static void put_resource(Buffer *out, const FhirWritten *written) {
        buffer_append_text(out, "{\"fullUrl\":");
        buffer_append_format(out, "\"urn:carebus:%s/%s\",\"resource\":", written->type, written->id);
        json_write(out, written->node, NULL);
        buffer_append_text(out, ",\"search\":{\"mode\":\"match\"}}");
}

static void answer_patient(const Asked *asked) {
        FhirWritten written;
        int r = fhir_write_person(asked->facade->writer, asked->record, &written);

        if (r != 0) {
                answer_refuse(asked->answer, 500, "exception", "This person cannot be written as FHIR.");
                return;
        }
        asked->answer->status = 200;
        json_write(&asked->answer->body, written.node, NULL);
}

static uint64_t number_of(const char *text, uint64_t otherwise, uint64_t max) {
        uint64_t value;

        return text && text_to_u64(text, &value) == 0 ? MIN(value, max) : otherwise;
}

/* As it was asked: only a moment gets here. */
static void put_since(Buffer *out, const char *since) {
        buffer_append_text(out, "&_since=");
        for (; *since; since++)
                buffer_append_format(out, strchr("+: ", *since) ? "%%%02X" : "%c", (unsigned char)*since);
}

static void put_link(Buffer *out, bool is_first, const char *relation, const Asked *asked, uint64_t page,
                     uint64_t count) {
        buffer_append_format(out, "%s{\"relation\":\"%s\",\"url\":\"%s?_count=%llu&_page=%llu", is_first ? "" : ",",
                             relation, asked->head->path + 1, (unsigned long long)count, (unsigned long long)page);
        if (asked->head->since)
                put_since(out, asked->head->since);
        buffer_append_text(out, "\"}");
}

/* What was changed from a moment on: as FHIR writes it, a time with its zone. INT64_MIN: all. */
static bool since_of(const char *text, int64_t *ret) {
        Moment moment = { .utc_at = INT64_MIN };

        if (text && (strlen(text) < 4 || (text[4] != '\0' && text[4] != '-') || moment_read(text, NULL, &moment) != 0 ||
                     (strchr(text, 'T') && moment.zone_assumed)))
                return false;
        *ret = moment.utc_at;
        return true;
}

static void answer_everything(const Asked *asked) {
        Facade *facade = asked->facade;
        uint64_t count = number_of(asked->head->count, PAGE_DEFAULT, PAGE_MAX),
                 page = number_of(asked->head->page, 0, ENTRIES_MAX);
        Buffer *out = &asked->answer->body;
        size_t n = 0, from, until;
        int64_t since;

        count = MAX(count, UINT64_C(1));
        if (!since_of(asked->head->since, &since)) {
                answer_refuse(asked->answer, 400, "value",
                              "_since: a moment with its zone (2026-11-22T07:00:00Z), or a date.");
                return;
        }
        if (everything_write(facade->writer, asked->record, since, facade->list, ENTRIES_MAX, &n) < 0) {
                answer_refuse(asked->answer, 500, "exception", "This record cannot be written as FHIR.");
                return;
        }
        from = MIN(page * count, (uint64_t)n);
        until = MIN(from + count, (uint64_t)n);
        asked->answer->status = 200;
        buffer_append_format(out, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":%zu,\"link\":[", n);
        put_link(out, true, "self", asked, page, count);
        if (until < n)
                put_link(out, false, "next", asked, page + 1, count);
        buffer_append_text(out, "]");
        for (size_t i = from; i < until; i++) {
                buffer_append_text(out, i == from ? ",\"entry\":[" : ",");
                put_resource(out, &facade->list[i]);
        }
        /* On every page: what is not there is not there for several reasons, and none of them is that there is nothing. */
        buffer_append_text(out, until > from ? ",{\"resource\":" : ",\"entry\":[{\"resource\":");
        if (states_write(facade->writer, asked->record, out) < 0)
                out->error = out->error ?: -ENOMEM;
        buffer_append_text(out, ",\"search\":{\"mode\":\"outcome\"}}]}");
}

static void answer_summary(const Asked *asked) {
        const Carebus__V1__Record *record = asked->record;
        int64_t at = record->has_as_at ? record->as_at : 0;
        CivilTime civil = civil_from_utc(at);
        char identifier[96], timestamp[40];

        snprintf(identifier, sizeof(identifier), "%.40s@%llu", record->patient_id, (unsigned long long)record->seq);
        snprintf(timestamp, sizeof(timestamp), "%04d-%02d-%02dT%02d:%02d:%02dZ", civil.year, civil.month, civil.day,
                 civil.hour, civil.minute, civil.second);
        if (summary_write(asked->facade->writer, record, identifier, timestamp, &asked->answer->body) != 0) {
                buffer_deinit(&asked->answer->body);
                answer_refuse(asked->answer, 500, "exception", "This record cannot be written as FHIR.");
                return;
        }
        asked->answer->status = 200;
}

/* /Patient/ID and what may stand behind it. */
static const struct {
        const char *tail;
        void (*answer)(const Asked *asked);
        bool takes_pages;
} routes[] = { { "", answer_patient, false },
               { "/$everything", answer_everything, true },
               { "/$summary", answer_summary, false } };

static void answer_person(Asked *asked, const char *rest) {
        Carebus__V1__RecordRequest request = CAREBUS__V1__RECORD_REQUEST__INIT;
        size_t size = strcspn(rest, "/"), row = 0;
        char id[ANSWER_NAME_MAX + 1];
        const char *patient_id;
        int r;

        while (row < ELEMENTSOF(routes) && strcmp(routes[row].tail, rest + size) != 0)
                row++;
        snprintf(id, sizeof(id), "%.*s", (int)MIN(size, (size_t)ANSWER_NAME_MAX), rest);
        patient_id = size <= ANSWER_NAME_MAX ? fhir_patient_of_id(asked->facade->writer, id) : NULL;
        if (row == ELEMENTSOF(routes) || !patient_id) {
                refuse_nobody(asked->answer);
                return;
        }
        if (asked->head->has_other_search || asked->head->identifier ||
            (!routes[row].takes_pages && asked->head->has_search)) {
                answer_refuse(asked->answer, 400, "not-supported", "This facade does not take that parameter.");
                return;
        }
        request.patient_id = (char *)patient_id;
        r = asker_ask(asked->facade->asker, &asked->who, &request, &asked->record);
        if (r != 0)
                answer_failure(r, asked->answer);
        else
                routes[row].answer(asked);
}

/* /Binary/ID: what an event brought and the record names. It is asked for as the event itself would be, and so is the audit. */
static void answer_binary(Asked *asked, const char *id) {
        FhirWriter *writer = asked->facade->writer;
        const char *patient_id, *event_id;
        const Carebus__V1__Event *event;
        int r;

        if (strlen(id) > ANSWER_NAME_MAX || !id_is_valid(id) ||
            !fhir_binary_of_id(writer, id, &patient_id, &event_id)) {
                refuse_nobody(asked->answer);
                return;
        }
        if (asked->head->has_search) {
                answer_refuse(asked->answer, 400, "not-supported", "This facade does not take that parameter.");
                return;
        }
        r = asker_event(asked->facade->asker, &asked->who, patient_id, event_id, fhir_writer_arena(writer), &event);
        if (r == 0)
                r = fhir_write_binary(writer, event, id, &asked->answer->body) == 0 ? 0 : ASKER_E_NOBODY;
        if (r != 0)
                answer_failure(r, asked->answer);
        else
                asked->answer->status = 200;
}

/* One person or none: SYSTEM|VALUE, as it came decoded. */
static void answer_search(Asked *asked) {
        Carebus__V1__RecordRequest request = CAREBUS__V1__RECORD_REQUEST__INIT;
        Carebus__V1__Identifier number = CAREBUS__V1__IDENTIFIER__INIT;
        const char *said = asked->head->identifier, *bar = said ? strchr(said, '|') : NULL;
        _cleanup_(freep) char *system = bar ? strndup(said, (size_t)(bar - said)) : NULL;
        Buffer *out = &asked->answer->body;
        FhirWritten written;
        int r;

        if (!system || !system[0] || !bar[1] || asked->head->has_other_search || asked->head->since) {
                answer_refuse(asked->answer, 400, "not-supported",
                              "Ask for Patient?identifier=SYSTEM|VALUE, and nothing else.");
                return;
        }
        number.system = system;
        number.value = (char *)(bar + 1);
        request.identifier = &number;
        r = asker_ask(asked->facade->asker, &asked->who, &request, &asked->record);
        if (r == 0 && fhir_write_person(asked->facade->writer, asked->record, &written) != 0)
                r = ASKER_E_NOBODY;
        if (r != 0 && r != ASKER_E_NOBODY) {
                answer_failure(r, asked->answer);
                return;
        }
        asked->answer->status = 200;
        buffer_append_format(out, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":%d", r == 0);
        if (r == 0) {
                buffer_append_text(out, ",\"entry\":[");
                put_resource(out, &written);
                buffer_append_text(out, "]");
        }
        buffer_append_text(out, "}");
}

static void answer_make(Facade *facade, const HttpHead *head, Answer *answer) {
        FacadeCaller *caller = facade_tokens_find(facade->tokens, head->authorization);
        Asked asked = { .facade = facade,
                        .head = head,
                        .who = { head->who, caller ? facade_caller_system(caller) : NULL, "direct-care" },
                        .answer = answer };
        static const char patients[] = "/Patient/", binaries[] = "/Binary/";

        fhir_writer_reset(facade->writer);
        fhir_writer_offer_bytes(facade->writer, true);
        if (is_metadata(head->path))
                metadata_write(facade, answer);
        else if (strcmp(head->path, "/Patient") == 0)
                answer_search(&asked);
        else if (text_starts_with(head->path, patients))
                answer_person(&asked, head->path + sizeof(patients) - 1);
        else if (text_starts_with(head->path, binaries))
                answer_binary(&asked, head->path + sizeof(binaries) - 1);
        else
                refuse_nobody(answer);
        fhir_writer_offer_bytes(facade->writer, false);
        tag(answer, head);
}

static void on_message(void *owner, HttpExchange *exchange, const HttpHead *head, Bytes body) {
        Answer answer = { 0 };

        (void)body;
        answer_make(owner, head, &answer);
        if (answer.body.error) {
                buffer_deinit(&answer.body);
                answer_refuse(&answer, 503, "transient", "Too much is on its way: ask again.");
        }
        listener_answer(exchange, &answer);
}

/* ---- the listener ---- */

static void on_gone(void *owner, HttpExchange *exchange) {
        (void)owner;
        (void)exchange; /* each is answered at once */
}

static void on_refused(void *owner, const char *peer) {
        const Facade *facade = owner;

        log_event(LOG_CALLER_REFUSED, log_name("DESTINATION", facade->is->name), log_name("PEER", peer));
}

static void on_too_large(void *owner) {
        (void)owner;
}

static int on_io(LoopSource *source, int fd, uint32_t revents, void *owner) {
        (void)source;
        (void)fd;
        (void)revents;
        (void)owner;
        return 0;
}

static int on_wake(LoopSource *source, void *owner) {
        (void)source;
        (void)owner;
        return 0;
}

static int on_prepare(LoopSource *source, void *owner) {
        Facade *facade = owner;
        int timeout = listener_work(facade->listener);

        (void)source;
        return loop_timer_set(facade->waking, timeout < 0 ? -1 : (int64_t)timeout * USEC_PER_MSEC);
}

static int on_tick(LoopSource *source, void *owner) {
        Facade *facade = owner;

        listener_end_the_slow(facade->listener, now() - INSIDE_WITHIN);
        return loop_timer_set(source, USEC_PER_SEC);
}

Facade *facade_free(Facade *facade) {
        if (!facade)
                return NULL;
        loop_source_free(facade->watching);
        loop_source_free(facade->preparing);
        loop_source_free(facade->waking);
        loop_source_free(facade->ticking);
        listener_free(facade->listener);
        closep(&facade->socket);
        facade_tokens_free(facade->tokens);
        free(facade->list);
        free(facade);
        return NULL;
}

static int listener_open(Facade *facade) {
        const ListenerHost host = { .owner = facade,
                                    .begin = on_begin,
                                    .message = on_message,
                                    .gone = on_gone,
                                    .refused = on_refused,
                                    .tls_failed = on_refused,
                                    .timed_out = on_refused,
                                    .too_large = on_too_large };
        int r;

        facade->door = (ConfigSource){ .name = facade->is->name,
                                       .listen = facade->is->facade,
                                       .max_connections = CONNECTIONS_MAX,
                                       .max_message_bytes = REQUEST_MAX,
                                       .tls = facade->is->tls };
        r = listen_open(PROGRAM, facade->is->name, facade->is->facade, &facade->socket);
        if (r < 0)
                return r;
        r = listener_new(facade->socket, &facade->door, &host, &facade->listener);
        if (r == LISTENER_E_TLS) {
                error_print(PROGRAM,
                            "tls of destination %s cannot be used: certificate and key are PEM and belong together",
                            facade->is->name);
                return -EINVAL;
        }
        return r;
}

int facade_new(Loop *loop, const Config *config, size_t destination, FhirWriter *writer, Asker *asker, Facade **ret) {
        _cleanup_(facade_freep) Facade *facade = calloc(1, sizeof(*facade));
        int r;

        if (!facade)
                return -ENOMEM;
        facade->socket = -1;
        facade->config = config;
        facade->is = &config->destinations[destination];
        facade->writer = writer;
        facade->asker = asker;
        facade->list = calloc(ENTRIES_MAX, sizeof(*facade->list));
        if (!facade->list)
                return -ENOMEM;
        r = facade_tokens_read(facade->is->facade_token, &facade->tokens);
        if (r < 0) {
                error_print(PROGRAM,
                            "facade_token %s cannot be used (%s): a line `TOKEN SYSTEM` each, at least 16 characters, "
                            "and nobody else may "
                            "read the file",
                            facade->is->facade_token, strerror(-r));
                return r;
        }
        r = listener_open(facade);
        if (r == 0)
                r = loop_add_io(loop, listener_fd(facade->listener), EPOLLIN, on_io, facade, &facade->watching);
        if (r == 0)
                r = loop_add_timer(loop, -1, on_wake, facade, &facade->waking);
        if (r == 0)
                r = loop_add_timer(loop, USEC_PER_SEC, on_tick, facade, &facade->ticking);
        if (r == 0)
                r = loop_add_prepare(loop, on_prepare, facade, &facade->preparing);
        if (r < 0)
                return r;
        log_event(LOG_FACADE_LISTENS, log_name("DESTINATION", facade->is->name),
                  log_name("ADDRESS", facade->is->facade));
        *ret = TAKE_PTR(facade);
        return 0;
}
