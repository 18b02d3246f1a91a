/*
 * docs/configuration.md names every key that the tables know, as the tables know it, and no other. The rows of its tables are
 * made by this program: `test-config-reference --print` writes them. The manual pages are made from the tables themselves.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include "base/error.h"
#include "base/file.h"
#include "config/draft.h"
#include "config/profile-read.h"

/* | `sources.NAME.listen` | address and port | | Where ... | */
static void row_append(Buffer *buffer, const char *path, const SchemaItem *item) {
        char type[300];
        schema_describe_type(item, type, sizeof(type));
        buffer_append_format(buffer, "| `%s` | %s | ", path, type);
        if (item->required)
                buffer_append_text(buffer, "**required**");
        else if (item->fallback_says)
                buffer_append_text(buffer, item->fallback_says);
        else if (item->fallback)
                buffer_append_format(buffer, "`%s`", item->fallback);
        buffer_append_format(buffer, " | %s |\n", item->doc);
}

static void rows_append(Buffer *buffer, const char *prefix, const SchemaItem *items) {
        for (const SchemaItem *item = items; item->name; item++) {
                char path[200];
                snprintf(path, sizeof(path), "%s%s", prefix, item->name);
                row_append(buffer, path, item);
                if (!item->items)
                        continue;
                snprintf(path, sizeof(path), "%s%s%s.", prefix, item->name,
                         item->type == SCHEMA_TABLE  ? ".NAME"
                         : item->type == SCHEMA_LIST ? "[]"
                                                     : "");
                rows_append(buffer, path, item->items);
        }
}

static char *rows_of(const char *prefix, const SchemaItem *items) {
        Buffer buffer = BUFFER_NULL;
        rows_append(&buffer, prefix, items);
        return buffer_steal_text(&buffer);
}

static char *rows_of_profile(void) {
        Buffer buffer = BUFFER_NULL;
        for (const ProfileReference *part = profile_reference; part->prefix; part++)
                rows_append(&buffer, part->prefix, part->items);
        return buffer_steal_text(&buffer);
}

static char *read_doc(const char *name) {
        const char *source = getenv("CAREBUS_SOURCE");
        char path[512];
        Buffer content = BUFFER_NULL;
        snprintf(path, sizeof(path), "%s/%s", source ? source : ".", name);
        int r = file_read(path, 1 << 20, &content);
        if (r < 0)
                fail_msg("%s: %s", path, strerror(-r));
        return buffer_steal_text(&content);
}

static size_t count_rows(const char *text) {
        size_t n = 0;
        for (const char *at = text; (at = strstr(at, "\n| `")); at++)
                n++;
        return n;
}

static size_t assert_has_rows(const char *doc, const char *rows) {
        _cleanup_(freep) char *copy = strdup(rows);
        size_t n = 0;
        char *state = NULL;
        for (char *row = strtok_r(copy, "\n", &state); row; row = strtok_r(NULL, "\n", &state)) {
                if (!strstr(doc, row))
                        fail_msg("docs/configuration.md lacks this row (make it with --print):\n%s", row);
                n++;
        }
        return n;
}

static void test_the_reference_has_every_key_as_it_is_and_no_other(void **state) {
        _cleanup_(freep) char *doc = read_doc("docs/configuration.md");
        _cleanup_(freep) char *config = rows_of("", config_items), *profile = rows_of_profile();
        size_t n = assert_has_rows(doc, config) + assert_has_rows(doc, profile);
        assert_true(n > 60);
        assert_int_equal(count_rows(doc), n);
}

static void check_items(const SchemaItem *items) {
        for (const SchemaItem *item = items; item->name; item++) {
                size_t length = strlen(item->doc);
                assert_true(length > 5 && item->doc[length - 1] != '.');
                assert_false(item->required && (item->fallback || item->fallback_says));
                if (item->type == SCHEMA_NUMBER || item->type == SCHEMA_SIZE)
                        assert_true(item->max > item->min);
                if (item->type == SCHEMA_WORD)
                        assert_non_null(item->words);
                if (item->items)
                        check_items(item->items);
        }
}

static void test_every_row_of_the_tables_is_whole(void **state) {
        check_items(config_items);
        for (const ProfileReference *part = profile_reference; part->prefix; part++)
                check_items(part->items);
}

int main(int argc, char **argv) {
        if (argc == 2 && strcmp(argv[1], "--print") == 0) {
                _cleanup_(freep) char *config = rows_of("", config_items), *profile = rows_of_profile();
                printf("%s\n%s", config, profile);
                return 0;
        }
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_reference_has_every_key_as_it_is_and_no_other),
                cmocka_unit_test(test_every_row_of_the_tables_is_whole),
        };
        return cmocka_run_group_tests_name("config reference", tests, NULL, NULL);
}
