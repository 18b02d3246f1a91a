/* Gather what is open, then a segment a turn until one stays. */
#include "daemon/serve/audit-retain.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/audit/audit.h"
#include "daemon/record/unresolved.h"

#define LOOK_EVERY (24 * 60 * 60 * USEC_PER_SEC)
#define AGAIN_AFTER (60 * USEC_PER_SEC) /* no room, or a backup that is being made */
#define HOLDS_GOOD (60 * USEC_PER_SEC)  /* what is open is gathered anew after it */

enum { NOTHING_GOES = 1 };

struct AuditRetain {
        Worker *worker;
        uint64_t age; /* seconds; 0: for ever */
        int64_t look_at;
        AuditHolds *holds; /* NULL: no look is going on */
        int64_t gathered_at;
        uint64_t bytes; /* of what went by this look */
};

int audit_retain_new(Worker *worker, AuditRetain **ret) {
        AuditRetain *retain = calloc(1, sizeof(*retain));

        if (!retain)
                return -ENOMEM;
        retain->worker = worker;
        *ret = retain;
        return 0;
}

AuditRetain *audit_retain_free(AuditRetain *retain) {
        if (!retain)
                return NULL;
        audit_holds_free(retain->holds);
        free(retain);
        return NULL;
}

void audit_retain_set(AuditRetain *retain, const Config *config) {
        retain->age = config->retain_audit;
        retain->look_at = 0;
}

/* ---- what is open ------------------------------------------------------------------------------------------------------------ */

typedef struct Gathering {
        AuditHolds *holds;
        Worker *worker;
} Gathering;

static int hold_use(const UnresolvedUse *use, void *owner) {
        const Gathering *gathering = owner;

        if (use->patient_id)
                return audit_holds_add_person(gathering->holds, use->patient_id, use->from_at, use->kind);
        return audit_holds_add_entry(gathering->holds, use->seq, use->kind);
}

/* A large state is walked through for a while. */
static void hold_beat(void *owner) {
        const Gathering *gathering = owner;

        worker_tick(gathering->worker);
}

static int holds_gather(AuditRetain *retain, View *view) {
        _cleanup_(audit_holds_freep) AuditHolds *holds = NULL;
        Gathering gathering = { .worker = retain->worker };
        int r = audit_holds_new(&holds);

        gathering.holds = holds;
        r = r ?: view_renew(view);
        r = r ?: unresolved_audit(view_txn(view), hold_use, hold_beat, &gathering);
        view_rest(view);
        if (r != 0)
                return error_fold(r);
        audit_holds_end(holds);
        audit_holds_free(retain->holds);
        retain->holds = TAKE_PTR(holds);
        retain->gathered_at = clock_monotonic(&clock_system);
        return 0;
}

/* ---- a segment ----------------------------------------------------------------------------------------------------------------- */

/* A backup that is being made has to find what it set out to copy. 0, NOTHING_GOES; negative. */
static int segment_remove(AuditRetain *retain, int64_t older_than) {
        AuditOld old;
        int r;

        if (flock(retain->worker->backup_lock, LOCK_EX | LOCK_NB) < 0)
                return -errno;
        r = audit_remove_oldest(retain->worker->audit, older_than, retain->holds, &old);
        (void)flock(retain->worker->backup_lock, LOCK_UN);
        if (r < 0)
                return r;
        retain->bytes += old.verdict == AUDIT_OLD_GOES ? old.bytes : 0;
        return old.verdict == AUDIT_OLD_GOES ? 0 : NOTHING_GOES;
}

static void look_end(AuditRetain *retain, int64_t look_at) {
        const AuditStatus status = audit_status(retain->worker->audit);

        if (retain->bytes > 0)
                log_event(LOG_AUDIT_SHORTENED, log_number("RECORD", (int64_t)status.removed),
                          log_number("BYTES", (int64_t)retain->bytes));
        retain->bytes = 0;
        retain->holds = audit_holds_free(retain->holds);
        retain->look_at = look_at;
}

bool audit_retain_turn(AuditRetain *retain, View *view) {
        const int64_t now = clock_monotonic(&clock_system);
        const int64_t older_than = clock_now_at(&clock_system) - (int64_t)retain->age * USEC_PER_SEC;
        int r;

        if (retain->age == 0 || retain->worker->backup_lock < 0 || (!retain->holds && now < retain->look_at))
                return false;
        r = audit_oldest_may_go(retain->worker->audit, older_than);
        if (r > 0)
                r = !retain->holds || now - retain->gathered_at > HOLDS_GOOD ? holds_gather(retain, view) : 0;
        else if (r == 0)
                r = NOTHING_GOES;
        r = r ?: segment_remove(retain, older_than);
        if (r == 0)
                return true;
        /* While a backup is being made there is nothing to tell: it ends. */
        if (r < 0 && r != -EWOULDBLOCK)
                log_event(LOG_RETENTION_FAILED, log_errno(r));
        look_end(retain, now + (r > 0 ? LOOK_EVERY : AGAIN_AFTER));
        return false;
}
