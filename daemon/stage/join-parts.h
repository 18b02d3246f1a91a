#pragma once
/* What the files of join share. */
#include "daemon/stage/join.h"

typedef Carebus__V1__Person Person;
typedef Carebus__V1__Tie Tie;
typedef Carebus__V1__Merge Merge;

#define KIND(name) CAREBUS__V1__TIE__KIND__KIND_##name

/* Facts that a report names, and events that wait for somebody to say whose they are; the record shows all. */
#define MOVED_MAX 1000

/* All persons that ties and moves lead to, those taken back included, in the order of their making. */
typedef struct Circle {
        Person **persons;
        size_t n_persons;
        Person **before;    /* shallow: who answered for each, and its moves */
        char ***disputes;   /* of each tie of each, as they were */
        const char **after; /* who answers now */
} Circle;

/* Why everybody finds their place anew. */
typedef struct Cause {
        const Said *said;
        const char *
                type; /* of the report; NULL: patient.unmerged where somebody answers for themselves again, else patient.merged */
        Person *const *seeds;
        size_t n_seeds;
        Merge *report;     /* what is known of it beforehand; filled in */
        const Tie *spoken; /* just said, so that its dispute is told whether new or not; NULL: none */
        bool doubts_only;  /* what came late may be in doubt; nothing else changed */
        bool by_hand;      /* somebody decides what waits in a review, which ends with that */
} Cause;

/* After ties, moves or numbers of the seeds changed: everybody finds their place, and the bus says what came of it. */
int join_settle(FoldWork *work, const Cause *cause);
/* The same where the bus itself says why. */
int join_settle_for(FoldWork *work, const Said *said, const char *type, Person *const *seeds, size_t n_seeds,
                    const char *reason);

/* Says of a tie of this kind what was said: on both sides, at its place among all that was said of it. *ret: as the survivor has it. */
int tie_say(FoldWork *work, const Said *said, Person *survivor, Person *retired, Carebus__V1__Tie__Kind kind,
            bool undone, Tie **ret);

/* Everybody whom ties and moves lead to from these two, in room: persons whom no human being has, and that every message about one of them
 * would have to look at, are not tied to each other any more. Those who are tied already may be. *ret: may they be tied? */
int join_has_room(FoldWork *work, const Person *a, const Person *b, bool *ret);

/* join-report.c: what changed hands. *ret_changed: anything did. */
int join_report(FoldWork *work, const Cause *cause, const Circle *circle, bool *ret_changed);
/* The report goes out, named with everybody whom it concerns. */
int join_publish(FoldWork *work, const Cause *cause, const Circle *circle, const char *type, Merge *report);
/* Is somebody's record another than it was? */
bool circle_changed(const Circle *circle, size_t i);

/* join-dispute.c: ties that the rules refuse, or no longer do. */
int join_disputes(FoldWork *work, const Cause *cause, const Circle *circle);
/* The record of who survives says that it was merged, whatever came of it; that of who did not become one with it as well. */
int join_fact_keep(FoldWork *work, const Said *said, const Person *survivor, const Person *retired, Merge *merge,
                   bool undone);
/* What was said here while a number stood for two waits for a person; the event ids, into the report. */
int join_doubts(FoldWork *work, const Cause *cause, const Circle *circle);

/* Nothing came of what was said; why. */
int join_refuse(FoldWork *work, const Said *said, Person *survivor, const char *dispute, const Merge *merge);

/* join-move.c: `patient.moved`. Numbers, which tell by themselves whose they are now; and stays. */
int join_move_numbers(FoldWork *work, const Said *said, Person **ret);
int join_move(FoldWork *work, const Said *said, Person *survivor, Person *const *retired, size_t n_retired);
