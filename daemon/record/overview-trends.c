/* How measures go: of one scale, one version and one kind of respondent, in the order of their times. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "canon/vocabulary.h"
#include "daemon/record/keys.h"
#include "daemon/record/overview-parts.h"

static const char *scale_name(const Carebus__V1__Coded *coded) {
        const Scale *scale = coded ? scale_find(coded->system, coded->code) : NULL;

        if (!scale && coded && coded->text)
                scale = scale_find_by_name(coded->text);
        if (scale)
                return scale->name;
        return coded ? coded->display ?: coded->text ?: coded->code ?: "" : "";
}

static const char *respondent_name(const Carebus__V1__Measure *measure) {
        static const char *const names[] = {
                [CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT] = "patient",
                [CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY] = "proxy",
                [CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF] = "staff",
                [CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT_WITH_HELP] = "patient-with-help",
        };

        if (measure->has_respondent && (size_t)measure->respondent < ELEMENTSOF(names) && names[measure->respondent])
                return names[measure->respondent];
        return measure->respondent_coded ? measure->respondent_coded->text ?: measure->respondent_coded->code : NULL;
}

/* A measurement and where it belongs. */
typedef struct Measured {
        const Carebus__V1__Fact *fact;
        const char *scale, *version, *respondent;
        const Carebus__V1__When *at;
} Measured;

static int series_order(const Measured *x, const Measured *y) {
        int order = strcmp(x->scale, y->scale);

        order = order ?: strcmp(x->version, y->version);
        return order ?: strcmp(x->respondent, y->respondent);
}

static int measured_order(const void *a, const void *b) {
        const Measured *x = a, *y = b;
        int64_t x_at = x->at ? x->at->utc_at : INT64_MIN, y_at = y->at ? y->at->utc_at : INT64_MIN;
        int order = series_order(x, y);

        if (order)
                return order;
        if (x_at != y_at)
                return x_at < y_at ? -1 : 1;
        order = strcmp(x->fact->key ?: "", y->fact->key ?: "");
        order = order ?: strcmp(x->fact->source ?: "", y->fact->source ?: "");
        return order ?: id_compare(x->fact->event_id, y->fact->event_id);
}

static const char *measure_value(const Carebus__V1__Measure *measure, Arena *arena) {
        const Carebus__V1__Coded *result = measure->result;

        if (measure->total && measure->total->value)
                return measure->total->comparator
                               ? text_joined(arena, measure->total->comparator, measure->total->value, NULL, NULL)
                               : measure->total->value;
        if (result)
                return result->text ?: result->display ?: result->code;
        return NULL;
}

/* A decimal as it was said, in its parts: its digits are its precision, and no number of a machine has them all. */
typedef struct Decimal {
        bool negative;
        const char *whole, *fraction;
        size_t n_whole, n_fraction;
} Decimal;

static bool decimal_read(const char *text, Decimal *ret) {
        Decimal decimal = { .negative = text && *text == '-' };

        if (!text)
                return false;
        text += decimal.negative;
        while (*text == '0')
                text++, decimal.whole = text;
        decimal.n_whole = strspn(text, "0123456789");
        if (decimal.n_whole == 0 && !decimal.whole)
                return false;
        decimal.whole = text;
        text += decimal.n_whole;
        decimal.fraction = *text == '.' ? ++text : text;
        decimal.n_fraction = strspn(text, "0123456789");
        text += decimal.n_fraction;
        while (decimal.n_fraction > 0 && decimal.fraction[decimal.n_fraction - 1] == '0')
                decimal.n_fraction--;
        decimal.negative = decimal.negative && decimal.n_whole + decimal.n_fraction > 0;
        *ret = decimal;
        return *text == '\0';
}

static int size_compare(const Decimal *a, const Decimal *b) {
        int order;

        if (a->n_whole != b->n_whole)
                return a->n_whole < b->n_whole ? -1 : 1;
        order = memcmp(a->whole, b->whole, a->n_whole)
                        ?: memcmp(a->fraction, b->fraction, MIN(a->n_fraction, b->n_fraction));
        return order ?: (a->n_fraction > b->n_fraction) - (a->n_fraction < b->n_fraction);
}

static int decimal_compare(const Decimal *a, const Decimal *b) {
        if (a->negative != b->negative)
                return a->negative ? -1 : 1;
        return a->negative ? size_compare(b, a) : size_compare(a, b);
}

/* From the last but one to the last: what a reader means by "going down". */
static const char *direction_of(const Carebus__V1__Trend *trend) {
        Decimal before, now;
        int order;

        if (trend->n_points < 2 || !decimal_read(trend->points[trend->n_points - 2]->value, &before) ||
            !decimal_read(trend->points[trend->n_points - 1]->value, &now))
                return NULL;
        order = decimal_compare(&now, &before);
        return order > 0 ? "up" : order < 0 ? "down" : "level";
}

static int trend_make(const Measured *measured, size_t n, Arena *arena, Carebus__V1__Trend **ret) {
        Carebus__V1__Trend *trend = message_new(&carebus__v1__trend__descriptor, arena);

        if (!trend)
                return -ENOMEM;
        trend->scale = (char *)measured->scale;
        trend->version = measured->version[0] ? (char *)measured->version : NULL;
        trend->respondent = measured->respondent[0] ? (char *)measured->respondent : NULL;
        for (size_t i = n - MIN(n, (size_t)OVERVIEW_TREND_POINTS_MAX); i < n; i++) {
                Carebus__V1__TrendPoint *point = message_new(&carebus__v1__trend_point__descriptor, arena);

                if (!point)
                        return -ENOMEM;
                point->at = (Carebus__V1__When *)measured[i].at;
                point->value = (char *)measure_value(measured[i].fact->measure, arena);
                point->source = measured[i].fact->source;
                point->event_id = measured[i].fact->event_id;
                if (list_append((void ***)&trend->points, &trend->n_points, point, arena) < 0)
                        return -ENOMEM;
        }
        trend->direction = (char *)direction_of(trend);
        *ret = trend;
        return 0;
}

static size_t measured_collect(const Overviewing *o, const Carebus__V1__Section *section, Measured *ret) {
        size_t n = 0;

        for (size_t i = 0; i < section->n_facts; i++) {
                const Carebus__V1__Fact *fact = section->facts[i];

                if (!fact_is_current(fact) || fact->value_case != CAREBUS__V1__FACT__VALUE_MEASURE ||
                    !measure_value(fact->measure, o->arena))
                        continue;
                ret[n++] = (Measured){ .fact = fact,
                                       .scale = scale_name(fact->measure->scale),
                                       .version = fact->measure->version ?: "",
                                       .respondent = respondent_name(fact->measure) ?: "",
                                       .at = fact->measure->measured_at ?: fact->occurred_at };
        }
        return n;
}

int overview_trends(Overviewing *o) {
        const Carebus__V1__Section *section = overview_section(o->from->record, "measures");
        size_t n_measured;
        Measured *measured;
        int r = 0;

        if (!section)
                return 0;
        measured = arena_alloc(o->arena, section->n_facts * sizeof(*measured));
        if (!measured)
                return -ENOMEM;
        n_measured = measured_collect(o, section, measured);
        if (n_measured > 1)
                qsort(measured, n_measured, sizeof(*measured), measured_order);
        for (size_t i = 0, n; r == 0 && i < n_measured; i += n) {
                Carebus__V1__Trend *trend;

                for (n = 1; i + n < n_measured && series_order(&measured[i], &measured[i + n]) == 0;)
                        n++;
                r = trend_make(measured + i, n, o->arena, &trend);
                if (r == 0)
                        r = list_append((void ***)&o->overview->trends, &o->overview->n_trends, trend, o->arena);
        }
        return r;
}
