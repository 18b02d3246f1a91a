#pragma once
/*
 * A fold in a small world: entries are kept as the journal would, the clock is what the story says, the state is a throw-away folder.
 * Everything can be folded again from the beginning, in transactions of other sizes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/record.pb-c.h"
#include "daemon/record/read.h"
#include "daemon/stage/fold.h"

typedef struct WorldEntry {
        uint8_t *data;
        size_t size;
        int64_t received_at;
} WorldEntry;

typedef struct World {
        char folder[64];
        State *state;
        Fold *fold;
        WorldEntry *entries;
        size_t n_entries;
        Arena *arena; /* for what is built and read; reset by nobody */
} World;

void world_begin(World *world);
void world_end(World *world);
/* Appends an entry; its seq. Not folded yet. */
uint64_t world_push(World *world, const Carebus__V1__Entry *entry, int64_t received_at);
/* Settings that name these sources and say nothing else. */
uint64_t world_push_settings(World *world, const char *const *sources, size_t n_sources);
/* Folds what is not folded yet, in one transaction. */
void world_fold(World *world);
/* A reading transaction on what is folded; abort it. */
StateTxn *world_look(World *world);
void world_digest(World *world, uint8_t ret[32]);
/* Folds all entries into an empty state, in transactions of at most `most` entries, sizes drawn from `*seed` (0: always `most`). */
void world_refold(const World *world, size_t most, uint64_t *seed, uint8_t ret_digest[32]);
/* Folds all entries into an empty state one by one, and shows it behind each; at the end once more, with 0, to let go of it. */
typedef void (*WorldSeen)(const char *folder, State *state, uint64_t seq, void *owner);
void world_replay(const World *world, WorldSeen seen, void *owner);
uint64_t world_random(uint64_t *seed);

/* The record as text, a line a field: what depends on the order of arrival is named by what it stands for (an event by its message
 * id, a person by its first number) or left out (seq, times of receipt). Lives in the arena. */
char *world_record_text(World *world, StateTxn *txn, const char *patient_id);
/* The same without who of several ids of one person answers for the others: which of them came first decides that. */
char *world_record_text_any(World *world, StateTxn *txn, const char *patient_id);
/* The same of a record's sections alone. */
char *world_sections_text(World *world, StateTxn *txn, const Carebus__V1__Record *record);
