#include "daemon/record/relationships.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/belongs.h"
#include "daemon/record/body.h"
#include "daemon/record/encounter.h"
#include "daemon/record/fact.h"
#include "daemon/record/keys.h"
#include "daemon/record/plain.h"
#include "daemon/record/relationship-rules.h"
#include "proto/check.h"

typedef Carebus__V1__Person Person;
typedef Carebus__V1__StoredSharing StoredSharing;
typedef Carebus__V1__SharingFact SharingFact;
typedef Carebus__V1__SharingWord SharingWord;
typedef Carebus__V1__Relationship Relationship;
typedef Carebus__V1__PersonSharing PersonSharing;

/* One who is part of it: a member, or the home of what was moved here. */
typedef struct Home {
        const char *patient_id;
        const Person *person; /* NULL: not unpacked, since nothing was ever moved from there */
        bool away;
        StoredSharing *sharing; /* NULL: nothing is known */
} Home;

/* A fact of a home that counts. */
typedef struct Part {
        const Home *home;
        const SharingFact *fact;
        const char *name; /* of the fact, a stay under the number that it has now */
} Part;

typedef struct Uniting {
        const SharingReader *reader;
        SharingRulesMark mark;
        Arena *arena;
        const char *answering;
        Home *homes;
        size_t n_homes, n_members;
        bool moved, renumbered;
        Part *parts;
        size_t n_parts;
        int64_t as_at;
        PersonSharing *out;
} Uniting;

static int value_get(const SharingReader *reader, StateTable table, const StateKey *key,
                     const ProtobufCMessageDescriptor *descriptor, void *ret) {
        int r = reader->get(reader->owner, table, key, descriptor, ret);

        return r == STATE_E_NOT_FOUND ? RECORD_E_NOT_FOUND : r;
}

static int person_get(const SharingReader *reader, const char *patient_id, Person **ret) {
        StateKey key = state_key_person(patient_id);

        return value_get(reader, STATE_PERSON, &key, &carebus__v1__person__descriptor, ret);
}

/* ---- whose homes they are --------------------------------------------------------------------------------------------------- */

static int settings_get(const Uniting *u, const Carebus__V1__Settings **ret) {
        StateKey key = state_key_meta(RECORD_META_SETTINGS);
        int r;

        *ret = u->reader->settings;
        if (*ret)
                return 0;
        r = value_get(u->reader, STATE_META, &key, &carebus__v1__settings__descriptor, ret);
        return r == RECORD_E_NOT_FOUND ? 0 : r;
}

static int home_read(Uniting *u, Home *home) {
        StateKey key = state_key_section(home->patient_id, SECTION_SHARING);
        int r = value_get(u->reader, STATE_SECTION, &key, &carebus__v1__stored_sharing__descriptor, &home->sharing);

        if (r == RECORD_E_NOT_FOUND)
                home->sharing = NULL;
        else if (r)
                return r;
        if (sharing_is_stale(&u->mark, home->patient_id, home->sharing)) {
                const Carebus__V1__Settings *settings;

                r = settings_get(u, &settings);
                r = r
                            ?: sharing_anew(u->reader->txn, settings, &u->mark, home->patient_id, home->sharing,
                                            u->arena, &home->sharing);
                if (r)
                        return r;
        }
        if (home->sharing && home->sharing->has_as_at)
                u->as_at = MAX(u->as_at, home->sharing->as_at);
        return 0;
}

static int homes_add_moved(Uniting *u) {
        Person **members = arena_alloc(u->arena, u->n_members * sizeof(*members));
        char **ids;
        size_t n_ids;
        Home *all;
        int r;

        if (!members)
                return -ENOMEM;
        for (size_t i = 0; i < u->n_members; i++)
                members[i] = (Person *)u->homes[i].person;
        r = homes_of_moves(members, u->n_members, u->arena, &ids, &n_ids);
        all = r == 0 ? arena_alloc(u->arena, (u->n_members + n_ids) * sizeof(*all)) : NULL;
        if (!all)
                return r ?: -ENOMEM;
        memcpy(all, u->homes, u->n_members * sizeof(*all));
        for (size_t i = 0; r == 0 && i < n_ids; i++) {
                Person *person;

                r = person_get(u->reader, ids[i], &person);
                if (r)
                        return r < 0 ? r : -EBADMSG;
                all[u->n_members + i] = (Home){ .patient_id = ids[i], .person = person, .away = true };
                r = home_read(u, &all[u->n_members + i]);
        }
        u->homes = all;
        u->n_homes = u->n_members + n_ids;
        return r;
}

/* `answering` is the person that answers; those whom it answers for follow. */
static int homes_gather(Uniting *u, const Person *answering) {
        int r = 0;

        u->n_homes = u->n_members = 1 + answering->n_former_patient_ids;
        u->homes = arena_alloc(u->arena, u->n_homes * sizeof(*u->homes));
        if (!u->homes)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < u->n_members; i++) {
                const Person *person = answering;

                if (i > 0)
                        r = person_get(u->reader, answering->former_patient_ids[i - 1], (Person **)&person);
                if (r)
                        return r < 0 ? r : -EBADMSG;
                u->homes[i] = (Home){ .patient_id = person->patient_id, .person = person };
                u->moved = u->moved || person->n_moves > 0;
                u->renumbered = u->renumbered || person->n_said_moves > 0;
                r = home_read(u, &u->homes[i]);
        }
        return r ?: u->moved ? homes_add_moved(u) : 0;
}

/* ---- which facts count ------------------------------------------------------------------------------------------------------- */

/* Who answers for a person, NULL: nobody of these. */
static bool is_here(const Uniting *u, const char *patient_id) {
        for (size_t i = 0; i < u->n_members; i++)
                if (strcmp(u->homes[i].patient_id, patient_id) == 0)
                        return true;
        return false;
}

static int stored_get(const Uniting *u, const Home *home, const char *name, const char *source,
                      Carebus__V1__StoredFact **ret) {
        StateKey key = state_key_section(home->patient_id, name);
        Carebus__V1__StoredSection *section;
        int r = value_get(u->reader, STATE_SECTION, &key, &carebus__v1__stored_section__descriptor, &section);

        if (r)
                return r < 0 ? r : -EBADMSG;
        for (size_t i = 0; i < section->n_facts; i++)
                if (text_equal(section->facts[i]->fact->source, source)) {
                        *ret = section->facts[i];
                        return 0;
                }
        return -EBADMSG;
}

static bool moves_anything(const Home *home) {
        return home->person && home->person->n_moves > 0;
}

static int fact_is_here(const Uniting *u, const Home *home, const char *name, const char *source, bool *ret) {
        Carebus__V1__StoredFact *stored;
        const char *to;
        int r;

        *ret = !home->away;
        if (!moves_anything(home))
                return 0;
        r = stored_get(u, home, name, source, &stored);
        if (r)
                return r;
        to = fact_moved_to(home->person, name, stored);
        if (to)
                *ret = is_here(u, to);
        return 0;
}

/* A stay that has another number now is known by that. */
static int name_now(const Uniting *u, const Home *home, const SharingFact *fact, const char **ret) {
        const Person **persons;
        Carebus__V1__StoredFact *stored;
        const Carebus__V1__Identifier *now;
        char *key;
        int r;

        *ret = fact->fact;
        if (!u->renumbered || !text_starts_with(fact->fact, SECTION_ENCOUNTERS "/"))
                return 0;
        persons = arena_alloc(u->arena, u->n_homes * sizeof(*persons));
        r = persons ? stored_get(u, home, fact->fact, fact->source, &stored) : -ENOMEM;
        if (r || stored->fact->value_case != CAREBUS__V1__FACT__VALUE_ENCOUNTER || !stored->fact->encounter->identifier)
                return r;
        for (size_t i = 0; i < u->n_homes; i++)
                persons[i] = u->homes[i].person;
        now = stay_number((Person *const *)persons, u->n_homes, fact->source, stored->fact->encounter->identifier);
        if (now == stored->fact->encounter->identifier)
                return 0;
        key = text_joined(u->arena, now->system ?: "", "|", now->value ?: "", NULL);
        *ret = key ? section_of_encounter(fact->source, key, u->arena) : NULL;
        return *ret ? 0 : -ENOMEM;
}

static int parts_gather(Uniting *u) {
        size_t n = 0;

        for (size_t i = 0; i < u->n_homes; i++)
                n += u->homes[i].sharing ? u->homes[i].sharing->n_facts : 0;
        u->parts = arena_alloc(u->arena, (n + 1) * sizeof(*u->parts));
        if (!u->parts)
                return -ENOMEM;
        for (size_t i = 0; i < u->n_homes; i++)
                for (size_t j = 0; u->homes[i].sharing && j < u->homes[i].sharing->n_facts; j++) {
                        const SharingFact *fact = u->homes[i].sharing->facts[j];
                        Part *part = &u->parts[u->n_parts];
                        bool here;
                        int r = fact_is_here(u, &u->homes[i], fact->fact, fact->source, &here);

                        if (r == 0 && here) {
                                *part = (Part){ .home = &u->homes[i], .fact = fact };
                                r = name_now(u, &u->homes[i], fact, &part->name);
                                u->n_parts++;
                        }
                        if (r)
                                return r;
                }
        return 0;
}

/* ---- facts of one thing under several homes are one ------------------------------------------------------------------------------ */

static int part_compare(const void *a, const void *b) {
        const Part *x = a, *y = b;
        int order = strcmp(x->name, y->name) ?: strcmp(x->fact->source ?: "", y->fact->source ?: "");

        return order ?: id_compare(x->home->patient_id, y->home->patient_id);
}

static bool is_one(const Part *a, const Part *b) {
        return strcmp(a->name, b->name) == 0 && text_equal(a->fact->source, b->fact->source);
}

typedef struct Claims {
        Carebus__V1__Claim **claims;
        size_t n;
        Arena *arena;
} Claims;

static int claim_seen(Bytes key, Bytes value, void *owner) {
        Claims *claims = owner;
        Carebus__V1__Claim *claim;
        int r = message_unpack(&carebus__v1__claim__descriptor, value, claims->arena, (ProtobufCMessage **)&claim);

        return r ?: list_append((void ***)&claims->claims, &claims->n, claim, claims->arena);
}

static int claim_compare(const void *a, const void *b) {
        return stamp_compare((*(Carebus__V1__Claim *const *)a)->stamp, (*(Carebus__V1__Claim *const *)b)->stamp);
}

static bool lists_are_whole(const Carebus__V1__Settings *settings, const char *source) {
        for (size_t i = 0; settings && i < settings->n_sources; i++)
                if (text_equal(settings->sources[i]->name, source))
                        return settings->sources[i]->lists_complete;
        return false;
}

static void first_take(Carebus__V1__StoredFact *to, const Carebus__V1__StoredFact *from) {
        Carebus__V1__Stamp *a = to->first ?: to->newest, *b = from->first ?: from->newest;

        to->first = a && b && stamp_compare(a, b) <= 0 ? a : b ?: a;
}

/* Encounters out of all claims, others out of those that are kept with them. The first takes it all in. */
static int stored_unite(const Uniting *u, const Part *parts, Carebus__V1__StoredFact **stored, size_t n,
                        bool lists_whole) {
        const PlainRow *row = plain_row_of_fact(stored[0]->fact);
        Claims claims = { .arena = u->arena };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++) {
                StateKey prefix = key_of_claims(parts[i].home->patient_id, parts[i].fact->fact);
                Carebus__V1__Claim **own;
                size_t n_own;

                first_take(stored[0], stored[i]);
                if (!row) {
                        r = state_walk(u->reader->txn, STATE_SECTION, state_key_all(&prefix), state_key_all(&prefix),
                                       claim_seen, &claims);
                        continue;
                }
                r = plain_claims(stored[i], u->arena, &own, &n_own);
                for (size_t j = 0; r == 0 && j < n_own; j++)
                        r = list_append((void ***)&claims.claims, &claims.n, own[j], u->arena);
        }
        if (r < 0)
                return r;
        if (claims.n > 0)
                qsort(claims.claims, claims.n, sizeof(*claims.claims), claim_compare);
        return row ? plain_reduce(row, stored[0], claims.claims, claims.n, lists_whole, u->arena)
                   : encounter_reduce(stored[0], claims.claims, claims.n, lists_whole, u->arena);
}

/* What a source said of somebody whom it has since merged into another stands back behind what it says of the survivor; where it
 * says nothing of that one, behind what it said last. */
static size_t demographics_last(const Uniting *u, const Part *parts, Carebus__V1__StoredFact *const *stored, size_t n) {
        size_t last = 0;

        for (size_t i = 0; i < n; i++) {
                if (strcmp(parts[i].home->patient_id, u->answering) == 0)
                        return i;
                if (stamp_compare(stored[i]->newest, stored[last]->newest) >= 0)
                        last = i;
        }
        return last;
}

static int one_of_several(Uniting *u, const Part *parts, size_t n, const SharingFact **ret, const Home **ret_home) {
        Carebus__V1__StoredFact **stored = arena_alloc(u->arena, n * sizeof(*stored));
        const Carebus__V1__Settings *settings;
        RelationshipRules rules;
        int r = stored ? settings_get(u, &settings) : -ENOMEM;

        for (size_t i = 0; r == 0 && i < n; i++)
                r = stored_get(u, parts[i].home, parts[i].fact->fact, parts[i].fact->source, &stored[i]);
        if (r)
                return r;
        if (stored[0]->fact->value_case == CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS) {
                size_t last = demographics_last(u, parts, stored, n);

                *ret = parts[last].fact;
                *ret_home = parts[last].home;
                return 0;
        }
        rules = relationship_rules(settings);
        r = stored_unite(u, parts, stored, n, lists_are_whole(settings, parts[0].fact->source));
        *ret_home = parts[0].home;
        return r ?: relationships_of_fact(&rules, parts[0].fact->fact, stored[0], u->arena, (SharingFact **)ret);
}

/* ---- putting it together ------------------------------------------------------------------------------------------------------- */

static int relationship_show(Uniting *u, const Home *home, const SharingFact *fact, const Relationship *stored) {
        Relationship *relationship = message_shallow_copy(&stored->base, u->arena);

        if (!relationship)
                return -ENOMEM;
        if (fact) {
                relationship->fact = fact->fact;
                relationship->source = fact->source;
        }
        relationship->home = (char *)home->patient_id;
        return list_append((void ***)&u->out->relationships, &u->out->n_relationships, relationship, u->arena);
}

static int facts_show(Uniting *u) {
        size_t n_same;

        if (u->n_homes > 1 && u->n_parts > 1)
                qsort(u->parts, u->n_parts, sizeof(*u->parts), part_compare);
        for (size_t i = 0; i < u->n_parts; i += n_same) {
                const SharingFact *fact = u->parts[i].fact;
                const Home *home = u->parts[i].home;
                int r = 0;

                for (n_same = 1; i + n_same < u->n_parts && is_one(&u->parts[i], &u->parts[i + n_same]);)
                        n_same++;
                if (n_same > 1)
                        r = one_of_several(u, &u->parts[i], n_same, &fact, &home);
                for (size_t j = 0; r == 0 && fact && j < fact->n_relationships; j++)
                        r = relationship_show(u, home, fact, fact->relationships[j]);
                if (r)
                        return r;
        }
        return 0;
}

static int grants_show(Uniting *u) {
        for (size_t i = 0; i < u->n_members; i++)
                for (size_t j = 0; u->homes[i].sharing && j < u->homes[i].sharing->n_grants; j++) {
                        int r = relationship_show(u, &u->homes[i], NULL, u->homes[i].sharing->grants[j]);

                        if (r)
                                return r;
                }
        return 0;
}

/* Whichever event says it. */
static bool scope_same(const Carebus__V1__SharingScope *a, const Carebus__V1__SharingScope *b) {
        Carebus__V1__SharingScope x, y;

        if (!a || !b)
                return a == b;
        x = *a;
        y = *b;
        x.event_id = y.event_id = NULL;
        return body_equal(&x.base, &y.base);
}

/* Of one source and about the same: the newest counts. */
static bool words_compete(const SharingWord *a, const SharingWord *b) {
        if (!text_equal(a->source, b->source))
                return false;
        if (a->has_restricted && b->has_restricted)
                return true;
        return a->has_objection && b->has_objection && scope_same(a->scope, b->scope);
}

static bool is_outdated(const SharingWord *word, SharingWord *const *words, size_t n_words) {
        for (size_t i = 0; i < n_words; i++)
                if (words[i] != word && words_compete(word, words[i]) &&
                    stamp_compare(words[i]->stamp, word->stamp) > 0)
                        return true;
        return false;
}

static int word_show(Uniting *u, const SharingWord *word, int64_t *died_until) {
        PersonSharing *out = u->out;

        if (word->has_restricted && word->restricted)
                out->has_restricted = out->restricted = 1;
        if (word->has_died_at && (!out->has_died_at || word->died_at > out->died_at)) {
                out->has_died_at = 1;
                out->died_at = word->died_at;
        }
        if (word->has_died_at)
                *died_until = MAX(*died_until, word->died_until_at);
        if (!word->has_objection || !word->objection)
                return 0;
        if (word->scope)
                return list_append((void ***)&out->objections, &out->n_objections, word->scope, u->arena);
        out->has_objection = out->objection = 1;
        return 0;
}

/* What came with an event stays with its home, and is said of whoever has anything of it too: the stricter. */
static int word_is_here(const Uniting *u, const Home *home, const SharingWord *word, bool *ret) {
        if (word->fact && word->fact[0])
                return fact_is_here(u, home, word->fact, word->source, ret);
        *ret = !home->away || word->restricted;
        return 0;
}

static int words_show(Uniting *u, int64_t *died_until) {
        SharingWord **words = NULL;
        size_t n_words = 0;
        int r = 0;

        for (size_t i = 0; i < u->n_homes; i++) {
                const size_t n = u->homes[i].sharing ? u->homes[i].sharing->n_words : 0;

                for (size_t j = 0; j < n; j++) {
                        SharingWord *word = u->homes[i].sharing->words[j];
                        bool here;

                        r = word_is_here(u, &u->homes[i], word, &here);
                        if (r == 0 && here)
                                r = list_append((void ***)&words, &n_words, word, u->arena);
                        if (r)
                                return r;
                }
        }
        for (size_t i = 0; r == 0 && i < n_words; i++)
                if (!is_outdated(words[i], words, n_words))
                        r = word_show(u, words[i], died_until);
        return r;
}

/* What was in force at death goes on for a time, and no longer; what somebody granted has a time of its own. */
static void ends_show(Uniting *u, int64_t died_until) {
        const PersonSharing *out = u->out;

        for (size_t i = 0; i < out->n_relationships; i++) {
                Relationship *r = out->relationships[i];

                if (out->has_died_at && r->fact && !r->withdrawn && r->since_at <= out->died_at &&
                    (!r->has_until_at || r->until_at > out->died_at)) {
                        r->has_until_at = 1;
                        r->until_at = died_until;
                }
                if (r->has_until_at && r->until_at <= u->as_at)
                        r->has_ended = r->ended = 1;
        }
}

static int unite(Uniting *u) {
        int64_t died_until = INT64_MIN;
        int r;

        u->out = message_new(&carebus__v1__person_sharing__descriptor, u->arena);
        if (!u->out)
                return -ENOMEM;
        u->out->patient_id = (char *)u->answering;
        r = parts_gather(u);
        r = r ?: facts_show(u);
        r = r ?: grants_show(u);
        r = r ?: words_show(u, &died_until);
        if (r == 0)
                ends_show(u, died_until);
        return r;
}

int person_sharing_unite(const SharingReader *reader, const char *patient_id, PersonSharing **ret) {
        Uniting u = { .reader = reader, .arena = reader->arena, .as_at = INT64_MIN };
        Person *person;
        int r = person_get(reader, patient_id, &person);

        if (r == 0 && person->merged_into) {
                r = person_get(reader, person->merged_into, &person);
                r = r > 0 ? -EBADMSG : r;
        }
        if (r)
                return r;
        u.answering = person->patient_id;
        r = sharing_rules_mark(reader->txn, &u.mark);
        r = r ?: homes_gather(&u, person);
        r = r ?: unite(&u);
        if (r)
                return r;
        if (person->has_followed && person->followed)
                u.out->has_followed = u.out->followed = 1;
        *ret = u.out;
        return 0;
}

/* ---- for whoever reads ---------------------------------------------------------------------------------------------------------- */

typedef struct TxnReader {
        StateTxn *txn;
        Arena *arena;
} TxnReader;

static int txn_get(void *owner, StateTable table, const StateKey *key, const ProtobufCMessageDescriptor *descriptor,
                   ProtobufCMessage **ret) {
        const TxnReader *reader = owner;
        Bytes value;
        int r;

        if (key->error < 0)
                return RECORD_E_NOT_FOUND;
        r = state_get(reader->txn, table, state_key_all(key), &value);
        return r ?: message_unpack(descriptor, value, reader->arena, ret);
}

/* Has the person neither another id nor anything that was moved? Then the fields of Person that tell are not there. */
static bool is_alone(Bytes packed, bool *ret_followed) {
        enum { MERGED_INTO = 3, FORMER = 4, MOVES = 9, SAID_MOVES = 11, FOLLOWED = 13 };
        size_t offset = 0;
        WireField field;

        *ret_followed = false;
        while (wire_field_next(packed, &offset, &field) == 0) {
                if (field.number == FOLLOWED)
                        *ret_followed = field.value != 0;
                if (field.number == MERGED_INTO || field.number == FORMER || field.number == MOVES ||
                    field.number == SAID_MOVES)
                        return false;
        }
        return true;
}

/* Most people have one home: nothing of the person itself has to be unpacked. */
static int alone_read(const SharingReader *reader, const char *patient_id, PersonSharing **ret) {
        Uniting u = { .reader = reader, .arena = reader->arena, .as_at = INT64_MIN, .n_homes = 1, .n_members = 1 };
        Home home = { .patient_id = arena_text(reader->arena, patient_id, strlen(patient_id)) };
        int r;

        if (!home.patient_id)
                return -ENOMEM;
        u.answering = home.patient_id;
        u.homes = &home;
        r = sharing_rules_mark(reader->txn, &u.mark);
        r = r ?: home_read(&u, &home);
        r = r ?: unite(&u);
        if (r == 0)
                *ret = u.out;
        return r;
}

int person_sharing_read(StateTxn *txn, const char *patient_id, Arena *arena, PersonSharing **ret) {
        TxnReader owner = { .txn = txn, .arena = arena };
        const SharingReader reader = { .get = txn_get, .owner = &owner, .txn = txn, .arena = arena };
        StateKey key = state_key_person(patient_id);
        bool followed;
        Bytes packed;
        int r;

        if (key.error < 0)
                return RECORD_E_NOT_FOUND;
        r = state_get(txn, STATE_PERSON, state_key_all(&key), &packed);
        if (r)
                return r == STATE_E_NOT_FOUND ? RECORD_E_NOT_FOUND : r;
        if (!is_alone(packed, &followed))
                return person_sharing_unite(&reader, patient_id, ret);
        r = alone_read(&reader, patient_id, ret);
        if (r == 0 && followed)
                (*ret)->has_followed = (*ret)->followed = 1;
        return r;
}

typedef struct GrantWalk {
        Arena *arena;
        const char *kind;
        bool all;
        Carebus__V1__Grant **items;
        size_t n, room;
} GrantWalk;

static int grant_seen(Bytes key, Bytes value, void *owner) {
        GrantWalk *walk = owner;
        Carebus__V1__Grant *grant;
        int r = message_unpack(&carebus__v1__grant__descriptor, value, walk->arena, (ProtobufCMessage **)&grant);

        if (r || (walk->kind && !text_equal(grant->kind, walk->kind)) || (!walk->all && grant->reviewed_by))
                return r;
        return list_append_roomy((void ***)&walk->items, &walk->n, &walk->room, grant, walk->arena);
}

/* What nobody has looked at stands first; within both the newest. */
static int grant_order(const void *a, const void *b) {
        const Carebus__V1__Grant *first = *(Carebus__V1__Grant *const *)a, *second = *(Carebus__V1__Grant *const *)b;

        if (!first->reviewed_by != !second->reviewed_by)
                return first->reviewed_by ? 1 : -1;
        return first->seq < second->seq ? 1 : first->seq > second->seq ? -1 : 0;
}

int grants_read(StateTxn *txn, const char *kind, bool all, Arena *arena, Carebus__V1__Grant ***ret, size_t *ret_n) {
        GrantWalk walk = { .arena = arena, .kind = kind, .all = all };
        int r = state_walk(txn, STATE_GRANT, BYTES_NULL, BYTES_NULL, grant_seen, &walk);

        if (r)
                return r;
        if (walk.n > 1)
                qsort(walk.items, walk.n, sizeof(*walk.items), grant_order);
        *ret = walk.items;
        *ret_n = walk.n;
        return 0;
}

/* ---- which team it is
 * -------------------------------------------------------------------------------------------------------------- */

static char next_letter(const char **at) {
        while (**at && !isalnum((unsigned char)**at) && !((unsigned char)**at & 0x80))
                ++*at;
        return (char)tolower((unsigned char)*(*at)++);
}

/* Without case, blanks and signs. */
static bool service_is(const char *service, const char *name) {
        char a, b;

        if (!name)
                return false;
        do {
                a = next_letter(&service);
                b = next_letter(&name);
        } while (a == b && a);
        return a == b;
}

static bool is_called(const Carebus__V1__TeamSettings *team, const char *service) {
        return service_is(service, team->name) || service_is(service, team->title);
}

static bool is_of(const Carebus__V1__TeamSettings *team, const char *organisation) {
        return team->organisation && strcasecmp(team->organisation, organisation) == 0;
}

bool relationship_is_of_team(const Relationship *relationship, const Carebus__V1__Settings *settings, size_t team) {
        const Carebus__V1__TeamSettings *one = settings->teams[team];

        if (relationship->team)
                return text_equal(relationship->team, one->name);
        if (!relationship->organisation || !is_of(one, relationship->organisation))
                return false;
        if (!relationship->service || is_called(one, relationship->service))
                return true;
        for (size_t i = 0; i < settings->n_teams; i++)
                if (is_of(settings->teams[i], relationship->organisation) &&
                    is_called(settings->teams[i], relationship->service))
                        return false;
        return true;
}
