#pragma once
/*
 * A file of rows becomes canonical events, each row by itself, and for each row a sentence for whoever wrote it. The same for the adapter,
 * for --translate and for --load; adapters/csv/reader.c has it as a ReaderClass. One thread.
 */
#include "adapters/common/in-hand.h"
#include "adapters/common/reading.h"
#include "adapters/csv/rows.h"
#include "base/cleanup.h"

#define CSV_MEDIA_TYPE "text/csv"
#define CSV_ROWS_MAX 1000000
#define CSV_FILE_MAX (256UL << 20)
#define CSV_HEAD_MAX (64UL << 10)

typedef struct CsvReader CsvReader;

int csv_reader_new(const ReadingOptions *options, CsvReader **ret);
CsvReader *csv_reader_free(CsvReader *reader);
DEFINE_CLEANUP(CsvReader *, csv_reader_free)

/* Of a file as a whole. Texts live until the next file. */
typedef struct CsvFile {
        const char *table;        /* people, ...; NULL where even that is not known */
        size_t n_rows;            /* that are not blank */
        const char *problem;      /* why nothing of it can be read, in plain English; NULL: it can */
        size_t problem_line;      /* 0: the file */
        const char *problem_code; /* reason code */
        const char *const *notes; /* what was decided about it */
        size_t n_notes;
        bool is_complete; /* the profile says that each file of this table has everybody */
} CsvFile;

/* `name` is the file's, and picks the table; where it fits none, the columns do if `by_columns`. `file` is borrowed until the next
 * call. 0, whatever the file is like; or -ENOMEM. */
int csv_reader_open(CsvReader *reader, const char *name, Bytes file, bool by_columns, CsvFile *ret);
/* The same where it is known which table it is: a row that comes back from the bus. NULL or unknown: by its columns. */
int csv_reader_open_table(CsvReader *reader, const char *table, Bytes file, CsvFile *ret);

typedef enum CsvVerdict {
        CSV_TAKEN,    /* has events */
        CSV_REFUSED,  /* has none, and `message` says why */
        CSV_LEFT_OUT, /* a total, or a row with nothing in it: `message` says so where there is something to say */
} CsvVerdict;

typedef struct CsvRow {
        size_t line, offset; /* the place to come back to */
        CsvVerdict verdict;
        const char *key;     /* what its first needed column says; NULL: nothing */
        const char *message; /* what a person should know; "" where there is nothing */
        /* people.csv: whose number it is, where the row says so; NULL: it does not. */
        const char *birth_date, *family_name;
        Reading reading; /* message_id is left NULL */
} CsvRow;

/* The next row of the file: 1, 0 behind the last, or -ENOMEM. All of it lives until the next call. */
int csv_reader_next(CsvReader *reader, CsvRow *ret);
void csv_reader_seek(CsvReader *reader, size_t offset, size_t line);
/* When the rows that follow were said, microseconds since 1970; INT64_MIN: not known, and no row of a file is later than another. Before
 * it is said: `said_at` of the options. */
void csv_reader_set_time(CsvReader *reader, int64_t said_at);
/* Each row is noted while it is read (in-hand.h); one that was given up has events of nobody and waits with its problem. `is_again`: rows
 * that somebody wanted to be read again. The hand is borrowed; NULL: none. */
void csv_reader_set_hand(CsvReader *reader, InHand *hand, bool is_again);
/* What became of a row that was read is no longer to be: it is refused, with this sentence. */
int csv_reader_refuse(CsvReader *reader, CsvRow *row, const char *sentence);
/* A file's name has a table, so that it is ours. */
bool csv_name_is_known(const Profile *profile, const char *name, const char **ret_table);
