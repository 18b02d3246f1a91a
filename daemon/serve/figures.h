#pragma once
/*
 * The figures thread: what core counts (daemon/figures, mapped for reading), what serve knows and what the state says, as text for whoever
 * watches: /metrics, /healthz, /readyz over HTTP at <run>/metrics, and at `metrics:` or the listener that a service manager hands over.
 * Figures carry names of the configuration and no person's anything, so whoever can reach the address may read them.
 */
#include "daemon/serve/worker.h"

int figures_run(Worker *worker);
