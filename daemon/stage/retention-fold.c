/* What the fold makes of a decision by which something goes: each entry is asked again whether it may. */
#include "daemon/stage/retention-fold.h"

#include <errno.h>

#include "base/error.h"
#include "daemon/record/read.h"
#include "daemon/stage/retention-hold.h"
#include "daemon/stage/scope-parts.h"

/* The entry says by which decision it went; what the quarantine held of it goes with the whole. */
static int entry_mark(FoldWork *work, RetentionClass class, uint64_t seq) {
        StateKey key = state_key_seq(seq);
        Carebus__V1__Outcome *outcome;
        Bytes packed;
        int r = outcome_read(work->txn, seq, work->arena, &outcome);

        if (r)
                return error_fold(r);
        if (class == RETENTION_ORIGINALS) {
                outcome->has_original_gone_by = true;
                outcome->original_gone_by = work->seq;
        } else {
                outcome->has_expired_by = true;
                outcome->expired_by = work->seq;
        }
        packed = message_pack(&outcome->base, work->arena);
        r = packed.data ? state_put(work->txn, STATE_OUTCOME, state_key_all(&key), packed) : -ENOMEM;
        if (r == 0 && class == RETENTION_EVENTS)
                r = state_delete(work->txn, STATE_RESOLVED, state_key_all(&key));
        return r;
}

static int entry_let_go(FoldWork *work, const RetentionQuestion *question, uint64_t seq) {
        const ArenaMark mark = arena_mark(work->arena);
        RetentionHold hold;
        int r = retention_hold(question, seq, &hold, NULL);

        if (r == 0 && hold == RETENTION_MAY_GO)
                r = entry_mark(work, question->class, seq);
        arena_rewind(work->arena, mark);
        return r;
}

/* The originals alone need no base: the fold never looks at them. */
static bool stands_behind_base(const Carebus__V1__Expired *expired, RetentionClass class, uint64_t now) {
        return class == RETENTION_ORIGINALS || (expired->has_base_seq && expired->base_seq < now);
}

int retention_expire(FoldWork *work, const Carebus__V1__JournalDecision *decision) {
        const Carebus__V1__Expired *expired = decision->expired;
        RetentionQuestion question = { .txn = work->txn, .delivered = UINT64_MAX, .arena = work->arena };
        _cleanup_(retention_waits_freep) RetentionWaits *waits = NULL;
        int r;

        question.class = expired && expired->rule ? retention_class_of_rule(expired->rule) : RETENTION_NOT_FOLLOWED;
        if (question.class == RETENTION_NOT_FOLLOWED)
                return scope_expire(work, decision);
        if (question.class == _RETENTION_CLASS_MAX || expired->n_seqs == 0) {
                work->outcome.refused = (char *)"no-such-rule";
                return 0;
        }
        if (!stands_behind_base(expired, question.class, work->seq)) {
                work->outcome.refused = (char *)"no-base";
                return 0;
        }
        /* What earlier entries of this transaction changed is read through it. */
        r = work_store_through(work);
        r = r ?: retention_waits_read(work->txn, work->arena, &waits);
        question.waits = waits;
        for (size_t i = 0; r == 0 && i < expired->n_seqs; i++)
                if (expired->seqs[i] < work->seq &&
                    (question.class == RETENTION_ORIGINALS || expired->seqs[i] <= expired->base_seq))
                        r = entry_let_go(work, &question, expired->seqs[i]);
        overlay_clear(work->fold->overlay);
        return r ?: scope_expired_note(work);
}
