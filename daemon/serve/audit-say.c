/*
 * A disclosure is packed while it is gathered: what a round gives out is a few dozen bytes an item, appended to one buffer, and nothing is
 * made of it but the bytes that are written.
 */
#include "daemon/serve/audit-say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "proto/wire.h"

/* Fields of proto/carebus/v1/audit.proto; a test holds the two together. */
enum { RECORD_DISCLOSURE = 10 };
enum {
        DISCLOSURE_TEAM = 1,
        DISCLOSURE_CONSUMER,
        DISCLOSURE_WAY,
        DISCLOSURE_PEER,
        DISCLOSURE_WHO,
        DISCLOSURE_SYSTEM,
        DISCLOSURE_PURPOSE,
        DISCLOSURE_ITEMS
};
enum {
        ITEM_PATIENT_ID = 1,
        ITEM_SEQ,
        ITEM_INDEX,
        ITEM_DIGEST,
        ITEM_RULE,
        ITEM_SETTINGS,
        ITEM_RELATIONSHIP,
        ITEM_PART,
        ITEM_RECORD,
        ITEM_CORRECTION
};

#define RECORD_BYTES (256U << 10) /* a longer round becomes several records */
#define REFUSED_SLOTS 64          /* different ones that are counted at a time */
#define REFUSED_FOR USEC_PER_SEC

/* A refusal that was written, and how many alike came since. */
typedef struct Counted {
        Buffer key; /* packed, without count */
        int64_t since;
        uint32_t more;
} Counted;

struct AuditSay {
        Audit *audit;
        const Clock *clock;
        Buffer head, items, what;
        size_t n_items;
        int error;
        Counted counted[REFUSED_SLOTS];
        size_t n_counted;
};

int audit_say_new(Audit *audit, const Clock *clock, AuditSay **ret) {
        AuditSay *say = calloc(1, sizeof(*say));

        if (!say)
                return -ENOMEM;
        say->audit = audit;
        say->clock = clock;
        *ret = say;
        return 0;
}

AuditSay *audit_say_free(AuditSay *say) {
        if (!say)
                return NULL;
        /* What was counted last is said too, where there is room. */
        for (size_t i = 0; i < say->n_counted; i++)
                say->counted[i].since = INT64_MIN / 2;
        (void)audit_say_turn(say);
        for (size_t i = 0; i < say->n_counted; i++)
                buffer_deinit(&say->counted[i].key);
        buffer_deinit(&say->head);
        buffer_deinit(&say->items);
        buffer_deinit(&say->what);
        free(say);
        return NULL;
}

static int say_result(int r) {
        return r == -ENOSPC || r == -EDQUOT ? AUDIT_SAY_E_WAIT : r;
}

/* ---- disclosures -------------------------------------------------------------------------------------------------------------- */

void audit_say_begin(AuditSay *say, const AuditReader *reader) {
        buffer_clear(&say->head);
        buffer_clear(&say->items);
        say->n_items = 0;
        say->error = 0;
        wire_text(&say->head, DISCLOSURE_TEAM, reader->team);
        wire_text(&say->head, DISCLOSURE_CONSUMER, reader->consumer);
        wire_number(&say->head, DISCLOSURE_WAY, (uint64_t)reader->way);
        wire_text(&say->head, DISCLOSURE_PEER, reader->peer);
        wire_text(&say->head, DISCLOSURE_WHO, reader->who);
        wire_text(&say->head, DISCLOSURE_SYSTEM, reader->system);
        wire_text(&say->head, DISCLOSURE_PURPOSE, reader->purpose);
}

static int say_write(AuditSay *say) {
        if (say->n_items == 0)
                return 0;
        if (say->head.error < 0 || say->items.error < 0)
                return -ENOMEM;
        buffer_clear(&say->what);
        wire_length(&say->what, RECORD_DISCLOSURE, say->head.size + say->items.size);
        buffer_append_bytes(&say->what, buffer_bytes(&say->head));
        buffer_append_bytes(&say->what, buffer_bytes(&say->items));
        buffer_clear(&say->items);
        say->n_items = 0;
        return say->what.error < 0 ? say->what.error : audit_append_packed(say->audit, buffer_bytes(&say->what), NULL);
}

/* Room for all but the texts of an item: keys, lengths, numbers and flags. */
#define ITEM_ROOM (128 + SHA256_SIZE)

static uint8_t *put_number(uint8_t *to, unsigned field, uint64_t value) {
        return wire_put_varint(wire_put_varint(to, field << 3 | WIRE_VARINT), value);
}

static uint8_t *put_bytes(uint8_t *to, unsigned field, Bytes bytes) {
        to = wire_put_varint(wire_put_varint(to, field << 3 | WIRE_BYTES), bytes.size);
        memcpy(to, bytes.data, bytes.size);
        return to + bytes.size;
}

/* Gives the place behind it. */
static uint8_t *put_item(uint8_t *to, const AuditItem *item, Bytes relationship) {
        if (item->patient_id.size > 0)
                to = put_bytes(to, ITEM_PATIENT_ID, item->patient_id);
        if (item->place.seq > 0)
                to = put_number(to, ITEM_SEQ, item->place.seq);
        if (item->place.seq > 0 && !item->record)
                to = put_number(to, ITEM_INDEX, item->place.index);
        if (item->digest)
                to = put_bytes(to, ITEM_DIGEST, bytes_of(item->digest, SHA256_SIZE));
        to = put_number(to, ITEM_RULE, item->rule < 0 ? 0 : (uint64_t)item->rule + 1);
        if (item->settings > 0)
                to = put_number(to, ITEM_SETTINGS, item->settings);
        if (relationship.size > 0)
                to = put_bytes(to, ITEM_RELATIONSHIP, relationship);
        if (item->part)
                to = put_number(to, ITEM_PART, 1);
        if (item->record)
                to = put_number(to, ITEM_RECORD, 1);
        if (item->correction)
                to = put_number(to, ITEM_CORRECTION, 1);
        return to;
}

/* It is packed where it stays: one look for room, and its length, mostly of one byte, is put in front when it is known. */
void audit_say_item(AuditSay *say, const AuditItem *item) {
        const Bytes relationship = bytes_of_text(item->relationship);
        uint8_t *room = buffer_reserve(&say->items, ITEM_ROOM + item->patient_id.size + relationship.size);
        uint8_t *begin, *end, *packed;

        if (!room) {
                say->error = -ENOMEM;
                return;
        }
        begin = wire_put_varint(room, DISCLOSURE_ITEMS << 3 | WIRE_BYTES) + 1;
        end = put_item(begin, item, relationship);
        packed = begin - 1 + wire_varint_size((uint64_t)(end - begin));
        if (packed != begin)
                memmove(packed, begin, (size_t)(end - begin));
        wire_put_varint(begin - 1, (uint64_t)(end - begin));
        buffer_advance(&say->items, (size_t)(packed + (end - begin) - room));
        say->n_items++;
        if (say->items.size >= RECORD_BYTES && say->error == 0)
                say->error = say_write(say);
}

int audit_say_end(AuditSay *say) {
        int r = say->error ? say->error : say_write(say);

        say->n_items = 0;
        return say_result(r);
}

int audit_say(AuditSay *say, const AuditReader *reader, const AuditItem *item) {
        audit_say_begin(say, reader);
        audit_say_item(say, item);
        return audit_say_end(say);
}

/* ---- refusals ------------------------------------------------------------------------------------------------------------------ */

static int refusal_append(AuditSay *say, Bytes key, uint32_t count) {
        Carebus__V1__Refusal *refusal = carebus__v1__refusal__unpack(NULL, key.size, key.data);
        Carebus__V1__AuditRecord record = CAREBUS__V1__AUDIT_RECORD__INIT;
        int r;

        if (!refusal)
                return -ENOMEM;
        refusal->has_count = true;
        refusal->count = count;
        record.what_case = CAREBUS__V1__AUDIT_RECORD__WHAT_REFUSAL;
        record.refusal = refusal;
        r = audit_append(say->audit, &record, NULL);
        carebus__v1__refusal__free_unpacked(refusal, NULL);
        return r;
}

static int refusal_pack(const AuditRefused *refused, Buffer *ret) {
        Carebus__V1__Refusal refusal = CAREBUS__V1__REFUSAL__INIT;
        uint8_t *room;
        size_t size;

        refusal.team = (char *)refused->team;
        refusal.peer = (char *)refused->peer;
        refusal.who = (char *)refused->who;
        refusal.system = (char *)refused->system;
        refusal.has_way = true;
        refusal.way = refused->way;
        refusal.code = (char *)refused->code;
        refusal.patient_id = (char *)refused->patient_id;
        refusal.has_seq = refusal.has_index = refused->place.seq > 0;
        refusal.seq = refused->place.seq;
        refusal.index = refused->place.index;
        size = carebus__v1__refusal__get_packed_size(&refusal);
        room = buffer_reserve(ret, size);
        if (!room)
                return -ENOMEM;
        carebus__v1__refusal__pack(&refusal, room);
        buffer_advance(ret, size);
        return 0;
}

static int counted_end(AuditSay *say, size_t at) {
        Counted *counted = &say->counted[at];
        int r = counted->more > 0 ? refusal_append(say, buffer_bytes(&counted->key), counted->more) : 0;

        if (r < 0)
                return r;
        buffer_deinit(&counted->key);
        *counted = say->counted[--say->n_counted];
        return 0;
}

int audit_say_refused(AuditSay *say, const AuditRefused *refused) {
        _cleanup_(buffer_deinit) Buffer key = BUFFER_NULL;
        int r = refusal_pack(refused, &key);

        if (r < 0)
                return r;
        for (size_t i = 0; i < say->n_counted; i++)
                if (bytes_equal(buffer_bytes(&say->counted[i].key), buffer_bytes(&key))) {
                        say->counted[i].more++;
                        return audit_say_turn(say);
                }
        r = refusal_append(say, buffer_bytes(&key), 1);
        if (r == 0 && say->n_counted == REFUSED_SLOTS)
                r = counted_end(say, 0);
        if (r < 0)
                return say_result(r);
        say->counted[say->n_counted++] = (Counted){ .key = key, .since = clock_monotonic(say->clock) };
        key = BUFFER_NULL;
        return 0;
}

int audit_say_turn(AuditSay *say) {
        const int64_t now = say->n_counted > 0 ? clock_monotonic(say->clock) : 0;

        for (size_t i = say->n_counted; i > 0; i--) {
                int r = now - say->counted[i - 1].since < REFUSED_FOR ? 0 : counted_end(say, i - 1);
                if (r < 0)
                        return say_result(r);
        }
        return 0;
}
