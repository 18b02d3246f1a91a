#pragma once
/*
 * Could two persons be one? Rules and sums, without a store and without floating point: weights are thousandths of a bit, as
 * Fellegi and Sunter have them (log2 of how much likelier an agreement is in one human being than in two), and come with the
 * settings, so that every rebuild counts alike. docs/matching.md says what each agreement means and how weights are estimated.
 *
 * A MatchRules is immutable; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/state.pb-c.h"

typedef struct MatchRules MatchRules;

/* `settings` NULL, and every weight that they do not name: the shipped ones. Copies what it needs. 0 or -ENOMEM. */
int match_rules_new(const Carebus__V1__MatchingSettings *settings, MatchRules **ret);
MatchRules *match_rules_free(MatchRules *rules);
DEFINE_CLEANUP(MatchRules *, match_rules_free)
/* The shipped weights, thresholds and nicknames, whole: what `carebusctl check` prints and what a file of one's own begins with. */
int match_settings_default(Arena *arena, Carebus__V1__MatchingSettings **ret);

/* All that is known of one person, of all ids that are one with it: current words and former ones, and numbers. Of those only what
 * a national health service gave counts, while some source uses it, and neither test numbers nor such as cannot be. */
typedef struct MatchPerson {
        Carebus__V1__Trait *const *traits;
        size_t n_traits;
        Carebus__V1__PersonIdentifier *const *identifiers;
        size_t n_identifiers;
} MatchPerson;

typedef enum MatchVerdict {
        MATCH_NONE,   /* two, as far as anybody can tell */
        MATCH_REVIEW, /* a person has to look */
        MATCH_LINK,   /* one */
} MatchVerdict;

#define MATCH_FIELDS_MAX 9

typedef struct MatchResult {
        int32_t score; /* thousandths of a bit */
        int32_t score_to_join; /* the same, less what a number speaks for it where a first name is missing: it may be a twin's */
        bool twins; /* same birth date, family name and home, another given name: never joined by themselves */
        bool name_agrees; /* the check that a shared number needs: family or a former one close, and no given name against it */
        bool birth_date_agrees;  /* the same, or one slip: day and month swapped, one digit, a part not known */
        bool birth_date_missing; /* one of the two has none: neither agrees nor differs */
        bool number_agrees;      /* a number that is said of both, and not traced of both, is the same */
        Carebus__V1__MatchEvidence evidence[MATCH_FIELDS_MAX]; /* static texts only */
        size_t n_evidence;
} MatchResult;

/* The best that any word of one and any of the other come to, field by field; symmetric. */
void match_compare(const MatchRules *rules, MatchPerson a, MatchPerson b, MatchResult *ret);
/* By score: at or above which threshold? `rival` is the score of the next best who is not one with the best; INT32_MIN: nobody.
 * *ret_reason: code where it is no link, else NULL: twin-pattern, birth-date (father and son have all else in common: it differs, or one
 * is not known and no number makes up for it), below-threshold, near-rival. The settings can take the first two back. */
MatchVerdict match_decide(const MatchRules *rules, const MatchResult *best, int32_t rival, const char **ret_reason);

/* The words that may find a person again: one text a block ("family+birth_date ..."), without repetition. Two persons who are one share
 * at least one of them in all but hopeless cases. 0 or -ENOMEM. */
int match_blocks(const MatchRules *rules, const Carebus__V1__Matching *matching, Arena *arena, char ***ret,
                 size_t *ret_n);
/* Beyond so many persons a block tells nothing and is passed over. */
size_t match_candidates_max(const MatchRules *rules);
/* Microseconds until an urgent review alarms. */
int64_t match_urgent_after(const MatchRules *rules);

/* Has a source's number become another person's? Not a correction, a marriage or a slip: name and birth date both against it, or
 * one of them against it with another sex, while nothing but the number holds them together. */
bool match_is_another(const MatchRules *rules, const Carebus__V1__Matching *before, const Carebus__V1__Matching *now);
