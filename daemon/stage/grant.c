#include "daemon/stage/grant.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "daemon/record/keys.h"
#include "daemon/record/relationships.h"
#include "daemon/stage/conflict-parts.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/relationship.h"

#define KIND_GLASS "break-glass"
#define KIND_CONTACT "opened-contact"
#define KIND_VISIT "planned-visit"

/* A clock that asks may be ahead of the one that decides. */
#define CLOCKS_DIFFER (60 * USEC_PER_SEC)

typedef Carebus__V1__JournalDecision Decision;
typedef Carebus__V1__Grant Grant;
typedef Carebus__V1__Relationship Relationship;
typedef Carebus__V1__SharingSettings Rules;

/* A decision on its way. */
typedef struct Granting {
        FoldWork *work;
        const Decision *decision;
        const char *kind;
        const Rules *rules;
        const Carebus__V1__TeamSettings *team;
        Carebus__V1__Person *person;
        int64_t until_at;
} Granting;

static bool is_said(const char *text) {
        return text && text[0];
}

/* ---- may it be? ---------------------------------------------------------------------------------------------------------------- */

static bool is_listed(char *const *list, size_t n, const char *text) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(list[i], text))
                        return true;
        return false;
}

static bool is_glass(const Granting *g) {
        return g->decision->kind == CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_BREAK_GLASS;
}

/* What the settings leave open when nobody says until when. */
static int64_t seconds_granted(const Granting *g) {
        if (is_glass(g))
                return g->rules->has_break_glass_seconds ? g->rules->break_glass_seconds : 8 * 3600;
        return g->rules->has_opened_contact_seconds ? g->rules->opened_contact_seconds : 72 * 3600;
}

static int64_t seconds_most(const Granting *g) {
        if (is_glass(g))
                return g->rules->has_break_glass_max_seconds ? g->rules->break_glass_max_seconds : 0;
        return g->rules->has_opened_contact_seconds ? g->rules->opened_contact_seconds : 0;
}

static const char *until_refused(Granting *g) {
        const int64_t now = g->work->received_at, most = seconds_most(g);

        g->until_at = g->decision->has_until_at ? g->decision->until_at : now + seconds_granted(g) * USEC_PER_SEC;
        if (g->until_at <= now)
                return "until-passed";
        if (most > 0 && g->until_at > now + most * USEC_PER_SEC + CLOCKS_DIFFER)
                return "too-long";
        return NULL;
}

static const char *asked_refused(Granting *g) {
        const Decision *decision = g->decision;
        const Carebus__V1__Settings *settings = g->work->fold->settings;

        g->rules = settings ? settings->sharing : NULL;
        if (!g->rules)
                return "no-sharing-rules";
        if (!is_said(decision->who_says) && !is_said(decision->who))
                return "who-and-why";
        for (size_t i = 0; i < settings->n_teams; i++)
                if (text_equal(settings->teams[i]->name, decision->team))
                        g->team = settings->teams[i];
        if (!g->team)
                return "unknown-team";
        if (decision->n_patient_ids != 1)
                return "unknown-patient";
        if (is_glass(g)) {
                if (!is_said(decision->why))
                        return "who-and-why";
                if (!is_listed(g->rules->break_glass_reasons, g->rules->n_break_glass_reasons, decision->reason))
                        return "unknown-reason";
        } else if (!is_listed(g->rules->answers_calls, g->rules->n_answers_calls, g->team->class_))
                return "answers-no-calls";
        return until_refused(g);
}

/* ---- keeping it ------------------------------------------------------------------------------------------------------------------ */

static int grant_get(FoldWork *work, uint64_t seq, Grant **ret) {
        StateKey key = state_key_seq(seq);

        return work_get(work, STATE_GRANT, &key, &carebus__v1__grant__descriptor, (ProtobufCMessage **)ret);
}

static int grant_put(FoldWork *work, const Grant *grant) {
        StateKey key = state_key_seq(grant->seq);

        return work_put(work, STATE_GRANT, &key, &grant->base);
}

static int relationship_add(Granting *g, Carebus__V1__StoredSharing *sharing, const char *kind) {
        FoldWork *work = g->work;
        Relationship *r = message_new(&carebus__v1__relationship__descriptor, work->arena);

        if (!r)
                return -ENOMEM;
        r->kind = (char *)kind;
        r->team = g->team->name;
        r->has_since_at = r->has_until_at = r->has_grant = 1;
        r->since_at = work->received_at;
        r->until_at = g->until_at;
        r->grant = work->seq;
        r->event_id = id_text("", work->seq, 0, work->arena);
        r->who = is_said(g->decision->who_says) ? g->decision->who_says : g->decision->who;
        r->reason = g->decision->reason;
        r->patient_id = g->person->patient_id;
        if (!r->event_id || list_append((void ***)&sharing->grants, &sharing->n_grants, r, work->arena) < 0)
                return -ENOMEM;
        return relationship_wait(work, g->person->patient_id, r);
}

/* ---- telling ------------------------------------------------------------------------------------------------------------------- */

/* Who else has a relationship: they are told. */
static int others_list(Granting *g, const Carebus__V1__PersonSharing *person, Grant *grant) {
        const Carebus__V1__Settings *settings = g->work->fold->settings;

        for (size_t i = 0; i < settings->n_teams; i++) {
                bool has = false;

                if (settings->teams[i] == g->team)
                        continue;
                for (size_t j = 0; j < person->n_relationships && !has; j++)
                        has = !person->relationships[j]->ended &&
                              relationship_is_of_team(person->relationships[j], settings, i);
                if (has && list_append((void ***)&grant->noticed, &grant->n_noticed, settings->teams[i]->name,
                                       g->work->arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Whose glass it was says Event.team; who and what they gave as a reason, the notice. It is for everybody who looks after the
 * person. */
static int glass_tell(FoldWork *work, const char *type, const Grant *grant, const char *about) {
        Carebus__V1__Notice *notice = message_new(&carebus__v1__notice__descriptor, work->arena);
        Carebus__V1__Event *event = work_event(work, type);
        const Said said = said_by_nobody();
        char *id;

        if (!event || !notice)
                return -ENOMEM;
        notice->code = grant->reason;
        notice->who = is_said(grant->who_says) ? grant->who_says : grant->who;
        notice->has_about_seq = notice->has_since_at = notice->has_until_at = 1;
        notice->about_seq = grant->seq;
        notice->since_at = grant->at;
        notice->until_at = grant->until_at;
        event->team = grant->team;
        event->body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        event->notice = notice;
        return work_derive(work, event, about, &said, &id);
}

/* ---- the decisions ------------------------------------------------------------------------------------------------------------- */

static Grant *grant_new(Granting *g) {
        Grant *grant = message_new(&carebus__v1__grant__descriptor, g->work->arena);

        if (!grant)
                return NULL;
        grant->has_seq = grant->has_at = grant->has_until_at = 1;
        grant->seq = g->work->seq;
        grant->kind = (char *)g->kind;
        grant->team = g->team->name;
        grant->patient_id = g->person->patient_id;
        grant->at = g->work->received_at;
        grant->until_at = g->until_at;
        grant->who = g->decision->who;
        grant->who_says = g->decision->who_says;
        grant->reason = g->decision->reason;
        grant->why = g->decision->why;
        return grant;
}

static int grant_carry_out(Granting *g) {
        FoldWork *work = g->work;
        const Said said = said_by_nobody();
        Carebus__V1__PersonSharing *person;
        Carebus__V1__StoredSharing *sharing;
        Grant *grant = grant_new(g);
        int r;

        if (!grant)
                return -ENOMEM;
        r = relationship_read(work, g->person->patient_id, &person);
        r = r ?: sharing_get(work, g->person->patient_id, &sharing);
        if (r == 0 && is_glass(g))
                r = others_list(g, person, grant);
        r = r ?: relationship_add(g, sharing, g->kind);
        if (r == 0 && !is_glass(g) && g->decision->has_visit && g->decision->visit)
                r = relationship_add(g, sharing, KIND_VISIT);
        if (r == 0 && is_glass(g))
                r = glass_tell(work, "break_glass.opened", grant, person->patient_id);
        if (r)
                return r > 0 ? -EBADMSG : r;
        sharing->as_at = sharing->has_as_at ? MAX(sharing->as_at, work->received_at) : work->received_at;
        sharing->has_as_at = 1;
        sharing_touch(work, sharing);
        r = grant_put(work, grant);
        return r ?: relationship_look_later(work, g->person->patient_id, &said);
}

static int grant_ask(FoldWork *work, const Decision *decision, const char *kind) {
        Granting g = { .work = work, .decision = decision, .kind = kind };
        const char *refused = asked_refused(&g);
        int r;

        if (!refused) {
                r = work_person(work, decision->patient_ids[0], &g.person);
                if (r && r != STATE_E_NOT_FOUND)
                        return r;
                refused = r ? "unknown-patient" : NULL;
        }
        if (refused) {
                work->outcome.refused = (char *)refused;
                return 0;
        }
        return grant_carry_out(&g);
}

/* The person that answers for whom it was given. */
static int grant_about(FoldWork *work, const Grant *grant, const char **ret) {
        Carebus__V1__Person *person;
        int r = work_person(work, grant->patient_id, &person);

        r = r ?: identify_answering(work, person, &person);
        if (r == 0)
                *ret = person->patient_id;
        return r > 0 ? -EBADMSG : r;
}

static int grant_over(FoldWork *work, Grant *grant) {
        const char *about;
        int r = 0;

        grant->has_ended = grant->ended = 1;
        if (text_equal(grant->kind, KIND_GLASS)) {
                r = grant_about(work, grant, &about);
                r = r ?: glass_tell(work, "break_glass.ended", grant, about);
        }
        return r ?: grant_put(work, grant);
}

static int grant_end(FoldWork *work, const Decision *decision, Grant *grant) {
        const Said said = said_by_nobody();
        Carebus__V1__StoredSharing *sharing;
        int r;

        if (grant->ended) {
                work->outcome.refused = (char *)"already-ended";
                return 0;
        }
        r = sharing_get(work, grant->patient_id, &sharing);
        for (size_t i = 0; r == 0 && i < sharing->n_grants; i++)
                if (sharing->grants[i]->grant == grant->seq) {
                        sharing->grants[i]->until_at = work->received_at;
                        sharing->grants[i]->ended_by = id_text("", work->seq, 0, work->arena);
                        if (!sharing->grants[i]->ended_by)
                                r = -ENOMEM;
                }
        if (r)
                return r;
        sharing->as_at = sharing->has_as_at ? MAX(sharing->as_at, work->received_at) : work->received_at;
        sharing->has_as_at = 1;
        sharing_touch(work, sharing);
        grant->until_at = work->received_at;
        r = grant_over(work, grant);
        return r ?: relationship_look_later(work, grant->patient_id, &said);
}

static int grant_review(FoldWork *work, const Decision *decision, Grant *grant) {
        if (!is_said(decision->why) || (!is_said(decision->who_says) && !is_said(decision->who)))
                work->outcome.refused = (char *)"who-and-why";
        else if (!grant->ended)
                work->outcome.refused = (char *)"still-open";
        else if (is_said(grant->reviewed_by))
                work->outcome.refused = (char *)"already-reviewed";
        if (work->outcome.refused)
                return 0;
        grant->reviewed_by = is_said(decision->who_says) ? decision->who_says : decision->who;
        grant->review = decision->why;
        return grant_put(work, grant);
}

int grant_decide(FoldWork *work, const Decision *decision) {
        Grant *grant;
        int r;

        if (decision->kind == CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_BREAK_GLASS)
                return grant_ask(work, decision, KIND_GLASS);
        if (decision->kind == CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_OPEN_CONTACT)
                return grant_ask(work, decision, KIND_CONTACT);
        r = grant_get(work, decision->grant_seq, &grant);
        if (r == STATE_E_NOT_FOUND) {
                work->outcome.refused = (char *)"no-such-grant";
                return 0;
        }
        if (r)
                return r;
        return decision->kind == CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_END_GRANT
                       ? grant_end(work, decision, grant)
                       : grant_review(work, decision, grant);
}

int grant_ends(FoldWork *work, const char *patient_id, int64_t due_at) {
        Carebus__V1__StoredSharing *sharing;
        int r = sharing_get(work, patient_id, &sharing);

        for (size_t i = 0; r == 0 && i < sharing->n_grants; i++) {
                Grant *grant;

                if (sharing->grants[i]->until_at > due_at || text_equal(sharing->grants[i]->kind, KIND_VISIT))
                        continue;
                r = grant_get(work, sharing->grants[i]->grant, &grant);
                if (r == 0 && !grant->ended)
                        r = grant_over(work, grant);
        }
        return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
}
