/*
 * The places of readers from a damaged disk: what is taken is packed as it was read.
 *
 * Input: a byte of flags, then the file. A checksum would keep a fuzzer out, so a flag says that it is put behind the file first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "daemon/serve/cursors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIX_SUM = 1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(cursors_freep) Cursors *cursors = NULL, *again = NULL;
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL, packed = BUFFER_NULL, twice = BUFFER_NULL;
        uint8_t sum[sizeof(uint32_t)];
        const Consumer *consumer;

        if (size < 1)
                return 0;
        buffer_append(&file, data + 1, size - 1);
        if (data[0] & FIX_SUM) {
                store_le32(sum, crc32c(0, file.data, file.size));
                buffer_append(&file, sum, sizeof(sum));
        }
        if (file.error || cursors_new(&cursors) < 0 || cursors_new(&again) < 0)
                abort();
        if (cursors_unpack(cursors, buffer_bytes(&file)) != 0)
                return 0;
        for (size_t i = 0; (consumer = cursors_at(cursors, i)); i++)
                if (!name_is_valid(consumer->team) || !name_is_valid(consumer->name) ||
                    !cursors_find(cursors, consumer->team, consumer->name))
                        abort();
        cursors_pack(cursors, &packed);
        if (cursors_unpack(again, buffer_bytes(&packed)) != 0)
                abort();
        cursors_pack(again, &twice);
        if (!bytes_equal(buffer_bytes(&packed), buffer_bytes(&twice)))
                abort();
        return 0;
}
