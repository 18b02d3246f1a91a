/* People kept for one thread: read once, forgotten with the state or the rules, never more than the memory that was given. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "daemon/sharing/people.h"
#include "tests/unit/daemon/sharing/random-world.h"

typedef struct Fixture {
        World world;
        Sharing *sharing;
        SharingPeople *people;
        size_t n_relationships; /* of whoever is read */
        int r;
        const char *read; /* who was read last */
} Fixture;

static int read_person(void *owner, const char *patient_id, Arena *arena, Carebus__V1__PersonSharing **ret) {
        Fixture *fixture = owner;
        Carebus__V1__PersonSharing *person = arena_alloc(arena, sizeof(*person));

        fixture->read = patient_id;
        if (fixture->r != 0)
                return fixture->r;
        if (!person)
                return -ENOMEM;
        carebus__v1__person_sharing__init(person);
        person->relationships = arena_alloc(arena, MAX(fixture->n_relationships, (size_t)1) * sizeof(void *));
        if (!person->relationships)
                return -ENOMEM;
        for (size_t i = 0; i < fixture->n_relationships; i++) {
                Carebus__V1__Relationship *relationship = arena_alloc(arena, sizeof(*relationship));

                if (!relationship)
                        return -ENOMEM;
                carebus__v1__relationship__init(relationship);
                relationship->kind = (char *)"encounter";
                relationship->team = (char *)"one";
                person->relationships[person->n_relationships++] = relationship;
        }
        *ret = person;
        return 0;
}

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        world_init(&fixture->world, 1);
        assert_int_equal(sharing_new(&fixture->world.config, fixture->world.configured, &fixture->sharing), 0);
        assert_int_equal(sharing_people_new(128 << 10, read_person, fixture, &fixture->people), 0);
        fixture->n_relationships = 1;
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        sharing_people_free(fixture->people);
        sharing_unref(fixture->sharing);
        world_deinit(&fixture->world);
        free(fixture);
        return 0;
}

static const SharingPerson *find(Fixture *fixture, uint64_t head, const char *patient_id) {
        const SharingPerson *person = NULL;

        fixture->read = NULL;
        assert_int_equal(sharing_people_find(fixture->people, fixture->sharing, head, patient_id, &person), 0);
        assert_non_null(person);
        return person;
}

static void test_who_is_asked_about_twice_is_read_once(void **state) {
        Fixture *fixture = *state;
        const SharingPerson *first = find(fixture, 7, "p1.0");

        assert_string_equal(fixture->read, "p1.0");
        assert_non_null(sharing_relationship(fixture->sharing, 0, first));
        assert_null(sharing_relationship(fixture->sharing, 1, first));
        assert_ptr_equal(find(fixture, 7, "p1.0"), first);
        assert_null(fixture->read);
        find(fixture, 7, "p1.1");
        assert_string_equal(fixture->read, "p1.1");
        assert_int_equal(sharing_people_counts(fixture->people).asked, 3);
        assert_int_equal(sharing_people_counts(fixture->people).read, 2);
}

static void test_another_state_or_other_rules_forget_everybody(void **state) {
        Fixture *fixture = *state;
        Sharing *other;

        find(fixture, 7, "p1.0");
        fixture->n_relationships = 0;
        assert_null(sharing_relationship(fixture->sharing, 0, find(fixture, 8, "p1.0")));
        assert_string_equal(fixture->read, "p1.0");
        assert_int_equal(sharing_new(&fixture->world.config, fixture->world.configured, &other), 0);
        sharing_unref(fixture->sharing);
        fixture->sharing = other;
        find(fixture, 8, "p1.0");
        assert_string_equal(fixture->read, "p1.0");
}

static void test_nobody_and_who_is_not_known_have_no_relationship(void **state) {
        Fixture *fixture = *state;

        assert_ptr_equal(find(fixture, 7, NULL), sharing_nobody(fixture->sharing));
        assert_ptr_equal(find(fixture, 7, ""), sharing_nobody(fixture->sharing));
        assert_null(fixture->read);
        fixture->r = 1;
        assert_null(sharing_relationship(fixture->sharing, 0, find(fixture, 7, "p9.9")));
}

static void test_who_cannot_be_read_is_an_error_and_is_read_again(void **state) {
        Fixture *fixture = *state;
        const SharingPerson *person = NULL;

        fixture->r = -EIO;
        assert_int_equal(sharing_people_find(fixture->people, fixture->sharing, 7, "p1.0", &person), -EIO);
        fixture->r = 0;
        assert_non_null(sharing_relationship(fixture->sharing, 0, find(fixture, 7, "p1.0")));
}

static void test_when_it_is_full_the_last_ones_stay(void **state) {
        Fixture *fixture = *state;
        char id[32];

        fixture->n_relationships = 4;
        for (unsigned i = 0; i < 5000; i++) {
                const SharingPerson *person, *again;

                snprintf(id, sizeof(id), "p%u.0", i);
                person = find(fixture, 7, id);
                for (unsigned k = i >= 10 ? i - 10 : 0; k < i; k++) {
                        snprintf(id, sizeof(id), "p%u.0", k);
                        again = find(fixture, 7, id);
                        assert_null(fixture->read);
                        assert_non_null(sharing_relationship(fixture->sharing, 0, again));
                }
                assert_non_null(sharing_relationship(fixture->sharing, 0, person));
        }
        assert_true(sharing_people_counts(fixture->people).forgotten > 2);
        assert_int_equal(sharing_people_counts(fixture->people).read, 5000);
}

static void test_who_is_asked_about_again_and_again_stays_whoever_else_comes(void **state) {
        Fixture *fixture = *state;
        char id[32];

        for (unsigned i = 1; i < 5000; i++) {
                assert_non_null(sharing_relationship(fixture->sharing, 0, find(fixture, 7, "p0.0")));
                assert_true(i == 1 || !fixture->read);
                snprintf(id, sizeof(id), "p%u.0", i);
                find(fixture, 7, id);
        }
        assert_true(sharing_people_counts(fixture->people).forgotten > 2);
        assert_int_equal(sharing_people_counts(fixture->people).read, 5000);
}

static void test_a_glance_at_any_number_of_people_takes_nobody_from_who_was_given_them(void **state) {
        Fixture *fixture = *state;
        const SharingPerson *kept[40], *glanced = NULL;
        uint64_t generation;
        char id[32];

        for (unsigned i = 0; i < 40; i++) {
                snprintf(id, sizeof(id), "p%u.0", i);
                kept[i] = find(fixture, 7, id);
        }
        generation = sharing_people_generation(fixture->people, fixture->sharing, 7);
        for (unsigned i = 0; i < 5000; i++) {
                snprintf(id, sizeof(id), "p%u.0", i);
                assert_int_equal(sharing_people_glance(fixture->people, fixture->sharing, 7, id, &glanced), 0);
                assert_non_null(sharing_relationship(fixture->sharing, 0, glanced));
                assert_null(sharing_relationship(fixture->sharing, 1, glanced));
                if (i < 40)
                        assert_ptr_equal(glanced, kept[i]);
        }
        assert_int_equal(sharing_people_generation(fixture->people, fixture->sharing, 7), generation);
        assert_int_equal(sharing_people_counts(fixture->people).forgotten, 0);
        assert_ptr_equal(find(fixture, 7, "p0.0"), kept[0]);
        fixture->r = -EIO;
        assert_int_equal(sharing_people_glance(fixture->people, fixture->sharing, 7, "p6000.0", &glanced), -EIO);
        assert_int_equal(sharing_people_glance(fixture->people, fixture->sharing, 7, NULL, &glanced), 0);
        assert_ptr_equal(glanced, sharing_nobody(fixture->sharing));
}

static void test_as_long_as_the_generation_is_the_same_what_was_given_is_good(void **state) {
        Fixture *fixture = *state;
        const SharingPerson *first = find(fixture, 7, "p0.0");
        uint64_t generation = sharing_people_generation(fixture->people, fixture->sharing, 7);
        uint64_t forgotten = sharing_people_counts(fixture->people).forgotten, of_other;
        SharingPeople *other = NULL;
        char id[32];

        assert_true(generation != 0);
        for (unsigned i = 1; i < 2000; i++) {
                snprintf(id, sizeof(id), "p%u.0", i);
                find(fixture, 7, id);
                if (sharing_people_generation(fixture->people, fixture->sharing, 7) == generation)
                        assert_ptr_equal(find(fixture, 7, "p0.0"), first);
                else
                        assert_true(sharing_people_counts(fixture->people).forgotten > forgotten);
                forgotten = sharing_people_counts(fixture->people).forgotten;
                generation = sharing_people_generation(fixture->people, fixture->sharing, 7);
                first = find(fixture, 7, "p0.0");
                generation = sharing_people_generation(fixture->people, fixture->sharing, 7);
        }
        assert_true(forgotten > 0);
        assert_true(sharing_people_generation(fixture->people, fixture->sharing, 8) != generation);
        assert_int_equal(sharing_people_new(128 << 10, read_person, fixture, &other), 0);
        of_other = sharing_people_generation(other, fixture->sharing, 8);
        assert_true(of_other != 0 && of_other != sharing_people_generation(fixture->people, fixture->sharing, 8));
        sharing_people_free(other);
}

static void test_who_is_too_large_is_an_error_and_nothing_else(void **state) {
        Fixture *fixture = *state;
        const SharingPerson *person = NULL;

        fixture->n_relationships = 100000;
        assert_int_equal(sharing_people_find(fixture->people, fixture->sharing, 7, "p1.0", &person), -ENOMEM);
        fixture->n_relationships = 1;
        assert_non_null(sharing_relationship(fixture->sharing, 0, find(fixture, 7, "p1.1")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_who_is_asked_about_twice_is_read_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_another_state_or_other_rules_forget_everybody, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nobody_and_who_is_not_known_have_no_relationship, setup, teardown),
                cmocka_unit_test_setup_teardown(test_who_cannot_be_read_is_an_error_and_is_read_again, setup, teardown),
                cmocka_unit_test_setup_teardown(test_when_it_is_full_the_last_ones_stay, setup, teardown),
                cmocka_unit_test_setup_teardown(test_who_is_asked_about_again_and_again_stays_whoever_else_comes, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(
                        test_a_glance_at_any_number_of_people_takes_nobody_from_who_was_given_them, setup, teardown),
                cmocka_unit_test_setup_teardown(test_as_long_as_the_generation_is_the_same_what_was_given_is_good,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_who_is_too_large_is_an_error_and_nothing_else, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
