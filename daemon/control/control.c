/* Replies and decisions, packed. */
#include "daemon/control/control.h"

#include "base/error.h"
#include "proto/check.h"

static int pack(const ProtobufCMessage *message, Buffer *ret) {
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *room;

        buffer_clear(ret);
        room = buffer_reserve(ret, size);
        if (!room)
                return -ENOMEM;
        protobuf_c_message_pack(message, room);
        buffer_advance(ret, size);
        return 0;
}

/* protobuf-c's structures hold plain pointers; nothing of what they point to is written. */
static char *lend(const char *text) {
        return (char *)(uintptr_t)text;
}

int control_pack_error(uint32_t id, const char *reason, const char *detail, Buffer *ret) {
        Carebus__V1__Reply reply = CAREBUS__V1__REPLY__INIT;

        reply.has_id = true;
        reply.id = id;
        reply.error = lend(reason);
        reply.detail = lend(detail);
        return pack(&reply.base, ret);
}

int control_pack_decision(uint32_t id, uint64_t seq, const char *state, Buffer *ret) {
        Carebus__V1__Reply reply = CAREBUS__V1__REPLY__INIT;
        Carebus__V1__DecisionReply decision = CAREBUS__V1__DECISION_REPLY__INIT;

        decision.has_seq = true;
        decision.seq = seq;
        decision.state = lend(state);
        reply.has_id = true;
        reply.id = id;
        reply.answer_case = CAREBUS__V1__REPLY__ANSWER_DECISION;
        reply.decision = &decision;
        return pack(&reply.base, ret);
}

int control_pack_granted(uint32_t id, const char *patient_id, uint64_t seq, int64_t until_at, Buffer *ret) {
        Carebus__V1__Reply reply = CAREBUS__V1__REPLY__INIT;
        Carebus__V1__GrantReply granted = CAREBUS__V1__GRANT_REPLY__INIT;

        granted.patient_id = lend(patient_id);
        granted.has_seq = granted.has_until_at = true;
        granted.seq = seq;
        granted.until_at = until_at;
        reply.has_id = true;
        reply.id = id;
        reply.answer_case = CAREBUS__V1__REPLY__ANSWER_GRANTED;
        reply.granted = &granted;
        return pack(&reply.base, ret);
}

int control_pack_status(uint32_t id, Carebus__V1__StatusReply *status, Buffer *ret) {
        Carebus__V1__Reply reply = CAREBUS__V1__REPLY__INIT;

        reply.has_id = true;
        reply.id = id;
        reply.answer_case = CAREBUS__V1__REPLY__ANSWER_STATUS;
        reply.status = status;
        return pack(&reply.base, ret);
}

int control_pack_coverage(uint32_t id, Carebus__V1__CoverageReply *coverage, Buffer *ret) {
        Carebus__V1__Reply reply = CAREBUS__V1__REPLY__INIT;

        reply.has_id = true;
        reply.id = id;
        reply.answer_case = CAREBUS__V1__REPLY__ANSWER_COVERAGE;
        reply.coverage = coverage;
        return pack(&reply.base, ret);
}

int control_pack_entry(const ControlDecision *decision, Buffer *ret) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        Carebus__V1__JournalDecision message = CAREBUS__V1__JOURNAL_DECISION__INIT;

        message.has_kind = true;
        message.kind = decision->kind;
        message.who = lend(decision->who);
        message.who_says = lend(decision->who_says);
        message.why = lend(decision->why);
        message.has_seq = decision->seq != 0;
        message.seq = decision->seq;
        message.review_id = lend(decision->review_id);
        message.conflict_id = lend(decision->conflict_id);
        message.patient_ids = (char **)decision->patient_ids;
        message.n_patient_ids = decision->n_patient_ids;
        message.event_ids = (char **)decision->event_ids;
        message.n_event_ids = decision->n_event_ids;
        message.team = lend(decision->team);
        message.reason = lend(decision->reason);
        message.caller = lend(decision->caller);
        message.has_until_at = decision->until_at != 0;
        message.until_at = decision->until_at;
        message.has_visit = message.visit = decision->visit;
        message.has_grant_seq = decision->grant_seq != 0;
        message.grant_seq = decision->grant_seq;
        message.parked = decision->parked;
        message.reader = decision->reader;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_DECISION;
        entry.decision = &message;
        return pack(&entry.base, ret);
}

const char *control_request_text(const Carebus__V1__Request *request, const char *name) {
        const ProtobufCFieldDescriptor *command, *field;
        const ProtobufCMessage *asked;

        command = protobuf_c_message_descriptor_get_field(request->base.descriptor, (unsigned)request->command_case);
        if (!command || command->type != PROTOBUF_C_TYPE_MESSAGE)
                return NULL;
        asked = *(const ProtobufCMessage *const *)((const uint8_t *)request + command->offset);
        field = protobuf_c_message_descriptor_get_field_by_name(asked->descriptor, name);
        return field && field->type == PROTOBUF_C_TYPE_STRING && field->label == PROTOBUF_C_LABEL_OPTIONAL
                       ? *(const char *const *)((const uint8_t *)asked + field->offset)
                       : NULL;
}

bool control_text_is_given(const char *text) {
        return text && text[strspn(text, " \t\r\n")] != '\0';
}

void control_count_quarantined(ControlQuarantine *counts, Bytes packed_item) {
        enum { FIELD_CLASS = 4, FIELD_RECEIVED_AT = 5 };
        WireField field;
        size_t offset = 0;

        counts->open++;
        while (wire_field_next(packed_item, &offset, &field) == 0) {
                if (field.number == FIELD_CLASS) {
                        counts->urgent += bytes_equal_text(field.bytes, "urgent");
                        counts->unhandled += bytes_equal_text(field.bytes, "unhandled");
                        counts->deliveries += bytes_equal_text(field.bytes, "delivery");
                } else if (field.number == FIELD_RECEIVED_AT) {
                        int64_t at = (int64_t)field.value;
                        if (counts->oldest_received_at == 0 || at < counts->oldest_received_at)
                                counts->oldest_received_at = at;
                }
        }
}

void control_count_reviews(ControlReviews *counts, Bytes packed_review) {
        enum { FIELD_CLASS = 3, FIELD_OPENED_AT = 9, FIELD_OVERDUE = 11 };
        WireField field;
        size_t offset = 0;

        counts->open++;
        while (wire_field_next(packed_review, &offset, &field) == 0) {
                if (field.number == FIELD_CLASS)
                        counts->urgent += bytes_equal_text(field.bytes, "urgent");
                else if (field.number == FIELD_OVERDUE)
                        counts->overdue += field.value != 0;
                else if (field.number == FIELD_OPENED_AT) {
                        int64_t at = (int64_t)field.value;
                        if (counts->oldest_opened_at == 0 || at < counts->oldest_opened_at)
                                counts->oldest_opened_at = at;
                }
        }
}
