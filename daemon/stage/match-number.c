/* The same verified number: one human being where birth date and name agree, and never by the number alone. */
#include <errno.h>
#include <string.h>

#include "daemon/identity/evidence.h"
#include "daemon/identity/ties.h"
#include "daemon/stage/conflict.h"
#include "daemon/stage/identify.h"
#include "daemon/stage/join.h"
#include "daemon/stage/match.h"
#include "daemon/stage/review.h"

typedef Carebus__V1__Person Person;

static bool has_number(const Person *person, const Carebus__V1__Identifier *number) {
        const Carebus__V1__PersonIdentifier *kept;

        for (size_t at = 0; (kept = identify_verified(person, &at)); at++)
                if (identifier_same(kept->identifier, number))
                        return true;
        return false;
}

static int number_review(FoldWork *work, const Said *said, const Person *a, const Person *b, const MatchResult *result,
                         const char *reason) {
        ReviewNew review = { .kind = CAREBUS__V1__REVIEW__KIND__KIND_JOIN,
                             .reason = reason,
                             .patient_ids = { a->patient_id, b->patient_id },
                             .n_patient_ids = 2,
                             .result = result };
        char *id;

        return review_open(work, said, &review, &id);
}

/* Two groups that share a number: what else speaks for it? */
static int groups_meet(FoldWork *work, const Said *said, Person *person, Person *other, Person *const *in_a, size_t n_a,
                       Person *const *in_b, size_t n_b) {
        const Carebus__V1__Tie *apart = match_apart(in_a, n_a, in_b, n_b);
        MatchResult result;
        int r;

        r = match_groups(work, in_a, n_a, in_b, n_b, &result);
        if (r || n_a + n_b > TIES_PERSONS_MAX)
                return r;
        if (!result.birth_date_agrees && birth_dates_differ(person->birth_date, other->birth_date))
                return conflict_between(work, said, in_a[0], in_b[0], "same-number-other-birth-date");
        if (conflict_numbers_differ(in_a, n_a, in_b, n_b))
                return conflict_between(work, said, in_a[0], in_b[0], "two-verified-numbers");
        if (apart)
                return 0;
        if (!result.birth_date_agrees)
                return number_review(work, said, in_a[0], in_b[0], &result, "number-without-birth-date");
        if (!result.name_agrees)
                return number_review(work, said, in_a[0], in_b[0], &result, "number-with-another-name");
        return join_tie(work, said, person, other, CAREBUS__V1__TIE__KIND__KIND_NUMBER, "verified-number");
}

static int number_meets(FoldWork *work, const Said *said, Person *person, const char *other_id,
                        const Carebus__V1__Identifier *number) {
        Person *other, **in_a, **in_b;
        size_t n_a, n_b;
        int r;

        if (strcmp(other_id, person->patient_id) == 0)
                return 0;
        r = work_person(work, other_id, &other);
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        r = identify_members(work, person, &in_a, &n_a);
        if (r == 0)
                r = identify_members(work, other, &in_b, &n_b);
        if (r || !has_number(other, number) || in_a[0] == in_b[0] ||
            tie_find(person, other->patient_id, CAREBUS__V1__TIE__KIND__KIND_NUMBER))
                return r;
        return groups_meet(work, said, person, other, in_a, n_a, in_b, n_b);
}

int match_by_number(FoldWork *work, const Said *said, Person *person) {
        const Carebus__V1__PersonIdentifier *kept;

        for (size_t at = 0; (kept = identify_verified(person, &at)); at++) {
                Carebus__V1__IdentifierHolders *holders;
                int r;

                r = identify_holders(work, kept->identifier->system, kept->identifier->value, &holders);
                if (r == STATE_E_NOT_FOUND)
                        continue;
                for (size_t i = 0; r == 0 && i < holders->n_patient_ids; i++)
                        r = number_meets(work, said, person, holders->patient_ids[i], kept->identifier);
                if (r)
                        return r;
        }
        return 0;
}
