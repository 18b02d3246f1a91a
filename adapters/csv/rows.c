/*
 * See rows.h. libcsv knows no places, so it is given one line at a time: at most one row ends in a line, and then at its end.
 */
#include "adapters/csv/rows.h"

#include <csv.h>
#include <errno.h>
#include <string.h>

struct Rows {
        Bytes file;
        char delimiter;
        size_t offset, line; /* of what was not given to the parser yet; lines from 1 */
        struct csv_parser parser;
        Buffer text; /* the cells of this row, one behind the other, a NUL behind each */
        size_t starts[ROW_CELLS_MAX + 1];
        Bytes cells[ROW_CELLS_MAX];
        size_t n_cells;
        bool has_ended, has_too_many;
};

static int parser_begin(Rows *rows, unsigned char options) {
        csv_free(&rows->parser);
        if (csv_init(&rows->parser, options) != 0)
                return -ENOMEM;
        csv_set_delim(&rows->parser, (unsigned char)rows->delimiter);
        return 0;
}

int rows_new(Bytes file, char delimiter, Rows **ret) {
        Rows *rows = calloc(1, sizeof(*rows));

        if (!rows)
                return -ENOMEM;
        rows->file = file;
        rows->delimiter = delimiter;
        rows->line = 1;
        *ret = rows;
        return 0;
}

Rows *rows_free(Rows *rows) {
        if (!rows)
                return NULL;
        csv_free(&rows->parser);
        buffer_deinit(&rows->text);
        free(rows);
        return NULL;
}

void rows_tell(const Rows *rows, size_t *ret_offset, size_t *ret_line) {
        *ret_offset = rows->offset;
        *ret_line = rows->line;
}

void rows_seek(Rows *rows, size_t offset, size_t line) {
        rows->offset = offset;
        rows->line = line;
}

static void on_cell(void *data, size_t size, void *owner) {
        Rows *rows = owner;

        if (rows->n_cells == ROW_CELLS_MAX) {
                rows->has_too_many = true;
                return;
        }
        rows->starts[rows->n_cells++] = rows->text.size;
        if (size > 0)
                buffer_append(&rows->text, data, size);
        buffer_append_byte(&rows->text, 0);
        rows->starts[rows->n_cells] = rows->text.size;
}

static void on_row(int end, void *owner) {
        Rows *rows = owner;

        rows->has_ended = true;
}

/* With its end: LF, CR LF, or CR alone. */
static Bytes line_at(Bytes file, size_t offset) {
        const uint8_t *data = file.data + offset, *lf, *cr;
        size_t size = file.size - offset;

        lf = memchr(data, '\n', size);
        cr = memchr(data, '\r', lf ? (size_t)(lf - data) : size);
        if (cr)
                return bytes_of(data, (size_t)(cr - data) + 1 + (lf == cr + 1));
        return bytes_of(data, lf ? (size_t)(lf - data) + 1 : size);
}

static void row_clear(Rows *rows) {
        buffer_clear(&rows->text);
        rows->n_cells = 0;
        rows->has_ended = rows->has_too_many = false;
}

/* 0, RowProblem, or -ENOMEM. */
static int feed(Rows *rows, Bytes line, bool is_last) {
        size_t n = csv_parse(&rows->parser, line.data, line.size, on_cell, on_row, rows);

        if (n < line.size)
                return csv_error(&rows->parser) == CSV_EPARSE ? (int)ROW_QUOTES_WRONG : -ENOMEM;
        if (is_last && !rows->has_ended && csv_fini(&rows->parser, on_cell, on_row, rows) != 0)
                return csv_error(&rows->parser) == CSV_EPARSE ? (int)ROW_QUOTE_OPEN : -ENOMEM;
        return rows->text.error;
}

/* A quote inside a cell that did not begin with one is an inch sign or a nickname: read as it stands, if the row then ends here. */
static int feed_leniently(Rows *rows, Bytes line, bool is_last) {
        int r = parser_begin(rows, CSV_STRICT_FINI);

        row_clear(rows);
        if (r == 0)
                r = feed(rows, line, is_last);
        if (r == 0 && !rows->has_ended)
                r = ROW_QUOTES_WRONG;
        return r;
}

static bool is_blank(Bytes line) {
        return line.size == 0 || line.data[0] == '\n' || line.data[0] == '\r';
}

static void give(Rows *rows, Row *ret, int problem) {
        for (size_t i = 0; i < rows->n_cells; i++)
                rows->cells[i] = bytes_of(rows->text.data + rows->starts[i], rows->starts[i + 1] - rows->starts[i] - 1);
        ret->cells = rows->cells;
        ret->n_cells = rows->n_cells;
        ret->problem = problem == 0 && rows->has_too_many ? ROW_TOO_MANY_CELLS : (RowProblem)problem;
        ret->last_line = rows->line - 1;
        ret->raw = bytes_of(rows->file.data + ret->offset, rows->offset - ret->offset);
}

int rows_next(Rows *rows, Row *ret) {
        bool is_first = true;
        Row row = { 0 };
        int r;

        while (rows->offset < rows->file.size) {
                Bytes line = line_at(rows->file, rows->offset);
                bool is_last = rows->offset + line.size == rows->file.size;

                if (is_first && is_blank(line)) {
                        rows->offset += line.size;
                        rows->line++;
                        continue;
                }
                if (is_first) {
                        row.offset = rows->offset;
                        row.line = rows->line;
                        row_clear(rows);
                        r = parser_begin(rows, CSV_STRICT | CSV_STRICT_FINI);
                        if (r < 0)
                                return r;
                }
                r = feed(rows, line, is_last);
                if (r == ROW_QUOTES_WRONG && is_first)
                        r = feed_leniently(rows, line, is_last);
                if (r < 0)
                        return r;
                rows->offset += line.size;
                rows->line++;
                if (r == 0 && !rows->has_ended && rows->offset - row.offset > ROW_BYTES_MAX)
                        r = ROW_TOO_LONG;
                if (r > 0 || rows->has_ended || is_last) {
                        give(rows, &row, r);
                        *ret = row;
                        return 1;
                }
                is_first = false;
        }
        return 0;
}
