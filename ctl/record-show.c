#include "ctl/record-show.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "canon/reach.h"
#include "ctl/record-show-parts.h"

/* ---- lines -------------------------------------------------------------------------------------------------------------------- */

void line_write(Line *line, unsigned indent) {
        text_write_wrapped(line->out, indent, line->show->width ?: RECORD_TEXT_WIDTH, buffer_bytes(&line->text));
        buffer_clear(&line->text);
}

void line_text(Line *line, unsigned indent, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        buffer_append_text(&line->text, text ? text : "?");
        line_write(line, indent);
}

void line_heading(Line *line, const char *heading) {
        buffer_append_text(line->out, "\n");
        line_text(line, 0, "%s", heading);
}

void line_append_list(Line *line, const char *word, bool first) {
        if (!first)
                buffer_append_text(&line->text, ", ");
        text_append_safe(&line->text, word);
}

/* ---- what is looked for ------------------------------------------------------------------------------------------------------- */

const Carebus__V1__Section *show_section(const Carebus__V1__Record *record, const char *name) {
        for (size_t i = 0; i < record->n_sections; i++)
                if (text_equal(record->sections[i]->name, name))
                        return record->sections[i];
        return NULL;
}

const Carebus__V1__SectionState *show_state(const Carebus__V1__Record *record, const char *name) {
        for (size_t i = 0; i < record->n_states; i++)
                if (text_equal(record->states[i]->section, name))
                        return record->states[i];
        return NULL;
}

static bool fact_has_event(const Carebus__V1__Fact *fact, const char *event_id) {
        if (text_equal(fact->event_id, event_id) || text_equal(fact->confirmed_event_id, event_id))
                return true;
        for (size_t i = 0; i < fact->n_history; i++)
                if (text_equal(fact->history[i], event_id))
                        return true;
        return false;
}

const Carebus__V1__Fact *show_fact_of_event(const Carebus__V1__Record *record, const char *event_id,
                                            const char **ret_section) {
        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t j = 0; j < record->sections[i]->n_facts; j++)
                        if (fact_has_event(record->sections[i]->facts[j], event_id)) {
                                if (ret_section)
                                        *ret_section = record->sections[i]->name;
                                return record->sections[i]->facts[j];
                        }
        return NULL;
}

bool show_has_standing(const Carebus__V1__Fact *fact, const char *code) {
        for (size_t i = 0; i < fact->n_standing; i++)
                if (text_equal(fact->standing[i], code))
                        return true;
        return false;
}

/* ---- who it is ---------------------------------------------------------------------------------------------------------------- */

static int years_between(const Carebus__V1__Date *born, int64_t at, const Zone *zone) {
        CivilTime now = civil_from_utc(at + zone_offset(zone, at) * USEC_PER_SEC);
        int years = now.year - (int)born->year;

        if (born->has_month && ((int)born->month > now.month ||
                                ((int)born->month == now.month && born->has_day && (int)born->day > now.day)))
                years--;
        return years;
}

static const Carebus__V1__HumanName *name_to_show(const Carebus__V1__Demographics *demographics) {
        static const char *const best[] = { "official", "usual" };

        for (size_t i = 0; i < ELEMENTSOF(best); i++)
                for (size_t j = 0; j < demographics->n_names; j++)
                        if (text_equal(demographics->names[j]->use, best[i]))
                                return demographics->names[j];
        return demographics->n_names > 0 ? demographics->names[0] : NULL;
}

static void show_who(Line *line) {
        const Carebus__V1__Record *record = line->show->record;
        const Carebus__V1__Demographics *demographics = record->overview ? record->overview->demographics : NULL;
        const Carebus__V1__HumanName *name = demographics ? name_to_show(demographics) : NULL;

        if (name)
                text_append_name(&line->text, name);
        if (line->text.size == 0)
                buffer_append_text(&line->text, "(no name recorded)");
        if (demographics && demographics->birth_date) {
                buffer_append_text(&line->text, "   born ");
                text_append_date(&line->text, demographics->birth_date);
                if (demographics->birth_date->has_year)
                        buffer_append_format(&line->text, " (%d)",
                                             years_between(demographics->birth_date, line->show->now,
                                                           line->show->zone));
        }
        if (demographics && demographics->sex) {
                buffer_append_text(&line->text, "   ");
                text_append_coded(&line->text, demographics->sex);
        }
        line_write(line, 0);
        for (size_t i = 0; i < record->n_identifiers; i++) {
                if (i > 0)
                        buffer_append_text(&line->text, "; ");
                text_append_identifier(&line->text, record->identifiers[i]);
        }
        if (line->text.size > 0)
                line_write(line, 0);
}

static void show_as_of(Line *line) {
        const RecordShow *show = line->show;

        buffer_append_text(&line->text, show->record->patient_id);
        for (size_t i = 0; i < show->record->n_former_patient_ids; i++)
                buffer_append_format(&line->text, "%s%s", i == 0 ? ", formerly " : ", ",
                                     show->record->former_patient_ids[i]);
        buffer_append_text(&line->text, "; read ");
        text_append_moment(&line->text, show->now, show->zone);
        buffer_append_format(&line->text, " %s", zone_name(show->zone));
        if (show->record->has_as_at) {
                buffer_append_format(&line->text, ", newest message on the bus (entry %llu) ",
                                     (unsigned long long)show->record->seq);
                text_append_moment(&line->text, show->record->as_at, show->zone);
        }
        if (show->team) {
                buffer_append_text(&line->text, "; as team ");
                text_append_safe(&line->text, show->team);
                buffer_append_text(&line->text, " may see it");
        }
        line_write(line, 0);
}

/* ---- whom to ring ------------------------------------------------------------------------------------------------------------- */

static void append_who(Buffer *text, const Carebus__V1__ContactPoint *point, const Carebus__V1__ContactOrigin *origin,
                       const Zone *zone) {
        size_t began = text->size;

        if (point->name)
                text_append_safe(text, point->name);
        else if (!text_append_field(text, &point->base, "practitioner", zone) && point->service && point->service->name)
                text_append_safe(text, point->service->name);
        if (text->size == began && point->person && point->person->name)
                text_append_name(text, point->person->name);
        if (point->kind) {
                buffer_append_text(text, text->size > began ? ", " : "");
                text_append_coded(text, point->kind);
        }
        if (point->what_for) {
                buffer_append_text(text, text->size > began ? ", for " : "for ");
                text_append_safe(text, point->what_for);
        }
        if (origin && origin->team && !text_equal(origin->team, point->name)) {
                buffer_append_text(text, text->size > began ? " (team " : "(team ");
                text_append_safe(text, origin->team);
                buffer_append_text(text, ")");
        }
}

bool show_append_points(Line *line, Carebus__V1__ContactPoint *const *points, size_t n_points) {
        for (size_t i = 0; i < n_points; i++) {
                buffer_append_text(&line->text, i > 0 ? " or " : "");
                append_who(&line->text, points[i], NULL, line->show->zone);
                buffer_append_text(&line->text, ": ");
                text_append_field(&line->text, &points[i]->base, "reach", line->show->zone);
        }
        return n_points > 0;
}

static void append_confirmed(Buffer *text, const RecordShow *show, const Carebus__V1__ContactOrigin *origin) {
        if (!origin || !origin->has_confirmed_at) {
                buffer_append_text(text, "as the bus is configured");
                return;
        }
        text_append_safe(text, origin->source);
        buffer_append_text(text, " last confirmed it ");
        text_append_moment(text, origin->confirmed_at, show->zone);
        buffer_append_text(text, ", ");
        text_append_age(text, origin->confirmed_at, show->now);
}

static void show_others(Line *line, const ContactAt *first) {
        const Carebus__V1__Overview *overview = line->show->record->overview;

        for (size_t i = 0; i < overview->n_contact_points; i++) {
                const Carebus__V1__ContactPoint *point = overview->contact_points[i];

                if (first && point == first->point && point->n_reach == 1)
                        continue;
                buffer_append_text(&line->text, "also: ");
                append_who(&line->text, point, overview->contact_origins[i], line->show->zone);
                buffer_append_text(&line->text, ": ");
                text_append_field(&line->text, &point->base, "reach", line->show->zone);
                line_write(line, 4);
        }
}

void show_contact(Line *line) {
        const RecordShow *show = line->show;
        ContactAt contact;

        buffer_append_text(&line->text, "WHOM TO RING at ");
        text_append_moment(&line->text, show->at, show->zone);
        buffer_append_text(line->out, "\n");
        line_write(line, 0);
        if (!show->record->overview || !contact_at(show->record->overview, show->at, show->zone, &contact)) {
                line_text(line, 2, "Nobody has said whom to ring at that time.");
                if (show->record->overview)
                        show_others(line, NULL);
                return;
        }
        text_append_safe(&line->text, contact.telecom->value);
        buffer_append_text(&line->text, "  ");
        append_who(&line->text, contact.point, contact.origin, show->zone);
        line_write(line, 2);
        if (contact.state != REACH_OPEN)
                line_text(line, 4, "Nobody has said that somebody answers at that time.");
        text_append_message(&line->text, &contact.reach->base, show->zone);
        buffer_append_text(&line->text, "; ");
        append_confirmed(&line->text, show, contact.origin);
        line_write(line, 4);
        show_others(line, &contact);
}

/* ---- where they are ------------------------------------------------------------------------------------------------------------- */

static void show_stay(Line *line, const Carebus__V1__CurrentPlace *stay) {
        if (!text_append_field(&line->text, &stay->base, "place", line->show->zone))
                buffer_append_text(&line->text, "place not said");
        if (stay->class_) {
                buffer_append_text(&line->text, ", ");
                text_append_coded(&line->text, stay->class_);
        }
        if (stay->since) {
                buffer_append_text(&line->text, ", since ");
                text_append_when(&line->text, stay->since, line->show->zone);
        }
        buffer_append_text(&line->text, ", says ");
        text_append_safe(&line->text, stay->source);
        line_write(line, 2);
}

static void show_home(Line *line) {
        static const struct {
                const char *label, *field;
        } rows[] = { { "Home: ", "addresses" }, { "Phone: ", "telecom" } };
        const Carebus__V1__Overview *overview = line->show->record->overview;

        if (overview->restricted) {
                line_text(line, 2, "Home: restricted; not shown.");
                return;
        }
        for (size_t i = 0; overview->demographics && i < ELEMENTSOF(rows); i++) {
                buffer_append_text(&line->text, rows[i].label);
                if (text_append_field(&line->text, &overview->demographics->base, rows[i].field, line->show->zone))
                        line_write(line, 2);
                else
                        buffer_clear(&line->text);
        }
}

static void show_key_person(Line *line, const char *label, const Carebus__V1__KeyPerson *person) {
        if (!person)
                return;
        buffer_append_text(&line->text, label);
        if (!text_append_field(&line->text, &person->member->base, "practitioner", line->show->zone))
                text_append_field(&line->text, &person->member->base, "service", line->show->zone);
        if (person->member->role) {
                buffer_append_text(&line->text, ", ");
                text_append_coded(&line->text, person->member->role);
        }
        buffer_append_text(&line->text, ", says ");
        text_append_safe(&line->text, person->source);
        line_write(line, 2);
}

static void show_team(Line *line) {
        const Carebus__V1__Overview *overview = line->show->record->overview;

        if (!overview || (!overview->key_worker && overview->n_leads == 0))
                return;
        line_heading(line, "WHO LOOKS AFTER THEM");
        show_key_person(line, "Key worker: ", overview->key_worker);
        for (size_t i = 0; i < overview->n_leads; i++)
                show_key_person(line, "Lead: ", overview->leads[i]);
}

void show_place(Line *line) {
        const Carebus__V1__Overview *overview = line->show->record->overview;

        line_heading(line, "WHERE THEY ARE");
        if (!overview)
                return;
        if (overview->n_open_encounters > 1 && !overview->place)
                line_text(line, 2, "Sources disagree; both are shown:");
        for (size_t i = 0; i < overview->n_open_encounters; i++)
                show_stay(line, overview->open_encounters[i]);
        if (overview->n_open_encounters == 0)
                line_text(line, 2, "No open stay is recorded.");
        show_openness(line, 4, show_state(line->show->record, "encounters"));
        show_home(line);
}

/* ---- all of it -------------------------------------------------------------------------------------------------------------------- */

void record_show(const RecordShow *show, Buffer *out) {
        Line line = { .show = show, .out = out };

        show_who(&line);
        show_as_of(&line);
        show_warnings(&line);
        if (!show->section) {
                show_cpr(&line);
                show_contact(&line);
                show_place(&line);
                show_team(&line);
        }
        show_sections(&line);
        buffer_deinit(&line.text);
}

/* ---- --at --------------------------------------------------------------------------------------------------------------------- */

static int weekday_read(const char *text, size_t n) {
        static const char *const names[] = { "monday", "tuesday",  "wednesday", "thursday",
                                             "friday", "saturday", "sunday" };

        for (size_t i = 0; n >= 3 && i < ELEMENTSOF(names); i++)
                if (n <= strlen(names[i]) && strncasecmp(text, names[i], n) == 0)
                        return (int)i;
        return -1;
}

/* The first day from `day` on that is this day of the week; 0 is a Monday, and 1970-01-01 a Thursday. */
static int64_t day_of_week(int64_t day, int weekday) {
        return day + ((weekday - (day + 3) % 7) + 7) % 7;
}

int record_show_moment(const char *text, int64_t now, const Zone *zone, int64_t *ret) {
        static const int64_t day_usec = 24 * 3600 * USEC_PER_SEC;
        int64_t today = (now + zone_offset(zone, now) * USEC_PER_SEC) / day_usec, day = today;
        const char *blank = strchr(text, ' ');
        CivilTime local = { 0 };
        int n = 0, weekday = -1;

        if (sscanf(text, "%4d-%2d-%2dT%2d:%2d%n", &local.year, &local.month, &local.day, &local.hour, &local.minute,
                   &n) == 5 &&
            !text[n]) {
                if (!civil_is_valid(&local))
                        return -EINVAL;
                *ret = zone_to_utc(zone, &local);
                return 0;
        }
        if (blank && (weekday = weekday_read(text, (size_t)(blank - text))) < 0)
                return -EINVAL;
        text = blank ? blank + 1 : text;
        local = (CivilTime){ 0 };
        if (sscanf(text, "%2d:%2d%n", &local.hour, &local.minute, &n) != 2 || text[n])
                return -EINVAL;
        for (int tries = 0; tries < 2; tries++) {
                CivilTime date = civil_from_utc((weekday < 0 ? day : day_of_week(day, weekday)) * day_usec);

                date.hour = local.hour;
                date.minute = local.minute;
                if (!civil_is_valid(&date))
                        return -EINVAL;
                *ret = zone_to_utc(zone, &date);
                if (*ret >= now)
                        return 0;
                day++; /* that has been: the next */
        }
        return 0;
}
