/*
 * After a crash: is everything there that was acknowledged, gapless and whole? Opens as a start does.
 * Prints `last SEQ state SEQ`, or what does not hold. Exit 0, 1 when it does not hold.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tests/faults/store-check.h"

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "journal", required_argument, NULL, 'j' },
                { "state", required_argument, NULL, 's' },
                { "segment-bytes", required_argument, NULL, 'g' },
                { "acked", required_argument, NULL, 'a' },
                { "state-acked", required_argument, NULL, 't' },
                { "go-on", no_argument, NULL, 'o' },
                { 0 },
        };
        StoreCheck check = { 0 };
        StoreFound found;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                switch (c) {
                case 'j':
                        check.journal = optarg;
                        break;
                case 's':
                        check.state = optarg;
                        break;
                case 'g':
                        check.segment_bytes = strtoull(optarg, NULL, 10);
                        break;
                case 'a':
                        check.acked = strtoull(optarg, NULL, 10);
                        break;
                case 't':
                        check.state_acked = strtoull(optarg, NULL, 10);
                        break;
                case 'o':
                        check.go_on = true;
                        break;
                default:
                        return EXIT_WRONG_USE;
                }
        }
        if (!check.journal) {
                fprintf(stderr, "journal-check: --journal FOLDER is needed\n");
                return EXIT_WRONG_USE;
        }
        if (store_check(&check, &found) < 0) {
                printf("%s\n", found.why);
                return EXIT_NO;
        }
        printf("last %" PRIu64 " state %" PRIu64 "\n", found.last_seq, found.state_seq);
        return EXIT_DONE;
}
