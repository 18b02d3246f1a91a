#include "daemon/stage/settings.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/match.h"
#include "daemon/record/read.h"
#include "daemon/record/relationship-rules.h"
#include "daemon/stage/relationship.h"
#include "daemon/stage/scope.h"
#include "daemon/stage/silence.h"

static int rules_make(Fold *fold, const Carebus__V1__Settings *settings) {
        _cleanup_(match_rules_freep) MatchRules *rules = NULL;
        int r;

        r = match_rules_new(settings ? settings->matching : NULL, &rules);
        if (r < 0)
                return r;
        match_rules_free(fold->rules);
        fold->rules = TAKE_PTR(rules);
        return 0;
}

static int settings_unpack(Fold *fold, Bytes packed) {
        Carebus__V1__Settings *settings;
        int r;

        fold->settings = NULL;
        arena_reset(fold->settings_arena);
        r = message_unpack(&carebus__v1__settings__descriptor, packed, fold->settings_arena,
                           (ProtobufCMessage **)&settings);
        if (r == 0)
                r = rules_make(fold, settings);
        if (r == 0)
                fold->settings = settings;
        return r;
}

/* Relationships are others from this entry on: nothing that is kept of them counts before it was found anew. */
static int sharing_rules_note(FoldWork *work, const Carebus__V1__Settings *settings) {
        SharingRulesMark mark;
        int r;

        if (!sharing_rules_differ(work->fold->settings, settings))
                return 0;
        r = sharing_rules_mark(work->txn, &mark);
        if (r)
                return r;
        mark.seq = work->seq;
        mark.at = work->received_at;
        return relationship_sweep_begin(work, &mark);
}

int settings_apply(FoldWork *work, const Carebus__V1__Settings *settings) {
        StateKey key = state_key_meta(RECORD_META_SETTINGS), seq_key = state_key_meta(RECORD_META_SETTINGS_SEQ);
        Bytes packed = message_pack(&settings->base, work->arena);
        uint8_t seq[8];
        int r;

        if (!packed.data)
                return -ENOMEM;
        store_le64(seq, work->seq);
        r = state_put(work->txn, STATE_META, state_key_all(&key), packed);
        if (r == 0)
                r = state_put(work->txn, STATE_META, state_key_all(&seq_key), bytes_of(seq, sizeof(seq)));
        r = r ?: sharing_rules_note(work, settings);
        r = r ?: settings_unpack(work->fold, packed);
        r = r ?: silence_settings(work);
        return r ?: scope_settings(work);
}

int settings_load(Fold *fold, StateTxn *txn) {
        StateKey key = state_key_meta(RECORD_META_SETTINGS);
        Bytes packed;
        int r;

        fold->settings = NULL;
        r = state_get(txn, STATE_META, state_key_all(&key), &packed);
        if (r == STATE_E_NOT_FOUND)
                return rules_make(fold, /* settings= */ NULL);
        return r ?: settings_unpack(fold, packed);
}

bool settings_numbers_traced(const Fold *fold, const char *source) {
        for (size_t i = 0; fold->settings && i < fold->settings->n_sources; i++)
                if (text_equal(fold->settings->sources[i]->name, source))
                        return fold->settings->sources[i]->numbers_traced;
        return false;
}

bool settings_lists_whole(const Fold *fold, const char *source) {
        for (size_t i = 0; fold->settings && i < fold->settings->n_sources; i++)
                if (text_equal(fold->settings->sources[i]->name, source))
                        return fold->settings->sources[i]->lists_complete;
        return false;
}

bool settings_is_own_number(const Fold *fold, const Carebus__V1__Identifier *identifier) {
        static const char prefix[] = "carebus:";
        const char *bus = fold->settings ? fold->settings->bus : NULL;

        return bus && identifier && identifier->system && text_starts_with(identifier->system, prefix) &&
               strcmp(identifier->system + strlen(prefix), bus) == 0;
}
