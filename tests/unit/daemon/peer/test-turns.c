/* Whose turn it is. */
#include "daemon/peer/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"

typedef struct Item {
        Turn turn;
        int number;
} Item;

static Item *put(Turns *turns, TurnLane *lane, int number) {
        Item *item = calloc(1, sizeof(*item));

        assert_non_null(item);
        item->turn = (Turn){ .bytes = 10, .count = 1 };
        item->number = number;
        turns_put(turns, lane, &item->turn);
        return item;
}

/* The number of the next one, or -1; frees it. */
static int take(Turns *turns, TurnLane **ret_lane) {
        TurnLane *lane = NULL;
        Turn *turn = turns_take(turns, &lane);
        int number;

        if (ret_lane)
                *ret_lane = lane;
        if (!turn)
                return -1;
        number = CONTAINER_OF(turn, Item, turn)->number;
        free(CONTAINER_OF(turn, Item, turn));
        return number;
}

static void test_nothing_waits_in_the_beginning(void **state) {
        Turns turns = TURNS_NULL;

        assert_int_equal(take(&turns, NULL), -1);
}

static void test_one_lane_keeps_its_order(void **state) {
        Turns turns = TURNS_NULL;
        TurnGroup group = { 0 };
        TurnLane lane = { .group = &group };

        for (int i = 0; i < 100; i++)
                put(&turns, &lane, i);
        for (int i = 0; i < 100; i++)
                assert_int_equal(take(&turns, NULL), i);
        assert_int_equal(take(&turns, NULL), -1);
        assert_int_equal(turns.count, 0);
        assert_int_equal(turns.bytes, 0);
}

static void test_a_flood_delays_another_source_by_one_item(void **state) {
        Turns turns = TURNS_NULL;
        TurnGroup flood = { 0 }, small = { 0 };
        TurnLane floods[64] = { 0 }, one = { .group = &small };
        TurnLane *lane;

        for (size_t i = 0; i < 64; i++) {
                floods[i].group = &flood;
                for (int k = 0; k < 1563; k++)
                        put(&turns, &floods[i], 0);
        }
        for (int i = 0; i < 1000; i++)
                assert_int_equal(take(&turns, NULL), 0);
        put(&turns, &one, 1);
        take(&turns, &lane);
        if (lane != &one)
                assert_int_equal(take(&turns, NULL), 1);
        while (take(&turns, NULL) >= 0)
                ;
}

static void test_connections_of_one_source_take_turns_among_themselves(void **state) {
        Turns turns = TURNS_NULL;
        TurnGroup group = { 0 };
        TurnLane lanes[3] = { { .group = &group }, { .group = &group }, { .group = &group } };
        TurnLane *lane;

        for (int i = 0; i < 3; i++)
                for (int k = 0; k < 4; k++)
                        put(&turns, &lanes[i], k);
        for (int k = 0; k < 4; k++)
                for (int i = 0; i < 3; i++) {
                        assert_int_equal(take(&turns, &lane), k);
                        assert_ptr_equal(lane, &lanes[i]);
                }
}

static void test_a_closed_connection_leaves_the_others_in_turn(void **state) {
        Turns turns = TURNS_NULL;
        TurnGroup group = { 0 };
        TurnLane a = { .group = &group }, b = { .group = &group };
        Turn *turn;

        put(&turns, &a, 1);
        put(&turns, &a, 2);
        put(&turns, &b, 3);
        while ((turn = turns_take_from(&turns, &a)))
                free(CONTAINER_OF(turn, Item, turn));
        assert_int_equal(turns.count, 1);
        assert_int_equal(group.count, 1);
        assert_int_equal(take(&turns, NULL), 3);
        assert_null(turns.groups);
        assert_null(group.lanes);
}

/* Against a plain model: whatever is put and taken, each lane keeps its order, counts agree, and no source waits longer than
 * there are sources. */
static void test_any_sequence_keeps_order_counts_and_fairness(void **state) {
        enum { GROUPS = 5, LANES = 4, STEPS = 20000 };
        unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : (unsigned)time(NULL);
        Turns turns = TURNS_NULL;
        TurnGroup groups[GROUPS] = { 0 };
        TurnLane lanes[GROUPS][LANES] = { 0 };
        int next_in[GROUPS][LANES] = { 0 }, next_out[GROUPS][LANES] = { 0 }, waited[GROUPS] = { 0 };
        size_t count = 0;

        print_message("SEED=%u\n", seed);
        for (int step = 0; step < STEPS; step++) {
                int g = rand_r(&seed) % GROUPS, l = rand_r(&seed) % LANES;

                lanes[g][l].group = &groups[g];
                if (rand_r(&seed) % 2) {
                        put(&turns, &lanes[g][l], next_in[g][l]++);
                        count++;
                } else if (count > 0) {
                        TurnLane *lane;
                        int number = take(&turns, &lane);
                        int tg = (int)(lane->group - groups), tl = (int)(lane - lanes[tg]);

                        count--;
                        assert_int_equal(number, next_out[tg][tl]++);
                        for (int i = 0; i < GROUPS; i++)
                                waited[i] = i == tg || groups[i].count == 0 ? 0 : waited[i] + 1;
                        for (int i = 0; i < GROUPS; i++)
                                assert_true(waited[i] <= GROUPS);
                }
                assert_int_equal(turns.count, count);
                assert_int_equal(turns.bytes, count * 10);
        }
        while (take(&turns, NULL) >= 0)
                ;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_waits_in_the_beginning),
                cmocka_unit_test(test_one_lane_keeps_its_order),
                cmocka_unit_test(test_a_flood_delays_another_source_by_one_item),
                cmocka_unit_test(test_connections_of_one_source_take_turns_among_themselves),
                cmocka_unit_test(test_a_closed_connection_leaves_the_others_in_turn),
                cmocka_unit_test(test_any_sequence_keeps_order_counts_and_fairness),
        };

        return cmocka_run_group_tests_name("peer turns", tests, NULL, NULL);
}
