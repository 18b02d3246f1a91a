/* Sessions by route, sources by name. */
#include "daemon/peer/session.h"

#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

#define BUCKETS_AT_FIRST 64

struct Sessions {
        Session **buckets;
        size_t n_buckets; /* a power of two */
        size_t n_sessions;
        Session *closed;
};

int sessions_new(Sessions **ret) {
        _cleanup_(sessions_freep) Sessions *sessions = calloc(1, sizeof(*sessions));

        if (!sessions)
                return -ENOMEM;
        sessions->n_buckets = BUCKETS_AT_FIRST;
        sessions->buckets = calloc(sessions->n_buckets, sizeof(*sessions->buckets));
        if (!sessions->buckets)
                return -ENOMEM;
        *ret = TAKE_PTR(sessions);
        return 0;
}

Sessions *sessions_free(Sessions *sessions) {
        if (!sessions)
                return NULL;
        sessions_sweep(sessions);
        for (size_t i = 0; sessions->buckets && i < sessions->n_buckets; i++) {
                Session *next;
                for (Session *session = sessions->buckets[i]; session; session = next) {
                        next = session->next_in_table;
                        free(session);
                }
        }
        free(sessions->buckets);
        free(sessions);
        return NULL;
}

/* Routing ids are given out by libzmq, counting up from a random number: no peer chooses its bucket. */
static size_t bucket_of(uint8_t door, const ZRoute *route, size_t n_buckets) {
        uint64_t hash = 1469598103934665603ULL ^ door;

        for (size_t i = 0; i < route->size; i++)
                hash = (hash ^ route->data[i]) * 1099511628211ULL;
        return (size_t)(hash ^ hash >> 32) & (n_buckets - 1);
}

Session *sessions_find(const Sessions *sessions, uint8_t door, const ZRoute *route) {
        Session *session = sessions->buckets[bucket_of(door, route, sessions->n_buckets)];

        while (session && (session->door != door || !zroute_equal(&session->route, route)))
                session = session->next_in_table;
        return session;
}

static void sessions_grow(Sessions *sessions) {
        size_t n = sessions->n_buckets * 2;
        Session **buckets = calloc(n, sizeof(*buckets));

        if (!buckets)
                return; /* longer chains are slower, not wrong */
        for (size_t i = 0; i < sessions->n_buckets; i++) {
                Session *next;
                for (Session *session = sessions->buckets[i]; session; session = next) {
                        Session **bucket = &buckets[bucket_of(session->door, &session->route, n)];
                        next = session->next_in_table;
                        session->next_in_table = *bucket;
                        *bucket = session;
                }
        }
        free(sessions->buckets);
        sessions->buckets = buckets;
        sessions->n_buckets = n;
}

int sessions_add(Sessions *sessions, uint8_t door, const ZRoute *route, const char *identity, SourcePeer *source,
                 Session **ret) {
        Session *session = calloc(1, sizeof(*session)), **bucket;

        if (!session)
                return -ENOMEM;
        if (sessions->n_sessions >= sessions->n_buckets)
                sessions_grow(sessions);
        session->door = door;
        session->route = *route;
        snprintf(session->identity, sizeof(session->identity), "%s", identity);
        session->source = source;
        session->lane.group = &source->group;
        session->answering = 1;
        source->n_sessions++;
        bucket = &sessions->buckets[bucket_of(door, route, sessions->n_buckets)];
        session->next_in_table = *bucket;
        *bucket = session;
        sessions->n_sessions++;
        *ret = session;
        return 0;
}

void sessions_close(Sessions *sessions, Session *session) {
        Session **place = &sessions->buckets[bucket_of(session->door, &session->route, sessions->n_buckets)];

        if (session->closed)
                return;
        while (*place != session)
                place = &(*place)->next_in_table;
        *place = session->next_in_table;
        session->closed = true;
        session->next_closed = sessions->closed;
        sessions->closed = session;
        session->source->n_sessions--;
        sessions->n_sessions--;
}

void sessions_sweep(Sessions *sessions) {
        while (sessions->closed) {
                Session *session = sessions->closed;
                sessions->closed = session->next_closed;
                free(session);
        }
}

size_t sessions_count(const Sessions *sessions) {
        return sessions->n_sessions;
}

size_t sessions_count_identity(const Sessions *sessions, const char *identity) {
        size_t n = 0;

        for (size_t i = 0; i < sessions->n_buckets; i++)
                for (const Session *session = sessions->buckets[i]; session; session = session->next_in_table)
                        n += text_equal(session->identity, identity);
        return n;
}

void sessions_each(Sessions *sessions, void (*each)(Session *session, void *owner), void *owner) {
        for (size_t i = 0; i < sessions->n_buckets; i++) {
                Session *next;
                for (Session *session = sessions->buckets[i]; session; session = next) {
                        next = session->next_in_table;
                        each(session, owner);
                }
        }
}

static SourcePeer *source_peer_new(const ConfigSource *source) {
        SourcePeer *peer = calloc(1, sizeof(*peer));

        if (peer)
                snprintf(peer->name, sizeof(peer->name), "%s", source->name);
        return peer;
}

SourcePeer *source_peers_find(const SourcePeers *peers, const char *name) {
        for (size_t i = 0; i < peers->n_items; i++)
                if (peers->items[i] && text_equal(peers->items[i]->name, name))
                        return peers->items[i];
        return NULL;
}

int source_peers_update(SourcePeers *peers, const Config *config, int64_t now,
                        void (*gone)(SourcePeer *peer, void *owner), void *owner) {
        SourcePeer **items = calloc(config->n_sources + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_sources; i++) {
                SourcePeer *peer = source_peers_find(peers, config->sources[i].name);
                items[i] = peer ? peer : source_peer_new(&config->sources[i]);
                if (!items[i]) {
                        for (size_t k = 0; k < i; k++)
                                if (!source_peers_find(peers, items[k]->name))
                                        free(items[k]);
                        free(items);
                        return -ENOMEM;
                }
        }
        for (size_t i = 0; i < peers->n_items; i++)
                if (config_find_source(config, peers->items[i]->name) < 0) {
                        gone(peers->items[i], owner);
                        free(peers->items[i]);
                }
        for (size_t i = 0; i < config->n_sources; i++) {
                items[i]->index = i;
                quota_set_rate(&items[i]->quota, config->sources[i].messages_per_second, now);
        }
        free(peers->items);
        peers->items = items;
        peers->n_items = config->n_sources;
        return 0;
}

void source_peers_deinit(SourcePeers *peers) {
        for (size_t i = 0; i < peers->n_items; i++)
                free(peers->items[i]);
        free(peers->items);
        *peers = SOURCE_PEERS_NULL;
}
