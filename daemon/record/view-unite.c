/* What was found under several ids becomes one record: facts of one source about one thing are one fact. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/encounter.h"
#include "daemon/record/plain.h"
#include "daemon/record/view-parts.h"
#include "daemon/store/state-keys.h"

/* Who is known by this id here. */
static const Carebus__V1__Person *member_of(const Viewing *viewing, const char *patient_id) {
        for (size_t i = 0; i < viewing->n_members; i++)
                if (strcmp(viewing->persons[i]->patient_id, patient_id) == 0)
                        return viewing->persons[i];
        return NULL;
}

/* Had the source merged one into the other when it stated the list, so that it would have stood there? */
static bool merged_before(const Viewing *viewing, const Carebus__V1__Person *retired,
                          const Carebus__V1__Person *survivor, const Carebus__V1__Stamp *stamp, const char *source,
                          size_t depth) {
        if (retired == survivor)
                return true;
        for (size_t i = 0; depth < viewing->n_members && i < retired->n_ties; i++) {
                const Carebus__V1__Tie *tie = retired->ties[i];
                const Carebus__V1__Person *into = member_of(viewing, tie->patient_id);

                if (tie->kind == CAREBUS__V1__TIE__KIND__KIND_MERGE && tie->retires && !tie->undone && !tie->dispute &&
                    text_equal(tie->source, source) && into && stamp_compare(tie->stamp, stamp) < 0 &&
                    merged_before(viewing, into, survivor, stamp, source, depth + 1))
                        return true;
        }
        return false;
}

/* What a source states completely and has nothing of is over; but what ends by a word alone is never over by silence. */
static void list_show(const Viewing *viewing, const Found *found) {
        Carebus__V1__Fact *fact = found->fact->fact;

        if (!viewing->lists || found->away || !text_equal(fact->status, "current") ||
            !plain_section_has_lists(found->section))
                return;
        for (const Lists *lists = viewing->lists; lists; lists = lists->next) {
                if (!text_equal(lists->source, fact->source))
                        continue;
                for (size_t i = 0; i < lists->said->n_lists; i++) {
                        const Carebus__V1__StoredList *list = lists->said->lists[i];

                        if (strcmp(list->section, found->section) != 0 ||
                            stamp_compare(list->stamp, found->fact->newest) <= 0 ||
                            plain_said_in(found->fact, list->stamp->seq) ||
                            !merged_before(viewing, found->home, lists->home, list->stamp, lists->source, 0))
                                continue;
                        fact->status = (char *)"ended";
                        fact->end_reason = (char *)END_REASON_LIST;
                        fact->ended_by_event_id = list->event_id;
                }
        }
}

static int found_compare(const void *a, const void *b) {
        const Found *x = *(Found *const *)a, *y = *(Found *const *)b;
        int order = strcmp(x->section, y->section) ?: fact_compare(x->fact->fact, y->fact->fact);

        order = order ?: stamp_compare(x->fact->newest, y->fact->newest);
        order = order ?: id_compare(x->home->patient_id, y->home->patient_id);
        return order ?: strcmp(x->stored, y->stored);
}

/* Whose it was is told where it is all one other's. */
static void origin_unite(Found **same, size_t n_same) {
        for (size_t i = 1; i < n_same; i++)
                if (same[i]->home != same[0]->home)
                        same[0]->fact->fact->from_patient_id = NULL;
}

/* What is doubtful of a part is doubtful of the whole. */
static bool doubt_unite(Found **same, size_t n_same) {
        bool doubt = false;

        for (size_t i = 0; i < n_same; i++)
                doubt = doubt || same[i]->fact->fact->which_person;
        return doubt;
}

typedef struct Claims {
        Carebus__V1__Claim **claims;
        size_t n_claims;
        Arena *arena;
} Claims;

static int claim_seen(Bytes key, Bytes value, void *owner) {
        Claims *claims = owner;
        Carebus__V1__Claim *claim;
        int r;

        r = message_unpack(&carebus__v1__claim__descriptor, value, claims->arena, (ProtobufCMessage **)&claim);
        return r ?: list_append((void ***)&claims->claims, &claims->n_claims, claim, claims->arena);
}

static int claim_compare(const void *a, const void *b) {
        return stamp_compare((*(Carebus__V1__Claim *const *)a)->stamp, (*(Carebus__V1__Claim *const *)b)->stamp);
}

static bool lists_are_whole(const Viewing *viewing, const char *source) {
        const Carebus__V1__Settings *settings = viewing->common->settings;

        for (size_t i = 0; settings && i < settings->n_sources; i++)
                if (text_equal(settings->sources[i]->name, source))
                        return settings->sources[i]->lists_complete;
        return false;
}

/* One encounter of one source under several ids or numbers, because they were joined while it went on: one fact out of all its claims. */
static int encounters_unite(Viewing *viewing, Found **same, size_t n_same) {
        Carebus__V1__Identifier *identifier = same[0]->fact->fact->encounter->identifier;
        Claims claims = { .arena = viewing->arena };
        int r;

        for (size_t i = 0; i < n_same; i++) {
                StateKey prefix = key_of_claims(same[i]->home->patient_id, same[i]->stored);

                r = state_walk(viewing->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), claim_seen,
                               &claims);
                if (r < 0)
                        return r;
        }
        if (claims.n_claims > 0)
                qsort(claims.claims, claims.n_claims, sizeof(*claims.claims), claim_compare);
        r = encounter_reduce(same[0]->fact, claims.claims, claims.n_claims,
                             lists_are_whole(viewing, same[0]->fact->fact->source), viewing->arena);
        if (r == 0 && identifier)
                same[0]->fact->fact->encounter->identifier = identifier;
        return r;
}

/* The same of a fact that keeps its claims with it. */
static int plain_unite(Viewing *viewing, const PlainRow *row, Found **same, size_t n_same) {
        Carebus__V1__StoredFact *first = same[0]->fact;
        Carebus__V1__Claim **all = NULL;
        size_t n_all = 0;

        for (size_t i = 0; i < n_same; i++) {
                Carebus__V1__StoredFact *stored = same[i]->fact;
                Carebus__V1__Claim **claims;
                size_t n_claims;

                if (plain_claims(stored, viewing->arena, &claims, &n_claims) < 0)
                        return -ENOMEM;
                for (size_t j = 0; j < n_claims; j++)
                        if (plain_claims_insert(&all, &n_all, claims[j], viewing->arena) < 0)
                                return -ENOMEM;
                for (size_t j = 0; i > 0 && j < stored->n_replaced_by; j++)
                        if (list_append((void ***)&first->replaced_by, &first->n_replaced_by, stored->replaced_by[j],
                                        viewing->arena) < 0)
                                return -ENOMEM;
        }
        return plain_reduce(row, first, all, n_all, lists_are_whole(viewing, first->fact->source), viewing->arena);
}

/* What a source said of somebody whom it has since merged into another stands back behind what it says of the survivor; where it says
 * nothing of that one, behind what it said last. */
static void facts_supersede(Found **same, size_t n_same) {
        size_t current = n_same - 1;

        for (size_t i = 0; i < n_same; i++)
                if (!same[i]->fact->fact->from_patient_id)
                        current = i;
        for (size_t i = 0; i < n_same; i++)
                if (i != current && strcmp(same[i]->section, SECTION_DEMOGRAPHICS) == 0)
                        same[i]->fact->fact->status = (char *)"superseded";
}

/* Facts of one source under one key and several ids: those to show. */
static int found_unite(Viewing *viewing, Found **same, size_t n_same, size_t *ret_n_shown) {
        const PlainRow *row = plain_row_of_fact(same[0]->fact->fact);
        bool encounter = strcmp(same[0]->section, SECTION_ENCOUNTERS) == 0, doubt = doubt_unite(same, n_same);
        int r;

        *ret_n_shown = n_same;
        if (row && n_same == 1)
                list_show(viewing, same[0]);
        if (n_same == 1)
                return 0;
        if (!encounter && !row) {
                facts_supersede(same, n_same);
                return 0;
        }
        *ret_n_shown = 1;
        origin_unite(same, n_same);
        r = encounter ? encounters_unite(viewing, same, n_same) : plain_unite(viewing, row, same, n_same);
        if (r == 0 && doubt)
                same[0]->fact->fact->has_which_person = same[0]->fact->fact->which_person = true;
        return r;
}

static int section_of_record(Viewing *viewing, const char *name, Carebus__V1__Section **ret) {
        Carebus__V1__Record *record = viewing->record;
        Carebus__V1__Section *section;

        if (record->n_sections > 0 && strcmp(record->sections[record->n_sections - 1]->name, name) == 0) {
                *ret = record->sections[record->n_sections - 1];
                return 0;
        }
        section = arena_alloc(viewing->arena, sizeof(*section));
        if (!section)
                return -ENOMEM;
        carebus__v1__section__init(section);
        section->name = (char *)name;
        viewing->facts_room = 0;
        *ret = section;
        return list_append((void ***)&record->sections, &record->n_sections, section, viewing->arena);
}

/* What other rules go by is kept at hand. */
static int fact_keep(Viewing *viewing, const Found *found) {
        Carebus__V1__StoredFact *stored = found->fact;

        if (strcmp(found->section, SECTION_DEMOGRAPHICS) == 0)
                return list_append((void ***)&viewing->demographics, &viewing->n_demographics, stored, viewing->arena);
        if (strcmp(found->section, SECTION_DEATH) == 0)
                return list_append((void ***)&viewing->deaths, &viewing->n_deaths, stored, viewing->arena);
        if (strcmp(found->section, SECTION_DECISIONS) != 0)
                return 0;
        return list_append_roomy((void ***)&viewing->decisions, &viewing->n_decisions, &viewing->decisions_room,
                                 stored->fact, viewing->arena);
}

static int facts_show(Viewing *viewing, Found **same, size_t n_shown) {
        Carebus__V1__Section *section;
        int r;

        r = section_of_record(viewing, same[0]->section, &section);
        for (size_t i = 0; r == 0 && i < n_shown; i++) {
                r = list_append_roomy((void ***)&section->facts, &section->n_facts, &viewing->facts_room,
                                      same[i]->fact->fact, viewing->arena);
                if (r == 0)
                        r = fact_keep(viewing, same[i]);
        }
        return r;
}

int view_unite(Viewing *viewing) {
        int r = 0;

        if (viewing->n_found > 0)
                qsort(viewing->found, viewing->n_found, sizeof(*viewing->found), found_compare);
        for (size_t i = 0, n_same; r == 0 && i < viewing->n_found; i += n_same) {
                Found **same = viewing->found + i;
                size_t n_shown;

                for (n_same = 1; i + n_same < viewing->n_found; n_same++)
                        if (strcmp(same[0]->section, same[n_same]->section) != 0 ||
                            fact_compare(same[0]->fact->fact, same[n_same]->fact->fact) != 0)
                                break;
                r = found_unite(viewing, same, n_same, &n_shown);
                if (r == 0)
                        r = facts_show(viewing, same, n_shown);
        }
        return r;
}
