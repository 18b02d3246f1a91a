/*
 * The journal beside the least that a durable log can do: the same bytes by one pwrite and one fdatasync a batch into a
 * file that was zero-filled. Turn by turn in one run; the figure that counts is the ratio.
 *
 *   bench-journal [--folder FOLDER] [--seconds S]      (S a row, 2 by default)
 */
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "daemon/store/journal.h"

#define PAYLOAD 1024u
#define BATCH_MOST 256u
#define BARE_BYTES (256ull << 20)
#define TURNS 9u

static const char *arg_folder = "/var/tmp";
static double arg_seconds = 2;

typedef struct Lane {
        double seconds;
        uint64_t batches;
} Lane;

typedef struct Preparer {
        Journal *journal;
        atomic_bool stop;
} Preparer;

/* As the daemon's background thread does. */
static void *prepare(void *owner) {
        Preparer *preparer = owner;

        while (!atomic_load(&preparer->stop))
                (void)usleep(journal_prepare_step(preparer->journal) == 1 ? 5000 : 20000);
        return NULL;
}

static double now(void) {
        return (double)clock_monotonic(&clock_system) / (double)USEC_PER_SEC;
}

static int bare_open(const char *folder, int *ret) {
        static const uint8_t zeros[1 << 20];
        char path[512];
        int fd, r = 0;

        snprintf(path, sizeof(path), "%s/bare", folder);
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        for (uint64_t at = 0; at < BARE_BYTES && r == 0; at += sizeof(zeros))
                r = pwrite_all(fd, zeros, sizeof(zeros), (off_t)at);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        (void)unlink(path);
        *ret = fd;
        return r;
}

static int run_bare(Lane *lane, int fd, size_t batch, const uint8_t *data) {
        static uint64_t at;
        double begin = now(), end = begin + arg_seconds / TURNS;

        while (now() < end) {
                size_t size = batch * PAYLOAD;
                int r;

                at = at + size > BARE_BYTES ? 0 : at;
                r = pwrite_all(fd, data, size, (off_t)at);
                if (r == 0 && fdatasync(fd) < 0)
                        r = -errno;
                if (r < 0)
                        return r;
                at += size;
                lane->batches++;
        }
        lane->seconds += now() - begin;
        return 0;
}

static int run_journal(Lane *lane, Journal *journal, size_t batch, const uint8_t *data) {
        double begin = now(), end = begin + arg_seconds / TURNS;

        while (now() < end) {
                uint64_t seq;
                int r = 0;

                for (size_t i = 0; i < batch && r == 0; i++)
                        r = journal_append(journal, 1, bytes_of(data + i * PAYLOAD, PAYLOAD), &seq);
                if (r == 0)
                        r = journal_commit(journal);
                if (r != 0)
                        return error_fold(r);
                lane->batches++;
        }
        lane->seconds += now() - begin;
        return 0;
}

static int compare_ratios(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return x < y ? -1 : x > y;
}

static int bench_row(Journal *journal, int bare, size_t batch, const uint8_t *data) {
        Lane plain = { 0 }, ours = { 0 };
        double ratios[TURNS], n = (double)batch;

        for (unsigned turn = 0; turn < TURNS; turn++) {
                Lane a = { 0 }, b = { 0 };
                int r = run_bare(&a, bare, batch, data);

                if (r == 0)
                        r = run_journal(&b, journal, batch, data);
                if (r < 0)
                        return r;
                /* One turn in which the disk was busy with something else does not decide. */
                ratios[turn] = b.seconds / (double)b.batches / (a.seconds / (double)a.batches);
                plain = (Lane){ plain.seconds + a.seconds, plain.batches + a.batches };
                ours = (Lane){ ours.seconds + b.seconds, ours.batches + b.batches };
        }
        qsort(ratios, TURNS, sizeof(*ratios), compare_ratios);
        printf("%6zu %14.0f %14.0f %13.2f %12.1f\n", batch, n * (double)plain.batches / plain.seconds,
               n * (double)ours.batches / ours.seconds, ratios[TURNS / 2], 1e6 * ours.seconds / (double)ours.batches);
        return 0;
}

static int bench(Journal *journal, int bare, const uint8_t *data) {
        static const size_t batches[] = { 1, 16, 64, BATCH_MOST };
        int r = 0;

        printf("%6s %14s %14s %13s %12s\n", "batch", "bare rec/s", "journal rec/s", "median ratio", "journal us");
        for (size_t i = 0; i < ELEMENTSOF(batches) && r == 0; i++)
                r = bench_row(journal, bare, batches[i], data);
        return r;
}

static int read_back(const char *folder, uint64_t limit) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        double begin = now();
        JournalRecord record;
        uint64_t n = 0;
        int r;

        r = journal_reader_open(folder, &reader);
        while (r == 0 && (r = journal_reader_next(reader, limit, &record, NULL)) == 0)
                n++;
        if (r != JOURNAL_E_END)
                return error_fold(r);
        printf("read back: %.0f rec/s of %u bytes\n", (double)n / (now() - begin), PAYLOAD);
        return 0;
}

static int run_in(const char *folder) {
        _cleanup_(freep) uint8_t *data = malloc((size_t)BATCH_MOST * PAYLOAD);
        _cleanup_(journal_freep) Journal *journal = NULL;
        _cleanup_(closep) int bare = -1;
        Preparer preparer = { 0 };
        pthread_t thread;
        int r;

        if (!data)
                return -ENOMEM;
        for (size_t i = 0; i < (size_t)BATCH_MOST * PAYLOAD; i++)
                data[i] = (uint8_t)(i * 2654435761u >> 13);
        r = bare_open(folder, &bare);
        if (r == 0)
                r = error_fold(journal_open(folder, NULL, &journal, NULL));
        if (r < 0)
                return r;
        while ((r = journal_prepare_step(journal)) == 1)
                ;
        if (r < 0)
                return r;
        preparer.journal = journal;
        r = pthread_create(&thread, NULL, prepare, &preparer);
        if (r != 0)
                return -r;
        r = bench(journal, bare, data);
        atomic_store(&preparer.stop, true);
        (void)pthread_join(thread, NULL);
        return r == 0 ? read_back(folder, journal_committed(journal)) : r;
}

static void remove_folder(const char *folder) {
        _cleanup_(closedirp) DIR *dir = opendir(folder);
        const struct dirent *entry;

        while (dir && (entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        (void)unlinkat(dirfd(dir), entry->d_name, 0);
        (void)rmdir(folder);
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "folder", required_argument, NULL, 'f' },
                { "seconds", required_argument, NULL, 's' },
                { 0 },
        };
        char folder[256];
        int c, r;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (c == 'f')
                        arg_folder = optarg;
                else if (c == 's')
                        arg_seconds = strtod(optarg, NULL);
                else
                        return EXIT_WRONG_USE;
        }
        snprintf(folder, sizeof(folder), "%s/carebus-bench-journal-XXXXXX", arg_folder);
        if (!mkdtemp(folder)) {
                error_print("bench-journal", "cannot make a folder in %s: %s", arg_folder, strerror(errno));
                return EXIT_STORAGE;
        }
        r = run_in(folder);
        remove_folder(folder);
        if (r < 0) {
                error_print("bench-journal", "%s", strerror(-r));
                return EXIT_STORAGE;
        }
        return EXIT_DONE;
}
