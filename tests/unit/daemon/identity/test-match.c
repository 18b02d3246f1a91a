/* Could two persons be one: what weighs, what is never joined by a machine, and that no hostile list changes how it counts. */
#include "base/text.h"
#include "daemon/identity/weights.h"
#include "tests/unit/daemon/identity/people.h"

static void test_family_names_agree_by_degrees(void **state) {
        static const struct {
                const char *a, *b, *wanted;
        } cases[] = {
                { "mcallister", "mcallister", "exact" }, { "mcallister", "macallister", "close" },
                { "mcallister", "mcalister", "close" },  { "smithjones", "jones", "part" },
                { "thomson", "thompson", "close" },      { "mcallister", "brown", "differs" },
                { "dickson", "dixon", "similar" },       { "smith", NULL, "missing" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Says a = { .family = cases[i].a, .given = "jean" }, b = { .family = cases[i].b, .given = "jean" };

                expect(*state, "family", &a, &b, cases[i].wanted);
        }
}

static void test_who_married_is_found_by_the_name_before(void **state) {
        const Fixture *fixture = *state;
        Says now = { .family = "brown", .given = "jean" },
             before = { .family = "jones", .given = "jean", .former = true };
        Says both[] = { now, before }, old_record = { .family = "jones", .given = "jean" };
        MatchResult result;

        match_compare(fixture->rules, person(fixture->arena, both, 2), person(fixture->arena, &old_record, 1), &result);
        assert_string_equal(agreement(&result, "family"), "former");
        assert_true(result.name_agrees);
}

static void test_given_names_agree_by_degrees(void **state) {
        static const struct {
                const char *a, *b, *wanted;
        } cases[] = {
                { "jean", "jean", "exact" },       { "margaret", "peggy", "nickname" },
                { "william", "bill", "nickname" }, { "j", "jean", "initial" },
                { "jean", "jaen", "similar" },     { "christian", "christina", "look-alike" },
                { "jean", "robert", "differs" },   { "michael", "michxael", "close" },
                { "bill", "will", "nickname" },    { "peggy", "betty", "differs" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Says a = { .family = "x", .given = cases[i].a }, b = { .family = "x", .given = cases[i].b };

                expect(*state, "given", &a, &b, cases[i].wanted);
        }
}

static void test_first_names_may_be_written_apart_or_be_the_second(void **state) {
        Says together = { .family = "x", .given = "maryjane" },
             apart = { .family = "x", .given = "mary", .further = "jane" };
        Says by_second = { .family = "x", .given = "jane" },
             other = { .family = "x", .given = "anne", .further = "jane" };

        expect(*state, "given", &together, &apart, "exact");
        expect(*state, "given", &by_second, &apart, "middle");
        /* Two second names that are one say nothing of the first ones. */
        expect(*state, "given", &other, &apart, "differs");
}

static void test_names_in_the_wrong_order_agree_crosswise(void **state) {
        Says right = { .family = "mcallister", .given = "jean" }, wrong = { .family = "jean", .given = "mcallister" };
        MatchResult result = compare(*state, &right, &wrong);

        assert_string_equal(agreement(&result, "family"), "swapped");
        assert_string_equal(agreement(&result, "given"), "swapped");
        assert_true(result.name_agrees);
        assert_true(result.score < compare(*state, &right, &right).score);
}

static void test_birth_dates_agree_by_degrees(void **state) {
        static const struct {
                unsigned a, b;
                const char *wanted;
                bool agrees;
        } cases[] = {
                { 19420307, 19420307, "exact", true },      { 19420307, 19420703, "swapped", true },
                { 19420307, 19420308, "digit", true },      { 19420307, 19240307, "transposed", true },
                { 19420312, 19420321, "transposed", true }, { 19420307, 19420300, "partial", true },
                { 19420307, 19420000, "year", true },       { 19420307, 19420101, "year", true },
                { 19420101, 19420101, "january", true },    { 19420307, 19650307, "two-parts", false },
                { 19420307, 19650812, "differs", false },   { 19420307, 19430000, "differs", false },
                { 19420307, 0, "missing", false },          { 19420307, 19420500, "differs", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Says a = { .family = "x", .date = cases[i].a }, b = { .family = "x", .date = cases[i].b };

                expect(*state, "birth_date", &a, &b, cases[i].wanted);
                assert_int_equal(compare(*state, &a, &b).birth_date_agrees, cases[i].agrees);
        }
}

static void test_homes_agree_by_degrees(void **state) {
        static const struct {
                const char *field, *a, *b, *wanted;
        } cases[] = {
                { "postcode", "KY169SS", "KY169SS", "exact" },
                { "postcode", "KY169SS", "KY169SX", "close" },
                { "postcode", "KY169SS", "KY168AB", "outward" },
                { "postcode", "KY169SS", "EH11AA", "differs" },
                { "postcode", "2135", "2531", "differs" },
                { "address", "14 high street", "14 high st", "exact" },
                { "address", "flat 2 14 high street", "14 high street", "exact" },
                { "address", "14 high street", "16 high street", "street" },
                { "address", "14 high street", "14 hihg street", "exact" },
                { "address", "rose cottage main street", "rose cottage", "exact" },
                { "address", "14 high street", "3 low road", "differs" },
                { "address", "london", "london", "street" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                bool is_postcode = text_equal(cases[i].field, "postcode");
                Says a = { .family = "x",
                           .postcode = is_postcode ? cases[i].a : NULL,
                           .line = is_postcode ? NULL : cases[i].a };
                Says b = { .family = "x",
                           .postcode = is_postcode ? cases[i].b : NULL,
                           .line = is_postcode ? NULL : cases[i].b };

                expect(*state, cases[i].field, &a, &b, cases[i].wanted);
        }
}

static void test_a_home_of_many_tells_nothing(void **state) {
        Carebus__V1__MatchingSettings settings = CAREBUS__V1__MATCHING_SETTINGS__INIT;
        char *communal[] = { text("KY169SS") };
        Fixture fixture = *(Fixture *)*state;
        _cleanup_(match_rules_freep) MatchRules *rules = NULL;
        MatchResult result;
        char **blocks;
        size_t n;

        settings.communal_postcodes = communal;
        settings.n_communal_postcodes = 1;
        assert_int_equal(match_rules_new(&settings, &rules), 0);
        fixture.rules = rules;
        result = compare(&fixture, &jean, &jean);
        assert_string_equal(agreement(&result, "postcode"), "communal");
        assert_string_equal(agreement(&result, "address"), "communal");
        assert_true(result.score < compare(*state, &jean, &jean).score);
        assert_int_equal(match_blocks(rules, matching_of(fixture.arena, &jean), fixture.arena, &blocks, &n), 0);
        for (size_t i = 0; i < n; i++)
                assert_null(strstr(blocks[i], "KY169SS"));
}

static bool is_another(const Fixture *fixture, const Says *before, const Says *now) {
        return match_is_another(fixture->rules, matching_of(fixture->arena, before), matching_of(fixture->arena, now));
}

static void test_a_number_that_becomes_another_persons_is_seen(void **state) {
        Says other = { "brown", "robert", NULL, 19710412, "male", NULL, NULL, NULL, false, false, 0, NULL, false };
        Says married = jean, corrected = jean, renamed = jean, other_sex = jean;

        assert_true(is_another(*state, &jean, &other));
        married.family = "brown";
        corrected.date = 19420703;
        renamed.given = "robert";
        renamed.further = NULL;
        renamed.sex = "male";
        other_sex.date = 19710412;
        other_sex.sex = "male";
        assert_false(is_another(*state, &jean, &jean));
        assert_false(is_another(*state, &jean, &married));
        assert_false(is_another(*state, &jean, &corrected));
        assert_false(is_another(*state, &jean, &renamed));
        assert_true(is_another(*state, &jean, &other_sex));
}

static bool share_a_block(const Fixture *fixture, const Says *a, const Says *b) {
        char **of_a, **of_b;
        size_t n_a, n_b;

        assert_int_equal(match_blocks(fixture->rules, matching_of(fixture->arena, a), fixture->arena, &of_a, &n_a), 0);
        assert_int_equal(match_blocks(fixture->rules, matching_of(fixture->arena, b), fixture->arena, &of_b, &n_b), 0);
        for (size_t i = 0; i < n_a; i++)
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(of_a[i], of_a[j]);
        for (size_t i = 0; i < n_a; i++)
                for (size_t j = 0; j < n_b; j++)
                        if (text_equal(of_a[i], of_b[j]))
                                return true;
        return false;
}

static void test_who_is_one_shares_a_block_in_spite_of_a_slip(void **state) {
        Says bare = { .family = "mcallister", .given = "jean", .date = 19420307 }, other = bare;
        Says nobody = {
                .family = "brown", .given = "robert", .date = 19710412, .postcode = "EH11AA", .line = "3 low road"
        };

        other.date = 19420703;
        assert_true(share_a_block(*state, &bare, &other));
        other.date = 19420311;
        assert_true(share_a_block(*state, &bare, &other));
        other.date = 19520307;
        assert_true(share_a_block(*state, &bare, &other));
        other = (Says){ .family = "jean", .given = "macalister", .date = 19420307 };
        assert_true(share_a_block(*state, &bare, &other));
        other = (Says){ .family = "brown", .given = "jeannie", .date = 19420307 };
        assert_true(share_a_block(*state, &bare, &other));
        other = (Says){ .family = "mcallister", .given = "jean" };
        assert_true(share_a_block(*state, &bare, &other));
        other = (Says){ .line = "14 high street" };
        assert_true(share_a_block(*state, &jean, &other));
        assert_false(share_a_block(*state, &jean, &nobody));
}

/* ---- whatever comes ---- */

static void test_it_is_the_same_from_both_sides_and_in_any_order(void **state) {
        const Fixture *fixture = *state;
        unsigned seed = seed_say();

        for (int round = 0; round < 3000; round++) {
                Says a[6], b[6];
                size_t n_a = 1 + (size_t)random() % 6, n_b = 1 + (size_t)random() % 6;
                ArenaMark mark = arena_mark(fixture->arena);
                MatchPerson x, y;
                MatchResult there, back, mixed;

                for (size_t i = 0; i < 6; i++) {
                        a[i] = anybody();
                        b[i] = anybody();
                }
                x = person(fixture->arena, a, n_a);
                y = person(fixture->arena, b, n_b);
                match_compare(fixture->rules, x, y, &there);
                match_compare(fixture->rules, y, x, &back);
                for (size_t i = n_a; i-- > 1;) {
                        size_t j = (size_t)random() % (i + 1);
                        Carebus__V1__Trait **traits = (Carebus__V1__Trait **)(uintptr_t)x.traits, *trait = traits[i];

                        traits[i] = traits[j];
                        traits[j] = trait;
                }
                match_compare(fixture->rules, x, y, &mixed);
                if (!result_equal(&there, &back) || !result_equal(&there, &mixed))
                        fail_msg("round %d of seed %u: %d, %d, %d", round, seed, there.score, back.score, mixed.score);
                arena_rewind(fixture->arena, mark);
        }
}

/* A field that both have words of is worth no less when one of them has a further word: the best pair counts. */
static void test_a_further_word_takes_no_weight_away(void **state) {
        const Fixture *fixture = *state;
        unsigned seed = seed_say();

        for (int round = 0; round < 3000; round++) {
                Says a[2] = { anybody(), anybody() }, b = anybody();
                ArenaMark mark = arena_mark(fixture->arena);
                MatchPerson y;
                MatchResult one, both;

                a[1].former = a[0].former;
                y = person(fixture->arena, &b, 1);
                match_compare(fixture->rules, person(fixture->arena, a, 1), y, &one);
                match_compare(fixture->rules, person(fixture->arena, a, 2), y, &both);
                for (size_t i = 2; i < MIN(one.n_evidence, both.n_evidence); i++) {
                        const Carebus__V1__MatchEvidence *before = &one.evidence[i], *after = &both.evidence[i];

                        if (text_equal(before->agreement, "missing") || !text_equal(before->field, after->field))
                                continue;
                        if (after->weight_thousandths < before->weight_thousandths)
                                fail_msg("round %d of seed %u: %s fell from %d to %d", round, seed, before->field,
                                         before->weight_thousandths, after->weight_thousandths);
                }
                arena_rewind(fixture->arena, mark);
        }
}

static void test_hostile_lists_and_weights_overflow_nothing(void **state) {
        const Fixture *fixture = *state;
        Carebus__V1__MatchingSettings settings = CAREBUS__V1__MATCHING_SETTINGS__INIT;
        Carebus__V1__MatchingWeight weights[80], *pointers[ELEMENTSOF(weights)];
        _cleanup_(match_rules_freep) MatchRules *rules = NULL;
        Says *says = calloc(1000, sizeof(*says));
        MatchResult result;
        MatchPerson crowd;
        char *const long_name = malloc(4001);
        const char *reason;
        char **blocks;
        size_t n;

        memset(long_name, 'a', 4000);
        long_name[4000] = '\0';
        for (size_t i = 0; i < 1000; i++) {
                says[i] = anybody();
                says[i].family = i % 3 ? arena_format(fixture->arena, "%s%zu", long_name, i) : "\xFF\xC3";
                says[i].given = i % 2 ? long_name : "";
                says[i].line = long_name;
                says[i].postcode = long_name;
                says[i].telecom = arena_format(fixture->arena, "%zu", i * 7919);
                says[i].date = (unsigned)i * 4294967u;
                says[i].birth_order = (unsigned)i;
                says[i].number = i % 4 ? says[i].telecom : long_name;
        }
        for (size_t i = 0; i < ELEMENTSOF(weights); i++) {
                carebus__v1__matching_weight__init(&weights[i]);
                weights[i].field = text(match_field_name(i % N_FIELDS));
                weights[i].agreement = text(match_agreement_name(i / N_FIELDS % N_AGREEMENTS));
                weights[i].has_thousandths = true;
                weights[i].thousandths = i % 5 ? INT32_MAX : INT32_MIN;
                pointers[i] = &weights[i];
        }
        settings.weights = pointers;
        settings.n_weights = ELEMENTSOF(weights);
        settings.has_margin = settings.has_link_above = settings.has_review_above = true;
        settings.margin = INT32_MAX;
        settings.link_above = settings.review_above = INT32_MIN;
        assert_int_equal(match_rules_new(&settings, &rules), 0);
        crowd = person(fixture->arena, says, 1000);
        match_compare(rules, crowd, crowd, &result);
        assert_true(result.score <= N_FIELDS * MATCH_WEIGHT_MAX && result.score >= -N_FIELDS * MATCH_WEIGHT_MAX);
        match_decide(rules, &result, INT32_MIN + 1, &reason);
        match_decide(rules, &result, INT32_MAX, &reason);
        for (size_t i = 0; i < 1000; i++)
                assert_int_equal(match_blocks(rules, crowd.traits[i]->matching, fixture->arena, &blocks, &n), 0);
        free(says);
        free(long_name);
}

static void test_nothing_compared_with_nothing_is_nothing(void **state) {
        const Fixture *fixture = *state;
        Carebus__V1__Matching empty = CAREBUS__V1__MATCHING__INIT;
        MatchResult result;
        const char *reason;
        char **blocks;
        size_t n;

        match_compare(fixture->rules, (MatchPerson){ NULL, 0 }, (MatchPerson){ NULL, 0 }, &result);
        assert_int_equal(result.score, 0);
        assert_false(result.twins);
        assert_int_equal(match_decide(fixture->rules, &result, INT32_MIN, &reason), MATCH_NONE);
        assert_int_equal(match_blocks(fixture->rules, &empty, fixture->arena, &blocks, &n), 0);
        assert_int_equal(n, 0);
        assert_false(match_is_another(fixture->rules, &empty, &empty));
}

static void test_the_shipped_settings_make_the_shipped_rules(void **state) {
        const Fixture *fixture = *state;
        Carebus__V1__MatchingSettings *settings;
        _cleanup_(match_rules_freep) MatchRules *rules = NULL;
        Fixture other = *fixture;

        assert_int_equal(match_settings_default(fixture->arena, &settings), 0);
        assert_int_equal(match_rules_new(settings, &rules), 0);
        other.rules = rules;
        seed_say();
        for (int round = 0; round < 500; round++) {
                Says a = anybody(), b = anybody();
                MatchResult one = compare(fixture, &a, &b), two = compare(&other, &a, &b);

                assert_true(result_equal(&one, &two));
        }
        assert_int_equal(match_candidates_max(rules), match_candidates_max(fixture->rules));
        assert_int_equal(match_urgent_after(rules), INT64_C(900000000));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        static const struct CMUnitTest tests[] = {
                CASE(test_family_names_agree_by_degrees),
                CASE(test_who_married_is_found_by_the_name_before),
                CASE(test_given_names_agree_by_degrees),
                CASE(test_first_names_may_be_written_apart_or_be_the_second),
                CASE(test_names_in_the_wrong_order_agree_crosswise),
                CASE(test_birth_dates_agree_by_degrees),
                CASE(test_homes_agree_by_degrees),
                CASE(test_a_home_of_many_tells_nothing),
                CASE(test_a_number_that_becomes_another_persons_is_seen),
                CASE(test_who_is_one_shares_a_block_in_spite_of_a_slip),
                CASE(test_it_is_the_same_from_both_sides_and_in_any_order),
                CASE(test_a_further_word_takes_no_weight_away),
                CASE(test_hostile_lists_and_weights_overflow_nothing),
                CASE(test_nothing_compared_with_nothing_is_nothing),
                CASE(test_the_shipped_settings_make_the_shipped_rules),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
