#include "daemon/identity/weights.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/identity/match.h"

/*
 * log2(m / u): m is how often two records of one human being stand to each other like that, u how often two records of
 * two do. docs/matching.md has what each rests on. They are rounded down, and lower than a count gives where fields depend
 * on each other: who lives at one address has one family name more often than chance has it.
 */
const MatchWeightRow match_weight_rows[] = {
        { FIELD_FAMILY, AGREEMENT_EXACT, 8000 },          { FIELD_FAMILY, AGREEMENT_CLOSE, 6000 },
        { FIELD_FAMILY, AGREEMENT_SIMILAR, 3500 },        { FIELD_FAMILY, AGREEMENT_FORMER, 6500 },
        { FIELD_FAMILY, AGREEMENT_PART, 4000 },           { FIELD_FAMILY, AGREEMENT_SWAPPED, 6000 },
        { FIELD_FAMILY, AGREEMENT_DIFFERS, -4500 },       { FIELD_GIVEN, AGREEMENT_EXACT, 6500 },
        { FIELD_GIVEN, AGREEMENT_NICKNAME, 5500 },        { FIELD_GIVEN, AGREEMENT_CLOSE, 4500 },
        { FIELD_GIVEN, AGREEMENT_SIMILAR, 2000 },         { FIELD_GIVEN, AGREEMENT_MIDDLE, 3000 },
        { FIELD_GIVEN, AGREEMENT_INITIAL, 2500 },         { FIELD_GIVEN, AGREEMENT_SWAPPED, 4500 },
        { FIELD_GIVEN, AGREEMENT_LOOK_ALIKE, -1000 },     { FIELD_GIVEN, AGREEMENT_DIFFERS, -5000 },
        { FIELD_BIRTH_DATE, AGREEMENT_EXACT, 14000 },     { FIELD_BIRTH_DATE, AGREEMENT_SWAPPED, 10000 },
        { FIELD_BIRTH_DATE, AGREEMENT_PARTIAL, 8500 },    { FIELD_BIRTH_DATE, AGREEMENT_TRANSPOSED, 7000 },
        { FIELD_BIRTH_DATE, AGREEMENT_JANUARY, 7000 },    { FIELD_BIRTH_DATE, AGREEMENT_DIGIT, 5500 },
        { FIELD_BIRTH_DATE, AGREEMENT_YEAR, 5000 },       { FIELD_BIRTH_DATE, AGREEMENT_TWO_PARTS, 2000 },
        { FIELD_BIRTH_DATE, AGREEMENT_DIFFERS, -8500 },   { FIELD_SEX, AGREEMENT_EXACT, 900 },
        { FIELD_SEX, AGREEMENT_DIFFERS, -4000 },          { FIELD_POSTCODE, AGREEMENT_EXACT, 9000 },
        { FIELD_POSTCODE, AGREEMENT_CLOSE, 6500 },        { FIELD_POSTCODE, AGREEMENT_OUTWARD, 3000 },
        { FIELD_POSTCODE, AGREEMENT_DIFFERS, -1500 },     { FIELD_ADDRESS, AGREEMENT_EXACT, 7500 },
        { FIELD_ADDRESS, AGREEMENT_CLOSE, 5500 },         { FIELD_ADDRESS, AGREEMENT_STREET, 1000 },
        { FIELD_ADDRESS, AGREEMENT_DIFFERS, -1000 },      { FIELD_TELECOM, AGREEMENT_EXACT, 7000 },
        { FIELD_TELECOM, AGREEMENT_CLOSE, 4500 },         { FIELD_TELECOM, AGREEMENT_DIFFERS, -500 },
        { FIELD_NUMBER, AGREEMENT_EXACT, 12000 },         { FIELD_NUMBER, AGREEMENT_CLOSE, 5000 },
        { FIELD_NUMBER, AGREEMENT_DIFFERS, -6000 },       { FIELD_BIRTH_ORDER, AGREEMENT_EXACT, 500 },
        { FIELD_BIRTH_ORDER, AGREEMENT_DIFFERS, -12000 },
};

#define LINK_ABOVE 30000
#define REVIEW_ABOVE 20000
#define MARGIN 5000
#define CANDIDATES_MAX 200
#define URGENT_AFTER_SECONDS 900

static const char *const field_names[N_FIELDS] = {
        [FIELD_FAMILY] = "family",   [FIELD_GIVEN] = "given",       [FIELD_BIRTH_DATE] = "birth_date",
        [FIELD_SEX] = "sex",         [FIELD_POSTCODE] = "postcode", [FIELD_ADDRESS] = "address",
        [FIELD_TELECOM] = "telecom", [FIELD_NUMBER] = "number",     [FIELD_BIRTH_ORDER] = "birth_order",
};

static const char *const agreement_names[N_AGREEMENTS] = {
        [AGREEMENT_MISSING] = "missing",
        [AGREEMENT_COMMUNAL] = "communal",
        [AGREEMENT_EXACT] = "exact",
        [AGREEMENT_CLOSE] = "close",
        [AGREEMENT_SIMILAR] = "similar",
        [AGREEMENT_FORMER] = "former",
        [AGREEMENT_PART] = "part",
        [AGREEMENT_NICKNAME] = "nickname",
        [AGREEMENT_INITIAL] = "initial",
        [AGREEMENT_MIDDLE] = "middle",
        [AGREEMENT_SWAPPED] = "swapped",
        [AGREEMENT_JANUARY] = "january",
        [AGREEMENT_TRANSPOSED] = "transposed",
        [AGREEMENT_DIGIT] = "digit",
        [AGREEMENT_PARTIAL] = "partial",
        [AGREEMENT_YEAR] = "year",
        [AGREEMENT_TWO_PARTS] = "two-parts",
        [AGREEMENT_OUTWARD] = "outward",
        [AGREEMENT_STREET] = "street",
        [AGREEMENT_LOOK_ALIKE] = "look-alike",
        [AGREEMENT_DIFFERS] = "differs",
};

size_t match_weight_rows_count(void) {
        return ELEMENTSOF(match_weight_rows);
}

const char *match_field_name(MatchField field) {
        return field_names[field];
}

const char *match_agreement_name(MatchAgreement agreement) {
        return agreement_names[agreement];
}

/* The texts of the tables are constant; messages of protobuf-c have no const. Nobody writes to them. */
static char *text(const char *constant) {
        return (char *)(uintptr_t)constant;
}

static int default_weights(Arena *arena, Carebus__V1__MatchingSettings *settings) {
        Carebus__V1__MatchingWeight *weights = arena_alloc(arena, sizeof(*weights) * ELEMENTSOF(match_weight_rows));

        settings->weights = arena_alloc(arena, sizeof(*settings->weights) * ELEMENTSOF(match_weight_rows));
        if (!weights || !settings->weights)
                return -ENOMEM;
        settings->n_weights = ELEMENTSOF(match_weight_rows);
        for (size_t i = 0; i < settings->n_weights; i++) {
                carebus__v1__matching_weight__init(&weights[i]);
                weights[i].field = text(field_names[match_weight_rows[i].field]);
                weights[i].agreement = text(agreement_names[match_weight_rows[i].agreement]);
                weights[i].has_thousandths = true;
                weights[i].thousandths = match_weight_rows[i].thousandths;
                settings->weights[i] = &weights[i];
        }
        return 0;
}

static size_t words_count(const char *line) {
        size_t n = 1;

        for (; *line; line++)
                n += *line == ' ';
        return n;
}

static Carebus__V1__NicknameGroup *default_group(Arena *arena, const char *line) {
        Carebus__V1__NicknameGroup *group = arena_alloc(arena, sizeof(*group));

        if (!group)
                return NULL;
        carebus__v1__nickname_group__init(group);
        group->names = arena_alloc(arena, sizeof(*group->names) * words_count(line));
        if (!group->names)
                return NULL;
        while (*line) {
                size_t size = strcspn(line, " ");

                group->names[group->n_names] = arena_text(arena, line, size);
                if (!group->names[group->n_names++])
                        return NULL;
                line += size + (line[size] == ' ');
        }
        return group;
}

/* Each name of a text by itself, behind those that are there. */
static int default_names(Arena *arena, const char *line, Carebus__V1__MatchingSettings *settings) {
        while (*line) {
                size_t size = strcspn(line, " ");
                char *name = arena_text(arena, line, size);

                settings->nicknames[settings->n_nicknames] = name ? default_group(arena, name) : NULL;
                if (!settings->nicknames[settings->n_nicknames++])
                        return -ENOMEM;
                line += size + (line[size] == ' ');
        }
        return 0;
}

static int default_nicknames(Arena *arena, Carebus__V1__MatchingSettings *settings) {
        size_t n = 0, n_groups = 0;

        while (match_nickname_groups[n_groups])
                n_groups++;
        n = n_groups;
        for (const char *const *line = match_given_names; *line; line++)
                n += words_count(*line);
        settings->nicknames = arena_alloc(arena, sizeof(*settings->nicknames) * (n + 1));
        if (!settings->nicknames)
                return -ENOMEM;
        for (size_t i = 0; i < n_groups; i++) {
                settings->nicknames[i] = default_group(arena, match_nickname_groups[i]);
                if (!settings->nicknames[i])
                        return -ENOMEM;
        }
        settings->n_nicknames = n_groups;
        for (const char *const *line = match_given_names; *line; line++)
                if (default_names(arena, *line, settings) < 0)
                        return -ENOMEM;
        return 0;
}

int match_settings_default(Arena *arena, Carebus__V1__MatchingSettings **ret) {
        Carebus__V1__MatchingSettings *settings = arena_alloc(arena, sizeof(*settings));

        if (!settings)
                return -ENOMEM;
        carebus__v1__matching_settings__init(settings);
        if (default_weights(arena, settings) < 0 || default_nicknames(arena, settings) < 0)
                return -ENOMEM;
        settings->has_link_above = settings->has_review_above = settings->has_margin = true;
        settings->link_above = LINK_ABOVE;
        settings->review_above = REVIEW_ABOVE;
        settings->margin = MARGIN;
        settings->has_candidates_max = settings->has_urgent_after_seconds = true;
        settings->candidates_max = CANDIDATES_MAX;
        settings->urgent_after_seconds = URGENT_AFTER_SECONDS;
        settings->has_twins_by_score = settings->has_birth_date_by_score = true;
        *ret = settings;
        return 0;
}
