/* An event as a row for people, and as one for programs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/csv/cells.h"
#include "adapters/csv/outlet.h"
#include "adapters/csv/words.h"
#include "base/text.h"
#include "canon/identifier.h"
#include "proto/types.h"

typedef Carebus__V1__Event Event;

/* ---- for people ---- */

static const char *nhs_number_of(const Carebus__V1__Subject *patient) {
        for (size_t i = 0; patient && i < patient->n_identifiers; i++)
                if (text_equal(patient->identifiers[i]->system, SYSTEM_NHS_NUMBER))
                        return patient->identifiers[i]->value;
        return NULL;
}

static const Carebus__V1__Demographics *demographics_of(const Event *event) {
        if (event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS)
                return event->demographics;
        return event->patient ? event->patient->demographics : NULL;
}

bool outlet_knows(const Outlet *outlet, const DestinationItem *item) {
        const Carebus__V1__Demographics *person = demographics_of(item->event);
        const char *known[3];

        return !outlet_has_people(outlet) || item->patient_id[0] == '\0' || (person && person->n_names > 0) ||
               last_known_cells(outlet->watch.known, item->patient_id, known);
}

/* Who it is: as the message says, else as the team's own records have them. */
static void add_person(const Outlet *outlet, const Event *event, CellRow *row) {
        const Carebus__V1__Subject *patient = event->patient;
        const Carebus__V1__Demographics *person = demographics_of(event);
        const char *known[3] = { NULL };
        Buffer name = BUFFER_NULL, born = BUFFER_NULL;

        if (patient && patient->patient_id && outlet->watch.known)
                last_known_cells(outlet->watch.known, patient->patient_id, known);
        if (person) {
                words_of_name(words_main_name(person->names, person->n_names), &name);
                words_of_date(person->birth_date, &born);
        }
        buffer_append_byte(&name, '\0');
        buffer_append_byte(&born, '\0');
        cell_add(row, name.size > 1 && !name.error ? (const char *)name.data : known[0]);
        cell_add(row, born.size > 1 && !born.error ? (const char *)born.data : known[1]);
        cell_add(row, nhs_number_of(patient) ?: known[2]);
        buffer_deinit(&name);
        buffer_deinit(&born);
}

static void add_note(const Event *event, CellRow *row) {
        char note[200] = "";

        if (event->n_redacted > 0)
                snprintf(note, sizeof(note), "part of this is not shown to your team");
        if (event->unconfirmed)
                snprintf(note + strlen(note), sizeof(note) - strlen(note), "%swhose it is waits to be checked",
                         note[0] ? "; " : "");
        if (event->belated)
                snprintf(note + strlen(note), sizeof(note) - strlen(note), "%scame late", note[0] ? "; " : "");
        cell_add(row, note);
}

static void add_buffer(CellRow *row, Buffer *text) {
        buffer_append_byte(text, '\0');
        if (text->error)
                row->out->error = text->error;
        else
                cell_add(row, (const char *)text->data);
        buffer_deinit(text);
}

static void people_row(const Outlet *outlet, const DestinationItem *item, Buffer *ret) {
        const Event *event = item->event;
        CellRow row = { .out = ret, .for_people = true };
        Buffer when = BUFFER_NULL, what = BUFFER_NULL, details = BUFFER_NULL;
        char reference[40];

        snprintf(reference, sizeof(reference), "%llu.%u", (unsigned long long)item->seq, item->index);
        if (event->occurred_at)
                words_of_when(event->occurred_at, outlet->zone, &when);
        else if (event->has_received_at)
                words_of_moment(event->received_at, outlet->zone, &when);
        words_of_type(event->type, &what);
        words_of_body(event, outlet->zone, &details);
        add_buffer(&row, &when);
        add_buffer(&row, &what);
        add_person(outlet, event, &row);
        add_buffer(&row, &details);
        cell_add(&row,
                 event->author && event->author->organisation_name ? event->author->organisation_name : event->source);
        add_note(event, &row);
        cell_add(&row, reference);
        cell_end(&row);
}

/* What a list is for: neither what its source says again and again, nor what was so long before. */
static bool is_news(const Event *event) {
        return !event->confirms && !event->loaded;
}

static int take_for_people(Outlet *outlet, const DestinationItem *item) {
        List *const lists[] = { outlet->list, outlet->since_last };
        Buffer row = BUFFER_NULL;
        int r;

        if (!is_news(item->event))
                return 0;
        people_row(outlet, item, &row);
        r = row.error;
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(lists); i++)
                r = list_add(lists[i], item->seq, item->index, buffer_bytes(&row));
        buffer_deinit(&row);
        return r;
}

/* ---- for programs ---- */

static Sheet *sheet_of(Outlet *outlet, const Table *table, const DestinationItem *item) {
        for (size_t i = 0; i < TABLES_MAX; i++) {
                Sheet *sheet = &outlet->sheets[i];

                if (sheet->table == table)
                        return sheet;
                if (sheet->table)
                        continue;
                sheet->table = table;
                snprintf(sheet->name, sizeof(sheet->name), "%s-%llu.%u.csv", table->name, (unsigned long long)item->seq,
                         item->index);
                exact_head(table, &sheet->rows);
                return sheet;
        }
        return NULL; /* there are no more tables than sheets */
}

static int take_row(Outlet *outlet, const DestinationItem *item, const Event *event) {
        const Table *table;
        Buffer row = BUFFER_NULL;
        int r = exact_row(&outlet->exact, event, &table, &row);

        if (r == 0) {
                Sheet *sheet = sheet_of(outlet, table, item);

                if (sheet)
                        buffer_append_bytes(&sheet->rows, buffer_bytes(&row));
                r = sheet ? sheet->rows.error : 0;
        }
        buffer_deinit(&row);
        return MIN(r, 0);
}

/* What a fact of a record would have been as an event: enough for a row. */
static const struct {
        Carebus__V1__Fact__ValueCase value;
        const char *type;
} fact_types[] = {
        { CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS, "patient.updated" },
        { CAREBUS__V1__FACT__VALUE_REFERRAL, "referral.changed" },
        { CAREBUS__V1__FACT__VALUE_CONTACT, "contact.recorded" },
        { CAREBUS__V1__FACT__VALUE_ENCOUNTER, "encounter.admitted" },
        { CAREBUS__V1__FACT__VALUE_DECISION, "decision.recorded" },
        { CAREBUS__V1__FACT__VALUE_ANTICIPATORY_MEDICINES, "anticipatory_meds.supplied" },
        { CAREBUS__V1__FACT__VALUE_CARE_PLAN, "care_plan.item_changed" },
        { CAREBUS__V1__FACT__VALUE_CONTACT_POINT, "contact_point.changed" },
        { CAREBUS__V1__FACT__VALUE_MEASURE, "outcome.measured" },
        { CAREBUS__V1__FACT__VALUE_ALLERGY, "allergy.recorded" },
        { CAREBUS__V1__FACT__VALUE_APPOINTMENT, "appointment.booked" },
        { CAREBUS__V1__FACT__VALUE_DOCUMENT, "document.available" },
};

/* What was said of a decision goes by its kind, of a referral by what became of it. */
static const char *fact_type(const Carebus__V1__Fact *fact, const char *usual) {
        char name[64];

        if (fact->value_case == CAREBUS__V1__FACT__VALUE_REFERRAL && fact->referral->status) {
                snprintf(name, sizeof(name), "referral.%s", fact->referral->status);
                return event_type_find(name) ? event_type_find(name)->name : usual;
        }
        if (fact->value_case != CAREBUS__V1__FACT__VALUE_DECISION)
                return usual;
        for (size_t i = 0; event_type_at(i); i++)
                if (event_type_at(i)->decision_kind == fact->decision->kind &&
                    event_type_at(i)->body == CAREBUS__V1__EVENT__BODY_DECISION &&
                    event_type_at(i)->action == CAREBUS__V1__ACTION__ACTION_NEW)
                        return event_type_at(i)->name;
        return usual;
}

static int take_fact(Outlet *outlet, const DestinationItem *item, Carebus__V1__Subject *patient,
                     const Carebus__V1__Fact *fact) {
        Event event = CAREBUS__V1__EVENT__INIT;

        for (size_t i = 0; i < ELEMENTSOF(fact_types); i++) {
                if (fact_types[i].value != fact->value_case)
                        continue;
                event.type = (char *)(uintptr_t)fact_type(fact, fact_types[i].type);
                event.event_id = fact->event_id;
                event.recorded_at = fact->recorded_at;
                event.patient = patient;
                event.source = fact->source;
                event.occurred_at = fact->occurred_at;
                event.has_action = fact->has_action;
                event.action = fact->action;
                event.body_case = (Carebus__V1__Event__BodyCase)fact->value_case;
                event.demographics = fact->demographics; /* whichever it is: the union's members are all pointers */
                return take_row(outlet, item, &event);
        }
        return 0;
}

/* Somebody is the team's from now on: all that there was comes with it. */
static int take_record(Outlet *outlet, const DestinationItem *item) {
        const Carebus__V1__Record *record = item->so_far;
        Carebus__V1__Subject patient = CAREBUS__V1__SUBJECT__INIT;
        int r = 0;

        patient.patient_id = record->patient_id;
        patient.identifiers = record->identifiers;
        patient.n_identifiers = record->n_identifiers;
        for (size_t i = 0; r == 0 && i < record->n_sections; i++)
                for (size_t k = 0; r == 0 && k < record->sections[i]->n_facts; k++)
                        if (!destination_is_own(outlet->config, outlet->is, record->sections[i]->facts[k]->source))
                                r = take_fact(outlet, item, &patient, record->sections[i]->facts[k]);
        return r;
}

int outlet_take(Outlet *outlet, const DestinationItem *item) {
        int r = outlet_has_people(outlet) ? take_for_people(outlet, item) : 0;

        if (r == 0 && outlet_has_exact(outlet) && item->so_far)
                r = take_record(outlet, item);
        if (r == 0 && outlet_has_exact(outlet) && !destination_said_it(outlet->config, outlet->is, item->event))
                r = take_row(outlet, item, item->event);
        return r;
}
