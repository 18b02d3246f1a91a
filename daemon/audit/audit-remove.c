/*
 * Retention. What the oldest segment said of who was given what is carried over, then the new beginning takes the place of the old one:
 * that is the step by which it is gone. What stands on the disk beyond that is cleared up here, or by the next start.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "daemon/audit/audit-parts.h"
#include "daemon/audit/carried.h"
#include "daemon/audit/record-look.h"

#define KEY_FILE_MAX (64U << 10)

static int audit_path(const Audit *audit, const char *name, char ret[PATH_MAX]) {
        int n = snprintf(ret, PATH_MAX, "%s/%s", audit->folder, name);

        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* ---- one segment ------------------------------------------------------------------------------------------------------------ */

/* As the writer stands: what is open, and what is signed, is not for taking. */
typedef struct Removal {
        AuditBeginning before;
        uint64_t open_first, anchored;
        uint8_t uuid[AUDIT_UUID_BYTES];
} Removal;

static Removal removal_begin(Audit *audit) {
        Removal removal;

        pthread_mutex_lock(&audit->lock);
        removal = (Removal){ .before = audit->beginning, .open_first = audit->first, .anchored = audit->anchored };
        memcpy(removal.uuid, audit->uuid, sizeof(removal.uuid));
        pthread_mutex_unlock(&audit->lock);
        return removal;
}

/* Said before it is done, as everything here. */
static int removal_say(Audit *audit, const AuditOld *old) {
        Carebus__V1__AuditRecord record = CAREBUS__V1__AUDIT_RECORD__INIT;
        Carebus__V1__AuditLife life = CAREBUS__V1__AUDIT_LIFE__INIT;

        life.code = (char *)"removed";
        life.version = audit->version;
        life.has_before = life.has_until_at = true;
        life.before = old->next;
        life.until_at = old->last_at;
        record.what_case = CAREBUS__V1__AUDIT_RECORD__WHAT_LIFE;
        record.life = &life;
        return audit_append(audit, &record, NULL);
}

static int beginning_write(const Audit *audit, const AuditBeginning *beginning) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        char path[PATH_MAX];
        int r = audit_path(audit, AUDIT_BEGINNING, path);

        audit_beginning_print(beginning, &content);
        r = r ?: content.error;
        return r ?: file_replace(path, content.data, content.size, 0600);
}

static int removal_commit(Audit *audit, const Removal *removal, const AuditOld *old, Carrying *carrying) {
        AuditBeginning beginning = { .number = old->next - 1, .at = old->last_at };
        uint8_t hash[SHA256_SIZE];
        int r = carrying_write(carrying, audit->folder, removal->uuid, old->first, old->next, hash);

        memcpy(beginning.chain, old->chain, SHA256_SIZE);
        memcpy(beginning.carried, removal->before.carried, SHA256_SIZE);
        beginning.removed_at = clock_now_at(audit->clock);
        if (r < 0)
                return r;
        carried_add_hash(beginning.carried, hash);
        r = audit_beginning_sign(&beginning, audit->key);
        r = r ?: removal_say(audit, old);
        r = r ?: beginning_write(audit, &beginning);
        if (r < 0)
                return r;
        pthread_mutex_lock(&audit->lock);
        audit->beginning = beginning;
        pthread_mutex_unlock(&audit->lock);
        return 0;
}

static int segment_unlink(Audit *audit, uint64_t first) {
        char name[AUDIT_NAME_BYTES];

        audit_segment_name(first, name);
        audit_index_forget_segment(audit->index, first);
        return unlinkat(audit->folder_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int audit_oldest_may_go(Audit *audit, int64_t older_than) {
        const Removal removal = removal_begin(audit);
        _cleanup_(audit_walk_freep) AuditWalk *walk = NULL;
        int r;

        if (removal.before.number + 1 >= removal.open_first)
                return 0;
        r = audit_walk_new(audit->folder, &walk);
        r = r ?: audit_walk_seek(walk, removal.before.number + 1);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        return audit_walk_header(walk)->made_at < older_than;
}

int audit_remove_oldest(Audit *audit, int64_t older_than, const AuditHolds *holds, AuditOld *ret) {
        const Removal removal = removal_begin(audit);
        _cleanup_(audit_walk_freep) AuditWalk *walk = NULL;
        _cleanup_(carrying_freep) Carrying *carrying = NULL;
        const uint64_t first = removal.before.number + 1;
        int r;

        *ret = (AuditOld){ .verdict = AUDIT_OLD_NEWEST, .first = first, .next = first };
        if (first >= removal.open_first)
                return 0;
        r = carrying_new(&carrying);
        r = r ?: audit_walk_new(audit->folder, &walk);
        r = r ?: audit_old_look(walk, first, older_than, holds, carrying, ret);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        if (ret->verdict == AUDIT_OLD_GOES && removal.anchored < ret->next - 1)
                ret->verdict = AUDIT_OLD_YOUNG;
        if (ret->verdict != AUDIT_OLD_GOES)
                return 0;
        r = removal_commit(audit, &removal, ret, carrying);
        r = r ?: segment_unlink(audit, first);
        if (r == 0 && fsync(audit->folder_fd) < 0)
                r = -errno;
        return r;
}

/* ---- the start ---------------------------------------------------------------------------------------------------------------- */

static int key_of(const Audit *audit, const uint8_t id[SIGN_KEY_ID_SIZE], SignKey **ret) {
        _cleanup_(buffer_deinit) Buffer pem = BUFFER_NULL;
        char hex[2 * SIGN_KEY_ID_SIZE + 1], name[sizeof(AUDIT_KEY_PREFIX AUDIT_KEY_SUFFIX) + sizeof(hex)],
                path[PATH_MAX];
        int r;

        hex_encode(id, SIGN_KEY_ID_SIZE, hex);
        snprintf(name, sizeof(name), AUDIT_KEY_PREFIX "%s" AUDIT_KEY_SUFFIX, hex);
        r = audit_path(audit, name, path);
        r = r ?: file_read(path, KEY_FILE_MAX, &pem);
        r = r ?: sign_key_from_pem(buffer_bytes(&pem), ret);
        return r == -ENOENT || r == -EFBIG ? -EBADMSG : r;
}

int audit_beginning_look(Audit *audit, AuditOpenFault *ret_fault) {
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        int r = audit_beginning_read(audit->folder_fd, &audit->beginning);

        *ret_fault = (AuditOpenFault){ .number = audit->beginning.number, .reason = "beginning" };
        if (r != 0)
                return r == AUDIT_E_NEWER ? -EPROTO : r == AUDIT_E_DAMAGED ? -EBADMSG : r;
        if (audit->beginning.number == 0)
                return 0;
        ret_fault->reason = "beginning-signature";
        r = key_of(audit, audit->beginning.key, &key);
        if (r < 0)
                return r;
        return audit_beginning_holds(&audit->beginning, key) ? 0 : -EBADMSG;
}

static int carried_seen(const Carebus__V1__AuditCarried *carried, void *owner) {
        return audit_index_carry(owner, carried);
}

int audit_carried_load(Audit *audit, AuditOpenFault *ret_fault) {
        uint64_t first = 0;
        int r = carried_walk(audit->folder_fd, &audit->beginning, carried_seen, audit->index, &first);

        if (r == AUDIT_E_DAMAGED)
                *ret_fault = (AuditOpenFault){ .segment = first, .number = first, .reason = "carried" };
        return r == AUDIT_E_NEWER ? -EPROTO : r == AUDIT_E_DAMAGED ? -EBADMSG : r;
}

/* NNN.carried; false for anything else. */
static bool carried_name_read(const char *name, uint64_t *ret) {
        char digits[21] = { 0 }, again[AUDIT_NAME_BYTES];

        if (strlen(name) != 20 + strlen(CARRIED_SUFFIX))
                return false;
        memcpy(digits, name, 20);
        if (text_to_u64(digits, ret) != 0)
                return false;
        carried_name(*ret, again);
        return strcmp(name, again) == 0;
}

/* Segments before the beginning go, and what was carried over of those that did not go after all. */
static int file_finish(Audit *audit, const char *name, bool *ret_changed) {
        const uint64_t number = audit->beginning.number;
        uint64_t first;
        int r = 0;

        if (audit_segment_name_read(name, &first) && first <= number)
                r = segment_unlink(audit, first);
        else if (carried_name_read(name, &first) && first > number)
                r = unlinkat(audit->folder_fd, name, 0) < 0 ? -errno : 0;
        else
                return 0;
        *ret_changed = true;
        return r;
}

/* Anchors of records that are gone say nothing any more; that of the beginning stays. They are in order. */
static int anchors_finish(Audit *audit) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        AuditAnchor anchor = { .number = 0 };
        size_t offset = 0, from = 0;
        char path[PATH_MAX];
        int fd, r = audit_path(audit, AUDIT_ANCHORS, path);

        r = r ?: file_read(path, AUDIT_ANCHORS_MAX, &text);
        if (r < 0)
                return r == -EFBIG ? 0 : r;
        text.size = MIN(text.size, (size_t)audit->anchors_size);
        while (audit_anchor_next(buffer_bytes(&text), &offset, &anchor) == 0 && anchor.number < audit->beginning.number)
                from = offset;
        if (from == 0)
                return 0;
        r = file_replace(path, text.data + from, text.size - from, 0600);
        if (r < 0)
                return r;
        fd = openat(audit->folder_fd, AUDIT_ANCHORS, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        closep(&audit->anchors_fd);
        audit->anchors_fd = fd;
        audit->anchors_size = text.size - from;
        return 0;
}

int audit_remove_finish(Audit *audit) {
        _cleanup_(closedirp) DIR *folder = opendir(audit->folder);
        const struct dirent *entry;
        bool changed = false;
        int r = 0;

        if (!folder)
                return -errno;
        while (r == 0 && (entry = readdir(folder)))
                r = file_finish(audit, entry->d_name, &changed);
        if (r == 0 && changed && fsync(audit->folder_fd) < 0)
                r = -errno;
        return r == 0 && audit->beginning.number > 0 ? anchors_finish(audit) : r;
}
