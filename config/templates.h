#pragma once
/*
 * The tables that carebus-csv knows: which columns each may have. The first eight are what a partner without a system sends:
 * etc/templates/ has them as files to fill in, with the columns that everybody needs; a test holds the two together. The others are
 * what programs exchange, and are read where a profile names them. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

typedef struct Template {
        const char *name;
        const char *const *columns; /* NULL behind the last */
} Template;

/* In the order in which a new partner meets them; NULL behind the last. */
const Template *template_at(size_t index);
const Template *template_find(const char *name);
/* There is a file of it in etc/templates. `template` is one of these. */
bool template_is_shipped(const Template *template);
bool template_has_column(const Template *template, const char *column);

/* What column `value` of plan means goes by column `item`: cpr, adrt, ... NULL behind the last. */
extern const char *const template_plan_items[];
/* Whether values of it say what was decided about treatment, so that somebody has to answer for what they mean. `column` is one of the
 * template or an item of plan. */
bool template_needs_signature(const Template *template, const char *column);
