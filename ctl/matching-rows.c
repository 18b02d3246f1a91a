/* Rows of a spreadsheet as the rules of matching see people: see matching.h. */
#include "ctl/matching.h"

#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "canon/matching.h"

#define COLUMNS_MAX 64
#define CELL_MAX 2048
#define CHUNK 65536

typedef enum Column {
        COLUMN_FAMILY,
        COLUMN_GIVEN,
        COLUMN_BIRTH_DATE,
        COLUMN_SEX,
        COLUMN_POSTCODE,
        COLUMN_LINE,
        COLUMN_TELECOM,
        COLUMN_TRUTH,
        N_COLUMNS,
        COLUMN_NONE = N_COLUMNS,
} Column;

static const char *const column_names[N_COLUMNS] = {
        "family", "given", "birth_date", "sex", "postcode", "line", "telecom", "truth",
};

struct MatchingColumns {
        struct {
                Column column;
                char *header;
        } of[COLUMNS_MAX];
        size_t n;
};

typedef struct Reader {
        const MatchingColumns *columns;
        MatchingRows *rows;
        Column at[COLUMNS_MAX]; /* of the file, by its first row */
        size_t capacity, cell;
        char cells[N_COLUMNS][CELL_MAX];
        bool has_header, is_full;
} Reader;

static Column column_of(const char *name, size_t size) {
        for (int i = 0; i < COLUMN_TRUTH; i++)
                if (strlen(column_names[i]) == size && strncmp(column_names[i], name, size) == 0)
                        return i;
        return COLUMN_NONE;
}

static int columns_add(MatchingColumns *columns, Column column, const char *header, size_t size) {
        if (columns->n == COLUMNS_MAX)
                return -EINVAL;
        columns->of[columns->n].column = column;
        columns->of[columns->n].header = strndup(header, size);
        return columns->of[columns->n++].header ? 0 : -ENOMEM;
}

static int columns_read(MatchingColumns *columns, const char *text, const char **ret_problem) {
        while (*text) {
                size_t size = strcspn(text, ","), name = strcspn(text, "=");
                Column column = name < size ? column_of(text, name) : COLUMN_NONE;
                int r;

                *ret_problem = "--columns takes FIELD=HEADER,...; FIELD is family, given, birth_date, sex, postcode, "
                               "line or telecom";
                if (column == COLUMN_NONE)
                        return -EINVAL;
                r = columns_add(columns, column, text + name + 1, size - name - 1);
                if (r < 0)
                        return r;
                text += size + (text[size] == ',');
        }
        *ret_problem = "--columns names no column";
        return columns->n > 0 ? 0 : -EINVAL;
}

int matching_columns_new(const char *text, const char *truth, MatchingColumns **ret, const char **ret_problem) {
        _cleanup_(matching_columns_freep) MatchingColumns *columns = calloc(1, sizeof(*columns));
        int r = columns ? columns_read(columns, text, ret_problem) : -ENOMEM;

        if (r == 0 && truth)
                r = columns_add(columns, COLUMN_TRUTH, truth, strlen(truth));
        if (r == 0)
                *ret = TAKE_PTR(columns);
        return r;
}

MatchingColumns *matching_columns_free(MatchingColumns *columns) {
        if (!columns)
                return NULL;
        for (size_t i = 0; i < columns->n; i++)
                free(columns->of[i].header);
        free(columns);
        return NULL;
}

static Column column_of_header(const MatchingColumns *columns, const char *header) {
        for (size_t i = 0; i < columns->n; i++)
                if (text_equal(columns->of[i].header, header))
                        return columns->of[i].column;
        return COLUMN_NONE;
}

/* Cells of one field stand behind each other; what does not fit is no loss for comparing. */
static void cell_add(char *cell, const char *text, size_t size) {
        size_t used = strlen(cell);

        while (size > 0 && *text == ' ') {
                text++;
                size--;
        }
        if (size == 0 || used + size + 2 > CELL_MAX)
                return;
        if (used > 0)
                cell[used++] = ' ';
        memcpy(cell + used, text, size);
        cell[used + size] = '\0';
}

static void on_cell(void *data, size_t size, void *owner) {
        Reader *reader = owner;
        size_t at = reader->cell++;

        if (at >= COLUMNS_MAX)
                return;
        if (!reader->has_header) {
                char header[CELL_MAX] = "";

                cell_add(header, data, data ? size : 0);
                reader->at[at] = column_of_header(reader->columns, header);
        } else if (reader->at[at] != COLUMN_NONE) {
                cell_add(reader->cells[reader->at[at]], data, data ? size : 0);
        }
}

/* 1942-03-07, 19420307, 07/03/1942; what else there is stays unknown. */
static bool date_read(const char *text, Carebus__V1__Date *ret) {
        unsigned year, month, day;

        if (sscanf(text, "%4u-%2u-%2u", &year, &month, &day) != 3 &&
            sscanf(text, "%2u/%2u/%4u", &day, &month, &year) != 3 &&
            sscanf(text, "%4u%2u%2u", &year, &month, &day) != 3)
                return false;
        carebus__v1__date__init(ret);
        ret->has_year = ret->has_month = ret->has_day = true;
        ret->year = year;
        ret->month = month;
        ret->day = day;
        return true;
}

static const char *sex_read(const char *text) {
        return text[0] == 'm' || text[0] == 'M' ? "male" : text[0] == 'f' || text[0] == 'F' ? "female" : NULL;
}

static int row_read(Reader *reader, MatchingRow *ret) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Demographics said = CAREBUS__V1__DEMOGRAPHICS__INIT;
        Carebus__V1__HumanName name = CAREBUS__V1__HUMAN_NAME__INIT, *names[] = { &name };
        Carebus__V1__Address address = CAREBUS__V1__ADDRESS__INIT, *addresses[] = { &address };
        Carebus__V1__Telecom number = CAREBUS__V1__TELECOM__INIT, *numbers[] = { &number };
        Carebus__V1__Coded sex = CAREBUS__V1__CODED__INIT;
        Carebus__V1__Date date;
        char *given[] = { reader->cells[COLUMN_GIVEN] }, *line[] = { reader->cells[COLUMN_LINE] };

        event.body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        event.demographics = &said;
        name.family = reader->cells[COLUMN_FAMILY];
        name.given = given;
        name.n_given = given[0][0] != '\0';
        address.postal_code = reader->cells[COLUMN_POSTCODE];
        address.line = line;
        address.n_line = line[0][0] != '\0';
        number.value = reader->cells[COLUMN_TELECOM];
        sex.code = (char *)(uintptr_t)sex_read(reader->cells[COLUMN_SEX]);
        said.names = names;
        said.addresses = addresses;
        said.telecom = numbers;
        said.n_names = said.n_addresses = said.n_telecom = 1;
        said.sex = &sex;
        said.birth_date = date_read(reader->cells[COLUMN_BIRTH_DATE], &date) ? &date : NULL;
        ret->truth = arena_text(reader->rows->arena, reader->cells[COLUMN_TRUTH], strlen(reader->cells[COLUMN_TRUTH]));
        return ret->truth ? matching_of_event(&event, reader->rows->arena, &ret->matching) : -ENOMEM;
}

static void on_row(int end, void *owner) {
        Reader *reader = owner;
        MatchingRows *rows = reader->rows;

        reader->cell = 0;
        if (!reader->has_header) {
                reader->has_header = true;
                return;
        }
        if (rows->n == reader->capacity) {
                size_t capacity = reader->capacity ? reader->capacity * 2 : 1024;
                MatchingRow *grown = reallocarray(rows->of, capacity, sizeof(*rows->of));

                reader->is_full = reader->is_full || !grown;
                if (!grown)
                        return;
                rows->of = grown;
                reader->capacity = capacity;
        }
        rows->of[rows->n] = (MatchingRow){ NULL, NULL };
        if (row_read(reader, &rows->of[rows->n]) < 0)
                reader->is_full = true;
        else
                rows->n++;
        for (size_t i = 0; i < N_COLUMNS; i++)
                reader->cells[i][0] = '\0';
}

static bool columns_are_there(const Reader *reader, const char **ret_missing) {
        for (size_t i = 0; i < reader->columns->n; i++) {
                bool found = false;

                for (size_t j = 0; j < COLUMNS_MAX; j++)
                        found = found || reader->at[j] == reader->columns->of[i].column;
                *ret_missing = reader->columns->of[i].header;
                if (!found)
                        return false;
        }
        return true;
}

static int parse(FILE *file, Reader *reader) {
        struct csv_parser parser;
        char chunk[CHUNK];
        size_t n;
        int r = csv_init(&parser, CSV_APPEND_NULL | CSV_EMPTY_IS_NULL) == 0 ? 0 : -ENOMEM;

        while (r == 0 && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
                if (csv_parse(&parser, chunk, n, on_cell, on_row, reader) != n)
                        r = -EBADMSG;
        if (r == 0)
                csv_fini(&parser, on_cell, on_row, reader);
        csv_free(&parser);
        return r == 0 && ferror(file) ? -EIO : r;
}

int matching_rows_read(const char *path, const MatchingColumns *columns, MatchingRows *rows, const char **ret_problem) {
        _cleanup_(fclosep) FILE *file = fopen(path, "re");
        _cleanup_(freep) Reader *reader = calloc(1, sizeof(*reader));
        const char *missing;
        int r;

        if (!file)
                return -errno;
        if (!reader)
                return -ENOMEM;
        reader->columns = columns;
        reader->rows = rows;
        reader->capacity = rows->n;
        for (size_t i = 0; i < COLUMNS_MAX; i++)
                reader->at[i] = COLUMN_NONE;
        r = parse(file, reader);
        if (r < 0)
                return r;
        if (reader->is_full)
                return -ENOMEM;
        if (columns_are_there(reader, &missing))
                return 0;
        *ret_problem = arena_format(rows->arena, "%s has no column '%s' in its first row", path, missing);
        return *ret_problem ? 1 : -ENOMEM;
}
