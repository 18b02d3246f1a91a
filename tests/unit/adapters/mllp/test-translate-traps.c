/*
 * What real senders do that a reader of the standard does not expect: one test a trap, in its name. The traps of files (8) are those
 * of the spreadsheets, and how much is sent when (9) is the server's; here is what of them reaches a message.
 */
#include "translate-fixture.h"

#include "canon/normalise.h"

#define PID "PID|1||123456^^^RA9^PI||SMITH^JOHN\r"
#define PV1 "PV1|1|I|W1||||||||||||||||V77^^^RA9\r"

/* As the bus does it, by the profile that is in use. */
static void normalise(void) {
        CanonRules rules = { .profile = profile, .default_authority = "carebus:pas", .test_numbers = true };
        static Arena *arena;

        arena_free(arena);
        assert_int_equal(arena_new(&arena, 16 << 20), 0);
        for (size_t i = 0; i < result.n_events; i++)
                assert_int_equal(canon_normalise(result.events[i], &rules, arena, NULL), 0);
}

static void test_trap_1_whose_a_number_is_comes_from_the_profile_where_the_message_does_not_say_it(void **state) {
        Carebus__V1__Event *event;

        use_profile("authorities:\n"
                    "  - {type: MRENTR, system: 'urn:uclh'}\n"
                    "  - {authority: NHS, system: 'https://fhir.nhs.uk/Id/nhs-number', nhs_number: true}\n");
        translate_text(
                MSH_OF("ADT^A40") "PID|1||40800000^^^^MRENTR~9434765919^^^NHS||A\rMRG|40800001^^^^MRENTR~40800002\r");
        normalise();
        event = only_event("patient.merged");
        assert_string_equal(event->patient->identifiers[0]->system, "urn:uclh");
        assert_string_equal(event->patient->identifiers[1]->system,
                            "https://fhir.nhs.uk/Id/nhs-number"); /* without a type */
        assert_string_equal(event->merge->retired[0]->system, "urn:uclh");
        assert_string_equal(event->merge->retired[1]->system, "carebus:pas"); /* MRG without type and authority */
}

static void test_trap_2_an_unknown_authority_never_passes_for_a_known_one(void **state) {
        Carebus__V1__Event *event;

        use_profile("authorities:\n  - {authority: '126', system: 'urn:cardiff'}\n");
        translate_text(MSH_OF("ADT^A31") "PID|1||A1^^^126^PI~A1^^^999^PI~A1||X\r");
        normalise();
        event = only_event("patient.updated");
        assert_int_equal(event->patient->n_identifiers, 3);
        assert_string_equal(event->patient->identifiers[0]->system, "urn:cardiff");
        assert_string_equal(event->patient->identifiers[1]->system, "carebus:999");
        assert_string_equal(event->patient->identifiers[2]->system, "carebus:pas");
}

static void test_trap_3_what_msh_15_and_16_ask_for_changes_no_event(void **state) {
        static const char *const wishes[] = { "", "AL|NE", "NE|AL", "ER|SU", "\"\"|\"\"" };

        for (size_t i = 0; i < ELEMENTSOF(wishes); i++) {
                char text[512];

                snprintf(text, sizeof(text), "MSH|^~\\&|PAS|RA9|||20240305101500||ADT^A31|M1|P|2.4|||%s\r" PID,
                         wishes[i]);
                translate_text(text);
                only_event("patient.updated");
                assert_false(is_unmapped("MSH-15"));
                assert_false(is_unmapped("MSH-16"));
        }
}

static void test_trap_4_two_components_or_one_say_the_trigger_too(void **state) {
        static const char *const said[] = { "ADT^A31^ADT_A05", "ADT^A31", "ADT^A31^", "ADT^A31^ADT_A31", "adt^a31" };

        for (size_t i = 0; i < ELEMENTSOF(said); i++) {
                char text[512];

                snprintf(text, sizeof(text), "MSH|^~\\&|PAS|RA9|||20240305101500||%s|M1|P|2.4\r" PID, said[i]);
                translate_text(text);
                only_event("patient.updated");
        }
        translate_text(MSH_OF("ADT") "EVN|A31\r" PID);
        only_event("patient.updated");
}

static void test_trap_5_a_broadcast_is_for_us_where_the_profile_says_so(void **state) {
        const char *text = "MSH|^~\\&|PAS|RCB|ROUTE|ROUTE|20240305101500||ADT^A31|M1|P|2.4\r" PID;

        translate_text(text);
        assert_string_equal(only_event("patient.updated")->sender->organisation, "RCB"); /* three characters or five */
        use_profile("receiving_applications: [ROUTE, CAREBUS]\n");
        translate_text(text);
        only_event("patient.updated");
        use_profile("receiving_applications: [CAREBUS]\n");
        translate_text(text);
        assert_problem("wrong-receiver", "MSH-5");
}

static void test_trap_6_a_late_message_says_when_it_was_so_and_when_it_was_said(void **state) {
        Carebus__V1__Event *event;

        translate_text(
                "MSH|^~\\&|PAS|RA9|||20240305101500||ADT^A02|M1|P|2.4|17\rEVN||20240305101400||||20240304070000\r" PID
                        PV1);
        event = only_event("encounter.transferred");
        assert_string_equal(event->occurred_at->text, "20240304070000");
        assert_string_equal(event->recorded_at->text, "20240305101400");
        assert_string_equal(result.message_time_text, "20240305101500");
        assert_string_equal(event->encounter->transferred_at->text, "20240304070000");
        assert_false(is_unmapped("MSH-13"));
}

static void test_trap_7_emptied_repeats_and_partial_lists_take_nothing_away(void **state) {
        Carebus__V1__Demographics *demographics;

        translate_text(MSH_OF("ADT^A31") "PID|1||1^^^RA9~\"\"||A^B~\"\"||||||\"\"~1 "
                                         "RD^^LEEDS||\"\"~0123~\"\"|\"\"~\"\"||||||||\"\"~\"\"\r"
                                         "NK1|1|C^D|1||\"\"~0456\rNK1|2|\"\"\rAL1|1||\"\"\rDG1|1||\"\"\r");
        demographics = only_event("patient.updated")->demographics;
        assert_int_equal(demographics->n_identifiers, 1);
        assert_int_equal(demographics->n_names, 1);
        assert_int_equal(demographics->n_addresses, 1);
        assert_int_equal(demographics->n_telecom, 1);
        assert_int_equal(demographics->n_related_persons, 1);
        assert_int_equal(demographics->related_persons[0]->n_telecom, 1);
        /* What was emptied as a whole is: PID-14 and PID-22. Nothing else is. */
        assert_true(has_cleared(result.events[0], "demographics.ethnic_category"));
        assert_false(has_cleared(result.events[0], "demographics.addresses"));
        assert_false(has_cleared(result.events[0], "demographics.identifiers"));
        assert_false(has_cleared(result.events[0], "demographics.related_persons"));
        assert_int_equal(result.events[0]->n_complete, 0);
        /* Whole lists are those that the profile names. */
        use_profile("complete_lists: [demographics.related_persons]\n");
        translate_text(MSH_OF("ADT^A31") PID "NK1|1|C^D\rAL1|1||^PENICILLIN\r");
        assert_int_equal(event_of("patient.updated")->n_complete, 1);
        assert_int_equal(event_of("allergy.recorded")->n_complete, 0);
}

static void test_trap_8_digits_and_days_stay_as_they_were_said(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A31") "PID|1||0101010101^^^CHI^NI~9.434766E+09^^^NHS^NH||A||03/04/1940\r");
        event = only_event("patient.updated");
        assert_string_equal(event->patient->identifiers[0]->value, "0101010101");
        assert_string_equal(event->patient->identifiers[1]->value,
                            "9.434766E+09"); /* what Excel made of it is no number */
        assert_string_equal(event->demographics->birth_date->text, "03/04/1940");
        assert_int_equal(result.n_bad_times, 1); /* nobody knows which day that is */
        normalise();
        assert_int_equal(event->patient->identifiers[1]->status, CAREBUS__V1__IDENTIFIER__STATUS__STATUS_INVALID);
        assert_false(event->demographics->birth_date->has_month);
}

static void test_trap_9_the_same_message_again_is_the_same_bytes(void **state) {
        const char *text = MSH_OF("ADT^A08") PID PV1 "NK1|1|A^B\rAL1|1||^X\rDG1|1||G20\rZU8|U|1\r";
        Buffer once = BUFFER_NULL, again = BUFFER_NULL;

        for (size_t round = 0; round < 2; round++) {
                translate_text(text);
                for (size_t i = 0; i < result.n_events; i++) {
                        size_t size = protobuf_c_message_get_packed_size(&result.events[i]->base);
                        uint8_t *data = malloc(size + 1);

                        assert_non_null(data);
                        protobuf_c_message_pack(&result.events[i]->base, data);
                        buffer_append(round ? &again : &once, data, size);
                        free(data);
                }
        }
        assert_true(bytes_equal(buffer_bytes(&once), buffer_bytes(&again)));
        buffer_deinit(&once);
        buffer_deinit(&again);
}

static void test_trap_10_the_messages_of_the_national_test_bed_give_their_events(void **state) {
        static const char *const admission =
                "MSH|^~\\&|PAS|RCB|ROUTE|ROUTE|201010101418||ADT^A01^ADT_A01|1391320453338055|P|2.4|1|20101010141857|||"
                "GBR|UNICODE|EN||iTKv1.0\n"
                "EVN||201010101400|||111111111^Cortana^Emily^^^Miss^^RCB55|201010101400\n"
                "PID|1||3333333333^^^NHS||SMITH^FREDRICA^J^^MRS^^L|SCHMIDT^HELGAR^Y|196512131515|2|||29 WEST "
                "AVENUE^BURYTHORPE^MALTON^NORTH "
                "YORKSHIRE^YO32 5TT^GBR^H||+441234567890||EN|M|C22|||||A|Berlin|||GBR||DEU\n"
                "PD1|||MALTON GP PRACTICE^^Y06601|G5612908^Townley^Gregory^^^Dr^^^GMP\n"
                "NK1|1|SMITH^ALBERT^J^^MR^^L|1|29 WEST AVENUE^BURYTHORPE^MALTON^NORTH YORKSHIRE^YO32 "
                "5TT^GBR^H|+441234567890||||||||||1|"
                "196311111513||||EN\n"
                "PV1|1|I|RCB^OBS1^BAY2-6^RCB55|13|||C3456789^Darwin^Samuel^^^Dr^^^GMC|G5612908^Townley^Gregory^^^Dr^^^"
                "GMP|"
                "C3456789^Darwin^Samuel^^^Dr^^^GMC|300||||19|||||2139^^^VISITID|||||||||||||||||||||||||201010201716\n"
                "ZU1|201010071234|1|C|201010091300||500|||||||||201010081200|201010081156|02|Y|0\n"
                "ZU3|004|03|5|||||Normal|8b||1|1\nZU4||201010081756|201010090000\nZU8|Z|1|No";
        Carebus__V1__Event *event;

        use_profile("charset: UTF-8\nauthorities:\n  - {authority: NHS, system: 'https://fhir.nhs.uk/Id/nhs-number', "
                    "nhs_number: true}\n");
        translate_text(admission);
        event = event_of("encounter.admitted");
        assert_string_equal(event->encounter_id->value, "2139");
        assert_string_equal(event->encounter->decided_to_admit_at->text, "201010071234");
        assert_string_equal(event->occurred_at->text, "201010101400");
        assert_non_null(event_of("care_team.member_added"));
        assert_non_null(event_of("consent.recorded"));
        assert_non_null(event_of("consent.withdrawn"));
        assert_null(event_of("appointment.attended")); /* ZU3 of an in-patient */
        normalise();                                   /* 3333333333 passes the check digit and is a placeholder */
        assert_int_equal(event->patient->identifiers[0]->status, CAREBUS__V1__IDENTIFIER__STATUS__STATUS_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static void test_nobody_dies_of_a_discharge_that_was_undone_or_is_only_planned(void **state) {
        static const struct {
                const char *trigger;
                bool tells_death;
        } rows[] = {
                { "ADT^A03", true },  { "ADT^A08", true },  { "ADT^A01", false }, { "ADT^A11", false },
                { "ADT^A13", false }, { "ADT^A16", false }, { "ADT^A25", false }, { "ADT^A12", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                size_t n_deaths = 0;
                char text[512];

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|PAS|RA9|||20240305101500||%s|M1|P|2.4\r" PID
                         "PV1|1|I|W1||||||||||||||||V77^^^RA9|||||||||||||||||4|79\r",
                         rows[i].trigger);
                translate_text(text);
                assert_null(result.problem_code);
                for (size_t j = 0; j < result.n_events; j++) {
                        n_deaths += strcmp(result.events[j]->type, "death.notified") == 0;
                        if (result.events[j]->body_case == CAREBUS__V1__EVENT__BODY_ENCOUNTER)
                                assert_int_equal(result.events[j]->encounter->has_died, rows[i].tells_death);
                }
                assert_int_equal(n_deaths, rows[i].tells_death);
        }
}

/* Taken as it is, the admission would go through and the decision be gone. */
static void test_what_stands_in_front_of_its_person_waits_for_somebody_and_is_not_lost(void **state) {
        translate_text(MSH_OF("ADT^A01") "OBX|1|ST|RESUS^Resus status||DNACPR||||||F\r" PID PV1);
        assert_problem("misplaced-segment", "OBX");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ADT^A01") "NK1|1|SMITH^MARY\r" PID PV1);
        assert_problem("misplaced-segment", "NK1");
        translate_text(MSH_OF("ADT^A01") PV1 PID);
        only_event("encounter.admitted");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_trap_1_whose_a_number_is_comes_from_the_profile_where_the_message_does_not_say_it),
                TEST(test_trap_2_an_unknown_authority_never_passes_for_a_known_one),
                TEST(test_trap_3_what_msh_15_and_16_ask_for_changes_no_event),
                TEST(test_trap_4_two_components_or_one_say_the_trigger_too),
                TEST(test_trap_5_a_broadcast_is_for_us_where_the_profile_says_so),
                TEST(test_trap_6_a_late_message_says_when_it_was_so_and_when_it_was_said),
                TEST(test_trap_7_emptied_repeats_and_partial_lists_take_nothing_away),
                TEST(test_trap_8_digits_and_days_stay_as_they_were_said),
                TEST(test_trap_9_the_same_message_again_is_the_same_bytes),
                TEST(test_nobody_dies_of_a_discharge_that_was_undone_or_is_only_planned),
                TEST(test_what_stands_in_front_of_its_person_waits_for_somebody_and_is_not_lost),
                TEST(test_trap_10_the_messages_of_the_national_test_bed_give_their_events),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
