#pragma once
/*
 * What a thread of serve says to the audit: one function a way out. Every way goes like this:
 *
 *         audit_say_begin(say, &reader);
 *         for everything that this reader is given in this round:
 *                 audit_say_item(say, &item);
 *         r = audit_say_end(say);            one record for all of it, written before the first send
 *         if (r == AUDIT_SAY_E_WAIT) ...     no room on disk: send nothing, leave the reader's place, try again next turn
 *         ... send ...
 *
 * What could not be sent after all (ZSOCK_E_AGAIN) stands in the audit already: keep the newest place that was audited in the
 * session and leave what is not behind it out of the next record (the same session, the same bytes). A new session says all anew.
 *
 * The digest is SHA-256 of the event's, or the record's, packed bytes as this team gets them, without the Delivery around: keep it
 * beside the bytes that several teams share, it is the costly part.
 *
 * An AuditSay belongs to one thread (audit_say_new(worker->audit, ...) when it begins); the Audit behind it to all. Texts are borrowed
 * for the call.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "carebus/v1/audit.pb-c.h"
#include "daemon/audit/audit.h"
#include "daemon/serve/place.h"

/* Positive returns. */
enum {
        _AUDIT_SAY_E_SUCCESS,
        AUDIT_SAY_E_WAIT =
                96, /* no room on disk: what cannot be audited is not given out. The audit thread logs it, once */
};

typedef struct AuditSay AuditSay;

int audit_say_new(Audit *audit, const Clock *clock, AuditSay **ret);
AuditSay *audit_say_free(AuditSay *say);
DEFINE_CLEANUP(AuditSay *, audit_say_free)

/* Who is given something, and how. NULL: not known, or not applicable. */
typedef struct AuditReader {
        const char *team; /* NULL: an operator, who sees all */
        const char *consumer;
        Carebus__V1__AuditWay way;
        const char *peer; /* as ZAP says: unix:<uid>, key:<z85> */
        const char *who, *system, *purpose;
} AuditReader;

typedef struct AuditItem {
        Bytes patient_id;         /* empty: of nobody */
        Place place;              /* an event: its place. A record: as of this number; index not looked at */
        const uint8_t *digest;    /* SHA256_SIZE bytes, or NULL: nothing that has bytes (somebody was found) */
        int rule;                 /* SharingVerdict.rule; -1: its own word */
        uint64_t settings;        /* view_settings_mark() */
        const char *relationship; /* kind, or NULL */
        bool part;                /* fields were left out */
        bool record;              /* a record, or the record so far beside record.granted: an item of its own */
        bool correction; /* the notice that something is withdrawn; `place` is that of the event that withdraws */
} AuditItem;

void audit_say_begin(AuditSay *say, const AuditReader *reader);
void audit_say_item(AuditSay *say, const AuditItem *item);
/* Nothing is written where there was no item. 0, AUDIT_SAY_E_WAIT, or negative: end the thread. */
int audit_say_end(AuditSay *say);

/* One thing to one reader: the three in one. */
int audit_say(AuditSay *say, const AuditReader *reader, const AuditItem *item);

/* Something was refused. The first is written at once; alike ones within a second are counted and written by audit_say_turn(). */
typedef struct AuditRefused {
        const char *team, *peer, *who, *system;
        Carebus__V1__AuditWay way;
        const char *code;       /* not-allowed, not-found, ... */
        const char *patient_id; /* whom it would have been about, where the bus knows */
        Place place;            /* `why` of an event; 0.0: none */
} AuditRefused;
int audit_say_refused(AuditSay *say, const AuditRefused *refused);
/* Each turn of the thread, at least once a second. 0, AUDIT_SAY_E_WAIT, or negative. */
int audit_say_turn(AuditSay *say);
