/*
 * carebusctl restore: puts a backup in the place of the state. Everything is looked at before anything is changed; it is filled in beside,
 * proved once more where it lies, and moved into place at the end. A mark in the folder keeps the daemon from starting on half of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "ctl/backup-parts.h"
#include "ctl/command.h"
#include "daemon/audit/verify.h"
#include "daemon/store/copy.h"
#include "daemon/store/journal.h"
#include "daemon/store/lineage.h"

#define KEY_FILE_MAX (64U << 10)
#define ROOM_BESIDES (16U << 20) /* for what the start makes before anybody can look */
#define FILLING "restoring.tmp"
#define MARK RESTORE_MARK
#define ASIDE "replaced-"
#define ASIDE_TRIES 100          /* restores within one second */
#define MARK_MOVING "moving\n"   /* what was there is being moved aside: some of it may still be there */
#define MARK_FILLING "filling\n" /* all that is not aside is of this restore */

typedef struct Restore {
        const char *folder, *state, *key; /* `key` NULL: the one that lies in the backup */
        bool force;
        int lock_fd;
        Manifest manifest;
        Buffer text;
        BackupProgress progress;
        uid_t uid;
        gid_t gid;
        bool stranger; /* root puts back what is another's */
} Restore;

static void restore_deinit(Restore *restore) {
        manifest_deinit(&restore->manifest);
        buffer_deinit(&restore->text);
        closep(&restore->lock_fd);
}

static int say_failed(const char *path, int r) {
        error_print(PROGRAM, "%s: %s", path, strerror(-r));
        return EXIT_STORAGE;
}

static bool is_ours(const char *name) {
        static const char *const ours[] = { ".", "..", "lock", MARK, FILLING, "lost+found" };

        for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                if (text_equal(name, ours[i]))
                        return true;
        return text_starts_with(name, ASIDE);
}

/* ---- is the backup whole? ----------------------------------------------------------------------------------------------- */

static int check_file(Restore *restore, const ManifestFile *file) {
        _cleanup_(freep) char *path = path_of(restore->folder, file->path);
        const Copy look = {
                .from = path, .take = UINT64_MAX, .progress = backup_progress, .owner = &restore->progress
        };
        uint8_t sha[SHA256_SIZE];
        uint64_t size = 0;
        int r = path ? backup_look_plain(restore->folder, file->path, &size) : -ENOMEM;

        if (r == 0 && size == file->size)
                r = copy_file(&look, &size, sha);
        if (r < 0 && r != -ENOENT && r != -ELOOP)
                return say_failed(path ? path : "memory", r);
        if (r == 0 && size == file->size && memcmp(sha, file->sha256, SHA256_SIZE) == 0)
                return EXIT_DONE;
        error_print(PROGRAM, "%s %s: take another backup", path,
                    r == -ENOENT  ? "is missing"
                    : r == -ELOOP ? "is no plain file, or lies behind a link"
                                  : "is not what was written");
        return EXIT_NO;
}

/* What a restore keeps in the state for itself, no backup has. */
static int check_names(const Restore *restore) {
        for (size_t i = 0; i < restore->manifest.n_files; i++) {
                const char *path = restore->manifest.files[i].path;
                char first[MANIFEST_PATH_MAX + 1];

                snprintf(first, sizeof(first), "%.*s", (int)strcspn(path, "/"), path);
                if (!is_ours(first))
                        continue;
                error_print(PROGRAM, "the manifest in %s names %s, which no backup holds: take another backup",
                            restore->folder, path);
                return EXIT_NO;
        }
        return EXIT_DONE;
}

static int check_signature(const Restore *restore) {
        _cleanup_(freep) char *own = NULL;
        _cleanup_(buffer_deinit) Buffer pem = BUFFER_NULL;
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        char hex[2 * SIGN_KEY_ID_SIZE + 1];
        uint64_t size;
        int r;

        if (!restore->manifest.is_signed && !restore->key)
                return EXIT_DONE;
        hex_encode(restore->manifest.key, sizeof(restore->manifest.key), hex);
        r = text_format(&own, "%s/serve/audit/key-%s.pub", restore->folder, hex);
        if (r == 0 && !restore->key)
                r = backup_look_plain(restore->folder, own + strlen(restore->folder) + 1, &size);
        r = r ?: file_read(restore->key ? restore->key : own, KEY_FILE_MAX, &pem);
        r = r ?: sign_key_from_pem(buffer_bytes(&pem), &key);
        if (r < 0) {
                error_print(PROGRAM, "the key %s that the backup has to be signed by cannot be read: %s",
                            restore->key ? restore->key
                            : own        ? own
                                         : "?",
                            strerror(-r));
                return EXIT_NO;
        }
        if (restore->manifest.is_signed && manifest_signature_holds(buffer_bytes(&restore->text), key))
                return EXIT_DONE;
        error_print(PROGRAM, "the manifest in %s is not signed by that key: take another backup", restore->folder);
        return EXIT_NO;
}

static int check_backup(Restore *restore) {
        int r = backup_read_manifest(restore->folder, &restore->manifest, &restore->text);

        r = r ?: check_signature(restore);
        r = r ?: check_names(restore);
        for (size_t i = 0; i < restore->manifest.n_files; i++)
                restore->progress.all += 2 * restore->manifest.files[i].size;
        restore->progress.progress = (Progress){ .what = "checking" };
        for (size_t i = 0; r == EXIT_DONE && i < restore->manifest.n_files; i++)
                r = check_file(restore, &restore->manifest.files[i]);
        progress_end(&restore->progress.progress);
        return r;
}

/* ---- the place ---------------------------------------------------------------------------------------------------------- */

/* Not what has another name too: whose it is there is nobody's business here. */
static int give_lock(const Restore *restore, const struct stat *folder) {
        struct stat st;

        if (fstat(restore->lock_fd, &st) < 0)
                return -1;
        if (S_ISREG(st.st_mode) && st.st_nlink == 1)
                return fchown(restore->lock_fd, folder->st_uid, folder->st_gid);
        errno = EMLINK;
        return -1;
}

static int take_lock(Restore *restore) {
        _cleanup_(freep) char *path = path_of(restore->state, "lock");
        struct stat st;
        int r = path ? folder_make(restore->state, 0750) : -ENOMEM;

        if (r == 0) {
                restore->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
                r = restore->lock_fd < 0 || stat(restore->state, &st) < 0 ? -errno : 0;
        }
        if (r < 0)
                return say_failed(restore->state, r);
        restore->uid = st.st_uid;
        restore->gid = st.st_gid;
        restore->stranger = geteuid() == 0 && st.st_uid != 0;
        if (restore->stranger && give_lock(restore, &st) < 0)
                return say_failed(path, -errno);
        if (flock(restore->lock_fd, LOCK_EX | LOCK_NB) == 0)
                return EXIT_DONE;
        error_print(PROGRAM, "a daemon uses %s: stop it first", restore->state);
        return EXIT_LATER;
}

/* What lies in the state beside what a restore may leave there. Negative, or 1 where `each` ended it. */
typedef int (*EntrySeen)(Restore *restore, const char *name, void *owner);
static int each_entry(Restore *restore, EntrySeen each, void *owner) {
        struct dirent **names = NULL;
        int n = scandir(restore->state, &names, NULL, alphasort), r = 0;

        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                if (r == 0 && !is_ours(names[i]->d_name))
                        r = each(restore, names[i]->d_name, owner);
                free(names[i]);
        }
        free(names);
        return r;
}

static int entry_is_there(Restore *restore, const char *name, void *owner) {
        (void)restore;
        (void)name;
        (void)owner;
        return 1;
}

static int entry_remove(Restore *restore, const char *name, void *owner) {
        _cleanup_(freep) char *path = path_of(restore->state, name);

        (void)owner;
        return path ? backup_remove(path) : -ENOMEM;
}

static int entry_move(Restore *restore, const char *name, void *owner) {
        _cleanup_(freep) char *from = path_of(restore->state, name), *to = path_of(owner, name);

        if (!from || !to)
                return -ENOMEM;
        return rename(from, to) < 0 ? -errno : 0;
}

/* In place, so that nothing else is left over: a mark that is half there says `moving`. */
static int mark_write_phase(const Restore *restore, const char *phase) {
        _cleanup_(freep) char *path = path_of(restore->state, MARK);
        _cleanup_(closep) int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644) : -1;
        int r;

        if (fd < 0)
                return path ? -errno : -ENOMEM;
        r = write_all(fd, phase, strlen(phase));
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r ?: folder_sync(restore->state);
}

/* A folder of its own: what another restore of this second moved aside stays what it is. A link would have the old state moved to where it
 * leads, and is nobody's folder. */
static int aside_make(const Restore *restore, char **ret) {
        const int64_t now = clock_now_at(&clock_system) / USEC_PER_SEC;
        struct stat st;

        for (unsigned n = 0; n < ASIDE_TRIES; n++) {
                _cleanup_(freep) char *path = NULL;
                int r = n == 0 ? text_format(&path, "%s/" ASIDE "%" PRId64, restore->state, now)
                               : text_format(&path, "%s/" ASIDE "%" PRId64 "-%u", restore->state, now, n);

                if (r < 0)
                        return r;
                if (mkdir(path, 0750) == 0) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
                if (errno != EEXIST || lstat(path, &st) < 0)
                        return -errno;
                if (!S_ISDIR(st.st_mode))
                        return -EEXIST;
        }
        return -EEXIST;
}

static int move_aside(Restore *restore) {
        _cleanup_(freep) char *aside = NULL;
        int r = aside_make(restore, &aside);

        r = r ?: mark_write_phase(restore, MARK_MOVING);
        r = r ?: each_entry(restore, entry_move, aside);
        r = r ?: folder_sync(aside);
        r = r ?: folder_sync(restore->state);
        if (r == 0)
                fprintf(stderr, PROGRAM ": what was in the state is in %s now\n", aside);
        return r;
}

/* One that was broken off left the mark: from `filling` on, nothing that lies here is anybody else's. */
static int clear_unfinished(Restore *restore) {
        _cleanup_(freep) char *mark = path_of(restore->state, MARK), *filling = path_of(restore->state, FILLING);
        _cleanup_(buffer_deinit) Buffer phase = BUFFER_NULL;
        int r = mark && filling ? file_read(mark, sizeof(MARK_FILLING), &phase) : -ENOMEM;

        if (r == -ENOENT)
                return 0;
        r = r ?: backup_remove(filling);
        if (r == 0 && bytes_equal(buffer_bytes(&phase), BYTES_LITERAL(MARK_FILLING)))
                r = each_entry(restore, entry_remove, NULL);
        return r;
}

static int make_place(Restore *restore) {
        int there, r = clear_unfinished(restore);

        there = r == 0 ? each_entry(restore, entry_is_there, NULL) : r;
        if (there < 0)
                return say_failed(restore->state, there);
        if (there > 0 && !restore->force) {
                error_print(PROGRAM, "%s holds a state already: give another folder, or --force, which moves it aside",
                            restore->state);
                return EXIT_NO;
        }
        return EXIT_DONE;
}

static int check_room(const Restore *restore) {
        uint64_t needed = ROOM_BESIDES, room;
        struct statvfs st;

        for (size_t i = 0; i < restore->manifest.n_files; i++)
                needed += restore->manifest.files[i].size;
        if (statvfs(restore->state, &st) < 0)
                return say_failed(restore->state, -errno);
        room = (uint64_t)st.f_bavail * st.f_frsize;
        if (room >= needed)
                return EXIT_DONE;
        error_print(PROGRAM, "%s has room for %" PRIu64 " bytes, and %" PRIu64 " are needed: nothing was changed",
                    restore->state, room, needed);
        return EXIT_STORAGE;
}

/* ---- filling in --------------------------------------------------------------------------------------------------------- */

static int fill_file(Restore *restore, const char *filling, const ManifestFile *file) {
        _cleanup_(freep) char *from = path_of(restore->folder, file->path), *to = path_of(filling, file->path);
        Copy copy = { .from = from, .to = to, .take = UINT64_MAX, .mode = backup_mode_of(file->path) };
        uint8_t sha[SHA256_SIZE];
        uint64_t size;
        int r = from && to ? backup_make_parents(filling, file->path, 0750) : -ENOMEM;

        copy.progress = backup_progress;
        copy.owner = &restore->progress;
        r = r ?: copy_file(&copy, &size, sha);
        if (r == 0 && (size != file->size || memcmp(sha, file->sha256, SHA256_SIZE) != 0))
                r = -EIO;
        return r;
}

/* The journal's chain, and that of the audit, as they lie there now. */
static int prove(const Restore *restore, const char *filling) {
        _cleanup_(freep) char *journal = path_of(filling, "journal"), *audit = path_of(filling, "serve/audit");
        const AuditVerifyOptions options = { .folder = audit, .still = true };
        const Manifest *manifest = &restore->manifest;
        JournalFault fault = { .reason = "unknown" };
        JournalVerified verified;
        AuditVerified audited;
        int r = journal && audit ? journal_verify(journal, 0, NULL, NULL, &verified, &fault) : -ENOMEM;

        if (r != 0 || verified.last_seq != manifest->seq || memcmp(verified.chain, manifest->chain, SHA256_SIZE) != 0) {
                error_print(PROGRAM,
                            "the journal of this backup does not hold (entry %" PRIu64 ", %s): take another backup",
                            r == 0 ? verified.last_seq : fault.seq, r == 0 ? "another end" : fault.reason);
                return EXIT_NO;
        }
        if (manifest->audit == 0)
                return EXIT_DONE;
        r = audit_verify(&options, &audited);
        if (r == 0)
                return EXIT_DONE;
        error_print(PROGRAM, "the audit of this backup does not hold (record %" PRIu64 ": %s): take another backup",
                    audited.fault.number,
                    r == AUDIT_E_DAMAGED ? audit_reason_says(audited.fault.reason) : "cannot be read");
        return EXIT_NO;
}

/* Numbers behind the backup are going to be given again. */
static int fork_lineage(const Restore *restore, const char *filling) {
        _cleanup_(freep) char *path = path_of(filling, LINEAGE_FILE);
        Lineage lineage;
        int r = path ? backup_make_parents(filling, LINEAGE_FILE, 0750) : -ENOMEM;

        r = r ?: lineage_read(path, restore->manifest.journal, &lineage);
        r = r ?: lineage_fork(&lineage, restore->manifest.seq, clock_now_at(&clock_system));
        return r ?: lineage_write(path, &lineage);
}

static int own_all(const Restore *restore, const char *folder);

/* A folder comes after what is in it: until then nobody else can put a link in its place. */
static int own_one(const Restore *restore, const char *path) {
        struct stat st;
        int r = lstat(path, &st) < 0 ? -errno : 0;

        if (r == 0 && S_ISDIR(st.st_mode))
                r = own_all(restore, path);
        return r ?: lchown(path, restore->uid, restore->gid) < 0 ? -errno : 0;
}

static int own_all(const Restore *restore, const char *folder) {
        struct dirent **names = NULL;
        int n = restore->stranger ? scandir(folder, &names, NULL, alphasort) : 0, r = n < 0 ? -errno : 0;

        for (int i = 0; i < n; i++) {
                _cleanup_(freep) char *path = path_of(folder, names[i]->d_name);

                if (r == 0 && !path)
                        r = -ENOMEM;
                if (r == 0 && !text_equal(names[i]->d_name, ".") && !text_equal(names[i]->d_name, ".."))
                        r = own_one(restore, path);
                free(names[i]);
        }
        free(names);
        return r;
}

static int fill(Restore *restore, const char *filling) {
        int r = backup_remove(filling); /* whatever it is, and wherever it leads: what is filled in is ours alone */

        if (r == 0 && mkdir(filling, 0750) < 0)
                r = -errno;
        restore->progress.progress = (Progress){ .what = "restoring" };
        for (size_t i = 0; r == 0 && i < restore->manifest.n_files; i++)
                r = fill_file(restore, filling, &restore->manifest.files[i]);
        progress_end(&restore->progress.progress);
        r = r ?: fork_lineage(restore, filling);
        r = r ?: own_all(restore, filling);
        r = r ?: backup_sync_folders(filling);
        return r < 0 ? say_failed(filling, r) : prove(restore, filling);
}

static int move_in(const Restore *restore, const char *filling) {
        _cleanup_(freep) char *mark = path_of(restore->state, MARK);
        struct dirent **names = NULL;
        int n = scandir(filling, &names, NULL, alphasort), r = n < 0 ? -errno : mark ? 0 : -ENOMEM;

        for (int i = 0; i < n; i++) {
                _cleanup_(freep) char *from = path_of(filling, names[i]->d_name),
                                      *to = path_of(restore->state, names[i]->d_name);

                if (r == 0 && (!from || !to))
                        r = -ENOMEM;
                if (r == 0 && !text_equal(names[i]->d_name, ".") && !text_equal(names[i]->d_name, "..") &&
                    rename(from, to) < 0)
                        r = -errno;
                free(names[i]);
        }
        free(names);
        if (r == 0 && rmdir(filling) < 0)
                r = -errno;
        r = r ?: folder_sync(restore->state);
        if (r == 0 && unlink(mark) < 0)
                r = -errno;
        r = r ?: folder_sync(restore->state);
        return r < 0 ? say_failed(restore->state, r) : EXIT_DONE;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

static int say_done(const Context *context, const Restore *restore) {
        const Manifest *manifest = &restore->manifest;
        char at[CIVIL_TEXT_SIZE], made[CIVIL_TEXT_SIZE];

        civil_format(manifest->at, at);
        civil_format(manifest->made_at, made);
        if (context->json) {
                printf("{\"seq\":%" PRIu64 ",\"at\":\"%s\",\"made_at\":\"%s\",\"audit\":%" PRIu64
                       ",\"signed\":%s,\"keys\":%s}\n",
                       manifest->seq, at, made, manifest->audit, manifest->is_signed ? "true" : "false",
                       manifest->has_keys ? "true" : "false");
                return EXIT_DONE;
        }
        printf("restored the bus %s up to entry %" PRIu64 ", received at %s; the backup was made at %s, %s\n",
               manifest->bus, manifest->seq, at, made,
               manifest->is_signed ? "and its signature holds"
                                   : "and nobody signed it: its hashes say that it is whole, not whose it is");
        printf("what was stored after that entry is not here. Where the host that took it is lost, it is lost, "
               "although senders\n"
               "were told that it is stored: have every source send again what it sent from %s on\n",
               at);
        puts("readers who hold more than this are told so when they open their feed; readers of records are given all "
             "of them.\n"
             "Start carebusd: it builds the rest anew, which takes a while, then see carebusctl status and converge");
        return EXIT_DONE;
}

static int run(const Context *context, Restore *restore) {
        _cleanup_(freep) char *filling = path_of(restore->state, FILLING);
        int r = filling ? take_lock(restore) : EXIT_SOFTWARE, moved;

        r = r ?: check_backup(restore);
        r = r ?: make_place(restore);
        r = r ?: check_room(restore);
        if (r != EXIT_DONE)
                return r;
        moved = restore->force && each_entry(restore, entry_is_there, NULL) > 0 ? move_aside(restore) : 0;
        moved = moved ?: mark_write_phase(restore, MARK_FILLING);
        if (moved < 0)
                return say_failed(restore->state, moved);
        r = fill(restore, filling);
        r = r ?: move_in(restore, filling);
        return r ?: say_done(context, restore);
}

int command_restore(const Context *context, int argc, char **argv) {
        _cleanup_(restore_deinit) Restore restore = { .lock_fd = -1 };
        const struct {
                const char *name;
                const char **value;
        } options[] = { { "--state", &restore.state }, { "--key", &restore.key } };

        for (int i = 1; i < argc; i++) {
                const char **value = argv[i][0] != '-' && !restore.folder ? &restore.folder : NULL;

                if (text_equal(argv[i], "--force")) {
                        restore.force = true;
                        continue;
                }
                for (size_t j = 0; !value && j < ELEMENTSOF(options); j++)
                        if (text_equal(argv[i], options[j].name) && i + 1 < argc)
                                value = options[j].value;
                if (!value)
                        return command_wrong_use(argv[0], "unknown option");
                *value = value == &restore.folder ? argv[i] : argv[++i];
        }
        if (!restore.folder || !restore.state)
                return command_wrong_use(argv[0], "say the backup's folder, and --state");
        return run(context, &restore);
}
