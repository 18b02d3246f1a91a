/* See watch.h. */
#include "adapters/csv/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "adapters/csv/translate.h"
#include "base/clock.h"

/* More than this are looked at when those before them are gone. */
#define CANDIDATES_MAX 4096
/* Files of others, however many, leave room for ours. */
#define FOREIGN_MAX (CANDIDATES_MAX / 2)
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_MODIFY | IN_ATTRIB)

typedef struct Candidate {
        char name[FOLDER_NAME_SIZE];
        FolderFile file;
        int64_t still_since; /* monotonic */
        int64_t put_off_until;
        bool was_closed, was_said, is_ready, is_seen;
} Candidate;

struct Watch {
        const Folder *folder;
        const Profile *profile;
        WatchHost host;
        int fd;
        Candidate *candidates;
        size_t n_candidates;
};

int watch_new(const char *path, const Folder *folder, const Profile *profile, const WatchHost *host, Watch **ret) {
        _cleanup_(watch_freep) Watch *watch = calloc(1, sizeof(*watch));

        if (!watch)
                return -ENOMEM;
        *watch = (Watch){ .folder = folder, .profile = profile, .host = *host };
        watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (watch->fd >= 0 && inotify_add_watch(watch->fd, path, EVENTS | IN_ONLYDIR) < 0) {
                close(watch->fd);
                watch->fd = -1;
        }
        watch->candidates = calloc(CANDIDATES_MAX, sizeof(*watch->candidates));
        if (!watch->candidates)
                return -ENOMEM;
        *ret = TAKE_PTR(watch);
        return 0;
}

Watch *watch_free(Watch *watch) {
        if (!watch)
                return NULL;
        closep(&watch->fd);
        free(watch->candidates);
        free(watch);
        return NULL;
}

int watch_fd(const Watch *watch) {
        return watch->fd;
}

static Candidate *find(Watch *watch, const char *name) {
        for (size_t i = 0; i < watch->n_candidates; i++)
                if (strcmp(watch->candidates[i].name, name) == 0)
                        return &watch->candidates[i];
        return NULL;
}

static Candidate *find_or_add(Watch *watch, const char *name, int64_t now) {
        Candidate *candidate = find(watch, name);

        if (candidate || watch->n_candidates == CANDIDATES_MAX || strlen(name) >= FOLDER_NAME_SIZE)
                return candidate;
        candidate = &watch->candidates[watch->n_candidates++];
        *candidate = (Candidate){ .still_since = now };
        snprintf(candidate->name, sizeof(candidate->name), "%s", name);
        return candidate;
}

bool watch_heed(Watch *watch) {
        union {
                struct inotify_event event;
                char bytes[16 * 1024];
        } buffer;
        bool is_any = false;
        ssize_t n;

        if (watch->fd < 0)
                return false;
        while ((n = read(watch->fd, buffer.bytes, sizeof(buffer.bytes))) > 0)
                for (ssize_t at = 0; at < n;) {
                        const struct inotify_event *event = (const struct inotify_event *)(buffer.bytes + at);
                        Candidate *candidate;

                        is_any = true;
                        at += (ssize_t)(sizeof(*event) + event->len);
                        if (event->len == 0 || !(event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MODIFY)))
                                continue;
                        candidate = find_or_add(watch, event->name, clock_monotonic(&clock_system));
                        if (candidate) /* who writes again has not closed it yet, however often it was closed before */
                                candidate->was_closed = !(event->mask & IN_MODIFY);
                }
        return is_any;
}

/* ---- what is still ---- */

static bool is_still(const Candidate *candidate, int64_t now, int64_t now_at) {
        int64_t still = now - candidate->still_since, age = now_at - candidate->file.modified_at / 1000;

        if (candidate->file.size == 0)
                return still >= WATCH_STILL_EMPTY || (still >= WATCH_STILL && age >= WATCH_STILL_EMPTY);
        return still >= WATCH_STILL_UNHEARD ||
               (still >= WATCH_STILL && (candidate->was_closed || age >= WATCH_STILL_UNHEARD));
}

static const char *workbook_ends[] = { ".xlsx", ".xls", ".xlsm", ".ods", ".numbers" };

static WatchLeft left_why(const char *name) {
        const char *end = strrchr(name, '.');

        for (size_t i = 0; end && i < ELEMENTSOF(workbook_ends); i++)
                if (strcasecmp(end, workbook_ends[i]) == 0)
                        return WATCH_LEFT_WORKBOOK;
        return WATCH_LEFT_NAME;
}

static void leave(Watch *watch, Candidate *candidate, const FolderFile *file, WatchLeft why) {
        if (!candidate->was_said)
                watch->host.left_alone(watch->host.owner, candidate->name, file, why);
        candidate->was_said = true;
}

static void look_at(Watch *watch, const char *name, int64_t now, int64_t now_at) {
        FolderName kind = folder_name_kind(name);
        Candidate *candidate;
        const char *table;
        FolderFile file;
        bool is_ours;
        int r;

        if (kind == FOLDER_NAME_OURS || kind == FOLDER_NAME_TEMPORARY)
                return;
        r = folder_look(watch->folder, name, &file);
        if (r == -ENOENT || r == -EISDIR)
                return;
        is_ours = csv_name_is_known(watch->profile, name, &table);
        if (!is_ours && watch->n_candidates >= FOREIGN_MAX)
                return;
        candidate = find_or_add(watch, name, now);
        if (!candidate)
                return;
        candidate->is_seen = true;
        if (!folder_file_is_same(&file, &candidate->file)) {
                candidate->was_said = candidate->was_said && r < 0;
                candidate->file = file;
                candidate->still_since = now;
        }
        if (r < 0) {
                leave(watch, candidate, NULL, WATCH_LEFT_NO_FILE);
                return;
        }
        if (!is_still(candidate, now, now_at))
                return;
        if (kind == FOLDER_NAME_TOO_LONG)
                leave(watch, candidate, NULL, WATCH_LEFT_LONG);
        else if (!is_ours)
                leave(watch, candidate, &file, left_why(name));
        else
                candidate->is_ready = now >= candidate->put_off_until && !folder_is_busy(watch->folder, name, now_at);
}

int watch_scan(Watch *watch, int64_t now, int64_t now_at) {
        _cleanup_(closedirp) DIR *dir = NULL;
        int fd = openat(folder_fd(watch->folder), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        size_t n_kept = 0;
        struct dirent *entry;

        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -errno;
        }
        for (size_t i = 0; i < watch->n_candidates; i++)
                watch->candidates[i].is_seen = watch->candidates[i].is_ready = false;
        while ((errno = 0, entry = readdir(dir)))
                look_at(watch, entry->d_name, now, now_at);
        if (errno != 0)
                return -errno;
        for (size_t i = 0; i < watch->n_candidates; i++)
                if (watch->candidates[i].is_seen)
                        watch->candidates[n_kept++] = watch->candidates[i];
        watch->n_candidates = n_kept;
        return 0;
}

/* Who was written first; of two of one moment, by name. */
static bool is_before(const Candidate *a, const Candidate *b) {
        if (a->file.modified_at != b->file.modified_at)
                return a->file.modified_at < b->file.modified_at;
        return strcmp(a->name, b->name) < 0;
}

const char *watch_next(const Watch *watch) {
        const Candidate *best = NULL;

        for (size_t i = 0; i < watch->n_candidates; i++)
                if (watch->candidates[i].is_ready && (!best || is_before(&watch->candidates[i], best)))
                        best = &watch->candidates[i];
        return best ? best->name : NULL;
}

bool watch_is_waiting(const Watch *watch) {
        for (size_t i = 0; i < watch->n_candidates; i++)
                if (!watch->candidates[i].was_said && !watch->candidates[i].is_ready)
                        return true;
        return false;
}

void watch_put_off(Watch *watch, const char *name, int64_t until) {
        Candidate *candidate = find(watch, name);

        if (!candidate)
                return;
        candidate->put_off_until = until;
        candidate->is_ready = false;
}
