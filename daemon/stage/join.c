#include "daemon/stage/join.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/identity/ties.h"
#include "daemon/stage/correction.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/join-parts.h"
#include "daemon/stage/scope.h"

/* Persons that one merge may retire. */
#define RETIRED_MAX 32

typedef enum JoinVerb {
        JOIN_NONE,
        JOIN_MERGE,
        JOIN_UNMERGE,
        JOIN_LINK,
        JOIN_UNLINK,
        JOIN_MOVE,
} JoinVerb;

static JoinVerb verb_of(const Carebus__V1__Event *event) {
        static const struct {
                const char *type;
                JoinVerb verb;
        } verbs[] = {
                { "patient.merged", JOIN_MERGE }, { "patient.unmerged", JOIN_UNMERGE },
                { "patient.linked", JOIN_LINK },  { "patient.unlinked", JOIN_UNLINK },
                { "patient.moved", JOIN_MOVE },
        };

        if (event->body_case != CAREBUS__V1__EVENT__BODY_MERGE || !event->merge)
                return JOIN_NONE;
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].type, event->type) == 0)
                        return verbs[i].verb;
        return JOIN_NONE;
}

bool join_is_said(const Carebus__V1__Event *event) {
        return verb_of(event) != JOIN_NONE;
}

/* Everybody whom the retired identifiers stand for: each of a source's own numbers is one; national ones go with it where it is alone. */
static int retired_find(FoldWork *work, const Said *said, const Carebus__V1__Merge *merge, Person **ret,
                        size_t *ret_n) {
        size_t n_local = 0, n = 0;
        int r = 0;

        for (size_t i = 0; i < merge->n_retired; i++)
                n_local += identifier_use(merge->retired[i]) == IDENTIFIER_LOCAL;
        if (n_local <= 1) {
                r = identify_person(work, said, merge->retired, merge->n_retired, &ret[0], NULL, NULL);
                *ret_n = 1;
                return r;
        }
        for (size_t i = 0; r == 0 && i < merge->n_retired && n < RETIRED_MAX; i++)
                if (identifier_use(merge->retired[i]) == IDENTIFIER_LOCAL)
                        r = identify_person(work, said, &merge->retired[i], 1, &ret[n++], NULL, NULL);
        *ret_n = n;
        return r;
}

/* Nothing came of it: nobody is named as retired, so that a reader that looks no further does not join them either. */
int join_refuse(FoldWork *work, const Said *said, Person *survivor, const char *dispute, const Merge *merge) {
        Merge *report = message_shallow_copy(&merge->base, work->arena);
        Carebus__V1__Event *event = work_event(work, said->event->type);
        Person *answering;
        char *event_id;
        int r;

        if (!report || !event)
                return -ENOMEM;
        report->has_disputed = report->disputed = 1;
        report->dispute = (char *)dispute;
        event->body_case = CAREBUS__V1__EVENT__BODY_MERGE;
        event->merge = report;
        r = identify_answering(work, survivor, &answering);
        return r ?: work_derive(work, event, answering->patient_id, said, &event_id);
}

/* An unmerge takes back merges; an unlink says that they are two, whatever made them one. What is taken back before it was said is taken
 * back all the same. *ret_any: there was something. */
static int ties_undo(FoldWork *work, const Said *said, JoinVerb verb, Person *a, Person *b, Tie **ret_spoken,
                     bool *ret_any) {
        static const struct {
                Carebus__V1__Tie__Kind kind;
                bool by_unmerge;
                bool beforehand;
        } kinds[] = {
                { KIND(MERGE), true, true },  { KIND(LINK), false, true },      { KIND(NUMBER), false, true },
                { KIND(MATCH), false, true }, { KIND(DECISION), false, false },
        };

        *ret_any = false;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                Tie *tie = tie_find(a, b->patient_id, kinds[i].kind), *spoken;
                bool a_retires = tie && tie->has_retires && tie->retires;
                int r;

                if ((verb == JOIN_UNMERGE && !kinds[i].by_unmerge) || (!tie && !kinds[i].beforehand))
                        continue;
                *ret_any = *ret_any || tie;
                r = tie_say(work, said, a_retires ? b : a, a_retires ? a : b, kinds[i].kind, /* undone= */ true,
                            &spoken);
                if (r)
                        return r;
                if (kinds[i].kind == KIND(MERGE))
                        *ret_spoken = spoken;
        }
        return 0;
}

static int pair_apply(FoldWork *work, const Said *said, JoinVerb verb, Person *survivor, Person *retired) {
        Merge *merge = said->event->merge;
        Person *seeds[] = { survivor, retired };
        bool undoes = verb == JOIN_UNMERGE || verb == JOIN_UNLINK, any = true;
        Cause cause = { .said = said, .type = said->event->type, .seeds = seeds, .n_seeds = ELEMENTSOF(seeds) };
        Tie *spoken = NULL;
        bool room;
        int r;

        r = join_has_room(work, survivor, retired, &room);
        if (r || !room)
                return r ?: join_refuse(work, said, survivor, TIES_DISPUTE_TOO_MANY, merge);
        if (undoes)
                r = ties_undo(work, said, verb, survivor, retired, &spoken, &any);
        else
                r = tie_say(work, said, survivor, retired, verb == JOIN_LINK ? KIND(LINK) : KIND(MERGE),
                            /* undone= */ false, &spoken);
        if (r == 0 && !any)
                r = join_refuse(work, said, survivor, "not-joined", merge);
        cause.spoken = spoken;
        cause.report = message_shallow_copy(&merge->base, work->arena);
        if (r || !cause.report)
                return r ?: -ENOMEM;
        if (any || undoes)
                r = join_fact_keep(work, said, survivor, retired, merge, undoes);
        return r ?: join_settle(work, &cause);
}

int join_apply(FoldWork *work, const Said *said, Person **ret) {
        const Merge *merge = said->event->merge;
        const Carebus__V1__Subject *subject = said->event->patient;
        bool from_body = merge->n_surviving > 0 || !subject;
        Person *survivor, *retired[RETIRED_MAX];
        JoinVerb verb = verb_of(said->event);
        size_t n_retired = 0;
        int r;

        /* Another number for the same person is what a merge makes of the old one. */
        if (verb == JOIN_MOVE && merge->scope == CAREBUS__V1__MERGE__SCOPE__SCOPE_NUMBER)
                verb = JOIN_MERGE;
        if (verb == JOIN_MOVE && merge->scope == CAREBUS__V1__MERGE__SCOPE__SCOPE_IDENTIFIERS && from_body)
                return join_move_numbers(work, said, ret);
        r = identify_person(work, said, from_body ? merge->surviving : subject->identifiers,
                            from_body ? merge->n_surviving : subject->n_identifiers, &survivor, NULL, NULL);
        if (r == 0 && merge->n_retired > 0)
                r = retired_find(work, said, merge, retired, &n_retired);
        r = r ?: scope_follow(work, survivor);
        for (size_t i = 0; r == 0 && i < n_retired; i++)
                r = scope_follow(work, retired[i]);
        if (r == 0 && verb == JOIN_MOVE)
                r = join_move(work, said, survivor, retired, n_retired);
        for (size_t i = 0; r == 0 && verb != JOIN_MOVE && i < n_retired; i++)
                if (retired[i] != survivor)
                        r = pair_apply(work, said, verb, survivor, retired[i]);
        *ret = survivor;
        return r;
}

/* ---- ties of the bus's own ------------------------------------------------------------------------------------------------- */

/* A source that said that they are two is not overruled by a number or a score. */
int join_tie(FoldWork *work, const Said *said, Person *a, Person *b, Carebus__V1__Tie__Kind kind, const char *reason) {
        const Tie *before = tie_find(a, b->patient_id, kind);
        Person *seeds[] = { a, b };
        bool room;
        int r;

        if (before && before->undone && kind != KIND(DECISION))
                return 0;
        r = join_has_room(work, a, b, &room);
        if (r || !room)
                return r;
        r = tie_say(work, said, a, b, kind, /* undone= */ false, NULL);
        return r ?: join_settle_for(work, said, "patient.linked", seeds, ELEMENTSOF(seeds), reason);
}

int join_apart(FoldWork *work, const Said *said, Person *a, Person *b, const char *reason) {
        Person *seeds[] = { a, b };
        int r = 0;

        for (size_t i = 0; r == 0 && i < a->n_ties; i++) {
                const Tie *tie = a->ties[i];

                if (strcmp(tie->patient_id, b->patient_id) == 0 && !tie->undone)
                        r = tie_say(work, said, tie->retires ? b : a, tie->retires ? a : b, tie->kind,
                                    /* undone= */ true, NULL);
        }
        r = r ?: tie_say(work, said, a, b, KIND(APART), /* undone= */ false, NULL);
        return r ?: join_settle_for(work, said, "patient.unlinked", seeds, ELEMENTSOF(seeds), reason);
}

int join_together(FoldWork *work, const Said *said, Person *a, Person *b) {
        if (!tie_find(a, b->patient_id, KIND(APART)))
                return 0;
        return tie_say(work, said, a, b, KIND(APART), /* undone= */ true, NULL);
}

/* Ties that the rules refused may hold now, and others no longer. */
int join_again(FoldWork *work, const Said *said, Person *person) {
        Person *seeds[] = { person };

        if (person->n_ties == 0)
                return 0;
        return join_settle_for(work, said, /* type= */ NULL, seeds, ELEMENTSOF(seeds), "numbers-changed");
}

/* What a source says of two of its own numbers stays its business: only what made one of several sources is in doubt. */
static bool tie_is_suspendable(const Tie *tie) {
        return tie->kind == KIND(NUMBER) || tie->kind == KIND(MATCH) || tie->kind == KIND(DECISION) ||
               tie->kind == KIND(LINK);
}

static void tie_suspend(Tie *tie, bool suspended) {
        tie->has_suspended = tie->suspended = suspended;
}

int join_suspend(FoldWork *work, const Said *said, Person *person, bool suspended, const char *reason) {
        Person *seeds[] = { person };
        bool any = false;
        int r;

        for (size_t i = 0; i < person->n_ties; i++) {
                Tie *tie = person->ties[i], *back;
                Person *other;

                if (!tie_is_suspendable(tie) || tie->undone || (tie->has_suspended && tie->suspended) == suspended)
                        continue;
                r = suspended ? correction_of_suspended(work, person, tie) : 0;
                r = r ?: work_person(work, tie->patient_id, &other);
                if (r)
                        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
                tie_suspend(tie, suspended);
                back = tie_find(other, person->patient_id, tie->kind);
                if (back)
                        tie_suspend(back, suspended);
                work_person_touch(work, other);
                any = true;
        }
        if (!any)
                return 0;
        work_person_touch(work, person);
        r = join_settle_for(work, said, suspended ? "patient.unlinked" : "patient.linked", seeds, ELEMENTSOF(seeds),
                            reason);
        /* Where they are one all the same nobody is told. */
        correction_forget(work);
        return r;
}
