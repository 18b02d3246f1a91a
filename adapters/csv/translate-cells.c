/* What stands in the cells of a row, each kind with its traps. */
#include <errno.h>
#include <string.h>

#include "adapters/common/setter.h"
#include "adapters/csv/excel.h"
#include "adapters/csv/translate-rules.h"
#include "base/clock.h"
#include "base/text.h"
#include "canon/identifier.h"
#include "canon/when.h"

#define PHONE_SIZE 64

static const char no_such_day[] = "there is no such day or time; check it";
static const char not_come_yet[] = "this day has not come yet; check the year, and leave the cell empty until it has";
static const char whole_number[] = "write a whole number, like 45, or leave the cell empty";

static void say(RowWork *work, int column, const char *sentence, bool is_refusal) {
        const char *name = column >= 0 ? work->binding->column_names[column] : NULL;

        if (column >= 0 && !name)
                name = work->binding->table->columns[column].name;
        for (size_t i = 0; i < work->n_notes; i++)
                if (work->notes[i].sentence == sentence && work->notes[i].column == name)
                        return;
        if (work->n_notes < NOTES_MAX)
                work->notes[work->n_notes++] =
                        (RowNote){ .column = name, .sentence = sentence, .is_refusal = is_refusal };
}

void row_note(RowWork *work, int column, const char *sentence) {
        say(work, column, sentence, /* is_refusal= */ false);
}

void row_refuse(RowWork *work, int column, const char *sentence) {
        say(work, column, sentence, /* is_refusal= */ true);
        work->is_refused = true;
}

/* What excel.h said of a cell. True: it can be used. By its address: the call that sets it is an argument too. */
static bool heed(RowWork *work, int column, int r, const char *const *said) {
        const char *sentence = *said;

        if (r == EXCEL_E_REFUSED)
                row_refuse(work, column, sentence);
        else if (r == EXCEL_E_NOTE)
                row_note(work, column, sentence);
        return r != EXCEL_E_REFUSED;
}

char *row_text(RowWork *work, int column) {
        return work->values[column];
}

char *row_number_text(RowWork *work, int column) {
        char *text = row_text(work, column), *number;
        const char *sentence = NULL;

        if (!text || work->is_exact)
                return text;
        /* It may be unwrapped in place, and may be asked for twice. */
        if (!heed(work, column, excel_identifier(text, &number, &sentence), &sentence))
                return NULL;
        work->values[column] = number[0] ? number : NULL;
        return work->values[column];
}

Carebus__V1__Identifier *row_identifier(RowWork *work, int column) {
        return draft_identifier(&work->draft, NULL, NULL, NULL, row_number_text(work, column));
}

Carebus__V1__Identifier *row_own_identifier(RowWork *work, int column) {
        return draft_identifier(&work->draft, work->exact[EXACT_ID_SYSTEM], NULL, NULL, row_number_text(work, column));
}

Carebus__V1__Coded *row_coded(RowWork *work, int column) {
        char *text = row_text(work, column);

        if (work->has_parts)
                return exact_part_coded(work, work->binding->table->columns[column].name, 0);
        return draft_coded_local(&work->draft, NULL, text, text);
}

static ProfileDates dates_of(const RowWork *work) {
        return work->binding->rules ? work->binding->rules->dates : PROFILE_DATES_UNSAID;
}

Carebus__V1__When *row_when(RowWork *work, int column, char day[ROW_DAY_SIZE]) {
        char *text = row_text(work, column), iso[EXCEL_DATE_SIZE];
        const char *sentence = NULL;
        Carebus__V1__When *when;
        Moment moment;

        if (text && work->is_exact) {
                if (day)
                        snprintf(day, ROW_DAY_SIZE, "%s", text);
                return exact_when_of(work, text);
        }
        if (!text || !heed(work, column, excel_date(text, dates_of(work), iso, &sentence), &sentence))
                return NULL;
        if (moment_read(iso, work->zone, &moment) != 0) {
                row_refuse(work, column, no_such_day);
                return NULL;
        }
        when = draft_when(&work->draft, text);
        if (!when)
                return NULL;
        when->has_utc_at = when->has_precision = true;
        when->utc_at = moment.utc_at;
        when->precision = moment.precision;
        when->has_zone_assumed = moment.zone_assumed;
        when->zone_assumed = moment.zone_assumed;
        if (day)
                memcpy(day, iso, MIN(sizeof(iso), (size_t)ROW_DAY_SIZE));
        return when;
}

/* A day more than now: it is tomorrow already elsewhere, and clocks differ. */
static bool is_to_come(int64_t at) {
        return at > clock_now_at(&clock_system) + INT64_C(86400) * USEC_PER_SEC;
}

Carebus__V1__When *row_past(RowWork *work, int column, char day[ROW_DAY_SIZE]) {
        Carebus__V1__When *when = row_when(work, column, day);

        if (when && !work->is_exact && is_to_come(when->utc_at)) {
                row_refuse(work, column, not_come_yet);
                return NULL;
        }
        return when;
}

/* A birth date that is to come is not one. */
Carebus__V1__Date *row_date(RowWork *work, int column) {
        char *text = row_text(work, column), iso[EXCEL_DATE_SIZE];
        const char *sentence = NULL;
        Carebus__V1__Date *date;
        CalendarDate said;
        Moment moment;

        if (text && work->is_exact)
                return exact_date_of(work, text);
        if (!text || !heed(work, column, excel_date(text, dates_of(work), iso, &sentence), &sentence))
                return NULL;
        if (date_read(iso, &said) != 0) {
                row_refuse(work, column, no_such_day);
                return NULL;
        }
        if (moment_read(iso, work->zone, &moment) == 0 && is_to_come(moment.utc_at)) {
                row_refuse(work, column, not_come_yet);
                return NULL;
        }
        date = draft_date(&work->draft, text);
        if (!date)
                return NULL;
        date->has_year = true;
        date->year = said.year;
        date->has_month = said.month > 0;
        date->month = said.month;
        date->has_day = said.day > 0;
        date->day = said.day;
        return date;
}

char *row_time(RowWork *work, int column) {
        char *text = row_text(work, column), time[EXCEL_DATE_SIZE];
        const char *sentence = NULL;

        if (text && work->is_exact)
                return text;
        if (!text || !heed(work, column, excel_time(text, time, &sentence), &sentence))
                return NULL;
        return draft_text(&work->draft, time, strlen(time));
}

bool row_truth(RowWork *work, int column, bool *ret) {
        char *text = row_text(work, column);
        const char *sentence = NULL;
        bool is_said = false;

        if (!text || !heed(work, column, excel_truth(text, ret, &is_said, &sentence), &sentence))
                return false;
        return is_said;
}

bool row_whole_number(RowWork *work, int column, uint32_t *ret) {
        char *text = row_text(work, column);
        uint64_t number;

        if (!text)
                return false;
        if (text_to_u64(text, &number) < 0 || number > (work->is_exact ? UINT32_MAX : 1000000)) {
                row_refuse(work, column, whole_number);
                return false;
        }
        *ret = (uint32_t)number;
        return true;
}

Carebus__V1__Telecom *row_phone(RowWork *work, int column) {
        char *text = row_text(work, column), phone[PHONE_SIZE];
        Carebus__V1__Telecom *telecom;
        const char *sentence = NULL;

        if (!text)
                return NULL;
        if (!work->is_exact && strlen(text) + 2 < sizeof(phone)) {
                if (!heed(work, column, excel_phone(text, phone, sizeof(phone), &sentence), &sentence))
                        return NULL;
                text = draft_text(&work->draft, phone, strlen(phone));
        }
        telecom = text ? ROW_MESSAGE(work, telecom) : NULL;
        if (!telecom)
                return NULL;
        telecom->system = (char *)"phone";
        telecom->value = text;
        return telecom;
}

void row_coded_list(RowWork *work, int column, const char *further, size_t *n, Carebus__V1__Coded ***list) {
        char *at = row_text(work, column), *part;
        Carebus__V1__Coded *coded;

        if (work->has_parts) {
                for (size_t i = 0; (coded = exact_part_coded(work, work->binding->table->columns[column].name, i)); i++)
                        draft_append(&work->draft, n, list, coded);
                return;
        }
        while ((part = row_list_next(work, &at, further)))
                draft_append(&work->draft, n, list, draft_coded_local(&work->draft, NULL, part, part));
}

void row_text_list(RowWork *work, int column, const char *further, size_t *n, char ***list) {
        const char *name = work->binding->table->columns[column].name;
        char *at = row_text(work, column), *part;

        if (work->has_parts) {
                for (size_t i = 0; (part = exact_part_text(work, name, i, 0)); i++)
                        draft_append(&work->draft, n, list, part);
                return;
        }
        while ((part = row_list_next(work, &at, further)))
                draft_append(&work->draft, n, list, part);
}

char *row_list_next(RowWork *work, char **at, const char *further) {
        while (*at && **at) {
                size_t size = 0;
                char *part = *at, *text;

                while (part[size] && part[size] != ';' && !strchr(further, part[size]))
                        size++;
                *at = part[size] ? part + size + 1 : NULL;
                text = draft_text(&work->draft, part, size);
                if (text)
                        return text;
        }
        return NULL;
}

int word_find(const char *const *words, size_t n, const char *text) {
        for (size_t i = 0; i < n; i++)
                if (strcasecmp(words[i], text) == 0)
                        return (int)i;
        return -1;
}

/* ---- who it is about ---- */

static void number_check(RowWork *work, int column, NationalNumber number, const char *value) {
        char digits[NATIONAL_NUMBER_SIZE + 1];

        switch (national_number_read(number, value, digits)) {
        case 0:
                return;
        case IDENTIFIER_E_FORM:
                row_note(work, column, "this number does not have ten digits, so nobody is found by it; check it");
                return;
        case IDENTIFIER_E_PLACEHOLDER:
                row_note(work, column, "this number stands for nobody and is not used; leave the cell empty");
                return;
        default:
                row_note(work, column,
                         "this number has a wrong digit (its check digit does not fit), so nobody is found by it; "
                         "check it");
        }
}

static Carebus__V1__Identifier *national_number(RowWork *work, int column, NationalNumber number, const char *system) {
        char *said = row_number_text(work, column), *value = said, padded[NATIONAL_NUMBER_SIZE + 1];
        Carebus__V1__Identifier *identifier;
        const char *sentence = NULL;

        if (!said)
                return NULL;
        if (number == NATIONAL_NUMBER_CHI && !work->is_exact) {
                if (!heed(work, column, excel_chi(said, padded, &sentence), &sentence))
                        return NULL;
                if (padded[0])
                        value = draft_text(&work->draft, padded, strlen(padded));
        }
        number_check(work, column, number, value ? value : "");
        identifier = draft_identifier(&work->draft, (char *)system, (char *)work->binding->table->columns[column].name,
                                      NULL, value);
        if (identifier && value != said)
                identifier->text = said;
        return identifier;
}

static void add_identifier(RowWork *work, Carebus__V1__Identifier *identifier) {
        draft_append(&work->draft, &work->n_identifiers, &work->identifiers, identifier);
}

void row_person(RowWork *work) {
        Carebus__V1__Identifier *further;

        add_identifier(work, draft_identifier(&work->draft, work->exact[EXACT_LOCAL_ID_SYSTEM], NULL, NULL,
                                              row_number_text(work, PERSON_LOCAL_ID)));
        add_identifier(work, national_number(work, PERSON_NHS_NUMBER, NATIONAL_NUMBER_NHS, SYSTEM_NHS_NUMBER));
        add_identifier(work, national_number(work, PERSON_CHI_NUMBER, NATIONAL_NUMBER_CHI, SYSTEM_CHI_NUMBER));
        for (size_t i = 0; (further = exact_part_identifier(work, "local_id", i)); i++)
                add_identifier(work, further);
}

/* ---- events ---- */

Carebus__V1__Event *row_event(RowWork *work, const char *type, Carebus__V1__Action action) {
        Carebus__V1__Event *event = draft_event(&work->draft, type, action);

        if (!event)
                return NULL;
        event->trigger = draft_format(&work->draft, "%s.csv", work->binding->table->name);
        if (work->n_identifiers > 0) {
                event->patient = ROW_MESSAGE(work, subject);
                if (!event->patient)
                        return NULL;
                event->patient->identifiers = work->identifiers;
                event->patient->n_identifiers = work->n_identifiers;
        }
        return work->draft.is_full ? NULL : event;
}

void row_death(RowWork *work, Carebus__V1__When *died_at, const char *how_known, Carebus__V1__Identifier *encounter) {
        Carebus__V1__Event *event = row_event(work, "death.notified", ROW_NEW);
        Carebus__V1__Death *death = event ? ROW_MESSAGE(work, death) : NULL;

        work->is_urgent = true;
        if (!death)
                return;
        death->has_status = true;
        death->status = CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL; /* formal is what a registrar says */
        death->died_at = died_at;
        death->how_known = (char *)how_known;
        event->occurred_at = died_at;
        event->encounter_id = encounter;
        ROW_BODY(event, DEATH, death, death);
}

void row_death_retracted(RowWork *work, const char *how_known) {
        Carebus__V1__Event *event = row_event(work, "death.retracted", ROW_IN_ERROR);
        Carebus__V1__Death *death = event ? ROW_MESSAGE(work, death) : NULL;

        work->is_urgent = true;
        if (!death)
                return;
        death->has_status = true;
        death->status = CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED;
        death->how_known = (char *)how_known;
        ROW_BODY(event, DEATH, death, death);
}

/* ---- columns of the profile's own ---- */

static int field_set(RowWork *work, const ProfileField *field, const char *text, bool *ret_found) {
        static const char demographics[] = "demographics.";
        bool is_person = strncmp(field->to, demographics, strlen(demographics)) == 0;

        for (size_t i = 0; i < work->draft.n_events; i++) {
                Carebus__V1__Event *event = work->draft.events[i];
                ProtobufCMessage *target = &event->base;
                const char *path = field->to;
                int r;

                if (is_person && event->body_case != CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS) {
                        if (!event->patient)
                                continue;
                        if (!event->patient->demographics)
                                event->patient->demographics = ROW_MESSAGE(work, demographics);
                        if (!event->patient->demographics)
                                return -ENOMEM;
                        target = &event->patient->demographics->base;
                        path += strlen(demographics);
                }
                r = setter_set(target, path, text, work->draft.arena);
                if (r < 0 || r == SETTER_E_VALUE)
                        return r;
                *ret_found = *ret_found || r == 0;
        }
        return 0;
}

void row_fields(RowWork *work, const char *const *cells) {
        for (size_t i = 0; i < work->binding->n_uses && !work->draft.is_full; i++) {
                const TableUse *use = &work->binding->uses[i];
                bool is_found = false;
                int r;

                if (!use->field || !cells[i] || !cells[i][0])
                        continue;
                r = field_set(work, use->field, cells[i], &is_found);
                if (r == -ENOMEM)
                        work->draft.is_full = true;
                if (work->n_notes == NOTES_MAX || (r == 0 && is_found))
                        continue;
                work->notes[work->n_notes++] = (RowNote){
                        .column = use->name,
                        .sentence = r == SETTER_E_VALUE
                                            ? "this value does not fit what the profile says this column is"
                                            : "nothing in this row has a place for this column; it was not used",
                        .is_refusal = r == SETTER_E_VALUE,
                };
                work->is_refused = work->is_refused || r == SETTER_E_VALUE;
        }
}
