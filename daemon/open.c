/* What is on disk, in the order in which it can be trusted: the lock, the journal, what the fold made of it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/service.h"
#include "base/text.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/daemon-parts.h"
#include "daemon/record/read.h"
#include "daemon/store/formats.h"
#include "daemon/store/sealed-base.h"
#include "daemon/store/state-keys.h"

#define LOCK_TRIES 5
#define LOCK_WAIT_USEC 20000
#define EXTEND_BY (30 * USEC_PER_SEC)

static int fail(LogEvent event, const char *what, int error, int exit_code) {
        log_event(event, log_name("WHAT", what), log_errno(error));
        return exit_code;
}

static int no_space(const char *folder) {
        log_event(LOG_START_NO_SPACE, log_name("PATH", folder));
        return EXIT_LATER;
}

/* A second daemon on the same state would write the same journal, and on the same `run` take the sockets away from the first. The lock is
 * the file's and not the path's, and goes with the process. */
static int lock_folder(const char *folder, const char *key, int *ret_fd) {
        _cleanup_(freep) char *path = NULL;
        char owner[32] = "";
        bool locked = false;
        ssize_t n;
        int r;

        if (text_format(&path, "%s/lock", folder) < 0)
                return fail(LOG_FATAL, "memory", -ENOMEM, EXIT_SOFTWARE);
        *ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (*ret_fd < 0)
                return fail(LOG_FATAL, path, -errno, EXIT_STORAGE);
        /* Somebody may be looking whether anybody holds it. */
        for (unsigned i = 0; !locked && i < LOCK_TRIES; i++) {
                locked = flock(*ret_fd, LOCK_EX | LOCK_NB) == 0;
                if (!locked && errno != EWOULDBLOCK)
                        return fail(LOG_FATAL, path, -errno, EXIT_STORAGE);
                if (!locked)
                        (void)usleep(LOCK_WAIT_USEC);
        }
        if (!locked) {
                n = pread(*ret_fd, owner, sizeof(owner) - 1, 0);
                owner[n > 0 ? strcspn(owner, "\n") : 0] = '\0';
                log_event(LOG_LOCKED, log_name("PATH", path), log_name("OWNER", owner));
                error_print("carebusd",
                            "another carebusd (pid %s) uses %s: stop it first, or give this one a `%s:` of its own",
                            owner[0] ? owner : "unknown", folder, key);
                return EXIT_LATER;
        }
        n = snprintf(owner, sizeof(owner), "%d\n", (int)getpid());
        r = ftruncate(*ret_fd, 0) < 0 ? -errno : pwrite_all(*ret_fd, owner, (size_t)n, 0);
        /* Only for whoever asks who it is: the lock itself holds without it, on a full disk too. */
        return r == -ENOSPC || r == -EDQUOT || r == 0 ? 0 : fail(LOG_FATAL, path, r, EXIT_STORAGE);
}

/* Half of a backup put back would begin as an empty bus. */
static int look_for_restore(const Daemon *daemon) {
        _cleanup_(freep) char *path = config_state_path(daemon->config, "restoring");

        if (!path)
                return fail(LOG_FATAL, "memory", -ENOMEM, EXIT_SOFTWARE);
        if (access(path, F_OK) < 0)
                return 0;
        log_event(LOG_RESTORE_UNFINISHED, log_name("PATH", path));
        error_print(
                "carebusd",
                "a restore into %s was broken off: run the same `carebusctl restore` again, with --force where it asks",
                daemon->config->state);
        return EXIT_CONFIGURATION;
}

static int state_newer(const char *path, const char *what, uint32_t version, uint32_t newest) {
        log_event(LOG_STATE_NEWER, log_name("PATH", path), log_number("VERSION", version),
                  log_number("NEEDED", newest));
        error_print("carebusd",
                    "%s is %s of version %u, and this carebusd reads up to %u: start the later carebusd that wrote it; "
                    "nothing was changed",
                    path, what, (unsigned)version, (unsigned)newest);
        return EXIT_CONFIGURATION;
}

/* Before anything is opened, since opening writes. */
static int look_for_newer(const Daemon *daemon) {
        FormatFound found;
        int r = formats_look(daemon->config->state, &found);

        if (r < 0)
                return fail(LOG_FATAL, daemon->config->state, r, EXIT_STORAGE);
        return r == 0 ? 0 : state_newer(found.path, found.what, found.version, found.newest);
}

/* By whatever path. */
static bool is_same_folder(const char *one, const char *other) {
        struct stat first, second;

        return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev &&
               first.st_ino == second.st_ino;
}

static int open_locks(Daemon *daemon) {
        const Config *config = daemon->config;
        int r = lock_folder(config->state, "state", &daemon->lock_fd);

        /* A second lock on one file would be refused by the first. */
        if (r == 0 && !is_same_folder(config->state, config->run))
                r = lock_folder(config->run, "run", &daemon->run_lock_fd);
        r = r ?: look_for_restore(daemon);
        return r ?: look_for_newer(daemon);
}

static int open_folders(Daemon *daemon) {
        _cleanup_(freep) char *live = NULL;
        int r = folder_make(daemon->config->state, 0750);

        if (r < 0)
                return fail(LOG_FATAL, daemon->config->state, r, EXIT_STORAGE);
        if (text_format(&live, "%s/live", daemon->config->run) < 0)
                return fail(LOG_FATAL, "memory", -ENOMEM, EXIT_SOFTWARE);
        r = folder_make(live, 0755);
        if (r < 0)
                return fail(LOG_FATAL, live, r, EXIT_CONFIGURATION);
        /* Whatever the umask: peers of other users must reach the sockets, where ZAP decides. */
        (void)chmod(daemon->config->run, 0755);
        (void)chmod(live, 0755);
        return 0;
}

/* Payloads have expired: the state begins with a sealed base, or not at all. 0 also where there is none to begin with. */
static int open_base(Daemon *daemon, const char *folder) {
        _cleanup_(sealed_base_deinit) SealedBase base = SEALED_BASE_NULL;
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        _cleanup_(freep) char *file = NULL;
        int r;

        if (access(daemon->base_folder, F_OK) < 0)
                return errno == ENOENT ? 0 : -errno;
        r = text_format(&file, "%s/data.mdb", folder);
        r = r ?: sealed_base_key(daemon->base_folder, &key);
        r = r ?: sealed_base_find(daemon->base_folder, key, /* limit= */ 0, &base);
        if (r == -ENOENT)
                return 0;
        if (r == 0 && (base.fold_version < FOLD_VERSION_GOES_ON_FROM || base.fold_version > FOLD_VERSION))
                r = -EPROTO;
        if (r == 0 && unlink(file) < 0 && errno != ENOENT)
                r = -errno;
        r = r ?: sealed_base_copy(&base, folder);
        if (r == 0)
                log_event(LOG_BASE_USED, log_number("SEQ", (int64_t)base.seq),
                          log_number("VERSION", base.fold_version));
        else
                log_event(LOG_BASE_NOT_USABLE, log_name("PATH", daemon->base_folder), log_errno(r));
        return r;
}

/* A state that is not there, or was moved away. */
static int open_state_first(Daemon *daemon, const char *folder) {
        _cleanup_(freep) char *file = NULL;
        int r = text_format(&file, "%s/data.mdb", folder);

        if (r < 0 || access(file, F_OK) == 0)
                return r;
        return open_base(daemon, folder);
}

/* Begins anew, with a base where there is one. */
static int open_state_anew(Daemon *daemon, const char *folder, uint64_t *ret_seq) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int r = state_wipe(daemon->state);

        daemon->state = state_free(daemon->state);
        r = r ?: open_base(daemon, folder);
        r = r ?: state_open(folder, STATE_WRITE, 0, &daemon->state);
        r = r ?: state_begin(daemon->state, STATE_READ, &txn);
        if (r == 0)
                *ret_seq = state_folded_seq(txn);
        return r;
}

/* Another version of the fold would have made something else of the same journal. */
static int open_state(Daemon *daemon, uint64_t *ret_seq) {
        _cleanup_(freep) char *folder = config_state_path(daemon->config, "fold");
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        uint32_t version;
        int r;

        daemon->base_folder = config_state_path(daemon->config, "base");
        daemon->backup_lock = config_state_path(daemon->config, "backup.lock");
        daemon->cursors_path = config_state_path(daemon->config, "serve/cursors");
        if (!folder || !daemon->base_folder || !daemon->backup_lock || !daemon->cursors_path)
                return fail(LOG_FATAL, "memory", -ENOMEM, EXIT_SOFTWARE);
        r = open_state_first(daemon, folder);
        if (r == 0)
                r = state_open(folder, STATE_WRITE, 0, &daemon->state);
        if (r == 0)
                r = state_clear_stale_readers(daemon->state);
        if (r == 0)
                r = state_begin(daemon->state, STATE_READ, &txn);
        if (r != 0)
                return fail(LOG_FATAL, folder, error_fold(r), EXIT_STORAGE);
        version = fold_version_of(txn);
        *ret_seq = state_folded_seq(txn);
        if (*ret_seq == 0 || version == FOLD_VERSION)
                return 0;
        if (version > FOLD_VERSION)
                return state_newer(folder, "a state", version, FOLD_VERSION);
        txn = state_abort(txn);
        log_event(LOG_STATE_REBUILDS, log_number("VERSION", version), log_number("NEEDED", FOLD_VERSION));
        r = open_state_anew(daemon, folder, ret_seq);
        return r == 0 ? 0 : fail(LOG_FATAL, folder, error_fold(r), EXIT_STORAGE);
}

static int journal_damaged(const Daemon *daemon, const JournalFault *fault) {
        log_event(LOG_JOURNAL_CORRUPT, log_number("SEGMENT", (int64_t)fault->place.segment),
                  log_number("OFFSET", (int64_t)fault->place.offset), log_number("SEQ", (int64_t)fault->seq),
                  log_name("REASON", fault->reason ? fault->reason : "unknown"));
        error_print("carebusd",
                    "the journal is damaged at segment %llu, offset %llu, seq %llu (%s); nothing was changed. Run: "
                    "carebusctl "
                    "--config %s journal verify",
                    (unsigned long long)fault->place.segment, (unsigned long long)fault->place.offset,
                    (unsigned long long)fault->seq, fault->reason ? fault->reason : "unknown", daemon->config_path);
        return EXIT_STORAGE;
}

static int open_journal(Daemon *daemon, uint64_t state_seq) {
        const JournalOptions options = { .segment_bytes = daemon->config->segment_bytes, .state_seq = state_seq };
        JournalFault fault = { .reason = NULL };
        int r;

        daemon->journal_folder = config_state_path(daemon->config, "journal");
        daemon->coverage_path = config_state_path(daemon->config, "coverage");
        if (!daemon->journal_folder)
                return fail(LOG_FATAL, "memory", -ENOMEM, EXIT_SOFTWARE);
        r = journal_open(daemon->journal_folder, &options, &daemon->journal, &fault);
        switch (r) {
        case 0:
                log_event(LOG_JOURNAL_OPENED, log_number("SEQ", (int64_t)journal_committed(daemon->journal)),
                          log_number("STATE_SEQ", (int64_t)state_seq));
                return 0;
        case JOURNAL_E_CORRUPT:
                return journal_damaged(daemon, &fault);
        case JOURNAL_E_BEHIND:
                log_event(LOG_STATE_BEYOND_JOURNAL, log_number("STATE_SEQ", (int64_t)state_seq),
                          log_number("SEQ", (int64_t)fault.seq));
                error_print(
                        "carebusd",
                        "the state stands at %llu, beyond the end of the journal in %s: restore the journal, or move "
                        "the folder `fold` away to have it built anew",
                        (unsigned long long)state_seq, daemon->journal_folder);
                return EXIT_STORAGE;
        case JOURNAL_E_NEWER:
                log_event(LOG_JOURNAL_NEWER, log_name("PATH", daemon->journal_folder));
                error_print(
                        "carebusd",
                        "the journal in %s was written by a later version of carebus and is left as it is: start that "
                        "version",
                        daemon->journal_folder);
                return EXIT_CONFIGURATION;
        case JOURNAL_E_NO_SPACE:
                return no_space(daemon->journal_folder);
        default:
                return fail(LOG_FATAL, daemon->journal_folder, error_fold(r), EXIT_STORAGE);
        }
}

/* While it moves the service manager waits; and whoever wants it stopped need not wait for the end of a long recovery. */
static int recovering(uint64_t seq, uint64_t limit, void *owner) {
        sigset_t pending;

        service_extend_timeout(EXTEND_BY);
        service_status("recovering: %llu of %llu (%llu %%)", (unsigned long long)seq, (unsigned long long)limit,
                       (unsigned long long)(limit ? seq * 100 / limit : 100));
        sigemptyset(&pending);
        (void)sigpending(&pending);
        return sigismember(&pending, SIGTERM) > 0 || sigismember(&pending, SIGINT) > 0 ? -ECANCELED : 0;
}

static int catch_up(Daemon *daemon) {
        JournalFault fault = { .reason = NULL };
        int r = fold_thread_catch_up(daemon->fold, recovering, daemon, &fault);

        if (r == 0)
                return 0;
        if (r == -ECANCELED)
                return EXIT_LATER;
        if (r == STATE_E_NO_SPACE)
                return no_space(daemon->config->state);
        if (fault.reason)
                return journal_damaged(daemon, &fault);
        log_event(LOG_FOLD_FAULT, log_number("SEQ", (int64_t)atomic_load(&daemon->facts.folded_seq)), log_errno(r));
        return EXIT_STORAGE;
}

static int open_fold(Daemon *daemon) {
        const FoldThreadOptions options = {
                .facts = &daemon->facts,
                .journal = daemon->journal,
                .journal_folder = daemon->journal_folder,
                .state = daemon->state,
                .bell = daemon->fold_bell,
                .serve_bell = daemon->serve_bell,
        };
        int r = fold_thread_new(&options, &daemon->fold);

        if (r < 0)
                return fail(LOG_FATAL, "fold", r, EXIT_STORAGE);
        r = catch_up(daemon);
        if (r == 0)
                log_event(LOG_FOLD_RECOVERED, log_number("SEQ", (int64_t)atomic_load(&daemon->facts.folded_seq)));
        return r;
}

/* Whether the journal's newest settings are these: 1, 0, or negative. */
static int settings_are_journaled(Daemon *daemon, const Snapshot *snapshot) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        Carebus__V1__Settings *settings;
        Buffer packed = BUFFER_NULL;
        uint8_t *room;
        int r = arena_new(&arena, 4u << 20);

        if (r == 0)
                r = state_begin(daemon->state, STATE_READ, &txn);
        if (r == 0)
                r = settings_read(txn, arena, &settings);
        if (r == RECORD_E_NOT_FOUND)
                return 0;
        if (r != 0)
                return error_fold(r);
        room = buffer_reserve(&packed, carebus__v1__settings__get_packed_size(settings));
        if (!room)
                return -ENOMEM;
        buffer_advance(&packed, carebus__v1__settings__pack(settings, room));
        r = bytes_equal(buffer_bytes(&packed), buffer_bytes(&snapshot->settings));
        buffer_deinit(&packed);
        return r;
}

/* Settings are the first entry of all, and follow whatever changed while the daemon was away. */
static int open_settings(Daemon *daemon) {
        _cleanup_(snapshot_freep) Snapshot *snapshot = NULL;
        int64_t now = MAX(clock_now_at(&clock_system), journal_last_at(daemon->journal));
        uint64_t seq;
        int r = snapshot_new(daemon->config, &snapshot);

        if (r < 0)
                return fail(LOG_FATAL, "settings", r, EXIT_CONFIGURATION);
        r = settings_are_journaled(daemon, snapshot);
        if (r < 0)
                return fail(LOG_FATAL, "settings", r, EXIT_STORAGE);
        if (r > 0)
                return 0;
        r = journal_append(daemon->journal, now, buffer_bytes(&snapshot->entry), &seq);
        if (r == 0)
                r = journal_commit(daemon->journal);
        if (r == JOURNAL_E_NO_SPACE)
                return no_space(daemon->journal_folder);
        if (r != 0)
                return fail(LOG_STORAGE_FAULT, daemon->journal_folder, error_fold(r), EXIT_STORAGE);
        return catch_up(daemon);
}

static int add_dictionary(Bytes key, Bytes value, void *owner) {
        return key.size == 8 ? original_codec_add_dictionary(owner, load_be64(key.data), value) : -EBADMSG;
}

static int open_codec(Daemon *daemon) {
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int r = original_codec_new(&daemon->codec);

        if (r == 0)
                r = state_begin(daemon->state, STATE_READ, &txn);
        if (r == 0)
                r = state_walk(txn, STATE_DICTIONARY, BYTES_NULL, BYTES_NULL, add_dictionary, daemon->codec);
        return r == 0 ? 0 : fail(LOG_FATAL, "dictionary", error_fold(r), EXIT_STORAGE);
}

/* For what nobody takes who should read the log: without it all else goes on. */
static int open_last_words(const Daemon *daemon) {
        _cleanup_(freep) char *path = config_state_path(daemon->config, "last-words");

        if (path)
                (void)log_keep_last_words(path);
        return 0;
}

int daemon_open(Daemon *daemon) {
        uint64_t state_seq = 0;
        int r = open_folders(daemon);

        if (r == 0) {
                r = daemon_confine_files(daemon);
                if (r < 0)
                        r = fail(LOG_FATAL, "landlock", r, EXIT_SOFTWARE);
        }
        if (r == 0)
                r = open_locks(daemon);
        r = r ?: open_last_words(daemon);
        service_extend_timeout(EXTEND_BY);
        service_status("opening the journal");
        if (r == 0) {
                r = serve_start(daemon);
                if (r < 0)
                        r = fail(LOG_FATAL, "serve", r, EXIT_SOFTWARE);
        }
        if (r == 0)
                r = open_state(daemon, &state_seq);
        if (r == 0)
                r = open_journal(daemon, state_seq);
        if (r == 0)
                r = open_fold(daemon);
        if (r == 0)
                r = open_settings(daemon);
        return r == 0 ? open_codec(daemon) : r;
}
