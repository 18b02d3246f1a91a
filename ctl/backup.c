/*
 * carebusctl backup: a copy of the state up to a stated entry, made while the bus takes messages.
 *
 * The order makes it one moment. Places of readers come first, then the audit, then the journal up to a number that is chosen behind both:
 * so no reader has acknowledged what the audit does not know, and neither speaks of an entry that is not there. While the lock is held the
 * daemon lets go of nothing, and bases are copied only as far as they stand at or below that number.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "ctl/backup-parts.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "daemon/audit/verify.h"
#include "daemon/store/copy.h"
#include "daemon/store/journal.h"
#include "daemon/store/lineage.h"

#define KEY_FILE_MAX (64U << 10)
#define ANCHORS_FILE_MAX (1U << 30)
#define SEGMENT_FILE "journal/%020" PRIu64 ".seg"
#define ALL UINT64_MAX

typedef struct Backup {
        const Config *config;
        const char *folder, *earlier; /* `earlier` NULL: all is copied */
        bool with_keys;
        Manifest manifest, before;
        BackupProgress progress;
        uint64_t bytes, linked; /* of all files; of those that are the earlier backup's too */
} Backup;

static void backup_deinit(Backup *backup) {
        manifest_deinit(&backup->manifest);
        manifest_deinit(&backup->before);
}

/* What went wrong on the way: said once, where it is known what it was about. */
static int say_failed(const char *path, int r) {
        if (r == -ENOSPC || r == -EDQUOT)
                error_print(PROGRAM,
                            "no room for %s: free some, then run the same again; what is there now is no backup", path);
        else
                error_print(PROGRAM, "%s: %s", path, strerror(-r));
        return EXIT_STORAGE;
}

/* ---- one file ------------------------------------------------------------------------------------------------------------- */

/* The earlier backup has this file as it is now: both get to share it. 0, 1: it has not, or cannot be shared; negative. */
static int link_earlier(Backup *backup, const char *path, const Copy *copy) {
        const ManifestFile *file = backup->earlier ? manifest_find(&backup->before, path) : NULL;
        _cleanup_(freep) char *there = backup->earlier ? path_of(backup->earlier, path) : NULL;
        uint8_t now[SHA256_SIZE], then[SHA256_SIZE];
        uint64_t size, size_then;
        Copy look = *copy;
        int r;

        if (!file)
                return 1;
        if (!there)
                return -ENOMEM;
        look.to = NULL;
        look.progress = NULL;
        r = copy_file(&look, &size, now);
        if (r < 0)
                return r;
        if (size != file->size || memcmp(now, file->sha256, SHA256_SIZE) != 0)
                return 1;
        /* A file that went bad on that disk is not to be passed on. */
        look = (Copy){ .from = there, .take = ALL };
        if (copy_file(&look, &size_then, then) < 0 || size_then != size || memcmp(now, then, SHA256_SIZE) != 0)
                return 1;
        if (link(there, copy->to) < 0)
                return errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EACCES ? 1 : -errno;
        backup->linked += size;
        backup->bytes += size;
        (void)backup_progress(size, &backup->progress);
        return manifest_add(&backup->manifest, path, size, now);
}

/* `path` is the file's place in the state and in the backup. 0, -ENOENT: there is none; negative. */
static int put_part(Backup *backup, const char *path, uint64_t take, uint64_t size) {
        _cleanup_(freep) char *from = config_state_path(backup->config, path);
        _cleanup_(freep) char *to = path_of(backup->folder, path);
        Copy copy = { .from = from, .to = to, .take = take, .size = size, .mode = backup_mode_of(path) };
        uint8_t sha[SHA256_SIZE];
        uint64_t copied;
        int r;

        if (!from || !to)
                return -ENOMEM;
        if (access(from, F_OK) < 0)
                return -errno;
        copy.progress = backup_progress;
        copy.owner = &backup->progress;
        r = backup_make_parents(backup->folder, path, 0700);
        r = r ?: link_earlier(backup, path, &copy);
        if (r <= 0)
                return r;
        r = copy_file(&copy, &copied, sha);
        if (r < 0)
                return r;
        backup->bytes += copied;
        return manifest_add(&backup->manifest, path, copied, sha);
}

static int put(Backup *backup, const char *path) {
        return put_part(backup, path, ALL, 0);
}

static int put_if_there(Backup *backup, const char *path) {
        int r = put(backup, path);

        return r == -ENOENT ? 0 : r;
}

/* ---- the audit ------------------------------------------------------------------------------------------------------------ */

/* Up to the last whole line: the next may be on its way. */
static int put_anchors(Backup *backup) {
        _cleanup_(freep) char *path = config_state_path(backup->config, "serve/audit/anchors");
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        int r = path ? file_read(path, ANCHORS_FILE_MAX, &text) : -ENOMEM;

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        while (text.size > 0 && text.data[text.size - 1] != '\n')
                text.size--;
        return put_part(backup, "serve/audit/anchors", text.size, 0);
}

static int put_audit_file(Backup *backup, const char *name, const AuditEnd *end) {
        _cleanup_(freep) char *path = path_of("serve/audit", name);
        const char *suffix = strrchr(name, '.');
        char *digits_end;
        uint64_t first;

        if (!path)
                return -ENOMEM;
        if (text_starts_with(name, "key-") || text_starts_with(name, "torn-") || text_equal(name, AUDIT_BEGINNING))
                return put(backup, path);
        /* What was carried over of segments that retention removed, too. */
        if (suffix && text_equal(suffix, ".carried"))
                return put(backup, path);
        if (!suffix || !text_equal(suffix, ".audit"))
                return 0;
        first = strtoull(name, &digits_end, 10);
        if (digits_end != suffix || first > end->segment)
                return 0;
        return put_part(backup, path, first == end->segment ? end->offset : ALL, 0);
}

static int put_audit(Backup *backup) {
        _cleanup_(freep) char *folder = config_state_path(backup->config, "serve/audit");
        struct dirent **names = NULL;
        AuditEnd end = { 0 };
        int r = folder ? put_anchors(backup) : -ENOMEM, n;

        r = r ?: audit_find_end(folder, &end);
        if (r == AUDIT_E_NONE)
                return 0;
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        backup->manifest.audit = end.number;
        n = scandir(folder, &names, NULL, alphasort);
        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                r = r ?: put_audit_file(backup, names[i]->d_name, &end);
                free(names[i]);
        }
        free(names);
        r = r ?: put_if_there(backup, "serve/audit.pub");
        return r ?: backup->with_keys ? put_if_there(backup, "serve/audit.key") : 0;
}

/* ---- the journal ---------------------------------------------------------------------------------------------------------- */

/* Does somebody hold the state's lock? */
static bool is_running(const Config *config) {
        _cleanup_(freep) char *lock = config_state_path(config, "lock");
        _cleanup_(closep) int fd = lock ? open(lock, O_RDONLY | O_CLOEXEC) : -1;

        return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

/* What the daemon says is durable; 0 where none runs. An exit code, and what is wrong is said. */
static int ask_committed(const Config *config, uint64_t *ret) {
        Carebus__V1__StatusRequest status = CAREBUS__V1__STATUS_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(client_freep) Client *client = NULL;
        const Carebus__V1__Reply *reply;
        int r;

        *ret = 0;
        if (!is_running(config))
                return EXIT_DONE;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_STATUS;
        request.status = &status;
        r = client_new(config, "control", &client);
        r = r ?: client_ask(client, &request, &reply);
        if (r == CLIENT_E_UNREACHABLE && !is_running(config))
                return EXIT_DONE; /* it ended meanwhile: what it left is what there is */
        if (r != 0)
                return client_say(r, "control");
        if (reply->answer_case != CAREBUS__V1__REPLY__ANSWER_STATUS || reply->status->seq == 0) {
                error_print(PROGRAM, "the daemon does not say how far its journal is: try again in a moment");
                return EXIT_LATER;
        }
        *ret = reply->status->seq;
        return EXIT_DONE;
}

static int say_cut(int r, const JournalFault *fault) {
        if (r == JOURNAL_E_CORRUPT)
                error_print(PROGRAM,
                            "the journal is damaged: segment %020" PRIu64 ", offset %" PRIu64 ", entry %" PRIu64
                            " (%s): run carebusctl journal verify, and keep the backups that there are",
                            fault->place.segment, fault->place.offset, fault->seq, fault->reason);
        else if (r == JOURNAL_E_NEWER)
                error_print(PROGRAM,
                            "the journal was written by a later version of carebus: make the backup with that version");
        else
                error_print(PROGRAM, "cannot read the journal: %s", r < 0 ? strerror(-r) : "there is nothing in it");
        return r == JOURNAL_E_CORRUPT ? EXIT_NO : EXIT_STORAGE;
}

static int put_seal(Backup *backup, const JournalCut *cut) {
        _cleanup_(freep) char *folder = path_of(backup->folder, "journal");
        _cleanup_(freep) char *seal = path_of(backup->folder, "journal/seal");
        uint8_t sha[SHA256_SIZE];
        uint64_t size;
        int r = folder && seal ? journal_cut_seal(folder, cut) : -ENOMEM;

        r = r < 0 ? r : error_fold(r);
        r = r ?: copy_file(&(Copy){ .from = seal, .take = ALL }, &size, sha);
        return r ?: manifest_add(&backup->manifest, "journal/seal", size, sha);
}

static int put_journal(Backup *backup, const JournalCut *cut) {
        _cleanup_(freep) char *folder = config_state_path(backup->config, "journal");
        _cleanup_(freep) uint64_t *firsts = NULL;
        size_t n = 0;
        int r = folder ? journal_segments(folder, &firsts, &n) : -ENOMEM;

        for (size_t i = 0; r == 0 && i < n && firsts[i] <= cut->place.segment; i++) {
                const bool last = firsts[i] == cut->place.segment;
                char path[64];

                snprintf(path, sizeof(path), SEGMENT_FILE, firsts[i]);
                r = put_part(backup, path, last ? cut->place.offset : ALL, last ? cut->segment_bytes : 0);
        }
        if (r == 0 && n > 0)
                backup->manifest.first_seq = firsts[0];
        r = r ?: put_if_there(backup, "journal/trim");
        return r ?: put_seal(backup, cut);
}

/* ---- bases ---------------------------------------------------------------------------------------------------------------- */

static int put_base(Backup *backup, const char *name) {
        static const char *const files[] = { "data.mdb", "seal" };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(files); i++) {
                char path[128];

                snprintf(path, sizeof(path), "base/%.20s/%s", name, files[i]);
                r = put(backup, path);
        }
        return r;
}

static int put_bases(Backup *backup, uint64_t seq) {
        _cleanup_(freep) char *folder = config_state_path(backup->config, "base");
        struct dirent **names = NULL;
        int n = folder ? scandir(folder, &names, NULL, alphasort) : -1, r = 0;

        if (n < 0)
                return !folder ? -ENOMEM : errno == ENOENT ? 0 : -errno;
        for (int i = 0; i < n; i++) {
                const char *name = names[i]->d_name;
                char path[PATH_MAX];

                snprintf(path, sizeof(path), "base/%s", name);
                if (strlen(name) == 20 && strspn(name, "0123456789") == 20)
                        r = r ?: strtoull(name, NULL, 10) <= seq ? put_base(backup, name) : 0;
                else if (text_starts_with(name, "base") && strlen(name) > 4 && text_equal(strrchr(name, '.'), ".pub"))
                        r = r ?: put(backup, path);
                free(names[i]);
        }
        free(names);
        return r ?: backup->with_keys ? put_if_there(backup, "base/base.key") : 0;
}

/* ---- the folder ----------------------------------------------------------------------------------------------------------- */

/* It is empty, and so needs no file beside it that takes its place: who is killed leaves it or nothing. */
static int mark_make(const char *folder, const char *mark) {
        _cleanup_(closep) int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0 || fsync(fd) < 0)
                return -errno;
        return folder_sync(folder);
}

/* Whether what else stands there is one of ours; what a manifest was written to when somebody ended it is taken away. */
static bool may_stand_there(int folder_fd, const char *name, bool is_unfinished) {
        if (text_equal(name, ".") || text_equal(name, "..") || text_equal(name, BACKUP_UNFINISHED) ||
            text_equal(name, "lost+found"))
                return true;
        return is_unfinished && text_starts_with(name, MANIFEST_FILE ".") && unlinkat(folder_fd, name, 0) == 0;
}

/* Empty, or one that was begun and not finished: then all of it is ours. */
static int folder_begin(const char *folder) {
        static const char *const ours[] = { "journal", "base", "serve", "coverage", MANIFEST_FILE };
        _cleanup_(freep) char *mark = path_of(folder, BACKUP_UNFINISHED);
        _cleanup_(closedirp) DIR *dir = NULL;
        const struct dirent *entry;
        int r = mark ? folder_make(folder, 0700) : -ENOMEM;
        const bool is_unfinished = r == 0 && access(mark, F_OK) == 0;

        for (size_t i = 0; r == 0 && is_unfinished && i < ELEMENTSOF(ours); i++) {
                _cleanup_(freep) char *path = path_of(folder, ours[i]);
                r = path ? backup_remove(path) : -ENOMEM;
        }
        dir = r == 0 ? opendir(folder) : NULL;
        if (r == 0 && !dir)
                r = -errno;
        if (r < 0)
                return say_failed(folder, r);
        while ((entry = readdir(dir)))
                if (!may_stand_there(dirfd(dir), entry->d_name, is_unfinished)) {
                        error_print(PROGRAM, "%s is not empty (%.64s): a backup wants a folder of its own", folder,
                                    entry->d_name);
                        return EXIT_NO;
                }
        r = mark_make(folder, mark);
        return r == 0 ? EXIT_DONE : say_failed(mark, r);
}

static int folder_end(Backup *backup, const SignKey *key) {
        _cleanup_(freep) char *mark = path_of(backup->folder, BACKUP_UNFINISHED);
        _cleanup_(freep) char *path = path_of(backup->folder, MANIFEST_FILE);
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        int r = mark && path ? manifest_print(&backup->manifest, key, &text) : -ENOMEM;

        r = r ?: backup_sync_folders(backup->folder);
        r = r ?: file_replace(path, text.data, text.size, 0640);
        if (r == 0 && unlink(mark) < 0)
                r = -errno;
        return r ?: folder_sync(backup->folder);
}

/* The newest entries of the copy are read again: what does not hold here would not hold when it is needed. */
static int prove(const Backup *backup, const JournalCut *cut) {
        _cleanup_(freep) char *folder = path_of(backup->folder, "journal");
        JournalVerified verified;
        JournalFault fault = { .reason = "unknown" };
        int r = folder ? journal_verify(folder, 0, NULL, NULL, &verified, &fault) : -ENOMEM;

        if (r != 0)
                return say_cut(r, &fault);
        if (verified.last_seq == cut->seq && memcmp(verified.chain, cut->chain, sizeof(cut->chain)) == 0)
                return EXIT_DONE;
        error_print(PROGRAM, "the copy does not end where the journal did: run the same again");
        return EXIT_LATER;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------ */

static int sign_with(const Config *config, SignKey **ret) {
        _cleanup_(freep) char *own = config_state_path(config, "serve/audit.key");
        _cleanup_(buffer_deinit) Buffer pem = BUFFER_NULL;
        const char *path = config->audit_key ? config->audit_key : own;
        int r = path ? file_read(path, KEY_FILE_MAX, &pem) : -ENOMEM;

        r = r ?: sign_key_from_pem(buffer_bytes(&pem), ret);
        if (pem.data)
                explicit_bzero(pem.data, pem.size);
        return r;
}

/* For the line on the terminal only. */
static void estimate(Backup *backup) {
        static const char *const folders[] = { "journal", "serve/audit" };

        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                _cleanup_(freep) char *folder = config_state_path(backup->config, folders[i]);
                _cleanup_(closedirp) DIR *dir = folder ? opendir(folder) : NULL;
                const struct dirent *entry;
                struct stat st;

                while (dir && (entry = readdir(dir)))
                        if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
                                backup->progress.all += (uint64_t)st.st_size;
        }
}

static int take_all(Backup *backup, JournalCut *ret_cut) {
        _cleanup_(freep) char *journal = config_state_path(backup->config, "journal");
        JournalFault fault = { .reason = "unknown" };
        uint64_t committed = 0;
        int r = put_if_there(backup, "serve/cursors");

        r = r ?: put_audit(backup);
        r = r ?: put_if_there(backup, "coverage");
        r = r ?: put_if_there(backup, LINEAGE_FILE);
        if (r == -EBADMSG) {
                error_print(PROGRAM,
                            "the audit is damaged: run carebusctl audit verify, and keep the backups that there are");
                return EXIT_NO;
        }
        if (r < 0)
                return say_failed("what serve keeps", r);
        r = ask_committed(backup->config, &committed);
        if (r != EXIT_DONE)
                return r;
        r = journal ? journal_cut_find(journal, committed, ret_cut, &fault) : -ENOMEM;
        if (r != 0)
                return say_cut(r, &fault);
        r = put_journal(backup, ret_cut);
        r = r ?: put_bases(backup, ret_cut->seq);
        return r < 0 ? say_failed("the journal and its bases", r) : EXIT_DONE;
}

static int fill_head(Backup *backup, const JournalCut *cut) {
        Manifest *manifest = &backup->manifest;

        manifest->bus = strdup(backup->config->bus);
        manifest->version = strdup(CAREBUS_VERSION);
        if (!manifest->bus || !manifest->version)
                return -ENOMEM;
        manifest->seq = cut->seq;
        manifest->at = cut->at;
        manifest->made_at = clock_now_at(&clock_system);
        manifest->has_keys = backup->with_keys;
        memcpy(manifest->journal, cut->uuid, sizeof(manifest->journal));
        memcpy(manifest->chain, cut->chain, sizeof(manifest->chain));
        return 0;
}

static int say_done(const Context *context, const Backup *backup) {
        const Manifest *manifest = &backup->manifest;
        char at[CIVIL_TEXT_SIZE];

        civil_format(manifest->at, at);
        if (context->json) {
                printf("{\"seq\":%" PRIu64 ",\"at\":\"%s\",\"first_seq\":%" PRIu64 ",\"audit\":%" PRIu64
                       ",\"files\":%zu,\"bytes\":%" PRIu64 ",\"linked_bytes\":%" PRIu64 ",\"signed\":%s,\"keys\":%s}\n",
                       manifest->seq, at, manifest->first_seq, manifest->audit, manifest->n_files, backup->bytes,
                       backup->linked, manifest->is_signed ? "true" : "false", manifest->has_keys ? "true" : "false");
                return EXIT_DONE;
        }
        printf("up to entry %" PRIu64 ", received at %s: %zu files, %" PRIu64 " bytes, of which %" PRIu64
               " are shared with the earlier backup; %s\n",
               manifest->seq, at, manifest->n_files, backup->bytes, backup->linked,
               manifest->is_signed ? "signed" : "not signed: the key of the audit cannot be read");
        puts("not in it: what comes after that entry; `fold`, which is built anew; the ledgers of readers of records, "
             "who are\n"
             "given all records once more; what adapters remember, who ask and read again; the configuration and what "
             "it names");
        if (!manifest->has_keys)
                puts("nor the secret keys (--with-keys): after a restore new ones are made, and what the old ones "
                     "signed still holds");
        return EXIT_DONE;
}

static int run(const Context *context, Backup *backup) {
        _cleanup_(freep) char *lock = config_state_path(backup->config, BACKUP_LOCK);
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        _cleanup_(closep) int fd = -1;
        JournalCut cut = { .seq = 0 };
        int r = folder_begin(backup->folder);

        if (r != EXIT_DONE)
                return r;
        fd = lock ? open(lock, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644) : -1;
        if (fd < 0 || flock(fd, LOCK_SH) < 0)
                return say_failed(lock ? lock : "memory", -errno);
        estimate(backup);
        r = take_all(backup, &cut);
        progress_end(&backup->progress.progress);
        r = r ?: prove(backup, &cut);
        if (r != EXIT_DONE)
                return r;
        (void)sign_with(backup->config, &key);
        r = fill_head(backup, &cut);
        r = r ?: folder_end(backup, key);
        return r < 0 ? say_failed(backup->folder, r) : say_done(context, backup);
}

/* What unchanged files are shared with. */
static int read_earlier(Backup *backup) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        int r;

        if (!backup->earlier)
                return EXIT_DONE;
        r = backup_read_manifest(backup->earlier, &backup->before, &text);
        if (r == EXIT_DONE)
                sha256(text.data, text.size, backup->manifest.earlier);
        return r;
}

/* The folder itself may not be there yet: what counts is the nearest that is. */
static bool is_inside(const char *folder, const char *state) {
        _cleanup_(freep) char *above = strdup(folder), *real_state = realpath(state, NULL), *real = NULL;
        const size_t n = real_state ? strlen(real_state) : 0;

        while (above && !(real = realpath(above, NULL)) && errno == ENOENT) {
                char *slash = strrchr(above, '/');

                if (!slash)
                        snprintf(above, 2, ".");
                else
                        slash[slash == above] = '\0';
        }
        return real && real_state && strncmp(real, real_state, n) == 0 && (real[n] == '/' || real[n] == '\0');
}

int command_backup(const Context *context, int argc, char **argv) {
        _cleanup_(backup_deinit) Backup backup = { .progress = { .progress = { .what = "copying" } } };
        _cleanup_(config_unrefp) Config *config = NULL;
        int r;

        for (int i = 1; i < argc; i++) {
                if (text_equal(argv[i], "--with-keys"))
                        backup.with_keys = true;
                else if (text_equal(argv[i], "--base") && i + 1 < argc)
                        backup.earlier = argv[++i];
                else if (argv[i][0] != '-' && !backup.folder)
                        backup.folder = argv[i];
                else
                        return command_wrong_use(argv[0], "unknown option");
        }
        if (!backup.folder)
                return command_wrong_use(argv[0], "say a folder");
        r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        backup.config = config;
        if (is_inside(backup.folder, config->state)) {
                error_print(PROGRAM, "%s lies within the state: a backup belongs on another disk", backup.folder);
                return EXIT_WRONG_USE;
        }
        r = read_earlier(&backup);
        return r == EXIT_DONE ? run(context, &backup) : r;
}
