/* Values of the contract as data types of R4. What was said in a form that R4 has stays as it was said. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/write-rules.h"
#include "base/clock.h"
#include "base/text.h"
#include "canon/vocabulary.h"
#include "canon/when.h"

#define PRECISION(name) CAREBUS__V1__WHEN__PRECISION__PRECISION_##name

/* R4: uri has no blanks, code has single ones inside at most. */
static bool is_uri(const char *text) {
        if (!text || !strchr(text, ':'))
                return false;
        for (; *text; text++)
                if ((unsigned char)*text <= ' ')
                        return false;
        return true;
}

static bool is_code(const char *text) {
        bool was_blank = true;

        if (!text || !*text)
                return false;
        for (; *text; text++) {
                if ((unsigned char)*text < ' ' || (*text == ' ' && was_blank))
                        return false;
                was_blank = *text == ' ';
        }
        return !was_blank;
}

/* ---- codes */

static const char *coding_system(Writer *w, const char *system) {
        char *named;

        if (!system || !system[0] || is_uri(system))
                return system;
        for (const char *c = system; *c; c++)
                if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
                        return NULL;
        named = arena_format(w->arena, SYSTEM_TABLE "%s", system);
        w->is_full = w->is_full || !named;
        return named;
}

static JsonNode *coding_new(Writer *w, const char *system, const char *code, const char *display) {
        JsonNode *coding = tree_object(w);

        if (!coding)
                return NULL;
        tree_put_text(w, coding, "system", coding_system(w, system));
        if (is_code(code))
                tree_put_text(w, coding, "code", code);
        tree_put_text(w, coding, "display", display);
        return tree_or_null(coding);
}

/* The source's own code, where it is not the shared one again. */
static JsonNode *original_new(Writer *w, const Carebus__V1__Coded *coded) {
        const Carebus__V1__OriginalCode *original = coded->original;
        JsonNode *coding;

        if (!original || (!original->code && !original->display) ||
            (text_equal(original->code, coded->code) &&
             (!original->system || text_equal(original->system, coded->system))))
                return NULL;
        coding = coding_new(w, original->system, original->code, original->display);
        if (coding && coded->code)
                tree_put(w, coding, "userSelected", tree_truth(w, true));
        return coding;
}

JsonNode *write_coded(Writer *w, const Carebus__V1__Coded *coded) {
        JsonNode *concept = coded ? tree_object(w) : NULL;

        if (!concept)
                return NULL;
        if (coded->code || coded->display)
                tree_put(w, concept, "coding[]", coding_new(w, coded->system, coded->code, coded->display));
        tree_put(w, concept, "coding[]", original_new(w, coded));
        tree_put_text(w, concept, "text", coded->text);
        return tree_or_null(concept);
}

JsonNode *write_coding(Writer *w, const Carebus__V1__Coded *coded) {
        if (!coded)
                return NULL;
        if (coded->code || coded->display)
                return coding_new(w, coded->system, coded->code, coded->display ?: coded->text);
        return coded->original ? coding_new(w, coded->original->system, coded->original->code,
                                            coded->original->display ?: coded->text)
                               : coding_new(w, NULL, NULL, coded->text);
}

JsonNode *write_code(Writer *w, const Carebus__V1__Coded *coded) {
        const char *code = !coded ? NULL : coded->code ? coded->code : coded->original ? coded->original->code : NULL;

        return is_code(code) ? tree_text(w, code) : NULL;
}

/* ---- times */

/* YYYY, YYYY-MM, YYYY-MM-DD, or all of it to the second with a zone. */
static bool is_date_time(const char *text) {
        static const char pattern[] = "dddd-dd-ddTdd:dd:dd";
        size_t n = 0;

        while (pattern[n] && (pattern[n] == 'd' ? isdigit((unsigned char)text[n]) : text[n] == pattern[n]))
                n++;
        if (n == 4 || n == 7 || n == 10)
                return !text[n];
        if (n < sizeof(pattern) - 1)
                return false;
        if (text[n] == '.') {
                size_t digits = strspn(text + n + 1, "0123456789");

                if (digits == 0)
                        return false;
                n += digits + 1;
        }
        if (text[n] == 'Z')
                return !text[n + 1];
        return (text[n] == '+' || text[n] == '-') && isdigit((unsigned char)text[n + 1]) &&
               isdigit((unsigned char)text[n + 2]) && text[n + 3] == ':' && isdigit((unsigned char)text[n + 4]) &&
               isdigit((unsigned char)text[n + 5]) && !text[n + 6];
}

static JsonNode *formatted(Writer *w, int64_t utc_at, Carebus__V1__When__Precision precision) {
        int32_t offset = zone_offset(w->zone, utc_at);
        CivilTime civil = civil_from_utc(utc_at + (int64_t)offset * USEC_PER_SEC);
        int64_t fraction = ((utc_at % USEC_PER_SEC) + USEC_PER_SEC) % USEC_PER_SEC;
        char text[64], part[16] = "";
        int32_t minutes = (offset < 0 ? -offset : offset) / 60;

        if (civil.year < 1 || civil.year > 9999)
                return NULL;
        if (precision == PRECISION(YEAR))
                snprintf(text, sizeof(text), "%04d", civil.year);
        else if (precision == PRECISION(MONTH))
                snprintf(text, sizeof(text), "%04d-%02d", civil.year, civil.month);
        else if (precision == PRECISION(DAY))
                snprintf(text, sizeof(text), "%04d-%02d-%02d", civil.year, civil.month, civil.day);
        else {
                if (fraction)
                        snprintf(part, sizeof(part), ".%06d", (int)fraction);
                snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%s%c%02d:%02d", civil.year, civil.month,
                         civil.day, civil.hour, civil.minute, civil.second, part, offset < 0 ? '-' : '+', minutes / 60,
                         minutes % 60);
        }
        return tree_text(w, arena_text(w->arena, text, strlen(text)));
}

/* What was said, where its form is one of R4; else the moment that it means. What nobody could read is no date in R4. */
JsonNode *write_when(Writer *w, const Carebus__V1__When *when) {
        Moment moment;

        if (!when)
                return NULL;
        if (when->text && is_date_time(when->text) && moment_read(when->text, w->zone, &moment) == 0)
                return tree_text(w, when->text);
        if (when->has_utc_at)
                return formatted(w, when->utc_at, when->has_precision ? when->precision : PRECISION(SECOND));
        if (!when->text || moment_read(when->text, w->zone, &moment) != 0)
                return NULL;
        return formatted(w, moment.utc_at, moment.precision);
}

JsonNode *write_instant(Writer *w, const Carebus__V1__When *when) {
        JsonNode *node = write_when(w, when);

        return node && strchr(node->text, 'T') ? node : NULL;
}

JsonNode *write_moment(Writer *w, int64_t utc_at) {
        return formatted(w, utc_at, PRECISION(FRACTION));
}

JsonNode *write_date(Writer *w, const Carebus__V1__Date *date) {
        CalendarDate read;
        char text[32];

        if (!date)
                return NULL;
        read = (CalendarDate){ date->year, date->month, date->day };
        if (!date->has_year && (!date->text || date_read(date->text, &read) != 0))
                return NULL;
        if (read.year < 1 || read.year > 9999 || read.month > 12 || read.day > 31)
                return NULL;
        if (read.month == 0)
                snprintf(text, sizeof(text), "%04u", read.year);
        else if (read.day == 0)
                snprintf(text, sizeof(text), "%04u-%02u", read.year, read.month);
        else
                snprintf(text, sizeof(text), "%04u-%02u-%02u", read.year, read.month, read.day);
        return tree_text(w, arena_text(w->arena, text, strlen(text)));
}

JsonNode *write_span(Writer *w, const Carebus__V1__When *start, const Carebus__V1__When *end) {
        JsonNode *period = tree_object(w);

        if (!period)
                return NULL;
        tree_put(w, period, "start", write_when(w, start));
        tree_put(w, period, "end", write_when(w, end));
        return tree_or_null(period);
}

JsonNode *write_period(Writer *w, const Carebus__V1__Period *period) {
        return period ? write_span(w, period->start, period->end) : NULL;
}

/* ---- the rest */

JsonNode *write_extension(Writer *w, const char *url, const char *value_name, JsonNode *value) {
        JsonNode *extension = value ? tree_object(w) : NULL;

        if (!extension)
                return NULL;
        tree_put_text(w, extension, "url", url);
        tree_put(w, extension, value_name, value);
        return extension;
}

/* Of an NHS number, whether it was traced. */
static void put_verification(Writer *w, const Carebus__V1__Identifier *identifier, JsonNode *node) {
        JsonNode *coding;

        if (!identifier->status_code || !is_code(identifier->status_code))
                return;
        coding = tree_object(w);
        if (!coding)
                return;
        tree_put_text(w, coding, "coding[0].system",
                      "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus");
        tree_put_text(w, coding, "coding[0].code", identifier->status_code);
        tree_put(w, node, "extension[]",
                 write_extension(w, UK_EXTENSION "NHSNumberVerificationStatus", "valueCodeableConcept", coding));
}

JsonNode *write_identifier(Writer *w, const Carebus__V1__Identifier *identifier) {
        JsonNode *node = identifier && identifier->value ? tree_object(w) : NULL;

        if (!node)
                return NULL;
        put_verification(w, identifier, node);
        if (identifier->type && is_code(identifier->type))
                tree_put_text(w, node, "type.coding[0].code", identifier->type);
        if (is_uri(identifier->system))
                tree_put_text(w, node, "system", identifier->system);
        tree_put_text(w, node, "value", identifier->value);
        if (!identifier->system)
                tree_put_text(w, node, "assigner.display", identifier->authority);
        return json_peek(node, "value") ? node : NULL;
}

static void put_texts(Writer *w, JsonNode *node, const char *path, char *const *texts, size_t n) {
        for (size_t i = 0; i < n; i++)
                tree_put_text(w, node, path, texts[i]);
}

static bool is_word_of(const char *word, const char *const *words) {
        while (word && *words && strcmp(*words, word) != 0)
                words++;
        return word && *words;
}

JsonNode *write_name(Writer *w, const Carebus__V1__HumanName *name) {
        static const char *const uses[] = {
                "usual", "official", "temp", "nickname", "anonymous", "old", "maiden", NULL
        };
        JsonNode *node = name ? tree_object(w) : NULL;

        if (!node)
                return NULL;
        tree_put_text(w, node, "text", name->text);
        tree_put_text(w, node, "family", name->family);
        put_texts(w, node, "given[]", name->given, name->n_given);
        put_texts(w, node, "prefix[]", name->prefix, name->n_prefix);
        put_texts(w, node, "suffix[]", name->suffix, name->n_suffix);
        if (!tree_or_null(node))
                return NULL;
        if (is_word_of(name->use, uses))
                tree_put_text(w, node, "use", name->use);
        tree_put(w, node, "period", write_period(w, name->period));
        return node;
}

JsonNode *write_address(Writer *w, const Carebus__V1__Address *address) {
        static const char *const uses[] = { "home", "work", "temp", "old", NULL };
        JsonNode *node = address ? tree_object(w) : NULL;

        if (!node)
                return NULL;
        tree_put_text(w, node, "text", address->text);
        put_texts(w, node, "line[]", address->line, address->n_line);
        tree_put_text(w, node, "city", address->city);
        tree_put_text(w, node, "district", address->district);
        tree_put_text(w, node, "postalCode", address->postal_code);
        tree_put_text(w, node, "country", address->country);
        if (!tree_or_null(node))
                return NULL;
        if (is_word_of(address->use, uses))
                tree_put_text(w, node, "use", address->use);
        tree_put(w, node, "period", write_period(w, address->period));
        return node;
}

JsonNode *write_telecom(Writer *w, const Carebus__V1__Telecom *telecom) {
        static const char *const systems[] = { "phone", "fax", "email", "pager", "url", "sms", "other", NULL };
        static const char *const uses[] = { "home", "work", "temp", "old", "mobile", NULL };
        JsonNode *node = telecom && telecom->value ? tree_object(w) : NULL;

        if (!node)
                return NULL;
        if (is_word_of(telecom->system, systems))
                tree_put_text(w, node, "system", telecom->system);
        tree_put_text(w, node, "value", telecom->value);
        if (is_word_of(telecom->use, uses))
                tree_put_text(w, node, "use", telecom->use);
        if (telecom->has_rank && telecom->rank > 0)
                tree_put(w, node, "rank", tree_unsigned(w, telecom->rank));
        return json_peek(node, "value") ? node : NULL;
}

JsonNode *write_quantity(Writer *w, const Carebus__V1__Quantity *quantity) {
        static const char *const comparators[] = { "<", "<=", ">=", ">", NULL };
        JsonNode *node = quantity ? tree_object(w) : NULL;

        if (!node)
                return NULL;
        tree_put(w, node, "value", tree_number(w, quantity->value));
        if (is_word_of(quantity->comparator, comparators))
                tree_put_text(w, node, "comparator", quantity->comparator);
        tree_put_text(w, node, "unit", quantity->original_unit ?: quantity->unit);
        if (is_code(quantity->unit)) {
                tree_put_text(w, node, "system", SYSTEM_UCUM);
                tree_put_text(w, node, "code", quantity->unit);
        }
        return json_peek(node, "value") ? node : NULL;
}

JsonNode *write_annotation(Writer *w, const char *text) {
        JsonNode *node = text && text[0] ? tree_object(w) : NULL;

        tree_put_text(w, node, "text", text);
        return node;
}
