/* Questions of a team's program: what the bus hears of them, what comes back, and whose answer it is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "carebus/v1/sharing.pb-c.h"
#include "sdk/carebus.h"
#include "tests/unit/sdk/fake-bus.h"

#define WITHIN_MS 5000

typedef struct Script {
        const char *error;
        atomic_bool silent, foreign_first,
                refuses; /* says nothing; answers another question before; refuses the connection */
        char who[64], system[64], purpose[64], team[64], word[64];
        int command;
} Script;

static void copy(char *to, const char *from) {
        snprintf(to, 64, "%s", from ?: "-");
}

static void answer(FakeBus *bus, uint32_t id, const char *error, uint64_t seq) {
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        Carebus__V1__TeamAnswer said = CAREBUS__V1__TEAM_ANSWER__INIT;
        Carebus__V1__GrantReply granted = CAREBUS__V1__GRANT_REPLY__INIT;

        said.has_id = true;
        said.id = id;
        said.error = (char *)error;
        granted.patient_id = (char *)"p1.0";
        granted.has_seq = true;
        granted.seq = seq;
        if (!error) {
                said.answer_case = CAREBUS__V1__TEAM_ANSWER__ANSWER_GRANTED;
                said.granted = &granted;
        }
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_ANSWER;
        to.answer = &said;
        fake_bus_say(bus, &to);
}

static void say_refused(FakeBus *bus) {
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        Carebus__V1__FeedRefused refused = CAREBUS__V1__FEED_REFUSED__INIT;

        refused.reason = (char *)"not-allowed";
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_REFUSED;
        to.refused = &refused;
        fake_bus_say(bus, &to);
}

static void hear(FakeBus *bus, const Carebus__V1__FromReader *heard, void *owner) {
        Script *script = owner;
        const Carebus__V1__TeamRequest *request = heard->request;

        if (heard->message_case != CAREBUS__V1__FROM_READER__MESSAGE_REQUEST)
                return;
        copy(script->who, request->who);
        copy(script->system, request->system);
        copy(script->purpose, request->purpose);
        copy(script->team, request->team);
        script->command = (int)request->command_case;
        if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_BREAK_GLASS)
                copy(script->word, request->break_glass->reason);
        if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_OPEN_CONTACT)
                copy(script->word, request->open_contact->caller);
        if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_EVENTS)
                copy(script->word, request->events->patient_id);
        if (atomic_load(&script->silent))
                return;
        if (atomic_load(&script->refuses)) {
                say_refused(bus);
                return;
        }
        if (atomic_load(&script->foreign_first))
                answer(bus, request->id + 7, NULL, 99);
        answer(bus, request->id, script->error, 50);
}

typedef struct World {
        Script script;
        FakeBus *bus;
        carebus_ask *ask;
} World;

static int setup(void **state) {
        static World world;
        carebus_ask_options options = { .team = "clinic" };

        memset(&world, 0, sizeof(world));
        world.bus = fake_bus_new(hear, &world.script);
        options.feed.endpoint = fake_bus_endpoint(world.bus);
        *state = &world;
        return carebus_ask_new(&world.ask, &options);
}

static int teardown(void **state) {
        World *world = *state;

        carebus_ask_free(world->ask);
        fake_bus_free(world->bus);
        return 0;
}

static size_t glass_pack(uint8_t *ret) {
        Carebus__V1__BreakGlassRequest glass = CAREBUS__V1__BREAK_GLASS_REQUEST__INIT;

        glass.patient_id = (char *)"p1.0";
        glass.reason = (char *)"emergency";
        glass.text = (char *)"collapsed at home";
        return carebus__v1__break_glass_request__pack(&glass, ret);
}

static int break_glass(World *world, const void **ret, size_t *ret_size, int timeout_ms) {
        uint8_t packed[256];

        return carebus_ask_break_glass(world->ask, packed, glass_pack(packed), ret, ret_size, timeout_ms);
}

static uint64_t granted_seq(const void *data, size_t size) {
        Carebus__V1__GrantReply *granted = carebus__v1__grant_reply__unpack(NULL, size, data);
        uint64_t seq = granted ? granted->seq : 0;

        carebus__v1__grant_reply__free_unpacked(granted, NULL);
        return seq;
}

static void test_a_broken_glass_says_who_asks_in_which_program_and_what_for(void **state) {
        World *world = *state;
        const void *data;
        size_t size;

        assert_int_equal(carebus_ask_for(world->ask, "dr.ng", "desk", "direct-care"), 0);
        assert_int_equal(break_glass(world, &data, &size, WITHIN_MS), 0);
        assert_int_equal(granted_seq(data, size), 50);
        assert_string_equal(world->script.who, "dr.ng");
        assert_string_equal(world->script.system, "desk");
        assert_string_equal(world->script.purpose, "direct-care");
        assert_string_equal(world->script.team, "clinic");
        assert_string_equal(world->script.word, "emergency");
        assert_int_equal(carebus_ask_for(world->ask, NULL, NULL, NULL), 0);
        assert_int_equal(break_glass(world, &data, &size, WITHIN_MS), 0);
        assert_string_equal(world->script.who, "-"); /* whom it was for before is not said of the next */
}

static void test_contacts_and_events_are_asked_by_their_own_field(void **state) {
        World *world = *state;
        Carebus__V1__OpenContactRequest contact = CAREBUS__V1__OPEN_CONTACT_REQUEST__INIT;
        Carebus__V1__EventsRequest events = CAREBUS__V1__EVENTS_REQUEST__INIT;
        uint8_t packed[256];
        const void *data;
        size_t size;

        contact.patient_id = (char *)"p1.0";
        contact.caller = (char *)"family";
        size = carebus__v1__open_contact_request__pack(&contact, packed);
        assert_int_equal(carebus_ask_open_contact(world->ask, packed, size, &data, &size, WITHIN_MS), 0);
        assert_int_equal(world->script.command, CAREBUS__V1__TEAM_REQUEST__COMMAND_OPEN_CONTACT);
        assert_string_equal(world->script.word, "family");
        events.patient_id = (char *)"p9.1";
        size = carebus__v1__events_request__pack(&events, packed);
        assert_int_equal(carebus_ask_events(world->ask, packed, size, &data, &size, WITHIN_MS), 0);
        assert_int_equal(world->script.command, CAREBUS__V1__TEAM_REQUEST__COMMAND_EVENTS);
        assert_string_equal(world->script.word, "p9.1");
}

static void test_a_refusal_has_its_code_and_the_next_question_is_asked_all_the_same(void **state) {
        World *world = *state;
        const void *data;
        size_t size;

        world->script.error = "unknown-reason";
        assert_int_equal(break_glass(world, &data, &size, WITHIN_MS), -EACCES);
        assert_string_equal(carebus_ask_reason(world->ask), "unknown-reason");
        world->script.error = NULL;
        assert_int_equal(break_glass(world, &data, &size, WITHIN_MS), 0);
        atomic_store(&world->script.refuses, true);
        assert_int_equal(break_glass(world, &data, &size, WITHIN_MS), -EACCES);
        assert_string_equal(carebus_ask_reason(world->ask), "not-allowed");
}

static void test_an_answer_to_another_question_is_nobodys(void **state) {
        World *world = *state;
        const void *data;
        size_t size;

        atomic_store(&world->script.foreign_first, true);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(break_glass(world, &data, &size, WITHIN_MS), 0);
                assert_int_equal(granted_seq(data, size), 50);
        }
}

static void test_who_hears_nothing_is_told_when_the_time_is_out(void **state) {
        World *world = *state;
        const void *data;
        size_t size;

        atomic_store(&world->script.silent, true);
        assert_int_equal(break_glass(world, &data, &size, 200), -ETIMEDOUT);
        atomic_store(&world->script.silent, false);
        assert_int_equal(break_glass(world, &data, &size, WITHIN_MS), 0);
        assert_int_equal(granted_seq(data, size), 50);
}

static void test_what_is_no_such_question_never_leaves(void **state) {
        World *world = *state;
        char name[200];
        const void *data;
        size_t size;

        memset(name, 'x', sizeof(name));
        name[129] = '\0';
        assert_int_equal(carebus_ask_for(world->ask, name, NULL, NULL), -EINVAL);
        assert_int_equal(carebus_ask_break_glass(world->ask, "\xff\xff", 2, &data, &size, WITHIN_MS), -EINVAL);
        assert_int_equal(world->script.command, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_a_broken_glass_says_who_asks_in_which_program_and_what_for),
                TEST(test_contacts_and_events_are_asked_by_their_own_field),
                TEST(test_a_refusal_has_its_code_and_the_next_question_is_asked_all_the_same),
                TEST(test_an_answer_to_another_question_is_nobodys),
                TEST(test_who_hears_nothing_is_told_when_the_time_is_out),
                TEST(test_what_is_no_such_question_never_leaves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
