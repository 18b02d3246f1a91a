#pragma once
/* Queries of operators: what is there, by which way it came, what waits in the quarantine. Reads, never decides. */
#include "daemon/serve/worker.h"

int query_run(Worker *worker);
