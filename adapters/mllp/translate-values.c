/*
 * The data types of HL7 as values of the contract. Text is taken as it was said; identifiers, codes and times become the
 * shared ones later, by canon/, from what is kept here.
 */
#include <stdio.h>
#include <string.h>

#include "adapters/mllp/translate-rules.h"
#include "base/text.h"
#include "canon/vocabulary.h"
#include "canon/when.h"

/* Components of the widest type, XCN of version 2.9, rounded up. */
#define COMPONENTS_MAX 26

typedef struct Parts {
        Hl7Value at[COMPONENTS_MAX + 1]; /* from 1 */
        size_t n;
} Parts;

static void split(const Translation *t, Hl7Value value, Parts *ret) {
        ret->at[0] = HL7_VALUE_NULL;
        ret->n = hl7_split_components(t->message, value, ret->at + 1, COMPONENTS_MAX);
}

static char *checked(Translation *t, Hl7Value value, char *text) {
        if (text && value.raw.size > DRAFT_TEXT_MAX && strlen(text) > DRAFT_TEXT_MAX) {
                t->draft.is_full = true;
                return NULL;
        }
        if (!text && hl7_presence(value) == HL7_PRESENT)
                t->draft.is_full = true;
        return text;
}

/* Its first part may be empty where others are not (^https://...): that is nothing said, and no lack of room. */
char *value_text(Translation *t, Hl7Value value) {
        char *text = value.raw.size ? hl7_text(t->message, value, t->draft.arena) : NULL;

        return checked(t, text ? value : hl7_subcomponent(t->message, value, 1), text);
}

char *value_text_whole(Translation *t, Hl7Value value) {
        return value.raw.size ? checked(t, value, hl7_text_whole(t->message, value, t->draft.arena)) : NULL;
}

bool value_is_cleared(const Translation *t, Hl7Value value) {
        const Hl7Separators *separators = &t->message->separators;
        size_t n_quotes = 0;

        if (value.raw.size < 2 || value.raw.size > 4096)
                return false;
        for (size_t i = 0; i < value.raw.size; i++) {
                uint8_t byte = value.raw.data[i];

                if (byte == '"')
                        n_quotes++;
                else if (byte != ' ' && byte != separators->component && byte != separators->repeat &&
                         byte != separators->subcomponent)
                        return false;
        }
        return n_quotes >= 2 && n_quotes % 2 == 0;
}

bool texts_are_equal(const char *a, const char *b) {
        return text_equal(a, b);
}

bool identifiers_are_equal(const Carebus__V1__Identifier *a, const Carebus__V1__Identifier *b) {
        return texts_are_equal(a->value, b->value) && texts_are_equal(a->authority, b->authority) &&
               texts_are_equal(a->type, b->type);
}

/* ---- codes */

/* Coding systems of HL7 table 0396 that are shared by all. */
static const struct {
        const char *said;
        const char *system;
} code_systems[] = {
        { "SCT", "http://snomed.info/sct" },
        { "SNOMED", "http://snomed.info/sct" },
        { "SNOMED-CT", "http://snomed.info/sct" },
        { "SNM3", "http://snomed.info/sct" },
        { "2.16.840.1.113883.6.96", "http://snomed.info/sct" },
        { "http://snomed.info/sct", "http://snomed.info/sct" },
        { "LN", "http://loinc.org" },
        { "I10", "http://hl7.org/fhir/sid/icd-10" },
        { "ICD10", "http://hl7.org/fhir/sid/icd-10" },
        { "ICD-10", "http://hl7.org/fhir/sid/icd-10" },
        { "DMD", "https://dmd.nhs.uk" },
        { "https://dmd.nhs.uk", "https://dmd.nhs.uk" },
        { "UCUM", "http://unitsofmeasure.org" },
        /* What this bus writes where HL7 has no name for a system (writer-values.c). */
        { SYSTEM_ACT_CODE, SYSTEM_ACT_CODE },
        { SYSTEM_CAREBUS_DECISION, SYSTEM_CAREBUS_DECISION },
        { SYSTEM_CAREBUS_CONCEPT, SYSTEM_CAREBUS_CONCEPT },
        { SYSTEM_CAREBUS_SCALE, SYSTEM_CAREBUS_SCALE },
        { SYSTEM_CAREBUS_PLACE, SYSTEM_CAREBUS_PLACE },
        { SYSTEM_CAREBUS_PHASE, SYSTEM_CAREBUS_PHASE },
        { SYSTEM_REQUEST_PRIORITY, SYSTEM_REQUEST_PRIORITY },
};

static const char *shared_system(const char *said) {
        for (size_t i = 0; said && i < ELEMENTSOF(code_systems); i++)
                if (strcasecmp(code_systems[i].said, said) == 0)
                        return code_systems[i].system;
        return NULL;
}

const char *code_system_meant(const char *said) {
        return shared_system(said);
}

const char *code_system_said(const char *system) {
        for (size_t i = 0; system && i < ELEMENTSOF(code_systems); i++)
                if (strcmp(code_systems[i].system, system) == 0)
                        return code_systems[i].said;
        return NULL;
}

static Carebus__V1__OriginalCode *original_code(Translation *t, char *code, char *display, char *system) {
        Carebus__V1__OriginalCode *original = draft_message(&t->draft, &carebus__v1__original_code__descriptor);

        if (!original)
                return NULL;
        original->code = code;
        original->display = display;
        original->system = system;
        return original;
}

Carebus__V1__Coded *value_coded(Translation *t, Hl7Value value) {
        Carebus__V1__Coded *coded;
        char *code, *display, *system;
        char *other[3];
        Parts parts;

        split(t, value, &parts);
        code = value_text_whole(t, parts.at[1]);
        display = value_text_whole(t, parts.at[2]);
        system = value_text(t, parts.at[3]);
        for (size_t i = 0; i < 3; i++)
                other[i] = i == 2 ? value_text(t, parts.at[4 + i]) : value_text_whole(t, parts.at[4 + i]);
        coded = draft_message(&t->draft, &carebus__v1__coded__descriptor);
        if (!coded)
                return NULL;
        coded->text = value_text_whole(t, parts.at[9]);
        hl7_note_ignored(parts.at[7]); /* versions of the two code systems */
        hl7_note_ignored(parts.at[8]);
        if (!code && !display && !other[0] && !other[1] && !coded->text)
                return NULL;
        if (!coded->text)
                coded->text = display ?: other[1];
        if (shared_system(system) && code) {
                coded->system = (char *)shared_system(system);
                coded->code = code;
                coded->display = display;
        } else if (shared_system(other[2]) && other[0]) {
                coded->system = (char *)shared_system(other[2]);
                coded->code = other[0];
                coded->display = other[1];
        }
        if (code)
                coded->original = original_code(t, code, display, system);
        else if (other[0])
                coded->original = original_code(t, other[0], other[1], other[2]);
        return coded;
}

void coded_set_system(Carebus__V1__Coded *coded, char *said) {
        if (!coded || !said || !coded->original || coded->original->system)
                return;
        coded->original->system = said;
        if (coded->system || !shared_system(said))
                return;
        coded->system = (char *)shared_system(said);
        coded->code = coded->original->code;
        coded->display = coded->original->display;
}

/* ---- times */

Carebus__V1__When *value_when(Translation *t, Hl7Value value) {
        char *text = value_text(t, value);
        Carebus__V1__When *when = text ? draft_message(&t->draft, &carebus__v1__when__descriptor) : NULL;

        if (!when)
                return NULL;
        when->text = text;
        if (!when_is_readable(when))
                translation_bad_time(t, value);
        return when;
}

bool when_is_readable(const Carebus__V1__When *when) {
        Moment moment;

        return moment_read(when->text, /* zone= */ NULL, &moment) == 0;
}

bool when_is_before(const Translation *t, const Carebus__V1__When *when, const Carebus__V1__When *other) {
        static const int64_t lengths[] = {
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR] = 366 * INT64_C(86400),
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH] = 31 * INT64_C(86400),
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY] = INT64_C(86400),
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_HOUR] = 3600,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE] = 60,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND] = 1,
                [CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION] = 0,
        };
        Moment first, second;

        if (!when || !other || moment_read(when->text, t->zone, &first) != 0 ||
            moment_read(other->text, t->zone, &second) != 0 || first.precision >= ELEMENTSOF(lengths))
                return false;
        return first.utc_at + lengths[first.precision] * 1000000 <= second.utc_at;
}

Carebus__V1__When *when_first(Carebus__V1__When *const *times, size_t n_times) {
        Carebus__V1__When *said = NULL;

        for (size_t i = 0; i < n_times; i++) {
                if (times[i] && when_is_readable(times[i]))
                        return times[i];
                said = said ?: times[i];
        }
        return said;
}

Carebus__V1__Date *value_date(Translation *t, Hl7Value value) {
        char *text = value_text(t, value);
        Carebus__V1__Date *date = text ? draft_message(&t->draft, &carebus__v1__date__descriptor) : NULL;
        CalendarDate day;

        if (!date)
                return NULL;
        date->text = text;
        if (date_read(text, &day) != 0)
                translation_bad_time(t, value);
        return date;
}

Carebus__V1__Period *value_period(Translation *t, Hl7Value start, Hl7Value end) {
        Carebus__V1__When *from = value_when(t, start), *until = value_when(t, end);
        Carebus__V1__Period *period = from || until ? draft_message(&t->draft, &carebus__v1__period__descriptor) : NULL;

        if (period) {
                period->start = from;
                period->end = until;
        }
        return period;
}

/* ---- identifiers */

/* CX.4 as said: its local name, or NAMESPACE&UNIVERSAL&TYPE whatever the sender's separators are. canon/ finds the profile's
 * rule by any of the parts. */
static char *authority_text(Translation *t, char *local, const char *universal, const char *type) {
        char *text;

        if (!universal)
                return local;
        text = arena_format(t->draft.arena, "%s&%s%s%s", local ?: "", universal, type ? "&" : "", type ?: "");
        t->draft.is_full = t->draft.is_full || !text;
        return text;
}

static char *authority_of(Translation *t, Hl7Value hd) {
        char *local = value_text(t, hl7_subcomponent(t->message, hd, 1));
        char *universal = value_text(t, hl7_subcomponent(t->message, hd, 2));

        return authority_text(t, local, universal, value_text(t, hl7_subcomponent(t->message, hd, 3)));
}

static Carebus__V1__Identifier *identifier_new(Translation *t, char *value, char *authority, char *type) {
        Carebus__V1__Identifier *identifier = value ? draft_message(&t->draft, &carebus__v1__identifier__descriptor)
                                                    : NULL;

        if (!identifier)
                return NULL;
        identifier->value = value;
        identifier->authority = authority;
        identifier->type = type;
        return identifier;
}

Carebus__V1__Identifier *value_identifier(Translation *t, Hl7Value value) {
        char *text, *type;
        Parts parts;

        split(t, value, &parts);
        text = value_text_whole(t, parts.at[1]);
        if (!text)
                return NULL;
        hl7_note_ignored(parts.at[2]); /* check digit and its scheme: part of no number of ours */
        hl7_note_ignored(parts.at[3]);
        type = value_text(t, parts.at[5]);
        return identifier_new(t, text, authority_of(t, parts.at[4]), type);
}

Carebus__V1__Identifier *value_entity(Translation *t, Hl7Value value) {
        char *text, *local, *universal, *type;
        Parts parts;

        split(t, value, &parts);
        text = value_text_whole(t, parts.at[1]);
        if (!text)
                return NULL;
        local = value_text(t, parts.at[2]);
        universal = value_text(t, parts.at[3]);
        type = value_text(t, parts.at[4]);
        return identifier_new(t, text, authority_text(t, local, universal, type), /* type= */ NULL);
}

void identifier_set_apart(Translation *t, Carebus__V1__Identifier *identifier, const char *field) {
        if (identifier->authority || !field)
                return;
        identifier->authority = arena_format(t->draft.arena, "%s-%s", t->options->source, field);
        t->draft.is_full = t->draft.is_full || !identifier->authority;
}

/* ---- names, addresses */

/* What stands in XPN-7, XAD-7, XTN-2 and XTN-3: as said, as meant. */
typedef struct Use {
        const char *said;
        const char *use;
} Use;

static const char *use_of(const Use *uses, size_t n_uses, const char *said) {
        for (size_t i = 0; said && i < n_uses; i++)
                if (strcasecmp(uses[i].said, said) == 0)
                        return uses[i].use;
        return NULL;
}

static const Use name_uses[] = {
        { "L", "official" },
        { "R", "official" },
        { "CURRENT", "official" },
        { "D", "usual" },
        { "PREFERRED", "usual" },
        { "M", "maiden" },
        { "B", "maiden" },
        { "PREVIOUS-BIRTH", "maiden" },
        { "PREVIOUS-BACHELOR", "maiden" },
        { "PREVIOUS", "old" },
        { "BAD", "old" },
        { "NOUSE", "old" },
        { "N", "nickname" },
        { "S", "anonymous" },
        { "MSK", "anonymous" },
        { "TEMP", "temp" },
        { "NAV", "temp" },
};

static const Use address_uses[] = {
        { "H", "home" },           { "HOME", "home" },           { "P", "home" },
        { "C", "temp" },           { "TEMP", "temp" },           { "B", "work" },
        { "O", "work" },           { "WORK", "work" },           { "BA", "old" },
        { "N", "birth" },          { "BDL", "birth" },           { "BR", "birth" },
        { "M", "correspondence" }, { "CORR", "correspondence" },
};

static void append_text(Translation *t, size_t *n, char ***list, char *text) {
        draft_append(&t->draft, n, list, text);
}

Carebus__V1__HumanName *value_name(Translation *t, Hl7Value value) {
        Carebus__V1__HumanName *name;
        char *family, *given, *further;
        Parts parts;

        split(t, value, &parts);
        family = value_text(t, hl7_subcomponent(t->message, parts.at[1], 1));
        given = value_text_whole(t, parts.at[2]);
        further = value_text_whole(t, parts.at[3]);
        if (!family && !given && !further)
                return NULL;
        name = draft_message(&t->draft, &carebus__v1__human_name__descriptor);
        if (!name)
                return NULL;
        name->family = family;
        append_text(t, &name->n_given, &name->given, given);
        append_text(t, &name->n_given, &name->given, further);
        append_text(t, &name->n_prefix, &name->prefix, value_text_whole(t, parts.at[5]));
        append_text(t, &name->n_suffix, &name->suffix, value_text_whole(t, parts.at[4]));
        append_text(t, &name->n_suffix, &name->suffix, value_text_whole(t, parts.at[6]));
        append_text(t, &name->n_suffix, &name->suffix, value_text_whole(t, parts.at[14]));
        name->original_use = value_text(t, parts.at[7]);
        name->use = (char *)use_of(name_uses, ELEMENTSOF(name_uses), name->original_use);
        name->period = value_period(t, parts.at[12], parts.at[13]);
        return name;
}

static void address_lines(Translation *t, const Parts *parts, Carebus__V1__Address *address) {
        for (unsigned i = 1; i <= 3; i++) /* SAD: the whole, or street and dwelling number apart */
                append_text(t, &address->n_line, &address->line,
                            value_text_whole(t, hl7_subcomponent(t->message, parts->at[1], i)));
        append_text(t, &address->n_line, &address->line, value_text_whole(t, parts->at[2]));
        append_text(t, &address->n_line, &address->line, value_text_whole(t, parts->at[19]));
}

Carebus__V1__Address *value_address(Translation *t, Hl7Value value) {
        Carebus__V1__Address *address = draft_message(&t->draft, &carebus__v1__address__descriptor);
        Parts parts;

        if (!address)
                return NULL;
        split(t, value, &parts);
        address_lines(t, &parts, address);
        address->city = value_text_whole(t, parts.at[3]);
        address->district = value_text_whole(t, parts.at[4]);
        if (!address->district)
                address->district = value_text_whole(t, parts.at[9]);
        address->postal_code = value_text_whole(t, parts.at[5]);
        address->country = value_text(t, parts.at[6]);
        address->original_use = value_text(t, parts.at[7]);
        address->use = (char *)use_of(address_uses, ELEMENTSOF(address_uses), address->original_use);
        address->period = value_period(t, parts.at[13], parts.at[14]);
        if (!address->period)
                address->period = value_period(t, hl7_subcomponent(t->message, parts.at[12], 1),
                                               hl7_subcomponent(t->message, parts.at[12], 2));
        if (!address->n_line && !address->city && !address->district && !address->postal_code && !address->country)
                return NULL;
        return address;
}

/* ---- telephones and mail */

static const Use telecom_uses[] = {
        { "PRN", "home" },  { "ORN", "home" },      { "VHN", "home" },   { "HOME", "home" },     { "WPN", "work" },
        { "WORK", "work" }, { "EMR", "emergency" }, { "PRS", "mobile" }, { "MOBILE", "mobile" }, { "TEMP", "temp" },
};

static const Use telecom_systems[] = {
        { "PH", "phone" },  { "CP", "phone" },       { "FX", "fax" },      { "BP", "pager" },
        { "SAT", "phone" }, { "Internet", "email" }, { "X.400", "email" }, { "EMAIL", "email" },
        { "TDD", "other" }, { "TTY", "other" },      { "MD", "other" },
};

static const struct {
        const Use *uses;
        size_t n;
} use_tables[] = {
        [USE_OF_NAME] = { name_uses, ELEMENTSOF(name_uses) },
        [USE_OF_ADDRESS] = { address_uses, ELEMENTSOF(address_uses) },
        [USE_OF_TELECOM] = { telecom_uses, ELEMENTSOF(telecom_uses) },
};

const char *use_said(UseTable table, const char *use) {
        for (size_t i = 0; use && i < use_tables[table].n; i++)
                if (strcmp(use_tables[table].uses[i].use, use) == 0)
                        return use_tables[table].uses[i].said;
        return NULL;
}

const char *use_meant(UseTable table, const char *said) {
        return use_of(use_tables[table].uses, use_tables[table].n, said);
}

/* Country, area, number and extension apart, where no field holds the whole. */
static char *number_of_parts(Translation *t, const Parts *parts) {
        char *country = value_text_whole(t, parts->at[5]), *area = value_text_whole(t, parts->at[6]);
        char *local = value_text_whole(t, parts->at[7]), *extension = value_text_whole(t, parts->at[8]);
        char *text;

        if (!local)
                return NULL;
        text = arena_format(t->draft.arena, "%s%s%s%s%s%s%s%s", country ? "+" : "", country ?: "", country ? " " : "",
                            area ?: "", area ? " " : "", local, extension ? " x" : "", extension ?: "");
        t->draft.is_full = t->draft.is_full || !text;
        return text;
}

static Carebus__V1__Telecom *telecom_new(Translation *t, const char *system, const char *use, char *value) {
        Carebus__V1__Telecom *telecom = value ? draft_message(&t->draft, &carebus__v1__telecom__descriptor) : NULL;

        if (!telecom)
                return NULL;
        telecom->system = (char *)system;
        telecom->use = (char *)use;
        telecom->value = value;
        return telecom;
}

void value_telecom(Translation *t, Hl7Value value, const char *use, size_t *n, Carebus__V1__Telecom ***list) {
        char *said_use, *equipment, *mail, *number, *whole;
        const char *system, *known_use;
        Carebus__V1__Telecom *telecom;
        uint32_t rank;
        Parts parts;

        split(t, value, &parts);
        said_use = value_text(t, parts.at[2]);
        equipment = value_text(t, parts.at[3]);
        mail = value_text_whole(t, parts.at[4]);
        number = value_text_whole(t, parts.at[1]);
        whole = number_of_parts(t, &parts);
        number = value_text_whole(t, parts.at[12]) ?: number ?: whole;
        system = use_of(telecom_systems, ELEMENTSOF(telecom_systems), equipment);
        if (!system && texts_are_equal(said_use, "NET"))
                system = "email";
        if (!system && texts_are_equal(said_use, "BPN"))
                system = "pager";
        known_use = use_of(telecom_uses, ELEMENTSOF(telecom_uses), said_use);
        if (known_use)
                use = known_use;
        /* At home is where they live (PRN), and in their pocket what they answer: a message can be sent to it, and the number at home
         * must not take its place. One of work stays that. */
        if (texts_are_equal(equipment, "CP") && (!known_use || strcmp(known_use, "home") == 0))
                use = "mobile";
        if (system && strcmp(system, "email") == 0 && mail) {
                draft_append(&t->draft, n, list, telecom_new(t, "email", use, mail));
                mail = NULL;
                system = "phone";
        }
        telecom = telecom_new(t, system ?: "phone", use, number);
        if (telecom && value_number(t, parts.at[18], &rank) == 0) {
                telecom->has_rank = true;
                telecom->rank = rank;
        }
        draft_append(&t->draft, n, list, telecom);
        if (mail && strchr(mail, '@'))
                draft_append(&t->draft, n, list, telecom_new(t, "email", use, mail));
}

/* ---- organisations, people who work there, places */

Carebus__V1__Organisation *value_organisation(Translation *t, Hl7Value value) {
        Carebus__V1__Organisation *organisation;
        char *name, *number, *type;
        Parts parts;

        split(t, value, &parts);
        name = value_text_whole(t, parts.at[1]);
        number = value_text_whole(t, parts.at[10]);
        if (!number)
                number = value_text_whole(t, parts.at[3]);
        if (!name && !number)
                return NULL;
        organisation = draft_message(&t->draft, &carebus__v1__organisation__descriptor);
        if (!organisation)
                return NULL;
        organisation->name = name;
        type = value_text(t, parts.at[7]);
        organisation->identifier = identifier_new(t, number, authority_of(t, parts.at[6]), type);
        return organisation;
}

Carebus__V1__Practitioner *value_practitioner(Translation *t, Hl7Value value) {
        Carebus__V1__Practitioner *practitioner;
        Carebus__V1__HumanName *name;
        char *number, *family, *given, *further, *type;
        Parts parts;

        split(t, value, &parts);
        number = value_text_whole(t, parts.at[1]);
        family = value_text(t, hl7_subcomponent(t->message, parts.at[2], 1));
        given = value_text_whole(t, parts.at[3]);
        further = value_text_whole(t, parts.at[4]);
        if (!number && !family && !given)
                return NULL;
        practitioner = draft_message(&t->draft, &carebus__v1__practitioner__descriptor);
        if (!practitioner)
                return NULL;
        type = value_text(t, parts.at[13]);
        practitioner->identifier = identifier_new(t, number, authority_of(t, parts.at[9]), type);
        if (!family && !given && !further)
                return practitioner;
        name = draft_message(&t->draft, &carebus__v1__human_name__descriptor);
        if (!name)
                return practitioner;
        name->family = family;
        append_text(t, &name->n_given, &name->given, given);
        append_text(t, &name->n_given, &name->given, further);
        append_text(t, &name->n_suffix, &name->suffix, value_text_whole(t, parts.at[5]));
        append_text(t, &name->n_prefix, &name->prefix, value_text_whole(t, parts.at[6]));
        append_text(t, &name->n_suffix, &name->suffix, value_text_whole(t, parts.at[7]));
        practitioner->name = name;
        return practitioner;
}

Carebus__V1__Place *value_place(Translation *t, Hl7Value value) {
        Carebus__V1__Place *place = draft_message(&t->draft, &carebus__v1__place__descriptor);
        Parts parts;

        if (!place)
                return NULL;
        split(t, value, &parts);
        place->point_of_care = value_text(t, parts.at[1]);
        place->room = value_text(t, parts.at[2]);
        place->bed = value_text(t, parts.at[3]);
        place->facility = value_text(t, parts.at[4]);
        place->status = value_text(t, parts.at[5]);
        place->kind = value_text(t, parts.at[6]);
        place->building = value_text(t, parts.at[7]);
        place->floor = value_text(t, parts.at[8]);
        place->text = value_text_whole(t, parts.at[9]);
        if (!place->point_of_care && !place->room && !place->bed && !place->facility && !place->building &&
            !place->floor && !place->text)
                return NULL;
        return place;
}

/* ---- truths and numbers */

int value_truth(Translation *t, Hl7Value value, protobuf_c_boolean *ret) {
        const char *text = value_text(t, value);

        if (!text)
                return 1;
        if (strcasecmp(text, "Y") == 0 || strcasecmp(text, "YES") == 0 || strcmp(text, "1") == 0)
                return *ret = true, 0;
        if (strcasecmp(text, "N") == 0 || strcasecmp(text, "NO") == 0 || strcmp(text, "0") == 0)
                return *ret = false, 0;
        return 1;
}

int value_number(Translation *t, Hl7Value value, uint32_t *ret) {
        const char *text = value_text(t, value);
        uint64_t number;

        if (!text || text_to_u64(text, &number) < 0 || number > UINT32_MAX)
                return 1;
        *ret = (uint32_t)number;
        return 0;
}
