/* What an event says of itself: decisions that can be read and those that cannot, scales, places, respondents, and whose it is. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "canon/defaults.h"
#include "canon/normalise.h"
#include "canon/vocabulary.h"

#define ARENA_BYTES (256 * 1024)
#define STATUS(name) CAREBUS__V1__DECISION__STATUS__STATUS_##name
#define T(text) ((char *)(text))

typedef struct Case {
        Arena *arena;
        CanonCounts counts;
        CanonRules rules;
        Carebus__V1__Event event;
        Carebus__V1__Decision decision;
        Carebus__V1__Measure measure;
        Carebus__V1__Encounter encounter;
        Carebus__V1__Referral referral;
        Carebus__V1__Coded coded;
        Carebus__V1__OriginalCode original;
} Case;

static int case_setup(void **state) {
        Case *c = calloc(1, sizeof(*c));
        if (!c || arena_new(&c->arena, ARENA_BYTES) < 0)
                return -1;
        *state = c;
        return 0;
}

static int case_teardown(void **state) {
        Case *c = *state;
        arena_free(c->arena);
        free(c);
        return 0;
}

static void begin(Case *c, const char *type) {
        arena_reset(c->arena);
        carebus__v1__event__init(&c->event);
        carebus__v1__decision__init(&c->decision);
        carebus__v1__measure__init(&c->measure);
        carebus__v1__encounter__init(&c->encounter);
        carebus__v1__referral__init(&c->referral);
        carebus__v1__coded__init(&c->coded);
        carebus__v1__original_code__init(&c->original);
        c->event.type = T(type);
}

static void begin_decision(Case *c, const char *type) {
        begin(c, type);
        c->event.body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        c->event.decision = &c->decision;
}

static void normalise(Case *c) {
        assert_int_equal(canon_normalise(&c->event, &c->rules, c->arena, &c->counts), 0);
}

/* Again changes nothing, and the same texts stay. */
static void assert_decision(Case *c, const char *system, const char *code, const char *text) {
        for (int turn = 0; turn < 2; turn++) {
                normalise(c);
                const Carebus__V1__Coded *decision = c->decision.decision;
                assert_non_null(decision);
                assert_string_equal(decision->system, system);
                assert_string_equal(decision->code, code);
                assert_non_null(decision->display);
                if (text)
                        assert_string_equal(decision->text, text);
                else
                        assert_null(decision->text);
                assert_true(c->decision.has_kind && c->decision.has_status);
                assert_int_equal(c->decision.kind, CAREBUS__V1__DECISION__KIND__KIND_CPR);
        }
}

static void assert_not_known(Case *c, const char *text) {
        uint64_t before = c->counts.meanings_unknown;
        assert_decision(c, SYSTEM_CAREBUS_DECISION, CODE_MEANING_NOT_KNOWN, text);
        assert_string_equal(c->decision.decision->display, DISPLAY_MEANING_NOT_KNOWN);
        assert_int_equal(c->counts.meanings_unknown, before + 2);
}

static void test_a_shared_code_is_the_decision(void **state) {
        Case *c = *state;
        begin_decision(c, "cpr_decision.recorded");
        c->coded.system = T(SYSTEM_SNOMED_CT);
        c->coded.code = T(CODE_CPR_DO_NOT_ATTEMPT);
        c->decision.decision = &c->coded;
        assert_decision(c, SYSTEM_SNOMED_CT, CODE_CPR_DO_NOT_ATTEMPT, NULL);
        assert_int_equal(c->decision.status, STATUS(ACTIVE));
        assert_null(c->coded.original);
}

static void test_an_older_code_becomes_the_newer_and_stays(void **state) {
        Case *c = *state;
        begin_decision(c, "cpr_decision.recorded");
        c->coded.system = T("SCT");
        c->coded.code = T("304253006");
        c->coded.display = T("Not for resuscitation");
        c->decision.decision = &c->coded;
        assert_decision(c, SYSTEM_SNOMED_CT, CODE_CPR_DO_NOT_ATTEMPT, NULL);
        assert_string_equal(c->coded.original->code, "304253006");
        assert_string_equal(c->coded.original->display, "Not for resuscitation");
}

static void test_a_text_that_can_mean_one_thing_is_the_decision(void **state) {
        Case *c = *state;
        begin_decision(c, "cpr_decision.recorded");
        c->decision.decision_text = T("DNACPR");
        assert_decision(c, SYSTEM_SNOMED_CT, CODE_CPR_DO_NOT_ATTEMPT, "DNACPR");
        begin_decision(c, "cpr_decision.recorded");
        c->coded.text = T("For attempted CPR");
        c->decision.decision = &c->coded;
        assert_decision(c, SYSTEM_SNOMED_CT, CODE_CPR_ATTEMPT, "For attempted CPR");
        /* a local code that is a word, of a Decision that is no cpr_decision.* */
        begin_decision(c, "decision.recorded");
        c->decision.has_kind = true;
        c->decision.kind = CAREBUS__V1__DECISION__KIND__KIND_CPR;
        c->coded.code = T("DNACPR");
        c->decision.decision = &c->coded;
        assert_decision(c, SYSTEM_SNOMED_CT, CODE_CPR_DO_NOT_ATTEMPT, NULL);
        assert_string_equal(c->coded.original->code, "DNACPR");
}

static void test_what_nobody_can_read_is_a_decision_all_the_same(void **state) {
        Case *c = *state;
        begin_decision(c, "cpr_decision.recorded");
        c->decision.decision_text = T("FULL ACTIVE TREATMENT");
        assert_not_known(c, "FULL ACTIVE TREATMENT");
        begin_decision(c, "cpr_decision.recorded");
        c->coded.original = &c->original;
        c->original.system = T("EPC");
        c->original.code = T("CON34");
        c->original.display = T("Resus form");
        c->coded.text = T("yes");
        c->decision.decision = &c->coded;
        assert_not_known(c, "yes");
        assert_string_equal(c->original.code, "CON34");
        assert_string_equal(c->original.display, "Resus form");
        /* a shared code of something else */
        begin_decision(c, "cpr_decision.recorded");
        c->coded.system = T(SYSTEM_SNOMED_CT);
        c->coded.code = T("713656002");
        c->decision.decision = &c->coded;
        assert_not_known(c, NULL);
        assert_string_equal(c->coded.original->system, SYSTEM_SNOMED_CT);
        assert_string_equal(c->coded.original->code, "713656002");
        /* nothing at all */
        begin_decision(c, "cpr_decision.recorded");
        assert_not_known(c, NULL);
        /* the name of a form is no decision, where who read it says so */
        begin_decision(c, "cpr_decision.recorded");
        c->coded.system = T(SYSTEM_CAREBUS_DECISION);
        c->coded.code = T(CODE_MEANING_NOT_KNOWN);
        c->coded.display = T(DISPLAY_MEANING_NOT_KNOWN);
        c->coded.text = T("DNACPR");
        c->decision.decision = &c->coded;
        assert_not_known(c, "DNACPR");
        begin_decision(c, "cpr_decision.recorded");
        c->decision.text = T("see the yellow folder");
        assert_not_known(c, "see the yellow folder");
}

static void test_words_against_a_code_are_no_decision(void **state) {
        Case *c = *state;
        begin_decision(c, "cpr_decision.recorded");
        c->coded.system = T(SYSTEM_SNOMED_CT);
        c->coded.code = T(CODE_CPR_ATTEMPT);
        c->coded.text = T("Not for attempted CPR");
        c->decision.decision = &c->coded;
        assert_not_known(c, "Not for attempted CPR");
        assert_string_equal(c->coded.original->code, CODE_CPR_ATTEMPT);
        begin_decision(c, "cpr_decision.recorded");
        c->coded.text = T("DNACPR");
        c->decision.decision = &c->coded;
        c->decision.decision_text = T("for CPR");
        assert_not_known(c, "DNACPR");
}

static void test_a_map_counts_only_where_it_is_signed(void **state) {
        static ProfileMapEntry entries[] = { { T("FULL ACTIVE TREATMENT"), T(SYSTEM_SNOMED_CT), T(CODE_CPR_ATTEMPT),
                                               NULL } };
        ProfileMap map = { .path = T("decision.decision"), .entries = entries, .n_entries = 1 };
        Profile profile = { .name = T("test"), .maps = &map, .n_maps = 1 };
        Case *c = *state;
        c->rules.profile = &profile;
        for (int is_signed = 0; is_signed < 2; is_signed++) {
                map.signed_by = is_signed ? T("Dr A. Example") : NULL;
                map.signed_on = is_signed ? T("2026-03-01") : NULL;
                begin_decision(c, "cpr_decision.recorded");
                c->coded.text = T("Full active treatment");
                c->coded.original = &c->original;
                c->original.code = T("CON35");
                c->decision.decision = &c->coded;
                if (is_signed)
                        assert_decision(c, SYSTEM_SNOMED_CT, CODE_CPR_ATTEMPT, "Full active treatment");
                else
                        assert_not_known(c, "Full active treatment");
                assert_string_equal(c->original.code, "CON35");
        }
        /* nobody's name is no signature */
        map.signed_by = NULL;
        begin_decision(c, "cpr_decision.recorded");
        c->coded.code = T("FULL ACTIVE TREATMENT");
        c->decision.decision = &c->coded;
        assert_not_known(c, NULL);
}

static void test_the_end_of_a_decision_needs_no_meaning(void **state) {
        Case *c = *state;
        begin_decision(c, "cpr_decision.ended");
        normalise(c);
        assert_null(c->decision.decision);
        assert_int_equal(c->decision.status, STATUS(ENDED));
        assert_int_equal(c->decision.kind, CAREBUS__V1__DECISION__KIND__KIND_CPR);
        assert_int_equal(c->counts.meanings_unknown, 0);
        begin_decision(c, "cpr_decision.ended");
        c->event.has_action = true;
        c->event.action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        c->decision.decision_text = T("DNACPR");
        assert_decision(c, SYSTEM_SNOMED_CT, CODE_CPR_DO_NOT_ATTEMPT, "DNACPR");
        assert_int_equal(c->decision.status, STATUS(ENTERED_IN_ERROR));
        /* what was said of it stays */
        begin_decision(c, "cpr_decision.recorded");
        c->decision.has_status = true;
        c->decision.status = STATUS(DRAFT);
        normalise(c);
        assert_int_equal(c->decision.status, STATUS(DRAFT));
}

static void test_a_preferred_place_is_one_in_word_and_code(void **state) {
        static const struct {
                const char *type, *word, *system, *code;
        } rows[] = { { "preference.place_of_death", "Home", SYSTEM_SNOMED_CT, "110481000000108" },
                     { "preference.place_of_death", "hospice", SYSTEM_SNOMED_CT, "108401000000102" },
                     { "preference.place_of_care", "care home", SYSTEM_CAREBUS_PLACE, "care-home" } };
        Case *c = *state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                begin_decision(c, rows[i].type);
                c->coded.text = T(rows[i].word);
                c->decision.place = &c->coded;
                normalise(c);
                assert_string_equal(c->decision.place->system, rows[i].system);
                assert_string_equal(c->decision.place->code, rows[i].code);
                assert_string_equal(c->decision.place->text, rows[i].word);
                assert_string_equal(c->decision.decision->code, rows[i].code);
        }
        begin_decision(c, "preference.place_of_death");
        c->coded.system = T(SYSTEM_SNOMED_CT);
        c->coded.code = T("110481000000108");
        c->decision.decision = &c->coded;
        normalise(c);
        assert_string_equal(c->decision.place->code, "110481000000108");
        assert_string_equal(c->decision.place->display, "preferred place of death: home");
        begin_decision(c, "preference.place_of_death");
        c->coded.text = T("by the sea");
        c->decision.place = &c->coded;
        normalise(c);
        assert_null(c->decision.place->code);
        assert_string_equal(c->decision.decision->text, "by the sea");
}

static void test_a_score_is_of_one_scale_whatever_it_is_called(void **state) {
        static const struct {
                const char *system, *code, *text;
        } rows[] = { { SYSTEM_SNOMED_CT, "901671000000100", NULL },
                     { NULL, "AKPS", NULL },
                     { NULL, NULL, "akps" },
                     { SYSTEM_SNOMED_CT, "901361000000101", "Australia-modified Karnofsky" } };
        Case *c = *state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                Carebus__V1__Quantity total = CAREBUS__V1__QUANTITY__INIT;
                begin(c, "outcome.measured");
                c->event.body_case = CAREBUS__V1__EVENT__BODY_MEASURE;
                c->event.measure = &c->measure;
                c->coded.system = T(rows[i].system);
                c->coded.code = T(rows[i].code);
                c->coded.text = T(rows[i].text);
                c->measure.scale = &c->coded;
                total.value = T("40");
                total.unit = T("{score}");
                c->measure.total = &total;
                normalise(c);
                assert_string_equal(c->coded.system, SYSTEM_SNOMED_CT);
                assert_string_equal(c->coded.code, "901361000000101");
                assert_string_equal(c->coded.display, "Australia-modified Karnofsky Performance Status");
                assert_string_equal(total.value, "40");
                assert_null(total.unit);
                assert_string_equal(total.original_unit, "{score}");
        }
        /* a terminology has said what it is */
        begin(c, "outcome.measured");
        c->event.body_case = CAREBUS__V1__EVENT__BODY_MEASURE;
        c->event.measure = &c->measure;
        c->coded.system = T(SYSTEM_SNOMED_CT);
        c->coded.code = T("12345678");
        c->coded.text = T("AKPS");
        c->measure.scale = &c->coded;
        normalise(c);
        assert_string_equal(c->coded.code, "12345678");
}

static void test_a_phase_and_a_respondent_are_known_by_their_words(void **state) {
        Carebus__V1__Coded result = CAREBUS__V1__CODED__INIT, who = CAREBUS__V1__CODED__INIT;
        Case *c = *state;
        begin(c, "outcome.measured");
        c->event.body_case = CAREBUS__V1__EVENT__BODY_MEASURE;
        c->event.measure = &c->measure;
        c->coded.text = T("phase of illness");
        c->measure.scale = &c->coded;
        result.text = T("Deteriorating");
        c->measure.result = &result;
        who.text = T("Relative");
        c->measure.respondent_coded = &who;
        normalise(c);
        assert_string_equal(result.system, SYSTEM_CAREBUS_PHASE);
        assert_string_equal(result.code, "deteriorating");
        assert_string_equal(result.text, "Deteriorating");
        assert_int_equal(c->measure.respondent, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_PROXY);
        c->measure.respondent = CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF; /* said */
        normalise(c);
        assert_int_equal(c->measure.respondent, CAREBUS__V1__MEASURE__RESPONDENT__RESPONDENT_STAFF);
}

static void test_codes_and_words_of_three_languages_are_one_class(void **state) {
        static const struct {
                const char *system, *code, *display, *text;
        } rows[] = { { NULL, "I", NULL, NULL },
                     { NULL, "IMP", NULL, NULL },
                     { SYSTEM_ACT_CODE, "IMP", "inpatient encounter", NULL },
                     { SYSTEM_ACT_CODE, "IMP", NULL, NULL },
                     { NULL, NULL, NULL, "Inpatient" } };
        Profile profile = { .name = T("test") };
        Case *c = *state;
        for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
                size_t row = i / 2;
                c->rules.profile = i % 2 ? &profile : NULL;
                begin(c, "encounter.admitted");
                c->event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
                c->event.encounter = &c->encounter;
                c->encounter.class_ = &c->coded;
                c->coded.system = T(rows[row].system);
                c->coded.code = T(rows[row].code);
                c->coded.display = T(rows[row].display);
                c->coded.text = T(rows[row].text);
                normalise(c);
                assert_string_equal(c->coded.system, SYSTEM_ACT_CODE);
                assert_string_equal(c->coded.code, "IMP");
                assert_string_equal(c->coded.display, "inpatient");
                if (rows[row].display)
                        assert_string_equal(c->coded.text, rows[row].display); /* its own words are not lost */
        }
        assert_int_equal(c->counts.maps_missed, 0);
}

static void test_a_map_of_the_profile_stands_for_all_of_the_default(void **state) {
        static ProfileMapEntry entries[] = { { T("X"), T("urn:x"), T("other"), NULL } };
        ProfileMap map = { .path = T("encounter.class"), .entries = entries, .n_entries = 1 };
        Profile profile = { .name = T("test"), .maps = &map, .n_maps = 1 };
        Case *c = *state;
        c->rules.profile = &profile;
        begin(c, "encounter.admitted");
        c->event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        c->event.encounter = &c->encounter;
        c->encounter.class_ = &c->coded;
        c->coded.code = T("I");
        normalise(c);
        assert_null(c->coded.system);
        assert_string_equal(c->coded.original->code, "I");
        assert_int_equal(c->counts.maps_missed, 1);
}

static void test_every_default_map_can_be_searched(void **state) {
        const ProfileMap *map;
        for (size_t i = 0; (map = default_map_at(i)); i++) {
                assert_ptr_equal(default_map_find(map->path), map);
                assert_true(map->n_entries > 3);
                for (size_t k = 0; k < map->n_entries; k++) {
                        if (k > 0 && strcmp(map->entries[k - 1].code, map->entries[k].code) >= 0)
                                fail_msg("%s: '%s' is behind '%s'", map->path, map->entries[k].code,
                                         map->entries[k - 1].code);
                        assert_ptr_equal(profile_map_find(map, map->entries[k].code), &map->entries[k]);
                }
                assert_true(strncmp(map->path, "decision.", 9) != 0);
        }
        assert_null(default_map_find("decision.decision"));
}

static void test_priority_says_whether_it_is_urgent(void **state) {
        Case *c = *state;
        begin(c, "referral.requested");
        c->event.body_case = CAREBUS__V1__EVENT__BODY_REFERRAL;
        c->event.referral = &c->referral;
        c->referral.priority = &c->coded;
        c->coded.code = T("S");
        normalise(c);
        assert_string_equal(c->coded.code, "stat");
        assert_true(c->referral.has_urgent && c->referral.urgent);
        begin(c, "referral.requested");
        c->event.body_case = CAREBUS__V1__EVENT__BODY_REFERRAL;
        c->event.referral = &c->referral;
        c->referral.priority = &c->coded;
        c->coded.code = T("two-week wait");
        normalise(c);
        assert_false(c->referral.has_urgent);
}

/*
 * Teams
 */

static char *oncology[] = { T("370"), T("Medical Oncology") };
static char *wards[] = { T("W1"), T("W2") };
static char *inpatient[] = { T("IMP") };
static ProfileTeamCondition by_specialty[] = { { T("encounter.specialty"), oncology, 2 } };
static ProfileTeamCondition by_ward[] = { { T("encounter.place.point_of_care"), wards, 2 },
                                          { T("encounter.class"), inpatient, 1 } };
static char *asked[] = { T("Hospice at Home") };
static ProfileTeamCondition by_service[] = { { T("referral.to"), asked, 1 } };
static char *practices[] = { T("A81001") };
static ProfileTeamCondition by_practice[] = { { T("demographics.practice"), practices, 1 } };
static char *doctors[] = { T("C3456789") };
static ProfileTeamCondition by_doctor[] = { { T("encounter.participants.practitioner.identifier"), doctors, 1 } };
static ProfileTeam teams[] = { { T("oncology"), by_specialty, 1 },
                               { T("ward"), by_ward, 2 },
                               { T("hospice"), by_service, 1 },
                               { T("doctor"), by_doctor, 1 },
                               { T("practice"), by_practice, 1 } };
static const Profile with_teams = { .name = (char *)"teams", .teams = teams, .n_teams = 5 };

static const char *team_of(Case *c) {
        c->rules.profile = &with_teams;
        c->rules.team = "own";
        normalise(c);
        return c->event.team;
}

static void begin_encounter(Case *c) {
        begin(c, "encounter.admitted");
        c->event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        c->event.encounter = &c->encounter;
        c->encounter.specialty = &c->coded;
}

static void test_an_event_belongs_to_the_first_team_whose_row_holds(void **state) {
        Carebus__V1__Place place = CAREBUS__V1__PLACE__INIT;
        Carebus__V1__Coded class = CAREBUS__V1__CODED__INIT;
        Case *c = *state;
        begin_encounter(c);
        c->coded.code = T("370");
        assert_string_equal(team_of(c), "oncology");
        begin_encounter(c);
        c->coded.text = T("medical oncology");
        assert_string_equal(team_of(c), "oncology");
        begin_encounter(c);
        c->coded.original = &c->original;
        c->original.code = T("370");
        c->event.team = T("whatever the adapter said");
        assert_string_equal(team_of(c), "oncology");
        /* both conditions, the class as it is mapped */
        begin_encounter(c);
        c->encounter.place = &place;
        place.point_of_care = T("w2");
        assert_string_equal(team_of(c), "own");
        class.code = T("I");
        c->encounter.class_ = &class;
        assert_string_equal(team_of(c), "ward");
        begin_encounter(c);
        c->coded.code = T("3700");
        assert_string_equal(team_of(c), "own");
        c->rules.team = NULL;
        normalise(c);
        assert_null(c->event.team);
}

static void test_a_team_is_found_through_lists_services_and_the_patient(void **state) {
        Carebus__V1__ServiceRef to = CAREBUS__V1__SERVICE_REF__INIT;
        Carebus__V1__Participant first = CAREBUS__V1__PARTICIPANT__INIT, second = CAREBUS__V1__PARTICIPANT__INIT;
        Carebus__V1__Participant *participants[] = { &first, &second };
        Carebus__V1__Practitioner doctor = CAREBUS__V1__PRACTITIONER__INIT;
        Carebus__V1__Identifier id = CAREBUS__V1__IDENTIFIER__INIT, practice_id = CAREBUS__V1__IDENTIFIER__INIT;
        Carebus__V1__Subject patient = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Carebus__V1__Organisation practice = CAREBUS__V1__ORGANISATION__INIT;
        Case *c = *state;
        begin(c, "referral.requested");
        c->event.body_case = CAREBUS__V1__EVENT__BODY_REFERRAL;
        c->event.referral = &c->referral;
        c->referral.to = &to;
        to.name = T("HOSPICE AT HOME");
        assert_string_equal(team_of(c), "hospice");
        begin_encounter(c);
        c->encounter.participants = participants;
        c->encounter.n_participants = 2;
        second.practitioner = &doctor;
        doctor.identifier = &id;
        id.value = T("C3456789");
        assert_string_equal(team_of(c), "doctor");
        begin_encounter(c);
        c->event.patient = &patient;
        patient.demographics = &demographics;
        demographics.practice = &practice;
        practice.identifier = &practice_id;
        practice_id.value = T("A81001");
        assert_string_equal(team_of(c), "practice");
        begin(c, "patient.updated");
        c->event.body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        c->event.demographics = &demographics;
        assert_string_equal(team_of(c), "practice");
}

static void test_a_full_arena_is_said(void **state) {
        Case *c = *state;
        Arena *tiny = NULL;
        begin_decision(c, "cpr_decision.recorded");
        assert_int_equal(arena_new(&tiny, 16), 0);
        assert_int_equal(canon_normalise(&c->event, &c->rules, tiny, NULL), -ENOMEM);
        arena_free(tiny);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, case_setup, case_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_a_shared_code_is_the_decision),
                TEST(test_an_older_code_becomes_the_newer_and_stays),
                TEST(test_a_text_that_can_mean_one_thing_is_the_decision),
                TEST(test_what_nobody_can_read_is_a_decision_all_the_same),
                TEST(test_words_against_a_code_are_no_decision),
                TEST(test_a_map_counts_only_where_it_is_signed),
                TEST(test_the_end_of_a_decision_needs_no_meaning),
                TEST(test_a_preferred_place_is_one_in_word_and_code),
                TEST(test_a_score_is_of_one_scale_whatever_it_is_called),
                TEST(test_a_phase_and_a_respondent_are_known_by_their_words),
                TEST(test_codes_and_words_of_three_languages_are_one_class),
                TEST(test_a_map_of_the_profile_stands_for_all_of_the_default),
                TEST(test_every_default_map_can_be_searched),
                TEST(test_priority_says_whether_it_is_urgent),
                TEST(test_an_event_belongs_to_the_first_team_whose_row_holds),
                TEST(test_a_team_is_found_through_lists_services_and_the_patient),
                TEST(test_a_full_arena_is_said),
        };
        return cmocka_run_group_tests_name("canon meaning", tests, NULL, NULL);
}
