/*
 * Room on the disk, and how far the fold is behind. Both end in "later" for senders, never in a loss: without room nothing is
 * taken in while feeds and queries go on, and all resumes by itself.
 */
#include <sys/statvfs.h>

#include "base/error.h"
#include "base/log.h"
#include "daemon/stage/intake-parts.h"

#define RATE_AFTER_SECONDS 600 /* before, it is by chance */

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

uint64_t storage_hard_bytes(const Intake *intake) {
        return config_storage_hard(intake->snapshot->config, intake->disk_bytes);
}

uint64_t storage_soft_bytes(const Intake *intake) {
        return config_storage_soft(intake->snapshot->config, intake->disk_bytes);
}

/* Hours until nothing is taken in, as fast as it went since the start; -1: it does not get less, or that is not known yet. */
static int64_t hours_left(const Intake *intake, int64_t now) {
        const uint64_t hard = storage_hard_bytes(intake), used = intake->free_at_first - intake->free_bytes;
        const int64_t seconds = (now - intake->first_look_at) / USEC_PER_SEC;

        if (intake->free_bytes >= intake->free_at_first || seconds < RATE_AFTER_SECONDS || intake->free_bytes <= hard)
                return intake->free_bytes <= hard ? 0 : -1;
        return (int64_t)((double)(intake->free_bytes - hard) / ((double)used / (double)seconds) / 3600);
}

/* The soft limit: somebody is to hear of it while nothing has stopped. */
static void soft_look(Intake *intake, int64_t now) {
        const uint64_t soft = storage_soft_bytes(intake);

        if (!intake->storage_low && intake->free_bytes < soft) {
                intake->storage_low = true;
                log_event(LOG_STORAGE_LOW, log_number("FREE_BYTES", (int64_t)intake->free_bytes),
                          log_number("HARD_BYTES", (int64_t)storage_hard_bytes(intake)),
                          log_number("HOURS", hours_left(intake, now)));
        } else if (intake->storage_low && intake->free_bytes >= soft + soft / 16) {
                intake->storage_low = false;
                log_event(LOG_STORAGE_AMPLE, log_number("FREE_BYTES", (int64_t)intake->free_bytes));
        }
}

/* Laid by while there is room, given back a step a look while what goes on finds none. Without a hard limit intake would take it. */
static void reserve_look(Intake *intake) {
        const uint64_t wanted = config_storage_reserve(intake->snapshot->config, intake->disk_bytes);
        const uint64_t hard = storage_hard_bytes(intake);
        const uint64_t step = wanted / RESERVE_STEPS;

        if (hard == 0 || wanted == 0)
                return;
        if (!intake->reserve && reserve_new(intake->snapshot->config->state, &intake->reserve) < 0)
                return; /* looked at again in a second */
        if (intake->storage == STORAGE_GOOD) {
                (void)reserve_fill(intake->reserve, wanted, intake->free_bytes, 2 * hard);
                return;
        }
        if (!atomic_load(&intake->options.facts->fold_waits) && intake->free_bytes >= MIN(step, hard) / 2)
                return;
        if (reserve_give(intake->reserve, MIN(step, hard)))
                log_event(LOG_STORAGE_RESERVE, log_number("BYTES", (int64_t)reserve_bytes(intake->reserve)));
}

void storage_look(Intake *intake, int64_t now) {
        struct statvfs room;
        uint64_t hard;

        if (intake->storage_look_at != 0 && now - intake->storage_look_at < SPACE_LOOK_EVERY)
                return;
        intake->storage_look_at = now;
        if (statvfs(intake->options.journal_folder, &room) < 0)
                return; /* writing will say */
        intake->free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
        intake->disk_bytes = (uint64_t)(room.f_blocks - room.f_bfree + room.f_bavail) * room.f_frsize;
        hard = storage_hard_bytes(intake);
        if (intake->first_look_at == 0) {
                intake->first_look_at = now;
                intake->free_at_first = intake->free_bytes;
        }
        if (intake->free_bytes < hard)
                storage_enter(intake, STORAGE_FULL, now);
        /* A little more than the limit, so that it does not open and close with every batch. */
        else if (intake->storage == STORAGE_FULL && intake->free_bytes >= hard + hard / 16)
                storage_leave(intake);
        soft_look(intake, now);
        reserve_look(intake);
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
