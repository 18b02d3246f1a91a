/*
 * Room on the disk, and how far the fold is behind. Both end in "later" for senders, never in a loss: without room nothing is
 * taken in while feeds and queries go on, and all resumes by itself.
 */
#include <sys/statvfs.h>

#include "base/error.h"
#include "base/log.h"
#include "daemon/stage/intake-parts.h"

static void storage_enter(Intake *intake, StorageState storage, int64_t now) {
        if (intake->storage == STORAGE_GOOD)
                log_event(LOG_STORAGE_FULL, log_number("FREE_BYTES", (int64_t)intake->free_bytes));
        intake->storage = storage;
        intake->storage_try_at = now + USEC_PER_SEC;
}

static void storage_leave(Intake *intake) {
        if (intake->storage != STORAGE_GOOD)
                log_event(LOG_STORAGE_RESUMED, log_number("FREE_BYTES", (int64_t)intake->free_bytes));
        intake->storage = STORAGE_GOOD;
}

void storage_look(Intake *intake, int64_t now) {
        const uint64_t reserve = intake->snapshot->config->reserve_bytes;
        struct statvfs room;

        if (intake->storage_look_at != 0 && now - intake->storage_look_at < SPACE_LOOK_EVERY)
                return;
        intake->storage_look_at = now;
        if (statvfs(intake->options.journal_folder, &room) < 0)
                return; /* writing will say */
        intake->free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
        if (intake->free_bytes < reserve)
                storage_enter(intake, STORAGE_FULL, now);
        /* A little more than the reserve, so that it does not open and close with every batch. */
        else if (intake->storage == STORAGE_FULL && intake->free_bytes >= reserve + reserve / 16)
                storage_leave(intake);
}

void storage_full(Intake *intake, int64_t now) {
        storage_enter(intake, intake->storage == STORAGE_FULL ? STORAGE_FULL : STORAGE_REFUSED, now);
}

void storage_written(Intake *intake) {
        /* Below the reserve what a person decides is still written: that alone does not open it again. */
        if (intake->storage == STORAGE_REFUSED)
                storage_leave(intake);
}

bool fold_is_behind(Intake *intake, int64_t now) {
        const uint64_t folded = atomic_load(&intake->options.facts->folded_seq);
        const uint64_t committed = journal_committed(intake->options.journal);

        if (folded != intake->fold_seen || intake->fold_moved_at == 0) {
                intake->fold_seen = folded;
                intake->fold_moved_at = now;
        }
        if (committed - folded < FOLD_BEHIND_SLOW) {
                intake->fold_stuck = false;
                intake->fold_moved_at = now;
                return false;
        }
        /* While it moves, senders go at its pace: their windows fill, nothing is refused. When it does not, they are told. */
        intake->fold_stuck = now - intake->fold_moved_at > FOLD_BEHIND_PATIENCE;
        return !intake->fold_stuck;
}
