/*
 * The thread that syncs within a second and signs every minute. It holds the lock only to see how far the writer is: what is written
 * meanwhile waits for its next round.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "daemon/audit/audit-parts.h"

#define SYNC_AFTER (500 * USEC_PER_MSEC)
#define ANCHOR_EVERY (60 * USEC_PER_SEC)
#define SYNCED_BYTES 12
#define RESERVE_LEAST 4096

/* What one round is about: as the writer stood when it began. */
typedef struct Round {
        int fd, closed_fd;
        AuditAnchor anchor;
        AuditIndexMark mark;
} Round;

/* ---- the reserve -------------------------------------------------------------------------------------------------------- */

void audit_reserve_make(Audit *audit) {
        struct statvfs room;
        uint64_t bytes;
        int fd, r;

        if (audit->has_reserve || fstatvfs(audit->folder_fd, &room) < 0)
                return;
        fd = openat(audit->folder_fd, AUDIT_RESERVE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return;
        /* One that is left over from before is as good. Of a small disk it takes an eighth of what is free. */
        bytes = MIN(audit->reserve_bytes, (uint64_t)room.f_bavail * room.f_frsize / 8);
        if (lseek(fd, 0, SEEK_END) >= (off_t)bytes)
                r = 0;
        else
                r = bytes < RESERVE_LEAST ? ENOSPC : posix_fallocate(fd, 0, (off_t)bytes);
        close(fd);
        audit->has_reserve = r == 0;
        if (r != 0)
                (void)unlinkat(audit->folder_fd, AUDIT_RESERVE, 0);
}

/* ---- one round ------------------------------------------------------------------------------------------------------------- */

/* Needs no sync of its own: an older number only makes the start more forgiving. */
static void synced_write(const Audit *audit, uint64_t number) {
        uint8_t packed[SYNCED_BYTES];

        store_le64(packed, number);
        store_le32(packed + sizeof(number), crc32c(0, packed, sizeof(number)));
        (void)pwrite_all(audit->synced_fd, packed, sizeof(packed), 0);
}

static void round_begin(Audit *audit, Round *round) {
        /* A descriptor of its own: the writer may close its one twice over before this round is done. */
        *round = (Round){ .fd = fcntl(audit->fd, F_DUPFD_CLOEXEC, 0), .closed_fd = audit->closed_fd };
        round->anchor.number = round->mark.number = audit->number;
        round->anchor.at = audit->last_at;
        round->mark.decided = audit_index_decided(audit->index);
        memcpy(round->anchor.chain, audit->chain, SHA256_SIZE);
        memcpy(round->mark.chain, audit->chain, SHA256_SIZE);
        memcpy(round->mark.uuid, audit->uuid, AUDIT_UUID_BYTES);
        audit->closed_fd = -1; /* ours now */
}

static int round_sync(Audit *audit, Round *round) {
        int r = 0;

        if (round->closed_fd >= 0) {
                r = fdatasync(round->closed_fd) < 0 ? -errno : 0;
                close(round->closed_fd);
        }
        if (r == 0 && (round->fd < 0 || fdatasync(round->fd) < 0))
                r = -errno;
        closep(&round->fd);
        if (r == 0)
                synced_write(audit, round->anchor.number);
        return r;
}

static int anchor_append(Audit *audit, const AuditAnchor *anchor) {
        _cleanup_(buffer_deinit) Buffer line = BUFFER_NULL;
        int r;

        audit_anchor_print(anchor, &line);
        if (line.error < 0)
                return line.error;
        r = pwrite_all(audit->anchors_fd, line.data, line.size, (off_t)audit->anchors_size);
        if (r < 0) {
                /* Half a line is written over by the next one. */
                return ftruncate(audit->anchors_fd, (off_t)audit->anchors_size) < 0 ? -EIO : r;
        }
        audit->anchors_size += line.size;
        return fdatasync(audit->anchors_fd) < 0 ? -errno : 0;
}

/* Not signed for want of room is signed the next time. */
static void round_sign(Audit *audit, Round *round) {
        int r = audit_index_sync(audit->index);

        if (r == 0)
                (void)audit_index_mark_write(audit->index, &round->mark);
        r = audit_anchor_sign(&round->anchor, audit->key);
        if (r == 0)
                r = anchor_append(audit, &round->anchor);
        audit->anchored_at = clock_monotonic(audit->clock);
        if (r == 0) {
                pthread_mutex_lock(&audit->lock);
                audit->anchored = round->anchor.number;
                pthread_mutex_unlock(&audit->lock);
        }
}

/* The lock is held when it begins and when it ends. */
static void audit_round(Audit *audit, bool sign) {
        Round round;
        int r;

        round_begin(audit, &round);
        pthread_mutex_unlock(&audit->lock);
        r = round_sync(audit, &round);
        if (r == 0 && sign && round.anchor.number > audit->anchored)
                round_sign(audit, &round);
        pthread_mutex_lock(&audit->lock);
        audit_reserve_make(audit);
        if (r == 0)
                audit->synced = round.anchor.number;
        else
                audit->error = -EIO; /* the kernel says so once, and then pretends */
}

/* ---- the thread -------------------------------------------------------------------------------------------------------------- */

static void wait_for(Audit *audit, int64_t microseconds) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += microseconds / USEC_PER_SEC;
        until.tv_nsec += microseconds % USEC_PER_SEC * 1000;
        if (until.tv_nsec >= 1000000000L) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000L;
        }
        (void)pthread_cond_timedwait(&audit->wake, &audit->lock, &until);
}

static void *sync_thread(void *argument) {
        Audit *audit = argument;

        pthread_mutex_lock(&audit->lock);
        while (!audit->stopping && !audit->error) {
                const int64_t anchor_in = audit->anchored_at + ANCHOR_EVERY - clock_monotonic(audit->clock);

                if (audit->number > audit->synced)
                        wait_for(audit, SYNC_AFTER);
                if (audit->stopping)
                        break;
                if (audit->number > audit->synced || (audit->number > audit->anchored && anchor_in <= 0)) {
                        audit_round(audit, anchor_in <= 0);
                        continue;
                }
                audit->idle = true;
                if (audit->number > audit->anchored)
                        wait_for(audit, anchor_in);
                else
                        pthread_cond_wait(&audit->wake, &audit->lock);
                audit->idle = false;
        }
        pthread_mutex_unlock(&audit->lock);
        return NULL;
}

int audit_sync_start(Audit *audit) {
        int r;

        audit->anchored_at = clock_monotonic(audit->clock);
        r = pthread_create(&audit->thread, NULL, sync_thread, audit);
        audit->started = r == 0;
        return -r;
}

void audit_sync_stop(Audit *audit) {
        pthread_mutex_lock(&audit->lock);
        audit->stopping = true;
        pthread_cond_signal(&audit->wake);
        pthread_mutex_unlock(&audit->lock);
        pthread_join(audit->thread, NULL);
        audit->started = false;
        pthread_mutex_lock(&audit->lock);
        if (!audit->error && audit->number > 0)
                audit_round(audit, /* sign= */ true);
        pthread_mutex_unlock(&audit->lock);
}
