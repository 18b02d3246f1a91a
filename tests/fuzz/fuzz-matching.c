/*
 * Any bytes as somebody's name, postcode and telephone, and what comes of them compared. What is folded is UTF-8 and folds to itself; from
 * both sides a comparison is the same, and nobody becomes another by saying the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "canon/matching.h"
#include "daemon/identity/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS 4

static void must(bool holds) {
        if (!holds)
                __builtin_trap();
}

static void try_fold(char *(*fold)(const char *, Arena *), const char *text, Arena *arena) {
        const char *once = fold(text, arena), *twice = once ? fold(once, arena) : NULL;

        must(once && twice && utf8_is_valid(once, strlen(once)) && text_equal(once, twice));
}

static Carebus__V1__Matching *try_name(const char *text, Arena *arena) {
        Carebus__V1__Matching *matching = NULL;

        must(matching_names_of_text(text, arena, &matching) == 0);
        for (size_t i = 0; i < matching->n_names; i++) {
                const Carebus__V1__MatchingName *name = matching->names[i];

                must(!name->family || utf8_is_valid(name->family, strlen(name->family)));
                for (size_t j = 0; j < name->n_given; j++)
                        must(name->given[j][0] && utf8_is_valid(name->given[j], strlen(name->given[j])));
        }
        return matching;
}

static void try_compare(const MatchRules *rules, Carebus__V1__Matching *a, Carebus__V1__Matching *b, Arena *arena) {
        Carebus__V1__Trait of_a = CAREBUS__V1__TRAIT__INIT, of_b = CAREBUS__V1__TRAIT__INIT;
        Carebus__V1__Trait *const one[] = { &of_a }, *const other[] = { &of_b };
        MatchResult there, back;
        char **blocks;
        size_t n;

        of_a.matching = a;
        of_b.matching = b;
        match_compare(rules, (MatchPerson){ one, 1 }, (MatchPerson){ other, 1 }, &there);
        match_compare(rules, (MatchPerson){ other, 1 }, (MatchPerson){ one, 1 }, &back);
        must(there.score == back.score && there.twins == back.twins);
        must(!match_is_another(rules, a, a));
        must(match_blocks(rules, a, arena, &blocks, &n) == 0);
        for (size_t i = 0; i < n; i++)
                must(utf8_is_valid(blocks[i], strlen(blocks[i])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static MatchRules *rules;
        _cleanup_(arena_freep) Arena *arena = NULL;
        const char *parts[PARTS] = { "", "", "", "" };
        Carebus__V1__Matching *a, *b;

        if (!rules)
                must(match_rules_new(NULL, &rules) == 0);
        must(arena_new(&arena, 64 * 1024 * 1024) == 0);
        for (size_t i = 0; i < PARTS && size > 0; i++) {
                const uint8_t *end = memchr(data, '\n', size);
                size_t part = end ? (size_t)(end - data) : size;

                parts[i] = arena_text(arena, data, part);
                must(parts[i] != NULL);
                data += part + (end != NULL);
                size -= part + (end != NULL);
        }
        try_fold(matching_fold_name, parts[0], arena);
        try_fold(matching_fold_postcode, parts[2], arena);
        must(matching_fold_phone(parts[3], arena) != NULL);
        a = try_name(parts[0], arena);
        b = try_name(parts[1], arena);
        try_compare(rules, a, b, arena);
        return 0;
}
