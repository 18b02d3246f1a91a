#pragma once
/* What the files of conflicts share: one look at one human being, and the contradictions that there are now. */
#include "daemon/record/stamp.h"
#include "daemon/stage/fold-parts.h"

typedef Carebus__V1__Person Person;
typedef Carebus__V1__StoredConflict StoredConflict;
typedef Carebus__V1__StoredConflicts StoredConflicts;

/* A contradiction that there is now. */
typedef struct Wanted {
        const char *key;
        const char *section;
        const char *path;
        const char *reason;
        char **event_ids; /* of the claims */
        size_t n_event_ids;
        char **claims; /* who says what: once somebody has decided about these, they open nothing again */
        size_t n_claims;
        bool found; /* it is open already, or decided */
} Wanted;

/* One source's word, of whichever id it came under. */
typedef struct SourceWord {
        Carebus__V1__StoredFact *stored;
        size_t member;
} SourceWord;

typedef struct Look {
        FoldWork *work;
        Person **members; /* who answers first */
        size_t n_members;
        SourceWord *words; /* demographics, one a source */
        size_t n_words;
        SourceWord *deaths; /* standing, one a source */
        size_t n_deaths;
        SourceWord *retracted; /* deaths that a source has taken back, one a source */
        size_t n_retracted;
        Wanted *wanted;
        size_t n_wanted, room;
} Look;

/* What a person decided, or a date that passed, was said by no event. */
static inline Said said_by_nobody(void) {
        static const Carebus__V1__Event nothing = CAREBUS__V1__EVENT__INIT;

        return (Said){ .event = &nothing };
}

/* NULL when the arena is full, or `key` is NULL. It moves when another is added. */
Wanted *look_want(Look *look, const char *key, const char *section, const char *path, const char *reason);
/* A claim of it: the event, and what it comes to. 0 or -ENOMEM, also where one of them is NULL. */
int wanted_claim(Look *look, Wanted *wanted, const char *event_id, const char *claim);
/* Demographics and deaths of everybody who is one with them. */
int look_gather(Look *look);

/* Is this person one of those whom we look at? */
bool look_has_member(const Look *look, const char *patient_id);

/* Does a formal death stand of any of the members? */
int look_formally_dead(FoldWork *work, Person **members, size_t n_members, bool *ret);

/* One file a group: what there is of it now, as Wanted. 0 or as work_get(). */
int look_at_identity(Look *look);
int look_at_death(Look *look);
int look_at_topics(Look *look);

/* The open and closed conflicts of one person's own home. */
int conflicts_get(FoldWork *work, const Person *person, StoredConflicts **ret);
/* Those that closed long ago go; what somebody decided stays. */
int conflicts_keep(FoldWork *work, const Person *person, StoredConflicts *conflicts);
/* Closes it and says so; `closed_by` NULL: by the event that says so. */
int conflict_close(FoldWork *work, const Said *said, const char *about, StoredConflict *stored, const char *closed_by);
/* The same conflict stands with the other persons it names: it closes there as well, without being said twice. */
int conflict_close_others(FoldWork *work, const StoredConflict *closed);
