#pragma once
/* What the files of the desk share: a request at work, and what becomes of its parts. For nobody else. */
#include "adapters/fhir/desk.h"
#include "adapters/fhir/prepare.h"

typedef enum Shape {
        SHAPE_ONE,         /* a resource: created, updated, deleted */
        SHAPE_TRANSACTION, /* all of it or nothing */
        SHAPE_BATCH,       /* each entry by itself */
        SHAPE_MESSAGE,
        SHAPE_BUNDLE, /* of any other type: what it holds was said, and that is all */
} Shape;

#define NO_SUBMISSION SIZE_MAX

/* The resource of a request, or an entry of its Bundle. */
typedef struct Part {
        EntryOutcome outcome; /* what it will be when the submission is stored */
        size_t submission;    /* NO_SUBMISSION: it stands already */
        int record;           /* place among what the submission remembers; -1: none */
} Part;

typedef struct Submission {
        bool is_done;
        CourierResult result;
        bool is_ignored;      /* the profile leaves it out, or it says nothing: never sent */
        const char *problem;  /* it waits for a person: reason code; or NULL */
        const char *position; /* or NULL */
        unsigned refused;     /* the client is told this status though it is stored; 0: no */
        FhirIssue *issues;
        size_t n_issues;
} Submission;

typedef struct Work Work;
struct Work {
        Work *previous, *next;
        Desk *desk;
        Courier *courier;
        HttpExchange *exchange;
        const HttpHead *head;
        Route route;
        Arena *arena; /* of all that it holds */
        int64_t since;
        Shape shape;
        Prepared prepared;
        Part *parts;
        size_t n_parts;
        Submission *submissions;
        size_t n_submissions, n_waiting;
};

/* Reads it and hands in what goes to the bus: `n_waiting` submissions. Where `refused` gets a status that is the answer, and nothing was
 * handed in. 0 or a negative errno. */
int work_run(Work *work, Bytes body, Answer *refused);
/* Answers a request whose submissions are all done, and frees it. */
void work_finish(Work *work);
/* The answer of a request whose submissions are all done. */
void reply_build(const Work *work, Answer *answer);
/* A refusal that names a place. */
void reply_refuse(Answer *answer, unsigned status, const FhirIssue *issue);
