/*
 * Who is who in sets of records whose truth is known, the way a fold goes: record by record in the order of the file, each looked for
 * under its blocks among those before it, the best and its rival decided on. What is joined stays joined, and later records are compared
 * with all that was joined before. What waits for a person is joined by nobody here.
 *
 * --fold FOLDER takes the same records through a journal and the fold of the daemon, and says how many of them are one with others than
 * here.
 *
 * Standard input: `truth|family|given|YYYYMMDD|postcode|line|telecom` a record, what is not there empty. A line of JSON comes out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "bench/identity-fold.h"
#include "bench/tool.h"
#include "canon/matching.h"
#include "daemon/identity/match.h"

enum {
        COLUMN_TRUTH,
        COLUMN_FAMILY,
        COLUMN_GIVEN,
        COLUMN_DATE,
        COLUMN_POSTCODE,
        COLUMN_LINE,
        COLUMN_TELECOM,
        N_COLUMNS
};

#define ARENA_SIZE ((size_t)2 << 30)
#define N_BLOCKS ((size_t)1 << 20)
#define WEIGHTS_MAX 256
#define ROUNDS_MAX 8 /* as daemon/stage/match-score.c */

/* One record. Those that are one have one root, whose `traits` are all of theirs. */
typedef struct Record {
        const char *truth;
        Carebus__V1__Event *event;
        Carebus__V1__Matching *matching;
        Carebus__V1__Trait **traits;
        size_t n_traits, root;
        char **blocks; /* of all of them, too */
        size_t n_blocks;
        bool in_review;
} Record;

/* Who stands under one block: a row of an open hash table. */
typedef struct Block {
        const char *text;
        size_t *records, n, capacity;
} Block;

typedef struct Counts {
        uint64_t links, reviews, reviews_right, compared, nanoseconds;
        uint64_t pairs, found, wrong, records_wrong, asked;
        uint64_t fold_reviews, fold_differs, fold_nanoseconds;
} Counts;

typedef struct Bench {
        Arena *arena;
        MatchRules *rules;
        bool alone;
        Record *records;
        size_t n, capacity;
        Block *blocks;
        size_t n_blocks;
        size_t *candidates, n_candidates;
        size_t *seen; /* by record: the search that last had it as a candidate */
        size_t n_searches;
        Counts counts;
        size_t *roots; /* where a fold went over them: whom each is one with there */
} Bench;

/* All that an event says of a person, in one piece: for what a set of records has. */
typedef struct Said {
        Carebus__V1__Event event;
        Carebus__V1__Demographics demographics;
        Carebus__V1__HumanName name, *names[1];
        Carebus__V1__Address address, *addresses[1];
        Carebus__V1__Telecom number, *numbers[1];
        Carebus__V1__Date date;
        char *given[1], *line[1];
} Said;

static void *taken(void *pointer) {
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

static size_t root_of(const Bench *bench, size_t record) {
        if (bench->roots)
                return bench->roots[record];
        while (bench->records[record].root != record)
                record = bench->records[record].root;
        return record;
}

static void said_date(Said *said, const char *text) {
        Carebus__V1__Date *date = &said->date;

        carebus__v1__date__init(date);
        if (sscanf(text, "%4u%2u%2u", &date->year, &date->month, &date->day) != 3)
                return;
        date->has_year = date->has_month = date->has_day = true;
        said->demographics.birth_date = date;
}

static void said_make(Said *said, char *const *columns) {
        carebus__v1__event__init(&said->event);
        carebus__v1__demographics__init(&said->demographics);
        carebus__v1__human_name__init(&said->name);
        carebus__v1__address__init(&said->address);
        carebus__v1__telecom__init(&said->number);
        said->event.body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        said->event.demographics = &said->demographics;
        said->name.family = columns[COLUMN_FAMILY];
        said->name.given = said->given;
        said->given[0] = columns[COLUMN_GIVEN];
        said->name.n_given = said->given[0][0] != '\0';
        said->address.postal_code = columns[COLUMN_POSTCODE];
        said->address.line = said->line;
        said->line[0] = columns[COLUMN_LINE];
        said->address.n_line = said->line[0][0] != '\0';
        said->number.value = columns[COLUMN_TELECOM];
        said->names[0] = &said->name;
        said->addresses[0] = &said->address;
        said->numbers[0] = &said->number;
        said->demographics.names = said->names;
        said->demographics.addresses = said->addresses;
        said->demographics.telecom = said->numbers;
        said->demographics.n_names = said->demographics.n_addresses = said->demographics.n_telecom = 1;
        said_date(said, columns[COLUMN_DATE]);
}

static void read_record(Bench *bench, char *line) {
        char *columns[N_COLUMNS], *at = line;
        Carebus__V1__Trait *trait = taken(arena_alloc(bench->arena, sizeof(*trait)));
        Said *said = taken(arena_alloc(bench->arena, sizeof(*said)));
        Record *record;

        for (size_t i = 0; i < N_COLUMNS; i++) {
                columns[i] = strsep(&at, "|");
                if (!columns[i])
                        tool_die("a record has fewer than %d columns", N_COLUMNS);
        }
        if (bench->n == bench->capacity) {
                bench->capacity = bench->capacity ? bench->capacity * 2 : 1024;
                bench->records = taken(reallocarray(bench->records, bench->capacity, sizeof(*bench->records)));
        }
        record = &bench->records[bench->n];
        *record = (Record){ .truth = columns[COLUMN_TRUTH], .root = bench->n, .n_traits = 1 };
        said_make(said, columns);
        record->event = &said->event;
        if (matching_of_event(&said->event, bench->arena, &record->matching) < 0)
                tool_die("out of memory");
        carebus__v1__trait__init(trait);
        trait->matching = record->matching;
        record->traits = taken(malloc(sizeof(*record->traits)));
        record->traits[0] = trait;
        bench->n++;
}

static void read_records(Bench *bench) {
        char *line = NULL;
        size_t size = 0;
        ssize_t n;

        while ((n = getline(&line, &size, stdin)) > 0)
                read_record(bench, taken(arena_text(bench->arena, line, (size_t)n - (line[n - 1] == '\n'))));
        free(line);
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

static MatchPerson person_of(const Record *record) {
        return (MatchPerson){ record->traits, record->n_traits };
}

/* Who came first stands for both. */
static size_t join(Bench *bench, size_t a, size_t b) {
        size_t root = MIN(a, b);
        Record *into = &bench->records[root], *from = &bench->records[MAX(a, b)];

        into->traits = taken(reallocarray(into->traits, into->n_traits + from->n_traits, sizeof(*into->traits)));
        memcpy(into->traits + into->n_traits, from->traits, from->n_traits * sizeof(*from->traits));
        into->n_traits += from->n_traits;
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

static MatchVerdict decide(const Bench *bench, MatchResult *best, int32_t rival) {
        const char *reason;

        if (bench->alone) {
                best->twins = false;
                best->birth_date_agrees = true;
        }
        return match_decide(bench->rules, best, rival, &reason);
}

/* From both sides nobody else may be near. *ret_found: with whom. */
static MatchVerdict look(Bench *bench, size_t root, size_t *ret_found) {
        MatchResult best, back;
        int32_t rival;
        MatchVerdict verdict;

        *ret_found = find_best(bench, root, &best, &rival);
        if (*ret_found == SIZE_MAX)
                return MATCH_NONE;
        verdict = decide(bench, &best, rival);
        if (verdict != MATCH_LINK)
                return verdict;
        /* Of the other's candidates the best or the next is this one. */
        if (find_best(bench, *ret_found, &back, &rival) != root)
                rival = back.score;
        return decide(bench, &best, rival);
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
        for (size_t i = 0; i < n; i++)
                block_add(bench, blocks[i], self);
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

/* Every pair of records: truly one, found to be one, or waiting for a person. */
static void count_pairs_of(Bench *bench, size_t i) {
        const Record *record = &bench->records[i];
        Counts *counts = &bench->counts;
        bool is_wrong = false;

        for (size_t j = 0; j < i; j++) {
                bool is_one = text_equal(record->truth, bench->records[j].truth),
                     found = root_of(bench, i) == root_of(bench, j);

                counts->pairs += is_one;
                counts->found += is_one && found;
                counts->wrong += found && !is_one;
                counts->asked += is_one && !found && (record->in_review || bench->records[j].in_review);
                is_wrong = is_wrong || (found && !is_one);
        }
        counts->records_wrong += is_wrong;
}

static void print_counts(const Bench *bench) {
        const Counts *counts = &bench->counts;

        printf("{\"records\": %zu, \"pairs\": %" PRIu64 ", \"found\": %" PRIu64 ", \"wrong\": %" PRIu64
               ", \"records_wrong\": %" PRIu64 ", \"asked\": %" PRIu64 ", ",
               bench->n, counts->pairs, counts->found, counts->wrong, counts->records_wrong, counts->asked);
        printf("\"links\": %" PRIu64 ", \"reviews\": %" PRIu64 ", \"reviews_right\": %" PRIu64
               ", \"compared\": %" PRIu64 ", \"nanoseconds\": %" PRIu64 ", ",
               counts->links, counts->reviews, counts->reviews_right, counts->compared, counts->nanoseconds);
        printf("\"fold_differs\": %" PRIu64 ", \"fold_reviews\": %" PRIu64 ", \"fold_nanoseconds\": %" PRIu64 "}\n",
               counts->fold_differs, counts->fold_reviews, counts->fold_nanoseconds);
}

/* `field agreement thousandths` a line; `link_above`, `review_above` and `margin` have the number alone. */
static void read_weight(Arena *arena, char *line, Carebus__V1__MatchingSettings *settings) {
        Carebus__V1__MatchingWeight *weight;
        char field[32], agreement[32];
        int32_t number;

        if (sscanf(line, "link_above %" SCNd32, &number) == 1) {
                settings->has_link_above = true;
                settings->link_above = number;
        } else if (sscanf(line, "review_above %" SCNd32, &number) == 1) {
                settings->has_review_above = true;
                settings->review_above = number;
        } else if (sscanf(line, "%31s %31s %" SCNd32, field, agreement, &number) == 3 &&
                   settings->n_weights < WEIGHTS_MAX) {
                weight = taken(arena_alloc(arena, sizeof(*weight)));
                carebus__v1__matching_weight__init(weight);
                weight->field = taken(arena_text(arena, field, strlen(field)));
                weight->agreement = taken(arena_text(arena, agreement, strlen(agreement)));
                weight->has_thousandths = true;
                weight->thousandths = number;
                settings->weights[settings->n_weights++] = weight;
        } else {
                tool_die("a line of weights cannot be read: %s", line);
        }
}

static void read_rules(Bench *bench, const char *path) {
        Carebus__V1__MatchingSettings *settings;
        Carebus__V1__MatchingWeight *weights[WEIGHTS_MAX];
        _cleanup_(fclosep) FILE *file = path ? fopen(path, "re") : NULL;
        char line[128];

        if (path && !file)
                tool_die("%s cannot be opened", path);
        if (match_settings_default(bench->arena, &settings) < 0)
                tool_die("out of memory");
        memcpy(weights, settings->weights, settings->n_weights * sizeof(*weights));
        settings->weights = weights;
        while (file && fgets(line, sizeof(line), file))
                read_weight(bench->arena, line, settings);
        if (match_rules_new(settings, &bench->rules) < 0)
                tool_die("out of memory");
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
                records[i] = (FoldRecord){ bench->records[i].event, bench->records[i].matching };
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
        uint64_t alone = 0, began;
        const ToolOption options[] = {
                { "weights", .text = &weights,
                  .help = "a file with weights of one's own: `field agreement thousandths` a line" },
                { "alone", .number = &alone,
                  .help = "1: the score alone decides, without the rules on twins and birth dates" },
                { "fold", .text = &folder,
                  .help = "an empty folder: through a journal and a fold as well, with the shipped weights" },
                { 0 },
        };
        Bench bench = { 0 };

        tool_parse_options(argc, argv, "joins the records of standard input and says how many it joined rightly",
                           options);
        bench.alone = alone;
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
        for (size_t i = 0; i < bench.n; i++)
                count_pairs_of(&bench, i);
        print_counts(&bench);
        bench_free(&bench);
        return 0;
}
