/* One look at a human being: what each source says of who they are and whether they live. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/identity/evidence.h"
#include "daemon/identity/match.h"
#include "daemon/record/belongs.h"
#include "daemon/record/death.h"
#include "daemon/record/demographics.h"
#include "daemon/record/keys.h"
#include "daemon/stage/again.h"
#include "daemon/stage/conflict-parts.h"
#include "daemon/stage/identify.h"

enum { FIELD_NAMES = 2, FIELD_BIRTH_DATE = 3, FIELD_SEX = 4, FIELD_RESTRICTED = 25 }; /* numbers in Demographics */

/* Beyond so many ids of one person nobody compares each name with each. */
#define NAMED_MAX 16

Wanted *look_want(Look *look, const char *key, const char *section, const char *path, const char *reason) {
        if (!key)
                return NULL;
        if (look->n_wanted == look->room) {
                size_t room = look->room ? look->room * 2 : 8;
                Wanted *grown = arena_alloc(look->work->arena, room * sizeof(*grown));

                if (!grown)
                        return NULL;
                if (look->n_wanted > 0)
                        memcpy(grown, look->wanted, look->n_wanted * sizeof(*grown));
                look->wanted = grown;
                look->room = room;
        }
        look->wanted[look->n_wanted] = (Wanted){ .key = key, .section = section, .path = path, .reason = reason };
        return &look->wanted[look->n_wanted++];
}

int wanted_claim(Look *look, Wanted *wanted, const char *event_id, const char *claim) {
        Arena *arena = look->work->arena;

        if (!wanted || !event_id || !claim)
                return -ENOMEM;
        for (size_t i = 0; i < wanted->n_claims; i++)
                if (strcmp(wanted->claims[i], claim) == 0 && strcmp(wanted->event_ids[i], event_id) == 0)
                        return 0;
        return list_append((void ***)&wanted->event_ids, &wanted->n_event_ids, (void *)event_id, arena)
                       ?: list_append((void ***)&wanted->claims, &wanted->n_claims, (void *)claim, arena);
}

/* ---- words of sources ------------------------------------------------------------------------------------------------------ */

typedef struct Gathering {
        Look *look;
        const char *section;
        bool (*counts)(const Carebus__V1__StoredFact *stored);
        SourceWord *words;
        size_t n, room;
} Gathering;

/* What a source says of the survivor goes before what it said of the retired; of several retired the newest. */
static int word_add(Gathering *g, Carebus__V1__StoredFact *stored, size_t member) {
        size_t k = 0;

        while (k < g->n && !text_equal(g->words[k].stored->fact->source, stored->fact->source))
                k++;
        if (k < g->n && (g->words[k].member == 0 || stamp_compare(g->words[k].stored->newest, stored->newest) > 0))
                return 0;
        if (g->n == g->room) {
                SourceWord *grown = arena_alloc(g->look->work->arena,
                                                (g->room = g->room ? g->room * 2 : 4) * sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                if (g->n > 0)
                        memcpy(grown, g->words, g->n * sizeof(*grown));
                g->words = grown;
        }
        g->words[k] = (SourceWord){ .stored = stored, .member = member };
        g->n = MAX(g->n, k + 1);
        return 0;
}

bool look_has_member(const Look *look, const char *patient_id) {
        for (size_t i = 0; i < look->n_members; i++)
                if (strcmp(look->members[i]->patient_id, patient_id) == 0)
                        return true;
        return false;
}

/* Of a home that is no member only what was moved to one counts; of a member, what was not moved away. */
static int home_gather(Gathering *g, const Person *home, size_t member) {
        FoldWork *work = g->look->work;
        Carebus__V1__StoredSection *section;
        int r;

        r = strcmp(g->section, SECTION_DEMOGRAPHICS) == 0 ? again_section(work, home->patient_id, &section)
                                                          : work_section(work, home->patient_id, g->section, &section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                const char *moved_to = fact_moved_to(home, g->section, section->facts[i]);

                if (g->counts(section->facts[i]) && look_has_member(g->look, moved_to ?: home->patient_id))
                        r = word_add(g, section->facts[i], member);
        }
        return r;
}

static int words_gather(Look *look, const char *section, bool (*counts)(const Carebus__V1__StoredFact *),
                        SourceWord **ret, size_t *ret_n) {
        Gathering g = { .look = look, .section = section, .counts = counts };
        size_t n_homes;
        char **homes;
        int r = 0;

        for (size_t i = 0; r == 0 && i < look->n_members; i++)
                r = home_gather(&g, look->members[i], i);
        r = r ?: homes_of_moves(look->members, look->n_members, look->work->arena, &homes, &n_homes);
        for (size_t i = 0; r == 0 && i < n_homes; i++) {
                Person *home;

                r = work_person(look->work, homes[i], &home);
                r = r ?: home_gather(&g, home, look->n_members);
        }
        if (r)
                return r == STATE_E_NOT_FOUND ? -EBADMSG : r;
        *ret = g.words;
        *ret_n = g.n;
        return 0;
}

static bool word_counts(const Carebus__V1__StoredFact *stored) {
        return stored->fact->value_case == CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS;
}

int look_gather(Look *look) {
        int r;

        r = words_gather(look, SECTION_DEMOGRAPHICS, word_counts, &look->words, &look->n_words);
        r = r ?: words_gather(look, SECTION_DEATH, death_stands, &look->deaths, &look->n_deaths);
        return r ?: words_gather(look, SECTION_DEATH, death_is_retracted, &look->retracted, &look->n_retracted);
}

int look_formally_dead(FoldWork *work, Person **members, size_t n_members, bool *ret) {
        Look look = { .work = work, .members = members, .n_members = n_members };
        int r = words_gather(&look, SECTION_DEATH, death_stands, &look.deaths, &look.n_deaths);

        *ret = false;
        for (size_t i = 0; r == 0 && i < look.n_deaths && !*ret; i++)
                *ret = death_is_formal(look.deaths[i].stored);
        return r;
}

/* ---- fields ---------------------------------------------------------------------------------------------------------------- */

static bool sexes_differ(const Carebus__V1__Coded *a, const Carebus__V1__Coded *b) {
        static const char *const unknown[] = { "unknown", "0", "9", "U", "X" };

        if (!a || !b || !a->code || !b->code || !text_equal(a->system, b->system) || strcmp(a->code, b->code) == 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(unknown); i++)
                if (strcmp(a->code, unknown[i]) == 0 || strcmp(b->code, unknown[i]) == 0)
                        return false;
        return true;
}

static bool words_differ(const SourceWord *a, const SourceWord *b, unsigned number) {
        const Carebus__V1__Demographics *x = a->stored->fact->demographics, *y = b->stored->fact->demographics;

        switch (number) {
        case FIELD_SEX:
                return sexes_differ(x->sex, y->sex);
        case FIELD_RESTRICTED:
                return x->has_restricted && y->has_restricted && x->restricted != y->restricted;
        default:
                return birth_dates_differ(x->birth_date, y->birth_date);
        }
}

/* What a source says in a field, so that saying it again is no new claim. */
static const char *word_says(const Look *look, const Carebus__V1__StoredFact *word, unsigned number) {
        const Carebus__V1__Demographics *d = word->fact->demographics;
        const char *source = word->fact->source;
        Arena *arena = look->work->arena;

        switch (number) {
        case FIELD_SEX:
                return text_joined(arena, source, "=", d->sex->code, NULL);
        case FIELD_RESTRICTED:
                return text_joined(arena, source, "=", d->restricted ? "yes" : "no", NULL);
        case FIELD_NAMES:
                return text_joined(arena, source, "=", d->names[0]->family ?: d->names[0]->text ?: "",
                                   d->names[0]->n_given ? d->names[0]->given[0] : NULL);
        default:
                return arena_format(arena, "%s=%u-%u-%u", source, d->birth_date->year, d->birth_date->month,
                                    d->birth_date->day);
        }
}

/* The event that last said a field: its place is the stamp's. */
static int claim_field(Look *look, Wanted *wanted, const Carebus__V1__StoredFact *word, unsigned number) {
        StampParts stamp = demographics_stamp(word, number);

        return wanted_claim(look, wanted, id_text("", stamp.seq, stamp.index, look->work->arena),
                            word_says(look, word, number));
}

/* All who take part in a disagreement on one field. */
static int look_at_field(Look *look, unsigned number, const char *key, const char *path, const char *reason) {
        Wanted *wanted = NULL;

        for (size_t i = 0; i < look->n_words; i++) {
                bool differs = false;
                int r;

                for (size_t j = 0; j < look->n_words && !differs; j++)
                        differs = words_differ(&look->words[i], &look->words[j], number);
                if (!differs)
                        continue;
                if (!wanted)
                        wanted = look_want(look, key, SECTION_DEMOGRAPHICS, path, reason);
                r = claim_field(look, wanted, look->words[i].stored, number);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- names ----------------------------------------------------------------------------------------------------------------- */

static bool has_name(const Person *person) {
        for (size_t i = 0; i < person->n_traits; i++)
                if (person->traits[i]->matching && person->traits[i]->matching->n_names > 0)
                        return true;
        return false;
}

static const char *agreement_of(const MatchResult *result, const char *field) {
        for (size_t i = 0; i < result->n_evidence; i++)
                if (text_equal(result->evidence[i].field, field))
                        return result->evidence[i].agreement;
        return NULL;
}

/* Not a slip, a nickname or a name of before: neither a family name nor a first name holds them together. */
static bool names_differ(const Look *look, const Person *a, const Person *b) {
        MatchPerson x = { .traits = a->traits, .n_traits = a->n_traits };
        MatchPerson y = { .traits = b->traits, .n_traits = b->n_traits };
        const char *given;
        MatchResult result;

        match_compare(look->work->fold->rules, x, y, &result);
        given = agreement_of(&result, "given");
        return text_equal(agreement_of(&result, "family"), "differs") &&
               (!given || strcmp(given, "differs") == 0 || strcmp(given, "missing") == 0);
}

static int claim_names(Look *look, Wanted *wanted, const Person *member) {
        Carebus__V1__StoredSection *section;
        int r;

        r = again_section(look->work, member->patient_id, &section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++)
                if (word_counts(section->facts[i]) && section->facts[i]->fact->demographics->n_names > 0)
                        r = claim_field(look, wanted, section->facts[i], FIELD_NAMES);
        return r;
}

/* Who is called alike goes together, by way of others too: one who married holds both names together. *ret: in how many lots they fall. */
static size_t names_part(const Look *look, size_t *lots, size_t n) {
        size_t n_lots = 0;

        for (size_t i = 0; i < n; i++)
                lots[i] = has_name(look->members[i]) ? i : SIZE_MAX;
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < i; j++) {
                        size_t from = lots[i], to = lots[j];

                        if (from == SIZE_MAX || to == SIZE_MAX || from == to ||
                            names_differ(look, look->members[i], look->members[j]))
                                continue;
                        for (size_t k = 0; k < n; k++)
                                lots[k] = lots[k] == from ? to : lots[k];
                }
        for (size_t i = 0; i < n; i++)
                n_lots += lots[i] == i;
        return n_lots;
}

/* One human being by the names of two people. */
static int look_at_names(Look *look) {
        size_t n = MIN(look->n_members, (size_t)NAMED_MAX), lots[NAMED_MAX];
        Wanted *wanted;
        int r = 0;

        if (n < 2 || !look->work->fold->rules || names_part(look, lots, n) < 2)
                return 0;
        wanted = look_want(look, "demographics/names", SECTION_DEMOGRAPHICS, "names", "names-differ");
        for (size_t i = 0; r == 0 && i < n; i++)
                r = lots[i] == SIZE_MAX ? 0 : claim_names(look, wanted, look->members[i]);
        return r;
}

static int claim_number(Look *look, Wanted *wanted, const Carebus__V1__PersonIdentifier *number) {
        return wanted_claim(look, wanted, number->event_id,
                            text_joined(look->work->arena, number->identifier->system ?: "", "|",
                                        number->identifier->value, NULL));
}

static int look_at_numbers(Look *look) {
        const Carebus__V1__PersonIdentifier *first = NULL, *kept;
        Wanted *wanted = NULL;

        for (size_t i = 0; i < look->n_members; i++)
                for (size_t at = 0; (kept = identify_verified(look->members[i], &at)); at++) {
                        int r = 0;

                        if (!first)
                                first = kept;
                        if (!text_equal(first->identifier->system, kept->identifier->system) ||
                            identifier_same(first->identifier, kept->identifier))
                                continue;
                        if (!wanted) {
                                wanted = look_want(look, "identity/number", SECTION_DEMOGRAPHICS, "identifiers",
                                                   "two-verified-numbers");
                                r = claim_number(look, wanted, first);
                        }
                        r = r ?: claim_number(look, wanted, kept);
                        if (r < 0)
                                return r;
                }
        return 0;
}

int look_at_identity(Look *look) {
        static const struct {
                unsigned number;
                const char *key, *path, *reason;
        } fields[] = {
                { FIELD_BIRTH_DATE, "demographics/birth_date", "birth_date", "birth-dates-differ" },
                { FIELD_SEX, "demographics/sex", "sex", "sexes-differ" },
                { FIELD_RESTRICTED, "demographics/restricted", "restricted", "restrictions-differ" },
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(fields); i++)
                r = look_at_field(look, fields[i].number, fields[i].key, fields[i].path, fields[i].reason);
        r = r ?: look_at_names(look);
        return r ?: look_at_numbers(look);
}
