/*
 * carebusctl converge: who of the readers of records holds what the bus holds. A reader that has acknowledged the
 * newest point of agreement with an equal digest is done; of one that differs the sums of 256 buckets are asked for,
 * then the persons of each bucket that differs.
 *
 * The ledger goes on meanwhile. What a reader has taken it says with each answer: only entries at or before that place are compared, and
 * of these the ledger knows what the reader was given.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "carebus/v1/control.pb-c.h"
#include "daemon/record/read.h"
#include "daemon/serve/feed-session.h"
#include "daemon/serve/record-cut.h"

#define DIFFERING_MAX 100
#define POLL_MS 20

typedef enum LineStage { LINE_POINT, LINE_SUMS, LINE_BUCKET, LINE_DONE } LineStage;

typedef struct Differing {
        char patient_id[LEDGER_ID_SIZE];
        const char *how;
        uint64_t since_seq, reader_seq;
} Differing;

/* One reader. */
typedef struct Line {
        char team[CURSOR_NAME_SIZE], consumer[CURSOR_NAME_SIZE];
        LineStage stage;
        const char *state;
        Place target; /* the newest change when it was asked */
        Place point;
        uint64_t persons, equal_until_seq;
        uint32_t compare_id;
        bool buckets[DIGEST_BUCKETS]; /* that differ and were not looked into */
        unsigned bucket;
        uint32_t *seen; /* entries that the reader has in this bucket */
        size_t n_seen, n_seen_room;
        Differing *differing;
        size_t n_differing;
        bool more;
} Line;

struct FeedConverge {
        FeedConverge *next;
        uint32_t ticket;
        int64_t until; /* monotonic */
        size_t n_lines;
        Line lines[];
};

/* ---- begin and end ----------------------------------------------------------------------------------------------------------- */

static FeedConverge *converge_free(FeedConverge *converge) {
        if (!converge)
                return NULL;
        for (size_t i = 0; i < converge->n_lines; i++) {
                free(converge->lines[i].seen);
                free(converge->lines[i].differing);
        }
        free(converge);
        return NULL;
}
DEFINE_CLEANUP(FeedConverge *, converge_free)

static bool is_meant(const ConvergeAsked *asked, const Consumer *consumer) {
        return consumer->records && (!asked->team[0] || text_equal(asked->team, consumer->team)) &&
               (!asked->consumer[0] || text_equal(asked->consumer, consumer->name));
}

static void line_init(Line *line, const Feed *feed, const Consumer *consumer) {
        const FeedLedger *ledger = feed_ledger_find(feed, consumer->team);

        snprintf(line->team, sizeof(line->team), "%s", consumer->team);
        snprintf(line->consumer, sizeof(line->consumer), "%s", consumer->name);
        line->target = ledger ? ledger_table(ledger->ledger)->newest : PLACE_NULL;
}

static int converge_begin(Feed *feed, const ConvergeAsked *asked, int64_t now) {
        FeedConverge *converge;
        size_t n = 0;

        for (size_t i = 0; cursors_at(feed->cursors, i); i++)
                n += is_meant(asked, cursors_at(feed->cursors, i));
        converge = calloc(1, sizeof(*converge) + n * sizeof(converge->lines[0]));
        if (!converge)
                return -ENOMEM;
        converge->ticket = asked->ticket;
        converge->until = now + asked->timeout;
        for (size_t i = 0; cursors_at(feed->cursors, i); i++)
                if (is_meant(asked, cursors_at(feed->cursors, i)))
                        line_init(&converge->lines[converge->n_lines++], feed, cursors_at(feed->cursors, i));
        converge->next = feed->converges;
        feed->converges = converge;
        return 0;
}

void feed_converge_end(Feed *feed) {
        while (feed->converges) {
                FeedConverge *converge = feed->converges;

                feed->converges = converge->next;
                converge_free(converge);
        }
}

/* ---- what differs -------------------------------------------------------------------------------------------------------------- */

static void line_done(Line *line, const char *state) {
        line->stage = LINE_DONE;
        line->state = state;
}

/* Since when: the ledger knows it of all that changed since it was begun; of the rest the newest of its facts says it. */
static uint64_t since_seq(Feed *feed, const FeedLedger *ledger, size_t team, const LedgerEntry *entry) {
        char patient_id[LEDGER_ID_SIZE];
        LedgerEyes eyes = feed_eyes(feed, team);
        Carebus__V1__Record *record;
        uint64_t newest = 0;

        if (entry->place_seq > ledger_since(ledger->ledger) || ledger_entry_is_gone(entry))
                return entry->place_seq;
        ledger_id_format(ledger_entry_id(entry), patient_id);
        arena_reset(eyes.arena);
        if (record_for_team(eyes.sight, (ssize_t)team, patient_id, eyes.arena, &record) != 0)
                return entry->place_seq;
        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t j = 0; j < record->sections[i]->n_facts; j++)
                        newest = MAX(newest, record->sections[i]->facts[j]->seq);
        return newest > 0 ? newest : entry->place_seq;
}

static int add_differing(Line *line, const Differing *differing) {
        if (line->n_differing == DIFFERING_MAX) {
                line->more = true;
                return 0;
        }
        if (!line->differing) {
                line->differing = calloc(DIFFERING_MAX, sizeof(*line->differing));
                if (!line->differing)
                        return -ENOMEM;
        }
        line->differing[line->n_differing++] = *differing;
        return 0;
}

static int note_seen(Line *line, uint32_t index) {
        if (line->n_seen == line->n_seen_room) {
                size_t n_room = line->n_seen_room ? 2 * line->n_seen_room : 512;
                uint32_t *seen = reallocarray(line->seen, n_room, sizeof(*seen));
                if (!seen)
                        return -ENOMEM;
                line->seen = seen;
                line->n_seen_room = n_room;
        }
        line->seen[line->n_seen++] = index;
        return 0;
}

/* Somebody whom the reader holds. */
static int compare_person(Feed *feed, FeedSession *session, Line *line, const Carebus__V1__PersonDigest *person) {
        const FeedLedger *ledger = session->records.ledger;
        const LedgerTable *table = ledger_table(ledger->ledger);
        Differing differing = { .reader_seq = person->seq };
        const LedgerEntry *entry = NULL;
        uint32_t index = LEDGER_NONE;
        LedgerId id;

        if (ledger_id_parse(person->patient_id, &id) == 0)
                index = ledger_table_find(table, id);
        if (index != LEDGER_NONE) {
                int r = note_seen(line, index);
                if (r < 0)
                        return r;
                entry = &table->entries[index];
                if (place_compare(ledger_entry_place(entry), line->point) > 0 ||
                    memcmp(entry->digest, person->digest.data, sizeof(entry->digest)) == 0)
                        return 0;
        }
        snprintf(differing.patient_id, sizeof(differing.patient_id), "%s", person->patient_id);
        differing.how = !entry || ledger_entry_is_gone(entry) ? "surplus" : "differs";
        differing.since_seq = entry ? since_seq(feed, ledger, session->team, entry) : 0;
        return add_differing(line, &differing);
}

static int by_index(const void *a, const void *b) {
        const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x == y ? 0 : x < y ? -1 : 1;
}

/* Whoever is in this bucket, and the reader said nothing of them. */
static int find_missing(Feed *feed, FeedSession *session, Line *line) {
        const FeedLedger *ledger = session->records.ledger;
        const LedgerTable *table = ledger_table(ledger->ledger);

        if (line->n_seen > 1)
                qsort(line->seen, line->n_seen, sizeof(*line->seen), by_index);
        for (uint32_t i = 0; i < table->n_entries; i++) {
                const LedgerEntry *entry = &table->entries[i];
                Differing differing = { .how = "missing" };
                int r;

                if (ledger_entry_is_gone(entry) || place_compare(ledger_entry_place(entry), line->point) > 0)
                        continue;
                ledger_id_format(ledger_entry_id(entry), differing.patient_id);
                if (digest_bucket(differing.patient_id) != line->bucket ||
                    (line->n_seen > 0 && bsearch(&i, line->seen, line->n_seen, sizeof(i), by_index)))
                        continue;
                differing.since_seq = since_seq(feed, ledger, session->team, entry);
                r = add_differing(line, &differing);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- asking ---------------------------------------------------------------------------------------------------------------------- */

static int ask(Feed *feed, FeedSession *session, Line *line, const unsigned *bucket) {
        Carebus__V1__Compare compare = CAREBUS__V1__COMPARE__INIT;
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
        int r;

        line->compare_id = ++feed->compare_id;
        compare.has_id = true;
        compare.id = line->compare_id;
        compare.has_bucket = bucket != NULL;
        compare.bucket = bucket ? *bucket : 0;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_COMPARE;
        to.compare = &compare;
        r = feed_send(feed, session, &to);
        if (r == ZSOCK_E_AGAIN)
                line->compare_id = 0; /* asked again in the next round */
        return MIN(r, 0);
}

static int ask_next_bucket(Feed *feed, FeedSession *session, Line *line) {
        line->stage = LINE_BUCKET;
        line->n_seen = 0;
        for (unsigned bucket = 0; bucket < DIGEST_BUCKETS && !line->more; bucket++)
                if (line->buckets[bucket]) {
                        line->bucket = bucket;
                        return ask(feed, session, line, &bucket);
                }
        line_done(line, line->n_differing > 0 ? "differs" : "equal");
        return 0;
}

static int take_sums(Feed *feed, FeedSession *session, Line *line, const Carebus__V1__Compared *compared) {
        _cleanup_(freep) DigestSum *sums = calloc(DIGEST_BUCKETS, sizeof(*sums));

        if (!sums)
                return -ENOMEM;
        line->point = (Place){ .seq = compared->seq, .index = compared->index };
        ledger_table_buckets(ledger_table(session->records.ledger->ledger), line->point, sums);
        for (unsigned i = 0; i < DIGEST_BUCKETS; i++)
                line->buckets[i] = memcmp(sums[i].bytes, compared->sums[i].data, sizeof(sums[i].bytes)) != 0;
        return ask_next_bucket(feed, session, line);
}

static int take_bucket(Feed *feed, FeedSession *session, Line *line, const Carebus__V1__Compared *compared) {
        int r = 0;

        line->point = (Place){ .seq = compared->seq, .index = compared->index };
        for (size_t i = 0; r == 0 && i < compared->n_persons; i++)
                r = compare_person(feed, session, line, compared->persons[i]);
        if (r < 0 || compared->more)
                return r;
        r = find_missing(feed, session, line);
        line->buckets[line->bucket] = false;
        return r < 0 ? r : ask_next_bucket(feed, session, line);
}

static bool answers(const Line *line, const FeedSession *session, const Carebus__V1__Compared *compared) {
        if (line->stage != LINE_SUMS && line->stage != LINE_BUCKET)
                return false;
        return line->compare_id == compared->id && text_equal(line->team, session->consumer->team) &&
               text_equal(line->consumer, session->consumer->name);
}

int feed_converge_take(Feed *feed, FeedSession *session, const Carebus__V1__Compared *compared) {
        if (!session->records.ledger || compared->id == 0)
                return 0;
        for (FeedConverge *converge = feed->converges; converge; converge = converge->next)
                for (size_t i = 0; i < converge->n_lines; i++) {
                        Line *line = &converge->lines[i];

                        if (!answers(line, session, compared))
                                continue;
                        if (line->stage == LINE_SUMS && compared->n_sums == DIGEST_BUCKETS)
                                return take_sums(feed, session, line, compared);
                        if (line->stage == LINE_BUCKET && compared->n_sums == 0 && compared->bucket == line->bucket)
                                return take_bucket(feed, session, line, compared);
                }
        return 0; /* too late, or nobody asked */
}

/* ---- rounds ------------------------------------------------------------------------------------------------------------------------ */

/* Has it judged a point that has all that there was when it was asked? */
static int line_at_point(Feed *feed, FeedSession *session, Line *line) {
        const FeedRecords *records = &session->records;

        if (records->judged.seq == 0 || place_compare(records->judged, line->target) < 0)
                return 0;
        line->point = records->judged;
        line->persons = records->judged_persons;
        line->equal_until_seq = records->equal_until_seq;
        if (records->verdict == FEED_EQUAL)
                line_done(line, "equal");
        else if (records->verdict == FEED_UNKNOWN)
                line_done(line, "not-compared");
        else {
                line->stage = LINE_SUMS;
                return ask(feed, session, line, NULL);
        }
        return 0;
}

static int line_work(Feed *feed, Line *line, bool late) {
        const Consumer *consumer = cursors_find(feed->cursors, line->team, line->consumer);
        FeedSession *session = consumer ? consumer->session : NULL;

        if (!session || !session->records.ledger) {
                line_done(line, line->stage == LINE_POINT ? "silent" : "differs");
                line->more = line->more || !text_equal(line->state, "silent");
                return 0;
        }
        if (late && line->stage == LINE_POINT)
                line_done(line, "behind");
        else if (late) {
                /* That it differs it has said itself; who they are it did not say. */
                line->more = true;
                line_done(line, "differs");
        } else if (line->stage == LINE_POINT)
                return line_at_point(feed, session, line);
        else if (line->compare_id == 0)
                return line->stage == LINE_SUMS ? ask(feed, session, line, NULL) : ask_next_bucket(feed, session, line);
        return 0;
}

/* ---- the answer -------------------------------------------------------------------------------------------------------------------- */

static int fill_line(const Line *line, Arena *arena, Carebus__V1__ConvergeLine *ret) {
        carebus__v1__converge_line__init(ret);
        ret->team = (char *)line->team;
        ret->consumer = (char *)line->consumer;
        ret->state = (char *)line->state;
        ret->has_seq = line->point.seq > 0;
        ret->seq = line->point.seq;
        ret->has_persons = line->point.seq > 0;
        ret->persons = line->persons;
        ret->has_equal_until_seq = line->equal_until_seq > 0;
        ret->equal_until_seq = line->equal_until_seq;
        ret->has_more = ret->more = line->more;
        ret->differing = arena_alloc(arena, (line->n_differing + 1) * sizeof(ret->differing[0]));
        if (!ret->differing)
                return -ENOMEM;
        for (; ret->n_differing < line->n_differing; ret->n_differing++) {
                const Differing *differing = &line->differing[ret->n_differing];
                Carebus__V1__DifferingPerson *person = arena_alloc(arena, sizeof(*person));
                if (!person)
                        return -ENOMEM;
                carebus__v1__differing_person__init(person);
                person->patient_id = (char *)differing->patient_id;
                person->how = (char *)differing->how;
                person->has_since_seq = differing->since_seq > 0;
                person->since_seq = differing->since_seq;
                person->has_reader_seq = differing->reader_seq > 0;
                person->reader_seq = differing->reader_seq;
                ret->differing[ret->n_differing] = person;
        }
        return 0;
}

static int tell(Feed *feed, const FeedConverge *converge) {
        Carebus__V1__ConvergeReply reply = CAREBUS__V1__CONVERGE_REPLY__INIT;
        _cleanup_(freep) ConvergeTold *told = NULL;
        size_t size;

        arena_reset(feed->arena);
        reply.lines = arena_alloc(feed->arena, (converge->n_lines + 1) * sizeof(reply.lines[0]));
        if (!reply.lines)
                return -ENOMEM;
        for (; reply.n_lines < converge->n_lines; reply.n_lines++) {
                Carebus__V1__ConvergeLine *line = arena_alloc(feed->arena, sizeof(*line));
                int r = line ? fill_line(&converge->lines[reply.n_lines], feed->arena, line) : -ENOMEM;
                if (r < 0)
                        return r;
                reply.lines[reply.n_lines] = line;
        }
        size = carebus__v1__converge_reply__get_packed_size(&reply);
        told = malloc(sizeof(*told) + size);
        if (!told)
                return -ENOMEM;
        *told = (ConvergeTold){ .ticket = converge->ticket, .size = size };
        carebus__v1__converge_reply__pack(&reply, told->packed);
        if (ring_push(feed->worker->converge_told, told))
                told = NULL;
        return 0;
}

static bool is_done(const FeedConverge *converge) {
        for (size_t i = 0; i < converge->n_lines; i++)
                if (converge->lines[i].stage != LINE_DONE)
                        return false;
        return true;
}

static int converge_work(Feed *feed, FeedConverge *converge, int64_t now) {
        for (size_t i = 0; i < converge->n_lines; i++) {
                Line *line = &converge->lines[i];
                int r = line->stage == LINE_DONE ? 0 : line_work(feed, line, now >= converge->until);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int take_asked(Feed *feed, int64_t now) {
        ring_clear(feed->worker->converge_asked);
        for (;;) {
                _cleanup_(freep) ConvergeAsked *asked = ring_pop(feed->worker->converge_asked);
                int r = asked ? converge_begin(feed, asked, now) : 0;
                if (!asked || r < 0)
                        return r;
        }
}

int feed_converge_work(Feed *feed, int64_t now, long *ret_timeout) {
        int r = take_asked(feed, now);

        for (FeedConverge **link = &feed->converges; r == 0 && *link;) {
                FeedConverge *converge = *link;

                r = converge_work(feed, converge, now);
                if (r < 0 || !is_done(converge)) {
                        link = &converge->next;
                        continue;
                }
                r = tell(feed, converge);
                *link = converge->next;
                converge_free(converge);
        }
        *ret_timeout = feed->converges ? POLL_MS : -1;
        return r;
}
