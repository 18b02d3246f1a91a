#pragma once
/*
 * The one who is asked at every handshake (ZeroMQ's ZAP): a thread of its own that answers out of a table in memory. A
 * handler that is slow or silent blocks every handshake of the process, so it never waits on anything.
 *
 * Core and serve each run one with a table of their own.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "daemon/peer/identity.h"
#include "proto/zsock.h"

/* ---- the table: which identities each domain lets in. Built by one thread, then only read. */

typedef struct ZapTable ZapTable;

int zap_table_new(ZapTable **ret);
ZapTable *zap_table_free(ZapTable *table);
DEFINE_CLEANUP(ZapTable *, zap_table_free)
int zap_table_allow(ZapTable *table, const char *domain, const char *identity);        /* twice is once */
int zap_table_allow_peer(ZapTable *table, const char *domain, const ConfigPeer *peer); /* its unix user, and its key */
bool zap_table_allows(const ZapTable *table, const char *domain, const char *identity);

/* ---- one request, without sockets */

#define ZAP_FRAMES_MAX 8

typedef struct ZapAnswer {
        const char *status;           /* "200", "400", or "500" for a request that is none */
        const char *reason;           /* static reason code when it is not 200 */
        char domain[64];              /* as asked, cut */
        char identity[IDENTITY_SIZE]; /* "" where it could not be made out */
        Bytes request_id;             /* borrowed from the frames */
} ZapAnswer;
/* `frames` as received by a REP socket: version, request id, domain, address, routing id, mechanism, credentials. */
void zap_decide(const ZapTable *table, const Bytes *frames, size_t n_frames, ZapAnswer *ret);

/* ---- the thread */

typedef struct Zap Zap;

/* Binds and starts; takes the table, also when it fails. To be called before any other socket of the context is bound. */
int zap_start(ZContext *context, ZapTable *table, Zap **ret);
/* Ends the thread and waits for it. */
Zap *zap_stop(Zap *zap);
DEFINE_CLEANUP(Zap *, zap_stop)
/* From the thread that started it: another table from the next handshake on. Takes the table, also when it fails with
 * -EAGAIN (four are waiting). */
int zap_update(Zap *zap, ZapTable *table);
/* Refusals go to the audit as well (daemon/peer/refused.h). Before other sockets are bound; borrowed. */
void zap_tell_refusals(Zap *zap, int fd);
/* While quiet, refusals are neither logged nor told: around a self-test, whose stranger is no news. Any thread. */
void zap_set_quiet(Zap *zap, bool quiet);
/* Grows at least once a second while the thread lives. Any thread. */
uint64_t zap_progress(const Zap *zap);
/* 0, or the negative errno with which the thread gave up. Any thread. */
int zap_error(const Zap *zap);
