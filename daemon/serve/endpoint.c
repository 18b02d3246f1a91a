/* Binding, unbinding and binding again; libzmq lets go of an address a moment after it was told. */
#include "daemon/serve/endpoint.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "daemon/link.h"

#define BIND_TRIES 100
#define BIND_PAUSE_NS 5000000L

void endpoint_deinit(Endpoint *endpoint) {
        zsocket_free(endpoint->socket);
        free(endpoint->address);
        free(endpoint->secret);
        *endpoint = ENDPOINT_NULL;
}

static int bind_once(const Endpoint *endpoint) {
        return endpoint->fd >= 0 ? zsocket_bind_fd(endpoint->socket, endpoint->address, endpoint->fd)
                                 : zsocket_bind(endpoint->socket, endpoint->address);
}

static int bind_patiently(const Endpoint *endpoint) {
        const struct timespec pause = { .tv_nsec = BIND_PAUSE_NS };
        int r = bind_once(endpoint);

        for (int i = 0; i < BIND_TRIES && r == ZSOCK_E_IN_USE; i++) {
                nanosleep(&pause, NULL);
                r = bind_once(endpoint);
        }
        return r;
}

/* Over tcp the key is who somebody is: without the bus's own there is no listener. */
static bool lacks_key(const EndpointWish *wish) {
        return text_starts_with(wish->address, "tcp://") && !wish->secret;
}

static int endpoint_open(Endpoint *endpoint, ZContext *context, const EndpointWish *wish, int fd) {
        const ZSocketOptions options = {
                .zap_domain = wish->domain,
                .curve_server_secret = wish->secret,
                .max_message_bytes = wish->max_message_bytes,
                .high_water = wish->high_water,
                .receive_high_water = wish->receive_high_water,
                .receive_buffer = wish->receive_buffer,
        };
        Endpoint made = ENDPOINT_NULL;
        int r;

        if (lacks_key(wish))
                return ZSOCK_E_NO_KEY;
        made.kind = wish->kind;
        made.fd = fd;
        made.address = strdup(wish->address);
        made.secret = wish->secret ? strdup(wish->secret) : NULL;
        if (!made.address || (wish->secret && !made.secret)) {
                endpoint_deinit(&made);
                return -ENOMEM;
        }
        r = zsocket_new(context, wish->kind, &options, &made.socket);
        if (r == 0)
                r = bind_patiently(&made);
        if (r != 0) {
                endpoint_deinit(&made);
                return r;
        }
        *endpoint = made;
        return 0;
}

static int wish_listener(const EndpointWish *wish) {
        int fd = wish->inherited ? link_inherited(wish->inherited) : -1;

        return fd >= 0 ? fd : -1;
}

/* An inherited listener needs no address: this says of what kind it is. */
static const char *wish_address(const EndpointWish *wish) {
        return wish->address || wish_listener(wish) < 0 ? wish->address : "tcp://0.0.0.0:0";
}

bool endpoint_fits(const Endpoint *endpoint, const EndpointWish *wish) {
        const char *address = wish_address(wish);

        if (!endpoint->socket || !address)
                return !endpoint->socket && !address;
        return text_equal(endpoint->address, address) && text_equal(endpoint->secret, wish->secret);
}

int endpoint_apply(Endpoint *endpoint, ZContext *context, const EndpointWish *wish) {
        EndpointWish wanted = *wish;

        if (endpoint_fits(endpoint, wish))
                return 0;
        endpoint_deinit(endpoint);
        wanted.address = wish_address(wish);
        return wanted.address ? endpoint_open(endpoint, context, &wanted, wish_listener(wish)) : 0;
}

int endpoint_renew(Endpoint *endpoint) {
        char address[256];
        int r;

        if (!endpoint->socket)
                return 0;
        r = zsocket_last_endpoint(endpoint->socket, address, sizeof(address));
        if (r == 0)
                r = zsocket_unbind(endpoint->socket, address);
        return r == 0 ? bind_patiently(endpoint) : r;
}

char *endpoint_failure(const char *address, int error) {
        char *sentence = NULL;
        const char *why;

        switch (error) {
        case -EAFNOSUPPORT:
        case -EPERM:
                why = "the daemon may not open a socket of its own here; start the socket unit that hands it over, "
                      "such as "
                      "carebusd-feed.socket, then the daemon";
                break;
        case ZSOCK_E_IN_USE:
                why = "something else listens there; stop it, or choose another address";
                break;
        case ZSOCK_E_BAD_ENDPOINT:
                why = "this host has no such address; correct it in the configuration";
                break;
        case ZSOCK_E_NO_KEY:
                why = "the bus's key is missing or is not one; make it with carebusctl key new bus";
                break;
        default:
                why = strerror(error < 0 ? -error : EIO);
                break;
        }
        return text_format(&sentence, "cannot listen on %s: %s", address, why) < 0 ? NULL : sentence;
}
