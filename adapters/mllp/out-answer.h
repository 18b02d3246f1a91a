#pragma once
/*
 * What a receiver's answer says of a message that was sent. Only an answer that names this very message says anything of it.
 */
#include "base/bytes.h"

#define ANSWER_CODE_SIZE 24

typedef enum AnswerKind {
        ANSWER_DELIVERED, /* AA; CA, where no further answer is to come */
        ANSWER_TAKEN,     /* CA, and the application's answer is still to come */
        ANSWER_REJECTED,  /* AR, CR: never */
        ANSWER_FAILED,    /* AE, CE: not now */
        ANSWER_FOREIGN,   /* of another message: late, or said twice */
        ANSWER_UNREADABLE, /* no HL7, no MSA, or one that names no message or knows no such code: nothing behind it can be trusted */
        _ANSWER_KIND_MAX,
} AnswerKind;

/* `acknowledgement` is the profile's word: original, accept, application, both. `ret_code`: AR, AE/207, bad-answer; of our own letters
 * and digits alone, whatever the receiver wrote. Any thread. */
AnswerKind answer_read(Bytes answer, const char *message_id, const char *acknowledgement,
                       char ret_code[ANSWER_CODE_SIZE]);
