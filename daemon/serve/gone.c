/* The events of a person say it all: outcomes are read in the order of entries, the journal is not. */
#include "daemon/serve/gone.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/record/read.h"
#include "daemon/record/ring.h"
#include "daemon/serve/record-cut.h"
#include "daemon/store/state-keys.h"

#define LOOKED_AT_MAX 16384 /* events of one person; the newest */

typedef struct Going {
        Sight *sight;
        size_t team;
        const char *team_name;
        Arena *arena;
        Carebus__V1__RecordGone *gone;
        uint64_t seqs[LOOKED_AT_MAX]; /* of entries with events of the person: a ring, */
        size_t n_seqs;                /* of so many */
} Going;

/* ---- what does not stand ---------------------------------------------------------------------------------------------------- */

static const Carebus__V1__Event *derived_of(const Carebus__V1__Outcome *outcome, uint32_t index) {
        const size_t n_own = outcome->n_derived <= outcome->event_count ? outcome->event_count - outcome->n_derived : 0;

        return index >= n_own && index - n_own < outcome->n_derived ? outcome->derived[index - n_own] : NULL;
}

static bool is_of(const Carebus__V1__Outcome *outcome, uint32_t index, const char *patient_id) {
        const Carebus__V1__Event *derived = derived_of(outcome, index);

        if (derived)
                return derived->patient && text_equal(derived->patient->patient_id, patient_id);
        return index < outcome->n_patient_ids && text_equal(outcome->patient_ids[index], patient_id);
}

/* Of what nobody reads any more nobody says what it was. */
static int withdrawal_of(Sight *sight, size_t team, const Carebus__V1__Outcome *outcome, uint32_t index,
                         SightWithdrawal *ret) {
        PublishedEntry *entry = NULL;
        SightAnswer answer;
        int r = sight_of_event(sight, outcome->seq, index, team, &answer, &entry);

        ret->type = r == 0 ? entry->events[index].type : "";
        ret->sensitive = r == 0 ? entry->events[index].sensitive : 0;
        return MIN(r, 0);
}

static int any_was_given(Sight *sight, size_t team, const Carebus__V1__Outcome *outcome,
                         const Carebus__V1__OutcomeCorrection *correction, const char *patient_id) {
        SightWithdrawal by = { .patient_id = patient_id };
        int r = withdrawal_of(sight, team, outcome, correction->index, &by);

        for (size_t i = 0; r == 0 && i < correction->n_withdrawn; i++)
                r = sight_was_given(sight, team, correction->withdrawn[i], &by);
        return r;
}

int gone_is_corrected(Sight *sight, size_t team, const Carebus__V1__Outcome *outcome, const char *patient_id) {
        if (!sight_audit(sight))
                return 0; /* nobody knows */
        for (size_t i = 0; i < outcome->n_corrections; i++) {
                int r = is_of(outcome, outcome->corrections[i]->index, patient_id)
                                ? any_was_given(sight, team, outcome, outcome->corrections[i], patient_id)
                                : 0;

                if (r != 0)
                        return r;
        }
        return 0;
}

static int correction_fill(Going *going, const Carebus__V1__Outcome *outcome,
                           const Carebus__V1__OutcomeCorrection *said, const char *patient_id,
                           Carebus__V1__RecordCorrection *correction) {
        SightWithdrawal by = { .patient_id = patient_id };
        const Carebus__V1__Settings *settings;
        int r;

        correction->has_at = 1;
        correction->at = outcome->received_at;
        correction->event_id = id_text("", outcome->seq, said->index, going->arena);
        r = withdrawal_of(going->sight, going->team, outcome, said->index, &by);
        if (r < 0)
                return r;
        correction->section = (char *)sight_kind(by.type);
        correction->type = arena_text(going->arena, by.type, strlen(by.type));
        by.type = correction->type;
        if (!correction->event_id || !correction->type)
                return -ENOMEM;
        for (size_t i = 0; i < said->n_withdrawn; i++) {
                r = sight_was_given(going->sight, going->team, said->withdrawn[i], &by);
                if (r > 0)
                        r = list_append((void ***)&correction->withdrawn, &correction->n_withdrawn, said->withdrawn[i],
                                        going->arena);
                if (r < 0)
                        return r;
        }
        r = sight_settings(going->sight, &settings);
        if (r == 0)
                ring_of_source(settings, bytes_of_text(outcome->source ?: ""), &correction->whom_to_ring,
                               &correction->n_whom_to_ring);
        return r;
}

static int corrections_add(Going *going, const Carebus__V1__Outcome *outcome, const char *patient_id) {
        for (size_t i = 0; i < outcome->n_corrections; i++) {
                Carebus__V1__RecordCorrection *correction;
                int r = is_of(outcome, outcome->corrections[i]->index, patient_id)
                                ? any_was_given(going->sight, going->team, outcome, outcome->corrections[i], patient_id)
                                : 0;

                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                correction = message_new(&carebus__v1__record_correction__descriptor, going->arena);
                if (!correction)
                        return -ENOMEM;
                r = correction_fill(going, outcome, outcome->corrections[i], patient_id, correction);
                if (r == 0)
                        r = list_append((void ***)&going->gone->corrections, &going->gone->n_corrections, correction,
                                        going->arena);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- since when -------------------------------------------------------------------------------------------------------------- */

/* The end of the last relationship is told by an event of its own, which is the last that the team is given of the person. */
static void withdrawal_note(Going *going, const Carebus__V1__Outcome *outcome, const char *patient_id) {
        for (size_t i = 0; i < outcome->n_derived; i++) {
                const Carebus__V1__Event *event = outcome->derived[i];

                if (text_equal(event->type, "record.withdrawn") && event->notice && event->patient &&
                    text_equal(event->notice->team, going->team_name) &&
                    text_equal(event->patient->patient_id, patient_id)) {
                        going->gone->has_not_kept_up_from = 1;
                        going->gone->not_kept_up_from = outcome->received_at;
                }
        }
}

static int seq_seen(Bytes key, Bytes value, void *owner) {
        Going *going = owner;
        const size_t tail = sizeof(uint64_t) + sizeof(uint32_t);
        uint64_t seq;

        (void)value;
        if (key.size < tail)
                return -EBADMSG;
        seq = load_be64(key.data + key.size - tail);
        if (going->n_seqs == 0 || going->seqs[(going->n_seqs - 1) % LOOKED_AT_MAX] != seq)
                going->seqs[going->n_seqs++ % LOOKED_AT_MAX] = seq;
        return 0;
}

/* Under one id. */
static int events_look(Going *going, const char *patient_id) {
        StateTxn *txn = view_txn(sight_view(going->sight));
        StateKey prefix = state_key_patient_seq(patient_id, 0, 0);
        size_t n;
        int r;

        if (prefix.error < 0)
                return prefix.error;
        prefix.size -= sizeof(uint64_t) + sizeof(uint32_t);
        going->n_seqs = 0;
        r = state_walk(txn, STATE_PATIENT_SEQ, state_key_all(&prefix), state_key_all(&prefix), seq_seen, going);
        n = going->n_seqs;
        for (size_t i = n > LOOKED_AT_MAX ? n - LOOKED_AT_MAX : 0; r >= 0 && i < n; i++) {
                const ArenaMark mark = arena_mark(going->arena);
                Carebus__V1__Outcome *outcome;

                r = outcome_read(txn, going->seqs[i % LOOKED_AT_MAX], going->arena, &outcome);
                if (r != 0)
                        continue;
                withdrawal_note(going, outcome, patient_id);
                if (outcome->n_corrections > 0)
                        r = corrections_add(going, outcome, patient_id);
                else
                        arena_rewind(going->arena, mark);
        }
        return MIN(r, 0);
}

/* ---- all of it ------------------------------------------------------------------------------------------------------------------- */

static int withdrawn_fill(Going *going, const char *patient_id, uint64_t at_seq) {
        Sight *sight = going->sight;
        ViewOutcome outcome;
        size_t n_ids = 0;
        char **ids;
        int r;

        r = identity_members(view_txn(sight_view(sight)), patient_id, going->arena, &ids, &n_ids);
        for (size_t i = 0; r == 0 && i < n_ids; i++)
                r = events_look(going, ids[i]);
        if (r >= 0 && !going->gone->has_not_kept_up_from) {
                r = view_outcome(sight_view(sight), at_seq, &outcome);
                going->gone->has_not_kept_up_from = r == 0;
                going->gone->not_kept_up_from = r == 0 ? outcome.received_at : 0;
        }
        if (r < 0)
                return r;
        return record_whom_to_ring(sight, going->team, going->arena, &going->gone->whom_to_ring,
                                   &going->gone->n_whom_to_ring);
}

int gone_make(Sight *sight, size_t team, const char *patient_id, uint64_t at_seq, const char *answered_by, Arena *arena,
              Carebus__V1__RecordGone **ret) {
        Carebus__V1__RecordGone *gone = message_new(&carebus__v1__record_gone__descriptor, arena);
        Going *going = arena_alloc(arena, sizeof(*going));
        int r = 0;

        if (!gone || !going)
                return -ENOMEM;
        *going = (Going){ .sight = sight,
                          .team = team,
                          .team_name = sharing_config(sight_sharing(sight))->teams[team].name,
                          .arena = arena,
                          .gone = gone };
        gone->patient_id = (char *)patient_id;
        gone->reason = (char *)(answered_by ? "merged" : "withdrawn");
        gone->answered_by = (char *)answered_by;
        if (!answered_by)
                r = withdrawn_fill(going, patient_id, at_seq);
        if (r == 0)
                *ret = gone;
        return r;
}
