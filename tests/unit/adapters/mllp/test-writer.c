/* What a message says and what it leaves out. That it says what the event said is for the corpus (test_mllp_roundtrip.py) to prove. */
#include "tests/unit/adapters/mllp/writer-fixture.h"

/* An event about one person whose parts live as long as the test. */
typedef struct Made {
        Carebus__V1__Event event;
        Carebus__V1__Subject subject;
        Carebus__V1__Identifier number, *numbers[1];
        Carebus__V1__Demographics demographics;
        Carebus__V1__When when;
} Made;

static void make(Made *made, const char *type) {
        carebus__v1__event__init(&made->event);
        carebus__v1__subject__init(&made->subject);
        carebus__v1__identifier__init(&made->number);
        carebus__v1__demographics__init(&made->demographics);
        carebus__v1__when__init(&made->when);
        made->number.system = (char *)"carebus:RA9";
        made->number.value = (char *)"4471";
        made->numbers[0] = &made->number;
        made->subject.n_identifiers = 1;
        made->subject.identifiers = made->numbers;
        made->when.has_utc_at = made->when.has_precision = true;
        made->when.utc_at = INT64_C(1793439000000000); /* 2026-10-31 09:30 UTC */
        made->when.precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND;
        made->event.type = (char *)type;
        made->event.patient = &made->subject;
        made->event.occurred_at = &made->when;
        made->event.event_id = (char *)"7.0";
        made->event.source = (char *)"pas";
}

static void make_person(Made *made) {
        make(made, "patient.updated");
        made->event.body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        made->event.demographics = &made->demographics;
}

static void test_what_is_not_said_is_left_out_and_never_emptied(void **state) {
        Made made;

        make_person(&made);
        assert_int_equal(write_event(&made.event), 0);
        assert_written("PID-3", "4471^^^RA9");
        for (unsigned field = 4; field <= 30; field++) {
                char path[16];

                snprintf(path, sizeof(path), "PID-%u", field);
                assert_written(path, "");
        }
        assert_int_equal(written_count("PD1"), 0);
        assert_int_equal(written_count("NK1"), 0);
}

static void test_what_the_source_emptied_is_emptied_and_nothing_else(void **state) {
        char *cleared[] = { (char *)"demographics.addresses", (char *)"demographics.related_persons" };
        Made made;

        make_person(&made);
        made.event.n_cleared = 2;
        made.event.cleared = cleared;
        write_and_read(&made.event);
        assert_written("PID-11", "\"\"");
        assert_written("PID-13", "");
        assert_true(has_cleared(event_of("patient.updated"), "demographics.addresses"));
        assert_true(has_cleared(event_of("patient.updated"), "demographics.related_persons"));
        assert_int_equal(event_of("patient.updated")->n_cleared, 2);
}

static void test_what_the_receiver_owns_is_neither_said_nor_emptied(void **state) {
        static const char *const before[] = { "registry" };
        static const WriterOwned rows[] = { { "demographics.birth_date", NULL, 0 },
                                            { "demographics.addresses", before, 1 } };
        char *cleared[] = { (char *)"demographics.addresses" };
        Carebus__V1__Date date = CAREBUS__V1__DATE__INIT;
        Carebus__V1__HumanName name = CAREBUS__V1__HUMAN_NAME__INIT, *names[] = { &name };
        Made made;

        make_person(&made);
        owned = rows;
        n_owned = 2;
        date.has_year = true;
        date.year = 1950;
        name.family = (char *)"Price";
        made.demographics.birth_date = &date;
        made.demographics.n_names = 1;
        made.demographics.names = names;
        made.event.n_cleared = 1;
        made.event.cleared = cleared;
        assert_int_equal(write_event(&made.event), 0);
        assert_written("PID-7", "");
        assert_written("PID-11", "");
        assert_written("PID-5", "Price");
        assert_int_equal(made.demographics.birth_date->year, 1950); /* the event itself is nobody's to change */
        made.event.source = (char *)"registry";                     /* it stands before the receiver */
        assert_int_equal(write_event(&made.event), 0);
        assert_written("PID-11", "\"\"");
}

static void test_a_person_of_whom_the_receiver_owns_everything_is_no_news(void **state) {
        static const WriterOwned rows[] = { { "demographics.birth_date", NULL, 0 } };
        Carebus__V1__Date date = CAREBUS__V1__DATE__INIT;
        Made made;

        make_person(&made);
        owned = rows;
        n_owned = 1;
        date.has_year = true;
        date.year = 1950;
        made.demographics.birth_date = &date;
        assert_int_equal(write_event(&made.event), WRITER_E_NOT_SAID);
        assert_int_equal(written.size, 0);
}

static void test_a_time_says_its_offset_only_where_the_clock_does_not_tell(void **state) {
        Made made;

        make_person(&made);
        assert_int_equal(write_event(&made.event), 0);
        assert_written("EVN-6", "20261031093000");
        made.when.utc_at = INT64_C(1792887300000000); /* 2026-10-25 00:15 UTC: the first 01:15 of that night */
        assert_int_equal(write_event(&made.event), 0);
        assert_written("EVN-6", "20261025011500");
        made.when.utc_at += INT64_C(3600000000); /* and the second */
        assert_int_equal(write_event(&made.event), 0);
        assert_written("EVN-6", "20261025011500+0000");
        translate_bytes(buffer_bytes(&written));
        assert_string_equal(event_of("patient.updated")->occurred_at->text, "20261025011500+0000");
}

static void test_a_day_is_a_day_in_every_zone(void **state) {
        Made made;

        make_person(&made);
        made.when.text = (char *)"20260701";
        made.when.precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_DAY;
        made.when.utc_at = INT64_C(1782774000000000); /* 2026-06-29 23:00 UTC, whatever zone that was */
        assert_int_equal(write_event(&made.event), 0);
        assert_written("EVN-6", "20260701");
}

static void test_the_same_event_gives_the_same_bytes(void **state) {
        Buffer first = BUFFER_NULL;
        Made made;

        make_person(&made);
        made.event.has_received_at = true;
        made.event.received_at = INT64_C(1793439001000000);
        assert_int_equal(write_event(&made.event), 0);
        buffer_append_bytes(&first, buffer_bytes(&written));
        use_writer_again();
        assert_int_equal(write_event(&made.event), 0);
        assert_true(bytes_equal(buffer_bytes(&first), buffer_bytes(&written)));
        assert_written("MSH-7", "20261031093001");
        buffer_deinit(&first);
}

static void test_a_merge_is_told_only_where_it_was_carried_out(void **state) {
        Carebus__V1__Merge merge = CAREBUS__V1__MERGE__INIT;
        Carebus__V1__Identifier old = CAREBUS__V1__IDENTIFIER__INIT, *olds[] = { &old };
        Made made;

        make(&made, "patient.merged");
        old.system = (char *)"carebus:RA9";
        old.value = (char *)"4400";
        merge.n_surviving = merge.n_retired = 1;
        merge.surviving = made.numbers;
        merge.retired = olds;
        merge.has_scope = true;
        merge.scope = CAREBUS__V1__MERGE__SCOPE__SCOPE_PERSON;
        made.event.body_case = CAREBUS__V1__EVENT__BODY_MERGE;
        made.event.merge = &merge;
        assert_int_equal(write_event(&made.event), WRITER_E_NOT_SAID); /* it was only said */
        merge.surviving_patient_id = (char *)"p1.0";
        assert_int_equal(write_event(&made.event), 0);
        assert_written("MSH-9", "ADT^A40^ADT_A39");
        assert_written("MRG-1", "4400^^^RA9");
        merge.has_disputed = merge.disputed = true;
        assert_int_equal(write_event(&made.event), WRITER_E_NOT_SAID);
}

/* What was written ends in no zero. */
static bool has_written(const char *text) {
        return memmem(written.data, written.size, text, strlen(text)) != NULL;
}

static void test_the_bus_number_couples_what_sources_say_under_numbers_of_their_own(void **state) {
        Carebus__V1__Merge merge = CAREBUS__V1__MERGE__INIT;
        char *retired[] = { (char *)"p5.0", (char *)"p7.1" };
        Made made;

        make(&made, "patient.updated");
        made.subject.patient_id = (char *)"p2.0";
        assert_int_equal(write_event(&made.event), 0);
        assert_true(has_written("PID|1||4471^^^RA9~p2.0^^^north^PI"));

        /* A link that the bus found names nobody but by its own numbers: two persons, not one twice. */
        made.event.type = (char *)"patient.linked";
        made.subject.n_identifiers = 0;
        merge.surviving_patient_id = (char *)"p2.0";
        merge.n_retired_patient_ids = ELEMENTSOF(retired);
        merge.retired_patient_ids = retired;
        made.event.body_case = CAREBUS__V1__EVENT__BODY_MERGE;
        made.event.merge = &merge;
        assert_int_equal(write_event(&made.event), 0);
        assert_written("MSH-9", "ADT^A24^ADT_A24");
        assert_true(has_written("PID|1||p2.0^^^north^PI\r"));
        assert_true(has_written("PID|1||p5.0^^^north^PI~p7.1^^^north^PI\r"));

        made.event.type = (char *)"patient.merged";
        assert_int_equal(write_event(&made.event), 0);
        assert_true(has_written("MRG|p5.0^^^north^PI~p7.1^^^north^PI\r"));
}

static void test_what_undoes_a_stay_says_which_or_waits_for_somebody(void **state) {
        Carebus__V1__Encounter encounter = CAREBUS__V1__ENCOUNTER__INIT;
        Made made;

        make(&made, "encounter.admission_cancelled");
        made.event.has_action = true;
        made.event.action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        made.event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        made.event.encounter = &encounter;
        assert_int_equal(write_event(&made.event), WRITER_E_NOT_WHOLE);
        assert_string_equal(written_lacks, "PV1-19");
        assert_int_equal(written.size, 0);
}

static void test_a_medicine_is_told_and_never_ordered(void **state) {
        Carebus__V1__Medication medication = CAREBUS__V1__MEDICATION__INIT;
        Carebus__V1__Coded drug = CAREBUS__V1__CODED__INIT;
        Made made;

        make(&made, "medication.started");
        drug.text = (char *)"Morphine";
        medication.drug = &drug;
        made.event.body_case = CAREBUS__V1__EVENT__BODY_MEDICATION;
        made.event.medication = &medication;
        write_and_read(&made.event);
        assert_written("MSH-9", "MDM^T02^MDM_T02");
        assert_written("TXA-12", "7.0^north");
        assert_non_null(strstr(event_of("document.available")->document->content_text, "drug: Morphine"));
}

static void test_a_decision_that_ended_is_told_in_words_and_not_as_one_that_stands(void **state) {
        Carebus__V1__Decision decision = CAREBUS__V1__DECISION__INIT;
        Carebus__V1__Coded code = CAREBUS__V1__CODED__INIT;
        Made made;

        make(&made, "cpr_decision.ended");
        code.system = (char *)"http://snomed.info/sct";
        code.code = (char *)"450476008";
        decision.has_kind = true;
        decision.kind = CAREBUS__V1__DECISION__KIND__KIND_CPR;
        decision.decision = &code;
        made.event.has_action = true;
        made.event.action = CAREBUS__V1__ACTION__ACTION_UPDATE;
        made.event.body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        made.event.decision = &decision;
        assert_int_equal(write_event(&made.event), 0);
        assert_written("MSH-9.1", "MDM");
        assert_written("OBX-5", "cpr decision ended");
}

static void test_somebody_restricted_is_marked_so(void **state) {
        Carebus__V1__Sensitivity sensitivity = CAREBUS__V1__SENSITIVITY__INIT;
        Made made;

        make_person(&made);
        sensitivity.has_restricted_location = sensitivity.restricted_location = true;
        made.event.sensitivity = &sensitivity;
        write_and_read(&made.event);
        assert_written("PV1-16", "S");
        assert_true(event_of("patient.updated")->sensitivity->restricted_location);
}

static void test_what_the_bus_says_of_somebody_names_them_by_its_own_number(void **state) {
        Carebus__V1__Notice notice = CAREBUS__V1__NOTICE__INIT;
        Made made;

        make(&made, "record.withdrawn");
        made.subject.n_identifiers = 0;
        made.subject.patient_id = (char *)"p12.0";
        notice.code = (char *)"discharged";
        made.event.body_case = CAREBUS__V1__EVENT__BODY_NOTICE;
        made.event.notice = &notice;
        assert_int_equal(write_event(&made.event), 0);
        assert_written("PID-3", "p12.0^^^north^PI");
}

static void test_whose_it_is_and_waits_for_a_person_is_said_and_else_nothing(void **state) {
        Made made;

        make_person(&made);
        assert_int_equal(write_event(&made.event), 0);
        assert_written("ZBU-6", "");
        made.event.has_unconfirmed = made.event.unconfirmed = true;
        assert_int_equal(write_event(&made.event), 0);
        assert_written("ZBU-6", "unconfirmed");
}

static void test_a_profile_says_what_is_sent_how_and_in_which_codes(void **state) {
        Carebus__V1__Coded sex = CAREBUS__V1__CODED__INIT;
        Carebus__V1__HumanName name = CAREBUS__V1__HUMAN_NAME__INIT, *names[] = { &name };
        Made made;

        use_profile("out:\n"
                    "  version: \"2.5\"\n"
                    "  charset: ISO-8859-1\n"
                    "  separators: \"#*~\\\\&\"\n"
                    "  acknowledgement: both\n"
                    "  own_id: none\n"
                    "  events:\n"
                    "    patient.updated: ADT^A08\n"
                    "    contact: none\n"
                    "  maps:\n"
                    "    demographics.sex: {female: \"2\"}\n");
        make_person(&made);
        sex.system = (char *)"http://hl7.org/fhir/administrative-gender";
        sex.code = (char *)"female";
        name.family = (char *)"Zo\xC3\xAB \xE2\x82\xAC#";
        made.demographics.sex = &sex;
        made.demographics.n_names = 1;
        made.demographics.names = names;
        assert_int_equal(write_event(&made.event), 0);
        assert_memory_equal(written.data, "MSH#*~\\&#", 9);
        assert_written("MSH-9.2", "A08");
        assert_written("MSH-12", "2.5");
        assert_written("MSH-15", "AL");
        assert_written("MSH-18", "8859/1");
        assert_written("PID-8", "2");
        assert_written("PID-5", "Zo\xEB ?\\F\\"); /* in the set, a letter that it lacks, a separator */
        assert_int_equal(written_count("ZBU"), 0);
        made.event.type = (char *)"contact.recorded";
        assert_int_equal(write_event(&made.event), WRITER_E_NOT_SAID);
}

static void test_a_message_that_lacks_what_its_receiver_needs_is_not_sent(void **state) {
        Made made;

        use_profile("out:\n  requires: [PID-5]\n");
        make_person(&made);
        assert_int_equal(write_event(&made.event), WRITER_E_NOT_WHOLE);
        assert_string_equal(written_lacks, "PID-5");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, writer_teardown)
int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_what_is_not_said_is_left_out_and_never_emptied),
                TEST(test_what_the_source_emptied_is_emptied_and_nothing_else),
                TEST(test_what_the_receiver_owns_is_neither_said_nor_emptied),
                TEST(test_a_person_of_whom_the_receiver_owns_everything_is_no_news),
                TEST(test_a_time_says_its_offset_only_where_the_clock_does_not_tell),
                TEST(test_a_day_is_a_day_in_every_zone),
                TEST(test_the_same_event_gives_the_same_bytes),
                TEST(test_a_merge_is_told_only_where_it_was_carried_out),
                TEST(test_the_bus_number_couples_what_sources_say_under_numbers_of_their_own),
                TEST(test_what_undoes_a_stay_says_which_or_waits_for_somebody),
                TEST(test_a_medicine_is_told_and_never_ordered),
                TEST(test_a_decision_that_ended_is_told_in_words_and_not_as_one_that_stands),
                TEST(test_somebody_restricted_is_marked_so),
                TEST(test_what_the_bus_says_of_somebody_names_them_by_its_own_number),
                TEST(test_whose_it_is_and_waits_for_a_person_is_said_and_else_nothing),
                TEST(test_a_profile_says_what_is_sent_how_and_in_which_codes),
                TEST(test_a_message_that_lacks_what_its_receiver_needs_is_not_sent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
