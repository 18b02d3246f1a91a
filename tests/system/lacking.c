/*
 * Preloaded: the program finds itself without what CAREBUS_LACKS names: `network`, as in a unit that may make no socket of the internet, or
 * `curve`, as with a libzmq that was built without encryption.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef int (*Socket)(int domain, int type, int protocol);
typedef int (*CurveKeypair)(char *ret_public, char *ret_secret);

int zmq_curve_keypair(char *ret_public, char *ret_secret);

static int lacks(const char *what) {
        const char *lacking = getenv("CAREBUS_LACKS");

        return lacking && strcmp(lacking, what) == 0;
}

int socket(int domain, int type, int protocol) {
        Socket real;

        if (lacks("network") && (domain == AF_INET || domain == AF_INET6)) {
                errno = EAFNOSUPPORT;
                return -1;
        }
        *(void **)&real = dlsym(RTLD_NEXT, "socket");
        return real(domain, type, protocol);
}

int zmq_curve_keypair(char *ret_public, char *ret_secret) {
        CurveKeypair real;

        if (lacks("curve")) {
                errno = ENOTSUP;
                return -1;
        }
        *(void **)&real = dlsym(RTLD_NEXT, "zmq_curve_keypair");
        return real(ret_public, ret_secret);
}
