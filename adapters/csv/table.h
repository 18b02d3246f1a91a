#pragma once
/*
 * The eight templates and the tables that programs exchange besides, and how the columns of a file become theirs: by their own names, or by
 * the `tables:` of the source's profile.
 */
#include <stdbool.h>
#include <stddef.h>

#include "adapters/common/reading.h"
#include "base/arena.h"
#include "config/profile.h"

#define TABLE_COLUMNS_MAX 24
#define TABLES_MAX 13

typedef enum TableColumnFlags {
        TABLE_REQUIRED = 1,    /* the file must have it, and each row must fill it in */
        TABLE_NOT_SHIPPED = 2, /* understood where a column map leads to it; not in the template */
        TABLE_NAMES = 4,       /* a row is about what it names: a row without it may be a total */
        TABLE_EXACT = 8,       /* in the exact form alone */
} TableColumnFlags;

typedef struct TableColumn {
        const char *name;
        unsigned flags;
} TableColumn;

/* Columns in the order of the enums of translate-rules.h. */
typedef struct Table {
        const char *name;
        const TableColumn *columns;
        size_t n_columns;
        bool is_further; /* no template: a file is one where the profile says so */
} Table;

/* Columns that stand behind those of any table in the exact form, and count where the profile says that it is that. */
typedef enum ExactColumn {
        EXACT_LOCAL_ID_SYSTEM, /* of the person's number */
        EXACT_ID_SYSTEM,       /* of the row's own */
        EXACT_EVENT,           /* carebus:BUS#12.0: which event of which bus it is */
        EXACT_TYPE,
        EXACT_ACTION,
        EXACT_OCCURRED,
        EXACT_RECORDED,
        EXACT_PARTS, /* parts.h */
        _EXACT_MAX,
} ExactColumn;
extern const char *const exact_columns[_EXACT_MAX];

const Table *table_at(size_t index); /* NULL behind the last */
const Table *table_by_name(const char *name);

/* Which table a file is, by its name: the profile's patterns, then NAME*.csv. *ret_rules is the profile's word on it, or NULL. NULL: a
 * name that nobody knows. */
const Table *table_of_file(const Profile *profile, const char *file_name, const ProfileTable **ret_rules);
/* By what it is called in the profile or here; for rows that come back from the bus. */
const Table *table_named(const Profile *profile, const char *name, const ProfileTable **ret_rules);

/* What becomes of one column of the file. */
typedef struct TableUse {
        const char *name;          /* as the file has it, without spaces at its ends */
        const char *path;          /* "people.csv: Key safe", at most 120 bytes */
        int column;                /* of the template, or -1 */
        int exact;                 /* an ExactColumn, or -1 */
        const ProfileField *field; /* or this, or neither */
        FieldUse use;
} TableUse;

typedef enum TableProblem {
        TABLE_FITS,
        TABLE_NO_COLUMNS, /* the first line knows none of the columns */
        TABLE_MISSING,    /* *ret_column: of the template */
        TABLE_TWICE,      /* *ret_column: as the file has it */
} TableProblem;

typedef struct TableBinding {
        const Table *table;
        const ProfileTable *rules; /* or NULL */
        TableUse *uses;
        size_t n_uses;
        size_t n_unknown;
        const char *column_names
                [TABLE_COLUMNS_MAX]; /* how the file calls each column of the template; NULL: it has none such */
} TableBinding;

/* `names`: the cells of the first line. All that is made lies in the arena. A TableProblem, or -ENOMEM. */
int table_bind(const Table *table, const ProfileTable *rules, const Profile *profile, const char *const *names,
               size_t n_names, Arena *arena, TableBinding *ret, const char **ret_column);
/* The table that these columns are, where nothing else says it; NULL: none, or several. */
const Table *table_by_columns(const Profile *profile, const char *const *names, size_t n_names, Arena *arena,
                              const ProfileTable **ret_rules);
/* What a value of a column means by the profile; NULL: the profile has no word on it. */
const char *table_value(const ProfileTable *rules, const char *column, const char *said);
