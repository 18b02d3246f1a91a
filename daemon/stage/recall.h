#pragma once
/*
 * recall: a source says the same identifiers of a person with every message. Whose they were is kept in memory until something
 * about that person changes; forgetting any of it at any time changes nothing but the work. One thread.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct Recall Recall;

#define RECALL_ID_SIZE 40 /* of a patient id with its NUL */

typedef struct RecallAnswer {
        char patient_id[RECALL_ID_SIZE];
        char answering[RECALL_ID_SIZE];
        unsigned under; /* Said.under */
        bool joined;    /* with others */
        bool in_review; /* who it is is not confirmed */
} RecallAnswer;

int recall_new(Recall **ret);
Recall *recall_free(Recall *recall);
DEFINE_CLEANUP(Recall *, recall_free)
void recall_clear(Recall *recall);
/* NULL: not known, or no longer so. Borrowed until the next call that changes anything. */
const RecallAnswer *recall_find(const Recall *recall, Bytes said);
/* 0 or -ENOMEM. What does not fit is not kept. */
int recall_keep(Recall *recall, Bytes said, const RecallAnswer *answer);
/* Something about the person changed, or is about to. */
void recall_forget(Recall *recall, const char *patient_id);
