/*
 * What a person decides, by carebusctl: a retry, a discard. Decisions are entries of the journal; the fold carries them out.
 * Who decided is who the transport says it is; the name that they give is kept beside it.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/peer/refused.h"
#include "daemon/record/read.h"
#include "daemon/stage/decide-parts.h"

#define CONTROLS_MAX 64
#define CONTROLS_A_ROUND 16

static int reply(Intake *intake, const ZRoute *route) {
        int r = zsocket_send_routed(intake->options.control, route, buffer_bytes(&intake->out));
        return r < 0 ? r : 0; /* whoever asked and left need not know */
}

static int reply_error(Intake *intake, const ZRoute *route, uint32_t id, const char *reason, const char *detail) {
        int r = control_pack_error(id, reason, detail, &intake->out);
        return r < 0 ? r : reply(intake, route);
}

/* What serve asks for a team's program it audits itself, as that program's. */
static void tell_refused(Intake *intake, const ControlCall *call, const char *reason) {
        Carebus__V1__Refusal refusal = CAREBUS__V1__REFUSAL__INIT;
        const char *peer = control_request_text(call->request, "peer");

        if (call->is_own && peer && peer[0])
                return;
        refusal.team = (char *)(uintptr_t)control_request_text(call->request, "team");
        refusal.peer = (char *)(uintptr_t)call->identity;
        refusal.who = (char *)(uintptr_t)control_request_text(call->request, "who");
        refusal.has_way = true;
        refusal.way = CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_CONTROL;
        refusal.code = (char *)(uintptr_t)reason;
        refusal.patient_id = (char *)(uintptr_t)control_request_text(call->request, "patient_id");
        refused_tell(intake->options.refusals, &refusal);
}

int control_refuse(Intake *intake, const ControlCall *call, const char *reason, const char *detail) {
        tell_refused(intake, call, reason);
        return reply_error(intake, &call->route, call->request->id, reason, detail);
}

const char *asked_by(const Intake *intake, uint64_t seq) {
        for (size_t i = 0; i < ASKED_MAX; i++)
                if (intake->asked[i].seq == seq && seq != 0)
                        return intake->asked[i].who;
        return NULL;
}

/* The item of an open quarantine entry: 0, or 1 when the asker was answered that there is none. */
static int find_waiting(Intake *intake, const ControlCall *call, uint64_t seq, Carebus__V1__QuarantineItem **ret) {
        StateTxn *txn;
        int r = intake_state(intake, &txn);

        if (r == 0)
                r = quarantine_read(txn, seq, intake->arena, ret);
        if (r == RECORD_E_NOT_FOUND) {
                const bool is_entry = seq != 0 && seq <= journal_committed(intake->options.journal);
                r = control_refuse(intake, call, is_entry ? "not-quarantined" : "not-found",
                                   "nothing of that number is in the quarantine: see `carebusctl quarantine list`");
                return r < 0 ? r : 1;
        }
        if (r != 0)
                return error_fold(r);
        if ((*ret)->resolution && !text_equal((*ret)->resolution, "open")) {
                r = control_refuse(intake, call, "already-resolved",
                                   "it was resolved before: see `carebusctl quarantine show`");
                return r < 0 ? r : 1;
        }
        return 0;
}

int control_enter(Intake *intake, const ControlCall *call, const ControlDecision *decision) {
        PendingControl *control;
        int r;

        if (intake->n_controls >= CONTROLS_MAX)
                return control_refuse(intake, call, "too-many", "many decisions wait for the disk: try again");
        if (!intake->controls) {
                intake->controls = calloc(CONTROLS_MAX, sizeof(*intake->controls));
                if (!intake->controls)
                        return -ENOMEM;
        }
        control = &intake->controls[intake->n_controls];
        *control = (PendingControl){ .route = call->route, .id = call->request->id };
        if (decision->until_at != 0 && decision->n_patient_ids == 1) {
                control->until_at = decision->until_at;
                snprintf(control->patient_id, sizeof(control->patient_id), "%s", decision->patient_ids[0]);
        }
        r = control_pack_entry(decision, &control->entry);
        if (r < 0)
                return r;
        intake->n_controls++;
        return 0;
}

typedef struct Translator {
        const char *source;
        Session *session;
} Translator;

/* The one that was heard last: an adapter that crashed leaves a session behind, which nobody answers for. */
static void find_translator(Session *session, void *owner) {
        Translator *translator = owner;

        if (session->can_retranslate && !session->leaving && text_equal(session->source->name, translator->source) &&
            (!translator->session || session->heard_at >= translator->session->heard_at))
                translator->session = session;
}

/* The original of an entry, out of the journal: 0, or a reason code in *ret_reason. */
static int read_original(Intake *intake, uint64_t seq, Carebus__V1__StoredSubmission **ret, Buffer *ret_original) {
        Carebus__V1__Outcome *outcome;
        Carebus__V1__Entry *entry;
        JournalRecord record;
        JournalPlace place;
        StateTxn *txn;
        int r = intake_state(intake, &txn);

        if (r == 0)
                r = outcome_read(txn, seq, intake->arena, &outcome);
        if (r == 0 && !intake->reader)
                r = journal_reader_open(intake->options.journal_folder, &intake->reader);
        if (r != 0)
                return r;
        place = (JournalPlace){ .segment = outcome->segment, .offset = outcome->offset };
        r = journal_reader_get(intake->reader, seq, &place, &record);
        if (r == 0)
                r = validate_entry(record.payload, &intake->limits, intake->arena, &entry, NULL);
        if (r != 0)
                return r;
        if (entry->kind_case != CAREBUS__V1__ENTRY__KIND_SUBMISSION || !entry->submission->original)
                return -ENODATA;
        if (entry->submission->original->has_gone)
                return -ENODATA;
        *ret = entry->submission;
        if (entry->submission->original->compressed)
                return original_decompress(
                        intake->options.codec,
                        bytes_of(entry->submission->original->data.data, entry->submission->original->data.len),
                        entry->submission->original->size, entry->submission->original->dictionary, ret_original);
        buffer_append(ret_original, entry->submission->original->data.data, entry->submission->original->data.len);
        return ret_original->error;
}

static int send_retranslate(Intake *intake, Session *session, uint64_t seq, const Carebus__V1__StoredSubmission *stored,
                            Bytes original) {
        Carebus__V1__ToSource message = CAREBUS__V1__TO_SOURCE__INIT;
        Carebus__V1__Retranslate again = CAREBUS__V1__RETRANSLATE__INIT;
        uint8_t *room;

        again.has_seq = true;
        again.seq = seq;
        again.message_id = stored->message_id;
        again.media_type = stored->media_type;
        again.has_original = true;
        again.original.data = (uint8_t *)(uintptr_t)original.data;
        again.original.len = original.size;
        message.message_case = CAREBUS__V1__TO_SOURCE__MESSAGE_RETRANSLATE;
        message.retranslate = &again;
        buffer_clear(&intake->out);
        room = buffer_reserve(&intake->out, carebus__v1__to_source__get_packed_size(&message));
        if (!room)
                return -ENOMEM;
        buffer_advance(&intake->out, carebus__v1__to_source__pack(&message, room));
        return intake_send(intake, session, buffer_bytes(&intake->out));
}

static int refuse_no_adapter(Intake *intake, const ControlCall *call) {
        return control_refuse(
                intake, call, "no-adapter",
                "no adapter of its source is connected that can read it again: start the adapter, then retry");
}

/* An entry without events has to be read again by an adapter of its source, with its newer rules. */
static int ask_adapter(Intake *intake, const ControlCall *call, const Carebus__V1__QuarantineItem *item) {
        _cleanup_(buffer_deinit) Buffer original = BUFFER_NULL;
        Translator translator = { .source = item->source };
        Carebus__V1__StoredSubmission *stored;
        Asked *asked;
        int r;

        sessions_each(intake->sessions, find_translator, &translator);
        if (!translator.session)
                return refuse_no_adapter(intake, call);
        r = read_original(intake, item->id, &stored, &original);
        if (r == -ENOMEM)
                return r;
        if (r != 0)
                return control_refuse(
                        intake, call, "unreadable",
                        "its original could not be read out of the journal: run `carebusctl journal verify`");
        asked = &intake->asked[intake->next_asked++ % ASKED_MAX];
        asked->seq = item->id;
        snprintf(asked->who, sizeof(asked->who), "%s", call->identity);
        r = send_retranslate(intake, translator.session, item->id, stored, buffer_bytes(&original));
        while (r == 0 && translator.session->closed) { /* it was gone, which only sending tells */
                translator.session = NULL;
                sessions_each(intake->sessions, find_translator, &translator);
                if (!translator.session)
                        return refuse_no_adapter(intake, call);
                r = send_retranslate(intake, translator.session, item->id, stored, buffer_bytes(&original));
        }
        if (r == 0)
                r = control_pack_decision(call->request->id, item->id, "asked", &intake->out);
        return r < 0 ? r : reply(intake, &call->route);
}

static int already_released(Intake *intake, const ControlCall *call) {
        return control_refuse(
                intake, call, "already-released",
                "what waits goes out again already: the item is done with when the receiver has taken it");
}

static int take_retry(Intake *intake, const ControlCall *call) {
        const Carebus__V1__RetryRequest *retry = call->request->retry;
        Carebus__V1__QuarantineItem *item;
        int r = find_waiting(intake, call, retry->seq, &item);

        if (r != 0)
                return r < 0 ? r : 0;
        if (item->parked && item->parked->has_released_by)
                return already_released(intake, call);
        if (item->n_events == 0 && !item->parked)
                return ask_adapter(intake, call, item);
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_RETRY,
                                     .who = call->identity,
                                     .who_says = retry->who,
                                     .why = retry->why,
                                     .seq = retry->seq,
                             });
}

static int take_discard(Intake *intake, const ControlCall *call) {
        const Carebus__V1__DiscardRequest *discard = call->request->discard;
        Carebus__V1__QuarantineItem *item;
        int r;

        if (!control_text_is_given(discard->who) || !control_text_is_given(discard->why))
                return control_refuse(intake, call, "who-and-why",
                                      "a discard needs who decides it and why: --who NAME --why TEXT");
        r = find_waiting(intake, call, discard->seq, &item);
        if (r != 0)
                return r < 0 ? r : 0;
        if (item->parked && item->parked->has_released_by)
                return already_released(intake, call);
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_DISCARD,
                                     .who = call->identity,
                                     .who_says = discard->who,
                                     .why = discard->why,
                                     .seq = discard->seq,
                             });
}

static int take_status(Intake *intake, const ControlCall *call) {
        int r = control_status(intake, call->request->id);
        return r < 0 ? r : reply(intake, &call->route);
}

static int take_coverage(Intake *intake, const ControlCall *call) {
        const char *source = call->request->coverage->source;
        Carebus__V1__CoverageReply coverage;
        int r;

        if (!source || config_find_source(intake->snapshot->config, source) < 0)
                return control_refuse(intake, call, "unknown-source", "name a source of the configuration");
        r = coverage_answer(intake->coverage, source, intake->arena, &coverage);
        if (r == 0)
                r = control_pack_coverage(call->request->id, &coverage, &intake->out);
        return r < 0 ? r : reply(intake, &call->route);
}

/* It goes where a message would, and is refused where one would be: a test that passes while senders are blocked is worse than none. */
static int take_probe(Intake *intake, const ControlCall *call) {
        const char *refusal = admit_refusal(intake);

        if (refusal)
                return control_refuse(intake, call, refusal, "a message would be asked to come later as well");
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_PROBE,
                                     .who = call->identity,
                             });
}

static const struct {
        Carebus__V1__Request__CommandCase command;
        int (*take)(Intake *intake, const ControlCall *call);
        bool for_serve; /* serve may ask it for others */
} commands[] = {
        { CAREBUS__V1__REQUEST__COMMAND_STATUS, take_status },
        { CAREBUS__V1__REQUEST__COMMAND_RETRY, take_retry },
        { CAREBUS__V1__REQUEST__COMMAND_DISCARD, take_discard },
        { CAREBUS__V1__REQUEST__COMMAND_COVERAGE, take_coverage },
        { CAREBUS__V1__REQUEST__COMMAND_IDENTITY_DECIDE, take_identity_decide },
        { CAREBUS__V1__REQUEST__COMMAND_SETTLE, take_settle },
        { CAREBUS__V1__REQUEST__COMMAND_BREAK_GLASS, take_break_glass, true },
        { CAREBUS__V1__REQUEST__COMMAND_OPEN_CONTACT, take_open_contact, true },
        { CAREBUS__V1__REQUEST__COMMAND_GRANT_END, take_grant_end },
        { CAREBUS__V1__REQUEST__COMMAND_PARK, take_park, true },
        { CAREBUS__V1__REQUEST__COMMAND_PROBE, take_probe },
        { CAREBUS__V1__REQUEST__COMMAND_FORGET_READER, take_forget_reader },
};

static int take_request(Intake *intake, const ControlCall *call) {
        const bool is_operator = identity_is_operator(call->identity, intake->snapshot->config);

        if (!is_operator && !call->is_own)
                return control_refuse(intake, call, "not-allowed",
                                      "only users under `operators:` may ask: add the user, or ask as one of them");
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (commands[i].command == call->request->command_case && (is_operator || commands[i].for_serve))
                        return commands[i].take(intake, call);
        if (!is_operator)
                return control_refuse(
                        intake, call, "not-allowed",
                        "only users under `operators:` may ask that: add the user, or ask as one of them");
        return control_refuse(intake, call, "unknown-command", "ask the query socket for that");
}

int control_receive(Intake *intake) {
        char own[IDENTITY_SIZE];

        identity_of_uid(geteuid(), own);
        for (int i = 0; i < CONTROLS_A_ROUND; i++) {
                _cleanup_(zframe_deinit) ZFrame frame = ZFRAME_NULL;
                ValidateError error = VALIDATE_ERROR_NULL;
                char identity[IDENTITY_SIZE], detail[VALIDATE_DETAIL_SIZE];
                ControlCall call = { .identity = identity };
                int r = zsocket_recv_routed(intake->options.control, &call.route, &frame);

                if (r != 0)
                        return r < 0 ? r : 0;
                snprintf(identity, sizeof(identity), "%s", zframe_user_id(&frame) ? zframe_user_id(&frame) : "");
                call.is_own = text_equal(identity, own);
                arena_reset(intake->arena);
                r = validate_request(zframe_bytes(&frame), intake->arena, &call.request, &error);
                if (r > 0) {
                        validate_detail(&error, detail);
                        r = reply_error(intake, &call.route, 0, "protocol", detail);
                } else if (r == 0)
                        r = take_request(intake, &call);
                if (r < 0)
                        return r;
        }
        return 0;
}

int control_append(Intake *intake) {
        for (size_t i = 0; i < intake->n_controls; i++) {
                PendingControl *control = &intake->controls[i];
                int r = journal_append(intake->options.journal, intake->batch_at, buffer_bytes(&control->entry),
                                       &control->seq);
                if (r != 0)
                        return error_fold(r);
        }
        return 0;
}

void control_forget(Intake *intake) {
        for (size_t i = 0; i < intake->n_controls; i++)
                buffer_deinit(&intake->controls[i].entry);
        intake->n_controls = 0;
}

int control_settle(Intake *intake, bool committed) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < intake->n_controls; i++) {
                const PendingControl *control = &intake->controls[i];

                if (!committed)
                        r = reply_error(
                                intake, &control->route, control->id, "storage-full",
                                "the decision could not be written: free space under `state:`, then decide again");
                else {
                        r = control->until_at != 0
                                    ? control_pack_granted(control->id, control->patient_id, control->seq,
                                                           control->until_at, &intake->out)
                                    : control_pack_decision(control->id, control->seq, "stored", &intake->out);
                        if (r == 0)
                                r = reply(intake, &control->route);
                }
        }
        control_forget(intake);
        return r;
}
