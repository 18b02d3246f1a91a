/* What a team must hold is kept up entry by entry: over every story, in every order, the ledgers say what the records say. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scenario/agreement.h"
#include "tests/scenario/story.h"

#define STORIES_MAX 200

static void on_told(const World *world, void *owner) {
        (void)owner;
        agreement_check(world);
}

static void test_story(void **state) {
        story_run_to(*state, on_told, NULL);
}

static int is_story(const struct dirent *entry) {
        const char *dot = strrchr(entry->d_name, '.');

        return dot && strcmp(dot, ".story") == 0;
}

int main(int argc, char **argv) {
        static struct CMUnitTest tests[STORIES_MAX];
        struct dirent **names;
        int n;

        if (argc < 2 || (n = scandir(argv[1], &names, is_story, alphasort)) <= 0 || n > STORIES_MAX) {
                fprintf(stderr, "test-agreement: give the folder of the stories\n");
                return 64;
        }
        for (int i = 0; i < n; i++) {
                char *path, *name;

                if (asprintf(&path, "%s/%s", argv[1], names[i]->d_name) < 0 ||
                    asprintf(&name, "ledgers say what records say: %s", names[i]->d_name) < 0)
                        return 70;
                tests[i] = (struct CMUnitTest){ .name = name, .test_func = test_story, .initial_state = path };
                free(names[i]);
        }
        free(names);
        return _cmocka_run_group_tests("agreement", tests, (size_t)n, NULL, NULL);
}
