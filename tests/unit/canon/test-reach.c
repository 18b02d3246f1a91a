/* Who answers at 03:00 on a Sunday: hours across midnight, hours that nobody said, the order of those who may be rung. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "canon/reach.h"

/* 2024-03-03 is a Sunday, 2024-03-04 a Monday; in London these are hours of UTC. */
static int64_t at(int day, int hour, int minute) {
        const CivilTime civil = { .year = 2024, .month = 3, .day = day, .hour = hour, .minute = minute };

        return civil_to_utc(&civil);
}

static Carebus__V1__ReachTime hours(const char *from, const char *until, uint32_t *days, size_t n_days) {
        Carebus__V1__ReachTime reach = CAREBUS__V1__REACH_TIME__INIT;

        reach.from = (char *)from;
        reach.until = (char *)until;
        reach.days = days;
        reach.n_days = n_days;
        return reach;
}

static void test_hours_begin_with_their_first_minute_and_end_before_their_last(void **state) {
        Carebus__V1__ReachTime reach = hours("09:00", "17:00", NULL, 0);

        assert_int_equal(reach_at(&reach, at(4, 8, 59), NULL), REACH_CLOSED);
        assert_int_equal(reach_at(&reach, at(4, 9, 0), NULL), REACH_OPEN);
        assert_int_equal(reach_at(&reach, at(4, 16, 59), NULL), REACH_OPEN);
        assert_int_equal(reach_at(&reach, at(4, 17, 0), NULL), REACH_CLOSED);
}

static void test_a_night_belongs_to_the_day_on_which_it_begins(void **state) {
        uint32_t saturday[] = { 6 };
        Carebus__V1__ReachTime reach = hours("18:00", "08:00", saturday, 1);

        assert_int_equal(reach_at(&reach, at(2, 23, 0), NULL), REACH_OPEN);    /* Saturday evening */
        assert_int_equal(reach_at(&reach, at(3, 3, 0), NULL), REACH_OPEN);     /* Sunday, 03:00 */
        assert_int_equal(reach_at(&reach, at(3, 18, 30), NULL), REACH_CLOSED); /* Sunday evening */
        assert_int_equal(reach_at(&reach, at(2, 3, 0), NULL), REACH_CLOSED);   /* the night before */
}

static void test_from_midnight_to_midnight_is_all_day(void **state) {
        Carebus__V1__ReachTime reach = hours("00:00", "00:00", NULL, 0), other = hours("00:00", "24:00", NULL, 0);

        assert_int_equal(reach_at(&reach, at(3, 3, 0), NULL), REACH_OPEN);
        assert_int_equal(reach_at(&other, at(3, 23, 59), NULL), REACH_OPEN);
}

static void test_hours_are_those_of_the_zone_on_both_sides_of_a_change_of_the_clock(void **state) {
        _cleanup_(zone_freep) Zone *zone = NULL;
        Carebus__V1__ReachTime reach = hours("09:00", "17:00", NULL, 0);

        assert_int_equal(zone_new("Europe/London", &zone), 0);
        assert_int_equal(reach_at(&reach, at(30, 9, 0), zone), REACH_OPEN);     /* winter: 09:00 */
        assert_int_equal(reach_at(&reach, at(31, 8, 0), zone), REACH_OPEN);     /* summer from that night: 09:00 */
        assert_int_equal(reach_at(&reach, at(31, 16, 30), zone), REACH_CLOSED); /* 17:30 */
}

static void test_hours_that_nobody_can_read_are_not_said(void **state) {
        uint32_t holidays[] = { 8 };
        Carebus__V1__ReachTime none = hours(NULL, NULL, NULL, 0), odd = hours("nine", "five", NULL, 0),
                               past = hours("25:00", "26:00", NULL, 0), half = hours("09:00", NULL, NULL, 0),
                               bank = hours("09:00", "17:00", holidays, 1), night = hours(NULL, NULL, NULL, 0);

        night.has_out_of_hours = night.out_of_hours = true;
        assert_int_equal(reach_at(&none, at(3, 3, 0), NULL), REACH_NOT_SAID);
        assert_int_equal(reach_at(&odd, at(3, 3, 0), NULL), REACH_NOT_SAID);
        assert_int_equal(reach_at(&past, at(3, 3, 0), NULL), REACH_NOT_SAID);
        assert_int_equal(reach_at(&half, at(3, 3, 0), NULL), REACH_NOT_SAID);
        assert_int_equal(reach_at(&bank, at(3, 12, 0), NULL), REACH_NOT_SAID);
        assert_int_equal(reach_at(&night, at(3, 3, 0), NULL), REACH_NOT_SAID_OUT_OF_HOURS);
}

/* ---- one of several ---------------------------------------------------------------------------------------------------------- */

typedef struct Some {
        Carebus__V1__Telecom telecom[3], *telecoms[3];
        Carebus__V1__ReachTime reach[3], *reaches[3];
        Carebus__V1__ContactPoint point[3], *points[3];
        Carebus__V1__Overview overview;
} Some;

/* Three points with a number each: by day, by night, and one that says no hours. */
static void some_make(Some *some) {
        static const char *const numbers[] = { "day", "night", "any" };
        const Carebus__V1__Overview overview = CAREBUS__V1__OVERVIEW__INIT;

        some->reach[0] = hours("09:00", "17:00", NULL, 0);
        some->reach[1] = hours("17:00", "09:00", NULL, 0);
        some->reach[2] = hours(NULL, NULL, NULL, 0);
        some->overview = overview;
        for (size_t i = 0; i < 3; i++) {
                carebus__v1__telecom__init(&some->telecom[i]);
                carebus__v1__contact_point__init(&some->point[i]);
                some->telecom[i].value = (char *)numbers[i];
                some->telecoms[i] = &some->telecom[i];
                some->reach[i].telecom = &some->telecoms[i];
                some->reach[i].n_telecom = 1;
                some->reaches[i] = &some->reach[i];
                some->point[i].reach = &some->reaches[i];
                some->point[i].n_reach = 1;
                some->points[i] = &some->point[i];
        }
        some->overview.contact_points = some->points;
        some->overview.n_contact_points = 3;
}

static void test_one_number_answers_at_a_moment(void **state) {
        ContactAt contact;
        Some some;

        some_make(&some);
        assert_true(contact_at(&some.overview, at(3, 3, 0), NULL, &contact));
        assert_string_equal(contact.telecom->value, "night");
        assert_true(contact_at(&some.overview, at(4, 11, 0), NULL, &contact));
        assert_string_equal(contact.telecom->value, "day");
        assert_int_equal(contact.state, REACH_OPEN);
}

static void test_a_number_without_hours_is_the_last_resort_and_said_to_be(void **state) {
        ContactAt contact;
        Some some;

        some_make(&some);
        some.points[1] = some.points[2];
        some.overview.n_contact_points = 2;
        assert_true(contact_at(&some.overview, at(3, 3, 0), NULL, &contact));
        assert_string_equal(contact.telecom->value, "any");
        assert_int_equal(contact.state, REACH_NOT_SAID);
}

static void test_where_nobody_answers_nobody_is_named(void **state) {
        ContactAt contact = { .state = REACH_OPEN };
        Some some;

        some_make(&some);
        some.overview.n_contact_points = 1;
        assert_false(contact_at(&some.overview, at(3, 3, 0), NULL, &contact));
        assert_int_equal(contact.state, REACH_OPEN); /* untouched */
        some.overview.n_contact_points = 3;
        for (size_t i = 0; i < 3; i++)
                some.telecom[i].value = NULL;
        assert_false(contact_at(&some.overview, at(4, 11, 0), NULL, &contact));
}

static void test_who_is_no_longer_there_is_not_rung(void **state) {
        Carebus__V1__Period period = CAREBUS__V1__PERIOD__INIT;
        Carebus__V1__When end = CAREBUS__V1__WHEN__INIT;
        ContactAt contact;
        Some some;

        some_make(&some);
        end.has_utc_at = end.has_precision = true;
        end.utc_at = at(2, 0, 0);
        end.precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY;
        period.end = &end;
        some.point[1].period = &period;
        assert_true(contact_at(&some.overview, at(2, 20, 0), NULL, &contact)); /* the last day is one of its days */
        assert_string_equal(contact.telecom->value, "night");
        assert_true(contact_at(&some.overview, at(3, 3, 0), NULL, &contact));
        assert_string_equal(contact.telecom->value, "any");
}

static void test_a_number_to_ring_comes_before_an_address_to_write_to(void **state) {
        Carebus__V1__Telecom mail = CAREBUS__V1__TELECOM__INIT, *both[2];
        ContactAt contact;
        Some some;

        some_make(&some);
        mail.system = (char *)"email";
        mail.value = (char *)"a@b.example";
        mail.has_rank = true;
        mail.rank = 1;
        both[0] = &mail;
        both[1] = &some.telecom[1];
        some.reach[1].telecom = both;
        some.reach[1].n_telecom = 2;
        assert_true(contact_at(&some.overview, at(3, 3, 0), NULL, &contact));
        assert_string_equal(contact.telecom->value, "night");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hours_begin_with_their_first_minute_and_end_before_their_last),
                cmocka_unit_test(test_a_night_belongs_to_the_day_on_which_it_begins),
                cmocka_unit_test(test_from_midnight_to_midnight_is_all_day),
                cmocka_unit_test(test_hours_are_those_of_the_zone_on_both_sides_of_a_change_of_the_clock),
                cmocka_unit_test(test_hours_that_nobody_can_read_are_not_said),
                cmocka_unit_test(test_one_number_answers_at_a_moment),
                cmocka_unit_test(test_a_number_without_hours_is_the_last_resort_and_said_to_be),
                cmocka_unit_test(test_where_nobody_answers_nobody_is_named),
                cmocka_unit_test(test_who_is_no_longer_there_is_not_rung),
                cmocka_unit_test(test_a_number_to_ring_comes_before_an_address_to_write_to),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
