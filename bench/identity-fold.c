#include "bench/identity-fold.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/identity/ties.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/stage/fold.h"
#include "daemon/store/journal.h"
#include "daemon/store/state.h"

#define MAP_BYTES (4UL * 1024UL * 1024UL * 1024UL)
#define RECEIVED_AT 1709625600000000 /* 2024-03-05T08:00:00Z */
#define BATCH 256

/* As an adapter would have said it: a number of the source's own, and what it knows. */
static int subject_make(Arena *arena, const char *source, const FoldRecord *record, Carebus__V1__Event *event) {
        Carebus__V1__Subject *subject = arena_alloc(arena, sizeof(*subject));
        Carebus__V1__Identifier *identifier = arena_alloc(arena, sizeof(*identifier));
        Carebus__V1__Identifier **identifiers = arena_alloc(arena, 2 * sizeof(*identifiers));

        if (!subject || !identifier || !identifiers)
                return -ENOMEM;
        carebus__v1__subject__init(subject);
        carebus__v1__identifier__init(identifier);
        identifier->system = arena_format(arena, "carebus:%s", source);
        identifier->value = (char *)(uintptr_t) "1";
        identifiers[0] = identifier;
        subject->identifiers = identifiers;
        subject->n_identifiers = 1;
        if (record->number)
                identifiers[subject->n_identifiers++] = record->number;
        event->type = (char *)(uintptr_t) "patient.registered";
        event->has_action = true;
        event->action = CAREBUS__V1__ACTION__ACTION_NEW;
        event->patient = subject;
        return identifier->system ? 0 : -ENOMEM;
}

static int entry_append(Journal *journal, const FoldRecord *record, size_t number, Arena *arena) {
        Carebus__V1__StoredSubmission submission = CAREBUS__V1__STORED_SUBMISSION__INIT;
        Carebus__V1__EventMatching matching = CAREBUS__V1__EVENT_MATCHING__INIT, *matchings[] = { &matching };
        Carebus__V1__Original original = CAREBUS__V1__ORIGINAL__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__When sent = CAREBUS__V1__WHEN__INIT;
        Carebus__V1__Event event = *record->event, *events[] = { &event };
        uint8_t hash[SHA256_SIZE];
        uint64_t seq;
        Bytes packed;

        submission.source = arena_format(arena, "s%zu", number);
        submission.message_id = arena_format(arena, "M%zu", number);
        if (!submission.source || !submission.message_id || subject_make(arena, submission.source, record, &event) < 0)
                return -ENOMEM;
        sha256(submission.message_id, strlen(submission.message_id), hash);
        original.has_data = original.has_size = original.has_sha256 = true;
        original.data = (ProtobufCBinaryData){ strlen(submission.message_id), (uint8_t *)submission.message_id };
        original.size = (uint32_t)original.data.len;
        original.sha256 = (ProtobufCBinaryData){ sizeof(hash), hash };
        sent.has_utc_at = true;
        sent.utc_at = RECEIVED_AT + (int64_t)number * 1000000;
        matching.has_index = true;
        matching.matching = record->matching;
        submission.message_time = &sent;
        submission.original = &original;
        submission.events = events;
        submission.n_events = 1;
        submission.matching = matchings;
        submission.n_matching = record->matching != NULL;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = &submission;
        packed = message_pack(&entry.base, arena);
        return packed.data ? journal_append(journal, sent.utc_at, packed, &seq) : -ENOMEM;
}

static int journal_make(const char *folder, const FoldRecord *records, size_t n, Arena *arena) {
        _cleanup_(journal_freep) Journal *journal = NULL;
        JournalOptions options = {};
        JournalFault fault;
        int r = mkdir(folder, 0700) < 0 ? -errno : journal_open(folder, &options, &journal, &fault);

        for (size_t i = 0; r == 0 && i < n; i++) {
                ArenaMark mark = arena_mark(arena);

                r = entry_append(journal, &records[i], i, arena);
                if (r == 0 && (i % BATCH == BATCH - 1 || i == n - 1))
                        r = journal_commit(journal);
                arena_rewind(arena, mark);
        }
        return r;
}

static size_t root_of(const size_t *roots, size_t i) {
        while (roots[i] != i)
                i = roots[i];
        return i;
}

/* Record i is entry i + 1 of the journal, and its person p<i + 1>.0. */
static int ties_follow(StateTxn *txn, size_t i, size_t n, Arena *arena, size_t *roots) {
        ArenaMark mark = arena_mark(arena);
        Carebus__V1__Person *person;
        char id[32];
        int r;

        snprintf(id, sizeof(id), "p%zu.0", i + 1);
        r = person_read(txn, id, arena, &person);
        for (size_t j = 0; r == 0 && j < person->n_ties; j++) {
                uint64_t other = strtoull(person->ties[j]->patient_id + 1, NULL, 10);
                size_t a = root_of(roots, i), b = other >= 1 && other <= n ? root_of(roots, other - 1) : a;

                if (tie_counts(person->ties[j]))
                        roots[MAX(a, b)] = MIN(a, b);
        }
        arena_rewind(arena, mark);
        return r;
}

static int count_review(Bytes key, Bytes value, void *owner) {
        (*(size_t *)owner)++;
        return 0;
}

static int state_read(State *state, size_t n, Arena *arena, size_t *roots, size_t *ret_reviews) {
        StateTxn *txn;
        int r = state_begin(state, 0, &txn);

        if (r)
                return r;
        *ret_reviews = 0;
        for (size_t i = 0; i < n; i++)
                roots[i] = i;
        for (size_t i = 0; r == 0 && i < n; i++)
                r = ties_follow(txn, i, n, arena, roots);
        if (r == 0)
                r = state_walk(txn, STATE_REVIEW, BYTES_NULL, BYTES_NULL, count_review, ret_reviews);
        state_abort(txn);
        for (size_t i = 0; i < n; i++)
                roots[i] = root_of(roots, i);
        return r;
}

int fold_records(const char *folder, const FoldRecord *records, size_t n, Arena *arena, size_t *ret_roots,
                 size_t *ret_reviews) {
        _cleanup_(freep) char *journal = NULL;
        _cleanup_(freep) char *path = NULL;
        _cleanup_(state_freep) State *state = NULL;
        uint8_t digest[SHA256_SIZE];
        JournalFault fault;
        int r = text_format(&journal, "%s/journal", folder);

        if (r == 0)
                r = text_format(&path, "%s/state", folder);
        if (r == 0)
                r = journal_make(journal, records, n, arena);
        if (r == 0)
                r = state_open(path, STATE_WRITE, MAP_BYTES, &state);
        if (r == 0)
                r = fold_rebuild(journal, state, n, NULL, NULL, digest, &fault);
        if (r == 0)
                r = state_read(state, n, arena, ret_roots, ret_reviews);
        return r > 0 ? -EIO : r;
}
