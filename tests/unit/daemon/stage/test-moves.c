/* Statements of whose facts are whose, and what they come to for a fact: in any order, to and fro, across merges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/identity/ties.h"
#include "daemon/record/belongs.h"
#include "daemon/record/body.h"
#include "daemon/record/fact.h"
#include "daemon/record/stamp.h"
#include "daemon/stage/moves.h"

#define PERSONS 4
#define SOURCE "hospital"
#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

typedef Carebus__V1__Person Person;
typedef Carebus__V1__FactMove FactMove;

/* Persons p1.0 to p4.0 with one number each, H1 to H4. */
typedef struct Ward {
        Person *persons[PERSONS];
        size_t answers[PERSONS];
        Arena *arena;
} Ward;

static Carebus__V1__Identifier *identifier(const char *system, const char *value, Arena *arena) {
        Carebus__V1__Identifier *made = MAKE(identifier, arena);

        made->system = (char *)system;
        made->value = (char *)value;
        return made;
}

static Carebus__V1__Identifier *visit(const Ward *ward, const char *value) {
        return identifier("carebus:" SOURCE ":visit", value, ward->arena);
}

static void number_add(const Ward *ward, size_t person, const char *value) {
        Carebus__V1__PersonIdentifier *kept = MAKE(person_identifier, ward->arena);
        Person *of = ward->persons[person];

        kept->identifier = identifier("carebus:" SOURCE, value, ward->arena);
        assert_int_equal(list_append((void ***)&of->identifiers, &of->n_identifiers, kept, ward->arena), 0);
}

static void ward_begin(Ward *ward) {
        assert_int_equal(arena_new(&ward->arena, 1 << 22), 0);
        for (size_t i = 0; i < PERSONS; i++) {
                ward->persons[i] = MAKE(person, ward->arena);
                ward->persons[i]->patient_id = arena_format(ward->arena, "p%zu.0", i + 1);
                number_add(ward, i, arena_format(ward->arena, "H%zu", i + 1));
        }
}

static FactMove *what(const Ward *ward, int64_t at) {
        FactMove *move = MAKE(fact_move, ward->arena);

        move->source = (char *)SOURCE;
        move->stamp = stamp_make((StampParts){ .said_at = at, .seq = (uint64_t)at }, ward->arena);
        return move;
}

static bool say(const Ward *ward, size_t from, size_t to, const FactMove *move) {
        bool changed;

        assert_int_equal(moves_say(ward->persons[from], ward->persons[to], move, ward->arena, &changed), 0);
        return changed;
}

static void visit_moves(const Ward *ward, const char *value, size_t from, size_t to, int64_t at) {
        FactMove *move = what(ward, at);

        move->encounter_id = visit(ward, value);
        say(ward, from, to, move);
}

static void number_moves(const Ward *ward, size_t from, size_t to, int64_t at) {
        FactMove *move = what(ward, at);

        move->identifier = ward->persons[from]->identifiers[0]->identifier;
        say(ward, from, to, move);
}

static void visit_renamed(const Ward *ward, size_t person, const char *former, const char *now, int64_t at) {
        FactMove *move = what(ward, at);

        move->encounter_id = visit(ward, former);
        move->now = visit(ward, now);
        say(ward, person, person, move);
}

static void said_of_merge(const Ward *ward, size_t retired, size_t survivor, int64_t at, bool undone) {
        for (int side = 0; side < 2; side++) {
                Person *person = ward->persons[side ? survivor : retired],
                       *other = ward->persons[side ? retired : survivor];
                Carebus__V1__Tie *tie = tie_find(person, other->patient_id, CAREBUS__V1__TIE__KIND__KIND_MERGE);
                Carebus__V1__TieSaid *said = MAKE(tie_said, ward->arena);

                if (!tie) {
                        tie = MAKE(tie, ward->arena);
                        assert_int_equal(list_append((void ***)&person->ties, &person->n_ties, tie, ward->arena), 0);
                }
                said->stamp = what(ward, at)->stamp;
                said->source = (char *)SOURCE;
                said->retires = !side;
                said->undone = undone;
                assert_int_equal(list_append((void ***)&tie->said, &tie->n_said, said, ward->arena), 0);
                tie->patient_id = other->patient_id;
                tie->kind = CAREBUS__V1__TIE__KIND__KIND_MERGE;
                tie->stamp = said->stamp;
                tie->retires = !side;
                tie->undone = undone;
        }
}

static void settle(Ward *ward) {
        assert_int_equal(ties_settle(ward->persons, PERSONS, ward->arena, ward->answers), 0);
        assert_int_equal(moves_settle(ward->persons, PERSONS, ward->answers, ward->arena), 0);
}

static Carebus__V1__StoredFact *fact(const Ward *ward, const char *value, int64_t at) {
        Carebus__V1__StoredFact *stored = fact_new("O1", SOURCE, ward->arena);

        stored->newest = what(ward, at)->stamp;
        stored->under = 1;
        stored->fact->event_id = (char *)"1.0";
        stored->fact->encounter_id = value ? visit(ward, value) : NULL;
        return stored;
}

/* Whose a fact is that was said under the number of `home`. */
static size_t owner(const Ward *ward, size_t home, const char *value) {
        const char *to = fact_moved_to(ward->persons[home], "decisions/" SOURCE "/O1", fact(ward, value, 1));

        for (size_t i = 0; i < PERSONS && to; i++)
                if (strcmp(ward->persons[i]->patient_id, to) == 0)
                        return i;
        return home;
}

static void test_a_stay_moves_with_what_names_it_and_nothing_else(void **state) {
        Ward ward;

        ward_begin(&ward);
        visit_moves(&ward, "V1", 0, 1, 1);
        settle(&ward);
        assert_int_equal(owner(&ward, 0, "V1"), 1);
        assert_int_equal(owner(&ward, 0, "V2"), 0);
        assert_int_equal(owner(&ward, 0, NULL), 0);
        /* Another person's stay of the same number is another stay. */
        assert_int_equal(owner(&ward, 2, "V1"), 2);
        arena_free(ward.arena);
}

static void test_a_chain_of_moves_ends_at_its_last_in_every_listing(void **state) {
        static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

        for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
                Ward ward;

                ward_begin(&ward);
                for (int j = 0; j < 3; j++)
                        visit_moves(&ward, "V1", (size_t)orders[i][j], (size_t)orders[i][j] + 1, orders[i][j] + 1);
                settle(&ward);
                assert_int_equal(owner(&ward, 0, "V1"), 3);
                arena_free(ward.arena);
        }
}

static void test_a_circle_of_moves_ends_where_it_began(void **state) {
        Ward ward;

        ward_begin(&ward);
        visit_moves(&ward, "V1", 0, 1, 1);
        visit_moves(&ward, "V1", 1, 2, 2);
        visit_moves(&ward, "V1", 2, 0, 3);
        settle(&ward);
        assert_int_equal(owner(&ward, 0, "V1"), 0);
        assert_int_equal(owner(&ward, 1, "V1"), 0);
        arena_free(ward.arena);
}

static void test_the_same_said_twice_is_known(void **state) {
        FactMove *move;
        Ward ward;

        ward_begin(&ward);
        move = what(&ward, 1);
        move->encounter_id = visit(&ward, "V1");
        assert_true(say(&ward, 0, 1, move));
        assert_false(say(&ward, 0, 1, move));
        assert_int_equal(ward.persons[0]->n_said_moves, 1);
        assert_int_equal(ward.persons[1]->n_said_moves, 1);
        arena_free(ward.arena);
}

static void test_a_move_entered_in_error_moves_nothing(void **state) {
        FactMove *error;
        Ward ward;

        ward_begin(&ward);
        visit_moves(&ward, "V1", 0, 1, 1);
        visit_moves(&ward, "V1", 1, 2, 2);
        error = what(&ward, 3);
        error->encounter_id = visit(&ward, "V1");
        error->undone = 1;
        say(&ward, 1, 2, error);
        settle(&ward);
        assert_int_equal(owner(&ward, 0, "V1"), 1);
        arena_free(ward.arena);
}

static void test_a_number_takes_along_all_that_was_said_under_it(void **state) {
        Carebus__V1__StoredFact *other;
        Ward ward;

        ward_begin(&ward);
        number_add(&ward, 0, "H9");
        number_moves(&ward, 0, 1, 1);
        settle(&ward);
        assert_int_equal(owner(&ward, 0, "V1"), 1);
        assert_int_equal(owner(&ward, 0, NULL), 1);
        assert_string_equal(number_moved_to(ward.persons[0], "carebus:" SOURCE, "H1"), "p2.0");
        /* But not what was said under another of the same person's. */
        other = fact(&ward, NULL, 1);
        other->under = 2;
        assert_null(fact_moved_to(ward.persons[0], "decisions/" SOURCE "/O1", other));
        assert_null(number_moved_to(ward.persons[0], "carebus:" SOURCE, "H9"));
        arena_free(ward.arena);
}

static void test_a_merge_said_later_is_the_last_word_on_a_number(void **state) {
        Ward ward;

        ward_begin(&ward);
        number_moves(&ward, 0, 1, 1);
        said_of_merge(&ward, 0, 2, 2, false);
        settle(&ward);
        assert_int_equal(owner(&ward, 0, NULL), 0);
        said_of_merge(&ward, 0, 2, 3, true);
        settle(&ward);
        assert_int_equal(owner(&ward, 0, NULL), 1);
        arena_free(ward.arena);
}

static void test_a_stay_moves_out_of_all_that_is_one_with_whom_it_was_taken_from(void **state) {
        Ward ward;

        ward_begin(&ward);
        said_of_merge(&ward, 0, 1, 1, false);
        visit_moves(&ward, "V1", 1, 2, 2);
        settle(&ward);
        assert_int_equal(owner(&ward, 0, "V1"), 2);
        said_of_merge(&ward, 0, 1, 3, true);
        settle(&ward);
        assert_int_equal(owner(&ward, 0, "V1"), 0);
        arena_free(ward.arena);
}

static void test_a_stay_of_two_numbers_is_one_and_moves_as_one(void **state) {
        Ward ward;

        ward_begin(&ward);
        visit_renamed(&ward, 0, "V1", "V2", 1);
        visit_renamed(&ward, 0, "V2", "V3", 2);
        visit_moves(&ward, "V3", 0, 1, 3);
        settle(&ward);
        assert_string_equal(stay_number(ward.persons, 1, SOURCE, visit(&ward, "V1"))->value, "V3");
        assert_string_equal(stay_number(ward.persons, 1, "hospice", visit(&ward, "V1"))->value, "V1");
        for (int i = 1; i <= 3; i++)
                assert_int_equal(owner(&ward, 0, arena_format(ward.arena, "V%d", i)), 1);
        arena_free(ward.arena);
}

static void test_numbers_of_a_stay_in_a_circle_come_to_an_end(void **state) {
        Ward ward;

        ward_begin(&ward);
        visit_renamed(&ward, 0, "V1", "V2", 1);
        visit_renamed(&ward, 0, "V2", "V1", 2);
        assert_string_equal(stay_number(ward.persons, 1, SOURCE, visit(&ward, "V1"))->value, "V1");
        assert_string_equal(stay_number(ward.persons, 1, SOURCE, visit(&ward, "V2"))->value, "V1");
        arena_free(ward.arena);
}

static void test_homes_of_what_was_moved_here_are_found_once(void **state) {
        size_t n_homes;
        char **homes;
        Ward ward;

        ward_begin(&ward);
        visit_moves(&ward, "V1", 2, 1, 1);
        visit_moves(&ward, "V2", 0, 1, 2);
        visit_moves(&ward, "V3", 0, 1, 3);
        settle(&ward);
        assert_int_equal(homes_of_moves(&ward.persons[1], 1, ward.arena, &homes, &n_homes), 0);
        assert_int_equal(n_homes, 2);
        assert_string_equal(homes[0], "p1.0");
        assert_string_equal(homes[1], "p3.0");
        arena_free(ward.arena);
}

static const Carebus__V1__Doubt *doubt(const Ward *ward, size_t home, int64_t first, int64_t newest) {
        Carebus__V1__StoredFact *stored = fact(ward, NULL, newest);

        stored->first = what(ward, first)->stamp;
        return fact_doubt(ward->persons[home], "decisions/" SOURCE "/O1", stored, /* other= */ NULL);
}

static void test_what_was_said_between_a_merge_and_its_undoing_is_in_doubt(void **state) {
        Ward ward;

        ward_begin(&ward);
        said_of_merge(&ward, 0, 1, 10, false);
        settle(&ward);
        assert_null(doubt(&ward, 1, 15, 15));
        said_of_merge(&ward, 0, 1, 20, true);
        settle(&ward);
        assert_string_equal(doubt(&ward, 1, 15, 15)->patient_id, "p1.0");
        assert_null(doubt(&ward, 1, 5, 15));  /* it had it before */
        assert_null(doubt(&ward, 1, 15, 25)); /* it says so again */
        assert_null(doubt(&ward, 0, 15, 15)); /* under the retired number */
        said_of_merge(&ward, 0, 1, 30, false);
        settle(&ward);
        assert_null(doubt(&ward, 1, 15, 15));
        arena_free(ward.arena);
}

static void test_doubt_goes_on_under_the_number_that_took_the_survivors_place(void **state) {
        Ward ward;

        ward_begin(&ward);
        said_of_merge(&ward, 0, 1, 10, false);
        said_of_merge(&ward, 1, 2, 12, false);
        said_of_merge(&ward, 0, 1, 20, true);
        settle(&ward);
        assert_string_equal(doubt(&ward, 2, 15, 15)->patient_id, "p1.0");
        assert_null(doubt(&ward, 2, 11, 11));
        arena_free(ward.arena);
}

static void test_a_decision_ends_the_doubt_about_its_fact(void **state) {
        FactMove *stays;
        Ward ward;

        ward_begin(&ward);
        said_of_merge(&ward, 0, 1, 10, false);
        said_of_merge(&ward, 0, 1, 20, true);
        stays = what(&ward, 30);
        stays->fact = (char *)"decisions/" SOURCE "/O1";
        say(&ward, 1, 1, stays);
        settle(&ward);
        assert_null(doubt(&ward, 1, 15, 15));
        assert_int_equal(owner(&ward, 1, NULL), 1);
        arena_free(ward.arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_stay_moves_with_what_names_it_and_nothing_else),
                cmocka_unit_test(test_a_chain_of_moves_ends_at_its_last_in_every_listing),
                cmocka_unit_test(test_a_circle_of_moves_ends_where_it_began),
                cmocka_unit_test(test_the_same_said_twice_is_known),
                cmocka_unit_test(test_a_move_entered_in_error_moves_nothing),
                cmocka_unit_test(test_a_number_takes_along_all_that_was_said_under_it),
                cmocka_unit_test(test_a_merge_said_later_is_the_last_word_on_a_number),
                cmocka_unit_test(test_a_stay_moves_out_of_all_that_is_one_with_whom_it_was_taken_from),
                cmocka_unit_test(test_a_stay_of_two_numbers_is_one_and_moves_as_one),
                cmocka_unit_test(test_numbers_of_a_stay_in_a_circle_come_to_an_end),
                cmocka_unit_test(test_homes_of_what_was_moved_here_are_found_once),
                cmocka_unit_test(test_what_was_said_between_a_merge_and_its_undoing_is_in_doubt),
                cmocka_unit_test(test_doubt_goes_on_under_the_number_that_took_the_survivors_place),
                cmocka_unit_test(test_a_decision_ends_the_doubt_about_its_fact),
        };

        return cmocka_run_group_tests_name("moves", tests, NULL, NULL);
}
