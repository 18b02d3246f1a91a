/*
 * A segment of an audit as somebody may have left it: walked, looked at for the index, and verified. Nothing of it may crash, and what is
 * said to be whole has to be read the same a second time. The same bytes as where an audit begins, and, with the hash that makes it
 * believed, as what was carried over of a removed segment.
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
#include "daemon/audit/beginning.h"
#include "daemon/audit/carried.h"
#include "daemon/audit/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

#define SEGMENT "00000000000000000001.audit"
#define CARRIED "00000000000000000001.carried"

static void remove_folder(void) {
        char path[128];

        snprintf(path, sizeof(path), "%s/" SEGMENT, folder);
        (void)unlink(path);
        snprintf(path, sizeof(path), "%s/" CARRIED, folder);
        (void)unlink(path);
        (void)rmdir(folder);
}

static void put(const char *name, const uint8_t *data, size_t size, const uint8_t *behind, size_t n_behind) {
        char path[128];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write_all(fd, data, size) < 0 || (n_behind > 0 && write_all(fd, behind, n_behind) < 0))
                abort();
        close(fd);
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

/* What is read is printed the same. */
static void read_beginning(const uint8_t *data, size_t size) {
        AuditBeginning beginning;
        Buffer again = BUFFER_NULL;

        if (audit_beginning_parse(bytes_of(data, size), &beginning) != 0)
                return;
        audit_beginning_print(&beginning, &again);
        if (again.error == 0 && !bytes_equal(buffer_bytes(&again), bytes_of(data, size)))
                abort();
        buffer_deinit(&again);
}

static int count_thing(const CarriedThing *thing, void *owner) {
        uint64_t *n = owner;

        if (!thing->team[0] || thing->kind >= _CARRIED_KIND_MAX)
                abort();
        ++*n;
        return 0;
}

static void read_carried(const uint8_t *data, size_t size) {
        Carebus__V1__AuditCarried *carried = NULL;
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        uint8_t hash[SHA256_SIZE];
        CarriedSpan span;
        uint64_t n = 0;

        sha256(data, size, hash);
        put(CARRIED, data, size, hash, sizeof(hash));
        (void)carried_peek(fd, 1, &span);
        if (carried_read(fd, 1, &carried, NULL) == 0)
                (void)carried_each(carried, count_thing, &n);
        carried_free(carried);
        close(fd);
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

        if (!folder[0])
                make_folder();
        read_anchors(data, size);
        read_beginning(data, size);
        read_carried(data, size);
        put(SEGMENT, data, size, NULL, 0);
        options.folder = folder;
        if (audit_verify(&options, &verified) == 0 && walk_all() != verified.records)
                abort();
        return 0;
}
