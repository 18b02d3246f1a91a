#include "daemon/stage/quarantine.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/death.h"
#include "daemon/stage/dedupe.h"
#include "daemon/stage/not-understood.h"

#define RESOLUTION_OPEN "open"

static bool event_is_urgent(const Carebus__V1__Event *event) {
        switch (event->body_case) {
        case CAREBUS__V1__EVENT__BODY_DECISION:
        case CAREBUS__V1__EVENT__BODY_MERGE:
        case CAREBUS__V1__EVENT__BODY_ALLERGY:
                return true;
        default:
                return event->type && death_is_said(event);
        }
}

static bool held_are_urgent(Carebus__V1__Event *const *events, const uint32_t *held, size_t n_held) {
        for (size_t i = 0; i < n_held; i++)
                if (event_is_urgent(events[held[i]]))
                        return true;
        return false;
}

const char *quarantine_class(const Carebus__V1__StoredSubmission *submission, const QuarantineWhy *why) {
        if (why->urgent || strcmp(why->reason, REASON_SAME_ID_OTHER_BYTES) == 0 ||
            held_are_urgent(submission->events, why->held, why->n_held))
                return "urgent";
        for (size_t i = 0; i < submission->n_events && !why->partly; i++)
                if (event_is_urgent(submission->events[i]))
                        return "urgent";
        return strcmp(why->reason, "unhandled-trigger") == 0 ? "unhandled" : "normal";
}

static int value_put(FoldWork *work, StateTable table, uint64_t seq, const ProtobufCMessage *message) {
        StateKey key = state_key_seq(seq);
        Bytes packed = message_pack(message, work->arena);

        return packed.data ? state_put(work->txn, table, state_key_all(&key), packed) : -ENOMEM;
}

static void item_state(Carebus__V1__QuarantineItem *item, const Carebus__V1__StoredSubmission *submission,
                       const QuarantineWhy *why) {
        item->reason = (char *)why->reason;
        item->class_ = (char *)quarantine_class(submission, why);
        item->position = (char *)why->position;
        item->has_conflicts_with = why->conflicts_with != 0;
        item->conflicts_with = why->conflicts_with;
        /* What is in use stays in use, however the rest is read again. */
        item->has_partly = item->partly = item->partly || why->partly;
        /* Where it is read again as well, that gives them once more. */
        if (why->partly && (submission->problem || why->n_held == 0)) {
                item->n_events = item->n_matching = 0;
        } else {
                item->n_events = submission->n_events;
                item->events = submission->events;
                item->n_matching = submission->n_matching;
                item->matching = submission->matching;
        }
        item->n_held = why->partly ? why->n_held : 0;
        item->held = (uint32_t *)why->held;
}

int quarantine_add(FoldWork *work, const Carebus__V1__StoredSubmission *submission, const QuarantineWhy *why) {
        Carebus__V1__QuarantineItem item = CAREBUS__V1__QUARANTINE_ITEM__INIT;
        FoldCounts *counts = work_counts(work);
        int r;

        if (!counts)
                return -ENOMEM;
        counts->quarantined++;
        item_state(&item, submission, why);
        item.has_id = item.has_received_at = 1;
        item.id = work->seq;
        item.received_at = work->received_at;
        item.source = submission->source;
        item.message_id = submission->message_id;
        item.trigger = submission->trigger;
        item.media_type = submission->media_type;
        item.has_bytes = submission->original && submission->original->has_size;
        item.bytes = item.has_bytes ? submission->original->size : 0;
        item.resolution = (char *)RESOLUTION_OPEN;
        item.has_history = item.history = work->history;
        work->outcome.quarantined = item.reason;
        work->outcome.class_ = item.class_;
        r = not_understood_add(work, submission->source);
        return r ?: value_put(work, STATE_QUARANTINE, work->seq, &item.base);
}

static int value_get(FoldWork *work, StateTable table, uint64_t seq, const ProtobufCMessageDescriptor *descriptor,
                     ProtobufCMessage **ret) {
        StateKey key = state_key_seq(seq);
        Bytes value;
        int r;

        r = state_get(work->txn, table, state_key_all(&key), &value);
        return r ?: message_unpack(descriptor, value, work->arena, ret);
}

int quarantine_find_open(FoldWork *work, uint64_t seq, Carebus__V1__QuarantineItem **ret) {
        return value_get(work, STATE_QUARANTINE, seq, &carebus__v1__quarantine_item__descriptor,
                         (ProtobufCMessage **)ret);
}

int quarantine_restate(FoldWork *work, Carebus__V1__QuarantineItem *item,
                       const Carebus__V1__StoredSubmission *submission, const QuarantineWhy *why) {
        item_state(item, submission, why);
        work->outcome.quarantined = item->reason;
        work->outcome.class_ = item->class_;
        return value_put(work, STATE_QUARANTINE, item->id, &item->base);
}

int quarantine_hold(FoldWork *work, Carebus__V1__QuarantineItem *item, const Used *used) {
        item->reason = (char *)used->reason;
        item->class_ = (char *)(held_are_urgent(item->events, used->held, used->n_held) ? "urgent" : "normal");
        item->has_partly = item->partly = 1;
        item->n_held = used->n_held;
        item->held = used->held;
        work->outcome.quarantined = item->reason;
        work->outcome.class_ = item->class_;
        return value_put(work, STATE_QUARANTINE, item->id, &item->base);
}

int quarantine_resolve(FoldWork *work, Carebus__V1__QuarantineItem *item, const char *resolution) {
        StateKey key = state_key_seq(item->id);
        Carebus__V1__Outcome *outcome;
        int r;

        item->resolution = (char *)resolution;
        item->has_resolved_by = 1;
        item->resolved_by = work->seq;
        r = value_put(work, STATE_RESOLVED, item->id, &item->base);
        if (r == 0)
                r = state_delete(work->txn, STATE_QUARANTINE, state_key_all(&key));
        if (r == 0 && item->source) /* what waits for a destination is of no source */
                r = not_understood_remove(work, item);
        if (r == 0)
                r = value_get(work, STATE_OUTCOME, item->id, &carebus__v1__outcome__descriptor,
                              (ProtobufCMessage **)&outcome);
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        outcome->resolution = (char *)resolution;
        outcome->has_resolved_by = 1;
        outcome->resolved_by = work->seq;
        return value_put(work, STATE_OUTCOME, item->id, &outcome->base);
}
