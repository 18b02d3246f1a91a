/*
 * Triggers and fields: what each message becomes.
 */
#include "translate-fixture.h"

#define PID                                                                                                 \
        "PID|1||123456^^^RA9&1.2.3&ISO^PI~943 476 5919^^^NHS^NH||SMITH^JOHN^A^^MR^^L||19400201|1|||1 HIGH " \
        "ST^^LEEDS^^LS1 1AA^GBR^H\r"
#define PV1                                                                               \
        "PV1|1|I|W1^R2^B3^RA9|21|||C1^JONES^ANNA^^^DR|G1^HILL||100||||19||||I|V77^^^RA9|" \
        "||||||||||||||||||||||||20240305080000\r"

static void test_each_trigger_gives_its_event(void **state) {
        static const struct {
                const char *trigger, *type;
                Carebus__V1__Action action;
                const char *status;
        } rows[] = {
                { "ADT^A01", "encounter.admitted", CAREBUS__V1__ACTION__ACTION_NEW, "in-progress" },
                { "ADT^A02", "encounter.transferred", CAREBUS__V1__ACTION__ACTION_UPDATE, "in-progress" },
                { "ADT^A03", "encounter.discharged", CAREBUS__V1__ACTION__ACTION_UPDATE, "finished" },
                { "ADT^A04", "encounter.registered", CAREBUS__V1__ACTION__ACTION_NEW, "arrived" },
                { "ADT^A05", "encounter.preadmitted", CAREBUS__V1__ACTION__ACTION_NEW, "planned" },
                { "ADT^A11", "encounter.admission_cancelled", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR,
                  "cancelled" },
                { "ADT^A12", "encounter.transfer_cancelled", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR,
                  "in-progress" },
                { "ADT^A13", "encounter.discharge_cancelled", CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR,
                  "in-progress" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[1024];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text),
                         "MSH|^~\\&|PAS|RA9|||20240305101500||%s|M1|P|2.4\rEVN||20240305101400\r%s%s", rows[i].trigger,
                         PID, PV1);
                translate_text(text);
                event = only_event(rows[i].type);
                assert_int_equal(event->action, rows[i].action);
                assert_int_equal(event->body_case, CAREBUS__V1__EVENT__BODY_ENCOUNTER);
                assert_string_equal(event->encounter->status, rows[i].status);
                assert_string_equal(event->encounter_id->value, "V77");
                assert_string_equal(event->encounter_id->authority, "RA9");
                assert_string_equal(event->trigger, rows[i].trigger);
                assert_string_equal(event->source_message_id, "M1");
                assert_string_equal(event->sender->system, "PAS");
                assert_string_equal(event->sender->organisation, "RA9");
                assert_int_equal(event->patient->n_identifiers, 2);
                assert_string_equal(event->patient->demographics->names[0]->family, "SMITH");
        }
}

static void test_an_emergency_attendance_is_told_from_an_admission(void **state) {
        translate_text(MSH_OF("ADT^A04") PID "PV1|1|E|ED\r");
        only_event("encounter.ed_arrived");
        translate_text(MSH_OF("ADT^A01") PID "PV1|1|e|ED\r");
        only_event("encounter.ed_arrived");
        translate_text(MSH_OF("ADT^A03") PID "PV1|1|E|ED\r");
        only_event("encounter.ed_departed");
        translate_text(MSH_OF("ADT^A11") PID "PV1|1|E|ED\r");
        only_event("encounter.admission_cancelled");
}

static void test_an_out_patient_without_zu3_is_an_encounter_and_no_appointment(void **state) {
        static const struct {
                const char *trigger, *type;
        } rows[] = {
                { "ADT^A04", "encounter.registered" },
                { "ADT^A03", "encounter.discharged" },
                { "ADT^A05", "encounter.preadmitted" },
                { "ADT^A38", "encounter.preadmission_cancelled" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[1024];

                snprintf(text, sizeof(text), "MSH|^~\\&|PAS|RA9|||20240305101500||%s|M1|P|2.4\r" PID "PV1|1|O|CL1\r",
                         rows[i].trigger);
                translate_text(text);
                assert_string_equal(only_event(rows[i].type)->encounter->class_->original->code, "O");
        }
}

static void test_persons_come_without_a_visit(void **state) {
        translate_text(MSH_OF("ADT^A28") PID "PV1|1|N\r");
        assert_string_equal(only_event("patient.registered")->demographics->names[0]->family, "SMITH");
        translate_text(MSH_OF("ADT^A31^ADT_A05") PID);
        assert_int_equal(only_event("patient.updated")->action, CAREBUS__V1__ACTION__ACTION_UPDATE);
}

static void test_an_update_is_of_the_stay_and_of_the_person(void **state) {
        translate_text(MSH_OF("ADT^A08") PID PV1);
        assert_int_equal(result.n_events, 2);
        assert_non_null(event_of("encounter.updated"));
        assert_non_null(event_of("patient.updated"));
        translate_text(MSH_OF("ADT^A08") PID "PV1|1|N\r");
        only_event("patient.updated");
}

static void test_the_trigger_may_stand_in_evn(void **state) {
        translate_text(MSH_OF("ADT") "EVN|A28|20240305\r" PID);
        only_event("patient.registered");
        assert_string_equal(result.trigger, "ADT^A28");
        translate_text(MSH_OF("ADT") PID);
        assert_problem("unhandled-trigger", "MSH-9");
}

static void test_fields_reach_the_encounter(void **state) {
        Carebus__V1__Encounter *encounter;

        translate_text(MSH_OF("ADT^A01") PID PV1
                       "PV2|||R07^CHEST PAIN^I10|T1||||202403050700|20240312|||||||||||||||||||||||||||||4\r"
                       "DG1|1||G12.2^Motor neurone disease^I10\rDG1|2|||words only\r"
                       "ZU1|20240305060000||||||||||||A1|||||||||Y||20240311\r");
        assert_string_equal(result.events[0]->type, "encounter.admitted");
        assert_int_equal(result.n_events, 3); /* and a diagnosis each */
        encounter = result.events[0]->encounter;
        assert_string_equal(encounter->class_->original->code, "I");
        assert_string_equal(encounter->place->point_of_care, "W1");
        assert_string_equal(encounter->place->room, "R2");
        assert_string_equal(encounter->place->bed, "B3");
        assert_int_equal(encounter->n_participants, 2);
        assert_string_equal(encounter->participants[0]->role, "attending");
        assert_string_equal(encounter->participants[0]->practitioner->name->family, "JONES");
        assert_string_equal(encounter->participants[1]->role, "referring");
        assert_string_equal(encounter->specialty->original->code, "100");
        assert_string_equal(encounter->admission_source->original->code, "19");
        assert_string_equal(encounter->admission_method->original->code, "21");
        assert_true(encounter->unscheduled);
        assert_string_equal(encounter->admitted_at->text, "20240305080000");
        assert_string_equal(encounter->reason->code, "R07");
        assert_string_equal(encounter->reason->system, "http://hl7.org/fhir/sid/icd-10");
        assert_string_equal(encounter->reason->original->system, "I10");
        assert_string_equal(encounter->expected_discharge_at->text, "20240312");
        assert_string_equal(encounter->arrival_mode->original->code, "4");
        assert_int_equal(encounter->n_diagnoses, 2);
        assert_string_equal(encounter->diagnoses[0]->code, "G12.2");
        assert_string_equal(encounter->diagnoses[1]->text, "words only");
        assert_string_equal(encounter->decided_to_admit_at->text, "20240305060000");
        assert_string_equal(encounter->referral_source->original->code, "A1");
        assert_true(encounter->medically_fit);
        assert_string_equal(encounter->ready_for_discharge_at->text, "20240311");
}

static void test_fields_reach_the_person(void **state) {
        Carebus__V1__Demographics *person;

        translate_text(MSH_OF(
                "ADT^A28") "PID|1||A1^^^RA9^PI||O\\T\\NEIL&&&&X^MARY JANE^^JR^MRS^^L~BLACK^MARY^^^^^M||19400201|2|||1 "
                           "HIGH ST^TOWNEND^LEEDS^WEST YORKS^LS1 1AA^GBR^H"
                           "||01632 "
                           "960001^PRN^PH~07700900001^^CP~^NET^Internet^m@example.org|01632960002|EN|M|1A|||||A||Y|2|||"
                           "|||Y|NSTS01~UD\r"
                           "PD1|||SURGERY^^B86001||G9012345^GREY^TOM|\r" /* PD1-4 is empty here */
                           "NK1|1|ONEIL^PAT|2^Partner|1 HIGH ST|01632960003||C\r");
        person = only_event("patient.registered")->demographics;
        assert_string_equal(person->names[0]->family, "O&NEIL");
        assert_string_equal(person->names[0]->given[0], "MARY JANE");
        assert_string_equal(person->names[0]->prefix[0], "MRS");
        assert_string_equal(person->names[0]->suffix[0], "JR");
        assert_string_equal(person->names[0]->use, "official");
        assert_string_equal(person->names[1]->use, "maiden");
        assert_string_equal(person->birth_date->text, "19400201");
        assert_string_equal(person->sex->original->code, "2");
        assert_int_equal(person->addresses[0]->n_line, 2);
        assert_string_equal(person->addresses[0]->line[1], "TOWNEND");
        assert_string_equal(person->addresses[0]->district, "WEST YORKS");
        assert_string_equal(person->addresses[0]->postal_code, "LS1 1AA");
        assert_string_equal(person->addresses[0]->use, "home");
        assert_int_equal(person->n_telecom, 4);
        assert_string_equal(person->telecom[0]->value, "01632 960001");
        assert_string_equal(person->telecom[0]->use, "home");
        assert_string_equal(person->telecom[1]->use, "mobile");
        assert_string_equal(person->telecom[2]->system, "email");
        assert_string_equal(person->telecom[2]->value, "m@example.org");
        assert_string_equal(person->telecom[3]->use, "work");
        assert_string_equal(person->practice->name, "SURGERY");
        assert_string_equal(person->practice->identifier->value, "B86001");
        assert_null(person->general_practitioner);
        assert_true(person->multiple_birth);
        assert_int_equal(person->birth_order, 2);
        assert_true(person->identity_unknown);
        assert_int_equal(person->n_identity_reliability, 2);
        assert_string_equal(person->nhs_number_status->original->code, "NSTS01");
        assert_int_equal(person->n_related_persons, 1);
        assert_string_equal(person->related_persons[0]->name->family, "ONEIL");
        assert_string_equal(person->related_persons[0]->relationship->original->code, "2");
        assert_true(person->related_persons[0]->emergency_contact);
}

static void test_the_status_of_the_nhs_number_goes_to_the_nhs_number(void **state) {
        Carebus__V1__Event *event;

        translate_text(
                MSH_OF("ADT^A31") "PID|1||123^^^RA9^PI~9434765919^^^NHS^NH||X^Y|||||||||||||||||||||||||||UD~NSTS02\r");
        event = only_event("patient.updated");
        assert_null(event->patient->identifiers[0]->status_code);
        assert_string_equal(event->patient->identifiers[1]->status_code, "NSTS02");
        assert_string_equal(event->demographics->nhs_number_status->original->code, "NSTS02");
}

static void test_a_number_keeps_all_parts_of_its_authority(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A31") PID);
        event = only_event("patient.updated");
        assert_string_equal(event->patient->identifiers[0]->authority, "RA9&1.2.3&ISO");
        assert_string_equal(event->patient->identifiers[0]->type, "PI");
        assert_string_equal(event->patient->identifiers[1]->value, "943 476 5919");
        assert_string_equal(event->patient->identifiers[1]->authority, "NHS");
        translate_text("MSH|^~\\%|PAS|RA9|||2024||ADT^A31|M1|P|2.4\rPID|1||1^^^%9.9%ISO||X\r");
        assert_string_equal(only_event("patient.updated")->patient->identifiers[0]->authority, "&9.9&ISO");
}

static void test_a_number_outside_of_the_list_never_passes_for_one_of_the_list(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A31") "PID|1|77|A1|77||X\r");
        event = only_event("patient.updated");
        assert_int_equal(event->patient->n_identifiers, 3);
        assert_string_equal(event->patient->identifiers[0]->value, "A1");
        assert_null(event->patient->identifiers[0]->authority);
        assert_string_equal(event->patient->identifiers[1]->authority, "pas-PID-2");
        assert_string_equal(event->patient->identifiers[2]->authority, "pas-PID-4");
        translate_text(MSH_OF("ADT^A31") "PID|1|A1^^^Z^MR|A1^^^Z^MR|||X\r");
        assert_int_equal(only_event("patient.updated")->patient->n_identifiers, 1);
}

static void test_the_moment_is_evn_6_then_the_stays_own_then_evn_2_then_msh_7(void **state) {
        translate_text(MSH_OF("ADT^A01") "EVN||20240305101400||||20240305070000\r" PID PV1);
        assert_string_equal(only_event("encounter.admitted")->occurred_at->text, "20240305070000");
        assert_string_equal(result.events[0]->recorded_at->text, "20240305101400");
        translate_text(MSH_OF("ADT^A01") "EVN||20240305101400\r" PID PV1);
        assert_string_equal(only_event("encounter.admitted")->occurred_at->text, "20240305080000");
        translate_text(MSH_OF("ADT^A02") "EVN||20240305101400\r" PID PV1);
        assert_string_equal(only_event("encounter.transferred")->occurred_at->text, "20240305101400");
        assert_string_equal(result.events[0]->encounter->transferred_at->text, "20240305101400");
        translate_text(MSH_OF("ADT^A31") PID);
        assert_string_equal(only_event("patient.updated")->occurred_at->text, "20240305101500");
        assert_null(result.events[0]->recorded_at);
}

static bool is_bad_time(const char *position) {
        for (size_t i = 0; i < result.n_bad_times; i++)
                if (strcmp(result.bad_times[i], position) == 0)
                        return true;
        return false;
}

static void test_a_time_that_cannot_be_read_is_reported_and_another_stands_for_it(void **state) {
        static const char *const bad[] = { "20260230", "garbage", "202403051060", "2024030525" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                char text[1024];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text), MSH_OF("ADT^A01") "EVN||20240305101400||||%s\r" PID PV1, bad[i]);
                translate_text(text);
                event = only_event("encounter.admitted");
                assert_string_equal(event->occurred_at->text, "20240305080000"); /* PV1-44 */
                assert_int_equal(result.n_bad_times, 1);
                assert_string_equal(result.bad_times[0], "EVN-6");
                assert_int_equal(event->n_notes, 1); /* what was said is not lost */
                assert_string_equal(event->notes[0]->path, "EVN-6");
                assert_string_equal(event->notes[0]->text, bad[i]);
        }
        translate_text(MSH_OF("ADT^A02") "EVN||20240305101400||||x\r" PID PV1);
        assert_string_equal(only_event("encounter.transferred")->occurred_at->text, "20240305101400");
        translate_text(MSH_OF("ADT^A31") "EVN||y||||x\r" PID);
        assert_string_equal(only_event("patient.updated")->occurred_at->text, "20240305101500"); /* MSH-7 */
        assert_string_equal(result.events[0]->recorded_at->text, "y");
        assert_true(result.n_bad_times == 2 && is_bad_time("EVN-2") && is_bad_time("EVN-6"));
        /* None can be read: the first that was said. */
        translate_text("MSH|^~\\&|PAS|RA9|||z||ADT^A31|M1|P|2.4\rEVN||y||||x\r" PID);
        assert_string_equal(only_event("patient.updated")->occurred_at->text, "x");
        assert_true(result.n_bad_times == 3 && is_bad_time("MSH-7"));
}

static void test_every_time_that_cannot_be_read_has_its_place(void **state) {
        char text[4096];
        size_t at;

        translate_text(MSH_OF("ADT^A01") "PID|1||A1||X^Y^^^^^L^^^^^whenever||20260230||||||||||||||||||||||soon\r"
                                         "PV1|1|I|W1||||||||||||||||V1|||||||||||||||||||||||||never\r");
        assert_null(result.problem_code);
        assert_true(is_bad_time("PID-5.12"));
        assert_true(is_bad_time("PID-7"));
        assert_true(is_bad_time("PID-29"));
        assert_true(is_bad_time("PV1-44"));
        assert_int_equal(result.n_bad_times, 4);
        assert_string_equal(event_of("encounter.admitted")->occurred_at->text, "20240305101500");
        assert_string_equal(event_of("encounter.admitted")->encounter->admitted_at->text, "never");
        assert_string_equal(event_of("death.notified")->occurred_at->text, "20240305101500");
        assert_string_equal(event_of("death.notified")->death->died_at->text, "soon");
        translate_text(MSH_OF("ADT^A31") PID);
        assert_int_equal(result.n_bad_times, 0);
        /* However many there are. */
        at = (size_t)snprintf(text, sizeof(text), "%s", MSH_OF("ADT^A31") PID);
        for (size_t i = 0; i < 100; i++)
                at += (size_t)snprintf(text + at, sizeof(text) - at, "NK1|%zu|A^B||||||x\r", i + 1);
        translate_text(text);
        assert_int_equal(result.n_bad_times, TRANSLATE_BAD_TIMES_MAX);
        only_event("patient.updated");
}

static void test_the_author_is_who_did_it_and_not_who_sent_it(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A31") "EVN||2024|||U7^BROWN^SAM^^^NURSE||RB1\r" PID);
        event = only_event("patient.updated");
        assert_string_equal(event->author->person, "U7");
        assert_string_equal(event->author->person_name, "NURSE SAM BROWN");
        assert_string_equal(event->author->organisation, "RB1");
        assert_string_equal(event->sender->organisation, "RA9");
        translate_text(MSH_OF("ADT^A31") PID);
        assert_null(only_event("patient.updated")->author);
}

static void test_message_time_and_id_are_read_for_the_bus(void **state) {
        translate_text(MSH_OF("ADT^A31") PID);
        assert_string_equal(result.message_id, "M1");
        assert_string_equal(result.message_time_text, "20240305101500");
        assert_int_equal(result.message_time, 1709633700000000LL);
        translate_text("MSH|^~\\&|PAS|RA9|||20240705101500||ADT^A31|M1|P|2.4\r" PID);
        assert_int_equal(result.message_time, 1720170900000000LL); /* summer time: an hour less */
        translate_text("MSH|^~\\&|PAS|RA9|||yesterday||ADT^A31||P|2.4\r" PID);
        assert_true(result.message_time == INT64_MIN);
        assert_null(result.message_id);
}

static void test_an_emptied_field_is_said_to_be_emptied(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF(
                "ADT^A08") "PID|1||A1||X^Y||19400201|\"\"|||\"\"^\"\"|||||\"\"\rPV1|1|I|\"\"||||||||||||||||V1\r");
        event = event_of("patient.updated");
        assert_non_null(event);
        assert_true(has_cleared(event, "demographics.sex"));
        assert_true(has_cleared(event, "demographics.addresses"));
        assert_true(has_cleared(event, "demographics.marital_status"));
        assert_false(has_cleared(event, "demographics.names"));
        assert_false(has_cleared(event, "encounter.place"));
        assert_null(event->demographics->sex);
        event = event_of("encounter.updated");
        assert_true(has_cleared(event, "encounter.place"));
        assert_true(has_cleared(event, "demographics.sex"));
        assert_null(event->encounter->place);
}

static void test_hidden_persons_are_marked(void **state) {
        static const struct {
                const char *pv1_16, *zu8_4;
                int expected; /* -1: nothing is said */
        } rows[] = { { "", "", -1 }, { "N", "", 0 }, { "S", "", 1 }, { "Y", "", 1 },  { "I", "", 1 }, { "VIP", "", -1 },
                     { "", "0", 0 }, { "", "1", 1 }, { "", "2", 1 }, { "N", "1", 1 }, { "S", "0", 1 } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[1024];
                Carebus__V1__Event *event;

                snprintf(text, sizeof(text), MSH_OF("ADT^A31") PID "PV1|1|I||||||||||||||%s\rZU8||||%s\r",
                         rows[i].pv1_16, rows[i].zu8_4);
                translate_text(text);
                event = only_event("patient.updated");
                if (rows[i].expected < 0) {
                        assert_null(event->sensitivity);
                        assert_false(event->demographics->has_restricted);
                        continue;
                }
                assert_true(event->sensitivity->has_restricted_location);
                assert_int_equal(event->sensitivity->restricted_location, rows[i].expected);
                assert_int_equal(event->demographics->restricted, rows[i].expected);
        }
}

/* ---- death */

static void assert_death(const char *text, const char *how, const char *died_at) {
        Carebus__V1__Event *event;

        translate_text(text);
        event = event_of("death.notified");
        assert_non_null(event);
        assert_string_equal(event->death->how_known, how);
        if (died_at)
                assert_string_equal(event->death->died_at->text, died_at);
        assert_int_equal(event->death->status, CAREBUS__V1__DEATH__STATUS__STATUS_INFORMAL);
        assert_true(event->patient->n_identifiers > 0);
}

static void test_a_death_is_notified(void **state) {
        assert_death(MSH_OF("ADT^A31") "PID|1||A1||X||||||||||||||||||||||||202403010300|Y\r", "PID-30",
                     "202403010300");
        assert_death(MSH_OF("ADT^A31") "PID|1||A1||X|||||||||||||||||||||||||Y\r", "PID-30", NULL);
        assert_death(MSH_OF("ADT^A31") "PID|1||A1||X||||||||||||||||||||||||202403010300\r", "PID-29", "202403010300");
        assert_death(MSH_OF("ADT^A03") PID
                     "PV1|1|I|W1||||||||||||||||V1|||||||||||||||||4||||||||20240301|202403020400\r",
                     "discharge-method", "202403020400");
        assert_death(MSH_OF("ADT^A03") PID "PV1|1|I|W1||||||||||||||||V1||||||||||||||||||79\r", "discharge-method",
                     NULL);
        assert_true(event_of("encounter.discharged")->encounter->died);
}

static void assert_no_death(const char *text) {
        translate_text(text);
        assert_true(result.n_events > 0);
        for (size_t i = 0; i < result.n_events; i++)
                assert_true(strncmp(result.events[i]->type, "death.", strlen("death.")) != 0);
}

static void test_nothing_retracts_a_death_by_itself(void **state) {
        assert_no_death(MSH_OF("ADT^A31") "PID|1||A1||X|||||||||||||||||||||||||\r");
        assert_no_death(MSH_OF("ADT^A31") "PID|1||A1||X|||||||||||||||||||||||||N\r");
        assert_no_death(MSH_OF("ADT^A31") "PID|1||A1||X||||||||||||||||||||||||2024|N\r");
        assert_no_death(MSH_OF("ADT^A31") "PID|1||A1||X||||||||||||||||||||||||\"\"|\"\"\r");
        assert_true(has_cleared(result.events[0], "demographics.deceased"));
        assert_no_death(MSH_OF("ADT^A03") PID "PV1|1|I|W1||||||||||||||||V1|||||||||||||||||1|19\r");
        assert_no_death(MSH_OF("ADT^A13") PID PV1);
}

/* ---- what is not understood */

static void test_other_triggers_are_a_problem_and_never_nothing(void **state) {
        translate_text(MSH_OF("ADT^A17") PID PV1);
        assert_problem("unhandled-trigger", "MSH-9");
        assert_false(result.problem_urgent);
        assert_string_equal(result.trigger, "ADT^A17");
        assert_string_equal(result.message_id, "M1");
        translate_text(MSH_OF("VXU^V04") PID "OBX|1|NM|K||4.0\r");
        assert_problem("unhandled-trigger", "MSH-9");
        assert_false(result.problem_urgent);
        translate_text(MSH_OF("ZZZ") PID);
        assert_problem("unhandled-trigger", "MSH-9");
}

static void assert_urgent(const char *text) {
        translate_text(text);
        assert_problem("unhandled-trigger", "MSH-9");
        assert_true(result.problem_urgent);
}

static void test_what_may_touch_a_decision_a_death_a_merge_or_an_allergy_is_urgent(void **state) {
        assert_urgent(MSH_OF("ADT^A23") PID PV1); /* takes a stay away, */
        assert_urgent(MSH_OF("ADT^A29") PID);     /* or a person */
        assert_urgent(MSH_OF("ADT^A36") PID "MRG|1\r");
        assert_urgent(MSH_OF("BAR^P01") PID "ORC|NW|1\rOBR|1|||^^^^DNACPR\r");
        assert_urgent(MSH_OF("BAR^P01") PID "ORC|NW|1\rOBR|1||||||||||||||||||||||||||^Resus Status\r");
        assert_urgent(MSH_OF("OUL^R22") PID "OBX|1|TX|||not for cpr.\r");
        assert_urgent(MSH_OF("VXU^V04") "PID|1||A1||X|||||||||||||||||||||||||Y\r");
        assert_urgent(MSH_OF("ADT^A17") PID "AL1|1||^PENICILLIN\r");
}

static void test_a_message_that_nobody_can_read_is_a_problem_with_its_place(void **state) {
        translate_text("hello");
        assert_problem("parse-no-msh", "MSH");
        assert_false(result.has_header);
        translate_text("");
        assert_problem("parse-empty", NULL);
        translate_text("MSH|^~\\&|PAS|RA9|||2024||||P|2.4\rPID|1\r");
        assert_problem("no-trigger", "MSH-9");
        assert_true(result.has_header);
        translate_text(MSH_OF("ADT^A01") "EVN|A01\r");
        assert_problem("no-patient", "PID");
        translate_text(MSH_OF("ADT^A01") "PID|1||||SMITH\r" PV1);
        assert_problem("no-identifier", "PID-3");
        assert_string_equal(result.message_id, "M1");
}

static void test_a_second_message_or_patient_is_never_taken_for_a_part_of_the_first(void **state) {
        translate_text(MSH_OF("ADT^A31") PID MSH_OF("ADT^A31") PID);
        assert_problem("several-messages", "MSH[2]");
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ADT^A31") PID PID);
        assert_problem("several-patients", "PID[2]");
        assert_true(result.problem_urgent);
}

static void test_what_cannot_be_read_is_urgent_where_it_may_matter(void **state) {
        translate_text("MSH|^~\\&|PAS|RA9|||2024||ADT^A31|M1|P|2.4||||||ASCII\rPID|1||A1||ZO\xEB\r");
        assert_problem("bad-charset", NULL);
        assert_false(result.problem_urgent);
        translate_text("MSH|^~\\&|PAS|RA9|||2024||ADT^A40|M1|P|2.4||||||ASCII\rPID|1||A1||ZO\xEB\rMRG|B\r");
        assert_problem("bad-charset", NULL);
        assert_true(result.problem_urgent);
        translate_text("MSH|^~\\&|PAS|RA9|||2024||ORM^O01|M1|P|2.4||||||ASCII\rNTE|1||\xEB DNACPR\r");
        assert_problem("bad-charset", NULL);
        assert_true(result.problem_urgent);
        translate_text(MSH_OF("ADT^A31") "PID|1||||SMITH\rAL1|1\r");
        assert_problem("no-identifier", "PID-3");
        assert_true(result.problem_urgent);
}

static void test_bytes_of_another_character_set_are_a_problem_with_their_place(void **state) {
        translate_text("MSH|^~\\&|PAS|RA9|||2024||ADT^A31|M1|P|2.4||||||ASCII\rPID|1||A1||ZO\xEB\r");
        assert_problem("bad-charset", "byte 66");
        assert_string_equal(result.message_id, "M1");
        translate_text("MSH|^~\\&|PAS|RA9|||2024||ADT^A31|M1|P|2.4\rPID|1||A1||ZO\xEB\r");
        assert_problem("no-charset", "byte 55");
        translate_text("MSH|^~\\&|PAS|RA9|||2024||ADT^A31|M1|P|2.4||||||KLINGON\rPID|1||A1||Z\r");
        assert_problem("unknown-charset", "MSH-18");
        translate_text("MSH|^~\\&|PAS|RA9|||2024||ADT^A31|M1|P|2.4||||||8859/1\rPID|1||A1||ZO\xEB\r");
        assert_string_equal(only_event("patient.updated")->demographics->names[0]->family, "ZO\xC3\xAB");
}

static void test_a_message_id_beyond_the_limit_is_a_problem(void **state) {
        char text[1024], id[202];

        memset(id, 'x', 201);
        id[201] = 0;
        snprintf(text, sizeof(text), "MSH|^~\\&|PAS|RA9|||2024||ADT^A31|%s|P|2.4\r%s", id, PID);
        translate_text(text);
        assert_problem("message-id-too-long", "MSH-10");
        assert_null(result.message_id);
        id[200] = 0;
        snprintf(text, sizeof(text), "MSH|^~\\&|PAS|RA9|||2024||ADT^A31|%s|P|2.4\r%s", id, PID);
        translate_text(text);
        only_event("patient.updated");
}

static void test_a_message_without_end_costs_no_more_than_its_cap(void **state) {
        Buffer text = BUFFER_NULL;

        buffer_append_text(&text, MSH_OF("ADT^A31") "PID|1||A1");
        for (int i = 0; i < 200000; i++)
                buffer_append_text(&text, "~B^^^C");
        translate_bytes(buffer_bytes(&text));
        only_event("patient.updated"); /* all alike: one number */
        buffer_clear(&text);
        buffer_append_text(&text, MSH_OF("ADT^A31") "PID|1||A1||");
        for (int i = 0; i < 200000; i++)
                buffer_append_text(&text, "B^C~");
        translate_bytes(buffer_bytes(&text));
        assert_problem("too-large", "message");
        buffer_deinit(&text);
}

/* ---- the profile */

static void test_a_trigger_that_the_profile_ignores_is_kept_nowhere(void **state) {
        use_profile("triggers: {ORU: ignore}\n");
        translate_text(MSH_OF("ORU^R01") PID);
        assert_true(result.ignored);
        assert_null(result.problem_code);
        assert_int_equal(result.n_events, 0);
        translate_text(MSH_OF("ADT^A31") PID);
        assert_false(result.ignored);
}

static void test_local_segments_reach_the_fields_that_the_profile_names(void **state) {
        Carebus__V1__Event *event;

        use_profile("fields:\n"
                    "  ZPI-3.1: demographics.access_note\n"
                    "  ZPI-4: demographics.lives_alone\n"
                    "  ZPI-5: encounter.medically_fit\n"
                    "  ZPI-6: episode_id\n"
                    "  ZPI-7: demographics.birth_order\n");
        translate_text(MSH_OF("ADT^A08") PID PV1 "ZPI|||KEY SAFE&LEFT|Y|N|E9|many\r");
        event = event_of("encounter.updated");
        assert_string_equal(event->patient->demographics->access_note, "KEY SAFE&LEFT");
        assert_true(event->patient->demographics->lives_alone);
        assert_true(event->encounter->has_medically_fit && !event->encounter->medically_fit);
        assert_string_equal(event->episode_id->value, "E9");
        /* What the field cannot take is not lost. */
        assert_int_equal(event->n_notes, 1);
        assert_string_equal(event->notes[0]->path, "ZPI-7");
        assert_string_equal(event->notes[0]->text, "many");
        event = event_of("patient.updated");
        assert_string_equal(event->demographics->access_note, "KEY SAFE&LEFT");
        assert_string_equal(event->episode_id->value, "E9");
}

static void test_a_message_for_somebody_else_is_a_problem(void **state) {
        use_profile("receiving_applications: [ROUTE]\n");
        translate_text(MSH_OF("ADT^A31") PID);
        assert_problem("wrong-receiver", "MSH-5");
}

static void test_lists_that_are_always_whole_are_said_to_be(void **state) {
        Carebus__V1__Event *event;

        use_profile("complete_lists: [demographics.related_persons, encounter.diagnoses]\n");
        translate_text(MSH_OF("ADT^A31") PID);
        event = only_event("patient.updated");
        assert_int_equal(event->n_complete, 1);
        assert_string_equal(event->complete[0], "demographics.related_persons");
        translate_text(MSH_OF("ADT^A01") PID PV1);
        assert_int_equal(only_event("encounter.admitted")->n_complete, 2);
}

static void test_codes_of_death_are_read_through_the_profiles_map(void **state) {
        translate_text(MSH_OF("ADT^A03") PID "PV1|1|I|W1||||||||||||||||V1|||||||||||||||||DIED\r");
        assert_null(event_of("death.notified"));
        use_profile("maps:\n"
                    "  encounter.discharge_method:\n"
                    "    DIED: {system: \"https://fhir.hl7.org.uk/CodeSystem/UKCore-DischargeMethod\", code: \"4\"}\n");
        translate_text(MSH_OF("ADT^A03") PID "PV1|1|I|W1||||||||||||||||V1|||||||||||||||||DIED\r");
        assert_non_null(event_of("death.notified"));
}

/* ---- lines that are no segments */

static void test_a_broken_segment_is_a_problem_and_gives_no_event(void **state) {
        translate_text(MSH_OF("ADT^A31") "PID|1||5^^^X^MR||SMITH^JOHN|||F\rgarbage here|x\r");
        assert_problem("broken-segment", "PID-8");
        assert_false(result.problem_urgent);
        translate_text(MSH_OF("ADT^A01") "PID|1||5^^^X\rGARB\r" PV1);
        assert_problem("broken-segment", "PID-3");
        /* What it was cut from is not known; what the line says is. */
        translate_text(MSH_OF("ADT^A31") "PID|1||5^^^X\rDNACPR in place\r");
        assert_problem("broken-segment", "PID-3");
        assert_true(result.problem_urgent);
}

static void test_a_note_over_several_lines_still_gives_its_event(void **state) {
        Carebus__V1__Event *event;

        translate_text(MSH_OF("ADT^A31") PID "NTE|1||first\nsecond | third\r");
        event = only_event("patient.updated");
        assert_int_equal(event->n_notes, 1);
        assert_string_equal(event->notes[0]->text, "first\nsecond | third");
}

/* ---- coverage */

static void test_what_was_seen_but_not_mapped_is_listed(void **state) {
        translate_text(MSH_OF("ADT^A31") "PID|1||A1||X^Y||||AL^IAS|2106-3\rZZZ|1|secret\rIN1|1\r");
        assert_true(is_unmapped("PID-10"));
        assert_true(is_unmapped("ZZZ-2"));
        assert_true(is_unmapped("IN1-1"));
        assert_false(is_unmapped("PID-3"));
        assert_false(is_unmapped("PID-5.2"));
        assert_false(is_unmapped("PID-9"));
        assert_false(is_unmapped("MSH-10"));
        assert_true(reading.n_fields > 3);
        for (size_t i = 0; i < reading.n_fields; i++)
                assert_null(strstr(reading.fields[i].path, "secret"));
}

static void test_notes_belong_to_every_event(void **state) {
        translate_text(MSH_OF("ADT^A08") PID PV1 "NTE|1||line one~line two\rNTE|2||more\r");
        assert_int_equal(result.n_events, 2);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(result.events[i]->n_notes, 3);
                assert_string_equal(result.events[i]->notes[1]->text, "line two");
                assert_string_equal(result.events[i]->notes[2]->path, "NTE[2]");
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_trigger_gives_its_event),
                TEST(test_an_emergency_attendance_is_told_from_an_admission),
                TEST(test_an_out_patient_without_zu3_is_an_encounter_and_no_appointment),
                TEST(test_persons_come_without_a_visit),
                TEST(test_an_update_is_of_the_stay_and_of_the_person),
                TEST(test_the_trigger_may_stand_in_evn),
                TEST(test_fields_reach_the_encounter),
                TEST(test_fields_reach_the_person),
                TEST(test_the_status_of_the_nhs_number_goes_to_the_nhs_number),
                TEST(test_a_number_keeps_all_parts_of_its_authority),
                TEST(test_a_number_outside_of_the_list_never_passes_for_one_of_the_list),
                TEST(test_the_moment_is_evn_6_then_the_stays_own_then_evn_2_then_msh_7),
                TEST(test_a_time_that_cannot_be_read_is_reported_and_another_stands_for_it),
                TEST(test_every_time_that_cannot_be_read_has_its_place),
                TEST(test_the_author_is_who_did_it_and_not_who_sent_it),
                TEST(test_message_time_and_id_are_read_for_the_bus),
                TEST(test_an_emptied_field_is_said_to_be_emptied),
                TEST(test_hidden_persons_are_marked),
                TEST(test_a_death_is_notified),
                TEST(test_nothing_retracts_a_death_by_itself),
                TEST(test_other_triggers_are_a_problem_and_never_nothing),
                TEST(test_what_may_touch_a_decision_a_death_a_merge_or_an_allergy_is_urgent),
                TEST(test_a_message_that_nobody_can_read_is_a_problem_with_its_place),
                TEST(test_a_second_message_or_patient_is_never_taken_for_a_part_of_the_first),
                TEST(test_what_cannot_be_read_is_urgent_where_it_may_matter),
                TEST(test_bytes_of_another_character_set_are_a_problem_with_their_place),
                TEST(test_a_message_id_beyond_the_limit_is_a_problem),
                TEST(test_a_message_without_end_costs_no_more_than_its_cap),
                TEST(test_a_trigger_that_the_profile_ignores_is_kept_nowhere),
                TEST(test_local_segments_reach_the_fields_that_the_profile_names),
                TEST(test_a_message_for_somebody_else_is_a_problem),
                TEST(test_lists_that_are_always_whole_are_said_to_be),
                TEST(test_codes_of_death_are_read_through_the_profiles_map),
                TEST(test_a_broken_segment_is_a_problem_and_gives_no_event),
                TEST(test_a_note_over_several_lines_still_gives_its_event),
                TEST(test_what_was_seen_but_not_mapped_is_listed),
                TEST(test_notes_belong_to_every_event),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
