#pragma once
/*
 * What the files of the fold share. One entry is one FoldWork: persons and sections that it touches are unpacked once, changed in
 * place, and put into the overlay when the entry is done.
 */
#include "base/arena.h"
#include "carebus/v1/control.pb-c.h"
#include "carebus/v1/journal.pb-c.h"
#include "carebus/v1/state.pb-c.h"
#include "daemon/record/fact.h"
#include "daemon/stage/fold.h"
#include "daemon/stage/overlay.h"
#include "daemon/store/state-keys.h"

/* What one source's entries come to since the last flush. */
typedef struct FoldCounts {
        char source[64];
        uint64_t stored, duplicate, quarantined, loaded;
        int64_t last_heard_at, heard_since_at; /* 0: history only */
} FoldCounts;

struct Fold {
        Arena *arena;          /* of one entry */
        Arena *settings_arena; /* of the settings */
        Overlay *overlay;
        struct Recall *recall;
        uint64_t seq;                    /* newest entry applied */
        Carebus__V1__Settings *settings; /* NULL before the first */
        struct MatchRules *rules;        /* of the settings, or those that ship */
        FoldCounts *counts;
        size_t n_counts;
        uint32_t n_overdue;            /* reviews that fell due since somebody asked */
        struct FoldSilence **silences; /* of sources that spoke since the fold was loaded (silence.c) */
        size_t n_silences;
        FoldSilenceTold told[FOLD_SILENCES_MAX];
        size_t n_told;
        FoldEarlier earlier; /* NULL: what was set aside stays there */
        void *earlier_owner;
};

typedef struct WorkPerson {
        Carebus__V1__Person *person;
        bool dirty;
} WorkPerson;

typedef struct WorkSection {
        const char *patient_id;
        const char *name;
        Carebus__V1__StoredSection *section;
        bool dirty;
} WorkSection;

/* A fact without a number of its own: where a message says several alike, their order tells them apart. */
typedef struct WorkNumbered {
        const char *key;
        char *numbered;
        const ProtobufCMessage *body;
} WorkNumbered;

/* Somebody who is looked at for contradictions when the entry is done with, and what was said last that asks for it. */
typedef struct WorkLook {
        const char *patient_id;
        Said said;
} WorkLook;

/* What sharing needs of one home, as this entry changes it. */
typedef struct WorkSharing {
        const char *patient_id;
        Carebus__V1__StoredSharing *sharing;
        bool dirty;
} WorkSharing;

#define WORK_LIST(type)      \
        struct {             \
                type *items; \
                size_t n;    \
                size_t room; \
        }

typedef struct FoldWork {
        Fold *fold;
        StateTxn *txn;
        Arena *arena;
        Bytes entry;         /* as it stands in the journal */
        uint64_t seq;        /* under which its events are published */
        int64_t received_at; /* of the entry */
        const char *source;  /* whose events these are */
        int64_t sent_at;     /* the message's own time; 0: none */
        const char *message_id;
        bool belated;
        bool history; /* an initial load */
        bool lists_whole;
        Carebus__V1__EventMatching *const *matching; /* of the events, in their order */
        size_t n_matching;
        Carebus__V1__Event *const *events; /* of the submission, or of what is retried, */
        uint32_t n_events;                 /* and how many: derived ones are numbered behind */
        uint32_t n_persons_made;           /* beyond the first of an event */
        Carebus__V1__Outcome outcome;
        WORK_LIST(WorkPerson) persons;
        uint32_t *person_slots; /* 1 + place in `persons`, by a hash of the id; 0: free. NULL while they are few */
        size_t n_person_slots;
        WORK_LIST(WorkSection) sections;
        WORK_LIST(WorkNumbered) numbered;
        WORK_LIST(WorkLook) later;
        const char *standings_of; /* patient id: those read last, which whoever changes them writes */
        Carebus__V1__StoredStandings *standings;
        WorkSharing **sharings;
        size_t n_sharings;
        WorkLook **
                shared; /* persons whose relationships, or who is one with them, changed: looked at when the entry is done with */
        size_t n_shared;
        char **untied; /* event ids of joins that this entry takes back, until the bus has said what came of it */
        size_t n_untied;
        unsigned n_looks;                /* at persons, for contradictions */
        WORK_LIST(const char *) touched; /* persons of whom something was written */
        WORK_LIST(const char *)
        waiting; /* of whose plans, decisions or death something was, or who came to another record */
} FoldWork;

/* All functions below return 0 or negative (or STATE_E_NO_SPACE from the transaction), unless they say more. */

/* A packed value through the overlay. STATE_E_NOT_FOUND. */
int work_get(FoldWork *work, StateTable table, const StateKey *key, const ProtobufCMessageDescriptor *descriptor,
             ProtobufCMessage **ret);
int work_put(FoldWork *work, StateTable table, const StateKey *key, const ProtobufCMessage *message);
/* The record of this person says something else now, although nothing may have been written of it. work_put() notes by itself whose a value
 * is: of persons, sections and reviews. */
int work_touch_record(FoldWork *work, const char *patient_id);
/* What waits of this person in others' records may be something else now: see review_touch_candidates(). work_put() notes it of plans,
 * decisions and deaths. */
int work_touch_waiting(FoldWork *work, const char *patient_id);
/* Outcome.touched, when all else is done. */
int work_touched(FoldWork *work);
/* The person, as this entry has changed it. STATE_E_NOT_FOUND. */
int work_person(FoldWork *work, const char *patient_id, Carebus__V1__Person **ret);
int work_person_make(FoldWork *work, char *patient_id, Carebus__V1__Person **ret);
void work_person_touch(FoldWork *work, const Carebus__V1__Person *person);
/* The section, empty where there is none. */
int work_section(FoldWork *work, const char *patient_id, const char *name, Carebus__V1__StoredSection **ret);
void work_section_touch(FoldWork *work, const Carebus__V1__StoredSection *section);
/* What somebody did last with the person, a source each; empty where nobody did. Written by work_put(). */
int work_activities(FoldWork *work, const char *patient_id, Carebus__V1__StoredActivities **ret);
/* They are looked at when the entry is done with: once, however often it is said. */
int work_look_later(FoldWork *work, const char *patient_id, const Said *said);
int work_number(FoldWork *work, const char *key, char *numbered, const ProtobufCMessage *body);
/* The event says what its source said before. */
int work_confirm(FoldWork *work, uint32_t index);
/* Puts what was touched into the overlay. */
int work_store(FoldWork *work);
/* The same, and then into the transaction, so that it can be walked. */
int work_store_through(FoldWork *work);

/* Adds an event of the bus's own to the outcome; `about` is who it is of, `cause` what brought it about. *ret_event_id: its id. */
int work_derive(FoldWork *work, Carebus__V1__Event *derived, const char *about, const Said *cause, char **ret_event_id);
/* An event of the bus's own, without its body. NULL when the arena is full. */
Carebus__V1__Event *work_event(FoldWork *work, const char *type);
/* The place of an event among the person's. */
int work_index_patient(FoldWork *work, const char *patient_id, uint32_t index);
FoldCounts *work_counts(FoldWork *work); /* of the source; NULL when memory is out */
