#pragma once
/*
 * What a request says before its body: headers as they came, and the rules of FHIR's REST interface on them. Knows no
 * socket and no message.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/fhir/answer.h"

/* All texts are borrowed; NULL where nothing was said. */
typedef struct HttpHead {
        const char *method, *path; /* decoded, without the query */
        const char *format;        /* _format of the query */
        bool has_search;           /* the query says more than how the answer is to look */
        bool has_body;
        const char *content_type, *content_encoding, *accept, *prefer;
        const char *if_none_exist, *if_match, *if_none_match;
        const char *authorization;
        const char *who;                               /* X-Carebus-Who: the person who looks */
        const char *identifier, *count, *page, *since; /* arguments of a search: identifier, _count, _page, _since */
        bool has_other_search;                         /* and others */
} HttpHead;

typedef enum Interaction {
        INTERACTION_METADATA,
        INTERACTION_SYSTEM,  /* POST /: a Bundle, or a single resource */
        INTERACTION_MESSAGE, /* POST /$process-message */
        INTERACTION_CREATE,
        INTERACTION_UPDATE,
        INTERACTION_DELETE,
} Interaction;

typedef enum Prefer { PREFER_NOTHING, PREFER_MINIMAL, PREFER_REPRESENTATION, PREFER_OUTCOME } Prefer;

typedef struct Route {
        Interaction interaction;
        char type[ANSWER_NAME_MAX + 1], id[ANSWER_NAME_MAX + 1]; /* of the path; empty: none */
        Prefer prefer;
        bool is_plain_json;
} Route;

/* Positive returns. */
enum {
        _ROUTE_E_SUCCESS,
        ROUTE_E_REFUSED, /* the answer says why */
};

/* 0 with `ret`, or ROUTE_E_REFUSED with `refusal`, to be deinitialised by the caller. */
int route_request(const HttpHead *head, Route *ret, Answer *refusal);

/* [A-Z][A-Za-z]{0,63} and [A-Za-z0-9.-]{1,64}. */
bool type_is_valid(const char *text);
bool id_is_valid(const char *text);

/* W/"3", "3" and 3 name version 3. False: it is none of those, or not a version that we would write. */
bool etag_read(const char *text, char ret[ANSWER_NAME_MAX + 1]);

/* The search of a conditional create: identifier=SYSTEM|VALUE, percent-encoded. Both on the heap. 0, ROUTE_E_REFUSED where it asks
 * for anything else, or -ENOMEM. */
int condition_read(const char *query, char **ret_system, char **ret_value);
