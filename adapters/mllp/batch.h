#pragma once
/*
 * A file, or a frame, with more than one message: FHS and BHS envelopes, MLLP bytes left in, or messages one below the
 * other. It is cut where MSH stands at the start of a line and behind the end of a frame; envelope segments between messages are
 * passed over.
 */
#include <stdbool.h>

#include "base/bytes.h"

typedef struct BatchReader {
        Bytes rest;
        size_t n_messages, n_batches, n_in_batch;
        /* Set by batch_next() where a trailer before the next message, or at the end, counts others than came: BTS-1, the messages of
         * the batch; FTS-1, the batches of the file (or, as some write, its messages). The caller clears them. */
        Bytes wrong_batch, wrong_file; /* the trailer; data NULL: none */
} BatchReader;

#define BATCH_READER_INIT(bytes) ((BatchReader){ .rest = (bytes) })

/* The next message, borrowed from the input; false at the end. Text that is no envelope, before the first MSH or in a frame of its
 * own, is given as a message of its own: it will be told that it has no MSH. */
bool batch_next(BatchReader *reader, Bytes *ret_message);
/* Whether it begins with FHS or BHS: then what its trailers count is in it too. */
bool batch_has_head(Bytes message);
/* A message id for a trailer that counts others than came, a part of `batch`: the same batch again is the same, and the same trailer of
 * another one is another, though its bytes are not. */
#define BATCH_TRAILER_ID_SIZE 96
void batch_trailer_id(Bytes batch, Bytes trailer, char ret[BATCH_TRAILER_ID_SIZE]);
/* Whether a frame holds a batch: it begins with FHS or BHS, or has more than one MSH at the start of a line. */
bool batch_is_batch(Bytes message);
