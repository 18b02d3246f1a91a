/* The choke point against what it promises, said plainly, over policies, people and things that nobody would think of. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/daemon/sharing/oracle.h"
#include "proto/reflect.h"
#include "proto/types.h"

#define QUESTIONS_A_WORLD 20

static uint64_t seed_of(void) {
        const char *said = getenv("CAREBUS_SEED");
        uint64_t seed = (uint64_t)time(NULL);

        if (said)
                assert_int_equal(text_to_u64(said, &seed), 0);
        print_message("# CAREBUS_SEED=%" PRIu64 "\n", seed);
        return seed;
}

/* CAREBUS_QUESTIONS=N: more, or fewer while somebody waits. */
static uint64_t questions_of(void) {
        const char *said = getenv("CAREBUS_QUESTIONS");
        uint64_t questions = 100000;

        if (said)
                assert_int_equal(text_to_u64(said, &questions), 0);
        return questions;
}

typedef struct Asked {
        World *world;
        Sharing *sharing;
        const SharingPerson *person;
        Carebus__V1__Event *event;
        Leaves *leaves, *left;
        size_t team;
        Oracle oracles[2];
        SharingVerdict verdict;
        SharingThing thing;
} Asked;

static void ask(Asked *asked) {
        const Carebus__V1__Settings *settings[2] = { asked->world->configured, asked->world->settings };
        Carebus__V1__PersonSharing *person = world_person(asked->world);
        const EventType *type;

        asked->event = world_event(asked->world, asked->leaves);
        asked->team = dice_roll(&asked->world->dice, WORLD_TEAMS);
        assert_int_equal(sharing_person(asked->sharing, person, asked->world->arena, &asked->person), 0);
        asked->thing = sharing_thing_of_event(asked->sharing, asked->event);
        asked->verdict = sharing_may_see(asked->sharing, asked->team, asked->person, &asked->thing);
        type = event_type_find(asked->event->type);
        for (size_t i = 0; i < 2; i++)
                asked->oracles[i] = (Oracle){ .settings = settings[i],
                                              .other = settings[!i],
                                              .team = asked->world->config.teams[asked->team].name,
                                              .person = person,
                                              .event = asked->event,
                                              .leaves = asked->leaves,
                                              .kind = !type                                            ? NULL
                                                      : type->section                                  ? type->section
                                                      : type->body == CAREBUS__V1__EVENT__BODY_SERVICE ? "services"
                                                                                                       : "notices" };
}

static bool is_shown(const Asked *asked, const Leaf *leaf) {
        return oracle_shows(&asked->oracles[0], leaf) && oracle_shows(&asked->oracles[1], leaf);
}

static bool is_left(const Leaves *leaves, const Leaf *leaf) {
        for (size_t i = 0; i < leaves->n; i++)
                if (leaves->leaves[i].slot == leaf->slot)
                        return true;
        return false;
}

static void assert_nothing_is_empty(const ProtobufCMessage *message) {
        size_t n_set = 0;

        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                size_t n = reflect_count(message, field);

                n_set += n;
                for (size_t k = 0; field->type == PROTOBUF_C_TYPE_MESSAGE && k < n; k++)
                        assert_nothing_is_empty(*(const ProtobufCMessage *const *)reflect_value(message, field, k));
        }
        assert_true(n_set > 0);
}

static void check_fields(Asked *asked) {
        bool *shown = arena_alloc(asked->world->arena, LEAVES_MAX * sizeof(*shown));
        Leaves *left = asked->left;

        /* before anything is left out: what is home is told by values */
        for (size_t i = 0; i < asked->leaves->n; i++)
                shown[i] = is_shown(asked, &asked->leaves->leaves[i]);
        assert_int_equal(sharing_cut_event(asked->sharing, asked->team, asked->person, &asked->verdict, asked->event,
                                           asked->world->arena),
                         0);
        leaves_collect(asked->event, asked->world->arena, left);
        for (size_t i = 0; i < asked->leaves->n; i++)
                if (shown[i] != is_left(left, &asked->leaves->leaves[i]))
                        fail_msg("%s of %s: %s, by the oracle %s", asked->leaves->leaves[i].path, asked->event->type,
                                 shown[i] ? "left out" : "given", shown[i] ? "given" : "left out");
        assert_nothing_is_empty(&asked->event->base);
}

static void check(Asked *asked) {
        const char *reason = oracle_reason(&asked->oracles[0]);

        if (!reason)
                reason = oracle_reason(&asked->oracles[1]);
        if (!text_equal(asked->verdict.reason, reason))
                fail_msg("%s: %s, by the oracle %s", asked->event->type, asked->verdict.reason ?: "seen",
                         reason ?: "seen");
        assert_int_equal(asked->verdict.sight == SHARING_HIDDEN, reason != NULL);
        if (!reason)
                check_fields(asked);
}

static void test_the_oracle_and_the_choke_point_agree_on_sight_and_on_fields(void **state) {
        uint64_t seed = seed_of(), questions = questions_of(), counts[3] = { 0 };
        Asked asked = { .leaves = leaves_new(LEAVES_MAX), .left = leaves_new(LEAVES_MAX) };

        for (uint64_t n = 0; n < questions; n += QUESTIONS_A_WORLD) {
                World world;

                world_init(&world, seed + n);
                asked.world = &world;
                assert_int_equal(sharing_new(&world.config, world.settings, &asked.sharing), 0);
                for (size_t i = 0; i < QUESTIONS_A_WORLD; i++) {
                        ArenaMark mark = arena_mark(world.arena);

                        ask(&asked);
                        counts[asked.verdict.sight]++;
                        check(&asked);
                        arena_rewind(world.arena, mark);
                }
                sharing_unref(asked.sharing);
                world_deinit(&world);
        }
        free(asked.leaves);
        free(asked.left);
        print_message("# hidden %" PRIu64 ", in part %" PRIu64 ", whole %" PRIu64 "\n", counts[SHARING_HIDDEN],
                      counts[SHARING_PART], counts[SHARING_WHOLE]);
        /* A test of sight that hardly ever sees tests nothing. */
        for (size_t i = 0; i < ELEMENTSOF(counts); i++)
                assert_true(counts[i] > questions / 50);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_oracle_and_the_choke_point_agree_on_sight_and_on_fields),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
