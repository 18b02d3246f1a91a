#pragma once
/* Original bytes as they are kept: zstd, with a dictionary that is an entry of the journal. */
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct OriginalCodec OriginalCodec; /* one thread */

int original_codec_new(OriginalCodec **ret);
OriginalCodec *original_codec_free(OriginalCodec *codec);
DEFINE_CLEANUP(OriginalCodec *, original_codec_free)
/* Makes a dictionary known by the seq of its entry (0 is -EINVAL); the newest is used for compressing. Copied. */
int original_codec_add_dictionary(OriginalCodec *codec, uint64_t seq, Bytes dictionary);
uint64_t original_codec_newest(const OriginalCodec *codec); /* 0: none */
/* What to keep goes into `ret`, which is cleared first. *ret_compressed is 0 when these are the bytes as they came (too small, or
 * not smaller); *ret_dictionary is 0 when none was used. */
int original_compress(OriginalCodec *codec, Bytes original, Buffer *ret, int *ret_compressed, uint64_t *ret_dictionary);
/* `size` as recorded; -EBADMSG when it does not come out so, -ENOENT when the dictionary is not known. */
int original_decompress(OriginalCodec *codec, Bytes data, size_t size, uint64_t dictionary, Buffer *ret);
/* Gathers samples; when there are enough (about 1 MB or 2,000), trains once and gives a dictionary of at most 8 KiB.
 * 0 trained, 1 not yet. */
typedef struct OriginalTrainer OriginalTrainer;
int original_trainer_new(OriginalTrainer **ret);
OriginalTrainer *original_trainer_free(OriginalTrainer *trainer);
DEFINE_CLEANUP(OriginalTrainer *, original_trainer_free)
int original_trainer_add(OriginalTrainer *trainer, Bytes sample, Buffer *ret_dictionary);
