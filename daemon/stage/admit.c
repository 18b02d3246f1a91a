/*
 * admit: may this be taken now. That the peer speaks for the source at all was looked up when its frame came in; here are
 * quota, room, and what only some may say.
 */
#include "base/error.h"
#include "base/text.h"
#include "daemon/record/read.h"
#include "daemon/stage/intake-parts.h"

/* An answer to a Retranslate names what it reads again: that must wait in the quarantine, and be this source's own. */
static int admit_retranslation(Intake *intake, Item *item) {
        Carebus__V1__Submission *submission = item->submission;
        Carebus__V1__QuarantineItem *waiting;
        StateTxn *txn;
        int r;

        r = intake_state(intake, &txn);
        if (r == 0)
                r = quarantine_read(txn, submission->retranslates, intake->arena, &waiting);
        if (r == RECORD_E_NOT_FOUND)
                return item_refuse(intake, item, "bad-retranslates",
                                   "retranslates: nothing of that number waits in the quarantine");
        if (r != 0)
                return error_fold(r);
        if (!text_equal(waiting->source, item->session->source->name))
                return item_refuse(intake, item, "bad-retranslates", "retranslates: that entry is another source's");
        if (waiting->resolution && !text_equal(waiting->resolution, "open"))
                return item_refuse(intake, item, "bad-retranslates", "retranslates: that entry is resolved already");
        if (!submission->message_id)
                submission->message_id = waiting->message_id;
        item->requested_by = asked_by(intake, submission->retranslates);
        return 0;
}

const char *admit_refusal(const Intake *intake) {
        const int64_t now = clock_monotonic(intake->options.clock);

        if (atomic_load(&intake->options.facts->stop_intake))
                return "stopping";
        if (intake->storage == STORAGE_FULL || (intake->storage == STORAGE_REFUSED && now < intake->storage_try_at))
                return "storage-full";
        return intake->fold_stuck ? "behind" : NULL;
}

int stage_admit(Intake *intake, Item *item) {
        const int64_t now = clock_monotonic(intake->options.clock);
        const char *refusal = admit_refusal(intake);
        uint32_t wait_ms;

        if (refusal)
                return item_later(intake, item, refusal, RETRY_LATER_MS);
        if (item->submission->has_retranslates) {
                int r = admit_retranslation(intake, item);
                if (r != 0)
                        return r;
        }
        wait_ms = quota_take(&item->session->source->quota, now);
        return wait_ms > 0 ? item_later(intake, item, "over-quota", wait_ms) : 0;
}
