/*
 * Power cuts without cutting power: takes a recording, and after every operation in it makes the disk as a power cut
 * might have left it just then, opens journal and state on it, and looks whether all that was said is so. For every
 * moment: all unsynced blocks lost, all kept, four subsets torn at 512 bytes, and, where there are three blocks or
 * fewer, every subset of them.
 *
 *   replay --recording FILE --scratch FOLDER [--base FOLDER] [--state] [--segment-bytes N]
 *   replay ... --emit N --seed S    writes one torn moment into the scratch folder and stops there
 *
 * Prints `MOMENTS moments, IMAGES images`, or the first that does not hold. Exit 0, 1, or 65 when the recording is unreadable.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/faults/disk-model.h"
#include "tests/faults/store-check.h"

#define SEEDS 4
#define EXHAUSTIVE_MOST 3

static const char *arg_recording, *arg_scratch, *arg_base;
static bool arg_state;
static uint64_t arg_segment_bytes, arg_emit = UINT64_MAX, arg_seed;

typedef struct Replay {
        Disk *disk;
        Bytes left; /* of the recording */
        uint64_t moment, images;
        uint64_t acked, state_acked;
} Replay;

/* One operation further. 0, JOURNAL_E_END, -EBADMSG. */
static int replay_step(Replay *replay) {
        const char *path;
        const uint8_t *data;
        OpHead op;
        size_t all;

        if (replay->left.size == 0)
                return JOURNAL_E_END;
        if (replay->left.size < sizeof(op))
                return -EBADMSG;
        memcpy(&op, replay->left.data, sizeof(op));
        all = sizeof(op) + (size_t)op.path_bytes + op.data_bytes;
        if (op.magic != OP_MAGIC || all > replay->left.size)
                return -EBADMSG;
        path = (const char *)replay->left.data + sizeof(op);
        data = replay->left.data + sizeof(op) + op.path_bytes;
        replay->left = bytes_of(replay->left.data + all, replay->left.size - all);
        replay->moment++;
        if (op.kind == OP_ACK) {
                char line[64];

                snprintf(line, sizeof(line), "%.*s", (int)op.data_bytes, (const char *)data);
                (void)sscanf(line, "ack %" SCNu64, &replay->acked);
                (void)sscanf(line, "state %" SCNu64, &replay->state_acked);
        }
        return disk_apply(replay->disk, &op, path, data);
}

static int replay_check(Replay *replay, DiskPolicy policy, uint64_t choice, const char *name) {
        char journal[512], state[512];
        StoreCheck check = {
                .journal = journal,
                .state = arg_state ? state : NULL,
                .segment_bytes = arg_segment_bytes,
                .acked = replay->acked,
                .state_acked = replay->state_acked,
                .go_on = true,
        };
        StoreFound found;
        int r;

        r = disk_write(replay->disk, policy, choice, arg_scratch);
        if (r < 0) {
                fprintf(stderr, "replay: cannot write into %s: %s\n", arg_scratch, strerror(-r));
                return r;
        }
        snprintf(journal, sizeof(journal), "%s/journal", arg_scratch);
        snprintf(state, sizeof(state), "%s/state", arg_scratch);
        replay->images++;
        if (store_check(&check, &found) == 0)
                return 0;
        printf("moment %" PRIu64 ", %s %" PRIu64 ": %s\n", replay->moment, name, choice, found.why);
        return 1;
}

static int replay_moment(Replay *replay) {
        size_t blocks;
        int r;

        r = replay_check(replay, DISK_KEPT, 0, "kept");
        if (r != 0 || !disk_is_pending(replay->disk))
                return r;
        r = replay_check(replay, DISK_LOST, 0, "lost");
        for (uint64_t seed = 0; seed < SEEDS && r == 0; seed++)
                r = replay_check(replay, DISK_TORN, seed + SEEDS * replay->moment, "torn");
        blocks = disk_pending_blocks(replay->disk);
        if (blocks > EXHAUSTIVE_MOST)
                return r;
        /* None and all of them are not the same as lost and kept: names and sizes are there in both. */
        for (uint64_t subset = 0; subset < (1ull << blocks) && r == 0; subset++)
                r = replay_check(replay, DISK_SUBSET, subset, "subset");
        return r;
}

static int replay_run(Replay *replay) {
        int r;

        for (;;) {
                if (replay->moment == arg_emit)
                        return disk_write(replay->disk, DISK_TORN, arg_seed, arg_scratch);
                r = arg_emit == UINT64_MAX ? replay_moment(replay) : 0;
                if (r != 0)
                        return r;
                r = replay_step(replay);
                if (r != 0)
                        return r == JOURNAL_E_END ? 0 : r;
        }
}

static int replay_main(void) {
        _cleanup_(buffer_deinit) Buffer recording = BUFFER_NULL;
        _cleanup_(disk_freep) Disk *disk = NULL;
        Replay replay = { 0 };
        int r;

        r = file_read(arg_recording, SIZE_MAX, &recording);
        if (r == 0)
                r = disk_new(&disk);
        if (r == 0 && arg_base)
                r = disk_load(disk, arg_base);
        if (r == 0) {
                replay.disk = disk;
                replay.left = buffer_bytes(&recording);
                r = replay_run(&replay);
        }
        if (r < 0) {
                fprintf(stderr, "replay: after operation %" PRIu64 ": %s\n", replay.moment, strerror(-r));
                return EXIT_BAD_INPUT;
        }
        if (r == 0)
                printf("%" PRIu64 " moments, %" PRIu64 " images\n", replay.moment + 1, replay.images);
        return r == 0 ? EXIT_DONE : EXIT_NO;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "recording", required_argument, NULL, 'r' }, { "scratch", required_argument, NULL, 's' },
                { "base", required_argument, NULL, 'b' },      { "state", no_argument, NULL, 't' },
                { "emit", required_argument, NULL, 'e' },      { "segment-bytes", required_argument, NULL, 'g' },
                { "seed", required_argument, NULL, 'd' },      { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                switch (c) {
                case 'r':
                        arg_recording = optarg;
                        break;
                case 's':
                        arg_scratch = optarg;
                        break;
                case 'b':
                        arg_base = optarg;
                        break;
                case 't':
                        arg_state = true;
                        break;
                case 'e':
                        arg_emit = strtoull(optarg, NULL, 10);
                        break;
                case 'g':
                        arg_segment_bytes = strtoull(optarg, NULL, 10);
                        break;
                case 'd':
                        arg_seed = strtoull(optarg, NULL, 10);
                        break;
                default:
                        return EXIT_WRONG_USE;
                }
        }
        if (!arg_recording || !arg_scratch) {
                fprintf(stderr, "replay: --recording FILE and --scratch FOLDER are needed\n");
                return EXIT_WRONG_USE;
        }
        return replay_main();
}
