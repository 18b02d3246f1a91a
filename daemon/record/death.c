#include "daemon/record/death.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

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

static Carebus__V1__Claim *claim_of(const Carebus__V1__StoredFact *stored, Status status) {
        for (size_t i = 0; i < stored->n_claims; i++)
                if (stored->claims[i]->event->death->status == status)
                        return stored->claims[i];
        return NULL;
}

static int claim_keep(Carebus__V1__StoredFact *stored, const Said *said, Carebus__V1__Death *death, Arena *arena) {
        Carebus__V1__Claim *claim = claim_of(stored, death->status);
        Carebus__V1__Event *event;

        if (claim && stamp_parts_compare(stamp_parts(claim->stamp), said->stamp) > 0)
                return 0;
        event = message_shallow_copy(&said->event->base, arena);
        if (!event)
                return -ENOMEM;
        event->patient = NULL;
        event->n_notes = 0;
        event->body_case = CAREBUS__V1__EVENT__BODY_DEATH;
        event->death = death;
        if (!claim) {
                claim = arena_alloc(arena, sizeof(*claim));
                if (!claim)
                        return -ENOMEM;
                carebus__v1__claim__init(claim);
                if (list_append((void ***)&stored->claims, &stored->n_claims, claim, arena) < 0)
                        return -ENOMEM;
        }
        claim->event = event;
        claim->stamp = stamp_make(said->stamp, arena);
        return claim->stamp ? 0 : -ENOMEM;
}

static void claims_sort(Carebus__V1__StoredFact *stored) {
        for (size_t i = 1; i < stored->n_claims; i++) {
                Carebus__V1__Claim *claim = stored->claims[i];
                size_t j = i;

                for (; j > 0 && stored->claims[j - 1]->event->death->status > claim->event->death->status; j--)
                        stored->claims[j] = stored->claims[j - 1];
                stored->claims[j] = claim;
        }
}

/* The claim that counts: the strongest that was not retracted, filled up with what only weaker ones knew. */
static Carebus__V1__Claim *claims_weigh(const Carebus__V1__StoredFact *stored, Arena *arena,
                                        Carebus__V1__Death **ret_death) {
        static const Status strongest_first[] = { FORMAL, INFORMAL, BY_THE_WAY };
        Carebus__V1__Claim *removed = claim_of(stored, REMOVED), *winner = NULL;
        Carebus__V1__Death *death = NULL;

        for (size_t i = 0; i < ELEMENTSOF(strongest_first); i++) {
                Carebus__V1__Claim *claim = claim_of(stored, strongest_first[i]);

                if (!claim || (removed && stamp_compare(claim->stamp, removed->stamp) < 0))
                        continue;
                if (!winner) {
                        winner = claim;
                        death = message_shallow_copy(&claim->event->death->base, arena);
                        if (!death)
                                return NULL;
                        continue;
                }
                for (unsigned j = 0; j < death->base.descriptor->n_fields; j++)
                        if (!body_field_is_said(&death->base, &death->base.descriptor->fields[j]))
                                body_field_take(&death->base, &claim->event->death->base,
                                                &death->base.descriptor->fields[j]);
        }
        if (!winner) {
                winner = removed;
                death = message_shallow_copy(&removed->event->death->base, arena);
        } else if (death->status == BY_THE_WAY)
                death->status = INFORMAL;
        *ret_death = death;
        return death ? winner : NULL;
}

/* Of the newest claim that has one: whichever came last. */
static void sensitivity_take(const Carebus__V1__StoredFact *stored) {
        const Carebus__V1__Claim *newest = NULL;

        for (size_t i = 0; i < stored->n_claims; i++)
                if (stored->claims[i]->event->sensitivity &&
                    (!newest || stamp_compare(stored->claims[i]->stamp, newest->stamp) > 0))
                        newest = stored->claims[i];
        stored->fact->sensitivity = newest ? newest->event->sensitivity : NULL;
}

int death_add(Carebus__V1__StoredFact *stored, const Said *said, Arena *arena, bool *ret_changed) {
        Carebus__V1__Death *death = death_of(said->event, arena), *weighed;
        Carebus__V1__Fact *fact = stored->fact;
        const Carebus__V1__Claim *winner;
        Said winning;
        bool changed;
        int r;

        if (!death)
                return -ENOMEM;
        r = claim_keep(stored, said, death, arena);
        if (r < 0)
                return r;
        claims_sort(stored);
        winner = claims_weigh(stored, arena, &weighed);
        if (!winner)
                return -ENOMEM;
        changed = fact->value_case != CAREBUS__V1__FACT__VALUE_DEATH || !body_equal(&fact->death->base, &weighed->base);
        winning = (Said){ .event = winner->event, .stamp = stamp_parts(winner->stamp) };
        if (!changed) {
                /* What was said earlier and comes late confirms nothing. */
                if (stamp_parts_compare(said->stamp, winning.stamp) >= 0)
                        fact_confirm(fact, said);
        } else if (fact->event_id && strcmp(fact->event_id, winner->event->event_id) == 0)
                r = fact_remember(fact, said->event->event_id, arena);
        else
                r = fact_say(fact, &winning, arena);
        if (r < 0)
                return r;
        fact->value_case = CAREBUS__V1__FACT__VALUE_DEATH;
        fact->death = weighed;
        sensitivity_take(stored);
        fact->status = (char *)(weighed->status == REMOVED ? "entered-in-error" : "current");
        *ret_changed = changed;
        return 0;
}

bool death_stands(const Carebus__V1__StoredFact *stored) {
        return stored->fact->value_case == CAREBUS__V1__FACT__VALUE_DEATH && stored->fact->death->status != REMOVED;
}

int64_t death_over_at(const Carebus__V1__StoredFact *stored) {
        static const int64_t minute = 60 * USEC_PER_SEC;
        const Carebus__V1__When *when = stored->fact->death->died_at;

        /* A year further on than anything can be said of is as good as never. */
        if (!when || !when->has_utc_at || when->utc_at > INT64_MAX - 400 * 24 * 60 * minute)
                return INT64_MAX;
        switch (when->has_precision ? when->precision : CAREBUS__V1__WHEN__PRECISION__PRECISION_UNKNOWN) {
        case CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR:
                return when->utc_at + 366 * 24 * 60 * minute;
        case CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH:
                return when->utc_at + 31 * 24 * 60 * minute;
        case CAREBUS__V1__WHEN__PRECISION__PRECISION_HOUR:
                return when->utc_at + 60 * minute;
        case CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE:
        case CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND:
        case CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION:
                return when->utc_at + minute;
        default:
                return when->utc_at + 24 * 60 * minute;
        }
}
