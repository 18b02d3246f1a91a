/*
 * Weights out of records: see matching.h and docs/matching.md. A tool's arithmetic, in floating point; what it prints is what the bus
 * then counts with, in whole thousandths.
 */
#include "ctl/matching.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/identity/match.h"

#define RANDOM_PAIRS ((size_t)400000)
#define CANDIDATE_PAIRS_MAX ((size_t)8000000)
#define ROUNDS_MAX 60
#define CHANGE_MIN 1e-6
#define WEIGHT_MIN (-20.0)
#define WEIGHT_MAX 20.0
#define LINES_MAX MATCH_FIELDS_MAX
#define LINE_NONE UINT8_MAX
/* An agreement that was seen in fewer pairs of one person keeps the shipped weight. */
#define SEEN_MIN 5.0
/* Half a pair of each kind that nobody saw: no weight is without end. */
#define UNSEEN 0.5
#define PROBABLY_ONE 0.5F

/* Which of the shipped weights a pair of records comes to, field by field. */
typedef struct Pair {
        uint8_t lines[LINES_MAX];
        float together; /* how likely it is one person */
} Pair;

typedef struct Key {
        uint64_t hash;
        size_t row;
} Key;

typedef struct Estimator {
        const MatchingRows *rows;
        const Carebus__V1__MatchingSettings *shipped;
        MatchRules *rules;
        MatchingEstimate *estimate;
        Pair *candidates;
        size_t *group; /* by line: the first line of its field */
} Estimator;

static uint64_t hash_of(const char *text) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *text; text++)
                hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
        return hash;
}

static int compare_keys(const void *a, const void *b) {
        const Key *x = a, *y = b;

        if (x->hash != y->hash)
                return x->hash < y->hash ? -1 : 1;
        return x->row < y->row ? -1 : x->row > y->row;
}

static int compare_numbers(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static size_t line_of(const Estimator *estimator, const Carebus__V1__MatchEvidence *evidence) {
        const Carebus__V1__MatchingSettings *shipped = estimator->shipped;

        for (size_t i = 0; i < shipped->n_weights; i++)
                if (text_equal(shipped->weights[i]->field, evidence->field) &&
                    text_equal(shipped->weights[i]->agreement, evidence->agreement))
                        return i;
        return LINE_NONE;
}

static void pair_compare(const Estimator *estimator, size_t a, size_t b, Pair *ret) {
        Carebus__V1__Trait of_a = CAREBUS__V1__TRAIT__INIT, of_b = CAREBUS__V1__TRAIT__INIT;
        Carebus__V1__Trait *const one[] = { &of_a }, *const other[] = { &of_b };
        MatchResult result;

        of_a.matching = estimator->rows->of[a].matching;
        of_b.matching = estimator->rows->of[b].matching;
        match_compare(estimator->rules, (MatchPerson){ one, 1 }, (MatchPerson){ other, 1 }, &result);
        memset(ret->lines, LINE_NONE, sizeof(ret->lines));
        for (size_t i = 0; i < MIN(result.n_evidence, (size_t)LINES_MAX); i++)
                ret->lines[i] = (uint8_t)line_of(estimator, &result.evidence[i]);
        /* What the shipped weights think of it is where the rounds begin. */
        ret->together = (float)(1 / (1 + exp2(-(result.score - estimator->shipped->review_above) / 1000.0)));
}

/* ---- pairs that share a block ---- */

static int keys_collect(const Estimator *estimator, Key **ret, size_t *ret_n) {
        _cleanup_(freep) Key *keys = NULL;
        size_t n = 0, capacity = 0;

        for (size_t i = 0; i < estimator->rows->n; i++) {
                ArenaMark mark = arena_mark(estimator->rows->arena);
                char **blocks;
                size_t n_blocks;

                if (!estimator->rows->of[i].matching)
                        continue;
                if (match_blocks(estimator->rules, estimator->rows->of[i].matching, estimator->rows->arena, &blocks,
                                 &n_blocks) < 0)
                        return -ENOMEM;
                if (n + n_blocks > capacity) {
                        Key *grown;

                        capacity = MAX(capacity * 2, n + n_blocks + 4096);
                        grown = reallocarray(keys, capacity, sizeof(*keys));
                        if (!grown)
                                return -ENOMEM;
                        keys = grown;
                }
                for (size_t j = 0; j < n_blocks; j++)
                        keys[n++] = (Key){ hash_of(blocks[j]), i };
                arena_rewind(estimator->rows->arena, mark);
        }
        *ret = TAKE_PTR(keys);
        *ret_n = n;
        return 0;
}

static size_t block_end(const Key *keys, size_t n, size_t begin) {
        size_t end = begin;

        while (end < n && keys[end].hash == keys[begin].hash)
                end++;
        return end;
}

static size_t block_pairs(const Estimator *estimator, size_t size) {
        return size <= match_candidates_max(estimator->rules) ? size * (size - 1) / 2 : 0;
}

/* Each pair once, as one number: the higher row's above the lower one's. */
static int pairs_collect(const Estimator *estimator, const Key *keys, size_t n, uint64_t **ret, size_t *ret_n) {
        uint64_t *pairs;
        size_t room = 1, used = 0, unique = 0;

        for (size_t i = 0; i < n; i = block_end(keys, n, i))
                room += block_pairs(estimator, block_end(keys, n, i) - i);
        room = MIN(room, CANDIDATE_PAIRS_MAX);
        pairs = calloc(room, sizeof(*pairs));
        if (!pairs)
                return -ENOMEM;
        for (size_t i = 0, end; i < n; i = end) {
                end = block_end(keys, n, i);
                for (size_t j = i; block_pairs(estimator, end - i) > 0 && j < end; j++)
                        for (size_t k = i; k < j && used < room; k++)
                                pairs[used++] = (uint64_t)keys[j].row << 32 | keys[k].row;
        }
        qsort(pairs, used, sizeof(*pairs), compare_numbers);
        for (size_t i = 0; i < used; i++)
                if (unique == 0 || pairs[unique - 1] != pairs[i])
                        pairs[unique++] = pairs[i];
        *ret = pairs;
        *ret_n = unique;
        return 0;
}

static bool is_one(const Estimator *estimator, size_t a, size_t b) {
        const char *x = estimator->rows->of[a].truth, *y = estimator->rows->of[b].truth;

        return x[0] && text_equal(x, y);
}

static int candidates_compare(Estimator *estimator, bool truth) {
        _cleanup_(freep) Key *keys = NULL;
        _cleanup_(freep) uint64_t *pairs = NULL;
        size_t n_keys, n;
        int r = keys_collect(estimator, &keys, &n_keys);

        if (r < 0)
                return r;
        if (n_keys > 0)
                qsort(keys, n_keys, sizeof(*keys), compare_keys);
        r = pairs_collect(estimator, keys, n_keys, &pairs, &n);
        if (r < 0)
                return r;
        estimator->candidates = calloc(n + 1, sizeof(*estimator->candidates));
        if (!estimator->candidates)
                return -ENOMEM;
        estimator->estimate->n_candidates = n;
        for (size_t i = 0; i < n; i++) {
                size_t a = pairs[i] >> 32, b = pairs[i] & UINT32_MAX;

                pair_compare(estimator, a, b, &estimator->candidates[i]);
                if (truth)
                        estimator->candidates[i].together = is_one(estimator, a, b);
        }
        return 0;
}

/* ---- pairs by lot: nearly all of two persons ---- */

static uint64_t lot_draw(uint64_t *lot) {
        *lot ^= *lot << 13;
        *lot ^= *lot >> 7;
        *lot ^= *lot << 17;
        return *lot;
}

static void count_apart(Estimator *estimator, bool truth) {
        const MatchingRows *rows = estimator->rows;
        uint64_t lot = UINT64_C(0x9e3779b97f4a7c15);

        for (size_t i = 0; i < RANDOM_PAIRS && rows->n > 1; i++) {
                size_t a = lot_draw(&lot) % rows->n, b = lot_draw(&lot) % rows->n;
                Pair pair;

                if (a == b || !rows->of[a].matching || !rows->of[b].matching || (truth && is_one(estimator, a, b)))
                        continue;
                pair_compare(estimator, a, b, &pair);
                /* Without truth the shipped weights say who is to be left out as one person. */
                if (!truth && pair.together > PROBABLY_ONE)
                        continue;
                estimator->estimate->n_random++;
                for (size_t j = 0; j < LINES_MAX; j++)
                        if (pair.lines[j] != LINE_NONE)
                                estimator->estimate->of[pair.lines[j]].apart++;
        }
}

/* ---- how often agreements are met ---- */

/* Of all agreements of the field the share of one; `counts` by line. */
static double share_of(const Estimator *estimator, const double *counts, size_t line) {
        double all = 0, n = 0;

        for (size_t i = 0; i < estimator->estimate->n; i++) {
                if (estimator->group[i] != estimator->group[line])
                        continue;
                all += counts[i] + UNSEEN;
                n++;
        }
        return (counts[line] + UNSEEN) / (n > 0 ? all : 1);
}

/* Two names read crosswise are one event, and stand in two fields: each has half of what it weighs. */
static double bits_of(const Estimator *estimator, const double *together, const double *apart, size_t line) {
        const MatchingFound *found = &estimator->estimate->of[line];
        double bits = log2(share_of(estimator, together, line) / share_of(estimator, apart, line));
        bool is_half = text_equal(found->agreement, "swapped") && !text_equal(found->field, "birth_date");

        return is_half ? bits / 2 : bits;
}

/* How many pairs of each agreement are one person, and how many are two, as things are thought to be. */
static double count_candidates(const Estimator *estimator, double *together, double *apart) {
        double all = 0;

        memset(together, 0, estimator->estimate->n * sizeof(*together));
        memset(apart, 0, estimator->estimate->n * sizeof(*apart));
        for (size_t i = 0; i < estimator->estimate->n_candidates; i++) {
                const Pair *pair = &estimator->candidates[i];

                all += (double)pair->together;
                for (size_t j = 0; j < LINES_MAX; j++) {
                        if (pair->lines[j] == LINE_NONE)
                                continue;
                        together[pair->lines[j]] += (double)pair->together;
                        apart[pair->lines[j]] += 1 - (double)pair->together;
                }
        }
        return all;
}

/* Each pair anew; returns by how much the furthest moved. */
static double expect(const Estimator *estimator, const double *weights, double odds) {
        double furthest = 0;

        for (size_t i = 0; i < estimator->estimate->n_candidates; i++) {
                Pair *pair = &estimator->candidates[i];
                double bits = odds, now;

                for (size_t j = 0; j < LINES_MAX; j++)
                        if (pair->lines[j] != LINE_NONE)
                                bits += weights[pair->lines[j]];
                now = 1 / (1 + exp2(-bits));
                furthest = MAX(furthest, fabs(now - (double)pair->together));
                pair->together = (float)now;
        }
        return furthest;
}

/* Within the candidates: what pairs of two persons have in common there comes of the blocks, and is not what is printed. */
static void rounds_run(Estimator *estimator, double *together, double *apart, double *weights) {
        MatchingEstimate *estimate = estimator->estimate;
        double change = 1;

        while (estimate->n_candidates > 0 && change > CHANGE_MIN && estimate->rounds < ROUNDS_MAX) {
                double all = count_candidates(estimator, together, apart), rest = (double)estimate->n_candidates - all;

                for (size_t i = 0; i < estimate->n; i++)
                        weights[i] = bits_of(estimator, together, apart, i);
                change = expect(estimator, weights, log2((all + UNSEEN) / (rest + UNSEEN)));
                estimate->rounds++;
        }
}

static void weigh(const Estimator *estimator, const double *together, const double *apart) {
        for (size_t i = 0; i < estimator->estimate->n; i++) {
                MatchingFound *found = &estimator->estimate->of[i];
                double bits = bits_of(estimator, together, apart, i);

                found->together = together[i];
                if (together[i] < SEEN_MIN)
                        continue;
                found->thousandths = (int32_t)lround(MAX(WEIGHT_MIN, MIN(WEIGHT_MAX, bits)) * 1000);
        }
}

static int estimate_new(Estimator *estimator) {
        const Carebus__V1__MatchingSettings *shipped = estimator->shipped;
        MatchingEstimate *estimate = estimator->estimate;

        *estimate = (MatchingEstimate){ .n = shipped->n_weights };
        estimate->of = arena_alloc(estimator->rows->arena, estimate->n * sizeof(*estimate->of));
        estimator->group = arena_alloc(estimator->rows->arena, estimate->n * sizeof(*estimator->group));
        if (!estimate->of || !estimator->group)
                return -ENOMEM;
        for (size_t i = 0; i < estimate->n; i++) {
                const Carebus__V1__MatchingWeight *weight = shipped->weights[i];

                estimate->of[i] = (MatchingFound){
                        weight->field, weight->agreement, weight->thousandths, weight->thousandths, 0, 0
                };
                estimator->group[i] = i > 0 && text_equal(weight->field, shipped->weights[i - 1]->field)
                                              ? estimator->group[i - 1]
                                              : i;
        }
        return match_rules_new(shipped, &estimator->rules);
}

static int estimate_all(Estimator *estimator, bool truth) {
        MatchingEstimate *estimate = estimator->estimate;
        _cleanup_(freep) double *numbers = calloc(3 * estimate->n + 1, sizeof(*numbers));
        double *together = numbers, *apart, *weights;
        int r;

        if (!numbers)
                return -ENOMEM;
        apart = numbers + estimate->n;
        weights = apart + estimate->n;
        r = candidates_compare(estimator, truth);
        if (r < 0)
                return r;
        count_apart(estimator, truth);
        if (!truth)
                rounds_run(estimator, together, apart, weights);
        estimate->n_together = count_candidates(estimator, together, apart);
        for (size_t i = 0; i < estimate->n; i++)
                apart[i] = estimate->of[i].apart;
        weigh(estimator, together, apart);
        return 0;
}

int matching_estimate(const MatchingRows *rows, const Carebus__V1__MatchingSettings *shipped, bool truth,
                      MatchingEstimate *ret) {
        Estimator estimator = { .rows = rows, .shipped = shipped, .estimate = ret };
        int r = estimate_new(&estimator);

        if (r == 0)
                r = estimate_all(&estimator, truth);
        free(estimator.candidates);
        match_rules_free(estimator.rules);
        return r;
}
