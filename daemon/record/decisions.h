#pragma once
/*
 * How decisions of one kind stand to each other (proto/GRAMMAR.md, "Decisions"): ordered by the date on which they were decided, never by
 * the day on which they came in; one takes another's place only where it names it, or where the same authority ends it; a copy that another
 * system relays is no second decision and ends with the first; a stay's decision is to be confirmed when the stay has ended; nothing
 * that ends is ever a decision for the contrary. The bus picks no winner: what stands and differs is a conflict.
 *
 * Pure: the fold opens conflicts by it and the record shows it. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "carebus/v1/record.pb-c.h"
#include "carebus/v1/state.pb-c.h"

/* Why a decision is over that its own source still says: the original of a copy has ended; who decided ended it elsewhere. */
#define DECISION_END_COPY "ended-with-original"
#define DECISION_END_AUTHORITY "ended-by-authority"

/* What is written into a fact of the section `decisions` (of one person, of all sources), in place: `standing`, `copy_of`,
 * `superseded_by`; and where it is over by another of them, `status`, `end_reason` and `ended_by_event_id`. `encounters` are the facts
 * of that section, which say whether a stay has ended. `as_at` is the time of the journal (StoredStandings.as_at). The facts are put in the
 * order of their decisions, newest first, within each kind. 0 or -ENOMEM. */
int decisions_stand(Carebus__V1__Fact **decisions, size_t n_decisions, Carebus__V1__Fact *const *encounters,
                    size_t n_encounters, int64_t as_at, Arena *arena);
/* Do two that stand contradict each other, or say different things on one day with no times? `decisions_stand` has seen both. */
bool decisions_conflict(const Carebus__V1__Fact *a, const Carebus__V1__Fact *b);
/* The state of all CPR decisions in one word, for Overview.cpr; facts as decisions_stand() left them. 0 or -ENOMEM. */
int decisions_cpr(Carebus__V1__Fact *const *decisions, size_t n_decisions, size_t n_held, Arena *arena,
                  Carebus__V1__CprOverview **ret);
/* When something about these changes by time alone (a review date, an end of validity) after `after`; INT64_MAX: never. */
int64_t decisions_due(Carebus__V1__Fact *const *decisions, size_t n_decisions, int64_t after);
/* The newest date of a decision (to review it, of the end of its validity) that has passed; INT64_MIN: none. */
int64_t decision_passed(const Carebus__V1__Fact *decision, int64_t as_at);
