#pragma once
/*
 * Figures as text: OpenMetrics 1.0, or the older text format of Prometheus for whoever asks for that. A family is
 * begun once and its samples follow it; labels are escaped, and are names of the configuration or words of the
 * program. One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "daemon/figures/histogram.h"

typedef enum FigureId {
#define FIGURE(id, kind, name, unit, labels, help) FIGURE_##id,
#include "daemon/figures/figure-rows.h"
#undef FIGURE
        _FIGURE_MAX,
} FigureId;

typedef enum FigureKind { FIGURE_IS_COUNTER, FIGURE_IS_GAUGE, FIGURE_IS_HISTOGRAM, FIGURE_IS_INFO } FigureKind;

typedef struct FigureRow {
        FigureKind kind;
        const char *name, *unit, *labels, *help; /* labels: a list with commas; "" for none */
} FigureRow;
extern const FigureRow figure_rows[_FIGURE_MAX];

typedef struct FiguresText {
        Buffer *out;
        bool is_old; /* text/plain; version=0.0.4 */
} FiguresText;

#define FIGURES_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define FIGURES_TYPE_OLD "text/plain; version=0.0.4; charset=utf-8"

/* Whether what a client says it takes is the older format and not OpenMetrics. `accept` may be NULL. */
bool figures_text_wants_old(const char *accept);

/* TYPE, UNIT and HELP. Errors stick in the buffer. */
void figures_text_begin(FiguresText *text, FigureId id);
/* Values of the row's labels, in its order: as many as it has. */
void figures_text_number(FiguresText *text, FigureId id, uint64_t value, const char *const *labels);
void figures_text_signed(FiguresText *text, FigureId id, int64_t value, const char *const *labels);
/* Microseconds, shown in seconds. */
void figures_text_time(FiguresText *text, FigureId id, int64_t usec, const char *const *labels);
/* One without labels; where `is_time` its numbers are microseconds. */
void figures_text_histogram(FiguresText *text, FigureId id, const Histogram *histogram, const HistogramBounds *bounds,
                            bool is_time);
void figures_text_end(FiguresText *text);

/* Values of labels, at the call. */
#define FIGURE_LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })
