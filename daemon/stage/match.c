/* Words on who somebody is, kept with the person and under blocks. */
#include "daemon/stage/match.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/ties.h"
#include "daemon/record/demographics.h"
#include "daemon/record/keys.h"
#include "daemon/stage/again.h"
#include "daemon/store/state-keys.h"

/* That a person keeps: beyond it the oldest former word goes. */
#define TRAITS_MAX 32

typedef Carebus__V1__Matching Matching;
typedef Carebus__V1__Person Person;
typedef Carebus__V1__Trait Trait;

/* What the source says of the person now. */
static Trait *trait_current(const Person *person, const char *source) {
        for (size_t i = person->n_traits; i > 0; i--)
                if (!person->traits[i - 1]->former && text_equal(person->traits[i - 1]->source, source))
                        return person->traits[i - 1];
        return NULL;
}

static Trait *trait_same(const Person *person, const char *source, const Matching *matching) {
        for (size_t i = 0; i < person->n_traits; i++)
                if (text_equal(person->traits[i]->source, source) &&
                    body_equal(&person->traits[i]->matching->base, &matching->base))
                        return person->traits[i];
        return NULL;
}

/* A message says some of it, and the rest stays as it was said before. */
static Matching *laid_over(const Matching *before, const Matching *now, Arena *arena) {
        Matching *whole = message_shallow_copy(&before->base, arena);

        if (!whole)
                return NULL;
        if (now->n_names > 0) {
                whole->names = now->names;
                whole->n_names = now->n_names;
        }
        if (now->n_addresses > 0) {
                whole->addresses = now->addresses;
                whole->n_addresses = now->n_addresses;
        }
        if (now->n_telecom > 0) {
                whole->telecom = now->telecom;
                whole->n_telecom = now->n_telecom;
        }
        whole->birth_date = now->birth_date ?: before->birth_date;
        whole->sex = now->sex ?: before->sex;
        if (now->has_multiple_birth) {
                whole->has_multiple_birth = true;
                whole->multiple_birth = now->multiple_birth;
        }
        if (now->has_birth_order) {
                whole->has_birth_order = true;
                whole->birth_order = now->birth_order;
        }
        return whole;
}

static void trait_remove(Person *person, size_t i) {
        memmove(&person->traits[i], &person->traits[i + 1], (person->n_traits - i - 1) * sizeof(*person->traits));
        person->n_traits--;
}

static void traits_trim(Person *person) {
        for (size_t i = 0; person->n_traits > TRAITS_MAX && i < person->n_traits;)
                if (person->traits[i]->former)
                        trait_remove(person, i);
                else
                        i++;
}

/* Where whoever is like this finds the person again. */
static int blocks_add(FoldWork *work, const Person *person, const Matching *matching) {
        char **blocks;
        size_t n;
        int r;

        r = match_blocks(work->fold->rules, matching, work->arena, &blocks, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                StateKey key = state_key_block(blocks[i], person->patient_id);

                r = key.error < 0 ? key.error : state_put(work->txn, STATE_BLOCK, state_key_all(&key), BYTES_NULL);
        }
        return r;
}

static int trait_add(FoldWork *work, const Said *said, Person *person, Matching *matching, bool former) {
        Trait *trait = message_new(&carebus__v1__trait__descriptor, work->arena);
        int r;

        if (!trait)
                return -ENOMEM;
        trait->source = (char *)work->source;
        trait->matching = matching;
        trait->stamp = stamp_make(said->stamp, work->arena);
        trait->has_former = trait->former = former;
        r = trait->stamp ? list_append((void ***)&person->traits, &person->n_traits, trait, work->arena) : -ENOMEM;
        if (r < 0)
                return r;
        traits_trim(person);
        return blocks_add(work, person, matching);
}

/* Said once, then otherwise, and now again: it counts as the newest, and tells nothing that was not known. */
static int trait_again(FoldWork *work, const Said *said, Person *person, Trait *trait) {
        for (size_t i = 0; i < person->n_traits; i++)
                if (person->traits[i] == trait) {
                        trait_remove(person, i);
                        break;
                }
        trait->has_former = trait->former = false;
        trait->stamp = stamp_make(said->stamp, work->arena);
        return trait->stamp ? list_append((void ***)&person->traits, &person->n_traits, trait, work->arena) : -ENOMEM;
}

/* What tells who somebody is, in Demographics. */
enum { FIELD_NAMES = 2, FIELD_BIRTH_DATE = 3, FIELD_SEX = 4, FIELD_ADDRESSES = 6 };

/* Said again since, without a word of its own: then the demographics know when. */
static int is_late(FoldWork *work, const Said *said, const Person *person, const Trait *current, bool *ret) {
        const Matching *now = said->matching;
        const struct {
                bool is_said;
                unsigned field;
        } words[] = { { now->n_names > 0, FIELD_NAMES },
                      { now->birth_date != NULL, FIELD_BIRTH_DATE },
                      { now->sex != NULL, FIELD_SEX },
                      { now->n_addresses > 0, FIELD_ADDRESSES } };
        Carebus__V1__StoredSection *section;
        const Carebus__V1__StoredFact *stored;
        int r;

        *ret = stamp_parts_compare(stamp_parts(current->stamp), said->stamp) > 0;
        if (*ret)
                return 0;
        r = again_section(work, person->patient_id, &section);
        stored = r == 0 ? section_find(section, work->source, work->source) : NULL;
        for (size_t i = 0; stored && i < ELEMENTSOF(words) && !*ret; i++)
                *ret = words[i].is_said &&
                       stamp_parts_compare(demographics_stamp(stored, words[i].field), said->stamp) > 0;
        return r;
}

int match_note(FoldWork *work, const Said *said, Person *person, bool *ret_changed, const Matching **ret_before) {
        const Matching *now = said->matching;
        Trait *current, *same;
        Matching *whole;
        bool late = false;
        int r = 0;

        *ret_changed = false;
        *ret_before = NULL;
        if (!now)
                return 0;
        current = trait_current(person, work->source);
        if (current)
                r = is_late(work, said, person, current, &late);
        if (r)
                return r;
        whole = current && !late ? laid_over(current->matching, now, work->arena)
                                 : message_shallow_copy(&now->base, work->arena);
        if (!whole)
                return -ENOMEM;
        same = trait_same(person, work->source, whole);
        if (same && (late || same == current))
                return 0;
        if (current && !late) {
                *ret_before = current->matching;
                current->has_former = current->former = true;
        }
        *ret_changed = !same;
        r = same ? trait_again(work, said, person, same) : trait_add(work, said, person, whole, late);
        work_person_touch(work, person);
        return r;
}

/* All that is said of any of them. */
static int group_words(FoldWork *work, Person *const *group, size_t n_group, MatchPerson *ret) {
        Carebus__V1__PersonIdentifier **identifiers;
        size_t n_traits = 0, n_identifiers = 0;
        Trait **traits;

        for (size_t i = 0; i < n_group; i++) {
                n_traits += group[i]->n_traits;
                n_identifiers += group[i]->n_identifiers;
        }
        traits = arena_alloc(work->arena, MAX(n_traits, (size_t)1) * sizeof(*traits));
        identifiers = arena_alloc(work->arena, MAX(n_identifiers, (size_t)1) * sizeof(*identifiers));
        if (!traits || !identifiers)
                return -ENOMEM;
        *ret = (MatchPerson){ .traits = traits, .identifiers = identifiers };
        for (size_t i = 0; i < n_group; i++) {
                for (size_t j = 0; j < group[i]->n_traits; j++)
                        traits[ret->n_traits++] = group[i]->traits[j];
                for (size_t j = 0; j < group[i]->n_identifiers; j++)
                        identifiers[ret->n_identifiers++] = group[i]->identifiers[j];
        }
        return 0;
}

int match_groups(FoldWork *work, Person *const *a, size_t n_a, Person *const *b, size_t n_b, MatchResult *ret) {
        MatchPerson words_a, words_b;
        int r;

        r = group_words(work, a, n_a, &words_a);
        r = r ?: group_words(work, b, n_b, &words_b);
        if (r == 0)
                match_compare(work->fold->rules, words_a, words_b, ret);
        return r;
}

const Carebus__V1__Tie *match_apart(Person *const *a, size_t n_a, Person *const *b, size_t n_b) {
        const Carebus__V1__Tie *newest = NULL;

        for (size_t i = 0; i < n_a; i++)
                for (size_t j = 0; j < n_b; j++) {
                        const Carebus__V1__Tie *tie = tie_find(a[i], b[j]->patient_id,
                                                               CAREBUS__V1__TIE__KIND__KIND_APART);

                        if (tie && !tie->undone && (!newest || stamp_compare(tie->stamp, newest->stamp) > 0))
                                newest = tie;
                }
        return newest;
}
