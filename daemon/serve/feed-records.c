/*
 * Feeds of records. What there is to deliver stands in the team's ledger in the order of changes, so a snapshot is a
 * reading from the start, and whatever changes behind it stands at the end again. A record is read when it is
 * delivered; if it is then not what the ledger says, the ledger learns of it first and the delivery comes at its new
 * place. A reader who has taken all that there is, while the ledger is as of the newest entry, holds what the bus
 * holds: it is told with what sum.
 */
#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/read.h"
#include "daemon/serve/disclose.h"
#include "daemon/serve/feed-session.h"
#include "daemon/serve/gone.h"
#include "proto/wire.h"

#define SHARE_RECORDS 32 /* deliveries of one session in one round: each is put together for it */
#define SHARE_BYTES (512U << 10)
#define POINT_EVERY (100 * USEC_PER_MSEC) /* to a reader that has not acknowledged the one before */
#define LEDGER_SLICE (4 * USEC_PER_MSEC)
#define LEDGER_IDLE (30 * USEC_PER_SEC)

/* Fields of ToReader and Delivery. */
enum { TO_READER_DELIVERY = 2 };
enum {
        DELIVERY_SEQ = 1,
        DELIVERY_INDEX = 2,
        DELIVERY_PREV_SEQ = 3,
        DELIVERY_PREV_INDEX = 4,
        DELIVERY_RECORD = 11,
        DELIVERY_GONE = 12
};

/* ---- ledgers ----------------------------------------------------------------------------------------------------------- */

LedgerEyes feed_eyes(const Feed *feed, size_t team) {
        return (LedgerEyes){ .view = feed->view,
                             .sight = feed->sight,
                             .sharing = feed->sharing,
                             .team = team,
                             .arena = feed->records_arena };
}

int feed_records_arena(Feed *feed, Arena **ret) {
        int r = feed->records_arena ? 0 : arena_new(&feed->records_arena, FEED_RECORDS_MEMORY);

        if (r < 0)
                return r;
        arena_reset(feed->records_arena);
        *ret = feed->records_arena;
        return 0;
}

FeedLedger *feed_ledger_find(const Feed *feed, const char *team) {
        FeedLedger *ledger = feed->ledgers;

        while (ledger && !text_equal(ledger->team, team))
                ledger = ledger->next;
        return ledger;
}

static FeedLedger *ledger_end(FeedLedger *ledger) {
        if (ledger) {
                ledger_free(ledger->ledger);
                free(ledger);
        }
        return NULL;
}
DEFINE_CLEANUP(FeedLedger *, ledger_end)

int feed_ledger_get(Feed *feed, const char *team, FeedLedger **ret) {
        _cleanup_(ledger_endp) FeedLedger *ledger = NULL;
        _cleanup_(freep) char *folder = NULL;
        Arena *arena;
        LedgerEyes eyes;
        int r;

        *ret = feed_ledger_find(feed, team);
        if (*ret)
                return 0;
        r = feed_records_arena(feed, &arena);
        if (r < 0)
                return r;
        ledger = calloc(1, sizeof(*ledger));
        if (!ledger)
                return -ENOMEM;
        snprintf(ledger->team, sizeof(ledger->team), "%s", team);
        ledger->idle_since = clock_monotonic(&clock_system);
        eyes = feed_eyes(feed, (size_t)config_find_team(feed->config, team));
        r = text_format(&folder, "%s/records", feed->worker->serve_folder);
        if (r >= 0)
                r = ledger_open(folder, team, &eyes, &ledger->ledger);
        if (r < 0)
                return r;
        ledger->next = feed->ledgers;
        feed->ledgers = ledger;
        *ret = TAKE_PTR(ledger);
        return 0;
}

static void ledger_write(FeedLedger *ledger, int64_t now) {
        int r = ledger_save(ledger->ledger, now);

        if (r < 0 && !ledger->failing)
                log_event(LOG_LEDGER_NOT_WRITTEN, log_name("TEAM", ledger->team), log_errno(r));
        ledger->failing = r < 0;
}

static int ledger_work(Feed *feed, FeedLedger *ledger, int64_t now, bool *ret_more) {
        ssize_t team = config_find_team(feed->config, ledger->team);
        bool more = false;
        int r;

        if (team >= 0 && ledger->n_sessions > 0) {
                LedgerEyes eyes = feed_eyes(feed, (size_t)team);
                r = ledger_advance(ledger->ledger, &eyes, clock_monotonic(&clock_system) + LEDGER_SLICE, &more);
                if (r < 0)
                        return r;
        }
        ledger_write(ledger, now);
        *ret_more = *ret_more || more;
        return 0;
}

int feed_ledgers_work(Feed *feed, int64_t now, bool *ret_more) {
        for (FeedLedger **link = &feed->ledgers; *link;) {
                FeedLedger *ledger = *link;
                int r;

                if (ledger->n_sessions == 0 && now - ledger->idle_since > LEDGER_IDLE) {
                        *link = ledger->next;
                        ledger_save_last(ledger->ledger);
                        ledger_end(ledger);
                        continue;
                }
                r = ledger_work(feed, ledger, now, ret_more);
                if (r < 0)
                        return r;
                link = &ledger->next;
        }
        return 0;
}

void feed_ledgers_end(Feed *feed) {
        while (feed->ledgers) {
                FeedLedger *ledger = feed->ledgers;

                feed->ledgers = ledger->next;
                ledger_save_last(ledger->ledger);
                ledger_end(ledger);
        }
}

/* ---- a session ------------------------------------------------------------------------------------------------------------ */

void feed_records_begin(FeedSession *session, FeedLedger *ledger, Place place) {
        FeedRecords *records = &session->records;
        LedgerTable *table = ledger_table(ledger->ledger);

        *records = (FeedRecords){ .ledger = ledger, .opened_at = table->newest, .from_start = place.seq == 0 };
        ledger_cursor_add(table, &records->cursor, place);
        ledger->n_sessions++;
}

void feed_records_end(FeedSession *session) {
        FeedLedger *ledger = session->records.ledger;

        if (!ledger)
                return;
        ledger_cursor_remove(ledger_table(ledger->ledger), &session->records.cursor);
        ledger->n_sessions--;
        ledger->idle_since = clock_monotonic(&clock_system);
        session->records.ledger = NULL;
}

bool feed_records_can_go_on(const FeedSession *session) {
        return session->credit > 0 && session->records.cursor.next != LEDGER_NONE;
}

/* ---- deliveries ------------------------------------------------------------------------------------------------------------- */

/* A Delivery around `what`, which is already packed. */
static int send_delivery(Feed *feed, FeedSession *session, Place place, unsigned field, Bytes what) {
        _cleanup_(buffer_deinit) Buffer head = BUFFER_NULL;
        Buffer *frame = &feed->scratch;

        wire_number(&head, DELIVERY_SEQ, place.seq);
        wire_number(&head, DELIVERY_INDEX, place.index);
        wire_number(&head, DELIVERY_PREV_SEQ, session->sent.seq);
        wire_number(&head, DELIVERY_PREV_INDEX, session->sent.index);
        wire_length(&head, field, what.size);
        buffer_clear(frame);
        wire_length(frame, TO_READER_DELIVERY, head.size + what.size);
        buffer_append_bytes(frame, buffer_bytes(&head));
        buffer_append_bytes(frame, what);
        if (head.error < 0 || frame->error < 0)
                return -ENOMEM;
        return zsocket_send_routed(feed->sockets[session->socket].socket, &session->route, buffer_bytes(frame));
}

/* Whose record has it all, where it was joined to one that the team sees; NULL: it sees nothing of this person. */
static int who_answers(Feed *feed, const LedgerTable *table, const char *patient_id, Arena *arena, const char **ret) {
        uint32_t index = LEDGER_NONE;
        char *answers = NULL;
        LedgerId id;
        int r;

        r = identity_resolve(view_txn(feed->view), patient_id, arena, &answers);
        if (r < 0)
                return r;
        if (r == 0 && !text_equal(answers, patient_id) && ledger_id_parse(answers, &id) == 0)
                index = ledger_table_find(table, id);
        *ret = index != LEDGER_NONE && !ledger_entry_is_gone(&table->entries[index]) ? answers : NULL;
        return 0;
}

static int deliver_gone(Feed *feed, FeedSession *session, const LedgerEntry *entry) {
        char patient_id[LEDGER_ID_SIZE];
        Carebus__V1__RecordGone *gone;
        const char *answers;
        Arena *arena;
        Bytes packed;
        int r;

        ledger_id_format(ledger_entry_id(entry), patient_id);
        r = feed_records_arena(feed, &arena);
        if (r == 0)
                r = who_answers(feed, ledger_table(session->records.ledger->ledger), patient_id, arena, &answers);
        if (r == 0)
                r = gone_make(feed->sight, session->team, patient_id, entry->place_seq, answers, arena, &gone);
        if (r < 0)
                return r;
        packed = message_pack(&gone->base, arena);
        return packed.data ? send_delivery(feed, session, ledger_entry_place(entry), DELIVERY_GONE, packed) : -ENOMEM;
}

/* A record stands in the audit before it is sent; once in a session, whatever has to be tried again. */
static int say_record(Feed *feed, FeedSession *session, const LedgerEntry *entry) {
        const Place place = ledger_entry_place(entry);
        char patient_id[LEDGER_ID_SIZE];
        AuditItem item = { .place = { .seq = view_head(feed->view) },
                           .digest = entry->digest,
                           .rule = -1,
                           .settings = sight_settings_seq(feed->sight),
                           .record = true };
        int r;

        if (place_compare(place, session->audited) <= 0)
                return 0;
        ledger_id_format(ledger_entry_id(entry), patient_id);
        item.patient_id = bytes_of_text(patient_id);
        r = disclose_relationship(feed->sight, (ssize_t)session->team, patient_id, &item.relationship);
        if (r < 0)
                return r;
        feed_say_begin(feed, session, CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_RECORDS);
        audit_say_item(feed->say, &item);
        r = audit_say_end(feed->say);
        if (r == 0)
                session->audited = place;
        return r == AUDIT_SAY_E_WAIT ? ZSOCK_E_AGAIN : r;
}

/* 0 when it was sent or need not be, LEDGER_MOVED when its turn comes later; else as sending says. */
enum { LEDGER_MOVED = 256 };
static int deliver_entry(Feed *feed, FeedSession *session, uint32_t index, size_t *ret_size) {
        Ledger *ledger = session->records.ledger->ledger;
        const LedgerEntry *entry = &ledger_table(ledger)->entries[index];
        const Place place = ledger_entry_place(entry);
        LedgerEyes eyes = feed_eyes(feed, session->team);
        Bytes record = BYTES_NULL;
        int r;

        if (ledger_entry_is_gone(entry)) {
                if (session->records.from_start && place_compare(place, session->records.opened_at) <= 0)
                        return 0;
                r = deliver_gone(feed, session, entry);
        } else {
                r = ledger_read(ledger, &eyes, index, &record);
                if (r == LEDGER_E_MOVED)
                        return LEDGER_MOVED;
                if (r == 0)
                        r = say_record(feed, session, entry);
                if (r == 0)
                        r = send_delivery(feed, session, place, DELIVERY_RECORD, record);
        }
        if (r != 0)
                return r;
        session->sent = place;
        feed_session_delivered(feed, session);
        *ret_size = record.size;
        return 0;
}

static int deliver_share(Feed *feed, FeedSession *session, unsigned *ret_sent) {
        LedgerCursor *cursor = &session->records.cursor;
        const LedgerTable *table = ledger_table(session->records.ledger->ledger);
        size_t bytes = 0;

        for (*ret_sent = 0; feed_records_can_go_on(session) && *ret_sent < SHARE_RECORDS && bytes < SHARE_BYTES;
             (*ret_sent)++) {
                size_t size = 0;
                int r = deliver_entry(feed, session, cursor->next, &size);

                if (r == LEDGER_MOVED)
                        continue;
                if (r != 0)
                        return r;
                bytes += size;
                ledger_cursor_advance(table, cursor);
        }
        return 0;
}

/* ---- points of agreement -------------------------------------------------------------------------------------------------------- */

static int send_point(Feed *feed, FeedSession *session, FeedPoint *point) {
        Carebus__V1__SnapshotEnd end = CAREBUS__V1__SNAPSHOT_END__INIT;
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;

        end.has_seq = end.has_index = end.has_digest = end.has_persons = true;
        end.seq = point->place.seq;
        end.index = point->place.index;
        end.persons = point->persons;
        end.digest = (ProtobufCBinaryData){ .len = sizeof(point->sum.bytes), .data = point->sum.bytes };
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_SNAPSHOT_END;
        to.snapshot_end = &end;
        return feed_send(feed, session, &to);
}

static const FeedPoint *last_point(const FeedRecords *records) {
        return records->n_points > 0 ? &records->points[(records->n_points - 1) % FEED_POINTS] : NULL;
}

/* While much is written there would be one behind each entry: whoever is slow gets fewer. */
static bool is_too_soon(const FeedSession *session, int64_t now) {
        const FeedPoint *last = last_point(&session->records);

        return last && place_compare(session->acked, last->place) < 0 && now - session->records.point_at < POINT_EVERY;
}

int64_t feed_records_due(const FeedSession *session, int64_t now) {
        return session->records.ledger && session->records.point_due
                       ? MAX(session->records.point_at + POINT_EVERY - now, INT64_C(0))
                       : INT64_MAX;
}

/* Once for each state of the table that the reader has got to. */
static int say_point(Feed *feed, FeedSession *session) {
        FeedRecords *records = &session->records;
        Ledger *ledger = records->ledger->ledger;
        LedgerTable *table = ledger_table(ledger);
        const int64_t now = clock_monotonic(&clock_system);
        FeedPoint point;
        int r;

        records->point_due = false;
        if (records->cursor.next != LEDGER_NONE || !ledger_is_level(ledger, feed->view) || ledger_seq(ledger) == 0)
                return 0;
        point = (FeedPoint){ .place = ledger_table_point(table, ledger_seq(ledger)),
                             .sum = table->sum,
                             .persons = table->persons };
        if (last_point(records) && place_compare(last_point(records)->place, point.place) == 0)
                return 0;
        records->point_due = is_too_soon(session, now);
        if (records->point_due)
                return 0;
        r = send_point(feed, session, &point);
        if (r != 0)
                return r;
        records->points[records->n_points++ % FEED_POINTS] = point;
        records->point_at = now;
        session->sent = point.place;
        return 0;
}

int feed_records_deliver(Feed *feed, FeedSession *session, unsigned *ret_sent) {
        int r = deliver_share(feed, session, ret_sent);

        return r == 0 ? say_point(feed, session) : r;
}

static const FeedPoint *find_point(const FeedRecords *records, Place place) {
        for (size_t i = 0; i < MIN(records->n_points, (size_t)FEED_POINTS); i++)
                if (place_compare(records->points[i].place, place) == 0)
                        return &records->points[i];
        return NULL;
}

void feed_records_judge(FeedSession *session, Place place, Bytes digest) {
        FeedRecords *records = &session->records;
        const FeedPoint *point = find_point(records, place);

        if (!point)
                return;
        records->judged = place;
        records->judged_persons = point->persons;
        if (digest.size != sizeof(point->sum.bytes)) {
                records->verdict = FEED_UNKNOWN;
                return;
        }
        if (memcmp(digest.data, point->sum.bytes, digest.size) == 0) {
                records->verdict = FEED_EQUAL;
                records->equal_until_seq = place.seq;
                return;
        }
        if (records->verdict != FEED_DIFFERS)
                log_event(LOG_RECORDS_DIFFER, log_name("TEAM", session->consumer->team),
                          log_name("CONSUMER", session->consumer->name), log_number("SEQ", (int64_t)place.seq));
        records->verdict = FEED_DIFFERS;
}

const char *feed_verdict_name(FeedVerdict verdict) {
        static const char *const names[] = {
                [FEED_UNKNOWN] = "unknown", [FEED_EQUAL] = "equal", [FEED_DIFFERS] = "differs"
        };

        return names[verdict];
}
