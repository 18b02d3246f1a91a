/*
 * record.granted: the first message about somebody, with what the record has of them so far: who they are, and the facts that nobody
 * may be without, as the profile lists them.
 */
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"

static const char *const sections_default[] = { "allergies", "decisions", "encounters" };

static bool is_wanted(const Out *out, const char *section) {
        const ProfileOut *settings = out->settings;

        if (settings->n_granted == 0)
                for (size_t i = 0; i < ELEMENTSOF(sections_default); i++)
                        if (strcmp(sections_default[i], section) == 0)
                                return true;
        for (size_t i = 0; i < settings->n_granted; i++)
                if (strcmp(settings->granted[i], section) == 0)
                        return true;
        return false;
}

/* A fact that stands, and that is not the receiver's own word. */
static bool is_told(const Out *out, const Carebus__V1__Fact *fact) {
        if (fact->status && strcmp(fact->status, "current") != 0)
                return false;
        if (fact->has_echo && fact->echo)
                return false;
        for (size_t i = 0; i < out->options->n_own_sources; i++)
                if (text_equal(out->options->own_sources[i], fact->source))
                        return false;
        return true;
}

typedef void (*FactWriter)(Out *out, const Carebus__V1__Fact *fact, unsigned number);

static void sections_walk(Out *out, const char *name, Carebus__V1__Fact__ValueCase value, FactWriter write) {
        const Carebus__V1__Record *record = out->item->so_far;
        unsigned number = 0;

        for (size_t i = 0; record && i < record->n_sections; i++) {
                const Carebus__V1__Section *section = record->sections[i];

                if (!text_equal(section->name, name) || !is_wanted(out, name))
                        continue;
                for (size_t j = 0; j < section->n_facts; j++)
                        if (section->facts[j]->value_case == value && is_told(out, section->facts[j]))
                                write(out, section->facts[j], ++number);
        }
}

static void allergy_fact(Out *out, const Carebus__V1__Fact *fact, unsigned number) {
        allergy_segment_write(out, fact->allergy, CAREBUS__V1__ACTION__ACTION_NEW, number);
}

static void condition_fact(Out *out, const Carebus__V1__Fact *fact, unsigned number) {
        condition_segment_write(out, fact->condition, CAREBUS__V1__ACTION__ACTION_NEW, number);
}

static void member_fact(Out *out, const Carebus__V1__Fact *fact, unsigned number) {
        for (size_t i = 0; i < fact->care_team->n_members; i++)
                member_segment_write(out, fact->care_team->members[i], "AD");
}

/* Every decision that stands, each with its own words: of two that differ both are told. */
static void decision_fact(Out *out, const Carebus__V1__Fact *fact, unsigned number) {
        static const struct {
                Carebus__V1__Decision__Kind kind;
                const char *type;
        } types[] = {
                { CAREBUS__V1__DECISION__KIND__KIND_CPR, "cpr_decision.recorded" },
                { CAREBUS__V1__DECISION__KIND__KIND_ADRT, "adrt.recorded" },
                { CAREBUS__V1__DECISION__KIND__KIND_LPA, "lpa.recorded" },
                { CAREBUS__V1__DECISION__KIND__KIND_TREATMENT_ESCALATION, "treatment_escalation.recorded" },
                { CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH, "preference.place_of_death" },
                { CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_CARE, "preference.place_of_care" },
                { CAREBUS__V1__DECISION__KIND__KIND_ADVANCE_STATEMENT, "advance_statement.recorded" },
        };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (types[i].kind == fact->decision->kind)
                        (void)decision_segments_write(out, fact->decision, types[i].type, number);
}

static const Carebus__V1__Encounter *current_stay(const Out *out) {
        const Carebus__V1__Record *record = out->item->so_far;
        const Carebus__V1__Overview *overview = record ? record->overview : NULL;

        if (!overview || !overview->place || !is_wanted(out, "encounters"))
                return NULL;
        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t j = 0; j < record->sections[i]->n_facts; j++) {
                        const Carebus__V1__Fact *fact = record->sections[i]->facts[j];

                        if (fact->value_case == CAREBUS__V1__FACT__VALUE_ENCOUNTER && is_told(out, fact) &&
                            text_equal(fact->event_id, overview->place->event_id))
                                return fact->encounter;
                }
        return NULL;
}

void granted_write(Out *out) {
        const Carebus__V1__Record *record = out->item->so_far;
        Carebus__V1__Demographics nothing = CAREBUS__V1__DEMOGRAPHICS__INIT, *demographics = NULL;

        if (!record) { /* it sees nothing of them any more */
                out->is_not_said = true;
                return;
        }
        demographics = demographics_without_own(out, record->overview);
        if (!demographics)
                demographics = &nothing;
        if (demographics->n_identifiers == 0) {
                demographics->n_identifiers = record->n_identifiers;
                demographics->identifiers = record->identifiers;
        }
        out->visit = current_stay(out);
        evn_write(out);
        person_write(out, demographics);
        sections_walk(out, "care-team", CAREBUS__V1__FACT__VALUE_CARE_TEAM, member_fact);
        visit_write(out, out->visit);
        sections_walk(out, "decisions", CAREBUS__V1__FACT__VALUE_DECISION, decision_fact);
        sections_walk(out, "allergies", CAREBUS__V1__FACT__VALUE_ALLERGY, allergy_fact);
        sections_walk(out, "conditions", CAREBUS__V1__FACT__VALUE_CONDITION, condition_fact);
}
