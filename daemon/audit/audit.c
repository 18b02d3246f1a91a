/* Appending: the record gets its number, its time and its place in the chain, and is written before anybody is told anything. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "daemon/audit/audit-parts.h"
#include "proto/wire.h"

enum { RECORD_NUMBER = 1, RECORD_AT = 2 };

static bool is_no_space(int r) {
        return r == -ENOSPC || r == -EDQUOT;
}

/* ---- segments ------------------------------------------------------------------------------------------------------------- */

/* Under its name it is whole: the header is synced before. */
int audit_segment_make(Audit *audit) {
        AuditHeader header = { .first = audit->number + 1, .previous = audit->first };
        uint8_t encoded[AUDIT_HEADER_BYTES];
        _cleanup_(closep) int fd = -1;
        char name[AUDIT_NAME_BYTES];
        int r;

        memcpy(header.uuid, audit->uuid, sizeof(header.uuid));
        memcpy(header.chain, audit->chain, sizeof(header.chain));
        header.made_at = clock_now_at(audit->clock);
        audit_header_encode(&header, encoded);
        fd = openat(audit->folder_fd, AUDIT_NEW, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = pwrite_all(fd, encoded, sizeof(encoded), 0);
        if (r < 0)
                return r;
        audit_segment_name(header.first, name);
        if (fsync(fd) < 0 || renameat(audit->folder_fd, AUDIT_NEW, audit->folder_fd, name) < 0)
                return -errno;
        if (fsync(audit->folder_fd) < 0)
                return -errno;
        audit->fd = TAKE_FD(fd);
        audit->first = header.first;
        audit->made_at = header.made_at;
        audit->offset = AUDIT_HEADER_BYTES;
        return 0;
}

/* The one before is synced by the thread; where it has not come to the last one yet, here. */
static int audit_roll(Audit *audit) {
        const uint64_t first = audit->first;
        int before = audit->fd, r;

        if (audit->closed_fd >= 0) {
                if (fdatasync(audit->closed_fd) < 0)
                        return -errno;
                closep(&audit->closed_fd);
                audit->closed_fd = -1;
        }
        r = audit_segment_make(audit);
        if (r < 0)
                return r;
        audit->closed_fd = before;
        /* Without it the filters are made again by whoever asks. */
        (void)audit_index_close_segment(audit->index, first);
        return 0;
}

/* ---- appending ---------------------------------------------------------------------------------------------------------------- */

static void audit_frame_begin(Audit *audit, uint64_t number, int64_t at, Bytes what) {
        uint8_t head[AUDIT_FRAME_BYTES] = { 0 };
        uint32_t length;

        buffer_clear(&audit->frame);
        buffer_append(&audit->frame, head, sizeof(head));
        wire_number(&audit->frame, RECORD_NUMBER, number);
        wire_number(&audit->frame, RECORD_AT, (uint64_t)at);
        buffer_append_bytes(&audit->frame, what);
        if (audit->frame.error < 0)
                return;
        length = (uint32_t)(audit->frame.size - AUDIT_FRAME_BYTES);
        store_le32(audit->frame.data, length);
        store_le64(audit->frame.data + 8, number);
        store_le32(audit->frame.data + 4,
                   audit_frame_crc(length, number, bytes_of(audit->frame.data + AUDIT_FRAME_BYTES, length)));
}

/* Half a record is taken back, so that the next begins where the last whole one ends. */
static int audit_write_frame(Audit *audit) {
        int r = pwrite_all(audit->fd, audit->frame.data, audit->frame.size, (off_t)audit->offset);

        if (r < 0 && ftruncate(audit->fd, (off_t)audit->offset) < 0)
                return -EIO;
        return r;
}

/* The room that was kept is for this. */
static bool audit_reserve_give(Audit *audit) {
        if (!audit->has_reserve)
                return false;
        audit->has_reserve = false;
        return unlinkat(audit->folder_fd, AUDIT_RESERVE, 0) == 0;
}

/* A clock that was ahead once makes no segment old for ever. */
static bool segment_is_full(const Audit *audit, int64_t at) {
        return audit->offset + audit->frame.size > audit->segment_bytes || at >= audit->made_at + AUDIT_SEGMENT_AGE;
}

static int audit_write(Audit *audit, Bytes packed, int64_t at, bool *ret_rolled) {
        int r = 0;

        if (audit->offset > AUDIT_HEADER_BYTES && segment_is_full(audit, at)) {
                r = audit_roll(audit);
                *ret_rolled = r == 0;
        }
        if (r == 0)
                r = audit_index_prepare(audit->index, packed);
        return r == 0 ? audit_write_frame(audit) : r;
}

static int audit_append_locked(Audit *audit, Bytes what) {
        const int64_t at = MAX(clock_now_at(audit->clock), audit->last_at);
        AuditFrame frame = { .number = audit->number + 1 };
        bool rolled = false;
        int r;

        audit_frame_begin(audit, frame.number, at, what);
        if (audit->frame.error < 0)
                return audit->frame.error;
        frame.packed = bytes_of(audit->frame.data + AUDIT_FRAME_BYTES, audit->frame.size - AUDIT_FRAME_BYTES);
        r = audit_write(audit, frame.packed, at, &rolled);
        if (is_no_space(r) && audit_reserve_give(audit))
                r = audit_write(audit, frame.packed, at, &rolled);
        if (r < 0)
                return r;
        frame.segment = audit->first;
        frame.offset = audit->offset;
        audit_chain_add(audit->sha, audit->chain, frame.packed);
        audit->offset += audit->frame.size;
        audit->number = frame.number;
        audit->last_at = at;
        return audit_index_add(audit->index, &frame, true);
}

int audit_append_packed(Audit *audit, Bytes what, uint64_t *ret_number) {
        int r;

        if (what.size == 0 || what.size > AUDIT_RECORD_MAX - 64)
                return -EMSGSIZE;
        pthread_mutex_lock(&audit->lock);
        r = audit->error ? audit->error : audit_append_locked(audit, what);
        audit->full = is_no_space(r);
        if (r < 0 && !audit->full && r != -ENOMEM && r != -EBADMSG)
                audit->error = -EIO;
        if (r == 0 && ret_number)
                *ret_number = audit->number;
        if (audit->idle)
                pthread_cond_signal(&audit->wake);
        pthread_mutex_unlock(&audit->lock);
        return r < 0 && audit->error ? audit->error : r;
}

int audit_append(Audit *audit, Carebus__V1__AuditRecord *record, uint64_t *ret_number) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;
        uint8_t *room;
        size_t size;

        record->has_number = record->has_at = false;
        size = carebus__v1__audit_record__get_packed_size(record);
        room = buffer_reserve(&packed, size);
        if (!room)
                return -ENOMEM;
        carebus__v1__audit_record__pack(record, room);
        buffer_advance(&packed, size);
        return audit_append_packed(audit, buffer_bytes(&packed), ret_number);
}

/* ---- what is asked ------------------------------------------------------------------------------------------------------------- */

AuditStatus audit_status(Audit *audit) {
        AuditStatus status;

        pthread_mutex_lock(&audit->lock);
        status = (AuditStatus){
                .number = audit->number,
                .synced = audit->synced,
                .anchored = audit->anchored,
                .decided = audit_index_decided(audit->index),
                .cut = audit->cut,
                .full = audit->full,
                .error = audit->error,
                .removed = audit->beginning.number,
                .removed_until_at = audit->beginning.at,
        };
        pthread_mutex_unlock(&audit->lock);
        return status;
}

int audit_was_given(Audit *audit, const char *team, uint64_t seq, uint32_t index) {
        bool given;

        pthread_mutex_lock(&audit->lock);
        given = audit_index_was_given(audit->index, team, seq, index);
        pthread_mutex_unlock(&audit->lock);
        return given;
}

int audit_was_given_record(Audit *audit, const char *team, const char *patient_id, uint64_t seq) {
        uint64_t as_of;

        pthread_mutex_lock(&audit->lock);
        as_of = audit_index_record(audit->index, team, patient_id);
        pthread_mutex_unlock(&audit->lock);
        return as_of > 0 && as_of >= seq;
}

int audit_was_told_of(Audit *audit, const char *team, const char *patient_id) {
        bool told;

        pthread_mutex_lock(&audit->lock);
        told = audit_index_was_told_of(audit->index, team, patient_id);
        pthread_mutex_unlock(&audit->lock);
        return told;
}

/* ---- begin and end --------------------------------------------------------------------------------------------------------------- */

static int audit_live(Audit *audit, const char *code) {
        Carebus__V1__AuditRecord record = CAREBUS__V1__AUDIT_RECORD__INIT;
        Carebus__V1__AuditLife life = CAREBUS__V1__AUDIT_LIFE__INIT;

        life.code = (char *)code;
        life.version = audit->version;
        record.what_case = CAREBUS__V1__AUDIT_RECORD__WHAT_LIFE;
        record.life = &life;
        return audit_append(audit, &record, NULL);
}

static int audit_new(const AuditOptions *options, Audit **ret) {
        _cleanup_(audit_freep) Audit *audit = calloc(1, sizeof(*audit));
        pthread_condattr_t monotonic;
        char path[4096];
        int r;

        if (!audit)
                return -ENOMEM;
        audit->folder_fd = audit->fd = audit->closed_fd = audit->anchors_fd = audit->synced_fd = -1;
        audit->clock = options->clock;
        audit->segment_bytes = options->segment_bytes ? options->segment_bytes : AUDIT_SEGMENT_BYTES;
        audit->reserve_bytes = options->reserve_bytes ? options->reserve_bytes : AUDIT_RESERVE_BYTES;
        pthread_mutex_init(&audit->lock, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&audit->wake, &monotonic);
        pthread_condattr_destroy(&monotonic);
        audit->folder = strdup(options->folder);
        audit->version = options->version ? strdup(options->version) : NULL;
        if (!audit->folder || (options->version && !audit->version))
                return -ENOMEM;
        r = sha256_new(&audit->sha);
        if (r == 0)
                r = folder_make(options->folder, 0700);
        if (r < 0)
                return r;
        audit->folder_fd = open(options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (audit->folder_fd < 0)
                return -errno;
        if (snprintf(path, sizeof(path), "%s/" AUDIT_INDEX, options->folder) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        r = audit_index_open(path, &audit->index);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(audit);
        return 0;
}

int audit_open(const AuditOptions *options, Audit **ret, AuditOpenFault *ret_fault) {
        _cleanup_(audit_freep) Audit *audit = NULL;
        AuditOpenFault fault = { .reason = "key" };
        int r;

        r = audit_new(options, &audit);
        if (r == 0)
                r = audit_key_load(audit, options->key);
        if (r == 0)
                r = audit_resume(audit, &fault);
        if (r == -EBADMSG && ret_fault)
                *ret_fault = fault;
        if (r == 0)
                r = audit_remove_finish(audit);
        if (r < 0)
                return r;
        audit_reserve_make(audit);
        if (audit->cut > 0)
                r = audit_live(audit, "gap");
        if (r == 0)
                r = audit_live(audit, "started");
        /* A disk that is full now is so for every record: that is told when somebody is to be given something. */
        if (r == 0 || is_no_space(r))
                r = audit_sync_start(audit);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(audit);
        return 0;
}

Audit *audit_free(Audit *audit) {
        if (!audit)
                return NULL;
        if (audit->started) {
                (void)audit_live(audit, "stopped");
                audit_sync_stop(audit);
        }
        closep(&audit->fd);
        closep(&audit->closed_fd);
        closep(&audit->anchors_fd);
        closep(&audit->synced_fd);
        audit_index_free(audit->index);
        closep(&audit->folder_fd);
        sign_key_free(audit->key);
        sha256_free(audit->sha);
        buffer_deinit(&audit->frame);
        pthread_cond_destroy(&audit->wake);
        pthread_mutex_destroy(&audit->lock);
        free(audit->folder);
        free(audit->version);
        free(audit);
        return NULL;
}
