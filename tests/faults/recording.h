#pragma once
/*
 * What a process did to the files below one folder, in order: written by recshim.so, read by replay. One after the other:
 * an OpHead, the path (relative to that folder), the second path or the data.
 */
#include <stdint.h>

#define OP_MAGIC 0x434f5031u

typedef enum OpKind {
        OP_CREATE = 1,
        OP_WRITE,       /* at `offset`, the data */
        OP_SYNC,        /* what was written to the file is durable, and its size */
        OP_SYNC_FOLDER, /* names in the folder are durable */
        OP_RENAME,      /* the data is the new path */
        OP_UNLINK,
        OP_SIZE, /* the size becomes `offset`: cut, or zeros behind */
        OP_ACK,  /* the process said so on its standard output: the data, one line */
} OpKind;

typedef struct OpHead {
        uint32_t magic;
        uint32_t kind;
        uint64_t offset;
        uint32_t path_bytes; /* without a zero byte */
        uint32_t data_bytes;
} OpHead;
