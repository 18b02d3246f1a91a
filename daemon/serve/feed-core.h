#pragma once
/*
 * What the feed asks of core for a reader: decisions are core's to journal. Asked over the control socket as the daemon's own user,
 * answered once the fold has carried the decision out, so that what the reader asks next is answered by it. For the files feed*.c only.
 */
#include "carebus/v1/control.pb-c.h"
#include "daemon/serve/feed-session.h"

typedef struct FeedCore FeedCore;

typedef enum FeedCoreKind {
        FEED_CORE_GRANT, /* answered by TeamAnswer */
        FEED_CORE_PARK,  /* by ParkAnswer */
        FEED_CORE_DONE,  /* by nothing */
} FeedCoreKind;

/* Who is to be answered, by the route that the question came by. */
typedef struct FeedCoreFor {
        FeedCoreKind kind;
        size_t socket;
        const ZRoute *route;
        uint32_t id;             /* the reader's */
        const AuditRefused *who; /* of a grant: as whom a refusal is audited; copied. NULL: it is not */
} FeedCoreFor;

FeedCore *feed_core_free(FeedCore *core);
/* Packs the request under a number of its own and sends it. What cannot be asked is answered at once. 0 or negative. */
int feed_core_ask(Feed *feed, const FeedCoreFor *asker, Carebus__V1__Request *request);
/* Takes core's answers, and answers readers whose decisions the fold has carried out by now, or whom nobody answers in time. */
int feed_core_work(Feed *feed, int64_t now);
/* To be polled; NULL before the first question. */
ZSocket *feed_core_socket(const Feed *feed);
/* Is somebody waiting? */
bool feed_core_waits(const Feed *feed);

/* ---- feed-request.c: break-glass, opened contact */

/* A question of a team's program that core decides; who asks has been looked at. Returns true when it is one. */
bool feed_request_is_for_core(const Carebus__V1__TeamRequest *request);
int feed_request_take(Feed *feed, const FeedCoreFor *asker, const char *user, const Carebus__V1__TeamRequest *request);

/* ---- feed-park.c: what a reader cannot deliver */

typedef struct FeedAgain FeedAgain;

int feed_park_take(Feed *feed, FeedSession *session, const Carebus__V1__Park *park);
int feed_park_resumed(Feed *feed, FeedSession *session, const Carebus__V1__Resumed *resumed);
/* What waits of this consumer, for Opened; in the arena of the message at hand. */
int feed_park_list(Feed *feed, const FeedSession *session, Carebus__V1__Parked ***ret, size_t *ret_n);
/* Sends again what somebody released, a share in a round, within the credit. *ret_more: there is more. 0, ZSOCK_E_AGAIN,
 * ZSOCK_E_UNREACHABLE, negative. */
int feed_park_deliver(Feed *feed, FeedSession *session, bool *ret_more);
void feed_park_end(FeedSession *session);
