/*
 * Who is who in sets of records whose truth is known, the way a fold goes: record by record in the order of the file, each looked for
 * under its blocks among those before it, the best and its rival decided on. What is joined stays joined, and later records are compared
 * with all that was joined before. What waits for a person is joined by nobody here.
 *
 * --fold FOLDER takes the same records through a journal and the fold of the daemon, and says how many of them are one with others than
 * here.
 *
 * Standard input: `truth|family|given|YYYYMMDD|postcode|line|telecom|number` a record, what is not there empty. A line of JSON comes out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "bench/identity-fold.h"
#include "bench/identity.h"
#include "bench/tool.h"
#include "daemon/identity/match.h"

#define ARENA_SIZE ((size_t)2 << 30)
#define N_BLOCKS ((size_t)1 << 20)
#define ROUNDS_MAX 8 /* as daemon/stage/match-score.c */

void *taken(void *pointer) {
        if (!pointer)
                tool_die("out of memory");
        return pointer;
}

static size_t text_hash(const char *text) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *text; text++)
                hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
        return hash & (N_BLOCKS - 1);
}

static Block *block_of(Bench *bench, const char *text) {
        size_t at = text_hash(text);

        while (bench->blocks[at].text && !text_equal(bench->blocks[at].text, text))
                at = (at + 1) & (N_BLOCKS - 1);
        return &bench->blocks[at];
}

static void block_add(Bench *bench, const char *text, size_t record) {
        Block *block = block_of(bench, text);

        if (!block->text && ++bench->n_blocks > N_BLOCKS / 2)
                tool_die("the set has more blocks than this table");
        block->text = text;
        if (block->n == block->capacity) {
                block->capacity = block->capacity ? block->capacity * 2 : 4;
                block->records = taken(reallocarray(block->records, block->capacity, sizeof(size_t)));
        }
        block->records[block->n++] = record;
}

size_t root_of(const Bench *bench, size_t record) {
        if (bench->roots)
                return bench->roots[record];
        while (bench->records[record].root != record)
                record = bench->records[record].root;
        return record;
}

/* Everybody else who shares a block with any member of a group. */
static void look_up(Bench *bench, size_t root) {
        const Record *group = &bench->records[root];

        bench->n_candidates = 0;
        bench->n_searches++;
        bench->seen[root] = bench->n_searches;
        for (size_t i = 0; i < group->n_blocks; i++) {
                const Block *block = block_of(bench, group->blocks[i]);

                for (size_t j = 0; block->n <= match_candidates_max(bench->rules) && j < block->n; j++) {
                        size_t other = root_of(bench, block->records[j]);

                        if (bench->seen[other] == bench->n_searches)
                                continue;
                        bench->seen[other] = bench->n_searches;
                        bench->candidates[bench->n_candidates++] = other;
                }
        }
}

MatchPerson person_of(const Record *record) {
        return (MatchPerson){ .traits = record->traits,
                              .n_traits = record->n_traits,
                              .identifiers = record->identifiers,
                              .n_identifiers = record->n_identifiers };
}

/* Who came first stands for both. */
static size_t join(Bench *bench, size_t a, size_t b) {
        size_t root = MIN(a, b);
        Record *into = &bench->records[root], *from = &bench->records[MAX(a, b)];

        into->traits = taken(reallocarray(into->traits, into->n_traits + from->n_traits, sizeof(*into->traits)));
        memcpy(into->traits + into->n_traits, from->traits, from->n_traits * sizeof(*from->traits));
        into->n_traits += from->n_traits;
        into->identifiers = taken(reallocarray(into->identifiers, into->n_identifiers + from->n_identifiers + 1,
                                               sizeof(*into->identifiers)));
        if (from->n_identifiers > 0)
                memcpy(into->identifiers + into->n_identifiers, from->identifiers,
                       from->n_identifiers * sizeof(*from->identifiers));
        into->n_identifiers += from->n_identifiers;
        into->blocks = taken(reallocarray(into->blocks, into->n_blocks + from->n_blocks + 1, sizeof(*into->blocks)));
        if (from->n_blocks > 0)
                memcpy(into->blocks + into->n_blocks, from->blocks, from->n_blocks * sizeof(*from->blocks));
        into->n_blocks += from->n_blocks;
        from->root = root;
        bench->counts.links++;
        return root;
}

/* Of all who share a block with a group the best, and the score of the next. SIZE_MAX: nobody does. */
static size_t find_best(Bench *bench, size_t root, MatchResult *ret, int32_t *ret_rival) {
        size_t found = SIZE_MAX;

        look_up(bench, root);
        ret->score = *ret_rival = INT32_MIN;
        for (size_t i = 0; i < bench->n_candidates; i++) {
                size_t other = bench->candidates[i];
                MatchResult result;

                match_compare(bench->rules, person_of(&bench->records[root]), person_of(&bench->records[other]),
                              &result);
                bench->counts.compared++;
                *ret_rival = MAX(*ret_rival, MIN(result.score, ret->score));
                if (found != SIZE_MAX && result.score <= ret->score)
                        continue;
                *ret = result;
                found = other;
        }
        return found;
}

/* From both sides nobody else may be near. *ret_found: with whom. */
static MatchVerdict look(Bench *bench, size_t root, size_t *ret_found) {
        MatchResult best, back;
        int32_t rival;
        MatchVerdict verdict;
        const char *reason;

        *ret_found = find_best(bench, root, &best, &rival);
        if (*ret_found == SIZE_MAX)
                return MATCH_NONE;
        verdict = match_decide(bench->rules, &best, rival, &reason);
        if (verdict != MATCH_LINK)
                return verdict;
        /* Of the other's candidates the best or the next is this one. */
        if (find_best(bench, *ret_found, &back, &rival) != root)
                rival = back.score;
        return match_decide(bench->rules, &best, rival, &reason);
}

static void index_record(Bench *bench, size_t self) {
        Record *record = &bench->records[self];
        char **blocks;
        size_t n;

        if (match_blocks(bench->rules, record->matching, bench->arena, &blocks, &n) < 0)
                tool_die("out of memory");
        record->blocks = taken(calloc(n + 1, sizeof(*record->blocks)));
        memcpy(record->blocks, blocks, n * sizeof(*blocks));
        record->n_blocks = n;
        /* Whoever is said to have the same number is compared, too. */
        for (size_t i = 0; i < record->n_identifiers; i++) {
                record->blocks = taken(reallocarray(record->blocks, record->n_blocks + 1, sizeof(*record->blocks)));
                record->blocks[record->n_blocks++] = taken(
                        arena_format(bench->arena, "number:%s", record->identifiers[i]->identifier->value));
        }
        for (size_t i = 0; i < record->n_blocks; i++)
                block_add(bench, record->blocks[i], self);
}

static void take_record(Bench *bench, size_t self) {
        Record *record = &bench->records[self];
        MatchVerdict verdict = MATCH_LINK;
        size_t root = self, found;

        if (!record->matching)
                return;
        index_record(bench, self);
        /* Who was joined may lead to another. */
        for (int i = 0; verdict == MATCH_LINK && i < ROUNDS_MAX; i++) {
                verdict = look(bench, root, &found);
                if (verdict == MATCH_LINK)
                        root = join(bench, root, found);
        }
        record->in_review = verdict == MATCH_REVIEW;
        bench->counts.reviews += record->in_review;
        bench->counts.reviews_right += record->in_review && text_equal(bench->records[found].truth, record->truth);
}

/* From here on the records are one with whom the fold says. */
static void take_fold(Bench *bench, const char *folder) {
        FoldRecord *records = taken(calloc(bench->n + 1, sizeof(*records)));
        size_t *roots = taken(calloc(bench->n + 1, sizeof(*roots))),
               *first = taken(calloc(bench->n + 1, sizeof(*first)));
        size_t reviews;
        uint64_t began;
        int r;

        for (size_t i = 0; i < bench->n; i++)
                records[i] = (FoldRecord){
                        .event = bench->records[i].event,
                        .matching = bench->records[i].matching,
                        .number = bench->records[i].n_identifiers ? bench->records[i].identifiers[0]->identifier : NULL,
                };
        began = tool_now();
        r = fold_records(folder, records, bench->n, bench->arena, roots, &reviews);
        if (r < 0)
                tool_die("the fold failed: %s", strerror(-r));
        bench->counts.fold_nanoseconds = tool_now() - began;
        /* The root here is the first of a group, as it is there. */
        for (size_t i = 0; i < bench->n; i++) {
                first[i] = root_of(bench, i);
                bench->counts.fold_differs += first[i] != roots[i];
        }
        bench->roots = roots;
        bench->counts.fold_reviews = reviews;
        free(first);
        free(records);
}

static void bench_free(Bench *bench) {
        for (size_t i = 0; i < bench->n; i++) {
                free(bench->records[i].traits);
                free(bench->records[i].blocks);
                free(bench->records[i].identifiers);
        }
        for (size_t i = 0; i < N_BLOCKS; i++)
                free(bench->blocks[i].records);
        free(bench->records);
        free(bench->blocks);
        free(bench->candidates);
        free(bench->seen);
        free(bench->roots);
        match_rules_free(bench->rules);
        arena_free(bench->arena);
}

int main(int argc, char **argv) {
        const char *weights = NULL, *folder = NULL;
        uint64_t began;
        const ToolOption options[] = {
                { "weights", .text = &weights,
                  .help = "a file with weights of one's own, `field agreement thousandths` a line, and `twins score`" },
                { "fold", .text = &folder,
                  .help = "an empty folder: through a journal and a fold as well, with the shipped weights" },
                { 0 },
        };
        Bench bench = { 0 };

        tool_parse_options(argc, argv, "joins the records of standard input and says how many it joined rightly",
                           options);
        if (arena_new(&bench.arena, ARENA_SIZE) < 0)
                tool_die("out of memory");
        read_rules(&bench, weights);
        bench.blocks = taken(calloc(N_BLOCKS, sizeof(*bench.blocks)));
        read_records(&bench);
        bench.candidates = taken(calloc(bench.n + 1, sizeof(size_t)));
        bench.seen = taken(calloc(bench.n + 1, sizeof(size_t)));
        began = tool_now();
        for (size_t i = 0; i < bench.n; i++)
                take_record(&bench, i);
        bench.counts.nanoseconds = tool_now() - began;
        if (folder)
                take_fold(&bench, folder);
        count_pairs(&bench);
        print_counts(&bench);
        bench_free(&bench);
        return 0;
}
