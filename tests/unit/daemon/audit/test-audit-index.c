/* The index: kept, made anew, and equal either way. */
#include "tests/unit/daemon/audit/audit-test.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

static void test_who_was_given_what_is_known_by_team_and_index(void **state) {
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        disclose(audit, "hospice", "p7.0", 9, 200);
        disclose(audit, "ward", "p7.3", 12, 1);
        for (uint32_t i = 0; i < 200; i++)
                assert_int_equal(audit_was_given(audit, "hospice", 9, i), 1);
        assert_int_equal(audit_was_given(audit, "hospice", 9, 200), 0);
        assert_int_equal(audit_was_given(audit, "hospice", 8, 0), 0);
        assert_int_equal(audit_was_given(audit, "ward", 9, 0), 0);
        assert_int_equal(audit_was_given(audit, "ward", 12, 0), 1);
        assert_int_equal(audit_was_given(audit, "nobody", 12, 0), 0);
        assert_int_equal(audit_was_told_of(audit, "hospice", "p7.0"), 1);
        assert_int_equal(audit_was_told_of(audit, "hospice", "p7.3"), 0);
        assert_int_equal(audit_was_told_of(audit, "ward", "p7.3"), 1);
        assert_int_equal(audit_was_told_of(audit, "ward", "p70.3"), 0);
        assert_int_equal(audit_was_told_of(audit, "ward", "nonsense"), 0);
        audit_free(audit);
}

static void test_a_record_gives_what_was_there_until_then(void **state) {
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        disclose_record(audit, "hospice", "p7.0", 20);
        disclose_record(audit, "hospice", "p7.2", 30);
        disclose_record(audit, "hospice", "p7.2", 25);
        assert_int_equal(audit_was_given_record(audit, "hospice", "p7.0", 20), 1);
        assert_int_equal(audit_was_given_record(audit, "hospice", "p7.0", 21), 0);
        assert_int_equal(audit_was_given_record(audit, "hospice", "p7.2", 30), 1);
        assert_int_equal(audit_was_given_record(audit, "hospice", "p7.2", 31), 0);
        assert_int_equal(audit_was_given_record(audit, "ward", "p7.0", 1), 0);
        assert_int_equal(audit_was_given(audit, "hospice", 20, 0), 0);
        assert_int_equal(audit_was_told_of(audit, "hospice", "p7.0"), 1);
        audit_free(audit);
}

static void test_the_notice_that_something_is_withdrawn_is_not_the_event(void **state) {
        Carebus__V1__DisclosedItem item = CAREBUS__V1__DISCLOSED_ITEM__INIT, *items[] = { &item };
        Carebus__V1__Disclosure disclosure = CAREBUS__V1__DISCLOSURE__INIT;
        Carebus__V1__AuditRecord record = CAREBUS__V1__AUDIT_RECORD__INIT;
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        item.patient_id = (char *)"p7.0";
        item.has_seq = item.has_index = item.has_correction = item.correction = true;
        item.seq = 40;
        disclosure.team = (char *)"hospice";
        disclosure.n_items = 1;
        disclosure.items = items;
        record.what_case = CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE;
        record.disclosure = &disclosure;
        assert_int_equal(audit_append(audit, &record, NULL), 0);
        assert_int_equal(audit_was_given(audit, "hospice", 40, 0), 0);
        audit_free(audit);
}

/* ---- kept, or made anew --------------------------------------------------------------------------------------------- */

#define EVENTS 3000

static uint64_t next_random(uint64_t *seed) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *seed >> 33;
}

static void disclose_at_random(Audit *audit, uint64_t *seed) {
        static const char *const teams[] = { "hospice", "ward", "district-nurses" };
        char patient_id[40];
        uint64_t seq = 1 + next_random(seed) % 5000;

        snprintf(patient_id, sizeof(patient_id), "p%llu.%llu", (unsigned long long)(1 + next_random(seed) % 900),
                 (unsigned long long)(next_random(seed) % 12));
        if (next_random(seed) % 10 == 0)
                disclose_record(audit, teams[next_random(seed) % 3], patient_id, seq);
        else
                disclose(audit, teams[next_random(seed) % 3], patient_id, seq, 1 + (uint32_t)(next_random(seed) % 90));
}

static bool same_file(const char *a, const char *b) {
        Buffer first = BUFFER_NULL, second = BUFFER_NULL;
        bool same = file_read(a, SIZE_MAX, &first) == 0 && file_read(b, SIZE_MAX, &second) == 0 &&
                    bytes_equal(buffer_bytes(&first), buffer_bytes(&second));

        buffer_deinit(&first);
        buffer_deinit(&second);
        return same;
}

static unsigned compare_folders(const char *a, const char *b) {
        DIR *folder = opendir(a);
        const struct dirent *entry;
        unsigned n = 0;

        assert_non_null(folder);
        while ((entry = readdir(folder))) {
                char first[900], second[900];

                if (entry->d_name[0] == '.' || strcmp(entry->d_name, "mark") == 0)
                        continue;
                snprintf(first, sizeof(first), "%s/%s", a, entry->d_name);
                snprintf(second, sizeof(second), "%s/%s", b, entry->d_name);
                if (!same_file(first, second))
                        print_message("# %s differs\n", entry->d_name);
                assert_true(same_file(first, second));
                n++;
        }
        closedir(folder);
        return n;
}

static void test_an_index_made_anew_equals_the_one_that_was_kept(void **state) {
        uint64_t seed = (uint64_t)time(NULL);
        char kept[512], index[512];
        ClockFake clock;
        Audit *audit;

        print_message("# seed %llu\n", (unsigned long long)seed);
        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 200000);
        for (unsigned i = 0; i < EVENTS; i++) {
                clock_fake_advance(&clock, USEC_PER_SEC);
                disclose_at_random(audit, &seed);
                if (i == EVENTS / 2) { /* and opened again in between */
                        audit_free(audit);
                        audit = open_audit(*state, &clock.clock, 200000);
                }
        }
        audit_free(audit);
        snprintf(index, sizeof(index), "%s", audit_path(*state, "index"));
        snprintf(kept, sizeof(kept), "%s", folder_path(*state, "kept"));
        assert_int_equal(folder_make(kept, 0700), 0);
        folder_copy(index, kept);
        folder_empty(index);
        audit_free(open_audit(*state, &clock.clock, 200000));
        assert_true(compare_folders(kept, index) >= 18 + 5); /* three teams with six files, and filters */
        expect_audit(*state, NULL, NULL);
}

static void test_an_index_of_another_audit_is_made_anew(void **state) {
        char elsewhere[512];
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        disclose(audit, "hospice", "p1.0", 5, 1);
        audit_free(audit);
        snprintf(elsewhere, sizeof(elsewhere), "%s", folder_path(*state, "elsewhere"));
        assert_int_equal(folder_make(elsewhere, 0700), 0);
        audit = open_audit(elsewhere, &clock.clock, 0);
        disclose(audit, "hospice", "p1.0", 6, 1);
        audit_free(audit);
        folder_empty(audit_path(elsewhere, "index"));
        {
                char from[512], to[512];
                snprintf(from, sizeof(from), "%s", audit_path(*state, "index"));
                snprintf(to, sizeof(to), "%s", audit_path(elsewhere, "index"));
                folder_copy(from, to);
        }
        audit = open_audit(elsewhere, &clock.clock, 0);
        assert_int_equal(audit_was_given(audit, "hospice", 5, 0), 0);
        assert_int_equal(audit_was_given(audit, "hospice", 6, 0), 1);
        audit_free(audit);
}

/* ---- searching ----------------------------------------------------------------------------------------------------------- */

typedef struct Found {
        unsigned n, n_items;
        uint64_t last;
        unsigned stop_after;
} Found;

static int found_one(const Carebus__V1__AuditRecord *record, void *owner) {
        Found *found = owner;

        assert_true(record->number > found->last);
        found->last = record->number;
        found->n++;
        found->n_items += record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE
                                  ? (unsigned)record->disclosure->n_items
                                  : 0;
        return found->n == found->stop_after ? 1 : 0;
}

static void test_a_person_is_found_in_all_segments_within_the_time_asked_for(void **state) {
        static const char *const persons[] = { "p77.0" };
        AuditWhen when = { .from_at = 0 };
        Arena *arena = NULL;
        Found found = { .n = 0 };
        ClockFake clock;
        Audit *audit;

        assert_int_equal(arena_new(&arena, 64 << 20), 0);
        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 300000);
        for (uint64_t i = 1; i <= 4000; i++) {
                char patient_id[32];

                clock_fake_advance(&clock, USEC_PER_SEC);
                snprintf(patient_id, sizeof(patient_id), "p%llu.0", (unsigned long long)(1 + i % 200));
                disclose(audit, "hospice", patient_id, i, 4);
        }
        assert_int_equal(audit_of_person(audit, persons, 1, &when, arena, found_one, &found), 0);
        assert_int_equal(found.n, 20);
        assert_int_equal(found.n_items, 80);
        when = (AuditWhen){ .from_at = NOON + 1000 * USEC_PER_SEC, .until_at = NOON + 2000 * USEC_PER_SEC };
        found = (Found){ .n = 0 };
        assert_int_equal(audit_of_person(audit, persons, 1, &when, arena, found_one, &found), 0);
        assert_int_equal(found.n, 5);
        when = (AuditWhen){ .after_number = found.last };
        found = (Found){ .stop_after = 3 };
        assert_int_equal(audit_of_person(audit, persons, 1, &when, arena, found_one, &found), 1);
        assert_int_equal(found.n, 3);
        audit_free(audit);
        arena_free(arena);
}

static void test_an_event_is_found_with_its_items_alone(void **state) {
        static const uint64_t seqs[] = { 5, 900, 1700 };
        Arena *arena = NULL;
        Found found = { .n = 0 };
        ClockFake clock;
        Audit *audit;

        assert_int_equal(arena_new(&arena, 64 << 20), 0);
        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 100000);
        for (uint64_t i = 1; i <= 2000; i++) {
                disclose(audit, "hospice", "p1.0", i, 3);
                disclose(audit, "ward", "p1.0", i, 2);
                if (i == 1000) /* a filter that is gone is made again */
                        assert_int_equal(unlink(audit_path(*state, "index/00000000000000000001.find")), 0);
        }
        disclose_record(audit, "ward", "p1.0", 900);
        assert_int_equal(audit_of_event(audit, "ward", 900, 1, arena, found_one, &found), 0);
        assert_int_equal(found.n, 1);
        assert_int_equal(found.n_items, 1);
        found = (Found){ .n = 0 };
        assert_int_equal(audit_of_event(audit, NULL, 5, 2, arena, found_one, &found), 0);
        assert_int_equal(found.n, 1); /* the ward was not given the third */
        found = (Found){ .n = 0 };
        assert_int_equal(audit_of_event(audit, "ward", 5, 2, arena, found_one, &found), 0);
        assert_int_equal(found.n, 0);
        found = (Found){ .n = 0 };
        assert_int_equal(audit_of_entries(audit, seqs, ELEMENTSOF(seqs), arena, found_one, &found), 0);
        assert_int_equal(found.n, 6);
        assert_int_equal(found.n_items, 15);
        audit_free(audit);
        arena_free(arena);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_FOLDER(test_who_was_given_what_is_known_by_team_and_index),
                IN_FOLDER(test_a_record_gives_what_was_there_until_then),
                IN_FOLDER(test_the_notice_that_something_is_withdrawn_is_not_the_event),
                IN_FOLDER(test_an_index_made_anew_equals_the_one_that_was_kept),
                IN_FOLDER(test_an_index_of_another_audit_is_made_anew),
                IN_FOLDER(test_a_person_is_found_in_all_segments_within_the_time_asked_for),
                IN_FOLDER(test_an_event_is_found_with_its_items_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
