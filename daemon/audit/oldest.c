/* One walk a segment: its age, what holds it, its place in the chain, and what of it is carried over. */
#include "daemon/audit/oldest.h"

#include <errno.h>
#include <string.h>

#include "daemon/audit/record-look.h"

/* 0, 1: the verdict is spoken; negative. */
static int frame_look(const AuditFrame *frame, int64_t older_than, const AuditHolds *holds, AuditOld *old) {
        AuditLookHead head;
        int r = audit_record_look(frame->packed, &head, NULL, NULL);

        if (r < 0)
                return r;
        if (frame->number == old->first)
                old->first_at = head.at;
        old->last_at = head.at;
        if (head.at >= older_than) {
                old->verdict = AUDIT_OLD_YOUNG;
                return 1;
        }
        r = audit_holds_find(holds, frame->packed);
        if (r <= 0)
                return r;
        old->verdict = AUDIT_OLD_HELD;
        old->held_record = frame->number;
        old->why = (unsigned)r;
        return 1;
}

int audit_old_look(AuditWalk *walk, uint64_t first, int64_t older_than, const AuditHolds *holds, Carrying *carrying,
                   AuditOld *ret) {
        AuditFrame frame;
        int r = audit_walk_seek(walk, first);

        *ret = (AuditOld){ .first = first, .next = first };
        if (r != 0)
                return r;
        if (audit_walk_is_newest(walk)) {
                ret->verdict = AUDIT_OLD_NEWEST;
                return 0;
        }
        ret->verdict = AUDIT_OLD_GOES;
        for (;;) {
                ret->bytes = audit_walk_offset(walk);
                r = audit_walk_next(walk, &frame);
                if (r != 0)
                        return r == AUDIT_E_END ? -ESTALE : r; /* it is not the newest: another follows */
                ret->next = frame.number;
                if (frame.segment != first)
                        break;
                r = frame_look(&frame, older_than, holds, ret);
                if (r == 0 && carrying)
                        r = carrying_add(carrying, frame.packed);
                if (r != 0)
                        return MIN(r, 0);
        }
        memcpy(ret->chain, audit_walk_header(walk)->chain, SHA256_SIZE);
        return 0;
}

int audit_old_look_all(const char *folder, int64_t older_than, const AuditHolds *holds, AuditOldAll *ret) {
        _cleanup_(audit_walk_freep) AuditWalk *walk = NULL;
        int r = audit_walk_new(folder, &walk);

        *ret = (AuditOldAll){ .segments = 0 };
        if (r == 0)
                r = audit_walk_seek(walk, 1);
        ret->end.next = r == 0 ? audit_walk_header(walk)->first : 0;
        while (r == 0) {
                r = audit_old_look(walk, ret->end.next, older_than, holds, NULL, &ret->end);
                if (r != 0 || ret->end.verdict != AUDIT_OLD_GOES)
                        break;
                ret->segments++;
                ret->records += ret->end.next - ret->end.first;
                ret->bytes += ret->end.bytes;
                ret->until = ret->end.next - 1;
                ret->until_at = ret->end.last_at;
        }
        return r;
}
