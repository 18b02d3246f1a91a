/* A whole event: what is filled in, what stays, what is counted. Events go through the wire first, as they do in the daemon. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "canon/identifier.h"
#include "canon/normalise.h"
#include "proto/check.h"

#define STATUS(name) CAREBUS__V1__IDENTIFIER__STATUS__STATUS_##name
#define ARENA_BYTES (256 * 1024)

static ProfileMapEntry class_entries[] = { { (char *)"E", (char *)"urn:act", (char *)"EMER", NULL },
                                           { (char *)"I", (char *)"urn:act", (char *)"IMP", (char *)"inpatient" } };
static ProfileMapEntry role_entries[] = { { (char *)"C", (char *)"urn:role", (char *)"consultant", NULL } };
static ProfileMapEntry status_entries[] = { { (char *)"NSTSnn", (char *)"urn:status", (char *)"01", NULL } };
static ProfileMapEntry sex_entries[] = { { (char *)"1", (char *)"urn:sex", (char *)"male", NULL } };
static ProfileMapEntry unit_entries[] = { { (char *)"mg", (char *)"urn:ucum", (char *)"mg", NULL } };
static ProfileMap maps[] = { { (char *)"demographics.nhs_number_status", status_entries, 1 },
                             { (char *)"demographics.sex", sex_entries, 1 },
                             { (char *)"encounter.class", class_entries, 2 },
                             { (char *)"encounter.participants.practitioner.role", role_entries, 1 },
                             { (char *)"unit", unit_entries, 1 } };
static ProfileAuthority authorities[] = {
        { .authority = (char *)"NHS", .system = (char *)SYSTEM_NHS_NUMBER, .is_nhs_number = true },
        { .type = (char *)"NH", .system = (char *)SYSTEM_NHS_NUMBER, .is_nhs_number = true, .traced = true },
        { .authority = (char *)"CHI", .system = (char *)SYSTEM_CHI_NUMBER },
        { .authority = (char *)"RA9", .type = (char *)"MR", .system = (char *)"urn:ra9:mrn" },
        { .authority = (char *)"https://example.scot/chi", .system = (char *)SYSTEM_CHI_NUMBER, .traced = true },
        { .authority = (char *)SYSTEM_HC_NUMBER, .system = (char *)SYSTEM_HC_NUMBER, .traced = true },
};
static const Profile profile = {
        .name = (char *)"test", .authorities = authorities, .n_authorities = 6, .maps = maps, .n_maps = 5
};

typedef struct Case {
        Arena *arena;
        Zone *zone;
        CanonRules rules;
        CanonCounts counts;
        Carebus__V1__Event *event;
        char missed_path[64], missed_code[64];
        int result;
} Case;

static int case_setup(void **state) {
        Case *c = calloc(1, sizeof(*c));
        *state = c;
        if (!c || arena_new(&c->arena, ARENA_BYTES) < 0 || zone_new("Europe/London", &c->zone) != 0)
                return -1;
        c->rules = (CanonRules){ .profile = &profile, .zone = c->zone, .default_authority = "carebus:pas" };
        return 0;
}

static int case_teardown(void **state) {
        Case *c = *state;
        arena_free(c->arena);
        zone_free(c->zone);
        free(c);
        return 0;
}

static void on_miss(void *owner, const char *path, const char *code) {
        Case *c = owner;
        strncpy(c->missed_path, path, sizeof(c->missed_path) - 1);
        strncpy(c->missed_code, code ? code : "", sizeof(c->missed_code) - 1);
}

/* Packs, unpacks into the arena, normalises. */
static Carebus__V1__Event *normalise(Case *c, const Carebus__V1__Event *said) {
        uint8_t wire[8192];
        static const CheckLimits limits = {
                .max_size = 8192, .max_text = 1000, .max_repeated = 100, .max_elements = 1000
        };
        size_t size = carebus__v1__event__get_packed_size(said);
        ProtobufCMessage *message = NULL;
        CheckError error = CHECK_ERROR_NULL;
        assert_true(size <= sizeof(wire));
        carebus__v1__event__pack(said, wire);
        assert_int_equal(check_unpack(&carebus__v1__event__descriptor, bytes_of(wire, size), &limits, c->arena,
                                      &message, &error),
                         0);
        c->event = (Carebus__V1__Event *)message;
        c->counts.map_missed = on_miss;
        c->counts.owner = c;
        c->result = canon_normalise(c->event, &c->rules, c->arena, &c->counts);
        return c->event;
}

static Carebus__V1__Identifier identifier(const char *authority, const char *type, const char *value) {
        Carebus__V1__Identifier id = CAREBUS__V1__IDENTIFIER__INIT;
        id.authority = (char *)authority;
        id.type = (char *)type;
        id.value = (char *)value;
        return id;
}

/* One identifier of the patient in, the same out. */
static const Carebus__V1__Identifier *one(Case *c, Carebus__V1__Identifier id,
                                          Carebus__V1__Demographics *demographics) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Identifier *ids[] = { &id };
        subject.identifiers = ids;
        subject.n_identifiers = 1;
        subject.demographics = demographics;
        event.patient = &subject;
        normalise(c, &event);
        assert_int_equal(c->result, 0);
        return c->event->patient->identifiers[0];
}

static void test_authority_and_type_say_whose_number_it_is(void **state) {
        static const struct {
                const char *authority, *type, *system;
        } rows[] = { { "NHS", NULL, SYSTEM_NHS_NUMBER },
                     { NULL, "NH", SYSTEM_NHS_NUMBER },
                     { "NHS", "NH", SYSTEM_NHS_NUMBER },
                     { "X&NHS&L", NULL, SYSTEM_NHS_NUMBER },
                     { "RA9", "MR", "urn:ra9:mrn" },
                     { "RA9", "PI", "carebus:RA9" },
                     { "RA9&2.16&ISO", "MR", "urn:ra9:mrn" },
                     { "&2.16.1&ISO", NULL, "urn:oid:2.16.1" },
                     { "&north&DNS", NULL, "carebus:north" },
                     { "NHSX", NULL, "carebus:NHSX" },
                     { NULL, "MR", "carebus:pas" },
                     { "", "", "carebus:pas" },
                     { "&&", NULL, "carebus:pas" } };
        Case *c = *state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const Carebus__V1__Identifier *id = one(c, identifier(rows[i].authority, rows[i].type, "9434765919"),
                                                        NULL);
                assert_string_equal(id->system, rows[i].system);
                assert_string_equal(id->value, "9434765919");
                arena_reset(c->arena);
        }
}

static void test_a_system_that_was_said_is_kept(void **state) {
        Carebus__V1__Identifier said = identifier("NHS", NULL, "943 476 5919");
        said.system = (char *)"urn:something-else";
        const Carebus__V1__Identifier *id = one(*state, said, NULL);
        assert_string_equal(id->system, "urn:something-else");
        assert_string_equal(id->value, "943 476 5919");
        assert_false(id->has_status);
}

static void test_a_system_may_be_called_otherwise_here(void **state) {
        Case *c = *state;
        Carebus__V1__Identifier said = identifier(NULL, NULL, "140548 1226");
        said.system = (char *)"https://example.scot/chi";
        const Carebus__V1__Identifier *id = one(c, said, NULL);
        assert_string_equal(id->system, SYSTEM_CHI_NUMBER);
        assert_string_equal(id->authority, "https://example.scot/chi");
        assert_string_equal(id->value, "1405481226");
        assert_int_equal(id->status, STATUS(VERIFIED));
        /* A row that renames nothing leaves the number as it was said, and may vouch for it. */
        said.system = (char *)SYSTEM_HC_NUMBER;
        id = one(c, said, NULL);
        assert_string_equal(id->system, SYSTEM_HC_NUMBER);
        assert_null(id->authority);
        assert_int_equal(id->status, STATUS(VERIFIED));
        /* What the adapter knew better is not looked up by its system. */
        said.system = (char *)"https://example.scot/chi";
        said.authority = (char *)"RA9";
        assert_string_equal(one(c, said, NULL)->system, "https://example.scot/chi");
}

static void test_national_numbers_are_formatted_and_what_was_said_stays(void **state) {
        const Carebus__V1__Identifier *id = one(*state, identifier("NHS", NULL, "943 476-5919"), NULL);
        assert_string_equal(id->value, "9434765919");
        assert_string_equal(id->text, "943 476-5919");
        assert_int_equal(id->status, STATUS(UNKNOWN));
        id = one(*state, identifier("RA9", "MR", "12 34-5"), NULL);
        assert_string_equal(id->value, "12 34-5");
        assert_null(id->text);
}

static void test_impossible_numbers_are_marked_and_counted_but_kept(void **state) {
        static const char *const wrong[] = { "9434765918", "0000000000", "9999999999", "12345", "UNKNOWN" };
        Case *c = *state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                Carebus__V1__Identifier said = identifier("NHS", NULL, wrong[i]);
                said.status_code = (char *)"01"; /* whatever the source says of it */
                const Carebus__V1__Identifier *id = one(c, said, NULL);
                assert_int_equal(id->status, STATUS(INVALID));
                assert_string_equal(id->value, wrong[i]);
        }
        assert_int_equal(c->counts.identifiers_invalid, 5);
        const Carebus__V1__Identifier *id = one(c, identifier("CHI", NULL, "9434765919"), NULL);
        assert_int_equal(id->status, STATUS(INVALID)); /* passes modulus 11, begins with no day */
}

static void test_test_numbers_identify_nobody_on_a_live_bus(void **state) {
        Case *c = *state;
        Carebus__V1__Identifier said = identifier("NHS", NULL, "9990079196");
        said.status_code = (char *)"01";
        assert_int_equal(one(c, said, NULL)->status, STATUS(TEST));
        assert_int_equal(c->counts.identifiers_test, 1);
        c->rules.test_numbers = true;
        assert_int_equal(one(c, said, NULL)->status, STATUS(VERIFIED));
        assert_int_equal(c->counts.identifiers_test, 1);
}

static void test_tracing_is_what_the_status_says(void **state) {
        Case *c = *state;
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Carebus__V1__Coded other = CAREBUS__V1__CODED__INIT, reliability = CAREBUS__V1__CODED__INIT;
        Carebus__V1__OriginalCode other_code = CAREBUS__V1__ORIGINAL_CODE__INIT,
                                  code = CAREBUS__V1__ORIGINAL_CODE__INIT;
        Carebus__V1__Coded *list[] = { &other, &reliability };
        other_code.code = (char *)"UD";
        other.original = &other_code;
        reliability.original = &code;
        demographics.identity_reliability = list;
        demographics.n_identity_reliability = 2;

        code.code = (char *)"NSTS01";
        const Carebus__V1__Identifier *id = one(c, identifier("NHS", NULL, "9434765919"), &demographics);
        assert_int_equal(id->status, STATUS(VERIFIED));
        assert_string_equal(id->status_code, "NSTS01");
        code.code = (char *)"NSTS04";
        assert_int_equal(one(c, identifier("NHS", NULL, "9434765919"), &demographics)->status, STATUS(UNVERIFIED));
        /* a status of the identifier itself comes first */
        Carebus__V1__Identifier said = identifier("NHS", NULL, "9434765919");
        said.status_code = (char *)"01";
        assert_int_equal(one(c, said, &demographics)->status, STATUS(VERIFIED));
        /* a local number has nothing to do with it */
        assert_null(one(c, identifier("RA9", "MR", "1"), &demographics)->status_code);
        /* a way of saying it that the profile's map knows */
        code.code = (char *)"NSTSnn";
        demographics.nhs_number_status = &reliability;
        said.status_code = (char *)"NSTSnn";
        assert_int_equal(one(c, said, &demographics)->status, STATUS(VERIFIED));
}

static void test_a_profile_may_vouch_where_nobody_says(void **state) {
        Case *c = *state;
        assert_int_equal(one(c, identifier(NULL, "NH", "9434765919"), NULL)->status, STATUS(VERIFIED));
        assert_int_equal(one(c, identifier("NHS", NULL, "9434765919"), NULL)->status, STATUS(UNKNOWN));
        Carebus__V1__Identifier said = identifier(NULL, "NH", "9434765919");
        said.status_code = (char *)"02";
        assert_int_equal(one(c, said, NULL)->status, STATUS(UNVERIFIED));
        Profile vouching = profile;
        vouching.nhs_numbers_traced = true;
        c->rules.profile = &vouching;
        assert_int_equal(one(c, identifier("NHS", NULL, "9434765919"), NULL)->status, STATUS(VERIFIED));
}

static void test_numbers_of_relatives_are_not_vouched_for(void **state) {
        Case *c = *state;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Carebus__V1__RelatedPerson mother = CAREBUS__V1__RELATED_PERSON__INIT;
        Carebus__V1__Identifier own = identifier("NHS", NULL, "9434765919"),
                                hers = identifier(NULL, "NH", "4505577104");
        Carebus__V1__Identifier *own_ids[] = { &own }, *her_ids[] = { &hers };
        Carebus__V1__RelatedPerson *relatives[] = { &mother };
        Carebus__V1__Coded reliability = CAREBUS__V1__CODED__INIT, *list[] = { &reliability };
        reliability.code = (char *)"NSTS01";
        demographics.identity_reliability = list;
        demographics.n_identity_reliability = 1;
        demographics.identifiers = own_ids;
        demographics.n_identifiers = 1;
        demographics.related_persons = relatives;
        demographics.n_related_persons = 1;
        mother.identifiers = her_ids;
        mother.n_identifiers = 1;
        event.body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        event.demographics = &demographics;
        normalise(c, &event);
        assert_int_equal(c->event->demographics->identifiers[0]->status, STATUS(VERIFIED));
        assert_int_equal(c->event->demographics->related_persons[0]->identifiers[0]->status, STATUS(UNKNOWN));
        assert_null(c->event->demographics->related_persons[0]->identifiers[0]->status_code);
}

static void test_codes_are_mapped_by_their_canonical_path(void **state) {
        Case *c = *state;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Encounter encounter = CAREBUS__V1__ENCOUNTER__INIT;
        Carebus__V1__Coded class = CAREBUS__V1__CODED__INIT, type = CAREBUS__V1__CODED__INIT,
                           sex = CAREBUS__V1__CODED__INIT;
        Carebus__V1__Coded role = CAREBUS__V1__CODED__INIT;
        Carebus__V1__Practitioner practitioner = CAREBUS__V1__PRACTITIONER__INIT;
        Carebus__V1__Participant participant = CAREBUS__V1__PARTICIPANT__INIT, *participants[] = { &participant };
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        class.code = (char *)"I";
        type.code = (char *)"I"; /* no map of that path */
        sex.code = (char *)"1";
        role.code = (char *)"X"; /* not in its map */
        practitioner.role = &role;
        participant.practitioner = &practitioner;
        encounter.class_ = &class;
        encounter.admission_type = &type;
        encounter.participants = participants;
        encounter.n_participants = 1;
        demographics.sex = &sex;
        subject.demographics = &demographics;
        event.patient = &subject;
        event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event.encounter = &encounter;
        const Carebus__V1__Event *done = normalise(c, &event);
        assert_string_equal(done->encounter->class_->code, "IMP");
        assert_string_equal(done->encounter->class_->original->code, "I");
        assert_string_equal(done->encounter->admission_type->code, "I");
        assert_null(done->encounter->admission_type->original);
        assert_string_equal(done->patient->demographics->sex->code, "male"); /* under the patient: the same path */
        assert_int_equal(c->counts.maps_hit, 2);
        assert_int_equal(c->counts.maps_missed, 1);
        assert_string_equal(c->missed_path, "encounter.participants.practitioner.role");
        assert_string_equal(c->missed_code, "X");
        assert_string_equal(done->encounter->participants[0]->practitioner->role->original->code, "X");
}

static void test_units_are_mapped(void **state) {
        Case *c = *state;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Observation observation = CAREBUS__V1__OBSERVATION__INIT;
        Carebus__V1__Quantity value = CAREBUS__V1__QUANTITY__INIT;
        value.value = (char *)"1.10";
        value.original_unit = (char *)"mg";
        observation.value = &value;
        event.body_case = CAREBUS__V1__EVENT__BODY_OBSERVATION;
        event.observation = &observation;
        const Carebus__V1__Event *done = normalise(c, &event);
        assert_string_equal(done->observation->value->unit, "mg");
        assert_string_equal(done->observation->value->value, "1.10");
}

static void test_times_are_read_in_the_sources_zone_everywhere(void **state) {
        Case *c = *state;
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__When occurred = CAREBUS__V1__WHEN__INIT, admitted = CAREBUS__V1__WHEN__INIT,
                          bad = CAREBUS__V1__WHEN__INIT;
        Carebus__V1__Encounter encounter = CAREBUS__V1__ENCOUNTER__INIT;
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Carebus__V1__Date born = CAREBUS__V1__DATE__INIT;
        occurred.text = (char *)"20240715120000";
        admitted.text = (char *)"20240715120000+0000";
        bad.text = (char *)"20240231";
        born.text = (char *)"195002";
        event.occurred_at = &occurred;
        encounter.admitted_at = &admitted;
        encounter.discharged_at = &bad;
        demographics.birth_date = &born;
        subject.demographics = &demographics;
        event.patient = &subject;
        event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event.encounter = &encounter;
        const Carebus__V1__Event *done = normalise(c, &event);
        assert_true(done->encounter->admitted_at->utc_at - done->occurred_at->utc_at == 3600 * USEC_PER_SEC);
        assert_true(done->occurred_at->zone_assumed);
        assert_false(done->encounter->admitted_at->zone_assumed);
        assert_false(done->encounter->discharged_at->has_utc_at);
        assert_string_equal(done->encounter->discharged_at->text, "20240231");
        assert_int_equal(done->patient->demographics->birth_date->year, 1950);
        assert_int_equal(done->patient->demographics->birth_date->month, 2);
        assert_false(done->patient->demographics->birth_date->has_day);
        assert_int_equal(c->counts.times_unreadable, 1);
}

/* The event of the last test but with everything in it, for what follows. */
static void full_event(uint8_t *wire, size_t *ret_size) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Demographics demographics = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Carebus__V1__Encounter encounter = CAREBUS__V1__ENCOUNTER__INIT;
        Carebus__V1__Identifier nhs = identifier("NHS", NULL, "943 476 5919"), mrn = identifier(NULL, "MR", "4711"),
                                visit = identifier(NULL, NULL, "V1");
        Carebus__V1__Identifier *ids[] = { &nhs, &mrn };
        Carebus__V1__Coded class = CAREBUS__V1__CODED__INIT, sex = CAREBUS__V1__CODED__INIT;
        Carebus__V1__When when = CAREBUS__V1__WHEN__INIT, recorded = CAREBUS__V1__WHEN__INIT;
        Carebus__V1__Date born = CAREBUS__V1__DATE__INIT;
        class.code = (char *)"I";
        sex.code = (char *)"1";
        when.text = (char *)"20240715120000";
        recorded.text = (char *)"202407151201";
        born.text = (char *)"19500331";
        demographics.identifiers = ids;
        demographics.n_identifiers = 2;
        demographics.sex = &sex;
        demographics.birth_date = &born;
        subject.identifiers = ids;
        subject.n_identifiers = 2;
        subject.demographics = &demographics;
        encounter.class_ = &class;
        encounter.identifier = &visit;
        encounter.admitted_at = &when;
        event.type = (char *)"encounter.admitted";
        event.occurred_at = &when;
        event.recorded_at = &recorded;
        event.patient = &subject;
        event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event.encounter = &encounter;
        *ret_size = carebus__v1__event__pack(&event, wire);
}

static Carebus__V1__Event *unpack(Case *c, const uint8_t *wire, size_t size) {
        ProtobufCMessage *message = NULL;
        static const CheckLimits limits = {
                .max_size = 8192, .max_text = 1000, .max_repeated = 100, .max_elements = 1000
        };
        assert_int_equal(check_unpack(&carebus__v1__event__descriptor, bytes_of(wire, size), &limits, c->arena,
                                      &message, NULL),
                         0);
        return (Carebus__V1__Event *)message;
}

static void test_twice_is_the_same_as_once(void **state) {
        Case *c = *state;
        uint8_t wire[4096], once[4096], twice[4096];
        size_t size;
        full_event(wire, &size);
        Carebus__V1__Event *event = unpack(c, wire, size);
        assert_int_equal(canon_normalise(event, &c->rules, c->arena, NULL), 0);
        size_t n_once = carebus__v1__event__pack(event, once);
        assert_int_equal(canon_normalise(event, &c->rules, c->arena, NULL), 0);
        size_t n_twice = carebus__v1__event__pack(event, twice);
        assert_int_equal(n_once, n_twice);
        assert_memory_equal(once, twice, n_once);
        assert_true(n_once > size);
}

static void test_without_profile_and_zone_it_still_works(void **state) {
        Case *c = *state;
        uint8_t wire[4096];
        size_t size;
        full_event(wire, &size);
        Carebus__V1__Event *event = unpack(c, wire, size);
        CanonRules nothing = { 0 };
        assert_int_equal(canon_normalise(event, &nothing, c->arena, NULL), 0);
        assert_string_equal(event->patient->identifiers[0]->system, "carebus:NHS");
        assert_null(event->patient->identifiers[1]->system);
        assert_true(event->occurred_at->has_utc_at);
        Carebus__V1__Event empty = CAREBUS__V1__EVENT__INIT;
        assert_int_equal(canon_normalise(&empty, &nothing, c->arena, NULL), 0);
}

static void test_a_full_arena_is_the_only_error(void **state) {
        Case *c = *state;
        uint8_t wire[4096];
        size_t size, n_failed = 0;
        for (size_t left = 0; left < 1024; left += 16) {
                full_event(wire, &size);
                arena_reset(c->arena);
                Carebus__V1__Event *event = unpack(c, wire, size);
                assert_non_null(arena_alloc(c->arena, ARENA_BYTES - arena_used(c->arena) - left));
                int r = canon_normalise(event, &c->rules, c->arena, NULL);
                assert_true(r == 0 || r == -ENOMEM);
                n_failed += r == -ENOMEM;
        }
        assert_true(n_failed > 0 && n_failed < 64);
}

/* Not a timed test: prints what an event costs, fails only where something is wrong by orders of magnitude. */
static void test_an_event_costs_microseconds(void **state) {
        Case *c = *state;
        uint8_t wire[4096];
        size_t size;
        const int n = 2000;
        double spent = 0;
        full_event(wire, &size);
        for (int i = 0; i < n; i++) {
                struct timespec before, after;
                arena_reset(c->arena);
                Carebus__V1__Event *event = unpack(c, wire, size);
                clock_gettime(CLOCK_MONOTONIC, &before);
                assert_int_equal(canon_normalise(event, &c->rules, c->arena, NULL), 0);
                clock_gettime(CLOCK_MONOTONIC, &after);
                spent += (double)(after.tv_sec - before.tv_sec) * 1e6 + (double)(after.tv_nsec - before.tv_nsec) / 1e3;
        }
        print_message("# %.2f us an event\n", spent / n);
        assert_true(spent / n < 1000);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, case_setup, case_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_authority_and_type_say_whose_number_it_is),
                TEST(test_a_system_that_was_said_is_kept),
                TEST(test_a_system_may_be_called_otherwise_here),
                TEST(test_national_numbers_are_formatted_and_what_was_said_stays),
                TEST(test_impossible_numbers_are_marked_and_counted_but_kept),
                TEST(test_test_numbers_identify_nobody_on_a_live_bus),
                TEST(test_tracing_is_what_the_status_says),
                TEST(test_a_profile_may_vouch_where_nobody_says),
                TEST(test_numbers_of_relatives_are_not_vouched_for),
                TEST(test_codes_are_mapped_by_their_canonical_path),
                TEST(test_units_are_mapped),
                TEST(test_times_are_read_in_the_sources_zone_everywhere),
                TEST(test_twice_is_the_same_as_once),
                TEST(test_without_profile_and_zone_it_still_works),
                TEST(test_a_full_arena_is_the_only_error),
                TEST(test_an_event_costs_microseconds),
        };
        return cmocka_run_group_tests_name("canon normalise", tests, NULL, NULL);
}
