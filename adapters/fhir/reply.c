/* From what became of a request's submissions to what its client is told. */
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/desk-parts.h"
#include "adapters/fhir/json-write.h"
#include "base/clock.h"
#include "base/text.h"

#define ISSUES_MAX (FHIR_ISSUES_MAX + 2)

void reply_refuse(Answer *answer, unsigned status, const FhirIssue *issue) {
        answer->status = status;
        buffer_clear(&answer->body);
        outcome_write(&answer->body, issue, 1);
}

static bool is_stored(const Submission *submission) {
        return submission->result.result == CAREBUS_STORED || submission->result.result == CAREBUS_DUPLICATE;
}

/* ---- when the bus did not take it ---- */

static unsigned retry_seconds(uint32_t milliseconds) {
        return milliseconds > 1000 ? (milliseconds + 999) / 1000 : 1;
}

/* The bus said later, of any of them: the whole request comes again, and what is stored already is known then. */
static bool reply_later(const Work *work, Answer *answer) {
        for (size_t i = 0; i < work->n_submissions; i++) {
                const CourierResult *result = &work->submissions[i].result;

                if (result->result != CAREBUS_REFUSED_LATER)
                        continue;
                answer_refuse(answer, 503, "transient", "The bus cannot take it now: send it again later, as it is.");
                answer->retry_after = retry_seconds(result->retry_after_ms);
                return true;
        }
        return false;
}

typedef struct Never {
        const char *reason;
        unsigned status;
        const char *code, *text;
} Never;

static const Never *never_of(const CourierResult *result) {
        static const Never table[] = {
                { "too-large", 413, "too-long", "It is larger than what the bus takes: send it in parts." },
                { "not-allowed", 403, "forbidden",
                  "This adapter may not speak for its source: whoever runs the bus has to look." },
                { "unknown-source", 403, "forbidden",
                  "The bus does not know this source: whoever runs the bus has to look." },
                { NULL, 422, "processing",
                  "The bus refuses it for good: whoever runs the bus finds the reason in its log." },
        };
        const Never *row = table;

        while (row->reason && !text_equal(row->reason, result->reason))
                row++;
        return row;
}

/* ---- issues ---- */

typedef struct Issues {
        FhirIssue items[ISSUES_MAX];
        size_t n;
} Issues;

static void issue_add(Issues *issues, FhirIssue issue) {
        if (issues->n < ISSUES_MAX)
                issues->items[issues->n++] = issue;
}

static bool is_path(const char *position) {
        return position && position[0] >= 'A' && position[0] <= 'Z';
}

static void add_kept(Issues *issues, const Submission *submission, const char *sentence, Arena *arena) {
        const char *reason = submission->problem ? submission->problem : submission->result.reason;
        FhirIssue issue = { .severity = submission->refused ? "information" : "warning", .code = "incomplete" };

        if (!submission->refused && is_path(submission->position))
                issue.path = submission->position;
        issue.text = arena_format(arena, "%s (%s)", sentence, reason[0] ? reason : "problem");
        if (submission->refused)
                issue.code = "informational";
        if (issue.text)
                issue_add(issues, issue);
}

/* What is stored is no error of the client's, however little of it could be used. */
static void collect_issues(Issues *issues, const Submission *submission, Arena *arena) {
        for (size_t i = 0; i < submission->n_issues; i++) {
                FhirIssue issue = submission->issues[i];

                if (!submission->refused &&
                    (text_equal(issue.severity, "error") || text_equal(issue.severity, "fatal")))
                        issue.severity = "warning";
                issue_add(issues, issue);
        }
        if (submission->refused)
                add_kept(issues, submission, "Nothing is lost: the bytes are kept, and a person will look at them.",
                         arena);
        else if (submission->problem || submission->result.reason[0])
                add_kept(issues, submission, "It is stored, but could not be used as it is: it waits for a person.",
                         arena);
        else if (submission->is_ignored)
                issue_add(issues,
                          (FhirIssue){ .severity = "information",
                                       .code = "informational",
                                       .text = "It says nothing that is kept here: it was left out on purpose." });
}

/* ---- answers to one resource ---- */

static void write_representation(const Work *work, const Part *part, Answer *answer) {
        const JsonEdit edit = { .into = work->prepared.root,
                                .name = "id",
                                .value = json_quoted(part->outcome.id, work->arena) };
        bool has_id = json_peek(work->prepared.root, "id") != NULL;

        json_write(&answer->body, work->prepared.root, has_id || !edit.value ? NULL : &edit);
}

static void reply_one(const Work *work, const Submission *submission, Answer *answer) {
        const Part *part = &work->parts[0];
        Issues issues = { .n = 0 };

        if (submission)
                collect_issues(&issues, submission, work->arena);
        else
                issue_add(&issues, (FhirIssue){ .severity = "information",
                                                .code = "informational",
                                                .text = "There was nothing to do: it stands already." });
        if (submission && submission->refused) {
                answer->status = submission->refused;
                outcome_write(&answer->body, issues.items, issues.n);
                return;
        }
        answer->status = part->outcome.status;
        entry_location(&part->outcome, answer->location);
        memcpy(answer->version, part->outcome.version, sizeof(answer->version));
        answer->last_modified = clock_now_at(&clock_system);
        if (work->route.prefer == PREFER_REPRESENTATION && work->prepared.root)
                write_representation(work, part, answer);
        else if (work->route.prefer != PREFER_MINIMAL)
                outcome_write(&answer->body, issues.items, issues.n);
        else if (work->route.interaction == INTERACTION_DELETE)
                answer->status = 204;
}

/* ---- answers to Bundles ---- */

/* Bundle.entry[3].resource.gender -> 3; -1: of no entry. */
static long entry_of(const char *path) {
        static const char start[] = "Bundle.entry[";
        long index = 0;

        if (!path || strncmp(path, start, strlen(start)) != 0)
                return -1;
        for (path += strlen(start); *path >= '0' && *path <= '9' && index < 1000000; path++)
                index = index * 10 + (*path - '0');
        return *path == ']' ? index : -1;
}

static int set_part_issues(EntryOutcome *outcome, const Issues *issues, Arena *arena) {
        FhirIssue *copy = arena_alloc(arena, (issues->n + 1) * sizeof(*copy));

        if (!copy)
                return -1;
        memcpy(copy, issues->items, issues->n * sizeof(*copy));
        outcome->issues = copy;
        outcome->n_issues = issues->n;
        return 0;
}

/* Each issue goes to the entry that it names, and to the first one where it names none. */
static void spread_issues(const Work *work, const Issues *all, EntryOutcome *outcomes) {
        for (size_t i = 0; i < work->n_parts; i++) {
                Issues own = { .n = 0 };

                for (size_t j = 0; j < all->n; j++) {
                        long entry = entry_of(all->items[j].path);
                        if (entry == (long)i || (i == 0 && (entry < 0 || entry >= (long)work->n_parts)))
                                issue_add(&own, all->items[j]);
                }
                if (own.n > 0)
                        (void)set_part_issues(&outcomes[i], &own, work->arena);
        }
}

static EntryOutcome *copy_outcomes(const Work *work) {
        EntryOutcome *outcomes = arena_alloc(work->arena, (work->n_parts + 1) * sizeof(*outcomes));

        for (size_t i = 0; outcomes && i < work->n_parts; i++)
                outcomes[i] = work->parts[i].outcome;
        return outcomes;
}

static void reply_transaction(const Work *work, const Submission *submission, Answer *answer) {
        EntryOutcome *outcomes = copy_outcomes(work);
        Issues issues = { .n = 0 };

        if (!outcomes) {
                answer_refuse(answer, 503, "transient", "There is too much to do: send it again later.");
                return;
        }
        if (submission)
                collect_issues(&issues, submission, work->arena);
        if (submission && submission->refused) { /* all of it or nothing */
                answer->status = submission->refused;
                outcome_write(&answer->body, issues.items, issues.n);
                return;
        }
        spread_issues(work, &issues, outcomes);
        answer_bundle(answer, "transaction-response", outcomes, work->n_parts, clock_now_at(&clock_system));
}

/* A batch's entry was read as the only one of a Bundle. */
static void renumber(FhirIssue *issue, size_t index, Arena *arena) {
        static const char first[] = "Bundle.entry[0]";

        if (issue->path && text_starts_with(issue->path, first))
                issue->path = arena_format(arena, "Bundle.entry[%zu]%s", index, issue->path + strlen(first));
}

static void reply_batch_entry(const Work *work, size_t index, EntryOutcome *outcome) {
        const Part *part = &work->parts[index];
        const Submission *submission;
        Issues issues = { .n = 0 };

        if (part->submission == NO_SUBMISSION)
                return;
        submission = &work->submissions[part->submission];
        if (is_stored(submission)) {
                collect_issues(&issues, submission, work->arena);
                if (submission->refused)
                        outcome->status = submission->refused;
        } else {
                const Never *never = never_of(&submission->result);
                outcome->status = never->status;
                issue_add(&issues, (FhirIssue){ .severity = "error", .code = never->code, .text = never->text });
        }
        for (size_t i = 0; i < issues.n; i++)
                renumber(&issues.items[i], index, work->arena);
        if (issues.n > 0)
                (void)set_part_issues(outcome, &issues, work->arena);
}

static void reply_batch(const Work *work, Answer *answer) {
        EntryOutcome *outcomes = copy_outcomes(work);

        if (!outcomes) {
                answer_refuse(answer, 503, "transient", "There is too much to do: send it again later.");
                return;
        }
        for (size_t i = 0; i < work->n_parts; i++)
                reply_batch_entry(work, i, &outcomes[i]);
        answer_bundle(answer, "batch-response", outcomes, work->n_parts, clock_now_at(&clock_system));
}

static const JsonNode *find_header(const JsonNode *root) {
        const JsonNode *entries = json_peek(root, "entry");
        const JsonNode *header = entries && entries->first ? json_peek(entries->first, "resource") : NULL;

        return text_equal(json_said(header, "resourceType"), "MessageHeader") ? header : NULL;
}

static void reply_message(const Work *work, Answer *answer) {
        const JsonNode *root = work->prepared.root, *header = find_header(root),
                       *event = json_peek(header, "eventCoding");
        const char *identifier = json_said(header, "id");
        const MessageResponse response = {
                .bundle_id = work->parts[0].outcome.id,
                .header_id = work->parts[0].outcome.id,
                .identifier = identifier ? identifier : json_said(root, "id"),
                .event = event ? event : json_peek(header, "eventUri"),
                .source = json_peek(json_peek(header, "source"), "endpoint"),
                .endpoint = "urn:carebus",
        };

        answer_message(answer, &response, clock_now_at(&clock_system));
}

static void reply_bundle(const Work *work, const Submission *submission, Answer *answer) {
        Issues issues = { .n = 0 };

        collect_issues(&issues, submission, work->arena);
        if (submission->refused) {
                answer->status = submission->refused;
                outcome_write(&answer->body, issues.items, issues.n);
                return;
        }
        answer->status = 200;
        if (work->shape == SHAPE_MESSAGE && work->route.prefer == PREFER_REPRESENTATION)
                reply_message(work, answer);
        else if (work->route.prefer != PREFER_MINIMAL)
                outcome_write(&answer->body, issues.items, issues.n);
}

void reply_build(const Work *work, Answer *answer) {
        const Submission *first = work->n_submissions > 0 ? &work->submissions[0] : NULL;

        answer->is_plain_json = work->route.is_plain_json;
        if (reply_later(work, answer))
                return;
        if (work->shape == SHAPE_BATCH) {
                reply_batch(work, answer);
                return;
        }
        if (first && !is_stored(first)) {
                const Never *never = never_of(&first->result);
                answer_refuse(answer, never->status, never->code, never->text);
                return;
        }
        if (work->shape == SHAPE_ONE || (first && first->refused))
                reply_one(work, first, answer);
        else if (work->shape == SHAPE_TRANSACTION)
                reply_transaction(work, first, answer);
        else
                reply_bundle(work, first, answer);
}
