#include "daemon/stage/use.h"

#include <errno.h>

#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/project.h"
#include "daemon/stage/relationship.h"
#include "daemon/stage/review.h"
#include "daemon/stage/scope.h"
#include "daemon/stage/settings.h"
#include "proto/check.h"
#include "proto/wire.h"

/* When an event was said: recorded, else sent, else happened, else received. */
static StampParts stamp_of(const FoldWork *work, const Carebus__V1__Event *event, const EventPlace *place) {
        StampParts stamp = { .sent_at = work->sent_at, .seq = place->seq, .index = place->index };

        if (event->recorded_at && event->recorded_at->has_utc_at)
                stamp.said_at = event->recorded_at->utc_at;
        else if (work->sent_at)
                stamp.said_at = work->sent_at;
        else if (event->occurred_at && event->occurred_at->has_utc_at)
                stamp.said_at = event->occurred_at->utc_at;
        else
                stamp.said_at = place->received_at;
        return stamp;
}

/* ---- numbers of the bus itself ---- */

typedef struct Numbers {
        size_t *n;
        Carebus__V1__Identifier ***list;
} Numbers;

static bool has_own(const FoldWork *work, const Numbers *numbers) {
        for (size_t i = 0; i < *numbers->n; i++)
                if (settings_is_own_number(work->fold, (*numbers->list)[i]))
                        return true;
        return false;
}

static int leave_out_own(FoldWork *work, Carebus__V1__Event *event, const Numbers *numbers) {
        Carebus__V1__Identifier **kept = arena_alloc(work->arena, *numbers->n * sizeof(*kept));
        size_t n = 0;

        if (!kept)
                return -ENOMEM;
        for (size_t i = 0; i < *numbers->n; i++) {
                Carebus__V1__Identifier *number = (*numbers->list)[i];

                if (!settings_is_own_number(work->fold, number))
                        kept[n++] = number;
                else if (!event->carried_id)
                        event->carried_id = number;
        }
        *numbers->list = kept;
        *numbers->n = n;
        return 0;
}

static size_t numbers_of(Carebus__V1__Event *event, Numbers ret[5]) {
        Carebus__V1__Subject *patient = event->patient;
        size_t n = 0;

        if (patient)
                ret[n++] = (Numbers){ &patient->n_identifiers, &patient->identifiers };
        if (patient && patient->demographics)
                ret[n++] = (Numbers){ &patient->demographics->n_identifiers, &patient->demographics->identifiers };
        if (event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS)
                ret[n++] = (Numbers){ &event->demographics->n_identifiers, &event->demographics->identifiers };
        if (event->body_case == CAREBUS__V1__EVENT__BODY_MERGE) {
                ret[n++] = (Numbers){ &event->merge->n_surviving, &event->merge->surviving };
                ret[n++] = (Numbers){ &event->merge->n_retired, &event->merge->retired };
        }
        return n;
}

/* The bus's own id of a person stands for nobody when it comes back: whoever has it may have it from anywhere, and whose it is now the
 * other numbers say. It only tells that the message goes back to one of the bus. The stored event is the fold's own copy. */
static int own_numbers_leave_out(FoldWork *work, Carebus__V1__Event *event, bool *ret_changed) {
        Numbers numbers[5];
        size_t n = numbers_of(event, numbers);
        int r = 0;

        *ret_changed = false;
        for (size_t i = 0; r == 0 && i < n; i++)
                if (has_own(work, &numbers[i])) {
                        *ret_changed = true;
                        r = leave_out_own(work, event, &numbers[i]);
                }
        return r;
}

/* The event as it is published: what the bus sets is set. */
static int event_on_its_way(FoldWork *work, const Carebus__V1__Event *stored, const EventPlace *place, Said *ret) {
        Carebus__V1__Event *event = message_shallow_copy(&stored->base, work->arena);

        if (!event)
                return -ENOMEM;
        event->event_id = id_text("", place->seq, place->index, work->arena);
        if (!event->event_id)
                return -ENOMEM;
        event->has_received_at = 1;
        event->received_at = place->received_at;
        event->source = (char *)work->source;
        event->has_loaded = event->loaded = work->history;
        if (!event->source_message_id)
                event->source_message_id = (char *)work->message_id;
        if (!event->type)
                event->type = (char *)"";
        *ret = (Said){ .event = event, .stamp = stamp_of(work, event, place), .lists_whole = work->lists_whole };
        return 0;
}

/* The events' own bytes in the entry, in their order; NULL where they cannot be told apart. */
static Bytes *events_packed(FoldWork *work, Bytes entry, size_t n_events) {
        enum { ENTRY_SUBMISSION = 1, SUBMISSION_EVENTS = 7 };
        Bytes *packed = arena_alloc(work->arena, n_events * sizeof(*packed)), submission = BYTES_NULL;
        size_t offset = 0, n = 0;
        WireField field;

        if (!packed || wire_field_next(entry, &offset, &field) != 0 || field.number != ENTRY_SUBMISSION ||
            offset != entry.size)
                return NULL;
        submission = field.bytes;
        for (offset = 0; wire_field_next(submission, &offset, &field) == 0;)
                if (field.number == SUBMISSION_EVENTS && n < n_events)
                        packed[n++] = field.bytes;
        return n == n_events ? packed : NULL;
}

/* The entries are in the order of events. */
static const Carebus__V1__Matching *matching_of(const FoldWork *work, uint32_t index) {
        for (size_t i = 0; i < work->n_matching && work->matching[i]->index <= index; i++)
                if (work->matching[i]->index == index)
                        return work->matching[i]->matching;
        return NULL;
}

static bool indexes_have(const uint32_t *indexes, size_t n, uint32_t index) {
        for (size_t i = 0; i < n; i++)
                if (indexes[i] == index)
                        return true;
        return false;
}

/* One that can be used is used. */
static int event_use(FoldWork *work, Carebus__V1__Event *stored, uint32_t index, Bytes packed,
                     const char **ret_reason) {
        const EventPlace place = { .seq = work->seq, .index = index, .received_at = work->received_at };
        bool changed;
        Said said;
        int r;

        r = own_numbers_leave_out(work, stored, &changed);
        r = r ?: identify_check(work, stored, ret_reason);
        if (r || *ret_reason)
                return r;
        r = event_on_its_way(work, stored, &place, &said);
        if (r)
                return r;
        said.packed = changed ? BYTES_NULL : packed;
        said.matching = matching_of(work, index);
        return project_event(work, &said, (const char **)&work->outcome.patient_ids[index]);
}

int event_use_again(FoldWork *work, Carebus__V1__Event *stored, const EventPlace *place, Carebus__V1__Person *home) {
        bool changed;
        Said said;
        int r = own_numbers_leave_out(work, stored, &changed);

        r = r ?: event_on_its_way(work, stored, place, &said);
        if (r)
                return r;
        said.matching = matching_of(work, place->index);
        return project_set_aside(work, &said, home);
}

int events_use(FoldWork *work, Carebus__V1__Event *const *events, size_t n_events, const uint32_t *only, size_t n_only,
               Used *ret) {
        Bytes *packed = events_packed(work, work->entry, n_events);
        Carebus__V1__Outcome *outcome = &work->outcome;
        uint32_t *waiting = arena_alloc(work->arena, n_events * sizeof(*waiting));
        size_t n_waiting = 0;
        Used used = { .held = arena_alloc(work->arena, n_events * sizeof(*used.held)) };
        int r = 0;

        work->lists_whole = settings_lists_whole(work->fold, work->source);
        work->events = events;
        work->n_events = (uint32_t)n_events;
        outcome->patient_ids = arena_alloc(work->arena, n_events * sizeof(*outcome->patient_ids));
        if (!outcome->patient_ids || !waiting || !used.held)
                return -ENOMEM;
        for (uint32_t i = 0; r == 0 && i < n_events; i++) {
                const char *reason = NULL;
                bool wanted = !only || indexes_have(only, n_only, i);

                outcome->patient_ids[i] = (char *)"";
                if (wanted)
                        r = event_use(work, events[i], i, packed ? packed[i] : BYTES_NULL, &reason);
                used.n_used += wanted && !reason;
                if (!wanted || reason)
                        waiting[n_waiting++] = i;
                if (reason)
                        used.held[used.n_held++] = i;
                used.reason = used.reason ?: reason;
        }
        r = r ?: scope_end(work);
        r = r ?: project_end(work);
        if (r)
                return r;
        *ret = used;
        if (used.n_used == 0) {
                work->n_events = 0;
                outcome->patient_ids = NULL;
                return 0;
        }
        outcome->n_patient_ids = n_events;
        outcome->n_held = n_waiting;
        outcome->held = waiting;
        outcome->has_belated = outcome->belated = work->belated;
        outcome->has_loaded = outcome->loaded = work->history;
        return 0;
}

/* One more than the index of the last event that is given out. */
static uint32_t published_until(const Carebus__V1__Outcome *outcome) {
        uint32_t until = outcome->event_count;

        for (size_t i = outcome->n_held; i > 0 && outcome->held[i - 1] == until - 1; i--)
                until--;
        return until;
}

static int source_index(FoldWork *work) {
        StateKey key = state_key_source_seq(work->source, work->seq);
        uint8_t count[4];

        if (!work->source[0])
                return 0; /* nobody's: a tick */
        store_le32(count, published_until(&work->outcome));
        return key.error < 0
                       ? key.error
                       : state_put(work->txn, STATE_SOURCE_SEQ, state_key_all(&key), bytes_of(count, sizeof(count)));
}

int outcome_finish(FoldWork *work) {
        Carebus__V1__Outcome *outcome = &work->outcome;
        int r;

        r = work_store(work);
        if (r == 0)
                r = relationship_settle(work);
        if (r == 0)
                r = review_touch_candidates(work);
        if (r == 0)
                r = work_touched(work);
        if (r || (outcome->n_patient_ids == 0 && outcome->n_derived == 0))
                return r;
        outcome->has_event_count = 1;
        outcome->event_count = work->n_events + (uint32_t)outcome->n_derived;
        return source_index(work);
}
