/* Replies and decisions. */
#include "daemon/control/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_error_carries_reason_detail_and_the_requests_id(void **state) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        Carebus__V1__Reply *reply;

        assert_int_equal(control_pack_error(42, "not-found", "look there", &packed), 0);
        reply = carebus__v1__reply__unpack(NULL, packed.size, packed.data);
        assert_non_null(reply);
        assert_int_equal(reply->id, 42);
        assert_string_equal(reply->error, "not-found");
        assert_string_equal(reply->detail, "look there");
        assert_int_equal(reply->answer_case, CAREBUS__V1__REPLY__ANSWER__NOT_SET);
        carebus__v1__reply__free_unpacked(reply, NULL);
}

static void test_decision_keeps_who_it_was_apart_from_who_they_say(void **state) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        const ControlDecision decision = {
                .kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_DISCARD,
                .who = "unix:1000",
                .who_says = "Dr A",
                .why = "sent twice",
                .seq = 17,
        };
        Carebus__V1__Entry *entry;

        assert_int_equal(control_pack_entry(&decision, &packed), 0);
        entry = carebus__v1__entry__unpack(NULL, packed.size, packed.data);
        assert_non_null(entry);
        assert_int_equal(entry->kind_case, CAREBUS__V1__ENTRY__KIND_DECISION);
        assert_int_equal(entry->decision->kind, CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_DISCARD);
        assert_string_equal(entry->decision->who, "unix:1000");
        assert_string_equal(entry->decision->who_says, "Dr A");
        assert_string_equal(entry->decision->why, "sent twice");
        assert_int_equal(entry->decision->seq, 17);
        carebus__v1__entry__free_unpacked(entry, NULL);
}

static void test_blanks_are_no_reason(void **state) {
        assert_false(control_text_is_given(NULL));
        assert_false(control_text_is_given(""));
        assert_false(control_text_is_given(" \t\r\n"));
        assert_true(control_text_is_given(" x "));
}

static void count(ControlQuarantine *counts, const char *class, int64_t at) {
        Carebus__V1__QuarantineItem item = CAREBUS__V1__QUARANTINE_ITEM__INIT;
        uint8_t packed[256];

        item.class_ = (char *)(uintptr_t) class;
        item.source = (char *)(uintptr_t) "urgent"; /* a name is not a class */
        item.has_received_at = true;
        item.received_at = at;
        control_count_quarantined(counts, bytes_of(packed, carebus__v1__quarantine_item__pack(&item, packed)));
}

static void test_quarantine_is_counted_by_class_with_its_oldest(void **state) {
        ControlQuarantine counts = { .open = 0 };

        count(&counts, "normal", 500);
        count(&counts, "urgent", 300);
        count(&counts, "unhandled", 400);
        count(&counts, "unhandled", 900);
        assert_int_equal(counts.open, 4);
        assert_int_equal(counts.urgent, 1);
        assert_int_equal(counts.unhandled, 2);
        assert_int_equal(counts.oldest_received_at, 300);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_error_carries_reason_detail_and_the_requests_id),
                cmocka_unit_test(test_decision_keeps_who_it_was_apart_from_who_they_say),
                cmocka_unit_test(test_blanks_are_no_reason),
                cmocka_unit_test(test_quarantine_is_counted_by_class_with_its_oldest),
        };

        return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
