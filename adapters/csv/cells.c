#include "adapters/csv/cells.h"

#include <string.h>

static bool would_be_calculated(const char *text) {
        return text[0] != '\0' && strchr("=+-@\t\r", text[0]);
}

/* A blank or a tab at either end is quoted too: some readers would take it away. */
static bool needs_quotes(const char *text) {
        size_t size = strlen(text);

        return strpbrk(text, "\",\r\n") || (size > 0 && (strchr(" \t", text[0]) || strchr(" \t", text[size - 1])));
}

static void append_quoted(Buffer *out, const char *text) {
        for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
                buffer_append(out, text, (size_t)(quote - text));
                buffer_append(out, "\"\"", 2);
        }
        buffer_append_text(out, text);
}

void cell_add(CellRow *row, const char *text) {
        const char *said = text ? text : "";
        bool is_defused = row->for_people && would_be_calculated(said), is_quoted = needs_quotes(said);

        if (row->has_cell)
                buffer_append_byte(row->out, ',');
        row->has_cell = true;
        if (is_quoted)
                buffer_append_byte(row->out, '"');
        if (is_defused)
                buffer_append_byte(row->out, '\'');
        append_quoted(row->out, said);
        if (is_quoted)
                buffer_append_byte(row->out, '"');
}

void cell_end(CellRow *row) {
        buffer_append(row->out, "\r\n", 2);
        row->has_cell = false;
}
