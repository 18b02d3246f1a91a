/* From a request to what of it goes to the bus. */
#include "adapters/fhir/desk-parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/json-write.h"
#include "adapters/fhir/translate-rules.h"
#include "base/clock.h"
#include "base/text.h"

#define ENTRIES_MAX 1000 /* of a batch: each is a submission of its own */

/* Something of a request that is kept for a person, and refused. */
typedef struct Keep {
        unsigned status;
        const char *issue, *problem, *path, *text;
} Keep;

static void on_done(void *owner, size_t number, const CourierResult *result, const CourierVersion *versions,
                    size_t n_versions) {
        Work *work = owner;

        work->submissions[number].result = *result;
        work->submissions[number].is_done = true;
        for (size_t i = 0; i < work->n_parts; i++) {
                Part *part = &work->parts[i];
                if (part->submission == number && part->record >= 0 && (size_t)part->record < n_versions)
                        memcpy(part->outcome.version, versions[part->record], sizeof(part->outcome.version));
        }
        if (--work->n_waiting == 0)
                work_finish(work);
}

/* ---- to the bus ---- */

static const char *keep_text(Work *work, const char *text) {
        return text ? arena_text(work->arena, text, strlen(text)) : NULL;
}

static int keep_issues(Work *work, Submission *submission, const FhirResult *result, const Keep *keep) {
        submission->issues = arena_alloc(work->arena, (result->n_issues + 1) * sizeof(*submission->issues));
        if (!submission->issues)
                return -ENOMEM;
        if (keep)
                submission->issues[submission->n_issues++] =
                        (FhirIssue){ .severity = "error", .code = keep->issue, .path = keep->path, .text = keep->text };
        for (size_t i = 0; !keep && i < result->n_issues; i++) {
                const FhirIssue *issue = &result->issues[i];
                submission->issues[submission->n_issues++] = (FhirIssue){
                        .severity = keep_text(work, issue->severity),
                        .code = keep_text(work, issue->code),
                        .path = keep_text(work, issue->path),
                        .text = keep_text(work, issue->text),
                };
        }
        return 0;
}

static void submission_fail(Submission *submission, int error) {
        bool is_late = error == -EAGAIN || error == -ENOMEM;

        submission->is_done = true;
        submission->result.result = is_late ? CAREBUS_REFUSED_LATER : CAREBUS_REFUSED;
        submission->result.retry_after_ms = 5000;
        if (error == -EMSGSIZE)
                snprintf(submission->result.reason, sizeof(submission->result.reason), "too-large");
}

static void reading_keep(Reading *reading, const Keep *keep) {
        reading->n_events = 0;
        reading->problem_code = keep->problem;
        reading->problem_position = keep->path;
        reading->problem_urgent = true; /* what nobody reads may be about anything */
        reading->ignored = false;
}

/* What says no time of its own was said when it was sent to this server: its clinical date may be years back, and that makes it no older
 * than what was said since. */
static int reading_set_time(Work *work, const Reading *reading) {
        Carebus__V1__When *now = arena_alloc(work->arena, sizeof(*now));

        if (!now)
                return -ENOMEM;
        carebus__v1__when__init(now);
        now->has_utc_at = now->has_precision = true;
        now->utc_at = clock_now_at(&clock_system);
        now->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION;
        for (size_t i = 0; i < reading->n_events; i++)
                if (!reading->events[i]->recorded_at)
                        reading->events[i]->recorded_at = now;
        return 0;
}

/* `records` are the places of the parts' resources among what is remembered. */
static int submit(Work *work, size_t number, FhirResult *result, const Keep *keep, int *records, size_t n_records) {
        _cleanup_(buffer_deinit) Buffer remembered = BUFFER_NULL;
        Submission *submission = &work->submissions[number];
        CourierTask task = { .done = on_done, .owner = work, .number = number, .remembered = &remembered };
        Courier *courier = work->courier;
        int r = keep_issues(work, submission, result, keep);

        if (r < 0)
                return r;
        if (keep)
                reading_keep(&result->reading, keep);
        else
                r = prepare_remembered(result, work->prepared.assigned_id, &remembered, records, n_records,
                                       &task.n_remembered);
        if (r == 0)
                r = reading_set_time(work, &result->reading);
        if (r < 0)
                return r;
        submission->refused = keep ? keep->status : result->is_refused ? 400 : 0;
        submission->problem = keep_text(work, result->reading.problem_code);
        submission->position = keep_text(work, result->reading.problem_position);
        if (result->reading.ignored && !submission->problem) {
                courier_counts(courier)->ignored++;
                submission->is_ignored = submission->is_done = true;
                return 0;
        }
        r = courier_submit(courier, result, &task);
        if (r == 0)
                work->n_waiting++;
        else
                submission_fail(submission, r);
        return 0;
}

static int submissions_new(Work *work, size_t n_parts, size_t n_submissions) {
        work->parts = arena_alloc(work->arena, (n_parts + 1) * sizeof(*work->parts));
        work->submissions = arena_alloc(work->arena, (n_submissions + 1) * sizeof(*work->submissions));
        if (!work->parts || !work->submissions)
                return -ENOMEM;
        memset(work->parts, 0, (n_parts + 1) * sizeof(*work->parts));
        memset(work->submissions, 0, (n_submissions + 1) * sizeof(*work->submissions));
        work->n_parts = n_parts;
        for (size_t i = 0; i < n_parts; i++) {
                work->parts[i].submission = NO_SUBMISSION;
                work->parts[i].record = -1;
        }
        return 0;
}

static void name_set(char to[ANSWER_NAME_MAX + 1], const char *from) {
        snprintf(to, ANSWER_NAME_MAX + 1, "%s", from ? from : "");
}

/* Whether it stands already, and as which version. */
static bool is_known(Work *work, const char *type, const char *id, MemoryRecord *ret) {
        return type && id && memory_find(courier_memory(work->courier), type, id, work->arena, ret) == 0 &&
               !ret->is_deleted;
}

/* ---- preconditions ---- */

typedef struct Refusal {
        unsigned status; /* 0: go on */
        FhirIssue issue;
} Refusal;

static Refusal refusal(unsigned status, const char *code, const char *path, const char *text) {
        return (Refusal){ .status = status,
                          .issue = { .severity = "error", .code = code, .path = path, .text = text } };
}

/* If-None-Exist. One that has the identifier: its id is in `found`. */
static Refusal check_condition(Work *work, const char *condition, const char *type, char found[MEMORY_NAME_MAX + 1]) {
        _cleanup_(freep) char *system = NULL, *value = NULL;
        int r = condition_read(condition, &system, &value);

        found[0] = '\0';
        if (r == ROUTE_E_REFUSED)
                return refusal(400, "not-supported", NULL, "A condition is identifier=SYSTEM|VALUE, and nothing else.");
        if (r == 0)
                r = memory_search(courier_memory(work->courier), type, system, value, found);
        if (r < 0) {
                found[0] = '\0';
                return refusal(503, "transient", NULL, "What is there cannot be looked up now: send it again later.");
        }
        if (r > 1)
                return refusal(412, "multiple-matches", NULL,
                               "Several resources have this identifier: nothing was created.");
        return (Refusal){ 0 };
}

/* If-Match: a version that does not stand is refused, but for the same content once more: then this is the answer that got lost. */
static Refusal check_match(Work *work, const char *match, const MemoryRecord *known, const JsonNode *resource) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        char version[ANSWER_NAME_MAX + 1];
        uint8_t hash[SHA256_SIZE];

        (void)work;
        if (!match || strcmp(match, "*") == 0)
                return match && !known ? refusal(412, "conflict", NULL,
                                                 "It is not known here, so that no version of it matches.")
                                       : (Refusal){ 0 };
        if (!etag_read(match, version))
                return refusal(400, "value", NULL, "If-Match is to name a version as it was given: W/\"3\".");
        if (known && text_equal(known->version, version))
                return (Refusal){ 0 };
        if (known && resource) {
                json_write(&content, resource, NULL);
                sha256(content.data, content.error ? 0 : content.size, hash);
                if (memcmp(hash, known->content, SHA256_SIZE) == 0)
                        return (Refusal){ 0 };
        }
        return refusal(412, "conflict", NULL,
                       "Another version stands: read it at the source, and send the change again.");
}

/* ---- one resource ---- */

static void part_found(Work *work, Part *part, const char *type, const char *id) {
        MemoryRecord record;

        part->outcome.status = 200;
        name_set(part->outcome.type, type);
        name_set(part->outcome.id, id);
        if (is_known(work, type, id, &record))
                name_set(part->outcome.version, record.version);
}

static Refusal check_one(Work *work, const char *id, char found[MEMORY_NAME_MAX + 1]) {
        const HttpHead *head = work->head;
        MemoryRecord record, *known = is_known(work, work->prepared.type, id, &record) ? &record : NULL;

        found[0] = '\0';
        if (work->route.interaction == INTERACTION_UPDATE) {
                if (head->if_none_match && strcmp(head->if_none_match, "*") == 0 && known)
                        return refusal(412, "conflict", NULL,
                                       "It is there already, and If-None-Match: * wants it not to be.");
                return check_match(work, head->if_match, known, work->prepared.root);
        }
        if (head->if_none_exist)
                return check_condition(work, head->if_none_exist, work->prepared.type, found);
        return (Refusal){ 0 };
}

static bool find_mistake(const Work *work, Keep *ret) {
        const Prepared *prepared = &work->prepared;
        const Route *route = &work->route;
        const char *id = json_said(prepared->root, "id");

        if (!prepared->type)
                return false; /* who translates it says why */
        if (route->type[0] && !text_equal(route->type, prepared->type)) {
                *ret = (Keep){ 400, "invalid", "type-not-of-url", "Resource.resourceType",
                               "The resource is of another type than the path says." };
                return true;
        }
        if (route->interaction == INTERACTION_UPDATE && !text_equal(route->id, id)) {
                *ret = (Keep){ 400, "invalid", "id-not-of-url", "Resource.id",
                               "The id of the resource is to be the one of the path." };
                return true;
        }
        if (id && !id_is_valid(id)) {
                *ret = (Keep){ 400, "value", "bad-id", "Resource.id",
                               "The id is no id of FHIR: at most 64 of A-Z a-z 0-9 - and dot." };
                return true;
        }
        if (route->interaction == INTERACTION_MESSAGE && !text_equal(prepared->bundle_type, "message")) {
                *ret = (Keep){ 400, "invalid", "not-a-message", "Bundle.type",
                               "$process-message takes a Bundle of type message." };
                return true;
        }
        return false;
}

static int run_one(Work *work, Bytes body, Answer *refused) {
        const char *said = json_said(work->prepared.root, "id"), *id = said ? said : work->prepared.assigned_id;
        char found[MEMORY_NAME_MAX + 1];
        FhirResult result;
        Keep keep;
        bool is_wrong = find_mistake(work, &keep);
        Refusal refusal_of_one = { 0 };
        MemoryRecord record;
        int r = submissions_new(work, 1, 1);

        if (r < 0)
                return r;
        if (!is_wrong && work->prepared.type)
                refusal_of_one = check_one(work, id, found);
        else
                found[0] = '\0';
        if (refusal_of_one.status) {
                reply_refuse(refused, refusal_of_one.status, &refusal_of_one.issue);
                return 0;
        }
        if (found[0]) {
                part_found(work, &work->parts[0], work->prepared.type, found);
                return 0;
        }
        work->parts[0].outcome.status = is_known(work, work->prepared.type, id, &record) ? 200 : 201;
        name_set(work->parts[0].outcome.type, work->prepared.type);
        name_set(work->parts[0].outcome.id, id);
        work->parts[0].submission = 0;
        work->n_submissions = 1;
        r = courier_translate(work->courier, body, work->prepared.assigned_id, &result);
        return r < 0 ? r : submit(work, 0, &result, is_wrong ? &keep : NULL, &work->parts[0].record, 1);
}

/* A message that was made of a request, to be read by itself until courier_done(). */
static int translate_made(Work *work, Bytes message, FhirResult *ret) {
        if (courier_take(work->courier, IN_HAND_PART, message) != IN_HAND_E_GIVEN_UP)
                return courier_translate(work->courier, message, NULL, ret);
        courier_unread(work->courier, message, ret);
        return 0;
}

static int run_delete(Work *work, Answer *refused) {
        const char *type = work->route.type, *id = work->route.id;
        const FhirRow *row = fhir_row_find(type);
        MemoryRecord record;
        bool is_there = memory_find(courier_memory(work->courier), type, id, work->arena, &record) == 0;
        Refusal refusal_of_match = check_match(work, work->head->if_match, is_there ? &record : NULL, NULL);
        FhirResult result;
        Bytes message;
        int r = submissions_new(work, 1, 1);

        if (r < 0)
                return r;
        if (refusal_of_match.status) {
                reply_refuse(refused, refusal_of_match.status, &refusal_of_match.issue);
                return 0;
        }
        name_set(work->parts[0].outcome.type, type);
        name_set(work->parts[0].outcome.id, id);
        work->parts[0].outcome.status = 200;
        if (is_there && record.is_deleted)
                return 0; /* it was deleted before */
        work->parts[0].submission = 0;
        work->n_submissions = 1;
        r = prepare_delete(type, id, is_there ? &record : NULL, row ? row->patient : NULL, work->arena, &message);
        if (r == 0)
                r = translate_made(work, message, &result);
        r = r < 0 ? r : submit(work, 0, &result, NULL, &work->parts[0].record, 1);
        courier_done(work->courier, IN_HAND_PART);
        return r;
}

/* ---- Bundles ---- */

static Refusal check_method(const PreparedEntry *entry) {
        static const char *const taken[] = { "POST", "PUT", "DELETE" };

        for (size_t i = 0; i < ELEMENTSOF(taken); i++) {
                if (!text_equal(entry->method, taken[i]))
                        continue;
                if (entry->is_conditional_url)
                        return refusal(412, "not-supported", "request.url",
                                       "Conditions in the URL are not offered: name the resource by its id.");
                if (!entry->type || !type_is_valid(entry->type))
                        return refusal(400, "required", "request.url", "The entry names no type of resource.");
                if (!entry->id)
                        return refusal(400, "required", "resource.id", "The entry names no id of FHIR.");
                return (Refusal){ 0 };
        }
        return refusal(405, "not-supported", "request.method",
                       "This server takes POST, PUT and DELETE, and gives nothing out.");
}

/* Fills the part of an entry; what is there already is left out. Paths of refusals are within the entry. */
static Refusal check_entry(Work *work, size_t index) {
        PreparedEntry *entry = &work->prepared.entries[index];
        Part *part = &work->parts[index];
        char found[MEMORY_NAME_MAX + 1];
        Refusal refused = check_method(entry);
        MemoryRecord record, *known;

        if (refused.status)
                return refused;
        known = is_known(work, entry->type, entry->id, &record) ? &record : NULL;
        if (entry->condition && text_equal(entry->method, "POST")) {
                refused = check_condition(work, entry->condition, entry->type, found);
                refused.issue.path = "request.ifNoneExist";
                if (refused.status)
                        return refused;
                if (found[0]) {
                        entry->is_left_out = true;
                        entry->id = keep_text(work, found);
                        part_found(work, part, entry->type, found);
                        return refused;
                }
        }
        if (!text_equal(entry->method, "POST")) {
                refused = check_match(work, json_said(json_peek(entry->entry, "request"), "ifMatch"), known,
                                      entry->resource);
                refused.issue.path = "request.ifMatch";
        }
        if (known && known->resource[0] && text_equal(entry->method, "DELETE"))
                entry->stands = known->resource;
        part->outcome.status = known || text_equal(entry->method, "DELETE") ? 200 : 201;
        name_set(part->outcome.type, entry->type);
        name_set(part->outcome.id, entry->id);
        return refused;
}

static FhirIssue place_issue(Work *work, size_t index, FhirIssue issue) {
        issue.path = issue.path ? arena_format(work->arena, "Bundle.entry[%zu].%s", index, issue.path)
                                : arena_format(work->arena, "Bundle.entry[%zu]", index);
        return issue;
}

/* An entry that is to be written and has nothing that could be. What it was meant to say may be a decision: it is kept for a person. */
static bool find_empty_entry(Work *work, size_t index, Keep *ret) {
        const PreparedEntry *entry = &work->prepared.entries[index];

        if (entry->resource || entry->is_left_out || text_equal(entry->method, "DELETE"))
                return false;
        *ret = (Keep){ 400, "required", "no-resource", arena_format(work->arena, "Bundle.entry[%zu].resource", index),
                       "This entry is to be written, but there is no resource in it." };
        return true;
}

static int run_transaction(Work *work, Bytes body, Answer *refused) {
        size_t n = work->prepared.n_entries, n_left = 0;
        int r = submissions_new(work, n, 1), *records;
        bool is_wrong = false;
        FhirResult result;
        Keep keep;

        records = r < 0 ? NULL : arena_alloc(work->arena, (n + 1) * sizeof(*records));
        if (!records)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                Refusal of_entry = check_entry(work, i);
                if (of_entry.status) {
                        FhirIssue issue = place_issue(work, i, of_entry.issue);
                        reply_refuse(refused, of_entry.status, &issue);
                        return 0;
                }
                n_left += !work->prepared.entries[i].is_left_out;
                is_wrong = is_wrong || find_empty_entry(work, i, &keep);
        }
        if (n_left == 0 && n > 0)
                return 0; /* all of it stands already */
        r = prepare_write(&work->prepared, work->arena);
        if (r == 0)
                r = courier_translate(work->courier, work->prepared.message, NULL, &result);
        if (r < 0)
                return r;
        work->n_submissions = 1;
        result.reading.original = body;
        r = submit(work, 0, &result, is_wrong ? &keep : NULL, records, n_left);
        for (size_t i = 0, place = 0; r == 0 && i < n; i++) {
                if (work->prepared.entries[i].is_left_out)
                        continue;
                work->parts[i].submission = 0;
                work->parts[i].record = work->n_waiting > 0 && !is_wrong ? records[place] : -1;
                place++;
        }
        return r;
}

static int run_batch_entry(Work *work, size_t index) {
        Part *part = &work->parts[index];
        Refusal of_entry = check_entry(work, index);
        FhirResult result;
        Bytes message;
        Keep keep;
        int r;

        if (of_entry.status) {
                FhirIssue *issue = arena_alloc(work->arena, sizeof(*issue));
                if (!issue)
                        return -ENOMEM;
                *issue = place_issue(work, index, of_entry.issue);
                part->outcome = (EntryOutcome){ .status = of_entry.status, .issues = issue, .n_issues = 1 };
                return 0;
        }
        if (work->prepared.entries[index].is_left_out)
                return 0;
        r = prepare_single(&work->prepared, index, work->arena, &message);
        if (r == 0)
                r = translate_made(work, message, &result);
        if (r == 0) {
                part->submission = work->n_submissions++;
                r = submit(work, part->submission, &result, find_empty_entry(work, index, &keep) ? &keep : NULL,
                           &part->record, 1);
        }
        courier_done(work->courier, IN_HAND_PART);
        return r;
}

static int run_batch(Work *work, Answer *refused) {
        size_t n = work->prepared.n_entries;
        int r;

        if (n > ENTRIES_MAX) {
                answer_refuse(refused, 413, "too-costly", "A batch has at most 1000 entries: send it in parts.");
                return 0;
        }
        r = submissions_new(work, n, n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = run_batch_entry(work, i);
        return r;
}

static int run_bundle(Work *work, Bytes body) {
        FhirResult result;
        int r = submissions_new(work, 1, 1);

        if (r < 0)
                return r;
        /* The answer to a message is a message of its own: its id is made of what it answers. */
        work->prepared.assigned_id = NULL;
        name_set(work->parts[0].outcome.id, prepare_id(courier_source(work->courier), body, work->arena));
        work->n_submissions = 1;
        r = courier_translate(work->courier, body, NULL, &result);
        return r < 0 ? r : submit(work, 0, &result, NULL, NULL, 0);
}

/* ---- requests ---- */

static Shape shape_of(const Work *work) {
        static const struct {
                const char *type;
                Shape shape;
        } shapes[] = { { "transaction", SHAPE_TRANSACTION }, { "batch", SHAPE_BATCH }, { "message", SHAPE_MESSAGE } };
        bool is_base = work->route.interaction == INTERACTION_SYSTEM || work->route.interaction == INTERACTION_MESSAGE;
        Keep keep;

        if (!is_base || !text_equal(work->prepared.type, "Bundle") || find_mistake(work, &keep))
                return SHAPE_ONE;
        for (size_t i = 0; i < ELEMENTSOF(shapes); i++)
                if (text_equal(work->prepared.bundle_type, shapes[i].type))
                        return shapes[i].shape;
        return SHAPE_BUNDLE;
}

/* It ended the adapter too often: stored as it came, and accepted. What it would have become nobody knows yet. */
static int run_unread(Work *work, Bytes body) {
        FhirResult result;
        int r = submissions_new(work, 1, 1);

        if (r < 0)
                return r;
        work->parts[0].outcome.status = 202;
        work->parts[0].submission = 0;
        work->n_submissions = 1;
        courier_unread(work->courier, body, &result);
        return submit(work, 0, &result, NULL, NULL, 0);
}

static int run_body(Work *work, Bytes body, Answer *refused) {
        int r;

        r = prepare_read(courier_source(work->courier), body, work->arena, &work->prepared);
        if (r < 0)
                return r;
        work->shape = shape_of(work);
        switch (work->shape) {
        case SHAPE_ONE:
                return run_one(work, body, refused);
        case SHAPE_TRANSACTION:
                return run_transaction(work, body, refused);
        case SHAPE_BATCH:
                return run_batch(work, refused);
        case SHAPE_MESSAGE:
        case SHAPE_BUNDLE:
                break;
        }
        return run_bundle(work, body);
}

int work_run(Work *work, Bytes body, Answer *refused) {
        int r;

        if (work->route.interaction == INTERACTION_DELETE)
                return run_delete(work, refused);
        if (courier_take(work->courier, IN_HAND_WHOLE, body) == IN_HAND_E_GIVEN_UP)
                return run_unread(work, body);
        r = run_body(work, body, refused);
        courier_done(work->courier, IN_HAND_WHOLE);
        return r;
}
