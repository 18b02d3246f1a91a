#pragma once
/*
 * The inside of MatchRules. Inside this folder.
 */
#include "daemon/identity/match.h"
#include "daemon/identity/weights.h"

typedef struct Nickname {
        char *name;
        uint32_t group;
} Nickname;

struct MatchRules {
        MatchWeights weights;
        int32_t link_above, review_above, margin;
        uint32_t candidates_max, urgent_after_seconds;
        bool twins_by_score, birth_date_by_score;
        char **communal; /* sorted */
        size_t n_communal;
        Nickname *nicknames; /* sorted by name, then group */
        size_t n_nicknames;
        const char **heads; /* of a group: its first name, borrowed from `nicknames` */
        uint32_t n_groups;
};

bool rules_postcode_is_communal(const MatchRules *rules, const char *postcode);
/* The groups that a name is in: entries of `nicknames`. */
const Nickname *rules_nickname_groups(const MatchRules *rules, const char *name, size_t *ret_n);
/* Is it in any group: a name that people have, and no slip of the pen? */
bool rules_is_name(const MatchRules *rules, const char *name);
bool rules_are_nicknames(const MatchRules *rules, const char *a, const char *b);
