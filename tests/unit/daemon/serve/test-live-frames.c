/* Messages that teams hold together: one where they would be the same, never one of other bytes or of another place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/serve/live-frames.h"

#define SIZE 100

typedef struct Fixture {
        LiveFrames *frames;
        uint8_t *room;
        PublishedBytes bytes;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        assert_int_equal(live_frames_new(&fixture->frames), 0);
        assert_int_equal(publish_make_room(SIZE, &fixture->room, &fixture->bytes.data), 0);
        fixture->bytes.size = SIZE;
        memset(fixture->bytes.data, 'a', SIZE);
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        live_frames_free(fixture->frames);
        free(fixture->room);
        free(fixture);
        return 0;
}

static Place place_at(uint64_t seq, uint32_t index) {
        return (Place){ .seq = seq, .index = index };
}

/* Whatever there was before, the message is the Delivery of these bytes. */
static Bytes get(Fixture *fixture, Place place, Place previous) {
        const PublishAt at = { .place = place, .previous = previous };
        const ZFrame *message = NULL;
        Bytes made;

        assert_int_equal(live_frames_get(fixture->frames, &fixture->bytes, place, previous, &message), 0);
        made = publish_frame(PUBLISH_LIVE, &fixture->bytes, &at);
        assert_true(bytes_equal(zframe_bytes(message), made));
        return zframe_bytes(message);
}

static void test_who_has_the_same_place_before_holds_the_same_message(void **state) {
        Fixture *fixture = *state;
        const Bytes first = get(fixture, place_at(7, 0), place_at(6, 1));

        assert_ptr_equal(get(fixture, place_at(7, 0), place_at(6, 1)).data, first.data);
        get(fixture, place_at(7, 1), place_at(7, 0));
        assert_ptr_equal(get(fixture, place_at(7, 0), place_at(6, 1)).data, first.data);
        live_frames_forget(fixture->frames);
        get(fixture, place_at(7, 0), place_at(6, 1));
}

static void test_another_place_before_is_another_message(void **state) {
        Fixture *fixture = *state;

        for (uint64_t seq = 1; seq < 2000; seq++)
                for (uint32_t index = 0; index < 4; index++) {
                        get(fixture, place_at(seq, index), place_at(seq - 1, 0));
                        get(fixture, place_at(seq, index), place_at(seq - 1, 3));
                }
}

static void test_other_bytes_in_the_same_memory_are_another_message(void **state) {
        Fixture *fixture = *state;

        get(fixture, place_at(7, 0), place_at(6, 1));
        memset(fixture->bytes.data, 'b', SIZE);
        fixture->bytes.hashed = false;
        get(fixture, place_at(7, 0), place_at(6, 1));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_who_has_the_same_place_before_holds_the_same_message, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_another_place_before_is_another_message, setup, teardown),
                cmocka_unit_test_setup_teardown(test_other_bytes_in_the_same_memory_are_another_message, setup,
                                                teardown),
        };
        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
