/*
 * OBX: what was found, in whichever of the data types of HL7 it was said. A number that is none stays text; nothing is
 * rounded, and no unit is made up.
 */
#include <stddef.h>
#include <string.h>

#include "adapters/mllp/translate-groups.h"
#include "base/text.h"

#define O Carebus__V1__Observation

/* What one repeat of OBX-5 says. */
typedef struct Said {
        Carebus__V1__Quantity *value, *low, *high, *numerator, *denominator;
        Carebus__V1__Coded *coded;
        char *text;
        Carebus__V1__When *time;
} Said;

typedef void (*ValueReader)(Translation *t, Hl7Value value, Said *ret);

/* ---- numbers */

static const char *const comparators[] = { "<=", ">=", "<", ">" };

/* The sign at the front of a text; `ret_rest` is what stands behind it. */
static char *comparator_read(const char *text, const char **ret_rest) {
        for (size_t i = 0; i < ELEMENTSOF(comparators); i++)
                if (text_starts_with(text, comparators[i])) {
                        text += strlen(comparators[i]);
                        *ret_rest = text + strspn(text, " ");
                        return (char *)comparators[i];
                }
        *ret_rest = text;
        return NULL;
}

Carebus__V1__Quantity *quantity_of_text(Translation *t, const char *text) {
        char *comparator, *number;
        const char *rest;
        size_t n;

        if (!text)
                return NULL;
        comparator = comparator_read(text, &rest);
        n = strspn(rest, "+-.0123456789");
        number = draft_text(&t->draft, rest, n);
        rest += n + strspn(rest + n, " ");
        if (!text_is_decimal(number) || (*rest && strcmp(rest, "%") != 0))
                return NULL;
        return draft_quantity(&t->draft, number, *rest ? (char *)"%" : NULL, comparator);
}

static void say_text(Translation *t, Hl7Value value, Said *ret) {
        ret->text = value_text_whole(t, value);
}

static void say_number(Translation *t, Hl7Value value, Said *ret) {
        char *text = value_text_whole(t, value);

        ret->value = quantity_of_text(t, text);
        if (!ret->value)
                ret->text = text;
}

/* SN: comparator, number, separator, number. */
static void say_structured(Translation *t, Hl7Value value, Said *ret) {
        char *comparator = value_text(t, hl7_component(t->message, value, 1));
        char *first = value_text(t, hl7_component(t->message, value, 2));
        char *separator = value_text(t, hl7_component(t->message, value, 3));
        char *second = value_text(t, hl7_component(t->message, value, 4));
        bool is_known = !comparator || strcmp(comparator, "=") == 0;

        for (size_t i = 0; comparator && i < ELEMENTSOF(comparators); i++)
                is_known = is_known || strcmp(comparator, comparators[i]) == 0;
        if (comparator && strcmp(comparator, "=") == 0)
                comparator = NULL;
        if (!is_known || !text_is_decimal(first) || (second && !text_is_decimal(second))) {
                ret->text = value_text_whole(t, value);
                return;
        }
        if (!separator && !second)
                ret->value = draft_quantity(&t->draft, first, NULL, comparator);
        else if (second && separator && strcmp(separator, "-") == 0 && !comparator) {
                ret->low = draft_quantity(&t->draft, first, NULL, NULL);
                ret->high = draft_quantity(&t->draft, second, NULL, NULL);
        } else if (second && separator && strchr(":/", separator[0])) {
                ret->numerator = draft_quantity(&t->draft, first, NULL, comparator);
                ret->denominator = draft_quantity(&t->draft, second, NULL, NULL);
        } else
                ret->text = value_text_whole(t, value); /* 2+ */
}

/* CQ and MO: a number and its unit. */
static void say_amount(Translation *t, Hl7Value value, Said *ret) {
        ret->value = value_amount(t, value);
        if (!ret->value)
                ret->text = value_text_whole(t, value);
}

/* NR: low and high. */
static void say_range(Translation *t, Hl7Value value, Said *ret) {
        char *low = value_text(t, hl7_component(t->message, value, 1));
        char *high = value_text(t, hl7_component(t->message, value, 2));

        if ((low && !text_is_decimal(low)) || (high && !text_is_decimal(high))) {
                ret->text = value_text_whole(t, value);
                return;
        }
        ret->low = draft_quantity(&t->draft, low, NULL, NULL);
        ret->high = draft_quantity(&t->draft, high, NULL, NULL);
}

/* ---- codes, times */

static void say_code(Translation *t, Hl7Value value, Said *ret) {
        ret->coded = value_coded(t, value);
}

/* CX, EI: an identifier is a code of whoever gave it. */
static void say_identifier(Translation *t, Hl7Value value, Said *ret) {
        char *code = value_text_whole(t, hl7_component(t->message, value, 1));

        ret->coded = draft_coded_local(&t->draft, value_text(t, hl7_component(t->message, value, 4)), code,
                                       value_text_whole(t, value));
}

static void say_entity(Translation *t, Hl7Value value, Said *ret) {
        char *code = value_text_whole(t, hl7_component(t->message, value, 1));
        char *local = value_text(t, hl7_component(t->message, value, 2));
        char *universal = value_text(t, hl7_component(t->message, value, 3));

        ret->coded = draft_coded_local(&t->draft, universal ?: local, code, value_text_whole(t, value));
}

static void say_time(Translation *t, Hl7Value value, Said *ret) {
        ret->time = value_when(t, value);
}

static const struct {
        const char *type;
        ValueReader read;
        bool is_text; /* a repeat is one more line, not one more value */
} types[] = {
        { "NM", say_number },     { "SI", say_number },     { "SN", say_structured }, { "CQ", say_amount },
        { "MO", say_amount },     { "NR", say_range },      { "CE", say_code },       { "CWE", say_code },
        { "CF", say_code },       { "CNE", say_code },      { "IS", say_code },       { "ID", say_code },
        { "CX", say_identifier }, { "CK", say_identifier }, { "EI", say_entity },     { "TS", say_time },
        { "DTM", say_time },      { "DT", say_time },       { "ST", say_text, true }, { "TX", say_text, true },
        { "FT", say_text, true }, { "", say_text, true },
};

static size_t type_find(const char *type) {
        size_t i = 0;

        while (i < ELEMENTSOF(types) - 1 && strcasecmp(types[i].type, type) != 0)
                i++;
        return i; /* of what nobody knows, the text */
}

/* ---- units, ranges, states */

static void unit_set(Carebus__V1__Quantity *quantity, const Carebus__V1__Quantity *unit) {
        if (!quantity || quantity->original_unit)
                return;
        quantity->original_unit = unit->original_unit;
        quantity->unit = unit->unit;
}

static void said_set_unit(Said *said, const Carebus__V1__Quantity *unit) {
        Carebus__V1__Quantity *const quantities[] = { said->value, said->low, said->high, said->numerator };

        for (size_t i = 0; unit && i < ELEMENTSOF(quantities); i++)
                unit_set(quantities[i], unit);
}

/* OBX-6 as a quantity without a number. */
static Carebus__V1__Quantity *unit_read(Translation *t, const Hl7Segment *obx) {
        Hl7Value units = hl7_field(t->message, obx, 6);
        Carebus__V1__Quantity *unit = NULL;

        if (hl7_presence(units) == HL7_PRESENT)
                unit = draft_message(&t->draft, &carebus__v1__quantity__descriptor);
        if (unit)
                quantity_set_unit(t, unit, units);
        return unit;
}

/* Where the dash of LOW-HIGH stands: behind the first number. */
static const char *dash_of(const char *text) {
        size_t n = strspn(text, "+-") ? 1 : 0;

        n += strspn(text + n, ".0123456789");
        n += strspn(text + n, " ");
        return n > 0 && text[n] == '-' ? text + n : NULL;
}

/* 70-110, <200, >= 90; anything else is text alone. */
static void range_read(Translation *t, O *o, const Carebus__V1__Quantity *unit) {
        const char *text = o->reference_text, *dash = text ? dash_of(text) : NULL;
        Carebus__V1__Quantity *quantity;

        if (!text)
                return;
        if (dash) {
                char *low = draft_text(&t->draft, text, (size_t)(dash - text));
                char *high = draft_text(&t->draft, dash + 1, strlen(dash + 1));

                if (!text_is_decimal(low) || !text_is_decimal(high))
                        return;
                o->reference_low = draft_quantity(&t->draft, low, NULL, NULL);
                o->reference_high = draft_quantity(&t->draft, high, NULL, NULL);
        } else {
                quantity = quantity_of_text(t, text);
                if (!quantity || !quantity->comparator)
                        return;
                if (quantity->comparator[0] == '<')
                        o->reference_high = quantity;
                else
                        o->reference_low = quantity;
        }
        for (size_t i = 0; unit && i < 2; i++)
                unit_set(i ? o->reference_high : o->reference_low, unit);
}

/* HL7 tables 0085 and, where the OBX says nothing, 0123 of the OBR. */
static const struct {
        const char *said;
        const char *status;
        Carebus__V1__Action action;
} states[] = {
        { "F", "final", CAREBUS__V1__ACTION__ACTION_NEW },
        { "U", "final", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "V", "final", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "P", "preliminary", CAREBUS__V1__ACTION__ACTION_NEW },
        { "I", "preliminary", CAREBUS__V1__ACTION__ACTION_NEW },
        { "R", "preliminary", CAREBUS__V1__ACTION__ACTION_NEW },
        { "S", "preliminary", CAREBUS__V1__ACTION__ACTION_NEW },
        { "A", "amended", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "B", "amended", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "C", "corrected", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "X", "cancelled", CAREBUS__V1__ACTION__ACTION_UPDATE },
        { "N", "cancelled", CAREBUS__V1__ACTION__ACTION_NEW },
        { "D", "entered-in-error", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
        { "W", "entered-in-error", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR },
};

static void state_read(Translation *t, const OrderGroup *group, Observed *observed) {
        O *o = observed->observation;
        Carebus__V1__Coded *said = o->original_status;
        const char *code;

        if (!said && group->obr)
                said = value_coded(t, hl7_field(t->message, group->obr, 25));
        code = said && said->original ? said->original->code : NULL;
        for (size_t i = 0; code && i < ELEMENTSOF(states); i++)
                if (strcasecmp(states[i].said, code) == 0) {
                        o->status = (char *)states[i].status;
                        observed->action = states[i].action;
                }
        if (code && !o->original_status)
                o->original_status = said;
}

/* ---- one repeat, several */

static void said_apply(const Said *said, O *o) {
        o->value = said->value;
        o->value_low = said->low;
        o->value_high = said->high;
        o->value_numerator = said->numerator;
        o->value_denominator = said->denominator;
        o->value_coded = said->coded;
        o->value_text = said->text;
        o->value_time = said->time;
}

static bool said_anything(const Said *said) {
        return said->value || said->low || said->high || said->numerator || said->coded || said->text || said->time;
}

static void part_add(Translation *t, O *o, const Said *said) {
        Carebus__V1__ObservationPart *part = draft_message(&t->draft, &carebus__v1__observation_part__descriptor);

        if (!part)
                return;
        part->code = o->code;
        part->value = said->value;
        part->value_low = said->low;
        part->value_high = said->high;
        part->value_coded = said->coded;
        part->value_text = said->text;
        part->value_time = said->time;
        draft_append(&t->draft, &o->n_parts, &o->parts, part);
}

/* Several values of one OBX: a part each, and none of them is the value. */
static void values_read(Translation *t, Observed *observed, const Carebus__V1__Quantity *unit) {
        Hl7Value value = hl7_field(t->message, observed->obx, 5), repeat;
        size_t type = type_find(observed->type);
        O *o = observed->observation;
        Said first = { 0 };
        size_t n = 0;

        while (hl7_next_repeat(t->message, &value, &repeat)) {
                Said said = { 0 };

                types[type].read(t, repeat, &said);
                said_set_unit(&said, unit);
                if (!said_anything(&said))
                        continue;
                if (n == 0)
                        first = said;
                else if (n == 1)
                        part_add(t, o, &first);
                if (n > 0)
                        part_add(t, o, &said);
                n++;
        }
        if (n == 1)
                said_apply(&first, o);
        observed->has_value = n > 0;
}

/* ---- text over several lines */

static bool is_wrapped_text(const char *type) {
        return strcasecmp(type, "TX") == 0 || strcasecmp(type, "FT") == 0;
}

static bool fields_are_equal(const Translation *t, const Hl7Segment *a, const Hl7Segment *b, unsigned number) {
        return bytes_equal(hl7_field(t->message, a, number).raw, hl7_field(t->message, b, number).raw);
}

/* The last OBX that goes on with the text of this one: the same question, next to it. */
static const Hl7Segment *text_last(Translation *t, const Hl7Segment *obx, const Hl7Segment *end, size_t *size) {
        static const uint8_t same[] = { 2, 3, 4, 11 };
        const Hl7Segment *last = obx;

        *size = hl7_field(t->message, obx, 5).raw.size;
        for (const Hl7Segment *next = obx + 1; next < end && segment_is(next, "OBX"); next++) {
                size_t more = hl7_field(t->message, next, 5).raw.size + 1;

                for (size_t i = 0; i < ELEMENTSOF(same); i++)
                        if (!fields_are_equal(t, obx, next, same[i]))
                                return last;
                if (*size + more > DRAFT_TEXT_MAX)
                        return last;
                *size += more;
                last = next;
        }
        return last;
}

static char *text_add_line(Translation *t, Hl7Value line, const char *start, char *at) {
        char *text = value_text_whole(t, line);

        if (at > start)
                *at++ = '\n';
        return text ? stpcpy(at, text) : at;
}

/* Unescaping never makes a text longer, and each line has its own room for the line feed. */
static void text_read(Translation *t, Observed *observed) {
        size_t size;
        const Hl7Segment *last = text_last(t, observed->obx, observed->group->span.end, &size);
        char *text = draft_alloc(&t->draft, size + 2), *at = text;

        if (!is_wrapped_text(observed->type))
                last = observed->obx;
        for (const Hl7Segment *obx = observed->obx; text && obx <= last; obx++) {
                Hl7Value lines = hl7_field(t->message, obx, 5), line;

                hl7_note_ignored(hl7_field(t->message, obx, 1));
                for (unsigned number = 2; obx > observed->obx && number <= 11; number++)
                        if (number == 2 || number == 3 || number == 4 || number == 11)
                                hl7_note_read(hl7_field(t->message, obx, number));
                while (hl7_next_repeat(t->message, &lines, &line))
                        at = text_add_line(t, line, text, at);
        }
        observed->last = last;
        if (text && at > text) {
                observed->observation->value_text = draft_text(&t->draft, text, (size_t)(at - text));
                observed->has_value = observed->observation->value_text;
        }
}

/* ---- the whole */

bool observed_is_document(const Observed *observed) {
        return strcasecmp(observed->type, "ED") == 0 || strcasecmp(observed->type, "RP") == 0;
}

static const FieldRow obx_rows[] = {
        ROW_ONE(1, FIELD_TEXT, O, set_id),
        ROW_ONE(3, FIELD_CODED, O, code),
        ROW_ONE(4, FIELD_TEXT, O, sub_id),
        ROW_ONE(7, FIELD_TEXT, O, reference_text),
        ROW_LIST(8, FIELD_CODED_LIST, O, interpretation, NULL),
        ROW_ONE(11, FIELD_CODED, O, original_status),
        ROW_ONE(14, FIELD_WHEN, O, observed_at),
        ROW_ONE(16, FIELD_PRACTITIONER, O, performer),
        ROW_ONE(17, FIELD_CODED, O, method),
        ROW_ONE(18, FIELD_CODED, O, device),
        ROW_ONE(20, FIELD_CODED, O, body_site),
        ROW_ONE(21, FIELD_ENTITY, O, identifier),
        ROW_ONE(23, FIELD_ORGANISATION, O, performer_organisation),
        ROW_ONE(15, FIELD_ORGANISATION_NAME, O, performer_organisation),
};
const FieldTable table_obx = { "OBX", obx_rows, ELEMENTSOF(obx_rows) };

static const FieldRow obr_rows[] = {
        ROW_SKIP(1),
        ROW_ONE(2, FIELD_ENTITY, O, order),
        ROW_ONE(3, FIELD_ENTITY, O, report),
        ROW_ONE(4, FIELD_CODED, O, panel),
        ROW_ONE(14, FIELD_WHEN, O, received_at),
        ROW_ONE(22, FIELD_WHEN, O, issued_at),
        ROW_ONE(24, FIELD_CODED, O, category),
};
const FieldTable table_obr = { "OBR", obr_rows, ELEMENTSOF(obr_rows) };

/* SPS-1 is a code in sub-components, where it has any. */
static Carebus__V1__Coded *specimen_read(Translation *t, Hl7Value value) {
        Hl7Value code = hl7_subcomponent(t->message, value, 1), system = hl7_subcomponent(t->message, value, 3);
        Carebus__V1__Coded *coded;
        char *words;

        if (hl7_presence(system) != HL7_PRESENT || hl7_presence(code) != HL7_PRESENT)
                return value_coded(t, value);
        coded = draft_coded_local(&t->draft, NULL, value_text(t, code),
                                  value_text(t, hl7_subcomponent(t->message, value, 2)));
        if (!coded || !coded->original)
                return coded;
        coded->original->display = coded->text;
        words = value_text(t, hl7_subcomponent(t->message, value, 9));
        coded->text = words ?: coded->text;
        coded_set_system(coded, value_text(t, system));
        return coded;
}

/* What OBR and SPM say of every OBX under them. */
static void panel_apply(Translation *t, const OrderGroup *group, O *o) {
        const Hl7Segment *spm = span_find(group->span, "SPM");

        if (spm)
                o->specimen = value_coded(t, hl7_field(t->message, spm, 4));
        if (group->orc) {
                o->order = value_entity(t, hl7_field(t->message, group->orc, 2));
                o->report = value_entity(t, hl7_field(t->message, group->orc, 3));
        }
        if (!group->obr)
                return;
        fields_apply(t, group->obr, obr_rows, ELEMENTSOF(obr_rows), o, "observation", /* cleared= */ NULL);
        o->observed_period = value_period(t, hl7_field(t->message, group->obr, 7),
                                          hl7_field(t->message, group->obr, 8));
        if (o->observed_period && !o->observed_period->end)
                o->observed_period = NULL;
        if (!o->specimen)
                o->specimen = specimen_read(t, hl7_component(t->message, hl7_field(t->message, group->obr, 15), 1));
}

void observed_read(Translation *t, const OrderGroup *group, const Hl7Segment *obx, Observed *ret) {
        O *o = draft_message(&t->draft, &carebus__v1__observation__descriptor);
        Carebus__V1__Quantity *unit;

        *ret = (Observed){
                .obx = obx, .last = obx, .group = group, .observation = o, .action = CAREBUS__V1__ACTION__ACTION_NEW
        };
        if (!o)
                return;
        ret->type = value_text(t, hl7_field(t->message, obx, 2)) ?: "";
        panel_apply(t, group, o);
        fields_apply(t, obx, obx_rows, ELEMENTSOF(obx_rows), o, "observation", /* cleared= */ NULL);
        if (!o->code)
                o->code = o->panel;
        if (!o->observed_at && group->obr)
                o->observed_at = value_when(t, hl7_field(t->message, group->obr, 7));
        state_read(t, group, ret);
        unit = unit_read(t, obx);
        if (observed_is_document(ret))
                ret->has_value = hl7_presence(hl7_field(t->message, obx, 5)) == HL7_PRESENT;
        else if (types[type_find(ret->type)].is_text)
                text_read(t, ret);
        else
                values_read(t, ret, unit);
        range_read(t, o, unit);
        for (const Hl7Segment *line = obx; line <= ret->last; line++)
                notes_add(t, line, group->span, &ret->notes);
}

/* ---- what a code may mean */

static void meaning_add(Meaning *list, size_t *n, const char *system, const char *code, const char *text) {
        if (code || text)
                list[(*n)++] = (Meaning){ .system = system, .code = code, .text = text };
}

size_t coded_meanings(const Translation *t, const char *path, const Carebus__V1__Coded *coded,
                      Meaning ret[MEANINGS_MAX]) {
        const Carebus__V1__OriginalCode *original = coded ? coded->original : NULL;
        const ProfileMap *map = profile_find_map(t->options->profile, path);
        const ProfileMapEntry *entry = NULL;
        size_t n = 0;

        if (!coded)
                return 0;
        if (map && original && original->code)
                entry = profile_map_find(map, original->code);
        if (entry)
                meaning_add(ret, &n, entry->to_system, entry->to_code, entry->to_display);
        meaning_add(ret, &n, coded->system, coded->code, coded->display);
        if (original)
                meaning_add(ret, &n, original->system, original->code, original->display);
        meaning_add(ret, &n, NULL, NULL, coded->text);
        return n;
}
