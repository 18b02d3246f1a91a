/*
 * One entry of the journal into the state. What is settled here: which kind it is, whether it is new, whether it can be used; and
 * that each entry, whatever it is, leaves an outcome.
 */
#include "daemon/stage/fold.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/match.h"
#include "daemon/record/keys.h"
#include "daemon/record/read.h"
#include "daemon/stage/dedupe.h"
#include "daemon/stage/fold-parts.h"
#include "daemon/stage/due.h"
#include "daemon/stage/grant.h"
#include "daemon/stage/park.h"
#include "daemon/stage/quarantine.h"
#include "daemon/stage/reader-forget.h"
#include "daemon/stage/recall.h"
#include "daemon/stage/review.h"
#include "daemon/stage/retention-fold.h"
#include "daemon/stage/scope.h"
#include "daemon/stage/settings.h"
#include "daemon/stage/silence.h"
#include "daemon/stage/use.h"
#include "proto/check.h"

/* Of one entry: far beyond what an admitted message and the facts that it touches can come to (tests/scenario/test-hostile.c has the
 * worst that is known, a third of it). Address space, not memory. */
#define ENTRY_ARENA_BYTES (1024UL * 1024UL * 1024UL)
#define SETTINGS_ARENA_BYTES (8UL * 1024UL * 1024UL)

#define META_FOLD_VERSION "fold_version"

int fold_new(Fold **ret) {
        _cleanup_(fold_freep) Fold *fold = calloc(1, sizeof(*fold));
        int r;

        if (!fold)
                return -ENOMEM;
        r = arena_new(&fold->arena, ENTRY_ARENA_BYTES);
        if (r == 0)
                r = arena_new(&fold->settings_arena, SETTINGS_ARENA_BYTES);
        if (r == 0)
                r = overlay_new(&fold->overlay);
        if (r == 0)
                r = recall_new(&fold->recall);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(fold);
        return 0;
}

Fold *fold_free(Fold *fold) {
        if (!fold)
                return NULL;
        match_rules_free(fold->rules);
        recall_free(fold->recall);
        silence_clear(fold);
        overlay_free(fold->overlay);
        arena_free(fold->settings_arena);
        arena_free(fold->arena);
        free(fold->counts);
        free(fold);
        return NULL;
}

void fold_set_earlier(Fold *fold, FoldEarlier earlier, void *owner) {
        fold->earlier = earlier;
        fold->earlier_owner = owner;
}

int fold_earlier(JournalReader **reader, const char *journal_folder, uint64_t seq, const JournalPlace *hint,
                 Bytes *ret) {
        JournalRecord record;
        int r = *reader ? 0 : journal_reader_open(journal_folder, reader);

        if (r == 0)
                r = journal_reader_get(*reader, seq, hint, &record);
        if (r == 0)
                *ret = record.payload;
        return r == JOURNAL_E_EXPIRED || r <= 0 ? r : -EBADMSG;
}

int fold_load(Fold *fold, StateTxn *txn) {
        overlay_clear(fold->overlay);
        recall_clear(fold->recall);
        silence_clear(fold);
        fold->n_counts = fold->n_told = 0;
        fold->n_overdue = 0;
        fold->seq = state_folded_seq(txn);
        return settings_load(fold, txn);
}

uint64_t fold_seq(const Fold *fold) {
        return fold->seq;
}

uint32_t fold_version_of(StateTxn *txn) {
        StateKey key = state_key_meta(META_FOLD_VERSION);
        Bytes value;

        if (state_get(txn, STATE_META, state_key_all(&key), &value) != 0 || value.size != sizeof(uint32_t))
                return 0;
        return load_le32(value.data);
}

static int counter_set(StateTxn *txn, const char *source, const char *counter, uint64_t value) {
        uint64_t before = state_count_get(txn, source, counter);

        return before == value ? 0 : state_count_add(txn, source, counter, value - before);
}

static int counts_flush(Fold *fold, StateTxn *txn) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < fold->n_counts; i++) {
                const FoldCounts *counts = &fold->counts[i];

                if (counts->stored)
                        r = state_count_add(txn, counts->source, RECORD_COUNT_STORED, counts->stored);
                if (r == 0 && counts->duplicate)
                        r = state_count_add(txn, counts->source, RECORD_COUNT_DUPLICATE, counts->duplicate);
                if (r == 0 && counts->quarantined)
                        r = state_count_add(txn, counts->source, RECORD_COUNT_QUARANTINED, counts->quarantined);
                if (r == 0 && counts->loaded)
                        r = state_count_add(txn, counts->source, RECORD_COUNT_LOADED, counts->loaded);
                if (r == 0 && counts->last_heard_at)
                        r = counter_set(txn, counts->source, RECORD_COUNT_LAST_HEARD_AT,
                                        (uint64_t)counts->last_heard_at);
                if (r == 0 && counts->heard_since_at &&
                    state_count_get(txn, counts->source, RECORD_COUNT_HEARD_SINCE_AT) == 0)
                        r = counter_set(txn, counts->source, RECORD_COUNT_HEARD_SINCE_AT,
                                        (uint64_t)counts->heard_since_at);
        }
        if (r == 0)
                fold->n_counts = 0;
        return r;
}

int fold_flush(Fold *fold, StateTxn *txn) {
        StateKey key = state_key_meta(META_FOLD_VERSION);
        uint8_t version[4];
        int r;

        store_le32(version, FOLD_VERSION);
        r = overlay_flush(fold->overlay, txn);
        if (r == 0)
                r = counts_flush(fold, txn);
        if (r == 0)
                r = silence_flush(fold, txn);
        if (r == 0)
                r = state_put(txn, STATE_META, state_key_all(&key), bytes_of(version, sizeof(version)));
        if (r == 0)
                r = state_set_folded_seq(txn, fold->seq);
        if (r == 0)
                overlay_trim(fold->overlay);
        return r;
}

static QuarantineWhy why_of(const Carebus__V1__StoredSubmission *submission, const char *reason) {
        if (submission->problem)
                return (QuarantineWhy){ .reason = submission->problem->code ?: "problem",
                                        .position = submission->problem->position,
                                        .urgent = submission->problem->urgent };
        return (QuarantineWhy){ .reason = reason ?: "no-events" };
}

/* Uses what can be used of the submission. *ret_used: that was all of it; else *ret_why says what a person has to look at. Events beside a
 * problem, or beside one whose person nobody can tell, are in use at once: a decision must not wait for a letter that nobody can decode. */
static int submission_use(FoldWork *work, const Carebus__V1__StoredSubmission *submission, bool *ret_used,
                          QuarantineWhy *ret_why) {
        Used used = {};
        int r = 0;

        work->matching = submission->matching;
        work->n_matching = submission->n_matching;
        if (submission->n_events > 0)
                r = events_use(work, submission->events, submission->n_events, /* only= */ NULL, 0, &used);
        *ret_used = used.n_used > 0 && !submission->problem && used.n_held == 0;
        *ret_why = why_of(submission, used.reason);
        ret_why->partly = used.n_used > 0 && !*ret_used;
        ret_why->held = used.held;
        ret_why->n_held = used.n_held;
        return r;
}

/* The answer to a Retranslate: it is about an entry that waits, or about nothing any more. */
static int retranslation_apply(FoldWork *work, const Carebus__V1__StoredSubmission *submission) {
        Carebus__V1__QuarantineItem *item;
        QuarantineWhy why;
        bool used;
        int r;

        work->belated = true;
        work->outcome.has_about_seq = 1;
        work->outcome.about_seq = submission->retranslates;
        r = quarantine_find_open(work, submission->retranslates, &item);
        if (r == STATE_E_NOT_FOUND) {
                work->outcome.refused = (char *)"not-quarantined";
                return 0;
        }
        if (r == 0 && !text_equal(item->source, submission->source)) {
                work->outcome.refused = (char *)"not-of-this-source";
                return 0;
        }
        if (r == 0 && item->n_held > 0 && item->n_events > 0) {
                /* Nobody asked for it: it was read well, and what a retry gave out of it must stay what it was. */
                work->outcome.refused = (char *)"events-wait";
                return 0;
        }
        if (r == 0) {
                /* What waited as history is history, however it is read. */
                work->history = work->history || item->history;
                r = submission_use(work, submission, &used, &why);
        }
        if (r)
                return r;
        return used ? quarantine_resolve(work, item, "retried") : quarantine_restate(work, item, submission, &why);
}

/* A load says nothing of whether its source is there: only what comes as it happens does. */
static void heard_note(FoldCounts *counts, const FoldWork *work) {
        if (work->history)
                return;
        counts->last_heard_at = work->received_at;
        if (counts->heard_since_at == 0)
                counts->heard_since_at = work->received_at;
}

static int submission_apply(FoldWork *work, const Carebus__V1__StoredSubmission *submission) {
        DedupeVerdict verdict;
        FoldCounts *counts;
        QuarantineWhy why;
        uint64_t before;
        bool used;
        int r;

        work->source = submission->source ?: "";
        work->message_id = submission->message_id;
        work->sent_at = submission->message_time && submission->message_time->has_utc_at
                                ? submission->message_time->utc_at
                                : 0;
        work->outcome.source = (char *)work->source;
        counts = work_counts(work);
        if (!counts)
                return -ENOMEM;
        work->history = submission->has_history && submission->history;
        heard_note(counts, work);
        if (submission->has_retranslates) {
                counts->stored++;
                return retranslation_apply(work, submission);
        }
        r = silence_heard(work);
        r = r ?: dedupe_look(work->txn, work->seq, submission, &verdict, &before);
        if (r)
                return r;
        if (verdict == DEDUPE_REPEAT) {
                counts->duplicate++;
                work->outcome.has_duplicate_of = 1;
                work->outcome.duplicate_of = before;
                return 0;
        }
        counts->stored++;
        counts->loaded += work->history;
        if (verdict == DEDUPE_CONFLICT) {
                why = (QuarantineWhy){ .reason = REASON_SAME_ID_OTHER_BYTES, .conflicts_with = before };
                return quarantine_add(work, submission, &why);
        }
        r = submission_use(work, submission, &used, &why);
        return r || used ? r : quarantine_add(work, submission, &why);
}

/* The events of an entry that wait, used now, under the number of the decision. */
static int retry_apply(FoldWork *work, Carebus__V1__QuarantineItem *item) {
        Used used;
        int r;

        if (item->n_events == 0) {
                work->outcome.refused = (char *)"no-events";
                return 0;
        }
        work->source = item->source;
        work->message_id = item->message_id;
        work->belated = true;
        work->history = item->has_history && item->history;
        work->matching = item->matching;
        work->n_matching = item->n_matching;
        r = events_use(work, item->events, item->n_events, item->n_held ? item->held : NULL, item->n_held, &used);
        if (r)
                return r;
        if (used.n_used == 0) {
                work->outcome.refused = (char *)used.reason;
                return 0;
        }
        work->outcome.source = item->source;
        work->outcome.has_republishes = 1;
        work->outcome.republishes = item->id;
        return used.n_held ? quarantine_hold(work, item, &used) : quarantine_resolve(work, item, "retried");
}

static bool is_said(const char *text) {
        return text && text[0];
}

static int discard_apply(FoldWork *work, const Carebus__V1__JournalDecision *decision,
                         Carebus__V1__QuarantineItem *item) {
        if (!is_said(decision->why) || (!is_said(decision->who) && !is_said(decision->who_says))) {
                work->outcome.refused = (char *)"who-and-why";
                return 0;
        }
        return quarantine_resolve(work, item, "discarded");
}

/* A retry, a discard: about an entry that waits. */
static int quarantine_decide(FoldWork *work, const Carebus__V1__JournalDecision *decision) {
        Carebus__V1__QuarantineItem *item;
        int r;

        r = quarantine_find_open(work, decision->seq, &item);
        if (r == STATE_E_NOT_FOUND) {
                work->outcome.refused = (char *)"not-quarantined";
                return 0;
        }
        if (r)
                return r;
        if (park_is(item))
                return park_release(work, decision, item);
        return decision->kind == CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_RETRY ? retry_apply(work, item)
                                                                                 : discard_apply(work, decision, item);
}

/* Somebody tries the way of a message: that it came here is all. */
static int probe_apply(FoldWork *work, const Carebus__V1__JournalDecision *decision) {
        return 0;
}

static int decision_apply(FoldWork *work, const Carebus__V1__JournalDecision *decision) {
        static int (*const kinds[])(FoldWork *, const Carebus__V1__JournalDecision *) = {
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_RETRY] = quarantine_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_DISCARD] = quarantine_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_LINK] = review_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_UNLINK] = review_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_ASSIGN] = review_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_SETTLE] = review_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_PARK] = park_apply,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_EXPIRE] = retention_expire,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_BREAK_GLASS] = grant_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_OPEN_CONTACT] = grant_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_END_GRANT] = grant_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_REVIEWED] = grant_decide,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_PROBE] = probe_apply,
                [CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_FORGET_READER] = reader_forget,
        };
        const size_t kind = decision->has_kind ? (size_t)decision->kind : ELEMENTSOF(kinds);

        work->outcome.has_about_seq = decision->has_seq;
        work->outcome.about_seq = decision->seq;
        if (kind >= ELEMENTSOF(kinds) || !kinds[kind]) {
                work->outcome.refused = (char *)"not-supported-yet";
                return 0;
        }
        return kinds[kind](work, decision);
}

static int dictionary_apply(FoldWork *work, const Carebus__V1__Dictionary *dictionary) {
        StateKey key = state_key_seq(work->seq);

        return state_put(work->txn, STATE_DICTIONARY, state_key_all(&key),
                         bytes_of(dictionary->data.data, dictionary->data.len));
}

static int entry_apply(FoldWork *work, const Carebus__V1__Entry *entry) {
        static const char *const kinds[] = {
                [CAREBUS__V1__ENTRY__KIND_SUBMISSION] = "submission", [CAREBUS__V1__ENTRY__KIND_TICK] = "tick",
                [CAREBUS__V1__ENTRY__KIND_SETTINGS] = "settings",     [CAREBUS__V1__ENTRY__KIND_DECISION] = "decision",
                [CAREBUS__V1__ENTRY__KIND_DICTIONARY] = "dictionary",
        };

        if (entry->kind_case == CAREBUS__V1__ENTRY__KIND__NOT_SET) {
                work->outcome.kind = (char *)"unknown";
                return 0;
        }
        work->outcome.kind = (char *)kinds[entry->kind_case];
        switch (entry->kind_case) {
        case CAREBUS__V1__ENTRY__KIND_SUBMISSION:
                return submission_apply(work, entry->submission);
        case CAREBUS__V1__ENTRY__KIND_SETTINGS:
                return settings_apply(work, entry->settings);
        case CAREBUS__V1__ENTRY__KIND_DECISION:
                return decision_apply(work, entry->decision);
        case CAREBUS__V1__ENTRY__KIND_DICTIONARY:
                return dictionary_apply(work, entry->dictionary);
        case CAREBUS__V1__ENTRY__KIND_TICK:
                return due_apply(work, entry->tick->due_at);
        default:
                return 0;
        }
}

static int outcome_keep(FoldWork *work) {
        StateKey key = state_key_seq(work->seq);
        Bytes packed = message_pack(&work->outcome.base, work->arena);

        return packed.data ? state_put(work->txn, STATE_OUTCOME, state_key_all(&key), packed) : -ENOMEM;
}

int fold_apply(Fold *fold, StateTxn *txn, const JournalRecord *record) {
        FoldWork work = { .fold = fold,
                          .txn = txn,
                          .arena = fold->arena,
                          .seq = record->seq,
                          .received_at = record->received_at,
                          .source = "",
                          .entry = record->payload };
        Carebus__V1__Outcome *outcome = &work.outcome;
        Carebus__V1__Entry *entry;
        int r;

        if (record->seq != fold->seq + 1)
                return -EINVAL;
        arena_reset(fold->arena);
        carebus__v1__outcome__init(outcome);
        outcome->has_seq = outcome->has_segment = outcome->has_offset = outcome->has_received_at = 1;
        outcome->seq = record->seq;
        outcome->segment = record->place.segment;
        outcome->offset = record->place.offset;
        outcome->received_at = record->received_at;
        r = message_unpack(&carebus__v1__entry__descriptor, record->payload, fold->arena, (ProtobufCMessage **)&entry);
        if (r == 0)
                r = entry_apply(&work, entry);
        if (r == 0)
                r = outcome_finish(&work);
        if (r == 0)
                r = outcome_keep(&work);
        if (r == 0)
                fold->seq = record->seq;
        return r;
}
