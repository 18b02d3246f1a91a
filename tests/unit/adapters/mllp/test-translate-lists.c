/*
 * What a message says besides: allergies, diagnoses, who looks after somebody, next of kin, consent.
 */
#include "translate-fixture.h"

#define PID "PID|1||123456^^^RA9^PI||SMITH^JOHN\r"
#define PV1 "PV1|1|I|W1||||||||||||||||V77^^^RA9\r"
#define NEW CAREBUS__V1__ACTION__ACTION_NEW
#define UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE
#define UNDONE CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR

static size_t count_of(const char *type) {
        size_t n = 0;

        for (size_t i = 0; i < result.n_events; i++)
                n += strcmp(result.events[i]->type, type) == 0;
        return n;
}

/* ---- allergies */

static void test_each_allergy_is_an_event(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A28") PID
                       "AL1|1|DA|Z88.5^Opiates^I10|SV|Rash~\"\"~Wheeze|199807011755\rAL1|2|FA|^PEANUT\r");
        assert_int_equal(result.n_events, 3);
        assert_int_equal(count_of("allergy.recorded"), 2);
        event = event_of("allergy.recorded");
        assert_int_equal(event->action, NEW);
        assert_string_equal(event->allergy->set_id, "1");
        assert_string_equal(event->allergy->type->original->code, "DA");
        assert_string_equal(event->allergy->substance->code, "Z88.5");
        assert_string_equal(event->allergy->severity->original->code, "SV");
        assert_int_equal(event->allergy->n_reactions, 2);
        assert_string_equal(event->allergy->reactions[1]->manifestation->text, "Wheeze");
        assert_string_equal(event->allergy->onset_at->text, "199807011755");
        assert_string_equal(event->allergy->status, "active");
        assert_false(event->allergy->has_none_known);
        assert_string_equal(event->patient->identifiers[0]->value, "123456");
        assert_null(event->patient->demographics); /* the first event has them */
        assert_string_equal(result.events[2]->allergy->substance->text, "PEANUT");
}

static void test_an_empty_segment_is_no_allergy(void **state) {
        static const char *const empty[] = { "AL1|1||^^|||\r",
                                             "AL1|2\r",
                                             "AL1|1|DA|\"\"||\"\"~\"\"\r",
                                             "AL1||\"\"|\"\"|\"\"\r",
                                             "DG1|1||\"\"\r",
                                             "DG1|1\r",
                                             "ROL||AD|PP\r",
                                             "ROL|\"\"|\"\"|\"\"|\"\"\r",
                                             "NK1|1\r" };

        for (size_t i = 0; i < ELEMENTSOF(empty); i++) {
                char text[512];

                snprintf(text, sizeof(text), MSH_OF("ADT^A31") PID "%s", empty[i]);
                translate_text(text);
                only_event("patient.updated");
                assert_int_equal(result.events[0]->demographics->n_related_persons, 0);
        }
}

static void test_the_action_code_says_what_becomes_of_an_allergy(void **state) {
        static const struct {
                const char *action, *clinical;
                Carebus__V1__Action expected;
                const char *status;
        } rows[] = {
                { "A", "C", NEW, "active" },
                { "U", "", UPDATE, "active" },
                { "X", "", UPDATE, "active" },
                { "D", "", UNDONE, "entered-in-error" },
                { "", "", NEW, "active" },
                { "A^Add/Insert^HL70206", "S", NEW, "active" },
                { "U", "I", UPDATE, "inactive" },
                { "U", "E", UNDONE, "entered-in-error" },
                { "D", "C", UNDONE, "entered-in-error" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[512];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text),
                         MSH_OF("ADT^A60") PID PV1
                         "IAM|1|FA|12345^Peanut^L|MO|Hives|%s|U77^PAS||AL||2018||||SPO||%s|D1^WELBY\r",
                         rows[i].action, rows[i].clinical);
                translate_text(text);
                event = only_event("allergy.recorded");
                assert_int_equal(event->action, rows[i].expected);
                assert_string_equal(event->allergy->status, rows[i].status);
                assert_string_equal(event->allergy->identifier->value, "U77");
                assert_string_equal(event->allergy->kind->original->code, "AL");
                assert_string_equal(event->allergy->reported_by->original->code, "SPO");
                assert_string_equal(event->allergy->asserted_by->identifier->value, "D1");
                assert_string_equal(event->encounter_id->value, "V77");
        }
}

static void test_no_known_allergy_is_said_and_not_silent(void **state) {
        static const char *const said[] = {
                "716186003^No known allergy^SCT",      "^NKDA",          "NKA", "^No Known Allergies",
                "409137002^No known drug allergy^SCT", "160244002^^SNM3"
        };

        for (size_t i = 0; i < ELEMENTSOF(said); i++) {
                char text[512];

                snprintf(text, sizeof(text), MSH_OF("ADT^A60") PID "IAM|1||%s|||A\r", said[i]);
                translate_text(text);
                assert_true(only_event("allergy.recorded")->allergy->none_known);
                assert_non_null(result.events[0]->allergy->substance); /* of what there is none */
        }
        translate_text(MSH_OF("ADT^A60") PID "IAM|1||^Known to the family|||A\r");
        assert_false(only_event("allergy.recorded")->allergy->none_known);
}

static void test_a_list_of_allergies_that_cannot_be_read_is_an_urgent_problem(void **state) {
        translate_text(MSH_OF("ADT^A60") PID);
        assert_problem("no-allergy", "IAM");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ADT^A60") PID "IAM|1\r");
        assert_problem("no-allergy", "IAM");
}

static void test_no_list_of_allergies_is_ever_complete_by_itself(void **state) {
        translate_text(MSH_OF("ADT^A31") PID "AL1|1||^PENICILLIN\r");
        for (size_t i = 0; i < result.n_events; i++)
                assert_int_equal(result.events[i]->n_complete, 0);
}

/* ---- diagnoses */

static void test_each_diagnosis_is_a_condition_and_one_of_the_stay(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A01") PID PV1 "DG1|1|I10|G12.2^MND||20240101|A|||||||||2|D1^WELBY||||DI1^PAS|A\r"
                                                 "DG1|2|||words only\rDG1|3||G20^Parkinson^I10||||||||||||||||||D\r");
        assert_int_equal(result.n_events, 4);
        assert_int_equal(result.events[0]->encounter->n_diagnoses, 2); /* without the one that was taken out */
        event = event_of("condition.recorded");
        assert_string_equal(event->condition->code->system, "http://hl7.org/fhir/sid/icd-10"); /* by DG1-2 */
        assert_string_equal(event->condition->code->code, "G12.2");
        assert_string_equal(event->condition->code->original->system, "I10");
        assert_string_equal(event->condition->category->original->code, "A");
        assert_string_equal(event->condition->diagnosed_at->text, "20240101");
        assert_int_equal(event->condition->rank, 2);
        assert_string_equal(event->condition->asserted_by->identifier->value, "D1");
        assert_string_equal(event->condition->identifier->value, "DI1");
        assert_string_equal(event->encounter_id->value, "V77");
        assert_string_equal(result.events[2]->condition->code->text, "words only");
        assert_int_equal(result.events[3]->action, UNDONE);
        assert_string_equal(result.events[3]->condition->status, "entered-in-error");
}

static void test_a_stay_that_never_was_leaves_no_diagnoses_but_allergies(void **state) {
        static const char *const triggers[] = { "A11", "A27", "A38" };

        for (size_t i = 0; i < ELEMENTSOF(triggers); i++) {
                char text[512];

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|PAS|RA9|||20240305101500||ADT^%s|M1|P|2.4\r" PID PV1
                         "AL1|1||^PENICILLIN\rDG1|1||G20\r",
                         triggers[i]);
                translate_text(text);
                assert_int_equal(result.n_events, 2);
                assert_non_null(event_of("allergy.recorded"));
        }
        translate_text(MSH_OF("ADT^A13") PID PV1 "DG1|1||G20\r"); /* the stay goes on */
        assert_non_null(event_of("condition.recorded"));
}

/* ---- who looks after somebody */

static void test_a_role_begins_and_ends_by_its_action_and_its_time(void **state) {
        static const struct {
                const char *action, *end, *type;
                Carebus__V1__Action expected;
        } rows[] = {
                { "AD", "", "care_team.member_added", NEW },
                { "UP", "", "care_team.member_added", UPDATE },
                { "UC", "20991231", "care_team.member_added", UPDATE },
                { "DE", "", "care_team.member_ended", UPDATE },
                { "UN", "20991231", "care_team.member_ended", UPDATE },
                { "AD", "20240304", "care_team.member_ended", UPDATE },
                { "AD", "20240305", "care_team.member_added", NEW }, /* till the end of that day */
                { "AD", "20240305101400", "care_team.member_ended", UPDATE },
                { "AD", "20240305101600", "care_team.member_added", NEW },
                { "AD", "whenever", "care_team.member_added", NEW },
                { "", "", "care_team.member_added", NEW },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[512];
                Carebus__V1__Event *event;
                Carebus__V1__CareTeamMember *member;

                snprintf(text, sizeof(text),
                         MSH_OF("ADT^A31") PID
                         "ROL|R1^PAS|%s|PP^Primary Care^HL70443|D1^SMITH^ANN|20200101|%s||LEFT||||^WPN^PH^^^^555\r",
                         rows[i].action, rows[i].end);
                translate_text(text);
                event = event_of(rows[i].type);
                assert_non_null(event);
                assert_int_equal(event->action, rows[i].expected);
                assert_int_equal(event->care_team->n_members, 1);
                assert_string_equal(event->care_team->status,
                                    strcmp(rows[i].type, "care_team.member_ended") == 0 ? "ended" : "active");
                member = event->care_team->members[0];
                assert_string_equal(member->identifier->value, "R1");
                assert_string_equal(member->role->original->code, "PP");
                assert_string_equal(member->practitioner->identifier->value, "D1");
                assert_string_equal(member->period->start->text, "20200101");
                assert_string_equal(member->end_reason->original->code, "LEFT");
                assert_string_equal(member->practitioner->telecom[0]->value, "555");
        }
}

static void test_who_did_a_procedure_is_not_of_the_team(void **state) {
        translate_text(MSH_OF("ADT^A01") PID PV1
                       "ROL||AD|AT^Attending|D1^A\rPR1|1||X\rROL||AD|SU^Surgeon|D2^B\rIN1|1\rROL||AD|X|D3^C\r");
        assert_int_equal(count_of("care_team.member_added"), 1);
        assert_string_equal(event_of("care_team.member_added")->care_team->members[0]->practitioner->identifier->value,
                            "D1");
        assert_true(event_of("care_team.member_added")->care_team->members[0]->lead);
}

static void test_the_general_practitioner_is_of_the_team(void **state) {
        Carebus__V1__CareTeamMember *member;

        translate_text(MSH_OF("ADT^A28") PID "PD1|||MALTON^^Y06601|G56^TOWNLEY^GREGORY\r");
        member = event_of("care_team.member_added")->care_team->members[0];
        assert_string_equal(member->practitioner->identifier->value, "G56");
        assert_string_equal(member->organisation->identifier->value, "Y06601");
        assert_string_equal(member->role->text, "general practitioner");
        assert_string_equal(event_of("patient.registered")->demographics->general_practitioner->identifier->value,
                            "G56");
        translate_text(MSH_OF("ADT^A28") PID "PD1|||MALTON^^Y06601|\"\"\r");
        assert_true(has_cleared(event_of("patient.registered"), "demographics.general_practitioner"));
}

static void test_a_new_general_practitioner_takes_the_place_of_the_former(void **state) {
        static const struct {
                const char *pd1_4, *type;
        } rows[] = {
                { "G56^TOWNLEY", "care_team.member_added" },
                { "G57^BROWN", "care_team.member_added" },
                { "\"\"", "care_team.member_ended" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const Carebus__V1__CareTeamMember *member;
                char text[512];

                snprintf(text, sizeof(text), "%s" PID "PD1||||%s\r", MSH_OF("ADT^A31"), rows[i].pd1_4);
                translate_text(text);
                member = event_of(rows[i].type)->care_team->members[0];
                assert_string_equal(member->identifier->authority, "pas-PD1-4");
                assert_string_equal(member->identifier->value, "general-practitioner");
                assert_string_equal(member->role->text, "general practitioner");
        }
        translate_text(MSH_OF("ADT^A31") PID "PD1|||MALTON\r"); /* nothing was said of it */
        assert_int_equal(count_of("care_team.member_added") + count_of("care_team.member_ended"), 0);
}

/* ---- lists that are sent whole */

static bool states_whole(const char *section) {
        for (size_t i = 0; i < result.n_events; i++)
                for (size_t j = 0; j < result.events[i]->n_complete; j++)
                        if (strcmp(result.events[i]->complete[j], section) == 0)
                                return true;
        return false;
}

static void test_sections_that_the_profile_says_are_sent_whole_are_stated_so(void **state) {
        use_profile("complete_lists: [related_persons, conditions, care_team]\n");
        translate_text(MSH_OF("ADT^A08") PID "NK1|1|SMITH^MARY\rROL||AD|KW|N1^NURSE\rDG1|1||G35^MS^I10\r");
        assert_true(states_whole("demographics.related_persons"));
        assert_true(states_whole("conditions"));
        assert_true(states_whole("care_team"));
        translate_text(MSH_OF("ADT^A08") PID);
        assert_true(states_whole("conditions")); /* there are none any more */
        assert_false(states_whole("care_team")); /* few messages have a ROL, and it is none of its own */
        translate_text(MSH_OF("ADT^A02") PID "PV1|1|I|W1\r");
        assert_false(states_whole("conditions")); /* a transfer has no place for them */
        translate_text(MSH_OF("ADT^A11") PID "PV1|1|I|W1\rDG1|1||G35^MS^I10\r");
        assert_false(states_whole("conditions"));
        use_profile("{}\n");
        translate_text(MSH_OF("ADT^A08") PID "NK1|1|SMITH^MARY\rDG1|1||G35^MS^I10\r");
        assert_false(states_whole("conditions") || states_whole("demographics.related_persons"));
}

static void test_a_mobile_telephone_is_told_from_the_one_at_home(void **state) {
        Carebus__V1__Demographics *person;

        translate_text(
                MSH_OF("ADT^A31") "PID|1||A1^^^RA9||SMITH||||||||01803 1^PRN^PH~07700 9^PRN^CP|07700 8^WPN^CP\r");
        person = event_of("patient.updated")->demographics;
        assert_int_equal(person->n_telecom, 3);
        assert_string_equal(person->telecom[0]->use, "home");
        assert_string_equal(person->telecom[1]->use, "mobile");
        assert_string_equal(person->telecom[2]->use, "work");
}

/* ---- next of kin */

static void test_next_of_kin_come_whole(void **state) {
        Carebus__V1__RelatedPerson *person;

        translate_text(MSH_OF("ADT^A31") PID
                       "NK1|2|SMITH^FRANCESCA|16^Relative|29 WEST AV^^MALTON^^YO32 5TT|\"\"~01234|5678|N^Next of kin"
                       "|20200101|20991231\rNK1|3||20||||C|||||||||||||||||||||||HOME^CARE|^WPN^PH^^^^999|1 RD\r");
        assert_int_equal(only_event("patient.updated")->demographics->n_related_persons, 2);
        person = result.events[0]->demographics->related_persons[0];
        assert_string_equal(person->set_id, "2");
        assert_string_equal(person->name->family, "SMITH");
        assert_string_equal(person->relationship->original->code, "16");
        assert_string_equal(person->role->original->code, "N");
        assert_int_equal(person->n_telecom, 2); /* an emptied repeat is none */
        assert_string_equal(person->period->start->text, "20200101");
        assert_string_equal(person->period->end->text, "20991231");
        person = result.events[0]->demographics->related_persons[1];
        assert_true(person->emergency_contact);
        assert_string_equal(person->name->family, "HOME"); /* whom to ask for */
        assert_string_equal(person->telecom[0]->value, "999");
        assert_string_equal(person->addresses[0]->line[0], "1 RD");
}

static void test_emptied_next_of_kin_withdraw_what_this_sender_said(void **state) {
        translate_text(MSH_OF("ADT^A31") PID "NK1|1|\"\"\r");
        assert_true(has_cleared(only_event("patient.updated"), "demographics.related_persons"));
        translate_text(MSH_OF("ADT^A31") PID "NK1|1|\"\"\rNK1|2|A^B\r"); /* there is one */
        assert_false(has_cleared(only_event("patient.updated"), "demographics.related_persons"));
}

/* ---- consent */

static void test_consent_is_recorded_or_withdrawn(void **state) {
        static const struct {
                const char *said, *type;
                Carebus__V1__Consent__State state;
        } rows[] = {
                { "1", "consent.recorded", CAREBUS__V1__CONSENT__STATE__STATE_GIVEN },
                { "2", "consent.withdrawn", CAREBUS__V1__CONSENT__STATE__STATE_REFUSED },
                { "3", "consent.recorded", CAREBUS__V1__CONSENT__STATE__STATE_UNKNOWN },
                { "7", "consent.recorded", CAREBUS__V1__CONSENT__STATE__STATE_UNKNOWN },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[512];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text), MSH_OF("ADT^A31") PID "ZU8|U|%s\r", rows[i].said);
                translate_text(text);
                assert_int_equal(result.n_events, 2);
                event = event_of(rows[i].type);
                assert_non_null(event);
                assert_int_equal(event->consent->kind, CAREBUS__V1__CONSENT__KIND__KIND_SHARE);
                assert_true(event->consent->has_state);
                assert_int_equal(event->consent->state, rows[i].state);
                assert_string_equal(event->consent->state_coded->original->code, rows[i].said);
        }
}

static void test_a_zu8_that_says_nothing_of_consent_takes_nothing_back(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A31") PID "ZU8|U||\r");
        only_event("patient.updated");
        translate_text(MSH_OF("ADT^A31") PID "ZU8|U|\"\"|\r"); /* their word taken back: no refusal */
        event = event_of("consent.recorded");
        assert_true(has_cleared(event, "consent.state"));
        assert_false(event->consent->has_state);
        assert_int_equal(result.n_events, 2);
}

static void test_the_summary_care_record_is_another_consent(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A31") PID "ZU8|U|1|No\r");
        assert_int_equal(result.n_events, 3);
        assert_int_equal(event_of("consent.recorded")->consent->kind, CAREBUS__V1__CONSENT__KIND__KIND_SHARE);
        event = event_of("consent.withdrawn");
        assert_int_equal(event->consent->kind, CAREBUS__V1__CONSENT__KIND__KIND_CREATE_RECORD);
        assert_string_equal(event->consent->summary_care_record->original->code, "No");
        translate_text(MSH_OF("ADT^A31") PID "ZU8|U||Yes\r");
        assert_int_equal(event_of("consent.recorded")->consent->state, CAREBUS__V1__CONSENT__STATE__STATE_GIVEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_allergy_is_an_event),
                TEST(test_an_empty_segment_is_no_allergy),
                TEST(test_the_action_code_says_what_becomes_of_an_allergy),
                TEST(test_no_known_allergy_is_said_and_not_silent),
                TEST(test_a_list_of_allergies_that_cannot_be_read_is_an_urgent_problem),
                TEST(test_no_list_of_allergies_is_ever_complete_by_itself),
                TEST(test_each_diagnosis_is_a_condition_and_one_of_the_stay),
                TEST(test_a_stay_that_never_was_leaves_no_diagnoses_but_allergies),
                TEST(test_a_role_begins_and_ends_by_its_action_and_its_time),
                TEST(test_who_did_a_procedure_is_not_of_the_team),
                TEST(test_the_general_practitioner_is_of_the_team),
                TEST(test_sections_that_the_profile_says_are_sent_whole_are_stated_so),
                TEST(test_a_mobile_telephone_is_told_from_the_one_at_home),
                TEST(test_a_new_general_practitioner_takes_the_place_of_the_former),
                TEST(test_next_of_kin_come_whole),
                TEST(test_emptied_next_of_kin_withdraw_what_this_sender_said),
                TEST(test_consent_is_recorded_or_withdrawn),
                TEST(test_a_zu8_that_says_nothing_of_consent_takes_nothing_back),
                TEST(test_the_summary_care_record_is_another_consent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
