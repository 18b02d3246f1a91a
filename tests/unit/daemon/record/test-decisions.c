/* How decisions stand to each other: each rule of GRAMMAR.md, "Decisions", by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/decisions.h"

#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))
#define KIND(name) CAREBUS__V1__DECISION__KIND__KIND_##name
#define SCOPE(name) CAREBUS__V1__DECISION__SCOPE__SCOPE_##name
#define PRECISION(name) CAREBUS__V1__WHEN__PRECISION__PRECISION_##name

#define HOUR (3600 * USEC_PER_SEC)
#define DAY (24 * HOUR)
#define NOON (1000 * DAY + 12 * HOUR)
#define NOT_FOR_CPR "450476008"
#define FOR_CPR "450475007"

typedef Carebus__V1__Fact Fact;

static int set_up(void **state) {
        Arena *arena;

        assert_int_equal(arena_new(&arena, 1UL << 26), 0);
        *state = arena;
        return 0;
}

static int tear_down(void **state) {
        arena_free(*state);
        return 0;
}

static Carebus__V1__When *when_new(int64_t at, int precision, Arena *arena) {
        Carebus__V1__When *when = MAKE(when, arena);

        when->has_utc_at = when->has_precision = 1;
        when->utc_at = at;
        when->precision = (Carebus__V1__When__Precision)precision;
        return when;
}

static Carebus__V1__Identifier *id_new(const char *system, const char *value, Arena *arena) {
        Carebus__V1__Identifier *id = MAKE(identifier, arena);

        id->system = (char *)system;
        id->value = (char *)value;
        return id;
}

static Carebus__V1__Coded *code_new(const char *code, Arena *arena) {
        Carebus__V1__Coded *coded = MAKE(coded, arena);

        coded->system = (char *)"http://snomed.info/sct";
        coded->code = (char *)code;
        return coded;
}

/* A decision about resuscitation for everywhere, decided at noon of a day, to the minute. */
static Fact *decision_new(const char *source, const char *number, const char *code, Arena *arena) {
        Fact *fact = MAKE(fact, arena);
        Carebus__V1__Decision *decision = MAKE(decision, arena);

        fact->source = (char *)source;
        fact->event_id = arena_format(arena, "%s.0", number);
        fact->key = arena_format(arena, "cpr/%s", number);
        fact->status = (char *)"current";
        fact->has_first_said_at = 1;
        fact->first_said_at = NOON + HOUR;
        fact->value_case = CAREBUS__V1__FACT__VALUE_DECISION;
        fact->decision = decision;
        decision->has_kind = decision->has_scope = 1;
        decision->kind = KIND(CPR);
        decision->scope = SCOPE(EVERYWHERE);
        decision->identifier = id_new(arena_format(arena, "carebus:%s", source), number, arena);
        decision->decision = code ? code_new(code, arena) : NULL;
        decision->decided_at = when_new(NOON, PRECISION(MINUTE), arena);
        return fact;
}

static void decided_by(Fact *fact, const char *family, Arena *arena) {
        fact->decision->decided_by = MAKE(practitioner, arena);
        fact->decision->decided_by->name = MAKE(human_name, arena);
        fact->decision->decided_by->name->family = (char *)family;
}

static const char *standing_of(const Fact *fact, Arena *arena) {
        const char *text = "";

        for (size_t i = 0; i < fact->n_standing; i++)
                text = arena_format(arena, "%s%s%s", text, i ? "," : "", fact->standing[i]);
        return text;
}

#define stand(arena, as_at, ...)                                                                         \
        ({                                                                                               \
                Fact *_facts[] = { __VA_ARGS__ };                                                        \
                assert_int_equal(decisions_stand(_facts, ELEMENTSOF(_facts), NULL, 0, as_at, arena), 0); \
        })
#define cpr_state(arena, n_held, ...)                                                                      \
        ({                                                                                                 \
                Fact *_facts[] = { __VA_ARGS__ };                                                          \
                Carebus__V1__CprOverview *_overview;                                                       \
                assert_int_equal(decisions_cpr(_facts, ELEMENTSOF(_facts), n_held, arena, &_overview), 0); \
                _overview;                                                                                 \
        })

static void test_the_newest_decision_stands_first_whenever_it_came_in(void **state) {
        Fact *old = decision_new("a", "1", NOT_FOR_CPR, *state), *new = decision_new("b", "2", NOT_FOR_CPR, *state);
        Fact *facts[] = { old, new };

        old->first_said_at = NOON + 90 * DAY;
        new->decision->decided_at = when_new(NOON + DAY, PRECISION(DAY), *state);
        assert_int_equal(decisions_stand(facts, 2, NULL, 0, NOON, *state), 0);
        assert_ptr_equal(facts[0], new);
        assert_string_equal(standing_of(old, *state), "stands");
        assert_string_equal(standing_of(new, *state), "stands");
}

static void test_a_date_that_is_not_of_the_decision_is_said_to_be_none(void **state) {
        Fact *fact = decision_new("a", "1", NOT_FOR_CPR, *state);

        fact->decision->decided_at = NULL;
        stand(*state, NOON, fact);
        assert_string_equal(standing_of(fact, *state), "stands,date-not-said");
        fact->decision->endorsed_at = when_new(NOON, PRECISION(DAY), *state);
        stand(*state, NOON, fact);
        assert_string_equal(standing_of(fact, *state), "stands");
}

static void test_what_is_later_and_names_nobody_takes_no_place(void **state) {
        Fact *old = decision_new("a", "1", NOT_FOR_CPR, *state), *new = decision_new("b", "2", FOR_CPR, *state);

        new->decision->decided_at = when_new(NOON + 30 * DAY, PRECISION(MINUTE), *state);
        stand(*state, NOON + 40 * DAY, old, new);
        assert_string_equal(standing_of(old, *state), "stands");
        assert_true(decisions_conflict(old, new));
}

static void test_two_of_one_day_without_times_are_a_conflict_even_on_one_form(void **state) {
        Fact *a = decision_new("a", "1", NOT_FOR_CPR, *state), *b = decision_new("b", "2", FOR_CPR, *state);

        a->decision->form_identifier = b->decision->form_identifier = id_new("forms", "F", *state);
        a->decision->decided_at = when_new(NOON - 12 * HOUR, PRECISION(DAY), *state);
        b->decision->decided_at = when_new(NOON - 12 * HOUR, PRECISION(DAY), *state);
        stand(*state, NOON, a, b);
        assert_true(decisions_conflict(a, b));
        assert_string_equal(cpr_state(*state, 0, a, b)->state, "conflict");
        /* With times that differ, the later one on that form takes its place. */
        a->decision->decided_at = when_new(NOON - HOUR, PRECISION(MINUTE), *state);
        b->decision->decided_at = when_new(NOON, PRECISION(MINUTE), *state);
        stand(*state, NOON, a, b);
        assert_string_equal(standing_of(a, *state), "superseded");
        assert_string_equal(a->superseded_by[0], b->event_id);
        assert_false(decisions_conflict(a, b));
}

static void replaces(Fact *newer, const Fact *older, Arena *arena) {
        assert_int_equal(list_append((void ***)&newer->decision->replaces, &newer->decision->n_replaces,
                                     older->decision->identifier, arena),
                         0);
}

static void test_two_that_name_each_other_leave_both(void **state) {
        Fact *a = decision_new("a", "1", NOT_FOR_CPR, *state), *b = decision_new("b", "2", FOR_CPR, *state);

        replaces(a, b, *state);
        replaces(b, a, *state);
        stand(*state, NOON, a, b);
        assert_string_equal(standing_of(a, *state), "stands");
        assert_string_equal(standing_of(b, *state), "stands");
        assert_true(decisions_conflict(a, b));
}

static void test_an_older_decision_never_takes_the_place_of_a_newer_one(void **state) {
        Fact *old = decision_new("a", "1", FOR_CPR, *state), *new = decision_new("b", "2", NOT_FOR_CPR, *state);

        new->decision->decided_at = when_new(NOON + DAY, PRECISION(MINUTE), *state);
        replaces(old, new, *state);
        stand(*state, NOON + 2 * DAY, old, new);
        assert_string_equal(standing_of(new, *state), "stands");
}

static void test_a_draft_and_a_mistake_take_no_place(void **state) {
        Fact *old = decision_new("a", "1", NOT_FOR_CPR, *state), *draft = decision_new("b", "2", FOR_CPR, *state);
        Fact *mistake = decision_new("c", "3", FOR_CPR, *state);

        draft->decision->has_status = 1;
        draft->decision->status = CAREBUS__V1__DECISION__STATUS__STATUS_DRAFT;
        mistake->status = (char *)"entered-in-error";
        replaces(draft, old, *state);
        replaces(mistake, old, *state);
        stand(*state, NOON, old, draft, mistake);
        assert_string_equal(standing_of(old, *state), "stands");
        assert_string_equal(standing_of(draft, *state), "draft");
        assert_string_equal(standing_of(mistake, *state), "entered-in-error");
        assert_string_equal(cpr_state(*state, 0, draft, mistake)->state, "none-recorded");
}

static void test_a_copy_is_no_second_decision_and_ends_with_the_first(void **state) {
        Fact *original = decision_new("a", "1", NOT_FOR_CPR, *state),
             *copy = decision_new("b", "2", NOT_FOR_CPR, *state);

        decided_by(original, "Green", *state);
        decided_by(copy, "GREEN", *state);
        copy->first_said_at += HOUR;
        stand(*state, NOON, copy, original);
        assert_string_equal(standing_of(original, *state), "stands");
        assert_string_equal(standing_of(copy, *state), "copy");
        assert_string_equal(copy->copy_of, original->event_id);
        assert_int_equal(cpr_state(*state, 0, copy, original)->n_event_ids, 1);
        original->status = (char *)"ended";
        stand(*state, NOON, copy, original);
        assert_string_equal(standing_of(copy, *state), "copy,ended");
        assert_string_equal(copy->ended_by_event_id, original->event_id);
        assert_string_equal(cpr_state(*state, 0, copy, original)->state, "ended");
}

static void test_who_decides_twice_or_on_another_form_has_made_two_decisions(void **state) {
        Fact *a = decision_new("a", "1", NOT_FOR_CPR, *state), *b = decision_new("b", "2", NOT_FOR_CPR, *state);

        decided_by(a, "Green", *state);
        decided_by(b, "Green", *state);
        a->decision->form_identifier = id_new("forms", "F1", *state);
        b->decision->form_identifier = id_new("forms", "F2", *state);
        stand(*state, NOON, a, b);
        assert_null(b->copy_of);
        b->decision->form_identifier = NULL;
        b->decision->decided_at = when_new(NOON + HOUR, PRECISION(MINUTE), *state);
        stand(*state, NOON, a, b);
        assert_null(a->copy_of);
        assert_null(b->copy_of);
}

static void test_a_copy_that_says_something_else_is_a_conflict(void **state) {
        Fact *a = decision_new("a", "1", NOT_FOR_CPR, *state), *b = decision_new("b", "1", FOR_CPR, *state);

        b->decision->identifier = a->decision->identifier;
        stand(*state, NOON, a, b);
        assert_null(a->copy_of);
        assert_null(b->copy_of);
        assert_true(decisions_conflict(a, b));
        /* So is one that widens a hospital's decision to everywhere. */
        b->decision->decision = a->decision->decision;
        a->decision->scope = SCOPE(THIS_STAY);
        stand(*state, NOON, a, b);
        assert_null(b->copy_of);
        assert_true(decisions_conflict(a, b));
}

static void test_a_number_that_its_giver_has_ended_is_ended_everywhere(void **state) {
        Fact *a = decision_new("a", "1", NULL, *state), *b = decision_new("b", "1", FOR_CPR, *state);

        b->decision->identifier = a->decision->identifier;
        b->first_said_at -= 10 * HOUR;
        a->decision->decided_at = NULL;
        a->status = (char *)"ended";
        stand(*state, NOON, a, b);
        assert_string_equal(standing_of(b, *state), "copy,ended");
}

static void test_who_only_relays_ends_nothing_but_its_copy(void **state) {
        Fact *a = decision_new("a", "1", NOT_FOR_CPR, *state), *b = decision_new("b", "1", NULL, *state);

        b->decision->identifier = a->decision->identifier;
        b->decision->decided_at = NULL;
        b->status = (char *)"ended";
        stand(*state, NOON, a, b);
        assert_string_equal(standing_of(a, *state), "stands");
        assert_string_equal(standing_of(b, *state), "copy,ended");
        a->author = MAKE(author, *state);
        a->author->organisation = (char *)"RA9";
        b->author = a->author;
        stand(*state, NOON, a, b);
        assert_string_equal(standing_of(a, *state), "ended");
        assert_string_equal(a->end_reason, DECISION_END_AUTHORITY);
}

static void test_a_review_date_that_has_passed_is_shown_and_hides_nothing(void **state) {
        Fact *fact = decision_new("a", "1", NOT_FOR_CPR, *state);

        fact->decision->review_at = when_new(1001 * DAY, PRECISION(DAY), *state);
        stand(*state, 1002 * DAY - 1, fact);
        assert_string_equal(standing_of(fact, *state), "stands");
        assert_int_equal(decisions_due((Fact *[]){ fact }, 1, NOON), 1002 * DAY);
        stand(*state, 1002 * DAY, fact);
        assert_string_equal(standing_of(fact, *state), "stands,review-passed");
        assert_int_equal(decision_passed(fact, 1002 * DAY), 1002 * DAY);
        assert_int_equal(decisions_due((Fact *[]){ fact }, 1, 1002 * DAY), INT64_MAX);
        assert_string_equal(cpr_state(*state, 0, fact)->state, "decided");
        assert_string_equal(cpr_state(*state, 0, fact)->notes[0], "review-passed");
        fact->decision->reviewed_at = when_new(1001 * DAY, PRECISION(DAY), *state);
        stand(*state, 1002 * DAY, fact);
        assert_string_equal(standing_of(fact, *state), "stands");
}

static Fact *stay_new(const char *source, const char *number, const char *status, const char *class, Arena *arena) {
        Fact *fact = MAKE(fact, arena);

        fact->source = (char *)source;
        fact->status = (char *)status;
        fact->value_case = CAREBUS__V1__FACT__VALUE_ENCOUNTER;
        fact->encounter = MAKE(encounter, arena);
        fact->encounter->identifier = id_new("visits", number, arena);
        fact->encounter->class_ = code_new(class, arena);
        return fact;
}

static void test_after_a_stay_what_was_decided_in_it_is_to_be_confirmed(void **state) {
        Fact *fact = decision_new("a", "1", NOT_FOR_CPR, *state), *stay = stay_new("a", "V", "current", "IMP", *state);

        fact->decision->has_scope = 0;
        fact->encounter_id = stay->encounter->identifier;
        assert_int_equal(decisions_stand(&fact, 1, &stay, 1, NOON, *state), 0);
        assert_string_equal(standing_of(fact, *state), "stands,scope-not-said");
        stay->status = (char *)"ended";
        assert_int_equal(decisions_stand(&fact, 1, &stay, 1, NOON, *state), 0);
        assert_string_equal(standing_of(fact, *state), "stands,stay-ended-confirm,scope-not-said");
        assert_string_equal(cpr_state(*state, 0, fact)->state, "stay-ended-confirm");
        /* A clinic is no stay; and what holds everywhere has nothing to confirm. */
        stay->encounter->class_ = code_new("AMB", *state);
        assert_int_equal(decisions_stand(&fact, 1, &stay, 1, NOON, *state), 0);
        assert_string_equal(standing_of(fact, *state), "stands,scope-not-said");
        stay->encounter->class_ = code_new("IMP", *state);
        fact->decision->has_scope = 1;
        assert_int_equal(decisions_stand(&fact, 1, &stay, 1, NOON, *state), 0);
        assert_string_equal(standing_of(fact, *state), "stands");
}

static void test_the_end_of_a_hospital_decision_never_means_for_resuscitation(void **state) {
        Fact *fact = decision_new("a", "1", NOT_FOR_CPR, *state), *stay = stay_new("b", "V", "ended", "IMP", *state);
        Fact *community = decision_new("c", "2", NOT_FOR_CPR, *state), *facts[] = { fact, community };

        fact->decision->scope = SCOPE(THIS_STAY);
        fact->decision->scope_encounter = stay->encounter->identifier;
        assert_int_equal(decisions_stand(facts, 2, &stay, 1, NOON, *state), 0);
        assert_string_equal(standing_of(fact, *state), "stay-ended-confirm");
        assert_string_equal(standing_of(community, *state), "stands");
        assert_string_equal(cpr_state(*state, 0, fact, community)->state, "decided");
        assert_string_equal(cpr_state(*state, 0, fact)->state, "stay-ended-confirm");
        fact->status = (char *)"ended";
        assert_int_equal(decisions_stand(&fact, 1, &stay, 1, NOON, *state), 0);
        assert_string_equal(cpr_state(*state, 0, fact)->state, "ended");
}

static void test_absence_never_reads_as_a_yes(void **state) {
        Fact *wish = decision_new("a", "1", NULL, *state);
        Carebus__V1__CprOverview *overview;

        assert_int_equal(decisions_cpr(NULL, 0, 0, *state, &overview), 0);
        assert_string_equal(overview->state, "none-recorded");
        assert_int_equal(overview->n_event_ids, 0);
        assert_int_equal(decisions_cpr(NULL, 0, 1, *state, &overview), 0);
        assert_string_equal(overview->state, "held");
        wish->decision->kind = KIND(PREFERRED_PLACE_OF_DEATH);
        stand(*state, NOON, wish);
        assert_string_equal(cpr_state(*state, 0, wish)->state, "none-recorded");
        /* What waits for a person may be the decision that counts. */
        wish->decision->kind = KIND(CPR);
        wish->status = (char *)"ended";
        stand(*state, NOON, wish);
        assert_string_equal(cpr_state(*state, 1, wish)->state, "held");
}

static void test_two_that_nobody_can_read_are_one_only_in_the_same_words(void **state) {
        Fact *a = decision_new("a", "1", "meaning-not-known", *state),
             *b = decision_new("b", "2", "meaning-not-known", *state);

        a->decision->decision->text = (char *)"see notes";
        b->decision->decision->text = (char *)"for full escalation?";
        stand(*state, NOON, a, b);
        assert_true(decisions_conflict(a, b));
        b->decision->decision->text = (char *)"See notes";
        stand(*state, NOON, a, b);
        assert_false(decisions_conflict(a, b));
}

static void test_second_choices_and_statements_contradict_nobody(void **state) {
        Fact *a = decision_new("a", "1", "1", *state), *b = decision_new("b", "2", "2", *state);

        a->decision->kind = b->decision->kind = KIND(PREFERRED_PLACE_OF_DEATH);
        stand(*state, NOON, a, b);
        assert_true(decisions_conflict(a, b));
        a->decision->has_rank = b->decision->has_rank = 1;
        a->decision->rank = b->decision->rank = 2;
        stand(*state, NOON, a, b);
        assert_false(decisions_conflict(a, b));
        a->decision->kind = b->decision->kind = KIND(ADVANCE_STATEMENT);
        stand(*state, NOON, a, b);
        assert_false(decisions_conflict(a, b));
}

/* ---- any number of them, in any order ------------------------------------------------------------------------------------- */

static void test_who_sees_a_copy_alone_is_told_what_it_says(void **state) {
        Fact *original = decision_new("hospital", "1", NOT_FOR_CPR, *state);
        Fact *copy = decision_new("gp", "2", NOT_FOR_CPR, *state);
        Fact *other = decision_new("ambulance", "3", NOT_FOR_CPR, *state);
        Carebus__V1__CprOverview *overview;

        decided_by(original, "GREEN", *state);
        decided_by(copy, "GREEN", *state);
        other->decision->decided_at = when_new(NOON - DAY, PRECISION(MINUTE), *state);
        original->first_said_at = NOON;
        stand(*state, NOON, original, copy, other);
        assert_string_equal(standing_of(copy, *state), "copy");
        assert_int_equal(cpr_state(*state, 0, original, copy)->n_event_ids, 1);
        overview = cpr_state(*state, 0, copy);
        assert_string_equal(overview->state, "decided");
        assert_string_equal(overview->event_ids[0], copy->event_id);
        assert_string_equal(overview->notes[0], "copy");
        /* Two of them whose originals contradict each other, both out of sight. */
        other->standing[0] = (char *)"copy";
        other->copy_of = (char *)"99.0";
        other->decision->decision = code_new(FOR_CPR, *state);
        assert_string_equal(cpr_state(*state, 0, copy, other)->state, "conflict");
        /* Ended with an original that is out of sight: over. */
        original->status = (char *)"ended";
        stand(*state, NOON, original, copy);
        assert_string_equal(cpr_state(*state, 0, copy)->state, "ended");
}

static void test_what_stands_beside_the_word_is_said_beside_it(void **state) {
        Fact *fact = decision_new("hospital", "1", FOR_CPR, *state), *refusal = decision_new("gp", "2", NULL, *state);
        Carebus__V1__CprOverview *overview;

        refusal->decision->kind = KIND(ADRT);
        fact->has_which_person = fact->which_person = true;
        stand(*state, NOON, fact, refusal);
        overview = cpr_state(*state, 1, fact, refusal);
        assert_string_equal(overview->state, "decided");
        assert_int_equal(overview->n_notes, 3);
        assert_string_equal(overview->notes[0], "which-person");
        assert_string_equal(overview->notes[1], "held");
        assert_string_equal(overview->notes[2], "refusal-recorded");
        overview = cpr_state(*state, 0, refusal);
        assert_string_equal(overview->state, "none-recorded");
        assert_string_equal(overview->notes[0], "refusal-recorded");
        /* Of one that says that it does not cover staying alive, and of one that was retracted, nothing. */
        refusal->decision->has_life_sustaining = true;
        assert_int_equal(cpr_state(*state, 0, refusal)->n_notes, 0);
        refusal->decision->life_sustaining = true;
        assert_int_equal(cpr_state(*state, 0, refusal)->n_notes, 1);
        refusal->status = (char *)"ended";
        stand(*state, NOON, refusal);
        assert_int_equal(cpr_state(*state, 0, refusal)->n_notes, 0);
}

/* A stay of the hospital from ten in the morning on. */
static Fact *bed_new(const char *status, Arena *arena) {
        Fact *stay = MAKE(fact, arena);

        stay->source = (char *)"hospital";
        stay->status = (char *)status;
        stay->value_case = CAREBUS__V1__FACT__VALUE_ENCOUNTER;
        stay->encounter = MAKE(encounter, arena);
        stay->encounter->identifier = id_new("carebus:hospital", "V1", arena);
        stay->encounter->admitted_at = when_new(NOON - 2 * HOUR, PRECISION(MINUTE), arena);
        if (strcmp(status, "ended") == 0)
                stay->encounter->discharged_at = when_new(NOON + HOUR, PRECISION(MINUTE), arena);
        return stay;
}

static void test_a_decision_that_names_no_stay_is_of_the_stay_in_which_it_was_made(void **state) {
        Fact *fact = decision_new("hospital", "1", NOT_FOR_CPR, *state), *stay = bed_new("ended", *state);
        Fact *elsewhere = decision_new("gp", "2", NOT_FOR_CPR, *state);

        fact->decision->scope = elsewhere->decision->scope = SCOPE(THIS_STAY);
        elsewhere->decision->decided_at = when_new(NOON + 30 * 60 * USEC_PER_SEC, PRECISION(MINUTE), *state);
        assert_int_equal(decisions_stand(&fact, 1, &stay, 1, NOON, *state), 0);
        /* Which stay it was nobody said: it is asked about, and never hidden. */
        assert_string_equal(standing_of(fact, *state), "stands,stay-ended-confirm");
        assert_string_equal(cpr_state(*state, 0, fact)->state, "stay-ended-confirm");
        assert_int_equal(decisions_stand(&elsewhere, 1, &stay, 1, NOON, *state), 0);
        assert_string_equal(standing_of(elsewhere, *state), "stands");
        fact->decision->decided_at = when_new(NOON - DAY, PRECISION(MINUTE), *state);
        assert_int_equal(decisions_stand(&fact, 1, &stay, 1, NOON, *state), 0);
        assert_string_equal(standing_of(fact, *state), "stands");
        fact->decision->decided_at = when_new(NOON, PRECISION(MINUTE), *state);
        stay = bed_new("current", *state);
        assert_int_equal(decisions_stand(&fact, 1, &stay, 1, NOON, *state), 0);
        assert_string_equal(standing_of(fact, *state), "stands");
        fact->decision->scope = SCOPE(EVERYWHERE);
        stay = bed_new("ended", *state);
        assert_int_equal(decisions_stand(&fact, 1, &stay, 1, NOON, *state), 0);
        assert_string_equal(standing_of(fact, *state), "stands");
}

static void test_what_a_system_closes_by_the_discharge_is_to_be_confirmed(void **state) {
        Fact *fact = decision_new("hospital", "1", NOT_FOR_CPR, *state);

        fact->status = (char *)"ended";
        fact->decision->end_reason = MAKE(coded, *state);
        fact->decision->end_reason->original = MAKE(original_code, *state);
        fact->decision->end_reason->original->code = (char *)"DISCHAUTO";
        stand(*state, NOON, fact);
        assert_string_equal(standing_of(fact, *state), "stay-ended-confirm,ended");
        assert_string_equal(cpr_state(*state, 0, fact)->state, "stay-ended-confirm");
        fact->decision->end_reason->original->code = (char *)"CHANGED";
        stand(*state, NOON, fact);
        assert_string_equal(standing_of(fact, *state), "ended");
}

static void test_attorneys_who_are_registered_and_who_are_not_contradict_each_other(void **state) {
        Fact *a = decision_new("hospital", "1", NULL, *state), *b = decision_new("gp", "2", NULL, *state);

        a->decision->kind = b->decision->kind = KIND(LPA);
        a->decision->has_registered = a->decision->registered = true;
        stand(*state, NOON, a, b);
        assert_false(decisions_conflict(a, b));
        b->decision->has_registered = true;
        stand(*state, NOON, a, b);
        assert_true(decisions_conflict(a, b));
}

static uint64_t seed;

static unsigned drawn(unsigned below) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        return (unsigned)(seed >> 33) % below;
}

static Fact *decision_drawn(unsigned number, Arena *arena) {
        static const char *const sources[] = { "a", "b", "c" }, *const codes[] = { NOT_FOR_CPR, FOR_CPR, NULL };
        static const char *const statuses[] = { "current", "current", "current", "ended", "entered-in-error" };
        Fact *fact = decision_new(sources[drawn(3)], arena_format(arena, "%u", number), codes[drawn(3)], arena);

        fact->status = (char *)statuses[drawn(ELEMENTSOF(statuses))];
        fact->first_said_at = NOON + drawn(4) * HOUR;
        fact->decision->decided_at =
                drawn(4) ? when_new(NOON + drawn(3) * DAY, drawn(2) ? PRECISION(DAY) : PRECISION(MINUTE), arena) : NULL;
        if (drawn(2))
                fact->decision->form_identifier = id_new("forms", drawn(2) ? "F1" : "F2", arena);
        if (drawn(2))
                decided_by(fact, drawn(2) ? "Green" : "Brown", arena);
        fact->decision->scope = (Carebus__V1__Decision__Scope)drawn(3);
        if (drawn(4) == 0)
                assert_int_equal(list_append((void ***)&fact->decision->replaces, &fact->decision->n_replaces,
                                             id_new("carebus:a", arena_format(arena, "%u", drawn(5)), arena), arena),
                                 0);
        return fact;
}

static void statuses_restore(Fact **facts, char **statuses, size_t n) {
        for (size_t i = 0; i < n; i++) {
                facts[i]->status = statuses[i];
                facts[i]->end_reason = facts[i]->ended_by_event_id = NULL;
        }
}

static void test_any_order_of_any_decisions_comes_to_the_same(void **state) {
        enum { N = 5 };
        uint64_t began = (uint64_t)getpid();

        seed = began;
        for (unsigned round = 0; round < 3000; round++) {
                Fact *made[N], *shuffled[N];
                char *statuses[N];
                const char *before[N];
                Carebus__V1__CprOverview *overview;
                bool lives = false;

                for (unsigned i = 0; i < N; i++) {
                        made[i] = shuffled[i] = decision_drawn(i, *state);
                        statuses[i] = made[i]->status;
                        lives = lives || strcmp(statuses[i], "current") == 0;
                }
                assert_int_equal(decisions_stand(shuffled, N, NULL, 0, NOON, *state), 0);
                assert_int_equal(decisions_cpr(shuffled, N, 0, *state, &overview), 0);
                if (!lives && (strcmp(overview->state, "decided") == 0 || strcmp(overview->state, "conflict") == 0))
                        fail_msg("seed %llu: decided by nothing", (unsigned long long)began);
                for (unsigned i = 0; i < N; i++) {
                        before[i] = arena_format(*state, "%s|%s|%s", standing_of(made[i], *state), made[i]->status,
                                                 made[i]->copy_of ?: "-");
                        if (strcmp(statuses[i], "current") == 0 && made[i]->n_standing == 0)
                                fail_msg("seed %llu: a decision without a word", (unsigned long long)began);
                }
                statuses_restore(made, statuses, N);
                for (unsigned i = N; i > 1; i--) {
                        unsigned j = drawn(i);
                        Fact *fact = shuffled[i - 1];

                        shuffled[i - 1] = shuffled[j];
                        shuffled[j] = fact;
                }
                assert_int_equal(decisions_stand(shuffled, N, NULL, 0, NOON, *state), 0);
                for (unsigned i = 0; i < N; i++) {
                        const char *now = arena_format(*state, "%s|%s|%s", standing_of(made[i], *state),
                                                       made[i]->status, made[i]->copy_of ?: "-");

                        if (strcmp(before[i], now) != 0)
                                fail_msg("seed %llu: %s and then %s", (unsigned long long)began, before[i], now);
                }
                if (round % 100 == 0)
                        arena_reset(*state);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
                TEST(test_the_newest_decision_stands_first_whenever_it_came_in),
                TEST(test_a_date_that_is_not_of_the_decision_is_said_to_be_none),
                TEST(test_what_is_later_and_names_nobody_takes_no_place),
                TEST(test_two_of_one_day_without_times_are_a_conflict_even_on_one_form),
                TEST(test_two_that_name_each_other_leave_both),
                TEST(test_an_older_decision_never_takes_the_place_of_a_newer_one),
                TEST(test_a_draft_and_a_mistake_take_no_place),
                TEST(test_a_copy_is_no_second_decision_and_ends_with_the_first),
                TEST(test_who_decides_twice_or_on_another_form_has_made_two_decisions),
                TEST(test_a_copy_that_says_something_else_is_a_conflict),
                TEST(test_a_number_that_its_giver_has_ended_is_ended_everywhere),
                TEST(test_who_only_relays_ends_nothing_but_its_copy),
                TEST(test_a_review_date_that_has_passed_is_shown_and_hides_nothing),
                TEST(test_after_a_stay_what_was_decided_in_it_is_to_be_confirmed),
                TEST(test_the_end_of_a_hospital_decision_never_means_for_resuscitation),
                TEST(test_absence_never_reads_as_a_yes),
                TEST(test_two_that_nobody_can_read_are_one_only_in_the_same_words),
                TEST(test_second_choices_and_statements_contradict_nobody),
                TEST(test_who_sees_a_copy_alone_is_told_what_it_says),
                TEST(test_what_stands_beside_the_word_is_said_beside_it),
                TEST(test_a_decision_that_names_no_stay_is_of_the_stay_in_which_it_was_made),
                TEST(test_what_a_system_closes_by_the_discharge_is_to_be_confirmed),
                TEST(test_attorneys_who_are_registered_and_who_are_not_contradict_each_other),
                TEST(test_any_order_of_any_decisions_comes_to_the_same),
#undef TEST
        };

        return cmocka_run_group_tests_name("decisions", tests, NULL, NULL);
}
