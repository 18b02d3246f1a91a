/* See translate.h. */
#include "adapters/csv/translate.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "adapters/csv/encoding.h"
#include "adapters/csv/excel.h"
#include "adapters/csv/sayings.h"
#include "adapters/csv/translate-rules.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"

#define FILE_ARENA (4UL << 20)
#define ROW_ARENA (16UL << 20)
#define FILE_NOTES_MAX 8
#define HEAD_LINES_MAX 20 /* titles that people put above a table are not looked through for ever */

struct CsvReader {
        InHand *hand; /* borrowed; NULL: nothing is noted */
        bool is_again;
        const ReadingOptions options;
        Zone *zone;
        Arena *file_arena, *row_arena;
        /* the file */
        Encoding *encoding;
        Rows *rows;
        Bytes text, head;
        const char *table_name;
        TableBinding binding;
        const char *notes[FILE_NOTES_MAX];
        size_t n_notes;
        /* the row */
        Buffer original, message;
        RowWork work;
        FieldSeen *fields;
        Sayings *sayings; /* of the file's rows */
        bool is_gathering;
        int64_t said_at;
};

static const struct {
        const char *table;
        void (*translate)(RowWork *work);
        bool is_person;
} translations[] = {
        { "people", people_translate, true },
        { "referrals", referrals_translate, true },
        { "contacts", contacts_translate, true },
        { "stays", stays_translate, true },
        { "plan", plan_translate, true },
        { "scores", scores_translate, true },
        { "bereaved", bereaved_translate, false },
        { "services", services_translate, false },
        { "transfers", transfers_translate, true },
        { "allergies", allergies_translate, true },
        { "appointments", appointments_translate, true },
        { "documents", documents_translate, true },
        { "merges", merges_translate, true },
};

CsvReader *csv_reader_free(CsvReader *reader) {
        if (!reader)
                return NULL;
        rows_free(reader->rows);
        encoding_free(reader->encoding);
        sayings_free(reader->sayings);
        zone_free(reader->zone);
        arena_free(reader->file_arena);
        arena_free(reader->row_arena);
        buffer_deinit(&reader->original);
        buffer_deinit(&reader->message);
        free(reader);
        return NULL;
}

int csv_reader_new(const ReadingOptions *options, CsvReader **ret) {
        _cleanup_(csv_reader_freep) CsvReader *reader = calloc(1, sizeof(*reader));
        int r;

        if (!reader)
                return -ENOMEM;
        memcpy((void *)&reader->options, options, sizeof(*options));
        r = zone_new(options->timezone, &reader->zone);
        if (r == -ENOMEM)
                return r; /* a zone that nobody knows was said by the configuration's check already */
        r = arena_new(&reader->file_arena, FILE_ARENA);
        if (r == 0)
                r = arena_new(&reader->row_arena, ROW_ARENA);
        if (r == 0)
                r = sayings_new(&reader->sayings);
        reader->said_at = options->said_at ? options->said_at : INT64_MIN;
        if (r < 0)
                return r;
        *ret = TAKE_PTR(reader);
        return 0;
}

bool csv_name_is_known(const Profile *profile, const char *name, const char **ret_table) {
        const ProfileTable *rules;
        const Table *table = table_of_file(profile, name, &rules);

        *ret_table = table ? table->name : NULL;
        return table;
}

/* ---- the file as a whole ---- */

static int refuse_file(CsvFile *file, const char *code, size_t line, const char *sentence) {
        file->problem = sentence;
        file->problem_code = code;
        file->problem_line = line;
        return 1;
}

static void note_file(CsvReader *reader, const char *sentence) {
        if (sentence && reader->n_notes < FILE_NOTES_MAX)
                reader->notes[reader->n_notes++] = sentence;
}

static bool begins_with(Bytes file, const char *magic, size_t size) {
        return file.size >= size && memcmp(file.data, magic, size) == 0;
}

/* What is no text at all, and what is nothing. */
static int check_bytes(Bytes file, CsvFile *ret) {
        bool is_utf16 = begins_with(file, "\xff\xfe", 2) || begins_with(file, "\xfe\xff", 2);

        if (file.size == 0)
                return refuse_file(ret, "empty-file", 0,
                                   "The file is empty. Save it again from the spreadsheet, and see that it has rows.");
        if (file.size > CSV_FILE_MAX)
                return refuse_file(ret, "too-large", 0, "The file is larger than 256 MB. Cut it into several files.");
        if (begins_with(file, "PK\3\4", 4) || begins_with(file, "\xd0\xcf\x11\xe0", 4))
                return refuse_file(
                        ret, "not-csv", 0,
                        "This is a workbook, not a CSV file, whatever its name says. Open it, choose Save As, and take "
                        "the type CSV UTF-8 (comma delimited).");
        if (begins_with(file, "%PDF", 4) || (!is_utf16 && memchr(file.data, 0, file.size)))
                return refuse_file(ret, "not-csv", 0,
                                   "This is not a CSV file: it has bytes that no text has. Open it in the spreadsheet, "
                                   "choose Save "
                                   "As, and take the type CSV UTF-8 (comma delimited).");
        return 0;
}

static int open_encoding(CsvReader *reader, Bytes file, CsvFile *ret) {
        static const char *const sentences[] = {
                [ENCODING_UTF16] = "The file is written in UTF-16 and was read so.",
                [ENCODING_DECLARED] =
                        "The file is not written in UTF-8; it was read in the charset that the profile names.",
                [ENCODING_WINDOWS_1252] =
                        "The file is not written in UTF-8; it was read as Windows-1252, as Excel writes it. Look at "
                        "names with accents, or save as CSV UTF-8.",
        };
        int r;

        reader->encoding = encoding_free(reader->encoding);
        r = encoding_new(file, reader->options.profile->charset, &reader->encoding);
        if (r == 0)
                r = encoding_text(reader->encoding, file, &reader->text);
        if (r < 0)
                return r;
        if (r == ENCODING_E_UNKNOWN)
                return refuse_file(ret, "bad-charset", 0,
                                   "The file is not written in UTF-8, and the charset that the profile names is not "
                                   "known here. Save as CSV UTF-8, or correct the profile.");
        if (r > 0 ||
            (encoding_found(reader->encoding) == ENCODING_UTF16 && memchr(reader->text.data, 0, reader->text.size)))
                return refuse_file(ret, "bad-charset", 0,
                                   "The file says that it is written in UTF-16, but is not. Save as CSV UTF-8.");
        if (reader->text.size == 0)
                return refuse_file(ret, "empty-file", 0,
                                   "The file is empty. Save it again from the spreadsheet, and see that it has rows.");
        if (encoding_found(reader->encoding) < ELEMENTSOF(sentences))
                note_file(reader, sentences[encoding_found(reader->encoding)]);
        return 0;
}

static size_t line_size(Bytes text) {
        size_t n = 0;

        while (n < text.size && text.data[n] != '\n' && text.data[n] != '\r')
                n++;
        return n;
}

/* "sep=;" on the first line is for Excel. Its length with its end, or 0. */
static size_t separator_line(Bytes text, char *ret_delimiter) {
        size_t n = line_size(text);

        if (n != 5 || strncasecmp((const char *)text.data, "sep=", 4) != 0)
                return 0;
        *ret_delimiter = (char)text.data[4];
        if (n < text.size && text.data[n] == '\r')
                n++;
        if (n < text.size && text.data[n] == '\n')
                n++;
        return n;
}

/* What stands most often in the first line, outside of quotes. */
static char find_delimiter(Bytes text) {
        static const char marks[] = { ',', ';', '\t', '|' };
        size_t counts[ELEMENTSOF(marks)] = { 0 }, best = 0;
        bool is_quoted = false;

        while (text.size > 0 && line_size(text) == 0)
                text = bytes_of(text.data + 1, text.size - 1);
        for (size_t i = 0; i < text.size && (is_quoted || (text.data[i] != '\n' && text.data[i] != '\r')); i++) {
                if (text.data[i] == '"')
                        is_quoted = !is_quoted;
                for (size_t j = 0; !is_quoted && j < ELEMENTSOF(marks); j++)
                        counts[j] += text.data[i] == (uint8_t)marks[j];
        }
        for (size_t j = 1; j < ELEMENTSOF(marks); j++)
                if (counts[j] > counts[best])
                        best = j;
        return marks[best];
}

static const char *delimiter_note(char delimiter) {
        switch (delimiter) {
        case ';':
                return "The cells are separated by semicolons and were read so.";
        case '\t':
                return "The cells are separated by tabs and were read so.";
        case '|':
                return "The cells are separated by bars and were read so.";
        default:
                return NULL;
        }
}

/* Spaces at the ends, no-break ones too. */
static const char *trim(char *text) {
        size_t size = strlen(text);

        for (;;) {
                if (isspace((unsigned char)text[0]))
                        text++, size--;
                else if (strncmp(text, "\xc2\xa0", 2) == 0)
                        text += 2, size -= 2;
                else
                        break;
        }
        for (;;) {
                if (size > 0 && isspace((unsigned char)text[size - 1]))
                        text[--size] = 0;
                else if (size > 1 && memcmp(text + size - 2, "\xc2\xa0", 2) == 0)
                        text[size -= 2] = 0;
                else
                        return text;
        }
}

/* All cells of a row as UTF-8; a cell that cannot be read is NULL and counted. */
static int decode_cells(CsvReader *reader, const Row *row, Arena *arena, const char ***ret, size_t *ret_unread) {
        const char **cells = arena_alloc(arena, (row->n_cells + 1) * sizeof(*cells));

        if (!cells)
                return -ENOMEM;
        for (size_t i = 0; i < row->n_cells; i++) {
                int r = encoding_decode(reader->encoding, row->cells[i], arena, &cells[i]);

                if (r < 0)
                        return r;
                *ret_unread += r > 0;
                cells[i] = r > 0 ? NULL : trim((char *)cells[i]);
        }
        *ret = cells;
        return 0;
}

static int sentence_of(CsvReader *reader, const char **ret, const char *format, const char *name) {
        _cleanup_(buffer_deinit) Buffer buffer = BUFFER_NULL;
        const char *at = strstr(format, "%s");

        buffer_append(&buffer, format, (size_t)(at - format));
        buffer_append_text(&buffer, name);
        buffer_append_text(&buffer, at + strlen("%s"));
        *ret = buffer.error < 0 ? NULL : arena_text(reader->file_arena, buffer.data, buffer.size);
        return *ret ? 0 : -ENOMEM;
}

static int refuse_columns(CsvReader *reader, CsvFile *ret, TableProblem problem, size_t line, const char *column) {
        const char *sentence = "The first line names none of the columns of this table. It has to be the line of "
                               "column names; see the "
                               "template.";
        int r = 0;

        if (problem == TABLE_MISSING)
                r = sentence_of(reader, &sentence,
                                "The column %s is missing. Add it as the template has it, or map a column of yours to "
                                "it in the profile.",
                                column);
        if (problem == TABLE_TWICE)
                r = sentence_of(reader, &sentence,
                                "The column %s is there twice, so nobody knows which one is meant. Take one out.",
                                column);
        return r < 0 ? r
                     : refuse_file(ret, problem == TABLE_TWICE ? "duplicate-column" : "missing-column", line, sentence);
}

static int note_unknown(CsvReader *reader) {
        _cleanup_(buffer_deinit) Buffer names = BUFFER_NULL;
        const char *sentence;
        int r;

        for (size_t i = 0; i < reader->binding.n_uses && names.size < 400; i++) {
                if (reader->binding.uses[i].use != FIELD_UNKNOWN)
                        continue;
                buffer_append_text(&names, names.size ? ", " : "");
                buffer_append_text(&names, reader->binding.uses[i].name);
        }
        if (names.size == 0)
                return 0;
        buffer_append_byte(&names, 0);
        if (names.error < 0)
                return names.error;
        r = sentence_of(reader, &sentence,
                        "Not known and not used, here and in all rows: %s. Map them in the profile, or have them "
                        "ignored there.",
                        (const char *)names.data);
        if (r == 0)
                note_file(reader, sentence);
        return r;
}

/* Which table it is, as far as that was known before anything was read. */
typedef struct Asked {
        const Table *table;
        const ProfileTable *rules;
        bool by_columns;
} Asked;

static int open_columns(CsvReader *reader, Asked *asked, CsvFile *ret) {
        const char **names, *column = NULL;
        size_t n_unread = 0;
        Row row;
        int r = rows_next(reader->rows, &row);

        if (r < 0)
                return r;
        if (r == 0)
                return refuse_file(ret, "empty-file", 0, "There is nothing in the file but empty lines.");
        reader->head = bytes_of(reader->text.data, row.offset + row.raw.size);
        if (row.problem != ROW_WHOLE || reader->head.size > CSV_HEAD_MAX)
                return refuse_file(ret, "missing-column", row.line,
                                   "The first line cannot be read as the line of column names: look at its quotes and "
                                   "its length.");
        r = decode_cells(reader, &row, reader->file_arena, &names, &n_unread);
        if (r < 0)
                return r;
        if (n_unread > 0)
                return refuse_file(ret, "bad-charset", row.line,
                                   "The line of column names has letters that cannot be read. Save as CSV UTF-8.");
        if (!asked->table && asked->by_columns)
                asked->table = table_by_columns(reader->options.profile, names, row.n_cells, reader->file_arena,
                                                &asked->rules);
        if (!asked->table)
                return refuse_file(ret, "unknown-table", 0,
                                   "Neither the name of the file nor its columns say which table this is. Name it as "
                                   "the template is named, such as people.csv.");
        ret->table = reader->table_name = asked->table->name;
        r = table_bind(asked->table, asked->rules, reader->options.profile, names, row.n_cells, reader->file_arena,
                       &reader->binding, &column);
        if (r < 0)
                return r;
        ret->is_complete = asked->rules && asked->rules->is_complete;
        return r == TABLE_FITS ? note_unknown(reader) : refuse_columns(reader, ret, (TableProblem)r, row.line, column);
}

/* Everything that would make what follows it wrong is found before the first row goes out. */
static int count_rows(CsvReader *reader, CsvFile *ret) {
        Row row;
        int r;

        while ((r = rows_next(reader->rows, &row)) > 0) {
                if (row.problem == ROW_QUOTE_OPEN || row.problem == ROW_TOO_LONG)
                        return refuse_file(ret, "open-quote", row.line,
                                           "A quotation mark is opened on this line and never closed, so that "
                                           "everything behind it would "
                                           "be one cell. Close it, or take it out.");
                if (++ret->n_rows > CSV_ROWS_MAX)
                        return refuse_file(ret, "too-many-rows", 0,
                                           "The file has more than a million rows. Cut it into several files.");
        }
        return r;
}

static int open_file(CsvReader *reader, Asked *asked, Bytes file, CsvFile *ret) {
        char delimiter = 0;
        size_t skipped, body, line;
        int r = check_bytes(file, ret);

        if (r == 0)
                r = open_encoding(reader, file, ret);
        if (r != 0)
                return r;
        skipped = separator_line(reader->text, &delimiter);
        if (!delimiter)
                delimiter = asked->rules && asked->rules->delimiter ? asked->rules->delimiter
                                                                    : find_delimiter(reader->text);
        note_file(reader, delimiter_note(delimiter));
        reader->rows = rows_free(reader->rows);
        r = rows_new(reader->text, delimiter, &reader->rows);
        if (r < 0)
                return r;
        if (skipped > 0)
                rows_seek(reader->rows, skipped, 2);
        r = open_columns(reader, asked, ret);
        if (r != 0)
                return r;
        body = reader->head.size;
        line = 1;
        for (size_t i = 0; i < body; i++)
                line += reader->text.data[i] == '\n' ||
                        (reader->text.data[i] == '\r' &&
                         (i + 1 == reader->text.size || reader->text.data[i + 1] != '\n'));
        r = count_rows(reader, ret);
        rows_seek(reader->rows, body, line);
        if (r == 0 && ret->n_rows == 0)
                note_file(reader, "There are no rows below the line of column names.");
        return r;
}

/* Only a plan has things that are said once. */
static int gather_sayings(CsvReader *reader) {
        size_t offset, line;
        CsvRow row;
        int r;

        sayings_clear(reader->sayings);
        if (strcmp(reader->table_name, "plan") != 0)
                return 0;
        rows_tell(reader->rows, &offset, &line);
        reader->is_gathering = true;
        while ((r = csv_reader_next(reader, &row)) > 0) {
                if (row.verdict == CSV_TAKEN && reader->work.thing)
                        r = sayings_add(reader->sayings, reader->work.thing,
                                        reader->work.said ? reader->work.said : "");
                if (r < 0)
                        break;
        }
        reader->is_gathering = false;
        sayings_close(reader->sayings);
        rows_seek(reader->rows, offset, line);
        return r;
}

static int open_asked(CsvReader *reader, Asked *asked, Bytes file, CsvFile *ret) {
        int r;

        *ret = (CsvFile){ .table = asked->table ? asked->table->name : NULL };
        arena_reset(reader->file_arena);
        arena_reset(reader->row_arena);
        reader->n_notes = 0;
        reader->table_name = ret->table;
        r = open_file(reader, asked, file, ret);
        if (r > 0) /* said in `ret`; there are no rows then */
                reader->rows = rows_free(reader->rows);
        if (r == 0)
                r = gather_sayings(reader);
        ret->notes = reader->notes;
        ret->n_notes = reader->n_notes;
        return r < 0 ? r : 0;
}

int csv_reader_open(CsvReader *reader, const char *name, Bytes file, bool by_columns, CsvFile *ret) {
        Asked asked = { .by_columns = by_columns };

        asked.table = table_of_file(reader->options.profile, name, &asked.rules);
        return open_asked(reader, &asked, file, ret);
}

int csv_reader_open_table(CsvReader *reader, const char *table, Bytes file, CsvFile *ret) {
        Asked asked = { .by_columns = true };

        if (table)
                asked.table = table_named(reader->options.profile, table, &asked.rules);
        return open_asked(reader, &asked, file, ret);
}

void csv_reader_seek(CsvReader *reader, size_t offset, size_t line) {
        rows_seek(reader->rows, offset, line);
}

void csv_reader_set_time(CsvReader *reader, int64_t said_at) {
        reader->said_at = said_at;
}

/* ---- a row ---- */

static const char broken_row[] =
        "the quotation marks of this row do not fit; a cell with commas or line ends goes into one pair of them, "
        "and a mark inside of it is written twice";
static const char many_cells[] = "the row has more cells than any table";
static const char short_row[] =
        "the row has fewer cells than there are columns, so that it is not known which are missing";
static const char long_row[] =
        "the row has more cells than there are columns, so that its values may stand in the wrong ones; a comma inside "
        "of a value needs quotation marks";
static const char bad_letter[] = "a letter cannot be read; save as CSV UTF-8";
static const char is_needed[] = "this must be filled in";
static const char total_row[] = "this looks like a line of totals and was left out";
static const char example_row[] = "this is an example of the template and was left out";
static const char twice_otherwise[] =
        "another row of this file says something else of the same person, item and day, so that nobody knows which "
        "holds: "
        "take one out, put both into one row, or give each a decided_at of its own, with the time of day";
static const char too_much[] = "there is more in this row than fits; make its texts shorter";

static bool cells_are_empty(const char *const *cells, size_t from, size_t until) {
        for (size_t i = from; i < until; i++)
                if (!cells[i] || cells[i][0])
                        return false;
        return true;
}

/* Puts the cells into the columns of the template. Two columns that lead to one, a day and a time, are joined. */
static void take_values(RowWork *work, const char *const *cells) {
        for (size_t i = 0; i < work->binding->n_uses; i++) {
                const TableUse *use = &work->binding->uses[i];
                char **value = use->column >= 0  ? &work->values[use->column]
                               : use->exact >= 0 ? &work->exact[use->exact]
                                                 : NULL;

                if (!value || !cells[i] || !cells[i][0])
                        continue;
                if (strlen(cells[i]) > (work->is_exact ? DRAFT_TEXT_MAX : DRAFT_TEXT_MAX / 4))
                        row_refuse(work, use->column, too_much);
                *value = *value ? draft_format(&work->draft, "%s %s", *value, cells[i]) : (char *)cells[i];
        }
}

/* Of other columns than those of plan's values, which know what is signed. */
static void apply_values(RowWork *work) {
        const Table *table = work->binding->table;
        bool is_plan = strcmp(table->name, "plan") == 0;

        for (size_t i = 0; i < table->n_columns; i++) {
                const char *meant;

                if (!work->values[i] || (is_plan && ((int)i == PLAN_VALUE || (int)i == PLAN_ITEM)))
                        continue;
                meant = table_value(work->binding->rules, table->columns[i].name, work->values[i]);
                if (meant)
                        work->values[i] = draft_text(&work->draft, meant, strlen(meant));
        }
}

/* A total is no row of anybody: at most a word and a figure, and nothing of what names a row but that word. */
static bool row_is_total(const RowWork *work, const char *const *cells, size_t n_cells) {
        size_t n_filled = 0;
        bool is_total = false;

        for (size_t i = 0; i < n_cells; i++) {
                n_filled += cells[i] && cells[i][0];
                is_total = is_total || (cells[i] && cells[i][0] && n_filled == 1 && excel_is_total(cells[i]));
        }
        return is_total && n_filled <= 3;
}

static void check_required(RowWork *work) {
        const Table *table = work->binding->table;

        for (size_t i = 0; i < table->n_columns; i++)
                if (table->columns[i].flags & TABLE_REQUIRED && !work->values[i] &&
                    (i == 0 || !work->exact[EXACT_TYPE]))
                        row_refuse(work, (int)i, is_needed);
}

static void translate_row(RowWork *work, const char *const *cells) {
        for (size_t i = 0; i < ELEMENTSOF(translations); i++) {
                if (strcmp(translations[i].table, work->binding->table->name) != 0)
                        continue;
                if (work->is_exact)
                        exact_begin(work);
                if (translations[i].is_person)
                        row_person(work);
                translations[i].translate(work);
                if (work->is_exact)
                        exact_end(work);
                row_fields(work, cells);
                return;
        }
}

/* The rows that the templates are shipped with: forgotten in a file, they are about nobody. */
static bool row_is_example(const char *const *cells, size_t n_cells) {
        return n_cells > 0 && cells[0] && strncmp(cells[0], "EXAMPLE-", strlen("EXAMPLE-")) == 0;
}

/* Whether there is a row to translate; else `work` says why not, or it is a total or blank. */
static bool row_is_sound(RowWork *work, const Row *row, const char *const *cells, size_t n_unread, CsvVerdict *ret) {
        size_t n_columns = work->binding->n_uses;

        *ret = CSV_LEFT_OUT;
        if (row->problem == ROW_WHOLE && n_unread == 0 && cells_are_empty(cells, 0, row->n_cells))
                return false;
        if (row->problem == ROW_WHOLE && !work->is_exact && row_is_total(work, cells, row->n_cells)) {
                row_note(work, -1, total_row);
                return false;
        }
        if (row->problem == ROW_WHOLE && !work->is_exact && row_is_example(cells, row->n_cells)) {
                row_note(work, -1, example_row);
                return false;
        }
        *ret = CSV_REFUSED;
        if (row->problem == ROW_TOO_MANY_CELLS)
                row_refuse(work, -1, many_cells);
        else if (row->problem != ROW_WHOLE)
                row_refuse(work, -1, broken_row);
        else if (n_unread > 0)
                row_refuse(work, -1, bad_letter);
        else if (row->n_cells < n_columns)
                row_refuse(work, -1, short_row);
        else if (!cells_are_empty(cells, n_columns, row->n_cells))
                row_refuse(work, -1, long_row);
        return !work->is_refused;
}

/* ---- what goes out ---- */

static int give_message(CsvReader *reader, CsvRow *ret) {
        Buffer *message = &reader->message;

        buffer_clear(message);
        for (size_t i = 0; i < reader->work.n_notes; i++) {
                const RowNote *note = &reader->work.notes[i];

                if (reader->work.is_refused && !note->is_refusal)
                        continue; /* what was done about a cell matters no more */
                buffer_append_text(message, message->size ? "; " : "");
                if (note->column) {
                        buffer_append_text(message, note->column);
                        buffer_append_text(message, ": ");
                }
                buffer_append_text(message, note->sentence);
        }
        buffer_append_byte(message, 0);
        ret->message = (const char *)message->data;
        return message->error;
}

static int give_fields(CsvReader *reader, const char *const *cells, size_t n_cells, Reading *ret) {
        size_t n = 0;

        if (!reader->options.want_fields)
                return 0;
        reader->fields = arena_alloc(reader->row_arena, (reader->binding.n_uses + 1) * sizeof(*reader->fields));
        if (!reader->fields)
                return -ENOMEM;
        for (size_t i = 0; i < reader->binding.n_uses && i < n_cells; i++)
                if (cells[i] && cells[i][0])
                        reader->fields[n++] = (FieldSeen){ reader->binding.uses[i].path, reader->binding.uses[i].use };
        ret->fields = reader->fields;
        ret->n_fields = n;
        return 0;
}

/* The line of column names goes with each row, so that it can be read again alone. */
static int give_original(CsvReader *reader, const Row *row, Reading *ret) {
        Bytes raw = row->raw;
        bool has_end = raw.size > 0 && (raw.data[raw.size - 1] == '\n' || raw.data[raw.size - 1] == '\r');

        buffer_clear(&reader->original);
        buffer_append_bytes(&reader->original, reader->head);
        buffer_append_bytes(&reader->original, raw);
        if (!has_end)
                buffer_append_byte(&reader->original, '\n');
        ret->original = buffer_bytes(&reader->original);
        return reader->original.error;
}

static int give_reading(CsvReader *reader, CsvRow *ret) {
        RowWork *work = &reader->work;
        Reading *reading = &ret->reading;

        reading->message_time = INT64_MIN;
        reading->media_type = CSV_MEDIA_TYPE;
        reading->trigger = arena_format(reader->row_arena, "%s.csv", reader->table_name);
        reading->problem_urgent = work->is_urgent;
        if (!reading->trigger)
                return -ENOMEM;
        if (ret->verdict == CSV_TAKEN) {
                reading->events = work->draft.events;
                reading->n_events = work->draft.n_events;
        } else if (ret->verdict == CSV_REFUSED) {
                reading->problem_code = "row-refused";
                reading->problem_position = arena_format(reader->row_arena, "line %zu: %.300s", ret->line,
                                                         ret->message);
        } else
                reading->ignored = true;
        return 0;
}

int csv_reader_refuse(CsvReader *reader, CsvRow *row, const char *sentence) {
        int r;

        row_refuse(&reader->work, 0, sentence);
        row->verdict = CSV_REFUSED;
        r = give_message(reader, row);
        row->reading.events = NULL;
        row->reading.n_events = 0;
        return r < 0 ? r : give_reading(reader, row);
}

/* All rows of a file are said at one moment. Within its second they stand as their days do, and of one day what ends behind what begins:
 * lists have the newest on top as often as not. */
static void put_in_order(RowWork *work, int64_t said_at) {
        static const int64_t a_day = INT64_C(86400) * USEC_PER_SEC, first_day = -43830; /* in 1850 */
        Carebus__V1__When *when;
        int64_t days;

        if (said_at == INT64_MIN || !work->order_at)
                return;
        days = work->order_at->utc_at / a_day - first_day;
        when = draft_alloc(&work->draft, sizeof(*when));
        if (!when)
                return;
        carebus__v1__when__init(when);
        when->has_utc_at = when->has_precision = true;
        when->utc_at = said_at + MIN(MAX(days, (int64_t)0), (int64_t)200000) * 4 + work->order_rank;
        when->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND;
        for (size_t i = 0; i < work->draft.n_events; i++)
                work->draft.events[i]->recorded_at = when;
}

static bool has_exact_parts(const TableBinding *binding) {
        for (size_t i = 0; i < binding->n_uses; i++)
                if (binding->uses[i].exact == EXACT_PARTS)
                        return true;
        return false;
}

static int read_row(CsvReader *reader, const Row *row, CsvRow *ret) {
        RowWork *work = &reader->work;
        const char **cells = NULL;
        size_t n_unread = 0;
        int r;

        *work = (RowWork){ .draft = { .arena = reader->row_arena },
                           .binding = &reader->binding,
                           .is_exact = reader->binding.rules && reader->binding.rules->is_exact,
                           .has_parts = has_exact_parts(&reader->binding),
                           .profile = reader->options.profile,
                           .zone = reader->zone,
                           .source = reader->options.source };
        r = decode_cells(reader, row, reader->row_arena, &cells, &n_unread);
        if (r < 0)
                return r;
        if (row_is_sound(work, row, cells, n_unread, &ret->verdict)) {
                take_values(work, cells);
                ret->key = work->values[0];
                apply_values(work);
                check_required(work);
                if (!work->is_refused)
                        translate_row(work, cells);
                if (!work->is_refused && !reader->is_gathering && work->thing &&
                    sayings_differ(reader->sayings, work->thing))
                        row_refuse(work, -1, twice_otherwise);
                put_in_order(work, reader->said_at);
                if (work->draft.is_full)
                        row_refuse(work, -1, too_much);
                ret->verdict = work->is_refused ? CSV_REFUSED : CSV_TAKEN;
        }
        ret->birth_date = work->birth_date;
        ret->family_name = work->family_name;
        r = give_message(reader, ret);
        if (r == 0)
                r = give_reading(reader, ret);
        if (r == 0)
                r = give_fields(reader, cells, row->n_cells, &ret->reading);
        return r;
}

/* A row that ended the adapter too often: as it came, for a person. What it says of whom nobody knows. */
static int read_unread(CsvReader *reader, CsvRow *ret) {
        const Bytes original = ret->reading.original;

        reader->work = (RowWork){ .source = reader->options.source };
        ret->verdict = CSV_TAKEN;
        ret->message = "";
        in_hand_reading(reader->hand, original, CSV_MEDIA_TYPE, &ret->reading);
        ret->reading.trigger = arena_format(reader->row_arena, "%s.csv", reader->table_name);
        return ret->reading.trigger ? 0 : -ENOMEM;
}

int csv_reader_next(CsvReader *reader, CsvRow *ret) {
        Row row;
        int r = reader->rows ? rows_next(reader->rows, &row) : 0;

        if (r <= 0)
                return r;
        arena_reset(reader->row_arena);
        *ret = (CsvRow){ .line = row.line, .offset = row.offset };
        r = give_original(reader, &row, &ret->reading);
        if (r < 0)
                return r;
        if (in_hand_take(reader->hand, IN_HAND_PART, ret->reading.original, reader->is_again) == IN_HAND_E_GIVEN_UP)
                r = read_unread(reader, ret);
        else {
                r = read_row(reader, &row, ret);
                in_hand_done(reader->hand, IN_HAND_PART);
        }
        return r < 0 ? r : 1;
}

void csv_reader_set_hand(CsvReader *reader, InHand *hand, bool is_again) {
        reader->hand = hand;
        reader->is_again = is_again;
}
