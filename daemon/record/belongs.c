#include "daemon/record/belongs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "canon/identifier.h"
#include "daemon/record/keys.h"
#include "daemon/record/stamp.h"

/* What a move may take hold of. */
typedef struct Spot {
        const char *source;
        const char *fact; /* its section in the state; NULL: there is none yet */
        unsigned under;
        const Carebus__V1__Identifier *encounter_id, *account;
} Spot;

static bool identifier_same(const Carebus__V1__Identifier *a, const Carebus__V1__Identifier *b) {
        return text_equal(a->system, b->system) && text_equal(a->value, b->value);
}

/* A source's own number, as the fold has it: what is neither a national one nor useless. */
static bool is_local(const Carebus__V1__Identifier *identifier) {
        if (!identifier->system || !identifier->system[0] || !identifier->value || !identifier->value[0])
                return false;
        if (identifier->has_status && (identifier->status == CAREBUS__V1__IDENTIFIER__STATUS__STATUS_INVALID ||
                                       identifier->status == CAREBUS__V1__IDENTIFIER__STATUS__STATUS_TEST))
                return false;
        return national_number_of_system(identifier->system) == NATIONAL_NUMBER_NONE;
}

/* What another says of persons is not theirs to give away. */
static bool section_stays(const char *section) {
        return strcmp(section, SECTION_MERGES) == 0;
}

static const Carebus__V1__Identifier *stay_of(const Carebus__V1__Fact *fact) {
        if (fact->value_case == CAREBUS__V1__FACT__VALUE_ENCOUNTER && fact->encounter->identifier)
                return fact->encounter->identifier;
        return fact->encounter_id;
}

static const Carebus__V1__Identifier *account_of(const Carebus__V1__Fact *fact) {
        return fact->value_case == CAREBUS__V1__FACT__VALUE_ENCOUNTER ? fact->encounter->account : NULL;
}

static Spot spot_of(const char *section, const Carebus__V1__StoredFact *stored) {
        return (Spot){ .source = stored->fact->source,
                       .fact = section,
                       .under = stored->under,
                       .encounter_id = stay_of(stored->fact),
                       .account = account_of(stored->fact) };
}

static size_t number_index(const Carebus__V1__Person *home, const Carebus__V1__Identifier *identifier) {
        size_t i = 0;

        while (i < home->n_identifiers && !identifier_same(home->identifiers[i]->identifier, identifier))
                i++;
        return i;
}

static bool is_only_number(const Carebus__V1__Person *home, size_t index) {
        for (size_t i = 0; i < home->n_identifiers; i++)
                if (i != index && is_local(home->identifiers[i]->identifier))
                        return false;
        return true;
}

static bool move_fits(const Carebus__V1__Person *home, const Carebus__V1__FactMove *move, const Spot *spot) {
        size_t index;

        if (move->undone || !move->away || move->now)
                return false;
        if (move->source && spot->source && strcmp(move->source, spot->source) != 0)
                return false;
        if (move->fact)
                return spot->fact && strcmp(move->fact, spot->fact) == 0;
        if (move->encounter_id)
                return (spot->encounter_id && identifier_same(move->encounter_id, spot->encounter_id)) ||
                       (spot->account && identifier_same(move->encounter_id, spot->account));
        if (!move->identifier)
                return false;
        index = number_index(home, move->identifier);
        return index < home->n_identifiers && (spot->under == index + 1 || is_only_number(home, index));
}

/* Where a stay, or somebody's decision, has led takes the number's own moves into account already: a number takes along only what has not
 * gone elsewhere. */
static bool counts_more(const Carebus__V1__FactMove *a, const Carebus__V1__FactMove *b) {
        if (!b || !a->identifier != !b->identifier)
                return !b || !a->identifier;
        return stamp_compare(a->stamp, b->stamp) >= 0;
}

static const char *spot_moved_to(const Carebus__V1__Person *home, const Spot *spot) {
        const Carebus__V1__FactMove *last = NULL;

        for (size_t i = 0; i < home->n_moves; i++)
                if (move_fits(home, home->moves[i], spot) && counts_more(home->moves[i], last))
                        last = home->moves[i];
        return last && strcmp(last->patient_id, home->patient_id) != 0 ? last->patient_id : NULL;
}

const char *fact_moved_to(const Carebus__V1__Person *home, const char *section, const Carebus__V1__StoredFact *stored) {
        Spot spot = spot_of(section, stored);

        return section_stays(section) ? NULL : spot_moved_to(home, &spot);
}

const char *event_moved_to(const Carebus__V1__Person *home, const char *source, unsigned under,
                           const Carebus__V1__Identifier *encounter_id) {
        Spot spot = { .source = source, .under = under, .encounter_id = encounter_id };

        return spot_moved_to(home, &spot);
}

const char *number_moved_to(const Carebus__V1__Person *home, const char *system, const char *value) {
        Carebus__V1__Identifier number = CAREBUS__V1__IDENTIFIER__INIT;
        Spot spot = {};
        size_t index;

        number.system = (char *)system;
        number.value = (char *)value;
        index = number_index(home, &number);
        if (index == home->n_identifiers || !is_local(home->identifiers[index]->identifier))
                return NULL;
        spot.under = (unsigned)index + 1;
        return spot_moved_to(home, &spot);
}

static int id_order(const void *a, const void *b) {
        return id_compare(*(char *const *)a, *(char *const *)b);
}

int homes_of_moves(Carebus__V1__Person *const *members, size_t n_members, Arena *arena, char ***ret, size_t *ret_n) {
        size_t n = 0, n_kept = 0;
        char **homes;

        for (size_t i = 0; i < n_members; i++)
                n += members[i]->n_moves;
        homes = arena_alloc(arena, (n + 1) * sizeof(*homes));
        if (!homes)
                return -ENOMEM;
        n = 0;
        for (size_t i = 0; i < n_members; i++)
                for (size_t j = 0; j < members[i]->n_moves; j++) {
                        const Carebus__V1__FactMove *move = members[i]->moves[j];
                        bool known = move->away || move->undone;

                        for (size_t k = 0; k < n_members && !known; k++)
                                known = strcmp(members[k]->patient_id, move->patient_id) == 0;
                        if (!known)
                                homes[n++] = move->patient_id;
                }
        if (n > 0)
                qsort(homes, n, sizeof(*homes), id_order);
        for (size_t i = 0; i < n; i++)
                if (n_kept == 0 || strcmp(homes[n_kept - 1], homes[i]) != 0)
                        homes[n_kept++] = homes[i];
        *ret = homes;
        *ret_n = n_kept;
        return 0;
}

/* The next that gave this number away, behind `after`; of two persons' lists the same statement is found once. */
static const Carebus__V1__FactMove *renumbering_next(Carebus__V1__Person *const *persons, size_t n_persons,
                                                     const char *source, const Carebus__V1__Identifier *number,
                                                     const Carebus__V1__Stamp *after) {
        const Carebus__V1__FactMove *next = NULL;

        for (size_t i = 0; i < n_persons; i++)
                for (size_t j = 0; j < persons[i]->n_said_moves; j++) {
                        const Carebus__V1__FactMove *move = persons[i]->said_moves[j];

                        if (!move->now || move->undone || !text_equal(move->source, source) ||
                            !identifier_same(move->encounter_id, number) || stamp_compare(move->stamp, after) <= 0)
                                continue;
                        if (!next || stamp_compare(move->stamp, next->stamp) < 0)
                                next = move;
                }
        return next;
}

const Carebus__V1__Identifier *stay_number(Carebus__V1__Person *const *persons, size_t n_persons, const char *source,
                                           const Carebus__V1__Identifier *encounter_id) {
        const Carebus__V1__Stamp *after = NULL;

        for (const Carebus__V1__FactMove *move;
             encounter_id && (move = renumbering_next(persons, n_persons, source, encounter_id, after));) {
                encounter_id = move->now;
                after = move->stamp;
        }
        return encounter_id;
}

static bool is_decided(const Carebus__V1__Person *home, const char *section, const char *source) {
        for (size_t i = 0; i < home->n_said_moves; i++) {
                const Carebus__V1__FactMove *move = home->said_moves[i];

                if (move->fact && move->away && !move->undone && text_equal(move->source, source) &&
                    strcmp(move->fact, section) == 0)
                        return true;
        }
        return false;
}

const Carebus__V1__Doubt *fact_doubt(const Carebus__V1__Person *home, const char *section,
                                     const Carebus__V1__StoredFact *stored, const char *other) {
        const Carebus__V1__Stamp *first = stored->first ?: stored->newest;

        if (section_stays(section) || strcmp(section, SECTION_DEMOGRAPHICS) == 0)
                return NULL;
        for (size_t i = 0; i < home->n_doubts; i++) {
                const Carebus__V1__Doubt *doubt = home->doubts[i];

                if (other && strcmp(doubt->patient_id, other) != 0)
                        continue;
                if (text_equal(doubt->source, stored->fact->source) && stamp_compare(doubt->since, first) < 0 &&
                    stamp_compare(stored->newest, doubt->until) < 0 && !is_decided(home, section, stored->fact->source))
                        return doubt;
        }
        return NULL;
}
