/* ZAP (RFC 27): who may come in, answered from memory. */
#include "daemon/peer/zap.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/doorbell.h"
#include "base/error.h"
#include "base/log.h"
#include "base/ring.h"
#include "base/text.h"
#include "daemon/peer/quota.h"
#include "daemon/peer/refused.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define TABLES_WAITING 4
#define WAKE_MS 500
#define TOLD_A_SECOND 5 /* refusals that are put into the audit; the log has its own limit */
#define REQUESTS_A_ROUND 64

typedef struct ZapRule {
        char *domain;
        char *identity;
} ZapRule;

struct ZapTable {
        ZapRule *rules;
        size_t n_rules;
};

struct Zap {
        pthread_t thread;
        ZSocket *socket;
        ZapTable *table;
        Ring *tables;
        int stop_bell;
        atomic_bool stop;
        atomic_bool quiet;
        Quota told;          /* strangers must not fill the disk with what is said of them */
        atomic_int refusals; /* where they are told; -1: nowhere */
        atomic_uint_fast64_t progress;
        atomic_int error;
};

int zap_table_new(ZapTable **ret) {
        ZapTable *table = calloc(1, sizeof(*table));

        if (!table)
                return -ENOMEM;
        *ret = table;
        return 0;
}

ZapTable *zap_table_free(ZapTable *table) {
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->n_rules; i++) {
                free(table->rules[i].domain);
                free(table->rules[i].identity);
        }
        free(table->rules);
        free(table);
        return NULL;
}

static int rule_compare(const ZapRule *rule, const char *domain, const char *identity) {
        int r = strcmp(rule->domain, domain);
        return r != 0 ? r : strcmp(rule->identity, identity);
}

/* Where the rule stands, or where it belongs. */
static size_t table_place(const ZapTable *table, const char *domain, const char *identity, bool *ret_found) {
        size_t low = 0, high = table->n_rules;

        *ret_found = false;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int r = rule_compare(&table->rules[middle], domain, identity);
                if (r == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (r < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

int zap_table_allow(ZapTable *table, const char *domain, const char *identity) {
        _cleanup_(freep) char *domain_copy = NULL, *identity_copy = NULL;
        ZapRule *rules;
        size_t place;
        bool found;

        place = table_place(table, domain, identity, &found);
        if (found)
                return 0;
        domain_copy = strdup(domain);
        identity_copy = strdup(identity);
        rules = reallocarray(table->rules, table->n_rules + 1, sizeof(*rules));
        if (rules)
                table->rules = rules;
        if (!rules || !domain_copy || !identity_copy)
                return -ENOMEM;
        memmove(rules + place + 1, rules + place, (table->n_rules - place) * sizeof(*rules));
        rules[place] = (ZapRule){ .domain = TAKE_PTR(domain_copy), .identity = TAKE_PTR(identity_copy) };
        table->n_rules++;
        return 0;
}

int zap_table_allow_peer(ZapTable *table, const char *domain, const ConfigPeer *peer) {
        char identity[IDENTITY_SIZE];
        int r;

        identity_of_uid(peer->uid, identity);
        r = zap_table_allow(table, domain, identity);
        if (r < 0 || !peer->key)
                return r;
        identity_of_key(peer->key, identity);
        return zap_table_allow(table, domain, identity);
}

bool zap_table_allows(const ZapTable *table, const char *domain, const char *identity) {
        bool found;

        table_place(table, domain, identity, &found);
        return found;
}

void zap_decide(const ZapTable *table, const Bytes *frames, size_t n_frames, ZapAnswer *ret) {
        Bytes mechanism, credential;
        int r;

        *ret = (ZapAnswer){ .status = "500",
                            .reason = "bad-request",
                            .request_id = n_frames > 1 ? frames[1] : BYTES_NULL };
        if (n_frames < 6 || !bytes_equal_text(frames[0], "1.0"))
                return;
        ret->status = "400";
        ret->reason = "unknown-domain";
        if (frames[2].size >= sizeof(ret->domain) || memchr(frames[2].data, '\0', frames[2].size))
                return;
        memcpy(ret->domain, frames[2].data, frames[2].size);
        mechanism = frames[5];
        credential = n_frames > 6 ? frames[6] : BYTES_NULL;
        r = identity_of_handshake(mechanism, frames[3], credential, ret->identity);
        if (r != 0) {
                ret->identity[0] = '\0';
                ret->reason = identity_reason(r);
                return;
        }
        if (!zap_table_allows(table, ret->domain, ret->identity)) {
                ret->reason = "not-allowed";
                return;
        }
        ret->status = "200";
        ret->reason = NULL;
}

static void zap_say_refused(Zap *zap, const ZapAnswer *answer) {
        if (atomic_load(&zap->quiet))
                return;
        log_event(LOG_PEER_REFUSED, log_name("DOMAIN", answer->domain), log_name("PEER", answer->identity),
                  log_name("REASON", answer->reason));
        if (quota_take(&zap->told, clock_monotonic(&clock_system)) > 0)
                return;
        refused_tell_handshake(atomic_load(&zap->refusals), answer->domain, answer->identity, answer->reason);
}

/* One request and its answer: 0, ZSOCK_E_AGAIN when there is none, or a negative errno. */
static int zap_serve_one(Zap *zap) {
        ZFrame frames[ZAP_FRAMES_MAX] = { 0 };
        Bytes bytes[ZAP_FRAMES_MAX];
        ZapAnswer answer;
        size_t n = 0;
        int r;

        r = zsocket_recv_parts(zap->socket, frames, ZAP_FRAMES_MAX, &n);
        for (size_t i = 0; i < n; i++)
                bytes[i] = zframe_bytes(&frames[i]);
        if (r == 0) {
                zap_decide(zap->table, bytes, n, &answer);
                const bool allowed = !answer.reason;
                if (!allowed)
                        zap_say_refused(zap,
                                        &answer); /* before the answer: who asked may end the quiet when it has it */
                r = zsocket_send_parts(zap->socket,
                                       (Bytes[]){
                                               BYTES_LITERAL("1.0"), answer.request_id, bytes_of_text(answer.status),
                                               bytes_of_text(allowed ? "OK" : answer.reason),
                                               allowed ? bytes_of_text(answer.identity) : BYTES_NULL,
                                               BYTES_NULL, /* no metadata */
                                       },
                                       6);
                r = error_fold(r);
        }
        for (size_t i = 0; i < ZAP_FRAMES_MAX; i++)
                zframe_deinit(&frames[i]);
        return r;
}

static void zap_take_tables(Zap *zap) {
        ZapTable *table;

        ring_clear(zap->tables);
        while ((table = ring_pop(zap->tables))) {
                zap_table_free(zap->table);
                zap->table = table;
        }
}

static void *zap_run(void *owner) {
        Zap *zap = owner;

        pthread_setname_np(pthread_self(),
                           "zap"); /* naming another thread is writing to its file, which a fence forbids */
        while (!atomic_load(&zap->stop)) {
                ZPoll polls[] = { { .socket = zap->socket }, { .fd = ring_fd(zap->tables) }, { .fd = zap->stop_bell } };
                int r = zpoll(polls, ELEMENTSOF(polls), WAKE_MS);

                /* A table that was handed over before this handshake holds for it. */
                zap_take_tables(zap);
                for (int i = 0; r >= 0 && i < REQUESTS_A_ROUND; i++) {
                        r = zap_serve_one(zap);
                        if (r == ZSOCK_E_AGAIN)
                                break;
                }
                atomic_fetch_add(&zap->progress, 1);
                if (r < 0) {
                        atomic_store(&zap->error, r);
                        break;
                }
        }
        return NULL;
}

static void table_release(void *table) {
        zap_table_free(table);
}

/* Everything but the thread. */
static Zap *zap_destroy(Zap *zap) {
        if (!zap)
                return NULL;
        zsocket_free(zap->socket);
        zap_table_free(zap->table);
        ring_free(zap->tables);
        if (zap->stop_bell >= 0)
                close(zap->stop_bell);
        free(zap);
        return NULL;
}
DEFINE_CLEANUP(Zap *, zap_destroy)

int zap_start(ZContext *context, ZapTable *table, Zap **ret) {
        _cleanup_(zap_destroyp) Zap *zap = calloc(1, sizeof(*zap));
        int r;

        if (!zap) {
                zap_table_free(table);
                return -ENOMEM;
        }
        zap->table = table;
        atomic_init(&zap->refusals, -1);
        quota_set_rate(&zap->told, TOLD_A_SECOND, clock_monotonic(&clock_system));
        zap->stop_bell = doorbell_new();
        if (zap->stop_bell < 0)
                return zap->stop_bell;
        r = ring_new(&zap->tables, TABLES_WAITING);
        if (r < 0)
                return r;
        ring_set_free(zap->tables, table_release);
        r = zsocket_new(context, ZSOCKET_REP, NULL, &zap->socket);
        if (r == 0)
                r = zsocket_bind(zap->socket, ZAP_ENDPOINT);
        if (r != 0)
                return error_fold(r);
        r = pthread_create(&zap->thread, NULL, zap_run, zap);
        if (r != 0)
                return -r;
        *ret = TAKE_PTR(zap);
        return 0;
}

Zap *zap_stop(Zap *zap) {
        if (!zap)
                return NULL;
        atomic_store(&zap->stop, true);
        doorbell_ring(zap->stop_bell);
        pthread_join(zap->thread, NULL);
        return zap_destroy(zap);
}

int zap_update(Zap *zap, ZapTable *table) {
        if (ring_push(zap->tables, table))
                return 0;
        zap_table_free(table);
        return -EAGAIN;
}

void zap_tell_refusals(Zap *zap, int fd) {
        atomic_store(&zap->refusals, fd);
}

void zap_set_quiet(Zap *zap, bool quiet) {
        atomic_store(&zap->quiet, quiet);
}

uint64_t zap_progress(const Zap *zap) {
        return atomic_load(&zap->progress);
}

int zap_error(const Zap *zap) {
        return atomic_load(&zap->error);
}
