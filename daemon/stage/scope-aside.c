/*
 * What was set aside stands in the journal; used later it says what it would have said then, since facts do not depend on the order in
 * which their claims arrive.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "daemon/record/keys.h"
#include "daemon/record/read.h"
#include "daemon/stage/project.h"
#include "daemon/stage/scope-parts.h"
#include "daemon/stage/settings.h"
#include "daemon/stage/use.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"

int aside_keep(FoldWork *work, const char *patient_id, uint32_t index) {
        StateKey key = state_key_patient_seq(patient_id, work->seq, index);

        return key.error < 0 ? key.error : state_put(work->txn, STATE_ASIDE, state_key_all(&key), BYTES_NULL);
}

int aside_forget(FoldWork *work, const char *patient_id, uint64_t seq, uint32_t index) {
        StateKey key = state_key_patient_seq(patient_id, seq, index);

        return key.error < 0 ? key.error : state_delete(work->txn, STATE_ASIDE, state_key_all(&key));
}

typedef struct AsidePlace {
        uint64_t seq;
        uint32_t index;
        Carebus__V1__Person *home;
} AsidePlace;

typedef struct AsideWalk {
        Buffer *places;
        Carebus__V1__Person *home;
} AsideWalk;

static int place_seen(Bytes key, Bytes value, void *owner) {
        const AsideWalk *walk = owner;
        AsidePlace place = { .home = walk->home };

        (void)value;
        if (key.size < sizeof(uint64_t) + sizeof(uint32_t))
                return -EBADMSG;
        place.seq = load_be64(key.data + key.size - sizeof(uint64_t) - sizeof(uint32_t));
        place.index = (uint32_t)load_be64(key.data + key.size - sizeof(uint64_t)); /* its lower half */
        buffer_append(walk->places, &place, sizeof(place));
        return walk->places->error;
}

/* One entry, as it is read again: who speaks, and what the work has of them. */
typedef struct Earlier {
        Carebus__V1__Event *const *events;
        size_t n_events;
        Carebus__V1__EventMatching *const *matching;
        size_t n_matching;
        const char *source, *message_id;
        int64_t sent_at, received_at;
        bool history, belated;
} Earlier;

static Earlier earlier_of_submission(const Carebus__V1__StoredSubmission *submission) {
        return (Earlier){
                .events = submission->events,
                .n_events = submission->n_events,
                .matching = submission->matching,
                .n_matching = submission->n_matching,
                .source = submission->source ?: "",
                .message_id = submission->message_id,
                .sent_at = submission->message_time && submission->message_time->has_utc_at
                                   ? submission->message_time->utc_at
                                   : 0,
                .history = submission->has_history && submission->history,
                .belated = submission->has_retranslates,
        };
}

static Earlier earlier_of_item(const Carebus__V1__QuarantineItem *item) {
        return (Earlier){
                .events = item->events,
                .n_events = item->n_events,
                .matching = item->matching,
                .n_matching = item->n_matching,
                .source = item->source ?: "",
                .message_id = item->message_id,
                .history = item->has_history && item->history,
                .belated = true,
        };
}

/* The entry at hand: some of it was set aside before something in it began a relationship. */
static Earlier earlier_of_work(const FoldWork *work) {
        return (Earlier){
                .events = work->events,
                .n_events = work->n_events,
                .matching = work->matching,
                .n_matching = work->n_matching,
                .source = work->source,
                .message_id = work->message_id,
                .sent_at = work->sent_at,
                .received_at = work->received_at,
                .history = work->history,
                .belated = work->belated,
        };
}

/* What a retry used stands in the item of the quarantine. */
static int retried_read(FoldWork *work, uint64_t item_seq, Earlier *ret) {
        StateKey key = state_key_seq(item_seq);
        Carebus__V1__QuarantineItem *item;
        int r;

        r = work_get(work, STATE_RESOLVED, &key, &carebus__v1__quarantine_item__descriptor, (ProtobufCMessage **)&item);
        if (r == STATE_E_NOT_FOUND)
                r = work_get(work, STATE_QUARANTINE, &key, &carebus__v1__quarantine_item__descriptor,
                             (ProtobufCMessage **)&item);
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        *ret = earlier_of_item(item);
        return 0;
}

static int journaled_read(FoldWork *work, const Carebus__V1__Outcome *outcome, Earlier *ret) {
        const JournalPlace place = { .segment = outcome->segment, .offset = outcome->offset };
        Carebus__V1__Entry *entry;
        Bytes payload;
        int r;

        if (!work->fold->earlier)
                return JOURNAL_E_EXPIRED;
        r = work->fold->earlier(work->fold->earlier_owner, outcome->seq, &place, &payload);
        r = r ?: message_unpack(&carebus__v1__entry__descriptor, payload, work->arena, (ProtobufCMessage **)&entry);
        if (r)
                return r;
        if (entry->kind_case != CAREBUS__V1__ENTRY__KIND_SUBMISSION)
                return -EBADMSG;
        *ret = earlier_of_submission(entry->submission);
        return 0;
}

/* 0; JOURNAL_E_EXPIRED: it is gone. */
static int earlier_read(FoldWork *work, uint64_t seq, Earlier *ret) {
        StateKey key = state_key_seq(seq);
        Carebus__V1__Outcome *outcome;
        int r;

        if (seq == work->seq) {
                *ret = earlier_of_work(work);
                return 0;
        }
        r = work_get(work, STATE_OUTCOME, &key, &carebus__v1__outcome__descriptor, (ProtobufCMessage **)&outcome);
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        if (outcome->has_expired_by)
                return JOURNAL_E_EXPIRED;
        r = outcome->has_republishes ? retried_read(work, outcome->republishes, ret)
                                     : journaled_read(work, outcome, ret);
        if (r == 0)
                ret->received_at = outcome->received_at;
        return r;
}

/* The work speaks for that entry from now on. What is derived is derived by the entry at hand. */
static void work_speak_for(FoldWork *work, const Earlier *earlier) {
        work->source = earlier->source;
        work->message_id = earlier->message_id;
        work->sent_at = earlier->sent_at;
        work->history = earlier->history;
        work->belated = earlier->belated;
        work->lists_whole = settings_lists_whole(work->fold, earlier->source);
        work->matching = earlier->matching;
        work->n_matching = earlier->n_matching;
}

/* Those of one entry that were set aside: `places` are in order. */
static int entry_use(FoldWork *work, const AsidePlace *places, size_t n) {
        const Earlier now = earlier_of_work(work);
        const typeof(work->numbered) numbered = work->numbered;
        const bool is_now = places[0].seq == work->seq;
        Earlier earlier;
        int r;

        r = earlier_read(work, places[0].seq, &earlier);
        if (r == JOURNAL_E_EXPIRED)
                return 0;
        if (r)
                return error_fold(r);
        work_speak_for(work, &earlier);
        /* What tells those apart that are alike is their order within one message. */
        if (!is_now)
                work->numbered.n = work->numbered.room = 0;
        for (size_t i = 0; r == 0 && i < n; i++) {
                const EventPlace place = { .seq = places[i].seq,
                                           .index = places[i].index,
                                           .received_at = earlier.received_at };

                if (place.index < earlier.n_events)
                        r = event_use_again(work, earlier.events[place.index], &place, places[i].home);
        }
        work_speak_for(work, &now);
        if (!is_now)
                work->numbered = numbered;
        return r;
}

static size_t same_entry(const AsidePlace *places, size_t n) {
        size_t i = 1;

        while (i < n && places[i].seq == places[0].seq)
                i++;
        return i;
}

static int place_compare(const void *a, const void *b) {
        const AsidePlace *x = a, *y = b;

        if (x->seq != y->seq)
                return x->seq < y->seq ? -1 : 1;
        return x->index < y->index ? -1 : x->index > y->index;
}

static int places_gather(FoldWork *work, Carebus__V1__Person *const *homes, size_t n_homes, Buffer *places) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_homes; i++) {
                StateKey prefix = state_key_person(homes[i]->patient_id);
                AsideWalk walk = { .places = places, .home = homes[i] };

                r = prefix.error < 0 ? prefix.error
                                     : state_walk(work->txn, STATE_ASIDE, state_key_all(&prefix),
                                                  state_key_all(&prefix), place_seen, &walk);
        }
        if (r == 0 && places->size > 0)
                qsort(places->data, places->size / sizeof(AsidePlace), sizeof(AsidePlace), place_compare);
        return r;
}

int aside_use(FoldWork *work, Carebus__V1__Person *const *homes, size_t n_homes) {
        _cleanup_(buffer_deinit) Buffer list = BUFFER_NULL;
        const AsidePlace *places;
        size_t n;
        int r;

        r = places_gather(work, homes, n_homes, &list);
        places = (const AsidePlace *)(const void *)list.data;
        n = list.size / sizeof(*places);
        for (size_t i = 0, n_same; r == 0 && i < n; i += n_same) {
                n_same = same_entry(&places[i], n - i);
                r = entry_use(work, &places[i], n_same);
        }
        for (size_t i = 0; r == 0 && i < n; i++)
                r = aside_forget(work, places[i].home->patient_id, places[i].seq, places[i].index);
        return r;
}
