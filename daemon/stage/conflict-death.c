/* Somebody is said to have died, and something speaks against it. */
#include <string.h>

#include "base/text.h"
#include "daemon/record/death.h"
#include "daemon/record/demographics.h"
#include "daemon/record/keys.h"
#include "daemon/stage/conflict-parts.h"

enum { FIELD_DECEASED = 21 }; /* number in Demographics */
#define PATH_DECEASED "demographics.deceased"

/* Who says that they died, and has said nothing against it since, contradicts nobody: a body is moved, a result comes late. */
static bool is_said_dead_since(const Look *look, const Carebus__V1__Activity *activity) {
        for (size_t i = 0; i < look->n_deaths; i++)
                if (text_equal(look->deaths[i].stored->fact->source, activity->source) &&
                    stamp_compare(activity->stamp, look->deaths[i].stored->newest) <= 0)
                        return true;
        return false;
}

/* A source that says they died, however often, makes one claim. */
static int claim_death(Look *look, Wanted *wanted, const Carebus__V1__Fact *death) {
        return wanted_claim(look, wanted, death->event_id,
                            text_joined(look->work->arena, death->source, "=dead", NULL, NULL));
}

static int look_at_activity(Look *look, const Carebus__V1__StoredFact *death, const Person *member) {
        Carebus__V1__StoredActivities *all;
        int r;

        r = work_activities(look->work, member->patient_id, &all);
        for (size_t i = 0; r == 0 && i < all->n_activities; i++) {
                const Carebus__V1__Activity *activity = all->activities[i];
                Wanted *wanted = NULL;
                const char *key;

                if (is_said_dead_since(look, activity) || activity->occurred_at < death_over_at(death))
                        continue;
                key = arena_format(look->work->arena, "death/%s/activity/%s", death->fact->source, activity->source);
                for (size_t j = 0; key && j < look->n_wanted; j++)
                        if (strcmp(look->wanted[j].key, key) == 0)
                                wanted = &look->wanted[j];
                if (!wanted)
                        wanted = look_want(look, key, SECTION_DEATH, "activity", "activity-after-death");
                r = claim_death(look, wanted, death->fact);
                r = r ?: wanted_claim(look, wanted, activity->event_id, activity->fact);
        }
        return r;
}

static bool deceased_is_emptied(const Carebus__V1__Fact *fact) {
        for (size_t i = 0; i < fact->n_cleared; i++)
                if (strcmp(fact->cleared[i], PATH_DECEASED) == 0)
                        return true;
        return false;
}

/* How a source stands to a death after it was said: NULL where it does not contradict. Emptying a field withdraws the sender's own
 * claim and no other's; the death stays, but somebody has to look. */
static const char *denial_reason(const Carebus__V1__StoredFact *stored, const Carebus__V1__StoredFact *death) {
        if (stored->fact->demographics->has_deceased)
                return stored->fact->demographics->deceased ? NULL : "said-to-be-alive";
        return text_equal(stored->fact->source, death->fact->source) && deceased_is_emptied(stored->fact)
                       ? "death-no-longer-said"
                       : NULL;
}

static int look_at_denial(Look *look, const Carebus__V1__StoredFact *death) {
        StampParts died = { .said_at = death->fact->recorded_at && death->fact->recorded_at->has_utc_at
                                               ? death->fact->recorded_at->utc_at
                                               : death->fact->received_at };

        for (size_t i = 0; i < look->n_words; i++) {
                const Carebus__V1__StoredFact *stored = look->words[i].stored;
                const char *reason = denial_reason(stored, death);
                StampParts stamp = demographics_stamp(stored, FIELD_DECEASED);
                Wanted *wanted;
                int r;

                if (!reason || stamp.said_at <= died.said_at)
                        continue;
                wanted = look_want(look,
                                   arena_format(look->work->arena, "death/%s/%s/%s", death->fact->source,
                                                stored->fact->demographics->has_deceased ? "denied" : "emptied",
                                                stored->fact->source),
                                   SECTION_DEATH, "deceased", reason);
                r = claim_death(look, wanted, death->fact);
                r = r
                            ?: wanted_claim(look, wanted, id_text("", stamp.seq, stamp.index, look->work->arena),
                                            text_joined(look->work->arena, stored->fact->source, "=", reason, NULL));
                if (r < 0)
                        return r;
        }
        return 0;
}

int look_at_death(Look *look) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < look->n_deaths; i++) {
                for (size_t j = 0; r == 0 && j < look->n_members; j++)
                        r = look_at_activity(look, look->deaths[i].stored, look->members[j]);
                r = r ?: look_at_denial(look, look->deaths[i].stored);
        }
        return r;
}
