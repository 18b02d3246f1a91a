/* Anchors: signed, printed as a line, and read again. */
#include "daemon/audit/anchor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "proto/wire.h"

/* Fields of AuditAnchor; what is signed is the first four, packed. */
enum { ANCHOR_NUMBER = 1, ANCHOR_AT = 2, ANCHOR_CHAIN = 3, ANCHOR_KEY = 4 };

#define LINE_MAX_BYTES 1024

static void anchor_signed_bytes(const AuditAnchor *anchor, Buffer *ret) {
        wire_number(ret, ANCHOR_NUMBER, anchor->number);
        wire_number(ret, ANCHOR_AT, (uint64_t)anchor->at);
        wire_bytes(ret, ANCHOR_CHAIN, bytes_of(anchor->chain, sizeof(anchor->chain)));
        wire_bytes(ret, ANCHOR_KEY, bytes_of(anchor->key, sizeof(anchor->key)));
}

int audit_anchor_sign(AuditAnchor *anchor, const SignKey *key) {
        _cleanup_(buffer_deinit) Buffer message = BUFFER_NULL;
        int r = sign_key_id(key, anchor->key);

        if (r < 0)
                return r;
        anchor_signed_bytes(anchor, &message);
        return message.error < 0 ? message.error : signature_make(key, buffer_bytes(&message), anchor->signature);
}

bool audit_anchor_holds(const AuditAnchor *anchor, const SignKey *key) {
        _cleanup_(buffer_deinit) Buffer message = BUFFER_NULL;
        uint8_t id[SIGN_KEY_ID_SIZE];

        anchor_signed_bytes(anchor, &message);
        return message.error == 0 && sign_key_id(key, id) == 0 && memcmp(id, anchor->key, sizeof(id)) == 0 &&
               signature_holds(key, buffer_bytes(&message), anchor->signature);
}

void audit_anchor_print(const AuditAnchor *anchor, Buffer *ret) {
        char at[CIVIL_TEXT_SIZE], chain[2 * SHA256_SIZE + 1], key[2 * SIGN_KEY_ID_SIZE + 1],
                signature[2 * SIGNATURE_SIZE + 1];

        civil_format(anchor->at, at);
        hex_encode(anchor->chain, sizeof(anchor->chain), chain);
        hex_encode(anchor->key, sizeof(anchor->key), key);
        hex_encode(anchor->signature, sizeof(anchor->signature), signature);
        buffer_append_format(ret,
                             "{\"number\":%" PRIu64
                             ",\"at\":\"%s\",\"chain\":\"%s\",\"key\":\"%s\",\"signature\":\"%s\"}\n",
                             anchor->number, at, chain, key, signature);
}

static int digit_of(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool audit_hex_read(const char *text, size_t size, uint8_t *ret) {
        for (size_t i = 0; i < size; i++) {
                int high = digit_of(text[2 * i]), low = high < 0 ? -1 : digit_of(text[2 * i + 1]);

                if (low < 0)
                        return false;
                ret[i] = (uint8_t)(high << 4 | low);
        }
        return text[2 * size] == '\0';
}

bool audit_time_read(const char *text, int64_t *ret) {
        CivilTime civil = { .year = 0 };
        int n = 0, fraction = 0;

        if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &civil.year, &civil.month, &civil.day, &civil.hour, &civil.minute,
                   &civil.second, &n) != 6)
                return false;
        if (text[n] == '.' && sscanf(text + n, ".%6d%n", &civil.microsecond, &fraction) != 1)
                return false;
        if (civil.microsecond < 0 || !civil_is_valid(&civil))
                return false;
        *ret = civil_to_utc(&civil);
        return true;
}

/* Loosely read, then written again: only what comes out the same is a line of ours. */
int audit_anchor_parse(Bytes line, AuditAnchor *ret) {
        _cleanup_(buffer_deinit) Buffer again = BUFFER_NULL;
        _cleanup_(freep) char *text = NULL;
        char at[CIVIL_TEXT_SIZE], chain[2 * SHA256_SIZE + 1], key[2 * SIGN_KEY_ID_SIZE + 1],
                signature[2 * SIGNATURE_SIZE + 1];
        AuditAnchor anchor = { .number = 0 };

        if (line.size > LINE_MAX_BYTES)
                return -EBADMSG;
        text = bytes_to_text(line);
        if (!text)
                return -ENOMEM;
        if (sscanf(text,
                   "{\"number\":%20" SCNu64
                   ",\"at\":\"%31[0-9T:.Z-]\",\"chain\":\"%64[0-9a-f]\",\"key\":\"%64[0-9a-f]\",\"signature\":"
                   "\"%128[0-9a-f]\"",
                   &anchor.number, at, chain, key, signature) != 5)
                return -EBADMSG;
        if (!audit_time_read(at, &anchor.at) || !audit_hex_read(chain, sizeof(anchor.chain), anchor.chain) ||
            !audit_hex_read(key, sizeof(anchor.key), anchor.key) ||
            !audit_hex_read(signature, sizeof(anchor.signature), anchor.signature))
                return -EBADMSG;
        audit_anchor_print(&anchor, &again);
        if (again.error < 0)
                return again.error;
        if (!bytes_equal(bytes_of(again.data, again.size - 1), line))
                return -EBADMSG;
        *ret = anchor;
        return 0;
}

int audit_anchor_next(Bytes text, size_t *offset, AuditAnchor *ret) {
        const uint8_t *start = text.data + *offset, *end;
        const size_t left = text.size - *offset;

        if (left == 0)
                return -ENODATA;
        end = memchr(start, '\n', left);
        if (!end) {
                *offset = text.size;
                return -EBADMSG;
        }
        *offset += (size_t)(end - start) + 1;
        return audit_anchor_parse(bytes_of(start, (size_t)(end - start)), ret);
}
