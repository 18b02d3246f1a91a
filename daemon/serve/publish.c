/*
 * Stored events become the events that teams get.
 */
#include "daemon/serve/publish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/sha256.h"
#include "daemon/serve/sight.h"
#include "proto/types.h"
#include "proto/wire.h"
#include "daemon/store/state-keys.h"
#include "proto/check.h"

/* Fields of Event that the bus sets, and of what lies around it. */
enum {
        EVENT_EVENT_ID = 1,
        EVENT_TYPE = 2,
        EVENT_RECEIVED_AT = 6,
        EVENT_SOURCE = 7,
        EVENT_SOURCE_MESSAGE_ID = 8,
        EVENT_PATIENT = 11,
        EVENT_BELATED = 25,
        EVENT_CONFIRMS = 29,
        EVENT_LOADED = 30,
        EVENT_TEAM = 28,
        EVENT_UNCONFIRMED = 31,
        EVENT_ECHO_OF = 32,
        EVENT_REDACTED = 33,
        EVENT_NOTICE = 90,
        SUBJECT_PATIENT_ID = 1,
        ENTRY_SUBMISSION = 1,
        SUBMISSION_MESSAGE_ID = 3,
        SUBMISSION_EVENTS = 7,
        ITEM_MESSAGE_ID = 6,
        ITEM_EVENTS = 11,
        DELIVERY_SEQ = 1,
        DELIVERY_INDEX = 2,
        DELIVERY_PREV_SEQ = 3,
        DELIVERY_PREV_INDEX = 4,
        DELIVERY_PLACE_ONLY = 5,
        DELIVERY_SENT_BEFORE = 6,
        DELIVERY_EVENT = 10,
        DELIVERY_SO_FAR = 13,
        TO_READER_DELIVERY = 2,
        NOTICE_TEAM = 3,
        NOTICE_EVENT_IDS = 6,
        NOTICE_PATIENT_IDS = 7,
        NOTICE_SECTION = 8,
        MARK_INDEX = 1, /* of OutcomeEcho, OutcomeCorrection, */
        MARK_ID = 2,    /* and the event ids that they name */
};

#define EVENT_ID_SIZE 32

/* Where an event lies while its entry is being made: offsets, since the memory moves as it grows. 0: there is none, as the first byte is
 * never a text. */
typedef struct Draft {
        size_t event, event_size;
        size_t topic, type, patient_id, team, only, section, about, withdraws;
        bool from_bus, names_others, echo, unconfirmed;
} Draft;

/* What the outcome says of one of the events: what it echoes, or what it takes back. */
typedef struct Mark {
        uint32_t index;
        Bytes packed;
} Mark;

/* Indexes of events that an outcome names, ascending. Events are added in order: the next one is all there is to look at. */
typedef struct PublisherMarks {
        Buffer indexes; /* uint32_t[] */
        size_t n_passed;
} PublisherMarks;

struct Publisher {
        Buffer bytes;       /* rooms, events, topics */
        Buffer drafts;      /* Draft[] */
        Buffer patient_ids; /* Bytes[] */
        Buffer derived;     /* likewise */
        PublisherMarks confirms, held, unconfirmed;
        Buffer echoes, corrections; /* Mark[] */
        /* of the entry at hand */
        uint64_t seq;
        int64_t received_at;
        Bytes source, message_id;
        bool belated;
        bool loaded;
};

int publisher_new(Publisher **ret) {
        Publisher *publisher = calloc(1, sizeof(*publisher));

        if (!publisher)
                return -ENOMEM;
        *ret = publisher;
        return 0;
}

Publisher *publisher_free(Publisher *publisher) {
        if (!publisher)
                return NULL;
        buffer_deinit(&publisher->bytes);
        buffer_deinit(&publisher->drafts);
        buffer_deinit(&publisher->patient_ids);
        buffer_deinit(&publisher->derived);
        buffer_deinit(&publisher->confirms.indexes);
        buffer_deinit(&publisher->held.indexes);
        buffer_deinit(&publisher->unconfirmed.indexes);
        buffer_deinit(&publisher->echoes);
        buffer_deinit(&publisher->corrections);
        free(publisher);
        return NULL;
}

/* ---- one event -------------------------------------------------------------------------------------------------- */

static void stamp_patient(Buffer *ret, Bytes subject, Bytes patient_id, int *error) {
        size_t size = patient_id.size ? 1 + wire_varint_size(patient_id.size) + patient_id.size : 0;
        size_t offset = 0, start = 0;
        WireField field;
        int r;

        /* Two passes: the length stands in front. */
        for (r = wire_field_next(subject, &offset, &field); r == 0; r = wire_field_next(subject, &offset, &field)) {
                if (field.number != SUBJECT_PATIENT_ID)
                        size += offset - start;
                start = offset;
        }
        if (r != -ENODATA) {
                *error = -EBADMSG;
                return;
        }
        wire_length(ret, EVENT_PATIENT, size);
        if (patient_id.size)
                wire_bytes(ret, SUBJECT_PATIENT_ID, patient_id);
        for (offset = start = 0; wire_field_next(subject, &offset, &field) == 0; start = offset)
                if (field.number != SUBJECT_PATIENT_ID)
                        buffer_append(ret, subject.data + start, offset - start);
}

/* Puts in what the bus sets and the stored event does not have, up to field `number`. */
typedef struct Stamping {
        const PublishStamp *stamp;
        Buffer *ret;
        unsigned done; /* fields below this one are written */
        int error;
} Stamping;

static void stamping_up_to(Stamping *stamping, unsigned number) {
        const PublishStamp *stamp = stamping->stamp;
        const unsigned from = stamping->done;

#define DUE(field) (from <= (field) && (field) < number)
        if (DUE(EVENT_EVENT_ID))
                wire_text(stamping->ret, EVENT_EVENT_ID, stamp->event_id);
        if (DUE(EVENT_RECEIVED_AT))
                wire_number(stamping->ret, EVENT_RECEIVED_AT, (uint64_t)stamp->received_at);
        if (DUE(EVENT_SOURCE) && stamp->source.size)
                wire_bytes(stamping->ret, EVENT_SOURCE, stamp->source);
        if (DUE(EVENT_SOURCE_MESSAGE_ID) && stamp->message_id.size)
                wire_bytes(stamping->ret, EVENT_SOURCE_MESSAGE_ID, stamp->message_id);
        if (DUE(EVENT_PATIENT) && stamp->patient_id.size)
                stamp_patient(stamping->ret, BYTES_NULL, stamp->patient_id, &stamping->error);
        if (DUE(EVENT_BELATED) && stamp->belated)
                wire_number(stamping->ret, EVENT_BELATED, 1);
        if (DUE(EVENT_CONFIRMS) && stamp->confirms)
                wire_number(stamping->ret, EVENT_CONFIRMS, 1);
        if (DUE(EVENT_LOADED) && stamp->loaded)
                wire_number(stamping->ret, EVENT_LOADED, 1);
        if (DUE(EVENT_UNCONFIRMED) && stamp->unconfirmed)
                wire_number(stamping->ret, EVENT_UNCONFIRMED, 1);
        if (DUE(EVENT_ECHO_OF) && stamp->echo_of.size)
                wire_bytes(stamping->ret, EVENT_ECHO_OF, stamp->echo_of);
#undef DUE
        if (number > from)
                stamping->done = number;
}

static bool is_set_by_bus(unsigned number, bool belated) {
        return number == EVENT_EVENT_ID || number == EVENT_RECEIVED_AT || number == EVENT_SOURCE ||
               number == EVENT_CONFIRMS || number == EVENT_LOADED || number == EVENT_UNCONFIRMED ||
               number == EVENT_ECHO_OF || number == EVENT_REDACTED || (number == EVENT_BELATED && belated);
}

static void see_field(const WireField *field, PublishSeen *seen) {
        if (field->wire_type != WIRE_BYTES)
                return;
        if (field->number == EVENT_TYPE)
                seen->type = field->bytes;
        else if (field->number == EVENT_TEAM)
                seen->team = field->bytes;
        else if (field->number == EVENT_NOTICE)
                seen->notice = field->bytes;
}

int publish_stamp_event(Bytes stored, const PublishStamp *stamp, Buffer *ret, PublishSeen *ret_seen) {
        Stamping stamping = { .stamp = stamp, .ret = ret };
        size_t offset = 0, start = 0;
        PublishSeen seen = { 0 };
        WireField field;
        int r;

        for (r = wire_field_next(stored, &offset, &field); r == 0; r = wire_field_next(stored, &offset, &field)) {
                stamping_up_to(&stamping, field.number);
                see_field(&field, &seen);
                if (field.number == EVENT_PATIENT && field.wire_type == WIRE_BYTES) {
                        stamp_patient(ret, field.bytes, stamp->patient_id, &stamping.error);
                        stamping.done = MAX(stamping.done, (unsigned)EVENT_PATIENT + 1);
                } else if (!is_set_by_bus(field.number, stamp->belated))
                        buffer_append(ret, stored.data + start, offset - start);
                if (field.number == EVENT_SOURCE_MESSAGE_ID) /* the source's own word stands */
                        stamping.done = MAX(stamping.done, (unsigned)EVENT_SOURCE_MESSAGE_ID + 1);
                start = offset;
        }
        if (r != -ENODATA || stamping.error < 0)
                return -EBADMSG;
        stamping_up_to(&stamping, UINT32_MAX);
        if (ret_seen)
                *ret_seen = seen;
        return 0;
}

/* ---- one entry -------------------------------------------------------------------------------------------------- */

static size_t publisher_n_drafts(const Publisher *publisher) {
        return publisher->drafts.size / sizeof(Draft);
}

/* The outcome names one patient an event, in order; "" where it has none. */
static Bytes publisher_patient_id(const Publisher *publisher, size_t index) {
        const size_t n = publisher->patient_ids.size / sizeof(Bytes);
        Bytes id = BYTES_NULL;

        if (index < n)
                memcpy(&id, publisher->patient_ids.data + index * sizeof(id), sizeof(id));
        return id;
}

static bool marks_have(PublisherMarks *marks, size_t index) {
        uint32_t next;

        if (marks->n_passed >= marks->indexes.size / sizeof(next))
                return false;
        memcpy(&next, marks->indexes.data + marks->n_passed * sizeof(next), sizeof(next));
        marks->n_passed += next == index;
        return next == index;
}

/* ---- what the rules look at ---- */

static size_t put_text(Publisher *publisher, Bytes text) {
        const size_t at = publisher->bytes.size;

        buffer_append_bytes(&publisher->bytes, text);
        buffer_append_byte(&publisher->bytes, '\0');
        return at;
}

static Bytes field_of(Bytes message, unsigned number) {
        Bytes found = BYTES_NULL;
        size_t offset = 0;
        WireField field;

        while (wire_field_next(message, &offset, &field) == 0)
                if (field.number == number && field.wire_type == WIRE_BYTES)
                        found = field.bytes;
        return found;
}

static size_t put_field(Publisher *publisher, Bytes message, unsigned number) {
        const Bytes text = field_of(message, number);

        return text.size ? put_text(publisher, text) : 0;
}

/* All texts of a repeated field. */
static size_t put_list(Publisher *publisher, Bytes message, unsigned number) {
        const size_t at = publisher->bytes.size;
        size_t offset = 0;
        WireField field;

        while (wire_field_next(message, &offset, &field) == 0)
                if (field.number == number && field.wire_type == WIRE_BYTES && field.bytes.size)
                        put_text(publisher, field.bytes);
        if (publisher->bytes.size == at)
                return 0;
        buffer_append_byte(&publisher->bytes, '\0');
        return at;
}

static void draft_notice(Publisher *publisher, Bytes notice, Draft *draft) {
        draft->only = put_field(publisher, notice, NOTICE_TEAM);
        draft->section = put_field(publisher, notice, NOTICE_SECTION);
        draft->about = draft->section ? put_list(publisher, notice, NOTICE_EVENT_IDS) : 0;
        draft->names_others = field_of(notice, NOTICE_PATIENT_IDS).size > 0;
}

/* What an outcome says of single events. Both lists are short: an echo or a correction is rare. */
static const Mark *mark_find(const Buffer *marks, size_t index) {
        const Mark *items = (const Mark *)(const void *)marks->data;

        for (size_t i = 0; i < marks->size / sizeof(*items); i++)
                if (items[i].index == index)
                        return &items[i];
        return NULL;
}

static int draft_texts(Publisher *publisher, const PublishSeen *seen, Bytes patient_id, Draft *draft) {
        const Mark *correction = mark_find(&publisher->corrections, publisher_n_drafts(publisher));
        const EventType *type;

        draft->type = seen->type.size ? put_text(publisher, seen->type) : 0;
        draft->patient_id = put_text(publisher, patient_id);
        draft->team = seen->team.size ? put_text(publisher, seen->team) : 0;
        draft->withdraws = correction ? put_list(publisher, correction->packed, MARK_ID) : 0;
        if (publisher->bytes.error < 0)
                return publisher->bytes.error;
        type = draft->type ? event_type_find((const char *)publisher->bytes.data + draft->type) : NULL;
        draft->from_bus = type && type->from_bus;
        if (draft->from_bus)
                draft_notice(publisher, seen->notice, draft);
        return publisher->bytes.error;
}

/* One that waits has a place and nothing else. */
static int publisher_add_held(Publisher *publisher) {
        const Draft draft = { .event = publisher->bytes.size, .topic = publisher->bytes.size };

        buffer_append_byte(&publisher->bytes, '\0');
        buffer_append(&publisher->drafts, &draft, sizeof(draft));
        return publisher->bytes.error ? publisher->bytes.error : publisher->drafts.error;
}

static int publisher_add(Publisher *publisher, Bytes stored, Bytes patient_id) {
        static const uint8_t room[PUBLISH_ROOM];
        const size_t index = publisher_n_drafts(publisher);
        const Mark *echo = mark_find(&publisher->echoes, index);
        char event_id[EVENT_ID_SIZE];
        PublishStamp stamp = {
                .event_id = event_id,
                .received_at = publisher->received_at,
                .source = publisher->source,
                .message_id = publisher->message_id,
                .patient_id = patient_id,
                .belated = publisher->belated,
                .confirms = marks_have(&publisher->confirms, index),
                .unconfirmed = marks_have(&publisher->unconfirmed, index),
                .loaded = publisher->loaded,
                .echo_of = echo ? field_of(echo->packed, MARK_ID) : BYTES_NULL,
        };
        Draft draft = { .echo = echo != NULL, .unconfirmed = stamp.unconfirmed };
        PublishSeen seen;
        int r;

        if (marks_have(&publisher->held, index))
                return publisher_add_held(publisher);
        snprintf(event_id, sizeof(event_id), "%" PRIu64 ".%zu", publisher->seq, index);
        buffer_append(&publisher->bytes, room, sizeof(room));
        draft.event = publisher->bytes.size;
        r = publish_stamp_event(stored, &stamp, &publisher->bytes, &seen);
        if (r < 0)
                return r;
        draft.event_size = publisher->bytes.size - draft.event;
        draft.topic = publisher->bytes.size;
        buffer_append_bytes(&publisher->bytes, seen.type);
        buffer_append_byte(&publisher->bytes, '/');
        buffer_append_bytes(&publisher->bytes, patient_id);
        buffer_append_byte(&publisher->bytes, '\0');
        r = draft_texts(publisher, &seen, patient_id, &draft);
        if (r < 0)
                return r;
        buffer_append(&publisher->drafts, &draft, sizeof(draft));
        return publisher->bytes.error ? publisher->bytes.error : publisher->drafts.error;
}

/* The patient of a derived event stands in the event itself. */
static int add_derived(Publisher *publisher, Bytes value) {
        Bytes patient_id = BYTES_NULL;
        size_t offset = 0;
        WireField field;

        while (wire_field_next(value, &offset, &field) == 0)
                if (field.number == EVENT_PATIENT && field.wire_type == WIRE_BYTES) {
                        size_t inner = 0;
                        Bytes subject = field.bytes;
                        while (wire_field_next(subject, &inner, &field) == 0)
                                if (field.number == SUBJECT_PATIENT_ID && field.wire_type == WIRE_BYTES)
                                        patient_id = field.bytes;
                        break;
                }
        return publisher_add(publisher, value, patient_id);
}

/* The submission of an Entry, or an empty range when it is of another kind. */
static Bytes entry_submission(Bytes payload) {
        size_t offset = 0;
        WireField field;

        while (wire_field_next(payload, &offset, &field) == 0)
                if (field.number == ENTRY_SUBMISSION && field.wire_type == WIRE_BYTES)
                        return field.bytes;
        return BYTES_NULL;
}

/* The events of a StoredSubmission or a QuarantineItem, by the field numbers of either. Its message id may stand before or
 * behind them. */
static int publisher_add_events(Publisher *publisher, Bytes message, unsigned message_id, unsigned events) {
        size_t offset = 0, index = 0;
        WireField field;
        int r;

        while ((r = wire_field_next(message, &offset, &field)) == 0)
                if (field.number == message_id && field.wire_type == WIRE_BYTES)
                        publisher->message_id = field.bytes;
        if (r != -ENODATA)
                return -EBADMSG;
        for (offset = 0; wire_field_next(message, &offset, &field) == 0;) {
                if (field.number != events || field.wire_type != WIRE_BYTES)
                        continue;
                r = publisher_add(publisher, field.bytes, publisher_patient_id(publisher, index++));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Removed by rule: each of its events has its place and nothing else, so that what was derived has the numbers that it had. */
static int publisher_add_expired(Publisher *publisher) {
        const size_t n = publisher->patient_ids.size / sizeof(Bytes);
        int r = 0;

        for (size_t i = 0; r == 0 && i < n; i++)
                r = publisher_add_held(publisher);
        return r;
}

static bool item_has_expired(View *view, uint64_t item) {
        enum { OUTCOME_EXPIRED_BY = 26 };
        ViewOutcome outcome;
        size_t offset = 0;
        WireField field;

        if (view_outcome(view, item, &outcome) != 0)
                return false;
        while (wire_field_next(outcome.packed, &offset, &field) == 0)
                if (field.number == OUTCOME_EXPIRED_BY)
                        return true;
        return false;
}

/* A retry: what it used stands in the item of the quarantine, which may have been read again since it was journaled. */
static int publisher_add_retried(Publisher *publisher, View *view, uint64_t item) {
        StateKey key = state_key_seq(item);
        Bytes packed;
        int r;

        r = state_get(view_txn(view), STATE_RESOLVED, state_key_all(&key), &packed);
        if (r == STATE_E_NOT_FOUND) /* some of it waits still */
                r = state_get(view_txn(view), STATE_QUARANTINE, state_key_all(&key), &packed);
        if (r == STATE_E_NOT_FOUND)
                return item_has_expired(view, item) ? publisher_add_expired(publisher) : -EBADMSG;
        return r == 0 ? publisher_add_events(publisher, packed, ITEM_MESSAGE_ID, ITEM_EVENTS) : error_fold(r);
}

static int publisher_add_journaled(Publisher *publisher, View *view, const ViewOutcome *outcome) {
        JournalRecord record;
        int r;

        r = view_record(view, outcome->seq, &outcome->place, &record);
        if (r == JOURNAL_E_EXPIRED)
                return publisher_add_expired(publisher);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        return publisher_add_events(publisher, entry_submission(record.payload), SUBMISSION_MESSAGE_ID,
                                    SUBMISSION_EVENTS);
}

static PublishedEvent published_event(uint8_t *bytes, const Draft *draft) {
        const char *const texts = (const char *)bytes;

        return (PublishedEvent){
                .bytes = { .data = bytes + draft->event, .size = draft->event_size },
                .topic = texts + draft->topic,
                .type = draft->type ? texts + draft->type : "",
                .patient_id = draft->patient_id ? texts + draft->patient_id : "",
                .team = draft->team ? texts + draft->team : NULL,
                .only = draft->only ? texts + draft->only : NULL,
                .section = draft->section ? texts + draft->section : NULL,
                .about = draft->about ? texts + draft->about : NULL,
                .withdraws = draft->withdraws ? texts + draft->withdraws : NULL,
                .from_bus = draft->from_bus,
                .names_others = draft->names_others,
                .echo = draft->echo,
                .unconfirmed = draft->unconfirmed,
        };
}

static PublishedEntry *publisher_finish(Publisher *publisher) {
        const size_t n = publisher_n_drafts(publisher);
        const size_t head = sizeof(PublishedEntry) + n * sizeof(PublishedEvent);
        const size_t size = head + publisher->source.size + publisher->bytes.size;
        PublishedEntry *entry = malloc(size);
        uint8_t *bytes;

        if (!entry)
                return NULL;
        *entry = (PublishedEntry){
                .seq = publisher->seq, .received_at = publisher->received_at, .memory = size, .n_events = n
        };
        bytes = (uint8_t *)entry + head;
        if (publisher->bytes.size)
                memcpy(bytes, publisher->bytes.data, publisher->bytes.size);
        if (n > 0 && publisher->source.size)
                memcpy(bytes + publisher->bytes.size, publisher->source.data, publisher->source.size);
        entry->source = n > 0 ? bytes_of(bytes + publisher->bytes.size, publisher->source.size) : BYTES_NULL;
        for (size_t i = 0; i < n; i++) {
                Draft draft;
                memcpy(&draft, publisher->drafts.data + i * sizeof(draft), sizeof(draft));
                entry->events[i] = published_event(bytes, &draft);
        }
        return entry;
}

static int keep_mark(Bytes value, Buffer *marks) {
        Mark mark = { .packed = value };
        size_t offset = 0;
        WireField field;

        while (wire_field_next(value, &offset, &field) == 0)
                if (field.number == MARK_INDEX && field.wire_type == WIRE_VARINT)
                        mark.index = (uint32_t)field.value;
        buffer_append(marks, &mark, sizeof(mark));
        return marks->error;
}

static int keep_bytes(Bytes value, Buffer *list) {
        buffer_append(list, &value, sizeof(value));
        return list->error;
}

static int keep_index(uint64_t value, PublisherMarks *marks) {
        const uint32_t index = (uint32_t)value;

        buffer_append(&marks->indexes, &index, sizeof(index));
        return marks->indexes.error;
}

static int outcome_field(Publisher *publisher, const WireField *field) {
        const bool is_number = field->wire_type == WIRE_VARINT, is_bytes = field->wire_type == WIRE_BYTES;

        switch (field->number) {
        case VIEW_OUTCOME_PATIENT_IDS:
                return is_bytes ? keep_bytes(field->bytes, &publisher->patient_ids) : 0;
        case VIEW_OUTCOME_DERIVED:
                return is_bytes ? keep_bytes(field->bytes, &publisher->derived) : 0;
        case VIEW_OUTCOME_ECHOES:
                return is_bytes ? keep_mark(field->bytes, &publisher->echoes) : 0;
        case VIEW_OUTCOME_CORRECTIONS:
                return is_bytes ? keep_mark(field->bytes, &publisher->corrections) : 0;
        case VIEW_OUTCOME_CONFIRMS:
                return is_number ? keep_index(field->value, &publisher->confirms) : 0;
        case VIEW_OUTCOME_HELD:
                return is_number ? keep_index(field->value, &publisher->held) : 0;
        case VIEW_OUTCOME_UNCONFIRMED:
                return is_number ? keep_index(field->value, &publisher->unconfirmed) : 0;
        default:
                return 0;
        }
}

static void publisher_clear(Publisher *publisher) {
        PublisherMarks *const marks[] = { &publisher->confirms, &publisher->held, &publisher->unconfirmed };
        Buffer *const buffers[] = { &publisher->bytes,   &publisher->drafts, &publisher->patient_ids,
                                    &publisher->derived, &publisher->echoes, &publisher->corrections };

        for (size_t i = 0; i < ELEMENTSOF(marks); i++) {
                buffer_clear(&marks[i]->indexes);
                marks[i]->n_passed = 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(buffers); i++)
                buffer_clear(buffers[i]);
}

/* All that it says of its events, in one walk. */
static int publisher_read_outcome(Publisher *publisher, const ViewOutcome *outcome) {
        size_t offset = 0;
        WireField field;
        int r = 0;

        while (r == 0 && wire_field_next(outcome->packed, &offset, &field) == 0)
                r = outcome_field(publisher, &field);
        return r;
}

static int publisher_add_derived(Publisher *publisher) {
        int r = 0;

        for (size_t offset = 0; r == 0 && offset < publisher->derived.size; offset += sizeof(Bytes)) {
                Bytes derived;

                memcpy(&derived, publisher->derived.data + offset, sizeof(derived));
                r = add_derived(publisher, derived);
        }
        return r;
}

int publisher_entry(Publisher *publisher, View *view, uint64_t seq, PublishedEntry **ret) {
        ViewOutcome outcome;
        int r;

        r = view_outcome(view, seq, &outcome);
        if (r != 0)
                return r;
        publisher_clear(publisher);
        publisher->seq = seq;
        publisher->received_at = outcome.received_at;
        publisher->source = outcome.source;
        publisher->message_id = BYTES_NULL;
        publisher->belated = outcome.belated;
        publisher->loaded = outcome.loaded;
        if (outcome.event_count > 0) {
                r = publisher_read_outcome(publisher, &outcome);
                if (r == 0)
                        r = outcome.republishes ? publisher_add_retried(publisher, view, outcome.republishes)
                                                : publisher_add_journaled(publisher, view, &outcome);
                publisher->message_id = BYTES_NULL; /* the bus itself says what is derived */
                if (r == 0)
                        r = publisher_add_derived(publisher);
                if (r < 0)
                        return r;
        }
        *ret = publisher_finish(publisher);
        return *ret ? 0 : -ENOMEM;
}

/* ---- what is done with it ------------------------------------------------------------------------------------------ */

PublishedEntry *published_entry_free(PublishedEntry *entry) {
        for (size_t i = 0; entry && i < entry->n_events; i++)
                published_variants_free(&entry->events[i]);
        free(entry);
        return NULL;
}

const uint8_t *published_digest(PublishedBytes *bytes) {
        if (!bytes->hashed)
                sha256(bytes->data, bytes->size, bytes->digest);
        bytes->hashed = true;
        return bytes->digest;
}

const char *published_next(const char *text) {
        text += strlen(text) + 1;
        return *text ? text : NULL;
}

int publish_make_room(size_t size, uint8_t **ret_room, uint8_t **ret_data) {
        uint8_t *room = malloc(PUBLISH_ROOM + size);

        if (!room)
                return -ENOMEM;
        *ret_room = room;
        *ret_data = room + PUBLISH_ROOM;
        return 0;
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

static uint8_t *put_number_before(uint8_t *end, unsigned field, uint64_t value) {
        return wire_put_varint_before(wire_put_varint_before(end, value), field << 3 | WIRE_VARINT);
}

static uint8_t *put_length_before(uint8_t *end, unsigned field, size_t size) {
        return wire_put_varint_before(wire_put_varint_before(end, size), field << 3 | WIRE_BYTES);
}

Bytes publish_frame(PublishFrame kind, const PublishedBytes *event, const PublishAt *at) {
        uint8_t *const end = event->data + event->size;
        uint8_t *start = event->data;

        start = put_length_before(start, DELIVERY_EVENT, event->size);
        if (at->sent_before > 0)
                start = put_number_before(start, DELIVERY_SENT_BEFORE, at->sent_before);
        start = put_number_before(start, DELIVERY_PREV_INDEX, at->previous.index);
        start = put_number_before(start, DELIVERY_PREV_SEQ, at->previous.seq);
        start = put_number_before(start, DELIVERY_INDEX, at->place.index);
        start = put_number_before(start, DELIVERY_SEQ, at->place.seq);
        if (kind == PUBLISH_FEED)
                start = put_length_before(start, TO_READER_DELIVERY, (size_t)(end - start));
        return bytes_of(start, (size_t)(end - start));
}

void publish_frame_so_far(PublishFrame kind, const PublishedBytes *event, const PublishAt *at, Bytes so_far,
                          Buffer *ret) {
        const Bytes delivery = publish_frame(PUBLISH_LIVE, event, at);
        const size_t size = delivery.size + 1 + wire_varint_size(so_far.size) + so_far.size;

        if (kind == PUBLISH_FEED)
                wire_length(ret, TO_READER_DELIVERY, size);
        buffer_append_bytes(ret, delivery);
        wire_bytes(ret, DELIVERY_SO_FAR, so_far);
}

void publish_place(Place place, Buffer *ret) {
        wire_number(ret, DELIVERY_SEQ, place.seq);
        wire_number(ret, DELIVERY_INDEX, place.index);
        wire_number(ret, DELIVERY_PREV_SEQ, place.seq);
        wire_number(ret, DELIVERY_PREV_INDEX, place.index);
        wire_number(ret, DELIVERY_PLACE_ONLY, 1);
}
