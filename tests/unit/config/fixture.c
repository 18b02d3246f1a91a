/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <dirent.h>
#include <sys/stat.h>

#include "fixture.h"

int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;
        strcpy(fixture->folder, "/tmp/carebus-config-XXXXXX");
        if (!mkdtemp(fixture->folder))
                return -1;
        *state = fixture;
        return 0;
}

static void remove_tree(const char *folder) {
        DIR *dir = opendir(folder);
        struct dirent *entry;
        while (dir && (entry = readdir(dir))) {
                char path[512];
                struct stat info;
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                snprintf(path, sizeof(path), "%.200s/%s", folder, entry->d_name);
                if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode))
                        remove_tree(path);
                else
                        unlink(path);
        }
        if (dir)
                closedir(dir);
        rmdir(folder);
}

static void forget(Fixture *fixture) {
        config_problems_deinit(&fixture->problems);
        fixture->config = config_unref(fixture->config);
        fixture->text = config_text_free(fixture->text);
        free(fixture->printed);
        fixture->printed = NULL;
}

int fixture_teardown(void **state) {
        Fixture *fixture = *state;
        forget(fixture);
        remove_tree(fixture->folder);
        free(fixture);
        return 0;
}

void fixture_path(const Fixture *fixture, const char *name, char path[256]) {
        snprintf(path, 256, "%s/%s", fixture->folder, name);
}

void fixture_write(Fixture *fixture, const char *name, const char *content) {
        char path[256];
        fixture_path(fixture, name, path);
        char *slash = strrchr(path, '/');
        *slash = '\0';
        assert_int_equal(folder_make(path, 0755), 0);
        *slash = '/';
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        for (const char *at = content; *at; at++) {
                if (at[0] == '%' && at[1] == 's') {
                        fputs(fixture->folder, file);
                        at++;
                } else
                        fputc(*at, file);
        }
        fclose(file);
}

void fixture_load(Fixture *fixture) {
        char path[256];
        size_t size = 0;
        forget(fixture);
        fixture_path(fixture, "carebus.yaml", path);
        fixture->result = config_load(path, &fixture->config, &fixture->text, &fixture->problems);
        FILE *stream = open_memstream(&fixture->printed, &size);
        assert_non_null(stream);
        config_problems_print(&fixture->problems, stream);
        fclose(stream);
        assert_true((fixture->result == 0) == (fixture->config != NULL));
        assert_true((fixture->result == 0) == (fixture->problems.n_errors == 0));
        assert_true(fixture->result == 0 || fixture->result == CONFIG_E_INVALID);
}

void fixture_try(Fixture *fixture, const char *content) {
        fixture_write(fixture, "carebus.yaml", content);
        fixture_load(fixture);
}

const ConfigProblem *fixture_problem(Fixture *fixture, const char *part) {
        for (size_t i = 0; i < fixture->problems.n_items; i++)
                if (strstr(fixture->problems.items[i].message, part))
                        return &fixture->problems.items[i];
        print_error("nothing says: %s\nbut:\n%s\n", part, fixture->printed);
        fail();
        return NULL;
}

void fixture_assert_only(Fixture *fixture, unsigned line, unsigned column, const char *part, const char *hint) {
        const ConfigProblem *problem = fixture_problem(fixture, part);
        if (fixture->problems.n_items != 1 || problem->line != line || problem->column != column ||
            (hint && (!problem->hint || !strstr(problem->hint, hint)))) {
                print_error("expected one problem at %u:%u, hint %s; got:\n%s\n", line, column, hint ? hint : "any",
                            fixture->printed);
                fail();
        }
}

void fixture_assert_good(Fixture *fixture) {
        if (fixture->result != 0) {
                print_error("%s\n", fixture->printed);
                fail();
        }
}

size_t fixture_count(const Fixture *fixture, bool is_warning) {
        size_t n = 0;
        for (size_t i = 0; i < fixture->problems.n_items; i++)
                n += fixture->problems.items[i].is_warning == is_warning;
        return n;
}
