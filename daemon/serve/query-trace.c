/*
 * Trace: one message's way, stage by stage, as journal and state tell it. Ids, counts, codes and times; never content.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "daemon/record/read.h"
#include "daemon/serve/query-parts.h"
#include "daemon/store/state-keys.h"

enum { REPLY_TRACE = 21 };

#define ENTRIES_MAX 64
#define STEPS_MAX 12 /* more than any entry has */

typedef struct Trace {
        Query *query;
        Carebus__V1__TraceReply reply;
        Carebus__V1__TraceEntry *entries[ENTRIES_MAX];
} Trace;

static int add_step(Trace *trace, Carebus__V1__TraceEntry *entry, const char *stage, const char *result, char *detail) {
        Carebus__V1__TraceStep *step = arena_alloc(trace->query->arena, sizeof(*step));

        if (!step || !detail || entry->n_steps == STEPS_MAX)
                return -ENOMEM;
        *step = (Carebus__V1__TraceStep)CAREBUS__V1__TRACE_STEP__INIT;
        step->stage = (char *)stage;
        step->result = (char *)result;
        step->detail = detail[0] ? detail : NULL;
        entry->steps[entry->n_steps++] = step;
        return 0;
}

/* Before and in the journal the bus's clock says when; what the fold does has no clock. */
static int add_timed_step(Trace *trace, Carebus__V1__TraceEntry *entry, const char *stage, const char *result,
                          int64_t at, char *detail) {
        int r = add_step(trace, entry, stage, result, detail);

        if (r == 0) {
                entry->steps[entry->n_steps - 1]->has_done_at = true;
                entry->steps[entry->n_steps - 1]->done_at = at;
        }
        return r;
}

static int steps_of_submission(Trace *trace, Carebus__V1__TraceEntry *entry,
                               const Carebus__V1__StoredSubmission *submission, int64_t received_at) {
        Arena *arena = trace->query->arena;
        const Carebus__V1__Original *original = submission->original;
        int r;

        r = add_timed_step(trace, entry, "accept", "ok", received_at,
                           arena_format(arena, "bytes=%" PRIu32 " media_type=%s%s%s", original ? original->size : 0,
                                        submission->media_type ? submission->media_type : "-",
                                        submission->trigger ? " trigger=" : "",
                                        submission->trigger ? submission->trigger : ""));
        if (r == 0)
                r = add_timed_step(trace, entry, "admit", "ok", received_at,
                                   arena_format(arena, "sender=%s source=%s",
                                                submission->sender ? submission->sender : "-",
                                                submission->source ? submission->source : "-"));
        if (r == 0)
                r = add_timed_step(trace, entry, "normalise", submission->problem ? "problem" : "ok", received_at,
                                   submission->problem
                                           ? arena_format(arena, "events=%zu code=%s position=%s", submission->n_events,
                                                          submission->problem->code ? submission->problem->code : "-",
                                                          submission->problem->position ? submission->problem->position
                                                                                        : "-")
                                           : arena_format(arena, "events=%zu", submission->n_events));
        return r;
}

static char *join_patients(Arena *arena, const Carebus__V1__Outcome *outcome) {
        char *text = arena_format(arena, "patients=");
        size_t n = 0;

        for (size_t i = 0; text && i < outcome->n_patient_ids; i++) {
                bool again = outcome->patient_ids[i][0] == '\0';
                for (size_t j = 0; j < i; j++)
                        again = again || strcmp(outcome->patient_ids[i], outcome->patient_ids[j]) == 0;
                if (!again)
                        text = arena_format(arena, "%s%s%s", text, n++ ? "," : "", outcome->patient_ids[i]);
        }
        return n ? text : arena_format(arena, "%s", "");
}

/* Teams that would be given any of its events now. */
static int team_sees_any(Trace *trace, PublishedEntry *entry, size_t team, bool *ret) {
        *ret = false;
        for (size_t i = 0; i < entry->n_events && !*ret; i++) {
                SightAnswer answer;
                int r = sight_of(trace->query->sight, entry, i, team, &answer);

                if (r < 0)
                        return r;
                *ret = answer.gives != SIGHT_NOTHING;
        }
        return 0;
}

static int step_publish(Trace *trace, Carebus__V1__TraceEntry *entry, uint64_t seq) {
        _cleanup_(published_entry_freep) PublishedEntry *published = NULL;
        const Query *query = trace->query;
        char *text = arena_format(query->arena, "teams=");
        size_t n = 0;
        int r;

        r = publisher_entry(query->publisher, query->view, seq, &published);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        for (size_t i = 0; text && i < query->config->n_teams; i++) {
                bool sees;

                r = team_sees_any(trace, published, i, &sees);
                if (r < 0)
                        return r;
                if (sees)
                        text = arena_format(query->arena, "%s%s%s", text, n++ ? "," : "", query->config->teams[i].name);
        }
        return add_step(trace, entry, "publish", "ok", n || !text ? text : arena_format(query->arena, "teams=-"));
}

static int step_dedupe(Trace *trace, Carebus__V1__TraceEntry *entry, const Carebus__V1__Outcome *outcome) {
        Arena *arena = trace->query->arena;

        if (outcome->duplicate_of)
                return add_step(trace, entry, "dedupe", "duplicate",
                                arena_format(arena, "of=%" PRIu64, outcome->duplicate_of));
        return add_step(trace, entry, "dedupe", "new", arena_format(arena, "%s", ""));
}

static int step_quarantine(Trace *trace, Carebus__V1__TraceEntry *entry, const Carebus__V1__Outcome *outcome) {
        Arena *arena = trace->query->arena;
        const char *resolution = outcome->resolution && outcome->resolution[0] ? outcome->resolution : "open";

        if (!outcome->quarantined)
                return 0;
        return add_step(trace, entry, "quarantine", resolution,
                        outcome->resolved_by
                                ? arena_format(arena, "reason=%s class=%s by=%" PRIu64, outcome->quarantined,
                                               outcome->class_ ? outcome->class_ : "-", outcome->resolved_by)
                                : arena_format(arena, "reason=%s class=%s", outcome->quarantined,
                                               outcome->class_ ? outcome->class_ : "-"));
}

static int steps_of_outcome(Trace *trace, Carebus__V1__TraceEntry *entry, const Carebus__V1__Outcome *outcome) {
        Arena *arena = trace->query->arena;
        int r = 0;

        if (strcmp(entry->kind, "submission") == 0)
                r = step_dedupe(trace, entry, outcome);
        if (r == 0)
                r = step_quarantine(trace, entry, outcome);
        if (r == 0 && outcome->n_patient_ids > 0)
                r = add_step(trace, entry, "identify", "ok", join_patients(arena, outcome));
        if (r == 0 && outcome->refused)
                r = add_step(trace, entry, "project", "refused",
                             arena_format(arena, "reason=%s about=%" PRIu64, outcome->refused, outcome->about_seq));
        else if (r == 0 && (outcome->event_count > 0 || strcmp(entry->kind, "decision") == 0))
                r = add_step(trace, entry, "project", "ok",
                             arena_format(arena, "events=%" PRIu32 " derived=%zu%s%s",
                                          outcome->event_count - (uint32_t)outcome->n_held, outcome->n_derived,
                                          outcome->n_held ? arena_format(arena, " held=%zu", outcome->n_held) : "",
                                          outcome->belated ? " belated" : ""));
        if (r == 0 && outcome->event_count > 0)
                r = step_publish(trace, entry, outcome->seq);
        return r;
}

static int kind_steps(Trace *trace, Carebus__V1__TraceEntry *entry, const Carebus__V1__Entry *stored,
                      int64_t received_at) {
        Arena *arena = trace->query->arena;

        switch (stored->kind_case) {
        case CAREBUS__V1__ENTRY__KIND_SUBMISSION:
                entry->kind = (char *)"submission";
                entry->source = stored->submission->source;
                entry->message_id = stored->submission->message_id;
                return steps_of_submission(trace, entry, stored->submission, received_at);
        case CAREBUS__V1__ENTRY__KIND_DECISION:
                entry->kind = (char *)"decision";
                return add_timed_step(trace, entry, "accept", "ok", received_at,
                                      arena_format(arena, "who=%s about=%" PRIu64,
                                                   stored->decision->who ? stored->decision->who : "-",
                                                   stored->decision->seq));
        case CAREBUS__V1__ENTRY__KIND_TICK:
                entry->kind = (char *)"tick";
                return 0;
        case CAREBUS__V1__ENTRY__KIND_SETTINGS:
                entry->kind = (char *)"settings";
                return 0;
        case CAREBUS__V1__ENTRY__KIND_DICTIONARY:
                entry->kind = (char *)"dictionary";
                return 0;
        default:
                entry->kind = (char *)"unknown";
                return 0;
        }
}

static bool is_traced(const Trace *trace, uint64_t seq) {
        for (size_t i = 0; i < trace->reply.n_entries; i++)
                if (trace->entries[i]->seq == seq)
                        return true;
        return false;
}

static int trace_entry(Trace *trace, uint64_t seq, Carebus__V1__Outcome **ret_outcome) {
        Query *query = trace->query;
        Carebus__V1__TraceEntry *entry = arena_alloc(query->arena, sizeof(*entry));
        Carebus__V1__Outcome *outcome;
        Carebus__V1__Entry *stored;
        JournalRecord record;
        JournalPlace place;
        int r;

        r = outcome_read(view_txn(query->view), seq, query->arena, &outcome);
        if (r == RECORD_E_NOT_FOUND)
                return VIEW_E_NOT_FOUND;
        if (r != 0 || !entry)
                return r != 0 ? error_fold(r) : -ENOMEM;
        *entry = (Carebus__V1__TraceEntry)CAREBUS__V1__TRACE_ENTRY__INIT;
        entry->has_seq = true;
        entry->seq = seq;
        entry->source = outcome->source;
        entry->kind = outcome->kind ? outcome->kind : (char *)"unknown";
        entry->steps = (Carebus__V1__TraceStep **)query_array(query, STEPS_MAX);
        if (!entry->steps)
                return -ENOMEM;
        place = (JournalPlace){ .segment = outcome->segment, .offset = outcome->offset };
        r = query_entry(query, seq, &place, &stored, &record);
        if (r == 0)
                r = kind_steps(trace, entry, stored, record.received_at);
        else if (r == JOURNAL_E_EXPIRED)
                r = add_step(trace, entry, "accept", "expired", arena_format(query->arena, "%s", ""));
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        r = add_timed_step(trace, entry, "journal", "durable", outcome->received_at,
                           arena_format(query->arena, "segment=%" PRIu64 " offset=%" PRIu64, outcome->segment,
                                        outcome->offset));
        if (r == 0)
                r = steps_of_outcome(trace, entry, outcome);
        if (r != 0)
                return r;
        trace->entries[trace->reply.n_entries++] = entry;
        *ret_outcome = outcome;
        return 0;
}

/* The entry, and the ones that belong to its way: the first of which it is a repeat, what read it again or decided on it. */
static int trace_with_kin(Trace *trace, uint64_t seq) {
        uint64_t waiting[4] = { seq };
        size_t n = 1;

        while (n > 0 && trace->reply.n_entries < ENTRIES_MAX) {
                Carebus__V1__Outcome *outcome = NULL;
                uint64_t next = waiting[--n];
                int r;

                if (next == 0 || is_traced(trace, next))
                        continue;
                r = trace_entry(trace, next, &outcome);
                if (r == VIEW_E_NOT_FOUND)
                        continue;
                if (r != 0)
                        return r;
                if (n + 3 > ELEMENTSOF(waiting))
                        continue;
                waiting[n++] = outcome->resolved_by;
                waiting[n++] = outcome->duplicate_of;
                waiting[n++] = outcome->about_seq;
        }
        return 0;
}

typedef struct SeqList {
        uint64_t seqs[ENTRIES_MAX];
        size_t n;
} SeqList;

static int take_seq(Bytes key, Bytes value, void *owner) {
        SeqList *list = owner;

        if (value.size < sizeof(uint64_t))
                return -EBADMSG;
        if (list->n == ENTRIES_MAX)
                return 1;
        list->seqs[list->n++] = load_le64(value.data);
        return 0;
}

/* A message id may have been used at several times: each is a message. */
static int trace_by_message_id(Trace *trace, const char *source, const char *message_id) {
        StateKey key = state_key_dedupe(source, message_id, 0);
        SeqList list = { .n = 0 };
        Bytes prefix;
        int r;

        if (key.error < 0)
                return key.error;
        prefix = bytes_of(key.data, key.size - sizeof(int64_t));
        r = state_walk(view_txn(trace->query->view), STATE_DEDUPE, prefix, prefix, take_seq, &list);
        for (size_t i = 0; r >= 0 && i < list.n; i++)
                r = trace_with_kin(trace, list.seqs[i]);
        return MIN(r, 0);
}

int query_trace(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__TraceRequest *asked = request->trace;
        Trace trace = { .query = query, .reply = CAREBUS__V1__TRACE_REPLY__INIT };
        int r;

        trace.reply.entries = trace.entries;
        if (asked->has_seq)
                r = trace_with_kin(&trace, asked->seq);
        else
                r = trace_by_message_id(&trace, asked->source, asked->message_id);
        return r == 0 ? query_put(out, REPLY_TRACE, &trace.reply.base) : r;
}
