#pragma once
/*
 * Live: one PUB socket a team (a second one where it has a tcp endpoint: CURVE is a matter of a whole socket), each in
 * its own ZAP domain. Starts at the head, never waits for anybody, says its place once a second when idle.
 */
#include "daemon/serve/worker.h"

int live_run(Worker *worker);
