/* plan.csv: nothing dropped, nothing guessed. */
#include "csv-fixture.h"

#define PLAN "local_id,item,value,text,date,author,author_role,review_date,document_place,status,decided_at,scope\n"

#define DO_NOT "\"decision\":{\"system\":\"http://snomed.info/sct\",\"code\":\"450476008\""
#define ATTEMPT "\"decision\":{\"system\":\"http://snomed.info/sct\",\"code\":\"450475007\""

static void read_plan(const char *rows_text) {
        char text[4096];

        snprintf(text, sizeof(text), PLAN "%s", rows_text);
        read_text("plan.csv", text);
        assert_null(csv_file.problem);
}

static void test_two_cpr_values_are_understood_in_any_letters(void **state) {
        read_plan("H1,cpr,do not attempt CPR,,,,,,,,2026-03-04,\nH2,CPR,ATTEMPT "
                  "cpr,,2026-03-04,,,,,current,,everywhere\n");
        assert_taken(0, "cpr_decision.recorded");
        assert_has(rows[0].json, DO_NOT);
        assert_has(rows[0].json, "\"kind\":\"cpr\"");
        assert_has(rows[0].json, "\"order_id\":{\"value\":\"plan/H1/cpr/2026-03-04\"}");
        assert_has(rows[0].json, "\"identifier\":{\"value\":\"plan/H1/cpr/2026-03-04\"}");
        assert_has(rows[0].json, "\"decided_at\":\"2026-03-04\"");
        assert_has(rows[0].json, "\"status\":\"active\"");
        assert_has_not(rows[0].json, "\"scope\"");
        assert_taken(1, "cpr_decision.recorded");
        assert_has(rows[1].json, ATTEMPT);
        assert_has(rows[1].json, "\"scope\":\"everywhere\"");
}

static void test_yes_no_and_marks_come_back_since_they_can_mean_either(void **state) {
        static const char *const values[] = { "yes", "No", "Y", "n",    "TRUE",        "false",
                                              "1",   "0",  "x", "tick", "\xe2\x9c\x93" };

        for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
                char row[128];

                snprintf(row, sizeof(row), "H1,cpr,%s,,2026-03-04,,,,,,,\n", values[i]);
                read_plan(row);
                assert_refused(0, "write attempt CPR or do not attempt CPR");
        }
        read_plan("H1,cpr,,,2026-03-04,,,,,,,\n");
        assert_refused(0, "value: write attempt CPR or do not attempt CPR");
}

static void test_any_other_text_is_recorded_with_its_words_and_without_a_meaning(void **state) {
        read_plan("H1,cpr,full active treatment,,2026-03-04,,,,,,,\nH2,cpr,,red form in the hall,2026-03-04,,,,,,,\n"
                  "H3,cpr,DNACPR,,2026-03-04,,,,,,,\n");
        assert_noted(0, "its meaning as not known");
        assert_string_equal(rows[0].types, "cpr_decision.recorded");
        assert_has(rows[0].json, "\"decision\":{\"text\":\"full active treatment\"}");
        assert_noted(1, "its meaning as not known");
        assert_has(rows[1].json, "\"decision\":{\"text\":\"red form in the hall\"}");
        assert_noted(2, "read by its meaning");
        assert_has(rows[2].json, DO_NOT);
}

#define SIGNED(by) "tables:\n  plan:\n    values:\n      cpr: {\"red form\": do not attempt CPR, yes: attempt CPR}\n" by

static void test_a_signed_map_says_what_even_yes_means(void **state) {
        use_profile(SIGNED("    signed: {by: \"Dr Example\", on: 2026-03-01}\n"));
        read_plan("H1,cpr,Red Form,,2026-03-04,,,,,,,\nH2,cpr,yes,,2026-03-04,,,,,,,\nH3,cpr,no,,2026-03-04,,,,,,,\n");
        assert_taken(0, "cpr_decision.recorded");
        assert_has(rows[0].json, DO_NOT);
        assert_has(rows[0].json, "\"text\":\"Red Form\"");
        assert_taken(1, "cpr_decision.recorded");
        assert_has(rows[1].json, ATTEMPT);
        assert_refused(2, "can mean");
}

static void test_a_map_that_nobody_signed_is_not_used(void **state) {
        ProfileValue value = { .column = "cpr", .said = "red form", .meant = "do not attempt CPR" };
        ProfileTable table = { .name = "plan", .values = &value, .n_values = 1 };
        Profile unsigned_profile = *profile;
        Profile *loaded = profile;

        /* The configuration's own check refuses such a profile; who builds one otherwise gets no further. */
        unsigned_profile.tables = &table;
        unsigned_profile.n_tables = 1;
        profile = &unsigned_profile;
        read_plan("H1,cpr,red form,,2026-03-04,,,,,,,\n");
        assert_refused(0, "nobody has signed it");
        table.signed_by = "Dr Example";
        read_plan("H1,cpr,red form,,2026-03-04,,,,,,,\n");
        assert_refused(0, "nobody has signed it");
        reader = csv_reader_free(reader);
        profile = loaded;
}

static void test_the_end_of_a_decision_names_the_decision(void **state) {
        read_plan("H1,cpr,do not attempt CPR,,2026-03-04,,,,,,2026-03-04,\nH1,cpr,,,2026-05-01,,,,,ended,04-Mar-2026,\n"
                  "H1,cpr,,,2026-05-01,,,,,Entered in "
                  "error,2026-03-04,\nH1,cpr,,,2026-05-01,,,,,ended,,\nH1,cpr,attempt CPR,,,,,,,finished,,\n");
        assert_taken(1, "cpr_decision.ended");
        assert_has(rows[1].json, "\"action\":\"update\"");
        assert_has(rows[1].json, "\"order_id\":{\"value\":\"plan/H1/cpr/2026-03-04\"}");
        assert_has(rows[1].json, "\"status\":\"ended\"");
        assert_has(rows[1].json, "\"ended_at\":\"2026-05-01\"");
        assert_has_not(rows[1].json, "\"decision\":{\"system\"");
        assert_taken(2, "cpr_decision.ended");
        assert_has(rows[2].json, "\"action\":\"entered-in-error\"");
        assert_has(rows[2].json, "\"status\":\"entered-in-error\"");
        assert_refused(3, "decided_at");
        assert_refused(4, "status: write current, ended or entered in error");
}

static void test_a_decision_keeps_the_number_that_its_source_gave_it(void **state) {
        read_text("plan.csv", "local_id,item,value,date,decision_id,status\nH1,cpr,attempt "
                              "CPR,2026-03-04,D-77,\nH1,cpr,,2026-05-04,D-77,ended\n");
        assert_taken(0, "cpr_decision.recorded");
        assert_has(rows[0].json, "\"order_id\":{\"value\":\"D-77\"}");
        assert_taken(1, "cpr_decision.ended");
        assert_has(rows[1].json, "\"identifier\":{\"value\":\"D-77\"}");
}

static void test_author_review_and_place_of_the_paper_go_with_it(void **state) {
        read_plan("H1,cpr,attempt CPR,after talk,2026-03-05,Dr C,consultant,Indefinite,yellow "
                  "folder,current,2026-03-04 15:00,this stay\n"
                  "H1,cpr,attempt CPR,,2026-03-05,,,03/04/2026,,,,\nH1,cpr,attempt CPR,,2026-03-05,,,,,,,here\n");
        assert_taken(0, "cpr_decision.recorded");
        assert_has(rows[0].json, "\"order_id\":{\"value\":\"plan/H1/cpr/2026-03-04T15:00\"}");
        assert_has(rows[0].json, "\"name\":{\"text\":\"Dr C\"}");
        assert_has(rows[0].json, "\"review_indefinite\":true");
        assert_has(rows[0].json, "\"original_location\":\"yellow folder\"");
        assert_has(rows[0].json, "\"scope\":\"this-stay\"");
        assert_refused(1, "review_date: this date can be read in two ways");
        assert_refused(2, "scope: write this stay, everywhere or not said");
}

static void test_places_of_death_have_a_rank_and_where_the_word_is_known_a_code(void **state) {
        read_plan("H1,ppd1,Home,,2026-03-04,,,,,,,\nH1,ppd2,the "
                  "seaside,,2026-03-04,,,,,,,\nH1,ppc,home,,2026-03-04,,,,,,,\n"
                  "H1,ppd1,,,2026-03-04,,,,,,,\nH1,ppd1,home,,2026-05-04,,,,,ended,2026-03-04,\n");
        assert_taken(0, "preference.place_of_death");
        assert_has(rows[0].json,
                   "\"rank\":1,\"place\":{\"system\":\"http://snomed.info/sct\",\"code\":\"110481000000108\"");
        assert_taken(1, "preference.place_of_death");
        assert_has(rows[1].json, "\"rank\":2,\"place\":{\"text\":\"the seaside\",\"original\"");
        assert_taken(2, "preference.place_of_care");
        assert_has_not(rows[2].json, "110481000000108");
        assert_refused(3, "write the place");
        assert_taken(4, "preference.place_of_death");
        assert_has(rows[4].json, "\"status\":\"ended\"");
}

static void test_refusals_of_treatment_attorneys_and_ceilings(void **state) {
        read_plan("H1,adrt,refuses "
                  "ventilation,,2026-03-04,,,,,,,\nH1,adrt,yes,,2026-03-05,,,,,,,\nH1,adrt,no,,2026-03-04,,,,,,,\n"
                  "H1,lpa,registered,Bert,2026-03-04,,,,,,,\nH1,ceiling,hospital for fractures,,2026-03-04,,,,,,,\n"
                  "H1,ceiling,yes,,2026-03-04,,,,,,,\nH1,lpa,,,2026-03-04,,,,,,,\nH1,adrt,,,2026-06-04,,,,,ended,2026-"
                  "03-04,\n");
        assert_taken(0, "adrt.recorded");
        assert_has(rows[0].json, "\"text\":\"refuses ventilation\"");
        assert_taken(1, "adrt.recorded");
        assert_refused(2, "there is none");
        assert_taken(3, "lpa.recorded");
        assert_has(rows[3].json, "\"registered\":true");
        assert_taken(4, "treatment_escalation.recorded");
        assert_has(rows[4].json, "\"guidance\":[\"hospital for fractures\"]");
        assert_refused(5, "write what was decided");
        assert_refused(6, "write what was decided");
        assert_taken(7, "adrt.ended");
}

static void test_value_and_text_that_say_the_contrary_come_back(void **state) {
        read_plan("H1,cpr,attempt CPR,DNACPR,2026-03-04,,,,,,,\nH2,cpr,do not attempt CPR,for "
                  "resuscitation,2026-03-04,,,,,,,\n"
                  "H3,cpr,do not attempt CPR,DNACPR,2026-03-04,,,,,,,\nH4,cpr,attempt CPR,talked about at "
                  "home,2026-03-04,,,,,,,\n");
        assert_refused(0, "the contrary");
        assert_refused(1, "the contrary");
        assert_taken(2, "cpr_decision.recorded");
        assert_taken(3, "cpr_decision.recorded");
}

static void test_two_rows_of_one_decision_that_differ_both_come_back(void **state) {
        read_plan("H1,cpr,attempt CPR,,2026-03-04,,,,,,,\nH2,cpr,do not attempt CPR,,2026-03-04,,,,,,,\n"
                  "H1,cpr,do not attempt CPR,,2026-03-04,,,,,,,\nH2,cpr,Do not attempt CPR,,2026-03-04,,,,,,,\n"
                  "H3,lpa,registered,Bert,2026-03-04,,,,,,,\nH3,lpa,registered,Carol,2026-03-04,,,,,,,\n"
                  "H4,cpr,do not attempt CPR,,2026-03-04,,,,,,,\nH4,cpr,attempt CPR,,2026-03-05,,,,,,,\n"
                  "H5,cpr,do not attempt CPR,,2026-03-04,,,,,,,this stay\nH5,cpr,do not attempt "
                  "CPR,,2026-03-04,,,,,,,everywhere\n");
        assert_refused(0, "another row of this file");
        assert_refused(2, "another row of this file");
        assert_taken(1, "cpr_decision.recorded");
        assert_taken(3, "cpr_decision.recorded"); /* the same again is no contradiction */
        assert_refused(4, "another row of this file");
        assert_refused(5, "another row of this file");
        assert_taken(6, "cpr_decision.recorded"); /* a later day is a later decision */
        assert_taken(7, "cpr_decision.recorded");
        assert_refused(8, "another row of this file");
        assert_refused(9, "another row of this file");
        read_plan("H1,cpr,attempt CPR,,2026-03-04,,,,,,,\n");
        assert_taken(0, "cpr_decision.recorded"); /* another file is another moment */
}

static void test_a_decision_of_a_day_to_come_comes_back(void **state) {
        read_plan("H1,cpr,do not attempt CPR,,2126-03-04,,,,,,,\nH2,cpr,do not attempt "
                  "CPR,,2026-03-04,,,2126-03-04,,,,\n");
        assert_refused(0, "has not come yet");
        assert_taken(1, "cpr_decision.recorded");
}

static void test_the_rest_of_a_plan(void **state) {
        read_plan("H1,jic_box,prescribed,,2026-03-04,Dr C,,,,,,\nH1,jic_box,in the "
                  "home,,2026-03-05,,,2027-01-31,wardrobe,,,\n"
                  "H1,jic_box,maybe,,2026-03-05,,,,,,,\nH1,jic_box,,,2026-04-05,,,,,ended,,\n"
                  "H1,what_matters,,the garden,2026-03-04,,,,,,,\nH1,what_matters,,,2026-03-04,,,,,,,\n"
                  "H1,contact_day,1632960010,team,2026-03-04,,,,,,,\nH1,contact_night,01632 "
                  "960011,helpline,2026-03-04,,,,,,,\n"
                  "H1,contact_day,,team,2026-03-04,,,,,,,\nH1,favourite_song,x,,2026-03-04,,,,,,,\n");
        assert_taken(0, "anticipatory_meds.prescribed");
        assert_taken(1, "anticipatory_meds.supplied");
        assert_has(rows[1].json, "\"box_location\":\"wardrobe\",\"box_in_home\":true");
        assert_refused(2, "write prescribed, supplied");
        assert_taken(3, "anticipatory_meds.returned");
        assert_taken(4, "care_plan.item_changed");
        assert_has(rows[4].json, "\"what_matters\":\"the garden\"");
        assert_refused(5, "what matters");
        assert_noted(6, "zero");
        assert_string_equal(rows[6].types, "contact_point.changed");
        assert_has(rows[6].json, "\"out_of_hours\":false");
        assert_taken(7, "contact_point.changed");
        assert_has(rows[7].json, "\"out_of_hours\":true");
        assert_refused(8, "telephone number");
        assert_refused(9, "write one of cpr, adrt");
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                T(test_two_cpr_values_are_understood_in_any_letters),
                T(test_yes_no_and_marks_come_back_since_they_can_mean_either),
                T(test_any_other_text_is_recorded_with_its_words_and_without_a_meaning),
                T(test_a_signed_map_says_what_even_yes_means),
                T(test_a_map_that_nobody_signed_is_not_used),
                T(test_the_end_of_a_decision_names_the_decision),
                T(test_a_decision_keeps_the_number_that_its_source_gave_it),
                T(test_author_review_and_place_of_the_paper_go_with_it),
                T(test_places_of_death_have_a_rank_and_where_the_word_is_known_a_code),
                T(test_refusals_of_treatment_attorneys_and_ceilings),
                T(test_value_and_text_that_say_the_contrary_come_back),
                T(test_two_rows_of_one_decision_that_differ_both_come_back),
                T(test_a_decision_of_a_day_to_come_comes_back),
                T(test_the_rest_of_a_plan),
        };

        return cmocka_run_group_tests_name("csv plan", tests, NULL, NULL);
}
