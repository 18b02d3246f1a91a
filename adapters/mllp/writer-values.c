/*
 * Values of the contract as the data types of HL7: the opposite of translate-values.c. All text goes through out_text() or
 * out_words(), and through nothing else.
 */
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "adapters/mllp/writer-rules.h"
#include "base/text.h"
#include "canon/normalise.h"
#include "canon/vocabulary.h"
#include "canon/when.h"

/* ---- character sets */

struct Encoder {
        iconv_t converter;
        char name[32];    /* of iconv */
        const char *said; /* MSH-18 */
};

/* HL7 table 0211. A set that is not there is said by its own name. */
static const struct {
        const char *charset, *said;
} charset_names[] = {
        { "UTF-8", "UNICODE UTF-8" }, { "ASCII", "ASCII" },
        { "US-ASCII", "ASCII" },      { "ISO-8859-1", "8859/1" },
        { "ISO-8859-2", "8859/2" },   { "ISO-8859-3", "8859/3" },
        { "ISO-8859-4", "8859/4" },   { "ISO-8859-5", "8859/5" },
        { "ISO-8859-6", "8859/6" },   { "ISO-8859-7", "8859/7" },
        { "ISO-8859-8", "8859/8" },   { "ISO-8859-9", "8859/9" },
        { "ISO-8859-15", "8859/15" }, { "WINDOWS-1252", "WINDOWS-1252" },
        { "CP1252", "WINDOWS-1252" }, { "WINDOWS-1250", "WINDOWS-1250" },
};

Encoder *encoder_free(Encoder *encoder) {
        if (!encoder)
                return NULL;
        if (encoder->converter != (iconv_t)-1)
                iconv_close(encoder->converter);
        free(encoder);
        return NULL;
}

/* Only sets in which every byte below 0x80 is the letter of ASCII: in another one a letter may hold a separator. */
static const char *charset_said(const char *charset) {
        for (size_t i = 0; i < ELEMENTSOF(charset_names); i++)
                if (strcasecmp(charset_names[i].charset, charset) == 0)
                        return charset_names[i].said;
        return NULL;
}

int encoder_new(const char *charset, Encoder **ret) {
        _cleanup_(encoder_freep) Encoder *encoder = NULL;

        if (!charset || strcasecmp(charset, "UTF-8") == 0) {
                *ret = NULL;
                return 0;
        }
        encoder = calloc(1, sizeof(*encoder));
        if (!encoder)
                return -ENOMEM;
        encoder->said = charset_said(charset);
        snprintf(encoder->name, sizeof(encoder->name), "%s", charset);
        encoder->converter = encoder->said ? iconv_open(encoder->name, "UTF-8") : (iconv_t)-1;
        if (encoder->converter == (iconv_t)-1)
                return -EINVAL;
        *ret = TAKE_PTR(encoder);
        return 0;
}

const char *encoder_name(const Encoder *encoder) {
        return encoder ? encoder->said : "UNICODE UTF-8";
}

static size_t letter_size(const char *text) {
        uint8_t first = (uint8_t)*text;
        size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

        return strnlen(text, size);
}

static bool letter_fits(const Encoder *encoder, const char *text, size_t size) {
        char out[8], *from = (char *)text, *to = out;
        size_t room = sizeof(out);

        (void)iconv(encoder->converter, NULL, NULL, NULL, NULL);
        return iconv(encoder->converter, &from, &size, &to, &room) == 0 && size == 0;
}

const char *encoder_fit(const Encoder *encoder, Arena *arena, const char *text) {
        char *copy, *at;

        if (!encoder)
                return text;
        copy = at = arena_alloc(arena, strlen(text) + 1);
        if (!copy)
                return NULL;
        for (size_t size; *text; text += size) {
                size = letter_size(text);
                if (size > 1 && !letter_fits(encoder, text, size))
                        *at++ = '?';
                else
                        at = mempcpy(at, text, size);
        }
        *at = 0;
        return copy;
}

int encoder_append(const Encoder *encoder, Bytes message, Buffer *ret) {
        char *from = (char *)message.data, *to;
        size_t left = message.size, room = message.size;

        if (!encoder) {
                buffer_append_bytes(ret, message);
                return ret->error;
        }
        /* Sets of single bytes: nothing becomes longer. */
        to = (char *)buffer_reserve(ret, message.size);
        if (!to)
                return -ENOMEM;
        (void)iconv(encoder->converter, NULL, NULL, NULL, NULL);
        if (iconv(encoder->converter, &from, &left, &to, &room) == (size_t)-1)
                return -EILSEQ;
        buffer_advance(ret, message.size - room);
        return 0;
}

/* ---- one value */

static char *put_hex(char *at, uint8_t escape, uint8_t byte) {
        static const char digits[] = "0123456789ABCDEF";

        *at++ = (char)escape;
        *at++ = 'X';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
        *at++ = (char)escape;
        return at;
}

static char letter_of_separator(const Hl7Separators *separators, uint8_t byte) {
        const struct {
                uint8_t byte;
                char letter;
        } letters[] = {
                { separators->field, 'F' },  { separators->component, 'S' },    { separators->repeat, 'R' },
                { separators->escape, 'E' }, { separators->subcomponent, 'T' },
        };

        for (size_t i = 0; i < ELEMENTSOF(letters); i++)
                if (letters[i].byte == byte)
                        return letters[i].letter;
        return 0;
}

/* What is nothing but spaces and quotation marks would be taken for nothing, or for an order to empty the field. */
static bool says_nothing(const char *text) {
        return text[strspn(text, " \"")] == 0;
}

/* At most five bytes for one. */
static char *escape(const Out *out, const char *text, bool has_lines) {
        uint8_t mark = out->separators.escape;
        bool is_hidden = says_nothing(text);
        size_t size = strlen(text);
        char *escaped = arena_alloc(out->arena, size * 5 + 1), *at = escaped;

        for (size_t i = 0; escaped && i < size; i++) {
                uint8_t byte = (uint8_t)text[i];
                char letter = letter_of_separator(&out->separators, byte);

                if (letter) {
                        *at++ = (char)mark;
                        *at++ = letter;
                        *at++ = (char)mark;
                } else if (byte == '\n' && has_lines) {
                        *at++ = (char)mark;
                        at = mempcpy(at, ".br", 3);
                        *at++ = (char)mark;
                } else if (byte < ' ' || byte == 0x7F || (byte == '"' && is_hidden) ||
                           (byte == ' ' && (i == 0 || i == size - 1)))
                        at = put_hex(at, mark, byte);
                else
                        *at++ = (char)byte;
        }
        if (escaped)
                *at = 0;
        return escaped;
}

static char *text_with(Out *out, const char *text, bool has_lines) {
        char *escaped;

        if (!text || !*text)
                return NULL;
        text = encoder_fit(out->encoder, out->arena, text);
        escaped = text ? escape(out, text, has_lines) : NULL;
        out->is_full = out->is_full || !escaped;
        return escaped;
}

char *out_text(Out *out, const char *text) {
        return text_with(out, text, /* has_lines= */ false);
}

char *out_words(Out *out, const char *text) {
        return text_with(out, text, /* has_lines= */ true);
}

char *out_join(Out *out, uint8_t separator, char *const *parts, size_t n_parts) {
        size_t size = 1;
        char *text, *at;

        while (n_parts > 0 && !parts[n_parts - 1])
                n_parts--;
        if (n_parts == 0)
                return NULL;
        for (size_t i = 0; i < n_parts; i++)
                size += (parts[i] ? strlen(parts[i]) : 0) + 1;
        text = at = out_alloc(out, size);
        for (size_t i = 0; text && i < n_parts; i++) {
                if (i > 0)
                        *at++ = (char)separator;
                if (parts[i])
                        at = stpcpy(at, parts[i]);
        }
        return text;
}

/* ---- codes */

static const char *code_of_own_maps(const Out *out, const char *path, const char *code) {
        const ProfileOut *settings = out->settings;

        for (size_t i = 0; path && code && i < settings->n_maps; i++) {
                if (strcmp(settings->maps[i].path, path) != 0)
                        continue;
                for (size_t j = 0; j < settings->maps[i].n_entries; j++)
                        if (strcmp(settings->maps[i].entries[j].code, code) == 0)
                                return settings->maps[i].entries[j].to;
        }
        return NULL;
}

/* Tables of HL7 whose codes every receiver knows. */
static const struct {
        const char *path, *system, *code, *said;
} own_tables[] = {
        { "demographics.sex", "http://hl7.org/fhir/administrative-gender", "male", "M" },
        { "demographics.sex", "http://hl7.org/fhir/administrative-gender", "female", "F" },
        { "demographics.sex", "http://hl7.org/fhir/administrative-gender", "other", "O" },
        { "demographics.sex", "http://hl7.org/fhir/administrative-gender", "unknown", "U" },
        { "encounter.class", SYSTEM_ACT_CODE, "IMP", "I" },
        { "encounter.class", SYSTEM_ACT_CODE, "EMER", "E" },
        { "encounter.class", SYSTEM_ACT_CODE, "AMB", "O" },
        { "encounter.class", SYSTEM_ACT_CODE, "PRENC", "P" },
        { "encounter.class", SYSTEM_ACT_CODE, "ACUTE", "I" },
        { "encounter.class", SYSTEM_ACT_CODE, "NONAC", "I" },
        { "encounter.class", SYSTEM_ACT_CODE, "SS", "I" },
        { "encounter.class", SYSTEM_ACT_CODE, "OBSENC", "I" },
        { "encounter.class", SYSTEM_ACT_CODE, "VR", "O" },
        { "encounter.class", SYSTEM_ACT_CODE, "HH", "O" },
        { "encounter.class", SYSTEM_ACT_CODE, "FLD", "O" },
};

static const char *code_of_tables(const char *path, const Carebus__V1__Coded *coded) {
        for (size_t i = 0; i < ELEMENTSOF(own_tables); i++)
                if (strcmp(own_tables[i].path, path) == 0 && text_equal(own_tables[i].system, coded->system) &&
                    text_equal(own_tables[i].code, coded->code))
                        return own_tables[i].said;
        return NULL;
}

/* A map backwards: of several codes that mean the same, the one that was said, else the first. */
static const char *code_of_maps_backwards(const Out *out, const char *path, const Carebus__V1__Coded *coded) {
        const ProfileMap *map = profile_find_map(out->options->profile, path);
        const char *said = coded->original ? coded->original->code : NULL, *first = NULL;

        for (size_t i = 0; map && i < map->n_entries; i++) {
                const ProfileMapEntry *entry = &map->entries[i];

                if (!text_equal(entry->to_code, coded->code) || !text_equal(entry->to_system, coded->system))
                        continue;
                if (text_equal(entry->code, said))
                        return entry->code;
                first = first ?: entry->code;
        }
        return first;
}

static const char *receivers_code(const Out *out, const char *path, const Carebus__V1__Coded *coded) {
        const char *code;

        if (!path || !coded->code)
                return NULL;
        code = code_of_own_maps(out, path, coded->code);
        code = code ?: code_of_tables(path, coded);
        return code ?: code_of_maps_backwards(out, path, coded);
}

const char *coded_words(const Carebus__V1__Coded *coded) {
        const Carebus__V1__OriginalCode *original = coded ? coded->original : NULL;

        if (!coded)
                return NULL;
        /* The code alone is no words where there are any. */
        if (coded->text && (!coded->display || !text_equal(coded->text, coded->code)))
                return coded->text;
        if (coded->display)
                return coded->display;
        return original && original->display ? original->display : coded->code ?: original ? original->code : NULL;
}

static char *system_text(Out *out, const char *system) {
        return out_text(out, code_system_said(system) ?: system);
}

/*
 * The first three parts are the code that the receiver knows, else the one that was said; the next three are the shared one, where it is
 * another; the ninth are the words, where no name of a code says them.
 */
char *out_coded_between(Out *out, const char *path, const Carebus__V1__Coded *coded, uint8_t separator) {
        const Carebus__V1__OriginalCode *original = coded ? coded->original : NULL;
        char *parts[9] = { NULL };
        const char *own, *name;
        bool is_shared_first;

        if (!coded)
                return NULL;
        own = receivers_code(out, path, coded);
        is_shared_first = !own && coded->code &&
                          (!original || !original->code || text_equal(original->code, coded->code));
        name = is_shared_first ? coded->display : original ? original->display : NULL;
        if (own)
                parts[0] = out_text(out, own);
        else if (is_shared_first) {
                bool is_as_said = original && text_equal(code_system_meant(original->system), coded->system);

                parts[0] = out_text(out, coded->code);
                parts[2] = is_as_said ? out_text(out, original->system) : system_text(out, coded->system);
        } else if (original) {
                parts[0] = out_text(out, original->code);
                parts[2] = out_text(out, original->system);
        }
        parts[1] = out_text(out, name);
        if (coded->code && !is_shared_first) {
                parts[3] = out_text(out, coded->code);
                parts[4] = out_text(out, coded->display);
                parts[5] = system_text(out, coded->system);
        }
        if (coded->text && !text_equal(coded->text, name)) {
                if (!parts[1] && !coded->display)
                        parts[1] = out_text(out, coded->text);
                else
                        parts[8] = out_text(out, coded->text);
        }
        return out_join(out, separator, parts, ELEMENTSOF(parts));
}

char *out_coded(Out *out, const char *path, const Carebus__V1__Coded *coded) {
        return out_coded_between(out, path, coded, out->separators.component);
}

char *out_code(Out *out, const char *path, const Carebus__V1__Coded *coded) {
        const char *own;

        if (!coded)
                return NULL;
        own = receivers_code(out, path, coded);
        if (own)
                return out_text(out, own);
        if (coded->original && coded->original->code)
                return out_text(out, coded->original->code);
        return out_text(out, coded->code ?: coded_words(coded));
}

/* ---- times */

/* Characters of YYYYMMDDHHMMSS by precision. */
static const uint8_t when_lengths[] = {
        [CAREBUS__V1__WHEN__PRECISION__PRECISION_UNKNOWN] = 14, [CAREBUS__V1__WHEN__PRECISION__PRECISION_YEAR] = 4,
        [CAREBUS__V1__WHEN__PRECISION__PRECISION_MONTH] = 6,    [CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY] = 8,
        [CAREBUS__V1__WHEN__PRECISION__PRECISION_HOUR] = 10,    [CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE] = 12,
        [CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND] = 14,  [CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION] = 14,
};

static bool wants_offset(const Out *out, const CivilTime *local, int64_t utc_at) {
        const char *rule = out->settings->offset ?: "needed";

        if (strcmp(rule, "always") == 0)
                return true;
        /* The hour that comes twice, and whatever else the clock on the wall does not tell. */
        return strcmp(rule, "never") != 0 && zone_to_utc(out->zone, local) / 1000000 != utc_at / 1000000;
}

/* The local time; a fraction has four digits at most by the standard, and is cut. */
static char *moment_text(Out *out, int64_t utc_at, Carebus__V1__When__Precision precision) {
        int32_t offset = zone_offset(out->zone, utc_at);
        CivilTime local;
        char digits[24], fraction[8] = "", shift[8] = "";

        local = civil_from_utc(utc_at + (int64_t)offset * 1000000);
        if (local.year < 1 || local.year > 9999)
                return NULL;
        snprintf(digits, sizeof(digits), "%04d%02u%02u%02u%02u%02u", (int)local.year % 10000,
                 (unsigned)local.month % 100, (unsigned)local.day % 100, (unsigned)local.hour % 100,
                 (unsigned)local.minute % 100, (unsigned)local.second % 100);
        digits[when_lengths[precision]] = 0;
        if (precision == CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION)
                snprintf(fraction, sizeof(fraction), ".%04u", (unsigned)(local.microsecond / 100) % 10000);
        if (wants_offset(out, &local, utc_at))
                snprintf(shift, sizeof(shift), "%c%02d%02d", offset < 0 ? '-' : '+', abs(offset) / 3600 % 100,
                         abs(offset) / 60 % 60);
        return out_format(out, "%s%s%s", digits, fraction, shift);
}

/* A year, a month or a day is the same in every zone: as its digits were said. */
static char *day_text(Out *out, const char *text, Carebus__V1__When__Precision precision) {
        CalendarDate day;
        char digits[24];

        if (!text || date_read(text, &day) != 0)
                return NULL;
        snprintf(digits, sizeof(digits), "%04u%02u%02u", day.year % 10000, day.month % 100, day.day % 100);
        digits[when_lengths[precision]] = 0;
        return out_format(out, "%s", digits);
}

char *out_when(Out *out, const Carebus__V1__When *when) {
        Moment moment;

        if (!when)
                return NULL;
        if (when->has_utc_at)
                moment = (Moment){ .utc_at = when->utc_at,
                                   .precision = when->has_precision
                                                        ? when->precision
                                                        : CAREBUS__V1__WHEN__PRECISION__PRECISION_FRACTION };
        else if (!when->text || moment_read(when->text, out->zone, &moment) != 0)
                return NULL;
        if ((unsigned)moment.precision >= ELEMENTSOF(when_lengths))
                moment.precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND;
        if (moment.precision != CAREBUS__V1__WHEN__PRECISION__PRECISION_UNKNOWN &&
            moment.precision <= CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY) {
                char *day = day_text(out, when->text, moment.precision);

                if (day)
                        return day;
        }
        return moment_text(out, moment.utc_at, moment.precision);
}

char *out_time(Out *out, int64_t utc_at) {
        return moment_text(out, utc_at, CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND);
}

char *out_date(Out *out, const Carebus__V1__Date *date) {
        CalendarDate day = { 0 };

        if (!date)
                return NULL;
        if (date->has_year)
                day = (CalendarDate){ .year = date->year,
                                      .month = date->has_month ? date->month : 0,
                                      .day = date->has_day ? date->day : 0 };
        else if (!date->text || date_read(date->text, &day) != 0)
                return NULL;
        if (day.year == 0 || day.year > 9999 || day.month > 12 || day.day > 31)
                return NULL;
        if (day.month == 0)
                return out_format(out, "%04u", day.year);
        if (day.day == 0)
                return out_format(out, "%04u%02u", day.year, day.month);
        return out_format(out, "%04u%02u%02u", day.year, day.month, day.day);
}

/* ---- identifiers */

#define OWN_SYSTEM "carebus:"

/* Whether what was said names the same authority to who reads the message. */
static bool authority_leads_to(const Out *out, const Carebus__V1__Identifier *identifier, const char *system) {
        const ProfileAuthority *rule = canon_authority(out->options->profile, identifier->authority, identifier->type);
        size_t n = identifier->authority ? strcspn(identifier->authority, "&") : 0;

        if (rule)
                return text_equal(rule->system, system);
        return n > 0 && text_starts_with(system, OWN_SYSTEM) && strlen(system) == n + strlen(OWN_SYSTEM) &&
               strncmp(system + strlen(OWN_SYSTEM), identifier->authority, n) == 0;
}

/* NAMESPACE&UNIVERSAL&TYPE for a system, as the receiver calls it; `ret_type` (CX.5) where its name goes by that. */
static const char *authority_of_system(Out *out, const Carebus__V1__Identifier *identifier, const char **ret_type) {
        const Profile *profile = out->options->profile;
        const char *system = identifier->system;

        if (!system || authority_leads_to(out, identifier, system))
                return identifier->authority;
        for (size_t i = 0; i < profile->n_authorities; i++)
                if (text_equal(profile->authorities[i].system, system)) {
                        *ret_type = profile->authorities[i].type ?: *ret_type;
                        return profile->authorities[i].authority;
                }
        if (text_starts_with(system, OWN_SYSTEM))
                return system + strlen(OWN_SYSTEM);
        if (text_starts_with(system, "urn:oid:"))
                return out_format(out, "&%s&ISO", system + strlen("urn:oid:"));
        return out_format(out, "&%s&URI", system);
}

/* Up to three parts of an authority, each escaped. */
static size_t authority_parts(Out *out, const char *authority, char *ret[3]) {
        size_t n = 0;

        while (authority && n < 3) {
                /* The last has whatever is left: a URI may hold an ampersand. */
                size_t size = n == 1 && strrchr(authority, '&') ? (size_t)(strrchr(authority, '&') - authority)
                                                                : strcspn(authority, "&");
                char *part = out_alloc(out, size + 1);

                if (!part)
                        return n;
                memcpy(part, authority, size);
                ret[n++] = out_text(out, part);
                authority = authority[size] ? authority + size + 1 : NULL;
        }
        return n;
}

static bool is_nhs_number(const Carebus__V1__Identifier *identifier) {
        return text_equal(identifier->system, "https://fhir.nhs.uk/Id/nhs-number");
}

static char *assigner(Out *out, const Carebus__V1__Identifier *identifier, const char **ret_type) {
        char *parts[3] = { NULL };

        *ret_type = identifier->type ?: is_nhs_number(identifier) ? "NH" : NULL;
        authority_parts(out, authority_of_system(out, identifier, ret_type), parts);
        return out_join(out, out->separators.subcomponent, parts, 3);
}

char *out_identifier(Out *out, const Carebus__V1__Identifier *identifier) {
        const char *type;
        char *authority;

        if (!identifier || !identifier->value || !*identifier->value)
                return NULL;
        authority = assigner(out, identifier, &type);
        return OUT_COMPONENTS(out, out_text(out, identifier->value), NULL, NULL, authority, out_text(out, type));
}

char *out_entity(Out *out, const Carebus__V1__Identifier *identifier) {
        char *parts[4] = { NULL };
        const char *type = NULL;

        if (!identifier || !identifier->value || !*identifier->value)
                return NULL;
        parts[0] = out_text(out, identifier->value);
        authority_parts(out, authority_of_system(out, identifier, &type), parts + 1);
        return out_join(out, out->separators.component, parts, 4);
}

char *out_own_entity(Out *out) {
        const char *id = out->item->event->event_id;

        return id ? OUT_COMPONENTS(out, out_text(out, id), out_text(out, out->options->bus)) : NULL;
}

/* ---- names, addresses, telephones */

static char *texts_joined(Out *out, char *const *texts, size_t n, const char *between) {
        char *text = NULL;

        for (size_t i = 0; i < n; i++)
                if (texts[i] && *texts[i])
                        text = text ? out_format(out, "%s%s%s", text, between, texts[i])
                                    : out_format(out, "%s", texts[i]);
        return text;
}

/* All but the first. */
static char *further_of(Out *out, char *const *texts, size_t n, const char *between) {
        return n > 1 ? out_text(out, texts_joined(out, texts + 1, n - 1, between)) : NULL;
}

char *name_words(Out *out, const Carebus__V1__HumanName *name) {
        char *parts[4];

        if (!name)
                return NULL;
        parts[0] = texts_joined(out, name->prefix, name->n_prefix, " ");
        parts[1] = texts_joined(out, name->given, name->n_given, " ");
        parts[2] = name->family;
        parts[3] = texts_joined(out, name->suffix, name->n_suffix, " ");
        return texts_joined(out, parts, ELEMENTSOF(parts), " ") ?: name->text;
}

/* As it was said, where that means this use; else by the table. */
static const char *use_word(UseTable table, const char *original, const char *use) {
        return original && (!use || text_equal(use_meant(table, original), use)) ? original : use_said(table, use);
}

char *out_name(Out *out, const Carebus__V1__HumanName *name) {
        if (!name)
                return NULL;
        if (!name->family && name->n_given == 0)
                return out_text(out, name->text);
        return OUT_COMPONENTS(out, out_text(out, name->family), out_text(out, name->n_given ? name->given[0] : NULL),
                              further_of(out, name->given, name->n_given, " "),
                              out_text(out, name->n_suffix ? name->suffix[0] : NULL),
                              out_text(out, texts_joined(out, name->prefix, name->n_prefix, " ")),
                              further_of(out, name->suffix, name->n_suffix, " "),
                              out_text(out, use_word(USE_OF_NAME, name->original_use, name->use)), NULL, NULL, NULL,
                              NULL, name->period ? out_when(out, name->period->start) : NULL,
                              name->period ? out_when(out, name->period->end) : NULL);
}

char *out_address(Out *out, const Carebus__V1__Address *address) {
        size_t n;
        char *period = NULL;

        if (!address)
                return NULL;
        n = address->n_line;
        if (address->period)
                period = out_join(out, out->separators.subcomponent,
                                  (char *const[]){ out_when(out, address->period->start),
                                                   out_when(out, address->period->end) },
                                  2);
        if (n == 0 && !address->city && !address->district && !address->postal_code && !address->country)
                return out_text(out, address->text);
        return OUT_COMPONENTS(out, out_text(out, n ? address->line[0] : NULL), further_of(out, address->line, n, ", "),
                              out_text(out, address->city), out_text(out, address->district),
                              out_text(out, address->postal_code), out_text(out, address->country),
                              out_text(out, use_word(USE_OF_ADDRESS, address->original_use, address->use)), NULL, NULL,
                              NULL, NULL, period);
}

/* XTN-2 and XTN-3. */
static const struct {
        const char *system, *use, *said_use, *equipment;
} telecom_words[] = {
        { "email", NULL, "NET", "Internet" }, { "phone", "mobile", "PRN", "CP" }, { "sms", NULL, "PRN", "CP" },
        { "phone", "home", "PRN", "PH" },     { "phone", "work", "WPN", "PH" },   { "phone", "emergency", "EMR", "PH" },
        { "phone", "temp", "TEMP", "PH" },    { "phone", NULL, NULL, "PH" },      { "fax", NULL, NULL, "FX" },
        { "pager", NULL, NULL, "BP" },
};

char *out_telecom(Out *out, const Carebus__V1__Telecom *telecom) {
        const char *use = NULL, *equipment = NULL;
        bool is_mail = telecom && text_equal(telecom->system, "email");
        char *parts[18] = { NULL };

        if (!telecom || !telecom->value || !*telecom->value)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(telecom_words) && !equipment; i++)
                if (text_equal(telecom_words[i].system, telecom->system ?: "phone") &&
                    (!telecom_words[i].use || text_equal(telecom_words[i].use, telecom->use))) {
                        use = telecom_words[i].said_use ?: use_said(USE_OF_TELECOM, telecom->use);
                        equipment = telecom_words[i].equipment;
                }
        /* Mail has the use of who owns it, where that is said; NET stands for none. */
        if (is_mail && use_said(USE_OF_TELECOM, telecom->use))
                use = use_said(USE_OF_TELECOM, telecom->use);
        parts[is_mail ? 3 : 0] = out_text(out, telecom->value);
        parts[1] = out_text(out, use);
        parts[2] = out_text(out, equipment);
        if (telecom->has_rank)
                parts[17] = out_format(out, "%u", telecom->rank);
        return out_join(out, out->separators.component, parts, ELEMENTSOF(parts));
}

/* ---- organisations, people who work there, places */

char *out_organisation(Out *out, const Carebus__V1__Organisation *organisation) {
        const Carebus__V1__Identifier *number = organisation ? organisation->identifier : NULL;
        char *parts[10] = { NULL };
        const char *type = NULL;

        if (!organisation)
                return NULL;
        parts[0] = out_text(out, organisation->name);
        if (number && number->value) {
                parts[out_is_from(out, "2.5") ? 9 : 2] = out_text(out, number->value);
                parts[5] = assigner(out, number, &type);
                parts[6] = out_text(out, type);
        }
        return parts[0] || (number && number->value) ? out_join(out, out->separators.component, parts, 10) : NULL;
}

char *out_practitioner(Out *out, const Carebus__V1__Practitioner *practitioner) {
        const Carebus__V1__HumanName *name = practitioner ? practitioner->name : NULL;
        const Carebus__V1__Identifier *number = practitioner ? practitioner->identifier : NULL;
        char *parts[13] = { NULL };
        const char *type = NULL;

        if (number && number->value) {
                parts[0] = out_text(out, number->value);
                parts[8] = assigner(out, number, &type);
                parts[12] = out_text(out, type);
        }
        if (name && (name->family || name->n_given)) {
                parts[1] = out_text(out, name->family);
                parts[2] = out_text(out, name->n_given ? name->given[0] : NULL);
                parts[3] = further_of(out, name->given, name->n_given, " ");
                parts[4] = out_text(out, name->n_suffix ? name->suffix[0] : NULL);
                parts[6] = further_of(out, name->suffix, name->n_suffix, " ");
                parts[5] = out_text(out, texts_joined(out, name->prefix, name->n_prefix, " "));
        } else if (name)
                parts[1] = out_text(out, name->text);
        return out_join(out, out->separators.component, parts, ELEMENTSOF(parts));
}

char *out_place(Out *out, const Carebus__V1__Place *place) {
        const char *facility;

        if (!place)
                return NULL;
        facility = place->facility;
        if (!facility && place->organisation)
                facility = place->organisation->identifier ? place->organisation->identifier->value
                                                           : place->organisation->name;
        return OUT_COMPONENTS(out, out_text(out, place->point_of_care), out_text(out, place->room),
                              out_text(out, place->bed), out_text(out, facility), out_text(out, place->status),
                              out_text(out, place->kind), out_text(out, place->building), out_text(out, place->floor),
                              out_text(out, place->text));
}

char *out_unit(Out *out, const Carebus__V1__Quantity *quantity) {
        if (!quantity)
                return NULL;
        if (quantity->unit)
                return OUT_COMPONENTS(out, out_text(out, quantity->unit),
                                      text_equal(quantity->unit, quantity->original_unit)
                                              ? NULL
                                              : out_text(out, quantity->original_unit),
                                      out_text(out, "UCUM"));
        return out_text(out, quantity->original_unit);
}
