#pragma once
/* What came back from a system to which the bus delivers: a copy goes with its original. */
#include <stddef.h>

#include "carebus/v1/record.pb-c.h"

/* Why a copy is over. */
#define END_REASON_ORIGINAL "original-withdrawn"

/* Copies (Fact.echo) whose original was cancelled or entered in error read so as well, in place. */
void echoes_follow(Carebus__V1__Section *const *sections, size_t n_sections);
