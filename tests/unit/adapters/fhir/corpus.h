#pragma once
/* Files that this project did not write, beside the checkout or where CAREBUS_CORPUS names their folder. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/file.h"

static inline void corpus_folder(const char *part, char *ret, size_t size) {
        const char *corpus = getenv("CAREBUS_CORPUS"), *source = getenv("CAREBUS_SOURCE") ?: ".";

        if (corpus)
                snprintf(ret, size, "%s/%s", corpus, part);
        else
                snprintf(ret, size, "%s/../shared/corpus/%s", source, part);
}

/* True, and a line that says so, where there is none. */
static inline bool corpus_is_missing(const char *folder) {
        struct stat stat_;

        if (stat(folder, &stat_) == 0 && S_ISDIR(stat_.st_mode))
                return false;
        print_message("# no corpus: %s is not there (CAREBUS_CORPUS names another folder)\n", folder);
        return true;
}

/* Every file below a folder, in the order of their names. */
typedef void (*CorpusSeen)(const char *path, const char *name, Bytes bytes);
static inline size_t corpus_walk(const char *folder, CorpusSeen seen) {
        struct dirent **names;
        int n_names = scandir(folder, &names, NULL, alphasort);
        size_t n = 0;

        for (int i = 0; i < n_names; i++) {
                const char *name = names[i]->d_name;
                char path[1024];
                struct stat stat_;

                assert_true((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) < sizeof(path));
                if (name[0] != '.' && stat(path, &stat_) == 0) {
                        if (S_ISDIR(stat_.st_mode))
                                n += corpus_walk(path, seen);
                        else {
                                _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;

                                assert_int_equal(file_read(path, 64 << 20, &buffer), 0);
                                seen(path, name, buffer_bytes(&buffer));
                                n++;
                        }
                }
                free(names[i]);
        }
        if (n_names >= 0)
                free(names);
        return n;
}
