#pragma once
/* Inside of the translation of rows: what one row says, column by column, and what is to be said of it in the receipt. */
#include "adapters/common/draft.h"
#include "adapters/csv/columns.h"
#include "adapters/csv/parts.h"
#include "adapters/csv/table.h"
#include "adapters/csv/translate.h"
#include "canon/zone.h"

#define NOTES_MAX 12
#define ROW_DAY_SIZE 40

/* Of one row: what its receipt will say. Sentences are static and hold nothing of the row. */
typedef struct RowNote {
        const char *column; /* as the file has it; NULL: the row */
        const char *sentence;
        bool is_refusal;
} RowNote;

typedef struct RowWork {
        Draft draft;
        const TableBinding *binding;
        const Profile *profile;
        const Zone *zone; /* NULL: UTC */
        const char *source;
        char *values[TABLE_COLUMNS_MAX]; /* without spaces at their ends; NULL: empty */
        /* The exact form (ProfileTable.is_exact): traps of spreadsheet programs are none there, and nothing is refused for what it says. */
        bool is_exact;
        char *exact[_EXACT_MAX];
        Parts parts;
        bool has_parts; /* coded values are what stands there, and none is where nothing does */
        RowNote notes[NOTES_MAX];
        size_t n_notes;
        bool is_refused;
        bool is_urgent; /* it touches a decision or a death */
        /* What this row says that can be said once only (sayings.h); NULL: nothing of the kind. */
        char *thing, *said;
        /* Among the rows of one file, which are said at one moment, what is later in life is the later word, wherever it stands. */
        Carebus__V1__When *order_at;           /* NULL: nothing to go by */
        unsigned order_rank;                   /* of one day: what ends, and what takes back, is later */
        char *birth_date, *family_name;        /* of people.csv: whose number it is */
        Carebus__V1__Identifier **identifiers; /* of the person; all events share them */
        size_t n_identifiers;
} RowWork;

/* The template's word for a place in which people wish to be, by its code of SNOMED CT; NULL: none. */
const char *plan_place_word(const char *code);

/* ---- what the receipt says: column -1 is the row itself */

void row_note(RowWork *work, int column, const char *sentence);
void row_refuse(RowWork *work, int column, const char *sentence);

/* ---- values: NULL where the cell is empty or was refused */

char *row_text(RowWork *work, int column);
char *row_number_text(RowWork *work, int column); /* an identifier of something, as text */
Carebus__V1__Identifier *row_identifier(RowWork *work, int column);
/* The same of what the row is about: in the exact form its system stands behind the columns. */
Carebus__V1__Identifier *row_own_identifier(RowWork *work, int column);
Carebus__V1__Coded *row_coded(RowWork *work, int column);
/* `day`: its text by ISO 8601, for identifiers made of it; may be NULL. */
Carebus__V1__When *row_when(RowWork *work, int column, char day[ROW_DAY_SIZE]);
/* Of what has happened: a day that has not come yet is a slip of the pen, and is refused. */
Carebus__V1__When *row_past(RowWork *work, int column, char day[ROW_DAY_SIZE]);
Carebus__V1__Date *row_date(RowWork *work, int column);
char *row_time(RowWork *work, int column);
/* False: nothing was said. */
bool row_truth(RowWork *work, int column, bool *ret);
bool row_whole_number(RowWork *work, int column, uint32_t *ret);
Carebus__V1__Telecom *row_phone(RowWork *work, int column);
/* Parts of a list in one cell, separated by semicolons (or by `further`): the next, or NULL. `*at` begins as the cell's text. */
char *row_list_next(RowWork *work, char **at, const char *further);
/* A word of a list, letters in either case; -1: none. */
int word_find(const char *const *words, size_t n, const char *text);
#define WORD_FIND(words, text) word_find(words, ELEMENTSOF(words), text)

/* ---- events */

/* An event about the person of this row, with the trigger. NULL: full. */
Carebus__V1__Event *row_event(RowWork *work, const char *type, Carebus__V1__Action action);
#define ROW_NEW CAREBUS__V1__ACTION__ACTION_NEW
#define ROW_UPDATE CAREBUS__V1__ACTION__ACTION_UPDATE
#define ROW_IN_ERROR CAREBUS__V1__ACTION__ACTION_ENTERED_IN_ERROR
/* An initialised message of the arena. */
#define ROW_MESSAGE(work, name) draft_message(&(work)->draft, &carebus__v1__##name##__descriptor)
/* Sets the one-of of an event. */
#define ROW_BODY(event, CASE, member, value)                          \
        do {                                                          \
                (event)->body_case = CAREBUS__V1__EVENT__BODY_##CASE; \
                (event)->member = (value);                            \
        } while (0)
/* Who decided it, of plan.csv; NULL: nobody is named. */
Carebus__V1__Practitioner *row_author(RowWork *work);
/* The main carer of people.csv, where there is one. */
void row_carer(RowWork *work, Carebus__V1__Demographics *person);
/* death.notified, informal. `died_at` may be NULL. */
void row_death(RowWork *work, Carebus__V1__When *died_at, const char *how_known, Carebus__V1__Identifier *encounter);
/* death.retracted: it was told by mistake. */
void row_death_retracted(RowWork *work, const char *how_known);

/* Reads who the row is about. */
void row_person(RowWork *work);
/* The profile's own columns, on all events of the row. */
void row_fields(RowWork *work, const char *const *cells);

/* ---- the exact form: translate-exact.c */

/* Takes `parts` apart, before the row is translated. */
void exact_begin(RowWork *work);
/* What the row's columns behind those of its table say: which of its events it is, when it was, when it was said. */
void exact_end(RowWork *work);
/* The index-th part of that name; NULL: none. */
Carebus__V1__Coded *exact_part_coded(RowWork *work, const char *name, size_t index);
Carebus__V1__Identifier *exact_part_identifier(RowWork *work, const char *name, size_t index);
Carebus__V1__When *exact_when_of(RowWork *work, char *text);
Carebus__V1__Date *exact_date_of(RowWork *work, char *text);
char *exact_part_text(RowWork *work, const char *name, size_t index, size_t value);
/* A value of an enumeration by its name. False: none is said. */
bool exact_part_enum(RowWork *work, const char *name, const ProtobufCEnumDescriptor *type, int *ret);
bool exact_part_truth(RowWork *work, const char *name, protobuf_c_boolean *ret);
Carebus__V1__When *exact_part_when(RowWork *work, const char *name);
/* A row of plan.csv, which is one event: translate-exact-plan.c. */
void plan_exact(RowWork *work);
/* A row of people.csv, which is demographics or a death: translate-exact-people.c. */
void people_exact(RowWork *work);
/* A coded list of one cell: its parts, else what the separators part. Appends to a repeated field of Coded. */
void row_coded_list(RowWork *work, int column, const char *further, size_t *n, Carebus__V1__Coded ***list);
/* The same of texts. */
void row_text_list(RowWork *work, int column, const char *further, size_t *n, char ***list);

void people_translate(RowWork *work);
void referrals_translate(RowWork *work);
void contacts_translate(RowWork *work);
void stays_translate(RowWork *work);
void plan_translate(RowWork *work);
void scores_translate(RowWork *work);
void bereaved_translate(RowWork *work);
void services_translate(RowWork *work);
void transfers_translate(RowWork *work);
void allergies_translate(RowWork *work);
void appointments_translate(RowWork *work);
void documents_translate(RowWork *work);
void merges_translate(RowWork *work);
