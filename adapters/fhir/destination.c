#include "adapters/fhir/destination.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "adapters/common/place.h"
#include "adapters/fhir/asker.h"
#include "adapters/fhir/conflict.h"
#include "adapters/fhir/facade.h"
#include "adapters/fhir/fetch.h"
#include "adapters/fhir/notification-count.h"
#include "adapters/fhir/token.h"
#include "adapters/fhir/verdict.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

#define RESOURCES_MAX 8192          /* in one Bundle: a record that begins */
#define RECORD_BYTES_MAX (4u << 20) /* of documents, in it */
#define ROUNDS_MAX 8
#define PERSONS_MAX 65536 /* of whom it is known that the receiver has them; beyond it that is found out anew */

typedef struct Delivering Delivering;

/* Where a receiver takes updates by version alone (conflict.h), an item goes through all three; else only the first. */
typedef enum LineStep { LINE_SENT, LINE_ASKED, LINE_SENT_AGAIN } LineStep;

/* One request on its way, at most one an item. */
typedef struct Line {
        Delivering *delivering;
        Fetch *fetch;
        LoopSource *watching;
        DestinationItem *item; /* NULL: it is free */
        LineStep step;
        Buffer post;     /* of the steps behind the first */
        Verdict verdict; /* on the first, where it was a conflict */
} Line;

struct Delivering {
        const Config *config;
        const ConfigDestination *is;
        Loop *loop;
        FhirWriter *writer;
        Asker *asker;
        Destination *destination;
        Facade *facade;
        Line *lines;
        size_t n_lines;
        LoopSource *preparing, *waking;
        EnvelopeForm form;
        NotificationCount *count; /* of notifications; NULL: another form */
        int64_t quiet_until;      /* monotonic: the receiver asked for it */
        char *url;
        uint64_t persons[PERSONS_MAX]; /* hashes of who was sent since this program began */
        FhirWritten *resources;
        size_t n_resources;
        bool is_full;
};

static int64_t now(void) {
        return clock_monotonic(&clock_system);
}

/* ---- what is sent */

static void add(Delivering *d, const FhirWritten *written) {
        for (size_t i = 0; i < d->n_resources; i++) /* one Bundle has a resource once: the last word counts */
                if (strcmp(d->resources[i].type, written->type) == 0 && strcmp(d->resources[i].id, written->id) == 0) {
                        d->resources[i] = *written;
                        return;
                }
        if (d->n_resources == RESOURCES_MAX)
                d->is_full = true;
        else
                d->resources[d->n_resources++] = *written;
}

static uint64_t person_hash(const char *patient_id) {
        uint64_t hash = 14695981039346656037u;

        for (; *patient_id; patient_id++)
                hash = (hash ^ (uint8_t)*patient_id) * 1099511628211u;
        return hash ? hash : 1;
}

static bool was_sent(const Delivering *d, const char *patient_id) {
        uint64_t hash = person_hash(patient_id);

        return d->persons[hash % PERSONS_MAX] == hash;
}

static void note_sent(Delivering *d, const char *patient_id) {
        uint64_t hash = person_hash(patient_id);

        d->persons[hash % PERSONS_MAX] = hash;
}

/* The whole person, as all sources together say: what is PUT takes the place of all that was there. */
static int add_person(Delivering *d, const Carebus__V1__Record *record) {
        FhirWritten written;
        int r = fhir_write_person(d->writer, record, &written);

        if (r == 0) {
                written.provenance = NULL;
                add(d, &written);
                note_sent(d, record->patient_id);
        }
        return r;
}

/* A record keeps no bytes: they are fetched from the event that brought them, until there is enough for one Bundle, or the bus does not
 * answer now. The others are told by size and hash. */
static const Carebus__V1__Fact *with_bytes(Delivering *d, const Carebus__V1__Record *record,
                                           const Carebus__V1__Fact *fact, Carebus__V1__Fact *room, uint64_t *left) {
        Arena *arena = fhir_writer_arena(d->writer);
        Carebus__V1__Document *document;
        const Carebus__V1__Event *event;
        int r;

        if (!fhir_has_bytes(fact) || fact->document->size > MIN(*left, (uint64_t)FHIR_CONTENT_MAX))
                return fact;
        r = asker_event(d->asker, NULL, record->patient_id, fact->event_id, arena, &event);
        if (r == ASKER_E_NOT_NOW)
                *left = 0;
        document = r == 0 ? arena_alloc(arena, sizeof(*document)) : NULL;
        if (!document || event->body_case != CAREBUS__V1__EVENT__BODY_DOCUMENT)
                return fact;
        *left -= fact->document->size;
        *document = *fact->document;
        document->has_content = event->document->has_content;
        document->content = event->document->content;
        document->content_text = event->document->content_text;
        *room = *fact;
        room->document = document;
        return room;
}

static int add_record(Delivering *d, const Carebus__V1__Record *record) {
        uint64_t left = RECORD_BYTES_MAX;
        int r = add_person(d, record);

        for (size_t i = 0; r == 0 && i < record->n_sections; i++)
                for (size_t k = 0; r == 0 && k < record->sections[i]->n_facts; k++) {
                        const Carebus__V1__Fact *fact = record->sections[i]->facts[k];
                        Carebus__V1__Fact room;
                        FhirWritten written;

                        if (destination_is_own(d->config, d->is, fact->source))
                                continue;
                        fact = with_bytes(d, record, fact, &room, &left);
                        r = fhir_write_fact(d->writer, record, record->sections[i]->name, fact, &written);
                        if (r == 0 && strcmp(written.type, "Patient") != 0)
                                add(d, &written);
                        r = r == FHIR_WRITE_E_NOT_SAID ? 0 : r;
                }
        return r;
}

static bool is_of_person(const FhirWritten *written) {
        return strcmp(written->type, "Patient") == 0;
}

/* A transaction is what the receiver has from then on: it gets the person whole, and links of a merge beside. */
static int add_event(Delivering *d, const DestinationItem *item) {
        const char *patient_id = item->patient_id;
        const Carebus__V1__Record *record = NULL;
        FhirWritten written;
        int r = fhir_write_event(d->writer, item->event, &written);

        if (r == FHIR_WRITE_E_NOT_SAID)
                r = fhir_write_notice(d->writer, item->event, &written);
        if (r != 0)
                return r;
        if (d->form == ENVELOPE_TRANSACTION && patient_id && patient_id[0] &&
            (is_of_person(&written) || !was_sent(d, patient_id)))
                (void)asker_record(d->asker, patient_id, &record);
        if (record && record->patient_id && strcmp(record->patient_id, patient_id) == 0) {
                const JsonNode *links = is_of_person(&written) ? json_peek(written.node, "link") : NULL;

                r = add_person(d, record);
                if (r != 0 || is_of_person(&written)) {
                        if (r == 0 && links)
                                add(d, &written);
                        return r;
                }
        }
        add(d, &written);
        return 0;
}

/* 2026-11-22T07:23:17.000Z */
static void instant(int64_t at, char ret[40]) {
        CivilTime civil = civil_from_utc(at);

        snprintf(ret, 40, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", civil.year, civil.month, civil.day, civil.hour,
                 civil.minute, civil.second, (int)(at % USEC_PER_SEC / USEC_PER_MSEC));
}

static int on_render(void *owner, const DestinationItem *item, Buffer *ret) {
        Delivering *d = owner;
        char timestamp[40];
        Envelope envelope = {
                .form = d->form,
                .bus = d->config->bus,
                .url = d->is->url,
                .message_id = item->message_id,
                .uuid = item->uuid,
                .event_type = item->event->type,
                .timestamp = timestamp,
        };
        int r;

        fhir_writer_reset(d->writer);
        d->n_resources = 0;
        d->is_full = false;
        r = item->so_far ? add_record(d, item->so_far) : add_event(d, item);
        if (r < 0)
                return r;
        if (r == FHIR_WRITE_E_NOT_SAID || (r == 0 && d->n_resources == 0))
                return DESTINATION_E_NOT_SAID;
        if (r != 0 || d->is_full)
                return DESTINATION_E_NOT_WHOLE;
        instant(item->event->has_received_at ? item->event->received_at : 0, timestamp);
        envelope.number = d->count ? notification_count_of(d->count, item->seq, item->index) : 0;
        envelope_write(ret, &envelope, d->resources, d->n_resources);
        return ret->error;
}

/* ---- how it goes */

static void settle(Delivering *d, DestinationItem *item, DestinationOutcome outcome, const char *code) {
        (void)destination_settle(d->destination, item, outcome, outcome == DESTINATION_DELIVERED ? NULL : code);
}

static Line *line_find(Delivering *d, const DestinationItem *item) {
        for (size_t i = 0; i < d->n_lines; i++)
                if (d->lines[i].item == item)
                        return &d->lines[i];
        return NULL;
}

/* Positive return: the token cannot be read now, or the request cannot be made. */
enum { _LINE_E_SUCCESS, LINE_E_TOKEN };

static int line_begin(Line *line, Bytes post) {
        Delivering *d = line->delivering;
        char *token = NULL;
        FetchRequest request = {
                .url = d->url,
                .authority = d->is->authority,
                .post = post,
                .certificate = d->is->tls.certificate,
                .key = d->is->tls.key,
                .prefer = d->form == ENVELOPE_TRANSACTION && line->step != LINE_ASKED ? "return=minimal" : NULL,
                .timeout = d->is->timeout,
        };
        int r = 0;

        if (d->is->token)
                r = token_read_first(d->is->token, &token);
        request.token = token;
        if (r == 0)
                r = fetch_begin(line->fetch, &request);
        token_erase(token);
        return r == 0 || r == -ENOMEM ? r : LINE_E_TOKEN;
}

static void line_end(Line *line) {
        line->item = NULL;
        buffer_deinit(&line->post);
}

static int on_send(void *owner, DestinationItem *item) {
        Delivering *d = owner;
        Line *line = line_find(d, NULL);
        int r;

        if (now() < d->quiet_until || !line) {
                settle(d, item, DESTINATION_NOT_CONNECTED, "retry-after");
                return 0;
        }
        line->step = LINE_SENT;
        r = line_begin(line, item->bytes);
        if (r > 0)
                settle(d, item, DESTINATION_NOT_CONNECTED, "token");
        else if (r == 0)
                line->item = item;
        return MIN(r, 0);
}

static void on_cancel(void *owner, DestinationItem *item) {
        Line *line = line_find(owner, item);

        if (!line)
                return;
        fetch_cancel(line->fetch);
        line_end(line);
}

/* The next step on the way out of a conflict. 0: a request is on its way; positive: this is the end of it. */
static int line_go_on(Line *line, const FetchResult *result) {
        Delivering *d = line->delivering;
        Buffer post = BUFFER_NULL;
        int r = line->step == LINE_SENT ? conflict_ask(line->item->bytes, &post)
                                        : conflict_clear(line->item->bytes, d->config->bus, result, &post);

        if (r == CONFLICT_E_NOT_OURS) { /* not for us to overwrite: a person has to look */
                size_t size = strlen(line->verdict.code);

                line->verdict.outcome = DESTINATION_REJECTED;
                snprintf(line->verdict.code + size, sizeof(line->verdict.code) - size, "/not-ours");
        }
        if (r == 0) {
                buffer_deinit(&line->post);
                line->post = post;
                line->step++;
                return line_begin(line, buffer_bytes(&line->post));
        }
        buffer_deinit(&post);
        return r;
}

static int line_work(Line *line, bool *ret_moved) {
        Delivering *d = line->delivering;
        DestinationItem *item = line->item;
        FetchResult result;
        Verdict verdict;
        int r = item ? fetch_work(line->fetch, &result) : FETCH_E_WORKING;

        if (r != 0)
                return MIN(r, 0);
        *ret_moved = true;
        if (line->step != LINE_ASKED)
                verdict_read(d->form, line->step == LINE_SENT ? item->bytes : buffer_bytes(&line->post), &result,
                             &verdict);
        if (line->step == LINE_ASKED || (line->step == LINE_SENT && conflict_is(d->form, &result))) {
                if (line->step == LINE_SENT)
                        line->verdict = verdict;
                r = line_go_on(line, &result);
                if (r <= 0)
                        return r;
                verdict = line->verdict;
        }
        if (verdict.quiet > 0)
                d->quiet_until = now() + verdict.quiet * USEC_PER_SEC;
        line_end(line);
        settle(d, item, verdict.outcome, verdict.code);
        return 0;
}

static int on_io(LoopSource *source, int fd, uint32_t revents, void *owner) {
        (void)source;
        (void)fd;
        (void)revents;
        (void)owner;
        return 0; /* on_prepare() does the work */
}

static int on_wake(LoopSource *source, void *owner) {
        (void)source;
        (void)owner;
        return 0;
}

static int on_prepare(LoopSource *source, void *owner) {
        Delivering *d = owner;
        int timeout = -1, r = 0;
        bool moved = true;

        (void)source;
        for (unsigned round = 0; moved && round < ROUNDS_MAX; round++) {
                moved = false;
                for (size_t i = 0; r >= 0 && i < d->n_lines; i++)
                        r = line_work(&d->lines[i], &moved);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < d->n_lines; i++) {
                int wanted = d->lines[i].item ? fetch_timeout(d->lines[i].fetch) : -1;

                if (wanted >= 0 && (timeout < 0 || wanted < timeout))
                        timeout = wanted;
        }
        if (moved)
                timeout = 0;
        return loop_timer_set(d->waking, timeout < 0 ? -1 : (int64_t)timeout * USEC_PER_MSEC);
}

/* ---- start and end */

const char *fhir_destination_lacks(const ConfigDestination *destination) {
        return destination->url || destination->facade
                       ? NULL
                       : "has neither `url:` (https://server/base) nor `facade:` (127.0.0.1:8090)";
}

static void delivering_stop(void *owner) {
        Delivering *d = owner;

        if (!d)
                return;
        d->destination = destination_free(d->destination);
        d->preparing = loop_source_free(d->preparing);
        d->waking = loop_source_free(d->waking);
        for (size_t i = 0; i < d->n_lines; i++) {
                loop_source_free(d->lines[i].watching);
                fetch_free(d->lines[i].fetch);
                buffer_deinit(&d->lines[i].post);
        }
        facade_free(d->facade);
        asker_free(d->asker);
        fhir_writer_free(d->writer);
        notification_count_free(d->count);
        free(d->lines);
        free(d->resources);
        free(d->url);
        free(d);
}

static void delivering_stopp(Delivering **d) {
        delivering_stop(*d);
}

static int lines_open(Delivering *d) {
        d->n_lines = MAX(d->is->window, UINT64_C(1));
        d->lines = calloc(d->n_lines, sizeof(*d->lines));
        if (!d->lines)
                return -ENOMEM;
        for (size_t i = 0; i < d->n_lines; i++) {
                Line *line = &d->lines[i];
                int r = fetch_new(&line->fetch);

                line->delivering = d;
                if (r == 0)
                        r = loop_add_io(d->loop, fetch_fd(line->fetch), EPOLLIN, on_io, line, &line->watching);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int url_make(Delivering *d) {
        size_t size = strlen(d->is->url);

        while (size > 0 && d->is->url[size - 1] == '/')
                size--;
        return text_format(&d->url, "%.*s%s", (int)size, d->is->url,
                           d->form == ENVELOPE_MESSAGE ? "/$process-message" : "");
}

static int count_open(Delivering *d) {
        _cleanup_(freep) char *folder = NULL, *path = NULL;
        int r;

        if (d->form != ENVELOPE_NOTIFICATION)
                return 0;
        r = place_open(d->config, d->is->name, &folder);
        if (r == 0)
                r = text_format(&path, "%s/notifications", folder);
        if (r == 0)
                r = notification_count_open(path, &d->count);
        if (r < 0 && r != -ENOMEM)
                error_print("carebus-fhir", "%s of destination %s cannot be used: %s; without it the count begins again at 1",
                            path ?: folder ?: d->config->state, d->is->name, strerror(-r));
        return r;
}

static int delivery_open(Delivering *d, size_t destination) {
        const DestinationLanguage language = {
                .render = on_render, .send = on_send, .cancel = on_cancel, .leaves_out_own = true, .owner = d
        };
        int r = url_make(d);

        d->resources = calloc(RESOURCES_MAX, sizeof(*d->resources));
        if (!d->resources)
                return -ENOMEM;
        if (r == 0)
                r = count_open(d);
        if (r == 0)
                r = lines_open(d);
        if (r == 0)
                r = loop_add_timer(d->loop, -1, on_wake, d, &d->waking);
        if (r == 0)
                r = loop_add_prepare(d->loop, on_prepare, d, &d->preparing);
        return r == 0 ? destination_new(d->loop, d->config, destination, &language, &d->destination) : r;
}

static int delivering_start(Loop *loop, const Config *config, size_t destination, void **ret) {
        _cleanup_(delivering_stopp) Delivering *d = calloc(1, sizeof(*d));
        FhirWriterOptions options = { .bus = config->bus, .timezone = config->destinations[destination].timezone };
        int r;

        if (!d)
                return -ENOMEM;
        d->loop = loop;
        d->config = config;
        d->is = &config->destinations[destination];
        d->form = envelope_form(d->is->form);
        r = fhir_writer_new(&d->writer, &options);
        if (r == 0)
                r = asker_new(config, destination, &d->asker);
        if (r == 0 && d->is->facade)
                r = facade_new(loop, config, destination, d->writer, d->asker, &d->facade);
        if (r == 0 && d->is->url)
                r = delivery_open(d, destination);
        if (r == 0)
                *ret = TAKE_PTR(d);
        return r;
}

const DestinationProgram fhir_destination = { .start = delivering_start, .stop = delivering_stop };
