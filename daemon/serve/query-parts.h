#pragma once
/*
 * The query thread from inside: one handler a question. For the files query*.c only.
 *
 * A handler appends the answer's field of Reply to `out`. It returns 0, QUERY_E_REFUSED after query_refuse(), or negative
 * (fatal: state or journal cannot be read). Whatever it allocates lives in the arena until the reply has gone.
 */
#include "base/arena.h"
#include "carebus/v1/control.pb-c.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/serve/ask.h"
#include "daemon/serve/audit-say.h"
#include "daemon/serve/endpoint.h"
#include "daemon/serve/feed.h"
#include "daemon/serve/publish.h"
#include "daemon/serve/query.h"
#include "daemon/store/original.h"

enum {
        _QUERY_E_SUCCESS,
        QUERY_E_REFUSED,
        QUERY_E_LATER, /* the answer comes when another thread has it */
};

/* A reply stays below the reader's limit of a frame; what is longer comes in pages. */
#define QUERY_PAGE_BYTES (1U << 20)
#define QUERY_PAGE_ITEMS 256
#define QUERY_PAGE_ITEMS_MAX 4096
/* One original with its events is one frame, whatever its size. */
#define QUERY_FRAME_MAX (16U << 20)

/* What is alike in the open quarantine, counted as of `at`. */
typedef struct QuarantineGroup {
        char *key; /* source, reason, class */
        uint32_t count;
} QuarantineGroup;
typedef struct QuarantineGroups {
        uint64_t at; /* number that the state stood at */
        bool made;
        QuarantineGroup *items;
        size_t n_items, n_room;
} QuarantineGroups;

/* Who waits for what the feed thread finds out. */
#define QUERY_WAITING_MAX 32
typedef struct QueryWaiting {
        uint32_t ticket; /* 0: free */
        uint32_t id;     /* of the request */
        ZRoute route;
} QueryWaiting;

typedef struct Query {
        Worker *worker;
        View *view;
        Publisher *publisher;
        Sight *sight;
        AuditSay *say;
        OriginalCodec *codec;
        Config *config;
        Sharing *sharing;
        uint64_t settings_mark;
        Endpoint socket;
        Arena *arena;
        Buffer reply, scratch;
        FeedStatus *feeds;          /* newest word of the feed thread; may be NULL */
        struct QueryNewest *newest; /* of each team: query-status.c */
        QuarantineGroups groups;
        ZRoute asker;     /* of the request at hand, */
        const char *user; /* and as whom */
        QueryWaiting waiting[QUERY_WAITING_MAX];
        uint32_t ticket; /* given last */
        const char *error, *detail;
        bool stopping;
} Query;

/* Both texts are static or in the arena. Returns QUERY_E_REFUSED. */
int query_refuse(Query *query, const char *reason, const char *detail);
/* Appends a packed message as field `number`. */
int query_put(Buffer *out, unsigned number, const ProtobufCMessage *message);
/* Index of a team that the asker named; QUERY_E_REFUSED when there is none. `name` NULL: *ret is -1, no restriction. */
int query_team(Query *query, const char *name, ssize_t *ret);
/* The entry as it was journaled, in the arena; *ret_record borrowed until the next look into the journal. VIEW_E_NOT_FOUND,
 * JOURNAL_E_EXPIRED. */
int query_entry(Query *query, uint64_t seq, const JournalPlace *hint, Carebus__V1__Entry **ret,
                JournalRecord *ret_record);
/* Pointers to n messages in the arena, or NULL. */
void **query_array(Query *query, size_t n);

/* A question of the shared record, with nobody's rights yet but an operator's; and its answer as a handler's. */
Ask query_ask(const Query *query);
int query_asked(Query *query, const Ask *ask, int r);

int query_status(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_tail(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_trace(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_record(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_find(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_quarantine_list(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_quarantine_show(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_review_list(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_identity_show(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_sharing_show(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_converge(Query *query, const Carebus__V1__Request *request, Buffer *out);
/* query-grant.c */
int query_grant_list(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_why(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_audit_who(Query *query, const Carebus__V1__Request *request, Buffer *out);
int query_receipts(Query *query, const Carebus__V1__Request *request, Buffer *out);
/* What the feed thread found out goes to who asked. */
int query_tell_converge(Query *query);

/* What each team saw last is looked for anew: the rules are others. */
void query_newest_forget(Query *query);
/* To the audit: what follows is given to who asks, by the rights of this team (-1: an operator's own). */
void query_say_begin(Query *query, ssize_t team, Carebus__V1__AuditWay way);
/* It stands there now: 0; QUERY_E_REFUSED where there is no room for it; negative. */
int query_say_end(Query *query);
/* That somebody was told no, or of nobody, stands there as what they are told does. `request` NULL: it could not be read. 0 or negative. */
int query_say_refused(Query *query, const Carebus__V1__Request *request, const char *code);
void query_groups_deinit(QuarantineGroups *groups);
