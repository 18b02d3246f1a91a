#pragma once
/*
 * The audit thread: what core decided and which settings it took are audited as their entries are folded, once each, also across restarts:
 * the audit itself knows the newest one that stands in it. It is also who says, once, that the audit has no room or room again.
 */
#include "daemon/serve/worker.h"

int audit_follow_run(Worker *worker);
