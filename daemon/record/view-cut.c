/*
 * A record as one reader may see it. Facts go out one by one by the reader's eyes; what follows from several of them is looked at again, so
 * that nothing tells of what is left out, and nothing that is left makes believe that it is all.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/view-parts.h"

#define CPR_NOT_ALL_SHOWN "not-all-shown"
#define CPR_HIDDEN "hidden"

static bool is_seen(RecordSight sight) {
        return sight == RECORD_PART || sight == RECORD_WHOLE;
}

/* ---- facts ------------------------------------------------------------------------------------------------------------------- */

static int unseen_add(Viewing *viewing, const char *section, const Carebus__V1__Fact *fact, RecordSight sight) {
        Unseen *unseen = arena_alloc(viewing->arena, sizeof(*unseen));

        if (!unseen)
                return -ENOMEM;
        *unseen = (Unseen){
                .next = viewing->unseen, .section = section, .fact = fact, .sensitive = sight == RECORD_HIDDEN_SENSITIVE
        };
        viewing->unseen = unseen;
        return 0;
}

/* A join of one of them is in review. */
static bool is_in_review(const Viewing *viewing) {
        for (size_t i = 0; i < viewing->n_members; i++)
                if (viewing->persons[i]->n_review_ids > 0)
                        return true;
        return false;
}

static int section_cut(Viewing *viewing, const RecordEyes *eyes, Carebus__V1__Section *section, bool in_review) {
        size_t n = 0;

        for (size_t i = 0; i < section->n_facts; i++) {
                Carebus__V1__Fact *fact = section->facts[i];
                RecordSight sight;
                int r = eyes->see(eyes->owner, section->name, fact, in_review || fact->which_person, &sight);

                if (r == 0 && is_seen(sight))
                        section->facts[n++] = fact;
                else if (r == 0)
                        r = unseen_add(viewing, section->name, fact, sight);
                if (r < 0)
                        return r;
        }
        section->n_facts = n;
        return 0;
}

static int sections_cut(Viewing *viewing, const RecordEyes *eyes) {
        Carebus__V1__Record *record = viewing->record;
        const bool in_review = is_in_review(viewing);
        size_t n = 0;

        for (size_t i = 0; i < record->n_sections; i++) {
                int r = section_cut(viewing, eyes, record->sections[i], in_review);

                if (r < 0)
                        return r;
                if (record->sections[i]->n_facts > 0)
                        record->sections[n++] = record->sections[i];
        }
        record->n_sections = n;
        return 0;
}

static bool says(const Carebus__V1__Fact *fact, const char *event_id) {
        if (text_equal(fact->event_id, event_id))
                return true;
        for (size_t i = 0; i < fact->n_history; i++)
                if (text_equal(fact->history[i], event_id))
                        return true;
        return false;
}

static const Unseen *unseen_find(const Viewing *viewing, const char *event_id) {
        for (const Unseen *unseen = viewing->unseen; unseen; unseen = unseen->next)
                if (says(unseen->fact, event_id))
                        return unseen;
        return NULL;
}

static bool is_unseen(const Viewing *viewing, const Carebus__V1__Fact *fact) {
        for (const Unseen *unseen = viewing->unseen; unseen; unseen = unseen->next)
                if (unseen->fact == fact)
                        return true;
        return false;
}

static size_t ids_cut(const Viewing *viewing, char **ids, size_t n_ids) {
        size_t n = 0;

        for (size_t i = 0; i < n_ids; i++)
                if (!unseen_find(viewing, ids[i]))
                        ids[n++] = ids[i];
        return n;
}

/* How a decision stands follows from all of them, and is told; which one that is that is not shown is not. */
static void decisions_cut(Viewing *viewing) {
        size_t n = 0;

        for (size_t i = 0; i < viewing->n_decisions; i++) {
                Carebus__V1__Fact *fact = viewing->decisions[i];

                if (is_unseen(viewing, fact))
                        continue;
                viewing->decisions[n++] = fact;
                fact->n_superseded_by = ids_cut(viewing, fact->superseded_by, fact->n_superseded_by);
                if (fact->copy_of && unseen_find(viewing, fact->copy_of))
                        fact->copy_of = NULL;
                if (fact->ended_by_event_id && unseen_find(viewing, fact->ended_by_event_id))
                        fact->ended_by_event_id = NULL;
        }
        viewing->n_decisions = n;
}

/* ---- conflicts ----------------------------------------------------------------------------------------------------------------- */

static bool is_shown(const Viewing *viewing, const char *event_id) {
        const Carebus__V1__Record *record = viewing->record;

        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t j = 0; j < record->sections[i]->n_facts; j++)
                        if (says(record->sections[i]->facts[j], event_id))
                                return true;
        return false;
}

/* A claim that no fact speaks of any more is one of the source of its entry. */
static int sees_source_of(Viewing *viewing, const RecordEyes *eyes, const char *section, const char *event_id,
                          RecordSight *ret) {
        Carebus__V1__Fact *fact = message_new(&carebus__v1__fact__descriptor, viewing->arena);
        Carebus__V1__Outcome *outcome;
        const size_t size = strcspn(event_id, ".");
        char text[24];
        uint64_t seq;
        int r;

        *ret = RECORD_HIDDEN;
        if (!fact)
                return -ENOMEM;
        if (size >= sizeof(text))
                return 0;
        memcpy(text, event_id, size);
        text[size] = '\0';
        if (text_to_u64(text, &seq) < 0)
                return 0;
        r = outcome_read(viewing->txn, seq, viewing->arena, &outcome);
        if (r != 0)
                return MIN(r, 0);
        fact->source = outcome->source;
        return outcome->source ? eyes->see(eyes->owner, section, fact, /* unconfirmed= */ false, ret) : 0;
}

static int claim_see(Viewing *viewing, const RecordEyes *eyes, const Carebus__V1__Conflict *conflict,
                     const char *event_id, RecordSight *ret) {
        const Unseen *unseen;

        *ret = RECORD_WHOLE;
        if (is_shown(viewing, event_id))
                return 0;
        unseen = unseen_find(viewing, event_id);
        if (!unseen)
                return sees_source_of(viewing, eyes, conflict->section ?: SECTION_CONFLICTS, event_id, ret);
        *ret = unseen->sensitive ? RECORD_HIDDEN_SENSITIVE : RECORD_HIDDEN;
        return 0;
}

/* Who decides by one of two claims has to know that there is another: of a decision in any case, else where it may be known. */
static int conflict_cut(Viewing *viewing, const RecordEyes *eyes, Carebus__V1__Conflict *conflict, bool *ret_shown) {
        const bool is_decision = text_equal(conflict->section, SECTION_DECISIONS);
        bool hidden = false, sensitive = false;
        size_t n = 0;

        for (size_t i = 0; i < conflict->n_event_ids; i++) {
                RecordSight sight;
                int r = claim_see(viewing, eyes, conflict, conflict->event_ids[i], &sight);

                if (r < 0)
                        return r;
                if (is_seen(sight))
                        conflict->event_ids[n++] = conflict->event_ids[i];
                else
                        hidden = true;
                sensitive = sensitive || sight == RECORD_HIDDEN_SENSITIVE;
        }
        *ret_shown = !hidden || (n > 0 && (is_decision || !sensitive));
        if (!hidden)
                return 0;
        conflict->n_event_ids = n;
        conflict->has_part_hidden = conflict->part_hidden = true;
        /* Who closed it by what is of the claim that is not shown as much as of the other. */
        conflict->closed_by = conflict->who = conflict->why = NULL;
        return 0;
}

static int conflicts_cut(Viewing *viewing, const RecordEyes *eyes) {
        Carebus__V1__Record *record = viewing->record;
        size_t n = 0;

        for (size_t i = 0; i < record->n_conflicts; i++) {
                bool shown;
                int r = conflict_cut(viewing, eyes, record->conflicts[i], &shown);

                if (r < 0)
                        return r;
                if (shown)
                        record->conflicts[n++] = record->conflicts[i];
        }
        record->n_conflicts = n;
        return 0;
}

/* ---- all of it -------------------------------------------------------------------------------------------------------------------- */

static void held_cut(Viewing *viewing, const RecordEyes *eyes) {
        Carebus__V1__Record *record = viewing->record;
        const bool knows = eyes->knows(eyes->owner);
        size_t n = 0;

        for (size_t i = 0; i < record->n_held; i++)
                if (knows && is_seen(eyes->section(eyes->owner, record->held[i]->section)))
                        record->held[n++] = record->held[i];
        record->n_held = n;
}

int view_cut(Viewing *viewing, const RecordEyes *eyes) {
        int r = sections_cut(viewing, eyes);

        if (r < 0)
                return r;
        if (viewing->record->n_sections == 0)
                return RECORD_E_NOT_FOUND;
        r = conflicts_cut(viewing, eyes);
        if (r < 0)
                return r;
        decisions_cut(viewing);
        held_cut(viewing, eyes);
        return 0;
}

static bool is_unseen_cpr(const Viewing *viewing) {
        for (const Unseen *unseen = viewing->unseen; unseen; unseen = unseen->next) {
                const Carebus__V1__Fact *fact = unseen->fact;

                if (fact->value_case == CAREBUS__V1__FACT__VALUE_DECISION &&
                    fact->decision->kind == CAREBUS__V1__DECISION__KIND__KIND_CPR &&
                    text_equal(fact->status, "current"))
                        return true;
        }
        return false;
}

void view_cut_overview(Viewing *viewing, const RecordEyes *eyes) {
        Carebus__V1__CprOverview *cpr = viewing->record->overview->cpr;

        if (!cpr)
                return;
        if (cpr->n_event_ids == 0 && eyes->section(eyes->owner, SECTION_DECISIONS) == RECORD_HIDDEN)
                cpr->state = (char *)CPR_HIDDEN;
        else if (is_unseen_cpr(viewing) && !text_equal(cpr->state, "conflict"))
                cpr->state = (char *)CPR_NOT_ALL_SHOWN;
}

int view_sees_number(const RecordEyes *eyes, const Carebus__V1__PersonIdentifier *number, Arena *arena, bool *ret) {
        *ret = !eyes;
        for (size_t i = 0; i < number->n_sources && !*ret; i++) {
                Carebus__V1__Demographics *demographics = message_new(&carebus__v1__demographics__descriptor, arena);
                Carebus__V1__Fact *fact = message_new(&carebus__v1__fact__descriptor, arena);
                RecordSight sight;
                int r;

                if (!fact || !demographics)
                        return -ENOMEM;
                fact->source = number->sources[i];
                fact->value_case = CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS;
                fact->demographics = demographics;
                r = list_append((void ***)&demographics->identifiers, &demographics->n_identifiers, number->identifier,
                                arena);
                if (r == 0)
                        r = eyes->see(eyes->owner, SECTION_DEMOGRAPHICS, fact, /* unconfirmed= */ false, &sight);
                if (r < 0)
                        return r;
                *ret = is_seen(sight) && demographics->n_identifiers > 0;
        }
        return 0;
}
