#pragma once
/*
 * What a client is told: a status, a few headers, and JSON. Nothing of a message is ever in it but what the client itself sent
 * and asked to have back (Prefer: return=representation).
 */
#include <stdbool.h>
#include <stdint.h>

#include "adapters/fhir/translate.h"
#include "base/bytes.h"

#define ANSWER_NAME_MAX 64       /* of a type, an id, a version: R4 has it so */
#define ANSWER_LOCATION_SIZE 256 /* Type/id/_history/version */

typedef struct Answer {
        unsigned status;
        Buffer body;                         /* JSON; empty: none */
        char location[ANSWER_LOCATION_SIZE]; /* from the base; empty: none */
        char version[ANSWER_NAME_MAX + 1];   /* for ETag; empty: none */
        int64_t last_modified;               /* microseconds since 1970 UTC; 0: not said */
        unsigned retry_after;                /* seconds; 0: not said */
        const char *allow;                   /* static; NULL: none */
        bool wants_bearer;                   /* WWW-Authenticate */
        bool is_plain_json;                  /* application/json was asked for */
} Answer;
void answer_deinit(Answer *answer);

/* An OperationOutcome. With no issue it says that all is well. */
void outcome_write(Buffer *out, const FhirIssue *issues, size_t n_issues);
/* An answer that is one issue of severity error. `code` is of http://hl7.org/fhir/issue-type; texts are ours, without content. */
void answer_refuse(Answer *answer, unsigned status, const char *code, const char *text);

/* What became of one resource, for entry.response of a Bundle and for the headers of an answer to one. */
typedef struct EntryOutcome {
        unsigned status;
        char type[ANSWER_NAME_MAX + 1], id[ANSWER_NAME_MAX + 1], version[ANSWER_NAME_MAX + 1]; /* empty: none */
        const FhirIssue *issues;
        size_t n_issues;
} EntryOutcome;

/* transaction-response or batch-response. */
void answer_bundle(Answer *answer, const char *type, const EntryOutcome *entries, size_t n_entries, int64_t stored_at);
/* Of a message Bundle: a MessageHeader that answers the one with `identifier`. `event` is its event[x] as JSON, or NULL. */
typedef struct MessageResponse {
        const char *bundle_id, *header_id; /* ids of the response's own resources */
        const char *identifier;            /* MessageHeader.id of the request, else its Bundle.id; NULL: none */
        const JsonNode *event;             /* the member eventCoding or eventUri; or NULL */
        const JsonNode *source; /* the request's source.endpoint, which becomes destination.endpoint; or NULL */
        const char *endpoint;   /* ours */
} MessageResponse;
void answer_message(Answer *answer, const MessageResponse *response, int64_t at);

/* Puts Type/id/_history/version into location; nothing where type or id is empty. */
void entry_location(const EntryOutcome *entry, char ret[ANSWER_LOCATION_SIZE]);
/* The reason phrase of a status, as FHIR wants it in entry.response.status: "201 Created". Static text. */
const char *status_text(unsigned status);
