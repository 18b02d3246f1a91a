/* The wire is walked: nothing is unpacked for a record of which two numbers are needed. */
#include "daemon/audit/record-look.h"

#include <errno.h>
#include <string.h>

#include "proto/check.h"
#include "proto/wire.h"

/* Field numbers of proto/carebus/v1/audit.proto; a test holds the two together. */
enum {
        RECORD_NUMBER = 1,
        RECORD_AT = 2,
        RECORD_DISCLOSURE = 10,
        RECORD_REFUSAL = 11,
        RECORD_DECISION = 12,
        RECORD_SETTINGS = 13
};
enum { DISCLOSURE_TEAM = 1, DISCLOSURE_ITEMS = 8 };
enum { ITEM_PATIENT_ID = 1, ITEM_SEQ = 2, ITEM_INDEX = 3, ITEM_RECORD = 9, ITEM_CORRECTION = 10 };
enum { REFUSAL_TEAM = 1, REFUSAL_PATIENT_ID = 7, REFUSAL_SEQ = 8, REFUSAL_INDEX = 9 };
enum { DECISION_SEQ = 1, DECISION_DECISION = 2 };
enum { JOURNAL_DECISION_PATIENT_IDS = 6 };

static int look_at_item(Bytes packed, AuditLook *look) {
        size_t offset = 0;
        WireField field;
        int r;

        while ((r = wire_field_next(packed, &offset, &field)) == 0) {
                if (field.number == ITEM_PATIENT_ID && field.wire_type == WIRE_BYTES)
                        look->patient_id = field.bytes;
                else if (field.number == ITEM_SEQ)
                        look->seq = field.value;
                else if (field.number == ITEM_INDEX)
                        look->index = (uint32_t)field.value;
                else if (field.number == ITEM_RECORD)
                        look->record = field.value != 0;
                else if (field.number == ITEM_CORRECTION)
                        look->correction = field.value != 0;
        }
        return r == -ENODATA ? 0 : -EBADMSG;
}

static int look_at_disclosure(Bytes packed, AuditLooked looked, void *owner) {
        Bytes team = BYTES_NULL;
        size_t offset = 0;
        WireField field;
        int r;

        while ((r = wire_field_next(packed, &offset, &field)) == 0) {
                AuditLook look = { .team = team, .item = true };

                if (field.number == DISCLOSURE_TEAM && field.wire_type == WIRE_BYTES)
                        team = field.bytes;
                if (field.number != DISCLOSURE_ITEMS || field.wire_type != WIRE_BYTES)
                        continue;
                r = look_at_item(field.bytes, &look);
                if (r == 0)
                        r = looked(&look, owner);
                if (r != 0)
                        return r;
        }
        return r == -ENODATA ? 0 : -EBADMSG;
}

static int look_at_refusal(Bytes packed, AuditLooked looked, void *owner) {
        AuditLook look = { .item = false };
        size_t offset = 0;
        WireField field;
        int r;

        while ((r = wire_field_next(packed, &offset, &field)) == 0) {
                if (field.number == REFUSAL_TEAM && field.wire_type == WIRE_BYTES)
                        look.team = field.bytes;
                else if (field.number == REFUSAL_PATIENT_ID && field.wire_type == WIRE_BYTES)
                        look.patient_id = field.bytes;
                else if (field.number == REFUSAL_SEQ)
                        look.seq = field.value;
                else if (field.number == REFUSAL_INDEX)
                        look.index = (uint32_t)field.value;
        }
        return r == -ENODATA ? looked(&look, owner) : -EBADMSG;
}

/* Whom a decision is about: a broken glass, a link. */
static int look_at_decision(Bytes packed, AuditLooked looked, void *owner) {
        size_t offset = 0;
        WireField field;
        int r;

        while ((r = wire_field_next(packed, &offset, &field)) == 0) {
                AuditLook look = { .item = false };

                if (field.number != JOURNAL_DECISION_PATIENT_IDS || field.wire_type != WIRE_BYTES)
                        continue;
                look.patient_id = field.bytes;
                r = looked(&look, owner);
                if (r != 0)
                        return r;
        }
        return r == -ENODATA ? 0 : -EBADMSG;
}

static int look_at_decided(Bytes packed, unsigned what, AuditLookHead *head, AuditLooked looked, void *owner) {
        Bytes decision = BYTES_NULL;
        size_t offset = 0;
        WireField field;
        int r;

        while ((r = wire_field_next(packed, &offset, &field)) == 0) {
                if (field.number == DECISION_SEQ)
                        head->decided = field.value;
                if (what == RECORD_DECISION && field.number == DECISION_DECISION && field.wire_type == WIRE_BYTES)
                        decision = field.bytes;
        }
        if (r != -ENODATA)
                return -EBADMSG;
        return looked && decision.size > 0 ? look_at_decision(decision, looked, owner) : 0;
}

int audit_record_look(Bytes packed, AuditLookHead *ret, AuditLooked looked, void *owner) {
        AuditLookHead head = { .number = 0 };
        size_t offset = 0;
        WireField field;
        int r;

        while ((r = wire_field_next(packed, &offset, &field)) == 0) {
                int inner = 0;

                if (field.number == RECORD_NUMBER)
                        head.number = field.value;
                else if (field.number == RECORD_AT)
                        head.at = (int64_t)field.value;
                if (field.number < RECORD_DISCLOSURE || field.wire_type != WIRE_BYTES)
                        continue;
                head.what = field.number;
                if (field.number == RECORD_DECISION || field.number == RECORD_SETTINGS)
                        inner = look_at_decided(field.bytes, field.number, &head, looked, owner);
                else if (looked && field.number == RECORD_DISCLOSURE)
                        inner = look_at_disclosure(field.bytes, looked, owner);
                else if (looked && field.number == RECORD_REFUSAL)
                        inner = look_at_refusal(field.bytes, looked, owner);
                if (inner != 0)
                        return inner;
        }
        if (r != -ENODATA)
                return -EBADMSG;
        *ret = head;
        return 0;
}

static bool number_read(Bytes text, size_t *at, uint64_t *ret) {
        const size_t from = *at;
        uint64_t number = 0;

        for (; *at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
                if (number > UINT64_MAX / 10 - 1)
                        return false;
                number = 10 * number + (uint64_t)(text.data[*at] - '0');
        }
        *ret = number;
        return *at > from;
}

bool audit_patient_place(Bytes patient_id, uint64_t *ret_seq, uint32_t *ret_index) {
        uint64_t index = 0;
        size_t at = 1;

        if (patient_id.size < 4 || patient_id.data[0] != 'p' || !number_read(patient_id, &at, ret_seq) ||
            at == patient_id.size || patient_id.data[at++] != '.' || !number_read(patient_id, &at, &index) ||
            at != patient_id.size || index > UINT32_MAX)
                return false;
        *ret_index = (uint32_t)index;
        return true;
}
