#pragma once
/*
 * One thread's sight of what core wrote: the state at one transaction, and the journal up to the number that this
 * transaction stands at. Nothing beyond it is given out. A view is renewed for a batch of work and rested before its
 * thread sleeps: a reader that holds its transaction makes the state grow. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "daemon/sharing/sharing.h"
#include "daemon/store/journal.h"
#include "daemon/store/state.h"

typedef struct View View;

/* Positive returns, beside those of the store. */
enum {
        _VIEW_E_SUCCESS,
        VIEW_E_NOT_FOUND = 64, /* no such entry, or it lies beyond the head */
};

/* What the fold made of an entry, as far as giving out needs it. Ranges are borrowed until the view is renewed or rests. */
typedef struct ViewOutcome {
        uint64_t seq;
        uint64_t duplicate_of;
        uint64_t republishes;
        uint64_t resolved_by;
        uint64_t event_count;
        int64_t received_at;
        JournalPlace place;
        bool belated;
        bool loaded; /* an initial load */
        Bytes kind, source, quarantined, class, resolution, refused;
        Bytes packed; /* the whole, for view_outcome_list() */
} ViewOutcome;

/* `state` is shared by the threads of the process and outlives the view. */
int view_new(State *state, const char *journal_folder, View **ret);
View *view_free(View *view);
DEFINE_CLEANUP(View *, view_free)

/* Takes the newest state. The head never goes back. */
int view_renew(View *view);
void view_rest(View *view);
bool view_is_renewed(const View *view);
uint64_t view_head(const View *view);
StateTxn *view_txn(View *view);

/* VIEW_E_NOT_FOUND beyond the head. -EBADMSG when it cannot be read. */
int view_outcome(View *view, uint64_t seq, ViewOutcome *ret);
/* The packed items of the repeated field of the outcome, in order: calls `item` with each. */
enum {
        VIEW_OUTCOME_PATIENT_IDS = 9,
        VIEW_OUTCOME_DERIVED = 10,
        VIEW_OUTCOME_ECHOES = 24,
        VIEW_OUTCOME_CORRECTIONS = 25
};
int view_outcome_list(const ViewOutcome *outcome, unsigned field, int (*item)(Bytes value, void *owner), void *owner);
/* Numbers, ascending: of the events that said what their source had said before, that wait, or whose person is in review. */
enum { VIEW_OUTCOME_CONFIRMS = 19, VIEW_OUTCOME_HELD = 22, VIEW_OUTCOME_UNCONFIRMED = 23 };

/* One record of the journal; readers that go on in order are kept, so that reading on costs no search. `hint` may be
 * NULL. 0, JOURNAL_E_EXPIRED, VIEW_E_NOT_FOUND, or negative: -EBADMSG where the journal is not what was written. The
 * payload is borrowed until the next call. */
int view_record(View *view, uint64_t seq, const JournalPlace *hint, JournalRecord *ret);
/* Is there a whole record of this number in the journal behind what is folded, and when was it received (0: expired, nobody
 * knows)? 1 or 0 or negative. */
int view_has_unfolded(View *view, uint64_t seq, int64_t *ret_received_at);

/* The rules as they stand for this configuration and what the fold has read of the settings. */
int view_sharing(View *view, const Config *config, Sharing **ret);
/* Changes when the fold has read other settings. */
uint64_t view_settings_mark(View *view);
