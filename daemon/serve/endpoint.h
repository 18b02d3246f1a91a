#pragma once
/*
 * One listening socket of serve: its endpoint, its domain, and for tcp its key or inherited listener. One thread.
 */
#include "config/config.h"
#include "proto/zsock.h"

typedef struct Endpoint {
        ZSocket *socket;
        char *address; /* as bound */
        int fd;        /* inherited listener, or -1 */
        ZSocketKind kind;
        char *secret; /* CURVE; NULL on ipc */
} Endpoint;

#define ENDPOINT_NULL ((Endpoint){ .fd = -1 })

typedef struct EndpointWish {
        ZSocketKind kind;
        const char *address; /* NULL: there should be none, unless a listener is inherited */
        const char *domain;
        const char *secret;    /* tcp: the bus's own */
        const char *inherited; /* name of an inherited listener; may be NULL */
        int64_t max_message_bytes;
        int high_water;
        int receive_high_water, receive_buffer; /* ZSocketOptions */
} EndpointWish;

/* Is it so already? Else its connections end with endpoint_apply(). */
bool endpoint_fits(const Endpoint *endpoint, const EndpointWish *wish);
/* Makes the endpoint what it should be; one that is so already is left alone. 0, or a positive ZSOCK_E_*, or negative. */
int endpoint_apply(Endpoint *endpoint, ZContext *context, const EndpointWish *wish);
/* Ends every connection of it and listens again: who was let in has to ask anew. */
int endpoint_renew(Endpoint *endpoint);
void endpoint_deinit(Endpoint *endpoint);
/* A sentence for a person: what could not be bound, and what to do. On the heap, or NULL. */
char *endpoint_failure(const char *address, int error);
