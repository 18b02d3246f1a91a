#pragma once
/* What became of a decision: it is durable when it is answered, and carried out, or refused, when the fold has come to it. */
#include "carebus/v1/control.pb-c.h"
#include "ctl/command.h"

/* Asks core; says on stdout what came of it (with --json the DecisionReply), on stderr why it was refused. EXIT_DONE, EXIT_NO where the
 * rules refuse it, EXIT_LATER where it is stored and not carried out yet, or as client_ask_or_say(). */
/* Waits a little until the fold has carried out the decision of this number: EXIT_DONE; EXIT_NO, said on stderr, where it refused;
 * EXIT_LATER. */
int decided_wait(const Config *config, uint64_t seq);
int decided_ask(const Context *context, const Config *config, Carebus__V1__Request *request, const char *done);
