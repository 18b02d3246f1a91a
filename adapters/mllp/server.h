#pragma once
/*
 * carebus-mllp at work: one listener, hundreds of connections, one event loop, one way to the bus.
 */
#include "adapters/common/program.h"

/* Runs until SIGTERM or SIGINT. An exit code. */
int server_run(const ProgramOptions *options, Config *config);
