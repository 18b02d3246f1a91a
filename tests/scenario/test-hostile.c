/*
 * A source that says far more of one person than anybody does in earnest: what it costs is bounded, and it hides nothing that others say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "tests/scenario/story-event.h"
#include "tests/scenario/world.h"

#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))
#define WORDS_MAX 16
#define DECISIONS 1000
#define FACTS 5000
#define A_MESSAGE 1024 /* events: as many as may be in one */

typedef struct Saying {
        World world;
        Carebus__V1__StoredSubmission *submission;
        unsigned n_messages;
        Carebus__V1__Identifier **numbers; /* of all decisions */
        Arena *reading;
} Saying;

static double seconds_of(clock_t began) {
        return (double)(clock() - began) / CLOCKS_PER_SEC;
}

static void saying_begin(Saying *saying) {
        static const char *const sources[] = { "hospital", "hospice" };
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;

        *saying = (Saying){ .n_messages = 0 };
        world_begin(&saying->world);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = MAKE(settings, saying->world.arena);
        for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
                Carebus__V1__SourceSettings *source = MAKE(source_settings, saying->world.arena);

                source->name = (char *)sources[i];
                assert_int_equal(list_append((void ***)&entry.settings->sources, &entry.settings->n_sources, source,
                                             saying->world.arena),
                                 0);
        }
        world_push(&saying->world, &entry, story_time("08:00"));
}

static void saying_end(Saying *saying, StateTxn *txn) {
        state_abort(txn);
        world_end(&saying->world);
        arena_free(saying->reading);
}

static void message_end(Saying *saying) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;

        if (!saying->submission)
                return;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = saying->submission;
        world_push(&saying->world, &entry, story_time("08:00"));
        saying->submission = NULL;
}

static Carebus__V1__Event *say(Saying *saying, const char *source, const char *text) {
        Arena *arena = saying->world.arena;
        char *copy = arena_text(arena, text, strlen(text)), *words[WORDS_MAX], *word;
        Carebus__V1__Event *event;
        size_t n = 0;

        if (saying->submission &&
            (saying->submission->n_events == A_MESSAGE || strcmp(saying->submission->source, source) != 0))
                message_end(saying);
        if (!saying->submission) {
                saying->submission = MAKE(stored_submission, arena);
                saying->submission->source = (char *)source;
                saying->submission->message_id = arena_format(arena, "M%u", ++saying->n_messages);
        }
        while ((word = strsep(&copy, " "))) {
                assert_in_range(n, 0, WORDS_MAX - 1);
                words[n++] = word;
        }
        event = story_event(source, story_time("08:00"), words, n, arena);
        assert_int_equal(
                list_append((void ***)&saying->submission->events, &saying->submission->n_events, event, arena), 0);
        return event;
}

static Carebus__V1__Record *record_now(Saying *saying, StateTxn *txn) {
        Carebus__V1__Record *record;

        if (!saying->reading)
                assert_int_equal(arena_new(&saying->reading, 1UL << 28), 0);
        assert_int_equal(record_read(txn, "p2.0", saying->reading, &record), 0);
        return record;
}

/* Each names all of them: the numbers are made once. */
static void replaces_all(Saying *saying, Carebus__V1__Event *event) {
        Carebus__V1__Decision *decision = event->decision;
        Arena *arena = saying->world.arena;

        if (!saying->numbers) {
                saying->numbers = arena_alloc(arena, DECISIONS * sizeof(*saying->numbers));
                assert_non_null(saying->numbers);
                for (unsigned i = 0; i < DECISIONS; i++) {
                        saying->numbers[i] = MAKE(identifier, arena);
                        saying->numbers[i]->system = (char *)"carebus:hospital";
                        saying->numbers[i]->value = arena_format(arena, "O%u", i);
                }
        }
        decision->replaces = saying->numbers;
        decision->n_replaces = DECISIONS;
}

static const Carebus__V1__Fact *fact_of(const Carebus__V1__Record *record, const char *section, const char *source) {
        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t j = 0; strcmp(record->sections[i]->name, section) == 0 && j < record->sections[i]->n_facts;
                     j++)
                        if (strcmp(record->sections[i]->facts[j]->source, source) == 0)
                                return record->sections[i]->facts[j];
        return NULL;
}

static void test_hundreds_of_decisions_that_all_name_each_other_hide_nobody_elses(void **state) {
        Saying saying;
        Carebus__V1__Record *record;
        bool conflict = false;
        StateTxn *txn;
        clock_t began;

        (void)state;
        saying_begin(&saying);
        say(&saying, "hospice",
            "cpr_decision.recorded mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown order=C1 said=06:00 "
            "decision.decision=450476008 decision.decided_at=2024-03-01 decision.scope=everywhere");
        for (unsigned i = 0; i < DECISIONS; i++) {
                char text[400];

                snprintf(text, sizeof(text),
                         "cpr_decision.recorded mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown order=O%u "
                         "said=07:00 decision.decision=450475007 decision.decided_at=2024-02-%02u%s "
                         "decision.scope=everywhere",
                         i, i % 28 + 1, i % 2 ? "T10:00" : "");
                replaces_all(&saying, say(&saying, "hospital", text));
        }
        message_end(&saying);
        began = clock();
        world_fold(&saying.world);
        print_message("# %u decisions folded in %.2f s\n", DECISIONS, seconds_of(began));
        assert_true(seconds_of(began) < 20);
        txn = world_look(&saying.world);
        began = clock();
        record = record_now(&saying, txn);
        print_message("# and read in %.3f s\n", seconds_of(began));
        assert_true(seconds_of(began) < 2);
        assert_string_equal(record->overview->cpr->state, "conflict");
        assert_string_equal(fact_of(record, "decisions", "hospice")->standing[0], "stands");
        for (size_t i = 0; i < record->n_conflicts; i++)
                conflict = conflict || (strcmp(record->conflicts[i]->path, "decision") == 0 &&
                                        !record->conflicts[i]->has_closed_at);
        assert_true(conflict);
        saying_end(&saying, txn);
}

static void test_what_fills_the_memory_of_contradictions_forgets_no_other_source(void **state) {
        Saying saying;
        Carebus__V1__Record *record;
        unsigned n_open = 0;
        StateTxn *txn;

        (void)state;
        saying_begin(&saying);
        say(&saying, "hospice",
            "cpr_decision.recorded mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown order=C1 said=06:00 "
            "decision.decision=450476008 decision.decided_at=2024-03-01 decision.scope=everywhere");
        say(&saying, "hospital",
            "cpr_decision.recorded mrn=P1 order=hospital|O1 said=06:00 mrn=H1 nhs=9434765919/verified born=1950-02-03 "
            "family=Brown decision.decision=450475007 decision.decided_at=2024-03-01 decision.scope=everywhere");
        for (unsigned i = 0; i < 600; i++) {
                char text[200];

                snprintf(text, sizeof(text),
                         "allergy.recorded mrn=H1 said=07:00 allergy.substance='s%u' allergy.status=active", i);
                say(&saying, "hospital", text);
        }
        message_end(&saying);
        world_fold(&saying.world);
        txn = world_look(&saying.world);
        record = record_now(&saying, txn);
        for (size_t i = 0; i < record->n_conflicts; i++)
                n_open += !record->conflicts[i]->has_closed_at;
        assert_int_equal(n_open, 1);
        assert_string_equal(record->overview->cpr->state, "conflict");
        saying_end(&saying, txn);
}

static void test_thousands_of_facts_are_one_record_in_little_time(void **state) {
        Saying saying;
        Carebus__V1__Record *record;
        StateTxn *txn;
        clock_t began;

        (void)state;
        saying_begin(&saying);
        say(&saying, "hospice", "patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown");
        for (unsigned i = 0; i < FACTS; i++) {
                char text[300];

                switch (i % 5) {
                case 0:
                        snprintf(text, sizeof(text),
                                 "observation.recorded mrn=H1 observation.code=8310-5 observation.identifier=B%u", i);
                        break;
                case 1:
                        snprintf(text, sizeof(text),
                                 "outcome.measured mrn=H1 measure.identifier=M%u measure.scale='AKPS' measure.total=%u",
                                 i, i % 100);
                        break;
                case 2:
                        snprintf(text, sizeof(text), "encounter.registered mrn=H1 visit=V%u encounter.class=AMB", i);
                        break;
                case 3:
                        snprintf(text, sizeof(text),
                                 "care_team.member_added mrn=H1 care_team.identifier=T%u care_team.status=active", i);
                        break;
                default:
                        snprintf(text, sizeof(text), "referral.requested mrn=H1 referral=R%u referral.status=requested",
                                 i);
                }
                if (i == 0)
                        snprintf(text, sizeof(text),
                                 "patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown");
                say(&saying, "hospital", text);
        }
        message_end(&saying);
        began = clock();
        world_fold(&saying.world);
        print_message("# %u facts folded in %.2f s\n", FACTS, seconds_of(began));
        assert_true(seconds_of(began) < 20);
        txn = world_look(&saying.world);
        began = clock();
        record = record_now(&saying, txn);
        print_message("# and read in %.3f s\n", seconds_of(began));
        assert_true(seconds_of(began) < 2);
        assert_true(record->n_sections >= 6);
        saying_end(&saying, txn);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hundreds_of_decisions_that_all_name_each_other_hide_nobody_elses),
                cmocka_unit_test(test_what_fills_the_memory_of_contradictions_forgets_no_other_source),
                cmocka_unit_test(test_thousands_of_facts_are_one_record_in_little_time),
        };

        return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
