/*
 * Originals as they are kept. A dictionary is known by the number of the journal entry that holds it, so frames carry no
 * id of their own, no checksum (the journal has one) and no size (it stands beside them).
 */
#include "daemon/store/original.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zdict.h>
#include <zstd.h>

#define LEVEL 3
#define COMPRESS_LEAST 64u /* below that a frame gains nothing */
#define TRAIN_BYTES (1024u * 1024u)
#define TRAIN_SAMPLES 2000u
#define TRAIN_SAMPLES_LEAST 100u        /* a few giant messages say nothing about what repeats */
#define TRAIN_BYTES_LEAST (64u * 1024u) /* nor do many that are next to empty */
#define TRAIN_SAMPLE_MAX (32u * 1024u)
#define DICTIONARY_BYTES (8u * 1024u)

typedef struct OriginalDictionary {
        uint64_t seq;
        ZSTD_DDict *decompress;
} OriginalDictionary;

struct OriginalCodec {
        ZSTD_CCtx *compress;
        ZSTD_DCtx *decompress;
        ZSTD_CDict *newest_dictionary;
        uint64_t newest;
        OriginalDictionary *dictionaries;
        size_t n_dictionaries;
};

int original_codec_new(OriginalCodec **ret) {
        _cleanup_(original_codec_freep) OriginalCodec *codec = NULL;
        size_t r;

        codec = calloc(1, sizeof(*codec));
        if (!codec)
                return -ENOMEM;
        codec->compress = ZSTD_createCCtx();
        codec->decompress = ZSTD_createDCtx();
        if (!codec->compress || !codec->decompress)
                return -ENOMEM;
        r = ZSTD_CCtx_setParameter(codec->compress, ZSTD_c_compressionLevel, LEVEL);
        if (!ZSTD_isError(r))
                r = ZSTD_CCtx_setParameter(codec->compress, ZSTD_c_dictIDFlag, 0);
        if (!ZSTD_isError(r))
                r = ZSTD_CCtx_setParameter(codec->compress, ZSTD_c_checksumFlag, 0);
        if (ZSTD_isError(r))
                return -ENOTRECOVERABLE;
        *ret = TAKE_PTR(codec);
        return 0;
}

OriginalCodec *original_codec_free(OriginalCodec *codec) {
        if (!codec)
                return NULL;
        ZSTD_freeCCtx(codec->compress);
        ZSTD_freeDCtx(codec->decompress);
        ZSTD_freeCDict(codec->newest_dictionary);
        for (size_t i = 0; i < codec->n_dictionaries; i++)
                ZSTD_freeDDict(codec->dictionaries[i].decompress);
        free(codec->dictionaries);
        free(codec);
        return NULL;
}

static const OriginalDictionary *codec_find(const OriginalCodec *codec, uint64_t seq) {
        for (size_t i = codec->n_dictionaries; i > 0; i--)
                if (codec->dictionaries[i - 1].seq == seq)
                        return &codec->dictionaries[i - 1];
        return NULL;
}

int original_codec_add_dictionary(OriginalCodec *codec, uint64_t seq, Bytes dictionary) {
        OriginalDictionary *grown;
        ZSTD_DDict *decompress;
        ZSTD_CDict *compress;

        if (seq == 0 || dictionary.size == 0)
                return -EINVAL;
        if (codec_find(codec, seq))
                return 0;
        grown = reallocarray(codec->dictionaries, codec->n_dictionaries + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        codec->dictionaries = grown;
        decompress = ZSTD_createDDict(dictionary.data, dictionary.size);
        if (!decompress)
                return -ENOMEM;
        if (seq > codec->newest) {
                compress = ZSTD_createCDict(dictionary.data, dictionary.size, LEVEL);
                if (!compress) {
                        ZSTD_freeDDict(decompress);
                        return -ENOMEM;
                }
                ZSTD_freeCDict(codec->newest_dictionary);
                codec->newest_dictionary = compress;
                codec->newest = seq;
        }
        codec->dictionaries[codec->n_dictionaries++] = (OriginalDictionary){ .seq = seq, .decompress = decompress };
        return 0;
}

uint64_t original_codec_newest(const OriginalCodec *codec) {
        return codec->newest;
}

int original_compress(OriginalCodec *codec, Bytes original, Buffer *ret, int *ret_compressed,
                      uint64_t *ret_dictionary) {
        size_t bound = ZSTD_compressBound(original.size), n;
        uint8_t *room;

        buffer_clear(ret);
        if (original.size >= COMPRESS_LEAST) {
                room = buffer_reserve(ret, bound);
                if (!room)
                        return -ENOMEM;
                n = ZSTD_CCtx_refCDict(codec->compress, codec->newest_dictionary);
                if (!ZSTD_isError(n))
                        n = ZSTD_compress2(codec->compress, room, bound, original.data, original.size);
                if (ZSTD_isError(n))
                        return -ENOMEM; /* with room for the worst case nothing else can fail */
                if (n < original.size) {
                        buffer_advance(ret, n);
                        *ret_compressed = 1;
                        *ret_dictionary = codec->newest;
                        return 0;
                }
        }
        buffer_append_bytes(ret, original);
        if (ret->error < 0)
                return ret->error;
        *ret_compressed = 0;
        *ret_dictionary = 0;
        return 0;
}

int original_decompress(OriginalCodec *codec, Bytes data, size_t size, uint64_t dictionary, Buffer *ret) {
        const OriginalDictionary *known = NULL;
        uint8_t *room;
        size_t n;

        if (dictionary != 0) {
                known = codec_find(codec, dictionary);
                if (!known)
                        return -ENOENT;
        }
        buffer_clear(ret);
        /* One byte more than is promised, so that a frame that holds more shows as such. */
        room = buffer_reserve(ret, size + 1);
        if (!room)
                return -ENOMEM;
        if (known)
                n = ZSTD_decompress_usingDDict(codec->decompress, room, size + 1, data.data, data.size,
                                               known->decompress);
        else
                n = ZSTD_decompressDCtx(codec->decompress, room, size + 1, data.data, data.size);
        if (ZSTD_isError(n) || n != size)
                return -EBADMSG;
        buffer_advance(ret, n);
        return 0;
}

struct OriginalTrainer {
        Buffer samples;
        size_t sizes[TRAIN_SAMPLES];
        size_t n;
        bool done;
};

int original_trainer_new(OriginalTrainer **ret) {
        OriginalTrainer *trainer = calloc(1, sizeof(*trainer));

        if (!trainer)
                return -ENOMEM;
        *ret = trainer;
        return 0;
}

OriginalTrainer *original_trainer_free(OriginalTrainer *trainer) {
        if (!trainer)
                return NULL;
        buffer_deinit(&trainer->samples);
        free(trainer);
        return NULL;
}

int original_trainer_add(OriginalTrainer *trainer, Bytes sample, Buffer *ret_dictionary) {
        uint8_t *room;
        size_t n;

        if (trainer->done || sample.size == 0)
                return 1;
        /* What repeats stands at the beginning of a message; an embedded document would crowd the others out. */
        sample.size = MIN(sample.size, (size_t)TRAIN_SAMPLE_MAX);
        buffer_append_bytes(&trainer->samples, sample);
        if (trainer->samples.error < 0)
                return trainer->samples.error;
        trainer->sizes[trainer->n++] = sample.size;
        if (trainer->n < TRAIN_SAMPLES && (trainer->samples.size < TRAIN_BYTES || trainer->n < TRAIN_SAMPLES_LEAST))
                return 1;

        if (trainer->samples.size < TRAIN_BYTES_LEAST) {
                trainer->n = 0;
                buffer_clear(&trainer->samples);
                return 1;
        }
        buffer_clear(ret_dictionary);
        room = buffer_reserve(ret_dictionary, DICTIONARY_BYTES);
        if (!room)
                return -ENOMEM;
        n = ZDICT_trainFromBuffer(room, DICTIONARY_BYTES, trainer->samples.data, trainer->sizes, (unsigned)trainer->n);
        trainer->n = 0;
        buffer_clear(&trainer->samples);
        if (ZDICT_isError(n))
                return 1; /* nothing repeats in these: the next ones may do better */
        buffer_advance(ret_dictionary, n);
        trainer->done = true;
        buffer_deinit(&trainer->samples);
        return 0;
}
