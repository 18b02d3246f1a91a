/*
 * What was said before is found again, by id and by identifier; versions count; what is damaged is made anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/fhir/memory.h"
#include "base/file.h"

#define SYSTEM "https://wester.example/pas"

static char folder[64], path[96];
static Memory *memory;
static Arena *arena;

static void open_memory(bool expect_new) {
        bool is_new = !expect_new;

        assert_int_equal(memory_open(folder, &memory, &is_new), 0);
        assert_int_equal(is_new, expect_new);
}

static int setup(void **state) {
        snprintf(folder, sizeof(folder), "/tmp/carebus-memory-XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/memory.mdb", folder);
        open_memory(false);
        return arena_new(&arena, 8 << 20);
}

static int teardown(void **state) {
        char lock[96];

        memory = memory_free(memory);
        arena = arena_free(arena);
        snprintf(lock, sizeof(lock), "%s/memory.lock", folder);
        (void)unlink(path);
        (void)unlink(lock);
        return rmdir(folder);
}

/* A resource with one identifier; its content is told apart by a letter. */
static const char *put(const char *type, const char *id, const char *version, const char *value, char content) {
        static char standing[MEMORY_NAME_MAX + 1];
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;
        Carebus__V1__Identifier *list[] = { &identifier };
        MemoryRecord record = { .type = type, .id = id, .version = version, .seq = 7, .resource = "{}" };

        identifier.system = (char *)SYSTEM;
        identifier.value = (char *)(uintptr_t)value;
        memset(record.content, content, sizeof(record.content));
        if (value) {
                record.identifiers = record.patient = list;
                record.n_identifiers = record.n_patient = 1;
        }
        assert_int_equal(memory_put(memory, &record, standing), 0);
        return standing;
}

static void delete (const char *type, const char *id) {
        const MemoryRecord record = { .type = type, .id = id, .is_deleted = true };
        assert_int_equal(memory_put(memory, &record, NULL), 0);
}

static void test_a_record_is_found_as_it_was_put_before_and_after_the_commit(void **state) {
        MemoryRecord found;

        put("Patient", "p1", NULL, "H1", 'a');
        for (int i = 0; i < 2; i++) {
                assert_int_equal(memory_find(memory, "Patient", "p1", arena, &found), 0);
                assert_string_equal(found.version, "1");
                assert_int_equal(found.seq, 7);
                assert_int_equal(found.content[31], 'a');
                assert_int_equal(found.n_identifiers, 1);
                assert_string_equal(found.identifiers[0]->value, "H1");
                assert_string_equal(found.patient[0]->system, SYSTEM);
                assert_string_equal(found.resource, "{}");
                assert_false(found.is_deleted);
                assert_int_equal(memory_commit(memory), 0);
        }
        assert_int_equal(memory_find(memory, "Patient", "p2", arena, &found), MEMORY_E_NOT_FOUND);
        assert_int_equal(memory_find(memory, "Encounter", "p1", arena, &found), MEMORY_E_NOT_FOUND);
}

static void test_what_is_committed_is_there_after_a_restart_and_nothing_else(void **state) {
        MemoryRecord found;

        put("Patient", "p1", NULL, "H1", 'a');
        assert_int_equal(memory_commit(memory), 0);
        put("Patient", "p2", NULL, "H2", 'a');
        memory = memory_free(memory);
        open_memory(false);
        assert_int_equal(memory_find(memory, "Patient", "p1", arena, &found), 0);
        assert_int_equal(memory_find(memory, "Patient", "p2", arena, &found), MEMORY_E_NOT_FOUND);
}

static void test_versions_count_where_the_content_is_another_and_are_the_sources_where_it_says_them(void **state) {
        assert_string_equal(put("Patient", "p1", NULL, NULL, 'a'), "1");
        assert_string_equal(put("Patient", "p1", NULL, NULL, 'a'), "1");
        assert_string_equal(put("Patient", "p1", NULL, NULL, 'b'), "2");
        assert_string_equal(put("Patient", "p1", "17", NULL, 'c'), "17");
        assert_string_equal(put("Patient", "p1", NULL, NULL, 'd'), "18");
        assert_string_equal(put("Patient", "p1", "v-next", NULL, 'e'), "v-next");
        assert_string_equal(put("Patient", "p1", NULL, NULL, 'f'), "1");
}

static void test_an_identifier_finds_none_one_or_several(void **state) {
        char id[MEMORY_NAME_MAX + 1] = "";

        assert_int_equal(memory_search(memory, "Patient", SYSTEM, "H1", id), 0);
        put("Patient", "p1", NULL, "H1", 'a');
        assert_int_equal(memory_search(memory, "Patient", SYSTEM, "H1", id), 1);
        assert_string_equal(id, "p1");
        assert_int_equal(memory_search(memory, "Encounter", SYSTEM, "H1", id), 0);
        assert_int_equal(memory_search(memory, "Patient", "", "H1", id), 0);
        put("Patient", "p1", NULL, "H1", 'b');
        assert_int_equal(memory_search(memory, "Patient", SYSTEM, "H1", id), 1);
        put("Patient", "p2", NULL, "H1", 'a');
        put("Patient", "p3", NULL, "H1", 'a');
        assert_int_equal(memory_search(memory, "Patient", SYSTEM, "H1", id), 2);
}

static void test_an_identifier_that_is_taken_away_or_deleted_finds_nothing(void **state) {
        char id[MEMORY_NAME_MAX + 1];
        MemoryRecord found;

        put("Patient", "p1", NULL, "H1", 'a');
        put("Patient", "p1", NULL, "H2", 'b');
        assert_int_equal(memory_search(memory, "Patient", SYSTEM, "H1", id), 0);
        assert_int_equal(memory_search(memory, "Patient", SYSTEM, "H2", id), 1);
        delete ("Patient", "p1");
        assert_int_equal(memory_search(memory, "Patient", SYSTEM, "H2", id), 0);
        assert_int_equal(memory_find(memory, "Patient", "p1", arena, &found), 0);
        assert_true(found.is_deleted);
        assert_string_equal(found.version, "3");
        put("Patient", "p1", NULL, "H2", 'b');
        assert_int_equal(memory_search(memory, "Patient", SYSTEM, "H2", id), 1);
}

static void test_a_name_that_is_none_is_refused_and_what_was_put_stays(void **state) {
        static const char *const ids[] = {
                "", NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        };
        MemoryRecord found;

        put("Patient", "p1", NULL, "H1", 'a');
        assert_int_equal(memory_commit(memory), 0);
        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
                const MemoryRecord record = { .type = "Patient", .id = ids[i] };
                assert_int_equal(memory_put(memory, &record, NULL), -EINVAL);
        }
        assert_int_equal(memory_find(memory, "Patient", "p1", arena, &found), 0);
}

static void test_packed_records_are_put_one_by_one_with_the_receipts_number(void **state) {
        Buffer packed = BUFFER_NULL;
        Bytes rest;
        MemoryRecord found;
        char version[MEMORY_NAME_MAX + 1];

        for (int i = 0; i < 3; i++) {
                char id[16];
                const MemoryRecord record = { .type = "Flag", .id = id };
                snprintf(id, sizeof(id), "f%d", i);
                memory_pack(&packed, &record);
        }
        rest = buffer_bytes(&packed);
        for (int i = 0; i < 3; i++)
                assert_int_equal(memory_put_packed(memory, &rest, 42, arena, version), 0);
        assert_int_equal(memory_put_packed(memory, &rest, 42, arena, version), MEMORY_E_NOT_FOUND);
        assert_int_equal(memory_find(memory, "Flag", "f2", arena, &found), 0);
        assert_int_equal(found.seq, 42);
        buffer_deinit(&packed);
}

static void test_packed_records_cut_anywhere_are_refused(void **state) {
        Buffer packed = BUFFER_NULL;
        Carebus__V1__Identifier identifier = CAREBUS__V1__IDENTIFIER__INIT;
        Carebus__V1__Identifier *list[] = { &identifier };
        const MemoryRecord record = {
                .type = "Flag", .id = "f1", .identifiers = list, .n_identifiers = 1, .resource = "{}"
        };

        identifier.value = (char *)"v";
        memory_pack(&packed, &record);
        for (size_t size = 1; size < packed.size; size++) {
                Bytes cut = bytes_of(packed.data, size);
                assert_int_equal(memory_put_packed(memory, &cut, 1, arena, NULL), -EBADMSG);
        }
        buffer_deinit(&packed);
}

static void test_a_resource_that_is_too_large_is_remembered_without_its_json(void **state) {
        MemoryRecord found, record = { .type = "DocumentReference", .id = "d1" };
        char *large = malloc(MEMORY_RESOURCE_MAX + 2);

        assert_non_null(large);
        memset(large, ' ', MEMORY_RESOURCE_MAX + 1);
        large[MEMORY_RESOURCE_MAX + 1] = '\0';
        record.resource = large;
        assert_int_equal(memory_put(memory, &record, NULL), 0);
        assert_int_equal(memory_find(memory, "DocumentReference", "d1", arena, &found), 0);
        assert_string_equal(found.resource, "");
        free(large);
}

static void test_notes_are_kept(void **state) {
        const char *text;

        assert_int_equal(memory_note_get(memory, "poll/x/Patient", arena, &text), MEMORY_E_NOT_FOUND);
        assert_int_equal(memory_note_put(memory, "poll/x/Patient", "17 first"), 0);
        assert_int_equal(memory_note_put(memory, "poll/x/Patient", "18"), 0);
        assert_int_equal(memory_commit(memory), 0);
        assert_int_equal(memory_note_get(memory, "poll/x/Patient", arena, &text), 0);
        assert_string_equal(text, "18");
}

static void test_a_damaged_memory_is_made_anew_and_said_so(void **state) {
        static const char nonsense[8192] = "no memory at all";
        MemoryRecord found;
        struct stat info;

        for (int i = 0; i < 200; i++) {
                char id[16];
                snprintf(id, sizeof(id), "p%d", i);
                put("Patient", id, NULL, id, 'a');
        }
        assert_int_equal(memory_commit(memory), 0);
        memory = memory_free(memory);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(truncate(path, info.st_size / 2), 0);
        open_memory(true);
        assert_int_equal(memory_find(memory, "Patient", "p1", arena, &found), MEMORY_E_NOT_FOUND);
        memory = memory_free(memory);
        assert_int_equal(file_replace(path, nonsense, sizeof(nonsense), 0600), 0);
        open_memory(true);
        memory = memory_free(memory);
        open_memory(false);
}

static void test_a_memory_is_one_processs(void **state) {
        Memory *other = NULL;
        bool is_new;

        assert_int_equal(memory_open(folder, &other, &is_new), MEMORY_E_TAKEN);
        assert_null(other);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                CASE(test_a_record_is_found_as_it_was_put_before_and_after_the_commit),
                CASE(test_what_is_committed_is_there_after_a_restart_and_nothing_else),
                CASE(test_versions_count_where_the_content_is_another_and_are_the_sources_where_it_says_them),
                CASE(test_an_identifier_finds_none_one_or_several),
                CASE(test_an_identifier_that_is_taken_away_or_deleted_finds_nothing),
                CASE(test_a_name_that_is_none_is_refused_and_what_was_put_stays),
                CASE(test_packed_records_are_put_one_by_one_with_the_receipts_number),
                CASE(test_packed_records_cut_anywhere_are_refused),
                CASE(test_a_resource_that_is_too_large_is_remembered_without_its_json),
                CASE(test_notes_are_kept),
                CASE(test_a_damaged_memory_is_made_anew_and_said_so),
                CASE(test_a_memory_is_one_processs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
