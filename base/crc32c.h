#pragma once
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): SSE4.2 where the processor has it, else a table. */
#include <stddef.h>
#include <stdint.h>

/* `crc` is 0 to begin with, or the result over what came before. Any thread. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
/* The same, always by table: so that a test holds the two together. */
uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t size);
