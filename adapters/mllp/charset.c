/*
 * MSH-18 by HL7 table 0211, converted by iconv.
 */
#include "adapters/mllp/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/text.h"

#define NAME_UTF8 "UTF-8"
#define NAME_ASCII "ASCII"
/* Sources rarely speak more than one; a repeated MSH-18 names at most a few. */
#define N_CONVERTERS 4

/* Letters and digits only, in capitals; ISO in front of 8859 is let go: what people write is 8859/1, ISO8859-1, iso_8859-1. */
static const struct {
        const char *said;
        const char *name;
} names[] = {
        { "ASCII", NAME_ASCII },         { "USASCII", NAME_ASCII },    { "ISOIR6", NAME_ASCII },
        { "88591", "ISO-8859-1" },       { "88592", "ISO-8859-2" },    { "88593", "ISO-8859-3" },
        { "88594", "ISO-8859-4" },       { "88595", "ISO-8859-5" },    { "88596", "ISO-8859-6" },
        { "88597", "ISO-8859-7" },       { "88598", "ISO-8859-8" },    { "88599", "ISO-8859-9" },
        { "885915", "ISO-8859-15" },     { "LATIN1", "ISO-8859-1" },   { "WINDOWS1252", "CP1252" },
        { "CP1252", "CP1252" },          { "UNICODE", NAME_UTF8 },     { "UNICODEUTF8", NAME_UTF8 },
        { "UTF8", NAME_UTF8 },           { "ISOIR14", "ISO-2022-JP" }, { "ISOIR87", "ISO-2022-JP" },
        { "ISOIR159", "ISO-2022-JP-1" }, { "GB180302000", "GB18030" }, { "GB18030", "GB18030" },
        { "KSX1001", "ISO-2022-KR" },    { "CNS116431992", "EUC-TW" }, { "BIG5", "BIG5" },
};
#define NAME_SIZE 24

typedef struct Converter {
        const char *name; /* static or of the profile: compared by text */
        iconv_t handle;
} Converter;

struct Charset {
        Converter converters[N_CONVERTERS];
        size_t n_converters;
        Buffer converted;
};

int charset_new(Charset **ret) {
        Charset *charset = calloc(1, sizeof(*charset));

        if (!charset)
                return -ENOMEM;
        *ret = charset;
        return 0;
}

static void forget_converters(Charset *charset) {
        for (size_t i = 0; i < charset->n_converters; i++)
                iconv_close(charset->converters[i].handle);
        charset->n_converters = 0;
}

Charset *charset_free(Charset *charset) {
        if (!charset)
                return NULL;
        forget_converters(charset);
        buffer_deinit(&charset->converted);
        free(charset);
        return NULL;
}

static Bytes trimmed(Bytes bytes) {
        while (bytes.size && bytes.data[0] == ' ')
                bytes = bytes_of(bytes.data + 1, bytes.size - 1);
        while (bytes.size && bytes.data[bytes.size - 1] == ' ')
                bytes.size--;
        return bytes;
}

static bool squeeze(Bytes said, char ret[NAME_SIZE]) {
        size_t n = 0;

        for (size_t i = 0; i < said.size; i++) {
                uint8_t byte = said.data[i];

                if (strchr(" -_/", byte) && byte)
                        continue;
                if (byte >= 'a' && byte <= 'z')
                        byte -= 0x20;
                if (n + 1 == NAME_SIZE || !byte)
                        return false;
                ret[n++] = (char)byte;
        }
        ret[n] = 0;
        if (strncmp(ret, "ISO8859", strlen("ISO8859")) == 0)
                memmove(ret, ret + strlen("ISO"), n - strlen("ISO") + 1);
        return true;
}

const char *charset_name_of(Bytes msh18) {
        char squeezed[NAME_SIZE];

        if (!squeeze(msh18, squeezed))
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcmp(names[i].said, squeezed) == 0)
                        return names[i].name;
        return NULL;
}

static int converter_find(Charset *charset, const char *name, iconv_t *ret) {
        Converter *converter;
        iconv_t handle;

        for (size_t i = 0; i < charset->n_converters; i++)
                if (strcmp(charset->converters[i].name, name) == 0) {
                        *ret = charset->converters[i].handle;
                        return 0;
                }
        handle = iconv_open(NAME_UTF8, name);
        if (handle == (iconv_t)-1)
                return errno == ENOMEM ? -ENOMEM : CHARSET_E_UNKNOWN;
        if (charset->n_converters == N_CONVERTERS)
                forget_converters(charset);
        converter = &charset->converters[charset->n_converters++];
        *converter = (Converter){ .name = name, .handle = handle };
        *ret = handle;
        return 0;
}

static int convert(Charset *charset, Bytes message, const char *name, Bytes *ret, size_t *ret_offset) {
        char *in = (char *)message.data;
        size_t n_in = message.size;
        iconv_t handle;
        int r;

        r = converter_find(charset, name, &handle);
        if (r)
                return r;
        iconv(handle, NULL, NULL, NULL, NULL);
        buffer_clear(&charset->converted);
        for (;;) {
                size_t room = MAX(n_in + n_in / 2, (size_t)64), n_out = room, n;
                char *out = (char *)buffer_reserve(&charset->converted, room);

                if (!out)
                        return -ENOMEM;
                n = iconv(handle, &in, &n_in, &out, &n_out);
                buffer_advance(&charset->converted, room - n_out);
                if (n != (size_t)-1)
                        break;
                if (errno != E2BIG) {
                        *ret_offset = message.size - n_in;
                        return CHARSET_E_INVALID;
                }
        }
        *ret = buffer_bytes(&charset->converted);
        return 0;
}

static int as_utf8(Bytes message, Bytes *ret, size_t *ret_offset) {
        size_t n = utf8_valid_prefix(message.data, message.size);

        if (n < message.size) {
                *ret_offset = n;
                return CHARSET_E_INVALID;
        }
        *ret = message;
        return 0;
}

static size_t ascii_prefix(Bytes message) {
        size_t n = 0;

        for (; message.size - n >= 8; n += 8)
                if (load_le64(message.data + n) & 0x8080808080808080ULL)
                        break;
        while (n < message.size && message.data[n] < 0x80)
                n++;
        return n;
}

static int by_name(Charset *charset, Bytes message, const char *name, Bytes *ret, size_t *ret_offset) {
        if (strcmp(name, NAME_UTF8) == 0)
                return as_utf8(message, ret, ret_offset);
        if (strcmp(name, NAME_ASCII) == 0) {
                size_t n = ascii_prefix(message);

                if (n < message.size) {
                        *ret_offset = n;
                        return CHARSET_E_INVALID;
                }
                *ret = message;
                return 0;
        }
        return convert(charset, message, name, ret, ret_offset);
}

/* Of a repeated MSH-18 the first is the set of the message and the others may be switched to within it. ISO 2022 sets and
 * those that contain ASCII are one conversion; so the first that is more than ASCII decides. */
static int name_of_claim(const CharsetClaim *claim, const char **ret) {
        Bytes rest = claim->msh18;

        *ret = NULL;
        while (rest.data) {
                const uint8_t *end = claim->repeat && rest.size ? memchr(rest.data, claim->repeat, rest.size) : NULL;
                Bytes one = trimmed(bytes_of(rest.data, end ? (size_t)(end - rest.data) : rest.size));
                const char *name;

                rest = end ? bytes_of(end + 1, rest.size - (size_t)(end + 1 - rest.data)) : BYTES_NULL;
                if (one.size == 0)
                        continue;
                name = charset_name_of(one);
                if (!name)
                        return CHARSET_E_UNKNOWN;
                if (!*ret || strcmp(*ret, NAME_ASCII) == 0)
                        *ret = name;
        }
        return 0;
}

int charset_to_utf8(Charset *charset, Bytes message, const CharsetClaim *claim, Bytes *ret, size_t *ret_offset) {
        const char *name;
        int r;

        *ret_offset = 0;
        r = name_of_claim(claim, &name);
        if (r)
                return r;
        if (name)
                return by_name(charset, message, name, ret, ret_offset);
        r = as_utf8(message, ret, ret_offset);
        if (r != CHARSET_E_INVALID)
                return r;
        if (!claim->fallback)
                return CHARSET_E_UNSAID;
        return by_name(charset, message, claim->fallback, ret, ret_offset);
}
