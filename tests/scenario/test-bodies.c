/*
 * Events of every body, drawn by a seed: what one source said comes to the same in every order, open conflicts included; and the state
 * does not tell in what transactions it was folded. CAREBUS_SEED repeats a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/plain.h"
#include "proto/types.h"
#include "tests/scenario/story-event.h"
#include "tests/scenario/story-path.h"
#include "tests/scenario/world.h"

#define STORIES 120
#define MESSAGES_MAX 8
#define ORDERS 4
#define ENTRIES 800
#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

static uint64_t seed;

static size_t draw(size_t n) {
        return (size_t)(world_random(&seed) % n);
}

/* A type whose facts one table describes. */
static const EventType *draw_type(void) {
        const EventType *types[200], *type;
        size_t n = 0;

        for (size_t i = 0; (type = event_type_at(i)); i++) {
                Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;

                event.type = (char *)type->name;
                if (plain_row(&event))
                        types[n++] = type;
        }
        return types[draw(n)];
}

/* Few values, so that facts meet. NULL: the story language has no word for such a field. */
static const char *draw_word(const ProtobufCFieldDescriptor *field, Arena *arena) {
        static const char *const statuses[] = { "active", "ended", "cancelled", "entered-in-error", "resolved" };

        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return strcmp(field->name, "status") == 0 ? statuses[draw(ELEMENTSOF(statuses))]
                                                          : arena_format(arena, "text%zu", draw(2));
        case PROTOBUF_C_TYPE_BOOL:
                return draw(2) ? "yes" : "no";
        case PROTOBUF_C_TYPE_UINT32:
                return arena_format(arena, "%zu", draw(3));
        case PROTOBUF_C_TYPE_ENUM: {
                const ProtobufCEnumDescriptor *all = field->descriptor;
                const char *name = all->values[draw(all->n_values)].name;

                /* The last words, as far as they are this value's alone. */
                return strchr(name, '_') + 1;
        }
        case PROTOBUF_C_TYPE_MESSAGE:
                if (field->descriptor == &carebus__v1__identifier__descriptor)
                        return arena_format(arena, "O%zu", draw(3));
                if (field->descriptor == &carebus__v1__when__descriptor)
                        return arena_format(arena, "0%zu:00", draw(3));
                if (field->descriptor == &carebus__v1__care_plan_item__descriptor)
                        return arena_format(arena, "item%zu/%zu", draw(2), draw(2));
                return story_path_can(field) ? arena_format(arena, "%s%zu", field->name, draw(2)) : NULL;
        default:
                return NULL;
        }
}

static void draw_fields(Carebus__V1__Event *event, const EventType *type, Arena *arena) {
        const ProtobufCFieldDescriptor *body = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                                                       type->body);
        const ProtobufCMessageDescriptor *descriptor = body->descriptor;

        for (size_t n = 1 + draw(5); n > 0; n--) {
                /* The first fields of a body are those that tell one fact from another. */
                size_t first = draw(2) ? MIN(4U, descriptor->n_fields) : descriptor->n_fields;
                const ProtobufCFieldDescriptor *field = &descriptor->fields[draw(first)];
                const char *word = draw_word(field, arena);
                char *path = arena_format(arena, "%s.%s", body->name, field->name);

                if (draw(7) == 0)
                        assert_int_equal(list_append((void ***)&event->cleared, &event->n_cleared, path, arena), 0);
                else if (word)
                        story_path_set(&event->base, path, word, "hospital", arena);
        }
}

static Carebus__V1__Event *draw_event(int64_t said_at, Arena *arena) {
        const EventType *type = draw_type();
        char *words[] = { (char *)type->name, arena_format(arena, "mrn=H1") };
        Carebus__V1__Event *event = story_event("hospital", said_at, words, ELEMENTSOF(words), arena);

        event->body_case = CAREBUS__V1__EVENT__BODY__NOT_SET;
        if (draw(12))
                draw_fields(event, type, arena);
        if (draw(4) == 0)
                story_path_set(&event->base, draw(2) ? "order_id" : "document_id", draw(2) ? "O1" : "O2", "hospital",
                               arena);
        if (draw(5) == 0) {
                event->has_action = 1;
                event->action = CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR;
        }
        if (draw(8) == 0)
                assert_int_equal(
                        list_append((void ***)&event->complete, &event->n_complete, (void *)type->section, arena), 0);
        return event;
}

static Carebus__V1__Entry *draw_entry(size_t i, size_t n_events, int64_t said_at, Arena *arena) {
        Carebus__V1__Entry *entry = MAKE(entry, arena);
        Carebus__V1__StoredSubmission *submission = MAKE(stored_submission, arena);

        submission->source = (char *)"hospital";
        submission->message_id = arena_format(arena, "M%zu", i);
        submission->has_history = submission->history = draw(4) == 0;
        while (submission->n_events < n_events)
                assert_int_equal(list_append((void ***)&submission->events, &submission->n_events,
                                             draw_event(said_at, arena), arena),
                                 0);
        entry->kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry->submission = submission;
        return entry;
}

/* The sections of the record, and what is open; of the bus's own bookkeeping only what must not depend on the order. */
static char *told(Carebus__V1__Entry **entries, const size_t *order, size_t n, Arena *arena) {
        Carebus__V1__Record *record;
        char **ids, *text;
        StateTxn *txn;
        World world;
        size_t n_ids;

        world_begin(&world);
        for (size_t i = 0; i < n; i++)
                world_push(&world, entries[order[i]], story_time("23:00"));
        txn = world_look(&world);
        assert_int_equal(identity_find(txn, "carebus:hospital", "H1", world.arena, &ids, &n_ids), 0);
        assert_int_equal(record_read(txn, ids[0], world.arena, &record), 0);
        text = world_sections_text(&world, txn, record);
        text = arena_text(arena, text, strlen(text));
        for (size_t i = 0; i < record->n_conflicts; i++)
                if (!record->conflicts[i]->has_closed_at)
                        text = arena_format(arena, "%sopen: %s\n", text, record->conflicts[i]->reason);
        state_abort(txn);
        world_end(&world);
        return text;
}

/* Where they part, with what stands before it. */
static void same_told(const char *first, const char *now) {
        size_t at = 0, from;

        while (first[at] && first[at] == now[at])
                at++;
        from = at > 800 ? at - 800 : 0;
        if (first[at] == now[at])
                return;
        printf("# the record differs by the order of arrival\n--- first\n%.1200s\n--- now\n%.1200s\n", first + from,
               now + from);
        fflush(stdout);
        fail();
}

static void shuffle(size_t *order, size_t n) {
        for (size_t i = n - 1; i > 0; i--) {
                size_t j = draw(i + 1), swap = order[i];

                order[i] = order[j];
                order[j] = swap;
        }
}

static void test_any_bodies_come_to_the_same_in_any_order(void **state) {
        for (size_t story = 0; story < STORIES; story++) {
                size_t n = 2 + draw(MESSAGES_MAX - 1), order[MESSAGES_MAX];
                Carebus__V1__Entry *entries[MESSAGES_MAX];
                Arena *arena;
                char *first;

                assert_int_equal(arena_new(&arena, 1UL << 26), 0);
                for (size_t i = 0; i < n; i++) {
                        entries[i] = draw_entry(i, 1 + draw(4), story_time("08:00") + (int64_t)i * 60000000, arena);
                        order[i] = i;
                }
                first = told(entries, order, n, arena);
                for (size_t i = 0; i < ORDERS; i++) {
                        shuffle(order, n);
                        same_told(first, told(entries, order, n, arena));
                }
                arena_free(arena);
        }
}

static void test_any_bodies_in_any_transactions_give_one_state(void **state) {
        int64_t clock = story_time("08:00");
        uint8_t live[32], again[32];
        World world;

        world_begin(&world);
        for (size_t i = 0; i < ENTRIES; i++) {
                ArenaMark mark = arena_mark(world.arena);

                world_push(&world, draw_entry(i, 1 + draw(4), clock - (int64_t)draw(50) * USEC_PER_SEC, world.arena),
                           clock);
                arena_rewind(world.arena, mark);
                clock += USEC_PER_SEC;
                if (draw(20) == 0)
                        world_fold(&world);
        }
        world_digest(&world, live);
        world_refold(&world, ENTRIES, NULL, again);
        assert_memory_equal(live, again, sizeof(live));
        world_refold(&world, 40, &seed, again);
        assert_memory_equal(live, again, sizeof(live));
        world_end(&world);
}

typedef struct Largest {
        size_t value;
        size_t claims;
        Arena *arena;
} Largest;

static int section_seen(Bytes key, Bytes value, void *owner) {
        Carebus__V1__StoredSection *section;
        Largest *largest = owner;

        if (key.size > 0 && key.data[0] == '~')
                return 0;
        if (memmem(key.data, key.size, "allergies/", strlen("allergies/")) == NULL)
                return 0;
        assert_int_equal(message_unpack(&carebus__v1__stored_section__descriptor, value, largest->arena,
                                        (ProtobufCMessage **)&section),
                         0);
        largest->value = MAX(largest->value, value.size);
        for (size_t i = 0; i < section->n_facts; i++)
                largest->claims = MAX(largest->claims, section->facts[i]->n_claims);
        return 0;
}

/* A thousand messages of one allergy: said again and again, and each time otherwise. */
static void fact_without_end(bool otherwise, size_t most) {
        Largest largest = { 0 };
        Carebus__V1__Record *record;
        StateTxn *txn;
        World world;

        world_begin(&world);
        largest.arena = world.arena;
        for (size_t i = 0; i < 1000; i++) {
                char *words[] = { (char *)"allergy.recorded", (char *)"mrn=H1", (char *)"allergy.substance=372687004",
                                  arena_format(world.arena, "allergy.text=%zu", otherwise ? i : 0) };
                Carebus__V1__Entry *entry = MAKE(entry, world.arena);

                entry->kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
                entry->submission = MAKE(stored_submission, world.arena);
                entry->submission->source = (char *)"hospital";
                entry->submission->message_id = arena_format(world.arena, "M%zu", i);
                entry->submission->n_events = 1;
                entry->submission->events = arena_alloc(world.arena, sizeof(void *));
                for (size_t j = 1; j < ELEMENTSOF(words); j++)
                        words[j] = arena_text(world.arena, words[j], strlen(words[j]));
                entry->submission->events[0] = story_event("hospital", story_time("08:00") + (int64_t)i, words,
                                                           ELEMENTSOF(words), world.arena);
                world_push(&world, entry, story_time("23:00"));
        }
        txn = world_look(&world);
        assert_int_equal(state_walk(txn, STATE_SECTION, BYTES_NULL, BYTES_NULL, section_seen, &largest), 0);
        assert_in_range(largest.claims, 2, most);
        assert_in_range(largest.value, 1, 64 * 1024);
        assert_int_equal(record_read(txn, "p1.0", world.arena, &record), 0);
        assert_string_equal(record->sections[0]->facts[0]->allergy->text, otherwise ? "999" : "0");
        if (!otherwise)
                assert_string_equal(record->sections[0]->facts[0]->confirmed_event_id, "1000.0");
        state_abort(txn);
        world_end(&world);
}

static void test_a_fact_without_end_stays_bounded(void **state) {
        fact_without_end(/* otherwise= */ true, PLAIN_CLAIMS_MAX);
        fact_without_end(/* otherwise= */ false, PLAIN_REPEATS_MAX);
}

static int bytes_counted(Bytes key, Bytes value, void *owner) {
        *(size_t *)owner += value.size;
        return 0;
}

static void test_what_a_document_holds_is_not_copied_into_the_state(void **state) {
        const size_t size = 1 << 20;
        Carebus__V1__Record *record;
        Carebus__V1__Document *document;
        uint8_t hash[SHA256_SIZE];
        size_t n_bytes = 0;
        StateTxn *txn;
        World world;
        char *same;

        world_begin(&world);
        for (size_t i = 0; i < 2; i++) {
                char *words[] = { (char *)"document.available", arena_text(world.arena, "mrn=H1", 6),
                                  arena_text(world.arena, "document=D1", 11) };
                Carebus__V1__Entry *entry = MAKE(entry, world.arena);
                Carebus__V1__Event *event = story_event("hospital", story_time("08:00") + (int64_t)i, words,
                                                        ELEMENTSOF(words), world.arena);

                event->body_case = CAREBUS__V1__EVENT__BODY_DOCUMENT;
                event->document = MAKE(document, world.arena);
                if (i == 0) {
                        event->document->has_content = 1;
                        event->document->content = (ProtobufCBinaryData){ size, arena_alloc(world.arena, size) };
                        memset(event->document->content.data, 'x', size);
                } else {
                        event->document->content_text = arena_alloc(world.arena, size + 1);
                        memset(event->document->content_text, 'x', size);
                        event->document->content_text[size] = '\0';
                }
                entry->kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
                entry->submission = MAKE(stored_submission, world.arena);
                entry->submission->source = (char *)"hospital";
                entry->submission->message_id = arena_format(world.arena, "M%zu", i);
                entry->submission->n_events = 1;
                entry->submission->events = &event;
                world_push(&world, entry, story_time("23:00"));
        }
        txn = world_look(&world);
        for (StateTable table = 0; table < _STATE_TABLE_MAX; table++)
                assert_int_equal(state_walk(txn, table, BYTES_NULL, BYTES_NULL, bytes_counted, &n_bytes), 0);
        assert_in_range(n_bytes, 1, 16 * 1024);
        assert_int_equal(record_read(txn, "p1.0", world.arena, &record), 0);
        document = record->sections[0]->facts[0]->document;
        assert_false(document->has_content);
        assert_null(document->content_text);
        assert_int_equal(document->size, size);
        same = arena_alloc(world.arena, size);
        memset(same, 'x', size);
        sha256(same, size, hash);
        assert_memory_equal(document->sha256.data, hash, sizeof(hash));
        state_abort(txn);
        world_end(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_any_bodies_come_to_the_same_in_any_order),
                cmocka_unit_test(test_any_bodies_in_any_transactions_give_one_state),
                cmocka_unit_test(test_a_fact_without_end_stays_bounded),
                cmocka_unit_test(test_what_a_document_holds_is_not_copied_into_the_state),
        };
        const char *given = getenv("CAREBUS_SEED");

        seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
        seed = seed ? seed : 1;
        printf("# CAREBUS_SEED=%llu\n", (unsigned long long)seed);
        fflush(stdout);
        return cmocka_run_group_tests_name("bodies", tests, NULL, NULL);
}
