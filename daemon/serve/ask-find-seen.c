/*
 * Nobody is found by what the asker does not see: an answer would confirm it. And the other way round, who answers
 * calls is told a little of somebody of whom the caller knows enough.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "daemon/serve/ask-find.h"
#include "daemon/serve/record-cut.h"

/* ---- what is seen ---------------------------------------------------------------------------------------------------------- */

/* One of each field that people are found by; what is left of it when it has been cut is what may be compared. */
static Carebus__V1__Fact *sample_make(Arena *arena, char *source) {
        Carebus__V1__Demographics *demographics = message_new(&carebus__v1__demographics__descriptor, arena);
        Carebus__V1__Fact *fact = message_new(&carebus__v1__fact__descriptor, arena);
        void *name = message_new(&carebus__v1__human_name__descriptor, arena),
             *address = message_new(&carebus__v1__address__descriptor, arena),
             *telecom = message_new(&carebus__v1__telecom__descriptor, arena);

        if (!demographics || !fact || !name || !address || !telecom ||
            list_append((void ***)&demographics->names, &demographics->n_names, name, arena) < 0 ||
            list_append((void ***)&demographics->addresses, &demographics->n_addresses, address, arena) < 0 ||
            list_append((void ***)&demographics->telecom, &demographics->n_telecom, telecom, arena) < 0)
                return NULL;
        demographics->birth_date = message_new(&carebus__v1__date__descriptor, arena);
        demographics->sex = message_new(&carebus__v1__coded__descriptor, arena);
        if (!demographics->birth_date || !demographics->sex)
                return NULL;
        fact->source = source;
        fact->value_case = CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS;
        fact->demographics = demographics;
        return fact;
}

static int trait_cut(Ask *ask, const SharingPerson *person, const SharingVerdict *verdict,
                     const Carebus__V1__Trait *trait, Carebus__V1__Trait **ret) {
        Carebus__V1__Trait *cut = message_shallow_copy(&trait->base, ask->arena);
        Carebus__V1__Fact *sample = sample_make(ask->arena, trait->source);
        Carebus__V1__Matching *matching;
        int r;

        if (!cut || !sample || !trait->matching)
                return cut && sample ? 0 : -ENOMEM;
        r = sharing_cut_fact(ask->sharing, (size_t)ask->team, person, verdict, sample, ask->arena);
        matching = message_shallow_copy(&trait->matching->base, ask->arena);
        if (r < 0 || !matching)
                return r < 0 ? r : -ENOMEM;
        matching->n_names = sample->demographics->n_names ? matching->n_names : 0;
        matching->n_addresses = sample->demographics->n_addresses ? matching->n_addresses : 0;
        matching->n_telecom = sample->demographics->n_telecom ? matching->n_telecom : 0;
        matching->birth_date = sample->demographics->birth_date ? matching->birth_date : NULL;
        matching->sex = sample->demographics->sex ? matching->sex : NULL;
        cut->matching = matching;
        *ret = cut;
        return 0;
}

int find_seen_trait(Ask *ask, const char *patient_id, Carebus__V1__Trait *trait, Carebus__V1__Trait **ret) {
        const SharingThing thing = { .kind = SECTION_DEMOGRAPHICS,
                                     .fact_type = "patient.updated",
                                     .source = trait->source ? bytes_of_text(trait->source) : BYTES_NULL };
        const SharingPerson *person;
        SharingVerdict verdict;
        int r;

        *ret = ask->team < 0 ? trait : NULL;
        if (ask->team < 0)
                return 0;
        r = sight_person(ask->sight, patient_id, &person);
        if (r < 0)
                return r;
        verdict = sharing_may_see(ask->sharing, (size_t)ask->team, person, &thing);
        if (verdict.sight == SHARING_PART)
                return trait_cut(ask, person, &verdict, trait, ret);
        *ret = verdict.sight == SHARING_WHOLE ? trait : NULL;
        return 0;
}

/* ---- calls ------------------------------------------------------------------------------------------------------------------ */

unsigned find_details(const Finding *finding) {
        const Carebus__V1__Matching *matching = finding->trait.matching;
        const Carebus__V1__Date *born = matching->birth_date;

        if (finding->ask->team < 0 || !sharing_answers_calls(finding->ask->sharing, (size_t)finding->ask->team))
                return 0;
        return (matching->n_names > 0) + (born && born->has_year && born->has_month && born->has_day) +
               (matching->n_addresses > 0) + (matching->n_telecom > 0) + (finding->asked->identifier != NULL);
}

static bool agrees(const MatchResult *result, const char *field) {
        for (size_t i = 0; i < result->n_evidence; i++)
                if (text_equal(result->evidence[i].field, field))
                        return text_equal(result->evidence[i].agreement, "exact");
        return false;
}

/* Each detail that was given has to be right; where somebody lives or is rung counts for nothing where that is not to be known. */
static unsigned details_right(const Finding *finding, const Found *found, const MatchResult *result, bool restricted) {
        const Carebus__V1__Matching *matching = finding->trait.matching;
        const struct {
                bool given, right, whereabouts;
        } details[] = {
                { matching->n_names > 0, result->name_agrees, false },
                { matching->birth_date, agrees(result, "birth_date"), false },
                { matching->n_addresses > 0, agrees(result, "postcode"), true },
                { matching->n_telecom > 0, agrees(result, "telecom"), true },
                { finding->asked->identifier, found->by_number, false },
        };
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(details); i++) {
                if (!details[i].given || (restricted && details[i].whereabouts))
                        continue;
                if (!details[i].right)
                        return 0;
                n++;
        }
        return n;
}

int find_show_caller(Finding *finding, Found *found) {
        const MatchPerson question = { .traits = (Carebus__V1__Trait *[]){ &finding->trait }, .n_traits = 1 };
        Arena *arena = finding->ask->arena;
        Carebus__V1__Trait **traits = NULL;
        Carebus__V1__Candidate *candidate;
        Carebus__V1__Record *whole;
        size_t n_traits = 0;
        MatchResult result;
        bool restricted;
        int r = 0;

        if (finding->n_details < FIND_DETAILS_MIN)
                return 0;
        for (size_t i = 0; i < found->n_persons; i++)
                for (size_t j = 0; r == 0 && j < found->persons[i]->n_traits; j++)
                        r = list_append((void ***)&traits, &n_traits, found->persons[i]->traits[j], arena);
        if (r == 0)
                r = record_for_team(finding->ask->sight, -1, found->patient_id, arena, &whole);
        if (r != 0)
                return MIN(r, 0);
        match_compare(finding->rules, question, (MatchPerson){ .traits = traits, .n_traits = n_traits }, &result);
        restricted = whole->overview && whole->overview->restricted;
        if (details_right(finding, found, &result, restricted) < FIND_DETAILS_MIN)
                return 0;
        candidate = message_new(&carebus__v1__candidate__descriptor, arena);
        if (!candidate)
                return -ENOMEM;
        candidate->patient_id = found->patient_id;
        if (whole->overview && whole->overview->demographics) {
                candidate->name = find_name_of(whole->overview->demographics);
                candidate->birth_date = whole->overview->demographics->birth_date;
        }
        found->result = result;
        found->candidate = candidate;
        return 0;
}
