#include "adapters/fhir/answer.h"

#include <stdio.h>
#include <string.h>

#include "adapters/fhir/json-write.h"
#include "base/clock.h"

void answer_deinit(Answer *answer) {
        buffer_deinit(&answer->body);
}

const char *status_text(unsigned status) {
        static const struct {
                unsigned status;
                const char *text;
        } texts[] = {
                { 200, "200 OK" },
                { 201, "201 Created" },
                { 204, "204 No Content" },
                { 400, "400 Bad Request" },
                { 401, "401 Unauthorized" },
                { 403, "403 Forbidden" },
                { 404, "404 Not Found" },
                { 405, "405 Method Not Allowed" },
                { 406, "406 Not Acceptable" },
                { 412, "412 Precondition Failed" },
                { 413, "413 Content Too Large" },
                { 415, "415 Unsupported Media Type" },
                { 422, "422 Unprocessable Content" },
                { 501, "501 Not Implemented" },
                { 503, "503 Service Unavailable" },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (texts[i].status == status)
                        return texts[i].text;
        return "500 Internal Server Error";
}

/* ---- OperationOutcome ---- */

static void write_member(Buffer *out, const char *name, const char *text) {
        buffer_append_byte(out, ',');
        json_write_name(out, name);
        json_write_text(out, text);
}

/* What is no JSON has lines and columns, and no FHIRPath. */
static bool is_path(const char *place) {
        return place && ((place[0] >= 'A' && place[0] <= 'Z') || strchr(place, '.'));
}

static void write_diagnostics(Buffer *out, const FhirIssue *issue) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;

        if (issue->path && issue->path[0] >= 'a' && issue->path[0] <= 'z' && !is_path(issue->path))
                buffer_append_format(&text, "%c%s: ", issue->path[0] - 'a' + 'A', issue->path + 1);
        buffer_append_text(&text, issue->text ? issue->text : "");
        buffer_append_byte(&text, '\0');
        if (!text.error)
                write_member(out, "diagnostics", (const char *)text.data);
}

static void issue_write(Buffer *out, const FhirIssue *issue) {
        buffer_append_text(out, "{\"severity\":");
        json_write_text(out, issue->severity);
        write_member(out, "code", issue->code);
        write_diagnostics(out, issue);
        if (is_path(issue->path)) {
                buffer_append_text(out, ",\"expression\":[");
                json_write_text(out, issue->path);
                buffer_append_byte(out, ']');
        }
        buffer_append_byte(out, '}');
}

void outcome_write(Buffer *out, const FhirIssue *issues, size_t n_issues) {
        static const FhirIssue well = { .severity = "information", .code = "informational", .text = "Stored." };

        buffer_append_text(out, "{\"resourceType\":\"OperationOutcome\",\"issue\":[");
        for (size_t i = 0; i < n_issues; i++) {
                if (i > 0)
                        buffer_append_byte(out, ',');
                issue_write(out, &issues[i]);
        }
        if (n_issues == 0)
                issue_write(out, &well);
        buffer_append_text(out, "]}");
}

void answer_refuse(Answer *answer, unsigned status, const char *code, const char *text) {
        const FhirIssue issue = { .severity = "error", .code = code, .text = text };

        answer->status = status;
        buffer_clear(&answer->body);
        outcome_write(&answer->body, &issue, 1);
}

/* ---- Bundles ---- */

void entry_location(const EntryOutcome *entry, char ret[ANSWER_LOCATION_SIZE]) {
        ret[0] = '\0';
        if (entry->type[0] && entry->id[0])
                snprintf(ret, ANSWER_LOCATION_SIZE, "%s/%s%s%s", entry->type, entry->id,
                         entry->version[0] ? "/_history/" : "", entry->version);
}

static bool is_success(unsigned status) {
        return status >= 200 && status < 300;
}

static void entry_write(Buffer *out, const EntryOutcome *entry, const char *stored_at) {
        char location[ANSWER_LOCATION_SIZE];

        entry_location(entry, location);
        buffer_append_text(out, "{\"response\":{\"status\":");
        json_write_text(out, status_text(entry->status));
        if (location[0] && is_success(entry->status))
                write_member(out, "location", location);
        if (entry->version[0] && is_success(entry->status))
                buffer_append_format(out, ",\"etag\":\"W/\\\"%s\\\"\"", entry->version);
        if (is_success(entry->status))
                write_member(out, "lastModified", stored_at);
        if (entry->n_issues > 0) {
                buffer_append_text(out, ",\"outcome\":");
                outcome_write(out, entry->issues, entry->n_issues);
        }
        buffer_append_text(out, "}}");
}

void answer_bundle(Answer *answer, const char *type, const EntryOutcome *entries, size_t n_entries, int64_t stored_at) {
        char at[CIVIL_TEXT_SIZE];

        civil_format(stored_at, at);
        buffer_append_text(&answer->body, "{\"resourceType\":\"Bundle\",\"type\":");
        json_write_text(&answer->body, type);
        /* An empty array is no valid JSON of FHIR. */
        if (n_entries > 0)
                buffer_append_text(&answer->body, ",\"entry\":[");
        for (size_t i = 0; i < n_entries; i++) {
                if (i > 0)
                        buffer_append_byte(&answer->body, ',');
                entry_write(&answer->body, &entries[i], at);
        }
        buffer_append_text(&answer->body, n_entries > 0 ? "]}" : "}");
        answer->status = 200;
}

void answer_message(Answer *answer, const MessageResponse *response, int64_t at) {
        Buffer *out = &answer->body;
        char text[CIVIL_TEXT_SIZE];

        civil_format(at, text);
        buffer_append_text(out, "{\"resourceType\":\"Bundle\"");
        write_member(out, "id", response->bundle_id);
        buffer_append_text(out, ",\"type\":\"message\"");
        write_member(out, "timestamp", text);
        buffer_append_format(
                out, ",\"entry\":[{\"fullUrl\":\"urn:uuid:%s\",\"resource\":{\"resourceType\":\"MessageHeader\"",
                response->header_id);
        write_member(out, "id", response->header_id);
        if (response->event) {
                buffer_append_byte(out, ',');
                json_write_name(out, response->event->name);
                json_write(out, response->event, NULL);
        }
        if (response->source) {
                buffer_append_text(out, ",\"destination\":[{\"endpoint\":");
                json_write(out, response->source, NULL);
                buffer_append_text(out, "}]");
        }
        buffer_append_text(out, ",\"source\":{\"software\":\"carebus\",\"endpoint\":");
        json_write_text(out, response->endpoint);
        buffer_append_byte(out, '}');
        if (response->identifier) {
                buffer_append_text(out, ",\"response\":{\"identifier\":");
                json_write_text(out, response->identifier);
                buffer_append_text(out, ",\"code\":\"ok\"}");
        }
        buffer_append_text(out, "}}]}");
        answer->status = 200;
}
