#pragma once
/* The audit from inside. For the files of daemon/audit only. */
#include <pthread.h>

#include "base/signature.h"
#include "daemon/audit/anchor.h"
#include "daemon/audit/audit.h"
#include "daemon/audit/index.h"
#include "daemon/audit/walk.h"

#define AUDIT_INDEX "index"
#define AUDIT_RESERVE "reserve"
#define AUDIT_SYNCED "synced"
#define AUDIT_NEW "segment.tmp"
#define AUDIT_SEGMENT_BYTES (64ULL << 20)
#define AUDIT_RESERVE_BYTES (16ULL << 20)
#define AUDIT_SEGMENT_AGE (31 * 24 * 60 * 60 * USEC_PER_SEC) /* whole ones go: a small site's would never */

struct Audit {
        pthread_mutex_t lock;
        pthread_cond_t wake; /* of the thread that syncs */
        const Clock *clock;
        char *folder, *version;
        int folder_fd, fd, closed_fd; /* the open segment; the one before it, until it is synced */
        uint64_t segment_bytes, reserve_bytes;
        uint8_t uuid[AUDIT_UUID_BYTES];
        uint64_t first, offset;   /* of the open segment, */
        int64_t made_at;          /* which was made then */
        AuditBeginning beginning; /* of the chain */
        uint64_t number;          /* newest record */
        int64_t last_at;
        uint8_t chain[SHA256_SIZE];
        Sha256 *sha;
        Buffer frame;
        AuditIndex *index;
        bool full, has_reserve;
        int error;
        uint64_t cut;

        SignKey *key;
        int anchors_fd, synced_fd;
        uint64_t anchors_size;
        uint64_t synced, anchored;
        int64_t anchored_at; /* monotonic */
        pthread_t thread;
        bool started, stopping, idle;
};

/* ---- audit.c */

/* A new segment behind the newest record. The lock is held, or nobody else knows the audit yet. */
int audit_segment_make(Audit *audit);

/* ---- audit-open.c */

/* Reads what is there, or begins. 0, -EBADMSG with the fault, negative. */
int audit_resume(Audit *audit, AuditOpenFault *ret_fault);

/* ---- audit-remove.c */

/* At the start: is the beginning signed by a key of this folder? 0, -EBADMSG with the fault, negative. */
int audit_beginning_look(Audit *audit, AuditOpenFault *ret_fault);
/* What removed segments said goes into an index that is made anew. 0, -EBADMSG with the fault, negative. */
int audit_carried_load(Audit *audit, AuditOpenFault *ret_fault);
/* Finishes, or undoes, what an end of the process broke off: files before the beginning go, and anchors of what is gone. */
int audit_remove_finish(Audit *audit);

/* ---- audit-key.c */

/* Reads the key, or makes it, and lays its public half beside it and into the folder. 0, -EBADMSG, negative. */
int audit_key_load(Audit *audit, const char *path);

/* ---- audit-sync.c */

int audit_sync_start(Audit *audit);
/* Ends the thread; what was written is synced and signed. */
void audit_sync_stop(Audit *audit);
/* Lays the reserve by where it is not there and there is room. */
void audit_reserve_make(Audit *audit);
