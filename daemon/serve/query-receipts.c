/*
 * What came of what a source sent: used, known already, waiting and why; which teams may see any of it, and which have it. Ids, names and
 * codes; never content, and nothing of whom it was about.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/serve/query-given.h"
#include "daemon/serve/sight.h"
#include "daemon/store/state-keys.h"

enum { REPLY_RECEIPTS = 31 };

#define LIMIT_DEFAULT 100
#define LOOKED_AT_MAX 20000 /* entries of all sources for one page; the next goes on where it stopped */

typedef struct Receipts {
        Query *query;
        const Carebus__V1__ReceiptsRequest *asked;
        Carebus__V1__ReceiptsReply reply;
        Carebus__V1__Outcome **outcomes; /* one a receipt */
        size_t limit;
        Carebus__V1__Parked **parked;
        size_t n_parked;
        GivenList given;
} Receipts;

/* ---- one entry ---------------------------------------------------------------------------------------------------------------- */

/* What became of it, the first that fits. */
static const char *outcome_says(const Carebus__V1__Outcome *outcome) {
        const size_t own = outcome->event_count - MIN((size_t)outcome->event_count, outcome->n_derived);

        if (outcome->duplicate_of)
                return "duplicate";
        if (outcome->quarantined && !(outcome->resolution && outcome->resolution[0]))
                return outcome->n_held > 0 || own > 0 ? "held" : "quarantined";
        if (own > 0 && outcome->n_echoes >= own)
                return "echo";
        return own > 0 && outcome->n_confirms >= own ? "confirms" : "used";
}

static int receipt_message_id(Query *query, const Carebus__V1__Outcome *outcome, char **ret) {
        const JournalPlace place = { .segment = outcome->segment, .offset = outcome->offset };
        Carebus__V1__Entry *entry;
        JournalRecord record;
        int r = query_entry(query, outcome->seq, &place, &entry, &record);

        *ret = NULL;
        if (r == 0 && entry->kind_case == CAREBUS__V1__ENTRY__KIND_SUBMISSION)
                *ret = entry->submission->message_id;
        return r == JOURNAL_E_EXPIRED ? 0 : error_fold(r);
}

static int receipt_add(Receipts *receipts, uint64_t seq, Carebus__V1__Outcome *outcome) {
        Query *query = receipts->query;
        Carebus__V1__SourceReceipt *receipt = arena_alloc(query->arena, sizeof(*receipt));
        int r;

        if (!receipt)
                return -ENOMEM;
        carebus__v1__source_receipt__init(receipt);
        outcome->seq = seq;
        r = receipt_message_id(query, outcome, &receipt->message_id);
        if (r < 0)
                return r;
        receipt->has_seq = receipt->has_received_at = receipt->has_events = true;
        receipt->seq = seq;
        receipt->received_at = outcome->received_at;
        receipt->events = outcome->event_count - (uint32_t)MIN((size_t)outcome->event_count, outcome->n_derived);
        receipt->outcome = (char *)outcome_says(outcome);
        receipt->reason = outcome->quarantined && !(outcome->resolution && outcome->resolution[0])
                                  ? outcome->quarantined
                                  : NULL;
        receipts->outcomes[receipts->reply.n_receipts] = outcome;
        receipts->reply.receipts[receipts->reply.n_receipts++] = receipt;
        return 0;
}

static int receipt_look(Receipts *receipts, uint64_t seq) {
        Carebus__V1__Outcome *outcome;
        ArenaMark mark = arena_mark(receipts->query->arena);
        int r = outcome_read(view_txn(receipts->query->view), seq, receipts->query->arena, &outcome);

        if (r == RECORD_E_NOT_FOUND)
                return 0;
        if (r != 0)
                return error_fold(r);
        if (text_equal(outcome->kind, "submission") && text_equal(outcome->source, receipts->asked->source))
                return receipt_add(receipts, seq, outcome);
        arena_rewind(receipts->query->arena, mark);
        return 0;
}

/* ---- which entries -------------------------------------------------------------------------------------------------------------- */

/* Newest first. Where a page ends before the beginning, the next one goes on below. */
static int receipts_below(Receipts *receipts) {
        const uint64_t head = view_head(receipts->query->view);
        const uint64_t before = receipts->asked->before_seq ? receipts->asked->before_seq : head + 1;
        uint64_t seq = MIN(before, head + 1);
        int r = 0;

        for (unsigned n = 0; r == 0 && seq > 1 && n < LOOKED_AT_MAX && receipts->reply.n_receipts < receipts->limit;
             n++)
                r = receipt_look(receipts, --seq);
        receipts->reply.has_next_before_seq = seq > 1;
        receipts->reply.next_before_seq = seq;
        return r;
}

static int take_seq(Bytes key, Bytes value, void *owner) {
        Receipts *receipts = owner;

        (void)key;
        if (value.size < sizeof(uint64_t))
                return -EBADMSG;
        return receipts->reply.n_receipts == receipts->limit ? 1 : receipt_look(receipts, load_le64(value.data));
}

static int receipts_of_message(Receipts *receipts) {
        StateKey key = state_key_dedupe(receipts->asked->source, receipts->asked->message_id, 0);
        Bytes prefix;
        int r;

        if (key.error < 0)
                return key.error;
        prefix = bytes_of(key.data, key.size - sizeof(int64_t));
        r = state_walk(view_txn(receipts->query->view), STATE_DEDUPE, prefix, prefix, take_seq, receipts);
        return MIN(error_fold(r < 0 ? r : 0), 0);
}

/* ---- who has it --------------------------------------------------------------------------------------------------------------------- */

static int take_parked(Bytes key, Bytes value, void *owner) {
        Receipts *receipts = owner;
        Arena *arena = receipts->query->arena;
        const ArenaMark mark = arena_mark(arena);
        Carebus__V1__QuarantineItem *item;
        int r;

        (void)key;
        r = message_unpack(&carebus__v1__quarantine_item__descriptor, value, arena, (ProtobufCMessage **)&item);
        if (r == 0 && item->parked)
                return list_append((void ***)&receipts->parked, &receipts->n_parked, item->parked, arena);
        arena_rewind(arena, mark);
        return r;
}

static bool is_parked(const Receipts *receipts, const Given *given, const char *patient_id) {
        for (size_t i = 0; i < receipts->n_parked; i++) {
                const Carebus__V1__Parked *parked = receipts->parked[i];
                const Place from = { .seq = parked->from_seq, .index = parked->from_index };

                if (text_equal(parked->team, given->team) && text_equal(parked->consumer, given->consumer) &&
                    text_equal(parked->patient_id, patient_id) && place_compare(given->place, from) >= 0)
                        return true;
        }
        return false;
}

static Carebus__V1__ReceiptTeam *team_find(Carebus__V1__SourceReceipt *receipt, const char *team,
                                           const char *consumer) {
        for (size_t i = 0; i < receipt->n_teams; i++)
                if (text_equal(receipt->teams[i]->team, team) && text_equal(receipt->teams[i]->consumer, consumer))
                        return receipt->teams[i];
        return NULL;
}

static int team_add(Receipts *receipts, Carebus__V1__SourceReceipt *receipt, const char *team, const char *consumer,
                    Carebus__V1__ReceiptTeam **ret) {
        Carebus__V1__ReceiptTeam *line = arena_alloc(receipts->query->arena, sizeof(*line));

        if (!line)
                return -ENOMEM;
        carebus__v1__receipt_team__init(line);
        line->team = (char *)(uintptr_t)team;
        line->consumer = (char *)(uintptr_t)consumer;
        *ret = line;
        return list_append((void ***)&receipt->teams, &receipt->n_teams, line, receipts->query->arena);
}

/* Several events of a message are one line: sent when the last was, acknowledged when all are, parked when one is. */
static int receipt_given(Receipts *receipts, Carebus__V1__SourceReceipt *receipt, const Carebus__V1__Outcome *outcome,
                         const Given *given) {
        const char *consumer = given_consumer(given);
        const char *patient_id = given->place.index < outcome->n_patient_ids ? outcome->patient_ids[given->place.index]
                                                                             : NULL;
        Carebus__V1__ReceiptTeam *line = team_find(receipt, given->team, consumer);
        int64_t at = 0;
        int r = 0;

        if (!line)
                r = team_add(receipts, receipt, given->team, consumer, &line);
        if (r < 0)
                return r;
        line->has_sent_at = true;
        line->sent_at = MAX(line->sent_at, given->sent_at);
        if (patient_id && is_parked(receipts, given, patient_id))
                line->state = (char *)"parked";
        else if (!given_acknowledged(receipts->query, given, &at))
                line->state = text_equal(line->state, "parked") ? line->state : (char *)"sent";
        else if (!line->state) {
                line->state = (char *)"acknowledged";
                line->has_acknowledged_at = true;
        }
        line->acknowledged_at = MAX(line->acknowledged_at, at);
        line->has_acknowledged_at = text_equal(line->state, "acknowledged");
        return 0;
}

/* Also where the audit has no more of it than that: retention removed when and how. */
static bool was_given(const Receipts *receipts, const Carebus__V1__SourceReceipt *receipt, const char *team) {
        for (uint32_t i = 0; i < receipt->events; i++)
                if (audit_was_given(receipts->query->worker->audit, team, receipt->seq, i))
                        return true;
        return false;
}

/* Teams that may see some of it now, and were given none; and those of whom no more is known than that they were. */
static int receipt_not_yet(Receipts *receipts, Carebus__V1__SourceReceipt *receipt) {
        const Config *config = receipts->query->config;

        for (size_t team = 0; team < config->n_teams; team++) {
                Carebus__V1__ReceiptTeam *line;
                bool known = false, sees = false, given = false;
                int r = 0;

                for (size_t i = 0; i < receipt->n_teams; i++)
                        known = known || text_equal(receipt->teams[i]->team, config->teams[team].name);
                given = !known && was_given(receipts, receipt, config->teams[team].name);
                for (uint32_t i = 0; !known && !given && !sees && r == 0 && i < receipt->events; i++) {
                        SightAnswer answer;

                        r = sight_of_event(receipts->query->sight, receipt->seq, i, team, &answer, NULL);
                        sees = r == 0 && (answer.gives == SIGHT_PART || answer.gives == SIGHT_WHOLE);
                }
                if (r != 0 && r != VIEW_E_NOT_FOUND)
                        return error_fold(r);
                if (!sees && !given)
                        continue;
                r = team_add(receipts, receipt, config->teams[team].name, NULL, &line);
                if (r < 0)
                        return r;
                line->state = (char *)(given ? "sent" : "not-yet");
        }
        return 0;
}

static int by_seq(const void *a, const void *b) {
        const uint64_t *first = a, *second = b;

        return *first < *second ? -1 : *first > *second;
}

static int receipts_given(Receipts *receipts) {
        Query *query = receipts->query;
        const size_t n = receipts->reply.n_receipts;
        uint64_t *seqs = arena_alloc(query->arena, (n + 1) * sizeof(*seqs));
        int r;

        if (!seqs)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                seqs[i] = receipts->reply.receipts[i]->seq;
        if (n > 1)
                qsort(seqs, n, sizeof(*seqs), by_seq);
        r = given_of_entries(query, seqs, n, &receipts->given);
        if (r == 0)
                r = error_fold(state_walk(view_txn(query->view), STATE_QUARANTINE, BYTES_NULL, BYTES_NULL, take_parked,
                                          receipts));
        for (size_t i = 0; r == 0 && i < n; i++) {
                Carebus__V1__SourceReceipt *receipt = receipts->reply.receipts[i];

                for (size_t g = 0; r == 0 && g < receipts->given.n; g++)
                        if (receipts->given.items[g].place.seq == receipt->seq &&
                            receipts->given.items[g].place.index < receipt->events)
                                r = receipt_given(receipts, receipt, receipts->outcomes[i], &receipts->given.items[g]);
                if (r == 0)
                        r = receipt_not_yet(receipts, receipt);
        }
        return r;
}

int query_receipts(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__ReceiptsRequest *asked = request->receipts;
        Receipts receipts = { .query = query, .asked = asked, .reply = CAREBUS__V1__RECEIPTS_REPLY__INIT };
        int r;

        if (config_find_source(query->config, asked->source) < 0)
                return query_refuse(query, "unknown-source",
                                    "the configuration has no source of this name: `carebusctl status` lists them");
        receipts.limit = asked->limit ? MIN(asked->limit, (uint32_t)QUERY_PAGE_ITEMS) : LIMIT_DEFAULT;
        receipts.reply.receipts = (Carebus__V1__SourceReceipt **)query_array(query, receipts.limit);
        receipts.outcomes = (Carebus__V1__Outcome **)query_array(query, receipts.limit);
        if (!receipts.reply.receipts || !receipts.outcomes)
                return -ENOMEM;
        r = asked->message_id ? receipts_of_message(&receipts) : receipts_below(&receipts);
        if (r == 0)
                r = receipts_given(&receipts);
        return r == 0 ? query_put(out, REPLY_RECEIPTS, &receipts.reply.base) : r;
}
