/* A ledger's table against the plainest of models, and its file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "daemon/serve/ledger-file.h"

#define PERSONS 300
#define STEPS 20000

static LedgerId id_of(unsigned person) {
        return (LedgerId){ .seq = person + 1, .index = person % 3 };
}

static void digest_of(unsigned person, unsigned version, uint8_t ret[DIGEST_SUM_SIZE]) {
        const unsigned both[] = { person, version };

        sha256(both, sizeof(both), ret);
}

static void test_ids_are_read_as_they_are_written(void **state) {
        static const char *const bad[] = {
                "", "p", "p1", "p1.", "p.1", "q1.0", "p1.4294967296", "p18446744073709551616.0", "p1.0x"
        };
        char text[LEDGER_ID_SIZE];
        LedgerId id;

        assert_int_equal(ledger_id_parse("p18446744073709551615.4294967295", &id), 0);
        ledger_id_format(id, text);
        assert_string_equal(text, "p18446744073709551615.4294967295");
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(ledger_id_parse(bad[i], &id), -EINVAL);
}

/* A reader who takes one thing at a time, whenever it likes, and ends with all. */
typedef struct Reader {
        LedgerCursor cursor;
        bool held[PERSONS];
        uint8_t digests[PERSONS][DIGEST_SUM_SIZE];
        Place place;
} Reader;

static void reader_take(Reader *reader, const LedgerTable *table) {
        const LedgerEntry *entry;
        unsigned person;

        if (reader->cursor.next == LEDGER_NONE)
                return;
        entry = &table->entries[reader->cursor.next];
        person = (unsigned)entry->id_seq - 1;
        assert_true(place_compare(ledger_entry_place(entry), reader->place) > 0);
        reader->place = ledger_entry_place(entry);
        reader->held[person] = !ledger_entry_is_gone(entry);
        memcpy(reader->digests[person], entry->digest, DIGEST_SUM_SIZE);
        ledger_cursor_advance(table, &reader->cursor);
}

static void assert_has_all(const Reader *reader, const LedgerTable *table) {
        DigestSum sum = { { 0 } };
        uint64_t n = 0;

        for (unsigned i = 0; i < PERSONS; i++)
                if (reader->held[i]) {
                        digest_sum_add(&sum, reader->digests[i]);
                        n++;
                }
        assert_memory_equal(sum.bytes, table->sum.bytes, sizeof(sum.bytes));
        assert_int_equal(n, table->persons);
}

static void test_readers_who_take_when_they_like_end_with_the_sum(void **state) {
        const unsigned seed = (unsigned)time(NULL);
        Reader *readers = calloc(4, sizeof(*readers));
        LedgerTable table;
        uint64_t seq = 1;

        print_message("# seed %u\n", seed);
        srand(seed);
        ledger_table_init(&table);
        for (int step = 0; step < STEPS; step++) {
                unsigned person = (unsigned)rand() % PERSONS, what = (unsigned)rand() % 10;
                uint8_t digest[DIGEST_SUM_SIZE];

                if (step % 5000 == 0)
                        ledger_cursor_add(&table, &readers[step / 5000].cursor, PLACE_NULL);
                digest_of(person, (unsigned)step, digest);
                seq += (unsigned)rand() % 2;
                assert_int_equal(ledger_table_set(&table, id_of(person), what == 0 ? NULL : digest, seq), 0);
                if (what == 1)
                        assert_int_equal(
                                place_compare(ledger_table_point(&table, seq), ledger_table_point(&table, seq + 9)), 0);
                for (int i = 0; i <= step / 5000; i++)
                        if (rand() % 2)
                                reader_take(&readers[i], &table);
        }
        for (int i = 0; i < 4; i++) {
                while (readers[i].cursor.next != LEDGER_NONE)
                        reader_take(&readers[i], &table);
                assert_has_all(&readers[i], &table);
                ledger_cursor_remove(&table, &readers[i].cursor);
        }
        assert_null(table.cursors);
        ledger_table_deinit(&table);
        free(readers);
}

static void test_a_cursor_begins_behind_its_place(void **state) {
        LedgerCursor cursor = { .next = 0 };
        uint8_t digest[DIGEST_SUM_SIZE];
        LedgerTable table;
        Place middle;

        ledger_table_init(&table);
        for (unsigned i = 0; i < 10; i++) {
                digest_of(i, 0, digest);
                assert_int_equal(ledger_table_set(&table, id_of(i), digest, 5), 0);
                if (i == 6)
                        middle = table.newest;
        }
        ledger_cursor_add(&table, &cursor, middle);
        assert_int_equal(table.entries[cursor.next].id_seq, 8);
        /* The one before which it stands changes: it comes at its new place, and nothing between is left out. */
        assert_int_equal(ledger_table_set(&table, id_of(7), NULL, 5), 0);
        assert_int_equal(table.entries[cursor.next].id_seq, 9);
        ledger_cursor_advance(&table, &cursor);
        ledger_cursor_advance(&table, &cursor);
        assert_int_equal(table.entries[cursor.next].id_seq, 8);
        ledger_cursor_advance(&table, &cursor);
        assert_int_equal(cursor.next, LEDGER_NONE);
        assert_int_equal(ledger_table_set(&table, id_of(0), digest, 6), 0);
        assert_int_equal(table.entries[cursor.next].id_seq, 1);
        ledger_cursor_remove(&table, &cursor);
        ledger_table_deinit(&table);
}

static void test_buckets_add_up_to_the_sum_and_leave_out_what_came_later(void **state) {
        DigestSum buckets[DIGEST_BUCKETS], all = { { 0 } };
        uint8_t digest[DIGEST_SUM_SIZE];
        LedgerTable table;
        DigestSum then;
        Place bound;

        ledger_table_init(&table);
        for (unsigned i = 0; i < PERSONS; i++) {
                digest_of(i, 0, digest);
                assert_int_equal(ledger_table_set(&table, id_of(i), i % 7 ? digest : NULL, i), 0);
        }
        bound = table.newest;
        then = table.sum;
        digest_of(999, 0, digest);
        assert_int_equal(ledger_table_set(&table, id_of(999), digest, 1000), 0);
        ledger_table_buckets(&table, bound, buckets);
        for (unsigned i = 0; i < DIGEST_BUCKETS; i++)
                digest_sum_add(&all, buckets[i].bytes);
        assert_memory_equal(all.bytes, then.bytes, sizeof(all.bytes));
        ledger_table_deinit(&table);
}

static void test_a_person_costs_less_than_a_hundred_bytes(void **state) {
        uint8_t digest[DIGEST_SUM_SIZE];
        LedgerTable table;

        ledger_table_init(&table);
        for (unsigned i = 0; i < 200000; i++) {
                digest_of(i, 0, digest);
                assert_int_equal(ledger_table_set(&table, id_of(i), digest, i), 0);
                if (i >= 2000)
                        assert_true((uint64_t)table.n_room * sizeof(LedgerEntry) + table.n_slots * sizeof(uint32_t) <=
                                    100 * (uint64_t)table.n_entries);
        }
        ledger_table_deinit(&table);
}

static void life_example(LedgerLife *life, LedgerTable *table) {
        uint8_t digest[DIGEST_SUM_SIZE];

        ledger_table_init(table);
        for (unsigned i = 0; i < 20; i++) {
                digest_of(i, 0, digest);
                assert_int_equal(ledger_table_set(table, id_of(i), i % 5 ? digest : NULL, 3 + i / 4), 0);
        }
        ledger_table_point(table, 40);
        *life = (LedgerLife){ .seq = 40, .received_at = 77, .since = 3, .lineage = 12 };
        memset(life->rules, 9, sizeof(life->rules));
        ledger_life_fork(life, table->newest);
        assert_int_equal(ledger_life_new_lineage(life), 0);
}

static void test_a_ledger_comes_back_as_it_was_packed(void **state) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL, again = BUFFER_NULL;
        LedgerTable table, read;
        LedgerLife life, read_life = { .seq = 0 };

        life_example(&life, &table);
        ledger_file_pack(&life, &table, &packed);
        ledger_table_init(&read);
        assert_int_equal(ledger_file_unpack(buffer_bytes(&packed), &read_life, &read), 0);
        assert_int_equal(read_life.seq, 40);
        assert_int_equal(read_life.received_at, 77);
        assert_int_equal(read_life.n_forks, 1);
        assert_true(read_life.lineage == life.lineage && read_life.forks[0].lineage == 12);
        assert_memory_equal(read.sum.bytes, table.sum.bytes, sizeof(read.sum.bytes));
        assert_int_equal(read.persons, 16);
        assert_int_equal(place_compare(read.newest, table.newest), 0);
        ledger_file_pack(&read_life, &read, &again);
        assert_true(bytes_equal(buffer_bytes(&packed), buffer_bytes(&again)));
        ledger_table_deinit(&read);
        ledger_table_deinit(&table);
}

static void test_any_flipped_bit_and_any_torn_end_is_noticed(void **state) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        LedgerTable table, read;
        LedgerLife life, read_life;

        life_example(&life, &table);
        ledger_file_pack(&life, &table, &packed);
        for (size_t bit = 0; bit < packed.size * 8; bit++) {
                packed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
                ledger_table_init(&read);
                assert_int_equal(ledger_file_unpack(buffer_bytes(&packed), &read_life, &read), -EBADMSG);
                ledger_table_deinit(&read);
                packed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        for (size_t size = 0; size < packed.size; size++) {
                ledger_table_init(&read);
                assert_int_equal(ledger_file_unpack(bytes_of(packed.data, size), &read_life, &read), -EBADMSG);
                ledger_table_deinit(&read);
        }
        ledger_table_deinit(&table);
}

static void test_only_the_newest_lineages_are_remembered(void **state) {
        LedgerLife life = { .lineage = 1 };

        for (uint64_t i = 0; i < LEDGER_FORKS_MAX + 5; i++) {
                life.lineage = 100 + i;
                ledger_life_fork(&life, (Place){ .seq = i });
        }
        assert_int_equal(life.n_forks, LEDGER_FORKS_MAX);
        assert_int_equal(life.forks[0].lineage, 105);
        assert_int_equal(life.forks[LEDGER_FORKS_MAX - 1].place.seq, LEDGER_FORKS_MAX + 4);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ids_are_read_as_they_are_written),
                cmocka_unit_test(test_readers_who_take_when_they_like_end_with_the_sum),
                cmocka_unit_test(test_a_cursor_begins_behind_its_place),
                cmocka_unit_test(test_buckets_add_up_to_the_sum_and_leave_out_what_came_later),
                cmocka_unit_test(test_a_person_costs_less_than_a_hundred_bytes),
                cmocka_unit_test(test_a_ledger_comes_back_as_it_was_packed),
                cmocka_unit_test(test_any_flipped_bit_and_any_torn_end_is_noticed),
                cmocka_unit_test(test_only_the_newest_lineages_are_remembered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
