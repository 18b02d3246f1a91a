#include "daemon/record/death.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/moment.h"

/* Of one source about one person: far more than anybody says in earnest. */
#define CLAIMS_MAX 64
/* As many may say the same thing: what comes late between two of them finds its neighbours. */
#define CLAIMS_ALIKE_MAX 12

typedef Carebus__V1__Claim Claim;
typedef Carebus__V1__Death__Status Status;
#define INFORMAL CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL
#define BY_THE_WAY CAREBUS__V1__DEATH__STATUS__STATUS_UNKNOWN
#define FORMAL CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL
#define REMOVED CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED

static const Carebus__V1__Demographics *demographics_of(const Carebus__V1__Event *event) {
        if (event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS && event->demographics)
                return event->demographics;
        return event->patient ? event->patient->demographics : NULL;
}

static bool is_death_type(const Carebus__V1__Event *event) {
        return event->body_case == CAREBUS__V1__EVENT__BODY_DEATH ||
               strncmp(event->type, "death.", strlen("death.")) == 0;
}

bool death_is_said(const Carebus__V1__Event *event) {
        const Carebus__V1__Demographics *demographics = demographics_of(event);

        return is_death_type(event) || (demographics && demographics->has_deceased && demographics->deceased);
}

/* The claim that an event makes. What a message says of the person by the way has status unknown: the weakest, shown as informal. */
static Carebus__V1__Death *death_of(const Carebus__V1__Event *event, Arena *arena) {
        const Carebus__V1__Demographics *demographics = demographics_of(event);
        Carebus__V1__Death *death = arena_alloc(arena, sizeof(*death));

        if (!death)
                return NULL;
        carebus__v1__death__init(death);
        if (event->body_case == CAREBUS__V1__EVENT__BODY_DEATH && event->death)
                *death = *event->death;
        if (!is_death_type(event)) {
                death->how_known = (char *)"demographics";
                death->died_at = demographics->deceased_at;
                death->status = BY_THE_WAY;
        } else if (strcmp(event->type, "death.retracted") == 0 ||
                   (event->has_action && event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR))
                death->status = REMOVED;
        else if (!death->has_status || (death->status != FORMAL && death->status != REMOVED))
                death->status = INFORMAL;
        death->has_status = 1;
        return death;
}

/* ---- claims ---------------------------------------------------------------------------------------------------------------- */

/* A claim without a death takes back the discharge of a stay. */
static const Carebus__V1__Death *claim_death(const Claim *claim) {
        return claim->event->body_case == CAREBUS__V1__EVENT__BODY_DEATH ? claim->event->death : NULL;
}

static bool stay_same(const Claim *a, const Claim *b) {
        const Carebus__V1__Identifier *x = a->event->encounter_id, *y = b->event->encounter_id;

        return x && y && text_equal(x->system, y->system) && text_equal(x->value, y->value);
}

/* Is all that speaks for it that somebody was discharged as dead? */
static bool follows_from_discharge(const Claim *claim) {
        static const char *const hows[] = { "discharge-method", "died" };
        const Carebus__V1__Event *event = claim->event;
        const Carebus__V1__Death *death = claim_death(claim);
        size_t n_trigger = event->trigger ? strlen(event->trigger) : 0;

        if (!death || !event->encounter_id || death->status == FORMAL || death->status == REMOVED)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(hows); i++)
                if (text_equal(death->how_known, hows[i]))
                        return true;
        return strcmp(event->type, "encounter.discharged") == 0 ||
               (n_trigger >= 3 && strcmp(event->trigger + n_trigger - 3, "A03") == 0);
}

static const Claim *undone_by(const Carebus__V1__StoredFact *stored, const Claim *claim) {
        const Claim *found = NULL;

        for (size_t i = 0; follows_from_discharge(claim) && i < stored->n_claims; i++)
                if (!claim_death(stored->claims[i]) && stay_same(stored->claims[i], claim) &&
                    stamp_compare(stored->claims[i]->stamp, claim->stamp) > 0)
                        found = stored->claims[i];
        return found;
}

static bool claims_alike(const Claim *a, const Claim *b) {
        const Carebus__V1__Death *x = claim_death(a), *y = claim_death(b);

        if (!x || !y)
                return !x && !y && stay_same(a, b);
        return body_equal(&x->base, &y->base) && follows_from_discharge(a) == follows_from_discharge(b) &&
               (!follows_from_discharge(a) || stay_same(a, b));
}

/* Of many, what is only said again gives way to the first and the last; of more yet, the newest stay. */
static void claims_thin(Carebus__V1__StoredFact *stored) {
        size_t n = 0;

        if (stored->n_claims <= CLAIMS_ALIKE_MAX)
                return;
        for (size_t i = 0; i < stored->n_claims; i++)
                if (i == 0 || i + 1 == stored->n_claims || !claims_alike(stored->claims[i], stored->claims[i - 1]) ||
                    !claims_alike(stored->claims[i], stored->claims[i + 1]))
                        stored->claims[n++] = stored->claims[i];
        stored->n_claims = n;
        if (n > CLAIMS_MAX) {
                memmove(stored->claims, stored->claims + n - CLAIMS_MAX, CLAIMS_MAX * sizeof(*stored->claims));
                stored->n_claims = CLAIMS_MAX;
        }
}

/* At its place by when it was said. `death` NULL: it takes back a discharge. */
static int claim_keep(Carebus__V1__StoredFact *stored, const Said *said, Carebus__V1__Death *death, Arena *arena) {
        Carebus__V1__Event *event = message_shallow_copy(&said->event->base, arena);
        Claim *claim = message_new(&carebus__v1__claim__descriptor, arena);
        size_t i;

        if (!event || !claim)
                return -ENOMEM;
        event->patient = NULL;
        event->n_notes = 0;
        event->body_case = death ? CAREBUS__V1__EVENT__BODY_DEATH : CAREBUS__V1__EVENT__BODY__NOT_SET;
        event->death = death;
        claim->event = event;
        claim->stamp = stamp_make(said->stamp, arena);
        if (!claim->stamp || list_append((void ***)&stored->claims, &stored->n_claims, claim, arena) < 0)
                return -ENOMEM;
        for (i = stored->n_claims - 1; i > 0 && stamp_compare(stored->claims[i - 1]->stamp, claim->stamp) > 0; i--)
                stored->claims[i] = stored->claims[i - 1];
        stored->claims[i] = claim;
        return 0;
}

/* ---- what they come to ----------------------------------------------------------------------------------------------------- */

/* The newest of a status that nothing has taken back; `after` what is left of a retraction. */
static const Claim *claim_standing(const Carebus__V1__StoredFact *stored, Status status, const Claim *after) {
        for (size_t i = stored->n_claims; i > 0; i--) {
                const Claim *claim = stored->claims[i - 1];
                const Carebus__V1__Death *death = claim_death(claim);

                if (after && stamp_compare(claim->stamp, after->stamp) < 0)
                        return NULL;
                if (death && death->status == status && !undone_by(stored, claim))
                        return claim;
        }
        return NULL;
}

/* The claim that counts: the strongest that stands, filled up with what only weaker ones knew. NULL: none does. */
static const Claim *claims_weigh(const Carebus__V1__StoredFact *stored, const Claim *removed, Arena *arena,
                                 Carebus__V1__Death **ret_death) {
        static const Status strongest_first[] = { FORMAL, INFORMAL, BY_THE_WAY };
        const Claim *winner = NULL;

        *ret_death = NULL;
        for (size_t i = 0; i < ELEMENTSOF(strongest_first); i++) {
                const Claim *claim = claim_standing(stored, strongest_first[i], removed);
                Carebus__V1__Death *death = *ret_death;

                if (!claim)
                        continue;
                if (!winner) {
                        winner = claim;
                        *ret_death = message_shallow_copy(&claim_death(claim)->base, arena);
                        if (!*ret_death)
                                return NULL;
                        continue;
                }
                for (unsigned j = 0; j < death->base.descriptor->n_fields; j++)
                        if (!body_field_is_said(&death->base, &death->base.descriptor->fields[j]))
                                body_field_take(&death->base, &claim_death(claim)->base,
                                                &death->base.descriptor->fields[j]);
        }
        if (winner && (*ret_death)->status == BY_THE_WAY)
                (*ret_death)->status = INFORMAL;
        return winner;
}

/* All was taken back: what it was is still shown, with what took it back. */
static const Claim *claims_taken_back(const Carebus__V1__StoredFact *stored, const Claim *removed, Arena *arena,
                                      Carebus__V1__Death **ret_death) {
        const Claim *last = removed;

        for (size_t i = stored->n_claims; i > 0 && !last; i--)
                if (claim_death(stored->claims[i - 1]))
                        last = stored->claims[i - 1];
        *ret_death = last ? message_shallow_copy(&claim_death(last)->base, arena) : NULL;
        if (!*ret_death)
                return NULL;
        (*ret_death)->has_status = 1;
        (*ret_death)->status = REMOVED;
        return last;
}

/* Of the newest claim that has one: whichever came last. */
static void sensitivity_take(const Carebus__V1__StoredFact *stored, Carebus__V1__Fact *fact) {
        for (size_t i = 0; i < stored->n_claims; i++)
                if (stored->claims[i]->event->sensitivity)
                        fact->sensitivity = stored->claims[i]->event->sensitivity;
}

/* By the first of the claims that say just this, one after the other; the last of them confirms it. */
static int fact_tell(const Carebus__V1__StoredFact *stored, Carebus__V1__Fact *fact, const Claim *winner,
                     Arena *arena) {
        const Claim *first = winner, *before = NULL;
        Said said;
        int r = 0;

        for (size_t i = stored->n_claims; i > 0; i--) {
                const Claim *claim = stored->claims[i - 1];
                bool same_status = claim_death(claim) && claim_death(claim)->status == claim_death(winner)->status;

                if (stamp_compare(claim->stamp, winner->stamp) >= 0 || !same_status)
                        continue;
                if (!claims_alike(claim, winner) || undone_by(stored, claim))
                        break;
                first = claim;
        }
        for (size_t i = 0; r == 0 && i < stored->n_claims; i++) {
                before = stored->claims[i];
                if (claim_death(before) && before != first && before != winner)
                        r = fact_remember(fact, before->event->event_id, arena);
        }
        said = (Said){ .event = first->event, .stamp = stamp_parts(first->stamp) };
        r = r ?: fact_say(fact, &said, arena);
        if (r == 0 && winner != first) {
                said = (Said){ .event = winner->event, .stamp = stamp_parts(winner->stamp) };
                fact_confirm(fact, &said);
        }
        return r;
}

/* The fact, made anew out of all its claims. */
static int death_reduce(Carebus__V1__StoredFact *stored, Arena *arena, bool *ret_changed) {
        const Claim *removed = NULL, *winner, *undoing;
        Carebus__V1__StoredFact *anew = fact_new(stored->fact->key, stored->fact->source, arena);
        Carebus__V1__Fact *before = stored->fact, *fact;
        Carebus__V1__Death *death;
        int r;

        if (!anew)
                return -ENOMEM;
        fact = anew->fact;
        *ret_changed = false;
        for (size_t i = 0; i < stored->n_claims; i++)
                if (claim_death(stored->claims[i]) && claim_death(stored->claims[i])->status == REMOVED)
                        removed = stored->claims[i];
        winner = claims_weigh(stored, removed, arena, &death);
        fact->status = (char *)(winner ? "current" : "entered-in-error");
        winner = winner ?: claims_taken_back(stored, removed, arena, &death);
        if (!winner)
                return 0;
        r = fact_tell(stored, fact, winner, arena);
        if (r < 0)
                return r;
        undoing = death->status == REMOVED && !removed ? undone_by(stored, winner) : NULL;
        if (undoing) {
                fact->end_reason = (char *)END_REASON_DISCHARGE_UNDONE;
                fact->ended_by_event_id = undoing->event->event_id;
        }
        sensitivity_take(stored, fact);
        fact->value_case = CAREBUS__V1__FACT__VALUE_DEATH;
        fact->death = death;
        fact->from_patient_id = before->from_patient_id;
        *ret_changed = before->value_case != CAREBUS__V1__FACT__VALUE_DEATH ||
                       !body_equal(&before->death->base, &death->base);
        stored->fact = fact;
        for (size_t i = 0; i < stored->n_claims; i++)
                if (claim_death(stored->claims[i]))
                        stored->newest = stored->claims[i]->stamp;
        return 0;
}

int death_add(Carebus__V1__StoredFact *stored, const Said *said, Arena *arena, bool *ret_changed) {
        Carebus__V1__Death *death = death_of(said->event, arena);
        int r;

        if (!death)
                return -ENOMEM;
        r = claim_keep(stored, said, death, arena);
        if (r < 0)
                return r;
        claims_thin(stored);
        return death_reduce(stored, arena, ret_changed);
}

bool death_is_undone(const Carebus__V1__Event *event) {
        static const char *const types[] = { "encounter.discharge_cancelled", "encounter.admission_cancelled" };
        bool in_error = event->has_action && event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;

        if (!event->encounter_id || !event->encounter_id->value)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (strcmp(types[i], event->type) == 0)
                        return true;
        return in_error && strncmp(event->type, "encounter.", strlen("encounter.")) == 0 &&
               (strcmp(event->type, "encounter.discharged") == 0 || strcmp(event->type, "encounter.admitted") == 0 ||
                strcmp(event->type, "encounter.updated") == 0);
}

int death_undo_stay(Carebus__V1__StoredFact *stored, const Said *said, Arena *arena, bool *ret_changed) {
        int r = claim_keep(stored, said, /* death= */ NULL, arena);

        if (r < 0)
                return r;
        claims_thin(stored);
        return death_reduce(stored, arena, ret_changed);
}

bool death_stands(const Carebus__V1__StoredFact *stored) {
        return stored->fact->value_case == CAREBUS__V1__FACT__VALUE_DEATH && stored->fact->death->status != REMOVED;
}

bool death_is_formal(const Carebus__V1__StoredFact *stored) {
        return death_stands(stored) && stored->fact->death->status == FORMAL;
}

StampParts death_stamp(const Carebus__V1__StoredFact *stored) {
        for (size_t i = 0; i < stored->n_claims; i++)
                if (text_equal(stored->claims[i]->event->event_id, stored->fact->event_id))
                        return stamp_parts(stored->claims[i]->stamp);
        return stamp_parts(stored->newest);
}

bool death_is_retracted(const Carebus__V1__StoredFact *stored) {
        return stored->fact->value_case == CAREBUS__V1__FACT__VALUE_DEATH && stored->fact->death->status == REMOVED;
}

int64_t death_over_at(const Carebus__V1__StoredFact *stored) {
        const Carebus__V1__Fact *fact = stored->fact;
        Moment moment;

        if (moment_of_when(fact->death->died_at, &moment))
                return moment.until;
        return fact->recorded_at && fact->recorded_at->has_utc_at ? fact->recorded_at->utc_at : fact->received_at;
}
