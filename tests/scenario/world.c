#include "tests/scenario/world.h"

#include <ctype.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "canon/matching.h"
#include "daemon/record/body.h"
#include "tests/unit/open-sharing.h"

#define MAP_BYTES (1UL << 30)

static void folder_make(char folder[64]) {
        const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

        snprintf(folder, 64, "%s/carebus-scenario-XXXXXX", base);
        assert_non_null(mkdtemp(folder));
}

static void folder_remove(const char *folder) {
        char command[128];

        snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        assert_int_equal(system(command), 0);
}

/* What was set aside is read again out of the entries. */
static int earlier_entry(void *owner, uint64_t seq, const JournalPlace *hint, Bytes *ret) {
        const World *world = owner;

        (void)hint;
        assert_true(seq >= 1 && seq <= world->n_entries);
        *ret = bytes_of(world->entries[seq - 1].data, world->entries[seq - 1].size);
        return 0;
}

void world_begin(World *world) {
        StateTxn *txn;

        memset(world, 0, sizeof(*world));
        folder_make(world->folder);
        assert_int_equal(state_open(world->folder, STATE_WRITE, MAP_BYTES, &world->state), 0);
        assert_int_equal(fold_new(&world->fold), 0);
        fold_set_earlier(world->fold, earlier_entry, world);
        assert_int_equal(arena_new(&world->arena, 1UL << 26), 0);
        assert_int_equal(state_begin(world->state, STATE_READ, &txn), 0);
        assert_int_equal(fold_load(world->fold, txn), 0);
        state_abort(txn);
}

void world_end(World *world) {
        for (size_t i = 0; i < world->n_entries; i++)
                free(world->entries[i].data);
        free(world->entries);
        fold_free(world->fold);
        state_free(world->state);
        arena_free(world->arena);
        folder_remove(world->folder);
}

/* As intake does: what each event says of who its person is, made for comparing. */
static void matching_fill(World *world, Carebus__V1__StoredSubmission *submission) {
        for (uint32_t i = 0; i < submission->n_events; i++) {
                Carebus__V1__EventMatching *of_event = message_new(&carebus__v1__event_matching__descriptor,
                                                                   world->arena);

                assert_non_null(of_event);
                assert_int_equal(matching_of_event(submission->events[i], world->arena, &of_event->matching), 0);
                of_event->has_index = 1;
                of_event->index = i;
                if (of_event->matching)
                        assert_int_equal(list_append((void ***)&submission->matching, &submission->n_matching, of_event,
                                                     world->arena),
                                         0);
        }
}

uint64_t world_push(World *world, const Carebus__V1__Entry *entry, int64_t received_at) {
        Carebus__V1__StoredSubmission submission;
        Carebus__V1__Entry filled = *entry;
        WorldEntry kept = { .received_at = received_at };
        Carebus__V1__Settings settings;
        OpenSharing open;

        if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_SETTINGS && !entry->settings->sharing) {
                settings = *entry->settings;
                settings.sharing = open_sharing_init(&open);
                filled.settings = &settings;
        }
        if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_SUBMISSION && entry->submission->n_matching == 0) {
                submission = *entry->submission;
                filled.submission = &submission;
                matching_fill(world, &submission);
        }
        entry = &filled;
        kept.size = carebus__v1__entry__get_packed_size(entry);
        kept.data = malloc(kept.size ? kept.size : 1);
        assert_non_null(kept.data);
        carebus__v1__entry__pack(entry, kept.data);
        world->entries = reallocarray(world->entries, world->n_entries + 1, sizeof(kept));
        assert_non_null(world->entries);
        world->entries[world->n_entries++] = kept;
        return world->n_entries;
}

uint64_t world_push_settings(World *world, const char *const *sources, size_t n_sources) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__Settings *settings = message_new(&carebus__v1__settings__descriptor, world->arena);

        assert_non_null(settings);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = settings;
        for (size_t i = 0; i < n_sources; i++) {
                Carebus__V1__SourceSettings *source = message_new(&carebus__v1__source_settings__descriptor,
                                                                  world->arena);

                assert_non_null(source);
                source->name = (char *)sources[i];
                assert_int_equal(list_append((void ***)&settings->sources, &settings->n_sources, source, world->arena),
                                 0);
        }
        return world_push(world, &entry, 1);
}

static void entry_fold(Fold *fold, StateTxn *txn, const World *world, uint64_t seq) {
        const WorldEntry *entry = &world->entries[seq - 1];
        JournalRecord record = {
                .seq = seq,
                .received_at = entry->received_at,
                .payload = bytes_of(entry->data, entry->size),
                .place = { .segment = 1, .offset = 64 * seq },
        };

        assert_int_equal(fold_apply(fold, txn, &record), 0);
}

void world_fold(World *world) {
        StateTxn *txn;

        if (fold_seq(world->fold) == world->n_entries)
                return;
        assert_int_equal(state_begin(world->state, STATE_WRITE, &txn), 0);
        while (fold_seq(world->fold) < world->n_entries)
                entry_fold(world->fold, txn, world, fold_seq(world->fold) + 1);
        assert_int_equal(fold_flush(world->fold, txn), 0);
        assert_int_equal(state_commit(txn), 0);
}

StateTxn *world_look(World *world) {
        StateTxn *txn;

        world_fold(world);
        assert_int_equal(state_begin(world->state, STATE_READ, &txn), 0);
        return txn;
}

void world_digest(World *world, uint8_t ret[32]) {
        StateTxn *txn = world_look(world);

        assert_int_equal(state_digest(txn, ret), 0);
        state_abort(txn);
}

/* xorshift64*: the same on every machine. */
uint64_t world_random(uint64_t *seed) {
        *seed ^= *seed >> 12;
        *seed ^= *seed << 25;
        *seed ^= *seed >> 27;
        return *seed * 0x2545f4914f6cdd1dULL;
}

void world_refold(const World *world, size_t most, uint64_t *seed, uint8_t ret_digest[32]) {
        char folder[64];
        State *state;
        StateTxn *txn;
        Fold *fold;

        folder_make(folder);
        assert_int_equal(state_open(folder, STATE_WRITE, MAP_BYTES, &state), 0);
        assert_int_equal(fold_new(&fold), 0);
        fold_set_earlier(fold, earlier_entry, (void *)world);
        for (uint64_t seq = 1; seq <= world->n_entries;) {
                size_t n = seed ? 1 + world_random(seed) % most : most;

                assert_int_equal(state_begin(state, STATE_WRITE, &txn), 0);
                /* Now and then the daemon was restarted, or a transaction was given up half way. */
                if (seq == 1 || (seed && world_random(seed) % 4 == 0))
                        assert_int_equal(fold_load(fold, txn), 0);
                for (size_t i = 0; i < n && seq + i <= world->n_entries; i++)
                        entry_fold(fold, txn, world, seq + i);
                if (seed && world_random(seed) % 8 == 0) {
                        state_abort(txn);
                        assert_int_equal(state_begin(state, STATE_WRITE, &txn), 0);
                        assert_int_equal(fold_load(fold, txn), 0);
                        state_abort(txn);
                        continue;
                }
                assert_int_equal(fold_flush(fold, txn), 0);
                assert_int_equal(state_commit(txn), 0);
                seq += n;
        }
        assert_int_equal(state_begin(state, STATE_READ, &txn), 0);
        assert_int_equal(state_digest(txn, ret_digest), 0);
        state_abort(txn);
        fold_free(fold);
        state_free(state);
        folder_remove(folder);
}

void world_replay(const World *world, WorldSeen seen, void *owner) {
        char folder[64];
        State *state;
        StateTxn *txn;
        Fold *fold;

        folder_make(folder);
        assert_int_equal(state_open(folder, STATE_WRITE, MAP_BYTES, &state), 0);
        assert_int_equal(fold_new(&fold), 0);
        fold_set_earlier(fold, earlier_entry, (void *)world);
        for (uint64_t seq = 1; seq <= world->n_entries; seq++) {
                assert_int_equal(state_begin(state, STATE_WRITE, &txn), 0);
                if (seq == 1)
                        assert_int_equal(fold_load(fold, txn), 0);
                entry_fold(fold, txn, world, seq);
                assert_int_equal(fold_flush(fold, txn), 0);
                assert_int_equal(state_commit(txn), 0);
                seen(folder, state, seq, owner);
        }
        seen(folder, state, 0, owner);
        fold_free(fold);
        state_free(state);
        folder_remove(folder);
}

/* Writing a record as text. */

typedef struct Writing {
        World *world;
        StateTxn *txn;
        Buffer out;
        bool any_id; /* ids of the bus are left out */
} Writing;

static void event_id_write(Writing *writing, const char *event_id) {
        uint64_t seq = strtoull(event_id, NULL, 10);
        const char *dot = strchr(event_id, '.');
        Carebus__V1__Entry *entry;

        assert_true(seq >= 1 && seq <= writing->world->n_entries && dot);
        entry = carebus__v1__entry__unpack(NULL, writing->world->entries[seq - 1].size,
                                           writing->world->entries[seq - 1].data);
        assert_non_null(entry);
        if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_SUBMISSION) {
                /* Events that the bus derived are numbered as it came. */
                if (strtoul(dot + 1, NULL, 10) < entry->submission->n_events)
                        buffer_append_format(&writing->out, "%s%s", entry->submission->message_id, dot);
                else
                        buffer_append_text(&writing->out, "(bus)");
        } else
                buffer_append_text(&writing->out, "(decision)");
        carebus__v1__entry__free_unpacked(entry, NULL);
}

static void patient_id_write(Writing *writing, const char *patient_id) {
        Carebus__V1__Person *person;

        assert_int_equal(person_read(writing->txn, patient_id, writing->world->arena, &person), 0);
        buffer_append_format(&writing->out, "<%s>",
                             person->n_identifiers > 0 ? person->identifiers[0]->identifier->value : "?");
}

static bool is_left_out(const char *name) {
        static const char *const names[] = { "seq",          "index",          "received_at",   "digest",
                                             "id",           "opened_at",      "closed_at",     "confirmed_event_id",
                                             "confirmed_at", "heard_since_at", "last_heard_at", "as_at" };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return false;
}

/* Which of several ids answers; and demographics, deaths and merges remember their events as they came. */
static bool is_of_arrival(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        const Carebus__V1__Fact *fact = (const Carebus__V1__Fact *)message;

        if (strstr(field->name, "patient_id") || strcmp(field->name, "review_id") == 0 ||
            strcmp(field->name, "ended_by_event_id") == 0)
                return true;
        return message->descriptor == &carebus__v1__fact__descriptor && strcmp(field->name, "history") == 0 &&
               (fact->value_case == CAREBUS__V1__FACT__VALUE_DEATH ||
                fact->value_case == CAREBUS__V1__FACT__VALUE_MERGE ||
                fact->value_case == CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS);
}

static void message_write(Writing *writing, const ProtobufCMessage *message, int depth);

static bool names_events(const char *name) {
        static const char *const names[] = { "history",   "copy_of",       "superseded_by",
                                             "closed_by", "open_episodes", "objections" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return strstr(name, "event_id") != NULL;
}

/* A conflict that one order closes never opens in another. */
static bool is_closed_conflict(const ProtobufCMessage *message) {
        const Carebus__V1__Conflict *conflict = (const Carebus__V1__Conflict *)message;

        return message->descriptor == &carebus__v1__conflict__descriptor && conflict->has_closed_at;
}

static void value_write(Writing *writing, const void *value, const ProtobufCFieldDescriptor *field, int depth) {
        if (writing->any_id && field->type == PROTOBUF_C_TYPE_MESSAGE &&
            is_closed_conflict(*(const ProtobufCMessage *const *)value))
                return;
        buffer_append_format(&writing->out, "%*s%s: ", 2 * depth, "", field->name);
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING: {
                const char *text = *(const char *const *)value;

                /* What a source says of ids stays as it is: only the bus's own depend on the order. */
                if (names_events(field->name) && isdigit(text[0]))
                        event_id_write(writing, text);
                else if (strstr(field->name, "patient_id") && text[0] == 'p' && isdigit(text[1]))
                        patient_id_write(writing, text);
                else if (strcmp(field->name, "key") == 0 && strchr(text, '>'))
                        buffer_append_text(&writing->out, "(merge)");
                else
                        buffer_append_text(&writing->out, text);
                break;
        }
        case PROTOBUF_C_TYPE_MESSAGE:
                buffer_append_text(&writing->out, "\n");
                message_write(writing, *(const ProtobufCMessage *const *)value, depth + 1);
                return;
        case PROTOBUF_C_TYPE_INT64:
                buffer_append_format(&writing->out, "%" PRId64, *(const int64_t *)value);
                break;
        default:
                buffer_append_format(&writing->out, "%d", *(const int *)value);
        }
        buffer_append_text(&writing->out, "\n");
}

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The claims of a conflict, merges by the ids of the bus, and of a list of the demographics that nobody said whole the elements. */
static bool is_listed_as_found(const ProtobufCMessage *message) {
        if (message->descriptor == &carebus__v1__section__descriptor)
                return text_equal(((const Carebus__V1__Section *)message)->name, "merges");
        return message->descriptor == &carebus__v1__conflict__descriptor ||
               message->descriptor == &carebus__v1__record__descriptor ||
               message->descriptor == &carebus__v1__demographics__descriptor;
}

static void values_write_sorted(Writing *writing, const char *at, size_t n, size_t size,
                                const ProtobufCFieldDescriptor *field, int depth) {
        _cleanup_(freep) char **texts = calloc(n + 1, sizeof(*texts));
        size_t begin = writing->out.size;

        assert_non_null(texts);
        for (size_t i = 0; i < n; i++) {
                value_write(writing, at + i * size, field, depth);
                texts[i] = arena_text(writing->world->arena, writing->out.data + begin, writing->out.size - begin);
                writing->out.size = begin;
        }
        qsort(texts, n, sizeof(*texts), compare_texts);
        for (size_t i = 0; i < n; i++)
                buffer_append_text(&writing->out, texts[i]);
}

static void message_write(Writing *writing, const ProtobufCMessage *message, int depth) {
        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                const char *at = (const char *)message + field->offset;
                size_t n = 1, size = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE
                                             ? sizeof(void *)
                                             : 4;

                if (is_left_out(field->name) || (writing->any_id && is_of_arrival(message, field)))
                        continue;
                if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                        n = *(const size_t *)((const char *)message + field->quantifier_offset);
                        at = *(const char *const *)at;
                } else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
                        n = *(const uint32_t *)((const char *)message + field->quantifier_offset) == field->id;
                else if (size == sizeof(void *) &&
                         (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE))
                        n = *(const void *const *)at != NULL;
                else
                        n = *(const protobuf_c_boolean *)((const char *)message + field->quantifier_offset) != 0;
                if (writing->any_id && is_listed_as_found(message))
                        values_write_sorted(writing, at, n, size, field, depth);
                else
                        for (size_t j = 0; j < n; j++)
                                value_write(writing, at + j * size, field, depth);
        }
}

char *world_sections_text(World *world, StateTxn *txn, const Carebus__V1__Record *record) {
        Writing writing = { .world = world, .txn = txn };
        char *text;

        for (size_t i = 0; i < record->n_sections; i++)
                message_write(&writing, &record->sections[i]->base, 0);
        assert_int_equal(writing.out.error, 0);
        text = arena_text(world->arena, writing.out.data, writing.out.size);
        assert_non_null(text);
        buffer_deinit(&writing.out);
        return text;
}

static char *record_text(World *world, StateTxn *txn, const char *patient_id, bool any_id) {
        Writing writing = { .world = world, .txn = txn, .any_id = any_id };
        Carebus__V1__Record *record;
        char *text;

        assert_int_equal(record_read(txn, patient_id, world->arena, &record), 0);
        message_write(&writing, &record->base, 0);
        assert_int_equal(writing.out.error, 0);
        text = arena_text(world->arena, writing.out.data, writing.out.size);
        assert_non_null(text);
        buffer_deinit(&writing.out);
        return text;
}

char *world_record_text(World *world, StateTxn *txn, const char *patient_id) {
        return record_text(world, txn, patient_id, /* any_id= */ false);
}

char *world_record_text_any(World *world, StateTxn *txn, const char *patient_id) {
        return record_text(world, txn, patient_id, /* any_id= */ true);
}
