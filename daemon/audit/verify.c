/* Verifying: one walk, with the anchors of both kinds beside it. */
#include "daemon/audit/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "daemon/audit/anchor.h"
#include "daemon/audit/beginning.h"
#include "daemon/audit/carried.h"
#include "daemon/audit/record-look.h"

#define KEY_FILE_MAX (64U << 10)
#define KEYS_MAX 256
#define PROGRESS_EVERY 1024 /* records */
#define RETENTION_TRIES 3
#define TORN_TRIES 20 /* a writer is done with a record long before */
#define TORN_WAIT_NS 10000000L

typedef struct Verify {
        const AuditVerifyOptions *options;
        AuditVerified *ret;
        SignKey *keys[KEYS_MAX];
        size_t n_keys;
        FILE *own;
        char *line;
        size_t line_room;
        AuditAnchor next; /* of its own */
        bool has_next;
        AuditAnchor *saved;
        size_t n_saved, at_saved;
} Verify;

static int verify_fault(Verify *verify, const char *reason, uint64_t number, bool saved) {
        verify->ret->fault = (AuditFault){ .number = number, .reason = reason };
        verify->ret->saved = saved;
        return AUDIT_E_DAMAGED;
}

/* ---- keys ------------------------------------------------------------------------------------------------------------------- */

static int key_add(Verify *verify, const char *path, const char *id) {
        _cleanup_(buffer_deinit) Buffer pem = BUFFER_NULL;
        _cleanup_(sign_key_freep) SignKey *key = NULL;
        _cleanup_(buffer_deinit) Buffer again = BUFFER_NULL;
        uint8_t own[SIGN_KEY_ID_SIZE];
        char hex[2 * SIGN_KEY_ID_SIZE + 1];
        int r = file_read(path, KEY_FILE_MAX, &pem);

        if (r == 0)
                r = sign_key_from_pem(buffer_bytes(&pem), &key);
        if (r == 0)
                r = sign_key_id(key, own);
        if (r == 0)
                r = sign_key_to_pem(key, /* secret= */ false, &again);
        if (r == -EBADMSG || r == -EFBIG)
                return verify_fault(verify, "key", 0, false);
        if (r < 0)
                return r;
        hex_encode(own, sizeof(own), hex);
        if (id &&
            (strncmp(id, hex, 2 * SIGN_KEY_ID_SIZE) != 0 || !bytes_equal(buffer_bytes(&again), buffer_bytes(&pem))))
                return verify_fault(verify, "key", 0, false);
        if (verify->n_keys == KEYS_MAX)
                return -E2BIG;
        verify->keys[verify->n_keys++] = TAKE_PTR(key);
        return 0;
}

/* Every file of the folder that a key's name begins is one, or a fault. */
/* One that was not written to its end when the process was killed has letters behind the suffix, and is none. */
static bool is_key_name(const char *name) {
        const char *suffix = strrchr(name, '.');

        return text_starts_with(name, AUDIT_KEY_PREFIX) && suffix && text_equal(suffix, AUDIT_KEY_SUFFIX);
}

static int keys_read(Verify *verify) {
        _cleanup_(closedirp) DIR *folder = NULL;
        const struct dirent *entry;

        if (verify->options->key)
                return key_add(verify, verify->options->key, NULL);
        folder = opendir(verify->options->folder);
        if (!folder)
                return errno == ENOENT ? AUDIT_E_NONE : -errno;
        while ((entry = readdir(folder))) {
                char path[PATH_MAX];
                int r;

                if (!is_key_name(entry->d_name))
                        continue;
                if (snprintf(path, sizeof(path), "%s/%s", verify->options->folder, entry->d_name) >= (int)sizeof(path))
                        return -ENAMETOOLONG;
                r = key_add(verify, path, entry->d_name + sizeof(AUDIT_KEY_PREFIX) - 1);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* ---- anchors ------------------------------------------------------------------------------------------------------------------ */

static int anchor_check(Verify *verify, const AuditAnchor *anchor, bool saved) {
        uint8_t id[SIGN_KEY_ID_SIZE];

        for (size_t i = 0; i < verify->n_keys; i++)
                if (sign_key_id(verify->keys[i], id) == 0 && memcmp(id, anchor->key, sizeof(id)) == 0)
                        return audit_anchor_holds(anchor, verify->keys[i])
                                       ? 0
                                       : verify_fault(verify, "anchor-signature", anchor->number, saved);
        return verify_fault(verify, "anchor-key", anchor->number, saved);
}

static int own_read(Verify *verify) {
        const uint64_t before = verify->has_next ? verify->next.number : 0;
        ssize_t n = verify->own ? getline(&verify->line, &verify->line_room, verify->own) : -1;
        size_t offset = 0;
        int r;

        verify->has_next = false;
        if (n < 0)
                return verify->own && ferror(verify->own) ? -EIO : 0;
        r = audit_anchor_next(bytes_of(verify->line, (size_t)n), &offset, &verify->next);
        if (r == -EBADMSG)
                return verify_fault(verify, "anchor", before, false);
        if (r < 0)
                return r;
        if (verify->next.number <= before)
                return verify_fault(verify, "anchor-order", verify->next.number, false);
        verify->has_next = true;
        return anchor_check(verify, &verify->next, false);
}

/* The next that has its record here, or that of the beginning. */
static int own_next(Verify *verify) {
        int r;

        while ((r = own_read(verify)) == 0 && verify->has_next && verify->next.number + 1 < verify->ret->begins)
                verify->ret->anchors_before++;
        return r;
}

static int own_open(Verify *verify) {
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/" AUDIT_ANCHORS, verify->options->folder) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        verify->own = fopen(path, "re");
        if (!verify->own && errno != ENOENT)
                return -errno;
        return own_next(verify);
}

static int by_number(const void *a, const void *b) {
        const AuditAnchor *first = a, *second = b;

        return first->number < second->number ? -1 : first->number > second->number;
}

static int saved_read(Verify *verify) {
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        _cleanup_(buffer_deinit) Buffer anchors = BUFFER_NULL;
        size_t offset = 0;
        int r;

        if (!verify->options->anchors)
                return 0;
        r = file_read(verify->options->anchors, AUDIT_ANCHORS_MAX, &text);
        while (r == 0) {
                AuditAnchor anchor;

                r = audit_anchor_next(buffer_bytes(&text), &offset, &anchor);
                if (r == 0)
                        r = anchor_check(verify, &anchor, true);
                if (r == 0)
                        buffer_append(&anchors, &anchor, sizeof(anchor));
        }
        if (r == -EBADMSG || (r == -ENODATA && anchors.size == 0 && anchors.error == 0))
                return verify_fault(verify, "anchor", 0, true);
        if (r != -ENODATA || anchors.error < 0)
                return r != -ENODATA ? r : anchors.error;
        verify->n_saved = anchors.size / sizeof(*verify->saved);
        verify->saved = (AuditAnchor *)(void *)anchors.data;
        anchors = BUFFER_NULL;
        qsort(verify->saved, verify->n_saved, sizeof(*verify->saved), by_number);
        return 0;
}

/* ---- the walk ------------------------------------------------------------------------------------------------------------------ */

static int anchor_meets(Verify *verify, const AuditFrame *frame, const uint8_t *chain, const AuditAnchor *anchor,
                        bool saved) {
        if (memcmp(anchor->chain, chain, SHA256_SIZE) == 0) {
                verify->ret->anchored = MAX(verify->ret->anchored, anchor->number);
                return 0;
        }
        verify_fault(verify, "anchor-differs", anchor->number, saved);
        verify->ret->fault.segment = frame->segment;
        verify->ret->fault.offset = frame->offset;
        return AUDIT_E_DAMAGED;
}

static int anchors_meet(Verify *verify, const AuditFrame *frame, const uint8_t *chain) {
        int r = 0;

        for (; r == 0 && verify->at_saved < verify->n_saved && verify->saved[verify->at_saved].number == frame->number;
             verify->at_saved++, verify->ret->anchors_saved++)
                r = anchor_meets(verify, frame, chain, &verify->saved[verify->at_saved], true);
        if (r == 0 && verify->has_next && verify->next.number == frame->number) {
                r = anchor_meets(verify, frame, chain, &verify->next, false);
                verify->ret->anchors++;
                if (r == 0)
                        r = own_next(verify);
        }
        return r;
}

/* Anchors of what is there, from the record before the first on; those before it are counted. */
static int anchors_begin(Verify *verify, const AuditBeginning *beginning) {
        const AuditFrame before = { .number = beginning->number };
        int r = own_open(verify);

        while (verify->at_saved < verify->n_saved && verify->saved[verify->at_saved].number < beginning->number) {
                verify->at_saved++;
                verify->ret->anchors_before++;
        }
        return r != 0 || beginning->number == 0 ? r : anchors_meet(verify, &before, beginning->chain);
}

static int verify_frame(Verify *verify, const AuditWalk *walk, const AuditFrame *frame) {
        AuditLookHead head;
        int r = audit_record_look(frame->packed, &head, NULL, NULL);

        if (r < 0 || head.number != frame->number || head.what == 0 || head.at < verify->ret->last_at) {
                verify_fault(verify, "record", frame->number, false);
                verify->ret->fault.segment = frame->segment;
                verify->ret->fault.offset = frame->offset;
                return AUDIT_E_DAMAGED;
        }
        if (verify->ret->records++ == 0)
                verify->ret->first_at = head.at;
        verify->ret->last_at = head.at;
        return anchors_meet(verify, frame, audit_walk_chain(walk));
}

/* Beside a writer the newest record may be half there: a moment later it is whole. */
static int walk_next_patiently(AuditWalk *walk, AuditFrame *frame, bool still) {
        static const struct timespec moment = { .tv_nsec = TORN_WAIT_NS };
        int r = audit_walk_next(walk, frame);

        for (unsigned i = still ? TORN_TRIES : 0;
             r == AUDIT_E_DAMAGED && strcmp(audit_walk_fault(walk)->reason, "torn") == 0 && i < TORN_TRIES; i++) {
                (void)nanosleep(&moment, NULL);
                r = audit_walk_next(walk, frame);
        }
        return r;
}

static int verify_walk(Verify *verify, AuditWalk *walk) {
        const AuditVerifyOptions *options = verify->options;
        AuditFrame frame;
        int r = 0;

        while (r == 0) {
                r = walk_next_patiently(walk, &frame, options->still);
                if (r == 0)
                        r = verify_frame(verify, walk, &frame);
                else if (r == AUDIT_E_DAMAGED)
                        verify->ret->fault = *audit_walk_fault(walk);
                verify->ret->bytes = audit_walk_done(walk);
                if (options->progress && verify->ret->records % PROGRESS_EVERY == 0)
                        options->progress(audit_walk_done(walk), audit_walk_bytes(walk), options->owner);
        }
        if (r != AUDIT_E_END)
                return r;
        if (verify->has_next && verify->next.number >= audit_walk_number(walk))
                return verify_fault(verify, "behind-anchor", verify->next.number, false);
        if (verify->at_saved < verify->n_saved)
                return verify_fault(verify, "behind-anchor", verify->saved[verify->at_saved].number, true);
        return 0;
}

static void verify_deinit(Verify *verify) {
        for (size_t i = 0; i < verify->n_keys; i++)
                sign_key_free(verify->keys[i]);
        fclosep(&verify->own);
        free(verify->line);
        free(verify->saved);
}

/* Is where the chain begins what was signed, and what was carried over from before it? */
static int beginning_check(Verify *verify, const AuditWalk *walk) {
        const AuditBeginning *beginning = audit_walk_beginning(walk);
        _cleanup_(closep) int fd = -1;
        bool holds = false;
        uint64_t first;
        int r;

        verify->ret->begins = beginning->number + 1;
        verify->ret->begins_at = beginning->at;
        verify->ret->removed_at = beginning->removed_at;
        if (beginning->number == 0)
                return 0;
        for (size_t i = 0; i < verify->n_keys && !holds; i++)
                holds = audit_beginning_holds(beginning, verify->keys[i]);
        if (!holds)
                return verify_fault(verify, "beginning-signature", beginning->number, false);
        fd = open(verify->options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = carried_walk(fd, beginning, NULL, NULL, &first);
        if (r != AUDIT_E_DAMAGED)
                return r;
        verify_fault(verify, "carried", beginning->number, false);
        verify->ret->fault.segment = first;
        return AUDIT_E_DAMAGED;
}

static int verify_all(const AuditVerifyOptions *options, AuditVerified *ret) {
        _cleanup_(verify_deinit) Verify verify = { .options = options, .ret = ret };
        _cleanup_(audit_walk_freep) AuditWalk *walk = NULL;
        int r;

        *ret = (AuditVerified){ .begins = 1 };
        r = keys_read(&verify);
        if (r == 0)
                r = saved_read(&verify);
        if (r == 0)
                r = audit_walk_new(options->folder, &walk);
        if (r == AUDIT_E_NONE) {
                r = own_open(&verify);
                return r == 0 && (verify.has_next || verify.n_saved > 0)
                               ? verify_fault(&verify, "missing", 1, verify.n_saved > 0)
                               : r ?: AUDIT_E_NONE;
        }
        if (r == 0)
                r = beginning_check(&verify, walk);
        if (r == 0)
                r = anchors_begin(&verify, audit_walk_beginning(walk));
        return r == 0 ? verify_walk(&verify, walk) : r;
}

int audit_verify(const AuditVerifyOptions *options, AuditVerified *ret) {
        int r = verify_all(options, ret);

        /* Retention went on meanwhile: what is left is looked at. */
        for (unsigned i = 0; r == -ENOENT && i < RETENTION_TRIES; i++)
                r = verify_all(options, ret);
        return r;
}

int audit_newest_anchor(const char *folder, Buffer *ret_line) {
        _cleanup_(freep) char *line = NULL;
        _cleanup_(fclosep) FILE *file = NULL;
        AuditAnchor newest = { .number = 0 }, anchor;
        char path[PATH_MAX];
        size_t room = 0;
        ssize_t n;

        if (snprintf(path, sizeof(path), "%s/" AUDIT_ANCHORS, folder) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        file = fopen(path, "re");
        if (!file)
                return errno == ENOENT ? AUDIT_E_NONE : -errno;
        while ((n = getline(&line, &room, file)) > 0) {
                size_t offset = 0;

                if (line[n - 1] != '\n')
                        break; /* one that is being written */
                if (audit_anchor_next(bytes_of(line, (size_t)n), &offset, &anchor) < 0)
                        return AUDIT_E_DAMAGED;
                newest = anchor;
        }
        if (ferror(file))
                return -EIO;
        if (newest.number == 0)
                return AUDIT_E_NONE;
        audit_anchor_print(&newest, ret_line);
        return ret_line->error;
}

int audit_find_end(const char *folder, AuditEnd *ret) {
        _cleanup_(audit_walk_freep) AuditWalk *walk = NULL;
        AuditFrame frame;
        int r = audit_walk_new(folder, &walk);

        if (r == 0)
                r = audit_walk_seek(walk, UINT64_MAX);
        while (r == 0)
                r = audit_walk_next(walk, &frame);
        /* What is half there is being written, and is not in the copy. */
        if (r != AUDIT_E_END && (r != AUDIT_E_DAMAGED || strcmp(audit_walk_fault(walk)->reason, "torn") != 0))
                return r;
        *ret = (AuditEnd){ .segment = audit_walk_header(walk)->first,
                           .offset = audit_walk_offset(walk),
                           .number = audit_walk_number(walk) - 1 };
        return 0;
}

const char *audit_reason_says(const char *reason) {
        static const struct {
                const char *reason, *says;
        } rows[] = {
                { "header", "the head of the segment was altered" },
                { "missing", "a segment is not there, or another stands in its place" },
                { "length", "the length of the record was altered, or the segment was cut" },
                { "checksum", "the record was altered" },
                { "number", "records were removed, added or put in another order" },
                { "chain", "the chain does not go on here: what stands before it was rewritten" },
                { "record", "the record says another number or time than its place" },
                { "torn", "the newest segment ends within a record, as after a power cut: serve lays it aside at its "
                          "next start and says `gap`" },
                { "anchor", "a line of anchors was altered, or is none" },
                { "anchor-signature", "the signature of the anchor does not hold: it was altered" },
                { "anchor-key", "the anchor was signed by a key whose public half is not there" },
                { "anchor-order", "anchors were put in another order" },
                { "anchor-differs", "the chain is not the one that was signed: the audit was rewritten" },
                { "behind-anchor", "records that were signed are missing at the end" },
                { "key", "a public key is not what its name says" },
                { "beginning", "what says where the audit begins was altered" },
                { "beginning-signature", "nobody whose key is there signed that the audit begins here: segments were "
                                         "removed, and not by retention" },
                { "carried", "what was carried over from removed segments is missing, or was altered" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (text_equal(rows[i].reason, reason))
                        return rows[i].says;
        return "unknown";
}
