#pragma once
/* The figures of the bus, read from <run>/metrics as anybody would. docs/metrics.md says what they are. */
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "config/config.h"

/* One sample: `labels` is what stands between the braces, "" where there are none. All of it lies in the page. */
typedef struct Sample {
        const char *name, *labels;
        double value;
} Sample;

typedef struct FiguresPage {
        char *text; /* what the samples point into */
        Sample *samples;
        size_t n_samples;
} FiguresPage;

#define FIGURES_PAGE_NULL ((FiguresPage){ .text = NULL })

/* 0; CLIENT_E_UNREACHABLE; CLIENT_E_BAD_REPLY; or negative. */
int figures_fetch(const Config *config, FiguresPage *ret);
/* The answer of another page there (/healthz, /readyz): its words, on the heap, and whether all is well. Returns likewise. */
int figures_fetch_words(const Config *config, const char *path, char **ret, bool *ret_good);
void figures_page_deinit(FiguresPage *page);
/* NULL where there is none. */
const Sample *figures_find(const FiguresPage *page, const char *name, const char *labels);
/* The value of a label in a list of them, into `ret`; false where it is not there. */
bool figures_label(const char *labels, const char *name, char *ret, size_t size);
