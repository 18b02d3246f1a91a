/*
 * The instruction takes eight bytes in three cycles, which is more than a disk gives; the table takes eight bytes a step
 * too (slicing-by-8). Which of the two is asked of the processor on each call: that is one load.
 */
#include "base/crc32c.h"

#include <pthread.h>

#include "base/bytes.h"

#define POLYNOMIAL 0x82f63b78U /* reflected */

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void tables_fill(void) {
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t crc = i;

                for (int bit = 0; bit < 8; bit++)
                        crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
                tables[0][i] = crc;
        }
        for (uint32_t i = 0; i < 256; i++)
                for (int t = 1; t < 8; t++)
                        tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
}

uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t size) {
        const uint8_t *p = data;

        (void)pthread_once(&tables_once, tables_fill);
        crc = ~crc;
        for (; size >= 8; p += 8, size -= 8) {
                uint32_t low = load_le32(p) ^ crc, high = load_le32(p + 4);

                crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
                      tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
                      tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
        }
        for (; size > 0; p++, size--)
                crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xff];
        return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc32c_by_instruction(uint32_t crc, const void *data, size_t size) {
        const uint8_t *p = data;
        uint64_t wide = ~crc;

        for (; size >= 8; p += 8, size -= 8)
                wide = __builtin_ia32_crc32di(wide, load_le64(p));
        for (; size > 0; p++, size--)
                wide = __builtin_ia32_crc32qi((uint32_t)wide, *p);
        return ~(uint32_t)wide;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size) {
#ifdef __x86_64__
        if (__builtin_cpu_supports("sse4.2"))
                return crc32c_by_instruction(crc, data, size);
#endif
        return crc32c_by_table(crc, data, size);
}
