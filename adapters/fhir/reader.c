/* --translate and --load: a file is one message of JSON, or one a line (ndjson, as bulk exports are). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/fhir/translate.h"

static int reader_open(const ReadingOptions *options, void **ret) {
        FhirTranslator *translator;
        int r;

        r = fhir_translator_new(&translator, options, NULL);
        if (r == 0)
                *ret = translator;
        return r;
}

static void reader_close(void *reader) {
        fhir_translator_free(reader);
}

static int read_message(void *reader, Bytes message, ReadingSeen seen, void *owner) {
        FhirResult result;
        int r;

        r = fhir_translate(reader, message, NULL, &result);
        return r < 0 ? r : seen(owner, &result.reading);
}

static bool is_blank(Bytes bytes) {
        for (size_t i = 0; i < bytes.size; i++)
                if (!strchr(" \t\r\n", bytes.data[i]) || !bytes.data[i])
                        return false;
        return true;
}

/* A first line that is whole by itself, with another behind it, is the first of many. */
static bool has_messages_in_lines(Bytes file) {
        const uint8_t *end = memchr(file.data, '\n', file.size);
        size_t first = end ? (size_t)(end - file.data) : 0;

        while (first > 0 && (file.data[first - 1] == '\r' || file.data[first - 1] == ' '))
                first--;
        return first > 1 && file.data[0] == '{' && file.data[first - 1] == '}' &&
               !is_blank(bytes_of(end, file.size - (size_t)(end - file.data)));
}

static int reader_read(void *reader, const char *name, Bytes file, ReadingSeen seen, void *owner) {
        if (!file.size || !has_messages_in_lines(file))
                return read_message(reader, file, seen, owner);
        while (file.size > 0) {
                const uint8_t *end = memchr(file.data, '\n', file.size);
                size_t size = end ? (size_t)(end - file.data) : file.size;
                Bytes line = bytes_of(file.data, size);
                int r = is_blank(line) ? 0 : read_message(reader, line, seen, owner);

                if (r < 0)
                        return r;
                size += end ? 1 : 0;
                file = bytes_of(file.data + size, file.size - size);
        }
        return 0;
}

const ReaderClass fhir_reader = {
        .program = "carebus-fhir",
        .open = reader_open,
        .close = reader_close,
        .read = reader_read,
};
