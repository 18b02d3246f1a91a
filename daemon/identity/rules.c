#include "daemon/identity/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SHIPPED_SIZE (512 * 1024)

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_nicknames(const void *a, const void *b) {
        const Nickname *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r ? r : x->group < y->group ? -1 : x->group > y->group;
}

static int32_t weight_within(int32_t weight) {
        return MAX(-MATCH_WEIGHT_MAX, MIN(MATCH_WEIGHT_MAX, weight));
}

static void take_weight(MatchRules *rules, const Carebus__V1__MatchingWeight *weight) {
        for (int field = 0; weight->has_thousandths && field < N_FIELDS; field++) {
                if (!text_equal(weight->field, match_field_name(field)))
                        continue;
                for (int agreement = 0; agreement < N_AGREEMENTS; agreement++)
                        if (text_equal(weight->agreement, match_agreement_name(agreement)))
                                rules->weights.of[field][agreement] = weight_within(weight->thousandths);
        }
}

static int take_communal(MatchRules *rules, const Carebus__V1__MatchingSettings *settings) {
        rules->communal = calloc(settings->n_communal_postcodes + 1, sizeof(*rules->communal));
        if (!rules->communal)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n_communal_postcodes; i++) {
                rules->communal[rules->n_communal] = strdup(settings->communal_postcodes[i]);
                if (!rules->communal[rules->n_communal++])
                        return -ENOMEM;
        }
        qsort(rules->communal, rules->n_communal, sizeof(*rules->communal), compare_texts);
        return 0;
}

static int take_group(MatchRules *rules, const Carebus__V1__NicknameGroup *group) {
        for (size_t i = 0; i < group->n_names; i++) {
                Nickname *nickname = &rules->nicknames[rules->n_nicknames];

                *nickname = (Nickname){ .name = strdup(group->names[i]), .group = rules->n_groups };
                if (!nickname->name)
                        return -ENOMEM;
                rules->n_nicknames++;
                if (i == 0)
                        rules->heads[rules->n_groups] = nickname->name;
        }
        rules->n_groups += group->n_names > 0;
        return 0;
}

static int take_nicknames(MatchRules *rules, const Carebus__V1__MatchingSettings *settings) {
        size_t n = 1;
        int r = 0;

        for (size_t i = 0; i < settings->n_nicknames; i++)
                n += settings->nicknames[i]->n_names;
        rules->nicknames = calloc(n, sizeof(*rules->nicknames));
        rules->heads = calloc(settings->n_nicknames + 1, sizeof(*rules->heads));
        if (!rules->nicknames || !rules->heads)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < settings->n_nicknames; i++)
                r = take_group(rules, settings->nicknames[i]);
        qsort(rules->nicknames, rules->n_nicknames, sizeof(*rules->nicknames), compare_nicknames);
        return r;
}

static void take_numbers(MatchRules *rules, const Carebus__V1__MatchingSettings *settings) {
        for (size_t i = 0; i < settings->n_weights; i++)
                take_weight(rules, settings->weights[i]);
        if (settings->has_link_above)
                rules->link_above = weight_within(settings->link_above);
        if (settings->has_review_above)
                rules->review_above = weight_within(settings->review_above);
        if (settings->has_margin)
                rules->margin = weight_within(settings->margin);
        if (settings->has_candidates_max)
                rules->candidates_max = settings->candidates_max;
        if (settings->has_urgent_after_seconds)
                rules->urgent_after_seconds = settings->urgent_after_seconds;
        if (settings->has_twins_by_score)
                rules->twins_by_score = settings->twins_by_score;
        if (settings->has_birth_date_by_score)
                rules->birth_date_by_score = settings->birth_date_by_score;
}

int match_rules_new(const Carebus__V1__MatchingSettings *settings, MatchRules **ret) {
        _cleanup_(match_rules_freep) MatchRules *rules = calloc(1, sizeof(*rules));
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__MatchingSettings *shipped;
        int r;

        if (!rules)
                return -ENOMEM;
        r = arena_new(&arena, SHIPPED_SIZE);
        if (r < 0)
                return r;
        r = match_settings_default(arena, &shipped);
        if (r < 0)
                return r;
        take_numbers(rules, shipped);
        if (settings)
                take_numbers(rules, settings);
        r = take_communal(rules, settings ? settings : shipped);
        if (r == 0)
                r = take_nicknames(rules, settings && settings->n_nicknames > 0 ? settings : shipped);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(rules);
        return 0;
}

MatchRules *match_rules_free(MatchRules *rules) {
        if (!rules)
                return NULL;
        for (size_t i = 0; i < rules->n_communal; i++)
                free(rules->communal[i]);
        for (size_t i = 0; i < rules->n_nicknames; i++)
                free(rules->nicknames[i].name);
        free(rules->communal);
        free(rules->nicknames);
        free(rules->heads);
        free(rules);
        return NULL;
}

bool rules_postcode_is_communal(const MatchRules *rules, const char *postcode) {
        return bsearch(&postcode, rules->communal, rules->n_communal, sizeof(*rules->communal), compare_texts) != NULL;
}

const Nickname *rules_nickname_groups(const MatchRules *rules, const char *name, size_t *ret_n) {
        size_t low = 0, high = rules->n_nicknames, n = 0;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(rules->nicknames[middle].name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        while (low + n < rules->n_nicknames && text_equal(rules->nicknames[low + n].name, name))
                n++;
        *ret_n = n;
        return rules->nicknames + low;
}

bool rules_is_name(const MatchRules *rules, const char *name) {
        size_t n;

        rules_nickname_groups(rules, name, &n);
        return n > 0;
}

bool rules_are_nicknames(const MatchRules *rules, const char *a, const char *b) {
        size_t n_a, n_b, i = 0, j = 0;
        const Nickname *of_a = rules_nickname_groups(rules, a, &n_a), *of_b = rules_nickname_groups(rules, b, &n_b);

        while (i < n_a && j < n_b) {
                if (of_a[i].group == of_b[j].group)
                        return true;
                if (of_a[i].group < of_b[j].group)
                        i++;
                else
                        j++;
        }
        return false;
}

size_t match_candidates_max(const MatchRules *rules) {
        return rules->candidates_max;
}

int64_t match_urgent_after(const MatchRules *rules) {
        return (int64_t)rules->urgent_after_seconds * 1000000;
}
