#include "daemon/stage/silence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/ring.h"
#include "daemon/stage/due.h"

/* ---- what is held in memory --------------------------------------------------------------------------------------------------- */

struct FoldSilence {
        char source[64];
        SourceSilence silence;
        SilenceHabit habit;
        bool is_dirty, habit_is_dirty;
};

void silence_clear(Fold *fold) {
        for (size_t i = 0; i < fold->n_silences; i++)
                free(fold->silences[i]);
        free(fold->silences);
        fold->silences = NULL;
        fold->n_silences = 0;
}

static int silence_read(FoldWork *work, const char *source, struct FoldSilence *ret) {
        int r = source_silence_read(work->txn, source, &ret->silence);

        memcpy(ret->source, source, strlen(source) + 1);
        return r ?: source_silence_read_habit(work->txn, source, &ret->habit);
}

static int silence_find(FoldWork *work, const char *source, struct FoldSilence **ret) {
        Fold *fold = work->fold;
        _cleanup_(freep) struct FoldSilence *made = NULL;
        struct FoldSilence **grown;
        int r;

        for (size_t i = 0; i < fold->n_silences; i++)
                if (strcmp(fold->silences[i]->source, source) == 0) {
                        *ret = fold->silences[i];
                        return 0;
                }
        made = calloc(1, sizeof(*made));
        grown = made ? reallocarray(fold->silences, fold->n_silences + 1, sizeof(*grown)) : NULL;
        if (!grown)
                return -ENOMEM;
        fold->silences = grown;
        r = silence_read(work, source, made);
        if (r)
                return r;
        *ret = grown[fold->n_silences++] = TAKE_PTR(made);
        return 0;
}

int silence_flush(Fold *fold, StateTxn *txn) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < fold->n_silences; i++) {
                struct FoldSilence *one = fold->silences[i];
                const StateKey key = source_silence_key(one->source), habit = source_silence_habit_key(one->source);
                uint8_t packed[SILENCE_PACKED_SIZE];

                source_silence_pack(&one->silence, packed);
                if (one->is_dirty)
                        r = state_put(txn, STATE_META, state_key_all(&key), bytes_of(packed, sizeof(packed)));
                if (r == 0 && one->habit_is_dirty)
                        r = state_put(txn, STATE_META, state_key_all(&habit),
                                      bytes_of(&one->habit, sizeof(one->habit)));
                one->is_dirty = one->habit_is_dirty = false;
        }
        return r;
}

/* ---- when to look ------------------------------------------------------------------------------------------------------------ */

static const Carebus__V1__SourceSettings *settings_of(const FoldWork *work, const char *source) {
        const Carebus__V1__Settings *settings = work->fold->settings;

        for (size_t i = 0; settings && i < settings->n_sources; i++)
                if (text_equal(settings->sources[i]->name, source))
                        return settings->sources[i];
        return NULL;
}

/* What is not configured any more nobody waits for. */
static int64_t due_of(const FoldWork *work, const struct FoldSilence *one, int64_t *ret_usual) {
        const Carebus__V1__SourceSettings *settings = settings_of(work, one->source);

        return settings ? source_silence_due(&one->silence, &one->habit,
                                             (int64_t)settings->silent_after_seconds * USEC_PER_SEC, ret_usual)
                        : 0;
}

static int due_set(FoldWork *work, struct FoldSilence *one, int64_t due_at) {
        int r = 0;

        if (one->silence.due_at == due_at)
                return 0;
        if (one->silence.due_at)
                r = due_remove(work, one->silence.due_at, DUE_SILENCE, one->source);
        one->silence.due_at = due_at;
        one->is_dirty = true;
        return r || !due_at ? r : due_add(work, due_at, DUE_SILENCE, one->source);
}

static int due_anew(FoldWork *work, struct FoldSilence *one) {
        int64_t usual;

        return due_set(work, one, due_of(work, one, &usual));
}

int silence_heard(FoldWork *work) {
        struct FoldSilence *one;
        bool habit_is_new;
        int r;

        if (work->history || !work->source[0] || strlen(work->source) >= sizeof(one->source))
                return 0;
        r = silence_find(work, work->source, &one);
        if (r)
                return r;
        /* The first word behind a while in which the bus was away may come before the tick that finds it out. */
        if (one->silence.due_at && work->received_at - one->silence.due_at > SILENCE_LATE)
                habit_is_new = source_silence_was_away(&one->silence, &one->habit, work->received_at);
        else
                habit_is_new = source_silence_heard(&one->silence, &one->habit, work->received_at);
        one->is_dirty = true;
        one->habit_is_dirty = one->habit_is_dirty || habit_is_new;
        if (one->silence.silent_since_at && !one->silence.spoke_at) {
                one->silence.spoke_at = work->received_at;
                return due_set(work, one, work->received_at);
        }
        /* A look that is due already is early enough: what was heard since only puts it off. */
        return one->silence.due_at == 0 && habit_is_new ? due_anew(work, one) : 0;
}

int silence_settings(FoldWork *work) {
        const Carebus__V1__Settings *settings = work->fold->settings;
        int r = 0;

        for (size_t i = 0; r == 0 && i < settings->n_sources; i++) {
                const char *name = settings->sources[i]->name;
                struct FoldSilence *one;

                if (!name || strlen(name) >= sizeof(one->source))
                        continue;
                r = silence_find(work, name, &one);
                if (r == 0 && one->silence.last_at && !one->silence.silent_since_at)
                        r = due_anew(work, one);
        }
        return r;
}

/* ---- telling ------------------------------------------------------------------------------------------------------------------- */

static void note_for_log(FoldWork *work, const struct FoldSilence *one) {
        Fold *fold = work->fold;
        const Carebus__V1__SourceSettings *settings = settings_of(work, one->source);
        FoldSilenceTold *told;

        if (fold->n_told == ELEMENTSOF(fold->told))
                return; /* nobody asks for them: a rebuild */
        told = &fold->told[fold->n_told++];
        *told = (FoldSilenceTold){ .since_at = one->silence.silent_since_at,
                                   .until_at = one->silence.spoke_at,
                                   .told_at = work->received_at,
                                   .usual = one->silence.usual };
        (void)snprintf(told->source, sizeof(told->source), "%s", one->source);
        (void)snprintf(told->team, sizeof(told->team), "%s", settings && settings->team ? settings->team : "");
}

/* About nobody: what is not told of this source is not told of anybody. */
static int tell(FoldWork *work, const struct FoldSilence *one, const char *code) {
        const Carebus__V1__SourceSettings *settings = settings_of(work, one->source);
        Carebus__V1__Event *event = work_event(work, "partner.silent");
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, work->arena);

        if (!event || !notice)
                return -ENOMEM;
        notice->code = (char *)code;
        notice->source = arena_text(work->arena, one->source, strlen(one->source));
        notice->text = arena_format(work->arena, "usual is at most %lld min",
                                    (long long)((one->silence.usual + 60 * USEC_PER_SEC - 1) / (60 * USEC_PER_SEC)));
        notice->has_since_at = true;
        notice->since_at = one->silence.silent_since_at;
        notice->has_until_at = one->silence.spoke_at != 0;
        notice->until_at = one->silence.spoke_at;
        if (!notice->source || !notice->text)
                return -ENOMEM;
        if (settings)
                ring_of_source(work->fold->settings, bytes_of_text(one->source), &notice->whom_to_ring,
                               &notice->n_whom_to_ring);
        event->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event->notice = notice;
        note_for_log(work, one);
        return list_append((void ***)&work->outcome.derived, &work->outcome.n_derived, event, work->arena);
}

static int speaks_again(FoldWork *work, struct FoldSilence *one) {
        int r = tell(work, one, SILENCE_ENDED);

        one->silence.silent_since_at = one->silence.spoke_at = one->silence.usual = 0;
        return r ?: due_anew(work, one);
}

static int is_silent(FoldWork *work, struct FoldSilence *one, int64_t now, int64_t usual) {
        SourceSilence *silence = &one->silence;

        silence->n_told = now - silence->told_at < INT64_C(24) * 3600 * USEC_PER_SEC ? silence->n_told + 1 : 1;
        silence->told_at = now;
        silence->silent_since_at = silence->last_at;
        silence->usual = usual;
        return tell(work, one, SILENCE_BEGAN);
}

static int source_look(FoldWork *work, const char *source, int64_t now) {
        struct FoldSilence *one;
        int64_t was_due, due_at, usual = 0;
        int r = silence_find(work, source, &one);

        if (r)
                return r;
        was_due = one->silence.due_at;
        one->silence.due_at = 0; /* the tick takes it away */
        one->is_dirty = true;
        if (one->silence.spoke_at)
                return speaks_again(work, one);
        if (now - was_due > SILENCE_LATE) {
                one->habit_is_dirty = source_silence_was_away(&one->silence, &one->habit, now) || one->habit_is_dirty;
                return due_anew(work, one);
        }
        due_at = due_of(work, one, &usual);
        if (due_at == 0 || due_at > now)
                return due_set(work, one, due_at);
        return is_silent(work, one, now, usual);
}

int silence_due(FoldWork *work, int64_t due_at) {
        const int64_t now = MAX(work->received_at, due_at);
        size_t n_ids = 0;
        char **ids;
        int r = due_list(work, due_at, DUE_SILENCE, &ids, &n_ids);

        for (size_t i = 0; r == 0 && i < n_ids; i++)
                r = source_look(work, ids[i], now);
        return r;
}

size_t fold_take_silences(Fold *fold, FoldSilenceTold ret[FOLD_SILENCES_MAX]) {
        const size_t n = fold->n_told;

        memcpy(ret, fold->told, n * sizeof(*ret));
        fold->n_told = 0;
        return n;
}
