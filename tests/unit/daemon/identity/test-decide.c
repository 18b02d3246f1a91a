/* Who is joined, who is asked about: what no score does by itself, and what the settings change of it. */
#include "base/text.h"
#include "tests/unit/daemon/identity/people.h"

static void test_the_same_words_are_one_person(void **state) {
        Says moved = jean, married = jean;
        const char *reason;

        assert_int_equal(decide(*state, &jean, &jean, &reason), MATCH_LINK);
        assert_null(reason);
        moved.postcode = "EH11AA";
        moved.line = "3 low road";
        assert_int_equal(decide(*state, &jean, &moved, &reason), MATCH_LINK);
        married.family = "brown";
        assert_int_equal(decide(*state, &jean, &married, &reason), MATCH_LINK);
}

static void test_name_and_birth_date_alone_wait_for_a_person(void **state) {
        Says bare = { .family = "mcallister", .given = "jean", .date = 19420307, .sex = "female" };
        const char *reason;

        assert_int_equal(decide(*state, &jean, &bare, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "below-threshold");
}

static void test_twins_are_never_joined(void **state) {
        Says twins[] = { jean, jean, jean, jean, jean };
        const char *reason;

        twins[0].given = "agnes";
        twins[1].given = "joan";
        twins[2].given = "jeanette";
        twins[2].sex = "male";
        twins[3].given = NULL;
        twins[3].further = NULL;
        twins[3].placeholder = true;
        twins[4].birth_order = 2;
        for (size_t i = 0; i < ELEMENTSOF(twins); i++) {
                Says other = jean;

                twins[i].further = NULL;
                other.birth_order = i == 4 ? 1 : 0;
                if (decide(*state, &other, &twins[i], &reason) == MATCH_LINK)
                        fail_msg("twin %zu was joined", i);
        }
        assert_int_equal(decide(*state, &jean, &twins[0], &reason), MATCH_REVIEW);
        assert_string_equal(reason, "twin-pattern");
}

/* Forms, slips and names in the wrong place are met more often than twins who are called alike. */
static void test_another_form_of_a_name_is_no_twin(void **state) {
        static const struct {
                const char *a, *further_a, *b, *further_b;
                bool twins;
        } cases[] = {
                { "margaret", NULL, "peggy", NULL, false },  { "jean", NULL, "j", NULL, false },
                { "jean", NULL, NULL, NULL, true },          { "mary", "jean", "jean", NULL, false },
                { "maryjane", NULL, "mary", "jane", false }, { "michael", NULL, "michxael", NULL, false },
                { "jean", NULL, "mcallister", NULL, false }, { "jean", NULL, "joan", NULL, true },
                { "jayden", NULL, "kayden", NULL, true },    { "hassan", NULL, "hussain", NULL, true },
                { "mary", "jean", "agnes", "jean", true },   { "donald", NULL, "ronald", NULL, true },
                { "jean", NULL, "agnes", NULL, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Says a = jean, b = jean;

                a.given = cases[i].a;
                a.further = cases[i].further_a;
                b.given = cases[i].b;
                b.further = cases[i].further_b;
                if (text_equal(b.given, "mcallister"))
                        b.family = "jean";
                if (compare(*state, &a, &b).twins != cases[i].twins)
                        fail_msg("%s and %s", a.given, b.given ? b.given : "nobody");
        }
}

static void test_a_number_that_is_said_brings_name_and_birth_date_together(void **state) {
        Says bare = { .family = "mcallister", .given = "jean", .date = 19420307, .sex = "female" }, other = jean;
        MatchResult result;
        const char *reason;

        bare.number = other.number = "9434765919";
        result = compare(*state, &other, &bare);
        assert_string_equal(agreement(&result, "number"), "exact");
        assert_int_equal(decide(*state, &other, &bare, &reason), MATCH_LINK);
        other.number = "9434765870";
        result = compare(*state, &other, &bare);
        assert_string_equal(agreement(&result, "number"), "differs");
        assert_int_equal(decide(*state, &other, &bare, &reason), MATCH_REVIEW);
        /* Of twins one is known by the other's number sooner than of others. */
        bare.number = other.number;
        bare.given = NULL;
        bare.postcode = "KY16";
        assert_int_equal(decide(*state, &other, &bare, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "below-threshold");
        /* A number alone is nobody. */
        bare = (Says){ .number = "9434765919" };
        other.number = "9434765919";
        assert_int_equal(decide(*state, &other, &bare, &reason), MATCH_NONE);
}

static void test_traced_numbers_of_both_and_useless_ones_are_no_evidence(void **state) {
        const Fixture *fixture = *state;
        Says a = jean, b = jean;
        MatchResult result;
        MatchPerson x, y;

        a.number = b.number = "9434765919";
        a.traced = true;
        result = compare(fixture, &a, &b);
        assert_string_equal(agreement(&result, "number"), "exact");
        b.traced = true;
        result = compare(fixture, &a, &b);
        assert_string_equal(agreement(&result, "number"), "none");
        b.traced = false;
        for (Carebus__V1__Identifier__Status status = CAREBUS__V1__IDENTIFIER__STATUS__STATUS_INVALID;
             status <= CAREBUS__V1__IDENTIFIER__STATUS__STATUS_TEST; status++) {
                x = person(fixture->arena, &a, 1);
                y = person(fixture->arena, &b, 1);
                y.identifiers[0]->identifier->status = status;
                match_compare(fixture->rules, x, y, &result);
                assert_string_equal(agreement(&result, "number"), "none");
        }
        y = person(fixture->arena, &b, 1);
        y.identifiers[0]->n_sources = 0;
        match_compare(fixture->rules, x, y, &result);
        assert_string_equal(agreement(&result, "number"), "none");
        y = person(fixture->arena, &b, 1);
        y.identifiers[0]->identifier->system = text("urn:of-somebody");
        match_compare(fixture->rules, x, y, &result);
        assert_string_equal(agreement(&result, "number"), "none");
}

static void test_a_number_overrides_neither_twins_nor_birth_dates(void **state) {
        Says one = jean, other = jean;
        const char *reason;

        one.number = other.number = "9434765919";
        other.given = "agnes";
        other.further = NULL;
        assert_int_equal(decide(*state, &one, &other, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "twin-pattern");
        other.given = "jean";
        other.date = 19671121;
        assert_int_equal(decide(*state, &one, &other, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "birth-date");
        /* A birth date that nobody said speaks against nothing. */
        other.date = 0;
        assert_int_equal(decide(*state, &one, &other, &reason), MATCH_LINK);
        other.number = NULL;
        assert_int_equal(decide(*state, &one, &other, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "birth-date");
        other.number = "9434765870";
        assert_int_equal(decide(*state, &one, &other, &reason), MATCH_REVIEW);
}

static MatchVerdict decide_with(const Fixture *fixture, bool twins_by_score, bool birth_date_by_score,
                                const Says *other, const char **ret_reason) {
        Carebus__V1__MatchingSettings *settings;
        _cleanup_(match_rules_freep) MatchRules *rules = NULL;
        Fixture with = *fixture;

        assert_int_equal(match_settings_default(fixture->arena, &settings), 0);
        settings->twins_by_score = twins_by_score;
        settings->birth_date_by_score = birth_date_by_score;
        assert_int_equal(match_rules_new(settings, &rules), 0);
        with.rules = rules;
        return decide(&with, &jean, other, ret_reason);
}

static void test_each_rule_is_taken_back_by_its_own_setting(void **state) {
        Says twin = jean, no_date = jean;
        const char *reason;

        twin.given = "agnes";
        no_date.date = 0;
        assert_int_equal(decide_with(*state, true, false, &twin, &reason), MATCH_LINK);
        assert_int_equal(decide_with(*state, false, true, &twin, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "twin-pattern");
        assert_int_equal(decide_with(*state, false, true, &no_date, &reason), MATCH_LINK);
        assert_int_equal(decide_with(*state, true, false, &no_date, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "birth-date");
        /* The threshold holds whatever the rules are. */
        twin.telecom = twin.line = twin.postcode = NULL;
        assert_int_equal(decide_with(*state, true, true, &twin, &reason), MATCH_NONE);
}

static void test_father_and_son_are_never_joined(void **state) {
        Says father = { "mcallister", "john", NULL,  19420307, "male", "KY169SS", "14 high street",
                        "1334655555", false,  false, 0,        NULL,   false };
        Says son = father, not_known = father;
        const char *reason;

        son.date = 19671121;
        not_known.date = 0;
        assert_int_equal(decide(*state, &father, &son, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "birth-date");
        assert_int_equal(decide(*state, &father, &not_known, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "birth-date");
}

static void test_husband_and_wife_are_not_even_asked_about(void **state) {
        Says wife = jean, husband = { "mcallister", "robert", NULL,  19391130, "male", "KY169SS", "14 high street",
                                      "1334655555", false,    false, 0,        NULL,   false };
        const char *reason;

        assert_int_equal(decide(*state, &wife, &husband, &reason), MATCH_NONE);
        assert_string_equal(reason, "below-threshold");
}

static void test_a_rival_within_the_margin_is_asked_about(void **state) {
        const Fixture *fixture = *state;
        MatchResult result = compare(fixture, &jean, &jean);
        const char *reason;

        assert_int_equal(match_decide(fixture->rules, &result, result.score - 5000, &reason), MATCH_LINK);
        assert_int_equal(match_decide(fixture->rules, &result, result.score - 4999, &reason), MATCH_REVIEW);
        assert_string_equal(reason, "near-rival");
        assert_int_equal(match_decide(fixture->rules, &result, INT32_MIN + 1, &reason), MATCH_LINK);
}

static void test_a_shared_number_needs_a_name_and_a_birth_date(void **state) {
        Says other_given = jean, no_name = { .date = 19420307 }, slip = jean;
        MatchResult result;

        other_given.given = "robert";
        other_given.further = NULL;
        result = compare(*state, &jean, &other_given);
        assert_false(result.name_agrees);
        result = compare(*state, &jean, &no_name);
        assert_false(result.name_agrees);
        slip.date = 19420703;
        slip.family = "macallister";
        result = compare(*state, &jean, &slip);
        assert_true(result.name_agrees);
        assert_true(result.birth_date_agrees);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        static const struct CMUnitTest tests[] = {
                CASE(test_the_same_words_are_one_person),
                CASE(test_name_and_birth_date_alone_wait_for_a_person),
                CASE(test_twins_are_never_joined),
                CASE(test_another_form_of_a_name_is_no_twin),
                CASE(test_father_and_son_are_never_joined),
                CASE(test_a_number_that_is_said_brings_name_and_birth_date_together),
                CASE(test_traced_numbers_of_both_and_useless_ones_are_no_evidence),
                CASE(test_a_number_overrides_neither_twins_nor_birth_dates),
                CASE(test_each_rule_is_taken_back_by_its_own_setting),
                CASE(test_husband_and_wife_are_not_even_asked_about),
                CASE(test_a_rival_within_the_margin_is_asked_about),
                CASE(test_a_shared_number_needs_a_name_and_a_birth_date),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
