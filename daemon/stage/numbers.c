#include "daemon/stage/numbers.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/stage/again.h"
#include "daemon/stage/identify.h"

/* Of one person by one source: beyond it the one that was last said longest ago is forgotten. */
#define NUMBERS_MAX 64

typedef Carebus__V1__Identifier Identifier;
typedef Carebus__V1__SaidAgain SaidAgain;
typedef Carebus__V1__SaidNumber SaidNumber;

bool number_is_said_by(const Carebus__V1__PersonIdentifier *kept, const char *source) {
        for (size_t i = 0; i < kept->n_sources; i++)
                if (strcmp(kept->sources[i], source) == 0)
                        return true;
        return false;
}

int number_sayer_add(Carebus__V1__PersonIdentifier *kept, const char *source, Arena *arena) {
        size_t i;

        if (list_append((void ***)&kept->sources, &kept->n_sources, (void *)source, arena) < 0)
                return -ENOMEM;
        for (i = kept->n_sources - 1; i > 0 && strcmp(kept->sources[i - 1], source) > 0; i--)
                kept->sources[i] = kept->sources[i - 1];
        kept->sources[i] = (char *)source;
        return 0;
}

static void sayer_remove(Carebus__V1__PersonIdentifier *kept, const char *source) {
        size_t left = 0;

        for (size_t i = 0; i < kept->n_sources; i++)
                if (strcmp(kept->sources[i], source) != 0)
                        kept->sources[left++] = kept->sources[i];
        kept->n_sources = left;
}

static SaidNumber *number_find(const SaidAgain *again, const Identifier *number) {
        for (size_t i = 0; again && i < again->n_numbers; i++)
                if (text_equal(again->numbers[i]->value, number->value) &&
                    text_equal(again->numbers[i]->system, number->system))
                        return again->numbers[i];
        return NULL;
}

static Carebus__V1__Stamp *last_said(const SaidAgain *again, const SaidNumber *number) {
        return number->with_hash && stamp_compare(number->stamp, again->newest) < 0 ? again->newest : number->stamp;
}

const Carebus__V1__Stamp *number_said(const SaidAgain *again, const Identifier *number) {
        const SaidNumber *found = number_find(again, number);

        return found ? last_said(again, found) : NULL;
}

static void oldest_forget(SaidAgain *again) {
        size_t oldest = 0;

        for (size_t i = 1; i < again->n_numbers; i++)
                if (stamp_compare(last_said(again, again->numbers[i]), last_said(again, again->numbers[oldest])) < 0)
                        oldest = i;
        memmove(&again->numbers[oldest], &again->numbers[oldest + 1],
                (again->n_numbers - oldest - 1) * sizeof(*again->numbers));
        again->n_numbers--;
}

static int number_add(SaidAgain *again, const Identifier *number, Carebus__V1__Stamp *stamp, Arena *arena) {
        SaidNumber *added = message_new(&carebus__v1__said_number__descriptor, arena);

        if (!added)
                return -ENOMEM;
        added->system = number->system;
        added->value = number->value;
        added->stamp = stamp;
        if (list_append((void ***)&again->numbers, &again->n_numbers, added, arena) < 0)
                return -ENOMEM;
        if (again->n_numbers > NUMBERS_MAX)
                oldest_forget(again);
        return 0;
}

int numbers_note(FoldWork *work, const Said *said, Identifier *const *identifiers, size_t n_identifiers,
                 SaidAgain *again, bool *changed) {
        Carebus__V1__Stamp *stamp = NULL;
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_identifiers; i++) {
                SaidNumber *known;

                if (identifier_use(identifiers[i]) != IDENTIFIER_NATIONAL)
                        continue;
                known = number_find(again, identifiers[i]);
                if (known && stamp_parts_compare(stamp_parts(last_said(again, known)), said->stamp) >= 0)
                        continue;
                stamp = stamp ?: stamp_make(said->stamp, work->arena);
                if (!stamp)
                        return -ENOMEM;
                *changed = true;
                if (known)
                        known->stamp = stamp;
                else
                        r = number_add(again, identifiers[i], stamp, work->arena);
        }
        return r;
}

int numbers_keep(FoldWork *work, const Said *said, const char *patient_id) {
        bool any_national = false, changed = false;
        Identifier *const *identifiers;
        size_t n_identifiers;
        SaidAgain *again;
        int r;

        identify_identifiers(said->event, &identifiers, &n_identifiers);
        for (size_t i = 0; i < n_identifiers && !any_national; i++)
                any_national = identifier_use(identifiers[i]) == IDENTIFIER_NATIONAL;
        if (!any_national)
                return 0;
        r = again_get(work, patient_id, work->source, &again);
        r = r ?: numbers_note(work, said, identifiers, n_identifiers, again, &changed);
        return r || !changed ? r : again_put(work, patient_id, work->source, again);
}

/* Nothing of its kind was said later. */
static bool is_last_word(const SaidAgain *again, const SaidNumber *number) {
        for (size_t i = 0; i < again->n_numbers; i++)
                if (text_equal(again->numbers[i]->system, number->system) &&
                    stamp_compare(last_said(again, again->numbers[i]), last_said(again, number)) > 0)
                        return false;
        return true;
}

int numbers_settle(FoldWork *work, Carebus__V1__Person *person, const SaidAgain *again, bool *changed) {
        for (size_t i = 0; i < person->n_identifiers; i++) {
                Carebus__V1__PersonIdentifier *kept = person->identifiers[i];
                const SaidNumber *number;
                bool says;

                if (identifier_use(kept->identifier) != IDENTIFIER_NATIONAL)
                        continue;
                number = number_find(again, kept->identifier);
                says = number && is_last_word(again, number);
                if (says == number_is_said_by(kept, work->source))
                        continue;
                *changed = true;
                if (!says)
                        sayer_remove(kept, work->source);
                else if (number_sayer_add(kept, work->source, work->arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int numbers_with_hash(FoldWork *work, const Said *said, const char *patient_id, SaidAgain *anew) {
        Identifier *const *identifiers;
        size_t n_identifiers;
        SaidAgain *before;
        int r;

        r = again_get(work, patient_id, work->source, &before);
        if (r || before->n_numbers == 0)
                return r;
        identify_identifiers(said->event, &identifiers, &n_identifiers);
        for (size_t i = 0; i < before->n_numbers; i++) {
                SaidNumber *number = before->numbers[i];
                bool said_now = false;

                number->stamp = last_said(before, number);
                for (size_t j = 0; j < n_identifiers && !said_now; j++)
                        said_now = number_find(before, identifiers[j]) == number;
                number->has_with_hash = number->with_hash = said_now;
        }
        anew->n_numbers = before->n_numbers;
        anew->numbers = before->numbers;
        return 0;
}
