/* Rows of people.csv in the exact form: who somebody is, or that they died. What no column of that table says stands in `parts`. */
#include <string.h>

#include "adapters/csv/translate-rules.h"
#include "base/text.h"
#include "proto/types.h"

static const char no_people_type[] = "event_type names nothing that this table has a row for; have the file made again";

static void names_exact(RowWork *work, Carebus__V1__Demographics *person) {
        const Part *part;

        for (size_t i = 0; (part = parts_find(&work->parts, "name", i)); i++) {
                Carebus__V1__HumanName *name = ROW_MESSAGE(work, human_name);

                if (!name)
                        return;
                name->use = part->values[0];
                name->text = part->values[1];
                name->family = part->values[2];
                draft_append(&work->draft, &name->n_suffix, &name->suffix, part->values[3]);
                draft_append(&work->draft, &name->n_prefix, &name->prefix, part->values[4]);
                for (size_t k = PART_NAME_GIVEN; k < PART_VALUES_MAX; k++)
                        draft_append(&work->draft, &name->n_given, &name->given, part->values[k]);
                draft_append(&work->draft, &person->n_names, &person->names, name);
        }
}

static void addresses_exact(RowWork *work, Carebus__V1__Demographics *person) {
        const Part *part;

        for (size_t i = 0; (part = parts_find(&work->parts, "address", i)); i++) {
                Carebus__V1__Address *address = ROW_MESSAGE(work, address);

                if (!address)
                        return;
                address->use = part->values[0];
                address->text = part->values[1];
                address->city = part->values[2];
                address->district = part->values[3];
                address->postal_code = part->values[4];
                address->country = part->values[5];
                for (size_t k = PART_ADDRESS_LINES; k < PART_VALUES_MAX; k++)
                        draft_append(&work->draft, &address->n_line, &address->line, part->values[k]);
                draft_append(&work->draft, &person->n_addresses, &person->addresses, address);
        }
}

static void telecom_exact(RowWork *work, Carebus__V1__Demographics *person) {
        const Part *part;

        for (size_t i = 0; (part = parts_find(&work->parts, "telecom", i)); i++) {
                Carebus__V1__Telecom *telecom = ROW_MESSAGE(work, telecom);

                if (!telecom)
                        return;
                telecom->system = part->values[0];
                telecom->use = part->values[1];
                telecom->value = part->values[2];
                draft_append(&work->draft, &person->n_telecom, &person->telecom, telecom);
        }
}

static void practice_exact(RowWork *work, Carebus__V1__Demographics *person) {
        char *code = row_text(work, PEOPLE_GP_PRACTICE), *name = exact_part_text(work, "practice", 0, 1);

        person->practice = code || name ? ROW_MESSAGE(work, organisation) : NULL;
        if (!person->practice)
                return;
        person->practice->name = name;
        person->practice->identifier = draft_identifier(&work->draft, exact_part_text(work, "practice", 0, 0), NULL,
                                                        NULL, code);
}

static protobuf_c_boolean truth_exact(RowWork *work, int column, protobuf_c_boolean *ret) {
        bool truth, is_said = row_truth(work, column, &truth);

        if (is_said)
                *ret = truth;
        return is_said;
}

static void restriction_exact(RowWork *work, Carebus__V1__Event *event, Carebus__V1__Demographics *person) {
        person->has_restricted = truth_exact(work, PEOPLE_RESTRICTED, &person->restricted);
        event->sensitivity = person->has_restricted ? ROW_MESSAGE(work, sensitivity) : NULL;
        if (!event->sensitivity)
                return;
        event->sensitivity->has_restricted_location = true;
        event->sensitivity->restricted_location = person->restricted;
}

static void demographics_exact(RowWork *work, Carebus__V1__Event *event) {
        Carebus__V1__Demographics *person = ROW_MESSAGE(work, demographics);

        if (!person)
                return;
        ROW_BODY(event, DEMOGRAPHICS, demographics, person);
        person->identifiers = work->identifiers;
        person->n_identifiers = work->n_identifiers;
        names_exact(work, person);
        addresses_exact(work, person);
        telecom_exact(work, person);
        person->birth_date = row_date(work, PEOPLE_BIRTH_DATE);
        person->sex = row_coded(work, PEOPLE_SEX);
        person->gender = exact_part_coded(work, "gender", 0);
        person->marital_status = exact_part_coded(work, "marital_status", 0);
        person->religion = exact_part_coded(work, "religion", 0);
        person->ethnic_category = row_coded(work, PEOPLE_ETHNICITY);
        person->language = row_coded(work, PEOPLE_LANGUAGE);
        practice_exact(work, person);
        person->has_interpreter_required = truth_exact(work, PEOPLE_INTERPRETER, &person->interpreter_required);
        person->has_lives_alone = truth_exact(work, PEOPLE_LIVES_ALONE, &person->lives_alone);
        row_carer(work, person);
        restriction_exact(work, event, person);
        person->deceased_at = row_when(work, PEOPLE_DECEASED_DATE, NULL);
        person->has_deceased = exact_part_truth(work, "deceased", &person->deceased);
}

static void death_exact(RowWork *work, Carebus__V1__Event *event) {
        Carebus__V1__Death *death = ROW_MESSAGE(work, death);
        int status;

        work->is_urgent = true;
        if (!death)
                return;
        ROW_BODY(event, DEATH, death, death);
        if (exact_part_enum(work, "death_status", &carebus__v1__death__status__descriptor, &status)) {
                death->has_status = true;
                death->status = (Carebus__V1__Death__Status)status;
        }
        death->died_at = exact_part_when(work, "died_at");
        death->how_known = exact_part_text(work, "how_known", 0, 0);
        death->place = exact_part_coded(work, "death_place", 0);
}

void people_exact(RowWork *work) {
        const EventType *type = event_type_find(work->exact[EXACT_TYPE]);
        bool is_death = type && type->body == CAREBUS__V1__EVENT__BODY_DEATH;
        Carebus__V1__Event *event;

        if (!is_death && !(type && type->body == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS)) {
                row_refuse(work, -1, no_people_type);
                return;
        }
        event = row_event(work, type->name, type->action);
        if (event && is_death)
                death_exact(work, event);
        else if (event)
                demographics_exact(work, event);
}
