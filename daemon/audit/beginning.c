/* Where the chain begins: one line of JSON behind a line that names its version. */
#include "daemon/audit/beginning.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "daemon/audit/anchor.h"
#include "daemon/audit/walk.h"
#include "proto/wire.h"

/* Fields of AuditBeginning; what is signed is all but the signature, packed. */
enum {
        BEGINNING_NUMBER = 1,
        BEGINNING_AT = 2,
        BEGINNING_CHAIN = 3,
        BEGINNING_KEY = 4,
        BEGINNING_CARRIED = 6,
        BEGINNING_REMOVED_AT = 7
};

#define FILE_BYTES_MAX 2048u

static void signed_bytes(const AuditBeginning *beginning, Buffer *ret) {
        wire_number(ret, BEGINNING_NUMBER, beginning->number);
        wire_number(ret, BEGINNING_AT, (uint64_t)beginning->at);
        wire_bytes(ret, BEGINNING_CHAIN, bytes_of(beginning->chain, sizeof(beginning->chain)));
        wire_bytes(ret, BEGINNING_KEY, bytes_of(beginning->key, sizeof(beginning->key)));
        wire_bytes(ret, BEGINNING_CARRIED, bytes_of(beginning->carried, sizeof(beginning->carried)));
        wire_number(ret, BEGINNING_REMOVED_AT, (uint64_t)beginning->removed_at);
}

int audit_beginning_sign(AuditBeginning *beginning, const SignKey *key) {
        _cleanup_(buffer_deinit) Buffer message = BUFFER_NULL;
        int r = sign_key_id(key, beginning->key);

        if (r < 0)
                return r;
        signed_bytes(beginning, &message);
        return message.error < 0 ? message.error : signature_make(key, buffer_bytes(&message), beginning->signature);
}

bool audit_beginning_holds(const AuditBeginning *beginning, const SignKey *key) {
        _cleanup_(buffer_deinit) Buffer message = BUFFER_NULL;
        uint8_t id[SIGN_KEY_ID_SIZE];

        signed_bytes(beginning, &message);
        return message.error == 0 && sign_key_id(key, id) == 0 && memcmp(id, beginning->key, sizeof(id)) == 0 &&
               signature_holds(key, buffer_bytes(&message), beginning->signature);
}

void audit_beginning_print(const AuditBeginning *beginning, Buffer *ret) {
        char at[CIVIL_TEXT_SIZE], removed_at[CIVIL_TEXT_SIZE], chain[2 * SHA256_SIZE + 1], carried[2 * SHA256_SIZE + 1],
                key[2 * SIGN_KEY_ID_SIZE + 1], signature[2 * SIGNATURE_SIZE + 1];

        civil_format(beginning->at, at);
        civil_format(beginning->removed_at, removed_at);
        hex_encode(beginning->chain, sizeof(beginning->chain), chain);
        hex_encode(beginning->carried, sizeof(beginning->carried), carried);
        hex_encode(beginning->key, sizeof(beginning->key), key);
        hex_encode(beginning->signature, sizeof(beginning->signature), signature);
        buffer_append_format(ret,
                             AUDIT_BEGINNING_MAGIC "%d\n{\"number\":%" PRIu64
                                                   ",\"at\":\"%s\",\"chain\":\"%s\",\"carried\":\"%s\",\"removed_at\":"
                                                   "\"%s\",\"key\":\"%s\",\"signature\":\"%s\"}\n",
                             AUDIT_BEGINNING_VERSION, beginning->number, at, chain, carried, removed_at, key,
                             signature);
}

static int version_look(const char *text) {
        const size_t n = strlen(AUDIT_BEGINNING_MAGIC);

        if (!text_starts_with(text, AUDIT_BEGINNING_MAGIC))
                return AUDIT_E_DAMAGED;
        return strtoul(text + n, NULL, 10) > AUDIT_BEGINNING_VERSION ? AUDIT_E_NEWER : 0;
}

/* Loosely read, then written again, as lines of anchors are. */
int audit_beginning_parse(Bytes content, AuditBeginning *ret) {
        _cleanup_(buffer_deinit) Buffer again = BUFFER_NULL;
        _cleanup_(freep) char *text = NULL;
        char at[CIVIL_TEXT_SIZE], removed_at[CIVIL_TEXT_SIZE], chain[2 * SHA256_SIZE + 1], carried[2 * SHA256_SIZE + 1],
                key[2 * SIGN_KEY_ID_SIZE + 1], signature[2 * SIGNATURE_SIZE + 1];
        AuditBeginning read = { .number = 0 };
        int r;

        if (content.size == 0 || content.size > FILE_BYTES_MAX)
                return AUDIT_E_DAMAGED;
        text = bytes_to_text(content);
        if (!text)
                return -ENOMEM;
        r = version_look(text);
        if (r != 0)
                return r;
        if (sscanf(text,
                   AUDIT_BEGINNING_MAGIC "%*d\n{\"number\":%20" SCNu64
                                         ",\"at\":\"%31[0-9T:.Z-]\",\"chain\":\"%64[0-9a-f]\",\"carried\":\"%64[0-9a-f]"
                                         "\",\"removed_at\":\"%31[0-9T:.Z-]\",\"key\":\"%64[0-9a-f]\",\"signature\":"
                                         "\"%128[0-9a-f]\"",
                   &read.number, at, chain, carried, removed_at, key, signature) != 7)
                return AUDIT_E_DAMAGED;
        if (!audit_time_read(at, &read.at) || !audit_time_read(removed_at, &read.removed_at) ||
            !audit_hex_read(chain, sizeof(read.chain), read.chain) ||
            !audit_hex_read(carried, sizeof(read.carried), read.carried) ||
            !audit_hex_read(key, sizeof(read.key), read.key) ||
            !audit_hex_read(signature, sizeof(read.signature), read.signature))
                return AUDIT_E_DAMAGED;
        audit_beginning_print(&read, &again);
        if (again.error < 0)
                return again.error;
        if (read.number == 0 || read.number == UINT64_MAX || !bytes_equal(buffer_bytes(&again), content))
                return AUDIT_E_DAMAGED;
        *ret = read;
        return 0;
}

int audit_beginning_read(int folder_fd, AuditBeginning *ret) {
        _cleanup_(closep) int fd = openat(folder_fd, AUDIT_BEGINNING, O_RDONLY | O_CLOEXEC);
        uint8_t content[FILE_BYTES_MAX + 1];
        ssize_t n;

        *ret = (AuditBeginning){ .number = 0 };
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        n = pread_all(fd, content, sizeof(content), 0);
        return n < 0 ? (int)n : audit_beginning_parse(bytes_of(content, (size_t)n), ret);
}
