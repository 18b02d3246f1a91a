/* The shared record: what stands under all ids that a person ever had, put together when it is read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"
#include "daemon/record/encounter.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain.h"
#include "daemon/record/read.h"
#include "daemon/store/state-keys.h"

/* A fact and where it lies. */
typedef struct Found {
        const char *section; /* of the record: encounters */
        const char *stored;  /* in the state: encounters/SOURCE/KEY */
        const char *patient_id;
        Carebus__V1__StoredFact *fact;
} Found;

/* What a source said again of a person. */
typedef struct Again {
        struct Again *next;
        const char *source;
        const char *patient_id;
        Carebus__V1__SaidAgain *said;
} Again;

/* Sections that a source stated completely, of one id. */
typedef struct Lists {
        struct Lists *next;
        const char *source;
        const char *patient_id;
        Carebus__V1__StoredLists *said;
} Lists;

typedef struct Viewing {
        StateTxn *txn;
        Arena *arena;
        Carebus__V1__Record *record;
        Carebus__V1__Settings *settings; /* NULL before the first */
        const char *patient_id;          /* whose sections are read */
        Again *again;
        Lists *lists;
        Found **found;
        size_t n_found;
} Viewing;

static int found_add(Viewing *viewing, const char *stored, Carebus__V1__StoredFact *fact) {
        Found *found = arena_alloc(viewing->arena, sizeof(*found));
        const char *slash = strchr(stored, '/');

        if (!found)
                return -ENOMEM;
        *found = (Found){ .stored = stored, .patient_id = viewing->patient_id, .fact = fact };
        found->section = slash ? arena_text(viewing->arena, stored, (size_t)(slash - stored)) : stored;
        if (!found->section)
                return -ENOMEM;
        if (strcmp(viewing->patient_id, viewing->record->patient_id) != 0)
                fact->fact->from_patient_id = (char *)viewing->patient_id;
        return list_append((void ***)&viewing->found, &viewing->n_found, found, viewing->arena);
}

static int conflicts_add(Viewing *viewing, Bytes value) {
        Carebus__V1__StoredConflicts *stored;
        int r;

        r = message_unpack(&carebus__v1__stored_conflicts__descriptor, value, viewing->arena,
                           (ProtobufCMessage **)&stored);
        for (size_t i = 0; r == 0 && i < stored->n_conflicts; i++)
                r = list_append((void ***)&viewing->record->conflicts, &viewing->record->n_conflicts,
                                stored->conflicts[i]->conflict, viewing->arena);
        return r;
}

/* Comes before the demographics that it is about: "again/" sorts before. */
static int again_note(Viewing *viewing, const char *source, Bytes value) {
        Again *again = arena_alloc(viewing->arena, sizeof(*again));

        if (!again)
                return -ENOMEM;
        *again = (Again){ .source = source, .patient_id = viewing->patient_id };
        again->next = viewing->again;
        viewing->again = again;
        return message_unpack(&carebus__v1__said_again__descriptor, value, viewing->arena,
                              (ProtobufCMessage **)&again->said);
}

static int lists_note(Viewing *viewing, const char *source, Bytes value) {
        Lists *lists = arena_alloc(viewing->arena, sizeof(*lists));

        if (!lists)
                return -ENOMEM;
        *lists = (Lists){ .source = source, .patient_id = viewing->patient_id, .next = viewing->lists };
        viewing->lists = lists;
        return message_unpack(&carebus__v1__stored_lists__descriptor, value, viewing->arena,
                              (ProtobufCMessage **)&lists->said);
}

/* What a source states completely and has nothing of is over; but what ends by a word alone is never over by silence. */
static void list_show(const Viewing *viewing, const Found *found) {
        Carebus__V1__Fact *fact = found->fact->fact;

        if (!text_equal(fact->status, "current") || !plain_section_has_lists(found->section))
                return;
        for (const Lists *lists = viewing->lists; lists; lists = lists->next) {
                if (strcmp(lists->patient_id, found->patient_id) != 0 || !text_equal(lists->source, fact->source))
                        continue;
                for (size_t i = 0; i < lists->said->n_lists; i++) {
                        const Carebus__V1__StoredList *list = lists->said->lists[i];

                        if (strcmp(list->section, found->section) != 0 ||
                            stamp_compare(list->stamp, found->fact->newest) <= 0 ||
                            plain_said_in(found->fact, list->stamp->seq))
                                continue;
                        fact->status = (char *)"ended";
                        fact->end_reason = (char *)END_REASON_LIST;
                        fact->ended_by_event_id = list->event_id;
                }
        }
}

static void again_show(const Viewing *viewing, Carebus__V1__Fact *fact) {
        for (const Again *again = viewing->again; again; again = again->next) {
                if (strcmp(again->patient_id, viewing->patient_id) != 0 || !text_equal(again->source, fact->source) ||
                    !again->said->event_id)
                        continue;
                fact->confirmed_event_id = again->said->event_id;
                fact->has_confirmed_at = again->said->has_received_at;
                fact->confirmed_at = again->said->received_at;
        }
}

static int section_seen(Bytes key, Bytes value, void *owner) {
        Viewing *viewing = owner;
        size_t n_id = strlen(viewing->patient_id) + 1;
        Carebus__V1__StoredSection *section;
        char *name;
        int r;

        if (key.size <= n_id)
                return -EBADMSG;
        name = arena_text(viewing->arena, key.data + n_id, strnlen((const char *)key.data + n_id, key.size - n_id));
        if (!name)
                return -ENOMEM;
        if (strcmp(name, SECTION_CONFLICTS) == 0)
                return conflicts_add(viewing, value);
        if (strcmp(name, SECTION_ACTIVITY) == 0 || strcmp(name, SECTION_STANDING) == 0)
                return 0;
        if (text_starts_with(name, SECTION_LISTS "/"))
                return lists_note(viewing, name + strlen(SECTION_LISTS "/"), value);
        if (text_starts_with(name, SECTION_AGAIN "/"))
                return again_note(viewing, name + strlen(SECTION_AGAIN "/"), value);
        r = message_unpack(&carebus__v1__stored_section__descriptor, value, viewing->arena,
                           (ProtobufCMessage **)&section);
        for (size_t i = 0; r == 0 && i < section->n_facts; i++) {
                /* Of some nothing is known but that another takes their place. */
                if (!section->facts[i]->fact->event_id)
                        continue;
                if (strcmp(name, SECTION_DEMOGRAPHICS) == 0)
                        again_show(viewing, section->facts[i]->fact);
                r = found_add(viewing, name, section->facts[i]);
        }
        return r;
}

static int identifier_order(const void *a, const void *b) {
        const Carebus__V1__Identifier *x = *(Carebus__V1__Identifier *const *)a,
                                      *y = *(Carebus__V1__Identifier *const *)b;

        return strcmp(x->system ?: "", y->system ?: "") ?: strcmp(x->value ?: "", y->value ?: "");
}

static int identifiers_add(Viewing *viewing, const Carebus__V1__Person *person) {
        for (size_t i = 0; i < person->n_identifiers; i++) {
                Carebus__V1__Identifier *identifier = person->identifiers[i]->identifier;
                bool known = false;

                for (size_t j = 0; j < viewing->record->n_identifiers && !known; j++)
                        known = identifier_order(&viewing->record->identifiers[j], &identifier) == 0;
                if (!known && list_append((void ***)&viewing->record->identifiers, &viewing->record->n_identifiers,
                                          identifier, viewing->arena) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int member_add(Viewing *viewing, const char *patient_id) {
        StateKey prefix = state_key_section(patient_id, NULL);
        Carebus__V1__Person *person;
        int r;

        r = person_read(viewing->txn, patient_id, viewing->arena, &person);
        if (r)
                return r < 0 ? r : -EBADMSG;
        r = identifiers_add(viewing, person);
        if (r < 0)
                return r;
        viewing->patient_id = patient_id;
        return state_walk(viewing->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), section_seen,
                          viewing);
}

static int found_compare(const void *a, const void *b) {
        const Found *x = *(Found *const *)a, *y = *(Found *const *)b;
        int order = strcmp(x->section, y->section) ?: fact_compare(x->fact->fact, y->fact->fact);

        return order ?: id_compare(x->patient_id, y->patient_id);
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
        for (size_t i = 0; viewing->settings && i < viewing->settings->n_sources; i++)
                if (text_equal(viewing->settings->sources[i]->name, source))
                        return viewing->settings->sources[i]->lists_complete;
        return false;
}

/* One encounter of one source under several ids, because they were joined while it went on: one fact out of all its claims. */
static int encounters_unite(Viewing *viewing, Found **same, size_t n_same) {
        Claims claims = { .arena = viewing->arena };
        int r;

        for (size_t i = 0; i < n_same; i++) {
                StateKey prefix = key_of_claims(same[i]->patient_id, same[i]->stored);

                r = state_walk(viewing->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix), claim_seen,
                               &claims);
                if (r < 0)
                        return r;
        }
        if (claims.n_claims > 0)
                qsort(claims.claims, claims.n_claims, sizeof(*claims.claims), claim_compare);
        same[0]->fact->fact->from_patient_id = NULL;
        return encounter_reduce(same[0]->fact, claims.claims, claims.n_claims,
                                lists_are_whole(viewing, same[0]->fact->fact->source), viewing->arena);
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
        first->fact->from_patient_id = NULL;
        return plain_reduce(row, first, all, n_all, lists_are_whole(viewing, first->fact->source), viewing->arena);
}

/* What a source said of somebody whom it has since merged into another stands back behind what it says of the survivor. */
static void facts_supersede(Found **same, size_t n_same) {
        size_t current = 0;

        for (size_t i = 1; i < n_same; i++)
                if (!same[i]->fact->fact->from_patient_id)
                        current = i;
        for (size_t i = 0; i < n_same; i++)
                if (i != current && strcmp(same[i]->section, SECTION_DEMOGRAPHICS) == 0)
                        same[i]->fact->fact->status = (char *)"superseded";
}

/* Facts of one source under one key and several ids: those to show. */
static int found_unite(Viewing *viewing, Found **same, size_t n_same, size_t *ret_n_shown) {
        const PlainRow *row = plain_row_of_fact(same[0]->fact->fact);
        bool encounter = strcmp(same[0]->section, SECTION_ENCOUNTERS) == 0;
        int r = 0;

        *ret_n_shown = n_same;
        if (row && n_same == 1)
                list_show(viewing, same[0]);
        if (n_same == 1)
                return 0;
        if (encounter)
                r = encounters_unite(viewing, same, n_same);
        else if (row)
                r = plain_unite(viewing, row, same, n_same);
        else
                facts_supersede(same, n_same);
        if (encounter || row)
                *ret_n_shown = 1;
        return r;
}

static int section_of_record(Carebus__V1__Record *record, const char *name, Arena *arena, Carebus__V1__Section **ret) {
        Carebus__V1__Section *section;

        if (record->n_sections > 0 && strcmp(record->sections[record->n_sections - 1]->name, name) == 0) {
                *ret = record->sections[record->n_sections - 1];
                return 0;
        }
        section = arena_alloc(arena, sizeof(*section));
        if (!section)
                return -ENOMEM;
        carebus__v1__section__init(section);
        section->name = (char *)name;
        *ret = section;
        return list_append((void ***)&record->sections, &record->n_sections, section, arena);
}

static int sections_write(Viewing *viewing) {
        if (viewing->n_found > 0)
                qsort(viewing->found, viewing->n_found, sizeof(*viewing->found), found_compare);
        for (size_t i = 0, n_same; i < viewing->n_found; i += n_same) {
                Found **same = viewing->found + i;
                Carebus__V1__Section *section;
                size_t n_shown;
                int r;

                for (n_same = 1; i + n_same < viewing->n_found; n_same++)
                        if (strcmp(same[0]->section, same[n_same]->section) != 0 ||
                            fact_compare(same[0]->fact->fact, same[n_same]->fact->fact) != 0)
                                break;
                r = found_unite(viewing, same, n_same, &n_shown);
                if (r < 0)
                        return r;
                r = section_of_record(viewing->record, same[0]->section, viewing->arena, &section);
                for (size_t j = 0; r == 0 && j < n_shown; j++)
                        r = list_append((void ***)&section->facts, &section->n_facts, same[j]->fact->fact,
                                        viewing->arena);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int conflict_order(const void *a, const void *b) {
        const Carebus__V1__Conflict *x = *(Carebus__V1__Conflict *const *)a, *y = *(Carebus__V1__Conflict *const *)b;

        if (x->opened_at != y->opened_at)
                return x->opened_at < y->opened_at ? -1 : 1;
        return strcmp(x->id, y->id) ?: strcmp(x->path ?: "", y->path ?: "");
}

static int source_order(const void *a, const void *b) {
        return strcmp((*(Carebus__V1__RecordSource *const *)a)->name, (*(Carebus__V1__RecordSource *const *)b)->name);
}

/* Since when each source has been heard: what it did not say before then says nothing. */
static int sources_write(const Viewing *viewing) {
        Carebus__V1__Record *record = viewing->record;

        for (size_t i = 0; viewing->settings && i < viewing->settings->n_sources; i++) {
                Carebus__V1__RecordSource *source = message_new(&carebus__v1__record_source__descriptor,
                                                                viewing->arena);
                const char *name = viewing->settings->sources[i]->name;
                uint64_t since;

                if (!source || !name)
                        return -ENOMEM;
                since = state_count_get(viewing->txn, name, RECORD_COUNT_HEARD_SINCE_AT);
                source->name = (char *)name;
                source->has_heard_since_at = since != 0;
                source->heard_since_at = (int64_t)since;
                source->loaded = state_count_get(viewing->txn, name, RECORD_COUNT_LOADED);
                source->has_loaded = source->loaded != 0;
                if (list_append((void ***)&record->sources, &record->n_sources, source, viewing->arena) < 0)
                        return -ENOMEM;
        }
        if (record->n_sources > 1)
                qsort(record->sources, record->n_sources, sizeof(*record->sources), source_order);
        return 0;
}

static int digest_write(Carebus__V1__Record *record, Arena *arena) {
        uint8_t *digest = arena_alloc(arena, SHA256_SIZE);
        Bytes packed = message_pack(&record->base, arena);

        if (!digest || !packed.data)
                return -ENOMEM;
        sha256(packed.data, packed.size, digest);
        record->has_digest = 1;
        record->digest = (ProtobufCBinaryData){ .len = SHA256_SIZE, .data = digest };
        return 0;
}

int record_read(StateTxn *txn, const char *patient_id, Arena *arena, Carebus__V1__Record **ret) {
        Carebus__V1__Record *record = arena_alloc(arena, sizeof(*record));
        Viewing viewing = { .txn = txn, .arena = arena, .record = record };
        size_t n_members;
        char **members;
        int r;

        if (!record)
                return -ENOMEM;
        carebus__v1__record__init(record);
        r = identity_members(txn, patient_id, arena, &members, &n_members);
        if (r)
                return r;
        record->patient_id = members[0];
        record->has_seq = 1;
        record->seq = state_folded_seq(txn);
        record->former_patient_ids = members + 1;
        record->n_former_patient_ids = n_members - 1;
        r = settings_read(txn, arena, &viewing.settings);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_members; i++) {
                r = member_add(&viewing, members[i]);
                if (r)
                        return r;
        }
        r = sections_write(&viewing);
        if (r < 0)
                return r;
        if (record->n_identifiers > 0)
                qsort(record->identifiers, record->n_identifiers, sizeof(*record->identifiers), identifier_order);
        if (record->n_conflicts > 0)
                qsort(record->conflicts, record->n_conflicts, sizeof(*record->conflicts), conflict_order);
        r = sources_write(&viewing);
        if (r < 0)
                return r;
        r = digest_write(record, arena);
        if (r < 0)
                return r;
        *ret = record;
        return 0;
}
