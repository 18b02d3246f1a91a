/*
 * Time as the fold meets it: an entry that says that it has come. The fold tells when the next thing falls due
 * (CoreFacts.next_due); nothing is written before, and nothing again before the fold has met it.
 */
#include "base/error.h"
#include "daemon/stage/intake-parts.h"

/* The time by which the next entry will be stamped. */
static int64_t journal_now(const Intake *intake) {
        return MAX(clock_now_at(intake->options.clock), journal_last_at(intake->options.journal));
}

bool tick_is_due(Intake *intake, int64_t now) {
        const CoreFacts *facts = intake->options.facts;
        IntakeTick *tick = &intake->tick;
        int64_t due_at, at;

        /* In this order: the fold tells of the due time first. */
        if (atomic_load(&facts->folded_seq) < tick->seq)
                return false;
        due_at = atomic_load(&facts->next_due);
        if (due_at <= 0)
                return false;
        at = journal_now(intake);
        if (tick->due_at != due_at || tick->heard_monotonic == 0) {
                tick->due_at = due_at;
                tick->heard_at = at;
                tick->heard_monotonic = now;
        }
        if (now < tick->try_at)
                return false;
        /* The journal's time stands still after the clock was set back. Who waits for a quarter of an hour waits no longer for that. */
        return at >= due_at || now - tick->heard_monotonic >= due_at - tick->heard_at;
}

int tick_append(Intake *intake) {
        IntakeTick *tick = &intake->tick;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__Tick message = CAREBUS__V1__TICK__INIT;
        uint8_t *room;

        tick->pending = 0;
        if (!tick_is_due(intake, clock_monotonic(intake->options.clock)))
                return 0;
        message.due = (char *)"due";
        message.has_due_at = true;
        message.due_at = MAX(tick->due_at, intake->batch_at);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_TICK;
        entry.tick = &message;
        buffer_clear(&intake->packed);
        room = buffer_reserve(&intake->packed, carebus__v1__entry__get_packed_size(&entry));
        if (!room)
                return -ENOMEM;
        buffer_advance(&intake->packed, carebus__v1__entry__pack(&entry, room));
        return journal_append(intake->options.journal, intake->batch_at, buffer_bytes(&intake->packed), &tick->pending);
}

void tick_settle(Intake *intake, bool committed) {
        IntakeTick *tick = &intake->tick;

        if (tick->pending == 0)
                return;
        if (committed)
                tick->seq = tick->pending;
        else
                tick->try_at = clock_monotonic(intake->options.clock) + USEC_PER_SEC;
        tick->pending = 0;
}
