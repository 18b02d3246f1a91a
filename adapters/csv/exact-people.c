/* Rows of people.csv: who somebody is, and that they died. */
#include <string.h>

#include "adapters/csv/exact-parts.h"
#include "adapters/csv/words.h"
#include "base/text.h"

static const char *date_text(Exact *exact, const Carebus__V1__Date *date) {
        Buffer text = BUFFER_NULL;

        words_of_date(date, &text);
        return exact_keep(exact, &text);
}

static const Carebus__V1__HumanName *name_of_use(const Carebus__V1__Demographics *person, const char *use) {
        for (size_t i = 0; i < person->n_names; i++)
                if (text_equal(person->names[i]->use, use))
                        return person->names[i];
        return NULL;
}

static void carer_values(Exact *exact, const Carebus__V1__Demographics *person) {
        for (size_t i = 0; i < person->n_related_persons; i++) {
                const Carebus__V1__RelatedPerson *related = person->related_persons[i];

                if (!related->main_carer)
                        continue;
                exact->values[PEOPLE_MAIN_CARER] = exact_name(exact, related->name);
                exact->values[PEOPLE_CARER_PHONE] = exact_phone(related->telecom, related->n_telecom);
                return;
        }
}

/* What no column says, or one alone of several. */
static void people_parts(Exact *exact, const Carebus__V1__Demographics *person) {
        for (size_t i = 0; i < person->n_names; i++)
                part_add_name(&exact->parts, "name", person->names[i]);
        for (size_t i = 0; i < person->n_addresses; i++)
                part_add_address(&exact->parts, "address", person->addresses[i]);
        for (size_t i = 0; i < person->n_telecom; i++) {
                const Carebus__V1__Telecom *is = person->telecom[i];
                const char *const values[] = { is->system, is->use, is->value };

                part_add(&exact->parts, "telecom", values, ELEMENTSOF(values));
        }
        exact_part(exact, "deceased", exact_truth(person->has_deceased, person->deceased));
        part_add_coded(&exact->parts, "gender", person->gender);
        part_add_coded(&exact->parts, "marital_status", person->marital_status);
        part_add_coded(&exact->parts, "religion", person->religion);
        if (person->practice) {
                const char *const values[] = { person->practice->identifier ? person->practice->identifier->system
                                                                            : NULL,
                                               person->practice->name };

                part_add(&exact->parts, "practice", values, ELEMENTSOF(values));
        }
}

static bool people_values(Exact *exact) {
        const Carebus__V1__Demographics *person = exact->event->demographics;
        const Carebus__V1__HumanName *name = words_main_name(person->names, person->n_names);
        const Carebus__V1__HumanName *nickname = name_of_use(person, "nickname");

        if (name && name != nickname) {
                exact->values[PEOPLE_FAMILY_NAME] = name->family;
                exact->values[PEOPLE_GIVEN_NAME] = name->n_given > 0 ? name->given[0] : NULL;
        }
        exact->values[PEOPLE_KNOWN_AS] = nickname && nickname->n_given > 0 ? nickname->given[0] : NULL;
        exact->values[PEOPLE_BIRTH_DATE] = date_text(exact, person->birth_date);
        exact_coded(exact, PEOPLE_SEX, person->sex);
        for (size_t i = 0; i < person->n_addresses && !exact->values[PEOPLE_POSTCODE]; i++)
                if (text_equal(person->addresses[i]->use, "home") || !person->addresses[i]->use)
                        exact->values[PEOPLE_POSTCODE] = person->addresses[i]->postal_code;
        exact->values[PEOPLE_GP_PRACTICE] = person->practice ? exact_id(person->practice->identifier) : NULL;
        exact_coded(exact, PEOPLE_ETHNICITY, person->ethnic_category);
        exact_coded(exact, PEOPLE_LANGUAGE, person->language);
        exact->values[PEOPLE_INTERPRETER] = exact_truth(person->has_interpreter_required, person->interpreter_required);
        exact->values[PEOPLE_LIVES_ALONE] = exact_truth(person->has_lives_alone, person->lives_alone);
        carer_values(exact, person);
        exact->values[PEOPLE_RESTRICTED] = exact_truth(person->has_restricted, person->restricted);
        exact->values[PEOPLE_DECEASED_DATE] = exact_when(exact, person->deceased_at);
        people_parts(exact, person);
        return true;
}

/* A death is a cell of people.csv; all else of the row is empty, which says nothing. */
static bool death_values(Exact *exact) {
        const Carebus__V1__Death *death = exact->event->death;
        bool is_retracted = text_equal(exact->event->type, "death.retracted") ||
                            exact->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;

        if (death->has_status)
                exact_part(exact, "death_status",
                           exact_enum(&carebus__v1__death__status__descriptor, (int)death->status));
        exact_part(exact, "how_known", death->how_known);
        exact_part(exact, "died_at", exact_when(exact, death->died_at));
        part_add_coded(&exact->parts, "death_place", death->place);
        exact->values[PEOPLE_DECEASED_DATE] = is_retracted ? "entered in error" : exact_when(exact, death->died_at);
        return exact->values[PEOPLE_DECEASED_DATE] ||
               exact->event->event_id; /* nobody knows the day: the type says it */
}

/* ---- both of them */

#define BODY(name) CAREBUS__V1__EVENT__BODY_##name
static const ExactBody people_bodies[] = {
        { BODY(DEMOGRAPHICS), "people", people_values, true },
        { BODY(DEATH), "people", death_values, true },
};

const ExactBody *exact_people_at(size_t index) {
        return index < ELEMENTSOF(people_bodies) ? &people_bodies[index] : NULL;
}
