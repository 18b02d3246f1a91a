/* What of the joins is right, and why the rest was not joined: see identity.h. */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "bench/identity.h"

static Missed missed_why(const Bench *bench, size_t a, size_t b) {
        const char *reason;
        MatchResult result;
        MatchVerdict verdict;

        match_compare(bench->rules, person_of(&bench->records[a]), person_of(&bench->records[b]), &result);
        verdict = match_decide(bench->rules, &result, INT32_MIN, &reason);
        return verdict == MATCH_NONE                ? MISSED_UNLIKE
               : verdict == MATCH_LINK              ? MISSED_RIVAL
               : text_equal(reason, "twin-pattern") ? MISSED_TWINS
               : text_equal(reason, "birth-date")   ? MISSED_BIRTH_DATE
                                                    : MISSED_ASKED;
}

/* Every pair of records: truly one, found to be one, or waiting for a person. */
static void count_pairs_of(Bench *bench, size_t i) {
        const Record *record = &bench->records[i];
        Counts *counts = &bench->counts;

        for (size_t j = 0; j < i; j++) {
                bool is_one = text_equal(record->truth, bench->records[j].truth),
                     found = root_of(bench, i) == root_of(bench, j);

                counts->pairs += is_one;
                counts->found += is_one && found;
                counts->wrong += found && !is_one;
                counts->asked += is_one && !found && (record->in_review || bench->records[j].in_review);
                if (is_one && !found)
                        counts->missed[missed_why(bench, root_of(bench, i), root_of(bench, j))]++;
                if (found && !is_one)
                        bench->records[i].is_wrong = bench->records[j].is_wrong = true;
        }
}

/* Of the people of whom some record is one with another's. */
static bool is_first_wrong(const Bench *bench, size_t i) {
        if (!bench->records[i].is_wrong)
                return false;
        for (size_t j = 0; j < i; j++)
                if (bench->records[j].is_wrong && text_equal(bench->records[j].truth, bench->records[i].truth))
                        return false;
        return true;
}

void count_pairs(Bench *bench) {
        for (size_t i = 0; i < bench->n; i++)
                count_pairs_of(bench, i);
        for (size_t i = 0; i < bench->n; i++)
                bench->counts.persons_wrong += is_first_wrong(bench, i);
}

static const char *const missed_names[N_MISSED] = {
        [MISSED_TWINS] = "missed_twins", [MISSED_BIRTH_DATE] = "missed_birth_date", [MISSED_RIVAL] = "missed_rival",
        [MISSED_ASKED] = "missed_asked", [MISSED_UNLIKE] = "missed_unlike",
};

void print_counts(const Bench *bench) {
        const Counts *counts = &bench->counts;

        printf("{\"records\": %zu, \"pairs\": %" PRIu64 ", \"found\": %" PRIu64 ", \"wrong\": %" PRIu64
               ", \"persons_wrong\": %" PRIu64 ", \"asked\": %" PRIu64 ", ",
               bench->n, counts->pairs, counts->found, counts->wrong, counts->persons_wrong, counts->asked);
        printf("\"links\": %" PRIu64 ", \"reviews\": %" PRIu64 ", \"reviews_right\": %" PRIu64
               ", \"compared\": %" PRIu64 ", \"nanoseconds\": %" PRIu64 ", ",
               counts->links, counts->reviews, counts->reviews_right, counts->compared, counts->nanoseconds);
        for (size_t i = 0; i < N_MISSED; i++)
                printf("\"%s\": %" PRIu64 ", ", missed_names[i], counts->missed[i]);
        printf("\"fold_differs\": %" PRIu64 ", \"fold_reviews\": %" PRIu64 ", \"fold_nanoseconds\": %" PRIu64 "}\n",
               counts->fold_differs, counts->fold_reviews, counts->fold_nanoseconds);
}
