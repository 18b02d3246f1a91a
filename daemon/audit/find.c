/*
 * Searching. The filters say which 64 KiB may have what is asked for; these are read and looked at. Of the open segment the filters are
 * copied under the lock, the rest is files that do not change.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "daemon/audit/audit-parts.h"
#include "daemon/audit/record-look.h"
#include "proto/check.h"

#define GAVE_ARENA_MAX (64U << 20) /* one person, and what the audit has of them */
#define SPAN_MAX (AUDIT_BLOCK_BYTES + AUDIT_FRAME_BYTES + AUDIT_RECORD_MAX)

/* What is looked for: entries or persons. */
typedef struct Wanted {
        const char *team; /* NULL: any */
        const uint64_t *seqs;
        size_t n_seqs;
        bool one_index;
        uint32_t index;
        const char *const *patient_ids;
        size_t n_patient_ids;
        AuditWhen when;
} Wanted;

typedef struct Finding {
        Audit *audit;
        const Wanted *wanted;
        Arena *arena;
        AuditSeen seen;
        void *owner;
        Buffer span;
} Finding;

/* ---- does it fit? --------------------------------------------------------------------------------------------------------- */

static bool fits_person(const Wanted *wanted, Bytes patient_id) {
        for (size_t i = 0; i < wanted->n_patient_ids; i++)
                if (bytes_equal_text(patient_id, wanted->patient_ids[i]))
                        return true;
        return false;
}

static bool fits_entry(const Wanted *wanted, uint64_t seq, uint32_t index) {
        size_t low = 0, high = wanted->n_seqs;

        while (low < high) {
                const size_t middle = (low + high) / 2;

                if (wanted->seqs[middle] == seq)
                        return !wanted->one_index || wanted->index == index;
                if (wanted->seqs[middle] < seq)
                        low = middle + 1;
                else
                        high = middle;
        }
        return false;
}

static bool fits(const Wanted *wanted, const AuditLook *look) {
        if (wanted->team && !bytes_equal_text(look->team, wanted->team))
                return false;
        if (wanted->n_patient_ids > 0)
                return fits_person(wanted, look->patient_id);
        return !look->record && look->seq > 0 && fits_entry(wanted, look->seq, look->index);
}

static int look_fits(const AuditLook *look, void *owner) {
        return fits(owner, look) ? 1 : 0;
}

static bool item_fits(const Wanted *wanted, const Carebus__V1__DisclosedItem *item) {
        if (wanted->n_patient_ids > 0)
                return fits_person(wanted, bytes_of_text(item->patient_id));
        return !item->record && fits_entry(wanted, item->seq, item->index);
}

/* Only what was asked for: the others are nobody's business who asks about this one. */
static void leave_out_items(const Wanted *wanted, Carebus__V1__Disclosure *disclosure) {
        size_t n = 0;

        for (size_t i = 0; i < disclosure->n_items; i++)
                if (item_fits(wanted, disclosure->items[i]))
                        disclosure->items[n++] = disclosure->items[i];
        disclosure->n_items = n;
}

static bool block_may_have(const AuditBlock *block, const Wanted *wanted) {
        if (block->last_at < wanted->when.from_at ||
            (wanted->when.until_at > 0 && block->first_at >= wanted->when.until_at))
                return false;
        for (size_t i = 0; i < wanted->n_patient_ids; i++)
                if (audit_block_may_have(block, audit_key_person(bytes_of_text(wanted->patient_ids[i]))))
                        return true;
        for (size_t i = 0; i < wanted->n_seqs; i++)
                if (audit_block_may_have(block, audit_key_event(wanted->seqs[i])))
                        return true;
        return false;
}

/* ---- one record ------------------------------------------------------------------------------------------------------------- */

static int find_in_record(Finding *finding, Bytes packed) {
        const Wanted *wanted = finding->wanted;
        ProtobufCAllocator allocator = check_allocator(finding->arena);
        Carebus__V1__AuditRecord *record;
        AuditLookHead head;
        int r = audit_record_look(packed, &head, look_fits, (void *)(uintptr_t)wanted);

        if (r <= 0)
                return r;
        r = audit_record_look(packed, &head, NULL, NULL);
        if (r < 0)
                return r;
        if (head.number <= wanted->when.after_number || head.at < wanted->when.from_at ||
            (wanted->when.until_at > 0 && head.at >= wanted->when.until_at))
                return 0;
        record = carebus__v1__audit_record__unpack(&allocator, packed.size, packed.data);
        if (!record)
                return -ENOMEM;
        if (record->what_case == CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE)
                leave_out_items(wanted, record->disclosure);
        return finding->seen(record, finding->owner);
}

/* The frames of one block: up to where the next one begins, or to `end`. */
static int find_in_block(Finding *finding, int fd, const AuditBlock *block, uint64_t end) {
        const uint64_t limit = MIN(end, (block->offset / AUDIT_BLOCK_BYTES + 1) * AUDIT_BLOCK_BYTES + SPAN_MAX);
        size_t at = 0;
        uint8_t *room;
        ssize_t n;

        buffer_clear(&finding->span);
        room = buffer_reserve(&finding->span, (size_t)(limit - block->offset));
        if (!room)
                return -ENOMEM;
        n = pread_all(fd, room, (size_t)(limit - block->offset), (off_t)block->offset);
        if (n < 0)
                return (int)n;
        for (uint32_t i = 0; i < block->n_records; i++) {
                uint32_t length;
                Bytes packed;
                int r;

                if (at + AUDIT_FRAME_BYTES > (size_t)n)
                        return -EBADMSG;
                length = load_le32(room + at);
                packed = bytes_of(room + at + AUDIT_FRAME_BYTES, length);
                if (length > (size_t)n - at - AUDIT_FRAME_BYTES ||
                    audit_frame_crc(length, load_le64(room + at + 8), packed) != load_le32(room + at + 4))
                        return -EBADMSG;
                r = find_in_record(finding, packed);
                if (r != 0)
                        return r;
                at += AUDIT_FRAME_BYTES + length;
        }
        return 0;
}

static int find_in_segment(Finding *finding, uint64_t first, const AuditBlock *blocks, size_t n_blocks, uint64_t end) {
        _cleanup_(closep) int fd = -1;
        char name[AUDIT_NAME_BYTES];

        for (size_t i = 0; i < n_blocks; i++) {
                /* The next block says where this one ends, and with which number. */
                const uint64_t stop = i + 1 < n_blocks ? blocks[i + 1].offset : end;
                int r;

                if (i + 1 < n_blocks && blocks[i + 1].first_number <= finding->wanted->when.after_number + 1)
                        continue;
                if (!block_may_have(&blocks[i], finding->wanted))
                        continue;
                if (fd < 0) {
                        audit_segment_name(first, name);
                        fd = openat(finding->audit->folder_fd, name, O_RDONLY | O_CLOEXEC);
                        if (fd < 0)
                                return -errno;
                }
                r = find_in_block(finding, fd, &blocks[i], stop);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------------- */

typedef struct OpenSegment {
        uint64_t first, end;
        uint64_t removed; /* records up to here were, whether their files are there or not */
        AuditBlock *blocks;
        size_t n;
} OpenSegment;

static int copy_open_segment(Audit *audit, OpenSegment *ret) {
        const AuditBlock *blocks;
        int r = 0;

        pthread_mutex_lock(&audit->lock);
        blocks = audit_index_blocks(audit->index, &ret->n);
        ret->first = audit->first;
        ret->removed = audit->beginning.number;
        ret->end = audit->offset;
        ret->blocks = malloc((ret->n + 1) * sizeof(*ret->blocks));
        if (!ret->blocks)
                r = -ENOMEM;
        else if (ret->n > 0)
                memcpy(ret->blocks, blocks, ret->n * sizeof(*ret->blocks));
        pthread_mutex_unlock(&audit->lock);
        return r;
}

/* May retention have taken it away since it was seen? */
static bool is_removed(Audit *audit, uint64_t first) {
        bool removed;

        pthread_mutex_lock(&audit->lock);
        removed = first <= audit->beginning.number;
        pthread_mutex_unlock(&audit->lock);
        return removed;
}

static int find_in_closed(Finding *finding, uint64_t first) {
        _cleanup_(freep) AuditBlock *blocks = NULL;
        char name[AUDIT_NAME_BYTES];
        struct stat st;
        size_t n;
        int r;

        audit_segment_name(first, name);
        if (fstatat(finding->audit->folder_fd, name, &st, 0) < 0)
                return -errno;
        r = audit_index_read_blocks(finding->audit->index, finding->audit->folder, first, &blocks, &n);
        return r < 0 ? r : find_in_segment(finding, first, blocks, n, (uint64_t)st.st_size);
}

static int audit_find(Audit *audit, const Wanted *wanted, Arena *arena, AuditSeen seen, void *owner) {
        Finding finding = { .audit = audit, .wanted = wanted, .arena = arena, .seen = seen, .owner = owner };
        _cleanup_(freep) uint64_t *firsts = NULL;
        OpenSegment open = { .first = 0 };
        size_t n = 0;
        int r;

        r = copy_open_segment(audit, &open);
        if (r == 0)
                r = audit_segments_list(audit->folder_fd, &firsts, &n);
        for (size_t i = 0; r == 0 && i < n && firsts[i] < open.first; i++) {
                if (firsts[i] <= open.removed || (i + 1 < n && firsts[i + 1] <= wanted->when.after_number + 1))
                        continue;
                r = find_in_closed(&finding, firsts[i]);
                if (r < 0 && is_removed(audit, firsts[i]))
                        r = 0;
        }
        if (r == 0)
                r = find_in_segment(&finding, open.first, open.blocks, open.n, open.end);
        free(open.blocks);
        buffer_deinit(&finding.span);
        return r;
}

int audit_of_event(Audit *audit, const char *team, uint64_t seq, uint32_t index, Arena *arena, AuditSeen seen,
                   void *owner) {
        const Wanted wanted = { .team = team, .seqs = &seq, .n_seqs = 1, .one_index = true, .index = index };

        return audit_find(audit, &wanted, arena, seen, owner);
}

int audit_of_entries(Audit *audit, const uint64_t *seqs, size_t n, Arena *arena, AuditSeen seen, void *owner) {
        const Wanted wanted = { .seqs = seqs, .n_seqs = n };

        return n > 0 ? audit_find(audit, &wanted, arena, seen, owner) : 0;
}

int audit_of_person(Audit *audit, const char *const *patient_ids, size_t n, const AuditWhen *when, Arena *arena,
                    AuditSeen seen, void *owner) {
        const Wanted wanted = { .patient_ids = patient_ids, .n_patient_ids = n, .when = *when };

        return n > 0 ? audit_find(audit, &wanted, arena, seen, owner) : 0;
}

/* ---- records that were given, whenever that was --------------------------------------------------------------------------------- */

typedef struct GaveRecord {
        const char *team;
        const char *const *patient_ids;
        size_t n_patient_ids;
        const AuditWhen *when;
        uint64_t seq;
} GaveRecord;

static int gave_seen(const Carebus__V1__AuditRecord *record, void *owner) {
        const Carebus__V1__Disclosure *disclosure = record->disclosure;
        const GaveRecord *gave = owner;

        if (record->what_case != CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE ||
            !text_equal(disclosure->team, gave->team))
                return 0;
        for (size_t i = 0; i < disclosure->n_items; i++)
                if (disclosure->items[i]->record && disclosure->items[i]->seq >= gave->seq)
                        return 1;
        return 0;
}

static bool is_within(const AuditWhen *when, int64_t from, int64_t until) {
        return until >= when->from_at && (when->until_at == 0 || from < when->until_at);
}

static int carried_gave_seen(const CarriedThing *thing, void *owner) {
        const GaveRecord *gave = owner;

        if (thing->kind != CARRIED_RECORD || thing->as_of < gave->seq || !is_within(gave->when, thing->at, thing->at) ||
            !text_equal(thing->team, gave->team))
                return 0;
        for (size_t i = 0; i < gave->n_patient_ids; i++) {
                uint32_t index;
                uint64_t seq;

                if (audit_patient_place(bytes_of_text(gave->patient_ids[i]), &seq, &index) && seq == thing->seq &&
                    index == thing->index)
                        return 1;
        }
        return 0;
}

static int gave_in_carried(const Audit *audit, uint64_t removed, GaveRecord *gave) {
        CarriedSpan span = { .next = 1 };
        int r = 0;

        for (uint64_t first = 1; r == 0 && first <= removed; first = span.next) {
                _cleanup_(carried_freep) Carebus__V1__AuditCarried *carried = NULL;

                r = carried_peek(audit->folder_fd, first, &span);
                if (r != 0 || !is_within(gave->when, span.first_at, span.last_at))
                        continue;
                r = carried_read(audit->folder_fd, first, &carried, NULL);
                if (r == 0) {
                        r = carried_each(carried, carried_gave_seen, gave);
                        if (r != 0)
                                return r;
                }
        }
        return r > 0 ? -EBADMSG : r;
}

/* First what stands there: what is removed meanwhile is carried over before it goes. */
int audit_gave_record(Audit *audit, const char *team, const char *const *patient_ids, size_t n, const AuditWhen *when,
                      uint64_t seq) {
        GaveRecord gave = { .team = team, .patient_ids = patient_ids, .n_patient_ids = n, .when = when, .seq = seq };
        const AuditWhen all = { .from_at = when->from_at, .until_at = when->until_at };
        _cleanup_(arena_freep) Arena *arena = NULL;
        int r = arena_new(&arena, GAVE_ARENA_MAX);

        r = r ?: audit_of_person(audit, patient_ids, n, &all, arena, gave_seen, &gave);
        return r ?: gave_in_carried(audit, audit_status(audit).removed, &gave);
}
