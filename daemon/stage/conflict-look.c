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

static bool is_member(const Look *look, const char *patient_id) {
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

                if (g->counts(section->facts[i]) && is_member(g->look, moved_to ?: home->patient_id))
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
        return r ?: words_gather(look, SECTION_DEATH, death_stands, &look->deaths, &look->n_deaths);
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

/* All that a source ever called this human being, as it is matched by. */
static int traits_of(const Look *look, const char *source, Carebus__V1__Trait ***ret, size_t *ret_n) {
        *ret = NULL;
        *ret_n = 0;
        for (size_t i = 0; i < look->n_members; i++)
                for (size_t j = 0; j < look->members[i]->n_traits; j++) {
                        Carebus__V1__Trait *trait = look->members[i]->traits[j];

                        if (text_equal(trait->source, source) &&
                            list_append((void ***)ret, ret_n, trait, look->work->arena) < 0)
                                return -ENOMEM;
                }
        return 0;
}

/* Two sources that call somebody by names of two people: not a slip, a nickname or a name of before. */
static int names_differ(const Look *look, const SourceWord *a, const SourceWord *b, bool *ret) {
        MatchPerson x, y;
        MatchResult result;
        int r;

        *ret = false;
        if (!look->work->fold->rules || a->stored->fact->demographics->n_names == 0 ||
            b->stored->fact->demographics->n_names == 0)
                return 0;
        r = traits_of(look, a->stored->fact->source, (Carebus__V1__Trait ***)&x.traits, &x.n_traits);
        r = r ?: traits_of(look, b->stored->fact->source, (Carebus__V1__Trait ***)&y.traits, &y.n_traits);
        if (r < 0 || x.n_traits == 0 || y.n_traits == 0)
                return r;
        match_compare(look->work->fold->rules, x, y, &result);
        for (size_t i = 0; i < result.n_evidence; i++)
                if (text_equal(result.evidence[i].field, "name"))
                        *ret = text_equal(result.evidence[i].agreement, "differs");
        return 0;
}

static int words_differ(const Look *look, const SourceWord *a, const SourceWord *b, unsigned number, bool *ret) {
        const Carebus__V1__Demographics *x = a->stored->fact->demographics, *y = b->stored->fact->demographics;

        switch (number) {
        case FIELD_SEX:
                *ret = sexes_differ(x->sex, y->sex);
                return 0;
        case FIELD_RESTRICTED:
                *ret = x->has_restricted && y->has_restricted && x->restricted != y->restricted;
                return 0;
        case FIELD_NAMES:
                return a == b ? 0 : names_differ(look, a, b, ret);
        default:
                *ret = birth_dates_differ(x->birth_date, y->birth_date);
                return 0;
        }
}

/* What a source says in a field, so that saying it again is no new claim. */
static const char *word_says(const Look *look, const SourceWord *word, unsigned number) {
        const Carebus__V1__Demographics *d = word->stored->fact->demographics;
        const char *source = word->stored->fact->source;
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
static int claim_field(Look *look, Wanted *wanted, const SourceWord *word, unsigned number) {
        StampParts stamp = demographics_stamp(word->stored, number);

        return wanted_claim(look, wanted, id_text("", stamp.seq, stamp.index, look->work->arena),
                            word_says(look, word, number));
}

/* All who take part in a disagreement on one field. */
static int look_at_field(Look *look, unsigned number, const char *key, const char *path, const char *reason) {
        Wanted *wanted = NULL;

        for (size_t i = 0; i < look->n_words; i++) {
                bool differs = false;
                int r = 0;

                for (size_t j = 0; r == 0 && j < look->n_words && !differs; j++)
                        r = words_differ(look, &look->words[i], &look->words[j], number, &differs);
                if (r < 0)
                        return r;
                if (!differs)
                        continue;
                if (!wanted)
                        wanted = look_want(look, key, SECTION_DEMOGRAPHICS, path, reason);
                r = claim_field(look, wanted, &look->words[i], number);
                if (r < 0)
                        return r;
        }
        return 0;
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
                { FIELD_NAMES, "demographics/names", "names", "names-differ" },
                { FIELD_RESTRICTED, "demographics/restricted", "restricted", "restrictions-differ" },
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(fields); i++)
                r = look_at_field(look, fields[i].number, fields[i].key, fields[i].path, fields[i].reason);
        return r ?: look_at_numbers(look);
}
