#include "adapters/csv/exact.h"

#include <string.h>

#include "adapters/csv/cells.h"
#include "adapters/csv/exact-parts.h"
#include "adapters/csv/translate-rules.h"
#include "adapters/csv/words.h"
#include "base/text.h"
#include "canon/identifier.h"
#include "canon/vocabulary.h"

typedef Carebus__V1__Event Event;

#define EXACT_BYTES ((size_t)4 << 20)

/* ---- values ---- */

static const char *keep(Exact *exact, Buffer *text) {
        const char *copy = text->error || text->size == 0 ? NULL : arena_text(exact->arena, text->data, text->size);

        buffer_deinit(text);
        return copy;
}

const char *exact_when(Exact *exact, const Carebus__V1__When *when) {
        Buffer text = BUFFER_NULL;

        words_of_when(when, exact->options->zone, &text);
        return keep(exact, &text);
}

static const char *date_text(Exact *exact, const Carebus__V1__Date *date) {
        Buffer text = BUFFER_NULL;

        words_of_date(date, &text);
        return keep(exact, &text);
}

const char *exact_name(Exact *exact, const Carebus__V1__HumanName *name) {
        Buffer text = BUFFER_NULL;

        if (name && name->text)
                return name->text;
        words_of_name(name, &text);
        return keep(exact, &text);
}

/* The source's own words come back as they were; else the shared ones. */
const char *exact_coded(const Carebus__V1__Coded *coded) {
        if (coded && coded->text)
                return coded->text;
        if (coded && coded->original && coded->original->display)
                return coded->original->display;
        return words_of_coded(coded);
}

static const char *truth_text(bool is_said, bool truth) {
        return !is_said ? NULL : truth ? "yes" : "no";
}

const char *exact_number(Exact *exact, bool is_said, uint32_t number) {
        return is_said ? arena_format(exact->arena, "%u", number) : NULL;
}

const char *exact_id(const Carebus__V1__Identifier *identifier) {
        return identifier ? identifier->value : NULL;
}

const char *exact_own_id(Exact *exact, const Carebus__V1__Identifier *identifier) {
        exact->id_system = identifier && identifier->value ? identifier->system : NULL;
        return exact_id(identifier);
}

static const char *id_of_system(Carebus__V1__Identifier *const *identifiers, size_t n, const char *system) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(identifiers[i]->system, system) && identifiers[i]->value)
                        return identifiers[i]->value;
        return NULL;
}

static const char *phone_text(const Carebus__V1__Telecom *const *telecom, size_t n) {
        return n > 0 ? telecom[0]->value : NULL;
}

static const char *join(Exact *exact, char *const *texts, size_t n) {
        Buffer text = BUFFER_NULL;

        for (size_t i = 0; i < n; i++) {
                buffer_append_text(&text, i > 0 ? "; " : "");
                buffer_append_text(&text, texts[i]);
        }
        return keep(exact, &text);
}

/* ---- the person ---- */

static void person_values(Exact *exact) {
        const Carebus__V1__Subject *patient = exact->event->patient;

        if (!patient)
                return;
        for (size_t i = 0; i < exact->options->n_systems && !exact->values[PERSON_LOCAL_ID]; i++) {
                exact->values[PERSON_LOCAL_ID] = id_of_system(patient->identifiers, patient->n_identifiers,
                                                              exact->options->systems[i]);
                exact->local_id_system = exact->options->systems[i];
        }
        if (!exact->values[PERSON_LOCAL_ID]) {
                exact->values[PERSON_LOCAL_ID] = patient->patient_id;
                exact->local_id_system = exact->options->bus_system;
        }
        exact->values[PERSON_NHS_NUMBER] = id_of_system(patient->identifiers, patient->n_identifiers,
                                                        SYSTEM_NHS_NUMBER);
        exact->values[PERSON_CHI_NUMBER] = id_of_system(patient->identifiers, patient->n_identifiers,
                                                        SYSTEM_CHI_NUMBER);
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
                exact->values[PEOPLE_CARER_PHONE] = phone_text((const Carebus__V1__Telecom *const *)related->telecom,
                                                               related->n_telecom);
                return;
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
        exact->values[PEOPLE_SEX] = exact_coded(person->sex);
        for (size_t i = 0; i < person->n_addresses && !exact->values[PEOPLE_POSTCODE]; i++)
                if (text_equal(person->addresses[i]->use, "home") || !person->addresses[i]->use)
                        exact->values[PEOPLE_POSTCODE] = person->addresses[i]->postal_code;
        exact->values[PEOPLE_GP_PRACTICE] = person->practice ? exact_id(person->practice->identifier) : NULL;
        exact->values[PEOPLE_ETHNICITY] = exact_coded(person->ethnic_category);
        exact->values[PEOPLE_LANGUAGE] = exact_coded(person->language);
        exact->values[PEOPLE_INTERPRETER] = truth_text(person->has_interpreter_required, person->interpreter_required);
        exact->values[PEOPLE_LIVES_ALONE] = truth_text(person->has_lives_alone, person->lives_alone);
        carer_values(exact, person);
        exact->values[PEOPLE_RESTRICTED] = truth_text(person->has_restricted, person->restricted);
        exact->values[PEOPLE_DECEASED_DATE] = exact_when(exact, person->deceased_at);
        return true;
}

/* A death is a cell of people.csv; all else of the row is empty, which says nothing. */
static bool death_values(Exact *exact) {
        const Carebus__V1__Death *death = exact->event->death;
        bool is_retracted = text_equal(exact->event->type, "death.retracted") ||
                            exact->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;

        exact->values[PEOPLE_DECEASED_DATE] = is_retracted ? "entered in error" : exact_when(exact, death->died_at);
        return exact->values[PEOPLE_DECEASED_DATE] != NULL;
}

/* ---- what was asked for and done ---- */

static bool referral_values(Exact *exact) {
        static const char *const declined[] = {
                [CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_SERVICE] = "service",
                [CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_PATIENT] = "patient",
                [CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_FAMILY] = "family",
        };
        static const char *const decisions[] = { "accepted", "declined", "redirected", "cancelled" };
        const Carebus__V1__Referral *referral = exact->event->referral;

        if (!referral->identifier)
                return false;
        exact->values[REFERRAL_ID] = exact_own_id(exact, referral->identifier);
        exact->values[REFERRAL_RECEIVED] = exact_when(exact, referral->received_at);
        exact->values[REFERRAL_REQUESTED] = exact_when(exact, referral->requested_at);
        exact->values[REFERRAL_FROM] = referral->from ? referral->from->name : NULL;
        exact->values[REFERRAL_REASON] = referral->n_reasons > 0 ? exact_coded(referral->reasons[0]) : NULL;
        exact->values[REFERRAL_PRIORITY] = exact_coded(referral->priority);
        exact->values[REFERRAL_DIAGNOSIS] = exact_coded(referral->primary_condition);
        for (size_t i = 0; i < ELEMENTSOF(decisions); i++)
                if (text_equal(referral->status, decisions[i])) {
                        exact->values[REFERRAL_DECISION] = decisions[i];
                        exact->values[REFERRAL_DECIDED] = exact_when(exact, referral->decided_at);
                        exact->values[REFERRAL_DECLINE_REASON] = exact_coded(referral->decline_reason);
                }
        if (referral->has_declined_by && (size_t)referral->declined_by < ELEMENTSOF(declined) &&
            exact->values[REFERRAL_DECISION])
                exact->values[REFERRAL_DECLINED_BY] = declined[referral->declined_by];
        exact->values[REFERRAL_FIRST_CONTACT] = exact_when(exact, referral->first_contact_at);
        exact->values[REFERRAL_CLOSED] = exact_when(exact, referral->closed_at);
        if (referral->closed_at)
                exact->values[REFERRAL_CLOSE_REASON] = exact_coded(referral->close_reason);
        return true;
}

/* A visit is one by its mode, and planned or missed by its outcome. */
static bool contact_values(Exact *exact) {
        const Carebus__V1__Contact *contact = exact->event->contact;
        bool is_visit = text_starts_with(exact->event->type, "visit.");
        char **with_whom = arena_alloc(exact->arena, (contact->n_with_whom + 1) * sizeof(*with_whom));

        if (!contact->identifier || !contact->start_at || !with_whom)
                return false;
        exact->values[CONTACT_ID] = exact_own_id(exact, contact->identifier);
        exact->values[CONTACT_START] = exact_when(exact, contact->start_at);
        exact->values[CONTACT_MINUTES] = exact_number(exact, contact->has_minutes, contact->minutes);
        exact->values[CONTACT_MODE] = exact_coded(contact->mode);
        if (!exact->values[CONTACT_MODE] && is_visit)
                exact->values[CONTACT_MODE] = "visit";
        exact->values[CONTACT_PLACE] = exact_coded(contact->place_kind);
        exact->values[CONTACT_STAFF_ROLE] = exact_coded(contact->staff_role);
        exact->values[CONTACT_PROVIDER] = contact->by ? contact->by->name : NULL;
        for (size_t i = 0; i < contact->n_with_whom; i++)
                with_whom[i] = (char *)(uintptr_t)(exact_coded(contact->with_whom[i]) ?: "");
        exact->values[CONTACT_WITH_WHOM] = join(exact, with_whom, contact->n_with_whom);
        exact->values[CONTACT_PURPOSE] = exact_coded(contact->purpose);
        exact->values[CONTACT_OUTCOME] = exact_coded(contact->outcome);
        if (!exact->values[CONTACT_OUTCOME] && contact->status && strcmp(contact->status, "done") != 0)
                exact->values[CONTACT_OUTCOME] = contact->status;
        exact->values[CONTACT_NEXT] = exact_when(exact, contact->next_contact_at);
        return true;
}

static bool stay_values(Exact *exact) {
        const Carebus__V1__Encounter *stay = exact->event->encounter;
        bool is_cancelled = text_equal(exact->event->type, "encounter.admission_cancelled");
        bool is_stay = is_cancelled || text_equal(exact->event->type, "encounter.admitted") ||
                       text_equal(exact->event->type, "encounter.discharged");

        /* A row of stays.csv has to say when it began, but where it never did. */
        if (!is_stay || !stay->identifier || (!stay->admitted_at && !is_cancelled))
                return false;
        exact->values[STAY_ID] = exact_own_id(exact, stay->identifier);
        if (is_cancelled || exact->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR)
                exact->values[STAY_STATUS] = "cancelled";
        exact->values[STAY_ADMITTED] = exact_when(exact, stay->admitted_at);
        exact->values[STAY_FROM] = exact_coded(stay->admission_source);
        exact->values[STAY_REASON] = exact_coded(stay->reason);
        exact->values[STAY_DISCHARGED] = exact_when(exact, stay->discharged_at);
        exact->values[STAY_TO] = exact_coded(stay->discharge_destination);
        if (stay->discharged_at)
                exact->values[STAY_DIED] = truth_text(stay->has_died, stay->died);
        return true;
}

static bool score_values(Exact *exact) {
        const Carebus__V1__Measure *measure = exact->event->measure;
        const Carebus__V1__MeasureItem *item = measure->n_items == 1 ? measure->items[0] : NULL;
        const Carebus__V1__Coded *said = measure->scale;
        const Scale *scale = said && said->system && said->code ? scale_find(said->system, said->code) : NULL;

        exact->values[SCORE_SCALE] = scale ? scale->name : exact_coded(measure->scale);
        exact->values[SCORE_DATE] = exact_when(exact, measure->measured_at);
        exact->values[SCORE_RESPONDENT] = exact_coded(measure->respondent_coded);
        if (measure->total)
                exact->values[SCORE_SCORE] = measure->total->value;
        else if (measure->result)
                exact->values[SCORE_SCORE] = exact_coded(measure->result);
        else if (item) {
                exact->values[SCORE_ITEM] = item->item_key ? item->item_key : exact_coded(item->item);
                exact->values[SCORE_SCORE] = item->score ? item->score->value : exact_coded(item->answer);
        }
        return exact->values[SCORE_SCALE] && exact->values[SCORE_SCORE] && exact->values[SCORE_DATE];
}

/* ---- the plan ---- */

typedef struct ExactItem {
        Carebus__V1__Decision__Kind kind;
        uint32_t rank;
        const char *item;
} ExactItem;

static const ExactItem plan_items[] = {
        { CAREBUS__V1__DECISION__KIND__KIND_CPR, 0, "cpr" },
        { CAREBUS__V1__DECISION__KIND__KIND_ADRT, 0, "adrt" },
        { CAREBUS__V1__DECISION__KIND__KIND_LPA, 0, "lpa" },
        { CAREBUS__V1__DECISION__KIND__KIND_TREATMENT_ESCALATION, 0, "ceiling" },
        { CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_CARE, 0, "ppc" },
        { CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH, 2, "ppd2" },
        { CAREBUS__V1__DECISION__KIND__KIND_PREFERRED_PLACE_OF_DEATH, 0, "ppd1" },
};

static const char *item_of(const Carebus__V1__Decision *decision) {
        for (size_t i = 0; i < ELEMENTSOF(plan_items); i++)
                if (plan_items[i].kind == decision->kind &&
                    (plan_items[i].rank == 0 || plan_items[i].rank == decision->rank))
                        return plan_items[i].item;
        return NULL;
}

/* Two values alone are understood of CPR; anything else goes on in its words. */
static const char *decision_value(const Carebus__V1__Decision *decision) {
        const Carebus__V1__Coded *coded = decision->decision;

        if (decision->kind == CAREBUS__V1__DECISION__KIND__KIND_CPR && coded &&
            text_equal(coded->system, SYSTEM_SNOMED_CT)) {
                if (text_equal(coded->code, CODE_CPR_ATTEMPT))
                        return "attempt CPR";
                if (text_equal(coded->code, CODE_CPR_DO_NOT_ATTEMPT))
                        return "do not attempt CPR";
        }
        if (decision->place && text_equal(decision->place->system, SYSTEM_SNOMED_CT) && decision->place->code &&
            plan_place_word(decision->place->code))
                return plan_place_word(decision->place->code);
        if (decision->decision_text)
                return decision->decision_text;
        return exact_coded(decision->place ? decision->place : coded);
}

static void author_values(Exact *exact, const Carebus__V1__Practitioner *author) {
        if (!author)
                return;
        exact->values[PLAN_AUTHOR] = exact_name(exact, author->name);
        exact->values[PLAN_AUTHOR_ROLE] = exact_coded(author->role);
}

static const char *status_text(const Event *event, bool has_ended) {
        return event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR ? "entered in error"
               : has_ended                                                   ? "ended"
                                                                             : "current";
}

static bool decision_values(Exact *exact) {
        const Carebus__V1__Decision *decision = exact->event->decision;
        bool has_ended = decision->ended_at || decision->status == CAREBUS__V1__DECISION__STATUS__STATUS_ENDED ||
                         strstr(exact->event->type, ".ended");

        exact->values[PLAN_ITEM] = item_of(decision);
        if (!exact->values[PLAN_ITEM])
                return false;
        exact->values[PLAN_VALUE] = decision_value(decision);
        exact->values[PLAN_TEXT] = decision->text;
        exact->values[PLAN_STATUS] = status_text(exact->event, has_ended);
        exact->values[PLAN_DECIDED] = exact_when(exact, decision->decided_at);
        exact->values[PLAN_DATE] = exact_when(exact, has_ended && decision->ended_at ? decision->ended_at
                                                                                     : exact->event->occurred_at);
        author_values(exact, decision->decided_by);
        exact->values[PLAN_REVIEW] = decision->review_indefinite ? "indefinite"
                                                                 : exact_when(exact, decision->review_at);
        exact->values[PLAN_PLACE] = decision->original_location;
        exact->values[PLAN_SCOPE] = decision->scope == CAREBUS__V1__DECISION__SCOPE__SCOPE_THIS_STAY    ? "this stay"
                                    : decision->scope == CAREBUS__V1__DECISION__SCOPE__SCOPE_EVERYWHERE ? "everywhere"
                                                                                                        : NULL;
        exact->values[PLAN_DECISION_ID] = exact_own_id(exact, decision->identifier);
        return true;
}

static bool box_values(Exact *exact) {
        const Carebus__V1__AnticipatoryMedicines *box = exact->event->anticipatory_medicines;

        exact->values[PLAN_ITEM] = "jic_box";
        exact->values[PLAN_VALUE] = box->status;
        exact->values[PLAN_TEXT] = box->text;
        exact->values[PLAN_STATUS] = status_text(exact->event, false);
        exact->values[PLAN_DATE] = exact_when(exact, exact->event->occurred_at);
        author_values(exact, box->prescriber);
        exact->values[PLAN_REVIEW] = exact_when(exact, box->expires_at);
        exact->values[PLAN_PLACE] = box->box_location;
        exact->values[PLAN_DECISION_ID] = exact_own_id(exact, box->identifier);
        return box->status != NULL;
}

static bool what_matters_values(Exact *exact) {
        const Carebus__V1__CarePlan *plan = exact->event->care_plan;
        const Carebus__V1__CarePlanItem *item = plan->n_items == 1 ? plan->items[0] : NULL;
        bool has_ended = item && text_equal(item->status, "stopped");

        if (!plan->what_matters && !(item && text_equal(item->item, "what_matters")))
                return false;
        exact->values[PLAN_ITEM] = "what_matters";
        exact->values[PLAN_VALUE] = item ? item->value : NULL;
        exact->values[PLAN_TEXT] = item && item->text ? item->text : plan->what_matters;
        exact->values[PLAN_STATUS] = status_text(exact->event, has_ended);
        exact->values[PLAN_DATE] = exact_when(exact, exact->event->occurred_at);
        author_values(exact, plan->n_authors > 0 ? plan->authors[0] : NULL);
        exact->values[PLAN_REVIEW] = exact_when(exact, plan->review_at);
        exact->values[PLAN_PLACE] = plan->original_location;
        exact->values[PLAN_DECISION_ID] = exact_own_id(exact, item ? item->identifier : NULL);
        return true;
}

static bool contact_point_values(Exact *exact) {
        const Carebus__V1__ContactPoint *point = exact->event->contact_point;
        const Carebus__V1__ReachTime *reach = point->n_reach > 0 ? point->reach[0] : NULL;

        if (!reach || reach->n_telecom == 0)
                return false;
        exact->values[PLAN_ITEM] = reach->out_of_hours ? "contact_night" : "contact_day";
        exact->values[PLAN_VALUE] = reach->telecom[0]->value;
        exact->values[PLAN_TEXT] = point->name;
        exact->values[PLAN_STATUS] = status_text(exact->event, text_equal(point->status, "ended"));
        exact->values[PLAN_DATE] = exact_when(exact, exact->event->occurred_at);
        exact->values[PLAN_DECISION_ID] = exact_own_id(exact, point->identifier);
        return true;
}

/* ---- who is left behind, who helps ---- */

static bool bereavement_values(Exact *exact) {
        const Carebus__V1__Bereavement *bereaved = exact->event->bereavement;
        const Carebus__V1__Subject *patient = exact->event->patient;

        exact->values[BEREAVED_ID] = patient && patient->n_identifiers > 0 ? exact_id(patient->identifiers[0]) : NULL;
        exact->values[BEREAVED_DECEASED] = bereaved->n_deceased_identifiers > 0
                                                   ? exact_id(bereaved->deceased_identifiers[0])
                                                   : NULL;
        exact->values[BEREAVED_RELATION] = exact_coded(bereaved->relationship);
        exact->values[BEREAVED_OFFERED] = exact_when(exact, bereaved->offered_at);
        exact->values[BEREAVED_ACCEPTED] = text_equal(bereaved->status, "declined") ? "no"
                                           : bereaved->answered_at ? exact_when(exact, bereaved->answered_at)
                                           : text_equal(bereaved->status, "accepted") ? "yes"
                                                                                      : NULL;
        exact->values[BEREAVED_FIRST_CONTACT] = exact_when(exact, bereaved->first_contact_at);
        exact->values[BEREAVED_CLOSED] = exact_when(exact, bereaved->closed_at);
        return exact->values[BEREAVED_ID] && exact->values[BEREAVED_DECEASED];
}

static const char *days_text(Exact *exact, const Carebus__V1__ReachTime *reach) {
        static const char *const days[] = { "", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
        Buffer text = BUFFER_NULL;

        if (reach->text)
                return reach->text;
        for (size_t i = 0; i < reach->n_days; i++)
                if (reach->days[i] >= 1 && reach->days[i] <= 7)
                        buffer_append_format(&text, "%s%s", text.size ? ", " : "", days[reach->days[i]]);
        return keep(exact, &text);
}

static bool service_values(Exact *exact) {
        const Carebus__V1__Service *service = exact->event->service;

        exact->values[SERVICE_NAME] = service->name;
        exact->values[SERVICE_OFFERS] = join(exact, service->offers_text, service->n_offers_text);
        exact->values[SERVICE_AREA] = join(exact, service->areas, service->n_areas);
        for (size_t i = 0; i < service->n_hours; i++) {
                const Carebus__V1__ReachTime *reach = service->hours[i];
                const char *phone = phone_text((const Carebus__V1__Telecom *const *)reach->telecom, reach->n_telecom);

                if (reach->out_of_hours) {
                        exact->values[SERVICE_NIGHT_PHONE] = phone;
                        continue;
                }
                exact->values[SERVICE_PHONE] = phone;
                exact->values[SERVICE_DAYS] = days_text(exact, reach);
                exact->values[SERVICE_FROM] = reach->from;
                exact->values[SERVICE_TO] = reach->until;
        }
        return service->name != NULL;
}

/* ---- all of them ---- */

#define BODY(name) CAREBUS__V1__EVENT__BODY_##name

static const ExactBody bodies[] = {
        { BODY(DEMOGRAPHICS), "people", people_values, true },
        { BODY(DEATH), "people", death_values, true },
        { BODY(REFERRAL), "referrals", referral_values, true },
        { BODY(CONTACT), "contacts", contact_values, true },
        { BODY(ENCOUNTER), "stays", stay_values, true },
        { BODY(DECISION), "plan", decision_values, true },
        { BODY(ANTICIPATORY_MEDICINES), "plan", box_values, true },
        { BODY(CARE_PLAN), "plan", what_matters_values, true },
        { BODY(CONTACT_POINT), "plan", contact_point_values, true },
        { BODY(MEASURE), "scores", score_values, true },
        { BODY(BEREAVEMENT), "bereaved", bereavement_values, false },
        { BODY(SERVICE), "services", service_values, false },
};

/* Behind the columns of the template, so that who reads these finds them where they were. */
static const char *const system_columns[] = { "local_id_system", "id_system" };

static bool has_person(const Table *table) {
        return strcmp(table->columns[0].name, "local_id") == 0;
}

void exact_head(const Table *table, Buffer *ret) {
        CellRow head = { .out = ret };

        for (size_t i = 0; i < table->n_columns; i++)
                cell_add(&head, table->columns[i].name);
        for (size_t i = 0; i < ELEMENTSOF(system_columns) && has_person(table); i++)
                cell_add(&head, system_columns[i]);
        cell_end(&head);
}

/* What the templates have a row for is a row of theirs; else it may be one of a table that is written alone. */
static const ExactBody *body_find(const Event *event, size_t at) {
        for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
                if (bodies[i].body == event->body_case && at-- == 0)
                        return &bodies[i];
        for (size_t i = 0; exact_further_at(i); i++)
                if (exact_further_at(i)->body == event->body_case && at-- == 0)
                        return exact_further_at(i);
        return NULL;
}

static void row_write(const Exact *exact, const Table *table, Buffer *row) {
        CellRow cells = { .out = row };

        for (size_t i = 0; i < table->n_columns; i++)
                cell_add(&cells, exact->values[i]);
        if (has_person(table)) {
                cell_add(&cells, exact->local_id_system);
                cell_add(&cells, exact->id_system);
        }
        cell_end(&cells);
}

int exact_row(const ExactOptions *options, const Event *event, const Table **ret, Buffer *row) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        const ExactBody *body;
        int r;

        *ret = NULL;
        if (!event->type || !body_find(event, 0))
                return 1;
        r = arena_new(&arena, EXACT_BYTES);
        if (r < 0)
                return r;
        for (size_t i = 0; (body = body_find(event, i)); i++) {
                Exact exact = { .options = options, .event = event, .arena = arena };

                if (body->has_person)
                        person_values(&exact);
                if ((body->has_person && !exact.values[PERSON_LOCAL_ID]) || !body->values(&exact))
                        continue;
                *ret = body->written_alone ?: table_by_name(body->table);
                row_write(&exact, *ret, row);
                return row->error;
        }
        return 1;
}
