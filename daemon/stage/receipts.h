#pragma once
/*
 * What a batch answers, kept back until its sync is done: an answer that depends on the batch stands and falls with it.
 * Belongs to the intake thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "daemon/peer/session.h"

typedef enum AnswerKind {
        ANSWER_STORED,
        ANSWER_DUPLICATE,
        ANSWER_REFUSED, /* permanently */
        ANSWER_LATER,
} AnswerKind;

typedef struct Answer {
        Session *session;
        uint64_t number;
        AnswerKind kind;
        bool unsynced; /* stored, or duplicate of what is stored, in this batch */
        uint64_t seq;
        uint32_t retry_after_ms;
        uint32_t next;                    /* place + 1 of the session's next answer */
        char reason[SESSION_REASON_SIZE]; /* "" for none */
        char *detail;                     /* owned, or NULL */
} Answer;

typedef struct Answers {
        Answer *items;
        size_t n_items, capacity;
        Session *sessions; /* those that are answered, through next_answered */
} Answers;

#define ANSWERS_NULL ((Answers){ .n_items = 0 })

/* Takes the answer and its detail, also when it fails; sets `next`, and brings the session's numbering up to date. */
int answers_add(Answers *answers, Answer answer);
/* The batch did not become durable: all that depended on it, and all behind that in the same session, is refused as later. */
void answers_fail(Answers *answers, const char *reason, uint32_t retry_after_ms);
/* A ToSource with the receipts of a session from *place on (place + 1, as in Session.first_answer), at most RECEIPTS_A_FRAME;
 * moves *place, 0 behind the last. */
#define RECEIPTS_A_FRAME 256
int answers_pack(const Answers *answers, uint32_t *place, Buffer *ret);
void answers_clear(Answers *answers);
void answers_deinit(Answers *answers);

/* Numbering (proto/GRAMMAR.md): a session's submissions are numbered without a gap; after one was refused as later all behind
 * it are, until it comes again. */
typedef enum NumberVerdict {
        NUMBER_NEXT,
        NUMBER_BEHIND_REFUSED,
        NUMBER_BAD,
} NumberVerdict;
NumberVerdict session_number(const Session *session, uint64_t number);
