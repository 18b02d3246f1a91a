/* carebusctl journal verify: reads the whole chain; needs no daemon, and disturbs none. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"
#include "base/progress.h"
#include "daemon/stage/retention-proof.h"
#include "daemon/store/journal.h"

static void on_progress(uint64_t done, uint64_t all, void *owner) {
        progress_show(owner, done, all);
}

static int say_good(const Context *context, const JournalVerified *verified) {
        char chain[2 * sizeof(verified->chain) + 1];

        hex_encode(verified->chain, sizeof(verified->chain), chain);
        if (context->json)
                printf("{\"intact\":true,\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"batches\":%" PRIu64
                       ",\"segments\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"sealed\":%s,\"chain\":\"%s\"}\n",
                       verified->first_seq, verified->last_seq, verified->batches, verified->segments, verified->bytes,
                       verified->sealed ? "true" : "false", chain);
        else
                printf("intact: entries %" PRIu64 " to %" PRIu64 " in %" PRIu64 " batches and %" PRIu64
                       " segments; chain %s\n",
                       verified->first_seq, verified->last_seq, verified->batches, verified->segments, chain);
        return EXIT_DONE;
}

static int say_fault(const Context *context, const JournalFault *fault) {
        if (context->json)
                printf("{\"intact\":false,\"segment\":\"%020" PRIu64 "\",\"offset\":%" PRIu64 ",\"seq\":%" PRIu64
                       ",\"reason\":\"%s\"}\n",
                       fault->place.segment, fault->place.offset, fault->seq, fault->reason);
        else
                printf("DAMAGED: segment %020" PRIu64 ", offset %" PRIu64 ", entry %" PRIu64
                       ": %s; restore that segment from a copy, change nothing by hand\n",
                       fault->place.segment, fault->place.offset, fault->seq, fault->reason);
        return EXIT_NO;
}

/* What lacks its original by rule has to be what the decision says that is left. A journal that begins behind its first entry has them all
 * the same: a decision stands behind what it is about. */
static int prove_what_is_left(const char *folder, JournalVerified *verified, JournalFault *fault) {
        uint64_t n_reduced = 0, seq = 0;
        int r = verified->last_seq > 0 ? retention_prove(folder, verified->last_seq, &n_reduced, &seq) : 0;

        if (r == 0 && seq > 0) {
                *fault = (JournalFault){ .seq = seq, .reason = "what-is-left" };
                return JOURNAL_E_CORRUPT;
        }
        return r;
}

int command_journal(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(freep) char *folder = NULL;
        Progress progress = { .what = "verifying" };
        JournalVerified verified;
        JournalFault fault = { .reason = "unknown" };
        int r;

        if (argc != 2 || !text_equal(argv[1], "verify"))
                return command_wrong_use(argv[0], "say verify");
        r = command_load_config(context, &config);
        if (r != 0)
                return r;
        folder = config_state_path(config, "journal");
        if (!folder)
                return EXIT_SOFTWARE;
        r = journal_verify(folder, /* limit= */ 0, on_progress, &progress, &verified, &fault);
        if (r == 0)
                r = prove_what_is_left(folder, &verified, &fault);
        progress_end(&progress);
        if (r == 0)
                return say_good(context, &verified);
        if (r == JOURNAL_E_CORRUPT)
                return say_fault(context, &fault);
        error_print(PROGRAM, "cannot read the journal in %s: %s", folder,
                    r == JOURNAL_E_NEWER ? "it was written by a later version of carebus"
                                         : strerror(r < 0 ? -r : EINVAL));
        return EXIT_STORAGE;
}
