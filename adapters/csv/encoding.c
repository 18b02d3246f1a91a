/* See encoding.h. */
#include "adapters/csv/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/text.h"

#define NAME_UTF8 "UTF-8"
/* No single-byte letter takes more of UTF-8, and no cell of another charset grows more than this. */
#define GROWTH 4

struct Encoding {
        EncodingFound found;
        iconv_t handle; /* (iconv_t)-1: nothing is converted */
        size_t mark;    /* bytes of the byte order mark */
        Buffer converted;
};

static bool begins_with(Bytes file, const char *mark, size_t size) {
        return file.size >= size && memcmp(file.data, mark, size) == 0;
}

static const char *find(Bytes file, const char *declared, Encoding *encoding) {
        if (begins_with(file, "\xef\xbb\xbf", 3)) {
                encoding->found = ENCODING_UTF8_MARKED;
                encoding->mark = 3;
                return NULL;
        }
        if (begins_with(file, "\xff\xfe", 2) || begins_with(file, "\xfe\xff", 2)) {
                encoding->found = ENCODING_UTF16;
                encoding->mark = 2;
                return file.data[0] == 0xff ? "UTF-16LE" : "UTF-16BE";
        }
        if (utf8_is_valid(file.data, file.size)) {
                encoding->found = ENCODING_UTF8;
                return NULL;
        }
        encoding->found = declared && strcasecmp(declared, NAME_UTF8) != 0 ? ENCODING_DECLARED : ENCODING_WINDOWS_1252;
        return encoding->found == ENCODING_DECLARED ? declared : "CP1252";
}

int encoding_new(Bytes file, const char *declared, Encoding **ret) {
        _cleanup_(encoding_freep) Encoding *encoding = calloc(1, sizeof(*encoding));
        const char *name;

        if (!encoding)
                return -ENOMEM;
        encoding->handle = (iconv_t)-1;
        name = find(file, declared, encoding);
        if (name) {
                encoding->handle = iconv_open(NAME_UTF8, name);
                if (encoding->handle == (iconv_t)-1)
                        return errno == ENOMEM ? -ENOMEM : ENCODING_E_UNKNOWN;
        }
        *ret = TAKE_PTR(encoding);
        return 0;
}

Encoding *encoding_free(Encoding *encoding) {
        if (!encoding)
                return NULL;
        if (encoding->handle != (iconv_t)-1)
                iconv_close(encoding->handle);
        buffer_deinit(&encoding->converted);
        free(encoding);
        return NULL;
}

EncodingFound encoding_found(const Encoding *encoding) {
        return encoding->found;
}

static int convert(iconv_t handle, Bytes from, char *to, size_t room, size_t *ret_size) {
        char *in = (char *)from.data, *out = to;
        size_t in_left = from.size, out_left = room;

        (void)iconv(handle, NULL, NULL, NULL, NULL);
        if (iconv(handle, &in, &in_left, &out, &out_left) == (size_t)-1)
                return ENCODING_E_LETTER;
        *ret_size = room - out_left;
        return 0;
}

int encoding_text(Encoding *encoding, Bytes file, Bytes *ret) {
        Bytes rest = bytes_of(file.data + encoding->mark, file.size - encoding->mark);
        size_t room = rest.size * 2 + 1, size;
        uint8_t *to;
        int r;

        if (encoding->found != ENCODING_UTF16) {
                *ret = rest;
                return 0;
        }
        buffer_clear(&encoding->converted);
        to = buffer_reserve(&encoding->converted, room);
        if (!to)
                return -ENOMEM;
        r = convert(encoding->handle, rest, (char *)to, room, &size);
        if (r != 0)
                return r;
        buffer_advance(&encoding->converted, size);
        *ret = buffer_bytes(&encoding->converted);
        return 0;
}

int encoding_decode(Encoding *encoding, Bytes cell, Arena *arena, const char **ret) {
        bool is_other = encoding->found == ENCODING_DECLARED || encoding->found == ENCODING_WINDOWS_1252;
        size_t room = cell.size * GROWTH, size;
        char *text;
        int r;

        if (!is_other) {
                if (!utf8_is_valid(cell.data, cell.size))
                        return ENCODING_E_LETTER;
                *ret = arena_text(arena, cell.data ? (const void *)cell.data : "", cell.size);
                return *ret ? 0 : -ENOMEM;
        }
        text = arena_alloc(arena, room + 1);
        if (!text)
                return -ENOMEM;
        r = convert(encoding->handle, cell, text, room, &size);
        if (r != 0)
                return r;
        text[size] = 0;
        *ret = text;
        return 0;
}
