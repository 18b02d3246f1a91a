/*
 * Two ways to the same: a walk over everybody, whom the team has nothing to do with any more first, then in the order
 * of their ids, when nothing is known or the rules are new; and the outcomes of the fold one by one, each of which
 * names whom to look at again. Both only ever compare what stands in the table with the record as the team sees it
 * now. A look is as of the view's head, which may lie beyond the entry whose turn it is: then the same person's turn
 * comes again, and nothing is found to differ.
 */
#include "daemon/serve/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "daemon/record/canonical.h"
#include "daemon/record/read.h"
#include "daemon/serve/cursors.h"
#include "daemon/serve/gone.h"
#include "daemon/serve/ledger-file.h"
#include "daemon/serve/record-cut.h"
#include "daemon/store/state-keys.h"

#define COLLECT_ENTRIES 512 /* outcomes whose persons are looked at together */
#define COLLECT_PERSONS 256
#define WALK_BATCH 64
#define SAVE_EVERY (60 * USEC_PER_SEC)

/* Somebody to look at, because of this entry. */
typedef struct Todo {
        LedgerId id;
        uint64_t seq;
        bool corrected; /* something that was said of them is taken back */
} Todo;

typedef enum Walk { WALK_NONE, WALK_UNKNOWN, WALK_PERSONS, WALK_ENTRIES } Walk;

struct Ledger {
        LedgerTable table;
        LedgerLife life;
        Sharing *sharing;      /* that `life.rules` are of */
        uint64_t forced_until; /* up to here a life before this one may have given out something else */
        Todo *todo;
        size_t n_todo, n_room, at_todo;
        bool collecting_corrected;
        uint64_t todo_until; /* with `todo` done the table is as of this entry, */
        int64_t todo_received_at;
        Walk walk;
        StateKey walk_from;
        uint32_t walk_entry;
        CursorWriter *writer;
        char *path;
        bool changed;
        int64_t saved_at; /* monotonic */
};

/* ---- the rules that the digests follow from ------------------------------------------------------------------------------ */

/* Which settings the fold goes by, how it folds, and what the rules answer for this team. */
static int rules_hash(const LedgerEyes *eyes, uint8_t ret[SHA256_SIZE]) {
        _cleanup_(buffer_deinit) Buffer rules = BUFFER_NULL;
        StateKey key = state_key_meta("fold_version");
        Bytes version;
        uint8_t mark[sizeof(uint64_t)];

        store_le64(mark, view_settings_mark(eyes->view));
        buffer_append(&rules, mark, sizeof(mark));
        if (state_get(view_txn(eyes->view), STATE_META, state_key_all(&key), &version) == 0)
                buffer_append_bytes(&rules, version);
        buffer_append(&rules, sharing_digest(eyes->sharing, eyes->team), SHA256_SIZE);
        if (rules.error < 0)
                return rules.error;
        sha256(rules.data, rules.size, ret);
        return 0;
}

static void walk_begin(Ledger *ledger) {
        ledger->walk = WALK_UNKNOWN;
        ledger->walk_from = STATE_KEY_NULL;
        ledger->walk_entry = 0;
}

static int take_rules(Ledger *ledger, const LedgerEyes *eyes) {
        uint8_t rules[SHA256_SIZE];
        int r;

        if (ledger->sharing == eyes->sharing)
                return 0;
        r = rules_hash(eyes, rules);
        if (r < 0)
                return r;
        sharing_unref(ledger->sharing);
        ledger->sharing = sharing_ref((Sharing *)eyes->sharing);
        if (memcmp(rules, ledger->life.rules, sizeof(rules)) == 0)
                return 0;
        memcpy(ledger->life.rules, rules, sizeof(rules));
        walk_begin(ledger);
        return 0;
}

/* ---- one person ------------------------------------------------------------------------------------------------------------ */

static int set(Ledger *ledger, LedgerId id, const uint8_t *digest, uint64_t seq) {
        ledger->changed = true;
        return ledger_table_set(&ledger->table, id, digest, seq);
}

/* The team holds this id no more. */
static int leave(Ledger *ledger, LedgerId id, uint64_t seq) {
        uint32_t index = ledger_table_find(&ledger->table, id);

        if (index == LEDGER_NONE || (ledger_entry_is_gone(&ledger->table.entries[index]) && seq > ledger->forced_until))
                return 0;
        return set(ledger, id, NULL, seq);
}

/* Ids that this record answers for. Of a life that left no trace nobody knows whether it gave them out. */
static int leave_former(Ledger *ledger, const Carebus__V1__Record *record, uint64_t seq) {
        for (size_t i = 0; i < record->n_former_patient_ids; i++) {
                LedgerId id;
                int r = ledger_id_parse(record->former_patient_ids[i], &id);

                if (r == 0)
                        r = seq <= ledger->forced_until ? set(ledger, id, NULL, seq) : leave(ledger, id, seq);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int look(Ledger *ledger, const LedgerEyes *eyes, LedgerId id, uint64_t seq) {
        char text[LEDGER_ID_SIZE];
        Carebus__V1__Record *record;
        LedgerId answers;
        uint32_t index;
        int r;

        arena_reset(eyes->arena);
        ledger_id_format(id, text);
        r = record_for_team(eyes->sight, (ssize_t)eyes->team, text, eyes->arena, &record);
        if (r == RECORD_E_NOT_FOUND)
                return leave(ledger, id, seq);
        if (r == 0)
                r = ledger_id_parse(record->patient_id, &answers);
        if (r == 0)
                r = leave_former(ledger, record, seq);
        if (r < 0)
                return r;
        index = ledger_table_find(&ledger->table, answers);
        if (index != LEDGER_NONE && seq > ledger->forced_until &&
            memcmp(ledger->table.entries[index].digest, record->digest.data, RECORD_DIGEST_SIZE) == 0)
                return 0;
        return set(ledger, answers, record->digest.data, seq);
}

int ledger_read(Ledger *ledger, const LedgerEyes *eyes, uint32_t entry, Bytes *ret) {
        const LedgerId id = ledger_entry_id(&ledger->table.entries[entry]);
        char text[LEDGER_ID_SIZE];
        Carebus__V1__Record *record;
        Bytes canonical;
        int r;

        arena_reset(eyes->arena);
        ledger_id_format(id, text);
        r = record_for_team_canonical(eyes->sight, (ssize_t)eyes->team, text, eyes->arena, &record, &canonical);
        if (r < 0)
                return r;
        if (r == RECORD_E_NOT_FOUND || !text_equal(record->patient_id, text))
                r = set(ledger, id, NULL, ledger->life.seq);
        else if (memcmp(ledger->table.entries[entry].digest, record->digest.data, RECORD_DIGEST_SIZE) != 0)
                r = set(ledger, id, record->digest.data, ledger->life.seq);
        else {
                *ret = canonical;
                return 0;
        }
        return r < 0 ? r : LEDGER_E_MOVED;
}

/* ---- whom an outcome names --------------------------------------------------------------------------------------------------- */

static int todo_add(Ledger *ledger, const char *patient_id, uint64_t seq) {
        Todo todo = { .seq = seq, .corrected = ledger->collecting_corrected };

        if (!patient_id || !patient_id[0] || ledger_id_parse(patient_id, &todo.id) < 0)
                return 0;
        if (ledger->n_todo == ledger->n_room) {
                size_t n_room = ledger->n_room ? 2 * ledger->n_room : 2 * COLLECT_PERSONS;
                Todo *items = reallocarray(ledger->todo, n_room, sizeof(*items));
                if (!items)
                        return -ENOMEM;
                ledger->todo = items;
                ledger->n_room = n_room;
        }
        ledger->todo[ledger->n_todo++] = todo;
        return 0;
}

static int todo_add_of_message(Ledger *ledger, const ProtobufCMessage *message, uint64_t seq);

static int todo_add_of_value(Ledger *ledger, const ProtobufCFieldDescriptor *field, const void *value, uint64_t seq) {
        if (field->type == PROTOBUF_C_TYPE_STRING)
                return strstr(field->name, "patient_id") ? todo_add(ledger, value, seq) : 0;
        return value ? todo_add_of_message(ledger, value, seq) : 0;
}

/* All patient ids that a message has anywhere: a merge names both sides, in its body. */
static int todo_add_of_message(Ledger *ledger, const ProtobufCMessage *message, uint64_t seq) {
        int r = 0;

        for (unsigned i = 0; r == 0 && i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                const uint8_t *member = (const uint8_t *)message + field->offset,
                              *quantifier = (const uint8_t *)message + field->quantifier_offset;

                if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
                        continue;
                if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                        void *const *values = *(void *const *const *)member;
                        for (size_t j = 0; r == 0 && j < *(const size_t *)quantifier; j++)
                                r = todo_add_of_value(ledger, field, values[j], seq);
                } else if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || *(const uint32_t *)quantifier == field->id)
                        r = todo_add_of_value(ledger, field, *(void *const *)member, seq);
        }
        return r;
}

static int todo_add_outcome(Ledger *ledger, const LedgerEyes *eyes, uint64_t seq) {
        Carebus__V1__Outcome *outcome;
        int r;

        arena_reset(eyes->arena);
        r = outcome_read(view_txn(eyes->view), seq, eyes->arena, &outcome);
        if (r != 0)
                return r < 0 ? r : -EBADMSG; /* the state stands at a number and lacks what is below it */
        ledger->collecting_corrected = outcome->n_corrections > 0;
        for (size_t i = 0; r == 0 && i < outcome->n_patient_ids; i++)
                r = todo_add(ledger, outcome->patient_ids[i], seq);
        for (size_t i = 0; r == 0 && i < outcome->n_touched; i++)
                r = todo_add(ledger, outcome->touched[i], seq);
        for (size_t i = 0; r == 0 && i < outcome->n_derived; i++)
                r = todo_add_of_message(ledger, &outcome->derived[i]->base, seq);
        ledger->todo_until = seq;
        ledger->todo_received_at = outcome->received_at;
        return r;
}

static int by_id(const void *a, const void *b) {
        const Todo *x = a, *y = b;

        if (x->id.seq != y->id.seq)
                return x->id.seq < y->id.seq ? -1 : 1;
        if (x->id.index != y->id.index)
                return x->id.index < y->id.index ? -1 : 1;
        return x->seq == y->seq ? 0 : x->seq < y->seq ? -1 : 1;
}

static int by_seq(const void *a, const void *b) {
        const Todo *x = a, *y = b;

        return x->seq == y->seq ? by_id(a, b) : x->seq < y->seq ? -1 : 1;
}

/* Each person once, at the last entry that names it, in the order of entries. */
static void todo_coalesce(Ledger *ledger) {
        size_t n = 0;

        if (ledger->n_todo < 2)
                return;
        qsort(ledger->todo, ledger->n_todo, sizeof(*ledger->todo), by_id);
        for (size_t i = 0; i < ledger->n_todo; i++) {
                bool again = i + 1 < ledger->n_todo && ledger->todo[i].id.seq == ledger->todo[i + 1].id.seq &&
                             ledger->todo[i].id.index == ledger->todo[i + 1].id.index;
                if (again)
                        ledger->todo[i + 1].corrected = ledger->todo[i + 1].corrected || ledger->todo[i].corrected;
                else
                        ledger->todo[n++] = ledger->todo[i];
        }
        ledger->n_todo = n;
        qsort(ledger->todo, n, sizeof(*ledger->todo), by_seq);
}

static int collect(Ledger *ledger, const LedgerEyes *eyes) {
        ledger->n_todo = ledger->at_todo = 0;
        for (unsigned n = 0; n < COLLECT_ENTRIES && ledger->n_todo < COLLECT_PERSONS; n++) {
                uint64_t seq = ledger->life.seq + n + 1;
                int r = seq <= view_head(eyes->view) ? todo_add_outcome(ledger, eyes, seq) : 0;

                if (r < 0)
                        return r;
                if (seq > view_head(eyes->view))
                        break;
        }
        todo_coalesce(ledger);
        return 0;
}

/* Who was told of somebody, and holds them no more, is told that something of it does not stand: they are gone once more, with what is
 * taken back (gone.h). */
static int correct(Ledger *ledger, const LedgerEyes *eyes, const Todo *todo) {
        const uint32_t index = ledger_table_find(&ledger->table, todo->id);
        Carebus__V1__Outcome *outcome;
        char text[LEDGER_ID_SIZE];
        int r;

        if (index == LEDGER_NONE || !ledger_entry_is_gone(&ledger->table.entries[index]))
                return 0;
        arena_reset(eyes->arena);
        ledger_id_format(todo->id, text);
        r = outcome_read(view_txn(eyes->view), todo->seq, eyes->arena, &outcome);
        if (r == 0)
                r = gone_is_corrected(eyes->sight, eyes->team, outcome, text);
        return r > 0 ? set(ledger, todo->id, NULL, todo->seq) : r;
}

/* One thing: a person, or whom to look at next. *ret_done: there is nothing. */
static int forward(Ledger *ledger, const LedgerEyes *eyes, bool *ret_done) {
        *ret_done = false;
        if (ledger->at_todo < ledger->n_todo) {
                const Todo todo = ledger->todo[ledger->at_todo++];
                int r = look(ledger, eyes, todo.id, todo.seq);
                return r == 0 && todo.corrected ? correct(ledger, eyes, &todo) : r;
        }
        if (ledger->todo_until > ledger->life.seq) {
                ledger->life.seq = ledger->todo_until;
                ledger->life.received_at = ledger->todo_received_at;
                ledger->changed = true;
        }
        if (ledger->life.seq < view_head(eyes->view))
                return collect(ledger, eyes);
        *ret_done = true;
        return 0;
}

/* ---- the walk ------------------------------------------------------------------------------------------------------------------ */

typedef struct Batch {
        StateKey keys[WALK_BATCH];
        size_t n;
} Batch;

static int on_person(Bytes key, Bytes value, void *owner) {
        Batch *batch = owner;

        (void)value;
        if (batch->n == WALK_BATCH)
                return 1;
        batch->keys[batch->n] = STATE_KEY_NULL;
        state_key_bytes(&batch->keys[batch->n++], key);
        return 0;
}

/* A key is the id and its zero byte. Those that others answer for are looked at with them. */
static int walk_look(Ledger *ledger, const LedgerEyes *eyes, const StateKey *key) {
        Carebus__V1__Person *person;
        LedgerId id;
        int r;

        arena_reset(eyes->arena);
        r = ledger_id_parse((const char *)key->data, &id) < 0
                    ? RECORD_E_NOT_FOUND
                    : person_read(view_txn(eyes->view), (const char *)key->data, eyes->arena, &person);
        if (r != 0)
                return MIN(r, 0);
        return person->merged_into ? leave(ledger, id, ledger->life.seq) : look(ledger, eyes, id, ledger->life.seq);
}

static int walk_persons(Ledger *ledger, const LedgerEyes *eyes) {
        Batch batch = { .n = 0 };
        int r = state_walk(view_txn(eyes->view), STATE_PERSON, BYTES_NULL, state_key_all(&ledger->walk_from), on_person,
                           &batch);

        if (r < 0)
                return r;
        r = 0;
        for (size_t i = 0; r == 0 && i < batch.n; i++)
                r = walk_look(ledger, eyes, &batch.keys[i]);
        if (r < 0)
                return r;
        if (batch.n < WALK_BATCH) {
                ledger->walk = WALK_ENTRIES;
                return 0;
        }
        ledger->walk_from = batch.keys[batch.n - 1];
        state_key_bytes(&ledger->walk_from, bytes_of("", 1)); /* behind it */
        return ledger->walk_from.error;
}

/* Before all else whoever the team has nothing to do with any more, by the rules and without a look at the record: a reader is told within
 * a second that they are gone, however many others there are. Of whom its own sources speak the record stays. */
static int walk_unknown(Ledger *ledger, const LedgerEyes *eyes) {
        for (unsigned n = 0; n < WALK_BATCH; n++) {
                char text[LEDGER_ID_SIZE];
                bool known = true;
                LedgerId id;
                int r = 0;

                if (ledger->walk_entry >= ledger->table.n_entries) {
                        ledger->walk_entry = 0;
                        ledger->walk = WALK_PERSONS;
                        return 0;
                }
                id = ledger_entry_id(&ledger->table.entries[ledger->walk_entry]);
                if (!ledger_entry_is_gone(&ledger->table.entries[ledger->walk_entry++])) {
                        ledger_id_format(id, text);
                        r = record_is_known(eyes->sight, eyes->team, text, &known);
                }
                if (r == 0 && !known)
                        r = look(ledger, eyes, id, ledger->life.seq);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Whoever stands in the table and is known to nobody any more. */
static int walk_entries(Ledger *ledger, const LedgerEyes *eyes) {
        for (unsigned n = 0; n < WALK_BATCH; n++) {
                char text[LEDGER_ID_SIZE];
                StateKey key;
                Bytes value;
                LedgerId id;
                int r;

                if (ledger->walk_entry >= ledger->table.n_entries) {
                        ledger->walk = WALK_NONE;
                        return 0;
                }
                id = ledger_entry_id(&ledger->table.entries[ledger->walk_entry++]);
                ledger_id_format(id, text);
                key = state_key_person(text);
                r = state_get(view_txn(eyes->view), STATE_PERSON, state_key_all(&key), &value);
                if (r == STATE_E_NOT_FOUND)
                        r = leave(ledger, id, ledger->life.seq);
                if (r != 0)
                        return error_fold(r);
        }
        return 0;
}

static int walk_on(Ledger *ledger, const LedgerEyes *eyes) {
        static int (*const walks[])(Ledger *, const LedgerEyes *) = {
                [WALK_UNKNOWN] = walk_unknown,
                [WALK_PERSONS] = walk_persons,
                [WALK_ENTRIES] = walk_entries,
        };

        return walks[ledger->walk](ledger, eyes);
}

/* ---- both ------------------------------------------------------------------------------------------------------------------------ */

int ledger_advance(Ledger *ledger, const LedgerEyes *eyes, int64_t until, bool *ret_more) {
        int64_t now = clock_monotonic(&clock_system);
        /* A walk gets half of the time, however much comes in. */
        const int64_t forward_until = ledger->walk ? now + (until - now) / 2 : until;
        bool done = false;
        int r;

        r = take_rules(ledger, eyes);
        while (r == 0 && !done && now < forward_until) {
                r = forward(ledger, eyes, &done);
                now = clock_monotonic(&clock_system);
        }
        while (r == 0 && ledger->walk && now < until) {
                r = walk_on(ledger, eyes);
                now = clock_monotonic(&clock_system);
        }
        if (r < 0)
                return r;
        *ret_more = !ledger_is_level(ledger, eyes->view);
        return 0;
}

bool ledger_is_level(const Ledger *ledger, const View *view) {
        return !ledger->walk && ledger->at_todo == ledger->n_todo && ledger->life.seq == view_head(view);
}

uint64_t ledger_seq(const Ledger *ledger) {
        return ledger->life.seq;
}

LedgerTable *ledger_table(Ledger *ledger) {
        return &ledger->table;
}

uint64_t ledger_lineage(const Ledger *ledger) {
        return ledger->life.lineage;
}

uint64_t ledger_since(const Ledger *ledger) {
        return ledger->life.since;
}

Place ledger_resume(const Ledger *ledger, LedgerPlace from) {
        if (from.lineage == ledger->life.lineage)
                return from.place;
        for (size_t i = 0; i < ledger->life.n_forks; i++)
                if (from.lineage == ledger->life.forks[i].lineage)
                        return place_compare(from.place, ledger->life.forks[i].place) < 0 ? from.place
                                                                                          : ledger->life.forks[i].place;
        return PLACE_NULL;
}

/* ---- begin and end ---------------------------------------------------------------------------------------------------------------- */

/* Does what the file says belong to what the view has? The rules must be the same, and the entry the one that it was. */
static int fits(const Ledger *ledger, const LedgerEyes *eyes, const uint8_t rules[SHA256_SIZE], bool *ret) {
        ViewOutcome outcome;
        int r;

        *ret = false;
        if (memcmp(rules, ledger->life.rules, SHA256_SIZE) != 0)
                return 0;
        r = view_outcome(eyes->view, ledger->life.seq, &outcome);
        *ret = r == 0 && outcome.received_at == ledger->life.received_at;
        return MIN(r, 0);
}

static int begin_anew(Ledger *ledger, const LedgerEyes *eyes, const uint8_t rules[SHA256_SIZE]) {
        ViewOutcome outcome = { .received_at = 0 };
        const uint64_t head = view_head(eyes->view);
        int r = head > 0 ? view_outcome(eyes->view, head, &outcome) : 0;

        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        ledger_table_deinit(&ledger->table);
        ledger->life = (LedgerLife){ .seq = head, .since = head, .received_at = outcome.received_at };
        memcpy(ledger->life.rules, rules, SHA256_SIZE);
        walk_begin(ledger);
        return 0;
}

static int ledger_load(Ledger *ledger, const LedgerEyes *eyes) {
        uint8_t rules[SHA256_SIZE];
        bool usable = false;
        int r;

        r = rules_hash(eyes, rules);
        if (r < 0)
                return r;
        r = ledger_file_read(ledger->path, &ledger->life, &ledger->table);
        if (r == 0)
                r = fits(ledger, eyes, rules, &usable);
        if (r < 0 && r != -ENOENT && r != -EBADMSG)
                return r;
        if (!usable)
                r = begin_anew(ledger, eyes, rules);
        else {
                ledger_life_fork(&ledger->life, ledger->table.newest);
                ledger->forced_until = view_head(eyes->view);
        }
        if (r == 0)
                r = ledger_life_new_lineage(&ledger->life);
        ledger->sharing = sharing_ref((Sharing *)eyes->sharing);
        return r;
}

int ledger_open(const char *folder, const char *team, const LedgerEyes *eyes, Ledger **ret) {
        _cleanup_(ledger_freep) Ledger *ledger = calloc(1, sizeof(*ledger));
        int r;

        if (!ledger)
                return -ENOMEM;
        ledger_table_init(&ledger->table);
        r = folder_make(folder, 0700);
        if (r == 0)
                r = text_format(&ledger->path, "%s/%s", folder, team);
        if (r >= 0)
                r = ledger_load(ledger, eyes);
        if (r == 0)
                r = cursor_writer_start(ledger->path, &ledger->writer);
        if (r < 0)
                return r;
        /* At once: a place is worth something after a crash only when its lineage is known. */
        ledger->changed = true;
        ledger->saved_at = clock_monotonic(&clock_system) - SAVE_EVERY;
        *ret = TAKE_PTR(ledger);
        return 0;
}

Ledger *ledger_free(Ledger *ledger) {
        if (!ledger)
                return NULL;
        cursor_writer_stop(ledger->writer);
        ledger_table_deinit(&ledger->table);
        sharing_unref(ledger->sharing);
        free(ledger->todo);
        free(ledger->path);
        free(ledger);
        return NULL;
}

/* What a walk has not been through yet is no ledger. */
static bool is_worth_saving(const Ledger *ledger) {
        return ledger->changed && !ledger->walk;
}

int ledger_save(Ledger *ledger, int64_t now) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        int result = 0;

        if (cursor_writer_done(ledger->writer, &result) && result < 0)
                ledger->changed = true;
        if (!is_worth_saving(ledger) || now - ledger->saved_at < SAVE_EVERY)
                return result;
        ledger_file_pack(&ledger->life, &ledger->table, &packed);
        if (packed.error == 0 && cursor_writer_give(ledger->writer, &packed) == 0) {
                ledger->saved_at = now;
                ledger->changed = false;
        }
        return result;
}

void ledger_save_last(Ledger *ledger) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;

        if (!is_worth_saving(ledger))
                return;
        ledger_file_pack(&ledger->life, &ledger->table, &packed);
        if (packed.error == 0)
                cursor_writer_give_last(ledger->writer, &packed);
}
