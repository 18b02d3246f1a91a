#include "daemon/figures/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define KIND_COUNTER FIGURE_IS_COUNTER
#define KIND_GAUGE FIGURE_IS_GAUGE
#define KIND_HISTOGRAM FIGURE_IS_HISTOGRAM
#define KIND_INFO FIGURE_IS_INFO
const FigureRow figure_rows[_FIGURE_MAX] = {
#define FIGURE(id, kind, name, unit, labels, help) [FIGURE_##id] = { KIND_##kind, name, unit, labels, help },
#include "daemon/figures/figure-rows.h"
#undef FIGURE
};

static const struct {
        const char *type, *old_type, *suffix;
} kinds[] = {
        [FIGURE_IS_COUNTER] = { "counter", "counter", "_total" },
        [FIGURE_IS_GAUGE] = { "gauge", "gauge", "" },
        [FIGURE_IS_HISTOGRAM] = { "histogram", "histogram", "" },
        [FIGURE_IS_INFO] = { "info", "gauge", "_info" },
};

static void put(FiguresText *text, const char *words) {
        buffer_append(text->out, words, strlen(words));
}

/* Of label values and help: backslash, quote, newline. In the older format a quote in help stands as it is. */
static void put_escaped(FiguresText *text, const char *words, bool quotes) {
        for (; *words; words++) {
                if (*words == '\n')
                        put(text, "\\n");
                else if (*words == '\\')
                        put(text, "\\\\");
                else if (*words == '"' && quotes)
                        put(text, "\\\"");
                else
                        buffer_append(text->out, words, 1);
        }
}

/* In the older format a family is called as its samples are. */
static void put_about(FiguresText *text, const char *what, FigureId id, const char *words, bool escape) {
        const FigureRow *row = &figure_rows[id];

        put(text, "# ");
        put(text, what);
        put(text, " ");
        put(text, row->name);
        if (text->is_old)
                put(text, kinds[row->kind].suffix);
        put(text, " ");
        if (escape)
                put_escaped(text, words, !text->is_old);
        else
                put(text, words);
        put(text, "\n");
}

bool figures_text_wants_old(const char *accept) {
        return accept && !strstr(accept, "application/openmetrics-text") && strstr(accept, "text/plain");
}

void figures_text_begin(FiguresText *text, FigureId id) {
        const FigureRow *row = &figure_rows[id];

        put_about(text, "TYPE", id, text->is_old ? kinds[row->kind].old_type : kinds[row->kind].type, false);
        if (row->unit[0] && !text->is_old)
                put_about(text, "UNIT", id, row->unit, false);
        put_about(text, "HELP", id, row->help, true);
}

/* name_suffix{labels,le="..."} and a space. */
static void put_name(FiguresText *text, FigureId id, const char *suffix, const char *const *labels, const char *le) {
        const FigureRow *row = &figure_rows[id];
        const char *name = row->labels, *before = "{";

        put(text, row->name);
        put(text, suffix);
        for (size_t i = 0; labels && labels[i] && *name; i++) {
                const size_t size = strcspn(name, ",");

                put(text, before);
                buffer_append(text->out, name, size);
                put(text, "=\"");
                put_escaped(text, labels[i], true);
                put(text, "\"");
                before = ",";
                name += size + (name[size] == ',');
        }
        if (le) {
                put(text, before);
                put(text, "le=\"");
                put(text, le);
                put(text, "\"");
                before = ",";
        }
        put(text, *before == ',' ? "} " : " ");
}

static void put_value(FiguresText *text, const char *value) {
        put(text, value);
        put(text, "\n");
}

/* As a whole number where it is one. */
static void time_format(int64_t usec, char *ret, size_t size) {
        const uint64_t magnitude = usec < 0 ? (uint64_t)0 - (uint64_t)usec : (uint64_t)usec;

        snprintf(ret, size, "%s%" PRIu64 ".%06" PRIu64, usec < 0 ? "-" : "", magnitude / (uint64_t)USEC_PER_SEC,
                 magnitude % (uint64_t)USEC_PER_SEC);
}

void figures_text_number(FiguresText *text, FigureId id, uint64_t value, const char *const *labels) {
        char digits[32];

        snprintf(digits, sizeof(digits), "%" PRIu64, value);
        put_name(text, id, kinds[figure_rows[id].kind].suffix, labels, NULL);
        put_value(text, digits);
}

void figures_text_signed(FiguresText *text, FigureId id, int64_t value, const char *const *labels) {
        char digits[32];

        snprintf(digits, sizeof(digits), "%" PRId64, value);
        put_name(text, id, kinds[figure_rows[id].kind].suffix, labels, NULL);
        put_value(text, digits);
}

void figures_text_time(FiguresText *text, FigureId id, int64_t usec, const char *const *labels) {
        char digits[40];

        time_format(usec, digits, sizeof(digits));
        put_name(text, id, kinds[figure_rows[id].kind].suffix, labels, NULL);
        put_value(text, digits);
}

static void bound_format(uint64_t bound, bool is_time, char *ret, size_t size) {
        int n;

        if (!is_time) {
                snprintf(ret, size, "%" PRIu64 ".0", bound);
                return;
        }
        /* As OpenMetrics wants it: 5e-05, 0.25, 1.0. */
        n = snprintf(ret, size, "%g", (double)bound / USEC_PER_SEC);
        if (!strpbrk(ret, ".e"))
                snprintf(ret + n, size - (size_t)n, ".0");
}

void figures_text_histogram(FiguresText *text, FigureId id, const Histogram *histogram, const HistogramBounds *bounds,
                            bool is_time) {
        uint64_t count = 0;
        char digits[40], le[40];

        for (size_t i = 0; i <= bounds->n; i++) {
                count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
                if (i < bounds->n)
                        bound_format(bounds->upper[i], is_time, le, sizeof(le));
                else
                        snprintf(le, sizeof(le), "+Inf");
                snprintf(digits, sizeof(digits), "%" PRIu64, count);
                put_name(text, id, "_bucket", NULL, le);
                put_value(text, digits);
        }
        put_name(text, id, "_count", NULL, NULL);
        put_value(text, digits);
        count = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
        if (is_time)
                time_format((int64_t)count, digits, sizeof(digits));
        else
                snprintf(digits, sizeof(digits), "%" PRIu64, count);
        put_name(text, id, "_sum", NULL, NULL);
        put_value(text, digits);
}

void figures_text_end(FiguresText *text) {
        if (!text->is_old)
                put(text, "# EOF\n");
}
