/*
 * The query thread: one request, one reply. Only operators get past the handshake; who asks is looked at again each time.
 */
#include "daemon/serve/query.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/control/control.h"
#include "daemon/peer/identity.h"
#include "daemon/serve/query-parts.h"
#include "proto/wire.h"
#include "proto/validate.h"

#define REQUEST_FRAME_MAX (16 << 10)
#define ARENA_MAX (256U << 20)
#define RECEIVE_BATCH 64
#define IDLE_MS 1000

/* Fields of Reply. */
enum { REPLY_ID = 1, REPLY_ERROR = 2, REPLY_DETAIL = 3 };

typedef int (*QueryHandler)(Query *query, const Carebus__V1__Request *request, Buffer *out);

static const struct {
        Carebus__V1__Request__CommandCase command;
        QueryHandler handle;
} handlers[] = {
        { CAREBUS__V1__REQUEST__COMMAND_STATUS, query_status },
        { CAREBUS__V1__REQUEST__COMMAND_TAIL, query_tail },
        { CAREBUS__V1__REQUEST__COMMAND_TRACE, query_trace },
        { CAREBUS__V1__REQUEST__COMMAND_RECORD, query_record },
        { CAREBUS__V1__REQUEST__COMMAND_FIND, query_find },
        { CAREBUS__V1__REQUEST__COMMAND_QUARANTINE_LIST, query_quarantine_list },
        { CAREBUS__V1__REQUEST__COMMAND_QUARANTINE_SHOW, query_quarantine_show },
        { CAREBUS__V1__REQUEST__COMMAND_REVIEW_LIST, query_review_list },
        { CAREBUS__V1__REQUEST__COMMAND_IDENTITY_SHOW, query_identity_show },
        { CAREBUS__V1__REQUEST__COMMAND_CONVERGE, query_converge },
        { CAREBUS__V1__REQUEST__COMMAND_WHY, query_why },
        { CAREBUS__V1__REQUEST__COMMAND_AUDIT_WHO, query_audit_who },
        { CAREBUS__V1__REQUEST__COMMAND_RECEIPTS, query_receipts },
        { CAREBUS__V1__REQUEST__COMMAND_GRANT_LIST, query_grant_list },
        { CAREBUS__V1__REQUEST__COMMAND_SHARING_SHOW, query_sharing_show },
};

/* ---- what handlers use ---------------------------------------------------------------------------------------------- */

int query_refuse(Query *query, const char *reason, const char *detail) {
        query->error = reason;
        query->detail = detail;
        return QUERY_E_REFUSED;
}

int query_put(Buffer *out, unsigned number, const ProtobufCMessage *message) {
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *room;

        wire_length(out, number, size);
        room = buffer_reserve(out, size);
        if (!room)
                return -ENOMEM;
        protobuf_c_message_pack(message, room);
        buffer_advance(out, size);
        return 0;
}

int query_team(Query *query, const char *name, ssize_t *ret) {
        ssize_t team = name ? config_find_team(query->config, name) : -1;

        if (name && team < 0)
                return query_refuse(query, "unknown-team",
                                    "the configuration has no team of this name: `carebusctl status` lists them");
        *ret = team;
        return 0;
}

int query_entry(Query *query, uint64_t seq, const JournalPlace *hint, Carebus__V1__Entry **ret,
                JournalRecord *ret_record) {
        /* What core took in by the limits of the configuration that was in force then. */
        const ValidateLimits limits = {
                .max_frame = 64U << 20, .max_original = 64U << 20, .max_submissions = 1, .max_events = 65536
        };
        ValidateError error = VALIDATE_ERROR_NULL;
        int r;

        r = view_record(query->view, seq, hint, ret_record);
        if (r != 0)
                return r;
        r = validate_entry(ret_record->payload, &limits, query->arena, ret, &error);
        return r > 0 ? -EBADMSG : r;
}

void query_say_begin(Query *query, ssize_t team, Carebus__V1__AuditWay way) {
        const AuditReader reader = { .team = team >= 0 ? query->config->teams[team].name : NULL,
                                     .way = way,
                                     .peer = query->user };

        audit_say_begin(query->say, &reader);
}

int query_say_end(Query *query) {
        int r = audit_say_end(query->say);

        return r == AUDIT_SAY_E_WAIT
                       ? query_refuse(query, "no-room", "the disk is full: what cannot be audited is not given out")
                       : r;
}

void **query_array(Query *query, size_t n) {
        void **array = arena_alloc(query->arena, (n + 1) * sizeof(*array));

        if (array)
                memset(array, 0, (n + 1) * sizeof(*array));
        return array;
}

/* ---- one request ------------------------------------------------------------------------------------------------------ */

static int query_dispatch(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        for (size_t i = 0; i < ELEMENTSOF(handlers); i++)
                if (handlers[i].command == request->command_case)
                        return handlers[i].handle(query, request, out);
        return query_refuse(query, "unknown-command", "this is asked of the control socket, or of a newer carebusd");
}

static void query_put_error(Query *query, uint32_t id) {
        buffer_clear(&query->reply);
        wire_number(&query->reply, REPLY_ID, id);
        wire_text(&query->reply, REPLY_ERROR, query->error);
        wire_text(&query->reply, REPLY_DETAIL, query->detail);
}

int query_say_refused(Query *query, const Carebus__V1__Request *request, const char *code) {
        const AuditRefused refused = { .team = request ? control_request_text(request, "team") : NULL,
                                       .peer = query->user,
                                       .way = CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY,
                                       .code = code,
                                       .patient_id = request ? control_request_text(request, "patient_id") : NULL };

        return MIN(audit_say_refused(query->say, &refused), 0);
}

/* Fills query->reply. */
static int query_answer(Query *query, Bytes frame, const char *user) {
        ValidateError invalid = VALIDATE_ERROR_NULL;
        char detail[VALIDATE_DETAIL_SIZE];
        const Carebus__V1__Request *request = NULL;
        uint32_t id = 0;
        int r;

        arena_reset(query->arena);
        buffer_clear(&query->reply);
        query->error = query->detail = NULL;
        r = validate_request(frame, query->arena, &request, &invalid);
        if (r < 0)
                return r;
        if (r > 0) {
                validate_detail(&invalid, detail);
                query_refuse(query, validate_reason(&invalid), detail);
        } else {
                id = request->id;
                if (!identity_is_operator(user, query->config))
                        r = query_refuse(query, "not-allowed", "this user is not in operators: of the configuration");
                else {
                        wire_number(&query->reply, REPLY_ID, id);
                        r = query_dispatch(query, request, &query->reply);
                }
        }
        if (r < 0 || r == QUERY_E_LATER)
                return r;
        if (r == 0 && query->reply.size > QUERY_FRAME_MAX)
                r = query_refuse(query, "too-large", "the answer does not fit into one frame");
        if (r > 0) {
                log_event(LOG_QUERY_REFUSED, log_name("REASON", query->error), log_name("USER", user));
                r = query_say_refused(query, request, query->error);
                query_put_error(query, id);
        }
        return r < 0 ? r : query->reply.error;
}

static int query_receive(Query *query) {
        for (unsigned n = 0; n < RECEIVE_BATCH; n++) {
                ZFrame frame = ZFRAME_NULL;
                const char *user;
                ZRoute route;
                int r;

                r = zsocket_recv_routed(query->socket.socket, &route, &frame);
                if (r == ZSOCK_E_AGAIN)
                        return 0;
                if (r != 0)
                        return error_fold(r);
                user = zframe_user_id(&frame);
                query->asker = route;
                query->user = user;
                r = user ? query_answer(query, zframe_bytes(&frame), user) : 0;
                if (r == 0 && user)
                        /* Who does not wait for the answer does not get one. */
                        (void)zsocket_send_routed(query->socket.socket, &route, buffer_bytes(&query->reply));
                zframe_deinit(&frame);
                worker_tick(query->worker);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the thread --------------------------------------------------------------------------------------------------------- */

static int query_make_sharing(Query *query) {
        Sharing *sharing;
        int r = view_sharing(query->view, query->config, &sharing);

        if (r < 0)
                return r;
        sharing_unref(query->sharing);
        query->sharing = sharing;
        query->settings_mark = view_settings_mark(query->view);
        sight_set_sharing(query->sight, sharing, query->settings_mark);
        query_newest_forget(query);
        return 0;
}

static int query_take_config(Query *query, Config *config) {
        _cleanup_(freep) char *address = config_endpoint(config, "query");
        const EndpointWish wish = {
                .kind = ZSOCKET_ROUTER, .address = address, .domain = "query", .max_message_bytes = REQUEST_FRAME_MAX
        };
        _cleanup_(freep) char *failure = NULL;
        int r;

        if (!address)
                return -ENOMEM;
        r = endpoint_apply(&query->socket, query->worker->context, &wish);
        if (r != 0) {
                failure = endpoint_failure(address, r);
                return worker_report(query->worker, failure ? failure : "the query socket cannot be made");
        }
        config_ref(config);
        config_unref(query->config);
        query->config = config;
        r = view_renew(query->view);
        if (r == 0)
                r = query_make_sharing(query);
        /* It may be long until somebody asks, and what a reader holds on to makes the state grow. */
        view_rest(query->view);
        return r == 0 ? worker_report(query->worker, NULL) : r;
}

static int query_take_orders(Query *query) {
        ring_clear(query->worker->orders);
        for (;;) {
                _cleanup_(order_freep) Order *order = ring_pop(query->worker->orders);
                int r;

                if (!order)
                        return 0;
                if (order->kind == ORDER_STOP) {
                        query->stopping = true;
                        return 0;
                }
                r = query_take_config(query, order->config);
                if (r < 0)
                        return r;
        }
}

static void query_take_feeds(Query *query) {
        FeedStatus *status;

        ring_clear(query->worker->feed_status);
        while ((status = ring_pop(query->worker->feed_status))) {
                free(query->feeds);
                query->feeds = status;
        }
}

static int query_work(Query *query) {
        int r;

        r = view_renew(query->view);
        if (r == 0 && view_settings_mark(query->view) != query->settings_mark)
                r = query_make_sharing(query);
        if (r == 0)
                r = query_receive(query);
        view_rest(query->view);
        return r;
}

static int query_loop(Query *query) {
        while (!query->stopping) {
                ZPoll items[] = {
                        { .fd = ring_fd(query->worker->orders) },
                        { .fd = ring_fd(query->worker->feed_status) },
                        { .fd = ring_fd(query->worker->converge_told) },
                        { .socket = query->socket.socket },
                };
                int r = zpoll(items, query->socket.socket ? 4 : 3, IDLE_MS);

                if (r < 0)
                        return r;
                worker_tick(query->worker);
                r = audit_say_turn(query->say);
                if (r < 0)
                        return r;
                if (items[0].ready) {
                        r = query_take_orders(query);
                        if (r < 0)
                                return r;
                }
                if (items[1].ready)
                        query_take_feeds(query);
                if (items[2].ready && query->socket.socket) {
                        r = query_tell_converge(query);
                        if (r < 0)
                                return r;
                }
                r = query->config && !query->stopping && items[3].ready ? query_work(query) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static void query_deinit(Query *query) {
        endpoint_deinit(&query->socket);
        query_groups_deinit(&query->groups);
        free(query->feeds);
        buffer_deinit(&query->reply);
        buffer_deinit(&query->scratch);
        arena_free(query->arena);
        sharing_unref(query->sharing);
        config_unref(query->config);
        original_codec_free(query->codec);
        publisher_free(query->publisher);
        query_newest_forget(query);
        sight_free(query->sight);
        audit_say_free(query->say);
        view_free(query->view);
}

int query_run(Worker *worker) {
        _cleanup_(query_deinit) Query query = { .worker = worker, .socket = ENDPOINT_NULL };
        int r;

        r = view_new(worker->state, worker->journal_folder, &query.view);
        if (r == 0)
                r = publisher_new(&query.publisher);
        if (r == 0)
                r = sight_new(query.view, &query.sight);
        if (r == 0)
                r = audit_say_new(worker->audit, &clock_system, &query.say);
        if (r == 0)
                sight_set_audit(query.sight, worker->audit);
        if (r == 0)
                r = original_codec_new(&query.codec);
        if (r == 0)
                r = arena_new(&query.arena, ARENA_MAX);
        return r == 0 ? query_loop(&query) : r;
}
