/* Every story of the folder that is given is a test of its own, named after what it promises. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scenario/story.h"

#define STORIES_MAX 200

static bool all_orders;

static void test_story(void **state) {
        story_run(*state, all_orders);
}

static int is_story(const struct dirent *entry) {
        const char *dot = strrchr(entry->d_name, '.');

        return dot && strcmp(dot, ".story") == 0;
}

int main(int argc, char **argv) {
        static struct CMUnitTest tests[STORIES_MAX];
        struct dirent **names;
        int n;

        all_orders = argc == 3 && strcmp(argv[2], "--all-orders") == 0;
        if (argc != 2 + all_orders || (n = scandir(argv[1], &names, is_story, alphasort)) <= 0 || n > STORIES_MAX) {
                fprintf(stderr, "test-stories: give the folder of the stories, and --all-orders or not\n");
                return 64;
        }
        for (int i = 0; i < n; i++) {
                char *path;

                if (asprintf(&path, "%s/%s", argv[1], names[i]->d_name) < 0)
                        return 70;
                tests[i] = (struct CMUnitTest){ .name = story_promise(path),
                                                .test_func = test_story,
                                                .initial_state = path };
                if (!tests[i].name) {
                        fprintf(stderr, "test-stories: %s: the first line must say what is promised\n", path);
                        return 65;
                }
                free(names[i]);
        }
        free(names);
        return _cmocka_run_group_tests("stories", tests, (size_t)n, NULL, NULL);
}
