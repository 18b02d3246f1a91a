/*
 * carebusctl rebuild --verify: folds the journal into an empty state beside the real one, up to the number that the real
 * one stands at, and compares the digests. Works beside a running daemon.
 */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"
#include "base/progress.h"
#include "daemon/stage/fold.h"
#include "daemon/store/journal.h"
#include "daemon/store/sealed-base.h"
#include "daemon/store/state.h"

static void on_progress(uint64_t seq, uint64_t limit, void *owner) {
        progress_show(owner, seq, limit);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
        (void)status;
        (void)kind;
        (void)walk;
        return remove(path);
}

static void remove_folder(char **folder) {
        if (*folder)
                (void)nftw(*folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(*folder);
}

/* What the daemon's own state stands at, and its digest there: one read transaction, so both belong together. */
static int look_at_state(const char *folder, uint64_t *ret_seq, uint8_t ret_digest[32]) {
        _cleanup_(state_freep) State *state = NULL;
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int r = state_open(folder, STATE_READ, 0, &state);

        if (r == 0)
                r = state_begin(state, STATE_READ, &txn);
        if (r != 0)
                return error_fold(r);
        *ret_seq = state_folded_seq(txn);
        return error_fold(state_digest(txn, ret_digest));
}

/* Beside the real one: the file system that is large enough for it, and 0700 like it. */
static int make_beside(const Config *config, char **ret) {
        char *folder = config_state_path(config, "rebuild-XXXXXX");

        if (!folder)
                return -ENOMEM;
        if (!mkdtemp(folder)) {
                int r = -errno;
                free(folder);
                return r;
        }
        *ret = folder;
        return 0;
}

/* Where payloads have expired there is nothing to begin with but the newest base that stands at or below the limit. */
static int begin_with_base(const Config *config, uint64_t limit, const char *folder) {
        _cleanup_(sealed_base_deinit) SealedBase base = SEALED_BASE_NULL;
        _cleanup_(freep) char *bases = config_state_path(config, "base");
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        int r;

        if (!bases)
                return -ENOMEM;
        if (access(bases, F_OK) < 0)
                return errno == ENOENT ? 0 : -errno;
        r = sealed_base_key(bases, &key);
        r = r ?: sealed_base_find(bases, key, limit, &base);
        if (r == -ENOENT)
                return 0;
        r = r ?: sealed_base_copy(&base, folder);
        if (r < 0)
                error_print(PROGRAM, "the sealed base in %s does not hold: restore it from a backup", bases);
        return r;
}

static int rebuild(const Config *config, uint64_t limit, uint8_t ret_digest[32], JournalFault *ret_fault) {
        _cleanup_(remove_folder) char *beside = NULL;
        _cleanup_(state_freep) State *state = NULL;
        _cleanup_(freep) char *journal = config_state_path(config, "journal");
        Progress progress = { .what = "rebuilding" };
        int r = journal ? make_beside(config, &beside) : -ENOMEM;

        if (r == 0)
                r = begin_with_base(config, limit, beside);
        if (r == 0)
                r = state_open(beside, STATE_WRITE, 0, &state);
        if (r == 0)
                r = fold_rebuild(journal, state, limit, on_progress, &progress, ret_digest, ret_fault);
        progress_end(&progress);
        return r;
}

static int say(const Context *context, uint64_t seq, const uint8_t live[32], const uint8_t rebuilt[32]) {
        bool equal = memcmp(live, rebuilt, 32) == 0;
        char live_text[65], rebuilt_text[65];

        hex_encode(live, 32, live_text);
        hex_encode(rebuilt, 32, rebuilt_text);
        if (context->json)
                printf("{\"equal\":%s,\"seq\":%" PRIu64 ",\"digest\":\"%s\",\"rebuilt\":\"%s\"}\n",
                       equal ? "true" : "false", seq, live_text, rebuilt_text);
        else if (equal)
                printf("equal at entry %" PRIu64 ": %s\n", seq, live_text);
        else
                printf("DIFFERENT at entry %" PRIu64 ":\n  state   %s\n  rebuilt %s\nstop carebusd and move the folder "
                       "`fold` away: the start builds it anew\n",
                       seq, live_text, rebuilt_text);
        return equal ? EXIT_DONE : EXIT_NO;
}

static int say_fault(int r, const JournalFault *fault) {
        if (r == JOURNAL_E_CORRUPT) {
                error_print(PROGRAM,
                            "the journal is damaged: segment %020" PRIu64 ", offset %" PRIu64 ", entry %" PRIu64
                            ": %s; see carebusctl journal verify",
                            fault->place.segment, fault->place.offset, fault->seq, fault->reason);
                return EXIT_NO;
        }
        error_print(PROGRAM, "cannot rebuild: %s", strerror(r < 0 ? -r : EIO));
        return EXIT_STORAGE;
}

/* What the state comes to at an entry, whatever it stands at now. */
static int rebuild_at(const Context *context, const Config *config, const char *text) {
        JournalFault fault = { .reason = "unknown" };
        char digest[65];
        uint8_t raw[32];
        uint64_t seq;
        int r;

        if (text_to_u64(text, &seq) != 0 || seq == 0)
                return command_wrong_use("rebuild", "say the number of an entry");
        r = rebuild(config, seq, raw, &fault);
        if (r != 0)
                return say_fault(r, &fault);
        hex_encode(raw, sizeof(raw), digest);
        printf(context->json ? "{\"seq\":%" PRIu64 ",\"digest\":\"%s\"}\n" : "at entry %" PRIu64 ": %s\n", seq, digest);
        return EXIT_DONE;
}

int command_rebuild(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(freep) char *fold = NULL;
        uint8_t live[32], rebuilt[32];
        JournalFault fault = { .reason = "unknown" };
        uint64_t seq = 0;
        int r;

        if (!(argc == 2 && text_equal(argv[1], "--verify")) && !(argc == 3 && text_equal(argv[1], "--at")))
                return command_wrong_use(argv[0], "say --verify, or --at and an entry");
        r = command_load_config(context, &config);
        if (r != 0)
                return r;
        if (argc == 3)
                return rebuild_at(context, config, argv[2]);
        fold = config_state_path(config, "fold");
        r = fold ? look_at_state(fold, &seq, live) : -ENOMEM;
        if (r < 0) {
                error_print(PROGRAM, "cannot read the state in %s: %s", fold ? fold : "?", strerror(-r));
                return EXIT_STORAGE;
        }
        r = seq > 0 ? rebuild(config, seq, rebuilt, &fault) : EXIT_DONE;
        if (r != 0)
                return say_fault(r, &fault);
        if (seq == 0) {
                puts(context->json ? "{\"equal\":true,\"seq\":0}" : "equal: nothing is folded yet");
                return EXIT_DONE;
        }
        return say(context, seq, live, rebuilt);
}
