/* What a replica holds, against the plainest of models, and its file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/sha256.h"
#include "sdk/held.h"

#define PERSONS 3000
#define STEPS 40000

static const char *id_of(int person) {
        static char id[HELD_ID_SIZE];

        snprintf(id, sizeof(id), "p%d.%d", person / 2 + 1, person % 2);
        return id;
}

static void test_digests_and_sum_follow_what_is_set_and_removed(void **state) {
        const unsigned seed = (unsigned)time(NULL);
        int *model = calloc(PERSONS, sizeof(*model)); /* version; 0: not there */
        DigestSum sum = { { 0 } };
        Held held = { 0 };
        uint32_t n = 0;

        print_message("# seed %u\n", seed);
        srand(seed);
        for (int step = 1; step <= STEPS; step++) {
                int person = rand() % PERSONS;
                uint8_t digest[DIGEST_SUM_SIZE];

                sha256(&step, sizeof(step), digest);
                if (rand() % 3 == 0) {
                        HeldPerson *found = held_find(&held, id_of(person));
                        assert_int_equal(found != NULL, model[person] != 0);
                        if (found)
                                held_remove(&held, found);
                        model[person] = 0;
                } else {
                        assert_int_equal(held_set(&held, id_of(person), digest, (uint64_t)step), 0);
                        model[person] = step;
                }
        }
        for (int person = 0; person < PERSONS; person++) {
                const HeldPerson *found = held_find(&held, id_of(person));
                uint8_t digest[DIGEST_SUM_SIZE];

                assert_int_equal(found != NULL, model[person] != 0);
                if (!found)
                        continue;
                sha256(&model[person], sizeof(model[person]), digest);
                assert_memory_equal(found->digest, digest, sizeof(digest));
                assert_int_equal(found->seq, model[person]);
                digest_sum_add(&sum, digest);
                n++;
        }
        assert_int_equal(held.n_persons, n);
        assert_memory_equal(held.sum.bytes, sum.bytes, sizeof(sum.bytes));
        held_deinit(&held);
        free(model);
}

static void test_whom_a_snapshot_does_not_name_is_found(void **state) {
        uint8_t digest[DIGEST_SUM_SIZE] = { 1 };
        const DigestSum zero = { { 0 } };
        Held held = { 0 };
        uint32_t at = 0;
        char id[HELD_ID_SIZE];

        for (int i = 0; i < 5; i++)
                assert_int_equal(held_set(&held, id_of(i), digest, 1), 0);
        held_begin_snapshot(&held, true);
        assert_memory_equal(held.sum.bytes, zero.bytes, sizeof(zero.bytes));
        for (int i = 0; i < 5; i++)
                if (i != 3)
                        assert_int_equal(held_set(&held, id_of(i), digest, 2), 0);
        held_id(held_unnamed(&held, &at), id);
        assert_string_equal(id, id_of(3));
        held_remove(&held, held_unnamed(&held, &at));
        assert_null(held_unnamed(&held, &at));
        assert_int_equal(held_set(&held, "p1", digest, 1), -EINVAL);
        held_deinit(&held);
}

static void fill(Held *held, int n) {
        for (int i = 0; i < n; i++) {
                uint8_t digest[DIGEST_SUM_SIZE];
                sha256(&i, sizeof(i), digest);
                assert_int_equal(held_set(held, id_of(i), digest, (uint64_t)i), 0);
        }
}

static void test_file_comes_back_whole_or_not_at_all(void **state) {
        char folder[] = "/tmp/carebus-held-XXXXXX", path[64];
        const HeldPlace place = { .seq = 12, .index = 3, .lineage = 99 };
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        Held held = { 0 }, read = { 0 };
        HeldPlace at = { 0 };

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/digests", folder);
        assert_int_equal(held_read(path, "hospice/desk", &read, &at), -ENOENT);
        fill(&held, 40);
        assert_int_equal(held_write(path, "hospice/desk", &held, place), 0);
        assert_int_equal(held_read(path, "hospice/desk", &read, &at), 0);
        assert_true(at.seq == 12 && at.index == 3 && at.lineage == 99);
        assert_int_equal(read.n_persons, 40);
        assert_memory_equal(read.sum.bytes, held.sum.bytes, sizeof(read.sum.bytes));
        held_deinit(&read);
        assert_int_equal(held_read(path, "hospice/other", &read, &at), -EBADMSG);
        assert_int_equal(file_read(path, 1 << 20, &content), 0);
        for (size_t i = 0; i < content.size; i += 7) {
                content.data[i] ^= 0x10;
                assert_int_equal(file_replace(path, content.data, content.size, 0600), 0);
                assert_int_equal(held_read(path, "hospice/desk", &read, &at), -EBADMSG);
                assert_int_equal(read.n_persons, 0);
                content.data[i] ^= 0x10;
        }
        assert_int_equal(file_replace(path, content.data, content.size - 1, 0600), 0);
        assert_int_equal(held_read(path, "hospice/desk", &read, &at), -EBADMSG);
        held_deinit(&held);
        unlink(path);
        rmdir(folder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_digests_and_sum_follow_what_is_set_and_removed),
                cmocka_unit_test(test_whom_a_snapshot_does_not_name_is_found),
                cmocka_unit_test(test_file_comes_back_whole_or_not_at_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
