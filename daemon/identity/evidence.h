#pragma once
/*
 * What may tell who somebody is. Rules only: nothing is looked up here. Any thread.
 */
#include <stdbool.h>

#include "carebus/v1/common.pb-c.h"
#include "carebus/v1/state.pb-c.h"

typedef enum IdentifierUse {
        IDENTIFIER_USELESS,  /* no value, no authority, cannot be true, or of a test range */
        IDENTIFIER_LOCAL,    /* a source's own: who has it is that person */
        IDENTIFIER_NATIONAL, /* joins persons only where it is verified and the birth dates agree */
} IdentifierUse;

IdentifierUse identifier_use(const Carebus__V1__Identifier *identifier);
bool identifier_is_verified(const Carebus__V1__Identifier *identifier);
/* System and value: what makes it the same identifier. */
bool identifier_same(const Carebus__V1__Identifier *a, const Carebus__V1__Identifier *b);

/* Both are whole and the same day. */
bool birth_dates_agree(const Carebus__V1__Date *a, const Carebus__V1__Date *b);
/* A part that both have is not the same. What one does not know is no difference. */
bool birth_dates_differ(const Carebus__V1__Date *a, const Carebus__V1__Date *b);
