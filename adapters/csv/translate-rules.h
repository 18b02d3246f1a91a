#pragma once
/* Inside of the translation of rows: what one row says, column by column, and what is to be said of it in the receipt. */
#include "adapters/common/draft.h"
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

/* Columns, in the order of the tables in table.c. */
enum { PERSON_LOCAL_ID, PERSON_NHS_NUMBER, PERSON_CHI_NUMBER };
enum {
        PEOPLE_FAMILY_NAME = PERSON_CHI_NUMBER + 1,
        PEOPLE_GIVEN_NAME,
        PEOPLE_KNOWN_AS,
        PEOPLE_BIRTH_DATE,
        PEOPLE_SEX,
        PEOPLE_POSTCODE,
        PEOPLE_GP_PRACTICE,
        PEOPLE_ETHNICITY,
        PEOPLE_LANGUAGE,
        PEOPLE_INTERPRETER,
        PEOPLE_LIVES_ALONE,
        PEOPLE_MAIN_CARER,
        PEOPLE_CARER_PHONE,
        PEOPLE_RESTRICTED,
        PEOPLE_DECEASED_DATE,
};
enum {
        REFERRAL_ID = PERSON_CHI_NUMBER + 1,
        REFERRAL_RECEIVED,
        REFERRAL_FROM,
        REFERRAL_REASON,
        REFERRAL_PRIORITY,
        REFERRAL_DIAGNOSIS,
        REFERRAL_DECISION,
        REFERRAL_DECIDED,
        REFERRAL_DECLINE_REASON,
        REFERRAL_DECLINED_BY,
        REFERRAL_FIRST_CONTACT,
        REFERRAL_CLOSED,
        REFERRAL_CLOSE_REASON,
        REFERRAL_REQUESTED,
};
enum {
        CONTACT_ID = PERSON_CHI_NUMBER + 1,
        CONTACT_START,
        CONTACT_MINUTES,
        CONTACT_MODE,
        CONTACT_PLACE,
        CONTACT_STAFF_ROLE,
        CONTACT_PROVIDER,
        CONTACT_WITH_WHOM,
        CONTACT_PURPOSE,
        CONTACT_OUTCOME,
        CONTACT_NEXT,
};
/* The template's word for a place in which people wish to be, by its code of SNOMED CT; NULL: none. */
const char *plan_place_word(const char *code);
enum {
        STAY_ID = PERSON_CHI_NUMBER + 1,
        STAY_ADMITTED,
        STAY_FROM,
        STAY_REASON,
        STAY_DISCHARGED,
        STAY_TO,
        STAY_DIED,
        STAY_STATUS
};
enum {
        PLAN_ITEM = PERSON_CHI_NUMBER + 1,
        PLAN_VALUE,
        PLAN_TEXT,
        PLAN_DATE,
        PLAN_AUTHOR,
        PLAN_AUTHOR_ROLE,
        PLAN_REVIEW,
        PLAN_PLACE,
        PLAN_STATUS,
        PLAN_DECIDED,
        PLAN_SCOPE,
        PLAN_DECISION_ID,
};
enum { SCORE_SCALE = PERSON_CHI_NUMBER + 1, SCORE_ITEM, SCORE_SCORE, SCORE_DATE, SCORE_RESPONDENT };
enum {
        BEREAVED_ID,
        BEREAVED_DECEASED,
        BEREAVED_RELATION,
        BEREAVED_OFFERED,
        BEREAVED_ACCEPTED,
        BEREAVED_FIRST_CONTACT,
        BEREAVED_CLOSED,
};
enum {
        SERVICE_NAME,
        SERVICE_OFFERS,
        SERVICE_PHONE,
        SERVICE_DAYS,
        SERVICE_FROM,
        SERVICE_TO,
        SERVICE_AREA,
        SERVICE_NIGHT_PHONE
};

/* ---- what the receipt says: column -1 is the row itself */

void row_note(RowWork *work, int column, const char *sentence);
void row_refuse(RowWork *work, int column, const char *sentence);

/* ---- values: NULL where the cell is empty or was refused */

char *row_text(RowWork *work, int column);
char *row_number_text(RowWork *work, int column); /* an identifier of something, as text */
Carebus__V1__Identifier *row_identifier(RowWork *work, int column);
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
/* death.notified, informal. `died_at` may be NULL. */
void row_death(RowWork *work, Carebus__V1__When *died_at, const char *how_known, Carebus__V1__Identifier *encounter);
/* death.retracted: it was told by mistake. */
void row_death_retracted(RowWork *work, const char *how_known);

/* Reads who the row is about. */
void row_person(RowWork *work);
/* The profile's own columns, on all events of the row. */
void row_fields(RowWork *work, const char *const *cells);

void people_translate(RowWork *work);
void referrals_translate(RowWork *work);
void contacts_translate(RowWork *work);
void stays_translate(RowWork *work);
void plan_translate(RowWork *work);
void scores_translate(RowWork *work);
void bereaved_translate(RowWork *work);
void services_translate(RowWork *work);
