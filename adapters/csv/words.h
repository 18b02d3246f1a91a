#pragma once
/* What an event says, in words for whoever reads a list. Pure; any thread. */
#include <stdbool.h>

#include "base/bytes.h"
#include "canon/zone.h"
#include "carebus/v1/event.pb-c.h"

/* "Admitted to hospital". Appends. */
void words_of_type(const char *type, Buffer *ret);
/* All that the body says, field by field: "decision: not for attempted CPR; decided: 2026-03-05; ...". Without the person's own
 * name, birth date and numbers, which have columns of their own. Of two fields what is empty is left out. Appends. */
void words_of_body(const Carebus__V1__Event *event, const Zone *zone, Buffer *ret);

void words_of_when(const Carebus__V1__When *when, const Zone *zone, Buffer *ret);
void words_of_moment(int64_t at, const Zone *zone, Buffer *ret); /* 2026-03-05 14:30 */
void words_of_date(const Carebus__V1__Date *date, Buffer *ret);
void words_of_name(const Carebus__V1__HumanName *name, Buffer *ret);
/* The words for people, else those of the source, else the code. NULL: nothing is said. */
const char *words_of_coded(const Carebus__V1__Coded *coded);
/* The name to show of several: official, else the first that is in use. */
const Carebus__V1__HumanName *words_main_name(Carebus__V1__HumanName *const *names, size_t n);
