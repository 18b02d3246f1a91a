#pragma once
/*
 * Rows out of the bytes of a spreadsheet, one at a time, each with the lines on which it stands and the bytes as they came. A row that
 * is not well-formed costs itself and nothing behind it. Charsets whose letters below 128 are those of ASCII. One thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define ROW_CELLS_MAX 1024
#define ROW_BYTES_MAX (1024 * 1024)

typedef enum RowProblem {
        ROW_WHOLE,
        ROW_QUOTES_WRONG,   /* a quoted cell goes on behind its end: the next row begins on the line behind */
        ROW_QUOTE_OPEN,     /* a quote is never closed: everything to the end of the file is in it */
        ROW_TOO_LONG,       /* more than ROW_BYTES_MAX: as good as never closed */
        ROW_TOO_MANY_CELLS, /* more than ROW_CELLS_MAX */
} RowProblem;

typedef struct Row {
        size_t line, last_line; /* from 1 */
        size_t offset;          /* of its first byte: with `line`, a place to come back to */
        Bytes raw;              /* with its line end */
        const Bytes *cells;     /* without quotes; NUL behind each; until the next row is read */
        size_t n_cells;
        RowProblem problem;
} Row;

typedef struct Rows Rows;

/* `file` is borrowed. 0 or -ENOMEM. */
int rows_new(Bytes file, char delimiter, Rows **ret);
Rows *rows_free(Rows *rows);
DEFINE_CLEANUP(Rows *, rows_free)
/* The next row that has anything in it but line ends: 1, 0 behind the last, or -ENOMEM. */
int rows_next(Rows *rows, Row *ret);
/* Where it goes on, and: goes on at the beginning of a row. */
void rows_tell(const Rows *rows, size_t *ret_offset, size_t *ret_line);
void rows_seek(Rows *rows, size_t offset, size_t line);
