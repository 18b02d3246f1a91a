/* Who answers for whom, out of ties in chains, circles and any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/identity/ties.h"

#define PERSONS 5
#define TIES 12
#define KIND(name) CAREBUS__V1__TIE__KIND__KIND_##name

/* Persons p1.0 to p5.0, tied by what a test says. */
typedef struct Group {
        Carebus__V1__Person persons[PERSONS];
        Carebus__V1__Person *list[PERSONS];
        char ids[PERSONS][8];
        Carebus__V1__Tie ties[2 * TIES];
        Carebus__V1__Stamp stamps[2 * TIES];
        Carebus__V1__Tie *of[PERSONS][2 * TIES];
        size_t n_ties;
        size_t answers[PERSONS];
        Carebus__V1__PersonIdentifier numbers[PERSONS];
        Carebus__V1__PersonIdentifier *number_lists[PERSONS][1];
        Carebus__V1__Identifier identifiers[PERSONS];
        char *sources[1];
        Arena *arena;
} Group;

static Group *group_new(void) {
        Group *group = calloc(1, sizeof(*group));

        assert_non_null(group);
        for (size_t i = 0; i < PERSONS; i++) {
                snprintf(group->ids[i], sizeof(group->ids[i]), "p%zu.0", i + 1);
                carebus__v1__person__init(&group->persons[i]);
                group->persons[i].patient_id = group->ids[i];
                group->persons[i].ties = group->of[i];
                group->list[i] = &group->persons[i];
        }
        assert_int_equal(arena_new(&group->arena, 1 << 20), 0);
        return group;
}

static void group_free(Group *group) {
        arena_free(group->arena);
        free(group);
}

static void side(Group *group, size_t person, size_t other, Carebus__V1__Tie__Kind kind, bool retires, int64_t at,
                 bool undone) {
        Carebus__V1__Tie *tie = &group->ties[group->n_ties];
        Carebus__V1__Stamp *stamp = &group->stamps[group->n_ties++];

        carebus__v1__tie__init(tie);
        carebus__v1__stamp__init(stamp);
        stamp->said_at = at;
        tie->patient_id = group->ids[other];
        tie->kind = kind;
        tie->retires = retires;
        tie->undone = undone;
        tie->stamp = stamp;
        group->of[person][group->persons[person].n_ties++] = tie;
}

static void merge(Group *group, size_t survivor, size_t retired, int64_t at) {
        side(group, retired, survivor, CAREBUS__V1__TIE__KIND__KIND_MERGE, true, at, false);
        side(group, survivor, retired, CAREBUS__V1__TIE__KIND__KIND_MERGE, false, at, false);
}

static void tie(Group *group, size_t a, size_t b, bool undone) {
        side(group, a, b, CAREBUS__V1__TIE__KIND__KIND_NUMBER, false, 1, undone);
        side(group, b, a, CAREBUS__V1__TIE__KIND__KIND_NUMBER, false, 1, undone);
}

static void settle(Group *group) {
        assert_int_equal(ties_settle(group->list, PERSONS, group->arena, group->answers), 0);
}

static void test_without_ties_everybody_answers_for_themselves(void **state) {
        Group *group = group_new();

        settle(group);
        for (size_t i = 0; i < PERSONS; i++)
                assert_int_equal(group->answers[i], i);
        group_free(group);
}

static void test_a_chain_ends_at_its_last_survivor(void **state) {
        Group *group = group_new();

        merge(group, 1, 0, 1);
        merge(group, 2, 1, 2);
        settle(group);
        assert_int_equal(group->answers[0], 2);
        assert_int_equal(group->answers[1], 2);
        assert_int_equal(group->answers[2], 2);
        assert_int_equal(group->answers[3], 3);
        group_free(group);
}

static void test_in_a_circle_who_was_said_last_to_survive_answers(void **state) {
        for (size_t newest = 0; newest < 3; newest++) {
                Group *group = group_new();

                for (size_t i = 0; i < 3; i++)
                        merge(group, (i + 1) % 3, i, i == newest ? 9 : (int64_t)i);
                settle(group);
                for (size_t i = 0; i < 3; i++)
                        assert_int_equal(group->answers[i], (newest + 1) % 3);
                group_free(group);
        }
}

static void test_the_oldest_answers_for_those_joined_by_a_number(void **state) {
        Group *group = group_new();

        tie(group, 3, 1, false);
        tie(group, 3, 4, false);
        settle(group);
        assert_int_equal(group->answers[4], 1);
        assert_int_equal(group->answers[3], 1);
        group_free(group);
}

static void test_who_is_retired_answers_for_nobody_however_old(void **state) {
        Group *group = group_new();

        merge(group, 3, 0, 1);
        tie(group, 0, 2, false);
        settle(group);
        assert_int_equal(group->answers[0], 2);
        assert_int_equal(group->answers[3], 2);
        group_free(group);
}

static void test_one_retired_into_two_makes_all_three_one(void **state) {
        Group *group = group_new();

        merge(group, 2, 0, 1);
        merge(group, 1, 0, 2);
        settle(group);
        assert_int_equal(group->answers[0], 1);
        assert_int_equal(group->answers[2], 1);
        group_free(group);
}

static void test_what_is_undone_ties_nobody(void **state) {
        Group *group = group_new();

        side(group, 0, 1, CAREBUS__V1__TIE__KIND__KIND_MERGE, true, 1, true);
        side(group, 1, 0, CAREBUS__V1__TIE__KIND__KIND_MERGE, false, 1, true);
        settle(group);
        assert_int_equal(group->answers[0], 0);
        assert_int_equal(group->answers[1], 1);
        group_free(group);
}

static void both(Group *group, size_t a, size_t b, Carebus__V1__Tie__Kind kind, int64_t at) {
        side(group, a, b, kind, false, at, false);
        side(group, b, a, kind, false, at, false);
}

/* A verified number, traced. */
static void number(Group *group, size_t person, const char *value) {
        Carebus__V1__Identifier *identifier = &group->identifiers[person];

        carebus__v1__identifier__init(identifier);
        identifier->system = (char *)"https://fhir.nhs.uk/Id/nhs-number";
        identifier->value = (char *)value;
        identifier->has_status = 1;
        identifier->status = CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED;
        carebus__v1__person_identifier__init(&group->numbers[person]);
        group->sources[0] = (char *)"hospital";
        group->numbers[person].sources = group->sources;
        group->numbers[person].n_sources = 1;
        group->numbers[person].identifier = identifier;
        group->number_lists[person][0] = &group->numbers[person];
        group->persons[person].identifiers = group->number_lists[person];
        group->persons[person].n_identifiers = 1;
}

static void assert_dispute(const Group *group, size_t person, size_t i, const char *wanted) {
        const char *dispute = group->persons[person].ties[i]->dispute;

        if (wanted)
                assert_string_equal(dispute, wanted);
        else
                assert_null(dispute);
}

static void test_two_verified_numbers_refuse_a_merge_on_both_sides(void **state) {
        Group *group = group_new();

        number(group, 0, "9434765919");
        number(group, 1, "4505577104");
        merge(group, 1, 0, 1);
        settle(group);
        assert_int_equal(group->answers[0], 0);
        assert_dispute(group, 0, 0, TIES_DISPUTE_NUMBERS);
        assert_dispute(group, 1, 0, TIES_DISPUTE_NUMBERS);
        assert_false(tie_counts(group->persons[0].ties[0]));
        /* Nobody traced it after all. */
        group->identifiers[1].status = CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNVERIFIED;
        settle(group);
        assert_int_equal(group->answers[0], 1);
        assert_dispute(group, 0, 0, NULL);
        assert_dispute(group, 1, 0, NULL);
        group_free(group);
}

/* Of a chain across two numbers the merge that was said first holds, wherever it is listed. */
static void test_a_number_refuses_whatever_would_bring_it_to_another(void **state) {
        for (int first = 0; first < 2; first++) {
                Group *group = group_new();

                number(group, 0, "9434765919");
                number(group, 2, "4505577104");
                merge(group, 1, 0, first ? 1 : 2);
                merge(group, 2, 1, first ? 2 : 1);
                settle(group);
                assert_int_equal(group->answers[0], first ? 1 : 0);
                assert_int_equal(group->answers[1], first ? 1 : 2);
                assert_int_equal(group->answers[2], 2);
                group_free(group);
        }
}

static void test_a_number_in_common_outweighs_others(void **state) {
        Group *group = group_new();

        number(group, 0, "9434765919");
        number(group, 1, "9434765919");
        number(group, 2, "4505577104");
        both(group, 1, 2, KIND(DECISION), 1);
        merge(group, 1, 0, 2);
        settle(group);
        assert_int_equal(group->answers[0], 1);
        assert_int_equal(group->answers[2], 1);
        group_free(group);
}

static void test_a_decision_joins_two_numbers_and_ends_the_dispute(void **state) {
        Group *group = group_new();

        number(group, 0, "9434765919");
        number(group, 1, "4505577104");
        merge(group, 1, 0, 1);
        both(group, 0, 1, KIND(DECISION), 2);
        settle(group);
        assert_int_equal(group->answers[0], 1);
        assert_int_equal(group->answers[1], 1);
        assert_dispute(group, 0, 0, NULL);
        group_free(group);
}

static void test_who_is_kept_apart_is_joined_by_no_number_and_no_score(void **state) {
        static const Carebus__V1__Tie__Kind kinds[] = { KIND(NUMBER), KIND(MATCH) };

        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                Group *group = group_new();

                /* By way of a third as little as straight. */
                both(group, 0, 2, KIND(APART), 9);
                both(group, 0, 1, kinds[i], 1);
                both(group, 1, 2, kinds[i], 2);
                settle(group);
                assert_int_equal(group->answers[1], 0);
                assert_int_equal(group->answers[2], 2);
                assert_dispute(group, 2, 1, TIES_DISPUTE_APART);
                group_free(group);
        }
}

static void test_a_source_merges_who_is_kept_apart_and_it_is_told(void **state) {
        Group *group = group_new();

        both(group, 0, 1, KIND(APART), 9);
        merge(group, 1, 0, 1);
        settle(group);
        assert_int_equal(group->answers[0], 1);
        assert_dispute(group, 0, 1, TIES_DISPUTE_APART);
        assert_true(tie_counts(group->persons[0].ties[1]));
        group_free(group);
}

static void test_what_is_suspended_ties_nobody(void **state) {
        Group *group = group_new();

        tie(group, 0, 1, false);
        group->persons[0].ties[0]->suspended = group->persons[1].ties[0]->suspended = 1;
        settle(group);
        assert_int_equal(group->answers[1], 1);
        group_free(group);
}

/* Whatever the ties: who answers answers for itself, and the order in which they are listed tells nothing. */
static void test_any_ties_give_one_answer_in_any_listing(void **state) {
        srandom(42);
        for (size_t run = 0; run < 2000; run++) {
                Group *group = group_new(), *listed = group_new();
                size_t n = 1 + (size_t)random() % TIES, pairs[TIES][2];

                for (size_t i = 0; i < n; i++) {
                        pairs[i][0] = (size_t)random() % PERSONS;
                        pairs[i][1] = (size_t)random() % PERSONS;
                        if (pairs[i][0] != pairs[i][1])
                                merge(group, pairs[i][0], pairs[i][1], (int64_t)i);
                }
                for (size_t i = n; i > 0; i--)
                        if (pairs[i - 1][0] != pairs[i - 1][1])
                                merge(listed, pairs[i - 1][0], pairs[i - 1][1], (int64_t)i - 1);
                settle(group);
                settle(listed);
                for (size_t i = 0; i < PERSONS; i++) {
                        assert_int_equal(group->answers[group->answers[i]], group->answers[i]);
                        assert_int_equal(group->answers[i], listed->answers[i]);
                }
                group_free(group);
                group_free(listed);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_without_ties_everybody_answers_for_themselves),
                cmocka_unit_test(test_a_chain_ends_at_its_last_survivor),
                cmocka_unit_test(test_in_a_circle_who_was_said_last_to_survive_answers),
                cmocka_unit_test(test_the_oldest_answers_for_those_joined_by_a_number),
                cmocka_unit_test(test_who_is_retired_answers_for_nobody_however_old),
                cmocka_unit_test(test_one_retired_into_two_makes_all_three_one),
                cmocka_unit_test(test_what_is_undone_ties_nobody),
                cmocka_unit_test(test_two_verified_numbers_refuse_a_merge_on_both_sides),
                cmocka_unit_test(test_a_number_refuses_whatever_would_bring_it_to_another),
                cmocka_unit_test(test_a_number_in_common_outweighs_others),
                cmocka_unit_test(test_a_decision_joins_two_numbers_and_ends_the_dispute),
                cmocka_unit_test(test_who_is_kept_apart_is_joined_by_no_number_and_no_score),
                cmocka_unit_test(test_a_source_merges_who_is_kept_apart_and_it_is_told),
                cmocka_unit_test(test_what_is_suspended_ties_nobody),
                cmocka_unit_test(test_any_ties_give_one_answer_in_any_listing),
        };

        return cmocka_run_group_tests_name("ties", tests, NULL, NULL);
}
