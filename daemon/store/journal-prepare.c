/*
 * The next segment, made ready in the background a piece at a time, so that the writer never waits for zeros. Only a
 * file that is complete and synced is called ready, and only then is it taken. Nothing that anybody was promised depends
 * on it: when it fails it is given up, and the writer makes a small segment by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/store/journal-internal.h"

static PreparedState prepared_state(Journal *journal) {
        PreparedState state;

        pthread_mutex_lock(&journal->prepared_lock);
        state = journal->prepared_state;
        pthread_mutex_unlock(&journal->prepared_lock);
        return state;
}

static void prepared_set(Journal *journal, PreparedState state) {
        pthread_mutex_lock(&journal->prepared_lock);
        journal->prepared_state = state;
        pthread_mutex_unlock(&journal->prepared_lock);
}

/* Zeros must not take the last room from messages and from the state. */
static bool prepared_has_space(const Journal *journal) {
        struct statvfs st;

        if (fstatvfs(journal->folder_fd, &st) < 0)
                return true;
        return (uint64_t)st.f_bavail * st.f_frsize >= 3 * journal->segment_bytes;
}

static int prepared_begin(Journal *journal) {
        _cleanup_(closep) int fd = -1;
        int r;

        fd = openat(journal->folder_fd, SEGMENT_FILLING, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0)
                return -errno;
        r = segment_reserve(fd, journal->segment_bytes);
        if (r < 0)
                return r;
        journal->prepared_fd = TAKE_FD(fd);
        journal->prepared_filled = 0;
        journal->prepared_bytes = journal->segment_bytes;
        prepared_set(journal, PREPARED_FILLING);
        return 0;
}

static int prepared_end(Journal *journal) {
        if (fsync(journal->prepared_fd) < 0)
                return -errno;
        if (renameat(journal->folder_fd, SEGMENT_FILLING, journal->folder_fd, SEGMENT_READY) < 0)
                return -errno;
        if (fsync(journal->folder_fd) < 0)
                return -errno;
        prepared_set(journal, PREPARED_READY);
        return 0;
}

static int prepared_give_up(Journal *journal, int error) {
        closep(&journal->prepared_fd);
        journal->prepared_fd = -1;
        (void)unlinkat(journal->folder_fd, SEGMENT_FILLING, 0);
        prepared_set(journal, PREPARED_NONE);
        return segment_is_no_space(error) ? 0 : error;
}

int journal_prepare_step(Journal *journal) {
        int r;

        switch (prepared_state(journal)) {
        case PREPARED_READY:
                return 0;
        case PREPARED_NONE:
                if (!prepared_has_space(journal))
                        return 0;
                r = prepared_begin(journal);
                return r < 0 ? prepared_give_up(journal, r) : 1;
        case PREPARED_FILLING:
        default:
                r = segment_fill(journal->prepared_fd, &journal->prepared_filled, SEGMENT_FILL_STEP,
                                 journal->prepared_bytes);
                if (r == 0 && journal->prepared_filled < journal->prepared_bytes)
                        return 1;
                if (r == 0)
                        r = prepared_end(journal);
                return r < 0 ? prepared_give_up(journal, r) : 0;
        }
}

int journal_prepare_take(Journal *journal, uint64_t bytes, uint64_t *ret_bytes) {
        int fd = -1;

        pthread_mutex_lock(&journal->prepared_lock);
        /* Renamed under the lock: the background thread may have the one after it ready before this one has its name. */
        if (journal->prepared_state == PREPARED_READY && journal->prepared_bytes >= bytes &&
            renameat(journal->folder_fd, SEGMENT_READY, journal->folder_fd, SEGMENT_NEW) == 0) {
                fd = TAKE_FD(journal->prepared_fd);
                *ret_bytes = journal->prepared_bytes;
                journal->prepared_state = PREPARED_NONE;
        }
        pthread_mutex_unlock(&journal->prepared_lock);
        return fd;
}

int journal_prepare_adopt(Journal *journal) {
        static const char *const leftovers[] = { SEGMENT_FILLING, SEGMENT_NEW, SEGMENT_EXPIRED, "seal.tmp",
                                                 "trim.tmp" };
        _cleanup_(closep) int fd = -1;
        struct stat st;

        for (size_t i = 0; i < ELEMENTSOF(leftovers); i++)
                if (unlinkat(journal->folder_fd, leftovers[i], 0) < 0 && errno != ENOENT)
                        return -errno;
        fd = openat(journal->folder_fd, SEGMENT_READY, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if ((uint64_t)st.st_size < journal->segment_bytes)
                return unlinkat(journal->folder_fd, SEGMENT_READY, 0) < 0 ? -errno : 0;
        journal->prepared_fd = TAKE_FD(fd);
        journal->prepared_bytes = (uint64_t)st.st_size;
        journal->prepared_state = PREPARED_READY;
        return 0;
}

void journal_prepare_deinit(Journal *journal) {
        closep(&journal->prepared_fd);
        pthread_mutex_destroy(&journal->prepared_lock);
}
