#pragma once
/*
 * What may be asked of the shared record, by carebusctl and by a team's program alike: one record, or who somebody may be. With a team only
 * what it sees is looked at, so that no answer tells of more. One thread: whoever owns the view.
 *
 * 0; ASK_E_REFUSED with `error` (a code) and `detail` (what to do next; both static or in the arena); negative: state or journal cannot be
 * read. Answers live in the arena.
 */
#include <sys/types.h>

#include "base/arena.h"
#include "carebus/v1/ask.pb-c.h"
#include "carebus/v1/feed.pb-c.h"
#include "daemon/record/states.h"
#include "daemon/serve/audit-say.h"
#include "daemon/serve/sight.h"

enum {
        _ASK_E_SUCCESS,
        ASK_E_REFUSED = 1,
};

typedef struct Ask {
        Sight *sight;
        View *view; /* the sight's, renewed */
        const Config *config;
        const Sharing *sharing;
        Arena *arena;
        ssize_t team;  /* whose rights; -1: all, which only operators may ask */
        AuditSay *say; /* what the answer gives goes there; whoever asks here ends it before the answer is sent */
        const char *error, *detail;
} Ask;

/* Candidates looked at for one question, and given back at most. */
#define ASK_COMPARED_MAX 512
#define ASK_CANDIDATES_MAX 50

int ask_record(Ask *ask, const Carebus__V1__RecordRequest *asked, Carebus__V1__Record **ret);
/* The likeliest first. A team finds whom it sees anything of, or has to do with, by what it sees of them. One that answers calls finds
 * anybody of whom three details are right (name, birth date, postcode, telephone, number), and is told name and birth date.
 * Somebody whose whereabouts are restricted is found by a number, or by name and birth date together, and never by
 * anything that tells where they are; nor is any of that said of them. */
int ask_find(Ask *ask, const Carebus__V1__FindRequest *asked, Carebus__V1__FindReply **ret);

/* The events of one person as the team sees them now, in order. */
int ask_events(Ask *ask, const Carebus__V1__EventsRequest *asked, Carebus__V1__EventsReply **ret);

/* How the sources that the team reads stand by now; ask->team is one. */
int ask_sources(Ask *ask, Carebus__V1__SourcesReply **ret);

/* A team's program asks; `ask->team` is its team, which the caller has looked up for the peer. What is refused is in the answer as well:
 * 0 or negative. */
int ask_answer(Ask *ask, const Carebus__V1__TeamRequest *request, Carebus__V1__TeamAnswer **ret);

/* For the files ask*.c. */
RecordPatience ask_patience(const Ask *ask);
int ask_refuse(Ask *ask, const char *error, const char *detail);
/* Patient ids that answer, of all who have this number, as far as the team sees them; without a system: under any. */
int ask_not_found(Ask *ask);
int ask_holders(Ask *ask, const Carebus__V1__Identifier *identifier, char ***ret_ids, size_t *ret_n);
