/*
 * One batch: what waits is taken by turns and led through the stages, then one sync, then the answers. The table below is
 * the way of a message; what follows the journal is the fold's.
 */
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "daemon/stage/intake-parts.h"

static const struct {
        const char *name;
        StageFunction run;
        const char *otherwise; /* what happens to what it does not let through */
} stages[] = {
        { "accept", stage_accept, "refused for good, with field and limit" },
        { "admit", stage_admit, "refused, for good or until later" },
        { "normalise", stage_normalise, "lets everything through: what was said is kept" },
        { "journal", stage_journal, "known already: answered without being written again" },
};

int item_refuse(Intake *intake, Item *item, const char *reason, const char *detail) {
        Answer answer = { .session = item->session, .number = item->number, .kind = ANSWER_REFUSED };
        int r;

        snprintf(answer.reason, sizeof(answer.reason), "%s", reason);
        if (detail) {
                answer.detail = strdup(detail);
                if (!answer.detail)
                        return -ENOMEM;
        }
        r = answers_add(&intake->answers, answer);
        return r < 0 ? r : ITEM_ANSWERED;
}

int item_later(Intake *intake, Item *item, const char *reason, uint32_t retry_after_ms) {
        Answer answer = {
                .session = item->session,
                .number = item->number,
                .kind = ANSWER_LATER,
                .retry_after_ms = retry_after_ms,
        };
        int r;

        snprintf(answer.reason, sizeof(answer.reason), "%s", reason);
        r = answers_add(&intake->answers, answer);
        return r < 0 ? r : ITEM_ANSWERED;
}

int intake_state(Intake *intake, StateTxn **ret) {
        if (!intake->state_fresh) {
                int r = intake->state ? state_renew(intake->state)
                                      : state_begin(intake->options.state, STATE_READ, &intake->state);
                if (r != 0)
                        return error_fold(r);
                intake->state_fresh = true;
                /* Not before: what is forgotten here has to be found there. */
                known_forget_until(intake->known, state_folded_seq(intake->state));
        }
        *ret = intake->state;
        return 0;
}

/* Whether its number lets it pass; else it is answered. */
static int item_number(Intake *intake, Item *item) {
        switch (session_number(item->session, item->number)) {
        case NUMBER_NEXT:
                return 0;
        case NUMBER_BEHIND_REFUSED:
                return item_later(intake, item, "behind-refused", RETRY_LATER_MS);
        default:
                return item_refuse(intake, item, "bad-number", "number: not the one that comes next");
        }
}

static int item_run(Intake *intake, Item *item) {
        int r;

        item->session->source->received++;
        arena_reset(intake->arena);
        r = item_number(intake, item);
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(stages); i++)
                r = stages[i].run(intake, item);
        return r < 0 ? r : 0;
}

/* What came over the window: its numbers only. */
static int run_overflow(Intake *intake, Session *session, const Pending *pending) {
        for (size_t i = 0; i < pending->n_overflow; i++) {
                Item item = { .session = session, .number = pending->overflow[i] };
                int r;

                session->source->received++;
                r = item_number(intake, &item);
                if (r == 0)
                        r = item_later(intake, &item, "over-window", RETRY_LATER_MS);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int run_frame(Intake *intake, Session *session, const Pending *pending) {
        size_t offset = 0;
        Item item = { .session = session };

        if (pending->overflow)
                return run_overflow(intake, session, pending);
        while (submit_next(pending->submit, &offset, &item.bytes, &item.number)) {
                int r = item_run(intake, &item);
                if (r < 0)
                        return r;
                item = (Item){ .session = session };
        }
        return 0;
}

static int batch_take(Intake *intake) {
        for (int turns = 0; turns < BATCH_TURNS_MAX; turns++) {
                TurnLane *lane;
                Turn *turn;
                Pending *pending;
                int r;

                if (intake->batch_submissions >= BATCH_SUBMISSIONS_MAX || intake->batch_bytes >= BATCH_BYTES_MAX)
                        break;
                turn = turns_take(&intake->turns, &lane);
                if (!turn)
                        break;
                pending = CONTAINER_OF(turn, Pending, turn);
                r = run_frame(intake, session_of_lane(lane), pending);
                pending_free(pending);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Settings come before what they govern; a dictionary before what it compresses (it is used from the next batch on). */
static int batch_append_own(Intake *intake) {
        Journal *journal = intake->options.journal;
        int r = 0;

        intake->settings_seq = intake->dictionary_seq = intake->expiry_seq = 0;
        if (intake->settings_due)
                r = journal_append(journal, intake->batch_at, buffer_bytes(&intake->snapshot->entry),
                                   &intake->settings_seq);
        if (r == 0)
                r = tick_append(intake);
        if (r == 0 && intake->dictionary_due) {
                Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
                Carebus__V1__Dictionary dictionary = CAREBUS__V1__DICTIONARY__INIT;
                uint8_t *room;

                dictionary.has_data = true;
                dictionary.data.data = intake->dictionary_due->data;
                dictionary.data.len = intake->dictionary_due->size;
                entry.kind_case = CAREBUS__V1__ENTRY__KIND_DICTIONARY;
                entry.dictionary = &dictionary;
                buffer_clear(&intake->packed);
                room = buffer_reserve(&intake->packed, carebus__v1__entry__get_packed_size(&entry));
                if (!room)
                        return -ENOMEM;
                buffer_advance(&intake->packed, carebus__v1__entry__pack(&entry, room));
                r = journal_append(journal, intake->batch_at, buffer_bytes(&intake->packed), &intake->dictionary_seq);
        }
        if (r == 0 && intake->expiry_due)
                r = journal_append(journal, intake->batch_at, buffer_bytes(intake->expiry_due), &intake->expiry_seq);
        return r == 0 ? control_append(intake) : error_fold(r);
}

/* What is let go of may lie in the segment that is written to: another one begins. Without room for it, it goes another time. */
static int expiry_settle(Intake *intake) {
        int r = journal_turn(intake->options.journal);

        buffer_deinit(intake->expiry_due);
        free(intake->expiry_due);
        intake->expiry_due = NULL;
        atomic_store(&intake->options.facts->expiry_seq, intake->expiry_seq);
        return r < 0 ? r : 0;
}

static int batch_committed(Intake *intake) {
        int r = 0;

        if (intake->settings_seq)
                intake->settings_due = false;
        tick_settle(intake, /* committed= */ true);
        if (intake->dictionary_seq) {
                r = original_codec_add_dictionary(intake->options.codec, intake->dictionary_seq,
                                                  buffer_bytes(intake->dictionary_due));
                if (r < 0)
                        return r;
                log_event(LOG_DICTIONARY_ADDED, log_number("SEQ", (int64_t)intake->dictionary_seq));
                buffer_deinit(intake->dictionary_due);
                free(intake->dictionary_due);
                intake->dictionary_due = NULL;
        }
        storage_written(intake);
        if (intake->expiry_seq) {
                r = expiry_settle(intake);
                if (r < 0)
                        return r;
        }
        return control_settle(intake, true);
}

/* Nothing of the batch counts: who waits for an answer is asked to try later. */
static int batch_failed(Intake *intake, const char *reason) {
        if (intake->batch_first != 0)
                known_forget_from(intake->known, intake->batch_first);
        tick_settle(intake, /* committed= */ false);
        answers_fail(&intake->answers, reason, RETRY_LATER_MS);
        return control_settle(intake, false);
}

static int batch_commit(Intake *intake) {
        const size_t entries = journal_pending(intake->options.journal);
        int r;

        if (entries == 0)
                return control_settle(intake, true);
        r = journal_commit(intake->options.journal);
        if (r == 0) {
                intake_count_batch(intake, entries);
                return batch_committed(intake);
        }
        if (r == JOURNAL_E_NO_SPACE) {
                storage_full(intake, clock_monotonic(intake->options.clock));
                return batch_failed(intake, "storage-full");
        }
        /* The kernel reports a lost write once and then pretends. Nothing is written again: say so, and end. */
        intake->failed = true;
        log_event(LOG_STORAGE_FAULT, log_errno(error_fold(r)));
        facts_fault(intake->options.facts, EXIT_STORAGE);
        return batch_failed(intake, "storage-fault");
}

static void count_answer(const Answer *answer) {
        SourcePeer *source = answer->session->source;

        switch (answer->kind) {
        case ANSWER_STORED:
                source->stored++;
                break;
        case ANSWER_DUPLICATE:
                source->duplicate++;
                break;
        case ANSWER_REFUSED:
                source->refused_ours++;
                source->refused++;
                break;
        case ANSWER_LATER:
                source->later++;
                source->refused++;
                break;
        }
}

static int batch_answer(Intake *intake) {
        for (size_t i = 0; i < intake->answers.n_items; i++)
                count_answer(&intake->answers.items[i]);
        for (Session *session = intake->answers.sessions; session; session = session->next_answered) {
                uint32_t place = session->first_answer;

                while (place != 0 && !session->closed) {
                        int r = answers_pack(&intake->answers, &place, &intake->out);
                        if (r == 0)
                                r = intake_send(intake, session, buffer_bytes(&intake->out));
                        if (r < 0)
                                return r;
                }
                if (session->leaving && session->lane.count == 0)
                        intake_close(intake, session);
        }
        return 0;
}

/* A decision of before this start lies in the segment that is written to, with what it lets go of. Without room, another time. */
static int turn_if_wanted(Intake *intake) {
        return atomic_exchange(&intake->options.facts->turn_wanted, false)
                       ? MIN(journal_turn(intake->options.journal), 0)
                       : 0;
}

int intake_batch(Intake *intake) {
        const int64_t now = clock_monotonic(intake->options.clock);
        const uint64_t committed = journal_committed(intake->options.journal);
        int r = turn_if_wanted(intake);

        if (r < 0)
                return r;
        if (intake->turns.count == 0 && !intake->settings_due && !intake->dictionary_due && !intake->expiry_due &&
            intake->n_controls == 0 && !tick_is_due(intake, now))
                return 0;
        intake->batch_at = MAX(clock_now_at(intake->options.clock), journal_last_at(intake->options.journal));
        intake->batch_first = 0;
        intake->batch_submissions = intake->batch_bytes = 0;
        r = batch_append_own(intake);
        if (r == 0 && (!fold_is_behind(intake, now) || atomic_load(&intake->options.facts->stop_intake)))
                r = batch_take(intake);
        if (r == 0)
                r = batch_commit(intake);
        if (r == 0)
                r = batch_answer(intake);
        /* Last: waking the fold costs time, and who waits for a receipt waits longer. */
        if (r == 0 && journal_committed(intake->options.journal) != committed)
                doorbell_ring(intake->options.fold_bell);
        answers_clear(&intake->answers);
        sessions_sweep(intake->sessions);
        return r;
}
