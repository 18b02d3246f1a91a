#pragma once
/* What the files view*.c share: a record on its way from the state. */
#include "daemon/record/keys.h"
#include "daemon/record/read.h"

/* A fact and where it lies. */
typedef struct Found {
        const char *section; /* of the record: encounters */
        const char *stored;  /* in the state: encounters/SOURCE/KEY */
        const Carebus__V1__Person *home;
        bool away; /* its home is another person's: it belongs here by a move */
        Carebus__V1__StoredFact *fact;
} Found;

/* What a source said again of a person. */
typedef struct Again {
        struct Again *next;
        const char *source;
        const Carebus__V1__Person *home;
        Carebus__V1__SaidAgain *said;
} Again;

/* Sections that a source stated completely, of one id. */
typedef struct Lists {
        struct Lists *next;
        const char *source;
        const Carebus__V1__Person *home;
        Carebus__V1__StoredLists *said;
} Lists;

/* Who answers for whom: the other sides of moves are few, and each has many facts. */
typedef struct Answer {
        struct Answer *next;
        const char *patient_id, *answers;
} Answer;

typedef struct Viewing {
        StateTxn *txn;
        Arena *arena;
        Carebus__V1__Record *record;
        const RecordCommon *common;
        Carebus__V1__Person **persons; /* the members, then the homes of what was moved here */
        size_t n_members, n_persons;
        const Carebus__V1__Person *home; /* whose sections are read */
        bool away;                       /* it is no member */
        bool renumbered;                 /* some stay was given another number */
        int64_t stands_at;               /* time up to which review dates count */
        Again *again;
        Lists *lists;
        Answer *answers;
        Found **found;
        size_t n_found, found_room;
        size_t facts_room; /* of the section that is being shown */
        /* Of the sections with rules of their own, as the whole record has them. */
        Carebus__V1__StoredFact **demographics;
        size_t n_demographics;
        Carebus__V1__StoredFact **deaths;
        size_t n_deaths;
        Carebus__V1__Fact **decisions; /* in the order of their decisions */
        size_t n_decisions, decisions_room;
        /* What the reader is not shown. */
        struct Unseen *unseen;
} Viewing;

/* A fact that the reader does not see. */
typedef struct Unseen {
        struct Unseen *next;
        const char *section;
        const Carebus__V1__Fact *fact;
        bool sensitive; /* not even that it is there */
} Unseen;

/* All facts of the persons that belong to this record, and its conflicts. */
int view_walk(Viewing *viewing);
/* Is a number of this home a number of this person? It may have been moved away, or here. */
int view_number_belongs(Viewing *viewing, const Carebus__V1__Person *home, bool away,
                        const Carebus__V1__Identifier *number, bool *ret);
/* What was found becomes the sections of the record, in order; facts of one source about one thing become one. */
int view_unite(Viewing *viewing);

/* Leaves out of sections, decisions, conflicts and what is held whatever the reader does not see. RECORD_E_NOT_FOUND: it is nobody to
 * them. */
int view_cut(Viewing *viewing, const RecordEyes *eyes);
/* Where what is seen alone would say what is not so. */
void view_cut_overview(Viewing *viewing, const RecordEyes *eyes);
/* A number is seen by who sees that of the demographics of one who used it; `eyes` NULL: all. */
int view_sees_number(const RecordEyes *eyes, const Carebus__V1__PersonIdentifier *number, Arena *arena, bool *ret);
