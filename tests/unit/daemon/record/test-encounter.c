/* What the claims of one encounter come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record/encounter.h"

static Arena *arena;

static int setup(void **state) {
        return arena_new(&arena, 1 << 24);
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

static Said said(const char *type, const char *ward, int64_t at) {
        Carebus__V1__Event *event = message_new(&carebus__v1__event__descriptor, arena);

        event->event_id = arena_format(arena, "%lld.0", (long long)at);
        event->type = (char *)type;
        event->source = (char *)"hospital";
        event->has_received_at = 1;
        event->received_at = at;
        event->body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event->encounter = message_new(&carebus__v1__encounter__descriptor, arena);
        if (ward) {
                event->encounter->place = message_new(&carebus__v1__place__descriptor, arena);
                event->encounter->place->point_of_care = (char *)ward;
        }
        return (Said){ .event = event, .stamp = { .said_at = at, .seq = (uint64_t)at } };
}

static Carebus__V1__Claim *claim(const char *type, const char *ward, int64_t at) {
        Said made = said(type, ward, at);
        Carebus__V1__Claim *claim_made = encounter_claim(&made, arena);

        assert_non_null(claim_made);
        return claim_made;
}

static void test_each_undoing_finds_what_it_undoes(void **state) {
        static const struct {
                const char *done, *undone, *status;
        } pairs[] = {
                { "encounter.preadmitted", "encounter.preadmission_cancelled", "cancelled" },
                { "encounter.admission_planned", "encounter.admission_plan_cancelled", "cancelled" },
                { "encounter.admitted", "encounter.admission_cancelled", "cancelled" },
                { "encounter.registered", "encounter.admission_cancelled", "cancelled" },
                { "encounter.ed_arrived", "encounter.admission_cancelled", "cancelled" },
                { "encounter.transferred", "encounter.transfer_cancelled", "in-progress" },
                { "encounter.leave_started", "encounter.leave_start_cancelled", "in-progress" },
                { "encounter.discharged", "encounter.discharge_cancelled", "in-progress" },
                { "encounter.ed_departed", "encounter.discharge_cancelled", "in-progress" },
        };

        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
                Carebus__V1__Claim *claims[] = { claim(pairs[i].done, "A1", 1), claim(pairs[i].undone, NULL, 2) };
                Carebus__V1__StoredFact *stored = fact_new("V1", "hospital", arena);

                assert_int_equal(encounter_reduce(stored, claims, 2, false, arena), 0);
                assert_string_equal(stored->fact->encounter->status, pairs[i].status);
                assert_null(stored->fact->encounter->place);
                assert_int_equal(stored->fact->n_history, 1);
                assert_string_equal(stored->fact->history[0], "1.0");
                assert_string_equal(stored->fact->event_id, "2.0");
        }
}

static void test_an_attendance_outlives_the_admission_that_came_of_it(void **state) {
        Carebus__V1__Claim *claims[] = { claim("encounter.ed_arrived", "ED", 1), claim("encounter.admitted", "A1", 2),
                                         claim("encounter.transferred", "B2", 3),
                                         claim("encounter.admission_cancelled", NULL, 4) };
        Carebus__V1__StoredFact *stored = fact_new("V1", "hospital", arena);

        assert_int_equal(encounter_reduce(stored, claims, 4, false, arena), 0);
        assert_string_equal(stored->fact->encounter->status, "in-progress");
        assert_string_equal(stored->fact->encounter->place->point_of_care, "ED");
}

static void test_a_discharge_sent_twice_is_undone_once(void **state) {
        Carebus__V1__Claim *claims[] = { claim("encounter.admitted", "A1", 1), claim("encounter.discharged", NULL, 2),
                                         claim("encounter.updated", NULL, 3), claim("encounter.discharged", NULL, 4),
                                         claim("encounter.discharge_cancelled", NULL, 5) };
        Carebus__V1__StoredFact *stored = fact_new("V1", "hospital", arena);

        assert_int_equal(encounter_reduce(stored, claims, 5, false, arena), 0);
        assert_string_equal(stored->fact->encounter->status, "in-progress");
        assert_string_equal(stored->fact->status, "current");
}

static void test_an_encounter_entered_in_error_is_withdrawn_whole(void **state) {
        Carebus__V1__Claim *claims[] = { claim("encounter.admitted", "A1", 1), claim("encounter.updated", NULL, 2) };
        Carebus__V1__StoredFact *stored = fact_new("V1", "hospital", arena);

        claims[1]->event->has_action = 1;
        claims[1]->event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        assert_int_equal(encounter_reduce(stored, claims, 2, false, arena), 0);
        assert_string_equal(stored->fact->status, "entered-in-error");
        assert_string_equal(stored->fact->encounter->status, "entered-in-error");
}

static void test_the_same_said_again_confirms_and_adds_no_history(void **state) {
        Carebus__V1__StoredFact *stored = fact_new("V1", "hospital", arena);
        bool changed;

        assert_int_equal(encounter_add(stored, claim("encounter.admitted", "A1", 1), false, arena, &changed), 0);
        assert_true(changed);
        assert_int_equal(encounter_add(stored, claim("encounter.updated", "A1", 2), false, arena, &changed), 0);
        assert_false(changed);
        assert_string_equal(stored->fact->event_id, "1.0");
        assert_int_equal(stored->fact->n_history, 0);
        assert_string_equal(stored->fact->confirmed_event_id, "2.0");
        assert_int_equal(stored->fact->confirmed_at, 2);
        assert_int_equal(encounter_add(stored, claim("encounter.transferred", "B2", 3), false, arena, &changed), 0);
        assert_true(changed);
        assert_null(stored->fact->confirmed_event_id);
}

static void test_the_history_keeps_the_newest(void **state) {
        Carebus__V1__StoredFact *stored = fact_new("V1", "hospital", arena);
        char last[16];
        bool changed;

        for (int64_t at = 1; at <= FACT_HISTORY_MAX + 20; at++)
                assert_int_equal(encounter_add(stored, claim("encounter.transferred", at % 2 ? "A1" : "B2", at), false,
                                               arena, &changed),
                                 0);
        assert_int_equal(stored->fact->n_history, FACT_HISTORY_MAX);
        snprintf(last, sizeof(last), "%d.0", FACT_HISTORY_MAX + 19);
        assert_string_equal(stored->fact->history[FACT_HISTORY_MAX - 1], last);
        assert_string_equal(stored->fact->history[0], "20.0");
}

static void test_claims_laid_together_stand_for_what_they_came_to(void **state) {
        Carebus__V1__Claim *claims[] = { claim("encounter.admitted", "A1", 1), claim("encounter.transferred", "B2", 2),
                                         claim("encounter.leave_started", NULL, 3),
                                         claim("encounter.updated", NULL, 4) };
        Carebus__V1__Claim *together = encounter_lay_together(claims, 3, false, arena),
                           *left[] = { together, claims[3] };
        Carebus__V1__StoredFact *all = fact_new("V1", "hospital", arena), *fewer = fact_new("V1", "hospital", arena);

        assert_non_null(together);
        assert_int_equal(stamp_compare(together->stamp, claims[2]->stamp), 0);
        assert_int_equal(encounter_reduce(all, claims, 4, false, arena), 0);
        assert_int_equal(encounter_reduce(fewer, left, 2, false, arena), 0);
        assert_true(body_equal(&all->fact->encounter->base, &fewer->fact->encounter->base));
        assert_string_equal(fewer->lifecycle, "on-leave");
}

static void test_what_is_older_than_claims_laid_together_is_not_heard(void **state) {
        Carebus__V1__Claim *claims[] = { claim("encounter.admitted", NULL, 2), claim("encounter.updated", NULL, 3) };
        Carebus__V1__Claim *together = encounter_lay_together(claims, 2, false, arena);
        Carebus__V1__Claim *with_late[] = { claim("encounter.discharged", "A1", 1), together };
        Carebus__V1__StoredFact *stored = fact_new("V1", "hospital", arena);

        assert_int_equal(encounter_reduce(stored, with_late, 2, false, arena), 0);
        assert_null(stored->fact->encounter->place);
        assert_string_equal(stored->fact->encounter->status, "in-progress");
}

static void test_a_claim_cut_from_the_entry_is_the_claim_that_would_be_packed(void **state) {
        Said made = said("encounter.admitted", "A1", 7);
        Carebus__V1__Event stored_event = *made.event, *event = (Carebus__V1__Event *)made.event;
        Carebus__V1__Claim *packed_claim, *cut_claim, *kept;
        Bytes cut, packed;

        /* As it stands in an entry: without what the bus sets, with its patient and its notes. */
        stored_event.event_id = stored_event.source = NULL;
        stored_event.has_received_at = 0;
        stored_event.patient = message_new(&carebus__v1__subject__descriptor, arena);
        stored_event.patient->patient_id = (char *)"somebody";
        event->patient = stored_event.patient;
        event->source_message_id = (char *)"M7";
        kept = encounter_claim(&made, arena);
        packed = encounter_claim_packed(&made, kept, arena);
        made.packed = message_pack(&stored_event.base, arena);
        cut = encounter_claim_packed(&made, kept, arena);
        assert_false(bytes_equal(cut, packed)); /* the order of the fields differs */
        assert_int_equal(
                message_unpack(&carebus__v1__claim__descriptor, packed, arena, (ProtobufCMessage **)&packed_claim), 0);
        assert_int_equal(message_unpack(&carebus__v1__claim__descriptor, cut, arena, (ProtobufCMessage **)&cut_claim),
                         0);
        assert_true(body_equal(&packed_claim->base, &cut_claim->base));
        assert_null(cut_claim->event->patient);
        assert_string_equal(cut_claim->event->source_message_id, "M7");
}

static void test_an_encounter_without_a_number_is_known_by_what_there_is(void **state) {
        Said made = said("encounter.admitted", "A1", 7);
        Carebus__V1__Encounter *encounter = made.event->encounter;

        assert_string_equal(encounter_key(made.event, arena), "event:7.0");
        encounter->admitted_at = message_new(&carebus__v1__when__descriptor, arena);
        encounter->admitted_at->has_utc_at = 1;
        encounter->admitted_at->utc_at = 42;
        assert_string_equal(encounter_key(made.event, arena), "admitted:42");
        encounter->account = message_new(&carebus__v1__identifier__descriptor, arena);
        encounter->account->value = (char *)"AC1";
        assert_string_equal(encounter_key(made.event, arena), "|AC1");
        encounter->identifier = message_new(&carebus__v1__identifier__descriptor, arena);
        encounter->identifier->system = (char *)"carebus:V";
        encounter->identifier->value = (char *)"V1";
        assert_string_equal(encounter_key(made.event, arena), "carebus:V|V1");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_undoing_finds_what_it_undoes),
                cmocka_unit_test(test_an_attendance_outlives_the_admission_that_came_of_it),
                cmocka_unit_test(test_a_discharge_sent_twice_is_undone_once),
                cmocka_unit_test(test_an_encounter_entered_in_error_is_withdrawn_whole),
                cmocka_unit_test(test_the_same_said_again_confirms_and_adds_no_history),
                cmocka_unit_test(test_the_history_keeps_the_newest),
                cmocka_unit_test(test_claims_laid_together_stand_for_what_they_came_to),
                cmocka_unit_test(test_what_is_older_than_claims_laid_together_is_not_heard),
                cmocka_unit_test(test_a_claim_cut_from_the_entry_is_the_claim_that_would_be_packed),
                cmocka_unit_test(test_an_encounter_without_a_number_is_known_by_what_there_is),
        };

        return cmocka_run_group_tests_name("encounter", tests, setup, teardown);
}
