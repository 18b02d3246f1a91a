/*
 * A segment of an audit as somebody may have left it: walked, looked at for the index, and verified. Nothing of it may crash, and what is
 * said to be whole has to be read the same a second time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/audit/anchor.h"
#include "daemon/audit/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void remove_folder(void) {
        char command[128];

        snprintf(command, sizeof(command), "%s/00000000000000000001.audit", folder);
        (void)unlink(command);
        (void)rmdir(folder);
}

static void make_folder(void) {
        const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

        snprintf(folder, sizeof(folder), "%s/fuzz-audit-XXXXXX", memory);
        if (!mkdtemp(folder))
                abort();
        atexit(remove_folder);
}

static void read_anchors(const uint8_t *data, size_t size) {
        AuditAnchor anchor;
        size_t offset = 0;

        while (audit_anchor_next(bytes_of(data, size), &offset, &anchor) != -ENODATA) {
        }
}

static uint64_t walk_all(void) {
        AuditWalk *walk = NULL;
        AuditFrame frame;
        uint64_t n = 0;

        if (audit_walk_new(folder, &walk) == 0)
                while (audit_walk_next(walk, &frame) == 0)
                        n++;
        audit_walk_free(walk);
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        AuditVerifyOptions options = { .folder = folder, .still = true };
        AuditVerified verified;
        char path[128];
        int fd;

        if (!folder[0])
                make_folder();
        read_anchors(data, size);
        snprintf(path, sizeof(path), "%s/00000000000000000001.audit", folder);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write_all(fd, data, size) < 0)
                abort();
        close(fd);
        options.folder = folder;
        if (audit_verify(&options, &verified) == 0 && walk_all() != verified.records)
                abort();
        return 0;
}
