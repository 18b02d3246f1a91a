/*
 * What all validators share, and the two sides of intake.
 */
#include "proto/validate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "proto/validate-rules.h"

CheckLimits limits_for_events(size_t max_size, size_t max_bytes) {
        return (CheckLimits){
                .max_size = max_size,
                .max_text = TEXT_MAX,
                .max_bytes = max_bytes,
                .max_repeated = 16 * 1024,
                .max_elements = 256 * 1024,
                .max_unknown = 256 * 1024,
        };
}

CheckLimits limits_small(void) {
        return (CheckLimits){
                .max_size = 16 * 1024,
                .max_text = TEXT_MAX_SMALL,
                .max_bytes = 64,
                .max_repeated = 64,
                .max_elements = 256,
                .max_unknown = 4 * 1024,
        };
}

int validate_fail(ValidateError *error, int code, const char *path, ...) {
        va_list arguments;

        error->code = code;
        va_start(arguments, path);
        vsnprintf(error->path, sizeof(error->path), path, arguments);
        va_end(arguments);
        return code;
}

static int fail_wire(ValidateError *error, int wire, size_t offset, const char *path) {
        error->wire = wire;
        error->offset = offset;
        return validate_fail(error, VALIDATE_E_WIRE, "%s", path);
}

int unpack_checked(const ProtobufCMessageDescriptor *descriptor, Bytes bytes, const CheckLimits *limits, Arena *arena,
                   void *ret_message, ValidateError *error) {
        ProtobufCMessage *message;
        CheckError wire;
        int r;

        *error = VALIDATE_ERROR_NULL;
        r = check_unpack(descriptor, bytes, limits, arena, &message, &wire);
        if (r < 0)
                return r;
        if (r > 0)
                return fail_wire(error, r, wire.offset, wire.path);
        *(ProtobufCMessage **)ret_message = message;
        return 0;
}

const char *validate_reason(const ValidateError *error) {
        /* clang-format off */
        static const char *const reasons[_VALIDATE_E_MAX] = {
                [VALIDATE_E_EMPTY] = "empty-message",
                [VALIDATE_E_PROTOCOL] = "protocol",
                [VALIDATE_E_NAME] = "bad-name",
                [VALIDATE_E_MISSING] = "missing-field",
                [VALIDATE_E_TOO_LARGE] = "too-large",
                [VALIDATE_E_TOO_MANY] = "too-many",
                [VALIDATE_E_VALUE] = "bad-value",
                [VALIDATE_E_ORDER] = "bad-order",
                [VALIDATE_E_EVENT_TYPE] = "bad-event-type",
                [VALIDATE_E_RESERVED] = "reserved-event-type",
                [VALIDATE_E_BODY] = "body-of-another-type",
                [VALIDATE_E_TIME] = "bad-time",
                [VALIDATE_E_DATE] = "bad-date",
                [VALIDATE_E_NO_EVENTS] = "no-events",
        };
        /* clang-format on */

        if (error->code == VALIDATE_E_WIRE)
                return check_reason(error->wire);
        return error->code > 0 && error->code < _VALIDATE_E_MAX ? reasons[error->code] : "ok";
}

void validate_detail(const ValidateError *error, char ret[VALIDATE_DETAIL_SIZE]) {
        snprintf(ret, VALIDATE_DETAIL_SIZE, "%s%s%s", error->path, error->path[0] ? ": " : "", validate_reason(error));
}

bool reason_is_valid(const char *reason) {
        size_t n = strspn(reason, "abcdefghijklmnopqrstuvwxyz0123456789-");

        return n > 0 && n <= REASON_MAX && !reason[n];
}

/* <seq>.<index> */
static bool place_is_valid(const char *text) {
        const char *digits = "0123456789";
        size_t n_seq, n_index;

        n_seq = strspn(text, digits);
        if (n_seq == 0 || n_seq > 20 || text[n_seq] != '.')
                return false;
        n_index = strspn(text + n_seq + 1, digits);
        return n_index > 0 && n_index <= 10 && !text[n_seq + 1 + n_index];
}

bool patient_id_is_valid(const char *patient_id) {
        return patient_id[0] == 'p' && place_is_valid(patient_id + 1);
}

bool review_id_is_valid(const char *review_id) {
        return review_id[0] == 'r' && place_is_valid(review_id + 1);
}

bool event_id_is_valid(const char *event_id) {
        return place_is_valid(event_id);
}

int name_required_rule(const char *name, const char *path, ValidateError *error) {
        if (!name)
                return validate_fail(error, VALIDATE_E_MISSING, "%s", path);
        return name_is_valid(name) ? 0 : validate_fail(error, VALIDATE_E_NAME, "%s", path);
}

int name_rule(const char *name, const char *path, ValidateError *error) {
        return name ? name_required_rule(name, path, error) : 0;
}

int text_rule(const char *text, size_t max, const char *path, ValidateError *error) {
        return text && strlen(text) > max ? validate_fail(error, VALIDATE_E_TOO_LARGE, "%s", path) : 0;
}

int reason_rule(const char *reason, const char *path, ValidateError *error) {
        if (!reason)
                return validate_fail(error, VALIDATE_E_MISSING, "%s", path);
        return reason_is_valid(reason) ? 0 : validate_fail(error, VALIDATE_E_VALUE, "%s", path);
}

/* ---- intake, at the bus */

static int hello_read(Bytes bytes, Arena *arena, const Carebus__V1__Hello **ret, ValidateError *error) {
        CheckLimits limits = limits_small();
        Carebus__V1__Hello *hello;
        int r;

        r = unpack_checked(&carebus__v1__hello__descriptor, bytes, &limits, arena, &hello, error);
        if (r)
                return r;
        if (!hello->has_protocol || hello->protocol != PROTOCOL_VERSION)
                return validate_fail(error, VALIDATE_E_PROTOCOL, "hello.protocol");
        r = name_required_rule(hello->source, "hello.source", error);
        if (r)
                return r;
        *ret = hello;
        return 0;
}

static int counts_read(Bytes bytes, Arena *arena, const Carebus__V1__Counts **ret, ValidateError *error) {
        CheckLimits limits = limits_small();
        Carebus__V1__Counts *counts;
        int r;

        r = unpack_checked(&carebus__v1__counts__descriptor, bytes, &limits, arena, &counts, error);
        if (r)
                return r;
        const struct {
                uint64_t count;
                const char *path;
        } rules[] = {
                { counts->ignored, "counts.ignored" },
                { counts->refused, "counts.refused" },
                { counts->received, "counts.received" },
                { counts->accepted, "counts.accepted" },
                { counts->failed, "counts.failed" },
                { counts->rejected, "counts.rejected" },
                { counts->waiting, "counts.waiting" },
                { counts->connections, "counts.connections" },
                { counts->certificate_ends_at, "counts.certificate_ends_at" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                if (rules[i].count > COUNT_MAX)
                        return validate_fail(error, VALIDATE_E_VALUE, "%s", rules[i].path);
        *ret = counts;
        return 0;
}

static int coverage_read(Bytes bytes, Arena *arena, const Carebus__V1__Coverage **ret, ValidateError *error) {
        CheckLimits limits = limits_small();
        Carebus__V1__Coverage *coverage;
        int r;

        limits.max_repeated = COVERAGE_FIELDS_MAX;
        limits.max_elements = 5 * COVERAGE_FIELDS_MAX;
        r = unpack_checked(&carebus__v1__coverage__descriptor, bytes, &limits, arena, &coverage, error);
        if (r)
                return r;
        for (size_t i = 0; i < coverage->n_fields; i++) {
                const Carebus__V1__CoverageField *field = coverage->fields[i];

                if (!field->path || !field->path[0] || strlen(field->path) > COVERAGE_PATH_MAX)
                        return validate_fail(error, VALIDATE_E_VALUE, "coverage.fields[%zu].path", i);
                if (field->count > COUNT_MAX)
                        return validate_fail(error, VALIDATE_E_VALUE, "coverage.fields[%zu].count", i);
        }
        *ret = coverage;
        return 0;
}

/* Counts the submissions and looks at nothing else. */
static int submit_count(Bytes submit, const ValidateLimits *limits, size_t *ret_n, ValidateError *error) {
        size_t offset = 0, n = 0;
        WireField field;
        int r;

        while ((r = wire_field_next(submit, &offset, &field)) == 0) {
                if (field.number != 1)
                        continue;
                if (field.wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
                        return fail_wire(error, CHECK_E_WIRE_TYPE, offset, "submit.submissions");
                if (++n > limits->max_submissions)
                        return validate_fail(error, VALIDATE_E_TOO_MANY, "submit.submissions");
        }
        if (r > 0)
                return fail_wire(error, r, offset, "submit");
        if (n == 0)
                return validate_fail(error, VALIDATE_E_MISSING, "submit.submissions");
        *ret_n = n;
        return 0;
}

/* The one member of the oneof; fields that nobody knows may stand beside it. */
static int from_source_member(Bytes frame, WireField *ret, ValidateError *error) {
        WireField field, member = { .number = 0 };
        size_t offset = 0;
        int r;

        while ((r = wire_field_next(frame, &offset, &field)) == 0) {
                if (!protobuf_c_message_descriptor_get_field(&carebus__v1__from_source__descriptor, field.number))
                        continue;
                if (field.wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
                        return fail_wire(error, CHECK_E_WIRE_TYPE, offset, "");
                if (member.number != 0)
                        return fail_wire(error, CHECK_E_DUPLICATE, offset, "");
                member = field;
        }
        if (r > 0)
                return fail_wire(error, r, offset, "");
        if (member.number == 0)
                return validate_fail(error, VALIDATE_E_EMPTY, "%s", "");
        *ret = member;
        return 0;
}

int validate_from_source(Bytes frame, const ValidateLimits *limits, Arena *arena, FromSource *ret,
                         ValidateError *ret_error) {
        FromSource message = { .submit = BYTES_NULL };
        WireField member = { .number = 0 };
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        *error = VALIDATE_ERROR_NULL;
        if (frame.size > limits->max_frame)
                return validate_fail(error, VALIDATE_E_TOO_LARGE, "%s", "");
        r = from_source_member(frame, &member, error);
        if (r)
                return r;
        message.what = (Carebus__V1__FromSource__MessageCase)member.number;
        switch (message.what) {
        case CAREBUS__V1__FROM_SOURCE__MESSAGE_HELLO:
                r = hello_read(member.bytes, arena, &message.hello, error);
                break;
        case CAREBUS__V1__FROM_SOURCE__MESSAGE_SUBMIT:
                message.submit = member.bytes;
                r = submit_count(member.bytes, limits, &message.n_submissions, error);
                break;
        case CAREBUS__V1__FROM_SOURCE__MESSAGE_COUNTS:
                r = counts_read(member.bytes, arena, &message.counts, error);
                break;
        case CAREBUS__V1__FROM_SOURCE__MESSAGE_COVERAGE:
                r = coverage_read(member.bytes, arena, &message.coverage, error);
                break;
        default: /* a Goodbye says nothing */
                break;
        }
        if (r)
                return r;
        *ret = message;
        return 0;
}

bool submit_next(Bytes submit, size_t *offset, Bytes *ret_submission, uint64_t *ret_number) {
        WireField field, inner;
        size_t at = 0;

        do {
                if (wire_field_next(submit, offset, &field) != 0)
                        return false;
        } while (field.number != 1 || field.wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
        *ret_submission = field.bytes;
        *ret_number = 0;
        while (wire_field_next(field.bytes, &at, &inner) == 0)
                if (inner.number == 1 && inner.wire_type == PROTOBUF_C_WIRE_TYPE_VARINT) {
                        *ret_number = inner.value;
                        break;
                }
        return true;
}

/* What has to be right for it to be a submission at all. */
static int submission_form_rules(const Carebus__V1__Submission *submission, const ValidateLimits *limits,
                                 ValidateError *error) {
        const Carebus__V1__Problem *problem = submission->problem;
        int r;

        if (!submission->has_number)
                return validate_fail(error, VALIDATE_E_MISSING, "number");
        if (submission->number == 0)
                return validate_fail(error, VALIDATE_E_VALUE, "number");
        if (submission->message_id && !submission->message_id[0])
                return validate_fail(error, VALIDATE_E_VALUE, "message_id");
        if (submission->has_retranslates && submission->retranslates == 0)
                return validate_fail(error, VALIDATE_E_VALUE, "retranslates");
        if (!submission->has_original && !submission->has_retranslates)
                return validate_fail(error, VALIDATE_E_MISSING, "original");
        if (submission->original.len > limits->max_original)
                return validate_fail(error, VALIDATE_E_TOO_LARGE, "original");
        if (submission->n_events > limits->max_events)
                return validate_fail(error, VALIDATE_E_TOO_MANY, "events");
        r = text_rule(submission->message_id, MESSAGE_ID_MAX, "message_id", error);
        if (r == 0)
                r = text_rule(submission->media_type, TEXT_MAX_SMALL, "media_type", error);
        if (r == 0)
                r = text_rule(submission->trigger, TEXT_MAX_SMALL, "trigger", error);
        if (r == 0 && problem)
                r = reason_rule(problem->code, "problem.code", error);
        if (r == 0 && problem)
                r = text_rule(problem->position, TEXT_MAX_SMALL, "problem.position", error);
        return r;
}

/* What has to be right for it to be of use. */
static int submission_content_rules(const Carebus__V1__Submission *submission, ValidateError *error) {
        int r;

        if (submission->message_time) {
                r = moments_rules(&submission->message_time->base, "message_time", error);
                if (r)
                        return r;
        }
        for (size_t i = 0; i < submission->n_events; i++) {
                char prefix[32];

                snprintf(prefix, sizeof(prefix), "events[%zu]", i);
                r = event_rules(submission->events[i], prefix, error);
                if (r)
                        return r;
        }
        if (submission->n_events == 0 && !submission->problem)
                return validate_fail(error, VALIDATE_E_NO_EVENTS, "events");
        return 0;
}

int validate_submission(Bytes submission, const ValidateLimits *limits, Arena *arena, Carebus__V1__Submission **ret,
                        ValidateError *ret_error) {
        CheckLimits bounds = limits_for_events(limits->max_frame, MAX(limits->max_original, (size_t)64));
        Carebus__V1__Submission *message;
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        r = unpack_checked(&carebus__v1__submission__descriptor, submission, &bounds, arena, &message, error);
        /* Whichever check sees it first, too large is too large. */
        if (r == VALIDATE_E_WIRE && error->wire == CHECK_E_BYTES_TOO_LONG && strcmp(error->path, "original") == 0)
                return validate_fail(error, VALIDATE_E_TOO_LARGE, "original");
        if (r)
                return r;
        r = submission_form_rules(message, limits, error);
        if (r)
                return r;
        *ret = message;
        return submission_content_rules(message, error);
}

/* ---- intake, at the source */

static int welcome_rules(const Carebus__V1__Welcome *welcome, ValidateError *error) {
        if (!welcome->has_protocol || welcome->protocol != PROTOCOL_VERSION)
                return validate_fail(error, VALIDATE_E_PROTOCOL, "welcome.protocol");
        if (!welcome->has_window || welcome->window == 0)
                return validate_fail(error, VALIDATE_E_VALUE, "welcome.window");
        if (!welcome->has_next_number || welcome->next_number == 0)
                return validate_fail(error, VALIDATE_E_VALUE, "welcome.next_number");
        if (!welcome->has_max_message_bytes || welcome->max_message_bytes < 1024)
                return validate_fail(error, VALIDATE_E_VALUE, "welcome.max_message_bytes");
        return 0;
}

static int receipt_rules(const Carebus__V1__Receipt *receipt, size_t i, ValidateError *error) {
        switch (receipt->result_case) {
        case CAREBUS__V1__RECEIPT__RESULT_STORED:
                if (receipt->stored->seq == 0)
                        return validate_fail(error, VALIDATE_E_VALUE, "receipts.receipts[%zu].stored.seq", i);
                if (receipt->stored->quarantined && !reason_is_valid(receipt->stored->quarantined))
                        return validate_fail(error, VALIDATE_E_VALUE, "receipts.receipts[%zu].stored.quarantined", i);
                return 0;
        case CAREBUS__V1__RECEIPT__RESULT_DUPLICATE:
                if (receipt->duplicate->of == 0)
                        return validate_fail(error, VALIDATE_E_VALUE, "receipts.receipts[%zu].duplicate.of", i);
                return 0;
        case CAREBUS__V1__RECEIPT__RESULT_REFUSED:
                if (!receipt->refused->reason || !reason_is_valid(receipt->refused->reason))
                        return validate_fail(error, VALIDATE_E_VALUE, "receipts.receipts[%zu].refused.reason", i);
                return 0;
        default:
                return validate_fail(error, VALIDATE_E_MISSING, "receipts.receipts[%zu].result", i);
        }
}

/* Their numbers need not go up: what was refused for now comes again under the same number. */
static int receipts_rules(const Carebus__V1__Receipts *receipts, ValidateError *error) {
        for (size_t i = 0; i < receipts->n_receipts; i++) {
                const Carebus__V1__Receipt *receipt = receipts->receipts[i];
                int r;

                if (receipt->number == 0)
                        return validate_fail(error, VALIDATE_E_VALUE, "receipts.receipts[%zu].number", i);
                r = receipt_rules(receipt, i, error);
                if (r)
                        return r;
        }
        return 0;
}

int validate_to_source(Bytes frame, const ValidateLimits *limits, Arena *arena, const Carebus__V1__ToSource **ret,
                       ValidateError *ret_error) {
        CheckLimits bounds = limits_for_events(limits->max_frame, MAX(limits->max_original, (size_t)64));
        Carebus__V1__ToSource *message;
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        r = unpack_checked(&carebus__v1__to_source__descriptor, frame, &bounds, arena, &message, error);
        if (r)
                return r;
        switch (message->message_case) {
        case CAREBUS__V1__TO_SOURCE__MESSAGE_WELCOME:
                r = welcome_rules(message->welcome, error);
                break;
        case CAREBUS__V1__TO_SOURCE__MESSAGE_RECEIPTS:
                r = receipts_rules(message->receipts, error);
                break;
        case CAREBUS__V1__TO_SOURCE__MESSAGE_RETRANSLATE:
                if (message->retranslate->seq == 0)
                        r = validate_fail(error, VALIDATE_E_VALUE, "retranslate.seq");
                else if (!message->retranslate->has_original)
                        r = validate_fail(error, VALIDATE_E_MISSING, "retranslate.original");
                break;
        case CAREBUS__V1__TO_SOURCE__MESSAGE_REFUSED:
                r = reason_rule(message->refused->reason, "refused.reason", error);
                break;
        default:
                r = validate_fail(error, VALIDATE_E_EMPTY, "%s", "");
        }
        if (r)
                return r;
        *ret = message;
        return 0;
}
