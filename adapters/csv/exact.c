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

const char *exact_keep(Exact *exact, Buffer *text) {
        const char *copy = text->error || text->size == 0 ? NULL : arena_text(exact->arena, text->data, text->size);

        buffer_deinit(text);
        return copy;
}

/* A moment of the day stands with its zone, so that it is the same wherever it is read; a day is a day everywhere. */
static void append_moment(const Exact *exact, const Carebus__V1__When *when, Buffer *text) {
        int32_t offset = zone_offset(exact->options->zone, when->utc_at);
        CivilTime local = civil_from_utc(when->utc_at + offset * USEC_PER_SEC);
        unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;

        buffer_append_format(text, "%04d-%02d-%02dT%02d:%02d", local.year, local.month, local.day, local.hour,
                             local.minute);
        if (when->precision >= CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND)
                buffer_append_format(text, ":%02d", local.second);
        if (when->precision == CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION)
                buffer_append_format(text, ".%06d", local.microsecond);
        buffer_append_format(text, "%c%02u:%02u", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

const char *exact_when(Exact *exact, const Carebus__V1__When *when) {
        Buffer text = BUFFER_NULL;

        if (when && when->has_utc_at && when->precision >= CAREBUS__V1__WHEN__PRECISION__PRECISION_HOUR)
                append_moment(exact, when, &text);
        else
                words_of_when(when, exact->options->zone, &text);
        return exact_keep(exact, &text);
}

const char *exact_name(Exact *exact, const Carebus__V1__HumanName *name) {
        Buffer text = BUFFER_NULL;

        if (name && name->text)
                return name->text;
        words_of_name(name, &text);
        return exact_keep(exact, &text);
}

/* The source's own words come back as they were; else the shared ones. */
const char *exact_words(const Carebus__V1__Coded *coded) {
        if (coded && coded->text)
                return coded->text;
        if (coded && coded->original && coded->original->display)
                return coded->original->display;
        return words_of_coded(coded);
}

static const char *name_of(const Exact *exact, int column) {
        return exact->table->columns[column].name;
}

void exact_part(Exact *exact, const char *name, const char *value) {
        part_add(&exact->parts, name, &value, 1);
}

void exact_coded(Exact *exact, int column, const Carebus__V1__Coded *coded) {
        exact->values[column] = exact_words(coded);
        part_add_coded(&exact->parts, name_of(exact, column), coded);
}

const char *exact_truth(bool is_said, bool truth) {
        return !is_said ? NULL : truth ? "yes" : "no";
}

const char *exact_enum(const ProtobufCEnumDescriptor *type, int value) {
        const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);

        return found ? found->name : NULL;
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

const char *exact_phone(Carebus__V1__Telecom *const *telecom, size_t n) {
        return n > 0 ? telecom[0]->value : NULL;
}

static void append_element(Buffer *text, const char *element) {
        if (!element)
                return;
        buffer_append_text(text, text->size > 0 ? "; " : "");
        buffer_append_text(text, element);
}

void exact_coded_list(Exact *exact, int column, Carebus__V1__Coded *const *list, size_t n) {
        Buffer text = BUFFER_NULL;

        for (size_t i = 0; i < n; i++) {
                append_element(&text, exact_words(list[i]));
                part_add_coded(&exact->parts, name_of(exact, column), list[i]);
        }
        exact->values[column] = exact_keep(exact, &text);
}

void exact_text_list(Exact *exact, int column, char *const *list, size_t n) {
        Buffer text = BUFFER_NULL;

        for (size_t i = 0; i < n; i++) {
                append_element(&text, list[i]);
                exact_part(exact, name_of(exact, column), list[i]);
        }
        exact->values[column] = exact_keep(exact, &text);
}

/* ---- the person ---- */

static bool has_cell(const Exact *exact, const Carebus__V1__Identifier *is) {
        const char *const systems[] = { exact->local_id_system, SYSTEM_NHS_NUMBER, SYSTEM_CHI_NUMBER };

        for (size_t i = 0; i < ELEMENTSOF(systems); i++)
                if (exact->values[PERSON_LOCAL_ID + i] && text_equal(is->system, systems[i]) &&
                    text_equal(is->value, exact->values[PERSON_LOCAL_ID + i]))
                        return true;
        return false;
}

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
        for (size_t i = 0; i < patient->n_identifiers; i++)
                if (!has_cell(exact, patient->identifiers[i]))
                        part_add_identifier(&exact->parts, "local_id", patient->identifiers[i]);
}

/* ---- what was asked for and done ---- */

/* What was decided, when, and why not: in cells where there is a decision, else where a program alone looks. */
static void referral_decision(Exact *exact, const Carebus__V1__Referral *referral) {
        static const char *const declined[] = {
                [CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_SERVICE] = "service",
                [CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_PATIENT] = "patient",
                [CAREBUS__V1__REFERRAL__DECLINED_BY__DECLINED_BY_FAMILY] = "family",
        };
        static const char *const decisions[] = { "accepted", "declined", "redirected", "cancelled" };
        const char *decided_at = exact_when(exact, referral->decided_at);

        exact_coded(exact, REFERRAL_DECISION, referral->decision);
        exact_coded(exact, REFERRAL_DECLINE_REASON, referral->decline_reason);
        exact->values[REFERRAL_DECISION] = NULL;
        for (size_t i = 0; i < ELEMENTSOF(decisions); i++)
                if (text_equal(referral->status, decisions[i]))
                        exact->values[REFERRAL_DECISION] = decisions[i];
        if (!exact->values[REFERRAL_DECISION]) {
                exact->values[REFERRAL_DECLINE_REASON] = NULL;
                exact_part(exact, "decision_date", decided_at);
                return;
        }
        exact->values[REFERRAL_DECIDED] = decided_at;
        if (referral->has_declined_by && (size_t)referral->declined_by < ELEMENTSOF(declined))
                exact->values[REFERRAL_DECLINED_BY] = declined[referral->declined_by];
}

static bool referral_values(Exact *exact) {
        const Carebus__V1__Referral *referral = exact->event->referral;

        if (!referral->identifier)
                return false;
        exact->values[REFERRAL_ID] = exact_own_id(exact, referral->identifier);
        exact->values[REFERRAL_RECEIVED] = exact_when(exact, referral->received_at);
        exact->values[REFERRAL_REQUESTED] = exact_when(exact, referral->requested_at);
        exact->values[REFERRAL_FROM] = referral->from ? referral->from->name : NULL;
        exact_coded_list(exact, REFERRAL_REASON, referral->reasons, referral->n_reasons);
        exact->values[REFERRAL_REASON] = referral->n_reasons > 0 ? exact_words(referral->reasons[0]) : NULL;
        exact_coded(exact, REFERRAL_PRIORITY, referral->priority);
        exact_coded(exact, REFERRAL_DIAGNOSIS, referral->primary_condition);
        referral_decision(exact, referral);
        exact->values[REFERRAL_FIRST_CONTACT] = exact_when(exact, referral->first_contact_at);
        exact->values[REFERRAL_CLOSED] = exact_when(exact, referral->closed_at);
        exact_coded(exact, REFERRAL_CLOSE_REASON, referral->close_reason);
        if (!referral->closed_at)
                exact->values[REFERRAL_CLOSE_REASON] = NULL;
        exact->values[REFERRAL_STATUS] = referral->status;
        return true;
}

/* A visit is one by its mode, and planned or missed by its outcome. */
static bool contact_values(Exact *exact) {
        const Carebus__V1__Contact *contact = exact->event->contact;
        bool is_visit = text_starts_with(exact->event->type, "visit.");

        if (!contact->identifier || (!contact->start_at && !exact->event->event_id))
                return false;
        exact->values[CONTACT_ID] = exact_own_id(exact, contact->identifier);
        exact->values[CONTACT_START] = exact_when(exact, contact->start_at);
        exact->values[CONTACT_MINUTES] = exact_number(exact, contact->has_minutes, contact->minutes);
        exact_coded(exact, CONTACT_MODE, contact->mode);
        if (!exact->values[CONTACT_MODE] && is_visit)
                exact->values[CONTACT_MODE] = "visit";
        exact_coded(exact, CONTACT_PLACE, contact->place_kind);
        exact_coded(exact, CONTACT_STAFF_ROLE, contact->staff_role);
        exact->values[CONTACT_PROVIDER] = contact->by ? contact->by->name : NULL;
        exact_coded_list(exact, CONTACT_WITH_WHOM, contact->with_whom, contact->n_with_whom);
        exact_part(exact, "status", contact->status);
        exact_coded(exact, CONTACT_PURPOSE, contact->purpose);
        exact_coded(exact, CONTACT_OUTCOME, contact->outcome);
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

        /* A row of stays.csv has to say when it began, but where it never did, or the row says which event it is. */
        if (!is_stay || !stay->identifier || (!stay->admitted_at && !is_cancelled && !exact->event->event_id))
                return false;
        exact->values[STAY_ID] = exact_own_id(exact, stay->identifier);
        if (is_cancelled || exact->event->action == CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR)
                exact->values[STAY_STATUS] = "cancelled";
        exact->values[STAY_ADMITTED] = exact_when(exact, stay->admitted_at);
        exact_coded(exact, STAY_FROM, stay->admission_source);
        exact_coded(exact, STAY_REASON, stay->reason);
        exact_coded(exact, STAY_CLASS, stay->class_);
        exact_part(exact, "status", stay->status);
        exact->values[STAY_DISCHARGED] = exact_when(exact, stay->discharged_at);
        exact_coded(exact, STAY_TO, stay->discharge_destination);
        if (stay->discharged_at)
                exact->values[STAY_DIED] = exact_truth(stay->has_died, stay->died);
        return true;
}

static const char *quantity(Exact *exact, const Carebus__V1__Quantity *is) {
        const char *const values[] = { is->unit, is->original_unit, is->comparator };

        part_add(&exact->parts, "unit", values, ELEMENTSOF(values));
        return is->value;
}

static bool score_values(Exact *exact) {
        const Carebus__V1__Measure *measure = exact->event->measure;
        const Carebus__V1__MeasureItem *item = measure->n_items == 1 ? measure->items[0] : NULL;
        const Carebus__V1__Coded *said = measure->scale;
        const Scale *scale = said && said->system && said->code ? scale_find(said->system, said->code) : NULL;

        exact_coded(exact, SCORE_SCALE, measure->scale);
        if (scale)
                exact->values[SCORE_SCALE] = scale->name;
        exact->values[SCORE_ID] = exact_own_id(exact, measure->identifier);
        exact_part(exact, "status", measure->status);
        exact_part(exact, "recall_period", measure->recall_period);
        if (measure->has_respondent)
                exact_part(exact, "answered_by",
                           exact_enum(&carebus__v1__measure__respondent__descriptor, (int)measure->respondent));
        exact->values[SCORE_DATE] = exact_when(exact, measure->measured_at);
        exact_coded(exact, SCORE_RESPONDENT, measure->respondent_coded);
        if (measure->total)
                exact->values[SCORE_SCORE] = quantity(exact, measure->total);
        else if (measure->result)
                exact_coded(exact, SCORE_SCORE, measure->result);
        else if (item) {
                exact_coded(exact, SCORE_ITEM, item->item);
                if (item->item_key)
                        exact->values[SCORE_ITEM] = item->item_key;
                if (item->score)
                        exact->values[SCORE_SCORE] = quantity(exact, item->score);
                else
                        exact_coded(exact, SCORE_SCORE, item->answer);
        }
        return exact->values[SCORE_SCALE] && exact->values[SCORE_SCORE] && exact->values[SCORE_DATE];
}

/* ---- who is left behind, who helps ---- */

static bool bereavement_values(Exact *exact) {
        const Carebus__V1__Bereavement *bereaved = exact->event->bereavement;
        const Carebus__V1__Subject *patient = exact->event->patient;

        if (!patient || patient->n_identifiers == 0 || bereaved->n_deceased_identifiers == 0)
                return false;
        exact->values[BEREAVED_ID] = exact_id(patient->identifiers[0]);
        exact->local_id_system = patient->identifiers[0]->system;
        exact->values[BEREAVED_DECEASED] = exact_id(bereaved->deceased_identifiers[0]);
        exact->values[BEREAVED_DECEASED_SYSTEM] = bereaved->deceased_identifiers[0]->system;
        exact->values[BEREAVED_OWN_ID] = exact_own_id(exact, bereaved->identifier);
        exact_part(exact, "status", bereaved->status);
        exact_part(exact, "accepted", exact_when(exact, bereaved->answered_at));
        exact_coded(exact, BEREAVED_RELATION, bereaved->relationship);
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
        const char *values[ELEMENTSOF(days)] = { reach->text }; /* the words, then each day in its place */
        Buffer text = BUFFER_NULL;

        for (size_t i = 0; i < reach->n_days; i++)
                if (reach->days[i] >= 1 && reach->days[i] <= 7)
                        values[reach->days[i]] = days[reach->days[i]];
        part_add(&exact->parts, "days", values, ELEMENTSOF(values));
        if (reach->text)
                return reach->text;
        for (size_t i = 0; i < reach->n_days; i++)
                if (reach->days[i] >= 1 && reach->days[i] <= 7)
                        buffer_append_format(&text, "%s%s", text.size ? ", " : "", days[reach->days[i]]);
        return exact_keep(exact, &text);
}

static bool service_values(Exact *exact) {
        const Carebus__V1__Service *service = exact->event->service;

        exact->values[SERVICE_NAME] = service->name;
        exact->values[SERVICE_ID] = exact_own_id(exact, service->identifier);
        exact->values[SERVICE_STATUS] = service->status;
        exact_text_list(exact, SERVICE_OFFERS, service->offers_text, service->n_offers_text);
        exact_text_list(exact, SERVICE_AREA, service->areas, service->n_areas);
        for (size_t i = 0; i < service->n_hours; i++) {
                const Carebus__V1__ReachTime *reach = service->hours[i];
                const char *phone = exact_phone(reach->telecom, reach->n_telecom);

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
        { BODY(REFERRAL), "referrals", referral_values, true },
        { BODY(CONTACT), "contacts", contact_values, true },
        { BODY(ENCOUNTER), "stays", stay_values, true },
        { BODY(MEASURE), "scores", score_values, true },
        { BODY(BEREAVEMENT), "bereaved", bereavement_values, false },
        { BODY(SERVICE), "services", service_values, false },
};

static const ExactBody *bodies_at(size_t index) {
        return index < ELEMENTSOF(bodies) ? &bodies[index] : NULL;
}

void exact_head(const Table *table, Buffer *ret) {
        CellRow head = { .out = ret };

        for (size_t i = 0; i < table->n_columns; i++)
                cell_add(&head, table->columns[i].name);
        for (size_t i = 0; i < _EXACT_MAX; i++)
                cell_add(&head, exact_columns[i]);
        cell_end(&head);
}

/* The at-th that may have a row for it: what the templates have one for is a row of theirs. */
static const ExactBody *body_find(const Event *event, size_t at) {
        static const ExactBody *(*const lists[])(size_t index) = { exact_people_at, bodies_at, exact_plan_at,
                                                                   exact_further_at };

        for (size_t list = 0; list < ELEMENTSOF(lists); list++)
                for (size_t i = 0; lists[list](i); i++)
                        if (lists[list](i)->body == event->body_case && at-- == 0)
                                return lists[list](i);
        return NULL;
}

/* Which event it is. What is a fact of a record and not an event has no number, and no type of its own. */
static void event_cells(Exact *exact, const char *cells[_EXACT_MAX]) {
        static const char *const actions[] = {
                [CAREBUS__V1__ACTION__ACTION_NEW] = "new",
                [CAREBUS__V1__ACTION__ACTION_UPDATE] = "update",
                [CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR] = "entered-in-error",
        };
        const Event *event = exact->event;

        cells[EXACT_LOCAL_ID_SYSTEM] = exact->local_id_system;
        cells[EXACT_ID_SYSTEM] = exact->id_system;
        cells[EXACT_OCCURRED] = exact_when(exact, event->occurred_at);
        cells[EXACT_RECORDED] = exact_when(exact, event->recorded_at);
        if (!event->event_id)
                return;
        if (exact->options->bus_system)
                cells[EXACT_EVENT] = arena_format(exact->arena, "%s#%s", exact->options->bus_system, event->event_id);
        cells[EXACT_TYPE] = event->type;
        if (event->has_action && (size_t)event->action < ELEMENTSOF(actions))
                cells[EXACT_ACTION] = actions[event->action];
}

static int row_write(Exact *exact, Buffer *row) {
        const char *cells[_EXACT_MAX] = { NULL };
        CellRow out = { .out = row };

        event_cells(exact, cells);
        buffer_append_byte(&exact->parts, 0);
        if (exact->parts.error)
                return exact->parts.error;
        cells[EXACT_PARTS] = (const char *)exact->parts.data;
        for (size_t i = 0; i < exact->table->n_columns; i++)
                cell_add(&out, exact->values[i]);
        for (size_t i = 0; i < _EXACT_MAX; i++)
                cell_add(&out, cells[i]);
        cell_end(&out);
        return row->error;
}

/* 0, 1: this table has no row for it, or -ENOMEM. */
static int row_try(const ExactOptions *options, const Event *event, const ExactBody *body, Arena *arena, Buffer *row) {
        Exact exact = { .options = options, .event = event, .table = table_by_name(body->table), .arena = arena };
        int r = 1;

        if (body->has_person)
                person_values(&exact);
        if ((!body->has_person || exact.values[PERSON_LOCAL_ID]) && body->values(&exact))
                r = row_write(&exact, row);
        buffer_deinit(&exact.parts);
        return r;
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
                r = row_try(options, event, body, arena, row);
                if (r == 0)
                        *ret = table_by_name(body->table);
                if (r <= 0)
                        return r;
        }
        return 1;
}
