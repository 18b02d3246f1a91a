/*
 * The two sides of a feed.
 */
#include <stdio.h>

#include "proto/digest.h"
#include "proto/validate-rules.h"

#define DIGEST_SIZE DIGEST_SUM_SIZE

static int place_compare(uint64_t seq, uint32_t index, uint64_t other_seq, uint32_t other_index) {
        if (seq != other_seq)
                return seq < other_seq ? -1 : 1;
        return index == other_index ? 0 : index < other_index ? -1 : 1;
}

/* ---- at the bus */

static int open_rules(const Carebus__V1__Open *open, ValidateError *error) {
        int r;

        if (!open->has_protocol || open->protocol != PROTOCOL_VERSION)
                return validate_fail(error, VALIDATE_E_PROTOCOL, "open.protocol");
        r = name_required_rule(open->team, "open.team", error);
        if (r == 0)
                r = name_required_rule(open->consumer, "open.consumer", error);
        if (r)
                return r;
        if (open->what != CAREBUS__V1__OPEN__WHAT__WHAT_EVENTS && open->what != CAREBUS__V1__OPEN__WHAT__WHAT_RECORDS)
                return validate_fail(error, VALIDATE_E_VALUE, "open.what");
        if ((int)open->from < CAREBUS__V1__OPEN__FROM__FROM_RESUME ||
            (int)open->from > CAREBUS__V1__OPEN__FROM__FROM_NOW)
                return validate_fail(error, VALIDATE_E_VALUE, "open.from");
        if (open->from == CAREBUS__V1__OPEN__FROM__FROM_PLACE && !open->after)
                return validate_fail(error, VALIDATE_E_MISSING, "open.after");
        if (open->credit > CREDIT_MAX)
                return validate_fail(error, VALIDATE_E_VALUE, "open.credit");
        return 0;
}

static int ack_rules(const Carebus__V1__Ack *ack, ValidateError *error) {
        if (!ack->has_seq)
                return validate_fail(error, VALIDATE_E_MISSING, "ack.seq");
        if (ack->has_digest && ack->digest.len != DIGEST_SIZE)
                return validate_fail(error, VALIDATE_E_VALUE, "ack.digest");
        return 0;
}

/* A digest of somebody whom the reader holds. */
static int person_digest_rules(const Carebus__V1__PersonDigest *person, const char *path, ValidateError *error) {
        if (!person->patient_id || !patient_id_is_valid(person->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "%s.patient_id", path);
        if (person->digest.len != DIGEST_SIZE)
                return validate_fail(error, VALIDATE_E_VALUE, "%s.digest", path);
        return 0;
}

static int compared_rules(const Carebus__V1__Compared *compared, ValidateError *error) {
        char path[64];
        int r = 0;

        if (!compared->has_id)
                return validate_fail(error, VALIDATE_E_MISSING, "compared.id");
        if (compared->n_sums != 0 && compared->n_sums != DIGEST_BUCKETS)
                return validate_fail(error, VALIDATE_E_VALUE, "compared.sums");
        if (compared->n_sums == 0 && (!compared->has_bucket || compared->bucket >= DIGEST_BUCKETS))
                return validate_fail(error, VALIDATE_E_VALUE, "compared.bucket");
        for (size_t i = 0; i < compared->n_sums; i++)
                if (compared->sums[i].len != DIGEST_SIZE)
                        return validate_fail(error, VALIDATE_E_VALUE, "compared.sums[%zu]", i);
        for (size_t i = 0; r == 0 && i < compared->n_persons; i++) {
                snprintf(path, sizeof(path), "compared.persons[%zu]", i);
                r = person_digest_rules(compared->persons[i], path, error);
        }
        return r;
}

/* ---- what waits */

int parked_rules(const Carebus__V1__Parked *parked, const char *path, ValidateError *error) {
        if (!parked)
                return validate_fail(error, VALIDATE_E_MISSING, "%s", path);
        if (parked->patient_id && !patient_id_is_valid(parked->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "%s.patient_id", path);
        if (!parked->from_seq)
                return validate_fail(error, VALIDATE_E_MISSING, "%s.from_seq", path);
        for (size_t i = 0; i < parked->n_overtaken; i++)
                if (!event_id_is_valid(parked->overtaken[i]))
                        return validate_fail(error, VALIDATE_E_VALUE, "%s.overtaken[%zu]", path, i);
        return 0;
}

static int park_rules(const Carebus__V1__Park *park, ValidateError *error) {
        int r = parked_rules(park->parked, "park.parked", error);

        if (r == 0 && !park->has_id)
                r = validate_fail(error, VALIDATE_E_MISSING, "park.id");
        r = r ? r : reason_rule(park->parked->code, "park.parked.code", error);
        return r ? r : text_rule(park->parked->answer, REASON_MAX, "park.parked.answer", error);
}

static int resumed_rules(const Carebus__V1__Resumed *resumed, ValidateError *error) {
        if (!resumed->seq)
                return validate_fail(error, VALIDATE_E_MISSING, "resumed.seq");
        if (resumed->patient_id && !patient_id_is_valid(resumed->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "resumed.patient_id");
        return 0;
}

static int park_answer_rules(const Carebus__V1__ParkAnswer *answer, ValidateError *error) {
        if (!answer->has_id)
                return validate_fail(error, VALIDATE_E_MISSING, "parked.id");
        return answer->error ? reason_rule(answer->error, "parked.error", error) : 0;
}

static int redelivered_rules(const Carebus__V1__Redelivered *redelivered, ValidateError *error) {
        if (!redelivered->seq)
                return validate_fail(error, VALIDATE_E_MISSING, "redelivered.seq");
        if (redelivered->patient_id && !patient_id_is_valid(redelivered->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "redelivered.patient_id");
        return 0;
}

/* ---- what is asked */

static int events_request_rules(const Carebus__V1__EventsRequest *events, ValidateError *error) {
        enum { EVENTS_MAX = 1000 };

        if (!events->patient_id)
                return validate_fail(error, VALIDATE_E_MISSING, "events.patient_id");
        if (!patient_id_is_valid(events->patient_id))
                return validate_fail(error, VALIDATE_E_VALUE, "events.patient_id");
        return events->limit > EVENTS_MAX ? validate_fail(error, VALIDATE_E_VALUE, "events.limit") : 0;
}

/* A Compared has a list of sums, or of persons; all else that a reader says is short. */
static CheckLimits limits_of_reader(void) {
        CheckLimits limits = limits_small();

        limits.max_repeated = DIGEST_BUCKETS;
        limits.max_elements = 1024;
        return limits;
}

static int team_request_rules(const Carebus__V1__TeamRequest *request, ValidateError *error) {
        int r = name_required_rule(request->team, "request.team", error);

        if (r)
                return r;
        switch (request->command_case) {
        case CAREBUS__V1__TEAM_REQUEST__COMMAND_RECORD:
                return record_request_rules(request->record, error);
        case CAREBUS__V1__TEAM_REQUEST__COMMAND_FIND:
                return find_request_rules(request->find, error);
        case CAREBUS__V1__TEAM_REQUEST__COMMAND_BREAK_GLASS:
                return break_glass_request_rules(request->break_glass, error);
        case CAREBUS__V1__TEAM_REQUEST__COMMAND_OPEN_CONTACT:
                return open_contact_request_rules(request->open_contact, error);
        case CAREBUS__V1__TEAM_REQUEST__COMMAND_EVENTS:
                return events_request_rules(request->events, error);
        case CAREBUS__V1__TEAM_REQUEST__COMMAND_SOURCES:
                return 0; /* there is nothing in it */
        default:
                return validate_fail(error, VALIDATE_E_EMPTY, "request");
        }
}

int validate_from_reader(Bytes frame, Arena *arena, const Carebus__V1__FromReader **ret, ValidateError *ret_error) {
        CheckLimits bounds = limits_of_reader();
        Carebus__V1__FromReader *message;
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        r = unpack_checked(&carebus__v1__from_reader__descriptor, frame, &bounds, arena, &message, error);
        if (r)
                return r;
        switch (message->message_case) {
        case CAREBUS__V1__FROM_READER__MESSAGE_OPEN:
                r = open_rules(message->open, error);
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_ACK:
                r = ack_rules(message->ack, error);
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_CREDIT:
                if (message->credit->more == 0 || message->credit->more > CREDIT_MAX)
                        r = validate_fail(error, VALIDATE_E_VALUE, "credit.more");
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_CLOSE:
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_COMPARED:
                r = compared_rules(message->compared, error);
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_REQUEST:
                r = team_request_rules(message->request, error);
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_PARK:
                r = park_rules(message->park, error);
                break;
        case CAREBUS__V1__FROM_READER__MESSAGE_RESUMED:
                r = resumed_rules(message->resumed, error);
                break;
        default:
                r = validate_fail(error, VALIDATE_E_EMPTY, "%s", "");
        }
        if (r)
                return r;
        *ret = message;
        return 0;
}

/* ---- at the reader */

int delivery_rules(const Carebus__V1__Delivery *delivery, const char *prefix, ValidateError *error) {
        const char *dot = prefix[0] ? "." : "";
        int order = place_compare(delivery->prev_seq, delivery->prev_index, delivery->seq, delivery->index);

        if (delivery->what_case == CAREBUS__V1__DELIVERY__WHAT__NOT_SET && !delivery->place_only)
                return validate_fail(error, VALIDATE_E_MISSING, "%s%swhat", prefix, dot);
        if (delivery->sent_before > 0 && delivery->what_case != CAREBUS__V1__DELIVERY__WHAT_EVENT)
                return validate_fail(error, VALIDATE_E_VALUE, "%s%ssent_before", prefix, dot);
        /* The place alone may be "before all" and stands where the stream stood. */
        if (delivery->place_only)
                return order > 0 ? validate_fail(error, VALIDATE_E_ORDER, "%s%sprev_seq", prefix, dot) : 0;
        if (delivery->what_case == CAREBUS__V1__DELIVERY__WHAT_GONE &&
            (!delivery->gone->patient_id || !patient_id_is_valid(delivery->gone->patient_id)))
                return validate_fail(error, VALIDATE_E_VALUE, "%s%sgone.patient_id", prefix, dot);
        if (delivery->what_case == CAREBUS__V1__DELIVERY__WHAT_RECORD &&
            (!delivery->record->patient_id || !patient_id_is_valid(delivery->record->patient_id)))
                return validate_fail(error, VALIDATE_E_VALUE, "%s%srecord.patient_id", prefix, dot);
        if (delivery->seq == 0)
                return validate_fail(error, VALIDATE_E_VALUE, "%s%sseq", prefix, dot);
        if (delivery->redelivered)
                return 0; /* its place lies behind the stream's */
        if (order >= 0)
                return validate_fail(error, VALIDATE_E_ORDER, "%s%sprev_seq", prefix, dot);
        return 0;
}

int validate_delivery(Bytes frame, const ValidateLimits *limits, Arena *arena, const Carebus__V1__Delivery **ret,
                      ValidateError *ret_error) {
        CheckLimits bounds = limits_for_events(limits->max_frame, limits->max_frame);
        Carebus__V1__Delivery *message;
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        r = unpack_checked(&carebus__v1__delivery__descriptor, frame, &bounds, arena, &message, error);
        if (r == 0)
                r = delivery_rules(message, "", error);
        if (r)
                return r;
        *ret = message;
        return 0;
}

static int opened_rules(const Carebus__V1__Opened *opened, ValidateError *error) {
        if (!opened->has_protocol || opened->protocol != PROTOCOL_VERSION)
                return validate_fail(error, VALIDATE_E_PROTOCOL, "opened.protocol");
        if (!opened->place)
                return validate_fail(error, VALIDATE_E_MISSING, "opened.place");
        for (size_t i = 0; i < opened->n_parked; i++) {
                char path[64];
                int r;

                snprintf(path, sizeof(path), "opened.parked[%zu]", i);
                r = parked_rules(opened->parked[i], path, error);
                if (r)
                        return r;
        }
        return 0;
}

static int snapshot_end_rules(const Carebus__V1__SnapshotEnd *end, ValidateError *error) {
        if (!end->has_seq || !end->has_index)
                return validate_fail(error, VALIDATE_E_MISSING, "snapshot_end.seq");
        if (end->digest.len != DIGEST_SIZE)
                return validate_fail(error, VALIDATE_E_VALUE, "snapshot_end.digest");
        return 0;
}

int validate_to_reader(Bytes frame, const ValidateLimits *limits, Arena *arena, const Carebus__V1__ToReader **ret,
                       ValidateError *ret_error) {
        CheckLimits bounds = limits_for_events(limits->max_frame, limits->max_frame);
        Carebus__V1__ToReader *message;
        ValidateError ignored, *error = ret_error ? ret_error : &ignored;
        int r;

        r = unpack_checked(&carebus__v1__to_reader__descriptor, frame, &bounds, arena, &message, error);
        if (r)
                return r;
        switch (message->message_case) {
        case CAREBUS__V1__TO_READER__MESSAGE_OPENED:
                r = opened_rules(message->opened, error);
                break;
        case CAREBUS__V1__TO_READER__MESSAGE_DELIVERY:
                r = delivery_rules(message->delivery, "delivery", error);
                break;
        case CAREBUS__V1__TO_READER__MESSAGE_SNAPSHOT_END:
                r = snapshot_end_rules(message->snapshot_end, error);
                break;
        case CAREBUS__V1__TO_READER__MESSAGE_COMPARE:
                if (!message->compare->has_id)
                        r = validate_fail(error, VALIDATE_E_MISSING, "compare.id");
                else if (message->compare->has_bucket && message->compare->bucket >= DIGEST_BUCKETS)
                        r = validate_fail(error, VALIDATE_E_VALUE, "compare.bucket");
                break;
        case CAREBUS__V1__TO_READER__MESSAGE_ANSWER:
                r = message->answer->error ? reason_rule(message->answer->error, "answer.error", error) : 0;
                break;
        case CAREBUS__V1__TO_READER__MESSAGE_PARKED:
                r = park_answer_rules(message->parked, error);
                break;
        case CAREBUS__V1__TO_READER__MESSAGE_REDELIVERED:
                r = redelivered_rules(message->redelivered, error);
                break;
        case CAREBUS__V1__TO_READER__MESSAGE_ACK_ANSWER:
                r = reason_rule(message->ack_answer->digest, "ack_answer.digest", error);
                break;
        case CAREBUS__V1__TO_READER__MESSAGE_REFUSED:
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
