/* Somebody is said to have died, and something speaks against it. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/belongs.h"
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

/* It stands, and belongs to whom we look at: neither taken back nor moved to another. */
static int activity_counts(Look *look, const Person *home, const Carebus__V1__Activity *activity, bool *ret) {
        Carebus__V1__StoredSection *section;
        int r;

        *ret = false;
        r = work_section(look->work, home->patient_id, activity->fact, &section);
        for (size_t i = 0; r == 0 && i < section->n_facts && !*ret; i++) {
                const Carebus__V1__StoredFact *stored = section->facts[i];
                const char *moved_to = fact_moved_to(home, activity->fact, stored);

                *ret = text_equal(stored->fact->source, activity->source) &&
                       (text_equal(stored->fact->status, "current") || text_equal(stored->fact->status, "ended")) &&
                       look_has_member(look, moved_to ?: home->patient_id);
        }
        return r;
}

static int want_activity(Look *look, const Carebus__V1__Fact *death, const Carebus__V1__Activity *activity) {
        const char *key = arena_format(look->work->arena, "death/%s/activity/%s", death->source, activity->source);
        Wanted *wanted = NULL;

        for (size_t i = 0; key && i < look->n_wanted; i++)
                if (strcmp(look->wanted[i].key, key) == 0)
                        wanted = &look->wanted[i];
        if (!wanted)
                wanted = look_want(look, key, SECTION_DEATH, "activity", "activity-after-death");
        return claim_death(look, wanted, death) ?: wanted_claim(look, wanted, activity->event_id, activity->fact);
}

static int look_at_activity(Look *look, const Person *home) {
        Carebus__V1__StoredActivities *all;
        int r;

        r = work_activities(look->work, home->patient_id, &all);
        for (size_t i = 0; r == 0 && i < all->n_activities; i++) {
                const Carebus__V1__Activity *activity = all->activities[i];
                bool counts = true;

                if (is_said_dead_since(look, activity))
                        continue;
                for (size_t j = 0; r == 0 && counts && j < look->n_deaths; j++) {
                        if (activity->occurred_at < death_over_at(look->deaths[j].stored))
                                continue;
                        r = activity_counts(look, home, activity, &counts);
                        if (r == 0 && counts)
                                r = want_activity(look, look->deaths[j].stored->fact, activity);
                }
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
        StampParts died = death_stamp(death);

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

/* Who takes back its own word that somebody died says that they live: of another's word that is a denial. */
static int look_at_retraction(Look *look, const Carebus__V1__StoredFact *death) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < look->n_retracted; i++) {
                const Carebus__V1__StoredFact *stored = look->retracted[i].stored;
                Wanted *wanted;

                if (text_equal(stored->fact->source, death->fact->source) ||
                    stamp_parts(stored->newest).said_at <= death_stamp(death).said_at)
                        continue;
                wanted = look_want(look,
                                   arena_format(look->work->arena, "death/%s/retracted/%s", death->fact->source,
                                                stored->fact->source),
                                   SECTION_DEATH, "deceased", "death-retracted-elsewhere");
                r = claim_death(look, wanted, death->fact);
                r = r
                            ?: wanted_claim(look, wanted, stored->fact->event_id,
                                            text_joined(look->work->arena, stored->fact->source, "=retracted", NULL,
                                                        NULL));
        }
        return r;
}

/* Of members, and of those from whom something was moved here. */
static int look_at_activities(Look *look) {
        size_t n_homes;
        char **homes;
        int r = 0;

        for (size_t i = 0; r == 0 && i < look->n_members; i++)
                r = look_at_activity(look, look->members[i]);
        r = r ?: homes_of_moves(look->members, look->n_members, look->work->arena, &homes, &n_homes);
        for (size_t i = 0; r == 0 && i < n_homes; i++) {
                Person *home;

                r = work_person(look->work, homes[i], &home);
                r = r == STATE_E_NOT_FOUND ? -EBADMSG : r ?: look_at_activity(look, home);
        }
        return r;
}

int look_at_death(Look *look) {
        int r = look->n_deaths > 0 ? look_at_activities(look) : 0;

        for (size_t i = 0; r == 0 && i < look->n_deaths; i++)
                r = look_at_denial(look, look->deaths[i].stored) ?: look_at_retraction(look, look->deaths[i].stored);
        return r;
}
