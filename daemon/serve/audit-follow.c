#include "daemon/serve/audit-follow.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "daemon/audit/audit.h"
#include "daemon/peer/refused.h"
#include "daemon/serve/audit-retain.h"
#include "daemon/serve/audit-say.h"
#include "proto/check.h"
#include "proto/validate.h"

#define ARENA_MAX (64U << 20)
#define IDLE_MS 1000
#define TOGETHER_MS 20   /* what is folded within it is looked at together: no thread is woken for every entry */
#define WORK_BATCH 65536 /* entries between two looks at the orders */
#define WORD_MAX 64
#define REFUSALS_A_TURN 1000

enum { ENTRY_SETTINGS = 3 };

typedef struct Follow {
        Worker *worker;
        View *view;
        Arena *arena;
        Config *config;
        AuditSay *say;
        AuditRetain *retain;
        uint64_t next; /* entry looked at next; 0: not begun */
        int doorbell;
        bool full, stopping;
} Follow;

/* ---- one entry ---------------------------------------------------------------------------------------------------------- */

/* Codes and ids are kept, words of people stay in the journal. */
static char *code_only(char *text) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/|";

        return text && strlen(text) <= WORD_MAX && text[strspn(text, allowed)] == '\0' ? text : NULL;
}

static int follow_decision(Follow *follow, uint64_t seq, Carebus__V1__JournalDecision *decision, Bytes refused) {
        Carebus__V1__AuditedDecision audited = CAREBUS__V1__AUDITED_DECISION__INIT;
        Carebus__V1__AuditRecord record = CAREBUS__V1__AUDIT_RECORD__INIT;

        decision->why = NULL;
        decision->reason = code_only(decision->reason);
        decision->caller = code_only(decision->caller);
        decision->conflict_id = code_only(decision->conflict_id);
        audited.has_seq = true;
        audited.seq = seq;
        audited.decision = decision;
        audited.refused = refused.size > 0 ? arena_text(follow->arena, refused.data, refused.size) : NULL;
        record.what_case = CAREBUS__V1__AUDIT_RECORD__WHAT_DECISION;
        record.decision = &audited;
        return audit_append(follow->worker->audit, &record, NULL);
}

/* The settings as they lie in the entry: their hash is that of the bytes. */
static Bytes settings_bytes(Bytes payload) {
        size_t offset = 0;
        WireField field;

        while (wire_field_next(payload, &offset, &field) == 0)
                if (field.number == ENTRY_SETTINGS && field.wire_type == 2)
                        return field.bytes;
        return BYTES_NULL;
}

static int follow_settings(Follow *follow, uint64_t seq, const Carebus__V1__Settings *settings, Bytes payload) {
        Carebus__V1__AuditedSettings audited = CAREBUS__V1__AUDITED_SETTINGS__INIT;
        Carebus__V1__AuditRecord record = CAREBUS__V1__AUDIT_RECORD__INIT;
        const size_t n = settings->sharing ? settings->sharing->n_rules : 0;
        const Bytes packed = settings_bytes(payload);
        uint8_t digest[SHA256_SIZE];

        sha256(packed.data, packed.size, digest);
        audited.has_seq = audited.has_digest = true;
        audited.seq = seq;
        audited.digest = (ProtobufCBinaryData){ .data = digest, .len = sizeof(digest) };
        audited.rules = arena_alloc(follow->arena, (n + 1) * sizeof(*audited.rules));
        if (!audited.rules)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                audited.rules[i] = settings->sharing->rules[i]->name ? settings->sharing->rules[i]->name : (char *)"";
        audited.n_rules = n;
        record.what_case = CAREBUS__V1__AUDIT_RECORD__WHAT_SETTINGS;
        record.settings = &audited;
        return audit_append(follow->worker->audit, &record, NULL);
}

static int follow_entry(Follow *follow, const ViewOutcome *outcome) {
        /* What core took in by the limits of the configuration that was in force then. */
        const ValidateLimits limits = {
                .max_frame = 64U << 20, .max_original = 64U << 20, .max_submissions = 1, .max_events = 65536
        };
        ValidateError error = VALIDATE_ERROR_NULL;
        Carebus__V1__Entry *entry;
        JournalRecord record;
        int r;

        arena_reset(follow->arena);
        r = view_record(follow->view, outcome->seq, &outcome->place, &record);
        if (r == JOURNAL_E_EXPIRED)
                return 0;
        if (r == 0)
                r = validate_entry(record.payload, &limits, follow->arena, &entry, &error);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_DECISION)
                return follow_decision(follow, outcome->seq, entry->decision, outcome->refused);
        if (entry->kind_case == CAREBUS__V1__ENTRY__KIND_SETTINGS)
                return follow_settings(follow, outcome->seq, entry->settings, record.payload);
        return 0;
}

static int follow_work(Follow *follow, bool *ret_more) {
        int r = view_renew(follow->view);

        if (follow->next == 0)
                follow->next = audit_status(follow->worker->audit).decided + 1;
        for (unsigned n = 0; r == 0 && n < WORK_BATCH && follow->next <= view_head(follow->view); n++) {
                ViewOutcome outcome;

                r = view_outcome(follow->view, follow->next, &outcome);
                if (r == 0 &&
                    (bytes_equal_text(outcome.kind, "decision") || bytes_equal_text(outcome.kind, "settings")))
                        r = follow_entry(follow, &outcome);
                if (r == 0)
                        follow->next++;
        }
        *ret_more = r == 0 && follow->next <= view_head(follow->view);
        view_rest(follow->view);
        return r == -ENOSPC || r == -EDQUOT ? 0 : error_fold(r);
}

/* ---- what was refused elsewhere ---- */

/* Alike ones within a second are one record. Where there is no room on disk the rest waits in the socket. */
static int follow_refusals(Follow *follow) {
        int r;

        if (audit_status(follow->worker->audit).full)
                return 0;
        r = audit_say_turn(follow->say);
        for (unsigned n = 0; r == 0 && follow->worker->refusals >= 0 && n < REFUSALS_A_TURN; n++) {
                Carebus__V1__Refusal *refusal;

                arena_reset(follow->arena);
                r = refused_take(follow->worker->refusals, follow->arena, &refusal);
                if (r == 0)
                        r = audit_say_refused(follow->say, &(AuditRefused){ .team = refusal->team,
                                                                            .peer = refusal->peer,
                                                                            .who = refusal->who,
                                                                            .way = refusal->way,
                                                                            .code = refusal->code,
                                                                            .patient_id = refusal->patient_id });
        }
        return MIN(r, 0);
}

/* ---- how the audit is ------------------------------------------------------------------------------------------------------- */

static int follow_status(Follow *follow) {
        const AuditStatus status = audit_status(follow->worker->audit);

        if (status.full != follow->full) {
                follow->full = status.full;
                if (status.full)
                        log_event(LOG_AUDIT_FULL, log_number("RECORD", (int64_t)status.number));
                else
                        log_event(LOG_AUDIT_RESUMED, log_number("RECORD", (int64_t)status.number));
        }
        if (status.error)
                log_event(LOG_AUDIT_FAULT, log_errno(status.error));
        return status.error;
}

/* ---- the thread --------------------------------------------------------------------------------------------------------------- */

static int follow_take_orders(Follow *follow) {
        ring_clear(follow->worker->orders);
        for (;;) {
                _cleanup_(order_freep) Order *order = ring_pop(follow->worker->orders);
                int r;

                if (!order)
                        return 0;
                if (order->kind == ORDER_STOP) {
                        follow->stopping = true;
                        return 0;
                }
                config_unref(follow->config);
                follow->config = config_ref(order->config);
                audit_retain_set(follow->retain, follow->config);
                r = worker_report(follow->worker, NULL);
                if (r < 0)
                        return r;
        }
}

static int follow_loop(Follow *follow) {
        ZPoll items[] = { { .fd = ring_fd(follow->worker->orders) },
                          { .fd = follow->doorbell },
                          { .fd = follow->worker->refusals } };
        const size_t n_items = follow->worker->refusals >= 0 ? 3 : 2;
        bool more = false;

        while (!follow->stopping) {
                int r = zpoll(items, n_items, more ? 0 : IDLE_MS);

                if (r < 0)
                        return r;
                worker_tick(follow->worker);
                if (items[0].ready)
                        r = follow_take_orders(follow);
                else if (items[1].ready)
                        r = zpoll(items, 1, TOGETHER_MS);
                worker_clear_doorbell(follow->doorbell);
                more = false;
                if (r >= 0 && follow->config && !follow->stopping)
                        r = follow_work(follow, &more);
                if (r >= 0 && follow->config)
                        r = follow_refusals(follow);
                if (r >= 0)
                        r = follow_status(follow);
                if (r >= 0 && follow->config && !more)
                        more = audit_retain_turn(follow->retain, follow->view);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void follow_deinit(Follow *follow) {
        closep(&follow->doorbell);
        arena_free(follow->arena);
        audit_say_free(follow->say);
        audit_retain_free(follow->retain);
        config_unref(follow->config);
        view_free(follow->view);
}

int audit_follow_run(Worker *worker) {
        _cleanup_(follow_deinit) Follow follow = { .worker = worker, .doorbell = -1 };
        int r;

        follow.doorbell = worker_watch_doorbell(worker->core_doorbell);
        if (follow.doorbell < 0)
                return follow.doorbell;
        r = view_new(worker->state, worker->journal_folder, &follow.view);
        if (r == 0)
                r = arena_new(&follow.arena, ARENA_MAX);
        if (r == 0)
                r = audit_say_new(worker->audit, &clock_system, &follow.say);
        if (r == 0)
                r = audit_retain_new(worker, &follow.retain);
        return r == 0 ? follow_loop(&follow) : r;
}
