#pragma once
/*
 * Rows of a spreadsheet that is written. For programs every cell is what it says, by RFC 4180. For people a cell that a spreadsheet would
 * calculate (it begins with = + - @, a tab or a return) gets an apostrophe in front, which the spreadsheet takes for "this is
 * text". Any thread.
 */
#include <stdbool.h>

#include "base/bytes.h"

#define CELLS_BOM "\xef\xbb\xbf" /* without it Excel takes UTF-8 for something else */

typedef struct CellRow {
        Buffer *out;
        bool for_people;
        bool has_cell;
} CellRow;

/* One cell more; NULL is an empty one. What goes wrong is told by `out`. */
void cell_add(CellRow *row, const char *text);
/* Ends the row with CRLF; the next cell begins another. */
void cell_end(CellRow *row);
