/*
 * The runs of numbers from a damaged disk: what is taken is written as it was read, and every run holds up to a place of its own.
 *
 * Input: a byte of flags, then the file. A checksum would keep a fuzzer out, so a flag says that it is put behind the file first.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "daemon/store/lineage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIX_SUM = 1 };

static void check(const Lineage *lineage) {
        if (lineage->id == 0 || lineage->n_forks > LINEAGE_FORKS_MAX ||
            lineage_holds_until(lineage, lineage->id) != UINT64_MAX)
                abort();
        for (size_t i = 0; i < lineage->n_forks; i++) {
                const LineageFork *fork = &lineage->forks[i];
                size_t last = i;

                /* Of a run that is said twice the later is it. */
                for (size_t j = i; j < lineage->n_forks; j++)
                        if (lineage->forks[j].id == fork->id)
                                last = j;
                if (fork->id != lineage->id && lineage_holds_until(lineage, fork->id) > lineage->forks[last].seq)
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint8_t journal[16] = { 1, 2, 3 };
        static Lineage lineage; /* large for a stack */
        static char path[64];
        static int fd = -1;
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        uint8_t sum[sizeof(uint32_t)];
        int r;

        if (fd < 0) {
                fd = memfd_create("lineage", MFD_CLOEXEC);
                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        }
        if (fd < 0 || size < 1)
                return 0;
        buffer_append(&file, data + 1, size - 1);
        if (data[0] & FIX_SUM) {
                store_le32(sum, crc32c(0, file.data, file.size));
                buffer_append(&file, sum, sizeof(sum));
        }
        if (file.error || ftruncate(fd, 0) < 0 || pwrite_all(fd, file.data, file.size, 0) < 0)
                abort();
        r = lineage_read(path, journal, &lineage);
        if (r == 0) {
                check(&lineage);
                if (lineage_fork(&lineage, 7, 1) < 0 ||
                    lineage_holds_until(&lineage, lineage.forks[lineage.n_forks - 1].id) != 7)
                        abort();
        }
        return 0;
}
