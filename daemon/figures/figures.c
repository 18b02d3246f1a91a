#include "daemon/figures/figures.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_TRIES 1000

const HistogramBounds figures_sync_bounds = { .n = 16,
                                              .upper = { 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000,
                                                         100000, 250000, 500000, 1000000, 2500000, 10000000 } };
const HistogramBounds figures_batch_bounds = { .n = 11, .upper = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024 } };

void source_figures_write(SourceFigures *figures, const SourceCounts *counts) {
        const uint64_t version = figure_get(&figures->version);
        uint64_t name[ELEMENTSOF(figures->name)];

        memcpy(name, counts->name, sizeof(name));
        figure_set(&figures->version, version + 1);
        atomic_thread_fence(memory_order_release);
        for (size_t i = 0; i < ELEMENTSOF(name); i++)
                figure_set(&figures->name[i], name[i]);
        for (size_t i = 0; i < _SOURCE_FIGURE_MAX; i++)
                figure_set(&figures->values[i], counts->values[i]);
        atomic_store_explicit(&figures->version, version + 2, memory_order_release);
}

bool source_figures_read(const SourceFigures *figures, SourceCounts *ret) {
        for (unsigned tries = 0; tries < READ_TRIES; tries++) {
                const uint64_t version = atomic_load_explicit(&figures->version, memory_order_acquire);
                uint64_t name[ELEMENTSOF(figures->name)];

                for (size_t i = 0; i < ELEMENTSOF(name); i++)
                        name[i] = figure_get(&figures->name[i]);
                for (size_t i = 0; i < _SOURCE_FIGURE_MAX; i++)
                        ret->values[i] = figure_get(&figures->values[i]);
                atomic_thread_fence(memory_order_acquire);
                if (version % 2 != 0 || figure_get(&figures->version) != version)
                        continue;
                memcpy(ret->name, name, sizeof(name));
                ret->name[sizeof(ret->name) - 1] = '\0';
                return true;
        }
        return false;
}

int64_t source_counts_unaccounted(const SourceCounts *counts) {
        const uint64_t *values = counts->values;

        /* Unsigned all the way: what is missing on one side is negative on the other. */
        return (int64_t)(values[SOURCE_RECEIVED] - values[SOURCE_STORED] - values[SOURCE_DUPLICATE] -
                         values[SOURCE_REFUSED] - values[SOURCE_LATER] - values[SOURCE_UNANSWERED] -
                         values[SOURCE_IN_FLIGHT]);
}

int figures_new(CoreFigures **ret, int *ret_fd) {
        _cleanup_(closep) int fd = memfd_create("carebus-figures", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        void *memory;

        if (fd < 0)
                return -errno;
        if (ftruncate(fd, (off_t)sizeof(CoreFigures)) < 0)
                return -errno;
        memory = mmap(NULL, sizeof(CoreFigures), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
                return -errno;
        *ret = memory;
        (*ret)->size = sizeof(CoreFigures);
        figure_set(&(*ret)->seconds_left, FIGURES_UNKNOWN);
        /* Behind this mapping: it alone can be written. */
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0) {
                const int error = -errno;

                *ret = figures_free(*ret);
                return error;
        }
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int figures_map(int fd, CoreFigures **ret) {
        struct stat about;
        CoreFigures *figures;

        if (fstat(fd, &about) < 0)
                return -errno;
        if (about.st_size != (off_t)sizeof(CoreFigures))
                return -EBADMSG;
        figures = mmap(NULL, sizeof(CoreFigures), PROT_READ, MAP_SHARED, fd, 0);
        if (figures == MAP_FAILED)
                return -errno;
        if (figures->size != sizeof(CoreFigures)) {
                figures_free(figures);
                return -EBADMSG;
        }
        *ret = figures;
        return 0;
}

CoreFigures *figures_free(CoreFigures *figures) {
        if (figures)
                munmap(figures, sizeof(*figures));
        return NULL;
}
