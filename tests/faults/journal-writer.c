/*
 * Writes a journal, and a state beside it, and says on its standard output what is durable, a line each, at once:
 * `ack SEQ` after a commit, `state SEQ` after a state's, `no-space` for a batch that was refused, `sealed` at the end.
 * Exits 74 at the first error that is final, as the daemon does.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "tests/faults/store-check.h"

static const char *arg_journal, *arg_state;
static uint64_t arg_commits, arg_batch = 1, arg_segment_bytes, arg_fold_every = 4;
static bool arg_prepare, arg_seal;

static void say(const char *word, uint64_t seq) {
        char line[64];
        int n = seq ? snprintf(line, sizeof(line), "%s %" PRIu64 "\n", word, seq)
                    : snprintf(line, sizeof(line), "%s\n", word);

        /* By write(2): what is said must not wait in a buffer while the power goes. */
        if (write(STDOUT_FILENO, line, (size_t)n) != n)
                exit(EXIT_STORAGE);
}

static int fail(const char *what, int r) {
        fprintf(stderr, "journal-writer: %s: %d\n", what, r);
        return EXIT_STORAGE;
}

/* Folds, and says so. No space passes here, too. */
static int fold(State *state, Journal *journal) {
        uint64_t seq;
        int r;

        r = store_fold(state, journal, arg_journal, &seq);
        if (r == 0)
                say("state", seq);
        return r == STATE_E_NO_SPACE ? 0 : r;
}

static int commit(Journal *journal) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        int r = 0;

        for (uint64_t i = 0; i < arg_batch && r == 0; i++) {
                uint64_t next = journal_committed(journal) + journal_pending(journal) + 1, seq;

                r = journal_append(journal, store_received_at(next), store_payload(next, &buffer), &seq);
        }
        if (r == 0)
                r = journal_commit(journal);
        if (r == 0)
                say("ack", journal_committed(journal));
        else if (r == JOURNAL_E_NO_SPACE)
                say("no-space", 0);
        return r == JOURNAL_E_NO_SPACE ? 0 : r;
}

static int run(Journal *journal, State *state) {
        int r = 0;

        for (uint64_t i = 1; arg_commits == 0 || i <= arg_commits; i++) {
                if (arg_prepare) {
                        r = journal_prepare_step(journal);
                        if (r < 0)
                                return fail("prepare", r);
                }
                r = commit(journal);
                if (r != 0)
                        return fail("commit", r);
                if (state && i % arg_fold_every == 0) {
                        r = fold(state, journal);
                        if (r != 0)
                                return fail("fold", r);
                }
        }
        if (arg_seal) {
                r = journal_seal(journal);
                if (r < 0)
                        return fail("seal", r);
                if (r == 0)
                        say("sealed", 0);
        }
        return EXIT_DONE;
}

static int open_and_run(void) {
        _cleanup_(journal_freep) Journal *journal = NULL;
        _cleanup_(state_freep) State *state = NULL;
        JournalOptions options = { .segment_bytes = arg_segment_bytes };
        JournalFault fault = { .reason = "" };
        int r;

        if (arg_state) {
                _cleanup_(state_abortp) StateTxn *txn = NULL;

                r = state_open(arg_state, STATE_WRITE, STORE_MAP_BYTES, &state);
                if (r == 0)
                        r = state_begin(state, STATE_READ, &txn);
                if (r != 0)
                        return fail("state", r);
                options.state_seq = state_folded_seq(txn);
        }
        r = journal_open(arg_journal, &options, &journal, &fault);
        if (r != 0)
                return fail(fault.reason[0] ? fault.reason : "journal", r);
        return run(journal, state);
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "journal", required_argument, NULL, 'j' },
                { "state", required_argument, NULL, 's' },
                { "commits", required_argument, NULL, 'c' },
                { "batch", required_argument, NULL, 'b' },
                { "segment-bytes", required_argument, NULL, 'g' },
                { "fold-every", required_argument, NULL, 'f' },
                { "prepare", no_argument, NULL, 'p' },
                { "seal", no_argument, NULL, 'e' },
                { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                switch (c) {
                case 'j':
                        arg_journal = optarg;
                        break;
                case 's':
                        arg_state = optarg;
                        break;
                case 'c':
                        arg_commits = strtoull(optarg, NULL, 10);
                        break;
                case 'b':
                        arg_batch = strtoull(optarg, NULL, 10);
                        break;
                case 'g':
                        arg_segment_bytes = strtoull(optarg, NULL, 10);
                        break;
                case 'f':
                        arg_fold_every = strtoull(optarg, NULL, 10);
                        break;
                case 'p':
                        arg_prepare = true;
                        break;
                case 'e':
                        arg_seal = true;
                        break;
                default:
                        return EXIT_WRONG_USE;
                }
        }
        if (!arg_journal || arg_batch == 0 || arg_fold_every == 0) {
                fprintf(stderr, "journal-writer: --journal FOLDER is needed; --batch and --fold-every count from 1\n");
                return EXIT_WRONG_USE;
        }
        return open_and_run();
}
