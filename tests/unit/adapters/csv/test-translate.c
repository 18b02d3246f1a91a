/* Rows of the seven tables beside plan: which events each gives, and what comes back. */
#include "csv-fixture.h"

/* ---- people ---- */

static void test_a_person_is_told_with_every_column(void **state) {
        read_text("people.csv",
                  "local_id,nhs_number,chi_number,family_name,given_name,known_as,birth_date,sex,postcode,gp_practice_"
                  "ods,"
                  "ethnicity,language,interpreter,lives_alone,main_carer,carer_phone,restricted,deceased_date\n"
                  "H1,943 476 5919,,Example,Anna,Annie,1952-03-14,F,ZZ99 3WZ,Y12345,White "
                  "British,Welsh,no,yes,Bert,01632 "
                  "960001,yes,\n");
        assert_taken(0, "patient.updated");
        assert_has(rows[0].json, "\"identifiers\":[{\"value\":\"H1\"},{\"system\":\"https://fhir.nhs.uk/Id/"
                                 "nhs-number\",\"value\":\"943 476 5919\"");
        assert_has(rows[0].json, "\"names\":[{\"use\":\"official\",\"family\":\"Example\",\"given\":[\"Anna\"]},{"
                                 "\"use\":\"nickname\",\"given\":"
                                 "[\"Annie\"]}]");
        assert_has(rows[0].json, "\"birth_date\":\"1952-03-14\"");
        assert_has(rows[0].json, "\"sex\":{\"text\":\"F\",\"original\":{\"code\":\"F\"}}");
        assert_has(rows[0].json, "\"addresses\":[{\"use\":\"home\",\"postal_code\":\"ZZ99 3WZ\"}]");
        assert_has(rows[0].json, "\"interpreter_required\":false");
        assert_has(rows[0].json, "\"practice\":{\"identifier\":{\"system\":\"https://fhir.nhs.uk/Id/"
                                 "ods-organization-code\",\"value\":\"Y12345\"}}");
        assert_has(rows[0].json, "\"lives_alone\":true");
        assert_has(rows[0].json, "\"name\":{\"text\":\"Bert\"},\"telecom\":[{\"system\":\"phone\",\"value\":\"01632 "
                                 "960001\"}],\"main_carer\":true");
        assert_has(rows[0].json, "\"restricted\":true");
        assert_has(rows[0].json, "\"restricted_location\":true");
}

static void test_what_a_row_does_not_say_is_not_said(void **state) {
        read_text("people.csv", "local_id,sex,interpreter,lives_alone,restricted,deceased_date\nH1,,,unknown,,\n");
        assert_taken(0, "patient.updated");
        assert_has_not(rows[0].json, "lives_alone");
        assert_has_not(rows[0].json, "interpreter_required");
        assert_has_not(rows[0].json, "restricted");
        assert_has_not(rows[0].json, "deceased");
}

static void test_a_death_in_people_is_a_second_event(void **state) {
        read_text("people.csv", "local_id,deceased_date\nH1,2026-03-04\n");
        assert_taken(0, "patient.updated death.notified");
        assert_has(rows[0].json, "\"death\":{\"status\":\"informal\",\"died_at\":\"2026-03-04\"");
        assert_has(rows[0].json, "\"deceased\":true");
}

static void test_headings_may_have_spaces_and_capitals(void **state) {
        read_text("people.csv", "Local ID,Family Name,Birth-Date,NHS number\nH1,Example,1952-03-14,\n");
        assert_null(csv_file.problem);
        assert_taken(0, "patient.updated");
        assert_has(rows[0].json, "\"birth_date\":\"1952-03-14\"");
        read_text("people.csv", "Local ID,local_id\nH1,H2\n");
        assert_non_null(csv_file.problem); /* which of both? */
}

static void test_questions_of_ipos_and_phases_are_checked(void **state) {
        read_text("scores.csv", "local_id,scale,item,score,date\nH1,IPOS,pain,4,2026-03-05\nH1,IPOS,pain,9,2026-03-06\n"
                                "H1,IPOS,pain,cannot assess,2026-03-07\nH1,Phase of Illness,,Stable,2026-03-05\n"
                                "H1,Phase of Illness,,wobbly,2026-03-06\n");
        assert_taken(0, "outcome.measured");
        assert_refused(1, "0 to 4");
        assert_taken(2, "outcome.measured");
        assert_taken(3, "outcome.measured");
        assert_noted(4, "none of stable");
}

static void test_days_to_come_and_a_death_before_birth_come_back(void **state) {
        read_text("people.csv",
                  "local_id,birth_date,deceased_date\nH1,2126-03-04,\nH2,,2126-03-04\nH3,1962-03-04,1950-01-01\n"
                  "H4,2026-03-04,2026-03-04 10:00\n");
        assert_refused(0, "birth_date: this day has not come yet");
        assert_refused(1, "deceased_date: this day has not come yet");
        assert_refused(2, "before the date of birth");
        assert_taken(3, "patient.updated death.notified");
        read_text("stays.csv",
                  "local_id,stay_id,admitted,discharged,died\nH1,S1,2026-03-04,2126-03-05,yes\nH2,S2,2126-03-04,,\n");
        assert_refused(0, "discharged: this day has not come yet");
        assert_refused(1, "admitted: this day has not come yet");
}

static void test_a_death_told_by_mistake_is_taken_back_in_words_only(void **state) {
        read_text("people.csv", "local_id,deceased_date\nH1,entered in error\nH2,\nH3,alive\n");
        assert_taken(0, "patient.updated death.retracted");
        assert_has(rows[0].json, "\"action\":\"entered-in-error\"");
        assert_taken(1, "patient.updated");
        assert_has_not(rows[1].json, "deceased");
        assert_refused(2, "no date that can be read");
}

static void test_numbers_that_cannot_be_true_are_said_and_kept(void **state) {
        read_text("people.csv", "local_id,nhs_number,chi_number\nH1,9434765918,\nH2,0000000000,\nH3,12345,\nH4,,"
                                "101011238\nH5,9.43E+09,\n"
                                "1.2E+11,,\nH7,,9999999999\n");
        assert_noted(0, "check digit");
        assert_noted(1, "stands for nobody");
        assert_noted(2, "ten digits");
        assert_refused(3, "CHI number has ten digits");
        assert_refused(4, "Excel shortened");
        assert_refused(5, "local_id: Excel shortened");
        assert_noted(6, "stands for nobody");
        assert_has(rows[0].json, "9434765918");
}

static void test_each_wrong_cell_of_a_row_is_said_by_its_own_columns_name(void **state) {
        use_profile("tables:\n  people: {columns: {\"Date of birth\": birth_date, Ref: local_id, \"Alone?\": "
                    "lives_alone}}\n");
        read_text("people.csv", "Ref,Date of birth,Alone?\nH1,03/04/1952,perhaps\n,1952-03-14,no\n");
        assert_refused(0, "Date of birth: this date can be read in two ways");
        assert_has(rows[0].message, "; Alone?: write yes or no");
        assert_has_not(rows[0].message, "perhaps");
        assert_refused(1, "Ref: this must be filled in");
}

/* ---- referrals ---- */

#define REFERRALS                                                                                                      \
        "local_id,referral_id,received_date,from_org,reason,priority,diagnosis,decision,decision_date,decline_reason," \
        "declined_by,"                                                                                                 \
        "first_contact_date,closed_date,close_reason\n"

static void test_a_referral_gives_an_event_for_each_step_that_it_has_reached(void **state) {
        read_text("referrals.csv", REFERRALS
                  "H1,R1,2026-03-02,Surgery,pain,urgent,MND,accepted,2026-03-03,,,2026-03-05,2026-05-01,died\n"
                  "H2,R2,2026-03-02,,,,,,,,,,,\n"
                  "H3,R3,2026-03-02,,,,,declined,2026-03-04,no bed,service,,,\n"
                  "H4,R4,2026-03-02,,,,,pending,,,,,,\n");
        assert_taken(0,
                     "referral.requested referral.received referral.accepted referral.first_contact referral.closed");
        assert_has(rows[0].json, "\"referral\":{\"identifier\":{\"value\":\"R1\"},\"status\":\"requested\",\"from\":{"
                                 "\"name\":\"Surgery\"}");
        assert_has(rows[0].json, "\"referral_id\":{\"value\":\"R1\"}");
        assert_has(rows[0].json, "\"requested_at\":\"2026-03-02\"");
        assert_has(rows[0].json, "\"decided_at\":\"2026-03-03\"");
        assert_has(rows[0].json, "\"close_reason\":{\"text\":\"died\"");
        assert_taken(1, "referral.requested referral.received");
        assert_taken(2, "referral.requested referral.received referral.declined");
        assert_has(rows[2].json, "\"declined_by\":\"service\"");
        assert_taken(3, "referral.requested referral.received");
}

static void test_a_referral_with_a_step_that_nobody_understands_comes_back(void **state) {
        read_text("referrals.csv",
                  REFERRALS "H1,R1,2026-03-02,,,,,perhaps,,,,,,\nH2,R2,2026-03-02,,,,,,2026-03-03,,,,,\n"
                            "H3,R3,2026-03-02,,,,,declined,2026-03-03,,the cat,,,\nH4,R4,2026-03-02,,,,,,,,,,,moved\n");
        assert_refused(0, "decision: write accepted, declined");
        assert_refused(1, "no decision");
        assert_refused(2, "declined_by: write service, patient or family");
        assert_refused(3, "closed_date");
}

static void test_a_request_has_its_own_date_where_a_file_has_one(void **state) {
        read_text(
                "referrals.csv",
                "local_id,referral_id,requested_date,received_date\nH1,R1,2026-03-01,2026-03-02\nH2,R2,2026-03-01,\n");
        assert_taken(0, "referral.requested referral.received");
        assert_has(rows[0].json, "\"requested_at\":\"2026-03-01\"");
        assert_has(rows[0].json, "\"received_at\":\"2026-03-02\"");
        assert_taken(1, "referral.requested");
}

/* ---- contacts ---- */

static void test_contacts_and_visits_are_told_apart(void **state) {
        read_text("contacts.csv", "local_id,contact_id,start,minutes,mode,with_whom,outcome,next_contact\n"
                                  "H1,C1,2026-03-05 14:30,45,phone,patient; carer,settled,2026-03-12\n"
                                  "H1,C2,2026-03-05,,home visit,,,\nH1,C3,2026-03-05,,Visit,,no "
                                  "access,\nH1,C4,2026-03-05,,visit,,planned,\n"
                                  "H1,C5,14:30,,phone,,,\nH1,C6,2026-03-05,half an hour,phone,,,\n");
        assert_taken(0, "contact.recorded");
        assert_has(rows[0].json, "\"start_at\":\"2026-03-05T14:30:00Z\"");
        assert_has(rows[0].json, "\"minutes\":45");
        assert_has(rows[0].json,
                   "\"with_whom\":[{\"text\":\"patient\",\"original\":{\"code\":\"patient\"}},{\"text\":\"carer\"");
        assert_taken(1, "visit.done");
        assert_taken(2, "visit.missed");
        assert_taken(3, "visit.planned");
        assert_refused(4, "start: a time alone");
        assert_refused(5, "minutes: write a whole number");
}

static void test_a_day_and_a_time_in_two_columns_are_one_moment(void **state) {
        use_profile("timezone: Europe/London\ntables:\n  contacts: {columns: {Day: start, Time: start}}\n");
        read_text("contacts.csv", "local_id,contact_id,Day,Time\nH1,C1,2026-07-05,14:30\n");
        assert_taken(0, "contact.recorded");
        assert_has(rows[0].json, "\"start_at\":\"2026-07-05T13:30:00Z\"");
}

/* ---- stays ---- */

#define STAYS "local_id,stay_id,admitted,from_place,reason,discharged,to_place,died\n"

static void test_a_stay_is_an_admission_and_where_it_ended_a_discharge(void **state) {
        read_text("stays.csv", STAYS
                  "H1,S1,2026-03-01 10:00,home,respite,,,\nH1,S1,2026-03-01 10:00,home,respite,2026-03-05,home,no\n"
                  "H2,S2,2026-03-01,hospital,end of life care,2026-03-04,,yes\n");
        assert_taken(0, "encounter.admitted");
        assert_has(rows[0].json,
                   "\"class\":{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ActCode\",\"code\":\"IMP\"");
        assert_has(rows[0].json, "\"encounter_id\":{\"value\":\"S1\"}");
        assert_has(rows[0].json, "\"admitted_at\":\"2026-03-01T10:00:00Z\"");
        assert_taken(1, "encounter.admitted encounter.discharged");
        assert_has(rows[1].json, "\"died\":false");
        assert_taken(2, "encounter.admitted encounter.discharged death.notified");
        assert_has(rows[2].json, "\"how_known\":\"died\"");
}

static void test_a_stay_that_cannot_be_comes_back(void **state) {
        read_text("stays.csv", STAYS "H1,S1,,home,,,,\nH1,S2,2026-03-05,,,2026-03-04,,\nH1,S3,2026-03-05,,,,,yes\nH1,"
                                     "S4,2026-03-05,,,,,maybe\n"
                                     "H1,S5,2026-03-05 14:00,,,2026-03-05,,\n");
        assert_refused(0, "admitted: this must be filled in");
        assert_refused(1, "before the admission");
        assert_refused(2, "died is yes but the stay has no end");
        assert_refused(3, "died: write yes or no");
        assert_taken(4, "encounter.admitted encounter.discharged");
}

/* ---- scores ---- */

static void test_scores_are_checked_against_their_scale(void **state) {
        read_text(
                "scores.csv",
                "local_id,scale,item,score,date,respondent\nH1,AKPS,,60,2026-03-05,staff\nH1,akps,,65,2026-03-05,\n"
                "H1,AKPS,,110,2026-03-05,\nH1,AKPS,,sixty,2026-03-05,\nH1,EDSS,total,6.5,2026-03-05,patient\n"
                "H1,EDSS,,6.3,2026-03-05,\nH1,IPOS,pain,2,2026-03-05,family\nH1,Phase of Illness,,stable,2026-03-05,\n"
                "H1,My scale,,17,2026-03-05,\n");
        assert_taken(0, "outcome.measured");
        assert_has(rows[0].json, "\"scale\":{\"system\":\"http://snomed.info/sct\",\"code\":\"901361000000101\"");
        assert_has(rows[0].json, "\"total\":{\"value\":\"60\"}");
        assert_has(rows[0].json, "\"respondent\":\"staff\"");
        assert_refused(1, "outside of the scale");
        assert_refused(2, "outside of the scale");
        assert_refused(3, "score: this scale has a number");
        assert_taken(4, "outcome.measured");
        assert_has(rows[4].json, "\"total\":{\"value\":\"6.5\"}");
        assert_refused(5, "between its steps");
        assert_taken(6, "outcome.measured");
        assert_has(rows[6].json, "\"items\":[{\"item\":{\"text\":\"pain\"");
        assert_has(rows[6].json, "\"respondent\":\"proxy\"");
        assert_taken(7, "outcome.measured");
        assert_has(rows[7].json, "\"result\":{\"text\":\"stable\"");
        assert_noted(8, "does not know this scale");
}

/* ---- bereaved, services ---- */

static void test_the_bereaved_are_another_person_with_numbers_of_their_own(void **state) {
        read_text("bereaved.csv", "bereaved_id,deceased_local_id,relation,offered,accepted,first_contact,closed\n"
                                  "17,H1,wife,2026-03-20,2026-03-25,2026-04-02,\n18,H1,son,2026-03-20,no,,\n19,H1,,,,,"
                                  "\n20,H1,,,perhaps,,\n");
        assert_taken(0, "bereavement.need_identified bereavement.offered bereavement.accepted bereavement.contacted");
        assert_has(rows[0].json,
                   "\"patient\":{\"identifiers\":[{\"system\":\"carebus:hospice/bereaved\",\"value\":\"17\"}]}");
        assert_has(rows[0].json, "\"deceased_identifiers\":[{\"value\":\"H1\"}]");
        assert_taken(1, "bereavement.need_identified bereavement.offered bereavement.declined");
        assert_taken(2, "bereavement.need_identified");
        assert_refused(3, "accepted: write the date");
}

static void test_a_service_has_no_patient_and_its_days_are_read(void **state) {
        read_text("services.csv",
                  "service,offers,phone,days,from,to,area,out_of_hours_phone\n"
                  "At home,nursing; advice,01632 960010,Mon-Fri,9:00,17:00,\"ZZ99, ZZ98\",1632960011\n"
                  "Helpline,,111,every day,,,,\nClinic,,111,\"Tue, Thursday\",,,,\nOther,,111,when we can,,,,\n"
                  "Wrong,,111,,nine,,,\n");
        assert_noted(0, "zero");
        assert_has(rows[0].json, "\"offers_text\":[\"nursing\",\"advice\"]");
        assert_has(rows[0].json, "\"days\":[1,2,3,4,5],\"from\":\"09:00\",\"until\":\"17:00\"");
        assert_has(rows[0].json, "\"areas\":[\"ZZ99\",\"ZZ98\"]");
        assert_has(rows[0].json, "\"value\":\"01632960011\"}],\"out_of_hours\":true");
        assert_has_not(rows[0].json, "\"patient\"");
        assert_has_not(rows[1].json, "\"days\":[");
        assert_has(rows[2].json, "\"days\":[2,4]");
        assert_noted(3, "kept as they stand");
        assert_has(rows[3].json, "when we can");
        assert_refused(4, "from: this is no time");
}

/* ---- another export ---- */

static void test_a_column_map_values_and_fields_take_any_export(void **state) {
        use_profile("tables:\n"
                    "  people:\n"
                    "    files: \"export*.csv\"\n"
                    "    delimiter: semicolon\n"
                    "    dates: day-first\n"
                    "    columns: {PatRef: local_id, DOB: birth_date, Surname: family_name, Gender: sex}\n"
                    "    values:\n"
                    "      sex: {Female (F): F}\n"
                    "    ignore: [Row]\n"
                    "fields:\n"
                    "  - {from: Key safe, to: demographics.access_note, when: people}\n"
                    "  - {from: Mobile, to: \"demographics.telecom[1].value\", when: people}\n"
                    "  - {from: Twin, to: demographics.multiple_birth, when: people}\n");
        read_text("export-7.csv",
                  "Row;PatRef;DOB;Surname;Gender;Key safe;Mobile;Twin\n1;H1;03/04/1952;A;female (f);side door;07700 "
                  "900123;no\n2;H2;1952-04-03;B;M;;;often\n");
        assert_int_equal(csv_file.n_notes, 1); /* the semicolons */
        assert_taken(0, "patient.updated");
        assert_has(rows[0].json, "\"birth_date\":\"1952-04-03\"");
        assert_has(rows[0].json, "\"original\":{\"code\":\"F\"}");
        assert_has(rows[0].json, "\"access_note\":\"side door\"");
        assert_has(rows[0].json, "\"telecom\":[{\"value\":\"07700 900123\"}]");
        assert_has(rows[0].json, "\"multiple_birth\":false");
        assert_refused(1, "Twin: this value does not fit");
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
                T(test_a_person_is_told_with_every_column),
                T(test_what_a_row_does_not_say_is_not_said),
                T(test_a_death_in_people_is_a_second_event),
                T(test_headings_may_have_spaces_and_capitals),
                T(test_questions_of_ipos_and_phases_are_checked),
                T(test_days_to_come_and_a_death_before_birth_come_back),
                T(test_a_death_told_by_mistake_is_taken_back_in_words_only),
                T(test_numbers_that_cannot_be_true_are_said_and_kept),
                T(test_each_wrong_cell_of_a_row_is_said_by_its_own_columns_name),
                T(test_a_referral_gives_an_event_for_each_step_that_it_has_reached),
                T(test_a_referral_with_a_step_that_nobody_understands_comes_back),
                T(test_a_request_has_its_own_date_where_a_file_has_one),
                T(test_contacts_and_visits_are_told_apart),
                T(test_a_day_and_a_time_in_two_columns_are_one_moment),
                T(test_a_stay_is_an_admission_and_where_it_ended_a_discharge),
                T(test_a_stay_that_cannot_be_comes_back),
                T(test_scores_are_checked_against_their_scale),
                T(test_the_bereaved_are_another_person_with_numbers_of_their_own),
                T(test_a_service_has_no_patient_and_its_days_are_read),
                T(test_a_column_map_values_and_fields_take_any_export),
        };

        return cmocka_run_group_tests_name("csv translate", tests, NULL, NULL);
}
