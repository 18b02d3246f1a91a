/*
 * The manifest of a backup from anywhere: what is taken prints as it was read, and no path of it leads out of the folder.
 *
 * Input: a byte of flags, then the text. A hash over all of it would keep a fuzzer out, so a flag says that it is put behind the text
 * first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/store/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIX_SUM = 1 };

static void fix_sum(Buffer *text) {
        char hex[2 * SHA256_SIZE + 1];
        uint8_t sum[SHA256_SIZE];

        sha256(text->data, text->size, sum);
        hex_encode(sum, sizeof(sum), hex);
        buffer_append_format(text, "sum %s\n", hex);
}

static void check_paths(const Manifest *manifest) {
        for (size_t i = 0; i < manifest->n_files; i++) {
                const char *path = manifest->files[i].path;

                if (path[0] == '/' || path[0] == '.' || strstr(path, "/.") || strstr(path, "//") ||
                    strlen(path) > MANIFEST_PATH_MAX || !manifest_find(manifest, path))
                        abort();
        }
        if (!name_is_valid(manifest->bus))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(manifest_deinit) Manifest manifest = MANIFEST_NULL;
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL, printed = BUFFER_NULL;
        static SignKey *key;

        if (size < 1)
                return 0;
        if (!key && sign_key_new(&key) < 0)
                abort();
        buffer_append(&text, data + 1, size - 1);
        if (data[0] & FIX_SUM)
                fix_sum(&text);
        if (text.error)
                abort();
        if (manifest_signature_holds(buffer_bytes(&text), key))
                abort(); /* nobody has this key */
        if (manifest_parse(buffer_bytes(&text), &manifest) != 0)
                return 0;
        check_paths(&manifest);
        if (manifest.is_signed)
                return 0;
        if (manifest_print(&manifest, NULL, &printed) != 0 || !bytes_equal(buffer_bytes(&printed), buffer_bytes(&text)))
                abort();
        return 0;
}
