/* What is left of facts and events that are seen in part, by examples that a person can follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "daemon/sharing/policy.h"
#include "daemon/sharing/sharing-pack.h"
#include "daemon/sharing/sharing.h"

enum { SPEAKER, NURSE, CREW, VOLUNTEER };

typedef struct Fixture {
        Config *config;
        Sharing *sharing;
        Arena *arena;
} Fixture;

static const char yaml[] =
        "bus: b\nenvironment: test\nstate: /nowhere/state\nrun: /nowhere/run\n"
        "teams:\n  speaker: {name: S, class: clinical}\n  nurse: {name: N, class: clinical}\n"
        "  crew: {name: C, class: ambulance}\n  volunteer: {name: V, class: volunteer}\n"
        "sources:\n  alpha: {team: speaker, adapter: own}\n"
        "sharing:\n"
        "  rules:\n"
        "    - {name: all, reason: a test, classes: [clinical], kinds: all}\n"
        "    - {name: form, reason: a test, classes: [ambulance], kinds: [decisions], types: [cpr_decision.recorded],\n"
        "       fields: [decision.decision, decision.discussions.held_at]}\n"
        "    - {name: place, reason: a test, classes: [ambulance], kinds: [contacts], fields: [contact.place.text],\n"
        "       relationships: [planned-visit], restricted_shown: true}\n"
        "    - {name: visits, reason: a test, classes: [ambulance], kinds: [contacts]}\n"
        "    - {name: person, reason: a test, classes: [volunteer], kinds: [demographics], fields: "
        "[demographics.names]}\n"
        "    - {name: visit, reason: a test, classes: [volunteer], kinds: [contacts]}\n"
        "  restricted: {types: [Address, Telecom, RelatedPerson], fields: [demographics.practice]}\n"
        "  existence: [conditions]\n";

static int setup(void **state) {
        ConfigFile file = { .path = (char *)"/nowhere/carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        ConfigProblems problems = { 0 };
        Carebus__V1__TeamSettings teams[4], *list[4];
        Carebus__V1__SourceSettings source = CAREBUS__V1__SOURCE_SETTINGS__INIT, *sources[1] = { &source };
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        Fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        buffer_append_text(&file.content, yaml);
        if (config_parse(&text, &fixture->config, &problems) != 0)
                config_problems_print(&problems, stderr);
        assert_non_null(fixture->config);
        config_problems_deinit(&problems);
        buffer_deinit(&file.content);
        for (size_t i = 0; i < 4; i++) {
                carebus__v1__team_settings__init(&teams[i]);
                teams[i].name = fixture->config->teams[i].name;
                teams[i].title = fixture->config->teams[i].title;
                teams[i].class_ = fixture->config->teams[i].class;
                teams[i].has_reads_all = teams[i].reads_all = true;
                list[i] = &teams[i];
        }
        source.name = (char *)"alpha";
        source.team = (char *)"speaker";
        settings.sources = sources;
        settings.n_sources = 1;
        settings.teams = list;
        settings.n_teams = 4;
        assert_int_equal(arena_new(&fixture->arena, 1 << 20), 0);
        assert_int_equal(sharing_pack(fixture->config, fixture->arena, &settings.sharing), 0);
        assert_int_equal(sharing_new(fixture->config, &settings, &fixture->sharing), 0);
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        sharing_unref(fixture->sharing);
        config_unref(fixture->config);
        arena_free(fixture->arena);
        free(fixture);
        return 0;
}

static const SharingPerson *person_of(Fixture *fixture, size_t team, const char *kind, bool restricted) {
        Carebus__V1__PersonSharing *said = arena_alloc(fixture->arena, sizeof(*said));
        Carebus__V1__Relationship *relationship = arena_alloc(fixture->arena, sizeof(*relationship)),
                                  **list = arena_alloc(fixture->arena, sizeof(*list));
        const SharingPerson *person;

        assert_true(said && relationship && list);
        carebus__v1__person_sharing__init(said);
        carebus__v1__relationship__init(relationship);
        relationship->kind = (char *)(uintptr_t)kind;
        relationship->team = fixture->config->teams[team].name;
        list[0] = relationship;
        said->relationships = list;
        said->n_relationships = 1;
        said->has_restricted = said->restricted = restricted;
        assert_int_equal(sharing_person(fixture->sharing, said, fixture->arena, &person), 0);
        return person;
}

static SharingSight cut_fact(Fixture *fixture, size_t team, const SharingPerson *person, const char *section,
                             Carebus__V1__Fact *fact) {
        SharingThing thing = sharing_thing_of_fact(fixture->sharing, section, fact);
        SharingVerdict verdict = sharing_may_see(fixture->sharing, team, person, &thing);

        assert_int_equal(sharing_cut_fact(fixture->sharing, team, person, &verdict, fact, fixture->arena), 0);
        return verdict.sight;
}

static bool is_redacted(char *const *redacted, size_t n, const char *path) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(redacted[i], path) == 0)
                        return true;
        return false;
}

static void test_a_fact_in_part_says_nothing_by_its_key_and_its_envelope(void **state) {
        Fixture *fixture = *state;
        Carebus__V1__Fact fact = CAREBUS__V1__FACT__INIT;
        Carebus__V1__Decision decision = CAREBUS__V1__DECISION__INIT;
        Carebus__V1__Coded coded = CAREBUS__V1__CODED__INIT;
        Carebus__V1__Discussion discussion = CAREBUS__V1__DISCUSSION__INIT, *discussions[1] = { &discussion };
        Carebus__V1__When when = CAREBUS__V1__WHEN__INIT;
        char *history[] = { (char *)"3.0", (char *)"5.0" };
        char *cleared[] = { (char *)"decision.decision", (char *)"decision.reason_text", (char *)"decision" };

        fact.key = (char *)"cpr/what somebody said of it";
        fact.source = (char *)"alpha";
        fact.event_id = (char *)"5.0";
        fact.source_message_id = (char *)"SMITH-17";
        fact.history = history;
        fact.n_history = 2;
        fact.cleared = cleared;
        fact.n_cleared = 3;
        fact.occurred_at = &when;
        when.text = (char *)"the day after her birthday";
        fact.value_case = CAREBUS__V1__FACT__VALUE_DECISION;
        fact.decision = &decision;
        decision.has_kind = true;
        decision.kind = CAREBUS__V1__DECISION__KIND__KIND_CPR;
        decision.decision = &coded;
        coded.text = (char *)"not for CPR";
        decision.reason_text = (char *)"too frail";
        decision.discussions = discussions;
        decision.n_discussions = 1;
        discussion.text = (char *)"daughter upset";
        assert_int_equal(cut_fact(fixture, CREW, person_of(fixture, CREW, "contact", false), "decisions", &fact),
                         SHARING_PART);
        assert_string_equal(fact.key, "3.0");
        assert_null(fact.source_message_id);
        assert_null(fact.occurred_at);
        assert_string_equal(fact.decision->decision->text, "not for CPR");
        assert_null(fact.decision->reason_text);
        assert_int_equal(fact.decision->n_discussions, 0); /* nothing was left of it */
        assert_false(fact.decision->has_kind);
        assert_int_equal(fact.n_cleared, 2);
        assert_string_equal(fact.cleared[0], "decision.decision");
        assert_true(is_redacted(fact.redacted, fact.n_redacted, "decision.reason_text"));
        assert_true(is_redacted(fact.redacted, fact.n_redacted,
                                "decision.attorneys")); /* whether there is anything or not */
        assert_false(is_redacted(fact.redacted, fact.n_redacted, "decision.decision"));
}

static void test_a_decision_of_another_kind_is_no_cpr_decision(void **state) {
        Fixture *fixture = *state;
        Carebus__V1__Fact fact = CAREBUS__V1__FACT__INIT;
        Carebus__V1__Decision decision = CAREBUS__V1__DECISION__INIT;

        fact.source = (char *)"alpha";
        fact.value_case = CAREBUS__V1__FACT__VALUE_DECISION;
        fact.decision = &decision;
        decision.has_kind = true;
        decision.kind = CAREBUS__V1__DECISION__KIND__KIND_LPA;
        assert_int_equal(cut_fact(fixture, CREW, person_of(fixture, CREW, "contact", false), "decisions", &fact),
                         SHARING_HIDDEN);
        assert_int_equal(fact.value_case, CAREBUS__V1__FACT__VALUE__NOT_SET);
}

static void test_a_whole_fact_stays_as_it_is(void **state) {
        Fixture *fixture = *state;
        Carebus__V1__Fact fact = CAREBUS__V1__FACT__INIT;
        Carebus__V1__Condition condition = CAREBUS__V1__CONDITION__INIT;

        fact.key = (char *)"key";
        fact.source = (char *)"alpha";
        fact.source_message_id = (char *)"M1";
        fact.value_case = CAREBUS__V1__FACT__VALUE_CONDITION;
        fact.condition = &condition;
        assert_int_equal(cut_fact(fixture, NURSE, person_of(fixture, NURSE, "referral", true), "conditions", &fact),
                         SHARING_WHOLE);
        assert_string_equal(fact.key, "key");
        assert_string_equal(fact.source_message_id, "M1");
        assert_int_equal(fact.n_redacted, 0);
        /* and so does one of the team's own system, of anybody */
        assert_int_equal(cut_fact(fixture, SPEAKER, NULL, "conditions", &fact), SHARING_WHOLE);
        assert_int_equal(cut_fact(fixture, NURSE, NULL, "conditions", &fact), SHARING_HIDDEN);
}

static void test_what_an_event_says_of_the_patient_goes_by_the_rules_of_demographics(void **state) {
        Fixture *fixture = *state;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Contact contact = CAREBUS__V1__CONTACT__INIT;
        Carebus__V1__Subject patient = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Carebus__V1__HumanName name = CAREBUS__V1__HUMAN_NAME__INIT, *names[1] = { &name };
        Carebus__V1__Address address = CAREBUS__V1__ADDRESS__INIT, *addresses[1] = { &address };
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT, *identifiers[1] = { &identifier };
        char *replaces[] = { (char *)"4.0", (char *)"alpha/SMITH-17" };
        const SharingPerson *person = person_of(fixture, VOLUNTEER, "planned-visit", false);
        SharingThing thing;
        SharingVerdict verdict;

        event.type = (char *)"visit.planned";
        event.source = (char *)"alpha";
        event.source_message_id = (char *)"SMITH-17";
        event.body_case = CAREBUS__V1__EVENT__BODY_CONTACT;
        event.contact = &contact;
        contact.summary = (char *)"tea at four";
        event.replaces = replaces;
        event.n_replaces = 2;
        event.patient = &patient;
        patient.patient_id = (char *)"p1.0";
        patient.identifiers = identifiers;
        patient.n_identifiers = 1;
        identifier.value = (char *)"9434765919";
        patient.demographics = &demographics;
        demographics.names = names;
        demographics.addresses = addresses;
        demographics.n_names = demographics.n_addresses = 1;
        name.family = (char *)"Smith";
        address.postal_code = (char *)"LS1 1AA";
        thing = sharing_thing_of_event(fixture->sharing, &event);
        verdict = sharing_may_see(fixture->sharing, VOLUNTEER, person, &thing);
        assert_int_equal(verdict.sight, SHARING_PART);
        assert_string_equal(verdict.relationship->kind, "planned-visit");
        assert_int_equal(sharing_cut_event(fixture->sharing, VOLUNTEER, person, &verdict, &event, fixture->arena), 0);
        assert_string_equal(event.contact->summary, "tea at four");
        assert_string_equal(event.patient->demographics->names[0]->family, "Smith");
        assert_int_equal(event.patient->demographics->n_addresses, 0);
        assert_int_equal(event.patient->n_identifiers, 0);
        assert_string_equal(event.patient->patient_id, "p1.0");
        assert_null(event.source_message_id);
        assert_int_equal(event.n_replaces, 1);
        assert_string_equal(event.replaces[0], "4.0");
        assert_true(is_redacted(event.redacted, event.n_redacted, "demographics.addresses"));
        /* an event that says nothing of the patient is whole */
        event.patient = NULL;
        thing = sharing_thing_of_event(fixture->sharing, &event);
        assert_int_equal(sharing_may_see(fixture->sharing, VOLUNTEER, person, &thing).sight, SHARING_WHOLE);
}

static void test_what_one_rule_shields_another_may_show(void **state) {
        Fixture *fixture = *state;
        Carebus__V1__Fact fact = CAREBUS__V1__FACT__INIT;
        Carebus__V1__Contact contact = CAREBUS__V1__CONTACT__INIT;
        Carebus__V1__Place place = CAREBUS__V1__PLACE__INIT;
        Carebus__V1__RelatedPerson caller = CAREBUS__V1__RELATED_PERSON__INIT;

        fact.source = (char *)"alpha";
        fact.value_case = CAREBUS__V1__FACT__VALUE_CONTACT;
        fact.contact = &contact;
        contact.summary = (char *)"fell";
        contact.place = &place;
        contact.caller = &caller;
        caller.set_id = (char *)"1";
        place.kind = (char *)"home";
        place.text = (char *)"1 High Street";
        place.room = (char *)"upstairs";
        assert_int_equal(cut_fact(fixture, CREW, person_of(fixture, CREW, "planned-visit", true), "contacts", &fact),
                         SHARING_PART);
        assert_string_equal(contact.summary, "fell");
        assert_string_equal(contact.place->text, "1 High Street"); /* by the rule `place` */
        assert_null(contact.place->room);
        assert_null(contact.caller);
        /* a hospital is nobody's home */
        place.kind = (char *)"hospital";
        place.room = (char *)"7";
        assert_int_equal(cut_fact(fixture, CREW, person_of(fixture, CREW, "contact", true), "contacts", &fact),
                         SHARING_PART);
        assert_string_equal(contact.place->room, "7");
        place.kind = (char *)"home";
        assert_int_equal(cut_fact(fixture, CREW, person_of(fixture, CREW, "contact", true), "contacts", &fact),
                         SHARING_PART);
        assert_null(contact.place);
}

static void test_a_section_says_the_same_whatever_there_is(void **state) {
        Fixture *fixture = *state;
        const SharingPerson *crew = person_of(fixture, CREW, "contact", false),
                            *nurse = person_of(fixture, NURSE, "referral", false);

        assert_int_equal(sharing_section(fixture->sharing, CREW, crew, "decisions"), SHARING_PART);
        assert_int_equal(sharing_section(fixture->sharing, CREW, crew, "contacts"), SHARING_WHOLE);
        assert_int_equal(sharing_section(fixture->sharing, CREW, crew, "conditions"), SHARING_HIDDEN);
        assert_int_equal(sharing_section(fixture->sharing, NURSE, nurse, "decisions"), SHARING_WHOLE);
        assert_int_equal(sharing_section(fixture->sharing, NURSE, nurse, "conditions"),
                         SHARING_PART); /* of `existence` */
        assert_int_equal(sharing_section(fixture->sharing, NURSE, NULL, "decisions"), SHARING_HIDDEN);
}

static void test_every_section_is_a_kind_and_has_its_body(void **state) {
        size_t n = 0;

        for (; section_at(n); n++) {
                assert_int_equal(kind_find(section_at(n)), n);
                assert_string_equal(kind_at(n), section_at(n));
                assert_true(kind_body(n)->flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
        }
        assert_int_equal(kind_find("services"), n);
        assert_int_equal(kind_find("notices"), n + 1);
        assert_int_equal(kind_count(), n + 2);
        assert_null(kind_at(n + 2));
        assert_true(kind_count() <= POLICY_KINDS_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_fact_in_part_says_nothing_by_its_key_and_its_envelope),
                cmocka_unit_test(test_a_decision_of_another_kind_is_no_cpr_decision),
                cmocka_unit_test(test_a_whole_fact_stays_as_it_is),
                cmocka_unit_test(test_what_an_event_says_of_the_patient_goes_by_the_rules_of_demographics),
                cmocka_unit_test(test_what_one_rule_shields_another_may_show),
                cmocka_unit_test(test_a_section_says_the_same_whatever_there_is),
                cmocka_unit_test(test_every_section_is_a_kind_and_has_its_body),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
