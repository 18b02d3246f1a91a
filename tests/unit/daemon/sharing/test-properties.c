/*
 * What holds of any rules: more of them show no less, one digest is one answer, nobody knows a kind that is not there, no text slips
 * through.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "base/text.h"
#include "tests/unit/daemon/sharing/oracle.h"
#include "proto/check.h"
#include "proto/types.h"

#define WORLDS 1500

static uint64_t seed_of(void) {
        const char *said = getenv("CAREBUS_SEED");
        uint64_t seed = (uint64_t)time(NULL);

        if (said)
                assert_int_equal(text_to_u64(said, &seed), 0);
        print_message("# CAREBUS_SEED=%" PRIu64 "\n", seed);
        return seed;
}

static Carebus__V1__Event *event_copy(const Carebus__V1__Event *event, Arena *arena) {
        ProtobufCAllocator allocator = check_allocator(arena);
        uint8_t *packed = arena_alloc(arena, carebus__v1__event__get_packed_size(event) + 1);
        Carebus__V1__Event *copy;

        assert_non_null(packed);
        copy = carebus__v1__event__unpack(&allocator, carebus__v1__event__pack(event, packed), packed);
        assert_non_null(copy);
        return copy;
}

/* What the team is given of it. */
typedef struct Given {
        SharingSight sight;
        Carebus__V1__Event *event;
        Leaves *leaves;
} Given;

static void give(const Sharing *sharing, size_t team, const Carebus__V1__PersonSharing *said,
                 const Carebus__V1__Event *event, Arena *arena, Given *given) {
        SharingThing thing = sharing_thing_of_event(sharing, event);
        const SharingPerson *person;
        SharingVerdict verdict;

        assert_int_equal(sharing_person(sharing, said, arena, &person), 0);
        verdict = sharing_may_see(sharing, team, person, &thing);
        given->sight = verdict.sight;
        given->event = event_copy(event, arena);
        given->leaves->n = 0;
        assert_int_equal(sharing_cut_event(sharing, team, person, &verdict, given->event, arena), 0);
        if (verdict.sight != SHARING_HIDDEN)
                leaves_collect(given->event, arena, given->leaves);
}

static bool is_same_leaf(const Leaf *a, const Leaf *b) {
        return a->is_beside == b->is_beside && strcmp(a->path, b->path) == 0 &&
               (a->text ? b->text && strcmp(a->text, b->text) == 0 : !b->text);
}

/* In order: what is left out leaves the others as they were. */
static bool is_part_of(const Leaves *less, const Leaves *more) {
        size_t at = 0;

        for (size_t i = 0; i < less->n; i++, at++) {
                while (at < more->n && !is_same_leaf(&less->leaves[i], &more->leaves[at]))
                        at++;
                if (at == more->n)
                        return false;
        }
        return true;
}

static bool rule_is_for(const ConfigSharingRule *rule, const ConfigTeam *team) {
        for (size_t i = 0; i < rule->n_classes; i++)
                if (strcmp(rule->classes[i], team->class) == 0)
                        return true;
        for (size_t i = 0; i < rule->n_teams; i++)
                if (strcmp(rule->teams[i], team->name) == 0)
                        return true;
        return false;
}

static void test_one_rule_more_shows_no_less_and_changes_nothing_for_whom_it_is_not(void **state) {
        uint64_t seed = seed_of(), more = 0;
        Given before = { .leaves = leaves_new(LEAVES_MAX) }, after = { .leaves = leaves_new(LEAVES_MAX) };
        Leaves *leaves = leaves_new(LEAVES_MAX);

        for (uint64_t n = 0; n < WORLDS; n++) {
                _cleanup_(sharing_unrefp) Sharing *fewer = NULL, *all = NULL;
                Config without;
                World world;

                world_init(&world, seed + n);
                without = world.config;
                without.sharing.n_rules -= without.sharing.n_rules > 0;
                assert_int_equal(sharing_new(&without, world_settings(&world, &without), &fewer), 0);
                assert_int_equal(sharing_new(&world.config, world.configured, &all), 0);
                for (size_t i = 0; i < 10; i++) {
                        Carebus__V1__PersonSharing *person = world_person(&world);
                        Carebus__V1__Event *event = world_event(&world, leaves);
                        size_t team = dice_roll(&world.dice, WORLD_TEAMS);
                        bool is_one = memcmp(sharing_digest(fewer, team), sharing_digest(all, team), SHA256_SIZE) == 0;

                        give(fewer, team, person, event, world.arena, &before);
                        give(all, team, person, event, world.arena, &after);
                        assert_true(before.sight <= after.sight);
                        assert_true(is_part_of(before.leaves, after.leaves));
                        assert_int_equal(is_one,
                                         world.config.sharing.n_rules == 0 ||
                                                 !rule_is_for(&world.config.sharing.rules[without.sharing.n_rules],
                                                              &world.config.teams[team]));
                        if (is_one)
                                assert_true(before.sight == after.sight && is_part_of(after.leaves, before.leaves));
                        more += before.sight < after.sight || before.leaves->n < after.leaves->n;
                }
                sharing_unref(TAKE_PTR(fewer));
                sharing_unref(TAKE_PTR(all));
                world_deinit(&world);
        }
        assert_true(more > WORLDS / 10);
        free(before.leaves);
        free(after.leaves);
        free(leaves);
}

/* A stricter rule: one word less, or one exception more. */
static void make_stricter(World *world, ConfigSharingRule *rule) {
        static char *names[] = { (char *)"demographics.names", (char *)"encounter.class", (char *)"decision.decision" };

        switch (dice_roll(&world->dice, 7)) {
        case 0:
                rule->n_classes -= rule->n_classes > 0;
                break;
        case 1:
                rule->n_kinds -= rule->n_kinds > 0;
                break;
        case 2:
                if (rule->n_except == 0) {
                        rule->except = names;
                        rule->n_except = ELEMENTSOF(names);
                }
                break;
        case 3:
                rule->restricted_shown = false;
                break;
        case 4:
                rule->despite_objection = false;
                break;
        case 5:
                rule->n_sensitive -= rule->n_sensitive > 0;
                break;
        default:
                rule->unconfirmed = false;
        }
}

static void test_a_stricter_rule_never_shows_more(void **state) {
        uint64_t seed = seed_of(), less = 0;
        Given before = { .leaves = leaves_new(LEAVES_MAX) }, after = { .leaves = leaves_new(LEAVES_MAX) };
        Leaves *leaves = leaves_new(LEAVES_MAX);

        for (uint64_t n = 0; n < WORLDS; n++) {
                _cleanup_(sharing_unrefp) Sharing *loose = NULL, *strict = NULL, *both = NULL;
                World world;

                world_init(&world, seed + n);
                assert_int_equal(sharing_new(&world.config, world.configured, &loose), 0);
                for (size_t i = 0; i < world.config.sharing.n_rules; i++)
                        make_stricter(&world, &world.config.sharing.rules[i]);
                assert_int_equal(sharing_new(&world.config, world_settings(&world, &world.config), &strict), 0);
                /* the fold still has what was before: the denial counts at once */
                assert_int_equal(sharing_new(&world.config, world.configured, &both), 0);
                for (size_t i = 0; i < 10; i++) {
                        Carebus__V1__PersonSharing *person = world_person(&world);
                        Carebus__V1__Event *event = world_event(&world, leaves);
                        size_t team = dice_roll(&world.dice, WORLD_TEAMS);

                        give(loose, team, person, event, world.arena, &before);
                        give(strict, team, person, event, world.arena, &after);
                        assert_true(after.sight <= before.sight);
                        assert_true(is_part_of(after.leaves, before.leaves));
                        less += after.sight < before.sight || after.leaves->n < before.leaves->n;
                        give(both, team, person, event, world.arena, &before);
                        assert_int_equal(before.sight, after.sight);
                        assert_true(is_part_of(after.leaves, before.leaves) && is_part_of(before.leaves, after.leaves));
                }
                sharing_unref(TAKE_PTR(loose));
                sharing_unref(TAKE_PTR(strict));
                sharing_unref(TAKE_PTR(both));
                world_deinit(&world);
        }
        assert_true(less > WORLDS / 10);
        free(before.leaves);
        free(after.leaves);
        free(leaves);
}

static void test_a_kind_or_type_that_nobody_knows_is_seen_by_nobody(void **state) {
        static const char *const injected[] = { "",
                                                "all",
                                                "ALL",
                                                "Demographics",
                                                "demographics ",
                                                "demographics.names",
                                                "rules",
                                                "sharing",
                                                "not-needed",
                                                "*",
                                                "conditions\n",
                                                "section",
                                                "lists",
                                                "again",
                                                "%s",
                                                "encounter" };
        World world;

        for (uint64_t n = 0; n < 200; n++) {
                _cleanup_(sharing_unrefp) Sharing *sharing = NULL;

                world_init(&world, n);
                assert_int_equal(sharing_new(&world.config, world.configured, &sharing), 0);
                for (size_t i = 0; i < ELEMENTSOF(injected); i++)
                        for (size_t team = 0; team < WORLD_TEAMS; team++) {
                                SharingThing of_kind = { .kind = injected[i], .source = BYTES_LITERAL("nobody's") };
                                SharingThing of_type = { .kind = "demographics", .type = injected[i] };

                                assert_int_equal(sharing_may_see(sharing, team, NULL, &of_kind).sight, SHARING_HIDDEN);
                                assert_int_equal(sharing_may_see(sharing, team, NULL, &of_type).sight, SHARING_HIDDEN);
                                assert_int_equal(sharing_section(sharing, team, NULL, injected[i]), SHARING_HIDDEN);
                        }
                assert_int_equal(
                        sharing_may_see(sharing, WORLD_TEAMS, NULL, &(SharingThing){ .kind = "services" }).sight,
                        SHARING_HIDDEN);
                assert_int_equal(sharing_may_see(sharing, 0, NULL, &(SharingThing){ .kind = NULL }).sight,
                                 SHARING_HIDDEN);
                sharing_unref(TAKE_PTR(sharing));
                world_deinit(&world);
        }
}

/*
 * Canaries
 */

static const char *const body_types[] = { "patient.updated",
                                          "patient.merged",
                                          "encounter.admitted",
                                          "referral.requested",
                                          "appointment.booked",
                                          "contact.recorded",
                                          "care_team.member_added",
                                          "care_plan.published",
                                          "cpr_decision.recorded",
                                          "outcome.measured",
                                          "observation.recorded",
                                          "condition.recorded",
                                          "allergy.recorded",
                                          "medication.started",
                                          "alert.raised",
                                          "document.available",
                                          "consent.recorded",
                                          "death.notified",
                                          "bereavement.offered",
                                          "service.published",
                                          "episode.opened",
                                          "palliative_need.identified",
                                          "care_package.started",
                                          "mdt.held",
                                          "programme.enrolled",
                                          "anticipatory_meds.prescribed",
                                          "place_of_death.compared",
                                          "order.placed",
                                          "equity.recorded",
                                          "contact_point.changed",
                                          "partner.silent" };

/* Which numbers of canaries are in these bytes. */
static void find_canaries(const uint8_t *packed, size_t size, uint8_t *found, size_t n) {
        const uint8_t *at = packed, *end = packed + size;

        memset(found, 0, n);
        while ((at = memmem(at, (size_t)(end - at), "canary-", 7))) {
                char digits[7] = "";

                at += 7;
                memcpy(digits, at, MIN((size_t)(end - at), (size_t)6));
                if (strtoul(digits, NULL, 16) < n)
                        found[strtoul(digits, NULL, 16)] = 1;
        }
}

/* What stands beside body and patient and is left out of whatever is seen in part. */
static const char *envelope_gone(const Carebus__V1__Event *event) {
        return event->source_message_id || event->trigger           ? "message"
               : event->n_notes                                     ? "notes"
               : event->occurred_at && event->occurred_at->text     ? "time"
               : event->n_replaces                                  ? "replaces"
               : event->order_id && event->order_id->text           ? "number"
               : event->sensitivity && event->sensitivity->original ? "sensitivity"
               : event->sensitivity && event->sensitivity->n_labels && event->sensitivity->labels[0]->text ? "label"
               : event->n_cleared || event->n_complete                                                     ? "paths"
                                                                                                           : NULL;
}

static uint64_t check_canaries(World *world, const Sharing *sharing, const char *type, Leaves *leaves) {
        Carebus__V1__PersonSharing *said = world_person(world);
        Carebus__V1__Event *event = world_full_event(world, type, leaves);
        const EventType *row = event_type_find(type);
        size_t team = dice_roll(&world->dice, WORLD_TEAMS), size;
        uint8_t *packed, *found = arena_alloc(world->arena, world->n_canaries),
                         *shown = arena_alloc(world->arena, leaves->n);
        Oracle oracle = { .settings = world->configured,
                          .team = world->config.teams[team].name,
                          .person = said,
                          .event = event,
                          .leaves = leaves,
                          .other = NULL,
                          .kind = row->section
                                          ?: row->body == CAREBUS__V1__EVENT__BODY_SERVICE ? "services"
                                                                                           : "notices" };
        const SharingPerson *person;
        SharingThing thing;
        SharingVerdict verdict;

        oracle.kind = row->section ? row->section : oracle.kind;
        event->source = dice_says(&world->dice, 2) ? NULL : (char *)"beta";
        event->team = NULL;
        thing = sharing_thing_of_event(sharing, event);
        assert_int_equal(sharing_person(sharing, said, world->arena, &person), 0);
        verdict = sharing_may_see(sharing, team, person, &thing);
        if (verdict.sight != SHARING_PART)
                return 0;
        for (size_t i = 0; i < leaves->n; i++)
                shown[i] = oracle_shows(&oracle, &leaves->leaves[i]);
        assert_int_equal(sharing_cut_event(sharing, team, person, &verdict, event, world->arena), 0);
        assert_null(envelope_gone(event));
        size = carebus__v1__event__get_packed_size(event);
        packed = malloc(size + 1);
        assert_non_null(packed);
        find_canaries(packed, carebus__v1__event__pack(event, packed), found, world->n_canaries);
        for (size_t i = 0; i < leaves->n; i++) {
                const Leaf *leaf = &leaves->leaves[i];

                if (leaf->text && strncmp(leaf->text, "canary-", 7) == 0 &&
                    found[strtoul(leaf->text + 7, NULL, 16)] != shown[i])
                        fail_msg("%s: %s is %s", type, leaf->path, shown[i] ? "not given" : "given");
        }
        free(packed);
        return 1;
}

static void test_no_text_of_any_field_slips_through_and_every_other_is_given(void **state) {
        uint64_t seed = seed_of(), n_checked = 0;
        Leaves *leaves = leaves_new(LEAVES_ALL);

        for (uint64_t n = 0; n < 800; n++) {
                _cleanup_(sharing_unrefp) Sharing *sharing = NULL;
                World world;

                world_init(&world, seed + n);
                assert_int_equal(sharing_new(&world.config, world.configured, &sharing), 0);
                n_checked += check_canaries(&world, sharing, body_types[n % ELEMENTSOF(body_types)], leaves);
                sharing_unref(TAKE_PTR(sharing));
                world_deinit(&world);
        }
        print_message("# %" PRIu64 " seen in part\n", n_checked);
        assert_true(n_checked > 20);
        free(leaves);
}

/* The answers of one event and person to all teams, in any order and again, out of one memo. Returns how many were another team's. */
static uint64_t ask_again(World *world, const Sharing *sharing, Leaves *leaves) {
        Carebus__V1__PersonSharing *said = world_person(world);
        SharingThing thing = sharing_thing_of_event(sharing, world_event(world, leaves));
        const SharingPerson *person;
        SharingMemo memo = { 0 };
        uint64_t shared = 0;

        assert_int_equal(sharing_person(sharing, said, world->arena, &person), 0);
        for (size_t i = 0; i < 3 * WORLD_TEAMS; i++) {
                size_t team = dice_roll(&world->dice, WORLD_TEAMS);
                SharingVerdict anew = sharing_may_see(sharing, team, person, &thing);
                SharingVerdict again = sharing_may_see_again(sharing, team, person, &thing, &memo);

                assert_int_equal(again.sight, anew.sight);
                assert_int_equal(again.rule, anew.rule);
                assert_true(text_equal(again.reason, anew.reason));
                assert_ptr_equal(again.relationship, anew.relationship);
                assert_ptr_equal(again.mask, anew.mask);
                if (sharing_is_own(sharing, team, &thing))
                        assert_true(anew.sight == SHARING_WHOLE && anew.rule < 0);
                shared += memo.is_set && memo.group != team && anew.sight != SHARING_HIDDEN;
        }
        return shared;
}

static void test_what_is_found_once_for_teams_alike_is_what_each_of_them_is_told(void **state) {
        uint64_t seed = seed_of(), shared = 0;
        Leaves *leaves = leaves_new(LEAVES_MAX);

        for (uint64_t n = 0; n < WORLDS; n++) {
                _cleanup_(sharing_unrefp) Sharing *sharing = NULL;
                World world;

                world_init(&world, seed + n);
                for (size_t i = 1; i < WORLD_TEAMS && n % 2 == 0; i++) {
                        world.config.teams[i].class = world.config.teams[0].class;
                        world.config.teams[i].reads_all = world.config.teams[0].reads_all;
                        world.config.teams[i].may_read = world.config.teams[0].may_read;
                        world.config.teams[i].n_may_read = world.config.teams[0].n_may_read;
                }
                assert_int_equal(sharing_new(&world.config,
                                             n % 3 == 0 ? world.settings : world_settings(&world, &world.config),
                                             &sharing),
                                 0);
                for (size_t i = 0; i < 10; i++)
                        shared += ask_again(&world, sharing, leaves);
                sharing_unref(TAKE_PTR(sharing));
                world_deinit(&world);
        }
        assert_true(shared > WORLDS / 10);
        free(leaves);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_rule_more_shows_no_less_and_changes_nothing_for_whom_it_is_not),
                cmocka_unit_test(test_a_stricter_rule_never_shows_more),
                cmocka_unit_test(test_what_is_found_once_for_teams_alike_is_what_each_of_them_is_told),
                cmocka_unit_test(test_a_kind_or_type_that_nobody_knows_is_seen_by_nobody),
                cmocka_unit_test(test_no_text_of_any_field_slips_through_and_every_other_is_given),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
