#include "daemon/identity/evidence.h"

#include "base/text.h"
#include "canon/identifier.h"

IdentifierUse identifier_use(const Carebus__V1__Identifier *identifier) {
        if (!identifier || !identifier->value || !identifier->value[0] || !identifier->system || !identifier->system[0])
                return IDENTIFIER_USELESS;
        if (identifier->has_status && (identifier->status == CAREBUS__V1__IDENTIFIER__STATUS__STATUS_INVALID ||
                                       identifier->status == CAREBUS__V1__IDENTIFIER__STATUS__STATUS_TEST))
                return IDENTIFIER_USELESS;
        return national_number_of_system(identifier->system) == NATIONAL_NUMBER_NONE ? IDENTIFIER_LOCAL
                                                                                     : IDENTIFIER_NATIONAL;
}

bool identifier_is_verified(const Carebus__V1__Identifier *identifier) {
        return identifier->has_status && identifier->status == CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED;
}

bool identifier_same(const Carebus__V1__Identifier *a, const Carebus__V1__Identifier *b) {
        return text_equal(a->system, b->system) && text_equal(a->value, b->value);
}

static bool is_whole(const Carebus__V1__Date *date) {
        return date && date->has_year && date->has_month && date->has_day;
}

bool birth_dates_agree(const Carebus__V1__Date *a, const Carebus__V1__Date *b) {
        return is_whole(a) && is_whole(b) && a->year == b->year && a->month == b->month && a->day == b->day;
}

bool birth_dates_differ(const Carebus__V1__Date *a, const Carebus__V1__Date *b) {
        if (!a || !b)
                return false;
        return (a->has_year && b->has_year && a->year != b->year) ||
               (a->has_month && b->has_month && a->month != b->month) || (a->has_day && b->has_day && a->day != b->day);
}
