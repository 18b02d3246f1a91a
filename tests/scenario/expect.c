#include "tests/scenario/expect.h"

#include <ctype.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/held.h"
#include "daemon/store/state-keys.h"
#include "tests/scenario/expect-sharing.h"
#include "tests/scenario/page.h"

typedef struct Expect {
        Expecting *expecting;
        World *world;
        StateTxn *txn;
        char **words;
        size_t n_words;
} Expect;

uint64_t expect_seq(World *world, const char *text) {
        if (isdigit((unsigned char)text[0]))
                return strtoull(text, NULL, 10);
        for (uint64_t seq = world->n_entries; seq > 0; seq--) {
                Carebus__V1__Entry *entry = carebus__v1__entry__unpack(NULL, world->entries[seq - 1].size,
                                                                       world->entries[seq - 1].data);
                bool found = entry->kind_case == CAREBUS__V1__ENTRY__KIND_SUBMISSION &&
                             strcmp(entry->submission->message_id, text) == 0;

                carebus__v1__entry__free_unpacked(entry, NULL);
                if (found)
                        return seq;
        }
        fail_msg("no message %s", text);
        return 0;
}

/* p1.0, or SOURCE:VALUE: who answers for it. NULL when nobody does. */
static char *person_of(Expect *e, const char *text) {
        const char *colon = strchr(text, ':');
        size_t n_ids;
        char **ids, *id;

        if (!colon)
                return identity_resolve(e->txn, text, e->world->arena, &id) == 0 ? id : NULL;
        if (identity_find(e->txn, arena_format(e->world->arena, "carebus:%.*s", (int)(colon - text), text), colon + 1,
                          e->world->arena, &ids, &n_ids) != 0)
                return NULL;
        assert_int_equal(n_ids, 1);
        return ids[0];
}

char *expect_person(World *world, const char *text) {
        Expect e = { .world = world, .txn = world_look(world) };
        char *id = strchr(text, ':') ? person_of(&e, text) : (char *)text;

        state_abort(e.txn);
        assert_non_null(id);
        return id;
}

char *expect_review(World *world, const char *text) {
        Carebus__V1__Outcome *outcome;
        char *id = NULL;
        StateTxn *txn;

        if (text[0] == 'r' && isdigit((unsigned char)text[1]))
                return (char *)text;
        txn = world_look(world);
        assert_int_equal(outcome_read(txn, expect_seq(world, text), world->arena, &outcome), 0);
        state_abort(txn);
        for (size_t i = 0; i < outcome->n_derived && !id; i++)
                if (strcmp(outcome->derived[i]->type, "identity.review_opened") == 0)
                        id = outcome->derived[i]->notice->review_id;
        if (!id)
                fail_msg("%s opened no review", text);
        return id;
}

static void differs(Expect *e, const char *what, const char *is, const char *wanted) {
        if (!text_equal(is, wanted))
                fail_msg("%s\n  %s is %s, wanted %s", e->expecting->where, what, is, wanted);
}

static char *number(Expect *e, bool has, uint64_t value) {
        return has ? arena_format(e->world->arena, "%" PRIu64, value) : (char *)"-";
}

static char *joined(Expect *e, char **list, size_t n) {
        char *text = (char *)"";

        for (size_t i = 0; i < n; i++)
                text = arena_format(e->world->arena, "%s%s%s", text, i ? "," : "", list[i]);
        return n ? text : (char *)"-";
}

/* What a message is called in a story: the part of it that a reader would name. */
static char *message_text(Expect *e, const ProtobufCMessage *message) {
        Arena *arena = e->world->arena;
        char text[CIVIL_TEXT_SIZE];

        if (message->descriptor == &carebus__v1__when__descriptor) {
                civil_format(((const Carebus__V1__When *)message)->utc_at, text);
                return arena_text(arena, text + 11, 5);
        }
        if (message->descriptor == &carebus__v1__date__descriptor) {
                const Carebus__V1__Date *date = (const Carebus__V1__Date *)message;

                return arena_format(arena, "%u-%02u-%02u", date->year, date->month, date->day);
        }
        if (message->descriptor == &carebus__v1__coded__descriptor)
                return ((const Carebus__V1__Coded *)message)->code ?: ((const Carebus__V1__Coded *)message)->text;
        if (message->descriptor == &carebus__v1__identifier__descriptor)
                return ((const Carebus__V1__Identifier *)message)->value;
        if (message->descriptor == &carebus__v1__place__descriptor)
                return ((const Carebus__V1__Place *)message)->point_of_care;
        if (message->descriptor == &carebus__v1__human_name__descriptor)
                return ((const Carebus__V1__HumanName *)message)->family;
        if (message->descriptor == &carebus__v1__telecom__descriptor)
                return ((const Carebus__V1__Telecom *)message)->value;
        if (message->descriptor == &carebus__v1__related_person__descriptor)
                return ((const Carebus__V1__RelatedPerson *)message)->name->family;
        if (message->descriptor == &carebus__v1__participant__descriptor)
                return ((const Carebus__V1__Participant *)message)->practitioner->name->family;
        if (message->descriptor == &carebus__v1__practitioner__descriptor)
                return ((const Carebus__V1__Practitioner *)message)->name->family;
        if (message->descriptor == &carebus__v1__care_team_member__descriptor)
                return ((const Carebus__V1__CareTeamMember *)message)->practitioner->name->family;
        if (message->descriptor == &carebus__v1__care_plan_item__descriptor) {
                const Carebus__V1__CarePlanItem *item = (const Carebus__V1__CarePlanItem *)message;

                return arena_format(arena, "%s/%s", item->item, item->status ?: item->text ?: "");
        }
        return (char *)"(message)";
}

static char *value_text(Expect *e, const void *value, const ProtobufCFieldDescriptor *field) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return *(char *const *)value;
        case PROTOBUF_C_TYPE_MESSAGE:
                return message_text(e, *(const ProtobufCMessage *const *)value);
        case PROTOBUF_C_TYPE_ENUM: {
                const ProtobufCEnumValue *named = protobuf_c_enum_descriptor_get_value(field->descriptor,
                                                                                       *(const int *)value);

                return (char *)named->name;
        }
        case PROTOBUF_C_TYPE_BOOL:
                return (char *)(*(const protobuf_c_boolean *)value ? "yes" : "no");
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
                return arena_format(e->world->arena, "%" PRIu64, *(const uint64_t *)value);
        default:
                return arena_format(e->world->arena, "%d", *(const int *)value);
        }
}

/* The value at a path: encounter.place, demographics.telecom (joined by commas). "-": absent. */
static char *path_text(Expect *e, const ProtobufCMessage *message, const char *path) {
        char name[64];
        size_t n = strcspn(path, ".");
        const ProtobufCFieldDescriptor *field;
        const char *at, *text = "";

        snprintf(name, sizeof(name), "%.*s", (int)n, path);
        field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
        if (!field)
                fail_msg("%s\n  no field %s", e->expecting->where, name);
        at = (const char *)message + field->offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                size_t n_items = *(const size_t *)((const char *)message + field->quantifier_offset);
                size_t size = field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING
                                      ? sizeof(void *)
                                      : 4;

                for (size_t i = 0; i < n_items; i++)
                        text = arena_format(e->world->arena, "%s%s%s", text, i ? "," : "",
                                            value_text(e, *(const char *const *)at + i * size, field));
                return n_items ? (char *)text : (char *)"-";
        }
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
                if (*(const uint32_t *)((const char *)message + field->quantifier_offset) != field->id)
                        return (char *)"-";
        } else if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING) {
                if (!*(const void *const *)at)
                        return (char *)"-";
        } else if (!*(const protobuf_c_boolean *)((const char *)message + field->quantifier_offset))
                return (char *)"-";
        return path[n] ? path_text(e, *(const ProtobufCMessage *const *)at, path + n + 1) : value_text(e, at, field);
}

static void paths_hold(Expect *e, const ProtobufCMessage *message, size_t first) {
        for (size_t i = first; i < e->n_words; i++) {
                char *value = strchr(e->words[i], '=');

                assert_non_null(value);
                *value = '\0';
                differs(e, e->words[i], path_text(e, message, e->words[i]), value + 1);
        }
}

static void expect_outcome(Expect *e) {
        Carebus__V1__Outcome *outcome;

        assert_int_equal(outcome_read(e->txn, expect_seq(e->world, e->words[1]), e->world->arena, &outcome), 0);
        for (size_t i = 2; i < e->n_words; i++) {
                char *key = e->words[i], *value = strchr(key, '='), *is;

                assert_non_null(value);
                *value++ = '\0';
                if (strcmp(key, "events") == 0)
                        is = number(e, outcome->has_event_count, outcome->event_count);
                else if (strcmp(key, "patients") == 0)
                        is = joined(e, outcome->patient_ids, outcome->n_patient_ids);
                else if (strcmp(key, "derived") == 0)
                        is = number(e, true, outcome->n_derived);
                else if (strcmp(key, "about") == 0)
                        is = number(e, outcome->has_about_seq, outcome->about_seq);
                else if (strcmp(key, "belated") == 0)
                        is = (char *)(outcome->has_belated && outcome->belated ? "yes" : "no");
                else
                        is = path_text(e, &outcome->base, key);
                if (isalpha((unsigned char)value[0]) && isdigit((unsigned char)is[0]) &&
                    (strcmp(key, "duplicate_of") == 0 || strcmp(key, "resolved_by") == 0 ||
                     strcmp(key, "republishes") == 0 || strcmp(key, "about") == 0))
                        value = number(e, true, expect_seq(e->world, value));
                differs(e, key, is, value);
        }
}

static void expect_derived(Expect *e) {
        size_t n = (size_t)atoi(e->words[2]);
        Carebus__V1__Outcome *outcome;

        assert_int_equal(outcome_read(e->txn, expect_seq(e->world, e->words[1]), e->world->arena, &outcome), 0);
        if (strcmp(e->words[3], "-") == 0) {
                differs(e, "derived event", outcome->n_derived > n ? outcome->derived[n]->type : "-", "-");
                return;
        }
        differs(e, "derived event", outcome->n_derived > n ? outcome->derived[n]->type : "-", e->words[3]);
        paths_hold(e, &outcome->derived[n]->base, 4);
}

static void expect_quarantine(Expect *e) {
        Carebus__V1__QuarantineItem *item;

        if (quarantine_read(e->txn, expect_seq(e->world, e->words[1]), e->world->arena, &item) != 0)
                fail_msg("%s\n  not in the quarantine", e->expecting->where);
        paths_hold(e, &item->base, 2);
}

static int counted(Bytes key, Bytes value, void *owner) {
        ++*(uint64_t *)owner;
        return 0;
}

static void expect_open(Expect *e) {
        uint64_t n = 0;

        assert_int_equal(state_walk(e->txn, STATE_QUARANTINE, BYTES_NULL, BYTES_NULL, counted, &n), 0);
        differs(e, "open items", number(e, true, n), e->words[1]);
}

static void expect_answers(Expect *e) {
        differs(e, e->words[1], person_of(e, e->words[1]) ?: "nobody", person_of(e, e->words[2]) ?: "nobody at all");
}

static void expect_apart(Expect *e) {
        if (text_equal(person_of(e, e->words[1]), person_of(e, e->words[2])))
                fail_msg("%s\n  they are one", e->expecting->where);
}

static void expect_nobody(Expect *e) {
        differs(e, e->words[1], person_of(e, e->words[1]) ?: "nobody", "nobody");
}

static Carebus__V1__Record *record_of(Expect *e, const char *id) {
        Carebus__V1__Record *record;
        char *patient_id = person_of(e, id);

        if (!patient_id || record_read(e->txn, patient_id, e->world->arena, &record) != 0)
                fail_msg("%s\n  no record", e->expecting->where);
        return record;
}

static bool key_is(const char *key, const char *wanted) {
        const char *bar = strchr(key, '|');

        return strcmp(key, wanted) == 0 || (bar && strcmp(bar + 1, wanted) == 0);
}

static Carebus__V1__Fact *fact_of(Expect *e) {
        Carebus__V1__Record *record = record_of(e, e->words[1]);
        Carebus__V1__Fact *found = NULL;

        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t j = 0;
                     strcmp(record->sections[i]->name, e->words[2]) == 0 && j < record->sections[i]->n_facts; j++) {
                        Carebus__V1__Fact *fact = record->sections[i]->facts[j];

                        if (!text_equal(fact->source, e->words[4]) || !key_is(fact->key, e->words[3]))
                                continue;
                        if (!found || !fact->from_patient_id)
                                found = fact;
                }
        return found;
}

static void expect_fact(Expect *e) {
        Carebus__V1__Fact *fact = fact_of(e);

        if (strcmp(e->words[5], "absent") == 0) {
                differs(e, "fact", fact ? "there" : "absent", "absent");
                return;
        }
        if (!fact)
                fail_msg("%s\n  no such fact", e->expecting->where);
        paths_hold(e, &fact->base, 5);
}

/* History by message ids. */
static void expect_history(Expect *e) {
        Carebus__V1__Fact *fact = fact_of(e);
        char *text = (char *)"";

        assert_non_null(fact);
        for (size_t i = 0; i < fact->n_history; i++) {
                uint64_t seq = strtoull(fact->history[i], NULL, 10);
                Carebus__V1__Entry *entry = carebus__v1__entry__unpack(NULL, e->world->entries[seq - 1].size,
                                                                       e->world->entries[seq - 1].data);

                text = arena_format(e->world->arena, "%s%s%s", text, i ? "," : "", entry->submission->message_id);
                carebus__v1__entry__free_unpacked(entry, NULL);
        }
        differs(e, "history", text, e->words[5]);
}

static void expect_conflict(Expect *e) {
        Carebus__V1__Record *record = record_of(e, e->words[1]);
        const char *is = "none";

        for (size_t i = 0; i < record->n_conflicts; i++)
                if (text_equal(record->conflicts[i]->path, e->words[2]) && strcmp(is, "open") != 0)
                        is = record->conflicts[i]->has_closed_at ? "closed" : "open";
        differs(e, "conflict", is, e->words[3]);
}

/* How many facts a section has, of all sources. */
static void expect_facts(Expect *e) {
        Carebus__V1__Record *record = record_of(e, e->words[1]);
        size_t n = 0;

        for (size_t i = 0; i < record->n_sections; i++)
                if (strcmp(record->sections[i]->name, e->words[2]) == 0)
                        n = record->sections[i]->n_facts;
        differs(e, "number of facts", number(e, true, n), e->words[3]);
}

/* Since when the record says that a source is heard, and how much it gave as history. */
static void expect_heard(Expect *e) {
        Carebus__V1__Record *record = record_of(e, e->words[1]);
        char since[CIVIL_TEXT_SIZE];

        for (size_t i = 0; i < record->n_sources; i++) {
                Carebus__V1__RecordSource *source = record->sources[i];

                if (strcmp(source->name, e->words[2]) != 0)
                        continue;
                civil_format(source->heard_since_at, since);
                differs(e, "heard since", source->has_heard_since_at ? arena_text(e->world->arena, since + 11, 5) : "-",
                        e->words[3]);
                differs(e, "loaded", number(e, source->has_loaded, source->loaded), e->words[4]);
                return;
        }
        fail_msg("%s\n  no such source in the record", e->expecting->where);
}

/* REVIEW key=value ...: kind, class, state, reason, persons, events, overdue, who, why; `none`: the message opened none. */
static void expect_review_line(Expect *e) {
        Carebus__V1__Review *review;
        Carebus__V1__Outcome *outcome;

        if (strcmp(e->words[2], "none") == 0) {
                assert_int_equal(outcome_read(e->txn, expect_seq(e->world, e->words[1]), e->world->arena, &outcome), 0);
                for (size_t i = 0; i < outcome->n_derived; i++)
                        if (strcmp(outcome->derived[i]->type, "identity.review_opened") == 0)
                                fail_msg("%s\n  a review was opened", e->expecting->where);
                return;
        }
        assert_int_equal(review_read(e->txn, expect_review(e->world, e->words[1]), e->world->arena, &review), 0);
        for (size_t i = 2; i < e->n_words; i++) {
                char *wanted = strchr(e->words[i], '=');
                const struct {
                        const char *key, *is;
                } values[] = {
                        { "kind", number(e, review->has_kind, review->kind) },
                        { "class", review->class_ },
                        { "state", review->state },
                        { "reason", review->reason },
                        { "source", review->source },
                        { "persons", joined(e, review->patient_ids, review->n_patient_ids) },
                        { "events", joined(e, review->event_ids, review->n_event_ids) },
                        { "overdue", review->overdue ? "yes" : "no" },
                        { "who", review->who ?: "-" },
                        { "why", review->why ?: "-" },
                };
                bool known = false;

                assert_non_null(wanted);
                *wanted++ = '\0';
                for (size_t j = 0; j < ELEMENTSOF(values); j++)
                        if (strcmp(values[j].key, e->words[i]) == 0) {
                                known = true;
                                differs(e, e->words[i], values[j].is, wanted);
                        }
                if (!known)
                        fail_msg("%s\n  a review has no %s", e->expecting->where, e->words[i]);
        }
}

/* ID KIND/SOURCE/EVENT ...: what is held from the record, in its order; `-`: nothing. */
static void expect_held(Expect *e) {
        char *patient_id = person_of(e, e->words[1]), **ids, *is = (char *)"-";
        Carebus__V1__Person **members;
        Carebus__V1__Held **held;
        size_t n_ids, n_held;

        assert_non_null(patient_id);
        assert_int_equal(identity_members(e->txn, patient_id, e->world->arena, &ids, &n_ids), 0);
        members = arena_alloc(e->world->arena, n_ids * sizeof(*members));
        assert_non_null(members);
        for (size_t i = 0; i < n_ids; i++)
                assert_int_equal(person_read(e->txn, ids[i], e->world->arena, &members[i]), 0);
        assert_int_equal(held_read(e->txn, /* settings= */ NULL, members, n_ids, e->world->arena, &held, &n_held), 0);
        for (size_t i = 0; i < n_held; i++)
                is = arena_format(e->world->arena, "%s%s%s/%s/%s", i ? is : "", i ? "," : "", held[i]->kind,
                                  held[i]->source, held[i]->event_id);
        differs(e, "held", is, e->words[2]);
}

static void expect_count(Expect *e) {
        differs(e, e->words[2], number(e, true, state_count_get(e->txn, e->words[1], e->words[2])), e->words[3]);
}

static void expect_same(Expect *e) {
        char *patient_id = person_of(e, e->words[1]), *text;
        Expecting *expecting = e->expecting;
        size_t i = 0;

        assert_non_null(patient_id);
        text = world_record_text(e->world, e->txn, patient_id);
        while (i < expecting->n_same && strcmp(expecting->same[i].id, e->words[1]) != 0)
                i++;
        if (i < expecting->n_same) {
                const char *before = expecting->same[i].text;
                size_t at = 0, from = 0;

                while (before[at] && before[at] == text[at]) {
                        from = text[at] == '\n' && strncmp(text + at + 1, "  ", 2) != 0 ? at + 1 : from;
                        at++;
                }
                if (before[at] || text[at])
                        fail_msg("%s\n  the record differs by the order of arrival\n--- first\n%.300s\n--- now\n%.300s",
                                 expecting->where, before + MAX(from, at < 150 ? 0 : at - 150),
                                 text + MAX(from, at < 150 ? 0 : at - 150));
                return;
        }
        assert_in_range(i, 0, EXPECT_SAME_MAX - 1);
        expecting->same[i].id = strdup(e->words[1]);
        expecting->same[i].text = strdup(text);
        expecting->n_same++;
}

static void expect_page(Expect *e) {
        char *patient_id = person_of(e, e->words[1]);

        if (!patient_id)
                fail_msg("%s\n  nobody", e->expecting->where);
        page_expect(e->world, e->txn, e->expecting->where, patient_id, e->words + 2, e->n_words - 2);
}

/* What the overview says: cpr.state, death, key_worker.member, ...; lists by how many they are. */
static void expect_overview(Expect *e) {
        Carebus__V1__Record *record = record_of(e, e->words[1]);

        assert_non_null(record->overview);
        paths_hold(e, &record->overview->base, 2);
}

/* ---- sharing --------------------------------------------------------------------------------------------------------------- */

static Carebus__V1__PersonSharing *sharing_of(Expect *e) {
        Carebus__V1__PersonSharing *person;
        char *patient_id = person_of(e, e->words[1]);

        if (!patient_id || person_sharing_read(e->txn, patient_id, e->world->arena, &person) != 0)
                fail_msg("%s\n  nobody", e->expecting->where);
        return person;
}

/* ID TEAM KIND,...|-: relationships that count; `until` has their ends as well. */
static void expect_kinds(Expect *e) {
        Carebus__V1__Settings *settings;
        const bool ends = strcmp(e->words[0], "until") == 0;

        assert_int_equal(settings_read(e->txn, e->world->arena, &settings), 0);
        differs(e, "relationships", sharing_kinds_text(sharing_of(e), settings, e->words[2], ends, e->world->arena),
                e->words[3]);
}

static void expect_shared(Expect *e) {
        paths_hold(e, &sharing_of(e)->base, 2);
}

static Carebus__V1__Outcome *outcome_of(Expect *e) {
        Carebus__V1__Outcome *outcome;

        assert_int_equal(outcome_read(e->txn, expect_seq(e->world, e->words[1]), e->world->arena, &outcome), 0);
        return outcome;
}

static void expect_granted(Expect *e) {
        const char *type = strcmp(e->words[0], "granted") == 0 ? "record.granted" : "record.withdrawn";

        differs(e, "told", sharing_notices_text(outcome_of(e), type, e->world->arena), e->words[2]);
}

static void expect_corrections(Expect *e) {
        differs(e, "withdrawn", corrections_text(outcome_of(e), (uint32_t)atoi(e->words[2]), e->world->arena),
                e->words[3]);
}

static void expect_echo(Expect *e) {
        differs(e, "echo of", echo_text(outcome_of(e), (uint32_t)atoi(e->words[2])), e->words[3]);
}

static void expect_grant(Expect *e) {
        const uint64_t seq = expect_seq(e->world, e->words[1]);
        Carebus__V1__Grant **grants;
        size_t n;

        assert_int_equal(grants_read(e->txn, NULL, true, e->world->arena, &grants, &n), 0);
        for (size_t i = 0; i < n; i++)
                if (grants[i]->seq == seq) {
                        paths_hold(e, &grants[i]->base, 2);
                        return;
                }
        fail_msg("%s\n  no such grant", e->expecting->where);
}

void expect_line(Expecting *expecting, World *world, char **words, size_t n_words) {
        static const struct {
                const char *word;
                size_t n_words;
                void (*expect)(Expect *e);
        } verbs[] = {
                { "outcome", 3, expect_outcome },
                { "derived", 4, expect_derived },
                { "quarantine", 2, expect_quarantine },
                { "open", 2, expect_open },
                { "answers", 3, expect_answers },
                { "nobody", 2, expect_nobody },
                { "fact", 6, expect_fact },
                { "history", 6, expect_history },
                { "conflict", 4, expect_conflict },
                { "count", 4, expect_count },
                { "facts", 4, expect_facts },
                { "heard", 5, expect_heard },
                { "same", 2, expect_same },
                { "page", 3, expect_page },
                { "overview", 3, expect_overview },
                { "review", 3, expect_review_line },
                { "held", 3, expect_held },
                { "apart", 3, expect_apart },
                { "relationships", 4, expect_kinds },
                { "until", 4, expect_kinds },
                { "shared", 3, expect_shared },
                { "granted", 3, expect_granted },
                { "withdrawn", 3, expect_granted },
                { "corrections", 4, expect_corrections },
                { "echo", 4, expect_echo },
                { "grant", 3, expect_grant },
        };
        Expect e = { .expecting = expecting, .world = world, .words = words, .n_words = n_words };

        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
                if (strcmp(verbs[i].word, words[0]) != 0)
                        continue;
                if (n_words < verbs[i].n_words)
                        fail_msg("%s\n  words are missing", expecting->where);
                e.txn = world_look(world);
                verbs[i].expect(&e);
                state_abort(e.txn);
                return;
        }
        fail_msg("%s\n  nothing of that name can be expected", expecting->where);
}

void expect_end(Expecting *expecting) {
        for (size_t i = 0; i < expecting->n_same; i++) {
                free(expecting->same[i].id);
                free(expecting->same[i].text);
        }
}
