/* One writes, one prepares, others read and verify: at the same time, over many segments. */
#include "store-test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SEGMENT (128u * 1024u)
#define RECORDS 12000u

typedef struct Shared {
        const char *folder;
        Journal *journal;
        atomic_bool stop;
        /* What a thread found wrong: cmocka's asserts are for the main thread. */
        _Atomic(const char *) wrong;
        atomic_uint verified;
} Shared;

static void *prepare(void *owner) {
        Shared *shared = owner;

        while (!atomic_load(&shared->stop))
                if (journal_prepare_step(shared->journal) < 0)
                        atomic_store(&shared->wrong, "preparing");
        return NULL;
}

static void *read_on(void *owner) {
        _cleanup_(journal_reader_freep) JournalReader *reader = NULL;
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        Shared *shared = owner;
        uint64_t next = 1;

        if (journal_reader_open(shared->folder, &reader) != 0)
                atomic_store(&shared->wrong, "opening a reader");
        while (next <= RECORDS && !atomic_load(&shared->wrong)) {
                JournalRecord record;
                int r = journal_reader_next(reader, journal_committed(shared->journal), &record, NULL);

                if (r == JOURNAL_E_END) {
                        sched_yield();
                        continue;
                }
                if (r != 0 || record.seq != next || !bytes_equal(record.payload, payload_of(next, &buffer)))
                        atomic_store(&shared->wrong, "reading");
                next++;
        }
        return NULL;
}

/* Half of the time without a limit, which a live journal does not ask for: also then nothing is called a fault. */
static void *verify(void *owner) {
        Shared *shared = owner;
        bool all = false;

        while (!atomic_load(&shared->stop) && !atomic_load(&shared->wrong)) {
                uint64_t limit = all ? 0 : journal_committed(shared->journal);
                JournalVerified verified;
                JournalFault fault = { .reason = "" };

                if (journal_verify(shared->folder, limit, NULL, NULL, &verified, &fault) != 0)
                        atomic_store(&shared->wrong, fault.reason);
                atomic_fetch_add(&shared->verified, 1);
                all = !all;
        }
        return NULL;
}

static void test_readers_and_verify_keep_up_with_the_writer(void **state) {
        static void *(*const work[])(void *) = { prepare, read_on, read_on, verify };
        Shared shared = { .folder = *state };
        pthread_t threads[ELEMENTSOF(work)];
        unsigned seed = 11;

        shared.journal = open_journal(*state, SEGMENT, 0);
        for (size_t i = 0; i < ELEMENTSOF(work); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, work[i], &shared), 0);
        while (journal_committed(shared.journal) < RECORDS) {
                uint64_t n = 1 + (uint64_t)rand_r(&seed) % 9, left = RECORDS - journal_committed(shared.journal);

                write_records(shared.journal, MIN(n, left), 9);
        }
        pthread_join(threads[1], NULL);
        pthread_join(threads[2], NULL);
        atomic_store(&shared.stop, true);
        pthread_join(threads[0], NULL);
        pthread_join(threads[3], NULL);
        if (atomic_load(&shared.wrong))
                fail_msg("%s", atomic_load(&shared.wrong));
        assert_true(atomic_load(&shared.verified) > 0);
        journal_free(shared.journal);
        expect_records(*state, 1, RECORDS);
        expect_verified(*state, RECORDS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_readers_and_verify_keep_up_with_the_writer, folder_setup,
                                                folder_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
