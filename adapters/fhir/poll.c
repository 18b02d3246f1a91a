#include "adapters/fhir/poll.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "adapters/fhir/fetch.h"
#include "adapters/fhir/json-write.h"
#include "adapters/fhir/prepare.h"
#include "adapters/fhir/token.h"
#include "adapters/fhir/translate-rules.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "canon/when.h"

#define PAGE_COUNT 100
#define PAGES_MAX 10000 /* of one type in one round: a server that leads in circles is left */
#define ARENA_MAX (256ul << 20)
/* What a server commits late with an earlier time is still seen; what was seen is known. */
#define OVERLAP (10 * USEC_PER_SEC)
#define BACKOFF_FIRST (2 * USEC_PER_SEC)
#define BACKOFF_MOST (300 * USEC_PER_SEC)
#define DOUBLINGS_MAX 8
#define TYPES_MAX 64
#define NOWHERE INT64_MIN

typedef enum PollState {
        POLL_WAITING, /* until next_at */
        POLL_ASKING,  /* for a page */
        POLL_HANDING, /* a page to the bus */
} PollState;

struct Poll {
        Courier *courier;
        Config *config;
        const ConfigPoll *settings;
        Fetch *fetch;
        Arena *arena;   /* of a page */
        char place[17]; /* of the server, in the names of notes */
        const char *types[TYPES_MAX];
        bool is_not_served[TYPES_MAX];
        size_t n_types, type;
        PollState state;
        int64_t round_at, next_at;
        char *url; /* of the page */
        size_t n_pages;
        JsonNode *entry;  /* the next one to be handed in */
        const char *link; /* to the next page; NULL: it is the last */
        size_t n_on_way;
        uint32_t later_ms; /* the bus wants to be left alone for so long; 0: no */
        bool is_unsorted;
        bool is_history; /* the first time that this type is read */
        int64_t newest;  /* of all pages of this round; NOWHERE: none */
        unsigned n_failures;
        bool is_silent; /* said that it does not answer */
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

static const char *type_of(const Poll *poll) {
        return poll->types[poll->type];
}

/* ---- where it stands ---- */

static void note_name(const Poll *poll, char name[128]) {
        snprintf(name, 128, "poll/%s/%s", poll->place, type_of(poll));
}

/* "1764000000000000 first" while a type is read for the first time, then "1764000000000000"; "-" where nothing came yet. */
static void place_read(Poll *poll) {
        const char *text = NULL;
        uint64_t at = 0;
        char name[128], digits[24];

        note_name(poll, name);
        poll->newest = NOWHERE;
        poll->is_history = memory_note_get(courier_memory(poll->courier), name, poll->arena, &text) != 0;
        if (poll->is_history)
                return;
        poll->is_history = strstr(text, " first") != NULL;
        snprintf(digits, sizeof(digits), "%.*s", (int)strspn(text, "0123456789"), text);
        if (digits[0] && text_to_u64(digits, &at) == 0)
                poll->newest = (int64_t)at;
}

static void place_write(Poll *poll, bool is_first) {
        char name[128], text[64];

        note_name(poll, name);
        if (poll->newest == NOWHERE || poll->newest < 0)
                snprintf(text, sizeof(text), "-%s", is_first ? " first" : "");
        else
                snprintf(text, sizeof(text), "%lld%s", (long long)poll->newest, is_first ? " first" : "");
        /* What cannot be noted is read once more. */
        (void)memory_note_put(courier_memory(poll->courier), name, text);
}

/* ---- what is asked ---- */

static int first_url(Poll *poll) {
        char since[CIVIL_TEXT_SIZE] = "";
        const char *base = poll->settings->url;
        int size = (int)strlen(base);

        while (size > 0 && base[size - 1] == '/')
                size--;
        if (poll->newest != NOWHERE && poll->newest > OVERLAP)
                civil_format((poll->newest - OVERLAP) / USEC_PER_SEC * USEC_PER_SEC, since);
        free(TAKE_PTR(poll->url));
        return text_format(&poll->url, "%.*s/%s?%s%s%s_sort=_lastUpdated&_count=%d", size, base, type_of(poll),
                           since[0] ? "_lastUpdated=ge" : "", since, since[0] ? "&" : "", PAGE_COUNT);
}

static void token_freep(char **token) {
        token_erase(*token);
}

static int ask(Poll *poll) {
        _cleanup_(token_freep) char *token = NULL;
        FetchRequest request = { .url = poll->url, .authority = poll->settings->authority };
        int r = 0;

        /* Read each time: tokens are renewed beside us. */
        if (poll->settings->token)
                r = token_read_first(poll->settings->token, &token);
        if (r == 0) {
                request.token = token;
                r = fetch_begin(poll->fetch, &request);
        }
        if (r == 0)
                poll->state = POLL_ASKING;
        return r;
}

static int64_t backoff(unsigned n_failures) {
        int64_t delay = BACKOFF_FIRST << MIN(n_failures, (unsigned)DOUBLINGS_MAX);
        uint16_t chance = 0;

        delay = MIN(delay, (int64_t)BACKOFF_MOST);
        if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
                chance = UINT16_MAX / 2;
        /* Three to five quarters: those who lost the same server do not come back at the same moment. */
        return delay * 3 / 4 + delay / 2 * chance / UINT16_MAX;
}

static void wait_until(Poll *poll, int64_t at) {
        poll->state = POLL_WAITING;
        poll->next_at = at;
}

/* The type is asked for again from where it stands. */
static void fail(Poll *poll, const char *reason, unsigned status, int64_t retry_after) {
        int64_t delay = backoff(poll->n_failures++);

        if (!poll->is_silent)
                log_event(LOG_POLL_SILENT, log_name("SOURCE", courier_source(poll->courier)),
                          log_name("TYPE", type_of(poll)), log_name("REASON", reason), log_number("STATUS", status));
        poll->is_silent = true;
        if (retry_after > 0)
                delay = MIN(retry_after, (int64_t)86400) * USEC_PER_SEC;
        free(TAKE_PTR(poll->url));
        wait_until(poll, now() + delay);
}

static void answered(Poll *poll) {
        if (poll->is_silent)
                log_event(LOG_POLL_ANSWERS, log_name("SOURCE", courier_source(poll->courier)));
        poll->is_silent = false;
        poll->n_failures = 0;
}

static void begin_type(Poll *poll) {
        int r;

        arena_reset(poll->arena);
        place_read(poll);
        poll->is_unsorted = false;
        poll->n_pages = 0;
        r = first_url(poll);
        if (r == 0)
                r = ask(poll);
        if (r != 0)
                fail(poll, r > 0 ? "token" : "request", 0, 0);
}

static void next_type(Poll *poll) {
        free(TAKE_PTR(poll->url));
        poll->type++;
        if (poll->type < poll->n_types) {
                begin_type(poll);
                return;
        }
        poll->type = 0;
        wait_until(poll, MAX(poll->round_at + (int64_t)poll->settings->every * USEC_PER_SEC, now() + USEC_PER_SEC));
}

/* ---- a page ---- */

static const char *find_link(const JsonNode *root) {
        JSON_EACH(link, json_member(root, "link"))
                if (text_equal(json_said(link, "relation"), "next"))
                        return json_said(link, "url");
        return NULL;
}

static void page_read(Poll *poll, Bytes body) {
        static const JsonLimits limits = JSON_LIMITS_DEFAULT;
        JsonError error;
        JsonNode *root = NULL, *entries;
        int r;

        arena_reset(poll->arena);
        r = json_read(body, &limits, poll->arena, &root, &error);
        if (r != 0 || !text_equal(json_said(root, "resourceType"), "Bundle")) {
                fail(poll, r > 0 ? json_reason(r) : "no-bundle", 200, 0);
                return;
        }
        answered(poll);
        entries = json_member(root, "entry");
        poll->entry = entries && entries->kind == JSON_ARRAY ? entries->first : NULL;
        poll->link = find_link(root);
        poll->n_pages++;
        poll->later_ms = 0;
        poll->state = POLL_HANDING;
}

/* Not here, or not to be searched: said once, and the other types are asked for. */
static bool is_not_served(unsigned status) {
        return status == 400 || status == 404 || status == 405 || status == 410 || status == 501;
}

static void on_answer(Poll *poll, const FetchResult *result) {
        if (result->status == 200) {
                page_read(poll, result->body);
                return;
        }
        if (poll->n_pages > 0 || !is_not_served(result->status)) {
                fail(poll, result->failure ? result->failure : "http-status", result->status, result->retry_after);
                return;
        }
        answered(poll);
        if (!poll->is_not_served[poll->type])
                log_event(LOG_POLL_TYPE_NOT_SERVED, log_name("SOURCE", courier_source(poll->courier)),
                          log_name("TYPE", type_of(poll)), log_number("STATUS", result->status));
        poll->is_not_served[poll->type] = true;
        next_type(poll);
}

static void on_done(void *owner, size_t number, const CourierResult *result, const CourierVersion *versions,
                    size_t n_versions) {
        Poll *poll = owner;

        (void)number;
        (void)versions;
        (void)n_versions;
        poll->n_on_way--;
        if (result->result == CAREBUS_REFUSED_LATER)
                poll->later_ms = MAX(result->retry_after_ms, 1000u);
}

static void note_time(Poll *poll, const JsonNode *resource) {
        const char *text = json_said(json_peek(resource, "meta"), "lastUpdated");
        Moment moment;

        if (!text || moment_read(text, NULL, &moment) != 0) {
                poll->is_unsorted = true;
                return;
        }
        if (poll->newest != NOWHERE && moment.utc_at < poll->newest - OVERLAP - USEC_PER_SEC)
                poll->is_unsorted = true;
        poll->newest = MAX(poll->newest, moment.utc_at);
}

/* The overlap brings again what was stored: the same version with the same content. */
static bool is_known(Poll *poll, const JsonNode *resource, Bytes content) {
        const char *type = json_said(resource, "resourceType"), *id = json_said(resource, "id");
        uint8_t hash[SHA256_SIZE];
        MemoryRecord record;
        ArenaMark mark = arena_mark(poll->arena);
        bool is_same = false;

        sha256(content.data, content.size, hash);
        if (type && id && memory_find(courier_memory(poll->courier), type, id, poll->arena, &record) == 0)
                is_same = !record.is_deleted && memcmp(hash, record.content, SHA256_SIZE) == 0;
        arena_rewind(poll->arena, mark);
        return is_same;
}

static int submit(Poll *poll, Bytes message) {
        _cleanup_(buffer_deinit) Buffer remembered = BUFFER_NULL;
        CourierTask task = {
                .done = on_done,
                .owner = poll,
                .remembered = &remembered,
                .is_history = poll->is_history,
        };
        FhirResult result;
        int r = 0;

        if (courier_take(poll->courier, IN_HAND_PART, message) == IN_HAND_E_GIVEN_UP)
                courier_unread(poll->courier, message, &result);
        else
                r = courier_translate(poll->courier, message, NULL, &result);
        if (r < 0)
                return r;
        if (result.reading.ignored && !result.reading.problem_code) {
                courier_counts(poll->courier)->ignored++;
                return 0;
        }
        r = prepare_remembered(&result, NULL, &remembered, NULL, 0, &task.n_remembered);
        if (r == 0)
                r = courier_submit(poll->courier, &result, &task);
        poll->n_on_way += r == 0;
        return r;
}

/* 0, or -EAGAIN where it has to be tried again. */
static int hand_in(Poll *poll, const JsonNode *entry) {
        _cleanup_(buffer_deinit) Buffer message = BUFFER_NULL;
        const JsonNode *resource = json_peek(entry, "resource");
        const char *type = json_said(resource, "resourceType"), *mode = json_said(json_peek(entry, "search"), "mode");
        int r;

        if (!type || text_equal(type, "OperationOutcome") || text_equal(mode, "outcome"))
                return 0;
        json_write(&message, resource, NULL);
        if (message.error)
                return -EAGAIN;
        if (!is_known(poll, resource, buffer_bytes(&message))) {
                courier_counts(poll->courier)->received++;
                r = submit(poll, buffer_bytes(&message));
                courier_done(poll->courier, IN_HAND_PART);
                if (r == -EAGAIN || r == -ENOMEM)
                        return -EAGAIN;
                /* Larger than what the bus takes: it would be for ever. */
                if (r < 0)
                        courier_counts(poll->courier)->not_taken++;
        }
        if (!text_equal(mode, "include"))
                note_time(poll, resource);
        return 0;
}

static void page_end(Poll *poll) {
        char *next = NULL;
        int r;

        if (poll->later_ms > 0) {
                fail(poll, "bus-refuses-later", 0, (poll->later_ms + 999) / 1000);
                return;
        }
        /* In between only where the order of pages is the order of times: else what is behind the newest may be on the next page. */
        if (!poll->link || !poll->is_unsorted)
                place_write(poll, poll->link && poll->is_history);
        if (!poll->link) {
                next_type(poll);
                return;
        }
        r = poll->n_pages < PAGES_MAX ? fetch_follow(poll->url, poll->link, &next) : FETCH_E_ELSEWHERE;
        if (r == 0 && text_equal(next, poll->url)) {
                free(TAKE_PTR(next));
                r = FETCH_E_ELSEWHERE;
        }
        if (r != 0) {
                fail(poll, "next-page-leads-elsewhere", 0, 0);
                return;
        }
        free(poll->url);
        poll->url = next;
        if (ask(poll) != 0)
                fail(poll, "request", 0, 0);
}

static void hand_page(Poll *poll) {
        while (poll->entry && poll->later_ms == 0) {
                if (hand_in(poll, poll->entry) < 0)
                        return; /* receipts make room */
                poll->entry = poll->entry->next;
        }
        if (poll->n_on_way == 0)
                page_end(poll);
}

/* ---- the object ---- */

int poll_work(Poll *poll, int *ret_timeout) {
        FetchResult result;
        int r;

        if (poll->state == POLL_WAITING && poll->next_at <= now()) {
                if (poll->type == 0 && !poll->is_silent)
                        poll->round_at = now();
                begin_type(poll);
        }
        if (poll->state == POLL_ASKING) {
                r = fetch_work(poll->fetch, &result);
                if (r < 0)
                        return r;
                if (r == 0)
                        on_answer(poll, &result);
        }
        if (poll->state == POLL_HANDING)
                hand_page(poll);
        *ret_timeout = poll->state == POLL_ASKING    ? fetch_timeout(poll->fetch)
                       : poll->state == POLL_HANDING ? 1000
                                                     : -1;
        if (poll->state == POLL_WAITING)
                *ret_timeout = (int)MIN(MAX(poll->next_at - now(), (int64_t)0) / USEC_PER_MSEC + 1, (int64_t)60000);
        return 0;
}

int poll_fd(const Poll *poll) {
        return fetch_fd(poll->fetch);
}

Poll *poll_free(Poll *poll) {
        if (!poll)
                return NULL;
        courier_forget(poll->courier, poll);
        fetch_free(poll->fetch);
        arena_free(poll->arena);
        free(poll->url);
        config_unref(poll->config);
        free(poll);
        return NULL;
}

static void set_types(Poll *poll) {
        for (size_t i = 0; i < poll->settings->n_resources && poll->n_types < TYPES_MAX; i++)
                poll->types[poll->n_types++] = poll->settings->resources[i];
        if (poll->n_types > 0)
                return;
        for (size_t i = 0; i < n_fhir_rows && fhir_rows[i].type && poll->n_types < TYPES_MAX; i++)
                if (fhir_rows[i].translate)
                        poll->types[poll->n_types++] = fhir_rows[i].type;
}

int poll_new(Courier *courier, const Config *config, size_t source, Poll **ret) {
        _cleanup_(poll_freep) Poll *poll = calloc(1, sizeof(*poll));
        uint8_t hash[SHA256_SIZE];
        int r;

        if (!poll)
                return -ENOMEM;
        poll->courier = courier;
        poll->config = config_ref(config);
        poll->settings = &config->sources[source].poll;
        sha256(poll->settings->url, strlen(poll->settings->url), hash);
        hex_encode(hash, sizeof(poll->place) / 2, poll->place);
        set_types(poll);
        r = arena_new(&poll->arena, ARENA_MAX);
        if (r == 0)
                r = fetch_new(&poll->fetch);
        if (r < 0)
                return r;
        wait_until(poll, now());
        *ret = TAKE_PTR(poll);
        return 0;
}
