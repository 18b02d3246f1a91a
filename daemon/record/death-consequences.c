/* What ends with somebody's death, and comes back where it was a mistake. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/death.h"
#include "daemon/record/moment.h"

typedef Carebus__V1__Fact Fact;

/* When it is meant to happen; NULL: it goes on until somebody ends it. */
static const Carebus__V1__When *appointment_at(const Fact *fact) {
        return fact->appointment->start_at;
}

static const Carebus__V1__When *visit_at(const Fact *fact) {
        return fact->contact->planned_at ?: fact->contact->start_at;
}

/* A visit that was paid stays what it is. */
static bool visit_is_to_come(const Fact *fact) {
        return text_equal(fact->contact->status, "planned") || (!fact->contact->status && fact->contact->planned_at);
}

/* Who cares for the bereaved begins with the death. */
static bool referral_is_of_the_dead(const Fact *fact) {
        return fact->referral->kind != CAREBUS__V1__REFERRAL__KIND__KIND_BEREAVEMENT;
}

static const struct {
        unsigned value_case;
        const Carebus__V1__When *(*at)(const Fact *fact);
        bool (*ends)(const Fact *fact); /* NULL: always */
} consequences[] = {
        { CAREBUS__V1__FACT__VALUE_APPOINTMENT, appointment_at, NULL },
        { CAREBUS__V1__FACT__VALUE_CONTACT, visit_at, visit_is_to_come },
        { CAREBUS__V1__FACT__VALUE_CARE_PACKAGE, NULL, NULL },
        { CAREBUS__V1__FACT__VALUE_REFERRAL, NULL, referral_is_of_the_dead },
        { CAREBUS__V1__FACT__VALUE_CONTACT_POINT, NULL, NULL },
        { CAREBUS__V1__FACT__VALUE_PROGRAMME, NULL, NULL },
};

/* The formal death that was said first, so that another source's word changes nothing. */
static const Fact *formal_death(Carebus__V1__StoredFact *const *deaths, size_t n_deaths) {
        const Carebus__V1__StoredFact *found = NULL;

        for (size_t i = 0; i < n_deaths; i++) {
                const Fact *fact = deaths[i]->fact;

                if (!text_equal(fact->status, "current") ||
                    fact->death->status != CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL)
                        continue;
                if (!found || stamp_parts_compare(death_stamp(deaths[i]), death_stamp(found)) < 0)
                        found = deaths[i];
        }
        return found ? found->fact : NULL;
}

static bool is_stopped(const Fact *fact, const Fact *death) {
        Moment died, at;

        for (size_t i = 0; i < ELEMENTSOF(consequences); i++) {
                if (consequences[i].value_case != (unsigned)fact->value_case || !text_equal(fact->status, "current"))
                        continue;
                if (consequences[i].ends && !consequences[i].ends(fact))
                        return false;
                /* What was to happen while they lived is not stopped by their death. */
                return !consequences[i].at || !moment_of_when(consequences[i].at(fact), &at) ||
                       !moment_of_when(death->death->died_at, &died) || !moment_is_before(at, died);
        }
        return false;
}

size_t death_consequences(Carebus__V1__Section *const *sections, size_t n_sections,
                          Carebus__V1__StoredFact *const *deaths, size_t n_deaths) {
        const Fact *death = formal_death(deaths, n_deaths);
        size_t n = 0;

        for (size_t i = 0; death && i < n_sections; i++)
                for (size_t j = 0; j < sections[i]->n_facts; j++) {
                        Fact *fact = sections[i]->facts[j];

                        if (!is_stopped(fact, death))
                                continue;
                        fact->status = (char *)"ended";
                        fact->end_reason = (char *)END_REASON_DIED;
                        fact->ended_by_event_id = death->event_id;
                        n++;
                }
        return n;
}
