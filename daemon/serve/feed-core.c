#include "daemon/serve/feed-core.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/record/read.h"
#include "proto/validate.h"

#define ASKED_MAX 256 /* questions without an answer */
#define ANSWER_WITHIN (10 * USEC_PER_SEC)
#define REPLY_MAX (1U << 20)

typedef struct Asked {
        bool is_used;
        FeedCoreKind kind;
        size_t socket;
        ZRoute route;
        uint32_t id, reader_id; /* core's, the reader's */
        int64_t asked_at;       /* monotonic */
        uint64_t seq;           /* of the decision, once it is durable */
        char patient_id[64];    /* of a grant, */
        int64_t until_at;       /* likewise */
        AuditRefused who;       /* of a grant; its texts are the holder's */
} Asked;

struct FeedCore {
        ZSocket *socket;
        uint32_t id;
        size_t n_asked;
        Asked asked[ASKED_MAX];
};

static void who_forget(AuditRefused *who) {
        free((char *)(uintptr_t)who->team);
        free((char *)(uintptr_t)who->peer);
        free((char *)(uintptr_t)who->who);
        free((char *)(uintptr_t)who->system);
        free((char *)(uintptr_t)who->patient_id);
        *who = (AuditRefused){ 0 };
}

static int text_copy(const char *text, const char **ret) {
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

static int who_copy(const AuditRefused *who, AuditRefused *ret) {
        int r = text_copy(who->team, &ret->team);

        r = r ?: text_copy(who->peer, &ret->peer);
        r = r ?: text_copy(who->who, &ret->who);
        r = r ?: text_copy(who->system, &ret->system);
        r = r ?: text_copy(who->patient_id, &ret->patient_id);
        ret->way = who->way;
        return r;
}

FeedCore *feed_core_free(FeedCore *core) {
        if (!core)
                return NULL;
        for (size_t i = 0; i < ASKED_MAX; i++)
                who_forget(&core->asked[i].who);
        zsocket_free(core->socket);
        free(core);
        return NULL;
}

DEFINE_CLEANUP(FeedCore *, feed_core_free)

static int core_open(Feed *feed) {
        _cleanup_(feed_core_freep) FeedCore *core = NULL;
        _cleanup_(freep) char *endpoint = NULL;
        const ZSocketOptions options = { .max_message_bytes = REPLY_MAX };
        int r;

        if (feed->core)
                return 0;
        core = calloc(1, sizeof(*core));
        endpoint = config_endpoint(feed->config, "control");
        if (!core || !endpoint)
                return -ENOMEM;
        r = zsocket_new(feed->worker->context, ZSOCKET_DEALER, &options, &core->socket);
        if (r == 0)
                r = zsocket_connect(core->socket, endpoint);
        if (r != 0)
                return error_fold(r);
        feed->core = TAKE_PTR(core);
        return 0;
}

ZSocket *feed_core_socket(const Feed *feed) {
        return feed->core ? feed->core->socket : NULL;
}

bool feed_core_waits(const Feed *feed) {
        return feed->core && feed->core->n_asked > 0;
}

/* ---- answers to readers ---- */

static int answer_grant(Feed *feed, const Asked *asked, const char *error, const char *detail) {
        Carebus__V1__TeamAnswer answer = CAREBUS__V1__TEAM_ANSWER__INIT;
        Carebus__V1__GrantReply granted = CAREBUS__V1__GRANT_REPLY__INIT;
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;

        answer.has_id = true;
        answer.id = asked->reader_id;
        answer.error = (char *)error;
        answer.detail = (char *)detail;
        if (!error) {
                granted.patient_id = (char *)asked->patient_id;
                granted.has_seq = granted.has_until_at = true;
                granted.seq = asked->seq;
                granted.until_at = asked->until_at;
                answer.answer_case = CAREBUS__V1__TEAM_ANSWER__ANSWER_GRANTED;
                answer.granted = &granted;
        }
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_ANSWER;
        to.answer = &answer;
        return feed_send_to(feed, asked->socket, &asked->route, &to);
}

static int answer_park(Feed *feed, const Asked *asked, const char *error, uint64_t item) {
        Carebus__V1__ParkAnswer answer = CAREBUS__V1__PARK_ANSWER__INIT;
        Carebus__V1__ToReader to = CAREBUS__V1__TO_READER__INIT;

        answer.has_id = true;
        answer.id = asked->reader_id;
        answer.error = (char *)error;
        answer.has_seq = !error;
        answer.seq = item;
        to.message_case = CAREBUS__V1__TO_READER__MESSAGE_PARKED;
        to.parked = &answer;
        return feed_send_to(feed, asked->socket, &asked->route, &to);
}

/* What core refused stands nowhere else; what the fold refused is a decision, which is audited as such. */
static int audit_refusal(Feed *feed, const Asked *asked, const char *code) {
        AuditRefused refused = asked->who;

        if (!refused.team || asked->seq > 0)
                return 0;
        refused.code = code;
        return MIN(audit_say_refused(feed->say, &refused), 0);
}

/* Whoever does not wait for the answer does not get one. */
static int settle(Feed *feed, Asked *asked, const char *error, const char *detail, uint64_t item) {
        int r = error ? audit_refusal(feed, asked, error) : 0;

        if (r < 0)
                return r;
        if (feed->sockets[asked->socket].socket) {
                if (asked->kind == FEED_CORE_GRANT)
                        r = answer_grant(feed, asked, error, detail);
                else if (asked->kind == FEED_CORE_PARK)
                        r = answer_park(feed, asked, error, item);
        }
        who_forget(&asked->who);
        asked->is_used = false;
        feed->core->n_asked--;
        return MIN(r, 0);
}

/* ---- questions to core ---- */

static Asked *asked_free_place(FeedCore *core) {
        for (size_t i = 0; i < ASKED_MAX; i++)
                if (!core->asked[i].is_used)
                        return &core->asked[i];
        return NULL;
}

static int refuse_at_once(Feed *feed, const FeedCoreFor *asker) {
        Asked asked = { .kind = asker->kind, .socket = asker->socket, .route = *asker->route, .reader_id = asker->id };
        int r = asker->who ? who_copy(asker->who, &asked.who) : 0;

        feed->core->n_asked++;
        return r ?: settle(feed, &asked, "try-later", "many decisions wait: ask again after a moment", 0);
}

int feed_core_ask(Feed *feed, const FeedCoreFor *asker, Carebus__V1__Request *request) {
        Asked *asked;
        uint8_t *room;
        int r = core_open(feed);

        if (r < 0)
                return r;
        asked = asked_free_place(feed->core);
        if (!asked)
                return refuse_at_once(feed, asker);
        request->has_id = true;
        request->id = ++feed->core->id;
        buffer_clear(&feed->scratch);
        room = buffer_reserve(&feed->scratch, carebus__v1__request__get_packed_size(request));
        if (!room)
                return -ENOMEM;
        r = zsocket_send(feed->core->socket, bytes_of(room, carebus__v1__request__pack(request, room)));
        if (r == ZSOCK_E_AGAIN)
                return refuse_at_once(feed, asker);
        if (r != 0)
                return error_fold(r);
        *asked = (Asked){ .is_used = true,
                          .kind = asker->kind,
                          .socket = asker->socket,
                          .route = *asker->route,
                          .id = request->id,
                          .reader_id = asker->id,
                          .asked_at = clock_monotonic(&clock_system) };
        feed->core->n_asked++;
        return asker->who ? who_copy(asker->who, &asked->who) : 0;
}

/* ---- what core says ---- */

static Asked *asked_find(FeedCore *core, uint32_t id) {
        for (size_t i = 0; i < ASKED_MAX; i++)
                if (core->asked[i].is_used && core->asked[i].id == id)
                        return &core->asked[i];
        return NULL;
}

static int take_reply(Feed *feed, const Carebus__V1__Reply *reply) {
        Asked *asked = asked_find(feed->core, reply->id);

        if (!asked)
                return 0; /* too late */
        if (reply->error)
                return settle(feed, asked, reply->error, reply->detail, 0);
        if (reply->answer_case == CAREBUS__V1__REPLY__ANSWER_DECISION)
                asked->seq = reply->decision->seq;
        else if (reply->answer_case == CAREBUS__V1__REPLY__ANSWER_GRANTED) {
                asked->seq = reply->granted->seq;
                asked->until_at = reply->granted->until_at;
                snprintf(asked->patient_id, sizeof(asked->patient_id), "%s",
                         reply->granted->patient_id ? reply->granted->patient_id : "");
        }
        return asked->seq > 0 ? 0 : settle(feed, asked, "try-later", NULL, 0);
}

static int receive(Feed *feed) {
        static const ValidateLimits limits = { .max_frame = REPLY_MAX, .max_original = REPLY_MAX };

        for (;;) {
                _cleanup_(zframe_deinit) ZFrame frame = ZFRAME_NULL;
                const Carebus__V1__Reply *reply;
                int r = zsocket_recv(feed->core->socket, &frame);

                if (r != 0)
                        return r == ZSOCK_E_AGAIN ? 0 : error_fold(r);
                arena_reset(feed->arena);
                r = validate_reply(zframe_bytes(&frame), &limits, feed->arena, &reply, NULL);
                if (r == 0)
                        r = take_reply(feed, reply);
                if (r < 0)
                        return r;
        }
}

/* The fold may find what core did not see: the answer is what came of it. */
static int settle_folded(Feed *feed, Asked *asked) {
        Carebus__V1__Outcome *outcome;
        int r;

        arena_reset(feed->arena);
        r = outcome_read(view_txn(feed->view), asked->seq, feed->arena, &outcome);
        if (r != 0)
                return error_fold(r);
        return settle(feed, asked, outcome->refused, NULL, outcome->has_about_seq ? outcome->about_seq : asked->seq);
}

int feed_core_work(Feed *feed, int64_t now) {
        int r = feed_core_waits(feed) ? receive(feed) : 0;

        for (size_t i = 0; r == 0 && feed_core_waits(feed) && i < ASKED_MAX; i++) {
                Asked *asked = &feed->core->asked[i];

                if (!asked->is_used)
                        continue;
                if (asked->seq > 0 && asked->seq <= view_head(feed->view))
                        r = settle_folded(feed, asked);
                else if (now - asked->asked_at >= ANSWER_WITHIN)
                        r = settle(feed, asked, "try-later",
                                   "it was not answered in time and may have been decided all the same: look, then ask "
                                   "again",
                                   0);
        }
        return r;
}
