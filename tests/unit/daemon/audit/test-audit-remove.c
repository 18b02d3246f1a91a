/* Retention: the oldest segments go as a whole, the chain begins behind them, and who was given what is still known. */
#include "tests/unit/daemon/audit/audit-test.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "daemon/audit/beginning.h"
#include "daemon/audit/carried.h"
#include "tests/unit/daemon/audit/steps.h"

#define DAY (86400 * USEC_PER_SEC)
#define SEGMENT 1500 /* bytes: a few records each */
#define DAYS 60
#define ALL_OLD (NOON + 1000 * DAY)

/* A record a day: each day somebody else is given two events and a record. */
static void live(Audit *audit, ClockFake *clock, unsigned days) {
        for (unsigned day = 1; day <= days; day++) {
                char person[32];

                snprintf(person, sizeof(person), "p%u.0", day);
                disclose(audit, day % 2 ? "hospice" : "ward", person, day, 2);
                disclose_record(audit, "hospice", person, day);
                clock_fake_advance(clock, DAY);
        }
}

static void expect_all_known(Audit *audit, unsigned days) {
        for (unsigned day = 1; day <= days; day++) {
                const char *team = day % 2 ? "hospice" : "ward";
                char person[32];

                snprintf(person, sizeof(person), "p%u.0", day);
                for (uint32_t index = 0; index < 3; index++)
                        assert_int_equal(audit_was_given(audit, team, day, index), index < 2);
                assert_int_equal(audit_was_given(audit, day % 2 ? "ward" : "hospice", day, 0), 0);
                assert_int_equal(audit_was_told_of(audit, team, person), 1);
                assert_int_equal(audit_was_given_record(audit, "hospice", person, day), 1);
                assert_int_equal(audit_was_given_record(audit, "hospice", person, day + 1), 0);
        }
}

/* Closes it, so that all is signed, and opens it again. */
static Audit *signed_audit(const char *folder, ClockFake *clock, unsigned days) {
        Audit *audit = open_audit(folder, &clock->clock, SEGMENT);

        live(audit, clock, days);
        audit_free(audit);
        return open_audit(folder, &clock->clock, SEGMENT);
}

static AuditVerified verified_of(const char *folder, const char *anchors, int expected) {
        char path[512];
        const AuditVerifyOptions options = { .folder = path, .anchors = anchors };
        AuditVerified verified;
        int r;

        snprintf(path, sizeof(path), "%s", folder_path(folder, "audit"));
        r = audit_verify(&options, &verified);
        if (r == AUDIT_E_DAMAGED && expected == 0)
                print_message("# %s at %llu\n", verified.fault.reason, (unsigned long long)verified.fault.number);
        assert_int_equal(r, expected);
        return verified;
}

static unsigned count_files(const char *folder, const char *suffix) {
        DIR *audit = opendir(folder_path(folder, "audit"));
        const struct dirent *entry;
        unsigned n = 0;

        assert_non_null(audit);
        while ((entry = readdir(audit))) {
                const size_t size = strlen(entry->d_name);

                n += size > strlen(suffix) && strcmp(entry->d_name + size - strlen(suffix), suffix) == 0;
        }
        closedir(audit);
        return n;
}

/* How many segments went. */
static unsigned remove_until(Audit *audit, int64_t older_than, const AuditHolds *holds, AuditOld *ret) {
        unsigned n = 0;

        for (;; n++) {
                assert_int_equal(audit_remove_oldest(audit, older_than, holds, ret), 0);
                if (ret->verdict != AUDIT_OLD_GOES)
                        return n;
        }
}

static void index_forget(const char *folder) {
        char index[512], path[1024];
        const struct dirent *entry;
        DIR *files;

        snprintf(index, sizeof(index), "%s", audit_path(folder, "index"));
        files = opendir(index);
        assert_non_null(files);
        while ((entry = readdir(files))) {
                snprintf(path, sizeof(path), "%s/%s", index, entry->d_name);
                if (entry->d_name[0] != '.')
                        assert_int_equal(unlink(path), 0);
        }
        closedir(files);
}

/* ---- what goes ------------------------------------------------------------------------------------------------------------ */

static void test_old_segments_go_and_the_kept_chain_verifies_from_there(void **state) {
        AuditVerified before, after;
        ClockFake clock;
        AuditOld old;
        Audit *audit;
        unsigned n;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        before = verified_of(*state, NULL, 0);
        assert_int_equal(before.begins, 1);
        n = remove_until(audit, NOON + 30 * DAY, NULL, &old);
        assert_true(n > 2);
        assert_int_equal(old.verdict, AUDIT_OLD_YOUNG);
        after = verified_of(*state, NULL, 0);
        assert_int_equal(after.begins, old.first);
        assert_true(after.begins > 1 && after.begins_at < NOON + 30 * DAY && after.first_at >= after.begins_at);
        assert_int_equal(after.removed_at, NOON + DAYS * DAY);
        /* Each removal says so in the chain. */
        assert_int_equal(after.records, before.records - (after.begins - 1) + n);
        assert_int_equal(count_files(*state, CARRIED_SUFFIX), n);
        assert_int_equal(audit_status(audit).removed, after.begins - 1);
        expect_all_known(audit, DAYS);
        audit_free(audit);
        audit = open_audit(*state, &clock.clock, SEGMENT);
        expect_all_known(audit, DAYS);
        assert_int_equal(audit_status(audit).removed, after.begins - 1);
        audit_free(audit);
        verified_of(*state, NULL, 0);
}

static void test_who_was_given_what_survives_the_index_too(void **state) {
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        assert_true(remove_until(audit, NOON + 30 * DAY, NULL, &old) > 2);
        audit_free(audit);
        index_forget(*state);
        audit = open_audit(*state, &clock.clock, SEGMENT);
        expect_all_known(audit, DAYS);
        audit_free(audit);
        verified_of(*state, NULL, 0);
}

static void test_nothing_young_goes_and_the_open_segment_never(void **state) {
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        assert_int_equal(audit_oldest_may_go(audit, NOON), 0);
        assert_int_equal(audit_oldest_may_go(audit, NOON + DAY), 1);
        assert_int_equal(remove_until(audit, NOON, NULL, &old), 0);
        assert_int_equal(old.verdict, AUDIT_OLD_YOUNG);
        assert_true(remove_until(audit, ALL_OLD, NULL, &old) > 2);
        assert_true(old.verdict == AUDIT_OLD_NEWEST || old.verdict == AUDIT_OLD_YOUNG);
        assert_true(count_files(*state, AUDIT_SUFFIX) >= 1);
        disclose(audit, "ward", "p900.0", 900, 1);
        expect_all_known(audit, DAYS);
        audit_free(audit);
        verified_of(*state, NULL, 0);
}

static void test_a_segment_is_closed_after_a_month_however_little_is_in_it(void **state) {
        ClockFake clock;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 0);
        disclose(audit, "ward", "p1.0", 1, 1);
        clock_fake_advance(&clock, 32 * DAY);
        disclose(audit, "ward", "p2.0", 2, 1);
        disclose(audit, "ward", "p3.0", 3, 1);
        audit_free(audit);
        assert_int_equal(count_files(*state, AUDIT_SUFFIX), 2);
        verified_of(*state, NULL, 0);
}

/* ---- what holds ------------------------------------------------------------------------------------------------------------- */

static void test_what_is_held_stays_and_all_behind_it(void **state) {
        _cleanup_(audit_holds_freep) AuditHolds *holds = NULL;
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        assert_int_equal(audit_holds_new(&holds), 0);
        assert_int_equal(audit_holds_add_person(holds, "p999.0", 0, 1), 0);
        assert_int_equal(audit_holds_add_person(holds, "p20.0", 0, 7), 0);
        assert_int_equal(audit_holds_add_person(holds, "p20.0", NOON + 900 * DAY, 8), 0);
        audit_holds_end(holds);
        assert_true(remove_until(audit, ALL_OLD, holds, &old) > 0);
        assert_int_equal(old.verdict, AUDIT_OLD_HELD);
        assert_int_equal(old.why, 7);
        assert_true(verified_of(*state, NULL, 0).first_at <= NOON + 19 * DAY);
        audit_free(audit);
}

static void test_a_person_is_held_from_a_time_on_and_an_entry_by_its_number(void **state) {
        _cleanup_(audit_holds_freep) AuditHolds *since = NULL;
        _cleanup_(audit_holds_freep) AuditHolds *entry = NULL;
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        assert_int_equal(audit_holds_new(&since), 0);
        assert_int_equal(audit_holds_add_person(since, "p5.0", NOON + 10 * DAY, 3), 0); /* was given before that */
        audit_holds_end(since);
        assert_int_equal(audit_holds_new(&entry), 0);
        assert_int_equal(audit_holds_add_entry(entry, 33, 4), 0);
        audit_holds_end(entry);
        assert_true(remove_until(audit, NOON + 20 * DAY, since, &old) > 1);
        assert_int_equal(old.verdict, AUDIT_OLD_YOUNG);
        remove_until(audit, ALL_OLD, entry, &old);
        assert_int_equal(old.verdict, AUDIT_OLD_HELD);
        assert_int_equal(old.why, 4);
        assert_true(audit_status(audit).removed_until_at < NOON + 33 * DAY);
        audit_free(audit);
}

static void test_the_preview_says_what_the_removal_then_does(void **state) {
        _cleanup_(audit_holds_freep) AuditHolds *holds = NULL;
        char folder[512];
        AuditOldAll all;
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        snprintf(folder, sizeof(folder), "%s", folder_path(*state, "audit"));
        assert_int_equal(audit_holds_new(&holds), 0);
        assert_int_equal(audit_holds_add_person(holds, "p40.0", 0, 2), 0);
        audit_holds_end(holds);
        assert_int_equal(audit_old_look_all(folder, ALL_OLD, holds, &all), 0);
        assert_int_equal(all.end.verdict, AUDIT_OLD_HELD);
        assert_int_equal(all.segments, remove_until(audit, ALL_OLD, holds, &old));
        assert_int_equal(all.until, audit_status(audit).removed);
        assert_int_equal(all.until_at, audit_status(audit).removed_until_at);
        assert_int_equal(all.end.held_record, old.held_record);
        assert_int_equal(audit_old_look_all(folder, ALL_OLD, holds, &all), 0);
        assert_int_equal(all.segments, 0);
        audit_free(audit);
}

/* ---- anchors ----------------------------------------------------------------------------------------------------------------- */

static void test_an_anchor_from_before_the_beginning_is_named_as_such(void **state) {
        _cleanup_(buffer_deinit) Buffer lines = BUFFER_NULL;
        char saved[512], folder[512];
        AuditVerified verified;
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, SEGMENT);
        snprintf(folder, sizeof(folder), "%s", folder_path(*state, "audit"));
        snprintf(saved, sizeof(saved), "%s", folder_path(*state, "saved"));
        for (unsigned i = 0; i < 3; i++) {
                live(audit, &clock, 20);
                audit_free(audit);
                assert_int_equal(audit_newest_anchor(folder, &lines), 0);
                audit = open_audit(*state, &clock.clock, SEGMENT);
        }
        assert_int_equal(file_replace(saved, lines.data, lines.size, 0600), 0);
        assert_true(remove_until(audit, NOON + 30 * DAY, NULL, &old) > 0);
        verified = verified_of(*state, saved, 0);
        assert_int_equal(verified.anchors_saved, 2);
        assert_true(verified.anchors_before >= 1);
        audit_free(audit);
        /* The start lets go of those in the folder that speak of nothing any more; the one kept elsewhere is still named. */
        audit = open_audit(*state, &clock.clock, SEGMENT);
        audit_free(audit);
        verified = verified_of(*state, saved, 0);
        assert_int_equal(verified.anchors_saved, 2);
        assert_int_equal(verified.anchors_before, 1);
        assert_true(verified.anchors >= 2);
}

static void test_a_forged_beginning_is_found_by_verify_and_by_the_start(void **state) {
        _cleanup_(sign_key_freep) SignKey *stranger = NULL;
        AuditBeginning beginning = { .number = 0 };
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        AuditOpenFault fault = { .reason = NULL };
        char path[512];
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        assert_true(remove_until(audit, NOON + 30 * DAY, NULL, &old) > 0);
        audit_free(audit);
        snprintf(path, sizeof(path), "%s", audit_path(*state, AUDIT_BEGINNING));
        assert_int_equal(file_read(path, SIZE_MAX, &content), 0);
        assert_int_equal(audit_beginning_parse(buffer_bytes(&content), &beginning), 0);
        assert_int_equal(sign_key_new(&stranger), 0);
        assert_int_equal(audit_beginning_sign(&beginning, stranger), 0);
        buffer_clear(&content);
        audit_beginning_print(&beginning, &content);
        assert_int_equal(file_replace(path, content.data, content.size, 0600), 0);
        expect_audit(*state, NULL, "beginning-signature");
        assert_int_equal(try_open_audit(*state, &clock.clock, &fault), -EBADMSG);
        assert_string_equal(fault.reason, "beginning-signature");
        /* Cut out of an anchor it would say nothing of what was carried. */
        content.data[content.size - 3] ^= 1;
        assert_int_equal(file_replace(path, content.data, content.size, 0600), 0);
        assert_true(verified_of(*state, NULL, AUDIT_E_DAMAGED).fault.reason != NULL);
}

static void test_segments_that_somebody_else_removed_are_missed(void **state) {
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        assert_true(remove_until(audit, NOON + 20 * DAY, NULL, &old) > 0);
        audit_free(audit);
        /* The one that the beginning names. */
        {
                char name[AUDIT_NAME_BYTES];

                audit_segment_name(old.first, name);
                assert_int_equal(unlink(audit_path(*state, name)), 0);
        }
        expect_audit(*state, NULL, "missing");
        /* And without the beginning nothing begins there. */
        assert_int_equal(unlink(audit_path(*state, AUDIT_BEGINNING)), 0);
        expect_audit(*state, NULL, "missing");
}

static void test_what_was_carried_over_is_proved_too(void **state) {
        char name[AUDIT_NAME_BYTES + sizeof("audit/")];
        AuditOpenFault fault = { .reason = NULL };
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        assert_true(remove_until(audit, NOON + 20 * DAY, NULL, &old) > 0);
        audit_free(audit);
        snprintf(name, sizeof(name), "audit/%020d" CARRIED_SUFFIX, 1);
        for (uint64_t at = 0; at < file_size(*state, name); at++) {
                AuditVerified verified;
                char folder[512];
                const AuditVerifyOptions options = { .folder = folder };
                int r;

                snprintf(folder, sizeof(folder), "%s", folder_path(*state, "audit"));
                file_flip(*state, name, at, (unsigned)at % 8);
                r = audit_verify(&options, &verified);
                assert_true(r == AUDIT_E_NEWER ||
                            (r == AUDIT_E_DAMAGED && strcmp(verified.fault.reason, "carried") == 0));
                file_flip(*state, name, at, (unsigned)at % 8);
        }
        assert_int_equal(unlink(folder_path(*state, name)), 0);
        expect_audit(*state, NULL, "carried");
        /* The index of before is whole: it is asked for only where that is made anew. */
        index_forget(*state);
        assert_int_equal(try_open_audit(*state, &clock.clock, &fault), -EBADMSG);
        assert_string_equal(fault.reason, "carried");
}

/* ---- records, whenever they were given ------------------------------------------------------------------------------------------ */

static int gave(Audit *audit, const char *team, const char *patient_id, int64_t from_at, int64_t until_at,
                uint64_t seq) {
        const AuditWhen when = { .from_at = from_at, .until_at = until_at };

        return audit_gave_record(audit, team, &patient_id, 1, &when, seq);
}

static void expect_records_as_given(Audit *audit) {
        for (unsigned day = 1; day <= DAYS; day++) {
                const int64_t at = NOON + (day - 1) * DAY;
                char person[32];

                snprintf(person, sizeof(person), "p%u.0", day);
                assert_int_equal(gave(audit, "hospice", person, at, at + 1, day), 1);
                assert_int_equal(gave(audit, "hospice", person, at, 0, day), 1);
                assert_int_equal(gave(audit, "hospice", person, at, at + 1, day + 1), 0);
                assert_int_equal(gave(audit, "hospice", person, at - DAY, at, day), 0);
                assert_int_equal(gave(audit, "hospice", person, at + 1, at + DAY, day), 0);
                assert_int_equal(gave(audit, "ward", person, at, at + 1, day), 0);
        }
}

static void test_a_record_that_was_given_under_a_glass_is_known_after_its_segment_went(void **state) {
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        expect_records_as_given(audit);
        assert_true(remove_until(audit, NOON + 40 * DAY, NULL, &old) > 2);
        expect_records_as_given(audit);
        audit_free(audit);
}

/* ---- kill at each step ---------------------------------------------------------------------------------------------------------- */

typedef struct Killed {
        const char *folder;
        ClockFake *clock;
        uint64_t begins; /* before the removal */
        unsigned steps, old, new;
} Killed;

static void copy_here(const char *from, const char *to) {
        char path[600], key[600];

        snprintf(path, sizeof(path), "%s/audit", to);
        snprintf(key, sizeof(key), "%s", folder_path(from, "audit"));
        assert_int_equal(folder_make(path, 0700), 0);
        folder_copy(key, path);
        snprintf(key, sizeof(key), "%s", folder_path(from, "audit.key"));
        snprintf(path, sizeof(path), "%s/audit.key", to);
        copy_file(key, path);
}

/* What was left verifies, and a start on it knows all, whether the index was left or not; then it goes on as if nothing had been. */
static void look_at_killed(Killed *killed, const char *folder, bool without_index) {
        AuditVerified verified = verified_of(folder, NULL, 0);
        Audit *audit = open_audit(folder, &killed->clock->clock, SEGMENT);
        AuditOld old;

        assert_true(verified.begins >= killed->begins);
        expect_all_known(audit, DAYS);
        assert_int_equal(verified_of(folder, NULL, 0).begins, verified.begins);
        if (without_index) {
                remove_until(audit, NOON + 30 * DAY, NULL, &old);
                assert_int_equal(old.verdict, AUDIT_OLD_YOUNG);
                expect_all_known(audit, DAYS);
        }
        audit_free(audit);
        verified_of(folder, NULL, 0);
}

static void on_step(void *owner) {
        Killed *killed = owner;
        char folder[512];
        bool is_new;

        snprintf(folder, sizeof(folder), "%s", folder_path(killed->folder, "killed"));
        copy_here(killed->folder, folder);
        is_new = verified_of(folder, NULL, 0).begins > killed->begins;
        /* Once it is gone it stays so. */
        assert_true(is_new || killed->new == 0);
        killed->old += !is_new;
        killed->new += is_new;
        killed->steps++;
        look_at_killed(killed, folder, false);
        index_forget(folder);
        look_at_killed(killed, folder, true);
        folder_empty(folder);
}

static void test_a_kill_at_any_step_leaves_the_old_or_the_new_and_nothing_between(void **state) {
        Killed killed = { .folder = *state };
        ClockFake clock;
        AuditOld old;
        Audit *audit;

        clock_fake_init(&clock, NOON);
        audit = signed_audit(*state, &clock, DAYS);
        killed.clock = &clock;
        for (unsigned segment = 0; segment < 2; segment++) {
                killed.begins = audit_status(audit).removed + 1;
                killed.steps = killed.old = killed.new = 0;
                steps_watch(on_step, &killed);
                assert_int_equal(audit_remove_oldest(audit, NOON + 30 * DAY, NULL, &old), 0);
                steps_watch(NULL, NULL);
                assert_int_equal(old.verdict, AUDIT_OLD_GOES);
                /* The carried file, the record, the beginning, each with its syncs; then what goes. */
                assert_true(killed.steps >= 8 && killed.old >= 5 && killed.new >= 2);
        }
        audit_free(audit);
        verified_of(*state, NULL, 0);
}

/* ---- whatever was said ------------------------------------------------------------------------------------------------------------ */

typedef struct Said {
        char team[16], person[24];
        uint64_t seq;
        uint32_t n;
        bool record;
} Said;

static Said say_something(void) {
        static const char *const teams[] = { "hospice", "ward", "gp", "a" };
        Said said = { .seq = 1 + (uint64_t)rand() % 5000, .n = 1 + (uint32_t)rand() % 5, .record = rand() % 3 == 0 };

        snprintf(said.team, sizeof(said.team), "%s", teams[rand() % 4]);
        snprintf(said.person, sizeof(said.person), "p%d.%d", 1 + rand() % 3000, rand() % 4 ? 0 : rand() % 100);
        return said;
}

static void test_what_was_given_is_known_whatever_goes(void **state) {
        enum { N = 1500 };
        const unsigned seed = (unsigned)time(NULL);
        Said *all = calloc(N, sizeof(*all));
        ClockFake clock;
        Audit *audit;

        print_message("# seed %u\n", seed);
        srand(seed);
        assert_non_null(all);
        clock_fake_init(&clock, NOON);
        audit = open_audit(*state, &clock.clock, 4000);
        for (unsigned i = 0; i < N; i++) {
                all[i] = say_something();
                if (all[i].record)
                        disclose_record(audit, all[i].team, all[i].person, all[i].seq);
                else
                        disclose(audit, all[i].team, all[i].person, all[i].seq, all[i].n);
                clock_fake_advance(&clock, rand() % (2 * 3600) * USEC_PER_SEC);
                if (rand() % 200 == 0) {
                        AuditOld old;

                        audit_free(audit);
                        if (rand() % 2)
                                index_forget(*state);
                        audit = open_audit(*state, &clock.clock, 4000);
                        remove_until(audit, NOON + rand() % 60 * DAY, NULL, &old);
                }
        }
        for (unsigned turn = 0; turn < 2; turn++) {
                for (unsigned i = 0; i < N; i++) {
                        assert_int_equal(audit_was_told_of(audit, all[i].team, all[i].person), 1);
                        if (all[i].record)
                                assert_int_equal(audit_was_given_record(audit, all[i].team, all[i].person, all[i].seq),
                                                 1);
                        else
                                assert_int_equal(audit_was_given(audit, all[i].team, all[i].seq, all[i].n - 1), 1);
                }
                audit_free(audit);
                index_forget(*state);
                audit = open_audit(*state, &clock.clock, 4000);
        }
        audit_free(audit);
        verified_of(*state, NULL, 0);
        free(all);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_old_segments_go_and_the_kept_chain_verifies_from_there),
                TEST(test_who_was_given_what_survives_the_index_too),
                TEST(test_nothing_young_goes_and_the_open_segment_never),
                TEST(test_a_segment_is_closed_after_a_month_however_little_is_in_it),
                TEST(test_what_is_held_stays_and_all_behind_it),
                TEST(test_a_person_is_held_from_a_time_on_and_an_entry_by_its_number),
                TEST(test_the_preview_says_what_the_removal_then_does),
                TEST(test_an_anchor_from_before_the_beginning_is_named_as_such),
                TEST(test_a_forged_beginning_is_found_by_verify_and_by_the_start),
                TEST(test_segments_that_somebody_else_removed_are_missed),
                TEST(test_what_was_carried_over_is_proved_too),
                TEST(test_a_record_that_was_given_under_a_glass_is_known_after_its_segment_went),
                TEST(test_a_kill_at_any_step_leaves_the_old_or_the_new_and_nothing_between),
                TEST(test_what_was_given_is_known_whatever_goes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
