/*
 * The feed thread: takes what readers say, delivers in rounds, and sees that cursors get to disk.
 */
#include "daemon/serve/feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/serve/feed-core.h"
#include "daemon/serve/feed-session.h"

#define RECEIVE_BATCH 1024                 /* messages of one socket between two rounds of deliveries */
#define CURSORS_EVERY (50 * USEC_PER_MSEC) /* at most, one write */
#define CURSORS_AGAIN USEC_PER_SEC         /* after one that failed */
#define STATUS_EVERY (100 * USEC_PER_MSEC)
#define BLOCKED_MS 2 /* a connection that took nothing is tried again */
#define IDLE_MS 1000
#define HIGH_WATER 2048
#define ARENA_MAX (4U << 20)

/* ---- configuration ------------------------------------------------------------------------------------------------ */

/* Sessions end with the listener that they came by. */
static void feed_forget_sessions(Feed *feed, size_t socket) {
        for (size_t i = feed->n_sessions; i > 0; i--)
                if (feed->sessions[i - 1]->socket == socket)
                        feed_session_free(feed, feed->sessions[i - 1]);
}

static int feed_bind(Feed *feed, const Config *config, char **ret_failure) {
        _cleanup_(freep) char *address = config_endpoint(config, "feed");
        const EndpointWish ipc = { .kind = ZSOCKET_ROUTER,
                                   .address = address,
                                   .domain = "feed",
                                   .max_message_bytes = FEED_FRAME_MAX,
                                   .high_water = HIGH_WATER };
        EndpointWish tcp = ipc;
        int r;

        if (!address)
                return -ENOMEM;
        tcp.address = config->listen_feed;
        tcp.secret = config->bus_secret_key;
        tcp.inherited = "feed";
        r = endpoint_apply(&feed->sockets[0], feed->worker->context, &ipc);
        if (r != 0) {
                *ret_failure = endpoint_failure(address, r);
                return r;
        }
        if (!endpoint_fits(&feed->sockets[1], &tcp))
                feed_forget_sessions(feed, 1);
        r = endpoint_apply(&feed->sockets[1], feed->worker->context, &tcp);
        if (r != 0)
                *ret_failure = endpoint_failure(config->listen_feed ? config->listen_feed : "the inherited listener",
                                                r);
        return r;
}

static int feed_make_sharing(Feed *feed) {
        Sharing *sharing;
        int r = view_sharing(feed->view, feed->config, &sharing);

        if (r < 0)
                return r;
        sharing_unref(feed->sharing);
        feed->sharing = sharing;
        feed->settings_mark = view_settings_mark(feed->view);
        recent_forget(feed->recent);
        sight_set_sharing(feed->sight, sharing, feed->settings_mark);
        return 0;
}

/* Whoever may no longer read is told so and ends, which stands in the audit; the others keep their place. */
static int feed_check_sessions(Feed *feed) {
        for (size_t i = feed->n_sessions; i > 0; i--) {
                FeedSession *session = feed->sessions[i - 1];
                ssize_t team = config_find_team(feed->config, session->consumer->team);
                const AuditRefused refused = { .team = session->consumer->team,
                                               .peer = session->user,
                                               .way = session->records.ledger
                                                              ? CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_RECORDS
                                                              : CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_FEED,
                                               .code = "not-allowed" };
                int r = 0;

                if (team >= 0 && feed_may_open(feed, session->user, (size_t)team, session->consumer->name)) {
                        session->team = (size_t)team;
                        continue;
                }
                r = audit_say_refused(feed->say, &refused);
                feed_session_end(feed, session, "not-allowed", "this user or key may no longer read as that team");
                if (r < 0)
                        return r;
        }
        return 0;
}

static int feed_take_config(Feed *feed, Config *config) {
        _cleanup_(config_unrefp) Config *before = NULL;
        _cleanup_(freep) char *failure = NULL;
        int r;

        r = feed_bind(feed, config, &failure);
        if (r != 0) {
                _cleanup_(freep) char *ignored = NULL;
                int again = feed->config ? feed_bind(feed, feed->config, &ignored) : 0;
                if (again != 0)
                        return error_fold(again);
                return worker_report(feed->worker, failure ? failure : "the feed's sockets cannot be made");
        }
        before = feed->config;
        feed->config = config_ref(config);
        r = view_renew(feed->view);
        if (r == 0)
                r = feed_make_sharing(feed);
        if (r < 0)
                return r;
        r = feed_check_sessions(feed);
        return r < 0 ? r : worker_report(feed->worker, NULL);
}

static int feed_take_orders(Feed *feed) {
        ring_clear(feed->worker->orders);
        for (;;) {
                _cleanup_(order_freep) Order *order = ring_pop(feed->worker->orders);
                int r;

                if (!order)
                        return 0;
                if (order->kind == ORDER_STOP) {
                        feed->stopping = true;
                        return 0;
                }
                r = feed_take_config(feed, order->config);
                if (r < 0)
                        return r;
        }
}

/* ---- cursors -------------------------------------------------------------------------------------------------------- */

static void feed_write_cursors(Feed *feed, int64_t now) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;

        if (!feed->cursors_dirty || now - feed->written_at < (feed->cursors_failing ? CURSORS_AGAIN : CURSORS_EVERY))
                return;
        cursors_pack(feed->cursors, &packed);
        if (packed.error < 0 || cursor_writer_give(feed->writer, &packed) < 0)
                return; /* the one before is not done: next time */
        feed->cursors_dirty = false;
        feed->writes_begun++;
        feed->written_at = now;
}

static void feed_take_written(Feed *feed) {
        int result;

        if (!cursor_writer_done(feed->writer, &result))
                return;
        if (result < 0) {
                feed->cursors_dirty = true;
                if (!feed->cursors_failing)
                        log_event(LOG_CURSORS_NOT_WRITTEN, log_errno(result));
                feed->cursors_failing = true;
                return;
        }
        if (feed->cursors_failing)
                log_event(LOG_CURSORS_WRITTEN_AGAIN);
        feed->cursors_failing = false;
        feed->writes_done = feed->writes_begun;
}

static int feed_answer_acks(Feed *feed) {
        for (size_t i = feed->n_sessions; i > 0; i--) {
                FeedSession *session = feed->sessions[i - 1];
                Carebus__V1__AckAnswer answer = CAREBUS__V1__ACK_ANSWER__INIT;
                Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;
                int r;

                if (!session->answer_due || feed->writes_done < session->answer_after)
                        continue;
                answer.has_seq = answer.has_index = true;
                answer.seq = session->acked.seq;
                answer.index = session->acked.index;
                answer.digest = (char *)feed_verdict_name(place_compare(session->records.judged, session->acked) == 0
                                                                  ? session->records.verdict
                                                                  : FEED_UNKNOWN);
                to.message_case = CAREBUS__V1__TO_READER__MESSAGE_ACK_ANSWER;
                to.ack_answer = &answer;
                r = feed_send(feed, session, &to);
                if (r < 0)
                        return r;
                if (r == ZSOCK_E_UNREACHABLE)
                        feed_session_free(feed, session);
                else if (r == 0)
                        session->answer_due = false;
        }
        return 0;
}

/* A file that is not whole cannot be believed; it is kept for whoever looks into it. */
static int feed_load_cursors(Feed *feed, const char *path) {
        char aside[PATH_MAX];
        int r = cursors_load(feed->cursors, path);

        if (r != -EBADMSG)
                return r;
        if (snprintf(aside, sizeof(aside), "%s.damaged", path) >= (int)sizeof(aside))
                return -ENAMETOOLONG;
        if (rename(path, aside) < 0)
                return -errno;
        log_event(LOG_CURSORS_DAMAGED, log_name("PATH", aside));
        return 0;
}

/* ---- status --------------------------------------------------------------------------------------------------------- */

/* Who never acknowledged begins where its session did. */
static void feed_tell_place(const Consumer *consumer, FeedStatusItem *item) {
        const FeedSession *session = consumer->session;
        Place begin = consumer->acked;

        if (begin.seq == 0 && session)
                begin = session->acked;
        /* An entry that changes no record of the team has no place in its stream, and leaves nothing to acknowledge. */
        if (session && session->records.ledger && session->records.cursor.next == LEDGER_NONE &&
            place_compare(consumer->acked, session->sent) >= 0)
                item->level_seq = ledger_seq(session->records.ledger->ledger);
        item->delivered = consumer->delivered;
        item->begin_seq = begin.seq;
        item->begin_index = begin.index;
}

/* What is not taken there is left out: the next word is newer. */
static void feed_tell_figures(const Feed *feed, const FeedStatus *status) {
        const size_t size = sizeof(*status) + status->n_items * sizeof(status->items[0]);
        _cleanup_(freep) FeedStatus *copy = feed->worker->feed_figures ? malloc(size) : NULL;

        if (!copy)
                return;
        memcpy(copy, status, size);
        if (ring_push(feed->worker->feed_figures, copy))
                copy = NULL;
}

static void feed_tell_status(Feed *feed, int64_t now) {
        _cleanup_(freep) FeedStatus *status = NULL;
        size_t n = 0;

        if ((!feed->status_dirty && feed->status_head == view_head(feed->view)) || now - feed->status_at < STATUS_EVERY)
                return;
        while (cursors_at(feed->cursors, n))
                n++;
        status = calloc(1, sizeof(*status) + n * sizeof(status->items[0]));
        if (!status)
                return;
        status->n_items = n;
        for (size_t i = 0; i < n; i++) {
                const Consumer *consumer = cursors_at(feed->cursors, i);
                FeedStatusItem *item = &status->items[i];
                snprintf(item->team, sizeof(item->team), "%s", consumer->team);
                snprintf(item->consumer, sizeof(item->consumer), "%s", consumer->name);
                item->seq = consumer->acked.seq;
                item->index = consumer->acked.index;
                item->open = consumer->session != NULL;
                item->acked_at = consumer->acked_at;
                feed_tell_place(consumer, item);
        }
        feed_tell_figures(feed, status);
        if (!ring_push(feed->worker->feed_status, status))
                return;
        status = NULL;
        feed->status_dirty = false;
        feed->status_head = view_head(feed->view);
        feed->status_at = now;
}

/* ---- the thread ------------------------------------------------------------------------------------------------------ */

static int feed_receive(Feed *feed, size_t socket) {
        for (unsigned n = 0; n < RECEIVE_BATCH; n++) {
                ZFrame frame = ZFRAME_NULL;
                ZRoute route;
                int r;

                if (!feed->sockets[socket].socket)
                        return 0;
                r = zsocket_recv_routed(feed->sockets[socket].socket, &route, &frame);
                if (r == ZSOCK_E_AGAIN)
                        return 0;
                if (r != 0)
                        return error_fold(r);
                r = feed_handle(feed, socket, &route, &frame);
                zframe_deinit(&frame);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int feed_work(Feed *feed, bool *ret_more) {
        const int64_t now = clock_monotonic(&clock_system);
        bool more_records = false;
        int r;

        r = view_renew(feed->view);
        if (r == 0 && view_settings_mark(feed->view) != feed->settings_mark)
                r = feed_make_sharing(feed);
        r = r ?: feed_forget_look(feed);
        for (size_t i = 0; r == 0 && i < FEED_SOCKETS; i++)
                r = feed_receive(feed, i);
        if (r == 0)
                r = feed_core_work(feed, now);
        if (r == 0)
                r = feed_ledgers_work(feed, now, &more_records);
        if (r == 0)
                r = feed_deliver_round(feed, ret_more);
        if (r == 0)
                r = feed_converge_work(feed, now, &feed->converge_timeout);
        if (r < 0)
                return r;
        *ret_more = *ret_more || more_records;
        feed_take_written(feed);
        feed_write_cursors(feed, now);
        r = feed_answer_acks(feed);
        if (r == 0)
                r = MIN(audit_say_turn(feed->say), 0);
        feed_tell_status(feed, now);
        view_rest(feed->view);
        return r;
}

static long feed_timeout(const Feed *feed, bool more) {
        const int64_t now = clock_monotonic(&clock_system);
        int64_t left = IDLE_MS * USEC_PER_MSEC;

        if (more)
                return 0;
        for (size_t i = 0; i < feed->n_sessions; i++)
                if (feed->sessions[i]->blocked)
                        return BLOCKED_MS;
        for (size_t i = 0; i < feed->n_sessions; i++)
                left = MIN(left, feed_records_due(feed->sessions[i], now));
        if (feed->converge_timeout >= 0)
                left = MIN(left, feed->converge_timeout * USEC_PER_MSEC);
        if (feed->cursors_dirty)
                left = MIN(left, feed->written_at + (feed->cursors_failing ? CURSORS_AGAIN : CURSORS_EVERY) - now);
        if (feed->status_dirty)
                left = MIN(left, feed->status_at + STATUS_EVERY - now);
        return (long)MAX((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC, INT64_C(1));
}

static int feed_loop(Feed *feed) {
        bool more = false;

        while (!feed->stopping) {
                ZPoll items[5 + FEED_SOCKETS] = {
                        { .fd = ring_fd(feed->worker->orders) },
                        { .fd = feed->doorbell },
                        { .fd = cursor_writer_fd(feed->writer) },
                        { .fd = ring_fd(feed->worker->converge_asked) },
                };
                size_t n_items = 4;
                int r;

                for (size_t i = 0; i < FEED_SOCKETS; i++)
                        if (feed->sockets[i].socket)
                                items[n_items++].socket = feed->sockets[i].socket;
                if (feed_core_socket(feed))
                        items[n_items++].socket = feed_core_socket(feed);
                r = zpoll(items, n_items, feed_timeout(feed, more));
                if (r < 0)
                        return r;
                worker_tick(feed->worker);
                worker_clear_doorbell(feed->doorbell);
                if (items[0].ready) {
                        r = feed_take_orders(feed);
                        if (r < 0)
                                return r;
                }
                more = false;
                r = feed->config ? feed_work(feed, &more) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What was acknowledged last is written too: the writer waits for one, then takes the last. */
static void feed_finish(Feed *feed) {
        _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL;

        if (!feed->cursors_dirty && feed->writes_done == feed->writes_begun)
                return;
        cursors_pack(feed->cursors, &packed);
        if (packed.error == 0)
                cursor_writer_give_last(feed->writer, &packed);
}

static void feed_deinit(Feed *feed) {
        while (feed->n_sessions > 0)
                feed_session_free(feed, feed->sessions[feed->n_sessions - 1]);
        free(feed->sessions);
        feed_converge_end(feed);
        feed_core_free(feed->core);
        feed_ledgers_end(feed);
        for (size_t i = 0; i < FEED_SOCKETS; i++)
                endpoint_deinit(&feed->sockets[i]);
        cursor_writer_stop(feed->writer);
        cursors_free(feed->cursors);
        closep(&feed->doorbell);
        buffer_deinit(&feed->scratch);
        arena_free(feed->arena);
        arena_free(feed->records_arena);
        buffer_deinit(&feed->frames);
        buffer_deinit(&feed->ready);
        recent_free(feed->recent);
        sight_free(feed->sight);
        audit_say_free(feed->say);
        sharing_unref(feed->sharing);
        config_unref(feed->config);
        view_free(feed->view);
}

static int feed_init(Feed *feed) {
        _cleanup_(freep) char *path = NULL;
        int r;

        feed->doorbell = worker_watch_doorbell(feed->worker->core_doorbell);
        if (feed->doorbell < 0)
                return feed->doorbell;
        r = view_new(feed->worker->state, feed->worker->journal_folder, &feed->view);
        if (r == 0)
                r = recent_new(feed->view, &feed->recent);
        if (r == 0)
                r = sight_new(feed->view, &feed->sight);
        if (r == 0)
                r = audit_say_new(feed->worker->audit, &clock_system, &feed->say);
        if (r == 0)
                r = arena_new(&feed->arena, ARENA_MAX);
        if (r == 0)
                r = cursors_new(&feed->cursors);
        if (r == 0)
                r = folder_make(feed->worker->serve_folder, 0700);
        if (r == 0)
                r = text_format(&path, "%s/cursors", feed->worker->serve_folder);
        if (r >= 0)
                r = feed_load_cursors(feed, path);
        if (r == 0)
                r = cursor_writer_start(path, &feed->writer);
        if (r == 0)
                sight_set_audit(feed->sight, feed->worker->audit);
        feed->status_dirty = true;
        return r;
}

int feed_run(Worker *worker) {
        _cleanup_(feed_deinit) Feed feed = {
                .worker = worker, .doorbell = -1, .converge_timeout = -1, .sockets = { ENDPOINT_NULL, ENDPOINT_NULL }
        };
        int r;

        r = feed_init(&feed);
        if (r == 0)
                r = feed_loop(&feed);
        if (r == 0)
                feed_finish(&feed);
        return r;
}
