/* Facts in words: what it is, what else was said of it, whose word it is and how old. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/record-show-parts.h"

/* By value: the fields that say what it is, in a few words, and those that are told elsewhere. */
static const struct {
        unsigned value;
        const char *headline[4]; /* "a|b": the first that is said */
} bodies[] = {
#define VALUE(name) CAREBUS__V1__FACT__VALUE_##name
        { VALUE(DEMOGRAPHICS), { "names", "birth_date", "sex" } },
        { VALUE(MERGE), { "scope", "surviving", "retired" } },
        { VALUE(ENCOUNTER), { "class", "place", "status", "admitted_at" } },
        { VALUE(REFERRAL), { "to", "status", "type|category|kind", "requested_at" } },
        { VALUE(APPOINTMENT), { "start_at", "service|specialty|type", "status", "place" } },
        { VALUE(CONTACT), { "start_at|planned_at", "kind|mode|purpose", "status" } },
        { VALUE(CARE_TEAM), { "name|organisation" } },
        { VALUE(CARE_PLAN), { "title|type", "status", "version" } },
        { VALUE(DECISION), { "kind", "decision|decision_text|place|text|summary" } },
        { VALUE(MEASURE), { "scale", "total|result", "measured_at" } },
        { VALUE(OBSERVATION), { "code|text", "value|value_coded|value_text", "observed_at" } },
        { VALUE(CONDITION), { "code|text", "status", "severity" } },
        { VALUE(ALLERGY), { "substance|text", "severity", "status" } },
        { VALUE(MEDICATION), { "drug|text|ingredients", "dose_text|dose", "frequency_text|frequency", "status" } },
        { VALUE(ALERT), { "kind", "code|text", "status" } },
        { VALUE(DOCUMENT), { "title|type|description", "written_at|activity_at", "status" } },
        { VALUE(CONSENT), { "kind", "state|state_coded", "given_at|withdrawn_at" } },
        { VALUE(DEATH), { "status", "died_at", "place" } },
        { VALUE(BEREAVEMENT), { "bereaved_name", "relationship", "status" } },
        { VALUE(EPISODE), { "service|type", "status", "opened_at" } },
        { VALUE(PALLIATIVE_NEED), { "register", "status", "prognosis" } },
        { VALUE(CARE_PACKAGE), { "type", "provider", "status" } },
        { VALUE(MEETING), { "kind", "held_at", "title" } },
        { VALUE(PROGRAMME), { "name|programme", "status" } },
        { VALUE(ANTICIPATORY_MEDICINES), { "status", "box_location", "items" } },
        { VALUE(PLACE_OF_DEATH_COMPARISON), { "preferred", "actual", "achieved" } },
        { VALUE(ORDER), { "code|code_text", "status", "ordered_at" } },
        { VALUE(EQUITY), { "ethnic_category", "language" } },
        { VALUE(CONTACT_POINT), { "name|service|practitioner|person", "kind" } },
#undef VALUE
};

static const ProtobufCMessage *value_of(const Carebus__V1__Fact *fact) {
        return fact->value_case == CAREBUS__V1__FACT__VALUE__NOT_SET ? NULL : &fact->demographics->base;
}

static const char *const *headline_of(const Carebus__V1__Fact *fact) {
        for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
                if (bodies[i].value == fact->value_case)
                        return bodies[i].headline;
        return NULL;
}

/* The first field of "a|b" that is said. */
static bool append_first(Buffer *buffer, const ProtobufCMessage *value, const char *fields, const Zone *zone) {
        char name[48];

        for (size_t n; *fields; fields += n + (fields[n] == '|')) {
                n = strcspn(fields, "|");
                if (n >= sizeof(name))
                        continue;
                memcpy(name, fields, n);
                name[n] = '\0';
                if (text_append_field(buffer, value, name, zone))
                        return true;
        }
        return false;
}

void show_headline(Line *line, const Carebus__V1__Fact *fact) {
        const char *const *fields = headline_of(fact);
        const ProtobufCMessage *value = value_of(fact);
        size_t began = line->text.size;

        for (size_t i = 0; value && fields && i < ELEMENTSOF(bodies[0].headline) && fields[i]; i++) {
                size_t before = line->text.size;

                if (before > began)
                        buffer_append_text(&line->text, ", ");
                if (!append_first(&line->text, value, fields[i], line->show->zone))
                        line->text.size = before;
        }
        if (line->text.size == began)
                buffer_append_text(&line->text, "(said without saying what)");
}

/* ---- the rest of it --------------------------------------------------------------------------------------------------------------- */

/* Where a person's place is restricted, what would betray it is not on a screen that somebody may look over. */
static const char *const betraying[] = {
        "addresses",        "telecom",       "related_persons", "practice", "general_practitioner",
        "original_address", "place_address", "access_note"
};

typedef struct Skipping {
        const ProtobufCMessage *value;
        const char *const *headline;
        bool restricted;
} Skipping;

/* Is this the field of "a|b" that the headline shows: the first that is said? */
static bool is_shown(const ProtobufCMessage *value, const char *fields, const char *field) {
        _cleanup_(buffer_deinit) Buffer ignored = BUFFER_NULL;
        char name[48];

        for (size_t n; *fields; fields += n + (fields[n] == '|')) {
                n = strcspn(fields, "|");
                if (n >= sizeof(name))
                        continue;
                memcpy(name, fields, n);
                name[n] = '\0';
                if (strcmp(name, field) == 0)
                        return true;
                if (text_append_field(&ignored, value, name, NULL))
                        return false;
        }
        return false;
}

static bool is_told_elsewhere(const char *field, const void *owner) {
        const Skipping *skipping = owner;

        for (size_t i = 0; skipping->restricted && i < ELEMENTSOF(betraying); i++)
                if (strcmp(field, betraying[i]) == 0)
                        return true;
        for (size_t i = 0; skipping->headline && i < ELEMENTSOF(bodies[0].headline) && skipping->headline[i]; i++)
                if (is_shown(skipping->value, skipping->headline[i], field))
                        return true;
        return strcmp(field, "original_status") == 0;
}

static void show_details(Line *line, unsigned indent, const Carebus__V1__Fact *fact, TextSkip skip) {
        const Skipping skipping = { .value = value_of(fact),
                                    .headline = headline_of(fact),
                                    .restricted = line->show->record->overview &&
                                                  line->show->record->overview->restricted };

        if (!value_of(fact))
                return;
        text_append_fields(&line->text, value_of(fact), line->show->zone, skip, &skipping);
        if (line->text.size > 0)
                line_write(line, indent);
}

static void append_author(Buffer *text, const Carebus__V1__Author *author) {
        const char *const parts[] = { author->person_name ?: author->person, author->role, author->team,
                                      author->organisation_name ?: author->organisation };

        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i] && parts[i][0]) {
                        buffer_append_text(text, ", ");
                        text_append_safe(text, parts[i]);
                }
}

static int64_t said_at(const Carebus__V1__Fact *fact) {
        if (fact->recorded_at && fact->recorded_at->has_utc_at)
                return fact->recorded_at->utc_at;
        if (fact->occurred_at && fact->occurred_at->has_utc_at)
                return fact->occurred_at->utc_at;
        return fact->received_at;
}

static bool source_is_silent(const RecordShow *show, const char *name) {
        for (size_t i = 0; i < show->record->n_sources; i++)
                if (text_equal(show->record->sources[i]->name, name))
                        return show->record->sources[i]->has_silent_since_at;
        return false;
}

void show_provenance(Line *line, unsigned indent, const Carebus__V1__Fact *fact) {
        const RecordShow *show = line->show;

        buffer_append_text(&line->text, "says ");
        text_append_safe(&line->text, fact->source);
        if (fact->author)
                append_author(&line->text, fact->author);
        buffer_append_text(&line->text, ", ");
        text_append_moment(&line->text, said_at(fact), show->zone);
        buffer_append_text(&line->text, ", ");
        text_append_age(&line->text, said_at(fact), show->now);
        if (fact->has_confirmed_at) {
                buffer_append_text(&line->text, "; last confirmed ");
                text_append_moment(&line->text, fact->confirmed_at, show->zone);
                buffer_append_text(&line->text, ", ");
                text_append_age(&line->text, fact->confirmed_at, show->now);
        }
        if (fact->loaded)
                buffer_append_text(&line->text, "; taken in as history");
        if (source_is_silent(show, fact->source))
                buffer_append_text(&line->text, "; this source is silent now");
        buffer_append_text(&line->text, "; event ");
        text_append_safe(&line->text, fact->event_id);
        line_write(line, indent);
}

static void append_status(Line *line, const Carebus__V1__Fact *fact) {
        static const struct {
                const char *status, *words;
        } words[] = {
                { "ended", "ENDED: " },
                { "cancelled", "CALLED OFF: " },
                { "entered-in-error", "ENTERED IN ERROR: " },
                { "superseded", "REPLACED: " },
        };

        if (fact->which_person)
                buffer_append_text(&line->text, "WHICH PERSON? ");
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (text_equal(fact->status, words[i].status))
                        buffer_append_text(&line->text, words[i].words);
}

void show_fact(Line *line, const Carebus__V1__Fact *fact) {
        if (fact->value_case == CAREBUS__V1__FACT__VALUE_DECISION) {
                show_decision(line, 2, fact);
                return;
        }
        append_status(line, fact);
        show_headline(line, fact);
        line_write(line, 2);
        show_details(line, 6, fact, is_told_elsewhere);
        show_provenance(line, 6, fact);
}

/* ---- decisions ---------------------------------------------------------------------------------------------------------------------- */

static const struct {
        const char *code, *words;
} standings[] = {
        { "superseded", "another decision names this one and has taken its place" },
        { "copy", "a copy, relayed by another system: not a second decision" },
        { "ended", "it has ended, which is not a decision for the contrary" },
        { "stay-ended-confirm", "made in hospital, stay ended, confirm" },
        { "scope-not-said", "where it holds was not said: not to be taken for everywhere" },
        { "date-not-said", "when it was decided was not said" },
        { "review-passed", "its review date has passed; it stands" },
        { "not-valid-yet", "it does not hold yet" },
        { "valid-until-passed", "the time it was said to hold until has passed" },
        { "suspended", "suspended for now" },
        { "draft", "a draft: not signed" },
};

/* Told on lines of their own. */
static bool is_told_of_decision(const char *field, const void *owner) {
        static const char *const told[] = { "decided_at",  "decided_by",   "endorser",        "original_location",
                                            "form_type",   "form_version", "form_identifier", "form_in_place",
                                            "scope",       "scope_text",   "review_at",       "review_indefinite",
                                            "reviewed_at", "status",       "decision",        "kind" };

        for (size_t i = 0; i < ELEMENTSOF(told); i++)
                if (strcmp(field, told[i]) == 0)
                        return true;
        return is_told_elsewhere(field, owner);
}

/* What is left out for this team and what nobody said never look alike. `path` is as Fact.redacted has it. */
static void append_missing(Line *line, const Carebus__V1__Fact *fact, const char *path, const char *not_said) {
        for (size_t i = 0; i < fact->n_redacted; i++)
                if (strcmp(fact->redacted[i], path) == 0) {
                        buffer_append_text(&line->text, "(not shown to this team)");
                        return;
                }
        buffer_append_text(&line->text, not_said);
}

static void decision_by(Line *line, unsigned indent, const Carebus__V1__Fact *fact) {
        const Carebus__V1__Decision *decision = fact->decision;
        const Zone *zone = line->show->zone;

        buffer_append_text(&line->text, "decided ");
        if (decision->decided_at) {
                text_append_when(&line->text, decision->decided_at, zone);
                if (decision->decided_at->has_utc_at) {
                        buffer_append_text(&line->text, ", ");
                        text_append_age(&line->text, decision->decided_at->utc_at, line->show->now);
                }
        } else
                append_missing(line, fact, "decision.decided_at", "at a time that was not said");
        buffer_append_text(&line->text, ", by ");
        if (!text_append_field(&line->text, &decision->base, "decided_by", zone))
                append_missing(line, fact, "decision.decided_by", "somebody who was not said");
        if (decision->endorser) {
                buffer_append_text(&line->text, "; endorsed by ");
                text_append_field(&line->text, &decision->base, "endorser", zone);
        }
        line_write(line, indent);
}

static void decision_form(Line *line, unsigned indent, const Carebus__V1__Fact *fact) {
        const Carebus__V1__Decision *decision = fact->decision;
        const Zone *zone = line->show->zone;

        buffer_append_text(&line->text, "form: ");
        if (!text_append_field(&line->text, &decision->base, "form_type", zone))
                append_missing(line, fact, "decision.form_type", "kind not said");
        if (decision->has_form_in_place)
                buffer_append_text(&line->text, decision->form_in_place ? ", in place" : ", NOT in place");
        buffer_append_text(&line->text, "; the original: ");
        if (!text_append_field(&line->text, &decision->base, "original_location", zone))
                append_missing(line, fact, "decision.original_location", "where it is was not said");
        line_write(line, indent);
}

static void decision_validity(Line *line, unsigned indent, const Carebus__V1__Fact *fact) {
        const Carebus__V1__Decision *decision = fact->decision;
        const Zone *zone = line->show->zone;

        buffer_append_text(&line->text, "holds: ");
        if (!decision->has_scope || decision->scope == CAREBUS__V1__DECISION__SCOPE__SCOPE_UNKNOWN)
                append_missing(line, fact, "decision.scope", "where was not said");
        else
                text_append_field(&line->text, &decision->base, "scope", zone);
        if (decision->scope_text) {
                buffer_append_text(&line->text, " (");
                text_append_safe(&line->text, decision->scope_text);
                buffer_append_text(&line->text, ")");
        }
        buffer_append_text(&line->text, "; review: ");
        if (decision->review_at)
                text_append_when(&line->text, decision->review_at, zone);
        else if (decision->review_indefinite)
                buffer_append_text(&line->text, "none needed, says the form");
        else
                append_missing(line, fact, "decision.review_indefinite", "date not said");
        if (decision->reviewed_at) {
                buffer_append_text(&line->text, "; last reviewed ");
                text_append_when(&line->text, decision->reviewed_at, zone);
        }
        line_write(line, indent);
}

void show_decision(Line *line, unsigned indent, const Carebus__V1__Fact *fact) {
        const Carebus__V1__Decision *decision = fact->decision;

        append_status(line, fact);
        if (decision->kind != CAREBUS__V1__DECISION__KIND__KIND_CPR)
                show_headline(line, fact);
        else if (!append_first(&line->text, &decision->base, "decision|decision_text|text", line->show->zone))
                buffer_append_text(&line->text, "a decision about CPR, without saying which");
        line_write(line, indent);
        for (size_t i = 0; i < ELEMENTSOF(standings); i++)
                if (show_has_standing(fact, standings[i].code))
                        line_text(line, indent + 4, "! %s", standings[i].words);
        decision_by(line, indent + 4, fact);
        decision_form(line, indent + 4, fact);
        decision_validity(line, indent + 4, fact);
        show_details(line, indent + 4, fact, is_told_of_decision);
        show_provenance(line, indent + 4, fact);
}
