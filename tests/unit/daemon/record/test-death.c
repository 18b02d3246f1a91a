/* What a death stops, and what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/record/death.h"

#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))
#define DIED (1000000 * USEC_PER_SEC)

typedef Carebus__V1__Fact Fact;

/* One fact of each kind that a death may stop, and a death. */
typedef struct Life {
        Arena *arena;
        Fact *death, *appointment, *past_appointment, *visit, *visited, *package, *referral, *bereavement, *plan;
        Carebus__V1__Section section, *sections[1];
        Carebus__V1__StoredFact deaths[2], *stored[2];
        size_t n_deaths;
} Life;

static Carebus__V1__When *when_new(int64_t at, Arena *arena) {
        Carebus__V1__When *when = MAKE(when, arena);

        when->has_utc_at = when->has_precision = 1;
        when->utc_at = at;
        when->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_MINUTE;
        return when;
}

static Fact *fact_with(Life *life, unsigned value_case, void *value) {
        Fact *fact = MAKE(fact, life->arena);

        fact->event_id = arena_format(life->arena, "%zu.0", life->section.n_facts + 1);
        fact->status = (char *)"current";
        fact->value_case = (Carebus__V1__Fact__ValueCase)value_case;
        fact->demographics = value;
        assert_int_equal(list_append((void ***)&life->section.facts, &life->section.n_facts, fact, life->arena), 0);
        return fact;
}

/* A death as it is stored, said so many minutes later. */
static void death_store(Life *life, Fact *death, int64_t minutes) {
        size_t n = life->n_deaths++;

        carebus__v1__stored_fact__init(&life->deaths[n]);
        life->deaths[n].fact = death;
        life->deaths[n].newest = stamp_make((StampParts){ .said_at = DIED + minutes * 60 * USEC_PER_SEC }, life->arena);
        life->stored[n] = &life->deaths[n];
}

static size_t consequences(Life *life) {
        return death_consequences(life->sections, 1, life->stored, life->n_deaths);
}

static void life_make(Life *life) {
        Arena *arena = life->arena;

        carebus__v1__section__init(&life->section);
        life->sections[0] = &life->section;
        life->death = fact_with(life, CAREBUS__V1__FACT__VALUE_DEATH, MAKE(death, arena));
        life->death->death->has_status = 1;
        life->death->death->died_at = when_new(DIED, arena);
        death_store(life, life->death, 10);
        life->appointment = fact_with(life, CAREBUS__V1__FACT__VALUE_APPOINTMENT, MAKE(appointment, arena));
        life->appointment->appointment->start_at = when_new(DIED + 3600 * USEC_PER_SEC, arena);
        life->past_appointment = fact_with(life, CAREBUS__V1__FACT__VALUE_APPOINTMENT, MAKE(appointment, arena));
        life->past_appointment->appointment->start_at = when_new(DIED - 3600 * USEC_PER_SEC, arena);
        life->visit = fact_with(life, CAREBUS__V1__FACT__VALUE_CONTACT, MAKE(contact, arena));
        life->visit->contact->status = (char *)"planned";
        life->visited = fact_with(life, CAREBUS__V1__FACT__VALUE_CONTACT, MAKE(contact, arena));
        life->visited->contact->status = (char *)"done";
        life->package = fact_with(life, CAREBUS__V1__FACT__VALUE_CARE_PACKAGE, MAKE(care_package, arena));
        life->referral = fact_with(life, CAREBUS__V1__FACT__VALUE_REFERRAL, MAKE(referral, arena));
        life->bereavement = fact_with(life, CAREBUS__V1__FACT__VALUE_REFERRAL, MAKE(referral, arena));
        life->bereavement->referral->has_kind = 1;
        life->bereavement->referral->kind = CAREBUS__V1__REFERRAL__KIND__KIND_BEREAVEMENT;
        life->plan = fact_with(life, CAREBUS__V1__FACT__VALUE_CARE_PLAN, MAKE(care_plan, arena));
}

static int set_up(void **state) {
        Arena *arena;
        Life *life;

        assert_int_equal(arena_new(&arena, 1UL << 22), 0);
        life = arena_alloc(arena, sizeof(*life));
        *life = (Life){ .arena = arena };
        life_make(life);
        *state = life;
        return 0;
}

static int tear_down(void **state) {
        arena_free(((Life *)*state)->arena);
        return 0;
}

static void test_only_a_formal_death_stops_visits(void **state) {
        Life *life = *state;

        life->death->death->status = CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL;
        assert_int_equal(consequences(life), 0);
        assert_string_equal(life->visit->status, "current");
        life->death->death->status = CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL;
        assert_int_equal(consequences(life), 4);
        assert_string_equal(life->visit->status, "ended");
        assert_string_equal(life->visit->end_reason, END_REASON_DIED);
        assert_string_equal(life->visit->ended_by_event_id, life->death->event_id);
        assert_string_equal(life->appointment->status, "ended");
        assert_string_equal(life->package->status, "ended");
        assert_string_equal(life->referral->status, "ended");
}

static void test_what_was_before_the_death_and_what_is_for_the_bereaved_stays(void **state) {
        Life *life = *state;

        life->death->death->status = CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL;
        consequences(life);
        assert_string_equal(life->past_appointment->status, "current");
        assert_string_equal(life->visited->status, "current");
        assert_string_equal(life->bereavement->status, "current");
        assert_string_equal(life->plan->status, "current");
        assert_string_equal(life->death->status, "current");
}

static void test_a_death_that_was_retracted_stops_nothing(void **state) {
        Life *life = *state;

        life->death->death->status = CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED;
        life->death->status = (char *)"entered-in-error";
        assert_int_equal(consequences(life), 0);
        life->death->death->status = CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL;
        assert_int_equal(consequences(life), 0);
}

static void test_what_has_ended_otherwise_keeps_its_own_reason(void **state) {
        Life *life = *state;

        life->death->death->status = CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL;
        life->referral->status = (char *)"cancelled";
        assert_int_equal(consequences(life), 3);
        assert_string_equal(life->referral->status, "cancelled");
        assert_null(life->referral->end_reason);
}

static void test_of_two_deaths_the_one_said_first_is_named_whichever_came_first(void **state) {
        Life *life = *state;
        Fact *other = fact_with(life, CAREBUS__V1__FACT__VALUE_DEATH, MAKE(death, life->arena));

        life->death->death->status = CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL;
        other->death->has_status = 1;
        other->death->status = CAREBUS__V1__DEATH__STATUS__STATUS_FORMAL;
        other->death->died_at = when_new(DIED, life->arena);
        death_store(life, other, 5);
        assert_int_equal(consequences(life), 4);
        assert_string_equal(life->visit->ended_by_event_id, other->event_id);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
                TEST(test_only_a_formal_death_stops_visits),
                TEST(test_what_was_before_the_death_and_what_is_for_the_bereaved_stays),
                TEST(test_a_death_that_was_retracted_stops_nothing),
                TEST(test_what_has_ended_otherwise_keeps_its_own_reason),
                TEST(test_of_two_deaths_the_one_said_first_is_named_whichever_came_first),
#undef TEST
        };

        return cmocka_run_group_tests_name("death", tests, NULL, NULL);
}
