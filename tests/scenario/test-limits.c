/*
 * A source that sends anything at all: what one person, one circle of ties, one search and the list of reviews may grow to,
 * and that the messages that say too much flow on as all others do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/record/body.h"
#include "daemon/record/relationships.h"
#include "daemon/stage/review.h"
#include "daemon/store/state-keys.h"
#include "tests/scenario/story-event.h"
#include "tests/scenario/world.h"

#define WORDS_MAX 16

/* One message with one event, in the language of the stories. */
__attribute__((format(printf, 2, 3))) static uint64_t tell(World *world, const char *format, ...) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__StoredSubmission *submission = (void *)message_new(&carebus__v1__stored_submission__descriptor,
                                                                        world->arena);
        int64_t at = story_time("08:00") + (int64_t)world->n_entries * 1000000;
        char text[512], *line = text, *words[WORDS_MAX], *word;
        size_t n = 0;
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        line = arena_text(world->arena, text, strlen(text));
        while ((word = strsep(&line, " ")))
                words[n++] = word;
        submission->source = (char *)"hospital";
        submission->message_id = arena_format(world->arena, "M%zu", world->n_entries);
        submission->n_events = 1;
        submission->events = arena_alloc(world->arena, sizeof(void *));
        submission->events[0] = story_event("hospital", at, words, n, world->arena);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = submission;
        return world_push(world, &entry, at);
}

static void begin(World *world) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__SourceSettings *source;

        world_begin(world);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = (void *)message_new(&carebus__v1__settings__descriptor, world->arena);
        source = (void *)message_new(&carebus__v1__source_settings__descriptor, world->arena);
        source->name = (char *)"hospital";
        assert_int_equal(
                list_append((void ***)&entry.settings->sources, &entry.settings->n_sources, source, world->arena), 0);
        world_push(world, &entry, story_time("07:00"));
}

static Carebus__V1__Person *person_of(World *world, StateTxn *txn, const char *local) {
        Carebus__V1__Person *person;
        char **ids;
        size_t n;

        assert_int_equal(identity_find(txn, "carebus:hospital", local, world->arena, &ids, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(person_read(txn, ids[0], world->arena, &person), 0);
        return person;
}

static size_t quarantined(StateTxn *txn) {
        return (size_t)state_count_get(txn, "hospital", "quarantined");
}

static void test_a_chain_of_merges_without_end_ends_and_its_messages_flow(void **state) {
        enum { LENGTH = 700 };
        World world;
        StateTxn *txn;

        begin(&world);
        for (int i = 0; i < LENGTH; i++)
                tell(&world, "patient.merged survivor=H%d retired=H%d", i + 1, i);
        tell(&world, "allergy.recorded mrn=H%d allergy.substance=372687004", LENGTH);
        txn = world_look(&world);
        assert_int_equal(quarantined(txn), 0);
        assert_true(person_of(&world, txn, "H255")->merged_into ||
                    person_of(&world, txn, "H255")->n_former_patient_ids);
        assert_int_equal(person_of(&world, txn, "H699")->n_ties, 1);
        assert_in_range(person_of(&world, txn, "H0")->n_former_patient_ids, 0, 255);
        state_abort(txn);
        world_end(&world);
}

static void test_one_number_that_everybody_is_linked_to_has_so_many_ties_and_no_more(void **state) {
        World world;
        StateTxn *txn;

        begin(&world);
        for (int i = 1; i <= 700; i++)
                tell(&world, "patient.linked survivor=H0 retired=H%d", i);
        txn = world_look(&world);
        assert_in_range(person_of(&world, txn, "H0")->n_ties, 256, 512);
        assert_null(person_of(&world, txn, "H700")->merged_into);
        state_abort(txn);
        world_end(&world);
}

/* Ten digits with their check digit. */
static const char *number_text(unsigned nine, char text[16]) {
        unsigned sum = 0, rest = 400000000 + nine, check;

        snprintf(text, 16, "%09u", rest);
        for (unsigned i = 0; i < 9; i++)
                sum += (unsigned)(text[i] - '0') * (10 - i);
        check = (11 - sum % 11) % 11;
        if (check == 10)
                return NULL;
        snprintf(text + 9, 7, "%u", check);
        return text;
}

static void test_one_number_for_all_does_not_make_a_person_without_end(void **state) {
        Carebus__V1__Person *person;
        char text[16], last[16] = "";
        World world;
        StateTxn *txn;
        size_t n_said = 0;

        begin(&world);
        for (unsigned i = 0; i < 2000; i++) {
                if (!number_text(i, text))
                        continue;
                strcpy(last, text);
                tell(&world,
                     "patient.updated mrn=H1 mrn=X%u nhs=%s/verified family=F%u born=19%02u-02-03 postcode=KY1%u%uAA",
                     i, text, i, i % 100, i / 10 % 10, i % 10);
        }
        txn = world_look(&world);
        person = person_of(&world, txn, "H1");
        assert_in_range(person->n_identifiers, 64, 256);
        assert_in_range(person->n_traits, 1, 32);
        for (size_t i = 0; i < person->n_identifiers; i++)
                if (person->identifiers[i]->n_sources > 0 && strlen(person->identifiers[i]->identifier->value) == 10) {
                        assert_string_equal(person->identifiers[i]->identifier->value, last);
                        n_said++;
                }
        assert_int_equal(n_said, 1);
        state_abort(txn);
        world_end(&world);
}

static void test_a_name_that_everybody_has_is_compared_with_some_and_asked_about_less(void **state) {
        enum { PEOPLE = 5000 };
        World world;
        StateTxn *txn;

        begin(&world);
        for (int i = 0; i < PEOPLE; i++)
                tell(&world,
                     "patient.updated mrn=H%d born=1950-02-03 family=Green given=Anna sex=female postcode=KY11AA", i);
        txn = world_look(&world);
        assert_in_range(state_count_get(txn, "hospital", "reviews"), 1, 200);
        assert_in_range(person_of(&world, txn, "H0")->n_review_ids, 0, 200);
        state_abort(txn);
        world_end(&world);
}

#define PERSON                                                                                                    \
        "patient.updated mrn=%s%d born=%04d-%02d-%02d family=Fam%c%c%c%c given=Anna sex=female postcode=KY1%dAA " \
        "phone=01592%06d"

static void test_reviews_without_end_end_are_told_once_and_decisions_are_looked_at_all_the_same(void **state) {
        World world;
        StateTxn *txn;

        begin(&world);
        for (int i = 0; i <= 2 * (REVIEWS_MAX + 5); i++)
                tell(&world, PERSON, "H", i, 1930 + i / 2 % 60, 1 + i / 2 % 12, 1 + i / 2 % 28, 'a' + i / 2 % 20,
                     'a' + i / 40 % 20, 'a' + i / 800 % 20, 'a' + i / 16000 % 20, i / 2 % 10, i / 2);
        txn = world_look(&world);
        assert_int_equal(state_count_get(txn, "hospital", "reviews"), REVIEWS_MAX);
        assert_true(state_count_get(txn, "hospital", "reviews_left_out") > 0);
        state_abort(txn);
        tell(&world, "cpr_decision.recorded mrn=Z1 order=O1 decision.decision=450476008");
        tell(&world, PERSON, "Z", 1, 1930, 1, 1, 'a', 'a', 'a', 'a', 0, 0);
        txn = world_look(&world);
        assert_int_equal(state_count_get(txn, "hospital", "reviews"), REVIEWS_MAX + 1);
        state_abort(txn);
        world_end(&world);
}

/* From another source than the one that says without end. */
static void tell_as(World *world, const char *source, const char *line) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__StoredSubmission *submission = (void *)message_new(&carebus__v1__stored_submission__descriptor,
                                                                        world->arena);
        int64_t at = story_time("08:00") + (int64_t)world->n_entries * 1000000;
        char *words[WORDS_MAX], *rest = arena_text(world->arena, line, strlen(line)), *word;
        size_t n = 0;

        while ((word = strsep(&rest, " ")))
                words[n++] = word;
        submission->source = (char *)source;
        submission->message_id = arena_format(world->arena, "O%zu", world->n_entries);
        submission->n_events = 1;
        submission->events = arena_alloc(world->arena, sizeof(void *));
        submission->events[0] = story_event(source, at, words, n, world->arena);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = submission;
        world_push(world, &entry, at);
}

/* Relationships and words are bounded, and who says most loses its own: neither another's referral nor its restricted address. */
static void test_referrals_and_consents_without_end_hide_nothing_of_others(void **state) {
        Carebus__V1__PersonSharing *person;
        bool others = false;
        World world;
        StateTxn *txn;

        begin(&world);
        tell_as(&world, "gp",
                "patient.updated mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Grey restricted=yes");
        tell_as(&world, "gp",
                "referral.requested mrn=G1 referral=R1 referral.identifier=R1 referral.status=requested "
                "referral.to.organisation.identifier=ODS|8HX01");
        tell(&world, "patient.updated mrn=A1 nhs=9434765919/verified born=1950-02-03 family=Grey");
        tell(&world, "patient.merged survivor=A1 retired=B1");
        for (size_t i = 0; i < 600; i++) {
                tell(&world,
                     "referral.requested mrn=A1 referral=R%zu referral.identifier=R%zu referral.status=requested "
                     "referral.to.organisation.identifier=ODS|X%zu",
                     i, i, i);
                tell(&world, "consent.recorded mrn=A1 consent.identifier=C%zu consent.kind=share consent.state=given",
                     i);
        }
        txn = world_look(&world);
        assert_int_equal(person_sharing_read(txn, "p2.0", world.arena, &person), 0);
        assert_true(person->restricted);
        assert_in_range(person->n_relationships, 2, 2 * 256);
        for (size_t i = 0; i < person->n_relationships; i++)
                others = others || strcmp(person->relationships[i]->organisation ?: "", "8HX01") == 0;
        assert_true(others);
        state_abort(txn);
        world_end(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_chain_of_merges_without_end_ends_and_its_messages_flow),
                cmocka_unit_test(test_one_number_that_everybody_is_linked_to_has_so_many_ties_and_no_more),
                cmocka_unit_test(test_one_number_for_all_does_not_make_a_person_without_end),
                cmocka_unit_test(test_a_name_that_everybody_has_is_compared_with_some_and_asked_about_less),
                cmocka_unit_test(test_referrals_and_consents_without_end_hide_nothing_of_others),
                cmocka_unit_test(test_reviews_without_end_end_are_told_once_and_decisions_are_looked_at_all_the_same),
        };

        return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
