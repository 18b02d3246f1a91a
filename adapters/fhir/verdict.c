#include "adapters/fhir/verdict.h"

#include <stdio.h>
#include <string.h>

#include "adapters/fhir/json.h"
#include "base/text.h"

#define ARENA_MAX (64ul << 20)
#define QUIET_MAX 86400

static void say(Verdict *verdict, DestinationOutcome outcome, const char *code) {
        verdict->outcome = outcome;
        snprintf(verdict->code, sizeof(verdict->code), "%s", code);
}

/* ---- by status */

/* What a receiver will never have, however often it is asked. All else may be otherwise the next time. */
static bool is_for_ever(unsigned status) {
        static const unsigned statuses[] = { 400, 404, 405, 406, 410, 413, 414, 415, 422 };

        for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
                if (statuses[i] == status)
                        return true;
        return false;
}

static void judge_status(unsigned status, Verdict *ret) {
        char code[24];

        snprintf(code, sizeof(code), "%u", status);
        say(ret, is_for_ever(status) ? DESTINATION_REJECTED : DESTINATION_FAILED, code);
}

/* ---- by what a good status says */

static bool has_errors(const JsonNode *outcome) {
        const JsonNode *issues = json_peek(outcome, "issue");

        for (const JsonNode *issue = issues ? issues->first : NULL; issue; issue = issue->next) {
                const char *severity = json_said(issue, "severity");

                if (text_equal(severity, "error") || text_equal(severity, "fatal"))
                        return true;
        }
        return false;
}

static size_t count_entries(const JsonNode *bundle) {
        const JsonNode *entries = json_peek(bundle, "entry");

        return entries ? entries->n_children : 0;
}

/* All of it or nothing: an entry that is not good, or one too few, is no answer to this transaction. */
static void judge_transaction(const JsonNode *sent, const JsonNode *answer, Verdict *ret) {
        const JsonNode *entries = json_peek(answer, "entry");

        if (!text_equal(json_said(answer, "type"), "transaction-response") ||
            count_entries(sent) != count_entries(answer)) {
                say(ret, DESTINATION_FAILED, "other-answer");
                return;
        }
        for (const JsonNode *entry = entries ? entries->first : NULL; entry; entry = entry->next) {
                const char *status = json_said(json_peek(entry, "response"), "status");

                if (!status || status[0] != '2') {
                        say(ret, DESTINATION_FAILED, "entry-not-taken");
                        return;
                }
        }
        ret->outcome = DESTINATION_DELIVERED;
}

static const JsonNode *header_of(const JsonNode *bundle) {
        const JsonNode *entries = json_peek(bundle, "entry"),
                       *resource = entries ? json_peek(entries->first, "resource") : NULL;

        return resource && text_equal(json_said(resource, "resourceType"), "MessageHeader") ? resource : NULL;
}

static void judge_message(const JsonNode *sent, const JsonNode *answer, Verdict *ret) {
        static const struct {
                const char *code;
                DestinationOutcome outcome;
        } codes[] = { { "ok", DESTINATION_DELIVERED },
                      { "transient-error", DESTINATION_FAILED },
                      { "fatal-error", DESTINATION_REJECTED } };
        const JsonNode *response = json_peek(header_of(answer), "response");
        const char *code = json_said(response, "code");

        say(ret, DESTINATION_FAILED, "other-answer");
        if (!response || !text_equal(json_said(response, "identifier"), json_said(header_of(sent), "id")))
                return;
        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (text_equal(codes[i].code, code))
                        say(ret, codes[i].outcome, codes[i].outcome == DESTINATION_DELIVERED ? "" : code);
}

/* A message may be answered by an outcome alone, a notification by anything that is FHIR. */
static void judge_resource(EnvelopeForm form, const JsonNode *sent, const JsonNode *answer, Verdict *ret) {
        const char *type = json_said(answer, "resourceType");

        if (text_equal(type, "OperationOutcome") && form != ENVELOPE_TRANSACTION)
                say(ret, has_errors(answer) ? DESTINATION_FAILED : DESTINATION_DELIVERED,
                    has_errors(answer) ? "outcome" : "");
        else if (!text_equal(type, "Bundle") && form != ENVELOPE_NOTIFICATION)
                say(ret, DESTINATION_FAILED, "other-answer");
        else if (form == ENVELOPE_TRANSACTION)
                judge_transaction(sent, answer, ret);
        else if (form == ENVELOPE_MESSAGE)
                judge_message(sent, answer, ret);
        else
                say(ret, type ? DESTINATION_DELIVERED : DESTINATION_FAILED, type ? "" : "not-fhir");
}

static void judge_body(EnvelopeForm form, Bytes sent, const FetchResult *result, Verdict *ret) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        static const JsonLimits limits = JSON_LIMITS_DEFAULT;
        JsonNode *ours, *theirs;
        JsonError error;

        if (result->body.size == 0) { /* of a transaction nobody knows then what came of it */
                say(ret, form == ENVELOPE_TRANSACTION ? DESTINATION_FAILED : DESTINATION_DELIVERED,
                    form == ENVELOPE_TRANSACTION ? "no-answer" : "");
                return;
        }
        if (!result->is_json || arena_new(&arena, ARENA_MAX) < 0 ||
            json_read(result->body, &limits, arena, &theirs, &error) != 0 ||
            json_read(sent, &limits, arena, &ours, &error) != 0) {
                say(ret, DESTINATION_FAILED, "not-fhir");
                return;
        }
        judge_resource(form, ours, theirs, ret);
}

void verdict_read(EnvelopeForm form, Bytes sent, const FetchResult *result, Verdict *ret) {
        *ret = (Verdict){ 0 };
        if (result->never_left)
                say(ret, DESTINATION_NOT_CONNECTED, "not-connected");
        else if (result->status == 0)
                say(ret, DESTINATION_FAILED, "no-answer");
        else if (result->status >= 200 && result->status < 300)
                judge_body(form, sent, result, ret);
        else
                judge_status(result->status, ret);
        if (ret->outcome == DESTINATION_FAILED && result->retry_after > 0)
                ret->quiet = MIN(result->retry_after, (int64_t)QUIET_MAX);
}
