/*
 * Runs a fuzz target over files, so that what fuzzing once found is an ordinary test. Arguments are files and folders;
 * a folder stands for every file directly in it. Prints TAP: a line a file.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t n_run;

static int run_file(const char *path) {
        _cleanup_(fclosep) FILE *file = fopen(path, "re");
        _cleanup_(freep) uint8_t *data = NULL;
        struct stat st;
        size_t size;

        if (!file || fstat(fileno(file), &st) < 0)
                return -errno;
        size = (size_t)st.st_size;
        /* Exactly as large as the input: a read beyond it is one that the sanitizer sees. */
        data = malloc(size ? size : 1);
        if (!data)
                return -ENOMEM;
        if (fread(data, 1, size, file) != size)
                return -EIO;
        (void)LLVMFuzzerTestOneInput(data, size);
        printf("ok %zu - %s\n", ++n_run, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
        fflush(stdout);
        return 0;
}

static int run_folder(const char *path) {
        struct dirent **entries = NULL;
        int n = scandir(path, &entries, NULL, alphasort), r = 0;

        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                _cleanup_(freep) char *inside = NULL;

                if (r == 0 && entries[i]->d_name[0] != '.') {
                        if (asprintf(&inside, "%s/%s", path, entries[i]->d_name) < 0)
                                r = -ENOMEM;
                        else
                                r = run_file(inside);
                }
                free(entries[i]);
        }
        free(entries);
        return r;
}

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                struct stat st;
                int r = 0;

                if (stat(argv[i], &st) < 0)
                        r = -errno;
                else
                        r = S_ISDIR(st.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
                if (r < 0) {
                        printf("Bail out! %s: %s\n", argv[i], strerror(-r));
                        return EXIT_FAILURE;
                }
        }
        if (n_run == 0) {
                printf("Bail out! no samples\n");
                return EXIT_FAILURE;
        }
        printf("1..%zu\n", n_run);
        return EXIT_SUCCESS;
}
