/* Answers of a batch, and the frames that carry them. */
#include "daemon/stage/receipts.h"

#include <stdio.h>

#include "base/error.h"
#include "carebus/v1/intake.pb-c.h"

#define CAPACITY_AT_FIRST 1024

NumberVerdict session_number(const Session *session, uint64_t number) {
        if (number == session->answering)
                return NUMBER_NEXT;
        return session->refusing && number > session->answering ? NUMBER_BEHIND_REFUSED : NUMBER_BAD;
}

/* What this answer means for the next number. */
static void session_settle(Session *session, const Answer *answer) {
        if (answer->number != session->answering)
                return;
        session->refusing = answer->kind == ANSWER_LATER;
        if (!session->refusing)
                session->answering++;
}

static int answers_reserve(Answers *answers) {
        size_t capacity = answers->capacity ? answers->capacity * 2 : CAPACITY_AT_FIRST;
        Answer *items;

        if (answers->n_items < answers->capacity)
                return 0;
        items = reallocarray(answers->items, capacity, sizeof(*items));
        if (!items)
                return -ENOMEM;
        answers->items = items;
        answers->capacity = capacity;
        return 0;
}

int answers_add(Answers *answers, Answer answer) {
        Session *session = answer.session;
        int r = answers_reserve(answers);

        if (r < 0) {
                free(answer.detail);
                return r;
        }
        session_settle(session, &answer);
        answer.next = 0;
        answers->items[answers->n_items++] = answer;
        if (session->first_answer == 0) {
                session->first_answer = (uint32_t)answers->n_items;
                session->next_answered = answers->sessions;
                answers->sessions = session;
        } else
                answers->items[session->last_answer - 1].next = (uint32_t)answers->n_items;
        session->last_answer = (uint32_t)answers->n_items;
        return 0;
}

static void answer_turn_later(Answer *answer, const char *reason, uint32_t retry_after_ms) {
        free(answer->detail);
        answer->detail = NULL;
        answer->kind = ANSWER_LATER;
        answer->unsynced = false;
        answer->seq = 0;
        answer->retry_after_ms = retry_after_ms;
        snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
}

void answers_fail(Answers *answers, const char *reason, uint32_t retry_after_ms) {
        for (Session *session = answers->sessions; session; session = session->next_answered) {
                bool failed = false;

                for (uint32_t place = session->first_answer; place != 0; place = answers->items[place - 1].next) {
                        Answer *answer = &answers->items[place - 1];

                        if (failed)
                                answer_turn_later(answer, "behind-refused", retry_after_ms);
                        else if (answer->unsynced) {
                                answer_turn_later(answer, reason, retry_after_ms);
                                session->answering = answer->number;
                                session->refusing = true;
                                failed = true;
                        }
                }
        }
}

typedef struct ReceiptParts {
        Carebus__V1__Receipt receipts[RECEIPTS_A_FRAME];
        Carebus__V1__Receipt *pointers[RECEIPTS_A_FRAME];
        union {
                Carebus__V1__Stored stored;
                Carebus__V1__Duplicate duplicate;
                Carebus__V1__Refused refused;
        } results[RECEIPTS_A_FRAME];
        size_t n;
} ReceiptParts;

static void receipt_fill(ReceiptParts *parts, const Answer *answer) {
        const size_t i = parts->n++;
        Carebus__V1__Receipt *receipt = &parts->receipts[i];
        char *reason = answer->reason[0] ? (char *)(uintptr_t)answer->reason : NULL;

        carebus__v1__receipt__init(receipt);
        parts->pointers[i] = receipt;
        receipt->has_number = true;
        receipt->number = answer->number;
        switch (answer->kind) {
        case ANSWER_STORED:
                receipt->result_case = CAREBUS__V1__RECEIPT__RESULT_STORED;
                receipt->stored = &parts->results[i].stored;
                carebus__v1__stored__init(receipt->stored);
                receipt->stored->has_seq = true;
                receipt->stored->seq = answer->seq;
                receipt->stored->quarantined = reason;
                break;
        case ANSWER_DUPLICATE:
                receipt->result_case = CAREBUS__V1__RECEIPT__RESULT_DUPLICATE;
                receipt->duplicate = &parts->results[i].duplicate;
                carebus__v1__duplicate__init(receipt->duplicate);
                receipt->duplicate->has_of = true;
                receipt->duplicate->of = answer->seq;
                break;
        default:
                receipt->result_case = CAREBUS__V1__RECEIPT__RESULT_REFUSED;
                receipt->refused = &parts->results[i].refused;
                carebus__v1__refused__init(receipt->refused);
                receipt->refused->reason = reason;
                receipt->refused->has_permanent = true;
                receipt->refused->permanent = answer->kind == ANSWER_REFUSED;
                receipt->refused->has_retry_after_ms = answer->kind == ANSWER_LATER;
                receipt->refused->retry_after_ms = answer->retry_after_ms;
                receipt->refused->detail = answer->detail;
        }
}

int answers_pack(const Answers *answers, uint32_t *place, Buffer *ret) {
        ReceiptParts parts; /* some 40 KiB, only its first n are touched */
        Carebus__V1__Receipts receipts = CAREBUS__V1__RECEIPTS__INIT;
        Carebus__V1__ToSource message = CAREBUS__V1__TO_SOURCE__INIT;
        uint64_t last = 0;
        uint8_t *room;
        size_t size;

        parts.n = 0;
        while (*place != 0 && parts.n < RECEIPTS_A_FRAME) {
                const Answer *answer = &answers->items[*place - 1];
                /* Numbers go up within a frame. A refused one that has come again begins another. */
                if (parts.n > 0 && answer->number <= last)
                        break;
                last = answer->number;
                receipt_fill(&parts, answer);
                *place = answer->next;
        }
        receipts.n_receipts = parts.n;
        receipts.receipts = parts.pointers;
        message.message_case = CAREBUS__V1__TO_SOURCE__MESSAGE_RECEIPTS;
        message.receipts = &receipts;
        buffer_clear(ret);
        size = carebus__v1__to_source__get_packed_size(&message);
        room = buffer_reserve(ret, size);
        if (!room)
                return -ENOMEM;
        carebus__v1__to_source__pack(&message, room);
        buffer_advance(ret, size);
        return 0;
}

void answers_clear(Answers *answers) {
        Session *next;

        for (Session *session = answers->sessions; session; session = next) {
                next = session->next_answered;
                session->next_answered = NULL;
                session->first_answer = session->last_answer = 0;
        }
        for (size_t i = 0; i < answers->n_items; i++)
                free(answers->items[i].detail);
        answers->sessions = NULL;
        answers->n_items = 0;
}

void answers_deinit(Answers *answers) {
        answers_clear(answers);
        free(answers->items);
        *answers = ANSWERS_NULL;
}
