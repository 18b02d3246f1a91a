#pragma once
/*
 * Who a peer is, said by the transport and never by the message: "unix:<uid>" over ipc, "key:<z85>" over tcp. This text
 * is the User-Id that ZeroMQ hands over with every message of that peer.
 */
#include <sys/types.h>

#include "base/bytes.h"
#include "config/config.h"

#define IDENTITY_SIZE 48 /* "key:" and 40 characters of Z85, or "unix:" and ten digits, with a NUL */

/* Positive returns. */
enum {
        _IDENTITY_E_SUCCESS,
        IDENTITY_E_ADDRESS,   /* not ...:uid:gid:pid: nobody the kernel vouches for */
        IDENTITY_E_NOBODY,    /* uid 65534 stands for everybody whom a user namespace hides */
        IDENTITY_E_MECHANISM, /* neither the kernel (ipc) nor a key (CURVE) says who it is */
        IDENTITY_E_KEY,       /* not 32 bytes */
};

/* The address that ZAP carries for an ipc peer, `localhost:uid:gid:pid`, read from the right: what stands before may
 * itself contain anything but colons. */
int identity_uid_of_address(Bytes address, uid_t *ret);
/* Of one handshake: `mechanism`, `address` and `credential` as in a ZAP request. */
int identity_of_handshake(Bytes mechanism, Bytes address, Bytes credential, char ret[IDENTITY_SIZE]);
void identity_of_uid(uid_t uid, char ret[IDENTITY_SIZE]);
void identity_of_key(const char *key, char ret[IDENTITY_SIZE]);
/* Why a handshake was refused: a reason code for the log. Static text. */
const char *identity_reason(int code);

/* Whether this identity may act for what belongs to `peer`: its unix user, or its key. */
bool identity_is(const char *identity, const ConfigPeer *peer);
bool identity_is_operator(const char *identity, const Config *config);
