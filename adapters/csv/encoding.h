#pragma once
/* In which letters a file is written: what it says itself, else what its bytes can only be, else what its source is known for. */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/cleanup.h"

typedef enum EncodingFound {
        ENCODING_UTF8,
        ENCODING_UTF8_MARKED, /* with a byte order mark */
        ENCODING_UTF16,       /* with a byte order mark: Excel's "Unicode text" */
        ENCODING_DECLARED,    /* not UTF-8, and the profile names another */
        ENCODING_WINDOWS_1252 /* not UTF-8, and nobody says what: what Excel writes in Britain */
} EncodingFound;

typedef struct Encoding Encoding;

/* Positive returns. */
enum {
        _ENCODING_E_SUCCESS,
        ENCODING_E_UNKNOWN, /* nobody knows the declared charset */
        ENCODING_E_LETTER,  /* bytes that are no letters in it */
};

/* `declared`: the profile's, or NULL. */
int encoding_new(Bytes file, const char *declared, Encoding **ret);
Encoding *encoding_free(Encoding *encoding);
DEFINE_CLEANUP(Encoding *, encoding_free)
EncodingFound encoding_found(const Encoding *encoding);
/* The file as rows.h can read it: UTF-16 is converted, all else is what came, without its mark. Borrowed from `file` and the object. 0 or
 * ENCODING_E_LETTER, or -ENOMEM. */
int encoding_text(Encoding *encoding, Bytes file, Bytes *ret);
/* One cell as UTF-8 in the arena. */
int encoding_decode(Encoding *encoding, Bytes cell, Arena *arena, const char **ret);
