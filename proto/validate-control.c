/*
 * What carebusctl asks and is answered, and what the journal gives back.
 */
#include "proto/validate-rules.h"

static int seq_rule(protobuf_c_boolean has, uint64_t seq, const char *path, ValidateError *error) {
        if (!has)
                return validate_fail(error, VALIDATE_E_MISSING, "%s", path);
        return seq == 0 ? validate_fail(error, VALIDATE_E_VALUE, "%s", path) : 0;
}

static int limit_rule(uint32_t limit, const char *path, ValidateError *error) {
        return limit > LIST_LIMIT_MAX ? validate_fail(error, VALIDATE_E_VALUE, "%s", path) : 0;
}

static int tail_rules(const Carebus__V1__TailRequest *tail, ValidateError *error) {
        int r = name_rule(tail->team, "tail.team", error);

        return r ? r : limit_rule(tail->limit, "tail.limit", error);
}

static int trace_rules(const Carebus__V1__TraceRequest *trace, ValidateError *error) {
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

static int record_rules(const Carebus__V1__RecordRequest *record, ValidateError *error) {
        if (record->patient_id && !patient_id_is_valid(record->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "record.patient_id");
        if (!record->patient_id && (!record->identifier || !record->identifier->value))
                return validate_fail(error, VALIDATE_E_MISSING, "record.patient_id");
        return name_rule(record->team, "record.team", error);
}

static int quarantine_list_rules(const Carebus__V1__QuarantineListRequest *list, ValidateError *error) {
        int r = name_rule(list->source, "quarantine_list.source", error);

        return r ? r : limit_rule(list->limit, "quarantine_list.limit", error);
}

int validate_request(Bytes frame, Arena *arena, const Carebus__V1__Request **ret, ValidateError *ret_error) {
        CheckLimits bounds = limits_small();
        Carebus__V1__Request *message;
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        r = unpack_checked(&carebus__v1__request__descriptor, frame, &bounds, arena, &message, error);
        if (r)
                return r;
        switch (message->command_case) {
        case CAREBUS__V1__REQUEST__COMMAND_STATUS:
                break;
        case CAREBUS__V1__REQUEST__COMMAND_RETRY:
                r = seq_rule(message->retry->has_seq, message->retry->seq, "retry.seq", error);
                break;
        case CAREBUS__V1__REQUEST__COMMAND_DISCARD:
                r = seq_rule(message->discard->has_seq, message->discard->seq, "discard.seq", error);
                break;
        case CAREBUS__V1__REQUEST__COMMAND_COVERAGE:
                r = name_rule(message->coverage->source, "coverage.source", error);
                break;
        case CAREBUS__V1__REQUEST__COMMAND_TAIL:
                r = tail_rules(message->tail, error);
                break;
        case CAREBUS__V1__REQUEST__COMMAND_TRACE:
                r = trace_rules(message->trace, error);
                break;
        case CAREBUS__V1__REQUEST__COMMAND_RECORD:
                r = record_rules(message->record, error);
                break;
        case CAREBUS__V1__REQUEST__COMMAND_QUARANTINE_LIST:
                r = quarantine_list_rules(message->quarantine_list, error);
                break;
        case CAREBUS__V1__REQUEST__COMMAND_QUARANTINE_SHOW:
                r = seq_rule(message->quarantine_show->has_seq, message->quarantine_show->seq, "quarantine_show.seq",
                             error);
                break;
        default:
                r = validate_fail(error, VALIDATE_E_EMPTY, "%s", "");
        }
        if (r)
                return r;
        *ret = message;
        return 0;
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
