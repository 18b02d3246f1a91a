/* people.csv, bereaved.csv, services.csv: who there is, who is left behind, who helps. */
#include <ctype.h>
#include <string.h>

#include "adapters/csv/translate-rules.h"

#define SYSTEM_ODS "https://fhir.nhs.uk/Id/ods-organization-code"
#define NO_LIST_MARKS ""

/* ---- people ---- */

static void names_read(RowWork *work, Carebus__V1__Demographics *person) {
        char *family = row_text(work, PEOPLE_FAMILY_NAME), *given = row_text(work, PEOPLE_GIVEN_NAME);
        char *known_as = row_text(work, PEOPLE_KNOWN_AS);
        Carebus__V1__HumanName *name;

        if (family || given) {
                name = ROW_MESSAGE(work, human_name);
                if (!name)
                        return;
                name->use = (char *)"official";
                name->family = family;
                draft_append(&work->draft, &name->n_given, &name->given, given);
                draft_append(&work->draft, &person->n_names, &person->names, name);
        }
        if (known_as) {
                name = ROW_MESSAGE(work, human_name);
                if (!name)
                        return;
                name->use = (char *)"nickname";
                draft_append(&work->draft, &name->n_given, &name->given, known_as);
                draft_append(&work->draft, &person->n_names, &person->names, name);
        }
}

void row_carer(RowWork *work, Carebus__V1__Demographics *person) {
        char *carer = row_text(work, PEOPLE_MAIN_CARER);
        Carebus__V1__Telecom *phone = row_phone(work, PEOPLE_CARER_PHONE);
        Carebus__V1__RelatedPerson *related = carer || phone ? ROW_MESSAGE(work, related_person) : NULL;

        if (!related)
                return;
        related->has_main_carer = related->main_carer = true;
        if (carer) {
                related->name = ROW_MESSAGE(work, human_name);
                if (related->name)
                        related->name->text = carer;
        }
        draft_append(&work->draft, &related->n_telecom, &related->telecom, phone);
        draft_append(&work->draft, &person->n_related_persons, &person->related_persons, related);
}

static void address_read(RowWork *work, Carebus__V1__Demographics *person) {
        char *postcode = row_text(work, PEOPLE_POSTCODE);
        Carebus__V1__Address *address = postcode ? ROW_MESSAGE(work, address) : NULL;

        if (!address)
                return;
        address->use = (char *)"home";
        address->postal_code = postcode;
        draft_append(&work->draft, &person->n_addresses, &person->addresses, address);
}

static void practice_read(RowWork *work, Carebus__V1__Demographics *person) {
        char *code = row_number_text(work, PEOPLE_GP_PRACTICE);

        if (!code)
                return;
        person->practice = ROW_MESSAGE(work, organisation);
        if (person->practice)
                person->practice->identifier = draft_identifier(&work->draft, (char *)SYSTEM_ODS, NULL, NULL, code);
}

static void restriction_read(RowWork *work, Carebus__V1__Event *event, Carebus__V1__Demographics *person) {
        bool is_restricted;

        if (!row_truth(work, PEOPLE_RESTRICTED, &is_restricted))
                return;
        person->has_restricted = true;
        person->restricted = is_restricted;
        event->sensitivity = ROW_MESSAGE(work, sensitivity);
        if (!event->sensitivity)
                return;
        event->sensitivity->has_restricted_location = true;
        event->sensitivity->restricted_location = is_restricted;
        event->sensitivity->original = draft_format(&work->draft, "restricted=%s", row_text(work, PEOPLE_RESTRICTED));
}

static char *day_text(RowWork *work, const Carebus__V1__Date *date) {
        return draft_format(&work->draft, "%04u-%02u-%02u", date->year, date->month, date->day);
}

/* An empty cell says nothing: what was told by mistake is taken back in so many words. */
static void death_read(RowWork *work, Carebus__V1__Demographics *person) {
        static const char *const mistakes[] = { "entered in error", "entered-in-error", "not deceased" };
        const char *said = row_text(work, PEOPLE_DECEASED_DATE), *born;
        char day[ROW_DAY_SIZE] = "";

        if (said && WORD_FIND(mistakes, said) >= 0) {
                person->has_deceased = true;
                row_death_retracted(work, "deceased_date");
                return;
        }
        person->deceased_at = row_past(work, PEOPLE_DECEASED_DATE, day);
        if (!person->deceased_at)
                return;
        born = !work->is_exact && person->birth_date && person->birth_date->has_day ? day_text(work, person->birth_date)
                                                                                    : NULL;
        if (born && strncmp(day, born, MIN(strcspn(day, "T"), strlen(born))) < 0)
                row_refuse(work, PEOPLE_DECEASED_DATE, "this is before the date of birth; check both");
        person->has_deceased = person->deceased = true;
        row_death(work, person->deceased_at, "deceased_date", NULL);
}

static void people_said(RowWork *work) {
        Carebus__V1__Event *event = row_event(work, "patient.updated", ROW_UPDATE);
        Carebus__V1__Demographics *person = event ? ROW_MESSAGE(work, demographics) : NULL;
        bool truth;

        if (!person)
                return;
        ROW_BODY(event, DEMOGRAPHICS, demographics, person);
        person->identifiers = work->identifiers;
        person->n_identifiers = work->n_identifiers;
        names_read(work, person);
        person->birth_date = row_date(work, PEOPLE_BIRTH_DATE);
        person->sex = row_coded(work, PEOPLE_SEX);
        address_read(work, person);
        practice_read(work, person);
        person->ethnic_category = row_coded(work, PEOPLE_ETHNICITY);
        person->language = row_coded(work, PEOPLE_LANGUAGE);
        if (row_truth(work, PEOPLE_INTERPRETER, &truth)) {
                person->has_interpreter_required = true;
                person->interpreter_required = truth;
        }
        if (row_truth(work, PEOPLE_LIVES_ALONE, &truth)) {
                person->has_lives_alone = true;
                person->lives_alone = truth;
        }
        row_carer(work, person);
        restriction_read(work, event, person);
        death_read(work, person);
        work->family_name = row_text(work, PEOPLE_FAMILY_NAME);
        work->birth_date = person->birth_date ? day_text(work, person->birth_date) : NULL;
}

void people_translate(RowWork *work) {
        if (work->has_parts && work->exact[EXACT_TYPE])
                people_exact(work);
        else
                people_said(work);
}

/* ---- bereaved ---- */

static const char declined_or_date[] = "write the date on which it was accepted, or no where it was declined";

static Carebus__V1__Event *bereavement_event(RowWork *work, const char *type, const char *status, Carebus__V1__When *at,
                                             Carebus__V1__Bereavement **ret) {
        Carebus__V1__Event *event = row_event(work, type, strcmp(status, "identified") == 0 ? ROW_NEW : ROW_UPDATE);
        Carebus__V1__Bereavement *body = event ? ROW_MESSAGE(work, bereavement) : NULL;

        if (!body)
                return NULL;
        body->status = (char *)status;
        body->identifier = row_own_identifier(work, BEREAVED_OWN_ID);
        if (!body->identifier && !work->exact[EXACT_TYPE])
                body->identifier = draft_identifier(&work->draft, NULL, NULL, NULL,
                                                    draft_format(&work->draft, "bereaved/%s/%s",
                                                                 row_text(work, BEREAVED_ID) ?: "",
                                                                 row_text(work, BEREAVED_DECEASED) ?: ""));
        draft_append(&work->draft, &body->n_deceased_identifiers, &body->deceased_identifiers,
                     draft_identifier(&work->draft, row_text(work, BEREAVED_DECEASED_SYSTEM), NULL, NULL,
                                      row_number_text(work, BEREAVED_DECEASED)));
        body->relationship = row_coded(work, BEREAVED_RELATION);
        event->occurred_at = at;
        ROW_BODY(event, BEREAVEMENT, bereavement, body);
        *ret = body;
        return event;
}

static void acceptance_translate(RowWork *work) {
        const char *said = row_text(work, BEREAVED_ACCEPTED);
        Carebus__V1__Bereavement *body;
        Carebus__V1__When *at;

        if (!said)
                return;
        if (strcasecmp(said, "no") == 0 || strcasecmp(said, "n") == 0 || strcasecmp(said, "declined") == 0) {
                (void)bereavement_event(work, "bereavement.declined", "declined", NULL, &body);
                return;
        }
        if (strcasecmp(said, "yes") == 0 || strcasecmp(said, "y") == 0 || strcasecmp(said, "accepted") == 0) {
                (void)bereavement_event(work, "bereavement.accepted", "accepted", NULL, &body);
                return;
        }
        if (!isdigit((unsigned char)said[0]) && strpbrk(said, "0123456789") == NULL) {
                row_refuse(work, BEREAVED_ACCEPTED, declined_or_date);
                return;
        }
        at = row_when(work, BEREAVED_ACCEPTED, NULL);
        if (at && bereavement_event(work, "bereavement.accepted", "accepted", at, &body))
                body->answered_at = at;
}

/* The bereaved have numbers of their own: what is 17 there is another person than 17 among the people. */
static void bereaved_person(RowWork *work) {
        char *number = row_number_text(work, BEREAVED_ID), *system = work->exact[EXACT_LOCAL_ID_SYSTEM];

        if (!system)
                system = draft_format(&work->draft, "carebus:%s/bereaved", work->source);
        draft_append(&work->draft, &work->n_identifiers, &work->identifiers,
                     draft_identifier(&work->draft, system, NULL, NULL, number));
}

/* Each row is one event, which says all that stands there. */
static void bereaved_exact(RowWork *work) {
        static const struct {
                int column;
                size_t offset;
        } times[] = {
                { BEREAVED_OFFERED, offsetof(Carebus__V1__Bereavement, offered_at) },
                { BEREAVED_ACCEPTED, offsetof(Carebus__V1__Bereavement, answered_at) },
                { BEREAVED_FIRST_CONTACT, offsetof(Carebus__V1__Bereavement, first_contact_at) },
                { BEREAVED_CLOSED, offsetof(Carebus__V1__Bereavement, closed_at) },
        };
        Carebus__V1__Bereavement *body;

        if (!bereavement_event(work, "bereavement.need_identified", "identified", NULL, &body))
                return;
        body->status = exact_part_text(work, "status", 0, 0);
        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                /* yes and no are the status */
                bool is_time = times[i].column != BEREAVED_ACCEPTED || exact_part_text(work, "accepted", 0, 0);
                Carebus__V1__When *at = is_time ? row_when(work, times[i].column, NULL) : NULL;

                memcpy((char *)body + times[i].offset, &at, sizeof(at));
        }
}

void bereaved_translate(RowWork *work) {
        static const struct {
                int column;
                const char *type, *status;
                size_t offset;
        } steps[] = {
                { BEREAVED_OFFERED, "bereavement.offered", "offered", offsetof(Carebus__V1__Bereavement, offered_at) },
                { BEREAVED_ACCEPTED, NULL, NULL, 0 },
                { BEREAVED_FIRST_CONTACT, "bereavement.contacted", "contacted",
                  offsetof(Carebus__V1__Bereavement, first_contact_at) },
                { BEREAVED_CLOSED, "bereavement.closed", "closed", offsetof(Carebus__V1__Bereavement, closed_at) },
        };
        Carebus__V1__Bereavement *body;

        bereaved_person(work);
        if (work->has_parts && work->exact[EXACT_TYPE]) {
                bereaved_exact(work);
                return;
        }
        (void)bereavement_event(work, "bereavement.need_identified", "identified", NULL, &body);
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                Carebus__V1__When *at = steps[i].type ? row_when(work, steps[i].column, NULL) : NULL;

                if (!steps[i].type)
                        acceptance_translate(work);
                else if (at && bereavement_event(work, steps[i].type, steps[i].status, at, &body))
                        memcpy((char *)body + steps[i].offset, &at, sizeof(at));
        }
}

/* ---- services ---- */

static const char *const day_names[] = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" };

static int day_of(const char *text, size_t size) {
        for (size_t i = 0; i < ELEMENTSOF(day_names); i++)
                if (size >= 2 && size <= strlen(day_names[i]) && strncasecmp(day_names[i], text, size) == 0)
                        return (int)i + 1;
        return 0;
}

static size_t word_size(const char *text) {
        return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

/* "Mo-Fr", "Monday to Friday", "Mon": adds the days, from 1 for Monday. False: not understood. */
static bool days_add(const char *text, bool days[8]) {
        size_t n = word_size(text);
        int from = day_of(text, n), until;

        text += n + strspn(text + n, " ");
        if (!*text) {
                days[from] = true;
                return from > 0;
        }
        if (*text == '-')
                text++;
        else if (strncasecmp(text, "to ", 3) == 0)
                text += 3;
        else
                return false;
        text += strspn(text, " ");
        n = word_size(text);
        until = day_of(text, n);
        if (from == 0 || until == 0 || text[n])
                return false;
        for (int day = from;; day = day % 7 + 1) {
                days[day] = true;
                if (day == until)
                        return true;
        }
}

static bool days_read(RowWork *work, char *said, bool days[8]) {
        static const char *const every[] = { "every day", "daily", "all", "all days", "7 days", "24/7" };
        static const char *const weekdays[] = { "weekdays", "working days" };
        char *at = said, *part;

        if (WORD_FIND(every, said) >= 0)
                return true; /* no days: every day */
        if (WORD_FIND(weekdays, said) >= 0)
                return days_add("mo-fr", days);
        while ((part = row_list_next(work, &at, ",")))
                if (!days_add(part, days))
                        return false;
        return true;
}

static void hours_exact(RowWork *work, Carebus__V1__Service *service, Carebus__V1__ReachTime *reach) {
        const Part *days = parts_find(&work->parts, "days", 0);

        draft_append(&work->draft, &reach->n_telecom, &reach->telecom, row_phone(work, SERVICE_PHONE));
        reach->days = draft_alloc(&work->draft, PART_VALUES_MAX * sizeof(*reach->days));
        for (size_t i = 1; days && reach->days && i < PART_VALUES_MAX; i++)
                if (days->values[i])
                        reach->days[reach->n_days++] = (uint32_t)i;
        reach->text = days ? days->values[0] : NULL;
        reach->from = row_time(work, SERVICE_FROM);
        reach->until = row_time(work, SERVICE_TO);
        if (reach->n_telecom || reach->n_days || reach->text || reach->from || reach->until)
                draft_append(&work->draft, &service->n_hours, &service->hours, reach);
}

static void hours_read(RowWork *work, Carebus__V1__Service *service) {
        char *days_text = row_text(work, SERVICE_DAYS);
        Carebus__V1__ReachTime *reach = ROW_MESSAGE(work, reach_time);
        bool days[8] = { false };

        if (!reach)
                return;
        draft_append(&work->draft, &reach->n_telecom, &reach->telecom, row_phone(work, SERVICE_PHONE));
        if (work->has_parts)
                return hours_exact(work, service, reach);
        if (days_text && !days_read(work, days_text, days)) {
                row_note(work, SERVICE_DAYS,
                         "these days could not be read and are kept as they stand; write them like Mo-Fr or Mon, Wed");
                memset(days, 0, sizeof(days));
        }
        reach->days = draft_alloc(&work->draft, 8 * sizeof(*reach->days));
        for (uint32_t day = 1; reach->days && day <= 7; day++)
                if (days[day])
                        reach->days[reach->n_days++] = day;
        reach->from = row_time(work, SERVICE_FROM);
        reach->until = row_time(work, SERVICE_TO);
        reach->text = days_text;
        if (reach->n_telecom || days_text || reach->from || reach->until)
                draft_append(&work->draft, &service->n_hours, &service->hours, reach);
}

static void night_read(RowWork *work, Carebus__V1__Service *service) {
        Carebus__V1__Telecom *phone = row_phone(work, SERVICE_NIGHT_PHONE);
        Carebus__V1__ReachTime *reach = phone ? ROW_MESSAGE(work, reach_time) : NULL;

        if (!reach)
                return;
        reach->has_out_of_hours = reach->out_of_hours = true;
        draft_append(&work->draft, &reach->n_telecom, &reach->telecom, phone);
        draft_append(&work->draft, &service->n_hours, &service->hours, reach);
}

void services_translate(RowWork *work) {
        Carebus__V1__Event *event = row_event(work, "service.published", ROW_NEW);
        Carebus__V1__Service *service = event ? ROW_MESSAGE(work, service) : NULL;

        if (!service)
                return;
        ROW_BODY(event, SERVICE, service, service);
        service->identifier = work->is_exact ? row_own_identifier(work, SERVICE_ID)
                                             : row_identifier(work, SERVICE_NAME);
        service->name = row_text(work, SERVICE_NAME);
        service->status = work->is_exact ? row_text(work, SERVICE_STATUS) : (char *)"active";
        row_text_list(work, SERVICE_OFFERS, NO_LIST_MARKS, &service->n_offers_text, &service->offers_text);
        row_text_list(work, SERVICE_AREA, ",", &service->n_areas, &service->areas);
        hours_read(work, service);
        night_read(work, service);
}
