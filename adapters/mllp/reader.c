/*
 * Files of HL7 for what all adapters do with files: try a profile, load history.
 */
#include <errno.h>
#include <stdlib.h>

#include "adapters/mllp/batch.h"
#include "adapters/mllp/translate.h"

static int reader_open(const ReadingOptions *options, void **ret) {
        TranslateOptions wanted = {
                .source = options->source,
                .profile = options->profile,
                .timezone = options->timezone,
                .want_fields = options->want_fields,
        };
        Translator *translator;
        int r;

        r = translator_new(&translator, &wanted);
        if (r == 0)
                *ret = translator;
        return r;
}

static void reader_close(void *reader) {
        translator_free(reader);
}

static int read_one(Translator *translator, Bytes message, ReadingSeen seen, void *owner) {
        TranslateResult result;
        Reading reading;
        int r;

        r = translate_message(translator, message, &result);
        if (r == 0)
                r = translate_reading(translator, &result, message, &reading);
        return r < 0 ? r : seen(owner, &reading);
}

/* A trailer that counts others than came: something was lost on the way, and nobody knows what. */
static int trailer_tell(Bytes file, Bytes *trailer, const char *position, ReadingSeen seen, void *owner) {
        char id[BATCH_TRAILER_ID_SIZE];
        Reading reading = {
                .message_id = id,
                .problem_code = "wrong-count",
                .problem_position = position,
                .problem_urgent = true,
                .message_time = INT64_MIN,
                .media_type = TRANSLATE_MEDIA_TYPE,
                .original = *trailer,
        };

        if (!trailer->data)
                return 0;
        batch_trailer_id(file, *trailer, id);
        *trailer = BYTES_NULL;
        return seen(owner, &reading);
}

static int trailers_tell(Bytes file, BatchReader *batch, ReadingSeen seen, void *owner) {
        int r = trailer_tell(file, &batch->wrong_batch, "BTS-1", seen, owner);

        return r < 0 ? r : trailer_tell(file, &batch->wrong_file, "FTS-1", seen, owner);
}

/* A file without any message is one that cannot be read: never nothing. */
static int reader_read(void *reader, const char *name, Bytes file, ReadingSeen seen, void *owner) {
        BatchReader batch = BATCH_READER_INIT(file);
        size_t n_messages = 0;
        Bytes message;
        int r;

        (void)name; /* what a file is called says nothing in HL7 */
        while (batch_next(&batch, &message)) {
                r = trailers_tell(file, &batch, seen, owner);
                if (r >= 0)
                        r = read_one(reader, message, seen, owner);
                if (r < 0)
                        return r;
                n_messages++;
        }
        r = trailers_tell(file, &batch, seen, owner);
        if (r < 0 || n_messages > 0)
                return r < 0 ? r : 0;
        return read_one(reader, BYTES_NULL, seen, owner);
}

const ReaderClass mllp_reader = {
        .program = "carebus-mllp",
        .open = reader_open,
        .close = reader_close,
        .read = reader_read,
};
