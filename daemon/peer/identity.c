/* Text and numbers of who a peer is. */
#include "daemon/peer/identity.h"

#include <stdio.h>

#include "base/text.h"
#include "proto/zsock.h"

#define UID_OVERFLOW 65534

/* Digits before `*end`, down to a colon; moves `*end` onto that colon. */
static int number_from_right(Bytes text, size_t *end, uint64_t *ret) {
        size_t begin = *end;
        char digits[16];

        while (begin > 0 && text.data[begin - 1] != ':')
                begin--;
        if (begin == 0 || *end - begin >= sizeof(digits))
                return IDENTITY_E_ADDRESS;
        memcpy(digits, text.data + begin, *end - begin);
        digits[*end - begin] = '\0';
        if (text_to_u64(digits, ret) < 0)
                return IDENTITY_E_ADDRESS;
        *end = begin - 1;
        return 0;
}

int identity_uid_of_address(Bytes address, uid_t *ret) {
        uint64_t pid, gid, uid;
        size_t end = address.size;

        if (number_from_right(address, &end, &pid) != 0 || number_from_right(address, &end, &gid) != 0 ||
            number_from_right(address, &end, &uid) != 0)
                return IDENTITY_E_ADDRESS;
        /* An IPv6 address ends in colons and digits as well. The kernel's word stands behind a host name only. */
        if (memchr(address.data, ':', end) || pid > INT32_MAX || gid >= UINT32_MAX || uid >= UINT32_MAX)
                return IDENTITY_E_ADDRESS;
        if (uid == UID_OVERFLOW)
                return IDENTITY_E_NOBODY;
        *ret = (uid_t)uid;
        return 0;
}

int identity_of_handshake(Bytes mechanism, Bytes address, Bytes credential, char ret[IDENTITY_SIZE]) {
        if (bytes_equal_text(mechanism, "CURVE")) {
                char key[ZKEY_TEXT_SIZE];

                if (credential.size != 32 || zkey_encode(credential.data, key) != 0)
                        return IDENTITY_E_KEY;
                identity_of_key(key, ret);
                return 0;
        }
        if (bytes_equal_text(mechanism, "NULL")) {
                uid_t uid;
                int r = identity_uid_of_address(address, &uid);

                if (r == 0)
                        identity_of_uid(uid, ret);
                return r;
        }
        return IDENTITY_E_MECHANISM;
}

void identity_of_uid(uid_t uid, char ret[IDENTITY_SIZE]) {
        snprintf(ret, IDENTITY_SIZE, "unix:%u", (unsigned)uid);
}

void identity_of_key(const char *key, char ret[IDENTITY_SIZE]) {
        snprintf(ret, IDENTITY_SIZE, "key:%.*s", ZKEY_TEXT_SIZE - 1, key);
}

const char *identity_reason(int code) {
        switch (code) {
        case IDENTITY_E_ADDRESS:
                return "no-unix-user";
        case IDENTITY_E_NOBODY:
                return "hidden-unix-user";
        case IDENTITY_E_MECHANISM:
                return "not-curve";
        case IDENTITY_E_KEY:
                return "bad-key";
        default:
                return "not-allowed";
        }
}

bool identity_is(const char *identity, const ConfigPeer *peer) {
        char mine[IDENTITY_SIZE];

        if (!identity)
                return false;
        if (text_starts_with(identity, "key:"))
                return peer->key && text_equal(identity + 4, peer->key);
        identity_of_uid(peer->uid, mine);
        return text_equal(identity, mine);
}

bool identity_is_operator(const char *identity, const Config *config) {
        for (size_t i = 0; i < config->n_operators; i++)
                if (identity_is(identity, &(ConfigPeer){ .uid = config->operators[i] }))
                        return true;
        return false;
}
