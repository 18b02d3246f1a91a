/* What a reader asks first, out of facts written by hand: whose word counts, what is one referral, whom to ring, the stricter of two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/record/body.h"
#include "daemon/record/overview.h"
#include "daemon/record/stamp.h"

typedef struct Book {
        Arena *arena;
        Carebus__V1__Record *record;
        Carebus__V1__StoredFact **demographics;
        size_t n_demographics;
        Carebus__V1__Settings *settings;
        unsigned n_events;
} Book;

static int setup(void **state) {
        Book *book = calloc(1, sizeof(*book));

        if (!book || arena_new(&book->arena, 1 << 22) != 0)
                return -1;
        book->record = message_new(&carebus__v1__record__descriptor, book->arena);
        book->settings = message_new(&carebus__v1__settings__descriptor, book->arena);
        *state = book;
        return 0;
}

static int teardown(void **state) {
        Book *book = *state;

        arena_free(book->arena);
        free(book);
        return 0;
}

static void *made(Book *book, const ProtobufCMessageDescriptor *descriptor) {
        void *message = message_new(descriptor, book->arena);

        assert_non_null(message);
        return message;
}

#define MADE(book, name) made((book), &carebus__v1__##name##__descriptor)

static void append(Book *book, void *list, size_t *n, void *item) {
        assert_int_equal(list_append((void ***)list, n, item, book->arena), 0);
}

static Carebus__V1__Section *section(Book *book, const char *name) {
        Carebus__V1__Section *found;

        for (size_t i = 0; i < book->record->n_sections; i++)
                if (strcmp(book->record->sections[i]->name, name) == 0)
                        return book->record->sections[i];
        found = MADE(book, section);
        found->name = (char *)name;
        append(book, &book->record->sections, &book->record->n_sections, found);
        return found;
}

/* A fact that stands, said at `at`; event ids count up. */
static Carebus__V1__Fact *fact(Book *book, const char *in, const char *source, int64_t at, unsigned value, void *body) {
        Carebus__V1__Section *where = section(book, in);
        Carebus__V1__Fact *one = MADE(book, fact);

        one->source = (char *)source;
        one->status = (char *)"current";
        one->event_id = arena_format(book->arena, "%u.0", ++book->n_events);
        one->key = one->event_id;
        one->has_received_at = one->has_seq = true;
        one->received_at = at;
        one->seq = book->n_events;
        one->value_case = value;
        one->demographics = body;
        append(book, &where->facts, &where->n_facts, one);
        return one;
}

static Carebus__V1__Overview *overview(Book *book) {
        const OverviewFrom from = { .record = book->record,
                                    .demographics = book->demographics,
                                    .n_demographics = book->n_demographics,
                                    .settings = book->settings };
        Carebus__V1__Overview *made_of = NULL;

        overview_mark_owned(&from);
        assert_int_equal(overview_make(&from, book->arena, &made_of), 0);
        return made_of;
}

/* ---- demographics --------------------------------------------------------------------------------------------------------------- */

/* All that it says was said at `at`. */
static Carebus__V1__Demographics *person(Book *book, const char *source, int64_t at, const char *phone,
                                         const char *sex) {
        Carebus__V1__Demographics *demographics = MADE(book, demographics);
        Carebus__V1__StoredFact *stored = MADE(book, stored_fact);
        Carebus__V1__FieldStamps *stamps = MADE(book, field_stamps);

        if (phone) {
                Carebus__V1__Telecom *telecom = MADE(book, telecom);

                telecom->value = (char *)phone;
                append(book, &demographics->telecom, &demographics->n_telecom, telecom);
        }
        if (sex) {
                demographics->sex = MADE(book, coded);
                demographics->sex->code = (char *)sex;
        }
        stored->fact = fact(book, "demographics", source, at, CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS, demographics);
        stamps->stamp = stamp_make((StampParts){ .said_at = at }, book->arena);
        stamps->has_fields = true;
        stamps->fields = UINT64_MAX;
        append(book, &stored->fields, &stored->n_fields, stamps);
        append(book, &book->demographics, &book->n_demographics, stored);
        return demographics;
}

static void owns(Book *book, const char *path, const char *first, const char *second) {
        Carebus__V1__OwnershipSettings *ownership = MADE(book, ownership_settings);

        ownership->path = (char *)path;
        append(book, &ownership->sources, &ownership->n_sources, (char *)first);
        if (second)
                append(book, &ownership->sources, &ownership->n_sources, (char *)second);
        append(book, &book->settings->ownership, &book->settings->n_ownership, ownership);
}

static const Carebus__V1__FieldSource *field_of(const Carebus__V1__Overview *made_of, const char *path) {
        for (size_t i = 0; i < made_of->n_fields; i++)
                if (strcmp(made_of->fields[i]->path, path) == 0)
                        return made_of->fields[i];
        return NULL;
}

static void test_a_field_is_of_who_said_it_last_where_nobody_owns_it(void **state) {
        Carebus__V1__Overview *made_of;
        Book *book = *state;

        person(book, "gp", 10, "1", "female");
        person(book, "pas", 20, "2", NULL);
        made_of = overview(book);
        assert_string_equal(made_of->demographics->telecom[0]->value, "2");
        assert_string_equal(field_of(made_of, "demographics.telecom")->source, "pas");
        assert_false(field_of(made_of, "demographics.telecom")->owner);
        assert_string_equal(made_of->demographics->sex->code, "female");
        assert_string_equal(field_of(made_of, "demographics.sex")->source, "gp");
        assert_false(section(book, "demographics")->facts[0]->owned);
}

static void test_who_owns_a_field_is_believed_whenever_others_speak(void **state) {
        Carebus__V1__Overview *made_of;
        Book *book = *state;

        owns(book, "demographics.telecom", "lab", "gp");
        owns(book, "demographics", "pas", NULL);
        person(book, "gp", 10, "1", "female");
        person(book, "pas", 20, "2", "male");
        made_of = overview(book);
        /* The first of its owners that says it, and for all other fields the owner of the whole. */
        assert_string_equal(made_of->demographics->telecom[0]->value, "1");
        assert_true(field_of(made_of, "demographics.telecom")->owner);
        assert_string_equal(made_of->demographics->sex->code, "male");
        assert_true(section(book, "demographics")->facts[0]->owned);
        assert_true(section(book, "demographics")->facts[1]->owned);
}

static void test_a_path_owns_its_own_field_and_none_that_only_begins_alike(void **state) {
        Carebus__V1__Overview *made_of;
        Book *book = *state;

        owns(book, "demographics.se", "gp", NULL);
        person(book, "gp", 10, NULL, "female");
        person(book, "pas", 20, NULL, "male");
        made_of = overview(book);
        assert_string_equal(made_of->demographics->sex->code, "male");
}

static void test_what_was_said_under_a_merged_number_counts_where_nobody_says_it_since(void **state) {
        Carebus__V1__Overview *made_of;
        Book *book = *state;

        person(book, "pas", 30, "old", "female");
        section(book, "demographics")->facts[0]->status = (char *)"superseded";
        person(book, "pas", 20, "new", NULL);
        made_of = overview(book);
        assert_string_equal(made_of->demographics->telecom[0]->value, "new");
        assert_string_equal(made_of->demographics->sex->code, "female");
}

/* ---- the stricter of both sides -------------------------------------------------------------------------------------------------- */

static void test_whoever_restricts_is_believed_former_numbers_included(void **state) {
        Carebus__V1__Overview *made_of;
        Carebus__V1__Fact *other;
        Book *book = *state;

        person(book, "gp", 10, "1", NULL)->restricted = true;
        section(book, "demographics")->facts[0]->demographics->has_restricted = true;
        section(book, "demographics")->facts[0]->status = (char *)"superseded";
        person(book, "pas", 20, "2", NULL);
        made_of = overview(book);
        assert_true(made_of->restricted && made_of->demographics->restricted);
        /* By the sensitivity of any fact, too. */
        section(book, "demographics")->facts[0]->demographics->restricted = false;
        assert_false(overview(book)->restricted);
        other = fact(book, "alerts", "gp", 5, CAREBUS__V1__FACT__VALUE_ALERT, MADE(book, alert));
        other->sensitivity = MADE(book, sensitivity);
        other->sensitivity->has_restricted_location = other->sensitivity->restricted_location = true;
        assert_true(overview(book)->restricted);
        other->status = (char *)"entered-in-error";
        assert_false(overview(book)->restricted);
}

static void label(Book *book, const char *source, const char *code) {
        Carebus__V1__Fact *one = fact(book, "alerts", source, 1, CAREBUS__V1__FACT__VALUE_ALERT, MADE(book, alert));
        Carebus__V1__Coded *coded = MADE(book, coded);

        coded->code = (char *)code;
        one->sensitivity = MADE(book, sensitivity);
        append(book, &one->sensitivity->labels, &one->sensitivity->n_labels, coded);
}

static void test_labels_of_both_sides_are_united_once_each(void **state) {
        Carebus__V1__Overview *made_of;
        Book *book = *state;

        label(book, "gp", "R");
        label(book, "pas", "HIV");
        label(book, "lab", "R");
        made_of = overview(book);
        assert_int_equal(made_of->n_sensitivity, 2);
        assert_string_equal(made_of->sensitivity[0]->code, "HIV");
        assert_string_equal(made_of->sensitivity[1]->code, "R");
}

static void test_a_refusal_of_one_side_is_an_objection_a_consent_of_the_other_does_not_lift(void **state) {
        Carebus__V1__Consent *refused, *given, *research;
        Book *book = *state;

        given = MADE(book, consent);
        given->has_kind = given->has_state = true;
        given->kind = CAREBUS__V1__CONSENT__KIND__KIND_SHARE;
        given->state = CAREBUS__V1__CONSENT__STATE__STATE_GIVEN;
        fact(book, "consent", "pas", 20, CAREBUS__V1__FACT__VALUE_CONSENT, given);
        research = message_shallow_copy(&given->base, book->arena);
        research->kind = CAREBUS__V1__CONSENT__KIND__KIND_RESEARCH;
        research->state = CAREBUS__V1__CONSENT__STATE__STATE_REFUSED;
        fact(book, "consent", "pas", 20, CAREBUS__V1__FACT__VALUE_CONSENT, research);
        assert_false(overview(book)->objection);
        refused = message_shallow_copy(&given->base, book->arena);
        refused->state = CAREBUS__V1__CONSENT__STATE__STATE_REFUSED;
        fact(book, "consent", "gp", 10, CAREBUS__V1__FACT__VALUE_CONSENT, refused);
        assert_true(overview(book)->objection);
        assert_int_equal(overview(book)->n_objections, 1);
        assert_string_equal(overview(book)->objections[0], "3.0");
}

/* ---- places, referrals, measures ------------------------------------------------------------------------------------------------- */

static Carebus__V1__Encounter *stay(Book *book, const char *source, int64_t since, const char *class_,
                                    const char *ward) {
        Carebus__V1__Encounter *encounter = MADE(book, encounter);

        encounter->status = (char *)"in-progress";
        encounter->class_ = MADE(book, coded);
        encounter->class_->code = (char *)class_;
        encounter->place = MADE(book, place);
        encounter->place->point_of_care = (char *)ward;
        encounter->admitted_at = MADE(book, when);
        encounter->admitted_at->has_utc_at = true;
        encounter->admitted_at->utc_at = since;
        fact(book, "encounters", source, since, CAREBUS__V1__FACT__VALUE_ENCOUNTER, encounter);
        return encounter;
}

static void test_two_sources_with_somebody_in_two_beds_are_both_shown_and_neither_is_chosen(void **state) {
        Carebus__V1__Overview *made_of;
        Book *book = *state;

        stay(book, "pas", 10, "IMP", "7");
        stay(book, "pas", 20, "AMB", "clinic");
        made_of = overview(book);
        assert_int_equal(made_of->n_open_encounters, 1); /* one a source: the bed before the clinic */
        assert_string_equal(made_of->place->place->point_of_care, "7");
        stay(book, "hospice", 5, "IMP", "garden");
        made_of = overview(book);
        assert_int_equal(made_of->n_open_encounters, 2);
        assert_null(made_of->place);
}

static void test_who_is_expected_or_gone_is_nowhere(void **state) {
        Book *book = *state;

        stay(book, "pas", 10, "IMP", "7")->status = (char *)"planned";
        stay(book, "gp", 10, "IMP", "7");
        section(book, "encounters")->facts[1]->status = (char *)"ended";
        assert_int_equal(overview(book)->n_open_encounters, 0);
        assert_null(overview(book)->place);
}

static Carebus__V1__Referral *referral(Book *book, const char *source, int64_t at, const char *number,
                                       const char *status) {
        Carebus__V1__Referral *one = MADE(book, referral);

        one->identifier = MADE(book, identifier);
        one->identifier->system = (char *)"ubrn";
        one->identifier->value = (char *)number;
        one->status = (char *)status;
        fact(book, "referrals", source, at, CAREBUS__V1__FACT__VALUE_REFERRAL, one);
        return one;
}

static void test_a_referral_that_two_sources_know_is_one_with_the_furthest_state(void **state) {
        Carebus__V1__Overview *made_of;
        Carebus__V1__Referral *by_number;
        Book *book = *state;

        referral(book, "gp", 30, "1", "requested");
        referral(book, "hospice", 20, "other", "accepted");
        by_number = referral(book, "huddle", 20, "unlike", "received");
        by_number->target_identifier = section(book, "referrals")->facts[1]->referral->identifier;
        append(book, &by_number->further_identifiers, &by_number->n_further_identifiers,
               section(book, "referrals")->facts[0]->referral->identifier);
        referral(book, "gp", 30, "alone", "requested");
        made_of = overview(book);
        assert_int_equal(made_of->n_referrals, 2);
        assert_string_equal(made_of->referrals[0]->status, "accepted");
        assert_string_equal(made_of->referrals[0]->source, "hospice");
        assert_int_equal(made_of->referrals[0]->n_event_ids, 3);
        assert_string_equal(made_of->referrals[1]->status, "requested");
}

static void test_a_referral_that_one_side_closed_is_not_open_because_the_other_has_not_heard(void **state) {
        Book *book = *state;

        referral(book, "gp", 30, "1", "requested");
        referral(book, "hospice", 20, "1", NULL);
        section(book, "referrals")->facts[1]->status = (char *)"ended";
        assert_int_equal(overview(book)->n_referrals, 0);
}

static void measured(Book *book, const char *scale, const char *value, int64_t at, int respondent) {
        Carebus__V1__Measure *measure = MADE(book, measure);

        measure->scale = MADE(book, coded);
        measure->scale->text = (char *)scale;
        measure->total = MADE(book, quantity);
        measure->total->value = (char *)value;
        measure->has_respondent = true;
        measure->respondent = respondent;
        measure->measured_at = MADE(book, when);
        measure->measured_at->has_utc_at = true;
        measure->measured_at->utc_at = at;
        fact(book, "measures", "gp", at, CAREBUS__V1__FACT__VALUE_MEASURE, measure);
}

static void test_a_trend_is_of_one_scale_and_one_kind_of_respondent(void **state) {
        Carebus__V1__Overview *made_of;
        Book *book = *state;

        measured(book, "AKPS", "40", 20, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF);
        measured(book, "AKPS", "60", 10, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF);
        measured(book, "AKPS", "90", 30, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PATIENT);
        measured(book, "mood of ours", "fair", 10, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF);
        measured(book, "mood of ours", "5.0", 20, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF);
        made_of = overview(book);
        assert_int_equal(made_of->n_trends, 3);
        assert_string_equal(made_of->trends[0]->respondent, "patient");
        assert_null(made_of->trends[0]->direction); /* one point leads nowhere */
        assert_string_equal(made_of->trends[1]->points[0]->value, "60");
        assert_string_equal(made_of->trends[1]->direction, "down");
        assert_null(made_of->trends[2]->direction);                       /* a word is neither more nor less */
        assert_string_equal(made_of->trends[2]->points[1]->value, "5.0"); /* as said */
}

/* Digits compared as digits: no number of a machine holds them all. */
static void test_a_direction_is_that_of_the_digits_as_said(void **state) {
        static const struct {
                const char *before, *now, *direction;
        } rows[] = {
                { "5", "5.0", "level" },
                { "9", "10", "up" },
                { "0.30", "0.3", "level" },
                { "0.1", "0.09", "down" },
                { "-1", "-2", "down" },
                { "-0", "0", "level" },
                { "-1", "1", "up" },
                { "007", "7", "level" },
                { "12a", "13", NULL },
                { "", "1", NULL },
                { "1.2.3", "2", NULL },
                { ">5", "6", NULL },
                { "90071992547409931", "90071992547409932", "up" },
        };
        Book *book = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *direction;

                book->record->n_sections = 0;
                measured(book, "AKPS", rows[i].before, 10, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF);
                measured(book, "AKPS", rows[i].now, 20, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF);
                direction = overview(book)->n_trends > 0 ? overview(book)->trends[0]->direction : NULL;
                if (rows[i].direction)
                        assert_string_equal(direction, rows[i].direction);
                else
                        assert_null(direction);
        }
}

static void test_a_trend_keeps_its_newest_points(void **state) {
        Carebus__V1__Overview *made_of;
        Book *book = *state;

        for (int64_t i = 0; i < 40; i++)
                measured(book, "AKPS", arena_format(book->arena, "%lld", (long long)i), i, 3);
        made_of = overview(book);
        assert_int_equal(made_of->trends[0]->n_points, OVERVIEW_TREND_POINTS_MAX);
        assert_string_equal(made_of->trends[0]->points[0]->value, "16");
        assert_string_equal(made_of->trends[0]->direction, "up");
}

/* ---- who looks after them -------------------------------------------------------------------------------------------------------- */

static Carebus__V1__ReachTime *number(Book *book, const char *value) {
        Carebus__V1__ReachTime *reach = MADE(book, reach_time);
        Carebus__V1__Telecom *telecom = MADE(book, telecom);

        telecom->value = (char *)value;
        append(book, &reach->telecom, &reach->n_telecom, telecom);
        return reach;
}

static Carebus__V1__CareTeamMember *member(Book *book, const char *source, int64_t at, const char *phone) {
        Carebus__V1__CareTeam *team = MADE(book, care_team);
        Carebus__V1__CareTeamMember *one = MADE(book, care_team_member);

        append(book, &team->members, &team->n_members, one);
        append(book, &one->reach, &one->n_reach, number(book, phone));
        fact(book, "care-team", source, at, CAREBUS__V1__FACT__VALUE_CARE_TEAM, team);
        return one;
}

static const char *rung(const Carebus__V1__Overview *made_of, size_t i) {
        assert_true(i < made_of->n_contact_points && made_of->n_contact_origins == made_of->n_contact_points);
        return made_of->contact_points[i]->reach[0]->telecom[0]->value;
}

static void test_whom_to_ring_is_what_was_said_then_key_worker_lead_others_and_the_teams(void **state) {
        Carebus__V1__SourceSettings *source = MADE((Book *)*state, source_settings);
        Carebus__V1__TeamSettings *team = MADE((Book *)*state, team_settings),
                                  *stranger = MADE((Book *)*state, team_settings);
        Carebus__V1__ContactPoint *point = MADE((Book *)*state, contact_point),
                                  *of_team = MADE((Book *)*state, contact_point);
        Carebus__V1__Overview *made_of;
        Book *book = *state;

        member(book, "gp", 10, "other");
        member(book, "gp", 10, "lead")->lead = true;
        section(book, "care-team")->facts[1]->care_team->members[0]->has_lead = true;
        member(book, "gp", 10, "key")->has_key_worker = true;
        section(book, "care-team")->facts[2]->care_team->members[0]->key_worker = true;
        append(book, &point->reach, &point->n_reach, number(book, "line"));
        fact(book, "contact-points", "gp", 10, CAREBUS__V1__FACT__VALUE_CONTACT_POINT, point);
        append(book, &of_team->reach, &of_team->n_reach, number(book, "configured"));
        source->name = (char *)"gp";
        source->team = team->name = (char *)"practice";
        stranger->name = (char *)"a-stranger";
        append(book, &team->contact_points, &team->n_contact_points, of_team);
        append(book, &stranger->contact_points, &stranger->n_contact_points, of_team);
        append(book, &book->settings->sources, &book->settings->n_sources, source);
        append(book, &book->settings->teams, &book->settings->n_teams, stranger);
        append(book, &book->settings->teams, &book->settings->n_teams, team);
        made_of = overview(book);
        assert_int_equal(made_of->n_contact_points, 5); /* a team that knows nothing of them is nobody to ring */
        assert_string_equal(rung(made_of, 0), "line");
        assert_string_equal(rung(made_of, 1), "key");
        assert_string_equal(rung(made_of, 2), "lead");
        assert_string_equal(rung(made_of, 3), "other");
        assert_string_equal(rung(made_of, 4), "configured");
        assert_int_equal(made_of->contact_origins[0]->confirmed_at, 10);
        assert_false(made_of->contact_origins[4]->has_confirmed_at);
        assert_string_equal(made_of->key_worker->source, "gp");
        assert_int_equal(made_of->n_leads, 1);
}

static void test_who_has_left_is_neither_shown_nor_rung(void **state) {
        Carebus__V1__CareTeamMember *gone, *going;
        Book *book = *state;

        gone = member(book, "gp", 10, "gone");
        gone->has_key_worker = gone->key_worker = true;
        gone->period = MADE(book, period);
        gone->period->end = MADE(book, when);
        gone->period->end->has_utc_at = true;
        gone->period->end->utc_at = 9;
        assert_null(overview(book)->key_worker);
        assert_int_equal(overview(book)->n_contact_points, 0);
        /* An end that lay ahead when it was said is a plan. */
        going = member(book, "gp", 10, "going");
        going->has_key_worker = going->key_worker = true;
        going->period = MADE(book, period);
        going->period->end = MADE(book, when);
        going->period->end->has_utc_at = true;
        going->period->end->utc_at = 11;
        assert_non_null(overview(book)->key_worker);
}

static void test_of_nobody_nothing_is_said(void **state) {
        Carebus__V1__Overview *made_of = overview(*state);

        assert_null(made_of->demographics);
        assert_null(made_of->death);
        assert_int_equal(made_of->n_contact_points + made_of->n_referrals + made_of->n_trends, 0);
        assert_string_equal(made_of->cpr->state, "none-recorded");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_a_field_is_of_who_said_it_last_where_nobody_owns_it),
                TEST(test_who_owns_a_field_is_believed_whenever_others_speak),
                TEST(test_a_path_owns_its_own_field_and_none_that_only_begins_alike),
                TEST(test_what_was_said_under_a_merged_number_counts_where_nobody_says_it_since),
                TEST(test_whoever_restricts_is_believed_former_numbers_included),
                TEST(test_labels_of_both_sides_are_united_once_each),
                TEST(test_a_refusal_of_one_side_is_an_objection_a_consent_of_the_other_does_not_lift),
                TEST(test_two_sources_with_somebody_in_two_beds_are_both_shown_and_neither_is_chosen),
                TEST(test_who_is_expected_or_gone_is_nowhere),
                TEST(test_a_referral_that_two_sources_know_is_one_with_the_furthest_state),
                TEST(test_a_referral_that_one_side_closed_is_not_open_because_the_other_has_not_heard),
                TEST(test_a_trend_is_of_one_scale_and_one_kind_of_respondent),
                TEST(test_a_direction_is_that_of_the_digits_as_said),
                TEST(test_a_trend_keeps_its_newest_points),
                TEST(test_whom_to_ring_is_what_was_said_then_key_worker_lead_others_and_the_teams),
                TEST(test_who_has_left_is_neither_shown_nor_rung),
                TEST(test_of_nobody_nothing_is_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
