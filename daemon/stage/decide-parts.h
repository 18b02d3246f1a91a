#pragma once
/* What the files of decide share: one request of carebusctl on its way. */
#include "daemon/stage/intake-parts.h"

typedef struct ControlCall {
        ZRoute route;
        const char *identity;                /* unix:<uid>, as the transport says */
        bool is_own;                         /* the daemon's own user: serve, which asks for others */
        const Carebus__V1__Request *request; /* in the arena */
} ControlCall;

/* Answers that it cannot be, and what to do instead. 0 or negative. */
int control_refuse(Intake *intake, const ControlCall *call, const char *reason, const char *detail);
/* Puts a decision into the next batch of the journal; answered when it is durable, or at once when too many wait. */
int control_enter(Intake *intake, const ControlCall *call, const ControlDecision *decision);

int take_identity_decide(Intake *intake, const ControlCall *call);
int take_settle(Intake *intake, const ControlCall *call);

/* decide-grant.c: what is granted for a time, and what a destination cannot deliver. Asked by operators, and by serve for a team's
 * program. */
int take_break_glass(Intake *intake, const ControlCall *call);
int take_open_contact(Intake *intake, const ControlCall *call);
int take_grant_end(Intake *intake, const ControlCall *call);
int take_park(Intake *intake, const ControlCall *call);

/* decide-reader.c: a reader that never comes back. */
int take_forget_reader(Intake *intake, const ControlCall *call);
