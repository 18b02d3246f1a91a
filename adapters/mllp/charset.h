#pragma once
/*
 * Character sets: what MSH-18 says becomes UTF-8, or it is said at which byte it does not. Nothing is guessed: where
 * MSH-18 is empty the bytes are UTF-8 if they are valid as that, else what the profile says, else a problem.
 */
#include "base/bytes.h"

typedef struct Charset Charset;

/* Positive returns. */
enum {
        _CHARSET_E_SUCCESS,
        CHARSET_E_UNKNOWN, /* nobody knows the name: bad-charset at MSH-18 */
        CHARSET_E_INVALID, /* bytes that the set does not have: bad-charset at `ret_offset` */
        CHARSET_E_UNSAID,  /* no set is named, and the bytes are not UTF-8: no-charset at `ret_offset` */
};

/* Keeps converters open between messages; one thread. */
int charset_new(Charset **ret);
Charset *charset_free(Charset *charset);
DEFINE_CLEANUP(Charset *, charset_free)

/* The name for iconv of a value of MSH-18, or NULL: "8859/1" is ISO-8859-1. Static text. Case and spaces are passed over. */
const char *charset_name_of(Bytes msh18);

/* What is known about the character set of a message. */
typedef struct CharsetClaim {
        Bytes msh18;          /* as said, with its repeats */
        uint8_t repeat;       /* the message's repeat separator; 0: none */
        const char *fallback; /* the profile's, an iconv name; NULL: none */
} CharsetClaim;

/* What is UTF-8 already is given back as it is; else what `ret` borrows lives until the next call. `ret_offset` is the byte
 * of the message that is wrong. 0, CHARSET_E_* or -ENOMEM. */
int charset_to_utf8(Charset *charset, Bytes message, const CharsetClaim *claim, Bytes *ret, size_t *ret_offset);
