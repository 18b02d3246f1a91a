/* The table of facts, their keys, and how their claims are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/plain.h"
#include "proto/types.h"

#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

static int set_up(void **state) {
        Arena *arena;

        assert_int_equal(arena_new(&arena, 1UL << 24), 0);
        *state = arena;
        return 0;
}

static int tear_down(void **state) {
        arena_free(*state);
        return 0;
}

static Carebus__V1__Event *event_new(const char *type, Arena *arena) {
        Carebus__V1__Event *event = MAKE(event, arena);

        event->type = (char *)type;
        event->event_id = (char *)"7.0";
        event->source_message_id = (char *)"M7";
        return event;
}

static Carebus__V1__Identifier *id_new(const char *value, Arena *arena) {
        Carebus__V1__Identifier *id = MAKE(identifier, arena);

        id->system = (char *)"urn:ids";
        id->value = (char *)value;
        return id;
}

static Carebus__V1__Coded *code_new(const char *code, Arena *arena) {
        Carebus__V1__Coded *coded = MAKE(coded, arena);

        coded->system = (char *)"sct";
        coded->code = (char *)code;
        return coded;
}

static Carebus__V1__When *when_new(int64_t at, Arena *arena) {
        Carebus__V1__When *when = MAKE(when, arena);

        when->has_utc_at = 1;
        when->utc_at = at;
        return when;
}

static void fields_exist(const ProtobufCMessageDescriptor *body, const char *names) {
        for (const char *at = names; at; at = strchr(at, '|')) {
                char name[64];
                const ProtobufCMessageDescriptor *of = body;

                at += *at == '|';
                snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "|"), at);
                if (name[0] == '@')
                        of = &carebus__v1__event__descriptor;
                if (!protobuf_c_message_descriptor_get_field_by_name(of, name + (name[0] == '@')))
                        fail_msg("%s has no field %s", of->name, name);
        }
}

static void list_exists(const ProtobufCMessageDescriptor *body, const char *name) {
        fields_exist(body, name);
        assert_int_equal(protobuf_c_message_descriptor_get_field_by_name(body, name)->label, PROTOBUF_C_LABEL_REPEATED);
}

/* A name that is not in the schema would only make all facts of a kind one. */
static void test_every_field_that_the_table_names_is_in_the_schema(void **state) {
        const EventType *type;

        for (size_t i = 0; (type = event_type_at(i)); i++) {
                Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
                const ProtobufCFieldDescriptor *body;
                const PlainRow *row;

                event.type = (char *)type->name;
                row = plain_row(&event);
                if (!row)
                        continue;
                body = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor, row->body);
                assert_string_equal(body->name, row->name);
                for (size_t j = 0; j < ELEMENTSOF(row->ids) && row->ids[j]; j++)
                        fields_exist(body->descriptor, row->ids[j]);
                for (size_t j = 0; j < ELEMENTSOF(row->natural) && row->natural[j]; j++)
                        fields_exist(body->descriptor, row->natural[j]);
                for (size_t j = 0; j < ELEMENTSOF(row->partial) && row->partial[j]; j++)
                        list_exists(body->descriptor, row->partial[j]);
                if (row->status)
                        fields_exist(body->descriptor, row->status);
                if (row->replaces)
                        fields_exist(body->descriptor, row->replaces);
                if (row->correlator)
                        fields_exist(&carebus__v1__event__descriptor, row->correlator);
                assert_true(row->ids[0] || row->natural[0] || row->always_said);
        }
}

static void test_every_section_of_the_record_has_facts(void **state) {
        static const char *const by_hand[] = { "demographics", "encounters", "death", "merges" };
        const EventType *type;

        for (size_t i = 0; (type = event_type_at(i)); i++) {
                Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
                bool own = false;

                for (size_t j = 0; j < ELEMENTSOF(by_hand); j++)
                        own = own || text_equal(type->section, by_hand[j]);
                event.type = (char *)type->name;
                assert_true((plain_row(&event) != NULL) == (type->section && !own));
        }
}

static char *key_of(Carebus__V1__Event *event, Arena *arena) {
        bool named;

        return plain_key(plain_row(event), event, arena, &named);
}

static void test_an_identifier_is_the_key_wherever_it_stands(void **state) {
        Arena *arena = *state;
        Carebus__V1__Event *event = event_new("cpr_decision.ended", arena);

        /* No body at all: the correlator says enough. */
        event->order_id = id_new("O1", arena);
        assert_string_equal(key_of(event, arena), "cpr/urn:ids|O1");
        event->order_id = NULL;
        event->body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        event->decision = MAKE(decision, arena);
        event->decision->identifier = id_new("O1", arena);
        assert_string_equal(key_of(event, arena), "cpr/urn:ids|O1");
        /* The same form, another kind. */
        event->type = (char *)"treatment_escalation.recorded";
        assert_string_equal(key_of(event, arena), "treatment-escalation/urn:ids|O1");
        event->type = (char *)"decision.recorded";
        event->decision->has_kind = 1;
        event->decision->kind = CAREBUS__V1__DECISION__KIND__KIND_DONATION;
        assert_string_equal(key_of(event, arena), "donation/urn:ids|O1");
}

static void test_a_decision_without_a_number_is_told_by_what_when_and_who(void **state) {
        Arena *arena = *state;
        Carebus__V1__Event *event = event_new("cpr_decision.recorded", arena);
        char *first;

        event->body_case = CAREBUS__V1__EVENT__BODY_DECISION;
        event->decision = MAKE(decision, arena);
        event->decision->decided_at = when_new(1000, arena);
        event->decision->decision = code_new("450476008", arena);
        first = key_of(event, arena);
        event->decision->decided_at = when_new(2000, arena);
        assert_string_not_equal(key_of(event, arena), first);
        event->decision->decided_at = when_new(1000, arena);
        assert_string_equal(key_of(event, arena), first);
        event->decision->decision = code_new("450475007", arena);
        assert_string_not_equal(key_of(event, arena), first);
        event->decision->decision = code_new("450476008", arena);
        event->author = MAKE(author, arena);
        event->author->person_name = (char *)"Dr Grey";
        assert_string_not_equal(key_of(event, arena), first);
}

static void test_texts_are_the_same_in_any_letters(void **state) {
        Arena *arena = *state;
        Carebus__V1__Event *event = event_new("allergy.recorded", arena);

        event->body_case = CAREBUS__V1__EVENT__BODY_ALLERGY;
        event->allergy = MAKE(allergy, arena);
        event->allergy->substance = MAKE(coded, arena);
        event->allergy->substance->text = (char *)" Penicillin ";
        assert_string_equal(key_of(event, arena), "/penicillin");
        event->allergy->has_none_known = event->allergy->none_known = 1;
        event->allergy->substance = NULL;
        assert_string_equal(key_of(event, arena), "none_known/");
}

static void test_a_dose_is_not_its_order(void **state) {
        Arena *arena = *state;
        Carebus__V1__Event *event = event_new("medication.given", arena);
        char *dose;

        event->body_case = CAREBUS__V1__EVENT__BODY_MEDICATION;
        event->medication = MAKE(medication, arena);
        event->order_id = id_new("RX1", arena);
        event->medication->given_at = when_new(1000, arena);
        dose = key_of(event, arena);
        event->medication->given_at = when_new(2000, arena);
        assert_string_not_equal(key_of(event, arena), dose);
        event->type = (char *)"medication.started";
        assert_string_equal(key_of(event, arena), "urn:ids|RX1");
}

static void test_what_nothing_is_known_of_has_the_name_of_its_message(void **state) {
        assert_string_equal(key_of(event_new("referral.requested", *state), *state), "message:M7.0");
}

static void test_lists_name_sections_but_never_those_that_end_by_a_word(void **state) {
        Carebus__V1__Event *event = event_new("condition.recorded", *state);

        assert_string_equal(plain_section_of_list(event, "conditions"), "conditions");
        assert_string_equal(plain_section_of_list(event, "care_plans"), "care-plans");
        assert_null(plain_section_of_list(event, "allergies"));
        assert_null(plain_section_of_list(event, "alerts"));
        assert_null(plain_section_of_list(event, "decisions"));
        assert_null(plain_section_of_list(event, "consent"));
        assert_null(plain_section_of_list(event, "death"));
        assert_null(plain_section_of_list(event, "demographics"));
        assert_null(plain_section_of_list(event, "encounters"));
        assert_null(plain_section_of_list(event, "condition"));
        assert_null(plain_section_of_list(event, "care_team.members"));
        event->type = (char *)"care_team.member_added";
        assert_string_equal(plain_section_of_list(event, "care_team.members"), "care-team");
}

/* What came of one event of that type, with an empty body. */
static Carebus__V1__StoredFact *fact_of(Carebus__V1__Event *event, uint64_t seq, Arena *arena) {
        Said said = { .event = event, .stamp = { .said_at = (int64_t)seq, .seq = seq } };
        Carebus__V1__StoredFact *stored = fact_new("key", "hospital", arena);
        Carebus__V1__Claim **claims = NULL;
        size_t n_claims = 0;

        assert_int_equal(plain_claims_insert(&claims, &n_claims, plain_claim(plain_row(event), &said, arena), arena),
                         0);
        assert_int_equal(plain_reduce(plain_row(event), stored, claims, n_claims, false, arena), 0);
        return stored;
}

static void test_every_type_that_ends_something_ends_it(void **state) {
        static const char *const ends[] = { ".ended",    ".cleared",   ".closed",    ".stopped",  ".removed",
                                            ".resolved", ".completed", ".cancelled", ".declined", ".returned",
                                            ".missed",   ".deleted",   ".done",      ".attended", ".did_not_attend",
                                            "_ended",    ".given" };
        size_t n_ended = 0;
        const EventType *type;

        for (size_t i = 0; (type = event_type_at(i)); i++) {
                Carebus__V1__Event *event = event_new(type->name, *state);
                bool over = false;

                if (!plain_row(event))
                        continue;
                for (size_t j = 0; j < ELEMENTSOF(ends); j++) {
                        size_t n = strlen(ends[j]), n_name = strlen(type->name);

                        over = over || (n_name > n && strcmp(type->name + n_name - n, ends[j]) == 0);
                }
                over = (over && strcmp(type->name, "medication.given") != 0) || strstr(type->name, "plan.withdrawn") ||
                       strcmp(type->name, "referral.redirected") == 0;
                if (text_equal(fact_of(event, 1, *state)->fact->status, "current") == over)
                        fail_msg("%s: %s", type->name, fact_of(event, 1, *state)->fact->status);
                n_ended += over;
        }
        assert_in_range(n_ended, 25, 60);
}

static void test_a_withdrawn_consent_stands_as_withdrawn(void **state) {
        Carebus__V1__StoredFact *stored = fact_of(event_new("consent.withdrawn", *state), 1, *state);

        assert_string_equal(stored->fact->status, "current");
        assert_int_equal(stored->fact->consent->state, CAREBUS__V1__CONSENT__STATE__STATE_WITHDRAWN);
}

static Carebus__V1__Event *allergy_event(const char *severity, const char *event_id, Arena *arena) {
        Carebus__V1__Event *event = event_new("allergy.recorded", arena);

        event->event_id = (char *)event_id;
        event->body_case = CAREBUS__V1__EVENT__BODY_ALLERGY;
        event->allergy = MAKE(allergy, arena);
        event->allergy->substance = code_new("372687004", arena);
        event->allergy->text = arena_format(arena, "%0200d", 7);
        event->allergy->severity = code_new(severity, arena);
        return event;
}

static void claim_add(Carebus__V1__StoredFact *stored, Carebus__V1__Event *event, uint64_t seq, Arena *arena) {
        Said said = { .event = event, .stamp = { .said_at = (int64_t)seq, .seq = seq } };
        Carebus__V1__Claim **claims;
        ProtobufCMessage *unpacked;
        size_t n_claims;
        Bytes packed;

        assert_int_equal(plain_claims(stored, arena, &claims, &n_claims), 0);
        assert_int_equal(plain_claims_insert(&claims, &n_claims, plain_claim(plain_row(event), &said, arena), arena),
                         0);
        assert_int_equal(plain_reduce(plain_row(event), stored, claims, n_claims, false, arena), 0);
        /* Through the state and back. */
        packed = message_pack(&stored->base, arena);
        assert_int_equal(message_unpack(&carebus__v1__stored_fact__descriptor, packed, arena, &unpacked), 0);
        *stored = *(Carebus__V1__StoredFact *)unpacked;
}

static void test_a_body_is_kept_once_and_comes_back_whole(void **state) {
        Arena *arena = *state;
        Carebus__V1__StoredFact *stored = fact_new("key", "hospital", arena);
        Carebus__V1__Claim **claims;
        size_t n_claims, size;

        claim_add(stored, allergy_event("mild", "1.0", arena), 1, arena);
        /* One claim: the fact itself. */
        assert_int_equal(stored->n_claims, 0);
        assert_string_equal(stored->type, "allergy.recorded");
        size = message_pack(&stored->base, arena).size;
        for (uint64_t i = 2; i < 8; i++)
                claim_add(stored, allergy_event("mild", arena_format(arena, "%u.0", (unsigned)i), arena), i, arena);
        assert_int_equal(stored->n_claims, 7);
        assert_in_range(message_pack(&stored->base, arena).size, size, size + 7 * 100);
        assert_string_equal(stored->fact->event_id, "1.0");
        assert_string_equal(stored->fact->confirmed_event_id, "7.0");
        claim_add(stored, allergy_event("severe", "9.0", arena), 9, arena);
        claim_add(stored, allergy_event("moderate", "8.0", arena), 8, arena);
        assert_int_equal(plain_claims(stored, arena, &claims, &n_claims), 0);
        assert_int_equal(n_claims, 9);
        for (size_t i = 0; i < n_claims; i++) {
                assert_int_equal(claims[i]->event->body_case, CAREBUS__V1__EVENT__BODY_ALLERGY);
                assert_string_equal(claims[i]->event->allergy->severity->code, i < 7    ? "mild"
                                                                               : i == 7 ? "moderate"
                                                                                        : "severe");
                assert_int_equal(claims[i]->stamp->seq, i + 1);
        }
        assert_string_equal(stored->fact->allergy->severity->code, "severe");
        assert_int_equal(stored->fact->n_history, 2);
        assert_true(plain_said_in(stored, 4));
        assert_false(plain_said_in(stored, 44));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_field_that_the_table_names_is_in_the_schema),
                cmocka_unit_test(test_every_section_of_the_record_has_facts),
                cmocka_unit_test_setup_teardown(test_an_identifier_is_the_key_wherever_it_stands, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_decision_without_a_number_is_told_by_what_when_and_who, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_texts_are_the_same_in_any_letters, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_dose_is_not_its_order, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_nothing_is_known_of_has_the_name_of_its_message, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_lists_name_sections_but_never_those_that_end_by_a_word, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_every_type_that_ends_something_ends_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_withdrawn_consent_stands_as_withdrawn, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_body_is_kept_once_and_comes_back_whole, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
