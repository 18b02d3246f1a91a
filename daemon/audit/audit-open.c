/*
 * The start. Everything is looked at before anything is changed. Only what was never synced can have been torn: behind the number in
 * `synced`, or behind the newest anchor, and in the newest segment. It is laid aside, not thrown away. The index is brought forward on the
 * same walk; where it does not fit, it is made anew from the first record on.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "daemon/audit/audit-parts.h"
#include "daemon/audit/record-look.h"

#define SYNCED_BYTES 12
#define ANCHOR_TAIL 4096 /* bytes of the file that hold its last line */

/* What is known before the walk. */
typedef struct Known {
        AuditAnchor anchor; /* the newest; number 0: none */
        uint64_t safe;      /* records up to here were synced */
        AuditIndexMark mark;
        bool marked;
} Known;

static int resume_fault(AuditOpenFault *ret, const AuditFault *fault) {
        *ret = (AuditOpenFault){
                .segment = fault->segment, .offset = fault->offset, .number = fault->number, .reason = fault->reason
        };
        return -EBADMSG;
}

/* ---- anchors and what was synced ------------------------------------------------------------------------------------------- */

/* A last line without its end was torn: it is cut. One that is none of ours is a fault. */
static int anchors_open(Audit *audit, Known *known) {
        uint8_t tail[ANCHOR_TAIL];
        struct stat st;
        uint64_t from;
        ssize_t n;
        size_t end, start;

        audit->anchors_fd = openat(audit->folder_fd, AUDIT_ANCHORS, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (audit->anchors_fd < 0 || fstat(audit->anchors_fd, &st) < 0)
                return -errno;
        from = st.st_size > ANCHOR_TAIL ? (uint64_t)st.st_size - ANCHOR_TAIL : 0;
        n = pread_all(audit->anchors_fd, tail, sizeof(tail), (off_t)from);
        if (n < 0)
                return (int)n;
        for (end = (size_t)n; end > 0 && tail[end - 1] != '\n';)
                end--;
        audit->anchors_size = from + end;
        if (end == 0)
                return 0;
        for (start = end - 1; start > 0 && tail[start - 1] != '\n';)
                start--;
        return audit_anchor_parse(bytes_of(tail + start, end - 1 - start), &known->anchor);
}

static int synced_open(Audit *audit, Known *known) {
        uint8_t packed[SYNCED_BYTES];
        ssize_t n;

        audit->synced_fd = openat(audit->folder_fd, AUDIT_SYNCED, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (audit->synced_fd < 0)
                return -errno;
        n = pread_all(audit->synced_fd, packed, sizeof(packed), 0);
        if (n < 0)
                return (int)n;
        known->safe = known->anchor.number;
        if (n == (ssize_t)sizeof(packed) && load_le32(packed + sizeof(uint64_t)) == crc32c(0, packed, sizeof(uint64_t)))
                known->safe = MAX(known->safe, load_le64(packed));
        return 0;
}

/* ---- the walk ---------------------------------------------------------------------------------------------------------------- */

typedef struct Resume {
        Audit *audit;
        AuditWalk *walk;
        const Known *known;
        AuditOpenFault *fault;
        uint64_t segment; /* whose filters are being made */
        bool stale;       /* the index is of another audit */
} Resume;

static int resume_frame(Resume *resume, const AuditFrame *frame) {
        const Known *known = resume->known;
        const uint8_t *chain = audit_walk_chain(resume->walk);
        AuditLookHead head;
        int r;

        if (frame->segment != resume->segment && resume->segment != 0) {
                r = audit_index_close_segment(resume->audit->index, resume->segment);
                if (r < 0)
                        return r;
        }
        resume->segment = frame->segment;
        r = audit_index_prepare(resume->audit->index, frame->packed);
        if (r == 0)
                r = audit_record_look(frame->packed, &head, NULL, NULL);
        if (r == 0)
                r = audit_index_add(resume->audit->index, frame, frame->number > known->mark.number || !known->marked);
        if (r < 0)
                return r;
        resume->audit->last_at = head.at;
        if (known->marked && frame->number == known->mark.number && memcmp(chain, known->mark.chain, SHA256_SIZE) != 0)
                resume->stale = true;
        if (frame->number == known->anchor.number && memcmp(chain, known->anchor.chain, SHA256_SIZE) != 0) {
                const AuditFault differs = {
                        .segment = frame->segment, .offset = frame->offset, .number = frame->number, .reason = "chain"
                };
                return resume_fault(resume->fault, &differs);
        }
        return 0;
}

/* What lies behind the last whole record goes into a file of its own, then the segment ends there. */
static int resume_cut(Audit *audit, const AuditFault *fault) {
        _cleanup_(buffer_deinit) Buffer torn = BUFFER_NULL;
        char path[PATH_MAX];
        struct stat st;
        uint8_t *room;
        ssize_t n;
        int r;

        if (fstat(audit->fd, &st) < 0)
                return -errno;
        audit->cut = (uint64_t)st.st_size - fault->offset;
        room = buffer_reserve(&torn, (size_t)audit->cut);
        if (!room)
                return -ENOMEM;
        n = pread_all(audit->fd, room, (size_t)audit->cut, (off_t)fault->offset);
        if (n < 0)
                return (int)n;
        buffer_advance(&torn, (size_t)n);
        if (snprintf(path, sizeof(path), "%s/torn-%020" PRIu64, audit->folder, fault->number) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        r = file_replace(path, torn.data, torn.size, 0600);
        if (r < 0)
                return r;
        if (ftruncate(audit->fd, (off_t)fault->offset) < 0 || fsync(audit->fd) < 0)
                return -errno;
        return 0;
}

static int resume_adopt(Resume *resume, const AuditFault *torn) {
        Audit *audit = resume->audit;
        const AuditHeader *header = audit_walk_header(resume->walk);
        char name[AUDIT_NAME_BYTES];

        memcpy(audit->uuid, header->uuid, sizeof(audit->uuid));
        memcpy(audit->chain, audit_walk_chain(resume->walk), SHA256_SIZE);
        audit->first = header->first;
        audit->made_at = header->made_at;
        audit->offset = audit_walk_offset(resume->walk);
        audit->number = audit_walk_number(resume->walk) - 1;
        audit->anchored = MIN(resume->known->anchor.number, audit->number);
        audit_segment_name(audit->first, name);
        audit->fd = openat(audit->folder_fd, name, O_RDWR | O_CLOEXEC);
        if (audit->fd < 0)
                return -errno;
        return torn ? resume_cut(audit, torn) : 0;
}

/* May this have been torn by a crash? In the newest segment, behind all that was synced, and as half a record looks. */
static bool is_torn(const Resume *resume, const AuditFault *fault) {
        static const char *const reasons[] = { "torn", "length", "checksum" };
        uint64_t *firsts = NULL;
        size_t n = 0;
        bool half = false, newest;

        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                half = half || strcmp(fault->reason, reasons[i]) == 0;
        newest = audit_segments_list(resume->audit->folder_fd, &firsts, &n) == 0 && n > 0 &&
                 fault->segment == firsts[n - 1];
        free(firsts);
        return half && newest && fault->number > resume->known->safe && fault->offset >= AUDIT_HEADER_BYTES;
}

/* Was everything found that is known to have been there? */
static int resume_end(Resume *resume, const AuditFault *torn) {
        const uint64_t newest = audit_walk_number(resume->walk) - 1;

        if (newest < resume->known->safe) {
                const AuditFault behind = { .segment = audit_walk_header(resume->walk)->first,
                                            .offset = audit_walk_offset(resume->walk),
                                            .number = newest + 1,
                                            .reason = "behind-anchor" };
                return resume_fault(resume->fault, &behind);
        }
        if (resume->known->marked && newest < resume->known->mark.number)
                resume->stale = true;
        return resume->stale ? 0 : resume_adopt(resume, torn);
}

static int resume_walk(Resume *resume) {
        const Known *known = resume->known;
        AuditFrame frame;
        int r = audit_walk_new(resume->audit->folder, &resume->walk);

        if (r == 0)
                r = audit_walk_seek(resume->walk, known->marked ? MAX(known->mark.number, UINT64_C(1)) : 1);
        if (r == 0 && known->marked &&
            memcmp(audit_walk_header(resume->walk)->uuid, known->mark.uuid, AUDIT_UUID_BYTES) != 0)
                resume->stale = true;
        while (r == 0 && !resume->stale) {
                r = audit_walk_next(resume->walk, &frame);
                if (r == 0)
                        r = resume_frame(resume, &frame);
        }
        if (r == AUDIT_E_END)
                return resume_end(resume, NULL);
        if (r == AUDIT_E_DAMAGED && is_torn(resume, audit_walk_fault(resume->walk)))
                return resume_end(resume, audit_walk_fault(resume->walk));
        if (r == AUDIT_E_DAMAGED)
                return resume_fault(resume->fault, audit_walk_fault(resume->walk));
        return r == AUDIT_E_NEWER ? -EPROTO : r;
}

static int audit_begin(Audit *audit) {
        int r = audit_index_wipe(audit->index);

        if (r < 0)
                return r;
        if (getrandom(audit->uuid, sizeof(audit->uuid), 0) != (ssize_t)sizeof(audit->uuid))
                return -EIO;
        audit_chain_begin(audit->uuid, audit->chain);
        return audit_segment_make(audit);
}

/* The index is made out of all that there is: what was carried over, then the segments. */
static int resume_anew(Resume *resume, Known *known) {
        int r = audit_index_wipe(resume->audit->index);

        known->marked = resume->stale = false;
        known->mark = (AuditIndexMark){ .number = 0 };
        resume->segment = 0;
        if (r == 0)
                r = audit_carried_load(resume->audit, resume->fault);
        return r == 0 ? resume_walk(resume) : r;
}

int audit_resume(Audit *audit, AuditOpenFault *ret_fault) {
        Known known = { .safe = 0 };
        Resume resume = { .audit = audit, .known = &known, .fault = ret_fault };
        int r = anchors_open(audit, &known);

        ret_fault->reason = "anchor";
        if (r == 0)
                r = synced_open(audit, &known);
        if (r == 0)
                r = audit_beginning_look(audit, ret_fault);
        if (r == 0)
                r = audit_index_mark_read(audit->index, &known.mark);
        if (r < 0 && r != -ENOENT)
                return r;
        /* What was removed behind the mark stands in no segment any more. */
        known.marked = r == 0 && known.mark.number >= audit->beginning.number;
        r = known.marked ? resume_walk(&resume) : resume_anew(&resume, &known);
        if (r == 0 && resume.stale) {
                resume.walk = audit_walk_free(resume.walk);
                r = resume_anew(&resume, &known);
        }
        audit_walk_free(resume.walk);
        if (r == AUDIT_E_NONE && (known.safe > 0 || audit->beginning.number > 0)) {
                *ret_fault = (AuditOpenFault){ .number = 1, .reason = "missing" };
                return -EBADMSG;
        }
        return r == AUDIT_E_NONE ? audit_begin(audit) : r;
}
