/*
 * What carebusctl asks and is answered, and what the journal gives back.
 */
#include "base/cleanup.h"
#include "proto/validate-rules.h"

static int seq_rule(protobuf_c_boolean has, uint64_t seq, const char *path, ValidateError *error) {
        if (!has)
                return validate_fail(error, VALIDATE_E_MISSING, "%s", path);
        return seq == 0 ? validate_fail(error, VALIDATE_E_VALUE, "%s", path) : 0;
}

static int limit_rule(uint32_t limit, const char *path, ValidateError *error) {
        return limit > LIST_LIMIT_MAX ? validate_fail(error, VALIDATE_E_VALUE, "%s", path) : 0;
}

typedef Carebus__V1__Request Request;

static int status_rules(const Request *request, ValidateError *error) {
        (void)request;
        (void)error;
        return 0;
}

static int retry_rules(const Request *request, ValidateError *error) {
        return seq_rule(request->retry->has_seq, request->retry->seq, "retry.seq", error);
}

static int discard_rules(const Request *request, ValidateError *error) {
        return seq_rule(request->discard->has_seq, request->discard->seq, "discard.seq", error);
}

static int coverage_rules(const Request *request, ValidateError *error) {
        return name_rule(request->coverage->source, "coverage.source", error);
}

static int tail_rules(const Request *request, ValidateError *error) {
        int r = name_rule(request->tail->team, "tail.team", error);

        return r ? r : limit_rule(request->tail->limit, "tail.limit", error);
}

static int trace_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__TraceRequest *trace = request->trace;
        int r;

        if (trace->has_seq)
                return seq_rule(trace->has_seq, trace->seq, "trace.seq", error);
        r = name_required_rule(trace->source, "trace.source", error);
        if (r)
                return r;
        if (!trace->message_id)
                return validate_fail(error, VALIDATE_E_MISSING, "trace.message_id");
        return text_rule(trace->message_id, MESSAGE_ID_MAX, "trace.message_id", error);
}

int record_request_rules(const Carebus__V1__RecordRequest *record, ValidateError *error) {
        if (record->patient_id && !patient_id_is_valid(record->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "record.patient_id");
        if (!record->patient_id && (!record->identifier || !record->identifier->value))
                return validate_fail(error, VALIDATE_E_MISSING, "record.patient_id");
        return name_rule(record->team, "record.team", error);
}

static int record_rules(const Request *request, ValidateError *error) {
        return record_request_rules(request->record, error);
}

static int quarantine_list_rules(const Request *request, ValidateError *error) {
        int r = name_rule(request->quarantine_list->source, "quarantine_list.source", error);

        return r ? r : limit_rule(request->quarantine_list->limit, "quarantine_list.limit", error);
}

static int quarantine_show_rules(const Request *request, ValidateError *error) {
        return seq_rule(request->quarantine_show->has_seq, request->quarantine_show->seq, "quarantine_show.seq", error);
}

/* Nothing at all finds everybody, which nobody may ask. */
int find_request_rules(const Carebus__V1__FindRequest *find, ValidateError *error) {
        int r;

        if (find->identifier && (!find->identifier->value || !find->identifier->value[0]))
                return validate_fail(error, VALIDATE_E_MISSING, "find.identifier.value");
        if (!find->identifier && !find->name && !find->birth_date && !find->postcode && !find->phone)
                return validate_fail(error, VALIDATE_E_MISSING, "find.name");
        r = moments_rules(&find->base, "find", error);
        r = r ? r : name_rule(find->team, "find.team", error);
        return r ? r : limit_rule(find->limit, "find.limit", error);
}

static int find_rules(const Request *request, ValidateError *error) {
        return find_request_rules(request->find, error);
}

static int patient_ids_rule(char *const *patient_ids, size_t n, const char *path, ValidateError *error) {
        for (size_t i = 0; i < n; i++)
                if (!patient_id_is_valid(patient_ids[i]))
                        return validate_fail(error, VALIDATE_E_VALUE, "%s[%zu]", path, i);
        return 0;
}

/* Of which review, or of which two: an assignment is of a review alone. Who and why are looked at where the answer says more. */
static int identity_decide_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__IdentityDecideRequest *decide = request->identity_decide;
        bool assigns = decide->what == CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_ASSIGN;
        int r;

        if (!decide->has_what)
                return validate_fail(error, VALIDATE_E_MISSING, "identity_decide.what");
        if (decide->what < CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_LINK ||
            decide->what > CAREBUS__V1__IDENTITY_DECIDE_REQUEST__WHAT__WHAT_ASSIGN)
                return validate_fail(error, VALIDATE_E_VALUE, "identity_decide.what");
        if (decide->review_id && !review_id_is_valid(decide->review_id))
                return validate_fail(error, VALIDATE_E_VALUE, "identity_decide.review_id");
        if (!decide->review_id && (assigns || decide->n_patient_ids != 2))
                return validate_fail(error, VALIDATE_E_MISSING, "identity_decide.review_id");
        if (decide->n_patient_ids > 2)
                return validate_fail(error, VALIDATE_E_TOO_MANY, "identity_decide.patient_ids");
        if (assigns && decide->n_patient_ids != 1)
                return validate_fail(error, VALIDATE_E_MISSING, "identity_decide.patient_ids");
        r = patient_ids_rule(decide->patient_ids, decide->n_patient_ids, "identity_decide.patient_ids", error);
        for (size_t i = 0; r == 0 && i < decide->n_event_ids; i++)
                if (!event_id_is_valid(decide->event_ids[i]))
                        r = validate_fail(error, VALIDATE_E_VALUE, "identity_decide.event_ids[%zu]", i);
        return r;
}

static int settle_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__SettleRequest *settle = request->settle;

        if (!settle->conflict_id || !settle->conflict_id[0])
                return validate_fail(error, VALIDATE_E_MISSING, "settle.conflict_id");
        if (!settle->patient_id)
                return validate_fail(error, VALIDATE_E_MISSING, "settle.patient_id");
        return patient_id_is_valid(settle->patient_id) ? 0
                                                       : validate_fail(error, VALIDATE_E_VALUE, "settle.patient_id");
}

static int review_list_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__ReviewListRequest *list = request->review_list;
        int r = name_rule(list->source, "review_list.source", error);

        if (r == 0 && list->after_id && !review_id_is_valid(list->after_id))
                r = validate_fail(error, VALIDATE_E_VALUE, "review_list.after_id");
        return r ? r : limit_rule(list->limit, "review_list.limit", error);
}

/* One of the three. */
static int identity_show_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__IdentityShowRequest *show = request->identity_show;

        if (show->review_id && !review_id_is_valid(show->review_id))
                return validate_fail(error, VALIDATE_E_VALUE, "identity_show.review_id");
        if (show->patient_id && !patient_id_is_valid(show->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "identity_show.patient_id");
        if (!show->review_id && !show->patient_id && (!show->identifier || !show->identifier->value))
                return validate_fail(error, VALIDATE_E_MISSING, "identity_show.review_id");
        return 0;
}

/* Of whom: by patient id, or by a number. */
static int person_rules(const char *patient_id, const Carebus__V1__Identifier *identifier, const char *path,
                        ValidateError *error) {
        if (patient_id && !patient_id_is_valid(patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "%s.patient_id", path);
        if (!patient_id && (!identifier || !identifier->value || !identifier->value[0]))
                return validate_fail(error, VALIDATE_E_MISSING, "%s.patient_id", path);
        return 0;
}

int break_glass_request_rules(const Carebus__V1__BreakGlassRequest *glass, ValidateError *error) {
        int r = name_rule(glass->team, "break_glass.team", error);

        r = r ? r : person_rules(glass->patient_id, glass->identifier, "break_glass", error);
        if (r == 0 && glass->reason)
                r = reason_rule(glass->reason, "break_glass.reason", error);
        return r;
}

static int break_glass_rules(const Request *request, ValidateError *error) {
        return break_glass_request_rules(request->break_glass, error);
}

int open_contact_request_rules(const Carebus__V1__OpenContactRequest *contact, ValidateError *error) {
        int r = name_rule(contact->team, "open_contact.team", error);

        r = r ? r : person_rules(contact->patient_id, contact->identifier, "open_contact", error);
        if (r == 0 && contact->caller)
                r = reason_rule(contact->caller, "open_contact.caller", error);
        return r;
}

static int open_contact_rules(const Request *request, ValidateError *error) {
        return open_contact_request_rules(request->open_contact, error);
}

static int grant_end_rules(const Request *request, ValidateError *error) {
        return seq_rule(request->grant_end->has_grant_seq, request->grant_end->grant_seq, "grant_end.grant_seq", error);
}

static int forget_reader_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__ForgetReaderRequest *forget = request->forget_reader;
        int r = name_required_rule(forget->team, "forget_reader.team", error);

        return r ? r : name_required_rule(forget->consumer, "forget_reader.consumer", error);
}

static int park_request_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__Parked *parked = request->park->parked;
        int r;

        /* What is done with names the item alone. */
        if (parked && parked->delivered)
                r = seq_rule(parked->has_item, parked->item, "park.parked.item", error);
        else
                r = parked_rules(parked, "park.parked", error);
        r = r ? r : name_required_rule(parked->team, "park.parked.team", error);
        return r ? r : name_required_rule(parked->consumer, "park.parked.consumer", error);
}

static int grant_list_rules(const Request *request, ValidateError *error) {
        (void)request;
        (void)error;
        return 0;
}

static int why_rules(const Request *request, ValidateError *error) {
        if (!request->why->event_id)
                return validate_fail(error, VALIDATE_E_MISSING, "why.event_id");
        if (!event_id_is_valid(request->why->event_id))
                return validate_fail(error, VALIDATE_E_VALUE, "why.event_id");
        return name_required_rule(request->why->team, "why.team", error);
}

static int audit_who_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__AuditWhoRequest *who = request->audit_who;

        if (!who->patient_id)
                return validate_fail(error, VALIDATE_E_MISSING, "audit_who.patient_id");
        if (!patient_id_is_valid(who->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "audit_who.patient_id");
        return limit_rule(who->limit, "audit_who.limit", error);
}

static int receipts_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__ReceiptsRequest *receipts = request->receipts;
        int r = name_required_rule(receipts->source, "receipts.source", error);

        if (r == 0 && receipts->message_id)
                r = text_rule(receipts->message_id, MESSAGE_ID_MAX, "receipts.message_id", error);
        return r ? r : limit_rule(receipts->limit, "receipts.limit", error);
}

static int converge_rules(const Request *request, ValidateError *error) {
        enum { TIMEOUT_MAX_MS = 10 * 60 * 1000 };
        const Carebus__V1__ConvergeRequest *converge = request->converge;
        int r = name_rule(converge->team, "converge.team", error);

        r = r ? r : name_rule(converge->consumer, "converge.consumer", error);
        if (r == 0 && converge->timeout_ms > TIMEOUT_MAX_MS)
                r = validate_fail(error, VALIDATE_E_VALUE, "converge.timeout_ms");
        return r;
}

static int sharing_show_rules(const Request *request, ValidateError *error) {
        const Carebus__V1__SharingShowRequest *show = request->sharing_show;

        if (show->patient_id && !patient_id_is_valid(show->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "sharing_show.patient_id");
        if (show->identifier && !show->identifier->value)
                return validate_fail(error, VALIDATE_E_MISSING, "sharing_show.identifier.value");
        return name_rule(show->team, "sharing_show.team", error);
}

#define COMMAND(name) CAREBUS__V1__REQUEST__COMMAND_##name
static const struct {
        Carebus__V1__Request__CommandCase command;
        int (*rules)(const Request *request, ValidateError *error);
} commands[] = {
        { COMMAND(STATUS), status_rules },
        { COMMAND(RETRY), retry_rules },
        { COMMAND(DISCARD), discard_rules },
        { COMMAND(COVERAGE), coverage_rules },
        { COMMAND(IDENTITY_DECIDE), identity_decide_rules },
        { COMMAND(SETTLE), settle_rules },
        { COMMAND(BREAK_GLASS), break_glass_rules },
        { COMMAND(OPEN_CONTACT), open_contact_rules },
        { COMMAND(GRANT_END), grant_end_rules },
        { COMMAND(GRANT_LIST), grant_list_rules },
        { COMMAND(PARK), park_request_rules },
        { COMMAND(PROBE), status_rules },
        { COMMAND(FORGET_READER), forget_reader_rules },
        { COMMAND(TAIL), tail_rules },
        { COMMAND(TRACE), trace_rules },
        { COMMAND(RECORD), record_rules },
        { COMMAND(QUARANTINE_LIST), quarantine_list_rules },
        { COMMAND(QUARANTINE_SHOW), quarantine_show_rules },
        { COMMAND(FIND), find_rules },
        { COMMAND(REVIEW_LIST), review_list_rules },
        { COMMAND(IDENTITY_SHOW), identity_show_rules },
        { COMMAND(CONVERGE), converge_rules },
        { COMMAND(SHARING_SHOW), sharing_show_rules },
        { COMMAND(WHY), why_rules },
        { COMMAND(AUDIT_WHO), audit_who_rules },
        { COMMAND(RECEIPTS), receipts_rules },
};

int validate_request(Bytes frame, Arena *arena, const Carebus__V1__Request **ret, ValidateError *ret_error) {
        CheckLimits bounds = limits_small();
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        Carebus__V1__Request *message;
        int r;

        r = unpack_checked(&carebus__v1__request__descriptor, frame, &bounds, arena, &message, error);
        if (r)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (commands[i].command == message->command_case) {
                        r = commands[i].rules(message, error);
                        if (r == 0)
                                *ret = message;
                        return r;
                }
        return validate_fail(error, VALIDATE_E_EMPTY, "%s", "");
}

int validate_reply(Bytes frame, const ValidateLimits *limits, Arena *arena, const Carebus__V1__Reply **ret,
                   ValidateError *ret_error) {
        CheckLimits bounds = limits_for_events(limits->max_frame, limits->max_frame);
        Carebus__V1__Reply *message;
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        r = unpack_checked(&carebus__v1__reply__descriptor, frame, &bounds, arena, &message, error);
        if (r)
                return r;
        if (!message->error && message->answer_case == CAREBUS__V1__REPLY__ANSWER__NOT_SET)
                return validate_fail(error, VALIDATE_E_EMPTY, "%s", "");
        if (message->error && !reason_is_valid(message->error))
                return validate_fail(error, VALIDATE_E_VALUE, "error");
        *ret = message;
        return 0;
}

int validate_entry(Bytes payload, const ValidateLimits *limits, Arena *arena, Carebus__V1__Entry **ret,
                   ValidateError *ret_error) {
        /* Core adds who and when to what came in one frame. */
        CheckLimits bounds = limits_for_events(limits->max_frame + 64 * 1024, limits->max_frame);
        Carebus__V1__Entry *message;
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        r = unpack_checked(&carebus__v1__entry__descriptor, payload, &bounds, arena, &message, error);
        if (r)
                return r;
        if (message->kind_case == CAREBUS__V1__ENTRY__KIND__NOT_SET)
                return validate_fail(error, VALIDATE_E_EMPTY, "%s", "");
        *ret = message;
        return 0;
}
