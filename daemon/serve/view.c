/*
 * The state by one renewed transaction, the journal by a few readers that each go on where they stand.
 */
#include "daemon/serve/view.h"

#include <errno.h>

#include "base/arena.h"
#include "base/error.h"
#include "daemon/record/read.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"

/* Live and most feeds read at the head; each more is for a feed that is behind. */
#define READERS 4
#define SETTINGS_MEMORY (16U << 20)

/* Fields of carebus.v1.Outcome. */
enum {
        OUTCOME_SEQ = 1,
        OUTCOME_SEGMENT = 2,
        OUTCOME_OFFSET = 3,
        OUTCOME_KIND = 4,
        OUTCOME_SOURCE = 5,
        OUTCOME_DUPLICATE_OF = 6,
        OUTCOME_QUARANTINED = 7,
        OUTCOME_CLASS = 8,
        OUTCOME_BELATED = 11,
        OUTCOME_RECEIVED_AT = 12,
        OUTCOME_RESOLUTION = 13,
        OUTCOME_RESOLVED_BY = 14,
        OUTCOME_EVENT_COUNT = 15,
        OUTCOME_REPUBLISHES = 16,
        OUTCOME_REFUSED = 17,
        OUTCOME_LOADED = 20,
};

typedef struct ViewReader {
        JournalReader *reader;
        uint64_t next; /* the record it stands before; 0: nowhere */
        uint64_t used; /* when it was used last */
} ViewReader;

struct View {
        State *state;
        StateTxn *txn;
        bool renewed;
        uint64_t head;
        uint64_t uses;
        char *journal_folder;
        ViewReader readers[READERS];
};

int view_new(State *state, const char *journal_folder, View **ret) {
        _cleanup_(view_freep) View *view = calloc(1, sizeof(*view));

        if (!view)
                return -ENOMEM;
        view->state = state;
        view->journal_folder = strdup(journal_folder);
        if (!view->journal_folder)
                return -ENOMEM;
        *ret = TAKE_PTR(view);
        return 0;
}

View *view_free(View *view) {
        if (!view)
                return NULL;
        for (size_t i = 0; i < READERS; i++)
                journal_reader_free(view->readers[i].reader);
        state_abort(view->txn);
        free(view->journal_folder);
        free(view);
        return NULL;
}

int view_renew(View *view) {
        int r;

        if (!view->txn)
                r = state_begin(view->state, STATE_READ, &view->txn);
        else {
                view_rest(view);
                r = state_renew(view->txn);
        }
        if (r != 0)
                return error_fold(r);
        view->renewed = true;
        view->head = MAX(view->head, state_folded_seq(view->txn));
        return 0;
}

void view_rest(View *view) {
        if (view->renewed)
                state_reset(view->txn);
        view->renewed = false;
}

bool view_is_renewed(const View *view) {
        return view->renewed;
}

uint64_t view_head(const View *view) {
        return view->head;
}

StateTxn *view_txn(View *view) {
        return view->txn;
}

static void outcome_take_number(ViewOutcome *outcome, uint32_t number, uint64_t value) {
        switch (number) {
        case OUTCOME_SEQ:
                outcome->seq = value;
                break;
        case OUTCOME_SEGMENT:
                outcome->place.segment = value;
                break;
        case OUTCOME_OFFSET:
                outcome->place.offset = value;
                break;
        case OUTCOME_DUPLICATE_OF:
                outcome->duplicate_of = value;
                break;
        case OUTCOME_BELATED:
                outcome->belated = value != 0;
                break;
        case OUTCOME_LOADED:
                outcome->loaded = value != 0;
                break;
        case OUTCOME_RECEIVED_AT:
                outcome->received_at = (int64_t)value;
                break;
        case OUTCOME_RESOLVED_BY:
                outcome->resolved_by = value;
                break;
        case OUTCOME_EVENT_COUNT:
                outcome->event_count = value;
                break;
        case OUTCOME_REPUBLISHES:
                outcome->republishes = value;
                break;
        default:
                break;
        }
}

static void outcome_take_text(ViewOutcome *outcome, uint32_t number, Bytes text) {
        switch (number) {
        case OUTCOME_KIND:
                outcome->kind = text;
                break;
        case OUTCOME_SOURCE:
                outcome->source = text;
                break;
        case OUTCOME_QUARANTINED:
                outcome->quarantined = text;
                break;
        case OUTCOME_CLASS:
                outcome->class = text;
                break;
        case OUTCOME_REFUSED:
                outcome->refused = text;
                break;
        case OUTCOME_RESOLUTION:
                outcome->resolution = text;
                break;
        default:
                break;
        }
}

int view_outcome(View *view, uint64_t seq, ViewOutcome *ret) {
        StateKey key = state_key_seq(seq);
        ViewOutcome outcome = { .seq = seq };
        WireField field;
        size_t offset = 0;
        int r;

        if (seq == 0 || seq > view->head)
                return VIEW_E_NOT_FOUND;
        r = state_get(view->txn, STATE_OUTCOME, state_key_all(&key), &outcome.packed);
        if (r == STATE_E_NOT_FOUND)
                return VIEW_E_NOT_FOUND;
        if (r != 0)
                return error_fold(r);
        while ((r = wire_field_next(outcome.packed, &offset, &field)) == 0) {
                if (field.wire_type == 0)
                        outcome_take_number(&outcome, field.number, field.value);
                else if (field.wire_type == 2)
                        outcome_take_text(&outcome, field.number, field.bytes);
        }
        if (r != -ENODATA || outcome.seq != seq)
                return -EBADMSG;
        *ret = outcome;
        return 0;
}

int view_outcome_list(const ViewOutcome *outcome, unsigned number, int (*item)(Bytes value, void *owner), void *owner) {
        WireField field;
        size_t offset = 0;

        while (wire_field_next(outcome->packed, &offset, &field) == 0)
                if (field.number == number && field.wire_type == 2) {
                        int r = item(field.bytes, owner);
                        if (r != 0)
                                return r;
                }
        return 0;
}

/* ---- the journal ------------------------------------------------------------------------------------------------- */

/* One that stands before `seq`, else the one that was idle for longest. */
static ViewReader *view_pick_reader(View *view, uint64_t seq) {
        ViewReader *oldest = &view->readers[0];

        for (size_t i = 0; i < READERS; i++) {
                if (view->readers[i].reader && view->readers[i].next == seq)
                        return &view->readers[i];
                if (view->readers[i].used < oldest->used)
                        oldest = &view->readers[i];
        }
        return oldest;
}

static int view_place_reader(View *view, uint64_t seq, const JournalPlace *hint, ViewReader **ret) {
        ViewReader *reader = view_pick_reader(view, seq);
        int r;

        reader->used = ++view->uses;
        if (reader->reader && reader->next == seq) {
                *ret = reader;
                return 0;
        }
        reader->next = 0;
        if (!reader->reader) {
                r = journal_reader_open(view->journal_folder, &reader->reader);
                if (r != 0)
                        return error_fold(r);
        }
        r = journal_reader_seek(reader->reader, seq, hint);
        if (r == JOURNAL_E_END)
                return VIEW_E_NOT_FOUND;
        if (r == JOURNAL_E_CORRUPT)
                return -EBADMSG;
        if (r != 0)
                return error_fold(r);
        *ret = reader;
        return 0;
}

static int view_read(View *view, uint64_t seq, const JournalPlace *hint, uint64_t limit, JournalRecord *ret) {
        ViewReader *reader;
        int r;

        r = view_place_reader(view, seq, hint, &reader);
        if (r != 0)
                return r;
        reader->next = 0;
        r = journal_reader_next(reader->reader, limit, ret, NULL);
        if (r == 0 || r == JOURNAL_E_EXPIRED)
                reader->next = seq + 1;
        if (r == 0 && ret->seq != seq)
                return -EBADMSG;
        switch (r) {
        case JOURNAL_E_END:
                return VIEW_E_NOT_FOUND;
        case JOURNAL_E_CORRUPT:
                return -EBADMSG;
        case JOURNAL_E_EXPIRED:
                return r;
        default:
                return error_fold(r);
        }
}

int view_record(View *view, uint64_t seq, const JournalPlace *hint, JournalRecord *ret) {
        if (seq == 0 || seq > view->head)
                return VIEW_E_NOT_FOUND;
        return view_read(view, seq, hint && hint->segment ? hint : NULL, view->head, ret);
}

int view_has_unfolded(View *view, uint64_t seq, int64_t *ret_received_at) {
        JournalRecord record;
        int r;

        if (seq <= view->head)
                return 0;
        r = view_read(view, seq, NULL, seq, &record);
        if (r == 0 || r == JOURNAL_E_EXPIRED) {
                *ret_received_at = r == 0 ? record.received_at : 0;
                return 1;
        }
        /* A torn tail is no fault of who asks whether something lies behind it. */
        return r == VIEW_E_NOT_FOUND || r == -EBADMSG || r == -ENOENT ? 0 : r;
}

/* ---- the rules --------------------------------------------------------------------------------------------------- */

uint64_t view_settings_mark(View *view) {
        StateKey key = state_key_meta(RECORD_META_SETTINGS_SEQ);
        Bytes value;

        if (state_get(view->txn, STATE_META, state_key_all(&key), &value) != 0 || value.size != sizeof(uint64_t))
                return 0;
        return load_le64(value.data);
}

int view_sharing(View *view, const Config *config, Sharing **ret) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__Settings *folded = NULL;
        int r;

        r = arena_new(&arena, SETTINGS_MEMORY);
        if (r < 0)
                return r;
        r = settings_read(view->txn, arena, &folded);
        if (r != 0 && r != RECORD_E_NOT_FOUND)
                return error_fold(r);
        return sharing_new(config, r == 0 ? folded : NULL, ret);
}
